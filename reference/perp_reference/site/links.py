"""The check of the finished site: every link leads somewhere, and nothing of it is loaded from outside."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import define, field

from perp_reference.site.faults import Fault

ADDRESSES = frozenset({"action", "background", "cite", "data", "formaction", "href", "ping", "poster", "src", "srcset"})
"""Attributes that hold an address."""

STYLE_ADDRESS = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)""")
SCRIPT_ADDRESS = re.compile(r"""["'`](https?:)?//[\w-]+(\.[\w-]+)+""")

FOREIGN = ("assets/javascripts/", "playground/pyodide/")
"""Scripts of the theme and of the playground's interpreter. They name addresses that are asked only where a page is set
up for it; the tests in a browser see that none is."""


@define
class Page(HTMLParser):
    """What a page names and what it links to.

    Attributes:
        names: What an address can name after its `#`.
        addresses: Line and address of everything that it links to or loads.
    """

    names: set[str] = field(factory=set)
    addresses: list[tuple[int, str]] = field(factory=list)
    _style: bool = False

    def __attrs_post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes the names and the addresses of a tag."""
        self._style = tag == "style"
        line = self.getpos()[0]
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.names.add(value)
            elif name in ADDRESSES:
                self.addresses.append((line, value))
            elif name == "style":
                self.addresses += [(line, found) for found in STYLE_ADDRESS.findall(value)]
        if tag == "meta" and ("http-equiv", "refresh") in attrs:
            self.addresses += [(line, value.partition("=")[2]) for name, value in attrs if name == "content" and value]

    def handle_data(self, data: str) -> None:
        """Notes the addresses of a style sheet inside the page."""
        if self._style:
            self.addresses += [(self.getpos()[0], found) for found in STYLE_ADDRESS.findall(data)]


def check_site(site: Path) -> list[Fault]:
    """Every fault of the links and addresses of a finished site."""
    pages: dict[Path, Page] = {}
    for path in sorted(site.rglob("*.html")):
        page = Page()
        page.feed(path.read_text(encoding="utf-8"))
        pages[path] = page
    found = [fault for path, page in pages.items() for fault in page_faults(site, pages, path, page)]
    for path in sorted(site.rglob("*.css")):
        found += style_faults(site, path)
    for path in sorted(site.rglob("*.js")):
        found += script_faults(site, path)
    return found


def page_faults(site: Path, pages: dict[Path, Page], path: Path, page: Page) -> Iterator[Fault]:
    """The faults of a page."""
    for line, address in page.addresses:
        place = f"{path.relative_to(site).as_posix()}:{line}"
        expected = broken(site, pages, path, address)
        if expected:
            yield Fault(place, address, expected)


def broken(site: Path, pages: dict[Path, Page], path: Path, address: str) -> str:
    """What an address should have been; "" where it is right."""
    parts = urlsplit(address.strip())
    if parts.scheme in ("data", "javascript") or (parts.scheme == "mailto" and not parts.netloc):
        return ""
    if parts.scheme or parts.netloc:
        return "no address outside the site"
    # The page for missing pages is served under any path, and so names its files from the root.
    base = site / parts.path.lstrip("/") if parts.path.startswith("/") else path.parent / unquote(parts.path)
    wanted = path if not parts.path else base.resolve()
    if wanted.is_dir():
        wanted /= "index.html"
    if not wanted.is_file():
        return "a file of the site"
    anchor = unquote(parts.fragment)
    if anchor and not anchor.startswith(":~:") and wanted.suffix == ".html" and anchor not in pages[wanted].names:
        return "a place on the page"
    return ""


def style_faults(site: Path, path: Path) -> Iterator[Fault]:
    """What a style sheet loads from outside, or does not find."""
    for address in STYLE_ADDRESS.findall(path.read_text(encoding="utf-8")):
        parts = urlsplit(address)
        if parts.scheme == "data" or address.startswith("#"):
            continue
        place = path.relative_to(site).as_posix()
        if parts.scheme or parts.netloc:
            yield Fault(place, address, "no address outside the site")
        elif not (path.parent / unquote(parts.path)).is_file():
            yield Fault(place, address, "a file of the site")


def script_faults(site: Path, path: Path) -> Iterator[Fault]:
    """Outside addresses that a script of this project has."""
    place = path.relative_to(site).as_posix()
    if place.startswith(FOREIGN):
        return
    for match in SCRIPT_ADDRESS.finditer(path.read_text(encoding="utf-8")):
        yield Fault(place, match.group().strip("\"'`"), "no address outside the site")
