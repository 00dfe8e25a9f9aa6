"""Records as elements and as bytes: one form each, and nothing else is read."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perp_hash.digest import pack_digest
from perp_hash.field import MODULUS
from perp_hash.words import words_elements
from perp_reference.core.encoding import (
    EncodingError,
    record_bytes,
    record_elements,
    record_from_bytes,
    record_from_elements,
    record_of_values,
    record_values,
)
from perp_spec.perpetual.codes import OPERATION_CODES, RECORD_CODES
from perp_spec.perpetual.layout import Piece, Shape, bytes_in, elements_in, pieces_of
from perp_spec.perpetual.operations import Header, Intent, OracleTick, Order, PremiumSample, Report, Withdraw
from perp_spec.perpetual.records import Account, MarketOracle, MarketPrice, OrderSlot, Position
from perp_spec.words import WORD_MAX, Unit

KINDS = [*RECORD_CODES, *OPERATION_CODES, Header, Intent, Order, Report]

LANES = st.lists(st.integers(0, MODULUS - 1) | st.sampled_from([0, MODULUS - 1]), min_size=8, max_size=8)


def values_of(piece: Piece) -> st.SearchStrategy[Any]:
    """What may stand in a place of a record, its ends and the edges of limbs often."""
    if piece.shape is Shape.DIGEST:
        return LANES.map(pack_digest)
    if piece.field.unit is Unit.FLAG:
        return st.booleans()
    edges = [0, 1, -1, piece.low, piece.high, *(sign << bits for bits in (13, 26, 39, 52) for sign in (1, -1))]
    edges += [edge - 1 for edge in edges]
    return st.sampled_from([edge for edge in edges if piece.low <= edge <= piece.high]) | st.integers(
        piece.low, piece.high
    )


def records_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Records of a class, all values within their ranges."""
    values = st.tuples(*map(values_of, pieces_of(kind)))
    return values.map(lambda drawn: record_of_values(kind, iter(drawn)))


RECORDS = st.sampled_from(KINDS).flatmap(records_of)


@given(record=RECORDS)
def test_a_record_is_read_back_from_its_elements(record: Any) -> None:
    elements = record_elements(record)
    assert len(elements) == elements_in(type(record))
    assert all(type(element) is int and 0 <= element < MODULUS for element in elements)
    assert record_from_elements(type(record), elements) == record


@given(record=RECORDS)
def test_a_record_is_read_back_from_its_bytes(record: Any) -> None:
    data = record_bytes(record)
    assert len(data) == bytes_in(type(record))
    assert record_from_bytes(type(record), data) == record


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_record_of_zeros_is_zeros(kind: type[Any]) -> None:
    assert record_elements(kind()) == [0] * elements_in(kind)
    assert record_bytes(kind()) == bytes(bytes_in(kind))
    assert record_from_elements(kind, [0] * elements_in(kind)) == kind()
    assert record_from_bytes(kind, bytes(bytes_in(kind))) == kind()


@given(data=st.data(), record=RECORDS)
def test_other_elements_are_another_record_or_none(data: st.DataObject, record: Any) -> None:
    elements = record_elements(record)
    place = data.draw(st.integers(0, len(elements) - 1))
    step = st.sampled_from([1, -1, 1 << 12, 1 << 13, 1 << 26, MODULUS - 1]) | st.integers(1, MODULUS - 1)
    elements[place] = (elements[place] + data.draw(step)) % MODULUS
    if elements == record_elements(record):
        return
    try:
        other = record_from_elements(type(record), elements)
    except EncodingError:
        return
    assert other != record
    assert record_elements(other) == elements


