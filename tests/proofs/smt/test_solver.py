"""What the solver answers is a matter of the question alone."""

import pytest

from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.home import WORDS
from perp_proofs.smt.prove import HARDER, visits
from perp_proofs.smt.solver import ask

pytestmark = pytest.mark.proofs

NAMED = {goal.name: goal for goal in GOALS}


def state_of(name: str) -> dict[str, int | bool]:
    """A state that satisfies all that a goal assumes."""
    stage, _ = next(visits(NAMED[name], WORDS[0]))
    return ask(stage.reading, False, HARDER).values


def test_a_state_is_the_same_whatever_was_asked_before() -> None:
    """Given questions in one order and in the other: what resources reach would be a matter of luck otherwise."""
    names = [name for name in NAMED if name.endswith(("_conserves_money", "_changes_nothing_else"))]
    forth = {name: state_of(name) for name in names}
    back = {name: state_of(name) for name in reversed(names)}
    assert {name: state for name, state in forth.items() if back[name] != state or not state} == {}
