"""Asking Z3 whether a condition follows from what is known on a path.

What is asked grows in steps, and the first answer that counts ends it. A proof from less is a proof, so the first
questions leave out most guards, and read every product as a word of its own, which makes them linear and instant. A
counterexample counts only where nothing is left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

import attrs
import z3

from perp_proofs.smt.reading import Applied, SymbolicReading
from perp_proofs.smt.terms import (
    Application,
    Choice,
    Condition,
    Division,
    Flag,
    Monomial,
    Symbol,
    Term,
    Word,
    atoms_of,
    key_of,
    monomials_of,
    negated,
    product,
    symbols_of,
)


class Verdict(Enum):
    """What the solver found."""

    PROVED = "proved"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


@attrs.frozen
class Step:
    """How much is asked, and how hard the solver tries."""

    all_guards: bool
    linear: bool
    resources: int
    """Z3's own count of work, the same on every machine; some millions a second."""


STEPS = (
    Step(all_guards=False, linear=True, resources=3_000_000),
    Step(all_guards=True, linear=True, resources=6_000_000),
    Step(all_guards=True, linear=False, resources=1_000_000),
    Step(all_guards=False, linear=False, resources=6_000_000),
    Step(all_guards=True, linear=False, resources=20_000_000),
)

SEARCH = Step(all_guards=True, linear=False, resources=2_000_000)
"""For a state that breaks a claim."""


@attrs.frozen
class Answer:
    """A verdict, and where it is not a proof the words of a state that Z3 tried."""

    verdict: Verdict
    values: dict[str, int | bool]
    """By name, for free symbols."""
    step: Step | None = None
    decisions: dict[int, bool] = attrs.Factory(dict[int, bool])
    """The path it is about."""
    words: dict[str, int] | None = None
    """Words that were known, where the state is one at home."""


