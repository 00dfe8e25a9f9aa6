"""Orders: what a signature allows, how far it is filled, and how a limit order is filled."""

from typing import NamedTuple

from perp_spec.language import both, either, require, select
from perp_spec.starkex.bounds import AMOUNT_BOUND, EXPIRATION_BOUND, NONCE_BOUND
from perp_spec.starkex.common import amount_fits, at_least
from perp_spec.starkex.position import Change, Held, update_collateral, update_position
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Asset, Config, Holding, OrderState, Position, System
from perp_spec.starkex.transactions import LimitOrder


def fill_order(
    system: System,
    stored: OrderState,
    authorised: bool,
    nonce: int,
    expiration: int,
    amount: int,
    whole: int,
) -> OrderState:
    """Check that a signed order allows `amount` more of its `whole` to be filled, and book that."""
    require(authorised, Reason.INVALID_SIGNATURE)
    require(both(expiration >= system.minimum_expiration, expiration < EXPIRATION_BOUND), Reason.UNCODED_ASSERT)
    require(both(nonce >= 0, nonce < NONCE_BOUND), Reason.UNCODED_ASSERT)
    # A negative whole is a large field element where the program tells the two codes apart.
    fits = either(both(whole < 0, amount >= 0), amount <= whole - stored.fulfilled)
    require(fits, Reason.INVALID_FULFILLMENT_INFO)
    require(both(amount >= 0, whole >= 0, whole < AMOUNT_BOUND), Reason.OUT_OF_RANGE_AMOUNT)
    return OrderState(stored.fulfilled + amount)


def require_fair(order: LimitOrder, collateral: int, synthetic: int, fee: int) -> None:
    """The actual amounts are at least as good as the order's, to one unit of collateral.

    The fee is at most the order's share of the collateral. A buyer pays at most the order's price, rounded up: the
    ceiling of C * s / S; a seller receives at least the order's price, rounded down: the floor of C * s / S.
    """
    fee_fits = at_least(order.amount_fee * collateral, fee * order.amount_collateral)
    require(fee_fits, Reason.INVALID_FULFILLMENT_FEE_RATIO)
    at_price = order.amount_collateral * synthetic
    larger = select(order.buys, at_price, order.amount_synthetic * (collateral + 1))
    smaller = select(order.buys, (collateral - 1) * order.amount_synthetic, at_price)
    bought_for_nothing = both(order.buys, collateral == 0)
    price_fits = either(bought_for_nothing, at_least(larger, smaller + 1))
    require(price_fits, Reason.INVALID_FULFILLMENT_ASSETS_RATIO)


class Filled(NamedTuple):
    """What filling a limit order stores."""

    stored: OrderState
    fee: Position
    fee_held: Held
    position: Position
    holding: Holding
    others: Held


def fill_limit_order(
    order: LimitOrder,
    actual_collateral: int,
    actual_synthetic: int,
    actual_fee: int,
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
    """Fill a limit order: the fee position gains the fee, the party gets one side and pays the other and the fee.

    No guard compares the order's price with the oracle's.
    """
    require(order.position_id != config.fee_position_id, Reason.UNCODED_ASSERT)
    require(order.collateral_asset_id == config.collateral_asset_id, Reason.INVALID_COLLATERAL_ASSET_ID)
    positive = both(order.amount_collateral >= 1, order.amount_collateral < AMOUNT_BOUND)
    require(positive, Reason.OUT_OF_RANGE_POSITIVE_AMOUNT)
    require(amount_fits(order.amount_fee), Reason.UNCODED_ASSERT)
    require(at_least(actual_synthetic, 1), Reason.OUT_OF_RANGE_POSITIVE_AMOUNT)
    require_fair(order, actual_collateral, actual_synthetic, actual_fee)
    filled = fill_order(
        system, stored, order.authorised, order.nonce, order.expiration, actual_synthetic, order.amount_synthetic
    )
    fee_after, fee_held_after = update_collateral(system, config.fee_public_key, actual_fee, fee, fee_held)
    change = Change(
        public_key=order.public_key,
        collateral=select(order.buys, -actual_collateral, actual_collateral) - actual_fee,
        asset_id=order.asset_id,
        balance=select(order.buys, actual_synthetic, -actual_synthetic),
    )
    party = update_position(system, change, position, holding, asset, others)
    return Filled(filled, fee_after, fee_held_after, party.position, party.holding, party.others)
