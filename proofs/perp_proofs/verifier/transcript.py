"""The transcript: every message of the prover goes in, every challenge comes out. docs/proof-system/transcript.md.

All hashing is BLAKE2s, 32 bytes, told apart by its personalisation. A message is absorbed with its label and length; a
draw is a message too, so no two draws are alike. Challenges are uniform: words that are no element are thrown away.
"""

from collections.abc import Iterator
from hashlib import blake2s

from perp_hash.field import ELEMENT_BITS, MODULUS
from perp_proofs.verifier.field import DEGREE, Element

STATE_BYTES = 32
LABEL_BYTES_MAX = 16
LENGTH_BYTES = 8
NONCE_BYTES = 8
WORD_BYTES = 4

PERSON_START = b"perp.new"
PERSON_ABSORB = b"perp.abs"
PERSON_DRAW = b"perp.drw"
PERSON_STREAM = b"perp.out"
PERSON_GRIND = b"perp.pow"


def labelled(label: str) -> bytes:
    """A label with its length: at most 16 characters of ASCII."""
    name = label.encode("ascii")
    assert len(name) <= LABEL_BYTES_MAX
    return bytes((len(name),)) + name


class Transcript:
    """What both sides have seen so far, as 32 bytes."""

    def __init__(self, protocol: bytes) -> None:
        self.state = blake2s(protocol, person=PERSON_START).digest()

    def absorb(self, label: str, data: bytes) -> None:
        """Take in a message."""
        head = self.state + labelled(label) + len(data).to_bytes(LENGTH_BYTES, "little")
        self.state = blake2s(head + data, person=PERSON_ABSORB).digest()

    def stream(self, label: str, count: int) -> Iterator[int]:
        """Begin a draw of `count` things: 32-bit words without end."""
        head = self.state + labelled(label) + count.to_bytes(LENGTH_BYTES, "little")
        self.state = blake2s(head, person=PERSON_DRAW).digest()
        return words_from(self.state)

    def draw_elements(self, label: str, count: int) -> list[Element]:
        """Uniform extension elements: the low 31 bits of a word are a coefficient if they are below p."""
        words = self.stream(label, count)
        coefficients = (word for word in (word & (1 << ELEMENT_BITS) - 1 for word in words) if word < MODULUS)
        drawn = [next(coefficients) for _ in range(count * DEGREE)]
        return [tuple(drawn[start : start + DEGREE]) for start in range(0, len(drawn), DEGREE)]  # type: ignore[misc]

    def draw_indices(self, label: str, count: int, bound: int) -> list[int]:
        """Uniform indices below a power of two of at most 2^32; they may repeat."""
        words = self.stream(label, count)
        return [next(words) & bound - 1 for _ in range(count)]

    def passes(self, label: str, bits: int, nonce: bytes) -> bool:
        """Tells whether a nonce of eight bytes has the work of so many bits in it, here and now."""
        digest = blake2s(self.state + labelled(label) + nonce, person=PERSON_GRIND).digest()
        return int.from_bytes(digest[:8], "little") % (1 << bits) == 0


def words_from(seed: bytes) -> Iterator[int]:
    """The words of a stream: eight a block, blocks numbered from 0."""
    number = 0
    while True:
        block = blake2s(seed + number.to_bytes(LENGTH_BYTES, "little"), person=PERSON_STREAM).digest()
        for start in range(0, len(block), WORD_BYTES):
            yield int.from_bytes(block[start : start + WORD_BYTES], "little")
        number += 1
