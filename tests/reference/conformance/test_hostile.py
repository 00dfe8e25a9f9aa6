"""Testees that do what none should: each is told what was wrong, nothing of it is left, and nothing breaks."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perp_cli.main import main
from perp_reference.conformance import process
from perp_reference.conformance.conform import Run, Tried
from perp_reference.conformance.fixtures import Case, Expected, Step
from perp_reference.conformance.judge import CRASH, PROTOCOL_ERROR, TIMEOUT, VERDICTS
from perp_reference.conformance.page import page
from perp_reference.conformance.protocol import decode_line, reply_shapes
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.report import Asked, junit, lines, text_of
from perp_reference.conformance.tester import Failure, verdict_of
from perp_reference.conformance.tester import Testee as About
from perp_reference.conformance.tester import Tester as Kit
from perp_reference.formats.text import Refused

SECONDS = 0.5
"""Of patience with those that do not answer."""

LONG_SECONDS = 60.0
"""With the others, which do, however slow the machine is."""

MEGABYTE = 2**20

BROKE = "reply to run: "
NO_OBJECT = f"{BROKE}expected one JSON object, got "

AT_RUN: dict[str, tuple[str, str]] = {
    "garbage": (PROTOCOL_ERROR, f"{NO_OBJECT}'\x00\x01\x02 garbage' at column 1"),
    "empty": (PROTOCOL_ERROR, f"{NO_OBJECT}the end of the line at column 1"),
    "long": (PROTOCOL_ERROR, f"its reply has more than {MEGABYTE} bytes"),
    "endless": (PROTOCOL_ERROR, f"its reply has more than {MEGABYTE} bytes"),
    "nothing": (TIMEOUT, "no reply in time"),
    "exit": (CRASH, "it ended with exit code 3"),
    "exit_0": (CRASH, "it ended with exit code 0"),
    "abort": (CRASH, "it ended with signal SIGABRT"),
    "close": (CRASH, "it closed its standard output"),
    "close_input": ("pass", ""),
    "log": ("pass", ""),
    "endless_log": (TIMEOUT, "no reply in time"),
    "drip": (TIMEOUT, "no reply in time"),
    "late": (TIMEOUT, "no reply in time"),
    "twice": ("pass", ""),
    "flood": (PROTOCOL_ERROR, f"{BROKE}results: expected such a member, got none"),
    "latin": (PROTOCOL_ERROR, f"{BROKE}expected UTF-8, got byte 0xe9 at byte "),
    "mark": (PROTOCOL_ERROR, f"{NO_OBJECT}'\ufeff"),
    "utf16": (PROTOCOL_ERROR, f"{BROKE}expected UTF-8, got byte 0xff at byte 1"),
    "duplicate": (PROTOCOL_ERROR, f"{BROKE}seq: expected each member once, got it twice"),
    "nan": (PROTOCOL_ERROR, f"{BROKE}x: expected no member of this name, got the number NaN"),
    "nan_seq": (PROTOCOL_ERROR, f"{BROKE}results: expected such a member, got none"),
    "huge_seq": (PROTOCOL_ERROR, f"{BROKE}results: expected such a member, got none"),
    "huge_exponent": (PROTOCOL_ERROR, f"{BROKE}results: expected such a member, got none"),
    "deep": (PROTOCOL_ERROR, f"{NO_OBJECT}one nested too deeply"),
    "deep_object": (PROTOCOL_ERROR, f"{NO_OBJECT}one nested too deeply"),
    "surrogate": (PROTOCOL_ERROR, f'{BROKE}results[0].reason: expected the name of a reason, got "\ud800"'),
    "zero_byte": ("pass", ""),
    "escapes": ("pass", ""),
    "other_seq": (PROTOCOL_ERROR, f"{BROKE}seq: expected 3, got 4"),
    "old_seq": (PROTOCOL_ERROR, f"{BROKE}seq: expected 3, got 2"),
    "error": (PROTOCOL_ERROR, "it could not read a request: no"),
    "child": ("pass", ""),
    "child_and_end": ("pass", ""),
    "carriage": ("pass", ""),
    "no_feed": (TIMEOUT, "no reply in time"),
}
"""What the first case is, for each manner; those that answer rightly and then misbehave are met in the next case."""

AFTERWARDS: dict[str, tuple[str, str]] = {
    "close_input": (CRASH, "it closed its standard output"),
    "twice": (PROTOCOL_ERROR, "it wrote a line that nobody asked for"),
    "child_and_end": (CRASH, "it ended with exit code 3"),
}


def command(testees: Path, manner: str, when: str) -> list[str]:
    return [sys.executable, str(testees / "hostile" / "testee.py"), manner, when]


def case() -> Case:
    """A withdrawal of nothing."""
    steps = (Step("withdraw", {"amount": "0"}, Expected("AMOUNT", ("AMOUNT",), {}, "0" * 64, {})),)
    return Case("withdraw/test", "", "required", (), ("withdraw",), (), {"kind": "handwritten"}, {}, steps)


@pytest.fixture
def short_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replies may have a megabyte: so long a line is soon written."""
    monkeypatch.setattr(process, "LONGEST_REPLY_BYTES", MEGABYTE)


