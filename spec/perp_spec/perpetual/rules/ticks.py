"""Prices and funding: oracle_tick with its ladder, mark, premium_sample, funding_tick."""

from typing import NamedTuple

from perp_spec.language import (
    absolute,
    both,
    call_if,
    changed,
    clamp,
    either,
    indicator,
    maximum,
    median,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    mul_div_truncate,
    negate,
    require,
    select,
    table,
)
from perp_spec.operation import reads, updates
from perp_spec.perpetual.common import PERPETUAL, require_live, require_market, within
from perp_spec.perpetual.health import oracle_state
from perp_spec.perpetual.operations import FundingTick, Mark, OracleTick, PremiumSample, Report
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    LEVEL_DEGRADED,
    LEVEL_GOOD,
    LEVEL_SUSPENDED,
    Exchange,
    Market,
    MarketOracle,
    MarketPrice,
    Parameters,
)
from perp_spec.words import FAMILIES_MAX, PPM, SIGNERS_MAX

TICK_SECONDS = 10
"""Oracle ticks of a market are at least this far apart."""

SAMPLE_SECONDS = 60
"""Premium samples of a market are at least this far apart."""

FUNDING_SECONDS = 3_600
"""Funding ticks of a market are at least this far apart."""

SAMPLES_FULL = 60
"""Premium samples a funding tick averages; missing ones count as zero, further ones not at all."""

SAMPLES_LEAST = 45
"""With fewer samples the funding rate is zero."""

PREMIUM_CLAMP_PPM = 5_000
"""Largest premium sample."""

INTEREST_PPM = 100
"""What a long pays in eight hours where the premium is zero."""

INTEREST_CLAMP_PPM = 500
"""How far the interest may pull the rate towards itself."""

FUNDING_INTERVALS = 8
"""Funding ticks in the period the rate is stated for."""

GOOD_TICKS = 10
"""Good ticks in a row that bring the oracle level back to 0."""


@table()
def reported_median(report: Report, signers: int, quorum: int, max_price: int) -> int:
    """The price a family reports: from its quorum at least, signers strictly rising, prices in range, and their median.

    What lies beyond `count` says nothing.
    """
    require(both(report.count >= quorum, report.count <= signers), Reason.QUORUM)
    rising = True
    in_range = True
    at_most = 0
    at_least = 0
    last = -1
    for place in range(SIGNERS_MAX):
        signer = report.signers[place]
        value = report.values[place]
        unused = place >= report.count
        rising = both(rising, either(unused, both(signer > last, signer < signers)))
        in_range = both(in_range, either(unused, both(value >= 1, value <= max_price)))
        at_most = at_most + select(unused, 0, indicator(value <= report.median))
        at_least = at_least + select(unused, 0, indicator(value >= report.median))
        last = signer
    require(rising, Reason.SIGNERS_NOT_RISING)
    require(in_range, Reason.PRICE_RANGE)
    require(both(2 * at_most >= report.count, 2 * at_least > report.count), Reason.NOT_MEDIAN)
    return report.median


class Candidate(NamedTuple):
    """What the fresh families say together."""

    price: int
    """Price they give; 0 where none is fresh."""
    bad: int
    """Families that are stale or deviate."""
    lone: bool
    """One alone is fresh: nobody contradicts it, and nobody confirms it."""
    confirmed: bool
    """Two fresh families at least are within deviation_ppm of the price; of each other, where there are just two."""
    apart: bool
    """Two that disagree by more than the band."""


def exchanged(first: int, second: int) -> tuple[int, int]:
    """Two words in rising order."""
    return minimum(first, second), maximum(first, second)


