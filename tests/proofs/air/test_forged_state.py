"""Forged traces of the state that are right but for one constraint: without it each would prove what is not so."""

from collections.abc import Sequence

import attrs
import numpy as np

from perp_hash.digest import Digest, compress, step, unpack_digest
from perp_hash.field import MODULUS
from perp_hash.tags import Tag
from perp_proofs.air.buses import BLOCK, CHAIN, CONFIG, STATE, memory_tags
from perp_proofs.air.system import PublicFraction, Table
from perp_proofs.program.listing import Program
from perp_proofs.stark.fill.chains import fill_chains
from perp_proofs.stark.fill.state import Nodes, StateFill, state_roots
from perp_reference.core.batch import Batch
from perp_reference.core.state import State
from perp_reference.kernels.tree import commitment
from perp_spec.perpetual.layout import ACCOUNTS
from perp_spec.perpetual.records import Account, Kind
from support.state_side import Filled, fill_batch, run_batch, said_blocks

WHEN = ("old", "new")
CHAINS = ("blocks", "operations", "parameters", "config_markets", "config_texts")


def lanes(forged: Filled, table: str, name: str, row: int) -> Digest:
    return tuple(int(forged.column(table, f"{name}.{at}")[row]) for at in range(8))


def put(forged: Filled, table: str, name: str, row: int, digest: Sequence[int]) -> None:
    for at, lane in enumerate(digest):
        forged.column(table, f"{name}.{at}")[row] = lane


# Positions


def with_row_beyond(second_act: Filled) -> tuple[Filled, int, int, int]:
    """The batch with the row of a free slot behind the one position of an account, touched by nobody.

    Rows: of the account, of its position, and of the free slot.
    """
    forged = second_act.copy()
    counts = [forged.column("positions", f"held.{when}") for when in WHEN]
    numbers, touched = forged.column("accounts", "positions"), forged.column("accounts", "account")
    held = [forged.column("accounts", f"account.{when}.slots") for when in WHEN]
    account = int(
        np.flatnonzero((numbers == 1) & (held[0] == 1) & (held[1] == 1) & (forged.trace["accounts"][0] == 1))[0]
    )
    own = (forged.column("positions", "account") == touched[account]) & (counts[0] == 1) & (counts[1] == 1)
    position = int(np.flatnonzero(own)[0])
    trace = forged.trace["positions"]
    free = int(trace[0].sum())
    if free == trace.shape[1]:
        forged.trace["positions"] = np.hstack((trace, np.zeros_like(trace)))
    cells = {"active": 1, "account": int(touched[account]), "slot": 1}
    for when in WHEN:
        cells |= {f"held_before.{when}": 1, f"count.{when}": 1}
        for name in ("digest", "next"):
            put(forged, "positions", f"{name}.{when}", free, lanes(forged, "positions", f"next.{when}", position))
        forged.column("accounts", f"last_held.{when}")[account] = 0
    for name, value in cells.items():
        forged.column("positions", name)[free] = value
    numbers[account] = 2
    return forged, account, position, free


def test_a_free_slot_may_have_a_row(second_act: Filled) -> None:
    """Else nothing below would show anything."""
    forged, *_ = with_row_beyond(second_act)
    forged.rehash()
    assert forged.faults() == []


def test_a_position_beyond_the_count_is_caught(second_act: Filled) -> None:
    """Given a free slot that holds something, then a rule would find a position that is in no leaf."""
    forged, _, _, free = with_row_beyond(second_act)
    for when in WHEN:
        forged.column("positions", f"position.{when}.market")[free] = 1
    forged.rehash()
    assert forged.faults() == [f"positions: no market.0 {when} beyond the count" for when in WHEN]


def test_a_free_slot_before_a_position_is_caught(second_act: Filled) -> None:
    """Given the position of an account shown in its second slot, the first one free, under the leaf that it has.

    Then rules that look at as many slots as the account has would find none.
    """
    forged, account, position, free = with_row_beyond(second_act)
    slots = forged.column("positions", "slot")
    slots[position], slots[free] = 1, 0
    for when in WHEN:
        first = lanes(forged, "positions", f"digest.{when}", position)
        for name in ("digest", "next"):
            put(forged, "positions", f"{name}.{when}", free, first)
        forged.column("positions", f"count.{when}")[free] = 0
        forged.column("positions", f"held_before.{when}")[position] = 0
        forged.column("accounts", f"last_held.{when}")[account] = 1
    number, tag = int(forged.column("accounts", "account")[account]), memory_tags(forged.program)["Position"]
    forged.said = [
        PublicFraction(tag, one.numerator, (number, 1, *one.entries[2:]))
        if one.tag == tag and one.entries[:2] == (number, 0)
        else one
        for one in forged.said
    ]
    forged.rehash()
    assert forged.faults() == [f"positions: {when} slots are the first ones" for when in WHEN]


# Absent leaves


