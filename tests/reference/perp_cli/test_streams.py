"""Where a command's words go: closed, full and broken streams, interrupts, and progress on a terminal."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output
from perp_cli.ticker import TAKE_BACK, Ticker
from perp_reference.core.state import genesis
from perp_reference.formats.batch import SignedBatch, encode_draft
from perp_reference.store.store import Store
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import Header


@pytest.fixture(scope="module")
def environment(root: Path) -> dict[str, str]:
    """Runs the packages of the checkout."""
    path = os.pathsep.join(str(root / source) for source in ("spec", "reference", "proofs"))
    return {**os.environ, "PYTHONPATH": path, "PERP": f"{sys.executable} -m perp_cli"}


def shell(environment: dict[str, str], command: str) -> tuple[int, str, str]:
    """Runs a line of sh, in which $PERP is the program."""
    ran = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout, ran.stderr


FULL = "ulimit -f 0;"
"""Makes every file as good as a full disk."""


@pytest.mark.parametrize("buffered", ["PYTHONUNBUFFERED=", "PYTHONUNBUFFERED=1"])
@pytest.mark.parametrize("command", ["version", "version --json", "--help", "test --help"])
def test_a_stdout_that_cannot_be_written_is_one_line(
    environment: dict[str, str], tmp_path: Path, command: str, buffered: str
) -> None:
    code, _, said = shell(environment, f"{FULL} {buffered} $PERP {command} > {tmp_path}/out")
    assert (code, said) == (ExitCode.USAGE, "perp: stdout cannot be written: File too large\n")


@pytest.mark.parametrize(
    ("redirected", "code"),
    [
        ("version >&-", ExitCode.OK),
        ("version 2>&-", ExitCode.OK),
        ("version <&- >&- 2>&-", ExitCode.OK),
        ("frob 2>&-", ExitCode.USAGE),
        ("frob 2> {file}", ExitCode.USAGE),
        ("frob > {file} 2> {file}", ExitCode.USAGE),
        ("version > {file} 2>&-", ExitCode.USAGE),
        ("explain - --state nowhere <&-", ExitCode.MALFORMED),
    ],
)
def test_closed_and_full_streams_leave_the_exit_code(
    environment: dict[str, str], tmp_path: Path, redirected: str, code: ExitCode
) -> None:
    ended, _, said = shell(environment, f"{FULL} $PERP {redirected.format(file=tmp_path / 'file')}")
    assert ended == code
    assert "Traceback" not in said


def test_the_error_is_one_object_where_stderr_is_closed(environment: dict[str, str]) -> None:
    code, out, _ = shell(environment, "$PERP frob --json 2>&-")
    assert (code, json.loads(out)["error"]["exit_code"]) == (ExitCode.USAGE, ExitCode.USAGE)


def test_a_closed_stream_does_not_give_its_number_to_a_file(environment: dict[str, str], tmp_path: Path) -> None:
    """Given a closed stderr, when an exchange is made, then what goes to stderr does not go into its file."""
    code, _, _ = shell(environment, f"$PERP init --state {tmp_path}/x >&- 2>&-")
    assert code == ExitCode.OK
    assert shell(environment, f"$PERP audit --state {tmp_path}/x")[0] == ExitCode.OK


@pytest.mark.parametrize(
    ("redirected", "code", "why"),
    [
        ("1< /dev/null", ExitCode.USAGE, "stdout cannot be written: Bad file descriptor"),
        ("--json 1< /dev/null", ExitCode.USAGE, "stdout cannot be written: Bad file descriptor"),
        ("| exec 1< /dev/null", None, "nobody reads stdout any more"),
    ],
)
def test_a_batch_is_said_to_be_applied_where_stdout_cannot_be_written(
    environment: dict[str, str], tmp_path: Path, redirected: str, code: ExitCode | None, why: str
) -> None:
    """Given a stdout that cannot be written, when a draft is run, then it is said that its batch is applied."""
    draft = tmp_path / "draft.jsonl"
    draft.write_bytes(encode_draft(SignedBatch(Header(time=1_700_000_000), ())))
    with Store.create(tmp_path / "x", genesis(default_config(1), 1)):
        pass
    ended, _, said = shell(environment, f"$PERP run {draft} --state {tmp_path}/x {redirected}")
    assert said == f"perp: {why}; batch 1 is applied all the same\n"
    assert code is None or ended == code
    with Store.open(tmp_path / "x") as store:
        assert store.number == 1


WAITS = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever runs the tests may ignore it
print("ready", flush=True)
os.execv(sys.executable, [sys.executable, "-m", "perp_cli", "explain", "-", "--state", "nowhere"])
"""


@pytest.mark.parametrize("seconds", [0, 0.05, 0.1, 0.2])
def test_an_interrupt_at_any_moment_is_one_line(environment: dict[str, str], seconds: float) -> None:
    """Given a command that waits for its input, when it is interrupted at any moment, then it says so and no more.

    As ./perp does, an interrupt is held back until somebody can answer it.
    """
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WAITS]
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "ready\n"
        time.sleep(seconds)
        waiting.send_signal(signal.SIGINT)
        out, said = waiting.communicate(timeout=60)
    assert (waiting.returncode, out, said) == (ExitCode.INTERRUPTED, "", "perp: interrupted\n")


def test_a_line_of_the_result_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=False)
    output.line("a\nb\x1b[2Jc")
    output.note("d\re")
    output.document({})
    output.close()
    assert capsys.readouterr() == ("a\\nb\\x1b[2Jc\n", "perp: d\\re\n")


def test_there_is_no_progress_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=False)
    with output.working("counting"):
        output.progress("1 of 2")
    assert capsys.readouterr() == ("", "")


WORKS = """
import sys, time
from perp_cli.output import Output
output = Output(as_json=False)
with output.working("counting"):
    output.progress("1 of 2")
    time.sleep(float(sys.argv[1]))
    output.line("done")
output.document({})
output.close()
"""


@pytest.mark.parametrize(("seconds", "shown"), [("0", ""), ("2.9", f"{TAKE_BACK}counting: 1 of 2 (2 s){TAKE_BACK}")])
def test_progress_shows_on_a_terminal_after_two_seconds(environment: dict[str, str], seconds: str, shown: str) -> None:
    """Given a terminal on stderr, when work takes long, then one line says so, and makes room for the result."""
    ours, theirs = pty.openpty()
    ran = subprocess.run(
        [sys.executable, "-c", WORKS, seconds], env=environment, stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    chunks: list[bytes] = []
    try:
        while chunk := os.read(ours, 4_096):
            chunks.append(chunk)
    except OSError:
        pass  # so a terminal says that nobody writes any more
    os.close(ours)
    said = b"".join(chunks).decode()
    assert ran.stdout == b"done\n"
    assert said.endswith(shown)
    assert bool(said) == bool(shown)


def test_work_inside_work_has_its_own_words() -> None:
    ticker = Ticker(lambda _text: None)
    with ticker.doing("the whole"):
        ticker.reached("half")
        with ticker.doing("a part"):
            assert ticker.line() == "a part (0 s)"
        assert ticker.line() == "the whole: half (0 s)"
