"""A second opinion on health, written the plain way: branches, loops and Python's own division."""

from typing import NamedTuple

from perp_reference.core.state import State
from perp_spec.perpetual.records import FUND, Account, Exchange, Kind, Ledger, Market, MarketPrice, Position
from perp_spec.words import POSITION_SLOTS, PPM


def ceil_div(a: int, b: int) -> int:
    """A quotient toward plus infinity."""
    return -(-a // b)


class PlainHealth(NamedTuple):
    """What an account is worth and must be worth, after settling."""

    collateral: int
    equity: int
    maintenance: int
    initial: int
    linear: int
    cautious_value: int
    cautious_initial: int
    occupied: int
    degraded: bool
    doubt: int
    """What blind positions may be worth more or less, within their bands."""


def bracket_margin(notional: int, market: Market) -> tuple[int, int]:
    """Linear maintenance and initial margin, bracket by bracket."""
    edges = (0, market.bracket_2, market.bracket_3, max(notional, market.bracket_3))
    maintenance_rates = (market.maintenance_1_ppm, market.maintenance_2_ppm, market.maintenance_3_ppm)
    initial_rates = (market.initial_1_ppm, market.initial_2_ppm, market.initial_3_ppm)
    maintenance = initial = 0
    for number in range(3):
        part = max(min(notional, edges[number + 1]) - edges[number], 0)
        maintenance += ceil_div(part * maintenance_rates[number], PPM)
        initial += ceil_div(part * initial_rates[number], PPM)
    return maintenance, initial


def oracle_flags(price: MarketPrice, market: Market, now: int) -> tuple[bool, bool, bool]:
    """Degraded, suspended, blind."""
    if now - price.ticked_at > market.staleness_seconds:
        return True, True, True
    return price.level >= 1, price.level == 2, price.level == 2 and not price.gap


def blind_time(price: MarketPrice, market: Market, now: int) -> int:
    """Seconds a market has been blind."""
    if not oracle_flags(price, market, now)[2]:
        return 0
    return now - (price.blind_since or price.ticked_at + market.staleness_seconds)


def positions_of(state: State, number: int) -> list[tuple[int, Position]]:
    """The positions of an account, with their slots."""
    found: list[tuple[int, Position]] = []
    for slot in range(POSITION_SLOTS):
        position = state.get(Position, number * POSITION_SLOTS + slot)
        if position.size:
            found.append((slot, position))
    return found


def plain_health(state: State, number: int) -> PlainHealth:
    """The health of an account after settling it."""
    account = state.get(Account, number)
    now = state.get(Exchange, 0).time
    collateral = account.collateral
    if number == FUND:
        collateral += state.get(Ledger, 0).fund_inbox
    equity = linear = initial = buffer = cautious_value = cautious_initial = occupied = doubt = 0
    losses = [0] * 14
    degraded = False
    for _, position in positions_of(state, number):
        price, market, size = state.get(MarketPrice, position.market), state.market(position.market), position.size
        index = price.funding_index + (price.loss_index if size > 0 else -price.loss_index)
        collateral += -size * (index - position.snapshot) // PPM
        notional = abs(size) * price.price
        maintenance_part, initial_part = bracket_margin(notional, market)
        buffer_ppm = price.buffer_long_ppm if size > 0 else price.buffer_short_ppm
        equity += size * price.price
        linear += maintenance_part
        initial += initial_part
        buffer += ceil_div(notional * buffer_ppm, PPM)
        occupied += 1
        for way, rises in enumerate(market.rises):
            for mirror, shock in enumerate((market.shock_ppm, -market.shock_ppm)):
                move = shock if rises else -shock
                losses[2 * way + mirror] += ceil_div(-size * price.price * move, PPM)
        worse = abs(size) * max(price.price, price.index)
        one, _, blind = oracle_flags(price, market, now)
        doubt_ppm = min(market.band_ppm * (1 + blind_time(price, market, now) // market.blind_seconds), PPM)
        degraded = degraded or one
        doubt += ceil_div(notional * market.band_ppm, PPM) if blind else 0
        cautious_value += min(size * price.price, size * price.index)
        cautious_value -= ceil_div(worse * doubt_ppm, PPM) if one else 0
        cautious_initial += bracket_margin(worse, market)[1]
    equity += collateral
    maintenance, initial = linear + buffer, initial + buffer
    if account.kind == Kind.PORTFOLIO:
        floor = ceil_div(state.parameters.portfolio_floor_ppm * linear, PPM)
        maintenance = max(0, floor, *losses) + buffer
        initial = ceil_div(maintenance * state.parameters.portfolio_initial_ppm, PPM)
    return PlainHealth(
        collateral=collateral,
        equity=equity,
        maintenance=maintenance,
        initial=initial,
        linear=linear,
        cautious_value=cautious_value,
        cautious_initial=cautious_initial,
        occupied=occupied,
        degraded=degraded,
        doubt=doubt,
    )
