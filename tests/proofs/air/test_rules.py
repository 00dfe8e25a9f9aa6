"""The tables of the rules: what the integers accept the recorded program accepts, and its rows pass the checkers."""

from collections import Counter
from dataclasses import replace

import pytest

from perp_proofs.air.check import Fault, check_trace
from perp_proofs.air.interfaces import Spans
from perp_proofs.air.rulebook import Rules
from perp_proofs.air.rules import rule_tables
from perp_proofs.air.system import MalformedSystem
from perp_proofs.air.tape import DEGREE_MAX
from perp_proofs.program.interpreter import Refused
from perp_proofs.program.listing import Program, Table, parse_program, without_labels, write_program
from perp_proofs.program.shapes import flat
from perp_proofs.stark.fill.calls import Batch
from perp_reference.core.machine import rule_of
from perp_reference.core.state import OutOfRangeError, State
from support.cases import OPERATIONS, Case, StateMemory, make_case, run_ints
from support.messages import faults_of, outside

CORE_CASES = 3
MANY_CASES = 60


def outcome(rules: Rules, case: Case) -> tuple[str | int, State, list[Fault]]:
    """What becomes of an operation, the state after it, and what is wrong with its rows."""
    state = case.state.copy()
    batch = Batch(rules, StateMemory(state))
    try:
        batch.operation(rule_of(case.operation).name, [int(leaf) for leaf in flat(case.operation)])
    except Refused as refused:
        return refused.reason, case.state, []
    except OutOfRangeError:
        return "out of range", case.state, []
    return "accepted", state, faults_of(rules, batch)


def compare(rules: Rules, name: str, seeds: range) -> Counter[str | int]:
    """Check cases of an operation; how many had each outcome."""
    outcomes: Counter[str | int] = Counter()
    for seed in seeds:
        case = make_case(name, seed)
        ints = run_ints(case.state, case.operation)
        result, state, faults = outcome(rules, case)
        assert (result, state.tables) == (ints.result, ints.tables), (name, seed)
        assert case.wild or faults == [], (name, seed)
        outcomes[result] += 1
    return outcomes


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_accepted_has_rows_without_fault(rules: Rules, name: str) -> None:
    compare(rules, name, range(CORE_CASES))


@pytest.mark.proofs
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_accepted_has_rows_without_fault_many_times(rules: Rules, name: str) -> None:
    assert compare(rules, name, range(CORE_CASES, MANY_CASES))["accepted"] >= 1


def test_the_tables_follow_from_the_text_of_the_program(program: Program, rules: Rules) -> None:
    """Given the canonical text alone, then the same tables come of it, column by column and node by node."""
    again = rule_tables(parse_program(write_program(program)))
    assert without_labels(again.program) == without_labels(program)
    assert list(again.tables) == list(rules.tables)
    for name, made in rules.tables.items():
        other = again.tables[name].table
        assert (other.columns, other.constraints, other.fractions) == (
            made.table.columns,
            made.table.constraints,
            made.table.fractions,
        )
        assert other.tape.nodes == made.table.tape.nodes


def test_padding_satisfies_every_table(rules: Rules) -> None:
    zeros = {
        name: [[0] * len(made.table.columns)] for name, made in rules.tables.items() if made.table.heights.optional
    }
    tables = [made.table for made in rules.tables.values() if made.table.heights.optional]
    assert check_trace(tables, zeros, (), outside(rules)) == []


def test_degrees_are_those_of_the_system(rules: Rules) -> None:
    for made in rules.tables.values():
        tape = made.table.tape
        assert max(tape.degrees[constraint.node] for constraint in made.table.constraints) <= DEGREE_MAX


def test_an_operation_fits_its_stride(program: Program) -> None:
    spans = Spans(program)
    assert 2 * max(spans.tables.values()) < spans.stride
    assert spans.stride == 1024


def test_a_loop_over_too_many_items_has_no_tables(program: Program) -> None:
    """Given counts of slots up to 8,000, stored and as arguments, then a loop over them is refused."""

    def wide(table: Table) -> Table:
        inputs = (
            replace(one, numbers=(0, 8_000)) if one.code == "input" and one.name.endswith(".count") else one
            for one in table.instructions
        )
        return replace(table, instructions=tuple(inputs))

    with pytest.raises(MalformedSystem, match=r"a loop over \(0, 8000\) items"):
        rule_tables(replace(program, tables={name: wide(table) for name, table in program.tables.items()}))


def test_operations_that_take_too_long_have_no_tables(program: Program) -> None:
    """Given an operation with more accesses than fit, then times of a batch would pass p."""
    table = program.tables["socialise"]
    (call,) = [one for one in table.instructions if one.code == "call" and one.name == "settle_whole"][:1]
    longer = replace(table, instructions=(*table.instructions, *[call] * 30))
    with pytest.raises(MalformedSystem, match="points of time: those of a batch would wrap"):
        rule_tables(replace(program, tables={**program.tables, "socialise": longer}))
