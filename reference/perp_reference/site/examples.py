"""Examples of every rule and every guard: cases of the released vectors, computed again by the machine."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
from attrs import define, field, frozen

from perp_reference.conformance.coverage import NEVER_FALSE
from perp_reference.conformance.fixtures import Case
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.rule_sets import flat, leaves, rule_book
from perp_reference.conformance.values import decode_operation
from perp_reference.core.explain import Comparison, Guard
from perp_reference.core.tree import PYTHON_HASHER
from perp_reference.formats.config import decode_config
from perp_reference.site.faults import Fault
from perp_spec.perpetual.catalogue import CataloguedRule, Entry, catalogue
from perp_spec.perpetual.reasons import Reason

RULES = "perpetual"

BOOK = rule_book(RULES)

PLAIN = "handwritten"
"""Kind of the cases that are made to be read."""


@frozen
class Change:
    """A value that is another one.

    Attributes:
        path: Where, as vectors write it; `op` is the operation.
        before: What it was; None where there was nothing.
        after: What it is.
    """

    path: str
    before: Any
    after: Any


@frozen
class Worked:
    """An operation that is accepted, with its numbers.

    Attributes:
        case: Where it is from.
        arguments: The operation's members, by path.
        guards: Every guard, evaluated.
        changes: What it changes.
    """

    case: Case
    arguments: dict[str, Any]
    guards: tuple[Guard, ...]
    changes: tuple[Change, ...]


@frozen
class Refused:
    """An operation that a guard refuses.

    Attributes:
        case: Where it is from.
        changes: In what it differs from the worked operation; None where it is of another state.
        comparisons: What the guard compared, as far as it made it fail.
    """

    case: Case
    changes: tuple[Change, ...] | None
    comparisons: tuple[Comparison, ...]


@define
class Examples:
    """The examples of all rules.

    Attributes:
        worked: Accepted operations, by rule.
        refused: An example of a guard, by rule and number.
        results: A case with an operation that rightly states a reason as its result, by rule and reason.
        faults: What has no example, and cases that the machine sees otherwise.
    """

    worked: dict[str, list[Worked]] = field(factory=dict)
    refused: dict[tuple[str, str], Refused] = field(factory=dict)
    results: dict[tuple[str, Reason], Case] = field(factory=dict)
    faults: list[Fault] = field(factory=list)


def examples_of(vectors: Vectors) -> Examples:
    """Examples from the released vectors: those made to be read first, then any."""
    found = Examples()
    rules = {rule.name: rule for rule in catalogue()}
    sessions: dict[str, PerpetualSession] = {}
    cases = [(name, case) for name, fixture, case in vectors.cases() if fixture.rules == RULES]
    plain = [(name, case) for name, case in cases if is_plain(case) and case.id not in vectors.decoys]
    others = [(name, case) for name, case in cases if not is_plain(case) and case.id not in vectors.decoys]
    for name, case in (*sorted(plain, key=readability), *others):
        rule = rules.get(case.steps[0].op)
        if rule is not None and wanted(found, rule, case):
            if name not in sessions:
                sessions[name] = session_of(vectors.fixtures[name].config)
            take(found, rule, case, sessions[name])
        states_result(found, case)
    found.faults += missing(found)
    return found


def states_result(found: Examples, case: Case) -> None:
    """Keep a case in which an operation rightly states that it was refused."""
    for step in case.steps:
        result = int(step.args.get("result", "0"))
        if step.expected.reason is None and result and result in set(Reason):
            found.results.setdefault((step.op, Reason(result)), case)


def readability(named: tuple[str, Case]) -> tuple[bool, bool, int]:
    """Orders cases: the worked ones, then those made for one guard, the shortest names first."""
    case = named[1]
    return not case.id.endswith("/accepted"), "/guard-" not in case.id, len(case.id)


def session_of(config: Any) -> PerpetualSession:
    """A session under a configuration. Its few roots are hashed in plain Python: the compiled hasher loads slower."""
    return PerpetualSession(decode_config(f"{json.dumps(config)}\n".encode(), "config"), PYTHON_HASHER)


def is_plain(case: Case) -> bool:
    """Whether a case is made to be read: in small numbers, in a state where nothing waits."""
    words = case.id.rpartition("/")[2]
    return case.source["kind"] == PLAIN and not words.startswith(("large-", "unsettled-", "state-"))


def wanted(found: Examples, rule: CataloguedRule, case: Case) -> bool:
    """Whether a case may show what nothing shows yet."""
    expected = case.steps[0].expected
    if expected.reason is None:
        return case.id.endswith("/accepted") or rule.name not in found.worked
    return any(
        entry.reason.name == expected.reason and (rule.name, entry.number) not in found.refused for entry in rule.guards
    )


def take(found: Examples, rule: CataloguedRule, case: Case, session: PerpetualSession) -> None:
    """Compute the first step of a case, and keep it where it shows something."""
    step = case.steps[0]
    session.load(case.pre)
    operation = decode_operation(step.op, dict(step.args))
    guards = session.guards(operation)
    before = flat(BOOK, case.pre)
    applied = session.apply_operation(operation)
    if applied.reason != step.expected.reason or dict(applied.delta) != dict(step.expected.delta):
        found.faults.append(Fault(f"vectors, {case.id}", str(applied.reason), f"{step.expected.reason} and its delta"))
        return
    if applied.reason is None:
        changes = tuple(Change(path, before.get(path), value) for path, value in sorted(applied.delta.items()))
        found.worked.setdefault(rule.name, []).append(Worked(case, arguments_of(case), tuple(guards), changes))
        return
    place = first_false(guards)
    entry = entry_of(rule.guards, guards, place)
    if entry is None:
        found.faults.append(Fault(f"vectors, {case.id}", applied.reason, "a guard of the rule's page"))
        return
    refused = Refused(case, difference(found.worked.get(rule.name, []), case), guards[place].deciding)
    found.refused.setdefault((rule.name, entry.number), refused)


def first_false(guards: Sequence[Guard]) -> int:
    """The place of the guard that refuses."""
    return next(place for place, guard in enumerate(guards) if not guard.holds)


def entry_of(entries: Sequence[Entry], guards: Sequence[Guard], place: int) -> Entry | None:
    """The line of a rule's page that a met guard is on.

    Guards are met in the order of the page. Some are not met, where what they are for is not the case; those of a loop
    are met again for each place of it.
    """
    at = -1
    for guard in guards[: place + 1]:
        following = [number for number in range(at + 1, len(entries)) if entries[number].reason is guard.reason]
        again = [number for number in range(at + 1) if entries[number].each and entries[number].reason is guard.reason]
        if not (following or again):
            return None
        at = following[0] if following else again[0]
    return entries[at]


def arguments_of(case: Case) -> dict[str, Any]:
    """The members of a case's first operation, by path."""
    return {f"/{'/'.join(map(str, path))}": value for path, value in leaves(dict(case.steps[0].args)).items()}


