"""The StarkEx rule set as the kit uses it: its reference machine behind values of the protocol."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import attrs

from perp_reference.conformance.rule_sets import Applied, flat
from perp_reference.core.explain import guards_of
from perp_reference.formats.codec import snake
from perp_reference.formats.text import Refused, described
from perp_reference.starkex.batch import condition_of, is_forced
from perp_reference.starkex.check import fresh
from perp_reference.starkex.machine import IndexTick, Machine, PriceTick
from perp_reference.starkex.pedersen import PRIME
from perp_reference.starkex.state import EMPTY, AssetConfig, Pairs, Settings, State, Stored
from perp_spec.language import Rejected
from perp_spec.starkex.bounds import BALANCE_BOUND, INDEX_BOUND, POSITION_ASSETS, RISK_FACTOR_BOUND, RISK_SEGMENT_LAST
from perp_spec.starkex.reasons import SENTENCES, Reason
from perp_spec.starkex.records import Config, Holding, OrderState, Position, System
from perp_spec.starkex.transactions import (
    ConditionalTransfer,
    Deleverage,
    Deposit,
    ForcedTrade,
    ForcedWithdrawal,
    FundingTick,
    LimitOrder,
    Liquidate,
    OracleTick,
    Trade,
    Transfer,
    Withdrawal,
)

MACHINE = Machine()

DECIMAL = re.compile(r"0|-?[1-9][0-9]{0,77}")

ELEMENT = (-(PRIME // 2), PRIME - 1)
"""What a field element may be written as."""

NATURAL = (0, PRIME - 1)

TICKS: dict[type[Any], type[Any]] = {IndexTick: FundingTick, PriceTick: OracleTick}
"""Ticks with their rows, by what they are without."""

OPERATIONS: dict[str, type[Any]] = {
    snake(TICKS.get(kind, kind).__name__): kind
    for kind in (
        Deposit,
        Withdrawal,
        Transfer,
        ConditionalTransfer,
        Trade,
        Liquidate,
        Deleverage,
        ForcedWithdrawal,
        ForcedTrade,
        IndexTick,
        PriceTick,
    )
}

NESTED: dict[str, type[Any]] = {
    "transfer": Transfer,
    "order_a": LimitOrder,
    "order_b": LimitOrder,
    "liquidator_order": LimitOrder,
}
"""Fields that hold a record."""

NAMES: dict[type[Any], str] = {kind: name for name, kind in OPERATIONS.items()}


# Values


def integer(value: Any, low: int, high: int) -> int:
    """An integer of a range, as a decimal string.

    Raises:
        Refused: It is none.
    """
    if type(value) is not str or not DECIMAL.fullmatch(value) or not low <= int(value) <= high:
        raise Refused(f"a decimal string from {low} to {high}", described(value))
    return int(value)


def at(name: str, decode: Callable[[Any], Any], value: Any) -> Any:
    """What a member holds.

    Raises:
        Refused: It breaks the format.
    """
    try:
        return decode(value)
    except Refused as refused:
        raise refused.inside(name) from None


def members(value: Any, *names: str) -> list[Any]:
    """The members of an object that has just these.

    Raises:
        Refused: It is none, or has others.
    """
    if type(value) is not dict:
        raise Refused("an object", described(value))
    for name in names:
        if name not in value:
            raise Refused("such a member", "none", name)
    for name in value:
        if name not in names:
            raise Refused("no member of this name", described(value[name]), name)
    return [value[name] for name in names]


def word(low: int = ELEMENT[0], high: int = ELEMENT[1]) -> Callable[[Any], int]:
    """A decoder of integers of a range."""
    return lambda value: integer(value, low, high)


def flag(value: Any) -> bool:
    """True or false.

    Raises:
        Refused: It is neither.
    """
    if type(value) is not bool:
        raise Refused("true or false", described(value))
    return value


def mapping(decode: Callable[[Any], Any]) -> Callable[[Any], dict[int, Any]]:
    """A decoder of objects from numbers to values."""

    def decoded(value: Any) -> dict[int, Any]:
        if type(value) is not dict:
            raise Refused("an object", described(value))
        return {at(name, word(*NATURAL), name): at(name, decode, item) for name, item in value.items()}

    return decoded


def array(decode: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    """A decoder of arrays."""

    def decoded(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise Refused("an array", described(value))
        return tuple(at(f"[{place}]", decode, item) for place, item in enumerate(value))

    return decoded


def pair(value: Any) -> tuple[int, int]:
    """An array of two integers.

    Raises:
        Refused: It is none.
    """
    found = array(word())(value)
    if len(found) != 2:
        raise Refused("an array of 2", f"an array of {len(found)}")
    return found[0], found[1]


def fields(kind: type[Any], value: Any) -> Any:
    """A record with all its fields, by their types.

    Raises:
        Refused: It breaks the format.
    """
    own = attrs.fields(kind)
    items = members(value, *(attribute.name for attribute in own))
    return kind(**{a.name: at(a.name, decoder_of(kind, a.name), item) for a, item in zip(own, items, strict=True)})


@cache
def decoder_of(kind: type[Any], name: str) -> Callable[[Any], Any]:
    """The decoder of a field."""
    if name in NESTED:
        return lambda value: fields(NESTED[name], value)
    if name == "rows":
        return array(pair)
    return flag if type(getattr(kind(), name)) is bool else word()


def encoded(value: Any) -> Any:
    """The JSON value of a flag, an integer, rows or a record."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return [encoded(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return {attribute.name: encoded(getattr(value, attribute.name)) for attribute in attrs.fields(type(value))}


