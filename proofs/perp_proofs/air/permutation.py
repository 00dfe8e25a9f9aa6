"""The permutation table: one row a step of the hash suite, out = permute(left, right) + left in its first eight lanes.

A row has the 16 lanes of the input, the cube of every lane in the full rounds and of lane 0 in the partial ones. All
else is linear in them. In a partial round the other lanes are only mixed, so mixing them is put off (the optimisation
in the appendix of the Poseidon paper): write the matrix as a corner m, the rest v of row 0, the rest w of column 0 and
the block A of the other lanes, and the other lanes as A^r rest. Round r makes lane 0, from its cube y, m y + (v A^r) .
rest, and adds (A^-(r+1) w) y to the rest. Constants of the other lanes are carried through the matrix until they meet
lane 0 of a later round or the first full round after. Full rounds mix by splitting the circulant matrix into one of
sums and one of differences of opposite lanes, again and again.

Rounds add their constants times `active`, so a row of zeros is right. Rows that are not active provide nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from perp_hash.digest import DIGEST_ELEMENTS
from perp_hash.field import MODULUS
from perp_hash.poseidon import WIDTH, Suite
from perp_proofs.air.buses import FREE, HASH
from perp_proofs.air.records import bit
from perp_proofs.air.system import Heights, Table
from perp_proofs.air.tape import Term

HEIGHT_MAX = 1 << 20

Vector = list[int]
Matrix = list[Vector]


def dot(left: Sequence[int], right: Sequence[int]) -> int:
    """The inner product modulo p."""
    return sum(a * b for a, b in zip(left, right, strict=True)) % MODULUS


def times(matrix: Matrix, vector: Vector) -> Vector:
    """The product of a matrix and a column modulo p."""
    return [dot(row, vector) for row in matrix]


def inverse(matrix: Matrix) -> Matrix:
    """The inverse modulo p, by Gauss and Jordan. Raises StopIteration if there is none."""
    size = len(matrix)
    rows = [[*row, *(int(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = next(i for i in range(column, size) if rows[i][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        scale = pow(rows[column][column], -1, MODULUS)
        rows[column] = [entry * scale % MODULUS for entry in rows[column]]
        for i in range(size):
            factor = rows[i][column]
            if i != column and factor:
                rows[i] = [(a - factor * b) % MODULUS for a, b in zip(rows[i], rows[column], strict=True)]
    return [row[size:] for row in rows]


@dataclass(frozen=True)
class PartialRounds:
    """The partial rounds of a suite, with the other lanes put off.

    Attributes:
        constants: Of lane 0, for each round.
        products: Factors of the rest in the next lane 0, for each round.
        additions: Factors of the cube in the rest, for each round.
        power: What the rest is multiplied by after them.
        carried: What is left to add to all lanes after them.
    """

    corner: int
    constants: Vector
    products: Matrix
    additions: Matrix
    power: Matrix
    carried: Vector


def mixing_matrix(suite: Suite) -> Matrix:
    """The circulant matrix in full."""
    row = suite.matrix_first_row
    return [[row[(j - i) % WIDTH] for j in range(WIDTH)] for i in range(WIDTH)]


def partial_rounds(suite: Suite) -> PartialRounds:
    """The partial rounds of a suite."""
    matrix = mixing_matrix(suite)
    block = [row[1:] for row in matrix[1:]]
    transposed = [list(column) for column in zip(*block, strict=True)]
    undone = inverse(block)
    product, addition = matrix[0][1:], [row[0] for row in matrix[1:]]
    power = [[int(i == j) for j in range(WIDTH - 1)] for i in range(WIDTH - 1)]
    first = suite.full_rounds // 2
    constants: Vector = []
    products: Matrix = []
    additions: Matrix = []
    carried = [0] * WIDTH
    for added in suite.round_constants[first : first + suite.partial_rounds]:
        here, *others = [(a + b) % MODULUS for a, b in zip(added, carried, strict=True)]
        constants.append(here)
        carried = times(matrix, [0, *others])
        addition = times(undone, addition)
        products.append(product)
        additions.append(addition)
        product = times(transposed, product)
        power = [times(transposed, row) for row in power]
    return PartialRounds(matrix[0][0], constants, products, additions, power, carried)


def weighted(factors: Sequence[int], terms: Sequence[Term]) -> Term:
    """A sum of terms with factors."""
    parts = [term * factor for factor, term in zip(factors, terms, strict=True)]
    return sum(parts[1:], parts[0])


def circulant(row: Sequence[int], terms: Sequence[Term], wanted: int) -> list[Term]:
    """The first `wanted` results of a circulant matrix: result i is the sum of row[j - i] times term j."""
    size = len(row)
    if size == 1:
        return [terms[0] * row[0]]
    half, halved = size // 2, pow(2, -1, MODULUS)
    sums = [terms[at] + terms[at + half] for at in range(half)]
    differences = [terms[at] - terms[at + half] for at in range(half)]
    of_sums = [(row[at] + row[at + half]) * halved % MODULUS for at in range(half)]
    of_differences = [(row[at] - row[at + half]) * halved % MODULUS for at in range(half)]
    even = circulant(of_sums, sums, half)
    turned = [
        [of_differences[j - i] if j >= i else -of_differences[j - i + half] for j in range(half)] for i in range(half)
    ]
    odd = [weighted([factor % MODULUS for factor in factors], differences) for factors in turned]
    lower = [one + other for one, other in zip(even, odd, strict=True)]
    return [*lower, *(one - other for one, other in zip(even, odd, strict=True))][:wanted]


def cube(table: Table, name: str, term: Term) -> Term:
    """Add a column with the cube of a term."""
    column = table.element(name)
    table.zero(f"{name} is a cube", column - term * term * term, modular=True)
    return column


def full_round(table: Table, suite: Suite, number: int, lanes: list[Term], wanted: int = WIDTH) -> list[Term]:
    """A full round on lanes that have their constants already, the next ones without theirs."""
    cubes = [cube(table, f"full{number}.{at}", lane) for at, lane in enumerate(lanes)]
    return circulant(suite.matrix_first_row, cubes, wanted)


def middle(table: Table, suite: Suite, active: Term, lanes: list[Term]) -> list[Term]:
    """The partial rounds."""
    rounds = partial_rounds(suite)
    first, rest = lanes[0], lanes[1:]
    for number, constant in enumerate(rounds.constants):
        cubed = cube(table, f"partial{number}", first + active * constant)
        first = cubed * rounds.corner + weighted(rounds.products[number], rest)
        rest = [term + cubed * factor for term, factor in zip(rest, rounds.additions[number], strict=True)]
    lanes = [first, *(weighted(factors, rest) for factors in rounds.power)]
    return [lane + active * constant for lane, constant in zip(lanes, rounds.carried, strict=True)]


def permutation_table(suite: Suite) -> Table:
    """The table of a suite."""
    table = Table("permutation", Heights(1, HEIGHT_MAX))
    active = bit(table, "active")
    multiplicity = table.element("multiplicity")
    inputs = [table.element(f"in.{at}") for at in range(WIDTH)]
    lanes = inputs
    half = suite.full_rounds // 2
    after = half + suite.partial_rounds
    for number, constants in enumerate(suite.round_constants):
        if half <= number < after:
            continue
        if number == after:
            lanes = middle(table, suite, active, lanes)
        lanes = [lane + active * constant for lane, constant in zip(lanes, constants, strict=True)]
        last = number == len(suite.round_constants) - 1
        lanes = full_round(table, suite, number, lanes, DIGEST_ELEMENTS if last else WIDTH)
    out = [lane + fed for lane, fed in zip(lanes, inputs, strict=False)]
    table.add(HASH, -(multiplicity * active), [*inputs, *out], FREE)
    return table
