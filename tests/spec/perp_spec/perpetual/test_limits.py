"""The bounds that docs/limits.md states are the bounds: no more than that can be lost, and that much can."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import attrs
import pytest

from perp_reference.core.audit import audit
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.defaults import USD, default_config
from perp_spec.perpetual.operations import Backstop, Deleverage, ForcedReduce, OracleTick, Withdraw
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Account, Forced, Kind, MarketPrice, Path, Position
from perp_spec.words import PPM
from support.actions import right_slot
from support.plain import plain_health
from support.scenes.scene import deal
from support.worlds import World, intent, tick

HEDGED, MAKER, DEBTOR, FRIEND = 2, 3, 7, 8

LEGS = {2: -1, 3: 1, 4: -1, 5: 1, 6: 1, 7: -1, 8: 1, 9: -1}
"""Eight legs whose signs follow the parity of the market's id: in every scenario their losses cancel."""

PRICE = USD
LOTS = 1_000_000
"""A leg is worth a million."""


def ticks(market: int, price: int) -> Iterator[OracleTick]:
    """A tick of every market, one of them at another price."""
    for number in range(11):
        said = price if number == market else PRICE
        yield tick(number, said, said)


def trade(world: World, account: int, other: int, lots: int, market: int, price: int) -> None:
    """An account gains lots (loses them, where there are fewer than none) against another."""
    buyer, seller = (account, other) if lots > 0 else (other, account)
    slots = right_slot(world, buyer, market), right_slot(world, seller, market)
    world.must(deal(buyer, seller, abs(lots), price, market, slots))


def leaving(world: World, account: int) -> int:
    """The most that may be withdrawn."""
    low, high = 0, 2**60
    while low < high:
        middle = (low + high + 1) // 2
        if world.would(Withdraw(account, middle, intent(2**30))) is None:
            low = middle
        else:
            high = middle - 1
    return low


def hedged_world(config: Config | None = None) -> World:
    """A portfolio of eight legs with no more equity than its initial margin; DEBTOR is long against its first leg."""
    world = World(config or default_config())
    world.must(*(tick(market, PRICE, PRICE) for market in range(11)))
    world.open(HEDGED, kind=Kind.PORTFOLIO, collateral=20_000_000 * USD)
    world.open(MAKER, collateral=100_000_000 * USD)
    world.open(DEBTOR, collateral=60_000 * USD)
    for market, sign in LEGS.items():
        trade(world, HEDGED, DEBTOR if market == 2 else MAKER, sign * LOTS, market, PRICE)
    world.must(Withdraw(HEDGED, leaving(world, HEDGED), intent(1)))
    return world


