"""All edges, as scenarios."""

from collections.abc import Iterator

from perp_reference.conformance.scenarios import Scenario
from support.vectors.edges import batch, forced, money, ticks, trading, waterfall
from support.vectors.edges.edge import Edge

EDGES: tuple[Edge, ...] = (
    *money.EDGES,
    *trading.EDGES,
    *waterfall.EDGES,
    *ticks.EDGES,
    *batch.EDGES,
    *forced.EDGES,
)


def edge_scenarios() -> Iterator[Scenario]:
    """The scenario of each edge."""
    for own in EDGES:
        yield own.scenario()
