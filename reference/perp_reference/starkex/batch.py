"""Whole batches: what comes before and after the transactions, and the words the program outputs."""

from collections.abc import Iterable
from typing import Any

import attrs
from attrs import define, field

from perp_reference.starkex.hashes import asset_hash, config_hash, hash_of, order_id_of, position_hash
from perp_reference.starkex.machine import IndexTick, Machine, PriceTick, Rejected
from perp_reference.starkex.state import EMPTY, AssetConfig, Pairs, State, Stored
from perp_reference.starkex.trees import tree_root
from perp_spec.language import require
from perp_spec.starkex.bounds import (
    AMOUNT_BOUND,
    BALANCE_BOUND,
    COLLATERAL_ASSET_BOUND,
    INDEX_BOUND,
    POSITION_ID_BITS,
    QUORUM_BOUND,
    SYSTEM_ASSETS_BOUND,
)
from perp_spec.starkex.oracle import internal_price, require_median
from perp_spec.starkex.reasons import Reason
from perp_spec.starkex.records import SignedPrice
from perp_spec.starkex.transactions import (
    ConditionalTransfer,
    Deleverage,
    Deposit,
    ForcedTrade,
    ForcedWithdrawal,
    LimitOrder,
    Liquidate,
    PriceProof,
    Trade,
    Transfer,
    Withdrawal,
)

HEIGHT = POSITION_ID_BITS
"""Of both trees."""

ROLLUP = 1
"""The availability mode in which changed positions are output."""

FORCED_WITHDRAWAL, FORCED_TRADE = 0, 1
"""Kinds of forced actions in the output."""


@define
class Log:
    """What a batch's transactions leave for its output."""

    forced: list[tuple[int, ...]] = field(factory=list)
    conditions: list[int] = field(factory=list)
    tables: list[tuple[int, ...]] = field(factory=list)
    """Words of each funding tick."""
    touched: set[int] = field(factory=set)
    """Positions that were loaded and stored."""


def is_forced(transaction: Any) -> bool:
    """Whether a transaction is a forced action."""
    return isinstance(transaction, ForcedWithdrawal | ForcedTrade)


def condition_of(transaction: Any) -> int | None:
    """The condition of a conditional transfer."""
    return transaction.condition if isinstance(transaction, ConditionalTransfer) else None


def with_ids(transaction: Any, collateral_asset_id: int) -> Any:
    """A transaction whose orders have their ids, the high bits of their hashes."""
    match transaction:
        case LimitOrder() | Transfer():
            return attrs.evolve(transaction, order_id=order_id_of(hash_of(transaction, 0)))
        case Withdrawal():
            return attrs.evolve(transaction, order_id=order_id_of(hash_of(transaction, collateral_asset_id)))
        case ConditionalTransfer(transfer=own, condition=condition):
            return attrs.evolve(transaction, transfer=attrs.evolve(own, order_id=order_id_of(hash_of(own, condition))))
        case Trade():
            orders = {name: with_ids(getattr(transaction, name), 0) for name in ("order_a", "order_b")}
            return attrs.evolve(transaction, **orders)
        case Liquidate():
            return attrs.evolve(transaction, liquidator_order=with_ids(transaction.liquidator_order, 0))
        case _:
            return transaction


def touched_by(transaction: Any, fee_position_id: int) -> tuple[int, ...]:
    """The positions that a transaction touches."""
    match transaction:
        case Deposit() | Withdrawal() | ForcedWithdrawal():
            return (transaction.position_id,)
        case Transfer():
            return transaction.sender_position_id, transaction.receiver_position_id
        case ConditionalTransfer():
            return touched_by(transaction.transfer, fee_position_id)
        case Trade():
            return fee_position_id, transaction.order_a.position_id, transaction.order_b.position_id
        case Liquidate():
            return fee_position_id, transaction.liquidator_order.position_id, transaction.liquidated_position_id
        case Deleverage():
            return transaction.deleveragable_position_id, transaction.deleverager_position_id
        case ForcedTrade():
            return transaction.position_id_a, transaction.position_id_b
        case _:
            return ()


