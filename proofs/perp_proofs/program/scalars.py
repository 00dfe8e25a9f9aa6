"""The scalar half of the recorder: arithmetic, conditions and guards as instructions of the table being recorded."""

from collections.abc import Iterator
from typing import Any

from perp_proofs.program.listing import BIT, DIGEST, DIGEST_MAX, SMALL, WORD, Instruction
from perp_proofs.program.shapes import CONFIG, RECORDS, Node, Parts, build, together
from perp_proofs.program.terms import Bit, DigestTerm, Number, Range, RecordingError, clipped, kind_for

FLAG = (0, 1)
DIGESTS = (0, DIGEST_MAX)


class Scope:
    """The guards of an attempt so far: whether all hold, and the code of the first that does not."""

    def __init__(self) -> None:
        self.holds: Any = True
        self.code: Any = 0

    def guard(self, condition: Any, code: Any) -> None:
        """One more guard; `code` is the result where it is the first false one, and 0 where it holds if not fixed."""
        before = self.holds
        self.holds = condition & before
        if type(code) is int:
            self.code = self.code + code * (indicator_of(before) - indicator_of(self.holds))
        else:
            self.code = self.code + (before.reading.select(before, code, 0) if isinstance(before, Bit) else code)


def indicator_of(condition: Any) -> Any:
    """1 where a condition holds, else 0."""
    return condition.number if isinstance(condition, Bit) else int(condition)


def range_of(number: Any) -> Range:
    """The range of a number."""
    return number.range if isinstance(number, Number) else (number, number)


