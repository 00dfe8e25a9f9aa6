"""Coverage: which guard of which rule the vectors meet on which side of its boundary.

A guard is met where all guards before it hold. It turns between two cases that differ by one unit in one number, if it
holds in one and is the first false one in the other: so it is met on its boundary and just off it. A result that an
operation states turns where it is right in one of them and another one is right in the other.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from attrs import define

from perp_reference.conformance.fixtures import Case
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.rule_sets import Path, is_zero, leaves, rule_book
from perp_reference.conformance.values import decode_operation
from perp_reference.core.explain import Comparison, Guard
from perp_spec.perpetual.reasons import Reason

NOT_MET: dict[Reason, str] = {
    Reason.OVERFLOW: "no rule names it: ranges keep every intermediate in a word",
    Reason.CONFIG: "of a configuration, not of an operation; configurations out of bounds are refused before any case",
    Reason.FAMILIES: "of a configuration, not of an operation",
}
"""Reasons that no operation can get, and why."""

NEVER_FALSE: dict[tuple[str, str], str] = {
    (
        "forced_reduce",
        Reason.HEALTH_RATIO_FELL.name,
    ): "on the path of an order, one that only reduces gains the slip and needs less margin, and so keeps its health, "
    "which is the theorem closing_against_a_forced_reduction_keeps_health; the other paths have no order",
}
"""Guards that no operation can make the first false one, and why."""

NO_BOUNDARY: dict[tuple[str, str], str] = {}
"""Guards and results that no two cases one unit apart can turn, though they compare numbers, and why."""

RESULT = "as a result"
"""Stands behind a reason that an operation states, and that is no rejection."""

NUMBER = re.compile("-?[0-9]{1,19}")

DIGEST_DIGITS = 64

ORDERS = ("<", "<=", ">", ">=", "<= (products)")


@define
class Sides:
    """How often a guard was met, on which side."""

    holds: int = 0
    turns: int = 0
    """Pairs of cases one unit apart between which it turns false."""
    fails: int = 0
    ordered: bool = False
    """It compares numbers, or products of them, by their order; or it is a result."""


Coverage = dict[tuple[str, str], Sides]
"""By rule and reason."""


class Seen(NamedTuple):
    """What a case shows of its first operation."""

    rule: str
    values: Mapping[Path, Any]
    """Of the state and the operation, but for the result it states."""
    guards: Sequence[Guard]
    result: int | None
    """The one that is right; None where none is stated, or none was accepted."""


def covered(vectors: Vectors) -> Coverage:
    """What the vectors of the perpetual rule set meet."""
    found: Coverage = {}
    for fixture in vectors.fixtures.values():
        if fixture.rules != "perpetual":
            continue
        session = rule_book(fixture.rules).configure(fixture.config)
        assert isinstance(session, PerpetualSession)
        seen = [looked_at(found, session, case) for case in fixture.cases]
        for before, after in pairwise(seen):
            if before.rule == after.rule:
                meet_turn(found, before, after)
    # A result that is right nowhere is none that the operation can state.
    return {key: sides for key, sides in sorted(found.items()) if sides.holds or RESULT not in key[1]}


def looked_at(found: Coverage, session: PerpetualSession, case: Case) -> Seen:
    """Count what the steps of a case meet."""
    session.load(case.pre)
    first = case.steps[0]
    shown: list[Guard] = []
    right: int | None = None
    for step in case.steps:
        operation = decode_operation(step.op, dict(step.args))
        guards = session.guards(operation)
        shown = shown or guards
        meet(found, step.op, guards)
        accepted = session.apply_operation(operation).reason is None
        meet_result(found, step.op, operation, accepted)
        if accepted and right is None:
            right = getattr(operation, "result", None)
    own = {name: value for name, value in first.args.items() if name != "result"}
    return Seen(first.op, leaves({"pre": dict(case.pre), "args": own}), shown, right)


def is_one_apart(first: Mapping[Path, Any], second: Mapping[Path, Any]) -> bool:
    """Whether just one number is another, by one; what is absent is zero, and digests follow from the numbers."""
    pairs = [(first.get(path), second.get(path)) for path in {**first, **second}]
    different = [pair for pair in pairs if not is_same(*pair) and not any(map(is_digest, pair))]
    if len(different) != 1:
        return False
    values = ["0" if value is None else value for value in different[0]]
    if not all(type(value) is str and NUMBER.fullmatch(value) for value in values):
        return False
    return abs(int(values[0]) - int(values[1])) == 1


def is_digest(value: Any) -> bool:
    """Whether a value is a digest, and not that of nothing."""
    return type(value) is str and len(value) == DIGEST_DIGITS


def is_same(first: Any, second: Any) -> bool:
    """Whether two values are equal, where None is zero."""
    return first == second or (first is None and is_zero(second)) or (second is None and is_zero(first))


def meet_turn(found: Coverage, before: Seen, after: Seen) -> None:
    """Count what turns between two cases: the guard that is the first false one in one of them, and their results."""
    if is_one_apart(before.values, after.values):
        sides = sorted((first_false(seen.guards), number) for number, seen in enumerate((before, after)))
        place, fails = sides[0]
        holding = (before, after)[1 - fails].guards
        if place < sides[1][0] and place < len(holding):
            guard = (before, after)[fails].guards[place]
            if holding[place].reason == guard.reason:
                found[before.rule, guard.reason.name].turns += 1
    results = {before.result, after.result} - {None}
    if len(results) > 1 and is_one_apart(asked(before), asked(after)):
        for result in results & set(Reason):
            found[before.rule, f"{Reason(result).name} {RESULT}"].turns += 1


def asked(seen: Seen) -> Mapping[Path, Any]:
    """The numbers that a result follows from: without what is stated with it, the lots that a reduction closes."""
    return {path: value for path, value in seen.values.items() if path != ("args", "lots")}


def first_false(guards: Sequence[Guard]) -> int:
    """The place of the first false guard; behind the last one where all hold."""
    return next((place for place, guard in enumerate(guards) if not guard.holds), len(guards))


def meet(found: Coverage, rule: str, guards: Iterable[Guard]) -> None:
    """Count the guards of an operation up to the first false one; those behind are known to exist."""
    reached = True
    for guard in guards:
        sides = found.setdefault((rule, guard.reason.name), Sides())
        sides.ordered |= any(is_ordered(comparison) for comparison in guard.comparisons)
        if reached and guard.holds:
            sides.holds += 1
        elif reached:
            sides.fails += 1
            reached = False


def meet_result(found: Coverage, rule: str, operation: Any, accepted: bool) -> None:
    """Count a result that an operation states: accepted where it is the right one, rejected where it is not."""
    result = getattr(operation, "result", 0)
    if not result or result not in set(Reason):
        return
    sides = found.setdefault((rule, f"{Reason(result).name} {RESULT}"), Sides(ordered=True))
    if accepted:
        sides.holds += 1
    else:
        sides.fails += 1


def is_ordered(comparison: Comparison) -> bool:
    """Whether a comparison is by the order of numbers."""
    return comparison.relation in ORDERS and type(comparison.left) is int


def missing(found: Coverage) -> list[str]:
    """A line for each guard and result that is not met on both sides, and for each reason that no guard gives.

    What is explained is left out; an explanation of what is met is a line too.
    """
    lines: list[str] = []
    for (rule, reason), sides in found.items():
        never = (rule, reason) in NEVER_FALSE
        if not sides.holds:
            lines.append(f"{rule}: {reason} never holds")
        if not sides.fails and not never:
            lines.append(f"{rule}: {reason} is never {'wrong' if RESULT in reason else 'the first false guard'}")
        if sides.ordered and not sides.turns and not never and (rule, reason) not in NO_BOUNDARY:
            lines.append(f"{rule}: {reason} turns between no two cases one unit apart")
    met = {reason.removesuffix(f" {RESULT}") for _, reason in found}
    lines += [f"{reason.name} is met nowhere" for reason in Reason if reason.name not in met and reason not in NOT_MET]
    lines += [f"{reason.name} is met, and is said not to be" for reason in NOT_MET if reason.name in met]
    for (rule, reason), sides in found.items():
        if (rule, reason) in NEVER_FALSE and sides.fails:
            lines.append(f"{rule}: {reason} is false, and is said never to be")
        if (rule, reason) in NO_BOUNDARY and sides.turns:
            lines.append(f"{rule}: {reason} turns, and is said not to")
    return lines


def explained() -> list[str]:
    """A line for all that is not met, and why."""
    lines = [f"{reason.name}: {why}" for reason, why in NOT_MET.items()]
    lines += [f"{rule}: {reason} is never the first false guard: {why}" for (rule, reason), why in NEVER_FALSE.items()]
    return lines + [f"{rule}: {reason} has no boundary: {why}" for (rule, reason), why in NO_BOUNDARY.items()]


def table_lines(found: Coverage) -> Iterator[str]:
    """The table for people."""
    yield f"{'rule':<18}{'reason':<38}{'holds':>8}{'turns':>8}{'fails':>8}"
    for (rule, reason), sides in found.items():
        turns = str(sides.turns) if sides.ordered or sides.turns else ""
        yield f"{rule:<18}{reason:<38}{sides.holds:>8}{turns:>8}{sides.fails:>8}"


def document(found: Coverage) -> list[dict[str, Any]]:
    """The table for programs."""
    return [
        {"rule": rule, "reason": reason, "holds": s.holds, "turns": s.turns, "fails": s.fails, "ordered": s.ordered}
        for (rule, reason), s in found.items()
    ]
