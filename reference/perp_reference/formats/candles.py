"""Market candles: a CSV file of one-minute candles, its prices turned into atoms per lot without rounding."""

import re
from pathlib import Path

from attrs import frozen

from perp_reference.errors import MalformedInput
from perp_reference.formats.text import lines_of, read_file
from perp_spec.words import TIME_MAX, WORD_MAX

COLUMNS = ("open_time_ms", "open", "high", "low", "close", "volume")
HEADER = ",".join(COLUMNS)

STEP_MS = 60_000
"""A candle is of one minute."""

ATOMS_DECIMALS = 6
"""An atom is 1e-6 of the quote currency."""

VOLUME_DECIMALS = 8
"""A volume is counted in 1e-8 of the underlying."""

LONGEST_ROW_BYTES = 256
LONGEST_NUMBER = 32

WHOLE = re.compile(r"0|[1-9][0-9]*")
DECIMAL = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?")


@frozen
class Candle:
    """One minute of a market.

    Prices are in atoms per lot, from 1 up; low <= open, close <= high.
    """

    time: int
    """Start of the minute, seconds since the epoch."""
    open: int
    high: int
    low: int
    close: int
    volume: int
    """What was traded, in 1e-8 of the underlying."""


@frozen
class Gap:
    """Minutes that are missing before a candle."""

    line: int
    """Line of the candle after the gap, from 1."""
    minutes: int


@frozen
class Candles:
    """A file of candles, in order of time."""

    candles: tuple[Candle, ...]
    gaps: tuple[Gap, ...]


class Scale:
    """Turns decimals into integers of some unit, exactly.

    Attributes:
        unit: What the integers count, for messages.
    """

    def __init__(self, unit: str, multiplier: str, decimals: int) -> None:
        """The integer is the decimal times `multiplier`, itself a decimal, times 10^decimals."""
        whole, _, fraction = multiplier.partition(".")
        self.unit = unit
        self._multiplier = int(whole + fraction)
        self._shift = decimals - len(fraction)

    def integer(self, text: str) -> int | None:
        """The integer for a decimal, None where it is not whole.

        Raises:
            ValueError: The text is no decimal, or is too long.
        """
        match = DECIMAL.fullmatch(text)
        if match is None or len(text) > LONGEST_NUMBER:
            raise ValueError(text)
        fraction = match[2] or ""
        digits = int(match[1] + fraction) * self._multiplier
        shift = self._shift - len(fraction)
        if shift >= 0:
            return digits * 10**shift
        quotient, rest = divmod(digits, 10**-shift)
        return None if rest else quotient


def read_candles(path: Path, lot: str) -> Candles:
    """The candles in a file.

    Raises:
        MalformedInput: The file cannot be read or breaks the format.
    """
    return decode_candles(read_file(path), str(path), lot)


def decode_candles(data: bytes, file: str, lot: str) -> Candles:
    """The candles that a CSV file holds, for a market whose lot is `lot` units of the underlying, a decimal string.

    Raises:
        MalformedInput: The file breaks the format, a price is not whole in atoms per lot, or times do not rise.
    """
    price = Scale("atoms per lot", lot, ATOMS_DECIMALS)
    volume = Scale("1e-8 of the underlying", "1", VOLUME_DECIMALS)
    lines = lines_of(data, file, LONGEST_ROW_BYTES)
    number, first = next(lines)
    if first != HEADER:
        raise MalformedInput(file, number, None, f"the header {HEADER}", f"'{first}'")
    candles: list[Candle] = []
    gaps: list[Gap] = []
    for number, text in lines:
        candle = decoded_row(Row(file, number, text), price, volume)
        if candles:
            minutes = (candle.time - candles[-1].time) * 1000 // STEP_MS
            if minutes < 1:
                raise MalformedInput(file, number, COLUMNS[0], "a time after the line before", text.partition(",")[0])
            if minutes > 1:
                gaps.append(Gap(number, minutes - 1))
        candles.append(candle)
    if not candles:
        raise MalformedInput(file, number + 1, None, "a candle", "the end of the file")
    return Candles(tuple(candles), tuple(gaps))


class Row:
    """A row, cut into its cells."""

    def __init__(self, file: str, number: int, text: str) -> None:
        cells = text.split(",")
        if len(cells) != len(COLUMNS):
            raise MalformedInput(file, number, None, f"{len(COLUMNS)} values, {HEADER}", f"{len(cells)}")
        self.file = file
        self.number = number
        self.cells: dict[str, str] = dict(zip(COLUMNS, cells, strict=True))

    def refuse(self, column: str, expected: str) -> MalformedInput:
        """The error for a cell."""
        return MalformedInput(self.file, self.number, column, expected, f"'{self.cells[column]}'")

    def time(self) -> int:
        """The start of the minute, in seconds.

        Raises:
            MalformedInput: It is not the start of a minute in milliseconds.
        """
        text = self.cells[COLUMNS[0]]
        if not WHOLE.fullmatch(text) or len(text) > LONGEST_NUMBER:
            raise self.refuse(COLUMNS[0], "whole milliseconds since the epoch")
        time_ms = int(text)
        if time_ms % STEP_MS or time_ms > TIME_MAX * 1000:
            raise self.refuse(COLUMNS[0], f"the start of a minute from 0 to {TIME_MAX} s in milliseconds")
        return time_ms // 1000

    def integer(self, column: str, scale: Scale, low: int) -> int:
        """A value in the unit of a scale.

        Raises:
            MalformedInput: It is no decimal, not whole in that unit, below `low` or no word.
        """
        try:
            value = scale.integer(self.cells[column])
        except ValueError:
            expected = "a decimal such as 12 or 0.5, without sign, exponent or leading zeros"
            raise self.refuse(column, expected) from None
        if value is None:
            raise self.refuse(column, f"a whole number of {scale.unit}")
        if not low <= value <= WORD_MAX:
            raise self.refuse(column, f"{low} to {WORD_MAX} {scale.unit}")
        return value


def decoded_row(row: Row, price: Scale, volume: Scale) -> Candle:
    """The candle in a row.

    Raises:
        MalformedInput: A value breaks the format, or low <= open, close <= high does not hold.
    """
    time = row.time()
    prices = {column: row.integer(column, price, 1) for column in COLUMNS[1:5]}
    for column in ("open", "close"):
        if not prices["low"] <= prices[column]:
            raise row.refuse(column, "at least low")
        if not prices[column] <= prices["high"]:
            raise row.refuse(column, "at most high")
    return Candle(time=time, volume=row.integer("volume", volume, 0), **prices)
