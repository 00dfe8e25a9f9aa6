"""Edges of liquidate, backstop, deleverage and socialise.

A long or short of 100 lots at 100 has a maintenance margin of 540 and is closed out below 360.
"""

from typing import Any

import attrs

from perp_spec.perpetual.operations import Backstop, Deleverage, Liquidate, Socialise
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Account, Ledger, MarketBook, MarketPrice
from perp_spec.words import COLLATERAL_MAX, DAY, POSITION_SLOTS, PPM
from support.scenes.scene import LONG, OTHER, PORTFOLIO, SHORT, deal, small_world
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
from support.worlds import World, order, small_config

EDGES: list[Edge] = []

LIQUIDATED = (
    "liquidate: carry(ledger, side.dust + taking.dust, fund=fee - inbox, fees=taker_fee, "
    "bankrupt=moved.bankrupt + took.bankrupt - side.bankrupt - taking.bankrupt)"
)

DELEVERAGED = (
    "deleverage: carry(ledger, side.dust + other.dust, fund=-inbox - other_inbox, "
    "bankrupt=moved.bankrupt + closed.bankrupt - side.bankrupt - other.bankrupt)"
)


def opposed(
    lots: int, market: int = 0, price: int = 100, long: int = LONG, short: int = SHORT, config: Any = None
) -> World:
    """One account is long and another short by so many lots of a market with this price."""
    world = world_of(config or small_config())
    world.set(MarketPrice, market, price=price, index=price)
    holding(world, long, 0, market, lots)
    holding(world, short, 0, market, -lots)
    return world


def taken(lots: int, price: int, taker: int = OTHER, account: int = LONG, market: int = 0) -> Liquidate:
    """A taker buys lots of the liquidated account, without fees."""
    bid = order(taker, True, lots, price, market=market)
    return Liquidate(account, 0, market, lots, price, 0, bid, 0, 0)


# Liquidate


@edge(
    EDGES,
    "liquidate/all-of-a-position-worth-just-full-close-atoms",
    "step_cap: absolute(size) * price.price <= market.full_close_atoms: Lt",
)
def full_close() -> tuple[World, Steps]:
    """Given: 10 lots at 100, just full_close_atoms, not below close-out. Then: all may be closed at once."""
    world = opposed(10)
    worth(world, LONG, 25)
    return told(world, (taken(10, 100), None))


@edge(
    EDGES,
    "liquidate/steps-of-101-lots",
    "step_cap: mul_div_ceil(absolute(size), market.close_factor_ppm, PPM): mul_div_floor",
    "require_staged: mul_div_ceil(cap, 1, 2): mul_div_floor",
)
def steps_rounded_up() -> tuple[World, Steps]:
    """Given: 101 lots, of which a step may close 20 %, rounded up, 21, and must close half of that, rounded up, 11.

    Then: 22 lots are too many, 10 too few, and 21 are right.
    """
    world = opposed(101)
    worth(world, LONG, 500)
    return told(
        world,
        (taken(22, 100), Reason.CLOSE_FACTOR),
        (taken(10, 100), Reason.STEP_TOO_SMALL),
        (taken(21, 100), None),
    )


@edge(
    EDGES,
    "liquidate/half-of-a-step-while-degraded",
    "step_cap: mul_div_ceil(cap, 1, 2): mul_div_floor",
    "step_cap: 2: 3",
)
def half_a_step() -> tuple[World, Steps]:
    """Given: 101 lots in a degraded market: a step may close half of 21, rounded up. Then: 11 are right, not 12."""
    world = opposed(101)
    world.set(MarketPrice, 0, level=1)
    worth(world, LONG, 500)
    return told(world, (taken(12, 100), Reason.CLOSE_FACTOR), (taken(11, 100), None))


@edge(
    EDGES,
    "liquidate/taker-sells-beyond-the-largest-short",
    "liquidate: absolute(took.position.size): without absolute",
)
def taker_largest_short() -> tuple[World, Steps]:
    """Given: a short is liquidated, and the taker is short by 1,010 of at most 1,024 lots.

    Then: it may sell 14 lots, not 15.
    """
    world = opposed(100)
    holding(world, OTHER, 0, 0, -1_010)
    worth(world, SHORT, 500)
    worth(world, OTHER, 10**6)
    fifteen, fourteen = (
        attrs.evolve(taken(lots, 100, account=SHORT), taker=order(OTHER, False, lots, 100)) for lots in (15, 14)
    )
    return told(world, (fifteen, Reason.SIZE_RANGE), (fourteen, None))


