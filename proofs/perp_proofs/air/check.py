"""The checkers: they find what is wrong with a trace by name, on plain integers, without a proof.

The row checker evaluates every constraint in every row. The bus checker adds up all messages and names those that do
not come to 0, with the rows that sent them. What they accept is what the prover can prove.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from perp_hash.field import MODULUS, to_signed
from perp_proofs.air.system import PublicFraction, Table
from perp_proofs.air.tape import COLUMN, CONSTANT, ROW, evaluate

Rows = Sequence[Sequence[int]]
"""The rows of a table, each the canonical elements of its columns."""

PUBLIC = "statement"


class RowFault(NamedTuple):
    """A constraint that is not 0 in a row.

    Attributes:
        values: Of the columns that the constraint is of, as integers nearest to 0.
    """

    table: str
    row: int
    constraint: str
    value: int
    values: dict[str, int]

    def __str__(self) -> str:
        shown = ", ".join(f"{name} = {value}" for name, value in self.values.items())
        return f"{self.table}, row {self.row}: {self.constraint} is {self.value}, not 0, with {shown}"


class BusFault(NamedTuple):
    """A message that does not come to 0.

    Attributes:
        rows: Where it comes from: table, row, and numerator.
    """

    tag: int
    entries: tuple[int, ...]
    total: int
    rows: tuple[tuple[str, int, int], ...]

    def __str__(self) -> str:
        places = ", ".join(f"{table} row {row} ({numerator:+d})" for table, row, numerator in self.rows[:4])
        return f"tag {self.tag}: {self.entries} comes to {self.total}: {places}"


class FormFault(NamedTuple):
    """A table whose rows have no form: wrong widths, heights, or elements that are not canonical."""

    table: str
    complaint: str

    def __str__(self) -> str:
        return f"{self.table}: {self.complaint}"


Fault = RowFault | BusFault | FormFault


def form_faults(table: Table, rows: Rows) -> list[Fault]:
    """What is wrong with the form of a table's rows."""
    height = len(rows)
    if height == 0:
        return [] if table.heights.optional else [FormFault(table.name, "it must not be absent")]
    if height & (height - 1) or not table.heights.least <= height <= table.heights.greatest:
        return [FormFault(table.name, f"a height of {height}")]
    for at, row in enumerate(rows):
        if len(row) != len(table.columns):
            return [FormFault(table.name, f"row {at} has {len(row)} columns, not {len(table.columns)}")]
        if any(type(value) is not int or not 0 <= value < MODULUS for value in row):
            return [FormFault(table.name, f"row {at} has an element that is not canonical")]
    return []


def columns_under(table: Table, node: int) -> list[int]:
    """The columns that a node is made of, in order."""
    found: set[int] = set()
    seen: set[int] = set()
    stack = [node]
    while stack:
        number = stack.pop()
        if number in seen:
            continue
        seen.add(number)
        code, left, right = table.tape.nodes[number]
        if code == COLUMN:
            found.add(left)
        elif code not in (CONSTANT, ROW):
            stack += [left, right]
    return sorted(found)


def row_faults(table: Table, number: int, values: Sequence[int]) -> list[Fault]:
    """The constraints that are not 0 in a row, from the values of all nodes."""
    faults: list[Fault] = []
    for constraint in table.constraints:
        value = values[constraint.node]
        if value:
            columns = columns_under(table, constraint.node)
            nodes = [table.tape.column(at).number for at in columns]
            shown = {table.columns[at].name: to_signed(values[node]) for at, node in zip(columns, nodes, strict=True)}
            faults.append(RowFault(table.name, number, constraint.name, to_signed(value), shown))
    return faults


@dataclass
class Buses:
    """All messages, added up.

    Attributes:
        totals: By tag and entries.
        sources: Where each comes from; kept for few rows.
    """

    totals: dict[tuple[int, ...], int] = field(default_factory=dict[tuple[int, ...], int])
    sources: dict[tuple[int, ...], list[tuple[str, int, int]]] = field(
        default_factory=dict[tuple[int, ...], list[tuple[str, int, int]]]
    )

    def add(self, place: tuple[str, int], numerator: int, tag: int, entries: Iterable[int]) -> None:
        """Add a message."""
        if not numerator:
            return
        message = (tag, *entries)
        self.totals[message] = (self.totals.get(message, 0) + numerator) % MODULUS
        self.sources.setdefault(message, []).append((*place, to_signed(numerator)))

    def faults(self, given: Mapping[int, Callable[[tuple[int, ...]], bool]]) -> list[Fault]:
        """Messages that do not come to 0. Of a tag that is given from outside it is asked whether that may have it."""
        found: list[Fault] = []
        for message, total in self.totals.items():
            tag, *entries = message
            judge = given.get(tag)
            fine = total == 0 if judge is None else judge(tuple(entries))
            if not fine:
                found.append(BusFault(tag, tuple(entries), to_signed(total), tuple(self.sources[message])))
        return found


def check_trace(
    tables: Iterable[Table],
    trace: Mapping[str, Rows],
    public: Iterable[PublicFraction] = (),
    given: Mapping[int, Callable[[tuple[int, ...]], bool]] | None = None,
) -> list[Fault]:
    """All that is wrong with a trace.

    Args:
        tables: Those whose rows are checked.
        trace: Rows of each table by name; an absent table has none.
        public: What the statement adds.
        given: Tags that are not added up, and whether a message of the tag is right.
    """
    faults: list[Fault] = []
    buses = Buses()
    for table in tables:
        rows = trace.get(table.name, ())
        wrong = form_faults(table, rows)
        faults += wrong
        if wrong:
            continue
        for number, row in enumerate(rows):
            values = evaluate(table.tape, list(row), number)
            faults += row_faults(table, number, values)
            for fraction in table.fractions:
                entries = (values[node] for node in fraction.entries)
                buses.add((table.name, number), values[fraction.numerator], fraction.tag, entries)
    for fraction in public:
        entries = (entry % MODULUS for entry in fraction.entries)
        buses.add((PUBLIC, 0), fraction.numerator % MODULUS, fraction.tag, entries)
    return faults + buses.faults(given or {})
