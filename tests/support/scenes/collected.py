"""The scenes of all rules, in the order of their families."""

from support.scenes import accounts, batch, forced, money, ticks, trading, waterfall
from support.scenes.scene import Scene

SCENES: tuple[Scene, ...] = (
    *money.SCENES,
    *accounts.SCENES,
    *trading.SCENES,
    *waterfall.SCENES,
    *ticks.SCENES,
    *batch.SCENES,
    *forced.SCENES,
)
