"""The paths that a proof takes, and for each of them a state in plain integers that is on it.

A proof splits where a statement asks for cases, and where the solver cannot tell. On a path that no state takes, all
claims hold for want of states; so each path has a state, or a proof that there is none. The states are of exchanges
that have nothing but what an operation touches: no other position, and no other market. There contracts promise no
less than elsewhere, and the tables are read beside them, so a state that the solver finds is one of the rules.
"""

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import attrs

from perp_proofs.smt.equivalence import words_of
from perp_proofs.smt.evaluate import Evaluation
from perp_proofs.smt.frame import AnyMarkets, AnyPositions, Concrete, NotReached, Symbolic, Undecided
from perp_proofs.smt.home import HOME, LOOSE, WORDS
from perp_proofs.smt.prove import Goal, Search, with_digests
from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.solver import SEARCH, STEPS, Verdict, ask
from perp_proofs.smt.terms import Term, Word, key_of
from perp_spec.operation import Shape

Values = dict[str, int | bool]
"""Words and flags by name, without those that are zero or false."""

SEEDS = 3
"""So often a state is sought with the same words known."""

PART = 3
"""Lots of the first part of a trade that is split, where words are known."""


def traded(words: Mapping[str, int]) -> dict[str, int]:
    """Of some words those of the operation and of the time."""
    return {"part": PART, **{name: word for name, word in words.items() if name.startswith(("op.", "exchange."))}}


def sized(words: Mapping[str, int]) -> dict[str, int]:
    """Some words, but neither the price of an operation nor the kinds of accounts."""
    return {"part": PART, **{name: word for name, word in words.items() if not name.endswith((".kind", "op.price"))}}


KNOWN: tuple[dict[str, int] | None, ...] = (*WORDS, *map(traded, WORDS[:2]), *map(sized, WORDS[:2]), None)
"""What is known of the states that are looked at, in this order; None: nothing, not even prices and configuration."""


class TextReading(SymbolicReading):
    """A reading that can read the text of a table beside its contract.

    Attributes:
        beside: Texts are read too.
        texts: Of symbols that contracts made, what stands in the text.
    """

    def __init__(self) -> None:
        super().__init__()
        self.beside = False
        self.texts: dict[int, Word] = {}

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """A table: what its contract makes, which is what its text makes."""
        made = super().call(function, arguments)
        if self.beside and function.__name__ in self.opaque:
            self.same(made, function(*arguments))
        return made

    def same(self, made: Any, text: Any) -> None:
        """Each symbol that a contract made is a word."""
        for (_, symbol), (_, word) in zip(words_of("", made), words_of("", text), strict=True):
            if key_of(symbol) != key_of(word):
                ((monomial, _),) = symbol.monomials.items()
                self.texts[monomial[0]] = word
                self.equal(symbol, word)

    def equal(self, one: Word, other: Word) -> None:
        """Take two words as equal, and decide nothing by that: the terms stay those of the path."""
        with self.knowing_nothing():
            self.promise(one == other, "known")


class Lone(Symbolic):
    """States of an exchange that has nothing but what an operation touches; some words may be known."""

    def __init__(self, reading: TextReading, known: Mapping[str, int] | None) -> None:
        super().__init__(reading)
        self.same, self.equal = reading.same, reading.equal
        self.known = known

    def word(self, name: str, low: int, high: int) -> Word:
        """A word in a range."""
        word = super().word(name, low, high)
        value = (self.known or {}).get(name)
        if value is not None and low <= value <= high:
            self.equal(word, value)
        return word

    def record(self, kind: type[Any], name: str) -> Any:
        """A record; prices and configuration are those at home where words are known."""
        record = super().record(kind, name)
        if self.known is not None and kind in HOME:
            for (path, word), (_, value) in zip(words_of("", record), words_of("", HOME[kind]), strict=True):
                if isinstance(word, Term) and path.removeprefix(".") not in LOOSE:
                    self.equal(word, value)
        return record

    def rest(self, name: str, low: int | None = None) -> Word:
        """A sum over no records."""
        word = super().rest(name, low)
        self.equal(word, 0)
        return word

    def many(self, shape: Shape, name: str) -> Any:
        """No records."""
        return AnyPositions(self, name) if shape is Shape.HELD else NoMarkets(self, name)


