"""Provers that lie: each departs from the protocol in one place and is honest, as far as that goes, everywhere else."""

from collections.abc import Sequence

import numpy as np

from perp_hash.field import MODULUS
from perp_proofs.air.system import PublicFraction, System
from perp_proofs.stark.arithmetic import Elements
from perp_proofs.stark.prover import Committed, Prover
from perp_proofs.verifier.constraints import Opened, evaluate, row_number, table_sum
from perp_proofs.verifier.field import (
    BASIS,
    DEGREE,
    GENERATOR,
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
from perp_proofs.verifier.plan import FRACTIONS, QUOTIENT, TRACE, Block
from perp_proofs.verifier.queries import Batch
from support.toys import FAST


def elements_of(rows: Elements) -> list[Element]:
    return [(int(a), int(b), int(c), int(d), int(e)) for a, b, c, d, e in rows]


def array_of(elements: Sequence[Element]) -> Elements:
    return np.array(elements, np.uint32).reshape(-1, DEGREE)


class Forger(Prover):
    """Sends openings that may be false, and makes the batch as the verifier does, from words and openings as they are.

    `openings` may change `opened` and `zeros`; `adjusted` then changes the opening of the quotient so that the identity
    of the constraints holds whatever the others are.
    """

    adjusted = False

    def __init__(
        self, system: System, trace: dict[str, Elements], public: Sequence[PublicFraction], bound: int = 512
    ) -> None:
        super().__init__(system, trace, public, b"", FAST, bound)
        self.opened: list[Element] = []
        self.zeros: list[int] = []

    def openings(self) -> None:
        """Lie about the openings."""

    def send_openings(self, values: list[Elements], zeros: list[Elements]) -> None:
        self.opened = [element for block in values for element in elements_of(block)]
        self.zeros = [int(value) for block in zeros for value in block]
        self.openings()
        if self.adjusted:
            self.adjust()
        super().send_openings([array_of(self.opened)], [np.array(self.zeros, np.uint32)])

    def slot(self, phase: int, height: int, column: int) -> int:
        """The number of the slot of a column that is not cut."""
        block = self.block_of(phase, height)
        assert block is not None
        return block.first_slot + column * block.pieces

    def demanded(self) -> Element:
        """What the quotient would have to be at the point, with these openings."""
        opened = Opened(self.plan, self.point, self.opened)
        total = ZERO
        for number, table, height in self.plan.present:
            columns = [opened.columns[TRACE, number, column] for column in range(len(table.columns))]
            phis = [opened.extension(FRACTIONS, number, group) for group in range(len(table.groups))]
            values = evaluate(table.tape, columns, row_number(height, self.point))
            summed = table_sum(table, self.plan.numbers[number], values, phis, self.messages, self.xi)
            total = add(total, multiply(summed, inverse(subtract(power(self.point, height), ONE))))
        return total

    def adjust(self) -> None:
        """Change the first coefficient of the quotient's opening, by what is missing to the identity."""
        (block,) = self.blocks(QUOTIENT)
        missing = subtract(self.demanded(), Opened(self.plan, self.point, self.opened).extension(QUOTIENT, 0, 0))
        self.opened[block.first_slot] = add(self.opened[block.first_slot], missing)

    def batch_values(self) -> Elements:
        trees = [committed.words for committed in self.committed if committed.tree is not None]
        words = np.concatenate(trees)
        rows = {row: tuple(words[:, row].tolist()) for row in range(self.plan.size)}
        values = self.batch_of().evaluate(rows)
        return np.ascontiguousarray(array_of([values[row] for row in range(self.plan.size)]).T)

    def batch_of(self) -> Batch:
        """The batch as the verifier makes it."""
        return Batch(self.plan, self.point, self.opened, self.zeros, self.challenge)


class WordForger(Forger):
    """Changes the committed words of a phase, in `change`."""

    phase = TRACE

    def change(self, words: Elements) -> None:
        """Lie in the words."""

    def fill_words(self, committed: Committed, block: Block, coefficients: Elements, words: Elements) -> None:
        super().fill_words(committed, block, coefficients, words)
        if block.phase == self.phase and words.base is committed.words:
            self.change_block(block, coefficients, words)

    def change_block(self, block: Block, coefficients: Elements, words: Elements) -> None:
        """Lie in the words of one block."""
        if len(coefficients) and block is self.blocks(self.phase)[0]:
            self.change(words)


class DegreeForger(Forger):
    """Adds c (X^n - 1) to columns phi: no row changes, but the value at 0 does, so that any sum comes to 0.

    The degree of the columns is n then, one too many.
    """

    number = 1
    """Of the table whose first group is changed."""

    def deficit(self) -> Element:
        """What the sum over all buses lacks."""
        total = self.messages.public(self.public)
        for block in self.blocks(FRACTIONS):
            own = self.committed[FRACTIONS].coefficients[block]
            for place, (_, column) in enumerate(block.columns):
                total = add(total, scale(BASIS[column % DEGREE], block.height * int(own[place, 0])))
        return total

    def commit_coefficients(self, phase: int, coefficients: dict[Block, Elements]) -> None:
        if phase == FRACTIONS:
            self.committed[FRACTIONS].coefficients = coefficients
            height = self.plan.heights[self.number]
            assert height is not None
            self.added = scale(self.deficit(), pow(height, -1, MODULUS))
        super().commit_coefficients(phase, coefficients)

    def changed_block(self) -> tuple[Block, int]:
        """The block and the place in it of the first changed column."""
        height = self.plan.heights[self.number]
        block = self.block_of(FRACTIONS, height or 0)
        assert block is not None
        return block, block.columns.index((self.number, 0))

    def fill_words(self, committed: Committed, block: Block, coefficients: Elements, words: Elements) -> None:
        super().fill_words(committed, block, coefficients, words)
        if block.phase != FRACTIONS or block != self.changed_block()[0]:
            return
        _, place = self.changed_block()
        domain = points(self.plan.size, GENERATOR)
        values = committed.values[block]
        shift = pow(GENERATOR, block.width, MODULUS)
        vanishing = [(pow(x, block.height, MODULUS) - 1) % MODULUS for x in points(values.shape[1], shift)]
        for j, c in enumerate(self.added):
            values[place + j] = [(int(v) + c * t) % MODULUS for v, t in zip(values[place + j], vanishing, strict=True)]
            first, last = (place + j) * block.pieces, (place + j) * block.pieces + block.pieces - 1
            length = block.height // block.pieces
            for slot, lowest, factor in ((first, 0, -c), (last, length, c)):
                stack, part = divmod(slot, block.width)
                exponent = part + block.width * lowest
                words[stack] = [
                    (int(v) + factor * pow(x, exponent, MODULUS)) % MODULUS
                    for v, x in zip(words[stack], domain, strict=True)
                ]

    def openings(self) -> None:
        block, place = self.changed_block()
        first = min(own.first_slot for own in self.blocks(FRACTIONS))
        top = power(self.point, block.height // block.pieces)
        for j, c in enumerate(self.added):
            low = block.first_slot + (place + j) * block.pieces
            high = low + block.pieces - 1
            self.opened[low] = subtract(self.opened[low], embed(c))
            self.opened[high] = add(self.opened[high], scale(top, c))
            self.zeros[low - first] = (self.zeros[low - first] - c) % MODULUS


def points(size: int, shift: int) -> list[int]:
    root = root_of_unity(size)
    result = [shift]
    while len(result) < size:
        result.append(result[-1] * root % MODULUS)
    return result
