import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perp_reference.core.state import SLOTS_OF, STATE_RECORDS, RecordKey, State, genesis
from perp_reference.errors import MalformedInput
from perp_reference.formats.state import (
    DiffFile,
    DiffHeader,
    StateFile,
    StateHeader,
    decode_diff,
    decode_state,
    encode_diff,
    encode_state,
    read_diff,
    read_state,
    state_of,
)
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.layout import KEY_RANGES
from perp_spec.perpetual.records import Account, Exchange, Ledger, MarketPrice, OrderSlot, Position, Queue

ZERO = "0" * 64


def header(records: int, form: str = "state", number: int = 0) -> str:
    roots = f'"previous_root":"{ZERO}",' if form == "diff" else ""
    return (
        f'{{"format":"perpspec-{form}-1","number":"{number}",{roots}"root":"{ZERO}","config_digest":"{ZERO}",'
        f'"records":"{records}"}}'
    )


def queue(position: int) -> str:
    return f'{{"record":"queue","key":[],"position":"{position}","chain":"{ZERO}"}}'


def order_slot(account: int, slot: int, nonce: int = 1) -> str:
    return f'{{"record":"order_slot","key":["{account}","{slot}"],"nonce":"{nonce}","filled":"0"}}'


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def message(data: bytes, decode: Any = decode_state) -> str:
    with pytest.raises(MalformedInput) as caught:
        decode(data, "state.jsonl")
    return str(caught.value)


def test_a_small_state_is_this_text() -> None:
    state = State(default_config(1))
    state.put(OrderSlot, 3 * 4096 + 5, OrderSlot(nonce=1))
    state.put(Queue, 0, Queue(position=2))
    data = text(header(2), queue(2), order_slot(3, 5))
    assert encode_state(state, 0, 0, 0) == data
    records = ((RecordKey(Queue, 0), Queue(position=2)), (RecordKey(OrderSlot, 12_293), OrderSlot(nonce=1)))
    assert decode_state(data, "f") == StateFile(StateHeader(records=2), records)


def test_a_small_difference_is_this_text() -> None:
    changed = {RecordKey(OrderSlot, 12_293): OrderSlot(), RecordKey(Queue, 0): Queue(position=2)}
    data = text(header(2, "diff", 7), queue(2), order_slot(3, 5, nonce=0))
    assert encode_diff(DiffHeader(number=7), changed.items()) == data
    records = ((RecordKey(Queue, 0), Queue(position=2)), (RecordKey(OrderSlot, 12_293), OrderSlot()))
    assert decode_diff(data, "f") == DiffFile(DiffHeader(number=7, records=2), records)


@pytest.mark.parametrize("record", STATE_RECORDS, ids=lambda record: record.__name__)
def test_every_record_comes_back_from_its_text(strategies: Any, record: type[Any]) -> None:
    highest = 1
    for count in KEY_RANGES[record]:
        highest *= count

    @settings(max_examples=25)
    @given(strategies.record(record), st.integers(0, highest - 1))
    def comes_back(value: Any, key: int) -> None:
        place = RecordKey(record, key)
        data = encode_diff(DiffHeader(), [(place, value)])
        assert decode_diff(data, "f") == DiffFile(DiffHeader(records=1), ((place, value),))
        state = State(default_config(1))
        state.put(record, key, value)
        data = encode_state(state, 1, 2, 3)
        kept = () if value == record() else ((place, value),)
        assert decode_state(data, "f") == StateFile(StateHeader(1, 2, 3, len(kept)), kept)

    comes_back()


def test_keys_have_the_parts_that_the_state_joins() -> None:
    assert set(KEY_RANGES) == set(STATE_RECORDS)
    assert {record: ranges[1] for record, ranges in KEY_RANGES.items() if len(ranges) == 2} == SLOTS_OF


def test_a_whole_state_comes_back(samples: Any) -> None:
    state = samples(5).state(each=20)
    data = encode_state(state, 8, 9, 10)
    decoded = decode_state(data, "f")
    again = State(state.config)
    for place, record in decoded.records:
        again.put(place.record, place.key, record)
    assert again.tables == state.tables
    assert encode_state(again, 8, 9, 10) == data


def test_the_state_of_a_file_is_the_state_that_was_written() -> None:
    config = default_config(2)
    state = genesis(config, fees_owner=5)
    state.put(Exchange, 0, Exchange(number=4))
    state.put(Account, 2, Account(kind=1, owner=6, slots=1))
    state.put(Position, 32, Position(market=1, size=3))
    state.put(MarketPrice, 1, MarketPrice(price=7))
    state.commit()
    restored = state_of(decode_state(encode_state(state, 4, 0, 0), "f"), config, "f")
    assert restored.tables == state.tables
    assert restored.journal == {}


