"""What forced requests, a freeze and claims on the vault store."""

from typing import Any

import attrs

from perp_proofs.smt.goals.guards.exits import wanted_lots
from perp_proofs.smt.goals.guards.shared import Case, inbox, moved_by, side_of
from perp_proofs.smt.goals.stored.shared import (
    Expected,
    bankrupt_change,
    bankrupt_moved,
    booked,
    filled,
    moved_account,
    taken,
    traded_book,
)
from perp_proofs.smt.goals.stored.waterfall import spared_from
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import both, either, minimum, select
from perp_spec.perpetual.health import settle_whole
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.rules.forced import conceded_price


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
