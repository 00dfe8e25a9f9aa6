"""Values of a listing in its row: words, bits, digests, and how they become entries of messages."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from perp_hash.words import LIMBS
from perp_proofs.air.gadgets import (
    Word,
    normalise,
    small_word,
    used_limbs,
)
from perp_proofs.air.interfaces import (
    Leaf,
)
from perp_proofs.air.rulebook import Rules, RuleTable, store_key
from perp_proofs.air.sheet import Divided, Sheet, Value
from perp_proofs.air.tape import Term
from perp_proofs.air.words import BASE, Interval, Shape, shape_of, within
from perp_proofs.program.listing import (
    BIT,
    DIGEST,
    SMALL,
    WORD,
    Table,
    type_range,
)

WIDE = 4 * BASE
"""Limbs of a sum beyond this cost more in every comparison than carrying them once."""


class Pending(NamedTuple):
    """A comparison of a sum with 0 that nobody has asked for yet: its code, and the sum."""

    code: str
    word: Word


class Values:
    """The values of one listing while its table is written.

    Attributes:
        values: What each value of the listing is: a word (small numbers too), a bit, the elements of a digest, or a
            comparison that nobody has asked for.
        asked: Bits that something else than a guard asks for.
        wanted: Words that something asks the canonical limbs of.
        compared: How often each value is compared.
        inner: Choices that are only chosen from once more.
    """

    def __init__(self, rules: Rules, listing: Table, role: str, name: str) -> None:
        self.rules = rules
        self.program = rules.program
        self.listing = listing
        self.sheet = Sheet(name, optional=role != "batch")
        self.made = RuleTable(name, listing, role, self.sheet, list(listing.types))
        self.values: list[Any] = []
        self.canonical: dict[tuple[int, Shape], Word] = {}
        self.asked = asked_bits(listing)
        self.inner = inner_choices(listing)
        self.wanted = canonical_words(listing)
        comparisons = [one for one in listing.instructions if one.code in ("at_most", "zero")]
        self.compared = Counter(operand for one in comparisons for operand in one.operands)
        self.point = 0
        self.time: Term | int = 0
        self.makers = [one for one in listing.instructions for _ in one.types]
        self.stores = {store_key(self.program, one) for one in listing.instructions}
        self.loaded: dict[Any, tuple[list[Term], Term]] = {}
        self.inputs_sent: dict[int, list[Term]] = {}

    @property
    def active(self) -> Term:
        """1 in rows that count."""
        return self.sheet.active

    def name(self, number: int) -> str:
        """The name of a value's columns."""
        return f"%{number}"

    def word(self, number: int) -> Word:
        """A value as a word; a bit is 0 or 1."""
        value = self.values[number]
        if isinstance(value, Word):
            return value
        return small_word(self.flat_bit(number), 0, 1)

    def bit(self, number: int) -> Term:
        """A value as a bit."""
        value = self.values[number]
        if isinstance(value, Pending):
            value = self.values[number] = self.comparison(number, value)
        return value

    def flat_bit(self, number: int) -> Term:
        """A bit as a term of degree 1."""
        term = self.bit(number)
        if term.degree > 1:
            term = self.values[number] = self.sheet.define(f"{self.name(number)}.bit", term)
        return term

    def settled(self, number: int, shape: Shape | None = None) -> Word:
        """A word with canonical limbs, of a shape if one is given."""
        word = self.values[number]
        wanted = shape or shape_of(word.low, word.high)
        if word.shape is not None and (shape is None or (shape.holds(word.shape) and self.fits(word, shape))):
            return word
        if (number, wanted) not in self.canonical:
            name = self.sheet.fresh(f"{self.name(number)}.settled")
            self.canonical[number, wanted] = normalise(self.sheet, name, word, wanted)
            if word.shape is None:
                self.values[number] = self.canonical[number, wanted]
        return self.canonical[number, wanted]

    def narrow(self, number: int) -> Word:
        """A word, carried if its limbs are so long that every use would pay for it."""
        word = self.word(number)
        if word.shape is None and any(
            max(-low, high) > WIDE for low, high in map(self.sheet.interval, word.limbs[:-1])
        ):
            return (
                self.settled(number) if isinstance(self.values[number], Word) and used_limbs(word.limbs) > 1 else word
            )
        return word

    def fits(self, word: Word, shape: Shape) -> bool:
        """The limbs are known to be of a shape."""
        return all(within(self.sheet.interval(limb), shape.bounds(at)) for at, limb in enumerate(word.limbs))

    def element(self, number: int) -> Term:
        """A small number as one element."""
        word = self.values[number]
        if used_limbs(word.limbs) > 2 or (used_limbs(word.limbs) == 2 and word.shape is None):
            word = self.settled(number, Shape(2, word.low < 0))
        return self.sheet.sum([word.limbs[0], word.limbs[1] * BASE])

    def entries(self, number: int, kind: str) -> list[Term]:
        """A value as the entries of a message, whatever their bounds."""
        if kind == DIGEST:
            return self.values[number]
        if kind == BIT:
            return [self.flat_bit(number)]
        if kind == SMALL:
            return [self.element(number)]
        return [self.sheet.lifted(limb) for limb in self.settled(number).limbs]

    def fitted(self, number: int, of: Leaf) -> list[Term]:
        """A value as the entries of a message that promises bounds."""
        if of.type == WORD:
            return [self.sheet.lifted(limb) for limb in self.settled(number, of.shape).limbs]
        entries = self.entries(number, of.type)
        if of.type == SMALL and not within(self.sheet.interval(entries[0]), of.bounds[0]):
            self.demand_range(self.sheet.fresh(f"{self.name(number)}.fitted"), entries[0], *of.bounds[0])
        return entries

    def demand_range(self, name: str, term: Term, low: int, high: int) -> None:
        """Demand that a small number is in a range."""
        sheet = self.sheet
        if high - low < BASE:
            sheet.bound(term, low)
            sheet.bound(term, high - BASE + 1)
            return
        for part, distance, below in (
            ("above", term - sheet.constant(low), sheet.constant(low)),
            ("below", sheet.constant(high) - term, sheet.constant(high - BASE + 1)),
        ):
            upper = sheet.column(f"{name}.{part}", (0, BASE - 1))
            sheet.plan.steps.append(Divided(sheet.number(upper), distance.number, BASE))
            sheet.bound(upper)
            sheet.bound(term, below + upper * (BASE if part == "above" else -BASE))

    def column_of(self, name: str, number: int, of: Leaf) -> list[Term]:
        """Columns for a value of the listing that is known to be as a leaf says; the entries of a message of it."""
        sheet = self.sheet
        entries: list[Term] = []
        for at, bounds in enumerate(of.bounds):
            if bounds == (0, 0):
                entries.append(sheet.table.tape.constant(0))
                continue
            column = sheet.column(name if len(of.bounds) == 1 else f"{name}.{at}", bounds)
            sheet.plan.steps.append(Value(sheet.number(column), number, at))
            entries.append(column)
        return entries

    def value_of(self, of: Leaf, entries: Sequence[Term]) -> Any:
        """The value that the entries of a message are."""
        if of.type == DIGEST:
            return list(entries)
        if of.type == BIT:
            return entries[0]
        if of.type == SMALL:
            low, high = self.sheet.interval(entries[0])
            shape = Shape(1, low < 0) if low > -BASE and high < BASE else None
            return Word((entries[0], *(0,) * (LIMBS - 1)), of.low, of.high, shape)
        limbs = tuple(0 if entry.value == 0 else entry for entry in entries)
        return Word(limbs, of.low, of.high, of.shape)

    def comparison(self, number: int, pending: Pending) -> Term:
        """A comparison as a bit."""
        raise NotImplementedError(f"{pending.code} of value {number}")


