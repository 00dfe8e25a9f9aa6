"""What the commands on proofs share: the recorded program as a system, progress, and what is said of a proof.

The prover is imported only where something is proved: it compiles, and verifying needs no more than Python.
"""

import functools
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perp_cli.output import Output
from perp_hash.digest import digest_to_hex
from perp_proofs.air.batch import BatchSystem, batch_system
from perp_proofs.air.statement import DIGEST_FIELDS, NUMBER_FIELDS, Statement
from perp_proofs.program.listing import ListingError, Program, parse_program
from perp_proofs.verifier.batch import BatchProof
from perp_proofs.verifier.verify import Verified
from perp_reference.core.batch import Batch
from perp_reference.core.commitment import Commitment
from perp_reference.core.state import State
from perp_reference.errors import MalformedInput
from perp_reference.formats.text import read_file

if TYPE_CHECKING:
    from perp_reference.store.store import Store

MEGA = 1_000_000

IN_CIRCUIT = "roots and digests are made with Poseidon: 124 bits against collisions, if it has no weakness"


@contextmanager
def uncollected() -> Iterator[None]:
    """Keeps the garbage collector from what a block builds to last: it would look for garbage often and find none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if enabled:
            gc.enable()


@functools.cache
def recorded_program() -> Program:
    """The program of the rules that are installed."""
    from perp_proofs.program.recorder import record_program

    with uncollected():
        return record_program()


@functools.cache
def recorded_system() -> BatchSystem:
    """What a proof of a batch by these rules is about."""
    program = recorded_program()
    with uncollected():
        return batch_system(program)


def read_program(file: Path) -> Program:
    """The program in a file.

    Raises:
        MalformedInput: It is none.
    """
    try:
        return parse_program(read_file(file).decode("utf-8"))
    except (ListingError, UnicodeDecodeError) as error:
        raise MalformedInput(str(file), None, None, "the canonical text of a program", str(error)) from None


@dataclass(frozen=True)
class Before:
    """A state and its trees as they were before a batch."""

    state: State
    commits: Commitment

    @classmethod
    def of(cls, store: "Store") -> "Before":
        """Those of a store, to be kept while it moves on."""
        state = store.state.copy()
        return cls(state, store.commitment.copied(state))


class Watch:
    """Says on a terminal what is being done, and how fast."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def stage(self, name: str) -> None:
        """A stage begins."""
        self._output.progress(name)

    def cells(self, name: str, cells: int, seconds: float) -> None:
        """A stage of the prover is done."""
        speed = cells / max(seconds, 1e-6) / MEGA
        self._output.progress(f"proving: {name} done, {speed:.1f} million cells a second")


@contextmanager
def timed() -> Iterator[list[float]]:
    """Gives a list that holds the seconds of the block after it."""
    seconds: list[float] = []
    started = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - started)


def prove(before: Before, batch: Batch, output: Output, profile: str = "100") -> BatchProof:
    """Prove a batch from the state before it.

    Raises:
        ProofError: There is no proof of so many bits.
    """
    from perp_proofs.stark.batch import prove_batch
    from perp_proofs.verifier.security import PROFILES

    watch = Watch(output)
    watch.stage("recording the rules")
    made = recorded_system()
    return prove_batch(
        made, before.state, before.commits, batch, PROFILES[profile], stage=watch.stage, progress=watch.cells
    )


def statement_texts(statement: Statement) -> dict[str, str]:
    """The parts of a statement as text: digests in hexadecimal, numbers in decimal."""
    texts = {"suite": statement.suite}
    texts |= {name: digest_to_hex(getattr(statement, name)) for name in DIGEST_FIELDS}
    return texts | {name: str(getattr(statement, name)) for name in NUMBER_FIELDS}


def statement_lines(statement: Statement) -> list[str]:
    """A statement for people."""
    return [f"  {name.replace('_', ' '):18} {text}" for name, text in statement_texts(statement).items()]


def proof_document(proof: BatchProof, data: bytes) -> dict[str, object]:
    """What a proof file says it proves, for programs."""
    return {"statement": statement_texts(proof.statement), "profile": proof.profile.name, "bytes": len(data)}


def security_document(verified: Verified) -> dict[str, object]:
    """How secure a proof is, for programs."""
    security = verified.security
    return {
        "bits": security.bits,
        "total_bits": security.total,
        "rounds": {entry.name: entry.bits for entry in security.rounds},
        "rests_on": security.sentence(),
        "digests": IN_CIRCUIT,
    }


def proof_maker(output: Output) -> Callable[[State, Commitment, Batch], bytes]:
    """What makes the proof file of a batch from the state before it and its trees, saying on a terminal how it goes."""
    from perp_proofs.verifier.batch import write_proof

    return lambda state, commits, batch: write_proof(prove(Before(state, commits), batch, output))
