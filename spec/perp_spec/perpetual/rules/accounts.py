"""Accounts and their slots: open_account, set_kind, cancel, compact."""

from perp_spec.language import both, changed, either, negate, require, select
from perp_spec.operation import reads, updates, updates_held
from perp_spec.perpetual.common import (
    PERPETUAL,
    carry,
    require_account,
    require_live,
    use_intent,
)
from perp_spec.perpetual.health import Held, health, settle_whole, worst_rest
from perp_spec.perpetual.operations import Cancel, Compact, OpenAccount, SetKind
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FIRST_USER,
    FUND,
    Account,
    Exchange,
    Kind,
    Ledger,
    Market,
    OrderSlot,
    Parameters,
    Position,
)


@PERPETUAL.operation(
    OpenAccount, reads(Exchange), reads(Market, "market"), reads(Account, "parent"), updates(Account, "account")
)
def open_account(
    op: OpenAccount, exchange: Exchange, market: Market, parent: Account, account: Account
) -> tuple[Account]:
    """Make an account. An isolated one belongs to a parent of the same owner and holds one market only."""
    require_live(exchange)
    require(op.account >= FIRST_USER, Reason.RESERVED_ACCOUNT)
    require(account.kind == Kind.ABSENT, Reason.ACCOUNT_EXISTS)
    require(op.owner != 0, Reason.BAD_SIGNATURE)
    require(op.authorised, Reason.BAD_SIGNATURE)
    require(exchange.time <= op.expiry, Reason.ORDER_EXPIRED)
    require(both(op.kind >= Kind.CROSS, op.kind <= Kind.PORTFOLIO), Reason.BAD_KIND)
    isolated = op.kind == Kind.ISOLATED
    childless = both(op.parent == 0, op.market == 0)
    own_parent = both(
        op.parent >= FIRST_USER,
        parent.kind != Kind.ABSENT,
        parent.kind != Kind.ISOLATED,
        parent.owner == op.owner,
    )
    require(select(isolated, own_parent, childless), Reason.BAD_PARENT)
    require(either(negate(isolated), market.max_price >= 1), Reason.NO_MARKET)
    return (Account(kind=op.kind, owner=op.owner, parent=op.parent, market=op.market),)


@PERPETUAL.operation(
    SetKind,
    reads(Parameters),
    reads(Exchange),
    updates(Ledger),
    updates(Account, "account"),
    updates_held("account"),
    updates(OrderSlot, "account", "intent.slot"),
)
def set_kind(
    op: SetKind,
    parameters: Parameters,
    exchange: Exchange,
    ledger: Ledger,
    account: Account,
    held: Held,
    stored: OrderSlot,
) -> tuple[Ledger, Account, Held, OrderSlot]:
    """Change between cross and portfolio margin, with the initial margin met under both."""
    require_live(exchange)
    require(op.account >= FIRST_USER, Reason.RESERVED_ACCOUNT)
    require_account(account)
    used = use_intent(op.intent, stored, exchange.time)
    require(
        both(account.kind != Kind.ISOLATED, either(op.kind == Kind.CROSS, op.kind == Kind.PORTFOLIO)), Reason.BAD_KIND
    )
    side = settle_whole(parameters, exchange.time, 0, account, held)
    terms = side.terms
    after = health(
        op.kind,
        side.collateral,
        terms.value,
        terms.maintenance,
        terms.initial,
        terms.buffer,
        worst_rest(held),
        parameters,
    )
    require(both(side.health.equity >= side.health.initial, after.equity >= after.initial), Reason.INITIAL_MARGIN)
    settled = changed(account, kind=op.kind, collateral=side.collateral)
    return carry(ledger, terms.dust), settled, side.held, used


@PERPETUAL.operation(Cancel, reads(Exchange), reads(Account, "account"), updates(OrderSlot, "account", "intent.slot"))
def cancel(op: Cancel, exchange: Exchange, account: Account, stored: OrderSlot) -> tuple[OrderSlot]:
    """Make the nonces of an order slot up to the intent's unusable."""
    require_live(exchange)
    require(op.account != FUND, Reason.RESERVED_ACCOUNT)
    require_account(account)
    return (use_intent(op.intent, stored, exchange.time),)


@PERPETUAL.operation(
    Compact,
    reads(Exchange),
    updates(Account, "account"),
    updates(Position, "account", "hole"),
    updates(Position, "account", "top"),
)
def compact(
    op: Compact, exchange: Exchange, account: Account, hole: Position, top: Position
) -> tuple[Account, Position, Position]:
    """Move the position of the highest slot into an empty one, and lower the count of slots by one.

    Housekeeping without a signature: nothing an account owns or owes changes. Where the highest slot is itself empty,
    only the count is lowered, and `hole` may be any other slot.
    """
    require_live(exchange)
    require_account(account)
    require(both(op.top == account.slots - 1, op.hole != op.top), Reason.SLOT)
    vacant = top.size == 0
    require(either(vacant, both(hole.size == 0, op.hole < op.top)), Reason.NOTHING_TO_COMPACT)
    lowered = changed(account, slots=account.slots - 1)
    return lowered, select(vacant, hole, top), Position()
