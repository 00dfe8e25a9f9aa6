"""Watching a rule run: which way its guards and decisions went, and nothing of what did not happen."""

import attrs

from perp_cli.went import Went, went
from perp_reference.conformance.solved import Solved
from perp_reference.core.state import RecordKey
from perp_spec.perpetual.operations import ForcedWithdraw, Intent, Socialise, Withdraw
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Exchange, Forced, Kind, Ledger, Request

USER = RecordKey(Account, 5)

CASE = Solved(
    id="a",
    comment="",
    outcome="",
    records={
        RecordKey(Account, 0): Account(kind=Kind.CROSS),
        USER: Account(kind=Kind.CROSS, owner=3, collateral=100),
        RecordKey(Ledger, 0): Ledger(vault=100, bucket=100),
    },
    operation=Withdraw(account=5, amount=40, intent=Intent(authorised=True)),
)


def texts(met: set[Went], holds: bool) -> set[tuple[str, str]]:
    """The innermost texts of what went one way, with the reasons of guards."""
    return {(one.place[-1].text, one.reason) for one in met if one.holds is holds}


def test_an_accepted_operation_shows_its_guards_and_decisions() -> None:
    met, reason = went(CASE)

    assert reason == ""
    assert ("require(op.amount <= ledger.bucket, Reason.BUCKET)", "BUCKET") in texts(met, holds=True)
    assert {one for one in texts(met, holds=False) if one[1]} == set()
    assert ("select(both(occupied == 0, collateral < 0), 1, 0)", "") in texts(met, holds=False)
    assert ("call_if(degraded, cautious_sums, held, now, otherwise=Cautious(0, 0))", "") in texts(met, holds=False)


def test_behind_a_false_guard_nothing_is_seen_and_no_decision_counts() -> None:
    met, reason = went(attrs.evolve(CASE, operation=attrs.evolve(CASE.operation, amount=101)))

    assert reason == "BUCKET"
    assert {one.reason for one in met} == {
        "FROZEN",
        "AMOUNT",
        "RESERVED_ACCOUNT",
        "NO_ACCOUNT",
        "BAD_SIGNATURE",
        "ORDER_EXPIRED",
        "ORDER_STALE",
        "BUCKET",
    }
    assert [one.reason for one in met if not one.holds] == ["BUCKET"]


def test_a_guard_of_an_attempt_is_a_decision_and_so_is_whether_it_comes_off() -> None:
    """Given a forced withdrawal of more than the vault, then it is refused, and what stands behind is not met."""
    records = {**CASE.records, RecordKey(Request, 5): Request(kind=Forced.WITHDRAW, amount=101)}
    met, reason = went(attrs.evolve(CASE, records=records, operation=ForcedWithdraw(5, int(Reason.VAULT))))
    failed = texts(met, holds=False)

    assert reason == ""
    assert ("require(amount <= ledger.vault, Reason.VAULT)", "") in failed
    assert any(text.startswith("attempt(forced_payment") for text, _ in failed)
    assert not any(text.startswith("call_if(degraded") for text, _ in failed | texts(met, holds=True))


def test_the_key_of_a_record_is_a_decision_too() -> None:
    records = {
        RecordKey(Account, 0): Account(kind=Kind.CROSS, collateral=50),
        USER: Account(kind=Kind.CROSS, collateral=-10),
        RecordKey(Ledger, 0): Ledger(bankrupt=1, vault=40),
        RecordKey(Exchange, 0): Exchange(time=1),
    }
    met, reason = went(attrs.evolve(CASE, records=records, operation=Socialise(account=5)))

    assert reason == ""
    assert ("select(op.account == FUND, FEES, op.account)", "") in texts(met, holds=False)
