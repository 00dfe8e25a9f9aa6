"""The command line: exit codes, error boundary, lazy imports."""

import json
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from perp_cli import __version__
from perp_cli.commands import COMMANDS, Command
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_cli.output import Output
from perp_reference.errors import MalformedInput, StoreError

HEAVY = {"attrs", "attr", "msgspec", "numpy", "numba", "rich", "z3", "cvc5", "cryptography", "sqlite3", "pytest"}


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Output], int]], None]:
    """Adds a command `probe` that does what it is given."""

    def install(action: Callable[[Output], int]) -> None:
        module = types.ModuleType("perp_cli.commands.probe", "A command for the tests.")
        vars(module)["add_arguments"] = lambda _parser: None
        vars(module)["run"] = lambda _arguments, output: action(output)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr("perp_cli.main.COMMANDS", (Command("probe", module.__name__, "for the tests"),))

    return install


def raising(error: BaseException) -> Callable[[Output], int]:
    def action(_output: Output) -> int:
        raise error

    return action


def answer(output: Output) -> int:
    output.line("the answer is 42")
    output.document({"answer": "42"})
    return ExitCode.OK


MALFORMED = MalformedInput("batch.jsonl", 3, "price", "a decimal string", "1.5")

FAILURES = [
    pytest.param(
        MALFORMED,
        ExitCode.MALFORMED,
        "batch.jsonl:3: field price: expected a decimal string, got 1.5",
        {"file": "batch.jsonl", "line": 3, "field": "price", "expected": "a decimal string", "got": "1.5"},
        id="malformed",
    ),
    pytest.param(UsageError("no state in there"), ExitCode.USAGE, "no state in there", {}, id="usage"),
    pytest.param(StoreError("it is in use"), ExitCode.USAGE, "it is in use", {}, id="store"),
    pytest.param(
        UsageError("no \x1b[2Jstate\nin there"), ExitCode.USAGE, "no \\x1b[2Jstate\\nin there", {}, id="usage-escaped"
    ),
    pytest.param(UsageError("x" * 2_000), ExitCode.USAGE, "x" * 1_000 + "...", {}, id="usage-cut"),
    pytest.param(KeyboardInterrupt(), ExitCode.INTERRUPTED, "interrupted", {}, id="interrupted"),
    pytest.param(
        ValueError("two\nlines"),
        ExitCode.INTERNAL,
        "internal error: ValueError: two\\nlines; set PERP_DEBUG=1 for the traceback",
        {"exception": "ValueError"},
        id="internal",
    ),
    pytest.param(
        AssertionError(),
        ExitCode.INTERNAL,
        "internal error: AssertionError; set PERP_DEBUG=1 for the traceback",
        {"exception": "AssertionError"},
        id="internal-without-message",
    ),
]


@pytest.mark.parametrize(("error", "code", "message", "details"), FAILURES)
def test_every_failure_is_one_line_and_an_exit_code(
    probe: Callable[[Callable[[Output], int]], None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: ExitCode,
    message: str,
    details: dict[str, object],
) -> None:
    probe(raising(error))
    assert main(["probe"]) == code
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"perp: {message}\n")


@pytest.mark.parametrize(("error", "code", "message", "details"), FAILURES)
def test_every_failure_is_one_object_with_json(
    probe: Callable[[Callable[[Output], int]], None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: ExitCode,
    message: str,
    details: dict[str, object],
) -> None:
    probe(raising(error))
    assert main(["probe", "--json"]) == code
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"error": {"exit_code": int(code), "message": message, **details}}


def test_debug_shows_the_traceback(
    probe: Callable[[Callable[[Output], int]], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERP_DEBUG", "1")
    probe(raising(ValueError("here")))
    assert main(["probe"]) == ExitCode.INTERNAL
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_result_is_lines_for_people(
    probe: Callable[[Callable[[Output], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    probe(answer)
    assert main(["probe"]) == ExitCode.OK
    assert capsys.readouterr().out == "the answer is 42\n"


def test_result_is_one_object_with_json(
    probe: Callable[[Callable[[Output], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    probe(answer)
    assert main(["probe", "--json"]) == ExitCode.OK
    assert capsys.readouterr().out == '{"answer": "42"}\n'


def test_failure_after_the_document_leaves_only_the_error(
    probe: Callable[[Callable[[Output], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def action(output: Output) -> int:
        answer(output)
        raise MALFORMED

    probe(action)
    assert main(["probe", "--json"]) == ExitCode.MALFORMED
    assert list(json.loads(capsys.readouterr().out)) == ["error"]


@pytest.mark.parametrize("times", [0, 2])
def test_a_command_without_exactly_one_document_is_an_internal_error(
    probe: Callable[[Callable[[Output], int]], None], capsys: pytest.CaptureFixture[str], times: int
) -> None:
    def action(output: Output) -> int:
        for _ in range(times):
            output.document({})
        return ExitCode.OK

    probe(action)
    assert main(["probe", "--json"]) == ExitCode.INTERNAL
    assert json.loads(capsys.readouterr().out)["error"]["exception"] == "AssertionError"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tset"], "no command tset (did you mean test?)"),
        (["?"], "no command ? (see perp --help)"),
        (["--verbose"], "unrecognized arguments: --verbose (see perp --help)"),
        (["--json"], "--json comes after the command (see perp --help)"),
        (["--json", "version"], "--json comes after the command (see perp --help)"),
        (["version", "now"], "unrecognized arguments: now (see perp version --help)"),
        (["version", "--js"], "unrecognized arguments: --js (see perp version --help)"),
        (["version", "\x1b[31m\n"], "unrecognized arguments: \\x1b[31m\\n (see perp version --help)"),
        (["init", "--state", ""], "argument --state: expected a path, got an empty text (see perp init --help)"),
    ],
)
def test_usage_errors(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(arguments) == ExitCode.USAGE
    assert capsys.readouterr().err == f"perp: {message}\n"


def test_no_command_shows_help_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(command.summary in captured.err for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: Command) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command.name, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: perp {command.name}")
    assert "--json" in shown


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"perp {__version__}\n")


def test_version_command_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "--json"]) == ExitCode.OK
    shown = json.loads(capsys.readouterr().out)
    assert set(shown) == {"perpspec", "python", "platform", "packages"}
    assert shown["perpspec"] == __version__


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["version"], ["test", "--help"]])
def test_help_and_version_load_no_heavy_package(root: Path, arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from perp_cli.main import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        "sys.stderr.write(' '.join(sys.modules))\n"
    )
    path = os.pathsep.join(str(root / source) for source in ("spec", "reference", "proofs"))
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert HEAVY.isdisjoint(ran.stderr.split())


def test_reader_that_goes_away_is_no_traceback(root: Path) -> None:
    program = "import sys; from perp_cli.main import main; sys.exit(main(['version']))"
    path = os.pathsep.join(str(root / source) for source in ("spec", "reference", "proofs"))
    read_end, write_end = os.pipe()
    os.close(read_end)
    with open(write_end, "wb") as gone:  # noqa: PTH123 - it has no path
        ran = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": path},
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (ExitCode.BROKEN_PIPE, "")
