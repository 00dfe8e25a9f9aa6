"""Values on the command line, taken strictly: a number has one spelling, a path is not empty."""

import argparse
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from perp_reference.errors import one_line


def path(text: str) -> Path:
    """A path.

    Raises:
        argparse.ArgumentTypeError: It is empty, or no path can be so.
    """
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got an empty text")
    if "\0" in text:
        raise argparse.ArgumentTypeError(f"expected a path, got {one_line(text)}")
    return Path(text)


LONGEST_SECONDS = 86_400
"""A day: nothing that is waited for takes longer."""

SECONDS = re.compile(r"(0|[1-9][0-9]{0,4})(\.[0-9]{1,3})?", re.ASCII)


def seconds(text: str) -> float:
    """A time to wait in seconds, more than 0 and at most a day, with at most three decimals.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    if not SECONDS.fullmatch(text) or not 0 < Decimal(text) <= LONGEST_SECONDS:
        expected = f"seconds above 0 and up to {LONGEST_SECONDS}, with at most three decimals"
        raise argparse.ArgumentTypeError(f"expected {expected}, got {one_line(text) or 'an empty text'}")
    return float(text)


def whole(low: int, high: int) -> Callable[[str], int]:
    """Takes whole numbers from low to high, both included, low at least 0: decimal digits without leading zeros."""

    def number(text: str) -> int:
        try:
            return whole_number(text, low, high)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return number


def whole_number(text: str, low: int, high: int) -> int:
    """A whole number from low to high, both included.

    Raises:
        ValueError: It is none; the message says so.
    """
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(high)) and (text == "0" or text[0] != "0")
    if not digits or not low <= int(text) <= high:
        raise ValueError(f"expected a whole number from {low} to {high}, got {one_line(text) or 'an empty text'}")
    return int(text)
