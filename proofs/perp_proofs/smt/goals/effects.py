"""What an accepted operation stores: every field of every record, stated a second time, and all else as it was.

As with the guards (`goals.acceptance`), sums over an account's other positions and what a settled account's collateral
is are taken from the rules' own settling; what is made of them is said here in other words.
"""

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import attrs

from perp_proofs.smt.contracts import market_assumed
from perp_proofs.smt.frame import Scene, Stage
from perp_proofs.smt.goals.contracts import MARKET_VALID
from perp_proofs.smt.goals.guards.batch import fund_figures, rolls, window_modes
from perp_proofs.smt.goals.guards.exits import wanted_lots
from perp_proofs.smt.goals.guards.shared import (
    FEES_ID,
    FUND_ID,
    Case,
    inbox,
    is_blind,
    longs,
    moved_by,
    near,
    rounded_up,
    side_of,
    stale,
)
from perp_proofs.smt.goals.guards.waterfall import borne, share, whole_fund
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import (
    absolute,
    both,
    clamp,
    either,
    maximum,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    negate,
    select,
)
from perp_spec.perpetual.health import Side, settle_whole
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Market, OrderSlot, Position
from perp_spec.perpetual.rules.forced import conceded_price
from perp_spec.perpetual.rules.ticks import candidate_of
from perp_spec.perpetual.rules.waterfall import certain, deleverage_payment
from perp_spec.words import PPM

Expected = dict[str, Any]
"""What is stored, by the name of the rule's parameter."""


# What many operations do


def booked(case: Case, dust: Word, **changes: Word) -> Any:
    """The ledger with changes, and with dust that carries its whole atoms into the fund's inbox."""
    ledger = case.ledger
    whole = mul_div_floor(ledger.dust + dust, 1, PPM)
    kept = {name: getattr(ledger, name) + change for name, change in changes.items()}
    fund = kept.pop("fund_inbox", ledger.fund_inbox)
    return attrs.evolve(ledger, dust=ledger.dust + dust - whole * PPM, fund_inbox=fund + whole, **kept)


def flat_below_zero(positions: Word, collateral: Word) -> Word:
    """1 for an account without positions that owes something."""
    return select(negate(either(positions > 0, collateral >= 0)), 1, 0)


def taken(case: Case, *accounts: Word) -> dict[str, Word]:
    """What leaves the inboxes where these accounts are settled."""
    fund: Word = 0
    fees: Word = 0
    for account in accounts:
        fund = fund - select(account == FUND_ID, case.ledger.fund_inbox, 0)
        fees = fees - select(account == FEES_ID, case.ledger.fees_inbox, 0)
    return {"fund_inbox": fund, "fees_inbox": fees}


def bankrupt_change(side: Any, collateral: Word) -> Word:
    """By how much an account that keeps its positions changes the count of bankrupt ones."""
    positions = side.terms.occupied
    return flat_below_zero(positions, collateral) - flat_below_zero(positions, side.account.collateral)


def bankrupt_moved(side: Side, size: Word, collateral: Word) -> Word:
    """By how much an account whose touched position is of another size then changes that count."""
    after = side.rest.occupied + select(size == 0, 0, 1)
    before = flat_below_zero(side.occupied, side.account.collateral)
    return flat_below_zero(after, collateral) - before


def index_of(size: Word, price: Any) -> Word:
    """What a position of that side owes for a lot since the beginning."""
    of_short = select(size == 0, 0, price.funding_index - price.loss_index)
    return select(size > 0, price.funding_index + price.loss_index, of_short)


def moved_account(case: Case, side: Side, slot: Word, lots: Word, collateral: Word, at: Word) -> tuple[Any, Any]:
    """An account and its touched position after it gained lots."""
    size, account = side.size + lots, side.account
    closed = both(size == 0, negate(side.size == 0))
    moved = attrs.evolve(
        account,
        collateral=collateral,
        slots=select(either(size == 0, account.slots > slot), account.slots, slot + 1),
        liquidated_at=at,
        closed_market=select(closed, case.op.market + 1, account.closed_market),
    )
    return moved, Position(select(size == 0, 0, case.op.market), size, index_of(size, case.price))


