"""What is known of words without a solver: intervals.

Whatever is learned here is what the goal assumes anyway: declared ranges, assumptions, and guards that were passed.
It only makes terms smaller, so that equal things look equal. For the same reason only what single symbols are compared
with is learned: a rule's late guards would make the same computation look different before and after them.
"""

import attrs

from perp_proofs.smt.terms import Choice, Condition, Division, Flag, Table, Word, monomials_of

Bound = int | None
"""A bound, None where there is none."""


@attrs.frozen
class Interval:
    """From low to high, both included."""

    low: Bound = None
    high: Bound = None


class Bounds:
    """What is known on one path."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.settled: dict[int, bool] = {}
        self._intervals: dict[int, Interval] = {}

    def learn(self, flag: Flag, holds: bool = True) -> None:
        """Take note of a condition that holds, or does not."""
        if isinstance(flag, bool):
            return
        if flag.kind == "not":
            self.learn(flag.parts, not holds)
        elif flag.kind == "and":
            for part in flag.parts if holds else ():
                self.learn(part)
        elif flag.kind == "flag":
            self.settled[flag.number] = holds
        else:
            self._narrow(flag, holds)

    def _narrow(self, atom: Condition, holds: bool) -> None:
        """Narrow the interval of a symbol that is compared with a number."""
        if atom.kind == "flag" or len(linear := dict(atom.parts.monomials)) > 2:
            return
        constant = linear.pop((), 0)
        (monomial, factor), *others = linear.items()
        if others or len(monomial) != 1 or factor != 1:
            return
        old = self.symbol(monomial[0])
        if atom.kind == "zero":
            if holds:
                self._intervals[monomial[0]] = Interval(-constant, -constant)
        elif holds:
            self._intervals[monomial[0]] = Interval(largest(old.low, -constant), old.high)
        else:
            self._intervals[monomial[0]] = Interval(old.low, smallest(old.high, -constant - 1))

    def verdict(self, atom: Condition) -> Flag:
        """True or False where that is known of a comparison or a flag."""
        if atom.number in self.settled:
            return self.settled[atom.number]
        if atom.kind == "flag":
            return atom
        interval = self.word(atom.parts)
        if atom.kind == "at_least_zero":
            if interval.low is not None and interval.low >= 0:
                return True
            return False if interval.high is not None and interval.high < 0 else atom
        if (interval.low is not None and interval.low > 0) or (interval.high is not None and interval.high < 0):
            return False
        return atom

    def word(self, word: Word) -> Interval:
        """An interval that holds a word."""
        low: Bound = 0
        high: Bound = 0
        for monomial, factor in monomials_of(word).items():
            part = product([self.symbol(number) for number in monomial], factor)
            low = None if low is None or part.low is None else low + part.low
            high = None if high is None or part.high is None else high + part.high
        return Interval(low, high)

    def symbol(self, number: int) -> Interval:
        """An interval that holds a symbol."""
        if number not in self._intervals:
            self._intervals[number] = self._defined(number)
        return self._intervals[number]

    def _defined(self, number: int) -> Interval:
        symbol = self.table.symbols[number]
        definition = symbol.definition
        if isinstance(definition, Choice):
            yes, no = self.word(definition.yes), self.word(definition.no)
            low = None if yes.low is None or no.low is None else min(yes.low, no.low)
            return Interval(low, None if yes.high is None or no.high is None else max(yes.high, no.high))
        if isinstance(definition, Division):
            return self._divided(definition, number)
        return Interval(symbol.low, symbol.high)

    def _divided(self, division: Division, number: int) -> Interval:
        divisor, dividend = self.word(division.divisor), self.word(division.dividend)
        if divisor.low is None or divisor.low < 1:
            return Interval()
        if number == division.remainder:
            return Interval(0, None if divisor.high is None else divisor.high - 1)
        ends = [least for least in (divisor.low, divisor.high) if least is not None]
        low = None if dividend.low is None else min([dividend.low // end for end in ends] + [0] * (len(ends) == 1))
        high = None if dividend.high is None else max([dividend.high // end for end in ends] + [0] * (len(ends) == 1))
        if len(ends) == 1 and dividend.low is not None and dividend.low < 0 and low is not None:
            low = min(low, -1)
        return Interval(low, high)


class Ignorance(Bounds):
    """Nothing is known."""

    def verdict(self, atom: Condition) -> Flag:
        """The comparison itself."""
        return atom


def largest(first: Bound, second: int) -> int:
    """The larger bound."""
    return second if first is None else max(first, second)


def smallest(first: Bound, second: int) -> int:
    """The smaller bound."""
    return second if first is None else min(first, second)


def product(parts: list[Interval], factor: int) -> Interval:
    """An interval that holds a product."""
    low: Bound = factor
    high: Bound = factor
    for part in parts:
        low, high = paired(Interval(low, high), part)
    return Interval(low, high)


def paired(first: Interval, second: Interval) -> tuple[Bound, Bound]:
    """Bounds of the product of two words; where a bound is missing, what their signs tell."""
    if first.low is not None and first.high is not None and second.low is not None and second.high is not None:
        corners = [one * other for one in (first.low, first.high) for other in (second.low, second.high)]
        return min(corners), max(corners)
    positive = [part.low is not None and part.low >= 0 for part in (first, second)]
    negative = [part.high is not None and part.high <= 0 for part in (first, second)]
    if all(positive):
        assert first.low is not None
        assert second.low is not None
        return first.low * second.low, None
    if all(negative):
        return 0, None
    if (positive[0] and negative[1]) or (negative[0] and positive[1]):
        return None, 0
    return None, None
