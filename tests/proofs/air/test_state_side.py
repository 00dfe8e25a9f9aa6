"""The side of the state: honest batches pass, and each forgery is caught, by name."""

import re
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pytest

from perp_hash.digest import compress
from perp_hash.field import MODULUS
from perp_hash.poseidon import DEFAULT_SUITE
from perp_hash.tags import Tag
from perp_proofs.air.buses import (
    BLOCK,
    CHAIN,
    CONFIG,
    CONFIG_CHAIN,
    HASH,
    LINK,
    NODE,
    POSITIONS,
    STATE,
    arities,
    memory_tags,
)
from perp_proofs.air.state import state_tables
from perp_proofs.air.system import System, Table, check_system
from perp_proofs.program.listing import Program
from perp_proofs.stark.fill.chains import fill_chains
from perp_proofs.stark.fill.lookups import fill_lookups
from perp_proofs.stark.fill.state import Left, fill_state
from perp_reference.core.batch import Batch
from perp_reference.core.state import State
from perp_reference.kernels.tree import commitment
from perp_spec.perpetual.records import Account, Kind, Position
from support.state_side import (
    STATE_TABLES,
    Filled,
    count_config,
    fill_batch,
    honest,
    random_batch,
    row_faults,
    run_batch,
    said_blocks,
)

ACTS = 6
SIDES = ("left", "right")


def bus(*tags: int) -> list[str]:
    return [f"bus {tag}" for tag in sorted(tags)]


def test_the_tables_are_a_system(program: Program, tables: list[Table]) -> None:
    check_system(System("state", bytes(32), tuple(tables), arities(program)))
    assert [table.name for table in tables] == [table.name for table in state_tables(program, DEFAULT_SUITE)]


def test_padding_is_right_in_every_table(tables: list[Table]) -> None:
    for table in tables:
        zeros = [0] * len(table.columns)
        assert row_faults(table, honest(table, zeros, 0), zeros, 0) == [], table.name


@pytest.mark.parametrize("act", range(ACTS))
def test_the_batches_of_the_demo_pass(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]], act: int
) -> None:
    assert fill_batch(program, tables, *acts[act]).faults() == []


@pytest.mark.parametrize("seed", range(3))
def test_random_batches_pass(program: Program, tables: list[Table], seed: int) -> None:
    """Given a state after a walk and operations of any kind, then roots are the reference's and nothing is amiss."""
    state, batch = random_batch(seed)
    filled = fill_batch(program, tables, state, batch)
    assert filled.faults() == []
    assert len(batch.operations) > 1


def test_read_only_leaves_are_hashed_once(second_act: Filled) -> None:
    """Given that digests of what did not change are asked for twice, then they are rows looked up twice."""
    trace = second_act.trace["permutation"]
    asked = int(trace[1].astype(np.int64).sum())
    used = int(trace[0].sum())
    states = {tuple(row) for row in trace[2:18, :used].T.tolist()}
    assert used == len(states) < asked


# Forgeries


def refilled(filled: Filled, state: State, forged: State, batch: Batch, left: Any = None) -> Filled:
    """The batch filled from a forged state, on the trees and with the statement of the true one."""
    memory = run_batch(filled.program, state.copy(), batch).left if left is None else left
    found = filled.copy()
    found.trace = {name: own for name, own in found.trace.items() if name in CHAINS}
    found.trace |= fill_state(filled.program, filled.tables, forged, commitment(state), memory)
    fill_lookups(found.program, found.tables, found.trace)
    count_config(found)
    return found


CHAINS = ("blocks", "operations", "parameters", "config_markets", "config_texts")


def row_where(filled: Filled, table: str, **values: int) -> int:
    """The row whose columns have these values."""
    found = np.ones(filled.trace[table].shape[1], bool)
    for name, value in {"active": 1, **values}.items():
        found &= filled.column(table, name) == value
    (row,) = np.flatnonzero(found)
    return int(row)


def appended(filled: Filled, table: str, rows: list[int]) -> None:
    """Put copies of rows behind the rows of a table."""
    trace = filled.trace[table]
    used = int(trace[0].sum())
    height = 1 << (used + len(rows) - 1).bit_length()
    if height > trace.shape[1]:
        trace = np.hstack((trace, np.zeros((len(trace), height - trace.shape[1]), np.uint32)))
    for at, row in enumerate(rows):
        trace[:, used + at] = trace[:, row]
    filled.trace[table] = trace


