"""Number-theoretic transforms of many columns, and of stacks of columns.

Everything is natural order. One kernel transforms sixteen sequences side by side, so that all loops run over vectors;
the sixteen are columns, or, where a column is long, sixteen runs of it. A polynomial sum_k X^k c_k(X^width) takes its
values at shift * w^i from those of the c_k: a factor (shift * w^i)^k each, then transforms of `width` points. So a long
column is taken apart into short ones, and a stack comes from its columns, with the same kernel.
"""

import functools

import numpy as np
from numba import njit
from numpy.typing import NDArray

from perp_hash.field import MODULUS
from perp_proofs.stark.arithmetic import (
    LANES,
    MONTGOMERY_ONE,
    Elements,
    montgomery,
    powers,
    product,
    short_difference,
    short_product,
    short_sum,
)
from perp_proofs.stark.threads import in_parallel
from perp_proofs.verifier.field import root_of_unity

SHORT = 4096
"""Points of a transform whose sixteen lanes stay in the second-level cache (256 kB)."""


@functools.cache
def twiddles(size: int, backward: bool) -> NDArray[np.uint64]:
    """Roots for transforms of up to `size` points: the j-th power of the root of order 2 h is at h + j."""
    table = np.ones(max(size, 2), np.uint64)
    half = 1
    while half < size:
        root = root_of_unity(2 * half)
        table[half : 2 * half] = powers(pow(root, -1, MODULUS) if backward else root, half)
        half *= 2
    return table


@functools.cache
def reversal(size: int) -> NDArray[np.int64]:
    """Each number below a power of two with its bits reversed."""
    result = np.zeros(1, np.int64)
    while result.size < size:
        result = np.concatenate((2 * result, 2 * result + 1))
    return result


@njit
def butterflies(buffer, first, table):
    """Transform the rows of a buffer, in reversed order, from the stage with `first` points a half on."""
    half = first
    size = buffer.shape[0]
    while half < size:
        for start in range(0, size, 2 * half):
            for j in range(half):
                factor = table[half + j]
                low = buffer[start + j]
                high = buffer[start + j + half]
                for lane in range(LANES):
                    a = low[lane]
                    b = short_product(high[lane], factor)
                    low[lane] = short_sum(a, b)
                    high[lane] = short_difference(a, b)
        half *= 2


@njit
def spread(buffer, row, copies, factor):
    """Multiply a row and copy it to the next ones: what the first stages make of a row followed by rows of zeros."""
    source = buffer[row]
    for lane in range(LANES):
        source[lane] = short_product(source[lane], factor)
    for copy in range(1, copies):
        target = buffer[row + copy]
        for lane in range(LANES):
            target[lane] = source[lane]


@njit
def short_columns(source, first, target, order, factors, table):
    """Transform up to sixteen columns from `first` on."""
    height, size = source.shape[1], target.shape[1]
    count = min(LANES, source.shape[0] - first)
    copies = size // height
    buffer = np.zeros((size, LANES), np.uint32)
    for index in range(height):
        row = order[index] * copies
        for lane in range(count):
            buffer[row, lane] = source[first + lane, index]
        spread(buffer, row, copies, factors[index])
    butterflies(buffer, copies, table)
    store(buffer, target, first, count)


@njit
def store(buffer, target, first, count):
    """Write the lanes of a buffer as columns, a line of the cache of each at a time."""
    size = buffer.shape[0]
    for start in range(0, size, LANES):
        stop = min(start + LANES, size)
        for lane in range(count):
            for index in range(start, stop):
                target[first + lane, index] = buffer[index, lane]


@njit
def long_runs(column, runs, order, factors, table):
    """Transform a column's runs: run k holds the coefficients k, k + width, ... Result in runs[k]."""
    width, size = runs.shape
    height = column.size // width
    copies = size // height
    buffer = np.empty((size, LANES), np.uint32)
    for first in range(0, width, LANES):
        for index in range(height):
            row = order[index] * copies
            begin = first + width * index
            for lane in range(LANES):
                buffer[row, lane] = column[begin + lane]
            spread(buffer, row, copies, factors[index])
        butterflies(buffer, copies, table)
        store(buffer, runs, first, LANES)


