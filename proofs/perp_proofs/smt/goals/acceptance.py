"""When an operation is accepted, and what it is refused for otherwise: every guard stated a second time.

The conditions here are written from the rule book, not from the rules: in other words, without the helpers that the
rules share, and with bounds as numbers. What an account's sums and its health are is taken from the rules' own settling
and moving, which other theorems speak of. A rule whose guard is gone, off by one, turned round or in another order than
here has a counterexample.
"""

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from perp_hash.digest import Tag
from perp_proofs.smt.contracts import implies
from perp_proofs.smt.frame import Stage
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import (
    absolute,
    both,
    call_if,
    digest,
    either,
    fold,
    indicator,
    maximum,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    negate,
    select,
    sweep,
)
from perp_spec.perpetual.health import (
    Cautious,
    Health,
    Side,
    cautious_sums,
    health,
    margin_at,
    move_side,
    settle_side,
    settle_whole,
    worst_rest,
)
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Kind, Market, MarketPrice, Mode, Path, Position
from perp_spec.perpetual.rules.batch import market_window
from perp_spec.perpetual.rules.forced import conceded_price
from perp_spec.perpetual.rules.waterfall import Loss, bear_loss, certain
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


# What many operations ask for


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


# Money and accounts


def deposit(case: Case) -> Guards:
    """Of a deposit: only what it states may be wrong."""
    op = case.op
    yield from live(case)
    yield from next_entry(case, (1, op.account, op.amount))
    side = settle_whole(case.parameters, case.exchange.time, inbox(case, op.account), case.account, case.held)
    yield Reason.FORCED_RESULT, op.result == code_of(creditable(case, side.collateral))


def next_entry(case: Case, words: tuple[Word, ...]) -> Guards:
    """It is the next entry of the queue, with its hash."""
    op = case.op
    yield Reason.QUEUE_ORDER, op.position == case.queue.position
    yield Reason.HASH_CHAIN, op.chain == digest(Tag.QUEUE, (case.queue.chain, op.key), words)


def creditable(case: Case, collateral: Word) -> Guards:
    """When a deposit is not returned."""
    op = case.op
    yield Reason.AMOUNT, amount_in_range(op.amount)
    yield Reason.NO_ACCOUNT, both(exists(case.account), case.account.owner == op.key)
    yield Reason.VAULT_CAP, negate(case.ledger.vault > case.parameters.vault_cap - op.amount)
    yield Reason.COLLATERAL_RANGE, collateral_in_range(collateral + op.amount)


def payable(case: Case, side: Any, held: Any, amount: Word) -> Guards:
    """When an amount may leave an account."""
    left, equity = side.collateral - amount, side.health.equity - amount
    yield Reason.INITIAL_MARGIN, negate(equity < side.health.initial)
    twice = negate(equity < 2 * side.health.initial)
    doubtful = side.terms.degraded > 0
    worth, needed = call_if(doubtful, cautious_sums, held, case.exchange.time, otherwise=Cautious(0, 0))
    yield Reason.ORACLE_LEVEL, implies(doubtful, both(twice, negate(left + worth < 2 * needed)))
    yield Reason.COLLATERAL_RANGE, collateral_in_range(left)


def withdraw(case: Case) -> Guards:
    """Of a withdrawal."""
    op = case.op
    yield from live(case)
    yield Reason.AMOUNT, amount_in_range(op.amount)
    yield Reason.RESERVED_ACCOUNT, op.account > FUND_ID
    yield Reason.NO_ACCOUNT, exists(case.account)
    yield from signed(case)
    yield Reason.BUCKET, negate(op.amount > case.ledger.bucket)
    yield Reason.VAULT, negate(op.amount > case.ledger.vault)
    side = settle_whole(case.parameters, case.exchange.time, inbox(case, op.account), case.account, case.held)
    yield from payable(case, side, case.held, op.amount)