@pytest.mark.parametrize("table", ["accounts", "positions", "orders", "markets"])
def test_a_second_copy_of_a_leaf_is_caught(second_act: Filled, table: str) -> None:
    forged = second_act.copy()
    appended(forged, table, [0])
    forged.rehash()
    own = {"accounts": ["Account"], "positions": ["Position"], "orders": ["OrderSlot"]}
    changed = {"markets": ["MarketPrice", "MarketOracle", "MarketBook"]}
    # What a copy sends to memory comes back from it only where nobody accessed the record, so memory may be even.
    memory = {memory_tags(second_act.program)[name] for name in (own | changed)[table]}
    caught = {int(name.removeprefix("bus ")) for name in forged.faults()}
    up = {POSITIONS} if table == "positions" else {NODE}
    assert up <= caught <= up | memory


def test_a_second_copy_of_a_leaf_with_its_whole_way_up_is_caught(second_act: Filled) -> None:
    """Given a second way from the leaf to the root, each row of it right, then the root is sent twice."""
    forged = second_act.copy()
    account = int(forged.column("accounts", "account")[0])
    place, tree, index = (forged.column("nodes", name) for name in ("place", "tree", "index"))
    way = [
        int(np.flatnonzero((place == 64 + level) & (tree == 0) & (index == account >> level))[0])
        for level in range(1, 21)
    ]
    appended(forged, "nodes", way)
    forged.rehash()
    assert bus(NODE)[0] in forged.faults()


@pytest.mark.parametrize("table", ["accounts", "positions", "orders", "markets", "nodes", "global"])
def test_a_leaf_or_node_left_out_is_caught(second_act: Filled, table: str) -> None:
    forged = second_act.copy()
    last = int(forged.trace[table][0].sum()) - 1
    forged.trace[table][:, last] = 0
    forged.rehash()
    up = {"positions": POSITIONS, "global": STATE}.get(table, NODE)
    assert f"bus {up}" in forged.faults()


def stale(state: State) -> State:
    """The state with another collateral of account 2."""
    forged = state.copy()
    account = forged.get(Account, 2)
    forged.put(Account, 2, attrs.evolve(account, collateral=account.collateral + 1))
    forged.commit()
    return forged


def test_a_stale_old_value_is_caught_at_the_root(second_act: Filled, acts: list[tuple[State, Batch]]) -> None:
    """Given an old value that is not the state's, all digests computed from it, then the old root is another."""
    state, batch = acts[1]
    forged = stale(state)
    memory = run_batch(second_act.program, forged.copy(), batch)
    found = refilled(second_act, state, forged, batch, memory.left)
    rules = {one.tag for one in memory.said}
    found.said = [one for one in found.said if one.tag not in rules] + memory.said
    found.rehash()
    assert found.faults() == bus(STATE)


def test_a_stale_old_value_under_the_true_digest_is_caught(second_act: Filled) -> None:
    forged = second_act.copy()
    row = row_where(forged, "accounts", account=2)
    column = forged.column("accounts", "account.old.collateral.0")
    column[row] = (int(column[row]) + 1) % MODULUS
    own = next(table for table in forged.tables if table.name == "accounts")
    right, wrong = (trace.trace["accounts"][:, row].tolist() for trace in (second_act, forged))
    memory = memory_tags(second_act.program)["Account"]
    assert set(row_faults(own, honest(own, right, row), wrong, row)) >= {"hash", f"bus {memory}"}


def positions_case(acts: list[tuple[State, Batch]]) -> tuple[int, State, Batch, int]:
    """A batch before which some account has two positions at least: its number, state, itself and the account."""
    for number, (state, batch) in enumerate(acts):
        for account, record in state.tables[Account].items():
            if record.slots >= 2:
                return number, state, batch, account
    raise AssertionError("no account of the demo has two slots")


def test_a_leaf_of_two_positions_shown_as_one_is_caught(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]]
) -> None:
    """Given an account whose last position is hidden, then its old leaf, and with it the old root, is another."""
    number, state, batch, account = positions_case(acts)
    right = fill_batch(program, tables, *acts[number])
    forged = state.copy()
    record = forged.get(Account, account)
    forged.put(Account, account, attrs.evolve(record, slots=record.slots - 1))
    forged.put(Position, account * 16 + record.slots - 1, Position())
    forged.commit()
    memory = run_batch(program, state.copy(), batch).left
    touched = dict(memory)
    fields = [value for key, value in touched.items() if key == ("Account", (account,))]
    if not fields:
        touched["Account", (account,)] = Left(0, list(attrs.astuple(forged.get(Account, account))))
    found = refilled(right, state, forged, batch, touched)
    assert f"bus {STATE}" in found.faults()


