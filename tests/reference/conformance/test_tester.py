"""The tester against testees that misbehave in every way."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from perp_reference.conformance.fixtures import Case, Expected, Step
from perp_reference.conformance.judge import CRASH, PROTOCOL_ERROR, TIMEOUT, UNSUPPORTED, Judgement
from perp_reference.conformance.process import CrashedError, NoCommandError, TimedOutError
from perp_reference.conformance.tester import BrokenProtocolError, GaveUpError
from perp_reference.conformance.tester import Tester as Kit

SCRIPT = Path(__file__).with_name("scripted.py")

HELLO: dict[str, Any] = {
    "implementation": {"name": "scripted", "version": "1", "language": "Python", "source": ""},
    "rules": ["perpetual"],
    "operations": ["withdraw"],
    "features": [],
    "observes": ["reason", "delta"],
}

OK = {"result": "ok"}

REJECTED = {"outcome": "rejected", "reason": "AMOUNT", "delta": []}


def command(**plan: Any) -> list[str]:
    whole = {"hello": [HELLO], "configure": [OK], **plan}
    return [sys.executable, str(SCRIPT), json.dumps(whole)]


def case(*steps: Step) -> Case:
    given = steps or (Step("withdraw", {}, Expected("AMOUNT", ("AMOUNT",), {}, "0" * 64, {})),)
    return Case("withdraw/test", "", "required", (), ("withdraw",), (), {"kind": "handwritten"}, {}, given)


def run(**plan: Any) -> Judgement:
    with Kit(command(**plan), run_seconds=0.5) as tester:
        tester.start()
        return tester.run("perpetual", {}, case())


def test_the_first_case_has_as_long_as_the_start() -> None:
    """Given a testee that is slow once, when it runs its first case, then it has time; then it has the usual time."""
    with Kit(command(run=["!wait", "!wait"]), run_seconds=0.2) as tester:
        tester.start()
        assert tester.run("perpetual", {}, case()).verdict == "pass"
        assert tester.run("perpetual", {}, case()).verdict == TIMEOUT


def test_a_start_that_takes_too_long_is_no_start() -> None:
    slow = [sys.executable, "-c", "import time; time.sleep(3600)"]
    with Kit(slow, start_seconds=0.2) as tester, pytest.raises(TimedOutError, match="no reply in time"):
        tester.start()


def test_a_right_result_passes() -> None:
    assert run(run=[{"results": [REJECTED]}]).verdict == "pass"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("no json", "reply to run: expected one JSON object, got 'no json' at column 1"),
        ("[]", "reply to run: expected one JSON object, got an array of 0"),
        ('{"seq":{seq},"seq":{seq},"results":[]}', "reply to run: seq: expected each member once, got it twice"),
        ('{"seq":{seq},"results":[]}', "reply to run: results: expected an array, got an array of 0"),
        ('{"seq":"{seq}","results":[{}]}', 'reply to run: seq: expected a JSON integer, got "3"'),
        ('{"seq":99,"results":[{"outcome":"skipped","why":""}]}', "reply to run: seq: expected 3, got 99"),
        (
            '{"seq":{seq},"results":[{"outcome":"rejected","reason":"AMOUNT","delta":[],"root":"0"}]}',
            'reply to run: results[0].root: expected no member of this name, got "0"',
        ),
        (
            '{"seq":{seq},"results":[{"outcome":"rejected","delta":[]}]}',
            "reply to run: results[0].reason: expected such a member, got none",
        ),
        (
            '{"seq":{seq},"results":[{"outcome":"maybe"}]}',
            (
                "reply to run: results[0].outcome: expected one of accepted, rejected, unsupported, skipped, errored, "
                'got "maybe"'
            ),
        ),
        ('{"seq":{seq},"error":"what is this"}', "it could not read a request: what is this"),
    ],
)
def test_a_reply_that_breaks_the_protocol_is_named(reply: str, message: str) -> None:
    judgement = run(run=[reply])
    assert (judgement.verdict, judgement.message.replace(" expected seq", "")) == (PROTOCOL_ERROR, message)


def test_a_number_in_a_delta_is_no_decimal_string() -> None:
    expected = Expected(None, (), {"/ledger/vault": "5"}, "0" * 64, {})
    reply = '{"seq":{seq},"results":[{"outcome":"accepted","delta":[{"path":"/ledger/vault","value":5}]}]}'
    with Kit(command(run=[reply])) as tester:
        tester.start()
        judgement = tester.run("perpetual", {}, case(Step("withdraw", {}, expected)))
    assert judgement.verdict == "fail.state"


@pytest.mark.parametrize("count", [0, 2])
def test_results_that_are_not_one_a_step_break_the_protocol(count: int) -> None:
    assert run(run=[{"results": [REJECTED] * count}]).verdict == PROTOCOL_ERROR


def test_a_crash_costs_one_case_and_a_restart() -> None:
    with Kit(command(run=["!log about to fail"])) as tester:
        tester.start()
        first = tester.run("perpetual", {}, case())
        again = tester.run("perpetual", {}, case())
    assert (first.verdict, first.message, first.log) == (CRASH, "it ended with exit code 7", "about to fail")
    assert (again.verdict, tester.restarts) == (CRASH, 1)


def test_a_time_out_costs_one_case() -> None:
    with Kit(command(run=[{"results": [REJECTED]}, "!sleep"]), run_seconds=0.5) as tester:
        tester.start()
        assert tester.run("perpetual", {}, case()).verdict == "pass"
        judgement = tester.run("perpetual", {}, case())
    assert (judgement.verdict, judgement.message) == (TIMEOUT, "no reply in time")


def test_five_crashes_in_a_row_end_the_run() -> None:
    with Kit(command(run=["!log about to fail"])) as tester:
        tester.start()
        for _ in range(4):
            assert tester.run("perpetual", {}, case()).verdict == CRASH
        with pytest.raises(GaveUpError, match="it ended with exit code 7, 5 times in a row") as gave_up:
            tester.run("perpetual", {}, case())
    assert gave_up.value.log == "about to fail"


def test_what_the_testee_does_not_have_is_not_sent() -> None:
    other = Step("trade", {}, Expected("FROZEN", ("FROZEN",), {}, "0" * 64, {}))
    with Kit(command(run=["!exit 3"], configure=[{"result": "unsupported", "why": "three markets"}])) as tester:
        tester.start()
        assert tester.run("perpetual", {}, case(other)) == Judgement(UNSUPPORTED, None, "trade")
        assert tester.run("starkex", {}, case()) == Judgement(UNSUPPORTED, None, "rule set starkex")
        assert tester.run("perpetual", {}, case()) == Judgement(UNSUPPORTED, None, "configuration: three markets")


def test_a_testee_that_ends_before_hello_or_does_not_exist() -> None:
    ends = [sys.executable, "-c", "import sys; sys.exit(4)"]
    with Kit(ends) as tester, pytest.raises(CrashedError, match="it ended with exit code 4"):
        tester.start()
    with pytest.raises(NoCommandError, match="no program /no/such/program can be started"):
        Kit(["/no/such/program"]).start()


def test_hello_is_checked() -> None:
    says = "one of reason, delta, state, root, outputs"
    wrong = command(hello=[{**HELLO, "observes": ["everything"]}])
    with Kit(wrong) as tester, pytest.raises(BrokenProtocolError, match=says):
        tester.start()


@pytest.mark.parametrize(("stop", "wrong"), [("!exit 0", ""), ("!exit 2", "it ended with exit code 2 after stop")])
def test_the_testee_has_to_end_well(stop: str, wrong: str) -> None:
    with Kit(command(stop=[stop])) as tester:
        tester.start()
        assert tester.stop() == wrong


def test_a_reply_that_nobody_asked_for_is_noticed() -> None:
    twice = '{"seq":{seq},"result":"ok"}\n{"seq":{seq},"result":"ok"}'
    judgement = run(configure=[twice], run=[{"results": [REJECTED]}])
    assert (judgement.verdict, judgement.message) == (PROTOCOL_ERROR, "it wrote a line that nobody asked for")
