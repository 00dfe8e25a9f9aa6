"""A random walk: actions by their weights on a watched world, from one source of randomness."""

from random import Random

from perp_reference.core.batch import completed
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.operations import EndBatch, FundingTick, PremiumSample
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import MarketPrice
from perp_spec.words import PPM
from support.actions import WEIGHTS, Actions
from support.invariants import Watch
from support.scenes.scene import deal
from support.worlds import World, small_config

LONGS, SHORTS = (2, 5, 7), (4, 6, 8)
"""Accounts that hold positions against each other from the start of a leveraged walk."""


class Walk:
    """A world with its actions, watched."""

    def __init__(self, rng: Random, config: Config | None = None, thorough: bool = True) -> None:
        self.rng = rng
        self.world = World(config or small_config())
        self.actions = Actions(self.world, rng)
        self.watch = Watch(self.world, thorough)
        for operation in self.actions.opening():
            assert self.watch.apply(operation) is None
        for account, amount in self.actions.funding():
            if amount:
                assert self.watch.apply(self.world.deposit(account, amount)) is None

    def leverage(self) -> None:
        """Give some accounts large positions against each other, as far as their margin goes."""
        for market, price in enumerate(self.actions.prices):
            for buyer, seller in zip(LONGS, SHORTS, strict=True):
                lots = self.actions.affordable(buyer, seller, price)
                slots = (self.actions.slot(buyer, market), self.actions.slot(seller, market))
                self.watch.apply(deal(buyer, seller, min(lots, 400), price, market, slots))

    def end(self, seconds: int) -> None:
        """End the batch with the least mode, and begin the next one later."""
        assert self.watch.apply(completed(self.world.state, EndBatch())) is None
        self.world.later(seconds)

    def calm(self) -> None:
        """One batch with agreeing families, or as many as bring a degraded oracle back."""
        degraded = any(self.world.get(MarketPrice, market).level for market in range(self.actions.markets))
        for _ in range(11 if degraded and self.actions.chance(60) else 1):
            self.end(self.rng.choice((10, 30, 60)))
            for operation in self.actions.calm(self.rng.choice((0, 2_000, 20_000, 60_000))):
                self.watch.apply(operation)

    def hour(self) -> None:
        """An hour of premium samples on one market, and then its funding."""
        market = self.rng.randrange(self.actions.markets)
        lean = self.rng.choice((-30_000, -3_000, 0, 3_000, 30_000))
        impact = self.actions.prices[market] * (PPM + lean) // PPM
        for _ in range(60):
            self.world.later(60)
            self.world.apply(PremiumSample(market, max(impact, 1), min(impact + 1, 4_096)))
        for operation in self.actions.calm(2_000):
            self.watch.apply(operation)
        self.watch.apply(FundingTick(market))

    def step(self, name: str) -> Reason | None:
        """Take one action."""
        if name == "time":
            self.end(self.actions.seconds())
        elif name == "calm":
            self.calm()
        elif name == "hour":
            self.hour()
        else:
            operation = getattr(self.actions, name)()
            return None if operation is None else self.watch.apply(operation)
        return None

    def run(self, steps: int, every: int = 5) -> None:
        """Take actions by their weights, and look at the whole state every so often."""
        names, weights = list(WEIGHTS), list(WEIGHTS.values())
        for number in range(steps):
            name = self.rng.choices(names, weights)[0]
            if name != "freeze" or self.actions.chance(20):
                self.step(name)
            if number % every == 0:
                self.watch.check_state()
