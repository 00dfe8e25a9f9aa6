"""What the frame takes for granted about tables and sums holds of their own text."""

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from perp_proofs.smt.contracts import (
    MARGIN_FIELDS,
    Held,
    book_moved,
    cautious_promise,
    held_promise,
    loss_promise,
    margin_contract,
    margin_promise,
    margins_assumed,
    margins_promise,
    market_assumed,
    market_words,
    pending_of,
    settled_again,
)
from perp_proofs.smt.frame import Stage
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import both
from perp_spec.perpetual.health import (
    NO_SUBJECT,
    Cautious,
    Terms,
    cautious_terms,
    margin_at,
    position_terms,
    scenario_losses,
)
from perp_spec.perpetual.records import Market, MarketBook, MarketPrice, Parameters, Position
from perp_spec.perpetual.rules.batch import market_window
from perp_spec.perpetual.rules.waterfall import Loss, bear_loss
from perp_spec.words import MARKETS_MAX, TIME_MAX, WORD_MAX

MARKET_VALID = "the market's configuration is valid"


def item(stage: Stage) -> tuple[Position, MarketPrice, Market]:
    """A position joined with its market's price and configuration."""
    market = stage.record(Market, "market")
    stage.assume(market_assumed(market), MARKET_VALID)
    return stage.record(Position, "position"), stage.record(MarketPrice, "price"), market


def moment(stage: Stage, name: str = "") -> tuple[Word, Word]:
    """A subject market, or none, and a time."""
    return stage.word(f"subject{name}", 0, max(NO_SUBJECT, MARKETS_MAX)), stage.word(f"now{name}", 0, TIME_MAX)


def words(stage: Stage, kind: Callable[..., Any], name: str, count: int) -> Any:
    """A tuple of any words."""
    return kind(*(stage.word(f"{name}[{place}]", -WORD_MAX, WORD_MAX) for place in range(count)))


def added(first: Any, second: Any) -> Any:
    """The sum of two tuples of words."""
    return type(first)(*(one + other for one, other in zip(first, second, strict=True)))


def equal(first: tuple[Any, ...], second: tuple[Any, ...]) -> Flag:
    """Two tuples of words are the same."""
    result: Flag = True
    for one, other in zip(first, second, strict=True):
        result = both(result, one == other)
    return result


def same_position(first: Position, second: Position) -> Flag:
    """Two positions are the same."""
    return both(first.market == second.market, first.size == second.size, first.snapshot == second.snapshot)


def summand_keeps_promise(stage: Stage) -> Iterator[Claim]:
    """Of one position."""
    position, price, market = item(stage)
    stage.split(position.size < 0)
    _, terms = stage.perform(position_terms, position, price, market, *moment(stage))
    yield Claim("one position", held_promise(Held(terms, pending_of(position, price))))


def held_sums(stage: Stage, name: str) -> Held:
    """Sums that keep the promise."""
    sums = Held(words(stage, Terms, name, len(Terms._fields)), stage.word(f"{name}.pending", -WORD_MAX, WORD_MAX))
    stage.assume(held_promise(sums), "the sums keep the promise")
    return sums


def sums_keep_promise(stage: Stage) -> Iterator[Claim]:
    """Of none, and of two sums together."""
    yield Claim("no position", held_promise(Held(Terms(*(0,) * len(Terms._fields)), 0)))
    first, second = held_sums(stage, "first"), held_sums(stage, "second")
    both_sums = Held(added(first.terms, second.terms), first.pending + second.pending)
    yield Claim("two sums", held_promise(both_sums))


def settling_twice_is_settling_once(stage: Stage) -> Iterator[Claim]:
    """Of one position."""
    position, price, market = item(stage)
    subject, now = moment(stage)
    settled, terms = stage.perform(position_terms, position, price, market, subject, now)
    again, after = stage.perform(position_terms, settled, price, market, subject, now)
    yield Claim("the position stays", same_position(again, settled))
    yield Claim("nothing is paid, all else is the same", equal(after, settled_again(terms)))
    yield Claim("nothing is pending", pending_of(settled, price) == 0)
    yield Claim("size and market stay", both(settled.size == position.size, settled.market == position.market))


