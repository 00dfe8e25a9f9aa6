"""A rule with a fault is not proved: the solver finds a state, and in plain integers the claim fails there."""

import pytest

from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.mutation import Fault, faulty
from perp_proofs.smt.prove import prove
from perp_proofs.smt.solver import Verdict
from perp_spec.perpetual import common, health
from perp_spec.perpetual.rules import batch, forced, money, trading, waterfall

pytestmark = pytest.mark.proofs

BY_NAME = {goal.name: goal for goal in GOALS}

FAULTS = (
    (Fault(trading.trade, "buyer_fee + seller_fee", "buyer_fee"), "trade_conserves_money"),
    (Fault(trading.trade, "-notional - buyer_fee", "-notional"), "trade_conserves_money"),
    (Fault(waterfall.liquidate, "fee - inbox", "fee"), "liquidate_conserves_money"),
    (Fault(money.pay_out, "side.collateral - amount", "side.collateral"), "withdraw_conserves_money"),
    (Fault(common.carry, "mul_div_remainder(micro_atoms, 1, PPM)", "micro_atoms"), "withdraw_conserves_money"),
    (
        Fault(waterfall.deleverage, "closed.account.collateral - paid", "closed.account.collateral"),
        "deleverage_conserves_money",
    ),
    (
        Fault(batch.begin_batch, "require(header.time >= exchange.time, Reason.TIME_BACKWARDS)", "pass"),
        "batches_are_counted_and_time_never_goes_back",
    ),
    (
        Fault(batch.begin_batch, "minimum(header.time - ledger.bucket_at, DAY)", "DAY"),
        "begin_batch_keeps_withdrawals_within_the_bucket",
    ),
    (Fault(batch.begin_batch, "ledger.bucket_at", "exchange.frozen_at"), "waiting_in_two_batches_refills_the_same"),
    (
        Fault(waterfall.bear_loss, "market.loss_cap_ppm * price.price - borne", "market.loss_cap_ppm * price.price"),
        "a_market_stays_within_the_cap_of_the_day",
    ),
    (
        Fault(waterfall.bear_loss, "mul_div_ceil(select(whole, 0, loss.deficit), PPM, maximum(lots, 1))", "limit"),
        "a_market_bears_exactly_what_is_needed_or_allowed",
    ),
    (
        Fault(waterfall.socialise, "mul_div_floor(now, 1, DAY)", "now"),
        "socialise_stays_within_the_cap_of_the_day",
    ),
    (Fault(waterfall.bear_loss, "mul_div_remainder(lots, rise, PPM)", "0"), "bearing_a_loss_keeps_promise"),
    (
        Fault(waterfall.socialise, "last.excess - ledger.fund_inbox", "-ledger.fund_inbox"),
        "socialise_conserves_money",
    ),
    (
        Fault(
            health.position_terms,
            "mul_div_floor(-position.size, due, PPM)",
            "mul_div_ceil(-position.size, due, PPM)",
        ),
        "summand_keeps_promise",
    ),
    (
        Fault(
            health.position_terms,
            "Position(position.market, position.size, index)",
            "Position(position.market, position.size, position.snapshot)",
        ),
        "settling_twice_is_settling_once",
    ),
    (
        Fault(health.side_index, "-price.loss_index", "price.loss_index"),
        "index_moves_are_shared",
    ),
    (Fault(health.slot_fits, "side.held_market == subject", "True"), "trade_keeps_sizes_balanced"),
    (
        Fault(trading.trade, "require(op.buyer.account != op.seller.account, Reason.SAME_ACCOUNT)", "pass"),
        "trade_stores_distinct_records",
    ),
    (
        Fault(
            trading.trade,
            "require_valid_transition_if(True, seller.kind, selling.health, sold.health, sold.reduced)",
            "pass",
        ),
        "trade_leaves_traders_safe",
    ),
    (
        Fault(health.ratio_kept, "both(by_equity, after.equity >= before.equity)", "by_equity"),
        "liquidate_never_lowers_the_ratio",
    ),
    (Fault(waterfall.deleverage_payment, "maximum(bearable, 0)", "deficit"), "deleverage_payment_keeps_promise"),
    (Fault(waterfall.take_over, "minimum(amount, penalty)", "penalty"), "backstop_leaves_solvent_accounts_solvent"),
    (
        Fault(money.pay_out, "require(equity >= side.health.initial, Reason.INITIAL_MARGIN)", "pass"),
        "withdraw_leaves_initial_margin",
    ),
    (
        Fault(waterfall.liquidate, "require(either(unhealthy, op.account == FUND), Reason.NOT_LIQUIDATABLE)", "pass"),
        "liquidate_spares_healthy_accounts",
    ),
    (
        Fault(waterfall.liquidate, "require(op.lots <= absolute(side.size), Reason.LOTS)", "pass"),
        "liquidate_reduces_risk",
    ),
    (
        Fault(common.fill_order_if, "filled + lots <= order.lots", "lots <= order.lots - filled"),
        "forced_reduce_never_overflows",
    ),
    (
        Fault(forced.escape_pay, "minimum(exchange.escape_vault, ledger.claims)", "ledger.claims"),
        "every_claim_can_be_paid",
    ),
    (
        Fault(
            forced.forced_withdraw,
            "require(op.result == result, Reason.FORCED_RESULT)",
            "require(result == 0, Reason.VAULT)",
        ),
        "forced_withdraw_can_be_answered",
    ),
    (
        Fault(
            waterfall.deleverage,
            "require(op.lots <= absolute(side.size), Reason.LOTS)",
            "require(op.lots < absolute(side.size), Reason.LOTS)",
        ),
        "deleverage_waits_for_the_fund_only",
    ),
    (
        Fault(
            common.with_collateral,
            "changed(account, collateral=collateral)",
            "changed(account, collateral=collateral, slots=0)",
        ),
        "withdraw_changes_nothing_else",
    ),
    (
        Fault(money.transfer, "payee.collateral + op.amount", "payee.collateral - op.amount"),
        "transfer_takes_for_a_reason",
    ),
    (
        Fault(
            health.margin_at, "mul_div_ceil(part, maintenance_ppm, PPM)", "mul_div_floor(part, maintenance_ppm, PPM)"
        ),
        "margins_are_at_least_the_lowest_rate",
    ),
    (
        Fault(common.fill_order_if, "require_if(active, fee_ppm <= order.max_fee_ppm, Reason.ORDER_FEE)", "pass"),
        "trade_keeps_the_limits_of_the_buyer_over_all_fills",
    ),
    (
        Fault(
            batch.end_batch,
            "maximum(exchange.window_mode, window_severity(WindowTerms(*sums), parameters))",
            "window_severity(WindowTerms(*sums), parameters)",
        ),
        "demands_last_until_a_quiet_window",
    ),
    (
        Fault(waterfall.fund_able, "both(taken.reduced, sure_equity >= 0)", "taken.reduced"),
        "backstop_keeps_the_fund_solvent",
    ),
    (
        Fault(money.pay_out, "side.collateral - amount", "side.collateral - amount - 1"),
        "splitting_a_withdrawal_gains_nothing",
    ),
)


@pytest.mark.parametrize(("fault", "name"), FAULTS, ids=[f"{name}: {fault.piece}"[:80] for fault, name in FAULTS])
def test_a_fault_is_found(fault: Fault, name: str) -> None:
    with faulty(fault):
        result = prove(BY_NAME[name])

    assert result.verdict is Verdict.VIOLATED
    assert result.replayed == f"{result.failed}: False"


def test_a_fault_must_be_there() -> None:
    with (
        pytest.raises(ValueError, match=r"'no\.such' is 0 times in carry"),
        faulty(Fault(common.carry, "no.such", "0")),
    ):
        pass


def test_a_fault_is_taken_out_again() -> None:
    code = common.carry.__code__

    with faulty(Fault(common.carry, "mul_div_remainder(micro_atoms, 1, PPM)", "micro_atoms")):
        assert common.carry.__code__ is not code
    assert common.carry.__code__ is code
