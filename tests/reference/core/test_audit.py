"""The audit finds each thing that can be wrong, and says where."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from perp_reference.core.audit import Finding, audit
from perp_reference.core.state import genesis
from perp_spec.perpetual.operations import EscapeClaim
from perp_spec.perpetual.records import (
    Account,
    Exchange,
    Ledger,
    MarketBook,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Position,
    Request,
)
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS
from support.scenes.forced import frozen_world
from support.scenes.scene import CHILD, LONG, SHORT, Change, absent, record, together, traded_world
from support.worlds import World, small_config

HELD = LONG * POSITION_SLOTS
CHILD_SLOT = CHILD * POSITION_SLOTS


def stored(kind: type[Any], key: int, value: Any) -> Change:
    """Store a record past every check."""

    def change(world: World, operation: Any) -> Any:
        world.state.tables[kind][key] = value
        return operation

    return change


def holding(number: int, slot: int, market: int, size: int, against: int = SHORT) -> Change:
    """Give an account a position and another one the opposite, and book the open interest."""
    other = 9

    def change(world: World, operation: Any) -> Any:
        for account, place, lots in ((number, slot, size), (against, other, -size)):
            world.set(Position, account * POSITION_SLOTS + place, market=market, size=lots)
        world.set(Account, against, slots=max(world.get(Account, against).slots, other + 1))
        book = world.get(MarketBook, market)
        world.set(MarketBook, market, open_interest=book.open_interest + abs(size))
        return operation

    return change


SPOILED: dict[str, tuple[Change, list[str]]] = {
    "a field out of range": (stored(Ledger, 0, Ledger(dust=10**6)), ["Ledger 0"]),
    "zeros stored": (stored(Position, 99, Position()), ["Position 99"]),
    "a market that is not there": (stored(MarketBook, 3, MarketBook(open_interest=1)), ["MarketBook 3"]),
    "a second ledger": (stored(Ledger, 1, Ledger(vault=1)), ["Ledger 1"]),
    "no fund": (absent(Account, 0), ["Account 0 kind"]),
    "no fee account": (absent(Account, 1), ["Account 1 kind"]),
    "no owner": (record(Account, LONG, owner=0), ["Account 4 owner"]),
    "an absent account with money": (
        together(
            stored(Account, 70, Account(owner=5)),
        ),
        ["Account 70 kind"],
    ),
    "collateral beyond settling": (
        together(record(Account, LONG, collateral=2**62 + 1), record(Account, SHORT, collateral=39_999 - 2**62)),
        ["Account 4 collateral"],
    ),
    "a last market that is not there": (record(Account, LONG, closed_market=4), ["Account 4 closed_market"]),
    "a cross account with a parent": (record(Account, LONG, parent=6), ["Account 4 parent"]),
    "a cross account with one market": (record(Account, LONG, market=1), ["Account 4 market"]),
    "a parent of another owner": (record(Account, CHILD, parent=LONG), ["Account 9 parent"]),
    "a child as parent": (record(Account, CHILD, parent=CHILD), ["Account 9 parent"]),
    "a child without a market": (record(Account, CHILD, market=3), ["Account 9 market"]),
    "a position of nobody": (
        holding(70, 0, 1, 5),
        ["Position 1120 (account 70, slot 0)", "Position 1120 (account 70, slot 0)"],
    ),
    "a position of the fee account": (
        together(record(Account, 1, slots=1), holding(1, 0, 1, 5)),
        ["Position 16 (account 1, slot 0)"],
    ),
    "a position above the slots": (
        together(holding(LONG, 3, 1, 5)),
        ["Position 67 (account 4, slot 3)"],
    ),
    "a hole that is not empty": (
        together(record(Account, LONG, slots=3), record(Position, HELD + 1, market=2)),
        ["Position 65 (account 4, slot 1) size"],
    ),
    "a position in no market": (
        together(record(Account, LONG, slots=3), record(Position, HELD + 1, market=5, size=1)),
        ["Position 65 (account 4, slot 1) market"],
    ),
    "a position too large": (
        together(record(Account, LONG, slots=3), holding(LONG, 1, 1, 1_025)),
        ["Position 65 (account 4, slot 1) size", "Position 105 (account 6, slot 9) size"],
    ),
    "an isolated account elsewhere": (
        together(record(Account, CHILD, slots=1), holding(CHILD, 0, 2, 5)),
        ["Position 144 (account 9, slot 0) market"],
    ),
    "a market twice": (
        together(record(Account, LONG, slots=2), holding(LONG, 1, 0, 5, against=7)),
        ["Account 4 market 0"],
    ),
    "a snapshot out of range": (
        record(Position, HELD, snapshot=2 * 4_096 * 10**6 + 1),
        ["Position 64 (account 4, slot 0) snapshot", "Ledger 0 vault, in micro-atoms"],
    ),
    "open interest": (
        record(MarketBook, 0, open_interest=99),
        ["Market 0 open_interest", "Market 0 sum of the negative sizes"],
    ),
    "sizes that do not cancel": (record(Position, HELD, size=101), ["Market 0 open_interest"]),
    "open interest beyond its cap": (
        together(
            record(Account, LONG, slots=3),
            record(Account, 7, slots=1),
            holding(LONG, 1, 1, 1_000),
            holding(7, 0, 1, 501, against=3),
        ),
        ["Market 1 open_interest"],
    ),
    "a price beyond its bound": (record(MarketPrice, 0, price=4_097), ["Market 0 price"]),
    "an index without a price": (record(MarketPrice, 2, price=0), ["Market 2 price, index and average"]),
    "an average beyond its bound": (record(MarketOracle, 1, average=4_097), ["Market 1 average"]),
    "a funding index beyond its bound": (
        record(MarketPrice, 1, funding_index=-4_096 * 10**6 - 1),
        ["Market 1 funding_index"],
    ),
    "a loss index beyond its bound": (record(MarketPrice, 1, loss_index=4_096 * 10**6 + 1), ["Market 1 loss_index"]),
    "a gap at a good level": (record(MarketPrice, 1, gap=True), ["Market 1 gap"]),
    "an atom from nowhere": (record(Account, LONG, collateral=10_001), ["Ledger 0 vault, in micro-atoms"]),
    "a micro-atom from nowhere": (record(Ledger, 0, dust=1), ["Ledger 0 vault, in micro-atoms"]),
    "an inbox from nowhere": (record(Ledger, 0, fees_inbox=1), ["Ledger 0 vault, in micro-atoms"]),
    "funding from nowhere": (record(Position, HELD, snapshot=5), ["Ledger 0 vault, in micro-atoms"]),
    "a full bucket": (record(Ledger, 0, bucket=50_001), ["Ledger 0 bucket"]),
    "a count of bankrupt accounts": (record(Ledger, 0, bankrupt=1), ["Ledger 0 bankrupt"]),
    "claims without a claimant": (record(Ledger, 0, claims=1), ["Ledger 0 claims"]),
    "a request of nobody": (record(Request, 70, kind=1, amount=5, deadline=1), ["Request 70"]),
    "a rest of a request": (record(Request, LONG, amount=5), ["Request 4 market, amount, deadline"]),
    "a request for nothing": (record(Request, LONG, kind=1, deadline=5), ["Request 4 amount"]),
    "a request in no market": (record(Request, LONG, kind=2, amount=5, market=3), ["Request 4 market"]),
    "a claim before a freeze": (record(Request, LONG, claimed=1), ["Request 4 claimed"]),
    "a claim that was not made": (
        together(record(Request, LONG, claim=5), record(Ledger, 0, claims=5)),
        ["Request 4 claim"],
    ),
    "spared for too long": (record(Account, LONG, liquidated_at=1_000_061), ["Account 4 liquidated_at"]),
    "a dispute to come": (record(MarketOracle, 0, disputed_since=1_000_001), ["MarketOracle 0 disputed_since"]),
    "a tick to come": (record(MarketPrice, 0, ticked_at=1_000_001), ["MarketPrice 0 ticked_at"]),
    "a report to come": (record(MarketOracle, 0, reported_at=(1_000_001, 0, 0, 0)), ["MarketOracle 0 reported_at"]),
    "a reserved mode": (record(Exchange, 0, switch=3), ["Exchange 0 switch"]),
    "a proof of a batch to come": (record(Exchange, 0, proven=2), ["Exchange 0 proven"]),
    "an order of nobody": (record(OrderSlot, 70 * ORDER_SLOTS, nonce=1), [f"OrderSlot {70 * ORDER_SLOTS}"]),
    "a vault of an escape before a freeze": (record(Exchange, 0, escape_vault=1), ["Exchange 0 escape_vault"]),
}


@pytest.mark.parametrize("name", SPOILED)
def test_the_audit_says_what_is_wrong(name: str) -> None:
    change, places = SPOILED[name]
    world = traded_world()
    assert audit(world.state) == []
    change(world, None)
    assert [finding.place for finding in audit(world.state)] == places


def test_a_vault_above_its_cap() -> None:
    world = traded_world()
    world.state.config = small_config(vault_cap=99_999)
    assert audit(world.state) == [Finding("Ledger 0 vault", "at most 99999, the cap", "100000")]


def test_a_payment_beyond_the_claims() -> None:
    world = frozen_world()
    world.must(EscapeClaim(LONG))
    world.set(Ledger, 0, vault=99_000)
    world.set(Account, LONG, collateral=9_000)
    assert audit(world.state) == [Finding("Ledger 0 vault since the freeze", "100000", "99000")]


def test_a_finding_is_one_line() -> None:
    assert str(Finding("Ledger 0 dust", "0 to 999999", "-1")) == "Ledger 0 dust: expected 0 to 999999, got -1"


@pytest.mark.parametrize("begin", [traded_world, frozen_world])
def test_a_sound_state_has_no_findings(begin: Callable[[], World]) -> None:
    assert audit(begin().state) == []


def test_genesis_has_no_findings() -> None:
    assert audit(genesis(small_config(), 5)) == []
    assert attrs.asdict(Finding("a", "b", "c")) == {"place": "a", "expected": "b", "got": "c"}
