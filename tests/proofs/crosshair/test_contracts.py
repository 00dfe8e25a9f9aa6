"""CrossHair confirms every claim of every contract over all paths, and says so where one is false."""

import pytest

from perp_proofs.crosshair.branching import given
from perp_proofs.crosshair.checked import CONFIRMED, checked, claims, contracts
from perp_proofs.smt.mutation import Fault, faulty
from perp_spec import language
from perp_spec.perpetual import common
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.rules import batch, forced, waterfall

CONTRACTS = contracts()

LONG = {
    "deleverage",
    "deposit",
    "end_batch",
    "escape_pay",
    "fill_order",
    "forced_withdraw",
    "funding_tick",
    "hourly_rate",
    "liquidate",
    "mark_of",
    "open_account",
    "oracle_state",
    "premium_sample",
    "request_forced",
    "set_kill_switch",
    "set_kind",
    "trade",
    "transfer",
    "withdraw",
}
"""Contracts that take CrossHair more than five seconds of processor time."""


@pytest.mark.proofs
def test_every_rule_has_a_contract() -> None:
    assert set(PERPETUAL.rules) - set(CONTRACTS) == set()


@pytest.mark.proofs
@pytest.mark.parametrize("name", [name for name in CONTRACTS if name not in LONG])
def test_every_claim_is_confirmed(name: str) -> None:
    said = checked(CONTRACTS[name])

    assert [(one.claim, one.message) for one in said] == [(claim, CONFIRMED) for claim in claims(CONTRACTS[name])]


@pytest.mark.mutation
@pytest.mark.parametrize("name", sorted(LONG))
def test_every_claim_is_confirmed_in_more_time(name: str) -> None:
    said = checked(CONTRACTS[name])

    assert [(one.claim, one.message) for one in said] == [(claim, CONFIRMED) for claim in claims(CONTRACTS[name])]


def first_is_the_middle(first: int, second: int, third: int) -> int:
    """What is not so.

    post: _ == first
    """
    return given(language.median, first, second, third)


@pytest.mark.proofs
def test_a_claim_that_is_false_has_a_counterexample() -> None:
    [said] = checked(first_is_the_middle)
    assert said.claim == "post: _ == first"
    assert said.message.startswith("false when calling first_is_the_middle(")


FAULTS = {
    "an intent expires a second early": (
        Fault(common.use_intent, "now <= intent.expiry", "now < intent.expiry"),
        "use_intent",
    ),
    "an intent is used twice": (Fault(common.use_intent, "intent.nonce + 1", "intent.nonce"), "cancel"),
    "a proof is noted twice": (Fault(batch.record_proof, "op.number > exchange.proven", "True"), "record_proof"),
    "a reserved account is taken over": (Fault(waterfall.backstop, "op.account >= FIRST_USER", "True"), "backstop"),
    "an account bears its own reduction": (
        Fault(forced.forced_reduce, "op.account != op.counterparty", "True"),
        "forced_reduce",
    ),
}


@pytest.mark.proofs
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_rule_makes_a_claim_false(name: str) -> None:
    fault, contract = FAULTS[name]
    with faulty(fault):
        said = checked(CONTRACTS[contract])
    assert any(one.message.startswith("false when calling") for one in said)
