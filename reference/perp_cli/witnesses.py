"""A witness run again: by the rules on plain integers, with the numbers a broken claim compares, and by the machine.

The machine needs a whole state where the proof looked at the records of one operation only. It is laid out around
them: accounts, positions and markets at the keys that the operation names. Where two of the witness's records would be
the same one, there is no such state, and the rule's own run is what stands.
"""

import inspect
from collections.abc import Callable
from typing import Any

import attrs

from perp_cli.present import money
from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.frame import Concrete, Fit, NotReached, Scene, Stored
from perp_proofs.smt.invariants import within
from perp_proofs.smt.prove import Goal
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.witness import Witness
from perp_reference.core.explain import Comparison, Explaining, raw, seen
from perp_reference.core.machine import RUNNERS, Machine
from perp_reference.core.state import SLOTS_OF, STATE_RECORDS, OutOfRangeError, RecordKey, State, replaced
from perp_spec.language import Rejected, reading_as
from perp_spec.operation import Shape, key_of
from perp_spec.perpetual.config import Config, MarketEntry
from perp_spec.perpetual.records import Account, Market, MarketBook, MarketPrice, Parameters, Position
from perp_spec.words import POSITION_SLOTS, WORD_MAX, Unit


class NoState(Exception):
    """No whole state holds the records of a witness; the message says why."""


