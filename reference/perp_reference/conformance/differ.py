"""One scenario on the reference and on a testee: do they differ?"""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, evolve, field, frozen

from perp_reference.conformance.fixtures import Case, Expected, Step
from perp_reference.conformance.judge import PASS, SKIPPED, UNSUPPORTED, Judgement
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.rule_sets import Session, rule_book
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.tester import Tester
from perp_reference.core.encoding import EncodingError
from perp_reference.core.state import OutOfRangeError
from perp_reference.formats.text import Refused

NO_ROOT = "0" * 64

IMPOSSIBLE = (Refused, EncodingError, OutOfRangeError, ArithmeticError, LookupError, ValueError)
"""What the reference raises of scenarios that break the format, or of states that no exchange can be in."""

LEAST_SECONDS = 0.5
SLOWER = 20
"""A testee that takes this long, and so many times its longest answer so far, is taken to be silent."""


@define
class Statistics:
    """What fuzzing did."""

    examples: int = 0
    unusable: int = 0
    """Broke the format, or a state that no exchange can be in."""
    steps: int = 0
    accepted: int = 0
    reasons: Counter[str] = field(factory=Counter)
    operations: Counter[str] = field(factory=Counter)
    trivial: int = 0
    """Nothing was accepted in it."""
    untested: int = 0
    """The testee does not have it, or did not want to be tested on it."""
    seconds: float = 0.0

    @property
    def compared(self) -> int:
        """Examples that the testee said something of."""
        return self.examples - self.untested

    def document(self) -> dict[str, Any]:
        """For programs."""
        used = max(self.examples, 1)
        return {
            "examples": self.examples,
            "unusable": self.unusable,
            "untested": self.untested,
            "steps": self.steps,
            "accepted_share": round(self.accepted / max(self.steps, 1), 3),
            "mean_depth": round(self.steps / used, 2),
            "trivial_share": round(self.trivial / used, 3),
            "examples_per_second": round(self.examples / max(self.seconds, 0.001), 1),
            "operations": dict(self.operations.most_common()),
            "reasons": dict(self.reasons.most_common()),
        }


@frozen
class Divergence:
    """A scenario on which a testee differs."""

    scenario: Scenario
    case: Case
    judgement: Judgement

    @property
    def step(self) -> int:
        """The step it differs in; the last one where the testee crashed."""
        step = self.judgement.step
        return len(self.case.steps) - 1 if step is None else step

    @property
    def kind(self) -> tuple[str, str]:
        """Verdict, and the operation it is in; a smaller scenario must keep both."""
        return self.judgement.verdict, self.case.steps[self.step].op


class Differ:
    """Compares a testee with the reference.

    Attributes:
        statistics: What was compared.
    """

    def __init__(self, tester: Tester) -> None:
        self._tester = tester
        self._sessions: dict[int, tuple[Session, Mapping[str, Any]]] = {}
        self.statistics = Statistics()

    def session(self, scenario: Scenario) -> tuple[Session, Mapping[str, Any]]:
        """A session with the configuration of a scenario, and that configuration."""
        # The configuration is kept, so that no other object can have its identity.
        key = id(scenario.config)
        if key not in self._sessions:
            self._sessions[key] = self.configured(scenario), scenario.config
        return self._sessions[key]

    def configured(self, scenario: Scenario) -> Session:
        """A session; where the testee takes headers as right, the reference does too, and computes no root."""
        session = rule_book(scenario.rules).configure(scenario.config)
        if isinstance(session, PerpetualSession):
            assert self._tester.testee is not None
            session.trusts_headers = not self._tester.testee.features & {"root", "config_digest"}
        return session

    @property
    def shows_root(self) -> bool:
        """Whether the testee shows roots."""
        assert self._tester.testee is not None
        return "root" in self._tester.testee.observes

    def expected(self, scenario: Scenario, whole: bool = True) -> Case | None:
        """The scenario with what the reference says; None where it breaks the format, or no exchange can be there.

        Headers name the right root and configuration. Which other guards are false is said only where `whole`: to
        find that out takes as long as all the rest.
        """
        session, _ = self.session(scenario)
        steps: list[Step] = []
        try:
            session.load(scenario.pre)
            for name, given in scenario.steps:
                arguments = right_header(session, given)
                applied = session.apply(name, arguments)
                violated = session.violated(name, arguments) if whole and applied.reason is not None else ()
                root = session.root() if self.shows_root else NO_ROOT
                expected = Expected(applied.reason, violated, applied.delta, root, applied.outputs)
                steps.append(Step(name, arguments, expected))
        except IMPOSSIBLE:
            return None
        source = dict(scenario.source)
        covers = tuple(dict.fromkeys(step.op for step in steps))
        return Case(scenario.id, scenario.comment, "required", (), covers, (), source, scenario.pre, tuple(steps))

    def later(self, scenario: Scenario, place: int) -> Scenario | None:
        """A scenario without its first steps, in the state that the reference has after them."""
        session, _ = self.session(scenario)
        try:
            session.load(scenario.pre)
            for name, given in scenario.steps[:place]:
                session.apply(name, right_header(session, given))
        except IMPOSSIBLE:
            return None
        return evolve(scenario, pre=session.state(), steps=scenario.steps[place:])

    def compare(self, scenario: Scenario, counts: bool = True) -> Divergence | None:
        """How a testee differs on a scenario; None where it does not."""
        started = time.monotonic()
        case = self.expected(scenario, whole=False)
        if counts:
            self.count(case)
        if case is None:
            return None
        _, config = self.session(scenario)
        judgement = self._tester.run(scenario.rules, config, case)
        if counts:
            self.statistics.seconds += time.monotonic() - started
            self.statistics.untested += judgement.verdict in (UNSUPPORTED, SKIPPED)
        if judgement.verdict in (PASS, UNSUPPORTED, SKIPPED):
            return None
        case = self.expected(scenario)
        assert case is not None
        if judgement.results:
            judgement = self._tester.judge(scenario.rules, case, list(judgement.results))
            if judgement.verdict in (PASS, UNSUPPORTED, SKIPPED):
                return None
        steps = tuple((step.op, step.args) for step in case.steps)
        return Divergence(evolve(scenario, steps=steps), case, judgement)

    @contextlib.contextmanager
    def hurried(self) -> Iterator[None]:
        """Wait for the testee no longer than is usual for it: for who falls silent again and again."""
        before = self._tester.run_seconds
        self._tester.run_seconds = min(before, max(LEAST_SECONDS, SLOWER * self._tester.slowest))
        try:
            yield
        finally:
            self._tester.run_seconds = before

    def count(self, case: Case | None) -> None:
        """Count an example."""
        counted = self.statistics
        if case is None:
            counted.unusable += 1
            return
        counted.examples += 1
        counted.steps += len(case.steps)
        accepted = sum(step.expected.reason is None for step in case.steps)
        counted.accepted += accepted
        counted.trivial += not accepted
        counted.operations.update(step.op for step in case.steps)
        counted.reasons.update(step.expected.reason for step in case.steps if step.expected.reason is not None)


def right_header(session: Session, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """An operation as it is, but a header with the right root and configuration, where they are looked at."""
    if "previous_root" not in given or not isinstance(session, PerpetualSession) or session.trusts_headers:
        return given
    return {**given, "previous_root": session.root(), "config_digest": session.config_digest_text}
