"""Digests: what they bind, and their encodings."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perp_hash.digest import (
    ZERO_DIGEST,
    bytes_elements,
    compress,
    digest_from_bytes,
    digest_from_hex,
    digest_to_bytes,
    digest_to_hex,
    hash_bytes,
    hash_elements,
    hash_words,
    pack_digest,
    step,
    unpack_digest,
)
from perp_hash.field import MODULUS
from perp_hash.poseidon import DEFAULT_SUITE, POSEIDON_R8_20, permute
from perp_hash.tags import Tag
from perp_hash.words import LARGEST_WORD, words_elements

ELEMENTS = st.integers(0, MODULUS - 1) | st.sampled_from([0, 1, MODULUS - 1])
DIGESTS = st.lists(ELEMENTS, min_size=8, max_size=8).map(tuple)
COUNTING = tuple(range(16))


@given(left=DIGESTS, right=DIGESTS)
def test_step_is_the_permutation_with_its_input_fed_forward(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    lanes = permute(DEFAULT_SUITE, left + right)
    assert step(left, right) == tuple((lanes[i] + left[i]) % MODULUS for i in range(8))


@given(tag=st.sampled_from(Tag), left=DIGESTS, right=DIGESTS)
def test_compress_adds_the_tag_to_the_result(tag: Tag, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    plain = step(left, right)
    assert compress(tag, left, right) == ((plain[0] + tag) % MODULUS, *plain[1:])


def test_hash_elements_is_a_chain_of_steps_from_tag_and_length() -> None:
    first = step((4, 11, 0, 0, 0, 0, 0, 0), COUNTING[:8])
    assert hash_elements(Tag.ACCOUNT_LEAF, COUNTING[:11]) == step(first, (8, 9, 10, 0, 0, 0, 0, 0))
    assert hash_elements(Tag.ACCOUNT_LEAF, ()) == step((4, 0, 0, 0, 0, 0, 0, 0), ZERO_DIGEST)


def test_length_is_bound() -> None:
    digests = {hash_elements(Tag.ACCOUNT_LEAF, (0,) * length) for length in range(25)}
    assert len(digests) == 25


def test_tags_are_separate() -> None:
    digests = {hash_elements(tag, COUNTING) for tag in Tag}
    digests |= {compress(tag, COUNTING[:8], COUNTING[8:]) for tag in Tag}
    digests |= {hash_bytes(tag, bytes(COUNTING)) for tag in Tag}
    assert len(digests) == 3 * len(Tag)


def test_a_tag_cannot_be_cancelled_by_an_input_element() -> None:
    tagged = compress(Tag.NODE, (1, *COUNTING[1:8]), COUNTING[8:])
    assert tagged != compress(Tag.STATE_ROOT, (0, *COUNTING[1:8]), COUNTING[8:])


def test_suites_are_separate() -> None:
    assert hash_elements(Tag.CONFIG, (1,)) != hash_elements(Tag.CONFIG, (1,), POSEIDON_R8_20)
    assert hash_bytes(Tag.CONFIG, b"1") != hash_bytes(Tag.CONFIG, b"1", POSEIDON_R8_20)
    assert compress(Tag.NODE, ZERO_DIGEST, ZERO_DIGEST) != compress(Tag.NODE, ZERO_DIGEST, ZERO_DIGEST, POSEIDON_R8_20)


@given(data=st.binary(max_size=40))
def test_bytes_are_their_length_and_three_bytes_an_element(data: bytes) -> None:
    length, *chunks = bytes_elements(data)
    assert length == len(data)
    assert b"".join(chunk.to_bytes(3, "little") for chunk in chunks)[:length] == data
    assert len(chunks) == (length + 2) // 3
    assert hash_bytes(Tag.CONFIG, data) == hash_elements(Tag.CONFIG, (length, *chunks))


def test_trailing_zero_bytes_are_bound() -> None:
    assert len({hash_bytes(Tag.CONFIG, b"a" + bytes(zeros)) for zeros in range(9)}) == 9


@given(digests=st.lists(DIGESTS, max_size=2), words=st.lists(st.integers(-LARGEST_WORD, LARGEST_WORD), max_size=5))
def test_words_are_hashed_after_the_elements_of_the_digests(digests: list[tuple[int, ...]], words: list[int]) -> None:
    elements = (*(element for digest in digests for element in digest), *words_elements(words))
    packed = hash_words(int(Tag.QUEUE), [pack_digest(digest) for digest in digests], words)
    assert unpack_digest(packed) == hash_elements(Tag.QUEUE, elements)


def test_the_number_of_words_is_bound() -> None:
    assert len({hash_words(Tag.QUEUE, [0], [0] * count) for count in range(12)}) == 12


@given(digest=DIGESTS)
@example(digest=ZERO_DIGEST)
@example(digest=(MODULUS - 1,) * 8)
def test_encodings_are_bijections(digest: tuple[int, ...]) -> None:
    assert unpack_digest(pack_digest(digest)) == digest
    assert digest_from_bytes(digest_to_bytes(digest)) == digest
    assert digest_from_hex(digest_to_hex(digest)) == digest


@given(packed=st.integers(-1, 2**249) | st.integers(0, 2**32))
@example(packed=MODULUS)
@example(packed=2**248)
def test_an_integer_packs_one_digest_or_none(packed: int) -> None:
    try:
        digest = unpack_digest(packed)
    except ValueError:
        canonical = 0 <= packed < 2**248 and all(packed >> 31 * i & 2**31 - 1 < MODULUS for i in range(8))
        assert not canonical
    else:
        assert pack_digest(digest) == packed


def test_encodings_are_least_significant_first() -> None:
    digest = (1, 2, 3, 4, 5, 6, 7, 0x7E000001)
    assert pack_digest(digest) == sum(element * 2 ** (31 * index) for index, element in enumerate(digest))
    expected = "01000000 02000000 03000000 04000000 05000000 06000000 07000000 0100007e"
    assert digest_to_hex(digest) == expected.replace(" ", "")


P_BYTES = MODULUS.to_bytes(4, "little")


@pytest.mark.parametrize(
    ("function", "wrong", "message"),
    [
        (pack_digest, (0,) * 7, r"^digest has 8 elements, not 7$"),
        (pack_digest, (0,) * 7 + (MODULUS,), r"^digest element 7 is not a canonical field element: 2130706433$"),
        (unpack_digest, -1, r"^not a packed digest of 248 bits: -1$"),
        (unpack_digest, 2**248, r"^not a packed digest of 248 bits: "),
        (unpack_digest, True, r"^not a packed digest of 248 bits: True$"),
        (unpack_digest, MODULUS << 31, r"^digest element 1 is not a canonical field element: 2130706433$"),
        (digest_to_bytes, (0,) * 9, r"^digest has 8 elements, not 9$"),
        (digest_from_bytes, bytes(31), r"^a digest is 32 bytes, not 31$"),
        (digest_from_bytes, bytes(33), r"^a digest is 32 bytes, not 33$"),
        (digest_from_bytes, P_BYTES + bytes(28), r"^digest element 0 is not a canonical field element: 2130706433$"),
        (digest_from_hex, "0" * 63, r"^a digest is 64 lower-case hexadecimal digits, not '0"),
        (digest_from_hex, "0" * 63 + "A", r"^a digest is 64 lower-case hexadecimal digits, not '0"),
        (digest_from_hex, "0" * 62 + " 0", r"^a digest is 64 lower-case hexadecimal digits, not '0"),
        (digest_from_hex, "0x" + "0" * 62, r"^a digest is 64 lower-case hexadecimal digits, not '0x"),
        (digest_from_hex, "f" * 64, r"^digest element 0 is not a canonical field element: 4294967295$"),
    ],
)
def test_encodings_that_are_not_canonical_are_refused(function: Any, wrong: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(wrong)


def test_inputs_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^left half has 8 elements, not 7$"):
        compress(Tag.NODE, (0,) * 7, ZERO_DIGEST)
    with pytest.raises(ValueError, match=r"^right half element 3 is not a canonical field element: -1$"):
        compress(Tag.NODE, ZERO_DIGEST, (0, 0, 0, -1, 0, 0, 0, 0))
    with pytest.raises(ValueError, match=rf"^element 9 is not a canonical field element: {MODULUS}$"):
        hash_elements(Tag.CONFIG, (0,) * 9 + (MODULUS,))
    with pytest.raises(ValueError, match=r"^0 is not a valid Tag$"):
        compress(0, ZERO_DIGEST, ZERO_DIGEST)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"^1000 is not a valid Tag$"):
        hash_elements(1000, ())  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"^not a word: 9223372036854775808$"):
        hash_words(Tag.QUEUE, [0], [2**63])
    with pytest.raises(ValueError, match=r"^not a packed digest of 248 bits: -1$"):
        hash_words(Tag.QUEUE, [-1], [])
    with pytest.raises(ValueError, match=r"^0 is not a valid Tag$"):
        hash_words(0, [0], [])
