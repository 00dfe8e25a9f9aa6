"""Terms: what a word or a flag of a rule is while its value is not known.

A word is a polynomial with integer coefficients over symbols, in normal form: two terms are the same polynomial exactly
where their monomials are equal, and a constant one is a plain int. A flag is a condition: a comparison of a polynomial
with zero, a symbol, or a negation or conjunction of these, every one of them made once. A comparison has one form, so
that `a <= b`, `b >= a` and not `a > b` are the same condition.

A symbol is free, or it has a definition that says what its value is. Definitions hold everywhere, on no condition.
"""

from collections.abc import Iterable, Iterator, Mapping
from math import gcd
from typing import Any

import attrs

Monomial = tuple[int, ...]
"""Numbers of the symbols multiplied, ascending; empty for the constant."""

Word = Any
"""A plain int, or a `Term`."""

Flag = Any
"""A plain bool, or a `Condition`."""


@attrs.frozen
class Division:
    """The quotient of two words toward minus infinity, and what remains; the divisor is at least 1."""

    dividend: Word
    divisor: Word
    quotient: int
    """Number of its symbol."""
    remainder: int
    """Number of its symbol."""


@attrs.frozen
class Choice:
    """One of two words."""

    condition: "Condition"
    yes: Word
    no: Word


@attrs.frozen
class Application:
    """A function that is known by its name only: equal arguments give equal results."""

    function: str
    arguments: tuple[Word, ...]


@attrs.frozen
class Symbol:
    """A name for a word or a flag."""

    number: int
    name: str
    definition: Division | Choice | Application | None = None
    low: int | None = None
    """Least value, where it has one by the declaration of its field."""
    high: int | None = None
    flag: bool = False


class Table:
    """All symbols and conditions there are, each made once, so that equal ones are the same.

    Attributes:
        symbols: By number.
        conditions: By number.
        decisions: Comparisons and flags taken as true or false on the path that is being read; by number.
    """

    def __init__(self) -> None:
        self.symbols: list[Symbol] = []
        self.conditions: list[Condition] = []
        self.decisions: dict[int, bool] = {}
        self._symbol_numbers: dict[Any, int] = {}
        self._condition_numbers: dict[Any, int] = {}

    def free(self, name: str, low: int | None = None, high: int | None = None) -> int:
        """The symbol of a name."""
        key = ("free", name)
        if key not in self._symbol_numbers:
            self._add(key, Symbol(len(self.symbols), name, None, low, high))
        return self._symbol_numbers[key]

    def flag(self, name: str) -> int:
        """The symbol of a flag's name."""
        key = ("flag", name)
        if key not in self._symbol_numbers:
            self._add(key, Symbol(len(self.symbols), name, flag=True))
        return self._symbol_numbers[key]

    def division(self, dividend: Word, divisor: Word) -> tuple[int, int]:
        """The symbols of quotient and remainder; the same words share them."""
        key = ("division", key_of(dividend), key_of(divisor))
        if key not in self._symbol_numbers:
            quotient = len(self.symbols)
            definition = Division(dividend, divisor, quotient, quotient + 1)
            self._add(key, Symbol(quotient, f"quotient_{quotient}", definition))
            self._add((*key, "remainder"), Symbol(quotient + 1, f"remainder_{quotient}", definition, 0))
        quotient = self._symbol_numbers[key]
        return quotient, quotient + 1

    def choice(self, condition: "Condition", yes: Word, no: Word) -> int:
        """The symbol of a selected word."""
        key = ("choice", condition.number, key_of(yes), key_of(no))
        if key not in self._symbol_numbers:
            number = len(self.symbols)
            self._add(key, Symbol(number, f"choice_{number}", Choice(condition, yes, no)))
        return self._symbol_numbers[key]

    def application(self, function: str, arguments: tuple[Word, ...], low: int | None, high: int | None) -> int:
        """The symbol of a function's result."""
        key = ("application", function, tuple(map(key_of, arguments)))
        if key not in self._symbol_numbers:
            number = len(self.symbols)
            self._add(key, Symbol(number, f"{function}_{number}", Application(function, arguments), low, high))
        return self._symbol_numbers[key]

    def condition(self, reading: Any, kind: str, parts: Any, key: Any) -> "Condition":
        """The condition of a kind and its parts."""
        whole = (kind, key)
        if whole not in self._condition_numbers:
            self._condition_numbers[whole] = len(self.conditions)
            self.conditions.append(Condition(reading, len(self.conditions), kind, parts))
        return self.conditions[self._condition_numbers[whole]]

    def _add(self, key: Any, symbol: Symbol) -> None:
        self._symbol_numbers[key] = symbol.number
        self.symbols.append(symbol)


# Words


