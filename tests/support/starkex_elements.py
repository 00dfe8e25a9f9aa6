"""A second opinion on the StarkEx program: its steps on field elements, written apart from the rules.

Every inequality is what the program proves, that a difference is below 2^128 in the field, so a number out of range
fails where the program's does. Cases are JSON objects as in the observed files; what a signature authorises is what
they state.
"""

from typing import Any

from attrs import define, field

from perp_reference.starkex.pedersen import PRIME
from perp_reference.starkex.reader import around_zero

ONE = 2**32
UNCODED = "UNCODED_ASSERT"
ENLARGING = "ILLEGAL_POSITION_TRANSITION_ENLARGING_SYNTHETIC_HOLDINGS"
REDUCING = "ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO"
NO_RISK = "ILLEGAL_POSITION_TRANSITION_NO_RISK_REDUCED_VALUE"


class Abort(Exception):
    """An assertion fails, with a code or with none."""


def must(holds: bool, code: str = UNCODED) -> None:
    if not holds:
        raise Abort(code)


def is_natural(element: int) -> bool:
    return element % PRIME < 2**128


def at_most(small: int, large: int) -> bool:
    return is_natural(large - small)


def between(element: int, low: int, bound: int) -> bool:
    return at_most(low, element) and at_most(element, bound - 1)


def amount_fits(amount: int) -> bool:
    return is_natural(amount) and at_most(amount, 2**64 - 1)


def found(ids: list[int], key: int) -> bool:
    """Whether a sorted array has a key, as the program looks for it."""
    place = next((place for place, own in enumerate(ids) if own >= key), len(ids))
    if place < len(ids):
        must(at_most(key, ids[place]))
    if place > 0:
        must(at_most(ids[place - 1] + 1, key))
    return place < len(ids) and ids[place] == key


@define
class Position:
    key: int = 0
    collateral: int = 0
    assets: list[tuple[int, int, int]] = field(factory=list)
    time: int = 0

    def balance(self, asset: int) -> int:
        return next((balance for own, balance, _ in self.assets if own == asset % PRIME), 0)


def position_of(case: dict[str, Any]) -> Position:
    return Position(case["owner"], case["collateral"], [(asset, held, index) for asset, held, index in case["assets"]])


