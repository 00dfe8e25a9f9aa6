"""What pages claim: marked figures, sums, commands and snippets, right and wrong."""

import pytest

from perp_cli.commands.docs import wrong_command
from perp_reference.site.arithmetic import check_sums, sums
from perp_reference.site.claims import check_commands, check_figures, check_snippets, without_marks

KNOWN = {"theorems": "1,308", "name": "perpetual-1"}


def test_a_marked_figure_that_holds_is_no_fault_and_the_site_has_no_mark() -> None:
    text = "There are **1,308**<!--= theorems --> of them, of `perpetual-1`<!--= name -->."
    assert check_figures("page.md", text, KNOWN) == []
    assert check_figures("page.md", "There are 1308<!--= theorems -->", KNOWN) == []
    assert without_marks(text) == "There are **1,308** of them, of `perpetual-1`."


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("There are 1,307<!--= theorems -->.", "page.md:1: expected 1,308, which is theorems, got 1,307"),
        ("There are 308 <!--= theorems -->.", "page.md:1: expected 1,308, which is theorems, got 308"),
        ("a\n\nThe<!--= rules -->", "page.md:3: expected the name of a figure, such as theorems, name, got rules"),
    ],
)
def test_a_marked_figure_that_does_not_hold_is_found(text: str, fault: str) -> None:
    assert [str(found) for found in check_figures("page.md", text, KNOWN)] == [fault]


@pytest.mark.parametrize(
    "text",
    [
        "One lot: 36 * 303 = 10,908 is below 40 * 273 = 10,920.",
        "It pays 1,580 * 540 / 1,580 = 540 and is left with 1,040.",
        "floor(6 * 400 / 540) = 4, and (ceil(20 / 3) = 7).",
        "p = 2130706433 = 2^31 - 2^24 + 1, the prime",
        "`mul_div_floor(-7, 3, 2) = -11`",
        "a third: 1 / 3 = 0.333",
        "a sum over\ntwo lines: 1,000 +\n2 = 1,002",
    ],
)
def test_a_sum_that_is_right_is_computed_and_no_fault(text: str) -> None:
    assert list(sums(text))
    assert check_sums("page.md", text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("costs it ceil(6 * 50,000 / 540) = 555: it would", "ceil (6 * 50,000 / 540) = 555"),
        ("2 ^ 31 - 2^24 = 2130706433", "2 ^ 31 - 2 ^ 24 = 2130706433"),
        ("**3 * 4 = 13**", "3 * 4 = 13"),
        ("| 3 * 4 = 13 |", "3 * 4 = 13"),
        ("1 / 3 = 0.34", "1 / 3 = 0.34"),
    ],
)
def test_a_sum_that_is_wrong_is_found(text: str, said: str) -> None:
    assert [str(found) for found in check_sums("page.md", text)] == [
        f"page.md:1: expected a sum that is right, got {said}"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "With E * 540 / 2 = 4 it is so.",
        "E(0) = 0, and E(h + 1) = 5",
        "0: 1 / (X - 1) - (X + 1) / (X^2 - 1) = 0.",
        "the size = 4",
        "```python\n1 + 1 = 3\n```",
    ],
)
def test_a_sum_with_unknowns_is_left_alone(text: str) -> None:
    assert list(sums(text)) == []


def test_a_command_that_perp_takes_is_no_fault() -> None:
    text = '    ./perp explain --state DIR \'{"op":"freeze"}\'   # why\n    $ perp check trade\n\nand `perp nothing`'
    assert check_commands("page.md", text, wrong_command) == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("./perp chekc trade", "no command chekc (did you mean check?)"),
        ("perp version --loud", "unrecognized arguments: --loud (see perp version --help)"),
        ("perp demo --batches nine", "argument --batches: expected a whole number from 1 to 6, got nine"),
        ("perp --json version", "options come after the command"),
        ("perp check 'trade", "No closing quotation"),
    ],
)
def test_a_command_that_perp_does_not_take_is_found(line: str, wrong: str) -> None:
    found = check_commands("page.md", f"Do\n\n    {line}\n", wrong_command)
    assert [(fault.place, fault.said) for fault in found] == [("page.md:3", line)]
    assert wrong in found[0].expected


def test_snippets_that_hold_are_no_fault() -> None:
    python = "```python\na = 2\n```\n```python\nprint(a + 1)\n# prints: 3\n```\n"
    text = python + '```json\n{"a":1}\n{"b":2}\n```\n```go\nx\n```\n'
    assert check_snippets("page.md", text) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```python\nb\n```\n", "page.md:2: expected python that holds, got NameError: name 'b' is not defined"),
        ("a\n```python\nprint(4)\n# prints: 3\n```\n", "page.md:3: expected python that holds, got it prints '4'"),
        ("```json\n{1}\n```\n", "page.md:2: expected json that holds, got Expecting property name"),
    ],
)
def test_a_snippet_that_does_not_hold_is_found(text: str, fault: str) -> None:
    found = [str(one) for one in check_snippets("page.md", text)]
    assert len(found) == 1
    assert found[0].startswith(fault)
