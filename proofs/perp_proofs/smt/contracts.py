"""Contracts: what a table or a sum over any number of records satisfies, so that callers need not look inside.

A contract is a promise that the frame adds to what is known. Each is proved of the function's own text in
`goals.contracts`: a promise about a sum holds because every summand keeps it, zero keeps it, and the sum of two things
that keep it keeps it.
"""

from typing import Any, NamedTuple

import attrs

from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import both, either, negate, select
from perp_spec.perpetual.bounds import all_hold, bracket_bounds, rate_bounds, simple_bounds
from perp_spec.perpetual.health import Cautious, Health, Side, Terms, side_index
from perp_spec.perpetual.operations import Report
from perp_spec.perpetual.records import Market, MarketBook, MarketPrice, Position
from perp_spec.perpetual.rules.waterfall import Loss
from perp_spec.words import PPM

EXCESS_MAX = 2**42
"""Most that a market collects beyond a deficit: its open interest, both sides, in lots and micro-atoms a lot."""

RISE_MAX = PPM * 2**32
"""Most that the loss index of a market ever is."""


def implies(premise: Flag, conclusion: Flag) -> Flag:
    """The conclusion holds where the premise does."""
    return either(negate(premise), conclusion)


# What is counted, but stored nowhere


def pending_of(position: Position, price: MarketPrice) -> Word:
    """Micro-atoms a position owes to whoever settles it next; negative where it is owed."""
    return position.size * (side_index(position.size, price) - position.snapshot)


def moved_pending(before: MarketPrice, after: MarketPrice, open_interest: Word) -> Word:
    """By how much the pending of all positions of a market grows when its indices move.

    Funding cancels, because the sizes sum to zero; a socialised loss is owed by both sides of the open interest.
    """
    return 2 * open_interest * (after.loss_index - before.loss_index)


class Held(NamedTuple):
    """Sums over the positions of an account that an operation visits."""

    terms: Terms
    pending: Word


def held_promise(sums: Held) -> Flag:
    """What the sums over settled positions satisfy.

    Settling pays exactly what was pending, to the last micro-atom; margins are ordered; no positions, no anything.
    """
    terms = sums.terms
    return both(
        PPM * terms.cash + terms.dust + sums.pending == 0,
        both(terms.dust >= 0, terms.dust <= (PPM - 1) * terms.occupied),
        both(terms.maintenance >= 0, terms.maintenance <= terms.initial, terms.buffer >= 0),
        both(terms.same >= 0, terms.same <= terms.occupied, terms.degraded <= terms.occupied),
        both(terms.blind >= 0, terms.blind <= terms.degraded),
        both(terms.doubt >= 0, implies(terms.blind == 0, terms.doubt == 0)),
        implies(
            terms.occupied == 0,
            both(
                both(terms.cash == 0, sums.pending == 0, terms.value == 0),
                both(terms.maintenance == 0, terms.initial == 0, terms.buffer == 0),
            ),
        ),
    )


def settled_again(terms: Terms) -> Terms:
    """The sums over positions that are settled already: nothing is paid, all else is the same."""
    return Terms(**{**terms._asdict(), "cash": 0, "dust": 0})


def cautious_promise(terms: Terms, cautious: Cautious) -> Flag:
    """What an exit's cautious sums satisfy beside those of settling."""
    return both(
        cautious.value <= terms.value,
        cautious.initial >= 0,
        implies(terms.occupied == 0, both(cautious.value == 0, cautious.initial == 0)),
    )


def loss_promise(before: Loss, after: Loss, moved: Word) -> Flag:
    """What letting markets bear a deficit satisfies.

    `moved` is by how much it made pending grow. What is taken from positions covers the deficit, is excess or is dust;
    the deficit falls and never below zero.
    """
    covered = before.deficit - after.deficit
    return both(
        PPM * (covered + after.excess - before.excess) + after.dust - before.dust == moved,
        both(after.deficit >= 0, covered >= 0, after.excess >= before.excess, after.dust >= before.dust),
        both(after.raised >= before.raised, implies(after.raised == before.raised, moved == 0)),
    )


