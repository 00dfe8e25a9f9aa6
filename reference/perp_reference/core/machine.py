"""The machine: loads what a rule's footprint names, runs the rule on plain ints, stores what it returns.

It runs a rule as one function of plain Python that is made of its text when the rule is first used, or its text itself.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from perp_reference.core.compiled import Function, compiled, itself
from perp_reference.core.state import SLOTS_OF, State
from perp_spec.language import Rejected
from perp_spec.operation import Access, Key, Rule, Shape
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.records import Account, Market, MarketBook, MarketPrice, Parameters, Position
from perp_spec.words import POSITION_SLOTS

__all__ = ["Machine", "Rejected", "rule_of"]

KeyGetter = Callable[[Any], int]
Loader = Callable[[State, Any], Any]
Storer = Callable[[State, Any, Any], None]


def rule_of(operation: Any) -> Rule:
    """The rule of an operation.

    Raises:
        KeyError: It is no operation of the rule set.
    """
    return RULES[type(operation)]


RULES: dict[type[Any], Rule] = {rule.operation: rule for rule in PERPETUAL.rules.values()}

assert rules.__all__, "importing the rules registers them"


def key_getter(keys: tuple[Key, ...], record: type[Any] | None) -> KeyGetter:
    """A function from an operation to the key of a record."""
    if not keys:
        return lambda _: 0
    parts = [part_getter(key) for key in keys]
    first = parts[0]
    if len(parts) == 1:
        return first
    second = parts[1]
    slots = SLOTS_OF[record or Position]
    return lambda operation: first(operation) * slots + second(operation)


def part_getter(key: Key) -> KeyGetter:
    """A function from an operation to one part of a key."""
    if isinstance(key, int):
        return lambda _: key
    if isinstance(key, str):
        return attrgetter(key)
    return key


def loader(access: Access) -> Loader:
    """A function that loads what an access names."""
    if access.shape is Shape.HELD:
        account = part_getter(access.keys[0])
        skip = part_getter(-1 if access.skip is None else access.skip)
        return lambda state, operation: state.held(account(operation), skip(operation))
    if access.shape is Shape.MARKETS:
        skip = part_getter(-1 if access.skip is None else access.skip)
        return lambda state, operation: markets_but(state, skip(operation))
    record, key = access.record, key_getter(access.keys, access.record)
    assert record is not None
    if record is Parameters:
        return lambda state, _: state.parameters
    if record is Market:
        return lambda state, operation: state.market(key(operation))
    return lambda state, operation: state.get(record, key(operation))


def markets_but(state: State, skip: int) -> tuple[tuple[MarketPrice, MarketBook, Market], ...]:
    """Price, book and configuration of every configured market but `skip`, in order of id."""
    return tuple(
        (state.get(MarketPrice, number), state.get(MarketBook, number), market)
        for number, market in enumerate(state.markets)
        if number != skip
    )


def storer(access: Access) -> Storer:
    """A function that stores what a rule returned for an access."""
    if access.shape is Shape.HELD:
        account = part_getter(access.keys[0])
        skip = part_getter(-1 if access.skip is None else access.skip)

        def store_held(state: State, operation: Any, positions: Any) -> None:
            number = account(operation)
            left_out = skip(operation)
            slots = [slot for slot in range(state.get(Account, number).slots) if slot != left_out]
            for slot, position in zip(slots, positions, strict=True):
                state.put(Position, number * POSITION_SLOTS + slot, position)

        return store_held
    if access.shape is Shape.MARKETS:
        skip = part_getter(-1 if access.skip is None else access.skip)

        def store_markets(state: State, operation: Any, records: Any) -> None:
            left_out = skip(operation)
            numbers = [number for number in range(len(state.markets)) if number != left_out]
            for number, (price, book) in zip(numbers, records, strict=True):
                state.put(MarketPrice, number, price)
                state.put(MarketBook, number, book)

        return store_markets
    record, key = access.record, key_getter(access.keys, access.record)
    assert record is not None
    return lambda state, operation, value: state.put(record, key(operation), value)


class Runner:
    """A rule with its footprint made ready to run.

    Attributes:
        function: The rule's text.
        reading: What is run of the text.
    """

    def __init__(self, rule: Rule, reading: Callable[[Function], Function] = compiled) -> None:
        self.function = rule.function
        self.reading = reading
        self.loaders = tuple(loader(access) for access in rule.footprint)
        self.storers = tuple(storer(access) for access in rule.footprint if access.stores)

    def load(self, state: State, operation: Any) -> list[Any]:
        """What the rule takes after its operation."""
        return [load(state, operation) for load in self.loaders]

    def run(self, state: State, operation: Any) -> None:
        """Apply the rule; the state is untouched where it rejects.

        Raises:
            Rejected: A guard is false.
            OutOfRangeError: The rule would store a value outside its range; the journal must be rolled back.
        """
        results = self.reading(self.function)(operation, *[load(state, operation) for load in self.loaders])
        for store, result in zip(self.storers, results, strict=True):
            store(state, operation, result)


Runners = Mapping[type[Any], Runner]

RUNNERS: Runners = {kind: Runner(rule) for kind, rule in RULES.items()}
BY_TEXT: Runners = {kind: Runner(rule, itself) for kind, rule in RULES.items()}
"""The same, but the text of each rule is run."""


class Machine:
    """Applies operations to a state, one at a time."""

    def __init__(self, state: State) -> None:
        self.state = state

    def apply(self, operation: Any) -> None:
        """Apply one operation; the state is untouched where it rejects.

        Raises:
            Rejected: A guard is false.
        """
        RUNNERS[type(operation)].run(self.state, operation)
