"""A reading of the rules that goes on after a false guard, and keeps every guard with the numbers it compared.

It runs the same functions on terms that wrap known integers, so it is as total as the rules: a divisor that a guard
would have refused counts as one.
"""

from collections.abc import Callable
from typing import Any

import attrs
from attrs import frozen

from perp_hash.digest import hash_words
from perp_reference.core.machine import RUNNERS, rule_of
from perp_reference.core.state import State
from perp_spec.language import Plain, Rejected, reading_as
from perp_spec.perpetual.reasons import SENTENCES, Reason


@frozen
class Comparison:
    """Two numbers a guard compared."""

    left: int
    relation: str
    """One of < <= > >= == !=, or "<= (products)" where both are products."""
    right: int
    holds: bool


@frozen
class Guard:
    """One guard of a rule, evaluated."""

    reason: Reason
    holds: bool
    comparisons: tuple[Comparison, ...]
    """What the guard looked at, in order; flags compare nothing."""
    deciding: tuple[Comparison, ...] = attrs.field(default=(), eq=False)
    """Those of them that made the guard hold, or not: of an alternative that does not hold all, of one that holds those
    that do. A comparison that holds can be what makes a guard fail, where the guard asks that it does not."""

    @property
    def sentence(self) -> str:
        """What it means that the guard does not hold."""
        return SENTENCES[self.reason]


