"""The waterfall: what an accepted step leaves.

LONG holds 100 lots of market 0 at 100: maintenance margin 540, close-out at 360.
"""

import attrs

from perp_spec.perpetual.operations import Backstop, Deleverage
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FUND,
    Account,
    Kind,
    Ledger,
    MarketBook,
    MarketPrice,
    OrderSlot,
    Position,
)
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS
from support.plain import plain_health
from support.scenes.scene import LONG, OTHER, SHORT, equity, position, traded_world
from support.scenes.waterfall import (
    backstop_scene,
    bankrupt_backstop_scene,
    deleverage_scene,
    liquidate_scene,
    socialise_scene,
)


def test_liquidate_closes_a_step_against_an_order() -> None:
    """Given equity 500 of 540, when OTHER takes 20 of 100 lots at 100, then LONG has the same equity and less risk.

    Notional 2,000; the taker's fee is ceil(2,000 * 500 ppm) = 1. OTHER had 20,000 and the 10,500 of the scene less.
    """
    world, operation = liquidate_scene()
    ledger, account, taker = world.get(Ledger), world.get(Account, LONG), world.get(Account, OTHER)
    assert (account.collateral, taker.collateral) == (-9_500, 39_500)
    assert world.effects(operation) == {
        (Ledger, 0): attrs.evolve(ledger, fees_inbox=1),
        (MarketBook, 0): MarketBook(open_interest=100, window_liquidated=20),
        (Account, LONG): attrs.evolve(account, collateral=-7_500, liquidated_at=world.now),
        (Account, OTHER): attrs.evolve(taker, collateral=37_499, slots=1),
        (Position, LONG * POSITION_SLOTS): Position(0, 80, 0),
        (Position, OTHER * POSITION_SLOTS): Position(0, 20, 0),
        (OrderSlot, OTHER * ORDER_SLOTS + 1): OrderSlot(1, 20),
    }


def test_a_degraded_oracle_halves_the_step() -> None:
    """Given oracle level 1, when a step of 20 lots is tried, then 10 is the most and 5 the least."""
    world, operation = liquidate_scene()
    world.set(MarketPrice, 0, level=1)
    step = {lots: world.would(attrs.evolve(operation, lots=lots)) for lots in (11, 10, 5, 4)}
    assert step == {11: Reason.CLOSE_FACTOR, 10: None, 5: None, 4: Reason.STEP_TOO_SMALL}


def test_below_close_out_any_step_goes_without_cooldown() -> None:
    """Given equity 359 and a liquidation a second ago, when 1 or 100 lots are taken at 102, then both are accepted."""
    world, operation = liquidate_scene()
    equity(LONG, 359)(world, None)
    world.set(Account, LONG, liquidated_at=world.now - 1)
    for lots in (1, 100):
        taker = attrs.evolve(operation.taker, lots=lots, price=102)
        assert world.would(attrs.evolve(operation, lots=lots, price=102, taker=taker)) is None


def test_backstop_takes_lots_for_the_penalty_at_most() -> None:
    """Given equity 300, when the fund takes 20 lots, then it is paid 20.

    The share of 20 lots is 540 - 420 = 120, so the zero-price amount is ceil(120 * 300 / 540) = 67; the penalty is
    1 % of 2,000.
    """
    world, operation = backstop_scene()
    account, fund = world.get(Account, LONG), world.get(Account, FUND)
    assert (account.collateral, fund.collateral) == (-9_700, 50_000)
    assert world.effects(operation) == {
        (MarketBook, 0): MarketBook(open_interest=100, window_liquidated=20),
        (Account, LONG): attrs.evolve(account, collateral=-7_720, liquidated_at=world.now),
        (Account, FUND): attrs.evolve(fund, collateral=48_020, slots=1),
        (Position, LONG * POSITION_SLOTS): Position(0, 80, 0),
        (Position, FUND * POSITION_SLOTS): Position(0, 20, 0),
    }


def test_a_backstop_of_all_ends_at_exactly_zero() -> None:
    """Given equity -77, when the fund takes all 100 lots, in three pieces, then it pays 77 and nothing is left."""
    world, _ = bankrupt_backstop_scene()
    for lots in (33, 33, 34):
        world.must(Backstop(LONG, 0, 0, lots, 0))
    assert world.get(Account, LONG) == Account(
        Kind.CROSS, 1_004, collateral=0, slots=1, liquidated_at=world.now, closed_market=1
    )
    assert plain_health(world.state, FUND).equity == 50_000 - 77
    assert world.get(Ledger).bankrupt == 0


def test_a_full_backstop_of_a_solvent_account_leaves_what_the_cap_left() -> None:
    """Given equity 300, when the fund takes all 100 lots, then it is paid 1 % of 10,000 and LONG keeps 200."""
    world, operation = backstop_scene()
    world.must(attrs.evolve(operation, lots=100))
    assert world.get(Account, LONG).collateral == 200


