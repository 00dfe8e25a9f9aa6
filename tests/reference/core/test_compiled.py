"""A function that is compiled does what its text does: each rule, and functions that no rule has."""

import copy
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from perp_hash.tags import Tag
from perp_reference.core.compiled import compiled, compiled_source
from perp_reference.core.machine import BY_TEXT, RUNNERS, Machine
from perp_reference.core.state import State
from perp_spec.language import (
    absolute,
    attempt,
    both,
    call_if,
    changed,
    digest,
    either,
    fold,
    indicator,
    mul_div_ceil,
    mul_div_floor,
    mul_div_remainder,
    negate,
    product_le,
    require,
    require_if,
    select,
    sweep,
    table,
    total,
)
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.reasons import Reason as PerpetualReason
from perp_spec.starkex.position import Held
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Asset, Holding, OrderState, Position
from perp_spec.words import Unit, flags, nested, rows, vector, word
from support.readings import as_tuples, ended
from support.scenes.collected import SCENES
from support.walk import Walk


def agreed(state: State, operation: Any) -> Any:
    """What an operation gives, by the text of its rule and by the function made of it."""
    by_text, runner = BY_TEXT[type(operation)], RUNNERS[type(operation)]
    loaded = runner.load(state, operation)
    found = as_tuples(ended(runner.reading(runner.function), operation, *loaded))
    assert found == as_tuples(ended(by_text.function, operation, *loaded)), operation
    return found


class Both(Machine):
    """A machine that compares the two before it applies an operation."""

    seen: set[Any]

    def apply(self, operation: Any) -> None:
        """Compare, and apply."""
        found = agreed(self.state, operation)
        self.seen.add((type(operation).__name__, found.name if isinstance(found, PerpetualReason) else None))
        super().apply(operation)


def spoiled(scene: Any) -> Iterator[tuple[Any, Any]]:
    """The worlds and operations of a scene: as it is, and with each guard broken."""
    yield scene.begin()
    for guard in scene.guards:
        if guard.change is not None:
            world, operation = scene.begin()
            yield world, guard.change(world, operation)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_rules_end_alike_on_both_sides_of_every_guard(scene: Any) -> None:
    for world, operation in spoiled(scene):
        agreed(world.state, operation)


@pytest.mark.parametrize("seed", range(4))
def test_rules_end_alike_on_random_walks(seed: int) -> None:
    walk = Walk(Random(f"compiled {seed}"), thorough=False)
    walk.leverage()
    machine = Both(walk.world.state)
    machine.seen = set()
    walk.world.machine = machine
    walk.run(400)
    assert len(machine.seen) > 40


@pytest.mark.parametrize("rule", PERPETUAL.rules.values(), ids=lambda rule: rule.name)
def test_a_compiled_rule_calls_nothing(rule: Any) -> None:
    source, function = compiled_source(rule.function)
    called = set(function.__code__.co_names) - set(vars(PerpetualReason)["_member_names_"])
    records = {name for name in called if isinstance(function.__globals__.get(name), type)}
    fields = {name for name in called if f".{name}" in source}
    assert called - records - fields <= {"Rejected", "hash_words", "int", "append"}


# The writer, on functions that no rule has


class Pair(NamedTuple):
    one: int
    other: int


@table()
def times(first: int, second: int) -> int:
    return first * second


def arithmetic(a: int, b: int, c: int) -> tuple[Any, ...]:
    first = select(a < b, Pair(a, b), Pair(b, a))
    return (
        times(absolute(a), b) - (3 - c) + (2 * b),
        mul_div_floor(a, b, c),
        mul_div_floor(a, b, 4),
        mul_div_ceil(a, b, c),
        mul_div_remainder(a, b, c),
        product_le(a, b, c, 7),
        indicator(either(a == b, negate(both(a != 3, b >= c, c > 1)))),
        first.one,
        first,
        either(a > 0, True),
        both(a > 0, False),
        both(True, a > 0),
        -c,
        select(True, a, b),
    )


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 9))
def test_scalars(a: int, b: int, c: int) -> None:
    assert compiled(arithmetic)(a, b, c) == arithmetic(a, b, c)


def guarded(a: int, b: int) -> int:
    require(a < 5, Reason.INVALID_PUBLIC_KEY)
    require_if(b > 2, a > 2, Reason.INVALID_SIGNATURE)
    return a * b


def branching(a: int, b: int, order: OrderState) -> tuple[Any, ...]:
    """An attempt and a conditional call inside one another, with what both share outside."""
    shared = a * b
    code, tried = attempt(inner, a, b, shared, otherwise=(order, -shared))
    chosen = call_if(shared > 6, guarded, a, 4, otherwise=order.fulfilled)
    require(chosen != 12, Reason.SAME_POSITION_ID)
    return code, tried, chosen, changed(order, fulfilled=chosen + 1)


def inner(a: int, b: int, shared: int) -> tuple[OrderState, int]:
    done = call_if(negate(a > b), guarded, a, b, otherwise=7)
    second, value = attempt(guarded, b, a, otherwise=done)
    require(value != 8, Reason.UNCODED_ASSERT)
    return OrderState(done + shared), second + value


