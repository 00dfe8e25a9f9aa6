"""Scenes of deposit, withdraw and transfer."""

from typing import Any

from perp_spec.perpetual.operations import Transfer, Withdraw
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Account, Ledger, MarketPrice, OrderSlot
from perp_spec.words import ORDER_SLOTS
from support.scenes.scene import (
    ABSENT,
    FROZEN,
    LONG,
    SHORT,
    Change,
    Scene,
    answer,
    guard,
    op,
    record,
    small_world,
    traded_world,
)
from support.worlds import World, intent


def redeposit(account: int, amount: int, key: int | None = None) -> Change:
    """Another deposit instead, with its hash chain."""

    def change(world: World, operation: Any) -> Any:
        return world.deposit(account, amount, key)

    return change


def deposit_scene() -> tuple[World, Any]:
    """LONG deposits 700."""
    world = small_world()
    return world, world.deposit(LONG, 700)


DEPOSIT = Scene(
    "deposit",
    deposit_scene,
    (
        FROZEN,
        guard(Reason.QUEUE_ORDER, op(position=0)),
        guard(Reason.HASH_CHAIN, op(chain=1)),
        guard(Reason.FORCED_RESULT, op(result=2)),
    ),
    (
        answer(Reason.AMOUNT, redeposit(LONG, 0)),
        answer(Reason.NO_ACCOUNT, redeposit(LONG, 5, key=9)),
        answer(Reason.VAULT_CAP, redeposit(LONG, 10**9)),
        answer(Reason.COLLATERAL_RANGE, record(Account, LONG, collateral=2**61), redeposit(LONG, 5)),
    ),
)


def withdraw_scene() -> tuple[World, Any]:
    """LONG, with 100 lots at 100 and equity 20,000, withdraws 5,000."""
    return traded_world(), Withdraw(LONG, 5_000, intent(3))


SUSPENDED = record(MarketPrice, 0, level=2, gap=True)
"""A gap in market 0: twice the initial margin must stay."""

INTENT = (
    guard(Reason.BAD_SIGNATURE, op(intent__authorised=False)),
    guard(Reason.ORDER_EXPIRED, op(intent__expiry=999_999)),
    guard(Reason.ORDER_STALE, record(OrderSlot, LONG * ORDER_SLOTS, nonce=4)),
)
"""The guards of an intent of LONG with nonce 3 in order slot 0."""

PAY_OUT = (
    guard(Reason.INITIAL_MARGIN, op(amount=19_101)),
    guard(Reason.ORACLE_LEVEL, SUSPENDED, op(amount=18_201)),
)
"""With 20,000 of equity and 900 of initial margin 19,100 may leave, and 18,200 while the market is suspended."""

WITHDRAW = Scene(
    "withdraw",
    withdraw_scene,
    (
        FROZEN,
        guard(Reason.AMOUNT, op(amount=0)),
        guard(Reason.RESERVED_ACCOUNT, op(account=FUND)),
        guard(Reason.NO_ACCOUNT, op(account=ABSENT)),
        *INTENT,
        guard(Reason.BUCKET, record(Ledger, 0, bucket=4_999)),
        guard(Reason.VAULT, record(Ledger, 0, vault=4_999)),
        *PAY_OUT,
        guard(Reason.COLLATERAL_RANGE, record(Account, LONG, collateral=2**61 + 5_001)),
    ),
)


def transfer_scene() -> tuple[World, Any]:
    """LONG, with 100 lots at 100 and equity 20,000, sends 5,000 to SHORT, who holds the other side."""
    return traded_world(), Transfer(LONG, SHORT, 5_000, intent(3))


TRANSFER = Scene(
    "transfer",
    transfer_scene,
    (
        FROZEN,
        guard(Reason.AMOUNT, op(amount=2**60 + 1)),
        guard(Reason.SAME_ACCOUNT, op(recipient=LONG)),
        guard(Reason.RESERVED_ACCOUNT, op(sender=FUND)),
        guard(Reason.NO_ACCOUNT, op(sender=ABSENT)),
        guard(Reason.NO_ACCOUNT, op(recipient=ABSENT)),
        *INTENT,
        *PAY_OUT,
        guard(Reason.COLLATERAL_RANGE, record(Account, LONG, collateral=2**61 + 5_001)),
        guard(Reason.COLLATERAL_RANGE, record(Account, SHORT, collateral=2**61 - 4_999)),
    ),
)

SCENES = (DEPOSIT, WITHDRAW, TRANSFER)
