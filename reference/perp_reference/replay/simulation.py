"""A replay: drives the exchange through recorded prices, batch by batch."""

from collections import Counter
from collections.abc import Callable
from hashlib import blake2s

import attrs
from attrs import frozen

from perp_hash.digest import digest_to_hex, unpack_digest
from perp_reference.core.batch import Commits
from perp_reference.core.matching import Matching
from perp_reference.core.state import STATE_RECORDS, State, genesis
from perp_reference.formats.candles import Candle
from perp_reference.replay.candles import MINUTE, Feed, path
from perp_reference.replay.dice import Dice
from perp_reference.replay.makers import Makers
from perp_reference.replay.oracle import Oracle, Trouble
from perp_reference.replay.population import Population, populate
from perp_reference.replay.tally import Tally
from perp_reference.replay.traders import Traders
from perp_reference.replay.venue import NoCommitment, Venue
from perp_reference.replay.watch import Watch
from perp_reference.replay.waterfall import Waterfall
from perp_spec.perpetual.config import Config, MarketEntry, violations
from perp_spec.perpetual.defaults import RISKS, default_market, default_parameters
from perp_spec.perpetual.operations import FundingTick, Mark, PremiumSample, RecordProof
from perp_spec.perpetual.records import FEES, FUND, Exchange, MarketOracle, MarketPrice
from perp_spec.perpetual.rules.ticks import FUNDING_SECONDS, SAMPLE_SECONDS
from perp_spec.words import DAY, PPM

BATCH_SECONDS = 20
"""Three batches a minute: both extremes of its candle and its close."""

OPENING_BATCHES = 15
"""Batches before the first candle, in which the population takes its first positions."""

FUND_PPM = 10_000
"""The insurance fund begins with this part of all traders' deposits, unless the settings say otherwise."""

CAP_MULTIPLE = 50
"""Open interest of a market is capped at this many times what the fund would begin with by default."""

BUCKET_PERCENT = 10
"""The withdrawal bucket holds this part of all deposits, and refills in REFILL_SECONDS."""

REFILL_SECONDS = 4 * 3_600

ACTS_EVERY = 400
"""In a calm batch one trader in so many acts."""

EXCITEMENT_PPM = 1_500
"""Each such volatility lets as many act again."""

BUSIEST = 8
"""At most this many times as many act as in a calm batch."""

PROOF_LAG = 200
"""Batches after which a batch counts as proved."""

PROOF_EVERY = 50
"""A proof is recorded once in so many batches."""

IMPACT_USD = 2_000
"""Notional of the impact prices that funding is made of."""

DRAIN_SECONDS = 60
"""Distance of the batches after the last candle."""

DRAIN_BATCHES = 120
"""Batches after the last candle, at its prices, until no account is unhealthy; each day's loss cap may need a day."""


@frozen
class Settings:
    """What a replay depends on besides the candles."""

    accounts: int = 500
    seed: int = 1
    fund_ppm: int = FUND_PPM
    """What the insurance fund begins with, of all traders' deposits."""
    troubles: tuple[Trouble, ...] = ()
    config: Config | None = None
    """Taken as it is, its markets those of the feeds in their order; else the default exchange, its limits scaled."""


Progress = Callable[[int, int, "Simulation"], None]
"""Called after each batch of the opening and after each minute: minutes done, minutes in all, the replay."""


