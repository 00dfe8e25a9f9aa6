"""When liquidations and the steps after them are accepted."""

from typing import Any

from perp_proofs.smt.contracts import implies
from perp_proofs.smt.goals.guards.shared import (
    FEES_ID,
    FUND_ID,
    Case,
    Guards,
    code_of,
    collateral_in_range,
    exists,
    fillable,
    highest_equity,
    holding,
    is_blind,
    live,
    lots_in_range,
    market_there,
    moved_by,
    near,
    not_halted,
    one_market,
    own_slot,
    price_in_range,
    ratio_stays,
    rounded_up,
    side_of,
    valid_transition,
)
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import (
    absolute,
    both,
    either,
    fold,
    maximum,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    negate,
    select,
)
from perp_spec.perpetual.health import Side, margin_at, settle_whole
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Kind
from perp_spec.perpetual.rules.waterfall import Loss, bear_loss, certain
from perp_spec.words import PPM


def liquidate(case: Case) -> Guards:
    """Of a liquidation."""
    op, market = case.op, case.market
    yield from live(case)
    yield from market_there(case)
    yield from lots_in_range(case)
    yield from price_in_range(case)
    yield Reason.SAME_ACCOUNT, negate(op.account == op.taker.account)
    yield Reason.RESERVED_ACCOUNT, both(negate(op.account == FEES_ID), op.taker.account > FEES_ID)
    yield Reason.NO_ACCOUNT, both(exists(case.account), exists(case.taker))
    yield Reason.SAME_OWNER, negate(case.account.owner == case.taker.owner)
    taking = {"buys": case.position.size > 0, "price": op.price, "taker": True, "fee_ppm": op.taker_fee_ppm}
    yield from fillable(case, op.taker, case.taker_stored, **taking)
    fee = both(negate(op.fee_ppm < 0), negate(op.fee_ppm > market.liquidation_fee_cap_ppm))
    yield Reason.FEE, both(fee, negate(op.taker_fee_ppm < 0), negate(op.taker_fee_ppm > market.fee_cap_ppm))
    yield from not_halted(case)
    yield from liquidated(case)


def liquidated(case: Case) -> Guards:
    """What a liquidation asks of the two accounts."""
    op, market, now = case.op, case.market, case.exchange.time
    of_fund = op.account == FUND_ID
    side = side_of(case, "", credited=select(of_fund, case.ledger.fund_inbox, 0))
    taker = side_of(case, "taker")
    notional = op.lots * op.price
    sign = select(case.position.size > 0, 1, -1)
    got = sign * notional - rounded_up(notional * op.fee_ppm)
    paid = sign * notional + rounded_up(notional * op.taker_fee_ppm)
    moved = moved_by(case, side, op.slot, -sign * op.lots, got, now)
    took = moved_by(case, taker, op.taker_slot, sign * op.lots, -paid, case.taker.liquidated_at)
    yield Reason.NO_POSITION, holding(side, op.market)
    yield Reason.LOTS, negate(op.lots > absolute(side.size))
    yield Reason.SLOT, own_slot(case, taker, op.taker_slot)
    yield Reason.MARKET_NOT_ALLOWED, one_market(case, case.taker)
    yield Reason.ORDER_REDUCE_ONLY, implies(op.taker.reduce_only, took.reduced)
    yield Reason.ORACLE_LEVEL, both(negate(is_blind(case)), implies(taker.blind, took.reduced))
    yield Reason.NOT_LIQUIDATABLE, either(of_fund, highest_equity(side) < side.health.maintenance)
    yield from staged(case, side)
    yield Reason.SIZE_RANGE, negate(absolute(took.position.size) > market.max_size)
    yield (
        Reason.COLLATERAL_RANGE,
        both(collateral_in_range(moved.account.collateral), collateral_in_range(took.account.collateral)),
    )
    yield from valid_transition(case.taker.kind, taker.health, took)
    linear = either(case.account.kind == Kind.PORTFOLIO, of_fund)
    kept = ratio_stays(linear, side.health, moved.health)
    yield Reason.HEALTH_RATIO_FELL, kept


