import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perp_reference.formats.patterns import integers_between, naturals_between


@pytest.mark.parametrize("low", range(-120, 121, 7))
@pytest.mark.parametrize("size", [0, 1, 9, 10, 99, 130, 240])
def test_a_pattern_holds_for_the_range_and_nothing_else(low: int, size: int) -> None:
    matches = re.compile(integers_between(low, low + size)).search
    accepted = [value for value in range(-1100, 1101) if matches(str(value))]
    assert accepted == list(range(low, low + size + 1))


@pytest.mark.parametrize("text", ["", "-0", "+1", "01", "-01", " 1", "1 ", "1.0", "٣", "1e1", "-"])
def test_a_pattern_holds_for_canonical_decimals_only(text: str) -> None:
    assert not re.search(integers_between(-1000, 1000), text)


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(-(2**63) + 1, 2**63 - 1), st.integers(-(2**64), 2**64))
def test_a_pattern_of_words_holds_for_the_range_and_nothing_else(one: int, other: int, value: int) -> None:
    low, high = sorted((one, other))
    matches = re.compile(integers_between(low, high)).search
    for candidate in (value, low, high, low - 1, high + 1, (low + high) // 2):
        assert bool(matches(str(candidate))) == (low <= candidate <= high)


def test_the_parts_of_a_range() -> None:
    assert naturals_between(0, 15) == ["[0-9]", "1[0-5]"]
    assert naturals_between(95, 312) == ["9[5-9]", "[1-2][0-9]{2}", "30[0-9]", "31[0-2]"]
    assert integers_between(-1, 2) == "^(?:-1|[0-2])$"
