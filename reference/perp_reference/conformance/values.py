"""The values of the protocol: records, operations and states of the perpetual rule set as JSON.

As the file formats write them, but for signatures: here the flags `authorised` are members like others.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import attrs

from perp_reference.core.state import SLOTS_OF, STATE_RECORDS, RecordKey, State
from perp_reference.formats.codec import Array, Codec, Member, Named, Record, snake, word_codec
from perp_reference.formats.state import KEY_RANGES
from perp_reference.formats.text import Refused, described
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.operations import Header
from perp_spec.words import Field, fields_of

assert rules.__all__, "importing the rules registers them"

BEGIN_BATCH = "begin_batch"
"""The operation that applies a header."""

OPERATIONS: dict[str, type[Any]] = {
    BEGIN_BATCH: Header,
    **{name: rule.operation for name, rule in PERPETUAL.rules.items()},
}
"""The operations by name."""

NAMES: dict[type[Any], str] = {kind: name for name, kind in OPERATIONS.items()}

RECORDS: dict[str, type[Any]] = {snake(record.__name__): record for record in STATE_RECORDS}
"""The records of a state by name, in the order of a state file."""

RECORD_NAMES: dict[type[Any], str] = {record: name for name, record in RECORDS.items()}


def member_of(attribute: Any) -> Member:
    """The member for a field of a record or an operation."""
    declared = attribute.metadata
    if "field" in declared:
        own: Field = declared["field"]
        return Member(attribute.name, word_codec(own), own.text)
    if "nested" in declared:
        return Member(attribute.name, named(declared["nested"]), declared["text"])
    return Member(
        attribute.name, Array(named(declared["rows"]), declared["count"], declared["count"]), declared["text"]
    )


@cache
def record_codec(kind: type[Any]) -> Record:
    """The codec of a record or operation: an object with all its fields."""
    return Record(kind, [member_of(attribute) for attribute in attrs.fields(kind)])


@cache
def named(kind: type[Any]) -> Codec:
    """The codec of a nested record."""
    return Named(snake(kind.__name__), record_codec(kind))


def encode_record(record: Any) -> dict[str, Any]:
    """The object of a record or an operation."""
    return record_codec(type(record)).encode(record, deque())


def decode_operation(name: str, arguments: Any) -> Any:
    """An operation or a header.

    Raises:
        Refused: There is none of that name, or its arguments break the format.
    """
    kind = OPERATIONS.get(name)
    if kind is None:
        raise Refused("the name of an operation", described(name), "op")
    try:
        return record_codec(kind).decode(arguments, deque())
    except Refused as refused:
        raise refused.inside("args") from None


# States


def place_text(place: RecordKey) -> tuple[str, ...]:
    """The names that lead to a record in a state."""
    name = RECORD_NAMES[place.record]
    parts = KEY_RANGES[place.record]
    if len(parts) == 2:
        outer, inner = divmod(place.key, SLOTS_OF[place.record])
        return name, str(outer), str(inner)
    return (name, str(place.key)) if parts else (name,)


def encode_state(records: Mapping[RecordKey, Any]) -> dict[str, Any]:
    """The object of a state, from its records that are not all zeros, in the order of a state file."""
    whole: dict[str, Any] = {}
    for place, record in records.items():
        *outer, last = place_text(place)
        inside = whole
        for part in outer:
            inside = inside.setdefault(part, {})
        inside[last] = encode_record(record)
    return whole


def records_of(state: State) -> dict[RecordKey, Any]:
    """The records of a state that are not all zeros, in the order of a state file."""
    return {
        RecordKey(kind, key): table[key]
        for kind, table in ((k, state.tables[k]) for k in STATE_RECORDS)
        for key in sorted(table)
    }


def decode_state(value: Any) -> dict[RecordKey, Any]:
    """The records of a state.

    Raises:
        Refused: It breaks the format.
    """
    if type(value) is not dict:
        raise Refused("an object", described(value))
    found: dict[RecordKey, Any] = {}
    for name, inside in value.items():
        record = RECORDS.get(name)
        if record is None:
            raise Refused("no member of this name", described(inside), name)
        try:
            for key, fields in keyed(inside, KEY_RANGES[record]):
                found[RecordKey(record, key)] = decode_record(record, fields, key, len(KEY_RANGES[record]))
        except Refused as refused:
            raise refused.inside(name) from None
    return found


def decode_record(record: type[Any], fields: Any, key: int, parts: int) -> Any:
    """A record that is not all zeros.

    Raises:
        Refused: It breaks the format.
    """
    names = place_text(RecordKey(record, key))[1 : parts + 1]
    try:
        decoded = record_codec(record).decode(fields, deque())
        if decoded == record():
            raise Refused("a record that is not all zeros", "zeros")  # noqa: TRY301 - the handler adds the place
    except Refused as refused:
        for part in reversed(names):
            refused = refused.inside(part)
        raise refused from None
    return decoded


def keyed(value: Any, ranges: tuple[int, ...], above: int = 0) -> Iterator[tuple[int, Any]]:
    """Each record's key and object, below the parts of a key that are left.

    Raises:
        Refused: It is no object, an empty one, or a key is out of range.
    """
    if not ranges:
        yield above, value
        return
    if type(value) is not dict or not value:
        raise Refused("an object with a member", described(value))
    first, *rest = ranges
    for text, inside in value.items():
        if not text.isascii() or not text.isdigit() or len(text) > 7 or str(int(text)) != text or int(text) >= first:
            raise Refused(f"a decimal number below {first}", f'"{text}"')
        yield from keyed(inside, tuple(rest), above * first + int(text))


@cache
def zero_fields(record: type[Any]) -> dict[str, Any]:
    """The object of the record of all zeros."""
    return encode_record(record())


def differences(place: RecordKey, before: Any, after: Any) -> Iterator[tuple[str, Any]]:
    """Path and new value of each field of a record that became another."""
    codec = record_codec(place.record)
    prefix = "/" + "/".join(place_text(place))
    for member in codec.members:
        value = getattr(after, member.name)
        if value != getattr(before, member.name):
            yield f"{prefix}/{member.name}", member.codec.encode(value, deque())


FIELD_OF: dict[tuple[str, str], Field] = {
    (name, field): described_field
    for name, record in RECORDS.items()
    for field, described_field in fields_of(record).items()
}
"""What a field holds, by the names of record and field."""


def field_at(path: str) -> Field | None:
    """What the field at a path of a delta holds; None where the path leads to none."""
    parts = path.split("/")
    return FIELD_OF.get((parts[1], parts[-1])) if len(parts) > 2 else None
