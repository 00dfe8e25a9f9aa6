"""Scenarios of headers, and of what the scenes say only in tables."""

from collections.abc import Iterator
from typing import Any

import attrs

from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.values import records_of
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.reasons import SENTENCES
from perp_spec.perpetual.records import Exchange, Ledger
from support.scenes import accounts, ticks
from support.scenes.scene import traded_world
from support.vectors.build import moment_of, scenario
from support.vectors.scenes import slug

WRONG: dict[str, tuple[dict[str, int], tuple[str, ...]]] = {
    "number-again": ({"number": 1}, ()),
    "number-skipped": ({"number": 3}, ()),
    "time-backwards": ({"time": 999_999}, ()),
    "same-second": ({"time": 1_000_000}, ()),
    "other-root": ({"previous_root": 1}, ("root",)),
    "other-config": ({"config_digest": 1}, ("config_digest",)),
    "root-and-config": ({"previous_root": 1, "config_digest": 1}, ("root", "config_digest")),
    "number-first": ({"number": 3, "time": 0, "previous_root": 1, "config_digest": 1}, ()),
    "time-second": ({"time": 0, "previous_root": 1, "config_digest": 1}, ()),
}
"""Headers that differ from the right one, and what a testee needs to see that."""


def header_scenarios() -> Iterator[Scenario]:
    """Headers that do not fit, each followed by the right one."""
    world = traded_world()
    world.set(Ledger, 0, bucket=1_000)
    session = PerpetualSession(world.state.config)
    records = records_of(world.state)
    session.take(records)
    right = Header(2, 1_000_010, session.packed_root(), session.config_digest)
    for name, (changes, needs) in WRONG.items():
        given = attrs.evolve(right, **changes)
        yield scenario(
            f"begin_batch/{name}",
            f"Given: a batch has been applied. When: a header with {', '.join(changes)} other than it should be.",
            world.state.config,
            records,
            (given, right),
            needs=needs,
            flags=("STALE_DATA",),
        )
    yield from refills()


def refills() -> Iterator[Scenario]:
    """The bucket at the next header: full to the atom, and not quite."""
    for name, bucket, seconds in (
        ("full", 49_900, 10),
        ("one-short", 49_899, 10),
        ("over", 49_990, 10),
        ("none", 5, 0),
    ):
        world = traded_world()
        world.set(Ledger, 0, bucket=bucket)
        records = records_of(world.state)
        session = PerpetualSession(world.state.config)
        session.take(records)
        time = world.get(Exchange).time + seconds
        header = Header(2, time, session.packed_root(), session.config_digest)
        comment = f"Given: the bucket holds {bucket} of 50,000, and 10 flow in a second. When: {seconds} s pass."
        yield scenario(
            f"begin_batch/bucket-{name}", comment, world.state.config, records, (header,), flags=("EDGE_CASE",)
        )


def table_scenarios() -> Iterator[Scenario]:
    """Malformed reports, and improper parents."""
    for number, (reason, bad) in enumerate(ticks.BAD_REPORTS):
        world, operation = ticks.four_families()
        operation = ticks.said(1, bad)(world, operation)
        comment = f"A family's report is malformed. {SENTENCES[reason]}"
        yield one(f"oracle_tick/report-{number:02d}-{slug(reason.name)}", comment, world, operation)
    for name, change in accounts.PARENTS.items():
        world, operation = accounts.open_account_scene()
        operation = change(world, operation)
        yield one(f"open_account/parent-{slug(name)}", f"Improper parent: {name}.", world, operation)


def one(name: str, comment: str, world: Any, operation: Any) -> Scenario:
    """A scenario of one operation."""
    moment = moment_of(world, operation)
    return scenario(name, comment, world.state.config, moment.records, (operation,), flags=("MISSING_CHECK",))
