"""The state root binds the whole state, and proofs of accounts show what is in it."""

import random
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perp_hash.digest import (
    compress,
    digest_from_bytes,
    digest_to_bytes,
    hash_elements,
    pack_digest,
    step,
    unpack_digest,
)
from perp_hash.field import MODULUS
from perp_hash.tags import Tag
from perp_reference.core.commitment import (
    AccountProof,
    Commitment,
    MarketProof,
    account_digest,
    account_elements,
    empty_orders,
    global_digest,
    market_elements,
    no_orders,
    order_digests,
    order_elements,
    request_elements,
    state_root,
    verify_account_proof,
)
from perp_reference.core.digests import config_digest
from perp_reference.core.encoding import EncodingError, record_elements, record_of_values, record_values
from perp_reference.core.state import RecordKey, State, genesis
from perp_reference.core.tree import PYTHON_HASHER, ProofError, empty_digest, packed, unpacked, verify_path
from perp_reference.kernels.tree import KERNEL_HASHER
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.layout import ORDERS, Shape, pieces_of
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
from perp_spec.words import Unit

CONFIG = default_config(3)


def put_account(state: State, rng: random.Random, account: int) -> None:
    """Make or remake an account with up to four slots, some of them empty."""
    slots = rng.randrange(5)
    state.put(Account, account, Account(kind=1, owner=rng.randrange(1, 2**30), collateral=slots - 2, slots=slots))
    for slot in range(16):
        held = slot < slots and rng.random() < 0.7
        position = Position(rng.randrange(3), rng.choice([-5, 7]), rng.randrange(-9, 9)) if held else Position()
        state.put(Position, account * 16 + slot, position)


def change(state: State, rng: random.Random) -> None:
    """Change some record of a state."""
    account = rng.choice([0, 1, 2, 3, 2**20 - 1])
    match rng.randrange(6):
        case 0 | 1:
            put_account(state, rng, account)
        case 2 if state.get(Account, account).kind:
            slot = rng.choice([0, 1, 5, 4095])
            state.put(OrderSlot, account * 4096 + slot, OrderSlot(rng.randrange(3), rng.randrange(3)))
        case 3:
            state.put(MarketPrice, rng.randrange(3), MarketPrice(price=rng.randrange(3), gap=rng.random() < 0.5))
            state.put(MarketOracle, rng.randrange(3), MarketOracle(average=rng.randrange(3)))
            state.put(MarketBook, rng.randrange(3), MarketBook(open_interest=rng.randrange(3)))
        case 4:
            state.put(Request, account, Request(kind=rng.randrange(3), amount=rng.randrange(2)))
        case _:
            state.put(Exchange, 0, Exchange(number=rng.randrange(3)))
            state.put(Ledger, 0, Ledger(vault=rng.randrange(3)))
            state.put(Queue, 0, Queue(rng.randrange(3), rng.randrange(3)))


def random_state(seed: int, changes: int = 40) -> State:
    state, rng = genesis(CONFIG), random.Random(seed)
    for _ in range(changes):
        change(state, rng)
    state.commit()
    return state


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 6), max_size=6))
def test_updating_is_building_anew(seed: int, cuts: list[int]) -> None:
    state, rng = genesis(CONFIG), random.Random(seed)
    commitment = Commitment(state, KERNEL_HASHER)
    for changes in cuts:
        for _ in range(changes):
            change(state, rng)
        commitment.update(state.commit())
        assert commitment.root == Commitment(state, KERNEL_HASHER).root


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_the_root_does_not_depend_on_order_nor_on_how_changes_are_cut_up(seed: int, data: st.DataObject) -> None:
    whole = random_state(seed, 15)
    places = [RecordKey(record, key) for record, table in whole.tables.items() for key in table]
    state = State(CONFIG)
    # Positions and order slots come with their account: without it they would be outside the root.
    alone = [place for place in places if place.record not in (Position, OrderSlot)]
    order = data.draw(st.permutations(alone))
    commitment = Commitment(state, KERNEL_HASHER)
    for record, key in order:
        state.put(record, key, whole.get(record, key))
        if record is Account:
            for slot in range(16):
                state.put(Position, key * 16 + slot, whole.get(Position, key * 16 + slot))
            for slot in data.draw(st.permutations([0, 1, 5, 4095])):
                state.put(OrderSlot, key * 4096 + slot, whole.get(OrderSlot, key * 4096 + slot))
        if data.draw(st.booleans()):
            commitment.update(state.commit())
    commitment.update(state.commit())
    assert commitment.root == Commitment(whole, KERNEL_HASHER).root


