"""Every goal is proved, and none for want of states."""

from collections import Counter

import pytest

from perp_cli.paths import Known, read_paths
from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.path_states import faults
from perp_proofs.smt.paths import Paths
from perp_proofs.smt.prove import PATHS_MAX, Goal
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.solver import Verdict
from perp_spec.perpetual.bounds import market_valid, parameters_valid
from perp_spec.perpetual.defaults import default_config
from support.vectors.witnesses import PATHS

pytestmark = pytest.mark.proofs


@pytest.fixture(scope="module")
def committed() -> Known:
    return read_paths(PATHS)


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.name)
def test_it_is_proved_and_each_path_of_the_proof_has_a_state(goal: Goal, committed: Known) -> None:
    """Given a theorem, then it is proved; and it speaks of some state on each path that its proof takes."""
    paths = Paths(goal)

    assert (paths.answer.verdict, paths.failed, paths.answer.values) == (Verdict.PROVED, "", {})
    assert paths.search.paths <= PATHS_MAX
    assert faults(paths, committed[goal.name]) == [], "run perp check --write-paths"


def test_no_theorem_is_in_the_file_that_is_not_there(committed: Known) -> None:
    assert list(committed) == [goal.name for goal in GOALS]


def test_names_differ() -> None:
    assert [name for name, count in Counter(goal.name for goal in GOALS).items() if count > 1] == []


def test_every_rule_has_a_goal() -> None:
    assert set(RULES) - {subject for goal in GOALS for subject in goal.subjects} == set()


def test_the_default_configuration_is_as_assumed() -> None:
    config = default_config()

    assert parameters_valid(config.parameters) is True
    assert [market_valid(entry.market) for entry in config.markets] == [True] * len(config.markets)
