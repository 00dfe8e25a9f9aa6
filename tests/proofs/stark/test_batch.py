"""Real batches proved: honest ones verify, and nothing else does."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import attrs
import numpy as np
import pytest

from perp_hash.digest import unpack_digest
from perp_hash.field import MODULUS
from perp_proofs.air.batch import BatchSystem, batch_system
from perp_proofs.air.check import check_trace
from perp_proofs.air.statement import Statement, public_fractions, statement_bytes
from perp_proofs.program.recorder import record_program
from perp_proofs.stark.batch import Filled, batch_trace, prove_batch
from perp_proofs.stark.fill.chains import fill_chains
from perp_proofs.stark.fill.lookups import fill_lookups
from perp_proofs.stark.prover import prove
from perp_proofs.verifier.batch import BatchProof, MalformedProof, read_proof, verify_batch, write_proof
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.security import PROFILE_100, PROFILE_128
from perp_reference.core.batch import Batch
from perp_reference.core.machine import rule_of
from perp_reference.core.state import State, genesis
from perp_reference.demo import ACTS, Cast
from perp_reference.kernels.tree import commitment
from perp_spec.perpetual.defaults import default_config
from support.state_side import NAMES, PARTS, built, bus_faults, next_batch, random_batch
from support.walk import Walk

CAST = Cast({0: 0, 2: 22, 3: 33, 4: 44, 5: 55, 6: 66, 7: 33})

SMALLEST = 5
"""The act of the demo with the fewest cells."""


@pytest.fixture(scope="session")
def made() -> BatchSystem:
    """The system of the recorded rules."""
    return batch_system(record_program())


@pytest.fixture(scope="session")
def acts() -> list[tuple[State, Batch, int]]:
    """The batches of the demo, each with the state before it and the root after it."""
    state = genesis(default_config(3))
    found: list[tuple[State, Batch, int]] = []
    for act in ACTS:
        before = state.copy()
        batch = built(state, act.time, act.operations(CAST))
        found.append((before, batch, commitment(state).root))
    return found


@pytest.fixture(scope="session")
def filled(made: BatchSystem, acts: list[tuple[State, Batch, int]]) -> Filled:
    """The smallest batch, filled."""
    state, batch, _ = acts[SMALLEST]
    return batch_trace(made, state, commitment(state), batch)


@pytest.fixture(scope="session")
def file(made: BatchSystem, acts: list[tuple[State, Batch, int]]) -> bytes:
    """The file of the proof of the smallest batch."""
    state, batch, _ = acts[SMALLEST]
    return write_proof(prove_batch(made, state, commitment(state), batch))


def refused(made: BatchSystem, data: bytes) -> bool:
    """The file is refused with the one error type."""
    try:
        verify_batch(made, read_proof(data))
    except ProofError:
        return True
    return False


@pytest.mark.parametrize("act", range(len(ACTS)))
def test_the_trace_of_every_batch_of_the_demo_is_right(
    made: BatchSystem, acts: list[tuple[State, Batch, int]], act: int
) -> None:
    """Every constraint, every bus, and the root of the integer machine."""
    state, batch, root = acts[act]
    found = batch_trace(made, state, commitment(state), batch)
    assert bus_faults(made.system.tables, found.trace, public_fractions(made.program, found.statement)) == []
    assert found.statement.new_root == unpack_digest(root)


def test_the_checker_on_integers_agrees(made: BatchSystem, filled: Filled) -> None:
    """The slow checker of rows and buses finds nothing in an honest trace, and names a cell that is wrong."""
    public = public_fractions(made.program, filled.statement)
    tables = [table for table in made.system.tables if not table.name.startswith("permutation")]
    rows = {name: own.T.tolist() for name, own in filled.trace.items()}
    given = {2: lambda _: True}
    assert check_trace(tables, rows, public, given) == []
    rows["global"][0][1] = (rows["global"][0][1] + 1) % MODULUS
    assert any("global" in str(fault) for fault in check_trace(tables, rows, public, given))


def test_the_smallest_batch_is_proved(made: BatchSystem, file: bytes) -> None:
    proof = read_proof(file)
    assert write_proof(proof) == file
    assert verify_batch(made, proof).security.bits >= 100
    assert len(file) < 600 * 1024


Change = Callable[[Statement], Statement]


def other(digest: tuple[int, ...]) -> tuple[int, ...]:
    """Another digest."""
    return ((digest[0] + 1) % MODULUS, *digest[1:])


FORGED: dict[str, Change] = {
    "suite": lambda own: replace(own, suite="poseidon-koalabear-16-r8-20.v1"),
    "program": lambda own: replace(own, program_digest=other(own.program_digest)),
    "configuration": lambda own: replace(own, config_digest=other(own.config_digest)),
    "previous root": lambda own: replace(own, previous_root=other(own.previous_root)),
    "new root": lambda own: replace(own, new_root=other(own.new_root)),
    "roots swapped": lambda own: replace(own, previous_root=own.new_root, new_root=own.previous_root),
    "operations": lambda own: replace(own, operations_digest=other(own.operations_digest)),
    "count": lambda own: replace(own, count=own.count + 1),
    "number": lambda own: replace(own, number=own.number + 1),
    "time": lambda own: replace(own, time=own.time + 1),
}


@pytest.mark.parametrize("change", FORGED)
def test_another_statement_does_not_verify(made: BatchSystem, file: bytes, change: str) -> None:
    proof = read_proof(file)
    forged = read_proof(write_proof(replace(proof, statement=FORGED[change](proof.statement))))
    own = {"suite": "the statement is about the hash suite", "program": "the statement is about another program"}
    assert refusal(made, forged).startswith(own.get(change, "the constraints do not hold at the point"))


BY_THE_PROOF = [
    pytest.param(name, marks=() if name in ("new root", "operations") else pytest.mark.stark_long)
    for name in FORGED
    if name not in ("suite", "program", "roots swapped")
]


@pytest.mark.parametrize("change", BY_THE_PROOF)
def test_a_trace_does_not_prove_another_statement(made: BatchSystem, filled: Filled, change: str) -> None:
    """Given a prover that proves the false statement with the honest trace, then it is not accepted."""
    statement = FORGED[change](filled.statement)
    fractions = public_fractions(made.program, statement)
    proof = prove(made.system, filled.trace, fractions, statement_bytes(statement))
    assert refused(made, write_proof(BatchProof(PROFILE_100, statement, proof)))


def test_the_proof_of_one_program_is_not_one_of_another(made: BatchSystem, file: bytes) -> None:
    text_made = replace(made.system, digest=bytes(32))
    assert refused(replace(made, system=text_made), file)


CELLS = [
    ("end_batch", 7),
    ("global", 30),
    ("permutation", 40),
    *(
        pytest.param(name, column, marks=pytest.mark.stark_long)
        for name, column in (("nodes", 4), ("accounts", 3), ("operations", 2), ("range", 0), ("parameters", 9))
    ),
]


@pytest.mark.parametrize(("name", "column"), CELLS)
def test_a_wrong_cell_is_not_proved(made: BatchSystem, filled: Filled, name: str, column: int) -> None:
    """Given one cell of the trace more by 1, then its proof is not accepted."""
    trace = {own: columns.copy() for own, columns in filled.trace.items()}
    trace[name][column, 0] = (int(trace[name][column, 0]) + 1) % MODULUS
    fractions = public_fractions(made.program, filled.statement)
    proof = prove(made.system, trace, fractions, statement_bytes(filled.statement))
    assert refused(made, write_proof(BatchProof(PROFILE_100, filled.statement, proof)))


Lists = Callable[[list[Any]], list[Any]]

LISTS: dict[str, Lists] = {
    "reordered": lambda operations: [operations[1], operations[0], *operations[2:]],
    "dropped": lambda operations: operations[1:],
    "repeated": lambda operations: [operations[0], *operations],
}


def relisted(made: BatchSystem, filled: Filled, state: State, given: list[Any]) -> Filled:
    """The rows of the rules of one list of operations, with the chain, the digest and the count of another."""
    trace = {own: columns.copy() for own, columns in filled.trace.items()}
    chains, digest, _ = fill_chains(made.program, made.system.tables, state.config, given)
    trace |= chains
    fill_lookups(made.program, made.system.tables, trace)
    return Filled(replace(filled.statement, operations_digest=digest, count=len(given)), trace)


@pytest.mark.stark_long
@pytest.mark.parametrize("change", LISTS)
def test_another_list_of_operations_is_not_proved(
    made: BatchSystem, acts: list[tuple[State, Batch, int]], filled: Filled, change: str
) -> None:
    """Given a statement of other operations than ran, the trace honest or a chain to suit it, then it is refused."""
    state, batch, _ = acts[SMALLEST]
    same = relisted(made, filled, state, list(batch.operations))
    assert same.statement == filled.statement
    assert all(np.array_equal(same.trace[name], own) for name, own in filled.trace.items())
    forged = relisted(made, filled, state, LISTS[change](list(batch.operations)))
    assert forged.statement.operations_digest != filled.statement.operations_digest
    fractions = public_fractions(made.program, forged.statement)
    for trace in (filled.trace, forged.trace):
        proof = prove(made.system, trace, fractions, statement_bytes(forged.statement))
        assert refusal(made, BatchProof(PROFILE_100, forged.statement, proof)) == "the buses do not balance"


def refusal(made: BatchSystem, proof: BatchProof) -> str:
    """Why a proof is refused."""
    with pytest.raises(ProofError) as caught:
        verify_batch(made, proof)
    return str(caught.value)


@pytest.mark.stark_long
def test_another_configuration_is_not_the_one_of_the_statement(made: BatchSystem) -> None:
    """Given a batch under the prover's own configuration, from a root of both, then it is about that one only."""
    config = default_config(3)
    own = attrs.evolve(config, name="of the prover")
    act = ACTS[0]
    true, state = genesis(config), genesis(own)
    before = state.copy()
    batch = built(state, act.time, act.operations(CAST))
    found = batch_trace(made, before, commitment(before), batch)
    assert commitment(true).root == commitment(before).root
    proof = prove_batch(made, before, commitment(before), batch)
    verify_batch(made, proof)
    digest = unpack_digest(commitment(true).config_digest)
    assert digest != proof.statement.config_digest
    forged = replace(proof.statement, config_digest=digest)
    assert refusal(made, replace(proof, statement=forged)).startswith("the constraints do not hold")
    fractions = public_fractions(made.program, forged)
    again = prove(made.system, found.trace, fractions, statement_bytes(forged))
    assert refusal(made, BatchProof(PROFILE_100, forged, again)) == "the buses do not balance"


