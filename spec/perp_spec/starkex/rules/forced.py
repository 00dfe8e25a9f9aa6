"""Forced actions: what was requested on chain, and must be answered in time. The answer may be that it cannot be done.

An answer is accepted only if it is the right one. Where an assertion without a code fails, neither answer is accepted:
then the operator cannot serve the request, and anybody may freeze the exchange when its time is up.
"""

from perp_spec.language import require
from perp_spec.starkex.answers import parties_after, requested_changes, require_right_answer
from perp_spec.starkex.common import STARKEX, amount_fits, require_fresh_funding
from perp_spec.starkex.footprint import reads, updates, updates_collateral, updates_position
from perp_spec.starkex.position import Held, try_update_collateral, try_update_position
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Asset, Config, Holding, Modification, Position, System
from perp_spec.starkex.transactions import ForcedTrade, ForcedWithdrawal


@STARKEX.operation(
    ForcedWithdrawal,
    reads(System),
    reads(Config),
    *updates_collateral("position_id"),
    updates(Modification),
)
def forced_withdrawal(
    op: ForcedWithdrawal, system: System, config: Config, position: Position, held: Held, blank: Modification
) -> tuple[Position, Held, Modification]:
    """Answer a forced withdrawal. One that cannot be done leaves the position funded."""
    require_fresh_funding(system, config)
    require(amount_fits(op.amount), Reason.OUT_OF_RANGE_AMOUNT)
    code, after, held_after = try_update_collateral(system, op.public_key, -op.amount, position, held)
    require_right_answer(op.is_valid, code)
    return after, held_after, Modification(op.is_valid, op.public_key, op.position_id, -op.amount)


@STARKEX.operation(
    ForcedTrade,
    reads(System),
    reads(Config),
    *updates_position("position_id_a", "asset_id"),
    *updates_position("position_id_b", "asset_id"),
)
def forced_trade(
    op: ForcedTrade,
    system: System,
    config: Config,
    position_a: Position,
    holding_a: Holding,
    asset: Asset,
    others_a: Held,
    position_b: Position,
    holding_b: Holding,
    same_asset: Asset,
    others_b: Held,
) -> tuple[Position, Holding, Held, Position, Holding, Held]:
    """Answer a forced trade. Both updates are always evaluated; one that cannot be done leaves both funded."""
    change_a, change_b = requested_changes(op, system, config)
    tried_a = try_update_position(system, change_a, position_a, holding_a, asset, others_a)
    tried_b = try_update_position(system, change_b, position_b, holding_b, same_asset, others_b)
    return parties_after(op, tried_a, tried_b)
