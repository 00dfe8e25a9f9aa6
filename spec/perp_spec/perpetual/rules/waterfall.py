"""The waterfall: liquidate, backstop, deleverage, socialise."""

from typing import NamedTuple

from perp_spec.language import (
    absolute,
    attempt,
    both,
    call_if,
    changed,
    cut,
    either,
    fold,
    maximum,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    mul_div_remainder,
    negate,
    product_le,
    require,
    select,
    table,
)
from perp_spec.operation import reads, reads_held, updates, updates_held, updates_markets
from perp_spec.perpetual.common import (
    PERPETUAL,
    carry,
    fill_order_if,
    flat_and_negative,
    long_lots,
    require_account,
    require_collateral,
    require_live,
    require_market,
    require_not_halted,
    with_collateral,
    within,
)
from perp_spec.perpetual.health import (
    Health,
    Held,
    Moved,
    Side,
    at_best,
    move_side,
    oracle_state,
    ratio_kept,
    require_valid_transition_if,
    settle_side,
    settle_whole,
    share_of,
    slot_fits,
    zero_price_amount,
)
from perp_spec.perpetual.operations import Backstop, Deleverage, Liquidate, Socialise
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FEES,
    FIRST_USER,
    FUND,
    Account,
    Exchange,
    Kind,
    Ledger,
    Market,
    MarketBook,
    MarketPrice,
    OrderSlot,
    Parameters,
    Position,
)
from perp_spec.perpetual.rules.trading import fill_side, market_allowed, with_open_interest
from perp_spec.words import COLLATERAL_MAX, DAY, POSITION_SLOTS, PPM, TIME_MAX


def sign_of(size: int) -> int:
    """1 for a long, -1 for a short or an empty slot."""
    return select(size > 0, 1, -1)


def holds(side: Side, subject: int) -> bool:
    """The touched slot holds a position in the subject market."""
    return both(side.size != 0, side.held_market == subject)


def below_close_out(health: Health, market: Market) -> bool:
    """Equity is below the close-out fraction of the maintenance margin."""
    return negate(product_le(market.close_out_ppm, health.maintenance, health.equity, PPM))


def left_unhealthy(account: int, before: Side, after: Health, market: Market) -> bool:
    """A user's account lost its maintenance margin, or fell below close-out.

    Only a portfolio can by having a leg closed, where that leg was the hedge of another. Both lines count, or a first
    piece would use up the time that the account needs after the second.
    """
    had = at_best(before.health, before.doubt)
    has = at_best(after, before.doubt)
    lost = both(had.equity >= had.maintenance, has.equity < has.maintenance)
    fell = both(negate(below_close_out(had, market)), below_close_out(has, market))
    return both(account != FUND, either(lost, fell))


def spared_until(now: int, parameters: Parameters) -> int:
    """Until when an account is spared that has lost its margin to somebody else's need."""
    return minimum(now + parameters.cooldown_seconds, TIME_MAX)


def is_spared(side: Side, now: int) -> bool:
    """The account is spared, and not below zero."""
    return both(now < side.account.liquidated_at, at_best(side.health, side.doubt).equity >= 0)


def step_cap(size: int, degraded: bool, price: MarketPrice, market: Market) -> int:
    """The most lots one staged liquidation may close: the close factor's part, or all of a small position.

    Half of it while an oracle the account depends on is degraded.
    """
    small = absolute(size) * price.price <= market.full_close_atoms
    cap = select(small, absolute(size), mul_div_ceil(absolute(size), market.close_factor_ppm, PPM))
    return select(degraded, mul_div_ceil(cap, 1, 2), cap)


def liquidation_kept_health(account: int, kind: int, before: Health, after: Health) -> bool:
    """A liquidated account's ratio did not fall: on the linear margin for portfolio accounts and the fund."""
    on_linear = either(kind == Kind.PORTFOLIO, account == FUND)
    return ratio_kept(on_linear, before, after)


