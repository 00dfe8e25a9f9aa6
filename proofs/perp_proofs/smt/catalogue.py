"""Every goal there is."""

from perp_proofs.smt.goals import authority, conservation, contracts, health, lemmas, overflow, sizes, ticks
from perp_proofs.smt.prove import Goal

GOALS: tuple[Goal, ...] = (
    *lemmas.GOALS,
    *contracts.GOALS,
    *conservation.GOALS,
    *sizes.GOALS,
    *health.GOALS,
    *ticks.GOALS,
    *authority.GOALS,
    *overflow.GOALS,
)
"""In the order in which they are proved: what others rest on comes first."""