def test_deleverage_closes_both_at_the_health_price() -> None:
    """Given equity 300, when SHORT closes 40 lots, then both have the equity they had."""
    world, operation = deleverage_scene()
    account, counterparty = world.get(Account, LONG), world.get(Account, SHORT)
    assert (account.collateral, counterparty.collateral) == (-9_700, 30_000)
    assert world.effects(operation) == {
        (MarketBook, 0): MarketBook(open_interest=60, window_liquidated=40),
        (Account, LONG): attrs.evolve(account, collateral=-5_700, liquidated_at=world.now),
        (Account, SHORT): attrs.evolve(counterparty, collateral=26_000),
        (Position, LONG * POSITION_SLOTS): Position(0, 60, 0),
        (Position, SHORT * POSITION_SLOTS): Position(0, -60, 0),
    }


def test_a_counterparty_pays_the_deficit_of_a_bankrupt_account() -> None:
    """Given equity -270, when SHORT closes half, it pays the half: 50 lots are 300 of a linear margin of 540.

    The upper half of the position is in the dearer bracket: floor(300 * 270 / 540) = 150.
    """
    world, operation = deleverage_scene()
    equity(LONG, -270)(world, None)
    world.must(attrs.evolve(operation, lots=50))
    assert plain_health(world.state, LONG).equity == -120
    assert plain_health(world.state, SHORT).equity == 20_000 - 150


def test_the_fund_itself_can_be_deleveraged() -> None:
    """Given the fund with the long of 100 lots and equity -10, when SHORT closes it, then SHORT pays 10."""
    world = traded_world()
    world.set(Position, LONG * POSITION_SLOTS, market=0, size=0)
    world.set(Position, FUND * POSITION_SLOTS, market=0, size=100)
    world.set(Account, FUND, slots=1, collateral=-10_030)
    world.set(Ledger, 0, fund_inbox=20)
    world.must(Deleverage(FUND, 0, SHORT, 0, 0, 100, 0))
    assert world.get(Account, FUND).collateral == 0
    assert plain_health(world.state, SHORT).equity == 20_000 - 10
    assert world.get(MarketBook, 0) == MarketBook()


def test_socialise_takes_from_the_fund_first() -> None:
    """Given a deficit of 500 and a fund with 200 in its inbox, when socialised, then the markets bear 300.

    300 atoms on 200 lots of both sides: 1.5 atoms a lot.
    """
    world, operation = socialise_scene()
    world.set(Ledger, 0, fund_inbox=200)
    world.set(Account, OTHER, collateral=world.get(Account, OTHER).collateral - 200)
    account = world.get(Account, LONG)
    ledger = world.get(Ledger)
    price = world.get(MarketPrice, 0)
    today = world.now // 86_400
    assert world.effects(operation) == {
        (Ledger, 0): attrs.evolve(ledger, fund_inbox=0, bankrupt=0),
        (MarketPrice, 0): attrs.evolve(price, loss_index=1_500_000),
        (MarketBook, 0): MarketBook(open_interest=100, loss_day=today, loss_today=1_500_000),
        (MarketBook, 1): MarketBook(loss_day=today),
        (MarketBook, 2): MarketBook(loss_day=today),
        (Account, LONG): attrs.evolve(account, collateral=0),
    }


def test_a_fund_in_doubt_pays_only_what_it_surely_has() -> None:
    """Given a fund with equity 200, short 20 lots of a blind market at 50, when 500 are missing, then it pays 70.

    The lots need 30 of maintenance margin, and may cost 100 more. With the market in sight it would pay 170.
    """
    world, operation = socialise_scene()
    position(FUND, 0, 1, -20)(world, None)
    world.set(Account, FUND, collateral=1_200)
    known = plain_health(world.state, FUND)
    assert (known.equity, known.maintenance) == (200, 30)
    world.set(MarketPrice, 1, level=2)
    assert plain_health(world.state, FUND).doubt == 100
    world.must(operation)
    assert plain_health(world.state, FUND).equity == 200 - 70


def test_socialise_stops_at_the_cap_of_the_day() -> None:
    """Given a deficit of 1,500, when socialised, then 5 % of the price a lot is borne today: 5 * 200 = 1,000."""
    world, operation = socialise_scene()
    world.set(Account, LONG, collateral=-1_500)
    world.set(Account, SHORT, collateral=world.get(Account, SHORT).collateral + 1_000)
    world.must(operation)
    assert world.get(Account, LONG).collateral == -500
    assert world.get(MarketPrice, 0).loss_index == 5_000_000
    assert world.get(Ledger).bankrupt == 1
    assert world.would(operation) is Reason.NO_OPEN_INTEREST
    world.later(86_400)
    assert world.would(operation) is None


def test_what_does_not_divide_is_collected_as_dust() -> None:
    """Given a deficit of 1 over 3 lots a side, when socialised, then a sixth, rounded up, leaves 2 micro-atoms.

    dL = ceil(1,000,000 / 6) = 166,667; six lots owe 1,000,002 micro-atoms.
    """
    world, operation = socialise_scene()
    for number in (OTHER, SHORT):
        size = world.get(Position, number * POSITION_SLOTS).size // 100 * 3
        world.set(Position, number * POSITION_SLOTS, size=size)
    world.set(MarketBook, 0, open_interest=3)
    world.set(Account, LONG, collateral=-1)
    world.must(operation)
    assert world.get(MarketPrice, 0).loss_index == 166_667
    assert world.get(Ledger).dust == 2
