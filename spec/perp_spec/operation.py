"""How a rule declares itself: the operation it applies, and the records it loads and stores.

A footprint is data, so that the machine, the proofs, the recorder and the documentation all read the same one. Each
record is loaded once and stored at most once. A rule takes the operation and then what its footprint loads, in order,
and returns what its footprint stores, in order.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

from attrs import frozen

Key = str | int | Callable[[Any], int]
"""Where a key comes from: a dotted path into the operation, a constant, or a function of the operation."""


class Shape(Enum):
    """How many records an access is about."""

    ONE = "one"
    HELD = "held"
    """All positions of an account below its count of slots, each joined with its market's price and configuration.

    Less one slot where `skip` names it.
    """
    MARKETS = "markets"
    """Price, book and configuration of every configured market, in order of id; less one where `skip` names it."""


@frozen
class Access:
    """One entry of a footprint."""

    shape: Shape
    record: type[Any] | None
    """Class of the record, where it is one record."""
    keys: tuple[Key, ...]
    """Keys, outermost first: none for a global record, (account, slot) for a position."""
    stores: bool
    skip: Key | None = None


def reads(record: type[Any], *keys: Key) -> Access:
    """Load one record."""
    return Access(Shape.ONE, record, keys, False)


def updates(record: type[Any], *keys: Key) -> Access:
    """Load one record and store it."""
    return Access(Shape.ONE, record, keys, True)


def reads_held(account: Key, skip: Key | None = None) -> Access:
    """Load the positions of an account, less the one in slot `skip`."""
    return Access(Shape.HELD, None, (account,), False, skip)


def updates_held(account: Key, skip: Key | None = None) -> Access:
    """Load and store the positions of an account, less the one in slot `skip`."""
    return Access(Shape.HELD, None, (account,), True, skip)


def updates_markets(skip: Key | None = None) -> Access:
    """Load and store (price, book) of every configured market, less `skip`."""
    return Access(Shape.MARKETS, None, (), True, skip)


@frozen
class Rule:
    """An operation's rule."""

    name: str
    operation: type[Any]
    function: Callable[..., Any]
    footprint: tuple[Access, ...]


class RuleSet:
    """The rules of one exchange, by the name of the operation."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rules: dict[str, Rule] = {}

    def operation(self, kind: type[Any], *footprint: Access) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function as the rule of an operation."""

        def mark(function: Callable[..., Any]) -> Callable[..., Any]:
            name = function.__name__
            if name in self.rules:
                raise ValueError(f"{self.name} has two rules named {name}")
            self.rules[name] = Rule(name, kind, function, footprint)
            return function

        return mark


def key_of(key: Key, operation: Any) -> Any:
    """The value of a key for an operation."""
    if isinstance(key, int):
        return key
    if isinstance(key, str):
        value = operation
        for name in key.split("."):
            value = getattr(value, name)
        return value
    return key(operation)
