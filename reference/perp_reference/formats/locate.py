"""Where in a JSON document a value is, for messages about documents of several lines."""

import json
import re
from collections.abc import Iterator

SPACE = re.compile(r"[ \t\n\r]*")

DECODER = json.JSONDecoder()


def line_at(text: str, path: list[str]) -> int:
    """The line, from 1, in which the value at a path begins, or of the innermost value where the path leads nowhere.

    The text is valid JSON; a path is members' names and places such as [2], outermost first.
    """
    place = after_space(text, 0)
    for part in path:
        place = next((start for name, start in parts_of(text, place) if name == part), place)
    return text.count("\n", 0, place) + 1


def line_of_second(text: str) -> int | None:
    """The line in which an object repeats a member it has already, None where none does."""
    place = place_of_second(text, after_space(text, 0))
    return None if place is None else text.count("\n", 0, place) + 1


def place_of_second(text: str, place: int) -> int | None:
    """Where, in the value that begins at a place, an object repeats a member it has already."""
    names: set[str] = set()
    for name, start in parts_of(text, place):
        inner = place_of_second(text, start)
        if inner is not None:
            return inner
        if name in names:
            return start
        names.add(name)
    return None


def parts_of(text: str, place: int) -> Iterator[tuple[str, int]]:
    """Yields name and place of each part of the object or array that begins at a place; nothing for other values."""
    opening = text[place]
    if opening not in "{[":
        return
    place = after_space(text, place + 1)
    count = 0
    while text[place] not in "}]":
        name = f"[{count}]"
        if opening == "{":
            name, place = DECODER.raw_decode(text, place)
            colon = after_space(text, place)
            place = after_space(text, colon + 1)
        yield name, place
        _, place = DECODER.raw_decode(text, place)
        place = after_space(text, place)
        if text[place] == ",":
            place = after_space(text, place + 1)
        count += 1


def after_space(text: str, place: int) -> int:
    """The first place from `place` on that holds no white space."""
    space = SPACE.match(text, place)
    return space.end() if space else place
