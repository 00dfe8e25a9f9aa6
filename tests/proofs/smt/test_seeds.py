"""Every theorem is proved whatever seed the solver begins with."""

import pytest

from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.prove import Goal, prove
from perp_proofs.smt.solver import Verdict

pytestmark = pytest.mark.mutation


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.name)
def test_it_does_not_depend_on_the_seed(goal: Goal) -> None:
    """Given four other seeds of the solver than the one that the ledger is written with."""
    assert {prove(goal, seed).verdict for seed in range(1, 5)} == {Verdict.PROVED}
