"""The range tables: row number i of a fixed height provides i."""

from perp_proofs.air.buses import FREE, RANGE, RANGE_SIZE, RANGE_TOP, TOP_SIZE
from perp_proofs.air.system import Heights, Table


def range_table(name: str, tag: int, size: int) -> Table:
    """The table that provides the values below `size`, each as often as it is asked for."""
    table = Table(name, Heights(size, size))
    multiplicity = table.element("multiplicity")
    table.add(tag, -multiplicity, [table.tape.row()], FREE)
    return table


def range_tables() -> list[Table]:
    """The tables of limbs and of top limbs."""
    return [range_table("range", RANGE, RANGE_SIZE), range_table("range_top", RANGE_TOP, TOP_SIZE)]
