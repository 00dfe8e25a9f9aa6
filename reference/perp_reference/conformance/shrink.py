"""Making a divergence small: fewer steps and records, zeros, small numbers; the verdict and the operation stay."""

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

from attrs import evolve

from perp_reference.conformance.differ import Differ, Divergence
from perp_reference.conformance.judge import TIMEOUT
from perp_reference.conformance.rule_sets import Path, leaves, replaced, without
from perp_reference.conformance.scenarios import Scenario

DECIMAL = re.compile("-?[0-9]+")

SECONDS = 20.0
"""What shrinking may take."""


class Shrinker:
    """Makes one divergence smaller, as long as time is left."""

    def __init__(self, differ: Differ, divergence: Divergence, seconds: float = SECONDS) -> None:
        self._differ = differ
        self._best = divergence
        self._deadline = time.monotonic() + seconds

    def shrink(self) -> Divergence:
        """The smallest divergence found."""
        first = self._best
        is_silent = first.judgement.verdict == TIMEOUT
        with self._differ.hurried() if is_silent else contextlib.nullcontext():
            self.cut()
            self.fold()
            before = None
            while before is not self._best and time.monotonic() < self._deadline:
                before = self._best
                self.drop_steps()
                self.drop_records()
                self.zero_fields()
                self.snap()
        if not is_silent:
            return self._best
        # Was it silent, or only slower than usual?
        again = self._differ.compare(self._best.scenario, counts=False)
        return again if again is not None and again.kind == self._best.kind else first

    def cut(self) -> None:
        """Leave out what comes after the divergence, which is the step in which the testee ended or fell silent."""
        scenario, step = self._best.scenario, self._best.judgement.step
        if step is not None:
            self.try_one(cut_after(scenario, step))
            return
        for place in range(len(scenario.steps) - 1):
            found = self.tried(cut_after(scenario, place))
            if found is not None and found.judgement.verdict == self._best.judgement.verdict:
                self._best = found
                return

    def fold(self) -> None:
        """Begin later: in the state that the reference has after the first steps. As few steps are left as will do."""
        for place in reversed(range(1, len(self._best.scenario.steps))):
            scenario = self._differ.later(self._best.scenario, place)
            if scenario is not None and self.try_one(scenario):
                return

    def tried(self, scenario: Scenario) -> Divergence | None:
        """How the testee differs on a scenario, as long as time is left."""
        return self._differ.compare(scenario, counts=False) if time.monotonic() < self._deadline else None

    def try_one(self, scenario: Scenario) -> bool:
        """Take a smaller scenario if the testee still differs on it in the same way."""
        found = self.tried(scenario) if scenario.steps else None
        if found is None or found.kind != self._best.kind:
            return False
        self._best = found
        return True

    def drop_steps(self) -> None:
        """Leave out steps, the last ones first."""
        for place in reversed(range(len(self._best.scenario.steps))):
            steps = self._best.scenario.steps
            if len(steps) > 1 and place < len(steps):
                self.try_one(evolve(self._best.scenario, steps=steps[:place] + steps[place + 1 :]))

    def drop_records(self) -> None:
        """Leave out parts of the state, large ones first."""
        for path in list(objects(self._best.scenario)):
            if has(self._best.scenario, path):
                self.try_one(evolve(self._best.scenario, pre=without(dict(self._best.scenario.pre), path)))

    def zero_fields(self) -> None:
        """Make numbers of the operations zero and their flags false, then those of the state."""
        for path in fields(self._best.scenario):
            value = value_at(self._best.scenario, path)
            zero = False if isinstance(value, bool) else "0"
            if value != zero and (isinstance(value, bool) or DECIMAL.fullmatch(value)):
                self.try_one(with_value(self._best.scenario, path, zero))

    def snap(self) -> None:
        """Bring numbers as near to zero as they go: to the boundary where the divergence begins."""
        for path in fields(self._best.scenario):
            value = value_at(self._best.scenario, path)
            if isinstance(value, str) and DECIMAL.fullmatch(value) and len(value) < 40 and abs(int(value)) > 1:
                self.nearer(path, int(value))

    def nearer(self, path: Path, value: int) -> None:
        """Halve the distance to zero as long as the testee still differs."""
        sign = -1 if value < 0 else 1
        low, high = 0, abs(value)
        while high - low > 1 and time.monotonic() < self._deadline:
            middle = (low + high) // 2
            if self.try_one(with_value(self._best.scenario, path, str(sign * middle))):
                high = middle
            else:
                low = middle


def cut_after(scenario: Scenario, step: int) -> Scenario:
    """A scenario up to one of its steps."""
    return evolve(scenario, steps=scenario.steps[: step + 1])


def objects(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    """Paths of what can be left out of a state: records, and objects of records."""
    for name, inside in scenario.pre.items():
        if scenario.rules == "perpetual":
            yield (name,)
        keyed = [key for key, value in inside.items() if type(value) is dict]
        for key in keyed:
            yield name, key
            yield from ((name, key, slot) for slot, value in inside[key].items() if type(value) is dict)


def has(scenario: Scenario, path: tuple[str, ...]) -> bool:
    """Whether a state still has an object."""
    value = scenario.pre
    for part in path:
        if part not in value:
            return False
        value = value[part]
    return True


def fields(scenario: Scenario) -> list[Path]:
    """Paths of all values: of the operations, then of the state."""
    own: list[Path] = []
    for place, (_, arguments) in enumerate(scenario.steps):
        own += [("steps", place, *path) for path in leaves(arguments)]
    return own + [("pre", *path) for path in leaves(scenario.pre)]


def value_at(scenario: Scenario, path: Path) -> str | bool:
    """The value at a path; a flag that is false where there is none any more."""
    value: Any = {"pre": scenario.pre, "steps": [arguments for _, arguments in scenario.steps]}
    try:
        for part in path:
            value = value[part]
    except (KeyError, IndexError):
        return False
    return value if isinstance(value, str | bool) else False


def with_value(scenario: Scenario, path: Path, value: str | bool) -> Scenario:
    """A scenario with the value at a path replaced; a record that becomes all zeros goes."""
    first, *rest = path
    if first == "pre":
        changed = replaced(scenario.pre, tuple(rest), value)
        return evolve(scenario, pre=without_zeros(scenario, changed, tuple(rest)))
    place = rest.pop(0)
    assert isinstance(place, int)
    name, arguments = scenario.steps[place]
    step = (name, replaced(arguments, tuple(rest), value))
    return evolve(scenario, steps=(*scenario.steps[:place], step, *scenario.steps[place + 1 :]))


def without_zeros(scenario: Scenario, pre: dict[str, object], path: Path) -> dict[str, object]:
    """A state without the record at a path, where that is all zeros."""
    record = tuple(part for part in path if isinstance(part, str))[: len(path) - 1]
    if scenario.rules != "perpetual":
        return pre
    while record and not isinstance(look(pre, record), dict):
        record = record[:-1]
    values = leaves(look(pre, record)).values()
    return without(pre, record) if all(value in ("0", False, "0" * 64) for value in values) else pre


def look(value: object, path: tuple[str, ...]) -> object:
    """The value at a path."""
    for part in path:
        assert isinstance(value, dict)
        value = value[part]
    return value
