"""Instructions on values, each a gadget: sums, products, comparisons, choices, guards, configuration and hashing."""

from collections.abc import Sequence
from typing import Any

from perp_hash.digest import DIGEST_ELEMENTS, unpack_digest
from perp_hash.tags import Tag
from perp_hash.words import LIMB_BITS, TOP_SHIFT
from perp_proofs.air.buses import (
    HASH,
    ConfigGroup,
    config_groups,
)
from perp_proofs.air.gadgets import (
    Word,
    added,
    all_zero,
    at_most_canonical,
    at_most_zero,
    choose_word,
    constant_word,
    demand_limb_total,
    demand_not_negative,
    demand_some,
    demand_zero,
    differences,
    limb_total,
    normalise,
    scaled,
    used_limbs,
)
from perp_proofs.air.interfaces import (
    FLAG,
    leaf,
)
from perp_proofs.air.layout import blocks_of, start_digest
from perp_proofs.air.products import Comparison, Division, divide, multiply, product_at_most, value_word
from perp_proofs.air.sheet import Hashed
from perp_proofs.air.tape import Term
from perp_proofs.air.values import Pending, Values, clip, clipped
from perp_proofs.air.words import BASE, shape_of, times
from perp_proofs.program.listing import (
    BIT,
    DIGEST,
    SMALL,
    WORD,
    Instruction,
)

TOP_VALUES = 4
"""The greatest highest limb that a set of five values can bound."""

BIT_DEGREE_MAX = 2
"""Of a bit that is no column: what is made of it must not have too high a degree."""


