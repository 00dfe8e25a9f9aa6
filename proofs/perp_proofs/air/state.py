"""The side of the state: all tables that no rule is written in."""

from dataclasses import replace

from perp_hash.poseidon import Suite
from perp_proofs.air.buses import COUNT_MAX, FIXED_ARITIES, LINK
from perp_proofs.air.chains import chain_tables
from perp_proofs.air.interfaces import RECEIVER, Contract, contract
from perp_proofs.air.layout import GLOBAL_RECORDS, MARKET_RECORDS
from perp_proofs.air.leaves import leaf_tables
from perp_proofs.air.nodes import node_table
from perp_proofs.air.permutation import permutation_table
from perp_proofs.air.ranges import range_tables
from perp_proofs.air.system import Heights, MalformedSystem, Table
from perp_proofs.air.words import Interval
from perp_proofs.program.listing import Program

TWINS = {"nodes": "nodes_rest", "permutation": "permutation_rest"}
"""Tables that are there twice: of many rows, those that a power of two leaves over need not double the height."""


RECORD_KEYS = {
    "Parameters": 0,
    "Market": 1,
    "Account": 1,
    "Position": 2,
    "OrderSlot": 2,
    "Request": 1,
    **dict.fromkeys(MARKET_RECORDS, 1),
    **dict.fromkeys(GLOBAL_RECORDS, 0),
}
"""The records that trees and configuration are made of, and how many parts the key of each has."""


def check_records(program: Program) -> None:
    """Raise MalformedSystem unless a program has just the records that trees and configuration are made of."""
    found = {record.name: record.keys for record in program.records.values()}
    kinds = {record.name for record in program.records.values() if record.kind == "config"}
    if found != RECORD_KEYS or kinds != {"Parameters", "Market"}:
        raise MalformedSystem(f"the records are {found}, of the configuration {sorted(kinds)}")


def state_contracts() -> dict[int, Contract]:
    """What tables of the state promise each other: the number that an operation's row has checked."""
    others: list[tuple[Interval | None, int]] = [(None, RECEIVER)] * (FIXED_ARITIES[LINK] - 1)
    return {LINK: contract([((0, COUNT_MAX), RECEIVER), *others])}


def twin(table: Table) -> Table:
    """The same table once more, which may be absent. Its rows are as good as those of the first."""
    return replace(table, name=TWINS[table.name], heights=Heights(1, table.heights.greatest, optional=True))


def state_tables(program: Program, suite: Suite) -> list[Table]:
    """The tables of leaves, nodes and chains, and those that all others look up."""
    nodes, permutations = node_table(), permutation_table(suite)
    return [
        *leaf_tables(program, suite),
        *(nodes, twin(nodes)),
        *chain_tables(program),
        *(permutations, twin(permutations)),
        *range_tables(),
    ]
