"""The bytes that are signed. docs/signed-messages.md gives them byte by byte.

A message is a name of 32 bytes, so that no message of one kind is one of another, the id of the exchange, and every
field, each with a fixed width: 8 bytes for a word, 1 for a flag, 32 for a digest, least significant byte first.
"""

from typing import Any

from attrs import frozen

from perp_hash.digest import DIGEST_BYTES, digest_to_bytes, unpack_digest
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.operations import (
    Cancel,
    Intent,
    OpenAccount,
    Order,
    SetKillSwitch,
    SetKind,
    Transfer,
    Withdraw,
)
from perp_spec.words import (
    FAMILIES_MAX,
    MARKETS_MAX,
    SIGNERS_MAX,
    TIME_MAX,
    Field,
    Unit,
    fields_of,
    natural,
    word,
)

DOMAIN_BYTES = 32
WORD_BYTES = 8
FLAG_BYTES = 1

assert rules.__all__, "importing the rules registers them"

INTENTS: tuple[type[Any], ...] = (Withdraw, Transfer, SetKind, Cancel, SetKillSwitch)
"""Operations that are signed as a whole by an intent."""

NAMES: dict[type[Any], str] = {rule.operation: name for name, rule in PERPETUAL.rules.items()}


@frozen
class OracleReport:
    """What one signer of an oracle family says of a market. It holds for a batch of exactly this time."""

    time: int = natural(Unit.TIME, "time of the batch", TIME_MAX)
    market: int = natural(Unit.ID, "market", MARKETS_MAX - 1)
    family: int = natural(Unit.ID, "oracle family", FAMILIES_MAX - 1)
    signer: int = natural(Unit.ID, "number of the signer in its family", SIGNERS_MAX - 1)
    value: int = word(Unit.PRICE, "price")


@frozen
class Part:
    """A field of a message."""

    offset: int
    """Where it begins, in bytes from the start of the message."""
    size: int
    """Bytes."""
    name: str
    field: Field


EXCHANGE_ID = Field(Unit.ID, 0, 2**63 - 1, "id of the exchange")


def domain(name: str) -> bytes:
    """The first 32 bytes of a message: a name and zeros."""
    return f"perpspec:{name}:1".encode("ascii").ljust(DOMAIN_BYTES, b"\0")


def signed_fields(kind: type[Any]) -> dict[str, Field]:
    """The fields of a class that are signed, in order: all but the flag that says whether they were."""
    return {name: field for name, field in fields_of(kind).items() if name != "authorised"}


def field_bytes(field: Field, value: int) -> bytes:
    """The bytes of a field.

    Raises:
        ValueError: The value is no packed digest, where one belongs, or out of its range.
    """
    if not field.low <= value <= field.high:
        raise ValueError(f"not from {field.low} to {field.high}: {value}")
    if field.unit is Unit.DIGEST:
        return digest_to_bytes(unpack_digest(value))
    return int(value).to_bytes(size_of(field), "little", signed=True)


def size_of(field: Field) -> int:
    """Bytes that a field takes."""
    return {Unit.DIGEST: DIGEST_BYTES, Unit.FLAG: FLAG_BYTES}.get(field.unit, WORD_BYTES)


def message(name: str, exchange_id: int, *records: Any) -> bytes:
    """The message with a name and the fields of some records."""
    fields = [
        (field, getattr(record, field_name))
        for record in records
        for field_name, field in signed_fields(type(record)).items()
    ]
    return b"".join([domain(name), *(field_bytes(*pair) for pair in ((EXCHANGE_ID, exchange_id), *fields))])


def order_message(exchange_id: int, order: Order) -> bytes:
    """What the owner of an account signs for an order.

    Raises:
        ValueError: A field is out of its range.
    """
    return message("order", exchange_id, order)


def operation_message(exchange_id: int, operation: Any) -> bytes:
    """What is signed for the opening of an account, or for an operation with an intent.

    Raises:
        ValueError: A field is out of its range.
        KeyError: The operation is not one that is signed as a whole.
    """
    if type(operation) is OpenAccount:
        return message(NAMES[OpenAccount], exchange_id, operation)
    if type(operation) not in INTENTS:
        raise KeyError(type(operation).__name__)
    return message(NAMES[type(operation)], exchange_id, operation, operation.intent)


def report_message(exchange_id: int, report: OracleReport) -> bytes:
    """What an oracle's signer signs.

    Raises:
        ValueError: A field is out of its range.
    """
    return message("oracle_report", exchange_id, report)


KINDS: dict[str, tuple[type[Any], ...]] = {
    "order": (Order,),
    NAMES[OpenAccount]: (OpenAccount,),
    **{NAMES[kind]: (kind, Intent) for kind in INTENTS},
    "oracle_report": (OracleReport,),
}
"""The classes whose fields each kind of message holds."""


def layout(name: str) -> tuple[Part, ...]:
    """The fields of a kind of message after its name, in order."""
    parts: list[Part] = []
    offset = DOMAIN_BYTES
    fields = [("exchange_id", EXCHANGE_ID)]
    for kind in KINDS[name]:
        fields += signed_fields(kind).items()
    for field_name, field in fields:
        parts.append(Part(offset, size_of(field), field_name, field))
        offset += size_of(field)
    return tuple(parts)