def filled(order: Any, stored: Any, lots: Word) -> Any:
    """An order's slot after a fill."""
    before = select(order.nonce == stored.nonce, stored.filled, 0)
    return OrderSlot(order.nonce, before + lots)


def used(case: Case) -> Any:
    """An order slot after an intent was used."""
    return OrderSlot(case.op.intent.nonce + 1, 0)


def traded_book(case: Case, sides: tuple[tuple[Side, Word], ...], liquidated: Word) -> Any:
    """The book after sides gained lots."""
    change: Word = 0
    for side, lots in sides:
        change = change + longs(side.size + lots) - longs(side.size)
    book = case.book
    return attrs.evolve(
        book,
        open_interest=book.open_interest + change,
        window_liquidated=book.window_liquidated + liquidated,
    )


# Money and accounts


def deposit(case: Case) -> Expected:
    """Of a deposit."""
    op = case.op
    side = settle_whole(case.parameters, case.exchange.time, inbox(case, op.account), case.account, case.held)
    credited = select(op.result == 0, op.amount, 0)
    collateral = side.collateral + credited
    change = bankrupt_change(side, collateral)
    return {
        "ledger": booked(case, side.terms.dust, vault=credited, bankrupt=change, **taken(case, op.account)),
        "queue": attrs.evolve(case.queue, position=case.queue.position + 1, chain=op.chain),
        "account": attrs.evolve(case.account, collateral=collateral),
    }


def withdraw(case: Case) -> Expected:
    """Of a withdrawal."""
    op = case.op
    side = settle_whole(case.parameters, case.exchange.time, inbox(case, op.account), case.account, case.held)
    left = side.collateral - op.amount
    paid = {"vault": -op.amount, "bucket": -op.amount, "bankrupt": bankrupt_change(side, left)}
    return {
        "ledger": booked(case, side.terms.dust, **paid, **taken(case, op.account)),
        "account": attrs.evolve(case.account, collateral=left),
        "stored": used(case),
    }


def transfer(case: Case) -> Expected:
    """Of a transfer."""
    op, now = case.op, case.exchange.time
    payer = settle_whole(case.parameters, now, inbox(case, op.sender), case.sender, case.sender_held)
    payee = settle_whole(case.parameters, now, inbox(case, op.recipient), case.recipient, case.recipient_held)
    left, more = payer.collateral - op.amount, payee.collateral + op.amount
    change = bankrupt_change(payer, left) + bankrupt_change(payee, more)
    dust = payer.terms.dust + payee.terms.dust
    return {
        "ledger": booked(case, dust, bankrupt=change, **taken(case, op.sender, op.recipient)),
        "sender": attrs.evolve(case.sender, collateral=left),
        "stored": used(case),
        "recipient": attrs.evolve(case.recipient, collateral=more),
    }


def open_account(case: Case) -> Expected:
    """Of a new account."""
    op = case.op
    return {"account": Account(op.kind, op.owner, op.parent, op.market, 0, 0, 0, 0)}


def set_kind(case: Case) -> Expected:
    """Of a change between cross and portfolio margin."""
    side = settle_whole(case.parameters, case.exchange.time, 0, case.account, case.held)
    return {
        "ledger": booked(case, side.terms.dust),
        "account": attrs.evolve(case.account, kind=case.op.kind, collateral=side.collateral),
        "stored": used(case),
    }


def cancel(case: Case) -> Expected:
    """Of a cancellation."""
    return {"stored": used(case)}


def compact(case: Case) -> Expected:
    """Of compacting."""
    move = negate(case.top.size == 0)
    return {
        "account": attrs.evolve(case.account, slots=case.op.top),
        "hole": select(move, case.top, case.hole),
        "top": Position(0, 0, 0),
    }


# Trading and the waterfall


