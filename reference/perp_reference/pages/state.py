"""The page of the records: state, configuration, parts of operations, codes and constants."""

import ast
import inspect
from collections.abc import Iterable, Iterator

from perp_reference.pages.markdown import code, number, page, table
from perp_reference.pages.rules import field_rows
from perp_spec import words
from perp_spec.outline import text_of
from perp_spec.perpetual import bounds, config, operations, records
from perp_spec.perpetual.catalogue import LIBRARY, value_of
from perp_spec.perpetual.operations import Header, Intent, Order, Report
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    Account,
    Exchange,
    Ledger,
    Market,
    MarketBook,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Parameters,
    Position,
    Queue,
    Request,
)

KEYS: dict[type[object], str] = {
    Exchange: "One.",
    Ledger: "One.",
    Queue: "One.",
    MarketPrice: "One for each market. Key: market id.",
    MarketOracle: "One for each market. Key: market id.",
    MarketBook: "One for each market. Key: market id.",
    Account: "Key: account id.",
    Position: "16 for each account. Key: account id and slot, as one number account * 16 + slot.",
    OrderSlot: "4096 for each account. Key: account id and slot, as one number account * 4096 + slot.",
    Request: "One for each account. Key: account id.",
}
"""How many there are of each record of the state."""

UNITS = {
    words.Unit.PRICE: "A price: what one lot costs.",
    words.Unit.INDEX: "What a lot has paid or owes since the beginning, a millionth of an atom each.",
    words.Unit.MICRO_ATOMS: "A millionth of an atom: what rounding leaves.",
    words.Unit.RATE: "Parts per million: 10,000 are 1 %.",
    words.Unit.SECONDS: "A span of time.",
    words.Unit.TIME: "A moment, as Unix counts: since 1970, without leap seconds.",
    words.Unit.COUNT: "How many, or which one in a row.",
    words.Unit.ID: "The number of an account, a market or a slot.",
}
"""What the units are whose own text says nothing."""

HEADS = ("field", "unit", "range", "")
CODES = (records.Kind, records.Mode, records.Forced, records.Claim, records.Path)


def record_sections(kinds: Iterable[type[object]]) -> Iterator[str]:
    """A heading and a table for each record class."""
    for kind in kinds:
        yield f"### {kind.__name__}"
        yield " ".join(f"{inspect.getdoc(kind)} {KEYS.get(kind, '')}".split())
        yield table(HEADS, field_rows(kind, ""))


def documented(source: str) -> Iterator[tuple[str, str]]:
    """Name and docstring of each constant of a module or a class."""
    body = ast.parse(source).body
    if len(body) == 1 and isinstance(body[0], ast.ClassDef):
        body = body[0].body
    for place, node in enumerate(body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, text_of(body[place + 1]) if place + 1 < len(body) else ""


def code_sections() -> Iterator[str]:
    """The named values of the fields that hold a code."""
    for kind in CODES:
        rows = [(str(getattr(kind, name)), name, text) for name, text in documented(inspect.getsource(kind))]
        yield f"### {kind.__name__}"
        yield str(inspect.getdoc(kind))
        yield table(("code", "name", ""), rows)


def constant_rows() -> Iterator[tuple[str, str, str]]:
    """The constants of the numbers, the records and the rules."""
    for module in (words, records, operations, bounds, config):
        for name, text in documented(inspect.getsource(module)):
            value = getattr(module, name)
            if name.isupper() and isinstance(value, int):
                yield code(name), number(value), " ".join(text.split())
    for name, definition in LIBRARY.items():
        if isinstance(definition.node, ast.Assign) and isinstance(value := value_of(name), int):
            yield code(name), number(value), " ".join(definition.sentence.split())


def unit_rows() -> Iterator[tuple[str, str]]:
    """The units."""
    for name, text in documented(inspect.getsource(words.Unit)):
        yield str(words.Unit[name]), text or UNITS[words.Unit[name]]


def bound_rows() -> Iterator[tuple[str, str]]:
    """The bounds of the exchange's own parameters and of a market, those of oracle families apart."""
    for bound in (*bounds.parameter_bounds(Parameters()), *bounds.market_bounds(Market())):
        if bound.reason is Reason.CONFIG:
            yield code(bound.field), bound.expected


def state_page() -> str:
    """All records, codes and constants, and the bounds of a configuration."""
    state = tuple(KEYS)
    return page(
        "# Records and units",
        "Every stored value is a word: an integer from -(2^63 - 1) to 2^63 - 1. A field of many words is a "
        "vector. An absent record reads as the record of all zeros, flags as no. The fields stand in the order "
        "in which they are hashed and written.",
        "## Units",
        table(("unit", ""), unit_rows()),
        "## State",
        *record_sections(state),
        "## Configuration",
        "Fixed for the life of an exchange. A market that is not configured reads as all zeros. What an exchange has "
        "that is made without one of its own: [the default configuration](defaults.md).",
        *record_sections((Parameters, Market)),
        "## Bounds of a configuration",
        "Beyond the ranges above. A configuration that breaks one is refused with CONFIG, or with FAMILIES "
        "where it is about the oracle families.",
        table(("field", "must be"), bound_rows()),
        "- **Families** (FAMILIES): from 2 to 4. Each has from 1 to 8 signers, and a quorum of more than half "
        "of them and at most all. `signers` and `quorums` are 0 beyond the number of families. Where "
        "signatures are checked, `oracle_keys` has that many families, each with as many keys as `signers` says, and "
        "no key twice.\n- **Markets**: `markets` is the number of markets that the configuration lists.\n"
        "- **Scenarios**: "
        "for each two markets there is one in which the first falls and the second rises: their `rises` differ. The "
        "first entry of `rises` is the same in all markets, so one moves all alike. Otherwise a long in one against a "
        "short in the other, or beside a long, would need no margin.\n- **Close-out**: `close_out_ppm` is the same in "
        "all markets, so an account is below close-out or not, whichever market is asked.\n- **Notionals**: the "
        "largest max_size of all markets times the largest max_price is at most 2^56. A rule may value the position in "
        "the slot that an operation names at the operation's market, before a guard finds that they differ.",
        "## Parts of operations",
        *record_sections((Header, Intent, Order, Report)),
        "## Codes",
        *code_sections(),
        "## Constants",
        table(("name", "value", ""), constant_rows()),
    )
