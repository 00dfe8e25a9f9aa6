"""Ranges: more is known of words without a solver than single intervals, for proofs that nothing overflows.

A symbol may be known to be no larger in magnitude than so many times another one (a size, the market's largest size),
and the product of two others may be bounded (largest size times largest price): together these bound a notional. A
smaller or larger one of two words, a magnitude, and a part of a whole are recognised.
"""

from collections.abc import Iterator

from perp_proofs.smt.bounds import Bound, Bounds, Interval, product
from perp_proofs.smt.terms import Choice, Condition, Division, Flag, Monomial, Table, Word, monomials_of, negated

Monomials = dict[Monomial, int]

Sum = tuple[Monomials, int]
"""A sum of monomials and a constant."""


class Ranges(Bounds):
    """What is known on one path, for words of any product."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._learned: dict[int, Interval] = {}
        self._computed: dict[int, Interval] = {}
        self._upper: dict[int, dict[int, int]] = {}
        """By symbol: times which other symbol it is at most."""
        self._lower: dict[int, dict[int, int]] = {}
        """By symbol: minus times which other symbol it is at least."""
        self._products: dict[Monomial, int] = {}
        """The most that a product of two symbols may be; both are at least 1."""
        self._scales: dict[tuple[int, int], int | None] = {}

    def learn(self, flag: Flag, holds: bool = True) -> None:
        """Take note of a condition that holds, or does not."""
        super().learn(flag, holds)
        if isinstance(flag, Condition) and not holds and flag.kind == "and" and len(flag.parts) == 2:
            self._either([negated(part) for part in flag.parts])
        self._computed.clear()
        self._scales.clear()

    def _either(self, alternatives: list[Flag]) -> None:
        """Learn what holds in each of two cases, one of which is there."""
        cases = [list(sums_of(alternative)) for alternative in alternatives]
        for found in [*cases[0], *cases[1]]:
            if all(self._in_case(case, found) for case in cases):
                self._at_least_zero(*found)

    def _in_case(self, case: list[Sum], found: Sum) -> bool:
        """A sum is zero or more in a case."""
        if found in case:
            return True
        there = Ranges(self.table)
        there._learned, there._upper, there._lower = dict(self._learned), self._upper, self._lower
        for linear, constant in case:
            if len(linear) == 1:
                there._at_least_zero(linear, constant)
        low = there.sum(*found).low
        return low is not None and low >= 0

    def bounded(self, symbol: int, low: Bound, high: Bound) -> None:
        """Take note of an interval of a symbol."""
        known = self._learned.get(symbol, Interval())
        self._learned[symbol] = Interval(highest(known.low, low), lowest(known.high, high))
        self._computed.clear()
        self._scales.clear()

    def _narrow(self, atom: Condition, holds: bool) -> None:
        linear = dict(monomials_of(atom.parts))
        constant = linear.pop((), 0)
        if atom.kind == "at_least_zero":
            self._at_least_zero(*(linear, constant) if holds else opposite(linear, constant))
        elif atom.kind == "zero" and holds:
            self._at_least_zero(linear, constant)
            self._at_least_zero({monomial: -factor for monomial, factor in linear.items()}, -constant)

    def _at_least_zero(self, linear: Monomials, constant: int) -> None:
        """Learn from a sum that is zero or more: of one symbol, of one product, or of two symbols."""
        if len(linear) == 1:
            ((monomial, factor),) = linear.items()
            if len(monomial) == 1:
                bound = -(constant // factor) if factor > 0 else constant // -factor
                self.bounded(monomial[0], bound if factor > 0 else None, None if factor > 0 else bound)
            elif len(monomial) == 2 and factor < 0:
                self._products[monomial] = constant // -factor
        elif len(linear) == 2 and constant <= 0 and all(len(monomial) == 1 for monomial in linear):
            for ((one,), own), ((other,), times) in permuted(linear):
                if times >= 1 and own == -1:
                    self._upper.setdefault(one, {})[other] = times
                if times >= 1 and own == 1:
                    self._lower.setdefault(one, {})[other] = times

    # Intervals

    def word(self, word: Word) -> Interval:
        """An interval that holds a word."""
        linear = dict(monomials_of(word))
        return self.sum(linear, linear.pop((), 0))

    def sum(self, linear: Monomials, constant: int) -> Interval:
        """An interval that holds a sum."""
        low: Bound = constant
        high: Bound = constant
        for monomial, factor in linear.items():
            part = self._monomial(monomial, factor)
            low = None if low is None or part.low is None else low + part.low
            high = None if high is None or part.high is None else high + part.high
        if len(linear) == 2 and all(len(monomial) == 1 for monomial in linear):
            for ((one,), own), ((other,), times) in permuted(linear):
                if own < 0 < times and self._upper.get(one, {}).get(other, times + 1) * -own <= times:
                    low = highest(low, constant)
        return Interval(low, high)

    def _monomial(self, monomial: Monomial, factor: int) -> Interval:
        plain = product([self.symbol(number) for number in monomial], factor)
        for pair, most in self._products.items():
            times = self._times_pair(monomial, pair)
            if times is not None:
                reach = abs(factor) * times * most
                plain = Interval(highest(plain.low, -reach), lowest(plain.high, reach))
        return plain

    def _times_pair(self, monomial: Monomial, pair: Monomial) -> int | None:
        """So many times the product of two symbols is a monomial at most, in magnitude."""
        best: int | None = None
        for first in range(len(monomial)):
            one = self.scale(monomial[first], pair[0])
            for second in range(len(monomial)):
                other = None if one is None or second == first else self.scale(monomial[second], pair[1])
                if one is None or other is None:
                    continue
                rest = self._magnitude(
                    [monomial[place] for place in range(len(monomial)) if place not in (first, second)]
                )
                if rest is not None:
                    best = one * other * rest if best is None else min(best, one * other * rest)
        return best

    def _magnitude(self, symbols: list[int]) -> int | None:
        """The largest magnitude of a product of symbols."""
        most = 1
        for number in symbols:
            interval = self.symbol(number)
            if interval.low is None or interval.high is None:
                return None
            most *= max(-interval.low, interval.high, 0)
        return most

    def symbol(self, number: int) -> Interval:
        """An interval that holds a symbol."""
        if number not in self._computed:
            known, defined = self._learned.get(number, Interval()), self._defined(number)
            found = Interval(highest(known.low, defined.low), lowest(known.high, defined.high))
            self._computed[number] = found
            self._computed[number] = self._beside(number, found)
        return self._computed[number]

    def _beside(self, number: int, known: Interval) -> Interval:
        """An interval of a symbol, by those of the symbols that it is compared with."""
        low, high = known.low, known.high
        for other, times in self._upper.get(number, {}).items():
            most = self.symbol(other).high
            high = high if most is None else lowest(high, max(times * most, 0))
        for other, times in self._lower.get(number, {}).items():
            most = self.symbol(other).high
            low = low if most is None else highest(low, min(-times * most, 0))
        return Interval(low, high)

    def _defined(self, number: int) -> Interval:
        definition = self.table.symbols[number].definition
        if isinstance(definition, Choice):
            return self._chosen(definition)
        if isinstance(definition, Division) and number == definition.quotient:
            return self._quotient(definition, super()._defined(number))
        return super()._defined(number)

    def _chosen(self, choice: Choice) -> Interval:
        yes, no = self.word(choice.yes), self.word(choice.no)
        order = order_of(choice)
        if order == "smaller":
            return Interval(least(yes.low, no.low), lowest(yes.high, no.high))
        if order == "larger":
            return Interval(highest(yes.low, no.low), most_of(yes.high, no.high))
        low = least(yes.low, no.low)
        return Interval(0 if order == "magnitude" else low, most_of(yes.high, no.high))

    def _quotient(self, division: Division, plain: Interval) -> Interval:
        """A quotient, by a symbol too that the dividend is a multiple of."""
        divisor = list(monomials_of(division.divisor).items())
        if len(divisor) != 1 or divisor[0][1] != 1 or len(divisor[0][0]) != 1:
            return plain
        times = self.scale_of_word(division.dividend, divisor[0][0][0])
        if times is None:
            return plain
        return Interval(highest(plain.low, -times), lowest(plain.high, times))

    # Magnitudes in terms of another symbol, which is at least 0

    def scale(self, number: int, base: int) -> int | None:
        """So many times the base is a symbol at most, in magnitude; None where that is not known."""
        if number == base:
            return 1
        if (number, base) not in self._scales:
            self._scales[number, base] = None
            if self.not_negative(base):
                self._scales[number, base] = self._scale(number, base)
        return self._scales[number, base]

    def _scale(self, number: int, base: int) -> int | None:
        definition = self.table.symbols[number].definition
        found = self._related(number, base)
        if found is None and isinstance(definition, Choice):
            found = self._scale_of_choice(definition, base)
        if found is None and isinstance(definition, Division):
            if number == definition.remainder:
                return self.scale_of_word(definition.divisor, base)
            divisor = self.word(definition.divisor).low
            times = self.scale_of_word(definition.dividend, base)
            if times is not None and divisor is not None and divisor >= 1:
                found = -(-times // divisor)
        return found

    def _related(self, number: int, base: int) -> int | None:
        """By what was learned of the symbol and others, and by what the base is the larger one of."""
        larger = self.table.symbols[base].definition
        if isinstance(larger, Choice) and order_of(larger) == "larger":
            for part in (larger.yes, larger.no):
                if dict(monomials_of(part)) == {(number,): 1} and self.not_negative(number):
                    return 1
        interval = self.symbol(number)
        uppers, lowers = self._upper.get(number, {}), self._lower.get(number, {})
        for other in {**uppers, **lowers}:
            above = 0 if interval.high is not None and interval.high <= 0 else uppers.get(other)
            below = 0 if interval.low is not None and interval.low >= 0 else lowers.get(other)
            further = self.scale(other, base)
            if above is not None and below is not None and further is not None:
                return max(above, below) * further
        return None

    def not_negative(self, number: int) -> bool:
        """A symbol is known to be 0 or more."""
        low = self.symbol(number).low
        return low is not None and low >= 0

    def _scale_of_choice(self, choice: Choice, base: int) -> int | None:
        yes, no = self.scale_of_word(choice.yes, base), self.scale_of_word(choice.no, base)
        if order_of(choice) == "smaller" and (yes is None or no is None):
            lows = self.word(choice.yes).low, self.word(choice.no).low
            positive = all(low is not None and low >= 0 for low in lows)
            return (no if yes is None else yes) if positive else None
        return None if yes is None or no is None else max(yes, no)

    def scale_of_word(self, word: Word, base: int) -> int | None:
        """The same of a word."""
        total = 0
        for monomial, factor in monomials_of(word).items():
            if not monomial:
                low = self.symbol(base).low
                if low is None or low < 1:
                    return None
                total += abs(factor)
                continue
            found = [self._scale_of_part(monomial, place, base) for place in range(len(monomial))]
            known = [times for times in found if times is not None]
            if not known:
                return None
            total += abs(factor) * min(known)
        return total

    def _scale_of_part(self, monomial: Monomial, place: int, base: int) -> int | None:
        times = self.scale(monomial[place], base)
        rest = None if times is None else self._magnitude([*monomial[:place], *monomial[place + 1 :]])
        return None if times is None or rest is None else times * rest


def permuted(linear: Monomials) -> Iterator[tuple[tuple[Monomial, int], tuple[Monomial, int]]]:
    """Two summands in both orders."""
    first, second = linear.items()
    yield first, second
    yield second, first


def opposite(linear: Monomials, constant: int) -> Sum:
    """The sum that is zero or more where another is not."""
    return {monomial: -factor for monomial, factor in linear.items()}, -constant - 1


def sums_of(flag: Flag) -> Iterator[Sum]:
    """Sums that are zero or more where a condition holds."""
    if not isinstance(flag, Condition) or flag.kind == "flag":
        return
    if flag.kind == "and":
        for part in flag.parts:
            yield from sums_of(part)
        return
    atom = flag.parts if flag.kind == "not" else flag
    if atom.kind not in ("at_least_zero", "zero"):
        return
    linear = dict(monomials_of(atom.parts))
    constant = linear.pop((), 0)
    if atom.kind == "at_least_zero":
        yield opposite(linear, constant) if flag.kind == "not" else (linear, constant)
    elif flag.kind == "zero":
        yield linear, constant
        yield {monomial: -factor for monomial, factor in linear.items()}, -constant


def order_of(choice: Choice) -> str:
    """Which of two words a choice takes: the "smaller", the "larger", the "magnitude" of one; "" for anything else."""
    if choice.condition.kind != "at_least_zero":
        return ""
    decided, yes, no = (dict(monomials_of(word)) for word in (choice.condition.parts, choice.yes, choice.no))
    shift = decided.pop((), 0)
    difference = {monomial: yes.get(monomial, 0) - no.get(monomial, 0) for monomial in {**yes, **no}}
    apart = difference.pop((), 0)
    opposite = all(yes.get(monomial, 0) == -no.get(monomial, 0) for monomial in {**yes, **no})
    if opposite and decided == {m: f for m, f in yes.items() if m} and shift in (yes.get((), 0), yes.get((), 0) - 1):
        return "magnitude"
    difference = {monomial: factor for monomial, factor in difference.items() if factor}
    if decided == difference and shift in (apart, apart - 1):
        return "larger"
    if decided == {monomial: -factor for monomial, factor in difference.items()} and shift in (-apart, -apart - 1):
        return "smaller"
    return ""


def highest(first: Bound, second: Bound) -> Bound:
    """The better of two lower bounds."""
    return second if first is None else first if second is None else max(first, second)


def lowest(first: Bound, second: Bound) -> Bound:
    """The better of two upper bounds."""
    return second if first is None else first if second is None else min(first, second)


def least(first: Bound, second: Bound) -> Bound:
    """A lower bound of either of two words."""
    return None if first is None or second is None else min(first, second)


def most_of(first: Bound, second: Bound) -> Bound:
    """An upper bound of either of two words."""
    return None if first is None or second is None else max(first, second)