def test_positions_that_end_before_the_count_are_caught(second_act: Filled) -> None:
    """Given the row of a held slot that says it is not held, then the count at the end is not the account's."""
    forged = second_act.copy()
    row = int(np.flatnonzero(forged.column("positions", "held.new") == 1)[-1])
    forged.column("positions", "held.new")[row] = 0
    own = next(table for table in forged.tables if table.name == "positions")
    right, wrong = (trace.trace["positions"][:, row].tolist() for trace in (second_act, forged))
    faults = row_faults(own, honest(own, right, row), wrong, row)
    assert f"bus {POSITIONS}" in faults
    assert any("unless touched" in name or "beyond the count" in name for name in faults)


def test_a_node_swapped_left_and_right_is_caught(second_act: Filled) -> None:
    """Given children in each other's place, the digest computed from them, then leaf and root do not fit."""
    forged = second_act.copy()
    for when in ("old", "new"):
        for at in range(8):
            left, right = (forged.column("nodes", f"{side}.{when}.{at}") for side in ("left", "right"))
            left[0], right[0] = right[0], left[0]
    touched = [forged.column("nodes", f"{side}.touched") for side in ("left", "right")]
    touched[0][0], touched[1][0] = touched[1][0], touched[0][0]
    for when in ("old", "new"):
        lanes = [int(forged.column("nodes", f"{side}.{when}.{at}")[0]) for side in SIDES for at in range(8)]
        for at, lane in enumerate(compress(Tag.NODE, lanes[:8], lanes[8:])):
            forged.column("nodes", f"{when}.{at}")[0] = lane
    forged.rehash()
    assert forged.faults() == bus(NODE)


def test_an_absent_leaf_shown_present_is_caught_at_the_root(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]]
) -> None:
    """Given an account that the batch opens shown as there before, then the old root is another."""
    state, batch = acts[0]
    right = fill_batch(program, tables, state, batch)
    forged = state.copy()
    forged.put(Account, 2, Account(kind=Kind.CROSS))
    forged.commit()
    found = refilled(right, state, forged, batch)
    assert f"bus {STATE}" in found.faults()


def test_an_absent_leaf_with_the_flag_of_a_present_one_is_caught(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]]
) -> None:
    right = fill_batch(program, tables, *acts[0])
    forged = right.copy()
    row = row_where(forged, "accounts", account=2)
    assert forged.column("accounts", "present.old")[row] == 0
    forged.column("accounts", "present.old")[row] = 1
    assert "accounts: present.old only where something is not 0" in forged.faults()


def test_a_present_leaf_shown_absent_is_caught(second_act: Filled) -> None:
    forged = second_act.copy()
    row = row_where(forged, "accounts", account=2)
    for name in ("present.new", "present.new.inverse"):
        forged.column("accounts", name)[row] = 0
    assert "accounts: present.new where something is not 0" in forged.faults()


def test_order_slots_of_an_absent_account_are_caught(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]]
) -> None:
    forged = fill_batch(program, tables, *acts[0])
    row = row_where(forged, "accounts", account=2)
    forged.column("accounts", "orders.old.3")[row] += 1
    assert "accounts: orders.old.3 of none where absent" in forged.faults()


def test_an_untouched_child_that_changes_is_caught(second_act: Filled) -> None:
    forged = second_act.copy()
    row = int(np.flatnonzero((forged.column("nodes", "right.touched") == 0) & (forged.trace["nodes"][0] == 1))[0])
    forged.column("nodes", "right.new.0")[row] += 1
    assert "nodes: right.0 as before unless touched" in forged.faults()


def test_an_owner_of_an_absent_account_is_caught(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]]
) -> None:
    """Given an account of zeros but for its owner, then its leaf would be none, and anybody could be the owner."""
    forged = fill_batch(program, tables, *acts[0])
    row = row_where(forged, "accounts", account=2)
    assert forged.column("accounts", "present.old")[row] == 0
    forged.column("accounts", "account.old.owner.5")[row] = 1
    assert "accounts: present.old: no owner.5 without it" in forged.faults()


@pytest.mark.parametrize(("table", "act"), [("markets", 0), ("requests", 3)])
def test_an_absent_leaf_with_a_digest_is_caught(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]], table: str, act: int
) -> None:
    """Given a record that is gone, and a leaf that is still what it was, then it would be back in the next batch."""
    forged = fill_batch(program, tables, *acts[act])
    when, row = next(
        (when, int(row))
        for when in ("old", "new")
        for row in np.flatnonzero((forged.column(table, f"present.{when}") == 0) & (forged.trace[table][0] == 1))
    )
    own = next(one for one in forged.tables if one.name == table)
    last = max(int(one.name.split(".")[2]) for one in own.columns if one.name.startswith(f"leaf.{when}."))
    forged.column(table, f"leaf.{when}.{last}.6")[row] = 1
    assert f"{table}: leaf.{when}.6 is 0 where absent" in forged.faults()


