"""What the effects of many operations have in common."""

from typing import Any

import attrs

from perp_proofs.smt.goals.guards.shared import FEES_ID, FUND_ID, Case, longs
from perp_proofs.smt.terms import Word
from perp_spec.language import both, either, mul_div_floor, negate, select
from perp_spec.perpetual.health import Side
from perp_spec.perpetual.records import OrderSlot, Position
from perp_spec.words import PPM

Expected = dict[str, Any]
"""What is stored, by the name of the rule's parameter."""


def booked(case: Case, dust: Word, **changes: Word) -> Any:
    """The ledger with changes, and with dust that carries its whole atoms into the fund's inbox."""
    ledger = case.ledger
    whole = mul_div_floor(ledger.dust + dust, 1, PPM)
    kept = {name: getattr(ledger, name) + change for name, change in changes.items()}
    fund = kept.pop("fund_inbox", ledger.fund_inbox)
    return attrs.evolve(ledger, dust=ledger.dust + dust - whole * PPM, fund_inbox=fund + whole, **kept)


def flat_below_zero(positions: Word, collateral: Word) -> Word:
    """1 for an account without positions that owes something."""
    return select(negate(either(positions > 0, collateral >= 0)), 1, 0)


def taken(case: Case, *accounts: Word) -> dict[str, Word]:
    """What leaves the inboxes where these accounts are settled."""
    fund: Word = 0
    fees: Word = 0
    for account in accounts:
        fund = fund - select(account == FUND_ID, case.ledger.fund_inbox, 0)
        fees = fees - select(account == FEES_ID, case.ledger.fees_inbox, 0)
    return {"fund_inbox": fund, "fees_inbox": fees}


def bankrupt_change(side: Any, collateral: Word) -> Word:
    """By how much an account that keeps its positions changes the count of bankrupt ones."""
    positions = side.terms.occupied
    return flat_below_zero(positions, collateral) - flat_below_zero(positions, side.account.collateral)


def bankrupt_moved(side: Side, size: Word, collateral: Word) -> Word:
    """By how much an account whose touched position is of another size then changes that count."""
    after = side.rest.occupied + select(size == 0, 0, 1)
    before = flat_below_zero(side.occupied, side.account.collateral)
    return flat_below_zero(after, collateral) - before


def index_of(size: Word, price: Any) -> Word:
    """What a position of that side owes for a lot since the beginning."""
    of_short = select(size == 0, 0, price.funding_index - price.loss_index)
    return select(size > 0, price.funding_index + price.loss_index, of_short)


def moved_account(case: Case, side: Side, slot: Word, lots: Word, collateral: Word, at: Word) -> tuple[Any, Any]:
    """An account and its touched position after it gained lots."""
    size, account = side.size + lots, side.account
    closed = both(size == 0, negate(side.size == 0))
    moved = attrs.evolve(
        account,
        collateral=collateral,
        slots=select(either(size == 0, account.slots > slot), account.slots, slot + 1),
        liquidated_at=at,
        closed_market=select(closed, case.op.market + 1, account.closed_market),
    )
    return moved, Position(select(size == 0, 0, case.op.market), size, index_of(size, case.price))


def filled(order: Any, stored: Any, lots: Word) -> Any:
    """An order's slot after a fill."""
    before = select(order.nonce == stored.nonce, stored.filled, 0)
    return OrderSlot(order.nonce, before + lots)


def used(case: Case) -> Any:
    """An order slot after an intent was used."""
    return OrderSlot(case.op.intent.nonce + 1, 0)


def traded_book(case: Case, sides: tuple[tuple[Side, Word], ...], liquidated: Word) -> Any:
    """The book after sides gained lots."""
    change: Word = 0
    for side, lots in sides:
        change = change + longs(side.size + lots) - longs(side.size)
    book = case.book
    return attrs.evolve(
        book,
        open_interest=book.open_interest + change,
        window_liquidated=book.window_liquidated + liquidated,
    )
