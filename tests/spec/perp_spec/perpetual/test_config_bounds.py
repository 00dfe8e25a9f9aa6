"""Each bound of a configuration is broken once, by itself, and reported with its place."""

from typing import Any

import attrs
import pytest

from perp_spec.perpetual.config import (
    Config,
    MarketEntry,
    covering_directions,
    gap_theorem_ppm,
    violations,
    with_bracket_margins,
)
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.reasons import Reason
from perp_spec.words import PPM
from support.reached import note
from support.worlds import small_config


def with_parameters(config: Config, **changes: Any) -> Config:
    return attrs.evolve(config, parameters=attrs.evolve(config.parameters, **changes))


def with_market(config: Config, **changes: Any) -> Config:
    first, *rest = config.markets
    changed = with_bracket_margins(attrs.evolve(first.market, **changes))
    return attrs.evolve(config, markets=(attrs.evolve(first, market=changed), *rest))


def found(config: Config) -> list[tuple[Reason, str]]:
    seen = violations(config)
    for violation in seen:
        note("configuration", violation.reason)
    return [(violation.reason, violation.place) for violation in seen]


PARAMETERS = [
    ({"governance": 0}, "governance"),
    ({"vault_cap": 0}, "vault_cap"),
    ({"vault_cap": 2**60 + 1}, "vault_cap vault_cap"),
    ({"bucket_refill": 2**40 + 1}, "bucket_refill"),
    ({"forced_seconds": 0}, "forced_seconds"),
    ({"claim_seconds": 0}, "claim_seconds"),
    ({"backstop_atoms": 0}, "backstop_atoms"),
    ({"fund_multiple": 0}, "fund_multiple"),
    ({"fund_multiple": 1_001}, "fund_multiple"),
    ({"portfolio_floor_ppm": 0}, "portfolio_floor_ppm"),
    ({"portfolio_initial_ppm": 999_999}, "portfolio_initial_ppm"),
    ({"window_seconds": 0}, "window_seconds"),
    ({"window_markets": 0}, "window_markets"),
    ({"window_floor_atoms": 0}, "window_floor_atoms"),
    ({"window_throttle_ppm": 0}, "window_throttle_ppm"),
    ({"window_throttle_ppm": 100_001}, "window_throttle_ppm"),
    ({"fund_throttle_ppm": 0}, "fund_throttle_ppm"),
    ({"fund_throttle_ppm": 500_001}, "fund_throttle_ppm"),
    ({"proof_throttle": 0}, "proof_throttle"),
    ({"proof_throttle": 81}, "proof_throttle"),
    ({"penalty_ppm": -1}, "penalty_ppm"),
    ({"cooldown_seconds": 86_401}, "cooldown_seconds"),
]


@pytest.mark.parametrize(("changes", "names"), PARAMETERS, ids=str)
def test_a_bound_of_the_parameters(changes: dict[str, int], names: str) -> None:
    broken = found(with_parameters(small_config(), **changes))
    assert broken == [(Reason.CONFIG, f"parameters.{name}") for name in names.split()]


@pytest.mark.parametrize("markets", [2, 4])
def test_the_number_of_markets_is_that_of_the_list(markets: int) -> None:
    assert found(with_parameters(small_config(), markets=markets)) == [(Reason.CONFIG, "parameters.markets")]


def test_there_is_at_least_one_market() -> None:
    config = attrs.evolve(with_parameters(small_config(), markets=0), markets=())
    assert found(config) == [(Reason.CONFIG, "parameters.markets")]


FAMILIES = [
    ({"families": 1, "signers": (5, 0, 0, 0), "quorums": (3, 0, 0, 0)}, ["families"]),
    ({"signers": (5, 0, 0, 0), "quorums": (3, 3, 0, 0)}, ["signers[1]", "quorums[1]"]),
    ({"signers": (5, 5, 1, 0)}, ["signers[2]"]),
    ({"quorums": (3, 3, 1, 0)}, ["signers[2]"]),
    ({"signers": (5, 4, 0, 0), "quorums": (3, 2, 0, 0)}, ["quorums[1]"]),
    ({"quorums": (6, 3, 0, 0)}, ["quorums[0]"]),
]


@pytest.mark.parametrize(("changes", "names"), FAMILIES, ids=str)
def test_a_bound_of_the_oracle_families(changes: dict[str, Any], names: list[str]) -> None:
    broken = found(with_parameters(small_config(), **changes))
    assert broken == [(Reason.FAMILIES, f"parameters.{name}") for name in names]


