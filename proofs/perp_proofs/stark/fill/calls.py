"""A run of a batch as calls: which rows there are of every table of the rules, and what is in them.

The recorded program runs on plain integers, as in the interpreter, and every call, step and access leaves a row behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from perp_proofs.air.interfaces import LoopKind, loop_kind, touched
from perp_proofs.air.rulebook import Rules, RuleTable, store_key
from perp_proofs.program.interpreter import SCALAR, Loaded, Memory, Values, refuse_unless
from perp_proofs.program.listing import LOOPS, Instruction, Table

Key = tuple[int, ...]

START = "begin_batch"


@dataclass
class Call:
    """A row.

    Attributes:
        table: Its table.
        values: Of the listing, then of what the row has beside it.
        given: What its filling knows by name.
        calls: The rows that answer its calls, by place of the instruction.
        loops: The steps of its loops, by place of the instruction.
        before: The step before it.
        accesses: How many it has made so far.
        outputs: Entries of its results, once it is filled.
    """

    table: RuleTable
    values: list[int]
    given: dict[str, int]
    calls: dict[int, "Call"] = field(default_factory=dict[int, "Call"])
    loops: dict[int, list["Call"]] = field(default_factory=dict[int, list["Call"]])
    before: "Call | None" = None
    accesses: int = 0
    outputs: list[int] = field(default_factory=list[int])


class Event(NamedTuple):
    """An access.

    Attributes:
        now: Its point of time.
        number: Which access of its row.
    """

    now: int
    call: Call
    number: int


@dataclass
class Batch:
    """The rows of a batch.

    Attributes:
        rows: By table, in the order in which they came about; rows of a rejected operation are not among them.
        events: The accesses of each record.
        count: Operations so far.
    """

    rules: Rules
    memory: Memory
    rows: dict[str, list[Call]] = field(default_factory=dict[str, list[Call]])
    events: dict[tuple[str, Key], list[Event]] = field(default_factory=dict[tuple[str, Key], list[Event]])
    count: int = 0

    def begin(self, arguments: Values) -> None:
        """Begin the batch. Raises Refused if a guard is false."""
        self.run(START, arguments, 0)

    def operation(self, name: str, arguments: Values) -> None:
        """Run an operation. Raises Refused if a guard is false; nothing is left of it then."""
        self.run(name, arguments, self.count + 1)
        self.count += 1

    def run(self, name: str, arguments: Values, number: int) -> None:
        """Run a table that nobody calls."""
        tracer = Tracer(self.rules, self.memory)
        base = number * self.rules.spans.stride
        call = tracer.call(self.rules.tables[name], arguments, base, 1)
        if number:
            call.given["t"] = number
        for (record, key), fields in tracer.stores.items():
            self.memory.store(record, key, fields)
        for row in tracer.rows:
            self.rows.setdefault(row.table.name, []).append(row)
        for place, event in tracer.events:
            self.events.setdefault(place, []).append(event)

    def link(self) -> dict[tuple[str, Key], int]:
        """Tell every access the time of the one before it; the time of the last of each record."""
        last: dict[tuple[str, Key], int] = {}
        for place, events in self.events.items():
            previous = 0
            for event in sorted(events, key=lambda one: one.now):
                event.call.given[f"previous{event.number}"] = previous
                previous = event.now
            last[place] = previous
        return last


@dataclass
class Tracer:
    """The run of one operation."""

    rules: Rules
    memory: Memory
    rows: list[Call] = field(default_factory=list[Call])
    events: list[tuple[tuple[str, Key], Event]] = field(default_factory=list[tuple[tuple[str, Key], Event]])
    stores: dict[tuple[str, Key], Values] = field(default_factory=dict[tuple[str, Key], Values])

    def call(self, made: RuleTable, arguments: Values, base: int, point: int) -> Call:
        """Run a table that is no step; its row."""
        given = {"active": 1, "time": base}
        row = Call(made, [], given)
        Frame(self, row, made.listing, base, point).run(arguments)
        self.rows.append(row)
        return row

    def access(self, row: Call, record: str, key: Key, now: int) -> None:
        """Note an access."""
        self.events.append(((record, key), Event(now, row, row.accesses)))
        row.accesses += 1


class Frame:
    """A listing while it runs."""

    def __init__(self, tracer: Tracer, row: Call, listing: Table, base: int, point: int) -> None:
        self.tracer = tracer
        self.rules = tracer.rules
        self.row = row
        self.listing = listing
        self.base = base
        self.point = point
        self.beside: list[int] = []
        program = self.rules.program
        self.stored = {store_key(program, one) for one in listing.instructions}
        self.loaded: set[object] = set()

    def run(self, arguments: Values) -> None:
        """Run all instructions. Raises Refused if a guard is false."""
        values = self.row.values
        for place, instruction in enumerate(self.listing.instructions):
            if instruction.code == "input":
                values.append(arguments[len(values)])
                continue
            operands = [values[at] for at in instruction.operands]
            if instruction.code in SCALAR:
                values += SCALAR[instruction.code](operands, instruction.numbers)
            else:
                values += self.act(place, instruction, operands)
        values += self.beside

    def act(self, place: int, instruction: Instruction, operands: list[int]) -> Values:
        """An instruction that guards, calls, or reaches the memory."""
        code = instruction.code
        if code == "require":
            return refuse_unless(bool(operands[0]), instruction.numbers[0])
        if code == "require_done":
            return refuse_unless(operands[0] == 0, operands[0])
        if code in ("call", "call_if"):
            return self.call(place, instruction, operands)
        if code in LOOPS:
            return self.loop(place, instruction, operands)
        return self.access(instruction, operands)

    def take(self, span: int) -> int:
        """The next point of time, and as many as are needed from it."""
        start = self.base + self.point
        self.point += span
        return start

    def call(self, place: int, instruction: Instruction, operands: list[int]) -> Values:
        """A call."""
        made = self.rules.tables[instruction.name]
        start = self.take(self.rules.spans.tables[instruction.name])
        conditional = instruction.code == "call_if"
        count = len(made.listing.inputs)
        if conditional and not operands[0]:
            return operands[1 + count :]
        row = self.tracer.call(made, operands[conditional:][:count], start, 0)
        self.row.calls[place] = row
        return [row.values[at] for at in made.listing.results]

    def access(self, instruction: Instruction, operands: list[int]) -> Values:
        """A load, a store or a read of the configuration."""
        record = self.rules.program.records[instruction.name]
        key = tuple(operands[: record.keys])
        memory = self.tracer.memory
        if instruction.code == "config":
            fields = memory.config(record.name, key)
            return [fields[number] for number in instruction.numbers]
        place = (instruction.name, instruction.operands[: record.keys])
        if instruction.code == "load":
            later = self.rules.spans.stride // 2 if place in self.stored else 0
            self.tracer.access(self.row, record.name, key, self.take(1) + later)
            self.loaded.add(place)
            return memory.load(record.name, key)
        if place not in self.loaded:
            self.tracer.access(self.row, record.name, key, self.take(1) + self.rules.spans.stride // 2)
            self.beside += memory.load(record.name, key)
        self.tracer.stores[record.name, key] = operands[record.keys :]
        return ()

    def loop(self, place: int, instruction: Instruction, operands: list[int]) -> Values:
        """A loop: a row for each step."""
        kind = loop_kind(instruction)
        loop = kind.loop
        made = self.rules.tables[self.rules.loop_names[kind]]
        start = self.take(self.rules.spans.of(instruction))
        account = operands[: loop.source == "held"]
        count, *others = operands[len(account) : loop.fixed]
        skip = others[0] if loop.skips else -1
        carry = operands[loop.fixed :][: loop.carried]
        extra = operands[loop.fixed + loop.carried :]
        given = {"active": 1, "time": start, "stores": others[-1], "skip": skip}
        if account:
            given["account"] = account[0]
        steps: list[Call] = []
        width = len(made.listing.results) - len(loop.stored)
        results: Values = carry if instruction.code == "fold" else [0] * width
        for item in range(count):
            if item == skip:
                continue
            row = Call(made, [], given | {"item": item}, before=steps[-1] if steps else None)
            sums = self.step(row, kind, item, results if instruction.code == "fold" else (), extra)
            steps.append(row)
            self.tracer.rows.append(row)
            results = (
                sums if instruction.code == "fold" else [one + more for one, more in zip(results, sums, strict=True)]
            )
        self.row.loops[place] = steps
        return results

    def step(self, row: Call, kind: LoopKind, item: int, carry: Values, extra: Values) -> Values:
        """One step: the item is loaded, the callee runs, and what it changes is stored."""
        rules, loop = self.rules, kind.loop
        base = row.given["time"] + item * rules.spans.steps[kind]
        frame = Frame(self.tracer, row, row.table.listing, base, 0)
        loaded = self.item(frame, row, kind, item)
        frame.run((*carry, *(loaded.leaves[at] for at in loop.items), *extra))
        results = [row.values[at] for at in row.table.listing.results]
        if row.given["stores"] and loop.stored:
            self.store_item(loaded, kind, results)
        return results[len(loop.stored) :]

    def item(self, frame: "Frame", row: Call, kind: LoopKind, item: int) -> Loaded:
        """Load the records of an item that are needed."""
        rules, loop = self.rules, kind.loop
        account = (row.given["account"],) if loop.source == "held" else ()
        leaves = [0] * 64
        keys: list[Key] = []
        market = item
        for start, record in touched(rules.program, loop):
            key = (*account, item) if record == "Position" else (market,)
            fields = self.tracer.memory.load(record, key)
            if record == "Position":
                market = fields[0]
            leaves[start : start + len(fields)] = fields
            stored = any(start <= at < start + len(fields) for at in loop.stored)
            later = rules.spans.stride // 2 if stored and row.given["stores"] else 0
            self.tracer.access(row, record, key, frame.take(1) + later)
            frame.beside += fields
            keys.append(key)
        leaves[last_leaf(rules, kind)] = market
        return Loaded(tuple(keys), leaves)

    def store_item(self, loaded: Loaded, kind: LoopKind, results: Sequence[int]) -> None:
        """Store the records of an item with some leaves changed."""
        leaves = list(loaded.leaves)
        for leaf, value in zip(kind.loop.stored, results, strict=False):
            leaves[leaf] = value
        for (start, record), key in zip(touched(self.rules.program, kind.loop), loaded.keys, strict=True):
            end = start + len(self.rules.program.records[record].fields)
            if any(start <= leaf < end for leaf in kind.loop.stored):
                self.tracer.stores[record, key] = leaves[start:end]


def last_leaf(rules: Rules, kind: LoopKind) -> int:
    """The number of an item's last leaf: its market."""
    names = {"held": ("Position", "MarketPrice"), "markets": ("MarketPrice", "MarketBook")}[kind.loop.source]
    return sum(len(rules.program.records[name].fields) for name in names)
