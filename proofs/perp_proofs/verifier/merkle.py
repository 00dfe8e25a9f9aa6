"""Merkle trees of 2^depth rows under digests of 32 bytes, opened at many rows at once."""

from collections.abc import Callable
from hashlib import blake2s

DIGEST_BYTES = 32
PERSON_ROW = b"perp.row"
PERSON_NODE = b"perp.nod"


def hash_row(row: bytes) -> bytes:
    """The digest of a row; its length is bound by the hash itself."""
    return blake2s(row, person=PERSON_ROW).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """The digest of a node."""
    return blake2s(left + right, person=PERSON_NODE).digest()


def root_of(depth: int, rows: dict[int, bytes], take: Callable[[], bytes]) -> bytes:
    """The root that follows from the digests of some rows, at least one.

    `take` gives the digests of the missing nodes: from the rows up, in each level from left to right.
    """
    level = rows
    for _ in range(depth):
        above: dict[int, bytes] = {}
        for index in sorted(level):
            if index >> 1 in above:
                continue
            sibling = level.get(index ^ 1)
            if sibling is None:
                sibling = take()
            pair = (sibling, level[index]) if index & 1 else (level[index], sibling)
            above[index >> 1] = hash_node(*pair)
        level = above
    return level[0]


def missing(depth: int, indices: set[int]) -> list[tuple[int, int]]:
    """The nodes that `root_of` takes, in its order: height above the rows, and place in that level."""
    result: list[tuple[int, int]] = []
    for height in range(depth):
        result += [(height, index ^ 1) for index in sorted(indices) if index ^ 1 not in indices]
        indices = {index >> 1 for index in indices}
    return result