def decode_transaction(name: str, arguments: Any) -> Any:
    """A transaction.

    Raises:
        Refused: There is none of that name, or its arguments break the format.
    """
    kind = OPERATIONS.get(name)
    if kind is None:
        raise Refused("the name of an operation", described(name), "op")
    return at("args", lambda value: fields(kind, value), arguments)


# Configuration and state


def decode_config(value: Any) -> Settings:
    """The configuration.

    Raises:
        Refused: It breaks the format.
    """
    names = ("collateral_asset_id", "fee_position_id", "fee_public_key", "funding_validity_period", "max_funding_rate")
    numbers = ("collateral_resolution", "price_validity_period")
    found = dict(
        zip(
            (*names, *numbers, "risk_by_balance", "assets"),
            members(value, *names, *numbers, "risk_by_balance", "assets"),
            strict=True,
        )
    )
    own = {name: at(name, word(*NATURAL), found[name]) for name in names}
    collateral_resolution, price_validity_period = (at(name, word(*NATURAL), found[name]) for name in numbers)
    return Settings(
        config=Config(**own),
        assets=rising("assets", at("assets", array(decode_asset), found["assets"]), lambda asset: asset.asset_id),
        risk_by_balance=at("risk_by_balance", flag, found["risk_by_balance"]),
        collateral_resolution=collateral_resolution,
        price_validity_period=price_validity_period,
    )


def rising(name: str, items: tuple[Any, ...], key: Callable[[Any], int]) -> tuple[Any, ...]:
    """Items whose keys strictly rise.

    Raises:
        Refused: They do not.
    """
    keys = [key(item) for item in items]
    if keys != sorted(set(keys)):
        raise Refused("items that strictly rise", "others", name)
    return items


def decode_asset(value: Any) -> AssetConfig:
    """The configuration of an asset.

    Raises:
        Refused: It breaks the format.
    """
    asset_id, resolution, segments = members(value, "asset_id", "resolution", "risk_segments")
    bounds: Pairs = at("risk_segments", array(pair), segments)
    if not bounds or bounds[-1][0] != RISK_SEGMENT_LAST:
        raise Refused("a last segment up to 2^128 - 1", "none", "risk_segments")
    if any(not 0 < risk < RISK_FACTOR_BOUND for _, risk in bounds):
        raise Refused("risks of a factor", "others", "risk_segments")
    return AssetConfig(
        asset_id=at("asset_id", word(*NATURAL), asset_id),
        resolution=at("resolution", word(1, NATURAL[1]), resolution),
        segments=rising("risk_segments", bounds, lambda bound: bound[0]),
    )