def trade(case: Case) -> Expected:
    """Of a trade."""
    op = case.op
    notional = op.lots * op.price
    fees = rounded_up(notional * op.buyer_fee_ppm), rounded_up(notional * op.seller_fee_ppm)
    buyer, seller = side_of(case, "buyer"), side_of(case, "seller")
    money = buyer.collateral - notional - fees[0], seller.collateral + notional - fees[1]
    bought = moved_account(case, buyer, op.buyer_slot, op.lots, money[0], case.buyer.liquidated_at)
    sold = moved_account(case, seller, op.seller_slot, -op.lots, money[1], case.seller.liquidated_at)
    change = bankrupt_moved(buyer, bought[1].size, money[0]) + bankrupt_moved(seller, sold[1].size, money[1])
    return {
        "ledger": booked(case, buyer.dust + seller.dust, fees_inbox=fees[0] + fees[1], bankrupt=change),
        "book": traded_book(case, ((buyer, op.lots), (seller, -op.lots)), 0),
        "buyer": bought[0],
        "buyer_position": bought[1],
        "buyer_stored": filled(op.buyer, case.buyer_stored, op.lots),
        "seller": sold[0],
        "seller_position": sold[1],
        "seller_stored": filled(op.seller, case.seller_stored, op.lots),
    }


def liquidate(case: Case) -> Expected:
    """Of a liquidation."""
    op = case.op
    of_fund = op.account == FUND_ID
    waiting = select(of_fund, case.ledger.fund_inbox, 0)
    side, taker = side_of(case, "", credited=waiting), side_of(case, "taker")
    sign, notional = select(case.position.size > 0, 1, -1), op.lots * op.price
    fee, taker_fee = rounded_up(notional * op.fee_ppm), rounded_up(notional * op.taker_fee_ppm)
    money = side.collateral + sign * notional - fee, taker.collateral - sign * notional - taker_fee
    moved = moved_account(case, side, op.slot, -sign * op.lots, money[0], case.exchange.time)
    took = moved_account(case, taker, op.taker_slot, sign * op.lots, money[1], case.taker.liquidated_at)
    change = bankrupt_moved(side, moved[1].size, money[0]) + bankrupt_moved(taker, took[1].size, money[1])
    paid = {"fund_inbox": fee - waiting, "fees_inbox": taker_fee, "bankrupt": change}
    sides = (side, -sign * op.lots), (taker, sign * op.lots)
    return {
        "ledger": booked(case, side.dust + taker.dust, **paid),
        "book": traded_book(case, sides, select(of_fund, 0, op.lots)),
        "account": moved[0],
        "position": moved[1],
        "taker": took[0],
        "taker_position": took[1],
        "taker_stored": filled(op.taker, case.taker_stored, op.lots),
    }


def backstop(case: Case) -> Expected:
    """Of a takeover by the fund."""
    op = case.op
    side, fund = side_of(case, ""), side_of(case, "fund", credited=case.ledger.fund_inbox)
    sign, value = select(side.size > 0, 1, -1), op.lots * case.price.price
    amount = mul_div_ceil(share(case, side.size, op.lots), certain(side).equity, maximum(side.health.linear, 1))
    penalty = rounded_up(value * case.parameters.penalty_ppm)
    charged = select(side.health.equity < 0, amount, select(amount > penalty, penalty, amount))
    money = side.collateral + sign * value - charged, fund.collateral - sign * value + charged
    moved = moved_account(case, side, op.slot, -sign * op.lots, money[0], case.exchange.time)
    given = moved_account(case, fund, op.fund_slot, sign * op.lots, money[1], case.fund.liquidated_at)
    change = bankrupt_moved(side, moved[1].size, money[0]) + bankrupt_moved(fund, given[1].size, money[1])
    sides = (side, -sign * op.lots), (fund, sign * op.lots)
    return {
        "ledger": booked(case, side.dust + fund.dust, fund_inbox=-case.ledger.fund_inbox, bankrupt=change),
        "book": traded_book(case, sides, op.lots),
        "account": moved[0],
        "position": moved[1],
        "fund": given[0],
        "fund_position": given[1],
    }


