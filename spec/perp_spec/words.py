"""Words: the numbers of the rules, and how a record says what each of its fields holds."""

from enum import StrEnum
from typing import Any

import attrs

PPM = 1_000_000
"""Parts per million: the denominator of every rate and fraction."""

WORD_MAX = 2**63 - 1
"""The largest stored magnitude. A symmetric range, so that negation never leaves it."""

COLLATERAL_MAX = 2**61
"""What a user operation may leave in an account, either sign. Settling may go to twice this and still is a word."""

AMOUNT_MAX = 2**60
"""The largest deposit, withdrawal or transfer, and the largest vault."""

CLAIMS_MAX = 2**62
"""The largest sum of the escape claims: four times the largest vault."""

NOTIONAL_MAX = 2**56
"""The largest value of one position: the configuration keeps max_price * max_size below it."""

ACCOUNTS_MAX = 2**20
"""Accounts an exchange can have. An account id is below this."""

POSITION_SLOTS = 16
"""Positions an account can hold at once."""

ORDER_SLOTS = 2**12
"""Order slots of an account: how many orders and intents it can have live at once."""

MARKETS_MAX = 64
"""Markets a configuration may list. A market id is below this."""

FAMILIES_MAX = 4
"""Oracle families a configuration may list."""

SIGNERS_MAX = 8
"""Signers an oracle family may list."""

DIRECTIONS = 7
"""In how many ways the portfolio scenarios tell the markets that rise from those that fall: all alike, and one way for
each binary digit of a market id."""

SCENARIOS = 2 * DIRECTIONS
"""Portfolio scenarios: each way, and its mirror image."""

TIME_MAX = 2**40
"""Seconds since the epoch are at most this."""

DAY = 86_400
"""Seconds of a day."""

NONCE_MAX = 2**40
"""The largest nonce of a signed intent."""


class Unit(StrEnum):
    """What a field counts."""

    ATOMS = "atoms"
    """1e-6 of the quote currency."""
    LOTS = "lots"
    """The smallest size of the market."""
    PRICE = "atoms per lot"
    INDEX = "micro-atoms per lot"
    MICRO_ATOMS = "micro-atoms"
    RATE = "ppm"
    SECONDS = "seconds"
    TIME = "seconds since the epoch"
    COUNT = "count"
    ID = "id"
    CODE = "code"
    """One of a named list of values."""
    DIGEST = "digest"
    """Eight field elements of 31 bits packed in one integer; opaque to the rules but for equality."""
    FLAG = "flag"
    """True or False."""


@attrs.frozen
class Field:
    """What a field of a record or an argument of an operation holds.

    `low` and `high` are inclusive. For arguments they are part of the format: a value outside is malformed input, not
    a rejected operation.
    """

    unit: Unit
    low: int
    high: int
    text: str
    count: int = 1
    """Words in the field: more than one for a vector."""


def word(unit: Unit, text: str, low: int = -WORD_MAX, high: int = WORD_MAX) -> Any:
    """A field holding a word in [low, high], zero in an absent record."""
    return attrs.field(default=0, metadata={"field": Field(unit, low, high, text)})


def natural(unit: Unit, text: str, high: int = WORD_MAX) -> Any:
    """A field holding a word in [0, high]."""
    return word(unit, text, 0, high)


def flag(text: str) -> Any:
    """A field holding True or False, False in an absent record."""
    return attrs.field(default=False, metadata={"field": Field(Unit.FLAG, 0, 1, text)})


def digest_field(text: str) -> Any:
    """A field holding a digest, zero in an absent record."""
    return attrs.field(default=0, metadata={"field": Field(Unit.DIGEST, 0, 2**248 - 1, text)})


def vector(unit: Unit, count: int, text: str, low: int = -WORD_MAX, high: int = WORD_MAX) -> Any:
    """A field holding a tuple of `count` words in [low, high]."""
    return attrs.field(default=(0,) * count, metadata={"field": Field(unit, low, high, text, count)})


def flags(count: int, text: str) -> Any:
    """A field holding a tuple of `count` flags."""
    return attrs.field(default=(False,) * count, metadata={"field": Field(Unit.FLAG, 0, 1, text, count)})


def nested(kind: type[Any], text: str) -> Any:
    """A field holding another argument record, such as the order inside a trade."""
    return attrs.field(factory=kind, metadata={"nested": kind, "text": text})


def rows(kind: type[Any], count: int, text: str) -> Any:
    """A field holding exactly `count` argument records, such as the reports of the oracle families."""
    return attrs.field(factory=lambda: (kind(),) * count, metadata={"rows": kind, "count": count, "text": text})


def fields_of(kind: type[Any]) -> dict[str, Field]:
    """The plain fields of a record class, in order (nested records left out)."""
    described: dict[str, Field] = {}
    for attribute in attrs.fields(kind):
        if "field" in attribute.metadata:
            described[attribute.name] = attribute.metadata["field"]
    return described
