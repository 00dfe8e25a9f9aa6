"""The page of what the solver's states reach says what their files say."""

from perp_reference.conformance.solved import SolvedRule
from perp_reference.pages.reached import lines_without_state, reached_page, row

GUARDS = (
    {"in": "freeze", "text": "require(one)", "reason": "FROZEN", "holds": "0", "fails": "0"},
    {"in": "freeze", "text": "require(two)", "reason": "NOT_DUE", "holds": "7", "fails": "0"},
    {"in": "freeze", "text": "require(three)", "reason": "CLAIMED", "holds": "anyhow", "fails": ""},
)

MISSED = (
    {
        "in": "freeze > rest",
        "text": "require(three)",
        "decided by": "a >= b",
        "reason": "CLAIMED",
        "holds": "no",
        "verdict": "unreachable",
    },
    {"in": "freeze", "text": "select(a, 1, 2)", "decided by": "", "reason": "", "holds": "yes", "verdict": "given up"},
)

COUNTS = {"ways": "4", "ways_met": "3", "unreachable": "1", "impossible": "0", "given_up": "1", "not_sought": "0"}

RULE = SolvedRule("freeze", 64 * "0", "Z3", COUNTS, GUARDS, MISSED, ())


def test_a_line_counts_guards_and_ways() -> None:
    assert row(RULE) == ["freeze", "0", "3", "2", "1", "4", "3", "1", "0", "1"]


def test_what_has_no_state_is_named() -> None:
    assert lines_without_state(RULE) == [
        "freeze: guard: CLAIMED in freeze: require(three) fails",
        "freeze: unreachable: freeze > rest: require(three) CLAIMED fails, by a >= b",
        "freeze: given up: freeze: select(a, 1, 2) holds",
    ]


def test_the_page_has_a_part_for_each_verdict_that_occurs() -> None:
    page = reached_page([RULE])

    assert "| `freeze` | 0 | 3 | 2 | 1 | 4 | 3 | 1 | 0 | 1 |\n| all | 0 | 3 | 2 | 1 | 4 | 3 | 1 | 0 | 1 |\n" in page
    assert "| `freeze` | freeze | `require(three)` | fails |" in page
    assert "### Unreachable\n" in page
    assert "### Given up\n" in page
    assert "### Impossible" not in page
    assert "| `freeze` | freeze > rest | `require(three)` | CLAIMED fails, by `a >= b` |" in page