def require_staged(
    op: Liquidate, exchange: Exchange, parameters: Parameters, side: Side, price: MarketPrice, market: Market
) -> None:
    """Between maintenance and close-out a liquidation goes in steps: not too large, not too small, not too often."""
    close_out = below_close_out(at_best(side.health, side.doubt), market)
    staged = both(negate(close_out), op.account != FUND)
    cap = step_cap(side.size, side.degraded, price, market)
    require(either(negate(staged), op.lots <= cap), Reason.CLOSE_FACTOR)
    require(either(negate(staged), op.lots >= mul_div_ceil(cap, 1, 2)), Reason.STEP_TOO_SMALL)
    waited = exchange.time - side.account.liquidated_at >= parameters.cooldown_seconds
    rested = both(either(negate(staged), waited), negate(is_spared(side, exchange.time)))
    require(rested, Reason.COOLDOWN)
    slippage_ppm = select(close_out, market.slippage_full_ppm, market.slippage_partial_ppm)
    near = within(absolute(op.price - price.price), slippage_ppm, price.price)
    given_away = select(side.size > 0, price.index - op.price, op.price - price.index)
    require(both(near, within(given_away, slippage_ppm, price.index)), Reason.SLIPPAGE)


@PERPETUAL.operation(
    Liquidate,
    reads(Parameters),
    reads(Exchange),
    reads(Market, "market"),
    reads(MarketPrice, "market"),
    updates(Ledger),
    updates(MarketBook, "market"),
    updates(Account, "account"),
    updates(Position, "account", "slot"),
    updates_held("account", skip="slot"),
    updates(Account, "taker.account"),
    updates(Position, "taker.account", "taker_slot"),
    updates_held("taker.account", skip="taker_slot"),
    updates(OrderSlot, "taker.account", "taker.slot"),
)
def liquidate(
    op: Liquidate,
    parameters: Parameters,
    exchange: Exchange,
    market: Market,
    price: MarketPrice,
    ledger: Ledger,
    book: MarketBook,
    account: Account,
    position: Position,
    others: Held,
    taker: Account,
    taker_position: Position,
    taker_others: Held,
    taker_stored: OrderSlot,
) -> tuple[Ledger, MarketBook, Account, Position, Held, Account, Position, Held, OrderSlot]:
    """Close lots of an account below its maintenance margin against a willing order.

    The fund may unwind this way too. Positions in blind markets neither stop a liquidation elsewhere nor justify one:
    they count at the best price their bands allow. The taker may open at level 1, at a gap and in REDUCE_ONLY, or
    nobody would be left to take.
    """
    now = exchange.time
    require_live(exchange)
    require_market(market)
    require(both(op.lots >= 1, op.lots <= market.max_size), Reason.LOTS)
    require(both(op.price >= 1, op.price <= market.max_price), Reason.PRICE_RANGE)
    require(op.account != op.taker.account, Reason.SAME_ACCOUNT)
    require(both(op.account != FEES, op.taker.account >= FIRST_USER), Reason.RESERVED_ACCOUNT)
    require_account(account)
    require_account(taker)
    require(account.owner != taker.owner, Reason.SAME_OWNER)
    sells = position.size > 0
    taker_used = fill_order_if(
        True, op.taker, taker_stored, now, op.market, sells, op.lots, op.price, True, op.taker_fee_ppm
    )
    require(both(op.fee_ppm >= 0, op.fee_ppm <= market.liquidation_fee_cap_ppm), Reason.FEE)
    require(both(op.taker_fee_ppm >= 0, op.taker_fee_ppm <= market.fee_cap_ppm), Reason.FEE)
    require_not_halted(exchange, price)

    notional = op.lots * op.price
    direction = sign_of(position.size)
    fee = mul_div_ceil(notional, op.fee_ppm, PPM)
    taker_fee = mul_div_ceil(notional, op.taker_fee_ppm, PPM)
    inbox = select(op.account == FUND, ledger.fund_inbox, 0)
    side = settle_side(parameters, now, inbox, account, position, others, price, market, op.market)
    moved = move_side(
        parameters,
        side,
        price,
        market,
        op.market,
        op.slot,
        -direction * op.lots,
        direction * notional - fee,
        now,
    )
    taking, took = fill_side(
        parameters,
        now,
        taker,
        taker_position,
        taker_others,
        price,
        market,
        op.market,
        op.taker_slot,
        direction * op.lots,
        -direction * notional - taker_fee,
    )
    require(holds(side, op.market), Reason.NO_POSITION)
    require(op.lots <= absolute(side.size), Reason.LOTS)
    require(slot_fits(taking, op.market, op.taker_slot), Reason.SLOT)
    require(market_allowed(taker, op.market), Reason.MARKET_NOT_ALLOWED)
    require(either(negate(op.taker.reduce_only), took.reduced), Reason.ORDER_REDUCE_ONLY)
    require(negate(oracle_state(price, market, now).blind), Reason.ORACLE_LEVEL)
    require(either(negate(taking.blind), took.reduced), Reason.ORACLE_LEVEL)
    unhealthy = at_best(side.health, side.doubt).equity < side.health.maintenance
    require(either(unhealthy, op.account == FUND), Reason.NOT_LIQUIDATABLE)
    require_staged(op, exchange, parameters, side, price, market)
    require(absolute(took.position.size) <= market.max_size, Reason.SIZE_RANGE)
    require_collateral(moved.account.collateral)
    require_collateral(took.account.collateral)
    require_valid_transition_if(True, taker.kind, taking.health, took.health, took.reduced)
    require(liquidation_kept_health(op.account, account.kind, side.health, moved.health), Reason.HEALTH_RATIO_FELL)

    change = (
        long_lots(moved.position.size) - long_lots(side.size) + long_lots(took.position.size) - long_lots(taking.size)
    )
    booked = carry(
        ledger,
        side.dust + taking.dust,
        fund=fee - inbox,
        fees=taker_fee,
        bankrupt=moved.bankrupt + took.bankrupt - side.bankrupt - taking.bankrupt,
    )
    return (
        booked,
        with_open_interest(book, change, select(op.account == FUND, 0, op.lots)),
        moved.account,
        moved.position,
        side.others,
        took.account,
        took.position,
        taking.others,
        taker_used,
    )