def clip(low: int, high: int, kind: str) -> Interval:
    """The part of a range that a type has."""
    least, greatest = type_range(kind)
    return max(low, least), min(high, greatest)


def clipped(word: Word, kind: str) -> Word:
    """A word of which an honest row has only values of a type."""
    low, high = clip(word.low, word.high, kind)
    return word._replace(low=low, high=high)


def asked_bits(table: Table) -> set[int]:
    """The values that something else than a guard, or a negation only guards ask for, asks for."""
    asked = set(table.results)
    for number, instruction in reversed(list(table.numbered())):
        if instruction.code == "require" or (instruction.code == "not" and number not in asked):
            continue
        asked |= set(instruction.operands)
    return asked


def inner_choices(table: Table) -> set[int]:
    """The choices that only other choices take, as what is chosen from."""
    others = set(table.results)
    chosen: set[int] = set()
    for instruction in table.instructions:
        if instruction.code == "select":
            others.add(instruction.operands[0])
            chosen |= set(instruction.operands[1:])
        else:
            others |= set(instruction.operands)
    made = {number for number, instruction in table.numbered() if instruction.code == "select"}
    return made & chosen - others


CANONICAL_CODES = frozenset({"multiply", "floor", "ceil", "product_le", "digest", "store", "call"})


def canonical_words(table: Table) -> set[int]:
    """The values whose canonical limbs some instruction needs."""
    return {at for one in table.instructions if one.code in CANONICAL_CODES for at in one.operands}