def beyond_close_out(case: Case, side: Side) -> Flag:
    """Equity is below the close-out part of the maintenance margin, however good blind prices may be."""
    return highest_equity(side) * PPM < case.market.close_out_ppm * side.health.maintenance


def unspared(case: Case, side: Side) -> Flag:
    """Nobody else's need has cost the account its margin just now, or it is below zero all the same."""
    return either(case.exchange.time >= side.account.liquidated_at, highest_equity(side) < 0)


def staged(case: Case, side: Side) -> Guards:
    """Between maintenance and close-out: in steps."""
    op, market, price = case.op, case.market, case.price
    at_once = either(beyond_close_out(case, side), op.account == FUND_ID)
    size = absolute(side.size)
    part = mul_div_ceil(size, market.close_factor_ppm, PPM)
    most = select(size * price.price > market.full_close_atoms, part, size)
    cap = select(side.degraded, mul_div_ceil(most, 1, 2), most)
    yield Reason.CLOSE_FACTOR, either(at_once, negate(op.lots > cap))
    yield Reason.STEP_TOO_SMALL, either(at_once, negate(op.lots < mul_div_ceil(cap, 1, 2)))
    rested = case.exchange.time >= case.account.liquidated_at + case.parameters.cooldown_seconds
    yield Reason.COOLDOWN, both(either(at_once, rested), unspared(case, side))
    limit = select(beyond_close_out(case, side), market.slippage_full_ppm, market.slippage_partial_ppm)
    lost = select(side.size > 0, price.index - op.price, op.price - price.index)
    fair = near(absolute(op.price - price.price), limit, price.price)
    yield Reason.SLIPPAGE, both(fair, near(lost, limit, price.index))


def share(case: Case, size: Word, lots: Word) -> Word:
    """The linear maintenance margin that goes with lots of a position."""
    price, market = case.price.price, case.market
    whole, left = margin_at(absolute(size * price), market), margin_at((absolute(size) - lots) * price, market)
    return whole[0] - left[0]


def able(case: Case, side: Side, taken: Any, slot: Word) -> Flag:
    """The fund can take what it is given."""
    surely = taken.health.equity - side.doubt
    rich = negate(surely < case.parameters.fund_multiple * taken.health.initial)
    return both(
        either(rich, both(taken.reduced, negate(surely < 0))),
        own_slot(case, side, slot),
        negate(absolute(taken.position.size) > case.market.max_size),
        collateral_in_range(taken.account.collateral),
    )


def takeover(case: Case, side: Side, fund: Side, lots: Word) -> Guards:
    """What the fund's taking over asks for."""
    op = case.op
    yield Reason.ORACLE_LEVEL, negate(is_blind(case))
    yield Reason.NOT_CLOSE_OUT, beyond_close_out(case, side)
    yield Reason.COOLDOWN, unspared(case, side)
    sign, value = select(side.size > 0, 1, -1), lots * case.price.price
    amount = mul_div_ceil(share(case, side.size, lots), certain(side).equity, maximum(side.health.linear, 1))
    penalty = rounded_up(value * case.parameters.penalty_ppm)
    charged = select(side.health.equity < 0, amount, select(amount > penalty, penalty, amount))
    taken = moved_by(case, fund, op.fund_slot, sign * lots, charged - sign * value, case.fund.liquidated_at)
    yield Reason.FUND_MARGIN, able(case, fund, taken, op.fund_slot)


def backstop(case: Case) -> Guards:
    """Of a takeover by the fund."""
    op = case.op
    yield from live(case)
    yield from market_there(case)
    yield from lots_in_range(case)
    yield Reason.RESERVED_ACCOUNT, op.account > FEES_ID
    yield Reason.NO_ACCOUNT, exists(case.account)
    yield from not_halted(case)
    side, fund = side_of(case, ""), side_of(case, "fund", credited=case.ledger.fund_inbox)
    yield Reason.NO_POSITION, holding(side, op.market)
    yield Reason.LOTS, negate(op.lots > absolute(side.size))
    yield from takeover(case, side, fund, op.lots)


