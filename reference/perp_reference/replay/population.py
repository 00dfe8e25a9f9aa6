"""The population: who trades, with how much money and at what leverage."""

from enum import StrEnum

from attrs import define, field, frozen

from perp_reference.replay.dice import Dice
from perp_spec.perpetual.defaults import USD
from perp_spec.perpetual.records import FIRST_USER, Kind


class Style(StrEnum):
    """How an account behaves."""

    LONG = "leveraged long"
    SHORT = "leveraged short"
    HEDGED = "hedged portfolio"
    ISOLATED = "isolated child"
    DIVERSIFIED = "diversified"
    ARBITRAGE = "arbitrage"
    SAVER = "saver"
    MAKER = "market maker"


SHARES = (
    (Style.LONG, 43),
    (Style.SHORT, 22),
    (Style.HEDGED, 8),
    (Style.ISOLATED, 10),
    (Style.DIVERSIFIED, 10),
    (Style.ARBITRAGE, 3),
    (Style.SAVER, 4),
)
"""Percent of the accounts that are no market makers."""

LEVERAGES = (2, 3, 3, 5, 5, 5, 10, 10, 10, 20, 20, 25, 50, 50)
"""Leverage a trader aims at; a market whose initial margin allows less gives less."""

LEAST_USD = 300
"""Smallest deposit, in units of the quote currency."""

DOUBLINGS = 13
"""Each doubling of the deposit is half as frequent: few accounts hold most of the money."""

MAKERS_PERCENT_OF_DEPOSITS = 45
"""Money of all market makers together, of that of all others."""


@define
class Trader:
    """An account and the one who trades it."""

    account: int
    owner: int
    style: Style
    leverage: int
    markets: tuple[int, ...]
    """Markets it trades."""
    long: bool
    """Which side it believes in."""
    deposit: int
    """Atoms it begins with."""
    parent: int = 0
    resting: list[tuple[int, int, int]] = field(factory=list)
    """Its orders in the book: market, order slot, nonce."""

    @property
    def kind(self) -> int:
        """The account's kind."""
        if self.style is Style.ISOLATED:
            return Kind.ISOLATED
        return Kind.PORTFOLIO if self.style is Style.HEDGED else Kind.CROSS


@frozen
class Population:
    """All accounts but the reserved ones."""

    traders: tuple[Trader, ...]
    makers: tuple[Trader, ...]

    @property
    def accounts(self) -> int:
        """One more than the highest account id."""
        return FIRST_USER + len(self.traders) + len(self.makers)


def makers_of(accounts: int) -> int:
    """How many of so many accounts are market makers."""
    return min(max(accounts // 100, 3), 10)


def populate(accounts: int, markets: int, dice: Dice) -> Population:
    """Make so many accounts, at least 8."""
    makers = makers_of(accounts)
    first = FIRST_USER + makers
    traders: list[Trader] = []
    for account in range(first, FIRST_USER + accounts):
        last = traders[-1] if traders else None
        traders.append(trader_of(account, markets, dice, last))
    money = sum(trader.deposit for trader in traders) * MAKERS_PERCENT_OF_DEPOSITS // 100
    all_markets = tuple(range(markets))
    return Population(
        traders=tuple(traders),
        makers=tuple(
            Trader(account, account, Style.MAKER, 1, all_markets, True, max(money // makers, 1))
            for account in range(FIRST_USER, first)
        ),
    )


def trader_of(account: int, markets: int, dice: Dice, last: Trader | None) -> Trader:
    """One trader. An isolated child belongs to the account before it, if that can be a parent."""
    style = style_of(dice)
    if style is Style.ISOLATED and (last is None or last.style is Style.ISOLATED):
        style = Style.LONG
    child = style is Style.ISOLATED and last is not None
    # Half of all money is in the first two markets.
    favourite = dice.below(min(markets, 2)) if dice.chance(50) else dice.below(markets)
    count = {Style.DIVERSIFIED: dice.between(3, 8), Style.HEDGED: 2}.get(style, 1 + dice.chance(30))
    chosen = distinct(favourite, 1 if child else min(count, markets), markets, dice)
    return Trader(
        account=account,
        owner=last.owner if child and last else account,
        style=style,
        leverage=LEVERAGES[dice.below(len(LEVERAGES))],
        markets=chosen,
        long=style is not Style.SHORT and (style is Style.LONG or dice.chance(60)),
        deposit=dice.heavy_tail(LEAST_USD, DOUBLINGS) * USD,
        parent=last.account if child and last else 0,
    )


def style_of(dice: Dice) -> Style:
    """A style by its share."""
    roll = dice.below(100)
    for style, percent in SHARES:
        if roll < percent:
            return style
        roll -= percent
    return Style.SAVER


def distinct(first: int, count: int, markets: int, dice: Dice) -> tuple[int, ...]:
    """So many different markets, one of them given."""
    chosen = [first]
    while len(chosen) < count:
        market = dice.below(markets)
        if market not in chosen:
            chosen.append(market)
    return tuple(chosen)
