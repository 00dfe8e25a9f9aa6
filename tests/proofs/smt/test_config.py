"""The theorems of a configuration are proved of the default one, and violated where a bound is broken."""

from typing import Any

import attrs
import pytest

from perp_proofs.smt.goals.config import config_goals
from perp_proofs.smt.prove import Goal, prove, reached
from perp_proofs.smt.solver import Verdict
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.defaults import default_config

pytestmark = pytest.mark.proofs

GOALS = config_goals(default_config())


def changed_market(**changes: Any) -> Config:
    """The default configuration of one market, with other numbers."""
    config = default_config(1)
    (entry,) = config.markets
    return attrs.evolve(config, markets=(attrs.evolve(entry, market=attrs.evolve(entry.market, **changes)),))


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.name)
def test_the_default_configuration_keeps_them(goal: Goal) -> None:
    result = prove(goal)

    assert (result.verdict, result.failed, result.values) == (Verdict.PROVED, "", {})
    assert reached(goal)


BROKEN = (
    ({"max_size": 2**27}, "market_0_fits_in_words", "the value of a position"),
    ({"open_interest_cap": 2**34}, "market_0_fits_in_words", "the value of the open interest"),
    ({"fee_cap_ppm": 30_000}, "market_0_covers_its_fees", "a trading fee is no more than the initial margin"),
    (
        {"liquidation_fee_cap_ppm": 9_000},
        "market_0_covers_its_fees",
        "a liquidation fee is no more than the equity at close-out",
    ),
    (
        {"slip_ppm": 13_000},
        "market_0_covers_its_fees",
        "a forced reduction concedes no more than the maintenance margin",
    ),
    (
        {"maintenance_2_atoms": 30_000_000_000},
        "market_0_survives_its_gap",
        "a gap takes no more than the maintenance margin",
    ),
    (
        {"buffer_intervals": 100, "funding_cap_ppm": 200_000},
        "market_0_covers_its_funding",
        "the buffer's rate is a fraction",
    ),
)


@pytest.mark.parametrize(("changes", "name", "claim"), BROKEN, ids=lambda value: str(value)[:40])
def test_a_broken_bound_is_shown_in_numbers(changes: dict[str, int], name: str, claim: str) -> None:
    goal = next(goal for goal in config_goals(changed_market(**changes)) if goal.name == name)
    result = prove(goal)

    assert (result.verdict, result.failed, result.replayed) == (Verdict.VIOLATED, claim, f"{claim}: False")


def test_sentences_name_the_market_and_its_gap() -> None:
    assert GOALS[0].sentence == (
        "BTC: a price that moves by no more than 12000 ppm between two chances to liquidate takes no more from a "
        "position than its maintenance margin: no healthy cross account ends below zero."
    )
