"""What the deployed rules allow, or cannot answer, and this project's own rules do otherwise.

Each test shows one weak point named in docs/starkex.md on the smallest state that has it.
"""

import re
from pathlib import Path

import attrs
import pytest

from perp_reference.starkex.machine import IndexTick, Machine
from perp_reference.starkex.state import State, Stored
from perp_spec.starkex.bounds import BALANCE_BOUND, ONE, RISK_SEGMENT_LAST
from perp_spec.starkex.corrected import CORRECTED
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.transactions import Deleverage, ForcedTrade, ForcedWithdrawal, Liquidate, Trade, Withdrawal
from support.starkex import (
    BTC,
    ETH,
    FEE_KEY,
    MACHINE,
    NOW,
    ONE_SEGMENT,
    order,
    outcome,
    position,
    reason,
    system,
    trade,
    value_and_risk,
)

FIXED = Machine(CORRECTED)


def answers(state: State, action: ForcedTrade, machine: Machine) -> dict[bool, Reason]:
    """What becomes of a forced action under each answer."""
    return {valid: reason(state, attrs.evolve(action, is_valid=valid), machine) for valid in (True, False)}


SELL_TO_THE_LAST = ForcedTrade(
    public_key_a=1,
    public_key_b=2,
    position_id_a=1,
    position_id_b=2,
    asset_id=BTC,
    amount_collateral=4000,
    amount_synthetic=BALANCE_BOUND,
    a_buys=True,
    nonce=5,
)
"""A buys 2^63 units from B, who holds none: B would end at exactly -2^63."""


def test_a_seller_who_would_end_at_minus_2_to_63_can_be_answered_neither_way() -> None:
    """Given a buyer who could take 2^63 - 1 units at most, and so fails too, both answers abort the batch."""
    state = system({1: position(1, 10**9), 2: position(2, 10**9)})
    assert answers(state, SELL_TO_THE_LAST, MACHINE) == {True: Reason.UNCODED_ASSERT, False: Reason.UNCODED_ASSERT}


def test_one_unit_less_can_be_answered() -> None:
    state = system({1: position(1, 10**9), 2: position(2, 10**9)})
    action = attrs.evolve(SELL_TO_THE_LAST, amount_synthetic=BALANCE_BOUND - 1)
    assert answers(state, action, MACHINE)[False] is Reason.SUCCESS


UNANSWERABLE = [
    pytest.param({1: position(1, 10**9), 2: position(2, 10**9)}, SELL_TO_THE_LAST, id="a balance of -2^63"),
    pytest.param(
        {1: position(1, 9), 2: position(2, 9, (ETH, 1, 0))},
        attrs.evolve(SELL_TO_THE_LAST, amount_synthetic=1, amount_collateral=1),
        id="a held asset without a price",
    ),
    pytest.param(
        {1: position(1, 9), 2: position(2, BALANCE_BOUND - 1, (BTC, 1, ONE))},
        attrs.evolve(SELL_TO_THE_LAST, amount_synthetic=1, amount_collateral=1),
        id="funding that takes the collateral out of range",
    ),
]


@pytest.mark.parametrize(("positions", "action"), UNANSWERABLE)
def test_the_corrected_rule_accepts_exactly_one_answer(positions: dict[int, Stored], action: ForcedTrade) -> None:
    """Given what the deployed rule cannot answer, the corrected one accepts that it cannot be done."""
    state = system(positions, prices=((BTC, ONE),))
    assert set(answers(state, action, MACHINE).values()) == {Reason.UNCODED_ASSERT}
    fixed = answers(state, action, FIXED)
    assert fixed[False] is Reason.SUCCESS
    assert fixed[True] is not Reason.SUCCESS


def test_the_corrected_rule_leaves_a_position_alone_to_which_funding_cannot_be_applied() -> None:
    refused = position(2, BALANCE_BOUND - 1, (BTC, 1, ONE))
    state = system({1: position(1, 9), 2: refused})
    action = attrs.evolve(SELL_TO_THE_LAST, amount_synthetic=1, amount_collateral=1, is_valid=False)
    ended, after = outcome(state, action, FIXED)
    assert ended is Reason.SUCCESS
    assert after.positions[2] == refused


def test_a_forced_withdrawal_too_can_be_answered_neither_way_without_a_price() -> None:
    state = system({1: position(1, 9, (ETH, 1, 0))}, prices=((BTC, ONE),))
    for valid in (True, False):
        assert reason(state, ForcedWithdrawal(1, 1, 1, valid)) is Reason.UNCODED_ASSERT


