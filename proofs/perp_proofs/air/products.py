"""Gadgets for products: exact multiplication, division with its remainder, comparison of products.

The coefficient of B^k in a * b is P_k, the sum of a_i b_j with i + j = k. From the lowest up, each equation leaves a
carry: P_k + .. + carry_k = B carry_(k+1). The limbs of a word have one sign, so all P_k have that of the product, and
what is left of an honest equation is bounded by the greater side, not by the sum of both.
"""

from collections.abc import Sequence
from typing import NamedTuple

from perp_hash.words import LIMBS
from perp_proofs.air.gadgets import (
    Compared,
    Limb,
    Word,
    bound_width,
    demand_not_negative,
    enforced,
    is_nothing,
    limb_sum,
    limbs_for,
    look_up_limb,
    scaled_limb,
    used_limbs,
)
from perp_proofs.air.sheet import Borrow, Computed, Divided, Part, Sheet, ValueSign
from perp_proofs.air.sheet import Limb as LimbOf
from perp_proofs.air.tape import Term
from perp_proofs.air.words import BASE, Interval, Shape, limb_range, number_of, plus, shape_of, times


class Product(NamedTuple):
    """The coefficients of a product of two canonical words, and what each can be in an honest row."""

    terms: list[Limb]
    ranges: list[Interval]


def product(sheet: Sheet, first: Word, second: Word) -> Product:
    """The coefficients of a product."""
    count = used_limbs(first.limbs) + used_limbs(second.limbs) - 1
    terms: list[list[Limb]] = [[] for _ in range(max(count, 1))]
    ranges: list[Interval] = [(0, 0)] * len(terms)
    for i, a in enumerate(first.limbs):
        for j, b in enumerate(second.limbs):
            if is_nothing(a) or is_nothing(b):
                continue
            terms[i + j].append(limb_product(a, b))
            bounds = times(limb_range(first.low, first.high, i), limb_range(second.low, second.high, j))
            ranges[i + j] = plus(ranges[i + j], bounds)
    return Product([limb_sum(sheet, parts) for parts in terms], ranges)


def limb_product(first: Limb, second: Limb) -> Limb:
    """The product of two limbs; a constant is a factor."""
    return second * first if isinstance(first, int) else first * second