class Numbers(Concrete):
    """The state of a witness, in integers that remember what they were compared with.

    Attributes:
        fields: Each word the statement asked for: its unit and its value, by name.
        scenes: The operations that the statement ran a rule on, with the records that it took.
    """

    def __init__(self, witness: Witness) -> None:
        super().__init__(witness.values, witness.words)
        self.reading = Explaining()
        self.fields: dict[str, tuple[Unit | None, int]] = {}
        self.scenes: list[Scene] = []

    def field(self, described: Any, path: str) -> Any:
        """A field in its declared range."""
        value = super().field(described, path)
        for place, word in enumerate(value if isinstance(value, tuple) else (value,)):
            self.fields[f"{path}[{place}]" if isinstance(value, tuple) else path] = described.unit, int(raw(word))
        return value

    def word(self, name: str, low: int, high: int) -> Any:
        """A word in a range."""
        value = super().word(name, low, high)
        self.fields.setdefault(name, (None, value))
        return self.reading.wrap(value)

    def flag(self, name: str) -> Any:
        """A flag, which remembers that it is one: where a claim is no more than that, it is shown."""
        return self.reading.wrap(int(super().flag(name))) == 1

    def assume(self, condition: Any, sentence: str) -> None:
        """Keep to values for which the condition holds."""
        super().assume(raw(condition), sentence)

    def perform(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a rule, and see that no guard is false; a whole one on plain numbers first, which divide by no zero."""
        if self.noted(function, arguments):
            super().perform(function, *map(bared, arguments))
        passed = len(self.reading.guards)
        result = function(*arguments)
        for guard in self.reading.guards[passed:]:
            if not guard.holds:
                raise NotReached(guard.reason.name)
        return result

    def wide(self, function: Callable[..., Any], *arguments: Any) -> tuple[Any, list[Fit]]:
        """Run a rule; what it returns, and the first of its words that is out of range."""
        self.noted(function, arguments)
        results, beyond = self.tallied(function, *map(bared, arguments))
        fits = [Fit(within(self.reading.wrap(word), WORD_MAX), None) for word in beyond[:1] or (0,)]
        return None if results is None else self.reading.wrap(results), fits

    def outcome(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """0 where a rule accepts, else the code of its first false guard."""
        self.noted(function, arguments)
        return super().outcome(function, *arguments)

    def divided_by(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Run a rule; a zero where it divides by one."""
        self.noted(function, arguments)
        return [self.reading.wrap(divisor) for divisor in super().divided_by(function, *map(bared, arguments))]

    def noted(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
        """Take note of an operation, where a whole rule is run; whether it is."""
        rule = next((rule for rule in RULES.values() if rule.function is function), None)
        if rule is not None:
            operation, *loaded = arguments
            names = [*inspect.signature(function).parameters][1:]
            entries = zip(names, rule.footprint, loaded, strict=True)
            stored = (Stored(name, access, record, record) for name, access, record in entries)
            self.scenes.append(Scene(rule, operation, tuple(stored)))
        return rule is not None


@attrs.frozen
class Replayed:
    """What came of a witness."""

    goal: Goal
    claim: str
    holds: bool
    """Whether the claim holds in this state: it does where the rules were mended since."""
    comparisons: tuple[Comparison, ...]
    """What the claim compares, the false ones first."""
    fields: dict[str, tuple[Unit | None, int]]
    scenes: tuple[Scene, ...]


def replayed(witness: Witness) -> Replayed:
    """Run a witness on the rules as they are now.

    Raises:
        LookupError: There is no such goal or claim.
        NotReached: A rule rejects the operation now, or the goal assumes more.
    """
    goal = next((goal for goal in GOALS if goal.name == witness.goal), None)
    if goal is None:
        raise LookupError(f"no goal is called {witness.goal}")
    stage = Numbers(witness)
    try:
        with reading_as(stage.reading):
            claim = next((claim for claim in goal.statement(stage) if claim.name == witness.claim), None)
    except ZeroDivisionError:
        raise NotReached("the rule divides by zero") from None
    if claim is None:
        raise LookupError(f"{goal.name} has no claim {witness.claim!r}")
    compared = tuple(dict.fromkeys(seen(claim.condition)))
    ordered = tuple(sorted(compared, key=lambda item: item.holds))
    holds = bool(raw(claim.condition))
    return Replayed(goal, claim.name, holds, ordered, stage.fields, tuple(map(bared, stage.scenes)))


def bared(value: Any) -> Any:
    """A scene, a record or a tuple of them, with plain numbers for terms."""
    if isinstance(value, Scene):
        entries = tuple(Stored(item.name, item.access, bared(item.before), bared(item.after)) for item in value.entries)
        return Scene(value.rule, bared(value.operation), entries)
    if isinstance(value, tuple):
        parts = list(map(bared, value))
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if attrs.has(type(value)):
        return type(value)(**{item.name: bared(getattr(value, item.name)) for item in attrs.fields(type(value))})
    return raw(value)


# In human units


def in_units(unit: Unit | None, value: int) -> str:
    """A number with what it counts."""
    match unit:
        case Unit.ATOMS:
            return f"{money(value)} in quote units"
        case Unit.PRICE:
            return f"{money(value)} a lot"
        case Unit.FLAG:
            return "yes" if value else "no"
        case Unit.DIGEST:
            return f"digest {value % 10**6:06}..." if value >= 10**6 else f"digest {value}"
        case None | Unit.CODE | Unit.ID | Unit.COUNT:
            return f"{value:,}"
        case _:
            return f"{value:,} {unit.value}"


def lines_of(fields: dict[str, tuple[Unit | None, int]], named: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and amount of every word of a witness that is not zero or that the solver named."""
    return [
        (name, in_units(unit, value)) for name, (unit, value) in sorted(fields.items()) if value != 0 or name in named
    ]


# In the machine


def laid_out(scene: Scene) -> State:
    """A whole state that holds the records of an operation.

    Raises:
        NoState: Two of them would be the same record, or lie outside the configuration.
    """
    markets: dict[int, Market] = {}
    parameters = Parameters()
    records: dict[RecordKey, Any] = {}
    held: list[tuple[Stored, int]] = []
    for item in scene.entries:
        keys = tuple(int(key_of(key, scene.operation)) for key in item.access.keys)
        if item.access.record is Parameters:
            parameters = item.before
        elif item.access.record is Market:
            agreed(markets, keys[0], item.before, "market")
        elif item.access.shape is Shape.ONE:
            assert item.access.record is not None
            slots = SLOTS_OF.get(item.access.record, 1)
            key = keys[0] * slots + keys[1] if len(keys) == 2 else (*keys, 0)[0]
            agreed(records, RecordKey(item.access.record, key), item.before, f"{item.access.record.__name__} {key}")
        else:
            held.append((item, keys[0] if keys else -1))
    for item, account in held:
        if item.access.shape is Shape.HELD:
            lay_positions(records, markets, scene, item, account)
        else:
            lay_markets(records, markets, scene, item)
    return filled(parameters, markets, records)


def agreed(known: dict[Any, Any], key: Any, value: Any, name: str) -> None:
    """Take note of a record.

    Raises:
        NoState: Another one is there already.
    """
    if known.setdefault(key, value) != value:
        raise NoState(f"the witness has two different records for {name}")


def lay_positions(
    records: dict[RecordKey, Any], markets: dict[int, Market], scene: Scene, item: Stored, account: int
) -> None:
    """Put the other positions of an account into its slots.

    Raises:
        NoState: They do not fit.
    """
    skip = -1 if item.access.skip is None else int(key_of(item.access.skip, scene.operation))
    slots = [slot for slot in range(POSITION_SLOTS) if slot != skip][: len(item.before)]
    for slot, (position, price, market) in zip(slots, item.before, strict=True):
        agreed(records, RecordKey(Position, account * POSITION_SLOTS + slot), position, f"slot {slot}")
        agreed(records, RecordKey(MarketPrice, position.market), price, f"price of market {position.market}")
        agreed(markets, position.market, market, f"market {position.market}")
    place = RecordKey(Account, account)
    count = max([slot + 1 for slot in slots], default=0)
    known = records.get(place, Account())
    least = count if skip < 0 else max(count, min(skip + 1, known.slots))
    records[place] = replaced(known, slots=least)


def lay_markets(records: dict[RecordKey, Any], markets: dict[int, Market], scene: Scene, item: Stored) -> None:
    """Put all other markets where no market is yet.

    Raises:
        NoState: They do not fit.
    """
    skip = -1 if item.access.skip is None else int(key_of(item.access.skip, scene.operation))
    free = (number for number in range(len(markets) + len(item.before) + 1) if number != skip)
    for number, (price, book, market) in zip(free, item.before, strict=False):
        agreed(markets, number, market, f"market {number}")
        agreed(records, RecordKey(MarketPrice, number), price, f"price of market {number}")
        agreed(records, RecordKey(MarketBook, number), book, f"book of market {number}")


def filled(parameters: Parameters, markets: dict[int, Market], records: dict[RecordKey, Any]) -> State:
    """The state of these records.

    Raises:
        NoState: A record is outside its range.
    """
    count = max(markets, default=-1) + 1
    entries = tuple(MarketEntry(f"M{number}", "1", markets.get(number, Market())) for number in range(count))
    state = State(Config("witness", replaced(parameters, markets=count), entries))
    try:
        for place, record in records.items():
            if place.record in STATE_RECORDS:
                state.put(place.record, place.key, record)
    except OutOfRangeError as error:
        raise NoState(str(error)) from None
    state.commit()
    return state


@attrs.frozen
class Change:
    """A word that the machine changed."""

    place: str
    unit: Unit
    before: int
    after: int


def in_the_machine(scene: Scene) -> list[Change]:
    """Apply the operation of a witness to a whole state, and say what changed.

    Raises:
        NoState: There is none, or the operation is rejected in it.
    """
    if type(scene.operation) not in RUNNERS:
        raise NoState(f"{scene.rule.name} is applied with its batch, to the digests of a whole state")
    state = laid_out(scene)
    before = state.copy()
    try:
        Machine(state).apply(scene.operation)
    except (Rejected, OutOfRangeError) as error:
        raise NoState(f"the machine refuses it in the state laid out: {error}") from None
    except (ZeroDivisionError, AttributeError, TypeError) as error:
        raise NoState(f"the machine breaks down on it: {type(error).__name__}: {error}") from None
    changes: list[Change] = []
    for place, after in state.commit().items():
        old = before.get(place.record, place.key)
        for item in attrs.fields(place.record):
            one, other = getattr(old, item.name), getattr(after, item.name)
            if one != other and not isinstance(one, tuple):
                name = f"{place.record.__name__} {place.key}.{item.name}"
                changes.append(Change(name, item.metadata["field"].unit, int(one), int(other)))
    return changes
