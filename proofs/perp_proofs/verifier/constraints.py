"""The identity of the quotient and the sum of the buses, from the values that a proof opens.

Constraints are numbered once over all present tables: a table's own in their order, then one for each group of up to
four fractions, phi * product of denominators - sum of numerator * product of the other denominators. The denominator of
a message is alpha - (tag + sum of beta_j * entry_j).
"""

from collections.abc import Sequence

from perp_hash.field import MODULUS
from perp_proofs.air.system import Fraction, PublicFraction, Table
from perp_proofs.air.tape import ADD, COLUMN, CONSTANT, ROW, SUBTRACT, Tape
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.field import (
    BASIS,
    DEGREE,
    ONE,
    ZERO,
    Element,
    add,
    base_inverses,
    embed,
    inverse,
    multiply,
    pack,
    power,
    powers,
    root_of_unity,
    scale,
    subtract,
    unpack,
)
from perp_proofs.verifier.plan import FRACTIONS, QUOTIENT, TRACE, Plan


def row_number(height: int, point: Element) -> Element:
    """The polynomial that is r at the r-th point of the trace domain, at a point of the extension.

    It is (n - 1) / 2 + sum over k from 1 to n - 1 of X^k / (g^-k - 1). Taken in runs of about sqrt(n) coefficients.
    """
    step = pow(root_of_unity(height), -1, MODULUS)
    differences, root = [1], 1
    for _ in range(1, height):
        root = root * step % MODULUS
        differences.append(root - 1)
    coefficients = base_inverses(differences)
    coefficients[0] = (height - 1) * pow(2, -1, MODULUS) % MODULUS
    run = 1 << height.bit_length() // 2
    low = [pack(value) for value in powers(point, run)]
    stride = power(point, run)
    result = ZERO
    for start in range(height - height % run if height % run else height - run, -1, -run):
        part = sum(a * b for a, b in zip(coefficients[start : start + run], low, strict=False))
        result = add(multiply(result, stride), unpack(part))
    return result


def evaluate(tape: Tape, columns: Sequence[Element], row: Element) -> list[Element]:
    """The value of every node of a tape."""
    values: list[Element] = []
    append = values.append
    for code, left, right in tape.nodes:
        if code == ADD:
            append(add(values[left], values[right]))
        elif code == SUBTRACT:
            append(subtract(values[left], values[right]))
        elif code == COLUMN:
            append(columns[left])
        elif code == CONSTANT:
            append(embed(left))
        elif code == ROW:
            append(row)
        elif tape.degrees[left] == 0:
            append(scale(values[right], values[left][0]))
        elif tape.degrees[right] == 0:
            append(scale(values[left], values[right][0]))
        else:
            append(multiply(values[left], values[right]))
    return values


class Messages:
    """The challenges alpha and beta_1, beta_2, ...; what they make of a message."""

    def __init__(self, drawn: Sequence[Element]) -> None:
        self.alpha, *self.betas = drawn

    def denominator(self, tag: int, entries: Sequence[Element]) -> Element:
        """alpha - (tag + sum of beta_j * entry_j)."""
        total = subtract(self.alpha, embed(tag))
        for beta, entry in zip(self.betas, entries, strict=False):
            total = subtract(total, multiply(beta, entry))
        return total

    def public(self, fractions: Sequence[PublicFraction]) -> Element:
        """The sum of the statement's fractions. Raises ProofError at a pole."""
        total = ZERO
        for fraction in fractions:
            below = self.denominator(fraction.tag, [embed(entry) for entry in fraction.entries])
            if below == ZERO:
                raise ProofError("a message of the statement is a pole")
            total = add(total, scale(inverse(below), fraction.numerator))
        return total

    def group(self, phi: Element, group: Sequence[Fraction], values: Sequence[Element]) -> Element:
        """The constraint of a group of fractions."""
        top, below = ZERO, ONE
        for fraction in group:
            own = self.denominator(fraction.tag, [values[entry] for entry in fraction.entries])
            top = add(multiply(top, own), multiply(below, values[fraction.numerator]))
            below = multiply(below, own)
        return subtract(multiply(phi, below), top)


def extension_value(coefficients: Sequence[Element]) -> Element:
    """The value of an extension column from those of its five coefficients."""
    total = ZERO
    for unit, value in zip(BASIS, coefficients, strict=True):
        total = add(total, multiply(unit, value))
    return total


def table_sum(
    table: Table, number: int, values: Sequence[Element], phis: Sequence[Element], messages: Messages, xi: Element
) -> Element:
    """Sum of xi^i times constraint i, over the constraints of a table, the first of which has the given number."""
    constraints = [values[constraint.node] for constraint in table.constraints]
    constraints += [messages.group(phi, group, values) for phi, group in zip(phis, table.groups, strict=True)]
    total = ZERO
    for value in reversed(constraints):
        total = add(multiply(total, xi), value)
    return multiply(total, power(xi, number))


class Opened:
    """The values at a point, of whole columns: the pieces of a cut column put together again."""

    def __init__(self, plan: Plan, point: Element, values: Sequence[Element]) -> None:
        self.columns: dict[tuple[int, int, int], Element] = {}
        for block in plan.blocks:
            stride = power(point, plan.bound)
            for place, (table, column) in enumerate(block.columns):
                start = block.first_slot + place * block.pieces
                total = ZERO
                for value in reversed(values[start : start + block.pieces]):
                    total = add(multiply(total, stride), value) if block.pieces > 1 else value
                self.columns[block.phase, table, column] = total

    def extension(self, phase: int, table: int, number: int) -> Element:
        """The value of an extension column."""
        return extension_value([self.columns[phase, table, DEGREE * number + j] for j in range(DEGREE)])


def check_identity(plan: Plan, opened: Opened, point: Element, messages: Messages, xi: Element) -> None:
    """Raise ProofError unless sum of xi^i C_i(z) / (z^n - 1) = Q(z)."""
    total = ZERO
    for number, table, height in plan.present:
        columns = [opened.columns[TRACE, number, column] for column in range(len(table.columns))]
        phis = [opened.extension(FRACTIONS, number, group) for group in range(len(table.groups))]
        has_row = any(node.code == ROW for node in table.tape.nodes)
        values = evaluate(table.tape, columns, row_number(height, point) if has_row else ZERO)
        summed = table_sum(table, plan.numbers[number], values, phis, messages, xi)
        vanishing = subtract(power(point, height), ONE)
        total = add(total, multiply(summed, inverse(vanishing)))
    if total != opened.extension(QUOTIENT, 0, 0):
        raise ProofError("the constraints do not hold at the point")


def check_sum(plan: Plan, zeros: Sequence[int], messages: Messages, public: Sequence[PublicFraction]) -> None:
    """Raise ProofError unless all fractions add up to 0: n * phi(0) is the sum of phi over a table's rows.

    `zeros` are the openings at 0, in the order of the slots; of a cut column only the first piece counts.
    """
    total = messages.public(public)
    first = min((block.first_slot for block in plan.blocks if block.phase == FRACTIONS), default=0)
    for block in plan.blocks:
        if block.phase != FRACTIONS:
            continue
        start = block.first_slot - first
        for place, (_, column) in enumerate(block.columns):
            value = zeros[start + place * block.pieces]
            total = add(total, scale(BASIS[column % DEGREE], block.height * value))
    if total != ZERO:
        raise ProofError("the buses do not balance")
