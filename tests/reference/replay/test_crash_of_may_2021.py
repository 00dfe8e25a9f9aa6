"""Three hours around the crash of 19 May 2021, eleven markets, 500 accounts."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perp_reference.core.audit import audit
from perp_reference.kernels.tree import commitment
from perp_reference.replay.candles import read_feed
from perp_reference.replay.simulation import Settings, Simulation
from perp_reference.replay.tally import GOOD
from perp_reference.replay.waterfall import BACKSTOP, CLOSE_OUT, DELEVERAGE, STAGED, UNWIND
from perp_spec.perpetual.defaults import MAX_PRICE, RISKS
from perp_spec.perpetual.records import Mode

FIRST = int(datetime(2021, 5, 19, 12, tzinfo=UTC).timestamp())
HOURS = 3

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def crash(root: Path) -> Simulation:
    """The replay."""
    directory = Path(os.environ.get("PERP_DATA", root.parent / "shared" / "data")) / "binance_1m_2021-05"
    feeds = [
        read_feed(next(directory.glob(f"{risk.symbol}USDT-*.csv")), risk.symbol, risk.lot, MAX_PRICE) for risk in RISKS
    ]
    minutes = [FIRST + 60 * number for number in range(60 * HOURS)]
    simulation = Simulation(feeds, minutes, Settings(accounts=500), commitment)
    simulation.run()
    return simulation


def test_the_audit_is_clean_and_no_account_is_left(crash: Simulation) -> None:
    assert audit(crash.state) == []
    assert crash.stuck() == {}


def test_the_waterfall_was_needed_at_every_stage_before_socialising(crash: Simulation) -> None:
    for stage in (STAGED, CLOSE_OUT, BACKSTOP, DELEVERAGE, UNWIND):
        assert crash.waterfall.stages[stage].steps > 0


def test_the_ladder_came_back(crash: Simulation) -> None:
    levels = [market.level for market in crash.tally.markets]
    assert any(level != GOOD for series in levels for level in series)
    assert all(series[-1] == GOOD for series in levels)
    assert Mode.REDUCE_ONLY in crash.tally.series.mode


def test_the_root_is_that_of_the_last_state(crash: Simulation) -> None:
    assert crash.commits.root == commitment(crash.state).root
