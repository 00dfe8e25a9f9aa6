"""The perpetual rule set as the kit uses it: the reference machine behind values of the protocol."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from perp_hash.digest import digest_to_hex, unpack_digest
from perp_reference.conformance.rule_sets import Applied, Unsupported
from perp_reference.conformance.values import (
    OPERATIONS,
    decode_operation,
    decode_state,
    differences,
    encode_state,
    field_at,
    records_of,
)
from perp_reference.core.batch import completed
from perp_reference.core.commitment import Commitment
from perp_reference.core.diff import changes_of
from perp_reference.core.digests import config_digest
from perp_reference.core.explain import Guard, guards_of
from perp_reference.core.machine import RUNNERS
from perp_reference.core.state import RecordKey, State
from perp_reference.core.tree import Hasher
from perp_reference.formats.config import decode_config
from perp_reference.formats.state import KEY_RANGES
from perp_reference.formats.text import Refused
from perp_spec.language import Rejected
from perp_spec.perpetual.config import Config, violations
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.reasons import SENTENCES, Reason
from perp_spec.perpetual.records import Exchange, Ledger
from perp_spec.perpetual.rules.batch import begin_batch
from perp_spec.words import MARKETS_MAX, Unit

ATOMS = 10**6
"""Atoms of one unit of the quote currency."""


class PerpetualSession:
    """A state of the exchange, and its root where somebody asks for it.

    Attributes:
        current: The state.
        trusts_headers: Take the root and the configuration that a header names as right, and compute neither.
    """

    def __init__(self, config: Config, hasher: Hasher | None = None) -> None:
        """Start with no records. `hasher` is the compiled one by default, loaded when the first root is asked for."""
        self.current = State(config)
        self.trusts_headers = False
        self._hasher = hasher
        self._commitment: Commitment | None = None
        self._config_digest: int | None = None
        self._stale: set[RecordKey] = set()

    @property
    def config_digest(self) -> int:
        """The packed digest of the configuration."""
        if self._config_digest is None:
            self._config_digest = config_digest(self.current.config)
        return self._config_digest

    @property
    def config_digest_text(self) -> str:
        """The digest of the configuration."""
        return digest_to_hex(unpack_digest(self.config_digest))

    def load(self, pre: Any) -> None:
        """Take a state."""
        records = decode_state(pre)
        configured = len(self.current.markets)
        for place, record in records.items():
            is_market = KEY_RANGES[place.record] == (MARKETS_MAX,)
            market = place.key if is_market else getattr(record, "market", 0)
            if market >= configured:
                raise Refused(f"a market below {configured}, the number configured", str(market))
        self.take(records)

    def take(self, records: Mapping[RecordKey, Any]) -> None:
        """Take the records of a state."""
        state = self.current
        for kind, table in state.tables.items():
            self._stale.update(
                RecordKey(kind, key) for key, own in table.items() if records.get(RecordKey(kind, key)) != own
            )
            table.clear()
        for place, record in records.items():
            state.tables[place.record][place.key] = record
            self._stale.add(place)
        state.journal = {}

    def apply(self, name: str, arguments: Any) -> Applied:
        """Apply an operation in its JSON form."""
        return self.apply_operation(decode_operation(name, arguments))

    def apply_operation(self, operation: Any) -> Applied:
        """Apply an operation."""
        state = self.current
        try:
            if type(operation) is Header:
                state_after = self.begun(operation)
                for record, after in zip((Exchange, Ledger), state_after, strict=True):
                    state.put(record, 0, after)
            else:
                RUNNERS[type(operation)].run(state, operation)
        except Rejected as rejection:
            state.rollback()
            return Applied(rejection.reason.name, {}, {})
        except BaseException:
            state.rollback()
            raise
        changed = changes_of(state)
        delta: dict[str, Any] = {}
        for place, after in changed.items():
            before = state.journal[place] or state.zeros[place.record]
            delta.update(differences(place, before, after))
        self._stale.update(changed)
        state.commit()
        return Applied(None, delta, {})

    def begun(self, header: Header) -> tuple[Any, ...]:
        """The records after a header."""
        return begin_batch(*self.header_arguments(header))

    def header_arguments(self, header: Header) -> list[Any]:
        """What the rule of a header takes."""
        state = self.current
        own = header.previous_root, header.config_digest
        if not self.trusts_headers:
            own = self.packed_root(), self.config_digest
        return [header, *own, state.parameters, state.get(Exchange, 0), state.get(Ledger, 0)]

    def guards(self, operation: Any) -> list[Guard]:
        """Every guard of an operation, in order, the false ones too."""
        if type(operation) is Header:
            return guards_of(begin_batch, self.header_arguments(operation))
        runner = RUNNERS[type(operation)]
        return guards_of(runner.function, [operation, *runner.load(self.current, operation)])

    def violated(self, name: str, arguments: Any) -> tuple[str, ...]:
        """The reasons of the false guards."""
        found = self.guards(decode_operation(name, arguments))
        return tuple(dict.fromkeys(guard.reason.name for guard in found if not guard.holds))

    def completed(self, operation: Any) -> Any:
        """The operation with what it must state filled in."""
        return completed(self.current, operation)

    def packed_root(self) -> int:
        """The packed root of the state."""
        if self._commitment is None:
            self._commitment = Commitment(self.current, self._hasher or compiled_hasher())
        elif self._stale:
            self._commitment.update(self._stale)
        self._stale = set()
        return self._commitment.root

    def root(self) -> str:
        """The root of the state."""
        return digest_to_hex(unpack_digest(self.packed_root()))

    def state(self) -> dict[str, Any]:
        """The whole state."""
        return encode_state(records_of(self.current))


class PerpetualBook:
    """The perpetual rule set."""

    name = "perpetual"
    operations = tuple(OPERATIONS)
    zero_is_absent = True

    def configure(self, config: Any) -> PerpetualSession:
        """A session with the document of a configuration file."""
        decoded = decode_config(f"{json.dumps(config)}\n".encode(), "config")
        broken = violations(decoded)
        if broken:
            raise Unsupported(str(broken[0]))
        return PerpetualSession(decoded)

    def in_words(self, path: str, value: Any, config: Any) -> str:
        """A value with its unit: money in the quote currency, rates in percent, times in UTC."""
        del config
        described = field_at(path)
        if described is None or type(value) is not str:
            return ""
        number = 0 if described.unit is Unit.DIGEST else int(value)
        match described.unit:
            case Unit.ATOMS:
                return f"{exact(number, ATOMS)} of the quote currency"
            case Unit.PRICE:
                return f"{exact(number, ATOMS)} of the quote currency a lot"
            case Unit.INDEX | Unit.MICRO_ATOMS:
                return f"{exact(number, ATOMS)} atoms{' a lot' if described.unit is Unit.INDEX else ''}"
            case Unit.RATE:
                return f"{exact(number, ATOMS // 100)} %"
            case Unit.TIME:
                return datetime.fromtimestamp(number, UTC).isoformat() if 0 < number < 2**37 else ""
            case Unit.LOTS | Unit.SECONDS:
                return described.unit.value
            case _:
                return ""

    def sentence(self, reason: str) -> str:
        """What a reason means."""
        return SENTENCES[Reason[reason]] if reason in Reason.__members__ else ""

    def page_of(self, operation: str) -> str:
        """The page of a rule."""
        return f"rules/{operation}.md"


@cache
def compiled_hasher() -> Hasher:
    """The compiled hasher; to load it takes seconds, so that only those wait who need it."""
    from perp_reference.kernels.tree import KERNEL_HASHER  # noqa: PLC0415

    return KERNEL_HASHER


def exact(number: int, denominator: int) -> str:
    """A quotient by a power of ten, exactly."""
    return f"{Decimal(number) / Decimal(denominator):,f}"


PERPETUAL_BOOK = PerpetualBook()
