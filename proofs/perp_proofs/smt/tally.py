"""A reading in plain integers that takes note of every word that leaves the range of words.

It is where a counterexample about overflow is run again: each operator and each quotient of a rule's text is looked at.
"""

from collections.abc import Callable
from typing import Any

import attrs

from perp_hash.digest import hash_words
from perp_spec.language import Rejected, reading_as
from perp_spec.words import WORD_MAX


class Tally:
    """What happened while a rule ran."""

    def __init__(self) -> None:
        self.beyond: list[int] = []
        """Words out of range, in order."""

    def known(self, value: int) -> "Known":
        """A word of the rule's text."""
        if not -WORD_MAX <= value <= WORD_MAX:
            self.beyond.append(value)
        return Known(self, value)

    def mul_div_floor(self, a: Any, b: Any, c: Any) -> "Known":
        """A quotient toward minus infinity."""
        return self.known(int(a) * int(b) // int(c))

    def mul_div_ceil(self, a: Any, b: Any, c: Any) -> "Known":
        """A quotient toward plus infinity."""
        return self.known(-(-int(a) * int(b) // int(c)))

    def mul_div_remainder(self, a: Any, b: Any, c: Any) -> "Known":
        """What a quotient toward minus infinity leaves."""
        return self.known(int(a) * int(b) % int(c))

    def product_le(self, a: Any, b: Any, c: Any, d: Any) -> bool:
        """A comparison of two products."""
        return int(a) * int(b) <= int(c) * int(d)

    def digest(self, tag: int, digests: tuple[Any, ...], words: tuple[Any, ...]) -> int:
        """A digest."""
        return hash_words(tag, tuple(map(int, digests)), tuple(map(int, words)))

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a rule; None where it rejects."""
        try:
            with reading_as(None):
                return function(*(wrapped(self, argument) for argument in arguments))
        except Rejected:
            return None


class Known:
    """A word whose value is known."""

    __slots__ = ("reading", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, reading: Tally, value: int) -> None:
        self.reading = reading
        self.value = value

    def __int__(self) -> int:
        return self.value

    def __add__(self, other: Any) -> "Known":
        return self.reading.known(self.value + int(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Known":
        return self.reading.known(self.value - int(other))

    def __rsub__(self, other: Any) -> "Known":
        return self.reading.known(int(other) - self.value)

    def __neg__(self) -> "Known":
        return self.reading.known(-self.value)

    def __mul__(self, other: Any) -> "Known":
        return self.reading.known(self.value * int(other))

    __rmul__ = __mul__

    def __ge__(self, other: Any) -> bool:
        return self.value >= int(other)

    def __le__(self, other: Any) -> bool:
        return self.value <= int(other)

    def __gt__(self, other: Any) -> bool:
        return self.value > int(other)

    def __lt__(self, other: Any) -> bool:
        return self.value < int(other)

    def __eq__(self, other: object) -> bool:
        return self.value == int(other)  # type: ignore[call-overload]

    def __ne__(self, other: object) -> bool:
        return self.value != int(other)  # type: ignore[call-overload]


def wrapped(tally: Tally, value: Any) -> Any:
    """A record or a tuple with each word made one that is looked at; flags stay."""
    if type(value) is int:
        return Known(tally, value)
    if attrs.has(type(value)):
        fields = attrs.fields(type(value))
        return type(value)(**{field.name: wrapped(tally, getattr(value, field.name)) for field in fields})
    if isinstance(value, tuple):
        parts = [wrapped(tally, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


def plain(value: Any) -> Any:
    """The same with plain integers again."""
    if isinstance(value, Known):
        return value.value
    if attrs.has(type(value)):
        fields = attrs.fields(type(value))
        return type(value)(**{field.name: plain(getattr(value, field.name)) for field in fields})
    if isinstance(value, tuple):
        parts = [plain(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value
