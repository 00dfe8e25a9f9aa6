"""Diffs have one form, and with them anyone rebuilds the state and leaves without the operator."""

import pytest

from perp_reference.core.batch import build_batch
from perp_reference.core.commitment import Commitment, verify_account_proof
from perp_reference.core.diff import (
    Changes,
    apply_diff,
    changes_of,
    diff_bytes,
    diff_from_bytes,
    state_changes,
)
from perp_reference.core.encoding import EncodingError, record_bytes
from perp_reference.core.state import RecordKey, State, genesis
from perp_reference.demo import ACTS, BOB, CAROL, DAVE, Cast
from perp_reference.kernels.tree import KERNEL_HASHER
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import EscapeClaim
from perp_spec.perpetual.records import Account, Exchange, MarketPrice, OrderSlot, Position, Request

CAST = Cast({0: 0, 2: 22, 3: 33, 4: 44, 5: 55, 6: 66, 7: 33})

CONFIG = default_config(3)


def really_changed(before: State, changed: Changes) -> Changes:
    return {place: value for place, value in changed.items() if value != before.get(*place)}


def played() -> tuple[State, list[bytes], list[int]]:
    """The state after all batches of the demo, the diff of each, and the root after each."""
    state = genesis(CONFIG)
    commitment = Commitment(state, KERNEL_HASHER)
    diffs: list[bytes] = []
    roots: list[int] = []
    for act in ACTS:
        before = state.copy()
        _, _, changed = build_batch(state, commitment, act.time, act.operations(CAST))
        diffs.append(diff_bytes(really_changed(before, changed)))
        roots.append(commitment.root)
    return state, diffs, roots


def test_the_state_is_rebuilt_from_genesis_and_diffs() -> None:
    state, diffs, roots = played()
    rebuilt = genesis(CONFIG)
    commitment = Commitment(rebuilt, KERNEL_HASHER)
    for diff, root in zip(diffs, roots, strict=True):
        apply_diff(rebuilt, diff_from_bytes(diff))
        assert diff_bytes(changes_of(rebuilt)) == diff
        commitment.update(rebuilt.commit())
        assert commitment.root == root == Commitment(rebuilt, KERNEL_HASHER).root
    assert rebuilt.tables == state.tables


def test_an_exit_is_proved_without_the_operator() -> None:
    _, diffs, roots = played()
    frozen = next(number for number, act in enumerate(ACTS) if EscapeClaim in map(type, act.operations(CAST)))
    rebuilt = genesis(CONFIG)
    for diff in diffs[:frozen]:
        apply_diff(rebuilt, diff_from_bytes(diff))
    commitment = Commitment(rebuilt)
    assert commitment.root == roots[frozen - 1]
    for account in (BOB, CAROL, DAVE):
        proof = commitment.prove_account(account)
        verify_account_proof(roots[frozen - 1], proof)
        assert proof.record.owner == CAST.owner(account)


def test_a_whole_state_is_the_diff_that_makes_it() -> None:
    state, _, roots = played()
    rebuilt = State(CONFIG)
    apply_diff(rebuilt, diff_from_bytes(diff_bytes(state_changes(state))))
    assert rebuilt.tables == state.tables
    assert Commitment(rebuilt, KERNEL_HASHER).root == roots[-1]


def test_only_what_differs_is_a_change() -> None:
    state = genesis(CONFIG)
    state.put(Account, 0, state.get(Account, 0))
    state.put(Account, 5, Account(kind=1))
    state.put(Account, 5, Account())
    state.put(Account, 1, Account())
    state.put(Request, 3, Request(kind=1))
    assert changes_of(state) == {RecordKey(Account, 1): Account(), RecordKey(Request, 3): Request(kind=1)}


def test_an_absent_record_becomes_absent() -> None:
    state = genesis(CONFIG)
    apply_diff(state, {RecordKey(Account, 1): Account()})
    assert list(state.tables[Account]) == [0]


def test_the_bytes_of_a_diff_are_sorted_records_behind_their_number() -> None:
    changes: Changes = {
        RecordKey(Position, 2**20): Position(1, -2, 3),
        RecordKey(Account, 700): Account(kind=1),
        RecordKey(Account, 3): Account(),
    }
    data = diff_bytes(changes)
    assert data == (
        bytes([3, 0, 0, 0])
        + bytes([7, 3, 0, 0, 0])
        + bytes(53)
        + bytes([7, 188, 2, 0, 0])
        + record_bytes(Account(kind=1))
        + bytes([8, 0, 0, 16, 0])
        + bytes([1, 254, *(255,) * 7, 3, *(0,) * 7])
    )
    assert diff_from_bytes(data) == changes
    assert list(diff_from_bytes(data)) == sorted(changes, key=lambda place: (place.record.__name__, place.key))