UNTOUCHED = [
    ("accounts", "orders.touched", "orders.new.7", "orders.7"),
    ("global", "requests.touched", "requests.new.0", "requests.0"),
    ("positions", "held.old", "next.old.3", "next.old.3"),
    ("config_markets", "configured", "before.4", "digest.4"),
]
"""Of tables with a part that a row may leave as it is: the flag, a column of the part, and the constraint's name."""


@pytest.mark.parametrize(("table", "flag", "column", "name"), UNTOUCHED)
def test_what_is_not_touched_does_not_change(
    program: Program,
    tables: list[Table],
    acts: list[tuple[State, Batch]],
    second_act: Filled,
    table: str,
    flag: str,
    column: str,
    name: str,
) -> None:
    """Given another root or digest where the flag is 0, then it is no new one that nobody made."""
    filled = (second_act, fill_batch(program, tables, *acts[0]))
    forged, row = next(
        (one.copy(), int(row))
        for one in filled
        for row in np.flatnonzero((one.column(table, flag) == 0) & (one.trace[table][0] == 1))
    )
    forged.column(table, column)[row] += 1
    assert f"{table}: {name} as before unless touched" in forged.faults()


def test_a_row_that_does_not_count_takes_no_child(second_act: Filled) -> None:
    """Given padding that takes a child in, then no digest of it would have to lead to a root."""
    forged = second_act.copy()
    nodes = forged.trace["nodes"]
    forged.trace["nodes"] = np.hstack((nodes, np.zeros_like(nodes)))
    forged.column("nodes", "left.touched")[nodes.shape[1]] = 1
    assert "nodes: left.touched only where active" in forged.faults()


# Operations


Change = Callable[[list[Any]], list[Any]]

CHANGES: dict[str, Change] = {
    "reordered": lambda operations: [operations[1], operations[0], *operations[2:]],
    "dropped": lambda operations: [*operations[:1], *operations[2:]],
    "repeated": lambda operations: [*operations[:2], *operations[1:]],
    "last dropped": lambda operations: operations[:-1],
    "first dropped": lambda operations: operations[1:],
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_list_of_operations_is_caught(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]], second_act: Filled, change: str
) -> None:
    """Given rules that ran other operations than the statement has, their chain filled from these, then it differs."""
    state, batch = acts[1]
    given = CHANGES[change](list(batch.operations))
    forged = second_act.copy()
    chains, _, _ = fill_chains(program, tables, state.config, given)
    forged.trace["blocks"], forged.trace["operations"] = chains["blocks"], chains["operations"]
    forged.said = [one for one in forged.said if one.tag != BLOCK] + said_blocks(given)
    forged.rehash()
    assert forged.faults() == bus(CHAIN)


@pytest.mark.parametrize("change", CHANGES)
def test_operations_that_no_rule_ran_are_caught(
    acts: list[tuple[State, Batch]], second_act: Filled, change: str
) -> None:
    """Given a chain of other operations than the rules ran, the statement with it, then blocks are without a row."""
    state, batch = acts[1]
    given = CHANGES[change](list(batch.operations))
    forged = second_act.copy()
    forged.rechain(state.config, given)
    forged.rehash()
    assert set(bus(BLOCK)) <= set(forged.faults()) <= set(bus(BLOCK, CHAIN))


def test_an_operation_after_the_end_of_the_batch_is_caught(acts: list[tuple[State, Batch]], second_act: Filled) -> None:
    """Given an end of the batch that is not the last operation, with a statement to suit, then the chain breaks."""
    state, batch = acts[1]
    given = [batch.operations[-1], *batch.operations[:-1]]
    forged = second_act.copy()
    forged.rechain(state.config, given)
    forged.said = [one for one in forged.said if one.tag != BLOCK] + said_blocks(given)
    forged.rehash()
    assert forged.faults() == bus(CHAIN)


def test_the_flag_of_the_end_cannot_be_moved(second_act: Filled) -> None:
    forged = second_act.copy()
    last = int(forged.trace["operations"][0].sum()) - 1
    forged.column("operations", "ends")[last] = 0
    assert "operations: ends where it is the kind" in forged.faults()
    forged.column("operations", "ends")[0] = 1
    assert "operations: ends only where it is the kind" in forged.faults()


def test_a_length_that_is_not_the_operation_s_is_caught(second_act: Filled) -> None:
    forged = second_act.copy()
    forged.column("blocks", "length")[0] += 1
    assert "blocks: before.1 of the first block" in forged.faults()


