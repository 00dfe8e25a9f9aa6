"""What an account is worth and what it must be worth: settling, margin, health, and which transitions are valid."""

from typing import Any, NamedTuple

from perp_spec.language import (
    absolute,
    both,
    call_if,
    cut,
    either,
    indicator,
    maximum,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    mul_div_remainder,
    negate,
    product_le,
    require,
    select,
    sweep,
    table,
    total,
)
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import LEVEL_SUSPENDED, Account, Kind, Market, MarketPrice, Parameters, Position
from perp_spec.words import DIRECTIONS, MARKETS_MAX, PPM, SCENARIOS

Held = Any
"""Positions of an account in slot order, each with its market's price and configuration; opaque to the rules."""


class OracleState(NamedTuple):
    """How far the price of a market can be trusted now."""

    degraded: bool
    """Level 1 or above: reduce only, liquidations at half factor."""
    suspended: bool
    """Level 2 or above."""
    blind: bool
    """Level 2 without a gap, or 3: no liquidation."""
    exits_only: bool
    """Level 3."""
    blind_from: int
    """Since when, where it is blind."""


def oracle_state(price: MarketPrice, market: Market, now: int) -> OracleState:
    """The oracle level of a market now: the level of its last tick, and its age.

    A market whose last tick is older than staleness_seconds is blind, whatever that tick said, so silence degrades
    like bad news.
    """
    stale = now - price.ticked_at > market.staleness_seconds
    suspended = either(stale, price.level >= LEVEL_SUSPENDED)
    blind = either(stale, both(price.level >= LEVEL_SUSPENDED, negate(price.gap)))
    blind_from = select(price.blind_since == 0, price.ticked_at + market.staleness_seconds, price.blind_since)
    return OracleState(
        degraded=either(stale, price.level >= 1),
        suspended=suspended,
        blind=blind,
        exits_only=both(blind, now - blind_from > market.blind_seconds),
        blind_from=blind_from,
    )


class Margin(NamedTuple):
    """What one position adds to its account's health."""

    value: int
    """Atoms; negative for a short."""
    maintenance: int
    """Linear maintenance margin, atoms."""
    initial: int
    """Linear initial margin, atoms."""
    buffer: int
    """Funding buffer, atoms."""


@table()
def margin_at(notional: int, market: Market) -> tuple[int, int]:
    """Linear maintenance and initial margin of a notional, in atoms: three marginal brackets, each part rounded up.

    The configuration holds the margins of the whole brackets below.
    """
    second = notional > market.bracket_2
    third = notional > market.bracket_3
    below = select(third, market.bracket_3, select(second, market.bracket_2, 0))
    maintenance_below = select(third, market.maintenance_3_atoms, select(second, market.maintenance_2_atoms, 0))
    maintenance_ppm = select(
        third, market.maintenance_3_ppm, select(second, market.maintenance_2_ppm, market.maintenance_1_ppm)
    )
    initial_below = select(third, market.initial_3_atoms, select(second, market.initial_2_atoms, 0))
    initial_ppm = select(third, market.initial_3_ppm, select(second, market.initial_2_ppm, market.initial_1_ppm))
    part = notional - below
    return (
        maintenance_below + mul_div_ceil(part, maintenance_ppm, PPM),
        initial_below + mul_div_ceil(part, initial_ppm, PPM),
    )


def margin(size: int, price: MarketPrice, market: Market) -> Margin:
    """What a position of `size` lots adds to its account's health."""
    value = size * price.price
    short = size < 0
    notional = select(short, -value, value)
    maintenance, initial = margin_at(notional, market)
    buffer_ppm = select(short, price.buffer_short_ppm, price.buffer_long_ppm)
    return Margin(value, maintenance, initial, mul_div_ceil(notional, buffer_ppm, PPM))


def side_index(size: int, price: MarketPrice) -> int:
    """The cumulative index of a position's side, micro-atoms per lot; 0 for an empty slot."""
    loss_index = select(size < 0, -price.loss_index, price.loss_index)
    return select(size == 0, 0, price.funding_index + loss_index)


class Terms(NamedTuple):
    """What the positions of an account add up to."""

    cash: int
    """Atoms settling adds to collateral."""
    dust: int
    """Micro-atoms settling rounds away."""
    value: int
    maintenance: int
    initial: int
    buffer: int
    same: int
    """Positions in the subject market."""
    occupied: int
    """Positions."""
    degraded: int
    """Positions at oracle level 1 or above."""
    blind: int
    """Positions at a blind level."""
    doubt: int
    """Atoms by which the value of positions at a blind level may differ: their notional times the band."""


