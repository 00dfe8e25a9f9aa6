"""Builds the site: gathers the pages, checks what they claim, has zensical render them, and checks the result."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from attrs import frozen

from perp_reference.site.arithmetic import check_sums
from perp_reference.site.claims import check_commands, check_figures, check_snippets, without_marks
from perp_reference.site.facts import Facts
from perp_reference.site.faults import Fault, Faulty
from perp_reference.site.generated import figures, generated_pages
from perp_reference.site.links import check_site
from perp_reference.site.sources import Sources, place_of, read_sources
from perp_reference.site.tables import with_widths

CONFIG = "mkdocs.yml"
PAGES = Path("build", "docs")
SITE = Path("site")
FAULTY = Path("build", "faulty-site")

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
    made = generated_pages(root, facts, told)
    told("checking what the pages claim")
    known = figures(facts)
    faults = [*sources.faults, *made.faults]
    for name, text in sources.pages.items():
        faults += claims_faults(place_of(name), text, known, facts, by_hand=name not in made.pages)
    if faults:
        raise Faulty(faults)
    pages = {name: without_marks(text) for name, text in sources.pages.items()}
    shown = {name: with_widths(text) for name, text in {**pages, **made.pages}.items()}
    write(root / PAGES, Sources(shown, {**sources.files, **made.files}))


def claims_faults(place: str, text: str, known: dict[str, str], facts: Facts, *, by_hand: bool) -> Iterable[Fault]:
    """What a page claims that does not hold; the snippets of generated pages are the rules themselves."""
    yield from check_figures(place, text, known)
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