@njit
def scaled_part(values, row, factors, points):
    """Up to sixteen values of a part times their factors, which then move on to the next part."""
    row[:] = 0
    for lane in range(values.size):
        row[lane] = values[lane]
    for lane in range(LANES):
        factor = factors[lane]
        row[lane] = short_product(row[lane], factor)
        factors[lane] = product(factor, points[lane])


@njit
def combine(parts, word, width, order, table, shift, root):
    """The values of a stack from those of its parts; parts that are missing are 0."""
    used, size = parts.shape[0], word.size // width
    slots = 1
    while slots < used:
        slots *= 2
    copies = width // slots
    buffer = np.zeros((width, LANES), np.uint32)
    points = np.empty(LANES, np.uint64)
    factors = np.empty(LANES, np.uint64)
    point = shift
    for first in range(0, size, LANES):
        count = min(LANES, size - first)
        for lane in range(LANES):
            points[lane] = point
            factors[lane] = MONTGOMERY_ONE
            point = product(point, root)
        for part in range(slots):
            row = buffer[order[part]]
            if part < used:
                scaled_part(parts[part][first : first + count], row, factors, points)
            else:
                row[:] = 0
            for copy in range(1, copies):
                target = buffer[order[part] + copy]
                for lane in range(LANES):
                    target[lane] = row[lane]
        butterflies(buffer, copies, table)
        for block in range(width):
            begin = block * size + first
            for lane in range(count):
                word[begin + lane] = buffer[block, lane]


@njit(cache=True, nogil=True)
def short_kernel(start, stop, source, target, order, factors, table):
    """Transform groups of sixteen short columns."""
    for group in range(start, stop):
        short_columns(source, group * LANES, target, order, factors, table)


@njit(cache=True, nogil=True)
def long_kernel(start, stop, source, target, width, order, factors, width_order, table, shift, root):
    """Transform long columns."""
    runs = np.empty((width, target.shape[1] // width), np.uint32)
    for column in range(start, stop):
        long_runs(source[column], runs, order, factors, table)
        combine(runs, target[column], width, width_order, table, shift, root)


@njit(cache=True, nogil=True)
def stack_kernel(start, stop, values, words, width, order, table, shift, root):
    """Put parts together: word s from the parts s * width on."""
    for word in range(start, stop):
        parts = values[word * width : (word + 1) * width]
        combine(parts, words[word], width, order, table, shift, root)


def transform(source: Elements, size: int, shift: int, backward: bool = False, factor: int = 1) -> Elements:
    """factor * sum_i source[c][i] (shift * w^o)^i for o below `size`, w the root of that order or its inverse."""
    columns, height = source.shape
    target = np.empty((columns, size), np.uint32)
    if columns == 0:
        return target
    if size <= SHORT:
        table = twiddles(SHORT, backward)
        factors = powers(shift, height, factor)
        groups = -(-columns // LANES)
        in_parallel(short_kernel, groups, source, target, reversal(height), factors, table)
        return target
    width = max(LANES, 1 << (size.bit_length() - 1) // 2)
    while size // width > SHORT:
        width *= 2
    while width > height:
        width //= 2
    table = twiddles(max(SHORT, width, size // width), backward)
    factors = powers(pow(shift, width, MODULUS), height // width, factor)
    root = root_of_unity(size)
    root = pow(root, -1, MODULUS) if backward else root
    place = (np.uint64(montgomery(shift)), np.uint64(montgomery(root)))
    orders = (reversal(height // width), factors, reversal(width))
    in_parallel(long_kernel, columns, source, target, width, *orders, table, *place)
    return target


def interpolate(values: Elements) -> Elements:
    """Coefficients of the columns that have these values on the trace domain."""
    height = values.shape[1]
    return transform(values, height, 1, backward=True, factor=pow(height, -1, MODULUS))


def stack(values: Elements, width: int, size: int, shift: int, words: Elements) -> None:
    """Values of stacks of `width` parts at shift * w^i, into words[:, :size], from those of the parts at its powers."""
    table = twiddles(max(SHORT, width), False)
    place = (np.uint64(montgomery(shift)), np.uint64(montgomery(root_of_unity(size))))
    in_parallel(stack_kernel, words.shape[0], values, words, width, reversal(width), table, *place)
