"""Ed25519 keys: which may sign, and what they have signed."""

from functools import lru_cache

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from perp_reference.formats.signed import KEY_BYTES, SIGNATURE_BYTES, Signature
from perp_reference.signing.owners import KEYS_CACHED, owner_of_key

FIELD_PRIME = 2**255 - 19

SIGN_BIT = 2**255
"""The top bit of an encoded point is the sign of its x; the others are its y."""

ORDER_EIGHT_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
"""y of four points of order 8; that of the other four is its negative."""

SMALL_ORDER_Y = frozenset({0, 1, FIELD_PRIME - 1, ORDER_EIGHT_Y, FIELD_PRIME - ORDER_EIGHT_Y})
"""y of the eight points whose multiples are few: a signature by such a key can hold for many messages."""


@lru_cache(KEYS_CACHED)
def public_key(key: bytes) -> Ed25519PublicKey | None:
    """A key that may sign, None if the 32 bytes are not the canonical encoding of a point of large order."""
    if len(key) != KEY_BYTES:
        return None
    y = int.from_bytes(key, "little") % SIGN_BIT
    if y >= FIELD_PRIME or y in SMALL_ORDER_Y:
        return None
    try:
        return Ed25519PublicKey.from_public_bytes(key)
    except ValueError:
        return None


def verify(signature: Signature, message: bytes) -> bool:
    """Whether a signature is its key's signature of a message. Never raises."""
    key = public_key(signature.key)
    if key is None or len(signature.value) != SIGNATURE_BYTES:
        return False
    try:
        key.verify(signature.value, message)
    except InvalidSignature:
        return False
    return True


@frozen
class KeyPair:
    """A key that can sign."""

    private: Ed25519PrivateKey = field(repr=False)
    key: bytes
    """The public key, 32 bytes."""

    @classmethod
    def from_seed(cls, seed: bytes) -> "KeyPair":
        """The key pair of a secret of 32 bytes.

        Raises:
            ValueError: The seed has another length.
        """
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(private, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @property
    def owner(self) -> int:
        """The packed digest of the public key."""
        return owner_of_key(self.key)

    def sign(self, message: bytes) -> Signature:
        """The signature of a message."""
        return Signature(self.key, self.private.sign(message))
