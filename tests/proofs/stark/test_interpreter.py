"""The compiled tape against the tape on integers and in the extension."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from perp_hash.field import MODULUS
from perp_proofs.air import tape as tapes
from perp_proofs.air.system import Heights, Table
from perp_proofs.air.tape import Term
from perp_proofs.stark import interpreter
from perp_proofs.stark.arithmetic import Elements, extension_powers
from perp_proofs.stark.interpreter import EMIT_CONSTRAINT, FRACTION_MODE, QUOTIENT_MODE, Compiler, compiled
from perp_proofs.verifier.constraints import Messages, evaluate, table_sum
from perp_proofs.verifier.field import Element, add, embed, inverse, multiply


def some(random: Random) -> Element:
    drawn = [random.choice((0, 1, MODULUS - 1, random.randrange(MODULUS))) for _ in range(5)]
    return (drawn[0], drawn[1], drawn[2], drawn[3], drawn[4])


def random_table(random: Random, constraints: int, fractions: int) -> Table:
    """A table of random polynomials: shared nodes, constants on both sides, constants as entries and numerators."""
    table = Table("random", Heights(1, 2**20))
    tape = table.tape
    terms = [table.element(f"column {number}") for number in range(6)] + [tape.row()]
    linear: list[Term] = [*terms, tape.constant(random.randrange(MODULUS)), tape.constant(0), tape.constant(-1)]
    while len(terms) < 60:
        left, right = random.choice(terms), random.choice([*terms, tape.constant(random.randrange(-9, 9))])
        term = random.choice((left + right, left - right, left * right, 5 - left, right * -7))
        if 0 < term.degree <= 5:
            terms.append(term)
        if term.degree == 1:
            linear.append(term)
    for number in range(constraints):
        table.zero(f"constraint {number}", random.choice(terms))
    for _ in range(fractions):
        numerators = [term for term in [*terms, *linear] if term.degree <= 2]
        table.add(random.randrange(1, 5), random.choice(numerators), random.choices(linear, k=random.randrange(1, 4)))
    return table


def messages_of(random: Random) -> Messages:
    return Messages([some(random) for _ in range(4)])


def columns_of(random: Random, rows: int) -> Elements:
    choices = (0, 1, MODULUS - 1)
    cells = [[random.choice((*choices, random.randrange(MODULUS))) for _ in range(rows)] for _ in range(6)]
    return np.array(cells, np.uint32)


@pytest.mark.parametrize("rows", [1, 4, 127, 128, 300])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("constraints", "fractions"), [(5, 0), (0, 3), (7, 4), (20, 11)])
def test_the_weighted_sum_of_all_constraints(rows: int, stride: int, constraints: int, fractions: int) -> None:
    random = Random(rows + 1000 * constraints)
    table, messages, xi = random_table(random, constraints, fractions), messages_of(random), some(random)
    columns, numbers = columns_of(random, rows * stride), columns_of(random, rows * stride)[0]
    groups = len(table.groups)
    phis = np.random.default_rng(rows).integers(0, MODULUS, (5 * groups, rows * stride), dtype=np.uint32)
    result = np.empty((5, rows), np.uint32)
    weights = extension_powers(xi, constraints + groups)
    code = Compiler(table, with_constraints=True).compile()
    interpreter.run(QUOTIENT_MODE, code, messages, weights, columns, numbers, stride, phis, result)
    for row in range(0, rows, 17):
        place = row * stride
        values = evaluate(table.tape, [embed(int(cell)) for cell in columns[:, place]], embed(int(numbers[place])))
        own = [tuple(int(cell) for cell in phis[5 * group : 5 * group + 5, place]) for group in range(groups)]
        expected = table_sum(table, 0, values, own, messages, xi)  # type: ignore[arg-type]
        assert tuple(int(cell) for cell in result[:, row]) == expected


@pytest.mark.parametrize("rows", [1, 127, 128, 300])
@pytest.mark.parametrize("fractions", [1, 4, 5, 11])
def test_phi_is_the_sum_of_the_fractions_of_a_group(rows: int, fractions: int) -> None:
    random = Random(rows + 1000 * fractions)
    table, messages = random_table(random, 3, fractions), messages_of(random)
    columns, groups = columns_of(random, rows), len(table.groups)
    phis = np.empty((5 * groups, rows), np.uint32)
    weights, empty = np.zeros((groups, 5), np.uint64), np.empty((5, rows), np.uint32)
    code = Compiler(table, with_constraints=False).compile()
    numbers = np.arange(rows, dtype=np.uint32)
    assert interpreter.run(FRACTION_MODE, code, messages, weights, columns, numbers, 1, phis, empty) == 0
    for row in range(0, rows, 13):
        values = tapes.evaluate(table.tape, columns[:, row].tolist(), row)
        for number, group in enumerate(table.groups):
            expected = embed(0)
            for fraction in group:
                below = messages.denominator(fraction.tag, [embed(values[entry]) for entry in fraction.entries])
                expected = add(expected, multiply(embed(values[fraction.numerator]), inverse(below)))
            assert tuple(int(cell) for cell in phis[5 * number : 5 * number + 5, row]) == expected


def test_poles_are_counted() -> None:
    table = Table("pole", Heights(1, 1024))
    column = table.element("value")
    table.add(1, 1, [column])
    messages = Messages([embed(8), embed(1)])
    phis, empty = np.empty((5, 300), np.uint32), np.empty((5, 300), np.uint32)
    columns = np.full((1, 300), 9, np.uint32)
    code = Compiler(table, with_constraints=False).compile()
    numbers = np.arange(300, dtype=np.uint32)

    def poles() -> int:
        weights = np.zeros((1, 5), np.uint64)
        return interpreter.run(FRACTION_MODE, code, messages, weights, columns, numbers, 1, phis, empty)

    assert poles() == 0
    columns[0, 250] = 7
    assert poles() == 1


def test_slots_are_used_again() -> None:
    table = Table("chain", Heights(1, 1))
    term = table.element("first")
    for number in range(500):
        following = table.element(f"column {number}")
        table.zero(f"step {number}", following - term * term)
        term = following
    assert Compiler(table, with_constraints=True).compile().slots <= 6


def test_a_table_is_compiled_once_and_again_when_it_has_changed() -> None:
    table = Table("growing", Heights(1, 1))
    column = table.element("value")
    table.add(1, 1, [column])
    first = compiled(table, with_constraints=True)
    assert compiled(table, with_constraints=True) is first
    assert compiled(table, with_constraints=False) is not first
    table.zero("it is 0", column)
    second = compiled(table, with_constraints=True)
    assert [row[0] for row in second.instructions].count(EMIT_CONSTRAINT) == 1
    table.fractions[0] = replace(table.fractions[0], tag=2)
    assert compiled(table, with_constraints=True).fixed != second.fixed
