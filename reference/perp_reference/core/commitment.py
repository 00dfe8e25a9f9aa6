"""The state root: one digest that stands for the whole state, and proofs of what is in it.

Leaves, trees and the root are specified in docs/encoding.md.
"""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any

from attrs import frozen

from perp_hash.digest import unpack_digest
from perp_hash.tags import Tag
from perp_reference.core.digests import config_digest
from perp_reference.core.encoding import EncodingError, record_elements
from perp_reference.core.state import RecordKey, State
from perp_reference.core.tree import (
    PAIR,
    PYTHON_HASHER,
    ZERO,
    Hasher,
    ProofError,
    SparseForest,
    SparseTree,
    empty_digest,
    packed,
    unpacked,
    verify_path,
)
from perp_spec.perpetual.layout import (
    ACCOUNTS,
    BLOCK_ELEMENTS,
    MARKETS,
    ORDER_SLOT_ELEMENTS,
    ORDERS,
    POSITION_LEAF_ELEMENTS,
    REQUESTS,
    SLOTS_A_LEAF,
    STATE_TREES,
    TREES,
    Tree,
)
from perp_spec.perpetual.records import (
    Account,
    Exchange,
    Ledger,
    MarketBook,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Position,
    Queue,
    Request,
)
from perp_spec.words import ACCOUNTS_MAX, POSITION_SLOTS

GLOBAL_RECORDS = (Exchange, Ledger, Queue)
"""The records of the global leaf, in order."""

TREE_OF: dict[type[Any], tuple[str, int]] = {
    record: (tree.name, keys_a_leaf) for tree in TREES for record, keys_a_leaf in tree.leaves.items()
}
"""Name of the tree that holds a record, and keys that share a leaf."""

NO_ACCOUNT = Account()
NO_POSITION = Position()
NO_SLOT = OrderSlot()
NO_MARKET = (MarketPrice(), MarketOracle(), MarketBook())
NO_REQUEST = Request()

Elements = list[int] | None
"""What a leaf is hashed from; None for an absent one."""


def account_elements(account: Account, positions: Sequence[Position]) -> Elements:
    """What the leaf of an account adds to the root of its order slots, in blocks of eight elements.

    The first block is the owner; then comes one for each position below the count of slots, empty ones too; the last
    is the rest of the account, its count of slots with it, so that the number of blocks is bound.

    Raises:
        EncodingError: There are more or fewer positions than slots, or a value is outside its range.
    """
    if len(positions) != account.slots:
        raise EncodingError(f"an account with {account.slots} slots has {len(positions)} positions")
    if account == NO_ACCOUNT:
        return None
    own = record_elements(account)
    elements = own[:BLOCK_ELEMENTS]
    for position in positions:
        elements += filled(record_elements(position), POSITION_LEAF_ELEMENTS)
    return elements + own[BLOCK_ELEMENTS:]


def filled(elements: Sequence[int], count: int) -> list[int]:
    """Elements with zeros behind them up to a number."""
    return [*elements, *(0,) * (count - len(elements))]


def order_elements(slots: Sequence[OrderSlot]) -> list[int]:
    """The leaf of two consecutive order slots, used or not. Raises EncodingError for a value outside its range."""
    return [element for slot in slots for element in filled(record_elements(slot), ORDER_SLOT_ELEMENTS)]


def order_digests(leaves: Iterable[Sequence[OrderSlot]], hasher: Hasher) -> list[bytes]:
    """The digests of leaves of order slots. Raises EncodingError for a value outside its range."""
    pairs = b"".join(PAIR.pack(*order_elements(slots)) for slots in leaves)
    digests = hasher.compress(ORDERS.tag, pairs) if pairs else b""
    return [digests[start : start + len(ZERO)] for start in range(0, len(digests), len(ZERO))]


@functools.cache
def no_orders() -> bytes:
    """The digest of a leaf of order slots that were never used."""
    return order_digests([(NO_SLOT,) * SLOTS_A_LEAF], PYTHON_HASHER)[0]


def empty_orders() -> bytes:
    """The root of the order slots of an account that has used none."""
    return empty_digest(ORDERS.height, no_orders())


def market_elements(price: MarketPrice, oracle: MarketOracle, book: MarketBook) -> Elements:
    """The leaf of a market. Raises EncodingError for a value outside its range."""
    if (price, oracle, book) == NO_MARKET:
        return None
    return [*record_elements(price), *record_elements(oracle), *record_elements(book)]


