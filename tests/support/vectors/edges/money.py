"""Edges of deposit, withdraw and what an account must keep."""

from typing import Any

from perp_spec.perpetual.operations import Withdraw
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Ledger, MarketPrice
from support.scenes.scene import LONG, OTHER, PORTFOLIO
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
from support.worlds import World, intent, small_config

EDGES: list[Edge] = []


def just(world: World, account: int, amount: int, reason: Reason) -> tuple[World, Steps]:
    """One atom more than this may not be withdrawn, and this may."""
    more, exact = (Withdraw(account, atoms, intent(1)) for atoms in (amount + 1, amount))
    return told(world, (more, reason), (exact, None))


@edge(EDGES, "deposit/up-to-the-cap-of-the-vault", "credit: ledger.vault + amount <= parameters.vault_cap: Lt")
def up_to_the_cap() -> tuple[World, Steps]:
    """Given: the vault may hold 500 atoms more. When: 500 are deposited. Then: they are credited."""
    world = empty_world()
    world.set(Ledger, 0, vault=10**9 - 500)
    return told(world, (world.deposit(OTHER, 500), None))


@edge(
    EDGES,
    "deposit/to-the-fund-with-its-inbox",
    "deposit: carry(ledger, side.terms.dust, fund=emptied(op.account, ledger, FUND), "
    "fees=emptied(op.account, ledger, FEES), vault=received, "
    "bankrupt=flat_and_negative(side.terms.occupied, collateral) - side.bankrupt): without fund",
)
def to_the_fund() -> tuple[World, Steps]:
    """Given: 137 atoms in the fund's inbox. When: 50 are deposited to the fund. Then: it has 187, its inbox nothing."""
    world = empty_world()
    world.set(Ledger, 0, fund_inbox=137)
    return told(world, (world.deposit(FUND, 50), None))


def doubtful(**price: Any) -> World:
    """LONG holds 10 lots at 100, in a market with blind_seconds of 1. The band is 10 %."""
    world = world_of(with_markets(small_config(), blind_seconds=1))
    holding(world, LONG, 0, 0, 10)
    world.set(MarketPrice, 0, **price)
    return world


@edge(EDGES, "withdraw/blind-just-now", "cautious_terms: 0: 1 (3)")
def blind_just_now() -> tuple[World, Steps]:
    """Given: 10 lots at 100 in a market that is blind since this second, and one band more counts for each second.

    When: the owner leaves 100 atoms, twice the initial margin, where the lots count a band of 10 % less. Then: he
    may. Of no whole second counts no further band.
    """
    world = doubtful(level=2, blind_since=1_000_000)
    worth(world, LONG, 700)
    return just(world, LONG, 500, Reason.ORACLE_LEVEL)


@edge(EDGES, "withdraw/degraded-but-not-blind", "cautious_terms: 0: 1")
def degraded_not_blind() -> tuple[World, Steps]:
    """Given: 10 lots at 100 in a market that is degraded, not blind.

    When: the owner leaves twice the initial margin, where the lots count one band of 10 % less. Then: he may. Only
    blindness adds bands.
    """
    world = doubtful(level=1)
    worth(world, LONG, 700)
    return just(world, LONG, 500, Reason.ORACLE_LEVEL)


@edge(EDGES, "withdraw/blind-for-as-long-as-one-band-takes", "cautious_terms: 1: 2 (3)")
def blind_for_a_band() -> tuple[World, Steps]:
    """Given: 10 lots at 100 in a market that is blind for a second, where each second adds a band of 10 %.

    When: the owner leaves twice the initial margin, the lots counted two bands less. Then: he may, and not an atom
    more.
    """
    world = doubtful(level=2, blind_since=999_999)
    worth(world, LONG, 700)
    return just(world, LONG, 400, Reason.ORACLE_LEVEL)


@edge(
    EDGES,
    "withdraw/portfolio-at-its-floor-rounded-up",
    "portfolio_requirement: mul_div_ceil(parameters.portfolio_floor_ppm, linear, PPM): mul_div_floor",
)
def portfolio_floor() -> tuple[World, Steps]:
    """Given: a hedged portfolio whose worst scenario costs 12,000, and whose linear margin is 16,020.

    Its floor is 80.0001 % of that, 12,816.02, so 12,817, and its initial margin one and a half of that, 19,226.
    When: the owner takes all but that. Then: he may, and not an atom more.
    """
    world = world_of(small_config(portfolio_floor_ppm=800_001), (100, 50, 50))
    for market, size in enumerate((-500, 1_000, 1_000)):
        holding(world, PORTFOLIO, market, market, size)
    worth(world, PORTFOLIO, 20_000)
    return just(world, PORTFOLIO, 774, Reason.INITIAL_MARGIN)
