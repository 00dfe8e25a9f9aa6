"""Sizes sum to zero, and open interest is what it says; records of one operation are distinct."""

from collections.abc import Iterator
from functools import partial
from itertools import combinations
from typing import Any

from perp_proofs.smt.contracts import long_size, short_size
from perp_proofs.smt.frame import Scene, Stage, Stored
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import either
from perp_spec.operation import Rule, Shape, key_of
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.records import Account, MarketBook, MarketPrice, OrderSlot, Position

assert rules.__all__, "importing the rules registers them"


def balanced(rule: Rule, stage: Stage) -> Iterator[Claim]:
    """Sizes for one rule."""
    scene = stage.scene(rule)
    positions = list(scene.stored(Position))
    longs, shorts, change = (total_change(positions, scene, part) for part in (long_size, short_size, None))
    yield Claim("longs grow with open interest", longs == change)
    yield Claim("shorts grow with open interest", shorts == change)
    for entry in positions:
        for when, position in (("before", entry.before), ("after", entry.after)):
            own = either(position.size == 0, position.market == scene.operation.market)
            yield Claim(f"{entry.name} is of the operation's market {when}", own)


def total_change(positions: list[Stored], scene: Scene, part: Any) -> Word:
    """By how much some part of the touched sizes grew; without a part, by how much open interest did."""
    if part is None:
        return sum(entry.after.open_interest - entry.before.open_interest for entry in scene.stored(MarketBook))
    return sum(part(entry.after.size) - part(entry.before.size) for entry in positions)


def keys_of(entry: Stored, operation: Any) -> tuple[Word, ...]:
    """The keys of an entry."""
    return tuple(key_of(key, operation) for key in entry.access.keys)


def differ(first: Stored, second: Stored, operation: Any) -> Flag:
    """Two entries are about different records."""
    result: Flag = False
    for one, other in zip(keys_of(first, operation), keys_of(second, operation), strict=True):
        result = either(result, one != other)
    return result


def distinct(rule: Rule, stage: Stage) -> Iterator[Claim]:
    """No record of one rule is stored twice."""
    scene = stage.scene(rule)
    for kind in (Account, Position, OrderSlot, MarketPrice, MarketBook):
        for first, second in combinations(list(scene.stored(kind)), 2):
            yield Claim(f"{first.name} is not {second.name}", differ(first, second, scene.operation))
    for first, second in combinations(list(scene.visited(Shape.HELD)), 2):
        yield Claim(f"{first.name} are not {second.name}", differ(first, second, scene.operation))


def with_two_of_a_kind(rule: Rule) -> bool:
    """The rule stores two records of some class."""
    stored = [access.record for access in rule.footprint if access.stores and access.record is not None]
    return len(set(stored)) < len(stored)


GOALS = tuple(
    Goal(
        name=f"{name}_keeps_sizes_balanced",
        sentence=f"An accepted {name} adds as many lots to longs as to shorts and to open interest, and changes "
        "positions of its own market only.",
        statement=partial(balanced, rule),
        subjects=(name,),
    )
    for name, rule in PERPETUAL.rules.items()
    if name != "compact" and any(access.record is Position and access.stores for access in rule.footprint)
)
GOALS += tuple(
    Goal(
        name=f"{name}_stores_distinct_records",
        sentence=f"No two records that an accepted {name} stores are the same one.",
        statement=partial(distinct, rule),
        subjects=(name,),
    )
    for name, rule in PERPETUAL.rules.items()
    if with_two_of_a_kind(rule)
)
