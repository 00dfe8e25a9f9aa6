"""The hash suite for many inputs at once: the same functions as perp_hash.poseidon and perp_hash.digest, compiled.

States lie side by side in blocks of 64, lane by lane, so that the innermost loops run over states and vectorise. Lanes
are in Montgomery form and always below p between the loops; reductions are min(x, x - p), as x - p wraps to a large
number for x < p. Four products of lanes fit in 64 bits (4 p^2 < 2^64), and min(x, x - 2 p^2) brings them below 2 p^2,
which can take two more products or be reduced, being below 2^32 p.
"""

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from perp_hash.digest import DIGEST_ELEMENTS
from perp_hash.field import MODULUS
from perp_hash.poseidon import DEFAULT_SUITE, WIDTH, Suite
from perp_hash.tags import Tag
from perp_reference.kernels.poseidon_tables import GROUP, MONTGOMERY_BITS, suite_tables

BLOCK = 64
"""States in a block: enough for full vectors, few enough for the block to stay in the first-level cache (16 kB)."""

HALF = WIDTH // 2

SCALARS = WIDTH
"""Where the scalars start in a row of the partial table."""

ADDITIONS = WIDTH + GROUP - 1
"""What to add to the number of a lane to find its addition in a row of the partial table."""

P = np.uint64(MODULUS)

TWO_P_SQUARED = np.uint64(2 * MODULUS**2)

NEGATIVE_INVERSE = np.uint64(pow(-MODULUS, -1, 2**MONTGOMERY_BITS))

TO_MONTGOMERY = np.uint64(2 ** (2 * MONTGOMERY_BITS) % MODULUS)

LOW_32 = np.uint64(2**32 - 1)

LOW_31 = np.uint64(2**31 - 1)

BITS_32 = np.uint64(32)

BITS_31 = np.uint64(31)

BITS_24 = np.uint64(24)

ONE = np.uint64(1)

ZERO = np.uint64(0)

Elements = NDArray[np.uint32]


@njit
def reduce_product(value):
    """value / 2^32 modulo p, for value < 2^32 p (Montgomery)."""
    quotient = ((value & LOW_32) * NEGATIVE_INVERSE) & LOW_32
    result = (value + quotient * P) >> BITS_32
    return min(result, result - P)


@njit
def reduce_sum(value):
    """value modulo p, for value < 2^40, by 2^31 = 2^24 - 1 twice: below 2^34, then below 2^31 + 2^27."""
    value = (value & LOW_31) + ((value >> BITS_31) << BITS_24) - (value >> BITS_31)
    value = (value & LOW_31) + ((value >> BITS_31) << BITS_24) - (value >> BITS_31)
    return min(value, value - P)


@njit
def cube_sum(value, constant):
    """(value + constant)^3, all in Montgomery form."""
    total = value + constant
    total = min(total, total - P)
    return reduce_product(total * reduce_product(total * total))


@njit
def full_rounds(state, work, constants, halves, count):
    """Full rounds on the first `count` states of a block, one for each row of `constants`."""
    for number in range(constants.shape[0]):
        for j in range(HALF):
            for s in range(count):
                low = cube_sum(state[j, s], constants[number, j])
                high = cube_sum(state[j + HALF, s], constants[number, j + HALF])
                work[j, s] = low + high
                work[j + HALF, s] = low - high
        for i in range(HALF):
            for s in range(count):
                of_sums = ZERO
                of_differences = ZERO
                for j in range(HALF):
                    of_sums += halves[i, j] * work[j, s]
                    of_differences += halves[i + HALF, j] * work[j + HALF, s]
                # Both numbers are twice a row of small entries times lanes: even, not negative, below 2^41.
                state[i, s] = reduce_sum((of_sums + of_differences) >> ONE)
                state[i + HALF, s] = reduce_sum((of_sums - of_differences) >> ONE)


@njit
def multiply_rest(state, row, target, count):
    """The fifteen lanes after lane 0 times row[0..15), left as sums below 2 p^2 in `target`."""
    for s in range(count):
        total = row[0] * state[1, s]
        for j in range(1, WIDTH - 1, 2):
            total += row[j] * state[j + 1, s] + row[j + 1] * state[j + 2, s]
            total = min(total, total - TWO_P_SQUARED)
        target[s] = total


@njit
def partial_group(state, work, table, count):
    """Four partial rounds. work[0..4) are the products with the rest, work[4..8) the cubes."""
    for number in range(GROUP):
        multiply_rest(state, table[number, 1:WIDTH], work[number], count)
    for number in range(GROUP):
        for s in range(count):
            work[GROUP + number, s] = cube_sum(state[0, s], table[number, 0])
            total = work[number, s]
            for earlier in range(number + 1):
                total += table[number, SCALARS + earlier] * work[GROUP + earlier, s]
                total = min(total, total - TWO_P_SQUARED)
            state[0, s] = reduce_product(total)
    for j in range(1, state.shape[0]):
        for s in range(count):
            total = table[0, ADDITIONS + j] * work[4, s] + table[1, ADDITIONS + j] * work[5, s]
            total += table[2, ADDITIONS + j] * work[6, s] + table[3, ADDITIONS + j] * work[7, s]
            lane = reduce_product(min(total, total - TWO_P_SQUARED)) + state[j, s]
            state[j, s] = min(lane, lane - P)