@edge(EDGES, "liquidate/single-lot-far-below-the-index", "require_staged: 0: 1")
def single_lot_below_index() -> tuple[World, Steps]:
    """Given: a long of one lot; the health price is 1,000, the index 1,010, the slippage 1 %.

    Then: it may be sold at 1,000, and not at 990, 2 % below the index.
    """
    world = opposed(1, price=1_000)
    world.set(MarketPrice, 0, index=1_010)
    worth(world, LONG, 25)
    return told(world, (taken(1, 990), Reason.SLIPPAGE), (taken(1, 1_000), None))


@edge(EDGES, "liquidate/fund-closes-its-last-position-with-a-margin-of-one-atom", "ratio_kept: 0: 1 (2)")
def fund_closes_last_lot() -> tuple[World, Steps]:
    """Given: the fund holds a lot worth 20, whose maintenance margin is one atom, and 1,000 atoms.

    When: it sells the lot and pays a fee of an atom. Then: it may: its ratio has not fallen, it needs no margin any
    more.
    """
    world = opposed(1, 2, 20, long=FUND)
    worth(world, FUND, 1_020)
    return told(world, (attrs.evolve(taken(1, 20, account=FUND, market=2), fee_ppm=1), None))


@edge(EDGES, "liquidate/account-ends-flat-and-below-zero", f"{LIQUIDATED}: without bankrupt")
def liquidated_ends_bankrupt() -> tuple[World, Steps]:
    """Given: 100 lots and equity -10. When: all are sold. Then: one more account is flat and below zero."""
    world = opposed(100)
    worth(world, LONG, -10)
    return told(world, (taken(100, 100), None))


@edge(EDGES, "liquidate/taker-ends-flat-and-below-zero", "liquidate: moved.bankrupt + took.bankrupt: Sub")
def taker_ends_bankrupt() -> tuple[World, Steps]:
    """Given: the short has equity -10. When: it buys all lots of the long that is liquidated.

    Then: one more account is flat and below zero.
    """
    world = opposed(100)
    worth(world, LONG, 300)
    worth(world, SHORT, -10)
    return told(world, (taken(100, 100, SHORT), None))


@edge(
    EDGES,
    "liquidate/taker-was-flat-and-below-zero",
    "liquidate: moved.bankrupt + took.bankrupt - side.bankrupt - taking.bankrupt: Add",
)
def taker_was_bankrupt() -> tuple[World, Steps]:
    """Given: a market with slippage_full_ppm of 10 %; a portfolio of 10 lots below close-out; a flat account with -1.

    When: that account buys the 10 lots at 90. Then: with 99 it has its initial margin, and one account less is flat
    and below zero.
    """
    config = with_markets(small_config(), slippage_full_ppm=100_000)
    world = opposed(10, long=PORTFOLIO, config=config)
    worth(world, PORTFOLIO, 150)
    world.set(Account, OTHER, collateral=-1)
    return told(world, (taken(10, 90, account=PORTFOLIO), None))


# Backstop


@edge(EDGES, "backstop/margin-of-one-atom", "zero_price_amount: 1: 2")
def backstop_of_one_lot() -> tuple[World, Steps]:
    """Given: one lot worth 20, whose maintenance margin is one atom, and equity -4. When: the fund takes it.

    Then: the fund pays the 4, and the account has nothing.
    """
    world = opposed(1, 2, 20)
    worth(world, LONG, -4)
    worth(world, FUND, 50_000)
    return told(world, (Backstop(LONG, 0, 2, 1, 0), None))


@edge(EDGES, "backstop/deficit-that-a-blind-position-may-make-up-for", "certain: 0: 1 (2)")
def doubtful_deficit() -> tuple[World, Steps]:
    """Given: equity -5, and another position of 5,000 in a blind market, which may be worth 500 more.

    When: the fund takes 20 lots. Then: nothing is paid for them, in neither direction.
    """
    world = opposed(100)
    holding(world, LONG, 1, 1, 100)
    holding(world, OTHER, 0, 1, -100)
    world.set(MarketPrice, 1, level=2, blind_since=1_000_000)
    worth(world, LONG, -5)
    worth(world, FUND, 50_000)
    return told(world, (Backstop(LONG, 0, 0, 20, 0), None))


