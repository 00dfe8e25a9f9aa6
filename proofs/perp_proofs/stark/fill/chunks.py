"""A batch as chunks: all operations of a kind at once, and what they call, as arrays.

A chunk is the rows of one table that one place of the program makes. What operations load is known from the history of
the batch, so that operations of a kind need not wait for one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perp_proofs.air.interfaces import LOOP_LENGTH, LoopKind, loop_kind, touched
from perp_proofs.air.rulebook import Rules, RuleTable, store_key
from perp_proofs.program.interpreter import Refused
from perp_proofs.program.listing import LOOPS, Instruction, item_fields
from perp_proofs.stark.fill.arrays import Array, computed, value_rows
from perp_proofs.stark.fill.history import History
from perp_reference.core.encoding import record_values
from perp_spec.perpetual.records import Market


class FillError(Exception):
    """The recorded program and the integer machine differ. An error of this program."""


@dataclass
class Accessed:
    """An access of a chunk, once a row."""

    record: str
    keys: tuple[Array, ...]
    now: Array


@dataclass(eq=False)
class Chunk:
    """Rows of a table.

    Attributes:
        numbers: Of the operation of each row.
        base: The point of time at which each row begins.
        values: Of the listing, then of what rows have beside it.
        calls: The chunk that answers a call, and which rows make it, by place of the instruction.
        loops: The chunk of the steps of a loop of sums, and which row each of its rows is of.
        groups: Of steps, which row of the loop's chunk each is of.
    """

    table: RuleTable
    numbers: Array
    base: Array
    values: list[Array] = field(default_factory=list[Array])
    given: dict[str, Array] = field(default_factory=dict[str, Array])
    accesses: list[Accessed] = field(default_factory=list[Accessed])
    calls: dict[int, tuple["Chunk", Array]] = field(default_factory=dict[int, tuple["Chunk", Array]])
    loops: dict[int, tuple["Chunk", Array]] = field(default_factory=dict[int, tuple["Chunk", Array]])
    outputs: list[Array] = field(default_factory=list[Array])
    groups: Array = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.numbers)


class Runner:
    """Runs the tables of the rules on arrays.

    Attributes:
        chunks: Those that answer before those that ask.
    """

    def __init__(self, rules: Rules, history: History) -> None:
        self.rules = rules
        self.program = rules.program
        self.history = history
        self.chunks: list[Chunk] = []
        self.markets: list[Array] = []

    def operations(self, name: str, numbers: Sequence[int], arguments: Sequence[Sequence[int]]) -> None:
        """Run all operations of a kind, or the beginning of the batch."""
        made = self.rules.tables[name]
        rows = np.array(numbers, np.int64)
        kinds = [entry.types[0] for entry in made.listing.inputs]
        inputs = [value_rows(kind, own) for kind, own in zip(kinds, zip(*arguments, strict=True), strict=True)]
        chunk = Chunk(made, rows, rows * self.rules.spans.stride, given={"t": rows})
        Frame(self, chunk, 1).run(inputs)
        self.chunks.append(chunk)

    def load(self, numbers: Array, record: str, keys: tuple[Array, ...]) -> list[Array]:
        """A record for each row, as the operation of a number finds it."""
        places = zip(*(key.tolist() for key in keys), strict=True) if keys else [()] * len(numbers)
        found = [
            self.history.found(record, place, number) for place, number in zip(places, numbers.tolist(), strict=True)
        ]
        fields = self.program.records[record].fields
        columns = list(zip(*found, strict=True)) if found else [()] * len(fields)
        return [value_rows(entry.type, own) for entry, own in zip(fields, columns, strict=True)]

    def check(self, chunk: Chunk, record: str, keys: tuple[Array, ...], fields: Sequence[Array]) -> None:
        """Raise FillError unless what is stored is what the integer machine has stored."""
        after = self.load(chunk.numbers + 1, record, keys)
        if not all(np.array_equal(own, other) for own, other in zip(fields, after, strict=True)):
            raise FillError(f"{chunk.table.name} stores another {record} than the integer machine")

    def config(self, record: str, keys: tuple[Array, ...], fields: Sequence[int]) -> list[Array]:
        """Some fields of a record of the configuration for each row of a key; of one without a key a single row."""
        state = self.history.state
        described = self.program.records[record].fields
        if not keys:
            values = record_values(state.parameters)
            return [value_rows(described[at].type, [values[at]]) for at in fields]
        if not self.markets:
            known = [record_values(market) for market in state.markets]
            known += [record_values(Market())] * (MARKETS - len(known))
            columns = zip(*known, strict=True)
            self.markets = [value_rows(entry.type, own) for entry, own in zip(described, columns, strict=True)]
        return [self.markets[at][keys[0]] for at in fields]


MARKETS = 64
"""Markets that a key may name; those that are not configured are zeros."""


class Frame:
    """A listing while it runs on a chunk."""

    def __init__(self, runner: Runner, chunk: Chunk, point: int) -> None:
        self.runner = runner
        self.rules = runner.rules
        self.chunk = chunk
        self.point = point
        self.beside: list[Array] = []
        self.stored = {store_key(runner.program, one) for one in chunk.table.listing.instructions}
        self.loaded: set[object] = set()

    def run(self, inputs: Sequence[Array]) -> None:
        """Run all instructions. Raises Refused if a guard is false."""
        values = self.chunk.values
        for place, instruction in enumerate(self.chunk.table.listing.instructions):
            if instruction.code == "input":
                values.append(inputs[len(values)])
                continue
            operands = [values[at] for at in instruction.operands]
            values += self.made(place, instruction, operands)
        values += self.beside

    def made(self, place: int, instruction: Instruction, operands: list[Array]) -> Sequence[Array]:
        """The results of an instruction."""
        code = instruction.code
        if code in ("require", "require_done"):
            self.guard(instruction, operands[0])
            return ()
        if code in ("call", "call_if"):
            return self.call(place, instruction, operands)
        if code in LOOPS:
            return self.loop(place, instruction, operands)
        if code in ("load", "store", "config"):
            return self.access(instruction, operands)
        return computed(instruction, operands, self.chunk.rows)

    def guard(self, instruction: Instruction, values: Array) -> None:
        """A guard."""
        wrong = values != 0 if instruction.code == "require_done" else values == 0
        if wrong.any():
            raise Refused(int(values[wrong][0]) if instruction.code == "require_done" else instruction.numbers[0])

    def take(self, span: int) -> Array:
        """The next point of time of each row, and as many as are needed from it."""
        start = self.chunk.base + self.point
        self.point += span
        return start

    def call(self, place: int, instruction: Instruction, operands: list[Array]) -> list[Array]:
        """A call by the rows whose flag holds."""
        made = self.rules.tables[instruction.name]
        start = self.take(self.rules.spans.tables[instruction.name])
        conditional = instruction.code == "call_if"
        count = len(made.listing.inputs)
        rows = np.flatnonzero(operands[0]) if conditional else np.arange(self.chunk.rows)
        otherwise = operands[1 + count :] if conditional else []
        if conditional and not len(rows):
            return otherwise
        callee = Chunk(made, self.chunk.numbers[rows], start[rows], given={"time": start[rows]})
        Frame(self.runner, callee, 0).run([own[rows] for own in operands[conditional:][:count]])
        self.runner.chunks.append(callee)
        self.chunk.calls[place] = callee, rows
        results = [callee.values[at] for at in made.listing.results]
        if not conditional:
            return results
        return [put(other, rows, own) for other, own in zip(otherwise, results, strict=True)]

    def access(self, instruction: Instruction, operands: list[Array]) -> Sequence[Array]:
        """A load, a store or a read of the configuration."""
        record = self.runner.program.records[instruction.name]
        keys = tuple(operands[: record.keys])
        if instruction.code == "config":
            found = self.runner.config(record.name, keys, instruction.numbers)
            return found if keys else [np.repeat(one, self.chunk.rows, 0) for one in found]
        place = (instruction.name, instruction.operands[: record.keys])
        later = self.rules.spans.stride // 2
        if instruction.code == "load":
            now = self.take(1) + (later if place in self.stored else 0)
            self.chunk.accesses.append(Accessed(record.name, keys, now))
            self.loaded.add(place)
            return self.runner.load(self.chunk.numbers, record.name, keys)
        if place not in self.loaded:
            self.chunk.accesses.append(Accessed(record.name, keys, self.take(1) + later))
            self.beside += self.runner.load(self.chunk.numbers, record.name, keys)
        self.runner.check(self.chunk, record.name, keys, operands[record.keys :])
        return ()

    def loop(self, place: int, instruction: Instruction, operands: list[Array]) -> Sequence[Array]:
        """A loop: steps of sums all at once, steps of a fold one after the other."""
        kind = loop_kind(instruction)
        steps = Steps(self, kind, operands)
        rows, items = steps.flat()
        carry = operands[kind.loop.fixed :][: kind.loop.carried]
        if instruction.code != "fold":
            chunk = steps.run(rows, items, [])
            self.chunk.loops[place] = chunk, rows
            width = len(chunk.table.listing.results) - len(kind.loop.stored)
            return [summed(self.chunk.rows, rows, own) for own in steps.results(chunk)[-width:]]
        for item in np.unique(items).tolist():
            own = rows[items == item]
            chunk = steps.run(own, np.full(len(own), item), [one[own] for one in carry])
            results = steps.results(chunk)[len(kind.loop.stored) :]
            carry = [put(before, own, after) for before, after in zip(carry, results, strict=True)]
        return carry


class Steps:
    """The steps of a loop of a chunk."""

    def __init__(self, frame: Frame, kind: LoopKind, operands: list[Array]) -> None:
        self.frame = frame
        self.runner = frame.runner
        self.kind = kind
        self.made = frame.rules.tables[frame.rules.loop_names[kind]]
        loop = kind.loop
        self.start = frame.take(frame.rules.spans.steps[kind] * (LOOP_LENGTH[loop.source] + 2))
        self.account = operands[: loop.source == "held"]
        self.count = operands[len(self.account)]
        self.skip = operands[len(self.account) + 1] if loop.skips else np.full(frame.chunk.rows, -1)
        self.stores = operands[loop.fixed - 1]
        self.extra = operands[loop.fixed + loop.carried :]

    def flat(self) -> tuple[Array, Array]:
        """The row and the item of each step, in order."""
        rows = np.repeat(np.arange(self.frame.chunk.rows), self.count)
        ends = np.cumsum(self.count)
        items = np.arange(len(rows)) - np.repeat(ends - self.count, self.count)
        kept = items != self.skip[rows]
        return rows[kept], items[kept]

    def run(self, rows: Array, items: Array, carry: list[Array]) -> Chunk:
        """Run the steps with these items for these rows."""
        rules, loop = self.frame.rules, self.kind.loop
        start = self.start[rows]
        given = {"time": start, "item": items, "stores": self.stores[rows], "skip": self.skip[rows]}
        if self.account:
            given["account"] = self.account[0][rows]
        base = start + items * rules.spans.steps[self.kind]
        chunk = Chunk(self.made, self.frame.chunk.numbers[rows], base, given=given, groups=rows)
        frame = Frame(self.runner, chunk, 0)
        leaves = self.item(frame, chunk, rows, items)
        frame.run([*carry, *(leaves[at] for at in loop.items), *(one[rows] for one in self.extra)])
        self.check(chunk, leaves)
        self.runner.chunks.append(chunk)
        return chunk

    def check(self, chunk: Chunk, leaves: list[Array]) -> None:
        """Raise FillError unless the items are stored as by the integer machine."""
        changed = dict(zip(self.kind.loop.stored, self.results(chunk), strict=False))
        made = [changed.get(at, own) for at, own in enumerate(leaves)]
        stores = np.flatnonzero(chunk.given["stores"])
        for (start, record), access in zip(touched(self.runner.program, self.kind.loop), chunk.accesses, strict=False):
            fields = made[start : start + len(self.runner.program.records[record].fields)]
            if len(stores) and any(start <= at < start + len(fields) for at in changed):
                after = self.runner.load(chunk.numbers[stores] + 1, record, tuple(key[stores] for key in access.keys))
                if not all(np.array_equal(own[stores], other) for own, other in zip(fields, after, strict=True)):
                    raise FillError(f"{chunk.table.name} stores another {record} than the integer machine")

    def item(self, frame: Frame, chunk: Chunk, rows: Array, items: Array) -> list[Array]:
        """Load the records of the items that are needed."""
        program, loop = self.runner.program, self.kind.loop
        leaves: list[Any] = [None] * len(item_fields(program, loop.source))
        account = tuple(one[rows] for one in self.account)
        market = items
        for start, record in touched(program, loop):
            keys = (*account, items) if record == "Position" else (market,)
            fields = self.runner.load(chunk.numbers, record, keys)
            if record == "Position":
                market = fields[0]
            leaves[start : start + len(fields)] = fields
            stored = any(start <= at < start + len(fields) for at in loop.stored)
            later = self.stores[rows] * (self.frame.rules.spans.stride // 2) if stored else 0
            chunk.accesses.append(Accessed(record, keys, frame.take(1) + later))
            frame.beside += fields
        leaves[-1] = market
        return leaves

    def results(self, chunk: Chunk) -> list[Array]:
        """What the callee returns."""
        return [chunk.values[at] for at in chunk.table.listing.results]


def put(values: Array, rows: Array, own: Array) -> Array:
    """The values with those of some rows replaced."""
    made = np.array(values)
    made[rows] = own
    return made


def summed(count: int, rows: Array, values: Array) -> Array:
    """The sums of values by row."""
    total = np.zeros(count, np.int64)
    np.add.at(total, rows, values)
    return total