def test_a_change_taken_back_takes_the_root_back() -> None:
    state = random_state(1)
    commitment = Commitment(state, KERNEL_HASHER)
    before, account, position = commitment.root, state.get(Account, 2), state.get(Position, 32)
    put_account(state, random.Random(3), 77)
    state.put(OrderSlot, 77 * 4096 + 9, OrderSlot(1, 1))
    commitment.update(state.commit())
    assert commitment.root != before
    for slot in range(16):
        state.put(Position, 77 * 16 + slot, Position())
    state.put(Account, 77, Account())
    state.put(OrderSlot, 77 * 4096 + 9, OrderSlot())
    commitment.update(state.commit())
    assert (commitment.root, state.get(Account, 2), state.get(Position, 32)) == (before, account, position)


def neighbours(record: Any) -> Iterator[Any]:
    """The record with each of its values changed in turn."""
    values = list(record_values(record))
    for place, piece in enumerate(pieces_of(type(record))):
        value = values[place]
        other = value + 1 if piece.shape is Shape.DIGEST or value < piece.high else value - 1
        changed = [*values[:place], bool(other) if piece.field.unit is Unit.FLAG else other, *values[place + 1 :]]
        yield record_of_values(type(record), iter(changed))


def test_every_value_of_every_record_changes_the_root() -> None:
    state = genesis(CONFIG)
    state.put(Account, 5, Account(kind=1, owner=9, slots=2))
    state.put(Position, 81, Position(1, 4, 5))
    commitment = Commitment(state, KERNEL_HASHER)
    roots = {commitment.root}
    tried = 0
    for record in state.tables:
        key = {Position: 80, OrderSlot: 5 * 4096 + 6}.get(record, 0 if record in (Exchange, Ledger, Queue) else 5)
        before = state.get(record, key)
        for other in neighbours(before):
            if record is Account and other.slots != 2:
                continue
            state.put(record, key, other)
            commitment.update(state.commit())
            roots.add(commitment.root)
            tried += 1
            state.put(record, key, before)
    assert len(roots) == tried + 1


def test_the_number_of_slots_changes_the_root() -> None:
    roots: set[int] = set()
    for slots in range(17):
        state = genesis(CONFIG)
        state.put(Account, 5, Account(kind=1, slots=slots))
        roots.add(Commitment(state, KERNEL_HASHER).root)
    assert len(roots) == 17


def test_the_same_record_elsewhere_is_another_root() -> None:
    roots: set[int] = set()
    elsewhere = {
        Account: (4, 5),
        Position: (32, 33, 48),
        OrderSlot: (8192, 8193, 8194, 8196, 12288),
        Request: (2, 3),
        MarketPrice: (0, 1),
    }
    for record, keys in elsewhere.items():
        for key in keys:
            state = State(CONFIG)
            for account in (2, 3):
                state.put(Account, account, Account(kind=1, slots=2))
            state.put(record, key, next(neighbours(record())))
            roots.add(Commitment(state, KERNEL_HASHER).root)
    assert len(roots) == 14