@given(data=st.data(), record=RECORDS)
def test_other_bytes_are_another_record_or_none(data: st.DataObject, record: Any) -> None:
    written = bytearray(record_bytes(record))
    written[data.draw(st.integers(0, len(written) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = record_from_bytes(type(record), bytes(written))
    except EncodingError:
        return
    assert other != record
    assert record_bytes(other) == bytes(written)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_too_many_and_too_few_elements_and_bytes_are_refused(kind: type[Any]) -> None:
    elements, size = elements_in(kind), bytes_in(kind)
    for wrong in (elements - 1, elements + 1):
        with pytest.raises(EncodingError, match=f"^{kind.__name__} has {elements} elements, not {wrong}$"):
            record_from_elements(kind, [0] * wrong)
    for wrong in (size - 1, size + 1):
        with pytest.raises(EncodingError, match=f"^{kind.__name__} is {size} bytes, not {wrong}$"):
            record_from_bytes(kind, bytes(wrong))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_values_outside_their_range_are_refused_everywhere(kind: type[Any]) -> None:
    zeros = list(record_values(kind()))
    for place, piece in enumerate(pieces_of(kind)):
        wrong = [piece.low - 1, piece.high + 1, True, 1.0, None]
        if piece.field.unit is Unit.FLAG:
            wrong = [0, 1, None]
        if piece.shape is Shape.DIGEST:
            wrong = [-1, MODULUS, MODULUS << 217, 1 << 248, True]
        for value in wrong:
            record = record_of_values(kind, iter([*zeros[:place], value, *zeros[place + 1 :]]))
            with pytest.raises(EncodingError):
                record_elements(record)
            with pytest.raises(EncodingError):
                record_bytes(record)


def test_the_message_names_the_value() -> None:
    with pytest.raises(EncodingError, match=r"^Account\.slots is not in 0 to 16: 17$"):
        record_bytes(Account(slots=17))
    with pytest.raises(EncodingError, match=r"^Withdraw\.intent\.authorised is not of type bool: 1$"):
        record_elements(Withdraw(intent=Intent(authorised=1)))  # pyright: ignore[reportArgumentType]
    with pytest.raises(EncodingError, match=r"^Account\.owner: digest element 0 is not a canonical field element: "):
        record_elements(Account(owner=MODULUS))
    with pytest.raises(EncodingError, match=r"^Position\.market is not in 0 to 63: 64$"):
        record_from_bytes(Position, b"\x40" + bytes(16))
    with pytest.raises(EncodingError, match=r"^Position\.market is not in 0 to 63: 64$"):
        record_from_elements(Position, [0, 0, 0, 0, 64, 0])
    # Limbs of both signs: -5 with a top limb of 1 is a word, but not in this form.
    with pytest.raises(EncodingError, match=r"^not the elements of a record of class Position$"):
        record_from_elements(Position, [0, 0, MODULUS - 5, 0, 0, 2**12])
    with pytest.raises(EncodingError, match=r"^Position: not a canonical field element: 2130706433$"):
        record_from_elements(Position, [0, 0, 0, 0, 0, MODULUS])


def test_vectors_nested_records_and_rows_have_their_shape() -> None:
    for vector in ((0, 0, 0), (0,) * 5, [0] * 4, None):
        with pytest.raises(EncodingError, match=r"^MarketOracle\.values is not a tuple of 4: "):
            record_elements(MarketOracle(values=vector))  # pyright: ignore[reportArgumentType]
    with pytest.raises(EncodingError, match=r"^Withdraw\.intent holds no Intent: None$"):
        record_bytes(Withdraw(intent=None))  # pyright: ignore[reportArgumentType]
    with pytest.raises(EncodingError, match=r"^OracleTick\.reports is not a tuple of 4: \(\)$"):
        record_bytes(OracleTick(reports=()))
    with pytest.raises(EncodingError, match=r"^OracleTick\.reports holds no Report: "):
        record_bytes(OracleTick(reports=(Intent(),) * 4))  # pyright: ignore[reportArgumentType]


def test_flags_and_other_values_that_are_equal_are_different() -> None:
    tainted = attrs.evolve(MarketPrice(), level=True)
    assert tainted == MarketPrice(level=1)
    with pytest.raises(EncodingError, match=r"^MarketPrice\.level is not of type int: True$"):
        record_elements(tainted)


def test_limbs_are_those_of_the_hash_suite() -> None:
    bid, ask = WORD_MAX, -(2**40) - 5
    market, b0, b1, a0, a1, tops = 7, *words_elements((bid, ask))
    assert record_elements(PremiumSample(market, bid, ask)) == [b0, b1, a0, a1, market, tops]
    assert record_elements(OrderSlot(2**40, 2**62)) == [0, 2**14, 0, 0, 2**10]


def test_elements_are_digests_then_pairs_then_singles_then_tops() -> None:
    account = Account(
        kind=1,
        owner=pack_digest(range(11, 19)),
        parent=2**13,
        market=2,
        collateral=-(2**52) - 1,
        slots=3,
        closed_market=4,
    )
    assert record_elements(account) == [
        *range(11, 19),
        2**13,
        *(MODULUS - 1, 0),
        *(0, 0),
        *(1 + 2 * 2**13, 3 + 4 * 2**13),
        MODULUS - 1,
    ]