class Known:
    """A term whose value is known.

    `comparisons` is what a condition was made from, `deciding` what of it made the condition what it is.
    """

    __slots__ = ("comparisons", "deciding", "reading", "value")

    def __init__(
        self,
        reading: "Explaining",
        value: Any,
        comparisons: tuple[Comparison, ...] = (),
        deciding: tuple[Comparison, ...] = (),
    ) -> None:
        self.reading = reading
        self.value = value
        self.comparisons = comparisons
        self.deciding = deciding

    def __bool__(self) -> bool:
        """A rule never branches on a term.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a rule branches on a value")

    def __hash__(self) -> int:
        """Terms are compared by the rules only, never kept in sets.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a term has no hash")

    def __add__(self, other: Any) -> "Known":
        return Known(self.reading, self.value + raw(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Known":
        return Known(self.reading, self.value - raw(other))

    def __rsub__(self, other: Any) -> "Known":
        return Known(self.reading, raw(other) - self.value)

    def __mul__(self, other: Any) -> "Known":
        return Known(self.reading, self.value * raw(other))

    __rmul__ = __mul__

    def __neg__(self) -> "Known":
        return Known(self.reading, -self.value)

    def _compared(self, relation: str, other: Any, holds: bool) -> "Known":
        compared = (Comparison(self.value, relation, raw(other), holds),)
        return Known(self.reading, holds, compared, compared)

    def _joined(self, value: Any, other: Any) -> "Known":
        """This and another condition as one: decided by those of the two that are what the whole is."""
        alike = [side for side in (self, other) if raw(side) == value]
        deciding = tuple(comparison for side in alike for comparison in decided(side))
        return Known(self.reading, value, self.comparisons + seen(other), deciding)

    def __lt__(self, other: Any) -> "Known":
        return self._compared("<", other, self.value < raw(other))

    def __le__(self, other: Any) -> "Known":
        return self._compared("<=", other, self.value <= raw(other))

    def __gt__(self, other: Any) -> "Known":
        return self._compared(">", other, self.value > raw(other))

    def __ge__(self, other: Any) -> "Known":
        return self._compared(">=", other, self.value >= raw(other))

    def __eq__(self, other: object) -> Any:
        return self._compared("==", other, self.value == raw(other))

    def __ne__(self, other: object) -> Any:
        return self._compared("!=", other, self.value != raw(other))

    def __and__(self, other: Any) -> "Known":
        return self._joined(self.value & raw(other), other)

    __rand__ = __and__

    def __or__(self, other: Any) -> "Known":
        return self._joined(self.value | raw(other), other)

    __ror__ = __or__

    def __xor__(self, other: Any) -> "Known":
        return Known(
            self.reading, self.value ^ raw(other), self.comparisons + seen(other), self.deciding + decided(other)
        )

    __rxor__ = __xor__


def raw(value: Any) -> Any:
    """The value of a term, or the value itself."""
    return value.value if isinstance(value, Known) else value


def seen(value: Any) -> tuple[Comparison, ...]:
    """What a condition was made from."""
    return value.comparisons if isinstance(value, Known) else ()


def decided(value: Any) -> tuple[Comparison, ...]:
    """What made a condition what it is."""
    return value.deciding if isinstance(value, Known) else ()


def once(comparisons: tuple[Comparison, ...]) -> tuple[Comparison, ...]:
    """Comparisons, each once."""
    return tuple(dict.fromkeys(comparisons))


class Explaining(Plain):
    """Evaluates with known values and collects every guard. Inside an attempt a false guard still ends the attempt."""

    def __init__(self) -> None:
        self.guards: list[Guard] = []
        self._attempts = 0

    def wrap(self, value: Any) -> Any:
        """A word, flag, record or tuple of them with every value wrapped in a term."""
        if isinstance(value, bool | int):
            return Known(self, value)
        if isinstance(value, tuple):
            parts = [self.wrap(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)  # pyright: ignore[reportUnknownVariableType]
        names = [attribute.name for attribute in attrs.fields(type(value))]
        return type(value)(**{name: self.wrap(getattr(value, name)) for name in names})

    def require(self, condition: Any, reason: Reason) -> None:
        """Collect a guard; inside an attempt a false one ends the attempt."""
        if self._attempts:
            if not raw(condition):
                raise Rejected(reason)
            return
        self.guards.append(Guard(reason, raw(condition), once(seen(condition)), once(decided(condition))))

    def select(self, condition: Any, yes: Any, no: Any) -> Any:
        """The chosen value, a term even where the rule names a constant; a flag remembers what it was chosen by."""
        chosen = yes if raw(condition) else no
        if isinstance(raw(chosen), bool):
            return Known(self, raw(chosen), seen(condition) + seen(chosen), decided(condition) + decided(chosen))
        return Known(self, chosen) if isinstance(chosen, int) else chosen

    def mul_div_floor(self, a: Any, b: Any, c: Any) -> Known:
        """A quotient toward minus infinity."""
        return Known(self, raw(a) * raw(b) // max(raw(c), 1))

    def mul_div_ceil(self, a: Any, b: Any, c: Any) -> Known:
        """A quotient toward plus infinity."""
        return Known(self, -(-raw(a) * raw(b) // max(raw(c), 1)))

    def mul_div_remainder(self, a: Any, b: Any, c: Any) -> Known:
        """The remainder of `mul_div_floor`."""
        return Known(self, raw(a) * raw(b) % max(raw(c), 1))

    def product_le(self, a: Any, b: Any, c: Any, d: Any) -> Known:
        """A comparison of two products."""
        left, right = raw(a) * raw(b), raw(c) * raw(d)
        compared = (Comparison(left, "<= (products)", right, left <= right),)
        return Known(self, left <= right, compared, compared)

    def digest(self, tag: int, digests: tuple[Any, ...], words: tuple[Any, ...]) -> Known:
        """A digest."""
        return Known(self, hash_words(tag, [raw(value) for value in digests], [raw(value) for value in words]))

    def call_if(self, flag: Any, function: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> Any:
        """Call where the flag holds."""
        return function(*arguments) if raw(flag) else otherwise

    def attempt(self, rule: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> tuple[Any, Any]:
        """Run a rule whose rejection is a result; the code is a term, so that a guard on it is collected."""
        self._attempts += 1
        try:
            code, result = super().attempt(rule, arguments, otherwise)
        finally:
            self._attempts -= 1
        return Known(self, code), result


def guards_of(function: Callable[..., Any], arguments: list[Any]) -> list[Guard]:
    """Evaluate a rule on plain values; every guard in order, the false ones included."""
    reading = Explaining()
    with reading_as(reading):
        function(*[reading.wrap(argument) for argument in arguments])
    return reading.guards


def explain(state: State, operation: Any) -> list[Guard]:
    """Every guard of an operation in a state, in order, without applying it."""
    runner = RUNNERS[rule_of(operation).operation]
    return guards_of(runner.function, [operation, *runner.load(state, operation)])


def violated(guards: list[Guard]) -> tuple[Reason, ...]:
    """The reasons of the false guards, each once, in order of their first."""
    return tuple(dict.fromkeys(guard.reason for guard in guards if not guard.holds))
