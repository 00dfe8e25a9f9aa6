"""State files and difference files: a header line, then one record a line, in order.

The order is that of `STATE_RECORDS`, then of the keys. A state file leaves records of all zeros out, since they are
absent; a difference holds them, for a record that became absent.
"""

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from perp_reference.core.state import SLOTS_OF, STATE_RECORDS, RecordKey, State
from perp_reference.errors import MalformedInput
from perp_reference.formats.codec import Constant, Member, Record, Word, members, record_named, snake
from perp_reference.formats.text import Refused, compact, described, lines_of, malformed, parse_object, read_file
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.layout import KEY_RANGES
from perp_spec.perpetual.records import (
    Exchange,
)
from perp_spec.words import MARKETS_MAX, Unit, digest_field, natural

STATE_FORMAT = "perpspec-state-1"
DIFF_FORMAT = "perpspec-diff-1"

ORDER_OF = {record: place for place, record in enumerate(STATE_RECORDS)}


@frozen
class StateHeader:
    """What a state file says of itself."""

    number: int = natural(Unit.COUNT, "number of the last batch applied")
    root: int = digest_field("root of the state")
    config_digest: int = digest_field("digest of the configuration")
    records: int = natural(Unit.COUNT, "number of lines that follow")


@frozen
class DiffHeader:
    """What a difference file says of itself."""

    number: int = natural(Unit.COUNT, "number of the batch")
    previous_root: int = digest_field("root of the state before the batch")
    root: int = digest_field("root of the state after it")
    config_digest: int = digest_field("digest of the configuration")
    records: int = natural(Unit.COUNT, "number of lines that follow")


Records = tuple[tuple[RecordKey, Any], ...]
"""Records with their places, in the order of a file."""


@frozen
class StateFile:
    """A state file as it came in. That its root is the root of its records is for the tree to say."""

    header: StateHeader
    records: Records


@frozen
class DiffFile:
    """What a batch changed: each record as it is after it, all zeros where it became absent."""

    header: DiffHeader
    records: Records


class KeyPart:
    """The key of a record: an array of decimal strings, one for each part."""

    def __init__(self, ranges: tuple[int, ...]) -> None:
        self.parts = tuple(Word(0, count - 1) for count in ranges)
        self.expected = f"an array of {len(ranges)}"

    def decode(self, value: Any, signatures: deque[Any]) -> tuple[int, ...]:
        """The parts of the key."""
        if type(value) is not list or len(value) != len(self.parts):
            raise Refused(self.expected, described(value))
        found: list[int] = []
        for place, (part, item) in enumerate(zip(self.parts, value, strict=True)):
            try:
                found.append(part.decode(item, signatures))
            except Refused as refused:
                raise refused.inside(f"[{place}]") from None
        return tuple(found)

    def encode(self, value: Any, signatures: deque[Any]) -> list[str]:
        """The array."""
        return [part.encode(item, signatures) for part, item in zip(self.parts, value, strict=True)]

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """An array with a schema for each part."""
        count = len(self.parts)
        array = {"type": "array", "minItems": count, "maxItems": count}
        return {**array, "prefixItems": [part.schema(definitions) for part in self.parts]} if count else array


@frozen
class Entry:
    """A line of a state or a difference."""

    key: tuple[int, ...]
    value: Any


def entry_record(record: type[Any]) -> Record:
    """The codec of a line: the name of the record, its key and its fields."""
    constant = Member("record", Constant(snake(record.__name__)))
    key = Member("key", KeyPart(KEY_RANGES[record]), "market or account, then slot")

    def entry(key: tuple[int, ...], **fields: Any) -> Entry:
        return Entry(key, record(**fields))

    return Record(entry, (constant, key, *members(record)))


ENTRIES: dict[str, Record] = {snake(record.__name__): entry_record(record) for record in STATE_RECORDS}

HEADERS: dict[str, Record] = {
    name: Record(kind, (Member("format", Constant(name)), *members(kind)))
    for name, kind in ((STATE_FORMAT, StateHeader), (DIFF_FORMAT, DiffHeader))
}


def decode_state(data: bytes, file: str) -> StateFile:
    """The state that a state file holds.

    Raises:
        MalformedInput: The file breaks the format.
    """
    header, records = decode(STATE_FORMAT, data, file)
    return StateFile(header, records)


def decode_diff(data: bytes, file: str) -> DiffFile:
    """The difference that a difference file holds.

    Raises:
        MalformedInput: The file breaks the format.
    """
    header, records = decode(DIFF_FORMAT, data, file)
    return DiffFile(header, records)


