"""What several rules share: the rule set itself, guards on intents and orders, and the ledger's carry."""

from perp_spec.language import (
    both,
    changed,
    maximum,
    mul_div_floor,
    mul_div_remainder,
    negate,
    product_le,
    require,
    require_if,
    select,
)
from perp_spec.operation import RuleSet
from perp_spec.perpetual.operations import Intent, Order
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FEES,
    FUND,
    Account,
    Exchange,
    Kind,
    Ledger,
    Market,
    MarketPrice,
    Mode,
    OrderSlot,
)
from perp_spec.words import AMOUNT_MAX, COLLATERAL_MAX, PPM

PERPETUAL = RuleSet("perpetual-1")
"""The rules of this rule set."""


def require_live(exchange: Exchange) -> None:
    """The exchange is not frozen."""
    require(exchange.frozen_at == 0, Reason.FROZEN)


def require_market(market: Market) -> None:
    """The market is configured."""
    require(market.max_price >= 1, Reason.NO_MARKET)


def require_account(account: Account) -> None:
    """The account exists."""
    require(account.kind != Kind.ABSENT, Reason.NO_ACCOUNT)


def require_amount(amount: int) -> None:
    """The amount is in its range."""
    require(both(amount >= 1, amount <= AMOUNT_MAX), Reason.AMOUNT)


def require_collateral(collateral: int) -> None:
    """The collateral is in the range a user operation may leave."""
    require(both(collateral >= -COLLATERAL_MAX, collateral <= COLLATERAL_MAX), Reason.COLLATERAL_RANGE)


def mode_of(exchange: Exchange, price: MarketPrice) -> int:
    """The mode that holds for a market now: the highest of modes and kill switches."""
    return maximum(maximum(exchange.mode, exchange.switch), maximum(price.mode, price.switch))


def require_not_halted(exchange: Exchange, price: MarketPrice) -> None:
    """The mode is below HALT."""
    require(mode_of(exchange, price) < Mode.HALT, Reason.MODE)


def use_intent(intent: Intent, stored: OrderSlot, now: int) -> OrderSlot:
    """Check an intent that is used once, and use up its nonce."""
    require(intent.authorised, Reason.BAD_SIGNATURE)
    require(now <= intent.expiry, Reason.ORDER_EXPIRED)
    require(intent.nonce >= stored.nonce, Reason.ORDER_STALE)
    return OrderSlot(intent.nonce + 1, 0)


def fill_order_if(
    active: bool,
    order: Order,
    stored: OrderSlot,
    now: int,
    market: int,
    buys: bool,
    lots: int,
    price: int,
    taker: bool,
    fee_ppm: int,
) -> OrderSlot:
    """Check, where `active`, that an order is live and allows this fill, and book the fill."""
    filled = select(order.nonce == stored.nonce, stored.filled, 0)
    require_if(active, order.authorised, Reason.BAD_SIGNATURE)
    require_if(active, now <= order.expiry, Reason.ORDER_EXPIRED)
    require_if(active, order.nonce >= stored.nonce, Reason.ORDER_STALE)
    require_if(active, filled + lots <= order.lots, Reason.ORDER_FILLED)
    require_if(active, order.market == market, Reason.ORDER_MARKET)
    require_if(active, order.buys == buys, Reason.ORDER_SIDE)
    require_if(active, select(buys, price <= order.price, price >= order.price), Reason.ORDER_PRICE)
    require_if(active, negate(both(order.post_only, taker)), Reason.ORDER_POST_ONLY)
    require_if(active, fee_ppm <= order.max_fee_ppm, Reason.ORDER_FEE)
    return OrderSlot(select(active, order.nonce, stored.nonce), select(active, filled + lots, stored.filled))


def within(distance: int, limit_ppm: int, base: int) -> bool:
    """A distance is at most so many parts per million of a base."""
    return product_le(distance, PPM, limit_ppm, base)


def emptied(account: int, ledger: Ledger, other: int) -> int:
    """What leaves an inbox, the one of the reserved account `other`, when `account` is settled: zero or negative."""
    inbox = select(other == FUND, ledger.fund_inbox, ledger.fees_inbox)
    return select(account == other, -inbox, 0)


def long_lots(size: int) -> int:
    """What a position adds to open interest."""
    return maximum(size, 0)


def inbox_of(account: int, ledger: Ledger) -> int:
    """What waits for an account in the inboxes: something for the fund and the fee account only."""
    return select(account == FUND, ledger.fund_inbox, select(account == FEES, ledger.fees_inbox, 0))


def carry(
    ledger: Ledger,
    dust: int,
    *,
    fund: int = 0,
    fees: int = 0,
    vault: int = 0,
    bankrupt: int = 0,
    bucket: int = 0,
    claims: int = 0,
) -> Ledger:
    """Add to the ledger. Whole atoms of dust go to the fund's inbox.

    `dust` is in micro-atoms, `bankrupt` a count, all others atoms; any of them but `dust` may be negative.
    """
    micro_atoms = ledger.dust + dust
    return Ledger(
        vault=ledger.vault + vault,
        dust=mul_div_remainder(micro_atoms, 1, PPM),
        fund_inbox=ledger.fund_inbox + fund + mul_div_floor(micro_atoms, 1, PPM),
        fees_inbox=ledger.fees_inbox + fees,
        bankrupt=ledger.bankrupt + bankrupt,
        bucket=ledger.bucket + bucket,
        bucket_at=ledger.bucket_at,
        claims=ledger.claims + claims,
    )


def with_collateral(account: Account, collateral: int) -> Account:
    """The account with other collateral."""
    return changed(account, collateral=collateral)


def flat_and_negative(occupied: int, collateral: int) -> int:
    """1 where an account without positions has negative collateral."""
    return select(both(occupied == 0, collateral < 0), 1, 0)
