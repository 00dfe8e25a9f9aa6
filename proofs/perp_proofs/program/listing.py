"""The recorded program as data: straight-line listings over typed values, their canonical text, and its digest.

A program is named tables. A table is a list of instructions in single-assignment form: each instruction makes zero or
more values, numbered through the table in order, from values with smaller numbers. There is no branch: a table is one
row of a proof, a call is a row of another table.

Types:

- `word`: an integer with |v| <= 2^63 - 1.
- `small`: an integer with |v| <= 2^26 - 1, one field element: ids, codes, slots, bounded counts and rates.
- `bit`: 0 or 1.
- `digest`: a packed digest, 248 bits.

Instructions (operands -> results; what stands after `|` are the numbers, constants of the instruction):

- `input NAME | low high` -> value. First in its table, in order of the arguments of a call.
- `constant | v` -> value.
- `linear a.. | coefficients.. c` -> word or small: the sum of coefficient times operand, and c. At most four words.
- `multiply a b` -> word: exact; the product is a word.
- `floor a b c`, `ceil a b c` -> word q, word r: a * b = q * c + r or q * c - r with 0 <= r < c. Needs c > 0.
- `product_le a b c d` -> bit: a * b <= c * d, both exact.
- `at_most a.. | coefficients.. c` -> bit: the linear form is <= 0. `zero`: it is 0.
- `same a b` -> bit: two digests are equal.
- `select c a b` -> a where c holds, else b.
- `and a b`, `or a b`, `not a` -> bit.
- `require c | reason`: the operation is rejected with this reason unless c holds.
- `require_done v`: the operation is rejected with the reason v unless v is 0.
- `call TABLE a..` -> the results of a row of the table.
- `call_if TABLE flag a.. otherwise..` -> the same where flag holds, else the last operands.
- `load RECORD key..` -> all fields. `store RECORD key.. fields..`. An operation loads the state as it was before it,
  whatever it has stored itself; what it stores is there for the next one, and it stores a record once at most.
- `config RECORD key.. | fields..` -> some fields of a record of the configuration.
- `digest a.. | tag digests` -> digest: of so many digests and then words (perp_hash.digest.hash_words).
- `sweep`, `total`, `fold`: loops over records, see `Loop`.

Standard library and perp_hash only: the verifier reads programs with this file.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import unified_diff
from hashlib import blake2s
from typing import NamedTuple

from perp_hash.digest import Tag, digest_to_hex, hash_bytes

WORD = "word"
SMALL = "small"
BIT = "bit"
DIGEST = "digest"
TYPES = (WORD, SMALL, BIT, DIGEST)

WORD_MAX = 2**63 - 1
SMALL_MAX = 2**26 - 1
"""Two limbs hold one, and sums of several stay below half of the field."""

DIGEST_MAX = 2**248 - 1

PERSON = b"perp.prg"
"""Personalisation of the BLAKE2s of a program's text."""

LINEAR_WORDS = 4
"""Words of a linear form. More do not fit an equation on limbs without a carry."""

ELEMENTS = {WORD: 5, SMALL: 1, BIT: 1, DIGEST: 8}
"""Field elements of a value on a bus."""

RESULT_COUNTS = {
    "input": 1,
    "constant": 1,
    "linear": 1,
    "multiply": 1,
    "floor": 2,
    "ceil": 2,
    "product_le": 1,
    "at_most": 1,
    "zero": 1,
    "same": 1,
    "select": 1,
    "and": 1,
    "or": 1,
    "not": 1,
    "require": 0,
    "require_done": 0,
    "store": 0,
    "digest": 1,
}
"""Results of the instructions that have always as many."""

OPERAND_COUNTS = {
    "input": 0,
    "constant": 0,
    "multiply": 2,
    "floor": 3,
    "ceil": 3,
    "product_le": 4,
    "same": 2,
    "select": 3,
    "and": 2,
    "or": 2,
    "not": 1,
    "require": 1,
    "require_done": 1,
}

