"""Terms are what the integers they stand for are."""

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perp_proofs.smt.evaluate import Evaluation
from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.terms import Term, key_of
from perp_spec.language import (
    absolute,
    both,
    clamp,
    either,
    maximum,
    median,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    mul_div_remainder,
    mul_div_truncate,
    negate,
    product_le,
    select,
)

pytestmark = pytest.mark.proofs

NUMBERS = st.integers(-12, 12)

FORMULAS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "polynomial": lambda a, b, c: a + 2 * b - 3 * c * c + 4,
    "cancelling": lambda a, b, c: (a - b) * (a + b) - a * a + b * b + c,
    "extremes": lambda a, b, c: absolute(a - b) + minimum(b, c) - maximum(a, 2 * c),
    "divisions": lambda a, b, c: mul_div_floor(a, b, 7) + mul_div_ceil(a, c, 5) + mul_div_remainder(a, b, 3),
    "truncation": lambda a, b, c: mul_div_truncate(a, 4, 3) + clamp(b, -3, 3) + median(a, b, c),
    "by a word": lambda a, b, c: mul_div_floor(a, b, maximum(c, 1)),
    "selections": lambda a, b, c: select(both(a > b, negate(b == c)), a - 1, select(either(a < c, b >= 2), b, 7)),
    "flags": lambda a, b, c: select(product_le(a, b, c, 3), a * b, select(select(a > 0, b > 0, c > 0), 1, 2)),
}

COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_term_evaluates_to_what_integers_compute(formula: Callable[..., Any], a: int, b: int, c: int) -> None:
    reading = SymbolicReading()
    with reading.path({}):
        term = formula(*map(reading.word, "abc"))

    assert Evaluation(reading, {"a": a, "b": b, "c": c}).word(term) == formula(a, b, c)


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda compare: compare.__name__)
@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_a_comparison_holds_where_integers_compare(compare: Any, a: int, b: int, factor: int, shift: int) -> None:
    reading = SymbolicReading()
    flag = compare(2 * reading.word("a") * factor + shift, 4 * reading.word("b"))

    assert Evaluation(reading, {"a": a, "b": b}).flag(flag) is compare(2 * a * factor + shift, 4 * b)


def test_a_comparison_has_one_form() -> None:
    reading = SymbolicReading()
    a, b = reading.word("a"), reading.word("b")

    forms: list[Any] = [a <= b, b >= a, negate(a > b), 2 * a < 2 * b + 2]
    assert len({form.number for form in forms}) == 1


def test_equal_polynomials_are_the_same_term() -> None:
    reading = SymbolicReading()
    a, b = reading.word("a"), reading.word("b")

    assert key_of((a + b) * (a - b)) == key_of(a * a - b * b)
    assert type((a + b) - a - b) is int


def test_equal_divisions_share_quotient_and_remainder() -> None:
    reading = SymbolicReading()
    a, b = reading.word("a"), reading.word("b")

    assert key_of(mul_div_floor(a, b, 7)) == key_of(mul_div_floor(b, a, 7))
    assert key_of(mul_div_floor(-a, b, 7)) == key_of(-mul_div_ceil(a, b, 7))


def test_a_branch_on_what_is_not_known_is_an_error() -> None:
    reading = SymbolicReading()

    with pytest.raises(TypeError, match="a word that is not known"):
        bool(reading.word("a"))
    with pytest.raises(TypeError, match="a flag that is not known"):
        bool(reading.word("a") > 0)


def test_a_declared_range_decides_a_comparison() -> None:
    reading = SymbolicReading()
    a = reading.word("a", 0, 9)

    assert (a >= 0, a * a + a <= 90, a > 9) == (True, True, False)
    assert isinstance(a + reading.word("b"), Term)
