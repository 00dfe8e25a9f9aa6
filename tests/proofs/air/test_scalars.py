"""Instructions of a listing in a row: inputs are exactly in their ranges, and what is hashed is looked up."""

import re
from random import Random

import pytest

from perp_hash.digest import pack_digest
from perp_hash.field import MODULUS
from perp_hash.tags import Tag
from perp_proofs.air.buses import arities
from perp_proofs.air.interfaces import Spans
from perp_proofs.air.rulebook import Rules, RuleTable
from perp_proofs.air.words import shape_of
from perp_proofs.air.writer import Writer
from perp_proofs.program.listing import BIT, DIGEST_MAX, SMALL, WORD, WORD_MAX, Program, parse_program
from perp_proofs.stark.fill.calls import Call
from perp_proofs.stark.fill.plain import RowFiller
from support.gadgets import complaints
from support.state_side import honest, row_faults

RANGES = [
    *((BIT, 0, 1), (SMALL, 0, 4), (SMALL, -5, 5), (SMALL, 0, 8_191), (SMALL, 0, 1_000_000)),
    *((SMALL, -1_000_000, 1_000_000), (WORD, 0, 2**13), (WORD, 0, 2**39), (WORD, 0, 3 * 2**39), (WORD, 0, 5 * 2**39)),
    *((WORD, 0, 2**40 + 1), (WORD, 0, 123_456_789_012), (WORD, 0, 2**52), (WORD, 0, 2**60), (WORD, 0, WORD_MAX)),
    *(
        (WORD, -(2**56), 2**56),
        (WORD, -(2**40) - 12_345, 2**40 + 12_345),
        (WORD, -WORD_MAX, WORD_MAX),
        (WORD, 7, 2**30),
    ),
]


def written(role: str, *lines: str) -> RuleTable:
    """The table of an operation, or of what begins a batch, of these lines."""
    head = f"{role} pay 1" if role == "operation" else f"{role} pay"
    program: Program = parse_program(
        "\n".join(("program toy suite", head, *(f"  {line}" for line in lines), "  return", ""))
    )
    rules = Rules(program, Spans(program), arities=arities(program))
    (listing,) = program.tables.values()
    Writer(rules, listing, role, "pay").write()
    return rules.tables["pay"]


def wrong(made: RuleTable, value: int) -> bool:
    """The row with a value is wrong, also with one of the columns that it is checked with changed."""
    row = RowFiller(made, Call(made, [value], {"active": 1, "t": 1})).fill()
    helpers = [at for at, column in enumerate(made.table.columns) if not OWN.fullmatch(column.name)]
    others = [[*row[:at], other % MODULUS, *row[at + 1 :]] for at in helpers for other in (0, row[at] - 1, row[at] + 1)]
    return all(complaints(made.table, other) for other in (row, *others))


OWN = re.compile(r"active|t|%0|%0\.\d")
"""Columns of the row, its time, and the value."""


TAKEN = [("operation", *one) for one in RANGES] + [("batch", *one) for one in RANGES if one[0] == WORD]
"""What begins a batch takes words and digests."""


@pytest.mark.parametrize(("role", "kind", "low", "high"), TAKEN)
def test_inputs_are_just_those_of_the_range(role: str, kind: str, low: int, high: int) -> None:
    made = written(role, f"%0:{kind} = input value | {low} {high}")
    random = Random(high)
    inside = {low, low + 1, (low + high) // 2, high - 1, high, *(random.randint(low, high) for _ in range(20))}
    assert [value for value in inside if wrong(made, value)] == []
    most = WORD_MAX
    if kind == WORD:
        shape = shape_of(low, high)
        most = sum(shape.bounds(at)[1] << 13 * at for at in range(shape.limbs))
    outside = [low - 1, high + 1, high + 8_192, low - 8_192, 2 * high + 2]
    reachable = [value for value in outside if -most * (low < 0 or kind != WORD) <= value <= most]
    assert [value for value in reachable if not wrong(made, value)] == []
    assert reachable or high == WORD_MAX


def test_every_step_of_a_digest_is_looked_up() -> None:
    """Given a digest of a digest and three words, two steps, then no lane and no limb of it can be another."""
    words = [f"%{at}:word = input w{at} | 0 {WORD_MAX}" for at in (1, 2, 3)]
    given = f"%0:digest = input d | 0 {DIGEST_MAX}"
    made = written("operation", given, *words, f"%4:digest = digest %0 %1 %2 %3 | {int(Tag.QUEUE)} 1")
    values = [pack_digest(tuple(range(11, 19))), 2**62 + 5, 2**55, 3 * 2**40]
    row = RowFiller(made, Call(made, [*values, 0], {"active": 1, "t": 1})).fill()
    said = honest(made.table, row, 0)
    assert row_faults(made.table, said, row, 0) == []
    for at, column in enumerate(made.table.columns):
        if re.fullmatch(r"%\d\..*", column.name):
            other = [*row[:at], row[at] + 1, *row[at + 1 :]]
            assert "hash" in row_faults(made.table, said, other, 0), column.name