@njit
def permute_block(state, work, full, halves, groups, power, count):
    """The permutation of the first `count` states of a block, in place."""
    middle = full.shape[0] // 2
    full_rounds(state, work, full[:middle], halves, count)
    for number in range(groups.shape[0]):
        partial_group(state, work, groups[number], count)
    for i in range(power.shape[0]):
        multiply_rest(state, power[i], work[i], count)
    for i in range(power.shape[0]):
        for s in range(count):
            state[i + 1, s] = reduce_product(work[i, s])
    full_rounds(state, work, full[middle:], halves, count)


@njit
def load(value):
    """An element in Montgomery form."""
    return reduce_product(np.uint64(value) * TO_MONTGOMERY)


@njit
def add_back(lane, fed, tag):
    """The feed-forward: a lane of the result, no longer in Montgomery form, plus the input and the tag."""
    return (reduce_product(lane) + np.uint64(fed) + np.uint64(tag)) % P


@njit(cache=True, nogil=True)
def permute_kernel(states, result, full, halves, groups, power):
    """Permutes rows of 16 elements into `result`."""
    state, work = np.empty((WIDTH, BLOCK), np.uint64), np.empty((WIDTH, BLOCK), np.uint64)
    for start in range(0, states.shape[0], BLOCK):
        count = min(BLOCK, states.shape[0] - start)
        for s in range(count):
            for j in range(WIDTH):
                state[j, s] = load(states[start + s, j])
        permute_block(state, work, full, halves, groups, power, count)
        for s in range(count):
            for j in range(WIDTH):
                result[start + s, j] = reduce_product(state[j, s])


@njit(cache=True, nogil=True)
def compress_kernel(tag, left, right, result, full, halves, groups, power):
    """Compresses pairs of rows of eight elements into `result`."""
    state, work = np.empty((WIDTH, BLOCK), np.uint64), np.empty((WIDTH, BLOCK), np.uint64)
    for start in range(0, left.shape[0], BLOCK):
        count = min(BLOCK, left.shape[0] - start)
        for s in range(count):
            for j in range(HALF):
                state[j, s] = load(left[start + s, j])
                state[j + HALF, s] = load(right[start + s, j])
        permute_block(state, work, full, halves, groups, power, count)
        for s in range(count):
            for j in range(HALF):
                result[start + s, j] = add_back(state[j, s], left[start + s, j], tag if j == 0 else 0)


@njit(cache=True, nogil=True)
def hash_kernel(elements, offsets, order, result, full, halves, groups, power):
    """Hashes elements[offsets[i] : offsets[i + 1]] into result[i], which holds the start.

    Rows are taken in `order`, the shortest first, so that the rows of a block take about the same number of steps.
    """
    state, work = np.empty((WIDTH, BLOCK), np.uint64), np.empty((WIDTH, BLOCK), np.uint64)
    for start in range(0, order.size, BLOCK):
        rows = order[start : start + BLOCK]
        longest = rows[rows.size - 1]
        for position in range(0, max(offsets[longest + 1] - offsets[longest], 1), HALF):
            for s in range(rows.size):
                begin, end = offsets[rows[s]] + position, offsets[rows[s] + 1]
                for j in range(HALF):
                    state[j, s] = load(result[rows[s], j])
                    state[j + HALF, s] = load(elements[begin + j]) if begin + j < end else ZERO
            permute_block(state, work, full, halves, groups, power, rows.size)
            for s in range(rows.size):
                if position == 0 or offsets[rows[s]] + position < offsets[rows[s] + 1]:
                    for j in range(HALF):
                        result[rows[s], j] = add_back(state[j, s], result[rows[s], j], 0)


def check_elements(values: ArrayLike, dimensions: int) -> Elements:
    """The values as a contiguous array of uint32. Raises ValueError unless all are integers with 0 <= value < p."""
    array = np.asarray(values)
    if array.ndim != dimensions:
        raise ValueError(f"expected an array of {dimensions} dimensions, not {array.ndim}")
    if array.size == 0:
        return np.zeros(array.shape, np.uint32)
    if array.dtype.kind not in "ui":
        raise ValueError(f"elements are integers, not {array.dtype}")
    if array.max() >= MODULUS or (array.dtype.kind == "i" and array.min() < 0):
        raise ValueError(f"elements are not canonical: {array.min()} to {array.max()}")
    # A read-only array is another type to the compiler and would be compiled for again.
    if array.dtype == np.uint32 and array.flags.c_contiguous and array.flags.writeable:
        return array
    return array.astype(np.uint32, order="C")


