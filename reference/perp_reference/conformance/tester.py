"""The tester: runs cases on a testee and judges them. A crash or a time-out costs one case and a restart."""

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from perp_reference.conformance.fixtures import Case
from perp_reference.conformance.judge import (
    CRASH,
    PROTOCOL_ERROR,
    SKIPPED,
    TIMEOUT,
    UNSUPPORTED,
    Judge,
    Judgement,
    shortened,
)
from perp_reference.conformance.process import CrashedError, NoCommandError, Process, TimedOutError, UnaskedError
from perp_reference.conformance.protocol import FAILED, PROTOCOL, decode_line, encode_line, reply_shapes
from perp_reference.conformance.rule_sets import rule_book
from perp_reference.conformance.shapes import Shape
from perp_reference.conformance.spec import SPEC_VERSION, spec_digest
from perp_reference.formats.text import Refused

START_SECONDS = 60.0
"""For hello, configure and load, and for the first case: a runtime may have to start, and a program to be compiled."""

RUN_SECONDS = 10.0
STEP_SECONDS = 0.1

CRASHES_IN_A_ROW = 5
"""After so many the run ends."""


class BrokenProtocolError(Exception):
    """A reply breaks the protocol."""


class GaveUpError(Exception):
    """The testee failed too often in a row.

    Attributes:
        verdict: Of the last failure.
        log: The end of what it wrote to standard error.
    """

    def __init__(self, message: str, verdict: str, log: str) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.log = log


Failure = (CrashedError, TimedOutError, UnaskedError, BrokenProtocolError)


def verdict_of(failure: Exception) -> str:
    """The verdict of a failure: an end and a silence are no more than that, all else breaks the protocol."""
    return {CrashedError: CRASH, NoCommandError: CRASH, TimedOutError: TIMEOUT}.get(type(failure), PROTOCOL_ERROR)


@frozen
class Testee:
    """What a testee says of itself."""

    name: str
    version: str
    language: str
    source: str
    rules: tuple[str, ...]
    operations: frozenset[str]
    features: frozenset[str]
    observes: frozenset[str]

    @property
    def is_stepwise(self) -> bool:
        """Whether it takes one operation at a time."""
        return "stepwise" in self.features


