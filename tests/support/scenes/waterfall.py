"""Scenes of liquidate, backstop, deleverage and socialise.

LONG holds 100 lots of market 0 at 100: notional 10,000, maintenance margin 2,000 * 3 % + 8,000 * 6 % = 540, close-out
at 360, initial margin 2,000 * 5 % + 8,000 * 10 % = 900.
"""

from typing import Any

import attrs

from perp_spec.perpetual.operations import Backstop, Deleverage, Liquidate, Socialise
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FEES, FUND, Account, Exchange, Ledger, MarketBook, MarketPrice, Mode, Position
from support.scenes.scene import (
    ABSENT,
    CHILD,
    FROZEN,
    LONG,
    OTHER,
    SHORT,
    TWIN,
    Change,
    Scene,
    deal,
    equity,
    guard,
    move,
    op,
    position,
    record,
    traded_world,
)
from support.scenes.trading import order_guards
from support.worlds import World, order

BLIND = record(MarketPrice, 0, level=2)
HALTED = record(Exchange, 0, switch=Mode.HALT)


def liquidate_scene() -> tuple[World, Any]:
    """LONG has equity 500: below maintenance, above close-out. A step may be 10 to 20 lots: OTHER takes 20 at 100."""
    world = traded_world()
    equity(LONG, 500)(world, None)
    return world, Liquidate(
        account=LONG,
        slot=0,
        market=0,
        lots=20,
        price=100,
        fee_ppm=0,
        taker=order(OTHER, True, 30, 100),
        taker_slot=0,
        taker_fee_ppm=500,
    )


def taker_with(collateral: int, size: int = 0) -> Change:
    """The taker has this collateral and position instead."""

    def change(world: World, operation: Any) -> Any:
        if size:
            position(OTHER, 0, 0, size)(world, operation)
        world.set(Account, OTHER, collateral=collateral)
        return operation

    return change


def fund_unwinds(world: World, operation: Any) -> Any:
    """The fund is the account, with the long of 100 lots and no equity to speak of."""
    position(FUND, 0, 0, 100)(world, operation)
    world.set(Account, FUND, collateral=-9_000)
    return attrs.evolve(operation, account=FUND)


LIQUIDATE = Scene(
    "liquidate",
    liquidate_scene,
    (
        FROZEN,
        guard(Reason.NO_MARKET, op(market=3)),
        guard(Reason.LOTS, op(lots=1_025)),
        guard(Reason.PRICE_RANGE, op(price=0)),
        guard(Reason.SAME_ACCOUNT, op(taker__account=LONG)),
        guard(Reason.RESERVED_ACCOUNT, op(taker__account=FEES)),
        guard(Reason.NO_ACCOUNT, op(account=ABSENT)),
        guard(Reason.NO_ACCOUNT, op(taker__account=ABSENT)),
        guard(Reason.SAME_OWNER, op(taker__account=TWIN)),
        *order_guards("taker", OTHER, 11, 99, buys=True),
        guard(Reason.FEE, op(fee_ppm=5_001)),
        guard(Reason.FEE, op(taker_fee_ppm=-1)),
        guard(Reason.MODE, HALTED),
        guard(Reason.NO_POSITION, record(Position, 16 * LONG, market=1)),
        guard(Reason.LOTS, op(lots=101, taker__lots=101)),
        guard(Reason.SLOT, op(taker_slot=1)),
        guard(Reason.MARKET_NOT_ALLOWED, op(taker__account=CHILD)),
        guard(Reason.ORDER_REDUCE_ONLY, op(taker__reduce_only=True)),
        guard(Reason.ORACLE_LEVEL, BLIND),
        guard(Reason.ORACLE_LEVEL, position(OTHER, 1, 1, 5), record(MarketPrice, 1, level=2)),
        guard(Reason.NOT_LIQUIDATABLE, equity(LONG, 540)),
        guard(Reason.CLOSE_FACTOR, op(lots=21)),
        guard(Reason.STEP_TOO_SMALL, op(lots=9)),
        # Sixty seconds between two steps.
        guard(Reason.COOLDOWN, record(Account, LONG, liquidated_at=999_941)),
        guard(Reason.SLIPPAGE, op(price=102, taker__price=102)),
        guard(Reason.SIZE_RANGE, taker_with(100_000, 1_005)),
        guard(Reason.COLLATERAL_RANGE, fund_unwinds, record(Account, FUND, collateral=2**61)),
        guard(Reason.COLLATERAL_RANGE, taker_with(-(2**61))),
        # 20 lots at 100: initial margin 100, fee 1.
        guard(Reason.INITIAL_MARGIN, taker_with(100)),
        # Short 200, equity 700: maintenance 1,740. Buying 20 at 101: equity 679, maintenance 1,500: better. With a
        # fee of 0.2 % on 2,020 it pays 5 more. With equity 100 the ratio falls from 100 / 1,740 to 75 / 1,500.
        guard(Reason.HEALTH_RATIO_FELL, taker_with(20_100, -200), op(price=101, taker__price=101)),
        # Equity 500 of 540: a step of 20 lots may cost 120 of 540 parts of the equity; with equity 361 at 99 and a
        # fee of 0.5 % it costs 20 + 10 of 361, the maintenance margin falls by 120. So the ratio rises: only an
        # account below zero is refused any cost at all.
        guard(Reason.HEALTH_RATIO_FELL, equity(LONG, -1), op(fee_ppm=1)),
    ),
)