@pytest.mark.stark_long
def test_a_program_with_a_guard_less_proves_nothing_about_the_true_one(
    made: BatchSystem, acts: list[tuple[State, Batch, int]]
) -> None:
    """Given tables with a guard taken out, under the digest of the true program, then nobody else believes them."""
    state, batch, _ = acts[SMALLEST]
    name = rule_of(batch.operations[0]).name
    table = made.program.tables[name]
    guard = next(at for at, one in enumerate(table.instructions) if one.code == "require")
    fewer = replace(table, instructions=(*table.instructions[:guard], *table.instructions[guard + 1 :]))
    other = batch_system(replace(made.program, tables={**made.program.tables, name: fewer}))
    assert other.system.digest != made.system.digest
    other = replace(other, system=replace(other.system, digest=made.system.digest))
    proof = prove_batch(other, state, commitment(state), batch)
    verify_batch(other, proof)
    assert refusal(made, proof)


def check_profile_128(made: BatchSystem, state: State, batch: Batch) -> None:
    """A batch has a proof of 128 bits; its profile cannot be given another name."""
    data = write_proof(prove_batch(made, state, commitment(state), batch, PROFILE_128))
    verified = verify_batch(made, read_proof(data), 128)
    assert verified.security.bits >= 128
    assert verified.plan.size == 8 * verified.plan.bound
    assert refused(made, data.replace(b"perp-proof 1 128\n", b"perp-proof 1 100\n", 1))