class NoMarkets(AnyMarkets):
    """None of the markets that there may be."""

    def __init__(self, stage: Lone, name: str, moved: Word = 0) -> None:
        super().__init__(stage, name, moved)
        self.lone = stage

    def swept(self, term: Callable[..., Any], extra: tuple[Any, ...]) -> tuple[AnyMarkets, tuple[Word, ...]]:
        """Nothing is counted."""
        _, sums = super().swept(term, extra)
        self.lone.same(sums, (0,) * len(sums))
        return self, sums

    def folded(self, step: Callable[..., Any], carry: Any, extra: tuple[Any, ...]) -> tuple[AnyMarkets, Any]:
        """Nothing is borne."""
        after, grown = super().folded(step, carry, extra)
        self.lone.same((*grown, after.moved), (*carry, 0))
        return NoMarkets(self.lone, self.name, after.moved), grown


@attrs.frozen
class Path:
    """One path of a proof.

    Attributes:
        decisions: By number of the comparison, in the table of the search.
        said: The same in words: each comparison as it is on the path.
    """

    decisions: dict[int, bool]
    said: tuple[str, ...]


class Paths:
    """The paths that the proof of a goal takes.

    Attributes:
        search: What took them.
        found: In the order in which they were taken.
    """

    def __init__(self, goal: Goal) -> None:
        self.goal = goal
        self.reading = TextReading()
        self.search = Search(goal, reading=self.reading)
        self.answer, self.failed = self.search.run()
        conditions = self.reading.table.conditions
        self.found = [
            Path(
                decisions,
                tuple(f"{'' if holds else 'not '}{conditions[number]!r}" for number, holds in decisions.items()),
            )
            for decisions in self.search.taken
        ]

    def state(self, path: Path) -> Values | None:
        """A state that is on a path, in plain integers too; None where none is found."""
        for seed, known, positive in product(range(SEEDS), KNOWN, (False, True)):
            values = self.sought(path, known, positive, seed)
            if values is not None and not self.obstacle(path, values):
                return values
        return None

    def sought(self, path: Path, known: Mapping[str, int] | None, positive: bool, seed: int) -> Values | None:
        """What the solver finds; with positive divisors where a lemma is about others too."""
        try:
            with self.reading.path(path.decisions):
                divisors = self.read(known).divisors()
                with self.reading.knowing_nothing():
                    extra = [divisor >= 1 for divisor in divisors if positive]
                answer = ask(self.reading, False, SEARCH, extra, seed)
                if answer.verdict is not Verdict.VIOLATED:
                    return None
                return {name: value for name, value in with_digests(self.reading, answer.values).items() if value}
        except (NotReached, Undecided):
            return None

    def read(self, known: Mapping[str, int] | None) -> Lone:
        """Read the statement with the texts of tables."""
        self.reading.texts, self.reading.beside = {}, True
        stage = Lone(self.reading, known)
        try:
            for _ in self.goal.statement(stage):
                pass
        finally:
            self.reading.beside = False
        return stage

    def obstacle(self, path: Path, values: Values) -> str:
        """Why a state is not on a path; empty where it is.

        Run in plain integers, the statement gets to its claims, and all hold; and each comparison is as it is on the
        path, and each guard holds, where the terms are evaluated.
        """
        try:
            claims = list(self.goal.statement(Concrete(dict(values))))
        except (NotReached, ZeroDivisionError) as obstacle:
            return f"not reached: {obstacle}"
        if not claims:
            return "nothing is claimed"
        false = [claim.name for claim in claims if claim.condition is not True]
        if false:
            return f"false: {', '.join(false)}"
        with self.reading.path(path.decisions):
            self.read(None)
        point = TextEvaluation(self.reading, values)
        for (number, holds), said in zip(path.decisions.items(), path.said, strict=True):
            if point.flag(self.reading.table.conditions[number]) is not holds:
                return f"not on the path: {said}"
        return next(
            (f"rejected: {guard.reason.name}" for guard in self.reading.guards if not point.flag(guard.condition)), ""
        )

    def impossible(self, path: Path) -> bool:
        """There is a proof that no state is on a path, of any exchange."""
        with self.reading.path(path.decisions):
            try:
                self.search.claims()
            except NotReached:
                return True
            return any(ask(self.reading, False, step).verdict is Verdict.PROVED for step in STEPS[:3])


class TextEvaluation(Evaluation):
    """Words evaluated at a point, those that contracts made by the texts of the tables."""

    def __init__(self, reading: TextReading, values: dict[str, Any]) -> None:
        super().__init__(reading, values)
        self.texts = reading.texts

    def _defined(self, number: int) -> int:
        return self.word(self.texts[number]) if number in self.texts else super()._defined(number)
