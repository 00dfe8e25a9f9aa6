"""Goals, and proving them.

A goal is a statement that is run on a stage: it takes values from there, performs rules, and returns what must hold of
them. Where the solver cannot tell, the oldest comparison that a selection depends on is decided both ways, and the
statement is read again on each path; paths that cannot happen are dropped.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import attrs

from perp_proofs.smt.evaluate import Evaluation
from perp_proofs.smt.frame import Concrete, Home, NotReached, Stage, Symbolic, Undecided
from perp_proofs.smt.home import WORDS
from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.solver import (
    SEARCH,
    STEPS,
    Answer,
    Step,
    Verdict,
    answer,
    ask,
    open_choices,
)
from perp_proofs.smt.terms import Condition, Flag, conjunction

DECISIONS_MAX = 6
"""Most comparisons that are decided on a path because the solver could not tell."""

PATHS_MAX = 2**DECISIONS_MAX
"""More paths than this are a sign that a contract is missing."""

HARDER = attrs.evolve(SEARCH, resources=20_000_000)
"""For a state that must be there."""

AGAIN = 4
"""So many states are tried, where the first one is not one in plain integers."""


class Claim(NamedTuple):
    """Something that must hold."""

    name: str
    condition: Flag
    guards: int | None = None
    """How many of the rule's guards it may rest on, None for all."""


Statement = Callable[[Stage], Iterator[Claim]]

T = TypeVar("T")


@attrs.frozen
class Goal:
    """A theorem: its name is its claim."""

    name: str
    sentence: str
    """The claim in English."""
    statement: Statement
    subjects: tuple[str, ...] = ()
    """Names of the rules and functions it is about."""
    opaque: dict[str, Callable[..., Any]] = attrs.Factory(dict[str, Callable[..., Any]])
    """Contracts that stand for tables, by the table's name."""
    assumptions: tuple[str, ...] = ()
    """What it assumes beyond that stored words are in their declared ranges."""


@attrs.frozen
class Result:
    """What became of a goal."""

    goal: Goal
    verdict: Verdict
    seconds: float
    paths: int
    """Most paths that one of its claims took."""
    failed: str = ""
    """The claim that is not proved."""
    values: dict[str, int | bool] = attrs.Factory(dict[str, int | bool])
    """A state that breaks it."""
    replayed: str = ""
    """What plain integers say of that state."""
    words: dict[str, int] | None = None
    """Words that were known, where it is a state at home."""


def prove(goal: Goal, seed: int = 0) -> Result:
    """Prove each claim of a goal on each path, or find a state that breaks one."""
    started = time.process_time()
    search = Search(goal, seed)
    given, name = search.run()
    said = replayed(goal, name, given) if given.verdict is Verdict.VIOLATED else ""
    if said and said != broken(name):
        given, said = asked_again(goal, name, given, said, seed)
    seconds = time.process_time() - started
    return Result(goal, given.verdict, seconds, search.paths, name, given.values, said, given.words)


def broken(name: str) -> str:
    """What plain integers say where a claim fails."""
    return f"{name}: False"


def asked_again(goal: Goal, name: str, given: Answer, said: str, seed: int) -> tuple[Answer, str]:
    """Look for other states, where the one found is not one in plain integers: a product may be left open in it."""
    for other in range(seed + 1, seed + AGAIN):
        found = at_home(goal, name, WORDS, other)
        if found.verdict is Verdict.VIOLATED and (replay := replayed(goal, name, found)) == broken(name):
            return found, replay
    return given, said


PROVED = Answer(Verdict.PROVED, {})


