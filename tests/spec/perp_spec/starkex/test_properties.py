"""Properties of the StarkEx rules on random small systems."""

from typing import Any

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perp_reference.starkex.batch import touched_by
from perp_reference.starkex.machine import IndexTick, Machine, Rejected
from perp_reference.starkex.pedersen import PRIME
from perp_reference.starkex.state import State, Stored
from perp_spec.starkex.bounds import ONE, RISK_SEGMENT_LAST
from perp_spec.starkex.corrected import CORRECTED
from perp_spec.starkex.oracle import internal_price
from perp_spec.starkex.position import fund_whole
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.transactions import (
    Deleverage,
    Deposit,
    ForcedTrade,
    ForcedWithdrawal,
    Liquidate,
    Trade,
    Transfer,
    Withdrawal,
)
from support.starkex import (
    BTC,
    ETH,
    FEE_KEY,
    FEE_POSITION,
    NOW,
    balances,
    money,
    order,
    outcome,
    position,
    reason,
    system,
    value_and_risk,
)

FIXED = Machine(CORRECTED)

SMALL = st.integers(-12, 12)
AMOUNTS = st.integers(0, 24)
INDICES = st.sampled_from((-2 * ONE, -ONE, -1, 0, 1, ONE // 2, ONE, 2 * ONE))
PRICES = st.sampled_from((1, ONE - 1, ONE, ONE + 1, 2 * ONE, 3 * ONE, 8 * ONE))
RISKS = st.sampled_from((1, ONE // 100, ONE // 3, ONE // 2, ONE - 1))
KEYS = st.integers(1, 2)
FLAGS = st.booleans()


@st.composite
def positions_of(draw: st.DrawFn, key: int) -> Stored:
    held = [(asset_id, draw(SMALL), draw(INDICES)) for asset_id in (BTC, ETH)]
    kept = [holding for holding in held if holding[1] != 0]
    collateral = draw(st.integers(-40, 60))
    return position(key if kept or collateral else 0, collateral, *kept)


@st.composite
def systems(draw: st.DrawFn) -> State:
    """A system of two users and the fee position."""
    upper_bound = draw(st.integers(0, 10))
    return system(
        {
            1: draw(positions_of(1)),
            2: draw(positions_of(2)),
            FEE_POSITION: position(FEE_KEY, draw(AMOUNTS)),
        },
        prices=((BTC, draw(PRICES)), (ETH, draw(PRICES))),
        indices=((BTC, draw(INDICES)), (ETH, draw(INDICES))),
        segments=((upper_bound, draw(RISKS)), (RISK_SEGMENT_LAST, draw(RISKS))),
        by_balance=draw(FLAGS),
    )


ORDERS = st.builds(
    lambda number, buys, synthetic, collateral, fee: order(number, buys, synthetic, collateral, amount_fee=fee),
    KEYS,
    FLAGS,
    st.integers(1, 24),
    st.integers(1, 48),
    AMOUNTS,
)

TRANSACTIONS: st.SearchStrategy[Any] = st.one_of(
    st.builds(Deposit, public_key=KEYS, position_id=KEYS, amount=AMOUNTS),
    st.builds(lambda number, amount: Withdrawal(1, number, 10, number, amount, number, True, 1), KEYS, AMOUNTS),
    st.builds(
        lambda sender, amount: Transfer(1, sender, 10, sender, 3 - sender, 3 - sender, amount, 7, True, 1),
        KEYS,
        AMOUNTS,
    ),
    st.builds(
        lambda buyer, synthetic, collateral, fee_a, fee_b: Trade(
            order(buyer, True, synthetic, collateral, amount_fee=4),
            order(3 - buyer, False, synthetic, collateral, amount_fee=4),
            collateral,
            synthetic,
            fee_a,
            fee_b,
        ),
        KEYS,
        st.integers(1, 12),
        st.integers(1, 48),
        st.integers(0, 4),
        st.integers(0, 4),
    ),
    st.builds(
        lambda own, collateral, synthetic, fee: Liquidate(own, 3 - own.position_id, collateral, synthetic, fee),
        ORDERS,
        AMOUNTS,
        AMOUNTS,
        st.integers(0, 2),
    ),
    st.builds(
        lambda number, synthetic, collateral, buys: Deleverage(number, 3 - number, BTC, synthetic, collateral, buys),
        KEYS,
        AMOUNTS,
        AMOUNTS,
        FLAGS,
    ),
    st.builds(lambda number, amount, valid: ForcedWithdrawal(number, number, amount, valid), KEYS, AMOUNTS, FLAGS),
    st.builds(
        lambda number, collateral, synthetic, buys, valid: ForcedTrade(
            number, 3 - number, number, 3 - number, BTC, collateral, synthetic, buys, 5, valid
        ),
        KEYS,
        AMOUNTS,
        AMOUNTS,
        FLAGS,
        FLAGS,
    ),
)
"""Transactions of two users in one asset, many of which are accepted."""


def funded(state: State, stored: Stored) -> Stored:
    """A position with funding applied."""
    held = tuple((holding, state.assets[asset_id]) for asset_id, holding in stored.assets)
    whole = fund_whole(state.system, stored.position, held)
    return Stored(whole.position, tuple(zip(dict(stored.assets), whole.held, strict=True)))


@settings(max_examples=600)
@given(systems(), TRANSACTIONS)
def test_money_is_conserved_but_for_the_rounding_of_funding(state: State, transaction: Any) -> None:
    """What positions hold and owe changes by what enters or leaves, less under one unit for each position touched."""
    ended, after = outcome(state, transaction)
    numbers = {*state.positions, *after.positions}
    entered = sum(made.delta for made in after.modifications) if ended is Reason.SUCCESS else 0
    lost = money(state, numbers) + entered * ONE - money(after, numbers)
    touched = set(touched_by(transaction, FEE_POSITION)) if ended is Reason.SUCCESS else set()
    assert 0 <= lost <= len(touched) * (ONE - 1)
    assert balances(after) == balances(state)


def smaller(before: Stored, after: Stored) -> bool:
    """No asset was opened, enlarged or turned."""
    old = {asset_id: holding.balance for asset_id, holding in before.assets}
    return all(
        holding.balance * old.get(asset_id, 0) > 0 and abs(holding.balance) <= abs(old[asset_id])
        for asset_id, holding in after.assets
    )


@settings(max_examples=600)
@given(systems(), TRANSACTIONS)
def test_every_change_of_a_position_is_a_valid_transition(state: State, transaction: Any) -> None:
    """A changed position is well leveraged, or it was only reduced and its ratio did not fall, by exact fractions."""
    ended, after = outcome(state, transaction)
    if ended is not Reason.SUCCESS:
        return
    for number in {1, 2} & set(touched_by(transaction, FEE_POSITION)):
        before, now = funded(state, state.stored(number)), after.stored(number)
        if (before.position.collateral, before.assets) == (now.position.collateral, now.assets):
            continue
        (value, risk), (new_value, new_risk) = value_and_risk(state, before), value_and_risk(state, now)
        if new_risk <= new_value:
            continue
        assert smaller(before, now)
        assert value * new_risk <= new_value * risk
        assert risk > 0 or new_value >= value


@settings(max_examples=300)
@given(systems(), TRANSACTIONS)
def test_an_empty_position_has_no_key_and_another_has_one(state: State, transaction: Any) -> None:
    _, after = outcome(state, transaction)
    for number in (1, 2):
        stored = after.stored(number)
        assert (stored.position.public_key == 0) == (stored.position.collateral == 0 and not stored.assets)
        assert all(holding.balance != 0 for _, holding in stored.assets)
        assert list(dict(stored.assets)) == sorted(dict(stored.assets))


FORCED = st.builds(
    lambda number, collateral, synthetic, buys: ForcedTrade(
        number, 3 - number, number, 3 - number, BTC, collateral, synthetic, buys, 5
    ),
    KEYS,
    st.one_of(AMOUNTS, st.integers(0, 2**64 - 1)),
    st.one_of(AMOUNTS, st.integers(0, 2**64 - 1), st.just(2**63)),
    FLAGS,
)


@settings(max_examples=500)
@given(systems(), FORCED)
def test_of_two_answers_to_a_forced_trade_the_corrected_rule_accepts_one(state: State, action: ForcedTrade) -> None:
    accepted = [
        valid for valid in (True, False) if reason(state, attrs.evolve(action, is_valid=valid), FIXED) is Reason.SUCCESS
    ]
    assert len(accepted) == 1


@settings(max_examples=500)
@given(systems(), FORCED, FLAGS)
def test_where_the_deployed_rule_accepts_an_answer_the_corrected_one_does_the_same(
    state: State, action: ForcedTrade, valid: bool
) -> None:
    answered = attrs.evolve(action, is_valid=valid)
    ended, after = outcome(state, answered)
    if ended is Reason.SUCCESS:
        assert outcome(state, answered, FIXED) == (Reason.SUCCESS, after)


@settings(max_examples=300)
@given(systems(), KEYS, st.integers(1, 12), FLAGS)
def test_a_deleverage_has_one_price(state: State, number: int, synthetic: int, buys: bool) -> None:
    """At most one amount of collateral is accepted for a number of units."""
    accepted = [
        collateral
        for collateral in range(120)
        if reason(state, Deleverage(number, 3 - number, BTC, synthetic, collateral, buys)) is Reason.SUCCESS
    ]
    assert len(accepted) <= 1


@settings(max_examples=300)
@given(systems(), st.integers(0, 100), st.integers(-400, 400), st.integers(-400, 400))
def test_an_index_moves_at_most_by_rate_times_price_times_time(state: State, seconds: int, btc: int, eth: int) -> None:
    """Funding ticks leave out no asset, and move each index by at most what a fraction says."""
    old = dict(state.indices)
    rows = ((BTC, old[BTC] + btc), (ETH, old[ETH] + eth))
    ended, after = outcome(state, IndexTick(timestamp=NOW + seconds, rows=rows))
    prices = dict(state.prices)
    fits = all(abs(index - old[asset_id]) * ONE <= 1120 * prices[asset_id] * seconds for asset_id, index in rows)
    assert (ended is Reason.SUCCESS) == fits
    assert after.indices == (rows if fits else state.indices)


@given(st.integers(0, 2**120), st.integers(1, 2**64 - 1), st.integers(1, 2**64 - 1))
@example(2**120, 1, 1)
@example(10**18, 1, 10_633_823_966_279_327_296)
@example(10**18, 1, 10_633_823_966_279_327_297)
def test_an_internal_price_is_the_nearest(external: int, collateral_resolution: int, resolution: int) -> None:
    """Where the program can divide by the resolution and the quotient is below 2^128; elsewhere it aborts."""
    exact, unit = external * collateral_resolution * ONE, resolution * 10**18
    if unit > PRIME // 2**128 or 2 * exact + unit >= 2**129 * unit:
        with pytest.raises(Rejected):
            internal_price(external, collateral_resolution, resolution)
        return
    price = internal_price(external, collateral_resolution, resolution)
    assert abs(2 * (price * unit - exact)) <= unit
