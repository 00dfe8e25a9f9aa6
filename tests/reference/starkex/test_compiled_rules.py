"""Rules of StarkEx that are compiled do what their text does."""

from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perp_reference.core.compiled import compiled_source
from perp_reference.starkex.check import fresh, numbered
from perp_reference.starkex.decode import Case
from perp_reference.starkex.machine import IndexTick, Machine, PriceTick
from perp_reference.starkex.reader import read_lines
from perp_reference.starkex.state import State, compiled_rule, split
from perp_spec.starkex.common import STARKEX
from perp_spec.starkex.corrected import CORRECTED
from perp_spec.starkex.position import fund_whole, position_status, risk_factor, try_update_position
from perp_spec.starkex.reasons import Reason
from support.readings import as_tuples, ended
from support.starkex import BTC, ETH, NOW, outcome
from support.starkex_random import FORCED, INDICES, PRICES, TRANSACTIONS, systems

COMPILED, TEXT = Machine(), Machine(as_text=True)
CORRECTED_COMPILED, CORRECTED_TEXT = Machine(CORRECTED), Machine(CORRECTED, as_text=True)


@pytest.fixture(scope="session")
def cases(root: Path) -> list[Case]:
    """The observed cases of one call."""
    files = sorted((root / "tests" / "vectors" / "starkex").glob("*.jsonl"))
    return [case for file in files for _, case in read_lines(file, numbered) if isinstance(case, Case)]


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
            found, by_text = ended(compiled_rule(function), *arguments), ended(function, *arguments)
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
    source, function = compiled_source(rule.function, (risk_factor,))
    called = set(function.__code__.co_names) - set(vars(Reason)["_member_names_"])
    records = {name for name in called if attrs.has(function.__globals__.get(name, int))}
    fields = {name for name in called if f".{name}" in source}
    assert called - records - fields <= {"Rejected", "risk_factor", "int"}