def spared_from(case: Case, number: Word, side: Side, after: Any) -> Word:
    """The time to note of a counterparty: some time ahead, where it crossed one of its two lines by this."""
    had, has = side.health.equity + side.doubt, after.equity + side.doubt
    lost = both(had >= side.health.maintenance, has < after.maintenance)
    line, end = case.market.close_out_ppm * side.health.maintenance, case.market.close_out_ppm * after.maintenance
    fell = both(negate(had * PPM < line), has * PPM < end)
    worse = both(negate(number == FUND_ID), either(lost, fell))
    ahead = minimum(case.exchange.time + case.parameters.cooldown_seconds, 2**40)
    return select(worse, ahead, side.account.liquidated_at)


def deleverage(case: Case) -> Expected:
    """Of a deleverage."""
    op = case.op
    of_fund, by_fund = op.account == FUND_ID, op.counterparty == FUND_ID
    waiting = [select(flag, case.ledger.fund_inbox, 0) for flag in (of_fund, by_fund)]
    side = side_of(case, "", credited=waiting[0])
    other = side_of(case, "counterparty", credited=waiting[1])
    sign = select(side.size > 0, 1, -1)
    value = sign * op.lots * case.price.price
    at_price = moved_by(case, other, op.counterparty_slot, sign * op.lots, -value, case.counterparty.liquidated_at)
    paid = deleverage_payment(side, other, at_price.health, op.lots, case.price, case.market)
    money = side.collateral + value + paid, other.collateral - value - paid
    moved = moved_account(case, side, op.slot, -sign * op.lots, money[0], case.exchange.time)
    after = at_price.health._replace(equity=at_price.health.equity - paid)
    until = spared_from(case, op.counterparty, other, after)
    closed = moved_account(case, other, op.counterparty_slot, sign * op.lots, money[1], until)
    change = bankrupt_moved(side, moved[1].size, money[0])
    change = change + bankrupt_moved(other, closed[1].size, at_price.account.collateral)
    book = case.book
    return {
        "ledger": booked(case, side.dust + other.dust, fund_inbox=-waiting[0] - waiting[1], bankrupt=change),
        "book": attrs.evolve(
            book,
            open_interest=book.open_interest - op.lots,
            window_liquidated=book.window_liquidated + select(of_fund, 0, op.lots),
        ),
        "account": moved[0],
        "position": moved[1],
        "counterparty": closed[0],
        "counterparty_position": closed[1],
    }


def socialise(case: Case) -> Expected:
    """Of a socialised loss."""
    of_fund = case.op.account == FUND_ID
    fund, other = whole_fund(case), settle_whole(case.parameters, case.exchange.time, 0, case.other, case.other_held)
    debt = -select(of_fund, fund.collateral, other.collateral)
    paid, _, last, price, book = borne(case, fund, debt)
    covered = debt - paid - last.deficit
    money = (
        fund.collateral - paid + select(of_fund, covered, 0),
        select(of_fund, other.collateral, other.collateral + paid + covered),
    )
    change = bankrupt_change(fund, money[0]) + bankrupt_change(other, money[1])
    dust = fund.terms.dust + other.terms.dust + last.dust
    return {
        "ledger": booked(case, dust, fund_inbox=last.excess - case.ledger.fund_inbox, bankrupt=change),
        "price": price,
        "book": book,
        "fund": attrs.evolve(case.fund, collateral=money[0]),
        "other": attrs.evolve(case.other, collateral=money[1]),
    }


# Ticks


def close_to(index: Word, premium: Word, book: Word, market: Market) -> Word:
    """The mark: the middle one of three prices, not far from the index."""
    first, second = index + premium, select(book > 0, book, index)
    low, high = minimum(first, second), maximum(first, second)
    middle = select(index < low, low, select(index > high, high, index))
    most = mul_div_floor(index * market.mark_clamp_ppm, 1, PPM)
    return clamp(middle, index - most, minimum(index + most, market.max_price))


