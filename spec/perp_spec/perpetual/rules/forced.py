"""Exits without the operator's good will: forced requests and their answers, freeze, escape."""

from perp_spec.language import (
    absolute,
    attempt,
    both,
    call_if,
    changed,
    clamp,
    either,
    maximum,
    minimum,
    mul_div_floor,
    negate,
    require,
    require_if,
    select,
    table,
)
from perp_spec.operation import reads, reads_held, updates, updates_held
from perp_spec.perpetual.common import (
    PERPETUAL,
    carry,
    emptied,
    fill_order_if,
    flat_and_negative,
    inbox_of,
    long_lots,
    require_account,
    require_amount,
    require_collateral,
    require_live,
    require_market,
    with_collateral,
)
from perp_spec.perpetual.health import (
    Held,
    Moved,
    Side,
    Whole,
    at_best,
    move_side,
    oracle_state,
    require_valid_transition_if,
    settle_side,
    settle_whole,
    slot_fits,
    transition_kept_health,
)
from perp_spec.perpetual.operations import (
    EscapeClaim,
    EscapePay,
    ForcedReduce,
    ForcedWithdraw,
    Freeze,
    RequestForced,
)
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FEES,
    FIRST_USER,
    FUND,
    Account,
    Claim,
    Exchange,
    Forced,
    Kind,
    Ledger,
    Market,
    MarketBook,
    MarketPrice,
    OrderSlot,
    Parameters,
    Path,
    Position,
    Queue,
    Request,
)
from perp_spec.perpetual.rules.money import consume_entry, pay_out
from perp_spec.perpetual.rules.trading import market_allowed, with_open_interest
from perp_spec.perpetual.rules.waterfall import decides, fund_able, holds, left_unhealthy, sign_of, spared_until
from perp_spec.words import CLAIMS_MAX, COLLATERAL_MAX, PPM

FORCED_ENTRY = 2
"""First word of a forced request in the queue's hash chain."""


def note_request(
    op: RequestForced, parameters: Parameters, exchange: Exchange, account: Account, request: Request
) -> Request:
    """The request to note, if it can be noted.

    Its deadline runs from when it was posted, not from this batch: who notes it late has gained nothing. An entry that
    the chain below posted later than this batch's time counts from the batch.
    """
    require_amount(op.amount)
    require(op.account >= FIRST_USER, Reason.RESERVED_ACCOUNT)
    require(both(account.kind != Kind.ABSENT, account.owner == op.key), Reason.NO_ACCOUNT)
    require(either(op.kind == Forced.WITHDRAW, op.kind == Forced.REDUCE), Reason.BAD_KIND)
    require(op.market < parameters.markets, Reason.NO_MARKET)
    require(request.kind == Forced.NONE, Reason.FORCED_PENDING)
    return changed(
        request,
        kind=op.kind,
        market=op.market,
        amount=op.amount,
        deadline=minimum(op.posted, exchange.time) + parameters.forced_seconds,
    )


@PERPETUAL.operation(
    RequestForced,
    reads(Parameters),
    reads(Exchange),
    updates(Queue),
    reads(Account, "account"),
    updates(Request, "account"),
)
def request_forced(
    op: RequestForced, parameters: Parameters, exchange: Exchange, queue: Queue, account: Account, request: Request
) -> tuple[Queue, Request]:
    """Note the next entry of the queue, a forced request, or refuse it. Never blocks the queue."""
    require_live(exchange)
    words = (FORCED_ENTRY, op.account, op.amount, op.kind, op.market, op.posted)
    consumed = consume_entry(queue, op.position, op.chain, op.key, words)
    result, noted = attempt(note_request, op, parameters, exchange, account, request, otherwise=request)
    require(op.result == result, Reason.FORCED_RESULT)
    return consumed, noted


def answered(request: Request, kept: bool, amount: int) -> Request:
    """The request after an answer: kept with that amount left, or gone."""
    return changed(
        request,
        kind=select(kept, request.kind, Forced.NONE),
        market=select(kept, request.market, 0),
        amount=select(kept, amount, 0),
        deadline=select(kept, request.deadline, 0),
    )


def forced_payment(ledger: Ledger, side: Whole, held: Held, now: int, amount: int) -> int:
    """What leaves the account, if it may leave; the withdrawal bucket does not count here."""
    require(amount <= ledger.vault, Reason.VAULT)
    pay_out(side, held, now, amount)
    return amount