MARKETS = [
    ({"max_price": 1}, "max_price"),
    ({"max_price": 2**32 + 1, "max_size": 1, "open_interest_cap": 1}, "max_price"),
    ({"max_size": 0}, "max_size"),
    ({"bracket_2": 0}, "bracket_3"),
    ({"bracket_2": 10_001}, "bracket_3"),
    ({"bracket_3": 2**62 + 1}, "bracket_3"),
    ({"shock_ppm": 119_999}, "shock_ppm"),
    ({"maintenance_1_ppm": 60_001, "initial_1_ppm": 60_001}, "maintenance_3_ppm"),
    ({"initial_1_ppm": 29_999}, "initial_1_ppm"),
    ({"initial_2_ppm": 59_999}, "initial_2_ppm"),
    ({"initial_2_ppm": 200_001}, "initial_3_ppm"),
    ({"close_factor_ppm": 0}, "close_factor_ppm"),
    ({"slippage_full_ppm": PPM}, "slippage_full_ppm"),
    ({"liquidation_fee_cap_ppm": 20_001}, "liquidation_fee_cap_ppm"),
    ({"slippage_partial_ppm": 45_001}, "slippage_partial_ppm"),
    ({"slip_ppm": 30_000}, "slip_ppm"),
    ({"fee_cap_ppm": 50_001}, "fee_cap_ppm"),
    ({"staleness_seconds": 0}, "staleness_seconds"),
    ({"average_seconds": 0}, "average_seconds"),
    ({"band_ppm": PPM}, "band_ppm"),
    ({"deviation_ppm": 100_000}, "deviation_ppm"),
    ({"mark_clamp_ppm": 15_001}, "mark_clamp_ppm"),
    ({"buffer_intervals": 51}, "buffer_intervals"),
    ({"loss_cap_ppm": PPM}, "loss_cap_ppm"),
    ({"loss_cap_ppm": 0}, "loss_cap_ppm"),
    ({"open_interest_cap": 2**48 + 1}, "open_interest_cap"),
    ({"price_band_ppm": PPM}, "price_band_ppm"),
]


@pytest.mark.parametrize(("changes", "name"), MARKETS, ids=str)
def test_a_bound_of_a_market(changes: dict[str, Any], name: str) -> None:
    broken = found(with_market(small_config(), **changes))
    assert broken == [(Reason.CONFIG, f"markets[0].{name}")]


def test_the_largest_position_at_any_price_is_a_notional() -> None:
    own = found(with_market(small_config(), max_size=2**44 + 1))
    assert own == [(Reason.CONFIG, "markets[0].max_size"), (Reason.CONFIG, "markets")]
    other = found(with_market(small_config(), max_size=2**45, max_price=2**11, open_interest_cap=1))
    assert other == [(Reason.CONFIG, "markets")]


def test_maintenance_rates_are_not_zero() -> None:
    broken = found(with_market(small_config(), maintenance_1_ppm=0))
    assert (Reason.CONFIG, "markets[0].maintenance_1_ppm") in broken


@pytest.mark.parametrize("name", ["maintenance_2_atoms", "maintenance_3_atoms", "initial_2_atoms", "initial_3_atoms"])
@pytest.mark.parametrize("step", [1, -1])
def test_the_margins_of_whole_brackets_follow_from_the_rates(name: str, step: int) -> None:
    config = small_config()
    market = config.markets[0].market
    wrong = attrs.evolve(market, **{name: getattr(market, name) + step})
    follower = {"maintenance_2_atoms": ["maintenance_3_atoms"], "initial_2_atoms": ["initial_3_atoms"]}.get(name, [])
    broken = found(attrs.evolve(config, markets=(attrs.evolve(config.markets[0], market=wrong), *config.markets[1:])))
    assert broken == [(Reason.CONFIG, f"markets[0].{field}") for field in (name, *follower)]


def test_some_scenario_moves_any_two_markets_apart() -> None:
    alike = with_market(small_config(), rises=small_config().markets[1].market.rises)
    assert found(alike) == [(Reason.CONFIG, "markets[1].rises")]


def test_close_out_is_above_zero() -> None:
    broken = found(with_market(small_config(), close_out_ppm=0, liquidation_fee_cap_ppm=0))
    assert broken[0] == (Reason.CONFIG, "markets[0].close_out_ppm")


def test_close_out_is_one_for_all_markets() -> None:
    """Given two markets with two lines, then what spares an account in one would not in the other."""
    config = small_config()
    stricter = attrs.evolve(config.markets[1].market, close_out_ppm=700_000)
    markets = (config.markets[0], attrs.evolve(config.markets[1], market=stricter), *config.markets[2:])
    assert found(attrs.evolve(config, markets=markets)) == [(Reason.CONFIG, "markets[1].close_out_ppm")]


def test_some_scenario_moves_all_markets_alike() -> None:
    """Given two markets that are mirror images in every scenario, then a long beside a long would need no margin."""
    opposed = tuple(not rises for rises in small_config().markets[0].market.rises)
    mirror = with_market(small_config(), rises=opposed)
    assert (Reason.CONFIG, "markets[1].rises") in found(mirror)


def test_covering_directions_tell_any_two_markets_apart() -> None:
    rows = [covering_directions(market) for market in range(64)]
    assert len(set(rows)) == 64
    assert {row[0] for row in rows} == {True}


@pytest.mark.parametrize(
    ("config", "place"),
    [
        (with_parameters(small_config(), signers=(5, 5)), "parameters.signers"),
        (with_parameters(small_config(), quorums=()), "parameters.quorums"),
        (with_market(small_config(), rises=()), "markets[0].rises"),
        (with_market(small_config(), rises=(True,) * 8), "markets[0].rises"),
    ],
    ids=["signers", "quorums", "no directions", "8 directions"],
)
def test_a_vector_of_another_length_is_reported(config: Config, place: str) -> None:
    assert found(config) == [(Reason.CONFIG, place)]


@pytest.mark.parametrize("config", [default_config(), default_config(1), small_config(families=4)], ids=str)
def test_a_valid_configuration(config: Config) -> None:
    assert found(config) == []


def test_the_gap_theorem_needs_the_lowest_rate() -> None:
    """A long of 1,000 lots at 100 with equity 3,000, exactly its maintenance margin, survives a fall of 3 %."""
    entry: MarketEntry = small_config().markets[0]
    assert gap_theorem_ppm(entry.market) == 30_000