def default_replay_config(feeds: list[Feed], population: Population, fund: int, first_prices: list[int]) -> Config:
    """The default exchange with the markets of these feeds, and limits in proportion to the population's money."""
    risks = {risk.symbol: risk for risk in RISKS}
    money = sum(trader.deposit for trader in population.traders)
    deposits = money + sum(maker.deposit for maker in population.makers)
    entries: list[MarketEntry] = []
    for number, (feed, price) in enumerate(zip(feeds, first_prices, strict=True)):
        risk = risks[feed.symbol]
        market = default_market(number, risk)
        # The default's own cap is the largest that the bounds allow.
        cap = min(CAP_MULTIPLE * fund // price, market.open_interest_cap)
        market = attrs.evolve(market, open_interest_cap=max(cap, 1))
        entries.append(MarketEntry(risk.symbol, risk.lot, market))
    bucket = deposits * BUCKET_PERCENT // 100
    parameters = attrs.evolve(
        default_parameters(markets=len(feeds)), bucket_size=bucket, bucket_refill=max(bucket // REFILL_SECONDS, 1)
    )
    return Config(name="replay", parameters=parameters, markets=tuple(entries))


def fund_deposit(population: Population, fund_ppm: int) -> int:
    """What the insurance fund begins with, atoms."""
    return max(sum(trader.deposit for trader in population.traders) * fund_ppm // PPM, 1)


class Simulation:
    """A replay under way, or at its end.

    Attributes:
        state: The exchange's state.
        config: Its configuration.
        batches: Batches so far.
        drained: Batches after the last candle.
    """

    def __init__(
        self,
        feeds: list[Feed],
        minutes: list[int],
        settings: Settings,
        commit: Callable[[State], Commits] | None = None,
    ) -> None:
        dice = Dice(settings.seed)
        self.feeds = feeds
        self.minutes = minutes
        self.settings = settings
        self.population = populate(settings.accounts, len(feeds), dice.fork())
        self.prices = [feed.candles[minutes[0]].open for feed in feeds]
        self.fund_deposit = fund_deposit(self.population, settings.fund_ppm)
        usual_fund = fund_deposit(self.population, FUND_PPM)
        self.config = settings.config or default_replay_config(feeds, self.population, usual_fund, self.prices)
        assert not violations(self.config), "whoever gives a configuration has checked it"
        self.state: State = genesis(self.config, fees_owner=FEES)
        self.commits: Commits = commit(self.state) if commit else NoCommitment()
        self.batches = 0
        self.drained = 0
        self.venue = Venue(self.state, self.commits)
        self.watch = Watch(self.state, self.population.accounts)
        self.matching = Matching(self.state, self.venue.apply)
        self._oracle = Oracle(self.config.parameters, dice.fork(), settings.troubles)
        makers = [maker.account for maker in self.population.makers]
        self.makers = Makers(self.venue, self.matching, self.watch, makers, dice.fork())
        self.waterfall = Waterfall(self.venue, self.watch, self.makers)
        self.traders = Traders(self.venue, self.matching, self.makers, self.watch, self.population, dice.fork())
        self.tally = Tally(self.state, self.waterfall, [feed.symbol for feed in feeds])

    def run(self, progress: Progress | None = None) -> None:
        """Replay all minutes, then let the waterfall come to rest."""
        self._open(progress)
        for done, minute in enumerate(self.minutes, 1):
            self._minute(done - 1, minute)
            if progress is not None:
                progress(done, len(self.minutes), self)
        self.drain()

    # Batches

    def _batch(self, time: int, minute: int, acts: Callable[[], None] | None) -> None:
        """One batch: prices, quotes, funding, the waterfall, then what traders want, and the waterfall again."""
        self.venue.begin(time)
        self._tick(minute)
        self.makers.observe()
        self.makers.quote()
        self._mark()
        self._fund()
        self.waterfall.run()
        self.waterfall.unwind()
        if acts is not None:
            acts()
            self.waterfall.run()
        self._prove()
        self.venue.end()
        self.batches += 1

    def _tick(self, minute: int) -> None:
        for number, price in enumerate(self.prices):
            if price:
                self.venue.apply(self._oracle.tick(number, self.state.market(number), price, minute))

    def _mark(self) -> None:
        """The state of each book that has two sides, and once a minute its impact prices."""
        now = self.venue.now
        for number in range(len(self.feeds)):
            index = self.state.get(MarketPrice, number).index
            if not index:
                continue
            book = self.matching.books[number]
            bid, ask = book.bids.best_price(), book.asks.best_price()
            if bid is not None and ask is not None and bid <= ask:
                self.venue.apply(Mark(number, bid, ask, book.last_price or index))
            if now - self.state.get(MarketOracle, number).sampled_at >= SAMPLE_SECONDS:
                lots = max(IMPACT_USD * 1_000_000 // index, 1)
                impact_bid, impact_ask = book.impact_price(True, lots), book.impact_price(False, lots)
                if impact_bid is not None and impact_ask is not None and impact_bid <= impact_ask:
                    self.venue.apply(PremiumSample(number, impact_bid, impact_ask))

    def _fund(self) -> None:
        now = self.venue.now
        for number in range(len(self.feeds)):
            if now - self.state.get(MarketOracle, number).funded_at >= FUNDING_SECONDS:
                self.venue.apply(FundingTick(number))

    def _prove(self) -> None:
        number = self.state.get(Exchange, 0).number
        if number % PROOF_EVERY == 0 and number > PROOF_LAG:
            self.venue.apply(RecordProof(number - PROOF_LAG))

    # Phases

    def _open(self, progress: Progress | None) -> None:
        """Accounts, money and first positions, in the minutes before the first candle, at its opening price."""
        first = self.minutes[0] - OPENING_BATCHES * BATCH_SECONDS

        def join() -> None:
            self.traders.join()
            self.venue.deposit(FUND, self.fund_deposit)

        self._batch(first, -1, join)
        self.makers.refresh()
        for part in range(1, OPENING_BATCHES):
            self._batch(
                first + part * BATCH_SECONDS,
                -1,
                lambda part=part: self.traders.take_positions(part - 1, OPENING_BATCHES - 1),
            )
            if progress is not None:
                progress(0, len(self.minutes), self)

    def _minute(self, number: int, minute: int) -> None:
        """Three batches along the path of each market's candle."""
        candles: list[Candle | None] = [feed.candles.get(minute) for feed in self.feeds]
        for place in range(MINUTE // BATCH_SECONDS):
            self.prices = [0 if candle is None else path(candle)[place] for candle in candles]
            time = minute + (place + 1) * BATCH_SECONDS
            self._batch(time, number, lambda: self.traders.act(self._busy()))
        self.tally.sample(self.venue.outcomes, self.traders.waiting)

    def _busy(self) -> int:
        """How many traders act in this batch."""
        volatility_ppm = sum(self.makers.volatility_ppm) // len(self.feeds)
        calm = max(self.settings.accounts // ACTS_EVERY, 1)
        return min(calm + calm * volatility_ppm // EXCITEMENT_PPM, BUSIEST * calm)

    def drain(self) -> None:
        """Batches at the last prices, nobody trading, until the waterfall has nothing to do.

        Where only the day's cap of socialised losses is in the way, the next day is begun.
        """
        self.prices = [self.state.get(MarketPrice, number).index for number in range(len(self.feeds))]
        for _ in range(DRAIN_BATCHES):
            if not self.waterfall.waiting:
                return
            now = self.venue.now
            capped = all(set(why) == {"socialise: NO_OPEN_INTEREST"} for why in self.waterfall.waiting.values())
            time = (now // DAY + 1) * DAY if capped else now + DRAIN_SECONDS
            self._batch(time, len(self.minutes), None)
            self.drained += 1
            self.tally.sample(self.venue.outcomes, self.traders.waiting)

    # Results

    def digest(self) -> str:
        """A digest of all records of the state: the same for the same state, in whatever order it came about."""
        hashed = blake2s()
        for record in STATE_RECORDS:
            for key, value in sorted(self.state.tables[record].items()):
                hashed.update(f"{record.__name__} {key} {attrs.astuple(value)}\n".encode())
        return hashed.hexdigest()

    def root(self) -> str:
        """The state root in hexadecimal, empty where none is kept."""
        return digest_to_hex(unpack_digest(self.commits.root)) if self.commits.root else ""

    def stuck(self) -> dict[int, Counter[str]]:
        """Accounts that are unhealthy at the end, and why each step was refused."""
        return dict(self.waterfall.waiting)