@PERPETUAL.operation(
    ForcedWithdraw,
    reads(Parameters),
    reads(Exchange),
    updates(Ledger),
    updates(Request, "account"),
    updates(Account, "account"),
    updates_held("account"),
)
def forced_withdraw(
    op: ForcedWithdraw,
    parameters: Parameters,
    exchange: Exchange,
    ledger: Ledger,
    request: Request,
    account: Account,
    held: Held,
) -> tuple[Ledger, Request, Account, Held]:
    """Answer a forced withdrawal. A refusal because of the oracle keeps the request, its deadline running."""
    require_live(exchange)
    require(request.kind == Forced.WITHDRAW, Reason.FORCED_UNKNOWN)
    side = settle_whole(parameters, exchange.time, 0, account, held)
    result, paid = attempt(forced_payment, ledger, side, held, exchange.time, request.amount, otherwise=0)
    require(op.result == result, Reason.FORCED_RESULT)
    collateral = side.collateral - paid
    booked = carry(
        ledger,
        side.terms.dust,
        vault=-paid,
        bankrupt=flat_and_negative(side.terms.occupied, collateral) - side.bankrupt,
    )
    kept = result == int(Reason.ORACLE_LEVEL)
    return booked, answered(request, kept, request.amount), with_collateral(account, collateral), side.held


def conceded_price(size: int, price: MarketPrice, market: Market) -> int:
    """The price of a forced reduction: the health price less what is conceded, for whoever closes `size`.

    At a gap it is the index where that is worse: nobody has to take a position at a price held back by the band.
    """
    slip = mul_div_floor(price.price, market.slip_ppm, PPM)
    worse = select(size > 0, minimum(price.price, price.index), maximum(price.price, price.index))
    return worse - sign_of(size) * slip


def reduction_allowed(
    parameters: Parameters,
    now: int,
    side: Side,
    price: MarketPrice,
    market: Market,
    request: Request,
    slot: int,
    paid_price: int,
) -> int:
    """The requested lots, at most the position, if closing all of them at that price keeps the account's health.

    Other markets of the account may be blind, as in a trade: no money leaves the account. What is in them counts at the
    best price their bands allow.
    """
    require(holds(side, request.market), Reason.NO_POSITION)
    require(negate(oracle_state(price, market, now).blind), Reason.ORACLE_LEVEL)
    wanted = minimum(request.amount, absolute(side.size))
    direction = sign_of(side.size)
    closed = move_side(
        parameters,
        side,
        price,
        market,
        request.market,
        slot,
        -direction * wanted,
        direction * wanted * paid_price,
        side.account.liquidated_at,
    )
    require_collateral(closed.account.collateral)
    before = at_best(side.health, side.doubt)
    after = at_best(closed.health, side.doubt)
    kept = transition_kept_health(side.account.kind, before, after)
    require(either(after.equity >= after.initial, kept), Reason.HEALTH_RATIO_FELL)
    return wanted


@table()
def fund_could_reduce(
    parameters: Parameters,
    now: int,
    inbox: int,
    fund: Account,
    fund_position: Position,
    fund_others: Held,
    price: MarketPrice,
    market: Market,
    subject: int,
    fund_slot: int,
    delta: int,
    cash: int,
) -> bool:
    """The fund could take the other side of a forced reduction."""
    side = settle_side(parameters, now, inbox, fund, fund_position, fund_others, price, market, subject)
    require(decides(side, fund_position, subject, fund_slot), Reason.SLOT)
    taken = move_side(parameters, side, price, market, subject, fund_slot, delta, cash, fund.liquidated_at)
    return fund_able(parameters, side, taken, market, subject, fund_slot)


def require_counterparty(
    done: bool,
    op: ForcedReduce,
    parameters: Parameters,
    exchange: Exchange,
    ledger: Ledger,
    price: MarketPrice,
    market: Market,
    account: Account,
    counterparty: Account,
    taking: Side,
    took: Moved,
    delta: int,
    cash: int,
    fund: Account,
    fund_position: Position,
    fund_others: Held,
) -> None:
    """Where the reduction is done, its other side is one of three.

    A willing order, else the fund with margin to spare, else an opposite position, where the fund could not take the
    same lots at the same price. The fund's own position may be that opposite one: it only gains by it.
    """
    by_order = both(done, op.path == Path.ORDER)
    by_fund = both(done, op.path == Path.FUND)
    by_opposite = both(done, op.path == Path.OPPOSITE)
    a_user = op.counterparty >= FIRST_USER
    permitted = select(by_order, a_user, select(by_fund, op.counterparty == FUND, op.counterparty != FEES))
    require_if(done, permitted, Reason.RESERVED_ACCOUNT)
    require_if(done, counterparty.kind != Kind.ABSENT, Reason.NO_ACCOUNT)
    require_if(by_order, op.order.account == op.counterparty, Reason.NO_ACCOUNT)
    require_if(by_order, account.owner != counterparty.owner, Reason.SAME_OWNER)
    require_if(done, slot_fits(taking, op.market, op.counterparty_slot), Reason.SLOT)
    require_if(by_order, market_allowed(counterparty, op.market), Reason.MARKET_NOT_ALLOWED)
    require_if(by_order, either(negate(op.order.reduce_only), took.reduced), Reason.ORDER_REDUCE_ONLY)
    require_if(by_order, either(negate(taking.blind), took.reduced), Reason.ORACLE_LEVEL)
    in_range = absolute(took.position.size) <= market.max_size
    require_if(by_order, in_range, Reason.SIZE_RANGE)
    able = fund_able(parameters, taking, took, market, op.market, op.counterparty_slot)
    require_if(by_fund, able, Reason.FUND_MARGIN)
    require_if(by_opposite, both(holds(taking, op.market), took.reduced), Reason.NOT_OPPOSITE)
    possible = call_if(
        by_opposite,
        fund_could_reduce,
        parameters,
        exchange.time,
        ledger.fund_inbox,
        fund,
        fund_position,
        fund_others,
        price,
        market,
        op.market,
        op.fund_slot,
        delta,
        cash,
        otherwise=False,
    )
    require(negate(possible), Reason.BACKSTOP_POSSIBLE)
    require_if(by_order, absolute(took.account.collateral) <= COLLATERAL_MAX, Reason.COLLATERAL_RANGE)
    require_valid_transition_if(by_order, counterparty.kind, taking.health, took.health, took.reduced)


