"""The configuration of an exchange, and the bounds it must keep."""

from collections.abc import Iterator

from attrs import evolve, field, frozen

from perp_spec.language import mul_div_ceil
from perp_spec.perpetual.bounds import Bounds, market_bounds, parameter_bounds
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Market, Parameters
from perp_spec.words import DIRECTIONS, NOTIONAL_MAX, PPM, Field, fields_of


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
    found += broken("parameters", parameter_bounds(config.parameters))
    found += listing_bounds(config)
    for number, entry in enumerate(config.markets):
        found += broken(f"markets[{number}]", market_bounds(entry.market))
    found += notional_bounds(config)
    found += scenario_bounds(config)
    found += close_out_bounds(config)
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


def broken(place: str, bounds: Bounds) -> list[Violation]:
    """Those of the bounds of a record that do not hold."""
    return [
        Violation(bound.reason, f"{place}.{bound.field}", bound.expected, str(bound.got))
        for bound in bounds
        if not bound.holds
    ]


def listing_bounds(config: Config) -> list[Violation]:
    """The number of markets is that of the list."""
    stated, listed = config.parameters.markets, len(config.markets)
    if stated == listed:
        return []
    return [Violation(Reason.CONFIG, "parameters.markets", f"the {listed} listed", str(stated))]


def notional_bounds(config: Config) -> list[Violation]:
    """The largest size of any market at the largest price of any other is a notional too.

    A rule values the position in the slot an operation names at the operation's market, before it finds them to differ.
    """
    sizes = [entry.market.max_size for entry in config.markets]
    prices = [entry.market.max_price for entry in config.markets]
    product = max(sizes, default=0) * max(prices, default=0)
    if product <= NOTIONAL_MAX:
        return []
    return [Violation(Reason.CONFIG, "markets", "largest max_size * largest max_price <= 2^56", str(product))]


def close_out_bounds(config: Config) -> list[Violation]:
    """The close-out line of an account is the same whichever of its markets is asked."""
    first = config.markets[0].market.close_out_ppm if config.markets else 0
    return [
        Violation(Reason.CONFIG, f"markets[{number}].close_out_ppm", f"{first} as in markets[0]", str(stated))
        for number, entry in enumerate(config.markets)
        if (stated := entry.market.close_out_ppm) != first
    ]


def scenario_bounds(config: Config) -> list[Violation]:
    """For each two markets a scenario moves one up and the other down, and one moves all alike; mirror images too.

    Otherwise a long against a short, or a long beside a long, would need no margin.
    """
    first: dict[tuple[bool, ...], int] = {}
    found: list[Violation] = []
    for number, entry in enumerate(config.markets):
        if entry.market.rises[0] != config.markets[0].market.rises[0]:
            expected = "rises[0] as in markets[0]: one scenario moves all alike"
            found.append(Violation(Reason.CONFIG, f"markets[{number}].rises", expected, str(entry.market.rises[0])))
        other = first.setdefault(entry.market.rises, number)
        if other != number:
            expected = f"a scenario where it falls and market {other} rises"
            found.append(Violation(Reason.CONFIG, f"markets[{number}].rises", expected, "none"))
    return found


def covering_directions(market: int) -> tuple[bool, ...]:
    """Scenarios that tell any two of 64 markets apart.

    All rise; and for each binary digit of the market id, those with the digit rise and the others fall.
    """
    return (True, *(market >> digit & 1 == 1 for digit in range(DIRECTIONS - 1)))


def with_bracket_margins(market: Market) -> Market:
    """The market with the margins of its whole brackets, which follow from brackets and rates."""
    middle = market.bracket_3 - market.bracket_2
    maintenance = mul_div_ceil(market.bracket_2, market.maintenance_1_ppm, PPM)
    initial = mul_div_ceil(market.bracket_2, market.initial_1_ppm, PPM)
    return evolve(
        market,
        maintenance_2_atoms=maintenance,
        maintenance_3_atoms=maintenance + mul_div_ceil(middle, market.maintenance_2_ppm, PPM),
        initial_2_atoms=initial,
        initial_3_atoms=initial + mul_div_ceil(middle, market.initial_2_ppm, PPM),
    )


def gap_theorem_ppm(market: Market) -> int:
    """The largest price move between two chances to liquidate for which a healthy account cannot end below zero.

    For cross and isolated accounts; a hedged portfolio has a maintenance margin below m * n, and its scenarios instead.
    With E >= M >= m * n before, m the lowest maintenance rate and n the notional, a move g <= m takes at most g * n.
    """
    return market.maintenance_1_ppm
