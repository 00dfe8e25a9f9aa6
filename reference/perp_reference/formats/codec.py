"""One codec for all records and operations, made from what their fields declare.

A codec decodes, encodes and gives the JSON Schema of one kind of value. Integers are decimal strings, digests are 64
hexadecimal digits, flags are true and false, nested records are objects, rows and vectors are arrays. The flags
`authorised` are not written: in their place an order, an intent and the opening of an account have a member `signed`,
and an oracle report has `signatures`. Those travel beside the record, in a queue.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Protocol

import attrs

from perp_hash.digest import digest_from_hex, digest_to_hex, pack_digest, unpack_digest
from perp_reference.formats.patterns import integers_between
from perp_reference.formats.signed import KEY_BYTES, SIGNATURE_BYTES, Signature
from perp_reference.formats.text import Refused, described
from perp_spec.perpetual.operations import Intent, OpenAccount, Order, Report
from perp_spec.words import SIGNERS_MAX, Field, Unit

DECIMAL = re.compile(r"0|-?[1-9][0-9]*")

LONGEST_DECIMAL = 20
"""Characters of the longest word with its sign."""

DIGEST_PATTERN = "^(?:[0-9a-f]{6}(?:[0-6][0-9a-f]|7[0-9a-e])|0000007f){8}$"
"""Eight field elements of four bytes, least significant first, each below 2^31 - 2^24 + 1."""

AUTHORISED = "authorised"
"""The flag of a record that says a signature was checked: never written, False when read."""

Queue = deque[Any]
"""Signatures on their way beside the record they belong to, in the order of the fields."""

Definitions = dict[str, Any]
"""Schemas that others refer to, by name."""


class Codec(Protocol):
    """Decodes, encodes and describes one kind of value.

    `decode` raises `Refused` for a value that breaks the format; `encode` raises ValueError for one that no file can
    hold.
    """

    expected: str
    """What it takes, as a noun phrase."""

    def decode(self, value: Any, signatures: Queue) -> Any:
        """The value that a JSON value stands for; signatures found on the way are appended."""
        ...

    def encode(self, value: Any, signatures: Queue) -> Any:
        """The JSON value for a value; signatures met on the way are taken from the left."""
        ...

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """The JSON Schema of what `decode` accepts; what it refers to is added to the definitions."""
        ...


class Word:
    """An integer in a range, as a decimal string."""

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high
        self.expected = f"a decimal string from {low} to {high}"

    def decode(self, value: Any, signatures: Queue) -> int:
        """The integer of a canonical decimal string."""
        del signatures
        if type(value) is not str:
            raise Refused(self.expected, described(value))
        if not DECIMAL.fullmatch(value):
            raise Refused("a decimal string without plus sign, spaces or leading zeros", described(value))
        if len(value) > LONGEST_DECIMAL or not self.low <= (word := int(value)) <= self.high:
            raise Refused(self.expected, described(value))
        return word

    def encode(self, value: Any, signatures: Queue) -> str:
        """The canonical decimal string of an integer."""
        del signatures
        if type(value) is not int or not self.low <= value <= self.high:
            raise ValueError(f"not an integer from {self.low} to {self.high}: {value!r}")
        return str(value)

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """A pattern that holds for the canonical decimal strings of the range and no others."""
        name = f"integer_{self.low}_to_{self.high}"
        definitions[name] = {"type": "string", "pattern": integers_between(self.low, self.high)}
        return reference(name)


class Flag:
    """True or False."""

    expected = "true or false"

    def decode(self, value: Any, signatures: Queue) -> bool:
        """The flag itself."""
        del signatures
        if type(value) is not bool:
            raise Refused(self.expected, described(value))
        return value

    def encode(self, value: Any, signatures: Queue) -> bool:
        """The flag itself."""
        del signatures
        if type(value) is not bool:
            raise ValueError(f"not True or False: {value!r}")
        return value

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """A boolean."""
        del definitions
        return {"type": "boolean"}


class Digest:
    """A packed digest, as 64 hexadecimal digits."""

    expected = "the 64 lower-case hexadecimal digits of a digest"

    def decode(self, value: Any, signatures: Queue) -> int:
        """The packed digest."""
        del signatures
        if type(value) is not str:
            raise Refused(self.expected, described(value))
        try:
            return pack_digest(digest_from_hex(value))
        except ValueError:
            raise Refused(self.expected, described(value)) from None

    def encode(self, value: Any, signatures: Queue) -> str:
        """The hexadecimal digits."""
        del signatures
        return digest_to_hex(unpack_digest(value))

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """A pattern that holds for the digests and nothing else."""
        definitions["digest"] = {"type": "string", "pattern": DIGEST_PATTERN}
        return reference("digest")


class Text:
    """A string that matches a pattern, and that a further check accepts."""

    def __init__(self, expected: str, pattern: str, accepts: Callable[[str], bool] = lambda _: True) -> None:
        self.expected = expected
        self.pattern = pattern
        self._matches = re.compile(pattern).fullmatch
        self._accepts = accepts

    def decode(self, value: Any, signatures: Queue) -> str:
        """The string itself."""
        del signatures
        if type(value) is not str or not self._matches(value) or not self._accepts(value):
            raise Refused(self.expected, described(value))
        return value

    def encode(self, value: Any, signatures: Queue) -> str:
        """The string itself."""
        del signatures
        if type(value) is not str or not self._matches(value) or not self._accepts(value):
            raise ValueError(f"not {self.expected}: {value!r}")
        return value

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """The pattern."""
        del definitions
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}


class Constant:
    """One string."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.expected = f'"{text}"'

    def decode(self, value: Any, signatures: Queue) -> str:
        """The string itself."""
        del signatures
        if type(value) is not str or value != self.text:
            raise Refused(self.expected, described(value))
        return value

    def encode(self, value: Any, signatures: Queue) -> str:
        """The string itself."""
        del value, signatures
        return self.text

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """The constant."""
        del definitions
        return {"const": self.text}


