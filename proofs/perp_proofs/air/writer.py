"""The row of a listing: its place in time, its accesses of the memory, its calls and loops.

Time goes forward: an operation has `stride` points of time, the lower half for accesses that only read, which so see
the state before the operation, the upper half for those that also store. Each access has a point of its own, known from
its place in the program.
"""

from collections.abc import Callable, Sequence
from typing import Any

from perp_hash.field import MODULUS
from perp_proofs.air.buses import (
    BLOCK,
    HEADER,
    memory_tags,
)
from perp_proofs.air.gadgets import (
    Word,
    all_zero,
)
from perp_proofs.air.interfaces import (
    LOOP_LENGTH,
    RECEIVER,
    SENDER,
    Leaf,
    LoopKind,
    contract,
    leaf,
    loop_kind,
    word_places,
)
from perp_proofs.air.layout import blocks_of, record_elements
from perp_proofs.air.rulebook import TIMES_MAX, Access, CallSite, LoopSite
from perp_proofs.air.scalars import Scalars
from perp_proofs.air.sheet import Conditional, Divided, GivenOr
from perp_proofs.air.system import MalformedSystem
from perp_proofs.air.tape import Term
from perp_proofs.air.words import BASE, Interval, Shape, hull, within
from perp_proofs.program.listing import (
    BIT,
    DIGEST,
    LOOPS,
    SMALL,
    WORD,
    FieldType,
    Instruction,
    Table,
)

