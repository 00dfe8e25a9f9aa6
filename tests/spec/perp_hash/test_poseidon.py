"""The permutation: known answers, and the fast form against the definition."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perp_hash.field import MODULUS
from perp_hash.poseidon import (
    DEFAULT_SUITE,
    FULL_ROUNDS,
    MATRIX_FIRST_ROW,
    POSEIDON_R8_20,
    POSEIDON_R8_40,
    SUITES,
    WIDTH,
    Suite,
    permute,
    permute_by_definition,
    suite_named,
)

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "poseidon" / "koalabear-16.json").read_text()
)

STATES = st.lists(st.integers(0, MODULUS - 1) | st.sampled_from([0, 1, MODULUS - 1]), min_size=WIDTH, max_size=WIDTH)


def test_parameters_are_the_published_ones() -> None:
    assert (VECTORS["field"], VECTORS["width"], VECTORS["s_box"]) == (MODULUS, WIDTH, 3)
    assert (VECTORS["full_rounds"], tuple(VECTORS["matrix_first_row"])) == (FULL_ROUNDS, MATRIX_FIRST_ROW)
    assert [suite["partial_rounds"] for suite in VECTORS["suites"]] == [20, 40]


@pytest.mark.parametrize("answers", VECTORS["suites"], ids=lambda suite: f"{suite['partial_rounds']}-partial-rounds")
def test_known_answers(answers: dict[str, Any]) -> None:
    suite = suite_named(f"poseidon-koalabear-16-r8-{answers['partial_rounds']}")
    assert list(suite.round_constants[0]) == answers["first_constants"]
    for known in answers["known_answers"]:
        assert list(permute(suite, known["input"])) == known["output"]
        assert list(permute_by_definition(suite, known["input"])) == known["output"]


@given(suite=st.sampled_from([POSEIDON_R8_40, POSEIDON_R8_20]), state=STATES)
def test_fast_form_is_the_definition(suite: Suite, state: list[int]) -> None:
    assert permute(suite, state) == permute_by_definition(suite, state)


def test_default_suite_has_forty_partial_rounds() -> None:
    assert DEFAULT_SUITE is suite_named("poseidon-koalabear-16-r8-40")
    assert DEFAULT_SUITE.identifier == "poseidon-koalabear-16-r8-40.v1"
    assert set(SUITES) == {"poseidon-koalabear-16-r8-40", "poseidon-koalabear-16-r8-20"}
    with pytest.raises(ValueError, match=r"^unknown hash suite: 'poseidon-koalabear-16-r8-0'$"):
        suite_named("poseidon-koalabear-16-r8-0")


@pytest.mark.parametrize("function", [permute, permute_by_definition])
def test_states_that_are_none_are_refused(function: Any) -> None:
    with pytest.raises(ValueError, match=r"^a state has 16 lanes, not 15$"):
        function(DEFAULT_SUITE, [0] * 15)
    with pytest.raises(ValueError, match=rf"^lane 15 is not a canonical field element: {MODULUS}$"):
        function(DEFAULT_SUITE, [0] * 15 + [MODULUS])
    with pytest.raises(ValueError, match=r"^lane 0 is not a canonical field element: -1$"):
        function(DEFAULT_SUITE, [-1] + [0] * 15)
