"""Edges of oracle_tick, mark and funding_tick. A family that agrees is within 1 %, and the band is 10 %."""

from perp_spec.perpetual.operations import FundingTick, Mark, PremiumSample
from perp_spec.perpetual.records import MarketOracle
from perp_spec.words import FAMILIES_MAX
from support.scenes.scene import small_world
from support.vectors.edges.edge import Edge, Steps, edge, empty_world, told
from support.worlds import World, report, small_config, tick

EDGES: list[Edge] = []


def after(seconds: int, families: int = 2, price: int = 100) -> World:
    """All families said this price so long ago."""
    world = World(small_config(families=families))
    world.must(tick(0, *(price,) * families))
    world.later(seconds)
    return world


@edge(EDGES, "oracle_tick/five-signers-each-with-another-price", "reported_median: 2 * at_least: Add")
def five_prices() -> tuple[World, Steps]:
    """Given: five signers of a family report 98 to 102. Then: their median is 100, and three are at least that."""
    world = after(10)
    operation = tick(0, 100, 100)
    said = report(98, 99, 100, 101, 102)
    return told(world, (type(operation)(0, (said, *operation.reports[1:]), True), None))


@edge(EDGES, "oracle_tick/four-signers-the-lower-median", "reported_median: 2 * at_most >= report.count: Gt")
def four_prices() -> tuple[World, Steps]:
    """Given: four signers of a family report 98, 99, 101 and 102. Then: their median is the lower one, 99."""
    world = after(10)
    operation = tick(0, 100, 100)
    return told(world, (type(operation)(0, (report(98, 99, 101, 102), *operation.reports[1:]), True), None))


@edge(EDGES, "oracle_tick/one-family-alone-at-the-largest-price", "candidate_of: market.max_price + 1: Sub")
def alone_at_largest() -> tuple[World, Steps]:
    """Given: the price is 4,096, the largest, and one family is stale. When: the other says 4,096.

    Then: the index is 4,096.
    """
    return told(after(121, price=4_096), (tick(0, 4_096, None), None))


@edge(
    EDGES,
    "oracle_tick/one-family-alone-for-blind-seconds",
    "candidate_of: fresh == 1: NotEq",
    "candidate_of: 1: 2 (4)",
    "oracle_tick: select(lone, market.blind_seconds, market.staleness_seconds): exchanged",
    "oracle_tick: now - since > patience: GtE",
)
def alone_for_blind_seconds() -> tuple[World, Steps]:
    """Given: one family is alone for 1,800 seconds, blind_seconds. When: it says 100 again. Then: level 1."""
    world = after(10)
    world.set(MarketOracle, 0, disputed_since=world.now - 1_800, reported_at=(world.now - 10, world.now - 1_920, 0, 0))
    return told(world, (tick(0, 100, None), None))


@edge(
    EDGES,
    "oracle_tick/two-families-differ-for-longer-than-staleness-seconds",
    "candidate_of: 1: 2 (4)",
    "oracle_tick: select(lone, market.blind_seconds, market.staleness_seconds): exchanged",
)
def differ_for_too_long() -> tuple[World, Steps]:
    """Given: two families differ by 3 % for 121 seconds, one more than staleness_seconds. Then: the market is blind."""
    world = after(10)
    world.set(MarketOracle, 0, disputed_since=world.now - 121)
    return told(world, (tick(0, 100, 103), None))


@edge(
    EDGES,
    "oracle_tick/of-two-that-agree-the-mean-rounded-down",
    "candidate_of: mul_div_floor(first + second, 1, 2): mul_div_ceil",
)
def mean_of_two() -> tuple[World, Steps]:
    """Given: two families say 100 and 101. Then: the index is 100."""
    return told(after(10), (tick(0, 100, 101), None))


@edge(
    EDGES,
    "oracle_tick/of-two-that-differ-the-lower-one-is-nearer",
    "candidate_of: select(absolute(first - average) <= absolute(second - average), first, second): exchanged",
    "candidate_of: both(fresh == 2, negate(within(second - first, market.band_ppm, first))): either",
    "candidate_of: first - average: Add",
    "candidate_of: second - first: Add (2)",
)
def lower_is_nearer() -> tuple[World, Steps]:
    """Given: the average is 100; two families say 98 and 103, within the band. Then: level 1, the index 98."""
    return told(after(10), (tick(0, 103, 98), None))


