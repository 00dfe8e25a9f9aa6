"""The plan of a proof: which columns lie in which committed word, where, and how long everything is.

A pure function of the system, the heights of its tables, the degree bound H and the blowup. Prover and verifier both
follow it, and a proof holds nothing that it says. docs/proof-system/stacking.md explains it.
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2s

from perp_proofs.air.system import FRACTIONS_A_GROUP, PublicFraction, System, Table, check_system
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.field import DEGREE, TWO_ADICITY

TRACE, FRACTIONS, QUOTIENT = range(3)
"""The phases: each has a tree of its own."""

PHASES = ("trace", "fractions", "quotient")

QUOTIENT_FACTOR = 4
"""The quotient of a constraint of degree 5 has less than four times as many coefficients as its table has rows."""

ARITY = 8
"""Points of a leaf of a folding layer; a layer folds three times by two."""

FINAL_LENGTH_MAX = 64
"""Folding stops as soon as the degree bound is no higher."""

BOUND_LEAST = FINAL_LENGTH_MAX * ARITY
SIZE_MAX = 1 << TWO_ADICITY
HEIGHT_MAX = SIZE_MAX // QUOTIENT_FACTOR

ABSENT = 255
"""Stands for an absent table where the others have the logarithm of their height."""


@dataclass(frozen=True)
class Block:
    """The columns of one phase and one height, in order, packed side by side into stacks.

    A column of n rows is cut by coefficients into `pieces` of at most H. Slot t of the block is piece t % pieces of
    column t // pieces; it lies in the stack t // width, where it is part t % width: coefficient i of part k is
    coefficient k + width * i of the stack.

    Attributes:
        columns: Number of the table and of the column in it; a quotient's coefficient has table 0.
        width: Parts of a stack, H / n or 1. The last stack may be filled in part.
        first_stack: Number of the first stack, over all phases.
        first_slot: Number of the first slot, over all phases.
    """

    phase: int
    height: int
    columns: tuple[tuple[int, int], ...]
    width: int
    pieces: int
    first_stack: int
    first_slot: int

    @property
    def slots(self) -> int:
        """Parts of stacks that are used."""
        return len(self.columns) * self.pieces

    @property
    def stacks(self) -> int:
        """Words that the columns fill."""
        return -(-self.slots // self.width)


@dataclass(frozen=True)
class Plan:
    """See the module.

    Attributes:
        heights: Of each table; None where it is absent.
        bound: H, the number of coefficients of every committed word.
        size: N, the points of the domain.
        blocks: By phase, then from the highest down.
        numbers: Number of the first constraint of each table, over all present ones.
        constraints: How many there are.
    """

    system: System
    heights: tuple[int | None, ...]
    bound: int
    size: int
    blocks: tuple[Block, ...]
    numbers: tuple[int, ...]
    constraints: int

    @cached_property
    def stacks(self) -> tuple[int, ...]:
        """Words of each phase. A phase without words has no tree."""
        return tuple(sum(block.stacks for block in self.blocks if block.phase == phase) for phase in range(len(PHASES)))

    @cached_property
    def slots(self) -> int:
        """Values opened out of the domain."""
        return sum(block.slots for block in self.blocks)

    @cached_property
    def sums(self) -> int:
        """Values opened at 0: those of the fractions' phase."""
        return sum(block.slots for block in self.blocks if block.phase == FRACTIONS)

    @property
    def words(self) -> int:
        """Words of the batch: each stack, its quotient at z, and for a stack of fractions its quotient at 0."""
        return 2 * sum(self.stacks) + self.stacks[FRACTIONS]

    @property
    def height(self) -> int:
        """The greatest height of a table."""
        return max(height for height in self.heights if height is not None)

    @cached_property
    def layers(self) -> int:
        """Folding layers, the batch first."""
        count, bound = 0, self.bound
        while bound > FINAL_LENGTH_MAX:
            count, bound = count + 1, bound // ARITY
        return count

    @property
    def final_length(self) -> int:
        """Coefficients of the last polynomial."""
        return self.bound // ARITY**self.layers

    @cached_property
    def message_width(self) -> int:
        """Entries of the widest message."""
        return max(self.system.arities.values(), default=0)

    @property
    def present(self) -> list[tuple[int, Table, int]]:
        """Number, table and height of the tables that are there."""
        return [
            (number, table, height)
            for number, (table, height) in enumerate(zip(self.system.tables, self.heights, strict=True))
            if height is not None
        ]

    def fractions(self, public: list[PublicFraction]) -> int:
        """Fractions over all rows, padding too, and of the statement."""
        return sum(height * len(table.fractions) for _, table, height in self.present) + len(public)

    def weights(self, public: list[PublicFraction]) -> int:
        """The most that the multiplicities of one message can add up to."""
        rows = sum(height * fraction.weight for _, table, height in self.present for fraction in table.fractions)
        return rows + sum(abs(fraction.numerator) for fraction in public)

    def header(self) -> bytes:
        """Heights and degree bound, as the proof and the transcript have them."""
        return bytes(ABSENT if height is None else height.bit_length() - 1 for height in (*self.heights, self.bound))