# Configuration


def test_another_configuration_is_caught(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]], second_act: Filled
) -> None:
    """Given another parameter, all digests computed from it, then the digest of the configuration is another."""
    state, batch = acts[1]
    parameters = attrs.evolve(state.config.parameters, penalty_ppm=state.config.parameters.penalty_ppm + 1)
    forged = second_act.copy()
    chains, _, _ = fill_chains(program, tables, attrs.evolve(state.config, parameters=parameters), batch.operations)
    forged.trace |= {name: chains[name] for name in ("parameters", "config_markets", "config_texts")}
    forged.rehash()
    assert f"bus {CONFIG}" in forged.faults()


def test_a_market_of_the_configuration_with_another_value_is_caught(second_act: Filled) -> None:
    forged = second_act.copy()
    forged.column("config_markets", "market.close_out_ppm")[0] -= 1
    forged.rehash()
    assert f"bus {HASH}" in forged.faults()


def test_a_configured_market_shown_as_none_is_caught(second_act: Filled) -> None:
    """Given the last market with zeros, the digest passing through, then the number of markets does not fit."""
    forged = second_act.copy()
    own = next(table for table in forged.tables if table.name == "config_markets")
    for column in own.columns:
        if column.name.startswith("market.") or column.name == "configured":
            forged.column("config_markets", column.name)[2] = 0
    faults = forged.faults()
    assert f"bus {CONFIG_CHAIN}" in faults


def test_a_value_of_a_market_that_is_not_configured_is_caught(second_act: Filled) -> None:
    forged = second_act.copy()
    forged.column("config_markets", "market.max_price.0")[40] = 1
    assert forged.faults()[0] == "config_markets: no max_price.0 unless configured"


# Every column


NOT_HASHED = re.compile(
    r"active|account|slot|leaf|market|place|tree|index|operation|block|number|length|kind|first|last|next|ends|texts"
    r"|positions|configured|(after_markets|config)\.\d|multiplicity.*|(held|held_before|last_held|present|count)\.(old|new)"
    r"|(?!market\.).*\.(last|touched|inverse)|.*\.(sign|above|below|borrow(ed)?\d)"
)
"""Columns that may be in no digest of their row: places, counts, flags, and what other columns are checked with."""


@pytest.mark.parametrize("name", STATE_TABLES)
def test_every_wrong_cell_of_a_row_is_told(
    program: Program, tables: list[Table], acts: list[tuple[State, Batch]], name: str
) -> None:
    """Given one cell more by 1, then some row says so, whatever else is filled to suit it; but 0 has either sign.

    What is in a digest is told by a step of the hash suite: each of them is looked up.
    """
    filled = fill_batch(program, tables, *acts[3 if name == "requests" else 1])
    table = next(one for one in tables if one.name == name)
    trace = filled.trace[name]
    rows = [(row, trace[:, row].tolist()) for row in np.flatnonzero(trace[0] == 1).tolist()]
    said = [(row, values, honest(table, values, row)) for row, values in rows[:20]]
    watched = {
        column.name: told(table, said, at)
        for at, column in enumerate(table.columns)
        if not column.name.startswith("multiplicity")
    }
    unnoticed = [column for column, tells in watched.items() if not tells]
    zeros = [
        value
        for value in (column.removesuffix(".sign") for column in unnoticed)
        if not any(filled.column(name, f"{value}.{limb}").any() for limb in range(5))
    ]
    assert unnoticed == [f"{value}.sign" for value in zeros]
    unhashed = [column for column, tells in watched.items() if "hash" not in tells]
    assert [column for column in unhashed if not NOT_HASHED.fullmatch(column)] == []


def told(table: Table, rows: list[tuple[int, list[int], Any]], at: int) -> set[str]:
    """What tells that a cell is wrong, in one of the rows."""
    found: set[str] = set()
    for row, values, said in rows:
        found |= set(row_faults(table, said, [*values[:at], (values[at] + 1) % MODULUS, *values[at + 1 :]], row))
        if "hash" in found:
            break
    return found


def test_links_reach_no_block_behind_the_last(second_act: Filled) -> None:
    """Given a digest taken for a block that goes on, then nobody receives the digest of the operation."""
    forged = second_act.copy()
    row = int(np.flatnonzero(forged.column("blocks", "last") == 1)[0])
    forged.column("blocks", "last")[row] = 0
    forged.column("blocks", "next")[row] = int(forged.column("blocks", "block")[row]) + 1
    faults = forged.faults()
    assert faults == bus(BLOCK, LINK)
