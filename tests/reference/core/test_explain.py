"""The explaining reading agrees with the plain one, goes on after a false guard, and shows the numbers."""

import pytest

from perp_reference.core.explain import Comparison, Explaining, Guard, explain, violated
from perp_reference.core.machine import Machine
from perp_reference.core.state import genesis
from perp_spec.language import Rejected, both, either, negate, reading_as, require, select
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import Cancel, Intent, Withdraw
from perp_spec.perpetual.reasons import Reason


def test_every_guard_is_shown_in_order_with_its_numbers() -> None:
    state = genesis(default_config(1))
    guards = explain(state, Cancel(account=7, intent=Intent(slot=1, nonce=3, expiry=0)))
    assert guards == [
        Guard(Reason.FROZEN, True, (Comparison(0, "==", 0, True),)),
        Guard(Reason.RESERVED_ACCOUNT, True, (Comparison(7, "!=", 0, True),)),
        Guard(Reason.NO_ACCOUNT, False, (Comparison(0, "!=", 0, False),)),
        Guard(Reason.BAD_SIGNATURE, False, ()),
        Guard(Reason.ORDER_EXPIRED, True, (Comparison(0, "<=", 0, True),)),
        Guard(Reason.ORDER_STALE, True, (Comparison(3, ">=", 0, True),)),
    ]
    assert violated(guards) == (Reason.NO_ACCOUNT, Reason.BAD_SIGNATURE)


def test_what_decided_a_guard_is_told_from_what_it_also_compared() -> None:
    reading = Explaining()
    small, large = reading.wrap(1), reading.wrap(3)
    rising, falling, level = Comparison(1, "<", 3, True), Comparison(1, ">", 3, False), Comparison(1, "==", 3, False)
    with reading_as(reading):
        conditions = (
            both(small < large, small > large),
            both(small < large, negate(small > large)),
            either(small > large, small == large),
            either(small < large, small == large),
            negate(either(small < large, small == large)),
            select(small < large, small > large, True),
        )
        for condition in conditions:
            require(condition, Reason.AMOUNT)
    assert [(guard.holds, guard.deciding) for guard in reading.guards] == [
        (False, (falling,)),
        (True, (rising, falling)),
        (False, (falling, level)),
        (True, (rising,)),
        (False, (rising,)),
        (False, (rising, falling)),
    ]
    assert [guard.comparisons for guard in reading.guards[3:5]] == [(rising, level)] * 2


def test_the_first_false_guard_is_the_reason_of_the_rejection() -> None:
    state = genesis(default_config(1))
    operation = Withdraw(account=9, amount=0)
    with pytest.raises(Rejected) as caught:
        Machine(state).apply(operation)
    assert caught.value.reason is violated(explain(state, operation))[0] is Reason.AMOUNT


def test_explaining_does_not_change_the_state() -> None:
    state = genesis(default_config(1))
    explain(state, Cancel(account=0, intent=Intent(authorised=True)))
    assert state.journal == {}


@pytest.mark.parametrize("use", [bool, hash])
def test_a_term_is_no_truth_value_and_has_no_hash(use: type) -> None:
    with pytest.raises(TypeError):
        use(Explaining().wrap(1))