def liquidation(synthetic: int, collateral: int) -> Liquidate:
    """Position 1 buys from position 2, which is liquidated."""
    return Liquidate(
        liquidator_order=order(1, True, synthetic, collateral),
        liquidated_position_id=2,
        actual_collateral=collateral,
        actual_synthetic=synthetic,
    )


def test_a_full_liquidation_may_take_all_remaining_equity() -> None:
    """Given a position worth 1 with 10 units, its whole liquidation for 9 leaves nothing, but 8 would be refused."""
    state = system({1: position(1, 1000), 2: position(2, -9, (BTC, 10, 0))})
    assert value_and_risk(state, state.positions[2]) == (1, 5)
    ended, after = outcome(state, liquidation(10, 9))
    assert ended is Reason.SUCCESS
    assert after.positions[2] == position(0, 0)
    too_cheap = reason(state, liquidation(10, 8))
    assert too_cheap is Reason.ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO


def test_the_same_loss_in_a_partial_liquidation_is_refused() -> None:
    state = system({1: position(1, 1000), 2: position(2, -9, (BTC, 10, 0))})
    partial = reason(state, liquidation(9, 8))
    assert partial is Reason.ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO


def test_rounding_favours_whoever_picks_the_sizes_of_the_fills() -> None:
    """Given an order to buy 3 units for 10, three fills of one unit may cost 4 each: 12 in all."""
    state = system({1: position(1, 1000), 2: position(2, 1000)})
    paid = 0
    for nonce in range(3):
        match = Trade(
            order_a=order(1, True, 3, 10),
            order_b=order(2, False, 1, 4, nonce=nonce, order_id=100 + nonce),
            actual_collateral=4,
            actual_synthetic=1,
        )
        before = state.positions[1].position.collateral
        ended, state = outcome(state, match)
        assert ended is Reason.SUCCESS
        paid += before - state.positions[1].position.collateral
    assert paid == 12
    assert reason(system({1: position(1, 1000), 2: position(2, 1000)}), trade(1, 2, 3, 10)) is Reason.SUCCESS


def test_a_price_of_last_year_is_still_a_price() -> None:
    """Given a funding tick after a year and no oracle tick, trades go on at the prices of last year."""
    state = system({1: position(1, 1000), 2: position(2, 1000)})
    later = IndexTick(timestamp=NOW + 365 * 86_400, rows=((BTC, 0), (ETH, 0)))
    ended, state = outcome(state, later)
    assert ended is Reason.SUCCESS
    assert state.system.system_time == NOW + 365 * 86_400
    assert reason(state, trade(1, 2, 10, 10)) is Reason.SUCCESS


def test_no_trade_is_bound_by_the_price() -> None:
    """Given a price of 1, a trade of one unit for 900 is accepted where both stay well leveraged."""
    state = system({1: position(1, 1000), 2: position(2, 1000)})
    assert reason(state, trade(1, 2, 1, 900)) is Reason.SUCCESS


def test_the_partner_of_a_deleverage_is_the_operators_choice() -> None:
    """Given two positions on the other side, one with the better part of the gain, either may be taken."""
    state = system(
        {1: position(1, 1000, (BTC, -10, 0)), 2: position(2, -11, (BTC, 10, 0)), 3: position(3, 20, (BTC, -10, 0))}
    )
    for partner in (1, 3):
        close = Deleverage(
            deleveragable_position_id=2,
            deleverager_position_id=partner,
            asset_id=BTC,
            amount_synthetic=10,
            amount_collateral=11,
            deleverager_buys=True,
        )
        assert reason(state, close) is Reason.SUCCESS