@pytest.mark.parametrize(
    ("record", "key", "value", "line"),
    [(MarketPrice, 2, MarketPrice(price=1), 2), (Position, 0, Position(market=2, size=1), 2)],
)
def test_a_state_of_a_market_that_is_not_configured_is_refused(
    record: type[Any], key: int, value: Any, line: int
) -> None:
    config = default_config(2)
    state = State(config)
    state.put(record, key, value)
    decoded = decode_state(encode_state(state, 0, 0, 0), "f")
    with pytest.raises(MalformedInput) as caught:
        state_of(decoded, config, "state.jsonl")
    assert str(caught.value) == (f"state.jsonl:{line}: expected a market below 2, the number configured, got 2")


def test_a_state_of_another_batch_than_it_says_is_refused() -> None:
    config = default_config(2)
    decoded = decode_state(encode_state(genesis(config), 4, 0, 0), "f")
    with pytest.raises(MalformedInput) as caught:
        state_of(decoded, config, "state.jsonl")
    assert str(caught.value) == ('state.jsonl:1: field number: expected "0", as in the record of the exchange, got "4"')


MESSAGES = {
    "cut at a line": (
        text(header(2), queue(2)),
        'state.jsonl:1: field records: expected the 1 that follow, got "2"',
    ),
    "a line too many": (
        text(header(1), queue(2), order_slot(0, 0)),
        'state.jsonl:1: field records: expected the 2 that follow, got "1"',
    ),
    "order of records": (
        text(header(2), order_slot(0, 0), queue(2)),
        "state.jsonl:3: expected records in order, each once, got one that belongs further up",
    ),
    "order of keys": (
        text(header(2), order_slot(3, 5), order_slot(2, 7)),
        "state.jsonl:3: expected records in order, each once, got one that belongs further up",
    ),
    "record twice": (
        text(header(2), queue(2), queue(2)),
        "state.jsonl:3: expected records in order, each once, got one that belongs further up",
    ),
    "zeros": (
        text(header(1), queue(0)),
        "state.jsonl:2: expected a record that is not all zeros, got zeros",
    ),
    "unknown record": (
        text(header(1), '{"record":"wallet","key":[]}'),
        'state.jsonl:2: field record: expected the name of a record, got "wallet"',
    ),
    "no record": (
        text(header(1), "{}"),
        "state.jsonl:2: field record: expected the name of a record, got no such member",
    ),
    "key too short": (
        text(header(1), order_slot(1, 2).replace('"1","2"', '"1"')),
        "state.jsonl:2: field key: expected an array of 2, got an array of 1",
    ),
    "slot too high": (
        text(header(1), order_slot(1, 4096)),
        'state.jsonl:2: field key[1]: expected a decimal string from 0 to 4095, got "4096"',
    ),
    "difference for a state": (
        text(header(1, "diff"), queue(1)),
        'state.jsonl:1: field format: expected "perpspec-state-1", got "perpspec-diff-1"',
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_the_message_for(case: str) -> None:
    data, expected = MESSAGES[case]
    assert message(data) == expected


def test_a_difference_keeps_zeros_and_its_order() -> None:
    assert decode_diff(text(header(1, "diff"), queue(0)), "f").records == ((RecordKey(Queue, 0), Queue()),)
    assert message(text(header(2, "diff"), queue(0), queue(0)), decode_diff) == (
        "state.jsonl:3: expected records in order, each once, got one that belongs further up"
    )


def test_a_vector_is_an_array(samples: Any) -> None:
    record = samples(1).record(STATE_RECORDS[4])
    line = json.loads(encode_diff(DiffHeader(), [(RecordKey(STATE_RECORDS[4], 1), record)]).split(b"\n")[1])
    assert line["values"] == [str(value) for value in record.values]
    assert list(line) == ["record", "key", *(attribute.name for attribute in attrs.fields(STATE_RECORDS[4]))]


def test_what_no_file_can_hold_is_not_written() -> None:
    with pytest.raises(ValueError, match="not an integer from 0 to 999999: 1000000"):
        encode_diff(DiffHeader(), [(RecordKey(Ledger, 0), Ledger(dust=1_000_000))])


def test_files_are_read_whole(tmp_path: Path, samples: Any) -> None:
    state, diff = samples(1).state_text(), samples(2).diff_text()
    (tmp_path / "state.jsonl").write_bytes(state)
    (tmp_path / "diff.jsonl").write_bytes(diff)
    assert read_state(tmp_path / "state.jsonl") == decode_state(state, "f")
    assert read_diff(tmp_path / "diff.jsonl") == decode_diff(diff, "f")