class Takeover(NamedTuple):
    """A backstop: the account and the fund after it."""

    moved: Moved
    fund: Moved


def certain(side: Side) -> Health:
    """Health for amounts that others pay: a deficit counts only as far as no blind position can make up for it."""
    known = side.health
    equity = select(known.equity >= 0, known.equity, minimum(known.equity + side.doubt, 0))
    return Health(equity, known.maintenance, known.initial, known.linear)


@table()
def take_over(
    parameters: Parameters,
    now: int,
    side: Side,
    fund: Side,
    price: MarketPrice,
    market: Market,
    subject: int,
    slot: int,
    fund_slot: int,
    lots: int,
) -> Takeover:
    """The fund takes over lots of an account below close-out, for the zero-price amount."""
    require(negate(oracle_state(price, market, now).blind), Reason.ORACLE_LEVEL)
    require(below_close_out(at_best(side.health, side.doubt), market), Reason.NOT_CLOSE_OUT)
    require(negate(is_spared(side, now)), Reason.COOLDOWN)
    direction = sign_of(side.size)
    value = lots * price.price
    amount = zero_price_amount(share_of(side.size, lots, price, market), certain(side))
    penalty = mul_div_ceil(value, parameters.penalty_ppm, PPM)
    price_amount = select(side.health.equity >= 0, minimum(amount, penalty), amount)
    moved = move_side(
        parameters,
        side,
        price,
        market,
        subject,
        slot,
        -direction * lots,
        direction * value - price_amount,
        now,
    )
    taken = move_side(
        parameters,
        fund,
        price,
        market,
        subject,
        fund_slot,
        direction * lots,
        price_amount - direction * value,
        fund.account.liquidated_at,
    )
    require(fund_able(parameters, fund, taken, market, subject, fund_slot), Reason.FUND_MARGIN)
    return Takeover(moved, taken)


