"""Values on the command line: one spelling for a number, no empty path."""

import argparse
from pathlib import Path

import pytest

from perp_cli.arguments import path, seconds, whole


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("99", 99)])
def test_a_whole_number_is_taken(text: str, number: int) -> None:
    assert whole(0, 99)(text) == number


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "an empty text"),
        ("-1", "-1"),
        ("+1", "+1"),
        (" 1", " 1"),
        ("1_0", "1_0"),
        ("01", "01"),
        ("1.0", "1.0"),
        ("1e1", "1e1"),
        ("٣", "٣"),
        ("²", "²"),
        ("100", "100"),
        ("1\n", "1\\n"),
        ("9" * 5_000, "9" * 120 + "..."),
    ],
)
def test_anything_else_is_refused_in_one_short_line(text: str, shown: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        whole(0, 99)(text)
    assert str(caught.value) == f"expected a whole number from 0 to 99, got {shown}"


def test_a_number_below_the_least_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="from 8 to 99, got 7"):
        whole(8, 99)("7")


@pytest.mark.parametrize(("text", "number"), [("10", 10.0), ("0.5", 0.5), ("86400", 86_400.0), ("0.001", 0.001)])
def test_seconds_are_taken(text: str, number: float) -> None:
    assert seconds(text) == number


def test_a_path_is_not_empty() -> None:
    assert path("a b") == Path("a b")
    with pytest.raises(argparse.ArgumentTypeError, match="expected a path, got an empty text"):
        path("")
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected a path, got a\\x00b"):
        path("a\0b")