@pytest.mark.parametrize("manner", AT_RUN)
def test_whatever_a_testee_does_in_a_case_is_told(testees: Path, short_lines: None, manner: str) -> None:
    verdict, message = AT_RUN[manner]
    patience = SECONDS if verdict == TIMEOUT else LONG_SECONDS
    with Kit(command(testees, manner, "run"), run_seconds=patience) as tester:
        tester.start()
        tester._is_warm = True
        judgement = tester.run("perpetual", {}, case())
        assert (judgement.verdict, judgement.message[: len(message)]) == (verdict, message)
        if manner in AFTERWARDS:
            judgement = tester.run("perpetual", {}, case())
            assert (judgement.verdict, judgement.message) == AFTERWARDS[manner]


def test_every_manner_is_tried(testees: Path) -> None:
    listed = [
        sys.executable,
        "-c",
        f"import runpy; print(*runpy.run_path({str(testees / 'hostile' / 'testee.py')!r})['MANNERS'])",
    ]
    shown = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    assert sorted(shown) == sorted(AT_RUN)


@pytest.mark.parametrize("manner", ["garbage", "long", "exit", "close", "latin", "deep", "nan_seq", "no_feed"])
def test_whatever_a_testee_does_at_hello_is_told(testees: Path, short_lines: None, manner: str) -> None:
    verdict, message = AT_RUN[manner]
    own = message.replace("reply to run", "reply to hello").replace("results:", "implementation:")
    patience = SECONDS if verdict == TIMEOUT else LONG_SECONDS
    with Kit(command(testees, manner, "hello"), start_seconds=patience) as tester, pytest.raises(Failure) as failure:
        tester.start()
    assert (verdict_of(failure.value), str(failure.value)[: len(own)]) == (verdict, own)


@pytest.mark.parametrize(
    ("manner", "code", "verdict"), [("garbage", 1, "does not conform"), ("exit", 5, "crashed or timed out")]
)
@pytest.mark.parametrize("asks", ["conform", "fuzz"])
def test_who_breaks_the_protocol_at_hello_does_not_conform_and_who_ends_has_crashed(
    capsys: pytest.CaptureFixture[str], testees: Path, asks: str, manner: str, code: int, verdict: str
) -> None:
    got = main([asks, "--json", "--", *command(testees, manner, "hello")])
    assert (got, json.loads(capsys.readouterr().out)["verdict"]) == (code, verdict)