def fund_able(parameters: Parameters, fund: Side, taken: Moved, market: Market, subject: int, fund_slot: int) -> bool:
    """The fund may take lots: it keeps margin, or only reduces and stays solvent; and it has room and range.

    Its own positions in blind markets count at the worst price their bands allow.
    """
    sure_equity = taken.health.equity - fund.doubt
    margin_left = product_le(parameters.fund_multiple, taken.health.initial, sure_equity, 1)
    reducing = both(taken.reduced, sure_equity >= 0)
    return both(
        either(margin_left, reducing),
        slot_fits(fund, subject, fund_slot),
        absolute(taken.position.size) <= market.max_size,
        absolute(taken.account.collateral) <= COLLATERAL_MAX,
    )


def decides(fund: Side, fund_position: Position, subject: int, fund_slot: int) -> bool:
    """The named slot of the fund is the one that decides what it can take: where it holds the market, else a free one.

    Only a fund without any free slot may have another position named.
    """
    full = both(fund.rest.occupied == POSITION_SLOTS - 1, fund_position.size != 0, fund.rest.same == 0)
    return either(slot_fits(fund, subject, fund_slot), full)


@PERPETUAL.operation(
    Backstop,
    reads(Parameters),
    reads(Exchange),
    reads(Market, "market"),
    reads(MarketPrice, "market"),
    updates(Ledger),
    updates(MarketBook, "market"),
    updates(Account, "account"),
    updates(Position, "account", "slot"),
    updates_held("account", skip="slot"),
    updates(Account, FUND),
    updates(Position, FUND, "fund_slot"),
    updates_held(FUND, skip="fund_slot"),
)
def backstop(
    op: Backstop,
    parameters: Parameters,
    exchange: Exchange,
    market: Market,
    price: MarketPrice,
    ledger: Ledger,
    book: MarketBook,
    account: Account,
    position: Position,
    others: Held,
    fund: Account,
    fund_position: Position,
    fund_others: Held,
) -> tuple[Ledger, MarketBook, Account, Position, Held, Account, Position, Held]:
    """The insurance fund takes over lots of an account below close-out."""
    now = exchange.time
    require_live(exchange)
    require_market(market)
    require(both(op.lots >= 1, op.lots <= market.max_size), Reason.LOTS)
    require(op.account >= FIRST_USER, Reason.RESERVED_ACCOUNT)
    require_account(account)
    require_not_halted(exchange, price)
    side = settle_side(parameters, now, 0, account, position, others, price, market, op.market)
    fund_side = settle_side(
        parameters, now, ledger.fund_inbox, fund, fund_position, fund_others, price, market, op.market
    )
    require(holds(side, op.market), Reason.NO_POSITION)
    require(op.lots <= absolute(side.size), Reason.LOTS)
    moved, taken = take_over(parameters, now, side, fund_side, price, market, op.market, op.slot, op.fund_slot, op.lots)
    change = (
        long_lots(moved.position.size)
        - long_lots(side.size)
        + long_lots(taken.position.size)
        - long_lots(fund_side.size)
    )
    booked = carry(
        ledger,
        side.dust + fund_side.dust,
        fund=-ledger.fund_inbox,
        bankrupt=moved.bankrupt + taken.bankrupt - side.bankrupt - fund_side.bankrupt,
    )
    return (
        booked,
        with_open_interest(book, change, op.lots),
        moved.account,
        moved.position,
        side.others,
        taken.account,
        taken.position,
        fund_side.others,
    )


def backstop_lots(size: int, parameters: Parameters, price: MarketPrice) -> int:
    """The piece of a position that a backstop must be unable to take before a deleverage: at least one lot."""
    unit = maximum(mul_div_floor(parameters.backstop_atoms, 1, maximum(price.price, 1)), 1)
    return minimum(absolute(size), unit)


