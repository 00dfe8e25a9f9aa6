"""Scenarios one unit apart between which something turns that the boundaries of the scenes' guards leave out.

That is the result that an operation has to state, an order that only reduces, and an account's number. Each side is a
scenario. Where a result turns, the result of the other side is stated first, which is refused.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import attrs

from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.values import records_of
from perp_spec.perpetual.operations import ForcedReduce
from perp_spec.perpetual.reasons import SENTENCES, Reason
from perp_spec.perpetual.records import FEES, Account, Forced, Ledger, MarketPrice, Request
from support.scenes.forced import (
    FORCED_BY_ORDER,
    FORCED_WITHDRAW,
    REQUEST_FORCED,
    SUSPENDED,
    request_instead,
)
from support.scenes.money import DEPOSIT, redeposit
from support.scenes.scene import LONG, OTHER, SHORT, Change, Scene, op, position, record, together
from support.scenes.trading import TRADE
from support.scenes.waterfall import LIQUIDATE
from support.vectors.build import scenario
from support.vectors.scenes import given, rule_and_variant, slug
from support.worlds import World


class Neighbours(NamedTuple):
    """Something that turns between two values of a number."""

    scene: Scene
    reason: Reason
    make: Callable[[int], Change]
    """The scene with the number."""
    fine: int
    """A value with which the reason does not show."""
    bad: int
    """One with which it does."""
    about: str = ""
    """What tells two edges of a reason apart."""


CAP = 10**9
"""The cap of the vault in the scenes."""

OWNER = 1_000 + LONG


def reduce_only(side: str, account: int, sign: int) -> Callable[[int], Change]:
    """An order that only reduces, of an account that holds so many lots."""

    def make(size: int) -> Change:
        return together(op(**{f"{side}__reduce_only": True}), position(account, 0, 0, sign * size))

    return make


RESULTS = (
    Neighbours(DEPOSIT, Reason.AMOUNT, lambda n: redeposit(LONG, n), 1, 0),
    Neighbours(DEPOSIT, Reason.NO_ACCOUNT, lambda n: redeposit(n, 5, OWNER), LONG, LONG + 1),
    Neighbours(DEPOSIT, Reason.VAULT_CAP, lambda n: together(record(Ledger, 0, vault=n), redeposit(LONG, 5)), 0, CAP),
    Neighbours(
        DEPOSIT,
        Reason.COLLATERAL_RANGE,
        lambda n: together(record(Account, LONG, collateral=n), redeposit(LONG, 5)),
        0,
        2**61,
    ),
    Neighbours(REQUEST_FORCED, Reason.AMOUNT, lambda n: request_instead(amount=n), 1, 0),
    Neighbours(
        REQUEST_FORCED, Reason.RESERVED_ACCOUNT, lambda n: request_instead(account=n, key=OWNER), FEES + 1, FEES
    ),
    Neighbours(REQUEST_FORCED, Reason.NO_ACCOUNT, lambda n: request_instead(account=n, key=OWNER), LONG, LONG + 1),
    Neighbours(REQUEST_FORCED, Reason.BAD_KIND, lambda n: request_instead(kind=n), Forced.REDUCE, 3),
    Neighbours(REQUEST_FORCED, Reason.NO_MARKET, lambda n: request_instead(market=n), 0, 3),
    Neighbours(
        REQUEST_FORCED,
        Reason.FORCED_PENDING,
        lambda n: together(record(Request, LONG, kind=n, amount=1, deadline=5), request_instead()),
        0,
        1,
    ),
    Neighbours(FORCED_WITHDRAW, Reason.VAULT, lambda n: record(Ledger, 0, vault=n), 18_000, 0),
    Neighbours(
        FORCED_WITHDRAW,
        Reason.ORACLE_LEVEL,
        lambda n: together(SUSPENDED, record(Request, LONG, amount=n)),
        1,
        19_000,
    ),
    Neighbours(FORCED_WITHDRAW, Reason.INITIAL_MARGIN, lambda n: record(Request, LONG, amount=n), 18_000, 20_000),
    Neighbours(
        FORCED_WITHDRAW, Reason.COLLATERAL_RANGE, lambda n: record(Account, LONG, collateral=n), 2**60, 2**61 + 2**57
    ),
    Neighbours(FORCED_BY_ORDER, Reason.NO_POSITION, lambda n: record(Request, LONG, market=n), 0, 1),
    Neighbours(FORCED_BY_ORDER, Reason.ORACLE_LEVEL, lambda n: record(MarketPrice, 0, level=n), 0, 2),
    Neighbours(FORCED_BY_ORDER, Reason.COLLATERAL_RANGE, lambda n: record(Account, LONG, collateral=n), 0, 2**61),
    Neighbours(
        FORCED_BY_ORDER,
        Reason.HEALTH_RATIO_FELL,
        lambda n: together(
            record(MarketPrice, 0, price=1_000, index=1_000),
            record(Account, LONG, collateral=n),
            op(order__price=1_000),
        ),
        2_400 - 100_000,
        300 - 100_000,
    ),
)
"""Results that turn into done, or into another result."""

GUARDS = (
    Neighbours(TRADE, Reason.ORDER_REDUCE_ONLY, reduce_only("buyer", LONG, -1), 100, 1, "buyer"),
    Neighbours(TRADE, Reason.ORDER_REDUCE_ONLY, reduce_only("seller", SHORT, 1), 100, 1, "seller"),
    Neighbours(LIQUIDATE, Reason.ORDER_REDUCE_ONLY, reduce_only("taker", OTHER, -1), 20, 1),
    Neighbours(FORCED_BY_ORDER, Reason.ORDER_REDUCE_ONLY, reduce_only("order", OTHER, -1), 30, 1),
    Neighbours(LIQUIDATE, Reason.RESERVED_ACCOUNT, lambda n: op(taker__account=n), FEES + 1, FEES),
)
"""Guards that turn false."""


class Side(NamedTuple):
    """A scene with a number, and what comes out."""

    world: World
    operation: Any
    """With the result that is right."""
    said: str
    """The first reason, or the result that is right."""


def neighbour_scenarios() -> Iterator[Scenario]:
    """Both sides of each edge."""
    for edge in RESULTS:
        fine, bad = sides(edge)
        assert bad.said == edge.reason.name, f"{edge.scene.name}: {edge.reason.name} is {bad.said}"
        yield from stated(edge, fine, bad)
    for edge in GUARDS:
        fine, bad = sides(edge)
        assert bad.said == edge.reason.name, f"{edge.scene.name}: {edge.reason.name} is {bad.said}"
        for name, side in (("on", fine), ("off", bad)):
            yield one(edge, name, side, (side.operation,))


def sides(edge: Neighbours) -> tuple[Side, Side]:
    """The last value of the number at which the reason does not show, and the next one."""
    fine, bad = edge.fine, edge.bad
    assert side_at(edge, fine).said != edge.reason.name, f"{edge.scene.name}: {edge.reason.name} shows at {fine}"
    while abs(fine - bad) > 1:
        middle = (fine + bad) // 2
        if side_at(edge, middle).said == edge.reason.name:
            bad = middle
        else:
            fine = middle
    return side_at(edge, fine), side_at(edge, bad)


def side_at(edge: Neighbours, number: int) -> Side:
    """The scene with a number."""
    world, operation = edge.scene.begin()
    operation = edge.make(number)(world, operation)
    session = PerpetualSession(world.state.config)
    session.take(records_of(world.state))
    right = session.completed(operation)
    false = [guard.reason.name for guard in session.guards(right) if not guard.holds]
    result = getattr(right, "result", 0)
    return Side(world, right, false[0] if false else Reason(result).name if result else "done")


def stated(edge: Neighbours, fine: Side, bad: Side) -> Iterator[Scenario]:
    """Each side, where the result of the other one is stated first."""
    for name, side, other in (("on", fine, bad), ("off", bad, fine)):
        wrong = {"result": other.operation.result}
        if isinstance(side.operation, ForcedReduce):
            wrong["lots"] = other.operation.lots
        yield one(edge, name, side, (attrs.evolve(side.operation, **wrong), side.operation))


def one(edge: Neighbours, name: str, side: Side, operations: tuple[Any, ...]) -> Scenario:
    """One side as a scenario."""
    rule, variant = rule_and_variant(edge.scene)
    about = f"-{edge.about}" if edge.about else ""
    what = "The last value with which this does not hold" if name == "on" else "The first value with which this holds"
    return scenario(
        f"{rule}/{variant}edge-{slug(edge.reason.name)}{about}-{name}",
        f"Given: {given(edge.scene)} {what}: {SENTENCES[edge.reason]}",
        side.world.state.config,
        records_of(side.world.state),
        operations,
        kind="boundary",
        flags=("EDGE_CASE",),
    )
