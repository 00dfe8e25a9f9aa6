"""How many steps a second the tester handles, with a testee that answers at once.

.venv/bin/python benchmarks/conformance.py [SECONDS]
"""

import resource
import sys
import time
from pathlib import Path

from attrs import evolve

from perp_reference.conformance.release import ARCHIVE, read_vectors
from perp_reference.conformance.tester import Tester
from perp_reference.conformance.values import OPERATIONS

ROOT = Path(__file__).resolve().parents[1]


def main(seconds: float) -> None:
    vectors = read_vectors(ROOT / "tests" / "vectors" / "conformance" / ARCHIVE)
    walks = vectors.fixtures["perpetual/walks"]
    # What the trivial testee says of every step is right here, so that the tester judges all of them.
    cases = [
        evolve(
            case,
            steps=tuple(
                evolve(step, expected=evolve(step.expected, reason="FROZEN", violated=("FROZEN",)))
                for step in case.steps
            ),
        )
        for case in walks.cases
    ]
    command = [sys.executable, str(ROOT / "tests" / "testees" / "trivial" / "testee.py"), *OPERATIONS]
    with Tester(command) as tester:
        tester.start()
        started = time.perf_counter()
        cpu = time.process_time()
        while time.perf_counter() - started < seconds:
            for case in cases:
                assert tester.run("perpetual", walks.config, case).verdict == "pass"
        took = time.perf_counter() - started
        own = time.process_time() - cpu
        tester.stop()
    # They take turns, so that this is what they would do with a core to themselves; the testee's start is in it.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    both = own + used.ru_utime + used.ru_stime
    print(f"{tester.steps} steps in {took:.1f} s: {tester.steps / took:.0f} a second")
    print(f"{tester.steps / own:.0f} a second of the tester's own processor time")
    print(f"{tester.steps / both:.0f} a second of the processor time of tester and testee together")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)
