"""The leaves: one row a leaf that is touched, with its records old and new.

A row sends its old records to memory at time 0, as they were before the batch, and receives each as the last access
left it; a record that nobody accessed comes back as it was. It computes the digest of the leaf from both, and sends it
to the node above. Old and new digests of a leaf that was only read are the same, and looked up as one.

The leaf of an account is a chain: the root of its order slots, its owner, its positions in rows of their own, and the
rest of the account. Positions hand on the digests so far, and how many slots there were and are: the first so many.
"""

from collections.abc import Iterable, Sequence

from perp_hash.poseidon import Suite
from perp_hash.tags import Tag
from perp_proofs.air.buses import NODE, POSITIONS, STATE, memory_tags
from perp_proofs.air.layout import (
    ACCOUNTS,
    GLOBAL_RECORDS,
    HEIGHTS,
    MARKET_RECORDS,
    MARKETS,
    ORDERS,
    REQUESTS,
    SLOTS_A_LEAF,
    blocks_of,
    empty_orders,
    place,
    start_digest,
)
from perp_proofs.air.nodes import Digests, tagged, unchanged_unless
from perp_proofs.air.records import (
    Value,
    bit,
    checked_record,
    element_blocks,
    elements,
    elements_of,
    flag,
    hash_step,
    leaves_of,
    presence,
    value_named,
)
from perp_proofs.air.system import Heights, Table
from perp_proofs.air.tape import Term
from perp_proofs.program.listing import Program

HEIGHT_MAX = 1 << 20

TIMES = ("old", "new")

Sides = tuple[list[Value], list[Value]]
"""A record before the batch, and after it."""


def touched_record(
    table: Table, program: Program, record: str, prefix: str, key: Sequence[Term], active: Term
) -> Sides:
    """Add the columns of a record old and new, and what they send and receive."""
    described, tag = program.records[record], memory_tags(program)[record]
    old, new = (checked_record(table, f"{prefix}.{when}", described, active) for when in TIMES)
    last = table.element(f"{prefix}.last")
    table.add(tag, active, [*key, 0, *leaves_of(old)])
    table.add(tag, -active, [*key, last, *leaves_of(new)])
    return old, new


def hash_run(table: Table, name: str, tag: Tag, terms: Sequence[Term], numerator: Term) -> Digests:
    """Look up hash_elements, with the digests on the way in columns; the last one."""
    left: Sequence[Term | int] = start_digest(tag, len(terms))
    blocks = list(blocks_of(terms, table.tape.constant(0)))
    for at, block in enumerate(blocks):
        out = elements(table, f"{name}.{at}")
        hash_step(table, numerator, left, block, out)
        left = out
    return elements_of_last(left)


def elements_of_last(digest: Sequence[Term | int]) -> Digests:
    """The digest of a chain of one step at least."""
    return tuple(term for term in digest if isinstance(term, Term))


def absent_is_zero(table: Table, name: str, present: Term, digest: Digests) -> None:
    """Demand that the digest of an absent leaf is 0."""
    for at, lane in enumerate(digest):
        table.zero(f"{name}.{at} is 0 where absent", lane * (1 - present), modular=True)


def run_leaf(table: Table, when: str, tag: Tag, records: Iterable[list[Value]], active: Term) -> Digests:
    """The leaf of records that are hashed as one run, 0 where all of them are all zeros."""
    values = list(records)
    present = presence(table, f"present.{when}", [value for record in values for value in record], active)
    terms = [element for record in values for element in elements_of(record)]
    hashed = hash_run(table, f"leaf.{when}", tag, terms, present)
    absent_is_zero(table, f"leaf.{when}", present, hashed)
    return hashed


def market_table(program: Program) -> Table:
    """The markets."""
    table = Table("markets", Heights(1, 1 << HEIGHTS[MARKETS], optional=True))
    active, key = bit(table, "active"), table.element("market")
    records = [touched_record(table, program, name, name, [key], active) for name in MARKET_RECORDS]
    leaves = [
        run_leaf(table, when, Tag.MARKET_LEAF, [one[at] for one in records], active) for at, when in enumerate(TIMES)
    ]
    table.add(NODE, active, [place(MARKETS, 0), 0, key, *leaves[0], *leaves[1]])
    return table


def request_table(program: Program) -> Table:
    """The forced requests of accounts."""
    table = Table("requests", Heights(1, HEIGHT_MAX, optional=True))
    active, key = bit(table, "active"), table.element("account")
    record = touched_record(table, program, "Request", "request", [key], active)
    leaves = [run_leaf(table, when, Tag.REQUEST_LEAF, [record[at]], active) for at, when in enumerate(TIMES)]
    table.add(NODE, active, [place(REQUESTS, 0), 0, key, *leaves[0], *leaves[1]])
    return table


def order_table(program: Program) -> Table:
    """The order slots of accounts, two a leaf. A leaf of unused ones is hashed like any."""
    table = Table("orders", Heights(1, HEIGHT_MAX, optional=True))
    active, account, index = bit(table, "active"), table.element("account"), table.element("leaf")
    slots = [
        touched_record(table, program, "OrderSlot", f"slot{at}", [account, index * SLOTS_A_LEAF + at], active)
        for at in range(SLOTS_A_LEAF)
    ]
    leaves: list[Digests] = []
    for at, when in enumerate(TIMES):
        left, right = (element_blocks(table, slot[at], 1)[0] for slot in slots)
        leaf = elements(table, f"leaf.{when}")
        hash_step(table, active, left, right, tagged(Tag.ORDER_LEAF, leaf))
        leaves.append(leaf)
    table.add(NODE, active, [place(ORDERS, 0), account, index, *leaves[0], *leaves[1]])
    return table


