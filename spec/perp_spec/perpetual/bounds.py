"""The bounds of a configuration, each with its name, in the language of the rules.

The configuration's check names those that are broken, and proofs assume that all of them hold: both read this text.
Bounds between markets, and those of the lists of a configuration file, are in `config`.
"""

from typing import NamedTuple

from perp_spec.language import both, either, maximum, mul_div_ceil, negate, product_le, select
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Market, Parameters
from perp_spec.words import AMOUNT_MAX, DAY, FAMILIES_MAX, MARKETS_MAX, NOTIONAL_MAX, PPM, SIGNERS_MAX

MAX_PRICE = 2**32
"""The largest max_price: an index of max_price * PPM micro-atoms per lot stays a word with room to add two."""

REFILL_MAX = 2**40
"""The largest refill of the bucket a second: a day of it stays a word."""

OPEN_INTEREST_VALUE_MAX = 2**60
"""The largest value of a market's open interest, atoms."""


class Bound(NamedTuple):
    """A bound that a valid configuration keeps."""

    field: str
    """The field to blame where it is broken."""
    got: int
    """What that field holds."""
    holds: bool
    expected: str
    reason: Reason = Reason.CONFIG
    """CONFIG or FAMILIES."""


Bounds = tuple[Bound, ...]


def all_hold(bounds: Bounds) -> bool:
    """Every bound holds."""
    result = True
    for bound in bounds:
        result = both(result, bound.holds)
    return result


def parameters_valid(parameters: Parameters) -> bool:
    """The exchange's own parameters keep their bounds."""
    return all_hold(parameter_bounds(parameters))


def market_valid(market: Market) -> bool:
    """A configured market keeps its bounds."""
    return all_hold(market_bounds(market))


def at_least_one(**fields: int) -> Bounds:
    """Fields that are not zero."""
    return tuple(Bound(name, value, value >= 1, "at least 1") for name, value in fields.items())


def below_all(**fields: int) -> Bounds:
    """Fractions that are less than the whole."""
    return tuple(Bound(name, value, value < PPM, "below 1000000") for name, value in fields.items())


def parameter_bounds(own: Parameters) -> Bounds:
    """The bounds of the exchange's own parameters."""
    throttle, reduce = own.window_throttle_ppm, own.window_reduce_ppm
    fund_throttle, fund_reduce = own.fund_throttle_ppm, own.fund_reduce_ppm
    proof_throttle, proof_reduce = own.proof_throttle, own.proof_reduce
    return (
        Bound("markets", own.markets, both(own.markets >= 1, own.markets <= MARKETS_MAX), f"1 to {MARKETS_MAX}"),
        Bound("governance", own.governance, own.governance != 0, "the digest of a key"),
        Bound("vault_cap", own.vault_cap, both(own.vault_cap >= 1, own.vault_cap <= AMOUNT_MAX), "1 to 2^60"),
        Bound("cooldown_seconds", own.cooldown_seconds, own.cooldown_seconds <= DAY, "at most 86400"),
        Bound("bucket_refill", own.bucket_refill, own.bucket_refill <= REFILL_MAX, "at most 2^40"),
        *at_least_one(
            forced_seconds=own.forced_seconds,
            claim_seconds=own.claim_seconds,
            backstop_atoms=own.backstop_atoms,
            fund_multiple=own.fund_multiple,
            portfolio_floor_ppm=own.portfolio_floor_ppm,
        ),
        Bound(
            "portfolio_initial_ppm",
            own.portfolio_initial_ppm,
            own.portfolio_initial_ppm >= PPM,
            "at least 1000000",
        ),
        *at_least_one(
            window_seconds=own.window_seconds,
            window_markets=own.window_markets,
            window_floor_atoms=own.window_floor_atoms,
        ),
        Bound("window_throttle_ppm", throttle, both(throttle >= 1, throttle <= reduce), "from 1 to window_reduce_ppm"),
        Bound(
            "fund_throttle_ppm",
            fund_throttle,
            both(fund_throttle >= 1, fund_throttle <= fund_reduce),
            "from 1 to fund_reduce_ppm",
        ),
        Bound(
            "proof_throttle",
            proof_throttle,
            both(proof_throttle >= 1, proof_throttle <= proof_reduce),
            "from 1 to proof_reduce",
        ),
        *family_bounds(own),
    )


