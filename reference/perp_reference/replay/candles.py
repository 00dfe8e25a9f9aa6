"""Recorded prices of a market, and the way through a minute that a replay takes."""

from hashlib import sha256
from pathlib import Path

from attrs import frozen

from perp_reference.errors import MalformedInput
from perp_reference.formats.candles import Candle, decode_candles
from perp_reference.formats.text import read_file

MINUTE = 60
"""Seconds of a candle."""


@frozen
class Feed:
    """Candles of one market."""

    symbol: str
    lot: str
    """Size of a lot as a decimal string."""
    candles: dict[int, Candle]
    """By the second at which the minute begins. Minutes may be missing: then no oracle reports."""
    file: str = ""
    """Name of the file, without its directory."""
    sha256: str = ""
    """Digest of the file, in hexadecimal."""


def read_feed(file: Path, symbol: str, lot: str, max_price: int) -> Feed:
    """Read a candle file.

    Raises:
        MalformedInput: The file cannot be read, breaks the format, or has a price above `max_price` atoms a lot.
    """
    data = read_file(file)
    candles = decode_candles(data, str(file), lot).candles
    for line, candle in enumerate(candles, 2):
        if candle.high > max_price:
            raise MalformedInput(str(file), line, "high", f"at most {max_price} atoms per lot", f"{candle.high}")
    by_time = {candle.time: candle for candle in candles}
    return Feed(symbol, lot, by_time, file.name, sha256(data).hexdigest())


def path(candle: Candle) -> tuple[int, int, int]:
    """The prices of three batches: both extremes, then the close.

    A candle does not say which extreme came first. As is usual, a rising one is taken to have gone down first, a
    falling one up first. The open is left out: it is the close before.
    """
    if candle.close >= candle.open:
        return candle.low, candle.high, candle.close
    return candle.high, candle.low, candle.close
