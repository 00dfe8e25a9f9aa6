"""Every goal there is."""

from perp_proofs.smt.goals import (
    acceptance,
    authority,
    conservation,
    contracts,
    definitions,
    effects,
    exits,
    fills,
    frames,
    gap,
    headers,
    health,
    lemmas,
    liveness,
    losses,
    modes,
    overflow,
    runs,
    sizes,
    ticks,
)
from perp_proofs.smt.prove import Goal

GOALS: tuple[Goal, ...] = (
    *lemmas.GOALS,
    *contracts.GOALS,
    *conservation.GOALS,
    *sizes.GOALS,
    *health.GOALS,
    *ticks.GOALS,
    *authority.GOALS,
    *frames.GOALS,
    *exits.GOALS,
    *gap.GOALS,
    *liveness.GOALS,
    *losses.GOALS,
    *fills.GOALS,
    *modes.GOALS,
    *runs.GOALS,
    *headers.GOALS,
    *overflow.GOALS,
    *definitions.GOALS,
    *acceptance.GOALS,
    *effects.GOALS,
)
"""In the order in which they are proved: what others rest on comes first."""