def within_band(mark: Word, gap: Flag, average: Word, market: Market) -> Word:
    """The health price: the mark, at a gap no further from the average than the band."""
    most = mul_div_floor(average * market.band_ppm, 1, PPM)
    return select(gap, clamp(mark, average - most, average + most), mark)


def drawn(average: Word, target: Word, elapsed: Word, market: Market) -> Word:
    """An average after some seconds of following."""
    seconds = select(elapsed > market.average_seconds, market.average_seconds, elapsed)
    moved = mul_div_ceil(absolute(target - average) * seconds, 1, market.average_seconds)
    return select(target > average, average + moved, average - moved)


def oracle_tick(case: Case) -> Expected:
    """Of an oracle tick."""
    op, price, oracle, market, now = case.op, case.price, case.oracle, case.market, case.exchange.time
    heard = [report.count > 0 for report in op.reports]
    values = tuple(
        select(flag, report.median, old) for flag, report, old in zip(heard, op.reports, oracle.values, strict=True)
    )
    times = tuple(select(flag, now, old) for flag, old in zip(heard, oracle.reported_at, strict=True))
    found = candidate_of(case.parameters.families, values, times, oracle.average, market, now)
    following = drawn(oracle.average, found.price, now - price.ticked_at, market)
    started = select(oracle.average == 0, found.price, following)
    average = select(found.price > 0, started, oracle.average)
    in_band = near(absolute(found.price - average), market.band_ppm, average)
    good, gap = both(found.bad == 0, in_band), both(found.bad < 2, found.confirmed, negate(in_band))
    first_blind = select(price.blind_since > 0, price.blind_since, price.ticked_at + market.staleness_seconds)
    begun = select(is_blind(case), first_blind, now)
    unsure = case.parameters.families - found.bad < 2
    since = select(unsure, select(oracle.disputed_since > 0, oracle.disputed_since, begun), 0)
    patience = select(found.lone, market.blind_seconds, market.staleness_seconds)
    too_long = both(unsure, now > since + patience)
    as_before = near(absolute(found.price - oracle.average), market.band_ppm, oracle.average)
    by_two = both(found.confirmed, in_band)
    by_one = both(unsure, as_before, negate(either(found.apart, too_long)))
    degraded = both(found.bad == 1, found.price > 0, either(by_two, by_one))
    blind = both(negate(good), negate(gap), negate(degraded))
    row = select(negate(good), 0, select(is_blind(case), 1, select(oracle.good_ticks < 10, oracle.good_ticks + 1, 10)))
    was_good = both(negate(stale(case)), price.level == 0)
    level_if_good = select(either(was_good, row == 10, oracle.average == 0), 0, 1)
    index = select(blind, price.index, found.price)
    followed = select(either(blind, unsure), oracle.average, average)
    mark = within_band(close_to(index, oracle.premium, oracle.book, market), gap, followed, market)
    return {
        "price": attrs.evolve(
            price,
            price=select(blind, price.price, mark),
            index=index,
            level=select(good, level_if_good, select(degraded, 1, 2)),
            gap=gap,
            ticked_at=now,
            blind_since=select(blind, begun, 0),
        ),
        "oracle": attrs.evolve(
            oracle, average=followed, good_ticks=row, disputed_since=since, values=values, reported_at=times
        ),
    }


def mark(case: Case) -> Expected:
    """Of a mark."""
    op, price, oracle, market, now = case.op, case.price, case.oracle, case.market, case.exchange.time
    mid = mul_div_floor(op.bid + op.ask, 1, 2)
    premium = drawn(oracle.premium, mid - price.index, now - oracle.marked_at, market)
    book = select(op.last < op.bid, op.bid, select(op.last > op.ask, op.ask, op.last))
    marked = within_band(close_to(price.index, premium, book, market), price.gap, oracle.average, market)
    return {
        "price": attrs.evolve(price, price=select(is_blind(case), price.price, marked)),
        "oracle": attrs.evolve(oracle, book=book, premium=premium, marked_at=now),
    }


