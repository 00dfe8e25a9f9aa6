import json
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perp_reference.core import batch as core_batch
from perp_reference.errors import MalformedInput
from perp_reference.formats.batch import (
    NAMES,
    OPERATIONS,
    STATED,
    SignedBatch,
    decode_batch,
    decode_draft,
    encode_batch,
    encode_draft,
    read_batch,
    read_draft,
)
from perp_reference.formats.codec import Record, members
from perp_reference.formats.signed import Signature, Signed
from perp_reference.formats.text import LONGEST_LINE_BYTES, Refused
from perp_reference.signing.authorise import unsigned
from perp_spec.perpetual.operations import (
    Cancel,
    Deposit,
    EndBatch,
    ForcedReduce,
    FundingTick,
    Header,
    Intent,
    OracleTick,
    Order,
    Report,
    Trade,
)
from perp_spec.words import Unit, fields_of

ZERO = "0" * 64
HEADER = f'{{"format":"perpspec-batch-1","number":"1","time":"7","previous_root":"{ZERO}","config_digest":"{ZERO}"}}'
DRAFT_HEADER = '{"format":"perpspec-draft-1","time":"7"}'
END = '{"op":"end_batch","mode":"0"}'
TICK = '{"op":"funding_tick","market":"3"}'
SMALL_BATCH = SignedBatch(Header(1, 7), (Signed(FundingTick(3)), Signed(EndBatch())))


def text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def message(data: bytes, decode: Any = decode_batch) -> str:
    with pytest.raises(MalformedInput) as caught:
        decode(data, "batch.jsonl")
    return str(caught.value)


def test_a_small_batch_is_this_text() -> None:
    assert encode_batch(SMALL_BATCH) == text(HEADER, TICK, END)
    assert decode_batch(text(HEADER, TICK, END), "f") == SMALL_BATCH


def test_a_signed_operation_is_this_line() -> None:
    signed = Signed(Cancel(5, Intent(1, 2, 3)), (Signature(b"\x01" * 32, b"\x02" * 64),))
    line = (
        '{"op":"cancel","account":"5","intent":{"slot":"1","nonce":"2","expiry":"3","signed":'
        f'{{"key":"{"01" * 32}","value":"{"02" * 64}"}}}}}}'
    )
    batch = SignedBatch(Header(1, 7), (signed, Signed(EndBatch())))
    assert encode_batch(batch) == text(HEADER, line, END)
    assert decode_batch(text(HEADER, line, END), "f") == batch


def test_a_signed_report_is_this_object(samples: Any) -> None:
    report = Report(1, 9, (2, *(0,) * 7), (9, *(0,) * 7))
    nothing = (None,) * 8
    tick = Signed(OracleTick(3, (report, *(Report(),) * 3)), ((b"\x05" * 64, *nothing[1:]), *(nothing,) * 3))
    line = json.loads(encode_batch(SignedBatch(Header(1, 7), (tick, Signed(EndBatch())))).split(b"\n")[1])
    assert list(line) == ["op", "market", "reports"]
    assert line["reports"][0] == {
        "count": "1",
        "median": "9",
        "signers": ["2", *["0"] * 7],
        "values": ["9", *["0"] * 7],
        "signatures": ["05" * 64, *[None] * 7],
    }


