"""Every goal is proved, and none for want of states."""

from collections import Counter

import pytest

from perp_cli.paths import Known, read_paths
from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.frame import Symbolic
from perp_proofs.smt.path_states import faults
from perp_proofs.smt.paths import Paths
from perp_proofs.smt.prove import PATHS_MAX, Goal, cases
from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.solver import Verdict
from perp_proofs.smt.terms import Flag
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


class Noting(Symbolic):
    """All states, and what is assumed of them."""

    def __init__(self, reading: SymbolicReading, noted: set[str]) -> None:
        super().__init__(reading)
        self.noted = noted

    def assume(self, condition: Flag, sentence: str) -> None:
        """Keep to values for which the condition holds."""
        self.noted |= set() if condition is True else {sentence}
        super().assume(condition, sentence)


def assumed(goal: Goal) -> set[str]:
    """What the statement of a goal assumes, by its own cases."""
    reading, noted = SymbolicReading(), set[str]()
    reading.opaque = goal.opaque
    for _ in cases(reading, lambda: goal.statement(Noting(reading, noted))):
        pass
    return noted


IN_THE_SENTENCE = {
    "a batch begins between",
    "a part is taken first",
    "a part is traded first",
    "a request is past its deadline",
    "a request to reduce is pending",
    "both trades are in one market",
    "closing all that is asked is allowed",
    "it holds of what was withdrawn before",
    "it is no earlier than the last batch",
    "lots are no more than asked",
    "lots are no more than the position",
    "no more than a day goes by",
    "one notional is no more than the other",
    "the accounts are different ones",
    "the accounts are users'",
    "the cautious sums keep the promise",
    "the deficit is at least 0",
    "the fund exists",
    "the market is in range before",
    "the promise so far",
    "the sums are in range",
    "the sums keep the promise",
}
"""What theorems assume because their sentences, or what all of a family assume, speak of nothing else."""


def test_what_a_theorem_assumes_is_in_its_list() -> None:
    """Given all theorems, then what each assumes stands in its list, which the page shows, or in its sentence."""
    found = {goal.name: assumed(goal) for goal in GOALS}

    hidden = {goal.name: found[goal.name] - set(goal.assumptions) - IN_THE_SENTENCE for goal in GOALS}
    assert {name: sentences for name, sentences in hidden.items() if sentences} == {}
    assert set().union(*found.values()) >= IN_THE_SENTENCE


def test_names_differ() -> None:
    assert [name for name, count in Counter(goal.name for goal in GOALS).items() if count > 1] == []


def test_every_rule_has_a_goal() -> None:
    assert set(RULES) - {subject for goal in GOALS for subject in goal.subjects} == set()


def test_the_default_configuration_is_as_assumed() -> None:
    config = default_config()

    assert parameters_valid(config.parameters) is True
    assert [market_valid(entry.market) for entry in config.markets] == [True] * len(config.markets)