def test_a_hedged_portfolio_needs_rho_of_its_linear_margin() -> None:
    """Given legs that cancel in every scenario, then the margin is a quarter of 3 % of eight millions: 60,000.

    One leg may lose 6 % before equity at that margin is gone, where a single position's margin covers 3 %; all eight
    together three quarters of a percent each.
    """
    world = hedged_world()
    health = plain_health(world.state, HEDGED)
    linear = 8 * LOTS * PRICE * 30_000 // PPM
    assert (health.linear, health.maintenance) == (linear, linear // 4)
    assert health.equity == health.initial


def test_a_portfolio_that_loses_its_hedge_to_a_debtor_is_spared() -> None:
    """Given a portfolio whose first leg is closed for a debtor, when it lacks margin by that, then it has a minute.

    It was well above its maintenance margin, and is below close-out without having done anything. For cooldown_seconds
    nobody takes its legs over; after it, it is as any other account.
    """
    world = hedged_world()
    world.later(10)
    fallen = PRICE * 955 // 1_000
    world.must(*ticks(2, fallen))
    before = plain_health(world.state, HEDGED)
    assert before.equity >= before.maintenance
    slots = right_slot(world, DEBTOR, 2), right_slot(world, HEDGED, 2)
    world.must(Deleverage(DEBTOR, slots[0], HEDGED, slots[1], 2, LOTS, 0))
    after = plain_health(world.state, HEDGED)
    assert after.equity == before.equity < after.maintenance * 2 // 3
    world.must(world.deposit(FUND, 50_000_000 * USD))
    takeover = Backstop(HEDGED, right_slot(world, HEDGED, 3), 3, LOTS, 0)
    assert world.get(Account, HEDGED).liquidated_at == world.now + 60
    assert audit(world.state) == []
    assert world.would(takeover) is Reason.COOLDOWN
    world.later(59)
    assert world.would(takeover) is Reason.COOLDOWN
    world.later(1)
    assert world.would(takeover) is None
    assert audit(world.state) == []


def test_a_second_piece_that_takes_a_portfolio_below_close_out_spares_it_again() -> None:
    """Given a first piece that cost maintenance margin only, when the second costs close-out, then it has a minute.

    The operator chooses the pieces: else the first would use up the time that is needed after the second.
    """
    world = hedged_world()
    world.later(10)
    world.must(*ticks(2, PRICE * 94 // 100))
    slots = right_slot(world, DEBTOR, 2), right_slot(world, HEDGED, 2)
    low, high = 1, LOTS
    while low < high:
        middle = (low + high) // 2
        trial = deepcopy(world)
        trial.must(Deleverage(DEBTOR, slots[0], HEDGED, slots[1], 2, middle, 0))
        after = plain_health(trial.state, HEDGED)
        low, high = (low, middle) if after.equity < after.maintenance else (middle + 1, high)
    world.must(Deleverage(DEBTOR, slots[0], HEDGED, slots[1], 2, low, 0))
    assert world.get(Account, HEDGED).liquidated_at == world.now + 60
    world.later(59)
    world.must(Deleverage(DEBTOR, slots[0], HEDGED, slots[1], 2, LOTS - low, 0))
    after = plain_health(world.state, HEDGED)
    assert 0 < after.equity < after.maintenance * 2 // 3
    assert world.get(Account, HEDGED).liquidated_at == world.now + 60
    world.must(world.deposit(FUND, 50_000_000 * USD))
    world.later(59)
    assert world.would(Backstop(HEDGED, right_slot(world, HEDGED, 3), 3, LOTS, 0)) is Reason.COOLDOWN


def test_a_portfolio_that_loses_its_hedge_to_a_forced_reduction_is_spared() -> None:
    """Given a healthy owner of the other side who reduces, when the portfolio has to close, then it is spared."""
    world = hedged_world()
    world.must(world.request(DEBTOR, Forced.REDUCE, LOTS, market=2))
    slots = right_slot(world, DEBTOR, 2), right_slot(world, HEDGED, 2)
    world.must(ForcedReduce(DEBTOR, slots[0], 2, LOTS, 0, Path.OPPOSITE, HEDGED, slots[1]))
    after = plain_health(world.state, HEDGED)
    assert 0 < after.equity < after.maintenance
    assert world.get(Account, HEDGED).liquidated_at == world.now + 60
    assert audit(world.state) == []


def test_a_spared_account_below_zero_is_spared_no_more() -> None:
    """Given an account that is spared, when it falls below zero, then it may be taken over at once."""
    world = hedged_world()
    world.must(world.deposit(FUND, 50_000_000 * USD))
    world.set(Account, HEDGED, liquidated_at=world.now + 60)
    takeover = Backstop(HEDGED, right_slot(world, HEDGED, 3), 3, LOTS // 10, 0)
    world.later(10)
    down = PRICE * 90 // 100
    world.must(*ticks(3, down))
    assert plain_health(world.state, HEDGED).equity < 0
    assert world.would(takeover) is None


@pytest.mark.parametrize(("hours", "bands"), [(0.25, 1), (0.5, 2), (1, 3), (2, 5), (5, 10)])
def test_what_leaves_while_blind_is_judged_by_a_band_for_every_half_hour(hours: float, bands: int) -> None:
    """Given a long whose market is silent, when collateral leaves, then a fall by as many bands is still covered.

    A band is 10 %, and there is one more for every half hour. After five hours nothing but collateral counts.
    """
    world = World(default_config(1))
    price = 4_000_000
    world.must(tick(0, price, price))
    world.open(HEDGED, collateral=500_000 * USD)
    world.open(MAKER, collateral=500_000 * USD)
    trade(world, HEDGED, MAKER, 100_000, 0, price)
    world.later(120 + int(hours * 3_600))
    notional = 100_000 * price
    initial = plain_health(world.state, HEDGED).cautious_initial
    kept = 500_000 * USD - leaving(world, HEDGED)
    assert kept == min(bands, 10) * notional // 10 + 2 * initial
    assert kept - notional * min(bands, 10) // 10 >= 0


def test_a_gap_leaks_the_price_band_of_another_market_and_no_more() -> None:
    """Given an account whose equity a gap overstates, when it sells a good leg to a friend, then 5 % can leave."""
    world = World(default_config(3))
    btc, link = 4_000_000, 1_000_000
    world.must(tick(0, btc, btc), tick(2, link, link))
    for account, amount in ((HEDGED, 400_000), (MAKER, 2_000_000), (FRIEND, 400_000)):
        world.open(account, collateral=amount * USD)
    trade(world, HEDGED, MAKER, 100_000, 0, btc)
    trade(world, HEDGED, FRIEND, 2_000_000, 2, link)
    world.must(Withdraw(HEDGED, leaving(world, HEDGED), intent(1)))
    world.later(10)
    world.must(tick(0, btc * 3 // 4, btc * 3 // 4), tick(2, link, link))
    assert world.get(MarketPrice, 0).gap
    assert leaving(world, HEDGED) == 0
    friend = plain_health(world.state, FRIEND).equity
    lots = world.get(Position, 16 * HEDGED + right_slot(world, HEDGED, 2)).size
    slots = right_slot(world, FRIEND, 2), right_slot(world, HEDGED, 2)
    sale = deal(FRIEND, HEDGED, lots, link * 95 // 100 - 1, 2, slots)
    assert world.would(sale) is Reason.PRICE_BAND
    reasons = [world.would(priced(sale, link * part // 1_000)) for part in range(950, 1_000)]
    best = next(place for place, reason in enumerate(reasons) if reason is None)
    world.must(priced(sale, link * (950 + best) // 1_000))
    assert plain_health(world.state, FRIEND).equity - friend <= lots * link * 50_000 // PPM
    assert audit(world.state) == []


def priced(sale: Any, price: int) -> Any:
    """The trade at another price."""
    buyer, seller = (attrs.evolve(getattr(sale, name), price=price) for name in ("buyer", "seller"))
    return attrs.evolve(sale, price=price, buyer=buyer, seller=seller)
