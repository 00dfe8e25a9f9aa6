"""Hashes of messages, positions and configurations, and the keys of the observed cases."""

from functools import cache
from typing import Any

from perp_reference.starkex.pedersen import PRIME, chain, public_key
from perp_reference.starkex.state import AssetConfig, Settings, Stored
from perp_spec.starkex.bounds import HASH_BITS, ORDER_ID_BITS
from perp_spec.starkex.packing import (
    asset_words,
    config_words,
    limit_order_words,
    position_words,
    transfer_words,
    withdrawal_words,
)
from perp_spec.starkex.transactions import LimitOrder, Transfer, Withdrawal

FIRST_PRIVATE_KEY = 0x1000
"""Owner n of the observed cases has the private key that lies n above."""


@cache
def owner_key(owner: int) -> int:
    """The public key of an owner of the observed cases; 0 for nobody."""
    return 0 if owner == 0 else public_key(FIRST_PRIVATE_KEY + owner)


def onto_first(words: tuple[int, ...]) -> int:
    """The hash of a message: h(h(w1, w2), w3) and so on."""
    first, *others = words
    return chain(tuple(others), first % PRIME)


def hash_of(content: Any, further: int) -> int:
    """The hash of a message or a position. `further` is a transfer's condition, a withdrawal's collateral asset."""
    match content:
        case LimitOrder():
            return onto_first(limit_order_words(content))
        case Transfer():
            return onto_first(transfer_words(content, further))
        case Withdrawal():
            return onto_first(withdrawal_words(content, further))
        case _:
            return position_hash(content)


def position_hash(stored: Stored) -> int:
    """The leaf of a position."""
    return chain(position_words(stored.position, stored.assets))


def order_id_of(message_hash: int) -> int:
    """The id of an order: the high bits of its hash."""
    return message_hash >> (HASH_BITS - ORDER_ID_BITS)


def asset_hash(asset: AssetConfig) -> int:
    """The hash of an asset's configuration."""
    return chain(
        asset_words(asset.asset_id, asset.resolution, asset.segments, asset.signed_ids, asset.quorum, asset.signers)
    )


def config_hash(settings: Settings, positions_height: int, orders_height: int) -> int:
    """The hash of the configuration without its assets."""
    config = settings.config
    return chain(
        config_words(
            config.max_funding_rate,
            config.collateral_asset_id,
            settings.collateral_resolution,
            config.fee_position_id,
            config.fee_public_key,
            positions_height,
            orders_height,
            settings.price_validity_period,
            config.funding_validity_period,
            settings.data_availability_mode,
            int(settings.risk_by_balance),
        )
    )
