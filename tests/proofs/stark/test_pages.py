"""The pages of the proof system name tests and files that are there, and no file is left out."""

import re
from pathlib import Path

import pytest

PACKAGES = ("program", "air", "stark", "verifier")


@pytest.fixture(scope="module")
def pages(root: Path) -> Path:
    return root / "docs" / "proof-system"


def test_every_test_that_a_page_names_is_there(root: Path, pages: Path) -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in (root / "tests").rglob("test_*.py"))
    known = set(re.findall(r"^def (test_\w+)\(", written, re.MULTILINE))
    for page in pages.glob("*.md"):
        named = set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8")))
        assert named <= known, page.name
    listed = re.findall(r"`(test_\w+)`", (pages / "attacks.md").read_text(encoding="utf-8"))
    assert len(set(listed)) > 50


def test_every_line_of_the_list_has_a_test(pages: Path) -> None:
    lines = [line for line in (pages / "attacks.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert len(lines) > 15
    assert [line for line in lines[1:] if "`test_" not in line.split(" | ")[-1]] == []


def test_the_walk_goes_through_every_file_once(root: Path, pages: Path) -> None:
    walk = (pages / "walk.md").read_text(encoding="utf-8")
    visited = re.findall(r"^### `([a-z_/]+\.py)`", walk, re.MULTILINE)
    files = root / "proofs" / "perp_proofs"
    there = [path for package in PACKAGES for path in (files / package).rglob("*.py") if path.name != "__init__.py"]
    assert sorted(visited) == sorted(str(path.relative_to(files)) for path in there)


def test_every_page_is_in_the_index(pages: Path) -> None:
    index = (pages / "index.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\((\w[\w-]*\.md)\)", index))
    assert linked == {page.name for page in pages.glob("*.md")} - {"index.md"}