def deleverage(case: Case) -> Guards:
    """Of a deleverage."""
    op = case.op
    yield from live(case)
    yield from market_there(case)
    yield from lots_in_range(case)
    yield Reason.SAME_ACCOUNT, negate(op.account == op.counterparty)
    yield Reason.RESERVED_ACCOUNT, negate(either(op.account == FEES_ID, op.counterparty == FEES_ID))
    yield Reason.NO_ACCOUNT, both(exists(case.account), exists(case.counterparty))
    yield from not_halted(case)
    of_fund = op.account == FUND_ID
    side = side_of(case, "", credited=select(of_fund, case.ledger.fund_inbox, 0))
    credited = select(op.counterparty == FUND_ID, case.ledger.fund_inbox, 0)
    other = side_of(case, "counterparty", credited=credited)
    yield Reason.NO_POSITION, holding(side, op.market)
    yield Reason.LOTS, negate(op.lots > absolute(side.size))
    against = select(side.size > 0, -other.size >= op.lots, other.size >= op.lots)
    yield Reason.NOT_OPPOSITE, both(holding(other, op.market), against)
    yield Reason.ORACLE_LEVEL, negate(is_blind(case))
    yield Reason.NOT_CLOSE_OUT, beyond_close_out(case, side)
    yield Reason.COOLDOWN, unspared(case, side)
    fund = side_of(case, "fund", credited=case.ledger.fund_inbox)
    yield Reason.SLOT, either(of_fund, deciding_slot(case, fund))
    piece = smallest_piece(case, side)
    possible = code_of(takeover(case, side, fund, piece)) == 0
    yield Reason.BACKSTOP_POSSIBLE, either(of_fund, negate(possible))


def deciding_slot(case: Case, fund: Side) -> Flag:
    """The fund's slot is its own for the market; or it has none left, and this is another one."""
    full = both(fund.rest.occupied == 15, negate(case.fund_position.size == 0), fund.rest.same == 0)
    return either(own_slot(case, fund, case.op.fund_slot), full)


def smallest_piece(case: Case, side: Side) -> Word:
    """As many lots as the backstop's atoms buy, one at least and no more than there are."""
    lots = mul_div_floor(case.parameters.backstop_atoms, 1, maximum(case.price.price, 1))
    return minimum(absolute(side.size), maximum(lots, 1))


def socialise(case: Case) -> Guards:
    """Of a socialised loss."""
    op = case.op
    yield from live(case)
    yield from market_there(case)
    yield Reason.NO_ACCOUNT, exists(case.other)
    of_fund = op.account == FUND_ID
    fund, other = whole_fund(case), settle_whole(case.parameters, case.exchange.time, 0, case.other, case.other_held)
    collateral = select(of_fund, fund.collateral, other.collateral)
    positions = select(of_fund, fund.terms.occupied, other.terms.occupied)
    yield Reason.NOT_BANKRUPT_FLAT, both(positions == 0, collateral < 0)
    closed = select(of_fund, case.fund.closed_market, case.other.closed_market)
    yield Reason.MARKET_NOT_ALLOWED, select(closed == 0, op.market == 0, op.market + 1 == closed)
    paid, _, last, _, _ = borne(case, fund, -collateral)
    yield Reason.NO_OPEN_INTEREST, either(paid > 0, last.raised > 0, paid + last.raised > 0)


def whole_fund(case: Case) -> Any:
    """The fund, settled."""
    return settle_whole(case.parameters, case.exchange.time, case.ledger.fund_inbox, case.fund, case.fund_held)


def borne(case: Case, fund: Any, debt: Word) -> tuple[Word, Any, Loss, Any, Any]:
    """What the fund pays of a debt, the first market and all after it, the other markets, and how the first stands."""
    today = mul_div_floor(case.exchange.time, 1, 86_400)
    margin_left = fund.health.equity - fund.terms.doubt - fund.health.maintenance
    spare = maximum(select(margin_left > fund.collateral, fund.collateral, margin_left), 0)
    paid = select(case.op.account == FUND_ID, 0, select(debt > spare, spare, debt))
    (price, book), first = bear_loss(Loss(debt - paid, 0, 0, 0), case.price, case.book, case.market, today)
    stored, last = fold(bear_loss, case.other_markets, first, today)
    return paid, stored, last, price, book
