"""Reading a proof: one byte string in which every length follows from the plan and the drawn rows.

docs/proof-system/encoding.md has the layout. Nothing is skipped, nothing may be left over, and every field element is
canonical: four bytes little-endian, below p; an extension element is five of them.
"""

import struct

from perp_hash.field import MODULUS
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.field import DEGREE, Element
from perp_proofs.verifier.merkle import DIGEST_BYTES
from perp_proofs.verifier.plan import ABSENT, PHASES
from perp_proofs.verifier.transcript import NONCE_BYTES

MAGIC = b"PERPSTK1"
"""Format and version. Another version is another file."""

ELEMENT_BYTES = 4
LOGARITHM_MAX = 31


def decode_elements(data: bytes, what: str) -> tuple[int, ...]:
    """Base elements. Raises ProofError for one that is not canonical."""
    values = struct.unpack(f"<{len(data) // ELEMENT_BYTES}I", data)
    if values and max(values) >= MODULUS:
        raise ProofError(f"{what}: a field element is not canonical")
    return values


def decode_extension(data: bytes, what: str) -> list[Element]:
    """Extension elements. Raises ProofError for one that is not canonical."""
    values = decode_elements(data, what)
    return [tuple(values[start : start + DEGREE]) for start in range(0, len(values), DEGREE)]  # type: ignore[misc]


def encode_elements(values: tuple[int, ...]) -> bytes:
    """Base elements as bytes."""
    return struct.pack(f"<{len(values)}I", *values)


class Reader:
    """A proof being read from its beginning."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, count: int, what: str) -> bytes:
        """The next bytes. Raises ProofError if there are fewer."""
        end = self.place + count
        if end > len(self.data):
            raise ProofError(f"{what}: the proof ends after {len(self.data)} bytes, {end} are needed")
        taken = self.data[self.place : end]
        self.place = end
        return taken

    def digest(self, what: str) -> bytes:
        """The next digest."""
        return self.take(DIGEST_BYTES, what)

    def nonce(self, bits: int, what: str) -> bytes:
        """The nonce of a grind; there is none for 0 bits."""
        return self.take(NONCE_BYTES, what) if bits else b""

    def header(self, tables: int) -> tuple[tuple[int | None, ...], int]:
        """The heights of the tables and the degree bound."""
        if self.take(len(MAGIC), "header") != MAGIC:
            raise ProofError(f"header: the file does not begin with {MAGIC.decode()}")
        *heights, bound = self.take(tables + 1, "header")
        if bound > LOGARITHM_MAX or any(height > LOGARITHM_MAX and height != ABSENT for height in heights):
            raise ProofError("header: a height or the degree bound is out of range")
        return tuple(None if height == ABSENT else 1 << height for height in heights), 1 << bound

    def finish(self) -> None:
        """Raise ProofError if anything is left."""
        if self.place != len(self.data):
            raise ProofError(f"{len(self.data) - self.place} bytes follow the end of the proof")


def phase_name(phase: int) -> str:
    """For messages and labels."""
    return PHASES[phase]