# Tables


def margin_promise(notional: Word, margin: tuple[Word, Word]) -> Flag:
    """What the margins of a notional satisfy."""
    maintenance, initial = margin
    return both(
        maintenance >= 0,
        maintenance <= initial,
        implies(notional == 0, both(maintenance == 0, initial == 0)),
    )


def margins_promise(
    first: Word, first_margin: tuple[Word, Word], second: Word, second_margin: tuple[Word, Word]
) -> Flag:
    """What the margins of two notionals of one market satisfy: more needs no less."""
    return implies(first <= second, both(first_margin[0] <= second_margin[0], first_margin[1] <= second_margin[1]))


MARGIN_FIELDS = (
    "bracket_2",
    "bracket_3",
    "maintenance_1_ppm",
    "maintenance_2_ppm",
    "maintenance_3_ppm",
    "initial_1_ppm",
    "initial_2_ppm",
    "initial_3_ppm",
    "maintenance_2_atoms",
    "maintenance_3_atoms",
    "initial_2_atoms",
    "initial_3_atoms",
)
"""The fields of a market that its margins depend on."""


def margin_contract(reading: Any, notional: Word, market: Market) -> tuple[Word, Word]:
    """Stands for `margin_at`: two words known by the notional and the market only, and what they promise."""
    rates = market_words(market)
    maintenance, initial = reading.apply("margin_at", (notional, *rates), 2)
    reading.promise(implies(notional >= 0, margin_promise(notional, (maintenance, initial))), "margin_at")
    for other in reading.applications["margin_at"].values():
        for low, high in ((notional, other.arguments[0]), (other.arguments[0], notional)):
            margins = (maintenance, initial), other.results
            first, second = margins if low is notional else reversed(margins)
            reading.promise(implies(low >= 0, margins_promise(low, first, high, second)), "margin_at is monotone")
    return maintenance, initial


def small_margin_contract(reading: Any, notional: Word, market: Market) -> tuple[Word, Word]:
    """The same, and that a margin is no more than its notional."""
    with reading.aside():
        margins = margin_contract(reading, notional, market)
    most = reading.bounds.word(notional).high
    for margin in margins:
        reading.promise(implies(notional >= 0, margin <= notional), "margin_at is no more than the notional")
        if most is not None:
            ((symbol,),) = margin.monomials
            reading.bounds.bounded(symbol, 0, most)
    return margins


def bear_loss_contract(
    reading: Any, loss: Loss, price: MarketPrice, book: MarketBook, market: Market, today: Word
) -> tuple[tuple[MarketPrice, MarketBook], Loss]:
    """Stands for `bear_loss`: what it promises, and that indices stay in range."""
    words = (*loss, price.price, price.loss_index, book.open_interest, book.loss_day, book.loss_today)
    words = (*words, market.loss_cap_ppm, market.max_price, today)
    with reading.aside():
        index, borne, *carried = reading.apply("bear_loss", words, 2 + len(Loss._fields))
        raised = attrs.evolve(price, loss_index=index)
        bearing = attrs.evolve(book, loss_day=today, loss_today=borne)
        grown = Loss(*carried)
        reading.promise(loss_promise(loss, grown, moved_pending(price, raised, book.open_interest)), "bear_loss")
        reading.assume(bearing_in_range(loss, grown, raised, bearing, market), "bear_loss keeps indices in range")
    return (raised, bearing), grown


