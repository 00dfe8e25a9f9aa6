"""The columns of a table being filled, and of values of records in them; see perp_proofs.air.records."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perp_hash.digest import DIGEST_ELEMENTS, unpack_digest
from perp_hash.field import MODULUS
from perp_hash.words import LARGEST_WORD, LIMB_BITS, LIMBS, word_limbs
from perp_proofs.air.layout import LIMBS_OF, record_elements, shape_of
from perp_proofs.air.system import Table
from perp_proofs.program.listing import BIT, DIGEST, SMALL, FieldType, Record

Integers = NDArray[np.int64]
Elements = NDArray[np.uint32]
Trace = dict[str, Elements]

LIMB_MASK = (1 << LIMB_BITS) - 1


class FillError(Exception):
    """A table cannot be filled: a column is missing or there is no such column. An error of this program."""


def height_of(table: Table, rows: int) -> int:
    """The least height of a table for so many rows. Raises FillError if there are too many."""
    height = max(table.heights.least, 1 << max(rows - 1, 0).bit_length())
    if height > table.heights.greatest:
        raise FillError(f"{table.name}: {rows} rows of at most {table.heights.greatest}")
    return height


class Columns:
    """Columns by name, each an array of one value a row; values are integers of any sign, below p in size."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.of: dict[str, NDArray[Any]] = {}

    def put(self, name: str, values: NDArray[Any] | int) -> None:
        """Note a column."""
        self.of[name] = np.full(self.rows, values, np.int64) if isinstance(values, int) else values

    def digest(self, name: str, rows: Elements) -> None:
        """Note the columns of a digest, given row by row."""
        for at in range(rows.shape[1]):
            self.of[f"{name}.{at}"] = rows[:, at]

    def trace(self, table: Table) -> Elements:
        """The columns in the order of a table, zeros behind them. Raises FillError unless they are its columns."""
        names = [column.name for column in table.columns]
        if set(names) != self.of.keys():
            raise FillError(f"{table.name}: {sorted(set(names) ^ self.of.keys())}")
        found = np.zeros((len(names), height_of(table, self.rows)), np.uint32)
        for at, name in enumerate(names):
            found[at, : self.rows] = self.of[name] % MODULUS
        return found


def word_columns(values: Integers, count: int = LIMBS) -> list[Integers]:
    """The limbs of words."""
    size, sign = np.abs(values), np.sign(values)
    return [sign * (size >> LIMB_BITS * at & LIMB_MASK) for at in range(count)]


class Values:
    """The values of a field in some rows: an array of integers, or the elements of digests row by row."""

    def __init__(self, field: FieldType, values: Integers | Elements) -> None:
        self.field = field
        self.values = values

    @property
    def leaves(self) -> list[Integers]:
        """The leaves that travel on buses, as far as the range of the field fills them."""
        if self.field.type == DIGEST:
            return [self.values[:, at].astype(np.int64) for at in range(DIGEST_ELEMENTS)]
        values = self.values.astype(np.int64, copy=False)
        if self.field.type in (BIT, SMALL):
            return [values]
        return word_columns(values, LIMBS_OF[shape_of(self.field)])

    def fill(self, columns: Columns, name: str) -> None:
        """Note the columns of the values and of the check of their range."""
        leaves, field = self.leaves, self.field
        if field.type in (BIT, SMALL):
            columns.put(name, leaves[0])
            if field.type == SMALL and field.high - field.low > LIMB_MASK:
                columns.put(f"{name}.above", leaves[0] - field.low >> LIMB_BITS)
                columns.put(f"{name}.below", field.high - leaves[0] >> LIMB_BITS)
            return
        for at, leaf in enumerate(leaves):
            columns.put(f"{name}.{at}", leaf)
        if field.type != DIGEST:
            sign = (self.values < 0).astype(np.int64)
            if field.low < 0:
                columns.put(f"{name}.sign", sign)
            if field.high != LARGEST_WORD:
                self.fill_borrows(columns, name, leaves, 1 - 2 * sign)

    def fill_borrows(self, columns: Columns, name: str, limbs: list[Integers], unit: Integers) -> None:
        """Note the borrows of the subtraction from the bound."""
        borrow: Integers = np.zeros(columns.rows, np.int64)
        bounds = word_limbs(self.field.high)
        for at, limb in enumerate(limbs[:-1]):
            borrow = (bounds[at] - unit * limb - borrow < 0).astype(np.int64)
            columns.put(f"{name}.borrow{at}", borrow)
            if self.field.low < 0:
                columns.put(f"{name}.borrowed{at}", unit * borrow)


class Rows:
    """Records of one class in some rows."""

    def __init__(self, record: Record, records: Sequence[Sequence[int]]) -> None:
        """Takes the leaves of each record: integers, digests packed."""
        self.values: list[Values] = []
        for field, own in zip(record.fields, zip(*records, strict=True), strict=True):
            if field.type == DIGEST:
                lanes = [unpack_digest(packed) if packed else (0,) * DIGEST_ELEMENTS for packed in own]
                self.values.append(Values(field, np.array(lanes, np.uint32).reshape(-1, DIGEST_ELEMENTS)))
            else:
                self.values.append(Values(field, np.array(own, np.int64)))

    def fill(self, columns: Columns, prefix: str) -> None:
        """Note the columns of all values."""
        for value in self.values:
            value.fill(columns, f"{prefix}.{value.field.name}")

    @property
    def elements(self) -> Elements:
        """The elements the records are hashed as, row by row."""
        found = record_elements([value.field for value in self.values], [value.leaves for value in self.values])
        return (np.stack(found, axis=1) % MODULUS).astype(np.uint32)

    @property
    def sizes(self) -> Integers:
        """The sum of the magnitudes of all limbs."""
        leaves = [leaf for value in self.values if value.field.type != DIGEST for leaf in value.leaves]
        return np.sum(np.abs(leaves), axis=0)


def inverses(values: Integers) -> Integers:
    """The inverses modulo p, 0 for 0."""
    known = {int(value): pow(int(value), -1, MODULUS) if value % MODULUS else 0 for value in np.unique(values)}
    return np.array([known[int(value)] for value in values], np.int64)