def premium_sample(case: Case) -> Expected:
    """Of a premium sample."""
    op, oracle, index = case.op, case.oracle, case.price.index
    above, below = op.bid - index, index - op.ask
    rise, fall = mul_div_floor(above * PPM, 1, index_or_one(index)), mul_div_floor(below * PPM, 1, index_or_one(index))
    sample = select(above > 0, minimum(rise, 5_000), select(below > 0, -minimum(fall, 5_000), 0))
    counts = both(oracle.samples < 60, negate(either(stale(case), case.price.level == 2)))
    return {
        "oracle": attrs.evolve(
            oracle,
            premium_sum=oracle.premium_sum + select(counts, sample, 0),
            samples=select(counts, oracle.samples + 1, oracle.samples),
            sampled_at=case.exchange.time,
        )
    }


def index_or_one(index: Word) -> Word:
    """A divisor."""
    return maximum(index, 1)


def toward_zero(dividend: Word, divisor: int) -> Word:
    """A quotient without its fraction."""
    return select(dividend < 0, -mul_div_floor(-dividend, 1, divisor), mul_div_floor(dividend, 1, divisor))


def hourly_rate(case: Case) -> Word:
    """The funding rate of one hour, ppm."""
    oracle, cap = case.oracle, case.market.funding_cap_ppm
    average = toward_zero(oracle.premium_sum, 60)
    capped = clamp(average + clamp(100 - average, -500, 500), -cap, cap)
    charged = both(oracle.samples > 44, negate(either(stale(case), case.price.level == 2)))
    return select(charged, toward_zero(capped, 8), 0)


def buffer_of(rate: Word, market: Any) -> Word:
    """The funding buffer of the side that pays a rate."""
    return minimum(market.buffer_intervals * maximum(rate, market.buffer_floor_ppm), PPM)


def funding_tick(case: Case) -> Expected:
    """Of a funding tick."""
    price, oracle, market = case.price, case.oracle, case.market
    rate, bound = hourly_rate(case), market.max_price * PPM
    return {
        "price": attrs.evolve(
            price,
            funding_index=clamp(price.funding_index + rate * price.index, -bound, bound),
            buffer_long_ppm=buffer_of(rate, market),
            buffer_short_ppm=buffer_of(-rate, market),
        ),
        "oracle": attrs.evolve(oracle, funding_rate_ppm=rate, premium_sum=0, samples=0, funded_at=case.exchange.time),
    }


# The exchange


def begin_batch(case: Case) -> Expected:
    """Of a batch's header."""
    header, own, ledger = case.op, case.parameters, case.ledger
    waited = header.time - ledger.bucket_at
    filled = ledger.bucket + own.bucket_refill * select(waited > 86_400, 86_400, waited)
    return {
        "exchange": attrs.evolve(case.exchange, number=case.exchange.number + 1, time=header.time),
        "ledger": attrs.evolve(
            ledger, bucket=select(filled > own.bucket_size, own.bucket_size, filled), bucket_at=header.time
        ),
    }


def record_proof(case: Case) -> Expected:
    """Of a proof that the chain below accepted."""
    return {"exchange": attrs.evolve(case.exchange, proven=case.op.number)}


def set_kill_switch(case: Case) -> Expected:
    """Of the kill switch."""
    op, exchange, price = case.op, case.exchange, case.price
    return {
        "exchange": attrs.evolve(exchange, switch=select(op.whole, op.mode, exchange.switch)),
        "price": attrs.evolve(price, switch=select(negate(op.whole), op.mode, price.switch)),
        "stored": used(case),
    }


def end_batch(case: Case) -> Expected:
    """Of the end of a batch."""
    window, rolled = rolls(case)
    demand, previous = window_modes(case)
    today, _, reference = fund_figures(case)
    return {
        "exchange": attrs.evolve(
            case.exchange,
            mode=case.op.mode,
            window=window,
            window_mode=select(rolled, 0, demand),
            window_previous=previous,
            fund_day=today,
            fund_reference=reference,
        )
    }


# Exits


