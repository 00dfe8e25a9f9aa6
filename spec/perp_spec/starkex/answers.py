"""Answers to forced actions: which is right, and what both answers to a forced trade share."""

from perp_spec.language import either, require, require_if, select
from perp_spec.starkex.common import amounts_fit, require_fresh_funding
from perp_spec.starkex.position import Change, Held, Tried
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Config, Holding, Position, System
from perp_spec.starkex.transactions import ForcedTrade


def require_no_code_if(active: bool, code: int) -> None:
    """Fail with the code that an update returned: each that it can return, by its own name."""
    require_if(active, code != int(Reason.MISSING_ORACLE_PRICE), Reason.MISSING_ORACLE_PRICE)
    require_if(active, code != int(Reason.MISSING_GLOBAL_FUNDING_INDEX), Reason.MISSING_GLOBAL_FUNDING_INDEX)
    require_if(active, code != int(Reason.INVALID_PUBLIC_KEY), Reason.INVALID_PUBLIC_KEY)
    require_if(active, code != int(Reason.OUT_OF_RANGE_BALANCE), Reason.OUT_OF_RANGE_BALANCE)
    require_if(
        active,
        code != int(Reason.TOO_MANY_SYNTHETIC_ASSETS_IN_POSITION),
        Reason.TOO_MANY_SYNTHETIC_ASSETS_IN_POSITION,
    )
    require_if(active, code != int(Reason.OUT_OF_RANGE_TOTAL_VALUE), Reason.OUT_OF_RANGE_TOTAL_VALUE)
    require_if(active, code != int(Reason.OUT_OF_RANGE_TOTAL_RISK), Reason.OUT_OF_RANGE_TOTAL_RISK)
    require_if(
        active,
        code != int(Reason.ILLEGAL_POSITION_TRANSITION_ENLARGING_SYNTHETIC_HOLDINGS),
        Reason.ILLEGAL_POSITION_TRANSITION_ENLARGING_SYNTHETIC_HOLDINGS,
    )
    require_if(
        active,
        code != int(Reason.ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO),
        Reason.ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO,
    )
    require_if(
        active,
        code != int(Reason.ILLEGAL_POSITION_TRANSITION_NO_RISK_REDUCED_VALUE),
        Reason.ILLEGAL_POSITION_TRANSITION_NO_RISK_REDUCED_VALUE,
    )
    require_if(active, code == int(Reason.SUCCESS), Reason.UNCODED_ASSERT)


def require_right_answer(is_valid: bool, code: int) -> None:
    """A valid action needs success, an invalid one needs an error code."""
    require_no_code_if(is_valid, code)
    require(either(is_valid, code != int(Reason.SUCCESS)), Reason.UNCODED_ASSERT)


def requested_changes(op: ForcedTrade, system: System, config: Config) -> tuple[Change, Change]:
    """What a forced trade asks of A and of B. There is no order and no fee.

    The guards are what the contract has checked of it, so that they fail for no requested one.
    """
    require_fresh_funding(system, config)
    require(amounts_fit(op.amount_collateral, op.amount_synthetic), Reason.UNCODED_ASSERT)
    require(op.position_id_a != op.position_id_b, Reason.SAME_POSITION_ID)
    units = select(op.a_buys, op.amount_synthetic, -op.amount_synthetic)
    paid = select(op.a_buys, op.amount_collateral, -op.amount_collateral)
    return (
        Change(op.public_key_a, -paid, op.asset_id, units),
        Change(op.public_key_b, paid, op.asset_id, -units),
    )


def code_of_both(a_buys: bool, code_a: int, code_b: int) -> int:
    """The buyer's code, or the seller's where the buyer succeeds."""
    buyer = select(a_buys, code_a, code_b)
    seller = select(a_buys, code_b, code_a)
    return select(buyer == int(Reason.SUCCESS), seller, buyer)


def parties_after(
    op: ForcedTrade, tried_a: Tried, tried_b: Tried
) -> tuple[Position, Holding, Held, Position, Holding, Held]:
    """The two positions after a forced trade that is answered right, both changed or both only funded."""
    code = code_of_both(op.a_buys, tried_a.code, tried_b.code)
    require_right_answer(op.is_valid, code)
    done = code == int(Reason.SUCCESS)
    return (
        select(done, tried_a.after.position, tried_a.funded.position),
        select(done, tried_a.after.holding, tried_a.funded.holding),
        tried_a.funded.others,
        select(done, tried_b.after.position, tried_b.funded.position),
        select(done, tried_b.after.holding, tried_b.funded.holding),
        tried_b.funded.others,
    )
