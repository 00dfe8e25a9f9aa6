"""The side of the state: all tables that no rule is written in."""

from perp_hash.poseidon import Suite
from perp_proofs.air.chains import chain_tables
from perp_proofs.air.leaves import leaf_tables
from perp_proofs.air.nodes import node_table
from perp_proofs.air.permutation import permutation_table
from perp_proofs.air.ranges import range_tables
from perp_proofs.air.system import Table
from perp_proofs.program.listing import Program


def state_tables(program: Program, suite: Suite) -> list[Table]:
    """The tables of leaves, nodes and chains, and those that all others look up."""
    return [
        *leaf_tables(program, suite),
        node_table(),
        *chain_tables(program),
        permutation_table(suite),
        *range_tables(),
    ]