NAMED = frozenset({"input", "call", "call_if", "load", "store", "config", "sweep", "total", "fold"})
LOOP_NUMBERS = 3
"""Whether it skips, the values it carries, and how many item leaves follow."""

LOOPS = frozenset({"sweep", "total", "fold"})
LINEAR = frozenset({"linear", "at_most", "zero"})
WITH_NUMBERS = frozenset({"input", "constant", "require", "config", "digest"})
CODES = frozenset(RESULT_COUNTS) | NAMED


class ListingError(ValueError):
    """A program, or its text, is malformed."""


class FieldType(NamedTuple):
    """A field of a record: its type and declared range."""

    name: str
    type: str
    low: int
    high: int


@dataclass(frozen=True)
class Record:
    """A record class.

    Attributes:
        kind: "state", or "config" for one that never changes.
        keys: How many parts its key has.
        fields: Vectors are written out.
    """

    name: str
    kind: str
    keys: int
    fields: tuple[FieldType, ...]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; the meaning of its parts is at the top of this file.

    Attributes:
        types: Types of the results.
        operands: Numbers of values.
        numbers: Constants, written after `|`.
    """

    code: str
    types: tuple[str, ...] = ()
    name: str = ""
    operands: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Loop:
    """What a loop instruction says: its `name` is `source:callee`.

    A `held` loop visits the position slots 0.. of an account below a count, in order, less one slot where it skips. An
    item is the position, the price of its market, and its market's id (config is read by key). A `markets` loop visits
    the markets 0.. below a count; an item is price, book and id. Operands: for `held` the account; the count; the slot
    or market to skip, where it skips; the flag whether items are stored; then, for a fold, the carry; then the other
    arguments.

    The callee takes the carry (fold), the listed item leaves, and the other arguments, and returns the stored item
    leaves, then the summands (the next carry of a fold). A sweep or fold stores, where the flag holds, the items with
    those leaves replaced. The loop returns the sums, or the last carry.

    Attributes:
        source: "held" or "markets".
        items: Item leaves the callee takes; a leaf is a number into the fields of the item's records, one after the
            other, and the last is the id.
        stored: Item leaves the callee returns.
        carried: Values of a fold's carry.
    """

    source: str
    callee: str
    skips: bool
    items: tuple[int, ...]
    stored: tuple[int, ...]
    carried: int

    @property
    def fixed(self) -> int:
        """Operands before the carry and the other arguments."""
        return (self.source == "held") + 2 + self.skips


def loop_of(instruction: Instruction) -> Loop:
    """Read a loop instruction. Raises ListingError where it has too few numbers."""
    source, _, callee = instruction.name.partition(":")
    if len(instruction.numbers) < LOOP_NUMBERS:
        raise ListingError(f"no loop: {instruction.name}")
    skips, carried, items, *leaves = instruction.numbers
    return Loop(source, callee, bool(skips), tuple(leaves[:items]), tuple(leaves[items:]), carried)


def loop_instruction(code: str, loop: Loop, types: tuple[str, ...], operands: tuple[int, ...]) -> Instruction:
    """Write a loop instruction."""
    numbers = (int(loop.skips), loop.carried, len(loop.items), *loop.items, *loop.stored)
    return Instruction(code, types, f"{loop.source}:{loop.callee}", operands, numbers)


LOOP_RECORDS = {"held": ("Position", "MarketPrice"), "markets": ("MarketPrice", "MarketBook")}
"""Records of an item, in order."""


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        role: "operation", "batch" for the one that begins a batch, or "rule" for one that is called.
        coded: Its guards are no guards but values: its first result is 0, or the reason of the first that is false.
        results: Numbers of values.
        number: Of the kind of an operation, the first element it is hashed as; 0 for one that has none, and for other
            roles.
        labels: For people: names of values. Not part of the program.
    """

    name: str
    role: str
    coded: bool
    instructions: tuple[Instruction, ...]
    results: tuple[int, ...]
    labels: Mapping[int, str] = field(default_factory=dict[int, str], compare=False)
    number: int = 0

    @property
    def types(self) -> list[str]:
        """Types of all values."""
        return [kind for instruction in self.instructions for kind in instruction.types]

    @property
    def inputs(self) -> tuple[Instruction, ...]:
        """The inputs, in order."""
        return tuple(instruction for instruction in self.instructions if instruction.code == "input")

    @property
    def result_types(self) -> tuple[str, ...]:
        """Types of the results."""
        types = self.types
        return tuple(types[number] for number in self.results)

    def numbered(self) -> Iterator[tuple[int, Instruction]]:
        """Yields each instruction with the number of its first result."""
        number = 0
        for instruction in self.instructions:
            yield number, instruction
            number += len(instruction.types)


