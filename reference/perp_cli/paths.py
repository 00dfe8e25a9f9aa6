"""The file of the paths that proofs take, and looking at many of them on several processes."""

import signal
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import attrs

from perp_cli.errors import UsageError
from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.path_states import PathState, by_goal, decoded, encoded, faults, sought
from perp_proofs.smt.paths import Paths
from perp_proofs.smt.prove import Goal
from perp_proofs.smt.running import INTERRUPTS_IGNORED
from perp_proofs.smt.solver import Verdict
from perp_proofs.smt.witness import NoWitness
from perp_reference.errors import MalformedInput

Known = Mapping[str, list[PathState]]
"""Paths by the name of their theorem."""


@attrs.frozen
class Looked:
    """What was seen of a theorem's paths."""

    goal: str
    states: list[PathState]
    faults: list[str]
    """What is wrong with them."""
    undecided: bool = False
    """What is wrong is only that the solver could not tell: it gave up on the theorem, or found no state."""


def read_paths(file: Path) -> Known:
    """The paths in a file; none where there is no file.

    Raises:
        MalformedInput: A line breaks the format.
        UsageError: It cannot be read.
    """
    try:
        lines = file.read_bytes().decode("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise MalformedInput(str(file), None, None, "UTF-8", "other bytes") from None
    states: list[PathState] = []
    for number, line in enumerate(lines, 1):
        try:
            states.append(decoded(line))
        except NoWitness as error:
            raise MalformedInput(str(file), number, error.field or None, error.expected, error.got) from None
    return by_goal(states)


def write_paths(file: Path, states: Sequence[PathState]) -> None:
    """Write the file.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        file.write_text(encoded(states), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None


def looked_at(goals: Sequence[Goal], known: Known, seek: bool, processes: int) -> Iterator[Looked]:
    """Goals of the catalogue with their paths, as they come: those that are known, or where that is asked for anew."""
    look = partial(one_looked_at, seek=seek)
    tasks = [(goal.name, known.get(goal.name, [])) for goal in goals]
    if processes == 1 or len(tasks) == 1:
        yield from map(look, tasks)
        return
    with get_context("spawn").Pool(min(processes, len(tasks)), signal.signal, INTERRUPTS_IGNORED) as pool:
        yield from pool.imap_unordered(look, tasks)


def one_looked_at(task: tuple[str, list[PathState]], *, seek: bool) -> Looked:
    """One goal."""
    name, known = task
    paths = Paths(next(goal for goal in GOALS if goal.name == name))
    if paths.answer.verdict is not Verdict.PROVED:
        given_up = paths.answer.verdict is Verdict.UNKNOWN
        return Looked(name, [], [f"{paths.answer.verdict.value}: {paths.failed}"], given_up)
    if not seek:
        return Looked(name, known, faults(paths, known))
    try:
        states = sought(paths, known)
    except LookupError as error:
        return Looked(name, [], [str(error.args[0])], undecided=True)
    return Looked(name, states, faults(paths, states))
