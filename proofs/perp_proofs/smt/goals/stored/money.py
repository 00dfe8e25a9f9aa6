"""What deposits, withdrawals, transfers and the care of accounts store."""

import attrs

from perp_proofs.smt.goals.guards.shared import Case, inbox
from perp_proofs.smt.goals.stored.shared import Expected, bankrupt_change, booked, taken, used
from perp_spec.language import negate, select
from perp_spec.perpetual.health import settle_whole
from perp_spec.perpetual.records import Account, Position


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
