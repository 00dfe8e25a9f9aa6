"""Rules that are compiled do what their text does."""

from pathlib import Path
from typing import Any, NamedTuple

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perp_reference.starkex.check import fresh, numbered
from perp_reference.starkex.compiled import Term, Writer, compiled, compiled_source
from perp_reference.starkex.decode import Case
from perp_reference.starkex.machine import IndexTick, Machine, PriceTick, Rejected
from perp_reference.starkex.reader import read_lines
from perp_reference.starkex.state import State, split
from perp_spec.language import (
    absolute,
    attempt,
    both,
    call_if,
    changed,
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
)
from perp_spec.starkex.common import STARKEX
from perp_spec.starkex.corrected import CORRECTED
from perp_spec.starkex.position import Held, fund_whole, position_status, try_update_position
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Asset, Holding, OrderState, Position
from support.starkex import BTC, ETH, NOW, outcome
from support.starkex_random import FORCED, INDICES, PRICES, TRANSACTIONS, systems

COMPILED, TEXT = Machine(), Machine(as_text=True)
CORRECTED_COMPILED, CORRECTED_TEXT = Machine(CORRECTED), Machine(CORRECTED, as_text=True)


@pytest.fixture(scope="session")
def cases(root: Path) -> list[Case]:
    """The observed cases of one call."""
    files = sorted((root / "tests" / "vectors" / "starkex").glob("*.jsonl"))
    return [case for file in files for _, case in read_lines(file, numbered) if isinstance(case, Case)]


def ended(function: Any, *arguments: Any) -> Any:
    """What a function gives, or the reason it rejects with."""
    try:
        return function(*arguments)
    except Rejected as rejection:
        return rejection.reason


def as_tuples(value: Any) -> Any:
    """A value with its lists and named tuples as tuples."""
    return tuple(map(as_tuples, value)) if isinstance(value, list | tuple) else value


def test_observed_transactions_end_alike(cases: list[Case]) -> None:
    transactions = [case for case in cases if case.kind == "tx"]
    assert len(transactions) == 466
    for case in transactions:
        states = [fresh(case.state), fresh(case.state)]
        reasons = [
            ended(machine.apply, state, case.transaction)
            for machine, state in zip((COMPILED, TEXT), states, strict=True)
        ]
        assert (reasons[0], states[0]) == (reasons[1], states[1]), case.identifier


def test_observed_calls_end_alike(cases: list[Case]) -> None:
    others = [case for case in cases if case.kind != "tx"]
    assert len(others) == 207
    for case in others:
        position, assets = case.position
        holding, asset, held = split(assets, case.change.asset_id, case.state.assets)
        system = case.state.system
        for function, arguments in (
            (position_status, (position.collateral, held)),
            (fund_whole, (system, position, held)),
            (try_update_position, (system, case.change, position, holding, asset, held)),
        ):
            found, by_text = ended(compiled(function), *arguments), ended(function, *arguments)
            assert as_tuples(found) == as_tuples(by_text), case.identifier


TICKS = st.one_of(
    st.builds(
        lambda seconds, rows: IndexTick(timestamp=NOW + seconds, rows=tuple(rows)),
        st.integers(-1, 3),
        st.lists(st.tuples(st.sampled_from((BTC, ETH, 30, -1)), st.one_of(INDICES, st.just(2**63))), max_size=3),
    ),
    st.builds(
        lambda seconds, rows: PriceTick(timestamp=NOW + seconds, rows=tuple(rows)),
        st.integers(-1, 3),
        st.lists(st.tuples(st.sampled_from((BTC, ETH, 30, -1)), PRICES), max_size=3),
    ),
)


@settings(max_examples=500)
@given(systems(), st.one_of(TRANSACTIONS, TICKS))
def test_transactions_end_alike(state: State, transaction: Any) -> None:
    state.low_prices, state.high_prices = dict.fromkeys((BTC, ETH), 1), dict.fromkeys((BTC, ETH), 2**33)
    assert outcome(state, transaction, COMPILED) == outcome(state, transaction, TEXT)


@settings(max_examples=500)
@given(systems(), FORCED)
def test_the_corrected_rule_ends_alike(state: State, action: Any) -> None:
    assert outcome(state, action, CORRECTED_COMPILED) == outcome(state, action, CORRECTED_TEXT)


@pytest.mark.parametrize(
    "rule",
    [*STARKEX.rules.values(), *CORRECTED.rules.values()],
    ids=lambda rule: f"{rule.function.__module__}.{rule.name}",
)
def test_a_compiled_rule_calls_nothing_but_the_risk_of_an_asset(rule: Any) -> None:
    source, function = compiled_source(rule.function)
    called = set(function.__code__.co_names) - set(vars(Reason)["_member_names_"])
    records = {name for name in called if attrs.has(function.__globals__.get(name, int))}
    fields = {name for name in called if f".{name}" in source}
    assert called - records - fields <= {"Rejected", "risk_factor", "int"}


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


def nested(a: int, b: int, order: OrderState) -> tuple[Any, ...]:
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
    assert ended(compiled(nested), a, b, order) == ended(nested, a, b, order)


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


def test_what_no_rule_uses_is_an_error() -> None:
    writer = Writer()
    term = writer.variable("a")
    assert isinstance(term, Term)
    with pytest.raises(NotImplementedError, match="a digest"):
        writer.digest(1, (), (term,))
    with pytest.raises(NotImplementedError, match="a total"):
        writer.total(weigh, (), ())
