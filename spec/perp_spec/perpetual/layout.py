"""Where the state and everything else that is hashed lies: how records become elements and bytes, and the trees.

docs/encoding.md is the same in the words of a specification, with the reasons.
"""

import functools
from enum import Enum
from typing import Any

import attrs
from attrs import frozen

from perp_hash.tags import Tag
from perp_hash.words import LIMB_BITS, LIMBS
from perp_spec.perpetual.records import (
    Account,
    Exchange,
    Ledger,
    MarketBook,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Position,
    Queue,
    Request,
)
from perp_spec.words import ACCOUNTS_MAX, MARKETS_MAX, ORDER_SLOTS, POSITION_SLOTS, Field, Unit

LAYOUT_VERSION = 1
"""Rises when anything of the page docs/encoding.md changes meaning. Part of the digest of a configuration."""

DIGEST_BYTES = 32


class Shape(Enum):
    """How many elements a value is cut into. Always linear in the value's limbs of 13 bits."""

    DIGEST = "d"
    """Its eight elements."""
    SINGLE = "s"
    """One limb that is never negative; two values share an element."""
    PAIR = "p"
    """Two limbs: one element."""
    QUAD = "q"
    """Four limbs: two elements."""
    WORD = "w"
    """All five limbs: two elements, and the top limb in an element that two values share."""


LIMBS_OF = {Shape.SINGLE: 1, Shape.PAIR: 2, Shape.QUAD: LIMBS - 1, Shape.WORD: LIMBS}
"""Limbs of a value that is no digest."""


@frozen
class Piece:
    """One value of a record, those of the records inside it included."""

    path: str
    """Where it is: collateral, buyer.nonce, reports[2].values[0]."""
    field: Field
    low: int
    high: int
    """The values it may hold, inclusive; a digest's are those that pack eight elements."""
    shape: Shape
    bytes: int
    """Bytes it is written in: the least that hold its range, two's complement where it may be negative."""


class Nesting(Enum):
    """What an attribute of a record holds."""

    PLAIN = "plain"
    VECTOR = "vector"
    NESTED = "nested"
    ROWS = "rows"


@frozen
class Part:
    """One attribute of a record class."""

    name: str
    nesting: Nesting
    count: int
    """Values of a vector, or rows; else 1."""
    kind: Any
    """Class of the nested record or of the rows; else None."""
    field: Any
    """What it holds, where it is plain or a vector; else None."""


@functools.cache
def parts_of(kind: type[Any]) -> tuple[Part, ...]:
    """The attributes of a record class, in order."""
    parts: list[Part] = []
    for attribute in attrs.fields(kind):
        name: str = attribute.name
        about: Any = attribute.metadata
        if "field" in about:
            field: Field = about["field"]
            nesting = Nesting.VECTOR if field.count > 1 else Nesting.PLAIN
            parts.append(Part(name, nesting, field.count, None, field))
        elif "nested" in about:
            parts.append(Part(name, Nesting.NESTED, 1, about["nested"], None))
        else:
            parts.append(Part(name, Nesting.ROWS, about["count"], about["rows"], None))
    return tuple(parts)


def shape_of(field: Field, low: int, high: int) -> Shape:
    """How a field of this range is cut: into the fewest of 1, 2, 4 or 5 limbs that hold it."""
    if field.unit is Unit.DIGEST:
        return Shape.DIGEST
    largest = max(-low, high)
    if low >= 0 and largest < 1 << LIMB_BITS:
        return Shape.SINGLE
    for shape in (Shape.PAIR, Shape.QUAD):
        if largest < 1 << LIMB_BITS * LIMBS_OF[shape]:
            return shape
    return Shape.WORD


def bytes_of(field: Field, low: int, high: int) -> int:
    """The least bytes that hold a range, with a sign where it has negative values."""
    if field.unit is Unit.DIGEST:
        return DIGEST_BYTES
    bits = high.bit_length() if low >= 0 else max(-low - 1, high).bit_length() + 1
    return (bits + 7) // 8


def piece_of(part: Part, path: str) -> Piece:
    """One value of a plain field or a vector."""
    low, high = part.field.low, part.field.high
    return Piece(path, part.field, low, high, shape_of(part.field, low, high), bytes_of(part.field, low, high))


