"""What happens when BTC falls by 15 % in 15 minutes: a small exchange lives through it, and the page tells how.

Prices are made up, a minute each. All else is the machine's: the default configuration, the rules, one operator who
pushes every unhealthy account through the waterfall by the mildest step that the rules allow.
"""

from collections.abc import Iterator, Mapping

from attrs import define, field, frozen

from perp_reference.core.state import State
from perp_reference.core.views import AccountView, account_view, level_of
from perp_reference.pages.markdown import bullets, page, table
from perp_reference.replay.svg import Line, lines
from perp_reference.site.faults import Fault
from perp_reference.site.stage import (
    BTC,
    LOTS_A_COIN,
    START,
    Stage,
    cents,
    coins,
    exact_per_coin,
    funded,
    lot_price,
    per_coin,
    percent,
    usd,
)
from perp_spec.perpetual.health import oracle_state
from perp_spec.perpetual.operations import Backstop, Deleverage, FundingTick, Liquidate, Socialise, Trade, Withdraw
from perp_spec.perpetual.records import FEES, FUND, Account, Exchange, Forced, Ledger, Mode
from perp_spec.perpetual.rules.waterfall import backstop_lots, step_cap
from perp_spec.words import DAY, PPM

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

MAKER, SHORT, SAVER = 2, 3, 10
NAMES = {FUND: "the fund", MAKER: "the market maker", SHORT: "a short", SAVER: "a saver"}

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
SAVER_DOLLARS = 50_000
"""Of an account without a position."""

UNWIND_PARTS = 4
"""The fund sells one part in so many of its position in each minute."""

CONCEDED_PPM = 4_000
"""How far below the health price the market maker buys from a liquidation."""

REDUCED_COINS, REDUCED_IN = 2, 13
"""What an account asks to reduce through the chain below, and in which minute."""

MODES = {Mode.NORMAL: "NORMAL", Mode.THROTTLE: "THROTTLE", Mode.REDUCE_ONLY: "REDUCE_ONLY", Mode.HALT: "HALT"}


@frozen
class Course:
    """A fall of the price, and what meets it.

    Attributes:
        prices: Dollars a coin, a minute each.
        fund: What the fund begins with, dollars.
        conceded_ppm: How far below the price the market maker buys from a liquidation.
    """

    prices: tuple[int, ...] = (*PRICES, *(PRICES[-1],) * QUIET)
    fund: int = FUND_DOLLARS
    conceded_ppm: int = CONCEDED_PPM


