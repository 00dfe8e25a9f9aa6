"""What an edge is: a state, what happens in it, and which mistakes in a rule come out otherwise there.

The docstring of each is its comment in the vectors. Which mutants it notices stands with it, and a test tries them.
"""

from collections.abc import Callable
from typing import Any

import attrs
from attrs import frozen

from perp_reference.conformance.scenarios import Scenario
from perp_spec.perpetual.config import Config, with_bracket_margins
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Ledger, MarketBook, MarketPrice, Position
from perp_spec.words import POSITION_SLOTS
from support.scenes.scene import (
    LONG,
    OTHER,
    PORTFOLIO,
    SHORT,
    position,
)
from support.vectors.build import moment_of, scenario
from support.worlds import World, small_config, tick

Steps = tuple[tuple[Any, Reason | None], ...]
"""Operations, and why each is rejected, or None."""

Begin = Callable[[], tuple[World, Steps]]
"""Makes the state of an edge, and what happens in it."""


@frozen
class Edge:
    """A scenario of a mistake."""

    name: str
    """Its id: rule and title."""
    notices: tuple[str, ...]
    """Labels of mutants, as `perp vectors mutants` gives them."""
    begin: Begin

    @property
    def comment(self) -> str:
        """Given, when, then."""
        return " ".join((self.begin.__doc__ or "").split())

    def scenario(self) -> Scenario:
        """The scenario for the vectors."""
        world, steps = self.begin()
        operations = [operation for operation, _ in steps]
        records = moment_of(world, operations[0]).records
        return scenario(self.name, self.comment, world.state.config, records, operations, flags=("EDGE_CASE",))


def edge(edges: list[Edge], name: str, *notices: str) -> Callable[[Begin], Begin]:
    """Put a function among the edges of its module."""

    def put(begin: Begin) -> Begin:
        edges.append(Edge(name, notices, begin))
        return begin

    return put


def told(world: World, *steps: tuple[Any, Reason | None]) -> tuple[World, Steps]:
    """A world whose totals are those of its accounts, and what happens in it."""
    positions = world.state.tables[Position]
    for market in range(len(world.state.markets)):
        sizes = [own.size for own in positions.values() if own.market == market]
        longs, shorts = sum(max(size, 0) for size in sizes), sum(max(-size, 0) for size in sizes)
        world.set(MarketBook, market, open_interest=max(longs, shorts))
    holders = {key // POSITION_SLOTS for key, own in positions.items() if own.size}
    accounts = world.state.tables[Account]
    flat_and_negative = [key for key, own in accounts.items() if own.collateral < 0 and key not in holders]
    world.set(Ledger, 0, bankrupt=len(flat_and_negative))
    return world, steps


def holding(world: World, account: int, slot: int, market: int, size: int) -> None:
    """Give an account a position, settled."""
    position(account, slot, market, size)(world, None)


def with_markets(config: Config, **changes: Any) -> Config:
    """A configuration with other numbers in every market."""
    markets = tuple(
        attrs.evolve(entry, market=with_bracket_margins(attrs.evolve(entry.market, **changes)))
        for entry in config.markets
    )
    return attrs.evolve(config, markets=markets)


def world_of(config: Config, prices: tuple[int, ...] = (100, 50, 20)) -> World:
    """Four accounts with 20,000 atoms each, and a price of each market."""
    world = World(config)
    for number in (LONG, SHORT, OTHER, PORTFOLIO):
        world.open(number, kind=3 if number == PORTFOLIO else 1, collateral=20_000)
    world.must(*(tick(market, price, price) for market, price in enumerate(prices)))
    return world


def empty_world(**changes: Any) -> World:
    """The same in a small exchange; `changes` are of its parameters."""
    return world_of(small_config(**changes))


def worth(world: World, account: int, equity: int) -> None:
    """Set an account's collateral so that with its positions it is worth this."""
    first = account * POSITION_SLOTS
    positions = (world.get(Position, key) for key in range(first, first + POSITION_SLOTS))
    value = sum(own.size * world.get(MarketPrice, own.market).price for own in positions)
    world.set(Account, account, collateral=equity - value)
