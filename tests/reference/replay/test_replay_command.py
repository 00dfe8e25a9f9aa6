"""The command `perp replay`."""

import json
from pathlib import Path
from typing import Any

import pytest

from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_reference.replay.candles import Feed

HEADER = "open_time_ms,open,high,low,close,volume"


def units(atoms: int, lots_a_unit: int) -> str:
    """A price for a CSV file."""
    exact = atoms * lots_a_unit
    return f"{exact // 1_000_000}.{exact % 1_000_000:06d}"


@pytest.fixture(scope="module")
def file(crash_feeds: list[Feed], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the first market's candles."""
    rows = [
        ",".join((str(candle.time * 1_000), *(units(each, 10_000) for each in prices), "1"))
        for candle in crash_feeds[0].candles.values()
        for prices in [(candle.open, candle.high, candle.low, candle.close)]
    ]
    path = tmp_path_factory.mktemp("candles") / "btc.csv"
    path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    return path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["replay", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_it_writes_a_report_and_one_object(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--candles", f"BTC={file}", "--accounts", "30", "--report", str(tmp_path / "report"))
    code, said = shown(capsys, *arguments)
    assert code == ExitCode.OK
    assert said["result"]["clean"] is True
    written = json.loads((tmp_path / "report" / "replay.json").read_text(encoding="utf-8"))
    assert written["result"] == said["result"]
    assert len(written["result"]["root"]) == 64
    assert (tmp_path / "report" / "replay.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_same_seed_gives_the_same_root(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--candles", f"BTC={file}", "--accounts", "20", "--from", "2021-05-19T12:30")
    roots = {
        seed: [shown(capsys, *arguments, "--seed", seed)[1]["result"]["root"] for _ in range(2)] for seed in ("1", "2")
    }
    assert roots["1"][0] == roots["1"][1] != roots["2"][0] == roots["2"][1]


def test_people_are_told_what_happened(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["replay", "--candles", f"BTC={file}", "--accounts", "20", "--no-root", "--to", "2021-05-19T12:10"])
    said = capsys.readouterr().out.splitlines()
    assert code == ExitCode.OK
    assert said[0].startswith("10 minutes of 1 markets with 20 accounts: ")
    assert "  the audit is clean, and no account is left in any stage of the waterfall" in said
    assert "  state root not kept" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --candles (see perp replay --help)"),
        (["--candles", "BTC"], "--candles takes SYMBOL=FILE, not BTC"),
        (["--candles", "BTC="], "--candles takes SYMBOL=FILE, not BTC="),
        (["--candles", "GOLD=x"], "no default market GOLD; there are BTC, ETH, LINK, DOT, ADA, DOGE, XRP, LTC, BCH, "),
        (["--candles", "BTC=x", "BTC=y"], "BTC is named twice"),
        (["--candles", "BTC={file}", "--accounts", "7"], "--accounts is 8 to 100000"),
        (["--candles", "BTC={file}", "--fund", "-1"], "--fund is 0 to 1000000"),
        (["--candles", "BTC={file}", "--from", "noon"], "noon is no time such as 2021-05-19T12:00"),
        (["--candles", "BTC={file}", "--from", "2022-01-01"], "BTC has no candle in that time"),
        (["--candles", "BTC={file}", "--hours", "1", "--to", "2022-01-01"], "--to and --hours exclude each other"),
        (["--candles", "BTC={file}", "--silent", "5:5"], "--silent takes two minutes such as 60:75, not 5:5"),
        (["--candles", "BTC={file}", "--lying", "x"], "--lying takes two minutes such as 60:75, not x"),
    ],
)
def test_requests_that_make_no_sense(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    given = [word.replace("{file}", str(file)) for word in arguments]
    assert main(["replay", *given]) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith(f"perp: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,price\n", f":1: expected the header {HEADER}, got 'time,price'"),
        (f"{HEADER}\n", ":2: expected a candle, got the end of the file"),
        (f"{HEADER}\n60000,1,1,1,x,1\n", ":2: field close: expected a decimal such as 12 or 0.5, "),
        (f"{HEADER}\n60000,1e9,1e9,1e9,1e9,1\n", ":2: field open: expected a decimal such as 12 or 0.5, "),
        (
            f"{HEADER}\n60000,10737419,10737419,10737419,10737419,1\n",
            ":2: field high: expected at most 1073741824 atoms per lot, got 1073741900",
        ),
    ],
)
def test_a_broken_file_of_candles(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text(text, encoding="utf-8")
    assert main(["replay", "--candles", f"BTC={broken}"]) == ExitCode.MALFORMED
    assert capsys.readouterr().err.startswith(f"perp: {broken}{message}")