def forced_words(transaction: Any) -> tuple[int, ...]:
    """The words of a forced action, as the contract registered it."""
    if isinstance(transaction, ForcedWithdrawal):
        return FORCED_WITHDRAWAL, transaction.public_key, transaction.position_id, transaction.amount
    return (
        FORCED_TRADE,
        transaction.public_key_a,
        transaction.public_key_b,
        transaction.position_id_a,
        transaction.position_id_b,
        transaction.asset_id,
        transaction.amount_collateral,
        transaction.amount_synthetic,
        int(transaction.a_buys),
        transaction.nonce,
    )


def record(log: Log, transaction: Any, fee_position_id: int) -> None:
    """Note what a transaction leaves for the output."""
    log.touched.update(touched_by(transaction, fee_position_id))
    if is_forced(transaction):
        log.forced.append(forced_words(transaction))
    condition = condition_of(transaction)
    if condition is not None:
        log.conditions.append(condition)
    if isinstance(transaction, IndexTick):
        log.tables.append(index_words(transaction.rows, transaction.timestamp))


def end_time(state: State, transactions: Iterable[Any]) -> int:
    """The system time that a batch claims to end with: that of its last tick."""
    ticks = [tick.timestamp for tick in transactions if isinstance(tick, IndexTick | PriceTick)]
    return ticks[-1] if ticks else state.system.system_time


def batch_output(
    machine: Machine, state: State, transactions: tuple[Any, ...], external: Pairs, signed_at: int
) -> tuple[int, ...]:
    """Applies a batch to a state and returns the words the program outputs.

    Every external price is signed by all signers of its asset at one time, as both the lowest and the highest price.

    Raises:
        Rejected: The batch cannot be proved.
    """
    settings = state.settings
    require_settings(state)
    before = dict(state.positions)
    orders_before = dict(state.orders)
    head = shared_words(state, before, orders_before)
    set_price_bounds(state, transactions, external, signed_at)
    log = Log()
    for transaction in transactions:
        ready = with_ids(transaction, settings.config.collateral_asset_id)
        machine.apply(state, ready)
        record(log, ready, settings.config.fee_position_id)
    require_after(state, log)
    return (
        config_hash(settings, HEIGHT, HEIGHT),
        settings.data_availability_mode,
        *counted([(asset.asset_id, asset_hash(asset)) for asset in settings.assets]),
        *head,
        *shared_words(state, state.positions, state.orders),
        state.system.minimum_expiration,
        *counted([(made.owner_key, made.position_id, made.delta + AMOUNT_BOUND) for made in state.modifications]),
        sum(map(len, log.forced)),
        *counted(log.forced),
        *counted([(condition,) for condition in log.conditions]),
        *(availability_words(log, before, state) if settings.data_availability_mode == ROLLUP else ()),
    )


def counted(rows: list[tuple[int, ...]]) -> tuple[int, ...]:
    """How many rows there are, and their words."""
    return len(rows), *(word for row in rows for word in row)


# Before and after


def require_settings(state: State) -> None:
    """The bounds of the configuration that its form does not already keep.

    Raises:
        Rejected: One is broken.
    """
    settings = state.settings
    for asset in settings.assets:
        require(1 <= asset.quorum < QUORUM_BOUND, Reason.UNCODED_ASSERT)
    require(settings.config.collateral_asset_id < COLLATERAL_ASSET_BOUND, Reason.UNCODED_ASSERT)
    require(len(settings.assets) < SYSTEM_ASSETS_BOUND, Reason.TOO_MANY_SYNTHETIC_ASSETS_IN_SYSTEM)


