"""The inputs of operations in a row: exactly their declared ranges."""

import re
from random import Random

import pytest

from perp_hash.field import MODULUS
from perp_proofs.air.buses import arities
from perp_proofs.air.interfaces import Spans
from perp_proofs.air.rulebook import Rules, RuleTable
from perp_proofs.air.words import shape_of
from perp_proofs.air.writer import Writer
from perp_proofs.program.listing import BIT, SMALL, WORD, WORD_MAX, Program, parse_program
from perp_proofs.stark.fill.calls import Call
from perp_proofs.stark.fill.plain import RowFiller
from support.gadgets import complaints

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


def taking(role: str, kind: str, low: int, high: int) -> RuleTable:
    """The table of an operation, or of what begins a batch, that takes one value and does nothing."""
    head = f"{role} pay 1" if role == "operation" else f"{role} pay"
    text = f"program toy suite\n{head}\n  %0:{kind} = input value | {low} {high}\n  return\n"
    program: Program = parse_program(text)
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
    made = taking(role, kind, low, high)
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
