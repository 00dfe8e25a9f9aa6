"""Batches: applying one as a whole, and building one out of what people want."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import attrs
from attrs import frozen

from perp_reference.core.diff import Changes, changes_of
from perp_reference.core.explain import Guard, explain, guards_of, violated
from perp_reference.core.machine import Machine, rule_of
from perp_reference.core.state import RecordKey, State
from perp_spec.language import Rejected
from perp_spec.perpetual.operations import (
    Deposit,
    EndBatch,
    EscapePay,
    ForcedReduce,
    ForcedWithdraw,
    Header,
    RequestForced,
)
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Exchange, Ledger
from perp_spec.perpetual.rules.batch import begin_batch


class Commits(Protocol):
    """What keeps the root of a state."""

    @property
    def root(self) -> int:
        """The packed root digest of the state as last updated."""
        ...

    @property
    def config_digest(self) -> int:
        """The packed digest of the state's configuration."""
        ...

    def update(self, changed: Iterable[RecordKey]) -> None:
        """Take in the places of changed records."""
        ...


@frozen
class Batch:
    """A header and operations, the last of them `EndBatch`."""

    header: Header
    operations: tuple[Any, ...]


@frozen
class Rejection:
    """An operation that does not happen."""

    place: int
    """Its place among the operations given, from 0."""
    operation: Any
    rule: str
    reason: Reason
    """Of the first false guard."""
    guards: tuple[Guard, ...]
    """The false guards, with their numbers."""

    @property
    def violated(self) -> tuple[Reason, ...]:
        """The reasons of all false guards, each once."""
        return violated(list(self.guards))


class InvalidBatchError(Exception):
    """A batch is invalid as a whole; the state is untouched.

    Attributes:
        place: The operation at fault, from 0, or None for the header.
        rule: Its rule.
        reason: Why.
        guards: The false guards, with their numbers.
    """

    def __init__(self, place: int | None, rule: str, reason: Reason, guards: tuple[Guard, ...]) -> None:
        super().__init__(place, rule, reason)
        self.place = place
        self.rule = rule
        self.reason = reason
        self.guards = guards

    def __str__(self) -> str:
        """Says which operation, counted from 1, and why."""
        where = "the header" if self.place is None else f"operation {self.place + 1} ({self.rule})"
        return f"the batch is invalid: {where} is rejected with {self.reason.name}"


class EndBatchError(Exception):
    """A batch does not end with its one EndBatch."""


def begin(state: State, commits: Commits, header: Header) -> None:
    """Apply a header.

    Raises:
        InvalidBatchError: The header does not fit the state.
    """
    arguments = [
        header,
        commits.root,
        commits.config_digest,
        state.parameters,
        state.get(Exchange, 0),
        state.get(Ledger, 0),
    ]
    try:
        exchange, ledger = begin_batch(*arguments)
    except Rejected as rejection:
        false = tuple(guard for guard in guards_of(begin_batch, arguments) if not guard.holds)
        raise InvalidBatchError(None, "header", rejection.reason, false) from None
    state.put(Exchange, 0, exchange)
    state.put(Ledger, 0, ledger)


Prepare = Callable[[Any], Any]
"""Makes an operation of what a batch holds in its place, just before it is applied: checks its signatures, say."""


def as_it_is(operation: Any) -> Any:
    """Prepares nothing."""
    return operation


def apply_batch(state: State, commits: Commits, batch: Batch, prepare: Prepare = as_it_is) -> Changes:
    """Apply a batch wholly or not at all; returns each changed record as it is now, and updates the root.

    Raises:
        InvalidBatchError: The header or an operation is rejected.
        EndBatchError: The batch does not end with its one EndBatch.
    """
    try:
        begin(state, commits, batch.header)
        apply_all(Machine(state), batch.operations, prepare)
        return taken_in(state, commits)
    except BaseException:
        state.rollback()
        raise


def apply_all(machine: Machine, operations: Iterable[Any], prepare: Prepare) -> None:
    """Apply the operations of a batch, each prepared just before.

    Raises:
        InvalidBatchError: One is rejected.
        EndBatchError: They do not end with their one EndBatch.
    """
    ended = False
    for place, given in enumerate(operations):
        operation = prepare(given)
        if ended:
            raise EndBatchError("a batch goes on after its end_batch")
        ended = isinstance(operation, EndBatch)
        apply_or_say(machine, place, operation)
    if not ended:
        raise EndBatchError("a batch does not end with end_batch")