class Translator:
    """Z3's form of words and flags."""

    def __init__(self, reading: SymbolicReading, linear: bool) -> None:
        self.context = z3.Context()
        """Its own: what the solver finds within its resources does not depend on what others asked before."""
        self.table = reading.table
        self.linear = linear
        self._monomials: dict[Monomial, Any] = {}
        self._words: dict[Any, Any] = {}
        self._flags: dict[int, Any] = {}
        self._definitions: dict[int, tuple[Any, ...]] = {}
        self._pairs: dict[tuple[int, int], Any] = {}

    def symbol(self, number: int) -> Any:
        """A symbol."""
        return self.monomial((number,))

    def flag_symbol(self, number: int) -> Any:
        """A flag's symbol."""
        return z3.Bool(f"{self.table.symbols[number].name}#{number}", self.context)

    def value(self, number: int, value: int | bool) -> Any:
        """That a symbol has a value."""
        flag = self.table.symbols[number].flag
        return self.flag_symbol(number) == value if flag else self.symbol(number) == value

    def monomial(self, monomial: Monomial) -> Any:
        """A product of symbols; in linear form a word of its own."""
        if monomial not in self._monomials:
            if len(monomial) == 1:
                number = monomial[0]
                self._monomials[monomial] = z3.Int(f"{self.table.symbols[number].name}#{number}", self.context)
            elif self.linear:
                self._monomials[monomial] = z3.Int("#" + "*".join(map(str, monomial)), self.context)
            else:
                self._monomials[monomial] = z3.Product([self.symbol(number) for number in monomial])
        return self._monomials[monomial]

    def word(self, word: Word) -> Any:
        """A polynomial."""
        key = key_of(word)
        if key not in self._words:
            self._words[key] = self._sum(word)
        return self._words[key]

    def _sum(self, word: Word) -> Any:
        parts = [
            factor * self.monomial(monomial) if monomial else z3.IntVal(factor, self.context)
            for monomial, factor in monomials_of(word).items()
        ]
        if len(parts) == 1:
            return parts[0]
        return z3.Sum(parts) if parts else z3.IntVal(0, self.context)

    def flag(self, flag: Flag) -> Any:
        """A condition."""
        if isinstance(flag, bool):
            return z3.BoolVal(flag, self.context)
        if flag.number not in self._flags:
            self._flags[flag.number] = self._condition(flag)
        return self._flags[flag.number]

    def _condition(self, flag: Condition) -> Any:
        if flag.kind == "flag":
            return self.flag_symbol(flag.parts)
        if flag.kind == "not":
            return z3.Not(self.flag(flag.parts))
        if flag.kind == "and":
            return z3.And([self.flag(part) for part in flag.parts])
        word = self.word(flag.parts)
        return word >= 0 if flag.kind == "at_least_zero" else word == 0

    def definition(self, symbol: Symbol) -> tuple[Any, ...]:
        """What is known of a symbol by itself."""
        if symbol.number not in self._definitions:
            self._definitions[symbol.number] = tuple(self._defining(symbol))
        return self._definitions[symbol.number]

    def same(self, first: Applied, second: Applied) -> Any:
        """Equal arguments give equal results, for two calls of a function known by its name only."""
        key = min(symbols_of(first.results[0])), min(symbols_of(second.results[0]))
        if key not in self._pairs:
            arguments = zip(first.arguments, second.arguments, strict=True)
            results = zip(first.results, second.results, strict=True)
            same, equal = (
                [self.word(one) == self.word(other) for one, other in pairs] for pairs in (arguments, results)
            )
            self._pairs[key] = z3.Implies(z3.And(same), z3.And(equal))
        return self._pairs[key]

    def _defining(self, symbol: Symbol) -> Iterator[Any]:
        if symbol.flag:
            return
        own, definition = self.symbol(symbol.number), symbol.definition
        if symbol.low is not None:
            yield own >= symbol.low
        if symbol.high is not None:
            yield own <= symbol.high
        if isinstance(definition, Choice):
            condition = self.flag(definition.condition)
            yield z3.Implies(condition, own == self.word(definition.yes))
            yield z3.Implies(z3.Not(condition), own == self.word(definition.no))
        if isinstance(definition, Division):
            yield from self._division(definition)

    def _division(self, division: Division) -> Iterator[Any]:
        quotient, remainder = Term(None, {(division.quotient,): 1}), self.symbol(division.remainder)
        multiple = self.word(product(None, quotient, division.divisor))
        dividend, divisor = self.word(division.dividend), self.word(division.divisor)
        axiom = z3.And(dividend == multiple + remainder, remainder >= 0, remainder < divisor)
        if type(division.divisor) is int:
            yield axiom
        else:
            same_sign = (dividend >= 0) == (self.symbol(division.quotient) >= 0)
            yield z3.Implies(divisor >= 1, z3.And(axiom, same_sign))


def parts_of(symbol: Symbol) -> set[int]:
    """Numbers of the symbols that a symbol's definition mentions."""
    definition = symbol.definition
    if isinstance(definition, Choice):
        return symbols_of(definition.condition) | symbols_of(definition.yes) | symbols_of(definition.no)
    if isinstance(definition, Division):
        own = {definition.quotient, definition.remainder}
        return symbols_of(definition.dividend) | symbols_of(definition.divisor) | own
    if isinstance(definition, Application):
        return set().union(*map(symbols_of, definition.arguments))
    return set()


def cone(reading: SymbolicReading, start: Iterable[int]) -> set[int]:
    """Symbols that the given ones depend on through definitions, themselves included."""
    found: set[int] = set()
    waiting = list(start)
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += parts_of(reading.table.symbols[number])
    return found


def relevant(reading: SymbolicReading, goal: Flag, all_guards: bool) -> tuple[set[int], list[Flag]]:
    """The symbols and the known conditions to put before the solver.

    Without all guards, these are the promises and assumptions about any symbol the goal depends on, and the guards
    about such symbols only.
    """
    known = [fact.condition for fact in (*reading.promises, *reading.facts)]
    guards = [guard.condition for guard in reading.guards[: reading.counted]]
    if all_guards:
        chosen = known + guards
        return cone(reading, set().union(symbols_of(goal), *map(symbols_of, chosen))), chosen
    symbols = cone(reading, symbols_of(goal))
    chosen: list[Flag] = []
    pending = known
    while touching := [flag for flag in pending if symbols_of(flag) & symbols]:
        pending = [flag for flag in pending if not symbols_of(flag) & symbols]
        chosen += touching
        symbols |= cone(reading, set().union(*map(symbols_of, touching)))
    return symbols, chosen + [guard for guard in guards if symbols_of(guard) <= symbols]


