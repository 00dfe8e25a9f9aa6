"""The table of the first bytes of a proof file is what files begin with."""

import re
from dataclasses import replace
from pathlib import Path

from perp_hash.poseidon import DEFAULT_SUITE
from perp_proofs.air.statement import Statement
from perp_proofs.verifier.batch import BatchProof, write_proof
from perp_proofs.verifier.codec import MAGIC
from perp_proofs.verifier.security import PROFILE_100


def digest(first: int) -> tuple[int, ...]:
    return tuple(range(first, first + 8))


def test_each_part_is_where_the_page_says(root: Path) -> None:
    page = (root / "docs" / "proof-system" / "batch.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (.*) \|$", page, re.MULTILINE)
    parts = {int(offset): (int(length), holds) for offset, length, holds in rows}
    suite = DEFAULT_SUITE.identifier
    statement = Statement(suite, digest(1), digest(11), digest(21), digest(31), digest(41), 7, 8, 9)
    data = write_proof(BatchProof(PROFILE_100, statement, MAGIC))
    ends = [offset + length for offset, (length, _) in parts.items()]
    assert [0, *ends] == [*parts, len(data)]
    for offset, (length, holds) in parts.items():
        named = re.match(r"(?:\d+, and )?`(.+?)`", holds)
        if named:
            assert named.group(1).encode() in data[offset : offset + length]
    numbers = b"".join(number.to_bytes(8, "little") for number in (7, 8, 9))
    assert data.find(numbers) == next(offset for offset, (_, holds) in parts.items() if holds.startswith("count"))
    other = write_proof(BatchProof(PROFILE_100, replace(statement, program_digest=digest(2)), MAGIC))
    first = next(place for place in range(len(data)) if data[place] != other[place])
    assert first == next(offset for offset, (_, holds) in parts.items() if holds.startswith("program"))
