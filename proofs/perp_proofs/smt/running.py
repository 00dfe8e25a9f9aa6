"""Proving many goals, on several processes."""

import json
import math
import signal
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

import attrs

from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.frame import Stage
from perp_proofs.smt.prove import Claim, Goal, Result, prove

PROCESSES = 2

INTERRUPTS_IGNORED = signal.SIGINT, signal.SIG_IGN
"""A worker leaves it to its parent to end the work."""


def goals_about(subject: str, goals: Sequence[Goal] = GOALS) -> list[Goal]:
    """The goals about a rule or a function of that name."""
    return [goal for goal in goals if subject in goal.subjects]


def proved_by_name(task: tuple[str, int]) -> tuple[str, Result]:
    """Prove the goal of a name; the result goes between processes, so it names its goal only."""
    name, seed = task
    goal = next(goal for goal in GOALS if goal.name == name)
    return name, attrs.evolve(prove(goal, seed), goal=NAMELESS)


def nothing(_stage: Stage) -> Iterator[Claim]:
    """No claim."""
    yield from ()


NAMELESS = Goal("", "", nothing)
"""Stands for a goal where that is named elsewhere."""


def proved(goals: Sequence[Goal], seed: int = 0, processes: int = PROCESSES) -> Iterator[Result]:
    """Prove goals of the catalogue, the results as they come."""
    by_name = {goal.name: goal for goal in goals}
    tasks = [(name, seed) for name in by_name]
    if processes == 1 or len(tasks) == 1:
        yield from (prove(goal, seed) for goal in goals)
        return
    with get_context("spawn").Pool(min(processes, len(tasks)), signal.signal, INTERRUPTS_IGNORED) as pool:
        for name, result in pool.imap_unordered(proved_by_name, tasks):
            yield attrs.evolve(result, goal=by_name[name])


def slowest_first(goals: Sequence[Goal], times: dict[str, float]) -> list[Goal]:
    """Goals in an order that keeps all processes busy to the end: those that took long the last time come first.

    Where nothing is known of one it comes before them, and of several the last in the catalogue first: those about
    overflow, which take longest, stand near its end.
    """
    last_first = goals[::-1]
    return sorted(last_first, key=lambda goal: -times.get(goal.name, math.inf))


def read_times(file: Path) -> dict[str, float]:
    """Seconds that goals took the last time; nothing where the file is not there or is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
