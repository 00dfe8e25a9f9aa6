"""What is tried in a state: operations of the coalition, what anybody may start, and what the others' orders allow."""

from collections.abc import Iterator
from typing import Any

from perp_reference.attack.scenes import COALITION, FIRST, LOTS, OTHERS, PRICE, SECOND
from perp_reference.core.state import State
from perp_spec.perpetual.operations import (
    Backstop,
    Compact,
    Deleverage,
    Intent,
    Liquidate,
    Order,
    SetKind,
    Socialise,
    Trade,
    Transfer,
    Withdraw,
)
from perp_spec.perpetual.records import FUND, Account, Kind, OrderSlot, Position
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS, TIME_MAX

SIZES = (1, LOTS // 5, LOTS)
"""Lots that are tried."""

PRICES = (PRICE - PRICE // 34, PRICE - PRICE // 100, PRICE, PRICE + PRICE // 100, PRICE + PRICE // 34)
"""Prices that are tried among the coalition: up to nearly the edge of the price band."""

ALL_LOTS = 2**20
"""What an order may fill in all."""


def moves(state: State) -> Iterator[Any]:
    """All operations that are tried in a state, the others' orders among them at the health price and without fees."""
    yield from money(state)
    yield from trades(state)
    yield from liquidations(state)
    for number in (*COALITION, *OTHERS, FUND):
        yield Socialise(number, 0)
        if state.get(Account, number).slots:
            yield Compact(number, 1, state.get(Account, number).slots - 1)
    for number in COALITION:
        for kind in (Kind.CROSS, Kind.PORTFOLIO):
            if state.get(Account, number).kind != kind:
                yield SetKind(number, kind, intent(state, number))


def intent(state: State, number: int) -> Intent:
    """A signature with a fresh nonce."""
    stored: OrderSlot = state.get(OrderSlot, number * ORDER_SLOTS)
    return Intent(0, stored.nonce, TIME_MAX, authorised=True)


def order(state: State, number: int, buys: bool, price: int, fee_ppm: int) -> Order:
    """A signed order that is not filled up."""
    stored: OrderSlot = state.get(OrderSlot, number * ORDER_SLOTS + 1)
    return Order(number, 1, stored.nonce, TIME_MAX, 0, buys, ALL_LOTS, price, fee_ppm, authorised=True)


def money(state: State) -> Iterator[Any]:
    """Withdrawals and transfers of the coalition: an atom, some, all."""
    for number, other in ((FIRST, SECOND), (SECOND, FIRST)):
        collateral = state.get(Account, number).collateral
        for amount in dict.fromkeys((1, 10_000, max(collateral, 1))):
            yield Withdraw(number, amount, intent(state, number))
            yield Transfer(number, other, amount, intent(state, number))


def trades(state: State) -> Iterator[Any]:
    """Trades inside the coalition at any price and fee; with others at the health price, for the coalition's fee."""
    fee = state.market(0).fee_cap_ppm
    for buyer, seller in ((FIRST, SECOND), (SECOND, FIRST)):
        for lots in SIZES:
            for price in PRICES:
                yield trade(state, buyer, seller, lots, price, (0, 0))
            yield trade(state, buyer, seller, lots, PRICE, (fee, -fee))
            yield trade(state, buyer, seller, lots, PRICE, (fee, 0))
    for own in COALITION:
        for other in OTHERS:
            for lots in SIZES:
                for fee_ppm in (0, fee):
                    yield trade(state, own, other, lots, PRICE, (fee_ppm, 0))
                    yield trade(state, other, own, lots, PRICE, (0, fee_ppm))


def trade(state: State, buyer: int, seller: int, lots: int, price: int, fees: tuple[int, int]) -> Trade:
    """A trade with signed orders at its price and fees."""
    orders = order(state, buyer, True, price, fees[0]), order(state, seller, False, price, fees[1])
    return Trade(0, lots, price, True, *orders, 0, 0, *fees)


def liquidations(state: State) -> Iterator[Any]:
    """What the waterfall does to anybody, with the coalition on the other side."""
    for number in (*COALITION, *OTHERS):
        size = state.get(Position, number * POSITION_SLOTS).size
        if not size:
            continue
        for lots in SIZES:
            yield Backstop(number, 0, 0, lots, 0)
            for other in (*COALITION, *OTHERS):
                if other != number:
                    yield Deleverage(number, 0, other, 0, 0, lots, 0)
            for taker in COALITION:
                for price in PRICES[1:4]:
                    taking = order(state, taker, size > 0, price, 0)
                    yield Liquidate(number, 0, 0, lots, price, 0, taking, 0, 0)