def is_power_of_two(value: int) -> bool:
    """Tells whether a number is 1, 2, 4, ..."""
    return value > 0 and value & value - 1 == 0


def check_heights(system: System, heights: tuple[int | None, ...]) -> None:
    """Raise ProofError unless every table has a height that it may have."""
    if len(heights) != len(system.tables):
        raise ProofError(f"{len(heights)} heights for {len(system.tables)} tables")
    for table, height in zip(system.tables, heights, strict=True):
        if height is None:
            if not table.heights.optional:
                raise ProofError(f"table {table.name} is absent")
        elif not is_power_of_two(height) or not table.heights.least <= height <= table.heights.greatest:
            raise ProofError(f"table {table.name} cannot have {height} rows")
        elif height > HEIGHT_MAX:
            raise ProofError(f"table {table.name} has more than {HEIGHT_MAX} rows")
    if all(height is None for height in heights):
        raise ProofError("every table is absent")


def phase_columns(
    system: System, heights: tuple[int | None, ...]
) -> list[tuple[int, dict[int, list[tuple[int, int]]]]]:
    """The columns of each phase, by height."""
    by_phase: list[dict[int, list[tuple[int, int]]]] = [{}, {}, {}]
    for number, (table, height) in enumerate(zip(system.tables, heights, strict=True)):
        if height is None:
            continue
        counts = (len(table.columns), DEGREE * -(-len(table.fractions) // FRACTIONS_A_GROUP))
        for phase, count in zip((TRACE, FRACTIONS), counts, strict=True):
            by_phase[phase].setdefault(height, []).extend((number, column) for column in range(count))
    highest = max(height for height in heights if height is not None)
    by_phase[QUOTIENT][QUOTIENT_FACTOR * highest] = [(0, coefficient) for coefficient in range(DEGREE)]
    return list(enumerate(by_phase))


def plan(system: System, heights: tuple[int | None, ...], bound: int, blowup: int) -> Plan:
    """The plan. Raises ProofError for heights or a degree bound that a proof cannot have.

    Raises MalformedSystem if the system itself is malformed: a message with too many entries would lose some.
    """
    check_system(system)
    check_heights(system, heights)
    if not is_power_of_two(bound) or bound < BOUND_LEAST:
        raise ProofError(f"a degree bound of {bound} is no power of two from {BOUND_LEAST} on")
    if bound * blowup > SIZE_MAX:
        raise ProofError(f"a domain of {bound * blowup} points has more than {SIZE_MAX}")
    blocks: list[Block] = []
    stack = slot = 0
    for phase, by_height in phase_columns(system, heights):
        for height in sorted(by_height, reverse=True):
            if not by_height[height]:
                continue
            width, pieces = max(1, bound // height), max(1, height // bound)
            block = Block(phase, height, tuple(by_height[height]), width, pieces, stack, slot)
            stack, slot = stack + block.stacks, slot + block.slots
            blocks.append(block)
    numbers: list[int] = []
    total = 0
    for table, height in zip(system.tables, heights, strict=True):
        numbers.append(total)
        total += 0 if height is None else len(table.constraints) + len(table.groups)
    return Plan(system, heights, bound, bound * blowup, tuple(blocks), tuple(numbers), total)


def fingerprint(system: System) -> bytes:
    """32 bytes that bind every table as it is: heights, tape, constraints, fractions. For the transcript."""
    hasher = blake2s(person=b"perp.sys")
    hasher.update(f"{system.name}\n{system.digest.hex()}\n{sorted(system.arities.items())}\n".encode())
    for table in system.tables:
        head = (table.name, table.heights.least, table.heights.greatest, table.heights.optional)
        columns = [(column.name, column.low, column.high) for column in table.columns]
        constraints = [(constraint.name, constraint.node) for constraint in table.constraints]
        fractions = [
            (fraction.tag, fraction.numerator, fraction.entries, fraction.weight) for fraction in table.fractions
        ]
        nodes = [tuple(node) for node in table.tape.nodes]
        hasher.update(f"{head}\n{columns}\n{constraints}\n{fractions}\n{nodes}\n".encode())
    return hasher.digest()
