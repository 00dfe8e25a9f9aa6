"""Which goal notices which fault: the goals are proved again with the fault put in.

A fault is killed where a goal has a counterexample that plain integers confirm. A goal that is merely not proved any
more would fail the check too, but is counted apart. What no goal notices survives: a goal is missing, or the fault is
none.
"""

import hashlib
import inspect
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from multiprocessing import get_context
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import attrs

from perp_proofs.smt.digests import SMT
from perp_proofs.smt.frame import Concrete, NotReached, Symbolic
from perp_proofs.smt.mutants import Mutant, mutated
from perp_proofs.smt.prove import Goal, Result, cases, prove
from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.running import INTERRUPTS_IGNORED
from perp_proofs.smt.solver import Verdict
from perp_spec.operation import Rule

SECONDS_MAX = 10
"""Processor time that one goal may take on one fault."""

EXPLANATIONS = SMT.parents[1] / "survivors.json"
"""The faults that no theorem can notice, by name, and why: the mutant does the same as the rule."""

COUNT = 400
"""Faults that are tried where nobody asks for more."""


class Fate(IntEnum):
    """What became of a fault, the weakest first."""

    SURVIVED = 0
    """Every goal is proved all the same."""
    UNDECIDED = 1
    """Some goal is not proved any more, without a counterexample that integers confirm."""
    KILLED = 2
    """Some goal has a counterexample, and integers confirm it."""
    STILLBORN = 3
    """The rule cannot be read or run any more: no fault that anybody could have overlooked."""


@attrs.frozen
class Kill:
    """What became of a fault, and what it came to light by."""

    mutant: str
    """Its name."""
    fate: Fate
    seconds: float
    goal: str = ""
    claim: str = ""
    said: str = ""
    """What plain integers say of the counterexample, or why there is none."""


Loaded = tuple[Any, list[Any]]
"""An operation, and what its rule takes after it."""

States = Mapping[str, Sequence[Loaded]]
"""States of which it is known that they are on either side of what a rule decides, by the rule's name."""


class Known(Concrete):
    """One state of which it is known what a rule takes."""

    def __init__(self, rule: str, loaded: Loaded) -> None:
        super().__init__({})
        self.rule = rule
        self.loaded = loaded

    def loads(self, rule: Rule) -> tuple[Any, list[str], list[Any]]:
        """The operation, and what its rule takes after it, by name."""
        if rule.name != self.rule:
            raise NotReached(f"a state of {self.rule}")
        return self.loaded[0], [*inspect.signature(rule.function).parameters][1:], self.loaded[1]


def false_claim(goal: Goal, rule: str, loaded: Loaded) -> str:
    """The first claim of a goal that is false in a state, in plain integers; empty where none is."""
    try:
        return next((claim.name for claim in goal.statement(Known(rule, loaded)) if claim.condition is False), "")
    except NotReached:
        return ""


def shown(mutant: Mutant, goal: Goal, states: States) -> Kill | None:
    """The fault, killed by a known state in which a claim is false; None where no state shows it."""
    for rule in goal.subjects:
        for loaded in states.get(rule, ()):
            try:
                claim = false_claim(goal, rule, loaded)
            except (TypeError, AttributeError, ValueError, IndexError, KeyError, ZeroDivisionError):
                return None
            if claim:
                return Kill(mutant.name, Fate.KILLED, 0, goal.name, claim, f"{claim}: False")
    return None


class OutOfTime(Exception):
    """A goal took too long."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Stop what takes more processor time; main thread only."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTime

    kept = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, kept)


def codes_run(goal: Goal) -> set[CodeType]:
    """The functions that a goal's statement runs, on all cases it makes."""
    found: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            found.add(frame.f_code)

    reading = SymbolicReading()
    reading.opaque = goal.opaque
    kept = sys.getprofile()
    sys.setprofile(note)
    try:
        for _ in cases(reading, lambda: goal.statement(Symbolic(reading))):
            pass
    finally:
        sys.setprofile(kept)
    return found


