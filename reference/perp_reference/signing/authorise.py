"""What a signature authorises: sets the flags `authorised` of an operation."""

from collections.abc import Callable
from typing import Any

import attrs
from attrs import frozen

from perp_reference.formats.signed import ReportSignatures, Signature, Signed
from perp_reference.signing.messages import OracleReport, operation_message, order_message, report_message
from perp_reference.signing.owners import owner_of_key
from perp_spec.perpetual.config import Config, Violation
from perp_spec.perpetual.operations import (
    Cancel,
    ForcedReduce,
    Liquidate,
    OpenAccount,
    OracleTick,
    Order,
    SetKillSwitch,
    SetKind,
    Trade,
    Transfer,
    Withdraw,
)
from perp_spec.perpetual.reasons import Reason

OwnerOf = Callable[[int], int]
"""From an account to the packed digest of its owner in the state, 0 where there is none."""

Verify = Callable[[Signature, bytes], bool]
"""Whether a signature is its key's signature of a message."""

ORDERS: dict[type[Any], tuple[str, ...]] = {
    Trade: ("buyer", "seller"),
    Liquidate: ("taker",),
    ForcedReduce: ("order",),
}
"""The orders in an operation, in the order of its fields."""

ACCOUNT_OF: dict[type[Any], str] = {
    Withdraw: "account",
    Transfer: "sender",
    SetKind: "account",
    Cancel: "account",
}
"""For each operation with an intent the field with the account whose owner signs. The kill switch is governance's."""


@frozen
class ExchangeKeys:
    """What of a configuration the checking of signatures needs."""

    exchange_id: int
    governance: int
    """Packed digest of governance's key."""
    oracle_keys: tuple[tuple[bytes, ...], ...]
    """Public keys of each family's signers."""

    @classmethod
    def of(cls, config: Config) -> "ExchangeKeys":
        """The keys of a configuration."""
        oracle_keys = tuple(tuple(bytes.fromhex(key) for key in family) for family in config.oracle_keys)
        return cls(config.parameters.exchange_id, config.parameters.governance, oracle_keys)

    def oracle_key(self, family: int, signer: int) -> bytes | None:
        """The public key of a signer, None where the configuration lists none."""
        keys = self.oracle_keys[family] if family < len(self.oracle_keys) else ()
        return keys[signer] if signer < len(keys) else None


def trust(signature: Signature, message: bytes) -> bool:
    """Takes every signature for valid: for tools that read what they themselves, or the exchange, checked before."""
    del signature, message
    return True


def authorise(signed: Signed, keys: ExchangeKeys, time: int, owner_of: OwnerOf, check: Verify) -> Any:
    """The operation with its flags `authorised` set to what its signatures say.

    To be called when the operation is next to be applied, since an earlier one of the batch may open the account. An
    order or intent is authorised if its signature is valid and its key is the one of the account's owner (of
    governance, for the kill switch), the opening of an account if it is the new owner's, an oracle tick if every value
    it counts is signed by its signer for a batch of this time.

    Args:
        signed: The operation as it came in.
        keys: Of the exchange.
        time: Of the batch, in seconds since the epoch.
        owner_of: Looks an account's owner up in the state as it is now.
        check: Checks a signature, as `perp_reference.signing.keys.verify` does; `trust` skips this, but not the
            comparison with the owner.
    """
    operation = signed.operation
    kind = type(operation)
    if kind in ORDERS:
        changes = {
            place: authorised_order(getattr(operation, place), signature, keys, owner_of, check)
            for place, signature in zip(ORDERS[kind], signed.signatures, strict=True)
        }
        return attrs.evolve(operation, **changes)
    if kind is OracleTick:
        return attrs.evolve(operation, authorised=tick_is_signed(operation, signed.signatures, keys, time, check))
    if kind is OpenAccount:
        owner = operation.owner
    elif kind is SetKillSwitch:
        owner = keys.governance
    elif kind in ACCOUNT_OF:
        owner = owner_of(getattr(operation, ACCOUNT_OF[kind]))
    else:
        return operation
    (signature,) = signed.signatures
    valid = is_signed_by(owner, signature, lambda: operation_message(keys.exchange_id, operation), check)
    if kind is OpenAccount:
        return attrs.evolve(operation, authorised=valid)
    return attrs.evolve(operation, intent=attrs.evolve(operation.intent, authorised=valid))


def authorised_order(order: Order, signature: Any, keys: ExchangeKeys, owner_of: OwnerOf, check: Verify) -> Order:
    """An order with its flag set."""
    owner = owner_of(order.account)
    valid = is_signed_by(owner, signature, lambda: order_message(keys.exchange_id, order), check)
    return attrs.evolve(order, authorised=valid)


def is_signed_by(owner: int, signature: Signature | None, message: Callable[[], bytes], check: Verify) -> bool:
    """Whether an owner, a packed digest and not 0, has signed a message."""
    if signature is None or owner == 0 or owner_of_key(signature.key) != owner:
        return False
    return check(signature, message())


def tick_is_signed(tick: OracleTick, signatures: tuple[Any, ...], keys: ExchangeKeys, time: int, check: Verify) -> bool:
    """Whether every value that a tick counts is signed by the signer it names, for this market and this time."""
    return all(
        value_is_signed(
            OracleReport(time, tick.market, family, report.signers[place], report.values[place]),
            given[place],
            keys,
            check,
        )
        for family, (report, given) in enumerate(zip(tick.reports, signatures, strict=True))
        for place in range(report.count)
    )


def value_is_signed(report: OracleReport, value: bytes | None, keys: ExchangeKeys, check: Verify) -> bool:
    """Whether the signer that a report names has signed it."""
    key = keys.oracle_key(report.family, report.signer)
    if key is None or value is None:
        return False
    return check(Signature(key, value), report_message(keys.exchange_id, report))


def unsigned(operation: Any) -> Signed:
    """An operation without signatures."""
    kind = type(operation)
    if kind is OracleTick:
        nothing: ReportSignatures = (None,) * len(operation.reports[0].values)
        return Signed(operation, (nothing,) * len(operation.reports))
    count = len(ORDERS.get(kind, ())) or int(kind in ACCOUNT_OF or kind in (OpenAccount, SetKillSwitch))
    return Signed(operation, (None,) * count)


def key_violations(config: Config) -> list[Violation]:
    """Every way in which the keys of a configuration do not fit its numbers; empty where all signatures can be checked.

    Governance's digest is the one of its key, and each oracle family has one key for each signer, no key twice.
    """
    found: list[Violation] = []
    own = config.parameters
    if not config.governance_key or owner_of_key(bytes.fromhex(config.governance_key)) != own.governance:
        got = config.governance_key or "no key"
        found.append(Violation(Reason.CONFIG, "governance_key", "the key whose digest is parameters.governance", got))
    expected = [own.signers[family] for family in range(own.families)]
    counts = [len(family) for family in config.oracle_keys]
    if counts != expected:
        found.append(Violation(Reason.FAMILIES, "oracle_keys", f"families of {expected} keys", str(counts)))
    listed = [key for family in config.oracle_keys for key in family]
    twice = sorted({key for key in listed if listed.count(key) > 1})
    found += [Violation(Reason.FAMILIES, "oracle_keys", "each key once", key) for key in twice]
    return found
