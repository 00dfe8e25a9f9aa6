"""What happens when BTC falls by 15 % in 15 minutes: a small exchange lives through it, and the page tells how.

Prices are made up, a minute each. All else is the machine's: the default configuration, the rules, one operator who
pushes every unhealthy account through the waterfall by the mildest step that the rules allow.
"""

from collections.abc import Iterator

from attrs import define, field, frozen

from perp_reference.core.state import State
from perp_reference.core.views import AccountView, account_view, level_of
from perp_reference.pages.markdown import bullets, page, table
from perp_reference.replay.svg import Line, lines
from perp_reference.site.faults import Fault
from perp_reference.site.stage import BTC, LOTS_A_COIN, Stage, cents, coins, funded, lot_price, per_coin, percent, usd
from perp_spec.perpetual.health import oracle_state
from perp_spec.perpetual.operations import Backstop, Deleverage, Liquidate, Socialise, Trade, Withdraw
from perp_spec.perpetual.records import FEES, FUND, Account, Exchange, Mode
from perp_spec.perpetual.rules.waterfall import backstop_lots, step_cap
from perp_spec.words import PPM

MINUTE = 60

FIRST = 40_000
PRICES = (
    *(39_800, 39_500, 39_300, 38_900, 38_500),
    *(38_100, 37_700, 35_900, 35_500, 35_300),
    *(35_000, 34_700, 34_500, 34_200, 34_000),
)
"""Dollars a coin, a minute each: 15 % in 15 minutes, almost 5 % of it in the eighth."""

QUIET = 4
"""Minutes that the page goes on after the fall, at the last price."""

MAKER, SHORT = 2, 3
NAMES = {FUND: "the fund", MAKER: "the market maker", SHORT: "a short"}

LONGS: dict[int, tuple[int, int]] = {
    4: (3, 10),
    5: (5, 10),
    6: (10, 10),
    7: (20, 10),
    8: (25, 20),
    9: (45, 20),
}
"""Longs by account: leverage, and coins held."""

SHORT_COINS = 5

FUND_DOLLARS = 100_000
MAKER_DOLLARS = 3_000_000
SHORT_DOLLARS = 60_000

UNWIND_PARTS = 4
"""The fund sells one part in so many of its position in each minute."""

CONCEDED_PPM = 4_000
"""How far below the health price the market maker buys from a liquidation."""

MODES = {Mode.NORMAL: "NORMAL", Mode.THROTTLE: "THROTTLE", Mode.REDUCE_ONLY: "REDUCE_ONLY", Mode.HALT: "HALT"}


@frozen
class Minute:
    """A minute of the story.

    Attributes:
        number: From 1; 0 is before the fall.
        index: What the oracle says, atoms a lot.
        price: The health price.
        average: The average of the index.
        level: What the price is worth.
        mode: The mode after the batch.
        events: What happened.
        equity: Equity by account.
        fund: Equity of the fund.
    """

    number: int
    index: int
    price: int
    average: int
    level: str
    mode: str
    events: tuple[str, ...]
    equity: dict[int, int]
    fund: int


@define
class Story:
    """What the machine did.

    Attributes:
        before: Each account before the fall.
        after: Each account at the end.
        minutes: Minute by minute.
        total: Everything that everybody has together, atoms, before and after.
        loss: The loss index at the end: above 0 where a loss was socialised.
    """

    before: dict[int, AccountView] = field(factory=dict)
    after: dict[int, AccountView] = field(factory=dict)
    minutes: list[Minute] = field(factory=list)
    total: tuple[int, int] = (0, 0)
    loss: int = 0


def name_of(account: int) -> str:
    """What an account is called."""
    return NAMES.get(account) or f"{LONGS[account][0]}x long"


