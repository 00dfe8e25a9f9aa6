"""Modes escalate until it is quiet, and the fund is never driven below zero but by prices."""

from collections.abc import Iterator
from functools import partial

from perp_proofs.smt.contracts import implies, margin_contract, market_assumed
from perp_proofs.smt.frame import Scene, Stage
from perp_proofs.smt.goals.contracts import MARKET_VALID
from perp_proofs.smt.goals.health import Seen, after_of, seen
from perp_proofs.smt.lemmas import products_decide_signs, products_keep_signs
from perp_proofs.smt.prove import Claim, Goal
from perp_spec.language import absolute, both, either, maximum, minimum, mul_div_floor, negate
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.health import settle_whole
from perp_spec.perpetual.records import FUND, Mode
from perp_spec.perpetual.rules.forced import conceded_price

assert rules.__all__, "importing the rules registers them"


def demands_last_until_a_quiet_window(stage: Stage) -> Iterator[Claim]:
    """Of the whole exchange."""
    scene = stage.scene(PERPETUAL.rules["end_batch"])
    before, after, ledger = scene.before("exchange"), scene.after("exchange"), scene.before("ledger")
    window = mul_div_floor(before.time, 1, maximum(scene.before("parameters").window_seconds, 1))
    same = window == before.window
    kept = both(after.window_mode >= before.window_mode, after.window_previous == before.window_previous)
    yield Claim("in a window, its demand only rises", implies(same, kept))
    yield Claim("in a window, its demand holds", implies(same, after.mode >= before.window_mode))
    later = implies(negate(same), after.window_previous >= before.window_mode)
    yield Claim("in the next window it holds still", later)
    yield Claim("the demand of the window before holds", after.mode >= after.window_previous)
    yield Claim("the switch holds", after.mode >= before.switch)
    bankrupt = implies(ledger.bankrupt >= 1, after.mode >= Mode.REDUCE_ONLY)
    yield Claim("an uncovered deficit demands REDUCE_ONLY", bankrupt)
    yield Claim("no mode is the reserved one", after.mode != Mode.AUCTION)


FUND_ROLES = {
    "backstop": ("fund", "fund_position", "fund_others"),
    "forced_reduce": ("counterparty", "counterparty_position", "counterparty_others"),
    "liquidate": ("account", "position", "others"),
}


def the_fund_stays_solvent(name: str, stage: Stage) -> Iterator[Claim]:
    """Where the fund is a party, at the prices of the operation."""
    names = FUND_ROLES[name]
    scene = stage.scene(PERPETUAL.rules[name], signs=(names[1],))
    stage.assume(market_assumed(scene.before("market")), MARKET_VALID)
    fund = seen(scene, *names)
    stage.split(fund.number == FUND)
    concerned = both(fund.number == FUND, fund.before.health.equity >= 0)
    stage.split(concerned)
    if concerned is not False:
        fund_hints(name, scene, fund, stage)
    before, after = fund.before.health.equity, fund.after.health.equity
    yield Claim("a solvent fund stays solvent", implies(concerned, either(after >= 0, after >= before)))


def fund_hints(name: str, scene: Scene, fund: Seen, stage: Stage) -> None:
    """Remind the solver of the signs of products."""
    price, before, after = scene.before("price").price, fund.before.health, fund.after.health
    if name == "forced_reduce":
        the_fund_gains_by_what_is_conceded(scene, stage)
        stage.use(products_keep_signs, after.initial, scene.before("parameters").fund_multiple)
    for size in (fund.after.size, fund.before.size - fund.after.size):
        stage.use(products_keep_signs, size, price)
    stage.use(products_decide_signs, after.equity, before.linear)
    stage.use(products_keep_signs, after.linear, before.equity)


def the_fund_gains_by_what_is_conceded(scene: Scene, stage: Stage) -> None:
    """Go on by the side of the account that is reduced, and mind that each lot is worth no less than is paid for it."""
    size, price, market = (scene.before(name) for name in ("position", "price", "market"))
    stage.split(size.size > 0)
    paid = conceded_price(size.size, price, market)
    stage.use(products_keep_signs, price.price, market.slip_ppm)
    stage.use(products_keep_signs, price.price - paid, scene.operation.lots)


def socialise_leaves_the_fund_its_margin(stage: Stage) -> Iterator[Claim]:
    """And never takes more than the deficit."""
    scene = stage.scene(PERPETUAL.rules["socialise"])
    parameters, now, ledger = scene.before("parameters"), scene.before("exchange").time, scene.before("ledger")
    fund, debtor = scene.entry("fund"), scene.entry("other")
    held, other_held = scene.entry("fund_held"), scene.entry("other_held")
    before = settle_whole(parameters, now, ledger.fund_inbox, fund.before, held.before)
    after = settle_whole(parameters, now, 0, fund.after, after_of(held))
    owed = settle_whole(parameters, now, 0, debtor.before, other_held.before)
    is_fund = scene.operation.account == FUND
    kept = after.health.equity >= minimum(before.health.equity, before.health.maintenance)
    yield Claim("the fund keeps its margin, or what it had", either(is_fund, kept))
    gained = debtor.after.collateral - owed.collateral
    within = both(gained >= 0, either(gained == 0, debtor.after.collateral <= 0))
    yield Claim("the debtor gains no more than its deficit", either(is_fund, within))
    covered = both(fund.after.collateral >= before.collateral, fund.after.collateral <= maximum(before.collateral, 0))
    yield Claim("nor does the fund as its own debtor", implies(is_fund, covered))
    yield Claim("magnitudes", absolute(gained) >= 0)


GOALS = (
    Goal(
        demands_last_until_a_quiet_window.__name__,
        "What the liquidations of a window demand holds to the end of the next window; the stated mode is never below "
        "the demand, the switch, or REDUCE_ONLY where a deficit is uncovered.",
        demands_last_until_a_quiet_window,
        ("end_batch",),
    ),
    *(
        Goal(
            name=f"{name}_keeps_the_fund_solvent",
            sentence=f"At the prices of an accepted {name}, a fund that was not below zero before is not after, or has "
            "lost nothing.",
            statement=partial(the_fund_stays_solvent, name),
            subjects=(name,),
            opaque={"margin_at": margin_contract},
            assumptions=(MARKET_VALID,),
        )
        for name in FUND_ROLES
    ),
    Goal(
        socialise_leaves_the_fund_its_margin.__name__,
        "A socialised loss leaves the fund its maintenance margin, or all it had, and covers no more than the deficit.",
        socialise_leaves_the_fund_its_margin,
        ("socialise",),
    ),
)
