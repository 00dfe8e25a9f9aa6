"""No accepted operation makes an account less safe than its rule allows.

Health is computed anew from the records that were loaded, and from those that are stored.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from perp_proofs.smt.contracts import (
    implies,
    margin_contract,
    market_assumed,
    payment_contract,
    payment_promise,
)
from perp_proofs.smt.frame import Scene, Stage, Stored, joined
from perp_proofs.smt.goals.contracts import MARKET_VALID
from perp_proofs.smt.lemmas import products_keep_signs, quotients_keep_signs, released_keeps_the_ratio
from perp_proofs.smt.prove import Claim, Goal, Statement
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import absolute, both, either, maximum, negate, select
from perp_spec.operation import Shape, key_of
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.health import Health, Side, settle_side, settle_whole, share_of
from perp_spec.perpetual.records import FUND, Kind, Market, MarketPrice
from perp_spec.perpetual.rules.waterfall import certain, deleverage_payment
from perp_spec.words import PPM, WORD_MAX

assert rules.__all__, "importing the rules registers them"

NOT_NEGATIVE = "linear margins and what bands leave open are at least zero"


class Seen(NamedTuple):
    """An account of an operation, settled from the records loaded and from the records stored."""

    entry: Stored
    number: Word
    """Its account id."""
    before: Side
    after: Side


def seen(scene: Scene, name: str, position: str, others: str) -> Seen:
    """An account with one position apart."""
    account, apart, rest = scene.entry(name), scene.entry(position), scene.entry(others)
    number = key_of(account.access.keys[0], scene.operation)
    parameters, exchange, ledger = (scene.before(part) for part in ("parameters", "exchange", "ledger"))

    def settled(which: Callable[[Stored], Any], inbox: Word) -> Side:
        records = which(account), which(apart), which(rest), which(scene.entry("price")), scene.before("market")
        return settle_side(parameters, exchange.time, inbox, *records, scene.operation.market)

    loaded = settled(before_of, select(number == FUND, ledger.fund_inbox, 0))
    stored = settled(after_of, 0)
    return Seen(account, number, loaded, stored)


def before_of(entry: Stored) -> Any:
    """What is loaded."""
    return entry.before


def after_of(entry: Stored) -> Any:
    """What is stored, positions joined with price and configuration again."""
    return joined(entry.before, entry.after) if entry.access.shape is Shape.HELD else entry.after


def ratio_no_lower(before: Health, after: Health, margin: str) -> Flag:
    """E / M did not fall; below zero, or where nothing was required, equity did not fall."""
    required = getattr(before, margin)
    plain = either(before.equity < 0, required == 0)
    product = after.equity * required - before.equity * getattr(after, margin)
    return both(implies(plain, after.equity >= before.equity), implies(negate(plain), product >= 0))


def reduced(before: Side, after: Side) -> Flag:
    """The position kept its sign or closed, and is no larger."""
    same_side = either(both(before.size >= 0, after.size >= 0), both(before.size <= 0, after.size <= 0))
    return both(same_side, absolute(after.size) <= absolute(before.size))


def valid(kind: Word, before: Side, after: Side) -> Flag:
    """The valid transition of an account of a kind."""
    old, new = before.health, after.health
    hedged = both(old.equity >= 0, new.equity >= new.maintenance)
    kept = either(
        both(kind != Kind.PORTFOLIO, ratio_no_lower(old, new, "maintenance")),
        both(kind == Kind.PORTFOLIO, either(hedged, ratio_no_lower(old, new, "linear"))),
    )
    return either(new.equity >= new.initial, both(reduced(before, after), kept))


def nothing_left_to_settle(account: Seen) -> Flag:
    """What is stored is settled already: settling it again pays nothing."""
    return both(account.after.collateral == account.entry.after.collateral, account.after.dust == 0)


TRADERS = {
    "trade": (("buyer", "buyer_position", "buyer_others"), ("seller", "seller_position", "seller_others")),
    "liquidate": (("taker", "taker_position", "taker_others"),),
}


def traders_stay_safe(name: str, stage: Stage) -> Iterator[Claim]:
    """The valid transition, for each account that acts of its own will."""
    scene = stage.scene(PERPETUAL.rules[name])
    for names in TRADERS[name]:
        account = seen(scene, *names)
        stage.split(account.entry.before.kind == Kind.PORTFOLIO)
        yield Claim(f"{names[0]} is settled", nothing_left_to_settle(account))
        yield Claim(f"{names[0]} is safe", valid(account.entry.before.kind, account.before, account.after))


def liquidated(stage: Stage) -> tuple[Scene, Seen]:
    """A liquidation, and the liquidated account."""
    scene = stage.scene(PERPETUAL.rules["liquidate"], signs=("position",))
    stage.assume(market_assumed(scene.before("market")), MARKET_VALID)
    return scene, seen(scene, "account", "position", "others")


def liquidation_never_lowers_the_ratio(stage: Stage) -> Iterator[Claim]:
    """Of a user's account that is not a portfolio, on its maintenance margin; of others on the linear one."""
    _, account = liquidated(stage)
    plain = both(account.entry.before.kind != Kind.PORTFOLIO, account.number != FUND)
    stage.split(plain)
    before, after = account.before.health, account.after.health
    yield Claim("the ratio of a user", implies(plain, ratio_no_lower(before, after, "maintenance")))
    yield Claim("the linear ratio of others", implies(negate(plain), ratio_no_lower(before, after, "linear")))
    yield Claim("the account is settled", nothing_left_to_settle(account))


