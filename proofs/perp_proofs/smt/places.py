"""A reading that takes note of where in the text of the rules each guard, each decision and each comparison stands.

A place is the chain of calls that leads to an expression, from the rule's own text inwards. The copies of a loop's body
are one place.
"""

import ast
import linecache
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import CodeType, FrameType
from typing import Any

import attrs

from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.terms import Condition, Flag, Table, atoms_of, negated

RULES_PACKAGE = "perp_spec.perpetual"


@attrs.frozen
class Step:
    """One expression in the text of one function."""

    function: str
    text: str
    line: int
    column: int


Place = tuple[Step, ...]
"""From the rule's own text to the innermost function's."""


@attrs.frozen
class Noted:
    """A guard or a decision, where it stands."""

    place: Place
    condition: Condition
    reason: Any
    """Of a guard; None for a decision."""
    before: int = 0
    """How many of the rule's guards stand before it."""
    earlier: tuple[Flag, ...] = ()
    """Where alone it is read: guards that stand before it in an attempt, and flags of conditional calls around it."""


class NotingTable(Table):
    """A table that knows where the comparisons were first made."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[int, Place] = {}

    def condition(self, reading: Any, kind: str, parts: Any, key: Any) -> Condition:
        """The condition of a kind and its parts."""
        made = super().condition(reading, kind, parts, key)
        if kind not in ("not", "and") and made.number not in self.places and (place := place_here()):
            self.places[made.number] = place
        return made


class NotingReading(SymbolicReading):
    """A reading of one rule that notes its guards and decisions.

    Attributes:
        noted: In the order of the text.
    """

    def __init__(self) -> None:
        super().__init__()
        self.table = NotingTable()
        self.noted: list[Noted] = []

    def require(self, condition: Flag, reason: Any) -> None:
        """A guard."""
        super().require(condition, reason)
        collector = self._collectors[-1]
        guard = collector.guards[-1].condition
        if not isinstance(guard, Condition):
            return
        earlier = (*collector.flags, *(guard.condition for guard in collector.guards[:-1]))
        if len(self._collectors) == 1:
            self.noted.append(Noted(place_here(), guard, reason, len(self.guards) - 1, tuple(collector.flags)))
        else:
            self.noted.append(Noted(place_here(), guard, None, len(self.guards), earlier))

    def select(self, condition: Flag, yes: Any, no: Any) -> Any:
        """One of two values: a decision."""
        self.decision(condition)
        return super().select(condition, yes, no)

    def call_if(self, flag: Flag, function: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> Any:
        """A conditional call: a decision."""
        self.decision(flag)
        return super().call_if(flag, function, arguments, otherwise)

    def attempt(self, rule: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> tuple[Any, Any]:
        """An attempt: a decision, whether it comes off."""
        code, result = super().attempt(rule, arguments, otherwise)
        self.decision(code == 0)
        return code, result

    def _choose(self, flag: Flag, yes: Any, no: Any) -> Any:
        """What an attempt gives, guard by guard: no decision of its own."""
        if isinstance(flag, bool):
            return yes if flag else no
        return super().select(flag, yes, no)

    def decision(self, condition: Flag) -> None:
        """Take note of a decision that stands in the text of a rule."""
        if isinstance(condition, Condition) and (place := place_here()):
            premise = self.premise()
            earlier = () if premise is True else (premise,)
            self.noted.append(Noted(place, condition, None, len(self.guards), earlier))

    def comparisons(self, condition: Condition) -> list[tuple[Place, Condition]]:
        """The comparisons that a condition is made of, each with its place; of a flag, its name."""
        table = self.table
        assert isinstance(table, NotingTable)
        found: dict[int, Condition] = {atom.number: atom for atom in atoms_of(condition)}
        places = {
            number: (Step("", table.symbols[atom.parts].name, 0, 0),)
            if atom.kind == "flag"
            else table.places.get(number)
            for number, atom in found.items()
        }
        return [(place, found[number]) for number, place in places.items() if place]


def with_comparison(condition: Flag, atom: Condition, value: bool) -> Flag:
    """A condition where one of its comparisons is taken as true or as false."""
    if not isinstance(condition, Condition):
        return condition
    if condition.number == atom.number:
        return value
    if condition.kind == "not":
        return negated(with_comparison(condition.parts, atom, value))
    if condition.kind == "and":
        result: Flag = True
        for part in condition.parts:
            result = result & with_comparison(part, atom, value)
        return result
    return condition


# Where in the text


def place_here() -> Place:
    """The place that is being read, empty where it is none of a rule's text."""
    steps: list[Step] = []
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way to the caller's text
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(RULES_PACKAGE):
            steps.append(step_of(frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(reversed(steps))


def place_of(raised: BaseException) -> Place:
    """The place where an exception was raised, empty where it is none of a rule's text."""
    steps: list[Step] = []
    trace = raised.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith(RULES_PACKAGE):
            steps.append(step_of(trace.tb_frame.f_code, trace.tb_lasti))
        trace = trace.tb_next
    return tuple(steps)


@cache
def step_of(code: CodeType, instruction: int) -> Step:
    """The expression that an instruction belongs to."""
    line, last, column, end = list(code.co_positions())[instruction // 2]
    assert line is not None
    assert last is not None
    lines = [linecache.getline(code.co_filename, number) for number in range(line, last + 1)]
    lines[-1] = lines[-1].encode()[: end or 0].decode()
    lines[0] = lines[0].encode()[column or 0 :].decode()
    text = " ".join("".join(lines).split())
    with suppress(SyntaxError):
        text = ast.unparse(ast.parse(text, mode="eval"))
    return Step(code.co_name, text, line, column or 0)
