"""What a recorded program costs in a proof, estimated from the gadgets: columns, lookups, bus fractions, cells.

An estimate to compare shapes of rules by, before tables exist. The gadgets' figures are those of the design of the
arithmetisation. A word is five limbs, a linear combination is free until something multiplies or stores it, and what
only a guard asks is cheaper than a bit. A row of a table is one call.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from perp_proofs.program.listing import (
    BIT,
    LOOP_RECORDS,
    LOOPS,
    SMALL,
    WORD,
    Instruction,
    Program,
    Table,
    elements,
    item_fields,
    loop_of,
)

CELLS_A_FRACTION = 1.25
"""Four fractions share one extension column of five base columns."""

ELEMENTS_A_PERMUTATION = 8
COLUMNS_A_PERMUTATION = 164


class Cost(NamedTuple):
    """What one row costs."""

    columns: int = 0
    lookups: int = 0
    fractions: int = 0
    permutations: int = 0

    def plus(self, *others: "Cost") -> "Cost":
        """The sum."""
        return Cost(*(sum(parts) for parts in zip(self, *others, strict=True)))

    @property
    def cells(self) -> float:
        """Committed cells, permutations included."""
        row = self.columns + CELLS_A_FRACTION * (self.lookups + self.fractions)
        return row + COLUMNS_A_PERMUTATION * self.permutations


NORMALISE = Cost(12, 5)
SIGN_BIT = Cost(12, 5)
SIGN_GUARD = Cost(9, 5)
ZERO_BIT = Cost(6)
SMALL_SIGN = Cost(3, 2)
SMALL_SPLIT = Cost(2, 2)
MULTIPLY = Cost(14, 11)
DIVIDE_CONSTANT = Cost(18, 17)
DIVIDE = Cost(30, 24)
DIVIDE_ALONE = Cost(12, 10)
"""A word by a constant, without a product."""
PRODUCT_LE = Cost(19, 18)
ACCESS = Cost(3, 0, 4)
"""A record of the memory beside its fields."""
INPUT_CHECKS = {WORD: Cost(1, 5), SMALL: Cost(0, 2), BIT: Cost(0, 0)}
"""An argument of an operation must be in its type; a call's argument is already."""

FREE_USES = frozenset({"linear", "at_most", "zero"})


class Uses:
    """What the values of a table are used by.

    Attributes:
        signs: Forms whose sign is known already: with one the comparisons with -1, 0 and 1 are all answered.
    """

    def __init__(self, table: Table) -> None:
        self.signs: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        self.types = table.types
        self.made_by = [instruction for instruction in table.instructions for _ in instruction.types]
        self.codes: list[set[str]] = [set() for _ in self.types]
        for instruction in table.instructions:
            for operand in instruction.operands:
                self.codes[operand].add(instruction.code)
        for value in table.results:
            self.codes[value].add("return")
        negations = {one.operands[0]: number for number, one in table.numbered() if one.code == "not"}
        for instruction in reversed(table.instructions):
            if instruction.code == "not":
                at = instruction.operands[0]
                self.codes[at] = self.codes[at] - {"not"} | self.codes[negations[at]]

    def only_guards(self, value: int) -> bool:
        """The value, or its negation, is asked for by guards only."""
        return self.codes[value] <= {"require"}

    def constant(self, value: int) -> int | None:
        """The value where it is a constant."""
        instruction = self.made_by[value]
        return instruction.numbers[0] if instruction.code == "constant" else None