def entry(code: int, key: int, record: bytes) -> bytes:
    return bytes([code]) + key.to_bytes(4, "little") + record


ONE = entry(8, 5, record_bytes(Position(1, 1, 1)))
TWO = entry(8, 6, record_bytes(Position(1, 1, 1)))
EARLIER = entry(4, 63, record_bytes(MarketPrice(price=1)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a diff of 0 records holds 0"),
        (b"\0\0\0", "a diff of 0 records holds 0"),
        (b"\1\0\0\0", "a diff of 1 records holds 0"),
        (b"\0\0\0\0" + ONE, "a diff of 0 records holds 1"),
        (b"\1\0\0\0" + ONE[:-1], "a diff ends within a record of class Position"),
        (b"\1\0\0\0" + ONE[:3], "a diff ends within a record of class Position"),
        (b"\1\0\0\0" + ONE + b"\x08", "a diff ends within a record of class Position"),
        (b"\1\0\0\0" + ONE + b"\0", "no record has the code 0"),
        (b"\1\0\0\0" + entry(11, 0, b""), "no record has the code 11"),
        (b"\2\0\0\0" + TWO + ONE, "the records of a diff are not in order"),
        (b"\2\0\0\0" + ONE + EARLIER, "the records of a diff are not in order"),
        (b"\2\0\0\0" + ONE + ONE, "a diff has Position 5 twice"),
        (b"\1\0\0\0" + entry(8, 2**24, bytes(17)), "no key of Position, which are below 16777216: 16777216"),
        (b"\1\0\0\0" + entry(4, 64, bytes(64)), "no key of MarketPrice, which are below 64: 64"),
        (b"\1\0\0\0" + entry(1, 1, bytes(64)), "no key of Exchange, which are below 1: 1"),
        (b"\1\0\0\0" + entry(8, 5, b"\x40" + bytes(16)), "Position.market is not in 0 to 63: 64"),
    ],
)
def test_bytes_that_are_no_diff_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(EncodingError) as caught:
        diff_from_bytes(data)
    assert str(caught.value) == message


def test_every_changed_byte_of_a_diff_is_seen() -> None:
    _, diffs, _ = played()
    changes = diff_from_bytes(diffs[1])
    for place in range(len(diffs[1])):
        data = bytearray(diffs[1])
        data[place] ^= 1
        try:
            other = diff_from_bytes(bytes(data))
        except EncodingError:
            continue
        assert other != changes
        assert diff_bytes(other) == bytes(data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({RecordKey(Account, 0): Account(kind=1)}, "a diff does not change Account 0"),
        ({RecordKey(Account, 9): Account()}, "a diff does not change Account 9"),
        ({RecordKey(Account, 2**20): Account(kind=1)}, "no key of Account, which are below 1048576: 1048576"),
        ({RecordKey(Account, True): Account(kind=1)}, "no key of Account, which are below 1048576: True"),
        ({RecordKey(OrderSlot, -1): OrderSlot(1)}, "no key of OrderSlot, which are below 4294967296: -1"),
        ({RecordKey(Account, 9): Position(1)}, f"expected a record of class Account: {Position(1)!r}"),
        ({RecordKey(Account, 9): Account(kind=4)}, "Account.kind is not in 0 to 3: 4"),
    ],
)
def test_a_diff_that_does_not_fit_changes_nothing(changes: Changes, message: str) -> None:
    state = genesis(CONFIG)
    before = state.copy()
    with pytest.raises(EncodingError) as caught:
        apply_diff(state, {RecordKey(Exchange, 0): Exchange(number=1)} | changes)
    assert str(caught.value) == message
    assert state.tables == before.tables
    assert state.journal == {}


def test_a_diff_in_another_order_is_the_same_diff() -> None:
    account, position = (RecordKey(Account, 2), Account(kind=1)), (RecordKey(Position, 32), Position(1, 1, 1))
    assert diff_bytes(dict([position, account])) == diff_bytes(dict([account, position]))
