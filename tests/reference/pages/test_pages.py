"""The committed pages are the generated ones; they show everything once, and every link leads somewhere."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from perp_reference.pages.build import COMMAND, pages, write
from perp_reference.pages.markdown import number
from perp_reference.pages.prose import PROSE
from perp_reference.pages.shared import HIDDEN, SHARED_PAGES, place_of
from perp_spec import language
from perp_spec.perpetual.catalogue import LIBRARY, catalogue
from perp_spec.perpetual.reasons import Reason

PAGES = pages()
HAND_WRITTEN = ("language.md", "decisions.md", "hash-suite.md", "encoding.md", "limits.md", "formats.md", "protocol.md")


def committed(root: Path) -> dict[str, str]:
    """The pages as they are in the checkout, those that are generated."""
    docs = root / "docs"
    found = [docs / "reasons.md", docs / "state.md", docs / "defaults.md", *sorted((docs / "rules").glob("*.md"))]
    return {path.relative_to(docs).as_posix(): path.read_text(encoding="utf-8") for path in found if path.exists()}


def test_the_committed_pages_are_up_to_date(root: Path) -> None:
    there = committed(root)
    stale = sorted(name for name in PAGES.keys() | there.keys() if PAGES.get(name) != there.get(name))
    assert stale == [], f"run `{COMMAND}` and commit what changes"


def test_writing_removes_the_page_of_a_rule_that_is_no_more(tmp_path: Path) -> None:
    old = tmp_path / "rules" / "barter.md"
    old.parent.mkdir()
    old.write_text("# barter\n", encoding="utf-8")
    written = write(tmp_path)
    assert not old.exists()
    assert {path.relative_to(tmp_path).as_posix() for path in written} == set(PAGES)


def headings(text: str) -> list[str]:
    """The headings of a page, code left out."""
    return re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)


def test_everything_is_shown_exactly_once() -> None:
    shown = Counter(heading for name, text in PAGES.items() if name.startswith("rules/") for heading in headings(text))
    for name in LIBRARY.keys() - HIDDEN:
        assert shown[name] == 1, name


def test_the_text_of_every_definition_is_shown_exactly_once() -> None:
    blocks = [
        line
        for text in PAGES.values()
        for code in re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
        for line in re.findall(r"^(?:def|class) (\w+)|^(\w+) =", code, flags=re.MULTILINE)
    ]
    assert Counter(a or b for a, b in blocks) == dict.fromkeys(LIBRARY.keys() - HIDDEN, 1)


def explained() -> set[str]:
    """The names that the pages give a meaning to: primitives, records, codes, constants, operations."""
    language_page = (Path(__file__).parents[3] / "docs" / "language.md").read_text(encoding="utf-8")
    functions = re.findall(r"^\| `(\w+)\(", language_page, flags=re.MULTILINE)
    constants = re.findall(r"^\| `(\w+)` \|", PAGES["state.md"].partition("## Constants")[2], flags=re.MULTILINE)
    records = re.findall(r"^### (\w+)$", PAGES["state.md"], flags=re.MULTILINE)
    operations = [rule.operation.__name__ for rule in catalogue()]
    plain = ["NamedTuple", "Any", "Reason", "Tag", "int", "bool", "tuple", "range", "zip"]
    return {*functions, *constants, *records, *operations, *plain}


def test_the_text_of_the_rules_uses_only_what_the_pages_explain() -> None:
    blocks = [code for text in PAGES.values() for code in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)]
    trees = [ast.parse(code) for code in blocks]
    known = explained() | (LIBRARY.keys() - HIDDEN)
    for tree in trees:
        nodes = list(ast.walk(tree))
        local = {node.arg for node in nodes if isinstance(node, ast.arg)}
        local |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        assert used - local <= known, ast.unparse(tree)


def test_the_shared_pages_name_what_exists_and_several_rules_use() -> None:
    names = [name for page in SHARED_PAGES for name in page.names]
    assert set(names) <= LIBRARY.keys()
    assert len(set(names)) == len(names)


def test_what_the_pages_add_is_about_something() -> None:
    assert set(PROSE) <= LIBRARY.keys()
    assert {place_of(name) for name in PROSE.keys() - {rule.name for rule in catalogue()}}


def anchors(text: str) -> set[str]:
    """The anchors of a page, as GitHub and mkdocs make them."""
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings(text)}


def test_every_link_leads_somewhere(root: Path) -> None:
    docs = root / "docs"
    written = {path.relative_to(docs).as_posix(): path.read_text(encoding="utf-8") for path in docs.rglob("*.md")}
    texts = {**written, **PAGES}
    for name in (*PAGES, *HAND_WRITTEN):
        for target in re.findall(r"\]\(([^)]+)\)", texts[name]):
            assert "://" not in target, f"{name} links outside: {target}"
            path, _, anchor = target.partition("#")
            if path and not path.endswith(".md"):
                assert (docs / path).exists(), f"{name} links to {target}"
                continue
            place = (Path(name).parent / path).as_posix() if path else name
            place = re.sub(r"\w+/\.\./", "", place)
            assert place in texts, f"{name} links to {target}"
            assert not anchor or anchor in anchors(texts[place]), f"{name} links to {target}"


def test_every_reason_has_a_section() -> None:
    assert headings(PAGES["reasons.md"])[1:] == [reason.name for reason in Reason]


def test_no_page_speaks_of_a_missing_value() -> None:
    for name, text in PAGES.items():
        assert re.search(r"\bNone\b(?!:)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)) is None, name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (63, "63"),
        (1000000, "1000000"),
        (2**61, "2^61"),
        (-(2**61), "-2^61"),
        (2**63 - 1, "2^63 - 1"),
        (-(2**63 - 1), "-(2^63 - 1)"),
        (2**40 + 1, "2^40 + 1"),
    ],
)
def test_a_bound_is_written_as_a_power_of_two(value: int, text: str) -> None:
    assert number(value) == text


# The page on the language


def primitives() -> set[str]:
    """The functions a rule may call."""
    return {
        name
        for name, value in vars(language).items()
        if callable(value)
        and getattr(value, "__module__", "") == language.__name__
        and name[0].islower()
        and name not in {"reading_as", "shaping", "width_of", "table", "cut"}
    }


def test_the_page_on_the_language_has_every_primitive_once(root: Path) -> None:
    text = (root / "docs" / "language.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)\(", text, flags=re.MULTILINE)) == sorted(primitives())


def test_the_worked_values_of_the_language_hold(root: Path) -> None:
    text = (root / "docs" / "language.md").read_text(encoding="utf-8")
    known = {name: getattr(language, name) for name in primitives()}
    lines = re.findall(r"^    (\w+\(.*\)) = (.+)$", text, flags=re.MULTILINE)
    assert len(lines) >= 20
    for expression, expected in lines:
        assert eval(expression, known) == eval(expected), expression