@edge(
    EDGES,
    "oracle_tick/of-two-that-differ-the-higher-one-is-nearer",
    "candidate_of: absolute(first - average): without absolute",
    "candidate_of: second - average: Add",
)
def higher_is_nearer() -> tuple[World, Steps]:
    """Given: the average is 100; two families say 97 and 102. Then: level 1, the index 102."""
    return told(after(10), (tick(0, 97, 102), None))


@edge(
    EDGES,
    "oracle_tick/of-two-that-differ-equally-the-lower-one",
    "candidate_of: absolute(first - average) <= absolute(second - average): Lt",
)
def equally_near() -> tuple[World, Steps]:
    """Given: the average is 100; two families say 98 and 102. Then: the index is 98."""
    return told(after(10), (tick(0, 98, 102), None))


@edge(EDGES, "oracle_tick/first-tick-at-one-atom", "oracle_tick: index >= 1: Gt", "oracle_tick: 1: 2 (2)")
def first_tick_at_one() -> tuple[World, Steps]:
    """Given: no tick before. When: all families say 1. Then: the average is 1, the level 0."""
    return told(World(small_config()), (tick(0, 1, 1), None))


@edge(
    EDGES,
    "oracle_tick/one-family-alone-at-one-atom",
    "oracle_tick: index >= 1: Gt (2)",
    "oracle_tick: 1: 2 (5)",
)
def alone_at_one() -> tuple[World, Steps]:
    """Given: the price is 1, and one family is silent for longer than staleness_seconds. When: the other says 1.

    Then: level 1, not blind.
    """
    return told(after(121, price=1), (tick(0, 1, None), None))


@edge(
    EDGES,
    "oracle_tick/one-family-alone-far-below-the-average",
    "oracle_tick: absolute(index - oracle.average): without absolute",
)
def alone_far_below() -> tuple[World, Steps]:
    """Given: the average is 100, and one family is stale. When: the other one says 80. Then: the market is blind."""
    return told(after(121), (tick(0, 80, None), None))


@edge(EDGES, "oracle_tick/gap-with-one-family-that-deviates", "oracle_tick: bad <= 1: Lt")
def gap_with_one_bad() -> tuple[World, Steps]:
    """Given: four families said 100. When: three of them say 130. Then: it is a gap, and the index 130."""
    return told(after(10, FAMILIES_MAX), (tick(0, 130, 130, 130, None), None))


@edge(EDGES, "oracle_tick/jump-with-two-families-stale", "oracle_tick: 1: 2 (3)")
def jump_with_two_bad() -> tuple[World, Steps]:
    """Given: of four families two are stale. When: the other two say 130, after 100. Then: it is no gap: blind."""
    return told(after(121, FAMILIES_MAX), (tick(0, 130, 130, None, None), None))


@edge(EDGES, "mark/last-trade-at-the-largest-price", "mark: op.last <= market.max_price: Lt")
def last_at_largest() -> tuple[World, Steps]:
    """Given: the last trade was at 4,096, the largest price. Then: it counts."""
    return told(empty_world(), (Mark(0, 99, 102, 4_096), None))


@edge(EDGES, "mark/book-at-one-atom", "mark_of: 0: 1")
def book_at_one() -> tuple[World, Steps]:
    """Given: the index is 100. When: bid and last trade are 1, the ask 99. Then: the mark is 99, 1 % below the index.

    A book of 1 is a book.
    """
    return told(empty_world(), (Mark(0, 1, 99, 1), None))


@edge(
    EDGES,
    "funding_tick/negative-premium-rounded-toward-zero",
    "hourly_rate_ppm: mul_div_truncate(premium_sum, 1, SAMPLES_FULL): mul_div_floor",
)
def negative_premium() -> tuple[World, Steps]:
    """Given: 60 samples of -1,307 ppm, and one ppm less in sum.

    Then: the average is -1,307, and the rate of an hour -100. It is (-1,307 + 500) / 8, rounded toward zero twice;
    from an average of -1,308 it would be -101.
    """
    world = small_world()
    world.set(MarketOracle, 0, premium_sum=-1_307 * 60 - 1, samples=60)
    return told(world, (FundingTick(0), None))


@edge(EDGES, "premium_sample/sixty-are-enough", "premium_sample: oracle.samples < SAMPLES_FULL: LtE")
def sixty_samples() -> tuple[World, Steps]:
    """Given: 60 samples count for this hour already. When: another one is taken. Then: it counts for nothing."""
    world = small_world()
    world.set(MarketOracle, 0, samples=60, premium_sum=60)
    return told(world, (PremiumSample(0, 101, 103), None))