@table()
def backstop_possible(
    parameters: Parameters,
    now: int,
    inbox: int,
    side: Side,
    fund: Account,
    fund_position: Position,
    fund_others: Held,
    price: MarketPrice,
    market: Market,
    subject: int,
    slot: int,
    fund_slot: int,
) -> bool:
    """The fund could take over a piece of the position."""
    fund_side = settle_side(parameters, now, inbox, fund, fund_position, fund_others, price, market, subject)
    require(decides(fund_side, fund_position, subject, fund_slot), Reason.SLOT)
    lots = backstop_lots(side.size, parameters, price)
    result, _ = attempt(
        take_over_only, parameters, now, side, fund_side, price, market, subject, slot, fund_slot, lots, otherwise=0
    )
    return result == 0


def take_over_only(
    parameters: Parameters,
    now: int,
    side: Side,
    fund: Side,
    price: MarketPrice,
    market: Market,
    subject: int,
    slot: int,
    fund_slot: int,
    lots: int,
) -> int:
    """The guards of a takeover, without its effects."""
    take_over(parameters, now, side, fund, price, market, subject, slot, fund_slot, lots)
    return 0


def released(equity: int, before: int, after: int) -> int:
    """The part of an equity that goes with a requirement falling from `before` to `after`: the ratio is kept."""
    return mul_div_floor(maximum(before - after, 0), equity, maximum(before, 1))


@cut
def deleverage_payment(side: Side, other: Side, unpaid: Health, lots: int, price: MarketPrice, market: Market) -> int:
    """What the counterparty pays beyond the health price.

    A bankrupt account's deficit for those lots, but no more than lets the counterparty keep its ratio, on its linear
    margin and on its maintenance margin. `unpaid` is the counterparty's health after the close, before the payment.
    """
    share = share_of(side.size, lots, price, market)
    deficit = mul_div_floor(share, maximum(-certain(side).equity, 0), maximum(side.health.linear, 1))
    before = other.health
    bearable = minimum(
        released(before.equity, before.linear, unpaid.linear),
        released(before.equity, before.maintenance, unpaid.maintenance),
    )
    return minimum(deficit, maximum(bearable, 0))


