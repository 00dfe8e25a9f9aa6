"""The command `perp replay`."""

import json
from pathlib import Path
from typing import Any

import pytest

from perp_cli.commands.replay import levels_said
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
    assert said[0].startswith("10 minutes of 1 market with 20 accounts: ")
    assert "  the audit is clean, and no account is left in any stage of the waterfall" in said
    assert "  state root not kept" in said
    assert not [line for line in said if "at the end:" in line and "oracle" in line]


def test_a_market_that_is_not_good_at_the_end_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a gap in the candles just before the end, when they are replayed, then the oracle's level is told."""
    silent = ("--outage", "5:10", "--to", "2021-05-19T12:10")
    main(["replay", "--candles", f"BTC={file}", "--accounts", "20", "--no-root", *silent])
    said = capsys.readouterr().out.splitlines()
    assert "  oracle of BTC at the end: 2 blind" in said
    assert levels_said({"BTC": "2 gap", "ETH": "0 good"}, troubled=False) == [
        "oracle of BTC at the end: 2 gap, though no trouble of the oracle was asked for"
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --candles (see perp replay --help)"),
        (["--candles", "BTC"], "--candles takes SYMBOL=FILE, not BTC"),
        (["--candles", "BTC="], "--candles takes SYMBOL=FILE, not BTC="),
        (["--candles", "GOLD=x"], "no default market GOLD; there are BTC, ETH, LINK, DOT, ADA, DOGE, XRP, LTC, BCH, "),
        (["--candles", "BTC=x", "BTC=y"], "BTC is named twice"),
        (
            ["--candles", "BTC={file}", "--accounts", "7"],
            "argument --accounts: expected a whole number from 8 to 100000, got 7",
        ),
        (["--candles", "BTC={file}", "--fund", "1000001"], "argument --fund: expected a whole number from 0 to "),
        (["--candles", "BTC={file}", "--hours", "0"], "argument --hours: expected a whole number from 1 to "),
        (["--candles", "BTC={file}", "--report", ""], "argument --report: expected a path, got an empty text"),
        (["--candles", "BTC={file}", "--from", "noon"], "--from takes a time such as 2021-05-19T12:00, not noon"),
        (["--candles", "BTC={file}", "--from", "x\ny"], "--from takes a time such as 2021-05-19T12:00, not x\\ny"),
        (["--candles", "BTC={file}", "--to", "2021-05-19T12:10:30"], "--to takes a whole minute, not 2021-05-19T"),
        (["--candles", "BTC={file}", "--from", "2022-01-01"], "BTC has no candle for 2022-01-01T00:00, the first"),
        (["--candles", "BTC={file}", "--from", "2021-05-19T12:10", "--to", "2021-05-19T12:10"], "the replay would end"),
        (["--candles", "BTC={file}", "--hours", "2"], "the candles end at 2021-05-19T13:01, before 2021-05-19T14:00"),
        (["--candles", "BTC={file}", "--to", "2022-01-01"], "the candles end at 2021-05-19T13:01, before 2022-01-01"),
        (["--candles", "BTC={file}", "--hours", "1", "--to", "2022-01-01"], "--to and --hours exclude each other"),
        (
            ["--candles", "BTC={file}", "--silent", "5:5"],
            "--silent takes two minutes such as 60:75, not 5:5: it ends at minute 5 and begins at minute 5, not before",
        ),
        (
            ["--candles", "BTC={file}", "--lying", "x"],
            "--lying takes two minutes such as 60:75, not x: expected a whole number from 0 to 527040, got x",
        ),
        (["--candles", "BTC={file}", "--silent", f"1:{'9' * 5_000}"], "--silent takes two minutes such as 60:75, not "),
        (["--candles", "BTC={file}", "--frozen", "3:62"], "--frozen 3:62 ends after the replay, which has 61 minutes"),
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


def candles(directory: Path, name: str, first: int, prices: list[str], missing: set[int] | None = None) -> Path:
    """A file of flat candles from a second on, some minutes missing."""
    rows = [
        f"{(first + 60 * place) * 1_000},{price},{price},{price},{price},1"
        for place, price in enumerate(prices)
        if place not in (missing or set())
    ]
    path = directory / f"{name}.csv"
    path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    return path


FIRST = 1_621_425_600


def test_a_minute_without_a_candle_is_silence_of_that_oracle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a gap in either file, when both are replayed, then time goes on and the other market is not harmed."""
    full, gap = ["40000"] * 12, {4, 5, 6, 7}
    levels: list[dict[str, Any]] = []
    for missing in ((gap, set[int]()), (set[int](), gap)):
        btc = candles(tmp_path, "btc", FIRST, full, missing[0])
        eth = candles(tmp_path, "eth", FIRST, ["3000"] * 12, missing[1])
        code, said = shown(capsys, "--candles", f"BTC={btc}", f"ETH={eth}", "--accounts", "20")
        assert (code, said["replay"]["minutes"]) == (ExitCode.OK, 12)
        levels.append(said["minutes_by_level"])
        silent, other = ("BTC", "ETH") if missing[0] else ("ETH", "BTC")
        assert said["replay"]["missing_minutes"] == {silent: 4}
        assert said["minutes_by_level"][other] == {"0 good": 12}
        assert set(said["minutes_by_level"][silent]) > {"0 good"}


def test_the_replay_is_of_the_minutes_that_all_markets_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    btc = candles(tmp_path, "btc", FIRST, ["40000"] * 8)
    eth = candles(tmp_path, "eth", FIRST + 120, ["3000"] * 8)
    given = ("--candles", f"ETH={eth}", f"BTC={btc}", "--accounts", "20")
    code, said = shown(capsys, *given)
    assert (code, said["replay"]["from"], said["replay"]["minutes"]) == (ExitCode.OK, FIRST + 120, 6)
    assert said["replay"]["symbols"] == ["BTC", "ETH"]
    assert [entry["file"] for entry in said["replay"]["files"]] == ["btc.csv", "eth.csv"]
    code, said = shown(capsys, *given, "--from", "2021-05-19T12:00")
    message = "ETH has no candle for 2021-05-19T12:00, the first minute"
    assert (code, said["error"]["message"]) == (ExitCode.USAGE, message)
    apart = candles(tmp_path, "apart", FIRST + 6_000, ["3000"])
    code, said = shown(capsys, "--candles", f"BTC={btc}", f"ETH={apart}")
    assert said["error"]["message"] == "there is no minute for which every market has a candle"


@pytest.mark.parametrize("price", ["0.01", "0.02", "10737418.24"])
def test_the_smallest_and_the_largest_prices_can_be_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], price: str
) -> None:
    file = candles(tmp_path, "btc", 3_600, [price] * 3)
    code, said = shown(capsys, "--candles", f"BTC={file}", "--accounts", "20", "--no-root")
    assert (code, said["result"]["clean"]) == (ExitCode.OK, True)


@pytest.mark.parametrize(
    ("first", "minutes", "message"),
    [
        (0, 3, "a replay is within seconds 3600 to 253402300799, not 0 to 180"),
        (60, 3, "a replay is within seconds 3600 to 253402300799, not 60 to 240"),
        (2**40 - 2**40 % 60 - 600, 3, "a replay is within seconds 3600 to 253402300799, not 1099511627"),
    ],
)
def test_times_at_the_ends_of_all_time_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], first: int, minutes: int, message: str
) -> None:
    file = candles(tmp_path, "btc", first, ["40000"] * minutes)
    code, said = shown(capsys, "--candles", f"BTC={file}")
    assert code == ExitCode.USAGE
    assert said["error"]["message"].startswith(message)


def test_a_replay_of_more_than_a_year_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = candles(tmp_path, "btc", FIRST, ["40000"])
    text = file.read_text(encoding="utf-8") + f"{(FIRST + 400 * 86_400) * 1_000},1,1,1,1,1\n"
    file.write_text(text, encoding="utf-8")
    code, said = shown(capsys, "--candles", f"BTC={file}")
    assert (code, said["error"]["message"]) == (ExitCode.USAGE, "a replay has at most 527,040 minutes, not 576,001")


def test_a_report_that_cannot_be_written_is_told_before_the_replay(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    (tmp_path / "report" / "replay.json").mkdir(parents=True)
    for report, reason in (("taken", "File exists"), ("report", "Is a directory")):
        code, said = shown(capsys, "--candles", f"BTC={file}", "--report", str(tmp_path / report))
        assert code == ExitCode.USAGE
        assert said["error"]["message"].endswith(f"cannot be written: {reason}")
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["replay.json"]


def test_a_configuration_is_taken_as_it_is(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a configuration with other margins and limits, when it is replayed, then they are those of the replay."""
    config = tmp_path / "config.json"
    assert main(["init", "--state", str(tmp_path / "x"), "--write-config", str(config)]) == ExitCode.OK
    text = config.read_text(encoding="utf-8")
    text = text.replace('"maintenance_3_ppm": "48000"', '"maintenance_3_ppm": "47000"', 1)
    config.write_text(text.replace('"bucket_size": "50000000000000"', '"bucket_size": "7000000"'), encoding="utf-8")
    capsys.readouterr()
    report = tmp_path / "report"
    given = ("--candles", f"BTC={file}", "--accounts", "20", "--to", "2021-05-19T12:10", "--report", str(report))
    code, said = shown(capsys, *given, "--config", str(config))
    assert (code, said["replay"]["configuration"]) == (ExitCode.OK, "default")
    written = json.loads((report / "replay.json").read_text(encoding="utf-8"))
    assert [entry["symbol"] for entry in written["markets"]] == ["BTC"]
    assert written["markets"][0]["maintenance_3_ppm"] == 47_000
    assert (written["parameters"]["markets"], written["parameters"]["bucket_size"]) == (1, 7_000_000)
    assert shown(capsys, *given)[1]["result"]["digest"] != said["result"]["digest"]


def test_a_configuration_without_the_market_or_with_a_broken_bound_is_refused(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.json"
    main(["init", "--state", str(tmp_path / "x"), "--write-config", str(config)])
    capsys.readouterr()
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('"symbol": "BTC"', '"symbol": "XBT"'), encoding="utf-8")
    code, said = shown(capsys, "--candles", f"BTC={file}", "--config", str(config))
    assert code == ExitCode.USAGE
    assert said["error"]["message"].startswith(f"no market BTC in {config}; there are XBT, ETH, ")
    config.write_text(text.replace('"close_out_ppm": "666667"', '"close_out_ppm": "0"'), encoding="utf-8")
    code, said = shown(capsys, "--candles", f"BTC={file}", "--config", str(config))
    assert (code, said["error"]["field"]) == (ExitCode.MALFORMED, "markets[0].close_out_ppm")