class Operator:
    """Pushes unhealthy accounts through the waterfall, and writes down what comes of it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.events: list[str] = []
        self._said: set[int] = set()

    def work(self) -> None:
        """Work until nothing more is allowed in this batch."""
        for account in (*LONGS, SHORT):
            while self.step(account):
                pass

    def step(self, account: int) -> bool:
        """The mildest step that the rules allow on an account; whether there was one."""
        view = self.stage.view(account)
        if not view.positions:
            return view.health.equity < 0 and self.socialise(account, view)
        if view.state == "healthy":
            return False
        if view.state == "liquidatable":
            return self.staged(account, view)
        return self.whole(account, view) or self.backstop(account, view) or self.deleverage(account, view)

    def liquidate(self, account: int, lots: int, conceded_ppm: int) -> Liquidate:
        """A liquidation against an order of the market maker."""
        size = self.stage.size(account)
        price = self.stage.price.price
        given = price * conceded_ppm // PPM
        stated = price - given if size > 0 else price + given
        taker = self.stage.order(MAKER, size > 0, lots, stated)
        slot = self.stage.slot(account)
        return Liquidate(account, slot, BTC, lots, stated, 0, taker, self.stage.slot(MAKER), 0)

    def told(self, account: int, view: AccountView, what: str) -> bool:
        """Write down a step that was done."""
        after = self.stage.view(account)
        self.events.append(
            f"**{name_of(account)}** has equity {cents(view.health.equity)} and needs "
            f"{cents(view.health.maintenance)}: {what}. Now it has {cents(after.health.equity)} and needs "
            f"{cents(after.health.maintenance)}."
        )
        return True

    def staged(self, account: int, view: AccountView) -> bool:
        """A staged liquidation."""
        size = self.stage.size(account)
        lots = step_cap(size, view.whole.terms.degraded > 0, self.stage.price, self.stage.config.markets[BTC].market)
        operation = self.liquidate(account, lots, CONCEDED_PPM)
        reason = self.stage.apply(operation)
        if reason is not None:
            return False
        return self.told(
            account,
            view,
            f"{coins(lots)} BTC, the step cap, are [liquidated](rules/liquidate.md) at {per_coin(operation.price)}",
        )

    def whole(self, account: int, view: AccountView) -> bool:
        """A liquidation of all that is left, below close-out."""
        lots = abs(self.stage.size(account))
        operation = self.liquidate(account, lots, CONCEDED_PPM)
        refused = self.stage.refusal(operation)
        if refused and account in self._said:
            return False
        if refused:
            self._said.add(account)
            self.events.append(
                f"Selling all of **{name_of(account)}** at {per_coin(operation.price)} is refused, {refused}: its "
                "equity "
                f"is {cents(view.health.equity)}, and a sale so far below the health price costs more than that."
            )
            return False
        self.stage.must(operation)
        return self.told(
            account,
            view,
            f"below close-out, so all of it, {coins(lots)} BTC, is liquidated at {per_coin(operation.price)}",
        )

    def backstop(self, account: int, view: AccountView) -> bool:
        """A takeover by the fund, of as much as it can bear."""
        size = self.stage.size(account)
        lots = abs(size)
        least = backstop_lots(size, self.stage.config.parameters, self.stage.price)
        fund = self.stage.view(FUND).health.equity
        while lots >= least:
            if self.stage.apply(Backstop(account, self.stage.slot(account), BTC, lots, self.stage.slot(FUND))) is None:
                paid = fund - self.stage.view(FUND).health.equity
                words = f"the fund [takes over](rules/backstop.md) {coins(lots)} BTC and {gained(paid)}"
                return self.told(account, view, words)
            if lots == least:
                break
            lots = max(lots // 2, least)
        held = coins(self.stage.size(FUND))
        self.events.append(
            f"The fund, with {cents(fund)} and {held} BTC, cannot take over another piece of **{name_of(account)}**: "
            "[FUND_MARGIN](reasons.md#fund_margin). That opens the way to a deleverage."
        )
        return False

    def unwind(self) -> None:
        """Sell a part of what the fund took over, against the market maker."""
        held = self.stage.size(FUND)
        lots = -(-held // UNWIND_PARTS)
        if lots <= 0:
            return
        before = self.stage.view(FUND).health.equity
        operation = self.liquidate(FUND, lots, CONCEDED_PPM)
        if self.stage.apply(operation) is None:
            cost = before - self.stage.view(FUND).health.equity
            self.events.append(
                f"The fund sells {coins(lots)} of its {coins(held)} BTC at {per_coin(operation.price)}, which costs it "
                f"{cents(cost)} against the health price."
            )

    def deleverage(self, account: int, view: AccountView) -> bool:
        """A deleverage against the opposite position."""
        for other in (SHORT, MAKER):
            lots = min(abs(self.stage.size(account)), max(-self.stage.size(other), 0))
            if not lots:
                continue
            before = self.stage.view(other).health.equity
            slots = self.stage.slot(account), self.stage.slot(other), self.stage.slot(FUND)
            operation = Deleverage(account, slots[0], other, slots[1], BTC, lots, slots[2])
            if self.stage.apply(operation) is None:
                paid = before - self.stage.view(other).health.equity
                words = (
                    f"{coins(lots)} BTC are [closed](rules/deleverage.md) against {name_of(other)} at the health price"
                )
                return self.told(account, view, f"{words}, which bears {cents(paid)} of the deficit")
        return False

    def socialise(self, account: int, view: AccountView) -> bool:
        """What a flat account owes is covered."""
        fund = self.stage.view(FUND).health.equity
        if self.stage.apply(Socialise(account, BTC)) is not None:
            return False
        paid = fund - self.stage.view(FUND).health.equity
        owed = -view.health.equity
        self.events.append(
            f"**{name_of(account)}** holds nothing and owes {cents(owed)}: the fund pays {cents(paid)}, open positions "
            f"bear the rest."
        )
        return True


def opening(stage: Stage) -> None:
    """Accounts, money and positions, at the first price."""
    stage.begin(0)
    stage.tick(FIRST)
    deposits = {number: FIRST * held // leverage for number, (leverage, held) in LONGS.items()}
    funded(stage, {FUND: FUND_DOLLARS, MAKER: MAKER_DOLLARS, SHORT: SHORT_DOLLARS, **deposits})
    price = lot_price(FIRST)
    short = SHORT_COINS * LOTS_A_COIN
    for number, (_, held) in LONGS.items():
        lots = held * LOTS_A_COIN
        if short:
            stage.must(stage.trade(number, SHORT, min(short, lots), price))
            lots, short = lots - min(short, lots), max(short - lots, 0)
        if lots:
            stage.must(stage.trade(number, MAKER, lots, price))
    stage.end()


def gained(paid: int) -> str:
    """What a takeover does to the fund."""
    return f"pays {cents(paid)} of its own" if paid > 0 else f"gets the {cents(-paid)} of equity that go with them"


def noted(stage: Stage, number: int, events: list[str]) -> Minute:
    """A minute as it ends."""
    price, average = stage.price, stage.oracle.average
    state = oracle_state(price, stage.config.markets[BTC].market, stage.venue.now)
    equity = {account: stage.view(account).health.equity for account in (*LONGS, SHORT, MAKER)}
    mode = MODES[max(stage.state.get(Exchange, 0).mode, price.mode)]
    fund = stage.view(FUND).health.equity
    return Minute(number, price.index, price.price, average, level_of(state), mode, tuple(events), equity, fund)


def told() -> Story:
    """Live through it."""
    stage, story = Stage(), Story()
    opening(stage)
    everyone = (*LONGS, SHORT, MAKER, FUND)
    story.before = {account: stage.view(account) for account in everyone}
    story.minutes.append(noted(stage, 0, []))
    before = stage.state.copy()
    for number, dollars in enumerate((*PRICES, *(PRICES[-1],) * QUIET), 1):
        operator = Operator(stage)
        stage.begin(number * MINUTE)
        stage.tick(dollars)
        operator.work()
        operator.unwind()
        operator.events += attempts(stage, number)
        stage.end()
        stage.audited()
        story.minutes.append(noted(stage, number, operator.events))
    story.after = {account: stage.view(account) for account in everyone}
    story.total = (held_together(before), held_together(stage.state))
    story.loss = stage.price.loss_index
    return story


def held_together(state: State) -> int:
    """The equity of all accounts, what waits for the reserved ones included, atoms."""
    return sum(account_view(state, number).health.equity for number in state.tables[Account])


def attempts(stage: Stage, number: int) -> list[str]:
    """What users try besides: in the last minute of the fall, one wants its money, another more of the same."""
    if number != len(PRICES):
        return []
    found: list[str] = []
    leaver, buyer = 5, 6
    wanted = stage.view(leaver).health.equity
    refused = stage.refusal(Withdraw(leaver, wanted, stage.venue.intent(leaver)))
    found.append(f"**{name_of(leaver)}** wants to withdraw all its equity, {cents(wanted)}: refused, {refused}.")
    lots = 30 * LOTS_A_COIN
    trade: Trade = stage.trade(buyer, MAKER, lots, stage.price.price)
    refused = stage.refusal(trade)
    found.append(f"**{name_of(buyer)}** wants to buy {coins(lots)} BTC more: refused, {refused}.")
    return found


# The page


def crash_page(story: Story) -> str:
    """The page."""
    return page(
        "# BTC falls by 15 % in 15 minutes",
        INTRODUCTION,
        *setting(story),
        "## The rules in short",
        *in_short(),
        "## Minute by minute",
        *minutes_section(story),
        "## Every step",
        *steps_section(story),
        "## The end",
        *ending(story),
        "## What did not happen, and why",
        bullets(did_not_happen(story)),
        AFTERWARDS,
    )


INTRODUCTION = (
    "What happens, step by step and in numbers? Below, a small exchange of the default configuration lives through it. "
    "The prices are made up; everything else was done by the machine when this page was made: no number here was typed "
    "in."
)
AFTERWARDS = (
    f"After minute {len(PRICES)} the price stands still, and the fund goes on selling. Replay real prices with "
    "thousands "
    "of traders: [recorded prices replayed](replay.md)."
)


def did_not_happen(story: Story) -> tuple[str, ...]:
    """What the rules have for worse days; that it did not happen here is checked by `faults`."""
    worst = max(story.minutes, key=lambda minute: abs(minute.index - minute.average) / minute.average)
    market = Stage().config.markets[BTC].market
    return (
        (
            f"**No gap.** The index was never further than {distance(worst)} from its five-minute average (minute "
            f"{worst.number}); the band is {percent(market.band_ppm)}. Beyond it the oracle level would have been "
            "2, the "
            "health price would have stopped at the band, and positions could only be reduced: see [modes and oracle "
            "levels](modes.md)."
        ),
        (
            "**No socialised loss.** All that accounts owed beyond their equity was borne by the fund and by "
            "counterparties "
            "of a deleverage. Only what a flat account still owes is spread over open positions: see "
            "[socialise](rules/socialise.md)."
        ),
        (
            "**No waiting.** One operator did each step as soon as the rules allowed it. Nothing in the rules makes an "
            "operator act; what they prevent, and what not, is in [the limits](limits.md)."
        ),
        (
            "**No blind oracle.** Both families reported each minute. Silence for more than "
            f"{market.staleness_seconds} s "
            "makes the market blind: then there is no liquidation until a tick says what the price is."
        ),
    )


def faults(story: Story) -> Iterator[Fault]:
    """What the page says in words and the machine did not do."""
    said = " ".join(event for minute in story.minutes for event in minute.events)
    expected = {
        "a staged liquidation": "the step cap" in said,
        "a liquidation below close-out": "below close-out, so all" in said,
        "a takeover by the fund": "takes over" in said,
        "a deleverage": "rules/deleverage.md" in said,
        "no socialised loss": story.loss == 0,
        "a good oracle throughout": {minute.level for minute in story.minutes} == {"good"},
        "the modes NORMAL, THROTTLE and REDUCE_ONLY": [*dict.fromkeys(minute.mode for minute in story.minutes)]
        == ["NORMAL", "THROTTLE", "REDUCE_ONLY"],
        "as much money as before": story.total[0] == story.total[1],
        "a fall of 15 % in 15 minutes": len(PRICES) == 15 and 100 * PRICES[-1] == 85 * FIRST,
    }
    for what, holds in expected.items():
        if not holds:
            yield Fault("the page of the crash", "something else", what)


FROM_START = "hours and minutes from the start"
"""What the time axis of the plots shows; those of a replay show the time of day."""

PLOT_WIDTH = 680
"""About that of a page's text, so that the letters of a plot are as large as they are meant to be."""


