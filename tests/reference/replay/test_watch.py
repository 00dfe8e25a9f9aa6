"""The watch never misses an unhealthy account."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perp_reference.core.state import State
from perp_reference.replay.simulation import Simulation
from perp_reference.replay.watch import Watch, distance, look_at
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.records import FIRST_USER, Account, Kind, MarketPrice, Position
from perp_spec.words import POSITION_SLOTS

Simulate = Callable[..., Simulation]


def by_the_rules(state: State, accounts: int) -> list[int]:
    """Unhealthy accounts, asking the rules about every one."""
    return [account for account in range(FIRST_USER, accounts) if distance(look_at(state, account)) < 0]


class Compared:
    """A watch whose every answer is compared with asking the rules about every account."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.found = 0
        self.answers = 0
        self._unhealthy = simulation.watch.unhealthy
        simulation.watch.unhealthy = self.unhealthy

    def unhealthy(self) -> list[int]:
        watch, state = self.simulation.watch, self.simulation.state
        accounts = self.simulation.population.accounts
        exact = np.array([distance(look_at(state, account)) for account in range(accounts)])
        assert np.all(watch.bound()[FIRST_USER:] <= exact[FIRST_USER:])
        answer = self._unhealthy()
        assert sorted(answer) == by_the_rules(state, accounts)
        self.found += len(answer)
        self.answers += 1
        return answer


@pytest.mark.parametrize("seed", [1, 2])
def test_no_unhealthy_account_is_missed(simulate: Simulate, seed: int) -> None:
    kept: list[Compared] = []
    simulation = simulate(seed=seed, setup=lambda simulation: kept.append(Compared(simulation)))
    assert kept[0].answers >= 2 * simulation.batches
    assert kept[0].found > 30


def test_few_accounts_are_looked_at(simulate: Simulate) -> None:
    simulation = simulate(accounts=100)
    rounds = 2 * simulation.batches
    assert simulation.watch.looked < rounds * 100 // 5


@given(
    st.lists(st.integers(-1_000_000, 1_000_000), min_size=2, max_size=2),
    st.lists(st.integers(2_000_000, 4_000_000), min_size=2, max_size=2),
    st.integers(-(10**11), 10**11),
    st.integers(0, 10**11),
    st.integers(0, 3_000),
    st.sampled_from((Kind.CROSS, Kind.PORTFOLIO)),
)
def test_the_bound_holds_whatever_moves(
    sizes: list[int], prices: list[int], funding_index: int, loss_index: int, buffer_ppm: int, kind: int
) -> None:
    """Prices, indices and buffers move: the account is nowhere nearer to liquidation than the bound says."""
    state = State(default_config(2))
    for market in range(2):
        state.put(MarketPrice, market, MarketPrice(price=3_000_000, index=3_000_000, buffer_long_ppm=300))
        state.put(Position, 2 * POSITION_SLOTS + market, Position(market, sizes[market], 0))
    state.put(Account, 2, Account(kind=kind, owner=2, collateral=10**12, slots=2))
    watch = Watch(state, 3)
    watch.take([2])
    assert watch.bound()[2] == distance(look_at(state, 2))
    for market in range(2):
        moved = MarketPrice(
            price=prices[market],
            index=prices[market],
            funding_index=funding_index,
            loss_index=loss_index,
            buffer_long_ppm=buffer_ppm,
            buffer_short_ppm=3_000 - buffer_ppm,
        )
        state.put(MarketPrice, market, moved)
    assert watch.bound()[2] <= distance(look_at(state, 2))


def test_counterparties_are_those_with_most_lots_for_their_distance(simulate: Simulate) -> None:
    watch = simulate(minutes=3).watch
    for long in (True, False):
        found = watch.opposite(0, long)
        sizes = [int(watch.sizes[account, 0]) for account in found]
        assert all(size < 0 if long else size > 0 for size in sizes)
        everyone = {
            int(account) for account in np.flatnonzero(watch.sizes[:, 0] < 0 if long else watch.sizes[:, 0] > 0)
        }
        assert set(found) == {account for account in everyone if account >= FIRST_USER}
