"""Coverage: which guard of which rule the vectors meet on which side of its boundary.

A guard is met where all guards before it hold. It is met on its boundary where a number it compares is the last with
which it holds, and off it where one is the first with which it does not.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define

from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.rule_sets import rule_book
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
    ): "on the path of an order, one that only reduces gains the slip and "
    "needs less margin; the other paths have no order",
}
"""Guards that no operation can make the first false one, and why."""

RESULT = "as a result"
"""Stands behind a reason that an operation states, and that is no rejection."""


@define
class Sides:
    """How often a guard was met, on which side."""

    holds: int = 0
    on: int = 0
    off: int = 0
    fails: int = 0
    numeric: bool = False
    """It compares numbers, and not products of them, nor equality alone."""


Coverage = dict[tuple[str, str], Sides]
"""By rule and reason."""


def covered(vectors: Vectors) -> Coverage:
    """What the vectors of the perpetual rule set meet."""
    found: Coverage = {}
    for _, fixture, cases in ((name, fixture, fixture.cases) for name, fixture in vectors.fixtures.items()):
        if fixture.rules != "perpetual":
            continue
        session = rule_book(fixture.rules).configure(fixture.config)
        assert isinstance(session, PerpetualSession)
        for case in cases:
            session.load(case.pre)
            for step in case.steps:
                operation = decode_operation(step.op, dict(step.args))
                meet(found, step.op, session.guards(operation))
                accepted = session.apply_operation(operation).reason is None
                meet_result(found, step.op, operation, accepted)
    # A result that is right nowhere is none that the operation can state.
    return {key: sides for key, sides in sorted(found.items()) if sides.holds or RESULT not in key[1]}


def meet(found: Coverage, rule: str, guards: Iterable[Guard]) -> None:
    """Count the guards of an operation up to the first false one; those behind are known to exist."""
    reached = True
    for guard in guards:
        sides = found.setdefault((rule, guard.reason.name), Sides())
        sides.numeric |= any(is_numeric(comparison) for comparison in guard.comparisons)
        if not reached:
            continue
        tight = any(is_tight(comparison) for comparison in guard.comparisons if comparison.holds == guard.holds)
        if guard.holds:
            sides.holds += 1
            sides.on += tight
        else:
            sides.fails += 1
            sides.off += tight
            reached = False


def meet_result(found: Coverage, rule: str, operation: Any, accepted: bool) -> None:
    """Count a result that an operation states: accepted where it is the right one, rejected where it is not."""
    result = getattr(operation, "result", 0)
    if not result or result not in set(Reason):
        return
    sides = found.setdefault((rule, f"{Reason(result).name} {RESULT}"), Sides())
    if accepted:
        sides.holds += 1
    else:
        sides.fails += 1


def is_numeric(comparison: Comparison) -> bool:
    """Whether a comparison has an order of numbers."""
    return comparison.relation in ("<", "<=", ">", ">=") and type(comparison.left) is int


def is_tight(comparison: Comparison) -> bool:
    """Whether a comparison is decided by one unit."""
    if not is_numeric(comparison):
        return False
    left, right = comparison.left, comparison.right
    if comparison.relation in (">", ">="):
        left, right = right, left
    gap = right - left - (1 if comparison.relation in ("<", ">") else 0)
    return gap in (0, -1)


def missing(found: Coverage) -> list[str]:
    """A line for each guard that is not met on both sides, and for each reason that no guard gives."""
    lines: list[str] = []
    for (rule, reason), sides in found.items():
        if not sides.holds:
            lines.append(f"{rule}: {reason} never holds")
        if not sides.fails and RESULT not in reason and (rule, reason) not in NEVER_FALSE:
            lines.append(f"{rule}: {reason} is never the first false guard")
    met = {reason.removesuffix(f" {RESULT}") for _, reason in found}
    lines += [f"{reason.name} is met nowhere" for reason in Reason if reason.name not in met and reason not in NOT_MET]
    return lines


def loose(found: Coverage) -> list[str]:
    """A line for each guard that compares numbers and is not met just on its boundary and just off it."""
    return [
        f"{rule}: {reason} is not met {'on' if not sides.on else 'off'} its boundary"
        for (rule, reason), sides in found.items()
        if sides.numeric and not (sides.on and sides.off)
    ]


def table_lines(found: Coverage) -> Iterator[str]:
    """The table for people."""
    yield f"{'rule':<18}{'reason':<38}{'holds':>8}{'on':>8}{'off':>8}{'fails':>8}"
    for (rule, reason), sides in found.items():
        tight = [str(count) if sides.numeric else "" for count in (sides.on, sides.off)]
        yield f"{rule:<18}{reason:<38}{sides.holds:>8}{tight[0]:>8}{tight[1]:>8}{sides.fails:>8}"


def document(found: Coverage) -> list[dict[str, Any]]:
    """The table for programs."""
    return [
        {
            "rule": rule,
            "reason": reason,
            "holds": s.holds,
            "on": s.on,
            "off": s.off,
            "fails": s.fails,
            "numeric": s.numeric,
        }
        for (rule, reason), s in found.items()
    ]
