"""What the checking of Ed25519 signatures accepts and refuses, beside the published vectors."""

import hashlib

import pytest

from perp_hash.digest import hash_bytes, pack_digest
from perp_hash.tags import Tag
from perp_reference.formats.signed import Signature
from perp_reference.signing.keys import FIELD_PRIME, SIGN_BIT, SMALL_ORDER_Y, KeyPair, public_key, verify
from perp_reference.signing.owners import owner_of_key

GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, FIELD_PRIME) % FIELD_PRIME

Point = tuple[int, int]

SEED = bytes(range(32))

# RFC 8032, section 7.1: seed, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("seed", "key", "message", "signature"), VECTORS)
def test_published_vectors_hold(seed: str, key: str, message: str, signature: str) -> None:
    pair = KeyPair.from_seed(bytes.fromhex(seed))
    expected = Signature(bytes.fromhex(key), bytes.fromhex(signature))
    assert pair.sign(bytes.fromhex(message)) == expected
    assert verify(expected, bytes.fromhex(message))


@pytest.fixture
def pair() -> KeyPair:
    return KeyPair.from_seed(SEED)


def test_every_changed_bit_of_a_signature_breaks_it(pair: KeyPair) -> None:
    signature = pair.sign(b"message")
    for bit in range(512):
        changed = (int.from_bytes(signature.value, "little") ^ 1 << bit).to_bytes(64, "little")
        assert not verify(Signature(signature.key, changed), b"message")
    for bit in range(256):
        changed = (int.from_bytes(signature.key, "little") ^ 1 << bit).to_bytes(32, "little")
        assert not verify(Signature(changed, signature.value), b"message")
    assert not verify(signature, b"massage")


def test_a_scalar_above_the_group_order_is_refused(pair: KeyPair) -> None:
    signature = pair.sign(b"message")
    scalar = int.from_bytes(signature.value[32:], "little") + GROUP_ORDER
    assert not verify(Signature(pair.key, signature.value[:32] + scalar.to_bytes(32, "little")), b"message")


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_keys_and_signatures_of_other_lengths_are_refused(pair: KeyPair, size: int) -> None:
    signature = pair.sign(b"message")
    assert not verify(Signature((signature.key * 2)[:size], signature.value), b"message")
    assert not verify(Signature(signature.key, (signature.value * 2)[: 2 * size + 1]), b"message")


def add(one: Point, other: Point) -> Point:
    """The sum of two points of the curve."""
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + y1 * x2) * pow(1 + product, -1, FIELD_PRIME)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, FIELD_PRIME)
    return x % FIELD_PRIME, y % FIELD_PRIME


def times(count: int, point: Point) -> Point:
    result = (0, 1)
    for bit in bin(count)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def x_of(y: int) -> int | None:
    """One of the two x of the points with this y."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, FIELD_PRIME) % FIELD_PRIME
    root = pow(square, (FIELD_PRIME + 3) // 8, FIELD_PRIME)
    for candidate in (root, root * pow(2, (FIELD_PRIME - 1) // 4, FIELD_PRIME) % FIELD_PRIME):
        if candidate * candidate % FIELD_PRIME == square:
            return candidate
    return None


def encoded(point: Point) -> bytes:
    x, y = point
    return (y + SIGN_BIT * (x & 1)).to_bytes(32, "little")


def test_the_listed_points_are_exactly_those_of_small_order() -> None:
    y = next(y for y in range(2, 100) if x_of(y) is not None)
    x = x_of(y)
    assert x is not None
    points: set[Point] = set()
    while len(points) < 8:
        point = times(GROUP_ORDER, (x, y))
        points |= {times(count, point) for count in range(8)}
        y = next(candidate for candidate in range(y + 1, y + 100) if x_of(candidate) is not None)
        x = x_of(y) or 0
    assert {y for _, y in points} == SMALL_ORDER_Y
    for point in points:
        assert times(8, point) == (0, 1)
        assert public_key(encoded(point)) is None
        assert public_key(encoded(((point[0] + 1) & 1, point[1]))) is None


def test_a_key_of_small_order_cannot_sign_what_the_library_would_take() -> None:
    """Given the key that is the neutral point, under which R = [S]B holds for every message, then it is refused."""
    key = (1).to_bytes(32, "little")
    pair = KeyPair.from_seed(bytes(32))
    signature = pair.sign(b"")
    forged = Signature(key, encoded((0, 1)) + bytes(32))
    assert not verify(forged, b"any message")
    assert not verify(Signature(key, signature.value), b"")


BASE_Y = 4 * pow(5, -1, FIELD_PRIME) % FIELD_PRIME


def base() -> Point:
    x = x_of(BASE_Y)
    assert x is not None
    return (x if x % 2 == 0 else FIELD_PRIME - x, BASE_Y)


def secret() -> int:
    """The secret scalar of the key of SEED."""
    digest = int.from_bytes(hashlib.sha512(SEED).digest()[:32], "little")
    return (digest & (2**254 - 8)) | 2**254


def signature_with(key: bytes, commitment: bytes, nonce: int, message: bytes) -> Signature:
    """The signature of SEED's secret scalar whose R is these bytes, and which h is made with this key."""
    hashed = int.from_bytes(hashlib.sha512(commitment + key + message).digest(), "little")
    scalar = (nonce + hashed * secret()) % GROUP_ORDER
    return Signature(key, commitment + scalar.to_bytes(32, "little"))


