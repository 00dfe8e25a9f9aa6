"""Shapes of JSON values: what a message of the protocol may hold, checked strictly and told as JSON Schema."""

import json
import re
from collections.abc import Mapping
from typing import Any, Protocol

from perp_reference.formats.text import Number, Refused, described, members_of

Schema = dict[str, Any]


class JsonNumber(Number):
    """A JSON number as written. It is equal to no string: "5" is an integer of the exchange, and 5 is none."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Only itself."""
        return self is other

    def __ne__(self, other: object) -> bool:
        """All but itself."""
        return self is not other

    __hash__ = Number.__hash__


class Strict:
    """Decodes JSON; numbers become `JsonNumber`."""

    def __init__(self) -> None:
        number = JsonNumber
        self._decoder = json.JSONDecoder(
            object_pairs_hook=members_of, parse_int=number, parse_float=number, parse_constant=number
        )

    def decode(self, text: str) -> Any:
        """The value of a text.

        Raises:
            json.JSONDecodeError: It is no JSON.
            Refused: A member is given twice, or arrays and objects are nested deeper than can be read.
        """
        try:
            return self._decoder.decode(text)
        except RecursionError:
            raise Refused("one JSON object", "one nested too deeply") from None


STRICT = Strict()


class Shape(Protocol):
    """One kind of value."""

    def check(self, value: Any) -> None:
        """Raises `Refused` for a value of another kind."""
        ...

    def schema(self) -> Schema:
        """The JSON Schema of what `check` accepts."""
        ...


class Text:
    """A string that matches a pattern as a whole, any string by default."""

    def __init__(self, pattern: str = "", expected: str = "a string") -> None:
        self.pattern = pattern
        self.expected = expected
        self._matches = re.compile(pattern or r"[\s\S]*").fullmatch

    def check(self, value: Any) -> None:
        """Raises `Refused` for a value of another kind."""
        if (type(value) is not str) or not self._matches(value):
            raise Refused(self.expected, described(value))

    def schema(self) -> Schema:
        """The JSON Schema of what `check` accepts."""
        return {"type": "string", **({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})}


class Count:
    """A JSON integer of at least 0."""

    def check(self, value: Any) -> None:
        """Raises `Refused` for a value of another kind."""
        if type(value) is not JsonNumber or not re.fullmatch("0|[1-9][0-9]{0,14}", value):
            raise Refused("a JSON integer", described(value))

    def schema(self) -> Schema:
        """The JSON Schema of what `check` accepts."""
        return {"type": "integer", "minimum": 0}


class Only:
    """One of some strings or numbers."""

    def __init__(self, *values: str | int) -> None:
        self.values = values
        self.texts = frozenset(str(value) for value in values)
        self.kind = JsonNumber if isinstance(values[0], int) else str

    def check(self, value: Any) -> None:
        """Raises `Refused` for a value of another kind."""
        if type(value) is not self.kind or str(value) not in self.texts:
            raise Refused(f"one of {', '.join(map(str, self.values))}", described(value))

    def schema(self) -> Schema:
        """The JSON Schema of what `check` accepts."""
        first, *others = self.values
        return {"enum": [first, *others]} if others else {"const": first}


class Whatever:
    """Any value; who reads it checks it further. JSON numbers are refused at any depth by whoever does."""

    def check(self, value: Any) -> None:
        """Accepts."""

    def schema(self) -> Schema:
        """The JSON Schema of what `check` accepts."""
        return {}


class Members:
    """An object with any members; who reads it checks it further."""

    def check(self, value: Any) -> None:
        """Raises `Refused` for a value of another kind."""
        if type(value) is not dict:
            raise Refused("an object", described(value))

    def schema(self) -> Schema:
        """The JSON Schema of what `check` accepts."""
        return {"type": "object"}


class Listing:
    """An array of values of one shape."""

    def __init__(self, item: Shape, least: int = 0, most: int | None = None) -> None:
        self.item = item
        self.least = least
        self.most = most
        bound = f" of {most}" if most is not None else f" of at least {least}" if least else ""
        self.expected = f"an array{bound}"

    def check(self, value: Any) -> None:
        """Raises `Refused` for a value of another kind."""
        if type(value) is not list or len(value) < self.least or (self.most is not None and len(value) > self.most):
            raise Refused(self.expected, described(value))
        check = self.item.check
        place = 0
        try:
            for place, item in enumerate(value):  # noqa: B007 - the handler needs the place
                check(item)
        except Refused as refused:
            raise refused.inside(f"[{place}]") from None

    def schema(self) -> Schema:
        """The JSON Schema of what `check` accepts."""
        bounds: Schema = {"minItems": self.least} if self.least else {}
        bounds |= {} if self.most is None else {"maxItems": self.most}
        return {"type": "array", "items": self.item.schema(), **bounds}


class Fixed:
    """An object with just these members; some may be left out."""

    def __init__(self, members: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> None:
        self.members = dict(members)
        self.optional = dict(optional or {})
        self._known = {**self.members, **self.optional}

    def check(self, value: Any) -> None:
        """Raises `Refused` for a value of another kind."""
        if type(value) is not dict:
            raise Refused("an object", described(value))
        for name in self.members:
            if name not in value:
                raise Refused("such a member", "none", name)
        known = self._known
        name = ""
        try:
            for name, item in value.items():
                if name not in known:
                    raise Refused("no member of this name", described(item))  # noqa: TRY301 - the handler adds the name
                known[name].check(item)
        except Refused as refused:
            raise refused.inside(name) from None

    def schema(self) -> Schema:
        """The JSON Schema of what `check` accepts."""
        properties = {name: shape.schema() for name, shape in self._known.items()}
        return {
            "type": "object",
            "properties": properties,
            "required": list(self.members),
            "additionalProperties": False,
        }


class Cases:
    """An object whose one member says which shape it has."""

    def __init__(self, member: str, shapes: Mapping[str, Fixed]) -> None:
        self.member = member
        self.shapes = dict(shapes)

    def check(self, value: Any) -> None:
        """Raises `Refused` for a value of another kind."""
        if type(value) is not dict:
            raise Refused("an object", described(value))
        name = value.get(self.member)
        shape = self.shapes.get(name) if type(name) is str else None
        if shape is None:
            got = described(name) if self.member in value else "none"
            raise Refused(f"one of {', '.join(self.shapes)}", got, self.member)
        shape.check(value)

    def schema(self) -> Schema:
        """The JSON Schema of what `check` accepts."""
        return {"oneOf": [{"title": name, **shape.schema()} for name, shape in self.shapes.items()]}
