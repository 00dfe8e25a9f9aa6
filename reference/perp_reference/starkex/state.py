"""The state of the system, the configuration of its assets, and how rules load from it and store into it."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple

from attrs import define, field, frozen

from perp_reference.core.compiled import Function, compiled
from perp_spec.operation import Access, Key, Rule, Shape
from perp_spec.starkex.bounds import NO_ASSET, PRICE_BOUND
from perp_spec.starkex.footprint import FEE_POSITION
from perp_spec.starkex.position import risk_factor
from perp_spec.starkex.records import (
    Asset,
    Config,
    FundingIndex,
    Holding,
    IndexRow,
    KnownIndices,
    Modification,
    OraclePrice,
    OrderState,
    Position,
    PriceRow,
    System,
)

Pairs = tuple[tuple[int, int], ...]
"""(asset id, value) in strictly rising order of asset."""


@frozen
class AssetConfig:
    """What is configured of a synthetic asset."""

    asset_id: int
    resolution: int
    segments: Pairs
    """(upper bound, risk) of each risk segment."""
    signers: tuple[int, ...] = ()
    quorum: int = 1
    signed_ids: tuple[int, ...] = ()


@frozen
class Settings:
    """The whole configuration."""

    config: Config
    """The part that transactions read."""
    assets: tuple[AssetConfig, ...]
    """In strictly rising order of asset."""
    risk_by_balance: bool
    collateral_resolution: int
    price_validity_period: int
    data_availability_mode: int = 0


class Stored(NamedTuple):
    """A position as it is stored."""

    position: Position
    assets: tuple[tuple[int, Holding], ...]
    """(asset id, holding) in order of asset, none with a balance of 0."""


EMPTY = Stored(Position(), ())
UNKNOWN = Asset()
NOT_HELD = Holding()
UNFILLED = OrderState()


@define
class State:
    """A state in which transactions are applied. A failed one leaves it half changed: throw it away."""

    settings: Settings
    system: System
    indices: Pairs
    prices: Pairs
    positions: dict[int, Stored]
    """Absent ones are empty."""
    orders: dict[int, OrderState] = field(factory=dict)
    low_prices: dict[int, int] = field(factory=dict)
    """The batch's signed prices: the lowest of each asset."""
    high_prices: dict[int, int] = field(factory=dict)
    """The highest of each asset."""
    modifications: list[Modification] = field(factory=list)
    """What the transactions output, in order."""
    assets: dict[int, Asset] = field(factory=dict)
    """What is known of each asset now."""

    def __attrs_post_init__(self) -> None:
        """Join what is known of the assets."""
        self.join_assets()

    def join_assets(self) -> None:
        """Join configuration, prices and indices again after one of them changed."""
        configured = {asset.asset_id: asset for asset in self.settings.assets}
        indices, prices = dict(self.indices), dict(self.prices)
        self.assets = {}
        for asset_id in {*configured, *indices, *prices}:
            own = configured.get(asset_id)
            segments = () if own is None else own.segments
            self.assets[asset_id] = Asset(
                priced=asset_id in prices,
                indexed=asset_id in indices,
                rated=own is not None and asset_id in prices and prices[asset_id] < PRICE_BOUND,
                price=prices.get(asset_id, 0),
                index=indices.get(asset_id, 0),
                risk_by_balance=self.settings.risk_by_balance,
                upper_bounds=tuple(upper_bound for upper_bound, _ in segments),
                risks=tuple(risk for _, risk in segments),
            )

    def stored(self, position_id: int) -> Stored:
        """A position; the empty one where there is none."""
        return self.positions.get(position_id, EMPTY)

    def index_rows(self, given: Pairs) -> tuple[tuple[IndexRow], ...]:
        """The rows of a funding tick."""
        known, prices = dict(self.indices), dict(self.prices)
        ids = list(known)
        return tuple(
            (
                IndexRow(
                    asset_id=asset_id,
                    index=index,
                    known=asset_id in known,
                    known_index=known.get(asset_id, 0),
                    known_before=bisect_left(ids, asset_id),
                    priced=asset_id in prices,
                    price=prices.get(asset_id, 0),
                ),
            )
            for asset_id, index in given
        )

    def price_rows(self, given: Pairs) -> tuple[tuple[PriceRow], ...]:
        """The rows of an oracle tick."""
        low, high = self.low_prices, self.high_prices
        highest = self.prices[-1][0] if self.prices else -1
        return tuple(
            (PriceRow(asset_id, price, highest, asset_id in low, low.get(asset_id, 0), high.get(asset_id, 0)),)
            for asset_id, price in given
        )


