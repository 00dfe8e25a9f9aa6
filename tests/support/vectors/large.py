"""Scenes in large numbers: the same exchange in a smaller unit of money and of lots, so that products need 128 bits.

The rules do not depend on the unit but for rounding, so a scene means the same; what comes out, the reference says.
"""

import functools
from collections.abc import Iterator
from typing import Any

import attrs

from perp_reference.conformance.boundary import Moment
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.scenarios import Scenario
from perp_reference.core.state import RecordKey
from perp_spec.perpetual.config import Config, violations, with_bracket_margins
from perp_spec.perpetual.operations import Deposit, ForcedReduce, RequestForced
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Forced, Market, Parameters, Request
from perp_spec.words import AMOUNT_MAX, Field, Unit
from support.scenes.collected import SCENES
from support.scenes.scene import Scene
from support.vectors.build import moment_of, scenario
from support.vectors.scenes import given, on_and_off, rule_and_variant
from support.vectors.unsettled import INDICES, move

PRICES = 2**20 - 3
"""A price becomes so many times larger. Odd, so that quotients keep their remainders."""

LOTS = 2**13 - 1

FACTORS: dict[Unit, int] = {Unit.ATOMS: PRICES * LOTS, Unit.PRICE: PRICES, Unit.INDEX: PRICES, Unit.LOTS: LOTS}
"""How many times larger a field becomes, by its unit."""

SETTLED_MOST = 2**61 + 2**58
"""The largest collateral that docs/limits.md assumes of an account: with more, sums with a position are no words."""

ODD_INITIAL = {"initial_1_ppm": 50_003, "initial_2_ppm": 100_009, "initial_3_ppm": 200_017}

FINE = frozenset(
    {
        Reason.INITIAL_MARGIN,
        Reason.HEALTH_RATIO_FELL,
        Reason.ORACLE_LEVEL,
        Reason.NOT_LIQUIDATABLE,
        Reason.NOT_CLOSE_OUT,
        Reason.SLIPPAGE,
        Reason.PRICE_BAND,
        Reason.CLOSE_FACTOR,
        Reason.STEP_TOO_SMALL,
        Reason.FUND_MARGIN,
        Reason.BACKSTOP_POSSIBLE,
        Reason.FEE,
    }
)
"""Reasons of guards that compare quotients: one unit more or less shows how they are rounded."""


def larger(record: Any) -> Any:
    """A record or an operation in smaller units; a field that would leave its bounds stays at the end of them."""
    changes: dict[str, Any] = {}
    for attribute in attrs.fields(type(record)):
        value, declared = getattr(record, attribute.name), attribute.metadata
        if "field" in declared:
            changes[attribute.name] = larger_field(record, attribute.name, declared["field"], value)
        elif "nested" in declared:
            changes[attribute.name] = larger(value)
        else:
            changes[attribute.name] = tuple(larger(row) for row in value)
    return attrs.evolve(record, **changes)


def larger_field(record: Any, name: str, field: Field, value: Any) -> Any:
    """The value of a field in smaller units."""
    factor = FACTORS.get(field.unit, 1)
    if isinstance(record, Request | RequestForced) and name == "amount":
        factor = LOTS if record.kind == Forced.REDUCE else PRICES * LOTS
    if factor == 1:
        return value
    if field.count > 1:
        return tuple(item * factor for item in value)
    if isinstance(record, Account):
        return max(min(value * factor, SETTLED_MOST), -SETTLED_MOST)
    most = AMOUNT_MAX if isinstance(record, Parameters) else field.high
    return max(min(value * factor, most), field.low)


@functools.cache
def larger_config(config: Config) -> Config:
    """A configuration in smaller units."""
    markets = tuple(attrs.evolve(entry, market=larger_market(entry.market)) for entry in config.markets)
    made = attrs.evolve(config, name="large", parameters=larger(config.parameters), markets=markets)
    assert violations(made) == []
    return made


def larger_market(market: Market) -> Market:
    """A market in smaller units, with initial margins that divide nothing."""
    return with_bracket_margins(attrs.evolve(larger(market), **ODD_INITIAL))


def larger_moment(moment: Moment) -> Moment:
    """A state and an operation in smaller units."""
    records = {RecordKey(*place): larger(record) for place, record in moment.records.items()}
    return Moment(records, larger(moment.operation))


def large_scenarios() -> Iterator[Scenario]:
    """Each scene in large numbers: settled and unsettled, accepted and with each guard false."""
    for scene in SCENES:
        world, operation = scene.begin()
        if isinstance(operation, Deposit | RequestForced):
            # Their hash chain says the amount; a scene of another amount would only be refused for that.
            continue
        yield large(scene, moment_of(world, operation), "accepted")
        for name, indices in INDICES.items():
            world, operation = scene.begin()
            move(world, indices)
            yield large(scene, moment_of(world, operation), name)
        for number, guard in enumerate(scene.guards):
            if guard.change is not None:
                world, operation = scene.begin()
                operation = guard.change(world, operation)
                spoiled = moment_of(world, operation)
                yield large(scene, spoiled, f"guard-{number + 1:02d}")
                if guard.reason in FINE:
                    yield from fine(scene, spoiled, number)


def fine(scene: Scene, spoiled: Moment, place: int) -> Iterator[Scenario]:
    """A guard about money on its boundary and off, where the boundary is no round number."""
    rule, variant = rule_and_variant(scene)
    world, operation = scene.begin()
    config = larger_config(world.state.config)
    session = PerpetualSession(config)
    name = f"{rule}/{variant}large-guard-{place + 1:02d}"
    base = larger_moment(moment_of(world, operation))
    yield from on_and_off(session, config, name, base, larger_moment(spoiled), place)


def large(scene: Scene, moment: Moment, name: str) -> Scenario:
    """One scene in large numbers."""
    rule, variant = rule_and_variant(scene)
    config = larger_config(scene.begin()[0].state.config)
    larger_one = larger_moment(moment)
    # What the fund or an order gives is stated in lots, and a forced reduction states what it closes.
    assert not isinstance(larger_one.operation, ForcedReduce) or larger_one.operation.lots % LOTS == 0
    return scenario(
        f"{rule}/{variant}large-{name}",
        f"Given: {given(scene)} In large numbers.",
        config,
        larger_one.records,
        (larger_one.operation, larger_one.operation),
        flags=("OVERFLOW",),
    )