def encode_config(settings: Settings) -> dict[str, Any]:
    """The configuration in JSON values."""
    return {
        **encoded(settings.config),
        "collateral_resolution": str(settings.collateral_resolution),
        "price_validity_period": str(settings.price_validity_period),
        "risk_by_balance": settings.risk_by_balance,
        "assets": [
            {"asset_id": str(own.asset_id), "resolution": str(own.resolution), "risk_segments": encoded(own.segments)}
            for own in settings.assets
        ],
    }


BALANCE = word(-BALANCE_BOUND, BALANCE_BOUND - 1)
INDEX = word(-INDEX_BOUND, INDEX_BOUND - 1)


def decode_holding(value: Any) -> Holding:
    """A synthetic asset of a position.

    Raises:
        Refused: It breaks the format.
    """
    balance, cached_index = members(value, "balance", "cached_index")
    holding = Holding(at("balance", BALANCE, balance), at("cached_index", INDEX, cached_index))
    if holding.balance == 0:
        raise Refused("a balance other than 0", "0", "balance")
    return holding


def decode_position(value: Any) -> Stored:
    """A position that is not empty.

    Raises:
        Refused: It breaks the format.
    """
    key, collateral, timestamp, assets = members(value, "public_key", "collateral", "funding_timestamp", "asset")
    position = Position(
        at("public_key", word(*NATURAL), key),
        at("collateral", BALANCE, collateral),
        at("funding_timestamp", word(*NATURAL), timestamp),
    )
    held: dict[int, Holding] = at("asset", mapping(decode_holding), assets)
    if len(held) > POSITION_ASSETS:
        raise Refused(f"at most {POSITION_ASSETS} assets", str(len(held)), "asset")
    if (stored := Stored(position, tuple(sorted(held.items())))) == EMPTY:
        raise Refused("a position that is not empty", "an empty one")
    return stored


def decode_order(value: Any) -> OrderState:
    """How far an order is filled.

    Raises:
        Refused: It breaks the format.
    """
    return OrderState(integer(value, 1, NATURAL[1]))


def decode_bounds(value: Any) -> tuple[int, int]:
    """The bounds of an asset's signed prices.

    Raises:
        Refused: It breaks the format.
    """
    low, high = members(value, "low", "high")
    return at("low", word(*NATURAL), low), at("high", word(*NATURAL), high)


STATE_MEMBERS: dict[str, Callable[[Any], Any]] = {
    "system": lambda value: fields(System, value),
    "index": mapping(INDEX),
    "price": mapping(word(*NATURAL)),
    "position": mapping(decode_position),
    "order": mapping(decode_order),
    "signed_price": mapping(decode_bounds),
}


def decode_state(value: Any, settings: Settings) -> State:
    """A state.

    Raises:
        Refused: It breaks the format.
    """
    items = members(value, *STATE_MEMBERS)
    found = {name: at(name, decode, item) for (name, decode), item in zip(STATE_MEMBERS.items(), items, strict=True)}
    return State(
        settings=settings,
        system=found["system"],
        indices=tuple(sorted(found["index"].items())),
        prices=tuple(sorted(found["price"].items())),
        positions=found["position"],
        orders=found["order"],
        low_prices={asset: low for asset, (low, _) in found["signed_price"].items()},
        high_prices={asset: high for asset, (_, high) in found["signed_price"].items()},
    )


def texts(values: Mapping[int, Any]) -> dict[str, Any]:
    """An object from numbers to values, in their order."""
    return {str(key): encoded(values[key]) for key in sorted(values)}


def encode_position(stored: Stored) -> dict[str, Any]:
    """A position in JSON values."""
    return {**encoded(stored.position), "asset": texts(dict(stored.assets))}


