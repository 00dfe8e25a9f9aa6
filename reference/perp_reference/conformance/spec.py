"""Which specification this is: its version, and a digest of its text."""

import hashlib
from functools import cache
from pathlib import Path

import perp_hash
import perp_spec

SPEC_VERSION = "0.1.0"
"""The version of the rules, which is that of the distribution."""


@cache
def spec_digest() -> str:
    """The SHA-256 of the text of rules and hash suite: names and contents of their modules, in order of name."""
    hashed = hashlib.sha256()
    for package in (perp_hash, perp_spec):
        root = Path(package.__path__[0])
        for file in sorted(root.rglob("*.py")):
            text = file.read_bytes()
            hashed.update(f"{package.__name__}/{file.relative_to(root).as_posix()} {len(text)}\n".encode())
            hashed.update(text)
    return f"sha256:{hashed.hexdigest()}"