def distance(minute: Minute) -> str:
    """How far the index is from its average."""
    return f"{100 * abs(minute.index - minute.average) / minute.average:.1f} %"


def setting(story: Story) -> list[str]:
    """The exchange before the fall."""
    market = Stage().config.markets[BTC].market
    rows = [
        (
            name_of(account),
            coins(sum(own.position.size for own in view.positions)),
            usd(view.health.equity),
            usd(view.health.maintenance),
            " / ".join(per_coin(own.liquidation_price) for own in view.positions if own.liquidation_price) or "none",
        )
        for account, view in story.before.items()
    ]
    return [
        "## Before",
        (
            f"BTC is at {FIRST:,}. Long positions need {percent(market.initial_1_ppm)} of their value to be opened and "
            f"{percent(market.maintenance_1_ppm)} to be kept; below {percent(market.close_out_ppm)} of the latter is "
            "close-out."
        ),
        table(("account", "BTC", "equity", "must keep", "liquidatable at"), rows),
    ]


def in_short() -> list[str]:
    """The waterfall with the page's own numbers."""
    market = Stage().config.markets[BTC].market
    parameters = Stage().config.parameters
    steps = (
        (
            "Equity below what must be kept: the account is [liquidated](rules/liquidate.md) in steps of at most "
            f"{percent(market.close_factor_ppm)} of the position, {parameters.cooldown_seconds} s apart, at a price "
            "within "
            f"{percent(market.slippage_partial_ppm)} of the health price."
        ),
        (
            f"Equity below {percent(market.close_out_ppm)} of that: all of it may be liquidated at once, within "
            f"{percent(market.slippage_full_ppm)}."
        ),
        (
            "No sale leaves it better: the insurance fund [takes the position over](rules/backstop.md) at the price "
            "that "
            f"leaves the account at zero, as far as the fund keeps {parameters.fund_multiple} times its own initial "
            "margin."
        ),
        "The fund cannot: an opposite position is [closed against it](rules/deleverage.md) at the health price.",
        "Nothing is left and there is debt: the fund and open positions [bear it](rules/socialise.md).",
    )
    modes = (
        f"The mode follows what the fund has lost on the day: {percent(parameters.fund_throttle_ppm)} demands "
        "THROTTLE, "
        f"{percent(parameters.fund_reduce_ppm)} REDUCE_ONLY."
    )
    return [bullets(steps), modes]


