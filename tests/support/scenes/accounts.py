"""Scenes of open_account, set_kind, cancel and compact."""

from typing import Any

from perp_spec.perpetual.operations import Cancel, Compact, OpenAccount, SetKind
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Account, Kind
from support.scenes.money import INTENT
from support.scenes.scene import (
    ABSENT,
    CHILD,
    FROZEN,
    LONG,
    OTHER,
    SHORT,
    Change,
    Scene,
    deal,
    guard,
    op,
    position,
    record,
    small_world,
    traded_world,
)
from support.worlds import FOREVER, World, intent


def open_account_scene() -> tuple[World, Any]:
    """OTHER opens an isolated account for market 1."""
    return small_world(), OpenAccount(12, 1_007, Kind.ISOLATED, OTHER, 1, FOREVER, authorised=True)


OPEN_ACCOUNT = Scene(
    "open_account",
    open_account_scene,
    (
        FROZEN,
        guard(Reason.RESERVED_ACCOUNT, op(account=FUND)),
        guard(Reason.ACCOUNT_EXISTS, op(account=LONG)),
        guard(Reason.BAD_SIGNATURE, op(owner=0)),
        guard(Reason.BAD_SIGNATURE, op(authorised=False)),
        guard(Reason.ORDER_EXPIRED, op(expiry=999_999)),
        guard(Reason.BAD_KIND, op(kind=4)),
        guard(Reason.BAD_PARENT, op(parent=LONG)),
        guard(Reason.NO_MARKET, op(market=3)),
    ),
)

PARENTS: dict[str, Change] = {
    "absent": op(parent=ABSENT),
    "reserved": op(parent=FUND),
    "isolated": op(parent=CHILD),
    "of a cross account": op(kind=Kind.CROSS, market=0),
    "none, but a market": op(kind=Kind.CROSS, parent=0),
    "of a portfolio account": op(kind=Kind.PORTFOLIO, market=0),
}
"""Improper parents, and accounts that are not isolated but name a parent or a market."""


def set_kind_scene() -> tuple[World, Any]:
    """LONG, with 100 lots at 100 and equity 20,000, becomes a portfolio account."""
    return traded_world(), SetKind(LONG, Kind.PORTFOLIO, intent(3))


SET_KIND = Scene(
    "set_kind",
    set_kind_scene,
    (
        FROZEN,
        guard(Reason.RESERVED_ACCOUNT, op(account=FUND)),
        guard(Reason.NO_ACCOUNT, op(account=ABSENT)),
        *INTENT,
        guard(Reason.BAD_KIND, op(kind=Kind.ISOLATED)),
        # Portfolio: 24 % of 10,000 as maintenance, half as much again as initial margin: 3,600. Equity 3,599.
        guard(Reason.INITIAL_MARGIN, record(Account, LONG, collateral=-6_401)),
    ),
)


def cancel_scene() -> tuple[World, Any]:
    """LONG cancels nonce 3 of order slot 0."""
    return small_world(), Cancel(LONG, intent(3))


CANCEL = Scene(
    "cancel",
    cancel_scene,
    (
        FROZEN,
        guard(Reason.RESERVED_ACCOUNT, op(account=FUND)),
        guard(Reason.NO_ACCOUNT, op(account=ABSENT)),
        *INTENT,
    ),
)


def compact_scene() -> tuple[World, Any]:
    """LONG holds market 1 in slot 1, and slot 0 is empty again."""
    world = traded_world()
    world.must(deal(LONG, SHORT, 10, 50, market=1, slots=(1, 1)))
    back = deal(SHORT, LONG, 100, 100)
    world.must(back)
    return world, Compact(LONG, 0, 1)


COMPACT = Scene(
    "compact",
    compact_scene,
    (
        FROZEN,
        guard(Reason.NO_ACCOUNT, op(account=ABSENT)),
        guard(Reason.SLOT, op(top=2)),
        guard(Reason.NOTHING_TO_COMPACT, position(LONG, 0, 2, 5)),
    ),
)

SCENES = (OPEN_ACCOUNT, SET_KIND, CANCEL, COMPACT)