@dataclass(frozen=True)
class Program:
    """A recorded rule set.

    Attributes:
        suite: Identifier of the hash suite.
        records: By name.
        tables: By name; a table stands after those that it calls.
    """

    name: str
    suite: str
    records: Mapping[str, Record]
    tables: Mapping[str, Table]

    def of_role(self, role: str) -> list[Table]:
        """The tables of a role, in order."""
        return [table for table in self.tables.values() if table.role == role]


def callees(table: Table) -> Iterator[str]:
    """Yields the names of the tables that a table calls, once for each call."""
    for instruction in table.instructions:
        if instruction.code in LOOPS:
            yield loop_of(instruction).callee
        elif instruction.code in ("call", "call_if"):
            yield instruction.name


# Text


def write_program(program: Program) -> str:
    """The canonical text. `parse_program` is its inverse."""
    lines = [f"program {program.name} {program.suite}"]
    for record in program.records.values():
        lines.append(f"record {record.name} {record.kind} {record.keys}")
        lines += [f"  {entry.name} {entry.type} {entry.low} {entry.high}" for entry in record.fields]
    for table in program.tables.values():
        lines += write_table(table)
    return "\n".join(lines) + "\n"


def write_table(table: Table) -> list[str]:
    """The canonical lines of a table."""
    marks = [str(table.number)] if table.role == "operation" else ["coded"] if table.coded else []
    lines = [" ".join((table.role, table.name, *marks))]
    lines += [f"  {write_instruction(number, instruction)}" for number, instruction in table.numbered()]
    lines.append(" ".join(("  return", *values(table.results))))
    return lines


def values(numbers: Iterable[int]) -> list[str]:
    """The names of values."""
    return [f"%{number}" for number in numbers]


def write_instruction(number: int, instruction: Instruction) -> str:
    """The canonical text of an instruction whose first result has this number."""
    parts = [f"%{number + offset}:{kind}" for offset, kind in enumerate(instruction.types)]
    if parts:
        parts.append("=")
    parts.append(instruction.code)
    if instruction.name:
        parts.append(instruction.name)
    parts += values(instruction.operands)
    if instruction.numbers:
        parts += ["|", *map(str, instruction.numbers)]
    return " ".join(parts)


DIGITS_MAX = len(str(DIGEST_MAX))


