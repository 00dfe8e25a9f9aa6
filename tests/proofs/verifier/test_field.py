"""The field of the proof system against its definition, and that it is a field."""

from random import Random

import pytest

from perp_hash.field import MODULUS
from perp_proofs.verifier.field import (
    DEGREE,
    GENERATOR,
    ONE,
    TWO_ADICITY,
    ZERO,
    Element,
    add,
    base_inverses,
    embed,
    frobenius,
    horner,
    inverse,
    inverses,
    multiply,
    pack,
    power,
    powers,
    root_of_unity,
    scale,
    subtract,
    unpack,
)

X: Element = (0, 1, 0, 0, 0)


def some(random: Random) -> Element:
    values = [random.randrange(MODULUS) for _ in range(DEGREE)]
    return (values[0], values[1], values[2], values[3], values[4])


def by_definition(a: Element, b: Element) -> Element:
    """The product of polynomials, its high powers replaced one by one by x^5 = 1 - x^2."""
    long = [0] * (2 * DEGREE - 1)
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            long[i + j] += left * right
    for high in range(len(long) - 1, DEGREE - 1, -1):
        value, long[high] = long[high], 0
        long[high - 5] += value
        long[high - 3] -= value
    return (long[0] % MODULUS, long[1] % MODULUS, long[2] % MODULUS, long[3] % MODULUS, long[4] % MODULUS)


def test_multiplication_is_that_of_polynomials_modulo_the_polynomial() -> None:
    random = Random(1)
    top = MODULUS - 1
    greatest: Element = (top, top, top, top, top)
    cases = [(some(random), some(random)) for _ in range(200)] + [(greatest, greatest)]
    assert [multiply(a, b) for a, b in cases] == [by_definition(a, b) for a, b in cases]


def test_the_polynomial_is_irreducible() -> None:
    """It has no factor of degree 1 or 2: x^(p^k) - x is prime to it for k = 1, 2, as x^(p^5) = x."""
    image = X
    differences: list[Element] = []
    for _ in range(DEGREE):
        image = power(image, MODULUS)
        differences.append(subtract(image, X))
    assert differences[-1] == ZERO
    # In a ring with zero divisors the difference would not be a unit where a factor of degree k exists.
    for difference in differences[:2]:
        assert multiply(difference, power(difference, MODULUS**DEGREE - 2)) == ONE


def test_three_generates_the_group_and_roots_have_their_order() -> None:
    assert all(pow(GENERATOR, (MODULUS - 1) // prime, MODULUS) != 1 for prime in (2, 127))
    for exponent in range(TWO_ADICITY + 1):
        root = root_of_unity(2**exponent)
        assert pow(root, 2**exponent, MODULUS) == 1
        assert exponent == 0 or pow(root, 2 ** (exponent - 1), MODULUS) == MODULUS - 1


def test_inverses_and_frobenius() -> None:
    random = Random(2)
    elements = [some(random) for _ in range(20)] + [embed(5), X]
    assert all(multiply(element, inverse(element)) == ONE for element in elements)
    assert inverses(elements) == [inverse(element) for element in elements]
    assert [frobenius(element) for element in elements] == [power(element, MODULUS) for element in elements]
    values = [random.randrange(1, MODULUS) for _ in range(20)]
    assert base_inverses(values) == [pow(value, -1, MODULUS) for value in values]
    with pytest.raises(ZeroDivisionError):
        inverse(ZERO)
    with pytest.raises(ZeroDivisionError):
        inverses([ONE, ZERO])


def test_packed_sums_are_sums() -> None:
    random = Random(3)
    elements = [some(random) for _ in range(500)]
    factors = [MODULUS - 1] * 250 + [random.randrange(MODULUS) for _ in range(250)]
    expected = ZERO
    for element, factor in zip(elements, factors, strict=True):
        expected = add(expected, scale(element, factor))
    assert unpack(sum(pack(element) * factor for element, factor in zip(elements, factors, strict=True))) == expected


def test_powers_and_horner() -> None:
    random = Random(4)
    point, coefficients = some(random), [some(random) for _ in range(7)]
    expected = ZERO
    for factor, coefficient in zip(powers(point, 7), coefficients, strict=True):
        expected = add(expected, multiply(factor, coefficient))
    assert horner(reversed(coefficients), point) == expected
    assert powers(point, 0) == []