def transfer(case: Case) -> Guards:
    """Of a transfer."""
    op = case.op
    yield from live(case)
    yield Reason.AMOUNT, amount_in_range(op.amount)
    yield Reason.SAME_ACCOUNT, negate(op.sender == op.recipient)
    yield Reason.RESERVED_ACCOUNT, op.sender > FUND_ID
    yield Reason.NO_ACCOUNT, both(exists(case.sender), exists(case.recipient))
    yield from signed(case)
    now = case.exchange.time
    payer = settle_whole(case.parameters, now, inbox(case, op.sender), case.sender, case.sender_held)
    yield from payable(case, payer, case.sender_held, op.amount)
    payee = settle_whole(case.parameters, now, inbox(case, op.recipient), case.recipient, case.recipient_held)
    yield Reason.COLLATERAL_RANGE, collateral_in_range(payee.collateral + op.amount)


def open_account(case: Case) -> Guards:
    """Of a new account."""
    op, parent = case.op, case.parent
    yield from live(case)
    yield Reason.RESERVED_ACCOUNT, op.account > FEES_ID
    yield Reason.ACCOUNT_EXISTS, case.account.kind == 0
    yield Reason.BAD_SIGNATURE, both(op.owner > 0, op.authorised)
    yield Reason.ORDER_EXPIRED, negate(case.exchange.time > op.expiry)
    yield Reason.BAD_KIND, either(op.kind == 1, op.kind == 2, op.kind == 3)
    with_parent = both(op.parent > FEES_ID, exists(parent), negate(parent.kind == 2), parent.owner == op.owner)
    without = both(op.parent == 0, op.market == 0)
    yield Reason.BAD_PARENT, either(both(op.kind == 2, with_parent), both(negate(op.kind == 2), without))
    yield Reason.NO_MARKET, implies(op.kind == 2, case.market.max_price > 0)


def set_kind(case: Case) -> Guards:
    """Of a change between cross and portfolio margin."""
    op = case.op
    yield from live(case)
    yield Reason.RESERVED_ACCOUNT, op.account > FEES_ID
    yield Reason.NO_ACCOUNT, exists(case.account)
    yield from signed(case)
    yield Reason.BAD_KIND, both(negate(case.account.kind == 2), either(op.kind == 1, op.kind == 3))
    side = settle_whole(case.parameters, case.exchange.time, 0, case.account, case.held)
    sums = side.terms
    wanted = health(
        op.kind,
        side.collateral,
        sums.value,
        sums.maintenance,
        sums.initial,
        sums.buffer,
        worst_rest(case.held),
        case.parameters,
    )
    met = negate(either(side.health.equity < side.health.initial, wanted.equity < wanted.initial))
    yield Reason.INITIAL_MARGIN, met


def cancel(case: Case) -> Guards:
    """Of a cancellation."""
    yield from live(case)
    yield Reason.RESERVED_ACCOUNT, case.op.account > FUND_ID
    yield Reason.NO_ACCOUNT, exists(case.account)
    yield from signed(case)


def compact(case: Case) -> Guards:
    """Of compacting."""
    op = case.op
    yield from live(case)
    yield Reason.NO_ACCOUNT, exists(case.account)
    yield Reason.SLOT, both(case.account.slots == op.top + 1, negate(op.hole == op.top))
    movable = both(case.hole.size == 0, op.hole < op.top)
    yield Reason.NOTHING_TO_COMPACT, implies(negate(case.top.size == 0), movable)


# Trading


