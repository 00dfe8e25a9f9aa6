"""Transforms against the definition: a polynomial evaluated point by point with plain integers."""

import numpy as np
import pytest

from perp_hash.field import MODULUS
from perp_proofs.stark.transform import interpolate, stack, transform
from perp_proofs.verifier.field import root_of_unity


def random_elements(*shape: int) -> np.ndarray:
    """Elements, with the extremes among them."""
    values = np.random.default_rng(sum(shape)).integers(0, MODULUS, shape, dtype=np.uint32)
    values[..., 0] = MODULUS - 1
    return values


def value_at(coefficients: np.ndarray, point: int) -> int:
    total = 0
    for coefficient in reversed(coefficients.tolist()):
        total = (total * point + coefficient) % MODULUS
    return total


def points(size: int, shift: int) -> list[int]:
    return [shift * pow(root_of_unity(size), place, MODULUS) % MODULUS for place in range(size)]


@pytest.mark.parametrize(
    ("columns", "height", "size"),
    [(1, 1, 1), (3, 1, 4), (2, 2, 8), (17, 4, 16), (20, 8, 32), (3, 64, 64), (16, 16, 128), (33, 128, 512)],
)
@pytest.mark.parametrize("shift", [1, 3, 81])
def test_short_transforms_are_evaluations(columns: int, height: int, size: int, shift: int) -> None:
    coefficients = random_elements(columns, height)
    values = transform(coefficients, size, shift)
    assert values.tolist() == [[value_at(column, point) for point in points(size, shift)] for column in coefficients]


@pytest.mark.parametrize(("height", "size"), [(2048, 8192), (8192, 8192), (4096, 32768), (512, 8192), (64, 8192)])
def test_long_transforms_are_evaluations(height: int, size: int) -> None:
    coefficients = random_elements(2, height)
    values = transform(coefficients, size, 9)
    places = [0, 1, 15, 16, 17, size // 2, size - 1, 1234, 4099]
    domain = points(size, 9)
    assert [values[1, place] for place in places] == [value_at(coefficients[1], domain[place]) for place in places]


@pytest.mark.parametrize("height", [1, 2, 16, 64, 2048, 4096, 8192, 2**15])
def test_interpolation_is_the_inverse(height: int) -> None:
    values = random_elements(18, height)
    assert np.array_equal(transform(interpolate(values), height, 1), values)


@pytest.mark.parametrize(
    ("height", "width", "columns"), [(1, 64, 5), (2, 64, 64), (8, 64, 70), (256, 2, 5), (16, 32, 1), (512, 4, 3)]
)
def test_a_stack_is_the_polynomial_of_its_parts(height: int, width: int, columns: int) -> None:
    bound, count = height * width, -(-columns // width)
    parts = random_elements(columns, height)
    whole = np.zeros((count, bound), np.uint32)
    for column in range(columns):
        whole[column // width, column % width :: width] = parts[column]
    words = np.empty((count, 4 * bound), np.uint32)
    values = transform(parts, 4 * height, pow(3, width, MODULUS))
    stack(values, width, 4 * bound, 3, words)
    assert np.array_equal(words, transform(whole, 4 * bound, 3))


def test_no_columns_are_no_work() -> None:
    assert transform(np.empty((0, 4), np.uint32), 16, 3).shape == (0, 16)
