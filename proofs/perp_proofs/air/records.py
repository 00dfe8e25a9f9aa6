"""Values of records in a row: their columns, and the check that each is in its declared range.

Columns of a value, by name:

- a digest has eight, `name.0` to `name.7`;
- a bit or a small number has `name`. Of a range wider than a limb, `name - low` and `high - name` are cut in two limbs,
  the upper ones in `name.above` and `name.below`;
- a word has its limbs, `name.0` on, as many as its range needs. One that may be negative has `name.sign`, 1 where it
  is: limbs of sign s are from -8191 s to 8191 (1 - s). So the limbs of a word are unique, whatever the sign of 0.
  Where the range ends before the limbs do, `name.borrow0` on are the borrows of the subtraction of the word from its
  bound, limb by limb; bound and borrows take the sign of the word, in `name.borrowed0` on where it may be negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from perp_hash.digest import DIGEST_ELEMENTS
from perp_hash.words import LARGEST_WORD, LIMB_BITS, LIMBS, TOP_LIMB_BITS, word_limbs
from perp_proofs.air.buses import HASH, RANGE, RANGE_SIZE, RANGE_TOP
from perp_proofs.air.layout import LIMBS_OF, blocks_of, record_elements, shape_of
from perp_proofs.air.system import MalformedSystem, Table
from perp_proofs.air.tape import Term
from perp_proofs.program.listing import BIT, DIGEST, SMALL, FieldType, Record

LIMB_MAX = (1 << LIMB_BITS) - 1
TOP_MAX = (1 << TOP_LIMB_BITS) - 1


@dataclass(frozen=True)
class Value:
    """A value in a row.

    Attributes:
        leaves: As they travel on buses: five limbs, one element or eight.
        size: The sum of the magnitudes of its limbs: 0 exactly where the value is. None for a digest.
    """

    field: FieldType
    leaves: tuple[Term, ...]
    size: Term | None


def lookup(table: Table, term: Term) -> None:
    """Demand that a term is a limb, 0 <= term < 2^13, in every row."""
    table.add(RANGE, 1, [term])


def bit(table: Table, name: str) -> Term:
    """Add a column that is 0 or 1."""
    column = table.column(name, 0, 1)
    table.zero(f"{name} is a bit", column * (column - 1))
    return column


def flag(table: Table, name: str, active: Term) -> Term:
    """Add a column that is 0 or 1, and 0 in rows that are not active."""
    column = bit(table, name)
    table.zero(f"{name} only where active", column * (1 - active))
    return column


def elements(table: Table, name: str, count: int = DIGEST_ELEMENTS) -> tuple[Term, ...]:
    """Add the columns of a digest."""
    return tuple(table.element(f"{name}.{at}") for at in range(count))


def checked_value(table: Table, name: str, field: FieldType, active: Term) -> Value:
    """Add the columns of a value, in its declared range in every row where `active` is 1; zeros are padding.

    Raises:
        MalformedSystem: The range has no form that is checked here: 0 is not in it, or one of a word is neither natural
            nor symmetric.
    """
    if field.type == DIGEST:
        return Value(field, elements(table, name), None)
    if not field.low <= 0 <= field.high:
        raise MalformedSystem(f"{name}: 0 is not in the range {field.low} to {field.high}")
    if field.type == BIT:
        column = bit(table, name)
        return Value(field, (column,), column)
    if field.type == SMALL:
        return checked_small(table, name, field, active)
    if field.low not in (0, -field.high):
        raise MalformedSystem(f"{name}: the range of a word is {field.low} to {field.high}")
    return checked_word(table, name, field)


def checked_small(table: Table, name: str, field: FieldType, active: Term) -> Value:
    """Add the columns of a small number."""
    column = table.column(name, field.low, field.high)
    if field.high - field.low < RANGE_SIZE:
        lookup(table, column - field.low)
        lookup(table, field.high - column)
    else:
        for part, distance in (("above", column - active * field.low), ("below", active * field.high - column)):
            upper = table.column(f"{name}.{part}", 0, LIMB_MAX)
            lookup(table, upper)
            lookup(table, distance - upper * RANGE_SIZE)
    return Value(field, (column,), column if field.low == 0 else None)


def checked_word(table: Table, name: str, field: FieldType) -> Value:
    """Add the columns of a word."""
    count, zero = LIMBS_OF[shape_of(field)], table.tape.constant(0)
    sign = bit(table, f"{name}.sign") if field.low < 0 else zero
    limbs: list[Term] = []
    for at in range(count):
        tag, most = (RANGE_TOP, TOP_MAX) if at == LIMBS - 1 else (RANGE, LIMB_MAX)
        limb = table.column(f"{name}.{at}", -most if field.low < 0 else 0, most)
        table.add(tag, 1, [limb + sign * most])
        limbs.append(limb)
    if field.high != LARGEST_WORD:
        check_bound(table, name, limbs, sign, word_limbs(field.high))
    total = sum(limbs[1:], limbs[0])
    return Value(field, (*limbs, *[zero] * (LIMBS - count)), total - sign * total * 2)


def check_bound(table: Table, name: str, limbs: Sequence[Term], sign: Term, bounds: Sequence[int]) -> None:
    """Demand that a word is no larger in magnitude than its bound: bound - word, in limbs, has the sign of the word."""
    unit = 1 - sign * 2
    borrowed = table.tape.constant(0)
    for at, limb in enumerate(limbs):
        left = unit * bounds[at] - limb - borrowed
        if at < len(limbs) - 1:
            borrowed = borrow = bit(table, f"{name}.borrow{at}")
            if sign.value is None:
                borrowed = table.column(f"{name}.borrowed{at}", -1, 1)
                table.zero(f"{name}.borrowed{at} has the sign", borrowed - borrow * unit)
            left = left + borrowed * RANGE_SIZE
        lookup(table, left + sign * LIMB_MAX)


def checked_record(table: Table, prefix: str, record: Record, active: Term) -> list[Value]:
    """Add the columns of a record, each value in its declared range."""
    return [checked_value(table, f"{prefix}.{field.name}", field, active) for field in record.fields]


def leaves_of(values: Sequence[Value]) -> list[Term]:
    """The leaves of all values, as they travel on buses."""
    return [leaf for value in values for leaf in value.leaves]


def elements_of(values: Sequence[Value]) -> list[Term]:
    """The elements that the record of these values is hashed as."""
    return record_elements([value.field for value in values], [value.leaves for value in values])


def element_blocks(table: Table, values: Sequence[Value], count: int) -> list[list[Term]]:
    """The elements of a record in so many blocks. Raises MalformedSystem if they fill another number of them."""
    blocks = list(blocks_of(elements_of(values), table.tape.constant(0)))
    if len(blocks) != count:
        raise MalformedSystem(f"{table.name}: a record of {len(blocks)} blocks, not {count}")
    return blocks


def value_named(values: Sequence[Value], name: str) -> Term:
    """The one leaf of a field. Raises MalformedSystem if there is none."""
    for value in values:
        if value.field.name == name and len(value.leaves) == 1:
            return value.leaves[0]
    raise MalformedSystem(f"a record without a small number {name}")


def size_of(values: Sequence[Value]) -> Term:
    """The sum of the sizes of all values that are no digests: 0 exactly where all of them are 0.

    Raises:
        MalformedSystem: One of them may be a small number below 0.
    """
    sizes = [value.size for value in values if value.field.type != DIGEST]
    found = [size for size in sizes if size is not None]
    if not found or len(found) != len(sizes):
        raise MalformedSystem("a record with a signed small number has no size")
    return sum(found[1:], found[0])


def presence(table: Table, name: str, values: Sequence[Value], active: Term) -> Term:
    """Add a flag that tells whether a record is not all zeros. A digest that is not 0 beside zeros has no proof."""
    present = flag(table, name, active)
    inverse = table.element(f"{name}.inverse")
    size = size_of(values)
    table.zero(f"{name} where something is not 0", size * (1 - present))
    table.zero(f"{name} only where something is not 0", present - size * inverse, modular=True)
    for value in values:
        if value.field.type == DIGEST:
            for at, lane in enumerate(value.leaves):
                table.zero(f"{name}: no {value.field.name}.{at} without it", lane * (active - present), modular=True)
    return present


def hash_step(
    table: Table, numerator: Term | int, left: Sequence[Term | int], right: Sequence[Term], out: Sequence[Term]
) -> None:
    """Look up one step of the hash suite."""
    table.add(HASH, numerator, [*left, *right, *out])