def family_bounds(own: Parameters) -> Bounds:
    """Oracle families: two at least, each with a quorum of more than half of its signers; none beyond them."""
    bounds = [
        Bound(
            "families",
            own.families,
            both(own.families >= 2, own.families <= FAMILIES_MAX),
            f"2 to {FAMILIES_MAX}",
            Reason.FAMILIES,
        )
    ]
    for place in range(FAMILIES_MAX):
        signers, quorum = own.signers[place], own.quorums[place]
        there = place < own.families
        some = both(signers >= 1, signers <= SIGNERS_MAX)
        none = both(signers == 0, quorum == 0)
        bounds.append(
            Bound(
                f"signers[{place}]",
                signers,
                select(there, some, none),
                f"1 to {SIGNERS_MAX}, and with its quorum 0 where there is no such family",
                Reason.FAMILIES,
            )
        )
        bounds.append(
            Bound(
                f"quorums[{place}]",
                quorum,
                either(negate(there), both(signers < 2 * quorum, quorum <= signers)),
                "more than half of its signers and at most all",
                Reason.FAMILIES,
            )
        )
    return tuple(bounds)


def market_bounds(own: Market) -> Bounds:
    """The bounds of one market."""
    return (*simple_bounds(own), *product_bounds(own), *bracket_bounds(own))


def simple_bounds(own: Market) -> Bounds:
    """Those that only compare fields: what most proofs need."""
    return (
        Bound("max_price", own.max_price, both(own.max_price >= 2, own.max_price <= MAX_PRICE), "2 to 2^32"),
        *at_least_one(max_size=own.max_size),
        Bound(
            "bracket_3",
            own.bracket_3,
            both(own.bracket_2 >= 1, own.bracket_2 <= own.bracket_3),
            "1 <= bracket_2 <= bracket_3",
        ),
        *rate_bounds(own),
        *liquidation_bounds(own),
        *tick_bounds(own),
        Bound("shock_ppm", own.shock_ppm, own.shock_ppm >= own.maintenance_3_ppm, "at least maintenance_3_ppm"),
        *below_all(price_band_ppm=own.price_band_ppm),
    )


def product_bounds(own: Market) -> Bounds:
    """What may be multiplied stays in its range.

    The liquidation fee: at close-out equity is at least maintenance_1 * close_out of notional, so a step at the health
    price that costs no more than that for each unit closed keeps the ratio.
    """
    highest = maximum(own.funding_cap_ppm, own.buffer_floor_ppm)
    return (
        Bound(
            "max_size",
            own.max_size,
            product_le(own.max_size, own.max_price, NOTIONAL_MAX, 1),
            "max_price * max_size <= 2^56",
        ),
        Bound(
            "open_interest_cap",
            own.open_interest_cap,
            product_le(own.open_interest_cap, own.max_price, OPEN_INTEREST_VALUE_MAX, 1),
            "open_interest_cap * max_price <= 2^60",
        ),
        Bound(
            "liquidation_fee_cap_ppm",
            own.liquidation_fee_cap_ppm,
            product_le(own.liquidation_fee_cap_ppm, PPM, own.maintenance_1_ppm, own.close_out_ppm),
            "at most maintenance_1_ppm * close_out_ppm / 1000000, else a step at the price is refused",
        ),
        Bound(
            "buffer_intervals",
            own.buffer_intervals,
            product_le(own.buffer_intervals, highest, PPM, 1),
            "buffer_intervals times the funding cap, or the floor, at most 1000000",
        ),
    )


