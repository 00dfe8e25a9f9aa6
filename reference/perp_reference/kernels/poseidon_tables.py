"""The constants of a hash suite in the form the kernels use.

Full rounds. Splitting a circulant matrix of sixteen lanes into the sums and the differences of lanes i and i + 8 leaves
two matrices of eight by eight, half of the work: x[i] + x[i + 8] meets row[j] + row[j + 8], and x[i] - x[i + 8] meets
row[j] - row[j + 8]. Sum and difference of the two results are twice the new lanes.

Partial rounds (the optimisation in the appendix of the Poseidon paper). Only lane 0 is cubed, so everything that
happens to the other lanes is linear and can be put off. Write the mixing matrix as a corner m, the rest of row 0 as v,
the rest of column 0 as w, and the block A of the other lanes. With A^r taken out of those lanes, round r makes lane 0
from its cube y as m y + (v A^r) . rest, and adds (A^-(r+1) w) y to the rest; A^rounds is made up for once at the end.
Constants of the other lanes are carried forward through the matrix until they land on lane 0 of a later round, or on
the first full round after. Four rounds are done together: their four products with the rest are taken at once, the
cubes within the four are accounted for by scalars, and the rest is read and written once.

Elements are in Montgomery form, x * 2^32 modulo p.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from perp_hash.field import MODULUS
from perp_hash.poseidon import WIDTH, Suite

GROUP = 4
"""Partial rounds done together: as many as products of elements fit in 64 bits. It divides 20 and 40."""

MONTGOMERY_BITS = 32

Matrix = list[list[int]]

Tables = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]
"""Constants of the full rounds [rounds, 16], the halves of the mixing matrix [16, 8], the partial rounds
[groups, 4, 35] and the matrix made up for after them [15, 15]."""


def dot(left: list[int], right: list[int]) -> int:
    """The inner product modulo p."""
    return sum(a * b for a, b in zip(left, right, strict=True)) % MODULUS


def apply(matrix: Matrix, vector: list[int]) -> list[int]:
    """The product of a matrix and a column modulo p."""
    return [dot(row, vector) for row in matrix]


def transpose(matrix: Matrix) -> Matrix:
    """Rows as columns."""
    return [list(column) for column in zip(*matrix, strict=True)]


def multiply(left: Matrix, right: Matrix) -> Matrix:
    """The product of two matrices modulo p."""
    columns = transpose(right)
    return [[dot(row, column) for column in columns] for row in left]


def invert(matrix: Matrix) -> Matrix:
    """The inverse modulo p, by Gauss and Jordan. The matrices of the suites have one."""
    size = len(matrix)
    rows = [[*row, *(int(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = next(i for i in range(column, size) if rows[i][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        scale = pow(rows[column][column], -1, MODULUS)
        rows[column] = [entry * scale % MODULUS for entry in rows[column]]
        for i in range(size):
            if i != column:
                factor = rows[i][column]
                rows[i] = [(a - factor * b) % MODULUS for a, b in zip(rows[i], rows[column], strict=True)]
    return [row[size:] for row in rows]


def mixing_matrix(suite: Suite) -> Matrix:
    """The circulant matrix in full."""
    row = suite.matrix_first_row
    return [[row[(j - i) % WIDTH] for j in range(WIDTH)] for i in range(WIDTH)]


def carry_constants(suite: Suite, matrix: Matrix) -> tuple[list[int], list[int]]:
    """The constant of lane 0 in every partial round, and what is left to add before the first full round after."""
    first = suite.full_rounds // 2
    lane_constants: list[int] = []
    carried = [0] * WIDTH
    for constants in suite.round_constants[first : first + suite.partial_rounds]:
        here, *others = [(a + b) % MODULUS for a, b in zip(constants, carried, strict=True)]
        lane_constants.append(here)
        carried = apply(matrix, [0, *others])
    return lane_constants, carried


def partial_table(suite: Suite, matrix: Matrix, lane_constants: list[int]) -> tuple[list[Matrix], Matrix]:
    """The groups of partial rounds, and the power of the block that is made up for after them.

    A row of a group: the constant of lane 0, 15 factors of the rest, 4 scalars of the group's cubes, 15 additions.
    """
    if suite.partial_rounds % GROUP:
        raise ValueError(f"{suite.name}: partial rounds are done in groups of {GROUP}")
    corner, block = matrix[0][0], [row[1:] for row in matrix[1:]]
    columns, inverse = transpose(block), invert(block)
    product, addition = matrix[0][1:], [row[0] for row in matrix[1:]]
    power = [[int(i == j) for j in range(WIDTH - 1)] for i in range(WIDTH - 1)]
    groups: list[Matrix] = []
    additions: Matrix = []
    for number, constant in enumerate(lane_constants):
        if number % GROUP == 0:
            groups.append([])
            additions = []
        addition = apply(inverse, addition)
        scalars = [*(dot(product, earlier) for earlier in additions), corner]
        padding = [0] * (GROUP - len(scalars))
        groups[-1].append([constant, *product, *scalars, *padding, *addition])
        additions.append(addition)
        product = apply(columns, product)
        power = multiply(block, power)
    return groups, power


def to_montgomery(values: list[Matrix] | Matrix) -> NDArray[np.uint64]:
    """Elements in Montgomery form."""
    return (np.array(values, dtype=object) * 2**MONTGOMERY_BITS % MODULUS).astype(np.uint64)


@functools.cache
def suite_tables(suite: Suite) -> Tables:
    """The tables of a suite, computed on first use (about 20 ms)."""
    matrix = mixing_matrix(suite)
    lane_constants, carried = carry_constants(suite, matrix)
    groups, power = partial_table(suite, matrix, lane_constants)
    first = suite.full_rounds // 2
    full = [list(constants) for constants in suite.round_constants]
    del full[first : first + suite.partial_rounds]
    full[first] = [(a + b) % MODULUS for a, b in zip(full[first], carried, strict=True)]
    half = WIDTH // 2
    corner = np.array(matrix, dtype=np.int64)[:half]
    halves = np.vstack((corner[:, :half] + corner[:, half:], corner[:, :half] - corner[:, half:]))
    return to_montgomery(full), halves.astype(np.uint64), to_montgomery(groups), to_montgomery(power)
