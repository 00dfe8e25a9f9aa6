"""The rules filled: all operations of a kind at once give the rows that each gives alone."""

from random import Random

import attrs
import pytest

from perp_proofs.air.batch import BatchSystem, batch_system
from perp_proofs.program.interpreter import Refused
from perp_proofs.program.recorder import record_program
from perp_proofs.program.shapes import flat
from perp_proofs.stark.batch import run_rules
from perp_proofs.stark.fill import plain
from perp_proofs.stark.fill.calls import Batch as Calls
from perp_proofs.stark.fill.chunks import FillError, Runner
from perp_proofs.stark.fill.history import history
from perp_proofs.stark.fill.memory import StateMemory
from perp_proofs.stark.fill.rules import fill_rules
from perp_reference.core.batch import Batch
from perp_reference.core.machine import rule_of
from perp_reference.core.state import State
from perp_spec.perpetual.records import Ledger
from support.state_side import random_batch

SEEDS = 4
MANY_SEEDS = 40

Rows = dict[str, list[tuple[int, ...]]]
Ends = dict[tuple[str, tuple[int, ...]], tuple[int, tuple[int, ...]]]


@pytest.fixture(scope="module")
def made() -> BatchSystem:
    return batch_system(record_program())


def one_by_one(made: BatchSystem, state: State, batch: Batch) -> tuple[Rows, Ends]:
    """The rows of a batch and what it leaves in memory, an operation and a row at a time."""
    memory = StateMemory(state)
    calls = Calls(made.rules, memory)
    root, config = batch.header.previous_root, batch.header.config_digest
    calls.begin([batch.header.number, batch.header.time, root, config, root, config])
    for operation in batch.operations:
        calls.operation(rule_of(operation).name, [int(leaf) for leaf in flat(operation)])
    rows = plain.fill_rules(made.rules, calls)
    left = {place: (time, tuple(memory.records[place])) for place, time in calls.link().items()}
    return {name: sorted(map(tuple, own)) for name, own in rows.items()}, left


def all_at_once(made: BatchSystem, state: State, batch: Batch) -> tuple[Rows, Ends]:
    """The same with arrays."""
    runner, memory = run_rules(made, state, batch)
    trace = fill_rules(made.rules, runner)
    left = {place: (one.time, tuple(one.fields)) for place, one in memory.items()}
    return {name: sorted(map(tuple, columns.T.tolist())) for name, columns in trace.items()}, left


def compare(made: BatchSystem, seed: int) -> None:
    state, batch = random_batch(seed)
    one, other = one_by_one(made, state, batch), all_at_once(made, state, batch)
    assert one[1] == other[1]
    assert one[0].keys() == other[0].keys()
    for name, rows in one[0].items():
        assert rows == other[0][name], name


@pytest.mark.parametrize("seed", range(SEEDS))
def test_both_ways_give_the_same_rows(made: BatchSystem, seed: int) -> None:
    compare(made, seed)


@pytest.mark.proofs
@pytest.mark.parametrize("seed", range(SEEDS, MANY_SEEDS))
def test_both_ways_give_the_same_rows_many_times(made: BatchSystem, seed: int) -> None:
    compare(made, seed)


def test_a_batch_that_is_refused_is_refused(made: BatchSystem) -> None:
    state, batch = random_batch(0)
    false = attrs.evolve(batch, header=attrs.evolve(batch.header, number=batch.header.number + 1))
    with pytest.raises(Refused) as error:
        run_rules(made, state, false)
    assert error.value.reason == 96


def test_a_program_that_differs_from_the_machine_is_noticed(made: BatchSystem) -> None:
    """Given a history in which the ledger is another one after the beginning, then what begins the batch tells."""
    state, batch = random_batch(Random(1).randrange(SEEDS))
    root, config = batch.header.previous_root, batch.header.config_digest
    found = history(state, batch.header, root, config, batch.operations)
    ledger = found.versions(Ledger.__name__, ())
    ledger.fields[1] = (ledger.fields[1][0] + 1, *ledger.fields[1][1:])
    runner = Runner(made.rules, found)
    with pytest.raises(FillError, match="begin_batch stores another Ledger than the integer machine"):
        runner.operations("begin_batch", [0], [[batch.header.number, batch.header.time, root, config, root, config]])
