"""Price-time priority matching: turns orders into trades.

A tool of whoever builds batches, outside what is proved: the rules check every trade it makes. Prices are atoms per
lot, sizes lots. A trade happens at the price of the resting order; better prices go first, and at one price earlier
orders before later ones.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator

from attrs import define, frozen

from perp_reference.core.state import State
from perp_spec.language import Rejected, mul_div_ceil
from perp_spec.perpetual.common import fill_order_if, mode_of
from perp_spec.perpetual.health import oracle_state, require_valid_transition_if
from perp_spec.perpetual.operations import Order, Trade
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Exchange, MarketPrice, Mode, OrderSlot, Position
from perp_spec.perpetual.rules.trading import fill_side, market_allowed
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS, PPM

Place = tuple[int, int]
"""Account and order slot. An account has at most one order in a slot; a new one replaces it."""

Apply = Callable[[Trade], Reason | None]
"""Applies a trade, or says why it is rejected."""


@frozen
class Fees:
    """What the two sides of a trade pay, in ppm; a maker's rate may be negative, the sum may not."""

    taker_ppm: int = 450
    maker_ppm: int = -50


@define
class Resting:
    """An order in the book."""

    order: Order
    left: int
    """Lots not yet filled, at least 1."""


@frozen
class Outcome:
    """What became of an order that was submitted."""

    filled: int
    """Lots."""
    rests: bool
    """The remainder is in the book."""
    refused: Reason | None
    """Why the remainder was dropped, where a rule refused it."""


class Side:
    """One side of a book: levels of orders, best price first."""

    def __init__(self, buys: bool) -> None:
        self._sign = -1 if buys else 1
        self._keys: list[int] = []
        self._levels: dict[int, dict[Place, Resting]] = {}

    def best_price(self) -> int | None:
        """The price of the best level, None where there is no order."""
        return self._sign * self._keys[0] if self._keys else None

    def first(self) -> Resting | None:
        """The order that is next to be filled."""
        return next(iter(self._levels[self._keys[0]].values())) if self._keys else None

    def add(self, resting: Resting) -> None:
        """Put an order behind the others at its price."""
        key = self._sign * resting.order.price
        if key not in self._levels:
            self._levels[key] = {}
            insort(self._keys, key)
        self._levels[key][resting.order.account, resting.order.slot] = resting

    def remove(self, order: Order) -> None:
        """Take an order out."""
        key = self._sign * order.price
        level = self._levels[key]
        del level[order.account, order.slot]
        if not level:
            del self._levels[key]
            del self._keys[bisect_left(self._keys, key)]

    def __iter__(self) -> Iterator[Resting]:
        """Orders in the sequence in which they would be filled."""
        for key in self._keys:
            yield from self._levels[key].values()


class Book:
    """The resting orders of one market.

    Attributes:
        bids: Orders to buy.
        asks: Orders to sell.
        last_price: Price of the last trade, None before the first.
    """

    def __init__(self) -> None:
        self.last_price: int | None = None
        self.bids = Side(buys=True)
        self.asks = Side(buys=False)
        self._orders: dict[Place, Resting] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def side(self, buys: bool) -> Side:
        """The bids or the asks."""
        return self.bids if buys else self.asks

    def find(self, account: int, slot: int) -> Resting | None:
        """The order an account has in a slot."""
        return self._orders.get((account, slot))

    def add(self, resting: Resting) -> None:
        """Put an order in, behind the others at its price."""
        self._orders[resting.order.account, resting.order.slot] = resting
        self.side(resting.order.buys).add(resting)

    def cancel(self, account: int, slot: int) -> bool:
        """Take an account's order out; False where there is none in that slot."""
        resting = self._orders.pop((account, slot), None)
        if resting is None:
            return False
        self.side(resting.order.buys).remove(resting.order)
        return True

    def impact_price(self, buys: bool, lots: int) -> int | None:
        """Worst price at which an order on the other side would fill so many lots, None where it would not."""
        for resting in self.side(buys):
            lots -= resting.left
            if lots <= 0:
                return resting.order.price
        return None