def integer(text: str) -> int:
    """Read a number as it is written. Raises ListingError for any other spelling."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= DIGITS_MAX) or str(int(text)) != text:
        raise ListingError(f"no number: {text!r}")
    return int(text)


def value_number(text: str) -> int:
    """Read the name of a value."""
    if not text.startswith("%") or text[1:2] == "-":
        raise ListingError(f"no value: {text!r}")
    return integer(text[1:])


def parse_program(text: str) -> Program:
    """Read a canonical text and check the program.

    Raises:
        ListingError: It is no program, or not its canonical text.
    """
    lines = text.split("\n")
    head = lines[0].split(" ")
    if len(head) != 3 or head[0] != "program":
        raise ListingError("the first line must name a program and a hash suite")
    records: dict[str, Record] = {}
    tables: dict[str, Table] = {}
    at = 1
    while at < len(lines) - 1:
        end = at + 1
        while end < len(lines) and lines[end].startswith("  "):
            end += 1
        if lines[at].startswith("record "):
            record = parse_record(lines[at:end])
            records[record.name] = record
        else:
            table = parse_table(lines[at:end])
            tables[table.name] = table
        at = end
    program = Program(head[1], head[2], records, tables)
    check_program(program)
    if write_program(program) != text:
        raise ListingError("the text is not in its canonical form")
    return program


def parse_record(lines: list[str]) -> Record:
    """Read the lines of a record."""
    head = lines[0].split(" ")
    entries: list[FieldType] = []
    for line in lines[1:]:
        parts = line.strip().split(" ")
        if len(parts) != 4:
            raise ListingError(f"no field: {line!r}")
        entries.append(FieldType(parts[0], parts[1], integer(parts[2]), integer(parts[3])))
    if len(head) != 4:
        raise ListingError(f"no record: {lines[0]!r}")
    return Record(head[1], head[2], integer(head[3]), tuple(entries))


def parse_table(lines: list[str]) -> Table:
    """Read the lines of a table."""
    head = lines[0].split(" ")
    last = lines[-1].split()
    if len(head) not in (2, 3) or not last or last[0] != "return":
        raise ListingError(f"no table: {lines[0]!r}")
    instructions = tuple(parse_instruction(line.strip()) for line in lines[1:-1])
    results = tuple(value_number(name) for name in last[1:])
    if head[0] == "operation":
        return Table(head[1], head[0], False, instructions, results, number=integer(head[2]) if head[2:] else -1)
    return Table(head[1], head[0], head[2:] == ["coded"], instructions, results)


def parse_instruction(line: str) -> Instruction:
    """Read the line of an instruction. Numbers of its results are not checked here."""
    made, equals, said = line.partition(" = ")
    said = said if equals else line
    types = tuple(result.partition(":")[2] for result in made.split(" ")) if equals else ()
    before, _, after = said.partition(" | ")
    code, *operands = before.split(" ")
    name = ""
    if code in NAMED:
        if not operands:
            raise ListingError(f"no name: {line!r}")
        name, *operands = operands
    numbers = tuple(integer(number) for number in after.split(" ")) if after else ()
    return Instruction(code, types, name, tuple(value_number(operand) for operand in operands), numbers)


def program_digest(program: Program) -> str:
    """The digest that names the program: 64 hexadecimal digits.

    The text is hashed with BLAKE2s first. It has 150,000 bytes, which the hash suite alone takes a second for, and no
    proof has to hash it; a collision of BLAKE2s takes 2^128 steps, of the suite 2^124.
    """
    text = blake2s(write_program(program).encode(), person=PERSON).digest()
    return digest_to_hex(hash_bytes(Tag.PROGRAM, text))


def diff_programs(old: Program, new: Program) -> list[str]:
    """The lines that tell two programs apart, in the unified format, with values named by their labels only."""
    lines: list[str] = []
    for name in sorted({*old.tables, *new.tables}):
        before = show_table(old, old.tables[name]) if name in old.tables else []
        after = show_table(new, new.tables[name]) if name in new.tables else []
        lines += unified_diff(before, after, f"old {name}", f"new {name}", n=1, lineterm="")
    return lines


# Checks


def check_records(program: Program) -> None:
    """Raise ListingError unless every field of every record has a type, and a range in it."""
    for record in program.records.values():
        if record.kind not in ("state", "config") or any(entry.type not in TYPES for entry in record.fields):
            raise ListingError(f"record {record.name} is malformed")
        for entry in record.fields:
            if not is_range(entry.low, entry.high, entry.type):
                raise ListingError(f"record {record.name}: {entry.name} is from {entry.low} to {entry.high}")


def check_program(program: Program) -> None:
    """Raise ListingError unless every instruction is well-formed and well-typed."""
    check_records(program)
    known: dict[str, Table] = {}
    numbers: set[int] = set()
    for table in program.tables.values():
        if table.role not in ("operation", "batch", "rule"):
            raise ListingError(f"table {table.name} has the unknown role {table.role}")
        if table.number < 0 or (table.number and table.number in numbers):
            raise ListingError(f"table {table.name} has no number of its own")
        numbers.add(table.number)
        types: list[str] = []
        for place, instruction in enumerate(table.instructions):
            complaint = fault(program, known, types, instruction)
            if instruction.code == "input" and place != len(types):
                complaint = "an input after something else"
            if complaint:
                raise ListingError(f"{table.name}, instruction {place}: {complaint}")
            types += instruction.types
        if any(number >= len(types) for number in table.results):
            raise ListingError(f"{table.name} returns a value that it does not have")
        if table.coded and (not table.results or types[table.results[0]] not in (WORD, SMALL)):
            raise ListingError(f"{table.name} must return a code first")
        known[table.name] = table


def fault(program: Program, known: Mapping[str, Table], types: list[str], instruction: Instruction) -> str:
    """What is wrong with an instruction after values of these types; empty if nothing is."""
    code = instruction.code
    if code not in CODES:
        return f"unknown code {code!r}"
    if any(number >= len(types) for number in instruction.operands):
        return "an operand has no value yet"
    if any(kind not in TYPES for kind in instruction.types):
        return "a result has no type"
    if code not in LINEAR and code not in LOOPS and code not in WITH_NUMBERS and instruction.numbers:
        return "numbers that mean nothing"
    if code in RESULT_COUNTS and len(instruction.types) != RESULT_COUNTS[code]:
        return "wrong number of results"
    if code in OPERAND_COUNTS and len(instruction.operands) != OPERAND_COUNTS[code]:
        return "wrong number of operands"
    kinds = [types[number] for number in instruction.operands]
    if code in LINEAR:
        return linear_fault(instruction, kinds)
    if code in ("call", "call_if"):
        return call_fault(known, instruction, kinds)
    if code in LOOPS:
        return loop_fault(program, known, instruction, kinds)
    if code in ("load", "store", "config"):
        return record_fault(program, instruction, kinds)
    return scalar_fault(instruction, kinds)


SCALAR_OPERANDS: dict[str, tuple[str, ...]] = {
    "multiply": (WORD,) * 2,
    "floor": (WORD,) * 3,
    "ceil": (WORD,) * 3,
    "product_le": (WORD,) * 4,
    "same": (DIGEST,) * 2,
    "and": (BIT,) * 2,
    "or": (BIT,) * 2,
    "not": (BIT,),
    "require": (BIT,),
}


def scalar_fault(instruction: Instruction, kinds: list[str]) -> str:
    """What is wrong with an instruction on scalars."""
    code = instruction.code
    if code in SCALAR_OPERANDS and tuple(kinds) != SCALAR_OPERANDS[code]:
        return f"operands are {kinds}"
    if code == "select" and (kinds[0] != BIT or kinds[1:] != [*instruction.types] * 2):
        return f"selects {kinds}"
    if code == "require_done" and kinds[0] not in (WORD, SMALL):
        return "needs a code"
    count = {"input": 2, "constant": 1, "require": 1, "digest": 2}.get(code, 0)
    if len(instruction.numbers) != count:
        return "wrong number of numbers"
    if code == "digest" and not 0 <= instruction.numbers[1] <= len(kinds):
        return "hashes nothing"
    if code == "digest" and kinds != [DIGEST] * instruction.numbers[1] + [WORD] * (len(kinds) - instruction.numbers[1]):
        return f"hashes {kinds}"
    if code == "digest" and instruction.numbers[0] not in {*Tag}:
        return f"hashes under the tag {instruction.numbers[0]}"
    if code == "constant" and not in_type(instruction.numbers[0], instruction.types[0]):
        return "a constant out of range"
    if code == "input" and not is_range(instruction.numbers[0], instruction.numbers[1], instruction.types[0]):
        return "no range"
    return ""


def in_type(value: int, kind: str) -> bool:
    """The value is one of the type."""
    low, high = type_range(kind)
    return low <= value <= high


def is_range(low: int, high: int, kind: str) -> bool:
    """Some values of the type lie between the two, both among them."""
    return low <= high and in_type(low, kind) and in_type(high, kind)


def type_range(kind: str) -> tuple[int, int]:
    """The least and the largest value of a type."""
    return {WORD: (-WORD_MAX, WORD_MAX), SMALL: (-SMALL_MAX, SMALL_MAX), BIT: (0, 1), DIGEST: (0, DIGEST_MAX)}[kind]


def linear_fault(instruction: Instruction, kinds: list[str]) -> str:
    """What is wrong with a linear form."""
    if len(instruction.numbers) != len(kinds) + 1 or DIGEST in kinds or 0 in instruction.numbers[:-1]:
        return "no linear form"
    return "too many words" if kinds.count(WORD) > LINEAR_WORDS else ""


def call_fault(known: Mapping[str, Table], instruction: Instruction, kinds: list[str]) -> str:
    """What is wrong with a call."""
    callee = known.get(instruction.name)
    if callee is None or callee.role != "rule":
        return f"calls {instruction.name}"
    expected = [entry.types[0] for entry in callee.inputs]
    if instruction.code == "call_if":
        expected = [BIT, *expected, *callee.result_types]
    if kinds != expected or instruction.types != callee.result_types:
        return f"calls {instruction.name} with other types"
    return ""


def item_fields(program: Program, source: str) -> list[FieldType]:
    """The leaves of a loop's item."""
    leaves = [entry for name in LOOP_RECORDS[source] for entry in program.records[name].fields]
    return [*leaves, FieldType("market", SMALL, 0, SMALL_MAX)]


