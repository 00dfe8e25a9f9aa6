"""Which states are possible: those within what every operation keeps, and within what is assumed of states.

Said of what one operation loads, on terms as well as in plain integers. That sums over all accounts agree, as the vault
and the open interest, is not asked: the other accounts are not there.
"""

from collections.abc import Iterator
from typing import Any

from perp_proofs.smt import invariants
from perp_proofs.smt.contracts import implies, long_size, short_size
from perp_proofs.smt.invariants import Largest
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import both, indicator, mul_div_floor, select
from perp_spec.operation import Access, Shape, key_of
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.records import (
    FIRST_USER,
    FUND,
    Account,
    Exchange,
    Kind,
    Ledger,
    Market,
    MarketBook,
    MarketOracle,
    MarketPrice,
    Position,
    Request,
)
from perp_spec.words import PPM

Entry = tuple[Access, Any]
"""An entry of a footprint, and what it loads."""


class Loads:
    """What one operation loads, and of which exchange."""

    def __init__(self, operation: Any, entries: list[Entry], config: Config) -> None:
        self.operation = operation
        self.entries = entries
        self.config = config
        markets = [entry.market for entry in config.markets]
        self.largest = Largest(max(one.max_size for one in markets), max(one.max_price for one in markets))
        exchange = self.named(Exchange)
        self.now: Word = 0 if exchange is None else exchange.time
        self.market: Market = self.named(Market) or markets[0]
        """Configuration of the market that the operation names, the first where it names none."""

    def named(self, kind: type[Any]) -> Any:
        """The first record of a class, None where there is none."""
        return next((record for _, record in self.entries if isinstance(record, kind)), None)

    def possible(self) -> Iterator[Flag]:
        """What must hold of them in a possible state."""
        for access, record in self.entries:
            match access.shape:
                case Shape.HELD:
                    yield from (self.kept(item, market) for *items, market in record for item in items)
                case Shape.MARKETS:
                    yield from (self.kept(item, market) for *items, market in record for item in items)
                case Shape.ONE:
                    yield self.kept(record, self.market)
                    yield self.configured(record)
        for place, (access, record) in enumerate(self.entries):
            if access.record is Account:
                yield from self.settled(place, access, record)
        yield from self.counted()

    def kept(self, record: Any, market: Market) -> Flag:
        """Of one record, of that market where it is one of a market's."""
        grown = invariants.counters_assumed(record)
        match record:
            case Position():
                return invariants.position_in_range(record, self.largest)
            case MarketPrice():
                return invariants.price_in_range(record, market, self.now)
            case MarketOracle():
                return invariants.oracle_in_range(record, market, self.now)
            case MarketBook():
                return both(invariants.book_in_range(record, market), grown)
            case Ledger():
                return both(invariants.ledger_in_range(record), invariants.ledger_assumed(record))
            case Request():
                ledger = self.named(Ledger)
                return True if ledger is None else invariants.request_in_range(record, ledger)
            case Exchange():
                return both(invariants.exchange_in_range(record), grown)
            case Account():
                return invariants.account_assumed(record)
            case _:
                return grown

    def configured(self, record: Any) -> Flag:
        """A record names no market but those that are configured."""
        count = len(self.config.markets)
        if isinstance(record, Account):
            return both(record.market < count, record.closed_market <= count)
        return record.market < count if isinstance(record, Position | Request) else True

    def settled(self, place: int, access: Access, account: Account) -> Iterator[Flag]:
        """An account's collateral stays in range when it is settled; and the reserved accounts are there."""
        number = key_of(access.keys[0], self.operation)
        yield implies(number < FIRST_USER, account.kind == Kind.CROSS)
        is_fund = access.keys == (FUND,)
        ledger = self.named(Ledger)
        collateral = account.collateral
        for position, price in self.positions(place):
            collateral = collateral + cash_of(position, price)
        if is_fund and ledger is not None:
            collateral = collateral + ledger.fund_inbox
        yield invariants.within(collateral, invariants.COLLATERAL_MAX if is_fund else invariants.SETTLED_MAX)

    def positions(self, place: int) -> Iterator[tuple[Position, MarketPrice]]:
        """The positions of an account, with their prices."""
        price = self.named(MarketPrice)
        for access, record in self.entries[place + 1 : place + 3]:
            if access.record is Position and price is not None:
                yield record, price
            elif access.shape is Shape.HELD:
                yield from ((position, own) for position, own, _ in record)
            else:
                return

    def counted(self) -> Iterator[Flag]:
        """The totals that are loaded are at least what the loaded accounts make them."""
        accounts = [place for place, (access, _) in enumerate(self.entries) if access.record is Account]
        ledger = self.named(Ledger)
        if ledger is not None:
            yield ledger.bankrupt >= sum(map(self.bankrupt, accounts))
        for number, book in self.books():
            for side in (long_size, short_size):
                lots: Word = 0
                for access, record in self.entries:
                    listed = (record,) if access.record is Position else ()
                    held = (position for position, _, _ in record) if access.shape is Shape.HELD else ()
                    for position in (*listed, *held):
                        lots = lots + select(position.market == number, side(position.size), 0)
                yield book.open_interest >= lots

    def bankrupt(self, place: int) -> Word:
        """1 where an account has no position that is loaded, and less than nothing."""
        following = [access.shape is Shape.HELD for access, _ in self.entries[place + 1 : place + 3]]
        if not any(following):
            return 0
        flat: Flag = True
        for position, _ in self.positions(place):
            flat = both(flat, position.size == 0)
        return indicator(both(flat, self.entries[place][1].collateral < 0))

    def books(self) -> Iterator[tuple[Word, MarketBook]]:
        """The books that are loaded, with the numbers of their markets."""
        for access, record in self.entries:
            if access.record is MarketBook:
                yield key_of(access.keys[0], self.operation), record
            elif access.shape is Shape.MARKETS:
                numbers = range(len(self.config.markets))[-len(record) :]
                yield from ((number, book) for number, (_, book, _) in zip(numbers, record, strict=True))


def cash_of(position: Position, price: MarketPrice) -> Word:
    """Atoms that settling a position adds to its account; as `position_terms` computes it."""
    loss = select(position.size < 0, -price.loss_index, price.loss_index)
    index = select(position.size == 0, 0, price.funding_index + loss)
    return mul_div_floor(-position.size, index - position.snapshot, PPM)
