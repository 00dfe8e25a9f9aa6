"""Sparse trees against a plain one, and paths."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perp_hash.digest import (
    ZERO_DIGEST,
    compress,
    digest_from_bytes,
    digest_to_bytes,
    hash_elements,
    pack_digest,
    step,
)
from perp_hash.field import MODULUS
from perp_hash.tags import Tag
from perp_reference.core.tree import (
    PYTHON_HASHER,
    ZERO,
    ProofError,
    SparseForest,
    SparseTree,
    empty_digest,
    packed,
    root_of_path,
    unpacked,
    verify_path,
)

HEIGHT = 4

DIGESTS = st.integers(1, 2**30).map(lambda first: digest_to_bytes((first, *range(7))))

LEAVES = st.dictionaries(st.integers(0, 2**HEIGHT - 1), DIGESTS, max_size=6)

CHANGES = st.dictionaries(st.integers(0, 2**HEIGHT - 1), DIGESTS | st.just(ZERO), max_size=6)


def plain_root(leaves: Mapping[int, bytes], height: int = HEIGHT) -> bytes:
    """The root, every node of the full tree computed."""
    level = [digest_from_bytes(leaves.get(index, ZERO)) for index in range(1 << height)]
    while len(level) > 1:
        level = [compress(Tag.NODE, level[place], level[place + 1]) for place in range(0, len(level), 2)]
    return digest_to_bytes(level[0])


def tree_of(leaves: Mapping[int, bytes], height: int = HEIGHT) -> SparseTree:
    tree = SparseTree(height, PYTHON_HASHER)
    tree.update(leaves)
    return tree


@settings(max_examples=30)
@given(leaves=LEAVES)
def test_the_root_is_that_of_the_full_tree(leaves: dict[int, bytes]) -> None:
    assert tree_of(leaves).root == plain_root(leaves)


@settings(max_examples=30)
@given(changes=st.lists(CHANGES, max_size=4))
def test_updating_is_building_anew(changes: list[dict[int, bytes]]) -> None:
    tree, leaves = tree_of({}), dict[int, bytes]()
    for change in changes:
        tree.update(change)
        leaves |= change
    present = {index: leaf for index, leaf in leaves.items() if leaf != ZERO}
    assert tree.leaves() == present
    assert tree.root == plain_root(present)
    assert tree._levels == tree_of(present)._levels


@settings(max_examples=20)
@given(leaves=LEAVES, data=st.data())
def test_the_root_does_not_depend_on_the_order_of_leaves_nor_on_how_they_are_cut_up(
    leaves: dict[int, bytes], data: st.DataObject
) -> None:
    tree = tree_of({})
    for index in data.draw(st.permutations(list(leaves))):
        tree.update({index: leaves[index]})
    assert tree.root == tree_of(leaves).root


def test_an_empty_tree_has_the_digest_of_its_height() -> None:
    assert empty_digest(0) == ZERO
    assert digest_from_bytes(empty_digest(1)) == compress(Tag.NODE, ZERO_DIGEST, ZERO_DIGEST)
    for height in range(4):
        assert tree_of({}, height).root == empty_digest(height) == plain_root({}, height)


def test_a_tree_of_one_leaf_is_that_leaf() -> None:
    leaf = digest_to_bytes(range(8))
    tree = tree_of({0: leaf}, 0)
    assert (tree.root, tree.path(0)) == (leaf, ())
    verify_path(packed(leaf), 0, 0, packed(leaf), ())


@pytest.mark.parametrize("index", [-1, 2**HEIGHT])
def test_a_leaf_outside_the_tree_is_refused(index: int) -> None:
    tree = tree_of({3: digest_to_bytes(range(8))})
    before = tree.root
    with pytest.raises(IndexError, match=f"^leaves {min(0, index)} to {max(0, index)} of a tree of height 4$"):
        tree.update({index: ZERO, 0: digest_to_bytes(range(8))})
    with pytest.raises(IndexError, match=f"^leaf {index} of a tree of height 4$"):
        tree.path(index)
    assert tree.root == before


@settings(max_examples=20)
@given(leaves=LEAVES)
def test_paths_show_every_leaf_present_or_absent_and_no_other(leaves: dict[int, bytes]) -> None:
    tree = tree_of(leaves)
    root = packed(tree.root)
    for index in range(1 << HEIGHT):
        path = tree.path(index)
        verify_path(root, HEIGHT, index, packed(tree.leaf(index)), path)
        other = packed(ZERO) if index in leaves else pack_digest(range(9, 17))
        with pytest.raises(ProofError, match=f"^the path of leaf {index} leads to another root$"):
            verify_path(root, HEIGHT, index, other, path)


@settings(max_examples=20)
@given(leaves=LEAVES, index=st.integers(0, 2**HEIGHT - 1), data=st.data())
def test_a_changed_path_is_refused(leaves: dict[int, bytes], index: int, data: st.DataObject) -> None:
    tree = tree_of(leaves)
    root, leaf, path = packed(tree.root), packed(tree.leaf(index)), tree.path(index)
    lane = 1 << 31 * data.draw(st.integers(0, 7))
    for place in range(HEIGHT):
        wrong = path[place] + lane if path[place] // lane % 2**31 + 1 < MODULUS else path[place] - lane
        with pytest.raises(ProofError, match="leads to another root"):
            verify_path(root, HEIGHT, index, leaf, (*path[:place], wrong, *path[place + 1 :]))


def test_a_path_at_another_index_is_refused() -> None:
    tree = tree_of({3: digest_to_bytes(range(8)), 4: digest_to_bytes(range(1, 9))})
    for index in range(1 << HEIGHT):
        if index != 3:
            with pytest.raises(ProofError, match=f"^the path of leaf {index} leads to another root$"):
                verify_path(packed(tree.root), HEIGHT, index, packed(tree.leaf(3)), tree.path(3))


def test_a_path_of_another_form_is_refused() -> None:
    tree = tree_of({3: digest_to_bytes(range(8))})
    root, leaf, path = packed(tree.root), packed(tree.leaf(3)), tree.path(3)
    for wrong in (path[:-1], (*path, path[0]), ()):
        with pytest.raises(ProofError, match=f"^a path of a tree of height 4 has 4 digests, not {len(wrong)}$"):
            verify_path(root, HEIGHT, 3, leaf, wrong)
    for index in (-1, 16, 3 + 16, True, None):
        with pytest.raises(ProofError, match=f"^a tree of height 4 has no leaf {index!r}$"):
            verify_path(root, HEIGHT, index, leaf, path)  # pyright: ignore[reportArgumentType]
    for digest in (-1, 1 << 248, MODULUS, True, "1"):
        with pytest.raises(ProofError):
            verify_path(root, HEIGHT, 3, leaf, (digest, *path[1:]))  # pyright: ignore[reportArgumentType]
        with pytest.raises(ProofError):
            verify_path(root, HEIGHT, 3, digest, path)  # pyright: ignore[reportArgumentType]


def test_a_node_cannot_pass_for_a_leaf_nor_a_leaf_for_a_node() -> None:
    tree = tree_of({2: digest_to_bytes(range(8)), 3: digest_to_bytes(range(1, 9))})
    node = root_of_path(0, tree.leaf(2), (packed(tree.leaf(3)),))
    with pytest.raises(ProofError, match="has 4 digests, not 3"):
        verify_path(packed(tree.root), HEIGHT, 1, node, tree.path(2)[1:])
    assert node != pack_digest(hash_elements(Tag.ACCOUNT_LEAF, (*range(8), *range(1, 9))))


def test_packed_and_unpacked_are_inverse() -> None:
    digest = digest_to_bytes((MODULUS - 1, *range(7)))
    assert unpacked(packed(digest)) == digest
    with pytest.raises(ValueError, match="not a canonical field element"):
        packed(b"\xff" * 32)


def test_the_hasher_refuses_half_a_pair() -> None:
    with pytest.raises(ValueError, match=r"^96 bytes are no pairs of digests$"):
        PYTHON_HASHER.compress(Tag.NODE, bytes(96))


def test_a_plan_changes_nothing_until_it_is_applied() -> None:
    tree = tree_of({3: digest_to_bytes(range(8)), 4: digest_to_bytes(range(1, 9))})
    before, root = [dict(level) for level in tree._levels], tree.root
    plan = tree.plan({3: ZERO, 9: digest_to_bytes(range(2, 10)), 5: ZERO})
    assert (tree._levels, tree.root) == (before, root)
    assert plan[0] == {3: ZERO, 9: digest_to_bytes(range(2, 10))}
    promised = tree.planned_root(plan)
    tree.apply(plan)
    other = tree_of({4: digest_to_bytes(range(1, 9)), 9: digest_to_bytes(range(2, 10))})
    assert promised == tree.root == other.root
    assert tree._levels == other._levels
    assert tree.planned_root(tree.plan({9: digest_to_bytes(range(2, 10))})) == tree.root


ABSENT = digest_to_bytes(range(20, 28))


@settings(max_examples=20)
@given(changes=st.lists(st.dictionaries(st.integers(0, 11), DIGESTS | st.just(ABSENT), max_size=5), max_size=4))
def test_the_trees_of_a_forest_are_trees_of_their_own(changes: list[dict[int, bytes]]) -> None:
    forest, leaves = SparseForest(3, 2, PYTHON_HASHER, ABSENT), dict[int, bytes]()
    for change in changes:
        forest.update(change)
        leaves |= change
    present = {index: leaf for index, leaf in leaves.items() if leaf != ABSENT}
    assert forest.leaves() == present
    for tree in range(3):
        full = {place: leaves.get(4 * tree + place, ABSENT) for place in range(4)}
        assert forest.root_of(tree) == plain_root(full, 2)
        for place, leaf in full.items():
            verify_path(packed(plain_root(full, 2)), 2, place, packed(leaf), forest.path(4 * tree + place))
        if not any(index // 4 == tree for index in present):
            assert forest.root_of(tree) == forest.empty_root == empty_digest(2, ABSENT)
            assert not any(index >> 2 - level == tree for level in range(3) for index in forest._levels[level])


def test_a_leaf_outside_the_forest_is_refused() -> None:
    forest = SparseForest(3, 2, PYTHON_HASHER)
    with pytest.raises(IndexError, match=r"^leaves 12 to 12 of 3 trees of height 2$"):
        forest.update({12: ZERO})
    with pytest.raises(IndexError, match=r"^leaf -1 of 3 trees of height 2$"):
        forest.path(-1)


def test_the_hasher_chains_whole_blocks() -> None:
    start, run = tuple(range(8)), tuple(range(8, 32))
    expected = compress(Tag.ACCOUNT_LEAF, step(step(start, run[:8]), run[8:16]), run[16:])
    starts = [digest_to_bytes(start)] * 2
    short = digest_to_bytes(compress(Tag.ACCOUNT_LEAF, start, run[:8]))
    assert PYTHON_HASHER.hash_chains(Tag.ACCOUNT_LEAF, starts, [run, run[:8]]) == [digest_to_bytes(expected), short]
    for wrong in ((), run[:7], run[:12]):
        with pytest.raises(ValueError, match=r"^runs are not of whole blocks of 8 elements$"):
            PYTHON_HASHER.hash_chains(Tag.ACCOUNT_LEAF, starts[:1], [wrong])
