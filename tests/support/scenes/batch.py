"""Scenes of record_proof, set_kill_switch and end_batch."""

from typing import Any

from perp_spec.perpetual.operations import EndBatch, RecordProof, SetKillSwitch
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Exchange, Mode, OrderSlot
from support.scenes.scene import FROZEN, Scene, guard, op, record, small_world
from support.worlds import World, intent


def third_batch() -> World:
    """The small world in its third batch."""
    world = small_world()
    world.later(10)
    world.later(10)
    return world


def record_proof_scene() -> tuple[World, Any]:
    """In the third batch the proof of the second is recorded."""
    return third_batch(), RecordProof(2)


RECORD_PROOF = Scene("record_proof", record_proof_scene, (FROZEN, guard(Reason.BATCH_NUMBER, op(number=3))))


def set_kill_switch_scene() -> tuple[World, Any]:
    """Governance halts market 1."""
    return small_world(), SetKillSwitch(1, False, Mode.HALT, intent(3))


SET_KILL_SWITCH = Scene(
    "set_kill_switch",
    set_kill_switch_scene,
    (
        FROZEN,
        guard(Reason.NO_MARKET, op(market=3)),
        guard(Reason.BAD_SIGNATURE, op(intent__authorised=False)),
        guard(Reason.ORDER_EXPIRED, op(intent__expiry=999_999)),
        guard(Reason.ORDER_STALE, record(OrderSlot, 0, nonce=4)),
        guard(Reason.KILL_SWITCH, op(mode=Mode.AUCTION)),
    ),
)


def end_batch_scene() -> tuple[World, Any]:
    """The third batch ends in normal mode."""
    return third_batch(), EndBatch(Mode.NORMAL)


END_BATCH = Scene(
    "end_batch",
    end_batch_scene,
    (
        guard(Reason.KILL_SWITCH, op(mode=Mode.AUCTION)),
        guard(Reason.MODE_NOT_ESCALATED, record(Exchange, 0, switch=Mode.THROTTLE)),
    ),
)

SCENES = (RECORD_PROOF, SET_KILL_SWITCH, END_BATCH)