FALLING_RISK = ((10, ONE - 1), (RISK_SEGMENT_LAST, ONE // 10))
"""A configuration in which more than ten units are less risky than ten."""


def test_risk_need_not_rise_with_size() -> None:
    """Given risk that falls with size, selling one of eleven units is refused, for it makes the position riskier."""
    state = system({1: position(1, 1000), 2: position(2, -9, (BTC, 11, 0))}, segments=FALLING_RISK)
    large, small = position(2, -9, (BTC, 11, 0)), position(2, -9, (BTC, 10, 0))
    assert value_and_risk(state, large)[1] < value_and_risk(state, small)[1]
    refused = reason(state, trade(1, 2, 1, 1))
    assert refused is Reason.ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO
    assert reason(system(state.positions, segments=ONE_SEGMENT), trade(1, 2, 1, 1)) is Reason.SUCCESS


def test_a_debt_cannot_be_reduced_at_the_price() -> None:
    """Given a position worth -1, selling one unit or all at the price is refused; a better price for all is not."""
    state = system({1: position(1, 1000), 2: position(2, -11, (BTC, 10, 0))})
    assert value_and_risk(state, state.positions[2]) == (-1, 5)
    for units in (1, 10):
        refused = reason(state, trade(1, 2, units, units))
        assert refused is Reason.ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO
    assert reason(state, trade(1, 2, 10, 11)) is Reason.SUCCESS


def test_the_rate_of_funding_is_the_operators_word() -> None:
    """Given a second and a rate of 1120 / 2^32 at most, an index may rise or fall by so much, or stay."""
    for moved, code in (
        (-1121, Reason.UNCODED_ASSERT),
        (-1120, Reason.SUCCESS),
        (0, Reason.SUCCESS),
        (1120, Reason.SUCCESS),
    ):
        tick = IndexTick(timestamp=NOW + 1, rows=((BTC, moved), (ETH, 0)))
        assert reason(system({}), tick) is code


def test_initial_and_maintenance_margin_are_one() -> None:
    """Given a trade that ends just well leveraged, the next tick of the price makes it liquidatable."""
    state = system({1: position(1, 5), 2: position(2, 1000)})
    ended, after = outcome(state, trade(1, 2, 10, 10))
    assert ended is Reason.SUCCESS
    assert value_and_risk(after, after.positions[1]) == (5, 5)
    worse = system(after.positions, prices=((BTC, ONE - 1), (ETH, ONE)))
    take = Liquidate(
        liquidator_order=order(2, True, 1, 1), liquidated_position_id=1, actual_collateral=1, actual_synthetic=1
    )
    assert reason(after, take) is Reason.UNLIQUIDATABLE_POSITION
    assert reason(worse, take) is Reason.SUCCESS


def test_a_loss_below_zero_stays_where_it_is() -> None:
    """Given a position without assets and with negative collateral, nothing can be taken from anybody to cover it."""
    state = system({1: position(1, 1000), 2: position(2, -5)})
    take = liquidation(1, 1)
    assert reason(state, take) is Reason.ILLEGAL_POSITION_TRANSITION_ENLARGING_SYNTHETIC_HOLDINGS
    close = Deleverage(2, 1, BTC, 0, 0, True)
    assert reason(state, close) is Reason.UNFAIR_DELEVERAGE


def test_a_position_that_is_empty_in_between_keeps_its_time() -> None:
    """Given a position of which a trade takes the last collateral and adds a unit, it is not empty at the end."""
    state = system({1: position(1, 10), 2: position(2, 1000)}, segments=((RISK_SEGMENT_LAST, 1),))
    ended, after = outcome(state, trade(1, 2, 20, 10))
    assert ended is Reason.SUCCESS
    assert after.positions[1].position.funding_timestamp == NOW
    assert after.positions[2].position.funding_timestamp == NOW


def test_money_may_leave_without_limit() -> None:
    """Given a position without assets, everything can be withdrawn in one transaction."""
    state = system({1: position(1, 10**18)})
    leave = Withdrawal(public_key=1, owner_key=1, position_id=1, amount=10**18, expiration=10, authorised=True)
    assert reason(state, leave) is Reason.SUCCESS


def test_the_fee_position_may_be_liquidated() -> None:
    """Given the fee position with a loss, its liquidation pays its own fee into it."""
    state = system({1: position(1, 1000), 0: position(FEE_KEY, -9, (BTC, 10, 0))})
    take = Liquidate(
        liquidator_order=order(1, True, 10, 9, amount_fee=9),
        liquidated_position_id=0,
        actual_collateral=9,
        actual_synthetic=10,
        actual_liquidator_fee=3,
    )
    ended, after = outcome(state, take)
    assert ended is Reason.SUCCESS
    assert after.positions[0].position.collateral == 3
    assert after.positions[1].position.collateral == 1000 - 9 - 3


def test_the_page_names_tests_that_there_are(root: Path) -> None:
    """Every weak point of the page has a test here."""
    page = (root / "docs" / "starkex.md").read_text(encoding="utf-8")
    rows = page.partition("| weak point | test | claim |")[2].partition("\n\n")[0].splitlines()[2:]
    named = [set(re.findall(r"`(test_\w+)`", row)) for row in rows]
    assert all(named)
    assert set().union(*named) <= set(globals())