def taken_in(state: State, commits: Commits) -> Changes:
    """Update the root, and make what the journal holds final; returns the records that differ from before.

    In this order, so that a failure leaves both as they were.
    """
    changed = changes_of(state)
    commits.update(changed)
    state.commit()
    return changed


def apply_or_say(machine: Machine, place: int, operation: Any) -> None:
    """Apply one operation of a batch.

    Raises:
        InvalidBatchError: It is rejected.
    """
    try:
        machine.apply(operation)
    except Rejected as rejection:
        false = false_guards(machine.state, operation)
        raise InvalidBatchError(place, rule_of(operation).name, rejection.reason, false) from None


def false_guards(state: State, operation: Any) -> tuple[Guard, ...]:
    """The guards of an operation that do not hold."""
    return tuple(guard for guard in explain(state, operation) if not guard.holds)


QUEUED = {Reason.QUEUE_ORDER: "position", Reason.HASH_CHAIN: "chain", Reason.FORCED_RESULT: "result"}

STATED: dict[type[Any], dict[Reason, str]] = {
    Deposit: QUEUED,
    RequestForced: QUEUED,
    ForcedWithdraw: {Reason.FORCED_RESULT: "result"},
    ForcedReduce: {Reason.FORCED_RESULT: "result"},
    EscapePay: {Reason.AMOUNT: "amount"},
    EndBatch: {Reason.MODE_NOT_ESCALATED: "mode"},
}
"""Guards that compare what an operation states, on the left, with what the rules give: the field that states it."""


def completed(state: State, operation: Any) -> Any:
    """The operation with every field it must state set to what the rules give.

    That is the place in the queue, the hash chain, the result of a deposit or a forced action, the payout, the least
    mode.
    """
    fields = STATED.get(type(operation))
    if fields is None:
        return operation
    given = {
        fields[guard.reason]: guard.comparisons[-1].right
        for guard in explain(state, operation)
        if guard.reason in fields and not guard.holds
    }
    if isinstance(operation, ForcedReduce) and given.get("result"):
        given["lots"] = 0
    return attrs.evolve(operation, **given)


class Builder:
    """Builds a batch: takes operations one at a time and leaves the rejected ones out.

    Attributes:
        accepted: The operations taken so far.
        rejected: Those left out, with the reason.
    """

    def __init__(self, state: State, commits: Commits, wish: Header) -> None:
        """Begin a batch. Of the header that is wished for, what is 0 follows from the state; the rest must fit it.

        Raises:
            InvalidBatchError: It does not fit.
        """
        self._state = state
        self._commits = commits
        self._machine = Machine(state)
        self._offered = 0
        self.accepted: list[Any] = []
        self.rejected: list[Rejection] = []
        self.header = Header(
            number=wish.number or state.get(Exchange, 0).number + 1,
            time=wish.time,
            previous_root=wish.previous_root or commits.root,
            config_digest=wish.config_digest or commits.config_digest,
        )
        begin(state, commits, self.header)

    def offer(self, operation: Any, complete: bool = True) -> Rejection | None:
        """Apply an operation, or note why it is rejected.

        What it must state is filled in first, unless `complete` is false.
        """
        place = self._offered
        self._offered += 1
        wanted = completed(self._state, operation) if complete else operation
        try:
            self._machine.apply(wanted)
        except Rejected as rejection:
            false = false_guards(self._state, wanted)
            refused = Rejection(place, wanted, rule_of(wanted).name, rejection.reason, false)
            self.rejected.append(refused)
            return refused
        self.accepted.append(wanted)
        return None

    def finish(self) -> tuple[Batch, Changes]:
        """End the batch with the least mode the state demands; returns it and each changed record as it is now."""
        self._machine.apply(end := completed(self._state, EndBatch()))
        self.accepted.append(end)
        changed = taken_in(self._state, self._commits)
        return Batch(self.header, tuple(self.accepted)), changed

    def abandon(self) -> None:
        """Undo everything since the batch was begun."""
        self._state.rollback()


def build_batch(
    state: State, commits: Commits, time: int, operations: Iterable[Any]
) -> tuple[Batch, list[Rejection], Changes]:
    """Build a batch out of operations and apply it; the rejected ones are left out and reported.

    Raises:
        InvalidBatchError: The time is before the last batch's.
    """
    builder = Builder(state, commits, Header(time=time))
    try:
        for operation in operations:
            builder.offer(operation)
        batch, changed = builder.finish()
    except BaseException:
        builder.abandon()
        raise
    return batch, builder.rejected, changed
