"""Running batch files against a store: signatures are checked just before each operation is applied."""

from collections.abc import Callable
from typing import Any

import attrs
from attrs import frozen

from perp_reference.core.batch import Batch, Builder, Rejection, apply_all, apply_batch, begin
from perp_reference.core.diff import Changes
from perp_reference.core.machine import Machine
from perp_reference.core.state import State
from perp_reference.formats.batch import SignedBatch, encode_batch
from perp_reference.formats.signed import Signed
from perp_reference.signing.authorise import ExchangeKeys, authorise
from perp_reference.signing.keys import verify
from perp_reference.store.store import Store
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.records import Account, Exchange


@frozen
class Outcome:
    """What became of a batch or draft."""

    batch: SignedBatch
    """The batch that was applied."""
    operations: tuple[Any, ...]
    """Its operations with their flags `authorised` as checked."""
    rejected: tuple[Rejection, ...]
    """Operations of a draft that were left out."""
    changed: Changes
    """Each record that differs from before, as it is now."""
    root: int
    """Packed root of the state after the batch."""


def owner_in(state: State, account: int) -> int:
    """The packed digest of an account's owner, 0 where it does not exist."""
    return state.get(Account, account).owner


Notice = Callable[[int], None]
"""Told how many operations have been looked at, after each."""


def unnoticed(done: int) -> None:
    """Takes no notice."""
    del done


class Checker:
    """Sets the flags `authorised` of operations by their signatures and the state as it is."""

    def __init__(self, state: State, time: int, notice: Notice = unnoticed) -> None:
        self._state = state
        self._time = time
        self._notice = notice
        self._keys = ExchangeKeys.of(state.config)
        self.checked: list[Any] = []

    def __call__(self, signed: Signed) -> Any:
        """The operation with its flags set."""
        operation = authorise(signed, self._keys, self._time, lambda account: owner_in(self._state, account), verify)
        self.checked.append(operation)
        self._notice(len(self.checked))
        return operation


def run_batch(store: Store, batch: SignedBatch, notice: Notice = unnoticed) -> Outcome:
    """Apply a batch and write it to the store.

    Raises:
        InvalidBatchError: The header or an operation is rejected; nothing has changed.
        StoreError: It could not be written; open the store again.
    """
    checker = Checker(store.state, batch.header.time, notice)
    changed = apply_batch(store.state, store.commitment, Batch(batch.header, batch.operations), checker)
    store.append(encode_batch(batch), changed)
    return Outcome(batch, tuple(checker.checked), (), changed, store.commitment.root)


def checked_batch(store: Store, batch: SignedBatch, notice: Notice = unnoticed) -> Batch:
    """The batch with its signatures checked, each on the state that it meets. The store stays as it is.

    Raises:
        InvalidBatchError: The header or an operation is rejected.
        EndBatchError: The batch does not end with its one EndBatch.
    """
    checker = Checker(store.state, batch.header.time, notice)
    try:
        begin(store.state, store.commitment, batch.header)
        apply_all(Machine(store.state), batch.operations, checker)
    finally:
        store.state.rollback()
    return Batch(batch.header, tuple(checker.checked))


def run_draft(store: Store, draft: SignedBatch, notice: Notice = unnoticed) -> Outcome:
    """Build a batch out of a draft, leaving out what the rules reject, and write it to the store.

    Of the draft's header what is 0 follows from the store. A draft that states its number is applied as that batch
    only, so it can be tried again where nobody knows whether it was applied.

    Raises:
        InvalidBatchError: The header does not fit the store: the time is before the last batch's, or what it states of
            number, root and configuration is another's.
        StoreError: It could not be written; open the store again.
    """
    builder = Builder(store.state, store.commitment, draft.header)
    checker = Checker(store.state, draft.header.time, notice)
    try:
        taken = [signed for signed in draft.operations if builder.offer(checker(signed)) is None]
        built, changed = builder.finish()
    except BaseException:
        builder.abandon()
        raise
    *completed, end = built.operations
    kept = [attrs.evolve(signed, operation=operation) for signed, operation in zip(taken, completed, strict=True)]
    batch = SignedBatch(built.header, (*kept, Signed(end)))
    store.append(encode_batch(batch), changed)
    return Outcome(batch, built.operations, tuple(builder.rejected), changed, store.commitment.root)


def draft_of(state: State, time: int, operations: tuple[Signed, ...]) -> SignedBatch:
    """A draft for the next batch of a state."""
    return SignedBatch(Header(number=state.get(Exchange, 0).number + 1, time=time), operations)
