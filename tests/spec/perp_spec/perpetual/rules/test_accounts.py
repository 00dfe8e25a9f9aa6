"""Accounts and their slots: what an accepted operation leaves."""

import attrs

from perp_spec.perpetual.operations import Compact, SetKind, Withdraw
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Kind, OrderSlot, Position
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS
from support.scenes.accounts import cancel_scene, compact_scene, open_account_scene, set_kind_scene
from support.scenes.scene import LONG, OTHER
from support.worlds import intent


def test_open_account_makes_an_isolated_account() -> None:
    """Given OTHER, when it opens an isolated account for market 1, then it is there with nothing in it."""
    world, operation = open_account_scene()
    assert world.effects(operation) == {(Account, 12): Account(Kind.ISOLATED, 1_007, OTHER, 1)}


def test_set_kind_changes_the_kind_only() -> None:
    """Given LONG with equity 20,000 of 3,600 needed, when it turns to portfolio margin, then its kind is another."""
    world, operation = set_kind_scene()
    account = world.get(Account, LONG)
    assert world.effects(operation) == {
        (Account, LONG): attrs.evolve(account, kind=Kind.PORTFOLIO),
        (OrderSlot, LONG * ORDER_SLOTS): OrderSlot(4, 0),
    }


def test_set_kind_needs_the_initial_margin_of_the_old_kind_too() -> None:
    """Given a portfolio account with 3,599 of 3,600, when it turns to cross margin, then that is refused.

    Cross margin asks for 900 only; but an account in trouble may not choose what it is measured by.
    """
    world, operation = set_kind_scene()
    world.must(operation)
    world.set(Account, LONG, collateral=3_599 - 10_000)
    back = SetKind(LONG, Kind.CROSS, intent(4))
    assert world.would(back) is Reason.INITIAL_MARGIN
    world.set(Account, LONG, collateral=3_600 - 10_000)
    assert world.would(back) is None


def test_cancel_kills_the_nonce_and_all_below() -> None:
    """Given order slot 0 unused, when nonce 3 is cancelled, then 4 is the lowest that can be used."""
    world, operation = cancel_scene()
    assert world.effects(operation) == {(OrderSlot, LONG * ORDER_SLOTS): OrderSlot(4, 0)}
    assert world.would(Withdraw(LONG, 1, intent(3))) is Reason.ORDER_STALE
    assert world.would(Withdraw(LONG, 1, intent(4))) is None


def test_compact_moves_the_highest_position_into_a_hole() -> None:
    """Given slot 0 empty and market 1 in slot 1, when compacted, then market 1 is in slot 0, and one slot is left."""
    world, operation = compact_scene()
    account = world.get(Account, LONG)
    assert world.effects(operation) == {
        (Account, LONG): attrs.evolve(account, slots=1),
        (Position, LONG * POSITION_SLOTS): Position(1, 10, 0),
        (Position, LONG * POSITION_SLOTS + 1): Position(),
    }


def test_compact_lowers_the_count_where_the_highest_slot_is_empty() -> None:
    """Given slots 0 and 1 empty, when compacted twice, then no slot is left, and a third time is refused."""
    world, _ = compact_scene()
    world.state.put(Position, LONG * POSITION_SLOTS + 1, Position())
    world.state.commit()
    for top in (1, 0):
        world.must(Compact(LONG, 9, top))
        assert world.get(Account, LONG).slots == top
    assert world.would(Compact(LONG, 9, 0)) is Reason.SLOT