def minutes_section(story: Story) -> list[str]:
    """The plots and the table."""
    times = [minute.number * MINUTE for minute in story.minutes]
    prices = [
        Line("health price", [minute.price * LOTS_A_COIN / 1e6 for minute in story.minutes]),
        Line("five-minute average", [minute.average * LOTS_A_COIN / 1e6 for minute in story.minutes]),
    ]
    shown = (9, 8, 7, 6, 5)
    equities = [Line(name_of(own), [minute.equity[own] / 1e6 for minute in story.minutes]) for own in shown]
    equities.append(Line("the fund", [minute.fund / 1e6 for minute in story.minutes]))
    rows = [
        (
            str(minute.number),
            per_coin(minute.index),
            per_coin(minute.average),
            minute.level,
            minute.mode,
            *(usd(minute.equity[own]) for own in LONGS),
            usd(minute.fund),
        )
        for minute in story.minutes
    ]
    heads = ("minute", "index", "average", "oracle", "mode", *(name_of(own) for own in LONGS), "fund")
    return [
        lines("Price", "dollars a coin", times, prices, axis=FROM_START, width=PLOT_WIDTH),
        lines("Equity", "dollars", times, equities, zero=True, axis=FROM_START, width=PLOT_WIDTH),
        table(heads, rows),
        "Equity in dollars, rounded down, after the batch of the minute.",
    ]


def steps_section(story: Story) -> list[str]:
    """What was done, in words."""
    parts: list[str] = []
    for minute in story.minutes:
        if minute.events and minute.number <= len(PRICES):
            fell = 100 * (1 - minute.index / story.minutes[0].index)
            parts += [
                f"### Minute {minute.number}: {per_coin(minute.index)}, {fell:.1f} % down",
                bullets(minute.events),
            ]
    return parts


def ending(story: Story) -> list[str]:
    """Who ended how."""
    rows = [
        (
            name_of(account),
            coins(sum(own.position.size for own in view.positions)),
            cents(story.before[account].health.equity),
            cents(view.health.equity),
            cents(view.health.equity - story.before[account].health.equity),
        )
        for account, view in story.after.items()
    ]
    together = (
        f"All accounts together, the fee account {FEES} included, held {cents(story.total[0])} before the fall and "
        f"{cents(story.total[1])} after it. The audit recomputed every total of the exchange after every minute."
    )
    return [table(("account", "BTC at the end", "equity before", "equity after", "change"), rows), together]
