"""What every operation of a batch finds in the state: the integer machine runs, and each change is noted."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from perp_proofs.program.interpreter import Refused
from perp_proofs.stark.fill.memory import SLOTS, Key, record_before
from perp_reference.core.encoding import record_values
from perp_reference.core.machine import Machine
from perp_reference.core.state import State
from perp_spec.language import Rejected
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.records import Exchange, Ledger
from perp_spec.perpetual.rules.batch import begin_batch

Fields = tuple[int, ...]
Place = tuple[str, Key]


@dataclass
class Versions:
    """A record through a batch: before it, and after each operation that stored it; numbers from 0, the beginning."""

    fields: list[Fields]
    numbers: list[int] = field(default_factory=list[int])

    def found(self, number: int) -> Fields:
        """What an operation finds."""
        return self.fields[bisect_left(self.numbers, number)]


class History:
    """The records of a state through a batch. The state itself is only read."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.places: dict[Place, Versions] = {}

    def versions(self, record: str, key: Key) -> Versions:
        """A record through the batch."""
        found = self.places.get((record, key))
        if found is None:
            found = Versions([tuple(map(int, record_before(self.state, record, key)))])
            self.places[record, key] = found
        return found

    def note(self, after: State, number: int) -> None:
        """Note what an operation has stored, by the journal of a state, which is cleared."""
        for kind, key in after.journal:
            name = kind.__name__
            slots = SLOTS.get(name)
            versions = self.versions(name, divmod(key, slots) if slots else (key,) if keyed(name) else ())
            versions.fields.append(tuple(map(int, record_values(after.get(kind, key)))))
            versions.numbers.append(number)
        after.journal = {}

    def found(self, record: str, key: Key, number: int) -> Fields:
        """What an operation finds."""
        return self.versions(record, key).found(number)

    def left(self, record: str, key: Key) -> Fields:
        """What the batch leaves."""
        return self.versions(record, key).fields[-1]


SINGLE = frozenset({"Exchange", "Ledger", "Queue"})


def keyed(record: str) -> bool:
    """There are several records of the class."""
    return record not in SINGLE


def history(state: State, header: Header, root: int, config: int, operations: Sequence[Any]) -> History:
    """Run a batch on a copy of a state.

    Raises:
        Refused: A guard is false.
    """
    made, after = History(state), state.copy()
    machine = Machine(after)
    try:
        records = after.get(Exchange, 0), after.get(Ledger, 0)
        exchange, ledger = begin_batch(header, root, config, after.parameters, *records)
        after.put(Exchange, 0, exchange)
        after.put(Ledger, 0, ledger)
        made.note(after, 0)
        for number, operation in enumerate(operations, 1):
            machine.apply(operation)
            made.note(after, number)
    except Rejected as rejected:
        raise Refused(int(rejected.reason)) from None
    return made
