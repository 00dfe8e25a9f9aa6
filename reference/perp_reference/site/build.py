"""Builds the site: gathers the pages, checks what they claim, has zensical render them, and checks the result."""

import re
import shutil
import subprocess
import sys
import time
from ast import FunctionDef
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from attrs import frozen

from perp_reference.pages.shared import HIDDEN
from perp_reference.site.arithmetic import check_sums
from perp_reference.site.claims import check_commands, check_figures, check_snippets, check_sources, without_marks
from perp_reference.site.facts import Facts
from perp_reference.site.faults import Fault, Faulty
from perp_reference.site.generated import figures, generated_pages, spliced
from perp_reference.site.links import check_site
from perp_reference.site.sources import FILES, Sources, place_of, read_sources
from perp_reference.site.tables import with_widths
from perp_spec.perpetual.catalogue import LIBRARY

CONFIG = "mkdocs.yml"
PAGES = Path("build", "docs")
SITE = Path("site")
FAULTY = Path("build", "faulty-site")

HERE = re.compile(r"<!-- here: ([^>]*?) -->")
"""A place in a hand-written page for something that is computed."""

DEFINED = re.compile(r"^(?:    )?def (\w+)\(", re.MULTILINE)
NAMED = re.compile(r"([\w./-]+\.md)\s*$", re.MULTILINE)

Told = Callable[[str], None]

Assemble = Callable[[Path], None]
"""Puts what needs the prover into a finished site."""


class RendererFailed(Exception):
    """The renderer did not build the site; the message is what it wrote last."""


@frozen
class Built:
    """A site that was built.

    Attributes:
        site: Where it is.
        pages: How many pages it has.
        seconds: How long it took.
    """

    site: Path
    pages: int
    seconds: float


def build(root: Path, facts: Facts, told: Told, assemble: Assemble) -> Built:
    """Build the site of a checkout; `assemble` puts the playground into it.

    Raises:
        Faulty: Something that a page says does not hold, or a link leads nowhere.
        RendererFailed: The renderer failed.
    """
    started = time.monotonic()
    gather(root, facts, told)
    told("rendering the pages")
    render(root)
    site = root / SITE
    told("adding the playground")
    assemble(site)
    told("following every link")
    faults = check_site(site)
    if faults:
        set_aside(root)
        raise Faulty(faults)
    return Built(site, len(list(site.rglob("*.html"))), time.monotonic() - started)


def gather(root: Path, facts: Facts, told: Told) -> None:
    """Write the sources of the site: the pages of `docs/`, and those that are made of the rules.

    Raises:
        Faulty: Something that a page says does not hold.
    """
    told("reading the pages")
    sources = read_sources(root)
    told("making pages of the rules")
    made = generated_pages(facts, told)
    told("checking what the pages claim")
    known = figures(facts)
    faults = [*sources.faults, *made.faults]
    for name, text in sources.pages.items():
        faults += claims_faults(place_of(name), text, known, facts, by_hand=name not in made.pages)
    faults += once_faults(made.pages)
    faults += nav_faults((root / CONFIG).read_text(encoding="utf-8"), {**sources.pages, **made.pages})
    here = spliced(facts)
    pages = {name: with_splices(without_marks(text), here) for name, text in sources.pages.items()}
    faults += splice_faults(sources.pages, here)
    if faults:
        raise Faulty(faults)
    shown = {name: with_widths(text) for name, text in {**pages, **made.pages}.items()}
    write(root / PAGES, Sources(shown, {**sources.files, **made.files}))


def with_splices(text: str, here: dict[str, str]) -> str:
    """A page with what is computed in its places."""
    return HERE.sub(lambda match: here.get(match.group(1), match.group()), text)


def splice_faults(pages: dict[str, str], here: dict[str, str]) -> Iterator[Fault]:
    """A fault for each place for something unknown, and for each thing without a place."""
    places = [(name, match.group(1)) for name, text in pages.items() for match in HERE.finditer(text)]
    for name, wanted in places:
        if wanted not in here:
            yield Fault(place_of(name), wanted, f"one of {', '.join(here)}")
    for wanted in here:
        if wanted not in {found for _, found in places}:
            yield Fault("docs", "none", f"a page with the place for {wanted}")


def once_faults(pages: dict[str, str]) -> Iterator[Fault]:
    """A fault for each definition of the rules that is not shown exactly once."""
    shown = Counter(name for text in pages.values() for name in DEFINED.findall(text))
    for name, definition in LIBRARY.items():
        if name not in HIDDEN and isinstance(definition.node, FunctionDef) and shown[name] != 1:
            yield Fault(f"rule text {name}", f"{shown[name]} times", "once on the site")


def nav_faults(config: str, pages: Iterable[str]) -> Iterator[Fault]:
    """A fault for each page that the navigation does not name once, and for each that it names and is not there."""
    named = Counter(NAMED.findall(config[config.index("\nnav:") :]))
    for name in pages:
        if named[name] != 1 and not name.startswith(f"{FILES}/"):
            yield Fault(f"{CONFIG}, nav", f"{name} {named[name]} times", f"{name} once")
    for name in set(named) - set(pages):
        yield Fault(f"{CONFIG}, nav", name, "a page that is there")


def claims_faults(place: str, text: str, known: dict[str, str], facts: Facts, *, by_hand: bool) -> Iterable[Fault]:
    """What a page claims that does not hold; the snippets of generated pages are the rules themselves."""
    yield from check_figures(place, text, known)
    yield from check_sources(place, text)
    yield from check_sums(place, text)
    yield from check_commands(place, text, facts.check)
    if by_hand:
        yield from check_snippets(place, text)


def write(directory: Path, sources: Sources) -> None:
    """Write the sources of the site into a directory of their own."""
    shutil.rmtree(directory, ignore_errors=True)
    contents = {**{name: text.encode() for name, text in sources.pages.items()}, **sources.files}
    for name, content in contents.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def render(root: Path) -> None:
    """Have zensical build the site from its sources.

    Raises:
        RendererFailed: It failed.
    """
    shutil.rmtree(root / SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--config-file", CONFIG]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode or not (root / SITE / "index.html").is_file():
        raise RendererFailed((done.stderr or done.stdout).strip() or "no page came out")


def set_aside(root: Path) -> None:
    """Move a site with faults to where nobody takes it for a good one."""
    shutil.rmtree(root / FAULTY, ignore_errors=True)
    (root / SITE).rename(root / FAULTY)
