"""Trades proved a second: batches of trades between random accounts of a large state, proved and verified.

Each size is proved twice, and the second time counts: the first may compile. Every trade is between two accounts that
no other trade of the batch is of, with three positions each; half of them have used order slots before. Seconds are
of the clock, on as many threads as the prover takes; those of `perp verify` are of a process of its own, all in all.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from perp_proofs.air.batch import BatchSystem, batch_system
from perp_proofs.air.statement import public_fractions, statement_bytes
from perp_proofs.program.recorder import record_program
from perp_proofs.stark.batch import Filled, batch_trace
from perp_proofs.stark.prover import prove
from perp_proofs.verifier.batch import BatchProof, verify_batch, write_proof
from perp_proofs.verifier.field import DEGREE
from perp_proofs.verifier.security import PROFILES
from perp_reference.core.batch import Batch, build_batch
from perp_reference.core.commitment import Commitment
from perp_reference.core.state import RecordKey, State, genesis
from perp_reference.kernels.tree import commitment
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import Order, Trade
from perp_spec.perpetual.records import (
    FIRST_USER,
    Account,
    Exchange,
    Kind,
    Ledger,
    MarketBook,
    MarketPrice,
    OrderSlot,
    Position,
)
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS

NOW = 1_700_000_000
FOREVER = 2**39
PRICE = 4_000_000
POSITIONS = 3
SIZE = 1_000


def large_state(accounts: int) -> State:
    """So many accounts with three positions each, every second one short."""
    dice = random.Random(accounts)
    state = genesis(default_config())
    state.put(Exchange, 0, Exchange(number=1, time=NOW))
    state.put(Ledger, 0, Ledger(vault=2**55, bucket=2**50, bucket_at=NOW))
    for market in range(POSITIONS):
        state.put(MarketBook, market, MarketBook(open_interest=SIZE * accounts // 2))
        state.put(MarketPrice, market, MarketPrice(price=PRICE, index=PRICE, funding_index=7 * market, ticked_at=NOW))
    for account in range(FIRST_USER, FIRST_USER + accounts):
        record = Account(kind=Kind.CROSS, owner=account, collateral=2**38 + account, slots=POSITIONS)
        state.put(Account, account, record)
        for slot in range(POSITIONS):
            size = SIZE if account % 2 else -SIZE
            state.put(Position, account * POSITION_SLOTS + slot, Position(market=slot, size=size))
        if account % 4 < 2:
            used = OrderSlot(nonce=1, filled=dice.randrange(1, 1_000))
            state.put(OrderSlot, account * ORDER_SLOTS + dice.randrange(ORDER_SLOTS), used)
    state.commit()
    return state


def trades(count: int, accounts: int) -> Iterator[Trade]:
    """Trades between accounts that are drawn once each."""
    dice = random.Random(count)
    drawn = dice.sample(range(FIRST_USER, FIRST_USER + accounts), 2 * count)
    for number in range(count):
        market, lots = number % POSITIONS, dice.randrange(1, 20)
        buy, sell = (
            Order(
                drawn[2 * number + side],
                dice.randrange(ORDER_SLOTS),
                7,
                FOREVER,
                market,
                side == 0,
                lots,
                PRICE,
                1_000,
                False,
                False,
                True,
            )
            for side in range(2)
        )
        yield Trade(market, lots, PRICE, True, buy, sell, market, market, 500, -200)


class RootOnly:
    """The root of a state that is not kept up to date: the batches are built on copies."""

    def __init__(self, commits: Commitment) -> None:
        self.root = commits.root
        self.config_digest = commits.config_digest

    def update(self, changed: Iterable[RecordKey]) -> None:
        """Take in nothing."""


def built(state: State, commits: Commitment, count: int, accounts: int) -> Batch:
    """A batch of so many trades, all of them accepted."""
    batch, rejected, _ = build_batch(state.copy(), RootOnly(commits), NOW + 30, trades(count, accounts))
    if rejected:
        raise SystemExit(f"a trade of the benchmark is rejected with {rejected[0].reason.name}")
    return batch


def cells_of(made: BatchSystem, filled: Filled) -> int:
    """Committed cells of the tables, those of the buses with them."""
    return sum(
        (len(table.columns) + DEGREE * len(table.groups)) * filled.trace[table.name].shape[1]
        for table in made.system.tables
        if table.name in filled.trace
    )


def as_typed(proof: BatchProof) -> tuple[float, float]:
    """Seconds that `perp verify FILE` takes, of the clock and of the processor: it begins with no more than Python."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "proof"
        file.write_bytes(write_proof(proof))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        command = [sys.executable, "-m", "perp_cli", "verify", str(file)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(made: BatchSystem, state: State, commits: Commitment, batch: Batch, profile: str) -> dict[str, Any]:
    """Fill, prove and verify a batch; the figures of the second time."""
    fill_seconds = prove_seconds = processor = 0.0
    filled, data = None, b""
    for _ in range(2):
        started, before = time.perf_counter(), time.process_time()
        filled = batch_trace(made, state, commits, batch)
        fill_seconds = time.perf_counter() - started
        fractions = public_fractions(made.program, filled.statement)
        started = time.perf_counter()
        data = prove(made.system, filled.trace, fractions, statement_bytes(filled.statement), PROFILES[profile])
        prove_seconds = time.perf_counter() - started
        processor = time.process_time() - before
    assert filled is not None
    proof = BatchProof(PROFILES[profile], filled.statement, data)
    started = time.perf_counter()
    verified = verify_batch(made, proof)
    verify_seconds = time.perf_counter() - started
    typed_seconds, typed_processor = as_typed(proof)
    count, cells = len(batch.operations) - 1, cells_of(made, filled)
    seconds = fill_seconds + prove_seconds
    return {
        "trades": count,
        "fill_seconds": round(fill_seconds, 3),
        "prove_seconds": round(prove_seconds, 3),
        "fill_and_prove_processor_seconds": round(processor, 3),
        "verify_seconds": round(verify_seconds, 3),
        "perp_verify_seconds": round(typed_seconds, 3),
        "perp_verify_processor_seconds": round(typed_processor, 3),
        "trades_a_second": round(count / seconds, 1),
        "cells": cells,
        "cells_a_trade": cells // count,
        "permutations": sum(
            int(filled.trace[name][0].sum()) for name in ("permutation", "permutation_rest") if name in filled.trace
        ),
        "million_cells_a_second": round(cells / prove_seconds / 1e6, 2),
        "bytes": len(write_proof(proof)),
        "bits": verified.security.bits,
        "largest_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> int:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=int, nargs="+", default=[16, 64, 256, 1024], help="trades of each batch")
    parser.add_argument("--accounts", type=int, default=1 << 16, help="accounts of the state (default 65536)")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="100", help="proven bits (default 100)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    state = large_state(arguments.accounts)
    commits, made = commitment(state), batch_system(record_program())
    found: list[dict[str, Any]] = []
    for count in arguments.trades:
        figures = measure(made, state, commits, built(state, commits, count, arguments.accounts), arguments.profile)
        found.append(figures)
        if not arguments.json:
            sys.stdout.write("  ".join(f"{name} {value}" for name, value in figures.items()) + "\n")
            sys.stdout.flush()
    if arguments.json:
        sys.stdout.write(json.dumps({"accounts": arguments.accounts, "batches": found}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