def trade(case: Case) -> Guards:
    """Of a trade."""
    op, market = case.op, case.market
    yield from live(case)
    yield from market_there(case)
    yield from lots_in_range(case)
    yield from price_in_range(case)
    yield Reason.SAME_ACCOUNT, negate(op.buyer.account == op.seller.account)
    yield Reason.RESERVED_ACCOUNT, both(op.buyer.account > FEES_ID, op.seller.account > FEES_ID)
    yield Reason.NO_ACCOUNT, both(exists(case.buyer), exists(case.seller))
    yield Reason.SAME_OWNER, negate(case.buyer.owner == case.seller.owner)
    buying = {"buys": True, "price": op.price, "taker": op.taker_buys, "fee_ppm": op.buyer_fee_ppm}
    selling = {"buys": False, "price": op.price, "taker": negate(op.taker_buys), "fee_ppm": op.seller_fee_ppm}
    yield from fillable(case, op.buyer, case.buyer_stored, **buying)
    yield from fillable(case, op.seller, case.seller_stored, **selling)
    capped = both(absolute(op.buyer_fee_ppm) <= market.fee_cap_ppm, absolute(op.seller_fee_ppm) <= market.fee_cap_ppm)
    yield Reason.FEE, both(capped, negate(op.buyer_fee_ppm + op.seller_fee_ppm < 0))
    yield from not_halted(case)
    yield Reason.PRICE_BAND, near(absolute(op.price - case.price.price), market.price_band_ppm, case.price.price)
    yield from traded(case)


def traded(case: Case) -> Guards:
    """What a trade asks of the two accounts after it."""
    op, market = case.op, case.market
    notional = op.lots * op.price
    buyer, seller = side_of(case, "buyer"), side_of(case, "seller")
    paid = notional + rounded_up(notional * op.buyer_fee_ppm)
    got = notional - rounded_up(notional * op.seller_fee_ppm)
    bought = moved_by(case, buyer, op.buyer_slot, op.lots, -paid, case.buyer.liquidated_at)
    sold = moved_by(case, seller, op.seller_slot, -op.lots, got, case.seller.liquidated_at)
    yield Reason.SLOT, both(own_slot(case, buyer, op.buyer_slot), own_slot(case, seller, op.seller_slot))
    yield Reason.MARKET_NOT_ALLOWED, both(one_market(case, case.buyer), one_market(case, case.seller))
    yield (
        Reason.ORDER_REDUCE_ONLY,
        both(implies(op.buyer.reduce_only, bought.reduced), implies(op.seller.reduce_only, sold.reduced)),
    )
    both_reduce = both(bought.reduced, sold.reduced)
    yield Reason.REDUCE_ONLY, implies(negate(modes_below(case, Mode.REDUCE_ONLY)), both_reduce)
    trusted = (negate(is_degraded(case)), negate(buyer.degraded), negate(seller.degraded))
    yield (
        Reason.ORACLE_LEVEL,
        both(
            negate(blind_too_long(case)),
            implies(negate(bought.reduced), both(trusted[0], trusted[1])),
            implies(negate(sold.reduced), both(trusted[0], trusted[2])),
        ),
    )
    yield (
        Reason.SIZE_RANGE,
        both(negate(bought.position.size > market.max_size), negate(sold.position.size < -market.max_size)),
    )
    rise = longs(bought.position.size) + longs(sold.position.size) - longs(buyer.size) - longs(seller.size)
    room = both(modes_below(case, Mode.THROTTLE), rise <= market.open_interest_cap - case.book.open_interest)
    yield Reason.OPEN_INTEREST, implies(rise > 0, room)
    yield (
        Reason.COLLATERAL_RANGE,
        both(collateral_in_range(bought.account.collateral), collateral_in_range(sold.account.collateral)),
    )
    yield from valid_transition(case.buyer.kind, buyer.health, bought)
    yield from valid_transition(case.seller.kind, seller.health, sold)


# The waterfall


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


# Ticks


