"""The nodes of the trees: one row a node above something touched, with its old and its new children and digest.

A row receives its touched children and sends itself to its parent. The parent's row fixes the indices of its children,
from index 0 of the root down, so no node and no leaf is reached twice: who sends a second copy finds no receiver.
"""

from perp_hash.tags import Tag
from perp_proofs.air.buses import NODE
from perp_proofs.air.records import bit, elements, flag, hash_step
from perp_proofs.air.system import Heights, Table
from perp_proofs.air.tape import Term

HEIGHT_MAX = 1 << 20

Digests = tuple[Term, ...]


def tagged(tag: Tag, digest: Digests) -> Digests:
    """The step that `compress` adds its tag to."""
    return (digest[0] - int(tag), *digest[1:])


def unchanged_unless(table: Table, name: str, touched: Term, old: Digests, new: Digests) -> None:
    """Demand that a digest is the same old and new where it is not touched."""
    for at, (before, after) in enumerate(zip(old, new, strict=True)):
        table.zero(f"{name}.{at} as before unless touched", (1 - touched) * (before - after), modular=True)


def node_table() -> Table:
    """The table of nodes."""
    table = Table("nodes", Heights(1, HEIGHT_MAX))
    active = bit(table, "active")
    place, tree, index = (table.element(name) for name in ("place", "tree", "index"))
    sides: list[tuple[Digests, Digests]] = []
    for at, side in enumerate(("left", "right")):
        touched = flag(table, f"{side}.touched", active)
        old, new = elements(table, f"{side}.old"), elements(table, f"{side}.new")
        unchanged_unless(table, side, touched, old, new)
        table.add(NODE, -touched, [place - 1, tree, index * 2 + at, *old, *new])
        sides.append((old, new))
    outs: list[Digests] = []
    for which, when in enumerate(("old", "new")):
        out = elements(table, when)
        hash_step(table, active, sides[0][which], sides[1][which], tagged(Tag.NODE, out))
        outs.append(out)
    table.add(NODE, active, [place, tree, index, *outs[0], *outs[1]])
    return table
