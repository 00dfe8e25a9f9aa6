"""Openings of columns out of the domain, and the batch of all words and their quotients, on coefficients."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from perp_proofs.stark.arithmetic import (
    LANES,
    TWO_P_SQUARED,
    Elements,
    add,
    extension_powers,
    extension_product,
    montgomery_element,
    reduce_product,
    wide,
)
from perp_proofs.stark.threads import in_parallel
from perp_proofs.verifier.field import DEGREE, Element
from perp_proofs.verifier.plan import Block

SEGMENT = 4096
"""Coefficients of a part that one piece of work combines."""


@njit(cache=True, nogil=True)
def open_kernel(start, stop, coefficients, powers, result):
    """result[row] = sum of coefficients[row][i] * powers[.][i], for rows of pieces."""
    length = coefficients.shape[1]
    sums = np.empty(DEGREE * LANES, np.uint64)
    for row in range(start, stop):
        source = coefficients[row]
        sums[:] = 0
        for first in range(0, length, LANES):
            count = min(LANES, length - first)
            for j in range(DEGREE):
                factors = powers[j]
                for lane in range(count):
                    total = sums[j * LANES + lane] + wide(np.uint64(source[first + lane]), factors[first + lane])
                    sums[j * LANES + lane] = min(total, total - TWO_P_SQUARED)
        for j in range(DEGREE):
            total = np.uint64(0)
            for lane in range(LANES):
                total = add(total, reduce_product(sums[j * LANES + lane]))
            result[row, j] = total


def open_columns(coefficients: Elements, pieces: int, point: Element) -> Elements:
    """The values of all pieces of columns at a point, as [column * pieces + piece][5]."""
    rows = coefficients.reshape(coefficients.shape[0] * pieces, -1)
    powers = np.ascontiguousarray(extension_powers(point, rows.shape[1]).T)
    result = np.empty((rows.shape[0], DEGREE), np.uint32)
    in_parallel(open_kernel, rows.shape[0], rows, powers, result)
    return result


@njit(cache=True, nogil=True)
def combine_kernel(start, stop, pieces, width, weights, sums):
    """sums[part][j][i] += weights[stack][j] * pieces[stack * width + part][i], unreduced, by segments of parts."""
    slots, length = pieces.shape
    segments = (length + SEGMENT - 1) // SEGMENT
    for item in range(start, stop):
        part, segment = item // segments, item % segments
        begin, end = segment * SEGMENT, min((segment + 1) * SEGMENT, length)
        for slot in range(part, slots, width):
            source = pieces[slot]
            for j in range(DEGREE):
                factor, target = weights[slot // width, j], sums[part, j]
                for index in range(begin, end):
                    total = target[index] + wide(factor, np.uint64(source[index]))
                    target[index] = min(total, total - TWO_P_SQUARED)


@njit(cache=True, nogil=True)
def divide_kernel(start, stop, sums, point, weight, result):
    """result += f + weight * (f - V) / (X^width - point), f being the sum; result[j][part + width * i]."""
    width, length = sums.shape[0], sums.shape[2]
    stride = result.shape[1] // length
    f = np.empty(DEGREE, np.uint64)
    for part in range(start, min(stop, width)):
        q0 = q1 = q2 = q3 = q4 = np.uint64(0)
        for index in range(length - 1, -1, -1):
            w0, w1, w2, w3, w4 = extension_product(
                q0, q1, q2, q3, q4, weight[0], weight[1], weight[2], weight[3], weight[4]
            )
            for j in range(DEGREE):
                f[j] = reduce_product(sums[part, j, index])
            place = part + stride * index
            result[0, place] = add(np.uint64(result[0, place]), add(f[0], w0))
            result[1, place] = add(np.uint64(result[1, place]), add(f[1], w1))
            result[2, place] = add(np.uint64(result[2, place]), add(f[2], w2))
            result[3, place] = add(np.uint64(result[3, place]), add(f[3], w3))
            result[4, place] = add(np.uint64(result[4, place]), add(f[4], w4))
            q0, q1, q2, q3, q4 = extension_product(q0, q1, q2, q3, q4, point[0], point[1], point[2], point[3], point[4])
            q0, q1, q2, q3, q4 = add(q0, f[0]), add(q1, f[1]), add(q2, f[2]), add(q3, f[3]), add(q4, f[4])


@njit(cache=True, nogil=True)
def divide_at_zero_kernel(start, stop, sums, weight, result):
    """result += weight * (f - V) / X^width."""
    width, length = sums.shape[0], sums.shape[2]
    stride = result.shape[1] // length
    f = np.empty(DEGREE, np.uint64)
    for part in range(start, min(stop, width)):
        for index in range(1, length):
            for j in range(DEGREE):
                f[j] = reduce_product(sums[part, j, index])
            w = extension_product(f[0], f[1], f[2], f[3], f[4], weight[0], weight[1], weight[2], weight[3], weight[4])
            place = part + stride * (index - 1)
            for j in range(DEGREE):
                result[j, place] = add(np.uint64(result[j, place]), w[j])


class BatchSums:
    """The sums of weighted words of one width, as parts: [part][5][coefficient], not reduced."""

    def __init__(self, width: int, length: int, parts: int) -> None:
        self.width = width
        self.sums = np.zeros((parts, DEGREE, length), np.uint64)

    def add(self, block: Block, coefficients: Elements, weights: NDArray[np.uint64]) -> None:
        """Add the words of a block."""
        pieces = coefficients.reshape(block.slots, -1)
        segments = -(-pieces.shape[1] // SEGMENT)
        items = min(self.width, block.slots) * segments
        own = np.ascontiguousarray(weights[block.first_stack : block.first_stack + block.stacks])
        in_parallel(combine_kernel, items, pieces, self.width, own, self.sums)

    def divide_at_zero(self, weight: Element, result: Elements) -> None:
        """Add the quotients at 0 to the batch."""
        in_parallel(divide_at_zero_kernel, len(self.sums), self.sums, montgomery_element(weight), result)

    def divide(self, point: Element, weight: Element, result: Elements) -> None:
        """Add the words and their quotients at the point to the batch."""
        factors = (montgomery_element(point), montgomery_element(weight))
        in_parallel(divide_kernel, len(self.sums), self.sums, *factors, result)
