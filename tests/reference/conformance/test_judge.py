"""Verdicts, for each way in which a result can be wrong."""

from typing import Any

import pytest

from perp_reference.conformance.fixtures import Case, Expected, Step
from perp_reference.conformance.judge import Difference, Judge
from perp_reference.conformance.rule_sets import rule_book

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


def test_a_testee_that_shows_roots_only_is_not_atomic_where_its_root_moves() -> None:
    steps = (Step("withdraw", {}, ACCEPTED), Step("withdraw", {}, REJECTED))
    case = Case("a", "", "required", (), ("withdraw",), (), {}, {}, steps)
    results = [{"outcome": "accepted", "root": ROOT}, {"outcome": "rejected", "root": OTHER}]
    judgement = Judge(rule_book("perpetual"), case, frozenset({"root"}), 1).judge(results)
    assert (judgement.verdict, judgement.step) == ("fail.not_atomic", 1)