Loads = Callable[[State, Any], tuple[Any, ...]]
"""Loads what some accesses name, in their order."""
Stores = Callable[[State, Any, Iterator[Any]], None]
"""Stores what a rule returned for some accesses, taking from the iterator."""


def key_getter(key: Key) -> Callable[[Any], int]:
    """A function from a transaction to a key."""
    if isinstance(key, int):
        return lambda _: key
    return attrgetter(key) if isinstance(key, str) else key


def position_access(accesses: tuple[Access, ...]) -> tuple[Loads, Stores]:
    """Load and store a position: the four accesses of one with an asset apart, or the two of one without."""
    position_id, skip = accesses[0].keys[0], accesses[-1].skip
    get_id: Callable[[State, Any], int]
    if position_id == FEE_POSITION:
        get_id = lambda state, _: state.settings.config.fee_position_id  # noqa: E731
    else:
        own = key_getter(position_id)
        get_id = lambda _, transaction: own(transaction)  # noqa: E731
    if skip is None or skip == NO_ASSET:
        return whole_position(get_id)
    return split_position(get_id, key_getter(skip))


def whole_position(get_id: Callable[[State, Any], int]) -> tuple[Loads, Stores]:
    """Load and store a position with all its holdings."""

    def load(state: State, transaction: Any) -> tuple[Any, ...]:
        position, assets = state.stored(get_id(state, transaction))
        known = state.assets
        return position, tuple([(holding, known.get(asset_id, UNKNOWN)) for asset_id, holding in assets])

    def store(state: State, transaction: Any, results: Iterator[Any]) -> None:
        number = get_id(state, transaction)
        position, holdings = next(results), next(results)
        assets = state.stored(number).assets
        kept = tuple([(asset_id, held) for (asset_id, _), held in zip(assets, holdings, strict=True)])
        state.positions[number] = Stored(position, kept)

    return load, store


def split_position(get_id: Callable[[State, Any], int], get_asset: Callable[[Any], int]) -> tuple[Loads, Stores]:
    """Load and store a position with one holding apart."""

    def load(state: State, transaction: Any) -> tuple[Any, ...]:
        position, assets = state.stored(get_id(state, transaction))
        return position, *split(assets, get_asset(transaction), state.assets)

    def store(state: State, transaction: Any, results: Iterator[Any]) -> None:
        number, asset_id = get_id(state, transaction), get_asset(transaction)
        position, holding, others = next(results), next(results), next(results)
        state.positions[number] = Stored(position, merged(state.stored(number).assets, asset_id, holding, others))

    return load, store


def split(
    assets: tuple[tuple[int, Holding], ...], asset_id: int, known: dict[int, Asset]
) -> tuple[Holding, Asset, tuple[tuple[Holding, Asset], ...]]:
    """The touched holding, its asset, and the other holdings with theirs."""
    touched = NOT_HELD
    others: list[tuple[Holding, Asset]] = []
    for other_id, holding in assets:
        if other_id == asset_id:
            touched = holding
        else:
            others.append((holding, known.get(other_id, UNKNOWN)))
    return touched, known.get(asset_id, UNKNOWN), tuple(others)


