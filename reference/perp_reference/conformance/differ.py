"""One scenario on the reference and on a testee: do they differ?"""

import time
from collections import Counter
from collections.abc import Mapping
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
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """For programs."""
        used = max(self.examples, 1)
        return {
            "examples": self.examples,
            "unusable": self.unusable,
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

    def expected(self, scenario: Scenario) -> Case | None:
        """The scenario with what the reference says; None where it breaks the format, or no exchange can be there.

        Headers name the right root and configuration.
        """
        session, _ = self.session(scenario)
        steps: list[Step] = []
        try:
            session.load(scenario.pre)
            for name, given in scenario.steps:
                arguments = right_header(session, given)
                applied = session.apply(name, arguments)
                violated = () if applied.reason is None else session.violated(name, arguments)
                root = session.root() if self.shows_root else NO_ROOT
                expected = Expected(applied.reason, violated, applied.delta, root, applied.outputs)
                steps.append(Step(name, arguments, expected))
        except (Refused, EncodingError, OutOfRangeError, ArithmeticError, LookupError, ValueError):
            return None
        source = dict(scenario.source)
        covers = tuple(dict.fromkeys(step.op for step in steps))
        return Case(scenario.id, scenario.comment, "required", (), covers, (), source, scenario.pre, tuple(steps))

    def compare(self, scenario: Scenario, counts: bool = True) -> Divergence | None:
        """How a testee differs on a scenario; None where it does not."""
        started = time.monotonic()
        case = self.expected(scenario)
        if counts:
            self.count(case)
        if case is None:
            return None
        _, config = self.session(scenario)
        judgement = self._tester.run(scenario.rules, config, case)
        if counts:
            self.statistics.seconds += time.monotonic() - started
        if judgement.verdict in (PASS, UNSUPPORTED, SKIPPED):
            return None
        steps = tuple((step.op, step.args) for step in case.steps)
        return Divergence(evolve(scenario, steps=steps), case, judgement)

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
