"""Edges of end_batch: the figures that demand a mode, each just at its threshold."""

from perp_spec.perpetual.operations import EndBatch
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Exchange, MarketBook, Mode
from perp_spec.words import DAY
from support.scenes.scene import LONG, SHORT
from support.vectors.edges.edge import Edge, Steps, edge, empty_world, holding, told, worth
from support.worlds import START, World

EDGES: list[Edge] = []


def demands(world: World, mode: int) -> tuple[World, Steps]:
    """The mode below is refused, and this one is not."""
    below = EndBatch({Mode.THROTTLE: Mode.NORMAL, Mode.REDUCE_ONLY: Mode.THROTTLE}[mode])
    return told(world, (below, Reason.MODE_NOT_ESCALATED), (EndBatch(mode), None))


def liquidated(window_open_interest: int, lots: int) -> World:
    """So many lots of market 0, at 100, were liquidated of those at the beginning of the window."""
    world = empty_world()
    holding(world, LONG, 0, 0, 100)
    holding(world, SHORT, 0, 0, -100)
    world.set(MarketBook, 0, window_open_interest=window_open_interest, window_liquidated=lots)
    return world


def fund_fell(reference: int, equity: int, lots: int = 0) -> World:
    """The fund was worth the reference at the beginning of the day, and is worth this now."""
    world = empty_world()
    if lots:
        holding(world, FUND, 0, 2, lots)
        holding(world, LONG, 0, 2, -lots)
    worth(world, FUND, equity)
    world.set(Exchange, 0, fund_day=START // DAY, fund_reference=reference)
    return world


def unproven(batches: int) -> World:
    """So many batches are not known to be proved."""
    world = empty_world()
    world.set(Exchange, 0, number=100, proven=100 - batches)
    return world


@edge(
    EDGES,
    "end_batch/market-worth-just-the-floor-of-the-window",
    "market_window: book.window_open_interest * price.price >= parameters.window_floor_atoms: Gt",
)
def at_the_floor() -> tuple[World, Steps]:
    """Given: open interest of 20 lots at 100, just window_floor_atoms, and all liquidated.

    Then: REDUCE_ONLY is demanded.
    """
    return demands(liquidated(20, 20), Mode.REDUCE_ONLY)


@edge(EDGES, "end_batch/just-enough-markets-liquidate", "window_severity: terms.throttled >= enough: Gt")
def just_enough_markets() -> tuple[World, Steps]:
    """Given: one market counts, one is enough, and 5 % of it was liquidated. Then: THROTTLE is demanded."""
    return demands(liquidated(100, 5), Mode.THROTTLE)


@edge(EDGES, "end_batch/just-as-many-unproven-as-throttle", "graded: value >= throttle: Gt")
def unproven_throttle() -> tuple[World, Steps]:
    """Given: 40 unproven batches, proof_throttle. Then: THROTTLE is demanded."""
    return demands(unproven(40), Mode.THROTTLE)


@edge(EDGES, "end_batch/just-as-many-unproven-as-reduce", "graded: value >= reduce: Gt")
def unproven_reduce() -> tuple[World, Steps]:
    """Given: 80 unproven batches, proof_reduce. Then: REDUCE_ONLY is demanded."""
    return demands(unproven(80), Mode.REDUCE_ONLY)


@edge(
    EDGES,
    "end_batch/fund-lost-a-quarter",
    "fund_severity: maximum(reference - equity, 0): minimum",
    "fund_severity: maximum(reference, 0): minimum",
)
def fund_lost_a_quarter() -> tuple[World, Steps]:
    """Given: the fund was worth 1,000 at the beginning of the day, and is worth 750. Then: THROTTLE is demanded."""
    return demands(fund_fell(1_000, 750), Mode.THROTTLE)


@edge(EDGES, "end_batch/small-fund-lost-nothing", "fund_severity: 0: 1")
def fund_lost_nothing() -> tuple[World, Steps]:
    """Given: the fund was worth 4 atoms and still is. Then: nothing is demanded, though an atom were a quarter."""
    return told(fund_fell(4, 4), (EndBatch(Mode.NORMAL), None))


@edge(EDGES, "end_batch/fund-without-anything-to-lose", "fund_severity: 0: 1 (2)")
def fund_had_nothing() -> tuple[World, Steps]:
    """Given: the fund was worth 0 at the beginning of the day; with its position it is worth -1.

    Then: nothing is demanded: no part of nothing was lost.
    """
    return told(fund_fell(0, -1, lots=1), (EndBatch(Mode.NORMAL), None))


@edge(
    EDGES,
    "end_batch/fund-lost-its-only-atom",
    "fund_severity: had >= 1: Gt (2)",
    "fund_severity: 1: 2 (2)",
)
def fund_lost_its_atom() -> tuple[World, Steps]:
    """Given: the fund was worth one atom and is worth nothing. Then: REDUCE_ONLY is demanded: it lost all it had."""
    return demands(fund_fell(1, 0), Mode.REDUCE_ONLY)


@edge(EDGES, "end_batch/windows-of-a-second", "end_batch: 1: 2 (3)")
def windows_of_a_second() -> tuple[World, Steps]:
    """Given: window_seconds is 1. When: the batch ends. Then: the number of its window is its time."""
    return told(empty_world(window_seconds=1), (EndBatch(Mode.NORMAL), None))
