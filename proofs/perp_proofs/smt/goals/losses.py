"""How much of a socialised loss the positions of a market bear: all that is needed, and no more than the day's cap.

Units: an index is in micro-atoms a lot, and both sides of the open interest bear alike, so a rise takes
2 * open interest * rise micro-atoms.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from perp_proofs.smt.contracts import implies, market_assumed
from perp_proofs.smt.frame import Stage
from perp_proofs.smt.goals.contracts import MARKET_VALID
from perp_proofs.smt.lemmas import the_least_rise_is_enough
from perp_proofs.smt.prove import Claim, Goal, Statement
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import absolute, both, either, maximum, minimum, mul_div_floor, select
from perp_spec.perpetual.records import Market, MarketBook, MarketPrice
from perp_spec.perpetual.rules.waterfall import Loss, bear_loss
from perp_spec.words import DAY, PPM, TIME_MAX, WORD_MAX

SO_FAR = "it holds of what the day's operations before have done"


class Bearing(NamedTuple):
    """A market that bears a part of a deficit on a day, before and after."""

    market: Market
    today: Word
    price: MarketPrice
    book: MarketBook
    raised: MarketPrice
    noted: MarketBook

    @property
    def rise(self) -> Word:
        """By how much the loss index rises."""
        return self.raised.loss_index - self.price.loss_index

    @property
    def borne(self) -> Word:
        """By how much it rose before on the same day."""
        return select(self.book.loss_day == self.today, self.book.loss_today, 0)

    @property
    def cap(self) -> Word:
        """By how much it may rise on a day, at this price."""
        return self.market.loss_cap_ppm * self.price.price


def market_of(stage: Stage) -> tuple[Market, MarketPrice, MarketBook]:
    """A configured market."""
    market = stage.record(Market, "market")
    stage.assume(market_assumed(market), MARKET_VALID)
    return market, stage.record(MarketPrice, "price"), stage.record(MarketBook, "book")


def one_market(stage: Stage) -> tuple[Bearing, Loss, Loss]:
    """Any market of those that are asked one after the other, with what is left to cover before and after."""
    market, price, book = market_of(stage)
    before = Loss(*(stage.word(f"loss.{name}", 0, WORD_MAX) for name in Loss._fields))
    today = stage.word("today", 0, TIME_MAX)
    (raised, noted), after = stage.perform(bear_loss, before, price, book, market, today)
    return Bearing(market, today, price, book, raised, noted), before, after


def a_market_bears_exactly_what_is_needed_or_allowed(stage: Stage) -> Iterator[Claim]:
    """Of any deficit, on any day."""
    bearing, before, after = one_market(stage)
    exactly(stage, bearing, before.deficit)
    lots, rise, index = 2 * bearing.book.open_interest, bearing.rise, bearing.raised.loss_index
    furthest, so_far = bearing.market.max_price * PPM, bearing.borne + rise
    noted = both(bearing.noted.loss_day == bearing.today, bearing.noted.loss_today == so_far)
    yield Claim("the day's sum is noted", noted)
    yield Claim("the index does not fall", rise >= 0)
    yield Claim("it rises no further than the day's cap", implies(rise >= 1, so_far <= bearing.cap))
    yield Claim("nor than an index may stand", implies(rise >= 1, index <= furthest))
    yield Claim("where nobody holds a position, it stays", implies(lots == 0, rise == 0))
    covered = before.deficit - after.deficit
    taken = mul_div_floor(lots, rise, PPM)
    yield Claim("whole atoms that are taken cover the deficit", covered == minimum(before.deficit, taken))
    most = PPM * before.deficit + maximum(lots, PPM) - 1
    yield Claim("no more is taken than the deficit and rounding", lots * rise <= most)
    exhausted = either(lots == 0, so_far >= bearing.cap, index >= furthest)
    yield Claim("where a deficit is left, nothing else is", implies(after.deficit >= 1, exhausted))


def exactly(stage: Stage, bearing: Bearing, deficit: Word) -> None:
    """Go on by cases: nobody holds a position, or all that is allowed is needed, or less is enough."""
    allowed, range_left = bearing.cap - bearing.borne, bearing.market.max_price * PPM - bearing.price.loss_index
    limit, lots = minimum(maximum(allowed, 0), maximum(range_left, 0)), 2 * bearing.book.open_interest
    stage.split(bearing.book.open_interest >= 1)
    stage.split(mul_div_floor(lots, limit, PPM) <= deficit)
    stage.use(the_least_rise_is_enough, deficit, lots, limit)


class Day(NamedTuple):
    """What is known of a market on a day: ghosts, which are stored nowhere."""

    index: Word
    """The loss index when the day began."""
    price: Word
    """The highest price at which it has borne a loss that day."""
    lots: Word
    """The highest open interest with which it has, both sides."""
    taken: Word
    """Micro-atoms that its positions have borne that day."""


def day_of(stage: Stage) -> Day:
    """Any."""
    return Day(*(stage.word(f"day.{name}", 0, WORD_MAX) for name in Day._fields))


def within_the_cap(day: Day, today: Word, market: Market, price: MarketPrice, book: MarketBook) -> Flag:
    """What holds after any number of operations of a day."""
    begun = both(
        price.loss_index - day.index == book.loss_today,
        book.loss_today <= market.loss_cap_ppm * day.price,
        day.taken <= day.lots * book.loss_today,
    )
    fresh = both(price.loss_index == day.index, day.taken == 0)
    return select(book.loss_day == today, begun, fresh)


def later(day: Day, bearing: Bearing) -> Day:
    """The day after one operation more."""
    rises, lots = bearing.rise >= 1, 2 * bearing.book.open_interest
    return Day(
        day.index,
        select(rises, maximum(day.price, bearing.price.price), day.price),
        select(rises, maximum(day.lots, lots), day.lots),
        day.taken + lots * bearing.rise,
    )


def any_market(stage: Stage) -> Bearing:
    """One of those that are asked one after the other."""
    return one_market(stage)[0]


def named_market(stage: Stage) -> Bearing:
    """The one that a whole operation names, which is asked first."""
    scene = stage.scene(RULES["socialise"])
    market, price, book = (scene.entry(name) for name in ("market", "price", "book"))
    stage.assume(market_assumed(market.before), MARKET_VALID)
    today = mul_div_floor(scene.before("exchange").time, 1, DAY)
    return Bearing(market.before, today, price.before, book.before, price.after, book.after)


def the_losses_of_a_day_stay_within_its_cap(bears: Callable[[Stage], Bearing], stage: Stage) -> Iterator[Claim]:
    """After one operation more."""
    bearing, day = bears(stage), day_of(stage)
    stage.assume(within_the_cap(day, bearing.today, bearing.market, bearing.price, bearing.book), SO_FAR)
    stage.split(bearing.book.loss_day == bearing.today)
    stage.split(bearing.rise >= 1)
    after = later(day, bearing)
    for part, other in (
        (after.lots - day.lots, bearing.borne),
        (after.lots - 2 * bearing.book.open_interest, bearing.rise),
        (after.price - day.price, bearing.market.loss_cap_ppm),
        (after.price - bearing.price.price, bearing.market.loss_cap_ppm),
    ):
        stage.hint(part, other)
    kept = within_the_cap(after, bearing.today, bearing.market, bearing.raised, bearing.noted)
    yield Claim("it holds after one operation more", kept)
    size = absolute(stage.word("size", -WORD_MAX, WORD_MAX))
    allowed = bearing.market.loss_cap_ppm * after.price
    borne = bearing.raised.loss_index - day.index
    stage.hint(size, allowed - borne)
    yield Claim("then a position owes no more than the cap of its value", implies(kept, size * borne <= size * allowed))


def loss_goal(statement: Statement, sentence: str, *subjects: str) -> Goal:
    """A goal of this family."""
    return Goal(statement.__name__, sentence, statement, subjects, assumptions=(MARKET_VALID,))


IN_A_DAY = (
    "Over any number of operations of a day, the loss index of a market rises by what the day's sum says, and that by "
    "no more than loss_cap_ppm of the highest price at which the market bore a loss that day: {which}. A position "
    "bears no more than that part of its value, and all of them no more than that part of the open interest, both "
    "sides."
)

GOALS = (
    loss_goal(
        a_market_bears_exactly_what_is_needed_or_allowed,
        "A market bears a deficit until it is covered, the day has borne loss_cap_ppm of the price, or the index "
        "stands at max_price, whichever is first; it takes no more than the deficit, but for less than an atom or less "
        "than a micro-atom a lot of rounding.",
        "bear_loss",
        "socialise",
    ),
    Goal(
        "a_market_stays_within_the_cap_of_the_day",
        IN_A_DAY.format(which="each market that is asked keeps it"),
        partial(the_losses_of_a_day_stay_within_its_cap, any_market),
        ("bear_loss",),
        assumptions=(MARKET_VALID, SO_FAR),
    ),
    Goal(
        "socialise_stays_within_the_cap_of_the_day",
        IN_A_DAY.format(which="a whole socialise keeps it for the market that it names"),
        partial(the_losses_of_a_day_stay_within_its_cap, named_market),
        ("socialise",),
        assumptions=(MARKET_VALID, SO_FAR),
    ),
)
