"""Gadgets: the arithmetic of words as columns, constraints and lookups of a row.

Numbers are written with B = 2^13: limbs x0, x1, .. make X = x0 + B x1 + .. . Every equation on limbs is written so that
its value stays below p in size, so that it holds over the integers where it holds modulo p; the gate checks that for
the whole of every table. An identity of words then follows from its equations as a weighted sum (`certificates`).

Terms that a gadget returns have degree 1, so that they can be sent as messages.
"""

from collections.abc import Sequence
from typing import NamedTuple

from perp_hash.words import LIMBS
from perp_proofs.air.buses import RANGE, RANGE_TOP
from perp_proofs.air.sheet import Digits, Divided, Inverses, Sheet, Sign, Vanishes
from perp_proofs.air.tape import Term
from perp_proofs.air.words import BASE, TOP_SIZE, Interval, Shape, limbs_of, plus, shape_of, times

Limb = Term | int
"""A limb; an int is a constant of rows that count."""

PAIR = BASE * BASE
"""Equations on limbs are taken two by two: weight of the carry between two pairs."""


class Word(NamedTuple):
    """A word.

    Attributes:
        limbs: Five, lowest first.
        low: The least value it can have in an honest row.
        high: The greatest.
        shape: What the limbs are where they are canonical; None where they are a sum not yet carried.
    """

    limbs: tuple[Limb, ...]
    low: int
    high: int
    shape: Shape | None = None


def constant_word(value: int) -> Word:
    """A constant."""
    return Word(tuple(limbs_of(value, LIMBS)), value, value, shape_of(value, value))


def small_word(term: Limb, low: int, high: int) -> Word:
    """A small number: all of it in the lowest limb."""
    return Word((term, *(0,) * (LIMBS - 1)), low, high)


def scaled(word: Word, factor: int) -> Word:
    """A word times a constant."""
    low, high = times((factor, factor), (word.low, word.high))
    shape = word.shape
    if shape is not None and factor != 1:
        shape = Shape(shape.limbs, True) if factor == -1 else None
    return Word(tuple(limb if factor == 1 else limb * factor for limb in word.limbs), low, high, shape)


def added(sheet: Sheet, first: Word, second: Word) -> Word:
    """The sum of two words, not carried."""
    if all(is_nothing(limb) for limb in first.limbs):
        return second
    if all(is_nothing(limb) for limb in second.limbs):
        return first
    low, high = plus((first.low, first.high), (second.low, second.high))
    return Word(tuple(limb_sum(sheet, pair) for pair in zip(first.limbs, second.limbs, strict=True)), low, high)


def limb_sum(sheet: Sheet, limbs: Sequence[Limb]) -> Limb:
    """The sum of limbs; an int where all are."""
    numbers = [limb for limb in limbs if isinstance(limb, int)]
    return sum(numbers) if len(numbers) == len(limbs) else sheet.sum(limbs)


def is_nothing(limb: Limb) -> bool:
    """The limb is the constant 0."""
    return limb == 0 if isinstance(limb, int) else limb.value == 0


def used_limbs(limbs: Sequence[Limb]) -> int:
    """How many limbs there are up to the last that is not the constant 0."""
    return max((at + 1 for at, limb in enumerate(limbs) if not is_nothing(limb)), default=0)


