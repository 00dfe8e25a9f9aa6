"""What the guards of many operations ask for, stated a second time: see `acceptance`."""

from collections.abc import Iterator
from typing import Any

from perp_proofs.smt.contracts import implies
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import absolute, both, either, mul_div_ceil, negate, select
from perp_spec.perpetual.health import Health, Side, move_side, settle_side
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Kind, Mode
from perp_spec.words import PPM

Guards = Iterator[tuple[Reason, Flag]]
"""Reasons in the order in which they are looked for, each with what must hold."""

Case = Any
"""An operation `op`, and what its rule loads, by the names of the rule's parameters."""

FUND_ID, FEES_ID, FIRST_USER_ID = 0, 1, 2


def code_of(guards: Guards) -> Word:
    """0 where every condition holds, else the code of the first reason whose condition does not."""
    code: Word = 0
    for reason, condition in reversed(list(guards)):
        code = select(condition, code, int(reason))
    return code


def live(case: Case) -> Guards:
    """The exchange is not frozen."""
    yield Reason.FROZEN, negate(case.exchange.frozen_at >= 1)


def market_there(case: Case) -> Guards:
    """The market is configured."""
    yield Reason.NO_MARKET, case.market.max_price > 0


def lots_in_range(case: Case) -> Guards:
    """Some lots, and no more than a position may have."""
    yield Reason.LOTS, both(case.op.lots > 0, negate(case.op.lots > case.market.max_size))


def price_in_range(case: Case) -> Guards:
    """A price that the market can have."""
    yield Reason.PRICE_RANGE, both(case.op.price > 0, negate(case.op.price > case.market.max_price))


def exists(account: Any) -> Flag:
    """An account that was opened."""
    return account.kind > 0


def amount_in_range(amount: Word) -> Flag:
    """1 to 2^60 atoms."""
    return both(amount > 0, amount < 2**60 + 1)


def collateral_in_range(collateral: Word) -> Flag:
    """-2^61 to 2^61 atoms."""
    return absolute(collateral) <= 2**61


def signed(case: Case) -> Guards:
    """An intent that its owner signed, in time, and not used before."""
    intent = case.op.intent
    yield Reason.BAD_SIGNATURE, intent.authorised
    yield Reason.ORDER_EXPIRED, negate(case.exchange.time > intent.expiry)
    yield Reason.ORDER_STALE, negate(intent.nonce < case.stored.nonce)


def fillable(case: Case, order: Any, stored: Any, buys: Flag, price: Word, *, taker: Flag, fee_ppm: Word) -> Guards:
    """An order that was signed, is live, and allows this fill."""
    op = case.op
    used = select(order.nonce == stored.nonce, stored.filled, 0)
    yield Reason.BAD_SIGNATURE, order.authorised
    yield Reason.ORDER_EXPIRED, negate(case.exchange.time > order.expiry)
    yield Reason.ORDER_STALE, negate(order.nonce < stored.nonce)
    yield Reason.ORDER_FILLED, used + op.lots <= order.lots
    yield Reason.ORDER_MARKET, order.market == op.market
    yield Reason.ORDER_SIDE, either(both(order.buys, buys), both(negate(order.buys), negate(buys)))
    yield Reason.ORDER_PRICE, negate(select(buys, price > order.price, price < order.price))
    yield Reason.ORDER_POST_ONLY, either(negate(order.post_only), negate(taker))
    yield Reason.ORDER_FEE, negate(fee_ppm > order.max_fee_ppm)


def modes_below(case: Case, mode: int) -> Flag:
    """The mode and the switch, of the exchange and of the market, are all milder than one mode."""
    exchange, price = case.exchange, case.price
    return both(exchange.mode < mode, exchange.switch < mode, price.mode < mode, price.switch < mode)


def not_halted(case: Case) -> Guards:
    """Nothing is halted."""
    yield Reason.MODE, modes_below(case, Mode.HALT)


def stale(case: Case) -> Flag:
    """The market's last tick is too old."""
    return case.exchange.time > case.price.ticked_at + case.market.staleness_seconds


