"""What messages of calls, loops, memory and configuration bring: the contract of each tag, entry by entry.

Whoever sends a message sees to its contract, and whoever receives it relies on that; the gate checks both. Calls are a
tree, loops and memory go forward, so no circle of rows can vouch for itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from perp_hash.digest import DIGEST_ELEMENTS
from perp_hash.field import MODULUS
from perp_hash.words import LIMBS
from perp_proofs.air.words import Interval, Shape, shape_of
from perp_proofs.program.listing import (
    BIT,
    DIGEST,
    LOOP_RECORDS,
    LOOPS,
    SMALL,
    WORD,
    Instruction,
    Program,
    Table,
    loop_of,
)
from perp_proofs.program.listing import Loop as LoopNumbers

ANY = (0, MODULUS - 1)
FLAG = (0, 1)

LOOP_LENGTH = {"held": 16, "markets": 64}
"""The most items a loop visits."""


class Leaf(NamedTuple):
    """A value that a message carries.

    Attributes:
        type: As in the listing.
        low: The least value in an honest row.
        high: The greatest.
        bounds: Of each entry.
        shape: Of a word with canonical limbs.
    """

    type: str
    low: int
    high: int
    bounds: tuple[Interval, ...]
    shape: Shape | None


def leaf(kind: str, low: int, high: int) -> Leaf:
    """A value in its range, a word canonical."""
    if kind == DIGEST:
        return Leaf(kind, low, high, (ANY,) * DIGEST_ELEMENTS, None)
    if kind == BIT:
        return Leaf(kind, 0, 1, (FLAG,), None)
    if kind == SMALL:
        return Leaf(kind, low, high, ((low, high),), None)
    shape = shape_of(low, high)
    return Leaf(kind, low, high, tuple(shape.bounds(at) for at in range(LIMBS)), shape)


def bounds_of(leaves: Sequence[Leaf]) -> list[Interval]:
    """The bounds of all entries of some values."""
    return [bounds for one in leaves for bounds in one.bounds]


SENDER = 1
RECEIVER = -1


class Contract(NamedTuple):
    """What holds of all messages of a tag.

    Attributes:
        bounds: Of each entry; None where nothing is promised.
        sides: For each entry whether the sender or the receiver sees to it.
        steps: For an entry that grows from step to step of a loop, what one step adds; the bounds are those of a loop.
        words: Where the five limbs of a word begin that have one sign.
    """

    bounds: tuple[Interval | None, ...]
    sides: tuple[int, ...]
    steps: tuple[Interval | None, ...]
    words: frozenset[int] = frozenset()


def contract(parts: Sequence[tuple[Interval | None, int]], words: Iterable[int] = ()) -> Contract:
    """A contract without steps, from the bounds and the side of each entry, and where words begin."""
    bounds, sides = tuple(one for one, _ in parts), tuple(side for _, side in parts)
    return Contract(bounds, sides, (None,) * len(parts), frozenset(words))


def word_places(leaves: Iterable[Leaf], start: int) -> Iterator[int]:
    """Yields where the limbs of canonical words begin, of values that are entries from a start on."""
    for one in leaves:
        if one.type == WORD and one.shape is not None:
            yield start
        start += len(one.bounds)


class LoopKind(NamedTuple):
    """Loops that share a table: they say the same of the same callee."""

    code: str
    loop: LoopNumbers
    types: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the table of its steps."""
        skips = " but one" if self.loop.skips else ""
        return f"{self.code} {self.loop.callee} {self.loop.source}{skips}"


def loop_kind(instruction: Instruction) -> LoopKind:
    """The kind of a loop instruction."""
    return LoopKind(instruction.code, loop_of(instruction), instruction.types)


def loop_kinds(program: Program) -> dict[LoopKind, str]:
    """All kinds of loops, in order, with names of their own."""
    kinds: dict[LoopKind, str] = {}
    for table in program.tables.values():
        for instruction in table.instructions:
            if instruction.code in LOOPS:
                kind = loop_kind(instruction)
                if kind not in kinds:
                    same = sum(known.name == kind.name for known in kinds)
                    kinds[kind] = kind.name + (f" {same + 1}" if same else "")
    return kinds


def called(program: Program) -> list[Table]:
    """The tables that are called, in order; others are only steps of loops."""
    names = {
        instruction.name
        for table in program.tables.values()
        for instruction in table.instructions
        if instruction.code in ("call", "call_if")
    }
    return [table for table in program.tables.values() if table.name in names]


def touched(program: Program, loop: LoopNumbers) -> list[tuple[int, str]]:
    """The records of an item of which a loop takes or stores a leaf: number of its first leaf, and name."""
    found: list[tuple[int, str]] = []
    start = 0
    for name in LOOP_RECORDS[loop.source]:
        end = start + len(program.records[name].fields)
        needed = loop.source == "held" and name == "Position"
        if needed or any(start <= at < end for at in (*loop.items, *loop.stored)):
            found.append((start, name))
        start = end
    return found


class Spans:
    """How many points of time each table needs: one for each access it makes, those of its callees included.

    Attributes:
        tables: By name.
        steps: Of one step of each kind of loop.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.tables: dict[str, int] = {}
        self.steps: dict[LoopKind, int] = {}
        for table in program.tables.values():
            self.tables[table.name] = sum(self.of(instruction) for instruction in table.instructions)

    def of(self, instruction: Instruction) -> int:
        """Points of time that an instruction needs; for a loop two steps more than it can have."""
        if instruction.code in ("load", "store"):
            return 1
        if instruction.code in ("call", "call_if"):
            return self.tables[instruction.name]
        if instruction.code in LOOPS:
            kind = loop_kind(instruction)
            step = len(touched(self.program, kind.loop)) + self.tables[kind.loop.callee]
            self.steps[kind] = step
            return step * (LOOP_LENGTH[kind.loop.source] + 2)
        return 0

    @property
    def stride(self) -> int:
        """Points of time of an operation: twice what any needs and one more, rounded up to a power of two."""
        return 1 << (2 * max(self.tables.values()) + 1).bit_length()


WORDS = (WORD, SMALL)
