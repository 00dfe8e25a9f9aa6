"""The instructions of a listing on arrays: one value a row, digests as rows of eight elements.

Words are 64-bit integers. Where an honest intermediate result may be longer, it is computed on Python's integers or in
two halves.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perp_hash.digest import DIGEST_ELEMENTS, unpack_digest
from perp_hash.field import MODULUS
from perp_hash.tags import Tag
from perp_hash.words import LIMB_BITS, LIMBS, TOP_SHIFT
from perp_proofs.program.listing import DIGEST, Instruction
from perp_proofs.stark.fill.steps import run

Array = NDArray[Any]

HALF_BITS = 32
LOW_HALF = (1 << HALF_BITS) - 1
WORD_BITS = 63
LIMB_MASK = (1 << LIMB_BITS) - 1


def limb(values: Array, at: int) -> Array:
    """A limb of words."""
    return np.sign(values) * (np.abs(values) >> LIMB_BITS * at & LIMB_MASK)


def digest_rows(packed: Sequence[int]) -> Array:
    """Packed digests as rows of elements."""
    known = {one: unpack_digest(one) for one in set(packed)}
    return np.array([known[one] for one in packed], np.int64).reshape(-1, DIGEST_ELEMENTS)


def value_rows(kind: str, values: Sequence[int]) -> Array:
    """Values of the listing, one a row."""
    return digest_rows(values) if kind == DIGEST else np.array(values, np.int64)


def fits(first: Array, second: Array) -> bool:
    """The products of two arrays are 64-bit integers."""
    largest = [max(abs(int(one.max())), abs(int(one.min()))) if one.size else 0 for one in (first, second)]
    return largest[0] * largest[1] < 1 << WORD_BITS


def exact(first: Array, second: Array) -> Array:
    """The exact products of two arrays."""
    return first * second if fits(first, second) else first.astype(object) * second.astype(object)


def halves(operands: Sequence[Array], numbers: Sequence[int]) -> tuple[Array, Array]:
    """A linear form as upper * 2^32 + lower, with 0 <= lower < 2^32."""
    upper: Any = numbers[-1] >> HALF_BITS
    lower: Any = numbers[-1] & LOW_HALF
    for factor, values in zip(numbers, operands, strict=False):
        upper = upper + factor * (values >> HALF_BITS)
        lower = lower + factor * (values & LOW_HALF)
    return upper + (lower >> HALF_BITS), lower & LOW_HALF


def linear(operands: Sequence[Array], numbers: Sequence[int]) -> Array:
    """A linear form that is a word: it may wrap on the way."""
    total: Any = np.int64(numbers[-1])
    for factor, values in zip(numbers, operands, strict=False):
        total = total + (values if factor == 1 else factor * values)
    return total


def at_most(operands: Sequence[Array], numbers: Sequence[int]) -> Array:
    """Whether a linear form is at most 0."""
    upper, lower = halves(operands, numbers)
    return ((upper < 0) | ((upper == 0) & (lower == 0))).astype(np.int64)


def zero(operands: Sequence[Array], numbers: Sequence[int]) -> Array:
    """Whether a linear form is 0."""
    upper, lower = halves(operands, numbers)
    return ((upper == 0) & (lower == 0)).astype(np.int64)


def floor(operands: Sequence[Array], _: Sequence[int]) -> tuple[Array, Array]:
    """A quotient rounded down, and what is left."""
    product = exact(operands[0], operands[1])
    quotient = product // operands[2]
    return quotient.astype(np.int64), (product - quotient * operands[2]).astype(np.int64)


def ceil(operands: Sequence[Array], _: Sequence[int]) -> tuple[Array, Array]:
    """A quotient rounded up, and what it has too much."""
    product = exact(operands[0], operands[1])
    quotient = -(-product // operands[2])
    return quotient.astype(np.int64), (quotient * operands[2] - product).astype(np.int64)


def product_le(operands: Sequence[Array], _: Sequence[int]) -> Array:
    """Whether one product is at most another."""
    a, b, c, d = operands
    return np.asarray(exact(a, b) <= exact(c, d)).astype(np.int64)


def select(operands: Sequence[Array], _: Sequence[int]) -> Array:
    """One of two values."""
    condition, yes, no = operands
    return np.where((condition if yes.ndim == 1 else condition[:, None]) != 0, yes, no)


def same(operands: Sequence[Array], _: Sequence[int]) -> Array:
    """Whether two digests are equal."""
    return np.all(operands[0] == operands[1], axis=1).astype(np.int64)


def digest(operands: Sequence[Array], numbers: Sequence[int]) -> Array:
    """The digest of digests and words."""
    tag, count = numbers
    parts = [one[:, at] for one in operands[:count] for at in range(DIGEST_ELEMENTS)]
    words = operands[count:]
    for start in range(0, len(words), 2):
        pair = [[limb(word, at) for at in range(LIMBS)] for word in words[start : start + 2]]
        parts += [limbs[at] + (limbs[at + 1] << LIMB_BITS) for limbs in pair for at in (0, 2)]
        parts.append(sum((limbs[-1] << TOP_SHIFT * at for at, limbs in enumerate(pair[1:], 1)), pair[0][-1]))
    return run(Tag(tag), canonical(np.stack(parts, axis=1)))[-1].astype(np.int64)


def canonical(values: Array) -> NDArray[np.uint32]:
    """Integers as elements."""
    return np.remainder(values, MODULUS).astype(np.uint32)


Function = Callable[[Sequence[Array], Sequence[int]], Any]

FUNCTIONS: dict[str, Function] = {
    "linear": linear,
    "multiply": lambda of, _: of[0] * of[1],
    "floor": floor,
    "ceil": ceil,
    "product_le": product_le,
    "at_most": at_most,
    "zero": zero,
    "same": same,
    "select": select,
    "and": lambda of, _: of[0] & of[1],
    "or": lambda of, _: of[0] | of[1],
    "not": lambda of, _: 1 - of[0],
    "digest": digest,
}


def computed(instruction: Instruction, operands: Sequence[Array], rows: int) -> list[Array]:
    """The results of an instruction on values."""
    if instruction.code == "constant":
        (value,), (kind,) = instruction.numbers, instruction.types
        return [np.repeat(digest_rows([value]), rows, 0) if kind == DIGEST else np.full(rows, value, np.int64)]
    made = FUNCTIONS[instruction.code](operands, instruction.numbers)
    results = list(made) if isinstance(made, tuple) else [made]
    return [np.broadcast_to(one, (rows,)) if np.ndim(one) == 0 else one for one in results]
