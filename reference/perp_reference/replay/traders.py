"""What traders do: they open, add, reduce, stop out, rest orders, top up, withdraw and come back."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from attrs import define, field

from perp_reference.core.matching import Matching, Outcome
from perp_reference.replay.dice import Dice
from perp_reference.replay.makers import Makers
from perp_reference.replay.population import Population, Style, Trader
from perp_reference.replay.venue import INTENT_SLOT, Venue
from perp_reference.replay.watch import Watch, look_at
from perp_spec.perpetual.defaults import USD
from perp_spec.perpetual.health import Whole
from perp_spec.perpetual.operations import Cancel, Compact, Intent, OpenAccount, Order, SetKind, Transfer, Withdraw
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Kind, Ledger, MarketPrice, Position
from perp_spec.words import POSITION_SLOTS, PPM, TIME_MAX

FEE_PPM = 500
"""Highest fee a trader signs."""

REACH_PPM = 8_000
"""How far from the health price a trader who wants to trade now is willing to go."""

RETRY_SECONDS = 600
"""A withdrawal that was delayed is tried again after this."""

SMALL = 50 * USD
"""Equity below which an account is as good as empty."""

COMPACT_FROM = 12
"""Position slots in use from which an account is compacted."""


@define
class Delayed:
    """A withdrawal that waits."""

    account: int
    amount: int
    since: int
    next_try: int


@define
class Withdrawals:
    """What became of the wish to withdraw."""

    paid: int = 0
    paid_atoms: int = 0
    delayed: Counter[str] = field(factory=Counter)
    """Withdrawals that had to wait, by the reason of the first refusal."""
    delayed_atoms: int = 0
    served_late: int = 0
    dropped: int = 0
    """Delayed ones that lacked margin when their turn came."""
    longest_seconds: int = 0


class Held(NamedTuple):
    """A position of a trader."""

    market: int
    size: int


DELAYS = {Reason.BUCKET, Reason.ORACLE_LEVEL, Reason.VAULT}
"""Refusals that a withdrawal survives: it waits."""


class Traders:
    """All traders."""

    def __init__(
        self, venue: Venue, matching: Matching, makers: Makers, watch: Watch, population: Population, dice: Dice
    ) -> None:
        self.withdrawals = Withdrawals()
        self.deposited = 0
        self._venue = venue
        self._state = venue.state
        self._matching = matching
        self._makers = makers
        self._watch = watch
        self._population = population
        self._dice = dice
        self._waiting: list[Delayed] = []
        self._acts: dict[Style, Callable[[Trader, Whole], None]] = {
            Style.HEDGED: self._act_hedged,
            Style.ARBITRAGE: self._act_arbitrage,
            Style.SAVER: self._act_saver,
        }

    # Opening

    def join(self) -> None:
        """Open and fund every account. Needs no prices."""
        for trader in (*self._population.makers, *self._population.traders):
            market = trader.markets[0] if trader.kind == Kind.ISOLATED else 0
            opened = self._venue.apply(
                OpenAccount(trader.account, trader.owner, trader.kind, trader.parent, market, TIME_MAX, True)
            )
            assert opened is None, opened
            self._deposit(trader, trader.deposit)

    def take_positions(self, part: int, parts: int) -> None:
        """Let one part of the traders open their first positions."""
        for trader in self._population.traders[part::parts]:
            if trader.style not in {Style.SAVER, Style.ARBITRAGE}:
                self._open(trader, look_at(self._state, trader.account))

    # A batch

    def act(self, count: int) -> None:
        """Let so many randomly chosen traders act, and try delayed withdrawals again."""
        self._retry()
        traders = self._population.traders
        for _ in range(count):
            trader = traders[self._dice.below(len(traders))]
            self._act(trader)

    def _act(self, trader: Trader) -> None:
        whole = look_at(self._state, trader.account)
        held = self._held(trader)
        if not held:
            self._act_flat(trader, whole)
        elif whole.health.equity < 2 * whole.health.maintenance:
            self._act_in_danger(trader, whole, held)
        else:
            self._acts.get(trader.style, self._act_directional)(trader, whole)

    def _act_flat(self, trader: Trader, whole: Whole) -> None:
        """Trade again, come back with new money, or leave with the rest."""
        if whole.health.equity < SMALL:
            if self._dice.chance(10) and self._state.get(Account, trader.account).collateral >= 0:
                self._deposit(trader, trader.deposit)
            return
        roll = self._dice.below(100)
        if roll < 30:
            self._withdraw(trader, whole.collateral // 2)
        elif trader.style is Style.ARBITRAGE:
            self._act_arbitrage(trader, whole)
        elif trader.style is Style.SAVER:
            self._act_saver(trader, whole)
        elif roll < 80:
            self._open(trader, whole)

    def _act_in_danger(self, trader: Trader, whole: Whole, held: list[Held]) -> None:
        """Near a margin call: reduce, bring money, or hope."""
        roll = self._dice.below(100)
        if roll < 35:
            self._reduce(trader, held[self._dice.below(len(held))], percent=50)
        elif roll < 50:
            self._reduce(trader, held[self._dice.below(len(held))], percent=100)
        elif roll < 65:
            self._top_up(trader, whole)

    def _act_directional(self, trader: Trader, whole: Whole) -> None:
        held = self._held(trader)
        one = held[self._dice.below(len(held))]
        roll = self._dice.below(100)
        if roll < 12:
            self._reduce(trader, one, percent=50)
        elif roll < 22:
            self._reduce(trader, one, percent=100)
        elif roll < 40:
            self._open(trader, whole)
        elif roll < 55:
            self._rest(trader, one, away_ppm=self._dice.between(5_000, 25_000))
        elif roll < 60:
            self._cancel(trader)
        elif roll < 72:
            self._withdraw(trader, (whole.health.equity - 2 * whole.health.initial) // 2)
        elif roll < 75:
            self._compact(trader)

    def _act_hedged(self, trader: Trader, whole: Whole) -> None:
        """Keep a long and a short of equal value; close both now and then, or a leg whose partner is gone."""
        held = self._held(trader)
        if len(held) == 1 or self._dice.chance(15):
            for each in held:
                self._reduce(trader, each, percent=100)
        elif self._dice.chance(20):
            self._withdraw(trader, (whole.health.equity - 2 * whole.health.initial) // 2)

    def _act_arbitrage(self, trader: Trader, whole: Whole) -> None:
        """Sell where the book is above the index, buy where it is below, and close when that is over."""
        market = trader.markets[self._dice.below(len(trader.markets))]
        book = self._matching.books[market]
        bid, ask = book.bids.best_price(), book.asks.best_price()
        index = self._state.get(MarketPrice, market).index
        if bid is None or ask is None or not index:
            return
        premium_ppm = ((bid + ask) // 2 - index) * PPM // index
        held = next((each for each in self._held(trader) if each.market == market), None)
        if held is not None and premium_ppm * held.size > 0:
            self._reduce(trader, held, percent=100)
        elif held is None and abs(premium_ppm) > 800:
            lots = whole.health.equity * 3 // index
            self._send(trader, market, premium_ppm < 0, lots)

    def _act_saver(self, trader: Trader, whole: Whole) -> None:
        """Move money about."""
        roll = self._dice.below(100)
        others = self._population.traders
        if roll < 20:
            self._deposit(trader, trader.deposit // 4 + 1)
        elif roll < 50:
            self._withdraw(trader, whole.collateral // 3)
        elif roll < 70:
            other = others[self._dice.below(len(others))]
            self._transfer(trader, other, whole.collateral // 10)
        elif roll < 80:
            kind = Kind.CROSS if self._state.get(Account, trader.account).kind == Kind.PORTFOLIO else Kind.PORTFOLIO
            self._venue.apply(SetKind(trader.account, kind, self._venue.intent(trader.account)))

    # Positions and orders

    def _held(self, trader: Trader) -> list[Held]:
        row = self._watch.sizes[trader.account]
        if trader.account not in self._venue.touched:
            return [Held(int(market), int(row[market])) for market in row.nonzero()[0]]
        first = trader.account * POSITION_SLOTS
        slots = range(self._state.get(Account, trader.account).slots)
        positions: list[Position] = [self._state.get(Position, first + slot) for slot in slots]
        return [Held(position.market, position.size) for position in positions if position.size]

    def _open(self, trader: Trader, whole: Whole) -> None:
        """Open or add up to the leverage the trader aims at, shared out over its markets."""
        equity = whole.health.equity * 95 // 100
        hedged = trader.style is Style.HEDGED
        for place, market in enumerate(trader.markets):
            price = self._state.get(MarketPrice, market).price
            rate_ppm = max(PPM // trader.leverage, self._state.market(market).initial_1_ppm * 21 // 20 + 3 * FEE_PPM)
            size = int(self._watch.sizes[trader.account, market])
            lots = equity * PPM // (max(price, 1) * rate_ppm * len(trader.markets)) - abs(size)
            if lots > 0:
                self._send(trader, market, trader.long != (hedged and place % 2 == 1), lots)

    def _send(self, trader: Trader, market: int, buys: bool, lots: int, reduce_only: bool = False) -> Outcome | None:
        """An order to be filled now, as far as prices near the health price go."""
        price = self._state.get(MarketPrice, market).price
        distance = price * REACH_PPM // PPM
        limit = price + distance if buys else price - distance
        lots = min(lots, self._state.market(market).max_size)
        if lots < 1 or limit < 1:
            return None
        return self._matching.submit(
            self._order(trader, market, market, buys, lots, limit, reduce_only), immediate=True
        )

    def _reduce(self, trader: Trader, each: Held, percent: int) -> None:
        lots = max(abs(each.size) * percent // 100, 1)
        self._send(trader, each.market, each.size < 0, lots, reduce_only=True)

    def _rest(self, trader: Trader, each: Held, away_ppm: int) -> None:
        """Leave an order in the book: to take profit, or to add at a better price."""
        price = self._state.get(MarketPrice, each.market).price
        takes_profit = self._dice.chance(60)
        buys = (each.size < 0) == takes_profit
        limit = price * (PPM - away_ppm if buys else PPM + away_ppm) // PPM
        lots = max(abs(each.size) // 2, 1)
        slot = 100 + each.market
        order = self._order(trader, each.market, slot, buys, lots, max(limit, 1), takes_profit)
        if self._matching.submit(order).rests:
            trader.resting.append((each.market, slot, order.nonce))

    def _order(
        self, trader: Trader, market: int, slot: int, buys: bool, lots: int, price: int, reduce_only: bool
    ) -> Order:
        return Order(
            account=trader.account,
            slot=slot,
            nonce=self._venue.nonce(trader.account, slot),
            expiry=min(self._venue.now + 7_200, TIME_MAX),
            market=market,
            buys=buys,
            lots=lots,
            price=price,
            max_fee_ppm=FEE_PPM,
            reduce_only=reduce_only,
            post_only=False,
            authorised=True,
        )

    def _cancel(self, trader: Trader) -> None:
        """Take the oldest resting order back, for good."""
        if trader.resting:
            market, slot, nonce = trader.resting.pop(0)
            if self._matching.cancel(market, trader.account, slot):
                self._venue.apply(Cancel(trader.account, Intent(slot, nonce, TIME_MAX, True)))

    def _compact(self, trader: Trader) -> None:
        slots = self._state.get(Account, trader.account).slots
        if slots >= COMPACT_FROM:
            first = trader.account * POSITION_SLOTS
            empty = [slot for slot in range(slots - 1) if self._state.get(Position, first + slot).size == 0]
            if empty:
                self._venue.apply(Compact(trader.account, empty[0], slots - 1))

    # Money

    def _deposit(self, trader: Trader, amount: int) -> None:
        if self._venue.deposit(trader.account, amount) is None:
            self.deposited += amount

    def _top_up(self, trader: Trader, whole: Whole) -> None:
        amount = whole.health.maintenance + 1
        if trader.parent and self._dice.chance(50):
            intent = self._venue.intent(trader.parent)
            self._venue.apply(Transfer(trader.parent, trader.account, amount, intent))
        elif amount <= trader.deposit:
            self._deposit(trader, amount)

    def _transfer(self, trader: Trader, other: Trader, amount: int) -> None:
        if amount >= 1:
            self._venue.apply(Transfer(trader.account, other.account, amount, self._venue.intent(trader.account)))

    def _withdraw(self, trader: Trader, amount: int) -> None:
        """Ask for money; where the rules make it wait, it is asked for again later."""
        if amount < USD:
            return
        now = self._venue.now
        reason = self._venue.apply(Withdraw(trader.account, amount, self._venue.intent(trader.account)))
        if reason is None:
            self.withdrawals.paid += 1
            self.withdrawals.paid_atoms += amount
        elif reason in DELAYS:
            self.withdrawals.delayed[reason.name] += 1
            self.withdrawals.delayed_atoms += amount
            self._waiting.append(Delayed(trader.account, amount, now, now + RETRY_SECONDS))

    def _retry(self) -> None:
        """Try withdrawals that wait again, each as far as the bucket goes."""
        now = self._venue.now
        self._waiting = [each for each in self._waiting if each.next_try > now or not self._try(each, now)]

    def _try(self, each: Delayed, now: int) -> bool:
        """Try one; True where it no longer waits."""
        each.next_try = now + RETRY_SECONDS
        amount = min(each.amount, self._state.get(Ledger, 0).bucket)
        if amount < 1:
            return False
        reason = self._venue.apply(Withdraw(each.account, amount, self._venue.intent(each.account)))
        if reason is not None:
            self.withdrawals.dropped += reason not in DELAYS
            return reason not in DELAYS
        self.withdrawals.paid_atoms += amount
        each.amount -= amount
        if each.amount:
            return False
        self.withdrawals.paid += 1
        self.withdrawals.served_late += 1
        self.withdrawals.longest_seconds = max(self.withdrawals.longest_seconds, now - each.since)
        return True

    @property
    def waiting(self) -> int:
        """Withdrawals that wait now."""
        return len(self._waiting)


assert INTENT_SLOT > 100 + 64, "orders and intents use different slots"