class Judge:
    """Tries faults on goals.

    Attributes:
        goals: In the order in which they are tried where nothing speaks for one of them.
        mutants: The faults.
        states: What is tried before the solver is asked.
    """

    def __init__(self, goals: Sequence[Goal], mutants: Sequence[Mutant], states: States | None = None) -> None:
        self.goals = list(goals)
        self.mutants = list(mutants)
        self.states = states or {}
        self._codes = {goal.name: codes_run(goal) for goal in goals}

    def concerned(self, mutant: Mutant) -> list[Goal]:
        """The goals that run the function, those about it by name first."""
        code, name = mutant.function.__code__, mutant.function.__name__
        goals = [goal for goal in self.goals if code in self._codes[goal.name]]
        return sorted(goals, key=lambda goal: name not in goal.subjects)

    def judge(self, mutant: Mutant) -> Kill:
        """What becomes of a fault."""
        started = time.monotonic()
        best = Kill(mutant.name, Fate.SURVIVED, 0)
        goals = self.concerned(mutant)
        with mutated(mutant):
            for goal in goals:
                if (kill := shown(mutant, goal, self.states)) is not None:
                    return attrs.evolve(kill, seconds=time.monotonic() - started)
            for goal in goals:
                kill = tried(mutant, goal)
                if kill.fate > best.fate:
                    best = kill
                if best.fate >= Fate.KILLED:
                    break
        return attrs.evolve(best, seconds=time.monotonic() - started)


def tried(mutant: Mutant, goal: Goal, prover: Callable[[Goal], Result] = prove) -> Kill:
    """What one goal says of a fault that is put in."""
    try:
        with time_limit(SECONDS_MAX):
            result = prover(goal)
    except OutOfTime:
        return Kill(mutant.name, Fate.UNDECIDED, 0, goal.name, "", "out of time")
    except (TypeError, AttributeError, ValueError, IndexError, KeyError, ZeroDivisionError) as error:
        return Kill(mutant.name, Fate.STILLBORN, 0, goal.name, "", f"{type(error).__name__}: {error}"[:200])
    if result.verdict is Verdict.PROVED:
        return Kill(mutant.name, Fate.SURVIVED, 0)
    confirmed = result.replayed == f"{result.failed}: False"
    fate = Fate.KILLED if confirmed else Fate.UNDECIDED
    return Kill(mutant.name, fate, 0, goal.name, result.failed, result.replayed or result.verdict.value)


def chosen(mutants: Sequence[Mutant], count: int) -> list[Mutant]:
    """So many faults, evenly over all functions, the same ones on every machine."""
    waiting: dict[FunctionType, list[Mutant]] = {}
    for mutant in mutants:
        waiting.setdefault(mutant.function, []).append(mutant)
    for faults in waiting.values():
        faults.sort(key=lambda mutant: hashlib.sha256(mutant.name.encode()).digest())
    found: list[Mutant] = []
    while len(found) < count and waiting:
        for function in list(waiting):
            found.append(waiting[function].pop())
            if not waiting[function]:
                del waiting[function]
    return found[:count]


_judges: list[Judge] = []
"""The judge at work is the last one; set before the processes fork, so that each of them has it."""


def judged_by_place(place: int) -> Kill:
    """What becomes of a fault, in a process of the pool."""
    return _judges[-1].judge(_judges[-1].mutants[place])


def judged(judge: Judge, processes: int) -> Iterator[Kill]:
    """What becomes of each of the judge's faults, as it comes."""
    _judges.append(judge)
    with get_context("fork").Pool(processes, signal.signal, INTERRUPTS_IGNORED, maxtasksperchild=25) as pool:
        yield from pool.imap_unordered(judged_by_place, range(len(judge.mutants)))
    _judges.pop()


@attrs.frozen
class Score:
    """What became of many faults."""

    kills: tuple[Kill, ...]
    explained: frozenset[str]
    """Names of faults that are none: the mutant does the same as the rule."""

    def of(self, fate: Fate) -> list[Kill]:
        """The faults with a fate, by name."""
        return sorted((kill for kill in self.kills if kill.fate is fate), key=lambda kill: kill.mutant)

    @property
    def open(self) -> list[Kill]:
        """Faults that are not killed, and that nobody has explained."""
        return [
            kill
            for fate in (Fate.SURVIVED, Fate.UNDECIDED)
            for kill in self.of(fate)
            if kill.mutant not in self.explained
        ]

    @property
    def percent(self) -> float:
        """Killed, of all that were born; a fault that is none counts as one that is not killed."""
        born = len(self.kills) - len(self.of(Fate.STILLBORN))
        return 100 * len(self.of(Fate.KILLED)) / max(born, 1)


def read_explanations(file: Path = EXPLANATIONS) -> dict[str, str]:
    """Why a fault is none, by its name; nothing where there is no file."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {str(name): str(why) for name, why in found.items()}
