"""Ranges hold what words are, and a tally sees every word that leaves the range of words."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perp_proofs.smt.evaluate import Evaluation
from perp_proofs.smt.ranges import Ranges
from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.tally import Tally
from perp_spec.language import (
    absolute,
    both,
    clamp,
    either,
    maximum,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    mul_div_remainder,
    negate,
    require,
    select,
)
from perp_spec.words import WORD_MAX

pytestmark = pytest.mark.proofs

FORMULAS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "product": lambda size, price, lots: (size - lots) * price,
    "magnitude": lambda size, price, lots: absolute(size * price) - lots * price,
    "smaller": lambda size, price, lots: minimum(absolute(size), lots) * price,
    "larger": lambda size, price, lots: maximum(size, -lots) + maximum(price - 3, 0),
    "part": lambda size, price, lots: mul_div_floor(size, lots, maximum(lots, 1)) * price,
    "rounded up": lambda size, price, lots: mul_div_ceil(size * price, lots, 7) - mul_div_remainder(size, price, 5),
    "chosen": lambda size, price, lots: select(size > lots, size * price, -lots) + clamp(size, -2, 2) * price,
}


def known() -> tuple[SymbolicReading, Any, Any, Any]:
    """A size and lots of 6 at most, and a price, whose product is 30 at most."""
    reading = SymbolicReading()
    reading.bounds = Ranges(reading.table)
    size, price, lots = reading.word("size"), reading.word("price", 0), reading.word("lots", 0)
    most, dearest = reading.word("most", 1, 100), reading.word("dearest", 1, 100)
    reading.assume(both(size <= most, size >= -most, price <= dearest, lots <= most), "ranges")
    reading.assume(both(most * dearest <= 30, most <= 6), "the product")
    return reading, size, price, lots


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
@given(st.integers(1, 6), st.data())
def test_a_range_holds_what_a_word_is(formula: Callable[..., Any], most: int, data: st.DataObject) -> None:
    dearest = data.draw(st.integers(1, 30 // most))
    values = {
        "most": most,
        "dearest": dearest,
        "size": data.draw(st.integers(-most, most)),
        "price": data.draw(st.integers(0, dearest)),
        "lots": data.draw(st.integers(0, most)),
    }
    reading, *words = known()
    word = formula(*words)
    interval = reading.bounds.word(word)

    assert interval.low is not None
    assert interval.high is not None
    assert interval.low <= Evaluation(reading, values).word(word) <= interval.high


def test_a_product_of_what_is_compared_with_two_others_is_bounded() -> None:
    reading, size, price, lots = known()

    assert (reading.bounds.word(size * price).low, reading.bounds.word(size * price).high) == (-30, 30)
    assert reading.bounds.word(absolute(size) * price - lots * price).high == 30


def test_what_holds_in_both_cases_is_learned() -> None:
    reading = SymbolicReading()
    reading.bounds = Ranges(reading.table)
    done, lots = reading.flag("done"), reading.word("lots")
    wanted = reading.word("wanted", 1, 9)
    reading.assume(select(done, both(lots >= 1, lots <= wanted), lots == 0), "lots")

    assert (reading.bounds.word(lots).low, reading.bounds.word(lots).high) == (0, 9)


def test_nothing_is_learned_of_what_may_be_anything() -> None:
    reading = SymbolicReading()
    reading.bounds = Ranges(reading.table)
    lots = reading.word("lots")
    reading.assume(either(lots >= 5, negate(reading.flag("done"))), "lots")

    assert (reading.bounds.word(lots).low, reading.bounds.word(lots).high) == (None, None)


def test_a_tally_sees_words_out_of_range() -> None:
    def rule(first: int, second: int) -> int:
        require(first >= 1, Reason())
        return first + second - 1

    tally = Tally()
    tally.run(rule, WORD_MAX, 1)
    assert tally.beyond == [WORD_MAX + 1]

    tally = Tally()
    tally.run(rule, 0, WORD_MAX)
    assert tally.beyond == []


class Reason:
    """A reason by itself."""

    name = "NEVER"