class Hidden(StateFill):
    """Fills the leaf of account 2 before the batch with a digest, whatever its records are."""

    digest: Digest

    def fill_accounts(self, roots: Nodes | None) -> Nodes | None:
        nodes = super().fill_accounts(roots)
        assert nodes is not None
        row = int(np.flatnonzero(nodes.indices == 2)[0])
        nodes.old[row] = self.digest
        self.columns["accounts"].digest("leaf.old", nodes.old)
        return nodes


def test_an_account_shown_as_absent_under_its_leaf_is_caught(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]]
) -> None:
    """Given an account of somebody, all zeros in the trace, its leaf as it is, then anybody could open it again."""
    state, batch = acts[0]
    forged = fill_batch(program, tables, state, batch)
    full = state.copy()
    full.put(Account, 2, Account(kind=Kind.CROSS, owner=5))
    full.commit()
    commits = commitment(full)
    filled = Hidden(program, state, commits, run_batch(program, state.copy(), batch).left)
    leaf = commits.forest(ACCOUNTS).digests(0, [2])
    filled.digest = tuple(np.frombuffer(leaf, np.dtype("<u4")).tolist())
    assert any(filled.digest)
    filled.fill()
    by_name = {table.name: table for table in tables}
    forged.trace = {name: own for name, own in forged.trace.items() if name in CHAINS}
    forged.trace |= {name: columns.trace(by_name[name]) for name, columns in filled.columns.items()}
    old, new = state_roots(tables, forged.trace)
    assert old == unpack_digest(commits.root)
    assert new == forged.statement.new_root
    forged.restate(STATE, (*old, *new))
    forged.rehash()
    assert forged.faults() == [f"accounts: leaf.old.{at} is 0 where absent" for at in range(8)]


# Operations


def relinked(forged: Filled) -> None:
    """Make the chain from the digests of the operations, and have the statement take it."""
    link: Digest = (0,) * 8
    count = int(forged.trace["operations"][0].sum())
    for row in range(count):
        put(forged, "operations", "before", row, link)
        link = compress(Tag.OPERATION_CHAIN, link, lanes(forged, "operations", "digest", row))
        put(forged, "operations", "after", row, link)
    forged.restate(CHAIN, (count, 1, *link))


def test_blocks_in_another_order_are_caught(second_act: Filled) -> None:
    """Given the second and third block of an operation exchanged, the digest made from them, then another one ran."""
    forged = second_act.copy()
    blocks = {name: forged.column("blocks", name) for name in ("operation", "block", "next", "active")}
    number = int(blocks["operation"][(blocks["block"] == 2) & (blocks["active"] == 1)][0])
    own = np.flatnonzero((blocks["operation"] == number) & (blocks["active"] == 1))
    rows = own[np.argsort(blocks["block"][own])].tolist()
    rows[1], rows[2] = rows[2], rows[1]
    digest = lanes(forged, "blocks", "before", rows[0])
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        put(forged, "blocks", "before", row, digest)
        digest = step(digest, lanes(forged, "blocks", "element", row))
        put(forged, "blocks", "after", row, digest)
        blocks["next"][row] = MODULUS - 1 if following is None else blocks["block"][following]
    put(forged, "operations", "digest", number - 1, digest)
    relinked(forged)
    forged.rehash()
    assert forged.faults() == ["blocks: next"]


def test_an_operation_that_is_called_by_another_kind_is_caught(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]], second_act: Filled
) -> None:
    """Given the end of a batch called another operation, and the last one called the end, then the batch goes on."""
    state, batch = acts[1]
    given = [batch.operations[-1], *batch.operations[:-1]]
    forged = second_act.copy()
    forged.rechain(state.config, given)
    forged.said = [one for one in forged.said if one.tag != BLOCK] + said_blocks(given)
    kinds = forged.column("operations", "kind")
    last = len(given) - 1
    for row, kind, ends in ((0, int(kinds[last]), 0), (last, int(kinds[0]), 1)):
        forged.column("operations", "kind")[row] = kind
        forged.column("operations", "ends")[row] = ends
        distance = kind - program.tables["end_batch"].number
        forged.column("operations", "kind.inverse")[row] = pow(distance, -1, MODULUS) if distance else 0
        forged.column("blocks", "kind")[forged.column("blocks", "operation") == row + 1] = kind
    forged.rehash()
    assert forged.faults() == ["blocks: the first element is the kind"]


# Configuration


def test_another_number_of_markets_than_the_parameters_say_is_caught(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]], second_act: Filled
) -> None:
    """Given a configuration with a market more than its parameters say, then it is none, whoever states its digest."""
    state, batch = acts[1]
    forged = second_act.copy()
    config = attrs.evolve(state.config, markets=(*state.config.markets, state.config.markets[-1]))
    chains, _, digest = fill_chains(program, tables, config, batch.operations)
    forged.trace |= {name: chains[name] for name in ("parameters", "config_markets", "config_texts")}
    forged.restate(CONFIG, digest)
    forged.rehash()
    assert forged.faults() == ["parameters: as many markets as the parameters say"]