def check_rows(values: ArrayLike, width: int) -> Elements:
    """As check_elements, for rows of `width` elements."""
    array = check_elements(values, 2)
    if array.shape[1] != width:
        raise ValueError(f"expected rows of {width} elements, not {array.shape[1]}")
    return array


def check_offsets(offsets: ArrayLike, total: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where runs begin and end, and their lengths. Raises ValueError unless they rise from 0 to `total`."""
    bounds = np.array(offsets, np.int64)
    if bounds.ndim != 1 or bounds.size == 0 or bounds[0] != 0 or bounds[-1] != total:
        raise ValueError(f"offsets are not one-dimensional from 0 to {total}")
    lengths = np.diff(bounds)
    if np.any(lengths < 0):
        raise ValueError("offsets fall")
    return bounds, lengths


def permute_many(states: ArrayLike, suite: Suite = DEFAULT_SUITE) -> Elements:
    """permute of every row: integers [n, 16] to uint32 [n, 16].

    Raises ValueError for another shape or elements outside 0 <= x < p.
    """
    checked = check_rows(states, WIDTH)
    result = np.empty((len(checked), WIDTH), np.uint32)
    permute_kernel(checked, result, *suite_tables(suite))
    return result


def compress_many(tag: Tag, left: ArrayLike, right: ArrayLike, suite: Suite = DEFAULT_SUITE) -> Elements:
    """compress of every pair of rows: integers [n, 8] and [n, 8] to uint32 [n, 8].

    Raises ValueError for other shapes, elements outside 0 <= x < p or an unknown tag.
    """
    checked_left, checked_right = check_rows(left, DIGEST_ELEMENTS), check_rows(right, DIGEST_ELEMENTS)
    if len(checked_left) != len(checked_right):
        raise ValueError(f"{len(checked_left)} left halves and {len(checked_right)} right halves")
    result = np.empty((len(checked_left), DIGEST_ELEMENTS), np.uint32)
    compress_kernel(int(Tag(tag)), checked_left, checked_right, result, *suite_tables(suite))
    return result


def hash_rows(tag: Tag, elements: ArrayLike, suite: Suite = DEFAULT_SUITE) -> Elements:
    """hash_elements of every row: integers [n, length] to uint32 [n, 8].

    Raises ValueError for another shape, elements outside 0 <= x < p or an unknown tag.
    """
    checked = check_elements(elements, 2)
    rows, length = checked.shape
    result = np.zeros((rows, DIGEST_ELEMENTS), np.uint32)
    result[:, 0] = int(Tag(tag))
    result[:, 1] = length
    offsets = np.arange(rows + 1) * length
    hash_kernel(checked.reshape(-1), offsets, np.arange(rows), result, *suite_tables(suite))
    return result


def hash_runs(tag: Tag, elements: ArrayLike, offsets: ArrayLike, suite: Suite = DEFAULT_SUITE) -> Elements:
    """hash_elements of runs of different lengths, run i being elements[offsets[i] : offsets[i + 1]]: to uint32 [n, 8].

    Takes integers [total] and n + 1 offsets, rising from 0 to total. Raises ValueError for other shapes or offsets,
    elements outside 0 <= x < p or an unknown tag.
    """
    checked = check_elements(elements, 1)
    bounds, lengths = check_offsets(offsets, checked.size)
    result = np.zeros((lengths.size, DIGEST_ELEMENTS), np.uint32)
    result[:, 0] = int(Tag(tag))
    result[:, 1] = lengths
    hash_kernel(checked, bounds, np.argsort(lengths, kind="stable"), result, *suite_tables(suite))
    return result


def chain_runs(
    tag: Tag, starts: ArrayLike, elements: ArrayLike, offsets: ArrayLike, suite: Suite = DEFAULT_SUITE
) -> Elements:
    """From starts[i] a step for each eight elements of run i, the last one a compression with the tag: uint32 [n, 8].

    Takes integers [n, 8] and runs as hash_runs, each of whole blocks and not empty. Raises ValueError as hash_runs, and
    for runs of another length or another number of them.
    """
    checked = check_elements(elements, 1)
    bounds, lengths = check_offsets(offsets, checked.size)
    result = check_rows(starts, DIGEST_ELEMENTS).copy()
    if len(result) != lengths.size:
        raise ValueError(f"{len(result)} starts and {lengths.size} runs")
    if np.any(lengths % DIGEST_ELEMENTS) or np.any(lengths == 0):
        raise ValueError(f"runs are not of whole blocks of {DIGEST_ELEMENTS} elements")
    hash_kernel(checked, bounds, np.argsort(lengths, kind="stable"), result, *suite_tables(suite))
    result[:, 0] = (result[:, 0].astype(np.uint64) + np.uint64(int(Tag(tag)))) % P
    return result
