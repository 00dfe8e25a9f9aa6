"""Money in and out: deposit, withdraw, transfer."""

from perp_hash.digest import Tag
from perp_spec.language import attempt, both, call_if, digest, either, negate, product_le, require
from perp_spec.operation import reads, updates, updates_held
from perp_spec.perpetual.common import (
    PERPETUAL,
    carry,
    emptied,
    flat_and_negative,
    inbox_of,
    require_account,
    require_amount,
    require_collateral,
    require_live,
    use_intent,
    with_collateral,
)
from perp_spec.perpetual.health import Cautious, Held, Whole, cautious_sums, settle_whole
from perp_spec.perpetual.operations import Deposit, Transfer, Withdraw
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FEES,
    FUND,
    Account,
    Exchange,
    Kind,
    Ledger,
    OrderSlot,
    Parameters,
    Queue,
)

DEPOSIT_ENTRY = 1
"""First word of a deposit in the queue's hash chain."""


def consume_entry(queue: Queue, position: int, chain: int, key: int, words: tuple[int, ...]) -> Queue:
    """Take the next entry of the queue: its number and hash chain must be the stated ones."""
    require(position == queue.position, Reason.QUEUE_ORDER)
    require(chain == digest(Tag.QUEUE, (queue.chain, key), words), Reason.HASH_CHAIN)
    return Queue(position + 1, chain)


def credit(
    parameters: Parameters, ledger: Ledger, account: Account, collateral: int, key: int, amount: int
) -> tuple[int, int]:
    """What a deposit adds to the account and to the vault, if it can be credited."""
    require_amount(amount)
    require(both(account.kind != Kind.ABSENT, account.owner == key), Reason.NO_ACCOUNT)
    require(ledger.vault + amount <= parameters.vault_cap, Reason.VAULT_CAP)
    require_collateral(collateral + amount)
    return amount, amount


@PERPETUAL.operation(
    Deposit,
    reads(Parameters),
    reads(Exchange),
    updates(Ledger),
    updates(Queue),
    updates(Account, "account"),
    updates_held("account"),
)
def deposit(
    op: Deposit,
    parameters: Parameters,
    exchange: Exchange,
    ledger: Ledger,
    queue: Queue,
    account: Account,
    held: Held,
) -> tuple[Ledger, Queue, Account, Held]:
    """Credit the next entry of the queue, or return it to the depositor. Never blocks the queue."""
    require_live(exchange)
    consumed = consume_entry(queue, op.position, op.chain, op.key, (DEPOSIT_ENTRY, op.account, op.amount))
    side = settle_whole(parameters, exchange.time, inbox_of(op.account, ledger), account, held)
    result, (credited, received) = attempt(
        credit, parameters, ledger, account, side.collateral, op.key, op.amount, otherwise=(0, 0)
    )
    require(op.result == result, Reason.FORCED_RESULT)
    collateral = side.collateral + credited
    booked = carry(
        ledger,
        side.terms.dust,
        fund=emptied(op.account, ledger, FUND),
        fees=emptied(op.account, ledger, FEES),
        vault=received,
        bankrupt=flat_and_negative(side.terms.occupied, collateral) - side.bankrupt,
    )
    return booked, consumed, with_collateral(account, collateral), side.held


def pay_out(side: Whole, held: Held, now: int, amount: int) -> int:
    """Collateral after `amount` leaves a settled account, if it may leave.

    While a market the account holds is degraded, twice the initial margin must stay: at the health price, and again
    with every position at the worse of health price and last index, less the band where its market is degraded.
    """
    collateral = side.collateral - amount
    equity = side.health.equity - amount
    degraded = side.terms.degraded >= 1
    value, initial = call_if(degraded, cautious_sums, held, now, otherwise=Cautious(0, 0))
    cautious = both(product_le(2, side.health.initial, equity, 1), collateral + value >= 2 * initial)
    require(equity >= side.health.initial, Reason.INITIAL_MARGIN)
    require(either(negate(degraded), cautious), Reason.ORACLE_LEVEL)
    require_collateral(collateral)
    return collateral


@PERPETUAL.operation(
    Withdraw,
    reads(Parameters),
    reads(Exchange),
    updates(Ledger),
    updates(Account, "account"),
    updates_held("account"),
    updates(OrderSlot, "account", "intent.slot"),
)
def withdraw(
    op: Withdraw,
    parameters: Parameters,
    exchange: Exchange,
    ledger: Ledger,
    account: Account,
    held: Held,
    stored: OrderSlot,
) -> tuple[Ledger, Account, Held, OrderSlot]:
    """Pay out collateral to the account's owner."""
    require_live(exchange)
    require_amount(op.amount)
    require(op.account != FUND, Reason.RESERVED_ACCOUNT)
    require_account(account)
    used = use_intent(op.intent, stored, exchange.time)
    require(op.amount <= ledger.bucket, Reason.BUCKET)
    require(op.amount <= ledger.vault, Reason.VAULT)
    side = settle_whole(parameters, exchange.time, inbox_of(op.account, ledger), account, held)
    collateral = pay_out(side, held, exchange.time, op.amount)
    booked = carry(
        ledger,
        side.terms.dust,
        fees=emptied(op.account, ledger, FEES),
        vault=-op.amount,
        bankrupt=flat_and_negative(side.terms.occupied, collateral) - side.bankrupt,
        bucket=-op.amount,
    )
    return booked, with_collateral(account, collateral), side.held, used


@PERPETUAL.operation(
    Transfer,
    reads(Parameters),
    reads(Exchange),
    updates(Ledger),
    updates(Account, "sender"),
    updates_held("sender"),
    updates(OrderSlot, "sender", "intent.slot"),
    updates(Account, "recipient"),
    updates_held("recipient"),
)
def transfer(
    op: Transfer,
    parameters: Parameters,
    exchange: Exchange,
    ledger: Ledger,
    sender: Account,
    sender_held: Held,
    stored: OrderSlot,
    recipient: Account,
    recipient_held: Held,
) -> tuple[Ledger, Account, Held, OrderSlot, Account, Held]:
    """Move collateral to another account: one's own, or anybody's."""
    require_live(exchange)
    require_amount(op.amount)
    require(op.sender != op.recipient, Reason.SAME_ACCOUNT)
    require(op.sender != FUND, Reason.RESERVED_ACCOUNT)
    require_account(sender)
    require_account(recipient)
    used = use_intent(op.intent, stored, exchange.time)
    payer = settle_whole(parameters, exchange.time, inbox_of(op.sender, ledger), sender, sender_held)
    left = pay_out(payer, sender_held, exchange.time, op.amount)
    payee = settle_whole(parameters, exchange.time, inbox_of(op.recipient, ledger), recipient, recipient_held)
    received = payee.collateral + op.amount
    require_collateral(received)
    booked = carry(
        ledger,
        payer.terms.dust + payee.terms.dust,
        fund=emptied(op.recipient, ledger, FUND),
        fees=emptied(op.sender, ledger, FEES) + emptied(op.recipient, ledger, FEES),
        bankrupt=flat_and_negative(payer.terms.occupied, left)
        + flat_and_negative(payee.terms.occupied, received)
        - payer.bankrupt
        - payee.bankrupt,
    )
    return (
        booked,
        with_collateral(sender, left),
        payer.held,
        used,
        with_collateral(recipient, received),
        payee.held,
    )
