"""From the lines of a case file to cases: positions, configurations, transactions, and what was observed."""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from perp_reference.formats.text import described
from perp_reference.starkex.machine import IndexTick, PriceTick
from perp_reference.starkex.pedersen import PRIME
from perp_reference.starkex.reader import (
    SIGNED,
    Members,
    Refused,
    around_zero,
    inside,
    integer,
    items_of,
    rising,
    row_of,
)
from perp_reference.starkex.state import AssetConfig, Pairs, Settings, State, Stored
from perp_spec.starkex.bounds import (
    ASSET_ID_BOUND,
    BALANCE_BOUND,
    INDEX_BOUND,
    NO_ASSET,
    POSITION_ASSETS,
    RANGE_BOUND,
    RISK_FACTOR_BOUND,
    RISK_SEGMENT_LAST,
)
from perp_spec.starkex.position import Change
from perp_spec.starkex.records import Config, Holding, OrderState, Position, System
from perp_spec.starkex.transactions import (
    ConditionalTransfer,
    Deleverage,
    Deposit,
    ForcedTrade,
    ForcedWithdrawal,
    LimitOrder,
    Liquidate,
    Trade,
    Transfer,
    Withdrawal,
)

STATE_KINDS = ("status", "apply_funding", "update_position", "tx")
HASH_KINDS = ("limit_order", "transfer", "withdrawal", "position", "public_keys")

ORDER_LABELS = {"order_a": 1, "order_b": 2, "liquidator_order": 3, "withdrawal": 4, "transfer": 5}
"""Orders of a case are named, not hashed: the number that stands for an order's id."""

ASSET_ID = (0, ASSET_ID_BOUND - 1)
BALANCE = (-BALANCE_BOUND, BALANCE_BOUND - 1)
INDEX = (-INDEX_BOUND, INDEX_BOUND - 1)
NATURAL = (0, RANGE_BOUND - 1)
COUNT = (0, 2**64 - 1)

KeyOf = Callable[[int], int]
"""The public key of an owner; where only equality matters, the owner's own number."""


@frozen
class Case:
    """A case of one call."""

    identifier: str
    kind: str
    """status, apply_funding, update_position or tx."""
    state: State
    """To be copied before it is used."""
    position: Stored
    """Of the first three kinds."""
    change: Change
    """Of update_position."""
    transaction: Any
    """Of tx."""
    result: dict[str, Any]
    """What was observed, in JSON values."""


@frozen
class BatchCase:
    """A case of a whole batch."""

    identifier: str
    state: State
    transactions: tuple[Any, ...]
    external_prices: Pairs
    """Signed by all signers of the asset, for both the lowest and the highest price."""
    signature_timestamp: int
    output: tuple[int, ...] | None
    """The words that the program output; None where the batch could not be proved."""
    code: str | None
    """Why it could not be."""


@frozen
class HashCase:
    """A case of a hash."""

    kind: str
    content: Any
    """The order, transfer or withdrawal, or the position."""
    further: int
    """The condition of a transfer, or the collateral asset of a withdrawal."""
    hash: int
    order_id: int | None
    public_keys: dict[int, int]
    """Public keys of owners that were observed."""


AnyCase = Case | BatchCase | HashCase


def itself(owner: int) -> int:
    """The number of an owner, as a key."""
    return owner


def decode_line(members: Members, key_of: KeyOf) -> AnyCase:
    """Any case. `key_of` gives public keys, for batches and hashes only."""
    if "txs" in members:
        return decode_batch(members, key_of)
    kind = members.one_of("kind", STATE_KINDS + HASH_KINDS)
    if kind in HASH_KINDS:
        return decode_hash(kind, members)
    return decode_case(kind, members)


def decode_case(kind: str, members: Members) -> Case:
    """A case of one call."""
    identifier = members.text("id")
    members.text("category", default="")
    members.text("class", default="")
    config = members.object("config")
    with inside("config"):
        settings = decode_settings(config, itself)
        config.close()
    state_members = members.object("state")
    with inside("state"):
        state = decode_state(state_members, settings, itself)
        state_members.close()
    position, change, transaction = Stored(Position(), ()), Change(0, 0, NO_ASSET, 0), None
    if kind == "tx":
        value = members.take("tx")
        with inside("tx"):
            transaction = decode_transaction(value, itself, settings.config.collateral_asset_id)
    else:
        value = members.take("position")
        with inside("position"):
            position = decode_position(value, itself)
    if kind == "update_position":
        update = members.object("update")
        with inside("update"):
            change = decode_change(update)
            update.close()
    value = members.take("result")
    with inside("result"):
        result = decode_result(value)
    return Case(identifier, kind, state, position, change, transaction, result)