def position_table(program: Program) -> Table:
    """The positions of accounts: each slot below the count, old or new, and every other one that is touched."""
    table = Table("positions", Heights(1, HEIGHT_MAX, optional=True))
    active, account, slot = bit(table, "active"), table.element("account"), table.element("slot")
    record = touched_record(table, program, "Position", "position", [account, slot], active)
    held: list[Term] = []
    before: list[Term] = []
    counts: list[Term] = []
    digests: list[Digests] = []
    outs: list[Digests] = []
    for at, when in enumerate(TIMES):
        own = flag(table, f"held.{when}", active)
        # Messages bring no other flags than rows send. That they are bits here is for the gate, row by row.
        last = flag(table, f"held_before.{when}", active)
        table.zero(f"{when} slots are the first ones", own * (1 - last))
        for value in record[at]:
            for place_, leaf in enumerate(value.leaves):
                if leaf.value is None:
                    table.zero(f"no {value.field.name}.{place_} {when} beyond the count", leaf * (1 - own))
        digest, out = elements(table, f"digest.{when}"), elements(table, f"next.{when}")
        (block,) = element_blocks(table, record[at], 1)
        hash_step(table, own, digest, block, out)
        unchanged_unless(table, f"next.{when}", own, digest, out)
        held.append(own)
        before.append(last)
        counts.append(table.element(f"count.{when}"))
        digests.append(digest)
        outs.append(out)
    table.add(POSITIONS, -active, [account, slot, *before, *counts, *digests[0], *digests[1]])
    after = [count + own for count, own in zip(counts, held, strict=True)]
    table.add(POSITIONS, active, [account, slot + 1, *held, *after, *outs[0], *outs[1]])
    return table


def account_table(program: Program, suite: Suite) -> Table:
    """The accounts."""
    table = Table("accounts", Heights(1, HEIGHT_MAX, optional=True))
    active, key = bit(table, "active"), table.element("account")
    record = touched_record(table, program, "Account", "account", [key], active)
    touched = flag(table, "orders.touched", active)
    orders = [elements(table, f"orders.{when}") for when in TIMES]
    unchanged_unless(table, "orders", touched, orders[0], orders[1])
    table.add(NODE, -touched, [place(ORDERS, HEIGHTS[ORDERS]), key, 0, *orders[0], *orders[1]])
    firsts, lasts, leaves = (
        [elements(table, f"{name}.{when}") for when in TIMES] for name in ("owned", "held", "leaf")
    )
    for at, when in enumerate(TIMES):
        present = presence(table, f"present.{when}", record[at], active)
        for lane, (own, empty) in enumerate(zip(orders[at], empty_orders(suite), strict=True)):
            table.zero(f"orders.{when}.{lane} of none where absent", (own - empty) * (active - present), modular=True)
        owner, rest = element_blocks(table, record[at], 2)
        hash_step(table, present, orders[at], owner, firsts[at])
        hash_step(table, present, lasts[at], rest, tagged(Tag.ACCOUNT_LEAF, leaves[at]))
        absent_is_zero(table, f"leaf.{when}", present, leaves[at])
    slots = [value_named(side, "slots") for side in record]
    number, ends = table.element("positions"), [bit(table, f"last_held.{when}") for when in TIMES]
    table.add(POSITIONS, active, [key, 0, 1, 1, 0, 0, *firsts[0], *firsts[1]])
    table.add(POSITIONS, -active, [key, number, *ends, *slots, *lasts[0], *lasts[1]])
    table.add(NODE, active, [place(ACCOUNTS, 0), 0, key, *leaves[0], *leaves[1]])
    return table


def global_table(program: Program) -> Table:
    """The one row of the records that belong to no tree, with the roots of the trees and of the state."""
    table = Table("global", Heights(1, 1))
    active = bit(table, "active")
    records = [touched_record(table, program, name, name, [], active) for name in GLOBAL_RECORDS]
    parts: list[list[Digests]] = [[], []]
    for tree, name in ((ACCOUNTS, "accounts"), (MARKETS, "markets"), (REQUESTS, "requests")):
        touched = flag(table, f"{name}.touched", active)
        roots = [elements(table, f"{name}.{when}") for when in TIMES]
        unchanged_unless(table, name, touched, roots[0], roots[1])
        table.add(NODE, -touched, [place(tree, HEIGHTS[tree]), 0, 0, *roots[0], *roots[1]])
        for side, root in zip(parts, roots, strict=True):
            side.append(root)
    states: list[Digests] = []
    for at, when in enumerate(TIMES):
        terms = [element for record in records for element in elements_of(record[at])]
        leaf = hash_run(table, f"global.{when}", Tag.GLOBAL, terms, active)
        lanes = [lane for digest in (*parts[at], leaf) for lane in digest]
        states.append(hash_run(table, f"state.{when}", Tag.STATE_ROOT, lanes, active))
    table.add(STATE, active, [*states[0], *states[1]])
    return table


def leaf_tables(program: Program, suite: Suite) -> list[Table]:
    """All of them."""
    tables = [account_table(program, suite), position_table(program), order_table(program)]
    return [*tables, market_table(program), request_table(program), global_table(program)]
