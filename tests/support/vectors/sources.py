"""All sources of the vectors, in their order."""

from collections.abc import Iterator
from pathlib import Path

from perp_reference.conformance.scenarios import Scenario, read_committed
from support.vectors.edges.collected import edge_scenarios
from support.vectors.headers import header_scenarios, table_scenarios
from support.vectors.large import large_scenarios
from support.vectors.neighbours import neighbour_scenarios
from support.vectors.observed import observed_scenarios
from support.vectors.oracles import oracle_scenarios
from support.vectors.rich import rich_scenarios
from support.vectors.scenes import scene_scenarios
from support.vectors.unsettled import unsettled_scenarios
from support.vectors.variants import variants
from support.vectors.walks import walk_scenarios
from support.vectors.witnesses import witness_scenarios

__all__ = ["scenarios", "variants"]

COMMITTED = Path(__file__).resolve().parents[2] / "vectors" / "conformance" / "scenarios"
"""Scenarios in files of their own, and fixtures that fuzzing wrote: what was found once stays tested."""


def scenarios() -> Iterator[Scenario]:
    """Every scenario but the variants."""
    yield from scene_scenarios()
    yield from header_scenarios()
    yield from table_scenarios()
    yield from neighbour_scenarios()
    yield from oracle_scenarios()
    yield from edge_scenarios()
    yield from unsettled_scenarios()
    yield from large_scenarios()
    yield from rich_scenarios()
    yield from walk_scenarios()
    yield from observed_scenarios()
    yield from witness_scenarios()
    for file in sorted(COMMITTED.rglob("*.json")):
        yield from read_committed(file)