def test_leaves_are_hashed_as_the_page_says() -> None:
    account, empty, held = Account(kind=1, owner=9, slots=2), Position(), Position(1, 4, 5)
    own, block = record_elements(account), [*record_elements(held), 0, 0]
    elements = account_elements(account, (empty, held))
    assert elements == [*own[:8], *(0,) * 8, *block, *own[8:]]
    digest = step(step(step(tuple(range(8)), own[:8]), (0,) * 8), block)
    leaf = digest_to_bytes(compress(Tag.ACCOUNT_LEAF, digest, own[8:]))
    assert account_digest(elements, digest_to_bytes(range(8)), PYTHON_HASHER) == leaf
    first, second = OrderSlot(3, 5), OrderSlot(2**40, 0)
    halves = [*record_elements(first), *(0,) * 3], [*record_elements(second), *(0,) * 3]
    assert order_elements((first, second)) == [*halves[0], *halves[1]]
    pair = digest_to_bytes(compress(Tag.ORDER_LEAF, *halves))
    assert order_digests([(first, second)], PYTHON_HASHER) == [pair]
    price, oracle, book = MarketPrice(price=1), MarketOracle(), MarketBook(open_interest=2)
    expected = [*record_elements(price), *record_elements(oracle), *record_elements(book)]
    assert market_elements(price, oracle, book) == expected
    assert request_elements(Request(kind=1)) == record_elements(Request(kind=1))


def test_absent_leaves_have_no_elements() -> None:
    assert account_elements(Account(), ()) is None
    assert account_digest(None, empty_orders(), PYTHON_HASHER) == bytes(32)
    assert market_elements(MarketPrice(), MarketOracle(), MarketBook()) is None
    assert request_elements(Request()) is None


def test_order_slots_that_were_never_used_have_the_root_of_two_zeros_throughout() -> None:
    assert digest_from_bytes(no_orders()) == compress(Tag.ORDER_LEAF, (0,) * 8, (0,) * 8)
    digest = digest_from_bytes(no_orders())
    for _ in range(11):
        digest = compress(Tag.NODE, digest, digest)
    assert digest_from_bytes(empty_orders()) == digest
    state = State(CONFIG)
    state.put(Account, 5, Account(kind=1))
    commitment = Commitment(state)
    assert [commitment.prove_account(account).orders for account in (4, 5)] == [packed(empty_orders())] * 2


def test_the_root_of_an_empty_state_is_that_of_empty_trees() -> None:
    commitment = Commitment(State(CONFIG))
    assert commitment.roots == tuple(packed(empty_digest(height)) for height in (20, 6, 20))
    elements = [0] * (len(record_elements(Exchange())) + len(record_elements(Ledger())) + len(record_elements(Queue())))
    global_leaf = hash_elements(Tag.GLOBAL, elements)
    assert global_digest(Exchange(), Ledger(), Queue(), PYTHON_HASHER) == b"".join(
        lane.to_bytes(4, "little") for lane in global_leaf
    )
    lanes = [lane for root in commitment.roots for lane in unpack_digest(root)]
    assert commitment.root == pack_digest(hash_elements(Tag.STATE_ROOT, [*lanes, *global_leaf]))
    assert commitment.root == state_root(commitment.roots, pack_digest(global_leaf))


def test_the_commitment_knows_the_configuration() -> None:
    assert Commitment(State(CONFIG)).config_digest == config_digest(CONFIG)


def test_a_position_outside_the_root_is_refused_and_the_root_stays() -> None:
    state = random_state(2)
    state.put(Account, 9, Account(kind=1, slots=1))
    state.commit()
    commitment = Commitment(state, KERNEL_HASHER)
    before = commitment.root, commitment.roots
    for account, slot, slots in ((9, 1, 1), (9, 15, 1), (8, 0, 0)):
        state.put(Position, account * 16 + slot, Position(1, 1, 1))
        with pytest.raises(EncodingError, match=f"^account {account} has {slots} slots and a position in slot {slot}$"):
            commitment.update(list(state.journal))
        with pytest.raises(EncodingError, match=f"^account {account} has {slots} slots and a position in slot {slot}$"):
            Commitment(state, KERNEL_HASHER)
        state.rollback()
        assert (commitment.root, commitment.roots) == before


def everything(commitment: Commitment) -> Any:
    """All that a commitment keeps."""
    levels = [[dict(level) for level in tree._levels] for tree in (commitment._orders, *commitment._trees.values())]
    return commitment.root, commitment.roots, levels