def request_forced(case: Case) -> Expected:
    """Of a forced request."""
    op, request, noted = case.op, case.request, case.op.result == 0
    deadline = minimum(op.posted, case.exchange.time) + case.parameters.forced_seconds
    new = attrs.evolve(request, kind=op.kind, market=op.market, amount=op.amount, deadline=deadline)
    return {
        "queue": attrs.evolve(case.queue, position=case.queue.position + 1, chain=op.chain),
        "request": select(noted, new, request),
    }


def answered(request: Any, kept: Flag, amount: Word) -> Any:
    """A request after an answer."""
    gone = attrs.evolve(request, kind=0, market=0, amount=0, deadline=0)
    return select(kept, attrs.evolve(request, amount=amount), gone)


def forced_withdraw(case: Case) -> Expected:
    """Of the answer to a forced withdrawal."""
    op, request = case.op, case.request
    side = settle_whole(case.parameters, case.exchange.time, 0, case.account, case.held)
    paid = select(op.result == 0, request.amount, 0)
    left = side.collateral - paid
    later = op.result == Reason.ORACLE_LEVEL.value
    return {
        "ledger": booked(case, side.terms.dust, vault=-paid, bankrupt=bankrupt_change(side, left)),
        "request": answered(request, later, request.amount),
        "account": attrs.evolve(case.account, collateral=left),
    }


def forced_reduce(case: Case) -> Expected:
    """Of the answer to a forced reduction."""
    op, request = case.op, case.request
    side = side_of(case, "", subject=request.market)
    taker = side_of(case, "counterparty", credited=inbox(case, op.counterparty))
    sign, price = select(side.size > 0, 1, -1), conceded_price(side.size, case.price, case.market)
    value = sign * op.lots * price
    money = side.collateral + value, taker.collateral - value
    moved = moved_account(case, side, op.slot, -sign * op.lots, money[0], case.account.liquidated_at)
    done = op.result == 0
    after = moved_by(case, taker, op.counterparty_slot, sign * op.lots, -value, case.counterparty.liquidated_at).health
    until = spared_from(case, op.counterparty, taker, after)
    spared = select(both(done, op.path == 2), until, case.counterparty.liquidated_at)
    took = moved_account(case, taker, op.counterparty_slot, sign * op.lots, money[1], spared)
    change = bankrupt_moved(side, moved[1].size, money[0]) + bankrupt_moved(taker, took[1].size, money[1])
    later = either(op.result == Reason.ORACLE_LEVEL.value, both(done, op.lots < wanted_lots(case, side)))
    by_order = both(done, op.path == 0)
    fill = filled(op.order, case.stored, op.lots)
    return {
        "ledger": booked(case, side.dust + taker.dust, bankrupt=change, **taken(case, op.counterparty)),
        "book": traded_book(case, ((side, -sign * op.lots), (taker, sign * op.lots)), 0),
        "request": answered(request, later, request.amount - op.lots),
        "account": moved[0],
        "position": moved[1],
        "counterparty": took[0],
        "counterparty_position": took[1],
        "stored": select(by_order, fill, case.stored),
    }


def freeze(case: Case) -> Expected:
    """Of a freeze."""
    exchange = case.exchange
    return {"exchange": attrs.evolve(exchange, frozen_at=exchange.time, escape_vault=case.ledger.vault)}


def escape_claim(case: Case) -> Expected:
    """Of an escape claim."""
    side = settle_whole(case.parameters, case.exchange.time, 0, case.account, case.held)
    worth, room = select(side.health.equity > 0, side.health.equity, 0), 2**62 - case.ledger.claims
    claim = select(worth > room, room, worth)
    change = bankrupt_change(side, side.collateral)
    return {
        "ledger": booked(case, side.terms.dust, bankrupt=change, claims=claim),
        "request": attrs.evolve(case.request, claim=claim, claimed=1),
        "account": attrs.evolve(case.account, collateral=side.collateral),
    }


