"""The gap theorem: how far prices may move between two chances to liquidate before anybody ends below zero.

For an account that is no portfolio: where no market moves by more than its lowest maintenance rate, an account that had
its maintenance margin before is not below zero after. It is proved of one position, and adds up over any number.
"""

from collections.abc import Iterator

from perp_proofs.smt.contracts import implies, margins_assumed, market_assumed
from perp_proofs.smt.frame import Stage
from perp_proofs.smt.goals.contracts import MARKET_VALID
from perp_proofs.smt.lemmas import moves_within_a_rate, rates_bound_parts
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import absolute, both
from perp_spec.perpetual.health import health, margin, margin_at
from perp_spec.perpetual.records import Kind, Market, MarketPrice, Parameters
from perp_spec.words import PPM, WORD_MAX

SMALL_MOVE = "the price moves by no more than the lowest maintenance rate of its market"

AT_LEAST = "the maintenance margin of a notional is at least the lowest rate of it, as the theorem before this says"

ADDED_UP = "what prices take from each position is no more than its linear maintenance margin"


def at_least_the_lowest_rate(market: Market, notional: Word, maintenance: Word) -> Flag:
    """A margin is at least the lowest rate of the notional."""
    return PPM * maintenance >= market.maintenance_1_ppm * notional


def margins_are_at_least_the_lowest_rate(stage: Stage) -> Iterator[Claim]:
    """Of any notional."""
    market, notional = stage.record(Market, "market"), stage.word("notional", 0, WORD_MAX)
    stage.assume(margins_assumed(market), MARKET_VALID)
    stage.split(notional > market.bracket_2)
    stage.split(notional > market.bracket_3)
    maintenance, _ = stage.perform(margin_at, notional, market)
    lowest, second, third = market.maintenance_1_ppm, market.maintenance_2_ppm, market.maintenance_3_ppm
    below, middle = market.bracket_2, market.bracket_3 - market.bracket_2
    for part, rate in (
        (below, lowest),
        (middle, second),
        (notional - below, second),
        (notional - market.bracket_3, third),
        (notional, lowest),
    ):
        stage.use(rates_bound_parts, part, lowest, rate)
    yield Claim("the lowest rate of the notional", at_least_the_lowest_rate(market, notional, maintenance))


def small_moves_take_no_more_than_maintenance(stage: Stage) -> Iterator[Claim]:
    """From one position."""
    market, price = stage.record(Market, "market"), stage.record(MarketPrice, "price")
    stage.assume(market_assumed(market), MARKET_VALID)
    size, moved = stage.word("size", -(2**56), 2**56), stage.word("moved", -(2**32), 2**32)
    stage.assume(PPM * absolute(moved) <= market.maintenance_1_ppm * price.price, SMALL_MOVE)
    stage.split(size > 0)
    stage.split(size < 0)
    terms = stage.perform(margin, size, price, market)
    at_least = at_least_the_lowest_rate(market, absolute(size) * price.price, terms.maintenance)
    stage.assume(at_least, AT_LEAST)
    stage.use(moves_within_a_rate, absolute(size), price.price, moved, market.maintenance_1_ppm)
    yield Claim("what it loses", -size * moved <= terms.maintenance)


def small_moves_leave_healthy_accounts_solvent(stage: Stage) -> Iterator[Claim]:
    """An account with any number of positions."""
    parameters = stage.record(Parameters, "parameters")
    names = "collateral", "value", "moved", "linear", "initial", "buffer"
    collateral, value, moved, linear, initial, buffer = (stage.word(name, -WORD_MAX, WORD_MAX) for name in names)
    stage.assume(both(linear >= 0, buffer >= 0, value - moved <= linear), ADDED_UP)
    kind = stage.word("kind", 1, 3)
    sums = linear, initial, buffer, 0, parameters
    before = stage.perform(health, kind, collateral, value, *sums)
    after = stage.perform(health, kind, collateral, moved, *sums)
    healthy = both(kind != Kind.PORTFOLIO, before.equity >= before.maintenance)
    yield Claim("it is not below zero", implies(healthy, after.equity >= 0))


GOALS = (
    Goal(
        margins_are_at_least_the_lowest_rate.__name__,
        "The maintenance margin of a notional is at least its market's lowest maintenance rate of it.",
        margins_are_at_least_the_lowest_rate,
        ("margin_at",),
        assumptions=(MARKET_VALID,),
    ),
    Goal(
        small_moves_take_no_more_than_maintenance.__name__,
        "A price that moves by no more than the lowest maintenance rate takes no more from a position than its linear "
        "maintenance margin.",
        small_moves_take_no_more_than_maintenance,
        ("margin",),
        assumptions=(MARKET_VALID, SMALL_MOVE, AT_LEAST),
    ),
    Goal(
        small_moves_leave_healthy_accounts_solvent.__name__,
        "The gap theorem: a cross or isolated account that has its maintenance margin is not below zero after every "
        "price moved by no more than the lowest maintenance rate of its market.",
        small_moves_leave_healthy_accounts_solvent,
        ("health",),
        assumptions=(SMALL_MOVE, ADDED_UP),
    ),
)