def request_elements(request: Request) -> Elements:
    """The leaf of an account's request. Raises EncodingError for a value outside its range."""
    return None if request == NO_REQUEST else record_elements(request)


def account_digest(elements: Elements, orders: bytes, hasher: Hasher) -> bytes:
    """The digest of the leaf of an account with this root of its order slots, zero for an absent one."""
    return ZERO if elements is None else hasher.hash_chains(ACCOUNTS.tag, [orders], [elements])[0]


def leaf_digest(tree: Tree, elements: Elements, hasher: Hasher) -> bytes:
    """The digest of a leaf of markets or requests, zero for an absent one."""
    return ZERO if elements is None else hasher.hash_runs(tree.tag, [elements])[0]


def global_digest(exchange: Exchange, ledger: Ledger, queue: Queue, hasher: Hasher) -> bytes:
    """The digest of the records that belong to no tree. Raises EncodingError for a value outside its range."""
    elements = [*record_elements(exchange), *record_elements(ledger), *record_elements(queue)]
    return hasher.hash_runs(Tag.GLOBAL, [elements])[0]


def state_root(roots: Sequence[int], global_leaf: int, hasher: Hasher = PYTHON_HASHER) -> int:
    """The state root, from the roots of the trees in the order of `STATE_TREES`, and the global leaf; all packed.

    Raises:
        ValueError: An integer packs no digest.
    """
    elements = [element for digest in (*roots, global_leaf) for element in unpack_digest(digest)]
    return packed(hasher.hash_runs(Tag.STATE_ROOT, [elements])[0])


def account_leaf(state: State, account: int, orders: bytes) -> Elements:
    """The leaf of an account of a state, given the root of its order slots.

    Raises:
        EncodingError: It has a position at or above its count of slots, or it is absent and has used order slots: the
            root would not bind them.
    """
    own = state.get(Account, account)
    if own == NO_ACCOUNT and orders != empty_orders():
        raise EncodingError(f"account {account} is absent and has used order slots")
    table, first = state.tables[Position], account * POSITION_SLOTS
    for slot in range(own.slots, POSITION_SLOTS):
        if first + slot in table:
            raise EncodingError(f"account {account} has {own.slots} slots and a position in slot {slot}")
    return account_elements(own, [table.get(first + slot, NO_POSITION) for slot in range(own.slots)])


def order_leaf(state: State, index: int) -> list[OrderSlot]:
    """The order slots of a leaf of a state."""
    table, first = state.tables[OrderSlot], index * SLOTS_A_LEAF
    return [table.get(key, NO_SLOT) for key in range(first, first + SLOTS_A_LEAF)]


def market_leaf(state: State, market: int) -> Elements:
    """The leaf of a market of a state."""
    return market_elements(
        state.get(MarketPrice, market), state.get(MarketOracle, market), state.get(MarketBook, market)
    )


def request_leaf(state: State, account: int) -> Elements:
    """The leaf of an account's request in a state."""
    return request_elements(state.get(Request, account))


