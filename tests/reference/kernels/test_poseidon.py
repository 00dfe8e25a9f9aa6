"""The compiled hash suite against the slow one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perp_hash.digest import compress, hash_elements
from perp_hash.field import MODULUS
from perp_hash.poseidon import DEFAULT_SUITE, POSEIDON_R8_20, POSEIDON_R8_40, Suite, make_suite, permute, suite_named
from perp_hash.tags import Tag
from perp_reference.kernels.poseidon import compress_many, hash_rows, hash_runs, permute_many
from perp_reference.kernels.poseidon_tables import suite_tables

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "poseidon" / "koalabear-16.json").read_text()
)

ELEMENTS = st.integers(0, MODULUS - 1) | st.sampled_from([0, 1, MODULUS - 1])
SUITES = st.sampled_from([POSEIDON_R8_40, POSEIDON_R8_20])
TAGS = st.sampled_from(Tag)

# The first call compiles.
UNTIMED = settings(deadline=None)


def rows_of(width: int) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(ELEMENTS, min_size=width, max_size=width), min_size=1, max_size=5)


@pytest.mark.parametrize("answers", VECTORS["suites"], ids=lambda suite: f"{suite['partial_rounds']}-partial-rounds")
def test_known_answers(answers: dict[str, Any]) -> None:
    suite = suite_named(f"poseidon-koalabear-16-r8-{answers['partial_rounds']}")
    states = [known["input"] for known in answers["known_answers"]]
    assert permute_many(states, suite).tolist() == [known["output"] for known in answers["known_answers"]]


@UNTIMED
@given(suite=SUITES, states=rows_of(16))
def test_permute_many_is_permute(suite: Suite, states: list[list[int]]) -> None:
    assert permute_many(states, suite).tolist() == [list(permute(suite, state)) for state in states]


@UNTIMED
@given(suite=SUITES, tag=TAGS, pairs=rows_of(16))
def test_compress_many_is_compress(suite: Suite, tag: Tag, pairs: list[list[int]]) -> None:
    left, right = [pair[:8] for pair in pairs], [pair[8:] for pair in pairs]
    expected = [list(compress(tag, pair[:8], pair[8:], suite)) for pair in pairs]
    assert compress_many(tag, left, right, suite).tolist() == expected


@UNTIMED
@given(suite=SUITES, tag=TAGS, rows=st.integers(0, 20).flatmap(rows_of))
def test_hash_rows_is_hash_elements(suite: Suite, tag: Tag, rows: list[list[int]]) -> None:
    assert hash_rows(tag, rows, suite).tolist() == [list(hash_elements(tag, row, suite)) for row in rows]


@UNTIMED
@given(suite=SUITES, tag=TAGS, runs=st.lists(st.lists(ELEMENTS, max_size=20), max_size=6))
def test_hash_runs_is_hash_elements(suite: Suite, tag: Tag, runs: list[list[int]]) -> None:
    offsets = np.cumsum([0, *(len(run) for run in runs)])
    elements = [element for run in runs for element in run]
    expected = [list(hash_elements(tag, run, suite)) for run in runs]
    assert hash_runs(tag, elements, offsets, suite).tolist() == expected


@pytest.mark.parametrize("count", [63, 64, 65, 129])
def test_blocks_of_states_join_without_a_seam(count: int) -> None:
    states = np.random.default_rng(count).integers(0, MODULUS, (count, 16), dtype=np.uint32)
    one_by_one = np.vstack([permute_many(states[i : i + 1]) for i in range(count)])
    assert np.array_equal(permute_many(states), one_by_one)
    pairs = np.vstack([compress_many(Tag.NODE, states[i : i + 1, :8], states[i : i + 1, 8:]) for i in range(count)])
    assert np.array_equal(compress_many(Tag.NODE, states[:, :8], states[:, 8:]), pairs)
    lengths = np.random.default_rng(count).integers(0, 17, count)
    runs = [states[i, : lengths[i]] for i in range(count)]
    expected = np.vstack([hash_rows(Tag.CONFIG, run[np.newaxis]) for run in runs])
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    assert np.array_equal(hash_runs(Tag.CONFIG, np.concatenate(runs), offsets), expected)


def test_layout_and_kind_of_integers_do_not_matter() -> None:
    states = np.random.default_rng(1).integers(0, MODULUS, (5, 16), dtype=np.int64)
    expected = [list(permute(DEFAULT_SUITE, state)) for state in states.tolist()]
    frozen = states.astype(np.uint32)
    frozen.flags.writeable = False
    for variant in (states, states.astype(np.uint64), np.asfortranarray(states.astype(np.uint32)), frozen):
        result = permute_many(variant)
        assert (result.dtype, result.tolist()) == (np.uint32, expected)


def test_inputs_are_left_alone() -> None:
    states = np.full((3, 16), MODULUS - 1, np.uint32)
    permute_many(states)
    compress_many(Tag.NODE, states[:, :8], states[:, 8:])
    hash_rows(Tag.CONFIG, states)
    assert np.array_equal(states, np.full((3, 16), MODULUS - 1, np.uint32))


def test_no_rows_give_no_rows() -> None:
    assert permute_many(np.zeros((0, 16), np.uint32)).shape == (0, 16)
    assert compress_many(Tag.NODE, np.zeros((0, 8), np.uint32), np.zeros((0, 8), np.uint32)).shape == (0, 8)
    assert hash_rows(Tag.CONFIG, np.zeros((0, 5), np.uint32)).shape == (0, 8)
    assert hash_runs(Tag.CONFIG, [], [0]).shape == (0, 8)


def test_inputs_that_are_none_are_refused() -> None:
    good = np.zeros((2, 8), np.uint32)
    with pytest.raises(ValueError, match=r"^expected rows of 16 elements, not 8$"):
        permute_many(good)
    with pytest.raises(ValueError, match=r"^expected an array of 2 dimensions, not 1$"):
        permute_many([0] * 16)
    with pytest.raises(ValueError, match=r"^elements are integers, not float64$"):
        permute_many([[0.5] * 16])
    with pytest.raises(ValueError, match=rf"^elements are not canonical: 0 to {MODULUS}$"):
        permute_many([[0] * 15 + [MODULUS]])
    with pytest.raises(ValueError, match=r"^elements are not canonical: -1 to 0$"):
        permute_many([[-1] + [0] * 15])
    with pytest.raises(ValueError, match=r"^2 left halves and 1 right halves$"):
        compress_many(Tag.NODE, good, good[:1])
    with pytest.raises(ValueError, match=r"^0 is not a valid Tag$"):
        compress_many(0, good, good)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"^0 is not a valid Tag$"):
        hash_rows(0, good)  # pyright: ignore[reportArgumentType]
    for offsets in ([], [1, 4], [0, 3], [[0, 4]]):
        with pytest.raises(ValueError, match=r"^offsets are not one-dimensional from 0 to 4$"):
            hash_runs(Tag.CONFIG, [1, 2, 3, 4], offsets)
    with pytest.raises(ValueError, match=r"^offsets fall$"):
        hash_runs(Tag.CONFIG, [1, 2, 3, 4], [0, 3, 2, 4])


def test_partial_rounds_come_in_groups() -> None:
    with pytest.raises(ValueError, match=r"^poseidon-koalabear-16-r8-6: partial rounds are done in groups of 4$"):
        suite_tables(make_suite(6))
