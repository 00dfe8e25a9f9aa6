"""The inputs of operations in a row: exactly their declared ranges."""

from random import Random

import pytest

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


def operation(kind: str, low: int, high: int) -> RuleTable:
    """The table of an operation that takes one value and does nothing."""
    text = f"program toy suite\noperation pay 1\n  %0:{kind} = input value | {low} {high}\n  return\n"
    program: Program = parse_program(text)
    rules = Rules(program, Spans(program), arities=arities(program))
    (listing,) = program.tables.values()
    Writer(rules, listing, "operation", "pay").write()
    return rules.tables["pay"]


def wrong(made: RuleTable, value: int) -> bool:
    """The row with a value is wrong."""
    return bool(complaints(made.table, RowFiller(made, Call(made, [value], {"active": 1, "t": 1})).fill()))


@pytest.mark.parametrize(("kind", "low", "high"), RANGES)
def test_inputs_are_just_those_of_the_range(kind: str, low: int, high: int) -> None:
    made = operation(kind, low, high)
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
