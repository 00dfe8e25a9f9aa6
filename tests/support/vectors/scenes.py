"""Scenarios of the rules' scenes: accepted, each guard the first false one, on its boundary and off, two false."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

from perp_reference.conformance.boundary import Leaf, Moment, boundaries, holds
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.values import RECORD_NAMES
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.reasons import SENTENCES, Reason
from support.scenes.collected import SCENES
from support.scenes.scene import Scene
from support.vectors.build import moment_of, scenario

TEST = "tests/spec/perp_spec/perpetual/test_guards.py"


def slug(text: str) -> str:
    """A text as a part of an id."""
    return re.sub(r"[^a-z0-9_.]+", "-", text.lower()).strip("-")


def rule_and_variant(scene: Scene) -> tuple[str, str]:
    """The rule of a scene, and which of its scenes this is."""
    rule, _, variant = scene.name.partition(" ")
    return rule, f"{slug(variant)}/" if variant else ""


def given(scene: Scene) -> str:
    """What a scene is about."""
    return " ".join((scene.begin.__doc__ or scene.name).split())


def scene_scenarios() -> Iterator[Scenario]:
    """All scenarios of the scenes."""
    for scene in SCENES:
        yield from accepted(scene)
        yield from guards(scene)
        yield from answers(scene)
        yield from pairs(scene)


def accepted(scene: Scene) -> Iterator[Scenario]:
    """The scene as it is, and the same operation once more."""
    rule, variant = rule_and_variant(scene)
    world, operation = scene.begin()
    comment = f"Given: {given(scene)} When: {rule}, twice. Then: the first is accepted."
    operations = (operation, operation)
    yield scenario(
        f"{rule}/{variant}accepted",
        comment,
        world.state.config,
        moment_of(world, operation).records,
        operations,
        test=TEST,
        flags=("BASIC",),
    )


def guards(scene: Scene) -> Iterator[Scenario]:
    """Each guard as the first false one, then on its boundary and one off."""
    rule, variant = rule_and_variant(scene)
    session = PerpetualSession(scene.begin()[0].state.config)
    for place, guard in enumerate(scene.guards):
        if guard.change is None:
            continue
        world, operation = scene.begin()
        base = moment_of(world, operation)
        config = world.state.config
        spoiled = moment_of(world, guard.change(world, operation))
        name = f"{rule}/{variant}guard-{place + 1:02d}-{slug(guard.reason.name)}"
        comment = f"Given: {given(scene)} But: {SENTENCES[guard.reason]} Then: {guard.reason.name}."
        flags = ("MISSING_CHECK",)
        yield scenario(name, comment, config, spoiled.records, (spoiled.operation,), test=TEST, flags=flags)
        yield from on_and_off(session, config, name, base, spoiled, place)


def on_and_off(
    session: PerpetualSession, config: Config, name: str, base: Moment, spoiled: Moment, place: int
) -> Iterator[Scenario]:
    """A guard on its boundary and one off, for each word that decides it."""
    for leaf, on, off in boundaries(session, base, spoiled, place):
        field = leaf_name(leaf)
        for side, moment in (("on", on), ("off", off)):
            what = (
                "the last value with which the guard holds"
                if side == "on"
                else "the first value with which it does not"
            )
            comment = f"{field} has {what}."
            yield scenario(
                f"{name}/{slug(field)}-{side}",
                comment,
                config,
                moment.records,
                (moment.operation,),
                kind="boundary",
                flags=("EDGE_CASE",),
            )


def leaf_name(leaf: Leaf) -> str:
    """A word, for people."""
    path = ".".join(str(part) for part in leaf.path)
    return path if leaf.place is None else f"{RECORD_NAMES[leaf.place.record]}.{path}"


def answers(scene: Scene) -> Iterator[Scenario]:
    """Each result that an operation can state: stated rightly, then as done, then as something else."""
    rule, variant = rule_and_variant(scene)
    for answer in scene.answers:
        world, operation = scene.begin()
        moment = moment_of(world, answer.change(world, operation))
        others = [result for result in (0, int(Reason.AMOUNT), 255) if result != answer.reason]
        wrong = [with_result(moment.operation, result) for result in others]
        yield scenario(
            f"{rule}/{variant}answer-{slug(answer.reason.name)}",
            f"Given: {given(scene)} But: {SENTENCES[answer.reason]} Then: no other result is accepted than just that.",
            world.state.config,
            moment.records,
            (*wrong, moment.operation),
            test=TEST,
            flags=("ATOMICITY",),
        )


def with_result(operation: Any, result: int) -> Any:
    """An operation that states another result."""
    return type(operation)(**{**{name: getattr(operation, name) for name in names_of(operation)}, "result": result})


def names_of(operation: Any) -> list[str]:
    """The fields of an operation."""
    return [attribute.name for attribute in type(operation).__attrs_attrs__]


def pairs(scene: Scene) -> Iterator[Scenario]:
    """Each two guards that follow each other, both false: the first one counts."""
    rule, variant = rule_and_variant(scene)
    session = PerpetualSession(scene.begin()[0].state.config)
    spoilers = [(place, guard) for place, guard in enumerate(scene.guards) if guard.change]
    for (place, first), (later, second) in itertools.pairwise(spoilers):
        assert first.change is not None
        assert second.change is not None
        world, operation = scene.begin()
        operation = second.change(world, operation)
        operation = first.change(world, operation)
        moment = moment_of(world, operation)
        session.take(moment.records)
        shown = session.guards(operation)
        if shown[place].holds or shown[later].holds or not holds(session, moment, place - 1):
            continue
        yield scenario(
            f"{rule}/{variant}order-{place + 1:02d}-{later + 1:02d}",
            f"Given: {given(scene)} But: {first.reason.name} and {second.reason.name}. Then: {first.reason.name}.",
            world.state.config,
            moment.records,
            (operation,),
            test=TEST,
            flags=("ORDER_OF_CHECKS",),
        )
