"""Finds unhealthy accounts without looking at all of them.

For each account the rules are asked once how far it is from its maintenance margin. After that a bound says by how
much this distance can have shrunk since, from what the prices and indices did and the account's sizes; the rules are
asked again only where the bound no longer shows that the account is healthy. The bound holds because equity is linear
in each price with the size as its slope, and margin has a slope of at most the market's steepest rate.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from perp_reference.core.state import State
from perp_spec.perpetual.health import Whole, settle_whole
from perp_spec.perpetual.records import FIRST_USER, FUND, Account, Exchange, Ledger, Market, MarketPrice, Position
from perp_spec.words import POSITION_SLOTS, PPM

Grid = np.ndarray[Any, np.dtype[np.int64]]

ROUNDING = 256
"""Atoms by which rounding can move an account's health: fewer than ten roundings a position, each below one atom."""


def look_at(state: State, account: int) -> Whole:
    """An account as the rules see it now."""
    inbox = state.get(Ledger, 0).fund_inbox if account == FUND else 0
    time = state.get(Exchange, 0).time
    return settle_whole(state.parameters, time, inbox, state.get(Account, account), state.held(account))


def distance(whole: Whole) -> int:
    """Atoms above the maintenance margin."""
    return whole.health.equity - whole.health.maintenance


def steepest_ppm(market: Market) -> int:
    """The most a margin requirement can change for each change of notional, buffers apart."""
    return max(market.maintenance_3_ppm, market.shock_ppm)


def worth(price: MarketPrice) -> tuple[int, int]:
    """What a lot held long and a lot held short add to the distance from maintenance, linear margin apart.

    In atoms, rounded down.
    """
    buffer_long = -(-price.price * price.buffer_long_ppm // PPM)
    buffer_short = -(-price.price * price.buffer_short_ppm // PPM)
    index_long = price.funding_index + price.loss_index
    index_short = price.funding_index - price.loss_index
    return price.price - buffer_long + -index_long // PPM, -price.price - buffer_short + index_short // PPM


class Watch:
    """Distance from maintenance of every user's account.

    Attributes:
        looked: How often the rules were asked.
        sizes: Lots by account and market.
    """

    def __init__(self, state: State, accounts: int) -> None:
        markets = len(state.markets)
        self._state = state
        self._slopes = np.array([steepest_ppm(market) for market in state.markets], dtype=np.int64)
        self._distance: Grid = np.zeros(accounts, dtype=np.int64)
        self._bound: Grid = np.zeros(accounts, dtype=np.int64)
        self._bound_at: tuple[Grid, Grid] | None = None
        self._price: Grid = np.zeros((accounts, markets), dtype=np.int64)
        self._worth: Grid = np.zeros((accounts, markets), dtype=np.int64)
        self.sizes: Grid = np.zeros((accounts, markets), dtype=np.int64)
        self.looked = 0

    def now(self) -> tuple[Grid, Grid]:
        """Prices, and worths of a lot by side (long, short) and market."""
        prices = [self._state.get(MarketPrice, number) for number in range(len(self._slopes))]
        worths = np.array([worth(price) for price in prices], dtype=np.int64).T
        return np.array([price.price for price in prices], dtype=np.int64), worths

    def take(self, accounts: Iterable[int]) -> None:
        """Look at accounts, because an operation changed them."""
        numbers = sorted(account for account in accounts if account >= FIRST_USER)
        if not numbers:
            return
        for account in numbers:
            self.sizes[account] = 0
            for slot in range(self._state.get(Account, account).slots):
                position: Position = self._state.get(Position, account * POSITION_SLOTS + slot)
                self.sizes[account, position.market] += position.size
        self._look(np.array(numbers))

    def _look(self, numbers: Grid) -> None:
        prices, worths = self.now()
        self.looked += len(numbers)
        self._distance[numbers] = [distance(look_at(self._state, int(account))) for account in numbers]
        self._price[numbers] = prices
        self._worth[numbers] = np.where(self.sizes[numbers] >= 0, worths[0], worths[1])
        if self._is_bound_at(prices, worths):
            self._bound[numbers] = self._distance[numbers]

    def _is_bound_at(self, prices: Grid, worths: Grid) -> bool:
        """The last bound is of these prices."""
        if self._bound_at is None:
            return False
        return np.array_equal(self._bound_at[0], prices) and np.array_equal(self._bound_at[1], worths)

    def bound(self) -> Grid:
        """For each account a distance from maintenance that it has at least, in atoms."""
        prices, worths = self.now()
        if not self._is_bound_at(prices, worths):
            lots = np.abs(self.sizes)
            lost = self._worth - np.where(self.sizes >= 0, worths[0], worths[1])
            moved = np.abs(self._price - prices)
            margin = -(-moved * self._slopes // PPM)
            changed = (lots != 0) & ((lost != 0) | (moved != 0))
            drop = np.where(changed, lots * (lost + margin + 4), 0).sum(axis=1)
            self._bound = self._distance - drop - np.where(changed.any(axis=1), ROUNDING, 0)
            self._bound_at = prices, worths
        return self._bound

    def unhealthy(self) -> list[int]:
        """Every user's account below its maintenance margin, by the rules, the worst first."""
        suspects = np.flatnonzero(self.bound() < 0)
        suspects = suspects[suspects >= FIRST_USER]
        if len(suspects):
            self._look(suspects)
        found = [int(account) for account in suspects if self._distance[account] < 0]
        return sorted(found, key=lambda account: (int(self._distance[account]), account))

    def opposite(self, market: int, long: bool) -> list[int]:
        """Accounts with a position against a long (or a short) one, those with the most lots for their distance first.

        The order is this operator's choice; the rules leave it free.
        """
        column = self.sizes[:, market]
        numbers = np.flatnonzero(column < 0 if long else column > 0)
        numbers = numbers[numbers >= FIRST_USER]
        burden = (np.abs(column[numbers]) << 20) // np.maximum(self._distance[numbers], 1)
        rank = np.argsort(-burden, kind="stable")
        return [int(account) for account in numbers[rank]]
