"""The reading itself: what each primitive of the language means on terms.

A guard is assumed: what follows holds for every accepted run. A selected word is a symbol with a definition, so a rule
is read once however many selections it makes; only where the solver needs it is a comparison decided and the rule read
again (see `prove`). A division is two symbols: n = q*d + r and 0 <= r < d.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from perp_proofs.smt.bounds import Bounds, Ignorance
from perp_proofs.smt.terms import (
    Condition,
    Flag,
    Table,
    Term,
    Word,
    at_least_zero,
    conjunction,
    decided,
    key_of,
    negated,
    product,
    summed,
    symbol_term,
)
from perp_spec.language import PLAIN, Rejected, reading_as
from perp_spec.words import WORD_MAX

DIGEST_MAX = 2**248 - 1


@attrs.frozen
class Guard:
    """A guard that was passed, in the order of the rule."""

    condition: Flag
    reason: Any


@attrs.frozen
class Fact:
    """A condition that holds on every run: an assumption of a goal, or what a contract promises."""

    condition: Flag
    sentence: str


@attrs.frozen
class Applied:
    """A call of a function that is known by its name only."""

    arguments: tuple[Word, ...]
    results: tuple[Word, ...]


@attrs.frozen
class Wide:
    """A word that stands in the text of a rule, and of which intervals do not say that it is one."""

    word: Word
    guards: int
    """How many guards stand before it."""
    premise: Flag
    """Where alone it counts: guards of attempts and flags of conditional calls around it."""


class Collector:
    """Where guards go: to the rule's own list, or to that of an attempt."""

    def __init__(self) -> None:
        self.guards: list[Guard] = []
        self.flags: list[Flag] = []
        """Flags of the conditional calls that are being read."""


