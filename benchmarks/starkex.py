"""Observed cases a second by the StarkEx rule set, by kind of case.

Run as a script: `python benchmarks/starkex.py [FILE.jsonl ...]`. A case is run from the decoded state to the result in
JSON values; decoding and comparison are left out, and hash cases and batches too. The figures for accepted cases are
apart, for a rejected one ends early. The last line is all that `perp starkex check` does with a line: parsing, strict
decoding, running and comparing.

Every figure is processor time of the best of many rounds, and a ratio to a baseline loop measured just before it, so
that machines of different speed can be compared: one thousand times `a * b // c` on 60-bit integers in plain Python.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from perp_reference.starkex.check import check_file, numbered, run
from perp_reference.starkex.decode import Case
from perp_reference.starkex.reader import read_lines

ROUNDS = 40
VECTORS = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "starkex"
LEFT_OUT = ("hashes", "batches")


def baseline() -> None:
    """The loop that all figures are compared with."""
    a, b, c = 2**60 - 93, 2**60 - 107, 2**60 - 173
    for _ in range(1_000):
        a * b // c


def seconds_of(action: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Processor time of the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        action()
        best = min(best, time.process_time() - started)
    return best


def kind_of(case: Case) -> str:
    """The kind of a case, or of its transaction."""
    return case.kind if case.transaction is None else type(case.transaction).__name__


def show(name: str, count: int, action: Callable[[], Any], rounds: int = ROUNDS) -> None:
    """Prints a line: cases a second, and how many baselines a case takes."""
    base = seconds_of(baseline, 200)
    seconds = seconds_of(action, rounds) / count
    print(f"{name:<34}{count:>5} cases{1 / seconds:>12,.0f} a second{seconds / base:>8.2f} baselines", flush=True)


def run_all(cases: list[Case]) -> None:
    """Runs cases."""
    for case in cases:
        run(case)


def main(files: list[Path]) -> None:
    """Prints one line for each kind, one for all, and one for the command's whole work."""
    kinds: dict[str, list[Case]] = defaultdict(list)
    for file in files:
        for _, case in read_lines(file, numbered):
            if isinstance(case, Case):
                kinds[kind_of(case)].append(case)
    for kind, cases in sorted(kinds.items()):
        show(kind, len(cases), lambda cases=cases: run_all(cases))
        accepted = [case for case in cases if case.result["ok"]]
        if len(accepted) != len(cases):
            show(f"{kind}, accepted", len(accepted), lambda accepted=accepted: run_all(accepted))
    everything = [case for cases in kinds.values() for case in cases]
    show("all", len(everything), lambda: run_all(everything))
    single = [file for file in files if file.stem not in LEFT_OUT]
    show("perp starkex check, all", len(everything), lambda: [list(check_file(file)) for file in single], 5)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or sorted(VECTORS.glob("*.jsonl")))
