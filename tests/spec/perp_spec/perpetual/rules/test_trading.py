"""Trading: what an accepted trade leaves."""

import attrs

from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Kind, Ledger, MarketBook, MarketPrice, Mode, OrderSlot, Position
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS
from support.scenes.scene import LONG, SHORT, deal, traded_world
from support.scenes.trading import trade_scene
from support.worlds import order


def test_trade_moves_lots_cash_and_fees() -> None:
    """Given two flat accounts with 20,000, when 100 lots change hands at 100, then each side is whole.

    Notional 10,000. The buyer pays it and ceil(10,000 * 500 ppm) = 5. The seller gets it and floor(2) as a rebate:
    ceil(10,000 * -200 ppm) = -2. So 3 are for the fee account.
    """
    world, operation = trade_scene()
    buyer, seller = world.get(Account, LONG), world.get(Account, SHORT)
    ledger = world.get(Ledger)
    assert world.effects(operation) == {
        (Ledger, 0): attrs.evolve(ledger, fees_inbox=3),
        (MarketBook, 0): MarketBook(open_interest=100),
        (Account, LONG): attrs.evolve(buyer, collateral=9_995, slots=1),
        (Account, SHORT): attrs.evolve(seller, collateral=30_002, slots=1),
        (Position, LONG * POSITION_SLOTS): Position(0, 100, 0),
        (Position, SHORT * POSITION_SLOTS): Position(0, -100, 0),
        (OrderSlot, LONG * ORDER_SLOTS + 1): OrderSlot(1, 100),
        (OrderSlot, SHORT * ORDER_SLOTS + 1): OrderSlot(1, 100),
    }


def test_an_order_goes_on_filling_up_to_its_lots() -> None:
    """Given the buyer's order filled with 100 of 150 lots, when 51 more come, then they are too many; 50 are not."""
    world, operation = trade_scene()
    world.must(operation)
    more = attrs.evolve(operation, lots=51, seller=attrs.evolve(operation.seller, nonce=2))
    assert world.would(more) is Reason.ORDER_FILLED
    world.must(attrs.evolve(more, lots=50))
    assert world.get(OrderSlot, LONG * ORDER_SLOTS + 1) == OrderSlot(1, 150)


def test_a_full_close_empties_the_slot_and_remembers_the_market() -> None:
    """Given 100 lots against each other, when they are closed at 101, then LONG won what SHORT lost."""
    world = traded_world()
    effects = world.effects(deal(SHORT, LONG, 100, 101))
    assert effects[Position, LONG * POSITION_SLOTS] == Position()
    assert effects[Account, LONG] == Account(Kind.CROSS, 1_004, collateral=20_100, slots=1, closed_market=1)
    assert effects[Account, SHORT] == Account(Kind.CROSS, 1_006, collateral=19_900, slots=1, closed_market=1)
    assert effects[MarketBook, 0] == MarketBook()


def test_a_position_can_turn_round_in_one_trade() -> None:
    """Given LONG with 100 lots and the short side index at -7, when it sells 150, then it is short 50 at that index."""
    world = traded_world()
    world.set(MarketPrice, 0, loss_index=7)
    world.must(deal(SHORT, LONG, 150, 100))
    assert world.get(Position, LONG * POSITION_SLOTS) == Position(0, -50, -7)
    assert world.get(Position, SHORT * POSITION_SLOTS) == Position(0, 50, 7)
    assert world.get(MarketBook, 0).open_interest == 50


def test_throttled_open_interest_may_move_but_not_rise() -> None:
    """Given THROTTLE, when a long is handed on, then that is fine; when both sides are new, then it is not."""
    world = traded_world()
    world.set(MarketPrice, 0, mode=Mode.THROTTLE)
    assert world.would(deal(7, LONG, 100, 100)) is None
    assert world.would(deal(7, LONG, 101, 100)) is Reason.OPEN_INTEREST


def test_reductions_pass_in_reduce_only_mode_and_at_a_degraded_oracle() -> None:
    """Given REDUCE_ONLY and oracle level 1, when both sides reduce, then the trade is accepted."""
    world = traded_world()
    world.set(MarketPrice, 0, mode=Mode.REDUCE_ONLY, level=1)
    assert world.would(deal(SHORT, LONG, 100, 100)) is None
    assert world.would(deal(SHORT, LONG, 101, 100)) is Reason.REDUCE_ONLY


def test_a_bankrupt_account_may_reduce_without_losing_more() -> None:
    """Given LONG with equity -50, when it sells at the health price, then that is accepted; one below, it is not."""
    world = traded_world()
    world.set(Account, LONG, collateral=-10_050)
    assert world.would(deal(SHORT, LONG, 10, 100)) is None
    assert world.would(deal(SHORT, LONG, 10, 99)) is Reason.HEALTH_RATIO_FELL


def test_a_market_sell_order_has_any_low_limit() -> None:
    """Given a seller whose limit is below every price, when the trade is at 100, then the limit does not bind."""
    world, operation = trade_scene()
    world.must(attrs.evolve(operation, seller=order(SHORT, False, 100, -5)))