@given(st.integers(-1, 7), st.integers(-1, 7), st.builds(OrderState, st.integers(0, 3)))
def test_branches(a: int, b: int, order: OrderState) -> None:
    assert ended(compiled(branching), a, b, order) == ended(branching, a, b, order)


@table(width=2)
def weigh(holding: Holding, asset: Asset, factor: int) -> tuple[Holding, tuple[int, int]]:
    require(holding.balance != 5, Reason.INVALID_PUBLIC_KEY)
    return Holding(holding.balance * factor, asset.price), (holding.balance * asset.price * factor, factor * factor)


@table()
def walk(carry: Pair, holding: Holding, asset: Asset, factor: int) -> tuple[Position, Pair]:
    require(holding.balance >= carry.one - 4, Reason.INVALID_SIGNATURE)
    seen = call_if(asset.priced, times, carry.other, factor, otherwise=carry.other + 1)
    return Position(seen, carry.one), Pair(holding.balance, seen + carry.one)


def looped(held: Held, factor: int) -> tuple[Any, ...]:
    stored, (weight, squares) = sweep(weigh, held, factor)
    _, (other, _) = sweep(weigh, held, factor + 1)
    positions, last = fold(walk, held, Pair(0, factor), factor)
    return stored, weight + squares, other, positions, last.other * 2, last


HELD = st.lists(
    st.tuples(
        st.builds(Holding, st.integers(-5, 5), st.integers(0, 2)),
        st.builds(Asset, priced=st.booleans(), price=st.integers(0, 3)),
    ),
    max_size=4,
).map(tuple)


@given(HELD, st.integers(-2, 2))
def test_loops(held: Any, factor: int) -> None:
    assert as_tuples(ended(compiled(looped), held, factor)) == as_tuples(ended(looped, held, factor))


def test_what_nothing_needs_is_not_computed() -> None:
    def wasteful(a: int, held: Held) -> int:
        _, (_, unused) = sweep(weigh, held, a)
        return a + call_if(a > 3, times, unused, 0, otherwise=0) * 0

    def ignores(a: int, held: Held) -> int:
        sweep(weigh, held, a)
        return a * a

    source, _ = compiled_source(ignores)
    assert "stored" not in source
    assert "sum" not in source
    assert "raise Rejected(INVALID_PUBLIC_KEY)" in source
    assert compiled(wasteful)(2, ()) == 2


def test_a_loaded_record_that_is_returned_is_not_made_again() -> None:
    def returns(order: OrderState, flag: bool) -> tuple[OrderState, OrderState]:
        return order, select(flag, order, OrderState(5))

    order = OrderState(3)
    first, second = compiled(returns)(order, True)
    assert first is order
    assert second == order


def test_a_branch_on_a_term_is_an_error() -> None:
    def branches(a: int) -> int:
        return 1 if a else 2

    with pytest.raises(TypeError, match="neither true nor false"):
        compiled_source(branches)


@table(width=2)
def measure(holding: Holding, asset: Asset, factor: int) -> tuple[int, int]:
    require(holding.balance != 5, Reason.INVALID_PUBLIC_KEY)
    return holding.balance * factor, holding.balance * asset.price + 0


def added_up(held: Held, factor: int) -> tuple[int, ...]:
    first, second = total(measure, held, factor)
    return first + second, second * factor


@given(HELD, st.integers(-2, 2))
def test_totals(held: Any, factor: int) -> None:
    assert ended(compiled(added_up), held, factor) == ended(added_up, held, factor)


@frozen
class Inner:
    size: int = word(Unit.LOTS, "a word")
    places: tuple[int, ...] = vector(Unit.LOTS, 3, "words")


@frozen
class Outer:
    inner: Inner = nested(Inner, "a record")
    several: tuple[Inner, ...] = rows(Inner, 2, "records")
    chosen: tuple[bool, ...] = flags(2, "flags")


def shaped(outer: Outer, index: int) -> tuple[Any, ...]:
    value = 0
    for one, flag in zip(outer.several, outer.chosen, strict=True):
        value = value + select(flag, one.size * one.places[1], one.places[2])
    moved = changed(outer.inner, places=(*outer.several[0].places[1:], index))
    hashed = digest(Tag.OPERATION, (outer.inner.size,), (index, value))
    return value, outer.inner.places, moved, changed(outer, inner=moved), outer.several, hashed


INNER = st.builds(Inner, st.integers(0, 9), st.tuples(*[st.integers(-9, 9)] * 3))


@given(st.builds(Outer, INNER, st.tuples(INNER, INNER), st.tuples(st.booleans(), st.booleans())), st.integers(0, 9))
def test_records_within_records(outer: Outer, index: int) -> None:
    assert compiled(shaped)(copy.copy(outer), index) == shaped(outer, index)


def test_tables_that_stay_calls() -> None:
    def calls(a: int, b: int) -> int:
        return times(a, b) + 1

    source, function = compiled_source(calls, (times,))
    assert "times(a, b)" in source
    assert function(3, 4) == 13