# Configuration and state


def decode_settings(members: Members, key_of: KeyOf) -> Settings:
    """The configuration."""
    assets = members.items("assets", decode_asset)
    rising("assets", tuple((asset.asset_id,) for asset in assets), "asset_id")
    return Settings(
        config=Config(
            collateral_asset_id=members.from_zero("collateral_asset_id"),
            fee_position_id=members.integer("fee_position_id", *COUNT),
            fee_public_key=key_of(members.integer("fee_owner", *COUNT)),
            funding_validity_period=members.integer("funding_validity_period", *NATURAL),
            max_funding_rate=members.integer("max_funding_rate", *NATURAL),
        ),
        assets=assets,
        risk_by_balance=members.flag("is_risk_by_balance_only"),
        collateral_resolution=members.integer("collateral_resolution", 1, COUNT[1]),
        price_validity_period=members.integer("price_validity_period", *NATURAL),
        data_availability_mode=members.integer("data_availability_mode", 0, 1, default=0),
    )


def decode_asset(value: Any) -> AssetConfig:
    """The configuration of an asset."""
    members = Members(value)
    ranges = ((0, RISK_SEGMENT_LAST), (1, RISK_FACTOR_BOUND - 1))
    segments = members.items("risk_segments", lambda item: pair_of(item, *ranges))
    rising("risk_segments", segments)
    if not segments or segments[-1][0] != RISK_SEGMENT_LAST:
        raise Refused("a last segment up to 2^128 - 1", "none", "risk_segments")
    signers = members.items("signers", element) if "signers" in members else ()
    signed_ids = members.items("oracle_asset_ids", element) if "oracle_asset_ids" in members else ()
    asset = AssetConfig(
        asset_id=members.integer("asset_id", *ASSET_ID),
        resolution=members.integer("resolution", 1, COUNT[1]),
        segments=segments,
        signers=signers,
        quorum=members.integer("quorum", 1, 2**32 - 1, default=1),
        signed_ids=signed_ids,
    )
    members.close()
    return asset


def element(value: Any) -> int:
    """A field element that is only compared, hashed or output."""
    return integer(value, *SIGNED) % PRIME


