"""Reading the lines of a case file: each one JSON object, each member known, of its type and in its range."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from perp_reference.errors import MalformedInput
from perp_reference.formats.text import (
    Number,
    Refused,
    described,
    lines_of,
    malformed,
    members_of,
    read_file,
    snippet,
)
from perp_reference.starkex.pedersen import PRIME

T = TypeVar("T")

LONGEST_LINE_BYTES = 2**22
"""A batch of thousands of transactions."""

MOST_BRACKETS = 2**18
"""Arrays and objects in one line."""

DEEPEST = 32
"""Arrays and objects inside one another."""

INTEGER = re.compile(r"0|-?[1-9][0-9]{0,77}")
"""A JSON integer without sign or zeros in front that mean nothing, no longer than a field element needs."""

BRACKETS = re.compile(r"[\[\]{}]")
STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}

SIGNED = (-(PRIME // 2), PRIME - 1)
"""What a field element may be written as: around zero, or from zero."""

DECODER = json.JSONDecoder(object_pairs_hook=members_of, parse_int=Number, parse_float=Number, parse_constant=Number)


class inside:  # noqa: N801 - a context manager is named as what it does
    """Puts a member or a place in front of the path of a refusal."""

    __slots__ = ("part",)

    def __init__(self, part: str) -> None:
        self.part = part

    def __enter__(self) -> None:
        """Goes in."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Names the part on the way out of a refusal, which goes on."""
        if isinstance(error, Refused):
            error.inside(self.part)


def integer(value: Any, low: int, high: int) -> int:
    """An integer of a range.

    Raises:
        Refused: It is another JSON value, or out of range.
    """
    if type(value) is Number and INTEGER.fullmatch(value):
        number = int(value)
        if low <= number <= high:
            return number
    raise Refused(f"an integer from {low} to {high}", described(value))


def around_zero(number: int) -> int:
    """A field element as the program's inequalities take it: one above half of the field is below zero."""
    return number - PRIME if number > PRIME // 2 else number


def items_of(values: list[Any], decode: Callable[[Any], T]) -> tuple[T, ...]:
    """The items of an array, each decoded."""
    found: list[T] = []
    try:
        for item in values:
            found.append(decode(item))  # noqa: PERF401 - its length says where it breaks
    except Refused as refused:
        raise refused.inside(f"[{len(found)}]") from None
    return tuple(found)


