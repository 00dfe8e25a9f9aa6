"""The hash suite on rows of elements."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perp_hash.digest import DIGEST_ELEMENTS
from perp_hash.field import MODULUS
from perp_hash.poseidon import DEFAULT_SUITE
from perp_hash.tags import Tag
from perp_proofs.air.layout import start_digest
from perp_reference.kernels.poseidon import compress_kernel
from perp_reference.kernels.poseidon_tables import suite_tables

Elements = NDArray[np.uint32]


def steps(left: Elements, right: Elements, tag: int = 0) -> Elements:
    """A step of the suite for each pair of rows, with a tag added to element 0."""
    result = np.empty((len(left), DIGEST_ELEMENTS), np.uint32)
    if len(left):
        pair = np.ascontiguousarray(left, np.uint32), np.ascontiguousarray(right, np.uint32)
        compress_kernel(tag, *pair, result, *suite_tables(DEFAULT_SUITE))
    return result


def repeated(digest: Sequence[int], rows: int) -> Elements:
    """A digest in every row."""
    return np.tile(np.array([value % MODULUS for value in digest], np.uint32), (rows, 1))


def blocks(elements: Elements) -> list[Elements]:
    """Rows of elements cut into blocks of eight, zeros behind them."""
    padding = np.zeros((len(elements), -elements.shape[1] % DIGEST_ELEMENTS), np.uint32)
    whole = np.hstack((elements, padding))
    return [whole[:, start : start + DIGEST_ELEMENTS] for start in range(0, whole.shape[1], DIGEST_ELEMENTS)]


def chain(start: Elements, elements: Elements) -> list[Elements]:
    """The digests along the blocks of rows of elements, from a start in each row."""
    digests: list[Elements] = []
    for block in blocks(elements):
        digests.append(steps(digests[-1] if digests else start, block))
    return digests


def run(tag: Tag, elements: Elements) -> list[Elements]:
    """The digests along hash_elements of each row."""
    return chain(repeated(start_digest(tag, elements.shape[1]), len(elements)), elements)