@table(width=len(Terms._fields))
def position_terms(
    position: Position, price: MarketPrice, market: Market, subject: int, now: int
) -> tuple[Position, Terms]:
    """Settle one position and say what it adds to its account. An empty slot adds nothing and stays empty."""
    index = side_index(position.size, price)
    due = index - position.snapshot
    value, maintenance, initial, buffer = margin(position.size, price, market)
    held = position.size != 0
    state = oracle_state(price, market, now)
    within_band = mul_div_ceil(absolute(value), market.band_ppm, PPM)
    return Position(position.market, position.size, index), Terms(
        cash=mul_div_floor(-position.size, due, PPM),
        dust=mul_div_remainder(-position.size, due, PPM),
        value=value,
        maintenance=maintenance,
        initial=initial,
        buffer=buffer,
        same=indicator(both(held, position.market == subject)),
        occupied=indicator(held),
        degraded=indicator(both(held, state.degraded)),
        blind=indicator(both(held, state.blind)),
        doubt=select(state.blind, within_band, 0),
    )


@table(width=SCENARIOS)
def scenario_losses(position: Position, price: MarketPrice, market: Market) -> tuple[int, ...]:
    """Loss of one position in each portfolio scenario, in atoms, rounded up."""
    return losses_of(position.size, price, market)


def losses_of(size: int, price: MarketPrice, market: Market) -> tuple[int, ...]:
    """Loss of `size` lots in each portfolio scenario, in atoms, rounded up: each with its mirror image behind it."""
    value = size * price.price
    if_rises = mul_div_ceil(-value, market.shock_ppm, PPM)
    if_falls = mul_div_ceil(value, market.shock_ppm, PPM)
    losses: tuple[int, ...] = ()
    for place in range(DIRECTIONS):
        loss = select(market.rises[place], if_rises, if_falls)
        losses = (*losses, loss, if_rises + if_falls - loss)
    return losses


@table()
def worst_loss(others: Held, size: int, price: MarketPrice, market: Market) -> int:
    """The largest loss over the scenarios of these positions and `size` lots more, at least 0."""
    worst = 0
    for known, added in zip(total(scenario_losses, others), losses_of(size, price, market), strict=True):
        worst = maximum(worst, known + added)
    return worst


@table()
def worst_rest(others: Held) -> int:
    """The largest loss over the scenarios of all these positions, at least 0."""
    worst = 0
    for loss in total(scenario_losses, others):
        worst = maximum(worst, loss)
    return worst


class Health(NamedTuple):
    """Health of an account, in atoms."""

    equity: int
    """E: collateral and the value of the positions."""
    maintenance: int
    """M: below it the account is liquidated."""
    initial: int
    """I: a user's own operation must leave this."""
    linear: int
    """Mlin: linear maintenance margin, what zero-price amounts are shares of."""


@table()
def portfolio_requirement(linear: int, worst: int, parameters: Parameters) -> int:
    """Maintenance of a portfolio account before buffers: its worst scenario, at least rho of the linear one."""
    return maximum(worst, mul_div_ceil(parameters.portfolio_floor_ppm, linear, PPM))


def health(
    kind: int, collateral: int, value: int, linear: int, initial: int, buffer: int, worst: int, parameters: Parameters
) -> Health:
    """Health from the sums over an account's positions; `worst` counts for portfolio accounts only."""
    portfolio = kind == Kind.PORTFOLIO
    base = call_if(portfolio, portfolio_requirement, linear, worst, parameters, otherwise=linear)
    maintenance = base + buffer
    wider = call_if(portfolio, portfolio_initial, maintenance, parameters, otherwise=initial + buffer)
    return Health(collateral + value, maintenance, wider, linear)


@table()
def portfolio_initial(maintenance: int, parameters: Parameters) -> int:
    """Initial margin of a portfolio account."""
    return mul_div_ceil(maintenance, parameters.portfolio_initial_ppm, PPM)


def at_best(health: Health, doubt: int) -> Health:
    """Health if every position at a blind level were worth as much more as its band allows."""
    return Health(health.equity + doubt, health.maintenance, health.initial, health.linear)


class Side(NamedTuple):
    """An account settled, with one of its positions apart: the touched one."""

    account: Account
    """As loaded."""
    collateral: int
    """Settled."""
    size: int
    """Lots of the touched position."""
    held_market: int
    """Market of the touched position."""
    loaded: Held
    """The other positions, as loaded."""
    others: Held
    """The other positions, settled, to be stored."""
    rest: Terms
    """What the other positions add up to."""
    dust: int
    """Micro-atoms settling rounds away, over all positions."""
    occupied: int
    """Positions, the touched one included."""
    degraded: bool
    """Some position is at oracle level 1 or above."""
    blind: bool
    """Some position is at a blind level."""
    doubt: int
    """Atoms by which the value of the positions at a blind level may differ, within their bands."""
    health: Health
    """Before the operation."""
    bankrupt: int
    """1 where it holds no position and its collateral is negative."""


