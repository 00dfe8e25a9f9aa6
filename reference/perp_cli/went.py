"""Which way the guards and the decisions of a rule went, seen by running it in plain integers, without a solver."""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from perp_proofs.smt.places import Place, place_here
from perp_reference.conformance.solved import MARKETS, Solved
from perp_reference.core.explain import Explaining, raw
from perp_reference.core.machine import RUNNERS, rule_of
from perp_reference.core.state import State
from perp_spec.language import Rejected, reading_as
from perp_spec.perpetual.defaults import default_config


@frozen
class Went:
    """A guard or a decision that was met, and how it came out."""

    place: Place
    reason: str
    """Of a guard; empty for a decision."""
    holds: bool


class Watching(Explaining):
    """Evaluates up to the first false guard, and notes what it met. A guard inside an attempt is a decision."""

    def __init__(self) -> None:
        super().__init__()
        self.went: list[Went] = []

    def note(self, reason: str, condition: Any) -> None:
        """Take note of one."""
        if place := place_here():
            self.went.append(Went(place, reason, bool(raw(condition))))

    def require(self, condition: Any, reason: Any) -> None:
        """A guard."""
        self.note("" if self._attempts else reason.name, condition)
        if not raw(condition):
            raise Rejected(reason)

    def select(self, condition: Any, yes: Any, no: Any) -> Any:
        """A decision."""
        self.note("", condition)
        return super().select(condition, yes, no)

    def call_if(self, flag: Any, function: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> Any:
        """A decision."""
        self.note("", flag)
        return super().call_if(flag, function, arguments, otherwise)

    def attempt(self, rule: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> tuple[Any, Any]:
        """A decision: whether it comes off."""
        code, result = super().attempt(rule, arguments, otherwise)
        self.note("", raw(code) == 0)
        return code, result


def went(case: Solved) -> tuple[set[Went], str]:
    """What a state met, decisions only where the operation is accepted; and the reason, empty where it is."""
    state = State(default_config(MARKETS))
    for place, record in case.records.items():
        state.put(place.record, place.key, record)
    runner, reading, reason = RUNNERS[type(case.operation)], Watching(), ""
    operation, *loaded = map(reading.wrap, [case.operation, *runner.load(state, case.operation)])
    try:
        with reading_as(reading):
            for access in rule_of(case.operation).footprint:
                for key in (*access.keys, access.skip):
                    if callable(key):
                        key(operation)
            runner.function(operation, *loaded)
    except Rejected as rejection:
        reason = rejection.reason.name
    return {one for one in reading.went if one.reason or not reason}, reason