def backstop_scene() -> tuple[World, Any]:
    """LONG has equity 300, below close-out; the fund has 50,000 and takes 20 lots."""
    world = traded_world()
    world.must(world.deposit(FUND, 50_000))
    equity(LONG, 300)(world, None)
    return world, Backstop(LONG, 0, 0, 20, 0)


def bankrupt_backstop_scene() -> tuple[World, Any]:
    """LONG has equity -77, longs need a funding buffer of 1,000 ppm, and the fund takes all."""
    world, operation = backstop_scene()
    equity(LONG, -77)(world, None)
    world.set(MarketPrice, 0, buffer_long_ppm=1_000)
    return world, attrs.evolve(operation, lots=100)


BACKSTOP = Scene(
    "backstop",
    backstop_scene,
    (
        FROZEN,
        guard(Reason.NO_MARKET, op(market=3)),
        guard(Reason.LOTS, op(lots=0)),
        guard(Reason.RESERVED_ACCOUNT, op(account=FUND)),
        guard(Reason.NO_ACCOUNT, op(account=ABSENT)),
        guard(Reason.MODE, HALTED),
        guard(Reason.NO_POSITION, op(slot=1)),
        guard(Reason.LOTS, op(lots=101)),
        guard(Reason.ORACLE_LEVEL, BLIND),
        guard(Reason.NOT_CLOSE_OUT, equity(LONG, 361)),
        guard(Reason.COOLDOWN, record(Account, LONG, liquidated_at=1_000_001)),
        # 20 lots: initial margin 100, five times of it are 500; LONG pays 12: 20 % of its equity would be 60, or more
        # precisely 300 * 120 / 540 = 67, capped at 1 % of 2,000 = 20. So the fund needs 480 before.
        guard(Reason.FUND_MARGIN, record(Account, FUND, collateral=479)),
    ),
)


def deleverage_scene() -> tuple[World, Any]:
    """LONG has equity 300, the fund is empty: SHORT closes 40 of its 100 lots."""
    world = traded_world()
    equity(LONG, 300)(world, None)
    return world, Deleverage(LONG, 0, SHORT, 0, 0, 40, 0)


DELEVERAGE = Scene(
    "deleverage",
    deleverage_scene,
    (
        FROZEN,
        guard(Reason.NO_MARKET, op(market=3)),
        guard(Reason.LOTS, op(lots=-5)),
        guard(Reason.SAME_ACCOUNT, op(counterparty=LONG)),
        guard(Reason.RESERVED_ACCOUNT, op(counterparty=FEES)),
        guard(Reason.NO_ACCOUNT, op(account=ABSENT)),
        guard(Reason.NO_ACCOUNT, op(counterparty=ABSENT)),
        guard(Reason.MODE, HALTED),
        guard(Reason.NO_POSITION, op(slot=1)),
        guard(Reason.LOTS, op(lots=101)),
        guard(Reason.NOT_OPPOSITE, record(Position, 16 * SHORT, size=-39)),
        guard(Reason.ORACLE_LEVEL, BLIND),
        guard(Reason.NOT_CLOSE_OUT, equity(LONG, 361)),
        guard(Reason.COOLDOWN, record(Account, LONG, liquidated_at=1_000_001)),
        guard(Reason.SLOT, op(fund_slot=1)),
        # A piece is 1,000 atoms, ten lots: initial margin 50, five times of it 250; LONG pays 10. So 240 are enough.
        guard(Reason.BACKSTOP_POSSIBLE, record(Account, FUND, collateral=240)),
    ),
)


def socialise_scene() -> tuple[World, Any]:
    """LONG is flat with a deficit of 500; OTHER holds what it held; the fund has nothing."""
    world = traded_world()
    world.must(deal(OTHER, LONG, 100, 100))
    move(world, LONG, SHORT, world.get(Account, LONG).collateral + 500)
    world.set(Ledger, 0, bankrupt=1)
    return world, Socialise(LONG, 0)


def no_market_bears(world: World, operation: Any) -> Any:
    """No market has open interest."""
    world.set(MarketBook, 0, open_interest=0)
    return operation


SOCIALISE = Scene(
    "socialise",
    socialise_scene,
    (
        FROZEN,
        guard(Reason.NO_MARKET, op(market=3)),
        guard(Reason.NO_ACCOUNT, op(account=ABSENT)),
        guard(Reason.NOT_BANKRUPT_FLAT, record(Account, LONG, collateral=0)),
        guard(Reason.MARKET_NOT_ALLOWED, op(market=1)),
        guard(Reason.NO_OPEN_INTEREST, no_market_bears),
    ),
)

SCENES = (LIQUIDATE, BACKSTOP, DELEVERAGE, SOCIALISE)