FAR = (-(MODULUS // 2), MODULUS // 2)
"""Beyond this integers of a message are not different modulo p."""


class Writer(Scalars):
    """Writes the table of one listing."""

    def write(self) -> None:
        """Write the table."""
        self.begin()
        self.instructions()
        self.end()
        self.rules.tables[self.made.name] = self.made

    def begin(self) -> None:
        """Where and when the row is."""
        spans = self.rules.spans
        if self.made.role == "operation":
            self.operation = self.sheet.given("t", 0, TIMES_MAX // spans.stride - 1)
            self.time = self.operation * spans.stride
            self.point = 1
        elif self.made.role == "batch":
            self.point = 1
        elif spans.tables[self.listing.name]:
            self.time = self.sheet.given("time", *self.base_range(spans.tables[self.listing.name]))

    def base_range(self, span: int) -> Interval:
        """The points of time at which something may begin that needs so many."""
        return 0, TIMES_MAX - self.half - span

    def instructions(self) -> None:
        """Write all instructions."""
        for place, (number, instruction) in enumerate(self.listing.numbered()):
            made = self.instruction(place, number, instruction)
            assert len(made) == len(instruction.types), instruction
            self.values += made

    def end(self) -> None:
        """Send what the row sends once all is known."""
        if self.made.role == "operation":
            self.send_blocks()
        elif self.made.role == "batch":
            entries = [entry for number in range(len(self.listing.inputs)) for entry in self.inputs_sent[number]]
            self.sheet.table.add(HEADER, self.active * -1, entries)
        else:
            self.answer()

    def instruction(self, place: int, number: int, instruction: Instruction) -> Sequence[Any]:
        """Write one instruction; what its results are."""
        code = instruction.code
        if code in ("call", "call_if"):
            return self.call(place, instruction)
        if code in LOOPS:
            return self.loop(place, number, instruction)
        handler: Callable[[int, Instruction], Sequence[Any]] = getattr(self, f"do_{code}")
        return handler(number, instruction)

    # Memory

    def do_load(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A record of the state; where it is stored later, both are one access."""
        record = self.program.records[instruction.name]
        key = [self.element(operand) for operand in instruction.operands]
        leaves: list[list[Term]] = []
        values: list[Any] = []
        for at, entry in enumerate(record.fields):
            of = leaf(*entry[1:])
            leaves.append(self.column_of(self.name(number + at), number + at, of))
            values.append(self.value_of(of, leaves[-1]))
        old = [entry for one in leaves for entry in one]
        stored = (instruction.name, instruction.operands) in self.stores
        now = self.begin_access(instruction.name, key, old, self.half if stored else 0)
        if stored:
            self.loaded[instruction.name, instruction.operands] = (key, now)
        else:
            self.send_memory(instruction.name, key, now, old)
        return values

    @property
    def half(self) -> int:
        """From an access that reads to one that stores."""
        return self.rules.spans.stride // 2

    def begin_access(self, record: str, key: list[Term], old: list[Term], later: Term | int) -> Term:
        """Receive a record as it was left before; the time now."""
        sheet = self.sheet
        now = sheet.sum([self.time, sheet.constant(self.point), sheet.lifted(later)])
        self.point += 1
        name = f"previous{len(self.made.accesses)}"
        previous = sheet.given(name, 0, TIMES_MAX)
        waited = now - previous - sheet.constant(1)
        upper = sheet.column(f"{name}.waited", (0, BASE - 1))
        sheet.plan.steps.append(Divided(sheet.number(upper), waited.number, BASE))
        sheet.bound(upper)
        sheet.look_up(waited - upper * BASE)
        sheet.table.add(memory_tags(self.program)[record], self.active * -1, [*key, previous, *old])
        key_numbers = tuple(term.number for term in key)
        self.made.accesses.append(Access(record, key_numbers, now.number, sheet.number(previous)))
        return now

    def send_memory(self, record: str, key: list[Term], now: Term, leaves: list[Term]) -> None:
        """Send a record on."""
        self.sheet.table.add(memory_tags(self.program)[record], self.active, [*key, now, *leaves])

    def do_store(self, _: int, instruction: Instruction) -> Sequence[Any]:
        """Store a record."""
        record = self.program.records[instruction.name]
        operands = instruction.operands[: record.keys]
        if (instruction.name, operands) not in self.loaded:
            self.blind_access(instruction.name, operands)
        key, now = self.loaded[instruction.name, operands]
        leaves: list[Term] = []
        for entry, at in zip(record.fields, instruction.operands[record.keys :], strict=True):
            leaves += self.fitted(at, leaf(*entry[1:]))
        self.send_memory(instruction.name, key, now, leaves)
        return []

    def blind_access(self, name: str, operands: tuple[int, ...]) -> None:
        """Receive a record that the listing stores without having loaded it."""
        key = [self.element(operand) for operand in operands]
        old = self.extra_record(f"old{len(self.made.accesses)}", name)
        now = self.begin_access(name, key, [entry for one in old for entry in one], self.half)
        self.loaded[name, operands] = (key, now)

    def extra_record(self, name: str, record: str) -> list[list[Term]]:
        """Columns for a record that the listing has no values for: they follow the listing's values in a row."""
        made: list[list[Term]] = []
        for entry in self.program.records[record].fields:
            self.made.types.append(entry.type)
            number = len(self.made.types) - 1
            made.append(self.column_of(f"{name}.{entry.name}", number, leaf(*entry[1:])))
        return made

    # Calls

    def call(self, place: int, instruction: Instruction) -> Sequence[Any]:
        """A call: arguments and results are one message, which a row of the callee answers."""
        sheet, callee = self.sheet, self.program.tables[instruction.name]
        conditional = instruction.code == "call_if"
        flag = self.flat_bit(instruction.operands[0]) if conditional else self.active
        arguments = instruction.operands[conditional:][: len(callee.inputs)]
        otherwise = instruction.operands[conditional + len(callee.inputs) :]
        entries = self.moment(self.rules.spans.tables[callee.name])
        for operand, entry in zip(arguments, callee.inputs, strict=True):
            entries += self.fitted(operand, leaf(entry.types[0], *entry.numbers))
        name = f"call{place}"
        self.made.calls.append(CallSite(callee.name, place, name))
        results: list[Any] = []
        claims: list[tuple[Term, Term, int]] = []
        count = 0
        for at, of in enumerate(self.rules.results[callee.name]):
            other = otherwise[at] if conditional else None
            made = self.result(name, count, of, flag, other)
            count += len(made)
            for column, instead in made:
                if instead is not None:
                    claims.append((column, instead, len(entries)))
                entries.append(column)
            results.append(self.result_value(of, [column for column, _ in made], other))
        fraction = len(sheet.table.fractions)
        numerator = flag * self.active if conditional else flag
        sheet.table.add(self.rules.call_tags[callee.name], numerator, entries)
        for column, instead, at in claims:
            sheet.claims.append(Conditional(column.number, flag.number, instead.number, fraction, at))
        return results

    def moment(self, span: int) -> list[Term]:
        """The point of time that a callee begins at, where it has any."""
        if not span:
            return []
        base = self.sheet.sum([self.time, self.sheet.constant(self.point)])
        self.point += span
        return [base]

    def result(self, name: str, first: int, of: Leaf, flag: Term, other: int | None) -> list[tuple[Term, Term | None]]:
        """Columns of a result, each with what it is instead where the call is not made."""
        sheet = self.sheet
        made: list[tuple[Term, Term | None]] = []
        instead = self.other_entries(other, of) if other is not None else [None] * len(of.bounds)
        for at, (bounds, rest) in enumerate(zip(of.bounds, instead, strict=True)):
            own = f"{name}.{first + at}"
            if rest is None:
                made.append(
                    (sheet.given(own, *bounds), None) if bounds != (0, 0) else (sheet.table.tape.constant(0), None)
                )
                continue
            column = sheet.column(own, hull(bounds, sheet.interval(rest)))
            sheet.plan.steps.append(GivenOr(sheet.number(column), own, flag.number, rest.number))
            sheet.zero(f"{own}.otherwise", (self.active - flag) * (column - rest), modular=of.type == DIGEST)
            made.append((column, rest))
        return made

    def other_entries(self, number: int, of: Leaf) -> list[Term]:
        """What stands for a result where the call is not made, entry by entry."""
        if of.type != WORD:
            return self.entries(number, of.type)
        return [self.sheet.lifted(limb) for limb in self.word(number).limbs]

    def result_value(self, of: Leaf, entries: list[Term], other: int | None) -> Any:
        """A result as a value."""
        if other is None or of.type in (DIGEST, BIT):
            return self.value_of(of, entries)
        word = self.word(other)
        low, high = hull((of.low, of.high), (word.low, word.high))
        if of.type == SMALL:
            return self.value_of(of._replace(low=low, high=high), entries)
        shape = None
        if of.shape is not None and word.shape is not None:
            shape = Shape(max(of.shape.limbs, word.shape.limbs), of.shape.signed or word.shape.signed)
        return Word(tuple(0 if entry.value == 0 else entry for entry in entries), low, high, shape)

    # Loops

    def loop(self, place: int, number: int, instruction: Instruction) -> Sequence[Any]:
        """A loop: what goes into the first step, and what comes out of the last."""
        kind = loop_kind(instruction)
        loop, name = kind.loop, f"loop{place}"
        self.made.loops.append(LoopSite(self.rules.loop_names[kind], place, name))
        operands = list(instruction.operands)
        count = self.element(operands[loop.source == "held"])
        if not within(self.sheet.interval(count), (0, LOOP_LENGTH[loop.source])):
            raise MalformedSystem(f"{self.listing.name}: a loop over {self.sheet.interval(count)} items")
        callee = self.program.tables[loop.callee]
        fixed = self.moment(self.rules.spans.of(instruction))
        fixed += [self.element(at) for at in operands[: loop.source == "held"]]
        first: Term = self.sheet.table.tape.constant(0)
        last = count
        if loop.skips:
            skip = self.element(operands[loop.fixed - 2])
            first = all_zero(self.sheet, f"{name}.first", [skip])
            last = count + all_zero(self.sheet, f"{name}.last", [skip - count])
            fixed.append(skip)
        if loop.stored:
            fixed.append(self.flat_bit(operands[loop.fixed - 1]))
        others = callee.inputs[loop.carried + len(loop.items) :]
        for at, entry in zip(operands[loop.fixed + loop.carried :], others, strict=True):
            fixed += self.fitted(at, leaf(entry.types[0], *entry.numbers))
        tag = self.rules.loop_tags[kind]
        if instruction.code == "fold":
            before, after, values = self.carried(name, number, operands[loop.fixed :], callee)
        else:
            before, after, values = self.summed(name, kind)
        self.sheet.table.add(tag, self.active, [*fixed, first, *before])
        self.sheet.table.add(tag, self.active * -1, [*fixed, last, *after])
        return values

    def carried(
        self, name: str, number: int, operands: Sequence[int], callee: Table
    ) -> tuple[list[Term], list[Term], list[Any]]:
        """What a fold begins with, and what it ends with."""
        before: list[Term] = []
        after: list[Term] = []
        values: list[Any] = []
        for at, (operand, entry) in enumerate(zip(operands, callee.inputs, strict=False)):
            if at == len(self.makers[number].types):
                break
            of = leaf(entry.types[0], *entry.numbers)
            before += self.fitted(operand, of)
            made = self.column_of(f"{name}.{at}", number + at, of)
            after += made
            values.append(self.value_of(of, made))
        return before, after, values

    def summed(self, name: str, kind: LoopKind) -> tuple[list[Term], list[Term], list[Any]]:
        """What sums begin with, and what they end with."""
        after: list[Term] = []
        values: list[Any] = []
        for at, of in enumerate(self.rules.results[self.rules.loop_names[kind]]):
            made = [
                self.sheet.given(f"{name}.{len(after) + limb}", *bounds)
                if bounds != (0, 0)
                else self.sheet.table.tape.constant(0)
                for limb, bounds in enumerate(of.bounds)
            ]
            after += made
            values.append(self.value_of(of, made))
            assert kind.types[at] == of.type
        nothing = self.sheet.table.tape.constant(0)
        return [nothing] * len(after), after, values

    def answer(self) -> None:
        """Receive the call that this row answers; what its results are."""
        sheet, name = self.sheet, self.listing.name
        promised: list[tuple[Interval | None, int]] = []
        entries: list[Term] = []
        if self.rules.spans.tables[name]:
            entries.append(self.sheet.lifted(self.time))
            promised.append((self.base_range(self.rules.spans.tables[name]), SENDER))
        words: list[int] = []
        for number, entry in enumerate(self.listing.inputs):
            of = leaf(entry.types[0], *entry.numbers)
            words += word_places([of], len(entries))
            entries += self.inputs_sent[number]
            promised += [(bounds, SENDER) for bounds in of.bounds]
        results: list[Leaf] = []
        for number, kind in zip(self.listing.results, self.listing.result_types, strict=True):
            if kind == WORD:
                self.narrow(number)
            made, of = self.answered(number, kind)
            words += word_places([of], len(entries))
            entries += made
            self.made.outputs += [term.number for term in made]
            results.append(of)
            promised += [(bounds, RECEIVER) for bounds in of.bounds]
        tag = self.rules.call_tags[name]
        sheet.table.add(tag, self.active * -1, entries)
        self.rules.results[name] = results
        self.rules.contracts[tag] = contract(promised, words)
        self.rules.arities[tag] = len(entries)

    def answered(self, number: int, kind: str) -> tuple[list[Term], Leaf]:
        """A result as entries, and what they are: a word need not be carried."""
        if kind == DIGEST:
            return self.values[number], leaf(kind, 0, 0)
        if kind == BIT:
            return [self.flat_bit(number)], leaf(kind, 0, 1)
        word = self.word(number)
        if kind == SMALL:
            entry = self.element(number)
            interval = self.sheet.interval(entry)
            if not within(interval, FAR):
                raise MalformedSystem(f"{self.listing.name}: a small result from {interval[0]} to {interval[1]}")
            return [entry], Leaf(kind, word.low, word.high, (interval,), None)
        entries = [self.sheet.lifted(limb) for limb in word.limbs]
        bounds = tuple(self.sheet.interval(entry) for entry in entries)
        return entries, Leaf(kind, word.low, word.high, bounds, word.shape)

    # Operations

    def send_blocks(self) -> None:
        """Send the elements that the operation is hashed as, in blocks."""
        sheet, nothing = self.sheet, self.sheet.table.tape.constant(0)
        fields = [FieldType(entry.name, entry.types[0], *entry.numbers) for entry in self.listing.inputs]
        leaves = [self.entries(number, field.type) for number, field in enumerate(fields)]
        elements = [sheet.constant(self.listing.number), *record_elements(fields, leaves)]
        blocks = list(blocks_of(elements, nothing))
        for at, block in enumerate(blocks):
            last = sheet.constant(int(at == len(blocks) - 1))
            place = [self.operation, sheet.constant(at), last, sheet.constant(len(elements))]
            sheet.table.add(BLOCK, self.active, [*place, *block])