@edge(
    EDGES,
    "backstop/fund-ends-with-the-largest-collateral",
    "fund_able: absolute(taken.account.collateral) <= COLLATERAL_MAX: Lt",
)
def largest_collateral() -> tuple[World, Steps]:
    """Given: the fund takes over 20 lots of a short for 2,020, and then has 2^61 atoms, the largest collateral.

    Then: it may, and with one lot more it may not.
    """
    world = opposed(100)
    worth(world, SHORT, 300)
    world.set(Account, FUND, collateral=COLLATERAL_MAX - 2_020)
    return told(world, (Backstop(SHORT, 0, 0, 20, 0), None), (Backstop(SHORT, 0, 0, 1, 0), Reason.FUND_MARGIN))


@edge(
    EDGES,
    "backstop/fund-beyond-the-largest-short",
    "fund_able: absolute(taken.position.size): without absolute",
)
def fund_largest_short() -> tuple[World, Steps]:
    """Given: the fund is short by 1,010 of at most 1,024 lots. Then: it can take 14 lots of a short, and not 15."""
    world = opposed(100)
    holding(world, FUND, 0, 0, -1_010)
    holding(world, OTHER, 0, 0, 1_010)
    worth(world, SHORT, 300)
    worth(world, FUND, 10**7)
    return told(world, (Backstop(SHORT, 0, 0, 15, 0), Reason.FUND_MARGIN), (Backstop(SHORT, 0, 0, 14, 0), None))


# Deleverage


@edge(
    EDGES,
    "deleverage/fund-with-all-slots-full",
    "decides: fund_position.size != 0: Eq",
    "decides: fund.rest.same == 0: NotEq",
    "decides: POSITION_SLOTS - 1: Add",
    "decides: 1: 2",
    "decides: 0: 1",
    "decides: 0: 1 (2)",
)
def full_fund() -> tuple[World, Steps]:
    """Given: the fund, rich, holds sixteen positions in other markets. When: one of its slots is named.

    Then: it has no room, and the account is deleveraged.
    """
    world = world_of(small_config(markets=POSITION_SLOTS + 1), (100, *(20,) * POSITION_SLOTS))
    holding(world, LONG, 0, 0, 100)
    holding(world, SHORT, 0, 0, -100)
    for slot in range(POSITION_SLOTS):
        holding(world, FUND, slot, slot + 1, 1)
    worth(world, LONG, 300)
    worth(world, FUND, 10**6)
    return told(world, (Deleverage(LONG, 0, SHORT, 0, 0, 40, 3), None))


@edge(EDGES, "deleverage/piece-of-a-thousand-lots-at-one-atom", "backstop_lots: 1: 2 (3)")
def piece_at_one() -> tuple[World, Steps]:
    """Given: 1,000 lots at 1; the fund, with 200, could bear 500 lots, and not the piece of backstop_atoms, 1,000.

    Then: the account is deleveraged.
    """
    world = opposed(1_000, 2, 1)
    worth(world, LONG, 5)
    worth(world, FUND, 200)
    return told(world, (Deleverage(LONG, 0, SHORT, 0, 2, 100, 0), None))


@edge(EDGES, "deleverage/piece-of-a-single-lot", "backstop_lots: 1: 2")
def piece_of_one_lot() -> tuple[World, Steps]:
    """Given: 10 lots at 1,000, backstop_atoms; the fund, with 300, could bear one lot, and not two.

    Then: BACKSTOP_POSSIBLE: one lot is the piece.
    """
    world = opposed(10, price=1_000)
    worth(world, LONG, 300)
    worth(world, FUND, 300)
    return told(world, (Deleverage(LONG, 0, SHORT, 0, 0, 4, 0), Reason.BACKSTOP_POSSIBLE))


@edge(EDGES, "deleverage/margin-that-does-not-fall-pays-nothing", "released: 0: 1", "deleverage_payment: 0: 1 (2)")
def nothing_released() -> tuple[World, Steps]:
    """Given: at a price of 1 a short of 66 lots needs 2 atoms of margin, rounded up, and one of 34 lots as much.

    When: 32 lots are closed against it, and the other side has a deficit of 300. Then: the short pays nothing of
    it.
    """
    world = opposed(98, 2, 1)
    holding(world, SHORT, 0, 2, -66)
    holding(world, OTHER, 0, 2, -32)
    worth(world, LONG, -300)
    worth(world, SHORT, 100)
    return told(world, (Deleverage(LONG, 0, SHORT, 0, 2, 32, 0), None))


