"""The page docs/encoding.md says what the code does."""

import json
import re
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

import attrs
import pytest

from perp_hash.digest import digest_to_hex, pack_digest, unpack_digest
from perp_reference.core.commitment import (
    Commitment,
    account_digest,
    account_elements,
    empty_orders,
    no_orders,
    order_digests,
)
from perp_reference.core.diff import KEYS, changes_of, diff_bytes
from perp_reference.core.digests import (
    chain,
    config_digest,
    config_elements,
    config_texts,
    header_digest,
    operation_digest,
    operation_elements,
)
from perp_reference.core.encoding import record_bytes, record_elements
from perp_reference.core.state import STATE_RECORDS, State, genesis
from perp_reference.core.tree import PYTHON_HASHER, empty_digest
from perp_spec.perpetual.codes import OPERATION_CODES, RECORD_CODES
from perp_spec.perpetual.config import Config, MarketEntry
from perp_spec.perpetual.layout import STATE_TREES, TREES, bytes_in, elements_in, pieces_of
from perp_spec.perpetual.operations import Deposit, Header, Intent, Order, Report, Trade, Withdraw
from perp_spec.perpetual.records import (
    Account,
    Exchange,
    Market,
    MarketPrice,
    OrderSlot,
    Parameters,
    Position,
    Request,
)

FILE = Path(__file__).parents[3] / "docs" / "encoding.md"

TABLES: dict[str, tuple[type[Any], ...]] = {
    "records": (*RECORD_CODES, Header),
    "operations": (*OPERATION_CODES, Intent, Order, Report),
}

CONFIG = Config(
    name="tiny",
    parameters=Parameters(
        exchange_id=7, governance=5, markets=1, families=2, signers=(3, 3, 0, 0), quorums=(2, 2, 0, 0)
    ),
    markets=(MarketEntry("BTC", "0.0001", Market(max_price=2**30, shock_ppm=50_000, rises=(True, *(False,) * 6))),),
    governance_key="ab",
    oracle_keys=(("01", "02", "03"), ("04", "05", "06")),
)

OWNER = pack_digest(range(1, 9))

ACCOUNT = Account(kind=1, owner=OWNER, collateral=-1_000_000, slots=2, liquidated_at=1_700_000_000)

POSITION = Position(market=3, size=-250, snapshot=10**15)

ORDER = Order(account=5, slot=9, nonce=1, expiry=1_700_000_000, market=3, buys=True, lots=10, price=4_000_000)


def hexadecimal(packed: int) -> str:
    """A packed digest as the page writes it."""
    return digest_to_hex(unpack_digest(packed))


def said(thing: Any) -> str:
    """A record as text, without the fields that are zero or empty."""
    if isinstance(thing, tuple):
        return "(" + ", ".join(said(item) for item in thing) + ("," if len(thing) == 1 else "") + ")"
    if not attrs.has(type(thing)):
        return repr(thing)
    fields = [(field.name, getattr(thing, field.name)) for field in attrs.fields(type(thing))]
    zeros = ((), "", 0, Order())
    named = [f"{name}={said(value)}" for name, value in fields if value not in zeros]
    return f"{type(thing).__name__}({', '.join(named)})"


def worked_record(record: Any) -> dict[str, Any]:
    """A record with its two forms."""
    return {"record": said(record), "elements": record_elements(record), "bytes": record_bytes(record).hex()}


def worked_leaves() -> dict[str, Any]:
    """Digests of leaves."""
    account = account_elements(ACCOUNT, (Position(), POSITION))
    digest = account_digest(account, empty_orders(), PYTHON_HASHER)
    (orders,) = order_digests([(OrderSlot(), OrderSlot(2**40, 7))], PYTHON_HASHER)
    return {
        "account with an empty slot and the position, no order slot used": digest.hex(),
        "two order slots, the second with nonce 2^40 and 7 filled": orders.hex(),
    }


def worked_state() -> dict[str, Any]:
    """Roots and the diff of a small state."""
    state = genesis(CONFIG, OWNER)
    commitment = Commitment(state)
    empty, born = hexadecimal(Commitment(State(CONFIG)).root), hexadecimal(commitment.root)
    state.put(Account, 700, ACCOUNT)
    state.put(Position, 700 * 16 + 1, POSITION)
    state.put(OrderSlot, 700 * 4096 + 5, OrderSlot(2**40, 7))
    state.put(MarketPrice, 3, MarketPrice(price=4_000_000, gap=True))
    state.put(Request, 700, Request(kind=1, amount=5))
    state.put(Exchange, 0, Exchange(number=1))
    diff = diff_bytes(changes_of(state)).hex()
    commitment.update(state.commit())
    trees = {tree.name: hexadecimal(root) for tree, root in zip(STATE_TREES, commitment.roots, strict=True)}
    return {
        "owner of the fees": str(OWNER),
        "empty": empty,
        "genesis": born,
        "diff": diff,
        "order slots of account 700": hexadecimal(commitment.prove_account(700).orders),
        "trees": trees,
        "root": hexadecimal(commitment.root),
    }