class Term:
    """A polynomial that is not constant."""

    __slots__ = ("_key", "monomials", "reading")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, reading: Any, monomials: Mapping[Monomial, int]) -> None:
        self.reading = reading
        self.monomials = monomials
        self._key: tuple[tuple[Monomial, int], ...] | None = None

    @property
    def key(self) -> tuple[tuple[Monomial, int], ...]:
        """Its monomials in order: equal for equal polynomials."""
        if self._key is None:
            self._key = tuple(sorted(self.monomials.items()))
        return self._key

    def __add__(self, other: Word) -> Word:
        return written(self.reading, summed(self.reading, [(self, 1), (other, 1)]))

    __radd__ = __add__

    def __sub__(self, other: Word) -> Word:
        return written(self.reading, summed(self.reading, [(self, 1), (other, -1)]))

    def __rsub__(self, other: Word) -> Word:
        return written(self.reading, summed(self.reading, [(other, 1), (self, -1)]))

    def __neg__(self) -> Word:
        return written(self.reading, summed(self.reading, [(self, -1)]))

    def __mul__(self, other: Word) -> Word:
        return written(self.reading, product(self.reading, self, other))

    __rmul__ = __mul__

    def __ge__(self, other: Word) -> Flag:
        return at_least_zero(self.reading, summed(self.reading, [(self, 1), (other, -1)]))

    def __le__(self, other: Word) -> Flag:
        return at_least_zero(self.reading, summed(self.reading, [(other, 1), (self, -1)]))

    def __gt__(self, other: Word) -> Flag:
        return at_least_zero(self.reading, summed(self.reading, [(self, 1), (other, -1), (1, -1)]))

    def __lt__(self, other: Word) -> Flag:
        return at_least_zero(self.reading, summed(self.reading, [(other, 1), (self, -1), (1, -1)]))

    def __eq__(self, other: Word) -> Flag:  # type: ignore[override]
        return is_zero(self.reading, summed(self.reading, [(self, 1), (other, -1)]))

    def __ne__(self, other: Word) -> Flag:  # type: ignore[override]
        return (self == other) ^ True

    def __bool__(self) -> bool:
        raise TypeError("a rule branches on a word that is not known")

    def __repr__(self) -> str:
        names = self.reading.table.symbols
        return " + ".join(
            "*".join([str(factor), *(names[number].name for number in monomial)]) for monomial, factor in self.key
        )


def monomials_of(word: Word) -> Mapping[Monomial, int]:
    """The monomials of a word, known or not."""
    if type(word) is int:
        return {(): word} if word else {}
    if isinstance(word, Term):
        return word.monomials
    raise TypeError(f"expected a word, got {type(word).__name__}")


def key_of(word: Word) -> Any:
    """What is equal for equal words."""
    return word.key if isinstance(word, Term) else word


def normal(reading: Any, monomials: Mapping[Monomial, int]) -> Word:
    """The word of some monomials: a plain int where it is constant."""
    kept = {monomial: factor for monomial, factor in monomials.items() if factor}
    if not kept:
        return 0
    if len(kept) == 1 and () in kept:
        return kept[()]
    return Term(reading, kept)


def summed(reading: Any, parts: Iterable[tuple[Word, int]]) -> Word:
    """The sum of words, each times a known factor."""
    total: dict[Monomial, int] = {}
    for word, times in parts:
        for monomial, factor in monomials_of(word).items():
            total[monomial] = total.get(monomial, 0) + times * factor
    return normal(reading, total)


def product(reading: Any, first: Word, second: Word) -> Word:
    """The product of two words."""
    monomials: dict[Monomial, int] = {}
    for left, left_factor in monomials_of(first).items():
        for right, right_factor in monomials_of(second).items():
            monomial = tuple(sorted(left + right))
            monomials[monomial] = monomials.get(monomial, 0) + left_factor * right_factor
    return normal(reading, monomials)


def written(reading: Any, word: Word) -> Word:
    """A sum, a difference or a product that stands in the text of a rule, unlike those that the reading makes."""
    reading.note(word)
    return word


def symbol_term(reading: Any, number: int) -> Term:
    """The word that a symbol names."""
    return Term(reading, {(number,): 1})


# Flags


