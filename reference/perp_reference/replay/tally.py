"""What is written down during a replay: one sample a minute, and counts for each hour."""

from collections import Counter
from typing import NamedTuple

from attrs import define, field

from perp_reference.core.state import State
from perp_reference.replay.watch import look_at
from perp_reference.replay.waterfall import Waterfall
from perp_spec.perpetual.health import OracleState, oracle_state
from perp_spec.perpetual.records import (
    FEES,
    FUND,
    Account,
    Exchange,
    Ledger,
    MarketBook,
    MarketOracle,
    MarketPrice,
)

HOUR = 3_600

GOOD, DEGRADED, GAP, BLIND, EXITS_ONLY = range(5)
"""Oracle levels as the report shows them: 0, 1, 2 gap, 2 blind, 3."""

LEVELS = ("0 good", "1 degraded", "2 gap", "2 blind", "3 exits only")


def shown_level(state: OracleState) -> int:
    """An oracle level as the report shows it."""
    if state.exits_only:
        return EXITS_ONLY
    if state.blind:
        return BLIND
    if state.suspended:
        return GAP
    return DEGRADED if state.degraded else GOOD


@define
class MarketSeries:
    """One market, a value for each minute."""

    symbol: str
    price: list[int] = field(factory=list)
    """Health price, atoms per lot."""
    index: list[int] = field(factory=list)
    average: list[int] = field(factory=list)
    level: list[int] = field(factory=list)
    mode: list[int] = field(factory=list)
    open_interest: list[int] = field(factory=list)
    """Atoms at the health price."""
    funding_ppm: list[int] = field(factory=list)
    """Rate of the last funding tick, for one hour."""


@define
class Series:
    """The exchange, a value for each minute."""

    time: list[int] = field(factory=list)
    mode: list[int] = field(factory=list)
    vault: list[int] = field(factory=list)
    fund: list[int] = field(factory=list)
    """Equity of the insurance fund, atoms."""
    users: list[int] = field(factory=list)
    """Equity of all users together: by conservation the vault less fund and fees, atoms."""
    bankrupt: list[int] = field(factory=list)
    """Flat accounts with a debt."""
    waiting: list[int] = field(factory=list)
    """Unhealthy accounts for which the rules allowed nothing more."""
    delayed: list[int] = field(factory=list)
    """Withdrawals that wait."""
    steps: list[int] = field(factory=list)
    """Steps of the waterfall in that minute."""


class HourCounts(NamedTuple):
    """Counts of one hour."""

    steps: Counter[str]
    """Steps of the waterfall, by stage."""
    notional: Counter[str]
    """Atoms, by stage."""
    outcomes: Counter[tuple[str, int]]
    """Answers of the rules, by rule and reason."""


class Tally:
    """Samples and counts of one replay."""

    def __init__(self, state: State, waterfall: Waterfall, symbols: list[str]) -> None:
        self.series = Series()
        self.markets = [MarketSeries(symbol) for symbol in symbols]
        self.hours: dict[int, HourCounts] = {}
        self._state = state
        self._waterfall = waterfall
        self._steps: Counter[str] = Counter()
        self._notional: Counter[str] = Counter()
        self._outcomes: Counter[tuple[str, int]] = Counter()

    def sample(self, outcomes: Counter[tuple[str, int]], delayed: int) -> None:
        """Take the sample of a minute that ends now."""
        exchange: Exchange = self._state.get(Exchange, 0)
        ledger: Ledger = self._state.get(Ledger, 0)
        steps = Counter({name: stage.steps for name, stage in self._waterfall.stages.items()})
        notional = Counter({name: stage.notional for name, stage in self._waterfall.stages.items()})
        series = self.series
        fund = look_at(self._state, FUND).health.equity
        series.time.append(exchange.time)
        series.mode.append(exchange.mode)
        series.vault.append(ledger.vault)
        series.fund.append(fund)
        fees = ledger.fees_inbox + self._state.get(Account, FEES).collateral
        series.users.append(ledger.vault - fund - fees)
        series.bankrupt.append(ledger.bankrupt)
        series.waiting.append(len(self._waterfall.waiting))
        series.delayed.append(delayed)
        series.steps.append(sum(steps.values()) - sum(self._steps.values()))
        for number, market in enumerate(self.markets):
            self._sample_market(number, market, exchange.time)
        self._count(exchange.time - 1, steps, notional, outcomes)

    def _sample_market(self, number: int, series: MarketSeries, time: int) -> None:
        price: MarketPrice = self._state.get(MarketPrice, number)
        oracle: MarketOracle = self._state.get(MarketOracle, number)
        book: MarketBook = self._state.get(MarketBook, number)
        series.price.append(price.price)
        series.index.append(price.index)
        series.average.append(oracle.average)
        series.level.append(shown_level(oracle_state(price, self._state.market(number), time)))
        series.mode.append(price.mode)
        series.open_interest.append(book.open_interest * price.price)
        series.funding_ppm.append(oracle.funding_rate_ppm)

    def _count(
        self, time: int, steps: Counter[str], notional: Counter[str], outcomes: Counter[tuple[str, int]]
    ) -> None:
        """Add what happened since the last sample to its hour."""
        hour = self.hours.setdefault(time // HOUR * HOUR, HourCounts(Counter(), Counter(), Counter()))
        hour.steps.update(steps - self._steps)
        hour.notional.update(notional - self._notional)
        hour.outcomes.update(outcomes - self._outcomes)
        self._steps, self._notional, self._outcomes = steps, notional, Counter(outcomes)