class Hexadecimal:
    """Bytes of a fixed number, as lower-case hexadecimal digits."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.expected = f"{2 * count} lower-case hexadecimal digits"
        self.pattern = f"[0-9a-f]{{{2 * count}}}"
        self._matches = re.compile(self.pattern).fullmatch

    def decode(self, value: Any, signatures: Queue) -> bytes:
        """The bytes."""
        del signatures
        if type(value) is not str or not self._matches(value):
            raise Refused(self.expected, described(value))
        return bytes.fromhex(value)

    def encode(self, value: Any, signatures: Queue) -> str:
        """The digits."""
        del signatures
        if type(value) is not bytes or len(value) != self.count:
            raise ValueError(f"not {self.count} bytes: {value!r}")
        return value.hex()

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """The pattern."""
        del definitions
        return {"type": "string", "pattern": f"^{self.pattern}$"}


class Nullable:
    """Null for None, or what another codec takes."""

    def __init__(self, item: Codec) -> None:
        self.item = item
        self.expected = f"null or {item.expected}"

    def decode(self, value: Any, signatures: Queue) -> Any:
        """None, or what the other codec decodes."""
        return None if value is None else self.item.decode(value, signatures)

    def encode(self, value: Any, signatures: Queue) -> Any:
        """Null, or what the other codec encodes."""
        return None if value is None else self.item.encode(value, signatures)

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """Null or the other schema."""
        return {"anyOf": [{"type": "null"}, self.item.schema(definitions)]}


class Array:
    """A tuple, as an array of `low` to `high` values that another codec takes."""

    def __init__(self, item: Codec, low: int, high: int) -> None:
        self.item = item
        self.low = low
        self.high = high
        self.expected = f"an array of {low}" if low == high else f"an array of {low} to {high}"

    def decode(self, value: Any, signatures: Queue) -> tuple[Any, ...]:
        """The values."""
        if type(value) is not list or not self.low <= len(value) <= self.high:
            raise Refused(self.expected, described(value))
        decode = self.item.decode
        place = 0
        found: list[Any] = []
        try:
            for place, item in enumerate(value):  # noqa: B007 - the handler needs the place
                found.append(decode(item, signatures))
        except Refused as refused:
            raise refused.inside(f"[{place}]") from None
        return tuple(found)

    def encode(self, value: Any, signatures: Queue) -> list[Any]:
        """The array."""
        if type(value) is not tuple or not self.low <= len(value) <= self.high:
            raise ValueError(f"not a tuple of {self.low} to {self.high}: {value!r}")
        return [self.item.encode(item, signatures) for item in value]

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """An array with its bounds."""
        bounds = {"minItems": self.low, "maxItems": self.high}
        return {"type": "array", "items": self.item.schema(definitions), **bounds}


class Aside:
    """A value that goes into the queue of signatures, and not into the record."""

    def __init__(self, item: Codec) -> None:
        self.item = item
        self.expected = item.expected

    def decode(self, value: Any, signatures: Queue) -> None:
        """Appends to the queue."""
        signatures.append(self.item.decode(value, signatures))

    def encode(self, value: Any, signatures: Queue) -> Any:
        """Takes from the queue."""
        del value
        if not signatures:
            raise ValueError("fewer signatures than signed parts")
        return self.item.encode(signatures.popleft(), signatures)

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """As what is taken aside."""
        return self.item.schema(definitions)


@attrs.frozen
class Member:
    """A member of an object.

    Attributes:
        name: Its name, which is also the attribute's unless `codec` is `Aside` or `Constant`.
        codec: What it holds.
        text: What it means.
    """

    name: str
    codec: Codec
    text: str = ""

    @property
    def is_attribute(self) -> bool:
        """Whether the record has it as an attribute."""
        return not isinstance(self.codec, Aside | Constant)


class Record:
    """A record, as an object with all its members and no others.

    Members in `omittable` may be left out: they read as zero.
    """

    expected = "an object"

    def __init__(self, kind: Callable[..., Any], members: Iterable[Member], omittable: Iterable[str] = ()) -> None:
        self.kind = kind
        self.members = tuple(members)
        self.omittable = frozenset(omittable)
        self._names = frozenset(member.name for member in self.members)
        self._steps = tuple((member.name, member.codec, member.is_attribute) for member in self.members)

    def decode(self, value: Any, signatures: Queue) -> Any:
        """The record."""
        if type(value) is not dict:
            raise Refused(self.expected, described(value))
        arguments: dict[str, Any] = {}
        name = ""
        try:
            for name, codec, is_attribute in self._steps:
                if name in value:
                    decoded = codec.decode(value[name], signatures)
                    if is_attribute:
                        arguments[name] = decoded
                elif name not in self.omittable:
                    raise Refused(codec.expected, "no such member")  # noqa: TRY301 - the handler adds the place
        except Refused as refused:
            raise refused.inside(name) from None
        for name in value:
            if name not in self._names:
                raise Refused("no member of this name", described(value[name]), name)
        return self.kind(**arguments)

    def encode(self, value: Any, signatures: Queue) -> dict[str, Any]:
        """The object, its members in the order of the fields."""
        return {
            name: codec.encode(getattr(value, name) if is_attribute else None, signatures)
            for name, codec, is_attribute in self._steps
        }

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """An object without further members."""
        properties: dict[str, Any] = {}
        for member in self.members:
            text = {"description": member.text} if member.text else {}
            properties[member.name] = {**member.codec.schema(definitions), **text}
        required = [member.name for member in self.members if member.name not in self.omittable]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


class Named:
    """A codec whose schema other schemas refer to by name."""

    def __init__(self, name: str, item: Codec) -> None:
        self.name = name
        self.item = item
        self.expected = item.expected
        self.decode = item.decode
        self.encode = item.encode

    def schema(self, definitions: Definitions) -> dict[str, Any]:
        """A reference."""
        definitions[self.name] = self.item.schema(definitions)
        return reference(self.name)


def record_named(value: dict[str, Any], member: str, records: dict[str, Record], expected: str) -> Record:
    """The record that a member of an object names.

    Raises:
        Refused: The member is missing or names none.
    """
    if member not in value:
        raise Refused(expected, "no such member", member)
    name = value[member]
    if type(name) is not str or name not in records:
        raise Refused(expected, described(name), member)
    return records[name]


def reference(name: str) -> dict[str, Any]:
    """A schema that refers to a definition."""
    return {"$ref": f"#/$defs/{name}"}


SIGNATURE = Named(
    "signature",
    Record(
        Signature,
        (
            Member("key", Hexadecimal(KEY_BYTES), "Ed25519 public key"),
            Member("value", Hexadecimal(SIGNATURE_BYTES), "Ed25519 signature"),
        ),
    ),
)

SIGNED_PART = (Member("signed", Aside(Nullable(SIGNATURE)), "the signature and its key, null without one"),)

REPORT_PART = (
    Member(
        "signatures",
        Aside(Array(Nullable(Hexadecimal(SIGNATURE_BYTES)), SIGNERS_MAX, SIGNERS_MAX)),
        "signature of each value, null without one",
    ),
)

FURTHER_MEMBERS: dict[type[Any], tuple[Member, ...]] = {
    Order: SIGNED_PART,
    Intent: SIGNED_PART,
    OpenAccount: SIGNED_PART,
    Report: REPORT_PART,
}
"""Members that a class has in a file beside its fields."""


def word_codec(described_field: Field) -> Codec:
    """The codec of a plain field."""
    if described_field.unit is Unit.DIGEST:
        return Digest()
    single = Flag() if described_field.unit is Unit.FLAG else Word(described_field.low, described_field.high)
    return single if described_field.count == 1 else Array(single, described_field.count, described_field.count)


def member_of(attribute: Any) -> Member:
    """The member for a field of a record class, by what the field declares."""
    declared = attribute.metadata
    if "field" in declared:
        own: Field = declared["field"]
        unit = "" if own.unit in (Unit.FLAG, Unit.DIGEST, Unit.ID, Unit.CODE, Unit.COUNT) else f" ({own.unit.value})"
        return Member(attribute.name, word_codec(own), f"{own.text}{unit}")
    if "nested" in declared:
        return Member(attribute.name, named_record(declared["nested"]), declared["text"])
    count = declared["count"]
    return Member(attribute.name, Array(named_record(declared["rows"]), count, count), declared["text"])


def members(kind: type[Any]) -> tuple[Member, ...]:
    """The members of a record class: its fields in order, without the flag `authorised`, and what stands for that."""
    own = tuple(member_of(attribute) for attribute in attrs.fields(kind) if attribute.name != AUTHORISED)
    return own + FURTHER_MEMBERS.get(kind, ())


@cache
def named_record(kind: type[Any]) -> Codec:
    """The codec of a nested record class."""
    return Named(snake(kind.__name__), Record(kind, members(kind)))


def snake(name: str) -> str:
    """The name of a class as the formats write it: MarketPrice is market_price."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
