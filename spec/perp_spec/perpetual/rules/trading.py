"""Trading: two orders matched at a price."""

from typing import NamedTuple

from perp_spec.language import absolute, both, either, maximum, mul_div_ceil, negate, require, table
from perp_spec.operation import reads, updates, updates_held
from perp_spec.perpetual.common import (
    PERPETUAL,
    carry,
    fill_order_if,
    long_lots,
    mode_of,
    require_account,
    require_collateral,
    require_live,
    require_market,
    require_not_halted,
    within,
)
from perp_spec.perpetual.health import (
    Held,
    Moved,
    Side,
    moved_side,
    oracle_state,
    require_valid_transition_if,
    settled_side,
    slot_fits,
)
from perp_spec.perpetual.operations import Trade
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FIRST_USER,
    Account,
    Exchange,
    Kind,
    Ledger,
    Market,
    MarketBook,
    MarketPrice,
    Mode,
    OrderSlot,
    Parameters,
    Position,
)
from perp_spec.words import PPM


class Fill(NamedTuple):
    """One side of a trade: the account before and after."""

    side: Side
    moved: Moved


@table()
def fill_side(
    parameters: Parameters,
    now: int,
    account: Account,
    position: Position,
    others: Held,
    price: MarketPrice,
    market: Market,
    subject: int,
    slot: int,
    delta: int,
    cash: int,
) -> Fill:
    """Settle a user's account and give it `delta` lots of the subject market and `cash` atoms."""
    side = settled_side(parameters, now, 0, account, position, others, price, market, subject)
    moved = moved_side(parameters, side, price, market, subject, slot, delta, cash, account.liquidated_at)
    return Fill(side, moved)


def market_allowed(account: Account, subject: int) -> bool:
    """An isolated account holds its one market only."""
    return either(account.kind != Kind.ISOLATED, account.market == subject)


def with_open_interest(book: MarketBook, change: int, liquidated: int) -> MarketBook:
    """The book with open interest changed by `change` lots and `liquidated` more lots in the window."""
    return MarketBook(
        open_interest=book.open_interest + change,
        window_open_interest=book.window_open_interest,
        window_liquidated=book.window_liquidated + liquidated,
        loss_day=book.loss_day,
        loss_today=book.loss_today,
    )


