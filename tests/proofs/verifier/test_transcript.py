"""The transcript: everything in it changes every challenge, and challenges are uniform."""

from collections.abc import Callable
from hashlib import blake2s

import pytest

from perp_hash.field import MODULUS
from perp_proofs.verifier import transcript
from perp_proofs.verifier.transcript import Transcript, words_from


def drawn(*actions: Callable[[Transcript], object]) -> list[object]:
    """What comes of a draw after some actions."""
    own = Transcript(b"test")
    for action in actions:
        action(own)
    return list(own.draw_elements("x", 1))


def test_every_difference_in_what_was_absorbed_changes_the_challenge() -> None:
    variants = [
        drawn(),
        drawn(lambda t: t.absorb("a", b"")),
        drawn(lambda t: t.absorb("b", b"")),
        drawn(lambda t: t.absorb("a", b"b")),
        drawn(lambda t: t.absorb("ab", b"")),
        drawn(lambda t: t.absorb("a", b"\0")),
        drawn(lambda t: t.absorb("a", b"\0\0")),
        drawn(lambda t: t.absorb("a", b""), lambda t: t.absorb("b", b"")),
        drawn(lambda t: t.absorb("b", b""), lambda t: t.absorb("a", b"")),
        drawn(lambda t: t.draw_elements("x", 1)),
        drawn(lambda t: t.draw_elements("x", 2)),
        drawn(lambda t: t.draw_indices("x", 1, 8)),
    ]
    assert len({str(variant) for variant in variants}) == len(variants) - 1
    # A draw of one element and one of one index leave the same state: they are told apart by their labels.
    assert variants[9] == variants[11]


def test_the_bytes_are_those_of_the_description() -> None:
    """docs/proof-system/transcript.md, with hashlib alone."""
    state = blake2s(b"test", person=b"perp.new").digest()
    state = blake2s(state + b"\x05label" + (3).to_bytes(8, "little") + b"abc", person=b"perp.abs").digest()
    state = blake2s(state + b"\x04name" + (1).to_bytes(8, "little"), person=b"perp.drw").digest()
    block = blake2s(state + bytes(8), person=b"perp.out").digest()
    words = [int.from_bytes(block[start : start + 4], "little") & 2**31 - 1 for start in range(0, 32, 4)]
    expected = [word for word in words if word < MODULUS][:5]
    own = Transcript(b"test")
    own.absorb("label", b"abc")
    assert own.draw_elements("name", 1) == [tuple(expected)]
    assert own.state == state


def test_words_that_are_no_element_are_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [MODULUS, 2**31 - 1, 2**32 - 1, MODULUS - 1, 2**31 + 3, 0, 1, 2, 7]
    monkeypatch.setattr(transcript, "words_from", lambda _: iter(words))
    assert Transcript(b"").draw_elements("x", 1) == [(MODULUS - 1, 3, 0, 1, 2)]


def test_indices_are_the_low_bits() -> None:
    own, other = Transcript(b""), Transcript(b"")
    indices = own.draw_indices("q", 50, 64)
    words = other.stream("q", 50)
    assert indices == [next(words) % 64 for _ in range(50)]


def test_a_nonce_is_checked_against_state_and_label() -> None:
    own = Transcript(b"test")
    nonces = [nonce for nonce in range(3000) if own.passes("g", 8, nonce.to_bytes(8, "little"))]
    assert 2 <= len(nonces) <= 30
    nonce = nonces[0].to_bytes(8, "little")
    digest = blake2s(own.state + b"\x01g" + nonce, person=b"perp.pow").digest()
    assert digest[0] == 0
    assert not all(own.passes("h", 8, value.to_bytes(8, "little")) for value in nonces)
    own.absorb("m", b"")
    assert not all(own.passes("g", 8, value.to_bytes(8, "little")) for value in nonces)


def test_a_stream_goes_on_over_blocks() -> None:
    words = words_from(bytes(32))
    assert len({next(words) for _ in range(100)}) == 100
