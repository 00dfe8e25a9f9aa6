"""The digest by which the rules know the owner of a key. It needs no cryptography, so that it runs in a browser."""

from functools import lru_cache

from perp_hash.digest import hash_bytes, pack_digest
from perp_hash.tags import Tag

KEYS_CACHED = 2**17


@lru_cache(KEYS_CACHED)
def owner_of_key(key: bytes) -> int:
    """The packed digest of a public key of 32 bytes: what the rules call an owner."""
    return pack_digest(hash_bytes(Tag.OWNER_KEY, key))
