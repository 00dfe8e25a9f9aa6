"""The statement: one form, and what it adds to the buses."""

from dataclasses import replace

import pytest

from perp_hash.digest import DIGEST_BYTES
from perp_hash.field import MODULUS
from perp_proofs.air.buses import CHAIN, CONFIG, HEADER, STATE, arities
from perp_proofs.air.statement import (
    MAGIC,
    MalformedStatement,
    Statement,
    public_fractions,
    statement_bytes,
    statement_from_bytes,
)
from perp_proofs.program.listing import Program


def digest(first: int) -> tuple[int, ...]:
    return tuple(range(first, first + 8))


STATEMENT = Statement("suite.v1", digest(0), digest(10), digest(20), digest(30), digest(40), 7, 2**62, 1_700_000_000)


def test_bytes_are_read_back() -> None:
    assert statement_from_bytes(statement_bytes(STATEMENT)) == STATEMENT


def test_the_bytes_are_these() -> None:
    expected = MAGIC + b"\x08suite.v1"
    for first in (0, 10, 20, 30, 40):
        expected += b"".join(lane.to_bytes(4, "little") for lane in digest(first))
    for number in (7, 2**62, 1_700_000_000):
        expected += number.to_bytes(8, "little")
    assert statement_bytes(STATEMENT) == expected


def test_every_other_length_is_refused() -> None:
    data = statement_bytes(STATEMENT)
    for wrong in (*(data[:end] for end in range(len(data))), data + b"\0"):
        with pytest.raises(MalformedStatement):
            statement_from_bytes(wrong)


def test_a_digest_that_is_not_canonical_is_refused() -> None:
    data = bytearray(statement_bytes(STATEMENT))
    at = len(MAGIC) + 9 + DIGEST_BYTES
    data[at : at + 4] = MODULUS.to_bytes(4, "little")
    with pytest.raises(MalformedStatement):
        statement_from_bytes(bytes(data))


@pytest.mark.parametrize(
    "change",
    [
        {"suite": ""},
        {"suite": "s" * 256},
        {"suite": "sü"},
        {"suite": "suite\n"},
        {"count": -1},
        {"count": 1_000_001},
        {"number": 2**63},
        {"time": True},
        {"new_root": digest(MODULUS - 7)},
        {"new_root": digest(0)[:7]},
    ],
    ids=str,
)
def test_parts_out_of_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(MalformedStatement):
        replace(STATEMENT, **change)


def test_each_part_reaches_a_bus(program: Program) -> None:
    fractions = public_fractions(program, STATEMENT)
    assert [(one.tag, one.numerator, len(one.entries)) for one in fractions] == [
        (HEADER, 1, 42),
        (STATE, -1, 16),
        (CONFIG, -1, 8),
        (CHAIN, 1, 10),
        (CHAIN, -1, 10),
    ]
    assert {one.tag: len(one.entries) for one in fractions}.items() <= arities(program).items()
    for change in ("config_digest", "previous_root", "new_root", "operations_digest"):
        assert public_fractions(program, replace(STATEMENT, **{change: digest(50)})) != fractions
    for change in ("count", "number", "time"):
        assert public_fractions(program, replace(STATEMENT, **{change: 8})) != fractions