def rate_bounds(own: Market) -> Bounds:
    """Maintenance rates are not zero and at most the initial ones; neither falls from a bracket to the next."""
    maintenance = own.maintenance_1_ppm, own.maintenance_2_ppm, own.maintenance_3_ppm
    initial = own.initial_1_ppm, own.initial_2_ppm, own.initial_3_ppm
    return (
        *at_least_one(
            maintenance_1_ppm=maintenance[0], maintenance_2_ppm=maintenance[1], maintenance_3_ppm=maintenance[2]
        ),
        Bound("initial_1_ppm", initial[0], initial[0] >= maintenance[0], "at least maintenance_1_ppm"),
        Bound("initial_2_ppm", initial[1], initial[1] >= maintenance[1], "at least maintenance_2_ppm"),
        Bound("initial_3_ppm", initial[2], initial[2] >= maintenance[2], "at least maintenance_3_ppm"),
        Bound(
            "maintenance_3_ppm",
            maintenance[2],
            both(maintenance[0] <= maintenance[1], maintenance[1] <= maintenance[2]),
            "maintenance rates that do not fall",
        ),
        Bound(
            "initial_3_ppm",
            initial[2],
            both(initial[0] <= initial[1], initial[1] <= initial[2]),
            "initial rates that do not fall",
        ),
    )


def bracket_bounds(own: Market) -> Bounds:
    """The margins of the whole brackets, each part rounded up."""
    middle = own.bracket_3 - own.bracket_2
    return (
        Bound(
            "maintenance_2_atoms",
            own.maintenance_2_atoms,
            own.maintenance_2_atoms == mul_div_ceil(own.bracket_2, own.maintenance_1_ppm, PPM),
            "bracket_2 * maintenance_1_ppm / 1000000, rounded up",
        ),
        Bound(
            "maintenance_3_atoms",
            own.maintenance_3_atoms,
            own.maintenance_3_atoms == own.maintenance_2_atoms + mul_div_ceil(middle, own.maintenance_2_ppm, PPM),
            "maintenance_2_atoms and (bracket_3 - bracket_2) * maintenance_2_ppm / 1000000, rounded up",
        ),
        Bound(
            "initial_2_atoms",
            own.initial_2_atoms,
            own.initial_2_atoms == mul_div_ceil(own.bracket_2, own.initial_1_ppm, PPM),
            "bracket_2 * initial_1_ppm / 1000000, rounded up",
        ),
        Bound(
            "initial_3_atoms",
            own.initial_3_atoms,
            own.initial_3_atoms == own.initial_2_atoms + mul_div_ceil(middle, own.initial_2_ppm, PPM),
            "initial_2_atoms and (bracket_3 - bracket_2) * initial_2_ppm / 1000000, rounded up",
        ),
    )


def liquidation_bounds(own: Market) -> Bounds:
    """Bounds of liquidations, and of what they and trades cost."""
    worst = own.slippage_partial_ppm + own.liquidation_fee_cap_ppm
    return (
        Bound(
            "close_out_ppm", own.close_out_ppm, both(own.close_out_ppm >= 1, own.close_out_ppm <= PPM), "1 to 1000000"
        ),
        *at_least_one(close_factor_ppm=own.close_factor_ppm),
        *below_all(slippage_full_ppm=own.slippage_full_ppm),
        Bound(
            "slippage_partial_ppm",
            own.slippage_partial_ppm,
            worst <= own.initial_1_ppm,
            "with liquidation_fee_cap_ppm at most initial_1_ppm",
        ),
        Bound("slip_ppm", own.slip_ppm, own.slip_ppm < own.maintenance_1_ppm, "below maintenance_1_ppm"),
        Bound("fee_cap_ppm", own.fee_cap_ppm, own.fee_cap_ppm <= own.initial_1_ppm, "at most initial_1_ppm"),
    )


def tick_bounds(own: Market) -> Bounds:
    """Bounds of prices, averages and funding."""
    return (
        *at_least_one(staleness_seconds=own.staleness_seconds, average_seconds=own.average_seconds),
        Bound("band_ppm", own.band_ppm, both(own.band_ppm >= 1, own.band_ppm < PPM), "1 to 999999"),
        Bound("deviation_ppm", own.deviation_ppm, own.deviation_ppm < own.band_ppm, "below band_ppm"),
        Bound(
            "mark_clamp_ppm",
            own.mark_clamp_ppm,
            2 * own.mark_clamp_ppm <= own.maintenance_1_ppm,
            "at most half of maintenance_1_ppm",
        ),
        Bound(
            "loss_cap_ppm",
            own.loss_cap_ppm,
            both(own.loss_cap_ppm >= 1, own.loss_cap_ppm < PPM),
            "1 to 999999",
        ),
    )