def payment_promise(before: Health, unpaid: Health, paid: Word) -> Flag:
    """What the counterparty of a deleverage pays beyond the health price: nothing below zero, and never its ratio."""
    kept = [
        implies(both(after >= 0, after <= margin), (before.equity - paid) * margin >= before.equity * after)
        for margin, after in ((before.linear, unpaid.linear), (before.maintenance, unpaid.maintenance))
    ]
    return both(
        both(paid >= 0, implies(before.equity < 0, paid == 0)),
        implies(both(before.equity >= 0, unpaid.linear >= 0), both(paid <= before.equity, *kept)),
    )


def payment_contract(
    reading: Any, side: Side, other: Side, unpaid: Health, lots: Word, price: MarketPrice, market: Market
) -> Word:
    """Stands for `deleverage_payment`."""
    words = (side.size, lots, price.price, side.doubt, *side.health, *other.health, *unpaid, *market_words(market))
    (paid,) = reading.apply("deleverage_payment", words, 1)
    reading.promise(payment_promise(other.health, unpaid, paid), "deleverage_payment")
    return paid


def small_payment_contract(reading: Any, *arguments: Any) -> Word:
    """The same, and that the payment is no more than the counterparty's equity."""
    with reading.aside():
        paid = payment_contract(reading, *arguments)
    high = reading.bounds.word(arguments[1].health.equity).high
    if high is not None:
        ((symbol,),) = paid.monomials
        reading.bounds.bounded(symbol, 0, max(high, 0))
    return paid


def median_promise(median: Word, max_price: Word) -> Flag:
    """What the median of a report that is taken satisfies."""
    return both(median >= 0, median <= max_price, implies(max_price >= 1, median >= 1))


def median_contract(reading: Any, report: Report, signers: Word, quorum: Word, max_price: Word) -> Word:
    """Stands for `reported_median`: what it promises of a report that it lets pass."""
    words = (report.count, report.median, *report.signers, *report.values, signers, quorum, max_price)
    (median,) = reading.apply("reported_median", words, 1)
    with reading.aside():
        reading.assume(median_promise(median, max_price), "reported_median")
    return median


def market_words(market: Market) -> tuple[Word, ...]:
    """The words of a market that its margins depend on."""
    return tuple(getattr(market, name) for name in MARGIN_FIELDS)


def loss_in_range(before: Loss, after: Loss, count: int) -> Flag:
    """Of a deficit that so many markets have borne."""
    return both(
        both(after.deficit >= 0, after.deficit <= before.deficit, after.raised >= before.raised),
        both(after.raised <= before.raised + RISE_MAX * count, after.dust >= before.dust),
        both(after.dust <= before.dust + (PPM - 1) * count, after.excess >= before.excess),
        after.excess <= before.excess + EXCESS_MAX * count,
    )


def bearing_in_range(before: Loss, after: Loss, price: MarketPrice, book: MarketBook, market: Market) -> Flag:
    """Of a market that has borne a part of a deficit."""
    bound = PPM * market.max_price
    return both(
        loss_in_range(before, after, 1),
        both(price.loss_index >= 0, price.loss_index <= bound, book.loss_today >= 0, book.loss_today <= bound),
    )


# Assumptions about single records


def market_assumed(market: Market) -> Flag:
    """The bounds of a configured market that most goals use."""
    return all_hold(simple_bounds(market))


def margins_assumed(market: Market) -> Flag:
    """Its bounds that margins depend on: those of the brackets and their rates."""
    ordered = both(market.bracket_2 >= 1, market.bracket_2 <= market.bracket_3)
    return both(ordered, all_hold(rate_bounds(market)), all_hold(bracket_bounds(market)))


def long_size(size: Word) -> Word:
    """Lots of a long, 0 for a short."""
    return select(size > 0, size, 0)


def short_size(size: Word) -> Word:
    """Lots of a short, 0 for a long."""
    return select(size < 0, -size, 0)


def book_moved(before: tuple[MarketPrice, MarketBook], after: tuple[MarketPrice, MarketBook]) -> Word:
    """`moved_pending` of a market with its book."""
    return moved_pending(before[0], after[0], before[1].open_interest)
