"""Paths of proofs in a file, each with a state that is on it: one a line, without what is zero."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

from perp_proofs.smt.paths import Paths, Values
from perp_proofs.smt.witness import NoWitness, parsed, read, written

MEMBERS = ("goal", "path", "values")


@attrs.frozen
class PathState:
    """A path of a theorem's proof."""

    goal: str
    path: tuple[str, ...]
    """The comparisons that are decided on it, in words; none where the proof needs no cases."""
    values: Values | None
    """A state that is on it; None where there is a proof that no state is."""


def sought(paths: Paths, known: Iterable[PathState] = ()) -> list[PathState]:
    """The paths of a proof, each with a state: the known one where that is on the path.

    Raises:
        LookupError: A path has neither a state nor a proof that there is none.
    """
    states = {state.path: state.values for state in known}
    found: list[PathState] = []
    for path in paths.found:
        values = states.get(path.said)
        if values is None or paths.obstacle(path, values):
            values = paths.state(path)
        if values is None and not paths.impossible(path):
            raise LookupError(f"no state found, and none proved impossible: {named(path.said)}")
        found.append(PathState(paths.goal.name, path.said, values))
    return found


def faults(paths: Paths, committed: Iterable[PathState]) -> list[str]:
    """What is wrong with the paths of a proof that stand in a file, if anything.

    Each is one of the proof's, once, with a state that is on it or a proof that there is none; and some path has a
    state.
    """
    listed = list(committed)
    states = {state.path: state.values for state in listed}
    told = [f"no path: {named(path)}" for path in states if path not in {path.said for path in paths.found}]
    counted = Counter(state.path for state in listed)
    told += [f"{count} times in the file: {named(path)}" for path, count in counted.items() if count > 1]
    for path in paths.found:
        values = states.get(path.said)
        if path.said not in states:
            told.append(f"not in the file: {named(path.said)}")
        elif values is not None:
            obstacle = paths.obstacle(path, values)
            told += [f"{named(path.said)}: {obstacle}"] if obstacle else []
        elif not paths.impossible(path):
            told.append(f"without a state, and not proved impossible: {named(path.said)}")
    return told if any(values is not None for values in states.values()) else [*told, "no path has a state"]


def named(path: tuple[str, ...]) -> str:
    """A path in words."""
    return ", ".join(path) or "the only path"


def encoded(states: Iterable[PathState]) -> str:
    """The text of the file."""
    lines = [
        {
            "goal": state.goal,
            "path": list(state.path),
            "values": None if state.values is None else written(state.values),
        }
        for state in states
    ]
    return "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines)


def decoded(line: str) -> PathState:
    """The path that a line holds.

    Raises:
        NoWitness: It holds none.
    """
    document = parsed(line)
    if not isinstance(document, dict) or tuple(document) != MEMBERS:
        raise NoWitness("", f"an object of {', '.join(MEMBERS)}", line[:60])
    if not isinstance(document["goal"], str):
        raise NoWitness("goal", "a string", json.dumps(document["goal"]))
    path = document["path"]
    if not isinstance(path, list) or not all(isinstance(said, str) for said in path):
        raise NoWitness("path", "a list of strings", json.dumps(path))
    values = None if document["values"] is None else read("values", document["values"])
    return PathState(document["goal"], tuple(path), values)


def by_goal(states: Iterable[PathState]) -> Mapping[str, list[PathState]]:
    """The paths by the name of their goal."""
    result: dict[str, list[PathState]] = {}
    for state in states:
        result.setdefault(state.goal, []).append(state)
    return result
