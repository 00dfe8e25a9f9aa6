"""Valid objects of every kind, made from what the fields declare, and files that hold them."""

import random
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest

from perp_hash.digest import pack_digest
from perp_hash.field import MODULUS
from perp_reference.core.state import STATE_RECORDS, RecordKey, State
from perp_reference.formats.batch import OPERATIONS, SignedBatch, encode_batch, encode_draft
from perp_reference.formats.config import encode_config
from perp_reference.formats.signed import Signature, Signed
from perp_reference.formats.state import DiffHeader, encode_diff, encode_state
from perp_reference.signing.authorise import unsigned
from perp_reference.signing.key_ring import KeyRing
from perp_spec.perpetual.config import Config, MarketEntry
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.layout import KEY_RANGES
from perp_spec.perpetual.operations import EndBatch, Header
from perp_spec.perpetual.records import Market, Parameters
from perp_spec.words import Field, Unit


class Samples:
    """Random objects, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def digest(self) -> int:
        return pack_digest([self.random.choice((0, MODULUS - 1, self.random.randrange(MODULUS))) for _ in range(8)])

    def word(self, field: Field) -> Any:
        if field.unit is Unit.FLAG:
            return self.random.random() < 0.5
        if field.unit is Unit.DIGEST:
            return self.digest()
        inside = (value for value in (-1, 1, 12) if field.low <= value <= field.high)
        return self.random.choice((field.low, field.high, self.random.randint(field.low, field.high), *inside))

    def value(self, attribute: Any) -> Any:
        declared = attribute.metadata
        if attribute.name == "authorised":
            return False
        if "nested" in declared:
            return self.record(declared["nested"])
        if "rows" in declared:
            return tuple(self.record(declared["rows"]) for _ in range(declared["count"]))
        field: Field = declared["field"]
        if field.count > 1:
            return tuple(self.word(field) for _ in range(field.count))
        return self.word(field)

    def record(self, kind: type[Any]) -> Any:
        return kind(**{attribute.name: self.value(attribute) for attribute in attrs.fields(kind)})

    def signature(self, shape: Any) -> Any:
        if isinstance(shape, tuple):
            return tuple(self.random.choice((None, self.random.randbytes(64))) for _ in shape)
        return self.random.choice((None, Signature(self.random.randbytes(32), self.random.randbytes(64))))

    def signed(self, kind: type[Any]) -> Signed:
        bare = unsigned(self.record(kind))
        return Signed(bare.operation, tuple(self.signature(shape) for shape in bare.signatures))

    def draft(self, repeat: int = 1) -> SignedBatch:
        kinds = [kind for kind in OPERATIONS.values() if kind is not EndBatch] * repeat
        return SignedBatch(self.record(Header), tuple(self.signed(kind) for kind in kinds))

    def batch(self, repeat: int = 1) -> SignedBatch:
        draft = self.draft(repeat)
        return SignedBatch(draft.header, (*draft.operations, self.signed(EndBatch)))

    def config(self, markets: int = 2) -> Config:
        return KeyRing("samples", self.random.randrange(2**63)).configured(default_config(markets))

    def places(self, each: int = 2) -> list[RecordKey]:
        chosen: list[RecordKey] = []
        for record in STATE_RECORDS:
            highest = 1
            for count in KEY_RANGES[record]:
                highest *= count
            keys = {0, highest - 1, *(self.random.randrange(highest) for _ in range(each))}
            chosen += [RecordKey(record, key) for key in sorted(keys)]
        return chosen

    def state(self, each: int = 2) -> State:
        state = State(self.config())
        for place in self.places(each):
            state.put(place.record, place.key, self.record(place.record))
        state.commit()
        return state

    def changed(self) -> list[tuple[RecordKey, Any]]:
        return [
            (place, place.record() if self.random.random() < 0.3 else self.record(place.record))
            for place in self.places()
        ]

    def batch_text(self) -> bytes:
        return encode_batch(self.batch())

    def draft_text(self) -> bytes:
        return encode_draft(self.draft())

    def config_text(self) -> bytes:
        return encode_config(self.config())

    def state_text(self) -> bytes:
        return encode_state(self.state(), self.random.randrange(2**63), self.digest(), self.digest())

    def diff_text(self) -> bytes:
        return encode_diff(self.record(DiffHeader), self.changed())

    def candles_text(self) -> bytes:
        rows = ["open_time_ms,open,high,low,close,volume"]
        time = 1_621_209_600_000
        for _ in range(30):
            low = self.random.randrange(10_000, 4_000_000)
            inner = [low + self.random.randrange(100_000) for _ in range(2)]
            prices = [inner[0], low + 200_000, low, inner[1]]
            cells = [f"{price // 100}.{price % 100:02d}" for price in prices]
            rows.append(",".join([str(time), *cells, f"{self.random.randrange(10**6)}.{self.random.randrange(10**6)}"]))
            time += 60_000 * self.random.choice((1, 1, 1, 3))
        return "".join(f"{row}\n" for row in rows).encode()


class Strategies:
    """What Hypothesis draws objects from, made from what the fields declare."""

    def word(self, field: Field) -> st.SearchStrategy[Any]:
        if field.unit is Unit.FLAG:
            return st.booleans()
        if field.unit is Unit.DIGEST:
            return st.lists(st.integers(0, MODULUS - 1), min_size=8, max_size=8).map(pack_digest)
        return st.integers(field.low, field.high)

    def value(self, attribute: Any) -> st.SearchStrategy[Any]:
        declared = attribute.metadata
        if attribute.name == "authorised":
            return st.just(False)
        if "nested" in declared:
            return self.record(declared["nested"])
        if "rows" in declared:
            return st.tuples(*[self.record(declared["rows"])] * declared["count"])
        field: Field = declared["field"]
        return self.word(field) if field.count == 1 else st.tuples(*[self.word(field)] * field.count)

    def record(self, kind: type[Any]) -> st.SearchStrategy[Any]:
        return st.builds(kind, **{attribute.name: self.value(attribute) for attribute in attrs.fields(kind)})

    def signature(self, shape: Any) -> st.SearchStrategy[Any]:
        value = st.binary(min_size=64, max_size=64)
        if isinstance(shape, tuple):
            return st.tuples(*[st.none() | value] * len(shape))
        return st.none() | st.builds(Signature, st.binary(min_size=32, max_size=32), value)

    def signed(self, kind: type[Any]) -> st.SearchStrategy[Signed]:
        shapes = unsigned(kind()).signatures
        return st.builds(Signed, self.record(kind), st.tuples(*[self.signature(shape) for shape in shapes]))

    def header(self) -> st.SearchStrategy[Any]:
        return self.record(Header)

    def config(self) -> st.SearchStrategy[Config]:
        key = st.binary(min_size=32, max_size=32).map(bytes.hex)
        names = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=64)
        symbols = st.text("ABCxyz019._-", min_size=1, max_size=16)
        lots = st.sampled_from(("1", "10", "0.1", "0.0001", "25.5", "999999999999", "0.000000000001"))
        entries = st.builds(MarketEntry, symbols, lots, self.record(Market))
        return st.builds(
            Config,
            name=names.filter(str.isprintable),
            parameters=self.record(Parameters),
            markets=st.lists(entries, min_size=1, max_size=3, unique_by=lambda entry: entry.symbol).map(tuple),
            governance_key=key | st.just(""),
            fees_key=key | st.just(""),
            oracle_keys=st.lists(st.lists(key, max_size=8).map(tuple), max_size=4).map(tuple),
        )


@pytest.fixture(scope="session")
def samples() -> type[Samples]:
    return Samples


@pytest.fixture(scope="session")
def strategies() -> Strategies:
    return Strategies()
