"""The KoalaBear field: integers modulo p = 2^31 - 2^24 + 1, always written as 0 <= x < p."""

from collections.abc import Sequence

MODULUS = 2**31 - 2**24 + 1
"""2130706433. A prime for which cubing is a bijection: 3 does not divide p - 1 = 2^24 * 127."""

ELEMENT_BITS = 31
"""Bits of the largest element; p > 2^30, so no fewer are enough."""


def check_elements(elements: Sequence[int], what: str) -> None:
    """Raise ValueError unless every item is an int with 0 <= item < p. `what` names the items in the message.

    Booleans and integers of other libraries are refused too: they would hash like, or overflow unlike, plain integers.
    """
    for index, element in enumerate(elements):
        if type(element) is not int or not 0 <= element < MODULUS:
            raise ValueError(f"{what} {index} is not a canonical field element: {element!r}")


def to_signed(element: int) -> int:
    """The representative of a canonical element nearest to zero: -(p - 1)/2 <= result <= (p - 1)/2."""
    return element if element <= MODULUS // 2 else element - MODULUS