def settled_side(
    parameters: Parameters,
    now: int,
    inbox: int,
    account: Account,
    position: Position,
    others: Held,
    price: MarketPrice,
    market: Market,
    subject: int,
) -> Side:
    """Settle an account with one position apart. `inbox` is credited too (0 for a user's account).

    `price` and `market` are those of the touched position, `subject` is the market whose positions are counted in
    `same`.
    """
    stored, sums = sweep(position_terms, others, subject, now)
    rest = Terms(*sums)
    _, touched = position_terms(position, price, market, subject, now)
    portfolio = account.kind == Kind.PORTFOLIO
    worst = call_if(portfolio, worst_loss, others, position.size, price, market, otherwise=0)
    collateral = account.collateral + rest.cash + touched.cash + inbox
    occupied = rest.occupied + touched.occupied
    return Side(
        account=account,
        collateral=collateral,
        size=position.size,
        held_market=position.market,
        loaded=others,
        others=stored,
        rest=rest,
        dust=rest.dust + touched.dust,
        occupied=occupied,
        degraded=rest.degraded + touched.degraded > 0,
        blind=rest.blind + touched.blind > 0,
        doubt=rest.doubt + touched.doubt,
        health=health(
            account.kind,
            collateral,
            rest.value + touched.value,
            rest.maintenance + touched.maintenance,
            rest.initial + touched.initial,
            rest.buffer + touched.buffer,
            worst,
            parameters,
        ),
        bankrupt=indicator(both(occupied == 0, account.collateral < 0)),
    )


@table()
def settle_side(
    parameters: Parameters,
    now: int,
    inbox: int,
    account: Account,
    position: Position,
    others: Held,
    price: MarketPrice,
    market: Market,
    subject: int,
) -> Side:
    """`settled_side`, in a table of its own."""
    return settled_side(parameters, now, inbox, account, position, others, price, market, subject)


class Whole(NamedTuple):
    """An account settled, with no position apart."""

    account: Account
    """As loaded."""
    collateral: int
    """Settled."""
    held: Held
    """All positions, settled, to be stored."""
    terms: Terms
    """What the positions add up to."""
    health: Health
    bankrupt: int
    """1 where it holds no position and its collateral is negative."""


NO_SUBJECT = MARKETS_MAX
"""The id of no market: where nothing needs to be counted in `same`."""


@table()
def settle_whole(parameters: Parameters, now: int, inbox: int, account: Account, held: Held) -> Whole:
    """Settle an account. `inbox` is credited too (0 for a user's account)."""
    stored, sums = sweep(position_terms, held, NO_SUBJECT, now)
    terms = Terms(*sums)
    collateral = account.collateral + terms.cash + inbox
    worst = call_if(account.kind == Kind.PORTFOLIO, worst_rest, held, otherwise=0)
    return Whole(
        account=account,
        collateral=collateral,
        held=stored,
        terms=terms,
        health=health(
            account.kind, collateral, terms.value, terms.maintenance, terms.initial, terms.buffer, worst, parameters
        ),
        bankrupt=indicator(both(terms.occupied == 0, account.collateral < 0)),
    )


class Cautious(NamedTuple):
    """What positions are worth, and need, where the price of some of them is in doubt."""

    value: int
    """Atoms: each at the worse of health price and index, and in a degraded market less its band."""
    initial: int
    """Linear initial margin, atoms: each at the higher of health price and index."""


@table(width=len(Cautious._fields))
def cautious_terms(position: Position, price: MarketPrice, market: Market, now: int) -> Cautious:
    """Value and initial margin of one position at the worse of health price and index.

    In a degraded market the true price may be anywhere in the band around them, so the value is less by that much; and
    in a blind one by a band more for every blind_seconds it has been blind.
    """
    notional = absolute(position.size) * maximum(price.price, price.index)
    state = oracle_state(price, market, now)
    blind_for = select(state.blind, maximum(now - state.blind_from, 0), 0)
    bands = 1 + mul_div_floor(blind_for, 1, maximum(market.blind_seconds, 1))
    doubt_ppm = select(state.degraded, minimum(market.band_ppm * bands, PPM), 0)
    _, initial = margin_at(notional, market)
    value = minimum(position.size * price.price, position.size * price.index)
    return Cautious(value - mul_div_ceil(notional, doubt_ppm, PPM), initial)


@table()
def cautious_sums(held: Held, now: int) -> Cautious:
    """The cautious terms of all these positions together."""
    return Cautious(*total(cautious_terms, held, now))