class Matching:
    """The books of an exchange, and how orders meet in them.

    Attributes:
        books: One for each configured market, by id.
    """

    def __init__(self, state: State, apply: Apply, fees: Fees | None = None) -> None:
        self._state = state
        self._apply = apply
        self._fees = fees or Fees()
        self.books = tuple(Book() for _ in state.markets)

    def cancel(self, market: int, account: int, slot: int) -> bool:
        """Take an order out of the book. What its owner signed stays valid until it expires or the rules cancel it."""
        return self.books[market].cancel(account, slot)

    def submit(self, order: Order, immediate: bool = False) -> Outcome:
        """Match an order, and let what is left rest in the book unless it is immediate-or-cancel.

        It takes the place of the account's order in that slot. A post-only order that would trade is dropped.
        """
        book = self.books[order.market]
        book.cancel(order.account, order.slot)
        left = order.lots - self._filled(order)
        if order.post_only and crosses(order, book.side(not order.buys).best_price()):
            return Outcome(0, False, Reason.ORDER_POST_ONLY)
        filled, refused = self._match(book, order, left)
        rests = not immediate and refused is None and filled < left
        if rests:
            book.add(Resting(order, left - filled))
        return Outcome(filled, rests, refused)

    def _match(self, book: Book, order: Order, left: int) -> tuple[int, Reason | None]:
        """Fill an order as far as the other side goes; lots filled, and why the rest is to be dropped."""
        filled = 0
        while filled < left:
            maker = book.side(not order.buys).first()
            if maker is None or not crosses(order, maker.order.price):
                break
            if self._unfit(maker.order, order):
                book.cancel(maker.order.account, maker.order.slot)
                continue
            slot, maker_slot = self._slot(order), self._slot(maker.order)
            allowed, maker_allowed = self._reducible(order), self._reducible(maker.order)
            if slot is None or allowed == 0:
                return filled, Reason.SLOT if slot is None else Reason.ORDER_REDUCE_ONLY
            if maker_slot is None or maker_allowed == 0:
                book.cancel(maker.order.account, maker.order.slot)
                continue
            lots = min(left - filled, maker.left, allowed, maker_allowed)
            trade = self._trade(order, maker.order, lots, slot, maker_slot)
            refused = self._apply(trade)
            if refused is None:
                filled += lots
                self._book_fill(book, maker, lots)
            elif self._maker_only(trade, order.buys):
                book.cancel(maker.order.account, maker.order.slot)
            else:
                return filled, refused
        return filled, None

    def _book_fill(self, book: Book, maker: Resting, lots: int) -> None:
        book.last_price = maker.order.price
        maker.left -= lots
        if maker.left == 0:
            book.cancel(maker.order.account, maker.order.slot)

    def _filled(self, order: Order) -> int:
        """Lots of an order filled before."""
        stored: OrderSlot = self._state.get(OrderSlot, order.account * ORDER_SLOTS + order.slot)
        return stored.filled if stored.nonce == order.nonce else 0

    def _unfit(self, maker: Order, taker: Order) -> bool:
        """A resting order that has expired, or has the owner of the order it would meet."""
        accounts = self._state.get(Account, maker.account), self._state.get(Account, taker.account)
        return maker.expiry < self._state.get(Exchange, 0).time or accounts[0].owner == accounts[1].owner

    def _slot(self, order: Order) -> int | None:
        """The position slot an order would use."""
        return position_slot(self._state, order.account, order.market)

    def _reducible(self, order: Order) -> int:
        """The most lots an order may fill: for a reduce-only one the position on the other side, if any."""
        if not order.reduce_only:
            return order.lots
        slot = self._slot(order)
        size = 0 if slot is None else self._state.get(Position, order.account * POSITION_SLOTS + slot).size
        return max(-size if order.buys else size, 0)

    def _trade(self, taker: Order, maker: Order, lots: int, taker_slot: int, maker_slot: int) -> Trade:
        """A trade of two orders at the maker's price."""
        taker_fee_ppm, maker_fee_ppm = self._fees.taker_ppm, self._fees.maker_ppm
        return Trade(
            market=taker.market,
            lots=lots,
            price=maker.price,
            taker_buys=taker.buys,
            buyer=taker if taker.buys else maker,
            seller=maker if taker.buys else taker,
            buyer_slot=taker_slot if taker.buys else maker_slot,
            seller_slot=maker_slot if taker.buys else taker_slot,
            buyer_fee_ppm=taker_fee_ppm if taker.buys else maker_fee_ppm,
            seller_fee_ppm=maker_fee_ppm if taker.buys else taker_fee_ppm,
        )

    def _maker_only(self, trade: Trade, taker_buys: bool) -> bool:
        """The resting side of a rejected trade is at fault, and the other side is not."""
        return side_refusal(self._state, trade, not taker_buys) is not None and (
            side_refusal(self._state, trade, taker_buys) is None
        )


