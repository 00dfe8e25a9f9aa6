"""The words that are hashed: messages that are signed, leaves of the trees, and the configuration.

Each packed word is a number in mixed radix, its first part on top. A digest is the chain h(h(w1, w2), w3) ... of the
words given, or begins with zero where it says so. The hash itself is the Pedersen hash over the STARK curve.
"""

from perp_spec.starkex.bounds import (
    AMOUNT_BOUND,
    BALANCE_BOUND,
    EXPIRATION_BOUND,
    INDEX_BOUND,
    NONCE_BOUND,
    RISK_FACTOR_BOUND,
)
from perp_spec.starkex.records import Holding, Position
from perp_spec.starkex.transactions import LimitOrder, Transfer, Withdrawal

LIMIT_ORDER_WITH_FEES = 3
TRANSFER = 4
CONDITIONAL_TRANSFER = 5
WITHDRAWAL = 6
WITHDRAWAL_TO_OWNER_KEY = 7

POSITION_ID_BOUND = 2**64

CONFIG_VERSION = int.from_bytes(b"PerpetualConfig1", "big")
"""First word of the configuration's hash."""


def packed(*parts: tuple[int, int]) -> int:
    """One word from (value, exclusive bound) pairs, the first on top."""
    word = 0
    for value, bound in parts:
        word = word * bound + value
    return word


def limit_order_words(order: LimitOrder) -> tuple[int, ...]:
    """Words of a limit order. The fee is paid in collateral, and all three amounts move in one position."""
    collateral = (order.amount_collateral, order.collateral_asset_id)
    synthetic = (order.amount_synthetic, order.asset_id)
    (sells, sold), (buys, bought) = (collateral, synthetic) if order.buys else (synthetic, collateral)
    position = (order.position_id, POSITION_ID_BOUND)
    return (
        sold,
        bought,
        order.collateral_asset_id,
        packed(
            (sells, AMOUNT_BOUND), (buys, AMOUNT_BOUND), (order.amount_fee, AMOUNT_BOUND), (order.nonce, NONCE_BOUND)
        ),
        packed(
            (LIMIT_ORDER_WITH_FEES, 2**10),
            position,
            position,
            position,
            (order.expiration, EXPIRATION_BOUND),
            (0, 2**17),
        ),
    )


def transfer_words(transfer: Transfer, condition: int) -> tuple[int, ...]:
    """Words of a transfer, with its condition where that is not zero. There is no fee; the sender would pay it."""
    kind = CONDITIONAL_TRANSFER if condition else TRANSFER
    sender = (transfer.sender_position_id, POSITION_ID_BOUND)
    receiver = (transfer.receiver_position_id, POSITION_ID_BOUND)
    no_fee = (0, AMOUNT_BOUND)
    return (
        transfer.asset_id,
        0,
        transfer.receiver_public_key,
        *((condition,) if condition else ()),
        packed(sender, receiver, sender, (transfer.nonce, NONCE_BOUND)),
        packed(
            (kind, 2**10),
            (transfer.amount, AMOUNT_BOUND),
            no_fee,
            (transfer.expiration, EXPIRATION_BOUND),
            (0, 2**81),
        ),
    )


def withdrawal_words(withdrawal: Withdrawal, collateral_asset_id: int) -> tuple[int, ...]:
    """Words of a withdrawal; the key it goes to is one of them where it is not the position's own."""
    elsewhere = withdrawal.owner_key != withdrawal.public_key
    kind = WITHDRAWAL_TO_OWNER_KEY if elsewhere else WITHDRAWAL
    return (
        collateral_asset_id,
        *((withdrawal.owner_key,) if elsewhere else ()),
        packed(
            (kind, 2**10),
            (withdrawal.position_id, POSITION_ID_BOUND),
            (withdrawal.nonce, NONCE_BOUND),
            (withdrawal.amount, AMOUNT_BOUND),
            (withdrawal.expiration, EXPIRATION_BOUND),
            (0, 2**49),
        ),
    )


def position_words(position: Position, assets: tuple[tuple[int, Holding], ...]) -> tuple[int, ...]:
    """Words of a position's leaf, hashed from zero: its assets, its key, and its collateral with their number."""
    return (
        *(
            packed(
                (asset_id, 2**120),
                (holding.cached_index + INDEX_BOUND, 2 * INDEX_BOUND),
                (holding.balance + BALANCE_BOUND, 2 * BALANCE_BOUND),
            )
            for asset_id, holding in assets
        ),
        position.public_key,
        packed((position.collateral + BALANCE_BOUND, 2 * BALANCE_BOUND), (len(assets), 2**16)),
    )


def asset_words(
    asset_id: int,
    resolution: int,
    segments: tuple[tuple[int, int], ...],
    signed_ids: tuple[int, ...],
    quorum: int,
    signers: tuple[int, ...],
) -> tuple[int, ...]:
    """Words of an asset's configuration, hashed from zero, the number of words last."""
    words = (
        asset_id,
        resolution,
        len(segments),
        *(packed((upper_bound, 2**128), (risk, RISK_FACTOR_BOUND)) for upper_bound, risk in segments),
        len(signed_ids),
        *signed_ids,
        quorum,
        len(signers),
        *signers,
    )
    return (*words, len(words))


def config_words(*fields: int) -> tuple[int, ...]:
    """Words of the rest of the configuration, hashed from zero, the number of words last.

    The fields are the largest funding rate, the collateral asset and its resolution, the fee position and its key, the
    heights of the two trees, the validity periods of prices and funding, the availability mode, and whether risk goes
    by balance only.
    """
    words = (CONFIG_VERSION, *fields)
    return (*words, len(words))
