"""The language of the rules: a few primitives that plain integers and symbolic terms both understand.

A rule is straight-line: it has no branch on a value, no loop over values and no division operator. Scalars dispatch
on their own type: `int` and `bool` take the fast path, anything else is a term that carries its `reading` and has the
operators `+ - *`, the comparisons, and `& | ^` on conditions (used here only, rules say both, either and negate). The
primitives that shape a program (a table call, a sum over positions, a conditional call, an attempt) dispatch on the
reading that is active, `None` for plain integers.

A term must refuse to become a truth value, so that a branch forgotten in a rule is an error in every reading but the
plain one, and a test on the syntax tree finds it there.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache, wraps
from operator import add
from typing import Any, NoReturn, Protocol, TypeVar

import attrs

from perp_hash.digest import hash_words

T = TypeVar("T")


class Rejected(Exception):
    """A guard is false: the operation does not happen. `reason` is a member of the rule set's enumeration."""

    def __init__(self, reason: Any) -> None:
        super().__init__(reason.name)
        self.reason = reason


class Reading(Protocol):
    """What another reading of the rules gives meaning to: one method for each primitive."""

    def require(self, condition: Any, reason: Any) -> None:
        """A guard."""
        ...

    def select(self, condition: Any, yes: Any, no: Any) -> Any:
        """One of two values."""
        ...

    def mul_div_floor(self, a: Any, b: Any, c: Any) -> Any:
        """A quotient toward minus infinity."""
        ...

    def mul_div_ceil(self, a: Any, b: Any, c: Any) -> Any:
        """A quotient toward plus infinity."""
        ...

    def mul_div_remainder(self, a: Any, b: Any, c: Any) -> Any:
        """The remainder of mul_div_floor."""
        ...

    def product_le(self, a: Any, b: Any, c: Any, d: Any) -> Any:
        """A comparison of two products."""
        ...

    def digest(self, tag: int, digests: tuple[Any, ...], words: tuple[Any, ...]) -> Any:
        """A digest."""
        ...

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """A call of a table."""
        ...

    def sweep(self, term: Callable[..., Any], items: Any, extra: tuple[Any, ...]) -> Any:
        """A visit of records, storing them and adding up."""
        ...

    def total(self, term: Callable[..., Any], items: Any, extra: tuple[Any, ...]) -> Any:
        """A sum over records."""
        ...

    def fold(self, step: Callable[..., Any], items: Any, carry: Any, extra: tuple[Any, ...]) -> Any:
        """A visit of records in order."""
        ...

    def call_if(self, flag: Any, function: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> Any:
        """A conditional call."""
        ...

    def attempt(self, rule: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> Any:
        """A rule whose rejection is a result."""
        ...


_active: list[Reading | None] = [None]


@contextmanager
def reading_as(reading: Reading | None) -> Generator[None]:
    """Run rules under `reading`; `None` is the plain one."""
    _active.append(reading)
    try:
        yield
    finally:
        _active.pop()


def _not_a_word(*values: Any) -> NoReturn:
    raise TypeError("expected words, got " + ", ".join(type(value).__name__ for value in values))


def _reading_of(*values: Any) -> Any:
    for value in values:
        reading = getattr(value, "reading", None)
        if reading is not None:
            return reading
    _not_a_word(*values)


# Scalars


def require(condition: bool, reason: Any) -> None:
    """A guard: the operation is rejected with `reason` unless the condition holds."""
    if condition is True:
        return
    if condition is False:
        raise Rejected(reason)
    _reading_of(condition).require(condition, reason)


def require_if(active: bool, condition: bool, reason: Any) -> None:
    """A guard that counts only where `active` holds."""
    if active is False:
        return
    require(either(negate(active), condition), reason)


def select(condition: bool, yes: T, no: T) -> T:
    """`yes` where the condition holds, else `no`; for words, flags, records and tuples of them."""
    if condition is True:
        return yes
    if condition is False:
        return no
    return _reading_of(condition).select(condition, yes, no)


def both(first: bool, second: bool, *others: bool) -> bool:
    """True where every condition holds. All of them are evaluated."""
    result = first & second
    for condition in others:
        result = result & condition
    return result


def either(first: bool, second: bool, *others: bool) -> bool:
    """True where some condition holds. All of them are evaluated."""
    result = first | second
    for condition in others:
        result = result | condition
    return result


def negate(condition: bool) -> bool:
    """True where the condition does not hold."""
    return condition ^ True


def indicator(condition: bool) -> int:
    """1 where the condition holds, else 0."""
    return select(condition, 1, 0)


def absolute(value: int) -> int:
    """The magnitude of a word."""
    return select(value < 0, -value, value)


def minimum(first: int, second: int) -> int:
    """The smaller of two words."""
    return select(first <= second, first, second)


def maximum(first: int, second: int) -> int:
    """The larger of two words."""
    return select(first >= second, first, second)


def clamp(value: int, low: int, high: int) -> int:
    """The word of [low, high] nearest to `value`; needs low <= high."""
    return minimum(maximum(value, low), high)


def median(first: int, second: int, third: int) -> int:
    """The middle one of three words."""
    low = minimum(first, second)
    high = maximum(first, second)
    return clamp(third, low, high)


def mul_div_floor(a: int, b: int, c: int) -> int:
    """a * b / c toward minus infinity, the product exact; needs c > 0 and a result that is a word."""
    if type(a) is int and type(b) is int and type(c) is int:
        return a * b // c
    return _reading_of(a, b, c).mul_div_floor(a, b, c)


def mul_div_ceil(a: int, b: int, c: int) -> int:
    """a * b / c toward plus infinity, the product exact; needs c > 0 and a result that is a word."""
    if type(a) is int and type(b) is int and type(c) is int:
        return -(-a * b // c)
    return _reading_of(a, b, c).mul_div_ceil(a, b, c)


def mul_div_remainder(a: int, b: int, c: int) -> int:
    """a * b - c * mul_div_floor(a, b, c): in [0, c)."""
    if type(a) is int and type(b) is int and type(c) is int:
        return a * b % c
    return _reading_of(a, b, c).mul_div_remainder(a, b, c)


def mul_div_truncate(a: int, b: int, c: int) -> int:
    """a * b / c toward zero; needs b >= 0 and c > 0."""
    return select(a >= 0, mul_div_floor(a, b, c), mul_div_ceil(a, b, c))


def product_le(a: int, b: int, c: int, d: int) -> bool:
    """a * b <= c * d, both products exact."""
    if type(a) is int and type(b) is int and type(c) is int and type(d) is int:
        return a * b <= c * d
    return _reading_of(a, b, c, d).product_le(a, b, c, d)


def digest(tag: int, digests: tuple[int, ...], words: tuple[int, ...]) -> int:
    """The digest of some digests followed by some words, under a domain tag of the hash suite."""
    for value in digests + words:
        if type(value) is not int:
            return _reading_of(*digests, *words).digest(tag, digests, words)
    return hash_words(tag, digests, words)


# Records


@cache
def _fields_of(kind: type[Any]) -> tuple[str, ...]:
    return tuple(attrs.fields_dict(kind))


def changed(record: T, **changes: Any) -> T:
    """The record with other values in the fields named."""
    kind = type(record)
    return kind(*[changes[name] if name in changes else getattr(record, name) for name in _fields_of(kind)])


# The shape of a program


class Plain:
    """What the primitives that shape a program mean where every value is known: integers, or terms that wrap them."""

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Call a table."""
        return function(*arguments)

    def sweep(self, term: Callable[..., Any], items: Any, extra: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Visit records once; the records to store, and the sums."""
        function: Callable[..., Any] = getattr(term, "__wrapped__")  # noqa: B009
        stored: list[Any] = []
        sums: tuple[Any, ...] | None = None
        for item in items:
            record, summands = function(*item, *extra)
            stored.append(record)
            sums = summands if sums is None else tuple(map(add, sums, summands))
        return tuple(stored), (0,) * width_of(term) if sums is None else sums

    def total(self, term: Callable[..., Any], items: Any, extra: tuple[Any, ...]) -> tuple[Any, ...]:
        """Sum over records."""
        function: Callable[..., Any] = getattr(term, "__wrapped__")  # noqa: B009
        sums: tuple[Any, ...] = (0,) * width_of(term)
        for item in items:
            sums = tuple(map(add, sums, function(*item, *extra)))
        return sums

    def fold(self, step: Callable[..., Any], items: Any, carry: Any, extra: tuple[Any, ...]) -> tuple[Any, Any]:
        """Visit records in order; the records to store, and the last carry."""
        function: Callable[..., Any] = getattr(step, "__wrapped__")  # noqa: B009
        stored: list[Any] = []
        for item in items:
            record, carry = function(carry, *item, *extra)
            stored.append(record)
        return tuple(stored), carry

    def call_if(self, flag: Any, function: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> Any:
        """Call where the flag holds."""
        if flag is True:
            return function(*arguments)
        if flag is False:
            return otherwise
        _not_a_word(flag)

    def attempt(self, rule: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> tuple[Any, Any]:
        """Run a rule whose rejection is a result."""
        try:
            return 0, rule(*arguments)
        except Rejected as rejection:
            return int(rejection.reason), otherwise


PLAIN = Plain()


def shaping() -> Any:
    """The reading that shapes the program now."""
    return _active[-1] or PLAIN


def width_of(term: Callable[..., Any]) -> int:
    """How many sums the term of a `total` or a `sweep` adds up."""
    return getattr(term, "width")  # noqa: B009


def table(width: int = 0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as a table of its own: in the recorded program one call is one row.

    `width` is the number of sums it adds up where it is the term of a `total` or a `sweep`.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*arguments: Any) -> Any:
            reading = _active[-1]
            if reading is None:
                return function(*arguments)
            return reading.call(function, arguments)

        setattr(call, "width", width)  # noqa: B010
        return call

    return mark


def cut(function: Callable[..., T]) -> Callable[..., T]:
    """Mark a function as a place where a proof may go on from what the function promises, as at a table.

    It is no table: for integers and for the recorded program it is part of its caller.
    """

    @wraps(function)
    def call(*arguments: Any) -> T:
        at_cut = getattr(_active[-1], "cut", None)
        return function(*arguments) if at_cut is None else at_cut(function, arguments)

    return call


def sweep(term: Callable[..., Any], items: Any, *extra: Any) -> tuple[Any, tuple[int, ...]]:
    """Visit distinct records once: `term(*item, *extra)` returns (record to store, its summands).

    Returns the records to store, in order, and the sums.
    """
    return shaping().sweep(term, items, extra)


def total(term: Callable[..., Any], items: Any, *extra: Any) -> tuple[int, ...]:
    """Sum `term(*item, *extra)`, a tuple of words, over distinct records without storing any."""
    return shaping().total(term, items, extra)


def fold(step: Callable[..., Any], items: Any, carry: Any, *extra: Any) -> tuple[Any, Any]:
    """Visit distinct records in order: `step(carry, *item, *extra)` returns (record to store, next carry).

    Returns the records to store, in order, and the last carry.
    """
    return shaping().fold(step, items, carry, extra)


def call_if(flag: bool, function: Callable[..., Any], *arguments: Any, otherwise: Any) -> Any:
    """`function(*arguments)` where the flag holds, else `otherwise`: a call paid for only when it happens.

    Guards of the function count only where the flag holds.
    """
    return shaping().call_if(flag, function, arguments, otherwise)


def attempt(rule: Callable[..., Any], *arguments: Any, otherwise: Any) -> tuple[int, Any]:
    """(0, what the rule returns), or (the code of its first false guard, `otherwise`)."""
    return shaping().attempt(rule, arguments, otherwise)
