"""The tables refuse what the rules refuse: rows behind a false guard, filled all the same, have a fault."""

from typing import Any

import pytest

from perp_proofs.air.check import Fault
from perp_proofs.air.rulebook import Rules
from perp_proofs.program.shapes import flat
from perp_proofs.stark.fill import calls
from perp_proofs.stark.fill.calls import Batch
from perp_reference.core.machine import rule_of
from support.cases import StateMemory
from support.messages import faults_of
from support.scenes.collected import SCENES
from support.worlds import World

UNFILLED = {("oracle_tick", "NO_MARKET"), ("mark", "NO_MARKET")}
"""Behind these guards a value of the market that is not there is a divisor: there is no row to fill."""


class Unchanged(StateMemory):
    """A memory that keeps nothing: what a refused operation would store need not be in its range."""

    def store(self, record: str, key: tuple[int, ...], fields: Any) -> None:
        """Nothing is kept."""


@pytest.fixture
def ignored(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Guards are passed over; the reasons of those that were false come to be in this list."""
    reasons: list[int] = []

    def passed_over(condition: bool, reason: int) -> tuple[int, ...]:
        if not condition:
            reasons.append(reason)
        return ()

    monkeypatch.setattr(calls, "refuse_unless", passed_over)
    return reasons


def faults_of_rows(rules: Rules, world: World, operation: Any) -> list[Fault]:
    """What is wrong with the rows of an operation."""
    batched = Batch(rules, Unchanged(world.state.copy()))
    batched.operation(rule_of(operation).name, [int(leaf) for leaf in flat(operation)])
    return faults_of(rules, batched)


@pytest.mark.proofs
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_rows_behind_a_false_guard_have_a_fault(rules: Rules, scene: Any, ignored: list[int]) -> None:
    world, operation = scene.begin()
    assert faults_of_rows(rules, world, operation) == []
    assert ignored == []
    for guard in scene.guards:
        if guard.change is None or (scene.name, guard.reason.name) in UNFILLED:
            continue
        world, operation = scene.begin()
        operation = guard.change(world, operation)
        assert faults_of_rows(rules, world, operation) != [], guard.reason.name
        assert ignored[0] == guard.reason
        ignored.clear()
