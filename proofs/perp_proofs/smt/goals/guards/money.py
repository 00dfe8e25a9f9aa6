"""When deposits, withdrawals, transfers and what is done to accounts are accepted."""

from typing import Any

from perp_hash.digest import Tag
from perp_proofs.smt.contracts import implies
from perp_proofs.smt.goals.guards.shared import (
    FEES_ID,
    FUND_ID,
    Case,
    Guards,
    amount_in_range,
    code_of,
    collateral_in_range,
    exists,
    inbox,
    live,
    signed,
)
from perp_proofs.smt.terms import Word
from perp_spec.language import both, call_if, digest, either, negate
from perp_spec.perpetual.health import Cautious, cautious_sums, health, settle_whole, worst_rest
from perp_spec.perpetual.reasons import Reason


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
