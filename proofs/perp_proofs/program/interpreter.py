"""The interpreter: runs a recorded program on plain integers, and notes each word that is none.

It knows nothing of the rules: only the program, and a memory that loads and stores records as tuples of integers. Its
results must be those of the integer machine; its notes say where a rule leaves the range of a word.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from perp_hash.digest import hash_words
from perp_proofs.program.listing import (
    LOOP_RECORDS,
    LOOPS,
    Instruction,
    Loop,
    Program,
    Table,
    loop_of,
    type_range,
)

Values = Sequence[int]


class Memory(Protocol):
    """The records a program runs on. A record is its fields, a key its parts, outermost first.

    It changes between operations only: what an operation stores is handed over when it is done.
    """

    def load(self, record: str, key: tuple[int, ...]) -> Values:
        """A record of the state."""
        ...

    def store(self, record: str, key: tuple[int, ...], fields: Values) -> None:
        """Store a record of the state."""
        ...

    def config(self, record: str, key: tuple[int, ...]) -> Values:
        """A record of the configuration, all zeros where the key is not configured."""
        ...


class Refused(Exception):
    """A guard is false. Nothing has been stored."""

    def __init__(self, reason: int) -> None:
        super().__init__(f"reason {reason}")
        self.reason = reason


class OutOfType(NamedTuple):
    """A value that its type does not hold."""

    table: str
    number: int
    value: int
    """Number of the value in the table, and what it was."""


class Loaded(NamedTuple):
    """An item of a loop: where it is, and its leaves."""

    keys: tuple[tuple[int, ...], ...]
    leaves: list[int]


@dataclass
class Run:
    """One run of an operation.

    Attributes:
        stores: What it stores, by record and key.
        stored_twice: Records that it stores more than once; no rule may.
        out_of_type: Values that their types do not hold, in order.
        rows: How many rows of each table it took.
    """

    program: Program
    memory: Memory
    stores: dict[tuple[str, tuple[int, ...]], Values] = field(default_factory=dict[tuple[str, tuple[int, ...]], Values])
    stored_twice: list[tuple[str, tuple[int, ...]]] = field(default_factory=list[tuple[str, tuple[int, ...]]])
    out_of_type: list[OutOfType] = field(default_factory=list[OutOfType])
    rows: dict[str, int] = field(default_factory=dict[str, int])

    def operation(self, name: str, arguments: Values) -> None:
        """Run an operation and store what it stores.

        Raises:
            Refused: A guard is false.
        """
        self.table(name, arguments)
        for (record, key), fields in self.stores.items():
            self.memory.store(record, key, fields)

    def store(self, record: str, key: tuple[int, ...], fields: Values) -> None:
        """Note a record to be stored."""
        if (record, key) in self.stores:
            self.stored_twice.append((record, key))
        self.stores[record, key] = fields

    def table(self, name: str, arguments: Values) -> list[int]:
        """Run a table; its results.

        Raises:
            Refused: A guard is false.
        """
        table = self.program.tables[name]
        self.rows[name] = self.rows.get(name, 0) + 1
        values: list[int] = []
        for instruction in table.instructions:
            if instruction.code == "input":
                made: Values = (arguments[len(values)],)
            elif instruction.code in SCALAR:
                made = SCALAR[instruction.code]([values[at] for at in instruction.operands], instruction.numbers)
            else:
                made = self.act(instruction, [values[at] for at in instruction.operands])
            self.check(table, instruction, len(values), made)
            values += made
        return [values[at] for at in table.results]

    def check(self, table: Table, instruction: Instruction, number: int, made: Values) -> None:
        """Note values out of their type."""
        for at, (kind, value) in enumerate(zip(instruction.types, made, strict=True)):
            low, high = RANGES[kind]
            if not low <= value <= high:
                self.out_of_type.append(OutOfType(table.name, number + at, value))

    def act(self, instruction: Instruction, operands: list[int]) -> Values:
        """An instruction that guards, calls, or reaches the memory."""
        code = instruction.code
        if code == "require":
            return refuse_unless(bool(operands[0]), instruction.numbers[0])
        if code == "require_done":
            return refuse_unless(operands[0] == 0, operands[0])
        if code == "call":
            return self.table(instruction.name, operands)
        if code == "call_if":
            count = len(self.program.tables[instruction.name].inputs)
            flag, *others = operands
            return self.table(instruction.name, others[:count]) if flag else others[count:]
        if code in LOOPS:
            return self.loop(code, loop_of(instruction), operands)
        return self.access(instruction, operands)

    def access(self, instruction: Instruction, operands: list[int]) -> Values:
        """A load, a store or a read of the configuration."""
        count = self.program.records[instruction.name].keys
        key, fields = tuple(operands[:count]), operands[count:]
        if instruction.code == "load":
            return self.memory.load(instruction.name, key)
        if instruction.code == "store":
            self.store(instruction.name, key, fields)
            return ()
        known = self.memory.config(instruction.name, key)
        return [known[at] for at in instruction.numbers]

    def loop(self, code: str, loop: Loop, operands: list[int]) -> Values:
        """A loop over records."""
        account = operands[: loop.source == "held"]
        count, *others = operands[len(account) : loop.fixed]
        skip = others[0] if loop.skips else -1
        stores = bool(others[-1])
        carry = operands[loop.fixed :][: loop.carried]
        extra = operands[loop.fixed + loop.carried :]
        width = len(self.program.tables[loop.callee].results) - len(loop.stored)
        results = carry if code == "fold" else [0] * width
        for number in range(count):
            if number == skip:
                continue
            item = self.item(loop.source, account, number)
            arguments = (*(results if code == "fold" else ()), *(item.leaves[at] for at in loop.items), *extra)
            made = self.table(loop.callee, arguments)
            changes, sums = made[: len(loop.stored)], made[len(loop.stored) :]
            if stores and code != "total":
                self.store_item(loop, item, changes)
            results = sums if code == "fold" else [one + more for one, more in zip(results, sums, strict=True)]
        return results

    def item(self, source: str, account: list[int], number: int) -> Loaded:
        """The item of a loop with this number."""
        first, second = LOOP_RECORDS[source]
        key = (*account, number)
        leaves = list(self.memory.load(first, key))
        market = leaves[0] if source == "held" else number
        keys = (key, (market,))
        return Loaded(keys, [*leaves, *self.memory.load(second, (market,)), market])

    def store_item(self, loop: Loop, item: Loaded, changes: Values) -> None:
        """Store the records of an item with some leaves changed, where any is."""
        leaves = list(item.leaves)
        for leaf, value in zip(loop.stored, changes, strict=True):
            leaves[leaf] = value
        start = 0
        for name, key in zip(LOOP_RECORDS[loop.source], item.keys, strict=True):
            end = start + len(self.program.records[name].fields)
            if any(start <= leaf < end for leaf in loop.stored):
                self.store(name, key, leaves[start:end])
            start = end


def refuse_unless(condition: bool, reason: int) -> Values:
    """Raise Refused unless the condition holds."""
    if not condition:
        raise Refused(reason)
    return ()


def linear(operands: list[int], numbers: Values) -> int:
    """The value of a linear form."""
    return numbers[-1] + sum(factor * value for factor, value in zip(numbers, operands, strict=False))


def ceil_division(operands: list[int]) -> Values:
    """Quotient toward plus infinity, and what it has too much."""
    a, b, c = operands
    quotient = -(-a * b // c)
    return quotient, quotient * c - a * b


SCALAR: dict[str, Callable[[list[int], Values], Values]] = {
    "constant": lambda _, numbers: numbers,
    "linear": lambda of, numbers: (linear(of, numbers),),
    "multiply": lambda of, _: (of[0] * of[1],),
    "floor": lambda of, _: divmod(of[0] * of[1], of[2]),
    "ceil": lambda of, _: ceil_division(of),
    "product_le": lambda of, _: (int(of[0] * of[1] <= of[2] * of[3]),),
    "at_most": lambda of, numbers: (int(linear(of, numbers) <= 0),),
    "zero": lambda of, numbers: (int(linear(of, numbers) == 0),),
    "same": lambda of, _: (int(of[0] == of[1]),),
    "select": lambda of, _: (of[1] if of[0] else of[2],),
    "and": lambda of, _: (of[0] & of[1],),
    "or": lambda of, _: (of[0] | of[1],),
    "not": lambda of, _: (1 - of[0],),
    "digest": lambda of, numbers: (hash_words(numbers[0], of[: numbers[1]], of[numbers[1] :]),),
}

RANGES = {kind: type_range(kind) for kind in ("word", "small", "bit", "digest")}