def carry_ranges(ranges: Sequence[Interval]) -> list[Interval]:
    """What is carried out of each equation, from what each equation's term can be."""
    low = high = 0
    found: list[Interval] = []
    for at, (least, greatest) in enumerate(ranges):
        low += least * BASE**at
        high += greatest * BASE**at
        found.append((low // BASE ** (at + 1), -(-high // BASE ** (at + 1))))
    return found


def padded(ranges: Sequence[Interval], count: int) -> list[Interval]:
    """Ranges of so many equations."""
    return [*ranges, *[(0, 0)] * (count - len(ranges))][:count]


def of_one_sign(first: Interval, second: Interval) -> Interval:
    """What the difference of two numbers of one sign can be: no further from 0 than one of them."""
    return min(first[0], -second[1]), max(first[1], -second[0])


class Carrier:
    """Equations from the lowest up, each with its carry."""

    def __init__(self, sheet: Sheet, name: str, sign: Term | None = None) -> None:
        self.sheet = sheet
        self.name = name
        self.sign = sign
        self.carry: Limb = 0

    def equation(self, at: int, term: Limb, bounds: Interval | None) -> None:
        """Demand that a term and the carry are B times the next carry, or 0 where there is none."""
        total = self.sheet.sum([term, self.carry])
        if bounds is None or bounds == (0, 0):
            self.sheet.zero(f"{self.name}.equation{at}", total)
            self.carry = 0
            return
        self.carry = self.column(at, total, bounds)
        self.sheet.zero(f"{self.name}.equation{at}", total - self.carry * BASE)

    def column(self, at: int, total: Term, bounds: Interval) -> Term:
        """The carry out of an equation. Where its sign is a column it is only as wide as one side."""
        sheet, name = self.sheet, f"{self.name}.carry{at + 1}"
        low, high = bounds
        below: Term | int = low
        width = high - low + 1
        if self.sign is not None and low < 0:
            size = max(-low, high)
            below, width = self.sign * -size, size + 1
        carry = sheet.column(name, enforced(sheet.interval(below), width, below))
        sheet.plan.steps.append(Divided(sheet.number(carry), total.number, BASE))
        bound_width(sheet, name, carry, below, width)
        return carry


def value_word(sheet: Sheet, name: str, source: int, low: int, high: int) -> tuple[Word, Term | None]:
    """A value of the listing as canonical limbs that are columns, and the column of its sign if it has one."""
    shape = shape_of(low, high)
    sign = None
    if shape.signed:
        sign = sheet.bit(f"{name}.sign")
        # The sign of zero is free here: nobody but the limbs and carries of this gadget reads it.
        sheet.plan.steps.append(ValueSign(sheet.number(sign), source))
    limbs: list[Limb] = []
    for at in range(shape.limbs):
        limb = sheet.column(f"{name}.{at}", shape.bounds(at))
        sheet.plan.steps.append(LimbOf(sheet.number(limb), source, at))
        look_up_limb(sheet, limb, shape.size(at), sign)
        limbs.append(limb)
    return Word((*limbs, *(0,) * (LIMBS - shape.limbs)), low, high, shape), sign


def multiply(sheet: Sheet, name: str, first: Word, second: Word, source: int, low: int, high: int) -> Word:
    """first * second = word, for canonical words whose product is a word.

    All coefficients have the sign of the product, so those beyond the limbs of the product are 0 where their sum is.
    """
    parts = product(sheet, first, second)
    word, sign = value_word(sheet, name, source, low, high)
    count = used_limbs(word.limbs)
    bounds = carry_ranges(padded(parts.ranges, count))
    carrier = Carrier(sheet, name, sign)
    for at in range(count):
        term = parts.terms[at] if at < len(parts.terms) else 0
        rest = limb_sum(sheet, (term, scaled_limb(word.limbs[at], -1)))
        carrier.equation(at, rest, bounds[at] if at < count - 1 else None)
    beyond = [term for term in parts.terms[count:] if not is_nothing(term)]
    if beyond:
        sheet.zero(f"{name}.beyond", sheet.sum(beyond))
    return word


class Division(NamedTuple):
    """What a division is of: a * b = q * c + r with 0 <= r < c, or q * c - r where it rounds up."""

    code: str
    first: Word
    second: Word
    divisor: Word
    source: int
    quotient: Interval
    """Number of the quotient in the listing, that of the remainder is the next; and what an honest quotient can be."""


def divide(sheet: Sheet, name: str, of: Division) -> tuple[Word, Word]:
    """The quotient, canonical, and the remainder.

    The sum of the equations: a * b - q * c - r = 0, or + r. Quotient and remainder are unique since 0 <= r < c.
    Coefficients of one product have one sign, so those that an honest division does not need are 0 where their sum is.
    """
    word, _ = value_word(sheet, f"{name}.q", of.source, *of.quotient)
    remainder = bounded_remainder(sheet, f"{name}.r", of.divisor, of.source + 1)
    one = product(sheet, of.first, of.second)
    other = product(sheet, word, of.divisor)
    sign = -1 if of.code == "floor" else 1
    left = [limb_sum(sheet, (scaled_limb(limb, sign),)) for limb in remainder.limbs]
    count = min(max(len(one.terms), len(other.terms), used_limbs(left)), division_limbs(of))
    for part, terms in (("product", one.terms), ("divisor", other.terms)):
        beyond = [term for term in terms[count:] if not is_nothing(term)]
        if beyond:
            sheet.zero(f"{name}.beyond.{part}", sheet.sum(beyond))
    bounds = division_bounds(one, other, remainder, sign, count)
    carrier = Carrier(sheet, name)
    for at in range(count):
        terms = [
            one.terms[at] if at < len(one.terms) else 0,
            scaled_limb(other.terms[at], -1) if at < len(other.terms) else 0,
            left[at] if at < len(left) else 0,
        ]
        carrier.equation(at, limb_sum(sheet, terms), bounds[at] if at < count - 1 else None)
    return word, remainder


def division_limbs(of: Division) -> int:
    """How many limbs the products of an honest division have: coefficients beyond are 0, since they have one sign."""
    rest = max(of.divisor.high, 1)
    product = max(map(abs, times((of.first.low, of.first.high), (of.second.low, of.second.high))))
    quotient = max(map(abs, times(of.quotient, (of.divisor.low, of.divisor.high))))
    return limbs_for(min(product, quotient) + rest + 1)


def division_bounds(one: Product, other: Product, remainder: Word, sign: int, count: int) -> list[Interval]:
    """What is carried out of each equation of a division: both products have one sign."""
    limbs = used_limbs(remainder.limbs)
    rest = [limb_range(0, remainder.high, at) for at in range(limbs)] if limbs > 1 else [(0, remainder.high)]
    parts = zip(
        carry_ranges(padded(one.ranges, count)),
        carry_ranges(padded(other.ranges, count)),
        carry_ranges(padded(rest, count)),
        strict=True,
    )
    return [plus(of_one_sign(first, second), times((sign, sign), rest)) for first, second, rest in parts]


def bounded_remainder(sheet: Sheet, name: str, divisor: Word, source: int) -> Word:
    """A value r of the listing with 0 <= r < divisor."""
    # A divisor is the constant that it is in the row, not the one value that some table may have declared for it.
    constants = [limb for limb in divisor.limbs if isinstance(limb, int)]
    parts = factors(number_of(constants)) if len(constants) == len(divisor.limbs) else None
    if parts is not None:
        return mixed_remainder(sheet, name, parts, source)
    word, _ = value_word(sheet, name, source, 0, max(divisor.high - 1, 0))
    rest = [limb_sum(sheet, (a, scaled_limb(b, -1))) for a, b in zip(divisor.limbs, word.limbs, strict=True)]
    rest[0] = limb_sum(sheet, (rest[0], -1))
    demand_not_negative(sheet, f"{name}.rest", Word(tuple(rest), 0, max(divisor.high - 1, 0)))
    return word


def factors(number: int) -> tuple[int, int] | None:
    """Two factors of a number, neither above the base, the first as great as can be; None if there are none."""
    for first in range(min(number, BASE), 0, -1):
        if number % first == 0:
            return (first, number // first) if number // first <= BASE else None
    return None


def mixed_remainder(sheet: Sheet, name: str, parts: tuple[int, int], source: int) -> Word:
    """r = r0 + first * r1 with 0 <= r0 < first and 0 <= r1 < second: every remainder once."""
    weight = 1
    terms: list[Term] = []
    for at, size in enumerate(parts):
        if size == 1:
            continue
        column = sheet.column(f"{name}.{at}", (0, size - 1))
        sheet.plan.steps.append(Part(sheet.number(column), source, weight, size))
        sheet.bound(column)
        if size < BASE:
            sheet.bound(column, size - BASE)
        terms.append(column * weight)
        weight *= size
    high = parts[0] * parts[1] - 1
    shape = Shape(1, False) if high < BASE else None
    return Word((limb_sum(sheet, terms or [0]), *(0,) * (LIMBS - 1)), 0, high, shape)


class Comparison(NamedTuple):
    """Two products of canonical words."""

    first: tuple[Word, Word]
    second: tuple[Word, Word]


def product_at_most(sheet: Sheet, name: str, of: Comparison) -> Compared:
    """A bit: a * b <= c * d. a * b - c * d - 1 + bit * B^m has m digits; where the bit is wrong it is < 0 or >= B^m."""
    one, other = product(sheet, *of.first), product(sheet, *of.second)
    (low, high), (less, more) = (times((a.low, a.high), (b.low, b.high)) for a, b in of)
    count = max(limbs_for(max(high - less, 1 - low + more)), len(one.terms), len(other.terms))
    bounds = comparison_bounds(one, other, count)
    bit = sheet.bit(name)
    carry: Limb = 0
    digits: list[Term] = []
    for at in range(count):
        terms = [
            one.terms[at] if at < len(one.terms) else 0,
            scaled_limb(other.terms[at], -1) if at < len(other.terms) else 0,
            -1 if at == 0 else 0,
            carry,
        ]
        total = sheet.sum(terms)
        if at == count - 1:
            sheet.plan.steps.append(Borrow(sheet.number(bit), total.number, BASE))
            carry = bit * -1
        else:
            low, width = bounds[at][0], bounds[at][1] - bounds[at][0] + 1
            carry = sheet.column(f"{name}.carry{at + 1}", enforced((low, low), width, low))
            sheet.plan.steps.append(Divided(sheet.number(carry), total.number, BASE))
            bound_width(sheet, f"{name}.carry{at + 1}", carry, low, width)
        digit = total - carry * BASE
        if digit.degree > 1:
            digit = sheet.column(f"{name}.digit{at}", (0, BASE - 1))
            sheet.plan.steps.append(Computed(sheet.number(digit), (total - carry * BASE).number))
            sheet.zero(f"{name}.equation{at}", total - carry * BASE - digit)
        sheet.bound(digit)
        digits.append(digit)
    return Compared(bit, digits)


def comparison_bounds(one: Product, other: Product, count: int) -> list[Interval]:
    """What is carried out of each equation of a comparison, rounded down."""
    first = carry_ranges(padded(one.ranges, count))
    second = carry_ranges(padded(other.ranges, count))
    return [(a[0] - b[1] - 1, a[1] - b[0]) for a, b in zip(first, second, strict=True)]