def report_guards(report: Any, signers: Word, quorum: Word, max_price: Word) -> Guards:
    """Of one family's report: none at all, or a quorum of rising signers with the lower median of their values."""
    said = negate(report.count == 0)
    yield Reason.QUORUM, implies(said, both(negate(report.count < quorum), negate(report.count > signers)))
    rising: Flag = True
    priced: Flag = True
    above: Word = 0
    below: Word = 0
    for place, (signer, value) in enumerate(zip(report.signers, report.values, strict=True)):
        counts = report.count > place
        follows = negate(signer < 0) if place == 0 else signer > report.signers[place - 1]
        rising = both(rising, implies(counts, both(follows, signer < signers)))
        priced = both(priced, implies(counts, both(value > 0, negate(value > max_price))))
        above = above + indicator(both(counts, value > report.median))
        below = below + indicator(both(counts, value < report.median))
    yield Reason.SIGNERS_NOT_RISING, implies(said, rising)
    yield Reason.PRICE_RANGE, implies(said, priced)
    # At least half are no higher, and more than half no lower.
    median = both(2 * (report.count - above) >= report.count, 2 * (report.count - below) > report.count)
    yield Reason.NOT_MEDIAN, implies(said, median)


def oracle_tick(case: Case) -> Guards:
    """Of an oracle tick."""
    op, own = case.op, case.parameters
    yield from live(case)
    yield from market_there(case)
    yield Reason.BAD_SIGNATURE, op.authorised
    yield Reason.TICK_TOO_SOON, negate(case.exchange.time < case.price.ticked_at + 10)
    for report, signers, quorum in zip(op.reports, own.signers, own.quorums, strict=True):
        yield from report_guards(report, signers, quorum, case.market.max_price)


def book_guards(case: Case) -> Guards:
    """Bid and ask are prices, and not crossed."""
    bid, ask = case.op.bid, case.op.ask
    yield Reason.PRICE_RANGE, negate(either(bid < 1, ask < bid, ask > case.market.max_price))


def mark(case: Case) -> Guards:
    """Of a mark."""
    yield from live(case)
    yield from market_there(case)
    yield from book_guards(case)
    yield Reason.PRICE_RANGE, negate(either(case.op.last < 1, case.op.last > case.market.max_price))
    yield Reason.ORACLE_LEVEL, case.price.index > 0


def premium_sample(case: Case) -> Guards:
    """Of a premium sample."""
    yield from live(case)
    yield from market_there(case)
    yield from book_guards(case)
    yield Reason.ORACLE_LEVEL, case.price.index > 0
    yield Reason.SAMPLE_TOO_SOON, negate(case.exchange.time < case.oracle.sampled_at + 60)


def funding_tick(case: Case) -> Guards:
    """Of a funding tick."""
    yield from live(case)
    yield from market_there(case)
    yield Reason.TICK_TOO_SOON, negate(case.exchange.time < case.oracle.funded_at + 3600)


# The exchange


def begin_batch(case: Case) -> Guards:
    """Of a batch's header."""
    header, exchange, applied = case.op, case.exchange, case.applied
    yield Reason.BATCH_NUMBER, header.number - exchange.number == 1
    yield Reason.TIME_BACKWARDS, negate(header.time < exchange.time)
    yield Reason.PREVIOUS_ROOT, applied.root == header.previous_root
    yield Reason.CONFIG_DIGEST, applied.config_digest == header.config_digest


def record_proof(case: Case) -> Guards:
    """Of a proof that the chain below accepted."""
    yield from live(case)
    newer = case.op.number > case.exchange.proven
    yield Reason.BATCH_NUMBER, both(newer, negate(case.op.number > case.exchange.number - 1))


def set_kill_switch(case: Case) -> Guards:
    """Of the kill switch."""
    yield from live(case)
    yield from market_there(case)
    yield from signed(case)
    mode = case.op.mode
    yield Reason.KILL_SWITCH, either(mode == 0, mode == 1, mode == 2, mode == 4)


def end_batch(case: Case) -> Guards:
    """Of the end of a batch."""
    yield Reason.KILL_SWITCH, negate(case.op.mode == 3)
    strict: Flag = True
    for demand in demanded(case):
        strict = both(strict, negate(case.op.mode < demand))
    yield Reason.MODE_NOT_ESCALATED, strict


