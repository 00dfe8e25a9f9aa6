"""Closing positions against their owner's will: liquidation and deleveraging."""

from perp_spec.language import both, negate, require, select, table
from perp_spec.starkex.bounds import ONE
from perp_spec.starkex.common import STARKEX, amounts_fit, require_fresh_funding
from perp_spec.starkex.footprint import FEE_POSITION, reads, updates, updates_collateral, updates_position
from perp_spec.starkex.orders import Filled, fill_limit_order
from perp_spec.starkex.position import (
    Change,
    Held,
    Side,
    Status,
    Updated,
    asset_terms,
    change_position,
    fund_side,
    require_status,
    side_status,
    well_leveraged,
)
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Asset, Config, Holding, OrderState, Position, System
from perp_spec.starkex.transactions import Deleverage, Liquidate


def holds_opposite(balance: int, amount: int, sells: bool) -> bool:
    """A position holds at least `amount` to sell, or is short of at least that much to buy back."""
    return both(amount >= 0, amount <= select(sells, balance, -balance))


def funded_status(side: Side) -> Status:
    """The status of a funded position."""
    return side_status(side.position.collateral, side.rest, side.touched)


@STARKEX.operation(
    Liquidate,
    reads(System),
    reads(Config),
    *updates_position("liquidated_position_id", "liquidator_order.asset_id"),
)
def liquidate_position(
    op: Liquidate,
    system: System,
    config: Config,
    position: Position,
    holding: Holding,
    asset: Asset,
    others: Held,
) -> Updated:
    """First step of a liquidation: a position that is not well leveraged is reduced at the price of the trade.

    The valid transition is its only protection from a bad price: its value for each unit of risk may not fall. Once
    no risk is left, it may be worth anything.
    """
    order = op.liquidator_order
    require_fresh_funding(system, config)
    require(amounts_fit(op.actual_collateral, op.actual_liquidator_fee), Reason.UNCODED_ASSERT)
    require(order.position_id != op.liquidated_position_id, Reason.UNCODED_ASSERT)
    side = fund_side(system, position, holding, asset, others)
    status = funded_status(side)
    require_status(status)
    require(negate(well_leveraged(status)), Reason.UNLIQUIDATABLE_POSITION)
    reduces = holds_opposite(side.holding.balance, op.actual_synthetic, order.buys)
    require(reduces, Reason.ILLEGAL_POSITION_TRANSITION_ENLARGING_SYNTHETIC_HOLDINGS)
    change = Change(
        public_key=side.position.public_key,
        collateral=select(order.buys, op.actual_collateral, -op.actual_collateral),
        asset_id=order.asset_id,
        balance=select(order.buys, -op.actual_synthetic, op.actual_synthetic),
    )
    after, touched = change_position(change, side, asset)
    return Updated(after, touched, side.others)


@STARKEX.operation(
    Liquidate,
    reads(System),
    reads(Config),
    updates(OrderState, "liquidator_order.order_id"),
    *updates_collateral(FEE_POSITION),
    *updates_position("liquidator_order.position_id", "liquidator_order.asset_id"),
)
def liquidate_order(
    op: Liquidate,
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
    """Second step of a liquidation: the liquidator's order is filled."""
    return fill_limit_order(
        op.liquidator_order,
        op.actual_collateral,
        op.actual_synthetic,
        op.actual_liquidator_fee,
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


@table()
def require_fair_deleverage(before: Status, after: Status) -> None:
    """With one unit of collateral less, the deleveraged position's value for each unit of risk would have fallen.

    Together with its valid transition this leaves one amount of collateral where risk is left, and it is the most
    that the other side can get.
    """
    fair = before.value * after.risk > (after.value - ONE) * before.risk
    require(fair, Reason.UNFAIR_DELEVERAGE)


@STARKEX.operation(
    Deleverage,
    reads(System),
    reads(Config),
    *updates_position("deleveragable_position_id", "asset_id"),
    *updates_position("deleverager_position_id", "asset_id"),
)
def deleverage(
    op: Deleverage,
    system: System,
    config: Config,
    position: Position,
    holding: Holding,
    asset: Asset,
    others: Held,
    other_position: Position,
    other_holding: Holding,
    other_asset: Asset,
    other_others: Held,
) -> tuple[Position, Holding, Held, Position, Holding, Held]:
    """Close a part of a position worth less than zero against one on the other side that the operator chooses.

    Nobody signs. Both sides keep the valid transition.
    """
    require_fresh_funding(system, config)
    require(amounts_fit(op.amount_synthetic, op.amount_collateral), Reason.UNCODED_ASSERT)
    require(op.deleverager_position_id != op.deleveragable_position_id, Reason.SAME_POSITION_ID)
    bought = select(op.deleverager_buys, op.amount_synthetic, -op.amount_synthetic)
    paid = select(op.deleverager_buys, op.amount_collateral, -op.amount_collateral)
    side = fund_side(system, position, holding, asset, others)
    after, touched = change_position(Change(0, paid, op.asset_id, -bought), side, asset)
    other = fund_side(system, other_position, other_holding, other_asset, other_others)
    other_after, other_touched = change_position(Change(0, -paid, op.asset_id, bought), other, other_asset)
    covers = holds_opposite(other.holding.balance, op.amount_synthetic, negate(op.deleverager_buys))
    require(covers, Reason.ILLEGAL_POSITION_TRANSITION_ENLARGING_SYNTHETIC_HOLDINGS)
    before = funded_status(side)
    require_status(before)
    require(before.value < 0, Reason.UNDELEVERAGABLE_POSITION)
    _, touched_terms = asset_terms(touched, asset)
    left = side_status(after.collateral, side.rest, touched_terms)
    require_status(left)
    require_fair_deleverage(before, left)
    return after, touched, side.others, other_after, other_touched, other.others