class Program:
    """A state, and the program's steps on it."""

    def __init__(self, config: dict[str, Any], state: dict[str, Any]) -> None:
        self.config = config
        self.segments = {asset["asset_id"]: asset["risk_segments"] for asset in config["assets"]}
        self.indices = dict(map(tuple, state["funding"]["indices"]))
        self.funded_at = state["funding"]["timestamp"]
        self.prices = dict(map(tuple, state["prices"]))
        self.now = state["system_time"]
        self.expires = state["min_expiration_timestamp"]
        self.lowest = dict(map(tuple, state.get("signed_min_prices", [])))
        self.highest = dict(map(tuple, state.get("signed_max_prices", [])))
        self.fulfilled = dict(state.get("fulfilled", {}))
        self.positions = {int(number): position_of(own) for number, own in state.get("positions", {}).items()}

    def position(self, number: int) -> Position:
        return self.positions.get(number % PRIME, Position())

    # Positions

    def funded(self, position: Position) -> Position:
        must(all(asset in self.indices for asset, _, _ in position.assets))
        owed = sum((self.indices[asset] - index) * held for asset, held, index in position.assets)
        collateral = around_zero((position.collateral * ONE - owed) % PRIME) >> 32
        must(-(2**63) <= collateral < 2**63)
        assets = [(asset, held, self.indices[asset]) for asset, held, _ in position.assets]
        return Position(position.key, collateral, assets, self.funded_at)

    def status(self, position: Position) -> tuple[int, int, str | None]:
        value, risk = position.collateral * ONE, 0
        for asset, balance, _ in position.assets:
            must(asset in self.prices and asset in self.segments)
            price, size = self.prices[asset], abs(balance)
            must(size < 2**63 and price < 2**64)
            amount = size if self.config["is_risk_by_balance_only"] else size * price
            factor = next(factor for bound, factor in self.segments[asset] if amount <= bound)
            value, risk = value + price * balance, risk + price * size * factor
        if not between(value, -(2**95), 2**95):
            return 0, 0, "OUT_OF_RANGE_TOTAL_VALUE"
        return (value, risk, None) if at_most(risk, 2**128 - 1) else (0, 0, "OUT_OF_RANGE_TOTAL_RISK")

    def transition(self, after: Position, before: Position) -> str | None:
        value, risk, code = self.status(after)
        if code is not None or risk <= value * ONE:
            return code
        old_value, old_risk, code = self.status(before)
        if code is not None:
            return code
        old = {asset: balance for asset, balance, _ in before.assets}
        for asset, balance, _ in after.assets:
            if asset not in old or balance * old[asset] < 0 or balance**2 > old[asset] ** 2:
                return ENLARGING
        if old_value * risk > value * old_risk:
            return REDUCING
        return None if old_risk != 0 or at_most(old_value, value) else NO_RISK

    def update(
        self, position: Position, key: int, money: int, asset: int, units: int
    ) -> tuple[Position, Position, str | None]:
        """The position after, the funded one, and the code; after a code both are the funded one."""
        before = self.funded(position)
        asset %= PRIME
        if asset == PRIME - 1:
            must(units == 0)
        elif not (self.prices and found(sorted(self.prices), asset)):
            return before, before, "MISSING_ORACLE_PRICE"
        elif not (self.indices and found(sorted(self.indices), asset)):
            return before, before, "MISSING_GLOBAL_FUNDING_INDEX"
        if key == 0 and position.key == 0:
            return before, before, "INVALID_PUBLIC_KEY" if units or money else None
        if key not in (0, position.key) and position.key != 0:
            return before, before, "INVALID_PUBLIC_KEY"
        collateral = before.collateral + money
        if not between(collateral, -(2**63), 2**63):
            return before, before, "OUT_OF_RANGE_BALANCE"
        held = {own: (balance, index) for own, balance, index in before.assets}
        if units != 0:
            balance, index = held.pop(asset, (0, self.indices[asset]))
            if not between(balance + units, -(2**63), 2**63):
                return before, before, "OUT_OF_RANGE_BALANCE"
            if (balance + units) % PRIME != 0:
                held[asset] = around_zero((balance + units) % PRIME), index
            if len(held) == 65:
                return before, before, "TOO_MANY_SYNTHETIC_ASSETS_IN_POSITION"
        assets = [(own, *held[own]) for own in sorted(held)]
        empty = collateral % PRIME == 0 and not assets
        after = (
            Position() if empty else Position(key or position.key, around_zero(collateral % PRIME), assets, before.time)
        )
        code = self.transition(after, before)
        return (after if code is None else before), before, code

    def store(self, number: int, *asked: int) -> tuple[Position, Position, str | None]:
        """Update a stored position; a code is returned."""
        after, before, code = self.update(self.position(number), *asked)
        self.positions[number % PRIME] = after
        return after, before, code

    def change(self, number: int, *asked: int) -> tuple[Position, Position]:
        """Update a stored position; a code aborts."""
        after, before, code = self.store(number, *asked)
        must(code is None, str(code))
        return after, before

    # Orders

    def fulfil(self, label: str, order: dict[str, Any], amount: int, whole: int) -> None:
        must(not order.get("bad_sig") and order["owner"] != 0, "INVALID_SIGNATURE")
        must(between(order["expiration_timestamp"], self.expires, 2**32))
        must(is_natural(order["nonce"]) and at_most(order["nonce"], 2**32 - 1))
        filled = self.fulfilled.get(label, 0)
        beyond = amount % PRIME > whole % PRIME - filled
        fits = is_natural(amount) and at_most(amount, whole - filled)
        must(fits, "INVALID_FULFILLMENT_INFO" if beyond else "OUT_OF_RANGE_AMOUNT")
        must(at_most(whole, 2**64 - 1), "OUT_OF_RANGE_AMOUNT")

    def fill(self, label: str, order: dict[str, Any], money: int, units: int, fee: int) -> None:
        fee_position, collateral_asset = self.config["fee_position_id"], self.config["collateral_asset_id"]
        must(order["position_id"] != fee_position)
        is_collateral = (order.get("asset_id_collateral", collateral_asset) - collateral_asset) % PRIME == 0
        must(is_collateral, "INVALID_COLLATERAL_ASSET_ID")
        price, size = order["amount_collateral"], order["amount_synthetic"]
        must(between(price, 1, 2**64), "OUT_OF_RANGE_POSITIVE_AMOUNT")
        must(amount_fits(order["amount_fee"]))
        must(at_most(1, units), "OUT_OF_RANGE_POSITIVE_AMOUNT")
        must(at_most(fee * price, order["amount_fee"] * money), "INVALID_FULFILLMENT_FEE_RATIO")
        buys = order["is_buying_synthetic"] == 1
        if buys:
            fair = money == 0 or at_most((money - 1) * size + 1, price * units)
        else:
            fair = at_most(units * price + 1, size * (money + 1))
        must(fair, "INVALID_FULFILLMENT_ASSETS_RATIO")
        self.fulfil(label, order, units, size)
        self.change(fee_position, self.config["fee_owner"], fee, -1, 0)
        paid, gained = (-money - fee, units) if buys else (money - fee, -units)
        self.change(order["position_id"], order["owner"], paid, order["asset_id_synthetic"], gained)

    # Transactions

    def run(self, tx: dict[str, Any]) -> None:
        """Run a transaction, whose numbers lie around zero."""
        kind = tx["type"]
        if not kind.endswith("_tick"):
            fresh = at_most(self.now, self.funded_at + self.config["funding_validity_period"])
            must(fresh, "INVALID_FUNDING_TICK_TIMESTAMP")
        getattr(self, kind)(tx)

    def trade(self, tx: dict[str, Any]) -> None:
        must(all(amount_fits(tx[name]) for name in ("actual_collateral", "actual_a_fee", "actual_b_fee")))
        buy, sell = tx["order_a"], tx["order_b"]
        must(buy["is_buying_synthetic"] == 1 and sell["is_buying_synthetic"] == 0)
        self.fill("order_a", buy, tx["actual_collateral"], tx["actual_synthetic"], tx["actual_a_fee"])
        must(buy["asset_id_synthetic"] == sell["asset_id_synthetic"])
        must(buy["position_id"] != sell["position_id"], "SAME_POSITION_ID")
        self.fill("order_b", sell, tx["actual_collateral"], tx["actual_synthetic"], tx["actual_b_fee"])

    def liquidate(self, tx: dict[str, Any]) -> None:
        order, number = tx["liquidator_order"], tx["liquidated_position_id"]
        money, units, asset = tx["actual_collateral"], tx["actual_synthetic"], order["asset_id_synthetic"]
        must(amount_fits(money) and amount_fits(tx["actual_liquidator_fee"]))
        must(order["position_id"] != number)
        before = self.funded(self.position(number))
        value, risk, code = self.status(before)
        must(code is None, str(code))
        must((risk - value * ONE - 1) % PRIME < 2**250, "UNLIQUIDATABLE_POSITION")
        sign = 1 if order["is_buying_synthetic"] == 1 else -1
        must(is_natural(units) and at_most(units, sign * before.balance(asset)), ENLARGING)
        after, _, code = self.update(before, before.key, sign * money, asset, -sign * units)
        must(code is None, str(code))
        self.positions[number % PRIME] = after
        self.fill("liquidator_order", order, money, units, tx["actual_liquidator_fee"])

    def deleverage(self, tx: dict[str, Any]) -> None:
        money, units, asset = tx["amount_collateral"], tx["amount_synthetic"], tx["asset_id_synthetic"]
        must(amount_fits(units) and amount_fits(money))
        must(tx["deleverager_position_id"] != tx["deleveragable_position_id"], "SAME_POSITION_ID")
        sign = 1 if tx["deleverager_is_buying_synthetic"] else -1
        after, before = self.change(tx["deleveragable_position_id"], 0, sign * money, asset, -sign * units)
        _, other = self.change(tx["deleverager_position_id"], 0, -sign * money, asset, sign * units)
        must(is_natural(units) and at_most(units, -sign * other.balance(asset)), ENLARGING)
        old_value, old_risk, code = self.status(before)
        must(code is None, str(code))
        must(at_most(old_value + 1, 0), "UNDELEVERAGABLE_POSITION")
        value, risk, code = self.status(after)
        must(code is None, str(code))
        must((old_value * risk - (value - ONE) * old_risk - 1) % PRIME < 2**250, "UNFAIR_DELEVERAGE")

    def deposit(self, tx: dict[str, Any]) -> None:
        must(amount_fits(tx["amount"]), "OUT_OF_RANGE_AMOUNT")
        self.change(tx["position_id"], tx["owner"], tx["amount"], -1, 0)

    def withdrawal(self, tx: dict[str, Any]) -> None:
        self.fulfil("withdrawal", tx, tx["amount"], tx["amount"])
        self.change(tx["position_id"], tx["owner"], -tx["amount"], -1, 0)

    def transfer(self, tx: dict[str, Any]) -> None:
        must(tx["sender_position_id"] != tx["receiver_position_id"], "SAME_POSITION_ID")
        must(amount_fits(tx["amount"]), "OUT_OF_RANGE_AMOUNT")
        collateral_asset = self.config["collateral_asset_id"]
        must((tx.get("asset_id", collateral_asset) - collateral_asset) % PRIME == 0, "INVALID_COLLATERAL_ASSET_ID")
        self.fulfil("transfer", tx, tx["amount"], tx["amount"])
        self.change(tx["sender_position_id"], tx["owner"], -tx["amount"], -1, 0)
        self.change(tx["receiver_position_id"], tx["receiver_owner"], tx["amount"], -1, 0)

    conditional_transfer = transfer

    def forced_withdrawal(self, tx: dict[str, Any]) -> None:
        must(amount_fits(tx["amount"]), "OUT_OF_RANGE_AMOUNT")
        _, _, code = self.store(tx["position_id"], tx["owner"], -tx["amount"], -1, 0)
        must((code is None) == (tx["is_valid"] == 1), code or UNCODED)

    def forced_trade(self, tx: dict[str, Any]) -> None:
        money, units, asset = tx["amount_collateral"], tx["amount_synthetic"], tx["asset_id_synthetic"]
        must(amount_fits(money) and amount_fits(units))
        must(tx["position_id_a"] != tx["position_id_b"], "SAME_POSITION_ID")
        buyer, seller = ("a", "b") if tx["is_party_a_buying_synthetic"] else ("b", "a")
        places = [tx[f"position_id_{party}"] % PRIME for party in (buyer, seller)]
        bought = self.update(self.position(places[0]), tx[f"owner_{buyer}"], -money, asset, units)
        sold = self.update(self.position(places[1]), tx[f"owner_{seller}"], money, asset, -units)
        code = bought[2] or sold[2]
        must((code is None) == (tx["is_valid"] == 1), code or UNCODED)
        for place, (after, before, _) in zip(places, (bought, sold), strict=True):
            self.positions[place] = after if code is None else before

    def funding_tick(self, tx: dict[str, Any]) -> None:
        at = tx["funding"]["timestamp"]
        must(at_most(self.now, at))
        waiting, last = sorted(self.indices), -1
        for asset, index in tx["funding"]["indices"]:
            must(at_most(last + 1, asset))
            must(between(index, -(2**63), 2**63), "OUT_OF_RANGE_FUNDING_INDEX")
            if asset >= (waiting[0] if waiting else 2**120):
                must(bool(waiting) and asset == waiting.pop(0) and asset in self.prices)
                room = self.config["max_funding_rate"] * self.prices[asset] * (at - self.funded_at)
                must((room - abs(index - self.indices[asset]) * ONE) % PRIME < 2**250)
            last = asset
        must(not waiting)

    def oracle_prices_tick(self, tx: dict[str, Any]) -> None:
        must(at_most(self.now, tx["timestamp"]))
        rest, last = sorted(self.prices), -1
        for asset, price in tx["prices"]:
            found(rest, asset % PRIME)
            must(at_most(last + 1, asset), "UNSORTED_ORACLE_PRICES")
            must(asset in self.lowest and asset in self.highest)
            must(between(price, self.lowest[asset], self.highest[asset] + 1))
            rest, last = [own for own in rest if own > asset], asset
        must(at_most(last, 2**120 - 1))


def ended(case: dict[str, Any]) -> tuple[str, Any]:
    """The code that a case ends with, and what is then: the positions that hold something, or the status."""
    program = Program(case["config"], case["state"])
    try:
        if case["kind"] == "status":
            value, risk, code = program.status(position_of(case["position"]))
            return code or "SUCCESS", None if code else (value, risk)
        if case["kind"] == "update_position":
            asked = around_zero_all(case["update"])
            changes = (asked["owner"], asked["collateral_delta"], asked["asset_id_synthetic"], asked["synthetic_delta"])
            after, _, code = program.update(position_of(case["position"]), *changes)
            return code or "SUCCESS", after
        program.run(around_zero_all(case["tx"]))
    except Abort as abort:
        return str(abort), None
    return "SUCCESS", {
        number: own for number, own in program.positions.items() if own.key or own.collateral or own.assets
    }


def around_zero_all(value: Any) -> Any:
    """A JSON value with its integers around zero, but for owners."""
    if isinstance(value, dict):
        return {name: around_zero_all(item) for name, item in value.items()}
    if isinstance(value, list):
        return [around_zero_all(item) for item in value]
    return around_zero(value % PRIME) if type(value) is int else value
