"""Forged traces of the rules that are right but for one lookup: without it each would prove what did not happen."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from perp_hash.field import MODULUS
from perp_proofs.air.batch import BatchSystem
from perp_proofs.air.buses import RANGE, RANGE_SIZE, memory_tags
from perp_proofs.air.statement import public_fractions
from perp_proofs.air.system import Table
from perp_proofs.stark.batch import Filled
from perp_proofs.stark.fill.columns import Trace
from perp_proofs.stark.fill.lookups import fill_lookups, messages, node_values
from support.state_side import bus_faults

ACT = 1
"""The batch of the demo with trades, ticks and most else."""

TraceOf = Callable[[int], Filled]


class Accessed(NamedTuple):
    """An access of a record: when, in which row, after which, and what it found."""

    now: int
    table: str
    row: int
    previous: str
    found: tuple[int, ...]


def column(made: BatchSystem, trace: Trace, table: str, name: str) -> Any:
    """A column of the trace, to be changed."""
    names = [own.name for own in made.rules.tables[table].table.columns]
    return trace[table][names.index(name)]


def accesses(made: BatchSystem, trace: Trace, record: str) -> Iterator[tuple[tuple[int, ...], Accessed]]:
    """All accesses of a record by the rules, each with its key."""
    tag, keys = memory_tags(made.program)[record], made.program.records[record].keys
    for name, own in made.rules.tables.items():
        if name not in trace:
            continue
        table = own.table
        for access in own.accesses:
            if access.record == record:
                place = table.tape.column(access.previous).number
                (received,) = (one for one in table.fractions if one.tag == tag and one.entries[keys] == place)
                values = node_values(table, trace[name], [*received.entries, access.now])
                for row in np.flatnonzero(trace[name][0]).tolist():
                    entries = [int(values[node][row if values[node].size > 1 else 0]) for node in received.entries]
                    now = int(values[access.now][row])
                    previous = table.columns[access.previous].name
                    yield tuple(entries[:keys]), Accessed(now, name, row, previous, tuple(entries[keys + 1 :]))


def same_three(made: BatchSystem, trace: Trace) -> list[Accessed]:
    """Three accesses of a record, each the next after the one before, that find the same in it."""
    for record in memory_tags(made.program):
        chains: dict[tuple[int, ...], list[Accessed]] = {}
        for key, access in accesses(made, trace, record):
            chains.setdefault(key, []).append(access)
        for chain in chains.values():
            chain.sort()
            for three in zip(chain, chain[1:], chain[2:], strict=False):
                if len({access.found for access in three}) == 1:
                    return list(three)
    raise AssertionError("no record is read twice")


def after(made: BatchSystem, trace: Trace, access: Accessed, previous: int) -> None:
    """Have an access come after the one at a time, as an honest prover does where it is later."""
    column(made, trace, access.table, access.previous)[access.row] = previous
    waited = access.now - previous - 1
    column(made, trace, access.table, f"{access.previous}.waited")[access.row] = max(waited, 0) // RANGE_SIZE


def faults(made: BatchSystem, filled: Filled, trace: Trace) -> list[str]:
    """What is wrong with a trace, once all is counted that it looks up."""
    fill_lookups(made.program, made.system.tables, trace)
    return bus_faults(made.system.tables, trace, public_fractions(made.program, filled.statement))


def unanswered(tables: tuple[Table, ...], trace: Trace) -> int:
    """How many lookups nothing answers."""
    own = (messages(table, trace[table.name], RANGE)[1] for table in tables if table.name in trace)
    return sum(int((values >= RANGE_SIZE).sum()) for values in own)


@pytest.mark.parametrize("part", ["lower", "upper"])
def test_a_record_found_as_it_is_later_is_caught(made: BatchSystem, trace_of: TraceOf, part: str) -> None:
    """Given two accesses in the wrong order, each finding what the other left, then the first waited less than 0.

    Its time since the other is in two limbs, and one of them can be made to fit.
    """
    filled = trace_of(ACT)
    trace = {name: own.copy() for name, own in filled.trace.items()}
    first, second, third = same_three(made, trace)
    before = int(column(made, trace, first.table, first.previous)[first.row])
    after(made, trace, second, before)
    after(made, trace, first, second.now)
    after(made, trace, third, first.now)
    if part == "upper":
        fitting = (first.now - second.now - 1) * pow(RANGE_SIZE, -1, MODULUS) % MODULUS
        column(made, trace, first.table, f"{first.previous}.waited")[first.row] = fitting
    assert faults(made, filled, trace) == [f"bus {RANGE}"]
    tables = tuple(table for table in made.system.tables if table.name != "range")
    assert unanswered(tables, trace) == 1