class Condition:
    """A flag that is not known.

    Its kind says what its parts are: `at_least_zero` and `zero` of a term, `flag` of a symbol's number, `not` of a
    condition, `and` of conditions.
    """

    __slots__ = ("kind", "number", "parts", "reading")

    def __init__(self, reading: Any, number: int, kind: str, parts: Any) -> None:
        self.reading = reading
        self.number = number
        self.kind = kind
        self.parts = parts

    def __and__(self, other: Flag) -> Flag:
        return conjunction(self.reading, [self, other])

    __rand__ = __and__

    def __or__(self, other: Flag) -> Flag:
        return negated(conjunction(self.reading, [negated(self), negated(other)]))

    __ror__ = __or__

    def __xor__(self, other: Flag) -> Flag:
        if other is True:
            return negated(self)
        if other is False:
            return self
        return (self & negated(other)) | (negated(self) & other)

    __rxor__ = __xor__

    def __eq__(self, other: Flag) -> Flag:  # type: ignore[override]
        return negated(self ^ other)

    def __ne__(self, other: Flag) -> Flag:  # type: ignore[override]
        return self ^ other

    def __hash__(self) -> int:
        return self.number

    def __bool__(self) -> bool:
        raise TypeError("a rule branches on a flag that is not known")

    def __repr__(self) -> str:
        if self.kind == "flag":
            return self.reading.table.symbols[self.parts].name
        if self.kind == "not":
            return f"not ({self.parts!r})"
        if self.kind == "and":
            return " and ".join(f"({part!r})" for part in self.parts)
        return f"{self.parts!r} {'>= 0' if self.kind == 'at_least_zero' else '= 0'}"


def comparison(reading: Any, kind: str, term: Term) -> Flag:
    """A comparison with zero, or what the path has decided of it."""
    return decided(reading, reading.table.condition(reading, kind, term, term.key))


def decided(reading: Any, condition: Condition) -> Flag:
    """A condition, or what the path has decided or learned of it."""
    if condition.number in reading.table.decisions:
        return reading.table.decisions[condition.number]
    return reading.bounds.verdict(condition)


def at_least_zero(reading: Any, word: Word) -> Flag:
    """A word is zero or more.

    The common factor of the other coefficients is divided out, and the leading one is made positive.
    """
    if type(word) is int:
        return word >= 0
    factor = gcd(*(factor for monomial, factor in word.monomials.items() if monomial))
    scaled = {monomial: part // factor for monomial, part in word.monomials.items()}
    if scaled[max(scaled)] > 0:
        return comparison(reading, "at_least_zero", normal(reading, scaled))
    opposite = summed(reading, [(normal(reading, scaled), -1), (-1, 1)])
    return negated(comparison(reading, "at_least_zero", opposite))


def is_zero(reading: Any, word: Word) -> Flag:
    """A word is zero."""
    if type(word) is int:
        return word == 0
    factor = gcd(*(factor for monomial, factor in word.monomials.items() if monomial))
    if word.monomials.get((), 0) % factor:
        return False
    if word.monomials[max(word.monomials)] < 0:
        factor = -factor
    return comparison(
        reading, "zero", normal(reading, {monomial: part // factor for monomial, part in word.monomials.items()})
    )


def negated(flag: Flag) -> Flag:
    """The flag does not hold."""
    if isinstance(flag, bool):
        return not flag
    if flag.kind == "not":
        return flag.parts
    return flag.reading.table.condition(flag.reading, "not", flag, flag.number)


def conjunction(reading: Any, flags: Iterable[Flag]) -> Flag:
    """Every flag holds."""
    parts: dict[int, Condition] = {}
    for flag in flattened(flags):
        if flag is False:
            return False
        if flag is not True:
            parts[flag.number] = flag
    if any(part.kind == "not" and part.parts.number in parts for part in parts.values()):
        return False
    if not parts:
        return True
    if len(parts) == 1:
        return next(iter(parts.values()))
    return reading.table.condition(reading, "and", tuple(parts.values()), frozenset(parts))


def flattened(flags: Iterable[Flag]) -> Iterator[Flag]:
    """The flags, and the parts of those that are conjunctions."""
    for flag in flags:
        if isinstance(flag, Condition) and flag.kind == "and":
            yield from flag.parts
        elif isinstance(flag, bool | Condition):
            yield flag
        else:
            raise TypeError(f"expected a flag, got {type(flag).__name__}")


# What words and flags are made of


def symbols_of(value: Word | Flag) -> set[int]:
    """Numbers of the symbols that a word or a flag mentions, not looking into their definitions."""
    if isinstance(value, Term):
        return {number for monomial in value.monomials for number in monomial}
    if not isinstance(value, Condition):
        return set()
    if value.kind == "flag":
        return {value.parts}
    if value.kind == "and":
        return set().union(*map(symbols_of, value.parts))
    return symbols_of(value.parts)


def atoms_of(flag: Flag) -> Iterator[Condition]:
    """The comparisons and flags a condition is made of."""
    if not isinstance(flag, Condition):
        return
    if flag.kind == "not":
        yield from atoms_of(flag.parts)
    elif flag.kind == "and":
        for part in flag.parts:
            yield from atoms_of(part)
    else:
        yield flag
