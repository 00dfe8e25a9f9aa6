"""Canaries: what a testee must show before anything counts, with amounts drawn at random a moment before."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from perp_reference.conformance.fixtures import Case, Fixture
from perp_reference.conformance.judge import NOT_ATOMIC, OUTPUTS, PASS, ROOT, SKIPPED, STATE, UNSUPPORTED, Judgement
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.release import Vectors, decoy
from perp_reference.conformance.rule_sets import RuleBook, Session, after_delta, flat, rule_book
from perp_reference.conformance.scenarios import Scenario, case_of
from perp_reference.conformance.tester import Tester
from perp_reference.conformance.values import decode_operation, encode_record

ACCEPT = "accept"
REJECT = "reject"
ECHO = "echo"
WRONG = "wrong on purpose"

LOG_SHOWN = 500
"""Characters of a testee's log in the message of a canary."""

OUTCOME_RIGHT = (PASS, STATE, ROOT, OUTPUTS, NOT_ATOMIC)
"""Verdicts of a step whose outcome and reason are right. What else is wrong is a matter for the score."""


@frozen
class Canary:
    """One canary, and whether it lives."""

    kind: str
    rules: str
    case: str
    verdict: str
    """Of its case."""
    lives: bool
    message: str


def wanted(vectors: Vectors, tester: Tester) -> Iterator[tuple[Fixture, Case]]:
    """For each rule set of the testee, an accepted withdrawal or deposit of the vectors that it can do."""
    assert tester.testee is not None
    for rules in tester.testee.rules:
        for name in ("withdraw", "transfer", "deposit", "withdrawal"):
            found = next(
                (
                    (fixture, case)
                    for _, fixture, case in vectors.cases()
                    if fixture.rules == rules
                    and case.id not in vectors.decoys
                    and case.steps[0].op == name
                    and case.steps[0].expected.reason is None
                    and not case.needs
                    and "BASIC" in case.flags
                    and not tester.unsupported(rules, case)
                ),
                None,
            )
            if found is not None:
                yield found
                break


def scenario_of(session: Session, fixture: Fixture, case: Case, amount: int, completes: bool = True) -> Scenario:
    """The first step of a case with another amount, and with what it has to state of that, such as a hash chain."""
    step = case.steps[0]
    arguments: Mapping[str, Any] = {**step.args, "amount": str(amount)}
    if completes and isinstance(session, PerpetualSession):
        session.load(case.pre)
        arguments = encode_record(session.completed(decode_operation(step.op, arguments)))
    return Scenario(
        "canary", "", fixture.rules, fixture.config, case.pre, ((step.op, arguments),), {"kind": "handwritten"}
    )


def release(tester: Tester, vectors: Vectors) -> list[Canary]:
    """Send all canaries.

    Raises:
        GaveUpError: The testee crashed too often in a row.
    """
    found: list[Canary] = []
    for fixture, case in wanted(vectors, tester):
        found += by_amount(tester, fixture, case)
    for _, fixture, case in vectors.cases():
        if case.id in vectors.decoys:
            judgement = tester.run(fixture.rules, fixture.config, case)
            if judgement.verdict not in (UNSUPPORTED, SKIPPED):
                found.append(wrong(fixture.rules, case.id, judgement))
    return found


def by_amount(tester: Tester, fixture: Fixture, case: Case) -> Iterator[Canary]:
    """Accepted with a random amount, which the state must show; rejected; and accepted with a wrong expectation."""
    book = rule_book(fixture.rules)
    session = book.configure(fixture.config)
    most = int(str(case.steps[0].args["amount"]))
    amount = 1 + secrets.randbelow(max(most - 1, 1))
    accepted = case_of(session, scenario_of(session, fixture, case, amount))
    rejected = case_of(session, scenario_of(session, fixture, case, -amount, completes=False))
    assert accepted.steps[0].expected.reason is None
    assert rejected.steps[0].expected.reason is not None
    judged = run(tester, fixture.rules, fixture.config, accepted)
    if judged.verdict in (UNSUPPORTED, SKIPPED):
        return
    yield plain(ACCEPT, fixture.rules, case.id, judged)
    yield plain(REJECT, fixture.rules, case.id, run(tester, fixture.rules, fixture.config, rejected))
    assert tester.testee is not None
    if tester.testee.observes & {"delta", "state", "root"} or tester.testee.is_stepwise:
        other = case_of(session, scenario_of(session, fixture, case, amount + 1))
        lives = bool(judged.results) and echoes(book, accepted, other, judged.results[0])
        why = "the state does not show the amount" if judged.verdict in OUTCOME_RIGHT else said(judged)
        yield Canary(ECHO, fixture.rules, case.id, judged.verdict, lives, "" if lives else why)
    yield wrong(fixture.rules, case.id, run(tester, fixture.rules, fixture.config, decoy(accepted)))


def echoes(book: RuleBook, asked: Case, other: Case, result: Mapping[str, Any]) -> bool:
    """Whether a result shows the amount that was asked for: a value that another amount would have made another."""
    expected, otherwise = asked.steps[0].expected, other.steps[0].expected
    if result["outcome"] != "accepted":
        return False
    # What the operation itself states, such as a hash chain, can be said by who computes nothing.
    stated = [value for value in asked.steps[0].args.values() if type(value) is str]
    tells = [
        path for path, value in expected.delta.items() if otherwise.delta.get(path, ()) != value and value not in stated
    ]
    if "delta" in result:
        return any({"path": path, "value": expected.delta[path]} in result["delta"] for path in tells)
    if "state" in result:
        shown, right = flat(book, result["state"]), after_delta(book, flat(book, asked.pre), dict(expected.delta))
        return any(shown.get(path, ()) == right.get(path, ()) for path in tells)
    return result["root"] == expected.root


def run(tester: Tester, rules: str, config: Mapping[str, Any], case: Case) -> Judgement:
    """Run a case."""
    return tester.run(rules, config, case)


def plain(kind: str, rules: str, case: str, judgement: Judgement) -> Canary:
    """A canary that lives where the outcome of its case is right."""
    lives = judgement.verdict in OUTCOME_RIGHT
    return Canary(kind, rules, case, judgement.verdict, lives, "" if lives else said(judgement))


def wrong(rules: str, case: str, judgement: Judgement) -> Canary:
    """A canary that lives where its case fails."""
    lives = judgement.verdict != PASS
    return Canary(WRONG, rules, case, judgement.verdict, lives, "" if lives else "it passes a wrong expectation")


def said(judgement: Judgement) -> str:
    """What happened to a canary, with the end of the log of a testee that failed."""
    log = f"; log: {judgement.log[-LOG_SHOWN:]}" if judgement.log else ""
    return f"{judgement.verdict}: {judgement.message}{log}"
