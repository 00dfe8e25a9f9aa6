"""Small systems of the StarkEx rule set, and a plain second opinion on value, risk and money."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from perp_reference.starkex.check import fresh
from perp_reference.starkex.machine import Machine, Rejected
from perp_reference.starkex.state import AssetConfig, Pairs, Settings, State, Stored
from perp_spec.starkex.bounds import ONE, RISK_SEGMENT_LAST
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import Config, Holding, Position, System
from perp_spec.starkex.transactions import LimitOrder, Trade

NOW = 1_700_000_000
BTC, ETH = 10, 20
FEE_POSITION, FEE_KEY = 0, 9
HALF = ONE // 2
ONE_SEGMENT = ((RISK_SEGMENT_LAST, HALF),)

MACHINE = Machine()


def position(key: int, collateral: int, *assets: tuple[int, int, int]) -> Stored:
    """A position from its key, collateral and (asset, balance, cached index)."""
    held = tuple((asset_id, Holding(balance, cached)) for asset_id, balance, cached in assets)
    return Stored(Position(key, collateral, 0), held)


def system(
    positions: dict[int, Stored],
    prices: Pairs = ((BTC, ONE), (ETH, ONE)),
    indices: Pairs = ((BTC, 0), (ETH, 0)),
    segments: Pairs = ONE_SEGMENT,
    by_balance: bool = True,
) -> State:
    """A state of two assets, each of risk 1/2 unless said otherwise."""
    return State(
        settings=Settings(
            config=Config(
                collateral_asset_id=7,
                fee_position_id=FEE_POSITION,
                fee_public_key=FEE_KEY,
                funding_validity_period=604_800,
                max_funding_rate=1120,
            ),
            assets=tuple(AssetConfig(asset_id, 1, segments) for asset_id in (BTC, ETH)),
            risk_by_balance=by_balance,
            collateral_resolution=1,
            price_validity_period=86_400,
        ),
        system=System(NOW, NOW, 0),
        indices=indices,
        prices=prices,
        positions=positions,
    )


def order(position_id: int, buys: bool, synthetic: int, collateral: int, **others: Any) -> LimitOrder:
    """A signed limit order; the owner's key is the number of the position."""
    known = {
        "nonce": 1,
        "public_key": position_id,
        "expiration": 10,
        "asset_id": BTC,
        "collateral_asset_id": 7,
        "authorised": True,
        "order_id": 2 * position_id + int(buys),
    }
    return LimitOrder(
        position_id=position_id, buys=buys, amount_synthetic=synthetic, amount_collateral=collateral, **(known | others)
    )


def trade(buyer: int, seller: int, synthetic: int, collateral: int) -> Trade:
    """A trade of two orders for exactly these amounts, without fees."""
    return Trade(
        order_a=order(buyer, True, synthetic, collateral),
        order_b=order(seller, False, synthetic, collateral),
        actual_collateral=collateral,
        actual_synthetic=synthetic,
    )


def outcome(state: State, transaction: Any, machine: Machine = MACHINE) -> tuple[Reason, State]:
    """The reason a transaction ends with, and the state after; the state before where it fails."""
    after = fresh(state)
    try:
        machine.apply(after, transaction)
    except Rejected as rejection:
        return rejection.reason, state
    return Reason.SUCCESS, after


def reason(state: State, transaction: Any, machine: Machine = MACHINE) -> Reason:
    """The reason a transaction ends with."""
    return outcome(state, transaction, machine)[0]


def value_and_risk(state: State, stored: Stored) -> tuple[Fraction, Fraction]:
    """Total value and total risk of a funded position in collateral units, by definition."""
    prices = {asset_id: Fraction(price, ONE) for asset_id, price in state.prices}
    value = Fraction(stored.position.collateral)
    risk = Fraction(0)
    for asset in state.settings.assets:
        for asset_id, holding in stored.assets:
            if asset_id == asset.asset_id:
                amount = abs(holding.balance)
                by = amount if state.settings.risk_by_balance else amount * prices[asset_id] * ONE
                factor = next(risk for upper_bound, risk in asset.segments if by <= upper_bound)
                value += holding.balance * prices[asset_id]
                risk += amount * prices[asset_id] * Fraction(factor, ONE)
    return value, risk


def money(state: State, numbers: Iterable[int]) -> int:
    """Collateral of positions, with the funding they owe or are owed, in units of 2^-32."""
    indices = dict(state.indices)
    total = 0
    for number in numbers:
        stored = state.stored(number)
        total += stored.position.collateral * ONE
        total -= sum((indices[asset_id] - held.cached_index) * held.balance for asset_id, held in stored.assets)
    return total


def balances(state: State) -> dict[int, int]:
    """The sum of all balances of each asset."""
    sums = {BTC: 0, ETH: 0}
    for stored in state.positions.values():
        for asset_id, holding in stored.assets:
            sums[asset_id] += holding.balance
    return sums
