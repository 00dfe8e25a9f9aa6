"""Words: limbs, and the elements they are hashed as."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perp_hash.field import MODULUS
from perp_hash.words import (
    LARGEST_WORD,
    word_elements,
    word_from_limbs,
    word_limbs,
    words_elements,
    words_from_elements,
)

WORDS = (
    st.integers(-LARGEST_WORD, LARGEST_WORD)
    | st.integers(-(2**14), 2**14)
    | st.sampled_from([sign * 2**power - nudge for sign in (1, -1) for power in range(63) for nudge in (-1, 0, 1)])
    | st.sampled_from([LARGEST_WORD, -LARGEST_WORD])
)


@given(word=WORDS)
def test_limbs_have_the_sign_and_the_range_and_give_the_word_back(word: int) -> None:
    limbs = word_limbs(word)
    assert all(limb * word >= 0 for limb in limbs)
    assert [abs(limb) < bound for limb, bound in zip(limbs, [2**13] * 4 + [2**11], strict=True)] == [True] * 5
    assert sum(limb * 2 ** (13 * index) for index, limb in enumerate(limbs)) == word
    assert word_from_limbs(limbs) == word
    assert word_limbs(-word) == tuple(-limb for limb in limbs)


@given(limbs=st.lists(st.integers(-(2**13), 2**13) | st.sampled_from([0, 2**11, -(2**11)]), min_size=4, max_size=6))
@example(limbs=[2**13 - 1] * 4 + [2**11 - 1])
@example(limbs=[-1, 1, 0, 0, 0])
@example(limbs=[0, 0, 0, 0, 2**11])
@example(limbs=[0, 0, 0, 0, -(2**11)])
@example(limbs=[2**13, 0, 0, 0, 0])
@example(limbs=[1, 2, 3, 4])
def test_limbs_are_unique(limbs: list[int]) -> None:
    one_sign = all(limb >= 0 for limb in limbs) or all(limb <= 0 for limb in limbs)
    in_range = len(limbs) == 5 and all(abs(limb) < 2**13 for limb in limbs[:4]) and abs(limbs[4]) < 2**11
    if one_sign and in_range:
        assert word_limbs(word_from_limbs(limbs)) == tuple(limbs)
    else:
        with pytest.raises(ValueError, match=r"^not the limbs of a word: "):
            word_from_limbs(limbs)


@given(word=WORDS)
def test_a_word_is_three_elements_linear_in_its_limbs(word: int) -> None:
    l0, l1, l2, l3, l4 = word_limbs(word)
    expected = (l0 + 2**13 * l1) % MODULUS, (l2 + 2**13 * l3) % MODULUS, l4 % MODULUS
    assert word_elements(word) == expected


@given(first=WORDS, second=WORDS)
def test_two_words_share_the_element_of_their_top_limbs(first: int, second: int) -> None:
    top = (word_limbs(first)[4] + 2**12 * word_limbs(second)[4]) % MODULUS
    assert words_elements((first, second)) == (*word_elements(first)[:2], *word_elements(second)[:2], top)


@given(words=st.lists(WORDS, max_size=6))
def test_elements_give_the_words_back(words: list[int]) -> None:
    elements = words_elements(words)
    assert len(elements) == 5 * (len(words) // 2) + 3 * (len(words) % 2)
    assert words_from_elements(elements) == tuple(words)


@given(
    elements=st.lists(
        (st.integers(-(2**27), 2**27) | st.sampled_from([0, 1, -1, 2**11, -(2**11), 2**12, 2**26])).map(
            lambda value: value % MODULUS
        ),
        max_size=8,
    )
)
@example(elements=[1, MODULUS - 1, 0])
@example(elements=[1, 0, 2**11])
@example(elements=[0, 0, 0, 0, 2**11])
@example(elements=[0, 0, 0, 0, 2**23])
@example(elements=[2**26, 0, 0])
def test_elements_stand_for_one_list_of_words_or_none(elements: list[int]) -> None:
    try:
        words = words_from_elements(elements)
    except ValueError:
        return
    assert list(words_elements(words)) == elements


@pytest.mark.parametrize(
    "elements",
    [
        [0],
        [0, 0, 0, 0],
        [1, MODULUS - 1, 0],
        [1, 0, 2**11],
        [0, 0, 0, 0, 2**11],
        [0, 0, 0, 0, 2**23],
        [2**26, 0, 0],
        [MODULUS // 2, 0, 0],
        [MODULUS, 0, 0],
    ],
)
def test_elements_that_stand_for_no_words_are_refused(elements: list[int]) -> None:
    with pytest.raises(
        ValueError, match=r"^(not the limbs of a word|.* elements are no whole number|element 0 is not)"
    ):
        words_from_elements(elements)


@pytest.mark.parametrize("wrong", [2**63, -(2**63), True, 1.0])
def test_integers_that_are_no_words_are_refused(wrong: int) -> None:
    with pytest.raises(ValueError, match=r"^not a word: "):
        word_limbs(wrong)
    with pytest.raises(ValueError, match=r"^not a word: "):
        words_elements((0, wrong))