def liquidation_reduces_risk(stage: Stage) -> Iterator[Claim]:
    """The position shrinks by the lots, and no linear margin grows."""
    scene, account = liquidated(stage)
    before, after = account.before, account.after
    stage.hint(absolute(after.size), scene.before("price").price)
    stage.hint(absolute(before.size) - absolute(after.size), scene.before("price").price)
    shrunk = absolute(after.size) == absolute(before.size) - scene.operation.lots
    yield Claim("the position shrinks", both(shrunk, reduced(before, after), scene.operation.lots >= 1))
    yield Claim("no linear margin grows", after.health.linear <= before.health.linear)


def healthy_accounts_are_not_liquidated(stage: Stage) -> Iterator[Claim]:
    """Only the fund may be unwound while it is healthy."""
    _, account = liquidated(stage)
    unhealthy = account.before.health.equity < account.before.health.maintenance
    yield Claim("it is unhealthy, or the fund", either(unhealthy, account.number == FUND))


def takeovers_are_below_close_out(name: str, stage: Stage) -> Iterator[Claim]:
    """The account that is taken over or deleveraged is below close-out."""
    scene = stage.scene(PERPETUAL.rules[name])
    account = seen(scene, "account", "position", "others")
    health, market = account.before.health, scene.before("market")
    yield Claim("it is below close-out", health.equity * PPM < market.close_out_ppm * health.maintenance)


def backstop_leaves_the_fund_able(stage: Stage) -> Iterator[Claim]:
    """The fund keeps a multiple of its initial margin, or only reduced."""
    scene = stage.scene(PERPETUAL.rules["backstop"])
    fund = seen(scene, "fund", "fund_position", "fund_others")
    health = fund.after.health
    able = health.equity >= scene.before("parameters").fund_multiple * health.initial
    yield Claim("the fund is able", either(able, both(reduced(fund.before, fund.after), health.equity >= 0)))
    yield Claim("the fund is settled", nothing_left_to_settle(fund))


def payments_are_safe(stage: Stage) -> Iterator[Claim]:
    """What a backstop takes from an account is never more than it has."""
    scene = stage.scene(PERPETUAL.rules["backstop"])
    stage.assume(market_assumed(scene.before("market")), MARKET_VALID)
    account = seen(scene, "account", "position", "others")
    before, after = account.before.health, account.after.health
    stage.hint(before.linear - after.linear, before.equity)
    stage.hint(after.linear, before.equity)
    yield Claim("a solvent account stays solvent", implies(before.equity >= 0, after.equity >= 0))


def counterparties_stay_safe(stage: Stage) -> Iterator[Claim]:
    """Of a deleverage."""
    scene = stage.scene(PERPETUAL.rules["deleverage"], signs=("position", "counterparty_position"))
    stage.assume(market_assumed(scene.before("market")), MARKET_VALID)
    account = seen(scene, "counterparty", "counterparty_position", "counterparty_others")
    before, after = account.before.health, account.after.health
    for size in (account.after.size, account.before.size - account.after.size):
        stage.use(products_keep_signs, size, scene.before("price").price)
    paid, solvent = before.equity - after.equity, before.equity >= 0
    yield Claim("it gains nothing beyond the health price", paid >= 0)
    yield Claim("an insolvent one pays nothing", implies(before.equity < 0, paid == 0))
    yield Claim("its linear margin does not grow", after.linear <= before.linear)
    yield Claim("a solvent counterparty stays solvent", implies(solvent, after.equity >= 0))
    linear = after.equity * before.linear >= before.equity * after.linear
    yield Claim("its linear ratio does not fall", implies(solvent, linear))
    maintenance = after.equity * before.maintenance >= before.equity * after.maintenance
    falls = both(after.maintenance >= 0, after.maintenance <= before.maintenance)
    yield Claim("its ratio does not fall where its margin does not rise", implies(both(solvent, falls), maintenance))


def side_of(stage: Stage, name: str) -> Side:
    """An account settled, of which only what a payment depends on is there."""
    words = {field: stage.word(f"{name}.{field}", -WORD_MAX, WORD_MAX) for field in ("size", "doubt", *Health._fields)}
    stage.assume(both(words["linear"] >= 0, words["doubt"] >= 0), NOT_NEGATIVE)
    health = Health(*(words[field] for field in Health._fields))
    nothing = dict.fromkeys(Side._fields, 0)
    return Side(**{**nothing, "size": words["size"], "doubt": words["doubt"], "health": health})


