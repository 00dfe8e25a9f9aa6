"""What a batch changed, in one form only: from the genesis state and the diffs anyone rebuilds the state.

The bytes are specified in docs/encoding.md.
"""

import math
from collections.abc import Mapping
from typing import Any

from perp_reference.core.encoding import EncodingError, record_bytes, record_from_bytes
from perp_reference.core.state import STATE_RECORDS, RecordKey, State, sorted_places
from perp_spec.perpetual.codes import RECORD_CODES
from perp_spec.perpetual.layout import KEY_RANGES, bytes_in

COUNT_BYTES = 4
"""Bytes of the number of entries."""

KEY_BYTES = 4
"""Bytes of a key: 2^20 accounts of 2^12 order slots are its whole range."""

RECORD_OF = {RECORD_CODES[record]: record for record in STATE_RECORDS}

KEYS: dict[type[Any], int] = {record: math.prod(KEY_RANGES[record]) for record in STATE_RECORDS}
"""Keys of a record are below this."""

Changes = dict[RecordKey, Any]
"""Records as they are after a batch, all zeros where absent: those that differ from before, in the order of a state
file."""


def changes_of(state: State) -> Changes:
    """The records that differ from what they were when the journal was last cleared. Call it before State.commit."""
    return {
        place: state.get(place.record, place.key)
        for place in sorted_places(state.journal)
        if (state.journal[place] or state.zeros[place.record]) != state.get(place.record, place.key)
    }


def state_changes(state: State) -> Changes:
    """All records of a state: the diff that makes it of an empty one."""
    places = {RecordKey(record, key): None for record, table in state.tables.items() for key in table}
    return {place: state.get(place.record, place.key) for place in sorted_places(places)}


def diff_bytes(changes: Mapping[RecordKey, Any]) -> bytes:
    """A diff as bytes, sorted.

    Raises:
        EncodingError: A key or a value is outside its range.
    """
    written = [len(changes).to_bytes(COUNT_BYTES, "little")]
    for record, key in sorted_places(dict(changes)):
        check_key(record, key)
        value = changes[RecordKey(record, key)]
        if type(value) is not record:
            raise EncodingError(f"expected a record of class {record.__name__}: {value!r}")
        written += bytes([RECORD_CODES[record]]), key.to_bytes(KEY_BYTES, "little"), record_bytes(value)
    return b"".join(written)


def check_key(record: type[Any], key: int) -> None:
    """Check that a record can have a key.

    Raises:
        EncodingError: It cannot.
    """
    if type(key) is not int or not 0 <= key < KEYS[record]:
        raise EncodingError(f"no key of {record.__name__}, which are below {KEYS[record]}: {key!r}")


def diff_from_bytes(data: bytes) -> Changes:
    """The inverse of diff_bytes.

    Raises:
        EncodingError: They are not the bytes of a diff.
    """
    count, start = int.from_bytes(data[:COUNT_BYTES], "little"), COUNT_BYTES
    changes: Changes = {}
    while start < len(data):
        record = RECORD_OF.get(data[start])
        if record is None:
            raise EncodingError(f"no record has the code {data[start]}")
        body = start + 1 + KEY_BYTES
        end = body + bytes_in(record)
        if end > len(data):
            raise EncodingError(f"a diff ends within a record of class {record.__name__}")
        place = RecordKey(record, int.from_bytes(data[start + 1 : body], "little"))
        check_key(*place)
        if place in changes:
            raise EncodingError(f"a diff has {record.__name__} {place.key} twice")
        changes[place] = record_from_bytes(record, data[body:end])
        start = end
    if len(data) < COUNT_BYTES or len(changes) != count:
        raise EncodingError(f"a diff of {count} records holds {len(changes)}")
    if list(changes) != sorted_places(changes):
        raise EncodingError("the records of a diff are not in order")
    return changes


def apply_diff(state: State, changes: Mapping[RecordKey, Any]) -> None:
    """Store the records of a diff; the journal has them until the state is committed.

    Raises:
        EncodingError: A key or a value is outside its range, or a record is what it is already; nothing is stored.
    """
    diff_bytes(changes)
    for place, value in changes.items():
        if value == state.get(place.record, place.key):
            raise EncodingError(f"a diff does not change {place.record.__name__} {place.key}")
    for place, value in changes.items():
        state.put(place.record, place.key, value)
