"""The permutation table: known answers, and every cell bound."""

from random import Random

import numpy as np
import pytest

from perp_hash.digest import step
from perp_hash.field import MODULUS
from perp_hash.poseidon import DEFAULT_SUITE, SUITES, WIDTH, Suite, permute
from perp_proofs.air.permutation import permutation_table
from perp_proofs.air.system import Table
from perp_proofs.air.tape import evaluate
from perp_proofs.stark.fill.lookups import split
from perp_proofs.stark.fill.permutation import permutation_trace


def filled(table: Table, state: tuple[int, ...]) -> list[int]:
    """A row for a state, each cube found from its own constraint."""
    row = [1, 1, *state, *(0,) * (len(table.columns) - 2 - WIDTH)]
    nodes = {constraint.name: constraint.node for constraint in table.constraints}
    for at in range(2 + WIDTH, len(row)):
        row[at] = -evaluate(table.tape, row, 0)[nodes[f"{table.columns[at].name} is a cube"]] % MODULUS
    return row


def states() -> list[tuple[int, ...]]:
    random = Random(1)
    return [tuple(range(WIDTH)), (0,) * WIDTH, (MODULUS - 1,) * WIDTH] + [
        tuple(random.randrange(MODULUS) for _ in range(WIDTH)) for _ in range(70)
    ]


@pytest.mark.parametrize("suite", SUITES.values(), ids=str)
def test_a_row_provides_the_step_of_its_input(suite: Suite) -> None:
    table = permutation_table(suite)
    state = tuple(range(WIDTH))
    values = evaluate(table.tape, filled(table, state), 0)
    assert [values[constraint.node] for constraint in table.constraints] == [0] * len(table.constraints)
    assert values[table.fractions[0].numerator] == MODULUS - 1
    out = tuple((lane + fed) % MODULUS for lane, fed in zip(permute(suite, state)[:8], state, strict=False))
    assert tuple(values[node] for node in table.fractions[0].entries) == (*state, *out)
    assert out == step(state[:8], state[8:], suite)


def test_the_known_answer_of_the_hash_suite() -> None:
    """The worked value of docs/hash-suite.md."""
    table = permutation_table(DEFAULT_SUITE)
    values = evaluate(table.tape, filled(table, tuple(range(WIDTH))), 0)
    result = [718740963, 648208444, 202991727, 195293438, 360912529, 1050609811, 2042695984, 1772656032]
    assert [values[node] for node in table.fractions[0].entries[16:]] == [
        (lane + at) % MODULUS for at, lane in enumerate(result)
    ]


def test_columns_are_the_input_and_the_cubes() -> None:
    counts = {name: len(permutation_table(suite).columns) for name, suite in SUITES.items()}
    assert counts == {"poseidon-koalabear-16-r8-40": 186, "poseidon-koalabear-16-r8-20": 166}


def test_the_kernel_fills_what_the_constraints_ask_for() -> None:
    table, given = permutation_table(DEFAULT_SUITE), states()
    trace = permutation_trace(table, np.array(given, np.uint32), np.arange(len(given)))
    assert trace.shape == (len(table.columns), 128)
    for at, state in enumerate(given[:5]):
        assert trace[:, at].tolist() == [1, at, *filled(table, state)[2:]]
    for at, state in enumerate(given):
        values = evaluate(table.tape, trace[:, at].tolist(), at)
        assert not any(values[constraint.node] for constraint in table.constraints)
        assert tuple(values[node] for node in table.fractions[0].entries[16:]) == step(state[:8], state[8:])
    assert not trace[:, len(given) :].any()


def test_every_wrong_cell_breaks_a_constraint() -> None:
    table = permutation_table(DEFAULT_SUITE)
    row = filled(table, states()[3])
    for at, column in enumerate(table.columns):
        if column.name != "multiplicity":
            wrong = [*row[:at], (row[at] + 1) % MODULUS, *row[at + 1 :]]
            values = evaluate(table.tape, wrong, 0)
            assert any(values[constraint.node] for constraint in table.constraints), column.name


def test_a_row_that_is_not_active_provides_nothing() -> None:
    """Given a row without constants, right for another permutation, then it answers no lookup."""
    table = permutation_table(DEFAULT_SUITE)
    row = [0, 7, *range(WIDTH), *(0,) * (len(table.columns) - 2 - WIDTH)]
    assert evaluate(table.tape, row, 0)[table.fractions[0].numerator] == 0


def test_rows_left_over_go_into_the_twin() -> None:
    """Given one row more than half of a height, then it is in a table of its own, and no row is lost."""
    trace = {"nodes": np.zeros((3, 64), np.uint32)}
    trace["nodes"][:, :33] = np.arange(1, 34)
    trace["nodes"][0, :33] = 1
    split(trace, "nodes", "rest")
    assert {name: own.shape for name, own in trace.items()} == {"nodes": (3, 32), "rest": (3, 1)}
    assert trace["rest"][:, 0].tolist() == [1, 33, 33]
    whole = {"nodes": np.zeros((3, 64), np.uint32)}
    whole["nodes"][0, :49] = 1
    split(whole, "nodes", "rest")
    assert {name: own.shape for name, own in whole.items()} == {"nodes": (3, 64)}
