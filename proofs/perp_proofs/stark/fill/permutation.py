"""The permutation table filled: the cubes of every round, for many states at once."""

import numpy as np
from numba import njit

from perp_hash.poseidon import DEFAULT_SUITE, WIDTH
from perp_proofs.air.system import Table
from perp_proofs.stark.fill.columns import Elements, Integers, height_of
from perp_reference.kernels.poseidon import (
    BLOCK,
    HALF,
    ONE,
    ZERO,
    cube_sum,
    load,
    multiply_rest,
    partial_group,
    reduce_product,
    reduce_sum,
)
from perp_reference.kernels.poseidon_tables import GROUP, suite_tables

FIRST_INPUT = 2
"""Columns before the input: whether the row is active, and how often it is looked up."""

FIRST_CUBE = FIRST_INPUT + WIDTH


@njit
def full_rounds(state, work, constants, halves, count, trace, column, start):
    """Full rounds on a block, their cubes into the trace; as perp_reference.kernels.poseidon.full_rounds."""
    for number in range(constants.shape[0]):
        for j in range(HALF):
            for s in range(count):
                low = cube_sum(state[j, s], constants[number, j])
                high = cube_sum(state[j + HALF, s], constants[number, j + HALF])
                trace[column + j, start + s] = reduce_product(low)
                trace[column + j + HALF, start + s] = reduce_product(high)
                work[j, s] = low + high
                work[j + HALF, s] = low - high
        column += 2 * HALF
        for i in range(HALF):
            for s in range(count):
                of_sums = ZERO
                of_differences = ZERO
                for j in range(HALF):
                    of_sums += halves[i, j] * work[j, s]
                    of_differences += halves[i + HALF, j] * work[j + HALF, s]
                state[i, s] = reduce_sum((of_sums + of_differences) >> ONE)
                state[i + HALF, s] = reduce_sum((of_sums - of_differences) >> ONE)


@njit(cache=True, nogil=True)
def cubes_kernel(states, trace, full, halves, groups, power):
    """Inputs and cubes of rows of 16 elements into the columns of a trace."""
    state, work = np.empty((WIDTH, BLOCK), np.uint64), np.empty((WIDTH, BLOCK), np.uint64)
    middle = full.shape[0] // 2
    for start in range(0, states.shape[0], BLOCK):
        count = min(BLOCK, states.shape[0] - start)
        for s in range(count):
            for j in range(WIDTH):
                trace[FIRST_INPUT + j, start + s] = states[start + s, j]
                state[j, s] = load(states[start + s, j])
        column = FIRST_CUBE
        full_rounds(state, work, full[:middle], halves, count, trace, column, start)
        column += middle * WIDTH
        for number in range(groups.shape[0]):
            partial_group(state, work, groups[number], count)
            for at in range(GROUP):
                for s in range(count):
                    trace[column + at, start + s] = reduce_product(work[GROUP + at, s])
            column += GROUP
        for i in range(power.shape[0]):
            multiply_rest(state, power[i], work[i], count)
        for i in range(power.shape[0]):
            for s in range(count):
                state[i + 1, s] = reduce_product(work[i, s])
        full_rounds(state, work, full[middle:], halves, count, trace, column, start)


def permutation_trace(table: Table, states: Elements, multiplicities: Integers) -> Elements:
    """The table with a row for each state, looked up so often."""
    trace = np.zeros((len(table.columns), height_of(table, len(states))), np.uint32)
    trace[0, : len(states)] = 1
    trace[1, : len(states)] = multiplicities
    cubes_kernel(np.ascontiguousarray(states), trace, *suite_tables(DEFAULT_SUITE))
    return trace
