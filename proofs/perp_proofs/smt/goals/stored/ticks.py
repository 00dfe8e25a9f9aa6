"""What ticks store: prices, marks, premiums and funding."""

from typing import Any

import attrs

from perp_proofs.smt.goals.guards.shared import Case, is_blind, near, stale
from perp_proofs.smt.goals.stored.shared import Expected
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import (
    absolute,
    both,
    clamp,
    either,
    maximum,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    negate,
    select,
)
from perp_spec.perpetual.records import Market
from perp_spec.perpetual.rules.ticks import candidate_of
from perp_spec.words import PPM


def close_to(index: Word, premium: Word, book: Word, market: Market) -> Word:
    """The mark: the middle one of three prices, not far from the index."""
    first, second = index + premium, select(book > 0, book, index)
    low, high = minimum(first, second), maximum(first, second)
    middle = select(index < low, low, select(index > high, high, index))
    most = mul_div_floor(index * market.mark_clamp_ppm, 1, PPM)
    return clamp(middle, index - most, minimum(index + most, market.max_price))


def within_band(mark: Word, gap: Flag, average: Word, market: Market) -> Word:
    """The health price: the mark, at a gap no further from the average than the band."""
    most = mul_div_floor(average * market.band_ppm, 1, PPM)
    return select(gap, clamp(mark, average - most, average + most), mark)


def drawn(average: Word, target: Word, elapsed: Word, market: Market) -> Word:
    """An average after some seconds of following."""
    seconds = select(elapsed > market.average_seconds, market.average_seconds, elapsed)
    moved = mul_div_ceil(absolute(target - average) * seconds, 1, market.average_seconds)
    return select(target > average, average + moved, average - moved)


def oracle_tick(case: Case) -> Expected:
    """Of an oracle tick."""
    op, price, oracle, market, now = case.op, case.price, case.oracle, case.market, case.exchange.time
    heard = [report.count > 0 for report in op.reports]
    values = tuple(
        select(flag, report.median, old) for flag, report, old in zip(heard, op.reports, oracle.values, strict=True)
    )
    times = tuple(select(flag, now, old) for flag, old in zip(heard, oracle.reported_at, strict=True))
    found = candidate_of(case.parameters.families, values, times, oracle.average, market, now)
    following = drawn(oracle.average, found.price, now - price.ticked_at, market)
    started = select(oracle.average == 0, found.price, following)
    average = select(found.price > 0, started, oracle.average)
    in_band = near(absolute(found.price - average), market.band_ppm, average)
    good, gap = both(found.bad == 0, in_band), both(found.bad < 2, found.confirmed, negate(in_band))
    first_blind = select(price.blind_since > 0, price.blind_since, price.ticked_at + market.staleness_seconds)
    begun = select(is_blind(case), first_blind, now)
    unsure = case.parameters.families - found.bad < 2
    since = select(unsure, select(oracle.disputed_since > 0, oracle.disputed_since, begun), 0)
    patience = select(found.lone, market.blind_seconds, market.staleness_seconds)
    too_long = both(unsure, now > since + patience)
    as_before = near(absolute(found.price - oracle.average), market.band_ppm, oracle.average)
    by_two = both(found.confirmed, in_band)
    by_one = both(unsure, as_before, negate(either(found.apart, too_long)))
    degraded = both(found.bad == 1, found.price > 0, either(by_two, by_one))
    blind = both(negate(good), negate(gap), negate(degraded))
    row = select(negate(good), 0, select(is_blind(case), 1, select(oracle.good_ticks < 10, oracle.good_ticks + 1, 10)))
    was_good = both(negate(stale(case)), price.level == 0)
    level_if_good = select(either(was_good, row == 10, oracle.average == 0), 0, 1)
    index = select(blind, price.index, found.price)
    followed = select(either(blind, unsure), oracle.average, average)
    mark = within_band(close_to(index, oracle.premium, oracle.book, market), gap, followed, market)
    return {
        "price": attrs.evolve(
            price,
            price=select(blind, price.price, mark),
            index=index,
            level=select(good, level_if_good, select(degraded, 1, 2)),
            gap=gap,
            ticked_at=now,
            blind_since=select(blind, begun, 0),
        ),
        "oracle": attrs.evolve(
            oracle, average=followed, good_ticks=row, disputed_since=since, values=values, reported_at=times
        ),
    }


def mark(case: Case) -> Expected:
    """Of a mark."""
    op, price, oracle, market, now = case.op, case.price, case.oracle, case.market, case.exchange.time
    mid = mul_div_floor(op.bid + op.ask, 1, 2)
    premium = drawn(oracle.premium, mid - price.index, now - oracle.marked_at, market)
    book = select(op.last < op.bid, op.bid, select(op.last > op.ask, op.ask, op.last))
    marked = within_band(close_to(price.index, premium, book, market), price.gap, oracle.average, market)
    return {
        "price": attrs.evolve(price, price=select(is_blind(case), price.price, marked)),
        "oracle": attrs.evolve(oracle, book=book, premium=premium, marked_at=now),
    }


def premium_sample(case: Case) -> Expected:
    """Of a premium sample."""
    op, oracle, index = case.op, case.oracle, case.price.index
    above, below = op.bid - index, index - op.ask
    rise, fall = mul_div_floor(above * PPM, 1, index_or_one(index)), mul_div_floor(below * PPM, 1, index_or_one(index))
    sample = select(above > 0, minimum(rise, 5_000), select(below > 0, -minimum(fall, 5_000), 0))
    counts = both(oracle.samples < 60, negate(either(stale(case), case.price.level == 2)))
    return {
        "oracle": attrs.evolve(
            oracle,
            premium_sum=oracle.premium_sum + select(counts, sample, 0),
            samples=select(counts, oracle.samples + 1, oracle.samples),
            sampled_at=case.exchange.time,
        )
    }


def index_or_one(index: Word) -> Word:
    """A divisor."""
    return maximum(index, 1)


def toward_zero(dividend: Word, divisor: int) -> Word:
    """A quotient without its fraction."""
    return select(dividend < 0, -mul_div_floor(-dividend, 1, divisor), mul_div_floor(dividend, 1, divisor))


def hourly_rate(case: Case) -> Word:
    """The funding rate of one hour, ppm."""
    oracle, cap = case.oracle, case.market.funding_cap_ppm
    average = toward_zero(oracle.premium_sum, 60)
    capped = clamp(average + clamp(100 - average, -500, 500), -cap, cap)
    charged = both(oracle.samples > 44, negate(either(stale(case), case.price.level == 2)))
    return select(charged, toward_zero(capped, 8), 0)


def buffer_of(rate: Word, market: Any) -> Word:
    """The funding buffer of the side that pays a rate."""
    return minimum(market.buffer_intervals * maximum(rate, market.buffer_floor_ppm), PPM)


def funding_tick(case: Case) -> Expected:
    """Of a funding tick."""
    price, oracle, market = case.price, case.oracle, case.market
    rate, bound = hourly_rate(case), market.max_price * PPM
    return {
        "price": attrs.evolve(
            price,
            funding_index=clamp(price.funding_index + rate * price.index, -bound, bound),
            buffer_long_ppm=buffer_of(rate, market),
            buffer_short_ppm=buffer_of(-rate, market),
        ),
        "oracle": attrs.evolve(oracle, funding_rate_ppm=rate, premium_sum=0, samples=0, funded_at=case.exchange.time),
    }