def sums_do_not_depend_on_the_moment(stage: Stage) -> Iterator[Claim]:
    """Only the counts of positions in a market and at a level do."""
    position, price, market = item(stage)
    first, terms = stage.perform(position_terms, position, price, market, *moment(stage))
    second, others = stage.perform(position_terms, position, price, market, *moment(stage, "'"))
    fixed = ("cash", "dust", "value", "maintenance", "initial", "buffer", "occupied")
    yield Claim("the sums", equal(*(tuple(getattr(sums, name) for name in fixed) for sums in (terms, others))))
    yield Claim("the position", same_position(first, second))


def cautious_sums_keep_promise(stage: Stage) -> Iterator[Claim]:
    """Of one position, of none, and of two sums together."""
    position, price, market = item(stage)
    _, now = moment(stage)
    _, terms = stage.perform(position_terms, position, price, market, NO_SUBJECT, now)
    sums = stage.perform(cautious_terms, position, price, market, now)
    yield Claim("one position", cautious_promise(terms, sums))
    yield Claim("no position", cautious_promise(Terms(*(0,) * len(Terms._fields)), Cautious(0, 0)))
    held = held_sums(stage, "first"), held_sums(stage, "second")
    cautious = words(stage, Cautious, "caution", 2), words(stage, Cautious, "caution'", 2)
    for one, own in zip(held, cautious, strict=True):
        stage.assume(cautious_promise(one.terms, own), "the cautious sums keep the promise")
    together = cautious_promise(added(held[0].terms, held[1].terms), added(*cautious))
    yield Claim("two sums", together)


def losses_do_not_depend_on_settling(stage: Stage) -> Iterator[Claim]:
    """Of one position."""
    position, price, market = item(stage)
    settled, _ = stage.perform(position_terms, position, price, market, *moment(stage))
    before = stage.perform(scenario_losses, position, price, market)
    yield Claim("every scenario", equal(stage.perform(scenario_losses, settled, price, market), before))


def bearing_a_loss_keeps_promise(stage: Stage) -> Iterator[Claim]:
    """Before the first market, and from one market to the next."""
    start = words(stage, Loss, "start", len(Loss._fields))
    stage.assume(both(start.deficit >= 0, start.dust >= 0), "the deficit is at least 0")
    yield Claim("no market", loss_promise(start, start, 0))
    carried, moved = words(stage, Loss, "carried", len(Loss._fields)), stage.word("moved", -WORD_MAX, WORD_MAX)
    stage.assume(loss_promise(start, carried, moved), "the promise so far")
    price, book, market = market_of(stage)
    (raised, bearing), grown = stage.perform(bear_loss, carried, price, book, market, stage.word("today", 0, TIME_MAX))
    more = book_moved((price, book), (raised, bearing))
    yield Claim("one market more", loss_promise(start, grown, moved + more))
    yield Claim("funding stays", raised.funding_index == price.funding_index)
    yield Claim("open interest stays", bearing.open_interest == book.open_interest)


def market_of(stage: Stage) -> tuple[MarketPrice, MarketBook, Market]:
    """A market with its price and book."""
    market = stage.record(Market, "market")
    stage.assume(market_assumed(market), MARKET_VALID)
    return stage.record(MarketPrice, "price"), stage.record(MarketBook, "book"), market


def windows_move_no_index(stage: Stage) -> Iterator[Claim]:
    """Of one market."""
    price, book, market = market_of(stage)
    parameters = stage.record(Parameters, "parameters")
    (after, rolled), counts = stage.perform(market_window, price, book, market, parameters, stage.flag("rolled"))
    yield Claim("indices stay", equal((after.funding_index, after.loss_index), (price.funding_index, price.loss_index)))
    yield Claim("open interest stays", rolled.open_interest == book.open_interest)
    yield Claim("counts", both(counts.counted >= 0, counts.throttled >= 0, counts.reduced >= 0))


