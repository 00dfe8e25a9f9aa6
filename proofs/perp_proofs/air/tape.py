"""The constraint tape: the polynomials of a table, written once and read many ways.

A tape is a straight-line program over the columns of one row: the prover runs it on blocks of rows, the verifier at a
point of an extension field, the row checker on integers, the gate on intervals. Equal nodes are one node.
"""

from typing import NamedTuple

from perp_hash.field import MODULUS

CONSTANT = 0
COLUMN = 1
ROW = 2
ADD = 3
SUBTRACT = 4
MULTIPLY = 5
CODES = (CONSTANT, COLUMN, ROW, ADD, SUBTRACT, MULTIPLY)

DEGREE_MAX = 5
"""Of a constraint in the columns: the quotient then has less than four times their height."""


class Node(NamedTuple):
    """One instruction of a tape.

    `CONSTANT` has its value at left, any integer; `COLUMN` the number of a column; `ROW`, the number of the row from 0,
    nothing; the others two smaller nodes.
    """

    code: int
    left: int = 0
    right: int = 0


class Tape:
    """A straight-line program. Nodes are appended, never changed."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.degrees: list[int] = []
        self.numbers: dict[tuple[int, int, int], int] = {}
        self.constants: dict[int, Term] = {}

    def push(self, code: int, left: int, right: int, degree: int) -> "Term":
        """A node, a new one only if there is none like it."""
        node = code, left, right
        number = self.numbers.get(node)
        if number is None:
            number = self.numbers[node] = len(self.nodes)
            self.nodes.append(Node(code, left, right))
            self.degrees.append(degree)
        return Term(self, number)

    def constant(self, value: int) -> "Term":
        """A number."""
        if value not in self.constants:
            self.constants[value] = self.push(CONSTANT, value, 0, 0)
        return self.constants[value]

    def column(self, number: int) -> "Term":
        """The value of a column in the row."""
        return self.push(COLUMN, number, 0, 1)

    def row(self) -> "Term":
        """The number of the row: a column that nobody commits to."""
        return self.push(ROW, 0, 0, 1)


class Term:
    """A node of a tape, to write polynomials with. A truth value or a comparison is an error, as in every reading.

    Attributes:
        degree: In the columns.
        value: The number, where it is a constant.
    """

    __slots__ = ("degree", "number", "tape", "value")

    def __init__(self, tape: Tape, number: int) -> None:
        self.tape = tape
        self.number = number
        self.degree = tape.degrees[number]
        code, left, _ = tape.nodes[number]
        self.value = left if code == CONSTANT else None

    def lift(self, other: "Term | int") -> "Term":
        """Read an operand. Raises ValueError if it is of another tape."""
        if isinstance(other, int):
            return self.tape.constant(other)
        if other.tape is not self.tape:
            raise ValueError("a term of another table")
        return other

    def __add__(self, other: "Term | int") -> "Term":
        right = self.lift(other)
        if self.value is not None and right.value is not None:
            return self.tape.constant(self.value + right.value)
        if right.value == 0:
            return self
        if self.value == 0:
            return right
        first, second = self.number, right.number
        if first > second:
            first, second = second, first
        return self.tape.push(ADD, first, second, max(self.degree, right.degree))

    def __sub__(self, other: "Term | int") -> "Term":
        right = self.lift(other)
        if self.value is not None and right.value is not None:
            return self.tape.constant(self.value - right.value)
        if right.value == 0:
            return self
        return self.tape.push(SUBTRACT, self.number, right.number, max(self.degree, right.degree))

    def __mul__(self, other: "Term | int") -> "Term":
        right = self.lift(other)
        if self.value is not None and right.value is not None:
            return self.tape.constant(self.value * right.value)
        if right.value == 1:
            return self
        if self.value == 1:
            return right
        if self.value == 0 or right.value == 0:
            return self.tape.constant(0)
        first, second = self.number, right.number
        if first > second:
            first, second = second, first
        return self.tape.push(MULTIPLY, first, second, self.degree + right.degree)

    def __radd__(self, other: int) -> "Term":
        return self + other

    def __rsub__(self, other: int) -> "Term":
        return self.lift(other) - self

    def __rmul__(self, other: int) -> "Term":
        return self * other

    def __neg__(self) -> "Term":
        return self * -1

    def __eq__(self, other: object) -> bool:
        raise TypeError("terms are not compared")

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __bool__(self) -> bool:
        raise TypeError("a term has no truth value")


def evaluate(tape: Tape, columns: list[int], row: int) -> list[int]:
    """The value of every node in one row, modulo p."""
    values: list[int] = []
    for code, left, right in tape.nodes:
        if code == CONSTANT:
            values.append(left % MODULUS)
        elif code == COLUMN:
            values.append(columns[left])
        elif code == ROW:
            values.append(row)
        elif code == ADD:
            values.append((values[left] + values[right]) % MODULUS)
        elif code == SUBTRACT:
            values.append((values[left] - values[right]) % MODULUS)
        else:
            values.append(values[left] * values[right] % MODULUS)
    return values