class Search:
    """The paths of a goal.

    Attributes:
        taken: What was decided on each path on which claims were read, once each, in this order.
    """

    def __init__(self, goal: Goal, seed: int = 0, reading: SymbolicReading | None = None) -> None:
        self.goal = goal
        self.seed = seed
        self.paths = 0
        self.taken: list[dict[int, bool]] = []
        self.reading = reading or SymbolicReading()
        self.reading.opaque = goal.opaque
        self.sought: set[str] = set()
        """Claims for which a counterexample was sought."""

    def claims(self) -> list[Claim]:
        """The claims on the path that is decided."""
        return list(self.goal.statement(Symbolic(self.reading)))

    def run(self, decided: dict[int, bool] | None = None, only: str = "") -> tuple[Answer, str]:
        """Prove the claims, or one of them, on the paths with these decisions."""
        decisions = decided or {}
        open_claims: list[tuple[str, Condition]] = []
        try:
            with self.reading.path(decisions):
                claims = self.claims()
                assert claims, f"{self.goal.name} claims nothing"
                if decisions not in self.taken:
                    self.taken.append(decisions)
                for claim in claims:
                    if only in ("", claim.name):
                        self.reading.counted = claim.guards
                        given, choice = self.claim(decisions, claim)
                        if choice is not None:
                            open_claims.append((claim.name, choice))
                        elif given.verdict is not Verdict.PROVED:
                            return given, claim.name
        except NotReached:
            return PROVED, ""
        except Undecided as case:
            return self.both_ways(decisions, case.atom, only)
        finally:
            self.reading.counted = None
        self.paths += 1
        for name, choice in open_claims:
            given, _ = self.both_ways(decisions, choice, name)
            if given.verdict is not Verdict.PROVED:
                return given, name
        return PROVED, ""

    def claim(self, decisions: dict[int, bool], claim: Claim) -> tuple[Answer, Condition | None]:
        """Ask for one claim on a path; where the solver cannot tell, the comparison to split the path by."""
        left = self.unproved(self.unproved(claim.condition, STEPS[:2]), STEPS[2:3])
        if left is True:
            return PROVED, None
        fresh = claim.name not in self.sought
        self.sought.add(claim.name)
        if fresh and (found := self.seek(claim.name, first=True)).verdict is Verdict.VIOLATED:
            return found, None
        given = answer(self.reading, left, self.seed, STEPS[3:])
        if given.verdict is Verdict.PROVED:
            return given, None
        if fresh and (found := self.seek(claim.name, first=False)).verdict is Verdict.VIOLATED:
            return found, None
        if given.verdict is Verdict.VIOLATED:
            return attrs.evolve(given, decisions=decisions), None
        choices = open_choices(self.reading, left)
        possible = not decisions or ask(self.reading, False, STEPS[1], seed=self.seed).verdict is not Verdict.PROVED
        if choices and possible and len(decisions) < DECISIONS_MAX and self.paths < PATHS_MAX:
            return given, choices[0]
        return attrs.evolve(given, decisions=decisions), None

    def unproved(self, condition: Flag, steps: tuple[Step, ...]) -> Flag:
        """The parts of a condition that these steps do not prove."""
        parts = condition.parts if isinstance(condition, Condition) and condition.kind == "and" else (condition,)
        left = [part for part in parts if answer(self.reading, part, self.seed, steps).verdict is not Verdict.PROVED]
        return conjunction(self.reading, left)

    def seek(self, name: str, first: bool) -> Answer:
        """Look for a state that breaks a claim: first where much is known of it."""
        return at_home(self.goal, name, WORDS[:-1] if first else WORDS[-1:], self.seed)

    def both_ways(self, decisions: dict[int, bool], atom: Condition, only: str) -> tuple[Answer, str]:
        """Go on where a comparison holds, and where it does not."""
        given, name = self.run({**decisions, atom.number: True}, only)
        if given.verdict is not Verdict.PROVED:
            return given, name
        return self.run({**decisions, atom.number: False}, only)


def at_home(goal: Goal, name: str, known: tuple[dict[str, int], ...], seed: int = 0) -> Answer:
    """Look for a state of one known exchange that breaks a claim. No contract stands for a table there."""
    for words in known:
        for stage, claim in visits(attrs.evolve(goal, opaque={}), words):
            if claim.name == name:
                found = ask(stage.reading, claim.condition, SEARCH, seed=seed)
                if found.verdict is Verdict.VIOLATED:
                    return attrs.evolve(found, words=words, values=with_digests(stage.reading, found.values))
    return Answer(Verdict.UNKNOWN, {})


def with_digests(reading: SymbolicReading, values: dict[str, int | bool]) -> dict[str, int | bool]:
    """The values with the one digest that an operation states, if it does, as it is: the solver made one up."""
    digests = [calls for function, calls in reading.applications.items() if function.startswith("digest")]
    stated = [result for calls in digests for call in calls.values() for result in call.results]
    if "op.chain" not in values or len(stated) != 1:
        return values
    return {**values, "op.chain": Evaluation(reading, values).word(stated[0])}


def visits(goal: Goal, words: dict[str, int]) -> Iterator[tuple[Home, Claim]]:
    """The claims of a goal at home, on each path that it splits itself."""
    reading = SymbolicReading()
    reading.opaque = goal.opaque

    def look() -> Iterator[tuple[Home, Claim]]:
        stage = Home(reading, words)
        for claim in goal.statement(stage):
            yield stage, claim

    return cases(reading, look)


def cases(reading: SymbolicReading, look: Callable[[], Iterator[T]]) -> Iterator[T]:
    """What looking at something yields, on each path that it splits itself."""
    waiting: list[dict[int, bool]] = [{}]
    while waiting:
        decisions = waiting.pop()
        try:
            with reading.path(decisions):
                yield from look()
        except NotReached:
            continue
        except Undecided as case:
            waiting += [{**decisions, case.atom.number: value} for value in (True, False)]


def reached(goal: Goal, seed: int = 0) -> bool:
    """Some state at home satisfies all that a goal assumes: it is not true for want of states."""
    for words in WORDS:
        for stage, _ in visits(goal, words):
            if ask(stage.reading, False, HARDER, seed=seed).verdict is Verdict.VIOLATED:
                return True
    return False


def replayed(goal: Goal, name: str, given: Answer) -> str:
    """Run the statement on one state in plain integers."""
    try:
        stage = Concrete(given.values, given.words)
        claim = next(claim for claim in goal.statement(stage) if claim.name == name)
    except NotReached as obstacle:
        return f"not reached: {obstacle}"
    except ZeroDivisionError:
        return "not reached: the rule divides by zero"
    return f"{claim.name}: {claim.condition}"
