"""Random actions on a small exchange: mostly sensible ones, some adversarial, from any source of randomness."""

from random import Random
from typing import Any

import attrs

from perp_reference.core.batch import completed
from perp_spec.perpetual.operations import (
    Backstop,
    Cancel,
    Compact,
    Deleverage,
    EndBatch,
    EscapeClaim,
    EscapePay,
    ForcedReduce,
    ForcedWithdraw,
    Freeze,
    FundingTick,
    Intent,
    Liquidate,
    Mark,
    OpenAccount,
    OracleTick,
    Order,
    PremiumSample,
    RecordProof,
    SetKillSwitch,
    SetKind,
    Socialise,
    Trade,
    Transfer,
    Withdraw,
)
from perp_spec.perpetual.records import (
    FEES,
    FUND,
    Account,
    Exchange,
    Forced,
    Kind,
    MarketPrice,
    Mode,
    OrderSlot,
    Position,
    Request,
)
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS, PPM, WORD_MAX
from support.plain import plain_health, positions_of
from support.worlds import FOREVER, World, report, tick

OWNERS = {2: 1_002, 3: 1_002, 4: 1_004, 5: 1_005, 6: 1_006, 7: 1_007, 8: 1_008, 9: 1_009, 10: 1_002, 11: 1_004}
"""Owner of each account of the cast: 2, 3 and 10 have the same, and 4 and 11."""

PORTFOLIOS = (5, 8)
CHILDREN = {10: (2, 0), 11: (4, 1)}
"""Parent and market of the isolated accounts."""

USERS = tuple(OWNERS)
TRADERS = tuple(number for number in USERS if number not in CHILDREN)
SIZES = (1, 2, 3, 7, 10, 25, 50, 100, 250, 1_000)


