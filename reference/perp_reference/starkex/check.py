"""Running observed cases, and comparing what the rules give with what was observed."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from perp_reference.starkex.batch import batch_output, condition_of, is_forced
from perp_reference.starkex.decode import ORDER_LABELS, AnyCase, BatchCase, Case, HashCase, decode_line, itself
from perp_reference.starkex.hashes import hash_of, order_id_of, owner_key
from perp_reference.starkex.machine import Machine, Rejected
from perp_reference.starkex.reader import Members, read_lines
from perp_reference.starkex.state import NOT_HELD, State, Stored, compiled_rule, merged, split
from perp_spec.starkex.bounds import NO_ASSET
from perp_spec.starkex.position import Updated, fund_whole, position_status, try_update_position
from perp_spec.starkex.reasons import Reason

MACHINE = Machine()

CODES = {int(reason): reason.name for reason in Reason}


@frozen
class Difference:
    """Something that was observed otherwise than the rules give it."""

    path: str
    """Where in the result, such as positions.2.collateral."""
    expected: Any
    """What was observed, in JSON values; None for nothing."""
    got: Any
    """What the rules give."""


@frozen
class Checked:
    """A case that was run."""

    line: int
    identifier: str
    kind: str
    differences: tuple[Difference, ...]


def check_file(path: Path) -> Iterator[Checked]:
    """Runs the cases of a file, one line after the other.

    Raises:
        MalformedInput: A line breaks the format.
    """
    for line, case in read_lines(path, numbered):
        yield check(case, line)


def numbered(members: Members, line: int) -> tuple[int, AnyCase]:
    """A case with the number of its line."""
    hashed = "txs" in members or "input" in members
    return line, decode_line(members, owner_key if hashed else itself)


def check(case: AnyCase, line: int) -> Checked:
    """Runs a case and compares."""
    if isinstance(case, BatchCase):
        return Checked(line, case.identifier, "batch", tuple(batch_differences(case)))
    if isinstance(case, HashCase):
        return Checked(line, f"{case.kind}-{line}", case.kind, tuple(hash_differences(case)))
    return Checked(line, case.identifier, case.kind, tuple(case_differences(case)))


# Cases of one call


def case_differences(case: Case) -> Iterator[Difference]:
    """What differs in a case of one call."""
    result = run(case)
    expected = dict(case.result)
    if expected.get("code") == Reason.UNCODED_ASSERT.name:
        # What has no code is one abort like another, whatever our rules call it; but an abort, and no returned code.
        expected = {name: expected[name] for name in ("ok", "provable") if name in expected}
    yield from differences("", expected, {name: result.get(name, absent(name)) for name in expected})
    yield from differences("", {}, {name: value for name, value in result.items() if unexpected(name, value, expected)})


def absent(name: str) -> Any:
    """What a result that lacks a member means by that."""
    return {"provable": True, "n_forced_actions": 0}.get(name)


def unexpected(name: str, value: Any, expected: dict[str, Any]) -> bool:
    """Whether the rules give something that an observation would have shown, and does not."""
    return name in ("modifications", "n_forced_actions", "conditions") and bool(value) and name not in expected


def run(case: Case) -> dict[str, Any]:
    """What the rules give, in the JSON values of an observed result."""
    try:
        return RUN[case.kind](case)
    except Rejected as rejection:
        ranged = (Reason.OUT_OF_RANGE_TOTAL_VALUE, Reason.OUT_OF_RANGE_TOTAL_RISK)
        code = {"ok": False, "code": rejection.reason.name}
        returned = case.kind == "status" and rejection.reason in ranged
        return code if returned else {**code, "provable": False}


def run_status(case: Case) -> dict[str, Any]:
    """Total value and total risk of a position."""
    _, _, held = split(case.position.assets, NO_ASSET, case.state.assets)
    value, risk, _ = compiled_rule(position_status)(case.position.position.collateral, held)
    return {"ok": True, "code": Reason.SUCCESS.name, "tv": value, "tr": risk}


def run_funding(case: Case) -> dict[str, Any]:
    """A position with funding applied."""
    _, _, held = split(case.position.assets, NO_ASSET, case.state.assets)
    position, holdings, _ = compiled_rule(fund_whole)(case.state.system, case.position.position, held)
    after = Stored(position, merged(case.position.assets, NO_ASSET, NOT_HELD, holdings))
    return {"ok": True, "position": position_json(after)}


def run_update(case: Case) -> dict[str, Any]:
    """A position updated, or its error code."""
    stored, change = case.position, case.change
    holding, asset, others = split(stored.assets, change.asset_id, case.state.assets)
    code, funded, after = compiled_rule(try_update_position)(
        case.state.system, change, stored.position, holding, asset, others
    )

    def json_of(updated: Updated) -> dict[str, Any]:
        assets = merged(stored.assets, change.asset_id, updated.holding, updated.others)
        return position_json(Stored(updated.position, assets))

    return {
        "ok": code == Reason.SUCCESS,
        "code": CODES[code],
        "position": json_of(after),
        "funded_position": json_of(funded),
    }


def run_transaction(case: Case) -> dict[str, Any]:
    """The state after a transaction."""
    state = fresh(case.state)
    MACHINE.apply(state, case.transaction)
    condition = condition_of(case.transaction)
    return {
        "ok": True,
        "code": Reason.SUCCESS.name,
        **state_json(state, case.result),
        "n_forced_actions": int(is_forced(case.transaction)),
        "conditions": [] if condition is None else [condition],
    }


def fresh(state: State) -> State:
    """A copy of a state that can be changed."""
    own = copy.copy(state)
    own.positions = dict(state.positions)
    own.orders = dict(state.orders)
    own.low_prices = dict(state.low_prices)
    own.high_prices = dict(state.high_prices)
    own.modifications = []
    return own


RUN = {
    "status": run_status,
    "apply_funding": run_funding,
    "update_position": run_update,
    "tx": run_transaction,
}


def position_json(stored: Stored) -> dict[str, Any]:
    """A position as an observation writes it."""
    position, assets = stored
    return {
        "owner": position.public_key,
        "collateral": position.collateral,
        "assets": [[asset_id, holding.balance, holding.cached_index] for asset_id, holding in assets],
        "funding_timestamp": position.funding_timestamp,
    }


def holds_anything(stored: Stored) -> bool:
    """Whether a position is not empty, when it was last touched aside."""
    position, assets = stored
    return position.public_key != 0 or position.collateral != 0 or bool(assets)


def state_json(state: State, expected: dict[str, Any]) -> dict[str, Any]:
    """A state as an observation writes it; a position that is empty is shown only where the observation shows it."""
    shown: dict[str, Any] = expected.get("positions", {})
    names = {number: label for label, number in ORDER_LABELS.items()}
    return {
        "positions": {
            str(number): position_json(state.stored(number))
            for number in sorted({*state.positions, *(int(name) for name in shown)})
            if str(number) in shown or holds_anything(state.stored(number))
        },
        "fulfilled": {names[number]: order.fulfilled for number, order in state.orders.items()},
        "modifications": [[made.owner_key, made.position_id, made.delta] for made in state.modifications],
        "system_time": state.system.system_time,
        "funding": {"timestamp": state.system.funding_timestamp, "indices": [list(pair) for pair in state.indices]},
        "prices": [list(pair) for pair in state.prices],
    }


# Comparison


def differences(path: str, expected: Any, got: Any) -> Iterator[Difference]:
    """What differs between two JSON values; a member that only one of them has differs from None."""
    if type(expected) is dict and type(got) is dict:
        for name in [*expected, *(name for name in got if name not in expected)]:
            inner = f"{path}.{name}" if path else name
            yield from differences(inner, expected.get(name), got.get(name))
    elif type(expected) is list and type(got) is list and len(expected) == len(got):
        for place, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from differences(f"{path}[{place}]", one, other)
    elif expected != got or type(expected) is not type(got):
        yield Difference(path, expected, got)


# Batches and hashes


def batch_differences(case: BatchCase) -> Iterator[Difference]:
    """What differs in the output words of a batch, or in whether it can be proved."""
    state = fresh(case.state)
    try:
        words = batch_output(MACHINE, state, case.transactions, case.external_prices, case.signature_timestamp)
    except Rejected as rejection:
        if case.output is not None:
            yield Difference("output", list(case.output), rejection.reason.name)
        elif case.code not in (None, Reason.UNCODED_ASSERT.name):
            yield from differences("result.code", case.code, rejection.reason.name)
        return
    if case.output is None:
        yield Difference("result.ok", False, True)
    else:
        yield from differences("output", list(case.output), list(words))


def hash_differences(case: HashCase) -> Iterator[Difference]:
    """What differs in a hash, or in public keys."""
    if case.kind == "public_keys":
        derived = {str(owner): owner_key(owner) for owner in case.public_keys}
        yield from differences("keys", {str(owner): key for owner, key in case.public_keys.items()}, derived)
        return
    given = {str(owner): key for owner, key in case.public_keys.items() if owner}
    yield from differences("keys", given, {owner: owner_key(int(owner)) for owner in given})
    found = hash_of(case.content, case.further)
    yield from differences("hash", case.hash, found)
    if case.order_id is not None:
        yield from differences("order_id", case.order_id, order_id_of(found))


def as_json(difference: Difference) -> dict[str, Any]:
    """A difference in JSON values; integers are decimal strings, for they leave 53 bits."""
    return {name: texts(value) for name, value in attrs.asdict(difference, recurse=False).items()}


def texts(value: Any) -> Any:
    """A JSON value with its integers as decimal strings."""
    match value:
        case bool():
            return value
        case int():
            return str(value)
        case list():
            return [texts(item) for item in value]
        case dict():
            return {name: texts(item) for name, item in value.items()}
        case _:
            return value
