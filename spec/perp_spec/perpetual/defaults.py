"""A configuration to start from: eleven markets, two oracle families of five signers."""

from attrs import frozen

from perp_spec.perpetual.config import Config, MarketEntry, covering_directions, with_bracket_margins
from perp_spec.perpetual.records import Market, Parameters
from perp_spec.words import AMOUNT_MAX, DAY, PPM

USD = 1_000_000
"""Atoms of one unit of the quote currency."""

HOUR = 3_600

MAX_PRICE = 2**30
MAX_SIZE = 2**26
"""With MAX_PRICE exactly the bound 2^56 on the value of a position."""


@frozen
class Risk:
    """What tells one default market from another."""

    symbol: str
    lot: str
    initial_ppm: int
    maintenance_ppm: int
    band_ppm: int
    price_band_ppm: int
    mark_clamp_ppm: int
    funding_cap_ppm: int


MAJOR = (100_000, 30_000, 5_000, 10_000)
"""Band, price band, mark clamp, funding cap of the largest market."""

MINOR = (200_000, 50_000, 10_000, 20_000)

RISKS = (
    Risk("BTC", "0.0001", 20_000, 12_000, *MAJOR),
    Risk("ETH", "0.001", 20_000, 12_500, 150_000, 30_000, 5_000, 10_000),
    Risk("LINK", "0.1", 50_000, 30_000, *MINOR),
    Risk("DOT", "0.1", 50_000, 30_000, *MINOR),
    Risk("ADA", "1", 50_000, 30_000, *MINOR),
    Risk("DOGE", "10", 50_000, 30_000, *MINOR),
    Risk("XRP", "10", 50_000, 30_000, *MINOR),
    Risk("LTC", "0.1", 50_000, 30_000, *MINOR),
    Risk("BCH", "0.01", 50_000, 30_000, *MINOR),
    Risk("EOS", "1", 50_000, 30_000, *MINOR),
    Risk("AAVE", "0.1", 50_000, 30_000, *MINOR),
)
"""Tried in the replay of the crash of 19 May 2021, where one minute moved BTC by 6 % and others by up to 18 %."""


def default_market(number: int, risk: Risk) -> Market:
    """The configuration of a default market."""
    market = Market(
        max_price=MAX_PRICE,
        max_size=MAX_SIZE,
        bracket_2=5_000_000 * USD,
        bracket_3=25_000_000 * USD,
        maintenance_1_ppm=risk.maintenance_ppm,
        maintenance_2_ppm=2 * risk.maintenance_ppm,
        maintenance_3_ppm=4 * risk.maintenance_ppm,
        initial_1_ppm=risk.initial_ppm,
        initial_2_ppm=2 * risk.initial_ppm,
        initial_3_ppm=4 * risk.initial_ppm,
        close_out_ppm=666_667,
        buffer_intervals=3,
        buffer_floor_ppm=100,
        funding_cap_ppm=risk.funding_cap_ppm,
        staleness_seconds=120,
        blind_seconds=1_800,
        deviation_ppm=10_000,
        band_ppm=risk.band_ppm,
        average_seconds=300,
        open_interest_cap=2**30,
        price_band_ppm=risk.price_band_ppm,
        mark_clamp_ppm=risk.mark_clamp_ppm,
        close_factor_ppm=200_000,
        full_close_atoms=1_000 * USD,
        slippage_partial_ppm=10_000,
        slippage_full_ppm=20_000,
        slip_ppm=5_000,
        liquidation_fee_cap_ppm=5_000,
        fee_cap_ppm=2_000,
        loss_cap_ppm=50_000,
        shock_ppm=min(8 * risk.maintenance_ppm, PPM // 2),
        rises=covering_directions(number),
    )
    return with_bracket_margins(market)


def default_parameters(
    exchange_id: int = 1, governance: int = 1, markets: int = len(RISKS), families: int = 2
) -> Parameters:
    """The parameters of a default exchange, with `families` oracle families of five signers and a quorum of three."""
    signers = (*(5,) * families, *(0,) * (4 - families))
    return Parameters(
        exchange_id=exchange_id,
        governance=governance,
        markets=markets,
        vault_cap=AMOUNT_MAX,
        bucket_size=50_000_000 * USD,
        bucket_refill=5_000 * USD,
        forced_seconds=7 * DAY,
        claim_seconds=30 * DAY,
        cooldown_seconds=60,
        penalty_ppm=10_000,
        backstop_atoms=10_000 * USD,
        fund_multiple=5,
        portfolio_floor_ppm=250_000,
        portfolio_initial_ppm=1_500_000,
        window_seconds=600,
        window_floor_atoms=1_000_000 * USD,
        window_markets=3,
        window_throttle_ppm=50_000,
        window_reduce_ppm=100_000,
        fund_throttle_ppm=250_000,
        fund_reduce_ppm=500_000,
        proof_throttle=10_000,
        proof_reduce=20_000,
        families=families,
        signers=signers,
        quorums=(*(3,) * families, *(0,) * (4 - families)),
    )


def default_config(markets: int = len(RISKS)) -> Config:
    """A default exchange of the first so many markets."""
    entries = tuple(
        MarketEntry(risk.symbol, risk.lot, default_market(number, risk)) for number, risk in enumerate(RISKS[:markets])
    )
    return Config(name="default", parameters=default_parameters(markets=markets), markets=entries)
