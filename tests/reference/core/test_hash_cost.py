"""How many permutations a proof of trades takes, and that docs/encoding.md says so."""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from perp_hash.digest import DIGEST_BYTES, DIGEST_ELEMENTS
from perp_hash.tags import Tag
from perp_reference.core.commitment import Commitment
from perp_reference.core.digests import operations_digest
from perp_reference.core.encoding import record_elements
from perp_reference.core.state import RecordKey, State
from perp_reference.kernels.tree import KERNEL_HASHER
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.layout import MARKETS, ORDERS
from perp_spec.perpetual.operations import Header, Trade
from perp_spec.perpetual.records import Account, MarketBook, OrderSlot, Position
from perp_spec.words import ACCOUNTS_MAX, ORDER_SLOTS, POSITION_SLOTS

PAGE = (Path(__file__).parents[3] / "docs" / "encoding.md").read_text(encoding="utf-8")

TRADES = 256

POSITIONS = 3


class CountingHasher:
    """Counts the permutations under each tag."""

    def __init__(self) -> None:
        self.count: Counter[Tag] = Counter()

    def compress(self, tag: Tag, pairs: bytes) -> bytes:
        """As Hasher.compress."""
        self.count[tag] += len(pairs) // (2 * DIGEST_BYTES)
        return KERNEL_HASHER.compress(tag, pairs)

    def hash_runs(self, tag: Tag, runs: Sequence[Sequence[int]]) -> list[bytes]:
        """As Hasher.hash_runs."""
        self.count[tag] += sum(blocks(run) for run in runs)
        return KERNEL_HASHER.hash_runs(tag, runs)

    def hash_chains(self, tag: Tag, starts: Sequence[bytes], runs: Sequence[Sequence[int]]) -> list[bytes]:
        """As Hasher.hash_chains."""
        self.count[tag] += sum(blocks(run) for run in runs)
        return KERNEL_HASHER.hash_chains(tag, starts, runs)


def blocks(elements: Sequence[int]) -> int:
    """Permutations that these elements take."""
    return -(-len(elements) // DIGEST_ELEMENTS)


def put_traders(state: State, accounts: Sequence[int], slots: Sequence[int]) -> list[RecordKey]:
    """Give each account three positions and a used order slot; returns what a trade of it changes."""
    for account, slot in zip(accounts, slots, strict=True):
        state.put(Account, account, Account(kind=1, owner=account + 1, slots=POSITIONS))
        for place in range(POSITIONS):
            state.put(Position, account * POSITION_SLOTS + place, Position(place, 5))
        state.put(OrderSlot, account * ORDER_SLOTS + slot, OrderSlot(1, 1))
    state.put(MarketBook, 0, MarketBook(open_interest=TRADES))
    return list(state.commit())


def permutations_a_trade() -> dict[str, float]:
    """What a trade of two random accounts takes in a batch of 256: both versions of all that it touches."""
    chance, hasher = random.Random(1), CountingHasher()
    accounts = chance.sample(range(ACCOUNTS_MAX), 2 * TRADES)
    slots = [chance.randrange(ORDER_SLOTS) for _ in accounts]
    state = State(default_config(3))
    commitment = Commitment(state, hasher)
    hasher.count.clear()
    # Building the new versions from nothing hashes the same leaves and nodes as changing them.
    commitment.update(put_traders(state, accounts, slots))
    versions = 2 / TRADES
    order_nodes = len(accounts) * ORDERS.height
    root = hasher.count[Tag.STATE_ROOT] + hasher.count[Tag.GLOBAL] + hasher.count[Tag.MARKET_LEAF] + MARKETS.height
    operations_digest([Trade()] * TRADES, hasher)
    return {
        "leaves of accounts": hasher.count[Tag.ACCOUNT_LEAF] * versions,
        "nodes above them": (hasher.count[Tag.NODE] - order_nodes - MARKETS.height) * versions,
        "leaves of order slots": hasher.count[Tag.ORDER_LEAF] * versions,
        "nodes above them, up to the accounts": order_nodes * versions,
        "the operation and its link of the chain": (
            (hasher.count[Tag.OPERATION] + hasher.count[Tag.OPERATION_CHAIN]) / TRADES
        ),
        "market, global leaf, state root and header, shared by all": (
            root * versions + blocks(record_elements(Header())) / TRADES
        ),
    }


def rows(parts: dict[str, float]) -> str:
    """The page's rows."""
    lines = [f"| {part} | {number:.1f} |" for part, number in parts.items()]
    return "\n".join([*lines, f"| together | {sum(parts.values()):.1f} |"])


def test_the_page_says_what_a_trade_costs() -> None:
    assert f"\n{rows(permutations_a_trade())}\n" in PAGE