def instruction_cost(table: Table, uses: Uses, number: int, instruction: Instruction) -> Cost:
    """The cost of one instruction in its row."""
    code = instruction.code
    results = Cost(elements(instruction.types))
    if code == "input":
        checks = INPUT_CHECKS.get(instruction.types[0], Cost())
        return results.plus(checks) if table.role != "rule" else results
    if code == "linear":
        return linear_cost(uses, number, instruction)
    if code in ("at_most", "zero", "same"):
        return comparison_cost(uses, number, instruction)
    if code in ("floor", "ceil"):
        return division_cost(uses, instruction)
    if code == "digest":
        taken = sum(8 if uses.types[at] == "digest" else 5 / 2 for at in instruction.operands)
        steps = -(-int(taken + 0.5) // ELEMENTS_A_PERMUTATION)
        return Cost(8 * steps, 0, steps, steps)
    if code in LOOPS:
        sums = sum(kind == WORD for kind in instruction.types)
        return results.plus(Cost(fractions=2), *[NORMALISE] * (sums if code != "fold" else 0))
    fixed = {
        "multiply": MULTIPLY,
        "product_le": PRODUCT_LE,
        "select": results,
        "and": Cost(1),
        "or": Cost(1),
        "call": results.plus(Cost(fractions=1)),
        "call_if": results.plus(Cost(fractions=1)),
        "load": results.plus(ACCESS),
        "config": results.plus(Cost(fractions=1)),
    }
    return fixed.get(code, Cost())


def linear_cost(uses: Uses, number: int, instruction: Instruction) -> Cost:
    """A sum: free where only sums and comparisons use it, else it is normalised."""
    kinds = [uses.types[at] for at in instruction.operands]
    if instruction.types[0] == SMALL or uses.codes[number] <= FREE_USES:
        return Cost()
    if WORD not in kinds:
        return SMALL_SPLIT
    negation = len(kinds) == 1 and abs(instruction.numbers[0]) == 1 and not instruction.numbers[1]
    return Cost() if negation else NORMALISE


def comparison_cost(uses: Uses, number: int, instruction: Instruction) -> Cost:
    """A comparison: cheaper between small numbers, and where only guards ask."""
    small = WORD not in [uses.types[at] for at in instruction.operands]
    guard = uses.only_guards(number)
    if instruction.code == "at_most" and not small and instruction.numbers[-1] in (0, 1):
        form = instruction.operands, instruction.numbers[:-1]
        if form in uses.signs:
            return ZERO_BIT
        if not guard:
            uses.signs.add(form)
    if instruction.code == "at_most":
        return SMALL_SIGN if small else SIGN_GUARD if guard else SIGN_BIT
    if instruction.code == "same":
        return Cost(0 if guard else 9)
    if guard:
        return Cost()
    return Cost(2) if small else ZERO_BIT


def division_cost(uses: Uses, instruction: Instruction) -> Cost:
    """A quotient: cheaper by a constant, and without a product."""
    *factors, divisor = instruction.operands
    if uses.constant(divisor) is None:
        return DIVIDE
    return DIVIDE_ALONE if any(uses.constant(at) in (1, -1) for at in factors) else DIVIDE_CONSTANT


def row_cost(table: Table) -> Cost:
    """The cost of a row of a table that is called."""
    uses = Uses(table)
    parts = [instruction_cost(table, uses, number, one) for number, one in table.numbered()]
    return Cost(fractions=1).plus(*parts)


def loop_row_cost(program: Program, table: Table, instruction: Instruction) -> Cost:
    """The cost of a row of a loop: the callee's, its item loaded, and the sums so far."""
    loop = loop_of(instruction)
    fields = item_fields(program, loop.source)
    unused = [leaf.type for at, leaf in enumerate(fields) if at not in loop.items]
    places = 4
    sums = elements(instruction.types) if instruction.code != "fold" else 0
    records = [ACCESS] * len(LOOP_RECORDS[loop.source])
    return row_cost(table).plus(Cost(elements(unused) + places + sums, 0, 1), *records)


def costs_by_code(table: Table) -> dict[str, Cost]:
    """The cost of a row by kind of instruction."""
    uses = Uses(table)
    found: dict[str, Cost] = {}
    for number, one in table.numbered():
        cost = instruction_cost(table, uses, number, one)
        found[one.code] = found.get(one.code, Cost()).plus(cost)
    return found


class Row(NamedTuple):
    """A kind of row: a call of a table, or a step of a loop over it."""

    table: str
    loop: bool


def rows_of(program: Program, name: str, positions: int, markets: int, conditional: Iterable[str]) -> Counter[Row]:
    """The rows of one call: `positions` steps of loops over positions, and the named conditional calls made."""
    made = frozenset(conditional)
    rows = Counter({Row(name, False): 1})
    for instruction in program.tables[name].instructions:
        if instruction.code == "call" or (instruction.code == "call_if" and instruction.name in made):
            rows += rows_of(program, instruction.name, positions, markets, made)
        if instruction.code in LOOPS:
            loop = loop_of(instruction)
            steps = positions if loop.source == "held" else markets
            inner = rows_of(program, loop.callee, positions, markets, made)
            inner[Row(loop.callee, False)] -= 1
            inner[Row(loop.callee, True)] += 1
            rows += Counter({row: steps * count for row, count in inner.items()})
    return +rows


def row_costs(program: Program) -> dict[Row, Cost]:
    """The cost of each kind of row."""
    found = {Row(name, False): row_cost(table) for name, table in program.tables.items()}
    for table in program.tables.values():
        for instruction in table.instructions:
            if instruction.code in LOOPS:
                callee = program.tables[loop_of(instruction).callee]
                found[Row(callee.name, True)] = loop_row_cost(program, callee, instruction)
    return found


def operation_cells(
    program: Program,
    costs: Mapping[Row, Cost],
    name: str,
    positions: int,
    markets: int,
    conditional: Iterable[str] = (),
) -> float:
    """Cells of one operation without its tree paths and leaves, from the costs of all rows."""
    rows = rows_of(program, name, positions, markets, conditional)
    return sum(count * costs[row].cells for row, count in rows.items())


def report(program: Program, markets: int = 11) -> list[str]:
    """The cost of each table, and of each operation for accounts of 1, 3 and 8 positions in loops."""
    lines = [
        f"{'table':22}{'instr':>6}{'in':>5}{'out':>5}{'columns':>8}{'lookups':>8}{'frac':>5}{'perm':>5}{'cells':>7}"
    ]
    costs = row_costs(program)
    for row, cost in sorted(costs.items()):
        table = program.tables[row.table]
        taken = elements(entry.types[0] for entry in table.inputs)
        name = f"{row.table} step" if row.loop else row.table
        lines.append(
            f"{name:22}{len(table.instructions):6}{taken:5}{elements(table.result_types):5}{cost.columns:8}"
            f"{cost.lookups:8}{cost.fractions:5}{cost.permutations:5}{cost.cells:7.0f}"
        )
    lines.append(f"total columns {sum(cost.columns for cost in costs.values())}")
    lines.append(f"{'operation':22}{'rows(2)':>8}{'k=0':>8}{'k=2':>8}{'k=7':>8}{'k=2 all':>9}")
    every = {one.name for table in program.tables.values() for one in table.instructions if one.code == "call_if"}
    for table in program.of_role("operation"):
        rows = sum(rows_of(program, table.name, 2, markets, ()).values())
        cells = [operation_cells(program, costs, table.name, held, markets) for held in (0, 2, 7)]
        cells.append(operation_cells(program, costs, table.name, 2, markets, every))
        lines.append(f"{table.name:22}{rows:8}" + "".join(f"{one:8.0f}" for one in cells))
    return lines
