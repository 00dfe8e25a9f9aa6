"""What the kit asks of a rule set, and the two that it serves."""

from functools import cache
from typing import Any, Protocol

from attrs import frozen

from perp_reference.formats.text import Refused, described


class Unsupported(Exception):
    """A configuration or an operation that this rule set's reference cannot have."""


@frozen
class Applied:
    """What the reference says of an operation."""

    reason: str | None
    """Of the first false guard; None where the operation is accepted."""
    delta: dict[str, Any]
    """What changed: path and new value; empty where the operation is rejected."""
    outputs: dict[str, Any]
    """What it says to the outside."""


class Session(Protocol):
    """A state under one configuration."""

    def load(self, pre: Any) -> None:
        """Take a state.

        Raises:
            Refused: It breaks the format.
        """
        ...

    def apply(self, name: str, arguments: Any) -> Applied:
        """Apply an operation.

        Raises:
            Refused: It breaks the format.
        """
        ...

    def violated(self, name: str, arguments: Any) -> tuple[str, ...]:
        """The reasons of all false guards of an operation, each once, without applying it."""
        ...

    def root(self) -> str:
        """The root of the state."""
        ...

    def state(self) -> dict[str, Any]:
        """The whole state."""
        ...


class RuleBook(Protocol):
    """A rule set as the kit uses it."""

    name: str
    operations: tuple[str, ...]
    zero_is_absent: bool
    """A field that is zero is the same as one that is not there."""

    def configure(self, config: Any) -> Session:
        """A session with a configuration.

        Raises:
            Refused: It breaks the format.
            Unsupported: It breaks a bound of the rules.
        """
        ...

    def in_words(self, path: str, value: Any, config: Any) -> str:
        """A value of a delta with its unit, for people; empty where there is nothing to add."""
        ...

    def sentence(self, reason: str) -> str:
        """What a reason means."""
        ...

    def page_of(self, operation: str) -> str:
        """Where the rule of an operation is described, relative to docs."""
        ...


RULE_SETS = ("perpetual", "starkex")


@cache
def rule_book(name: str) -> RuleBook:
    """A rule set by its name.

    Raises:
        Refused: There is none.
    """
    if name == "perpetual":
        from perp_reference.conformance.perpetual import PERPETUAL_BOOK  # noqa: PLC0415 - each is heavy

        return PERPETUAL_BOOK
    if name == "starkex":
        from perp_reference.conformance.starkex import STARKEX_BOOK  # noqa: PLC0415

        return STARKEX_BOOK
    raise Refused(f"one of {', '.join(RULE_SETS)}", described(name), "rules")


ZEROS = ("0", False, "0" * 64)


def is_zero(value: Any) -> bool:
    """Whether a value of a field is what an absent record reads as."""
    return all(item in ZEROS for item in value) if type(value) is list else value in ZEROS


def flat(book: RuleBook, state: Any) -> dict[str, Any]:
    """A state as paths and values, so that two states are equal if these are."""
    found: dict[str, Any] = {}
    spread("", state, found)
    return {path: value for path, value in found.items() if not is_zero(value)} if book.zero_is_absent else found


def spread(path: str, value: Any, found: dict[str, Any]) -> None:
    """Add the values below a path."""
    if type(value) is dict:
        for name, inner in value.items():
            spread(f"{path}/{name}", inner, found)
    else:
        found[path] = value


def after_delta(book: RuleBook, before: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    """A flat state after a delta."""
    after = {**before, **delta}
    for path, value in delta.items():
        if value is None or (book.zero_is_absent and is_zero(value)):
            after.pop(path, None)
    return after


Path = tuple[str | int, ...]
"""Names and places that lead to a value."""


def leaves(value: Any, above: Path = ()) -> dict[Path, Any]:
    """Every string and flag in a JSON value, by its path."""
    if type(value) is dict:
        return {path: leaf for name, inner in value.items() for path, leaf in leaves(inner, (*above, name)).items()}
    if type(value) is list:
        return {
            path: leaf for place, inner in enumerate(value) for path, leaf in leaves(inner, (*above, place)).items()
        }
    return {above: value}


def replaced(value: Any, path: Path, leaf: Any) -> Any:
    """A JSON value with the value at a path replaced."""
    if not path:
        return leaf
    first, *rest = path
    if type(value) is list:
        assert isinstance(first, int)
        return [*value[:first], replaced(value[first], tuple(rest), leaf), *value[first + 1 :]]
    return {**value, first: replaced(value[first], tuple(rest), leaf)}


def without(value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """An object without the member at a path, and without objects that this leaves empty."""
    first, *rest = path
    if not rest:
        return {name: inner for name, inner in value.items() if name != first}
    inner = without(value[first], tuple(rest))
    return {**value, first: inner} if inner else {name: other for name, other in value.items() if name != first}
