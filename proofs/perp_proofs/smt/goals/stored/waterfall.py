"""What liquidations, backstops, deleverages and socialised losses store."""

from typing import Any

import attrs

from perp_proofs.smt.goals.guards.shared import FUND_ID, Case, moved_by, rounded_up, side_of
from perp_proofs.smt.goals.guards.waterfall import borne, share, whole_fund
from perp_proofs.smt.goals.stored.shared import (
    Expected,
    bankrupt_change,
    bankrupt_moved,
    booked,
    filled,
    moved_account,
    traded_book,
)
from perp_proofs.smt.terms import Word
from perp_spec.language import both, either, maximum, minimum, mul_div_ceil, negate, select
from perp_spec.perpetual.health import Side, settle_whole
from perp_spec.perpetual.rules.waterfall import certain, deleverage_payment
from perp_spec.words import PPM


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