class Frame:
    """The table that is being recorded."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.instructions: list[Instruction] = []
        self.types: list[str] = []
        self.ranges: list[Range] = []
        self.labels: dict[int, str] = {}
        self.makers: list[tuple[str, tuple[int, ...]]] = []
        self.known: dict[Instruction, int] = {}
        self.config: list[tuple[Any, Any]] = []
        self.config_records: dict[tuple[str, int], Any] = {}
        self.scopes: list[Scope] = []
        self.guarded = False

    def emit(self, instruction: Instruction, ranges: tuple[Range, ...] = ()) -> int:
        """Add an instruction, or find the same one; the number of its first result."""
        if instruction.types and instruction in self.known:
            return self.known[instruction]
        first = len(self.types)
        if instruction.types and instruction.code != "input":
            self.known[instruction] = first
        self.instructions.append(instruction)
        self.types += instruction.types
        self.makers += [(instruction.code, instruction.operands)] * len(instruction.types)
        self.ranges += ranges
        assert len(self.ranges) == len(self.types), "every value has a range"
        return first


class Scalars:
    """Scalars of the language, read as instructions."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.changed = False
        """This pass has learned something: what it records is not the program, and its types need not fit."""

    @property
    def frame(self) -> Frame:
        """The table that is being recorded."""
        return self.frames[-1]

    # Values

    def kind_of(self, value: int) -> str:
        """The type of a value."""
        return self.frame.types[value]

    def range_of(self, value: int) -> Range:
        """The range of a value."""
        return self.frame.ranges[value]

    def constant(self, value: int, kind: str) -> int:
        """A constant."""
        return self.frame.emit(Instruction("constant", (kind,), "", (), (int(value),)), ((int(value), int(value)),))

    def number(self, value: int) -> Number:
        """A value as a number."""
        return Number(self, ((value, 1),), 0)

    def term(self, value: int) -> Any:
        """A value as a term of its type."""
        kind = self.kind_of(value)
        if kind == BIT:
            return Bit(self, value)
        return DigestTerm(self, value) if kind == DIGEST else self.number(value)

    def bit(self, instruction: Instruction, negated: bool = False) -> Bit:
        """An instruction that makes a bit."""
        return Bit(self, self.frame.emit(instruction, (FLAG,)), negated)

    def own_kind(self, leaf: Any) -> str:
        """The type of a leaf by itself."""
        if isinstance(leaf, Bit) or type(leaf) is bool:
            return BIT
        if isinstance(leaf, DigestTerm):
            return DIGEST
        if isinstance(leaf, Number) and leaf.single and self.kind_of(leaf.parts[0][0]) != BIT:
            return self.kind_of(leaf.parts[0][0])
        return kind_for(*range_of(leaf))

    def value(self, leaf: Any, kind: str = "") -> int:
        """The leaf as a value, of a type or of its own."""
        kind = kind or self.own_kind(leaf)
        if type(leaf) in (int, bool):
            return self.constant(leaf, kind)
        if isinstance(leaf, DigestTerm) and kind == DIGEST:
            return leaf.value
        if isinstance(leaf, Bit) and kind == BIT:
            negation = Instruction("not", (BIT,), "", (leaf.value,))
            return self.frame.emit(negation, (FLAG,)) if leaf.negated else leaf.value
        if isinstance(leaf, Number) and kind in (SMALL, WORD):
            return self.number_value(leaf, kind)
        raise RecordingError(f"{self.frame.name}: a {type(leaf).__name__} where a {kind} is needed")

    def number_value(self, number: Number, kind: str) -> int:
        """A number as a value of a type."""
        if number.single and self.kind_of(number.parts[0][0]) == kind:
            return number.parts[0][0]
        if kind == SMALL and kind_for(*number.range) == WORD and not self.changed:
            raise RecordingError(f"{self.frame.name}: a number in {number.range} where a small one is needed")
        return self.frame.emit(linear_of("linear", kind, number), (clipped(*number.range),))

    def settled(self, number: Number) -> Number:
        """A number as a value of its own."""
        return self.number(self.value(number))

    # Arithmetic

    @property
    def unfailed(self) -> Any:
        """No guard of the attempt is false yet; True outside of one."""
        return self.frame.scopes[-1].holds if self.frame.scopes else True

    def product(self, first: Number, second: Any) -> Any:
        """An exact product. One with a choice of two constants is a choice of two multiples."""
        for choice, other in ((first, second), (second, first)):
            bit = chooser(choice)
            if bit is not None:
                low, high = choice.constant, choice.constant + choice.parts[0][1]
                return self.select(Bit(self, bit), high * other, low * other)
        ends = [a * b for a in range_of(first) for b in range_of(second)]
        if self.unfailed is not True and clipped(min(ends), max(ends)) != (min(ends), max(ends)):
            first = self.select(self.unfailed, first, 0)
        bounds = clipped(min(ends), max(ends))
        operands = tuple(sorted((self.value(first, WORD), self.value(second, WORD))))
        product = Instruction("multiply", (kind_for(*bounds),), "", operands)
        return self.number(self.frame.emit(product, (bounds,)))

    def divided(self, code: str, a: Any, b: Any, c: Any) -> int:
        """The value of a quotient; the next one is the remainder. After a false guard of an attempt it is that of 0."""
        division, ranges = self.division(code, a, b, c)
        if division not in self.frame.known and self.unfailed is not True:
            divisor = c if range_of(c)[0] >= 1 else self.select(self.unfailed, c, 1)
            division, ranges = self.division(code, self.select(self.unfailed, a, 0), b, divisor)
        return self.frame.emit(division, ranges)

    def division(self, code: str, a: Any, b: Any, c: Any) -> tuple[Instruction, tuple[Range, ...]]:
        """A division, and the ranges of quotient and remainder."""
        divisor = (max(range_of(c)[0], 1), max(range_of(c)[1], 1))
        ends = [x * y for x in range_of(a) for y in range_of(b)]
        extremes = [end // by for end in (min(ends), max(ends)) for by in divisor]
        bounds = (clipped(min(extremes), max(extremes) + (code == "ceil")), (0, divisor[1] - 1))
        factors = sorted((self.value(a, WORD), self.value(b, WORD)))
        types = tuple(kind_for(*bound) for bound in bounds)
        return Instruction(code, types, "", (*factors, self.value(c, WORD))), bounds

    def mul_div_floor(self, a: Any, b: Any, c: Any) -> Any:
        """A quotient toward minus infinity."""
        return self.number(self.divided("floor", a, b, c))

    def mul_div_ceil(self, a: Any, b: Any, c: Any) -> Any:
        """A quotient toward plus infinity."""
        return self.number(self.divided("ceil", a, b, c))

    def mul_div_remainder(self, a: Any, b: Any, c: Any) -> Any:
        """The remainder of mul_div_floor."""
        return self.number(self.divided("floor", a, b, c) + 1)

    def product_le(self, a: Any, b: Any, c: Any, d: Any) -> Any:
        """A comparison of two products."""
        left = sorted((self.value(a, WORD), self.value(b, WORD)))
        right = sorted((self.value(c, WORD), self.value(d, WORD)))
        return self.bit(Instruction("product_le", (BIT,), "", (*left, *right)))

    # Conditions

    def compared(self, code: str, difference: Any) -> Any:
        """Whether a linear form is at most zero, or zero."""
        found = comparison(code, difference)
        return found if type(found) is bool else self.bit(*found)

    def same_digest(self, first: DigestTerm, second: Any) -> Any:
        """Whether two digests are equal."""
        return self.bit(Instruction("same", (BIT,), "", tuple(sorted((first.value, self.value(second, DIGEST))))))

    def conjunction(self, first: Bit, second: Bit) -> Any:
        """Both. Where both are negations, what is recorded is that one of them is not."""
        if first.value == second.value:
            return first if first.negated == second.negated else False
        if first.negated and second.negated:
            return self.bit(Instruction("or", (BIT,), "", tuple(sorted((first.value, second.value)))), True)
        return self.bit(Instruction("and", (BIT,), "", tuple(sorted(self.value(bit, BIT) for bit in (first, second)))))

    def require(self, condition: Any, reason: Any) -> None:
        """A guard: an instruction, or a part of the attempt's result."""
        if self.frame.scopes:
            self.frame.scopes[-1].guard(condition, int(reason))
        else:
            self.frame.guarded = True
            for part in self.conditions(condition):
                self.frame.emit(Instruction("require", (), "", (self.value(part, BIT),), (int(reason),)))

    def conditions(self, condition: Bit) -> Iterator[Bit]:
        """Yields conditions that together say this one: a guard of several is several guards of one reason."""
        code, operands = self.frame.makers[condition.value]
        if code == ("or" if condition.negated else "and"):
            for operand in operands:
                yield from self.conditions(Bit(self, operand, condition.negated))
        elif code == "not":
            yield from self.conditions(Bit(self, operands[0], not condition.negated))
        else:
            yield condition

    # Choices

    def select(self, condition: Any, yes: Any, no: Any) -> Any:
        """One of two values, records or tuples."""
        if type(condition) is bool:
            return yes if condition else no
        if not isinstance(condition, Bit):
            raise RecordingError(f"{self.frame.name}: a choice without a condition")
        if condition.negated:
            condition, yes, no = condition ^ True, no, yes
        (node, first), (other, second) = self.apart(yes), self.apart(no)
        if node != other or [one.root for one in first.tokens] != [one.root for one in second.tokens]:
            raise RecordingError(f"{self.frame.name}: a choice between values of different shapes")
        leaves = [self.select_leaf(condition, *pair) for pair in zip(first.leaves, second.leaves, strict=True)]
        return self.together(node, iter(leaves), iter(first.tokens))

    def select_leaf(self, condition: Bit, yes: Any, no: Any) -> Any:
        """One of two scalars."""
        if isinstance(yes, Bit | bool) and isinstance(no, Bit | bool):
            return self.select_bit(condition, yes, no)
        if isinstance(yes, DigestTerm) or isinstance(no, DigestTerm):
            operands = (condition.value, self.value(yes, DIGEST), self.value(no, DIGEST))
            return DigestTerm(self, self.frame.emit(Instruction("select", (DIGEST,), "", operands), (DIGESTS,)))
        difference = yes - no
        if type(difference) is int:
            return no + difference * condition.number
        bounds = self.select_range(condition, yes, no)
        kind = kind_for(*bounds)
        if any(kind_for(*range_of(leaf)) == WORD for leaf in (yes, no)):
            kind = WORD
        operands = (condition.value, self.value(yes, kind), self.value(no, kind))
        return self.number(self.frame.emit(Instruction("select", (kind,), "", operands), (bounds,)))

    def select_bit(self, condition: Bit, yes: Any, no: Any) -> Any:
        """One of two conditions."""
        if type(yes) is bool:
            return condition | no if yes else (condition ^ True) & no
        if type(no) is bool:
            return (condition ^ True) | yes if no else condition & yes
        operands = (condition.value, self.value(yes, BIT), self.value(no, BIT))
        return self.bit(Instruction("select", (BIT,), "", operands))

    def select_range(self, condition: Bit, yes: Any, no: Any) -> Range:
        """The range of a choice; narrower where it is a maximum or a minimum."""
        (low, high), (other_low, other_high) = range_of(yes), range_of(no)
        if self.says_at_most(condition, no - yes):
            return clipped(max(low, other_low), max(high, other_high))
        if self.says_at_most(condition, yes - no):
            return clipped(min(low, other_low), min(high, other_high))
        return clipped(min(low, other_low), max(high, other_high))

    def says_at_most(self, condition: Bit, difference: Any) -> bool:
        """The condition says that a difference is at most zero, or less."""
        for bound in (difference, difference + 1):
            found = comparison("at_most", bound)
            if type(found) is not bool and (self.frame.known.get(found[0]), found[1]) == (condition.value, False):
                return True
        return False

    def digest(self, tag: int, digests: tuple[Any, ...], words: tuple[Any, ...]) -> Any:
        """A digest."""
        operands = (*(self.value(one, DIGEST) for one in digests), *(self.value(word, WORD) for word in words))
        made = Instruction("digest", (DIGEST,), "", operands, (int(tag), len(digests)))
        return DigestTerm(self, self.frame.emit(made, (DIGESTS,)))

    # Records

    def apart(self, value: Any, names: tuple[str, ...] = ()) -> tuple[Node, Parts]:
        """A value as its leaves; `names` are those of the parts of a tuple."""
        parts = Parts()
        if names:
            return parts.take_tuple(value, names, "", self.config_key), parts
        return parts.take(value, "", self.config_key), parts

    def together(self, node: Node, leaves: Iterator[Any], tokens: Iterator[Any]) -> Any:
        """The inverse of `apart`, in the current table."""
        return together(node, leaves, tokens, self.config_record)

    def config_key(self, record: Any) -> Any:
        """The key by which a record of the configuration was read."""
        for known, key in self.frame.config:
            if known is record:
                return key
        raise RecordingError(f"{self.frame.name}: a {type(record).__name__} that was not read")

    def config_record(self, kind: type[Any], key: Any) -> Any:
        """A record of the configuration, read once in a table."""
        operands = (self.value(key, SMALL),) if CONFIG[kind] else ()
        place = kind.__name__, operands[0] if operands else -1
        if place not in self.frame.config_records:
            described = RECORDS[kind.__name__].fields
            read = Instruction(
                "config", tuple(leaf.type for leaf in described), kind.__name__, operands, tuple(range(len(described)))
            )
            first = self.frame.emit(read, tuple((leaf.low, leaf.high) for leaf in described))
            record = build(kind, (self.term(first + at) for at in range(len(described))))
            self.frame.config_records[place] = record
            self.frame.config.append((record, key))
        return self.frame.config_records[place]


def chooser(number: Any) -> int | None:
    """The bit of a number that is a choice of two constants, else None."""
    if isinstance(number, Number) and len(number.parts) == 1:
        value = number.parts[0][0]
        return value if number.reading.kind_of(value) == BIT else None
    return None


def linear_of(code: str, kind: str, number: Number) -> Instruction:
    """A linear form as an instruction."""
    values = tuple(value for value, _ in number.parts)
    coefficients = tuple(coefficient for _, coefficient in number.parts)
    return Instruction(code, (kind,), "", values, (*coefficients, number.constant))


def comparison(code: str, difference: Any) -> Any:
    """A comparison of a linear form with zero: a bool where it is known, or an instruction, and whether to negate it.

    Of a form and its negation one only is recorded.
    """
    if type(difference) is int:
        return difference <= 0 if code == "at_most" else difference == 0
    negated = False
    if difference.parts[0][1] < 0:
        negated = code == "at_most"
        difference = 1 - difference if negated else -difference
    low, high = difference.range
    if code == "at_most" and high <= 0:
        return not negated
    if low > 0 or (code == "zero" and high < 0):
        return negated
    return linear_of(code, BIT, difference), negated
