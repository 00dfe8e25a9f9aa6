"""Verdicts: what a testee's results say, beside what is expected."""

import json
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from perp_reference.conformance.fixtures import Case, Expected
from perp_reference.conformance.rule_sets import RuleBook, after_delta, flat
from perp_reference.conformance.shapes import JsonNumber

PASS = "pass"  # noqa: S105 - a verdict
OUTCOME = "fail.outcome"
REASON = "fail.reason"
STATE = "fail.state"
ROOT = "fail.root"
OUTPUTS = "fail.outputs"
NOT_ATOMIC = "fail.not_atomic"
CRASH = "error.crash"
TIMEOUT = "error.timeout"
PROTOCOL_ERROR = "error.protocol"
UNSUPPORTED = "unsupported"
SKIPPED = "skipped"
EXPECTED = "expected"

VERDICTS = (
    PASS,
    OUTCOME,
    REASON,
    STATE,
    ROOT,
    OUTPUTS,
    NOT_ATOMIC,
    CRASH,
    TIMEOUT,
    PROTOCOL_ERROR,
    UNSUPPORTED,
    SKIPPED,
    EXPECTED,
)

LEVELS = (0, 1, 2)

LONGEST_SAID = 1_000
"""Characters of anything that a testee says: it may say 2^24 bytes in each case, and a report holds all cases."""

MOST_DIFFERENCES = 100
"""Of one case."""


@frozen
class Difference:
    """A place where something else came."""

    path: str
    expected: Any
    """None for nothing."""
    got: Any
    """None for nothing. A JSON number is told as such, since it is not the string of the same digits."""


@frozen
class Judgement:
    """The verdict of a case, and what led to it."""

    verdict: str
    step: int | None = None
    """The first step that is not as expected."""
    message: str = ""
    differences: tuple[Difference, ...] = ()
    native: str = ""
    """The testee's own words."""
    log: str = ""
    """The end of the testee's log, where it crashed."""
    results: tuple[Any, ...] = field(default=(), repr=False)
    """What the testee said of each step, as far as it was judged."""


PASSED = Judgement(PASS)


class Judge:
    """Judges the results of one case step by step.

    Attributes:
        state: The flat state that is expected after the steps judged so far.
    """

    def __init__(self, book: RuleBook, case: Case, observes: frozenset[str], level: int) -> None:
        self._book = book
        self._case = case
        self._observes = observes
        self._level = level
        self._keeps = "state" in observes
        self.state: dict[str, Any] = flat(book, case.pre) if self._keeps else {}
        self._root_before: str | None = None

    def judge(self, results: list[Any]) -> Judgement:
        """The verdict of a case by all its results."""
        for place, result in enumerate(results):
            if place >= len(self._case.steps):
                return Judgement(PROTOCOL_ERROR, place, "more results than steps")
            finding = self.step(place, result)
            if finding is not None:
                return finding
        if len(results) < len(self._case.steps):
            return Judgement(PROTOCOL_ERROR, len(results), "fewer results than steps")
        return PASSED

    def step(self, place: int, result: dict[str, Any]) -> Judgement | None:
        """What is wrong with a result; None where it is as expected."""
        outcome = result["outcome"]
        if outcome == "errored":
            return Judgement(CRASH, place, f"errored: {shortened(result['message'])}")
        if outcome == "unsupported":
            return Judgement(UNSUPPORTED, place, shortened(result["feature"]))
        if outcome == "skipped":
            return Judgement(SKIPPED, place, shortened(result["why"]))
        expected = self._case.steps[place].expected
        finding = (
            self.accepted(place, expected, result) if outcome == "accepted" else self.rejected(place, expected, result)
        )
        self._root_before = result.get("root")
        return finding

    def accepted(self, place: int, expected: Expected, result: dict[str, Any]) -> Judgement | None:
        """What is wrong with a result that says accepted."""
        if expected.reason is not None:
            message = f"accepted, and the rules reject it with {expected.reason}"
            return differing(OUTCOME, place, message, delta_differences({}, result))
        if self._keeps:
            self.state = after_delta(self._book, self.state, dict(expected.delta))
        differences = delta_differences(expected.delta, result)
        # What a delta says already is not said again; a vector has no hash, so they are compared.
        differences += [found for found in self.state_differences(result) if found not in differences]
        if differences:
            return differing(STATE, place, "accepted, and the state is another", differences)
        if "outputs" in result and result["outputs"] != expected.outputs:
            found = (Difference("outputs", expected.outputs, shown(result["outputs"])),)
            return Judgement(OUTPUTS, place, "accepted, and the outputs are others", found)
        return self.root(place, expected, result)

    def rejected(self, place: int, expected: Expected, result: dict[str, Any]) -> Judgement | None:
        """What is wrong with a result that says rejected."""
        native, reason = shortened(result.get("native", "")), result.get("reason")
        if expected.reason is None:
            message = f"rejected{f' with {reason}' if reason else ''}, and the rules accept it"
            return Judgement(OUTCOME, place, message, native=native)
        if reason is not None and not self.reason_fits(expected, reason):
            others = f", of {', '.join(expected.violated)}" if self._level == 1 else ""
            message = f"rejected with {reason}, and the reason is {expected.reason}{others}"
            return Judgement(REASON, place, message, native=native)
        differences = delta_differences({}, result) + self.state_differences(result)
        if differences:
            return differing(NOT_ATOMIC, place, "rejected, and the state has changed", differences, native)
        if self.changed_root(result):
            found = (Difference("root", expected.root, result["root"]),)
            return Judgement(NOT_ATOMIC, place, "rejected, and the root has changed", found, native)
        return self.root(place, expected, result)

    def changed_root(self, result: dict[str, Any]) -> bool:
        """Whether a testee that shows nothing but roots shows another one than before the step."""
        if "delta" in self._observes or self._keeps or self._root_before is None:
            return False
        return result.get("root", self._root_before) != self._root_before

    def reason_fits(self, expected: Expected, reason: str) -> bool:
        """Whether a reason is right at the level asked for."""
        if self._level == 0:
            return True
        return reason == expected.reason or (self._level == 1 and reason in expected.violated)

    def root(self, place: int, expected: Expected, result: dict[str, Any]) -> Judgement | None:
        """What is wrong with a root."""
        if "root" not in result or result["root"] == expected.root:
            return None
        shown = "delta" in self._observes or self._keeps
        message = "the state is right and its root is another" if shown else "the root is another"
        return Judgement(ROOT, place, message, (Difference("root", expected.root, result["root"]),))

    def state_differences(self, result: dict[str, Any]) -> list[Difference]:
        """What differs in a state that is shown whole."""
        if not self._keeps:
            return []
        return differences_of(self.state, flat(self._book, result["state"]))


