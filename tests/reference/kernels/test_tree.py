"""The compiled hasher of trees against the slow one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perp_hash.digest import digest_to_bytes
from perp_hash.field import MODULUS
from perp_hash.tags import Tag
from perp_reference.core.commitment import Commitment
from perp_reference.core.digests import operations_digest
from perp_reference.core.state import genesis
from perp_reference.core.tree import PYTHON_HASHER, SparseTree
from perp_reference.demo import ACTS, Cast
from perp_reference.kernels.tree import KERNEL_HASHER, commitment
from perp_spec.perpetual.defaults import default_config

ELEMENTS = st.integers(0, MODULUS - 1) | st.sampled_from([0, MODULUS - 1])

BLOCK = st.lists(ELEMENTS, min_size=8, max_size=8)

# The first call compiles.
UNTIMED = settings(deadline=None)


@UNTIMED
@given(tag=st.sampled_from(Tag), pairs=st.lists(st.lists(ELEMENTS, min_size=16, max_size=16), max_size=4))
def test_compress_is_that_of_the_slow_hasher(tag: Tag, pairs: list[list[int]]) -> None:
    data = np.array(pairs, "<u4").tobytes()
    assert KERNEL_HASHER.compress(tag, data) == PYTHON_HASHER.compress(tag, data)


@UNTIMED
@given(tag=st.sampled_from(Tag), runs=st.lists(st.lists(ELEMENTS, max_size=20), max_size=5))
def test_hash_runs_is_that_of_the_slow_hasher(tag: Tag, runs: list[list[int]]) -> None:
    assert KERNEL_HASHER.hash_runs(tag, runs) == PYTHON_HASHER.hash_runs(tag, runs)


@UNTIMED
@given(tag=st.sampled_from(Tag), blocks=st.lists(st.lists(BLOCK, min_size=2, max_size=5), max_size=5))
def test_hash_chains_is_that_of_the_slow_hasher(tag: Tag, blocks: list[list[list[int]]]) -> None:
    starts = [digest_to_bytes(first) for first, *_ in blocks]
    runs = [[element for block in rest for element in block] for _, *rest in blocks]
    assert KERNEL_HASHER.hash_chains(tag, starts, runs) == PYTHON_HASHER.hash_chains(tag, starts, runs)


def test_chains_of_another_form_are_refused() -> None:
    start = bytes(32)
    for run in ([], [0] * 7, [0] * 12):
        with pytest.raises(ValueError, match=r"^runs are not of whole blocks of 8 elements$"):
            KERNEL_HASHER.hash_chains(Tag.ACCOUNT_LEAF, [start], [run])
    with pytest.raises(ValueError, match=r"^2 starts and 1 runs$"):
        KERNEL_HASHER.hash_chains(Tag.ACCOUNT_LEAF, [start, start], [[0] * 8])
    for wrong_start, wrong_run in ((b"\xff" * 32, [0] * 8), (start, [0] * 7 + [MODULUS])):
        with pytest.raises(ValueError, match=r"^elements are not canonical: "):
            KERNEL_HASHER.hash_chains(Tag.ACCOUNT_LEAF, [wrong_start], [wrong_run])


def test_what_is_no_digest_is_refused() -> None:
    for wrong in (bytes(63), bytes(32), b"\xff" * 64):
        with pytest.raises(ValueError):  # noqa: PT011 - two kinds of messages
            KERNEL_HASHER.compress(Tag.NODE, wrong)
    for element in (-1, MODULUS):
        with pytest.raises(ValueError, match=r"^elements are not canonical: "):
            KERNEL_HASHER.hash_runs(Tag.NODE, [[element]])


def test_a_tree_of_many_leaves_is_the_same_however_it_is_cut_up() -> None:
    rng = np.random.default_rng(1)
    leaves = {
        int(index): rng.integers(1, MODULUS, 8, dtype=np.uint32).astype("<u4").tobytes()
        for index in rng.choice(2**20, 3000, replace=False)
    }
    whole, parts = SparseTree(20, KERNEL_HASHER), SparseTree(20, KERNEL_HASHER)
    whole.update(leaves)
    items = list(leaves.items())
    for start in range(0, len(items), 700):
        parts.update(dict(items[start : start + 700]))
    assert whole.root == parts.root
    few = dict(items[:5])
    slow, fast = SparseTree(20, PYTHON_HASHER), SparseTree(20, KERNEL_HASHER)
    slow.update(few)
    fast.update(few)
    assert slow._levels == fast._levels


def test_commitment_and_operations_are_the_same() -> None:
    state = genesis(default_config(3))
    assert commitment(state).root == Commitment(state).root
    operations = ACTS[0].operations(Cast({0: 0, 2: 22, 3: 33, 4: 44, 5: 55, 6: 66, 7: 33}))
    assert operations_digest(operations, KERNEL_HASHER) == operations_digest(operations)
