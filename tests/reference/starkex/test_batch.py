"""Whole batches: the output words that no observed batch shows, and what makes a batch unprovable."""

from typing import Any

import attrs
import pytest

from perp_reference.starkex.batch import batch_output, with_ids
from perp_reference.starkex.check import fresh
from perp_reference.starkex.hashes import position_hash
from perp_reference.starkex.machine import IndexTick, PriceTick, Rejected
from perp_reference.starkex.state import EMPTY, AssetConfig, State
from perp_reference.starkex.trees import tree_root
from perp_spec.starkex.bounds import ONE
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.transactions import (
    ConditionalTransfer,
    Deposit,
    ForcedTrade,
    ForcedWithdrawal,
    Transfer,
    Withdrawal,
)
from support.starkex import BTC, ETH, FEE_KEY, MACHINE, NOW, ONE_SEGMENT, position, system, trade

AMOUNT_BIAS = 2**64
BIAS = 2**63


def batch_system() -> State:
    """A system in rollup mode, whose assets have one signer each."""
    state = system({0: position(FEE_KEY, 5), 1: position(1, 1000), 2: position(2, 1000)})
    assets = tuple(
        AssetConfig(asset_id, 1, ONE_SEGMENT, signers=(77,), quorum=1, signed_ids=(3,)) for asset_id in (BTC, ETH)
    )
    state.settings = attrs.evolve(state.settings, assets=assets, data_availability_mode=1)
    return state


TICK = PriceTick(timestamp=NOW + 10, rows=((BTC, ONE),))
EXTERNAL = ((BTC, 10**18), (ETH, 10**18))
"""A price of 1."""


def words_of(*transactions: Any) -> tuple[tuple[int, ...], State]:
    """The output of a batch, and the state after."""
    state = batch_system()
    words = batch_output(MACHINE, state, transactions, EXTERNAL, NOW)
    return words, state


def parts(words: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """The words after the two states: minimum expiration to conditions, and the availability data."""
    place = 2 + 1 + 2 * words[2]
    for _ in range(2):
        place += 1 + words[place]
    end = place + 1
    end += 1 + 3 * words[end]
    end += 2 + words[end]
    end += 1 + words[end]
    return list(words[place:end]), list(words[end:])


def test_a_batch_outputs_money_forced_actions_and_conditions_in_order() -> None:
    """Given one of each transaction that outputs something, its words follow those of its kind before it."""
    words, _ = words_of(
        TICK,
        Deposit(public_key=3, position_id=3, amount=50),
        Withdrawal(public_key=1, owner_key=8, position_id=1, amount=7, expiration=10, authorised=True),
        ForcedWithdrawal(public_key=2, position_id=2, amount=9, is_valid=True),
        ForcedWithdrawal(public_key=2, position_id=2, amount=10**6, is_valid=False),
        ForcedTrade(1, 2, 1, 2, BTC, 4, 3, True, 6, True),
        ConditionalTransfer(Transfer(1, 1, 10, 1, 2, 2, 5, 7, True), condition=12345),
    )
    own, _ = parts(words)
    assert own == [
        0,
        *[3, 3, 3, AMOUNT_BIAS + 50, 8, 1, AMOUNT_BIAS - 7, 2, 2, AMOUNT_BIAS - 9],
        *[18, 3, 0, 2, 2, 9, 0, 2, 2, 10**6, 1, 1, 2, 1, 2, BTC, 4, 3, 1, 6],
        *[1, 12345],
    ]


def test_a_rollup_outputs_funding_tables_and_what_changed_of_each_touched_position() -> None:
    """Given a funding tick and a trade, the data names the table's time, and each position's new balances."""
    tick = IndexTick(timestamp=NOW + 5, rows=((BTC, -1), (ETH, 0)))
    words, after = words_of(tick, TICK, trade(1, 2, 10, 20))
    _, data = parts(words)
    assert data == [
        *[1, 2, BTC, BIAS - 1, ETH, BIAS, NOW + 5],
        *[4, 0, FEE_KEY, BIAS + 5, NOW + 5],
        *[5, 1, 1, BIAS + 980, NOW + 5, BTC * 2**64 + BIAS + 10],
        *[5, 2, 2, BIAS + 1020, NOW + 5, BTC * 2**64 + BIAS - 10],
    ]
    leaves = {number: position_hash(stored) for number, stored in after.positions.items()}
    place = 3 + 2 * words[2]
    new_state = place + 1 + words[place]
    assert words[new_state + 1] == tree_root(leaves, 64, position_hash(EMPTY))


def test_a_position_that_is_emptied_and_an_asset_that_goes_are_output() -> None:
    words, _ = words_of(
        TICK,
        trade(1, 2, 10, 20),
        trade(2, 1, 10, 20),
        Withdrawal(public_key=1, owner_key=1, position_id=1, amount=1000, expiration=10, authorised=True),
    )
    _, data = parts(words)
    assert data[: 1 + 5] == [0, 4, 0, FEE_KEY, BIAS + 5, NOW]
    assert data[6:11] == [4, 1, 0, BIAS, 0]


def test_orders_are_stored_by_the_id_of_their_hash() -> None:
    match = trade(1, 2, 10, 20)
    _, after = words_of(TICK, match)
    ready = with_ids(match, 7)
    assert {number: order.fulfilled for number, order in after.orders.items()} == {
        ready.order_a.order_id: 10,
        ready.order_b.order_id: 10,
    }
    assert ready.order_a.order_id != ready.order_b.order_id


UNPROVABLE: list[tuple[dict[str, Any], Reason]] = [
    ({"external": ((5, 10**18),)}, Reason.MISSING_SYNTHETIC_ASSET_ID),
    ({"signed_at": NOW - 86_401}, Reason.UNCODED_ASSERT),
    ({"signed_at": NOW + 11}, Reason.UNCODED_ASSERT),
    ({"external": ((BTC, 2 * 10**18), (ETH, 10**18))}, Reason.UNCODED_ASSERT),
    ({"external": ((ETH, 10**18),)}, Reason.UNCODED_ASSERT),
    ({"external": ((BTC, 0), (ETH, 10**18))}, Reason.UNCODED_ASSERT),
    ({"quorum": 2}, Reason.UNCODED_ASSERT),
    ({"transactions": (Deposit(3, 2**64, 1),)}, Reason.UNCODED_ASSERT),
    ({"transactions": (IndexTick(timestamp=NOW, rows=((BTC, 0), (ETH, 0), (30, 0))),)}, Reason.UNCODED_ASSERT),
]


@pytest.mark.parametrize(("changed", "expected"), UNPROVABLE, ids=[str(place) for place in range(len(UNPROVABLE))])
def test_an_unprovable_batch_is_rejected(changed: dict[str, Any], expected: Reason) -> None:
    """Given a good batch, each change by itself makes it fail."""
    state = batch_system()
    if "quorum" in changed:
        assets = tuple(attrs.evolve(asset, quorum=changed["quorum"]) for asset in state.settings.assets)
        state.settings = attrs.evolve(state.settings, assets=assets)
    arguments = {"transactions": (TICK,), "external": EXTERNAL, "signed_at": NOW}
    assert batch_output(MACHINE, fresh(batch_system()), **arguments)
    arguments.update({name: value for name, value in changed.items() if name in arguments})
    with pytest.raises(Rejected) as caught:
        batch_output(MACHINE, state, **arguments)
    assert caught.value.reason is expected
