"""The recorded rules, the tables of the state side, and batches to fill them from."""

from collections.abc import Callable
from functools import cache

import pytest

from perp_hash.poseidon import DEFAULT_SUITE
from perp_proofs.air.batch import BatchSystem, batch_system
from perp_proofs.air.rulebook import Rules
from perp_proofs.air.state import state_tables
from perp_proofs.air.system import Table
from perp_proofs.program.listing import Program
from perp_proofs.program.recorder import record_program
from perp_proofs.stark.batch import Filled as BatchTrace
from perp_proofs.stark.batch import batch_trace
from perp_reference.core.batch import Batch
from perp_reference.core.state import State, genesis
from perp_reference.demo import ACTS, Cast
from perp_reference.kernels.tree import commitment
from perp_spec.perpetual.defaults import default_config
from support.state_side import Filled, built, fill_batch

CAST = Cast({0: 0, 2: 22, 3: 33, 4: 44, 5: 55, 6: 66, 7: 33})


@pytest.fixture(scope="session")
def program() -> Program:
    """The recorded rules."""
    return record_program()


@pytest.fixture(scope="session")
def tables(program: Program) -> list[Table]:
    """The tables of the state side."""
    return state_tables(program, DEFAULT_SUITE)


@pytest.fixture(scope="session")
def acts() -> list[tuple[State, Batch]]:
    """The batches of the demo, each with the state before it."""
    state = genesis(default_config(3))
    found: list[tuple[State, Batch]] = []
    for act in ACTS:
        before = state.copy()
        found.append((before, built(state, act.time, act.operations(CAST))))
    return found


@pytest.fixture(scope="session")
def second_act(program: Program, tables: list[Table], acts: list[tuple[State, Batch]]) -> Filled:
    """The second batch of the demo: trades, ticks, and most of what may be touched."""
    return fill_batch(program, tables, *acts[1])


@pytest.fixture(scope="session")
def made(program: Program) -> BatchSystem:
    """The system of batches."""
    return batch_system(program)


@pytest.fixture(scope="session")
def rules(made: BatchSystem) -> Rules:
    """The tables of the rules."""
    return made.rules


@pytest.fixture(scope="session")
def trace_of(made: BatchSystem, acts: list[tuple[State, Batch]]) -> Callable[[int], BatchTrace]:
    """A function that fills a batch of the demo, each once; together they hold every kind of operation."""

    @cache
    def of(act: int) -> BatchTrace:
        state, batch = acts[act]
        return batch_trace(made, state, commitment(state), batch)

    return of
