"""Which states are possible: the ranges that operations keep and those that are assumed, in plain integers."""

from typing import Any

import attrs
import pytest

from perp_proofs.smt.possible import Loads
from perp_reference.core.machine import RUNNERS, rule_of
from perp_reference.core.state import RecordKey, State
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import Backstop, Withdraw
from perp_spec.perpetual.records import Account, Kind, Ledger, MarketBook, MarketPrice, Position
from perp_spec.words import COLLATERAL_MAX, POSITION_SLOTS

CONFIG = default_config(2)

FUND_ACCOUNT = RecordKey(Account, 0)
USER = RecordKey(Account, 5)
FIRST_SLOT = RecordKey(Position, 5 * POSITION_SLOTS)

RECORDS: dict[RecordKey, Any] = {
    FUND_ACCOUNT: Account(kind=Kind.CROSS),
    USER: Account(kind=Kind.CROSS, collateral=-COLLATERAL_MAX, slots=1),
    FIRST_SLOT: Position(market=1, size=7),
    RecordKey(Ledger, 0): Ledger(bankrupt=0),
    RecordKey(MarketPrice, 1): MarketPrice(price=100),
    RecordKey(MarketBook, 1): MarketBook(open_interest=7),
}


def possible(operation: Any, **changes: tuple[RecordKey, dict[str, Any]]) -> bool:
    """Whether a state with these changes is."""
    records = dict(RECORDS)
    for place, fields in changes.values():
        records[place] = attrs.evolve(records[place], **fields)
    state = State(CONFIG)
    for place, record in records.items():
        state.put(place.record, place.key, record)
    loaded = RUNNERS[type(operation)].load(state, operation)
    return all(Loads(operation, list(zip(rule_of(operation).footprint, loaded, strict=True)), CONFIG).possible())


BACKSTOP = Backstop(account=5, slot=0, market=1, lots=7)


def test_a_state_within_all_ranges_is_possible() -> None:
    assert possible(Withdraw(account=5))
    assert possible(BACKSTOP)


@pytest.mark.parametrize(
    "change",
    [
        (USER, {"collateral": -COLLATERAL_MAX - 2**58 - 1}),
        (USER, {"closed_market": 3}),
        (FIRST_SLOT, {"size": 2**26 + 1}),
        (FIRST_SLOT, {"snapshot": 2**59}),
        (RecordKey(MarketPrice, 1), {"price": 2**30 + 1}),
        (RecordKey(MarketPrice, 1), {"ticked_at": 1}),
        (RecordKey(MarketBook, 1), {"open_interest": 6}),
        (RecordKey(MarketBook, 1), {"window_liquidated": 2**62 + 1}),
        (RecordKey(Ledger, 0), {"fund_inbox": 2**59 + 1}),
        (RecordKey(Ledger, 0), {"dust": 10**6 - 1, "vault": 2**60 + 2**59}),
        (FUND_ACCOUNT, {"collateral": COLLATERAL_MAX + 1}),
        (FUND_ACCOUNT, {"kind": Kind.PORTFOLIO}),
    ],
    ids=str,
)
def test_a_state_beyond_one_of_them_is_not(change: tuple[RecordKey, dict[str, Any]]) -> None:
    assert not possible(BACKSTOP, change=change)


def test_the_ledger_counts_at_least_the_bankrupt_that_are_loaded() -> None:
    flat = {"market": 0, "size": 0}
    assert not possible(BACKSTOP, flat=(FIRST_SLOT, flat))
    assert possible(BACKSTOP, flat=(FIRST_SLOT, flat), counted=(RecordKey(Ledger, 0), {"bankrupt": 1}))


def test_settling_keeps_the_collateral_in_range() -> None:
    """Given a short that receives a large funding, then its collateral may be no larger than the bound less that."""
    largest = {"collateral": COLLATERAL_MAX + 2**58}
    received = {"size": -(2**26), "snapshot": -(2**40)}
    assert possible(Withdraw(account=5), user=(USER, largest))
    assert not possible(Withdraw(account=5), user=(USER, largest), position=(FIRST_SLOT, received))
