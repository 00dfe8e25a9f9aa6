"""The batch of all committed words, and the folding that shows its degree, at the drawn rows."""

from collections.abc import Iterator, Sequence
from operator import mul

from perp_hash.field import MODULUS
from perp_proofs.verifier.codec import ELEMENT_BYTES, Reader, decode_elements, decode_extension, phase_name
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.field import (
    DEGREE,
    GENERATOR,
    ZERO,
    Element,
    add,
    embed,
    horner,
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
from perp_proofs.verifier.merkle import hash_row, root_of
from perp_proofs.verifier.plan import ARITY, FRACTIONS, PHASES, Block, Plan

HALVES = (4, 2, 1)
"""Pairs that each of the three folds by two of a leaf combines."""


def domain_point(size: int, index: int, shift: int = GENERATOR) -> int:
    """A point of the domain, or with another shift of a folded one: natural order."""
    return shift * pow(root_of_unity(size), index, MODULUS) % MODULUS


def read_leaves(
    reader: Reader, root: bytes, depth: int, indices: set[int], row_bytes: int, what: str
) -> dict[int, bytes]:
    """Rows at the sorted indices, then the digests that lead to the root. Raises ProofError if they do not."""
    rows = {index: reader.take(row_bytes, what) for index in sorted(indices)}
    digests = {index: hash_row(row) for index, row in rows.items()}
    if root_of(depth, digests, lambda: reader.digest(what)) != root:
        raise ProofError(f"{what}: rows do not belong to the committed root")
    return rows


def read_rows(reader: Reader, plan: Plan, roots: dict[int, bytes], indices: set[int]) -> dict[int, tuple[int, ...]]:
    """The values of all stacks in the drawn rows."""
    result: dict[int, tuple[int, ...]] = dict.fromkeys(indices, ())
    for phase in range(len(PHASES)):
        count = plan.stacks[phase]
        if not count:
            continue
        what = f"{phase_name(phase)} rows"
        leaves = read_leaves(reader, roots[phase], plan.size.bit_length() - 1, indices, ELEMENT_BYTES * count, what)
        for index, row in leaves.items():
            result[index] += decode_elements(row, what)
    return result


class Batch:
    """The combination of the words f_i and the quotients (f_i - V_i) / (X^m - y), by powers of lambda.

    The words come first, in the order of the stacks; then the quotients at z; then those at 0. So lambda^i belongs to
    the stack i in all three, but for a common factor, and a block of stacks needs one sum and one polynomial V.
    """

    def __init__(
        self, plan: Plan, point: Element, opened: Sequence[Element], zeros: Sequence[int], challenge: Element
    ) -> None:
        self.plan = plan
        self.point = point
        count = sum(plan.stacks)
        self.weights = powers(challenge, count)
        self.packed = [pack(weight) for weight in self.weights]
        self.at_point = power(challenge, count)
        self.at_zero = power(challenge, 2 * count - plan.stacks[0])
        values = [self.combine(block, opened[block.first_slot :]) for block in plan.blocks]
        self.values = [[pack(value) for value in part] for part in values]
        first = min((block.first_slot for block in plan.blocks if block.phase == FRACTIONS), default=0)
        self.zeros = {
            number: [pack(value) for value in self.combine_base(block, zeros[block.first_slot - first :])]
            for number, block in enumerate(plan.blocks)
            if block.phase == FRACTIONS
        }

    def combine(self, block: Block, slots: Sequence[Element]) -> list[Element]:
        """The coefficients of the sum of lambda^i V_i over the stacks of a block; unused slots are 0."""
        result = [ZERO] * min(block.width, block.slots)
        for slot in range(block.slots):
            stack, part = divmod(slot, block.width)
            result[part] = add(result[part], multiply(self.weights[block.first_stack + stack], slots[slot]))
        return result

    def combine_base(self, block: Block, slots: Sequence[int]) -> list[Element]:
        """The same for values in the base field."""
        result = [ZERO] * min(block.width, block.slots)
        for slot in range(block.slots):
            stack, part = divmod(slot, block.width)
            result[part] = add(result[part], scale(self.weights[block.first_stack + stack], slots[slot]))
        return result

    def evaluate(self, rows: dict[int, tuple[int, ...]]) -> dict[int, Element]:
        """The batch at each of the rows, from the values that the rows hold."""
        points = {index: domain_point(self.plan.size, index) for index in rows}
        order = [(index, block.width) for index in rows for block in self.plan.blocks]
        below = [subtract(embed(pow(points[index], width, MODULUS)), self.point) for index, width in order]
        inverted = iter(inverses(below))
        return {index: self.at_row(points[index], row, inverted) for index, row in rows.items()}

    def at_row(self, point: int, row: tuple[int, ...], inverted: Iterator[Element]) -> Element:
        """The batch at one row; `inverted` holds 1 / (x^m - z) of its blocks."""
        longest = max(len(values) for values in self.values)
        exponents = [1] * longest
        for exponent in range(1, longest):
            exponents[exponent] = exponents[exponent - 1] * point % MODULUS
        total = ZERO
        for number, block in enumerate(self.plan.blocks):
            stacks = slice(block.first_stack, block.first_stack + block.stacks)
            words = unpack(sum(map(mul, row[stacks], self.packed[stacks])))
            opened = unpack(sum(map(mul, exponents, self.values[number])))
            quotient = multiply(subtract(words, opened), next(inverted))
            total = add(total, add(words, multiply(self.at_point, quotient)))
            if block.phase == FRACTIONS:
                opened = unpack(sum(map(mul, exponents, self.zeros[number])))
                quotient = scale(subtract(words, opened), pow(point, -block.width, MODULUS))
                total = add(total, multiply(self.at_zero, quotient))
        return total


def fold(leaf: Sequence[Element], point: int, challenges: Sequence[Element]) -> Element:
    """Fold a leaf of eight values, at x times the eighth roots of unity, three times by two.

    A fold takes f(x) and f(-x) to f(x) + f(-x) + b (f(x) - f(-x)) / x, at x^2; nothing is divided by 2.
    """
    values = list(leaf)
    for half, challenge in zip(HALVES, challenges, strict=True):
        root = root_of_unity(2 * half)
        inverse = pow(point, -1, MODULUS)
        step = pow(root, -1, MODULUS)
        folded: list[Element] = []
        for place in range(half):
            even = add(values[place], values[place + half])
            odd = scale(subtract(values[place], values[place + half]), inverse)
            folded.append(add(even, multiply(challenge, odd)))
            inverse = inverse * step % MODULUS
        values = folded
        point = point * point % MODULUS
    return values[0]


class Layer:
    """A committed layer of the folding and the three challenges that fold it."""

    def __init__(self, root: bytes, challenges: Sequence[Element]) -> None:
        self.root = root
        self.challenges = challenges


def check_layers(
    reader: Reader, plan: Plan, layers: Sequence[Layer], final: Sequence[Element], batch: dict[int, Element]
) -> None:
    """Raise ProofError unless every layer is the fold of the one before, the first the batch, the last the final one.

    Leaf i of a layer of n points holds the points i + j * n / 8.
    """
    expected, size, shift = batch, plan.size, GENERATOR
    for number, layer in enumerate(layers):
        what = f"layer {number + 1}"
        leaves = size // ARITY
        indices = {index % leaves for index in expected}
        depth = leaves.bit_length() - 1
        rows = read_leaves(reader, layer.root, depth, indices, ARITY * DEGREE * ELEMENT_BYTES, what)
        decoded = {index: decode_extension(row, what) for index, row in rows.items()}
        for index, value in expected.items():
            if decoded[index % leaves][index // leaves] != value:
                raise ProofError(f"{what}: a value is not the one that follows from the layer before")
        expected = {
            index: fold(leaf, domain_point(size, index, shift), layer.challenges) for index, leaf in decoded.items()
        }
        size, shift = leaves, pow(shift, ARITY, MODULUS)
    for index, value in expected.items():
        if horner(reversed(final), embed(domain_point(size, index, shift))) != value:
            raise ProofError("the last polynomial is not what the layers fold to")
