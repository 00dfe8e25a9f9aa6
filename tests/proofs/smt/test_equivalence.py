"""The Z3 reading of every rule says what plain integers say."""

import random

import pytest

from perp_proofs.smt.equivalence import (
    ACCEPTED,
    accepted_point,
    changed,
    plain_outcome,
    read,
    solver_agrees,
    symbolic_outcome,
)
from perp_proofs.smt.home import WORDS
from perp_proofs.smt.rulebook import RULES

pytestmark = pytest.mark.proofs

POINTS = 60


@pytest.mark.parametrize("words", WORDS[:2], ids=("long", "short"))
@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_read_alike(name: str, words: dict[str, int]) -> None:
    """Given a point that the solver finds to be accepted, when it and points near it are read both ways.

    Then integers accept it too, and both readings store the same words or reject for the same reason.
    """
    words = WORDS[-1] if name == "open_account" else words
    rule = read(RULES[name], words)
    values = accepted_point(rule)

    assert values is not None
    assert plain_outcome(rule, values, words)[0] == ACCEPTED
    assert plain_outcome(rule, values, words) == symbolic_outcome(rule, values)
    assert solver_agrees(rule, values)
    chance = random.Random(name)
    for _ in range(POINTS):
        near = changed(values, rule, chance)
        assert plain_outcome(rule, near, words) == symbolic_outcome(rule, near), near
