"""Where the program proves an inequality, the two sides may not be 2^128 or more apart: the code says so."""

import attrs
import pytest

from perp_reference.starkex.hashes import hash_of
from perp_reference.starkex.machine import PriceTick
from perp_reference.starkex.pedersen import PRIME
from perp_spec.starkex.bounds import ONE, RANGE_BOUND
from perp_spec.starkex.reasons import Reason
from support.starkex import NOW, order, position, reason, system, trade

STATE = system({1: position(1, 1000), 2: position(2, 1000)})


@pytest.mark.parametrize(
    ("units", "code"),
    [
        (0, Reason.OUT_OF_RANGE_POSITIVE_AMOUNT),
        (RANGE_BOUND, Reason.INVALID_FULFILLMENT_ASSETS_RATIO),
        (RANGE_BOUND + 1, Reason.OUT_OF_RANGE_POSITIVE_AMOUNT),
    ],
)
def test_the_units_of_a_fill(units: int, code: Reason) -> None:
    match = attrs.evolve(trade(1, 2, 10, 10), actual_synthetic=units)
    assert reason(STATE, match) is code


@pytest.mark.parametrize(
    ("asset_id", "code"),
    [
        (RANGE_BOUND - 1, Reason.UNCODED_ASSERT),
        (RANGE_BOUND, Reason.UNSORTED_ORACLE_PRICES),
    ],
)
def test_the_ids_of_an_oracle_tick(asset_id: int, code: Reason) -> None:
    """Given one price only, its id is compared with -1, and then with the signed prices, of which it is none."""
    assert reason(STATE, PriceTick(timestamp=NOW + 1, rows=((asset_id, ONE),))) is code


def test_a_negative_word_of_a_message_is_hashed_as_the_element_it_stands_for() -> None:
    first = order(1, True, 10, 10, nonce=1)
    assert hash_of(attrs.evolve(first, asset_id=-1), 0) == hash_of(attrs.evolve(first, asset_id=PRIME - 1), 0)
