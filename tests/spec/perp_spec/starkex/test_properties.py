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
from perp_spec.starkex.bounds import ONE
from perp_spec.starkex.corrected import CORRECTED
from perp_spec.starkex.oracle import internal_price
from perp_spec.starkex.position import fund_whole
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.transactions import Deleverage, ForcedTrade
from support.starkex import BTC, ETH, FEE_POSITION, NOW, balances, money, outcome, reason, value_and_risk
from support.starkex_random import FLAGS, FORCED, KEYS, TRANSACTIONS, systems

FIXED = Machine(CORRECTED)


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
