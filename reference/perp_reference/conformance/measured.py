"""The measured score of the vectors: how many mutants they notice, as a run over all mutants found it.

The run takes minutes, so its result is committed. It names what it was measured of, so that it cannot go stale: of
another text of the rules, other mutants, other vectors or other explanations it says nothing.
"""

import json
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from perp_reference.conformance.fixtures import DIGEST, sha256
from perp_reference.conformance.mutants import labels
from perp_reference.conformance.shapes import STRICT, Count, Fixed, Only
from perp_reference.errors import MalformedInput
from perp_reference.formats.text import Refused, malformed, read_file

FORMAT = "perpspec-mutation-score-1"

FILE = "mutation-score.json"

DIGESTS = ("vectors", "mutants_digest", "explanations")

COUNTS = ("mutants", "noticed", "explained")

SHAPE = Fixed(
    {"format": Only(FORMAT), **dict.fromkeys(DIGESTS, DIGEST), **{name: Count() for name in COUNTS}},
)


@frozen
class Measured:
    """A run over all mutants, and what it was of."""

    vectors: str
    """Digest of the vectors, and with them of the rules."""
    mutants_digest: str
    """Digest of the labels of all mutants."""
    explanations: str
    """Digest of the explanations of mutants that change nothing."""
    mutants: int
    noticed: int
    explained: int
    """Mutants that change nothing a case could show."""

    @property
    def percent(self) -> float:
        """Of the mutants that change something, those that are noticed."""
        return 100 * self.noticed / max(self.mutants - self.explained, 1)


def measured(vectors_digest: str, explanations: Path, noticed: int, explained: int) -> Measured:
    """What a run has found."""
    several = labels()
    digest, text = digest_of(several.values()), sha256(explanations.read_bytes() if explanations.exists() else b"")
    return Measured(vectors_digest, digest, text, len(several), noticed, explained)


def digest_of(names: Any) -> str:
    """The digest of the labels of mutants."""
    return sha256("\n".join(names).encode())


def stale(found: Measured, vectors_digest: str, explanations: Path) -> tuple[str, ...]:
    """What a score is not of any more: none, if it still holds."""
    now = measured(vectors_digest, explanations, found.noticed, found.explained)
    return tuple(name for name in (*DIGESTS, *COUNTS) if getattr(now, name) != getattr(found, name))


def encode_measured(found: Measured) -> str:
    """The text of a score's file."""
    return f"{json.dumps({'format': FORMAT, **attrs.asdict(found)}, indent=1)}\n"


def read_measured(path: Path) -> Measured:
    """The score in a file.

    Raises:
        MalformedInput: It cannot be read or breaks the format.
    """
    try:
        value = STRICT.decode(read_file(path).decode("utf-8"))
        SHAPE.check(value)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise MalformedInput(str(path), None, None, "a JSON object", "something else") from None
    except Refused as refused:
        raise malformed(str(path), None, refused) from None
    vectors, mutants_digest, explanations = (str(value[name]) for name in DIGESTS)
    mutants, noticed, explained = (int(value[name]) for name in COUNTS)
    return Measured(vectors, mutants_digest, explanations, mutants, noticed, explained)
