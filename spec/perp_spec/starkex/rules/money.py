"""Money in and out: deposit, withdrawal, transfer, conditional transfer."""

from perp_spec.language import require
from perp_spec.starkex.common import STARKEX, amount_fits, require_fresh_funding
from perp_spec.starkex.footprint import reads, updates, updates_collateral
from perp_spec.starkex.orders import fill_order
from perp_spec.starkex.position import Held, update_collateral
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Config, Modification, OrderState, Position, System
from perp_spec.starkex.transactions import ConditionalTransfer, Deposit, Transfer, Withdrawal


@STARKEX.operation(
    Deposit,
    reads(System),
    reads(Config),
    *updates_collateral("position_id"),
    updates(Modification),
)
def deposit(
    op: Deposit, system: System, config: Config, position: Position, held: Held, blank: Modification
) -> tuple[Position, Held, Modification]:
    """Add collateral to a position of that key, or to an empty one. The contract checks that it arrived."""
    require_fresh_funding(system, config)
    require(amount_fits(op.amount), Reason.OUT_OF_RANGE_AMOUNT)
    after, held_after = update_collateral(system, op.public_key, op.amount, position, held)
    return after, held_after, Modification(True, op.public_key, op.position_id, op.amount)


@STARKEX.operation(
    Withdrawal,
    reads(System),
    reads(Config),
    updates(OrderState, "order_id"),
    *updates_collateral("position_id"),
    updates(Modification),
)
def withdrawal(
    op: Withdrawal,
    system: System,
    config: Config,
    stored: OrderState,
    position: Position,
    held: Held,
    blank: Modification,
) -> tuple[OrderState, Position, Held, Modification]:
    """Take collateral out of a position; it is a signed order that is filled at once, wholly."""
    require_fresh_funding(system, config)
    filled = fill_order(system, stored, op.authorised, op.nonce, op.expiration, op.amount, op.amount)
    after, held_after = update_collateral(system, op.public_key, -op.amount, position, held)
    return filled, after, held_after, Modification(True, op.owner_key, op.position_id, -op.amount)


def move_collateral(
    op: Transfer,
    system: System,
    config: Config,
    stored: OrderState,
    sender: Position,
    sender_held: Held,
    receiver: Position,
    receiver_held: Held,
) -> tuple[OrderState, Position, Held, Position, Held]:
    """What a transfer does, conditional or not: the sender signs, pays first, and the receiver gets it."""
    require_fresh_funding(system, config)
    require(op.sender_position_id != op.receiver_position_id, Reason.SAME_POSITION_ID)
    require(amount_fits(op.amount), Reason.OUT_OF_RANGE_AMOUNT)
    require(op.asset_id == config.collateral_asset_id, Reason.INVALID_COLLATERAL_ASSET_ID)
    filled = fill_order(system, stored, op.authorised, op.nonce, op.expiration, op.amount, op.amount)
    paid, paid_held = update_collateral(system, op.public_key, -op.amount, sender, sender_held)
    got, got_held = update_collateral(system, op.receiver_public_key, op.amount, receiver, receiver_held)
    return filled, paid, paid_held, got, got_held


@STARKEX.operation(
    Transfer,
    reads(System),
    reads(Config),
    updates(OrderState, "order_id"),
    *updates_collateral("sender_position_id"),
    *updates_collateral("receiver_position_id"),
)
def transfer(
    op: Transfer,
    system: System,
    config: Config,
    stored: OrderState,
    sender: Position,
    sender_held: Held,
    receiver: Position,
    receiver_held: Held,
) -> tuple[OrderState, Position, Held, Position, Held]:
    """Move collateral from a position to another one."""
    return move_collateral(op, system, config, stored, sender, sender_held, receiver, receiver_held)


@STARKEX.operation(
    ConditionalTransfer,
    reads(System),
    reads(Config),
    updates(OrderState, "transfer.order_id"),
    *updates_collateral("transfer.sender_position_id"),
    *updates_collateral("transfer.receiver_position_id"),
)
def conditional_transfer(
    op: ConditionalTransfer,
    system: System,
    config: Config,
    stored: OrderState,
    sender: Position,
    sender_held: Held,
    receiver: Position,
    receiver_held: Held,
) -> tuple[OrderState, Position, Held, Position, Held]:
    """Move collateral from a position to another one. The condition is output, for the contract to check."""
    return move_collateral(op.transfer, system, config, stored, sender, sender_held, receiver, receiver_held)
