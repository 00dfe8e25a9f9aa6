"""Verdicts, for each way in which a result can be wrong."""

from typing import Any

import pytest

from perp_reference.conformance.fixtures import Case, Expected, Step
from perp_reference.conformance.judge import LONGEST_SAID, MOST_DIFFERENCES, Difference, Judge, shown
from perp_reference.conformance.rule_sets import rule_book
from perp_reference.conformance.shapes import JsonNumber

ROOT, OTHER = "1" * 64, "2" * 64
ACCEPTED = Expected(None, (), {"/ledger/vault": "7"}, ROOT, {})
REJECTED = Expected("BUCKET", ("BUCKET", "VAULT"), {}, ROOT, {})
DELTA = [{"path": "/ledger/vault", "value": "7"}]


def judged(expected: Expected, observes: str, level: int = 1, **result: Any) -> tuple[str, tuple[Difference, ...]]:
    step = Step("withdraw", {}, expected)
    case = Case("a", "", "required", (), ("withdraw",), (), {}, {"ledger": {"vault": "5", "dust": "0"}}, (step,))
    judgement = Judge(rule_book("perpetual"), case, frozenset(observes.split()), level).judge([result])
    return judgement.verdict, judgement.differences


@pytest.mark.parametrize(
    ("expected", "observes", "result", "verdict"),
    [
        (ACCEPTED, "delta root", {"outcome": "accepted", "delta": DELTA, "root": ROOT}, "pass"),
        (ACCEPTED, "delta root", {"outcome": "accepted", "delta": DELTA, "root": OTHER}, "fail.root"),
        (ACCEPTED, "delta", {"outcome": "accepted", "delta": []}, "fail.state"),
        (ACCEPTED, "delta", {"outcome": "accepted", "delta": [*DELTA, *DELTA]}, "fail.state"),
        (
            ACCEPTED,
            "delta",
            {"outcome": "accepted", "delta": [*DELTA, {"path": "/queue/position", "value": "1"}]},
            "fail.state",
        ),
        (ACCEPTED, "state", {"outcome": "accepted", "state": {"ledger": {"vault": "7"}}}, "pass"),
        (ACCEPTED, "state", {"outcome": "accepted", "state": {"ledger": {"vault": "5"}}}, "fail.state"),
        (ACCEPTED, "outputs", {"outcome": "accepted", "outputs": {"x": "1"}}, "fail.outputs"),
        (ACCEPTED, "", {"outcome": "rejected"}, "fail.outcome"),
        (REJECTED, "", {"outcome": "accepted"}, "fail.outcome"),
        (REJECTED, "reason", {"outcome": "rejected", "reason": "VAULT"}, "pass"),
        (REJECTED, "reason", {"outcome": "rejected", "reason": "AMOUNT"}, "fail.reason"),
        (REJECTED, "delta", {"outcome": "rejected", "delta": DELTA}, "fail.not_atomic"),
        (REJECTED, "state", {"outcome": "rejected", "state": {"ledger": {"vault": "7"}}}, "fail.not_atomic"),
        (REJECTED, "root", {"outcome": "rejected", "root": OTHER}, "fail.root"),
        (REJECTED, "", {"outcome": "errored", "message": "oops"}, "error.crash"),
        (REJECTED, "", {"outcome": "skipped", "why": "later"}, "skipped"),
        (REJECTED, "", {"outcome": "unsupported", "feature": "buckets"}, "unsupported"),
    ],
)
def test_verdict(expected: Expected, observes: str, result: dict[str, Any], verdict: str) -> None:
    assert judged(expected, observes, **result)[0] == verdict


@pytest.mark.parametrize(
    ("level", "verdicts"),
    [(0, ("pass", "pass", "pass")), (1, ("pass", "pass", "fail.reason")), (2, ("pass", "fail.reason", "fail.reason"))],
)
def test_levels(level: int, verdicts: tuple[str, ...]) -> None:
    given = ("BUCKET", "VAULT", "AMOUNT")
    assert (
        tuple(judged(REJECTED, "reason", level, outcome="rejected", reason=reason)[0] for reason in given) == verdicts
    )


def test_differences_name_path_and_values() -> None:
    _, found = judged(ACCEPTED, "delta", outcome="accepted", delta=[{"path": "/ledger/vault", "value": "8"}])
    assert found == (Difference("/ledger/vault", "7", "8"),)


def message_of(expected: Expected, observes: str, **result: Any) -> str:
    case = Case("a", "", "required", (), ("withdraw",), (), {}, {}, (Step("withdraw", {}, expected),))
    return Judge(rule_book("perpetual"), case, frozenset(observes.split()), 1).judge([result]).message


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("8", "8"),
        (JsonNumber("7"), "the JSON number 7"),
        ([JsonNumber("7"), "8"], '[7, "8"]'),
        (["7"], ["7"]),
        ({"a": {"b": True}}, {"a": {"b": True}}),
        ("9" * 5_000, f"{'9' * LONGEST_SAID}... (5,000 characters)"),
        (["9" * 2_000], f'["{"9" * (LONGEST_SAID - 2)}... (2,004 characters)'),
        (False, False),
    ],
)
def test_a_value_is_told_so_that_a_number_is_no_string_and_a_report_stays_small(value: Any, told: Any) -> None:
    _, [found] = judged(ACCEPTED, "delta", outcome="accepted", delta=[{"path": "/ledger/vault", "value": value}])
    assert found == Difference("/ledger/vault", "7", told)


def test_what_is_nested_deeply_is_told_without_being_read() -> None:
    value: Any = "1"
    for _ in range(20_000):
        value = [value]
    assert shown(value) == "a value nested too deeply"


@pytest.mark.parametrize("observes", ["delta", "state", "delta state"])
def test_of_very_many_differences_the_first_are_told(observes: str) -> None:
    """Given a testee that shows ten thousand fields that nobody has, then a hundred are in the report."""
    paths = [f"/market_price/{number}/index" for number in range(10_000)]
    result = {
        "delta": [*DELTA, *({"path": path, "value": "1"} for path in paths)],
        "state": {"ledger": {"vault": "7"}, "market_price": {str(n): {"index": "1"} for n in range(10_000)}},
    }
    own = {name: result[name] for name in observes.split()}
    verdict, found = judged(ACCEPTED, observes, outcome="accepted", **own)
    assert (verdict, [item.path for item in found]) == ("fail.state", sorted(paths)[:MOST_DIFFERENCES])
    told = message_of(ACCEPTED, observes, outcome="accepted", **own)
    assert told == "accepted, and the state is another, in more than 100 places"


@pytest.mark.parametrize(
    ("outcome", "member"), [("errored", "message"), ("skipped", "why"), ("unsupported", "feature")]
)
def test_what_a_testee_says_is_cut(outcome: str, member: str) -> None:
    told = message_of(REJECTED, "", outcome=outcome, **{member: "x" * 60_000})
    assert told.endswith(f"{'x' * LONGEST_SAID}... (60,000 characters)")
    assert len(told) < LONGEST_SAID + 40


def test_a_testee_that_shows_roots_only_is_not_atomic_where_its_root_moves() -> None:
    steps = (Step("withdraw", {}, ACCEPTED), Step("withdraw", {}, REJECTED))
    case = Case("a", "", "required", (), ("withdraw",), (), {}, {}, steps)
    results = [{"outcome": "accepted", "root": ROOT}, {"outcome": "rejected", "root": OTHER}]
    judgement = Judge(rule_book("perpetual"), case, frozenset({"root"}), 1).judge(results)
    assert (judgement.verdict, judgement.step) == ("fail.not_atomic", 1)
