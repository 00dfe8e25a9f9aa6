"""The invariants can fail: each of these bugs, put into the rules, is noticed.

A bug that nothing notices would mean that an invariant is missing.
"""

import functools
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import attrs
import pytest

from perp_reference.core.audit import audit
from perp_reference.core.compiled import compiled
from perp_spec.language import maximum, mul_div_ceil, mul_div_floor, negate
from perp_spec.perpetual import common, health
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import MarketPrice
from perp_spec.perpetual.rules import forced as forced_rules
from perp_spec.perpetual.rules import money, trading, waterfall
from perp_spec.perpetual.rules import ticks as tick_rules
from support.invariants import Watch
from support.scenes import waterfall as waterfall_scenes
from support.scenes.collected import SCENES
from support.scenes.scene import record
from support.walk import Walk

SEEDS = 10
"""Walks that are tried before a bug counts as unnoticed."""

Bug = tuple[Any, str, Callable[..., Any]]
"""Module, name of a function in it, what it is replaced by."""


def without(module: Any, reason: Reason) -> Bug:
    """A guard is missing."""
    original = module.require

    def require(condition: Any, given: Reason) -> None:
        if given is not reason:
            original(condition, given)

    return module, "require", require


def changed(module: Any, name: str, **fields: Any) -> Bug:
    """A function gets other keyword arguments."""
    original = getattr(module, name)

    def call(*arguments: Any, **keywords: Any) -> Any:
        known = {key: value for key, value in fields.items() if key in keywords}
        return original(*arguments, **{**keywords, **known})

    return module, name, call


def no_socialised_part(size: int, price: Any) -> int:
    """The index of a side without the socialised losses."""
    return health.select(size == 0, 0, price.funding_index)


def zero_price_with_buffer(share: int, before: Any) -> int:
    """A zero-price amount as a share of the whole maintenance margin."""
    return mul_div_ceil(share, before.equity, maximum(before.maintenance, 1))


BUGS: dict[str, tuple[Bug, ...]] = {
    "a trading fee is lost": (changed(trading, "carry", fees=0),),
    "a liquidation fee is lost": (changed(waterfall, "carry", fund=0),),
    "settling rounds in favour of the account": ((health, "mul_div_floor", mul_div_ceil),),
    "the dust of settling is lost": ((health, "mul_div_remainder", lambda _a, _b, _c: 0),),
    "the margin is rounded down": ((health, "mul_div_ceil", mul_div_floor),),
    "the index of a side forgets socialised losses": ((health, "side_index", no_socialised_part),),
    "the initial margin of a trade is not checked": ((trading, "require_valid_transition_if", lambda *_: None),),
    "a healthy account can be liquidated": (without(waterfall, Reason.NOT_LIQUIDATABLE),),
    "a liquidation may lower the ratio": (without(waterfall, Reason.HEALTH_RATIO_FELL),),
    "anybody can be backstopped": (without(waterfall, Reason.NOT_CLOSE_OUT),),
    "the fund takes over without margin": (without(waterfall, Reason.FUND_MARGIN),),
    "a withdrawal needs no margin": (without(money, Reason.INITIAL_MARGIN),),
    "a withdrawal ignores a suspended oracle": (without(money, Reason.ORACLE_LEVEL),),
    "a withdrawal ignores the bucket": (without(money, Reason.BUCKET),),
    "an intent can be used again": ((money, "use_intent", lambda _intent, stored, _now: stored),),
    "a fill is not booked": ((trading, "fill_order_if", lambda _active, _order, stored, *_: stored),),
    "a market can be held twice": ((trading, "slot_fits", lambda *_: True),),
    "open interest is not booked": ((trading, "with_open_interest", lambda book, *_: book),),
    "bankrupt accounts are not counted": (changed(waterfall, "carry", bankrupt=0),),
    "zero-price amounts count the buffer": ((waterfall, "zero_price_amount", zero_price_with_buffer),),
    "a counterparty pays any deficit": ((waterfall, "released", lambda *_: 10**9),),
    "only bankrupt accounts are closed out": ((waterfall, "below_close_out", lambda known, _: known.equity < 0),),
    "a fund without margin is a backstop": ((waterfall, "backstop_possible", lambda *_: True),),
    "a crash is rejected": (
        (tick_rules, "health_price", lambda mark, gap, *_: (common.require(negate(gap), Reason.ORACLE_LEVEL), mark)[1]),
    ),
    "a deleverage does not wait for the fund": (without(waterfall, Reason.BACKSTOP_POSSIBLE),),
    "a forced reduction does not wait for the fund": (without(forced_rules, Reason.BACKSTOP_POSSIBLE),),
    "a forced action is refused at will": (without(forced_rules, Reason.FORCED_RESULT),),
}


Begin = Callable[[], tuple[Any, Any]]


def spoiled(begin: Begin, change: Callable[..., Any]) -> Begin:
    """A scene after a change."""

    def begin_spoiled() -> tuple[Any, Any]:
        world, operation = begin()
        return world, change(world, operation)

    return begin_spoiled


def charged_liquidation() -> tuple[Any, Any]:
    """A liquidation that pays the fund a fee."""
    world, operation = waterfall_scenes.liquidate_scene()
    return world, attrs.evolve(operation, fee_ppm=1_000)


@functools.cache
def sound_scenes() -> list[Begin]:
    """Scenes, and what spoils them for the operation or lets funding be due, but leaves the state sound."""
    begins = [scene.begin for scene in SCENES] + [waterfall_scenes.bankrupt_backstop_scene, charged_liquidation]
    changed_ones = [
        spoiled(scene.begin, guard.change) for scene in SCENES for guard in scene.guards if guard.change is not None
    ]
    funded = [spoiled(begin, record(MarketPrice, 0, funding_index=7)) for begin in begins]
    return begins + [begin for begin in changed_ones + funded if audit(begin()[0].state) == []]


def noticed(seeds: int) -> str | None:
    """What the invariants say: over the scenes and what spoils them, and then over walks of leveraged accounts."""
    try:
        for begin in sound_scenes():
            world, operation = begin()
            watch = Watch(world, thorough=False)
            watch.apply(operation)
            watch.check_state()
        for seed in range(seeds):
            walk = Walk(Random(f"bug {seed}"), thorough=False)
            walk.leverage()
            walk.run(250)
    except Exception as error:  # noqa: BLE001 - whatever stops the program is noticed
        return f"{type(error).__name__}: {error}"
    return None


def test_the_rules_as_they_are_have_none_of_them() -> None:
    assert noticed(seeds=0) is None


@pytest.fixture
def forgets_bugs() -> Iterator[None]:
    """What was compiled with a bug in is forgotten."""
    yield
    compiled.cache_clear()


@pytest.mark.usefixtures("forgets_bugs")
@pytest.mark.parametrize("name", BUGS)
def test_a_seeded_bug_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sound_scenes()
    for module, function, replacement in BUGS[name]:
        monkeypatch.setattr(module, function, replacement)
    compiled.cache_clear()
    assert noticed(SEEDS) is not None
