"""Field arithmetic inside compiled kernels.

Elements are below p, held in 64 bits while they are worked on. A product with a factor in Montgomery form, times 2^32
modulo p, is the plain product: so only constants and challenges are kept in that form. Reductions are min(x, x - p):
for x < p the difference wraps around, and loops vectorise. 4 p^2 < 2^64: a sum holds four products, and
min(x, x - 2 p^2) makes room again.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from perp_hash.field import MODULUS
from perp_proofs.verifier.field import DEGREE, Element

Elements = NDArray[np.uint32]

LANES = 16
"""Columns or rows that are worked on side by side: a vector of 64 bytes."""

RADIX = 2**32

P = np.uint64(MODULUS)
P32 = np.uint32(MODULUS)
TWO_P_SQUARED = np.uint64(2 * MODULUS**2)
NEGATIVE_INVERSE = np.uint64(pow(-MODULUS, -1, RADIX))
INVERSE_32 = np.uint32(pow(MODULUS, -1, RADIX))
SQUARED_RADIX = np.uint64(RADIX**2 % MODULUS)
LOW_32 = np.uint64(RADIX - 1)
BITS_32 = np.uint64(32)
MONTGOMERY_ONE = np.uint64(RADIX % MODULUS)


def montgomery(value: int) -> int:
    """A base element in Montgomery form."""
    return value * RADIX % MODULUS


def montgomery_element(element: Element) -> NDArray[np.uint64]:
    """An extension element in Montgomery form, as five numbers."""
    return np.array([montgomery(value) for value in element], np.uint64)


@njit(forceinline=True)
def wide(a, b):
    """a * b of two elements, in 64 bits. The masks cost nothing and let the compiler multiply 32 by 32 bits."""
    return (a & LOW_32) * (b & LOW_32)


@njit(forceinline=True)
def reduce_product(value):
    """value / 2^32 modulo p, for value < 2^32 p."""
    quotient = ((value & LOW_32) * NEGATIVE_INVERSE) & LOW_32
    result = (value + quotient * P) >> BITS_32
    return min(result, result - P)


@njit(forceinline=True)
def add(a, b):
    """a + b."""
    total = a + b
    return min(total, total - P)


@njit(forceinline=True)
def subtract(a, b):
    """a - b."""
    difference = a - b
    return min(difference, difference + P)


@njit(forceinline=True)
def product(a, b):
    """a * b / 2^32."""
    return reduce_product(wide(a, b))


@njit(forceinline=True)
def short_sum(a, b):
    """a + b, in 32 bits: a vector holds twice as many."""
    total = np.uint32(a + b)
    return min(total, np.uint32(total - P32))


@njit(forceinline=True)
def short_difference(a, b):
    """a - b, in 32 bits."""
    difference = np.uint32(a - b)
    return min(difference, np.uint32(difference + P32))


@njit(forceinline=True)
def short_product(a, factor):
    """a * factor / 2^32, a in 32 bits and factor in 64: the high halves of two products are subtracted."""
    value = wide(np.uint64(a), factor)
    quotient = np.uint64(np.uint32(np.uint32(value) * INVERSE_32))
    return short_difference(np.uint32(value >> BITS_32), np.uint32((quotient * P) >> BITS_32))


@njit(forceinline=True)
def five(a0, b0, a1, b1, a2, b2, a3, b3, a4, b4):
    """The sum of five products, divided by 2^32."""
    total = wide(a0, b0) + wide(a1, b1) + wide(a2, b2) + wide(a3, b3)
    total = min(total, total - TWO_P_SQUARED) + wide(a4, b4)
    return reduce_product(min(total, total - TWO_P_SQUARED))


@njit(forceinline=True)
def extension_product(a0, a1, a2, a3, a4, b0, b1, b2, b3, b4):
    """a * b / 2^32 in the extension: a times the matrix of b, whose columns are b x^j, x^5 = 1 - x^2."""
    b14 = subtract(b1, b4)
    b03 = subtract(b0, b3)
    b42 = subtract(b4, b2)
    last = subtract(b3, b14)
    return (
        five(a0, b0, a1, b4, a2, b3, a3, b2, a4, b14),
        five(a0, b1, a1, b0, a2, b4, a3, b3, a4, b2),
        five(a0, b2, a1, b14, a2, b03, a3, b42, a4, last),
        five(a0, b3, a1, b2, a2, b14, a3, b03, a4, b42),
        five(a0, b4, a1, b3, a2, b2, a3, b14, a4, b03),
    )


@njit(cache=True, nogil=True)
def powers_kernel(base, first, result):
    """first * base^i, base and first in Montgomery form, so the powers are too."""
    value = first
    for index in range(result.size):
        result[index] = value
        value = product(value, base)


def powers(base: int, count: int, first: int = 1) -> NDArray[np.uint64]:
    """first * base^i in Montgomery form."""
    result = np.empty(count, np.uint64)
    powers_kernel(np.uint64(montgomery(base)), np.uint64(montgomery(first)), result)
    return result


@njit(cache=True, nogil=True)
def extension_powers_kernel(base, result):
    """base^i in Montgomery form, as [i][5]."""
    for j in range(DEGREE):
        result[0, j] = MONTGOMERY_ONE if j == 0 else np.uint64(0)
    for index in range(1, result.shape[0]):
        r = result[index - 1]
        c = extension_product(r[0], r[1], r[2], r[3], r[4], base[0], base[1], base[2], base[3], base[4])
        for j in range(DEGREE):
            result[index, j] = c[j]


def extension_powers(base: Element, count: int) -> NDArray[np.uint64]:
    """base^i in Montgomery form, as [count][5]."""
    result = np.empty((max(count, 1), DEGREE), np.uint64)
    extension_powers_kernel(montgomery_element(base), result)
    return result[:count]