def loop_fault(program: Program, known: Mapping[str, Table], instruction: Instruction, kinds: list[str]) -> str:
    """What is wrong with a loop."""
    if len(instruction.numbers) < LOOP_NUMBERS:
        return "no loop"
    loop = loop_of(instruction)
    callee = known.get(loop.callee)
    if callee is None or callee.role != "rule" or loop.source not in LOOP_RECORDS or callee.coded:
        return f"loops over {instruction.name}"
    if not {*LOOP_RECORDS[loop.source]} <= {*program.records}:
        return "a loop over records there are none of"
    leaves = [entry.type for entry in item_fields(program, loop.source)]
    if instruction.numbers[0] not in (0, 1) or not 0 <= instruction.numbers[2] <= len(leaves) or loop.carried < 0:
        return "no loop"
    if (loop.carried > 0) != (instruction.code == "fold") or (instruction.code == "total" and loop.stored):
        return f"no {instruction.code}"
    if any(not 0 <= leaf < len(leaves) for leaf in loop.items) or any(
        not 0 <= leaf < len(leaves) - 1 for leaf in loop.stored
    ):
        return "an item has no such leaf"
    carried, extra = kinds[loop.fixed :][: loop.carried], kinds[loop.fixed + loop.carried :]
    expected = [*carried, *(leaves[leaf] for leaf in loop.items), *extra]
    if [entry.types[0] for entry in callee.inputs] != expected:
        return f"{loop.callee} takes other types"
    if kinds[: loop.fixed] != [SMALL] * (loop.fixed - 1) + [BIT]:
        return "a loop is over small numbers"
    summed = instruction.types if instruction.code != "fold" else tuple(carried)
    if callee.result_types != (*(leaves[leaf] for leaf in loop.stored), *summed) or instruction.types != summed:
        return f"{loop.callee} returns other types"
    return ""


