"""The frame of a batch: what headers, proofs, switches and ends leave."""

import attrs
import pytest

from perp_spec.perpetual.operations import EndBatch
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Account, Exchange, Ledger, MarketBook, MarketPrice, Mode, OrderSlot
from support.scenes.batch import end_batch_scene, record_proof_scene, set_kill_switch_scene
from support.scenes.scene import traded_world
from support.worlds import World


def least_mode(world: World) -> int:
    """The least mode with which the batch may end."""
    return next(mode for mode in (0, 1, 2, 4) if world.would(EndBatch(mode)) is None)


def test_a_header_sets_number_and_time_and_refills_the_bucket() -> None:
    """Given 1,000 in the bucket, when a batch begins 60 seconds later, then 10 a second flowed in."""
    world = traded_world()
    world.set(Ledger, 0, bucket=1_000)
    exchange, ledger = world.get(Exchange), world.get(Ledger)
    world.later(60)
    assert world.get(Exchange) == attrs.evolve(exchange, number=2, time=1_000_060)
    assert world.get(Ledger) == attrs.evolve(ledger, bucket=1_600, bucket_at=1_000_060)
    world.later(10**9)
    assert world.get(Ledger).bucket == 50_000


def test_record_proof_notes_the_batch() -> None:
    """Given the third batch, when the proof of the second is recorded, then nothing else changes."""
    world, operation = record_proof_scene()
    exchange = world.get(Exchange)
    assert world.effects(operation) == {(Exchange, 0): attrs.evolve(exchange, proven=2)}
    assert world.would(operation) is Reason.BATCH_NUMBER


def test_a_kill_switch_holds_at_once() -> None:
    """Given a market in normal mode, when governance halts it, then its switch is set and the nonce used."""
    world, operation = set_kill_switch_scene()
    price = world.get(MarketPrice, 1)
    assert world.effects(operation) == {
        (MarketPrice, 1): attrs.evolve(price, switch=Mode.HALT),
        (OrderSlot, 0): OrderSlot(4, 0),
    }


def test_the_switch_of_the_whole_exchange_bounds_the_mode() -> None:
    """Given the whole exchange switched to REDUCE_ONLY, when the batch ends, then it cannot be looser."""
    world, operation = set_kill_switch_scene()
    world.must(attrs.evolve(operation, whole=True, mode=Mode.REDUCE_ONLY))
    assert world.get(Exchange).switch == Mode.REDUCE_ONLY
    assert least_mode(world) == Mode.REDUCE_ONLY


def test_end_batch_rolls_day_and_window() -> None:
    """Given the first end of a day, when the batch ends, then the day's reference is the equity of the fund."""
    world, operation = end_batch_scene()
    world.set(Account, FUND, collateral=70)
    exchange = world.get(Exchange)
    assert world.effects(operation) == {
        (Exchange, 0): attrs.evolve(exchange, window=1_666, fund_day=11, fund_reference=70)
    }


def test_an_operator_may_be_stricter() -> None:
    """Given nothing wrong, when the batch ends with HALT, then that is the mode."""
    world, _ = end_batch_scene()
    world.must(EndBatch(Mode.HALT))
    assert world.get(Exchange).mode == Mode.HALT


@pytest.mark.parametrize(("equity", "mode"), [(751, 0), (750, 1), (501, 1), (500, 2), (0, 2)])
def test_a_fall_of_the_fund_on_the_day_demands_a_mode(equity: int, mode: int) -> None:
    """Given 1,000 in the fund at the first batch of the day, when it has fallen by 25 or 50 %, then the mode rises."""
    world, _ = end_batch_scene()
    world.set(Account, FUND, collateral=equity)
    world.set(Exchange, 0, fund_day=11, fund_reference=1_000)
    assert least_mode(world) == mode


@pytest.mark.parametrize(("number", "mode"), [(39, 0), (40, 1), (79, 1), (80, 2)])
def test_unproved_batches_demand_a_mode(number: int, mode: int) -> None:
    """Given no proof at all, when 40 or 80 batches have passed, then the mode rises."""
    world, _ = end_batch_scene()
    world.set(Exchange, 0, number=number)
    assert least_mode(world) == mode


def test_a_bankrupt_account_demands_reduce_only() -> None:
    """Given one flat account below zero, when the batch ends, then the mode is REDUCE_ONLY at least."""
    world, _ = end_batch_scene()
    world.set(Ledger, 0, bankrupt=1)
    assert least_mode(world) == Mode.REDUCE_ONLY


def test_a_gap_demands_reduce_only_of_its_market() -> None:
    """Given a gap in market 1, when the batch ends, then that market is REDUCE_ONLY and the exchange is not."""
    world, _ = end_batch_scene()
    world.set(MarketPrice, 1, level=2, gap=True)
    world.must(EndBatch(Mode.NORMAL))
    assert [world.get(MarketPrice, market).mode for market in range(3)] == [0, 2, 0]


@pytest.mark.parametrize(("liquidated", "mode"), [(4, 0), (5, 1), (9, 1), (10, 2)])
def test_liquidations_of_a_window_demand_a_mode(liquidated: int, mode: int) -> None:
    """Given 100 lots at the start of the window, when 5 or 10 % were liquidated, then the mode rises until it is past.

    The next window keeps the mode; the one after it is quiet.
    """
    world = traded_world()
    world.must(EndBatch())
    world.later(10)
    world.set(MarketBook, 0, window_liquidated=liquidated)
    assert least_mode(world) == mode
    world.must(EndBatch(mode))
    world.later(600)
    assert least_mode(world) == mode
    world.must(EndBatch(mode))
    assert world.get(MarketBook, 0).window_liquidated == 0
    world.later(600)
    assert least_mode(world) == Mode.NORMAL


def test_a_market_below_the_floor_does_not_count_in_the_window() -> None:
    """Given 19 lots at 100 when the window began, when all are liquidated, then 1,900 atoms alarm nobody."""
    world = traded_world()
    world.must(EndBatch())
    world.set(MarketBook, 0, window_open_interest=19, window_liquidated=19)
    assert least_mode(world) == Mode.NORMAL
