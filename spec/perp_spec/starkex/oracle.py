"""The proof of an oracle price: a median of enough signed prices, each brought to the system's units."""

from typing import NamedTuple

from perp_spec.language import both, fold, indicator, mul_div_floor, require, table
from perp_spec.starkex.bounds import (
    DIVISOR_LAST,
    EXTERNAL_PRICE_LAST,
    EXTERNAL_UNIT,
    ONE,
    PRICE_BOUND,
    RANGE_BOUND,
    SIGNATURE_TIME_LAST,
)
from perp_spec.starkex.position import Held
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import SignedPrice
from perp_spec.starkex.transactions import PriceProof


@table()
def internal_price(external_price: int, collateral_resolution: int, resolution: int) -> int:
    """A signed price in the system's units, .32, rounded to the nearest, a half up.

    `external_price` is collateral for one unit of the asset in units of 10^-18; a resolution is how many units of the
    system make one unit of its asset. The program divides by nothing larger than DIVISOR_LAST, which takes resolutions
    up to about 2^63.2, and finds no quotient of 2^128 or more.
    """
    denominator = resolution * EXTERNAL_UNIT
    require(denominator <= DIVISOR_LAST, Reason.UNCODED_ASSERT)
    half = mul_div_floor(denominator, 1, 2)
    price = mul_div_floor(external_price * collateral_resolution * ONE + half, 1, denominator)
    require(price < RANGE_BOUND, Reason.UNCODED_ASSERT)
    return price


class Ranks(NamedTuple):
    """What was met of the signed prices."""

    last_signer: int
    at_most: int
    """Signed prices at most the claimed one."""
    at_least: int
    """Signed prices at least the claimed one."""


@table()
def check_signature(met: Ranks, signed: SignedPrice, op: PriceProof) -> tuple[SignedPrice, Ranks]:
    """Check one signed price, and compare it with the claimed one. Signers strictly rise, so that each counts once."""
    require(signed.signer_key > met.last_signer, Reason.UNCODED_ASSERT)
    require(both(signed.external_price >= 0, signed.external_price <= EXTERNAL_PRICE_LAST), Reason.UNCODED_ASSERT)
    require(both(signed.timestamp >= 0, signed.timestamp <= SIGNATURE_TIME_LAST), Reason.UNCODED_ASSERT)
    require(signed.authorised, Reason.UNCODED_ASSERT)
    require(signed.is_signer, Reason.INVALID_ASSET_ORACLE_PRICE)
    require(signed.is_asset, Reason.UNCODED_ASSERT)
    require(both(signed.timestamp >= op.earliest, signed.timestamp <= op.latest), Reason.UNCODED_ASSERT)
    price = internal_price(signed.external_price, op.collateral_resolution, op.resolution)
    return signed, Ranks(
        last_signer=signed.signer_key,
        at_most=met.at_most + indicator(price <= op.price),
        at_least=met.at_least + indicator(price >= op.price),
    )


@table()
def require_median(op: PriceProof, signatures: Held) -> int:
    """The claimed price is in range, and a median of at least a quorum of signed prices of one time window.

    It need not be one of them: where their number is even, anything between the middle two will do.
    """
    require(op.signatures >= op.quorum, Reason.UNCODED_ASSERT)
    require(both(op.price >= 1, op.price < PRICE_BOUND), Reason.UNCODED_ASSERT)
    _, ranks = fold(check_signature, signatures, Ranks(0, 0, 0), op)
    require(2 * ranks.at_most >= op.signatures, Reason.UNCODED_ASSERT)
    require(2 * ranks.at_least >= op.signatures, Reason.UNCODED_ASSERT)
    return op.price
