"""When an operation is accepted, and what it is refused for otherwise: every guard stated a second time.

The conditions here are written from the rule book, not from the rules: in other words, without the helpers that the
rules share, and with bounds as numbers. What an account's sums and its health are is taken from the rules' own settling
and moving, which other theorems speak of. A rule whose guard is gone, off by one, turned round or in another order than
here has a counterexample.
"""

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace

from perp_proofs.smt.frame import Stage
from perp_proofs.smt.goals.guards import batch, exits, money, ticks, trading, waterfall
from perp_proofs.smt.goals.guards.exits import conceded
from perp_proofs.smt.goals.guards.shared import Case, Guards, code_of
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.rulebook import RULES
from perp_spec.perpetual.records import Market, MarketPrice, Position
from perp_spec.perpetual.rules.forced import conceded_price


def conceded_price_is_the_worse_less_slip(stage: Stage) -> Iterator[Claim]:
    """Of any position."""
    size = stage.record(Position, "position").size
    price, market = stage.record(MarketPrice, "price"), stage.record(Market, "market")
    yield Claim("the price", conceded_price(size, price, market) == conceded(size, price, market))


def rejected_exactly_for(name: str, guards: Callable[[Case], Guards], stage: Stage) -> Iterator[Claim]:
    """The first false guard, or none, is the one of this list."""
    rule = RULES[name]
    operation, names, loaded = stage.loads(rule)
    case = SimpleNamespace(op=operation, **dict(zip(names, loaded, strict=True)))
    result = stage.outcome(rule.function, operation, *loaded)
    yield Claim("the reason, or none", result == code_of(guards(case)))


FAMILIES = (money, trading, waterfall, ticks, batch, exits)

GUARDS: dict[str, Callable[[Case], Guards]] = {
    name: next(vars(family)[name] for family in FAMILIES if name in vars(family)) for name in sorted(RULES)
}
"""The conditions of each operation: the function of its name."""

GOALS = tuple(
    Goal(
        name=f"{name}_is_rejected_exactly_for",
        sentence=f"{name} is accepted exactly where every condition of its list holds, and else refused with the "
        "reason of the first that does not.",
        statement=partial(rejected_exactly_for, name, guards),
        subjects=(name,),
    )
    for name, guards in GUARDS.items()
)
GOALS += (
    Goal(
        name=conceded_price_is_the_worse_less_slip.__name__,
        sentence="A forced reduction is done at the health price or the index, whichever is worse for the account, "
        "less the slip.",
        statement=conceded_price_is_the_worse_less_slip,
        subjects=("conceded_price", "forced_reduce"),
    ),
)
