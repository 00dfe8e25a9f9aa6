"""Sparse Merkle trees, and the hasher they are given: a slow one is here, a fast one in perp_reference.kernels.tree.

Inside, a digest is its 32 bytes, which join and cut faster than eight integers; `packed` and `unpacked` are the way to
the integers of records, roots and proofs.

An empty subtree has the digest that its height gives it: that of an absent leaf, and for a higher one the node of two
empty ones. So a node is the digest of its children always, without a case for empty ones that a proof would have to
decide.
"""

import functools
import struct
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Protocol, Self

from perp_hash.digest import (
    DIGEST_BYTES,
    DIGEST_ELEMENTS,
    compress,
    digest_from_bytes,
    digest_to_bytes,
    hash_elements,
    pack_digest,
    step,
    unpack_digest,
)
from perp_hash.tags import Tag

ZERO = bytes(DIGEST_BYTES)
"""The digest of an absent leaf, where a tree has no other."""

PAIR = struct.Struct("<16I")
"""Two digests side by side."""


class ProofError(Exception):
    """A proof that does not show what it claims."""


class Hasher(Protocol):
    """Hashes many inputs at once with the default suite. Digests are 32 bytes each, side by side."""

    def compress(self, tag: Tag, pairs: bytes) -> bytes:
        """Compress pairs of digests, 64 bytes each, to 32 bytes each. Raises ValueError for bytes that are none."""
        ...

    def hash_runs(self, tag: Tag, runs: Sequence[Sequence[int]]) -> list[bytes]:
        """The digest of each sequence of elements, by hash_elements. Raises ValueError for what is no element."""
        ...

    def hash_chains(self, tag: Tag, starts: Sequence[bytes], runs: Sequence[Sequence[int]]) -> list[bytes]:
        """From each digest a step for each eight elements of its sequence, the last one a compression with the tag.

        The sequences are of whole blocks, at least one. Raises ValueError for another length or what is no element.
        """
        ...


class PythonHasher:
    """The hasher that needs nothing but Python: about 0.1 ms a permutation."""

    def compress(self, tag: Tag, pairs: bytes) -> bytes:
        """As Hasher.compress."""
        if len(pairs) % PAIR.size:
            raise ValueError(f"{len(pairs)} bytes are no pairs of digests")
        return b"".join(digest_to_bytes(compress(tag, lanes[:8], lanes[8:])) for lanes in PAIR.iter_unpack(pairs))

    def hash_runs(self, tag: Tag, runs: Sequence[Sequence[int]]) -> list[bytes]:
        """As Hasher.hash_runs."""
        return [digest_to_bytes(hash_elements(tag, run)) for run in runs]

    def hash_chains(self, tag: Tag, starts: Sequence[bytes], runs: Sequence[Sequence[int]]) -> list[bytes]:
        """As Hasher.hash_chains."""
        digests: list[bytes] = []
        for start, run in zip(starts, runs, strict=True):
            if not run or len(run) % DIGEST_ELEMENTS:
                raise ValueError(f"runs are not of whole blocks of {DIGEST_ELEMENTS} elements")
            digest = digest_from_bytes(start)
            for place in range(0, len(run) - DIGEST_ELEMENTS, DIGEST_ELEMENTS):
                digest = step(digest, run[place : place + DIGEST_ELEMENTS])
            digests.append(digest_to_bytes(compress(tag, digest, run[-DIGEST_ELEMENTS:])))
        return digests


PYTHON_HASHER = PythonHasher()


def packed(digest: bytes) -> int:
    """The packed integer of a digest of 32 bytes. Raises ValueError if it is none."""
    return pack_digest(digest_from_bytes(digest))


def unpacked(digest: int) -> bytes:
    """The 32 bytes of a packed digest. Raises ValueError if it is none."""
    return digest_to_bytes(unpack_digest(digest))


@functools.cache
def empty_digest(height: int, leaf: bytes = ZERO) -> bytes:
    """The digest of an empty subtree with so many levels above its leaves, from that of an absent leaf."""
    if height == 0:
        return leaf
    below = empty_digest(height - 1, leaf)
    return PYTHON_HASHER.compress(Tag.NODE, below + below)


Plan = list[dict[int, bytes]]
"""New digests of nodes by their index, for each level from the leaves up."""