class Scalars(Values):
    """Writes the instructions of a listing that need nothing but its own row."""

    def do_input(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """An argument: of an operation it is checked, any other comes by a message."""
        kind, (low, high) = instruction.types[0], instruction.numbers
        name = self.name(number)
        of = leaf(kind, low, high)
        if self.made.role == "operation" and kind == WORD:
            word, _ = value_word(self.sheet, name, number, low, high)
            self.demand_bounds(name, word)
            return [word]
        entries = self.inputs_sent[number] = self.column_of(name, number, of)
        value = self.value_of(of, entries)
        if self.made.role == "operation" and kind == BIT:
            self.sheet.member(name, entries[0], FLAG)
        elif self.made.role == "operation" and kind == SMALL:
            self.demand_range(name, entries[0], low, high)
        elif self.made.role == "batch" and kind == WORD:
            self.demand_bounds(name, value)
        return [value]

    def demand_bounds(self, name: str, word: Word) -> None:
        """Demand that a word is in its range, where its limbs could be more."""
        shape = word.shape
        assert shape is not None
        most = sum(shape.bounds(at)[1] << LIMB_BITS * at for at in range(shape.limbs))
        top, rest = divmod(word.high, BASE ** (shape.limbs - 1))
        if word.low == 0 and not rest and top <= TOP_VALUES:
            self.demand_top(name, word, shape.limbs - 1, top)
            return
        for part, bound, sign in (("below", word.high, -1), ("above", -word.low, 1)):
            if bound < most and (part == "below" or shape.signed or word.low > 0):
                rest = added(self.sheet, scaled(word, sign), constant_word(bound))
                demand_not_negative(self.sheet, f"{name}.{part}", rest)

    def demand_top(self, name: str, word: Word, limb: int, top: int) -> None:
        """Demand that a word is at most a few times the weight of its highest limb: below it, or exactly it."""
        highest = self.sheet.lifted(word.limbs[limb])
        self.sheet.member(f"{name}.top", highest, (0, top))
        lower = self.sheet.sum(word.limbs[:limb])
        for value in range(top):
            lower = lower * (highest - self.sheet.constant(value))
        self.sheet.zero(f"{name}.below", lower)

    def do_constant(self, _: int, instruction: Instruction) -> Sequence[Any]:
        """A constant."""
        kind, value = instruction.types[0], instruction.numbers[0]
        if kind == BIT:
            return [self.sheet.constant(value)]
        if kind == DIGEST:
            return [[self.sheet.constant(element) for element in unpack_digest(value)]]
        return [constant_word(value)]

    def form(self, instruction: Instruction) -> Word:
        """The sum of a linear instruction, not carried."""
        *coefficients, constant = instruction.numbers
        total = constant_word(constant)
        for factor, operand in zip(coefficients, instruction.operands, strict=True):
            compared = instruction.code != "linear" and self.compared[operand] > 1
            word = self.narrow(operand) if compared else self.word(operand)
            total = added(self.sheet, total, scaled(word, factor))
        return total

    def do_linear(self, _: int, instruction: Instruction) -> Sequence[Any]:
        """A sum. An honest one is of its type."""
        return [clipped(self.form(instruction), instruction.types[0])]

    def do_multiply(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A product."""
        first, second = (self.settled(operand) for operand in instruction.operands)
        low, high = times((first.low, first.high), (second.low, second.high))
        low, high = clip(low, high, instruction.types[0])
        return [multiply(self.sheet, self.name(number), first, second, number, low, high)]

    def divided(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A quotient and its remainder."""
        first, second, divisor = (self.settled(operand) for operand in instruction.operands)
        low, high = times((first.low, first.high), (second.low, second.high))
        by = (max(divisor.low, 1), max(divisor.high, 1))
        ends = [end // part for end in (low, high) for part in by]
        quotient = clip(min(ends), max(ends) + (instruction.code == "ceil"), instruction.types[0])
        of = Division(instruction.code, first, second, divisor, number, quotient)
        word, remainder = divide(self.sheet, self.name(number), of)
        return [word, clipped(remainder, instruction.types[1])]

    do_floor = divided
    do_ceil = divided

    def do_product_le(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A comparison of two products."""
        a, b, c, d = (self.settled(operand) for operand in instruction.operands)
        return [product_at_most(self.sheet, self.name(number), Comparison((a, b), (c, d))).bit]

    def do_at_most(self, _: int, instruction: Instruction) -> Sequence[Any]:
        """A comparison of a sum with 0, made when it is asked for."""
        return [Pending(instruction.code, self.form(instruction))]

    do_zero = do_at_most

    def comparison(self, number: int, pending: Pending) -> Term:
        """A comparison as a bit."""
        word, name = pending.word, self.name(number)
        instruction = self.makers[number]
        if pending.code == "at_most":
            single = self.single(instruction)
            if single is not None:
                return at_most_canonical(self.sheet, name, single, *instruction.numbers)
            return at_most_zero(self.sheet, name, word).bit
        return all_zero(self.sheet, name, self.distinct(number, instruction, word))

    def single(self, instruction: Instruction) -> Word | None:
        """The one word a form is of, where it is canonical, or will be, and longer than a limb."""
        if len(instruction.operands) != 1 or instruction.numbers[1] not in (0, 1):
            return None
        (operand,) = instruction.operands
        word = self.word(operand)
        if word.shape is None and operand in self.wanted:
            word = self.settled(operand)
        return word if word.shape is not None and word.shape.limbs > 1 else None

    def distinct(self, number: int, instruction: Instruction, word: Word) -> list[Term]:
        """Terms that are all 0 just where a form is: those of two canonical words, or of one that has been carried."""
        if used_limbs(word.limbs) <= 1:
            return [self.sheet.lifted(word.limbs[0])]
        *factors, constant = instruction.numbers
        parts = [scaled(self.word(at), factor) for factor, at in zip(factors, instruction.operands, strict=True)]
        if constant:
            parts.append(constant_word(constant))
        if len(parts) == 1 and parts[0].shape is not None:
            return [self.sheet.sum(parts[0].limbs)]
        if len(parts) == 2 and all(part.shape is not None for part in parts):
            return differences(self.sheet, parts[0], scaled(parts[1], -1))
        carried = normalise(self.sheet, f"{self.name(number)}.form", word, shape_of(word.low, word.high))
        return [self.sheet.sum(carried.limbs)]

    def do_same(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """Whether two digests are the same: as a bit, or, for guards only, as terms that are 0 then."""
        one, other = (self.values[operand] for operand in instruction.operands)
        terms = [a - b for a, b in zip(one, other, strict=True)]
        return [all_zero(self.sheet, self.name(number), terms) if number in self.asked else terms]

    def do_select(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A choice."""
        condition, yes, no = instruction.operands
        flag, kind = self.bit(condition), instruction.types[0]
        name = self.name(number)
        if kind == BIT:
            return [self.sheet.choose(name, flag, self.bit(yes), self.bit(no))]
        if kind == DIGEST:
            pairs = enumerate(zip(self.values[yes], self.values[no], strict=True))
            return [[self.sheet.choose_element(f"{name}.{at}", flag, one, other) for at, (one, other) in pairs]]
        inner = number in self.inner
        return [clipped(choose_word(self.sheet, name, flag, self.word(yes), self.word(no), inner), kind)]

    def do_and(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """Both bits."""
        first, second = (self.bit(operand) for operand in instruction.operands)
        return [self.limited(number, first * second)]

    def do_or(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """Either bit."""
        first, second = (self.active - self.bit(operand) for operand in instruction.operands)
        return [self.limited(number, self.active - first * second)]

    def do_not(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """The other bit; what only guards ask for they look up themselves."""
        return [self.active - self.bit(instruction.operands[0]) if number in self.asked else None]

    def limited(self, number: int, bit: Term) -> Term:
        """A bit of a degree that can still be used."""
        if bit.degree <= BIT_DEGREE_MAX:
            return bit
        return self.sheet.define(self.name(number), bit)

    # Guards

    def do_require(self, _: int, instruction: Instruction) -> Sequence[Any]:
        """A guard: a comparison that only guards ask for is demanded without a bit."""
        operand, holds = instruction.operands[0], True
        maker = self.makers[operand]
        while maker.code == "not":
            operand, holds = maker.operands[0], not holds
            maker = self.makers[operand]
        value = self.values[operand]
        name = self.sheet.fresh(f"require{instruction.numbers[0]}")
        if isinstance(value, Pending) and operand not in self.asked:
            self.demand(name, operand, value, holds)
        elif isinstance(value, list):
            self.demand_same(name, value, holds)
        else:
            bit = self.bit(operand)
            self.sheet.zero(name, self.active * (self.active - bit) if holds else self.active * bit)
        return []

    def demand(self, name: str, number: int, pending: Pending, holds: bool) -> None:
        """Demand a comparison or its opposite."""
        sheet, word = self.sheet, pending.word
        if pending.code == "at_most":
            single = self.single(self.makers[number])
            if single is not None:
                factor, constant = self.makers[number].numbers
                total = limb_total(sheet, single, factor) + sheet.constant(constant)
                demand_limb_total(sheet, name, total * -1 if holds else total - sheet.constant(1))
                return
            wanted = scaled(word, -1) if holds else added(sheet, word, constant_word(-1))
            demand_not_negative(sheet, name, wanted)
        elif holds:
            demand_zero(sheet, name, word)
        else:
            demand_some(sheet, name, self.distinct(number, self.makers[number], word), self.active)

    def demand_same(self, name: str, terms: list[Term], holds: bool) -> None:
        """Demand that two digests are the same, or that they are not."""
        if not holds:
            demand_some(self.sheet, name, terms, self.active)
            return
        for at, term in enumerate(terms):
            self.sheet.zero(f"{name}.{at}", term, modular=True)

    def do_require_done(self, _: int, instruction: Instruction) -> Sequence[Any]:
        """A guard that a code is 0."""
        demand_zero(self.sheet, self.sheet.fresh("require_done"), self.word(instruction.operands[0]))
        return []

    # Configuration and hashing

    def do_config(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """Fields of a record of the configuration, looked up."""
        record = self.program.records[instruction.name]
        entries = [self.element(operand) for operand in instruction.operands]
        values: list[Any] = []
        for at, place in enumerate(instruction.numbers):
            of = leaf(*record.fields[place][1:])
            made = self.column_of(self.name(number + at), number + at, of)
            values.append(self.value_of(of, made))
            entries += made
        tag = config_groups(self.program)[ConfigGroup(instruction.name, instruction.numbers)]
        self.sheet.table.add(tag, self.active, entries)
        return values

    def do_digest(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A digest of digests and words: blocks of eight elements, one step of the hash suite each."""
        sheet, (tag, count) = self.sheet, instruction.numbers
        elements = [element for at in instruction.operands[:count] for element in self.values[at]]
        elements += self.joined([self.settled(at) for at in instruction.operands[count:]])
        start = start_digest(Tag(tag), len(elements))
        left = [sheet.constant(element) for element in start]
        for block, right in enumerate(blocks_of(elements, sheet.table.tape.constant(0))):
            out = [sheet.element(f"{self.name(number)}.{block}.{at}") for at in range(DIGEST_ELEMENTS)]
            halves = (tuple(term.number for term in half) for half in (left, right))
            sheet.plan.steps.append(Hashed(tuple(sheet.number(term) for term in out), *halves))
            sheet.table.add(HASH, self.active, [*left, *right, *out])
            left = out
        return [left]

    def joined(self, words: Sequence[Word]) -> list[Term]:
        """Words as elements, as the hash suite takes them: five for two, three for a last one."""
        elements: list[Term] = []
        for start in range(0, len(words), 2):
            pair = words[start : start + 2]
            for word in pair:
                elements += [self.sheet.sum([word.limbs[at], word.limbs[at + 1] * BASE]) for at in (0, 2)]
            elements.append(self.sheet.sum([word.limbs[-1] * 2 ** (TOP_SHIFT * at) for at, word in enumerate(pair)]))
        return elements