@table()
def candidate_of(
    families: int,
    values: tuple[int, ...],
    reported_at: tuple[int, ...],
    average: int,
    market: Market,
    now: int,
) -> Candidate:
    """The index the fresh families give, and how many families are stale or deviate.

    Two that agree: their mean. Two that do not: the one nearest to the average. Three or more: their lower median.
    """
    beyond = market.max_price + 1
    usable = tuple(
        both(place < families, values[place] >= 1, now - reported_at[place] <= market.staleness_seconds)
        for place in range(FAMILIES_MAX)
    )
    prices = tuple(select(usable[place], values[place], beyond) for place in range(FAMILIES_MAX))
    fresh = 0
    for place in range(FAMILIES_MAX):
        fresh = fresh + indicator(usable[place])
    low_1, high_1 = exchanged(prices[0], prices[1])
    low_2, high_2 = exchanged(prices[2], prices[3])
    first, middle_1 = exchanged(low_1, low_2)
    middle_2, _ = exchanged(high_1, high_2)
    second, _ = exchanged(middle_1, middle_2)

    agree = within(second - first, market.deviation_ppm, first)
    nearest = select(absolute(first - average) <= absolute(second - average), first, second)
    of_two = select(agree, mul_div_floor(first + second, 1, 2), nearest)
    index = select(fresh >= 3, second, select(fresh == 2, of_two, select(fresh == 1, first, 0)))
    deviating = 0
    for place in range(FAMILIES_MAX):
        far = negate(within(absolute(prices[place] - index), market.deviation_ppm, index))
        deviating = deviating + indicator(both(prices[place] != beyond, far))
    deviating = select(fresh == 2, indicator(negate(agree)), deviating)
    apart = both(fresh == 2, negate(within(second - first, market.band_ppm, first)))
    bad = families - fresh + deviating
    return Candidate(index, bad, fresh == 1, bad + 2 <= families, apart)


def mark_of(index: int, premium: int, book: int, market: Market) -> int:
    """The mark: the middle of index plus premium, book and index, kept close to the index."""
    middle = median(index + premium, select(book == 0, index, book), index)
    distance = mul_div_floor(index, market.mark_clamp_ppm, PPM)
    return clamp(middle, index - distance, minimum(index + distance, market.max_price))


def health_price(mark: int, gap: bool, average: int, market: Market) -> int:
    """P: the mark; at a gap the mark kept within the band around the average."""
    distance = mul_div_floor(average, market.band_ppm, PPM)
    return select(gap, clamp(mark, average - distance, average + distance), mark)


def approach(average: int, target: int, elapsed: int, market: Market) -> int:
    """The average after `elapsed` seconds of moving toward the target, by an atom at least where it is not there.

    Rounded down it would stay for ever below a target that is near, which is far where prices are few atoms.
    """
    step = minimum(elapsed, market.average_seconds)
    moved = mul_div_ceil(absolute(target - average), step, market.average_seconds)
    return select(target > average, average + moved, average - moved)


