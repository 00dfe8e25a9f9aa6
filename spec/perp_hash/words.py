"""Words as field elements. A word is an integer with |v| <= 2^63 - 1.

Limbs: |v| in base 2^13, five digits, the top one below 2^11, and every digit takes the sign of v. Each word has exactly
one such form and each such form is a word; -v is the negated limbs. Proofs compute with limbs.

For hashing, limbs are joined: (l0 + 2^13 l1, l2 + 2^13 l3, l4), each sum modulo p. The sums stay below 2^26 and p/2 in
size, so nothing wraps and the limbs can be read back. Sums are linear in the limbs: a proof gets the hashed elements
from the limbs it has, without a column or a range check more, which no packing by bits or by an offset of 2^63 could
do (the offset carries). Two words share an element for their top limbs, l4 + 2^12 m4, unique since |l4| < 2^11 of
whatever sign; so two words are five elements, and three words are the eight that one permutation takes in.
"""

from collections.abc import Sequence

from perp_hash.field import MODULUS, check_elements, to_signed

LIMB_BITS = 13
"""A product of two limbs has 26 bits, so that sums of several stay below p."""

LIMBS = 5

LARGEST_WORD = 2**63 - 1
"""Symmetric, unlike the usual 64-bit range: the negative of a word is a word."""

TOP_LIMB_BITS = LARGEST_WORD.bit_length() - LIMB_BITS * (LIMBS - 1)

TOP_SHIFT = TOP_LIMB_BITS + 1
"""Bits from one top limb to the next in a shared element: the size and a sign."""

ELEMENTS_A_WORD = 3

ELEMENTS_A_PAIR = 5


def word_limbs(word: int) -> tuple[int, ...]:
    """The five limbs of a word, lowest first, as signed integers. Raises ValueError unless |word| <= 2^63 - 1."""
    if type(word) is not int or abs(word) > LARGEST_WORD:
        raise ValueError(f"not a word: {word!r}")
    sign = -1 if word < 0 else 1
    mask = (1 << LIMB_BITS) - 1
    return tuple(sign * (abs(word) >> LIMB_BITS * index & mask) for index in range(LIMBS))


def word_from_limbs(limbs: Sequence[int]) -> int:
    """The inverse of word_limbs. Raises ValueError for limbs that are not five, too large, or of both signs."""
    word = sum(limb << LIMB_BITS * index for index, limb in enumerate(limbs))
    if abs(word) > LARGEST_WORD or tuple(limbs) != word_limbs(word):
        raise ValueError(f"not the limbs of a word: {tuple(limbs)!r}")
    return word


def word_elements(word: int) -> tuple[int, ...]:
    """The three elements a word is hashed as. Raises ValueError unless |word| <= 2^63 - 1."""
    return words_elements((word,))


def words_elements(words: Sequence[int]) -> tuple[int, ...]:
    """The elements that several words are hashed as: five for every two words, three for a last single one.

    For limbs l of the first and m of the second: l0 + 2^13 l1, l2 + 2^13 l3, m0 + 2^13 m1, m2 + 2^13 m3, l4 + 2^12 m4;
    for the single one l0 + 2^13 l1, l2 + 2^13 l3, l4. Raises ValueError unless all |word| <= 2^63 - 1.
    """
    elements: list[int] = []
    for start in range(0, len(words), 2):
        top = 0
        for index, word in enumerate(words[start : start + 2]):
            limbs = word_limbs(word)
            elements += limbs[0] + (limbs[1] << LIMB_BITS), limbs[2] + (limbs[3] << LIMB_BITS)
            top += limbs[4] << TOP_SHIFT * index
        elements.append(top)
    return tuple(element % MODULUS for element in elements)


def split_signed(value: int, bits: int) -> tuple[int, int]:
    """Quotient and remainder of a division by 2^bits that rounds toward zero, remainder first."""
    size = abs(value)
    sign = -1 if value < 0 else 1
    return sign * (size & (1 << bits) - 1), sign * (size >> bits)


def split_tops(value: int, count: int) -> tuple[int, ...]:
    """The top limbs that share an element. Any element is split; wrong ones fail when the words are put together."""
    if count == 1:
        return (value,)
    second = (value + (1 << TOP_LIMB_BITS)) >> TOP_SHIFT
    return value - (second << TOP_SHIFT), second


def words_from_elements(elements: Sequence[int]) -> tuple[int, ...]:
    """The inverse of words_elements. Raises ValueError for elements that it does not produce."""
    check_elements(elements, "element")
    words: list[int] = []
    for start in range(0, len(elements), ELEMENTS_A_PAIR):
        *joined, top = (to_signed(element) for element in elements[start : start + ELEMENTS_A_PAIR])
        if len(joined) not in (ELEMENTS_A_WORD - 1, ELEMENTS_A_PAIR - 1):
            raise ValueError(f"{len(elements)} elements are no whole number of words")
        for index, last in enumerate(split_tops(top, len(joined) // 2)):
            lower = [limb for value in joined[2 * index : 2 * index + 2] for limb in split_signed(value, LIMB_BITS)]
            words.append(word_from_limbs((*lower, last)))
    return tuple(words)