def margins_keep_promise(stage: Stage) -> Iterator[Claim]:
    """Of one notional, and of two."""
    market = stage.record(Market, "market")
    stage.assume(margins_assumed(market), MARKET_VALID)
    less, more = stage.word("less", 0, WORD_MAX), stage.word("more", 0, WORD_MAX)
    stage.assume(less <= more, "one notional is no more than the other")
    for notional in (less, more):
        stage.split(notional > market.bracket_2)
        stage.split(notional > market.bracket_3)
    first, second = stage.perform(margin_at, less, market), stage.perform(margin_at, more, market)
    below, middle = market.bracket_2, market.bracket_3 - market.bracket_2
    pairs = (
        (market.maintenance_1_ppm, market.initial_1_ppm),
        (market.maintenance_2_ppm, market.initial_2_ppm),
        (market.maintenance_3_ppm, market.initial_3_ppm),
    )
    for (maintenance, initial), begin, width in zip(
        pairs, (0, below, market.bracket_3), (below, middle, WORD_MAX), strict=True
    ):
        part, other = less - begin, more - begin
        for rate in (maintenance, initial):
            stage.hint(other - part, rate)
            stage.hint(part, rate)
            stage.hint(other, rate)
            stage.hint(width - part, rate)
            stage.hint(width - other, rate)
        stage.hint(part, initial - maintenance)
    stage.hint(below, market.initial_1_ppm - market.maintenance_1_ppm)
    stage.hint(middle, market.initial_2_ppm - market.maintenance_2_ppm)
    yield Claim("one notional", margin_promise(less, first))
    yield Claim("more needs no less", margins_promise(less, first, more, second))


def margins_depend_on_rates_only(stage: Stage) -> Iterator[Claim]:
    """Of two markets that differ in all else."""
    market = stage.record(Market, "market")
    other = attrs.evolve(stage.record(Market, "other"), **dict(zip(MARGIN_FIELDS, market_words(market), strict=True)))
    notional = stage.word("notional", 0, WORD_MAX)
    yield Claim("margins", equal(stage.perform(margin_at, notional, market), stage.perform(margin_at, notional, other)))


def contract(
    statement: Callable[[Stage], Iterator[Claim]], sentence: str, *subjects: str, opaque: bool = False
) -> Goal:
    """A goal about a contract."""
    return Goal(
        name=statement.__name__,
        sentence=sentence,
        statement=statement,
        subjects=subjects,
        opaque={"margin_at": margin_contract} if opaque else {},
        assumptions=(MARKET_VALID,),
    )


GOALS = (
    contract(
        summand_keeps_promise,
        "Settling one position pays exactly what it owes, and its margins are ordered.",
        "position_terms",
        opaque=True,
    ),
    contract(sums_keep_promise, "What one position promises, any number of positions promise.", "position_terms"),
    contract(
        settling_twice_is_settling_once,
        "A settled position owes nothing, and settling it again changes nothing.",
        "position_terms",
        opaque=True,
    ),
    contract(
        sums_do_not_depend_on_the_moment,
        "Cash, dust, value and margins of a position do not depend on the subject market or the time.",
        "position_terms",
        opaque=True,
    ),
    contract(
        cautious_sums_keep_promise,
        "What positions are worth to an exit is no more than what settling counts.",
        "cautious_terms",
        opaque=True,
    ),
    contract(
        losses_do_not_depend_on_settling, "Settling a position does not change its scenario losses.", "scenario_losses"
    ),
    contract(
        bearing_a_loss_keeps_promise,
        "What a market takes from its positions covers the deficit, is excess, or is dust.",
        "bear_loss",
    ),
    contract(
        windows_move_no_index, "Rolling a liquidation window moves no index and no open interest.", "market_window"
    ),
    contract(margins_keep_promise, "Margins are ordered, and a larger notional needs no less.", "margin_at"),
    contract(
        margins_depend_on_rates_only, "Margins depend on the notional and the market's margin rates only.", "margin_at"
    ),
)