@PERPETUAL.operation(
    OracleTick,
    reads(Parameters),
    reads(Exchange),
    reads(Market, "market"),
    updates(MarketPrice, "market"),
    updates(MarketOracle, "market"),
)
def oracle_tick(
    op: OracleTick,
    parameters: Parameters,
    exchange: Exchange,
    market: Market,
    price: MarketPrice,
    oracle: MarketOracle,
) -> tuple[MarketPrice, MarketOracle]:
    """Take the families' reports of a market, and move its index, its average, its oracle level and its health price.

    Well-formed reports are never rejected: what they say can only lower the trust in the price. Two families that
    disagree by more than the band, or for longer than staleness_seconds, make the market blind, and so does one that is
    alone for longer than blind_seconds: what is believed may be what stands still, or lies. The time runs until two
    agree: a tick without reports does not stop it, and where the market was blind it runs since then. The average moves
    with confirmed prices only, so an unconfirmed one stays within one band of the last that was confirmed.
    """
    now = exchange.time
    require_live(exchange)
    require_market(market)
    require(op.authorised, Reason.BAD_SIGNATURE)
    require(now - price.ticked_at >= TICK_SECONDS, Reason.TICK_TOO_SOON)
    values: tuple[int, ...] = ()
    reported_at: tuple[int, ...] = ()
    for place in range(FAMILIES_MAX):
        report = op.reports[place]
        said = report.count >= 1
        signers, quorum = parameters.signers[place], parameters.quorums[place]
        known = oracle.values[place]
        value = call_if(said, reported_median, report, signers, quorum, market.max_price, otherwise=known)
        values = (*values, value)
        reported_at = (*reported_at, select(said, now, oracle.reported_at[place]))

    index, bad, lone, confirmed, apart = candidate_of(
        parameters.families, values, reported_at, oracle.average, market, now
    )
    moved = approach(oracle.average, index, now - price.ticked_at, market)
    average = select(index >= 1, select(oracle.average == 0, index, moved), oracle.average)
    near = within(absolute(index - average), market.band_ppm, average)
    near_before = within(absolute(index - oracle.average), market.band_ppm, oracle.average)
    good = both(bad == 0, near)
    gap = both(bad <= 1, confirmed, negate(near))
    before = oracle_state(price, market, now)
    begun = select(before.blind, before.blind_from, now)
    since = select(confirmed, 0, select(oracle.disputed_since == 0, begun, oracle.disputed_since))
    patience = select(lone, market.blind_seconds, market.staleness_seconds)
    lasting = now - since > patience
    alone = both(near_before, negate(apart), negate(lasting))
    degraded = both(bad == 1, index >= 1, select(confirmed, near, alone))
    blind = negate(either(good, gap, degraded))

    in_a_row = select(before.blind, 0, oracle.good_ticks)
    good_ticks = select(good, minimum(in_a_row + 1, GOOD_TICKS), 0)
    recovered = either(negate(before.degraded), good_ticks >= GOOD_TICKS, oracle.average == 0)
    level = select(
        good, select(recovered, LEVEL_GOOD, LEVEL_DEGRADED), select(degraded, LEVEL_DEGRADED, LEVEL_SUSPENDED)
    )
    new_index = select(blind, price.index, index)
    new_average = select(either(blind, negate(confirmed)), oracle.average, average)
    new_mark = mark_of(new_index, oracle.premium, oracle.book, market)
    ticked = changed(
        price,
        price=select(blind, price.price, health_price(new_mark, gap, new_average, market)),
        index=new_index,
        level=level,
        gap=gap,
        ticked_at=now,
        blind_since=select(blind, begun, 0),
    )
    return ticked, changed(
        oracle, average=new_average, good_ticks=good_ticks, disputed_since=since, values=values, reported_at=reported_at
    )


def require_book(bid: int, ask: int, market: Market) -> None:
    """Bid and ask are prices, and not crossed."""
    require(both(bid >= 1, bid <= ask, ask <= market.max_price), Reason.PRICE_RANGE)


@PERPETUAL.operation(
    Mark,
    reads(Exchange),
    reads(Market, "market"),
    updates(MarketPrice, "market"),
    updates(MarketOracle, "market"),
)
def mark(
    op: Mark, exchange: Exchange, market: Market, price: MarketPrice, oracle: MarketOracle
) -> tuple[MarketPrice, MarketOracle]:
    """Take the state of the order book, and move the mark and with it the health price.

    Bid, ask and last trade are the operator's word; the clamp around the index bounds what a lie can do.
    """
    now = exchange.time
    require_live(exchange)
    require_market(market)
    require_book(op.bid, op.ask, market)
    require(both(op.last >= 1, op.last <= market.max_price), Reason.PRICE_RANGE)
    require(price.index >= 1, Reason.ORACLE_LEVEL)
    mid = mul_div_floor(op.bid + op.ask, 1, 2)
    premium = approach(oracle.premium, mid - price.index, now - oracle.marked_at, market)
    book = median(op.bid, op.ask, op.last)
    new_mark = mark_of(price.index, premium, book, market)
    state = oracle_state(price, market, now)
    marked = changed(
        price, price=select(state.blind, price.price, health_price(new_mark, price.gap, oracle.average, market))
    )
    return marked, changed(oracle, book=book, premium=premium, marked_at=now)


