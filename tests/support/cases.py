"""Random states and operations of the perpetual exchange, and the integers and the recorded program run on them."""

from dataclasses import dataclass
from random import Random
from typing import Any

import attrs

from perp_hash.digest import Tag, hash_words
from perp_proofs.program.interpreter import Refused, Run
from perp_proofs.program.listing import BIT, Program
from perp_proofs.program.shapes import CLASSES, CONFIG, RECORDS, build, flat
from perp_reference.core.machine import Machine, rule_of
from perp_reference.core.state import SLOTS_OF, OutOfRangeError, State
from perp_spec.language import Rejected
from perp_spec.perpetual import operations as ops
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.config import Config, with_bracket_margins
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.health import settle_whole
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FIRST_USER,
    FUND,
    Account,
    Claim,
    Exchange,
    Forced,
    Kind,
    Ledger,
    MarketBook,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Path,
    Position,
    Queue,
    Request,
)
from perp_spec.perpetual.rules.forced import FORCED_ENTRY
from perp_spec.perpetual.rules.money import DEPOSIT_ENTRY
from perp_spec.words import AMOUNT_MAX, DAY, PPM, Field, Unit, fields_of

MARKETS = 4
USERS = 4
OPERATIONS = sorted(PERPETUAL.rules)
NOW = 1_800_000_000
NONCE = 5
STORED_SLOTS = 3


class StateMemory:
    """A state of the integer machine as the memory of a program."""

    def __init__(self, state: State) -> None:
        self.state = state

    def load(self, record: str, key: tuple[int, ...]) -> list[int]:
        return [int(leaf) for leaf in flat(self.state.get(CLASSES[record], self.place(record, key)))]

    def store(self, record: str, key: tuple[int, ...], fields: Any) -> None:
        types = [leaf.type for leaf in RECORDS[record].fields]
        leaves = (bool(value) if kind == BIT else value for kind, value in zip(types, fields, strict=True))
        self.state.put(CLASSES[record], self.place(record, key), build(CLASSES[record], leaves))

    def config(self, record: str, key: tuple[int, ...]) -> list[int]:
        return flat(self.state.market(*key) if CONFIG[CLASSES[record]] else self.state.parameters)

    @staticmethod
    def place(record: str, key: tuple[int, ...]) -> int:
        place = 0
        for part in key:
            place = place * SLOTS_OF.get(CLASSES[record], 0) + part
        return place


class Records:
    """Records by name and key as the memory of a program; those that are not there are all zeros.

    Attributes:
        stored: Which were stored, in order.
    """

    def __init__(self, program: Program, records: dict[tuple[str, tuple[int, ...]], list[int]]) -> None:
        self.program = program
        self.records = records
        self.stored: list[tuple[str, tuple[int, ...]]] = []

    def load(self, record: str, key: tuple[int, ...]) -> list[int]:
        zeros = [0] * len(self.program.records[record].fields)
        return self.records.get((record, key), zeros)

    def store(self, record: str, key: tuple[int, ...], fields: Any) -> None:
        self.records[record, key] = list(fields)
        self.stored.append((record, key))

    def config(self, record: str, key: tuple[int, ...]) -> list[int]:
        return self.load(record, key)


@dataclass
class Outcome:
    """What became of an operation: "accepted", a reason's code, or "out of range"; and all records afterwards."""

    result: str | int
    tables: dict[type[Any], dict[int, Any]]


def run_ints(state: State, operation: Any) -> Outcome:
    """Run the integer machine on a copy of the state."""
    copy = state.copy()
    try:
        Machine(copy).apply(operation)
    except Rejected as rejected:
        return Outcome(int(rejected.reason), state.tables)
    except OutOfRangeError:
        return Outcome("out of range", state.tables)
    return Outcome("accepted", copy.tables)


def run_program(program: Program, state: State, operation: Any) -> tuple[Outcome, Run]:
    """Run the recorded program on a copy of the state."""
    copy = state.copy()
    run = Run(program, StateMemory(copy))
    try:
        run.operation(rule_of(operation).name, [int(leaf) for leaf in flat(operation)])
    except Refused as refused:
        return Outcome(refused.reason, state.tables), run
    except OutOfRangeError:
        return Outcome("out of range", state.tables), run
    return Outcome("accepted", copy.tables), run


