"""A small exchange for the pages that tell a story: whatever they say, the machine has done."""

from typing import Any

from perp_hash.digest import Tag
from perp_reference.core.audit import audit
from perp_reference.core.explain import explain
from perp_reference.core.matching import position_slot
from perp_reference.core.state import State, genesis
from perp_reference.core.views import AccountView, account_view
from perp_reference.replay.venue import NoCommitment, Venue
from perp_spec.language import digest
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.defaults import USD, default_config
from perp_spec.perpetual.operations import (
    ForcedReduce,
    OpenAccount,
    OracleTick,
    Order,
    Report,
    RequestForced,
    Trade,
)
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Account, Kind, MarketBook, MarketOracle, MarketPrice, Path, Queue
from perp_spec.perpetual.rules.forced import FORCED_ENTRY, conceded_price
from perp_spec.words import TIME_MAX

START = 1_700_000_000
BTC = 0
LOTS_A_COIN = 10_000
"""Lots of one coin: a lot is 0.0001."""

MARKETS = 3

TAKER_PPM, MAKER_PPM = 500, -200
"""Fee rates of the trades."""


class Stage:
    """An exchange of the default configuration, with one market that is traded.

    Attributes:
        config: Its configuration.
        state: Its state.
        venue: What applies operations.
    """

    def __init__(self) -> None:
        self.config: Config = default_config(MARKETS)
        self.state: State = genesis(self.config)
        self.venue = Venue(self.state, NoCommitment())

    def apply(self, operation: Any) -> Reason | None:
        """Apply an operation, or say why it is refused."""
        return self.venue.apply(operation)

    def must(self, operation: Any) -> None:
        """Apply an operation that the story needs.

        Raises:
            ValueError: The rules refuse it.
        """
        reason = self.apply(operation)
        if reason is not None:
            raise ValueError(f"the story needs {operation}, and it is refused with {reason.name}")

    def begin(self, seconds: int) -> None:
        """Begin a batch so long after the start."""
        self.venue.begin(START + seconds)

    def end(self) -> None:
        """End the batch with the mildest mode that the state allows."""
        self.venue.end()

    def tick(self, dollars: int) -> None:
        """Both families report one price, each by three signers."""
        price = lot_price(dollars)
        report = Report(count=3, median=price, signers=(0, 1, 2, *(0,) * 5), values=(price, price, price, *(0,) * 5))
        self.must(OracleTick(BTC, (report, report, Report(), Report()), True))

    def account(self, number: int, dollars: int) -> None:
        """Open an account and fund it; each has its own owner."""
        if number != FUND:
            self.must(OpenAccount(number, 1_000 + number, Kind.CROSS, expiry=TIME_MAX, authorised=True))
        if self.venue.deposit(number, dollars * USD) is not None:
            raise ValueError(f"the deposit of account {number} is refused")

    def order(self, account: int, buys: bool, lots: int, price: int) -> Order:
        """A signed order with a nonce of its own."""
        slot = self.venue.nonce(account, -1)
        return Order(account, slot, 1, TIME_MAX, BTC, buys, lots, price, max_fee_ppm=1_000, authorised=True)

    def trade(self, buyer: int, seller: int, lots: int, price: int) -> Trade:
        """A trade in which the buyer takes; not yet applied."""
        return Trade(
            market=BTC,
            lots=lots,
            price=price,
            taker_buys=True,
            buyer=self.order(buyer, True, lots, price),
            seller=self.order(seller, False, lots, price),
            buyer_slot=self.slot(buyer),
            seller_slot=self.slot(seller),
            buyer_fee_ppm=TAKER_PPM,
            seller_fee_ppm=MAKER_PPM,
        )

    def request(self, account: int, kind: int, amount: int, posted: int) -> RequestForced:
        """The next entry of the queue: what an account's owner asks for through the chain below; not yet applied."""
        queue: Queue = self.state.get(Queue, 0)
        owner = self.state.get(Account, account).owner
        words = (FORCED_ENTRY, account, amount, kind, BTC, START + posted)
        chain = digest(Tag.QUEUE, (queue.chain, owner), words)
        return RequestForced(queue.position, chain, account, owner, kind, BTC, amount, START + posted)

    def reduction(self, account: int, counterparty: int, lots: int) -> ForcedReduce:
        """The answer to a forced reduction, done against an order of somebody who takes the conceded price."""
        size = self.size(account)
        price = conceded_price(size, self.price, self.config.markets[BTC].market)
        order = self.order(counterparty, size > 0, lots, price)
        slots = self.slot(account), self.slot(counterparty)
        return ForcedReduce(account, slots[0], BTC, lots, 0, Path.ORDER, counterparty, slots[1], order)

    def slot(self, account: int) -> int:
        """The slot of an account for the market."""
        return position_slot(self.state, account, BTC) or 0

    def view(self, account: int) -> AccountView:
        """An account as it stands."""
        return account_view(self.state, account)

    @property
    def price(self) -> MarketPrice:
        """The market's price."""
        return self.state.get(MarketPrice, BTC)

    @property
    def oracle(self) -> MarketOracle:
        """The market's oracle."""
        return self.state.get(MarketOracle, BTC)

    @property
    def book(self) -> MarketBook:
        """The market's book."""
        return self.state.get(MarketBook, BTC)

    def size(self, account: int) -> int:
        """The lots an account holds."""
        return sum(own.position.size for own in self.view(account).positions)

    def users(self) -> list[int]:
        """The accounts that exist."""
        return sorted(self.state.tables[Account])

    def audited(self) -> None:
        """Recompute every total.

        Raises:
            ValueError: One is wrong.
        """
        findings = audit(self.state)
        if findings:
            raise ValueError(f"the audit of a story found {findings[0]}")

    def refusal(self, operation: Any) -> str:
        """Why the rules would refuse an operation, with a link; "" where they would not."""
        guard = next((guard for guard in explain(self.state, operation) if not guard.holds), None)
        if guard is None:
            return ""
        return f"[{guard.reason.name}](reasons.md#{guard.reason.name.lower()})"


def lot_price(dollars: int) -> int:
    """Atoms a lot, from dollars a coin."""
    return dollars * USD // LOTS_A_COIN


def usd(atoms: int) -> str:
    """Atoms as dollars, cents rounded away from the reader's favour: down."""
    return f"{atoms // USD:,}"


def cents(atoms: int) -> str:
    """Atoms as dollars with two digits, rounded down."""
    whole, part = divmod(atoms, USD)
    return f"{whole:,}.{part * 100 // USD:02d}"


def per_coin(price: int) -> str:
    """Dollars a coin, from atoms a lot."""
    return f"{price * LOTS_A_COIN // USD:,}"


def exact_per_coin(price: int) -> str:
    """Dollars a coin with two digits, from atoms a lot: exact, as a lot of one atom is a cent a coin."""
    return f"{price * LOTS_A_COIN / USD:,.2f}"


def coins(lots: int) -> str:
    """Coins, from lots."""
    return f"{lots / LOTS_A_COIN:,.4f}".rstrip("0").rstrip(".")


def percent(ppm: int) -> str:
    """A rate in percent."""
    return f"{ppm / 10_000:g} %"


def funded(stage: Stage, deposits: dict[int, int]) -> None:
    """Open and fund accounts, dollars each."""
    for number, dollars in deposits.items():
        stage.account(number, dollars)
