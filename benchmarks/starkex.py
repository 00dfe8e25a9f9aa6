"""Observed cases a second by the StarkEx rule set, by kind of case: decoding and comparison left out.

Every figure is processor time of the best of many rounds over all observed cases of a kind, hash cases and batches left
out. Run as a script: `python benchmarks/starkex.py [FILE.jsonl ...]`.
"""

import sys
import time
from collections import defaultdict
from pathlib import Path

from perp_reference.starkex.check import numbered, run
from perp_reference.starkex.decode import Case
from perp_reference.starkex.reader import read_lines

ROUNDS = 40
VECTORS = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "starkex"


def kind_of(case: Case) -> str:
    """The kind of a case, or of its transaction."""
    return case.kind if case.transaction is None else type(case.transaction).__name__


def cases_a_second(cases: list[Case]) -> float:
    """How many cases are run in a second of processor time."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for case in cases:
            run(case)
        best = min(best, time.process_time() - started)
    return len(cases) / best


def main(files: list[Path]) -> None:
    """Prints one line for each kind."""
    kinds: dict[str, list[Case]] = defaultdict(list)
    for file in files:
        for _, case in read_lines(file, numbered):
            if isinstance(case, Case):
                kinds[kind_of(case)].append(case)
    for kind, cases in sorted(kinds.items()):
        print(f"{kind:<22}{len(cases):>5} cases{cases_a_second(cases):>12,.0f} a second")
    everything = [case for cases in kinds.values() for case in cases]
    print(f"{'all':<22}{len(everything):>5} cases{cases_a_second(everything):>12,.0f} a second")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or sorted(VECTORS.glob("*.jsonl")))
