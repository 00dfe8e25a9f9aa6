"""Proving and verifying: seconds by stage, cells a second, growth with rows, and Plonky3 on the same permutations.

The table is that of the hash suite's permutation, one row a permutation. Plonky3 proves the same permutation with the
same number of rows and the same proven bits, in an extension of the same degree; it is built by cargo from the versions
pinned in benchmarks/peers/plonky3 when cargo is there. Its AIR has no bus; the table here has one, unused.

The bits of both are computed by the formulas of perp_proofs.verifier.security from the actual parameters and sizes;
Plonky3's grinding is that of the profile, and it takes the fewest queries that give it as many bits. It folds by two, a
challenge each, since the theorems are about lines: for its folds by eight with one challenge they say nothing. It is
measured with the blowup of the profile and, where its constraints of degree 3 allow less, with blowup 2.

Figures are wall time and processor time of both threads: on a busy machine only the second means anything.
"""

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from perp_hash.field import MODULUS
from perp_hash.poseidon import DEFAULT_SUITE, WIDTH
from perp_proofs.air.buses import HASH
from perp_proofs.air.permutation import permutation_table
from perp_proofs.air.system import System
from perp_proofs.stark.fill.permutation import permutation_trace
from perp_proofs.stark.prover import prove
from perp_proofs.stark.threads import THREADS
from perp_proofs.verifier.field import DEGREE
from perp_proofs.verifier.security import (
    FIELD_BITS,
    JOHNSON,
    MULTIPLICITY_LEAST,
    MULTIPLICITY_MAX,
    PROFILE_100,
    PROFILES,
    Profile,
    johnson_batch_error,
    johnson_line_error,
    rounded,
    unique_error,
)
from perp_proofs.verifier.verify import verify

PEER = Path(__file__).parent / "peers" / "plonky3"
ENTRIES_OF_HASH = 24
ROWS = (2**8, 2**10, 2**12, 2**14, 2**15)
QUICK_ROWS = (2**8, 2**12)

PEER_COLUMNS = 184
"""Of its table for this permutation: two fewer than here, which has `active` and a multiplicity."""
PEER_DEGREE = 3
"""Of its constraints, so that its quotient has two pieces of the trace's size."""

PEER_PIECES = 2
PEER_FINAL_LENGTH = 32
"""Coefficients of its last polynomial, as main.rs has it."""


def permutation_system() -> System:
    """The permutation table alone, its bus unused."""
    return System("permutations", bytes(32), (permutation_table(DEFAULT_SUITE),), {HASH: ENTRIES_OF_HASH})


def measure(system: System, rows: int, profile: Profile) -> dict[str, Any]:
    """One proof of so many permutations of random states."""
    states = np.random.default_rng(rows).integers(0, MODULUS, (rows, WIDTH), dtype=np.uint32)
    trace = {"permutation": permutation_trace(system.tables[0], states, np.zeros(rows, np.int64))}
    stages: dict[str, list[float]] = {}
    before = time.process_time()

    def progress(stage: str, cells: int, seconds: float) -> None:
        nonlocal before
        now = time.process_time()
        stages[stage] = [cells, seconds, now - before]
        before = now

    started, processor = time.perf_counter(), time.process_time()
    proof = prove(system, trace, [], b"", profile, progress=progress)
    proving, processing = time.perf_counter() - started, time.process_time() - processor
    started = time.process_time()
    verified = verify(system, [], b"", proof, profile)
    verifying = time.process_time() - started
    blocks = verified.plan.blocks
    return {
        "rows": rows,
        "cells": sum(len(block.columns) * block.height for block in blocks),
        "bound": verified.plan.bound,
        "stages": stages,
        "prove_seconds": proving,
        "prove_processor_seconds": processing,
        "verify_processor_seconds": verifying,
        "bytes": len(proof),
        "bits": verified.security.bits,
    }


def build_peer() -> Path | None:
    """The program that proves with Plonky3, or None where cargo is missing or cannot reach its packages."""
    if shutil.which("cargo") is None:
        return None
    flags = os.environ | {"RUSTFLAGS": "-C target-cpu=native"}
    command = ["cargo", "build", "--release", "--quiet"]
    if subprocess.run(command, cwd=PEER, env=flags, check=False).returncode:
        return None
    target = Path(os.environ.get("CARGO_TARGET_DIR", PEER / "target"))
    return target / "release" / "plonky3-peer"


def peer_rounds(profile: Profile, rows: int, blowup: int, multiplicity: int | None) -> dict[str, float]:
    """The rounds of a proof by Plonky3 but for the queries, in bits.

    Its columns are its words and have the trace's size. It opens each of them and of the coefficients of its quotient's
    pieces at one point, and folds by two.
    """
    rate, length = 1 / blowup, rows * blowup
    if multiplicity is None:
        members, batch = 1, math.log2(unique_error(length, rate))
    else:
        members = math.floor((multiplicity + 0.5) * math.sqrt(length / (rows - 1)))
        batch = johnson_batch_error(length, rate, multiplicity)
    listed = math.log2(members)
    found = {
        "constraints": FIELD_BITS - listed - math.log2(PEER_COLUMNS),
        "point": FIELD_BITS - listed - math.log2(PEER_DEGREE * rows),
        "batch": FIELD_BITS - batch - math.log2(PEER_COLUMNS + DEGREE * PEER_PIECES - 1) + profile.batch_grinding,
    }
    size = rows // 2
    while size >= PEER_FINAL_LENGTH:
        part = size * blowup
        lost = unique_error(part, rate) if multiplicity is None else johnson_line_error(part, size, multiplicity)
        found[f"fold to {size}"] = FIELD_BITS - math.log2(lost) + profile.fold_grinding
        size //= 2
    return found


