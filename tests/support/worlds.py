"""A small exchange to play with: its configuration, and a machine that counts and checks what it does."""

from copy import copy
from typing import Any

import attrs

from perp_hash.tags import Tag
from perp_reference.core.machine import Machine, rule_of
from perp_reference.core.state import STATE_RECORDS, State, genesis
from perp_spec.language import Rejected, digest
from perp_spec.perpetual.config import Config, MarketEntry, covering_directions, with_bracket_margins
from perp_spec.perpetual.defaults import default_parameters
from perp_spec.perpetual.operations import (
    Deposit,
    ForcedReduce,
    ForcedWithdraw,
    Header,
    Intent,
    OpenAccount,
    OracleTick,
    Order,
    Report,
    RequestForced,
)
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Exchange, Kind, Ledger, Market, Queue
from perp_spec.perpetual.rules.batch import begin_batch
from perp_spec.perpetual.rules.forced import FORCED_ENTRY
from perp_spec.perpetual.rules.money import DEPOSIT_ENTRY
from perp_spec.words import FAMILIES_MAX, SIGNERS_MAX, TIME_MAX
from support.reached import note

START = 1_000_000
"""Time of the first batch."""

FOREVER = TIME_MAX
CONFIG_DIGEST = 99
FEES_OWNER = 1_001


def small_market(number: int, **changes: Any) -> Market:
    """A market of small numbers: brackets at 2,000 and 10,000 atoms, so that every bracket and rounding matters."""
    market = Market(
        max_price=2**12,
        max_size=2**10,
        bracket_2=2_000,
        bracket_3=10_000,
        maintenance_1_ppm=30_000,
        maintenance_2_ppm=60_000,
        maintenance_3_ppm=120_000,
        initial_1_ppm=50_000,
        initial_2_ppm=100_000,
        initial_3_ppm=200_000,
        close_out_ppm=666_667,
        buffer_intervals=3,
        buffer_floor_ppm=100,
        funding_cap_ppm=20_000,
        staleness_seconds=120,
        blind_seconds=1_800,
        deviation_ppm=10_000,
        band_ppm=100_000,
        average_seconds=300,
        open_interest_cap=1_500,
        price_band_ppm=50_000,
        mark_clamp_ppm=10_000,
        close_factor_ppm=200_000,
        full_close_atoms=1_000,
        slippage_partial_ppm=10_000,
        slippage_full_ppm=20_000,
        slip_ppm=5_000,
        liquidation_fee_cap_ppm=5_000,
        fee_cap_ppm=2_000,
        loss_cap_ppm=50_000,
        shock_ppm=240_000,
        rises=covering_directions(number),
    )
    return with_bracket_margins(attrs.evolve(market, **changes))


def small_config(markets: int = 3, families: int = 2, **changes: Any) -> Config:
    """An exchange of small markets; `changes` are of its parameters."""
    parameters = attrs.evolve(
        default_parameters(markets=markets, families=families),
        **{
            "vault_cap": 10**9,
            "bucket_size": 50_000,
            "bucket_refill": 10,
            "forced_seconds": 3_600,
            "claim_seconds": 7_200,
            "backstop_atoms": 1_000,
            "window_floor_atoms": 2_000,
            "window_markets": 1,
            "proof_throttle": 40,
            "proof_reduce": 80,
            **changes,
        },
    )
    entries = tuple(MarketEntry(f"M{number}", "1", small_market(number)) for number in range(markets))
    return Config(name="small", parameters=parameters, markets=entries)


def intent(nonce: int, slot: int = 0, expiry: int = FOREVER, authorised: bool = True) -> Intent:
    """A signed intent."""
    return Intent(slot=slot, nonce=nonce, expiry=expiry, authorised=authorised)


def order(account: int, buys: bool, lots: int, price: int, **changes: Any) -> Order:
    """A signed order of market 0 in order slot 1, with fees up to 2,000 ppm."""
    known = {"slot": 1, "nonce": 1, "expiry": FOREVER, "market": 0, "max_fee_ppm": 2_000, "authorised": True}
    return Order(account=account, buys=buys, lots=lots, price=price, **{**known, **changes})


