"""Faults that are put into the rules, for the machine too: it forgets what it compiled before and after."""

from collections.abc import Iterator
from contextlib import contextmanager

from perp_proofs.smt.mutation import Fault, faulty
from perp_reference.core.compiled import compiled


@contextmanager
def faulty_machine(fault: Fault) -> Iterator[None]:
    """Run with a fault in the rules."""
    compiled.cache_clear()
    try:
        with faulty(fault):
            yield
    finally:
        compiled.cache_clear()
