"""Batch files and drafts of batches: a header line, then one operation a line."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from perp_reference.errors import MalformedInput
from perp_reference.formats.codec import Constant, Member, Record, members, record_named
from perp_reference.formats.signed import Signed
from perp_reference.formats.text import Refused, compact, lines_of, malformed, parse_object, read_file
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.operations import (
    Deposit,
    EndBatch,
    EscapePay,
    ForcedReduce,
    ForcedWithdraw,
    Header,
    RequestForced,
)

BATCH_FORMAT = "perpspec-batch-1"
DRAFT_FORMAT = "perpspec-draft-1"

MOST_OPERATIONS = 2**16
"""Operations a file may hold."""

assert rules.__all__, "importing the rules registers them"

STATED: dict[type[Any], frozenset[str]] = {
    Header: frozenset({"number", "previous_root", "config_digest"}),
    Deposit: frozenset({"position", "chain", "result"}),
    RequestForced: frozenset({"position", "chain", "result"}),
    ForcedWithdraw: frozenset({"result"}),
    ForcedReduce: frozenset({"result"}),
    EscapePay: frozenset({"amount"}),
}
"""What follows from the state and the rules: a draft may leave it to the builder."""


def operation_record(name: str, kind: type[Any], omittable: frozenset[str]) -> Record:
    """The codec of an operation: its name in the member `op`, then its fields."""
    return Record(kind, (Member("op", Constant(name)), *members(kind)), omittable)


def header_record(format_name: str, omittable: frozenset[str]) -> Record:
    """The codec of a header: the format in the member `format`, then its fields."""
    return Record(Header, (Member("format", Constant(format_name)), *members(Header)), omittable)


OPERATIONS: dict[str, type[Any]] = {name: rule.operation for name, rule in PERPETUAL.rules.items()}
"""The operations by the name of their rule."""

NAMES: dict[type[Any], str] = {kind: name for name, kind in OPERATIONS.items()}

NOTHING: frozenset[str] = frozenset()


@frozen
class BatchFormat:
    """The two formats with operations, batches and drafts."""

    name: str
    header: Record
    operations: dict[str, Record]


BATCH = BatchFormat(
    BATCH_FORMAT,
    header_record(BATCH_FORMAT, NOTHING),
    {name: operation_record(name, kind, NOTHING) for name, kind in OPERATIONS.items()},
)

DRAFT = BatchFormat(
    DRAFT_FORMAT,
    header_record(DRAFT_FORMAT, STATED[Header]),
    {
        name: operation_record(name, kind, STATED.get(kind, NOTHING))
        for name, kind in OPERATIONS.items()
        if kind is not EndBatch
    },
)


@frozen
class SignedBatch:
    """A batch or a draft as it came in.

    In a batch the last operation is the one `EndBatch`; in a draft there is none, and what it leaves out is zero.
    """

    header: Header
    operations: tuple[Signed, ...]


def decode_batch(data: bytes, file: str) -> SignedBatch:
    """The batch that a batch file holds.

    Raises:
        MalformedInput: The file breaks the format.
    """
    return decode(BATCH, data, file)


def decode_draft(data: bytes, file: str) -> SignedBatch:
    """The draft that a draft file holds; what it leaves out is zero.

    Raises:
        MalformedInput: The file breaks the format.
    """
    return decode(DRAFT, data, file)


def read_batch(path: Path) -> SignedBatch:
    """The batch in a file.

    Raises:
        MalformedInput: The file cannot be read or breaks the format.
    """
    return decode_batch(read_file(path), str(path))


def read_draft(path: Path) -> SignedBatch:
    """The draft in a file.

    Raises:
        MalformedInput: The file cannot be read or breaks the format.
    """
    return decode_draft(read_file(path), str(path))


def encode_batch(batch: SignedBatch) -> bytes:
    """The canonical text of a batch file.

    Raises:
        ValueError: The batch holds what no batch file can: a value out of its range, too many operations, an
            `EndBatch` that is missing or not last.
    """
    if [type(signed.operation) for signed in batch.operations].count(EndBatch) != 1:
        raise ValueError("a batch has one EndBatch")
    if type(batch.operations[-1].operation) is not EndBatch:
        raise ValueError("a batch ends with its EndBatch")
    return encode(BATCH, batch)


def encode_draft(draft: SignedBatch) -> bytes:
    """The canonical text of a draft file, with nothing left out.

    Raises:
        ValueError: The draft holds what no draft file can: a value out of its range, too many operations, an
            `EndBatch`.
    """
    if any(type(signed.operation) is EndBatch for signed in draft.operations):
        raise ValueError("a draft has no EndBatch")
    return encode(DRAFT, draft)


def encode(form: BatchFormat, batch: SignedBatch) -> bytes:
    """The canonical text of a batch or draft file."""
    if len(batch.operations) > MOST_OPERATIONS:
        raise ValueError(f"more than {MOST_OPERATIONS} operations")
    lines = [compact(form.header.encode(batch.header, deque()))]
    lines += [compact(encoded_operation(form, signed)) for signed in batch.operations]
    return "".join(f"{line}\n" for line in lines).encode()


def encoded_operation(form: BatchFormat, signed: Signed) -> dict[str, Any]:
    """The JSON object of an operation.

    Raises:
        ValueError: A value is out of its range, or the signatures are not one for each signed part.
    """
    waiting = deque(signed.signatures)
    encoded = form.operations[NAMES[type(signed.operation)]].encode(signed.operation, waiting)
    if waiting:
        raise ValueError("more signatures than signed parts")
    return encoded


def decode(form: BatchFormat, data: bytes, file: str) -> SignedBatch:
    """The batch that a file of one of the two formats holds.

    Raises:
        MalformedInput: The file breaks the format.
    """
    lines = lines_of(data, file)
    header = decoded_header(form, lines, file)
    operations: list[Signed] = []
    number, ended = 1, False
    for number, text in lines:
        if ended:
            raise MalformedInput(file, number, None, "nothing after end_batch", "a further line")
        if number > MOST_OPERATIONS + 1:
            raise MalformedInput(file, number, None, f"at most {MOST_OPERATIONS} operations", "a further line")
        signed = decoded_line(form, text, file, number)
        operations.append(signed)
        ended = type(signed.operation) is EndBatch
    if form is BATCH and not ended:
        raise MalformedInput(file, number + 1, None, "end_batch as the last operation", "the end of the file")
    return SignedBatch(header, tuple(operations))


def decoded_header(form: BatchFormat, lines: Iterator[tuple[int, str]], file: str) -> Header:
    """The header in the first line.

    Raises:
        MalformedInput: It breaks the format.
    """
    number, text = next(lines)
    try:
        return form.header.decode(parse_object(text, file, number), deque())
    except Refused as refused:
        raise malformed(file, number, refused) from None


def decoded_line(form: BatchFormat, text: str, file: str, number: int) -> Signed:
    """The operation in a line.

    Raises:
        MalformedInput: It breaks the format.
    """
    value = parse_object(text, file, number)
    signatures: deque[Any] = deque()
    if form is DRAFT and value.get("op") == NAMES[EndBatch]:
        expected = "an operation of a draft, which ends without end_batch: that is the builder's"
        raise MalformedInput(file, number, "op", expected, f'"{NAMES[EndBatch]}"')
    try:
        record = record_named(value, "op", form.operations, "the name of an operation")
        operation = record.decode(value, signatures)
    except Refused as refused:
        raise malformed(file, number, refused) from None
    return Signed(operation, tuple(signatures))