def read_state(path: Path) -> StateFile:
    """The state in a file.

    Raises:
        MalformedInput: The file cannot be read or breaks the format.
    """
    return decode_state(read_file(path), str(path))


def read_diff(path: Path) -> DiffFile:
    """The difference in a file.

    Raises:
        MalformedInput: The file cannot be read or breaks the format.
    """
    return decode_diff(read_file(path), str(path))


def encode_state(state: State, number: int, root: int, config_digest: int) -> bytes:
    """The canonical text of a state after batch `number`. `root` and `config_digest` are packed.

    Raises:
        ValueError: A value is out of its range.
    """
    records = [(RecordKey(kind, key), table[key]) for kind, table in state.tables.items() for key in sorted(table)]
    return encode(STATE_FORMAT, StateHeader(number, root, config_digest, len(records)), records)


def encode_diff(header: DiffHeader, changed: Iterable[tuple[RecordKey, Any]]) -> bytes:
    """The canonical text of what a batch changed; the number of records in the header is set.

    Raises:
        ValueError: A value is out of its range.
    """
    records = sorted(changed, key=lambda item: place_of(item[0]))
    return encode(DIFF_FORMAT, attrs.evolve(header, records=len(records)), records)


def encode(form: str, header: Any, records: Iterable[tuple[RecordKey, Any]]) -> bytes:
    """The canonical text of a file of either format."""
    lines = [compact(HEADERS[form].encode(header, deque()))]
    lines += [encoded_line(place, record) for place, record in records]
    return "".join(f"{line}\n" for line in lines).encode()


def encoded_line(place: RecordKey, record: Any) -> str:
    """The line of a record."""
    name = snake(place.record.__name__)
    first, key, *fields = ENTRIES[name].members
    split = divmod(place.key, SLOTS_OF[place.record]) if place.record in SLOTS_OF else (place.key,)
    waiting: deque[Any] = deque()
    line = {first.name: name, key.name: key.codec.encode(split[: len(KEY_RANGES[place.record])], waiting)}
    line |= {member.name: member.codec.encode(getattr(record, member.name), waiting) for member in fields}
    return compact(line)


def place_of(place: RecordKey) -> tuple[int, int]:
    """What records are sorted by."""
    return ORDER_OF[place.record], place.key


def decode(form: str, data: bytes, file: str) -> tuple[Any, Records]:
    """Header and records of a file of either format.

    Raises:
        MalformedInput: The file breaks the format.
    """
    lines = lines_of(data, file)
    number, text = next(lines)
    try:
        header = HEADERS[form].decode(parse_object(text, file, number), deque())
    except Refused as refused:
        raise malformed(file, number, refused) from None
    records: list[tuple[RecordKey, Any]] = []
    last = (-1, 0)
    for number, text in lines:
        place, record = decoded_line(text, file, number)
        if place_of(place) <= last:
            raise MalformedInput(file, number, None, "records in order, each once", "one that belongs further up")
        if form == STATE_FORMAT and record == place.record():
            raise MalformedInput(file, number, None, "a record that is not all zeros", "zeros")
        last = place_of(place)
        records.append((place, record))
    if len(records) != header.records:
        raise MalformedInput(file, 1, "records", f"the {len(records)} that follow", f'"{header.records}"')
    return header, tuple(records)


def decoded_line(text: str, file: str, number: int) -> tuple[RecordKey, Any]:
    """The record in a line, and its place.

    Raises:
        MalformedInput: It breaks the format.
    """
    value = parse_object(text, file, number)
    try:
        entry: Entry = record_named(value, "record", ENTRIES, "the name of a record").decode(value, deque())
    except Refused as refused:
        raise malformed(file, number, refused) from None
    record = type(entry.value)
    key = 0
    for part, count in zip(entry.key, KEY_RANGES[record], strict=True):
        key = key * count + part
    return RecordKey(record, key), entry.value


def state_of(state_file: StateFile, config: Config, file: str) -> State:
    """The state of an exchange with this configuration.

    Raises:
        MalformedInput: A record is of a market that is not configured, or the number of the batch is not the state's.
    """
    state = State(config)
    configured = len(config.markets)
    for line, (place, record) in enumerate(state_file.records, 2):
        market = place.key if KEY_RANGES[place.record] == (MARKETS_MAX,) else getattr(record, "market", 0)
        if market >= configured:
            raise MalformedInput(file, line, None, f"a market below {configured}, the number configured", str(market))
        state.put(place.record, place.key, record)
    state.commit()
    number = state.get(Exchange, 0).number
    if state_file.header.number != number:
        raise MalformedInput(
            file, 1, "number", f'"{number}", as in the record of the exchange', f'"{state_file.header.number}"'
        )
    return state
