"""Pruning: what no result, store or guard depends on leaves the program, over all tables at once.

A table keeps the inputs it uses, and the results that some caller uses, so that a call moves no more than needed.
"""

from dataclasses import replace

from perp_proofs.program.listing import (
    LOOPS,
    Instruction,
    Loop,
    Program,
    Table,
    callees,
    loop_instruction,
    loop_of,
)

EFFECTS = frozenset({"require", "require_done", "store"})
CALLS = frozenset({"call", "call_if"})


class Liveness:
    """Which values of each table are used, to the end that all tables agree.

    Attributes:
        values: For each table the live ones.
        results: For each table which of its results some caller uses.
        effects: Tables that guard or store, themselves or in a call.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.values: dict[str, set[int]] = {name: set() for name in program.tables}
        self.results: dict[str, set[int]] = {name: set() for name in program.tables}
        self.effects: set[str] = set()
        self.reached = {table.name for table in program.tables.values() if table.role != "rule"}
        for table in program.tables.values():
            codes = {instruction.code for instruction in table.instructions}
            if codes & EFFECTS or any(name in self.effects for name in callees(table)) or codes & {"sweep", "fold"}:
                self.effects.add(table.name)
        while self.grow():
            pass

    def size(self) -> int:
        """How much is live."""
        marked = (*self.values.values(), *self.results.values(), self.reached)
        return sum(len(one) for one in marked)

    def grow(self) -> bool:
        """Mark what follows from what is marked; tells whether that was anything."""
        before = self.size()
        for table in reversed(list(self.program.tables.values())):
            if table.name in self.reached:
                self.mark(table)
        return self.size() > before

    def mark(self, table: Table) -> None:
        """Mark the values of a table, the last first. What is said to an operation stays."""
        live = self.values[table.name]
        if table.role != "rule":
            live |= set(range(len(table.inputs)))
        live |= {table.results[at] for at in self.results[table.name]}
        for number, instruction in reversed(list(table.numbered())):
            used = {at for at in range(len(instruction.types)) if number + at in live}
            if used or self.acts(instruction):
                live |= self.operands(instruction, used)

    def acts(self, instruction: Instruction) -> bool:
        """The instruction does something beside making values."""
        if instruction.code in ("sweep", "fold"):
            return True
        return instruction.code in EFFECTS or (instruction.code in CALLS and instruction.name in self.effects)

    def operands(self, instruction: Instruction, used: set[int]) -> set[int]:
        """The operands an instruction needs for some of its results."""
        if instruction.code in LOOPS:
            return self.loop_operands(instruction)
        if instruction.code not in CALLS:
            return set(instruction.operands)
        callee = self.program.tables[instruction.name]
        self.reached.add(callee.name)
        self.results[callee.name] |= used
        conditional = instruction.code == "call_if"
        count = len(callee.inputs)
        arguments = instruction.operands[conditional:][:count]
        otherwise = instruction.operands[1 + count :] if conditional else ()
        needed = {value for at, value in enumerate(arguments) if at in self.values[callee.name]}
        if conditional:
            needed |= {instruction.operands[0], *(otherwise[at] for at in self.results[callee.name])}
        return needed

    def loop_operands(self, instruction: Instruction) -> set[int]:
        """The operands of a loop. A carry and all sums stay, stored leaves that do not change do not."""
        loop = loop_of(instruction)
        callee = self.program.tables[loop.callee]
        self.reached.add(callee.name)
        sums = range(len(loop.stored), len(callee.results))
        self.results[callee.name] |= {*changed(loop, callee), *sums}
        self.values[callee.name] |= set(range(loop.carried))
        carry_end = loop.fixed + loop.carried
        start = loop.carried + len(loop.items)
        needed = {
            value for at, value in enumerate(instruction.operands[carry_end:], start) if at in self.values[callee.name]
        }
        return {*instruction.operands[:carry_end], *needed}


def changed(loop: Loop, callee: Table) -> list[int]:
    """Which of the stored leaves a loop's callee returns are not what it took."""
    return [
        at
        for at, leaf in enumerate(loop.stored)
        if leaf not in loop.items or callee.results[at] != loop.carried + loop.items.index(leaf)
    ]