def pair_of(value: Any, first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    """An array of two integers."""
    one, other = row_of(value, (first, second))
    return one, other


def pairs(members: Members, name: str, first: tuple[int, int], second: tuple[int, int]) -> Pairs:
    """An array of (asset, value) in order of asset."""
    found = members.items(name, lambda item: pair_of(item, first, second))
    rising(name, found)
    return found


def elements(members: Members, name: str) -> Pairs:
    """An array of (asset, value) as a tick gives it: any field elements, in any order."""
    rows = members.items(name, lambda item: pair_of(item, SIGNED, SIGNED))
    return tuple((around_zero(asset_id), around_zero(value)) for asset_id, value in rows)


def decode_state(members: Members, settings: Settings, key_of: KeyOf) -> State:
    """The state."""
    funding = members.object("funding")
    with inside("funding"):
        indices = pairs(funding, "indices", ASSET_ID, INDEX)
        funding_timestamp = funding.integer("timestamp", *NATURAL)
        funding.close()
    positions = members.object("positions")
    with inside("positions"):
        stored = {number_of(name): decode_at(positions, name, key_of) for name in positions.names()}
    low = high = ()
    if "signed_min_prices" in members:
        low = pairs(members, "signed_min_prices", ASSET_ID, NATURAL)
        high = pairs(members, "signed_max_prices", ASSET_ID, NATURAL)
    fulfilled = members.object("fulfilled") if "fulfilled" in members else Members({})
    with inside("fulfilled"):
        orders = {order_number(name): OrderState(fulfilled.integer(name, *COUNT)) for name in fulfilled.names()}
    return State(
        settings=settings,
        system=System(
            system_time=members.integer("system_time", *NATURAL),
            funding_timestamp=funding_timestamp,
            minimum_expiration=members.integer("min_expiration_timestamp", *NATURAL),
        ),
        indices=indices,
        prices=pairs(members, "prices", ASSET_ID, NATURAL),
        positions=stored,
        orders=orders,
        low_prices=dict(low),
        high_prices=dict(high),
    )


def number_of(name: str) -> int:
    """The position that a member's name stands for."""
    if not name.isascii() or not name.isdigit() or name != str(int(name[:77])) or int(name) >= PRIME:
        raise Refused("the number of a position", f'"{name}"', name)
    return int(name)


def order_number(name: str) -> int:
    """The number that stands for a named order."""
    if name not in ORDER_LABELS:
        raise Refused(f"one of {', '.join(ORDER_LABELS)}", f'"{name}"', name)
    return ORDER_LABELS[name]


def decode_at(members: Members, name: str, key_of: KeyOf) -> Stored:
    """A position among others."""
    value = members.take(name)
    with inside(name):
        return decode_position(value, key_of)


def decode_position(value: Any, key_of: KeyOf) -> Stored:
    """A position. The program stores none with key 0 that is not empty, but goes on with one as it finds it."""
    members = Members(value)
    rows = members.items("assets", lambda item: row_of(item, (ASSET_ID, BALANCE, INDEX)))
    rising("assets", rows)
    if len(rows) > POSITION_ASSETS:
        raise Refused(f"at most {POSITION_ASSETS} assets", str(len(rows)), "assets")
    for place, (_, balance, _) in enumerate(rows):
        if balance == 0:
            raise Refused("a balance other than 0", "0", "assets", f"[{place}]", "[1]")
    owner = members.integer("owner", *COUNT)
    collateral = members.integer("collateral", *BALANCE)
    members.close()
    return Stored(
        Position(key_of(owner), collateral, 0),
        tuple((asset_id, Holding(balance, cached)) for asset_id, balance, cached in rows),
    )


def decode_change(members: Members) -> Change:
    """What an update asks of a position."""
    return Change(
        public_key=members.integer("owner", *COUNT),
        collateral=members.element("collateral_delta"),
        asset_id=members.element("asset_id_synthetic"),
        balance=members.element("synthetic_delta"),
    )


# Transactions


def decode_transaction(value: Any, key_of: KeyOf, collateral_asset_id: int) -> Any:
    """A transaction."""
    members = Members(value)
    kind = members.one_of("type", tuple(TRANSACTIONS))
    transaction = TRANSACTIONS[kind](members, key_of, collateral_asset_id)
    members.close()
    return transaction


def decode_order(members: Members, key_of: KeyOf, collateral_asset_id: int, label: str) -> LimitOrder:
    """A limit order, named by a label."""
    own = members.object(label)
    with inside(label):
        order = limit_order(own, key_of, collateral_asset_id, ORDER_LABELS[label])
        own.close()
    return order


def limit_order(members: Members, key_of: KeyOf, collateral_asset_id: int, order_id: int) -> LimitOrder:
    """A limit order."""
    owner = members.integer("owner", *COUNT)
    return LimitOrder(
        nonce=members.element("nonce"),
        public_key=key_of(owner),
        expiration=members.element("expiration_timestamp"),
        amount_synthetic=members.element("amount_synthetic"),
        amount_collateral=members.element("amount_collateral"),
        amount_fee=members.element("amount_fee"),
        asset_id=members.element("asset_id_synthetic"),
        collateral_asset_id=members.from_zero("asset_id_collateral", collateral_asset_id),
        position_id=members.element("position_id"),
        buys=members.flag("is_buying_synthetic"),
        authorised=is_signed(members, owner),
        order_id=order_id,
    )


def is_signed(members: Members, owner: int) -> bool:
    """Whether a message is signed by its owner. Nobody can sign for key 0."""
    return not members.flag("bad_sig", default=False) and owner != 0


def decode_trade(members: Members, key_of: KeyOf, collateral_asset_id: int) -> Trade:
    """A trade."""
    return Trade(
        order_a=decode_order(members, key_of, collateral_asset_id, "order_a"),
        order_b=decode_order(members, key_of, collateral_asset_id, "order_b"),
        actual_collateral=members.element("actual_collateral"),
        actual_synthetic=members.element("actual_synthetic"),
        actual_a_fee=members.element("actual_a_fee"),
        actual_b_fee=members.element("actual_b_fee"),
    )


def decode_liquidate(members: Members, key_of: KeyOf, collateral_asset_id: int) -> Liquidate:
    """A liquidation."""
    return Liquidate(
        liquidator_order=decode_order(members, key_of, collateral_asset_id, "liquidator_order"),
        liquidated_position_id=members.element("liquidated_position_id"),
        actual_collateral=members.element("actual_collateral"),
        actual_synthetic=members.element("actual_synthetic"),
        actual_liquidator_fee=members.element("actual_liquidator_fee"),
    )


def decode_deleverage(members: Members, key_of: KeyOf, collateral_asset_id: int) -> Deleverage:
    """A deleveraging."""
    del key_of, collateral_asset_id
    return Deleverage(
        deleveragable_position_id=members.element("deleveragable_position_id"),
        deleverager_position_id=members.element("deleverager_position_id"),
        asset_id=members.element("asset_id_synthetic"),
        amount_synthetic=members.element("amount_synthetic"),
        amount_collateral=members.element("amount_collateral"),
        deleverager_buys=members.flag("deleverager_is_buying_synthetic"),
    )


def decode_deposit(members: Members, key_of: KeyOf, collateral_asset_id: int) -> Deposit:
    """A deposit."""
    del collateral_asset_id
    return Deposit(
        public_key=key_of(members.integer("owner", *COUNT)),
        position_id=members.element("position_id"),
        amount=members.element("amount"),
    )


def decode_withdrawal(members: Members, key_of: KeyOf, collateral_asset_id: int) -> Withdrawal:
    """A withdrawal."""
    del collateral_asset_id
    owner = members.integer("owner", *COUNT)
    return Withdrawal(
        nonce=members.element("nonce"),
        public_key=key_of(owner),
        expiration=members.element("expiration_timestamp"),
        position_id=members.element("position_id"),
        amount=members.element("amount"),
        owner_key=key_of(members.integer("to_owner", *COUNT, default=owner)),
        authorised=is_signed(members, owner),
        order_id=ORDER_LABELS["withdrawal"],
    )


def decode_transfer(members: Members, key_of: KeyOf, collateral_asset_id: int) -> Transfer:
    """A transfer."""
    owner = members.integer("owner", *COUNT)
    return Transfer(
        nonce=members.element("nonce"),
        public_key=key_of(owner),
        expiration=members.element("expiration_timestamp"),
        sender_position_id=members.element("sender_position_id"),
        receiver_public_key=key_of(members.integer("receiver_owner", *COUNT)),
        receiver_position_id=members.element("receiver_position_id"),
        amount=members.element("amount"),
        asset_id=members.from_zero("asset_id", collateral_asset_id),
        authorised=is_signed(members, owner),
        order_id=ORDER_LABELS["transfer"],
    )


def decode_conditional(members: Members, key_of: KeyOf, collateral_asset_id: int) -> ConditionalTransfer:
    """A conditional transfer."""
    return ConditionalTransfer(
        transfer=decode_transfer(members, key_of, collateral_asset_id), condition=members.from_zero("condition")
    )


def decode_forced_withdrawal(members: Members, key_of: KeyOf, collateral_asset_id: int) -> ForcedWithdrawal:
    """A forced withdrawal."""
    del collateral_asset_id
    return ForcedWithdrawal(
        public_key=key_of(members.integer("owner", *COUNT)),
        position_id=members.element("position_id"),
        amount=members.element("amount"),
        is_valid=members.flag("is_valid"),
    )


def decode_forced_trade(members: Members, key_of: KeyOf, collateral_asset_id: int) -> ForcedTrade:
    """A forced trade."""
    del collateral_asset_id
    return ForcedTrade(
        public_key_a=key_of(members.integer("owner_a", *COUNT)),
        public_key_b=key_of(members.integer("owner_b", *COUNT)),
        position_id_a=members.element("position_id_a"),
        position_id_b=members.element("position_id_b"),
        asset_id=members.element("asset_id_synthetic"),
        amount_collateral=members.element("amount_collateral"),
        amount_synthetic=members.element("amount_synthetic"),
        a_buys=members.flag("is_party_a_buying_synthetic"),
        nonce=members.from_zero("nonce"),
        is_valid=members.flag("is_valid"),
    )


def decode_funding_tick(members: Members, key_of: KeyOf, collateral_asset_id: int) -> IndexTick:
    """A funding tick. Its assets need not be sorted: that is for the rules to say."""
    del key_of, collateral_asset_id
    funding = members.object("funding")
    with inside("funding"):
        tick = IndexTick(
            timestamp=funding.element("timestamp"),
            rows=elements(funding, "indices"),
        )
        funding.close()
    return tick


def decode_oracle_tick(members: Members, key_of: KeyOf, collateral_asset_id: int) -> PriceTick:
    """An oracle tick. Its assets need not be sorted: that is for the rules to say."""
    del key_of, collateral_asset_id
    return PriceTick(timestamp=members.element("timestamp"), rows=elements(members, "prices"))


TRANSACTIONS: dict[str, Callable[[Members, KeyOf, int], Any]] = {
    "trade": decode_trade,
    "liquidate": decode_liquidate,
    "deleverage": decode_deleverage,
    "deposit": decode_deposit,
    "withdrawal": decode_withdrawal,
    "transfer": decode_transfer,
    "conditional_transfer": decode_conditional,
    "forced_withdrawal": decode_forced_withdrawal,
    "forced_trade": decode_forced_trade,
    "funding_tick": decode_funding_tick,
    "oracle_prices_tick": decode_oracle_tick,
}


# Results


def number(value: Any) -> int:
    """An integer of a result."""
    return integer(value, *SIGNED)


def text(value: Any) -> str:
    """A string of a result."""
    if type(value) is not str:
        raise Refused("a string", described(value))
    return value


def truth(value: Any) -> bool:
    """A flag of a result."""
    if type(value) is not bool:
        raise Refused("true or false", described(value))
    return value


def array(decode: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    """A decoder of arrays of a result."""

    def decoded(value: Any) -> list[Any]:
        if type(value) is not list:
            raise Refused("an array", described(value))
        return list(items_of(value, decode))

    return decoded


def row(count: int) -> Callable[[Any], list[int]]:
    """A decoder of arrays of so many integers."""
    return lambda value: list(row_of(value, (SIGNED,) * count))


def observed(**decoders: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    """A decoder of objects of a result, none of whose members need be there."""

    def decode(value: Any) -> dict[str, Any]:
        members = Members(value)
        found = {name: part(members, name, decoder) for name, decoder in decoders.items() if name in members}
        members.close()
        return found

    return decode


def part(members: Members, name: str, decode: Callable[[Any], Any]) -> Any:
    """A member, decoded."""
    value = members.take(name)
    with inside(name):
        return decode(value)


OBSERVED_POSITION = observed(owner=number, collateral=number, assets=array(row(3)), funding_timestamp=number)


def observed_positions(value: Any) -> dict[str, Any]:
    """Positions of a result, by their numbers."""
    members = Members(value)
    return {str(number_of(name)): part(members, name, OBSERVED_POSITION) for name in members.names()}


def observed_fills(value: Any) -> dict[str, int]:
    """How far orders are filled, by their labels."""
    members = Members(value)
    for name in members.names():
        order_number(name)
    return {name: part(members, name, number) for name in members.names()}


COMPARED: dict[str, Callable[[Any], Any]] = {
    "code": text,
    "provable": truth,
    "tv": number,
    "tr": number,
    "position": OBSERVED_POSITION,
    "funded_position": OBSERVED_POSITION,
    "positions": observed_positions,
    "fulfilled": observed_fills,
    "modifications": array(row(3)),
    "n_forced_actions": number,
    "conditions": array(number),
    "system_time": number,
    "funding": observed(timestamp=number, indices=array(row(2))),
    "prices": array(row(2)),
}
"""What of an observed result is compared, beside whether it is ok."""

NOT_COMPARED = ("fail_func", "fail_exc", "steps", "builtins")
"""What else an observed result says: where the program stopped, and what the run cost."""


def decode_result(value: Any) -> dict[str, Any]:
    """What was observed, in JSON values; without what is not compared."""
    members = Members(value)
    found: dict[str, Any] = {"ok": members.truth("ok")}
    for name in members.names():
        if name in COMPARED:
            found[name] = part(members, name, COMPARED[name])
        elif name in NOT_COMPARED:
            members.take(name)
    members.close()
    return found


# Batches and hashes


def decode_batch(members: Members, key_of: KeyOf) -> BatchCase:
    """A case of a whole batch."""
    identifier = members.text("id")
    for name in ("steps", "builtins", "kind", "category", "class"):  # what a run cost, and where a case is from
        if name in members:
            members.take(name)
    config = members.object("config")
    with inside("config"):
        settings = decode_settings(config, key_of)
        config.close()
    state_members = members.object("state")
    with inside("state"):
        state = decode_state(state_members, settings, key_of)
        state_members.close()
    collateral = settings.config.collateral_asset_id
    external = members.object("external_prices")
    with inside("external_prices"):
        prices = {number_of_asset(name): external.element(name) for name in external.names()}
    failed = None if "output" in members else decode_failure(members)
    return BatchCase(
        identifier=identifier,
        state=state,
        transactions=members.items("txs", lambda item: decode_transaction(item, key_of, collateral)),
        external_prices=tuple(sorted(prices.items())),
        signature_timestamp=members.integer("signature_timestamp", *NATURAL),
        output=members.items("output", element) if failed is None else None,
        code=None if failed is None else failed.get("code"),
    )


def decode_failure(members: Members) -> dict[str, Any]:
    """What was observed of a batch without output: that it could not be proved."""
    if "result" not in members:
        raise Refused("such a member, or a result that is not ok", "none", "output")
    value = members.take("result")
    with inside("result"):
        failed = decode_result(value)
        if failed["ok"]:
            raise Refused("false, for the batch has no output", "true", "ok")
    return failed


def number_of_asset(name: str) -> int:
    """The asset that a member's name stands for."""
    if not name.isascii() or not name.isdigit() or name != str(int(name[:40])) or int(name) > ASSET_ID[1]:
        raise Refused("the id of an asset", f'"{name}"', name)
    return int(name)


def decode_hash(kind: str, members: Members) -> HashCase:
    """A case of a hash. The keys in it are those that the case gives."""
    if kind == "public_keys":
        members.text("input")
        keys = members.object("keys")
        with inside("keys"):
            found = {number_of(name): keys.from_zero(name) for name in keys.names()}
        return HashCase(kind, None, 0, 0, None, found)
    own = members.object("input")
    with inside("input"):
        keys_given = given_keys(own)
        content, further = HASHED[kind](own, lambda owner: keys_given.get(owner, owner))
        own.close()
    order_id = members.integer("order_id", *COUNT) if "order_id" in members else None
    return HashCase(kind, content, further, members.from_zero("hash"), order_id, keys_given)


def given_keys(members: Members) -> dict[int, int]:
    """Public keys that a hash case states for its owners; the owners are left to be read."""
    stated = (("owner", "public_key"), ("owner", "owner_public_key"), ("receiver_owner", "receiver_public_key"))
    found: dict[int, int] = {}
    for owner, key in (*stated, ("to_owner", "to_public_key")):
        if key in members:
            found[members.peek(owner, *COUNT)] = members.from_zero(key)
    return found


def hashed_order(members: Members, key_of: KeyOf) -> tuple[Any, int]:
    """A limit order to be hashed."""
    return limit_order(members, key_of, 0, 0), 0


def hashed_transfer(members: Members, key_of: KeyOf) -> tuple[Any, int]:
    """A transfer to be hashed, and its condition."""
    return decode_transfer(members, key_of, 0), members.from_zero("condition", 0)


def hashed_withdrawal(members: Members, key_of: KeyOf) -> tuple[Any, int]:
    """A withdrawal to be hashed, and the collateral asset."""
    return decode_withdrawal(members, key_of, 0), members.from_zero("collateral_asset_id")


def hashed_position(members: Members, key_of: KeyOf) -> tuple[Any, int]:
    """A position to be hashed."""
    value = members.rest()
    return decode_position(value, key_of), 0


HASHED: dict[str, Callable[[Members, KeyOf], tuple[Any, int]]] = {
    "limit_order": hashed_order,
    "transfer": hashed_transfer,
    "withdrawal": hashed_withdrawal,
    "position": hashed_position,
}
