"""A forced trade that can always be answered: the correction of the deployed rule, which sometimes cannot.

In the deployed program an assertion without a code aborts the batch under either answer: where a party would end with
a balance of exactly -2^63, where a held asset has no price, index or configuration, and where funding takes the
collateral out of range. Here every failure is a reason to answer that the trade cannot be done. A position to which
funding cannot be applied stays as it was.
"""

from perp_spec.language import attempt, sweep, table
from perp_spec.operation import RuleSet
from perp_spec.starkex.answers import parties_after, requested_changes
from perp_spec.starkex.footprint import reads, updates_position
from perp_spec.starkex.position import Change, Held, Tried, Updated, fund_and_try
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Asset, Config, Holding, Position, System
from perp_spec.starkex.transactions import ForcedTrade

CORRECTED = RuleSet("starkex-3-2-corrected")
"""The corrected rule, by itself."""


@table(width=1)
def keep_holding(holding: Holding, asset: Asset) -> tuple[Holding, tuple[int]]:  # noqa: ARG001
    """A holding as it is."""
    return holding, (0,)


@table()
def answer_update(
    system: System, change: Change, position: Position, holding: Holding, asset: Asset, others: Held
) -> Tried:
    """Try an update; it never fails. Where funding cannot be applied the position is as it was."""
    kept, _ = sweep(keep_holding, others)
    same = Updated(position, holding, kept)
    refused = Tried(int(Reason.UNCODED_ASSERT), same, same)
    _, tried = attempt(fund_and_try, system, change, position, holding, asset, others, otherwise=refused)
    return tried


@CORRECTED.operation(
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
    """Answer a forced trade: of the two answers exactly one is accepted."""
    change_a, change_b = requested_changes(op, system, config)
    tried_a = answer_update(system, change_a, position_a, holding_a, asset, others_a)
    tried_b = answer_update(system, change_b, position_b, holding_b, same_asset, others_b)
    return parties_after(op, tried_a, tried_b)
