"""The configuration of an exchange, and the bounds it must keep."""

from collections.abc import Iterator

from attrs import field, frozen

from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Market, Parameters
from perp_spec.words import (
    AMOUNT_MAX,
    FAMILIES_MAX,
    MARKETS_MAX,
    NOTIONAL_MAX,
    PPM,
    SIGNERS_MAX,
    TIME_MAX,
    Field,
    fields_of,
)

MAX_PRICE = 2**32
"""The largest max_price: an index of max_price * PPM micro-atoms per lot stays a word with room to add two."""

REFILL_MAX = 2**40
"""The largest refill of the bucket a second: a day of it stays a word."""

OPEN_INTEREST_VALUE_MAX = 2**60
"""The largest value of a market's open interest, atoms."""


@frozen
class MarketEntry:
    """One configured market: its numbers, and what they are called."""

    symbol: str
    """For people: BTC."""
    lot: str
    """Size of one lot in units of the underlying, as a decimal string."""
    market: Market


@frozen
class Config:
    """Everything fixed for the life of an exchange. Its digest is part of every batch header and proof."""

    name: str
    """For people."""
    parameters: Parameters
    markets: tuple[MarketEntry, ...]
    """In order of market id."""
    governance_key: str = ""
    """Public key, 64 hexadecimal digits."""
    fees_key: str = ""
    """Public key of the owner of the fee account."""
    oracle_keys: tuple[tuple[str, ...], ...] = field(factory=tuple)
    """Public keys of each oracle family's signers, in order of family and signer."""


@frozen
class Violation:
    """A bound that a configuration breaks."""

    reason: Reason
    """CONFIG or FAMILIES."""
    place: str
    """Which field: parameters.vault_cap, markets[3].max_price."""
    expected: str
    got: str


def violations(config: Config) -> list[Violation]:
    """Every bound the configuration breaks; empty for a valid one.

    Bounds between fields are looked at once every vector has its length.
    """
    records = {"parameters": config.parameters}
    records |= {f"markets[{number}]": entry.market for number, entry in enumerate(config.markets)}
    found = [violation for place, record in records.items() for violation in out_of_range(place, record)]
    if not all(whole_vectors(record) for record in records.values()):
        return found
    found += parameter_bounds(config)
    found += family_bounds(config)
    for number, entry in enumerate(config.markets):
        found += market_bounds(f"markets[{number}]", entry.market)
    found += notional_bounds(config)
    found += scenario_bounds(config)
    return found


def whole_vectors(record: object) -> bool:
    """Every vector of the record has as many values as its field declares."""
    vectors = {name: described.count for name, described in fields_of(type(record)).items() if described.count > 1}
    return all(len(getattr(record, name)) == count for name, count in vectors.items())


def out_of_range(place: str, record: object) -> Iterator[Violation]:
    """Fields outside the range their record declares."""
    for name, described in fields_of(type(record)).items():
        value = getattr(record, name)
        values: tuple[int, ...] = value if described.count > 1 else (value,)
        if len(values) != described.count:
            yield Violation(Reason.CONFIG, f"{place}.{name}", f"{described.count} values", str(len(values)))
        for word in values:
            if not in_range(word, described):
                yield Violation(Reason.CONFIG, f"{place}.{name}", f"{described.low} to {described.high}", str(word))


def in_range(word: int, described: Field) -> bool:
    """The word is in the range its field declares."""
    return described.low <= word <= described.high


def bound(place: str, holds: bool, expected: str, got: object, reason: Reason = Reason.CONFIG) -> list[Violation]:
    """A violation unless the bound holds."""
    return [] if holds else [Violation(reason, place, expected, str(got))]


def parameter_bounds(config: Config) -> list[Violation]:
    """Bounds of the exchange's own parameters."""
    own = config.parameters
    at = "parameters."
    return [
        *bound(at + "markets", 1 <= own.markets <= MARKETS_MAX, f"1 to {MARKETS_MAX}", own.markets),
        *bound(at + "markets", own.markets == len(config.markets), f"the {len(config.markets)} listed", own.markets),
        *bound(at + "governance", own.governance != 0, "the digest of a key", own.governance),
        *bound(at + "vault_cap", 1 <= own.vault_cap <= AMOUNT_MAX, "1 to 2^60", own.vault_cap),
        *bound(at + "bucket_refill", own.bucket_refill <= REFILL_MAX, "at most 2^40", own.bucket_refill),
        *bound(at + "forced_seconds", own.forced_seconds >= 1, "at least 1", own.forced_seconds),
        *bound(at + "claim_seconds", own.claim_seconds >= 1, "at least 1", own.claim_seconds),
        *bound(at + "backstop_atoms", own.backstop_atoms >= 1, "at least 1", own.backstop_atoms),
        *bound(at + "fund_multiple", own.fund_multiple >= 1, "at least 1", own.fund_multiple),
        *bound(at + "portfolio_floor_ppm", own.portfolio_floor_ppm >= 1, "at least 1", own.portfolio_floor_ppm),
        *bound(
            at + "portfolio_initial_ppm",
            own.portfolio_initial_ppm >= PPM,
            "at least 1000000",
            own.portfolio_initial_ppm,
        ),
        *bound(at + "window_seconds", own.window_seconds >= 1, "at least 1", own.window_seconds),
        *bound(at + "window_markets", own.window_markets >= 1, "at least 1", own.window_markets),
        *bound(at + "window_floor_atoms", own.window_floor_atoms >= 1, "at least 1", own.window_floor_atoms),
        *bound(
            at + "window_throttle_ppm",
            1 <= own.window_throttle_ppm <= own.window_reduce_ppm,
            "from 1 to window_reduce_ppm",
            own.window_throttle_ppm,
        ),
        *bound(
            at + "fund_throttle_ppm",
            1 <= own.fund_throttle_ppm <= own.fund_reduce_ppm,
            "from 1 to fund_reduce_ppm",
            own.fund_throttle_ppm,
        ),
        *bound(
            at + "proof_throttle",
            1 <= own.proof_throttle <= own.proof_reduce,
            "from 1 to proof_reduce",
            own.proof_throttle,
        ),
    ]


