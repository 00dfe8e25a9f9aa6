"""Boundaries of guards: of a word that decides one, the last value with which it holds, and the first beyond."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import attrs

from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.core.state import RecordKey
from perp_spec.perpetual.records import Account, OrderSlot, Position
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS, Field, Unit

PLAIN_UNITS = frozenset(Unit) - {Unit.DIGEST, Unit.FLAG}

Records = Mapping[RecordKey, Any]


class Leaf(NamedTuple):
    """A word of a state or an operation."""

    place: RecordKey | None
    """The record it is in; None for the operation."""
    path: tuple[str | int, ...]
    """Fields and places that lead to it."""


class Moment(NamedTuple):
    """A state, and an operation on it."""

    records: dict[RecordKey, Any]
    operation: Any


def words(
    record: Any, above: tuple[str | int, ...] = (), units: frozenset[Unit] = PLAIN_UNITS
) -> Iterator[tuple[tuple[str | int, ...], int, Field]]:
    """Path, value and field of each word of a record or an operation; without digests and flags unless `units` says."""
    for attribute in attrs.fields(type(record)):
        value, declared = getattr(record, attribute.name), attribute.metadata
        path = (*above, attribute.name)
        if "field" in declared:
            own: Field = declared["field"]
            if own.unit in units:
                items = value if own.count > 1 else (value,)
                for number, item in enumerate(items):
                    yield (*path, number) if own.count > 1 else path, item, own
        elif "nested" in declared:
            yield from words(value, path, units)
        else:
            for number, row in enumerate(value):
                yield from words(row, (*path, number), units)


def changed(value: Any, path: tuple[str | int, ...], word: int) -> Any:
    """A record or a tuple with one word changed."""
    if not path:
        return word
    first, *rest = path
    if isinstance(first, int):
        return (*value[:first], changed(value[first], tuple(rest), word), *value[first + 1 :])
    return attrs.evolve(value, **{first: changed(getattr(value, first), tuple(rest), word)})


def leaves(moment: Moment) -> dict[Leaf, int]:
    """Every word of a state and an operation."""
    found = {Leaf(None, path): word for path, word, _ in words(moment.operation)}
    for place, record in moment.records.items():
        found |= {Leaf(place, path): word for path, word, _ in words(record)}
    return found


def with_leaf(moment: Moment, leaf: Leaf, word: int) -> Moment:
    """A moment with one word changed."""
    if leaf.place is None:
        return Moment(moment.records, changed(moment.operation, leaf.path, word))
    before = moment.records.get(leaf.place) or leaf.place.record()
    after = changed(before, leaf.path, word)
    records = {**moment.records, leaf.place: after}
    if after == leaf.place.record():
        del records[leaf.place]
    return Moment(records, moment.operation)


def has_root(records: Records) -> bool:
    """Whether a state has a root: no position is above its account's slots, no order slot of an absent account."""
    for place in records:
        if place.record is Position and place.key % POSITION_SLOTS >= slots_of(records, place.key // POSITION_SLOTS):
            return False
        if place.record is OrderSlot and RecordKey(Account, place.key // ORDER_SLOTS) not in records:
            return False
    return True


def slots_of(records: Records, account: int) -> int:
    """The count of slots of an account, 0 for an absent one."""
    own = records.get(RecordKey(Account, account))
    return 0 if own is None else own.slots


def holds(session: PerpetualSession, moment: Moment, place: int) -> bool:
    """Whether a guard of an operation holds, as do all before it."""
    session.take(moment.records)
    guards = session.guards(moment.operation)
    return len(guards) > place and all(guard.holds for guard in guards[: place + 1])


def boundaries(
    session: PerpetualSession, base: Moment, spoiled: Moment, place: int
) -> Iterator[tuple[Leaf, Moment, Moment]]:
    """For each word that differs: the moments one apart between which a guard turns false, first where it holds.

    `base` is where the guard holds, `spoiled` where it is the first false one. The other words are as in `spoiled`.
    """
    before, after = leaves(base), leaves(spoiled)
    for leaf in dict.fromkeys([*after, *before]):
        low, high = before.get(leaf, 0), after.get(leaf, 0)
        if low == high or not holds(session, with_leaf(spoiled, leaf, low), place):
            continue
        while abs(high - low) > 1:
            middle = (low + high) // 2
            if holds(session, with_leaf(spoiled, leaf, middle), place):
                low = middle
            else:
                high = middle
        on, off = with_leaf(spoiled, leaf, low), with_leaf(spoiled, leaf, high)
        if has_root(on.records) and has_root(off.records):
            yield leaf, on, off
