"""The transactions of the rule set.

A signature is a fact about a transaction: `authorised` says that it was checked against the message hash and the key.
An order's id is the 64 high bits of its message hash. Amounts are resolution units, times are seconds but for
expirations, which are hours.
"""

from attrs import field, frozen


@frozen
class LimitOrder:
    """Buy or sell up to so many synthetic units at this ratio or better, for at most this share of fee."""

    nonce: int = 0
    public_key: int = 0
    expiration: int = 0
    amount_synthetic: int = 0
    amount_collateral: int = 0
    amount_fee: int = 0
    asset_id: int = 0
    collateral_asset_id: int = 0
    position_id: int = 0
    buys: bool = False
    authorised: bool = False
    order_id: int = 0


@frozen
class Deposit:
    """Add collateral that arrived at the contract."""

    public_key: int = 0
    position_id: int = 0
    amount: int = 0


@frozen
class Withdrawal:
    """Take collateral out, to one's own key or to another one."""

    nonce: int = 0
    public_key: int = 0
    expiration: int = 0
    position_id: int = 0
    amount: int = 0
    owner_key: int = 0
    """Who may take it from the contract."""
    authorised: bool = False
    order_id: int = 0


@frozen
class Transfer:
    """Move collateral to another position."""

    nonce: int = 0
    public_key: int = 0
    expiration: int = 0
    sender_position_id: int = 0
    receiver_public_key: int = 0
    receiver_position_id: int = 0
    amount: int = 0
    asset_id: int = 0
    authorised: bool = False
    order_id: int = 0


@frozen
class ConditionalTransfer:
    """Move collateral to another position if a condition holds, which the contract checks."""

    transfer: Transfer = field(factory=Transfer)
    condition: int = 0
    """Hash of the contract and the fact; output as it is."""


@frozen
class Trade:
    """Match two orders: A buys, B sells."""

    order_a: LimitOrder = field(factory=LimitOrder)
    order_b: LimitOrder = field(factory=LimitOrder)
    actual_collateral: int = 0
    actual_synthetic: int = 0
    actual_a_fee: int = 0
    actual_b_fee: int = 0


@frozen
class Liquidate:
    """Match an order with a position that is not well leveraged."""

    liquidator_order: LimitOrder = field(factory=LimitOrder)
    liquidated_position_id: int = 0
    actual_collateral: int = 0
    actual_synthetic: int = 0
    actual_liquidator_fee: int = 0


@frozen
class Deleverage:
    """Close a part of a position worth less than zero against one on the other side, nobody signing."""

    deleveragable_position_id: int = 0
    deleverager_position_id: int = 0
    asset_id: int = 0
    amount_synthetic: int = 0
    amount_collateral: int = 0
    deleverager_buys: bool = False


@frozen
class ForcedWithdrawal:
    """Answer a withdrawal that was requested on chain."""

    public_key: int = 0
    position_id: int = 0
    amount: int = 0
    is_valid: bool = False
    """The answer: it is done, or it cannot be done."""


@frozen
class ForcedTrade:
    """Answer a trade that both parties requested on chain."""

    public_key_a: int = 0
    public_key_b: int = 0
    position_id_a: int = 0
    position_id_b: int = 0
    asset_id: int = 0
    amount_collateral: int = 0
    amount_synthetic: int = 0
    a_buys: bool = False
    nonce: int = 0
    is_valid: bool = False
    """The answer: it is done, or it cannot be done."""


@frozen
class FundingTick:
    """Give new funding indices."""

    timestamp: int = 0


@frozen
class OracleTick:
    """Give new prices."""

    timestamp: int = 0


@frozen
class PriceProof:
    """The claim that a price is a median of signed ones."""

    price: int = 0
    signatures: int = 0
    """How many signed prices come with it."""
    quorum: int = 0
    """How many the asset needs."""
    earliest: int = 0
    """Earliest time a signature may have."""
    latest: int = 0
    """Latest time a signature may have."""
    resolution: int = 1
    """Of the asset."""
    collateral_resolution: int = 1
