"""One trade, worked from the first deposit to the last number, by the machine."""

from perp_reference.pages.markdown import table
from perp_reference.site.stage import (
    BTC,
    LOTS_A_COIN,
    MAKER_PPM,
    TAKER_PPM,
    Stage,
    cents,
    exact_per_coin,
    lot_price,
    percent,
)
from perp_spec.perpetual.defaults import USD
from perp_spec.perpetual.operations import FundingTick
from perp_spec.perpetual.records import Ledger
from perp_spec.words import PPM

ALICE, BOB = 2, 3
DOLLARS = 40_000
COINS = 1
ALICE_DOLLARS, BOB_DOLLARS = 2_000, 50_000
LATER = 39_500

MARK = "<!-- here: the worked trade -->"
"""Where a page has it."""


def worked_trade() -> str:
    """The section."""
    stage = Stage()
    stage.begin(0)
    stage.tick(DOLLARS)
    stage.account(ALICE, ALICE_DOLLARS)
    stage.account(BOB, BOB_DOLLARS)
    lots, price = COINS * LOTS_A_COIN, lot_price(DOLLARS)
    too_much = stage.refusal(stage.trade(ALICE, BOB, 3 * lots, price))
    before = {account: stage.view(account) for account in (ALICE, BOB)}
    stage.must(stage.trade(ALICE, BOB, lots, price))
    after = {account: stage.view(account) for account in (ALICE, BOB)}
    fees = stage.state.get(Ledger, 0).fees_inbox
    stage.end()
    stage.begin(60)
    stage.tick(LATER)
    later = stage.view(ALICE)
    stage.end()
    stage.audited()
    market = stage.config.markets[BTC].market
    value = lots * price
    position = after[ALICE].positions[0]
    rows = [
        (
            name,
            cents(before[account].health.equity),
            f"{rate / 10_000:g} %",
            cents(value * rate // PPM),
            cents(after[account].health.equity),
            cents(after[account].health.initial),
            cents(after[account].health.maintenance),
        )
        for name, account, rate in (("Alice, long", ALICE, TAKER_PPM), ("Bob, short", BOB, MAKER_PPM))
    ]
    bankrupt = exact_per_coin(position.liquidation_price or 0)
    own = after[ALICE].health.equity
    basis = value - own
    stage.begin(120)
    stage.must(FundingTick(BTC))
    buffered = exact_per_coin(stage.view(ALICE).positions[0].liquidation_price or 0)
    stage.end()
    return "\n\n".join(
        (
            "## One trade in numbers",
            (
                f"Alice deposits {ALICE_DOLLARS:,} and buys {COINS} BTC from Bob at {DOLLARS:,}. A lot is 0.0001 "
                "BTC, so this "
                f"is {lots:,} lots at {price:,} atoms, together {value:,} atoms. Alice takes, Bob made the order."
            ),
            table(("", "equity before", "fee", "it pays", "equity after", "initial margin", "maintenance"), rows),
            (
                f"The fee account gains {cents(fees)}. Alice needs {percent(market.initial_1_ppm)} of the value to "
                "open and "
                f"{percent(market.maintenance_1_ppm)} to keep the position. Three BTC would have been refused, "
                f"{too_much}."
            ),
            (
                "**The fee** of a side is lots times price times its rate, rounded up to a whole atom; a rebate is "
                "rounded toward zero. The operator names the rates, within what each order signed and within "
                f"{percent(market.fee_cap_ppm)} either way; together they are not below zero ([trade](rules/trade.md))."
            ),
            (
                f"At {LATER:,} Alice's equity is {cents(later.health.equity)}, and she still needs "
                f"{cents(later.health.maintenance)}. At {bankrupt} or below she may be "
                f"[liquidated](rules/liquidate.md): her equity at a price P is {cents(basis)} less than P, since she "
                f"paid {value // USD:,} for the position and began with {cents(own)} after the fee, and it is below "
                f"{percent(market.maintenance_1_ppm)} of P where P is below {cents(basis)} / "
                f"{1 - market.maintenance_1_ppm / PPM:g}. After the market's first funding tick she also needs a "
                f"buffer, at least {percent(market.buffer_intervals * market.buffer_floor_ppm)} of the value: then at "
                f"{buffered} or below. [What then happens, step by step](crash.md). All of these numbers were computed "
                "by the rules when this page was made."
            ),
        )
    )
