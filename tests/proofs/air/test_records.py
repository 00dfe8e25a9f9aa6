"""The check of a value in a row: exactly the declared range, exactly one form."""

from random import Random

import numpy as np
import pytest

from perp_hash.field import MODULUS
from perp_hash.words import LARGEST_WORD
from perp_proofs.air.buses import RANGE, RANGE_SIZE, RANGE_TOP, TOP_SIZE
from perp_proofs.air.records import checked_value, size_of
from perp_proofs.air.system import Heights, MalformedSystem, Table
from perp_proofs.air.tape import evaluate
from perp_proofs.program.listing import BIT, SMALL, WORD, FieldType
from perp_proofs.stark.fill.columns import Columns, Values

FIELDS = [
    FieldType("flag", BIT, 0, 1),
    FieldType("mode", SMALL, 0, 4),
    FieldType("limb", SMALL, 0, 8_191),
    FieldType("rate", SMALL, 0, 1_000_000),
    FieldType("account", SMALL, 0, 2**20 - 1),
    FieldType("shock", SMALL, -1_000_000, 1_000_000),
    FieldType("lean", SMALL, -5, 5),
    FieldType("time", WORD, 0, 2**40),
    FieldType("nonce", WORD, 0, 2**40 + 1),
    FieldType("odd", WORD, 0, 123_456_789_012),
    FieldType("natural", WORD, 0, LARGEST_WORD),
    FieldType("amount", WORD, 0, 2**60),
    FieldType("word", WORD, -LARGEST_WORD, LARGEST_WORD),
    FieldType("size", WORD, -(2**56), 2**56),
    FieldType("lopsided", WORD, -(2**40) - 12_345, 2**40 + 12_345),
]

LIMITS = {RANGE: RANGE_SIZE, RANGE_TOP: TOP_SIZE}


def checked(field: FieldType) -> Table:
    table = Table("value", Heights(1, 1))
    checked_value(table, field.name, field, table.tape.constant(1))
    return table


def accepted(table: Table, row: list[int]) -> bool:
    values = evaluate(table.tape, [value % MODULUS for value in row], 0)
    if any(values[constraint.node] for constraint in table.constraints):
        return False
    return all(values[one.entries[0]] < LIMITS[one.tag] for one in table.fractions)


def row_of(table: Table, field: FieldType, value: int) -> list[int]:
    columns = Columns(1)
    Values(field, np.array([value], np.int64)).fill(columns, field.name)
    return [int(columns.of[column.name][0]) for column in table.columns]


def inside(field: FieldType) -> list[int]:
    random = Random(field.name)
    near = [field.low, field.low + 1, -1, 0, 1, field.high - 1, field.high, 2**13, 2**39, 2**52, -(2**13), -(2**52)]
    return [value for value in near if field.low <= value <= field.high] + [
        random.randint(field.low, field.high) for _ in range(50)
    ]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_value_of_the_range_is_accepted(field: FieldType) -> None:
    table = checked(field)
    assert [value for value in inside(field) if not accepted(table, row_of(table, field, value))] == []


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_row_of_zeros_is_right(field: FieldType) -> None:
    table = Table("value", Heights(1, 1))
    checked_value(table, field.name, field, table.column("active", 0, 1))
    assert accepted(table, [0] * len(table.columns))


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_no_value_outside_is_accepted_whatever_else_is_filled(field: FieldType) -> None:
    """Given a value just outside, then no sign, borrow and upper limb near the honest ones make it pass."""
    table = checked(field)
    outside = [field.low - 1, field.high + 1, field.high + 2**13, field.low - 2**13, 2 * field.high + 2]
    for value in outside:
        if abs(value) <= LARGEST_WORD:
            row = row_of(table, field, value)
            helpers = [at for at, column in enumerate(table.columns) if "." in column.name and helper(column.name)]
            assert not any(accepted(table, near) for near in neighbours(row, helpers))


def helper(name: str) -> bool:
    return name.rpartition(".")[2] in ("sign", "above", "below") or "borrow" in name


def neighbours(row: list[int], helpers: list[int]) -> list[list[int]]:
    """The row, and those that differ by -1 or 1 in some of the helping columns, at most three at once."""
    found = [row]
    for _ in range(3):
        found += [
            [*one[:at], one[at] + change, *one[at + 1 :]] for one in found for at in helpers for change in (-1, 1)
        ][:1_000]
    return found


@pytest.mark.parametrize("field", [field for field in FIELDS if field.type == WORD], ids=lambda field: field.name)
def test_a_word_has_one_form(field: FieldType) -> None:
    """Given a word, then moving a unit of one limb to 2^13 of the one below is refused, with either sign."""
    table = checked(field)
    names = [column.name for column in table.columns]
    for value in inside(field)[:8]:
        row = row_of(table, field, value)
        for at in range(4):
            if f"{field.name}.{at + 1}" not in names:
                continue
            low, high = names.index(f"{field.name}.{at}"), names.index(f"{field.name}.{at + 1}")
            for unit in (1, -1):
                other = list(row)
                other[low] += unit * 8_192
                other[high] -= unit
                helpers = [own for own, name in enumerate(names) if helper(name)]
                assert not any(accepted(table, near) for near in neighbours(other, helpers)[:400])


def test_ranges_without_a_form_are_refused() -> None:
    for field in (
        FieldType("late", SMALL, 1, 5),
        FieldType("uneven", WORD, -5, 2**40),
        FieldType("negative", WORD, -(2**40), 0),
    ):
        with pytest.raises(MalformedSystem):
            checked(field)


def test_a_record_with_a_signed_small_number_has_no_size() -> None:
    """Given 5 and -5, then their sum says that nothing is there."""
    table = Table("record", Heights(1, 1))
    active = table.column("active", 0, 1)
    values = [checked_value(table, one.name, one, active) for one in FIELDS if one.name in ("mode", "lean")]
    assert len(values) == 2
    with pytest.raises(MalformedSystem, match="a record with a signed small number has no size"):
        size_of(values)