def payments_keep_promise(stage: Stage) -> Iterator[Claim]:
    """Of any two sides."""
    market, price = stage.record(Market, "market"), stage.record(MarketPrice, "price")
    stage.assume(market_assumed(market), MARKET_VALID)
    side, other = side_of(stage, "side"), side_of(stage, "other")
    unpaid = Health(*(stage.word(f"unpaid.{field}", -WORD_MAX, WORD_MAX) for field in Health._fields))
    lots = stage.word("lots", 1, WORD_MAX)
    stage.split(side.size > 0)
    stage.assume(lots <= absolute(side.size), "lots are no more than the position")
    stage.use(products_keep_signs, lots, price.price)
    stage.use(products_keep_signs, absolute(side.size) - lots, price.price)
    paid = stage.perform(deleverage_payment, side, other, unpaid, lots, price, market)
    share = share_of(side.size, lots, price, market)
    deficit = maximum(-certain(side).equity, 0)
    stage.use(quotients_keep_signs, share, deficit, maximum(side.health.linear, 1))
    before = other.health
    for old, new in ((before.linear, unpaid.linear), (before.maintenance, unpaid.maintenance)):
        stage.use(released_keeps_the_ratio, before.equity, old, new, paid)
        stage.use(quotients_keep_signs, maximum(old - new, 0), before.equity, maximum(old, 1))
    yield Claim("the payment", payment_promise(before, unpaid, paid))


def exits_leave_initial_margin(name: str, payer: tuple[str, str], stage: Stage) -> Iterator[Claim]:
    """The account that money left has its initial margin."""
    scene = stage.scene(PERPETUAL.rules[name])
    account, held = scene.entry(payer[0]), scene.entry(payer[1])
    parameters, now = scene.before("parameters"), scene.before("exchange").time
    after = settle_whole(parameters, now, 0, account.after, after_of(held))
    yield Claim("initial margin is met", after.health.equity >= after.health.initial)
    yield Claim("it is settled", both(after.collateral == account.after.collateral, after.terms.dust == 0))


def safety(
    name: str,
    sentence: str,
    statement: Statement,
    *,
    opaque: bool = False,
    contracts: dict[str, Callable[..., Any]] | None = None,
) -> Goal:
    """A goal of this family; `opaque` where the contract of the margins is enough."""
    return Goal(
        name=name,
        sentence=sentence,
        statement=statement,
        subjects=(name.partition("_")[0],),
        opaque={**({"margin_at": margin_contract} if opaque else {}), **(contracts or {})},
        assumptions=(MARKET_VALID,),
    )


GOALS = (
    *(
        safety(
            f"{name}_leaves_traders_safe",
            f"After an accepted {name}, each account that traded of its own will meets its initial margin, or only "
            "reduced and kept its health.",
            partial(traders_stay_safe, name),
        )
        for name in TRADERS
    ),
    safety(
        "liquidate_never_lowers_the_ratio",
        "A liquidation never lowers the health ratio of the liquidated account.",
        liquidation_never_lowers_the_ratio,
    ),
    safety(
        "liquidate_reduces_risk",
        "A liquidation shrinks the position by exactly its lots, and raises no linear margin.",
        liquidation_reduces_risk,
        opaque=True,
    ),
    safety(
        "liquidate_spares_healthy_accounts",
        "An account whose equity is at least its maintenance margin is not liquidated.",
        healthy_accounts_are_not_liquidated,
    ),
    *(
        safety(
            f"{name}_is_below_close_out",
            f"An accepted {name} takes from an account below close-out only.",
            partial(takeovers_are_below_close_out, name),
        )
        for name in ("backstop", "deleverage")
    ),
    safety(
        "backstop_leaves_the_fund_able",
        "After a backstop the fund has a multiple of its initial margin, or it only reduced and is solvent.",
        backstop_leaves_the_fund_able,
    ),
    safety(
        "backstop_leaves_solvent_accounts_solvent",
        "A solvent account that is taken over stays solvent.",
        payments_are_safe,
        opaque=True,
    ),
    Goal(
        name="deleverage_payment_keeps_promise",
        sentence="What a counterparty pays beyond the health price never makes it insolvent or lowers its ratios.",
        statement=payments_keep_promise,
        subjects=("deleverage_payment",),
        opaque={"margin_at": margin_contract},
        assumptions=(MARKET_VALID, NOT_NEGATIVE),
    ),
    safety(
        "deleverage_leaves_counterparties_safe",
        "A solvent counterparty of a deleverage stays solvent, its linear ratio does not fall, and an insolvent one "
        "pays nothing. Nor does its maintenance ratio where its maintenance margin does not rise, which it may where "
        "a portfolio loses one leg of a hedge.",
        counterparties_stay_safe,
        opaque=True,
        contracts={"deleverage_payment": payment_contract},
    ),
    *(
        safety(
            f"{name}_leaves_initial_margin",
            f"After an accepted {name} the account that paid has its initial margin.",
            partial(exits_leave_initial_margin, name, payer),
        )
        for name, payer in (("withdraw", ("account", "held")), ("transfer", ("sender", "sender_held")))
    ),
)
