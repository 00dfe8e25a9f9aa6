"""The symbolic values of the recorder: numbers as linear forms, bits, digests, and positions that only a loop reads."""

from typing import Any, NoReturn, Protocol

from perp_proofs.program.listing import LINEAR_WORDS, SMALL, SMALL_MAX, WORD, WORD_MAX

COEFFICIENT_MAX = 8
"""Largest coefficient of a word in a linear form: beyond it a multiplication is an instruction."""

Range = tuple[int, int]


class RecordingError(Exception):
    """A rule leaves the language: it cannot be recorded."""


class Recording(Protocol):
    """What a term asks of its recorder."""

    def kind_of(self, value: int) -> str:
        """The type of a value of the current table."""
        ...

    def range_of(self, value: int) -> Range:
        """The range of a value of the current table."""
        ...

    def product(self, first: "Number", second: Any) -> Any:
        """An exact product."""
        ...

    def compared(self, code: str, form: Any) -> Any:
        """Whether a linear form is at most zero, or zero."""
        ...

    def conjunction(self, first: "Bit", second: "Bit") -> Any:
        """Both bits."""
        ...

    def select(self, condition: Any, yes: Any, no: Any) -> Any:
        """One of two values."""
        ...

    def same_digest(self, first: "DigestTerm", second: Any) -> Any:
        """Whether two digests are equal."""
        ...

    def settled(self, form: "Number") -> "Number":
        """The form as a value of its own."""
        ...


class Term:
    """A value that is not known. It must not be asked for its truth."""

    __slots__ = ("reading",)

    def __init__(self, reading: Any) -> None:
        self.reading: Recording = reading

    def __bool__(self) -> NoReturn:
        raise RecordingError("a rule branches on a value")

    def __hash__(self) -> int:
        raise RecordingError("a rule hashes a value")


class Number(Term):
    """A sum of values with coefficients, and a constant; at least one value."""

    __slots__ = ("constant", "parts")

    def __init__(self, reading: Any, parts: tuple[tuple[int, int], ...], constant: int) -> None:
        super().__init__(reading)
        self.parts = parts
        self.constant = constant

    @property
    def words(self) -> int:
        """How many words the sum has."""
        return self.words_of(dict(self.parts))

    def words_of(self, parts: dict[int, int]) -> int:
        """How many of these values are words."""
        return sum(self.reading.kind_of(value) == WORD for value in parts)

    @property
    def range(self) -> Range:
        """The least and the largest value, from the ranges of the parts."""
        low = high = self.constant
        for value, coefficient in self.parts:
            ends = [coefficient * end for end in self.reading.range_of(value)]
            low, high = low + min(ends), high + max(ends)
        return low, high

    @property
    def single(self) -> bool:
        """The sum is one value."""
        return not self.constant and len(self.parts) == 1 and self.parts[0][1] == 1

    def plus(self, other: Any, sign: int) -> Any:
        """The sum with a number times a sign."""
        if type(other) is int:
            return form(self.reading, dict(self.parts), self.constant + sign * other)
        if not isinstance(other, Number):
            raise RecordingError(f"a sum of a number and {type(other).__name__}")
        first, second = self, other
        while self.words_of(merged(first, second, sign)) > LINEAR_WORDS:
            if first.words >= second.words:
                first = first.reading.settled(first)
            else:
                second = second.reading.settled(second)
        return form(self.reading, merged(first, second, sign), first.constant + sign * second.constant)

    def times(self, factor: int) -> Any:
        """The sum times a constant, where it stays a linear form."""
        return form(
            self.reading, {value: factor * coefficient for value, coefficient in self.parts}, factor * self.constant
        )

    def scales(self, factor: int) -> bool:
        """The sum times a constant is a linear form."""
        return all(self.fits(value, factor * coefficient) for value, coefficient in self.parts)

    def fits(self, value: int, coefficient: int) -> bool:
        """The value may have this coefficient in a linear form."""
        if abs(coefficient) <= COEFFICIENT_MAX:
            return True
        low, high = self.reading.range_of(value)
        return max(-low, high) * abs(coefficient) <= SMALL_MAX

    def __add__(self, other: Any) -> Any:
        return self.plus(other, 1)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self.plus(other, -1)

    def __rsub__(self, other: Any) -> Any:
        return (-self).plus(other, 1)

    def __neg__(self) -> Any:
        return self.times(-1)

    def __mul__(self, other: Any) -> Any:
        if type(other) is int and (other == 0 or self.scales(other)):
            return self.times(other)
        return self.reading.product(self, other)

    __rmul__ = __mul__

    def __le__(self, other: Any) -> Any:
        return self.reading.compared("at_most", self - other)

    def __ge__(self, other: Any) -> Any:
        return self.reading.compared("at_most", other - self)

    def __lt__(self, other: Any) -> Any:
        return self.reading.compared("at_most", self - other + 1)

    def __gt__(self, other: Any) -> Any:
        return self.reading.compared("at_most", other - self + 1)

    def __eq__(self, other: object) -> Any:
        return self.reading.compared("zero", self.plus(other, -1))

    def __ne__(self, other: object) -> Any:
        return self.__eq__(other) ^ True

    __hash__ = Term.__hash__


