"""What an accepted operation stores: every field of every record, stated a second time, and all else as it was.

As with the guards (`goals.acceptance`), sums over an account's other positions and what a settled account's collateral
is are taken from the rules' own settling; what is made of them is said here in other words.
"""

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import attrs

from perp_proofs.smt.contracts import market_assumed
from perp_proofs.smt.frame import Scene, Stage
from perp_proofs.smt.goals.contracts import MARKET_VALID
from perp_proofs.smt.goals.guards.shared import Case
from perp_proofs.smt.goals.stored import batch, exits, money, ticks, trading, waterfall
from perp_proofs.smt.goals.stored.shared import Expected, index_of
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.terms import Word
from perp_spec.language import maximum
from perp_spec.perpetual.records import Position


def words_of(name: str, found: Any, wanted: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every word of two records, with its name."""
    for attribute in attrs.fields(type(wanted)):
        one, other = getattr(found, attribute.name), getattr(wanted, attribute.name)
        if isinstance(other, tuple):
            for place, (part, second) in enumerate(zip(one, other, strict=True)):
                yield f"{name}.{attribute.name}[{place}]", part, second
        else:
            yield f"{name}.{attribute.name}", one, other


def stores_exactly(name: str, expected: Callable[[Case], Expected], stage: Stage) -> Iterator[Claim]:
    """Every stored word is the one that is expected."""
    scene = stage.scene(RULES[name])
    case = SimpleNamespace(op=scene.operation, **{entry.name: entry.before for entry in scene.entries})
    if hasattr(case, "market"):
        stage.assume(market_assumed(case.market), MARKET_VALID)
    records = expected(case)
    single = [entry for entry in scene.entries if entry.access.stores and entry.access.record is not None]
    assert {entry.name for entry in single} == set(records), "every record has its expectation"
    for found, wanted, factor in FACTORS[name](scene, records) if name in FACTORS else ():
        stage.hint(found - wanted, factor)
        stage.hint(wanted - found, factor)
    for entry in single:
        for word, found, wanted in words_of(entry.name, entry.after, records[entry.name]):
            yield Claim(word, found == wanted)
    yield from settled_exactly(scene)


Factors = Iterator[tuple[Word, Word, Word]]
"""Words that are as expected, each with the one expected and what both are multiplied by: so are their products."""


def factors_of_a_tick(scene: Scene, records: Expected) -> Factors:
    """Index and average."""
    market = scene.before("market")
    yield scene.after("price").index, records["price"].index, market.mark_clamp_ppm
    yield scene.after("oracle").average, records["oracle"].average, market.band_ppm


def factors_of_funding(scene: Scene, records: Expected) -> Factors:
    """The rate, and what the side that pays it is buffered by."""
    market, rates = scene.before("market"), (scene.after("oracle"), records["oracle"])
    found, wanted = (oracle.funding_rate_ppm for oracle in rates)
    yield found, wanted, scene.before("price").index
    for one, other in ((found, wanted), (-found, -wanted)):
        floor = market.buffer_floor_ppm
        yield maximum(one, floor), maximum(other, floor), market.buffer_intervals


FACTORS: dict[str, Callable[[Scene, Expected], Factors]] = {
    "oracle_tick": factors_of_a_tick,
    "funding_tick": factors_of_funding,
}


def settled_exactly(scene: Scene) -> Iterator[Claim]:
    """Of the positions of an account that are stored together: each is settled, and nothing else."""
    for entry in scene.entries:
        if entry.access.stores and entry.access.record is None:
            if isinstance(entry.before, tuple):
                for place, (item, after) in enumerate(zip(entry.before, entry.after, strict=True)):
                    if len(item) == 3 and isinstance(item[0], Position):
                        wanted = attrs.evolve(item[0], snapshot=index_of(item[0].size, item[1]))
                        for word, found, other in words_of(f"{entry.name}[{place}]", after, wanted):
                            yield Claim(word, found == other)
            elif hasattr(entry.after, "settled"):
                yield Claim(f"{entry.name} are settled", entry.after.settled)


FAMILIES = (money, trading, waterfall, ticks, batch, exits)

EFFECTS: dict[str, Callable[[Case], Expected]] = {
    name: next(vars(family)[name] for family in FAMILIES if name in vars(family)) for name in sorted(RULES)
}
"""The effects of each operation: the function of its name."""

GOALS = tuple(
    Goal(
        name=f"{name}_stores_exactly",
        sentence=f"An accepted {name} changes the words that its list names to what the list says, and no other word "
        "of the records it stores.",
        statement=partial(stores_exactly, name, expected),
        subjects=(name,),
        assumptions=(MARKET_VALID,),
    )
    for name, expected in EFFECTS.items()
)