def escape_pay(case: Case) -> Expected:
    """Of the payment of a claim."""
    paid = case.op.amount
    return {
        "ledger": booked(case, 0, vault=-paid),
        "request": attrs.evolve(case.request, claimed=2),
        "account": attrs.evolve(case.account, collateral=case.account.collateral - paid),
    }


def words_of(name: str, found: Any, wanted: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every word of two records, with its name."""
    for attribute in attrs.fields(type(wanted)):
        one, other = getattr(found, attribute.name), getattr(wanted, attribute.name)
        if isinstance(other, tuple):
            for place, (part, second) in enumerate(zip(one, other, strict=True)):
                yield f"{name}.{attribute.name}[{place}]", part, second
        else:
            yield f"{name}.{attribute.name}", one, other


def stores_exactly(name: str, expected: Callable[[Case], Expected], stage: Stage) -> Iterator[Claim]:
    """Every stored word is the one that is expected."""
    scene = stage.scene(RULES[name])
    case = SimpleNamespace(op=scene.operation, **{entry.name: entry.before for entry in scene.entries})
    if hasattr(case, "market"):
        stage.assume(market_assumed(case.market), MARKET_VALID)
    records = expected(case)
    single = [entry for entry in scene.entries if entry.access.stores and entry.access.record is not None]
    assert {entry.name for entry in single} == set(records), "every record has its expectation"
    for found, wanted, factor in FACTORS[name](scene, records) if name in FACTORS else ():
        stage.hint(found - wanted, factor)
        stage.hint(wanted - found, factor)
    for entry in single:
        for word, found, wanted in words_of(entry.name, entry.after, records[entry.name]):
            yield Claim(word, found == wanted)
    yield from settled_exactly(scene)


Factors = Iterator[tuple[Word, Word, Word]]
"""Words that are as expected, each with the one expected and what both are multiplied by: so are their products."""


def factors_of_a_tick(scene: Scene, records: Expected) -> Factors:
    """Index and average."""
    market = scene.before("market")
    yield scene.after("price").index, records["price"].index, market.mark_clamp_ppm
    yield scene.after("oracle").average, records["oracle"].average, market.band_ppm


def factors_of_funding(scene: Scene, records: Expected) -> Factors:
    """The rate, and what the side that pays it is buffered by."""
    market, rates = scene.before("market"), (scene.after("oracle"), records["oracle"])
    found, wanted = (oracle.funding_rate_ppm for oracle in rates)
    yield found, wanted, scene.before("price").index
    for one, other in ((found, wanted), (-found, -wanted)):
        floor = market.buffer_floor_ppm
        yield maximum(one, floor), maximum(other, floor), market.buffer_intervals


FACTORS: dict[str, Callable[[Scene, Expected], Factors]] = {
    "oracle_tick": factors_of_a_tick,
    "funding_tick": factors_of_funding,
}


def settled_exactly(scene: Scene) -> Iterator[Claim]:
    """Of the positions of an account that are stored together: each is settled, and nothing else."""
    for entry in scene.entries:
        if entry.access.stores and entry.access.record is None:
            if isinstance(entry.before, tuple):
                for place, (item, after) in enumerate(zip(entry.before, entry.after, strict=True)):
                    if len(item) == 3 and isinstance(item[0], Position):
                        wanted = attrs.evolve(item[0], snapshot=index_of(item[0].size, item[1]))
                        for word, found, other in words_of(f"{entry.name}[{place}]", after, wanted):
                            yield Claim(word, found == other)
            elif hasattr(entry.after, "settled"):
                yield Claim(f"{entry.name} are settled", entry.after.settled)


EFFECTS: dict[str, Callable[[Case], Expected]] = {name: globals()[name] for name in sorted(RULES)}
"""The effects of each operation: the function of its name."""

GOALS = tuple(
    Goal(
        name=f"{name}_stores_exactly",
        sentence=f"An accepted {name} changes the words that its list names to what the list says, and no other word "
        "of the records it stores.",
        statement=partial(stores_exactly, name, expected),
        subjects=(name,),
        assumptions=(MARKET_VALID,),
    )
    for name, expected in EFFECTS.items()
)
