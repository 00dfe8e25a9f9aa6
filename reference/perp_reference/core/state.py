"""The state: records in tables, with a journal of what changed."""

from collections.abc import Callable
from typing import Any, NamedTuple

import attrs

from perp_spec.perpetual.config import Config
from perp_spec.perpetual.records import (
    FEES,
    FUND,
    Account,
    Exchange,
    Kind,
    Ledger,
    Market,
    MarketBook,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Parameters,
    Position,
    Queue,
    Request,
)
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS, Unit, fields_of

STATE_RECORDS: tuple[type[Any], ...] = (
    Exchange,
    Ledger,
    Queue,
    MarketPrice,
    MarketOracle,
    MarketBook,
    Account,
    Position,
    OrderSlot,
    Request,
)
"""Record classes of the state. The order is the order of a state file."""

SLOTS_OF: dict[type[Any], int] = {Position: POSITION_SLOTS, OrderSlot: ORDER_SLOTS}
"""Records an account has several of: their key is account * slots + slot. All others have the key 0 or an id."""


class RecordKey(NamedTuple):
    """Where a record is."""

    record: type[Any]
    key: int


class OutOfRangeError(Exception):
    """A rule would store a value outside its declared range.

    The rules are meant to make this impossible: it is an error of this program, not of its input.
    """


def range_check(record: type[Any]) -> Callable[[Any], bool]:
    """A function that says whether every word of a record is in its declared range.

    Written out as one expression for each class, because it runs on every store.
    """
    terms: list[str] = []
    for name, described in fields_of(record).items():
        low, high = described.low, described.high
        if described.unit is Unit.FLAG and described.count == 1:
            terms.append(f"type(r.{name}) is bool")
        elif described.count > 1:
            terms.append(f"len(r.{name}) == {described.count} and {low} <= min(r.{name}) and max(r.{name}) <= {high}")
        else:
            terms.append(f"{low} <= r.{name} <= {high}")
    return eval("lambda r: " + " and ".join(terms))  # noqa: S307 - built from the record's own declarations


def zero_check(record: type[Any]) -> Callable[[Any], bool]:
    """A function that says whether a record is the one of all zeros; written out, because it runs on every store."""
    terms = [f"any(r.{name})" if described.count > 1 else f"r.{name}" for name, described in fields_of(record).items()]
    return eval("lambda r: not (" + " or ".join(terms) + ")")  # noqa: S307 - built from the record's own declarations


ZERO_CHECKS: dict[type[Any], Callable[[Any], bool]] = {record: zero_check(record) for record in STATE_RECORDS}

RANGE_CHECKS: dict[type[Any], Callable[[Any], bool]] = {record: range_check(record) for record in STATE_RECORDS}


class State:
    """All records of an exchange, and its configuration.

    An absent record reads as the record of all zeros, and a record that becomes all zeros is absent again.

    Attributes:
        config: The configuration.
        journal: For each record stored since the journal was last cleared, what it was before (None for absent).
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.tables: dict[type[Any], dict[int, Any]] = {record: {} for record in STATE_RECORDS}
        self.journal: dict[RecordKey, Any] = {}
        self.zeros: dict[type[Any], Any] = {record: record() for record in STATE_RECORDS}
        self.markets: tuple[Market, ...] = tuple(entry.market for entry in config.markets)
        self._no_market = Market()

    def get(self, record: type[Any], key: int) -> Any:
        """Return a record, the one of all zeros where it is absent."""
        return self.tables[record].get(key) or self.zeros[record]

    def market(self, number: int) -> Market:
        """Return a market's configuration, all zeros where it is not configured."""
        return self.markets[number] if number < len(self.markets) else self._no_market

    @property
    def parameters(self) -> Parameters:
        """The configuration of the whole exchange."""
        return self.config.parameters

    def put(self, record: type[Any], key: int, value: Any) -> None:
        """Store a record and note in the journal what it was.

        Raises:
            OutOfRangeError: A word is outside its declared range.
        """
        if not RANGE_CHECKS[record](value):
            raise OutOfRangeError(f"{record.__name__} {key} would hold {value}")
        table = self.tables[record]
        place = (record, key)
        if place not in self.journal:
            self.journal[RecordKey(record, key)] = table.get(key)
        if ZERO_CHECKS[record](value):
            table.pop(key, None)
        else:
            table[key] = value

    def rollback(self) -> None:
        """Undo everything since the journal was last cleared."""
        for place, before in self.journal.items():
            if before is None:
                self.tables[place.record].pop(place.key, None)
            else:
                self.tables[place.record][place.key] = before
        self.journal = {}

    def commit(self) -> dict[RecordKey, Any]:
        """Make what was stored final: clear the journal, so that a rollback does not reach it any more.

        Returns each record stored since the journal was last cleared as it is now, all zeros where it is absent, in the
        order of a state file. Some may be what they were before; perp_reference.core.diff.changes_of leaves those out.
        What may fail with these changes, such as Commitment.update, comes before this.
        """
        changed = {place: self.get(place.record, place.key) for place in sorted_places(self.journal)}
        self.journal = {}
        return changed

    def copy(self) -> "State":
        """Return an independent state with the same records and an empty journal."""
        other = State(self.config)
        other.tables = {record: dict(table) for record, table in self.tables.items()}
        return other

    def held(self, account: int, skip: int = -1) -> tuple[tuple[Position, MarketPrice, Market], ...]:
        """Return the positions of an account below its count of slots, each with its market's price and configuration.

        Slot `skip` is left out.
        """
        slots = self.get(Account, account).slots
        positions = self.tables[Position]
        prices = self.tables[MarketPrice]
        found: list[tuple[Position, MarketPrice, Market]] = []
        first = account * POSITION_SLOTS
        for slot in range(slots):
            if slot != skip:
                position = positions.get(first + slot) or self.zeros[Position]
                market = position.market
                found.append((position, prices.get(market) or self.zeros[MarketPrice], self.markets[market]))
        return tuple(found)


def sorted_places(journal: dict[RecordKey, Any]) -> list[RecordKey]:
    """The places of a journal in the order of a state file."""
    order = {record: number for number, record in enumerate(STATE_RECORDS)}
    return sorted(journal, key=lambda place: (order[place.record], place.key))


def genesis(config: Config, fees_owner: int = 0) -> State:
    """The state before the first batch: the reserved accounts, nothing in them, and every market without a price."""
    state = State(config)
    state.put(Account, FUND, Account(kind=Kind.CROSS))
    state.put(Account, FEES, Account(kind=Kind.CROSS, owner=fees_owner))
    state.commit()
    return state


def replaced(record: Any, **changes: Any) -> Any:
    """A record with some fields changed: for tools and tests, the rules build records by constructor."""
    return attrs.evolve(record, **changes)