@define
class Sums:
    """What the waterfall came to.

    Attributes:
        liquidated: Lots sold to willing orders, those of the fund apart.
        taken_over: Lots that the fund took over.
        deleveraged: Lots closed against opposite positions.
        paid: What the fund paid for accounts below zero, atoms.
        borne: What counterparties paid beyond the health price, atoms.
        socialised: What open positions bore, atoms.
    """

    liquidated: int = 0
    taken_over: int = 0
    deleveraged: int = 0
    paid: int = 0
    borne: int = 0
    socialised: int = 0


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
        sums: What the waterfall came to.
        fee_ppm: The highest liquidation fee that the first step would have borne.
        left: What each operation is answered with, by minute: rows of a table.
        recovery: Minute and mode of each batch after the story, to the first of the next day.
        sold: The minute in which the fund has sold all that it took over.
        stage: The exchange at the end.
    """

    before: dict[int, AccountView] = field(factory=dict)
    after: dict[int, AccountView] = field(factory=dict)
    minutes: list[Minute] = field(factory=list)
    total: tuple[int, int] = (0, 0)
    loss: int = 0
    sums: Sums = field(factory=Sums)
    fee_ppm: int | None = None
    left: list[tuple[str, ...]] = field(factory=list)
    recovery: list[tuple[int, str]] = field(factory=list)
    sold: int = 0
    stage: Stage = field(factory=Stage)


def name_of(account: int) -> str:
    """What an account is called."""
    return NAMES.get(account) or f"{LONGS[account][0]}x long"


class Operator:
    """Pushes unhealthy accounts through the waterfall, and writes down what comes of it."""

    def __init__(self, stage: Stage, story: Story, conceded_ppm: int) -> None:
        self.stage = stage
        self.story = story
        self.sums = story.sums
        self.conceded_ppm = conceded_ppm
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

    def liquidate(self, account: int, lots: int, fee_ppm: int = 0) -> Liquidate:
        """A liquidation against an order of the market maker, who looks at the index where a gap holds the price back.

        Longs only are ever unhealthy here.
        """
        price = min(self.stage.price.price, self.stage.price.index)
        stated = price - price * self.conceded_ppm // PPM
        taker = self.stage.order(MAKER, True, lots, stated)
        slot = self.stage.slot(account)
        return Liquidate(account, slot, BTC, lots, stated, fee_ppm, taker, self.stage.slot(MAKER), 0)

    def highest_fee(self, account: int, lots: int) -> int:
        """The highest liquidation fee that the rules would take from a step, ppm; found by bisection."""
        low, high = 0, self.stage.config.markets[BTC].market.liquidation_fee_cap_ppm + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (
                (middle, high) if not self.stage.refusal(self.liquidate(account, lots, middle)) else (low, middle)
            )
        return low

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
        operation = self.liquidate(account, lots)
        if self.stage.refusal(operation):
            return False
        if self.story.fee_ppm is None:
            self.story.fee_ppm = self.highest_fee(account, lots)
        self.stage.must(operation)
        self.sums.liquidated += lots
        return self.told(
            account,
            view,
            f"{coins(lots)} BTC, the step cap, are [liquidated](rules/liquidate.md) at {per_coin(operation.price)}",
        )

    def whole(self, account: int, view: AccountView) -> bool:
        """A liquidation of all that is left, below close-out."""
        lots = abs(self.stage.size(account))
        operation = self.liquidate(account, lots)
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
        self.sums.liquidated += lots
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
                self.sums.taken_over += lots
                self.sums.paid += max(paid, 0)
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
        operation = self.liquidate(FUND, lots)
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
                self.sums.deleveraged += lots
                self.sums.borne += paid
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
        self.sums.paid += paid
        self.sums.socialised += owed - paid
        self.events.append(
            f"**{name_of(account)}** holds nothing and owes {cents(owed)}: the fund pays {cents(paid)}, open positions "
            f"bear the rest."
        )
        return True


def opening(stage: Stage, fund: int = FUND_DOLLARS) -> None:
    """Accounts, money and positions, at the first price."""
    stage.begin(0)
    stage.tick(FIRST)
    deposits = {number: FIRST * held // leverage for number, (leverage, held) in LONGS.items()}
    reserved = {FUND: fund} if fund else {}
    funded(stage, {**reserved, MAKER: MAKER_DOLLARS, SHORT: SHORT_DOLLARS, **deposits, SAVER: SAVER_DOLLARS})
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


def told(course: Course | None = None) -> Story:
    """Live through it: through the fall of the page, with what users try besides, or through another course."""
    main, course = course is None, course or Course()
    story = Story()
    stage = story.stage
    opening(stage, course.fund)
    everyone = (*LONGS, SHORT, MAKER, SAVER, FUND)
    story.before = {account: stage.view(account) for account in everyone}
    story.minutes.append(noted(stage, 0, []))
    before = stage.state.copy()
    for number, dollars in enumerate(course.prices, 1):
        operator = Operator(stage, story, course.conceded_ppm)
        stage.begin(number * MINUTE)
        stage.tick(dollars)
        if main and number in ASKED:
            story.left.append(left_in(stage, number))
        operator.work()
        operator.unwind()
        operator.events += attempts(stage, number) if main else []
        stage.end()
        stage.audited()
        story.minutes.append(noted(stage, number, operator.events))
    story.after = {account: stage.view(account) for account in everyone}
    story.total = (held_together(before), held_together(stage.state))
    story.loss = stage.price.loss_index
    if main:
        recover(story, len(course.prices))
    return story


def recover(story: Story, number: int) -> None:
    """Go on at the last price to the first batch of the next day, and note what has become of fund and mode."""
    stage = story.stage
    held, _mode = stage.size(FUND), MODES[stage.state.get(Exchange, 0).mode]
    sold = number if held == 0 else 0
    while (START + number * MINUTE) // DAY == START // DAY:
        number += 1
        stage.begin(number * MINUTE)
        stage.tick(PRICES[-1])
        Operator(stage, story, CONCEDED_PPM).unwind()
        stage.end()
        held = stage.size(FUND)
        sold = sold or (number if held == 0 else 0)
        story.recovery.append((number, MODES[stage.state.get(Exchange, 0).mode]))
    stage.audited()
    story.sold = sold


def held_together(state: State) -> int:
    """The equity of all accounts, what waits for the reserved ones included, atoms."""
    return sum(account_view(state, number).health.equity for number in state.tables[Account])


ASKED = (1, 9, 13)
"""Minutes in which everything is tried: one in each mode."""


def left_in(stage: Stage, number: int) -> tuple[str, ...]:
    """What is possible in a minute, before its liquidations: a row of the table."""
    price, lots = stage.price.price, LOTS_A_COIN
    mode = MODES[max(stage.state.get(Exchange, 0).mode, stage.price.mode)]
    trades = (
        stage.trade(SAVER, MAKER, lots, price),
        stage.trade(SAVER, 4, lots, price),
        stage.trade(MAKER, 4, lots, price),
    )
    may = (usd(most_withdrawn(stage, account)) for account in (SAVER, 4, 5))
    return (str(number), mode, *(stage.refusal(trade) or "yes" for trade in trades), *may)


LEFT_HEADS = (
    "minute",
    "mode",
    "a new long against a short that grows",
    "a new long against a long that sells",
    "a long sells to a short that buys back",
    *(f"{name} may withdraw" for name in ("the saver", "3x long", "5x long")),
)


def most_withdrawn(stage: Stage, account: int) -> int:
    """The most that an account may withdraw now, atoms.

    Raises:
        ValueError: The rules refuse it, or take more.
    """
    health = stage.view(account).health
    most = min(health.equity - health.initial, stage.state.get(Ledger, 0).bucket)
    refused = [bool(stage.refusal(Withdraw(account, most + more, stage.venue.intent(account)))) for more in (0, 1)]
    if refused != [False, True]:
        raise ValueError(f"account {account} may not withdraw just {most}")
    return most


def forced(stage: Stage) -> str:
    """A reduction that is asked for through the chain below, noted and done in one batch."""
    account, lots = 4, REDUCED_COINS * LOTS_A_COIN
    stage.must(stage.request(account, Forced.REDUCE, lots, (REDUCED_IN - 1) * MINUTE))
    operation = stage.reduction(account, MAKER, lots)
    stage.must(operation)
    slip = stage.config.markets[BTC].market.slip_ppm
    return (
        f"**{name_of(account)}** has asked, through the chain below, to reduce {REDUCED_COINS} BTC. The operator has "
        f"{stage.config.parameters.forced_seconds // DAY} days to answer and does so at once: they are "
        f"[closed](rules/forced_reduce.md) at {per_coin(operation.order.price)}, {percent(slip)} below the health "
        "price. No mode stands in the way of that."
    )


def attempts(stage: Stage, number: int) -> list[str]:
    """What users try besides: one asks the chain below, one wants its money, another more of the same."""
    if number == REDUCED_IN:
        return [forced(stage)]
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


def crash_page(story: Story, others: Mapping[str, Story]) -> str:
    """The page; `others` are the same fall in other shapes, by name."""
    return page(
        "# BTC falls by 15 % in 15 minutes",
        INTRODUCTION,
        *setting(story),
        "## The rules in short",
        *in_short(),
        "## What the operator chose",
        bullets(choices(story)),
        "## Minute by minute",
        *minutes_section(story),
        "## Every step",
        *steps_section(story),
        "## What was still possible",
        *possible(story),
        "## The end",
        *ending(story),
        "## How it recovers",
        *recovered(story),
        "## The same fall in other shapes",
        *shapes(others),
        "## What did not happen, and why",
        bullets(did_not_happen(story)),
        AFTERWARDS,
    )


INTRODUCTION = (
    "What happens, step by step and in numbers? Below, a small exchange of the default configuration lives through it. "
    "The prices are made up; everything else was done by the machine when this page was made: no number here was typed "
    "in."
)
AFTERWARDS = "Replay real prices with thousands of traders: [recorded prices replayed](replay.md)."

IN_A_MINUTE = "all of the fall in the first minute"
AT_THE_PRICE = "no fund, and orders at the health price"

COURSES: dict[str, Course | None] = {
    "as above": None,
    "a fund ten times as large": Course(fund=10 * FUND_DOLLARS),
    "a tenth of the fund": Course(fund=FUND_DOLLARS // 10),
    "no fund": Course(fund=0),
    AT_THE_PRICE: Course(fund=0, conceded_ppm=0),
    IN_A_MINUTE: Course(prices=(PRICES[-1],) * (len(PRICES) + QUIET)),
}
"""Courses that the page compares; None is its own."""

WORST = ("good", "degraded", "gap", "blind", "exits only")


def choices(story: Story) -> tuple[str, ...]:
    """What nothing in the rules asks for."""
    market = Stage().config.markets[BTC].market
    return (
        (
            "**When, and whom first.** The rules say what may be done to an account, not that anybody does it, nor in "
            "which order. This operator does everything as soon as it is allowed, account by account."
        ),
        (
            f"**Who buys.** The market maker has signed orders {percent(CONCEDED_PPM)} below the price; the rules "
            f"allow up to {percent(market.slippage_partial_ppm)}, and {percent(market.slippage_full_ppm)} below "
            "close-out, as long as the "
            "account's health does not get worse by it."
        ),
        (
            f"**Fees.** This operator charges none for a liquidation. It could charge up to "
            f"{percent(market.liquidation_fee_cap_ppm)} of what is sold, to the fund: the first step below would have "
            "borne "
            f"{percent(story.fee_ppm or 0)}. A takeover and a deleverage have no fee."
        ),
        "**Who is deleveraged.** Any opposite position may be named; here the short comes first.",
        "**How the fund sells.** A quarter of what it holds each minute, to the market maker.",
    )


def possible(story: Story) -> list[str]:
    """What was tried in each mode."""
    return [
        (
            "Tried at the beginning of a minute in each mode, 1 BTC at the health price. A link is the reason of a "
            "refusal. Withdrawals and forced requests are possible in every mode; what stays must be the initial "
            "margin, twice of it and more where a price is in doubt, and all withdrawals together are bounded by the "
            f"bucket, {usd(story.stage.config.parameters.bucket_size)} at most."
        ),
        table(LEFT_HEADS, story.left),
    ]


def recovered(story: Story) -> list[str]:
    """What becomes of fund and mode after the fall."""
    (last, before), (first, after) = story.recovery[-2:]
    return [
        (
            f"After minute {len(PRICES)} the price stands still. The fund goes on selling and has sold all in minute "
            f"{story.sold}; what it lost on the way stays lost, so the mode stays {before}, to minute {last}. Its fall "
            f"is counted from the first batch of a day, in UTC: in minute {first}, {clock_of(first)}, a new day "
            f"begins, and the mode is {after}. Somebody who pays into the fund brings it down sooner, by as much as is "
            "paid in. The operator "
            "may keep a stricter mode for longer."
        ),
        (
            "Funding is charged each hour and falls into no minute of this. A market at a gap or blind comes back by "
            "ten good ticks in a row, see [modes and oracle levels](modes.md)."
        ),
    ]


def clock_of(minute: int) -> str:
    """The time of day of a minute."""
    hours, seconds = divmod((START + minute * MINUTE) % DAY, 3_600)
    return f"{hours:02d}:{seconds // 60:02d}:{seconds % 60:02d}"


def compared(story: Story) -> dict[str, Story]:
    """The same fall in other shapes, by name; the story itself is the first."""
    return {name: story if course is None else told(course) for name, course in COURSES.items()}


def shapes(stories: Mapping[str, Story]) -> list[str]:
    """The same fall under other circumstances."""
    rows = [
        (
            name,
            max((minute.level for minute in story.minutes), key=WORST.index),
            max((minute.mode for minute in story.minutes), key=[*MODES.values()].index),
            *(coins(lots) for lots in (story.sums.liquidated, story.sums.taken_over, story.sums.deleveraged)),
            *(usd(atoms) for atoms in (story.sums.paid, story.sums.borne, story.sums.socialised)),
            usd(story.minutes[-1].fund),
        )
        for name, story in stories.items()
    ]
    heads = (
        *("", "oracle at worst", "mode at strictest", "BTC sold to orders", "taken over", "deleveraged"),
        *("the fund pays", "counterparties bear", "socialised", "the fund at the end"),
    )
    least, most = stories["no fund"], stories["a fund ten times as large"]
    gapped = stories[IN_A_MINUTE].minutes[1]
    return [
        table(heads, rows),
        bullets(
            (
                (
                    "All of it in a minute is beyond the band: a gap. The health price stops at "
                    f"{per_coin(gapped.price)} while the index is {per_coin(gapped.index)}. Nobody buys so far above "
                    "the index, so nothing is sold: the fund and opposite positions take everything at the health "
                    "price, and what the fund took over loses "
                    "when the band lets go."
                ),
                (
                    "A loss is socialised only where an account is left with nothing but a debt. Takeovers and "
                    "deleverages here leave none; orders at the health price do."
                ),
                (
                    "A larger fund does not help who is taken over: 25x long ends with "
                    f"{usd(least.after[8].health.equity)} where there is no fund, since a deleverage is at the health "
                    f"price, and with {usd(most.after[8].health.equity)} where the fund takes it over, since the "
                    "equity goes with the position."
                ),
                (
                    "An empty fund demands no mode: it cannot fall. What then demands one are a gap, a debt that "
                    "nobody covers, and liquidations in several markets."
                ),
            )
        ),
    ]


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


def faults(story: Story, others: Mapping[str, Story]) -> Iterator[Fault]:
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
        "a reduction through the chain below": "rules/forced_reduce.md" in said,
        "the mode NORMAL on the next day and not before": [mode for _, mode in story.recovery if mode == "NORMAL"]
        == [mode for _, mode in story.recovery[-1:]],
        "a gap in which nothing is sold": others[IN_A_MINUTE].sums.liquidated == 0
        and others[IN_A_MINUTE].minutes[1].level == "gap",
        "losses socialised after orders at the health price alone": [
            name for name, other in others.items() if other.sums.socialised
        ]
        == [AT_THE_PRICE],
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
    stage = Stage()
    market = stage.config.markets[BTC].market
    opening(stage)
    stage.must(FundingTick(BTC))
    rows = [
        (
            name_of(account),
            coins(sum(own.position.size for own in view.positions)),
            usd(view.health.equity),
            usd(view.health.maintenance),
            liquidatable_at(view),
            liquidatable_at(stage.view(account)),
        )
        for account, view in story.before.items()
    ]
    buffer = percent(stage.price.buffer_long_ppm)
    return [
        "## Before",
        (
            f"BTC is at {FIRST:,}. Long positions need {percent(market.initial_1_ppm)} of their value to be opened and "
            f"{percent(market.maintenance_1_ppm)} to be kept; below {percent(market.close_out_ppm)} of the latter is "
            "close-out."
        ),
        table(("account", "BTC", "equity", "must keep", "liquidatable at", "with a buffer"), rows),
        (
            "Liquidatable at is the highest price, for a short the lowest, at which equity is below what must be kept, "
            "to the "
            "hundredth of a dollar. A long of q BTC with equity E at price P is liquidatable below (q P - E) / (q (1 - "
            "m)), a short above (q P + E) / (q (1 + m)), m being the maintenance rate, as long as the position is the "
            "only one and within the first bracket. From the first funding tick of a market on, a buffer has to be "
            f"kept besides, here at least {buffer} of the value: the last column. In this story there has been no tick "
            "yet."
        ),
    ]


def liquidatable_at(view: AccountView) -> str:
    """The price at which an account may be liquidated."""
    prices = [own.liquidation_price for own in view.positions if own.liquidation_price]
    return " / ".join(exact_per_coin(price) for price in prices) or "none"


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
            "that leaves the account at zero, or with a penalty of "
            f"{percent(parameters.penalty_ppm)} of the value where the account has more than that, as far as the fund "
            f"keeps {parameters.fund_multiple} times its own initial margin."
        ),
        "The fund cannot: an opposite position is [closed against it](rules/deleverage.md) at the health price.",
        "Nothing is left and there is debt: the fund and open positions [bear it](rules/socialise.md).",
    )
    modes = (
        f"The mode follows what the fund has lost on the day: {percent(parameters.fund_throttle_ppm)} demands "
        "THROTTLE, "
        f"{percent(parameters.fund_reduce_ppm)} REDUCE_ONLY. It also follows how much is liquidated in "
        f"{parameters.window_seconds} s, but only where that happens in {parameters.window_markets} markets at least; "
        "here one falls. What each mode leaves is in [modes and oracle levels](modes.md); all numbers are those of "
        "[the default configuration](defaults.md)."
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
