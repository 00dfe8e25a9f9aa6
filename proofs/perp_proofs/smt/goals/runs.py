"""Two runs: nothing is gained by splitting an operation, or by the order of two that are independent."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import attrs

from perp_proofs.smt.frame import Stage, as_stored
from perp_proofs.smt.prove import Claim, Goal, Statement
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import both
from perp_spec.operation import Rule, key_of
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.records import FIRST_USER, Account, Ledger, MarketBook, OrderSlot, Position

assert rules.__all__, "importing the rules registers them"

Records = dict[str, Any]

ACCEPTED = "every operation that is run is accepted; accounts that are told apart differ, and none is reserved"


def run(stage: Stage, rule: Rule, operation: Any, loaded: Records) -> Records:
    """Run a rule, and what is there after it, by the names of what it took."""
    results = iter(stage.perform(rule.function, operation, *loaded.values()))
    return {
        name: as_stored(access, next(results)) if access.stores else record
        for (name, record), access in zip(loaded.items(), rule.footprint, strict=True)
    }


def rejoined(before: Records, after: Records) -> Records:
    """What is there after a run, joined with prices and configurations again where records are listed."""
    found = dict(after)
    for name, records in before.items():
        if isinstance(records, tuple) and isinstance(after[name], tuple) and name != "other_markets":
            found[name] = tuple(
                (position, price, market) for (_, price, market), position in zip(records, after[name], strict=True)
            )
    return found


def loads(stage: Stage, rule: Rule) -> tuple[Any, Records]:
    """An operation, and what its rule takes after it by name."""
    operation, names, records = stage.loads(rule)
    return operation, dict(zip(names, records, strict=True))


def same_record(first: Any, second: Any) -> Flag:
    """Two records hold the same."""
    result: Flag = True
    for field in attrs.fields_dict(type(first)):
        result = both(result, getattr(first, field) == getattr(second, field))
    return result


def splitting_a_withdrawal_gains_nothing(stage: Stage) -> Iterator[Claim]:
    """One withdrawal, and the same amount in two."""
    rule = PERPETUAL.rules["withdraw"]
    operation, loaded = loads(stage, rule)
    part = stage.word("part", 1, 2**60)
    stage.assume(part < operation.amount, "a part is taken first")
    whole = run(stage, rule, operation, loaded)
    first = run(stage, rule, attrs.evolve(operation, amount=part), loaded)
    again = attrs.evolve(operation.intent, nonce=operation.intent.nonce + 1)
    rest = attrs.evolve(operation, amount=operation.amount - part, intent=again)
    second = run(stage, rule, rest, rejoined(loaded, first))
    yield Claim("the account ends the same", same_record(second["account"], whole["account"]))
    yield Claim("the ledger ends the same", same_record(second["ledger"], whole["ledger"]))


def splitting_a_trade_gains_nothing(stage: Stage) -> Iterator[Claim]:
    """One trade, and the same lots in two at the same price."""
    rule = PERPETUAL.rules["trade"]
    operation, loaded = loads(stage, rule)
    part = stage.word("part", 1, 2**56)
    stage.assume(part < operation.lots, "a part is traded first")
    for name in ("buyer_position", "seller_position"):
        stage.split(loaded[name].size > 0)
        stage.split(loaded[name].size < 0)
    whole = run(stage, rule, operation, loaded)
    first = run(stage, rule, attrs.evolve(operation, lots=part), loaded)
    second = run(stage, rule, attrs.evolve(operation, lots=operation.lots - part), rejoined(loaded, first))
    for name in ("buyer", "seller"):
        ends, once = second[name], whole[name]
        yield Claim(f"{name} has no more", ends.collateral <= once.collateral)
        yield Claim(f"{name} loses an atom at most", ends.collateral >= once.collateral - 1)
        yield Claim(f"{name} holds the same", same_record(second[f"{name}_position"], whole[f"{name}_position"]))
        yield Claim(f"{name}'s order is filled alike", same_record(second[f"{name}_stored"], whole[f"{name}_stored"]))
    yield Claim("open interest is the same", same_record(second["book"], whole["book"]))


def renamed(stage: Stage, rule: Rule, suffix: str, shared: Records) -> tuple[Any, Records]:
    """An operation and what its rule takes, of other accounts: only what is shared has the same name."""
    _, names, _ = stage.loads(rule)
    found: Records = {}
    for name, access in zip(names, rule.footprint, strict=True):
        if access.record is None:
            found[name] = stage.many(access.shape, name + suffix)
        elif access.record in (Account, Position, OrderSlot):
            found[name] = stage.record(access.record, name + suffix)
        else:
            found[name] = shared.get(name) or stage.record(access.record, name)
    return stage.record(rule.operation, "op" + suffix), found


def commute(names: tuple[str, str], stage: Stage) -> Iterator[Claim]:
    """Two operations of different accounts, in either order."""
    one, other = (PERPETUAL.rules[name] for name in names)
    first_op, first = renamed(stage, one, "", {})
    second_op, second = renamed(stage, other, "_2", first)
    accounts = [*accounts_of(names[0], first_op), *accounts_of(names[1], second_op)]
    for account in accounts:
        stage.assume(account >= FIRST_USER, "the accounts are users'")
    for account, another in combinations(accounts, 2):
        stage.assume(account != another, "the accounts are different ones")
    if names[0] == names[1] == "trade":
        stage.assume(first_op.market == second_op.market, "both trades are in one market")
    shared = [name for name, record in first.items() if isinstance(record, Ledger | MarketBook) and name in second]
    left = run(stage, one, first_op, first)
    left_then = run(stage, other, second_op, {**second, **{name: left[name] for name in shared}})
    right = run(stage, other, second_op, second)
    right_then = run(stage, one, first_op, {**first, **{name: right[name] for name in shared}})
    for name in shared:
        yield Claim(f"the {name} ends the same", same_record(left_then[name], right_then[name]))
    for label, rule, early, late in (("first", one, left, right_then), ("second", other, right, left_then)):
        for name, access in zip(early, rule.footprint, strict=True):
            if access.stores and access.record in (Account, Position, OrderSlot):
                yield Claim(f"{name} of the {label} ends the same", same_record(early[name], late[name]))


def accounts_of(name: str, operation: Any) -> list[Word]:
    """The ids of the accounts that an operation stores."""
    accesses = [access for access in PERPETUAL.rules[name].footprint if access.record is Account and access.stores]
    return [key_of(access.keys[0], operation) for access in accesses]


def withdrawals_commute(stage: Stage) -> Iterator[Claim]:
    """Of two accounts."""
    yield from commute(("withdraw", "withdraw"), stage)


def withdrawals_and_transfers_commute(stage: Stage) -> Iterator[Claim]:
    """Of three accounts."""
    yield from commute(("withdraw", "transfer"), stage)


def trades_commute(stage: Stage) -> Iterator[Claim]:
    """Of four accounts, in one market."""
    yield from commute(("trade", "trade"), stage)


def trades_and_withdrawals_commute(stage: Stage) -> Iterator[Claim]:
    """Of three accounts."""
    yield from commute(("trade", "withdraw"), stage)


def two_runs(statement: Statement, sentence: str, *subjects: str) -> Goal:
    """A goal of this family."""
    return Goal(statement.__name__, sentence, statement, subjects, assumptions=(ACCEPTED,))


GOALS = (
    two_runs(
        splitting_a_withdrawal_gains_nothing,
        "A withdrawal in two parts ends exactly as one of the sum.",
        "withdraw",
    ),
    two_runs(
        splitting_a_trade_gains_nothing,
        "A trade in two parts at one price leaves each side no more than one of all lots, and at most an atom less.",
        "trade",
    ),
    two_runs(
        withdrawals_commute,
        "Two withdrawals from different accounts that are accepted in either order end the same in both.",
        "withdraw",
    ),
    two_runs(
        withdrawals_and_transfers_commute,
        "A withdrawal and a transfer between other accounts that are accepted in either order end the same in both.",
        "withdraw",
        "transfer",
    ),
    two_runs(
        trades_and_withdrawals_commute,
        "A trade and a withdrawal from a third account that are accepted in either order end the same in both.",
        "trade",
        "withdraw",
    ),
    two_runs(
        trades_commute,
        "Two trades of four accounts in one market that are accepted in either order end the same in both.",
        "trade",
    ),
)