def family_bounds(config: Config) -> list[Violation]:
    """Bounds of the oracle families: two at least, each with a quorum of more than half of its signers."""
    own = config.parameters
    found = bound(
        "parameters.families", 2 <= own.families <= FAMILIES_MAX, f"2 to {FAMILIES_MAX}", own.families, Reason.FAMILIES
    )
    for number in range(FAMILIES_MAX):
        signers, quorum = own.signers[number], own.quorums[number]
        place = f"parameters.signers[{number}]"
        if number >= own.families:
            found += bound(place, signers == 0 and quorum == 0, "0, no such family", signers, Reason.FAMILIES)
            continue
        found += bound(place, 1 <= signers <= SIGNERS_MAX, f"1 to {SIGNERS_MAX}", signers, Reason.FAMILIES)
        found += bound(
            f"parameters.quorums[{number}]",
            signers < 2 * quorum <= 2 * signers,
            f"more than half of {signers} and at most all",
            quorum,
            Reason.FAMILIES,
        )
    return found


def market_bounds(place: str, own: Market) -> list[Violation]:
    """Bounds of one market."""
    at = place + "."
    return [
        *bound(at + "max_price", 2 <= own.max_price <= MAX_PRICE, "2 to 2^32", own.max_price),
        *bound(
            at + "max_size",
            1 <= own.max_size * own.max_price <= NOTIONAL_MAX,
            "max_price * max_size <= 2^56",
            own.max_size,
        ),
        *bound(
            at + "bracket_3",
            1 <= own.bracket_2 <= own.bracket_3 <= 2**62,
            "1 <= bracket_2 <= bracket_3 <= 2^62",
            own.bracket_3,
        ),
        *margin_bounds(at, own),
        *liquidation_bounds(at, own),
        *tick_bounds(at, own),
        *bound(
            at + "open_interest_cap",
            own.open_interest_cap * own.max_price <= OPEN_INTEREST_VALUE_MAX,
            "open_interest_cap * max_price <= 2^60",
            own.open_interest_cap,
        ),
        *bound(at + "price_band_ppm", own.price_band_ppm < PPM, "below 1000000", own.price_band_ppm),
    ]


def notional_bounds(config: Config) -> list[Violation]:
    """The largest size of any market at the largest price of any other is a notional too.

    A rule values the position in the slot an operation names at the operation's market, before it finds them to differ.
    """
    sizes = [entry.market.max_size for entry in config.markets]
    prices = [entry.market.max_price for entry in config.markets]
    product = max(sizes, default=0) * max(prices, default=0)
    expected = "largest max_size * largest max_price <= 2^56"
    return bound("markets", product <= NOTIONAL_MAX, expected, product)


def margin_bounds(at: str, own: Market) -> list[Violation]:
    """Maintenance rates rise with the brackets and stay below the initial ones."""
    rates = (
        (own.maintenance_1_ppm, own.initial_1_ppm),
        (own.maintenance_2_ppm, own.initial_2_ppm),
        (own.maintenance_3_ppm, own.initial_3_ppm),
    )
    found: list[Violation] = []
    for number, (maintenance, initial) in enumerate(rates, 1):
        found += bound(f"{at}maintenance_{number}_ppm", maintenance >= 1, "at least 1", maintenance)
        found += bound(
            f"{at}initial_{number}_ppm", initial >= maintenance, f"at least maintenance_{number}_ppm", initial
        )
    rising = [maintenance for maintenance, _ in rates], [initial for _, initial in rates]
    for name, column in zip(("maintenance", "initial"), rising, strict=True):
        found += bound(f"{at}{name}_3_ppm", column == sorted(column), f"{name} rates that do not fall", column)
    return found


