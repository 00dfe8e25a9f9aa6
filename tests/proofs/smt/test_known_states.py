"""The states that the solver found serve the theorems: none is false in them, and they show faults without a solver."""

from typing import Any

import pytest

from perp_cli.known_states import known_states
from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.kills import Fate, Judge, States, false_claim, shown
from perp_proofs.smt.mutants import Mutant, all_mutants, mutated
from perp_spec.perpetual.common import PERPETUAL
from support.vectors.witnesses import DIRECTORY

pytestmark = pytest.mark.proofs

BY_NAME = {goal.name: goal for goal in GOALS}


@pytest.fixture(scope="module")
def states() -> States:
    return known_states(DIRECTORY)


def named(piece: str) -> Mutant:
    """The fault whose name begins so."""
    return next(mutant for mutant in all_mutants() if mutant.name.startswith(piece))


def test_there_are_states_of_all_rules(states: States) -> None:
    assert set(PERPETUAL.rules) == set(states)


def test_no_theorem_is_false_in_a_known_state(states: States) -> None:
    told: list[Any] = []
    looked_at = 0
    for goal in GOALS:
        for rule in goal.subjects:
            for loaded in states.get(rule, ()):
                looked_at += 1
                if claim := false_claim(goal, rule, loaded):
                    told.append((goal.name, rule, claim))

    assert told == []
    assert looked_at > 5_000


def test_a_known_state_shows_a_fault(states: States) -> None:
    mutant = named("common.use_intent: comparison: now <= intent.expiry -> now < intent.expiry")
    goal = BY_NAME["cancel_is_rejected_exactly_for"]

    assert shown(mutant, goal, states) is None
    with mutated(mutant):
        kill = shown(mutant, goal, states)
    assert kill is not None
    assert (kill.fate, kill.goal) == (Fate.KILLED, goal.name)
    assert kill.said == f"{kill.claim}: False"


def test_a_judge_asks_no_solver_where_a_state_shows_it(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: Any) -> None:
        raise AssertionError("the solver was asked")

    monkeypatch.setattr("perp_proofs.smt.kills.tried", asked)
    mutant = named("common.use_intent: guard dropped: require(intent.authorised")
    goals = [goal for goal in GOALS if "cancel" in goal.subjects]

    assert Judge(goals, [mutant], states).judge(mutant).fate is Fate.KILLED
