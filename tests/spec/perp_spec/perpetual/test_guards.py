"""Each guard of each rule, in the documented order, is hit by a change that makes it the first false one."""

import pytest

from perp_reference.core.audit import audit
from perp_reference.core.explain import explain
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.operations import Report
from perp_spec.perpetual.reasons import Reason
from support.reached import UNREACHABLE
from support.scenes import accounts, money, ticks
from support.scenes.collected import SCENES
from support.scenes.scene import Answer, Guard, Scene

GUARDS = [
    pytest.param(scene, place, guard, id=f"{scene.name}-{place}-{guard.reason.name}")
    for scene in SCENES
    for place, guard in enumerate(scene.guards)
    if guard.change
]

ANSWERS = [
    pytest.param(scene, answer, id=f"{scene.name}-{answer.reason.name}") for scene in SCENES for answer in scene.answers
]

HEADER_REASONS = {Reason.BATCH_NUMBER, Reason.TIME_BACKWARDS, Reason.PREVIOUS_ROOT, Reason.CONFIG_DIGEST}
"""Covered by test_header."""

CONFIG_REASONS = {Reason.CONFIG, Reason.FAMILIES}
"""Covered by the tests of the configuration."""


def rule_name(scene: Scene) -> str:
    return scene.name.partition(" ")[0]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_the_guards_of_a_rule_are_the_documented_ones_in_their_order(scene: Scene) -> None:
    world, operation = scene.begin()
    shown = explain(world.state, operation)
    assert [guard.reason.name for guard in shown] == [guard.reason.name for guard in scene.guards]
    assert all(guard.holds for guard in shown)
    assert audit(world.state) == [] or rule_name(scene) in {"funding_tick"}
    assert world.apply(operation) is None
    assert audit(world.state) == []


@pytest.mark.parametrize(("scene", "place", "guard"), GUARDS)
def test_a_guard_is_the_first_false_one(scene: Scene, place: int, guard: Guard) -> None:
    world, operation = scene.begin()
    assert guard.change is not None
    operation = guard.change(world, operation)
    holds = [shown.holds for shown in explain(world.state, operation)]
    assert holds.index(False) == place
    assert world.apply(operation) is guard.reason


@pytest.mark.parametrize(("scene", "answer"), ANSWERS)
def test_an_answer_is_the_one_the_rules_give(scene: Scene, answer: Answer) -> None:
    world, operation = scene.begin()
    operation = answer.change(world, operation)
    assert operation.result == answer.reason
    assert world.apply(operation) is None


def test_every_rule_has_a_scene() -> None:
    assert {rule_name(scene) for scene in SCENES} == set(PERPETUAL.rules)


def test_every_guard_of_a_rule_is_hit_in_one_of_its_scenes() -> None:
    """A guard that always holds in one scene is hit in another of the rule, or listed with the argument."""
    hit = {(rule_name(scene), guard.reason) for scene in SCENES for guard in scene.guards if guard.change}
    held = {(rule_name(scene), guard.reason) for scene in SCENES for guard in scene.guards if not guard.change}
    assert held - hit == {("forced_reduce", Reason.HEALTH_RATIO_FELL)}


def test_every_reason_is_reached_or_listed_as_unreachable() -> None:
    guards = {guard.reason for scene in SCENES for guard in scene.guards if guard.change}
    answers = {answer.reason for scene in SCENES for answer in scene.answers}
    covered = guards | answers | HEADER_REASONS | CONFIG_REASONS
    assert covered == set(Reason) - set(UNREACHABLE)
    assert not covered & set(UNREACHABLE)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"number": 3}, Reason.BATCH_NUMBER),
        ({"number": 1}, Reason.BATCH_NUMBER),
        ({"time": 999_999}, Reason.TIME_BACKWARDS),
        ({"previous_root": 1}, Reason.PREVIOUS_ROOT),
        ({"config_digest": 1}, Reason.CONFIG_DIGEST),
        ({"number": 3, "time": 0, "previous_root": 1, "config_digest": 1}, Reason.BATCH_NUMBER),
        ({"time": 0, "previous_root": 1, "config_digest": 1}, Reason.TIME_BACKWARDS),
        ({"previous_root": 1, "config_digest": 1}, Reason.PREVIOUS_ROOT),
    ],
    ids=str,
)
def test_header(changes: dict[str, int], reason: Reason) -> None:
    world, _ = money.deposit_scene()
    before = world.state.copy()
    assert world.begin(1_000_010, **changes) is reason
    assert world.state.tables == before.tables
    assert world.begin(1_000_010) is None


@pytest.mark.parametrize(("reason", "bad"), ticks.BAD_REPORTS, ids=str)
def test_malformed_report(reason: Reason, bad: object) -> None:
    world, operation = ticks.four_families()
    assert world.apply(ticks.said(1, bad)(world, operation)) is reason  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("plain", "padded"), ticks.PADDED_REPORTS, ids=str)
def test_what_lies_beyond_the_count_of_a_report_says_nothing(plain: Report, padded: Report) -> None:
    worlds = [ticks.four_families() for _ in range(2)]
    for (world, operation), said in zip(worlds, (plain, padded), strict=True):
        assert world.apply(ticks.said(1, said)(world, operation)) is None
    assert worlds[0][0].state.tables == worlds[1][0].state.tables


@pytest.mark.parametrize("parent", accounts.PARENTS)
def test_improper_parent(parent: str) -> None:
    world, operation = accounts.open_account_scene()
    assert world.apply(accounts.PARENTS[parent](world, operation)) is Reason.BAD_PARENT


@pytest.mark.parametrize("reason", Reason)
def test_an_unreachable_reason_has_an_argument(reason: Reason) -> None:
    assert reason not in UNREACHABLE or len(UNREACHABLE[reason]) > 80
