"""Scenarios near a case of the vectors: some of its steps, with a few values changed.

A value becomes one beside it, one far away, or, where the unit of its field is known, one that a rule may compare it
with: another value of the same unit, or a time as long ago as the configuration says. So boundaries are met that no
change by chance would meet.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import hypothesis.strategies as st
from attrs import evolve, field, frozen

from perp_reference.conformance.boundary import words
from perp_reference.conformance.fixtures import Case
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.rule_sets import Path, leaves, replaced, rule_book
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.values import OPERATIONS, RECORDS
from perp_reference.formats.state import KEY_RANGES
from perp_spec.words import SIGNERS_MAX, Unit

MORE_STEPS = 2
"""Of a case, so many steps may follow the one that it was chosen for."""

MOST_CHANGES = 3

DECIMAL = re.compile("-?[0-9]{1,39}")

EXTREMES = (0, 1, -1, 2, 2**53, 2**53 + 1, 2**60, 2**61, 2**62, 2**63 - 1, -(2**63 - 1), 10**6, 255)

LARGE = (2**53, 2**59)
"""What is added to an account and the vault together: where floats end, and below what is assumed of states."""

SPREAD = 3
"""Values of one report are so near to each other."""


@frozen
class Setting:
    """A configuration, and the numbers in it by their unit."""

    rules: str
    config: Mapping[str, Any]
    constants: Mapping[Unit, Sequence[int]] = field(repr=False)


@frozen
class Base:
    """A step of a case of the vectors to start from."""

    setting: Setting
    case: Case
    place: int
    """Of the step."""


class Place(NamedTuple):
    """A number of a scenario, and its unit."""

    step: int | None
    """The step it is in; None for the state."""
    path: Path
    unit: Unit


def setting_of(rules: str, config: Mapping[str, Any]) -> Setting:
    """What drawing needs to know of a configuration."""
    session = rule_book(rules).configure(config)
    found: dict[Unit, set[int]] = {}
    if isinstance(session, PerpetualSession):
        own = session.current.config
        for record in (own.parameters, *(entry.market for entry in own.markets)):
            for _, value, described in words(record):
                found.setdefault(described.unit, set()).add(value)
    return Setting(rules, config, {unit: sorted(values) for unit, values in found.items()})


def unchanged(base: Base, more: int = 0) -> Scenario:
    """A case as it is, up to the step it was chosen for and so many more."""
    steps = tuple((step.op, step.args) for step in base.case.steps[: base.place + 1 + more])
    setting = base.setting
    return Scenario("fuzz", "", setting.rules, setting.config, base.case.pre, steps, {"kind": "fuzz"})


@st.composite
def scenarios(draw: st.DrawFn, bases: Sequence[Base]) -> Scenario:
    """A scenario near a case: the steps up to the one it was chosen for, up to three values changed, steps repeated."""
    base = draw(st.sampled_from(bases))
    scenario = unchanged(base, draw(st.integers(0, MORE_STEPS)))
    for _ in range(draw(st.integers(0, MOST_CHANGES))):
        scenario = draw(st.sampled_from(CHANGES))(draw, scenario, base)
    steps = list(scenario.steps)
    if draw(st.booleans()):
        steps.append(steps[draw(st.integers(0, len(steps) - 1))])
    return evolve(scenario, steps=tuple(steps))


def with_arguments(scenario: Scenario, place: int, arguments: Any) -> Scenario:
    """A scenario with one step changed."""
    steps = scenario.steps
    return evolve(scenario, steps=(*steps[:place], (steps[place][0], arguments), *steps[place + 1 :]))


def drawn_step(draw: st.DrawFn, scenario: Scenario, base: Base) -> int:
    """The step that the case was chosen for, or one after it: a change before it tends to bring it about no more."""
    return min(base.place + draw(st.integers(0, MORE_STEPS)), len(scenario.steps) - 1)


# Changes


def changed_step(draw: st.DrawFn, scenario: Scenario, base: Base) -> Scenario:
    """One value of an operation becomes any other."""
    place = drawn_step(draw, scenario, base)
    return with_arguments(scenario, place, changed(draw, scenario.steps[place][1], far=True))


def changed_state(draw: st.DrawFn, scenario: Scenario, base: Base) -> Scenario:
    """One value of the state becomes one nearby: far away lie states that no exchange can be in."""
    del base
    name = draw(st.sampled_from(sorted(scenario.pre)))
    return evolve(scenario, pre={**scenario.pre, name: changed(draw, scenario.pre[name], far=False)})


def enlarged(draw: st.DrawFn, scenario: Scenario, base: Base) -> Scenario:
    """One account of the exchange has very much more, and the vault with it."""
    del base
    pre = scenario.pre
    accounts: Mapping[str, Any] = pre.get("account", {})
    if not accounts:
        return scenario
    number = draw(st.sampled_from(sorted(accounts)))
    more = draw(st.integers(*LARGE))
    own = accounts[number]
    after = {**pre, "account": {**accounts, number: {**own, "collateral": str(int(own["collateral"]) + more)}}}
    if "ledger" in pre:
        after["ledger"] = {**pre["ledger"], "vault": str(int(pre["ledger"]["vault"]) + more)}
    return evolve(scenario, pre=after)


def compared(draw: st.DrawFn, scenario: Scenario, base: Base) -> Scenario:
    """One value becomes what a rule may compare it with, or one beside that."""
    if scenario.rules != "perpetual":
        return changed_step(draw, scenario, base)
    chosen = drawn_step(draw, scenario, base)
    of_step, of_state = places_of_step(chosen, scenario.steps[chosen][0]), places_of_state(scenario.pre)
    own = draw(st.sampled_from([of_step, of_state, places_named(scenario, of_step, of_state)]))
    everywhere = [*of_state, *of_step]
    if not own:
        return scenario
    unit = draw(st.sampled_from(sorted({place.unit for place in own})))
    place = draw(st.sampled_from([place for place in own if place.unit == unit]))
    others = [value_at(scenario, other) for other in everywhere if other.unit == unit]
    if unit == Unit.DIGEST:
        alike = [other for other in everywhere if other.unit == unit and other.path[-1] == place.path[-1]]
        return with_value(scenario, place, draw(st.sampled_from([value_at(scenario, other) for other in alike])))
    target = compared_number(draw, unit, sorted({int(other) for other in others}), scenario, base)
    return with_value(scenario, place, str(target + draw(st.sampled_from((0, 0, 1, -1)))))


def compared_number(draw: st.DrawFn, unit: Unit, others: Sequence[int], scenario: Scenario, base: Base) -> int:
    """A number of a unit: another one of the scenario, one of the configuration, or now, or so long ago."""
    constants = base.setting.constants
    if unit != Unit.TIME:
        return draw(st.sampled_from(sorted({*others, *constants.get(unit, ())})))
    now = int(scenario.pre.get("exchange", {}).get("time", "0"))
    kind = draw(st.integers(0, 2))
    if kind == 0 or not constants.get(Unit.SECONDS):
        return now
    if kind == 1:
        return draw(st.sampled_from(others))
    return now - draw(st.sampled_from(constants[Unit.SECONDS]))


def reported(draw: st.DrawFn, scenario: Scenario, base: Base) -> Scenario:
    """A family reports otherwise, and properly: signers in order, values near each other, their lower median."""
    place = drawn_step(draw, scenario, base)
    arguments = scenario.steps[place][1]
    if "reports" not in arguments:
        return compared(draw, scenario, base)
    family = draw(st.integers(0, len(arguments["reports"]) - 1))
    count = draw(st.integers(0, SIGNERS_MAX))
    about = max(int(report["median"]) for report in arguments["reports"]) or 1
    values = [max(about + draw(st.integers(-SPREAD, SPREAD)), 1) for _ in range(count)]
    padding = ["0"] * (SIGNERS_MAX - count)
    report = {
        "count": str(count),
        "median": str(sorted(values)[(count - 1) // 2]) if count else "0",
        "signers": [*map(str, range(count)), *padding],
        "values": [*map(str, values), *padding],
    }
    return with_arguments(scenario, place, replaced(arguments, ("reports", family), report))


CHANGES = (changed_step, changed_step, compared, compared, compared, reported, changed_state, enlarged)
"""Each as often as it stands here."""


# Values and their units


@cache
def units(kind: type[Any]) -> dict[Path, Unit]:
    """The unit of each number of a record or an operation."""
    every = frozenset(Unit) - {Unit.FLAG, Unit.CODE}
    return {path: described.unit for path, _, described in words(kind(), units=every)}


def places_of_step(step: int, name: str) -> list[Place]:
    """The numbers of a step."""
    return [Place(step, path, unit) for path, unit in units(OPERATIONS[name]).items()]


def places_of_state(pre: Mapping[str, Any]) -> list[Place]:
    """The numbers of a state."""
    found: list[Place] = []
    for name, inside in pre.items():
        kind = RECORDS[name]
        for keys in keys_of(inside, len(KEY_RANGES[kind])):
            found += [Place(None, (name, *keys, *path), unit) for path, unit in units(kind).items()]
    return found


def places_named(scenario: Scenario, of_step: Sequence[Place], of_state: Sequence[Place]) -> list[Place]:
    """Of the numbers of a state those that a step most likely reads: of what has no key, and of what the step names."""
    ids = {value_at(scenario, place) for place in of_step if place.unit == Unit.ID}
    return [place for place in of_state if not KEY_RANGES[RECORDS[str(place.path[0])]] or str(place.path[1]) in ids]


def keys_of(inside: Mapping[str, Any], parts: int) -> list[tuple[str, ...]]:
    """The keys of the records in an object."""
    if not parts:
        return [()]
    return [(key, *rest) for key, inner in inside.items() for rest in keys_of(inner, parts - 1)]


def value_at(scenario: Scenario, place: Place) -> Any:
    """The value at a place."""
    return at(scenario.pre if place.step is None else scenario.steps[place.step][1], place.path)


def with_value(scenario: Scenario, place: Place, value: str) -> Scenario:
    """A scenario with another value at a place."""
    if place.step is None:
        return evolve(scenario, pre=replaced(scenario.pre, place.path, value))
    return with_arguments(scenario, place.step, replaced(scenario.steps[place.step][1], place.path, value))


def at(value: Any, path: Path) -> Any:
    """The value at a path."""
    for part in path:
        value = value[part]
    return value


def changed(draw: st.DrawFn, value: Any, far: bool) -> Any:
    """A JSON value with one number or flag changed."""
    paths = [path for path, leaf in leaves(value).items() if type(leaf) is bool or DECIMAL.fullmatch(leaf)]
    if not paths:
        return value
    path = draw(st.sampled_from(paths))
    return replaced(value, path, other(draw, at(value, path), far))


def other(draw: st.DrawFn, leaf: Any, far: bool) -> Any:
    """Another number or flag."""
    if type(leaf) is bool:
        return not leaf
    number = int(leaf)
    near = [number + 1, number - 1, number // 2, number * 2, 0, number + 7, number - 13]
    if not far:
        return str(draw(st.sampled_from(near)))
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return str(draw(st.sampled_from([*near, -number])))
    if kind == 1:
        return str(draw(st.sampled_from(EXTREMES)))
    if kind == 2:
        return str(draw(st.integers(0, 20)))
    return str(number + draw(st.integers(-(2**40), 2**40)))