def peer_bits(profile: Profile, rows: int, blowup: int, queries: int) -> float:
    """Proven bits of a proof by Plonky3, by the formulas and with the decoder's best multiplicity."""
    best = 0.0
    choices = range(MULTIPLICITY_LEAST, MULTIPLICITY_MAX) if profile.decoding == JOHNSON else [None]
    for multiplicity in choices:
        rate = 1 / blowup
        agreement = (1 + rate) / 2 if multiplicity is None else math.sqrt(rate) * (1 + 1 / (2 * multiplicity))
        if agreement < 1:
            found = peer_rounds(profile, rows, blowup, multiplicity)
            found["queries"] = -queries * math.log2(agreement) + profile.query_grinding
            best = max(best, rounded(min(found.values())))
    return best


def peer_queries(profile: Profile, rows: int, blowup: int, bits: float) -> int | None:
    """The fewest queries with which Plonky3 has so many bits; None where no number is enough."""
    return next((count for count in range(1, 512) if peer_bits(profile, rows, blowup, count) >= bits), None)


def measure_peer(program: Path, rows: int, profile: Profile, blowup: int, bits: float) -> dict[str, Any] | None:
    """One proof of as many permutations by Plonky3; the second of two, so that its threads are warm."""
    queries = peer_queries(profile, rows, blowup, bits)
    if queries is None:
        return None
    numbers = (rows.bit_length() - 1, blowup.bit_length() - 1, 1, queries)
    numbers += (profile.query_grinding, profile.fold_grinding, 2)
    environment = os.environ | {"RAYON_NUM_THREADS": str(THREADS)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([program, *map(str, numbers)], env=environment, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = json.loads(done.stdout)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert result["columns"] == PEER_COLUMNS
    return {
        "columns": result["columns"],
        "blowup": blowup,
        "queries": queries,
        "bits": peer_bits(profile, rows, blowup, queries),
        "prove_seconds": result["prove_seconds"][-1],
        "processor_seconds_with_filling": spent / 2,
        "verify_seconds": result["verify_seconds"][-1],
        "bytes": result["bytes"],
    }


def show(row: dict[str, Any]) -> None:
    """Print the figures of one size."""
    cells, seconds, processor = row["cells"], row["prove_seconds"], row["prove_processor_seconds"]
    print(
        f"{row['rows']:>7,} permutations {cells:>12,} cells {seconds:>8.3f} s {processor:>8.3f} s processor"
        f"{cells * THREADS / processor / 1e6:>8.1f} M cells a second on {THREADS} threads"
        f"{row['bytes']:>10,} bytes, verified in {row['verify_processor_seconds']:.2f} s, {row['bits']:.2f} bits"
    )
    for stage, (own, wall, spent) in row["stages"].items():
        print(f"        {stage:<22}{wall:>8.3f} s{spent:>8.3f} s processor{own / max(spent, 1e-9) / 1e6:>9.1f} M cells")
    for peer in row.get("plonky3", ()):
        print(
            f"        Plonky3, blowup {peer['blowup']}, {peer['queries']} queries: {peer['prove_seconds']:.3f} s,"
            f" {peer['processor_seconds_with_filling']:.3f} s processor with filling, {peer['bytes']:,} bytes,"
            f" verified in {peer['verify_seconds']:.3f} s, {peer['bits']:.2f} bits"
        )


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two sizes only")
    parser.add_argument("--profile", choices=sorted(PROFILES), default=PROFILE_100.name)
    parser.add_argument("--no-peer", action="store_true", help="do not build and run Plonky3")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    profile, system = PROFILES[options.profile], permutation_system()
    peer = None if options.no_peer else build_peer()
    measure(system, QUICK_ROWS[0], profile)  # compiles, or loads what was compiled
    rows: list[dict[str, Any]] = []
    for count in QUICK_ROWS if options.quick else ROWS:
        measured = measure(system, count, profile)
        if peer is not None:
            own = [measure_peer(peer, count, profile, blowup, measured["bits"]) for blowup in (profile.blowup, 2)]
            measured["plonky3"] = [figures for figures in own if figures is not None]
        rows.append(measured)
        if not options.json:
            show(measured)
    if options.json:
        largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"profile": profile.name, "threads": THREADS, "rows": rows, "greatest_kilobytes": largest}))
    elif peer is None:
        print("Plonky3 was not measured: cargo or its packages are missing, or --no-peer was given")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
