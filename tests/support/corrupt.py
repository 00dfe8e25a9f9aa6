"""Corruption of rows: every column of a table is changed, and what notices it is counted."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from perp_hash.field import MODULUS
from perp_proofs.air.sheet import LOOKED_UP
from perp_proofs.air.system import Table
from perp_proofs.air.tape import ADD, COLUMN, CONSTANT, ROW, SUBTRACT

Integers = NDArray[np.int64]


def node_values(table: Table, rows: Integers, numbers: Integers) -> list[Integers]:
    """The value of every node in many rows, given as [row][column], modulo p."""
    values: list[Integers] = []
    for code, left, right in table.tape.nodes:
        if code == CONSTANT:
            values.append(np.full(len(rows), left % MODULUS))
        elif code == COLUMN:
            values.append(rows[:, left])
        elif code == ROW:
            values.append(numbers)
        elif code == ADD:
            values.append((values[left] + values[right]) % MODULUS)
        elif code == SUBTRACT:
            values.append((values[left] - values[right]) % MODULUS)
        else:
            values.append(values[left] * values[right] % MODULUS)
    return values


def broken(table: Table, values: Sequence[Integers]) -> NDArray[np.bool_]:
    """Rows in which a constraint is not 0 or a looked up value is out of range."""
    found = np.zeros(len(values[0]), bool)
    for constraint in table.constraints:
        found |= values[constraint.node] != 0
    for fraction in table.fractions:
        size = LOOKED_UP.get(fraction.tag)
        if size is not None and fraction.weight:
            found |= values[fraction.entries[0]] >= size
    return found


def messages(table: Table, values: Sequence[Integers], at: int) -> Counter[tuple[int, ...]]:
    """What a row adds to the buses, lookups of the range tables left out."""
    total: Counter[tuple[int, ...]] = Counter()
    for fraction in table.fractions:
        if fraction.tag not in LOOKED_UP:
            entries = (int(values[node][at]) for node in fraction.entries)
            total[fraction.tag, *entries] += int(values[fraction.numerator][at])
    return Counter({message: number % MODULUS for message, number in total.items() if number % MODULUS})


def changes(row: Integers, column: int, random: np.random.Generator) -> Iterator[int]:
    """Other values of a column: its neighbours, a limb, an element, and 0 or 1."""
    value = int(row[column])
    others = {(value + 1) % MODULUS, (value - 1) % MODULUS, int(random.integers(8192)), int(random.integers(MODULUS))}
    yield from sorted((others | {0, 1}) - {value})


def unnoticed(table: Table, row: Integers, number: int, random: np.random.Generator) -> dict[str, list[int]]:
    """Changes of single columns of a row that nothing notices, by the name of the column."""
    rows: list[Integers] = []
    made: list[tuple[int, int]] = []
    for column in range(len(table.columns)):
        for value in changes(row, column, random):
            changed = row.copy()
            changed[column] = value
            rows.append(changed)
            made.append((column, value))
    values = node_values(table, np.array(rows), np.full(len(rows), number))
    before = messages(table, node_values(table, row[None, :], np.array([number])), 0)
    found: dict[str, list[int]] = {}
    for at in np.flatnonzero(~broken(table, values)):
        if messages(table, values, int(at)) == before:
            column, value = made[at]
            found.setdefault(table.columns[column].name, []).append(value)
    return found
