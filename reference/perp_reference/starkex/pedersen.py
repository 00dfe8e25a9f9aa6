"""The Pedersen hash over the STARK curve, and the curve's public keys.

A hash of two field elements is the x coordinate of P0 + low(a) P1 + high(a) P2 + low(b) P3 + high(b) P4, where `low` is
the low 248 bits of an element and `high` its 4 high bits. The curve and the five points are those published for
StarkEx. Windows of eight bits over tables of multiples make one hash about sixty point additions.
"""

from functools import cache

PRIME = 2**251 + 17 * 2**192 + 1
"""The field of the curve's coordinates."""

ALPHA = 1
BETA = 0x6F21413EFBE40DE150E596D72F7A8C5609AD26C15C915C1F4CDFCB99CEE9E89
"""The curve is y^2 = x^3 + ALPHA x + BETA."""

ORDER = 0x800000000000010FFFFFFFFFFFFFFFFB781126DCAE7B2321E66A241ADC64D2F
"""The number of points of the curve, a prime."""

Point = tuple[int, int]
"""A point of the curve other than the one at infinity."""

GENERATOR: Point = (
    0x1EF15C18599971B7BECED415A40F0C7DEACFD9B0D1819E03D723D8BC943CFCA,
    0x5668060AA49730B7BE4801DF46EC62DE53ECD11ABE43A32873000C36E8DC1F,
)
SHIFT: Point = (
    0x49EE3EBA8C1600700EE1B87EB599F16716B0B1022947733551FDE4050CA6804,
    0x3CA0CFE4B3BC6DDF346D49D06EA0ED34E621062C0E056C1D0405D266E10268A,
)
FIRST_LOW: Point = (
    0x234287DCBAFFE7F969C748655FCA9E58FA8120B6D56EB0C1080D17957EBE47B,
    0x3B056F100F96FB21E889527D41F4E39940135DD7A6C94CC6ED0268EE89E5615,
)
FIRST_HIGH: Point = (
    0x4FA56F376C83DB33F9DAB2656558F3399099EC1DE5E3018B7A6932DBA8AA378,
    0x3FA0984C931C9E38113E0C0E47E4401562761F92A7A23B45168F4E80FF5B54D,
)
SECOND_LOW: Point = (
    0x4BA4CC166BE8DEC764910F75B45F74B40C690C74709E90F3AA372F0BD2D6997,
    0x40301CF5C1751F4B971E46C4EDE85FCAC5C59A5CE5AE7C48151F27B24B219C,
)
SECOND_HIGH: Point = (
    0x54302DCB0E6CC1C6E44CCA8F61A63BB2CA65048D53FB325D36FF12C49A58202,
    0x1B77B3E37D13504B348046268D8AE25CE98AD783C25561A879DCC77E99C2426,
)

WINDOW_BITS = 8
LOW_BITS = 248

Table = tuple[Point, ...]
"""Multiples of a point: entry i - 1 is i times the point."""


def on_curve(point: Point) -> bool:
    """Tells whether a pair of coordinates is a point of the curve."""
    x, y = point
    return (y * y - (x * x * x + ALPHA * x + BETA)) % PRIME == 0


def add(first: Point, second: Point) -> Point:
    """The sum of two points that are not each other's inverses."""
    if first == second:
        slope = (3 * first[0] * first[0] + ALPHA) * pow(2 * first[1], -1, PRIME) % PRIME
    else:
        slope = (second[1] - first[1]) * pow(second[0] - first[0], -1, PRIME) % PRIME
    x = (slope * slope - first[0] - second[0]) % PRIME
    return x, (slope * (first[0] - x) - first[1]) % PRIME


def multiply(scalar: int, point: Point) -> Point:
    """A multiple of a point; the scalar is from 1 to ORDER - 1."""
    result: Point | None = None
    while scalar:
        if scalar & 1:
            result = point if result is None else add(result, point)
        scalar >>= 1
        if scalar:
            point = add(point, point)
    assert result is not None
    return result


def public_key(private_key: int) -> int:
    """The public key of a private one: the x coordinate of that multiple of the generator."""
    return multiply(private_key, GENERATOR)[0]


def inverses(values: list[int]) -> list[int]:
    """The inverses of non-zero field elements, with one inversion for all of them."""
    products: list[int] = [1]
    for value in values:
        products.append(products[-1] * value % PRIME)
    inverse = pow(products[-1], -1, PRIME)
    found: list[int] = []
    for place in range(len(values) - 1, -1, -1):
        found.append(inverse * products[place] % PRIME)
        inverse = inverse * values[place] % PRIME
    found.reverse()
    return found


def tables_of(point: Point, bits: int) -> list[Table]:
    """For each window of a scalar of so many bits, the multiples 1 to 255 of the point of the window's unit.

    All windows grow together, so that a step inverts once.
    """
    units: list[Point] = []
    for _ in range(0, bits, WINDOW_BITS):
        units.append(point)
        for _ in range(WINDOW_BITS):
            point = add(point, point)
    rows: list[list[Point]] = [[unit, add(unit, unit)] for unit in units]
    for _ in range(2, 2 ** min(bits, WINDOW_BITS) - 1):
        slopes = inverses([row[-1][0] - unit[0] for row, unit in zip(rows, units, strict=True)])
        for row, unit, inverse in zip(rows, units, slopes, strict=True):
            slope = (row[-1][1] - unit[1]) * inverse % PRIME
            x = (slope * slope - row[-1][0] - unit[0]) % PRIME
            row.append((x, (slope * (unit[0] - x) - unit[1]) % PRIME))
    return [tuple(row) for row in rows]


@cache
def tables() -> tuple[list[Table], list[Table]]:
    """The tables of the first and of the second element: 31 windows of its low bits, one of its high bits."""
    return (
        tables_of(FIRST_LOW, LOW_BITS) + tables_of(FIRST_HIGH, 4),
        tables_of(SECOND_LOW, LOW_BITS) + tables_of(SECOND_HIGH, 4),
    )


@cache
def pedersen(first: int, second: int) -> int:
    """The hash of two field elements.

    Raises:
        ValueError: One is not in [0, PRIME).
    """
    if not (0 <= first < PRIME and 0 <= second < PRIME):
        raise ValueError(f"the Pedersen hash takes field elements, not {first} and {second}")
    x, y, z = *SHIFT, 1
    for element, windows in zip((first, second), tables(), strict=True):
        for digit, table in zip(element.to_bytes(32, "little"), windows, strict=True):
            if digit:
                x, y, z = add_affine(x, y, z, table[digit - 1])
    return x * pow(z * z, -1, PRIME) % PRIME


def add_affine(x: int, y: int, z: int, point: Point) -> tuple[int, int, int]:
    """Adds a point to one in Jacobian coordinates: (x, y, z) stands for (x / z^2, y / z^3).

    The two are never equal nor inverse: that would be a linear relation between the five points.
    """
    square = z * z % PRIME
    dx = (point[0] * square - x) % PRIME
    dy = (point[1] * square * z - y) % PRIME
    dx2 = dx * dx % PRIME
    dx3 = dx2 * dx % PRIME
    middle = x * dx2 % PRIME
    new_x = (dy * dy - dx3 - 2 * middle) % PRIME
    return new_x, (dy * (middle - new_x) - y * dx3) % PRIME, z * dx % PRIME


def chain(words: tuple[int, ...], start: int = 0) -> int:
    """The hash of a sequence: each word, an integer that stands for an element, is hashed onto what came before."""
    value = start
    for word in words:
        value = pedersen(value, word % PRIME)
    return value
