"""The Pedersen hash and the curve: published answers, and the tables against the definition."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perp_reference.starkex.pedersen import (
    FIRST_HIGH,
    FIRST_LOW,
    GENERATOR,
    ORDER,
    PRIME,
    SECOND_HIGH,
    SECOND_LOW,
    SHIFT,
    Point,
    add,
    chain,
    multiply,
    on_curve,
    pedersen,
    public_key,
    tables,
)
from perp_reference.starkex.trees import tree_root

ELEMENTS = st.one_of(st.integers(0, PRIME - 1), st.integers(0, 300), st.integers(PRIME - 300, PRIME - 1))


@pytest.mark.parametrize("point", [GENERATOR, SHIFT, FIRST_LOW, FIRST_HIGH, SECOND_LOW, SECOND_HIGH])
def test_the_points_lie_on_the_curve(point: Point) -> None:
    assert on_curve(point)


def test_the_order_of_the_generator_is_the_curves() -> None:
    x, y = multiply(ORDER - 1, GENERATOR)
    assert (x, y) == (GENERATOR[0], PRIME - GENERATOR[1])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (
            0x3D937C035C878245CAF64531A5756109C53068DA139362728FEB561405371CB,
            0x208A0A10250E382E1E4BBE2880906C2791BF6275695E02FBBC6AEFF9CD8B31A,
            0x30E480BED5FE53FA909CC0F8C4D99B8F9F2C016BE4C41E13A4848797979C662,
        ),
        (
            0x58F580910A6CA59B28927C08FE6C43E2E303CA384BADC365795FC645D479D45,
            0x78734F65A067BE9BDB39DE18434D71E79F7B6466A4B66BBD979AB9E7515FE0B,
            0x68CC0B76CDDD1DD4ED2301ADA9B7C872B23875D5FF837B3A87993E0D9996B87,
        ),
    ],
)
def test_published_hashes(first: int, second: int, expected: int) -> None:
    assert pedersen(first, second) == expected


def by_definition(first: int, second: int) -> int:
    """The hash as it is defined."""
    total = SHIFT
    for element, low, high in ((first, FIRST_LOW, FIRST_HIGH), (second, SECOND_LOW, SECOND_HIGH)):
        for scalar, point in ((element % 2**248, low), (element >> 248, high)):
            if scalar:
                total = add(total, multiply(scalar, point))
    return total[0]


@settings(max_examples=25)
@given(ELEMENTS, ELEMENTS)
def test_the_tables_give_the_hash_of_the_definition(first: int, second: int) -> None:
    assert pedersen(first, second) == by_definition(first, second)


def test_the_tables_hold_multiples() -> None:
    first, second = tables()
    assert [len(table) for table in first] == [len(table) for table in second] == [255] * 31 + [15]
    assert first[0][4] == multiply(5, FIRST_LOW)
    assert second[30][254] == multiply(255 * 2**240, SECOND_LOW)


@pytest.mark.parametrize("pair", [(PRIME, 0), (0, PRIME), (-1, 0), (0, -1)])
def test_only_field_elements_are_hashed(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="field elements"):
        pedersen(*pair)


def test_a_chain_hashes_from_the_left() -> None:
    assert chain((1, 2), 3) == pedersen(pedersen(3, 1), 2)
    assert chain(()) == 0


def test_a_tree_of_few_leaves_has_the_root_of_the_whole_tree() -> None:
    """Given eight leaves, three of them set, the root is that of hashing them all."""
    leaves = {1: 11, 4: 14, 7: 17}
    level = [leaves.get(number, 5) for number in range(8)]
    while len(level) > 1:
        level = [pedersen(level[place], level[place + 1]) for place in range(0, len(level), 2)]
    assert tree_root(leaves, 3, 5) == level[0]
    assert tree_root({}, 3, 5) == pedersen(*[pedersen(*[pedersen(5, 5)] * 2)] * 2)


def test_a_public_key_is_a_coordinate_of_a_multiple() -> None:
    assert public_key(1) == GENERATOR[0]
    assert public_key(3) == add(GENERATOR, add(GENERATOR, GENERATOR))[0]
