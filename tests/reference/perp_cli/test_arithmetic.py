"""perp check --arithmetic: what the proof system's arithmetic rests on."""

import json

import pytest

from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_proofs.air import assurance


def test_all_of_the_arithmetic_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--arithmetic"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["what", "shown"]
    assert any(line.split() == ["table:", "trade", "yes"] for line in lines)
    assert lines[-1] == f"{len(lines) - 2} of {len(lines) - 2} shown"


def test_what_is_not_shown_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assurance, "unique_limbs", lambda shape: shape.limbs != 3)
    assert main(["check", "--arithmetic", "--json"]) == ExitCode.FALSE
    said = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in said["findings"] if not one["shown"]] == ["limbs: 3"]
    assert [one["faults"] for one in said["findings"] if one["faults"]] == [["two lists of limbs make one number"]]


def test_it_takes_no_theorem(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "trade", "--arithmetic"]) == ExitCode.USAGE
    assert "--arithmetic goes with no other way, no rule and no theorem" in capsys.readouterr().err