def same_arguments(reading: SymbolicReading, translator: Translator, symbols: set[int]) -> Iterator[Any]:
    """Equal arguments give equal results, for every two calls of a function known by its name only."""
    for calls in reading.applications.values():
        listed = [call for call in calls.values() if any(symbols_of(result) & symbols for result in call.results)]
        for place, first in enumerate(listed):
            for second in listed[:place]:
                yield translator.same(first, second)


def translator_of(reading: SymbolicReading, linear: bool) -> Translator:
    """The translator of a reading, with what it translated before."""
    if linear not in reading.translators:
        reading.translators[linear] = Translator(reading, linear)
    return reading.translators[linear]


def ask(
    reading: SymbolicReading,
    goal: Flag,
    step: Step,
    extra: Iterable[Flag] = (),
    seed: int = 0,
    known: Mapping[int, int | bool] | None = None,
) -> Answer:
    """Ask one question.

    Of symbols that are known by value, that is said instead of their definitions: a proof then speaks of these values.
    """
    symbols, told = relevant(reading, goal, step.all_guards)
    translator = translator_of(reading, step.linear)
    solver = z3.Solver(ctx=translator.context)
    solver.set(rlimit=step.resources, random_seed=seed)
    for flag in (*told, *extra, negated(goal)):
        solver.add(translator.flag(flag))
    decisions = [reading.table.conditions[number] for number in reading.table.decisions]
    for number in sorted(cone(reading, symbols.union(*map(symbols_of, (*extra, *decisions))))):
        if known is not None and number in known:
            solver.add(translator.value(number, known[number]))
        else:
            solver.add(*translator.definition(reading.table.symbols[number]))
    for number, value in reading.table.decisions.items():
        solver.add(translator.flag(reading.table.conditions[number]) == value)
    solver.add(*same_arguments(reading, translator, symbols))
    result = solver.check()
    if result == z3.unsat:
        if reading.proofs is not None:
            reading.proofs.append(solver.to_smt2())
        return Answer(Verdict.PROVED, {}, step)
    if result == z3.unknown:
        return Answer(Verdict.UNKNOWN, {}, step)
    return Answer(Verdict.VIOLATED, values_of(reading, solver.model()), step)


def values_of(reading: SymbolicReading, model: Any) -> dict[str, int | bool]:
    """The words and flags of a model, by the names of free symbols."""
    values: dict[str, int | bool] = {}
    free = {f"{symbol.name}#{symbol.number}": symbol for symbol in reading.table.symbols if symbol.definition is None}
    for declaration in model.decls():
        if declaration.name() in free:
            symbol, value = free[declaration.name()], model[declaration]
            values[symbol.name] = bool(value) if symbol.flag else value.as_long()
    return values


def answer(reading: SymbolicReading, goal: Flag, seed: int = 0, steps: tuple[Step, ...] = STEPS) -> Answer:
    """Ask until an answer counts; of a conjunction, about each part by itself."""
    if goal is True:
        return Answer(Verdict.PROVED, {})
    if isinstance(goal, Condition) and goal.kind == "and":
        for part in goal.parts:
            given = answer(reading, part, seed, steps)
            if given.verdict is not Verdict.PROVED:
                return given
        return Answer(Verdict.PROVED, {})
    given = Answer(Verdict.UNKNOWN, {})
    for step in steps:
        given = ask(reading, goal, step, seed=seed)
        complete = step.all_guards and not step.linear
        if given.verdict is Verdict.PROVED or (complete and given.verdict is Verdict.VIOLATED):
            return given
    return Answer(Verdict.UNKNOWN, given.values, given.step)


def open_choices(reading: SymbolicReading, goal: Flag) -> list[Condition]:
    """The comparisons that selections under a goal depend on and the path has not decided, oldest first."""
    symbols, _ = relevant(reading, goal, all_guards=False)
    found: dict[int, Condition] = {}
    for number in sorted(symbols):
        definition = reading.table.symbols[number].definition
        if isinstance(definition, Choice):
            for atom in atoms_of(definition.condition):
                if atom.number not in reading.table.decisions:
                    found[atom.number] = atom
    return [found[number] for number in sorted(found)]
