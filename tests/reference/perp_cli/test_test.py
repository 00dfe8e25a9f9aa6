"""The command `perp test`: when it is a success."""

import json

import pytest

from perp_cli.commands.test import report
from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_cli.output import Output

NOTHING_SHOWN = "a run in which no test passes shows nothing"
CORE_SKIPPED = "the core tier skips no test"


@pytest.mark.parametrize(
    ("tiers", "counts", "code", "expected", "finding"),
    [
        (["core"], {"core": {"passed": 3}}, ExitCode.OK, ExitCode.OK, ""),
        (["core", "data"], {"core": {"passed": 3}}, ExitCode.OK, ExitCode.OK, ""),
        (["proofs"], {"proofs": {"passed": 1, "skipped": 1}}, ExitCode.OK, ExitCode.OK, ""),
        (["core"], {}, ExitCode.OK, ExitCode.USAGE, NOTHING_SHOWN),
        (["data"], {"data": {"skipped": 2}}, ExitCode.OK, ExitCode.USAGE, NOTHING_SHOWN),
        (["core"], {"core": {"passed": 3, "skipped": 1}}, ExitCode.OK, ExitCode.FALSE, CORE_SKIPPED),
        (["core"], {"core": {"passed": 3, "failed": 1}}, ExitCode.FALSE, ExitCode.FALSE, ""),
        (["core"], {}, ExitCode.INTERNAL, ExitCode.INTERNAL, ""),
    ],
)
def test_success_needs_a_test_that_passes(
    capsys: pytest.CaptureFixture[str],
    tiers: list[str],
    counts: dict[str, dict[str, int]],
    code: ExitCode,
    expected: ExitCode,
    finding: str,
) -> None:
    output = Output(as_json=True)
    assert report(tiers, counts, code, output) == expected
    output.close()
    captured = capsys.readouterr()
    document = {"tiers": {tier: counts.get(tier, {}) for tier in tiers}, "exit_code": int(expected), "finding": finding}
    assert json.loads(captured.out) == document
    assert captured.err == (f"perp: {finding}\n" if finding else "")


def test_each_tier_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    report(["core", "data"], {"core": {"passed": 3, "failed": 1}}, ExitCode.FALSE, Output(as_json=False))
    assert capsys.readouterr().out == "tier core: 1 failed, 3 passed\ntier data: no test ran\n"


def test_unknown_tier_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "--tier", "nope"]) == ExitCode.USAGE
    assert "argument --tier: invalid choice: 'nope'" in capsys.readouterr().err
