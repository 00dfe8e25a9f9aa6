"""Messages about malformed input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perp_reference.errors import LONGEST_QUOTE_CHARACTERS, MalformedInput, one_line


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        (3, "size", "batch.jsonl:3: field size: expected an integer, got x"),
        (3, None, "batch.jsonl:3: expected an integer, got x"),
        (None, "size", "batch.jsonl: field size: expected an integer, got x"),
        (None, None, "batch.jsonl: expected an integer, got x"),
    ],
)
def test_message_names_place_and_expectation(line: int | None, field: str | None, message: str) -> None:
    assert str(MalformedInput("batch.jsonl", line, field, "an integer", "x")) == message


@given(st.text(st.characters()))
def test_quotations_are_printable_and_short(text: str) -> None:
    quoted = one_line(text)
    assert quoted.isprintable()
    assert len(quoted) <= LONGEST_QUOTE_CHARACTERS + len("...")


def test_short_printable_text_is_quoted_as_it_is() -> None:
    assert one_line("größe 1.5") == "größe 1.5"


def test_long_text_is_cut_where_one_can_see_it() -> None:
    assert one_line("x" * 500) == "x" * LONGEST_QUOTE_CHARACTERS + "..."