def demanded(case: Case) -> list[Word]:
    """Every mode that the state demands."""
    own, exchange = case.parameters, case.exchange
    window, previous = window_modes(case)
    unproven = exchange.number - exchange.proven
    return [
        exchange.switch,
        window,
        previous,
        fall_of_fund(case),
        stricter(negate(unproven < own.proof_reduce), negate(unproven < own.proof_throttle)),
        select(case.ledger.bankrupt > 0, Mode.REDUCE_ONLY, Mode.NORMAL),
    ]


def stricter(reduce: Flag, throttle: Flag) -> Word:
    """A mode by its two signs."""
    return select(reduce, Mode.REDUCE_ONLY, select(throttle, Mode.THROTTLE, Mode.NORMAL))


def rolls(case: Case) -> tuple[Word, Flag]:
    """The window it is, and whether another has begun."""
    window = mul_div_floor(case.exchange.time, 1, maximum(case.parameters.window_seconds, 1))
    return window, negate(window == case.exchange.window)


def window_modes(case: Case) -> tuple[Word, Word]:
    """What this window demands, with what it demanded before, and what the one before demands."""
    _, rolled = rolls(case)
    own = case.parameters
    _, sums = sweep(market_window, case.markets, own, rolled)
    counted, throttled, reduced = sums
    half = mul_div_ceil(counted, 1, 2)
    many = [both(negate(count < half), negate(count < own.window_markets)) for count in (reduced, throttled)]
    window = maximum(stricter(*many), case.exchange.window_mode)
    return window, select(rolled, window, case.exchange.window_previous)


def fund_figures(case: Case) -> tuple[Word, Word, Word]:
    """The day, the fund's equity, and the equity it is compared with."""
    today = mul_div_floor(case.exchange.time, 1, 86_400)
    equity = whole_fund(case).health.equity
    return today, equity, select(negate(today == case.exchange.fund_day), equity, case.exchange.fund_reference)


def fall_of_fund(case: Case) -> Word:
    """What a fall of the fund on the day demands."""
    own = case.parameters
    _, equity, reference = fund_figures(case)
    fell = select(reference > equity, reference - equity, 0)
    deep = [
        both(reference > 0, negate(fell * PPM < part * maximum(reference, 0)))
        for part in (own.fund_reduce_ppm, own.fund_throttle_ppm)
    ]
    return stricter(*deep)


# Exits


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


def conceded_price_is_the_worse_less_slip(stage: Stage) -> Iterator[Claim]:
    """Of any position."""
    size = stage.record(Position, "position").size
    price, market = stage.record(MarketPrice, "price"), stage.record(Market, "market")
    yield Claim("the price", conceded_price(size, price, market) == conceded(size, price, market))


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


def rejected_exactly_for(name: str, guards: Callable[[Case], Guards], stage: Stage) -> Iterator[Claim]:
    """The first false guard, or none, is the one of this list."""
    rule = RULES[name]
    operation, names, loaded = stage.loads(rule)
    case = SimpleNamespace(op=operation, **dict(zip(names, loaded, strict=True)))
    result = stage.outcome(rule.function, operation, *loaded)
    yield Claim("the reason, or none", result == code_of(guards(case)))


GUARDS: dict[str, Callable[[Case], Guards]] = {name: globals()[name] for name in sorted(RULES)}
"""The conditions of each operation: the function of its name."""

GOALS = tuple(
    Goal(
        name=f"{name}_is_rejected_exactly_for",
        sentence=f"{name} is accepted exactly where every condition of its list holds, and else refused with the "
        "reason of the first that does not.",
        statement=partial(rejected_exactly_for, name, guards),
        subjects=(name,),
    )
    for name, guards in GUARDS.items()
)
GOALS += (
    Goal(
        name=conceded_price_is_the_worse_less_slip.__name__,
        sentence="A forced reduction is done at the health price or the index, whichever is worse for the account, "
        "less the slip.",
        statement=conceded_price_is_the_worse_less_slip,
        subjects=("conceded_price", "forced_reduce"),
    ),
)
