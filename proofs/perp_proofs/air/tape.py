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
        self.numbers: dict[Node, int] = {}

    def push(self, node: Node, degree: int) -> int:
        """The number of a node, a new one only if there is none like it."""
        number = self.numbers.get(node)
        if number is None:
            number = self.numbers[node] = len(self.nodes)
            self.nodes.append(node)
            self.degrees.append(degree)
        return number

    def constant(self, value: int) -> "Term":
        """A number."""
        return Term(self, self.push(Node(CONSTANT, value), 0))

    def column(self, number: int) -> "Term":
        """The value of a column in the row."""
        return Term(self, self.push(Node(COLUMN, number), 1))

    def row(self) -> "Term":
        """The number of the row: a column that nobody commits to."""
        return Term(self, self.push(Node(ROW), 1))


class Term:
    """A node of a tape, to write polynomials with. A truth value or a comparison is an error, as in every reading."""

    __slots__ = ("number", "tape")

    def __init__(self, tape: Tape, number: int) -> None:
        self.tape = tape
        self.number = number

    @property
    def degree(self) -> int:
        """Degree in the columns."""
        return self.tape.degrees[self.number]

    @property
    def value(self) -> int | None:
        """The number, where it is a constant."""
        node = self.tape.nodes[self.number]
        return node.left if node.code == CONSTANT else None

    def lift(self, other: "Term | int") -> "Term":
        """Read an operand. Raises ValueError if it is of another tape."""
        if isinstance(other, int):
            return self.tape.constant(other)
        if other.tape is not self.tape:
            raise ValueError("a term of another table")
        return other

    def __add__(self, other: "Term | int") -> "Term":
        right = self.lift(other)
        left_value, right_value = self.value, right.value
        if left_value is not None and right_value is not None:
            return self.tape.constant(left_value + right_value)
        if right_value == 0:
            return self
        if left_value == 0:
            return right
        node = Node(ADD, *sorted((self.number, right.number)))
        return Term(self.tape, self.tape.push(node, max(self.degree, right.degree)))

    def __sub__(self, other: "Term | int") -> "Term":
        right = self.lift(other)
        left_value, right_value = self.value, right.value
        if left_value is not None and right_value is not None:
            return self.tape.constant(left_value - right_value)
        if right_value == 0:
            return self
        node = Node(SUBTRACT, self.number, right.number)
        return Term(self.tape, self.tape.push(node, max(self.degree, right.degree)))

    def __mul__(self, other: "Term | int") -> "Term":
        right = self.lift(other)
        left_value, right_value = self.value, right.value
        if left_value is not None and right_value is not None:
            return self.tape.constant(left_value * right_value)
        if right_value == 1:
            return self
        if left_value == 1:
            return right
        if left_value == 0 or right_value == 0:
            return self.tape.constant(0)
        node = Node(MULTIPLY, *sorted((self.number, right.number)))
        return Term(self.tape, self.tape.push(node, self.degree + right.degree))

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
