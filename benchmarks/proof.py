"""Proving and verifying: seconds by stage, cells a second, growth with rows, and Plonky3 on the same permutations.

The table is that of the hash suite's permutation, one row a permutation. Plonky3 proves the same permutation with the
same number of rows, blowup, queries and grinding, in an extension of the same degree; it is built by cargo from the
versions pinned in benchmarks/peers/plonky3 when cargo is there. Its AIR has no bus; the table here has one, unused.
Figures are wall time and processor time of both threads: on a busy machine only the second means anything.
"""

import argparse
import json
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
from perp_proofs.verifier.security import PROFILE_100, PROFILES, Profile
from perp_proofs.verifier.verify import verify

PEER = Path(__file__).parent / "peers" / "plonky3"
ENTRIES_OF_HASH = 24
ROWS = (2**8, 2**10, 2**12, 2**14, 2**15)
QUICK_ROWS = (2**8, 2**12)


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


def measure_peer(program: Path, rows: int, profile: Profile) -> dict[str, Any]:
    """One proof of as many permutations by Plonky3; the second of two, so that its threads are warm."""
    numbers = (rows.bit_length() - 1, profile.blowup.bit_length() - 1, profile.queries)
    numbers += (profile.query_grinding, profile.fold_grinding, 2)
    environment = os.environ | {"RAYON_NUM_THREADS": str(THREADS)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([program, *map(str, numbers)], env=environment, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = json.loads(done.stdout)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "columns": result["columns"],
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
    peer = row.get("plonky3")
    if peer:
        print(
            f"        Plonky3: {peer['prove_seconds']:.3f} s, {peer['processor_seconds_with_filling']:.3f} s processor,"
            f" {peer['bytes']:,} bytes, verified in {peer['verify_seconds']:.3f} s"
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
            measured["plonky3"] = measure_peer(peer, count, profile)
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
