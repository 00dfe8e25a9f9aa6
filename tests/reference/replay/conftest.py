"""Made-up candles: a crash in steps, deep enough that every stage of the waterfall has work."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from perp_reference.core.batch import Commits
from perp_reference.core.state import State
from perp_reference.formats.candles import Candle
from perp_reference.replay.candles import Feed
from perp_reference.replay.oracle import Trouble
from perp_reference.replay.simulation import FUND_PPM, Settings, Simulation

FIRST = 1_621_425_600
"""The first minute."""


def feed(symbol: str, lot: str, closes: list[int]) -> Feed:
    """Candles with these closes, each beginning where the one before ended."""
    candles: dict[int, Candle] = {}
    for number, (before, close) in enumerate(pairwise([closes[0], *closes])):
        time = FIRST + 60 * number
        high, low = max(before, close) * 1001 // 1000, min(before, close) * 999 // 1000
        candles[time] = Candle(time, before, high, low, close, 0)
    return Feed(symbol, lot, candles)


def after(price: int, moves_permille: list[int]) -> list[int]:
    """Prices after moves, one a minute."""
    prices = [price]
    for move in moves_permille:
        prices.append(prices[-1] * (1000 + move) // 1000)
    return prices


STAIRS = [0] * 4 + ([-50] + [0] * 5) * 6 + [0] * 20
"""Six falls of 5 %, each followed by quiet minutes."""

CRASH = [0] * 6 + [-45, -120, -180, -225, -90, 60, 30] + [0] * 47
"""A fall by half in five minutes."""


@pytest.fixture(scope="session")
def crash_feeds() -> list[Feed]:
    """Three markets: two fall in steps, one crashes."""
    return [
        feed("BTC", "0.0001", after(4_000_000, STAIRS)),
        feed("ETH", "0.001", after(3_000_000, STAIRS)),
        feed("LINK", "0.1", after(4_000_000, CRASH)),
    ]


class Simulate:
    """Runs replays of the made-up candles."""

    def __init__(self, feeds: list[Feed]) -> None:
        self._feeds = feeds

    def __call__(
        self,
        accounts: int = 60,
        seed: int = 1,
        minutes: int = 41,
        fund_ppm: int = FUND_PPM,
        troubles: tuple[Trouble, ...] = (),
        commit: Callable[[State], Commits] | None = None,
        setup: Callable[[Simulation], object] | None = None,
    ) -> Simulation:
        """A replay that has ended; `setup` is called before it begins."""
        chosen = sorted(self._feeds[0].candles)[:minutes]
        settings = Settings(accounts, seed, fund_ppm, troubles)
        simulation = Simulation(self._feeds, chosen, settings, commit)
        if setup is not None:
            setup(simulation)
        simulation.run()
        return simulation


@pytest.fixture(scope="session")
def simulate(crash_feeds: list[Feed]) -> Simulate:
    """Runs replays of the made-up candles."""
    return Simulate(crash_feeds)
