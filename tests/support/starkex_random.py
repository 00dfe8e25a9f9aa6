"""Random small systems of the StarkEx rule set, and transactions in them."""

from typing import Any

from hypothesis import strategies as st

from perp_reference.starkex.state import State, Stored
from perp_spec.starkex.bounds import ONE, RISK_SEGMENT_LAST
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
from support.starkex import BTC, ETH, FEE_KEY, FEE_POSITION, order, position, system

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


FORCED = st.builds(
    lambda number, collateral, synthetic, buys: ForcedTrade(
        number, 3 - number, number, 3 - number, BTC, collateral, synthetic, buys, 5
    ),
    KEYS,
    st.one_of(AMOUNTS, st.integers(0, 2**64 - 1)),
    st.one_of(AMOUNTS, st.integers(0, 2**64 - 1), st.just(2**63)),
    FLAGS,
)
