"""Proofs of batches as files: what a file says it proves, and whether it does.

A file is its first line, `perp-proof 1 ` and the name of the profile; 2 bytes with the length of the statement, least
significant first; the statement; and the proof to the end. The profile only says with which parameters to read the
proof. How secure that is, is computed, and compared with what the reader demands.
"""

from dataclasses import dataclass

from perp_hash.digest import digest_to_bytes
from perp_proofs.air.batch import BatchSystem
from perp_proofs.air.statement import (
    MalformedStatement,
    Statement,
    public_fractions,
    statement_bytes,
    statement_from_bytes,
)
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.security import PROFILES, Profile
from perp_proofs.verifier.verify import Verified, verify

FIRST_LINE = b"perp-proof 1 "

LENGTH_BYTES = 2

NAME_MAX = 16
"""Longest name of a profile."""

TARGET_BITS = 100.0
"""Proven bits that are demanded unless a reader says otherwise."""


class MalformedProof(ProofError):
    """A file that does not begin like the proof of a batch."""


@dataclass(frozen=True)
class BatchProof:
    """A file, taken apart.

    Attributes:
        proof: Not looked into yet.
    """

    profile: Profile
    statement: Statement
    proof: bytes


def write_proof(proof: BatchProof) -> bytes:
    """The file of a proof."""
    statement = statement_bytes(proof.statement)
    length = len(statement).to_bytes(LENGTH_BYTES, "little")
    return FIRST_LINE + proof.profile.name.encode("ascii") + b"\n" + length + statement + proof.proof


def read_proof(data: bytes) -> BatchProof:
    """Take a file apart. Raises MalformedProof unless it begins like one."""
    end = data.find(b"\n", 0, len(FIRST_LINE) + NAME_MAX + 1)
    if not data.startswith(FIRST_LINE) or end < 0:
        raise MalformedProof("the first line is not that of a proof")
    name = data[len(FIRST_LINE) : end].decode("latin-1")
    if name not in PROFILES:
        raise MalformedProof(f"the profile {name!r} is not known")
    start = end + 1 + LENGTH_BYTES
    behind = start + int.from_bytes(data[end + 1 : start], "little")
    if len(data) < behind:
        raise MalformedProof("the file ends in its statement")
    try:
        statement = statement_from_bytes(data[start:behind])
    except MalformedStatement as error:
        raise MalformedProof(str(error)) from None
    return BatchProof(PROFILES[name], statement, data[behind:])


def verify_batch(made: BatchSystem, proof: BatchProof, target: float = TARGET_BITS) -> Verified:
    """Accept the proof of a batch, of the program of a system and with so many proven bits at least.

    Raises:
        ProofError: It is not accepted.
    """
    statement = proof.statement
    if statement.suite != made.program.suite:
        raise ProofError(f"the statement is about the hash suite {statement.suite}, not {made.program.suite}")
    if digest_to_bytes(statement.program_digest) != made.system.digest:
        raise ProofError("the statement is about another program")
    fractions = public_fractions(made.program, statement)
    return verify(made.system, fractions, statement_bytes(statement), proof.proof, proof.profile, target)
