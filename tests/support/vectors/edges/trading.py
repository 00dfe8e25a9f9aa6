"""Edges of trade."""

import attrs

from perp_spec.perpetual.operations import Trade
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, MarketPrice
from support.scenes.scene import LONG, OTHER, PORTFOLIO, SHORT, deal, traded_world
from support.vectors.edges.edge import (
    Edge,
    Steps,
    edge,
    empty_world,
    holding,
    told,
    with_markets,
    world_of,
    worth,
)
from support.worlds import World, small_config

EDGES: list[Edge] = []

HEDGED = {"maintenance_2_ppm": 30_000, "maintenance_3_ppm": 30_000, "initial_2_ppm": 50_000, "initial_3_ppm": 50_000}
"""Rates of markets without brackets."""


@edge(
    EDGES,
    "trade/both-reduce-while-blind-up-to-blind-seconds",
    "oracle_state: now - blind_from > market.blind_seconds: GtE",
    "oracle_state: now - blind_from: Add",
)
def blind_long_enough() -> tuple[World, Steps]:
    """Given: a market blind for 1,800 seconds, its blind_seconds. When: two trade who both reduce. Then: they may."""
    world = traded_world()
    world.set(MarketPrice, 0, level=2, blind_since=998_200)
    return told(world, (deal(SHORT, LONG, 10, 100), None))


@edge(
    EDGES,
    "trade/nobody-trades-while-blind-for-longer-than-blind-seconds",
    "trade: without require(negate(state.exits_only), Reason.ORACLE_LEVEL)",
)
def blind_too_long() -> tuple[World, Steps]:
    """Given: a market blind for 1,801 seconds, one more than its blind_seconds. When: two trade who both reduce.

    Then: ORACLE_LEVEL. Only exits are left.
    """
    world = traded_world()
    world.set(MarketPrice, 0, level=2, blind_since=998_199)
    return told(world, (deal(SHORT, LONG, 10, 100), Reason.ORACLE_LEVEL))


@edge(EDGES, "trade/seller-ends-flat-and-below-zero", "trade: bought.bankrupt + sold.bankrupt: Sub")
def seller_ends_bankrupt() -> tuple[World, Steps]:
    """Given: 100 lots at 100 and equity -10. When: they are all sold. Then: one more account is flat and below zero."""
    world = traded_world()
    worth(world, LONG, -10)
    return told(world, (deal(OTHER, LONG, 100, 100), None))


def with_rebate(operation: Trade, *, buyer_fee_ppm: int) -> Trade:
    """A trade in which one side gets what the other pays."""
    return attrs.evolve(operation, buyer_fee_ppm=buyer_fee_ppm, seller_fee_ppm=-buyer_fee_ppm)


@edge(
    EDGES,
    "trade/seller-was-flat-and-below-zero",
    "trade: bought.bankrupt + sold.bankrupt - buying.bankrupt - selling.bankrupt: Add",
)
def seller_was_bankrupt() -> tuple[World, Steps]:
    """Given: a flat account with -1. When: it sells 10 lots at 105, worth 100, and gets a rebate of 2.

    Then: with 51 it has its initial margin of 50, and one account less is flat and below zero.
    """
    world = empty_world()
    world.set(Account, OTHER, collateral=-1)
    return told(world, (with_rebate(deal(LONG, OTHER, 10, 105), buyer_fee_ppm=2_000), None))


@edge(
    EDGES,
    "trade/buyer-was-flat-and-below-zero",
    "trade: bought.bankrupt + sold.bankrupt - buying.bankrupt: Add",
)
def buyer_was_bankrupt() -> tuple[World, Steps]:
    """Given: a flat account with -1. When: it buys 10 lots at 95, worth 100, and gets a rebate of 1.

    Then: with 50 it has just its initial margin, and one account less is flat and below zero.
    """
    world = empty_world()
    world.set(Account, OTHER, collateral=-1)
    return told(world, (with_rebate(deal(OTHER, LONG, 10, 95), buyer_fee_ppm=-2_000), None))


@edge(
    EDGES,
    "trade/portfolio-reduces-down-to-its-maintenance-margin",
    "transition_kept_health: after.equity >= after.maintenance: Gt",
)
def portfolio_keeps_maintenance() -> tuple[World, Steps]:
    """Given: a hedged portfolio with equity 1,850. When: it sells 100 lots of one leg at 48, worth 50.

    Its scenarios then need 1,650, and 1,650 it has; its ratio on the linear margin falls. Then: it may. With a fee
    of one atom it may not.
    """
    config = with_markets(small_config(), shock_ppm=30_000, **HEDGED)
    world = world_of(config, (100, 50, 50))
    for market, size in enumerate((-500, 1_000, 1_000)):
        holding(world, PORTFOLIO, market, market, size)
    worth(world, PORTFOLIO, 1_850)
    world.set(Account, OTHER, collateral=100_000)
    sells = deal(OTHER, PORTFOLIO, 100, 48, market=1, slots=(0, 1))
    charged = attrs.evolve(sells, seller_fee_ppm=1)
    return told(world, (charged, Reason.HEALTH_RATIO_FELL), (sells, None))
