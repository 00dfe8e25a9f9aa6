"""How the state is committed to: docs/encoding.md in the numbers that tables need.

The elements of a record follow from the ranges of its fields in the listing. That they are those of the rules' own
layout is tested.
"""

import functools
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

from perp_hash.digest import DIGEST_ELEMENTS, ZERO_DIGEST, Digest, compress
from perp_hash.poseidon import Suite
from perp_hash.tags import Tag
from perp_hash.words import LIMB_BITS, LIMBS, TOP_SHIFT
from perp_proofs.program.listing import DIGEST, FieldType

LAYOUT_VERSION = 1

ORDERS = 1
ACCOUNTS = 2
MARKETS = 3
REQUESTS = 4

HEIGHTS = {ACCOUNTS: 20, ORDERS: 11, MARKETS: 6, REQUESTS: 20}
"""Levels above the leaves, in the order of the head of a configuration."""

PLACES_A_TREE = 32
"""More than any tree has levels."""

SLOTS_A_LEAF = 2
"""Order slots in a leaf."""

MARKETS_MAX = 1 << HEIGHTS[MARKETS]

MARKET_RECORDS = ("MarketPrice", "MarketOracle", "MarketBook")
GLOBAL_RECORDS = ("Exchange", "Ledger", "Queue")


class Shape(Enum):
    """How many elements a value is cut into; see docs/encoding.md."""

    DIGEST = "d"
    SINGLE = "s"
    PAIR = "p"
    QUAD = "q"
    WORD = "w"


LIMBS_OF = {Shape.SINGLE: 1, Shape.PAIR: 2, Shape.QUAD: LIMBS - 1, Shape.WORD: LIMBS}
"""Limbs that a value of a shape may have."""


def shape_of(field: FieldType) -> Shape:
    """How a field is cut: into the fewest of 1, 2, 4 or 5 limbs that hold its range."""
    if field.type == DIGEST:
        return Shape.DIGEST
    largest = max(-field.low, field.high)
    if field.low >= 0 and largest < 1 << LIMB_BITS:
        return Shape.SINGLE
    return next(shape for shape in (Shape.PAIR, Shape.QUAD, Shape.WORD) if largest < 1 << LIMB_BITS * LIMBS_OF[shape])


def record_elements(fields: Sequence[FieldType], leaves: Sequence[Sequence[Any]]) -> list[Any]:
    """The elements of a record, linear in the leaves of its fields: five limbs of a word, eight elements of a digest.

    Leaves are integers, terms or arrays. A limb that the range of a field leaves out is not asked for.
    """
    lanes: list[Any] = []
    pairs: list[Any] = []
    singles: list[Any] = []
    tops: list[Any] = []
    for field, own in zip(fields, leaves, strict=True):
        shape = shape_of(field)
        if shape is Shape.DIGEST:
            lanes += own
        elif shape is Shape.SINGLE:
            singles.append(own[0])
        elif len(own) == 1:
            pairs.append(own[0])
        else:
            pairs += joined(own[: LIMBS_OF[shape] // 2 * 2], 1 << LIMB_BITS)
            tops += own[LIMBS - 1 :] if shape is Shape.WORD else []
    return [*lanes, *pairs, *joined(singles, 1 << LIMB_BITS), *joined(tops, 1 << TOP_SHIFT)]


def joined(limbs: Sequence[Any], factor: int) -> list[Any]:
    """Limbs two by two as elements; a last one alone is its own element."""
    whole = len(limbs) // 2 * 2
    pairs: list[Any] = [limbs[at] + limbs[at + 1] * factor for at in range(0, whole, 2)]
    return [*pairs, *limbs[whole:]]


def blocks_of(elements: Sequence[Any], zero: Any) -> Iterator[list[Any]]:
    """Yields the elements in blocks of eight, zeros behind them; one block at least."""
    for start in range(0, max(len(elements), 1), DIGEST_ELEMENTS):
        block = list(elements[start : start + DIGEST_ELEMENTS])
        yield block + [zero] * (DIGEST_ELEMENTS - len(block))


def start_digest(tag: Tag, length: int) -> Digest:
    """The digest that hash_elements begins with."""
    return (int(tag), length, *ZERO_DIGEST[2:])


def place(tree: int, level: int) -> int:
    """Where a node is, among the levels of all trees. A child's place is one less than its parent's."""
    return PLACES_A_TREE * tree + level


@functools.cache
def empty_orders(suite: Suite) -> Digest:
    """The root of the order slots of an account that has used none."""
    digest = compress(Tag.ORDER_LEAF, ZERO_DIGEST, ZERO_DIGEST, suite)
    for _ in range(HEIGHTS[ORDERS]):
        digest = compress(Tag.NODE, digest, digest, suite)
    return digest
