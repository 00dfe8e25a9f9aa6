"""Words as field elements for many rows at once: the same function as perp_hash.words, with NumPy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perp_hash.field import MODULUS
from perp_hash.words import LIMB_BITS, LIMBS, TOP_SHIFT


def words_elements_rows(words: ArrayLike) -> NDArray[np.uint32]:
    """words_elements of every row: integers [n, count] to uint32 [n, 5 (count // 2) + 3 (count % 2)].

    Raises ValueError for another shape, other types than signed integers, or a value of -2^63, which is no word.
    """
    array = np.asarray(words)
    if array.ndim != 2:
        raise ValueError(f"expected an array of 2 dimensions, not {array.ndim}")
    if array.size and array.dtype.kind != "i":
        raise ValueError(f"words are signed integers, not {array.dtype}")
    array = array.astype(np.int64)
    if np.any(array == np.iinfo(np.int64).min):
        raise ValueError(f"not a word: {np.iinfo(np.int64).min}")
    size, sign = np.abs(array), np.sign(array)
    mask = (1 << LIMB_BITS) - 1
    l0, l1, l2, l3, top = (sign * (size >> LIMB_BITS * index & mask) for index in range(LIMBS))
    lower = np.stack((l0 + (l1 << LIMB_BITS), l2 + (l3 << LIMB_BITS)), axis=2).reshape(len(array), 2 * array.shape[1])
    columns: list[NDArray[np.int64]] = []
    for first in range(0, array.shape[1], 2):
        tops = top[:, first : first + 2]
        columns += (
            lower[:, 2 * first : 2 * first + 4],
            (tops << TOP_SHIFT * np.arange(tops.shape[1])).sum(axis=1)[:, None],
        )
    return (np.hstack(columns) % MODULUS).astype(np.uint32) if columns else np.zeros((len(array), 0), np.uint32)
