"""The exchange as the replay sees it: applies operations batch by batch, and notes what they touched."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from perp_hash.digest import Tag
from perp_reference.core.batch import Commits, begin
from perp_reference.core.machine import Machine, key_getter, rule_of
from perp_reference.core.state import RecordKey, State
from perp_spec.language import Rejected, digest
from perp_spec.operation import Shape
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.operations import Deposit, EndBatch, Header, Intent
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Exchange, Mode, Queue
from perp_spec.perpetual.rules.money import DEPOSIT_ENTRY
from perp_spec.words import TIME_MAX

INTENT_SLOT = 4_000
"""Order slot of withdrawals, transfers and the like; orders use lower ones."""

MODES = (Mode.NORMAL, Mode.THROTTLE, Mode.REDUCE_ONLY, Mode.HALT)
"""What a batch may state, mildest first."""


class NoCommitment:
    """Stands in where no root is kept."""

    root = 0
    config_digest = 0

    def update(self, changed: Iterable[RecordKey]) -> None:
        """Do nothing."""


def touched_accounts(kind: type[Any]) -> tuple[Callable[[Any], int], ...]:
    """Functions from an operation to the accounts its rule stores."""
    rule = next(rule for rule in PERPETUAL.rules.values() if rule.operation is kind)
    return tuple(
        key_getter(access.keys, Account)
        for access in rule.footprint
        if access.shape is Shape.ONE and access.record is Account and access.stores
    )


TOUCHED = {rule.operation: touched_accounts(rule.operation) for rule in PERPETUAL.rules.values()}


class Venue:
    """An exchange under one operator.

    Attributes:
        state: Its state.
        touched: Accounts stored since somebody last emptied this set.
        outcomes: How often each rule answered with each reason; 0 where it was applied.
    """

    def __init__(self, state: State, commits: Commits) -> None:
        self.state = state
        self.touched: set[int] = set()
        self.outcomes: Counter[tuple[str, int]] = Counter()
        self._commits = commits
        self._machine = Machine(state)
        self._nonces: dict[tuple[int, int], int] = {}

    @property
    def now(self) -> int:
        """Time of the current batch."""
        return self.state.get(Exchange, 0).time

    def begin(self, time: int) -> None:
        """Begin a batch."""
        number = self.state.get(Exchange, 0).number + 1
        begin(self.state, self._commits, Header(number, time, self._commits.root, self._commits.config_digest))

    def apply(self, operation: Any) -> Reason | None:
        """Apply an operation, or say why it is rejected."""
        kind = type(operation)
        name = rule_of(operation).name
        try:
            self._machine.apply(operation)
        except Rejected as rejection:
            self.outcomes[name, int(rejection.reason)] += 1
            return rejection.reason
        self.outcomes[name, 0] += 1
        for account_of in TOUCHED[kind]:
            self.touched.add(account_of(operation))
        return None

    def end(self) -> dict[RecordKey, Any]:
        """End the batch with the mildest mode the rules accept; returns what it changed.

        Raises:
            RuntimeError: They accept none.
        """
        for mode in MODES:
            if self.apply(EndBatch(mode)) is None:
                changed = self.state.commit()
                self._commits.update(changed)
                return changed
        raise RuntimeError("the rules accept no mode")

    def nonce(self, account: int, slot: int) -> int:
        """A new nonce for an order or intent."""
        nonce = self._nonces.get((account, slot), 0)
        self._nonces[account, slot] = nonce + 1
        return nonce

    def intent(self, account: int) -> Intent:
        """A fresh intent of an account's owner."""
        return Intent(INTENT_SLOT, self.nonce(account, INTENT_SLOT), TIME_MAX, True)

    def deposit(self, account: int, amount: int) -> Reason | None:
        """Deposit into an account; returned to the depositor where the rules do not credit it."""
        queue: Queue = self.state.get(Queue, 0)
        owner = self.state.get(Account, account).owner
        chain = digest(Tag.QUEUE, (queue.chain, owner), (DEPOSIT_ENTRY, account, amount))
        entry = Deposit(queue.position, chain, account, owner, amount, 0)
        return self.apply(entry)