def dirty_leaves(changed: Iterable[RecordKey]) -> dict[str, set[int]]:
    """The leaves of changed records, for each tree by its name."""
    dirty: dict[str, set[int]] = {tree.name: set() for tree in TREES}
    for record, key in changed:
        if record not in GLOBAL_RECORDS:
            name, keys_a_leaf = TREE_OF[record]
            dirty[name].add(key // keys_a_leaf)
    return dirty


@frozen
class MarketProof:
    """A market that an account holds a position in."""

    market: int
    price: MarketPrice
    oracle: MarketOracle
    book: MarketBook
    path: tuple[int, ...]


@frozen
class AccountProof:
    """All that a claim for an account needs, tied to a state root. Digests are packed; a path begins at the leaf.

    The same form shows that an account is absent, with a record of all zeros and no positions.
    """

    account: int
    record: Account
    positions: tuple[Position, ...]
    """One for each slot below the account's count, empty ones too."""
    orders: int
    """The root of its order slots, which a claim need not know any more of."""
    path: tuple[int, ...]
    request: Request
    request_path: tuple[int, ...]
    markets: tuple[MarketProof, ...]
    """Those of the positions, each once, in order of id."""
    roots: tuple[int, ...]
    """Of the three trees, in the order of the state root."""
    exchange: Exchange
    ledger: Ledger
    queue: Queue


class Commitment:
    """Keeps the root of a state up to date.

    Attributes:
        root: The packed root of the state as last updated.
        config_digest: The packed digest of the state's configuration.
    """

    def __init__(self, state: State, hasher: Hasher = PYTHON_HASHER) -> None:
        """Build all trees of a state.

        Raises:
            EncodingError: A record is outside its range, an account has positions above its count of slots, or an
                absent one has used order slots.
        """
        self._state = state
        self._hasher = hasher
        self._orders = SparseForest(ACCOUNTS_MAX, ORDERS.height, hasher, no_orders())
        self._trees = {tree.name: SparseTree(tree.height, hasher) for tree in STATE_TREES}
        self.config_digest = config_digest(state.config)
        self.root = 0
        self.update(RecordKey(record, key) for record, table in state.tables.items() for key in table)

    def update(self, changed: Iterable[RecordKey]) -> None:
        """Take in the records that changed since the last update, such as changes_of or State.commit returns them.

        Reads the state as it is now, whether its journal is cleared or not. Naming a record that did not change does no
        harm; leaving out one that did makes the root wrong.

        Raises:
            EncodingError: A record is outside its range, an account has positions above its count of slots, or an
                absent one has used order slots; root and trees are as before.
        """
        dirty = dirty_leaves(changed)
        orders = self._orders.plan(self._order_leaves(dirty[ORDERS.name]))
        roots = orders[-1]
        leaves = {
            ACCOUNTS.name: self._account_leaves(dirty[ACCOUNTS.name] | roots.keys(), roots),
            MARKETS.name: self._leaves(MARKETS, market_leaf, dirty[MARKETS.name]),
            REQUESTS.name: self._leaves(REQUESTS, request_leaf, dirty[REQUESTS.name]),
        }
        plans = [(tree, tree.plan(leaves[name])) for name, tree in self._trees.items()]
        planned = [packed(tree.planned_root(plan)) for tree, plan in plans]
        root = state_root(planned, packed(self._global_leaf()), self._hasher)
        # All that can fail is done.
        self._orders.apply(orders)
        for tree, plan in plans:
            tree.apply(plan)
        self.root = root

    def copied(self, state: State) -> "Commitment":
        """The root of a copy of the state, kept apart."""
        other = copy(self)
        trees = {name: tree.copied() for name, tree in self._trees.items()}
        vars(other).update(_state=state, _orders=self._orders.copied(), _trees=trees)
        return other

    @property
    def roots(self) -> tuple[int, ...]:
        """The packed roots of the three trees, in the order of the state root."""
        return tuple(packed(tree.root) for tree in self._trees.values())

    def forest(self, tree: Tree) -> SparseForest:
        """A tree of the state, or those of the order slots of all accounts. Only to be read."""
        return self._orders if tree is ORDERS else self._trees[tree.name]

    def prove_account(self, account: int) -> AccountProof:
        """Everything that a claim for an account needs, whether it exists or not.

        Raises:
            IndexError: No account can have this id.
        """
        state = self._state
        path = self._path(ACCOUNTS, account)
        own = state.get(Account, account)
        first = account * POSITION_SLOTS
        positions = tuple(state.get(Position, first + slot) for slot in range(own.slots))
        return AccountProof(
            account=account,
            record=own,
            positions=positions,
            orders=packed(self._orders.root_of(account)),
            path=path,
            request=state.get(Request, account),
            request_path=self._path(REQUESTS, account),
            markets=tuple(self._prove_market(market) for market in markets_held(positions)),
            roots=self.roots,
            exchange=state.get(Exchange, 0),
            ledger=state.get(Ledger, 0),
            queue=state.get(Queue, 0),
        )

    def _prove_market(self, market: int) -> MarketProof:
        """A market with its path."""
        return MarketProof(
            market=market,
            price=self._state.get(MarketPrice, market),
            oracle=self._state.get(MarketOracle, market),
            book=self._state.get(MarketBook, market),
            path=self._path(MARKETS, market),
        )

    def _path(self, tree: Tree, index: int) -> tuple[int, ...]:
        """The path of a leaf."""
        return self._trees[tree.name].path(index)

    def _global_leaf(self) -> bytes:
        """The digest of the records that belong to no tree."""
        get = self._state.get
        return global_digest(get(Exchange, 0), get(Ledger, 0), get(Queue, 0), self._hasher)

    def _order_leaves(self, indices: Iterable[int]) -> dict[int, bytes]:
        """The digests of some leaves of order slots."""
        slots = {index: order_leaf(self._state, index) for index in indices}
        return dict(zip(slots, order_digests(slots.values(), self._hasher), strict=True))

    def _account_leaves(self, accounts: Iterable[int], fresh: Mapping[int, bytes]) -> dict[int, bytes]:
        """The digests of the leaves of some accounts, given the roots of their order slots that are new."""
        orders = {account: fresh.get(account) or self._orders.root_of(account) for account in accounts}
        contents = {account: account_leaf(self._state, account, root) for account, root in orders.items()}
        present = {account: elements for account, elements in contents.items() if elements is not None}
        starts = [orders[account] for account in present]
        digests = self._hasher.hash_chains(ACCOUNTS.tag, starts, list(present.values())) if present else []
        return dict.fromkeys(contents, ZERO) | dict(zip(present, digests, strict=True))

    def _leaves(self, tree: Tree, leaf: Callable[[State, int], Elements], indices: Iterable[int]) -> dict[int, bytes]:
        """The digests of some leaves of markets or requests."""
        contents = {index: leaf(self._state, index) for index in indices}
        present = {index: elements for index, elements in contents.items() if elements is not None}
        digests = self._hasher.hash_runs(tree.tag, list(present.values())) if present else []
        return dict.fromkeys(contents, ZERO) | dict(zip(present, digests, strict=True))


def markets_held(positions: Iterable[Position]) -> list[int]:
    """The markets of some positions, each once, in order of id; empty slots are in none."""
    return sorted({position.market for position in positions if position.size != 0})


def verify_account_proof(root: int, proof: AccountProof, hasher: Hasher = PYTHON_HASHER) -> None:
    """Check that every record of a proof is in the state with this packed root, and that none is missing.

    Raises:
        ProofError: It does not show it.
    """
    try:
        check_account_proof(root, proof, hasher)
    except (ValueError, TypeError, AttributeError) as error:
        raise ProofError(f"malformed proof: {error}") from None


def check_account_proof(root: int, proof: AccountProof, hasher: Hasher) -> None:
    """Check a proof whose form is not known to be right.

    Raises:
        ProofError: It does not show what it claims.
        ValueError, TypeError or AttributeError: It has not the form of one.
    """
    if len(proof.roots) != len(STATE_TREES):
        raise ProofError(f"a state has {len(STATE_TREES)} trees, not {len(proof.roots)}")
    check_kinds(proof)
    global_leaf = packed(global_digest(proof.exchange, proof.ledger, proof.queue, hasher))
    if state_root(proof.roots, global_leaf, hasher) != root:
        raise ProofError("the roots of the trees and the global records lead to another state root")
    roots = dict(zip((tree.name for tree in STATE_TREES), proof.roots, strict=True))

    def check(tree: Tree, index: int, leaf: bytes, path: Sequence[int]) -> None:
        try:
            verify_path(roots[tree.name], tree.height, index, packed(leaf), path, hasher)
        except ProofError as error:
            raise ProofError(f"{tree.name}: {error}") from None

    check(ACCOUNTS, proof.account, proved_account(proof, hasher), proof.path)
    check(REQUESTS, proof.account, leaf_digest(REQUESTS, request_elements(proof.request), hasher), proof.request_path)
    if [market.market for market in proof.markets] != markets_held(proof.positions):
        raise ProofError("the markets are not those of the positions, each once, in order")
    for own in proof.markets:
        leaf = leaf_digest(MARKETS, market_elements(own.price, own.oracle, own.book), hasher)
        check(MARKETS, own.market, leaf, own.path)


def proved_account(proof: AccountProof, hasher: Hasher) -> bytes:
    """The leaf of the account of a proof.

    Raises:
        ProofError: It is absent and has used order slots.
        ValueError: It has not the form of one.
    """
    elements, orders = account_elements(proof.record, proof.positions), unpacked(proof.orders)
    if elements is None and orders != empty_orders():
        raise ProofError("the account is absent and has used order slots")
    return account_digest(elements, orders, hasher)


def check_kinds(proof: AccountProof) -> None:
    """Check the class of each record of a proof.

    Raises:
        ProofError: One is of another class.
    """
    expected: list[tuple[Any, type[Any]]] = [
        (proof.record, Account),
        *((position, Position) for position in proof.positions),
        (proof.request, Request),
        *((market, MarketProof) for market in proof.markets),
        *((market.price, MarketPrice) for market in proof.markets),
        *((market.oracle, MarketOracle) for market in proof.markets),
        *((market.book, MarketBook) for market in proof.markets),
        (proof.exchange, Exchange),
        (proof.ledger, Ledger),
        (proof.queue, Queue),
    ]
    for record, kind in expected:
        if type(record) is not kind:
            raise ProofError(f"expected a record of class {kind.__name__}: {record!r}")
