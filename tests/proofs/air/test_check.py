"""The checkers: the batches of the demo pass, and every column of every table of the rules is watched by something."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from perp_hash.field import MODULUS
from perp_proofs.air.batch import BatchSystem
from perp_proofs.air.buses import BLOCK, memory_tags
from perp_proofs.air.check import BusFault, Fault, FormFault, RowFault, check_trace
from perp_proofs.air.rulebook import Rules
from perp_proofs.air.statement import public_fractions
from perp_proofs.air.system import Heights, Table
from perp_proofs.air.tape import evaluate
from perp_proofs.stark.batch import Filled, batch_trace
from perp_reference.kernels.tree import commitment
from support.corrupt import unnoticed
from support.state_side import STATE_TABLES, random_batch

ACT = 1
"""The batch of the demo with trades, ticks and most else."""

OTHER_ACTS = (0, 2, 3, 4, 5)

ROWS_A_TABLE = 1

MOST_ROWS = 12
"""Rows of a table and batch that are gone through for a column that is not watched yet."""

MOST_SEEDS = 100
"""Random batches that are tried for the tables that the demo has no row of."""

FREE = re.compile(r"\.witness\d+$|\.sign$|\.carry\d+\.part$")
"""Columns that a row may leave open: a witness that some term is not 0 where none is asked for, the sign of 0, and how
a carry of more than five times 2^13 values, itself unique, is cut in two."""

Rows = dict[str, list[list[int]]]
TraceOf = Callable[[int], Filled]


def rows_of(filled: Filled) -> Rows:
    return {name: columns.T.tolist() for name, columns in filled.trace.items()}


def faults_of(made: BatchSystem, filled: Filled, rows: Rows) -> list[Fault]:
    return check_trace(made.system.tables, rows, public_fractions(made.program, filled.statement))


def test_a_batch_passes(made: BatchSystem, trace_of: TraceOf) -> None:
    assert faults_of(made, trace_of(ACT), rows_of(trace_of(ACT))) == []


@pytest.mark.stark_long
@pytest.mark.parametrize("act", OTHER_ACTS)
def test_the_other_batches_pass(made: BatchSystem, trace_of: TraceOf, act: int) -> None:
    assert faults_of(made, trace_of(act), rows_of(trace_of(act))) == []


@pytest.mark.stark_long
def test_the_demo_has_rows_of_every_operation(made: BatchSystem, trace_of: TraceOf) -> None:
    present = {name for act in (ACT, *OTHER_ACTS) for name in trace_of(act).trace}
    assert {table.name for table in made.program.of_role("operation")} <= present


def test_every_change_of_a_column_is_noticed(rules: Rules, trace_of: TraceOf) -> None:
    notice(rules, trace_of(ACT), ACT)


@pytest.mark.stark_long
@pytest.mark.parametrize("act", OTHER_ACTS)
def test_every_change_of_a_column_of_the_others_is_noticed(rules: Rules, trace_of: TraceOf, act: int) -> None:
    notice(rules, trace_of(act), act)


def notice(rules: Rules, filled: Filled, seed: int) -> None:
    """Change any column of a row of each table of the rules: a constraint or a bus tells, unless it is free there."""
    random = np.random.default_rng(seed)
    for name, columns in filled.trace.items():
        if name not in rules.tables:
            continue
        table = rules.tables[name].table
        rows = columns.T.astype(np.int64)
        used = np.flatnonzero(rows[:, 0])
        for number in random.choice(used, min(ROWS_A_TABLE, len(used)), replace=False):
            found = unnoticed(table, rows[number], int(number), random)
            assert [column for column in found if not FREE.search(column)] == [], name


@pytest.mark.stark_long
def test_every_column_of_every_table_of_the_rules_is_watched(made: BatchSystem, trace_of: TraceOf) -> None:
    """Given rows of every table of the rules, then each column has one in which no change of it goes unnoticed.

    Columns that some rows may leave open are watched in others. Left are witnesses that no batch here asks for, signs
    of values that are always 0 here, and parts of carries.
    """
    random = np.random.default_rng(2)
    left: dict[str, set[str]] = {}
    for filled in batches(made, trace_of):
        for name, own in made.rules.tables.items():
            if name not in filled.trace:
                continue
            rows = filled.trace[name].T.astype(np.int64)
            open_ = left.setdefault(name, {column.name for column in own.table.columns})
            for number in np.flatnonzero(rows[:, 0])[:MOST_ROWS].tolist():
                open_ &= set(unnoticed(own.table, rows[number], number, random)) if open_ else set()
    assert set(left) == set(made.rules.tables)
    unwatched = {name: sorted(column for column in open_ if not FREE.search(column)) for name, open_ in left.items()}
    assert {name: columns for name, columns in unwatched.items() if columns} == {}


def batches(made: BatchSystem, trace_of: TraceOf) -> Iterator[Filled]:
    """The batches of the demo, then random ones until each table of the rules has had a row."""
    missing = set(made.rules.tables)
    for act in (ACT, *OTHER_ACTS):
        missing -= set(trace_of(act).trace)
        yield trace_of(act)
    for seed in range(MOST_SEEDS):
        if not missing:
            return
        state, batch = random_batch(seed, tries=40)
        filled = batch_trace(made, state, commitment(state), batch)
        if missing & set(filled.trace):
            missing -= set(filled.trace)
            yield filled


def test_every_table_is_corrupted_by_some_test(made: BatchSystem) -> None:
    """Given all tables of the system, then the tests of columns go over each of them."""
    looked_up = {"range", "range_top", "permutation", "permutation_rest"}
    again = {"nodes_rest"}
    named = [table.name for table in made.system.tables]
    assert sorted(named) == sorted({*made.rules.tables, *STATE_TABLES, *looked_up, *again})
    tables = {table.name: table for table in made.system.tables}
    for name in ("nodes", "permutation"):
        assert replace(tables[f"{name}_rest"], name=name).tape.nodes == tables[name].tape.nodes
    assert all(len(tables[name].columns) == 1 for name in ("range", "range_top"))


def test_every_multiplicity_counts(made: BatchSystem, trace_of: TraceOf) -> None:
    """Given how often a row answers, more by one, then what it adds to its bus is another multiple of its message."""
    counted: set[str] = set()
    for table in made.system.tables:
        own = trace_of(ACT).trace.get(table.name)
        free = [at for at, column in enumerate(table.columns) if column.name.startswith("multiplicity")]
        if own is None or not free:
            continue
        row = own[:, 0].tolist()
        before = evaluate(table.tape, row, 0)
        numerators = [fraction.numerator for fraction in table.fractions if not fraction.weight]
        assert len(numerators) == len(free)
        for at, numerator in zip(free, numerators, strict=True):
            after = evaluate(table.tape, [*row[:at], (row[at] + 1) % MODULUS, *row[at + 1 :]], 0)
            assert [other for other in numerators if after[other] != before[other]] == [numerator]
            assert (before[numerator] - after[numerator]) % MODULUS == 1
        counted.add(table.name)
    twins = {name for name in ("permutation_rest",) if name not in trace_of(ACT).trace}
    assert counted | twins == {
        *("range", "range_top", "permutation", "permutation_rest", "parameters", "config_markets")
    }
    weightless = {one.name for one in made.system.tables if any(not fraction.weight for fraction in one.fractions)}
    assert weightless == counted | twins


def test_a_free_sign_is_that_of_zero(rules: Rules, trace_of: TraceOf) -> None:
    """Given a word whose sign may be either, then it is 0: nothing but its limbs and carries reads the sign."""
    random = np.random.default_rng(1)
    checked = 0
    for name in ("trade", "withdraw", "move_side", "fill_side"):
        columns = trace_of(ACT).trace.get(name)
        if columns is None:
            continue
        table = rules.tables[name].table
        row = columns.T.astype(np.int64)[0]
        names = [column.name for column in table.columns]
        for column in unnoticed(table, row, 0, random):
            if column.endswith(".sign"):
                word = column.removesuffix(".sign")
                limbs = [
                    row[at] for at, one in enumerate(names) if one.rpartition(".")[0] == word and one[-1].isdigit()
                ]
                assert not any(limbs), column
                checked += 1
    assert checked


# Forgeries of whole rows


def used_rows(rows: Rows, name: str) -> list[int]:
    return [number for number, row in enumerate(rows[name]) if row[0]]


def without(rows: Rows, name: str, number: int) -> None:
    rows[name][number] = [0] * len(rows[name][number])


def tags(faults: list[Fault]) -> set[int]:
    return {fault.tag for fault in faults if isinstance(fault, BusFault)}


def column(made: BatchSystem, table: str, name: str) -> int:
    return [one.name for one in made.rules.tables[table].table.columns].index(name)


@pytest.fixture
def rows(trace_of: TraceOf) -> Rows:
    return rows_of(trace_of(ACT))


def test_an_operation_left_out_is_noticed(made: BatchSystem, trace_of: TraceOf, rows: Rows) -> None:
    without(rows, "trade", 0)
    assert BLOCK in tags(faults_of(made, trace_of(ACT), rows))


def test_an_operation_done_twice_is_noticed(made: BatchSystem, trace_of: TraceOf, rows: Rows) -> None:
    rows["trade"] += [list(rows["trade"][0]) for _ in rows["trade"]]
    assert BLOCK in tags(faults_of(made, trace_of(ACT), rows))


def test_operations_in_another_order_are_noticed(made: BatchSystem, trace_of: TraceOf, rows: Rows) -> None:
    at = column(made, "trade", "t")
    used = used_rows(rows, "trade")
    assert len(used) > 1
    rows["trade"][used[0]][at], rows["trade"][used[1]][at] = rows["trade"][used[1]][at], rows["trade"][used[0]][at]
    assert BLOCK in tags(faults_of(made, trace_of(ACT), rows))


def test_a_call_without_an_answer_is_noticed(made: BatchSystem, trace_of: TraceOf, rows: Rows) -> None:
    name = next(name for name in made.rules.call_tags if name in rows)
    without(rows, name, 0)
    assert made.rules.call_tags[name] in tags(faults_of(made, trace_of(ACT), rows))


def test_a_skipped_item_is_noticed(made: BatchSystem, trace_of: TraceOf, rows: Rows) -> None:
    """Given a loop of which one step is left out and the next takes over its message, then the sums do not fit."""
    kind, name = next((kind, name) for kind, name in made.rules.loop_names.items() if name in rows)
    without(rows, name, 0)
    faults = faults_of(made, trace_of(ACT), rows)
    assert made.rules.loop_tags[kind] in tags(faults)
    assert tags(faults) & set(memory_tags(made.program).values())


def test_an_old_record_is_noticed(made: BatchSystem, trace_of: TraceOf, rows: Rows) -> None:
    """Given an account that an earlier trade has changed, then it cannot be read as it was before."""
    at = column(made, "trade", "previous0")
    number = next(number for number in used_rows(rows, "trade") if rows["trade"][number][at])
    rows["trade"][number][at] = 0
    faults = faults_of(made, trace_of(ACT), rows)
    assert any(isinstance(fault, RowFault | BusFault) for fault in faults)
    assert tags(faults) & set(memory_tags(made.program).values())


# What is said


def doubled() -> tuple[Table, Callable[..., list[Fault]]]:
    table = Table("doubled", Heights(1, 4, True))
    active, one, two = table.column("active", 0, 1), table.column("one", 0, 9), table.column("two", 0, 18)
    table.zero("two is twice one", two - one * 2)
    table.add(40, active, [two])
    return table, lambda rows, **more: check_trace([table], {"doubled": rows}, **more)


def test_a_row_fault_says_where_and_with_which_values() -> None:
    _, check = doubled()
    faults = check([[1, 3, 6], [1, 3, 5]], given={40: lambda entries: entries[0] < 9})
    assert faults == [RowFault("doubled", 1, "two is twice one", -1, {"one": 3, "two": 5})]
    assert str(faults[0]) == "doubled, row 1: two is twice one is -1, not 0, with one = 3, two = 5"


def test_a_bus_fault_says_what_and_from_where() -> None:
    _, check = doubled()
    faults = check([[1, 3, 6], [1, 3, 6]])
    assert faults == [BusFault(40, (6,), 2, (("doubled", 0, 1), ("doubled", 1, 1)))]
    assert str(faults[0]) == "tag 40: (6,) comes to 2: doubled row 0 (+1), doubled row 1 (+1)"


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([[0, 0, 0]] * 3, "a height of 3"),
        ([[0, 0, 0]] * 8, "a height of 8"),
        ([[0, 0]], "row 0 has 2 columns, not 3"),
        ([[0, 0, MODULUS]], "row 0 has an element that is not canonical"),
        ([[0, 0, -1]], "row 0 has an element that is not canonical"),
        ([[0, 0, True]], "row 0 has an element that is not canonical"),
    ],
)
def test_rows_without_a_form_are_named(rows: Any, complaint: str) -> None:
    _, check = doubled()
    assert check(rows) == [FormFault("doubled", complaint)]


def test_a_table_that_must_be_there_is_missed() -> None:
    table = Table("needed", Heights(2, 4))
    assert check_trace([table], {}) == [FormFault("needed", "it must not be absent")]