def is_running(number: int) -> bool:
    """Whether a process runs: one that has ended may still wait for somebody to take note."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], check=False, capture_output=True, text=True)
    return shown.stdout.strip() != "" and not shown.stdout.strip().startswith("Z")


def is_gone(number: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(number):
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, 9)
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("manner", ["child", "child_and_end"])
@pytest.mark.parametrize("ends", ["killed", "stopped"])
def test_what_a_testee_has_started_ends_with_it(testees: Path, tmp_path: Path, manner: str, ends: str) -> None:
    file = tmp_path / "child"
    with Kit([*command(testees, manner, "run"), str(file)], run_seconds=LONG_SECONDS) as tester:
        tester.start()
        assert tester.run("perpetual", {}, case()).verdict == "pass"
        child = int(file.read_text(encoding="ascii"))
        assert is_running(child)
        if ends == "stopped":
            assert tester.stop() == ("" if manner == "child" else "it ended with exit code 3 after stop")
    assert is_gone(child)


def replies() -> st.SearchStrategy[Any]:
    """Results of one step, most of them of the right shape, with anything where anything is allowed."""
    text = st.text(st.characters(), max_size=8)
    digits = st.one_of(st.integers().map(str), st.just("9" * 5_000), text)
    leaf = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), text, digits)
    anything = st.recursive(leaf, lambda inner: st.one_of(st.lists(inner), st.dictionaries(text, inner)), max_leaves=8)
    paths = st.one_of(
        text,
        st.sampled_from(["/ledger/vault", "/exchange/time", "/account/4/collateral", "/account", "//", "/a/b/c/d"]),
    )
    delta = st.lists(st.fixed_dictionaries({"path": paths, "value": anything}), max_size=4)
    state = st.dictionaries(st.one_of(text, st.sampled_from(["ledger", "account", "exchange"])), anything, max_size=3)
    shown = {"delta": delta, "state": state, "root": st.just("0" * 64)}
    accepted = st.fixed_dictionaries({"outcome": st.just("accepted"), **shown, "outputs": state})
    rejected = st.fixed_dictionaries(
        {"outcome": st.just("rejected"), "reason": st.sampled_from(["AMOUNT", "VAULT", "X"]), **shown, "native": text}
    )
    errored = st.fixed_dictionaries({"outcome": st.just("errored"), "message": text})
    return st.lists(st.one_of(accepted, rejected, errored), min_size=1, max_size=3)


OBSERVED = frozenset({"reason", "delta", "state", "root", "outputs"})


def test_whatever_results_say_there_is_a_verdict_and_every_report(vectors: Vectors) -> None:
    fixture = vectors.fixtures["perpetual/withdraw"]
    accepted = next(case for case in fixture.cases if case.steps[0].expected.reason is None)
    rejected = next(case for case in fixture.cases if case.steps[0].expected.reason is not None)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(results=replies(), own=st.sampled_from([0, 1]))
    def judged(results: list[Any], own: int) -> None:
        judge_and_report(vectors, (accepted, rejected)[own], results)

    judged()


def judge_and_report(vectors: Vectors, own: Case, results: list[Any]) -> None:
    fixture = vectors.fixtures["perpetual/withdraw"]
    try:
        reply = decode_line(json.dumps({"seq": 3, "results": results}).encode())
        reply_shapes(OBSERVED)["run"].check(reply)
    except Refused:
        return
    about = About("\ud800\x1b[1m\x00", "1", "<b>", "", ("perpetual",), frozenset(), frozenset(), OBSERVED)
    tester = Kit(["true"])
    tester.testee = about
    judgement = tester.judge("perpetual", own, reply["results"])
    assert judgement.verdict in VERDICTS
    tried = Tried("perpetual/withdraw", "perpetual", fixture.config, own, judgement)
    run = Run(1, tried=[tried])
    asked = Asked(["an engine"])
    assert junit(about, run, asked).decode("ascii").startswith("<?xml")
    assert page(vectors, about, run, asked).encode().startswith(b"<!doctype html>")
    assert all(json.loads(line.encode()) for line in lines(vectors, about, run, asked))
    assert list(text_of(tried, asked))
