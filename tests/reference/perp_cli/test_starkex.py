"""`perp starkex check`: agreement, differences, malformed files."""

import json
from pathlib import Path

import pytest

from perp_cli.exit_codes import ExitCode
from perp_cli.main import main


@pytest.fixture
def status(root: Path) -> Path:
    """A file of observed cases."""
    return root / "tests" / "vectors" / "starkex" / "status.jsonl"


def test_cases_that_agree_are_counted(status: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["starkex", "check", str(status), str(status)]) == ExitCode.OK
    assert capsys.readouterr().out == f"{status}: 38 of 38 cases agree\n" * 2


@pytest.fixture
def false(status: Path, tmp_path: Path) -> Path:
    """A file whose second case was observed otherwise."""
    lines = [json.loads(line) for line in status.read_text(encoding="utf-8").splitlines()[:2]]
    lines[1]["result"]["tv"] += 1
    file = tmp_path / "false.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return file


def test_every_difference_is_shown(false: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = json.loads(false.read_text(encoding="utf-8").splitlines()[1])
    tv = case["result"]["tv"]
    assert main(["starkex", "check", str(false)]) == ExitCode.FALSE
    assert capsys.readouterr().out.splitlines() == [
        f"{false}:2: {case['id']}: tv: expected {tv}, got {tv - 1}",
        f"{false}: 1 of 2 cases agree",
    ]


def test_json_holds_files_and_differences(false: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = json.loads(false.read_text(encoding="utf-8").splitlines()[1])
    tv = case["result"]["tv"]
    assert main(["starkex", "check", str(false), "--json"]) == ExitCode.FALSE
    assert json.loads(capsys.readouterr().out) == {
        "files": [{"file": str(false), "cases": 2, "agree": 1}],
        "differences": [
            {
                "file": str(false),
                "line": 2,
                "case": case["id"],
                "kind": "status",
                "differences": [{"path": "tv", "expected": str(tv), "got": str(tv - 1)}],
            }
        ],
    }


def test_a_malformed_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text('{"kind": "tx"}\n', encoding="utf-8")
    assert main(["starkex", "check", str(file)]) == ExitCode.MALFORMED
    assert capsys.readouterr().err == f"perp: {file}:1: field id: expected such a member, got none\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "starkex check needs at least one FILE.jsonl"),
        (["check", "a.jsonl", "--goal", "x"], "--goal is for starkex prove"),
        (["prove", "a.jsonl"], "starkex prove takes no files"),
    ],
)
def test_arguments_that_do_not_fit(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["starkex", *arguments]) == ExitCode.USAGE
    assert capsys.readouterr().err == f"perp: {message}\n"
