"""The tables of the rules: each table of the recorded program becomes one, each call one of its rows.

Nothing here knows a rule. An instruction is a gadget, an access of the memory, or a message; a loop has a table of its
steps, in each of which the callee is written out. Time goes forward: an operation has `stride` points of time, the lower
half for accesses that only read, which so see the state before the operation, the upper half for those that also store.
Each access has a point of its own, known from its place in the program.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from perp_hash.digest import DIGEST_ELEMENTS, unpack_digest
from perp_hash.tags import Tag
from perp_hash.words import LIMB_BITS, LIMBS, TOP_SHIFT
from perp_proofs.air.buses import (
    BLOCK,
    HASH,
    HEADER,
    ConfigGroup,
    arities,
    config_groups,
    first_free_tag,
    memory_tags,
)
from perp_proofs.air.gadgets import (
    Word,
    added,
    all_zero,
    at_most_canonical,
    at_most_zero,
    choose_word,
    constant_word,
    demand_not_negative,
    demand_some,
    demand_zero,
    differences,
    normalise,
    scaled,
    small_word,
    used_limbs,
)
from perp_proofs.air.interfaces import (
    ANY,
    FLAG,
    LOOP_LENGTH,
    RECEIVER,
    SENDER,
    Contract,
    Leaf,
    LoopKind,
    Spans,
    called,
    contract,
    leaf,
    loop_kind,
    loop_kinds,
    touched,
)
from perp_proofs.air.layout import blocks_of, record_elements, start_digest
from perp_proofs.air.products import Comparison, Division, divide, multiply, product_at_most, value_word
from perp_proofs.air.sheet import Conditional, Divided, GivenOr, Hashed, Sheet, Value
from perp_proofs.air.system import Table as AirTable
from perp_proofs.air.tape import Term
from perp_proofs.air.words import BASE, Interval, Shape, hull, shape_of, times, within
from perp_proofs.program.listing import (
    BIT,
    DIGEST,
    LOOPS,
    SMALL,
    WORD,
    FieldType,
    Instruction,
    Program,
    Table,
    item_fields,
    type_range,
)

TIMES_MAX = (1 << 30) - 1
"""Points of time of a batch: operations times the stride."""

BIT_DEGREE_MAX = 2
"""Of a bit that is no column: what is made of it must not have too high a degree."""


class Access(NamedTuple):
    """An access of the memory in a row.

    Attributes:
        record: Name.
        key: Nodes.
        now: Node: its point of time.
        previous: The column of the point of time of the access before.
    """

    record: str
    key: tuple[int, ...]
    now: int
    previous: int


class CallSite(NamedTuple):
    """A call in a row.

    Attributes:
        callee: Name of its table.
        flag: Node that is 1 where the call is made.
        offset: From the row's base to the callee's; a node where the row is a step of a loop.
        name: Of the given columns, less the number of the entry.
    """

    callee: str
    place: int
    name: str


class LoopSite(NamedTuple):
    """A loop in a row.

    Attributes:
        steps: Name of the table of its steps.
        place: Number of the instruction.
        name: Of the given columns, less the number of the entry.
    """

    steps: str
    place: int
    name: str


@dataclass
class RuleTable:
    """A table of the rules, and what fills its rows.

    Attributes:
        listing: The table of the program; the callee's for steps of a loop.
        role: "operation", "batch", "rule", or "step".
        sheet: Columns, constraints, fractions; claims; fill steps.
        types: Types of the values of the listing, and of those that a row has beside them.
        outputs: Nodes that make the entries a caller is given: results, or sums after the step.
    """

    name: str
    listing: Table
    role: str
    sheet: Sheet
    types: list[str]
    accesses: list[Access] = field(default_factory=list[Access])
    calls: list[CallSite] = field(default_factory=list[CallSite])
    loops: list[LoopSite] = field(default_factory=list[LoopSite])
    outputs: list[int] = field(default_factory=list[int])
    kind: LoopKind | None = None

    @property
    def table(self) -> AirTable:
        """Its columns, constraints and fractions."""
        return self.sheet.table


@dataclass
class Rules:
    """The tables of all rules of a program.

    Attributes:
        tables: By name: rules that are called and steps of loops, then operations and what begins a batch.
        contracts: Of each tag that has one.
        results: Of each table that is called, what its results are.
    """

    program: Program
    spans: Spans
    tables: dict[str, RuleTable] = field(default_factory=dict[str, RuleTable])
    contracts: dict[int, Contract] = field(default_factory=dict[int, Contract])
    results: dict[str, list[Leaf]] = field(default_factory=dict[str, list[Leaf]])
    arities: dict[int, int] = field(default_factory=dict[int, int])
    call_tags: dict[str, int] = field(default_factory=dict[str, int])
    loop_tags: dict[LoopKind, int] = field(default_factory=dict[LoopKind, int])
    loop_names: dict[LoopKind, str] = field(default_factory=dict[LoopKind, str])


def rule_tables(program: Program) -> Rules:
    """Make the tables of a program."""
    rules = Rules(program, Spans(program), arities=arities(program), loop_names=loop_kinds(program))
    tag = first_free_tag(program)
    for table in called(program):
        rules.call_tags[table.name] = tag
        tag += 1
    for kind in rules.loop_names:
        rules.loop_tags[kind] = tag
        tag += 1
    fixed_contracts(rules)
    for table in program.tables.values():
        if table.role != "rule":
            Writer(rules, table, table.role, table.name).write()
            continue
        if table.name in rules.call_tags:
            Writer(rules, table, "rule", table.name).write()
        for kind, name in rules.loop_names.items():
            if kind.loop.callee == table.name:
                StepWriter(rules, table, kind, name).write()
    return rules


def fixed_contracts(rules: Rules) -> None:
    """Contracts of memory, configuration and what begins a batch."""
    program = rules.program
    for name, tag in memory_tags(program).items():
        record = program.records[name]
        parts: list[tuple[Interval | None, int]] = [(None, SENDER)] * record.keys
        parts.append(((0, TIMES_MAX), SENDER))
        leaves = [leaf(entry.type, entry.low, entry.high) for entry in record.fields]
        rules.contracts[tag] = contract([*parts, *[(one, SENDER) for of in leaves for one in of.bounds]])
    for group, tag in config_groups(program).items():
        record = program.records[group.record]
        keys: list[tuple[Interval | None, int]] = [(None, RECEIVER)] * record.keys
        leaves = [leaf(*record.fields[at][1:]) for at in group.fields]
        rules.contracts[tag] = contract([*keys, *[(one, RECEIVER) for of in leaves for one in of.bounds]])
    for table in program.of_role("batch"):
        leaves = [leaf(entry.types[0], *entry.numbers) for entry in table.inputs]
        rules.contracts[HEADER] = contract([(one, SENDER) for of in leaves for one in of.bounds])
    rules.contracts[BLOCK] = contract([((0, TIMES_MAX // rules.spans.stride - 1), RECEIVER), *[(None, SENDER)] * 11])


class Pending(NamedTuple):
    """A comparison of a sum with 0 that nobody has asked for yet: its code, and the sum."""

    code: str
    word: Word


class Writer:
    """Writes the table of one listing.

    Attributes:
        values: What each value of the listing is: a word (small numbers too), a bit, the elements of a digest, or a
            comparison that nobody has asked for.
        asked: Bits that something else than a guard asks for.
    """

    def __init__(self, rules: Rules, listing: Table, role: str, name: str) -> None:
        self.rules = rules
        self.program = rules.program
        self.listing = listing
        self.sheet = Sheet(name, optional=role != "batch")
        self.made = RuleTable(name, listing, role, self.sheet, list(listing.types))
        self.values: list[Any] = []
        self.canonical: dict[tuple[int, Shape], Word] = {}
        self.asked = asked_bits(listing)
        self.point = 0
        self.time: Term | int = 0
        self.makers = [one for one in listing.instructions for _ in one.types]
        self.stores = {store_key(self.program, one) for one in listing.instructions}
        self.loaded: dict[Any, tuple[list[Term], Term]] = {}
        self.inputs_sent: dict[int, list[Term]] = {}

    @property
    def active(self) -> Term:
        """1 in rows that count."""
        return self.sheet.active

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
            return self.call(place, number, instruction)
        if code in LOOPS:
            return self.loop(place, number, instruction)
        handler: Callable[[int, Instruction], Sequence[Any]] = getattr(self, f"do_{code}")
        return handler(number, instruction)

    # Values

    def name(self, number: int) -> str:
        """The name of a value's columns."""
        return f"%{number}"

    def word(self, number: int) -> Word:
        """A value as a word; a bit is 0 or 1."""
        value = self.values[number]
        if isinstance(value, Word):
            return value
        return small_word(self.sheet.define(f"{self.name(number)}.bit", self.bit(number)), 0, 1)

    def bit(self, number: int) -> Term:
        """A value as a bit."""
        value = self.values[number]
        if isinstance(value, Pending):
            value = self.values[number] = self.comparison(number, value)
        return value

    def flat_bit(self, number: int) -> Term:
        """A bit as a term of degree 1."""
        term = self.bit(number)
        if term.degree > 1:
            term = self.values[number] = self.sheet.define(f"{self.name(number)}.bit", term)
        return term

    def settled(self, number: int, shape: Shape | None = None) -> Word:
        """A word with canonical limbs, of a shape if one is given."""
        word = self.values[number]
        wanted = shape or shape_of(word.low, word.high)
        if word.shape is not None and (shape is None or (shape.holds(word.shape) and self.fits(word, shape))):
            return word
        if (number, wanted) not in self.canonical:
            name = self.sheet.fresh(f"{self.name(number)}.settled")
            self.canonical[number, wanted] = normalise(self.sheet, name, word, wanted)
            if word.shape is None:
                self.values[number] = self.canonical[number, wanted]
        return self.canonical[number, wanted]

    def fits(self, word: Word, shape: Shape) -> bool:
        """The limbs are known to be of a shape."""
        return all(within(self.sheet.interval(limb), shape.bounds(at)) for at, limb in enumerate(word.limbs))

    def element(self, number: int) -> Term:
        """A small number as one element."""
        word = self.values[number]
        if used_limbs(word.limbs) > 2 or (used_limbs(word.limbs) == 2 and word.shape is None):
            word = self.settled(number, Shape(2, word.low < 0))
        return self.sheet.sum([word.limbs[0], word.limbs[1] * BASE])

    def entries(self, number: int, kind: str) -> list[Term]:
        """A value as the entries of a message, whatever their bounds."""
        if kind == DIGEST:
            return self.values[number]
        if kind == BIT:
            return [self.flat_bit(number)]
        if kind == SMALL:
            return [self.element(number)]
        return [self.sheet.lifted(limb) for limb in self.settled(number).limbs]

    def fitted(self, number: int, of: Leaf) -> list[Term]:
        """A value as the entries of a message that promises bounds."""
        if of.type == WORD:
            return [self.sheet.lifted(limb) for limb in self.settled(number, of.shape).limbs]
        entries = self.entries(number, of.type)
        if of.type == SMALL and not within(self.sheet.interval(entries[0]), of.bounds[0]):
            self.demand_range(self.sheet.fresh(f"{self.name(number)}.fitted"), entries[0], *of.bounds[0])
        return entries

    def demand_range(self, name: str, term: Term, low: int, high: int) -> None:
        """Demand that a small number is in a range."""
        sheet = self.sheet
        if high - low < BASE:
            sheet.bound(term, low)
            sheet.bound(term, high - BASE + 1)
            return
        for part, distance, below in (
            ("above", term - sheet.constant(low), sheet.constant(low)),
            ("below", sheet.constant(high) - term, sheet.constant(high - BASE + 1)),
        ):
            upper = sheet.column(f"{name}.{part}", (0, BASE - 1))
            sheet.plan.steps.append(Divided(sheet.number(upper), distance.number, BASE))
            sheet.bound(upper)
            sheet.bound(term, below + upper * (BASE if part == "above" else -BASE))

    def column_of(self, name: str, number: int, of: Leaf) -> list[Term]:
        """Columns for a value of the listing that is known to be as a leaf says; the entries of a message of it."""
        sheet = self.sheet
        entries: list[Term] = []
        for at, bounds in enumerate(of.bounds):
            if bounds == (0, 0):
                entries.append(sheet.table.tape.constant(0))
                continue
            column = sheet.column(name if len(of.bounds) == 1 else f"{name}.{at}", bounds)
            sheet.plan.steps.append(Value(sheet.number(column), number, at))
            entries.append(column)
        return entries

    def value_of(self, of: Leaf, entries: Sequence[Term]) -> Any:
        """The value that the entries of a message are."""
        if of.type == DIGEST:
            return list(entries)
        if of.type == BIT:
            return entries[0]
        if of.type == SMALL:
            low, high = self.sheet.interval(entries[0])
            shape = Shape(1, low < 0) if low > -BASE and high < BASE else None
            return Word((entries[0], *(0,) * (LIMBS - 1)), of.low, of.high, shape)
        limbs = tuple(0 if entry.value == 0 else entry for entry in entries)
        return Word(limbs, of.low, of.high, of.shape)

    # Scalars

    def do_input(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """An argument: of an operation it is checked, any other comes by a message."""
        kind, (low, high) = instruction.types[0], instruction.numbers
        name = self.name(number)
        of = leaf(kind, low, high)
        if self.made.role == "operation" and kind == WORD:
            word, _ = value_word(self.sheet, name, number, low, high)
            self.demand_bounds(name, word)
            return [word]
        entries = self.inputs_sent[number] = self.column_of(name, number, of)
        value = self.value_of(of, entries)
        if self.made.role == "operation" and kind == BIT:
            self.sheet.member(name, entries[0], FLAG)
        elif self.made.role == "operation" and kind == SMALL:
            self.demand_range(name, entries[0], low, high)
        elif self.made.role == "batch" and kind == WORD:
            self.demand_bounds(name, value)
        return [value]

    def demand_bounds(self, name: str, word: Word) -> None:
        """Demand that a word is in its range, where its limbs could be more."""
        shape = word.shape
        assert shape is not None
        most = sum(shape.bounds(at)[1] << LIMB_BITS * at for at in range(shape.limbs))
        for part, bound, sign in (("below", word.high, -1), ("above", -word.low, 1)):
            if bound < most and (part == "below" or shape.signed):
                rest = added(self.sheet, scaled(word, sign), constant_word(bound))
                demand_not_negative(self.sheet, f"{name}.{part}", rest)

    def do_constant(self, _: int, instruction: Instruction) -> Sequence[Any]:
        """A constant."""
        kind, value = instruction.types[0], instruction.numbers[0]
        if kind == BIT:
            return [self.sheet.constant(value)]
        if kind == DIGEST:
            return [[self.sheet.constant(element) for element in unpack_digest(value)]]
        return [constant_word(value)]

    def form(self, instruction: Instruction) -> Word:
        """The sum of a linear instruction, not carried."""
        *coefficients, constant = instruction.numbers
        total = constant_word(constant)
        for factor, operand in zip(coefficients, instruction.operands, strict=True):
            total = added(self.sheet, total, scaled(self.word(operand), factor))
        return total

    def do_linear(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A sum. An honest one is of its type."""
        return [clipped(self.form(instruction), instruction.types[0])]

    def do_multiply(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A product."""
        first, second = (self.settled(operand) for operand in instruction.operands)
        low, high = times((first.low, first.high), (second.low, second.high))
        low, high = clip(low, high, instruction.types[0])
        return [multiply(self.sheet, self.name(number), first, second, number, low, high)]

    def divided(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A quotient and its remainder."""
        first, second, divisor = (self.settled(operand) for operand in instruction.operands)
        low, high = times((first.low, first.high), (second.low, second.high))
        by = (max(divisor.low, 1), max(divisor.high, 1))
        ends = [end // part for end in (low, high) for part in by]
        quotient = clip(min(ends), max(ends) + (instruction.code == "ceil"), instruction.types[0])
        of = Division(instruction.code, first, second, divisor, number, quotient)
        word, remainder = divide(self.sheet, self.name(number), of)
        return [word, clipped(remainder, instruction.types[1])]

    do_floor = divided
    do_ceil = divided

    def do_product_le(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A comparison of two products."""
        a, b, c, d = (self.settled(operand) for operand in instruction.operands)
        return [product_at_most(self.sheet, self.name(number), Comparison((a, b), (c, d)))]

    def do_at_most(self, _: int, instruction: Instruction) -> Sequence[Any]:
        """A comparison of a sum with 0, made when it is asked for."""
        return [Pending(instruction.code, self.form(instruction))]

    do_zero = do_at_most

    def comparison(self, number: int, pending: Pending) -> Term:
        """A comparison as a bit."""
        word, name = pending.word, self.name(number)
        instruction = self.makers[number]
        if pending.code == "at_most":
            single = self.single(instruction)
            if single is not None and instruction.numbers[1] in (0, 1):
                return at_most_canonical(self.sheet, name, single, *instruction.numbers)
            return at_most_zero(self.sheet, name, word)
        return all_zero(self.sheet, name, self.distinct(number, instruction, word))

    def single(self, instruction: Instruction) -> Word | None:
        """The one word a form is of, where it is canonical and longer than a limb."""
        if len(instruction.operands) != 1:
            return None
        word = self.word(instruction.operands[0])
        return word if word.shape is not None and word.shape.limbs > 1 else None

    def distinct(self, number: int, instruction: Instruction, word: Word) -> list[Term]:
        """Terms that are all 0 just where a form is: those of two canonical words, or of one that has been carried."""
        if used_limbs(word.limbs) <= 1:
            return [self.sheet.lifted(word.limbs[0])]
        *factors, constant = instruction.numbers
        parts = [scaled(self.word(at), factor) for factor, at in zip(factors, instruction.operands, strict=True)]
        if constant:
            parts.append(constant_word(constant))
        if len(parts) == 1 and parts[0].shape is not None:
            return [self.sheet.sum(parts[0].limbs)]
        if len(parts) == 2 and all(part.shape is not None for part in parts):
            return differences(self.sheet, parts[0], scaled(parts[1], -1))
        carried = normalise(self.sheet, f"{self.name(number)}.form", word, shape_of(word.low, word.high))
        return [self.sheet.sum(carried.limbs)]

    def do_same(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """Whether two digests are the same: as a bit, or, for guards only, as terms that are 0 then."""
        one, other = (self.values[operand] for operand in instruction.operands)
        terms = [a - b for a, b in zip(one, other, strict=True)]
        return [all_zero(self.sheet, self.name(number), terms) if number in self.asked else terms]

    def do_select(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A choice."""
        condition, yes, no = instruction.operands
        flag, kind = self.bit(condition), instruction.types[0]
        name = self.name(number)
        if kind == BIT:
            return [self.sheet.choose(name, flag, self.bit(yes), self.bit(no))]
        if kind == DIGEST:
            pairs = enumerate(zip(self.values[yes], self.values[no], strict=True))
            return [[self.sheet.choose_element(f"{name}.{at}", flag, one, other) for at, (one, other) in pairs]]
        return [clipped(choose_word(self.sheet, name, flag, self.word(yes), self.word(no)), kind)]

    def do_and(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """Both bits."""
        first, second = (self.bit(operand) for operand in instruction.operands)
        return [self.limited(number, first * second)]

    def do_or(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """Either bit."""
        first, second = (self.active - self.bit(operand) for operand in instruction.operands)
        return [self.limited(number, self.active - first * second)]

    def do_not(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """The other bit; what only guards ask for they look up themselves."""
        return [self.active - self.bit(instruction.operands[0]) if number in self.asked else None]

    def limited(self, number: int, bit: Term) -> Term:
        """A bit of a degree that can still be used."""
        if bit.degree <= BIT_DEGREE_MAX:
            return bit
        return self.sheet.define(self.name(number), bit)

    # Guards

    def do_require(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A guard: a comparison that only guards ask for is demanded without a bit."""
        operand, holds = instruction.operands[0], True
        maker = self.makers[operand]
        while maker.code == "not":
            operand, holds = maker.operands[0], not holds
            maker = self.makers[operand]
        value = self.values[operand]
        name = self.sheet.fresh(f"require{instruction.numbers[0]}")
        if isinstance(value, Pending) and operand not in self.asked:
            self.demand(name, operand, value, holds)
        elif isinstance(value, list):
            self.demand_same(name, value, holds)
        else:
            bit = self.bit(operand)
            self.sheet.zero(name, self.active * (self.active - bit) if holds else self.active * bit)
        return []

    def demand(self, name: str, number: int, pending: Pending, holds: bool) -> None:
        """Demand a comparison or its opposite."""
        sheet, word = self.sheet, pending.word
        if pending.code == "at_most":
            wanted = scaled(word, -1) if holds else added(sheet, word, constant_word(-1))
            demand_not_negative(sheet, name, wanted)
        elif holds:
            demand_zero(sheet, name, word)
        else:
            demand_some(sheet, name, self.distinct(number, self.makers[number], word), self.active)

    def demand_same(self, name: str, terms: list[Term], holds: bool) -> None:
        """Demand that two digests are the same, or that they are not."""
        if not holds:
            demand_some(self.sheet, name, terms, self.active)
            return
        for at, term in enumerate(terms):
            self.sheet.zero(f"{name}.{at}", term, modular=True)

    def do_require_done(self, _: int, instruction: Instruction) -> Sequence[Any]:
        """A guard that a code is 0."""
        demand_zero(self.sheet, self.sheet.fresh("require_done"), self.word(instruction.operands[0]))
        return []

    # Configuration and hashing

    def do_config(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """Fields of a record of the configuration, looked up."""
        record = self.program.records[instruction.name]
        entries = [self.element(operand) for operand in instruction.operands]
        values: list[Any] = []
        for at, place in enumerate(instruction.numbers):
            of = leaf(*record.fields[place][1:])
            made = self.column_of(self.name(number + at), number + at, of)
            values.append(self.value_of(of, made))
            entries += made
        tag = config_groups(self.program)[ConfigGroup(instruction.name, instruction.numbers)]
        self.sheet.table.add(tag, self.active, entries)
        return values

    def do_digest(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """A digest of digests and words: blocks of eight elements, one step of the hash suite each."""
        sheet, (tag, count) = self.sheet, instruction.numbers
        elements = [element for at in instruction.operands[:count] for element in self.values[at]]
        elements += self.joined([self.settled(at) for at in instruction.operands[count:]])
        start = start_digest(Tag(tag), len(elements))
        left = [sheet.constant(element) for element in start]
        for block, right in enumerate(blocks_of(elements, sheet.table.tape.constant(0))):
            out = [sheet.element(f"{self.name(number)}.{block}.{at}") for at in range(DIGEST_ELEMENTS)]
            halves = (tuple(term.number for term in half) for half in (left, right))
            sheet.plan.steps.append(Hashed(tuple(sheet.number(term) for term in out), *halves))
            sheet.table.add(HASH, self.active, [*left, *right, *out])
            left = out
        return [left]

    def joined(self, words: Sequence[Word]) -> list[Term]:
        """Words as elements, as the hash suite takes them: five for two, three for a last one."""
        elements: list[Term] = []
        for start in range(0, len(words), 2):
            pair = words[start : start + 2]
            for word in pair:
                elements += [self.sheet.sum([word.limbs[at], word.limbs[at + 1] * BASE]) for at in (0, 2)]
            elements.append(self.sheet.sum([word.limbs[-1] * 2 ** (TOP_SHIFT * at) for at, word in enumerate(pair)]))
        return elements

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
        now, previous = self.begin_access(instruction.name, key, old, self.half if stored else 0)
        if stored:
            self.loaded[instruction.name, instruction.operands] = (key, now)
        else:
            self.send_memory(instruction.name, key, now, old)
        return values

    @property
    def half(self) -> int:
        """From an access that reads to one that stores."""
        return self.rules.spans.stride // 2

    def begin_access(self, record: str, key: list[Term], old: list[Term], later: Term | int) -> tuple[Term, Term]:
        """Receive a record as it was left before; the time now, and the time then."""
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
        return now, previous

    def send_memory(self, record: str, key: list[Term], now: Term, leaves: list[Term]) -> None:
        """Send a record on."""
        self.sheet.table.add(memory_tags(self.program)[record], self.active, [*key, now, *leaves])

    def do_store(self, number: int, instruction: Instruction) -> Sequence[Any]:
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
        now, _ = self.begin_access(name, key, [entry for one in old for entry in one], self.half)
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

    def call(self, place: int, number: int, instruction: Instruction) -> Sequence[Any]:
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
            entries.append(self.time)
            promised.append((self.base_range(self.rules.spans.tables[name]), SENDER))
        for number, entry in enumerate(self.listing.inputs):
            of = leaf(entry.types[0], *entry.numbers)
            entries += self.inputs_sent[number]
            promised += [(bounds, SENDER) for bounds in of.bounds]
        results: list[Leaf] = []
        for number, kind in zip(self.listing.results, self.listing.result_types, strict=True):
            made, of = self.answered(number, kind)
            entries += made
            self.made.outputs += [term.number for term in made]
            results.append(of)
            promised += [(bounds, RECEIVER) for bounds in of.bounds]
        tag = self.rules.call_tags[name]
        sheet.table.add(tag, self.active * -1, entries)
        self.rules.results[name] = results
        self.rules.contracts[tag] = contract(promised)
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
            return [entry], Leaf(kind, word.low, word.high, (self.sheet.interval(entry),), None)
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


class StepWriter(Writer):
    """Writes the table of the steps of a loop: a step takes what the one before it sends, and sends on."""

    def __init__(self, rules: Rules, listing: Table, kind: LoopKind, name: str) -> None:
        super().__init__(rules, listing, "step", name)
        self.kind = kind
        self.made.kind = kind
        self.entries_in: list[Term] = []
        self.promised: list[tuple[Interval | None, Interval | None]] = []
        """Bounds of the entries of the loop's messages, and what a step adds to them."""
        self.leaves: list[list[Term]] = []
        self.keys: list[tuple[int, str, list[Term], list[Term], Term]] = []

    @property
    def length(self) -> int:
        """The most steps there are."""
        return LOOP_LENGTH[self.kind.loop.source]

    def fixed(self, name: str, bounds: Interval | None) -> Term:
        """A given column that all steps of a loop share."""
        term = self.sheet.given(name, *(bounds or ANY))
        self.entries_in.append(term)
        self.promised.append((bounds, None))
        return term

    def begin(self) -> None:
        """What all steps share, and the item of this one."""
        loop, sheet = self.kind.loop, self.sheet
        base = self.fixed("time", self.base_range(self.rules.spans.steps[self.kind] * (self.length + 2)))
        account = [self.fixed("account", None)] if loop.source == "held" else []
        skip = self.fixed("skip", None) if loop.skips else None
        stores = self.fixed("stores", FLAG) if loop.stored else None
        self.place = sheet.given("item", 0, self.length + 1)
        self.time = base + self.place * self.rules.spans.steps[self.kind]
        self.following = self.place + self.active
        if skip is not None:
            self.following = self.following + all_zero(sheet, "skips", [self.following - skip])
        self.stores_bit = stores
        later = 0 if stores is None else stores * self.half
        self.leaves = [[] for _ in item_fields(self.program, loop.source)]
        market: Term = self.place
        for start, record in touched(self.program, loop):
            leaves = self.extra_record(record, record)
            self.leaves[start : start + len(leaves)] = leaves
            if record == "Position":
                market = leaves[0][0]
            key = [*account, self.place] if record == "Position" else [market]
            old = [entry for one in leaves for entry in one]
            stored = any(start <= at < start + len(leaves) for at in loop.stored)
            now, _ = self.begin_access(record, key, old, later if stored else 0)
            self.keys.append((start, record, key, [*old], now))
        self.leaves[-1] = [market]

    def do_input(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """An argument: the carry and what all steps share come by the loop's message, the item is loaded."""
        loop = self.kind.loop
        of = leaf(instruction.types[0], *instruction.numbers)
        end = loop.carried + len(loop.items)
        if loop.carried <= number < end:
            place = loop.items[number - loop.carried]
            field = item_fields(self.program, loop.source)[place]
            loaded = leaf(*field[1:])
            if place == len(self.leaves) - 1:
                loaded = loaded._replace(high=MARKETS)
            return [self.value_of(loaded, self.leaves[place])]
        entries = self.column_of(self.name(number), number, of)
        if number >= end:
            self.entries_in += entries
            self.promised += [(bounds, None) for bounds in of.bounds]
        else:
            self.inputs_sent[number] = entries
        return [self.value_of(of, entries)]

    def end(self) -> None:
        """Store the item, and send sums or carry on."""
        self.store_item()
        sheet = self.sheet
        results = list(zip(self.listing.results, self.listing.result_types, strict=True))[len(self.kind.loop.stored) :]
        self.promised.append(((0, self.length + 1), (1, 2)))
        entries = [*self.entries_in, self.place]
        sent = [*self.entries_in, self.following]
        leaves: list[Leaf] = []
        for at, (number, kind) in enumerate(results):
            if self.kind.code == "fold":
                entry = self.listing.inputs[at]
                of = leaf(entry.types[0], *entry.numbers)
                entries += self.inputs_sent[at]
                made = self.fitted(number, of)
                self.promised += [(bounds, None) for bounds in of.bounds]
            else:
                taken, made, of = self.summand(number, kind)
                entries += taken
            sent += made
            self.made.outputs += [term.number for term in made]
            leaves.append(of)
        tag = self.rules.loop_tags[self.kind]
        sheet.table.add(tag, self.active * -1, entries)
        sheet.table.add(tag, self.active, sent)
        self.rules.results[self.made.name] = leaves
        bounds, steps = zip(*self.promised, strict=True)
        self.rules.contracts[tag] = Contract(bounds, (SENDER,) * len(bounds), steps)
        self.rules.arities[tag] = len(entries)

    def summand(self, number: int, kind: str) -> tuple[list[Term], list[Term], Leaf]:
        """A sum before this step and after it."""
        own, of = self.answered(number, kind)
        low, high = times((self.length, self.length), (min(of.low, 0), max(of.high, 0)))
        before: list[Term] = []
        total: list[Interval] = []
        first = len(self.made.outputs)
        for limb, (least, greatest) in enumerate(of.bounds):
            step = (min(least, 0), max(greatest, 0))
            bounds = times((self.length, self.length), step)
            total.append(bounds)
            self.promised.append((bounds, step))
            if bounds == (0, 0):
                before.append(self.sheet.table.tape.constant(0))
                continue
            before.append(self.sheet.given(f"sum{first + limb}", *bounds))
        after = [one + more for one, more in zip(before, own, strict=True)]
        return before, after, Leaf(kind, *clip(low, high, kind), tuple(total), None)

    def store_item(self) -> None:
        """Send the records of the item on, those that are stored with what has changed where the flag says so."""
        loop = self.kind.loop
        changed = {place: self.listing.results[at] for at, place in enumerate(loop.stored)}
        fields = item_fields(self.program, loop.source)
        for start, record, key, _, now in self.keys:
            count = len(self.program.records[record].fields)
            new: list[Term] = []
            for place in range(start, start + count):
                if place in changed:
                    new += self.restored(place, changed[place], leaf(*fields[place][1:]))
                else:
                    new += self.leaves[place]
            self.send_memory(record, key, now, new)

    def restored(self, place: int, number: int, of: Leaf) -> list[Term]:
        """A leaf that is stored where the flag says so, else as it was."""
        assert self.stores_bit is not None
        new = self.fitted(number, of)
        name = f"stored{place}"
        chosen = [
            self.sheet.choose(f"{name}.{at}", self.stores_bit, one, old)
            for at, (one, old) in enumerate(zip(new, self.leaves[place], strict=True))
        ]
        return [self.sheet.lifted(term) for term in chosen]


MARKETS = 63
"""The greatest id of a market."""


def clip(low: int, high: int, kind: str) -> Interval:
    """The part of a range that a type has."""
    least, greatest = type_range(kind)
    return max(low, least), min(high, greatest)


def clipped(word: Word, kind: str) -> Word:
    """A word of which an honest row has only values of a type."""
    low, high = clip(word.low, word.high, kind)
    return word._replace(low=low, high=high)


def store_key(program: Program, instruction: Instruction) -> Any:
    """What a store stores: the record and the operands of its key."""
    if instruction.code != "store":
        return None
    return instruction.name, instruction.operands[: program.records[instruction.name].keys]


def asked_bits(table: Table) -> set[int]:
    """The values that something else than a guard, or a negation only guards ask for, asks for."""
    asked = set(table.results)
    for number, instruction in reversed(list(table.numbered())):
        if instruction.code == "require" or (instruction.code == "not" and number not in asked):
            continue
        asked |= set(instruction.operands)
    return asked
