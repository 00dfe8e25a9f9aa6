"""Every goal is proved."""

from collections import Counter

import pytest

from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.prove import PATHS_MAX, Goal, prove, reached
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.solver import Verdict
from perp_spec.perpetual.bounds import market_valid, parameters_valid
from perp_spec.perpetual.defaults import default_config

pytestmark = pytest.mark.proofs


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.name)
def test_it_is_proved(goal: Goal) -> None:
    result = prove(goal)

    assert (result.verdict, result.failed, result.values) == (Verdict.PROVED, "", {})
    assert result.paths <= PATHS_MAX


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.name)
def test_it_speaks_of_some_state(goal: Goal) -> None:
    assert reached(goal)


def test_names_differ() -> None:
    assert [name for name, count in Counter(goal.name for goal in GOALS).items() if count > 1] == []


def test_every_rule_has_a_goal() -> None:
    assert set(RULES) - {subject for goal in GOALS for subject in goal.subjects} == set()


def test_the_default_configuration_is_as_assumed() -> None:
    config = default_config()

    assert parameters_valid(config.parameters) is True
    assert [market_valid(entry.market) for entry in config.markets] == [True] * len(config.markets)
