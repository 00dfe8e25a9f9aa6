"""The check of a finished site, on sites with one fault each."""

from pathlib import Path

import pytest

from perp_reference.site.links import check_site

PAGE = '<!doctype html><h1 id="top">A page</h1><a href="{}">there</a>'


def site(directory: Path, **files: str) -> Path:
    """A site with a page and whatever else is given; names have `__` for a slash and `_` for the dot."""
    contents = {"index_html": PAGE.format("other.html#place"), "other_html": '<p id="place">here</p>', **files}
    for name, text in contents.items():
        path = directory / name.replace("__", "/")
        path = path.with_name(".".join(path.name.rsplit("_", 1)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def faults(directory: Path) -> list[str]:
    return [str(fault) for fault in check_site(directory)]


def test_a_whole_site_has_no_fault(tmp_path: Path) -> None:
    whole = site(
        tmp_path,
        a__deep_html='<a href="../index.html#top">up</a><a href="./">index</a><img src="data:image/png;base64,AA">',
        a__index_html='<a href="deep.html">down</a><p id="x">x</p><a href="#x">here</a>',
        assets__style_css='a { background: url("data:image/svg+xml,x"); } @import "more.css";',
        assets__more_css="a { color: red; }",
        assets__own_js='fetch("../data.json") // a comment: see the page',
        assets__javascripts__theme_js='ask("https://api.example.org/")',
    )
    assert faults(whole) == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("gone.html", "a file of the site"),
        ("other.html#gone", "a place on the page"),
        ("#gone", "a place on the page"),
        ("../outside.html", "a file of the site"),
        ("https://example.org/", "no address outside the site"),
        ("//example.org/x", "no address outside the site"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, address: str, expected: str) -> None:
    broken = site(tmp_path, index_html=PAGE.format(address))
    assert faults(broken) == [f"index.html:1: expected {expected}, got {address}"]


@pytest.mark.parametrize(
    "tag",
    [
        '<img src="https://example.org/x.png">',
        '<script src="https://example.org/x.js"></script>',
        '<link rel="preconnect" href="https://example.org/">',
        "<style>a { background: url(https://example.org/x.png) }</style>",
        '<p style="background: url(https://example.org/x.png)">x</p>',
        '<form action="https://example.org/">',
        '<meta http-equiv="refresh" content="0; url=https://example.org/">',
    ],
)
def test_what_is_loaded_from_outside_is_found(tmp_path: Path, tag: str) -> None:
    found = check_site(site(tmp_path, index_html=tag))
    assert [(fault.place, fault.expected) for fault in found] == [("index.html:1", "no address outside the site")]
    assert found[0].said.startswith("https://example.org/")


def test_a_style_sheet_that_loads_from_outside_is_found(tmp_path: Path) -> None:
    broken = site(tmp_path, style_css='@import "https://example.org/a.css"; a { background: url(gone.png) }')
    assert faults(broken) == [
        "style.css: expected no address outside the site, got https://example.org/a.css",
        "style.css: expected a file of the site, got gone.png",
    ]


def test_a_script_of_the_project_that_names_an_outside_address_is_found(tmp_path: Path) -> None:
    broken = site(tmp_path, own_js='fetch("https://example.org/data")')
    assert faults(broken) == ["own.js: expected no address outside the site, got https://example.org"]
