import os
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perp_reference.errors import MalformedInput
from perp_reference.formats.candles import Candle, Candles, Gap, Scale, decode_candles, read_candles
from perp_spec.perpetual.defaults import RISKS

HEADER = "open_time_ms,open,high,low,close,volume"
FIRST = "1621209600000,46426.83,46514.75,46358.14,46506,121.330795"
SECOND = "1621209660000,46506,46646.53,46467.11,46572.17,104.739602"
CANDLE = Candle(1_621_209_600, 4_642_683, 4_651_475, 4_635_814, 4_650_600, 12_133_079_500)


def text(*rows: str) -> bytes:
    return "".join(f"{row}\n" for row in (HEADER, *rows)).encode()


def message(data: bytes, lot: str = "0.0001") -> str:
    with pytest.raises(MalformedInput) as caught:
        decode_candles(data, "btc.csv", lot)
    return str(caught.value)


def test_prices_are_atoms_per_lot() -> None:
    read = decode_candles(text(FIRST, SECOND), "f", "0.0001")
    assert read.candles[0] == CANDLE
    assert len(read.candles) == 2
    assert read.gaps == ()


def test_missing_minutes_are_reported() -> None:
    third = SECOND.replace("1621209660000", "1621209840000")
    assert decode_candles(text(FIRST, SECOND, third), "f", "0.0001").gaps == (Gap(4, 2),)
    one = decode_candles(text(FIRST), "f", "0.0001")
    assert one == Candles((CANDLE,), ())


@given(
    st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=6),
    st.sampled_from(("1", "10", "0.1", "0.0001", "2.5")),
)
def test_a_scaled_decimal_is_exact_or_none(value: Decimal, lot: str) -> None:
    exact = value * Decimal(lot) * 10**6
    expected = int(exact) if exact == int(exact) else None
    assert Scale("atoms per lot", lot, 6).integer(f"{value:f}") == expected


@pytest.mark.parametrize(
    ("decimal", "integer"),
    [("0.1", 100_000), ("0.3", 300_000), ("1", 1_000_000), ("0", 0), ("4.35", 4_350_000), ("1.10", 1_100_000)],
)
def test_a_decimal_is_not_rounded_as_a_float_would_be(decimal: str, integer: int) -> None:
    assert Scale("atoms", "1", 6).integer(decimal) == integer


def changed(row: str, column: int, value: str) -> str:
    cells = row.split(",")
    cells[column] = value
    return ",".join(cells)


NOT_DECIMAL = "a decimal such as 12 or 0.5, without sign, exponent or leading zeros"
MESSAGES = {
    "empty": (b"", "btc.csv:1: expected a first line, got an empty file"),
    "header": (
        b"time,open\n",
        "btc.csv:1: expected the header open_time_ms,open,high,low,close,volume, got 'time,open'",
    ),
    "no candle": (text(), "btc.csv:2: expected a candle, got the end of the file"),
    "cut": (
        text(FIRST, SECOND)[:-4],
        "btc.csv:3: expected a line feed after the last line, got the end of the file",
    ),
    "columns": (
        text(FIRST + ",1"),
        "btc.csv:2: expected 6 values, open_time_ms,open,high,low,close,volume, got 7",
    ),
    "carriage return": (
        text(FIRST).replace(b"\n", b"\r\n"),
        "btc.csv:1: expected no control character but the line feed, got byte 0x0d at byte 40",
    ),
    "time": (
        text(changed(FIRST, 0, "2021-05-17")),
        "btc.csv:2: field open_time_ms: expected whole milliseconds since the epoch, got '2021-05-17'",
    ),
    "seconds for milliseconds": (
        text(changed(FIRST, 0, "1621209601")),
        (
            "btc.csv:2: field open_time_ms: "
            "expected the start of a minute from 0 to 1099511627776 s in milliseconds, got '1621209601'"
        ),
    ),
    "time again": (
        text(FIRST, FIRST),
        "btc.csv:3: field open_time_ms: expected a time after the line before, got 1621209600000",
    ),
    "exponent": (text(changed(FIRST, 1, "4e4")), f"btc.csv:2: field open: expected {NOT_DECIMAL}, got '4e4'"),
    "sign": (text(changed(FIRST, 3, "-1")), f"btc.csv:2: field low: expected {NOT_DECIMAL}, got '-1'"),
    "quotes": (text(changed(FIRST, 3, '"1"')), f"btc.csv:2: field low: expected {NOT_DECIMAL}, got '\"1\"'"),
    "not whole": (
        text(changed(FIRST, 4, "46506.001")),
        "btc.csv:2: field close: expected a whole number of atoms per lot, got '46506.001'",
    ),
    "zero": (
        text(changed(FIRST, 3, "0")),
        f"btc.csv:2: field low: expected 1 to {2**63 - 1} atoms per lot, got '0'",
    ),
    "volume": (
        text(changed(FIRST, 5, "0.123456789")),
        "btc.csv:2: field volume: expected a whole number of 1e-8 of the underlying, got '0.123456789'",
    ),
    "open below low": (
        text(changed(FIRST, 1, "46358.13")),
        "btc.csv:2: field open: expected at least low, got '46358.13'",
    ),
    "close above high": (
        text(changed(FIRST, 4, "46514.76")),
        "btc.csv:2: field close: expected at most high, got '46514.76'",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_the_message_for(case: str) -> None:
    data, expected = MESSAGES[case]
    assert message(data) == expected


@pytest.mark.data
@pytest.mark.parametrize("risk", RISKS, ids=lambda risk: risk.symbol)
def test_the_candles_of_the_crash_are_read_exactly(root: Path, risk: object) -> None:
    directory = Path(os.environ.get("PERP_DATA", root.parent / "shared" / "data")) / "binance_1m_2021-05"
    symbol, lot = getattr(risk, "symbol", ""), getattr(risk, "lot", "")
    (path,) = directory.glob(f"{symbol}USDT-*.csv")
    read = read_candles(path, lot)
    assert len(read.candles) == 5558
    assert read.gaps == ()
    for candle, row in zip(read.candles, path.read_text(encoding="utf-8").splitlines()[1:], strict=True):
        time, *prices, volume = row.split(",")
        exact = [Decimal(price) * Decimal(lot) * 10**6 for price in prices]
        assert [candle.open, candle.high, candle.low, candle.close] == exact
        assert candle.time * 1000 == int(time)
        assert candle.volume == Decimal(volume) * 10**8
