"""Where the program proves an inequality, the two sides may not be 2^128 or more apart: the code says so."""

import attrs
import pytest

from perp_reference.starkex.hashes import hash_of
from perp_reference.starkex.machine import IndexTick, PriceTick, Rejected
from perp_reference.starkex.pedersen import PRIME
from perp_spec.language import attempt
from perp_spec.starkex.bounds import NO_ASSET, ONE, RANGE_BOUND
from perp_spec.starkex.oracle import require_median
from perp_spec.starkex.position import Change, try_update_position
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Asset, Holding, SignedPrice
from perp_spec.starkex.transactions import PriceProof
from support.starkex import BTC, ETH, NOW, order, position, reason, system, trade

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
    ("ids", "known", "code"),
    [
        ((RANGE_BOUND - 1,), (BTC, ETH), Reason.UNCODED_ASSERT),
        ((RANGE_BOUND,), (BTC, ETH), Reason.UNSORTED_ORACLE_PRICES),
        ((RANGE_BOUND + ETH,), (BTC, ETH), Reason.UNSORTED_ORACLE_PRICES),
        ((RANGE_BOUND + ETH + 1,), (BTC, ETH), Reason.UNCODED_ASSERT),
        ((RANGE_BOUND + ETH + 1,), (), Reason.UNSORTED_ORACLE_PRICES),
        ((-1,), (BTC, ETH), Reason.UNCODED_ASSERT),
        ((-1,), (), Reason.UNSORTED_ORACLE_PRICES),
        ((BTC, -1), (BTC, ETH), Reason.UNCODED_ASSERT),
        ((ETH, -1), (BTC, ETH), Reason.UNSORTED_ORACLE_PRICES),
        ((ETH, BTC), (BTC, ETH), Reason.UNSORTED_ORACLE_PRICES),
        ((BTC, BTC), (BTC, ETH), Reason.UNSORTED_ORACLE_PRICES),
        ((BTC, ETH), (), Reason.SUCCESS),
        ((BTC, 30), (BTC, ETH), Reason.UNCODED_ASSERT),
    ],
)
def test_the_ids_of_an_oracle_tick(ids: tuple[int, ...], known: tuple[int, ...], code: Reason) -> None:
    """The program looks for an id among those behind the last that have a price, compares it, then looks for bounds."""
    state = system({}, prices=tuple((asset_id, ONE) for asset_id in known))
    state.low_prices, state.high_prices = dict.fromkeys((BTC, ETH), ONE), dict.fromkeys((BTC, ETH), ONE)
    assert reason(state, PriceTick(timestamp=NOW + 1, rows=tuple((asset_id, ONE) for asset_id in ids))) is code


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (((BTC, 0), (ETH, 0), (2**120 - 1, 5)), Reason.SUCCESS),
        (((BTC, 0), (ETH, 0), (2**120, 5)), Reason.UNCODED_ASSERT),
        (((BTC, 0), (ETH, 0), (2**120, 5), (2**120 + 1, 2**63)), Reason.UNCODED_ASSERT),
        (((BTC, 0), (ETH, 0), (2**120, 2**63)), Reason.OUT_OF_RANGE_FUNDING_INDEX),
        (((BTC, 2**63), (ETH, 0)), Reason.OUT_OF_RANGE_FUNDING_INDEX),
        (((RANGE_BOUND, 2**63),), Reason.UNCODED_ASSERT),
        (((-1, 2**63),), Reason.UNCODED_ASSERT),
        (((ETH, 0), (BTC, 0)), Reason.UNCODED_ASSERT),
    ],
)
def test_the_ids_and_indices_of_a_funding_tick(rows: tuple[tuple[int, int], ...], code: Reason) -> None:
    """The program compares an id with the one before, then its index with the range, then looks for what it knows."""
    assert reason(STATE, IndexTick(timestamp=NOW, rows=rows)) is code


@pytest.mark.parametrize(("seconds", "code"), [(RANGE_BOUND - 1, Reason.SUCCESS), (RANGE_BOUND, Reason.UNCODED_ASSERT)])
def test_the_time_of_a_tick(seconds: int, code: Reason) -> None:
    same = ((BTC, 0), (ETH, 0))
    assert reason(STATE, IndexTick(timestamp=NOW + seconds, rows=same)) is code
    assert reason(STATE, PriceTick(timestamp=NOW + seconds)) is code


@pytest.mark.parametrize(
    ("asset_id", "units", "code"),
    [
        (NO_ASSET, 0, Reason.SUCCESS),
        (NO_ASSET, 1, Reason.UNCODED_ASSERT),
        (5, 0, Reason.MISSING_ORACLE_PRICE),
        (RANGE_BOUND - 1, 1, Reason.MISSING_ORACLE_PRICE),
        (RANGE_BOUND, 0, Reason.UNCODED_ASSERT),
        (-2, 0, Reason.UNCODED_ASSERT),
    ],
)
def test_the_id_of_an_asset_that_is_looked_for(asset_id: int, units: int, code: Reason) -> None:
    """The program finds a place among sorted ids by inequalities, which fail where an id is far above them all."""
    change = Change(1, 0, asset_id, units)
    given = (STATE.system, change, position(1, 1000).position, Holding(), Asset(), ())
    code_found, _ = attempt(try_update_position, *given, otherwise=None)
    tried = code_found or try_update_position(*given).code
    assert tried == code


def signed(key: int, price: int) -> tuple[SignedPrice]:
    """A good signed price."""
    return (SignedPrice(key, price, NOW, is_signer=True, is_asset=True, authorised=True),)


PROOF = PriceProof(price=ONE, signatures=3, quorum=2, earliest=NOW, latest=NOW)


def test_a_signed_price_far_above_the_median_fails_the_proof() -> None:
    """Given three prices of which one is extreme, the median is proved where its quotient is below 2^128."""
    fine = attrs.evolve(PROOF, collateral_resolution=2**60, price=(2**92 + 10**18 // 2) // 10**18)
    extreme = 2**36 * 10**18
    assert require_median(fine, (signed(1, 1), signed(2, 1), signed(3, extreme - 1))) == fine.price
    with pytest.raises(Rejected, match="UNCODED_ASSERT"):
        require_median(fine, (signed(1, 1), signed(2, 1), signed(3, extreme)))


def test_the_highest_signed_price_is_2_to_120() -> None:
    wide = attrs.evolve(
        PROOF, resolution=2**60, price=(2**152 + 2**59 * 10**18) // (2**60 * 10**18), signatures=1, quorum=1
    )
    assert require_median(wide, (signed(1, 2**120),)) == wide.price
    with pytest.raises(Rejected, match="UNCODED_ASSERT"):
        require_median(wide, (signed(1, 2**120 + 1),))


def test_a_negative_word_of_a_message_is_hashed_as_the_element_it_stands_for() -> None:
    first = order(1, True, 10, 10, nonce=1)
    assert hash_of(attrs.evolve(first, asset_id=-1), 0) == hash_of(attrs.evolve(first, asset_id=PRIME - 1), 0)
