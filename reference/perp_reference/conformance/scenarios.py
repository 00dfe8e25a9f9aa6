"""Scenarios: cases without expectations, which the reference fills in. They are committed, fixtures are built."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from perp_reference.conformance.fixtures import (
    BUG_TYPES,
    OPTIONAL_SOURCE,
    SOURCES,
    Case,
    Expected,
    Fixture,
    Step,
    compact,
    decode_fixture,
)
from perp_reference.conformance.rule_sets import RULE_SETS, Session, rule_book
from perp_reference.conformance.shapes import STRICT, Fixed, Listing, Members, Only, Text
from perp_reference.conformance.spec import SPEC_VERSION, spec_digest
from perp_reference.errors import MalformedInput
from perp_reference.formats.text import Refused, malformed, read_file

SCENARIO_SCHEMA = "urn:perpspec:scenario:1"


@frozen
class Scenario:
    """A state and operations on it, in the values of the protocol."""

    id: str
    comment: str
    rules: str
    config: Mapping[str, Any]
    pre: Mapping[str, Any]
    steps: tuple[tuple[str, Mapping[str, Any]], ...]
    """Name and arguments of each operation."""
    source: Mapping[str, str]
    flags: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    level: str = "required"
    covers: tuple[str, ...] = ()
    """Ids of what it is about; the builder adds the rules and reasons of its steps."""


SCENARIO = Fixed(
    {
        "schema": Only(SCENARIO_SCHEMA),
        "id": Text(),
        "comment": Text(),
        "rules": Only(*RULE_SETS),
        "flags": Listing(Only(*BUG_TYPES)),
        "needs": Listing(Only("root", "config_digest")),
        "source": Fixed({"kind": Only(*SOURCES)}, OPTIONAL_SOURCE),
        "config": Members(),
        "pre": Members(),
        "steps": Listing(Fixed({"op": Text(), "args": Members()}), least=1),
    }
)


def encode_scenario(scenario: Scenario) -> bytes:
    """The text of a scenario's file: an operation a line."""
    head = {
        "schema": SCENARIO_SCHEMA,
        "id": scenario.id,
        "comment": scenario.comment,
        "rules": scenario.rules,
        "flags": list(scenario.flags),
        "needs": list(scenario.needs),
        "source": dict(scenario.source),
        "config": scenario.config,
    }
    lines = [f'"{name}":{compact(value)},' for name, value in head.items()]
    pre = ",\n".join(f"  {compact(name)}:{compact(value)}" for name, value in scenario.pre.items())
    steps = ",\n".join(f"  {compact({'op': name, 'args': arguments})}" for name, arguments in scenario.steps)
    return ("{" + "\n".join(lines) + f'\n"pre":{{\n{pre}\n}},\n"steps":[\n{steps}\n]}}\n').encode()


def decode_scenario(data: bytes, file: str) -> Scenario:
    """The scenario of a file.

    Raises:
        MalformedInput: It breaks the format.
    """
    try:
        value = STRICT.decode(data.decode("utf-8"))
        SCENARIO.check(value)
    except UnicodeDecodeError:
        raise MalformedInput(file, None, None, "UTF-8", "other bytes") from None
    except json.JSONDecodeError as error:
        raise MalformedInput(file, error.lineno, None, "a JSON object", f"column {error.colno}") from None
    except Refused as refused:
        raise malformed(file, None, refused) from None
    steps = tuple((step["op"], step["args"]) for step in value["steps"])
    names = ("id", "comment", "rules", "config", "pre", "source")
    own = {name: value[name] for name in names}
    return Scenario(**own, steps=steps, flags=tuple(value["flags"]), needs=tuple(value["needs"]))


def read_committed(path: Path) -> list[Scenario]:
    """The scenarios in a file: the one of a scenario, or those of a fixture, whose expectations are left behind.

    Raises:
        MalformedInput: It cannot be read or breaks the format.
    """
    data = read_file(path)
    if f'"{SCENARIO_SCHEMA}"'.encode() in data[:100]:
        return [decode_scenario(data, str(path))]
    fixture = decode_fixture(data, str(path))
    return [scenario_of(fixture, case) for case in fixture.cases]


def scenario_of(fixture: Fixture, case: Case) -> Scenario:
    """The scenario of a case."""
    return Scenario(
        id=case.id,
        comment=case.comment,
        rules=fixture.rules,
        config=fixture.config,
        pre=case.pre,
        steps=tuple((step.op, step.args) for step in case.steps),
        source=case.source,
        flags=case.flags,
        needs=case.needs,
        level=case.level,
    )


# From scenarios to fixtures


