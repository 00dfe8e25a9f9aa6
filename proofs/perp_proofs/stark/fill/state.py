"""The tables of leaves, nodes and chains filled, from the state before a batch and what its run left in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perp_hash.digest import DIGEST_ELEMENTS, Digest
from perp_hash.tags import Tag
from perp_proofs.air import layout as air_layout
from perp_proofs.air.buses import STATE
from perp_proofs.air.layout import GLOBAL_RECORDS, MARKET_RECORDS, SLOTS_A_LEAF, place
from perp_proofs.air.leaves import TIMES
from perp_proofs.air.system import Table
from perp_proofs.program.listing import Program
from perp_proofs.stark.fill.columns import Columns, Elements, Integers, Rows, Trace, inverses
from perp_proofs.stark.fill.lookups import node_values
from perp_proofs.stark.fill.memory import Key, record_before
from perp_proofs.stark.fill.steps import blocks, run, steps
from perp_reference.core.commitment import Commitment
from perp_reference.core.state import State
from perp_reference.core.tree import SparseForest
from perp_spec.perpetual.layout import ACCOUNTS, MARKETS, ORDERS, REQUESTS, Tree


@dataclass(frozen=True)
class Left:
    """A record as the last access of a batch left it, and the time of that access."""

    time: int
    fields: Sequence[int]


Memory = Mapping[tuple[str, Key], Left]
"""All records that a batch accessed, by name and parts of the key."""


@dataclass
class Nodes:
    """Nodes of one level that are touched: tree, index in it, and digests old and new, in order of both."""

    trees: Integers
    indices: Integers
    old: Elements
    new: Elements


class StateFill:
    """Fills the tables of the state for one batch."""

    def __init__(self, program: Program, state: State, commits: Commitment, memory: Memory) -> None:
        """Takes the state before the batch, with its trees, and what the batch left in memory."""
        self.program = program
        self.state = state
        self.commits = commits
        self.memory = memory
        self.columns: dict[str, Columns] = {}
        self.node_parts: list[tuple[int, Columns]] = []

    def touched(self, name: str) -> list[Key]:
        """The keys of a record that were accessed."""
        return [key for record, key in self.memory if record == name]

    def sides(self, columns: Columns, name: str, prefix: str, keys: Sequence[Key]) -> tuple[Rows, Rows]:
        """Note the columns of a record before and after the batch in some rows."""
        described, get = self.program.records[name], self.memory.get
        before = [record_before(self.state, name, key) for key in keys]
        left = [get((name, key)) for key in keys]
        after = [own if last is None else last.fields for own, last in zip(before, left, strict=True)]
        columns.put(f"{prefix}.last", np.array([last.time if last else 0 for last in left], np.int64))
        sides = Rows(described, before), Rows(described, after)
        for side, when in zip(sides, TIMES, strict=True):
            side.fill(columns, f"{prefix}.{when}")
        return sides

    def present(self, columns: Columns, when: str, sizes: Integers) -> Integers:
        """Note the flag that tells whether something is not 0."""
        present = (sizes != 0).astype(np.int64)
        columns.put(f"present.{when}", present)
        columns.put(f"present.{when}.inverse", inverses(sizes))
        return present

    def fill_run_leaves(self, table: str, key: str, tree: Tree, records: Iterable[tuple[str, str]]) -> Nodes | None:
        """Fill a table of leaves that are hashed as one run; records by name and prefix."""
        named = list(records)
        keys = sorted({own for name, _ in named for own in self.touched(name)})
        if not keys:
            return None
        columns = self.columns[table] = Columns(len(keys))
        columns.put("active", 1)
        columns.put(key, np.array([number for (number,) in keys], np.int64))
        sides = [self.sides(columns, name, prefix, keys) for name, prefix in named]
        leaves: list[Elements] = []
        for at, when in enumerate(TIMES):
            present = self.present(columns, when, np.sum([side[at].sizes for side in sides], axis=0))
            digests = run(tree.tag, np.hstack([side[at].elements for side in sides]))
            digests[-1] = digests[-1] * present[:, None].astype(np.uint32)
            for number, digest in enumerate(digests):
                columns.digest(f"leaf.{when}.{number}", digest)
            leaves.append(digests[-1])
        indices = np.array([number for (number,) in keys], np.int64)
        return Nodes(np.zeros(len(keys), np.int64), indices, *leaves)

    def fill_orders(self) -> Nodes | None:
        """Fill the order slots."""
        keys = sorted({(account, slot // SLOTS_A_LEAF) for account, slot in self.touched("OrderSlot")})
        if not keys:
            return None
        columns = self.columns["orders"] = Columns(len(keys))
        accounts, leaves = (np.array(part, np.int64) for part in zip(*keys, strict=True))
        columns.put("active", 1)
        columns.put("account", accounts)
        columns.put("leaf", leaves)
        slots = [
            self.sides(columns, "OrderSlot", f"slot{at}", [(own, leaf * SLOTS_A_LEAF + at) for own, leaf in keys])
            for at in range(SLOTS_A_LEAF)
        ]
        digests: list[Elements] = []
        for at, when in enumerate(TIMES):
            left, right = (blocks(slot[at].elements)[0] for slot in slots)
            digests.append(steps(left, right, Tag.ORDER_LEAF))
            columns.digest(f"leaf.{when}", digests[-1])
        return Nodes(accounts, leaves, *digests)

    def climb(self, tree: int, own: Tree, forest: SparseForest, nodes: Nodes) -> Nodes:
        """Fill the rows of the nodes above leaves; the roots."""
        for level in range(own.height):
            nodes = self.parents(place(tree, level + 1), forest, level, own.height, nodes)
        return nodes

    def parents(self, number: int, forest: SparseForest, level: int, height: int, nodes: Nodes) -> Nodes:
        """Fill the rows of the parents of the touched nodes of a level."""
        width = height - level
        ids = nodes.trees << width | nodes.indices
        above, row = np.unique(ids >> 1, return_inverse=True)
        columns = Columns(len(above))
        columns.put("active", 1)
        columns.put("place", number)
        trees, indices = above >> width - 1, above & (1 << width - 1) - 1
        columns.put("tree", trees)
        columns.put("index", indices)
        parts: list[tuple[Elements, Elements]] = []
        for side, name in enumerate(("left", "right")):
            own = np.flatnonzero(ids & 1 == side)
            touched = np.zeros(len(above), bool)
            touched[row[own]] = True
            old = np.empty((len(above), DIGEST_ELEMENTS), np.uint32)
            beside = (above[~touched] << 1 | side).tolist()
            digests = np.frombuffer(forest.digests(level, beside), np.dtype("<u4"))
            old[~touched] = digests.reshape(-1, DIGEST_ELEMENTS)
            old[row[own]] = nodes.old[own]
            new = old.copy()
            new[row[own]] = nodes.new[own]
            columns.put(f"{name}.touched", touched.astype(np.int64))
            columns.digest(f"{name}.old", old)
            columns.digest(f"{name}.new", new)
            parts.append((old, new))
        (left_old, left_new), (right_old, right_new) = parts
        digests = steps(np.vstack((left_old, left_new)), np.vstack((right_old, right_new)), Tag.NODE)
        result = Nodes(trees, indices, digests[: len(above)], digests[len(above) :])
        columns.digest("old", result.old)
        columns.digest("new", result.new)
        self.node_parts.append((len(above), columns))
        return result

    def fill_accounts(self, roots: Nodes | None) -> Nodes | None:
        """Fill accounts and positions, given the roots of the order slots that are touched."""
        named = ("Account", "Position", "OrderSlot")
        accounts = sorted({key[0] for name in named for key in self.touched(name)})
        if not accounts:
            return None
        columns = self.columns["accounts"] = Columns(len(accounts))
        numbers = np.array(accounts, np.int64)
        columns.put("active", 1)
        columns.put("account", numbers)
        sides = self.sides(columns, "Account", "account", [(account,) for account in accounts])
        orders = self.fill_roots(columns, numbers, roots)
        owned: list[Elements] = []
        for at, when in enumerate(TIMES):
            self.present(columns, when, sides[at].sizes)
            owned.append(steps(orders[at], blocks(sides[at].elements)[0]))
            columns.digest(f"owned.{when}", owned[at])
        counts = [next(own.values for own in side.values if own.field.name == "slots") for side in sides]
        held = self.fill_positions(columns, accounts, np.stack(counts).astype(np.int64), owned)
        leaves: list[Elements] = []
        for at, when in enumerate(TIMES):
            leaf = steps(held[at], blocks(sides[at].elements)[1], Tag.ACCOUNT_LEAF)
            leaf *= columns.of[f"present.{when}"][:, None].astype(np.uint32)
            columns.digest(f"held.{when}", held[at])
            columns.digest(f"leaf.{when}", leaf)
            leaves.append(leaf)
        return Nodes(np.zeros(len(accounts), np.int64), numbers, *leaves)

    def fill_roots(self, columns: Columns, accounts: Integers, roots: Nodes | None) -> list[Elements]:
        """Fill the roots of the order slots of accounts, old and new."""
        forest = self.commits.forest(ORDERS)
        stored = np.frombuffer(forest.digests(ORDERS.height, accounts.tolist()), np.dtype("<u4"))
        old = stored.reshape(-1, DIGEST_ELEMENTS).astype(np.uint32)
        new = old.copy()
        touched = np.zeros(len(accounts), np.int64)
        if roots is not None:
            at = np.searchsorted(accounts, roots.trees)
            new[at] = roots.new
            touched[at] = 1
        columns.put("orders.touched", touched)
        columns.digest("orders.old", old)
        columns.digest("orders.new", new)
        return [old, new]

    def fill_positions(
        self, columns: Columns, accounts: list[int], counts: Integers, owned: list[Elements]
    ) -> list[Elements]:
        """Fill the positions of accounts, from the digests of their owners on; the digests after them."""
        beyond = dict.fromkeys(accounts, 0)
        for account, slot in self.touched("Position"):
            beyond[account] = max(beyond[account], slot + 1)
        numbers = np.maximum(counts.max(axis=0), np.array(list(beyond.values()), np.int64))
        columns.put("positions", numbers)
        for at, when in enumerate(TIMES):
            columns.put(f"last_held.{when}", ((numbers == 0) | (counts[at] == numbers)).astype(np.int64))
        if not numbers.sum():
            return owned
        own = np.repeat(np.arange(len(accounts)), numbers)
        slots = np.arange(len(own)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
        rows = self.columns["positions"] = Columns(len(own))
        rows.put("active", 1)
        rows.put("account", np.array(accounts, np.int64)[own])
        rows.put("slot", slots)
        keys = [(accounts[at], slot) for at, slot in zip(own.tolist(), slots.tolist(), strict=True)]
        sides = self.sides(rows, "Position", "position", keys)
        results: list[Elements] = []
        for at, when in enumerate(TIMES):
            count = counts[at][own]
            rows.put(f"held.{when}", (slots < count).astype(np.int64))
            rows.put(f"held_before.{when}", (slots <= count).astype(np.int64))
            rows.put(f"count.{when}", np.minimum(slots, count))
            block = blocks(sides[at].elements)[0]
            results.append(self.fill_position_digests(rows, when, own, slots, slots < count, block, owned[at]))
        return results

    @staticmethod
    def fill_position_digests(
        rows: Columns, when: str, own: Integers, slots: Integers, held: Any, block: Elements, owned: Elements
    ) -> Elements:
        """Fill the digests along positions, all accounts at once slot by slot; the digests after them."""
        before, after = np.empty_like(block), np.empty_like(block)
        digests = owned.copy()
        for slot in range(int(slots.max()) + 1):
            at = np.flatnonzero(slots == slot)
            before[at] = after[at] = digests[own[at]]
            used = at[held[at]]
            after[used] = steps(before[used], block[used])
            digests[own[at]] = after[at]
        rows.digest(f"digest.{when}", before)
        rows.digest(f"next.{when}", after)
        return digests

    def fill_global(self, roots: dict[str, Nodes | None]) -> None:
        """Fill the row of the records that belong to no tree, given the roots of the trees that are touched."""
        columns = self.columns["global"] = Columns(1)
        columns.put("active", 1)
        sides = [self.sides(columns, name, name, [()]) for name in GLOBAL_RECORDS]
        digests: list[list[Elements]] = [[], []]
        for tree in (ACCOUNTS, MARKETS, REQUESTS):
            root = roots[tree.name]
            stored = np.frombuffer(self.commits.forest(tree).digests(tree.height, [0]), np.dtype("<u4"))
            own = (stored[None, :].astype(np.uint32),) * 2 if root is None else (root.old, root.new)
            columns.put(f"{tree.name}.touched", int(root is not None))
            for at, when in enumerate(TIMES):
                columns.digest(f"{tree.name}.{when}", own[at])
                digests[at].append(own[at])
        for at, when in enumerate(TIMES):
            leaf = run(Tag.GLOBAL, np.hstack([side[at].elements for side in sides]))
            state = run(Tag.STATE_ROOT, np.hstack([*digests[at], leaf[-1]]))
            for name, parts in (("global", leaf), ("state", state)):
                for number, digest in enumerate(parts):
                    columns.digest(f"{name}.{when}.{number}", digest)

    def fill(self) -> None:
        """Fill everything."""
        roots: dict[str, Nodes | None] = {}
        orders = self.fill_orders()
        if orders is not None:
            orders = self.climb(air_layout.ORDERS, ORDERS, self.commits.forest(ORDERS), orders)
        markets = self.fill_run_leaves("markets", "market", MARKETS, [(name, name) for name in MARKET_RECORDS])
        requests = self.fill_run_leaves("requests", "account", REQUESTS, [("Request", "request")])
        leaves = (
            (air_layout.ACCOUNTS, ACCOUNTS, self.fill_accounts(orders)),
            (air_layout.MARKETS, MARKETS, markets),
            (air_layout.REQUESTS, REQUESTS, requests),
        )
        for tree, own, nodes in leaves:
            found = None if nodes is None else self.climb(tree, own, self.commits.forest(own), nodes)
            roots[own.name] = found
        self.fill_global(roots)
        self.columns["nodes"] = Columns(sum(rows for rows, _ in self.node_parts))
        parts = [part.of for _, part in self.node_parts]
        for name in parts[0] if parts else ():
            self.columns["nodes"].put(name, np.concatenate([part[name] for part in parts]))


def fill_state(program: Program, tables: Sequence[Table], state: State, commits: Commitment, memory: Memory) -> Trace:
    """The tables of leaves and nodes, from the state before a batch, its trees, and what the batch left in memory."""
    filled = StateFill(program, state, commits, memory)
    filled.fill()
    by_name = {table.name: table for table in tables}
    return {name: columns.trace(by_name[name]) for name, columns in filled.columns.items()}


def state_roots(tables: Sequence[Table], trace: Trace) -> tuple[Digest, Digest]:
    """The roots of the state before and after the batch, as they were filled."""
    table = next(table for table in tables if table.name == "global")
    sent = next(fraction for fraction in table.fractions if fraction.tag == STATE)
    values = node_values(table, trace["global"], sent.entries)
    lanes = [int(values[node][0]) for node in sent.entries]
    return tuple(lanes[:DIGEST_ELEMENTS]), tuple(lanes[DIGEST_ELEMENTS:])
