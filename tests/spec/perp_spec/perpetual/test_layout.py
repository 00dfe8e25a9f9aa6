"""How records are cut into elements and bytes, and where they are in the trees."""

from typing import Any

import pytest

from perp_hash.tags import Tag
from perp_reference.core.state import STATE_RECORDS
from perp_spec.perpetual.layout import (
    ACCOUNT_LEAF_ELEMENTS,
    BLOCK_ELEMENTS,
    ORDER_SLOT_ELEMENTS,
    POSITION_LEAF_ELEMENTS,
    SLOTS_A_LEAF,
    STATE_TREES,
    TREES,
    Nesting,
    Part,
    Shape,
    bytes_in,
    bytes_of,
    elements_in,
    parts_of,
    pieces_of,
    shape_of,
)
from perp_spec.perpetual.operations import Header, Intent, OracleTick, Withdraw
from perp_spec.perpetual.records import Account, Exchange, Ledger, OrderSlot, Position, Queue
from perp_spec.words import ACCOUNTS_MAX, WORD_MAX, Field, Unit


@pytest.mark.parametrize(
    ("low", "high", "shape", "size"),
    [
        (0, 0, Shape.SINGLE, 0),
        (0, 1, Shape.SINGLE, 1),
        (0, 255, Shape.SINGLE, 1),
        (0, 256, Shape.SINGLE, 2),
        (0, 2**13 - 1, Shape.SINGLE, 2),
        (0, 2**13, Shape.PAIR, 2),
        (-1, 1, Shape.PAIR, 1),
        (-128, 127, Shape.PAIR, 1),
        (-129, 0, Shape.PAIR, 2),
        (0, 2**26 - 1, Shape.PAIR, 4),
        (-(2**26) + 1, 0, Shape.PAIR, 4),
        (-(2**26), 0, Shape.QUAD, 4),
        (0, 2**26, Shape.QUAD, 4),
        (0, 2**52 - 1, Shape.QUAD, 7),
        (0, 2**52, Shape.WORD, 7),
        (0, WORD_MAX, Shape.WORD, 8),
        (-WORD_MAX, WORD_MAX, Shape.WORD, 8),
    ],
)
def test_a_range_is_cut_into_the_fewest_limbs_and_bytes_that_hold_it(
    low: int, high: int, shape: Shape, size: int
) -> None:
    field = Field(Unit.COUNT, low, high, "")
    assert (shape_of(field, low, high), bytes_of(field, low, high)) == (shape, size)


def test_a_digest_is_eight_elements_and_32_bytes() -> None:
    field = Field(Unit.DIGEST, 0, 2**248 - 1, "")
    assert (shape_of(field, 0, 0), bytes_of(field, 0, 0)) == (Shape.DIGEST, 32)


def test_attributes_of_a_record_are_told_apart() -> None:
    assert [(part.name, part.nesting, part.count) for part in parts_of(OracleTick)] == [
        ("market", Nesting.PLAIN, 1),
        ("reports", Nesting.ROWS, 4),
        ("authorised", Nesting.PLAIN, 1),
    ]
    assert parts_of(Withdraw)[-1] == Part("intent", Nesting.NESTED, 1, Intent, None)


def test_values_inside_other_records_are_named_by_their_path() -> None:
    assert [piece.path for piece in pieces_of(Withdraw)] == [
        "account",
        "amount",
        "intent.slot",
        "intent.nonce",
        "intent.expiry",
        "intent.authorised",
    ]
    assert pieces_of(OracleTick)[20].path == "reports[1].median"
    assert pieces_of(OracleTick)[21].path == "reports[1].signers[0]"


def test_a_parent_is_an_account() -> None:
    (parent,) = [piece for piece in pieces_of(Account) if piece.path == "parent"]
    assert (parent.low, parent.high, parent.shape, parent.bytes) == (0, ACCOUNTS_MAX - 1, Shape.PAIR, 3)


def test_an_account_takes_two_permutations_and_a_position_one() -> None:
    assert elements_in(Account) == ACCOUNT_LEAF_ELEMENTS == 16
    assert elements_in(Position) == 6
    assert POSITION_LEAF_ELEMENTS == 8


def test_the_owner_fills_the_first_block_of_an_account() -> None:
    (owner,) = [piece for piece in pieces_of(Account) if piece.shape is Shape.DIGEST]
    assert (owner.path, BLOCK_ELEMENTS) == ("owner", 8)


def test_two_order_slots_take_one_permutation() -> None:
    assert SLOTS_A_LEAF * ORDER_SLOT_ELEMENTS == 16
    assert elements_in(OrderSlot) == 5


@pytest.mark.parametrize(("kind", "elements", "size"), [(Header, 21, 78), (OracleTick, 109, 326), (Position, 6, 17)])
def test_sizes_of_records(kind: type[Any], elements: int, size: int) -> None:
    assert (elements_in(kind), bytes_in(kind)) == (elements, size)


def test_every_record_of_the_state_is_in_one_tree_or_in_the_global_leaf() -> None:
    in_trees = [record for tree in TREES for record in tree.leaves]
    assert sorted(kind.__name__ for kind in (*in_trees, Exchange, Ledger, Queue)) == sorted(
        kind.__name__ for kind in STATE_RECORDS
    )


def test_trees_are_as_high_as_the_configuration_digest_says() -> None:
    assert [(tree.name, tree.height, tree.tag) for tree in TREES] == [
        ("accounts", 20, Tag.ACCOUNT_LEAF),
        ("orders", 11, Tag.ORDER_LEAF),
        ("markets", 6, Tag.MARKET_LEAF),
        ("requests", 20, Tag.REQUEST_LEAF),
    ]


def test_the_trees_of_order_slots_are_below_the_accounts() -> None:
    assert [tree.name for tree in STATE_TREES] == ["accounts", "markets", "requests"]