class SparseForest:
    """Binary Merkle trees of 2^height leaves each, most leaves absent; a tree without leaves takes no memory.

    They lie side by side: the nodes of a level are numbered through, and leaf i of tree t has the index
    2^height * t + i.

    Attributes:
        trees: How many trees.
        height: Levels above the leaves.
        empty_root: The digest of a tree without leaves.
    """

    def __init__(self, trees: int, height: int, hasher: Hasher, absent: bytes = ZERO) -> None:
        """Trees without leaves; `absent` is the digest of a leaf that is not there."""
        self.trees = trees
        self.height = height
        self._hasher = hasher
        self._levels: list[dict[int, bytes]] = [{} for _ in range(height + 1)]
        self._empty = [empty_digest(level, absent) for level in range(height + 1)]
        self.empty_root = self._empty[height]

    def copied(self) -> Self:
        """The same trees, to be changed apart."""
        other = copy(self)
        vars(other).update(_levels=[dict(level) for level in self._levels])
        return other

    def root_of(self, tree: int) -> bytes:
        """The digest of a whole tree."""
        return self._levels[self.height].get(tree, self.empty_root)

    def leaf(self, index: int) -> bytes:
        """The digest of a leaf, present or absent."""
        return self._levels[0].get(index, self._empty[0])

    def digests(self, level: int, indices: Iterable[int]) -> bytes:
        """The digests of some nodes of a level, side by side."""
        stored, empty = self._levels[level], self._empty[level]
        return b"".join([stored.get(index, empty) for index in indices])

    def leaves(self) -> dict[int, bytes]:
        """The leaves that are present, by index."""
        return dict(self._levels[0])

    def update(self, leaves: Mapping[int, bytes]) -> None:
        """Store leaves, the digest of an absent one to remove it. Each node above them is computed once.

        Raises:
            IndexError: There is no such leaf; nothing is changed.
        """
        self.apply(self.plan(leaves))

    def plan(self, leaves: Mapping[int, bytes]) -> Plan:
        """What storing leaves would change, without changing it. Its last level has the roots that would be new.

        Raises:
            IndexError: There is no such leaf.
        """
        if leaves and (min(leaves) < 0 or max(leaves) >= self.trees << self.height):
            raise IndexError(f"leaves {min(leaves)} to {max(leaves)} of {self._what()}")
        fresh = {index: digest for index, digest in leaves.items() if digest != self.leaf(index)}
        plan = [fresh]
        for level in range(self.height):
            fresh = self._parents(level, fresh)
            plan.append(fresh)
        return plan

    def _parents(self, level: int, fresh: dict[int, bytes]) -> dict[int, bytes]:
        """The nodes above those of a level that would be new."""
        if not fresh:
            return {}
        stored, empty = self._levels[level], self._empty[level]
        parents = list({index >> 1 for index in fresh})
        children = [
            fresh.get(child) or stored.get(child, empty) for parent in parents for child in (2 * parent, 2 * parent + 1)
        ]
        digests = self._hasher.compress(Tag.NODE, b"".join(children))
        starts = range(0, len(digests), DIGEST_BYTES)
        return {parent: digests[start : start + DIGEST_BYTES] for parent, start in zip(parents, starts, strict=True)}

    def apply(self, plan: Plan) -> None:
        """Store what a plan says; nothing may have been stored since it was made."""
        for stored, fresh, empty in zip(self._levels, plan, self._empty, strict=True):
            for index, digest in fresh.items():
                if digest == empty:
                    stored.pop(index, None)
                else:
                    stored[index] = digest

    def path(self, index: int) -> tuple[int, ...]:
        """The packed digests beside the way from a leaf to its root, lowest first: present or absent, one form.

        Raises:
            IndexError: There is no such leaf.
        """
        if not 0 <= index < self.trees << self.height:
            raise IndexError(f"leaf {index} of {self._what()}")
        siblings = range(self.height)
        return tuple(packed(self._levels[k].get(index >> k ^ 1, self._empty[k])) for k in siblings)

    def _what(self) -> str:
        """These trees in a message."""
        return f"{'a tree' if self.trees == 1 else f'{self.trees} trees'} of height {self.height}"


class SparseTree(SparseForest):
    """A binary Merkle tree of 2^height leaves, most of them absent."""

    def __init__(self, height: int, hasher: Hasher) -> None:
        super().__init__(1, height, hasher)

    @property
    def root(self) -> bytes:
        """The digest of the whole tree."""
        return self.root_of(0)

    def planned_root(self, plan: Plan) -> bytes:
        """The root as it will be once a plan is applied."""
        return plan[-1].get(0, self.root)


def root_of_path(index: int, leaf: bytes, path: Sequence[int], hasher: Hasher = PYTHON_HASHER) -> int:
    """The packed root of a tree with this leaf and these digests beside its way up.

    Raises:
        ValueError: An integer packs no digest.
    """
    digest = leaf
    for level, sibling in enumerate(path):
        beside = unpacked(sibling)
        digest = hasher.compress(Tag.NODE, beside + digest if index >> level & 1 else digest + beside)
    return packed(digest)


def verify_path(
    root: int, height: int, index: int, leaf: int, path: Sequence[int], hasher: Hasher = PYTHON_HASHER
) -> None:
    """Check that a tree with this root has this leaf at an index; a leaf of 0 says that none is there.

    Takes packed digests.

    Raises:
        ProofError: The path does not show it.
    """
    if type(index) is not int or not 0 <= index < 1 << height:
        raise ProofError(f"a tree of height {height} has no leaf {index!r}")
    if len(path) != height:
        raise ProofError(f"a path of a tree of height {height} has {height} digests, not {len(path)}")
    try:
        found = root_of_path(index, unpacked(leaf), path, hasher)
    except ValueError as error:
        raise ProofError(str(error)) from None
    if found != root:
        raise ProofError(f"the path of leaf {index} leads to another root")
