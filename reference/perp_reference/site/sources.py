"""The pages that people wrote, as the site has them: what they link to outside `docs/` comes with them."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import define, field

from perp_reference.site.faults import Fault

PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
    "README.md": "readme.md",
    "requirements/README.md": "requirements.md",
}
"""Pages outside `docs/`, and where the site has them."""

FILES = "files"
"""The directory of the site for the other files that a page links to."""

LINK = re.compile(r"(?<=\]\()([^)\s]*)(?=\))")
FENCED = re.compile(r"^(```|~~~).*?^\1[`~]*$", re.MULTILINE | re.DOTALL)
LISTED = re.compile(r"^- \[.*(?:\n  .*)*", re.MULTILINE)
"""An item of a list that begins with a link."""
FILE_LINK = re.compile(r"\[[\w./-]+\.md\]\((?P<page>[\w./-]+\.md)\)")
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|//")
OUTSIDE_LINK = re.compile(r"\[([^\]]*)\]\((https?:[^)\s]*)\)")


@define
class Sources:
    """What the site is built from.

    Attributes:
        pages: The text of each page, by its path in the site's sources.
        files: The content of every other file, by its path.
        faults: Links that lead nowhere.
    """

    pages: dict[str, str] = field(factory=dict)
    files: dict[str, bytes] = field(factory=dict)
    faults: list[Fault] = field(factory=list)


def read_sources(root: Path) -> Sources:
    """Read `docs/` and what its pages link to, with every link as the site needs it."""
    sources = Sources()
    docs = root / "docs"
    for path in sorted(docs.rglob("*")):
        name = path.relative_to(docs).as_posix()
        if path.is_dir() or any(part.startswith(".") for part in path.relative_to(docs).parts):
            continue
        if path.suffix == ".md":
            sources.pages[name] = linked(sources, root, f"docs/{name}", name, path.read_text(encoding="utf-8"))
        else:
            sources.files[name] = path.read_bytes()
    for place, name in PAGES.items():
        if (root / place).is_file():
            text = (root / place).read_text(encoding="utf-8")
            sources.pages[name] = linked(sources, root, place, name, text)
    for name, text in sources.pages.items():
        sources.pages[name] = with_titles(sources.pages, name, text)
    return sources


def with_titles(pages: Mapping[str, str], name: str, text: str) -> str:
    """A page in whose lists pages are called by their titles instead of their files."""

    def titled(link: re.Match[str]) -> str:
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(name), link.group("page")))
        title = TITLE.search(pages.get(wanted, ""))
        return f"[{title.group(1)}]({link.group('page')})" if title else link.group()

    return LISTED.sub(lambda item: FILE_LINK.sub(titled, item.group()), text)


def place_of(name: str) -> str:
    """The file of the checkout that a page of the site is from."""
    return next((place for place, page in PAGES.items() if page == name), f"docs/{name}")


def linked(sources: Sources, root: Path, place: str, name: str, text: str) -> str:
    """The text of a page with its links led to where the site has what they name."""
    parts: list[str] = []
    start = 0
    for fence in [*FENCED.finditer(text), None]:
        stop = fence.start() if fence else len(text)
        prose = OUTSIDE_LINK.sub(as_text, text[start:stop])
        parts.append(LINK.sub(lambda match: target(sources, root, place, name, match.group()), prose))
        if fence:
            parts.append(fence.group())
            start = fence.end()
    return "".join(parts)


def as_text(link: re.Match[str]) -> str:
    """A link to the outside as text: the site asks nothing of anybody, and sends nobody away unawares."""
    label, address = link.groups()
    return f"`{address}`" if label == address else f"{label} (`{address}`)"


def target(sources: Sources, root: Path, place: str, name: str, link: str) -> str:
    """Where a link of a page leads in the site."""
    path, mark, anchor = link.partition("#")
    if not path or OUTSIDE.match(path):
        return link
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(place), path))
    found = in_site(sources, root, wanted)
    if not found:
        sources.faults.append(Fault(place, link, "a link to a file of this checkout"))
        return link
    return posixpath.relpath(found, posixpath.dirname(name) or ".") + mark + anchor


def in_site(sources: Sources, root: Path, wanted: str) -> str:
    """The path in the site's sources of a file of the checkout; "" where there is none."""
    if wanted in PAGES:
        return PAGES[wanted]
    file = root / wanted
    if wanted.startswith(".."):
        return ""
    if wanted == "docs" or wanted.startswith("docs/"):
        inside = wanted.removeprefix("docs").removeprefix("/")
        if file.is_dir():
            return posixpath.join(inside, "index.md")
        return inside if file.is_file() else ""
    if file.is_dir():
        return listing(sources, root, wanted)
    if not file.is_file():
        return ""
    # Browsers show a text file and would offer to save a script.
    shown = f"{FILES}/{wanted}.txt"
    sources.files[shown] = file.read_bytes()
    return shown


def listing(sources: Sources, root: Path, wanted: str) -> str:
    """The page that lists the text files of a directory outside `docs/`, which come with it."""
    name = f"{FILES}/{wanted}/index.md"
    lines: list[str] = []
    begin = ["Begin with [README.md](README.md.txt).", ""] if (root / wanted / "README.md").is_file() else []
    for path in sorted((root / wanted).rglob("*")):
        inside = path.relative_to(root / wanted)
        if path.is_file() and not any(part.startswith((".", "__")) for part in inside.parts) and is_text(path):
            sources.files[f"{FILES}/{wanted}/{inside.as_posix()}.txt"] = path.read_bytes()
            lines.append(f"- [{inside.as_posix()}]({inside.as_posix()}.txt)")
    sources.pages[name] = "\n".join((f"# {wanted}", "", *begin, *lines, ""))
    return name


def is_text(path: Path) -> bool:
    """Whether people can read a file."""
    try:
        path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def prose_lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line of a page outside of fences."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = line.strip()[:3]
        if fence:
            fence = "" if mark == fence else fence
        elif mark in ("```", "~~~"):
            fence = mark
        else:
            yield number, line