def crosses(order: Order, price: int | None) -> bool:
    """An order would trade at a price."""
    return price is not None and (price <= order.price if order.buys else price >= order.price)


def position_slot(state: State, account: int, market: int) -> int | None:
    """The slot in which an account holds a market, else its first free one, None where all are taken."""
    free = None
    slots = state.get(Account, account).slots
    for slot in range(slots):
        position: Position = state.get(Position, account * POSITION_SLOTS + slot)
        if position.size != 0 and position.market == market:
            return slot
        if position.size == 0 and free is None:
            free = slot
    if free is None and slots < POSITION_SLOTS:
        free = slots
    return free


def side_refusal(state: State, trade: Trade, buys: bool) -> Reason | None:
    """Why one side of a trade would be refused whatever the other side is, None where nothing is found.

    Runs the rules' own guards that look at one side only.
    """
    try:
        check_side(state, trade, buys)
    except Rejected as rejection:
        return rejection.reason
    return None


def check_side(state: State, trade: Trade, buys: bool) -> None:
    """Run the guards of a trade that look at one side.

    Raises:
        Rejected: One of them is false.
    """
    exchange: Exchange = state.get(Exchange, 0)
    order = trade.buyer if buys else trade.seller
    slot = trade.buyer_slot if buys else trade.seller_slot
    fee_ppm = trade.buyer_fee_ppm if buys else trade.seller_fee_ppm
    stored: OrderSlot = state.get(OrderSlot, order.account * ORDER_SLOTS + order.slot)
    taker = trade.taker_buys == buys
    fill_order_if(True, order, stored, exchange.time, trade.market, buys, trade.lots, trade.price, taker, fee_ppm)
    account: Account = state.get(Account, order.account)
    position: Position = state.get(Position, order.account * POSITION_SLOTS + slot)
    price: MarketPrice = state.get(MarketPrice, trade.market)
    market = state.market(trade.market)
    sign = 1 if buys else -1
    notional = trade.lots * trade.price
    side, moved = fill_side(
        state.parameters,
        exchange.time,
        account,
        position,
        state.held(order.account, slot),
        price,
        market,
        trade.market,
        slot,
        sign * trade.lots,
        -sign * notional - mul_div_ceil(notional, fee_ppm, PPM),
    )
    oracle = oracle_state(price, market, exchange.time)
    for holds, reason in (
        (market_allowed(account, trade.market), Reason.MARKET_NOT_ALLOWED),
        (moved.reduced or not order.reduce_only, Reason.ORDER_REDUCE_ONLY),
        (moved.reduced or mode_of(exchange, price) < Mode.REDUCE_ONLY, Reason.REDUCE_ONLY),
        (moved.reduced or not (side.degraded or oracle.degraded), Reason.ORACLE_LEVEL),
        (abs(moved.position.size) <= market.max_size, Reason.SIZE_RANGE),
    ):
        if not holds:
            raise Rejected(reason)
    require_valid_transition_if(True, account.kind, side.health, moved.health, moved.reduced)