@PERPETUAL.operation(
    Trade,
    reads(Parameters),
    reads(Exchange),
    reads(Market, "market"),
    reads(MarketPrice, "market"),
    updates(Ledger),
    updates(MarketBook, "market"),
    updates(Account, "buyer.account"),
    updates(Position, "buyer.account", "buyer_slot"),
    updates_held("buyer.account", skip="buyer_slot"),
    updates(OrderSlot, "buyer.account", "buyer.slot"),
    updates(Account, "seller.account"),
    updates(Position, "seller.account", "seller_slot"),
    updates_held("seller.account", skip="seller_slot"),
    updates(OrderSlot, "seller.account", "seller.slot"),
)
def trade(
    op: Trade,
    parameters: Parameters,
    exchange: Exchange,
    market: Market,
    price: MarketPrice,
    ledger: Ledger,
    book: MarketBook,
    buyer: Account,
    buyer_position: Position,
    buyer_others: Held,
    buyer_stored: OrderSlot,
    seller: Account,
    seller_position: Position,
    seller_others: Held,
    seller_stored: OrderSlot,
) -> tuple[Ledger, MarketBook, Account, Position, Held, OrderSlot, Account, Position, Held, OrderSlot]:
    """Match two orders.

    The buyer's account gains the lots and the seller's loses them, at one price, each paying its fee.
    """
    now = exchange.time
    require_live(exchange)
    require_market(market)
    require(both(op.lots >= 1, op.lots <= market.max_size), Reason.LOTS)
    require(both(op.price >= 1, op.price <= market.max_price), Reason.PRICE_RANGE)
    require(op.buyer.account != op.seller.account, Reason.SAME_ACCOUNT)
    require(both(op.buyer.account >= FIRST_USER, op.seller.account >= FIRST_USER), Reason.RESERVED_ACCOUNT)
    require_account(buyer)
    require_account(seller)
    require(buyer.owner != seller.owner, Reason.SAME_OWNER)
    buyer_used = fill_order_if(
        True, op.buyer, buyer_stored, now, op.market, True, op.lots, op.price, op.taker_buys, op.buyer_fee_ppm
    )
    seller_used = fill_order_if(
        True,
        op.seller,
        seller_stored,
        now,
        op.market,
        False,
        op.lots,
        op.price,
        negate(op.taker_buys),
        op.seller_fee_ppm,
    )
    highest_ppm = maximum(absolute(op.buyer_fee_ppm), absolute(op.seller_fee_ppm))
    require(both(highest_ppm <= market.fee_cap_ppm, op.buyer_fee_ppm + op.seller_fee_ppm >= 0), Reason.FEE)
    require_not_halted(exchange, price)
    require(within(absolute(op.price - price.price), market.price_band_ppm, price.price), Reason.PRICE_BAND)

    notional = op.lots * op.price
    buyer_fee = mul_div_ceil(notional, op.buyer_fee_ppm, PPM)
    seller_fee = mul_div_ceil(notional, op.seller_fee_ppm, PPM)
    buying, bought = fill_side(
        parameters,
        now,
        buyer,
        buyer_position,
        buyer_others,
        price,
        market,
        op.market,
        op.buyer_slot,
        op.lots,
        -notional - buyer_fee,
    )
    selling, sold = fill_side(
        parameters,
        now,
        seller,
        seller_position,
        seller_others,
        price,
        market,
        op.market,
        op.seller_slot,
        -op.lots,
        notional - seller_fee,
    )
    require(slot_fits(buying, op.market, op.buyer_slot), Reason.SLOT)
    require(slot_fits(selling, op.market, op.seller_slot), Reason.SLOT)
    require(both(market_allowed(buyer, op.market), market_allowed(seller, op.market)), Reason.MARKET_NOT_ALLOWED)
    require(either(negate(op.buyer.reduce_only), bought.reduced), Reason.ORDER_REDUCE_ONLY)
    require(either(negate(op.seller.reduce_only), sold.reduced), Reason.ORDER_REDUCE_ONLY)
    mode = mode_of(exchange, price)
    require(either(mode < Mode.REDUCE_ONLY, both(bought.reduced, sold.reduced)), Reason.REDUCE_ONLY)
    state = oracle_state(price, market, now)
    require(negate(state.exits_only), Reason.ORACLE_LEVEL)
    require(either(bought.reduced, negate(either(buying.degraded, state.degraded))), Reason.ORACLE_LEVEL)
    require(either(sold.reduced, negate(either(selling.degraded, state.degraded))), Reason.ORACLE_LEVEL)
    require(both(bought.position.size <= market.max_size, sold.position.size >= -market.max_size), Reason.SIZE_RANGE)
    change = (
        long_lots(bought.position.size)
        - long_lots(buying.size)
        + long_lots(sold.position.size)
        - long_lots(selling.size)
    )
    rises_within = both(book.open_interest + change <= market.open_interest_cap, mode < Mode.THROTTLE)
    require(either(change <= 0, rises_within), Reason.OPEN_INTEREST)
    require_collateral(bought.account.collateral)
    require_collateral(sold.account.collateral)
    require_valid_transition_if(True, buyer.kind, buying.health, bought.health, bought.reduced)
    require_valid_transition_if(True, seller.kind, selling.health, sold.health, sold.reduced)

    booked = carry(
        ledger,
        buying.dust + selling.dust,
        fees=buyer_fee + seller_fee,
        bankrupt=bought.bankrupt + sold.bankrupt - buying.bankrupt - selling.bankrupt,
    )
    return (
        booked,
        with_open_interest(book, change, 0),
        bought.account,
        bought.position,
        buying.others,
        buyer_used,
        sold.account,
        sold.position,
        selling.others,
        seller_used,
    )