def test_a_batch_is_proved_at_128_bits(made: BatchSystem, acts: list[tuple[State, Batch, int]], file: bytes) -> None:
    check_profile_128(made, *acts[SMALLEST][:2])
    with pytest.raises(ProofError, match=r"proven bits, below the 128\.00 demanded"):
        verify_batch(made, read_proof(file), 128)
    assert refused(made, file.replace(b"perp-proof 1 100\n", b"perp-proof 1 128\n", 1))


def test_whatever_the_profile_a_hundred_bits_are_demanded(made: BatchSystem, file: bytes) -> None:
    """Given a profile that is content with nothing, then who verifies a batch and says nothing else is not."""
    weak = replace(PROFILE_100, queries=20, target=0.0)
    with pytest.raises(ProofError, match=r"proven bits, below the 100\.00 demanded"):
        verify_batch(made, replace(read_proof(file), profile=weak))


@pytest.mark.stark_long
@pytest.mark.parametrize("act", [act for act in range(len(ACTS)) if act != SMALLEST])
def test_every_batch_of_the_demo_is_proved_at_128_bits(
    made: BatchSystem, acts: list[tuple[State, Batch, int]], act: int
) -> None:
    check_profile_128(made, *acts[act][:2])


def mutated(random: Random, data: bytes) -> bytes:
    """A file that differs: a bit, a byte, a piece cut out, doubled or moved, or an end cut off or put on."""
    at, kind = random.randrange(len(data)), random.randrange(6)
    piece = random.choice((1, 4, 20, 32, 256))
    if kind == 0:
        return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
    if kind == 1:
        return data[:at] + bytes([(data[at] + random.randrange(1, 256)) % 256]) + data[at + 1 :]
    if kind == 2:
        return data[:at] + data[at + piece :]
    if kind == 3:
        return data[:at] + data[at : at + piece] + data[at:]
    if kind == 4:
        return data[:at]
    return data + random.randbytes(piece)


