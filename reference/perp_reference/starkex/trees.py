"""Binary Merkle trees of the Pedersen hash, nearly all of whose leaves are one value."""

from collections.abc import Mapping

from perp_reference.starkex.pedersen import pedersen


def tree_root(leaves: Mapping[int, int], height: int, empty: int) -> int:
    """The root of a tree from its leaves by number; all others are `empty`."""
    level = dict(leaves)
    for _ in range(height):
        parents = {number >> 1 for number in level}
        level = {number: pedersen(level.get(2 * number, empty), level.get(2 * number + 1, empty)) for number in parents}
        empty = pedersen(empty, empty)
    return level.get(0, empty)
