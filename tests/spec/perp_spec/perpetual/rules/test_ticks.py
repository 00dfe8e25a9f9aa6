"""Prices and funding: what an accepted tick leaves."""

import attrs
import pytest

from perp_spec.perpetual.operations import FundingTick, Mark, PremiumSample
from perp_spec.perpetual.records import MarketOracle, MarketPrice
from support.scenes.scene import small_world
from support.scenes.ticks import four_families, funding_scene, premium_scene, quiet_market
from support.worlds import World, small_config, tick


def ladder(world: World, market: int = 0) -> tuple[int, bool, int, int]:
    """Oracle level, gap, health price and index."""
    price = world.get(MarketPrice, market)
    return price.level, price.gap, price.price, price.index


def test_oracle_tick_moves_index_average_and_health_price() -> None:
    """Given everything at 100, when four families say 101 ten seconds later, then T rises by ceil(10 / 300) = 1."""
    world, operation = four_families()
    price, oracle = world.get(MarketPrice, 0), world.get(MarketOracle, 0)
    assert world.effects(operation) == {
        (MarketPrice, 0): attrs.evolve(price, price=101, index=101, ticked_at=world.now),
        (MarketOracle, 0): attrs.evolve(
            oracle, average=101, good_ticks=2, values=(101, 101, 101, 101), reported_at=(world.now,) * 4
        ),
    }


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ((104, 105), (1, False, 104, 104)),  # agree: floor(104.5); level 1, as the market was stale just before
        ((104, None), (1, False, 104, 104)),  # one is silent for longer than two minutes: reduce only
        ((104, 110), (1, False, 104, 104)),  # they deviate: the one nearest to T = 100 survives
        ((96, 104), (1, False, 96, 96)),
        ((104, 130), (2, False, 100, 100)),  # they deviate by more than the band: either may be wrong
        ((150, 104), (2, False, 100, 100)),
        ((130, 131), (2, True, 119, 130)),  # both jump: a gap; T moved to 108, and 10 % of it are 10: 108 + 10
        ((70, 70), (2, True, 81, 70)),
        ((None, 130), (2, False, 100, 100)),  # one silent, the other outside the band: blind
        ((150, 60), (2, False, 100, 100)),
        ((None, None), (2, False, 100, 100)),
    ],
    ids=str,
)
def test_the_ladder_of_two_families(said: tuple[int | None, ...], state: tuple[int, bool, int, int]) -> None:
    """Given 100 for long, when the families speak 130 seconds later, then the price is trusted so far."""
    world = small_world()
    world.later(130)
    world.must(tick(0, *said))
    level, gap, price, index = ladder(world)
    assert (level, gap, index) == (state[0], state[1], state[3])
    average = world.get(MarketOracle, 0).average
    expected = min(max(index, average - average // 10), average + average // 10) if gap else index
    assert price == expected


def test_two_families_may_disagree_for_a_while_only() -> None:
    """Given two families 5 % apart, when they stay so for longer than two minutes, then the market is blind."""
    world = small_world()
    world.later(60)
    levels: list[tuple[int, int]] = []
    for _ in range(5):
        world.must(tick(0, 100, 105))
        levels.append((world.get(MarketPrice, 0).level, world.get(MarketOracle, 0).disputed_since))
        world.later(60)
    since = world.now - 5 * 60
    assert levels == [(1, since), (1, since), (1, since), (2, since), (2, since)]
    world.must(tick(0, 105, 105))
    assert (world.get(MarketPrice, 0).level, world.get(MarketOracle, 0).disputed_since) == (1, 0)


def test_good_ticks_before_a_silence_do_not_count_after_it() -> None:
    """Given ten good ticks and a long silence, when both families say twice as much, then it takes ten more."""
    world = small_world()
    for _ in range(10):
        world.later(10)
        world.must(tick(0, 100, 100))
    assert world.get(MarketOracle, 0).good_ticks == 10
    world.later(10_000)
    levels: list[int] = []
    for _ in range(10):
        world.must(tick(0, 200, 200))
        levels.append(world.get(MarketPrice, 0).level)
        world.later(10)
    assert levels == [1] * 9 + [0]


@pytest.mark.parametrize("target", [125, 80])
def test_an_average_arrives(target: int) -> None:
    """Given an average of 100, when the families say 125 or 80 for long, then the gap ends and the average is there."""
    world = small_world()
    for _ in range(30):
        world.later(10)
        world.must(tick(0, target, target))
    assert ladder(world) == (0, False, target, target)
    assert world.get(MarketOracle, 0).average == target


def test_two_of_three_families_carry_the_market_on() -> None:
    """Given three families, when one dies and the price drifts by a half, then the market stays at level 1 and follows.

    Where they jump together it is a gap, which ends.
    """
    config = small_config()
    parameters = attrs.evolve(config.parameters, families=3, signers=(5, 5, 5, 0), quorums=(3, 3, 3, 0))
    world = World(attrs.evolve(config, parameters=parameters))
    world.must(tick(0, 1_000, 1_000))
    assert ladder(world) == (1, False, 1_000, 1_000)
    for step in range(1, 101):
        world.later(60)
        said = 1_000 + 5 * step
        world.must(tick(0, said, said))
        assert ladder(world) == (1, False, said, said)
    assert 1_450 < world.get(MarketOracle, 0).average < 1_500
    world.later(10)
    world.must(tick(0, 2_000, 2_000))
    assert ladder(world)[:2] == (2, True)
    for _ in range(60):
        world.later(10)
        world.must(tick(0, 2_000, 2_000))
    assert ladder(world) == (1, False, 2_000, 2_000)


def test_silence_does_not_renew_the_time_of_a_lone_family() -> None:
    """Given one family alone for half an hour, when a tick without reports comes between, then the market is blind.

    It stays so, whatever that family says, until two agree.
    """
    world = small_world()
    start = world.now
    for seconds, said in ((130, 95), (900, 95), (900, None), (10, 95), (130, 95)):
        world.later(seconds)
        world.must(tick(0, said, None))
        assert world.get(MarketOracle, 0).disputed_since == start + 120
    assert ladder(world) == (2, False, 95, 95)
    world.later(10)
    world.must(tick(0, 95, 95))
    assert (world.get(MarketPrice, 0).level, world.get(MarketOracle, 0).disputed_since) == (1, 0)


@pytest.mark.parametrize("ticks", [0, 12])
def test_after_a_long_silence_one_family_alone_is_not_believed(ticks: int) -> None:
    """Given two hours without reports, ticked or not, when one family speaks, then the market is blind as before."""
    world = small_world()
    start = world.now
    for _ in range(ticks):
        world.later(600)
        world.must(tick(0, None, None))
    world.later(7_210 - 600 * ticks)
    world.must(tick(0, 99, None))
    assert ladder(world) == (2, False, 100, 100)
    assert world.get(MarketPrice, 0).blind_since == start + 120


def test_a_short_silence_leaves_a_lone_family_its_half_hour() -> None:
    """Given ten minutes without a tick, when one family speaks, then it is believed for the rest of half an hour."""
    world = small_world()
    world.later(600)
    world.must(tick(0, 99, None))
    assert ladder(world) == (1, False, 99, 99)
    world.later(120 + 1_800 - 600)
    world.must(tick(0, 99, None))
    assert ladder(world)[0] == 1
    world.later(10)
    world.must(tick(0, 99, None))
    assert ladder(world)[0] == 2


def test_a_family_that_stands_still_in_a_crash_holds_the_price_for_a_while_only() -> None:
    """Given one family frozen at 100, when the other falls by 2 a tick, then the market goes blind at the band."""
    world = small_world()
    seen: list[tuple[int, int, int]] = []
    for step in range(1, 8):
        world.later(20)
        world.must(tick(0, 100 - 2 * step, 100))
        level, _, price, index = ladder(world)
        seen.append((level, price, index))
    assert seen == [(1, 100, 100)] * 4 + [(2, 100, 100)] * 3


def test_a_degraded_market_is_good_again_after_ten_good_ticks() -> None:
    """Given one bad tick, when ten good ones follow, then the tenth brings level 0 back."""
    world = small_world()
    world.later(130)
    world.must(tick(0, 100, None))
    levels: list[int] = []
    for _ in range(10):
        world.later(10)
        world.must(tick(0, 100, 100))
        levels.append(world.get(MarketPrice, 0).level)
    assert levels == [1] * 9 + [0]


def test_blindness_is_counted_from_its_first_tick() -> None:
    """Given a market that went silent, when two blind ticks come, then it is blind since it became stale."""
    world = small_world()
    start = world.now
    for _ in range(2):
        world.later(500)
        world.must(tick(0, None, None))
        assert world.get(MarketPrice, 0).blind_since == start + 120


@pytest.mark.parametrize(
    ("said", "index", "level"),
    [
        ((100, 101, 101, 100), 100, 0),  # the lower median of four
        ((101, 101, 101, 150), 101, 1),  # one deviates
        ((101, 150, 101, 150), 100, 2),  # two deviate: blind, and the index stays
        ((101, 101, None, None), 100, 0),  # the silent ones still say 100: the lower median of 100, 100, 101, 101
        ((101, 102, None, None), 100, 1),  # 102 is more than 1 % from that
    ],
    ids=str,
)
def test_the_ladder_of_four_families(said: tuple[int | None, ...], index: int, level: int) -> None:
    """Given 100 ten seconds ago, when four families speak, then their lower median is the index."""
    world, _ = four_families()
    world.must(tick(0, *said))
    assert (world.get(MarketPrice, 0).index, world.get(MarketPrice, 0).level) == (index, level)


def test_mark_is_the_middle_kept_close_to_the_index() -> None:
    """Given index 100, when the book is 99 to 102 and the last trade 101, then the mark is 100 and the premium 0.

    Mid floor(201 / 2) = 100, so the premium's target is 0; the book's median is 101; the middle of 100, 101 and 100.
    """
    world, operation = quiet_market()
    oracle = world.get(MarketOracle, 0)
    assert world.effects(operation) == {
        (MarketOracle, 0): attrs.evolve(oracle, book=101, premium=0, marked_at=world.now)
    }


def test_a_lying_mark_moves_the_health_price_by_the_clamp_only() -> None:
    """Given index 100 and a clamp of 1 %, when the operator says 4,000, then the health price is 101."""
    world = small_world()
    world.must(Mark(0, 4_000, 4_000, 4_000))
    assert ladder(world) == (0, False, 101, 100)


def test_a_mark_does_not_move_a_blind_price() -> None:
    """Given a stale market, when it is marked, then the health price stays."""
    world = small_world()
    world.later(121)
    world.must(Mark(0, 4_000, 4_000, 4_000))
    assert ladder(world) == (0, False, 100, 100)


def test_premium_sample_is_clamped() -> None:
    """Given index 100, when the impact bid is 101, then the premium is 10,000 ppm, clamped to 5,000."""
    world, operation = premium_scene()
    oracle = world.get(MarketOracle, 0)
    assert world.effects(operation) == {
        (MarketOracle, 0): attrs.evolve(oracle, premium_sum=5_000, samples=1, sampled_at=world.now)
    }
    world.later(60)
    world.must(PremiumSample(0, 95, 99))
    assert world.get(MarketOracle, 0).premium_sum == 0


def test_funding_tick_charges_an_hour() -> None:
    """Given 45 samples of 4,000 ppm, when an hour is charged, then longs owe 312 ppm of the price.

    The average over 60 is 3,000; the interest pulls by max(100 - 3,000, -500) to 2,500; an eighth is 312. The index
    rises by 312 * 100. The buffer is three such hours for longs, and three times the floor of 100 for shorts.
    """
    world, operation = funding_scene()
    price, oracle = world.get(MarketPrice, 0), world.get(MarketOracle, 0)
    assert world.effects(operation) == {
        (MarketPrice, 0): attrs.evolve(price, funding_index=31_200, buffer_long_ppm=936, buffer_short_ppm=300),
        (MarketOracle, 0): attrs.evolve(oracle, funding_rate_ppm=312, premium_sum=0, samples=0, funded_at=world.now),
    }


def test_funding_is_zero_with_few_samples_and_while_suspended() -> None:
    """Given 44 samples, or a stale market, when an hour is charged, then nothing is, and the samples are used up."""
    world, operation = funding_scene()
    world.set(MarketOracle, 0, samples=44)
    world.must(operation)
    assert (world.get(MarketPrice, 0).funding_index, world.get(MarketOracle, 0).samples) == (0, 0)
    world, operation = funding_scene()
    world.later(121)
    world.must(operation)
    assert world.get(MarketPrice, 0).funding_index == 0


def test_the_funding_index_stops_at_its_bound() -> None:
    """Given an index one below max_price * PPM, when longs owe more, then it stops there and the tick is accepted."""
    world, _ = funding_scene()
    bound = 4_096 * 1_000_000
    world.set(MarketPrice, 0, funding_index=bound - 1)
    world.must(FundingTick(0))
    assert world.get(MarketPrice, 0).funding_index == bound


def test_a_market_without_a_price_is_blind_until_both_families_speak() -> None:
    """Given no tick ever, when one family speaks, then there is no price; when both do, the first tick is good."""
    world = World(small_config())
    world.must(tick(0, 100, None))
    assert ladder(world) == (2, False, 0, 0)
    world.later(10)
    world.must(tick(0, 100, 100))
    assert ladder(world) == (0, False, 100, 100)
