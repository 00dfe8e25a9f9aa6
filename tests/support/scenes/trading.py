"""Scenes of trade."""

from typing import Any

import attrs

from perp_spec.perpetual.operations import Trade
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Account, Exchange, MarketBook, MarketPrice, Mode, OrderSlot
from perp_spec.words import ORDER_SLOTS
from support.scenes.scene import (
    ABSENT,
    CHILD,
    FROZEN,
    LONG,
    SHORT,
    TWIN,
    Guard,
    Scene,
    guard,
    op,
    position,
    record,
    small_world,
)
from support.worlds import World, order


def trade_scene() -> tuple[World, Any]:
    """LONG buys 100 lots of market 0 from SHORT at 100; the buyer takes and pays 500 ppm, the seller gets 200 ppm."""
    return small_world(), Trade(
        market=0,
        lots=100,
        price=100,
        taker_buys=True,
        buyer=order(LONG, True, 150, 101),
        seller=order(SHORT, False, 100, 99, post_only=True),
        buyer_slot=0,
        seller_slot=0,
        buyer_fee_ppm=500,
        seller_fee_ppm=-200,
    )


def order_guards(side: str, account: int, lots: int, worse: int, buys: bool, **takes: Any) -> tuple[Guard, ...]:
    """The guards of an order of `account` in order slot 1 that has less than `lots` to spare.

    `takes` is what makes it the taker's.
    """
    place = account * ORDER_SLOTS + 1
    return (
        guard(Reason.BAD_SIGNATURE, op(**{f"{side}__authorised": False})),
        guard(Reason.ORDER_EXPIRED, op(**{f"{side}__expiry": 999_999})),
        guard(Reason.ORDER_STALE, record(OrderSlot, place, nonce=2)),
        guard(Reason.ORDER_FILLED, record(OrderSlot, place, nonce=1, filled=lots)),
        guard(Reason.ORDER_MARKET, op(**{f"{side}__market": 1})),
        guard(Reason.ORDER_SIDE, op(**{f"{side}__buys": not buys})),
        guard(Reason.ORDER_PRICE, op(**{f"{side}__price": worse})),
        guard(Reason.ORDER_POST_ONLY, op(**{f"{side}__post_only": True}, **takes)),
        guard(Reason.ORDER_FEE, op(**{f"{side}__max_fee_ppm": -1_000})),
    )


def reducing(buyer_collateral: int, seller_collateral: int, price: int) -> Any:
    """LONG is short 200 lots and buys 100, SHORT is long 200 and sells 100; both have this collateral."""

    def change(world: World, operation: Any) -> Any:
        position(LONG, 0, 0, -200)(world, operation)
        position(SHORT, 0, 0, 200)(world, operation)
        world.set(Account, LONG, collateral=buyer_collateral)
        world.set(Account, SHORT, collateral=seller_collateral)
        world.set(MarketBook, 0, open_interest=200)
        operation = attrs.evolve(operation, price=price, buyer_fee_ppm=0, seller_fee_ppm=0)
        return op(buyer__price=price, seller__price=price)(world, operation)

    return change


TRADE = Scene(
    "trade",
    trade_scene,
    (
        FROZEN,
        guard(Reason.NO_MARKET, op(market=3)),
        guard(Reason.LOTS, op(lots=0)),
        guard(Reason.PRICE_RANGE, op(price=4_097)),
        guard(Reason.SAME_ACCOUNT, op(seller__account=LONG)),
        guard(Reason.RESERVED_ACCOUNT, op(buyer__account=FUND)),
        guard(Reason.NO_ACCOUNT, op(buyer__account=ABSENT)),
        guard(Reason.NO_ACCOUNT, op(seller__account=ABSENT)),
        guard(Reason.SAME_OWNER, op(seller__account=TWIN)),
        *order_guards("buyer", LONG, 51, 99, buys=True),
        *order_guards("seller", SHORT, 1, 101, buys=False, taker_buys=False),
        guard(Reason.FEE, op(buyer_fee_ppm=199)),
        guard(Reason.MODE, record(Exchange, 0, mode=Mode.HALT)),
        # 5 % of 100 is 5: at 106 the trade is too far.
        guard(Reason.PRICE_BAND, op(price=106, buyer__price=106)),
        guard(Reason.SLOT, op(buyer_slot=1)),
        guard(Reason.SLOT, op(seller_slot=1)),
        guard(Reason.MARKET_NOT_ALLOWED, op(seller__account=CHILD)),
        guard(Reason.ORDER_REDUCE_ONLY, op(buyer__reduce_only=True)),
        guard(Reason.ORDER_REDUCE_ONLY, op(seller__reduce_only=True)),
        guard(Reason.REDUCE_ONLY, record(MarketPrice, 0, mode=Mode.REDUCE_ONLY)),
        # Blind since longer than half an hour.
        guard(Reason.ORACLE_LEVEL, record(MarketPrice, 0, level=2, blind_since=998_199)),
        guard(Reason.ORACLE_LEVEL, record(MarketPrice, 0, level=1)),
        guard(Reason.ORACLE_LEVEL, record(MarketPrice, 0, level=1), position(LONG, 0, 0, -100)),
        guard(Reason.SIZE_RANGE, position(LONG, 0, 0, 925), record(Account, LONG, collateral=0)),
        guard(Reason.OPEN_INTEREST, record(MarketBook, 0, open_interest=1_401)),
        guard(Reason.COLLATERAL_RANGE, record(Account, LONG, collateral=2**61 + 10_006)),
        guard(Reason.COLLATERAL_RANGE, record(Account, SHORT, collateral=2**61)),
        # Initial margin 900, of the buyer after a fee of 5.
        guard(Reason.INITIAL_MARGIN, record(Account, LONG, collateral=904)),
        # A short of 200 lots: equity 1,300, maintenance 60 + 480 + 1,200 = 1,740. After 100 lots at 105: equity 800,
        # maintenance 540, so it is above: no. With equity 700: 200 and 540, and 700 / 1,740 is more than 200 / 540.
        guard(Reason.HEALTH_RATIO_FELL, reducing(20_700, 0, 105)),
        guard(Reason.INITIAL_MARGIN, record(Account, SHORT, collateral=897)),
        guard(Reason.HEALTH_RATIO_FELL, reducing(40_000, -19_300, 95)),
    ),
)

SCENES = (TRADE,)
