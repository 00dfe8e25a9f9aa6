"""What an account or a market looks like now: every term of its health, and the price at which it would be liquidated.

All of it is computed by the rules' own functions; nothing here repeats a formula.
"""

from attrs import evolve, frozen

from perp_reference.core.state import State
from perp_spec.language import total
from perp_spec.perpetual.common import inbox_of
from perp_spec.perpetual.health import (
    Health,
    OracleState,
    Terms,
    Whole,
    at_best,
    oracle_state,
    position_terms,
    scenario_losses,
    settle_whole,
)
from perp_spec.perpetual.records import (
    Account,
    Exchange,
    Kind,
    Ledger,
    Market,
    MarketPrice,
    Position,
)
from perp_spec.perpetual.rules.waterfall import below_close_out
from perp_spec.words import POSITION_SLOTS


@frozen
class PositionView:
    """One position with its terms."""

    slot: int
    position: Position
    price: MarketPrice
    oracle: OracleState
    terms: Terms
    """Settled now: cash, value, margins, buffer."""
    liquidation_price: int | None
    """Health price of this market at which the account becomes liquidatable; None where no price does that."""


@frozen
class AccountView:
    """An account with every term of its health."""

    number: int
    account: Account
    whole: Whole
    """Settled now."""
    positions: tuple[PositionView, ...]
    scenarios: tuple[int, ...]
    """Loss in each portfolio scenario; empty but for portfolio accounts."""
    state: str
    """"healthy", "liquidatable", "close-out" or "bankrupt"."""

    @property
    def health(self) -> Health:
        """The account's health."""
        return self.whole.health


def level_of(state: OracleState) -> str:
    """An oracle level in a word: good, degraded, gap, blind or exits only."""
    if state.exits_only:
        return "exits only"
    if state.blind:
        return "blind"
    if state.suspended:
        return "gap"
    return "degraded" if state.degraded else "good"


def settled(state: State, number: int, held: tuple[tuple[Position, MarketPrice, Market], ...]) -> Whole:
    """An account settled now, with these positions."""
    now = state.get(Exchange, 0).time
    account = state.get(Account, number)
    inbox = inbox_of(number, state.get(Ledger, 0))
    return settle_whole(state.parameters, now, inbox, account, held)


def standing(state: State, number: int, whole: Whole) -> str:
    """How an account stands: "healthy", "liquidatable", "close-out" or "bankrupt"."""
    health = whole.health
    if health.equity < 0:
        return "bankrupt"
    markets = {position.market for position, _, _ in state.held(number) if position.size}
    best = at_best(health, whole.terms.doubt)
    if any(below_close_out(best, state.market(market)) for market in markets):
        return "close-out"
    return "liquidatable" if best.equity < best.maintenance else "healthy"


def account_view(state: State, number: int) -> AccountView:
    """An account with every term of its health."""
    account = state.get(Account, number)
    held = state.held(number)
    whole = settled(state, number, held)
    positions = tuple(
        position_view(state, number, slot)
        for slot in range(account.slots)
        if state.get(Position, number * POSITION_SLOTS + slot).size
    )
    scenarios = total(scenario_losses, held) if account.kind == Kind.PORTFOLIO else ()
    return AccountView(number, account, whole, positions, scenarios, standing(state, number, whole))


def position_view(state: State, number: int, slot: int) -> PositionView:
    """One position of an account with its terms."""
    now = state.get(Exchange, 0).time
    position = state.get(Position, number * POSITION_SLOTS + slot)
    price = state.get(MarketPrice, position.market)
    market = state.market(position.market)
    _, terms = position_terms(position, price, market, position.market, now)
    return PositionView(
        slot=slot,
        position=position,
        price=price,
        oracle=oracle_state(price, market, now),
        terms=terms,
        liquidation_price=liquidation_price(state, number, position.market),
    )


def unhealthy_at(state: State, number: int, subject: int, price: int) -> bool:
    """Whether an account's equity would be below its maintenance margin with another health price in one market.

    Positions in blind markets count at the best price their bands allow, as the rules judge.
    """
    held = tuple(
        (position, evolve(quote, price=price) if position.market == subject else quote, market)
        for position, quote, market in state.held(number)
    )
    whole = settled(state, number, held)
    return at_best(whole.health, whole.terms.doubt).equity < whole.health.maintenance


def liquidation_price(state: State, number: int, subject: int) -> int | None:
    """The health price in one market at which an account becomes liquidatable, all else as it is.

    For a long the highest such price, for a short the lowest; for an account that is unhealthy already its current
    price. None where no price in [1, max_price] does it. Found by bisection over the rules' own health. For a portfolio
    account with several positions equity less margin need not be monotone in one price: the figure is then one such
    price.
    """
    held = [(position, price) for position, price, _ in state.held(number) if position.market == subject]
    position, quote = held[0]
    if unhealthy_at(state, number, subject, quote.price):
        return quote.price
    healthy, unhealthy = (quote.price, 1) if position.size > 0 else (quote.price, state.market(subject).max_price)
    if not unhealthy_at(state, number, subject, unhealthy):
        return None
    while abs(healthy - unhealthy) > 1:
        middle = (healthy + unhealthy) // 2
        if unhealthy_at(state, number, subject, middle):
            unhealthy = middle
        else:
            healthy = middle
    return unhealthy