class Moved(NamedTuple):
    """A side after its touched position and its collateral changed."""

    account: Account
    position: Position
    health: Health
    reduced: bool
    """The position kept its sign or closed, and did not grow."""
    bankrupt: int
    """1 where it holds no position and its collateral is negative."""


def moved_side(
    parameters: Parameters,
    side: Side,
    price: MarketPrice,
    market: Market,
    subject: int,
    slot: int,
    delta: int,
    cash: int,
    liquidated_at: int,
) -> Moved:
    """Add `delta` lots of the subject market and `cash` atoms to a settled side."""
    size = side.size + delta
    collateral = side.collateral + cash
    touched = margin(size, price, market)
    portfolio = side.account.kind == Kind.PORTFOLIO
    worst = call_if(portfolio, worst_loss, side.loaded, size, price, market, otherwise=0)
    closed = size == 0
    return Moved(
        account=Account(
            kind=side.account.kind,
            owner=side.account.owner,
            parent=side.account.parent,
            market=side.account.market,
            collateral=collateral,
            slots=select(closed, side.account.slots, maximum(side.account.slots, slot + 1)),
            liquidated_at=liquidated_at,
            closed_market=select(both(closed, side.size != 0), subject + 1, side.account.closed_market),
        ),
        position=Position(select(closed, 0, subject), size, side_index(size, price)),
        health=health(
            side.account.kind,
            collateral,
            side.rest.value + touched.value,
            side.rest.maintenance + touched.maintenance,
            side.rest.initial + touched.initial,
            side.rest.buffer + touched.buffer,
            worst,
            parameters,
        ),
        reduced=either(
            both(side.size >= 0, size >= 0, size <= side.size), both(side.size <= 0, size <= 0, size >= side.size)
        ),
        bankrupt=indicator(both(side.rest.occupied == 0, closed, collateral < 0)),
    )


@table()
def move_side(
    parameters: Parameters,
    side: Side,
    price: MarketPrice,
    market: Market,
    subject: int,
    slot: int,
    delta: int,
    cash: int,
    liquidated_at: int,
) -> Moved:
    """`moved_side`, in a table of its own."""
    return moved_side(parameters, side, price, market, subject, slot, delta, cash, liquidated_at)


def slot_fits(side: Side, subject: int, slot: int) -> bool:
    """The slot holds the subject market, or it is free and no other slot holds it.

    A free slot lies below the count of slots or just at it.
    """
    holds = both(side.size != 0, side.held_market == subject)
    free = both(side.size == 0, side.rest.same == 0, slot <= side.account.slots)
    return either(holds, free)


# Which transitions are valid


def ratio_kept(on_linear: bool, before: Health, after: Health) -> bool:
    """The health ratio E / M, or E / Mlin where `on_linear`, did not fall.

    An account below zero, or without requirement, kept its equity.
    """
    required = select(on_linear, before.linear, before.maintenance)
    required_after = select(on_linear, after.linear, after.maintenance)
    by_equity = either(before.equity < 0, required == 0)
    return either(
        both(by_equity, after.equity >= before.equity),
        both(negate(by_equity), product_le(before.equity, required_after, after.equity, required)),
    )


@cut
def transition_kept_health(kind: int, before: Health, after: Health) -> bool:
    """The health condition for an account that only reduced: its ratio, or what a portfolio account has instead.

    Closing one leg of a hedged book can raise the scenario scan, so a portfolio account may instead stay above its
    maintenance margin, or keep its linear ratio.
    """
    portfolio = kind == Kind.PORTFOLIO
    hedged = both(portfolio, before.equity >= 0, after.equity >= after.maintenance)
    return either(hedged, ratio_kept(portfolio, before, after))


def require_valid_transition_if(active: bool, kind: int, before: Health, after: Health, reduced: bool) -> None:
    """The valid transition, where `active`: initial margin is met, or the position was only reduced and health kept."""
    enough = either(negate(active), after.equity >= after.initial)
    require(either(enough, reduced), Reason.INITIAL_MARGIN)
    require(either(enough, transition_kept_health(kind, before, after)), Reason.HEALTH_RATIO_FELL)


# Zero-price amounts


@cut
def share_of(size: int, lots: int, price: MarketPrice, market: Market) -> int:
    """How much of the linear maintenance margin belongs to `lots` of a position of `size` lots, in atoms."""
    whole, _ = margin_at(absolute(size * price.price), market)
    rest, _ = margin_at((absolute(size) - lots) * price.price, market)
    return whole - rest


@cut
def zero_price_amount(share: int, before: Health) -> int:
    """The part of an account's equity that goes with that share: closing everything this way ends at exactly 0."""
    return mul_div_ceil(share, before.equity, maximum(before.linear, 1))
