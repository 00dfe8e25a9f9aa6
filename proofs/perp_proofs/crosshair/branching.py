"""The integer reading with real branches, for a tool that runs Python on symbolic numbers.

CrossHair's numbers and conditions stand for many values until something branches on them. The plain reading asks a
condition whether it is `True` and a word whether it is an `int`, and such a value is neither; here words hold them, and
where the plain reading chooses, this one branches. Each primitive means what it does for plain integers.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import attrs

from perp_spec.language import Plain, Rejected, reading_as
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL

assert rules.__all__, "importing the rules registers them"


class Word:
    """A word or a condition that holds a number of the tool."""

    __slots__ = ("reading", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, reading: "Branching", value: Any) -> None:
        self.reading = reading
        self.value = value

    def __bool__(self) -> NoReturn:
        raise TypeError("a rule branches on a value")

    def __add__(self, other: Any) -> "Word":
        return Word(self.reading, self.value + raw(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Word":
        return Word(self.reading, self.value - raw(other))

    def __rsub__(self, other: Any) -> "Word":
        return Word(self.reading, raw(other) - self.value)

    def __mul__(self, other: Any) -> "Word":
        return Word(self.reading, self.value * raw(other))

    __rmul__ = __mul__

    def __neg__(self) -> "Word":
        return Word(self.reading, -self.value)

    def __lt__(self, other: Any) -> "Word":
        return Word(self.reading, self.value < raw(other))

    def __le__(self, other: Any) -> "Word":
        return Word(self.reading, self.value <= raw(other))

    def __gt__(self, other: Any) -> "Word":
        return Word(self.reading, self.value > raw(other))

    def __ge__(self, other: Any) -> "Word":
        return Word(self.reading, self.value >= raw(other))

    def __eq__(self, other: object) -> Any:
        return Word(self.reading, self.value == raw(other))

    def __ne__(self, other: object) -> Any:
        return Word(self.reading, self.value != raw(other))

    def __and__(self, other: Any) -> "Word":
        return Word(self.reading, bool(self.value and raw(other)))

    __rand__ = __and__

    def __or__(self, other: Any) -> "Word":
        return Word(self.reading, bool(self.value or raw(other)))

    __ror__ = __or__

    def __xor__(self, other: Any) -> "Word":
        return Word(self.reading, not self.value if raw(other) else self.value)

    __rxor__ = __xor__


def raw(value: Any) -> Any:
    """The number in a word, or the number itself."""
    return value.value if isinstance(value, Word) else value


class Branching(Plain):
    """Evaluates with numbers of the tool, branching where a value is chosen.

    Attributes:
        chain: What every digest is: a digest is a function of what is hashed, and here of nothing else is known.
    """

    def __init__(self, chain: int = 0) -> None:
        self.chain = chain

    def wrap(self, value: Any) -> Any:
        """A word, flag, record or tuple of them with every value wrapped."""
        if isinstance(value, tuple):
            places: list[Any] = [self.wrap(place) for place in value]  # pyright: ignore[reportUnknownVariableType]
            return type(value)(*places) if hasattr(value, "_fields") else tuple(places)
        if attrs.has(type(value)):
            return type(value)(*[self.wrap(getattr(value, one.name)) for one in attrs.fields(type(value))])
        return Word(self, value)

    def require(self, condition: Any, reason: Any) -> None:
        """A guard."""
        if not raw(condition):
            raise Rejected(reason)

    def select(self, condition: Any, yes: Any, no: Any) -> Any:
        """One of two values, a term even where the rule names a constant."""
        chosen = yes if raw(condition) else no
        return Word(self, chosen) if isinstance(chosen, int) else chosen

    def mul_div_floor(self, a: Any, b: Any, c: Any) -> Word:
        """A quotient toward minus infinity."""
        return Word(self, raw(a) * raw(b) // raw(c))

    def mul_div_ceil(self, a: Any, b: Any, c: Any) -> Word:
        """A quotient toward plus infinity."""
        return Word(self, -(-raw(a) * raw(b) // raw(c)))

    def mul_div_remainder(self, a: Any, b: Any, c: Any) -> Word:
        """The remainder of `mul_div_floor`."""
        return Word(self, raw(a) * raw(b) % raw(c))

    def product_le(self, a: Any, b: Any, c: Any, d: Any) -> Word:
        """A comparison of two products."""
        return Word(self, raw(a) * raw(b) <= raw(c) * raw(d))

    def digest(self, tag: int, digests: tuple[Any, ...], words: tuple[Any, ...]) -> Word:
        """Any digest."""
        assert digests or words, f"digest {tag} of nothing"
        return Word(self, self.chain)

    def call_if(self, flag: Any, function: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> Any:
        """Call where the flag holds."""
        return function(*arguments) if raw(flag) else otherwise

    def attempt(self, rule: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> tuple[Any, Any]:
        """Run a rule whose rejection is a result."""
        code, result = super().attempt(rule, arguments, otherwise)
        return Word(self, code), result


def bare(value: Any) -> Any:
    """A result with numbers for words."""
    if isinstance(value, tuple):
        places: list[Any] = [bare(place) for place in value]  # pyright: ignore[reportUnknownVariableType]
        return type(value)(*places) if hasattr(value, "_fields") else tuple(places)
    if attrs.has(type(value)):
        return type(value)(*[bare(getattr(value, one.name)) for one in attrs.fields(type(value))])
    return raw(value)


def given(function: Callable[..., Any], *arguments: Any, chain: int = 0) -> Any:
    """What a function of the rules returns, every digest being `chain`.

    Raises:
        Rejected: A guard does not hold.
    """
    reading = Branching(chain)
    with reading_as(reading):
        return bare(function(*map(reading.wrap, arguments)))


class Answer(NamedTuple):
    """What came of an operation."""

    reason: str
    """Name of the reason for which it is rejected, empty where it is accepted."""
    after: Any
    """The records that are stored; nothing where it is rejected."""

    @property
    def accepted(self) -> bool:
        """It is."""
        return self.reason == ""


def answer(rule: str, *arguments: Any, chain: int = 0) -> Answer:
    """Apply a rule."""
    return answer_of(PERPETUAL.rules[rule].function, *arguments, chain=chain)


def answer_of(function: Callable[..., Any], *arguments: Any, chain: int = 0) -> Answer:
    """Call a function of the rules that has guards."""
    try:
        return Answer("", given(function, *arguments, chain=chain))
    except Rejected as rejection:
        return Answer(rejection.reason.name, None)