@PERPETUAL.operation(
    ForcedReduce,
    reads(Parameters),
    reads(Exchange),
    reads(Market, "market"),
    reads(MarketPrice, "market"),
    updates(Ledger),
    updates(MarketBook, "market"),
    updates(Request, "account"),
    updates(Account, "account"),
    updates(Position, "account", "slot"),
    updates_held("account", skip="slot"),
    updates(Account, "counterparty"),
    updates(Position, "counterparty", "counterparty_slot"),
    updates_held("counterparty", skip="counterparty_slot"),
    updates(OrderSlot, "counterparty", "order.slot"),
    reads(Account, FUND),
    reads(Position, FUND, "fund_slot"),
    reads_held(FUND, skip="fund_slot"),
)
def forced_reduce(
    op: ForcedReduce,
    parameters: Parameters,
    exchange: Exchange,
    market: Market,
    price: MarketPrice,
    ledger: Ledger,
    book: MarketBook,
    request: Request,
    account: Account,
    position: Position,
    others: Held,
    counterparty: Account,
    counterparty_position: Position,
    counterparty_others: Held,
    stored: OrderSlot,
    fund: Account,
    fund_position: Position,
    fund_others: Held,
) -> tuple[Ledger, MarketBook, Request, Account, Position, Held, Account, Position, Held, OrderSlot]:
    """Answer a forced reduction: close lots at the health price less a slip, or refuse.

    Whether it is refused is judged on all the requested lots, so the operator cannot pick a piece to refuse; a piece
    may be done now and the rest later. A refusal names any other account with a slot that is empty or holds the
    market, and leaves it as it is but settled. A refusal because of the oracle keeps the request, its deadline
    running.
    """
    now = exchange.time
    require_live(exchange)
    require_market(market)
    require(op.account != op.counterparty, Reason.SAME_ACCOUNT)
    require(request.kind == Forced.REDUCE, Reason.FORCED_UNKNOWN)
    side = settle_side(parameters, now, 0, account, position, others, price, market, request.market)
    fits = either(position.size == 0, position.market == op.market)
    other_fits = either(counterparty_position.size == 0, counterparty_position.market == op.market)
    named = either(holds(side, request.market), side.rest.same == 0)
    require(both(fits, other_fits, named), Reason.SLOT)
    paid_price = conceded_price(side.size, price, market)
    result, wanted = attempt(
        reduction_allowed, parameters, now, side, price, market, request, op.slot, paid_price, otherwise=0
    )
    require(op.result == result, Reason.FORCED_RESULT)
    done = result == 0
    require(select(done, both(op.lots >= 1, op.lots <= wanted), op.lots == 0), Reason.LOTS)

    direction = sign_of(side.size)
    value = direction * op.lots * paid_price
    moved = move_side(
        parameters,
        side,
        price,
        market,
        op.market,
        op.slot,
        -direction * op.lots,
        value,
        account.liquidated_at,
    )
    inbox = inbox_of(op.counterparty, ledger)
    taking = settle_side(
        parameters,
        now,
        inbox,
        counterparty,
        counterparty_position,
        counterparty_others,
        price,
        market,
        op.market,
    )
    took = move_side(
        parameters,
        taking,
        price,
        market,
        op.market,
        op.counterparty_slot,
        direction * op.lots,
        -value,
        counterparty.liquidated_at,
    )
    used = fill_order_if(
        both(done, op.path == Path.ORDER),
        op.order,
        stored,
        now,
        op.market,
        side.size > 0,
        op.lots,
        paid_price,
        True,
        0,
    )
    require_counterparty(
        done,
        op,
        parameters,
        exchange,
        ledger,
        price,
        market,
        account,
        counterparty,
        taking,
        took,
        direction * op.lots,
        -value,
        fund,
        fund_position,
        fund_others,
    )
    change = (
        long_lots(moved.position.size) - long_lots(side.size) + long_lots(took.position.size) - long_lots(taking.size)
    )
    booked = carry(
        ledger,
        side.dust + taking.dust,
        fund=emptied(op.counterparty, ledger, FUND),
        fees=emptied(op.counterparty, ledger, FEES),
        bankrupt=moved.bankrupt + took.bankrupt - side.bankrupt - taking.bankrupt,
    )
    spared = both(done, op.path == Path.OPPOSITE, left_unhealthy(op.counterparty, taking, took.health, market))
    took_account = changed(
        took.account, liquidated_at=select(spared, spared_until(now, parameters), counterparty.liquidated_at)
    )
    left = request.amount - op.lots
    kept = either(result == int(Reason.ORACLE_LEVEL), both(done, op.lots < wanted))
    return (
        booked,
        with_open_interest(book, change, 0),
        answered(request, kept, left),
        moved.account,
        moved.position,
        side.others,
        took_account,
        took.position,
        taking.others,
        used,
    )