def delta_differences(expected: Mapping[str, Any], result: dict[str, Any]) -> list[Difference]:
    """What differs in a delta, if one is shown."""
    if "delta" not in result:
        return []
    got: dict[str, Any] = {}
    for change in result["delta"]:
        if change["path"] in got:
            return [Difference(change["path"], "one change", "two")]
        got[change["path"]] = change["value"]
    return differences_of(expected, got)


def differences_of(expected: Mapping[str, Any], got: Mapping[str, Any]) -> list[Difference]:
    """What differs between values by path, in order of path; one more than are shown, where there are more."""
    if expected == got:
        return []
    paths = sorted(path for path in {*expected, *got} if expected.get(path, ()) != got.get(path, ()))
    several = paths[: MOST_DIFFERENCES + 1]
    return [Difference(shortened(path), expected.get(path), shown(got.get(path))) for path in several]


def differing(verdict: str, place: int, message: str, found: list[Difference], native: str = "") -> Judgement:
    """A verdict for differences; of very many it has the first ones."""
    if len(found) > MOST_DIFFERENCES:
        message = f"{message}, in more than {MOST_DIFFERENCES} places"
    return Judgement(verdict, place, message, tuple(found[:MOST_DIFFERENCES]), native)


def shortened(text: str) -> str:
    """A text of a testee, cut where it is too long to be told."""
    return text if len(text) <= LONGEST_SAID else f"{text[:LONGEST_SAID]}... ({len(text):,} characters)"


def shown(value: Any) -> Any:
    """A value of a testee as reports show it: cut, and as text where it holds numbers, which reports would quote."""
    if isinstance(value, JsonNumber):
        return f"the JSON number {shortened(value)}"
    if isinstance(value, str):
        return shortened(value)
    if not isinstance(value, list | dict):
        return value
    try:
        text = json_text(value)
    except RecursionError:
        return "a value nested too deeply"
    return value if len(text) <= LONGEST_SAID and text == json.dumps(value) else shortened(text)


def json_text(value: Any) -> str:
    """A value as JSON, its numbers as they came."""
    if isinstance(value, JsonNumber):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(json_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(name)}: {json_text(inner)}' for name, inner in value.items())}}}"
    return json.dumps(value)
