"""A state as the memory of the recorded program: records as tuples, what is stored beside the state."""

from typing import Any

from perp_proofs.program.interpreter import Values
from perp_reference.core.encoding import record_values
from perp_reference.core.state import SLOTS_OF, STATE_RECORDS, State
from perp_spec.perpetual.records import Market, Parameters

Key = tuple[int, ...]

CLASSES: dict[str, type[Any]] = {kind.__name__: kind for kind in STATE_RECORDS}

SLOTS = {kind.__name__: slots for kind, slots in SLOTS_OF.items()}


def record_before(state: State, name: str, key: Key) -> Values:
    """The leaves of a record of a state, all zeros where it is absent."""
    place = 0
    for part in key:
        place = place * SLOTS.get(name, 0) + part
    return record_values(state.get(CLASSES[name], place))


class StateMemory:
    """The records of a state, with what has been stored since. The state itself is only read.

    Attributes:
        records: Those that were loaded or stored, as they are now.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.records: dict[tuple[str, Key], Values] = {}

    def load(self, record: str, key: Key) -> Values:
        """A record of the state."""
        found = self.records.get((record, key))
        if found is None:
            found = self.records[record, key] = tuple(map(int, record_before(self.state, record, key)))
        return found

    def store(self, record: str, key: Key, fields: Values) -> None:
        """Store a record of the state."""
        self.records[record, key] = tuple(fields)

    def config(self, record: str, key: Key) -> Values:
        """A record of the configuration, all zeros where the key is not configured."""
        if record == Parameters.__name__:
            return record_values(self.state.parameters)
        (market,) = key
        known = 0 <= market < len(self.state.markets)
        return record_values(self.state.markets[market] if known else NO_MARKET)


NO_MARKET = Market()