def expected_of(session: Session, name: str, arguments: Mapping[str, Any]) -> Expected:
    """What the reference says of an operation, which it then has applied.

    Raises:
        Refused: The operation breaks the format.
    """
    violated = session.violated(name, arguments)
    applied = session.apply(name, arguments)
    if applied.reason is not None and (not violated or violated[0] != applied.reason):
        raise AssertionError(f"{name} is rejected with {applied.reason}, and its guards say {violated}")
    if applied.reason is None:
        return Expected(None, (), applied.delta, session.root(), applied.outputs)
    return Expected(applied.reason, violated, {}, session.root(), {})


def case_of(session: Session, scenario: Scenario) -> Case:
    """The case of a scenario.

    Raises:
        Refused: The scenario breaks the format of its rule set.
    """
    session.load(scenario.pre)
    steps = tuple(Step(name, args, expected_of(session, name, args)) for name, args in scenario.steps)
    shown = [step.op if step.expected.reason is None else f"{step.op}.{step.expected.reason}" for step in steps]
    return Case(
        id=scenario.id,
        comment=scenario.comment,
        level=scenario.level,
        flags=scenario.flags,
        covers=tuple(dict.fromkeys([*scenario.covers, *shown])),
        needs=scenario.needs,
        source=scenario.source,
        pre=scenario.pre,
        steps=steps,
    )


@frozen
class Sheet:
    """Scenarios of one rule set and configuration, for one fixture."""

    rules: str
    config: Mapping[str, Any]
    scenarios: list[Scenario] = field(factory=list)


def sheets_of(scenarios: Iterable[Scenario]) -> dict[str, Sheet]:
    """Scenarios by the name of their fixture: rule set, first part of the id, a number for further configurations."""
    found: dict[str, Sheet] = {}
    for scenario in scenarios:
        stem = f"{scenario.rules}/{scenario.id.partition('/')[0]}"
        number = 1
        while (name := stem if number == 1 else f"{stem}-{number}") in found:
            if found[name].config == scenario.config:
                break
            number += 1
        found.setdefault(name, Sheet(scenario.rules, scenario.config)).scenarios.append(scenario)
    return found


NOTES: dict[str, dict[str, Any]] = {
    "BASIC": {"bug_type": "BASIC", "description": "The ordinary case, far from any boundary."},
    "EDGE_CASE": {"bug_type": "EDGE_CASE", "description": "A guard exactly on its boundary, or one off it."},
    "MISSING_CHECK": {"bug_type": "MISSING_CHECK", "description": "Just one guard is false at first."},
    "ORDER_OF_CHECKS": {
        "bug_type": "ORDER_OF_CHECKS",
        "description": "Several guards are false; the first one counts.",
    },
    "ATOMICITY": {"bug_type": "ATOMICITY", "description": "Operations go on after a rejected one."},
    "STALE_DATA": {"bug_type": "STALE_DATA", "description": "Time, prices or batches are old."},
    "ENCODING": {"bug_type": "ENCODING", "description": "Roots or digests decide."},
    "ROUNDING": {"bug_type": "ROUNDING", "description": "A quotient is not whole."},
    "OVERFLOW": {"bug_type": "OVERFLOW", "description": "Numbers near the ends of their range."},
    "SIGN": {"bug_type": "SIGN", "description": "The same with the opposite sign."},
    "KNOWN_EXPLOIT": {"bug_type": "KNOWN_EXPLOIT", "description": "A way in which exchanges lost money."},
}
"""What the flags of cases mean."""


def fixture_of(sheet: Sheet) -> Fixture:
    """The fixture of a sheet.

    Raises:
        Refused: A scenario breaks the format of its rule set.
    """
    session = rule_book(sheet.rules).configure(sheet.config)
    cases: list[Case] = []
    for scenario in sheet.scenarios:
        try:
            cases.append(case_of(session, scenario))
        except Refused as refused:
            raise refused.inside(scenario.id) from None
    used = {flag for case in cases for flag in case.flags}
    notes = {name: note for name, note in NOTES.items() if name in used}
    return Fixture(SPEC_VERSION, spec_digest(), sheet.rules, sheet.config, notes, tuple(cases))


def numbered_apart(scenarios: Iterable[Scenario]) -> list[Scenario]:
    """Scenarios with ids that differ: the second of one id gets a number."""
    seen: dict[str, int] = {}
    found: list[Scenario] = []
    for scenario in scenarios:
        count = seen[scenario.id] = seen.get(scenario.id, 0) + 1
        found.append(scenario if count == 1 else evolve(scenario, id=f"{scenario.id}-{count}"))
    return found