# States


def near(random: Random, value: int, part: float) -> int:
    """A number near another one."""
    return int(value * (1 + random.uniform(-part, part)))


def price_record(random: Random, state: State, number: int) -> MarketPrice:
    """A market's price, most often fresh."""
    own = state.markets[number]
    usual = [random.randrange(min(1_000, own.max_price // 2), min(2**24, own.max_price)) for _ in range(4)]
    price = random.choice((1, random.randrange(1, 200), *usual, own.max_price))
    bound = own.max_price * PPM
    moved = random.choice((0, 1, price * 1_000, bound))
    return MarketPrice(
        price=price,
        index=min(max(near(random, price, random.choice((0.0, 0.01, 0.2))), 1), own.max_price),
        funding_index=random.choice((0, moved, -moved, random.randint(-moved, moved))),
        loss_index=random.choice((0, 0, random.randint(0, moved))),
        buffer_long_ppm=random.choice((300, 30_000)),
        buffer_short_ppm=random.choice((300, 30_000)),
        level=random.choice((0, 0, 0, 0, 1, 2)),
        gap=random.random() < 0.3,
        ticked_at=NOW - random.choice((0, 5, 10, 60, 120, 121, 5_000)),
        blind_since=random.choice((0, 0, NOW - 1_800, NOW - 1_801)),
        mode=random.choice((0, 0, 0, 0, 2)),
        switch=random.choice((0, 0, 0, 0, 0, 1, 2, 4)),
    )


def oracle_record(random: Random, price: MarketPrice) -> MarketOracle:
    """What the ticks of a market read."""
    samples = random.choice((0, 44, 45, 60))
    return MarketOracle(
        average=random.choice((0, price.index, near(random, price.index, 0.2))),
        book=random.choice((0, near(random, price.index, 0.02))),
        premium=near(random, random.choice((0, price.index // 100)), 1.0),
        marked_at=NOW - random.randrange(400),
        good_ticks=random.choice((0, 8, 9, 10)),
        premium_sum=random.randint(-5_000, 5_000) * samples,
        samples=samples,
        sampled_at=NOW - random.choice((0, 59, 60, 100)),
        funded_at=NOW - random.choice((3_599, 3_600, 9_000)),
        values=tuple(near(random, price.index, 0.01) for _ in range(4)),
        reported_at=tuple(NOW - random.choice((0, 100, 120, 121)) for _ in range(4)),
    )


def random_position(random: Random, state: State, market: int) -> Position:
    """A position whose settling is of some size."""
    price = state.get(MarketPrice, market)
    largest = state.markets[market].max_size
    size = random.choice((1, random.randrange(1, 1_000), random.randrange(1, largest + 1), largest))
    farthest = 2 * state.markets[market].max_price * PPM
    far = random.choice((0, 1, -999_999, random.randint(-(10**12), 10**12), farthest, -farthest))
    snapshot = min(max(price.funding_index + far, -farthest), farthest)
    return Position(market, random.choice((-1, 1)) * size, snapshot)


class Scene(State):
    """A state that is being filled."""

    def held_by(self, account: Account, number: int) -> Any:
        """The positions of an account that is not stored yet."""
        self.put(Account, number, account)
        return self.held(number)


def fill_account(random: Random, state: Scene, number: int, kind: int, owner: int) -> None:
    """An account with some positions, and a collateral that puts its health somewhere interesting."""
    markets = random.sample(range(MARKETS), random.randrange(MARKETS))
    if kind == Kind.ISOLATED:
        markets = markets[:1]
    slots = 0
    for market in markets:
        slots += random.choice((0, 0, 0, 1))
        state.put(Position, number * 16 + slots, random_position(random, state, market))
        slots += 1
    slots += random.choice((0, 0, 0, 0, 1))
    market = markets[0] if markets and kind == Kind.ISOLATED else 0
    parent = FIRST_USER if kind == Kind.ISOLATED else 0
    waited = NOW - random.choice((0, 59, 60, 10_000))
    account = Account(kind, owner, parent, market, 0, slots, waited, random.randrange(MARKETS + 1))
    side = settle_whole(state.parameters, NOW, 0, account, state.held_by(account, number))
    part = random.choice((-1.0, -0.1, 0.0, 0.3, 0.66, 0.9, 1.0, 1.0, 1.5, 2.5, 10.0, 10.0, 10.0))
    wanted = int(side.health.maintenance * part) + random.choice((-1, 0, 1, 0)) + random.choice((0, 0, 10**9))
    collateral = random.choice((wanted - side.health.equity,) * 19 + (2**61, -(2**61)))
    state.put(Account, number, attrs.evolve(account, collateral=min(max(collateral, -(2**62)), 2**62)))


def small_config() -> Config:
    """Markets of small prices and sizes, where every bracket of the margin is reached by a few lots."""
    config = default_config(MARKETS)
    entries = tuple(
        attrs.evolve(
            entry,
            market=with_bracket_margins(
                attrs.evolve(entry.market, max_price=2**12, max_size=2**12, bracket_2=2_000, bracket_3=10_000)
            ),
        )
        for entry in config.markets
    )
    return attrs.evolve(config, markets=entries)


CONFIGS: list[Config] = [default_config(MARKETS), small_config()]


def random_state(random: Random) -> Scene:
    """A state with a few accounts that hold positions."""
    state = Scene(random.choice(CONFIGS))
    frozen = random.random() < 0.08
    state.put(
        Exchange,
        0,
        Exchange(
            number=100,
            time=NOW,
            mode=random.choice((0, 0, 0, 0, 0, 1, 2, 4)),
            switch=random.choice((0, 0, 0, 0, 0, 1, 2)),
            proven=random.choice((98, 99, 10)),
            window=NOW // 600 - random.choice((0, 0, 1, 2)),
            window_mode=random.choice((0, 0, 1)),
            window_previous=random.choice((0, 0, 2)),
            fund_day=NOW // DAY - random.choice((0, 1)),
            fund_reference=random.choice((0, 10**12)),
            frozen_at=NOW - random.choice((0, 30 * DAY, 31 * DAY)) if frozen else 0,
            escape_vault=10**13 if frozen else 0,
        ),
    )
    state.put(
        Ledger,
        0,
        Ledger(
            vault=random.choice((0, 10**12, 10**16, AMOUNT_MAX)),
            dust=random.choice((0, 1, 999_999)),
            fund_inbox=random.choice((0, 10**9)),
            fees_inbox=random.choice((0, 10**9)),
            bankrupt=20,
            bucket=random.choice((0, 10**9, 10**15)),
            bucket_at=NOW - random.choice((0, 100, 10**6)),
            claims=random.choice((0, 10**12, 10**15)),
        ),
    )
    state.put(Queue, 0, Queue(7, hash_words(Tag.QUEUE, (0, 0), (1,))))
    for number in range(MARKETS):
        price = price_record(random, state, number)
        state.put(MarketPrice, number, price)
        state.put(MarketOracle, number, oracle_record(random, price))
        interest = random.choice((2**28, 2**29, 2**29, 2**30))
        state.put(
            MarketBook,
            number,
            MarketBook(
                open_interest=interest,
                window_open_interest=interest,
                window_liquidated=random.choice((0, interest // 12)),
                loss_day=NOW // DAY - random.choice((0, 1)),
                loss_today=random.choice((0, price.price * 1_000)),
            ),
        )
    fill_account(random, state, 0, Kind.CROSS, 0)
    fill_account(random, state, 1, Kind.CROSS, 77)
    for number in range(FIRST_USER, FIRST_USER + USERS):
        kind = random.choice((Kind.CROSS, Kind.CROSS, Kind.ISOLATED, Kind.PORTFOLIO))
        fill_account(random, state, number, kind, 1_000 + number // random.choice((1, 1, 2)))
        for slot in range(STORED_SLOTS):
            state.put(OrderSlot, number * 4096 + slot, OrderSlot(NONCE, random.choice((0, 1, 10))))
        if random.random() < 0.6:
            state.put(Request, number, random_request(random))
    state.commit()
    return state


def random_request(random: Random) -> Request:
    """A forced request, or an escape claim."""
    claimed = random.choice((Claim.NONE, Claim.CLAIMED))
    return Request(
        kind=random.choice((Forced.NONE, Forced.WITHDRAW, Forced.REDUCE)),
        market=random.randrange(MARKETS),
        amount=random.choice((1, 10**6, 10**12)),
        deadline=NOW + random.choice((-1, 0, 10**5)),
        claim=random.choice((0, 10**9)) if claimed else 0,
        claimed=claimed,
    )


# Operations


class Maker:
    """Makes operations that have a chance."""

    def __init__(self, random: Random, state: State) -> None:
        self.random = random
        self.state = state

    def user(self) -> int:
        return self.random.choice(
            (*range(FIRST_USER, FIRST_USER + USERS), *range(FIRST_USER, FIRST_USER + USERS), 0, 1)
        )

    def two(self) -> list[int]:
        return self.random.sample(range(FIRST_USER, FIRST_USER + USERS), 2)

    def held(self, account: int) -> tuple[int, int]:
        """A slot with a position of an account, and its market; any where it has none."""
        slots = self.state.get(Account, account).slots
        found = [slot for slot in range(slots) if self.state.get(Position, account * 16 + slot).size]
        slot = self.random.choice(found) if found else 0
        return slot, self.state.get(Position, account * 16 + slot).market

    def slot(self, account: int, market: int) -> int:
        """The slot an account holds a market in, else a free one."""
        slots = self.state.get(Account, account).slots
        positions = [self.state.get(Position, account * 16 + slot) for slot in range(slots)]
        holding = [slot for slot, position in enumerate(positions) if position.size and position.market == market]
        free = [slot for slot, position in enumerate(positions) if not position.size]
        return (holding or free or [slots])[0]

    def price(self, market: int) -> int:
        price = self.state.get(MarketPrice, market).price
        return max(near(self.random, price, self.random.choice((0.0, 0.0, 0.001, 0.005, 0.02))), 1)

    def lots(self, most: int) -> int:
        choices = (most, max(most // 2, 1), max(most // 5, 1), self.random.randint(1, max(most, 1)), 1)
        return max(self.random.choice(choices), 1)

    def size(self, account: int, slot: int) -> int:
        return abs(self.state.get(Position, account * 16 + slot).size)

    def intent(self) -> ops.Intent:
        nonce = NONCE + self.random.choice((0, 0, 1, -1))
        return ops.Intent(self.random.randrange(STORED_SLOTS), nonce, NOW + self.random.choice((0, 100)), True)

    def order(self, account: int, market: int, buys: bool, lots: int, price: int) -> ops.Order:
        loose = price * 2 if buys else 1
        return ops.Order(
            account,
            self.random.randrange(STORED_SLOTS),
            NONCE + self.random.choice((0, 1, 1)),
            NOW + 100,
            market,
            buys,
            lots + 20,
            self.random.choice((price, loose)),
            self.random.choice((0, 2_000, 2_000, 2_000)),
            self.random.random() < 0.05,
            self.random.random() < 0.05,
            True,
        )

    def key(self, account: int) -> int:
        return self.state.get(Account, account).owner

    def code(self) -> int:
        return self.random.choice((0, 0, *(int(reason) for reason in Reason)))

    def deposit(self) -> ops.Deposit:
        account, amount = self.user(), self.random.choice((1, 10**9, AMOUNT_MAX, 0))
        queue, key = self.state.get(Queue, 0), self.key(account)
        chain = hash_words(Tag.QUEUE, (queue.chain, key), (DEPOSIT_ENTRY, account, amount))
        return ops.Deposit(queue.position, chain, account, key, amount, 0)

    def request_forced(self) -> ops.RequestForced:
        account, amount, kind = self.user(), self.random.choice((1, 10**9)), self.random.choice((1, 2))
        market, queue, key = self.random.randrange(MARKETS), self.state.get(Queue, 0), self.key(account)
        posted = NOW - self.random.choice((0, 0, 600, 10**8, -60))
        chain = hash_words(Tag.QUEUE, (queue.chain, key), (FORCED_ENTRY, account, amount, kind, market, posted))
        return ops.RequestForced(queue.position, chain, account, key, kind, market, amount, posted, 0)

    def withdraw(self) -> ops.Withdraw:
        return ops.Withdraw(self.user(), self.random.choice((1, 10**6, 10**9)), self.intent())

    def transfer(self) -> ops.Transfer:
        return ops.Transfer(self.user(), self.user(), self.random.choice((1, 10**6, 10**9)), self.intent())

    def open_account(self) -> ops.OpenAccount:
        kind = self.random.choice((Kind.CROSS, Kind.ISOLATED, Kind.PORTFOLIO))
        parent = self.random.randrange(FIRST_USER, FIRST_USER + USERS) if kind == Kind.ISOLATED else 0
        owner = self.key(parent) if parent else 4_444
        market = self.random.randrange(MARKETS) if parent else 0
        return ops.OpenAccount(self.random.choice((100, 5_000)), owner, kind, parent, market, NOW, True)

    def set_kind(self) -> ops.SetKind:
        return ops.SetKind(self.user(), self.random.choice((Kind.CROSS, Kind.PORTFOLIO)), self.intent())

    def cancel(self) -> ops.Cancel:
        return ops.Cancel(self.user(), self.intent())

    def compact(self) -> ops.Compact:
        account = self.user()
        slots = self.state.get(Account, account).slots
        empty = [at for at in range(slots) if not self.state.get(Position, account * 16 + at).size]
        return ops.Compact(account, self.random.choice(empty or [0, 1]), max(slots - 1, 0))

    def trade(self) -> ops.Trade:
        buyer, seller = self.two()
        slot, market = self.held(self.random.choice((buyer, seller)))
        lots = self.lots(self.size(buyer, slot) or 100)
        price = self.price(market)
        fees = self.random.choice(((0, 0), (500, -200), (2_000, 0), (-100, 100)))
        return ops.Trade(
            market,
            lots,
            price,
            self.random.random() < 0.5,
            self.order(buyer, market, True, lots, price),
            self.order(seller, market, False, lots, price),
            self.slot(buyer, market),
            self.slot(seller, market),
            *fees,
        )

    def liquidate(self) -> ops.Liquidate:
        account, taker = self.random.choice((self.two(), [0, self.user()]))
        slot, market = self.held(account)
        position = self.state.get(Position, account * 16 + slot)
        lots, price = self.lots(abs(position.size)), self.price(market)
        order = self.order(taker, market, position.size > 0, lots, price)
        return ops.Liquidate(
            account, slot, market, lots, price, self.random.choice((0, 100)), order, self.slot(taker, market), 0
        )

    def backstop(self) -> ops.Backstop:
        account = self.user()
        slot, market = self.held(account)
        return ops.Backstop(account, slot, market, self.lots(self.size(account, slot)), self.slot(FUND, market))

    def deleverage(self) -> ops.Deleverage:
        account = self.user()
        slot, market = self.held(account)
        sign = self.state.get(Position, account * 16 + slot).size
        others = [user for user in (FUND, *range(FIRST_USER, FIRST_USER + USERS)) if user != account]
        opposite = [
            user for user in others if self.state.get(Position, user * 16 + self.slot(user, market)).size * sign < 0
        ]
        other = self.random.choice(opposite or others)
        most = min(self.size(account, slot), self.size(other, self.slot(other, market)))
        return ops.Deleverage(
            account, slot, other, self.slot(other, market), market, self.lots(most), self.slot(FUND, market)
        )

    def socialise(self) -> ops.Socialise:
        account = self.user()
        return ops.Socialise(account, max(self.state.get(Account, account).closed_market - 1, 0))

    def oracle_tick(self) -> ops.OracleTick:
        market = self.random.randrange(MARKETS)
        price = self.state.get(MarketPrice, market).index
        reports = tuple(self.report(price) if family < 2 else ops.Report() for family in range(4))
        return ops.OracleTick(market, reports, True)

    def report(self, price: int) -> ops.Report:
        count = self.random.choice((0, 3, 4, 5, 5))
        if not count:
            return ops.Report()
        around = max(near(self.random, price, self.random.choice((0.001, 0.02, 0.4))), 1)
        values = [max(near(self.random, around, 0.001), 1) for _ in range(count)]
        rest = (0,) * (8 - count)
        signers = sorted(self.random.sample(range(5), count))
        return ops.Report(count, sorted(values)[(count - 1) // 2], (*signers, *rest), (*values, *rest))

    def mark(self) -> ops.Mark:
        market = self.random.randrange(MARKETS)
        low, high = sorted((self.price(market), self.price(market)))
        return ops.Mark(market, low, high, self.price(market))

    def premium_sample(self) -> ops.PremiumSample:
        market = self.random.randrange(MARKETS)
        low, high = sorted((self.price(market), self.price(market)))
        return ops.PremiumSample(market, low, high)

    def funding_tick(self) -> ops.FundingTick:
        return ops.FundingTick(self.random.randrange(MARKETS))

    def record_proof(self) -> ops.RecordProof:
        return ops.RecordProof(self.random.choice((99, 98, 100)))

    def set_kill_switch(self) -> ops.SetKillSwitch:
        mode = self.random.choice((0, 1, 2, 3, 4, 5))
        return ops.SetKillSwitch(self.random.randrange(MARKETS), self.random.random() < 0.5, mode, self.intent())

    def end_batch(self) -> ops.EndBatch:
        return ops.EndBatch(self.random.choice((0, 1, 2, 3, 4, 4)))

    def forced_withdraw(self) -> ops.ForcedWithdraw:
        return ops.ForcedWithdraw(self.user(), 0)

    def forced_reduce(self) -> ops.ForcedReduce:
        account, other = self.two()
        path = self.random.choice((Path.ORDER, Path.FUND, Path.OPPOSITE, Path.OPPOSITE))
        other = FUND if path == Path.FUND or self.random.random() < 0.2 else other
        slot, market = self.held(account)
        request = self.state.get(Request, account)
        if request.kind == Forced.REDUCE and self.random.random() < 0.5:
            market, slot = request.market, self.slot(account, request.market)
        position = self.state.get(Position, account * 16 + slot)
        lots = self.random.choice((0, min(request.amount, abs(position.size)), 1))
        order = self.order(other, market, position.size > 0, lots, max(self.price(market), 1))
        return ops.ForcedReduce(
            account, slot, market, lots, 0, path, other, self.slot(other, market), order, self.slot(FUND, market)
        )

    def freeze(self) -> ops.Freeze:
        return ops.Freeze(self.user())

    def escape_claim(self) -> ops.EscapeClaim:
        return ops.EscapeClaim(self.user())

    def escape_pay(self) -> ops.EscapePay:
        account = self.user()
        claim, ledger = self.state.get(Request, account).claim, self.state.get(Ledger, 0)
        covered = min(self.state.get(Exchange, 0).escape_vault, ledger.claims)
        return ops.EscapePay(account, claim * covered // max(ledger.claims, 1))


def thawed(random: Random, state: State, name: str) -> None:
    """Freeze the exchange for the operations that need it, and most often not for the others."""
    escapes = name.startswith("escape")
    if escapes == (random.random() < 0.95):
        exchange = state.get(Exchange, 0)
        frozen_at = NOW - random.choice((0, 30 * DAY, 31 * DAY)) if escapes else 0
        state.put(Exchange, 0, attrs.evolve(exchange, frozen_at=frozen_at, escape_vault=10**12 if escapes else 0))
        state.commit()


def with_requests(random: Random, state: State, name: str) -> None:
    """Give accounts the requests that an operation answers, most often."""
    kinds = {"forced_withdraw": Forced.WITHDRAW, "forced_reduce": Forced.REDUCE, "freeze": Forced.REDUCE}
    for number in range(FIRST_USER, FIRST_USER + USERS):
        request = state.get(Request, number)
        if name in kinds and random.random() < 0.8:
            slot, market = Maker(random, state).held(number)
            most = max(abs(state.get(Position, number * 16 + slot).size), 1)
            amount = random.choice((1, most, 10**6)) if name == "forced_reduce" else request.amount or 5
            state.put(Request, number, attrs.evolve(request, kind=kinds[name], market=market, amount=amount))
    state.commit()


def with_debts(random: Random, state: State, name: str) -> None:
    """Make some accounts flat and their collateral negative, for the operation that covers their deficit."""
    for number in range(FIRST_USER + USERS):
        if name == "socialise" and random.random() < 0.5:
            for slot in range(16):
                state.put(Position, number * 16 + slot, Position())
            debt = random.choice((1, 10**6, 10**9, 10**15))
            state.put(Account, number, attrs.evolve(state.get(Account, number), collateral=-debt))
    state.commit()


EXTREMES = (0, 1, -1, 2, 63, 64, NOW, 2**40, 2**62, -(2**62), 2**63 - 1, -(2**63 - 1))


def wild_leaf(random: Random, described: Field) -> int:
    """An extreme value of a field."""
    if described.unit is Unit.FLAG:
        return random.random() < 0.5
    fitting = [
        value for value in (described.low, described.high, *EXTREMES) if described.low <= value <= described.high
    ]
    if described.unit is Unit.DIGEST:
        return random.choice((0, 1, 4_444))
    return random.choice((*fitting, random.randint(described.low, described.high)))


def wilder(random: Random, record: Any) -> Any:
    """A record or an operation with one of its fields changed to something extreme."""
    described = fields_of(type(record))
    nested = [attribute.name for attribute in attrs.fields(type(record)) if attribute.name not in described]
    name = random.choice([*described, *nested])
    value = getattr(record, name)
    if name in nested:
        if isinstance(value, tuple):
            at = random.randrange(len(value))
            return attrs.evolve(record, **{name: (*value[:at], wilder(random, value[at]), *value[at + 1 :])})
        return attrs.evolve(record, **{name: wilder(random, value)})
    of = described[name]
    if of.count > 1:
        at = random.randrange(of.count)
        return attrs.evolve(record, **{name: (*value[:at], wild_leaf(random, of), *value[at + 1 :])})
    return attrs.evolve(record, **{name: wild_leaf(random, of)})


def with_result(state: State, operation: Any) -> Any:
    """The operation with the result the rules give, where it states one."""
    if not hasattr(operation, "result"):
        return operation
    for code in (0, *(int(reason) for reason in Reason)):
        stated = attrs.evolve(operation, result=code)
        if run_ints(state, stated).result != Reason.FORCED_RESULT:
            return stated
    return operation


@dataclass
class Case:
    """A state and an operation on it."""

    name: str
    seed: int
    state: State
    operation: Any
    wild: bool


TRIES = 12


def promising(random: Random, name: str) -> tuple[State, Any]:
    """A state and an operation on it. For every second one several are tried until one is accepted."""
    tries = random.choice((1, TRIES))
    while True:
        state = random_state(random)
        thawed(random, state, name)
        with_requests(random, state, name)
        with_debts(random, state, name)
        operation = getattr(Maker(random, state), name)()
        tries -= 1
        if not tries or run_ints(state, operation).result == "accepted":
            return state, operation


def make_case(name: str, seed: int) -> Case:
    """A case of an operation: most often a sensible one, else with one or two extreme fields."""
    random = Random(f"{name} {seed}")
    state, operation = promising(random, name)
    wild = random.random()
    if wild < 0.85:
        operation = with_result(state, operation)
    if wild > 0.75:
        operation = wilder(random, operation)
    if wild > 0.95:
        operation = wilder(random, operation)
        kind = random.choice([record for record in state.tables if state.tables[record]])
        key = random.choice(sorted(state.tables[kind]))
        changed = wilder(random, state.get(kind, key))
        sound = kind is not Position and (kind is not Account or changed.slots == state.get(kind, key).slots)
        if sound or (kind is Position and changed.market < MARKETS):
            state.put(kind, key, changed)
            state.commit()
    return Case(name, seed, state, operation, wild > 0.95)
