"""Scenes in other states: some of them become decoys, cases whose expectation is wrong on purpose."""

import hashlib
from collections.abc import Iterator

from perp_reference.conformance.scenarios import Scenario
from perp_spec.perpetual.records import Exchange
from support.scenes.collected import SCENES
from support.scenes.scene import Scene
from support.vectors.build import moment_of, scenario
from support.vectors.scenes import given, rule_and_variant

LATER = 1_000
"""Batches that have passed in a variant."""


def variants() -> Iterator[Scenario]:
    """Each scene some batches later, accepted and with a guard false."""
    for scene in SCENES:
        for number, guard in enumerate([None, *[guard for guard in scene.guards if guard.change][1::7]]):
            yield variant(scene, number, guard)


def variant(scene: Scene, number: int, guard: object) -> Scenario:
    """One variant of a scene."""
    rule, name = rule_and_variant(scene)
    world, operation = scene.begin()
    change = getattr(guard, "change", None)
    if change is not None:
        operation = change(world, operation)
    before = world.get(Exchange).number
    world.set(Exchange, 0, number=before + LATER + number, proven=max(before + LATER + number - 2, 0))
    mark = hashlib.sha256(f"{scene.name} {number}".encode()).hexdigest()[:6]
    moment = moment_of(world, operation)
    comment = f"Given: {given(scene)} In another batch."
    return scenario(
        f"{rule}/{name}state-{mark}", comment, world.state.config, moment.records, (operation,), flags=("BASIC",)
    )