def worked_operations() -> dict[str, Any]:
    """Digests of operations, their chain, and a header."""
    withdraw = Withdraw(account=5, amount=10**6, intent=Intent(slot=9, nonce=2, expiry=1_700_000_000, authorised=True))
    deposit = Deposit(position=4, chain=OWNER, account=5, key=OWNER, amount=10**9)
    trade = Trade(market=3, lots=10, price=4_000_000, buyer=ORDER, buyer_slot=1, buyer_fee_ppm=-200)
    link = 0
    for operation in (withdraw, deposit, trade):
        link = chain(link, operation_digest(operation))
    header = Header(number=3, time=1_700_000_000, previous_root=OWNER, config_digest=5)
    return {
        "withdraw": {"operation": said(withdraw), "elements": operation_elements(withdraw)},
        "digests": [hexadecimal(operation_digest(operation)) for operation in (withdraw, deposit, trade)],
        "deposit": said(deposit),
        "trade": said(trade),
        "chain of the three": hexadecimal(link),
        "header": said(header),
        "digest of the header": hexadecimal(header_digest(header)),
    }


def worked_config() -> dict[str, Any]:
    """The digest of a small configuration."""
    return {
        "configuration": said(CONFIG),
        "number of elements": len(config_elements(CONFIG)),
        "texts": config_texts(CONFIG).hex(),
        "digest": hexadecimal(config_digest(CONFIG)),
    }


WORKED: dict[str, Callable[[], Any]] = {
    "account": lambda: worked_record(ACCOUNT),
    "position": lambda: worked_record(POSITION),
    "leaves": worked_leaves,
    "empty subtrees of height 1, 6, 20": lambda: [empty_digest(height).hex() for height in (1, 6, 20)],
    "empty subtrees of order slots of height 0, 1, 11": lambda: [
        empty_digest(height, no_orders()).hex() for height in (0, 1, 11)
    ],
    "state": worked_state,
    "operations": worked_operations,
    "configuration": worked_config,
}
"""What the page's worked values are computed by."""


def table(kinds: tuple[type[Any], ...]) -> str:
    """The page's table of records: values with shape and bytes, elements and bytes."""
    lines = ["| record | values | elements | bytes |", "|---|---|---|---|"]
    for kind in kinds:
        values = " ".join(f"{piece.path} {piece.shape.value}{piece.bytes}," for piece in pieces_of(kind)).rstrip(",")
        lines.append(f"| {kind.__name__} | {shortened(values)} | {elements_in(kind)} | {bytes_in(kind)} |")
    return "\n".join(lines)


def shortened(values: str) -> str:
    """Runs of values that differ by an index only, or are those of a record inside, written once."""
    values = re.sub(r"\b(\w+)\[0\] (\w+),(?: \1\[\d+\] \2,?)+", lambda run: counted(run, run[1], run[2]), values)
    values = re.sub(r"\b(\w+\[\d+\])\.[^,]+(?:, \1\.[^,]+)*", lambda run: f"{run[1]} Report", values)
    values = re.sub(r"\bintent\.[^,]+(?:, intent\.[^,]+)*", "intent Intent", values)
    return re.sub(r"\b(buyer|seller|taker|order)\.[^,]+(?:, \1\.[^,]+)*", lambda run: f"{run[1]} Order", values)


def counted(run: re.Match[str], name: str, form: str) -> str:
    """A vector."""
    count = run[0].count("[")
    return f"{name} {count} times {form}" + ("," if run[0].endswith(",") else "")


def codes_table() -> str:
    """The page's rows of the numbers of operations, three to a row."""
    cells = [f"{code} | {kind.__name__}" for kind, code in OPERATION_CODES.items()]
    third = -(-len(cells) // 3)
    columns = (cells[:third], cells[third : 2 * third], cells[2 * third :])
    return "\n".join("| " + " | ".join(row) + " |" for row in zip_longest(*columns, fillvalue=" | "))


def records_table() -> str:
    """The page's rows of the numbers of records, with their keys."""
    keys = {1: "0", 64: "market", 2**20: "account", 2**24: "16 account + slot", 2**32: "4096 account + slot"}
    return "\n".join(f"| {RECORD_CODES[kind]} | {kind.__name__} | {keys[KEYS[kind]]} |" for kind in STATE_RECORDS)


@pytest.fixture(scope="module")
def page() -> str:
    return FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WORKED)
def test_worked_values(page: str, name: str) -> None:
    (block,) = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    worked: dict[str, Any] = json.loads(block)
    assert list(worked) == list(WORKED)
    assert worked[name] == WORKED[name]()


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_records(page: str, name: str) -> None:
    assert f"\n{table(TABLES[name])}\n" in page


def test_tables_of_numbers(page: str) -> None:
    assert f"\n{codes_table()}\n" in page
    assert f"\n{records_table()}\n" in page


def test_table_of_trees(page: str) -> None:
    rows = re.findall(r"^\| (\w+) \| (\d+) \| ([A-Z_]+) \|", page, flags=re.MULTILINE)
    assert rows == [(tree.name, str(tree.height), tree.tag.name) for tree in TREES]