class Members:
    """The members of an object, taken one by one. Those left over are refused by `close`."""

    def __init__(self, value: Any) -> None:
        if type(value) is not dict:
            raise Refused("an object", described(value))
        self._members: dict[str, Any] = dict(value)

    def __contains__(self, name: str) -> bool:
        """Tells whether a member has not been taken yet."""
        return name in self._members

    def names(self) -> list[str]:
        """The names of the members not taken yet."""
        return list(self._members)

    def take(self, name: str) -> Any:
        """A member as it was parsed."""
        if name not in self._members:
            raise Refused("such a member", "none", name)
        return self._members.pop(name)

    def element(self, name: str, default: int | None = None) -> int:
        """A field element, around zero; the default where the member is left out, if there is one."""
        return around_zero(self.integer(name, *SIGNED, default=default))

    def from_zero(self, name: str, default: int | None = None) -> int:
        """A field element that is only compared, hashed or output; the default where the member is left out."""
        return self.integer(name, *SIGNED, default=default) % PRIME

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """An integer of a range; the default where the member is left out, if there is one."""
        if default is not None and name not in self._members:
            return default
        value = self.take(name)
        try:
            return integer(value, low, high)
        except Refused as refused:
            raise refused.inside(name) from None

    def flag(self, name: str, default: bool | None = None) -> bool:
        """A flag, written as 0 or 1."""
        return self.integer(name, 0, 1, None if default is None else int(default)) == 1

    def truth(self, name: str, default: bool | None = None) -> bool:
        """True or false."""
        if default is not None and name not in self._members:
            return default
        value = self.take(name)
        if type(value) is not bool:
            raise Refused("true or false", described(value), name)
        return value

    def text(self, name: str, default: str | None = None) -> str:
        """A string."""
        if default is not None and name not in self._members:
            return default
        value = self.take(name)
        if type(value) is not str:
            raise Refused("a string", described(value), name)
        return value

    def one_of(self, name: str, known: tuple[str, ...]) -> str:
        """One of some strings."""
        value = self.take(name)
        if type(value) is not str or value not in known:
            raise Refused(f"one of {', '.join(known)}", described(value), name)
        return value

    def items(self, name: str, decode: Callable[[Any], T]) -> tuple[T, ...]:
        """An array, each item decoded."""
        value = self.take(name)
        if type(value) is not list:
            raise Refused("an array", described(value), name)
        try:
            return items_of(value, decode)
        except Refused as refused:
            raise refused.inside(name) from None

    def object(self, name: str) -> "Members":
        """An object inside."""
        value = self.take(name)
        with inside(name):
            return Members(value)

    def peek(self, name: str, low: int, high: int) -> int:
        """An integer of a range, without taking it."""
        taken = self.take(name)
        self._members[name] = taken
        with inside(name):
            return integer(taken, low, high)

    def rest(self) -> dict[str, Any]:
        """Everything not taken yet, as an object."""
        taken, self._members = self._members, {}
        return taken

    def close(self) -> None:
        """Refuses what is left over."""
        for name, value in self._members.items():
            raise Refused("no member of this name", described(value), name)


def row_of(value: Any, ranges: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """An array of integers, each in its range."""
    if type(value) is not list or len(value) != len(ranges):
        raise Refused(f"an array of {len(ranges)}", described(value))
    found: list[int] = []
    try:
        for item, (low, high) in zip(value, ranges, strict=True):
            found.append(integer(item, low, high))
    except Refused as refused:
        raise refused.inside(f"[{len(found)}]") from None
    return tuple(found)


def rising(name: str, rows: tuple[tuple[int, ...], ...], part: str = "[0]") -> None:
    """The first entries of rows, which are what the part of each is called, strictly rise."""
    for place in range(1, len(rows)):
        if rows[place][0] <= rows[place - 1][0]:
            expected = f"more than {rows[place - 1][0]}, for the rows are sorted"
            raise Refused(expected, str(rows[place][0]), name, f"[{place}]", part)


def depth_of(text: str) -> int:
    """At most how deep arrays and objects lie inside one another; brackets in strings are counted too."""
    return max(accumulate(map(STEPS.__getitem__, BRACKETS.findall(text)), initial=0))


def parse_line(text: str) -> Any:
    """The JSON value of a line.

    Raises:
        Refused: It is not one, has a member twice, or too many arrays and objects.
    """
    brackets = text.count("[") + text.count("{")
    if brackets > MOST_BRACKETS:
        raise Refused(f"at most {MOST_BRACKETS} arrays and objects", str(brackets))
    if (depth := depth_of(text)) > DEEPEST:
        raise Refused(f"arrays and objects at most {DEEPEST} deep", str(depth))
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Refused("one JSON object", f"{snippet(text, error.pos)} at column {error.colno}") from None


def read_lines(path: Path, decode: Callable[[Members, int], T]) -> Iterator[T]:
    """Yields what each line of a file stands for.

    Raises:
        MalformedInput: The file or a line breaks the format.
    """
    file = str(path)
    for number, text in lines_of(read_file(path), file, LONGEST_LINE_BYTES):
        try:
            members = Members(parse_line(text))
            decoded = decode(members, number)
            members.close()
        except Refused as refused:
            raise malformed(file, number, refused) from None
        yield decoded


__all__ = [
    "MalformedInput",
    "Members",
    "around_zero",
    "inside",
    "integer",
    "items_of",
    "read_lines",
    "rising",
    "row_of",
]
