"""What a scene is, and the changes that spoil one."""

from collections.abc import Callable
from typing import Any

import attrs
from attrs import frozen

from perp_spec.perpetual.operations import Trade
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Exchange, Position
from perp_spec.words import POSITION_SLOTS
from support.worlds import World, order, small_config, tick

Change = Callable[[World, Any], Any]
"""Changes a world and returns the operation, changed too."""


@frozen
class Guard:
    """One guard of a rule, and what makes it the first false one: nothing, where `never` says why it always holds."""

    reason: Reason
    change: Change | None
    never: str = ""


@frozen
class Answer:
    """A result other than 0 that an operation must state, and what makes it the right one."""

    reason: Reason
    change: Change


@frozen
class Scene:
    """An operation that is accepted, its guards in order, and the answers it can state."""

    name: str
    """Of the rule, and where a rule has several scenes which one."""
    begin: Callable[[], tuple[World, Any]]
    guards: tuple[Guard, ...]
    answers: tuple[Answer, ...] = ()


def op(**changes: Any) -> Change:
    """Change fields of the operation; `intent__nonce` is the field of a nested record."""

    def change(world: World, operation: Any) -> Any:
        for path, value in changes.items():
            outer, _, inner = path.partition("__")
            if inner:
                value = attrs.evolve(getattr(operation, outer), **{inner: value})  # noqa: PLW2901
            operation = attrs.evolve(operation, **{outer: value})
        return operation

    return change


def record(kind: type[Any], key: int, /, **changes: Any) -> Change:
    """Change a record behind the rules' back."""

    def change(world: World, operation: Any) -> Any:
        world.set(kind, key, **changes)
        return operation

    return change


def absent(kind: type[Any], key: int) -> Change:
    """Make a record all zeros behind the rules' back."""

    def change(world: World, operation: Any) -> Any:
        world.state.put(kind, key, kind())
        world.state.commit()
        return operation

    return change


def together(*changes: Change) -> Change:
    """One change after the other."""

    def change(world: World, operation: Any) -> Any:
        for single in changes:
            operation = single(world, operation)
        return operation

    return change


def position(account: int, slot: int, market: int, size: int) -> Change:
    """Give an account a position behind the rules' back, settled, and enough slots for it."""

    def change(world: World, operation: Any) -> Any:
        slots = max(world.get(Account, account).slots, slot + 1)
        world.set(Account, account, slots=slots)
        world.set(Position, account * POSITION_SLOTS + slot, market=market, size=size)
        return operation

    return change


def guard(reason: Reason, *changes: Change) -> Guard:
    """A guard."""
    return Guard(reason, together(*changes))


def never(reason: Reason, why: str) -> Guard:
    """A guard that always holds in its scene."""
    return Guard(reason, None, why)


def answer(reason: Reason, *changes: Change) -> Answer:
    """An answer: the operation states it."""
    return Answer(reason, together(*changes, op(result=int(reason))))


FROZEN = guard(Reason.FROZEN, record(Exchange, 0, frozen_at=5))

LONG, SHORT, OTHER, PORTFOLIO, CHILD, TWIN = 4, 6, 7, 8, 9, 3
"""The cast: a long and a short of 100 lots of market 0, three without positions, and one of the owner of LONG.

CHILD is an isolated account of OTHER that may hold market 1 only.
"""

ABSENT = 77
"""An account that does not exist."""


def deal(buyer: int, seller: int, lots: int, price: int, market: int = 0, slots: tuple[int, int] = (0, 0)) -> Trade:
    """A trade without fees, by new orders in slots of their own."""
    slot = 100 + market + (50 if buyer > seller else 0)
    bought = order(buyer, True, lots, price, slot=slot, market=market)
    sold = order(seller, False, lots, price, slot=slot, market=market)
    return Trade(market, lots, price, True, bought, sold, *slots)


def made_small_world() -> World:
    """The cast with 20,000 atoms each, but the fund, markets at 100, 50 and 20 atoms a lot, no positions."""
    world = World(small_config())
    for number in (LONG, SHORT, OTHER, PORTFOLIO, TWIN):
        owner = 1_004 if number == TWIN else 1_000 + number
        world.open(number, owner, 3 if number == PORTFOLIO else 1, 20_000)
    world.set(Account, CHILD, kind=2, owner=1_007, parent=OTHER, market=1)
    world.must(tick(0, 100, 100), tick(1, 50, 50), tick(2, 20, 20))
    return world


SMALL_WORLD = made_small_world()
"""Made once: hundreds of scenes begin with it, and its records never change."""


def small_world() -> World:
    """A small world of one's own."""
    return SMALL_WORLD.copy()


def traded_world() -> World:
    """The small world after LONG bought 100 lots of market 0 from SHORT at 100."""
    world = small_world()
    world.must(deal(LONG, SHORT, 100, 100))
    return world


def move(world: World, source: int, target: int, amount: int) -> None:
    """Move collateral behind the rules' back, so that its sum stays."""
    world.set(Account, source, collateral=world.get(Account, source).collateral - amount)
    world.set(Account, target, collateral=world.get(Account, target).collateral + amount)


def equity(account: int, amount: int, size: int = 100, price: int = 100) -> Change:
    """Give an account with one position this equity, by moving collateral to or from OTHER."""

    def change(world: World, operation: Any) -> Any:
        move(world, account, OTHER, world.get(Account, account).collateral + size * price - amount)
        return operation

    return change