def limbs_for(size: int) -> int:
    """How many limbs numbers of 0 to size - 1 need."""
    return max(-(-(size - 1).bit_length() // (BASE.bit_length() - 1)), 1)


# Equations on limbs


def carried(sheet: Sheet, name: str, limbs: Sequence[Limb]) -> Term:
    """Carry limbs upward two by two, until one or two are left; returns these as one number.

    X = x0 + B x1 is a multiple of B^2, Y = X / B^2 + x2 + B x3 is one, and so on. Each is one of few, by its interval;
    where it is not, the two limbs are carried one by one.
    """
    rest: Limb = 0
    for start in range(0, len(limbs) - 2, 2):
        pair = sheet.sum([rest, limbs[start], scaled_limb(limbs[start + 1], BASE)])
        if pair.value == 0:
            continue
        own = f"{name}.carry{start // 2}"
        low, high = sheet.interval(pair)
        low, high = -(-low // PAIR), high // PAIR
        if high - low < PAIR_VALUES:
            rest = sheet.member(own, pair, (low, high), PAIR)
        else:
            lower = carry_column(sheet, f"{own}.lower", sheet.sum([rest, limbs[start]]))
            rest = carry_column(sheet, f"{own}.upper", sheet.sum([lower, limbs[start + 1]]))
    last = limbs[2 * ((len(limbs) - 1) // 2) :]
    return sheet.sum([rest, *(scaled_limb(limb, BASE**index) for index, limb in enumerate(last))])


PAIR_VALUES = 17
"""Carries of a pair of limbs that are told apart by a set: more take more columns than two carries do."""


def carry_column(sheet: Sheet, name: str, term: Term) -> Term:
    """A column that B times is a term."""
    low, high = sheet.interval(term)
    low, width = -(-low // BASE), high // BASE - -(-low // BASE) + 1
    carry = sheet.column(name, enforced((low, low), width, low))
    sheet.plan.steps.append(Divided(sheet.number(carry), term.number, BASE))
    bound_width(sheet, name, carry, low, width)
    sheet.zero(name, term - carry * BASE)
    return carry


SET_SIZE = 5
"""Values that one constraint can tell a column to be one of."""


def enforced(below: Interval, width: int, lowest: Term | int) -> Interval:
    """What `bound_width` bounds a term to."""
    if width <= SET_SIZE and isinstance(lowest, int):
        return below[0], below[1] + width - 1
    parts = -(-width // BASE)
    most = parts * BASE - 1 if parts <= SET_SIZE else (parts + 1) * (BASE - 1)
    return below[0], below[1] + most


def bound_width(sheet: Sheet, name: str, term: Term, below: Term | int, width: int) -> None:
    """Demand that below <= term < below + about a width."""
    if width <= SET_SIZE and isinstance(below, int):
        sheet.member(name, term, (below, below + width - 1))
        return
    if width <= BASE:
        sheet.bound(term, below)
        return
    shifted = term - sheet.lifted(below)
    if width <= SET_SIZE * BASE:
        count = -(-width // BASE)
        part = sheet.column(f"{name}.part", (0, count - 1))
        sheet.plan.steps.append(Divided(sheet.number(part), shifted.number, BASE))
        sheet.member(f"{name}.part", part, (0, count - 1))
        sheet.bound(term, sheet.lifted(below) + part * BASE)
        return
    step = -(-width // BASE)
    part = sheet.column(f"{name}.part", (0, BASE - 1))
    sheet.plan.steps.append(Divided(sheet.number(part), shifted.number, step))
    sheet.bound(part)
    sheet.bound(term, sheet.lifted(below) + part * step)


def scaled_limb(limb: Limb, factor: int) -> Limb:
    """A limb times a constant."""
    return limb * factor


def demand_zero(sheet: Sheet, name: str, word: Word) -> None:
    """Demand that a sum is 0."""
    sheet.zero(name, carried(sheet, name, word.limbs[: max(used_limbs(word.limbs), 1)]))


def look_up_limb(sheet: Sheet, limb: Term, size: int, sign: Term | None) -> None:
    """Demand that a limb is below a size, and its negative where the sign is 1."""
    below: Limb = 0 if sign is None else sign * -(size - 1)
    sheet.bound(limb, below, RANGE_TOP if size == TOP_SIZE else RANGE)


def digits(sheet: Sheet, name: str, limbs: Sequence[Limb], sizes: Sequence[int], sign: Term | None) -> list[Term]:
    """Limbs below some sizes, all negative where the sign is 1: they make the same number as other limbs.

    One of them is no column but what the others leave: the highest, or of an even number the last but one.
    """
    count = len(sizes)
    free = -1 if used_limbs(limbs) > count else count - 2 + count % 2
    made: list[Limb] = [
        0 if at == free else sheet.column(f"{name}.{at}", (-(size - 1) if sign is not None else 0, size - 1))
        for at, size in enumerate(sizes)
    ]
    columns = tuple(sheet.number(limb) if isinstance(limb, Term) else -1 for limb in made)
    if set(columns) != {-1}:
        sheet.plan.steps.append(Digits(columns, tuple(sheet.lifted(limb).number for limb in limbs)))
    for limb, size in zip(made, sizes, strict=True):
        if isinstance(limb, Term):
            look_up_limb(sheet, limb, size, sign)
    padded = [*made, *(0,) * (len(limbs) - count)]
    differences = [
        limb_sum(sheet, (limb, scaled_limb(digit, -1)))
        for limb, digit in zip((*limbs, *(0,) * (count - len(limbs))), padded, strict=True)
    ]
    differences = differences[: max(used_limbs(differences), count)]
    rest = carried(sheet, name, differences)
    if free == -1:
        sheet.zero(name, rest)
    else:
        look_up_limb(sheet, rest, sizes[free], sign)
        made[free] = rest
    return [sheet.lifted(limb) for limb in made]


def normalise(sheet: Sheet, name: str, word: Word, shape: Shape) -> Word:
    """The canonical limbs of a sum."""
    sign = None
    if shape.signed:
        sign = sheet.bit(f"{name}.sign")
        sheet.plan.steps.append(Sign(sheet.number(sign), tuple(sheet.lifted(limb).number for limb in word.limbs)))
    sizes = [shape.size(at) for at in range(shape.limbs)]
    made = digits(sheet, name, word.limbs, sizes, sign)
    return Word((*made, *(0,) * (LIMBS - shape.limbs)), word.low, word.high, shape)


# Comparisons


def demand_not_negative(sheet: Sheet, name: str, word: Word) -> list[Term]:
    """Demand that a sum is at least 0: it has digits, which are returned."""
    count = max(limbs_for(max(word.high, 0) + 1), used_limbs(word.limbs))
    return digits(sheet, name, word.limbs, [BASE] * count, None)


class Compared(NamedTuple):
    """A bit, and the digits that bear it out."""

    bit: Term
    digits: list[Term]


def at_most_zero(sheet: Sheet, name: str, word: Word) -> Compared:
    """A bit: a sum is at most 0. bit * B^m + sum - 1 has m digits; where the bit is wrong it is < 0 or >= B^m."""
    count = max(limbs_for(max(word.high, 1 - word.low)), used_limbs(word.limbs))
    less = [*word.limbs, *(0,) * (count - len(word.limbs))]
    less[0] = limb_sum(sheet, (less[0], -1))
    bit = sheet.bit(name)
    sheet.plan.steps.append(Sign(sheet.number(bit), tuple(sheet.lifted(limb).number for limb in less)))
    less[count - 1] = limb_sum(sheet, (less[count - 1], bit * BASE))
    return Compared(bit, digits(sheet, f"{name}.less", less, [BASE] * count, None))


SUM_STEPS = 5
"""A sum of the limbs of a word is below five times 2^13 in size."""


def at_most_canonical(sheet: Sheet, name: str, word: Word, factor: int, constant: int) -> Term:
    """A bit: factor * word + constant <= 0, for canonical limbs and a constant of 0 or 1.

    Limbs have one sign, so their sum has that of the word and is 0 only where it is: sum + constant <= 0 says the same.
    """
    less = limb_total(sheet, word, factor) + sheet.constant(constant - 1)
    bit = sheet.bit(name)
    sheet.plan.steps.append(Sign(sheet.number(bit), (less.number,)))
    demand_limb_total(sheet, name, less + bit * (SUM_STEPS * BASE))
    return bit


def limb_total(sheet: Sheet, word: Word, factor: int) -> Term:
    """The sum of canonical limbs, with the sign of a factor: it is above, at or below 0 as the word times it is."""
    return sheet.sum([scaled_limb(limb, 1 if factor > 0 else -1) for limb in word.limbs])


def demand_limb_total(sheet: Sheet, name: str, total: Term) -> None:
    """Demand that a sum of limbs is at least 0."""
    part = sheet.column(f"{name}.part", (0, SUM_STEPS - 1))
    sheet.plan.steps.append(Divided(sheet.number(part), total.number, BASE))
    sheet.member(f"{name}.part", part, (0, SUM_STEPS - 1))
    sheet.look_up(total - part * BASE)


def differences(sheet: Sheet, first: Word, second: Word) -> list[Term]:
    """Terms that are all 0 just where two canonical words are equal: limbs taken two by two."""
    limbs = [limb_sum(sheet, (a, scaled_limb(b, -1))) for a, b in zip(first.limbs, second.limbs, strict=True)]
    pairs = [(limbs[at], scaled_limb(limbs[at + 1], BASE) if at + 1 < LIMBS else 0) for at in range(0, LIMBS, 2)]
    return [sheet.sum(pair) for pair in pairs if not all(is_nothing(limb) for limb in pair)]


def all_zero(sheet: Sheet, name: str, terms: Sequence[Term]) -> Term:
    """A bit: all terms are 0. Where it is 1 they are, and else witnesses w say that one is not: sum of w * term = 1."""
    bit = sheet.bit(name)
    sheet.plan.steps.append(Vanishes(sheet.number(bit), tuple(term.number for term in terms)))
    for at, term in enumerate(terms):
        sheet.zero(f"{name}.zero{at}", bit * term)
    demand_some(sheet, name, terms, sheet.active - bit)
    return bit


def demand_some(sheet: Sheet, name: str, terms: Sequence[Term], wanted: Term) -> None:
    """Demand that some term is not 0 where a bit is 1: a combination of them is that bit."""
    witnesses = [sheet.element(f"{name}.witness{at}") for at in range(len(terms))]
    numbers = tuple(sheet.number(witness) for witness in witnesses)
    sheet.plan.steps.append(Inverses(numbers, tuple(term.number for term in terms)))
    combined = sheet.sum([witness * term for witness, term in zip(witnesses, terms, strict=True)])
    sheet.zero(f"{name}.some", combined - wanted, modular=True)


# Choices


def choose_word(sheet: Sheet, name: str, condition: Term, yes: Word, no: Word, inner: bool = False) -> Word:
    """One of two words; `inner` as for a choice of terms."""
    limbs = tuple(
        sheet.choose(f"{name}.{at}", condition, one, other, inner)
        for at, (one, other) in enumerate(zip(yes.limbs, no.limbs, strict=True))
    )
    shape = None
    if yes.shape is not None and no.shape is not None:
        shape = Shape(max(yes.shape.limbs, no.shape.limbs), yes.shape.signed or no.shape.signed)
    return Word(limbs, min(yes.low, no.low), max(yes.high, no.high), shape)