def check_mutations(made: BatchSystem, data: bytes, seed: int, count: int) -> None:
    """Every mutated file is refused."""
    random = Random(seed)
    for _ in range(count):
        wrong = mutated(random, data)
        assert wrong == data or refused(made, wrong)


def test_mutated_proofs_are_refused(made: BatchSystem, file: bytes) -> None:
    check_mutations(made, file, 1, 15)


@pytest.mark.stark_long
def test_many_mutated_proofs_are_refused(made: BatchSystem, file: bytes) -> None:
    check_mutations(made, file, 2, 500)


def test_every_byte_of_the_beginning_counts(made: BatchSystem, file: bytes) -> None:
    """Given a file whose first line, statement or header differs in a byte, then it is refused."""
    behind = file.index(b"\n") + 3 + len(statement_bytes(read_proof(file).statement)) + 40
    for at in range(0, behind, 31):
        assert refused(made, file[:at] + bytes([file[at] ^ 4]) + file[at + 1 :]), at


MALFORMED = [
    (b"", "the first line is not that of a proof"),
    (b"perp-proof 1 100", "the first line is not that of a proof"),
    (b"perp-proof 2 100\n", "the first line is not that of a proof"),
    (b"x" * 1000, "the first line is not that of a proof"),
    (b"perp-proof 1 none\n", "the profile 'none' is not known"),
    (b"perp-proof 1 100\n\xff\x00", "the file ends in its statement"),
    (b"perp-proof 1 100\n\xff", "the file ends in its statement"),
]


@pytest.mark.parametrize(("data", "message"), MALFORMED)
def test_files_that_do_not_begin_like_a_proof_are_malformed(data: bytes, message: str) -> None:
    with pytest.raises(MalformedProof, match=message):
        read_proof(data)


@pytest.mark.parametrize("seed", [100])
def test_random_batches_are_proved(made: BatchSystem, seed: int) -> None:
    check_random(made, seed)


@pytest.mark.stark_long
@pytest.mark.parametrize("seed", range(200, 240))
def test_many_random_batches_are_proved(made: BatchSystem, seed: int) -> None:
    check_random(made, seed)


@pytest.mark.parametrize("seed", range(300, 302))
def test_random_batches_leave_no_fault(made: BatchSystem, seed: int) -> None:
    state, batch = random_batch(seed, tries=30)
    found = batch_trace(made, state, commitment(state), batch)
    assert bus_faults(made.system.tables, found.trace, public_fractions(made.program, found.statement)) == []


def check_random(made: BatchSystem, seed: int) -> None:
    """A random batch: the integer machine's root is the proved one."""
    state, batch = random_batch(seed)
    proof = prove_batch(made, state, commitment(state), batch)
    after = state.copy()
    built(after, batch.header.time, batch.operations[:-1])
    assert proof.statement.new_root == unpack_digest(commitment(after).root)
    verify_batch(made, read_proof(write_proof(proof)))


def test_traces_are_canonical(filled: Filled) -> None:
    assert all(own.dtype == np.uint32 and own.max() < MODULUS for own in filled.trace.values())


@pytest.mark.stark_long
def test_two_thousand_batches_have_one_meaning(made: BatchSystem) -> None:
    """Batches of any operations: the machine on integers, the recorded program and the filled trace give one root.

    Of every hundredth the trace is checked, and of every four hundredth proved and verified.
    """
    done = 0
    for seed in range(400, 440):
        walk = Walk(Random(seed), thorough=False)
        walk.leverage()
        for _ in range(50):
            for name in walk.rng.choices(NAMES, PARTS, k=6):
                walk.step(name)
            state, batch = next_batch(walk, 6)
            commits = commitment(state)
            found = batch_trace(made, state, commits, batch)
            assert found.statement.new_root == unpack_digest(commitment(walk.world.state).root)
            public = public_fractions(made.program, found.statement)
            if done % 100 == 0:
                assert bus_faults(made.system.tables, found.trace, public) == []
            if done % 400 == 0:
                proof = prove(made.system, found.trace, public, statement_bytes(found.statement))
                verify_batch(made, BatchProof(PROFILE_100, found.statement, proof))
            done += 1
    assert done == 2_000