def merged(
    assets: tuple[tuple[int, Holding], ...], asset_id: int, touched: Holding, others: tuple[Holding, ...]
) -> tuple[tuple[int, Holding], ...]:
    """The holdings of a position after, in order of asset; a touched one with a balance of 0 vanishes."""
    ids = [other_id for other_id, _ in assets if other_id != asset_id]
    after = list(zip(ids, others, strict=True))
    if touched.balance != 0:
        after.append((asset_id, touched))
        after.sort(key=lambda pair: pair[0])
    return tuple(after)


def record_access(access: Access) -> tuple[Loads, Stores]:
    """Load and store one record that is no part of a position, or the rows of a tick."""
    record = access.record
    if access.shape is Shape.HELD:
        return index_rows if record is IndexRow else price_rows
    if record is OrderState:
        return order_access(key_getter(access.keys[0]))
    return RECORDS[record]  # pyright: ignore[reportArgumentType]


def order_access(get_id: Callable[[Any], int]) -> tuple[Loads, Stores]:
    """Load and store the state of an order."""

    def store(state: State, transaction: Any, results: Iterator[Any]) -> None:
        state.orders[get_id(transaction)] = next(results)

    return lambda state, transaction: (state.orders.get(get_id(transaction), UNFILLED),), store


def store_system(state: State, _: Any, results: Iterator[Any]) -> None:
    """Store the times."""
    state.system = next(results)


def store_modification(state: State, _: Any, results: Iterator[Any]) -> None:
    """Output a modification, if it happened."""
    modification = next(results)
    if modification.happened:
        state.modifications.append(modification)


def store_nothing(state: State, _: Any, results: Iterator[Any]) -> None:
    """A record that is read only."""


def store_indices(state: State, _: Any, results: Iterator[Any]) -> None:
    """Replace the funding indices by those of a tick."""
    rows: tuple[FundingIndex, ...] = next(results)
    state.indices = tuple((row.asset_id, row.index) for row in rows)
    state.join_assets()


def store_prices(state: State, _: Any, results: Iterator[Any]) -> None:
    """Merge the prices of a tick into those known."""
    rows: tuple[OraclePrice, ...] = next(results)
    after = dict(state.prices) | {row.asset_id: row.price for row in rows}
    state.prices = tuple(sorted(after.items()))
    state.join_assets()


index_rows: tuple[Loads, Stores] = (lambda state, tick: (state.index_rows(tick.rows),), store_indices)
price_rows: tuple[Loads, Stores] = (lambda state, tick: (state.price_rows(tick.rows),), store_prices)

RECORDS: dict[type[Any], tuple[Loads, Stores]] = {
    System: (lambda state, _: (state.system,), store_system),
    Config: (lambda state, _: (state.settings.config,), store_nothing),
    KnownIndices: (lambda state, _: (KnownIndices(len(state.indices)),), store_nothing),
    Modification: (lambda _, __: (Modification(),), store_modification),
}


def compiled_rule(function: Function) -> Function:
    """A function of the text as one function of plain Python, which calls the risk of an asset.

    For that visits risk segments, of which every asset has its own number.
    """
    return compiled(function, (risk_factor,))


class Step:
    """A rule with its footprint made ready to run.

    Attributes:
        function: The rule's text.
    """

    def __init__(self, rule: Rule, reading: Callable[[Function], Function]) -> None:
        self.function = rule.function
        self.reading = reading
        self.loads: list[Loads] = []
        self.stores: list[Stores] = []
        footprint = list(rule.footprint)
        while footprint:
            count = 1
            if footprint[0].record is Position:
                count = next(place for place, access in enumerate(footprint) if access.shape is Shape.HELD) + 1
            group, footprint = tuple(footprint[:count]), footprint[count:]
            load, store = position_access(group) if count > 1 else record_access(group[0])
            self.loads.append(load)
            if any(access.stores for access in group):
                self.stores.append(store)

    def run(self, state: State, transaction: Any) -> None:
        """Apply the rule.

        Raises:
            Rejected: A guard is false.
        """
        arguments: list[Any] = []
        for load in self.loads:
            arguments += load(state, transaction)
        results = iter(self.reading(self.function)(transaction, *arguments))
        for store in self.stores:
            store(state, transaction, results)
