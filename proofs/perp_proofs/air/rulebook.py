"""The tables of the rules as data: what they are, what fills them, and what their messages promise."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from perp_proofs.air.interfaces import (
    Contract,
    Leaf,
    LoopKind,
    Spans,
)
from perp_proofs.air.sheet import Sheet
from perp_proofs.air.system import Table as AirTable
from perp_proofs.program.listing import (
    Instruction,
    Program,
    Table,
)

TIMES_MAX = (1 << 30) - 1
"""Points of time of a batch: operations times the stride."""


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


@dataclass(eq=False)
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


def store_key(program: Program, instruction: Instruction) -> Any:
    """What a store stores: the record and the operands of its key."""
    if instruction.code != "store":
        return None
    return instruction.name, instruction.operands[: program.records[instruction.name].keys]
