"""The parts of the identity: the polynomial of the row number, the tape, groups of fractions, columns put together."""

from random import Random

import pytest

from perp_hash.field import MODULUS
from perp_proofs.air import tape as tapes
from perp_proofs.air.system import Fraction, Heights, PublicFraction, System, Table
from perp_proofs.verifier.constraints import (
    Messages,
    Opened,
    check_identity,
    check_sum,
    evaluate,
    extension_value,
    row_number,
)
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.field import (
    DEGREE,
    ONE,
    ZERO,
    Element,
    add,
    embed,
    inverse,
    multiply,
    power,
    root_of_unity,
    scale,
    subtract,
)
from perp_proofs.verifier.plan import QUOTIENT, TRACE, plan
from support.toys import toy_system


def some(random: Random) -> Element:
    drawn = [random.randrange(MODULUS) for _ in range(5)]
    return (drawn[0], drawn[1], drawn[2], drawn[3], drawn[4])


@pytest.mark.parametrize("height", [1, 2, 4, 8, 32, 128, 512])
def test_the_row_number_is_interpolated(height: int) -> None:
    root = root_of_unity(height)
    for row in {0, 1 % height, height // 2, height - 1}:
        assert row_number(height, embed(pow(root, row, MODULUS))) == embed(row)
    # Lagrange's formula at a point outside: sum of r (z^n - 1) g^r / (n (z - g^r)).
    point = some(Random(height))
    total = ZERO
    for row in range(height):
        node = pow(root, row, MODULUS)
        total = add(total, scale(inverse(subtract(point, embed(node))), row * node))
    expected = multiply(scale(total, pow(height, -1, MODULUS)), subtract(power(point, height), ONE))
    assert row_number(height, point) == expected


def random_tape(random: Random, columns: int) -> tapes.Tape:
    tape = tapes.Tape()
    terms = [tape.column(number) for number in range(columns)] + [tape.row(), tape.constant(7), tape.constant(-3)]
    for _ in range(60):
        left, right = random.choice(terms), random.choice([*terms, -5])
        operation = random.randrange(3)
        terms.append(left + right if operation == 0 else left - right if operation == 1 else left * right)
        terms.append(3 - terms[-1])
    return tape


def test_the_tape_at_a_point_of_the_base_field_is_the_tape_on_integers() -> None:
    random = Random(5)
    for _ in range(20):
        tape = random_tape(random, 4)
        row = [random.randrange(MODULUS) for _ in range(4)]
        expected = [embed(value) for value in tapes.evaluate(tape, row, 9)]
        assert evaluate(tape, [embed(value) for value in row], embed(9)) == expected


def test_the_tape_is_a_polynomial_in_the_extension() -> None:
    """(x + y) (x - y) = x^2 - y^2, and constants from both sides."""
    tape = tapes.Tape()
    x, y = tape.column(0), tape.column(1)
    product, difference = (x + y) * (x - y), x * x - y * y
    shifted = (5 - x) * 3
    random = Random(6)
    columns = [some(random), some(random)]
    values = evaluate(tape, columns, ZERO)
    assert values[product.number] == values[difference.number]
    assert values[shifted.number] == scale(subtract(embed(5), columns[0]), 3)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_group_is_zero_exactly_at_the_sum_of_its_fractions(count: int) -> None:
    random = Random(count)
    messages = Messages([some(random) for _ in range(4)])
    values = [some(random) for _ in range(12)]
    group = [Fraction(tag + 1, 2 * tag, (2 * tag, 2 * tag + 1, 9)) for tag in range(count)]
    total = ZERO
    for fraction in group:
        below = messages.denominator(fraction.tag, [values[entry] for entry in fraction.entries])
        total = add(total, multiply(values[fraction.numerator], inverse(below)))
    assert messages.group(total, group, values) == ZERO
    assert messages.group(add(total, ONE), group, values) != ZERO


def test_a_denominator_is_linear_in_independent_challenges() -> None:
    random = Random(7)
    alpha, first, second = some(random), some(random), some(random)
    messages = Messages([alpha, first, second])
    expected = subtract(alpha, add(embed(3), add(scale(first, 10), scale(second, 20))))
    assert messages.denominator(3, [embed(10), embed(20)]) == expected


def test_fractions_of_the_statement_are_added_up_modulo_p() -> None:
    random = Random(8)
    messages = Messages([some(random), some(random)])
    fractions = [PublicFraction(1, 2, (-5,)), PublicFraction(1, -1, (MODULUS - 5,)), PublicFraction(1, -1, (-5,))]
    assert messages.public(fractions) == ZERO
    messages.alpha = add(embed(1), scale(messages.betas[0], -5))
    with pytest.raises(ProofError, match="a message of the statement is a pole"):
        messages.public(fractions)


def test_pieces_are_put_together_and_coordinates_too() -> None:
    system = toy_system()
    shape = plan(system, (32, 2048, 4), 512, 4)
    random = Random(9)
    values, point = [some(random) for _ in range(shape.slots)], some(random)
    opened = Opened(shape, point, values)
    block = shape.blocks[0]
    assert (block.phase, block.height, block.pieces) == (TRACE, 2048, 4)
    start = block.first_slot + 4
    expected = ZERO
    for piece in range(4):
        expected = add(expected, multiply(power(point, 512 * piece), values[start + piece]))
    assert opened.columns[TRACE, 1, 1] == expected
    five = [some(random) for _ in range(5)]
    unit: Element = (0, 1, 0, 0, 0)
    expected = ZERO
    for place, value in enumerate(five):
        expected = add(expected, multiply(power(unit, place), value))
    assert extension_value(five) == expected


def test_a_table_without_rows_of_its_own_needs_no_columns() -> None:
    table = Table("constant", Heights(1, 1))
    table.zero("nothing", 0)
    assert evaluate(table.tape, [], ZERO) == [ZERO]


@pytest.mark.parametrize("coordinate", range(DEGREE))
def test_the_sum_is_zero_in_every_coordinate(coordinate: int) -> None:
    shape = plan(toy_system(), (32, 16, 4), 512, 4)
    random = Random(10)
    messages = Messages([some(random) for _ in range(4)])
    zeros = [0] * shape.sums
    check_sum(shape, zeros, messages, [])
    zeros[coordinate] = 1
    with pytest.raises(ProofError, match="the buses do not balance"):
        check_sum(shape, zeros, messages, [])


def test_the_first_piece_of_a_column_is_its_sum() -> None:
    """Given a column that is cut in two, then at 0 its second piece counts for nothing, and its first for all."""
    shape = plan(toy_system(), (32, 1024, 4), 512, 4)
    messages = Messages([ONE] * 4)
    for piece in range(2):
        zeros = [0] * shape.sums
        zeros[piece] = 1
        if piece:
            check_sum(shape, zeros, messages, [])
            continue
        with pytest.raises(ProofError, match="the buses do not balance"):
            check_sum(shape, zeros, messages, [])


@pytest.mark.parametrize("coordinate", range(DEGREE))
def test_the_identity_holds_in_every_coordinate(coordinate: int) -> None:
    table = Table("zero", Heights(1, 1))
    table.zero("it is 0", table.element("value"))
    shape = plan(System("one", bytes(32), (table,), {}), (1,), 512, 4)
    point, values = some(Random(11)), [ZERO] * shape.slots
    check_identity(shape, Opened(shape, point, values), point, Messages([ONE]), ONE)
    (block,) = [block for block in shape.blocks if block.phase == QUOTIENT]
    values[block.first_slot + coordinate] = ONE
    with pytest.raises(ProofError, match="the constraints do not hold at the point"):
        check_identity(shape, Opened(shape, point, values), point, Messages([ONE]), ONE)
