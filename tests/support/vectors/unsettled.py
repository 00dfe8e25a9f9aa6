"""Scenes in which funding and losses wait to be settled: odd indices, so that every quotient has a remainder."""

from collections.abc import Iterator
from typing import Any

from perp_reference.conformance.scenarios import Scenario
from perp_spec.perpetual.records import MarketPrice
from support.scenes.collected import SCENES
from support.scenes.scene import Change, Scene
from support.vectors.build import moment_of, scenario
from support.vectors.scenes import given, rule_and_variant
from support.worlds import World

INDICES: dict[str, dict[str, int]] = {
    "longs-pay": {"funding_index": 1_234_567, "loss_index": 89_123},
    "shorts-pay": {"funding_index": -2_345_671, "loss_index": 7},
    "both-lose": {"funding_index": 3, "loss_index": 1_999_999},
}
"""Cumulative indices of every market, micro-atoms a lot."""


def unsettled_scenarios() -> Iterator[Scenario]:
    """Each scene under each of the indices, and with each guard's change."""
    for scene in SCENES:
        changes = [None, *[guard.change for guard in scene.guards if guard.change]]
        for name, indices in INDICES.items():
            for number, change in enumerate(changes if name == "longs-pay" else changes[:1]):
                yield unsettled(scene, name, indices, number, change)


def unsettled(scene: Scene, name: str, indices: dict[str, int], number: int, change: Change | None) -> Scenario:
    """One scene under some indices."""
    rule, variant = rule_and_variant(scene)
    world, operation = scene.begin()
    move(world, indices)
    if change is not None:
        operation = change(world, operation)
    moment = moment_of(world, operation)
    return scenario(
        f"{rule}/{variant}unsettled-{name}-{number:02d}",
        f"Given: {given(scene)} But: funding and losses wait to be settled.",
        world.state.config,
        moment.records,
        (operation, operation),
        flags=("ROUNDING",),
    )


def move(world: World, indices: dict[str, Any]) -> None:
    """Move the indices of every market that has a price."""
    for market in range(len(world.state.markets)):
        price = world.get(MarketPrice, market)
        if price.price:
            world.set(
                MarketPrice,
                market,
                funding_index=price.funding_index + indices["funding_index"],
                loss_index=price.loss_index + indices["loss_index"],
            )