@PERPETUAL.operation(
    PremiumSample,
    reads(Exchange),
    reads(Market, "market"),
    reads(MarketPrice, "market"),
    updates(MarketOracle, "market"),
)
def premium_sample(
    op: PremiumSample, exchange: Exchange, market: Market, price: MarketPrice, oracle: MarketOracle
) -> tuple[MarketOracle]:
    """Note how far the book's impact prices are from the index; while the oracle is suspended it counts for nothing."""
    now = exchange.time
    require_live(exchange)
    require_market(market)
    require_book(op.bid, op.ask, market)
    require(price.index >= 1, Reason.ORACLE_LEVEL)
    require(now - oracle.sampled_at >= SAMPLE_SECONDS, Reason.SAMPLE_TOO_SOON)
    distance = maximum(op.bid - price.index, 0) - maximum(price.index - op.ask, 0)
    premium = clamp(mul_div_truncate(distance, PPM, maximum(price.index, 1)), -PREMIUM_CLAMP_PPM, PREMIUM_CLAMP_PPM)
    trusted = negate(oracle_state(price, market, now).suspended)
    counts = both(oracle.samples < SAMPLES_FULL, trusted)
    sampled = changed(
        oracle,
        premium_sum=oracle.premium_sum + select(counts, premium, 0),
        samples=oracle.samples + indicator(counts),
        sampled_at=now,
    )
    return (sampled,)


def hourly_rate_ppm(premium_sum: int, samples: int, suspended: bool, market: Market) -> int:
    """The funding rate of one hour.

    What the samples average to, pulled towards the interest, capped, for an eighth of the period; zero with too few
    samples or while the oracle is suspended.
    """
    average = mul_div_truncate(premium_sum, 1, SAMPLES_FULL)
    pull = clamp(INTEREST_PPM - average, -INTEREST_CLAMP_PPM, INTEREST_CLAMP_PPM)
    rate_ppm = clamp(average + pull, -market.funding_cap_ppm, market.funding_cap_ppm)
    charged = both(samples >= SAMPLES_LEAST, negate(suspended))
    return select(charged, mul_div_truncate(rate_ppm, 1, FUNDING_INTERVALS), 0)


@PERPETUAL.operation(
    FundingTick,
    reads(Exchange),
    reads(Market, "market"),
    updates(MarketPrice, "market"),
    updates(MarketOracle, "market"),
)
def funding_tick(
    op: FundingTick, exchange: Exchange, market: Market, price: MarketPrice, oracle: MarketOracle
) -> tuple[MarketPrice, MarketOracle]:
    """Charge an hour of funding, by moving the cumulative index, and set the funding buffers.

    The index is kept in a range that no position can overflow: there funding stops, and the tick is still accepted.
    """
    now = exchange.time
    require_live(exchange)
    require_market(market)
    require(now - oracle.funded_at >= FUNDING_SECONDS, Reason.TICK_TOO_SOON)
    state = oracle_state(price, market, now)
    rate_ppm = hourly_rate_ppm(oracle.premium_sum, oracle.samples, state.suspended, market)
    bound = market.max_price * PPM
    funded = changed(
        price,
        funding_index=clamp(price.funding_index + rate_ppm * price.index, -bound, bound),
        buffer_long_ppm=minimum(market.buffer_intervals * maximum(rate_ppm, market.buffer_floor_ppm), PPM),
        buffer_short_ppm=minimum(market.buffer_intervals * maximum(-rate_ppm, market.buffer_floor_ppm), PPM),
    )
    return funded, changed(oracle, funding_rate_ppm=rate_ppm, premium_sum=0, samples=0, funded_at=now)
