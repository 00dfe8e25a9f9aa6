"""Matching: price-time priority, and what becomes of orders whose trades the rules refuse."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perp_hash.digest import Tag
from perp_reference.core.machine import Machine, Rejected
from perp_reference.core.matching import Book, Fees, Matching, Outcome, position_slot
from perp_reference.core.state import State, genesis
from perp_spec.language import digest
from perp_spec.perpetual.defaults import USD, default_config
from perp_spec.perpetual.operations import Cancel, Deposit, Intent, OpenAccount, OracleTick, Order, Report, Trade
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Exchange, Kind, MarketBook, OrderSlot, Position, Queue
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS

PRICE = 4_000_000
"""Atoms for a lot of the first market."""

NOW = 1_700_000_000
MONEY = 100_000 * USD
ACCOUNTS = range(2, 8)


class Floor:
    """An exchange of two markets with a few funded accounts, its matching, and all trades that happened."""

    def __init__(self, money: dict[int, int] | None = None) -> None:
        self.state: State = genesis(default_config(2))
        self.machine = Machine(self.state)
        self.trades: list[Trade] = []
        self.refusals: list[Reason] = []
        self.matching = Matching(self.state, self._trade, Fees())
        self.state.put(Exchange, 0, Exchange(number=1, time=NOW))
        for market in range(2):
            report = Report(3, PRICE, (0, 1, 2, 0, 0, 0, 0, 0), (PRICE, PRICE, PRICE, 0, 0, 0, 0, 0))
            self.machine.apply(OracleTick(market, (report, report, Report(), Report()), True))
        for account in ACCOUNTS:
            self.machine.apply(OpenAccount(account, account, Kind.CROSS, 0, 0, NOW, True))
            self.deposit(account, (money or {}).get(account, MONEY))

    def deposit(self, account: int, amount: int) -> None:
        queue: Queue = self.state.get(Queue, 0)
        chain = digest(Tag.QUEUE, (queue.chain, account), (1, account, amount))
        self.machine.apply(Deposit(queue.position, chain, account, account, amount, 0))

    def _trade(self, trade: Trade) -> Reason | None:
        try:
            self.machine.apply(trade)
        except Rejected as rejection:
            self.refusals.append(rejection.reason)
            return rejection.reason
        self.trades.append(trade)
        return None

    def size(self, account: int, market: int = 0) -> int:
        slot = position_slot(self.state, account, market)
        assert slot is not None
        return self.state.get(Position, account * POSITION_SLOTS + slot).size

    @property
    def book(self) -> Book:
        return self.matching.books[0]


def order(account: int, buys: bool, lots: int, price: int = PRICE, slot: int = 0, nonce: int = 1) -> Order:
    return Order(
        account=account,
        slot=slot,
        nonce=nonce,
        expiry=NOW + 60,
        market=0,
        buys=buys,
        lots=lots,
        price=price,
        max_fee_ppm=1_000,
        authorised=True,
    )


def made(floor: Floor) -> list[tuple[int, int, int, int]]:
    """Buyer, seller, lots and price of each trade."""
    return [(trade.buyer.account, trade.seller.account, trade.lots, trade.price) for trade in floor.trades]


def test_better_prices_go_first_and_earlier_orders_before_later_ones() -> None:
    floor = Floor()
    for account, price in ((2, PRICE + 2), (3, PRICE + 1), (4, PRICE + 1), (5, PRICE + 3)):
        assert floor.matching.submit(order(account, False, 5, price)) == Outcome(0, True, None)
    assert floor.matching.submit(order(6, True, 12, PRICE + 2)) == Outcome(12, False, None)
    assert made(floor) == [(6, 3, 5, PRICE + 1), (6, 4, 5, PRICE + 1), (6, 2, 2, PRICE + 2)]
    assert [(each.order.account, each.left) for each in floor.book.asks] == [(2, 3), (5, 5)]


def test_the_taker_pays_and_the_maker_is_paid() -> None:
    floor = Floor()
    floor.matching.submit(order(2, True, 5))
    floor.matching.submit(order(3, False, 5))
    (trade,) = floor.trades
    assert (trade.taker_buys, trade.buyer_fee_ppm, trade.seller_fee_ppm) == (False, -50, 450)


def test_what_is_left_rests_unless_the_order_is_immediate() -> None:
    floor = Floor()
    floor.matching.submit(order(2, False, 5))
    assert floor.matching.submit(order(3, True, 8), immediate=True) == Outcome(5, False, None)
    assert len(floor.book) == 0
    floor.matching.submit(order(2, False, 5, nonce=2))
    assert floor.matching.submit(order(3, True, 8, nonce=2)) == Outcome(5, True, None)
    resting = floor.book.find(3, 0)
    assert resting is not None
    assert resting.left == 3


def test_a_post_only_order_that_would_trade_is_dropped() -> None:
    floor = Floor()
    floor.matching.submit(order(2, False, 5))
    crossing = attrs.evolve(order(3, True, 5), post_only=True)
    assert floor.matching.submit(crossing) == Outcome(0, False, Reason.ORDER_POST_ONLY)
    beside = attrs.evolve(order(3, True, 5, PRICE - 1), post_only=True)
    assert floor.matching.submit(beside) == Outcome(0, True, None)
    assert floor.trades == []


def test_a_reduce_only_order_closes_the_position_and_no_more() -> None:
    floor = Floor()
    floor.matching.submit(order(2, False, 5))
    floor.matching.submit(order(3, True, 5))
    floor.matching.submit(order(4, True, 20, nonce=1))
    closing = attrs.evolve(order(3, False, 20, nonce=2), reduce_only=True)
    assert floor.matching.submit(closing) == Outcome(5, False, Reason.ORDER_REDUCE_ONLY)
    assert floor.size(3) == 0
    assert floor.size(4) == 5


def test_a_resting_reduce_only_order_without_a_position_is_dropped() -> None:
    floor = Floor()
    floor.matching.submit(attrs.evolve(order(2, True, 5), reduce_only=True))
    assert floor.matching.submit(order(3, False, 5)) == Outcome(0, True, None)
    assert floor.book.find(2, 0) is None


def test_a_new_order_takes_the_place_of_the_one_in_its_slot() -> None:
    floor = Floor()
    floor.matching.submit(order(2, False, 5, PRICE + 5))
    floor.matching.submit(order(2, False, 7, PRICE + 9, nonce=2))
    assert [(each.order.price, each.left) for each in floor.book.asks] == [(PRICE + 9, 7)]
    assert floor.matching.cancel(0, 2, 0)
    assert not floor.matching.cancel(0, 2, 0)
    assert floor.book.asks.best_price() is None


def test_an_expired_order_is_dropped_when_it_is_met() -> None:
    floor = Floor()
    floor.matching.submit(order(2, False, 5))
    floor.state.put(Exchange, 0, Exchange(number=2, time=NOW + 61))
    late = attrs.evolve(order(3, True, 5), expiry=NOW + 100)
    assert floor.matching.submit(late) == Outcome(0, True, None)
    assert floor.trades == []


def test_an_owner_does_not_trade_with_themselves() -> None:
    floor = Floor()
    floor.machine.apply(OpenAccount(9, 2, Kind.CROSS, 0, 0, NOW, True))
    floor.deposit(2, MONEY)
    floor.matching.submit(order(2, False, 5))
    assert floor.matching.submit(order(9, True, 5)) == Outcome(0, True, None)
    assert floor.book.asks.best_price() is None


def test_a_maker_without_margin_is_dropped_and_the_next_one_is_tried() -> None:
    floor = Floor({2: 1 * USD})
    floor.matching.submit(order(2, False, 50_000))
    floor.matching.submit(order(3, False, 50_000))
    assert floor.matching.submit(order(4, True, 50_000)) == Outcome(50_000, False, None)
    assert made(floor) == [(4, 3, 50_000, PRICE)]
    assert floor.refusals == [Reason.INITIAL_MARGIN]


def test_a_taker_without_margin_is_dropped_and_the_maker_stays() -> None:
    floor = Floor({4: 1 * USD})
    floor.matching.submit(order(3, False, 50_000))
    assert floor.matching.submit(order(4, True, 50_000)) == Outcome(0, False, Reason.INITIAL_MARGIN)
    assert floor.book.find(3, 0) is not None


def test_a_price_outside_the_band_stops_the_taker_and_leaves_the_maker() -> None:
    floor = Floor()
    floor.matching.submit(order(2, False, 5, 2 * PRICE))
    assert floor.matching.submit(order(3, True, 5, 2 * PRICE)) == Outcome(0, False, Reason.PRICE_BAND)
    assert floor.book.find(2, 0) is not None


def test_an_order_cancelled_by_the_rules_is_dropped_when_it_is_met() -> None:
    floor = Floor()
    floor.matching.submit(order(2, False, 5))
    floor.machine.apply(Cancel(2, Intent(0, 1, NOW, True)))
    assert floor.matching.submit(order(3, True, 5)) == Outcome(0, True, None)
    assert floor.refusals == [Reason.ORDER_STALE]


def test_a_partly_filled_order_comes_back_with_what_is_left() -> None:
    floor = Floor()
    floor.matching.submit(order(2, False, 5))
    again = order(3, True, 8)
    assert floor.matching.submit(again, immediate=True) == Outcome(5, False, None)
    assert floor.matching.submit(again) == Outcome(0, True, None)
    resting = floor.book.find(3, 0)
    assert resting is not None
    assert resting.left == 3


def test_impact_price_walks_the_book() -> None:
    floor = Floor()
    for account, price in ((2, PRICE + 1), (3, PRICE + 4)):
        floor.matching.submit(order(account, False, 5, price))
    impact = floor.book.impact_price
    assert [impact(False, 5), impact(False, 6), impact(False, 11), impact(True, 1)] == [
        PRICE + 1,
        PRICE + 4,
        None,
        None,
    ]


REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(list(ACCOUNTS)),
        st.booleans(),
        st.integers(1, 30),
        st.integers(PRICE - 6, PRICE + 6),
        st.integers(0, 3),
        st.sampled_from(("limit", "immediate", "post_only", "reduce_only", "cancel")),
    ),
    max_size=40,
)


@given(REQUESTS)
def test_orders_meet_fairly_whatever_comes(requests: list[tuple[int, bool, int, int, int, str]]) -> None:
    """The book is never crossed, fills respect limits and lots, nobody is passed over, and sizes sum to zero."""
    floor = Floor()
    seen: list[Order] = []
    for nonce, (account, buys, lots, price, slot, kind) in enumerate(requests, 1):
        if kind == "cancel":
            floor.matching.cancel(0, account, slot)
            continue
        wanted = attrs.evolve(
            order(account, buys, lots, price, slot, nonce),
            reduce_only=kind == "reduce_only",
            post_only=kind == "post_only",
        )
        seen.append(wanted)
        before = [(each.order, each.left) for each in floor.book.side(not buys)]
        known = len(floor.trades)
        outcome = floor.matching.submit(wanted, immediate=kind == "immediate")
        check_fills(floor.trades[known:], wanted, before, outcome)
        bid, ask = floor.book.bids.best_price(), floor.book.asks.best_price()
        assert bid is None or ask is None or bid < ask
    check_totals(floor, seen)


def check_fills(trades: list[Trade], taker: Order, before: list[tuple[Order, int]], outcome: Outcome) -> None:
    """Trades follow the other side's order, each at the maker's price and within both limits."""
    makers = [trade.seller if taker.buys else trade.buyer for trade in trades]
    queue = [maker for maker, _ in before if maker in makers]
    assert makers == queue
    assert sum(trade.lots for trade in trades) == outcome.filled <= taker.lots
    for trade, maker in zip(trades, makers, strict=True):
        assert trade.price == maker.price
        assert (trade.price <= taker.price) if taker.buys else (trade.price >= taker.price)
        assert trade.lots <= {each.nonce: left for each, left in before}[maker.nonce]


def check_totals(floor: Floor, seen: list[Order]) -> None:
    """No order is filled beyond its lots, and every lot bought is sold."""
    filled = {wanted.nonce: 0 for wanted in seen}
    for trade in floor.trades:
        filled[trade.buyer.nonce] += trade.lots
        filled[trade.seller.nonce] += trade.lots
    assert all(filled[wanted.nonce] <= wanted.lots for wanted in seen)
    sizes = [floor.size(account) for account in ACCOUNTS]
    assert sum(sizes) == 0
    assert floor.state.get(MarketBook, 0).open_interest == sum(size for size in sizes if size > 0)
    for account in ACCOUNTS:
        for slot in range(4):
            stored: OrderSlot = floor.state.get(OrderSlot, account * ORDER_SLOTS + slot)
            assert stored.filled == filled.get(stored.nonce, 0)
    assert all(floor.state.get(Account, account).collateral > 0 for account in ACCOUNTS)


def test_sixteen_positions_leave_no_slot() -> None:
    floor = Floor()
    account = attrs.evolve(floor.state.get(Account, 3), slots=POSITION_SLOTS)
    floor.state.put(Account, 3, account)
    for slot in range(POSITION_SLOTS):
        floor.state.put(Position, 3 * POSITION_SLOTS + slot, Position(1, 1, 0))
    assert position_slot(floor.state, 3, 0) is None
    floor.matching.submit(order(2, False, 5))
    assert floor.matching.submit(order(3, True, 5)) == Outcome(0, False, Reason.SLOT)


@pytest.mark.parametrize("slots", [0, 3])
def test_a_position_takes_the_slot_that_holds_its_market_else_the_first_free_one(slots: int) -> None:
    floor = Floor()
    floor.state.put(Account, 3, attrs.evolve(floor.state.get(Account, 3), slots=slots))
    if slots:
        floor.state.put(Position, 3 * POSITION_SLOTS + 0, Position(1, 5, 0))
        floor.state.put(Position, 3 * POSITION_SLOTS + 2, Position(0, 5, 0))
    assert position_slot(floor.state, 3, 0) == (2 if slots else 0)
    assert position_slot(floor.state, 3, 1) == 0
    assert position_slot(floor.state, 3, 7) == (1 if slots else 0)
