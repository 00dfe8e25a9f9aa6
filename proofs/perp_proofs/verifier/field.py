"""Arithmetic of the proof system: KoalaBear, and its extension of degree 5 by a root of x^5 + x^2 - 1.

A base element is an int 0 <= v < p. An extension element is a tuple of five of them, the coefficient of x^0 first. The
polynomial is irreducible over KoalaBear, which a test shows; 5 is prime, so there is no field in between.
"""

from collections.abc import Iterable, Sequence

from perp_hash.field import MODULUS

DEGREE = 5

GENERATOR = 3
"""Generates the multiplicative group of KoalaBear."""

TWO_ADICITY = 24
"""p - 1 = 2^24 * 127: the largest subgroup of a power of two has 2^24 elements."""

Element = tuple[int, int, int, int, int]

ZERO: Element = (0, 0, 0, 0, 0)
ONE: Element = (1, 0, 0, 0, 0)

BASIS: tuple[Element, ...] = tuple(tuple(int(i == j) for i in range(DEGREE)) for j in range(DEGREE))  # type: ignore[assignment]

SLOT_BITS = 96
"""Width of a coefficient in a packed element: sums of 2^34 products of base elements do not overflow it."""

SLOT_MASK = (1 << SLOT_BITS) - 1


def root_of_unity(order: int) -> int:
    """The generator of the subgroup of this order that all parts of the proof system use; order divides 2^24."""
    return pow(GENERATOR, (MODULUS - 1) // order, MODULUS)


def embed(value: int) -> Element:
    """An integer as an extension element."""
    return (value % MODULUS, 0, 0, 0, 0)


def add(a: Element, b: Element) -> Element:
    """a + b."""
    a0, a1, a2, a3, a4 = a
    b0, b1, b2, b3, b4 = b
    p = MODULUS
    return ((a0 + b0) % p, (a1 + b1) % p, (a2 + b2) % p, (a3 + b3) % p, (a4 + b4) % p)


def subtract(a: Element, b: Element) -> Element:
    """a - b."""
    a0, a1, a2, a3, a4 = a
    b0, b1, b2, b3, b4 = b
    p = MODULUS
    return ((a0 - b0) % p, (a1 - b1) % p, (a2 - b2) % p, (a3 - b3) % p, (a4 - b4) % p)


def scale(a: Element, factor: int) -> Element:
    """a times an integer."""
    a0, a1, a2, a3, a4 = a
    p = MODULUS
    return (a0 * factor % p, a1 * factor % p, a2 * factor % p, a3 * factor % p, a4 * factor % p)


def multiply(a: Element, b: Element) -> Element:
    """a * b. With x^5 = 1 - x^2: x^6 = x - x^3, x^7 = x^2 - x^4, x^8 = -1 + x^2 + x^3."""
    a0, a1, a2, a3, a4 = a
    b0, b1, b2, b3, b4 = b
    c5 = a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1
    c6 = a2 * b4 + a3 * b3 + a4 * b2
    c7 = a3 * b4 + a4 * b3
    c8 = a4 * b4
    p = MODULUS
    return (
        (a0 * b0 + c5 - c8) % p,
        (a0 * b1 + a1 * b0 + c6) % p,
        (a0 * b2 + a1 * b1 + a2 * b0 - c5 + c7 + c8) % p,
        (a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 - c6 + c8) % p,
        (a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0 - c7) % p,
    )


def power(a: Element, exponent: int) -> Element:
    """a to an exponent of at least 0."""
    result = ONE
    while exponent:
        if exponent & 1:
            result = multiply(result, a)
        a = multiply(a, a)
        exponent >>= 1
    return result


def powers(a: Element, count: int) -> list[Element]:
    """1, a, a^2, ...: so many of them."""
    result = [ONE] * min(count, 1)
    while len(result) < count:
        result.append(multiply(result[-1], a))
    return result


FROBENIUS: tuple[Element, ...] = tuple(power((0, 1, 0, 0, 0), MODULUS * j) for j in range(DEGREE))
"""x^(p j): what the p-th power makes of x^j. It is linear over the base field."""


def frobenius(a: Element) -> Element:
    """a^p."""
    result = ZERO
    for coefficient, image in zip(a, FROBENIUS, strict=True):
        result = add(result, scale(image, coefficient))
    return result


def inverse(a: Element) -> Element:
    """1 / a. Raises ZeroDivisionError for 0. By the norm a^(1 + p + p^2 + p^3 + p^4), which is in the base field."""
    if a == ZERO:
        raise ZeroDivisionError("0 has no inverse")
    first = frobenius(a)
    second = multiply(first, frobenius(first))
    others = multiply(second, frobenius(frobenius(second)))
    return scale(others, pow(multiply(a, others)[0], -1, MODULUS))


def inverses(elements: Sequence[Element]) -> list[Element]:
    """The inverses of elements, with one inversion. Raises ZeroDivisionError if one of them is 0."""
    before = [ONE]
    for element in elements:
        before.append(multiply(before[-1], element))
    rest = inverse(before[-1])
    result: list[Element] = []
    for index in range(len(elements) - 1, -1, -1):
        result.append(multiply(rest, before[index]))
        rest = multiply(rest, elements[index])
    return result[::-1]


def base_inverses(values: Sequence[int]) -> list[int]:
    """The inverses of base elements, with one inversion. Raises ValueError if one of them is 0."""
    before = [1]
    for value in values:
        before.append(before[-1] * value % MODULUS)
    rest = pow(before[-1], -1, MODULUS)
    result: list[int] = []
    for index in range(len(values) - 1, -1, -1):
        result.append(rest * before[index] % MODULUS)
        rest = rest * values[index] % MODULUS
    return result[::-1]


def horner(coefficients: Iterable[Element], point: Element) -> Element:
    """The value of a polynomial, given from its highest coefficient down."""
    result = ZERO
    for coefficient in coefficients:
        result = add(multiply(result, point), coefficient)
    return result


def pack(a: Element) -> int:
    """An element as one integer, for sums of many products with base elements."""
    return a[0] | a[1] << SLOT_BITS | a[2] << 2 * SLOT_BITS | a[3] << 3 * SLOT_BITS | a[4] << 4 * SLOT_BITS


def unpack(packed: int) -> Element:
    """The element of a packed sum whose coefficients are not negative."""
    p = MODULUS
    return (
        (packed & SLOT_MASK) % p,
        (packed >> SLOT_BITS & SLOT_MASK) % p,
        (packed >> 2 * SLOT_BITS & SLOT_MASK) % p,
        (packed >> 3 * SLOT_BITS & SLOT_MASK) % p,
        (packed >> 4 * SLOT_BITS) % p,
    )