def merged(first: Number, second: Number, sign: int) -> dict[int, int]:
    """Coefficients of a sum."""
    parts = dict(first.parts)
    for value, coefficient in second.parts:
        parts[value] = parts.get(value, 0) + sign * coefficient
        if not parts[value]:
            del parts[value]
    return parts


def form(reading: Any, parts: dict[int, int], constant: int) -> Any:
    """A number, or an int where nothing but the constant is left."""
    kept = tuple(sorted((value, coefficient) for value, coefficient in parts.items() if coefficient))
    return Number(reading, kept, constant) if kept else constant


class Bit(Term):
    """A condition: a value, or its negation."""

    __slots__ = ("negated", "value")

    def __init__(self, reading: Any, value: int, negated: bool = False) -> None:
        super().__init__(reading)
        self.value = value
        self.negated = negated

    @property
    def number(self) -> Any:
        """1 where it holds, else 0."""
        sign = -1 if self.negated else 1
        return form(self.reading, {self.value: sign}, int(self.negated))

    def __and__(self, other: Any) -> Any:
        if type(other) is bool:
            return self if other else False
        return self.reading.conjunction(self, other)

    __rand__ = __and__

    def __or__(self, other: Any) -> Any:
        if type(other) is bool:
            return True if other else self
        return (self ^ True) & (other ^ True) ^ True

    __ror__ = __or__

    def __xor__(self, other: Any) -> Any:
        if other is not True:
            raise RecordingError("conditions are negated only")
        return Bit(self.reading, self.value, not self.negated)

    def __eq__(self, other: object) -> Any:
        if type(other) is bool:
            return self if other else self ^ True
        if not isinstance(other, Bit):
            raise RecordingError("a condition is compared with a number")
        return self.reading.select(self, other, other ^ True)

    def __ne__(self, other: object) -> Any:
        return self.__eq__(other) ^ True

    __hash__ = Term.__hash__


class DigestTerm(Term):
    """A digest."""

    __slots__ = ("value",)

    def __init__(self, reading: Any, value: int) -> None:
        super().__init__(reading)
        self.value = value

    def __eq__(self, other: object) -> Any:
        return self.reading.same_digest(self, other)

    def __ne__(self, other: object) -> Any:
        return self.__eq__(other) ^ True

    __hash__ = Term.__hash__


class Items:
    """Records that only a loop reads: the positions of an account, or the markets.

    Attributes:
        source: "held" or "markets".
        account: Whose positions.
        count: How many slots or markets there are.
        stores: Whether what a sweep or fold returns is stored.
        skip: The slot or market left out, or None.
        root: Which ones: the same number wherever they are handed to.
    """

    __slots__ = ("account", "count", "root", "skip", "source", "stores")

    def __init__(self, source: str, account: Any, count: Any, stores: Any, skip: Any, root: int) -> None:
        self.source = source
        self.account = account
        self.count = count
        self.stores = stores
        self.skip = skip
        self.root = root


class Stored:
    """What a sweep or a fold returned to be stored; it has been stored by then."""

    __slots__ = ("root",)

    def __init__(self, root: int) -> None:
        self.root = root


def kind_for(low: int, high: int) -> str:
    """The type of numbers of a range."""
    return SMALL if low >= -SMALL_MAX and high <= SMALL_MAX else WORD


def clipped(low: int, high: int) -> Range:
    """The part of a range that words have."""
    return max(low, -WORD_MAX), min(high, WORD_MAX)


NUMBERS = (SMALL, WORD)


def join_kinds(first: str, second: str) -> str:
    """The type that holds both."""
    if first == second:
        return first
    if first in NUMBERS and second in NUMBERS:
        return WORD
    raise RecordingError(f"one argument is a {first} here and a {second} there")