def report(*values: int) -> Report:
    """What a family reports: the values of its first signers."""
    if not values:
        return Report()
    padding = (0,) * (SIGNERS_MAX - len(values))
    median = sorted(values)[(len(values) - 1) // 2]
    return Report(len(values), median, (*range(len(values)), *padding), (*values, *padding))


def tick(market: int, *prices: int | None) -> OracleTick:
    """An oracle tick: each family by three signers says its price, or nothing."""
    reports = [Report() if price is None else report(price, price, price) for price in prices]
    reports += [Report()] * (FAMILIES_MAX - len(reports))
    return OracleTick(market=market, reports=tuple(reports), authorised=True)


class World:
    """A state with a machine, in a batch that has begun.

    Attributes:
        place: Added to the name of a rule where a reason is counted.
    """

    def __init__(self, config: Config | None = None, start: int = START) -> None:
        self.state: State = genesis(config or small_config(), FEES_OWNER)
        self.machine = Machine(self.state)
        assert self.begin(start) is None

    def copy(self) -> "World":
        """An independent world in the same state."""
        other = copy(self)
        other.state = self.state.copy()
        other.machine = Machine(other.state)
        return other

    def get(self, record: type[Any], key: int = 0) -> Any:
        """A record."""
        return self.state.get(record, key)

    @property
    def now(self) -> int:
        """The time of the batch."""
        return self.get(Exchange).time

    def set(self, record: type[Any], key: int, **changes: Any) -> None:
        """Change a record behind the rules' back."""
        self.state.put(record, key, attrs.evolve(self.get(record, key), **changes))
        self.state.commit()

    def begin(self, time: int, /, **changes: Any) -> Reason | None:
        """Begin a batch; returns why its header is refused."""
        exchange, ledger = self.get(Exchange), self.get(Ledger)
        header = attrs.evolve(Header(exchange.number + 1, time, exchange.number + 7, CONFIG_DIGEST), **changes)
        root = exchange.number + 7
        try:
            exchange, ledger = begin_batch(header, root, CONFIG_DIGEST, self.state.parameters, exchange, ledger)
        except Rejected as rejection:
            note("header", rejection.reason)
            return rejection.reason
        self.state.put(Exchange, 0, exchange)
        self.state.put(Ledger, 0, ledger)
        self.state.commit()
        return None

    def later(self, seconds: int) -> None:
        """Begin the next batch so many seconds later."""
        assert self.begin(self.now + seconds) is None

    def apply(self, operation: Any) -> Reason | None:
        """Apply an operation; returns why it is rejected."""
        name = rule_of(operation).name
        frozen = self.get(Exchange).frozen_at != 0
        try:
            self.machine.apply(operation)
        except Rejected as rejection:
            assert not self.state.journal, "a rejected operation stored something"
            note(f"{name}, frozen" if frozen else name, rejection.reason)
            return rejection.reason
        self.state.commit()
        if isinstance(operation, Deposit | RequestForced | ForcedWithdraw | ForcedReduce) and operation.result:
            note(f"{name}, answered", Reason(operation.result))
        return None

    def would(self, operation: Any) -> Reason | None:
        """Why an operation would be rejected, leaving the state as it is."""
        try:
            self.machine.apply(operation)
        except Rejected as rejection:
            return rejection.reason
        finally:
            self.state.rollback()
        return None

    def must(self, *operations: Any) -> None:
        """Apply operations that are accepted."""
        for operation in operations:
            reason = self.apply(operation)
            assert reason is None, f"{operation} is rejected with {reason!r}"

    def effects(self, operation: Any) -> dict[tuple[type[Any], int], Any]:
        """Apply an operation that is accepted; returns each record that became another."""
        before = self.state.copy()
        self.must(operation)
        return {
            (kind, key): self.get(kind, key)
            for kind in STATE_RECORDS
            for key in sorted({*before.tables[kind], *self.state.tables[kind]})
            if before.get(kind, key) != self.get(kind, key)
        }

    # What people do

    def open(self, account: int, owner: int = 0, kind: int = Kind.CROSS, collateral: int = 0) -> None:
        """Make a cross or portfolio account with collateral, by a deposit."""
        self.must(OpenAccount(account, owner or 1_000 + account, kind, expiry=FOREVER, authorised=True))
        if collateral:
            self.must(self.deposit(account, collateral))

    def deposit(self, account: int, amount: int, key: int | None = None, result: int = 0) -> Deposit:
        """The next entry of the queue, a deposit."""
        queue = self.get(Queue)
        owner = self.get(Account, account).owner if key is None else key
        chain = digest(Tag.QUEUE, (queue.chain, owner), (DEPOSIT_ENTRY, account, amount))
        return Deposit(queue.position, chain, account, owner, amount, result)

    def request(
        self,
        account: int,
        kind: int,
        amount: int,
        market: int = 0,
        key: int | None = None,
        result: int = 0,
        posted: int | None = None,
    ) -> RequestForced:
        """The next entry of the queue, a forced request; posted now, if nothing else is said."""
        queue = self.get(Queue)
        owner = self.get(Account, account).owner if key is None else key
        at = self.now if posted is None else posted
        chain = digest(Tag.QUEUE, (queue.chain, owner), (FORCED_ENTRY, account, amount, kind, market, at))
        return RequestForced(queue.position, chain, account, owner, kind, market, amount, at, result)