def is_blind(case: Case) -> Flag:
    """The market's price cannot be trusted now."""
    return either(stale(case), both(case.price.level == 2, negate(case.price.gap)))


def is_degraded(case: Case) -> Flag:
    """The market's price is in some doubt."""
    return either(stale(case), case.price.level > 0)


def blind_too_long(case: Case) -> Flag:
    """So long that only exits are left."""
    from_tick = case.price.ticked_at + case.market.staleness_seconds
    since = select(case.price.blind_since > 0, case.price.blind_since, from_tick)
    return both(is_blind(case), case.exchange.time > since + case.market.blind_seconds)


def near(distance: Word, limit_ppm: Word, base: Word) -> Flag:
    """At most so many millionths of the base."""
    return limit_ppm * base >= PPM * distance


def own_slot(case: Case, side: Side, slot: Word) -> Flag:
    """The slot holds the market, or it is a free one and no other slot holds the market."""
    free = both(side.size == 0, side.rest.same == 0, negate(slot > side.account.slots))
    return either(free, both(negate(side.size == 0), side.held_market == case.op.market))


def one_market(case: Case, account: Any) -> Flag:
    """An isolated account is in its own market."""
    return implies(account.kind == Kind.ISOLATED, account.market == case.op.market)


def holding(side: Side, market: Word) -> Flag:
    """The slot holds a position in the market."""
    return both(negate(side.size == 0), side.held_market == market)


def highest_equity(side: Side) -> Word:
    """Equity where every position in a blind market is worth as much as it can be."""
    return side.health.equity + side.doubt


def ratio_stays(on_linear: Flag, before: Health, after: Health) -> Flag:
    """E / M is no lower, or E / Mlin; below zero, or where nothing is required, equity is no lower."""
    old = select(on_linear, before.linear, before.maintenance)
    new = select(on_linear, after.linear, after.maintenance)
    by_equity = either(before.equity < 0, old == 0)
    return select(by_equity, negate(after.equity < before.equity), after.equity * old - before.equity * new >= 0)


def health_stays(kind: Word, before: Health, after: Health) -> Flag:
    """What an account that only reduced must have kept."""
    portfolio = kind == Kind.PORTFOLIO
    hedged = both(negate(before.equity < 0), negate(after.equity < after.maintenance))
    return either(both(portfolio, hedged), ratio_stays(portfolio, before, after))


def valid_transition(kind: Word, before: Health, after: Any) -> Guards:
    """Initial margin is met, or the position was only reduced and health kept."""
    enough = after.health.equity >= after.health.initial
    yield Reason.INITIAL_MARGIN, either(enough, after.reduced)
    yield Reason.HEALTH_RATIO_FELL, either(enough, health_stays(kind, before, after.health))


def inbox(case: Case, account: Word) -> Word:
    """What waits for a reserved account."""
    of_fees = select(account == FEES_ID, case.ledger.fees_inbox, 0)
    return select(account == FUND_ID, case.ledger.fund_inbox, of_fees)


def side_of(case: Case, name: str, *, credited: Word = 0, subject: Word | None = None) -> Side:
    """An account settled with one position apart; `name` is what its parameters' names begin with."""
    account = getattr(case, name or "account")
    prefix = f"{name}_" if name else ""
    position, others = getattr(case, f"{prefix}position"), getattr(case, f"{prefix}others")
    market = case.op.market if subject is None else subject
    return settle_side(
        case.parameters, case.exchange.time, credited, account, position, others, case.price, case.market, market
    )


def moved_by(case: Case, side: Side, slot: Word, lots: Word, cash: Word, at: Word) -> Any:
    """A side after it gained lots and cash."""
    return move_side(case.parameters, side, case.price, case.market, case.op.market, slot, lots, cash, at)


def rounded_up(product: Word) -> Word:
    """A product of a notional and a rate, in whole atoms."""
    return mul_div_ceil(product, 1, PPM)


def longs(size: Word) -> Word:
    """Lots of a long."""
    return select(size > 0, size, 0)
