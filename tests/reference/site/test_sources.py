"""Links of hand-written pages, led to where the site has what they name."""

from pathlib import Path

from perp_reference.site.sources import read_sources


def checkout(directory: Path, **pages: str) -> Path:
    """A checkout with two pages, a script and a changelog, and whatever pages are given."""
    files = {
        "docs/a.md": "a",
        "docs/sub/b.md": "b",
        "docs/sub/c.json": "{}",
        "tests/run.py": "pass",
        "CHANGELOG.md": "see [a](docs/a.md)",
        **{f"docs/{name}.md": text for name, text in pages.items()},
    }
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")
    return directory


def test_links_lead_to_pages_and_what_is_outside_docs_comes_with_them(tmp_path: Path) -> None:
    text = "[a](a.md#x), [b](sub/b.md), [all](sub), [script](../tests/run.py), [changes](../CHANGELOG.md), [here](#x)"
    sources = read_sources(checkout(tmp_path, page=text))
    assert sources.faults == []
    assert sources.pages["page.md"] == (
        "[a](a.md#x), [b](sub/b.md), [all](sub/index.md), [script](files/tests/run.py.txt), [changes](changelog.md), "
        "[here](#x)"
    )
    assert sources.pages["changelog.md"] == "see [a](a.md)"
    assert sources.files == {"sub/c.json": b"{}", "files/tests/run.py.txt": b"pass"}


def test_a_link_to_a_directory_leads_to_a_list_of_its_text_files(tmp_path: Path) -> None:
    root = checkout(tmp_path, page="[tests](../tests)")
    (root / "tests" / "__pycache__").mkdir()
    (root / "tests" / "__pycache__" / "run.pyc").write_bytes(b"x")
    (root / "tests" / "image.png").write_bytes(b"\x89PNG")
    sources = read_sources(root)
    assert sources.faults == []
    assert sources.pages["page.md"] == "[tests](files/tests/index.md)"
    assert sources.pages["files/tests/index.md"] == "# tests\n\n- [run.py](run.py.txt)\n"
    assert [name for name in sources.files if name.startswith("files/")] == ["files/tests/run.py.txt"]


def test_lists_of_files_call_pages_by_their_titles_and_begin_with_what_to_read(tmp_path: Path) -> None:
    page = "# Page\n\n- [docs/sub/b.md](sub/b.md): it,\n  and [sub/b.md](sub/b.md)\n\nSee [sub/b.md](sub/b.md).\n"
    root = checkout(tmp_path, page=page)
    (root / "docs" / "sub" / "b.md").write_text("# The letter b\n", encoding="utf-8")
    (root / "CHANGELOG.md").write_text("[tests](tests)", encoding="utf-8")
    (root / "tests" / "README.md").write_text("read me", encoding="utf-8")
    sources = read_sources(root)
    assert sources.faults == []
    assert sources.pages["page.md"] == (
        "# Page\n\n- [The letter b](sub/b.md): it,\n  and [The letter b](sub/b.md)\n\nSee [sub/b.md](sub/b.md).\n"
    )
    assert sources.pages["files/tests/index.md"] == (
        "# tests\n\nBegin with [README.md](README.md.txt).\n\n- [README.md](README.md.txt)\n- [run.py](run.py.txt)\n"
    )


def test_a_link_to_the_outside_becomes_text_outside_of_code(tmp_path: Path) -> None:
    text = "[a paper](https://example.org/1) and\n```\n[x](https://example.org/2)\n```\n"
    sources = read_sources(checkout(tmp_path, page=text))
    assert sources.pages["page.md"] == "a paper (`https://example.org/1`) and\n```\n[x](https://example.org/2)\n```\n"


def test_a_link_to_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    sources = read_sources(checkout(tmp_path, page="[x](gone.md) [y](../../outside.md) [z](../gone.py)"))
    assert [str(fault) for fault in sources.faults] == [
        "docs/page.md: expected a link to a file of this checkout, got gone.md",
        "docs/page.md: expected a link to a file of this checkout, got ../../outside.md",
        "docs/page.md: expected a link to a file of this checkout, got ../gone.py",
    ]
