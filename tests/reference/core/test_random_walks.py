"""Whatever happens, every identity and total holds, nobody is stuck, and every promise of the rules is kept.

The invariants are those of `support.invariants`, the actions those of `support.actions`. The state machine lets
Hypothesis choose and shrink; the walks take the same actions by weights and go further.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from support.actions import WEIGHTS
from support.walk import Walk
from support.worlds import small_config

EXAMPLES = settings.default.max_examples if settings.default else 100
"""Of the profile that is active: 100 in the default one."""

RANDOMS = st.randoms(use_true_random=False)


class Exchange(RuleBasedStateMachine):
    """Every operation in any order, on a market that has just been opened or is highly leveraged."""

    families = 2

    @initialize(rng=RANDOMS, leveraged=st.booleans())
    def begin(self, rng: Random, leveraged: bool) -> None:
        """Open accounts and markets."""
        self.walk = Walk(rng, small_config(families=self.families))
        if leveraged:
            self.walk.leverage()

    @invariant()
    def sound(self) -> None:
        """Settling, liveness of the waterfall, answers to forced requests."""
        if hasattr(self, "walk"):
            self.walk.watch.check_state()


class ThreeFamilies(Exchange):
    """The same with three oracle families."""

    families = 3


def step_of(name: str) -> Callable[..., None]:
    """The rule of an action."""

    def step(self: Exchange, rng: Random) -> None:
        self.walk.rng = self.walk.actions.rng = rng
        self.walk.step(name)

    step.__name__ = name
    return step


def with_rules(machine: type[Exchange]) -> Any:
    """The machine with a rule for each action."""
    rules = {name: rule(rng=RANDOMS)(step_of(name)) for name in WEIGHTS}
    return type(machine.__name__, (machine,), rules)


SETTINGS = settings(
    max_examples=max(EXAMPLES // 8, 1),
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

TestExchange = with_rules(Exchange).TestCase
TestExchange.settings = SETTINGS
TestThreeFamilies = with_rules(ThreeFamilies).TestCase
TestThreeFamilies.settings = SETTINGS


@pytest.mark.parametrize("seed", range(max(EXAMPLES // 8, 1)))
def test_walk(seed: int) -> None:
    """Given accounts without positions, when 400 actions are taken, then every invariant holds after each."""
    Walk(Random(seed), small_config(families=2 + seed % 3)).run(400)


@pytest.mark.parametrize("seed", range(max(EXAMPLES // 8, 1)))
def test_leveraged_walk(seed: int) -> None:
    """Given large positions, when 250 actions are taken, then every invariant holds after each."""
    walk = Walk(Random(f"leveraged {seed}"), small_config(families=2 + seed % 2))
    walk.leverage()
    walk.run(250)
