"""The committed states that the solver found, as what rules take."""

from pathlib import Path
from typing import Any

from perp_reference.conformance.solved import MARKETS, read_solved
from perp_reference.core.machine import RUNNERS
from perp_reference.core.state import State
from perp_spec.perpetual.defaults import default_config


def known_states(directory: Path) -> dict[str, list[tuple[Any, list[Any]]]]:
    """By rule: operations, each with what the rule loads for it.

    Raises:
        MalformedInput: A file breaks its format.
    """
    found: dict[str, list[tuple[Any, list[Any]]]] = {}
    for file in sorted(directory.glob("*.jsonl")):
        solved = read_solved(file)
        for case in solved.cases:
            state = State(default_config(MARKETS))
            for place, record in case.records.items():
                state.put(place.record, place.key, record)
            loaded = RUNNERS[type(case.operation)].load(state, case.operation)
            found.setdefault(solved.rule, []).append((case.operation, loaded))
    return found