@pytest.mark.parametrize("kind", OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation_comes_back_from_its_text(strategies: Any, kind: type[Any]) -> None:
    @settings(max_examples=25)
    @given(strategies.header(), strategies.signed(kind))
    def comes_back(header: Header, signed: Signed) -> None:
        end = () if kind is EndBatch else (Signed(EndBatch()),)
        batch = SignedBatch(header, (signed, *end))
        data = encode_batch(batch)
        assert decode_batch(data, "f") == batch
        assert encode_batch(decode_batch(data, "f")) == data
        if kind is not EndBatch:
            draft = SignedBatch(header, (signed,))
            assert decode_draft(encode_draft(draft), "f") == draft

    comes_back()


def plain_fields() -> list[Any]:
    return [
        pytest.param(kind, name, id=f"{kind.__name__}.{name}")
        for kind in (Header, Order, Intent, Report, *OPERATIONS.values())
        for name, field in fields_of(kind).items()
        if field.unit not in (Unit.FLAG, Unit.DIGEST)
    ]


@pytest.mark.parametrize(("kind", "name"), plain_fields())
def test_a_field_takes_its_range_and_nothing_else(kind: type[Any], name: str) -> None:
    field = fields_of(kind)[name]
    codec = next(member.codec for member in members(kind) if member.name == name)
    many = field.count > 1

    def wrapped(value: Any) -> Any:
        return [value] * field.count if many else value

    for inside in (field.low, field.high):
        decoded = codec.decode(wrapped(str(inside)), deque())
        assert decoded == ((inside,) * field.count if many else inside)
    for outside in (field.low - 1, field.high + 1):
        with pytest.raises(Refused) as caught:
            codec.decode(wrapped(str(outside)), deque())
        assert caught.value.expected == f"a decimal string from {field.low} to {field.high}"
        assert caught.value.got == f'"{outside}"'
        with pytest.raises(ValueError, match="not an integer from"):
            codec.encode((outside,) * field.count if many else outside, deque())


@pytest.mark.parametrize(
    "line",
    [
        '{"market":"3","op":"funding_tick"}',
        ' { "op" : "funding_tick" , "market" : "3" } ',
        '{"op":"funding\\u005ftick","m\\u0061rket":"\\u0033"}',
    ],
)
def test_order_of_members_white_space_and_escapes_do_not_matter(line: str) -> None:
    assert decode_batch(text(HEADER, line, END), "f") == SMALL_BATCH


def test_what_a_draft_leaves_out_is_zero() -> None:
    draft = text(
        DRAFT_HEADER,
        f'{{"op":"deposit","account":"2","key":"{ZERO}","amount":"5"}}',
        '{"op":"forced_withdraw","account":"2"}',
        '{"op":"escape_pay","account":"2"}',
    )
    decoded = decode_draft(draft, "f")
    assert decoded.header == Header(time=7)
    assert [signed.operation for signed in decoded.operations] == [
        Deposit(account=2, amount=5),
        OPERATIONS["forced_withdraw"](account=2),
        OPERATIONS["escape_pay"](account=2),
    ]


def test_a_draft_may_hold_no_operation() -> None:
    assert decode_draft(text(DRAFT_HEADER), "f") == SignedBatch(Header(time=7), ())


def test_a_draft_leaves_out_what_the_builder_of_batches_completes() -> None:
    completed = {kind: set(fields.values()) for kind, fields in core_batch.STATED.items() if kind is not EndBatch}
    assert {kind: set(names) for kind, names in STATED.items() if kind is not Header} == completed


def test_every_rule_has_an_operation_in_a_file() -> None:
    assert len(OPERATIONS) == len(NAMES)
    assert {name.replace("_", "") for name in OPERATIONS} == {kind.__name__.lower() for kind in NAMES}


TRADE = json.loads(encode_draft(SignedBatch(Header(), (unsigned(Trade()),))).split(b"\n")[1])


def trade_line(**changes: Any) -> str:
    return json.dumps({**TRADE, **changes}, ensure_ascii=False)


def trade_line_with_buyer(**changes: Any) -> str:
    return trade_line(buyer={**TRADE["buyer"], **changes})


ANY_WORD = f"a decimal string from {-(2**63) + 1} to {2**63 - 1}"
MESSAGES = {
    "nothing": (b"", "batch.jsonl:1: expected a first line, got an empty file"),
    "mark": (
        b"\xef\xbb\xbf" + text(HEADER, END),
        "batch.jsonl:1: expected UTF-8 without a byte order mark, got a byte order mark",
    ),
    "cut": (
        text(HEADER, END)[:-1],
        "batch.jsonl:2: expected a line feed after the last line, got the end of the file",
    ),
    "carriage return": (
        text(HEADER + "\r", END),
        f"batch.jsonl:1: expected no control character but the line feed, got byte 0x0d at byte {len(HEADER) + 1}",
    ),
    "zero byte": (
        text(HEADER, '{"op":\0'),
        "batch.jsonl:2: expected no control character but the line feed, got byte 0x00 at byte 7",
    ),
    "no UTF-8": (text(HEADER) + b'{"op\xff":\n', "batch.jsonl:2: expected UTF-8, got byte 0xff at byte 5"),
    "long line": (
        text(HEADER, " " * (LONGEST_LINE_BYTES + 1)),
        "batch.jsonl:2: expected a line of at most 16384 bytes, got 16385 bytes",
    ),
    "blank line": (
        text(HEADER, "", END),
        "batch.jsonl:2: expected one JSON object, got the end of the line at column 1",
    ),
    "no JSON": (
        text(HEADER, "trade 5 lots"),
        "batch.jsonl:2: expected one JSON object, got 'trade 5 lots' at column 1",
    ),
    "two objects": (
        text(HEADER, TICK + TICK),
        'batch.jsonl:2: expected one JSON object, got \'{"op":"funding_tick"\' at column 35',
    ),
    "array": (text(HEADER, f"[{TICK}]"), "batch.jsonl:2: expected one JSON object, got an array of 1"),
    "nesting": (
        text(HEADER, '{"op":' + "[" * 1000),
        "batch.jsonl:2: expected at most 512 arrays and objects, got 1001",
    ),
    "other format": (
        text(HEADER.replace("batch-1", "batch-2"), END),
        'batch.jsonl:1: field format: expected "perpspec-batch-1", got "perpspec-batch-2"',
    ),
    "draft for a batch": (
        text(DRAFT_HEADER),
        'batch.jsonl:1: field format: expected "perpspec-batch-1", got "perpspec-draft-1"',
    ),
    "header lost": (text(TICK, END), 'batch.jsonl:1: field format: expected "perpspec-batch-1", got no such member'),
    "root lost": (
        text(HEADER.replace(f'"previous_root":"{ZERO}",', ""), END),
        (
            "batch.jsonl:1: field previous_root: expected the 64 lower-case hexadecimal digits of a digest, "
            "got no such member"
        ),
    ),
    "root not below the prime": (
        text(HEADER.replace(f'"{ZERO}"', f'"0100007f{"0" * 56}"', 1), END),
        (
            "batch.jsonl:1: field previous_root: expected the 64 lower-case hexadecimal digits of a digest, "
            f'got "0100007f{"0" * 56}"'
        ),
    ),
    "unknown operation": (
        text(HEADER, '{"op":"gift"}', END),
        'batch.jsonl:2: field op: expected the name of an operation, got "gift"',
    ),
    "no operation": (
        text(HEADER, "{}", END),
        "batch.jsonl:2: field op: expected the name of an operation, got no such member",
    ),
    "number": (
        text(HEADER, trade_line(lots=5), END),
        f"batch.jsonl:2: field lots: expected {ANY_WORD}, got the number 5",
    ),
    "not a number": (
        text(HEADER, trade_line(lots=float("nan")), END),
        f"batch.jsonl:2: field lots: expected {ANY_WORD}, got the number NaN",
    ),
    "true for an integer": (
        text(HEADER, trade_line(lots=True), END),
        f"batch.jsonl:2: field lots: expected {ANY_WORD}, got true",
    ),
    "leading zero": (
        text(HEADER, trade_line(lots="007"), END),
        'batch.jsonl:2: field lots: expected a decimal string without plus sign, spaces or leading zeros, got "007"',
    ),
    "other digits": (
        text(HEADER, trade_line(lots="٣"), END),
        'batch.jsonl:2: field lots: expected a decimal string without plus sign, spaces or leading zeros, got "٣"',
    ),
    "no word": (
        text(HEADER, trade_line(lots=str(2**63)), END),
        f'batch.jsonl:2: field lots: expected {ANY_WORD}, got "9223372036854775808"',
    ),
    "out of range": (
        text(HEADER, trade_line_with_buyer(market="64"), END),
        'batch.jsonl:2: field buyer.market: expected a decimal string from 0 to 63, got "64"',
    ),
    "string for a flag": (
        text(HEADER, trade_line_with_buyer(buys="true"), END),
        'batch.jsonl:2: field buyer.buys: expected true or false, got "true"',
    ),
    "flag in a file": (
        text(HEADER, trade_line_with_buyer(authorised=True), END),
        "batch.jsonl:2: field buyer.authorised: expected no member of this name, got true",
    ),
    "member lost": (
        text(HEADER, trade_line(buyer={}), END),
        "batch.jsonl:2: field buyer.account: expected a decimal string from 0 to 1048575, got no such member",
    ),
    "member twice": (
        text(HEADER, '{"op":"funding_tick","market":"3","market":"3"}', END),
        "batch.jsonl:2: field market: expected each member once, got it twice",
    ),
    "half a surrogate": (
        text(HEADER, '{"op":"funding_tick","market":"3","\\ud800":"3"}', END),
        'batch.jsonl:2: field \\ud800: expected no member of this name, got "3"',
    ),
    "short signature": (
        text(HEADER, trade_line_with_buyer(signed={"key": "00" * 32, "value": "00"}), END),
        'batch.jsonl:2: field buyer.signed.value: expected 128 lower-case hexadecimal digits, got "00"',
    ),
    "no end": (
        text(HEADER, TICK),
        "batch.jsonl:3: expected end_batch as the last operation, got the end of the file",
    ),
    "after the end": (text(HEADER, END, TICK), "batch.jsonl:3: expected nothing after end_batch, got a further line"),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_the_message_for(case: str) -> None:
    data, expected = MESSAGES[case]
    assert message(data) == expected


def test_the_message_for_a_place_in_an_array() -> None:
    tick = json.loads(encode_draft(SignedBatch(Header(), (unsigned(OracleTick()),))).split(b"\n")[1])
    tick["reports"][2]["values"][7] = "-"
    assert message(text(HEADER, json.dumps(tick), END)) == (
        "batch.jsonl:2: field reports[2].values[7]: "
        'expected a decimal string without plus sign, spaces or leading zeros, got "-"'
    )
    tick["reports"].pop()
    assert message(text(HEADER, json.dumps(tick), END)) == (
        "batch.jsonl:2: field reports: expected an array of 4, got an array of 3"
    )


def test_a_draft_holds_no_end() -> None:
    assert message(text(DRAFT_HEADER, END), decode_draft) == (
        "batch.jsonl:2: field op: expected an operation of a draft, which ends without end_batch: that is the "
        'builder\'s, got "end_batch"'
    )


def test_a_file_holds_at_most_so_many_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perp_reference.formats.batch.MOST_OPERATIONS", 3)
    most = text(DRAFT_HEADER, *[TICK] * 3)
    assert len(decode_draft(most, "f").operations) == 3
    assert (
        message(most + text(TICK), decode_draft) == "batch.jsonl:5: expected at most 3 operations, got a further line"
    )
    with pytest.raises(ValueError, match="more than 3 operations"):
        encode_draft(SignedBatch(Header(), (Signed(FundingTick()),) * 4))


@pytest.mark.parametrize(
    ("operations", "said"),
    [
        ((), "a batch has one EndBatch"),
        ((Signed(EndBatch()), Signed(EndBatch())), "a batch has one EndBatch"),
        ((Signed(EndBatch()), Signed(FundingTick())), "a batch ends with its EndBatch"),
        ((Signed(Trade()), Signed(EndBatch())), "fewer signatures than signed parts"),
        ((Signed(FundingTick(), (None,)), Signed(EndBatch())), "more signatures than signed parts"),
        ((Signed(FundingTick(64)), Signed(EndBatch())), "not an integer from 0 to 63: 64"),
    ],
)
def test_what_no_file_can_hold_is_not_written(operations: tuple[Signed, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        encode_batch(SignedBatch(Header(), operations))


def test_a_draft_with_an_end_is_not_written() -> None:
    with pytest.raises(ValueError, match="a draft has no EndBatch"):
        encode_draft(SMALL_BATCH)


def test_files_are_read_whole(tmp_path: Path, samples: Any) -> None:
    batch, draft = samples(1).batch(), samples(2).draft()
    (tmp_path / "batch.jsonl").write_bytes(encode_batch(batch))
    (tmp_path / "draft.jsonl").write_bytes(encode_draft(draft))
    assert read_batch(tmp_path / "batch.jsonl") == batch
    assert read_draft(tmp_path / "draft.jsonl") == draft


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput) as caught:
        read_batch(tmp_path / "absent")
    assert (
        str(caught.value) == f"{tmp_path / 'absent'}: expected a file that can be read, got No such file or directory"
    )
    with pytest.raises(MalformedInput) as caught:
        read_batch(tmp_path)
    assert str(caught.value) == f"{tmp_path}: expected a file that can be read, got Is a directory"


def test_the_longest_line_an_encoder_writes_is_below_half_the_limit() -> None:
    lowest = Report(8, -(2**63) + 1, (7,) * 8, (-(2**63) + 1,) * 8)
    tick = Signed(OracleTick(63, (lowest,) * 4), ((b"\xff" * 64,) * 8,) * 4)
    assert len(encode_draft_line(tick)) < LONGEST_LINE_BYTES // 2


def encode_draft_line(signed: Signed) -> bytes:
    return encode_draft(SignedBatch(Header(), (signed,))).split(b"\n")[1]


@given(st.text())
def test_no_text_for_a_word_raises_anything_else(value: str) -> None:
    line = json.dumps({"op": "funding_tick", "market": value})
    data = text(HEADER, line, END)
    if value.isascii() and value.isdigit() and str(int(value or 0)) == value and int(value) < 64:
        assert decode_batch(data, "f").operations[0].operation == FundingTick(int(value))
    else:
        assert message(data).startswith("batch.jsonl:2: field market: expected a decimal string ")


def test_records_are_made_of_members_only() -> None:
    assert isinstance(ForcedReduce().order, Order)
    assert [member.name for member in members(Order)][-1] == "signed"
    assert Record(Intent, members(Intent)).encode(Intent(1, 2, 3), deque([None])) == {
        "slot": "1",
        "nonce": "2",
        "expiry": "3",
        "signed": None,
    }