def encode_state(state: State) -> dict[str, Any]:
    """A state in JSON values."""
    held = {number: stored for number, stored in state.positions.items() if stored != EMPTY}
    low, high = state.low_prices, state.high_prices
    return {
        "system": encoded(state.system),
        "index": texts(dict(state.indices)),
        "price": texts(dict(state.prices)),
        "position": {str(number): encode_position(held[number]) for number in sorted(held)},
        "order": texts({number: order.fulfilled for number, order in state.orders.items() if order.fulfilled}),
        "signed_price": {str(asset): {"low": str(low[asset]), "high": str(high[asset])} for asset in sorted(low)},
    }


class StarkexSession:
    """A state of the deployed system.

    Attributes:
        current: The state.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.current = State(settings, System(), (), (), {})

    def load(self, pre: Any) -> None:
        """Take a state."""
        self.current = decode_state(pre, self._settings)

    def apply(self, name: str, arguments: Any) -> Applied:
        """Apply a transaction in its JSON form."""
        return self.apply_transaction(decode_transaction(name, arguments))

    def apply_transaction(self, transaction: Any) -> Applied:
        """Apply a transaction."""
        after = fresh(self.current)
        try:
            MACHINE.apply(after, transaction)
        except Rejected as rejection:
            return Applied(rejection.reason.name, {}, {})
        before, self.current = self.current, after
        return Applied(None, delta_between(encode_state(before), encode_state(after)), outputs_of(transaction, after))

    def violated(self, name: str, arguments: Any) -> tuple[str, ...]:
        """The reasons of the false guards of the transaction's first step that fails."""
        transaction = decode_transaction(name, arguments)
        after = fresh(self.current)
        for step in MACHINE.steps[type(transaction)]:
            given = [transaction, *(item for load in step.loads for item in load(after, transaction))]
            try:
                step.run(after, transaction)
            except Rejected as rejection:
                return false_guards(step.function, given, rejection.reason)
        return ()

    def root(self) -> str:
        """The SHA-256 of the state's canonical text."""
        text = json.dumps(self.state(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def state(self) -> dict[str, Any]:
        """The whole state."""
        return encode_state(self.current)


def false_guards(function: Callable[..., Any], given: list[Any], first: Reason) -> tuple[str, ...]:
    """The reasons of the false guards of a step, the first one first.

    The rules of this set are not total: behind a false guard, a value can be one that the next primitive does not take.
    Then only the first is known.
    """
    try:
        found = guards_of(function, given)
    except (ArithmeticError, LookupError, StopIteration, TypeError):
        return (first.name,)
    names = [Reason(guard.reason).name for guard in found if not guard.holds]
    return tuple(dict.fromkeys([first.name, *names]))


def delta_between(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What changed: path and new value, None where there is none any more."""
    old, new = flat(STARKEX_BOOK, before), flat(STARKEX_BOOK, after)
    gone = dict.fromkeys(path for path in old if path not in new)
    return {**{path: value for path, value in new.items() if old.get(path) != value}, **gone}


def outputs_of(transaction: Any, after: State) -> dict[str, Any]:
    """What a transaction says to the outside."""
    condition = condition_of(transaction)
    return {
        "modifications": [
            {"owner_key": str(made.owner_key), "position_id": str(made.position_id), "delta": str(made.delta)}
            for made in after.modifications
        ],
        "forced_actions": str(int(is_forced(transaction))),
        "conditions": [] if condition is None else [str(condition)],
    }


class StarkexBook:
    """The StarkEx rule set."""

    name = "starkex"
    operations = tuple(OPERATIONS)
    zero_is_absent = False

    def configure(self, config: Any) -> StarkexSession:
        """A session with a configuration."""
        return StarkexSession(decode_config(config))

    def in_words(self, path: str, value: Any, config: Any) -> str:
        """A value with its unit: funding indices and prices are 32.32 numbers."""
        del config
        if type(value) is not str or not path.startswith(("/index/", "/price/")):
            return ""
        return f"{int(value) / 2**32:.9g} collateral units a unit"

    def sentence(self, reason: str) -> str:
        """What a reason means."""
        return SENTENCES[Reason[reason]] if reason in Reason.__members__ else ""

    def page_of(self, operation: str) -> str:
        """The page of the rule set."""
        del operation
        return "starkex.md"


STARKEX_BOOK = StarkexBook()
