"""The public statement of a batch: what a proof says, as bytes and as what it adds to the buses."""

from dataclasses import dataclass, fields

from perp_hash.digest import DIGEST_BYTES, ZERO_DIGEST, Digest, check_digest, digest_from_bytes, digest_to_bytes
from perp_hash.words import LARGEST_WORD, word_limbs
from perp_proofs.air.buses import CHAIN, CONFIG, COUNT_MAX, HEADER, STATE
from perp_proofs.air.system import MalformedSystem, PublicFraction
from perp_proofs.program.listing import Program

MAGIC = b"perp-batch-1\n"
"""Name and version of the form of a statement."""

LENGTH_BYTES = 1
NUMBER_BYTES = 8

HEADER_INPUTS = ("number", "time", "previous_root", "config_digest", "root", "config")
"""What the table that begins a batch takes: the header, and what it is checked against."""


class MalformedStatement(ValueError):
    """A statement, or its bytes, is malformed."""


@dataclass(frozen=True)
class Statement:
    """A batch took the old root to the new one, by the recorded program, with exactly these operations.

    Attributes:
        suite: Identifier of the hash suite.
        program_digest: Of the recorded program.
        operations_digest: The chain of the operations up to the last.
        count: Number of operations.
        number: Of the batch.
        time: Of the batch, in seconds.
    """

    suite: str
    program_digest: Digest
    config_digest: Digest
    previous_root: Digest
    new_root: Digest
    operations_digest: Digest
    count: int
    number: int
    time: int

    def __post_init__(self) -> None:
        """Raise MalformedStatement unless every part is in its range."""
        if not (self.suite.isascii() and self.suite.isprintable() and 0 < len(self.suite) < 1 << 8 * LENGTH_BYTES):
            raise MalformedStatement(f"no identifier of a hash suite: {self.suite!r}")
        for name in DIGEST_FIELDS:
            try:
                check_digest(getattr(self, name), name)
            except ValueError as error:
                raise MalformedStatement(str(error)) from None
        for name, most in NUMBER_FIELDS.items():
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value <= most:
                raise MalformedStatement(f"{name} is no integer from 0 to {most}: {value!r}")


DIGEST_FIELDS = ("program_digest", "config_digest", "previous_root", "new_root", "operations_digest")
NUMBER_FIELDS = {"count": COUNT_MAX, "number": LARGEST_WORD, "time": LARGEST_WORD}

assert [field.name for field in fields(Statement)] == ["suite", *DIGEST_FIELDS, *NUMBER_FIELDS]


def statement_bytes(statement: Statement) -> bytes:
    """The canonical bytes: magic, length and text of the suite, digests, numbers; numbers least significant first."""
    suite = statement.suite.encode("ascii")
    digests = b"".join(digest_to_bytes(getattr(statement, name)) for name in DIGEST_FIELDS)
    numbers = b"".join(getattr(statement, name).to_bytes(NUMBER_BYTES, "little") for name in NUMBER_FIELDS)
    return MAGIC + len(suite).to_bytes(LENGTH_BYTES, "little") + suite + digests + numbers


def statement_from_bytes(data: bytes) -> Statement:
    """The inverse of statement_bytes.

    Raises:
        MalformedStatement: They are the bytes of no statement.
    """
    start = len(MAGIC) + LENGTH_BYTES
    if not data.startswith(MAGIC) or len(data) < start:
        raise MalformedStatement("a statement does not begin like this")
    end = start + data[start - 1]
    wanted = end + DIGEST_BYTES * len(DIGEST_FIELDS) + NUMBER_BYTES * len(NUMBER_FIELDS)
    if len(data) != wanted:
        raise MalformedStatement(f"a statement is {wanted} bytes, not {len(data)}")
    try:
        suite = data[start:end].decode("ascii")
        digests: list[Digest] = []
        for _ in DIGEST_FIELDS:
            digests.append(digest_from_bytes(data[end : end + DIGEST_BYTES]))
            end += DIGEST_BYTES
    except ValueError as error:
        raise MalformedStatement(str(error)) from None
    program, config, previous, new, operations = digests
    count, number, time = (
        int.from_bytes(data[at : at + NUMBER_BYTES], "little") for at in range(end, wanted, NUMBER_BYTES)
    )
    return Statement(suite, program, config, previous, new, operations, count, number, time)


def check_beginning(program: Program) -> None:
    """Raise MalformedSystem if a batch begins with something else than a header and what it is checked against."""
    begun = [tuple(entry.name for entry in table.inputs) for table in program.of_role("batch")]
    if begun != [HEADER_INPUTS]:
        raise MalformedSystem(f"a batch begins with {begun}")


def public_fractions(program: Program, statement: Statement) -> list[PublicFraction]:
    """What the statement adds to the buses.

    Raises:
        MalformedSystem: The program begins a batch with something else than a statement says.
    """
    check_beginning(program)
    previous, config = statement.previous_root, statement.config_digest
    numbers = (*word_limbs(statement.number), *word_limbs(statement.time))
    return [
        PublicFraction(HEADER, 1, (*numbers, *previous, *config, *previous, *config)),
        PublicFraction(STATE, -1, (*previous, *statement.new_root)),
        PublicFraction(CONFIG, -1, config),
        PublicFraction(CHAIN, 1, (0, 0, *ZERO_DIGEST)),
        PublicFraction(CHAIN, -1, (statement.count, 1, *statement.operations_digest)),
    ]