@PERPETUAL.operation(
    Deleverage,
    reads(Parameters),
    reads(Exchange),
    reads(Market, "market"),
    reads(MarketPrice, "market"),
    updates(Ledger),
    updates(MarketBook, "market"),
    updates(Account, "account"),
    updates(Position, "account", "slot"),
    updates_held("account", skip="slot"),
    updates(Account, "counterparty"),
    updates(Position, "counterparty", "counterparty_slot"),
    updates_held("counterparty", skip="counterparty_slot"),
    reads(Account, FUND),
    reads(Position, FUND, "fund_slot"),
    reads_held(FUND, skip="fund_slot"),
)
def deleverage(
    op: Deleverage,
    parameters: Parameters,
    exchange: Exchange,
    market: Market,
    price: MarketPrice,
    ledger: Ledger,
    book: MarketBook,
    account: Account,
    position: Position,
    others: Held,
    counterparty: Account,
    counterparty_position: Position,
    counterparty_others: Held,
    fund: Account,
    fund_position: Position,
    fund_others: Held,
) -> tuple[Ledger, MarketBook, Account, Position, Held, Account, Position, Held]:
    """Close lots of an account below close-out against an opposite position, at the health price.

    Only where the fund cannot take them. The counterparty bears a bankrupt account's deficit as far as its own equity
    in those lots goes. It may be the fund: where nobody else is on the other side, and the fund could not bear a
    backstop.
    """
    now = exchange.time
    require_live(exchange)
    require_market(market)
    require(both(op.lots >= 1, op.lots <= market.max_size), Reason.LOTS)
    require(op.account != op.counterparty, Reason.SAME_ACCOUNT)
    require(both(op.account != FEES, op.counterparty != FEES), Reason.RESERVED_ACCOUNT)
    require_account(account)
    require_account(counterparty)
    require_not_halted(exchange, price)
    is_fund = op.account == FUND
    inbox = select(is_fund, ledger.fund_inbox, 0)
    other_inbox = select(op.counterparty == FUND, ledger.fund_inbox, 0)
    side = settle_side(parameters, now, inbox, account, position, others, price, market, op.market)
    other = settle_side(
        parameters,
        now,
        other_inbox,
        counterparty,
        counterparty_position,
        counterparty_others,
        price,
        market,
        op.market,
    )
    require(holds(side, op.market), Reason.NO_POSITION)
    require(op.lots <= absolute(side.size), Reason.LOTS)
    opposite = select(side.size > 0, other.size <= -op.lots, other.size >= op.lots)
    require(both(holds(other, op.market), opposite), Reason.NOT_OPPOSITE)
    require(negate(oracle_state(price, market, now).blind), Reason.ORACLE_LEVEL)
    require(below_close_out(at_best(side.health, side.doubt), market), Reason.NOT_CLOSE_OUT)
    require(negate(is_spared(side, now)), Reason.COOLDOWN)
    possible = call_if(
        negate(is_fund),
        backstop_possible,
        parameters,
        now,
        ledger.fund_inbox,
        side,
        fund,
        fund_position,
        fund_others,
        price,
        market,
        op.market,
        op.slot,
        op.fund_slot,
        otherwise=False,
    )
    require(negate(possible), Reason.BACKSTOP_POSSIBLE)
    direction = sign_of(side.size)
    value = direction * op.lots * price.price
    closed = move_side(
        parameters,
        other,
        price,
        market,
        op.market,
        op.counterparty_slot,
        direction * op.lots,
        -value,
        counterparty.liquidated_at,
    )
    paid = deleverage_payment(side, other, closed.health, op.lots, price, market)
    health = closed.health
    after = Health(health.equity - paid, health.maintenance, health.initial, health.linear)
    spared = left_unhealthy(op.counterparty, other, after, market)
    left = changed(
        closed.account,
        collateral=closed.account.collateral - paid,
        liquidated_at=select(spared, spared_until(now, parameters), counterparty.liquidated_at),
    )
    moved = move_side(parameters, side, price, market, op.market, op.slot, -direction * op.lots, value + paid, now)
    booked = carry(
        ledger,
        side.dust + other.dust,
        fund=-inbox - other_inbox,
        # Only who is at zero or above pays, and stays there: bankrupt or not, that is as before the payment.
        bankrupt=moved.bankrupt + closed.bankrupt - side.bankrupt - other.bankrupt,
    )
    return (
        booked,
        with_open_interest(book, -op.lots, select(is_fund, 0, op.lots)),
        moved.account,
        moved.position,
        side.others,
        left,
        closed.position,
        other.others,
    )


# Socialised loss


class Loss(NamedTuple):
    """A deficit on its way through the markets."""

    deficit: int
    """Atoms not yet covered."""
    raised: int
    """Micro-atoms per lot added to loss indices so far, over all markets."""
    dust: int
    """Micro-atoms collected beyond whole atoms."""
    excess: int
    """Whole atoms collected beyond the deficit."""


@table()
def bear_loss(
    loss: Loss, price: MarketPrice, book: MarketBook, market: Market, today: int
) -> tuple[tuple[MarketPrice, MarketBook], Loss]:
    """Let the open interest of one market bear as much of a deficit as its cap for the day allows, both sides alike."""
    lots = 2 * book.open_interest
    borne = select(book.loss_day == today, book.loss_today, 0)
    left = maximum(market.loss_cap_ppm * price.price - borne, 0)
    room = maximum(market.max_price * PPM - price.loss_index, 0)
    limit = select(lots == 0, 0, minimum(left, room))
    whole = mul_div_floor(lots, limit, PPM) <= loss.deficit
    wanted = mul_div_ceil(select(whole, 0, loss.deficit), PPM, maximum(lots, 1))
    rise = select(whole, limit, wanted)
    collected = mul_div_floor(lots, rise, PPM)
    covered = minimum(loss.deficit, collected)
    raised = changed(price, loss_index=price.loss_index + rise)
    bearing = changed(book, loss_day=today, loss_today=borne + rise)
    return (raised, bearing), Loss(
        deficit=loss.deficit - covered,
        raised=loss.raised + rise,
        dust=loss.dust + mul_div_remainder(lots, rise, PPM),
        excess=loss.excess + collected - covered,
    )