def liquidation_bounds(at: str, own: Market) -> list[Violation]:
    """A staged liquidation at close-out must be able to keep the account's ratio, slippage and fee included.

    At close-out equity is at least maintenance_1 * close_out of notional, so a step that costs less than that for
    each unit closed keeps the ratio.
    """
    allowed = own.maintenance_1_ppm * own.close_out_ppm // PPM
    worst = own.slippage_partial_ppm + own.liquidation_fee_cap_ppm
    return [
        *bound(at + "close_out_ppm", 1 <= own.close_out_ppm <= PPM, "1 to 1000000", own.close_out_ppm),
        *bound(at + "close_factor_ppm", own.close_factor_ppm >= 1, "at least 1", own.close_factor_ppm),
        *bound(at + "slippage_full_ppm", own.slippage_full_ppm < PPM, "below 1000000", own.slippage_full_ppm),
        *bound(
            at + "liquidation_fee_cap_ppm",
            own.liquidation_fee_cap_ppm <= allowed,
            f"at most maintenance_1_ppm * close_out_ppm / 1000000 = {allowed}, else a step at the price is refused",
            own.liquidation_fee_cap_ppm,
        ),
        *bound(
            at + "slippage_partial_ppm",
            worst <= own.initial_1_ppm,
            f"with liquidation_fee_cap_ppm at most initial_1_ppm = {own.initial_1_ppm}",
            own.slippage_partial_ppm,
        ),
        *bound(at + "slip_ppm", own.slip_ppm < own.maintenance_1_ppm, "below maintenance_1_ppm", own.slip_ppm),
        *bound(at + "fee_cap_ppm", own.fee_cap_ppm <= own.initial_1_ppm, "at most initial_1_ppm", own.fee_cap_ppm),
    ]


def tick_bounds(at: str, own: Market) -> list[Violation]:
    """Bounds of prices, averages and funding."""
    return [
        *bound(at + "staleness_seconds", own.staleness_seconds >= 1, "at least 1", own.staleness_seconds),
        *bound(at + "average_seconds", 1 <= own.average_seconds <= TIME_MAX, "at least 1", own.average_seconds),
        *bound(at + "band_ppm", 1 <= own.band_ppm < PPM, "1 to 999999", own.band_ppm),
        *bound(at + "deviation_ppm", own.deviation_ppm < own.band_ppm, "below band_ppm", own.deviation_ppm),
        *bound(
            at + "mark_clamp_ppm",
            2 * own.mark_clamp_ppm <= own.maintenance_1_ppm,
            "at most half of maintenance_1_ppm",
            own.mark_clamp_ppm,
        ),
        *bound(
            at + "buffer_intervals",
            own.buffer_intervals * max(own.funding_cap_ppm, own.buffer_floor_ppm) <= PPM,
            "buffer_intervals times the funding cap at most 1000000",
            own.buffer_intervals,
        ),
        *bound(at + "loss_cap_ppm", own.loss_cap_ppm < PPM, "below 1000000", own.loss_cap_ppm),
    ]


def scenario_bounds(config: Config) -> list[Violation]:
    """For each market a scenario moves it up and one down by its maintenance rate or more.

    For each two markets one moves the first down and the second up. Otherwise a long against a short would need no
    margin.
    """
    found: list[Violation] = []
    rows = [(entry.market.shocks_ppm, entry.market.maintenance_3_ppm) for entry in config.markets]
    for number, (shocks, least) in enumerate(rows):
        place = f"markets[{number}].shocks_ppm"
        found += bound(place, max(shocks) >= least, f"a shock of at least {least}", max(shocks))
        found += bound(place, min(shocks) <= -least, f"a shock of at most {-least}", min(shocks))
        for other, (other_shocks, other_least) in enumerate(rows):
            apart = any(
                shock <= -least and other_shock >= other_least
                for shock, other_shock in zip(shocks, other_shocks, strict=True)
            )
            found += bound(
                place, number == other or apart, f"a scenario where it falls and market {other} rises", "none"
            )
    return found


def covering_shocks(market: int, shock_ppm: int) -> tuple[int, ...]:
    """Sixteen scenarios that tell any two of 64 markets apart.

    All up, all down, and for each binary digit of the market id those with the digit up and the others down, and the
    reverse; the last two hold double moves of all markets at a quarter of their loss, that is half a move.
    """
    signs = [1, -1]
    for digit in range(6):
        sign = 1 if market >> digit & 1 else -1
        signs += [sign, -sign]
    return (*(sign * shock_ppm for sign in signs), shock_ppm // 2, -(shock_ppm // 2))


def gap_theorem_ppm(market: Market) -> int:
    """The largest price move between two chances to liquidate for which a healthy account cannot end below zero.

    For cross and isolated accounts; a hedged portfolio has a maintenance margin below m * n, and its scenarios instead.
    With E >= M >= m * n before, m the lowest maintenance rate and n the notional, a move g <= m takes at most g * n.
    """
    return market.maintenance_1_ppm
