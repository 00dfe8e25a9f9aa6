"""Every page of the site in a real browser: phone and desktop, light and dark."""

from pathlib import Path

import pytest

from support.chromium import DESKTOP, PHONE, Browser, Page

pytestmark = pytest.mark.browser

OVERFLOWING = """
(width => [...document.querySelectorAll('body *')]
  .filter(element => element.getBoundingClientRect().right > width + 1)
  .map(element => element.tagName + '.' + element.className)
  .slice(0, 3).join(' '))(%d)
"""


SETTLING_SECONDS = 0.1
"""For the scripts of a page; what comes later is heard while the next one is looked at."""

LAST_SECONDS = 2.0


def faults(page: Page, address: str, name: str) -> list[str]:
    """What is wrong with a page at both widths."""
    found: list[str] = []
    page.open(address + name)
    page.rest(SETTLING_SECONDS)
    for width, height in (PHONE, DESKTOP):
        page.resize(width, height)
        wide = page.read("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{name} is {wide} wide at {width}: {page.read(OVERFLOWING % width)}")
    return found + heard(page, address, name)


def heard(page: Page, address: str, name: str) -> list[str]:
    """What was shown in the console and asked for since this was last looked at."""
    found = [f"{name}: {error}" for error in page.errors]
    found += [f"{name} asks for {asked}" for asked in page.outside(address)]
    page.errors.clear()
    page.requests.clear()
    return found


@pytest.mark.parametrize(("dark", "scheme"), [(False, "default"), (True, "slate")], ids=["light", "dark"])
def test_every_page_fits_and_asks_nobody(site: Path, address: str, browser: Browser, dark: bool, scheme: str) -> None:
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    assert {"index.html", "playground/index.html", "rules/trade.html", "404.html"} <= set(names)
    found: list[str] = []
    with Page(browser, *DESKTOP, dark=dark) as page:
        for name in names:
            found += faults(page, address, name)
            shown = page.read("document.body.dataset.mdColorScheme")
            found += [f"{name} is {shown}"] if shown != scheme else []
        page.rest(LAST_SECONDS)
        found += heard(page, address, "the last page")
    assert found == []