def test_a_second_encoding_of_the_commitment_is_refused(pair: KeyPair) -> None:
    """Given the neutral point as R, its canonical encoding is taken and the one with y + p is not."""
    assert encoded(times(secret(), base())) == pair.key
    assert verify(signature_with(pair.key, (1).to_bytes(32, "little"), 0, b"m"), b"m")
    assert not verify(signature_with(pair.key, (FIELD_PRIME + 1).to_bytes(32, "little"), 0, b"m"), b"m")


def test_a_commitment_with_a_part_of_small_order_is_refused(pair: KeyPair) -> None:
    """Given 8 [S]B = 8 R + 8 [h]A but not the same without the 8, then the signature is refused."""
    root = pow(2, (FIELD_PRIME - 1) // 4, FIELD_PRIME)
    shifted = add(times(5, base()), (root, 0))
    assert times(4, (root, 0)) == (0, 1)
    assert verify(signature_with(pair.key, encoded(times(5, base())), 5, b"m"), b"m")
    assert not verify(signature_with(pair.key, encoded(shifted), 5, b"m"), b"m")


def test_a_key_with_a_part_of_small_order_is_not_refused(pair: KeyPair) -> None:
    """Given such a key, its signatures hold for the messages whose h the order of the part divides."""
    key = encoded(add(times(secret(), base()), (0, FIELD_PRIME - 1)))
    commitment = encoded(times(5, base()))
    messages = [bytes([number]) for number in range(20)]
    even = [
        int.from_bytes(hashlib.sha512(commitment + key + message).digest(), "little") % GROUP_ORDER % 2 == 0
        for message in messages
    ]
    assert [verify(signature_with(key, commitment, 5, message), message) for message in messages] == even


@pytest.mark.parametrize("y", range(FIELD_PRIME, 2**255))
@pytest.mark.parametrize("sign", [0, SIGN_BIT])
def test_a_key_with_a_second_encoding_is_refused(y: int, sign: int) -> None:
    assert public_key((y + sign).to_bytes(32, "little")) is None


def test_a_key_that_is_no_point_is_refused() -> None:
    y = next(y for y in range(2, 100) if x_of(y) is None)
    assert not verify(Signature(y.to_bytes(32, "little"), bytes(64)), b"")


def test_an_owner_is_the_digest_of_the_key(pair: KeyPair) -> None:
    assert pair.owner == owner_of_key(pair.key) == pack_digest(hash_bytes(Tag.OWNER_KEY, pair.key))


def test_a_seed_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        KeyPair.from_seed(bytes(31))


def test_the_secret_is_not_shown(pair: KeyPair) -> None:
    assert repr(pair) == f"KeyPair(key={pair.key!r})"