def debtor_beside_fund(op: Socialise) -> int:
    """The account to load beside the fund: the debtor, or the fee account where the debtor is the fund itself."""
    return select(op.account == FUND, FEES, op.account)


@PERPETUAL.operation(
    Socialise,
    reads(Parameters),
    reads(Exchange),
    updates(Ledger),
    reads(Market, "market"),
    updates(MarketPrice, "market"),
    updates(MarketBook, "market"),
    updates_markets(skip="market"),
    updates(Account, FUND),
    updates_held(FUND),
    updates(Account, debtor_beside_fund),
    updates_held(debtor_beside_fund),
)
def socialise(
    op: Socialise,
    parameters: Parameters,
    exchange: Exchange,
    ledger: Ledger,
    market: Market,
    price: MarketPrice,
    book: MarketBook,
    other_markets: Held,
    fund: Account,
    fund_held: Held,
    other: Account,
    other_held: Held,
) -> tuple[Ledger, MarketPrice, MarketBook, Held, Account, Held, Account, Held]:
    """Cover the deficit of a flat account.

    First the fund, as far as it surely keeps its maintenance margin, then the open interest of the account's last
    closed market, then of the others by id.
    """
    now = exchange.time
    require_live(exchange)
    require_market(market)
    require_account(other)
    is_fund = op.account == FUND
    fund_side = settle_whole(parameters, now, ledger.fund_inbox, fund, fund_held)
    other_side = settle_whole(parameters, now, 0, other, other_held)
    occupied = select(is_fund, fund_side.terms.occupied, other_side.terms.occupied)
    debt = -select(is_fund, fund_side.collateral, other_side.collateral)
    closed_market = select(is_fund, fund.closed_market, other.closed_market)
    require(both(occupied == 0, debt >= 1), Reason.NOT_BANKRUPT_FLAT)
    require(op.market == maximum(closed_market - 1, 0), Reason.MARKET_NOT_ALLOWED)
    sure_equity = fund_side.health.equity - fund_side.terms.doubt
    spare = maximum(minimum(sure_equity - fund_side.health.maintenance, fund_side.collateral), 0)
    paid = select(is_fund, 0, minimum(debt, spare))
    today = mul_div_floor(now, 1, DAY)
    (raised, bearing), first = bear_loss(Loss(debt - paid, 0, 0, 0), price, book, market, today)
    stored, last = fold(bear_loss, other_markets, first, today)
    require(paid + last.raised >= 1, Reason.NO_OPEN_INTEREST)
    covered = debt - paid - last.deficit
    fund_collateral = fund_side.collateral - paid + select(is_fund, covered, 0)
    other_collateral = other_side.collateral + select(is_fund, 0, paid + covered)
    booked = carry(
        ledger,
        fund_side.terms.dust + other_side.terms.dust + last.dust,
        fund=last.excess - ledger.fund_inbox,
        bankrupt=flat_and_negative(fund_side.terms.occupied, fund_collateral)
        + flat_and_negative(other_side.terms.occupied, other_collateral)
        - fund_side.bankrupt
        - other_side.bankrupt,
    )
    return (
        booked,
        raised,
        bearing,
        stored,
        with_collateral(fund, fund_collateral),
        fund_side.held,
        with_collateral(other, other_collateral),
        other_side.held,
    )
