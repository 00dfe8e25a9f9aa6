"""Scenarios of random walks: some steps each, batches with real roots, from one seed."""

from collections.abc import Iterator
from random import Random
from typing import Any

from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.values import records_of
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Exchange
from support.vectors.build import scenario
from support.walk import Walk
from support.worlds import World

STEPS = 20
"""Operations of a case. Short, so that a divergence hides little."""

SEEDS = range(8)

LENGTH = 90
"""Actions of a walk."""


class Recorder:
    """Notes what happens in a world from now on, and lives through the same with real roots."""

    def __init__(self, world: World) -> None:
        self.session = PerpetualSession(world.state.config)
        self.session.take(records_of(world.state))
        self.pieces: list[tuple[dict[Any, Any], list[Any]]] = [(records_of(world.state), [])]
        self._apply, self._begin = world.apply, world.begin
        world.apply = self.apply
        world.begin = self.begin

    def apply(self, operation: Any) -> Reason | None:
        """Apply an operation, and note it."""
        reason = self._apply(operation)
        self.note(operation)
        return reason

    def begin(self, time: int, /, **changes: Any) -> Reason | None:
        """Begin a batch, and note its header."""
        reason = self._begin(time, **changes)
        number = self.session.current.get(Exchange, 0).number + 1
        self.note(Header(number, time, self.session.packed_root(), self.session.config_digest))
        return reason

    def note(self, operation: Any) -> None:
        """Note an operation, in a new piece where the last one is full."""
        if len(self.pieces[-1][1]) >= STEPS:
            self.pieces.append((records_of(self.session.current), []))
        self.pieces[-1][1].append(operation)
        self.session.apply_operation(operation)


def walk_scenarios() -> Iterator[Scenario]:
    """All scenarios of walks."""
    for seed in SEEDS:
        walk = Walk(Random(seed), thorough=False)
        recorder = Recorder(walk.world)
        if seed % 2:
            walk.leverage()
        walk.run(LENGTH, every=LENGTH)
        assert recorder.session.current.tables == walk.world.state.tables
        for number, (records, operations) in enumerate(recorder.pieces):
            yield scenario(
                f"walks/seed-{seed:02d}/part-{number:03d}",
                f"Part {number} of a random walk.",
                walk.world.state.config,
                records,
                operations,
                kind="walk",
                seed=str(seed),
                flags=("ATOMICITY",),
            )
