"""Trading: two limit orders, each filled by itself, the buyer's wholly before the seller's."""

from perp_spec.language import both, negate, require
from perp_spec.starkex.common import STARKEX, amount_fits, amounts_fit, require_fresh_funding
from perp_spec.starkex.footprint import FEE_POSITION, reads, updates, updates_collateral, updates_position
from perp_spec.starkex.orders import Filled, fill_limit_order
from perp_spec.starkex.position import Held
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Asset, Config, Holding, OrderState, Position, System
from perp_spec.starkex.transactions import Trade


@STARKEX.operation(
    Trade,
    reads(System),
    reads(Config),
    updates(OrderState, "order_a.order_id"),
    *updates_collateral(FEE_POSITION),
    *updates_position("order_a.position_id", "order_a.asset_id"),
)
def trade_buyer(
    op: Trade,
    system: System,
    config: Config,
    stored: OrderState,
    fee: Position,
    fee_held: Held,
    position: Position,
    holding: Holding,
    asset: Asset,
    others: Held,
) -> Filled:
    """First step of a trade: order A, which buys, is filled."""
    require_fresh_funding(system, config)
    require(amounts_fit(op.actual_collateral, op.actual_a_fee), Reason.UNCODED_ASSERT)
    require(amount_fits(op.actual_b_fee), Reason.UNCODED_ASSERT)
    require(both(op.order_a.buys, negate(op.order_b.buys)), Reason.UNCODED_ASSERT)
    return fill_limit_order(
        op.order_a,
        op.actual_collateral,
        op.actual_synthetic,
        op.actual_a_fee,
        system,
        config,
        stored,
        fee,
        fee_held,
        position,
        holding,
        asset,
        others,
    )


@STARKEX.operation(
    Trade,
    reads(System),
    reads(Config),
    updates(OrderState, "order_b.order_id"),
    *updates_collateral(FEE_POSITION),
    *updates_position("order_b.position_id", "order_b.asset_id"),
)
def trade_seller(
    op: Trade,
    system: System,
    config: Config,
    stored: OrderState,
    fee: Position,
    fee_held: Held,
    position: Position,
    holding: Holding,
    asset: Asset,
    others: Held,
) -> Filled:
    """Second step of a trade: order B, which sells the same asset from another position, is filled."""
    require(op.order_a.asset_id == op.order_b.asset_id, Reason.UNCODED_ASSERT)
    require(op.order_a.position_id != op.order_b.position_id, Reason.SAME_POSITION_ID)
    return fill_limit_order(
        op.order_b,
        op.actual_collateral,
        op.actual_synthetic,
        op.actual_b_fee,
        system,
        config,
        stored,
        fee,
        fee_held,
        position,
        holding,
        asset,
        others,
    )
