"""Scenarios of oracle ticks with four families: fresh and stale, agreeing, at the edge of agreeing, and lying."""

from collections.abc import Iterator
from random import Random

from perp_reference.conformance.scenarios import Scenario
from perp_spec.perpetual.records import MarketOracle, MarketPrice
from support.scenes import ticks
from support.vectors.build import moment_of, scenario
from support.worlds import World, tick

COUNT = 150

PRICES = (100, 99, 101, 98, 102, 110, 111, 90, 89, 1, 4_096)
"""What families say: the deviation allowed is 1 %, the band 10 %."""

AGES = (0, 119, 120, 121, 121, 500, 500)
"""How old a family's last report is; after 120 seconds it is stale."""


def oracle_scenarios() -> Iterator[Scenario]:
    """Ticks drawn at random, the agreeing prices more often."""
    for number in range(COUNT):
        rng = Random(f"oracles {number}")
        world, _ = ticks.four_families()
        speaks = rng.sample(range(4), rng.choice((0, 1, 1, 2, 2, 2, 3, 4)))
        before(rng, world)
        said = [rng.choice((*PRICES[:5], *PRICES[:3], *PRICES)) if family in speaks else None for family in range(4)]
        operation = tick(0, *said)
        moment = moment_of(world, operation)
        yield scenario(
            f"oracle_tick/four-families-{number:03d}",
            f"Four families say {said}; some reports are older.",
            world.state.config,
            moment.records,
            (operation,),
            flags=("STALE_DATA",),
        )


def before(rng: Random, world: World) -> None:
    """Earlier reports, and what came of them."""
    now = world.now
    world.set(
        MarketOracle,
        0,
        values=tuple(rng.choice((0, *PRICES)) for _ in range(4)),
        reported_at=tuple(now - rng.choice(AGES) for _ in range(4)),
        average=rng.choice((0, 100, 100, 95, 105, 99)),
        good_ticks=rng.choice((0, 4, 9, 10, 11)),
        disputed_since=rng.choice((0, 0, now - 119, now - 121)),
    )
    ticked_at = now - rng.choice((10, 60, 119, 121, 1_801))
    world.set(
        MarketPrice,
        0,
        index=rng.choice((100, 100, 99, 110)),
        ticked_at=ticked_at,
        level=rng.choice((0, 0, 1, 2)),
        blind_since=rng.choice((0, 0, ticked_at)),
    )
