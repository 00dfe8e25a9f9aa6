"""Each counterexample of docs/decisions.md, which an earlier version of the rules got wrong."""

import attrs
import pytest

from perp_reference.core.audit import audit
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import Backstop, Deleverage, EndBatch, EscapeClaim, ForcedReduce
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FUND,
    Account,
    Forced,
    Ledger,
    MarketBook,
    MarketOracle,
    MarketPrice,
    Mode,
    Path,
    Position,
    Request,
)
from perp_spec.words import CLAIMS_MAX, POSITION_SLOTS, WORD_MAX
from support.plain import plain_health
from support.scenes.forced import escape_claim_scene
from support.scenes.scene import LONG, OTHER, SHORT, deal, equity, move, position, traded_world
from support.scenes.waterfall import backstop_scene
from support.worlds import World, small_config, tick


def test_a_deleverage_keeps_both_ratios_of_the_counterparty() -> None:
    """Given SHORT at exactly its maintenance margin, half of it in a market with a large funding buffer.

    When the bankrupt LONG is deleveraged against it, then SHORT pays what its maintenance margin falls by, 540, and
    is at its maintenance margin still. Its linear ratio alone would let it pay 790, and leave 790 of 1,040.
    """
    world = traded_world()
    world.must(deal(SHORT, OTHER, 200, 50, market=1, slots=(1, 0)))
    world.set(MarketPrice, 1, buffer_long_ppm=50_000)
    equity(LONG, -1_000)(world, None)
    move(world, SHORT, OTHER, plain_health(world.state, SHORT).equity - 1_580)
    before = plain_health(world.state, SHORT)
    assert (before.equity, before.maintenance, before.linear) == (1_580, 1_580, 1_080)
    world.must(Deleverage(LONG, 0, SHORT, 0, 0, 100, 0))
    after = plain_health(world.state, SHORT)
    assert (after.equity, after.maintenance, after.linear) == (1_040, 1_040, 540)
    assert audit(world.state) == []


def fund_holds_the_short(fund_equity: int, long_equity: int) -> World:
    """The fund is the only one short against LONG, whose equity is this."""
    world = traded_world()
    equity(LONG, long_equity)(world, None)
    world.state.put(Position, SHORT * POSITION_SLOTS, Position())
    position(FUND, 0, 0, -100)(world, None)
    short = world.get(Account, SHORT).collateral
    world.set(Account, FUND, collateral=10_000 + fund_equity)
    world.set(Account, SHORT, collateral=short - 10_000 - fund_equity)
    assert audit(world.state) == []
    return world


def test_a_position_against_a_poor_fund_is_not_stuck() -> None:
    """Given a fund with equity 400 above its own close-out, and LONG at -50,000 with nobody else on the other side.

    When a backstop of a single lot would cost the fund ceil(6 * 50,000 / 540) = 555, more than it has, then a
    deleverage against the fund itself is accepted: it pays 4 for a lot, or 400 for all, and is never below zero.
    """
    world = fund_holds_the_short(400, -50_000)
    assert world.would(Backstop(LONG, 0, 0, 1, 0)) is Reason.FUND_MARGIN
    assert world.would(Deleverage(FUND, 0, LONG, 0, 0, 1, 0)) is Reason.NOT_CLOSE_OUT
    world.must(Deleverage(LONG, 0, FUND, 0, 0, 1, 0))
    assert plain_health(world.state, FUND).equity == 396
    world.must(Deleverage(LONG, 0, FUND, 0, 0, 99, 0))
    assert plain_health(world.state, FUND).equity == 0
    assert audit(world.state) == []


def test_a_position_against_a_fund_blind_elsewhere_is_not_stuck() -> None:
    """Given a fund that may be worth less than zero, when LONG is below close-out, then the fund's side is closed.

    Its 80 lots of market 1 at 50 are blind: 4,000, and 400 less or more within the band. With 300 of equity that is in
    doubt; with 5,000 it is not.
    """
    world = fund_holds_the_short(1_000, 300)
    position(FUND, 1, 1, 80)(world, None)
    world.set(MarketPrice, 1, level=2)
    assert world.would(Backstop(LONG, 0, 0, 1, 0)) is None
    world = fund_holds_the_short(-3_700, 300)
    position(FUND, 1, 1, 80)(world, None)
    world.set(MarketPrice, 1, level=2)
    assert world.would(Backstop(LONG, 0, 0, 1, 0)) is Reason.FUND_MARGIN
    assert world.would(Deleverage(LONG, 0, FUND, 0, 0, 1, 0)) is None


