"""Theorems about one configuration, with its own numbers put in: what its markets guarantee.

Where a configuration breaks a bound, a goal is violated, with a size and a price that show it.
"""

from collections.abc import Callable, Iterator
from functools import partial

from perp_proofs.smt.frame import Stage
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.terms import Word
from perp_spec.language import absolute, both, mul_div_ceil, mul_div_floor
from perp_spec.perpetual.config import Config, gap_theorem_ppm
from perp_spec.perpetual.health import margin_at
from perp_spec.perpetual.records import Market
from perp_spec.perpetual.rules.ticks import FUNDING_INTERVALS
from perp_spec.words import NOTIONAL_MAX, PPM, WORD_MAX

SIZE_AND_PRICE = "the position is no larger than max_size, and its price no higher than max_price"


def held(market: Market, stage: Stage) -> tuple[Word, Word]:
    """A position and its price."""
    size, price = stage.word("size", -market.max_size, market.max_size), stage.word("price", 1, market.max_price)
    stage.split(size > 0)
    return size, price


def survives_its_gap(market: Market, stage: Stage) -> Iterator[Claim]:
    """A move of the lowest maintenance rate."""
    notional = stage.word("notional", 0, market.max_size * market.max_price)
    maintenance, initial = stage.perform(margin_at, notional, market)
    worst = gap_theorem_ppm(market) * notional
    yield Claim("a gap takes no more than the maintenance margin", worst <= PPM * maintenance)
    yield Claim("maintenance is no more than initial margin", maintenance <= initial)


def fits_in_words(market: Market, stage: Stage) -> Iterator[Claim]:
    """The value of a position, of the open interest, and what funding and losses may move."""
    size, price = held(market, stage)
    lots = stage.word("open_interest", 0, market.open_interest_cap)
    stage.hint(market.max_size - absolute(size), price)
    stage.hint(market.open_interest_cap - lots, price)
    stage.hint(absolute(size), market.max_price - price)
    yield Claim("the value of a position", absolute(size) * price <= NOTIONAL_MAX)
    yield Claim("the value of the open interest", 2 * lots * price <= WORD_MAX)
    yield Claim("indices and their sums", 4 * market.max_price * PPM <= WORD_MAX)


def fees_are_covered(market: Market, stage: Stage) -> Iterator[Claim]:
    """By the margins of what they are paid for."""
    notional = stage.word("notional", 0, market.max_size * market.max_price)
    stage.split(notional > market.bracket_2)
    stage.split(notional > market.bracket_3)
    maintenance, initial = stage.perform(margin_at, notional, market)
    fee = mul_div_ceil(notional, market.fee_cap_ppm, PPM)
    step = mul_div_ceil(notional, market.liquidation_fee_cap_ppm, PPM)
    slip = mul_div_floor(notional, market.slip_ppm, PPM)
    yield Claim("a trading fee is no more than the initial margin", fee <= initial)
    close_out = mul_div_ceil(market.close_out_ppm, maintenance, PPM)
    yield Claim("a liquidation fee is no more than the equity at close-out", step <= close_out)
    yield Claim("a forced reduction concedes no more than the maintenance margin", slip <= maintenance)


def funding_is_covered(market: Market, stage: Stage) -> Iterator[Claim]:
    """By the buffer, for as many intervals as it says."""
    rate = stage.word("rate", -market.funding_cap_ppm, market.funding_cap_ppm)
    capped = both(
        FUNDING_INTERVALS * rate <= market.funding_cap_ppm, -FUNDING_INTERVALS * rate <= market.funding_cap_ppm
    )
    stage.assume(capped, "the rate of an hour is an eighth of the cap at most")
    yield Claim("the buffer's rate is a fraction", market.buffer_intervals * absolute(rate) <= PPM)


THEOREMS: tuple[tuple[str, Callable[[Market, Stage], Iterator[Claim]], str], ...] = (
    (
        "survives_its_gap",
        survives_its_gap,
        (
            "{symbol}: a price that moves by no more than {gap} ppm between two chances to liquidate takes no more "
            "from a position than its maintenance margin: no healthy cross account ends below zero."
        ),
    ),
    ("fits_in_words", fits_in_words, "{symbol}: no position, open interest or index leaves the range of words."),
    (
        "covers_its_fees",
        fees_are_covered,
        (
            "{symbol}: a trading fee is no more than the initial margin, a liquidation fee no more than the equity at "
            "close-out, and a forced reduction concedes no more than the maintenance margin."
        ),
    ),
    (
        "covers_its_funding",
        funding_is_covered,
        "{symbol}: {intervals} hours of funding at the cap cost no more than the whole position.",
    ),
)


def config_goals(config: Config) -> tuple[Goal, ...]:
    """The theorems of a configuration, for each of its markets."""
    return tuple(
        Goal(
            name=f"market_{number}_{name}",
            sentence=sentence.format(
                symbol=entry.symbol,
                gap=gap_theorem_ppm(entry.market),
                intervals=entry.market.buffer_intervals,
            ),
            statement=partial(statement, entry.market),
            subjects=(f"market {number}",),
            assumptions=(SIZE_AND_PRICE,),
        )
        for number, entry in enumerate(config.markets)
        for name, statement, sentence in THEOREMS
    )
