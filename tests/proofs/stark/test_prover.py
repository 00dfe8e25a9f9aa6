"""True traces are proved and verified, in every shape; what a proof is about cannot be exchanged."""

from dataclasses import replace

import numpy as np
import pytest

from perp_hash.field import MODULUS
from perp_proofs.air.system import Heights, PublicFraction, System, Table
from perp_proofs.stark.prover import ProvingError, choose_bound, prove
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.plan import plan
from perp_proofs.verifier.security import JOHNSON, PROFILE_100, PROFILE_128, UNIQUE, Profile, Sizes, security
from perp_proofs.verifier.verify import verify
from support.toys import FAST, RESULT, range_table, toy_system, toy_trace

SYSTEM = toy_system()

SHAPES = [
    # rows of the power table, of the taker, used ones, degree bound
    (16, 16, 8, 512),
    (1, 4, 1, 512),
    (2, None, 1, 1024),
    (8, 16, 8, 2048),
    (128, 128, 60, 512),
    (256, 128, 100, 512),
    (512, 256, 200, 512),
    (1024, 2048, 1000, 512),
    (2048, 2048, 1500, 1024),
    (64, 4096, 64, 2048),
    (16, 16, 0, 4096),
]


@pytest.mark.parametrize(("power_rows", "taker_rows", "used", "bound"), SHAPES)
def test_a_true_trace_verifies(power_rows: int, taker_rows: int | None, used: int, bound: int) -> None:
    """Heights below, at and above the degree bound, alone and together; the quotient's height below and above it."""
    trace, public = toy_trace(power_rows, taker_rows, used)
    proof = prove(SYSTEM, trace, public, b"statement", FAST, bound)
    assert verify(SYSTEM, public, b"statement", proof, FAST).plan.bound == bound


@pytest.mark.parametrize("blowup", [4, 8, 16])
@pytest.mark.parametrize("decoding", [JOHNSON, UNIQUE])
def test_every_blowup_verifies(blowup: int, decoding: str) -> None:
    profile = Profile("test", blowup, 10, 3, 5, 4, decoding, 0.0)
    for shape in ((16, 16, 8, 512), (1024, 2048, 1000, 512)):
        trace, public = toy_trace(*shape[:3])
        proof = prove(SYSTEM, trace, public, b"", profile, shape[3])
        verify(SYSTEM, public, b"", proof, profile)


@pytest.mark.parametrize("profile", [PROFILE_100, PROFILE_128])
def test_the_profiles_reach_their_targets(profile: Profile) -> None:
    trace, public = toy_trace(64, 64, 40)
    proof = prove(SYSTEM, trace, public, b"statement", profile)
    verified = verify(SYSTEM, public, b"statement", proof, profile)
    assert verified.security.bits >= profile.target
    with pytest.raises(ProofError, match="proven bits, below the 140"):
        verify(SYSTEM, public, b"statement", proof, profile, target=140)


def test_too_little_security_is_refused_by_both() -> None:
    trace, public = toy_trace(16, 16, 8)
    weak = replace(FAST, target=100.0)
    with pytest.raises(ProofError, match=r"proven bits, below the 100\.00 demanded"):
        prove(SYSTEM, trace, public, b"", weak, 512)
    proof = prove(SYSTEM, trace, public, b"", FAST, 512)
    with pytest.raises(ProofError, match=r"proven bits, below the 100\.00 demanded"):
        verify(SYSTEM, public, b"", proof, weak)