def set_price_bounds(state: State, transactions: tuple[Any, ...], external: Pairs, signed_at: int) -> None:
    """Prove the batch's signed prices.

    Raises:
        Rejected: An asset is not configured, or its price is not proved.
    """
    assets = {asset.asset_id: asset for asset in state.settings.assets}
    earliest = state.system.system_time - state.settings.price_validity_period
    latest = end_time(state, transactions)
    for asset_id, price in external:
        require(asset_id in assets, Reason.MISSING_SYNTHETIC_ASSET_ID)
        proved = proved_price(assets[asset_id], price, signed_at, (earliest, latest), state)
        state.low_prices[asset_id] = state.high_prices[asset_id] = proved


def proved_price(asset: AssetConfig, price: int, signed_at: int, window: tuple[int, int], state: State) -> int:
    """The price that all signers of an asset signed, in the system's units, proved as a median."""
    collateral_resolution = state.settings.collateral_resolution
    proof = PriceProof(
        price=internal_price(price, collateral_resolution, asset.resolution),
        signatures=len(asset.signers),
        quorum=asset.quorum,
        earliest=window[0],
        latest=window[1],
        resolution=asset.resolution,
        collateral_resolution=collateral_resolution,
    )
    signed = tuple(
        (SignedPrice(signer, price, signed_at, is_signer=True, is_asset=bool(asset.signed_ids), authorised=True),)
        for signer in sorted(asset.signers)
    )
    return require_median(proof, signed)


def require_after(state: State, log: Log) -> None:
    """What must hold after the transactions: indexed assets are configured, and positions have a place in the tree.

    Raises:
        Rejected: It does not.
    """
    configured = {asset.asset_id for asset in state.settings.assets}
    require(all(asset_id in configured for asset_id, _ in state.indices), Reason.UNCODED_ASSERT)
    require(all(0 <= number < 2**HEIGHT for number in log.touched), Reason.UNCODED_ASSERT)


# Words


def index_words(indices: Pairs, timestamp: int) -> tuple[int, ...]:
    """A table of funding indices, biased to be natural numbers, and its time."""
    return *counted([(asset_id, index + INDEX_BOUND) for asset_id, index in indices]), timestamp


def shared_words(state: State, positions: dict[int, Stored], orders: dict[int, Any]) -> tuple[int, ...]:
    """A state as the contract keeps it, its number of words first."""
    leaves = {number: position_hash(stored) for number, stored in positions.items() if stored != EMPTY}
    words = (
        tree_root(leaves, HEIGHT, position_hash(EMPTY)),
        HEIGHT,
        tree_root({number: order.fulfilled for number, order in orders.items()}, HEIGHT, 0),
        HEIGHT,
        *index_words(state.indices, state.system.funding_timestamp),
        *counted(list(state.prices)),
        state.system.system_time,
    )
    return len(words), *words


def availability_words(log: Log, before: dict[int, Stored], state: State) -> tuple[int, ...]:
    """The data from which anybody can follow the positions: funding tables, and each touched position's changes."""
    changes = [change_words(number, before.get(number, EMPTY), state.stored(number)) for number in sorted(log.touched)]
    return *counted(log.tables), *(word for change in changes for word in (len(change), *change))


def change_words(number: int, before: Stored, after: Stored) -> tuple[int, ...]:
    """A touched position: key, collateral, time of its indices, and the balances that changed; 0 for one that went."""
    old = {asset_id: holding.balance for asset_id, holding in before.assets}
    new = {asset_id: holding.balance for asset_id, holding in after.assets}
    moved = [asset_id for asset_id in sorted({*old, *new}) if old.get(asset_id, 0) != new.get(asset_id, 0)]
    return (
        number,
        after.position.public_key,
        after.position.collateral + BALANCE_BOUND,
        after.position.funding_timestamp,
        *(asset_id * 2 * BALANCE_BOUND + new.get(asset_id, 0) + BALANCE_BOUND for asset_id in moved),
    )


__all__ = ["Rejected", "batch_output", "condition_of", "is_forced"]