@functools.cache
def pieces_of(kind: type[Any]) -> tuple[Piece, ...]:
    """All values of a record, in the order of its attributes, nested records and rows in their place."""
    pieces: list[Piece] = []
    for part in parts_of(kind):
        if part.nesting is Nesting.PLAIN:
            pieces.append(piece_of(part, part.name))
        elif part.nesting is Nesting.VECTOR:
            pieces += [piece_of(part, f"{part.name}[{number}]") for number in range(part.count)]
        else:
            rows = part.nesting is Nesting.ROWS
            for number in range(part.count):
                at = f"{part.name}[{number}]" if rows else part.name
                pieces += [attrs.evolve(piece, path=f"{at}.{piece.path}") for piece in pieces_of(part.kind)]
    return tuple(pieces)


def elements_in(kind: type[Any]) -> int:
    """Elements a record is hashed as."""
    count = dict.fromkeys(Shape, 0)
    for piece in pieces_of(kind):
        count[piece.shape] += 1
    whole = 8 * count[Shape.DIGEST] + count[Shape.PAIR] + 2 * count[Shape.QUAD] + 2 * count[Shape.WORD]
    return whole + (count[Shape.SINGLE] + 1) // 2 + (count[Shape.WORD] + 1) // 2


def bytes_in(kind: type[Any]) -> int:
    """Bytes a record is written in."""
    return sum(piece.bytes for piece in pieces_of(kind))


@frozen
class Tree:
    """A binary Merkle tree of part of the state, or many of one form."""

    name: str
    height: int
    """Levels above the leaves: a leaf's index in its tree is below 2^height."""
    tag: Tag
    """Of its leaves."""
    leaves: dict[type[Any], int]
    """Its records, and how many keys of a record share a leaf: the leaf of key k is k // that."""


SLOTS_A_LEAF = 2
"""Order slots in a leaf: as many as one permutation takes."""

ORDER_SLOT_ELEMENTS = 8
"""Elements of an order slot in its leaf, zeros behind it included: one half of a permutation."""

ACCOUNTS = Tree("accounts", 20, Tag.ACCOUNT_LEAF, {Account: 1, Position: POSITION_SLOTS})

ORDERS = Tree("orders", 11, Tag.ORDER_LEAF, {OrderSlot: SLOTS_A_LEAF})
"""Each account has such a tree, and its leaf the root: leaf i of account a has the number 2^height * a + i."""

MARKETS = Tree("markets", 6, Tag.MARKET_LEAF, {MarketPrice: 1, MarketOracle: 1, MarketBook: 1})

REQUESTS = Tree("requests", 20, Tag.REQUEST_LEAF, {Request: 1})

KEY_RANGES: dict[type[Any], tuple[int, ...]] = {
    Exchange: (),
    Ledger: (),
    Queue: (),
    MarketPrice: (MARKETS_MAX,),
    MarketOracle: (MARKETS_MAX,),
    MarketBook: (MARKETS_MAX,),
    Account: (ACCOUNTS_MAX,),
    Position: (ACCOUNTS_MAX, POSITION_SLOTS),
    OrderSlot: (ACCOUNTS_MAX, ORDER_SLOTS),
    Request: (ACCOUNTS_MAX,),
}
"""For each part of a record's key the number of values it has: markets or accounts, and slots."""

TREES = (ACCOUNTS, ORDERS, MARKETS, REQUESTS)
"""In the order of their heights in the digest of a configuration."""

STATE_TREES = (ACCOUNTS, MARKETS, REQUESTS)
"""Those whose roots are in the state root, in this order."""

BLOCK_ELEMENTS = 8
"""Elements that one permutation adds to a digest."""

ACCOUNT_LEAF_ELEMENTS = 2 * BLOCK_ELEMENTS
"""Elements of the account in its leaf: the block of its owner and, last, the block with its count of slots."""

POSITION_LEAF_ELEMENTS = BLOCK_ELEMENTS
"""Elements of a position in its account's leaf, zeros behind it included: one permutation."""

assert elements_in(Account) == ACCOUNT_LEAF_ELEMENTS
assert elements_in(Position) <= POSITION_LEAF_ELEMENTS
assert elements_in(OrderSlot) <= ORDER_SLOT_ELEMENTS
assert 1 << ACCOUNTS.height == 1 << REQUESTS.height == ACCOUNTS_MAX
assert 1 << ORDERS.height == ORDER_SLOTS // SLOTS_A_LEAF
assert 1 << MARKETS.height == MARKETS_MAX
