"""The mistakes of the broken testees: each a piece of a function's source and what stands there instead."""

from attrs import frozen

COMMON = "perp_spec.perpetual.common"
HEALTH = "perp_spec.perpetual.health"
RULES = "perp_spec.perpetual.rules"


@frozen
class Fault:
    """One mistake in the text of the rules."""

    what: str
    module: str
    function: str
    piece: str
    replacement: str
    rules: frozenset[str]
    """Rules of which at least one must be named, and no other where `only`."""
    only: bool = True


def fault(what: str, place: str, piece: str, replacement: str, *rules: str, only: bool = True) -> Fault:
    """A mistake at module.function."""
    module, _, function = place.rpartition(".")
    return Fault(what, module, function, piece, replacement, frozenset(rules), only)


FLOOR = "mul_div_floor(-position.size, due, PPM)"
TRUNCATED = (
    "select(-position.size * due >= 0, mul_div_floor(-position.size, due, PPM), mul_div_ceil(-position.size, due, PPM))"
)

FAULTS: dict[str, Fault] = {
    "float_money": fault(
        "collateral is a 64-bit float",
        f"{COMMON}.with_collateral",
        "collateral=collateral",
        "collateral=int(float(collateral))",
        "withdraw",
        "deposit",
        "transfer",
        only=False,
    ),
    "truncated_funding": fault(
        "funding is rounded toward zero, as most languages divide",
        f"{HEALTH}.position_terms",
        f"cash={FLOOR}",
        f"cash={TRUNCATED}",
        "trade",
        "withdraw",
        "liquidate",
        "end_batch",
        only=False,
    ),
    "margin_rounded_down": fault(
        "the initial margin is rounded down",
        f"{HEALTH}.margin_at",
        "initial_below + mul_div_ceil(part, initial_ppm, PPM)",
        "initial_below + mul_div_floor(part, initial_ppm, PPM)",
        "trade",
        "withdraw",
        "transfer",
        only=False,
    ),
    "lost_fee": fault(
        "the fees of a trade go nowhere", f"{RULES}.trading.trade", "fees=buyer_fee + seller_fee", "fees=0", "trade"
    ),
    "fee_to_the_wrong_inbox": fault(
        "the fee of a liquidation goes to the fee account",
        f"{RULES}.waterfall.liquidate",
        "fund=fee - inbox",
        "fund=-inbox",
        "liquidate",
    ),
    "expiry_off_by_one": fault(
        "an intent has expired in its last second",
        f"{COMMON}.use_intent",
        "now <= intent.expiry",
        "now < intent.expiry",
        "withdraw",
        "transfer",
        "set_kind",
        "cancel",
        "set_kill_switch",
    ),
    "nonce_reused": fault(
        "an intent leaves its nonce usable",
        f"{COMMON}.use_intent",
        "OrderSlot(intent.nonce + 1, 0)",
        "OrderSlot(intent.nonce, 0)",
        "withdraw",
        "transfer",
        "set_kind",
        "cancel",
        "set_kill_switch",
    ),
    "fill_forgotten": fault(
        "a partly filled order can be filled again as a whole",
        f"{COMMON}.fill_order_if",
        "select(active, filled + lots, stored.filled)",
        "select(active, filled, stored.filled)",
        "trade",
        "liquidate",
        "forced_reduce",
    ),
    "self_trade": fault(
        "two accounts of one owner can trade with each other",
        f"{RULES}.trading.trade",
        "buyer.owner != seller.owner",
        "True",
        "trade",
    ),
    "bucket_overflows": fault(
        "the withdrawal bucket fills beyond its size",
        f"{RULES}.batch.begin_batch",
        "minimum(ledger.bucket + elapsed * parameters.bucket_refill, parameters.bucket_size)",
        "ledger.bucket + elapsed * parameters.bucket_refill",
        "begin_batch",
    ),
    "stale_price_trusted": fault(
        "a report is fresh a second too long",
        f"{RULES}.ticks.candidate_of",
        "now - reported_at[place] <= market.staleness_seconds",
        "now - reported_at[place] <= market.staleness_seconds + 1",
        "oracle_tick",
    ),
    "upper_median": fault(
        "the median of an even number of reports is the upper one",
        f"{RULES}.ticks.reported_median",
        "both(2 * at_most >= report.count, 2 * at_least > report.count)",
        "both(2 * at_most > report.count, 2 * at_least >= report.count)",
        "oracle_tick",
    ),
    "funding_sign": fault(
        "shorts pay funding where longs should",
        f"{RULES}.ticks.funding_tick",
        "price.funding_index + rate_ppm * price.index",
        "price.funding_index - rate_ppm * price.index",
        "funding_tick",
    ),
    "losses_of_longs_only": fault(
        "socialised losses are borne by longs alone",
        f"{HEALTH}.side_index",
        "select(size < 0, -price.loss_index, price.loss_index)",
        "select(size < 0, 0, price.loss_index)",
        "trade",
        "withdraw",
        "liquidate",
        "deleverage",
        "socialise",
        "end_batch",
        only=False,
    ),
    "cooldown_off_by_one": fault(
        "the next step of a liquidation comes a second too late",
        f"{RULES}.waterfall.require_staged",
        "exchange.time - side.account.liquidated_at >= parameters.cooldown_seconds",
        "exchange.time - side.account.liquidated_at > parameters.cooldown_seconds",
        "liquidate",
    ),
    "claim_window_off_by_one": fault(
        "a claim is paid in the last second of the window",
        f"{RULES}.forced.escape_pay",
        "exchange.time > exchange.frozen_at + parameters.claim_seconds",
        "exchange.time >= exchange.frozen_at + parameters.claim_seconds",
        "escape_pay",
    ),
    "wrong_reason": fault(
        "an empty vault is reported as an empty bucket",
        f"{RULES}.money.withdraw",
        "require(op.amount <= ledger.vault, Reason.VAULT)",
        "require(op.amount <= ledger.vault, Reason.BUCKET)",
        "withdraw",
    ),
}
"""By name. Mistakes of a machine, not of the rules, are in the testee itself."""

MACHINE_FAULTS: dict[str, tuple[str, frozenset[str]]] = {
    "kept_on_rejection": (
        "an intent refused for its margin uses up its nonce all the same",
        frozenset({"withdraw", "transfer", "set_kind"}),
    ),
    "one_root_for_all": ("the root leaves the market books out", frozenset({"trade"})),
    "crashes": ("it divides by zero on a withdrawal of nothing", frozenset({"withdraw"})),
    "silent": ("it never answers a cancellation", frozenset({"cancel"})),
    "repeats_members": ("a member of its replies comes twice", frozenset()),
}
"""What is wrong, and the rules of which one must be named."""
