"""The vectorised BLAKE2s against hashlib."""

from hashlib import blake2s

import numpy as np
import pytest

from perp_proofs.stark.blake import Tree, grind
from perp_proofs.verifier.merkle import hash_node, hash_row


@pytest.mark.parametrize("count", [1, 15, 16, 17, 31, 32, 33, 40, 130])
@pytest.mark.parametrize("size", [1, 2, 16, 64])
def test_a_tree_is_that_of_hashlib(count: int, size: int) -> None:
    words = np.random.default_rng(count).integers(0, 2**32, (count, size), dtype=np.uint32)
    tree = Tree(words, b"perp.row", b"perp.nod")
    level = [hash_row(words[:, row].astype("<u4").tobytes()) for row in range(size)]
    assert [tree.row(row) for row in range(size)] == [words[:, row].astype("<u4").tobytes() for row in range(size)]
    height = 0
    while len(level) > 1:
        level = [hash_node(level[place], level[place + 1]) for place in range(0, len(level), 2)]
        height += 1
        assert [tree.node(height, place) for place in range(len(level))] == level
    assert tree.root == level[0]


@pytest.mark.parametrize("bits", [1, 8, 13])
@pytest.mark.parametrize("head", [b"", b"x", b"head of thirty-one bytes length!", b"y" * 55])
def test_a_grind_finds_the_least_nonce(bits: int, head: bytes) -> None:
    def passes(nonce: int) -> bool:
        digest = blake2s(head + nonce.to_bytes(8, "little"), person=b"perp.pow").digest()
        return int.from_bytes(digest[:8], "little") % (1 << bits) == 0

    found = grind(head + bytes(8), len(head), b"perp.pow", bits)
    assert passes(found)
    assert not any(passes(nonce) for nonce in range(found))