@PERPETUAL.operation(Freeze, updates(Exchange), reads(Ledger), reads(Request, "account"))
def freeze(op: Freeze, exchange: Exchange, ledger: Ledger, request: Request) -> tuple[Exchange]:
    """Stop the exchange for good, because a forced request is past its deadline. Anyone may."""
    require_live(exchange)
    require(request.kind != Forced.NONE, Reason.FORCED_UNKNOWN)
    require(exchange.time > request.deadline, Reason.NOT_DUE)
    frozen = changed(exchange, frozen_at=exchange.time, escape_vault=ledger.vault)
    return (frozen,)


@PERPETUAL.operation(
    EscapeClaim,
    reads(Parameters),
    reads(Exchange),
    updates(Ledger),
    updates(Request, "account"),
    updates(Account, "account"),
    updates_held("account"),
)
def escape_claim(
    op: EscapeClaim,
    parameters: Parameters,
    exchange: Exchange,
    ledger: Ledger,
    request: Request,
    account: Account,
    held: Held,
) -> tuple[Ledger, Request, Account, Held]:
    """Claim an account's equity at the frozen prices, once, within the claim window.

    All claims together are at most CLAIMS_MAX, so that their sum stays a word whatever the frozen prices are.
    """
    require(exchange.frozen_at != 0, Reason.NOT_FROZEN)
    require(exchange.time <= exchange.frozen_at + parameters.claim_seconds, Reason.CLAIM_WINDOW)
    require(op.account >= FIRST_USER, Reason.RESERVED_ACCOUNT)
    require_account(account)
    require(request.claimed == Claim.NONE, Reason.CLAIMED)
    side = settle_whole(parameters, exchange.time, 0, account, held)
    claim = clamp(side.health.equity, 0, CLAIMS_MAX - ledger.claims)
    claimed = changed(request, claim=claim, claimed=Claim.CLAIMED)
    bankrupt = flat_and_negative(side.terms.occupied, side.collateral) - side.bankrupt
    booked = carry(ledger, side.terms.dust, bankrupt=bankrupt, claims=claim)
    return booked, claimed, with_collateral(account, side.collateral), side.held


@PERPETUAL.operation(
    EscapePay,
    reads(Parameters),
    reads(Exchange),
    updates(Ledger),
    updates(Request, "account"),
    updates(Account, "account"),
)
def escape_pay(
    op: EscapePay, parameters: Parameters, exchange: Exchange, ledger: Ledger, request: Request, account: Account
) -> tuple[Ledger, Request, Account]:
    """Pay a claim after the claim window: all of it, or the part of it that the vault covered for all claims."""
    require(exchange.frozen_at != 0, Reason.NOT_FROZEN)
    require(exchange.time > exchange.frozen_at + parameters.claim_seconds, Reason.CLAIM_WINDOW)
    require(request.claimed == Claim.CLAIMED, Reason.CLAIMED)
    covered = minimum(exchange.escape_vault, ledger.claims)
    payout = mul_div_floor(request.claim, covered, maximum(ledger.claims, 1))
    require(op.amount == payout, Reason.AMOUNT)
    require(payout <= ledger.vault, Reason.VAULT)
    paid = changed(request, claimed=Claim.PAID)
    return carry(ledger, 0, vault=-payout), paid, with_collateral(account, account.collateral - payout)