def everything(case: Case) -> dict[str, Any]:
    """The state and the operation of a case, by path."""
    return {**flat(BOOK, case.pre), **{f"/op{path}": value for path, value in arguments_of(case).items()}}


def difference(worked: Iterable[Worked], case: Case) -> tuple[Change, ...] | None:
    """In what a case differs from the worked one of its own scene, else from one in the same state."""
    scene, made_for_guard, _ = case.id.partition("/guard-")
    if made_for_guard:
        base = next((own.case for own in worked if own.case.id == f"{scene}/accepted"), None)
    else:
        base = next((own.case for own in worked if own.case.pre == case.pre), None)
    if base is None:
        return None
    before, after = everything(base), everything(case)
    paths = [path for path in dict.fromkeys((*after, *before)) if before.get(path) != after.get(path)]
    return tuple(Change(path, before.get(path), after.get(path)) for path in paths)


def missing(found: Examples) -> Iterator[Fault]:
    """A fault for each rule without a worked operation, and for each guard without an example."""
    for rule in catalogue():
        if rule.name not in found.worked:
            yield Fault(f"rule {rule.name}", "none", "a vector in which it is accepted")
        for entry in rule.guards:
            never = (rule.name, entry.reason.name) in NEVER_FALSE
            if (rule.name, entry.number) not in found.refused and not never:
                yield Fault(
                    f"rule {rule.name}, guard {entry.number}", "none", f"a vector refused with {entry.reason.name}"
                )


def unit_of(kind: type[Any], path: str) -> str:
    """The unit of a member of an operation; "" where there is none of the path."""
    own: Any = kind
    for part in path.strip("/").split("/"):
        if part.isdigit():
            continue
        attribute = next((found for found in attrs.fields(own) if found.name == part), None)
        if attribute is None:
            return ""
        metadata = attribute.metadata
        if "field" in metadata:
            return str(metadata["field"].unit)
        own = metadata.get("nested") or metadata["rows"]
    return ""