def record_fault(program: Program, instruction: Instruction, kinds: list[str]) -> str:
    """What is wrong with an access to a record."""
    record = program.records.get(instruction.name)
    if record is None or (record.kind == "config") != (instruction.code == "config"):
        return f"accesses {instruction.name}"
    if kinds[: record.keys] != [SMALL] * record.keys:
        return "a key is not small"
    types = [entry.type for entry in record.fields]
    if instruction.code == "store":
        return "" if kinds[record.keys :] == types else f"stores {kinds[record.keys :]}"
    if instruction.code == "config":
        if any(not 0 <= number < len(types) for number in instruction.numbers):
            return f"{record.name} has no such field"
        types = [types[number] for number in instruction.numbers]
    return "" if len(kinds) == record.keys and list(instruction.types) == types else "loads other types"


# Statistics


def statistics(table: Table) -> Counter[str]:
    """How many instructions of each code a table has."""
    return Counter(instruction.code for instruction in table.instructions)


def elements(types: Iterable[str]) -> int:
    """Field elements of values of these types on a bus."""
    return sum(ELEMENTS[kind] for kind in types)


def interface(table: Table) -> tuple[int, int]:
    """Field elements a call moves in and out."""
    return elements(entry.types[0] for entry in table.inputs), elements(table.result_types)