def test_a_table_of_one_column_without_buses_verifies() -> None:
    """There is no tree of fractions then."""
    table = Table("alone", Heights(1, 2**10))
    column = table.column("bit", 0, 1)
    table.zero("a bit", column * (column - 1))
    system = System("alone", bytes(32), (table,), {})
    for height in (1, 8, 1024):
        trace = {"alone": np.ones((1, height), np.uint32)}
        proof = prove(system, trace, [], b"", FAST, 512)
        verify(system, [], b"", proof, FAST)
        trace["alone"][0, height // 2] = 2
        with pytest.raises(ProofError, match="constraints do not hold"):
            verify(system, [], b"", prove(system, trace, [], b"", FAST, 512), FAST)


def test_another_statement_is_refused() -> None:
    trace, public = toy_trace(16, 16, 8)
    proof = prove(SYSTEM, trace, public, b"statement", FAST, 512)
    (fraction,) = public
    (result,) = fraction.entries
    statements = [
        (SYSTEM, public, b"Statement"),
        (SYSTEM, public, b""),
        (SYSTEM, [], b"statement"),
        (SYSTEM, [*public, *public], b"statement"),
        (SYSTEM, [replace(fraction, entries=(result + 1,))], b"statement"),
        (SYSTEM, [replace(fraction, numerator=1)], b"statement"),
        (SYSTEM, [*public, PublicFraction(RESULT, 0, (5,))], b"statement"),
        (replace(SYSTEM, digest=b"\1" * 32), public, b"statement"),
        (replace(SYSTEM, name="other"), public, b"statement"),
        (replace(SYSTEM, tables=(range_table(), *SYSTEM.tables[2:0:-1])), public, b"statement"),
    ]
    for system, fractions, statement in statements:
        with pytest.raises(ProofError):
            verify(system, fractions, statement, proof, FAST)
    # The message is one modulo p: entries that differ by p are the same statement.
    verify(SYSTEM, [replace(fraction, entries=(result - MODULUS,))], b"statement", proof, FAST)


def test_a_statement_of_unknown_messages_is_refused() -> None:
    trace, _ = toy_trace(16, 16, 8)
    for fraction in (PublicFraction(9, 1, (1,)), PublicFraction(RESULT, 1, (1, 2))):
        with pytest.raises(ProofError, match="that the system does not know"):
            prove(SYSTEM, trace, [fraction], b"", FAST, 512)


def test_parameters_of_another_profile_are_refused() -> None:
    trace, public = toy_trace(16, 16, 8)
    proof = prove(SYSTEM, trace, public, b"", FAST, 512)
    for change in ({"blowup": 8}, {"queries": 25}, {"query_grinding": 5}, {"batch_grinding": 3}, {"fold_grinding": 1}):
        with pytest.raises(ProofError):
            verify(SYSTEM, public, b"", proof, replace(FAST, **change))


def test_a_trace_of_another_shape_is_refused() -> None:
    trace, public = toy_trace(16, 16, 8)
    wrong = {
        "expected 4 columns": trace | {"power": trace["power"][:3]},
        "expected 4 columns of uint32": trace | {"power": trace["power"].astype(np.uint64)},
        "no table other": trace | {"other": trace["power"]},
        "a cell is not canonical": trace | {"power": trace["power"] + np.uint32(MODULUS)},
    }
    for message, own in wrong.items():
        with pytest.raises(ProvingError, match=message):
            prove(SYSTEM, own, public, b"", FAST, 512)
    for message, own in {
        "table power is absent": {name: trace[name] for name in ("range", "taker")},
        "table range cannot have 16 rows": trace | {"range": trace["range"][:, :16].copy()},
        "table power cannot have 12 rows": trace | {"power": trace["power"][:, :12].copy()},
    }.items():
        with pytest.raises(ProofError, match=message):
            prove(SYSTEM, own, public, b"", FAST, 512)


def test_progress_names_every_stage() -> None:
    trace, public = toy_trace(16, 16, 8)
    stages: list[tuple[str, int]] = []
    prove(SYSTEM, trace, public, b"", FAST, 512, progress=lambda stage, cells, _: stages.append((stage, cells)))
    assert [stage for stage, _ in stages] == [
        "trace transform",
        "trace tree",
        "fractions",
        "fractions transform",
        "fractions tree",
        "constraints",
        "quotient transform",
        "quotient tree",
        "openings",
        "batch",
        "folding",
        "grinding",
        "queries",
    ]
    assert dict(stages)["trace transform"] == 32 + 4 * 16 + 4 * 16


def test_proofs_repeat() -> None:
    """Nothing in a proof is random: two runs on two threads give the same bytes."""
    trace, public = toy_trace(512, 256, 200)
    assert len({prove(SYSTEM, trace, public, b"", FAST, 512) for _ in range(3)}) == 1


def test_the_chosen_bound_follows_the_cells() -> None:
    assert choose_bound(SYSTEM, (32, 16, 16), FAST, []) == 512
    assert choose_bound(SYSTEM, (32, 2**16, 2**16), FAST, []) == 2**15


def test_the_chosen_bound_is_low_enough_for_the_target() -> None:
    heights = (32, 2**16, 2**16)
    figures = {
        bound: security(PROFILE_100, Sizes.of(plan(SYSTEM, heights, bound, 4), 2**20)).bits
        for bound in (2**12, 2**13, 2**14, 2**15)
    }
    best = max(bound for bound in figures if figures[bound] > figures[2**15])
    demanding = replace(PROFILE_100, target=figures[best])
    assert choose_bound(SYSTEM, heights, demanding, []) == best