def test_order_slots_of_an_absent_account_are_refused_and_the_root_stays() -> None:
    state = random_state(2)
    state.put(Account, 8, Account(kind=1))
    state.put(OrderSlot, 8 * 4096 + 77, OrderSlot(1, 1))
    state.commit()
    commitment = Commitment(state, KERNEL_HASHER)
    before = everything(commitment)
    for account, record, key, value in (
        (9, OrderSlot, 9 * 4096, OrderSlot(0, 1)),
        (2**20 - 2, OrderSlot, (2**20 - 2) * 4096 + 4095, OrderSlot(1, 0)),
        (8, Account, 8, Account()),
    ):
        state.put(record, key, value)
        message = f"^account {account} is absent and has used order slots$"
        with pytest.raises(EncodingError, match=message):
            commitment.update(list(state.journal))
        with pytest.raises(EncodingError, match=message):
            Commitment(state, KERNEL_HASHER)
        state.rollback()
        assert everything(commitment) == before


WRONG: dict[str, tuple[type[Any], int, Any]] = {
    "a position above the slots": (Position, 8 * 16, Position(1, 1, 1)),
    "an account out of range": (Account, 8, Account(kind=1, collateral=2**63)),
    "an owner that is no digest": (Account, 2, Account(kind=1, owner=MODULUS, slots=16)),
    "an order slot out of range": (OrderSlot, 8 * 4096, OrderSlot(-1, 0)),
    "an order slot without an account": (OrderSlot, 9 * 4096, OrderSlot(1, 0)),
    "a market out of range": (MarketPrice, 1, MarketPrice(price=-1)),
    "a request out of range": (Request, 3, Request(kind=3)),
    "a global record out of range": (Exchange, 0, Exchange(number=-1)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_an_update_that_fails_leaves_everything_as_before(wrong: tuple[type[Any], int, Any]) -> None:
    """Given changes in every tree with one record among them that cannot be, nothing of them is taken in."""
    state = random_state(7)
    state.put(Account, 8, Account(kind=1))
    state.commit()
    commitment = Commitment(state, KERNEL_HASHER)
    before, tables = everything(commitment), {record: dict(table) for record, table in state.tables.items()}
    rng = random.Random(8)
    for account in (0, 1, 2, 3, 8):
        state.put(Account, account, Account(kind=1, collateral=rng.randrange(2**40), slots=16))
        state.put(OrderSlot, account * 4096 + 9, OrderSlot(rng.randrange(2**40), 1))
        state.put(Request, account, Request(kind=2, amount=rng.randrange(2**40)))
        state.put(MarketPrice, account, MarketPrice(price=rng.randrange(2**40)))
    state.put(Account, 8, Account(kind=1, collateral=1))
    record, key, value = wrong
    # Past the checks of `put`, as no rule could.
    state.tables[record][key] = value
    changed = [*state.journal, RecordKey(record, key)]
    with pytest.raises(EncodingError):
        commitment.update(changed)
    assert everything(commitment) == before
    state.tables = tables
    commitment.update(changed)
    assert everything(commitment) == before == everything(Commitment(state, KERNEL_HASHER))


def test_accounts_and_their_absence_are_proved() -> None:
    state = random_state(4)
    commitment = Commitment(state)
    for account in (0, 1, 2, 3, 4, 2**20 - 1):
        proof = commitment.prove_account(account)
        assert (proof.record, proof.request) == (state.get(Account, account), state.get(Request, account))
        assert packed(commitment._orders.root_of(account)) == proof.orders
        verify_account_proof(commitment.root, proof)
    with pytest.raises(IndexError, match=r"^leaf 1048576 of a tree of height 20$"):
        commitment.prove_account(2**20)


def held_account() -> tuple[int, AccountProof]:
    """The root of a state, and a proof of an account with two markets, an empty slot and a request."""
    state = random_state(5)
    state.put(Account, 3, Account(kind=1, owner=8, collateral=-7, slots=4))
    held = (Position(2, 5, -1), Position(), Position(0, -5, 1), Position(2, 1, 1))
    for slot, position in enumerate((*held, *(Position(),) * 12)):
        state.put(Position, 48 + slot, position)
    state.put(Request, 3, Request(kind=1, amount=5))
    state.put(OrderSlot, 3 * 4096 + 7, OrderSlot(2, 3))
    state.put(MarketPrice, 2, MarketPrice(price=5))
    commitment = Commitment(state, KERNEL_HASHER)
    return commitment.root, commitment.prove_account(3)


def changed_digests(digests: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The digests with each of their elements changed in turn."""
    for place, digest in enumerate(digests):
        for lane in range(8):
            lanes = list(unpack_digest(digest))
            lanes[lane] = (lanes[lane] + 1) % MODULUS
            yield (*digests[:place], pack_digest(lanes), *digests[place + 1 :])


def changed_proofs(proof: AccountProof) -> Iterator[AccountProof]:
    """The proof with each of its elements changed in turn."""
    for name in ("record", "request", "exchange", "ledger", "queue"):
        for record in neighbours(getattr(proof, name)):
            yield attrs.evolve(proof, **{name: record})
    for name in ("path", "request_path", "roots"):
        for digests in changed_digests(getattr(proof, name)):
            yield attrs.evolve(proof, **{name: digests})
    for (digest,) in changed_digests((proof.orders,)):
        yield attrs.evolve(proof, orders=digest)
    for place, position in enumerate(proof.positions):
        for other in neighbours(position):
            yield attrs.evolve(proof, positions=(*proof.positions[:place], other, *proof.positions[place + 1 :]))
    for place, market in enumerate(proof.markets):
        for other in changed_markets(market):
            yield attrs.evolve(proof, markets=(*proof.markets[:place], other, *proof.markets[place + 1 :]))
    for account in (proof.account - 1, proof.account + 1, -1, 2**20, True, None):
        yield attrs.evolve(proof, account=account)


def changed_markets(market: MarketProof) -> Iterator[MarketProof]:
    """The market's proof with each of its elements changed in turn."""
    yield attrs.evolve(market, market=market.market + 1)
    for name in ("price", "oracle", "book"):
        for record in neighbours(getattr(market, name)):
            yield attrs.evolve(market, **{name: record})
    for digests in changed_digests(market.path):
        yield attrs.evolve(market, path=digests)


@pytest.mark.parametrize("present", [True, False])
def test_every_single_change_of_a_proof_is_refused(present: bool) -> None:
    if present:
        root, proof = held_account()
        assert [market.market for market in proof.markets] == [0, 2]
    else:
        state = random_state(6)
        # The accounts beside it exist: the way to an absent one shows its absent neighbour just as well.
        state.put(Account, 3, Account(kind=1))
        state.put(Account, 5, Account(kind=1))
        for slot in range(16):
            state.put(Position, 48 + slot, Position())
        state.put(OrderSlot, 3 * 4096 + 7, OrderSlot(2, 3))
        commitment = Commitment(state, KERNEL_HASHER)
        root, proof = commitment.root, commitment.prove_account(4)
        assert (proof.record, proof.positions, proof.markets) == (Account(), (), ())
    verify_account_proof(root, proof)
    verify_account_proof(root, proof, KERNEL_HASHER)
    tried = 0
    for changed in changed_proofs(proof):
        with pytest.raises(ProofError):
            verify_account_proof(root, changed, KERNEL_HASHER)
        tried += 1
    assert tried > 300
    with pytest.raises(ProofError, match=r"lead to another state root$"):
        verify_account_proof(root + 1, proof)


def test_a_proof_of_another_form_is_refused() -> None:
    root, proof = held_account()
    first, second = proof.markets
    wrong: list[dict[str, Any]] = [
        {"positions": proof.positions[:-1]},
        {"positions": (*proof.positions, Position())},
        {"positions": None},
        {"positions": (*proof.positions[:3], None)},
        {"positions": (*proof.positions[:3], Request())},
        {"markets": (first,)},
        {"markets": (second, first)},
        {"markets": (first, first, second)},
        {"markets": (*proof.markets, attrs.evolve(first, market=1))},
        {"markets": (first, None)},
        {"markets": (first, attrs.evolve(second, price=Request()))},
        {"markets": (first, attrs.evolve(second, path=second.path[1:]))},
        {"path": proof.path[:-1]},
        {"path": (*proof.path, proof.path[0])},
        {"path": None},
        {"request_path": proof.path},
        {"orders": None},
        {"orders": -1},
        {"orders": MODULUS},
        {"orders": 0},
        {"orders": packed(empty_orders())},
        {"roots": proof.roots[:2]},
        {"roots": (*proof.roots, proof.roots[0])},
        {"roots": None},
        {"roots": (*proof.roots[:2], "1")},
        {"record": None},
        {"record": Position()},
        {"exchange": Ledger()},
        {"ledger": None},
    ]
    for change in wrong:
        with pytest.raises(ProofError):
            verify_account_proof(root, attrs.evolve(proof, **change))
    for thing in (None, 5, proof.record):
        with pytest.raises(ProofError, match=r"^malformed proof: "):
            verify_account_proof(root, thing)  # pyright: ignore[reportArgumentType]


def test_positions_cannot_pass_for_an_account_nor_a_digest_on_the_way_for_order_slots() -> None:
    """Given an account with two positions, its leaf cannot be shown with the first blocks hidden in another root."""
    root, proof = held_account()
    elements = account_elements(proof.record, proof.positions)
    assert elements is not None
    digest = digest_from_bytes(unpacked(proof.orders))
    for place, position in enumerate(proof.positions):
        digest = step(digest, elements[8 * place : 8 * place + 8])
        others = proof.positions[place:]
        for own in (proof.record, attrs.evolve(proof.record, slots=len(others))):
            moved = attrs.evolve(proof, record=own, positions=others, orders=pack_digest(digest))
            with pytest.raises(ProofError):
                verify_account_proof(root, moved)
        assert position == others[0]


def test_an_absent_account_is_shown_with_unused_order_slots_only() -> None:
    commitment = Commitment(random_state(6), KERNEL_HASHER)
    proof = attrs.evolve(commitment.prove_account(4), orders=0)
    with pytest.raises(ProofError, match=r"^the account is absent and has used order slots$"):
        verify_account_proof(commitment.root, proof)


def test_a_proof_says_which_tree_it_fails_in() -> None:
    root, proof = held_account()
    other = attrs.evolve(proof, request=attrs.evolve(proof.request, amount=6))
    with pytest.raises(ProofError, match=r"^requests: the path of leaf 3 leads to another root$"):
        verify_account_proof(root, other)


def test_the_compiled_hasher_keeps_the_same_trees() -> None:
    for seed in range(3):
        state = random_state(seed, 12)
        slow, fast = Commitment(state), Commitment(state, KERNEL_HASHER)
        assert (slow.root, slow.roots) == (fast.root, fast.roots)
        assert slow.prove_account(2) == fast.prove_account(2)
        change(state, random.Random(seed))
        changed = state.commit()
        slow.update(changed)
        fast.update(changed)
        assert slow.root == fast.root


def test_an_order_leaf_is_at_its_slot_below_its_account() -> None:
    state = State(CONFIG)
    state.put(Account, 7, Account(kind=1))
    state.put(OrderSlot, 7 * 4096 + 13, OrderSlot(3, 4))
    commitment = Commitment(state)
    leaf = compress(Tag.ORDER_LEAF, (0,) * 8, (*record_elements(OrderSlot(3, 4)), 0, 0, 0))
    path = commitment._orders.path(7 * 2048 + 6)
    root = commitment.prove_account(7).orders
    verify_path(root, ORDERS.height, 6, pack_digest(leaf), path)
    for index in (5, 7):
        with pytest.raises(ProofError):
            verify_path(root, ORDERS.height, index, pack_digest(leaf), path)
    assert commitment.prove_account(6).orders == packed(empty_orders())


def test_only_accounts_with_used_order_slots_have_nodes() -> None:
    state = State(CONFIG)
    for account in range(10):
        state.put(Account, account, Account(kind=1))
    commitment = Commitment(state, KERNEL_HASHER)
    assert not any(commitment._orders._levels)
    state.put(OrderSlot, 7 * 4096 + 13, OrderSlot(3, 4))
    commitment.update(state.commit())
    assert [list(level) for level in commitment._orders._levels] == [[(7 * 2048 + 6) >> k] for k in range(12)]