def prune(program: Program) -> Program:
    """The program without what nothing depends on."""
    live = Liveness(program)
    tables = {
        table.name: pruned_table(table, program, live)
        for table in program.tables.values()
        if table.name in live.reached
    }
    return replace(program, tables=tables)


def pruned_table(table: Table, program: Program, live: Liveness) -> Table:
    """A table with its live instructions, renumbered."""
    values = live.values[table.name]
    renamed: dict[int, int] = {}
    kept: list[Instruction] = []
    count = 0
    for number, instruction in table.numbered():
        used = [at for at in range(len(instruction.types)) if number + at in values]
        if not used and not live.acts(instruction):
            continue
        made, places = pruned_instruction(instruction, used, renamed, program, live)
        for at, place in enumerate(places):
            renamed[number + place] = count + at
        kept.append(made)
        count += len(made.types)
    results = [renamed[value] for at, value in enumerate(table.results) if at in live.results[table.name]]
    labels = {renamed[value]: label for value, label in table.labels.items() if value in renamed}
    return replace(table, instructions=tuple(kept), results=tuple(results), labels=labels)


def pruned_instruction(
    instruction: Instruction, used: list[int], renamed: dict[int, int], program: Program, live: Liveness
) -> tuple[Instruction, list[int]]:
    """An instruction with its live parts, and which of its results are left."""
    places = list(range(len(instruction.types)))
    operands = list(instruction.operands)
    numbers = instruction.numbers
    if instruction.code == "config":
        places = used
        numbers = tuple(numbers[at] for at in used)
    elif instruction.code in CALLS:
        callee = program.tables[instruction.name]
        places = sorted(live.results[callee.name])
        operands = call_operands(instruction, callee, places, live)
    elif instruction.code in LOOPS:
        return pruned_loop(instruction, renamed, program, live)
    types = tuple(instruction.types[at] for at in places)
    return replace(
        instruction, types=types, operands=tuple(renamed[operand] for operand in operands), numbers=numbers
    ), places


def call_operands(instruction: Instruction, callee: Table, places: list[int], live: Liveness) -> list[int]:
    """The live operands of a call."""
    conditional = instruction.code == "call_if"
    count = len(callee.inputs)
    arguments = instruction.operands[conditional:][:count]
    otherwise = instruction.operands[1 + count :]
    kept = [value for at, value in enumerate(arguments) if at in live.values[callee.name]]
    return [*instruction.operands[:conditional], *kept, *([otherwise[at] for at in places] if conditional else [])]


def pruned_loop(
    instruction: Instruction, renamed: dict[int, int], program: Program, live: Liveness
) -> tuple[Instruction, list[int]]:
    """A loop with the live items, stored leaves and arguments of its callee."""
    loop = loop_of(instruction)
    callee = program.tables[loop.callee]
    values = live.values[callee.name]
    stays = set(changed(loop, callee))
    items = tuple(leaf for at, leaf in enumerate(loop.items, loop.carried) if at in values)
    stored = tuple(leaf for at, leaf in enumerate(loop.stored) if at in stays)
    places = [at - len(loop.stored) for at in sorted(live.results[callee.name]) if at >= len(loop.stored)]
    end = loop.fixed + loop.carried
    start = loop.carried + len(loop.items)
    extra = [value for at, value in enumerate(instruction.operands[end:], start) if at in values]
    operands = tuple(renamed[value] for value in (*instruction.operands[:end], *extra))
    types = tuple(instruction.types[at] for at in places)
    made = replace(loop, items=items, stored=stored)
    return loop_instruction(instruction.code, made, types, operands), places
