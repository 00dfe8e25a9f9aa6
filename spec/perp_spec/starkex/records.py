"""The records of the state and of the configuration, with units and ranges.

An absent record reads as the one of all zeros: an empty position, an order not yet filled, an asset of which nothing is
known. Nothing here computes.
"""

from attrs import frozen


@frozen
class Position:
    """A position without its synthetic assets. The empty one is all zeros."""

    public_key: int = 0
    """The owner's key on the STARK curve; 0 for the empty position only."""
    collateral: int = 0
    """Resolution units, in [-2^63, 2^63)."""
    funding_timestamp: int = 0
    """When the indices were ticked that were last applied, seconds. Output as data, but not part of the leaf's hash."""


@frozen
class Holding:
    """A synthetic asset of a position; a balance of 0 where it is not held."""

    balance: int = 0
    """Resolution units, negative for a short, in [-2^63, 2^63)."""
    cached_index: int = 0
    """The asset's funding index when funding was last applied, .32."""


@frozen
class Asset:
    """What is known of a synthetic asset now: its configuration, price and funding index."""

    priced: bool = False
    """It has a price."""
    indexed: bool = False
    """It has a funding index."""
    rated: bool = False
    """It is configured and has a price below 2^64, so that the program can compute its value and its risk."""
    price: int = 0
    """Collateral units for a unit, .32, in [1, 2^64)."""
    index: int = 0
    """Cumulative funding a long pays for a unit, collateral units, .32."""
    risk_by_balance: bool = False
    """The risk segments go by balance alone, not by balance times price; the same for all assets."""
    upper_bounds: tuple[int, ...] = ()
    """Upper bound of each risk segment, inclusive, strictly rising, the last one 2^128 - 1."""
    risks: tuple[int, ...] = ()
    """Risk factor of each segment, .32, in [1, 2^32)."""


@frozen
class OrderState:
    """How far an order is filled."""

    fulfilled: int = 0
    """Synthetic units for a limit order, collateral units for the others, in [0, 2^64)."""


@frozen
class System:
    """What every transaction reads of the state and of its batch."""

    system_time: int = 0
    """Time of the last tick, seconds since the epoch."""
    funding_timestamp: int = 0
    """Time of the last funding tick, seconds since the epoch."""
    minimum_expiration: int = 0
    """No order of the batch expires before this, hours since the epoch."""


@frozen
class Config:
    """The part of the configuration that transactions read."""

    collateral_asset_id: int = 0
    fee_position_id: int = 0
    """The position that all fees go to."""
    fee_public_key: int = 0
    """Its key."""
    funding_validity_period: int = 0
    """How old funding indices may be, seconds."""
    max_funding_rate: int = 0
    """Largest change of an index for each second and unit of price, .32."""


@frozen
class Modification:
    """What a transaction tells the contract that holds the money. Output where `happened`, never stored."""

    happened: bool = False
    owner_key: int = 0
    """Whose deposit it takes, or who may take the withdrawal."""
    position_id: int = 0
    delta: int = 0
    """Collateral units that entered, negative for those that left."""


@frozen
class IndexRow:
    """An asset of a funding tick, in the order of the tick, joined with the state."""

    asset_id: int = 0
    index: int = 0
    """The index the tick gives, .32."""
    known: bool = False
    """The asset has an index already."""
    known_index: int = 0
    """That index."""
    known_before: int = 0
    """Assets with an index in the state whose id is smaller."""
    priced: bool = False
    price: int = 0


@frozen
class KnownIndices:
    """How many assets have a funding index in the state."""

    count: int = 0


@frozen
class FundingIndex:
    """A funding index as it is stored."""

    asset_id: int = 0
    index: int = 0


@frozen
class PriceRow:
    """An asset of an oracle tick, in the order of the tick, joined with the batch's signed bounds."""

    asset_id: int = 0
    price: int = 0
    """The price the tick gives, .32."""
    highest: int = 0
    """The highest id that has a price in the state; -1 where none has."""
    bounded: bool = False
    """The batch has signed prices for the asset."""
    low: int = 0
    """The lower of them."""
    high: int = 0
    """The higher of them."""


@frozen
class OraclePrice:
    """A price as it is stored."""

    asset_id: int = 0
    price: int = 0


@frozen
class SignedPrice:
    """A signed price of an asset, joined with the asset's configuration."""

    signer_key: int = 0
    external_price: int = 0
    """Collateral for one unit of the asset, in units of 10^-18."""
    timestamp: int = 0
    """Seconds since the epoch."""
    is_signer: bool = False
    """The key is one of the asset's signers."""
    is_asset: bool = False
    """The id that was signed is one of the asset's."""
    authorised: bool = False
    """The signature is valid."""
