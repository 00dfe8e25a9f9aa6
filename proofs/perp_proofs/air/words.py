"""Words as limbs: shapes of words, and which limbs a range of words can have.

A word |v| <= 2^63 - 1 is five limbs of base 2^13 of one sign, the top one below 2^11. Where a value cannot need all of
them, it has fewer; where it cannot be negative, its limbs are not.
"""

from collections.abc import Sequence
from typing import NamedTuple

from perp_hash.words import LIMB_BITS, LIMBS, TOP_LIMB_BITS

BASE = 1 << LIMB_BITS
"""Of the limbs. With limbs of 15 or 16 bits the equation of a product would wrap."""

TOP_SIZE = 1 << TOP_LIMB_BITS
"""The top limb of a word is below this."""

Interval = tuple[int, int]
"""Least and greatest value."""


class Shape(NamedTuple):
    """What the limbs of a word may be.

    Attributes:
        limbs: How many there are; all others are zero.
        signed: They may be negative, all together.
    """

    limbs: int
    signed: bool

    def size(self, limb: int) -> int:
        """What the size of a limb is below."""
        return TOP_SIZE if limb == LIMBS - 1 else BASE

    def bounds(self, limb: int) -> Interval:
        """The values of a limb."""
        if limb >= self.limbs:
            return 0, 0
        largest = self.size(limb) - 1
        return (-largest if self.signed else 0), largest

    def holds(self, other: "Shape") -> bool:
        """Every word of the other shape is one of this."""
        return other.limbs <= self.limbs and self.signed >= other.signed


WHOLE = Shape(LIMBS, True)


def shape_of(low: int, high: int) -> Shape:
    """The least shape that holds all words of a range."""
    size = max(-low, high, 1)
    return Shape(min(-(-size.bit_length() // LIMB_BITS), LIMBS), low < 0)


def limbs_of(value: int, count: int) -> list[int]:
    """The limbs of a number, lowest first, all of its sign. Raises ValueError if they are not enough."""
    sign, rest = (-1, -value) if value < 0 else (1, value)
    limbs: list[int] = []
    for _ in range(count):
        limbs.append(sign * (rest % BASE))
        rest //= BASE
    if rest:
        raise ValueError(f"{value} has more than {count} limbs")
    return limbs


def number_of(limbs: Sequence[int]) -> int:
    """The number that limbs of any size make."""
    return sum(limb * BASE**index for index, limb in enumerate(limbs))


def limb_range(low: int, high: int, limb: int) -> Interval:
    """The values that a limb of a number in a range can have."""
    return (
        -min(-low >> LIMB_BITS * limb, BASE - 1) if low < 0 else 0,
        min(high >> LIMB_BITS * limb, BASE - 1) if high > 0 else 0,
    )


def times(first: Interval, second: Interval) -> Interval:
    """The products of two intervals."""
    products = [a * b for a in first for b in second]
    return min(products), max(products)


def plus(first: Interval, second: Interval) -> Interval:
    """The sums of two intervals."""
    return first[0] + second[0], first[1] + second[1]


def hull(first: Interval, second: Interval) -> Interval:
    """The least interval with both."""
    return min(first[0], second[0]), max(first[1], second[1])


def within(inner: Interval, outer: Interval) -> bool:
    """The first interval lies in the second."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]
