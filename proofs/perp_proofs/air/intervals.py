"""Intervals of the nodes of a table: which integers they can be, in a row that counts."""

from perp_proofs.air.system import Table
from perp_proofs.air.tape import ADD, COLUMN, CONSTANT, ROW, SUBTRACT, Node
from perp_proofs.air.words import Interval, times

ROWS = (0, (1 << 22) - 1)
"""Numbers of rows."""


class Intervals:
    """Intervals of all nodes of a table, from those of its columns and from what is known of single nodes.

    Attributes:
        known: Intervals of nodes that are narrower than what they are made of says.
    """

    def __init__(self, table: Table, columns: list[Interval] | None = None) -> None:
        self.table = table
        self.columns = columns
        self.known: dict[int, Interval] = {}
        self.found: list[Interval] = []

    def narrow(self, node: int, interval: Interval) -> None:
        """Learn an interval that the node is in."""
        low, high = self.of(node)
        self.known[node] = self.found[node] = max(low, interval[0]), min(high, interval[1])

    def of(self, node: int) -> Interval:
        """The interval of a node."""
        nodes = self.table.tape.nodes
        for number in range(len(self.found), node + 1):
            self.found.append(self.known[number] if number in self.known else self.computed(nodes[number]))
        return self.found[node]

    def column(self, number: int) -> Interval:
        """The interval of a column."""
        if self.columns is not None:
            return self.columns[number]
        column = self.table.columns[number]
        return column.low, column.high

    def computed(self, node: Node) -> Interval:
        """The interval of a node from those of its parts."""
        code, left, right = node
        if code == CONSTANT:
            return left, left
        if code == COLUMN:
            return self.column(left)
        if code == ROW:
            return ROWS
        first, second = self.found[left], self.found[right]
        if code == ADD:
            return first[0] + second[0], first[1] + second[1]
        if code == SUBTRACT:
            return first[0] - second[1], first[1] - second[0]
        low, high = first
        if low == high >= 0:
            return low * second[0], low * second[1]
        return times(first, second)
