"""The tester against testees that misbehave in every way."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from perp_reference.conformance.fixtures import Case, Expected, Step
from perp_reference.conformance.judge import CRASH, PROTOCOL_ERROR, TIMEOUT, UNSUPPORTED, Difference, Judgement
from perp_reference.conformance.process import CrashedError, NoCommandError, TimedOutError, named_signal
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
        ('{"seq":{seq},"results":[]}', "reply to run: results: expected an array of at least 1, got an array of 0"),
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
    assert judgement.differences == (Difference("/ledger/vault", "5", "the JSON number 5"),)


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


@pytest.mark.parametrize("name", ["withdrawl", "withdrawal", "Withdraw", ""])
def test_an_operation_that_no_rule_set_of_the_testee_has_is_not_passed_over(name: str) -> None:
    """Given a name that is misspelt, or of a rule set it does not have, then it does not get past hello."""
    wrong = command(hello=[{**HELLO, "operations": ["withdraw", name]}])
    with Kit(wrong) as tester, pytest.raises(BrokenProtocolError) as told:
        tester.start()
    expected = "an operation of perpetual" if name else "a string of 1 to 200 characters"
    assert str(told.value) == f'reply to hello: operations[1]: expected {expected}, got "{name}"'


def test_a_testee_that_says_another_thing_of_itself_when_it_is_started_again_breaks_the_protocol(
    tmp_path: Path,
) -> None:
    """Given one that names fewer operations after a crash, then its other cases do not count as unsupported."""
    later = tmp_path / "later"
    first, second = ({**HELLO, "operations": names} for names in (["withdraw", "trade"], ["withdraw"]))
    program = f"""
import json, os, sys
for line in sys.stdin:
    request = json.loads(line)
    if request["request"] == "run":
        open({str(later)!r}, "w").close()
        os._exit(3)
    hello = json.loads({json.dumps(json.dumps(second))}) if os.path.exists({str(later)!r}) else None
    hello = hello or json.loads({json.dumps(json.dumps(first))})
    reply = hello if request["request"] == "hello" else {{"result": "ok"}}
    print(json.dumps({{"seq": request["seq"], **reply}}), flush=True)
"""
    with Kit([sys.executable, "-c", program]) as tester:
        tester.start()
        assert tester.run("perpetual", {}, case()).verdict == CRASH
        judgement = tester.run("perpetual", {}, case())
        assert tester.testee is not None
        assert tester.testee.operations == {"withdraw", "trade"}
    message = "reply to hello: expected what it said of itself before, got another reply"
    assert (judgement.verdict, judgement.message) == (PROTOCOL_ERROR, message)


def test_a_program_that_is_gone_when_it_is_to_be_started_again_has_crashed(tmp_path: Path) -> None:
    """Given a testee that somebody builds anew during the run, then that is told and the run goes on."""
    program = tmp_path / "engine"
    plan = {"hello": [HELLO], "configure": [OK], "run": ["!exit 3"]}
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {SCRIPT} '{json.dumps(plan)}'\n", encoding="utf-8")
    program.chmod(0o755)
    with Kit([str(program)]) as tester:
        tester.start()
        assert tester.run("perpetual", {}, case()).verdict == CRASH
        program.unlink()
        judgement = tester.run("perpetual", {}, case())
    assert (judgement.verdict, judgement.message) == (CRASH, f"no program {program} can be started")


def test_signals_without_a_name_have_their_number() -> None:
    assert (named_signal(6), named_signal(127)) == ("signal SIGABRT", "signal 127")


@pytest.mark.parametrize(("stop", "wrong"), [("!exit 0", ""), ("!exit 2", "it ended with exit code 2 after stop")])
def test_the_testee_has_to_end_well(stop: str, wrong: str) -> None:
    with Kit(command(stop=[stop])) as tester:
        tester.start()
        assert tester.stop() == wrong


def test_a_reply_that_nobody_asked_for_is_noticed() -> None:
    twice = '{"seq":{seq},"result":"ok"}\n{"seq":{seq},"result":"ok"}'
    judgement = run(configure=[twice], run=[{"results": [REJECTED]}])
    assert (judgement.verdict, judgement.message) == (PROTOCOL_ERROR, "it wrote a line that nobody asked for")