@edge(EDGES, "deleverage/margins-of-one-atom", "released: 1: 2", "deleverage_payment: 1: 2")
def margins_of_one() -> tuple[World, Steps]:
    """Given: one lot worth 20, its margin one atom, with a deficit of 50, against a short with equity 30.

    Then: the short pays its 30.
    """
    world = opposed(1, 2, 20)
    worth(world, LONG, -50)
    worth(world, SHORT, 30)
    return told(world, (Deleverage(LONG, 0, SHORT, 0, 2, 1, 0), None))


@edge(EDGES, "deleverage/portfolio-pays-all-it-has", "worst_loss: 0: 1")
def portfolio_pays_all() -> tuple[World, Steps]:
    """Given: a deficit of 400, and a portfolio whose only position is the other side, with equity 300.

    When: all is closed. Then: it pays 300: an empty portfolio needs no margin at all.
    """
    world = opposed(10, short=PORTFOLIO)
    worth(world, LONG, -400)
    worth(world, PORTFOLIO, 300)
    return told(world, (Deleverage(LONG, 0, PORTFOLIO, 0, 0, 10, 0), None))


@edge(
    EDGES,
    "deleverage/portfolio-with-just-its-margin-loses-part-of-its-hedge",
    "left_unhealthy: had.equity >= had.maintenance: Gt",
)
def part_of_a_hedge() -> tuple[World, Steps]:
    """Given: a portfolio of three legs with equity 2,400, just what its worst scenario costs.

    When: 50 lots of a leg are taken from it, and the worst scenario costs 3,000. Then: it has lost its margin to
    somebody else's need, and is spared, though it is not below close-out.
    """
    world = empty_world()
    for slot, (market, size) in enumerate(((1, 200), (0, -100), (2, 500))):
        holding(world, PORTFOLIO, slot, market, size)
        holding(world, LONG if market == 1 else OTHER, slot % 2, market, -size)
    worth(world, PORTFOLIO, 2_400)
    worth(world, LONG, 100)
    return told(world, (Deleverage(LONG, 0, PORTFOLIO, 0, 1, 50, 0), None))


@edge(
    EDGES,
    "deleverage/of-the-fund-itself",
    f"{DELEVERAGED}: without fund",
    "deleverage: -inbox: without minus",
    "deleverage: False: True",
    "deleverage: 0: 1 (4)",
)
def of_the_fund() -> tuple[World, Steps]:
    """Given: the fund is long by 100 lots, below close-out, and 137 atoms wait for it. When: 40 lots are closed.

    Then: it has the 137, its inbox is empty, and nothing counts as liquidated.
    """
    world = opposed(100, long=FUND)
    worth(world, FUND, 300 - 137)
    world.set(Ledger, 0, fund_inbox=137)
    return told(world, (Deleverage(FUND, 0, SHORT, 0, 0, 40, 0), None))


@edge(EDGES, "deleverage/against-the-fund", "deleverage: -inbox - other_inbox: Add")
def against_the_fund() -> tuple[World, Steps]:
    """Given: the other side is the fund, below zero, and 137 atoms wait for it. When: 40 lots are closed.

    Then: it has the 137, and its inbox is empty.
    """
    world = opposed(100, short=FUND)
    worth(world, LONG, 300)
    worth(world, FUND, -1_137)
    world.set(Ledger, 0, fund_inbox=137)
    return told(world, (Deleverage(LONG, 0, FUND, 0, 0, 40, 0), None))


@edge(
    EDGES,
    "deleverage/both-end-flat-and-below-zero",
    f"{DELEVERAGED}: without bankrupt",
    "deleverage: moved.bankrupt + closed.bankrupt: Sub",
)
def both_end_bankrupt() -> tuple[World, Steps]:
    """Given: a long with equity -10 and a short with -20. When: all is closed.

    Then: two more accounts are flat and below zero.
    """
    world = opposed(100)
    worth(world, LONG, -10)
    worth(world, SHORT, -20)
    return told(world, (Deleverage(LONG, 0, SHORT, 0, 0, 100, 0), None))


# Socialise


