"""The words of many rows against the words of one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perp_hash.words import LARGEST_WORD, words_elements
from perp_reference.kernels.words import words_elements_rows

WORDS = (
    st.integers(-LARGEST_WORD, LARGEST_WORD)
    | st.integers(-(2**14), 2**14)
    | st.sampled_from([0, LARGEST_WORD, -LARGEST_WORD])
)


@given(
    rows=st.integers(0, 5).flatmap(
        lambda count: st.lists(st.lists(WORDS, min_size=count, max_size=count), min_size=1, max_size=5)
    )
)
def test_rows_are_the_elements_of_their_words(rows: list[list[int]]) -> None:
    elements = words_elements_rows(rows)
    assert elements.dtype == np.uint32
    assert elements.tolist() == [list(words_elements(row)) for row in rows]


def test_no_rows_keep_their_width() -> None:
    assert words_elements_rows(np.zeros((0, 3), np.int64)).shape == (0, 8)


def test_inputs_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^expected an array of 2 dimensions, not 1$"):
        words_elements_rows([1, 2])
    with pytest.raises(ValueError, match=r"^words are signed integers, not uint64$"):
        words_elements_rows([[2**63]])
    with pytest.raises(ValueError, match=r"^words are signed integers, not float64$"):
        words_elements_rows([[1.0]])
    with pytest.raises(ValueError, match=r"^not a word: -9223372036854775808$"):
        words_elements_rows([[-(2**63)]])