class Tester:
    """Talks to one testee.

    Attributes:
        testee: What it says of itself, once it was started.
        restarts: How often it had to be started again.
        steps: How many results were judged.
        run_seconds: How long a case may take, but for its steps.
        gives_up: End the run after too many failures in a row.
        slowest: The longest answer to a case so far in seconds, but for the first, which may have to compile.
    """

    def __init__(
        self,
        command: Sequence[str],
        level: int = 1,
        run_seconds: float = RUN_SECONDS,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self._command = command
        self._level = level
        self.run_seconds = run_seconds
        self.gives_up = True
        self.slowest = 0.0
        self._start_seconds = start_seconds
        self._is_warm = False
        self._process: Process | None = None
        self._seq = 0
        self._shapes: dict[str, Shape] = reply_shapes(None)
        self._configured: tuple[str, Mapping[str, Any]] | None = None
        self._unsupported: str | None = None
        self._crashes = 0
        self.testee: Testee | None = None
        self.restarts = 0
        self.steps = 0

    def __enter__(self) -> "Tester":
        return self

    def __exit__(self, *_: object) -> None:
        """End the testee, whatever it does."""
        if self._process is not None:
            self._process.kill()

    @property
    def log(self) -> str:
        """The end of what the running testee wrote to standard error."""
        return "" if self._process is None else self._process.log

    # One request

    def ask(self, kind: str, seconds: float, **members: Any) -> dict[str, Any]:
        """Send a request and wait for its reply.

        Raises:
            CrashedError: The testee ended.
            TimedOutError: It took longer.
            UnaskedError: It said more than it was asked.
            BrokenProtocolError: The reply breaks the protocol.
        """
        assert self._process is not None
        self._seq += 1
        line = self._process.ask(encode_line({"seq": self._seq, "request": kind, **members}), seconds)
        try:
            reply = decode_line(line)
            if "error" in reply:
                FAILED.check(reply)
                raise BrokenProtocolError(f"it could not read a request: {shortened(reply['error'])}")
            self._shapes[kind].check(reply)
        except Refused as refused:
            place = f" {shortened(refused.field)}:" if refused.field else ""
            got = shortened(refused.got)
            raise BrokenProtocolError(f"reply to {kind}:{place} expected {refused.expected}, got {got}") from None
        if str(reply["seq"]) != str(self._seq):
            raise BrokenProtocolError(f"reply to {kind}: seq: expected {self._seq}, got {reply['seq']}")
        return reply

    # Starting and stopping

    def start(self) -> Testee:
        """Start the testee and ask what it is.

        Raises:
            NoCommandError: There is no such program.
            CrashedError: It ended.
            TimedOutError: It took too long.
            UnaskedError: It said more than it was asked.
            BrokenProtocolError: Its reply breaks the protocol, or says of it another thing than at its last start.
        """
        self.drop()
        self._process = Process(self._command)
        self._shapes = reply_shapes(None)
        spec = {"version": SPEC_VERSION, "digest": spec_digest()}
        reply = self.ask("hello", self._start_seconds, protocol=PROTOCOL, spec=spec)
        own = reply["implementation"]
        testee = Testee(
            name=own["name"],
            version=own["version"],
            language=own["language"],
            source=own["source"],
            rules=tuple(reply["rules"]),
            operations=frozenset(reply["operations"]),
            features=frozenset(reply["features"]),
            observes=frozenset(reply["observes"]),
        )
        check_operations(testee.rules, reply["operations"])
        if self.testee not in (None, testee):
            raise BrokenProtocolError("reply to hello: expected what it said of itself before, got another reply")
        self.testee = testee
        self._shapes = reply_shapes(testee.observes)
        return testee

    def drop(self) -> None:
        """End the testee at once."""
        if self._process is not None:
            self._process.kill()
        self._process = None
        self._configured = None

    def stop(self) -> str:
        """Ask the testee to end; returns what was wrong with that, or an empty string."""
        if self._process is None:
            return ""
        self._seq += 1
        wrong = self._process.stop(encode_line({"seq": self._seq, "request": "stop"}))
        self.drop()
        return wrong

    def configure(self, rules: str, config: Mapping[str, Any]) -> str | None:
        """Have the testee take a configuration; returns why it cannot, or None.

        Raises:
            CrashedError: It ended.
            TimedOutError: It took too long.
            UnaskedError: It said more than it was asked.
            BrokenProtocolError: Its reply breaks the protocol.
        """
        if self._configured is None or self._configured[0] != rules or self._configured[1] is not config:
            reply = self.ask("configure", self._start_seconds, rules=rules, config=config)
            self._configured = (rules, config)
            self._unsupported = shortened(reply["why"]) if reply["result"] == "unsupported" else None
        return self._unsupported

    # Cases

    def unsupported(self, rules: str, case: Case) -> str:
        """Why a case is not sent; an empty string where it is."""
        testee = self.testee
        assert testee is not None
        if rules not in testee.rules:
            return f"rule set {rules}"
        missing = [step.op for step in case.steps if step.op not in testee.operations]
        missing += [feature for feature in case.needs if feature not in testee.features]
        return missing[0] if missing else ""

    def run(self, rules: str, config: Mapping[str, Any], case: Case) -> Judgement:
        """Run a case; a testee that ends, hangs or breaks the protocol is started again for the next one.

        Raises:
            GaveUpError: It crashed too often in a row.
        """
        try:
            if self._process is None:
                self.start()
                self.restarts += 1
            why = self.unsupported(rules, case)
            if why:
                return Judgement(UNSUPPORTED, None, why)
            why = self.configure(rules, config)
            if why is not None:
                return Judgement(UNSUPPORTED, None, f"configuration: {why}")
            judgement = self.judged(rules, case)
        except (*Failure, NoCommandError) as failure:
            return self.failed(failure)
        self._crashes = 0
        return judgement

    def judged(self, rules: str, case: Case) -> Judgement:
        """Run a case on a testee that is ready, and judge it."""
        assert self.testee is not None
        # Made up, so that it tells nothing.
        case_id = f"c{secrets.token_hex(4)}"
        was_warm, started = self._is_warm, time.monotonic()
        judgement = self.stepwise(rules, case_id, case) if self.testee.is_stepwise else self.whole(rules, case_id, case)
        if was_warm:
            self.slowest = max(self.slowest, time.monotonic() - started)
        return judgement

    def judge(self, rules: str, case: Case, results: list[Any]) -> Judgement:
        """Judge what a testee said of a case."""
        judgement = Judge(rule_book(rules), case, self.judged_by(), self._level).judge(results)
        return evolve(judgement, results=tuple(results))

    def whole(self, rules: str, case_id: str, case: Case) -> Judgement:
        """Run a case at once."""
        steps = [{"op": step.op, "args": step.args} for step in case.steps]
        reply = self.ask("run", self.patience(len(steps)), case={"id": case_id, "pre": case.pre, "steps": steps})
        self.steps += len(reply["results"])
        return self.judge(rules, case, reply["results"])

    def judged_by(self) -> frozenset[str]:
        """What a case is judged by: what the testee observes; where that says nothing of the state, what is read."""
        assert self.testee is not None
        observes = self.testee.observes
        return (
            observes | {"state"} if self.testee.is_stepwise and not observes & {"delta", "state", "root"} else observes
        )

    def patience(self, steps: int) -> float:
        """How long the testee has for so many steps, in seconds.

        For the first it has as long as for its start: much is compiled only when it is first used. Once, so that a
        testee which hangs does not cost as much each time.
        """
        seconds = self.run_seconds + STEP_SECONDS * steps
        if self._is_warm:
            return seconds
        self._is_warm = True
        return max(seconds, self._start_seconds)

    def stepwise(self, rules: str, case_id: str, case: Case) -> Judgement:
        """Run a case one operation at a time."""
        assert self.testee is not None
        loaded = self.ask("load", self._start_seconds, case={"id": case_id, "pre": case.pre})
        if loaded["result"] == "unsupported":
            return Judgement(UNSUPPORTED, None, shortened(loaded["why"]))
        reads = not self.testee.observes & {"delta", "state", "root"}
        results: list[Any] = []
        for step in case.steps:
            seconds = self.patience(1)
            result = self.ask("apply", seconds, step={"op": step.op, "args": step.args})["results"][0]
            self.steps += 1
            ends = result["outcome"] in (UNSUPPORTED, SKIPPED, "errored")
            if reads and not ends:
                result = {**result, "state": self.ask("read", seconds)["state"]}
            results.append(result)
            if ends:
                break
        return self.judge(rules, case, results)

    def failed(self, failure: Exception) -> Judgement:
        """The verdict of a case in which the testee failed; it is ended.

        Raises:
            GaveUpError: That happened too often in a row.
        """
        log, verdict = self.log, verdict_of(failure)
        self.drop()
        self._crashes += 1
        if self.gives_up and self._crashes >= CRASHES_IN_A_ROW:
            raise GaveUpError(f"{failure}, {self._crashes} times in a row", verdict, log)
        return Judgement(verdict, None, str(failure), log=log)


def check_operations(rules: Sequence[str], operations: Sequence[str]) -> None:
    """Whether each operation that a testee names is one of its rule sets: a name that is misspelt is not passed over.

    Raises:
        BrokenProtocolError: One is none.
    """
    known = {name for own in rules for name in rule_book(own).operations}
    for place, name in enumerate(operations):
        if name not in known:
            raise BrokenProtocolError(
                f"reply to hello: operations[{place}]: expected an operation of {' or '.join(rules) or 'no rule set'}, "
                f'got "{name}"'
            )