def bankrupt(account: int, room: int = 4_096 * PPM) -> World:
    """A flat account has -500, and the loss index of market 0 may rise by this."""
    world = opposed(100, long=OTHER)
    world.set(Account, account, collateral=-500)
    world.set(MarketPrice, 0, loss_index=4_096 * PPM - room)
    return world


@edge(EDGES, "socialise/loss-index-near-its-end", "bear_loss: market.max_price * PPM - price.loss_index: Add")
def little_room() -> tuple[World, Steps]:
    """Given: the loss index is 1,000 below max_price * 1,000,000. Then: it rises to just that."""
    return told(bankrupt(LONG, 1_000), (Socialise(LONG, 0), None))


@edge(
    EDGES,
    "socialise/room-for-just-the-deficit",
    "bear_loss: mul_div_floor(lots, limit, PPM) <= loss.deficit: Lt",
    "bear_loss: mul_div_floor(lots, limit, PPM): mul_div_ceil",
)
def room_for_just_the_deficit() -> tuple[World, Steps]:
    """Given: a debt of 1, and 200 lots of both sides whose loss index may rise by 7,500 more, which is 1.5 atoms.

    Then: the whole 7,500 is taken, as 1 is all that whole atoms make of it; 5,000 would have done.
    """
    world = bankrupt(LONG, 7_500)
    world.set(Account, LONG, collateral=-1)
    return told(world, (Socialise(LONG, 0), None))


@edge(EDGES, "socialise/loss-index-at-its-end", "bear_loss: 0: 1 (3)")
def no_room() -> tuple[World, Steps]:
    """Given: the loss index is max_price * 1,000,000, and no other market has open interest. Then: NO_OPEN_INTEREST."""
    return told(bankrupt(LONG, 0), (Socialise(LONG, 0), Reason.NO_OPEN_INTEREST))


@edge(EDGES, "socialise/cap-of-the-day-is-used-up", "bear_loss: 0: 1 (2)")
def used_up() -> tuple[World, Steps]:
    """Given: 5 % of the price, loss_cap_ppm, is borne today already, and no other market has open interest.

    Then: NO_OPEN_INTEREST.
    """
    world = bankrupt(LONG)
    world.set(MarketBook, 0, loss_day=world.now // DAY, loss_today=5 * PPM)
    return told(world, (Socialise(LONG, 0), Reason.NO_OPEN_INTEREST))


@edge(
    EDGES,
    "socialise/what-the-fund-can-spare-for-sure",
    "socialise: fund_side.health.equity - fund_side.terms.doubt: Add",
    "socialise: sure_equity - fund_side.health.maintenance: Add",
)
def spared_by_the_fund() -> tuple[World, Steps]:
    """Given: the fund has equity 1,000 with a position of 5,000 in a blind market, which may be worth 500 less.

    It needs 240 for it. Then: it pays 260 of the debt of 500, and the open interest bears the rest.
    """
    world = bankrupt(LONG)
    holding(world, FUND, 0, 1, -100)
    holding(world, PORTFOLIO, 0, 1, 100)
    world.set(MarketPrice, 1, level=2, blind_since=1_000_000)
    worth(world, FUND, 1_000)
    return told(world, (Socialise(LONG, 0), None))


@edge(
    EDGES,
    "socialise/market-that-the-debtor-closed-last",
    "socialise: select(is_fund, fund.closed_market, other.closed_market): exchanged",
    "socialise: 1: 2 (4)",
)
def closed_last() -> tuple[World, Steps]:
    """Given: the debtor's last position was in market 1. Then: market 1 bears first; to name market 0 is refused."""
    world = small_world()
    world.must(deal(LONG, SHORT, 100, 50, market=1), deal(OTHER, LONG, 100, 50, market=1))
    world.set(Account, LONG, collateral=-500)
    return told(world, (Socialise(LONG, 0), Reason.MARKET_NOT_ALLOWED), (Socialise(LONG, 1), None))


@edge(
    EDGES,
    "socialise/deficit-of-the-fund",
    "socialise: fund_side.collateral - paid + select(is_fund, covered, 0): Sub",
)
def deficit_of_the_fund() -> tuple[World, Steps]:
    """Given: the fund is flat with -500. When: the open interest bears it. Then: the fund has nothing, and no debt."""
    return told(bankrupt(FUND), (Socialise(FUND, 0), None))
