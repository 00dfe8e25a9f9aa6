"""Batches proved: the recorded program runs on the state before, every table is filled, and the trace is proved."""

from collections.abc import Callable
from dataclasses import dataclass

from perp_hash.digest import digest_from_bytes, unpack_digest
from perp_proofs.air.batch import BatchSystem
from perp_proofs.air.statement import Statement, public_fractions, statement_bytes
from perp_proofs.program.shapes import flat
from perp_proofs.stark.fill.chains import fill_chains
from perp_proofs.stark.fill.chunks import Runner
from perp_proofs.stark.fill.columns import Trace
from perp_proofs.stark.fill.history import history
from perp_proofs.stark.fill.lookups import fill_lookups
from perp_proofs.stark.fill.rules import fill_rules, link
from perp_proofs.stark.fill.state import Left, Memory, fill_state, state_roots
from perp_proofs.stark.prover import Progress, prove
from perp_proofs.verifier.batch import BatchProof
from perp_proofs.verifier.security import PROFILE_100, Profile
from perp_reference.core.batch import Batch
from perp_reference.core.commitment import Commitment
from perp_reference.core.machine import rule_of
from perp_reference.core.state import State

Stage = Callable[[str], None]
"""Told the name of each stage as it begins."""


@dataclass(frozen=True)
class Filled:
    """A batch that is ready to be proved."""

    statement: Statement
    trace: Trace

    @property
    def cells(self) -> int:
        """Committed cells of the trace, those of the bus columns not counted."""
        return sum(columns.size for columns in self.trace.values())


def run_rules(made: BatchSystem, state: State, batch: Batch) -> tuple[Runner, Memory]:
    """Run a batch on a state, which is only read: the rows of the rules, and what they leave in memory.

    Raises:
        Refused: A guard is false; the batch is invalid.
    """
    header = batch.header
    root, config = header.previous_root, header.config_digest
    found = history(state, header, root, config, batch.operations)
    runner = Runner(made.rules, found)
    (first,) = made.program.of_role("batch")
    runner.operations(first.name, [0], [[header.number, header.time, root, config, root, config]])
    kinds: dict[str, tuple[list[int], list[list[int]]]] = {}
    for number, operation in enumerate(batch.operations, 1):
        numbers, arguments = kinds.setdefault(rule_of(operation).name, ([], []))
        numbers.append(number)
        arguments.append([int(leaf) for leaf in flat(operation)])
    for name, (numbers, arguments) in kinds.items():
        runner.operations(name, numbers, arguments)
    return runner, {place: Left(time, found.left(*place)) for place, time in link(runner.chunks).items()}


def batch_trace(
    made: BatchSystem, state: State, commits: Commitment, batch: Batch, stage: Stage = lambda _: None
) -> Filled:
    """Fill all tables of a batch, from the state before it and its trees, which are only read.

    Raises:
        Refused: A guard is false; the batch is invalid.
    """
    tables = made.system.tables
    stage("running the recorded program")
    runner, memory = run_rules(made, state, batch)
    stage("filling the rules")
    trace: Trace = fill_rules(made.rules, runner)
    stage("filling the state")
    trace |= fill_state(made.program, tables, state, commits, memory)
    chains, operations_digest, config_digest = fill_chains(made.program, tables, state.config, batch.operations)
    trace |= chains
    stage("filling what is looked up")
    fill_lookups(made.program, tables, trace)
    previous_root, new_root = state_roots(tables, trace)
    if batch.header.previous_root != commits.root or unpack_digest(commits.root) != previous_root:
        raise ValueError("the batch is not one of this state")
    statement = Statement(
        suite=made.program.suite,
        program_digest=digest_from_bytes(made.system.digest),
        config_digest=config_digest,
        previous_root=previous_root,
        new_root=new_root,
        operations_digest=operations_digest,
        count=len(batch.operations),
        number=batch.header.number,
        time=batch.header.time,
    )
    return Filled(statement, trace)


def prove_batch(
    made: BatchSystem,
    state: State,
    commits: Commitment,
    batch: Batch,
    profile: Profile = PROFILE_100,
    stage: Stage = lambda _: None,
    progress: Progress | None = None,
) -> BatchProof:
    """Prove a batch, from the state before it and its trees, which are only read.

    Raises:
        Refused: A guard is false; the batch is invalid.
        ValueError: The batch is not one of this state.
        ProofError: The proof would be less secure than the profile promises.
    """
    filled = batch_trace(made, state, commits, batch, stage)
    fractions = public_fractions(made.program, filled.statement)
    proof = prove(made.system, filled.trace, fractions, statement_bytes(filled.statement), profile, progress=progress)
    return BatchProof(profile, filled.statement, proof)
