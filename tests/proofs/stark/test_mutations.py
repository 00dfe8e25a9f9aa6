"""Proofs that were changed: all are refused with ProofError, none crashes the verifier or keeps it busy."""

import time
from collections.abc import Iterator
from random import Random

import pytest

from perp_hash.field import MODULUS
from perp_proofs.stark.prover import prove
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.plan import plan
from perp_proofs.verifier.security import JOHNSON, Profile
from perp_proofs.verifier.verify import verify
from support.toys import toy_system, toy_trace

SYSTEM = toy_system()

SMALL = Profile("small", 4, 3, 4, 2, 2, JOHNSON, 0.0)
"""Few queries: most of the proof is not rows."""

STATEMENT = b"statement"

SECONDS = 5
"""Far above the milliseconds that refusing takes, on any machine."""


@pytest.fixture(scope="module")
def small() -> bytes:
    trace, public = toy_trace(16, 16, 8)
    return prove(SYSTEM, trace, public, STATEMENT, SMALL, 512)


def refused(proof: bytes) -> str:
    """The message with which a proof is refused; an error of another kind or acceptance fails the test."""
    _, public = toy_trace(16, 16, 8)
    started = time.process_time()
    with pytest.raises(ProofError) as caught:
        verify(SYSTEM, public, STATEMENT, proof, SMALL)
    assert time.process_time() - started < SECONDS
    return str(caught.value)


def mutations(proof: bytes, random: Random, count: int) -> Iterator[bytes]:
    """Bits flipped, bytes and words replaced, pieces moved, repeated, removed and inserted."""
    for number in range(count):
        changed = bytearray(proof)
        place = random.randrange(len(proof))
        kind = number % 7
        if kind == 0:
            changed[place] ^= 1 << random.randrange(8)
        elif kind == 1:
            changed[place : place + 4] = random.randbytes(len(changed[place : place + 4]))
        elif kind == 2:
            changed[place : place + 4] = random.choice((bytes(4), b"\xff" * 4, MODULUS.to_bytes(4, "little")))
        elif kind == 3:
            del changed[place : place + random.choice((1, 4, 20, 32))]
        elif kind == 4:
            changed[place:place] = random.randbytes(random.choice((1, 4, 20, 32)))
        elif kind == 5:
            other = random.randrange(len(proof) - 32)
            changed[place : place + 32] = proof[other : other + 32]
        else:
            changed = changed[:place]
        if bytes(changed) != proof:
            yield bytes(changed)


def test_the_proof_itself_verifies(small: bytes) -> None:
    _, public = toy_trace(16, 16, 8)
    verify(SYSTEM, public, STATEMENT, small, SMALL)


def test_a_thousand_random_mutations_are_refused(small: bytes) -> None:
    messages = {refused(proof) for proof in mutations(small, Random(1), 1_000)}
    assert len(messages) > 20


@pytest.mark.stark_long
def test_every_byte_of_a_proof_counts(small: bytes) -> None:
    for place in range(len(small)):
        refused(small[:place] + bytes((small[place] ^ 1,)) + small[place + 1 :])


@pytest.mark.stark_long
def test_twenty_thousand_random_mutations_are_refused(small: bytes) -> None:
    for proof in mutations(small, Random(2), 20_000):
        refused(proof)


def test_every_hundredth_byte_counts(small: bytes) -> None:
    for place in range(0, len(small), 101):
        refused(small[:place] + bytes((small[place] ^ 0x80,)) + small[place + 1 :])


def test_every_header_byte_is_checked(small: bytes) -> None:
    for place in range(12):
        for value in range(256):
            if value != small[place]:
                refused(small[:place] + bytes((value,)) + small[place + 1 :])


@pytest.mark.parametrize("length", [0, 1, 7, 8, 11, 12, 43, 44, 500, 2000])
def test_truncations_are_refused(small: bytes, length: int) -> None:
    assert "the proof ends after" in refused(small[:length])


def test_what_follows_the_end_is_refused(small: bytes) -> None:
    assert refused(small + b"\0") == "1 bytes follow the end of the proof"
    assert refused(small + small) == f"{len(small)} bytes follow the end of the proof"


def test_garbage_is_refused() -> None:
    random = Random(3)
    for length in (0, 1, 8, 12, 100, 10_000, 100_000):
        assert "the proof ends" in refused(random.randbytes(length)) or length >= 8
        assert length < 8 or refused(random.randbytes(length)) == "header: the file does not begin with PERPSTK1"
        refused(b"PERPSTK1" + random.randbytes(length))
        refused(b"PERPSTK1" + bytes((5, 4, 4, 9)) + random.randbytes(length))
        refused(b"PERPSTK1" + bytes((5, 16, 16, 20)) + bytes(length))


def test_an_element_written_in_another_way_is_refused(small: bytes) -> None:
    """p + v for v, or p for 0, in the openings, the openings at 0, the last polynomial, the rows and the leaves."""
    shape = plan(SYSTEM, (32, 16, 16), 512, 4)
    openings = 12 + 3 * 32
    sums = openings + 20 * shape.slots
    roots = sums + 4 * shape.sums + 8
    last = roots + shape.layers * (32 + 8)
    rows = last + 20 * shape.final_length + 8
    for place, message in (
        (openings, "openings: a field element is not canonical"),
        (sums, "openings at 0: a field element is not canonical"),
        (last, "last polynomial: a field element is not canonical"),
        (rows, "trace rows: rows do not belong to the committed root"),
    ):
        word = int.from_bytes(small[place : place + 4], "little")
        for other in (word % 2**24 + MODULUS, MODULUS):
            changed = other.to_bytes(4, "little")
            assert refused(small[:place] + changed + small[place + 4 :]) == message


def test_a_nonce_without_work_is_refused(small: bytes) -> None:
    shape = plan(SYSTEM, (32, 16, 16), 512, 4)
    batch = 12 + 3 * 32 + 20 * shape.slots + 4 * shape.sums
    nonces = [nonce.to_bytes(8, "little") for nonce in range(40)]
    messages = {
        refused(small[:batch] + nonce + small[batch + 8 :]) for nonce in nonces if nonce != small[batch : batch + 8]
    }
    assert "batch grind: the nonce does not hold 2 bits of work" in messages
    # Another nonce with enough work is another transcript.
    assert len(messages) > 1
