"""When forced requests and their answers are accepted, and the escape."""

from typing import Any

from perp_proofs.smt.contracts import implies
from perp_proofs.smt.goals.guards.money import next_entry, payable
from perp_proofs.smt.goals.guards.shared import (
    FEES_ID,
    FUND_ID,
    Case,
    Guards,
    amount_in_range,
    code_of,
    collateral_in_range,
    exists,
    fillable,
    health_stays,
    holding,
    inbox,
    is_blind,
    live,
    market_there,
    moved_by,
    one_market,
    own_slot,
    side_of,
    valid_transition,
)
from perp_proofs.smt.goals.guards.waterfall import able, deciding_slot
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import absolute, both, either, minimum, mul_div_floor, negate, select
from perp_spec.perpetual.health import Health, Side, move_side, settle_whole
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Path
from perp_spec.perpetual.rules.forced import conceded_price
from perp_spec.words import PPM


def request_forced(case: Case) -> Guards:
    """Of a forced request: only what it states may be wrong."""
    op = case.op
    yield from live(case)
    yield from next_entry(case, (2, op.account, op.amount, op.kind, op.market, op.posted))
    yield Reason.FORCED_RESULT, op.result == code_of(notable(case))


def notable(case: Case) -> Guards:
    """When a forced request is noted."""
    op = case.op
    yield Reason.AMOUNT, amount_in_range(op.amount)
    yield Reason.RESERVED_ACCOUNT, op.account > FEES_ID
    yield Reason.NO_ACCOUNT, both(exists(case.account), case.account.owner == op.key)
    yield Reason.BAD_KIND, either(op.kind == 1, op.kind == 2)
    yield Reason.NO_MARKET, negate(op.market > case.parameters.markets - 1)
    yield Reason.FORCED_PENDING, negate(case.request.kind > 0)


def forced_withdraw(case: Case) -> Guards:
    """Of the answer to a forced withdrawal: only what it states may be wrong."""
    yield from live(case)
    yield Reason.FORCED_UNKNOWN, case.request.kind == 1
    yield Reason.FORCED_RESULT, case.op.result == withdrawal_result(case)


def withdrawal_result(case: Case) -> Word:
    """What the answer to a forced withdrawal must be."""
    side = settle_whole(case.parameters, case.exchange.time, 0, case.account, case.held)
    amount = case.request.amount
    in_vault = (Reason.VAULT, negate(amount > case.ledger.vault))
    return code_of(iter([in_vault, *payable(case, side, case.held, amount)]))


def conceded(size: Word, price: Any, market: Any) -> Word:
    """The price of a forced reduction."""
    slip = mul_div_floor(price.price * market.slip_ppm, 1, PPM)
    for_long = select(price.price > price.index, price.index, price.price) - slip
    for_short = select(price.price < price.index, price.index, price.price) + slip
    return select(size > 0, for_long, for_short)


def wanted_lots(case: Case, side: Side) -> Word:
    """The lots that are asked for, no more than there are."""
    return minimum(case.request.amount, absolute(side.size))


def at_most(health: Health, doubt: Word) -> Health:
    """Health with as much more equity as there is doubt."""
    return health._replace(equity=health.equity + doubt)


def reducible(case: Case, side: Side) -> Guards:
    """When a forced reduction is done."""
    request = case.request
    yield Reason.NO_POSITION, holding(side, request.market)
    yield Reason.ORACLE_LEVEL, negate(is_blind(case))
    sign, lots = select(side.size > 0, 1, -1), wanted_lots(case, side)
    closed = move_side(
        case.parameters,
        side,
        case.price,
        case.market,
        request.market,
        case.op.slot,
        -sign * lots,
        sign * lots * conceded_price(side.size, case.price, case.market),
        side.account.liquidated_at,
    )
    yield Reason.COLLATERAL_RANGE, collateral_in_range(closed.account.collateral)
    before, after = at_most(side.health, side.doubt), at_most(closed.health, side.doubt)
    enough = negate(after.equity < after.initial)
    yield Reason.HEALTH_RATIO_FELL, either(enough, health_stays(side.account.kind, before, after))


def forced_reduce(case: Case) -> Guards:
    """Of the answer to a forced reduction."""
    op, request = case.op, case.request
    yield from live(case)
    yield from market_there(case)
    yield Reason.SAME_ACCOUNT, negate(op.account == op.counterparty)
    yield Reason.FORCED_UNKNOWN, request.kind == 2
    side = side_of(case, "", subject=request.market)
    ours = implies(negate(case.position.size == 0), case.position.market == op.market)
    theirs = implies(negate(case.counterparty_position.size == 0), case.counterparty_position.market == op.market)
    yield Reason.SLOT, both(ours, theirs, implies(negate(side.rest.same == 0), holding(side, request.market)))
    result = code_of(reducible(case, side))
    yield Reason.FORCED_RESULT, op.result == result
    some = both(op.lots > 0, negate(op.lots > wanted_lots(case, side)))
    yield Reason.LOTS, either(both(result == 0, some), both(negate(result == 0), op.lots == 0))
    yield from answered_by(case, side, result == 0)


