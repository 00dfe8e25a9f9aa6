"""The side of the state: all tables that no rule is written in."""

from dataclasses import replace

from perp_hash.poseidon import Suite
from perp_hash.words import LIMBS
from perp_proofs.air.buses import COUNT_MAX, FIXED_ARITIES, LINK
from perp_proofs.air.chains import chain_tables
from perp_proofs.air.interfaces import RECEIVER, Contract, contract
from perp_proofs.air.leaves import leaf_tables
from perp_proofs.air.nodes import node_table
from perp_proofs.air.permutation import permutation_table
from perp_proofs.air.ranges import range_tables
from perp_proofs.air.records import LIMB_MAX, TOP_MAX
from perp_proofs.air.sheet import LOOKED_UP, Claim, Looked
from perp_proofs.air.system import Heights, Table
from perp_proofs.air.words import Interval
from perp_proofs.program.listing import Program

TWINS = {"nodes": "nodes_rest", "permutation": "permutation_rest"}
"""Tables that are there twice: of many rows, those that a power of two leaves over need not double the height."""


def state_contracts() -> dict[int, Contract]:
    """What tables of the state promise each other: the number that an operation's row has checked."""
    others: list[tuple[Interval | None, int]] = [(None, RECEIVER)] * (FIXED_ARITIES[LINK] - 1)
    return {LINK: contract([((0, COUNT_MAX), RECEIVER), *others])}


def state_claims(table: Table) -> list[Claim]:
    """What the gate is to look for in a table of the state: limbs that are looked up with the sign of their word."""
    found: list[Claim] = []
    nodes = {column.name: table.tape.column(at) for at, column in enumerate(table.columns)}
    places = {fraction.entries: at for at, fraction in enumerate(table.fractions) if fraction.tag in LOOKED_UP}
    for name, sign in nodes.items():
        word, dot, last = name.rpartition(".")
        if dot and last == "sign":
            for at in range(LIMBS):
                limb = nodes[f"{word}.{at}"]
                entry = limb + sign * (TOP_MAX if at == LIMBS - 1 else LIMB_MAX)
                found.append(Looked(limb.number, places[entry.number,]))
    return found


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
