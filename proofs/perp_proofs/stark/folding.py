"""The layers of the folding."""

import numpy as np
from numba import njit

from perp_hash.field import MODULUS
from perp_proofs.stark.arithmetic import Elements, add, extension_product, montgomery_element, powers, product, subtract
from perp_proofs.stark.blake import Tree
from perp_proofs.stark.threads import in_parallel
from perp_proofs.stark.transform import transform
from perp_proofs.verifier.field import DEGREE, Element, root_of_unity
from perp_proofs.verifier.merkle import PERSON_NODE, PERSON_ROW
from perp_proofs.verifier.plan import ARITY


@njit(cache=True, nogil=True)
def fold_kernel(start, stop, values, inverses, challenge, result):
    """result(x^2) = f(x) + f(-x) + challenge * (f(x) - f(-x)) / x; inverses holds 1 / x."""
    half = result.shape[1]
    c0, c1, c2, c3, c4 = challenge[0], challenge[1], challenge[2], challenge[3], challenge[4]
    v0, v1, v2, v3, v4 = values[0], values[1], values[2], values[3], values[4]
    for i in range(start, stop):
        x = inverses[i]
        d0 = product(subtract(np.uint64(v0[i]), np.uint64(v0[i + half])), x)
        d1 = product(subtract(np.uint64(v1[i]), np.uint64(v1[i + half])), x)
        d2 = product(subtract(np.uint64(v2[i]), np.uint64(v2[i + half])), x)
        d3 = product(subtract(np.uint64(v3[i]), np.uint64(v3[i + half])), x)
        d4 = product(subtract(np.uint64(v4[i]), np.uint64(v4[i + half])), x)
        o0, o1, o2, o3, o4 = extension_product(d0, d1, d2, d3, d4, c0, c1, c2, c3, c4)
        result[0, i] = add(o0, add(np.uint64(v0[i]), np.uint64(v0[i + half])))
        result[1, i] = add(o1, add(np.uint64(v1[i]), np.uint64(v1[i + half])))
        result[2, i] = add(o2, add(np.uint64(v2[i]), np.uint64(v2[i + half])))
        result[3, i] = add(o3, add(np.uint64(v3[i]), np.uint64(v3[i + half])))
        result[4, i] = add(o4, add(np.uint64(v4[i]), np.uint64(v4[i + half])))


def fold_once(values: Elements, shift: int, challenge: Element) -> Elements:
    """The values at shift^2 * <w^2> of the fold of those at shift * <w>."""
    size = values.shape[1]
    root = pow(root_of_unity(size), -1, MODULUS)
    inverses = powers(root, size // 2, pow(shift, -1, MODULUS))
    result = np.empty((DEGREE, size // 2), np.uint32)
    in_parallel(fold_kernel, size // 2, values, inverses, montgomery_element(challenge), result, least=1024)
    return result


def layer_tree(values: Elements) -> Tree:
    """The tree whose leaf i holds the values at the points i + j * size / 8."""
    leaves = values.reshape(DEGREE, ARITY, -1).transpose(1, 0, 2)
    return Tree(np.ascontiguousarray(leaves).reshape(DEGREE * ARITY, -1), PERSON_ROW, PERSON_NODE)


def last_coefficients(values: Elements, shift: int, length: int) -> Elements:
    """The first coefficients of the polynomial with the values of the last layer, as [5][length]."""
    size = values.shape[1]
    coefficients = transform(values, size, 1, backward=True, factor=pow(size, -1, MODULUS))
    factors = np.array([pow(shift, -index, MODULUS) for index in range(length)], np.uint64)
    return (coefficients[:, :length].astype(np.uint64) * factors % np.uint64(MODULUS)).astype(np.uint32)