def answered_by(case: Case, side: Side, done: Flag) -> Guards:
    """What is asked of the other side of a forced reduction."""
    op = case.op
    by_order, by_fund, by_opposite = (both(done, op.path == path) for path in (Path.ORDER, Path.FUND, Path.OPPOSITE))
    sign, price = select(side.size > 0, 1, -1), conceded_price(side.size, case.price, case.market)
    filling = {"buys": side.size > 0, "price": price, "taker": True, "fee_ppm": 0}
    for reason, condition in fillable(case, op.order, case.stored, **filling):
        yield reason, implies(by_order, condition)
    who = either(
        both(op.path == Path.ORDER, op.counterparty > FEES_ID),
        both(op.path == Path.FUND, op.counterparty == FUND_ID),
        both(op.path == Path.OPPOSITE, negate(op.counterparty == FEES_ID)),
    )
    yield Reason.RESERVED_ACCOUNT, implies(done, who)
    yield Reason.NO_ACCOUNT, implies(done, exists(case.counterparty))
    yield Reason.NO_ACCOUNT, implies(by_order, op.order.account == op.counterparty)
    yield Reason.SAME_OWNER, implies(by_order, negate(case.account.owner == case.counterparty.owner))
    taker = side_of(case, "counterparty", credited=inbox(case, op.counterparty))
    lots, cash = sign * op.lots, -(sign * op.lots * price)
    took = moved_by(case, taker, op.counterparty_slot, lots, cash, case.counterparty.liquidated_at)
    yield Reason.SLOT, implies(done, own_slot(case, taker, op.counterparty_slot))
    yield Reason.MARKET_NOT_ALLOWED, implies(by_order, one_market(case, case.counterparty))
    yield Reason.ORDER_REDUCE_ONLY, implies(both(by_order, op.order.reduce_only), took.reduced)
    yield Reason.ORACLE_LEVEL, implies(both(by_order, taker.blind), took.reduced)
    yield Reason.SIZE_RANGE, implies(by_order, negate(absolute(took.position.size) > case.market.max_size))
    yield Reason.FUND_MARGIN, implies(by_fund, able(case, taker, took, op.counterparty_slot))
    yield Reason.NOT_OPPOSITE, implies(by_opposite, both(holding(taker, op.market), took.reduced))
    fund = side_of(case, "fund", credited=case.ledger.fund_inbox)
    yield Reason.SLOT, implies(by_opposite, deciding_slot(case, fund))
    instead = moved_by(case, fund, op.fund_slot, lots, cash, case.fund.liquidated_at)
    yield Reason.BACKSTOP_POSSIBLE, implies(by_opposite, negate(able(case, fund, instead, op.fund_slot)))
    yield Reason.COLLATERAL_RANGE, implies(by_order, collateral_in_range(took.account.collateral))
    for reason, condition in valid_transition(case.counterparty.kind, taker.health, took):
        yield reason, implies(by_order, condition)


def freeze(case: Case) -> Guards:
    """Of a freeze."""
    yield from live(case)
    yield Reason.FORCED_UNKNOWN, case.request.kind > 0
    yield Reason.NOT_DUE, case.request.deadline < case.exchange.time


def escape_claim(case: Case) -> Guards:
    """Of an escape claim."""
    exchange = case.exchange
    yield Reason.NOT_FROZEN, exchange.frozen_at > 0
    yield Reason.CLAIM_WINDOW, negate(exchange.time > exchange.frozen_at + case.parameters.claim_seconds)
    yield Reason.RESERVED_ACCOUNT, case.op.account > FEES_ID
    yield Reason.NO_ACCOUNT, exists(case.account)
    yield Reason.CLAIMED, case.request.claimed == 0


def escape_pay(case: Case) -> Guards:
    """Of the payment of a claim."""
    exchange, ledger = case.exchange, case.ledger
    yield Reason.NOT_FROZEN, exchange.frozen_at > 0
    yield Reason.CLAIM_WINDOW, negate(exchange.time < exchange.frozen_at + case.parameters.claim_seconds + 1)
    yield Reason.CLAIMED, case.request.claimed == 1
    covered = minimum(exchange.escape_vault, ledger.claims)
    payout = mul_div_floor(case.request.claim * covered, 1, select(ledger.claims > 0, ledger.claims, 1))
    yield Reason.AMOUNT, case.op.amount == payout
    yield Reason.VAULT, negate(case.op.amount > ledger.vault)
