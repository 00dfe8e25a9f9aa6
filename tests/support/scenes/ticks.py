"""Scenes of oracle_tick, mark, premium_sample and funding_tick."""

from typing import Any

import attrs

from perp_spec.perpetual.operations import FundingTick, Mark, OracleTick, PremiumSample, Report
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import MarketOracle, MarketPrice
from perp_spec.words import FAMILIES_MAX
from support.scenes.scene import FROZEN, Change, Guard, Scene, guard, op, record, small_world
from support.worlds import World, report, small_config, tick


def four_families() -> tuple[World, Any]:
    """Four families report 101 ten seconds after all said 100."""
    world = World(small_config(families=FAMILIES_MAX))
    world.must(tick(0, 100, 100, 100, 100))
    world.later(10)
    return world, tick(0, 101, 101, 101, 101)


def said(family: int, instead: Report) -> Change:
    """A family reports something else."""

    def change(world: World, operation: OracleTick) -> OracleTick:
        reports = (*operation.reports[:family], instead, *operation.reports[family + 1 :])
        return attrs.evolve(operation, reports=reports)

    return change


def report_guards(family: int) -> tuple[Guard, ...]:
    """The guards of one family's report."""
    good = report(101, 101, 101)
    return (
        guard(Reason.QUORUM, said(family, report(101, 101))),
        guard(Reason.SIGNERS_NOT_RISING, said(family, attrs.evolve(good, signers=(0, 2, 2, 0, 0, 0, 0, 0)))),
        guard(Reason.PRICE_RANGE, said(family, report(101, 101, 4_097))),
        guard(Reason.NOT_MEDIAN, said(family, attrs.evolve(good, median=100))),
    )


ORACLE_TICK = Scene(
    "oracle_tick",
    four_families,
    (
        FROZEN,
        guard(Reason.NO_MARKET, op(market=3)),
        guard(Reason.BAD_SIGNATURE, op(authorised=False)),
        guard(Reason.TICK_TOO_SOON, record(MarketPrice, 0, ticked_at=1_000_001)),
        *[single for family in range(FAMILIES_MAX) for single in report_guards(family)],
    ),
)

BAD_REPORTS: tuple[tuple[Reason, Report], ...] = (
    (Reason.QUORUM, attrs.evolve(report(5, 5, 5, 5, 5, 5), count=6)),
    (Reason.SIGNERS_NOT_RISING, attrs.evolve(report(5, 5, 5), signers=(0, 1, 5, 0, 0, 0, 0, 0))),
    (Reason.SIGNERS_NOT_RISING, attrs.evolve(report(5, 5, 5), signers=(2, 1, 3, 0, 0, 0, 0, 0))),
    (Reason.PRICE_RANGE, report(0, 5, 5)),
    (Reason.PRICE_RANGE, report(-1, 5, 5)),
    (Reason.NOT_MEDIAN, attrs.evolve(report(1, 2, 4, 5), median=4)),
    (Reason.NOT_MEDIAN, attrs.evolve(report(1, 2, 4, 5), median=3)),
    (Reason.NOT_MEDIAN, attrs.evolve(report(1, 3, 5), median=1)),
)
"""Malformed reports of a family of five signers with a quorum of three, and why."""

PADDED_REPORTS: tuple[tuple[Report, Report], ...] = (
    (Report(), Report(count=0, median=7, signers=(9,) * 8, values=(-1,) * 8)),
    (report(5, 5, 5), attrs.evolve(report(5, 5, 5), signers=(0, 1, 2, 0, 0, 9, 9, 9))),
    (report(5, 5, 5), attrs.evolve(report(5, 5, 5), values=(5, 5, 5, 5, 0, -1, 2**62, 9))),
)
"""Reports with something beyond `count`, each behind the one that says the same."""


def quiet_market() -> tuple[World, Any]:
    """Market 0 at 100; the book is 99 to 102, the last trade at 101."""
    return small_world(), Mark(0, 99, 102, 101)


MARK = Scene(
    "mark",
    quiet_market,
    (
        FROZEN,
        guard(Reason.NO_MARKET, op(market=3)),
        guard(Reason.PRICE_RANGE, op(bid=103)),
        guard(Reason.PRICE_RANGE, op(last=0)),
        guard(Reason.ORACLE_LEVEL, record(MarketPrice, 0, index=0)),
    ),
)


def premium_scene() -> tuple[World, Any]:
    """Market 0 at 100; the impact prices are 101 and 103."""
    return small_world(), PremiumSample(0, 101, 103)


PREMIUM_SAMPLE = Scene(
    "premium_sample",
    premium_scene,
    (
        FROZEN,
        guard(Reason.NO_MARKET, op(market=3)),
        guard(Reason.PRICE_RANGE, op(ask=4_097)),
        guard(Reason.ORACLE_LEVEL, record(MarketPrice, 0, index=0)),
        guard(Reason.SAMPLE_TOO_SOON, record(MarketOracle, 0, sampled_at=999_941)),
    ),
)


def funding_scene() -> tuple[World, Any]:
    """45 samples of 4,000 ppm within an hour."""
    world = small_world()
    world.set(MarketOracle, 0, premium_sum=45 * 4_000, samples=45)
    return world, FundingTick(0)


FUNDING_TICK = Scene(
    "funding_tick",
    funding_scene,
    (
        FROZEN,
        guard(Reason.NO_MARKET, op(market=3)),
        guard(Reason.TICK_TOO_SOON, record(MarketOracle, 0, funded_at=996_401)),
    ),
)

SCENES = (ORACLE_TICK, MARK, PREMIUM_SAMPLE, FUNDING_TICK)
