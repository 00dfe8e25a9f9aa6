"""Operations as they come in: with signatures that nobody has checked yet."""

from typing import Any

from attrs import frozen

KEY_BYTES = 32
SIGNATURE_BYTES = 64


@frozen
class Signature:
    """An Ed25519 signature and the public key it is said to be of. Well-formed, but perhaps wrong."""

    key: bytes
    """32 bytes."""
    value: bytes
    """64 bytes."""


ReportSignatures = tuple[bytes | None, ...]
"""For each place of an oracle report the 64 bytes its signer gave, or None."""


@frozen
class Signed:
    """An operation with what was signed of it. Its `authorised` flags mean nothing."""

    operation: Any
    signatures: tuple[Any, ...] = ()
    """One for each signed part in the order of the fields: a `Signature` or None for an order, an intent or the
    opening of an account, `ReportSignatures` for each report of an oracle tick, nothing for other operations."""