@pytest.mark.parametrize("fund_equity", [-5, 300])
def test_a_forced_reduction_against_a_poor_fund_has_an_answer(fund_equity: int) -> None:
    """Given only the fund on the other side, below zero or not, when LONG asks to reduce, then it can be answered."""
    world = fund_holds_the_short(fund_equity, 19_000)
    world.must(world.request(LONG, Forced.REDUCE, 30))
    by_fund = ForcedReduce(LONG, 0, 0, 30, path=Path.FUND, counterparty=FUND)
    opposite = attrs.evolve(by_fund, path=Path.OPPOSITE)
    answers = {world.would(by_fund), world.would(opposite)}
    assert answers == ({None, Reason.FUND_MARGIN} if fund_equity < 0 else {None, Reason.BACKSTOP_POSSIBLE})


def test_an_opposite_position_is_taken_only_where_the_fund_could_not() -> None:
    """Given a healthy LONG and a rich fund, when SHORT is named to close its lots, then the fund has to do it."""
    world = traded_world()
    world.must(world.deposit(FUND, 50_000))
    world.must(world.request(LONG, Forced.REDUCE, 30))
    opposite = ForcedReduce(LONG, 0, 0, 30, path=Path.OPPOSITE, counterparty=SHORT)
    assert world.would(opposite) is Reason.BACKSTOP_POSSIBLE
    assert world.would(attrs.evolve(opposite, path=Path.FUND, counterparty=FUND)) is None


def test_the_fund_keeps_its_collateral_range() -> None:
    """Given a fund above 2^61 after the takeover, when it would back-stop, then it has no range for it."""
    world, operation = backstop_scene()
    world.set(Account, FUND, collateral=2**61 + 1_980)
    assert world.would(operation) is None
    world.set(Account, FUND, collateral=2**61 + 1_981)
    assert world.would(operation) is Reason.FUND_MARGIN


def test_the_margin_of_the_fund_is_compared_without_overflow() -> None:
    """Given the largest multiple, when the fund lacks margin by far, then that is what the rules say."""
    world = World(small_config(fund_multiple=1_000))
    assert world.state.parameters.fund_multiple * 2**60 > WORD_MAX
    world, operation = backstop_scene()
    world.state.config = attrs.evolve(
        world.state.config, parameters=attrs.evolve(world.state.parameters, fund_multiple=1_000)
    )
    assert world.would(operation) is Reason.FUND_MARGIN


def test_the_first_tick_sets_the_average() -> None:
    """Given an exchange that begins at second 10, when the first tick says 20, then T and the health price are 20.

    Moving from 0 by 10 / 300 of the way would leave T at 0, the index outside the band, and a health price of 0.
    """
    world = World(small_config(), start=10)
    world.must(tick(0, 20, 20))
    price = world.get(MarketPrice, 0)
    assert (price.price, price.level, world.get(MarketOracle, 0).average) == (20, 0, 20)


def test_liquidations_in_the_first_batch_after_a_silence_count_for_its_window() -> None:
    """Given ten silent windows, when the next batch liquidates 20 % and ends, then the mode holds for the window."""
    world = traded_world()
    world.must(EndBatch())
    world.later(6_000)
    world.set(MarketBook, 0, window_liquidated=20)
    world.must(EndBatch(Mode.REDUCE_ONLY))
    world.later(10)
    assert world.would(EndBatch(Mode.THROTTLE)) is Reason.MODE_NOT_ESCALATED
    assert world.would(EndBatch(Mode.REDUCE_ONLY)) is None


def test_default_markets_can_owe_more_than_a_word() -> None:
    """Given eleven markets at their largest price and open interest, then what the longs won is no word."""
    market = default_config().markets[0].market
    assert 11 * market.open_interest_cap * market.max_price > WORD_MAX


def test_the_sum_of_claims_stays_a_word() -> None:
    """Given claims up to five below their bound, when LONG claims 20,000, then 5 are noted, and SHORT gets none."""
    world, operation = escape_claim_scene()
    world.set(Ledger, 0, claims=CLAIMS_MAX - 5)
    world.must(operation, EscapeClaim(SHORT))
    assert (world.get(Request, LONG).claim, world.get(Request, SHORT).claim) == (5, 0)
    assert world.get(Ledger).claims == CLAIMS_MAX