class Actions:
    """What may happen next, drawn from `rng`; the world remembers nothing but its state and the live orders.

    Attributes:
        prices: What each market is really worth; families report something near it, or lie.
        orders: Orders that were used and may be used again.
    """

    def __init__(self, world: World, rng: Random) -> None:
        self.world = world
        self.rng = rng
        self.markets = len(world.state.markets)
        self.families = world.state.parameters.families
        self.prices = [rng.choice((60, 100, 333, 1_000)) for _ in range(self.markets)]
        self.orders: list[Order] = []

    def chance(self, percent: int) -> bool:
        """True so often."""
        return self.rng.randint(1, 100) <= percent

    # The beginning

    def opening(self) -> list[Any]:
        """Accounts, prices; deposits are made one at a time, since each names the chain before it."""
        found: list[Any] = []
        for number, owner in OWNERS.items():
            parent, market = CHILDREN.get(number, (0, 0))
            kind = Kind.PORTFOLIO if number in PORTFOLIOS else Kind.ISOLATED if parent else Kind.CROSS
            found.append(OpenAccount(number, owner, kind, parent, market, FOREVER, authorised=True))
        found += [tick(market, *[price] * self.families) for market, price in enumerate(self.prices)]
        return found

    def funding(self) -> list[tuple[int, int]]:
        """First deposits: account and amount."""
        amounts = (0, 500, 3_000, 20_000, 20_000)
        return [(number, self.rng.choice(amounts)) for number in (FUND, *USERS)]

    # Choices

    def user(self) -> int:
        """Some user's account; rarely one that is not there, or a reserved one."""
        if self.chance(2):
            return self.rng.choice((FUND, FEES, 77))
        return self.rng.choice(TRADERS + TRADERS + USERS)

    def market(self) -> int:
        """Some market; rarely one that is not configured."""
        return self.markets if self.chance(1) else self.rng.randrange(self.markets)

    def holder(self, among: tuple[int, ...] = (FUND, *USERS)) -> tuple[int, int, Position] | None:
        """Some position: account, slot, position."""
        found = [
            (number, slot, position) for number in among for slot, position in positions_of(self.world.state, number)
        ]
        return self.rng.choice(found) if found else None

    def slot(self, account: int, market: int) -> int:
        """The position slot that an operation of this account on this market must name; rarely another."""
        if self.chance(3):
            return self.rng.randrange(POSITION_SLOTS)
        return right_slot(self.world, account, market)

    def lots(self, most: int = 1_000) -> int:
        """Some number of lots."""
        if self.chance(2):
            return self.rng.choice((0, -1, 2_000, WORD_MAX))
        return self.rng.choice([size for size in SIZES if size <= max(most, 1)] + [max(most, 1)])

    def price(self, market: int, spread_ppm: int) -> int:
        """A price near the health price."""
        price = self.world.get(MarketPrice, market).price
        if self.chance(2):
            return self.rng.choice((0, -5, 5_000))
        distance = price * spread_ppm // PPM
        return price + self.rng.randint(-distance, distance)

    def intent(self, account: int) -> Intent:
        """A signed intent, rarely a bad one."""
        slot = self.rng.choice((0, 0, 1, 2))
        stored = self.world.get(OrderSlot, account * ORDER_SLOTS + slot).nonce
        nonce = max(stored + self.rng.choice((0, 0, 0, 1, 5, -1)), 0)
        return Intent(slot, nonce, self.rng.choice((FOREVER, FOREVER, FOREVER, self.world.now - 1)), not self.chance(2))

    def order(self, account: int, buys: bool, market: int, lots: int, price: int) -> Order:
        """An order that fits, most often; new, or one used before."""
        old = [known for known in self.orders if (known.account, known.buys, known.market) == (account, buys, market)]
        if old and self.chance(15):
            return self.rng.choice(old)
        slot = self.rng.choice((1, 2, 3))
        stored = self.world.get(OrderSlot, account * ORDER_SLOTS + slot)
        better = self.rng.choice((0, 1, 10, 50, 50, 50))
        made = Order(
            account=account,
            slot=slot,
            nonce=max(
                stored.nonce + (1 if stored.filled else 0) + (self.rng.choice((2, -1)) if self.chance(4) else 0), 0
            ),
            expiry=FOREVER if self.chance(99) else self.world.now - 1,
            market=market if self.chance(98) else 0,
            buys=buys if self.chance(99) else not buys,
            lots=lots - 1 if self.chance(2) else min(lots + self.rng.choice((0, 0, 1, lots)), WORD_MAX),
            price=price + better if buys else price - better,
            max_fee_ppm=PPM if self.chance(97) else 0,
            reduce_only=self.chance(3),
            post_only=self.chance(3),
            authorised=self.chance(99),
        )
        self.orders.append(made)
        return made

    # Money and accounts

    def deposit(self) -> Any:
        """A deposit, sometimes one to return."""
        account = self.user()
        amount = self.rng.choice((0, -3, 10**9, WORD_MAX)) if self.chance(8) else self.rng.randint(1, 20_000)
        key = 5 if self.chance(5) else None
        return completed(self.world.state, self.world.deposit(account, amount, key))

    def amount_of(self, account: int) -> int:
        """An amount that may just leave an account, or not."""
        known = plain_health(self.world.state, account)
        free = known.equity - known.initial
        edge = [free, free + 1, known.equity, known.equity - 2 * known.initial, free // 2]
        return self.rng.choice([*[max(value, 1) for value in edge], self.rng.randint(-1, 3_000)])

    def withdraw(self) -> Any:
        """A withdrawal."""
        account = self.rng.choice((FEES, *USERS, *USERS)) if self.chance(95) else self.user()
        return Withdraw(account, self.amount_of(account), self.intent(account))

    def transfer(self) -> Any:
        """A transfer."""
        sender, recipient = self.user(), self.user()
        return Transfer(sender, recipient, self.amount_of(sender), self.intent(sender))

    def open_account(self) -> Any:
        """A new account, most often with something wrong."""
        number = self.rng.choice((0, 1, 2, 12, 13, 14, 15))
        isolated = self.chance(50)
        return OpenAccount(
            number,
            self.rng.choice((0, 1_002, 1_020)),
            Kind.ISOLATED if isolated else self.rng.choice((0, 1, 1, 3, 4)),
            parent=self.rng.choice((0, 1, 2, 3, 10, 55)) if isolated else self.rng.choice((0, 0, 0, 2)),
            market=self.market() if isolated else 0,
            expiry=FOREVER if self.chance(95) else 5,
            authorised=self.chance(95),
        )

    def set_kind(self) -> Any:
        """A change of kind."""
        account = self.user()
        return SetKind(account, self.rng.choice((1, 1, 3, 3, 2, 0)), self.intent(account))

    def cancel(self) -> Any:
        """A cancellation."""
        account = self.user()
        return Cancel(account, self.intent(account))

    def compact(self) -> Any:
        """A compaction: of a hole if there is one."""
        account = self.rng.choice((FUND, *USERS))
        slots = self.world.get(Account, account).slots
        taken = {slot for slot, _ in positions_of(self.world.state, account)}
        holes = [slot for slot in range(slots) if slot not in taken] or [0]
        hole = self.rng.choice(holes) if self.chance(80) else self.rng.randrange(POSITION_SLOTS)
        top = max(slots - 1, 0) if self.chance(90) else self.rng.randrange(POSITION_SLOTS)
        return Compact(account, hole if hole != top or self.chance(30) else (top + 1) % POSITION_SLOTS, top)

    # Trading and the waterfall

    def fees(self) -> tuple[int, int]:
        """Fee rates of two sides."""
        if self.chance(4):
            return self.rng.choice(((100, -200), (2_001, 0), (0, -1)))
        return self.rng.choice(((0, 0), (500, -200), (2_000, 0), (2_000, 2_000), (-500, 500)))

    def trade(self) -> Any:
        """A trade."""
        market = self.market()
        buyer, seller = self.pair()
        price = self.price(market, self.rng.choice((0, 0, 10_000, 10_000, 50_000, 60_000)))
        lots = self.lots(self.affordable(buyer, seller, price))
        buyer_fee, seller_fee = self.fees()
        return Trade(
            market=market,
            lots=lots,
            price=price,
            taker_buys=self.chance(50),
            buyer=self.order(buyer, True, market, lots, price),
            seller=self.order(seller, False, market, lots, price),
            buyer_slot=self.slot(buyer, market),
            seller_slot=self.slot(seller, market),
            buyer_fee_ppm=buyer_fee,
            seller_fee_ppm=seller_fee,
        )

    def pair(self) -> tuple[int, int]:
        """Two accounts, most often of two owners and free to trade."""
        if self.chance(4):
            return self.user(), self.user()
        among = USERS if self.chance(30) else TRADERS
        first = self.rng.choice(among)
        second = self.rng.choice([number for number in among if OWNERS[number] != OWNERS[first]])
        return first, second

    def affordable(self, first: int, second: int, price: int) -> int:
        """Roughly the lots that both can hold, or a little more."""
        free: list[int] = []
        for number in (first, second):
            known = plain_health(self.world.state, number)
            free.append(max(known.equity - known.initial, 0))
        return max(min(free) * self.rng.choice((1, 5, 10, 20)) // max(price, 1), 1)

    def weak_holder(self) -> tuple[int, int, Position] | None:
        """Some position, most often of an account below its maintenance margin."""
        weak = [
            number
            for number in (FUND, *USERS)
            if (known := plain_health(self.world.state, number)).equity < known.maintenance
        ]
        return self.holder(tuple(weak) if weak and self.chance(90) else (FUND, *USERS))

    def close_lots(self, position: Position) -> int:
        """Lots to close: the edges of what a step may be."""
        size = abs(position.size)
        cap = -(-size // 5)
        return self.rng.choice((size, size, cap, -(-cap // 2), -(-cap // 4), 1, self.lots(size), min(size, 10)))

    def liquidate(self) -> Any:
        """A liquidation."""
        found = self.weak_holder()
        if found is None:
            return None
        account, slot, position = found
        market, lots = position.market, self.close_lots(position)
        price, taker = self.price(market, self.rng.choice((0, 0, 10_000, 20_000, 25_000))), self.user()
        return Liquidate(
            account=account,
            slot=slot if self.chance(98) else 0,
            market=market,
            lots=lots,
            price=price,
            fee_ppm=self.rng.choice((5_001, -1)) if self.chance(4) else self.rng.choice((0, 0, 5_000)),
            taker=self.order(taker, position.size > 0, market, lots, price),
            taker_slot=self.slot(taker, market),
            taker_fee_ppm=2_001 if self.chance(4) else self.rng.choice((0, 500, 2_000)),
        )

    def backstop(self) -> Any:
        """A takeover by the fund."""
        found = self.weak_holder()
        if found is None:
            return None
        account, slot, position = found
        return Backstop(account, slot, position.market, self.close_lots(position), self.slot(FUND, position.market))

    def deleverage(self) -> Any:
        """A deleverage against somebody, most often with an opposite position."""
        found = self.weak_holder()
        if found is None:
            return None
        account, slot, position = found
        others = opposite_holders(self.world, account, position)
        other = self.rng.choice(others)[0] if others and self.chance(95) else self.user()
        most = min(abs(position.size), *(abs(size) for number, size in others if number == other), 10**6)
        return Deleverage(
            account=account,
            slot=slot,
            counterparty=other,
            counterparty_slot=self.slot(other, position.market),
            market=position.market,
            lots=self.rng.choice((1, most, most, self.lots(most))),
            fund_slot=self.slot(FUND, position.market),
        )

    def socialise(self) -> Any:
        """A socialised loss, of a bankrupt account if there is one."""
        state = self.world.state
        bankrupt = [
            n for n in (FUND, *USERS) if self.world.get(Account, n).collateral < 0 and not positions_of(state, n)
        ]
        account = self.rng.choice(bankrupt) if bankrupt and self.chance(90) else self.rng.choice((FEES, *USERS, 77))
        closed = max(self.world.get(Account, account).closed_market - 1, 0)
        return Socialise(account, closed if self.chance(95) else self.market())

    # Ticks

    def oracle_tick(self) -> Any:
        """Reports of an honest, lying or silent oracle, on a price that creeps or jumps."""
        market = self.rng.randrange(self.markets)
        moves = (0, 2_000, -2_000, 5_000, -5_000, 30_000, -30_000)
        crashes = (-90_000, 110_000, -250_000, 300_000, -600_000)
        price = self.move(market, self.rng.choice(crashes if self.chance(15) else moves))
        said: list[int | None] = [price] * self.families
        for family in range(self.families):
            if self.chance(7):
                lies = (
                    None,
                    None,
                    price * 102 // 100,
                    price * 9 // 10,
                    price // 2 + 1,
                    min(price * 2, 4_096),
                    1,
                    4_096,
                )
                said[family] = self.rng.choice(lies)
        operation = tick(market, *[price if price is None else min(price, 4_096) for price in said])
        return self.spoiled(operation) if self.chance(6) else operation

    def move(self, market: int, ppm: int) -> int:
        """Move what a market is worth; returns it."""
        self.prices[market] = min(max(self.prices[market] * (PPM + ppm) // PPM, 2), 4_096)
        return self.prices[market]

    def calm(self, ppm: int) -> list[OracleTick]:
        """A tick of every market on which all families agree, each price moved a little."""
        moves = [self.rng.randint(-ppm, ppm) for _ in range(self.markets)]
        return [tick(market, *[self.move(market, moved)] * self.families) for market, moved in enumerate(moves)]

    def spoiled(self, operation: OracleTick) -> OracleTick:
        """The tick with something malformed."""
        first = operation.reports[0]
        bad = self.rng.choice(
            (
                report(5, 6),
                attrs.evolve(first, median=first.median + 1),
                attrs.evolve(first, signers=(1, 0, 2, 0, 0, 0, 0, 0)),
                attrs.evolve(report(5, 5, 5), values=(5, 5, 5_000, 0, 0, 0, 0, 0)),
            )
        )
        if self.chance(30):
            return attrs.evolve(operation, authorised=False)
        return attrs.evolve(operation, reports=(bad, *operation.reports[1:]))

    def mark(self) -> Any:
        """The state of the order book, sometimes a lie."""
        market = self.market()
        bid, last = self.price(market, 300_000), self.price(market, 300_000)
        return Mark(market, bid, bid + self.rng.choice((0, 1, 5, -1)), last)

    def premium_sample(self) -> Any:
        """A premium sample."""
        market = self.market()
        bid = self.price(market, 20_000)
        return PremiumSample(market, bid, bid + self.rng.choice((0, 1, 5, -1)))

    def funding_tick(self) -> Any:
        """A funding tick."""
        return FundingTick(self.market())

    # The exchange

    def record_proof(self) -> Any:
        """A proof of some batch."""
        number = self.world.get(Exchange).number
        return RecordProof(max(number - self.rng.choice((0, 1, 1, 2, 30)), 0))

    def set_kill_switch(self) -> Any:
        """Governance; most often it switches back."""
        mode = self.rng.choice((Mode.NORMAL,) * 6 + (Mode.THROTTLE, Mode.REDUCE_ONLY, Mode.HALT, Mode.AUCTION, 9))
        return SetKillSwitch(self.market(), self.chance(50), mode, self.intent(FUND))

    def end_batch(self) -> Any:
        """The end of a batch: with the least mode, or stricter, or looser."""
        operation = completed(self.world.state, EndBatch())
        if self.chance(90):
            return operation
        return EndBatch(self.rng.choice((0, 1, 2, 3, 4)))

    def seconds(self) -> int:
        """How far time jumps."""
        if self.chance(90):
            return self.rng.choice((0, 10, 10, 30, 60, 60, 60))
        return self.rng.choice((1, 121, 600, 1_300, 3_600, 90_000))

    # Forced actions and escape

    def request_forced(self) -> Any:
        """A forced request, sometimes one to refuse."""
        account = self.user()
        key = 5 if self.chance(5) else None
        found = self.holder((account,)) if self.chance(80) else None
        if found is not None and self.chance(70):
            market, kind, amount = found[2].market, Forced.REDUCE, self.lots(abs(found[2].size))
        else:
            market, kind, amount = self.market(), self.rng.choice((1, 1, 1, 2, 0, 3)), self.amount_of(account)
        posted = max(self.world.now + self.rng.choice((0, 0, 0, 0, -10, -600, -90_000, 30)), 0)
        return completed(self.world.state, self.world.request(account, kind, amount, market, key, posted=posted))

    def requester(self, kind: int) -> int:
        """Some account with a forced request."""
        found = [n for n in USERS if self.world.get(Request, n).kind == kind]
        return self.rng.choice(found) if found and self.chance(97) else self.user()

    def forced_withdraw(self) -> Any:
        """The answer to a forced withdrawal."""
        operation = completed(self.world.state, ForcedWithdraw(self.requester(Forced.WITHDRAW)))
        return operation if self.chance(95) else ForcedWithdraw(operation.account, self.rng.choice((0, 55, 200)))

    def forced_reduce(self) -> Any:
        """An answer to a forced reduction, in one of its ways."""
        account = self.requester(Forced.REDUCE)
        request = self.world.get(Request, account)
        slot = self.slot(account, request.market)
        position = self.world.get(Position, account * POSITION_SLOTS + slot)
        market = position.market if position.size else request.market
        others = opposite_holders(self.world, account, position)
        path = self.rng.choice((0, 0, 1, 2, 2))
        other = FUND if path == 1 else self.user()
        if path == 2 and others:
            other = self.rng.choice(others)[0]
        lots = self.rng.choice((1, min(request.amount, abs(position.size)), self.lots(abs(position.size))))
        price = self.price(market, 20_000)
        return completed(
            self.world.state,
            ForcedReduce(
                account=account,
                slot=slot,
                market=market,
                lots=lots,
                path=path,
                counterparty=other,
                counterparty_slot=self.slot(other, market),
                order=self.order(other, position.size > 0, market, lots, price),
                fund_slot=self.slot(FUND, market),
            ),
        )

    def freeze(self) -> Any:
        """Somebody freezes, if a request is overdue."""
        return Freeze(self.rng.choice([n for n in USERS if self.world.get(Request, n).kind] or [2]))

    def escape_claim(self) -> Any:
        """A claim."""
        return EscapeClaim(self.user())

    def escape_pay(self) -> Any:
        """A payment of a claim."""
        operation = completed(self.world.state, EscapePay(self.user()))
        return operation if self.chance(95) else attrs.evolve(operation, amount=operation.amount + 1)


WEIGHTS = {
    "trade": 30,
    "liquidate": 10,
    "backstop": 6,
    "deleverage": 6,
    "socialise": 3,
    "oracle_tick": 22,
    "mark": 4,
    "premium_sample": 3,
    "funding_tick": 4,
    "deposit": 3,
    "withdraw": 5,
    "transfer": 4,
    "open_account": 1,
    "set_kind": 2,
    "cancel": 1,
    "compact": 3,
    "record_proof": 2,
    "set_kill_switch": 1,
    "request_forced": 3,
    "forced_withdraw": 3,
    "forced_reduce": 6,
    "freeze": 1,
    "escape_claim": 1,
    "escape_pay": 1,
    "end_batch": 4,
    "time": 8,
    "calm": 12,
    "hour": 2,
}
"""How often each action is tried, where nothing else chooses."""


def right_slot(world: World, account: int, market: int) -> int:
    """The slot where an account holds a market, else its first free one, else 0."""
    taken = {slot: position.market for slot, position in positions_of(world.state, account)}
    for slot, held in taken.items():
        if held == market:
            return slot
    return next((slot for slot in range(POSITION_SLOTS) if slot not in taken), 0)


def opposite_holders(world: World, account: int, position: Position) -> list[tuple[int, int]]:
    """Who holds the other side of a position: account and size."""
    return [
        (number, held.size)
        for number in holders(world)
        for _, held in positions_of(world.state, number)
        if number != account and held.market == position.market and held.size * position.size < 0
    ]


def holders(world: World) -> list[int]:
    """The accounts that hold positions."""
    return sorted({key // POSITION_SLOTS for key in world.state.tables[Position]})
