"""What the tables know of the layout is what the specification says, found again from the listing."""

from random import Random
from typing import Any

import pytest

from perp_hash.field import MODULUS
from perp_hash.poseidon import DEFAULT_SUITE
from perp_proofs.air import layout
from perp_proofs.air.layout import record_elements, shape_of
from perp_proofs.program.listing import DIGEST, Program
from perp_proofs.program.shapes import CLASSES, build, flat
from perp_reference.core.commitment import empty_orders
from perp_reference.core.encoding import record_elements as reference_elements
from perp_reference.core.tree import unpacked
from perp_spec.perpetual import layout as spec
from support.state_side import leaves

TREES = {
    layout.ACCOUNTS: spec.ACCOUNTS,
    layout.ORDERS: spec.ORDERS,
    layout.MARKETS: spec.MARKETS,
    layout.REQUESTS: spec.REQUESTS,
}


def test_trees_and_numbers_are_those_of_the_specification() -> None:
    assert [layout.HEIGHTS[tree] for tree in layout.HEIGHTS] == [tree.height for tree in spec.TREES]
    assert {tree: TREES[tree].height for tree in TREES} == layout.HEIGHTS
    assert layout.LAYOUT_VERSION == spec.LAYOUT_VERSION
    assert layout.SLOTS_A_LEAF == spec.SLOTS_A_LEAF
    assert tuple(kind.__name__ for kind in spec.MARKETS.leaves) == layout.MARKET_RECORDS
    assert max(layout.HEIGHTS.values()) < layout.PLACES_A_TREE


def test_the_root_of_unused_order_slots_is_that_of_the_reference() -> None:
    packed = b"".join(lane.to_bytes(4, "little") for lane in layout.empty_orders(DEFAULT_SUITE))
    assert packed == empty_orders()
    assert unpacked(0) == bytes(32)


@pytest.mark.parametrize("name", CLASSES)
def test_shapes_are_those_of_the_layout(program: Program, name: str) -> None:
    fields = program.records[name].fields
    pieces = spec.pieces_of(CLASSES[name])
    assert [(field.name, shape_of(field).value) for field in fields] == [
        (piece.path, piece.shape.value) for piece in pieces
    ]


def random_value(random: Random, piece: Any) -> int:
    if piece.shape is spec.Shape.DIGEST:
        return sum(random.randrange(MODULUS) << 31 * at for at in range(8))
    return random.choice((piece.low, piece.high, 0, random.randint(piece.low, piece.high)))


@pytest.mark.parametrize("name", CLASSES)
def test_elements_are_those_of_the_reference(program: Program, name: str) -> None:
    random, fields = Random(name), program.records[name].fields
    for _ in range(20):
        values = [random_value(random, piece) for piece in spec.pieces_of(CLASSES[name])]
        typed = (bool(value) if field.type == "bit" else value for value, field in zip(values, fields, strict=True))
        record = build(CLASSES[name], typed)
        split = [leaves([field], [value]) for field, value in zip(fields, flat(record), strict=True)]
        assert [element % MODULUS for element in record_elements(fields, split)] == reference_elements(record)


@pytest.mark.parametrize("name", CLASSES)
def test_no_limb_is_left_out_that_the_range_fills(program: Program, name: str) -> None:
    """Given the largest value of a field, then its limbs are all in the elements: changing one changes them."""
    fields = program.records[name].fields
    for at, field in enumerate(fields):
        split = [[0] * len(leaves([own], [0])) for own in fields]
        base = record_elements(fields, split)
        largest = sum(1 << 31 * lane for lane in range(8)) if field.type == DIGEST else field.high
        for limb, value in enumerate(leaves([field], [largest])):
            if value:
                split[at][limb] = value
                assert record_elements(fields, split) != base, (field.name, limb)
                split[at][limb] = 0
