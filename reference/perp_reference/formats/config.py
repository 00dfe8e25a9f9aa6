"""Configuration files: one JSON document."""

import json
from collections import deque
from pathlib import Path
from typing import Any

from perp_reference.errors import MalformedInput
from perp_reference.formats.codec import Array, Constant, Member, Record, Text, named_record
from perp_reference.formats.locate import line_at
from perp_reference.formats.text import (
    Refused,
    compact,
    lines_of,
    malformed,
    parse_object,
    read_file,
)
from perp_spec.perpetual.config import Config, MarketEntry
from perp_spec.perpetual.records import Market, Parameters
from perp_spec.words import FAMILIES_MAX, MARKETS_MAX, SIGNERS_MAX

CONFIG_FORMAT = "perpspec-config-1"

LONGEST_CONFIG_BYTES = 2**20
"""Four times the longest configuration an encoder writes."""

LINE_WIDTH = 116
"""An array or object that fits is written on one line."""

KEY = Text("64 lower-case hexadecimal digits of a key", "[0-9a-f]{64}")
OPTIONAL_KEY = Text("64 lower-case hexadecimal digits of a key, or an empty string", "(?:[0-9a-f]{64})?")
NAME = Text("1 to 64 printable characters", "[^\\x00-\\x1f\\x7f]{1,64}", str.isprintable)
SYMBOL = Text("1 to 16 letters, digits, dots, dashes and underscores", "[A-Za-z0-9._-]{1,16}")
LOT = Text(
    "a positive decimal with at most 12 digits on either side of the point and no needless zeros",
    "[1-9][0-9]{0,11}(?:\\.[0-9]{0,11}[1-9])?|0\\.[0-9]{0,11}[1-9]",
)

MARKET_ENTRY = Record(
    MarketEntry,
    (
        Member("symbol", SYMBOL, "what people call the market"),
        Member("lot", LOT, "size of one lot in units of the underlying"),
        Member("market", named_record(Market), "its numbers"),
    ),
)

CONFIG = Record(
    Config,
    (
        Member("format", Constant(CONFIG_FORMAT)),
        Member("name", NAME, "what people call the exchange"),
        Member("governance_key", OPTIONAL_KEY, "Ed25519 public key of the governance"),
        Member("fees_key", OPTIONAL_KEY, "Ed25519 public key of the fee account's owner"),
        Member(
            "oracle_keys",
            Array(Array(KEY, 0, SIGNERS_MAX), 0, FAMILIES_MAX),
            "Ed25519 public keys of each oracle family's signers",
        ),
        Member("parameters", named_record(Parameters), "numbers of the whole exchange"),
        Member("markets", Array(MARKET_ENTRY, 1, MARKETS_MAX), "the markets in the order of their ids"),
    ),
)


def decode_config(data: bytes, file: str) -> Config:
    """The configuration that a file holds. Whether it keeps the bounds of the rules is for `violations` to say.

    Raises:
        MalformedInput: The file breaks the format.
    """
    if len(data) > LONGEST_CONFIG_BYTES:
        raise MalformedInput(file, None, None, f"at most {LONGEST_CONFIG_BYTES} bytes", f"{len(data)} bytes")
    text = "\n".join(line for _, line in lines_of(data, file, LONGEST_CONFIG_BYTES))
    value = parse_object(text, file, None)
    try:
        config: Config = CONFIG.decode(value, deque())
        require_distinct_symbols(config)
    except Refused as refused:
        raise malformed(file, line_at(text, refused.path), refused) from None
    return config


def require_distinct_symbols(config: Config) -> None:
    """No two markets have one symbol: commands name markets by it.

    Raises:
        Refused: Two have.
    """
    seen: set[str] = set()
    for number, entry in enumerate(config.markets):
        if entry.symbol in seen:
            raise Refused("a symbol of its own", f'"{entry.symbol}"', "markets", f"[{number}]", "symbol")
        seen.add(entry.symbol)


def read_config(path: Path) -> Config:
    """The configuration in a file.

    Raises:
        MalformedInput: The file cannot be read or breaks the format.
    """
    return decode_config(read_file(path), str(path))


def encode_config(config: Config) -> bytes:
    """The canonical text of a configuration.

    Raises:
        ValueError: It holds what no file can, such as a value out of its range or a symbol twice.
    """
    try:
        require_distinct_symbols(config)
    except Refused as refused:
        raise ValueError(f"{refused.field}: not {refused.expected}: {refused.got}") from None
    return f"{pretty(CONFIG.encode(config, deque()))}\n".encode()


def pretty(value: Any, indent: str = "", used: int = 0) -> str:
    """The text of a JSON value for people: an array or object that fits is on one line, else one item a line.

    `used` is the number of characters already in its first line.
    """
    line = compact(value) if not isinstance(value, dict | list) else json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (isinstance(value, list) and used + len(line) <= LINE_WIDTH) or not value:
        return line
    deeper = f"{indent}  "
    if isinstance(value, list):
        items = [f"{deeper}{pretty(item, deeper, len(deeper))}" for item in value]
        return "[\n" + ",\n".join(items) + f"\n{indent}]"
    named = [f"{deeper}{compact(name)}: " for name in value]
    texts = [start + pretty(item, deeper, len(start)) for start, item in zip(named, value.values(), strict=True)]
    return "{\n" + ",\n".join(texts) + f"\n{indent}}}"
