"""Records as field elements, for hashing, and as bytes, for files. docs/encoding.md is the specification.

Both forms are unique: a record has one of each, and the decoders refuse everything else.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from operator import attrgetter
from typing import Any

from perp_hash.digest import DIGEST_ELEMENTS, digest_from_bytes, digest_to_bytes, pack_digest, unpack_digest
from perp_hash.field import MODULUS, to_signed
from perp_hash.words import LIMB_BITS, TOP_SHIFT, split_tops
from perp_spec.perpetual.layout import Nesting, Part, Piece, Shape, bytes_in, parts_of, pieces_of
from perp_spec.words import Unit

PAIR_BITS = 2 * LIMB_BITS
"""Bits of two limbs in one element."""

PAIR_MASK = (1 << PAIR_BITS) - 1

PAIRS_IN = {Shape.PAIR: 1, Shape.QUAD: 2, Shape.WORD: 2}
"""Elements that hold two limbs of the value."""


class EncodingError(ValueError):
    """A value, elements or bytes that are no encoding of a record."""


@functools.cache
def plain_values(kind: type[Any]) -> Callable[[Any], Sequence[Any]] | None:
    """A quick way to all values of a record, for classes without vectors, nested records and rows; else None."""
    parts = parts_of(kind)
    if len(parts) == 1 or any(part.nesting is not Nesting.PLAIN for part in parts):
        return None
    return attrgetter(*[part.name for part in parts])


def record_values(record: Any) -> Sequence[Any]:
    """All values of a record, in the order of `pieces_of` its class.

    Raises:
        EncodingError: A vector or rows have another length, or a nested record is of another class.
    """
    quick = plain_values(type(record))
    if quick is not None:
        return quick(record)
    values: list[Any] = []
    for part in parts_of(type(record)):
        value = getattr(record, part.name)
        if part.nesting is Nesting.PLAIN:
            values.append(value)
            continue
        items = (value,) if part.nesting is Nesting.NESTED else value
        if type(items) is not tuple or len(items) != part.count:
            raise EncodingError(f"{type(record).__name__}.{part.name} is not a tuple of {part.count}: {value!r}")
        if part.nesting is Nesting.VECTOR:
            values += items
            continue
        for item in items:
            if type(item) is not part.kind:
                raise EncodingError(f"{type(record).__name__}.{part.name} holds no {part.kind.__name__}: {item!r}")
            values += record_values(item)
    return values


def record_of_values(kind: type[Any], values: Iterator[Any]) -> Any:
    """The record of a class whose values come next; the inverse of record_values."""
    return kind(*[attribute_of_values(part, values) for part in parts_of(kind)])


def attribute_of_values(part: Part, values: Iterator[Any]) -> Any:
    """One attribute of a record from the values that come next."""
    if part.nesting is Nesting.PLAIN:
        return next(values)
    if part.nesting is Nesting.VECTOR:
        return tuple(next(values) for _ in range(part.count))
    if part.nesting is Nesting.NESTED:
        return record_of_values(part.kind, values)
    return tuple(record_of_values(part.kind, values) for _ in range(part.count))


def check_value(kind: type[Any], piece: Piece, value: Any) -> None:
    """Check that a record may hold a value in a place.

    Raises:
        EncodingError: It is of another type or outside its range.
    """
    wanted = bool if piece.field.unit is Unit.FLAG else int
    if type(value) is not wanted:
        raise EncodingError(f"{kind.__name__}.{piece.path} is not of type {wanted.__name__}: {value!r}")
    if not piece.low <= value <= piece.high:
        raise EncodingError(f"{kind.__name__}.{piece.path} is not in {piece.low} to {piece.high}: {value}")


@functools.cache
def steps_of(kind: type[Any]) -> tuple[tuple[type[Any], int, int, Shape, Piece], ...]:
    """Type, range and shape of each value of a record class, ready for the loop that encodes."""
    return tuple(
        (bool if piece.field.unit is Unit.FLAG else int, piece.low, piece.high, piece.shape, piece)
        for piece in pieces_of(kind)
    )


def record_elements(record: Any) -> list[int]:
    """The elements a record is hashed as.

    First the elements of its digests, then those that hold two limbs of one value, then single limbs two by two, then
    top limbs two by two; each group in the order of the record's values.

    Raises:
        EncodingError: A value is of another type or outside its range, or an integer packs no digest.
    """
    lanes: list[int] = []
    pairs: list[int] = []
    singles: list[int] = []
    tops: list[int] = []
    kind = type(record)
    for value, (wanted, low, high, shape, piece) in zip(record_values(record), steps_of(kind), strict=True):
        if type(value) is not wanted or not low <= value <= high:
            check_value(kind, piece, value)
        if shape is Shape.SINGLE:
            singles.append(int(value))
        elif shape is Shape.DIGEST:
            lanes += digest_lanes(kind, piece, value)
        else:
            sign, size = (-1, -value) if value < 0 else (1, value)
            pairs.append(sign * (size & PAIR_MASK) % MODULUS)
            if shape is not Shape.PAIR:
                pairs.append(sign * (size >> PAIR_BITS & PAIR_MASK) % MODULUS)
            if shape is Shape.WORD:
                tops.append(sign * (size >> 2 * PAIR_BITS))
    return lanes + pairs + joined(singles, LIMB_BITS) + joined(tops, TOP_SHIFT)


def digest_lanes(kind: type[Any], piece: Piece, packed: int) -> tuple[int, ...]:
    """The eight elements of a packed digest.

    Raises:
        EncodingError: The integer packs no digest.
    """
    try:
        return unpack_digest(packed)
    except ValueError as error:
        raise EncodingError(f"{kind.__name__}.{piece.path}: {error}") from None


def joined(limbs: list[int], shift: int) -> list[int]:
    """Limbs two by two as elements: the first and 2^shift times the second; a last one alone is its own element."""
    if len(limbs) == 1:
        return [limbs[0] % MODULUS]
    return [(limb + (other << shift)) % MODULUS for limb, other in zip_longest(limbs[::2], limbs[1::2], fillvalue=0)]


def record_from_elements(kind: type[Any], elements: Sequence[int]) -> Any:
    """The inverse of record_elements.

    Raises:
        EncodingError: They are not the elements of any record of the class.
    """
    given = list(elements)
    for element in given:
        if type(element) is not int or not 0 <= element < MODULUS:
            raise EncodingError(f"{kind.__name__}: not a canonical field element: {element!r}")
    pieces = pieces_of(kind)
    record = record_of_values(kind, iter(values_from_elements(kind, pieces, given)))
    # Reading is lenient about limbs that are too large or have different signs; writing again finds them.
    if record_elements(record) != given:
        raise EncodingError(f"not the elements of a record of class {kind.__name__}")
    return record


def values_from_elements(kind: type[Any], pieces: tuple[Piece, ...], elements: list[int]) -> list[Any]:
    """Values that could have these elements; they are right only if writing them again gives the elements."""
    lanes = DIGEST_ELEMENTS * sum(piece.shape is Shape.DIGEST for piece in pieces)
    pairs = sum(PAIRS_IN.get(piece.shape, 0) for piece in pieces)
    singles = sum(piece.shape is Shape.SINGLE for piece in pieces)
    tops = sum(piece.shape is Shape.WORD for piece in pieces)
    ends = [
        lanes,
        lanes + pairs,
        lanes + pairs + (singles + 1) // 2,
        lanes + pairs + (singles + 1) // 2 + -(-tops // 2),
    ]
    if len(elements) != ends[-1]:
        raise EncodingError(f"{kind.__name__} has {ends[-1]} elements, not {len(elements)}")
    next_lane = iter(elements[: ends[0]])
    next_pair = (to_signed(element) for element in elements[ends[0] : ends[1]])
    next_single = iter(split_singles(elements[ends[1] : ends[2]]))
    next_top = iter([top for element in elements[ends[2] :] for top in split_tops(to_signed(element), 2)])
    values: list[Any] = []
    for piece in pieces:
        if piece.shape is Shape.DIGEST:
            values.append(pack_digest([next(next_lane) for _ in range(DIGEST_ELEMENTS)]))
        elif piece.shape is Shape.SINGLE:
            limb = next(next_single)
            values.append(limb == 1 if piece.field.unit is Unit.FLAG else limb)
        else:
            value = sum(next(next_pair) << PAIR_BITS * place for place in range(PAIRS_IN[piece.shape]))
            values.append(value + (next(next_top) << 2 * PAIR_BITS) if piece.shape is Shape.WORD else value)
    return values


def split_singles(elements: list[int]) -> list[int]:
    """Single limbs, two from each element."""
    mask = (1 << LIMB_BITS) - 1
    return [limb for element in elements for limb in (element & mask, element >> LIMB_BITS)]


def record_bytes(record: Any) -> bytes:
    """A record as bytes: its values in order, each in a fixed number of bytes, least significant first.

    Raises:
        EncodingError: A value is of another type or outside its range, or an integer packs no digest.
    """
    kind = type(record)
    written: list[bytes] = []
    for value, piece in zip(record_values(record), pieces_of(kind), strict=True):
        check_value(kind, piece, value)
        if piece.shape is Shape.DIGEST:
            written.append(digest_to_bytes(digest_lanes(kind, piece, value)))
        else:
            written.append(int(value).to_bytes(piece.bytes, "little", signed=piece.low < 0))
    return b"".join(written)


def record_from_bytes(kind: type[Any], data: bytes) -> Any:
    """The inverse of record_bytes.

    Raises:
        EncodingError: They are not the bytes of any record of the class.
    """
    if len(data) != bytes_in(kind):
        raise EncodingError(f"{kind.__name__} is {bytes_in(kind)} bytes, not {len(data)}")
    values: list[Any] = []
    start = 0
    for piece in pieces_of(kind):
        values.append(value_from_bytes(kind, piece, data[start : start + piece.bytes]))
        start += piece.bytes
    return record_of_values(kind, iter(values))


def value_from_bytes(kind: type[Any], piece: Piece, data: bytes) -> Any:
    """One value of a record.

    Raises:
        EncodingError: The bytes are none of a value the record may hold there.
    """
    if piece.shape is Shape.DIGEST:
        try:
            return pack_digest(digest_from_bytes(data))
        except ValueError as error:
            raise EncodingError(f"{kind.__name__}.{piece.path}: {error}") from None
    value = int.from_bytes(data, "little", signed=piece.low < 0)
    if not piece.low <= value <= piece.high:
        raise EncodingError(f"{kind.__name__}.{piece.path} is not in {piece.low} to {piece.high}: {value}")
    return bool(value) if piece.field.unit is Unit.FLAG else value