def without_labels(program: Program) -> Program:
    """The program as its text says it."""
    return replace(program, tables={name: replace(table, labels={}) for name, table in program.tables.items()})


# For people


def show_table(program: Program, table: Table) -> list[str]:
    """A table as formulas, with names where the rules have them."""
    names = shown_names(program, table)
    inputs = ", ".join(names[number] for number, entry in table.numbered() if entry.code == "input")
    lines = [f"{table.role} {table.name}({inputs})" + (" with its guards as values" if table.coded else "")]
    for number, instruction in table.numbered():
        if instruction.code not in ("input", "constant"):
            lines.append("  " + show_instruction(names, number, instruction))
    lines.append("  return " + ", ".join(names[number] for number in table.results))
    return lines


def shown_names(program: Program, table: Table) -> list[str]:
    """A name for each value: its label, or what it is."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    for number, instruction in table.numbered():
        for offset in range(len(instruction.types)):
            label = table.labels.get(number + offset, "") or default_name(program, instruction, offset)
            seen[label] += 1
            constant = instruction.code == "constant"
            names.append(label if seen[label] == 1 or constant else f"{label}'{seen[label]}")
    return names


def default_name(program: Program, instruction: Instruction, offset: int) -> str:
    """What a value is called that has no label."""
    if instruction.code == "constant":
        return str(instruction.numbers[0])
    if instruction.code == "input":
        return instruction.name
    if instruction.code == "load":
        return f"{instruction.name}.{program.records[instruction.name].fields[offset].name}"
    if instruction.code == "config":
        fields = program.records[instruction.name].fields
        return f"{instruction.name}.{fields[instruction.numbers[offset]].name}"
    return {"floor": "q", "ceil": "q", "call": instruction.name, "call_if": instruction.name}.get(
        instruction.code, instruction.code
    )


def show_instruction(names: list[str], number: int, instruction: Instruction) -> str:
    """One instruction as a formula."""
    operands = [names[operand] for operand in instruction.operands]
    made = ", ".join(names[number : number + len(instruction.types)])
    return f"{made} = {show_formula(instruction, operands)}" if made else show_formula(instruction, operands)


def show_formula(instruction: Instruction, operands: list[str]) -> str:
    """The right side of an instruction."""
    code = instruction.code
    if code in LINEAR:
        form = show_form(operands, instruction.numbers)
        return {"linear": form, "at_most": f"{form} <= 0", "zero": f"{form} == 0"}[code]
    infix = {"multiply": " * ", "and": " and ", "or": " or ", "same": " == "}
    if code in infix:
        return infix[code].join(operands)
    shown = {
        "select": "{1} if {0} else {2}",
        "not": "not {0}",
        "floor": "floor({0} * {1} / {2})",
        "ceil": "ceil({0} * {1} / {2})",
        "product_le": "{0} * {1} <= {2} * {3}",
        "require_done": "require {0} == 0",
    }
    if code in shown:
        return shown[code].format(*operands)
    if code == "require":
        return f"require {operands[0]} else {instruction.numbers[0]}"
    return f"{code} {instruction.name}({', '.join(operands)})".replace(" (", "(")


def show_form(operands: list[str], numbers: tuple[int, ...]) -> str:
    """A linear form as a sum."""
    *coefficients, constant = numbers
    text = ""
    for coefficient, operand in zip(coefficients, operands, strict=True):
        sign = "-" if coefficient < 0 else "+"
        size = "" if abs(coefficient) == 1 else f"{abs(coefficient)} * "
        text += f" {sign} {size}{operand}"
    if constant or not text:
        text += f" {'-' if constant < 0 else '+'} {abs(constant)}"
    text = text.strip()
    return text.removeprefix("+ ") if text.startswith("+") else "-" + text.removeprefix("- ")
