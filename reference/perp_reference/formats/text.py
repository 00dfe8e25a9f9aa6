"""From the bytes of a file to lines and JSON objects, refusing everything that two readers could take differently."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from perp_reference.errors import MalformedInput
from perp_reference.formats.locate import line_of_second

LONGEST_FILE_BYTES = 2**30
"""A larger file is refused unread."""

LONGEST_LINE_BYTES = 2**14
"""Twice the longest line an encoder writes, an oracle tick with all signatures."""

MOST_BRACKETS = 512
"""Arrays and objects in one text, twice what the largest configuration has: a limit on nesting that needs no parser."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
"""Carriage return and tab are among them: a line ends with a line feed alone."""

SNIPPET_CHARACTERS = 20
"""How much of a line a message about its syntax quotes."""


class Refused(Exception):
    """A value breaks its format; whoever reads the file adds the place.

    Attributes:
        expected: What the format asks for, as a noun phrase.
        got: What there is instead.
        path: Members and places that lead to the value, outermost first.
    """

    def __init__(self, expected: str, got: str, *path: str) -> None:
        super().__init__(expected, got)
        self.expected = expected
        self.got = got
        self.path = list(path)

    def inside(self, part: str) -> "Refused":
        """Puts a member or a place in front of the path; returns itself."""
        self.path.insert(0, part)
        return self

    @property
    def field(self) -> str | None:
        """The path as text, such as reports[2].values[0], or None for the whole record."""
        if not self.path:
            return None
        first, *others = self.path
        return first + "".join(part if part.startswith("[") else f".{part}" for part in others)


def malformed(file: str, line: int | None, refused: Refused) -> MalformedInput:
    """The error that a reader of a file reports."""
    return MalformedInput(file, line, refused.field, refused.expected, refused.got)


def read_file(path: Path) -> bytes:
    """The content of a file.

    Raises:
        MalformedInput: It cannot be read, or is longer than 2^30 bytes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise MalformedInput(str(path), None, None, "a file that can be read", reason or str(error)) from None
    if len(data) > LONGEST_FILE_BYTES:
        raise MalformedInput(str(path), None, None, f"at most {LONGEST_FILE_BYTES} bytes", "more")
    return data


def lines_of(data: bytes, file: str, longest: int = LONGEST_LINE_BYTES) -> Iterator[tuple[int, str]]:
    """Yields the number, from 1, and the text of each line, without its line feed.

    Raises:
        MalformedInput: The file is empty, starts with a byte order mark, holds a control character other than the
            line feed or bytes that are not UTF-8, has a line of more than `longest` bytes, or does not end with a
            line feed: then it was cut short.
    """
    if not data:
        raise MalformedInput(file, 1, None, "a first line", "an empty file")
    if data.startswith(BYTE_ORDER_MARK):
        raise MalformedInput(file, 1, None, "UTF-8 without a byte order mark", "a byte order mark")
    *lines, rest = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        yield number, line_text(line, file, number, longest)
    if rest:
        line_text(rest, file, len(lines) + 1, longest)
        raise MalformedInput(file, len(lines) + 1, None, "a line feed after the last line", "the end of the file")


def line_text(line: bytes, file: str, number: int, longest: int) -> str:
    """The text of one line.

    Raises:
        MalformedInput: It is too long, or holds control characters or bytes that are not UTF-8.
    """
    if len(line) > longest:
        raise MalformedInput(file, number, None, f"a line of at most {longest} bytes", f"{len(line)} bytes")
    control = CONTROL.search(line)
    if control:
        got = f"byte 0x{control.group()[0]:02x} at byte {control.start() + 1}"
        raise MalformedInput(file, number, None, "no control character but the line feed", got)
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        got = f"byte 0x{line[error.start]:02x} at byte {error.start + 1}"
        raise MalformedInput(file, number, None, "UTF-8", got) from None


class Number(str):
    """A JSON number as written, or NaN or an infinity, which are no JSON. No format has any: integers are strings."""

    __slots__ = ()


def members_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object.

    Raises:
        Refused: One is given twice.
    """
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise Refused("each member once", "it twice", twice)
    return members


DECODER = json.JSONDecoder(object_pairs_hook=members_of, parse_int=Number, parse_float=Number, parse_constant=Number)


def parse_object(text: str, file: str, line: int | None) -> dict[str, Any]:
    """The members of the JSON object that a text consists of: str, bool, None, `Number`, list and dict.

    `line` is the number of the text's one line, or None for a text of several, which starts at line 1.

    Raises:
        MalformedInput: The text is not one JSON object, has too many arrays and objects, or one with a member twice.
    """
    brackets = text.count("[") + text.count("{")
    if brackets > MOST_BRACKETS:
        raise MalformedInput(file, line or 1, None, f"at most {MOST_BRACKETS} arrays and objects", str(brackets))
    try:
        value = DECODER.decode(text)
    except json.JSONDecodeError as error:
        got = f"{snippet(text, error.pos)} at column {error.colno}"
        raise MalformedInput(file, line or error.lineno, None, "one JSON object", got) from None
    except Refused as refused:
        raise malformed(file, line or line_of_second(text), refused) from None
    if type(value) is not dict:
        raise MalformedInput(file, line or 1, None, "one JSON object", described(value))
    return value


def snippet(text: str, start: int) -> str:
    """The characters from a place to the end of its line, some of them, quoted."""
    rest = text[start:].partition("\n")[0]
    if not rest:
        return "the end of the line"
    return f"'{rest[:SNIPPET_CHARACTERS]}'"


def described(value: Any) -> str:
    """A JSON value as a message shows it."""
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case Number():
            return f"the number {value}"
        case str():
            return f'"{value}"'
        case list():
            return f"an array of {len(value)}"
        case _:
            return "an object"


def compact(value: Any) -> str:
    """The canonical text of a JSON value on one line."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