class SymbolicReading:
    """A reading of the rules on terms.

    Attributes:
        table: The symbols and conditions, kept over all paths.
        facts: What the goal assumes, on this path.
        promises: What contracts promise, on this path.
        opaque: What stands for a table instead of its text, by the table's name.
        bounds: What is known of words on this path without a solver.
        translators: The solver's own, kept over all paths.
        applications: Calls of functions known by name only, on this path: arguments and results by function.
        wide: Words of the rule that intervals do not bound, while they are looked for.
        counted: How many guards count, None for all.
        proofs: The questions that the solver answered with a proof, in SMT-LIB, where they are kept.
        quotient: Told of each quotient while wide words are looked for, with what it was made of.
    """

    def __init__(self) -> None:
        self.table = Table()
        self.facts: list[Fact] = []
        self.promises: list[Fact] = []
        self.opaque: dict[str, Callable[..., Any]] = {}
        self.applications: dict[str, dict[Any, Applied]] = {}
        self.bounds = Bounds(self.table)
        self.translators: dict[bool, Any] = {}
        self.wide: dict[Any, Wide] | None = None
        self.counted: int | None = None
        self.proofs: list[str] | None = None
        self.quotient: Callable[..., None] | None = None
        self._collectors = [Collector()]

    @property
    def guards(self) -> list[Guard]:
        """Guards of the rule, in order."""
        return self._collectors[0].guards

    @contextmanager
    def path(self, decisions: dict[int, bool]) -> Iterator[None]:
        """Read a path afresh, with these comparisons decided."""
        self.table.decisions = decisions
        self.facts = []
        self.promises = []
        self.applications = {}
        self.bounds = Bounds(self.table)
        self._collectors = [Collector()]
        for number, holds in decisions.items():
            self.bounds.learn(self.table.conditions[number], holds)
        with reading_as(self):
            yield
        self.table.decisions = {}

    @contextmanager
    def knowing_nothing(self) -> Iterator[None]:
        """Make conditions that the solver is to see even where they are known to hold."""
        known, self.bounds = self.bounds, Ignorance(self.table)
        yield
        self.bounds = known

    # Names

    def word(self, name: str, low: int | None = None, high: int | None = None) -> Word:
        """The word of a name."""
        return symbol_term(self, self.table.free(name, low, high))

    def flag(self, name: str) -> Flag:
        """The flag of a name."""
        number = self.table.flag(name)
        return decided(self, self.table.condition(self, "flag", number, number))

    def assume(self, condition: Flag, sentence: str) -> None:
        """Take a condition as true."""
        self.facts.append(Fact(condition, sentence))
        self.bounds.learn(condition)

    def promise(self, condition: Flag, contract: str) -> None:
        """Take as true what a contract promises."""
        self.promises.append(Fact(condition, contract))

    # Scalars

    def require(self, condition: Flag, reason: Any) -> None:
        """A guard: where it stands under conditional calls, it counts where all of them happen."""
        collector = self._collectors[-1]
        for flag in collector.flags:
            condition = negated(flag & negated(condition))
        collector.guards.append(Guard(condition, reason))
        if len(self._collectors) == 1:
            self.bounds.learn(condition)

    def select(self, condition: Flag, yes: Any, no: Any) -> Any:
        """One of two values: words, flags, records or tuples of them."""
        if isinstance(yes, bool | Condition) and isinstance(no, bool | Condition):
            return (condition & yes) | (negated(condition) & no)
        if isinstance(yes, int | Term) and isinstance(no, int | Term):
            return self._select_word(condition, yes, no)
        if attrs.has(type(yes)):
            names = [attribute.name for attribute in attrs.fields(type(yes))]
            return type(yes)(*[self.select(condition, getattr(yes, name), getattr(no, name)) for name in names])
        if isinstance(yes, tuple):
            parts = [self.select(condition, one, other) for one, other in zip(yes, no, strict=True)]
            return type(yes)(*parts) if hasattr(yes, "_fields") else tuple(parts)
        raise TypeError(f"cannot select between {type(yes).__name__} and {type(no).__name__}")

    def _select_word(self, condition: Condition, yes: Word, no: Word) -> Word:
        if key_of(yes) == key_of(no):
            return yes
        if condition.kind == "not":
            return self._select_word(condition.parts, no, yes)
        return symbol_term(self, self.table.choice(condition, yes, no))

    def note(self, word: Word) -> None:
        """Take note of a word that stands in a rule's text, unless it is bounded anyway."""
        if self.wide is None or isinstance(word, int):
            return
        interval = self.bounds.word(word)
        if interval.low is None or interval.high is None or max(-interval.low, interval.high) > WORD_MAX:
            premise = self.premise()
            key = key_of(word), premise.number if isinstance(premise, Condition) else None
            self.wide.setdefault(key, Wide(word, len(self.guards), premise))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Make words that do not stand in the text of a rule."""
        wide, self.wide = self.wide, None
        yield
        self.wide = wide

    def premise(self) -> Flag:
        """Where alone counts what is read now: guards of attempts, and flags of conditional calls."""
        flags = [flag for collector in self._collectors for flag in collector.flags]
        guards = [guard.condition for collector in self._collectors[1:] for guard in collector.guards]
        return conjunction(self, [*flags, *guards])

    def _part(self, quotient: Word, parts: tuple[Word, Word, Word], up: bool) -> Word:
        if self.quotient is not None and self.wide is not None and not isinstance(quotient, int):
            self.quotient(quotient, *parts, up)
        self.note(quotient)
        return quotient

    def divide(self, dividend: Word, divisor: Word) -> tuple[Word, Word]:
        """Quotient toward minus infinity, and remainder."""
        if type(divisor) is int and divisor < 1:
            raise ZeroDivisionError(f"a rule divides by {divisor}")
        if type(dividend) is int and type(divisor) is int:
            return divmod(dividend, divisor)
        if type(divisor) is int and divisor == 1:
            return dividend, 0
        quotient, remainder = self.table.division(dividend, divisor)
        return symbol_term(self, quotient), symbol_term(self, remainder)

    def mul_div_floor(self, a: Word, b: Word, c: Word) -> Word:
        """A quotient toward minus infinity."""
        return self._part(self.divide(product(self, a, b), c)[0], (a, b, c), up=False)

    def mul_div_ceil(self, a: Word, b: Word, c: Word) -> Word:
        """A quotient toward plus infinity."""
        dividend = summed(self, [(product(self, a, b), -1)])
        return self._part(summed(self, [(self.divide(dividend, c)[0], -1)]), (a, b, c), up=True)

    def mul_div_remainder(self, a: Word, b: Word, c: Word) -> Word:
        """What a quotient toward minus infinity leaves."""
        return self.divide(product(self, a, b), c)[1]

    def product_le(self, a: Word, b: Word, c: Word, d: Word) -> Flag:
        """A comparison of two products."""
        return at_least_zero(self, summed(self, [(product(self, c, d), 1), (product(self, a, b), -1)]))

    def digest(self, tag: int, digests: tuple[Word, ...], words: tuple[Word, ...]) -> Word:
        """A function known by its name only."""
        return self.apply(f"digest_{int(tag)}_{len(digests)}", (*digests, *words), 1, 0, DIGEST_MAX)[0]

    def apply(
        self, function: str, arguments: tuple[Word, ...], results: int, low: int | None = None, high: int | None = None
    ) -> tuple[Word, ...]:
        """The results of a function known by its name only."""
        found = tuple(
            symbol_term(self, self.table.application(f"{function}.{place}", arguments, low, high))
            for place in range(results)
        )
        self.applications.setdefault(function, {})[tuple(map(key_of, arguments))] = Applied(arguments, found)
        return found

    # The shape of a program

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """A table: its own text, unless a contract stands for it."""
        contract = self.opaque.get(function.__name__)
        return function(*arguments) if contract is None else contract(self, *arguments)

    def cut(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """A place where a contract may stand for a function that is no table."""
        return self.call(function, arguments)

    def sweep(self, term: Callable[..., Any], items: Any, extra: tuple[Any, ...]) -> Any:
        """A visit of records: one by one where they are listed, else by contract."""
        return PLAIN.sweep(term, items, extra) if isinstance(items, tuple) else items.sweep(term, extra)

    def total(self, term: Callable[..., Any], items: Any, extra: tuple[Any, ...]) -> Any:
        """A sum over records: one by one where they are listed, else by contract."""
        return PLAIN.total(term, items, extra) if isinstance(items, tuple) else items.total(term, extra)

    def fold(self, step: Callable[..., Any], items: Any, carry: Any, extra: tuple[Any, ...]) -> Any:
        """A visit of records in order: one by one where they are listed, else by contract."""
        return PLAIN.fold(step, items, carry, extra) if isinstance(items, tuple) else items.fold(step, carry, extra)

    def call_if(self, flag: Flag, function: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> Any:
        """A conditional call: its guards count where the flag holds."""
        if isinstance(flag, bool):
            return function(*arguments) if flag else otherwise
        self._collectors[-1].flags.append(flag)
        try:
            result = function(*arguments)
        except Rejected as rejection:
            self.require(False, rejection.reason)
            return otherwise
        finally:
            self._collectors[-1].flags.pop()
        return self.select(flag, result, otherwise)

    def attempt(self, rule: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> tuple[Word, Any]:
        """A rule whose guards become a value: 0, or the code of the first that is false."""
        self._collectors.append(Collector())
        try:
            result = rule(*arguments)
        except Rejected as rejection:
            self.require(False, rejection.reason)
            result = otherwise
        finally:
            guards = self._collectors.pop().guards
        code: Word = 0
        for guard in reversed(guards):
            code = self._choose(guard.condition, code, int(guard.reason))
        return code, self._choose(conjunction(self, [guard.condition for guard in guards]), result, otherwise)

    def _choose(self, flag: Flag, yes: Any, no: Any) -> Any:
        if isinstance(flag, bool):
            return yes if flag else no
        return self.select(flag, yes, no)
