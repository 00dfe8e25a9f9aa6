"""What is claimed of the StarkEx rule set: theorems, and claims that fail in the deployed program.

A claim that fails is as much a result as one that holds: it names a weak point, and the state that shows it.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import attrs

from perp_proofs.smt.contracts import implies
from perp_proofs.smt.frame import Scene, Stage, Stored
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.solver import Verdict
from perp_proofs.smt.starkex.frame import OPAQUE, due, pending, rejoined, terms_promise
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import absolute, both, either, indicator, negate, select
from perp_spec.operation import Access, Rule
from perp_spec.starkex import rules
from perp_spec.starkex.bounds import AMOUNT_BOUND, ASSET_ID_BOUND, BALANCE_BOUND, ONE
from perp_spec.starkex.common import STARKEX, amount_fits, at_least
from perp_spec.starkex.corrected import CORRECTED
from perp_spec.starkex.orders import fill_order, require_fair
from perp_spec.starkex.position import (
    Status,
    Terms,
    asset_terms,
    fund_side,
    fund_whole,
    require_valid_transition,
    risk_factor,
    well_leveraged,
    whole_status,
)
from perp_spec.starkex.records import Asset, Config, Holding, IndexRow, OrderState, System
from perp_spec.starkex.rules.ticks import next_index
from perp_spec.starkex.rules.unwinding import funded_status, require_fair_deleverage
from perp_spec.starkex.transactions import LimitOrder

assert rules.__doc__, "importing the rules registers them"


@attrs.frozen
class Question:
    """A claim, and whether it holds."""

    goal: Goal
    expected: Verdict = Verdict.PROVED
    weak_point: str = ""
    """What a claim that fails says about the deployed program."""


# What holds of a holding's terms


def terms_keep_their_promise(stage: Stage) -> Iterator[Claim]:
    """Of one holding: all that the contract says of it."""
    holding, asset = stage.record(Holding, "holding"), stage.record(Asset, "asset")
    after, terms = asset_terms(holding, asset)
    occupied = holding.balance != 0
    yield Claim("the holding is funded", both(after.balance == holding.balance, after.cached_index == asset.index))
    yield Claim("it pays what is due", terms.funding == due(holding, asset))
    yield Claim("its value", terms.value == holding.balance * asset.price)
    yield Claim("it counts once", terms.held == indicator(occupied))
    yield Claim("its index counts", terms.indexed == indicator(both(occupied, asset.indexed)))
    yield Claim(
        "its value counts", implies(terms.valued == 1, both(occupied, asset.rated, holding.balance != -BALANCE_BOUND))
    )
    yield Claim("the promise", terms_promise(Terms(*terms)))


def sums_keep_their_promise(stage: Stage) -> Iterator[Claim]:
    """Of two sums, and of their sum."""
    first, second = (
        Terms(*(stage.word(f"{name}.{field}", -(2**200), 2**200) for field in Terms._fields))
        for name in ("first", "second")
    )
    stage.assume(both(terms_promise(first), terms_promise(second)), "the promise holds of two sums")
    yield Claim("nothing keeps it", terms_promise(Terms(*(0,) * len(Terms._fields))))
    yield Claim("their sum keeps it", terms_promise(Terms(*map(lambda one, other: one + other, first, second))))


# Money

SECOND = "second."
"""Before the names of what the second step of a transaction loads anew."""

SHARED = ("system", "config")
"""What both steps of a transaction read."""

CARRIED = ("fee", "fee_held")
"""What the second step of a transaction loads as the first one stored it."""

PARTIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "deposit": (("position", "held"),),
    "withdrawal": (("position", "held"),),
    "forced_withdrawal": (("position", "held"),),
    "transfer": (("sender", "sender_held"), ("receiver", "receiver_held")),
    "conditional_transfer": (("sender", "sender_held"), ("receiver", "receiver_held")),
    "trade_buyer": (("fee", "fee_held"), ("position", "others", "holding", "asset")),
    "trade_seller": (("fee", "fee_held"), ("position", "others", "holding", "asset")),
    "liquidate_position": (("position", "others", "holding", "asset"),),
    "liquidate_order": (("fee", "fee_held"), ("position", "others", "holding", "asset")),
    "deleverage": (
        ("position", "others", "holding", "asset"),
        ("other_position", "other_others", "other_holding", "other_asset"),
    ),
    "forced_trade": (
        ("position_a", "others_a", "holding_a", "asset"),
        ("position_b", "others_b", "holding_b", "same_asset"),
    ),
}
"""The positions that a rule touches, by the names of its parameters: itself, its other holdings, the touched one."""

TRANSACTIONS: dict[str, tuple[str, ...]] = {
    "deposit": ("deposit",),
    "withdrawal": ("withdrawal",),
    "transfer": ("transfer",),
    "conditional_transfer": ("conditional_transfer",),
    "trade": ("trade_buyer", "trade_seller"),
    "liquidate": ("liquidate_position", "liquidate_order"),
    "deleverage": ("deleverage",),
    "forced_withdrawal": ("forced_withdrawal",),
    "forced_trade": ("forced_trade",),
}
"""The steps of each transaction that moves money."""


def gained(scene: Scene, names: tuple[str, ...]) -> Word:
    """What the exchange owes a position more after a step than before, .32: collateral, less what is still due."""
    position, others, *touched = names
    change = (scene.after(position).collateral - scene.before(position).collateral) * ONE
    before, after = scene.before(others), rejoined(scene.before(others), scene.after(others))
    change = change - pending(after) + pending(before)
    if touched:
        holding, asset = scene.entry(touched[0]), scene.before(touched[1])
        change = change - due(holding.after, asset) + due(holding.before, asset)
    return change


def bought(scene: Scene, names: tuple[str, ...]) -> Word:
    """Units of the touched asset that a position gained in a step."""
    if len(names) == len(CARRIED):
        return 0
    holding = scene.entry(names[2])
    return holding.after.balance - holding.before.balance


def external(scene: Scene) -> Word:
    """Collateral units that a transaction brings in from the contract, or takes out to it."""
    op, name = scene.operation, scene.rule.name
    if name == "deposit":
        return op.amount
    if name == "withdrawal":
        return -op.amount
    if name == "forced_withdrawal":
        return select(op.is_valid, -op.amount, 0)
    return 0


def steps(stage: Stage, names: tuple[str, ...]) -> list[Scene]:
    """The accepted steps of a transaction, one after the other, between distinct positions."""
    first = stage.scene(STARKEX.rules[names[0]])
    return [first] if len(names) == 1 else [first, second_step(stage, STARKEX.rules[names[1]], first)]


def second_step(stage: Stage, rule: Rule, first: Scene) -> Scene:
    """The second step of a transaction whose first one was accepted."""
    before = {entry.name: entry for entry in first.entries}
    _, names, _ = stage.loads(rule)
    loaded = [second_load(stage, name, access, before) for name, access in zip(names, rule.footprint, strict=True)]
    results = iter(stage.perform(rule.function, first.operation, *loaded))
    entries = [
        Stored(name, access, value, next(results) if access.stores else value)
        for name, access, value in zip(names, rule.footprint, loaded, strict=True)
    ]
    return Scene(rule, first.operation, tuple(entries))


def second_load(stage: Stage, name: str, access: Access, before: dict[str, Stored]) -> Any:
    """What the second step takes: shared, as the first step stored it, or of another position."""
    if name in SHARED:
        return before[name].before
    if name in CARRIED and name in before:
        return rejoined(before[name].before, before[name].after) if access.record is None else before[name].after
    return (
        stage.many(access.shape, SECOND + name) if access.record is None else stage.record(access.record, SECOND + name)
    )


def conserved(names: tuple[str, ...], stage: Stage) -> Iterator[Claim]:
    """Conservation for one transaction."""
    scenes = steps(stage, names)
    parties = [(scene, party) for scene in scenes for party in PARTIES[scene.rule.name]]
    lost = ONE * external(scenes[0]) - sum(gained(*party) for party in parties)
    yield Claim("no collateral is made", lost >= 0)
    yield Claim("less than one unit is lost to rounding for each position", lost < ONE * len(parties))
    yield Claim("units of the asset are neither made nor lost", sum(bought(*party) for party in parties) == 0)


# The valid transition


def statuses(stage: Stage) -> tuple[Status, Status, Flag]:
    """The status of a position before an update and after it, and whether all its assets were only reduced."""
    before, after = (
        Status(
            stage.word(f"{name}.value", -WIDE, WIDE), stage.word(f"{name}.risk", 0, WIDE), stage.flag(f"{name}.known")
        )
        for name in ("before", "after")
    )
    return before, after, stage.flag("reduced")


WIDE = 2**200
"""More than any value or risk can be."""


def transition_is_sound(stage: Stage) -> Iterator[Claim]:
    """What the valid transition accepts."""
    before, after, reduced = statuses(stage)
    stage.perform(require_valid_transition, before, after, reduced)
    kept = both(before.value * after.risk <= after.value * before.risk, reduced)
    yield Claim("well leveraged, or reduced and no worse", either(well_leveraged(after), kept))
    yield Claim(
        "without risk before, worth no less", either(before.risk != 0, after.value >= before.value, after.value >= 0)
    )


def transition_keeps_solvency(stage: Stage) -> Iterator[Claim]:
    """A position worth at least zero stays so."""
    before, after, reduced = statuses(stage)
    stage.perform(require_valid_transition, before, after, reduced)
    yield Claim("worth at least zero", implies(before.value >= 0, after.value >= 0))


def transition_never_adds_to_a_debt(stage: Stage) -> Iterator[Claim]:
    """A position worth less than zero is not worth less after a reduction that leaves its risk as it is."""
    before, after, reduced = statuses(stage)
    stage.perform(require_valid_transition, before, after, reduced)
    owes_more = both(before.value < 0, after.value < before.value)
    yield Claim(
        "only where risk grew relative to it", implies(both(owes_more, after.risk <= before.risk), before.risk < 0)
    )


def debt_is_reduced_only_at_a_gain(stage: Stage) -> Iterator[Claim]:
    """A position worth less than zero gains value where it gives up risk."""
    before, after, reduced = statuses(stage)
    stage.assume(both(before.value < 0, after.risk < before.risk), "worth less than zero, it gives up risk")
    stage.perform(require_valid_transition, before, after, reduced)
    yield Claim("worth more", after.value > before.value)


# Orders


def order(stage: Stage) -> LimitOrder:
    """An order with positive amounts."""
    signed = stage.record(LimitOrder, "order")
    for amount in (signed.amount_synthetic, signed.amount_collateral):
        stage.assume(both(amount >= 1, amount < AMOUNT_BOUND), "the order's amounts are positive")
    return signed


def fill(stage: Stage, signed: LimitOrder, name: str) -> tuple[Word, Word]:
    """Units and collateral of an accepted fill."""
    units, collateral, fee = (
        stage.word(f"{name}.{part}", 0, AMOUNT_BOUND - 1) for part in ("units", "collateral", "fee")
    )
    stage.assume(units >= 1, "a fill has units")
    stage.perform(require_fair, signed, collateral, units, fee)
    return units, collateral


def fill_is_at_the_price(stage: Stage) -> Iterator[Claim]:
    """One fill: to one unit of collateral."""
    signed = order(stage)
    units, collateral = fill(stage, signed, "fill")
    at_price = signed.amount_collateral * units
    yield Claim(
        "a buyer pays less than one unit above the price",
        implies(signed.buys, (collateral - 1) * signed.amount_synthetic < at_price),
    )
    yield Claim(
        "a seller gets no less than one unit below the price",
        implies(negate(signed.buys), (collateral + 1) * signed.amount_synthetic > at_price),
    )


def two_fills_keep_the_price(allowed: int, stage: Stage) -> Iterator[Claim]:
    """Two fills of a buy order together: so many units of collateral above its price at most."""
    signed = order(stage)
    stage.assume(signed.buys, "the order buys")
    units, collateral = fill(stage, signed, "first")
    more_units, more_collateral = fill(stage, signed, "second")
    together = (collateral + more_collateral - allowed) * signed.amount_synthetic
    yield Claim("together at the price", together <= signed.amount_collateral * (units + more_units))


def fills_stay_within_the_order(stage: Stage) -> Iterator[Claim]:
    """A fill of a signed order."""
    system, stored = stage.record(System, "system"), stage.record(OrderState, "stored")
    amount, whole, nonce, expiration = (
        stage.word(name, -WIDE, WIDE) for name in ("amount", "whole", "nonce", "expiration")
    )
    authorised = stage.flag("authorised")
    after = stage.perform(fill_order, system, stored, authorised, nonce, expiration, amount, whole)
    yield Claim("signed", authorised)
    yield Claim("no more than the order", both(after.fulfilled <= whole, after.fulfilled >= stored.fulfilled))


# Liquidating and deleveraging


def funded(stage: Stage, scene: Scene, after: bool) -> Status:
    """The status of the first position of an unwinding step, with funding applied."""
    position, others, holding, asset = PARTIES[scene.rule.name][0]
    entries = [scene.entry(name) for name in (position, holding)]
    found = [entry.after if after else entry.before for entry in entries]
    rest = rejoined(scene.before(others), scene.after(others)) if after else scene.before(others)
    side = stage.perform(fund_side, scene.before("system"), found[0], found[1], scene.before(asset), rest)
    return funded_status(side)


def only_the_unhealthy_are_liquidated(stage: Stage) -> Iterator[Claim]:
    """The first step of a liquidation."""
    scene = stage.scene(STARKEX.rules["liquidate_position"])
    yield Claim("it was not well leveraged", negate(well_leveraged(funded(stage, scene, after=False))))


def liquidation_leaves_some_equity(stage: Stage) -> Iterator[Claim]:
    """The first step of a liquidation."""
    scene = stage.scene(STARKEX.rules["liquidate_position"])
    before, after = funded(stage, scene, after=False), funded(stage, scene, after=True)
    yield Claim("what was worth something still is", implies(before.value > 0, after.value > 0))


def deleverage_price_is_unique(stage: Stage) -> Iterator[Claim]:
    """Two amounts of collateral for the same units of the same position."""
    before, after, reduced = statuses(stage)
    more = stage.word("units of collateral more", 0, WIDE)
    other = after._replace(value=after.value + more * ONE)
    stage.assume(before.value < 0, "the position is worth less than zero, which the rule demands")
    for left in (after, other):
        stage.perform(require_valid_transition, before, left, reduced)
        stage.perform(require_fair_deleverage, before, left)
    stage.hint(more - 1, before.risk)
    yield Claim("the two amounts are one", more == 0)


# Risk and ticks


def risk_grows_with_size(stage: Stage) -> Iterator[Claim]:
    """Of one asset, whatever its configuration."""
    asset = stage.record(Asset, "asset")
    small, large = stage.word("small", 0, BALANCE_BOUND - 1), stage.word("large", 0, BALANCE_BOUND - 1)
    stage.assume(both(small <= large, asset.price >= 1), "the larger amount is no smaller")
    yield Claim("so is its risk", small * risk_factor(small, asset) <= large * risk_factor(large, asset))


def an_index_moves_within_the_rate(stage: Stage) -> Iterator[Claim]:
    """One row of a funding tick."""
    row, config = stage.record(IndexRow, "row"), stage.record(Config, "config")
    last, met, seconds = (stage.word(name, -1, AMOUNT_BOUND) for name in ("last", "met", "seconds"))
    stage.perform(next_index, (last, met), row, config, seconds)
    moved = absolute(row.index - row.known_index) * ONE
    yield Claim("within the rate", implies(row.known, moved <= config.max_funding_rate * row.price * seconds))
    yield Claim("ids rise", row.asset_id > last)


# Forced actions

COMPUTABLE = (
    "every asset held has a configuration, a price and a funding index, no balance is -2^63, and funding leaves the "
    "collateral in its range"
)
REQUESTED = (
    "the contract has checked the request: amounts in range, two positions, an asset's id; and there was a recent "
    "funding tick"
)
NO_EDGE = "no party would end with a balance of exactly -2^63"


def assume_requested(stage: Stage, operation: Any, system: System, config: Config) -> None:
    """Take for granted what the contract has checked."""
    latest = system.funding_timestamp + config.funding_validity_period
    stage.assume(at_least(latest, system.system_time), REQUESTED)
    if hasattr(operation, "position_id_a"):
        stage.assume(operation.asset_id < ASSET_ID_BOUND, REQUESTED)
        stage.assume(operation.position_id_a != operation.position_id_b, REQUESTED)
        stage.assume(both(amount_fits(operation.amount_synthetic), amount_fits(operation.amount_collateral)), REQUESTED)
    else:
        stage.assume(amount_fits(operation.amount), REQUESTED)


def assume_computable(stage: Stage, state: dict[str, Any], names: tuple[str, ...]) -> None:
    """Take for granted that what the program computes first of all can be computed."""
    position, others, *touched = (state[name] for name in names)
    if not touched:
        whole = stage.perform(fund_whole, state["system"], position, others)
        stage.assume(whole_status(whole.position.collateral, whole.terms).known, COMPUTABLE)
        return
    side = stage.perform(fund_side, state["system"], position, touched[0], touched[1], others)
    stage.assume(both(funded_status(side).known, touched[1].rated), COMPUTABLE)


def answerable(rule: Rule, known: bool, edge: bool, stage: Stage) -> Iterator[Claim]:
    """One of the two answers to a forced action is accepted, and not both."""
    operation, names, loaded = stage.loads(rule)
    state = dict(zip(names, loaded, strict=True))
    assume_requested(stage, operation, state["system"], state["config"])
    for party in PARTIES[rule.name] if known else ():
        assume_computable(stage, state, party)
    if edge:
        units = select(operation.a_buys, operation.amount_synthetic, -operation.amount_synthetic)
        stage.assume(state["holding_a"].balance + units != -BALANCE_BOUND, NO_EDGE)
        stage.assume(state["holding_b"].balance - units != -BALANCE_BOUND, NO_EDGE)
    done, impossible = (
        stage.outcome(rule.function, attrs.evolve(operation, is_valid=valid), *loaded) == 0 for valid in (True, False)
    )
    yield Claim("one answer is accepted", either(done, impossible))
    yield Claim("not both are", negate(both(done, impossible)))


def question(name: str, sentence: str, statement: Any, subjects: tuple[str, ...], **others: Any) -> Question:
    """A theorem."""
    assumptions = others.pop("assumptions", ())
    opaque = others.pop("opaque", OPAQUE)
    return Question(Goal(name, sentence, statement, subjects, opaque, assumptions), **others)


QUESTIONS: tuple[Question, ...] = (
    question(
        "the_terms_of_a_holding_keep_their_promise",
        "A holding pays the funding that is due and is worth its balance at the price; risk and counts are at least 0, "
        "and a balance of 0 adds nothing.",
        terms_keep_their_promise,
        ("asset_terms",),
        opaque={},
    ),
    question(
        "sums_of_terms_keep_their_promise",
        "What holds of the terms of two groups of holdings holds of their sum, and of none.",
        sums_keep_their_promise,
        ("asset_terms",),
        opaque={},
    ),
    *(
        question(
            f"{name}_conserves_money",
            f"An accepted {name} makes no collateral, loses less than one unit to rounding for each position that it "
            "touches, and its units of the asset sum to zero.",
            partial(conserved, names),
            names,
        )
        for name, names in TRANSACTIONS.items()
    ),
    question(
        "an_update_is_well_leveraged_or_no_worse",
        "After every accepted update a position is well leveraged, or it was only reduced and its value for each unit "
        "of risk has not fallen.",
        transition_is_sound,
        ("require_valid_transition",),
    ),
    question(
        "an_update_keeps_a_position_solvent",
        "A position worth at least zero is worth at least zero after every accepted update.",
        transition_keeps_solvency,
        ("require_valid_transition",),
    ),
    question(
        "a_reduction_never_adds_to_a_debt",
        "A position worth less than zero owes no more after an accepted update that does not add to its risk.",
        transition_never_adds_to_a_debt,
        ("require_valid_transition",),
    ),
    question(
        "a_debt_is_reduced_only_at_a_gain",
        "A position worth less than zero that gives up risk in an accepted update is worth more after it: at the "
        "oracle's price it cannot be reduced at all.",
        debt_is_reduced_only_at_a_gain,
        ("require_valid_transition",),
    ),
    question(
        "fills_stay_within_the_signed_order",
        "An accepted fill is of a signed order and takes no more than is left of it.",
        fills_stay_within_the_order,
        ("fill_order",),
    ),
    question(
        "a_fill_is_at_the_orders_price_to_one_unit",
        "A fill costs a buyer less than one unit of collateral above its order's price, and pays a seller less than "
        "one unit below.",
        fill_is_at_the_price,
        ("require_fair",),
    ),
    question(
        "two_fills_are_at_the_orders_price",
        "Two fills of an order together cost no more than its price rounded up once.",
        partial(two_fills_keep_the_price, 0),
        ("require_fair",),
        expected=Verdict.VIOLATED,
        weak_point="Rounding favours whoever picks the sizes of fills.",
    ),
    question(
        "two_fills_are_at_the_orders_price_to_two_units",
        "Two fills of an order together cost less than two units of collateral above its price.",
        partial(two_fills_keep_the_price, 2),
        ("require_fair",),
    ),
    question(
        "only_what_is_not_well_leveraged_is_liquidated",
        "A liquidation is accepted only of a position whose total risk, with funding applied, is above its value.",
        only_the_unhealthy_are_liquidated,
        ("liquidate_position",),
    ),
    question(
        "a_liquidation_leaves_some_equity",
        "A position that was worth something is worth something after its liquidation.",
        liquidation_leaves_some_equity,
        ("liquidate_position",),
        expected=Verdict.VIOLATED,
        weak_point="A full liquidation may take all remaining equity.",
    ),
    question(
        "the_price_of_a_deleverage_is_unique",
        "For given units, at most one amount of collateral is accepted: two that differ by a unit cannot both pass.",
        deleverage_price_is_unique,
        ("require_fair_deleverage", "require_valid_transition"),
    ),
    question(
        "risk_grows_with_size",
        "A larger amount of an asset has no less risk.",
        risk_grows_with_size,
        ("risk_factor",),
        expected=Verdict.VIOLATED,
        weak_point="Risk need not rise with size: a configuration may give a larger segment a smaller factor.",
        opaque={},
    ),
    question(
        "an_index_moves_within_the_rate",
        "A funding tick moves a known index by at most the rate times the price times the time, and its assets "
        "strictly rise.",
        an_index_moves_within_the_rate,
        ("funding_tick",),
    ),
    question(
        "a_forced_trade_can_be_answered",
        "Of the two answers to a forced trade exactly one is accepted.",
        partial(answerable, STARKEX.rules["forced_trade"], True, False),
        ("forced_trade",),
        assumptions=(REQUESTED, COMPUTABLE),
        expected=Verdict.VIOLATED,
        weak_point="A forced trade whose seller would end at exactly -2^63 can be answered neither as valid nor as "
        "invalid: the request cannot be served, and after its deadline anybody may freeze the exchange.",
    ),
    question(
        "a_forced_trade_off_the_edge_can_be_answered",
        "Where no party would end at exactly -2^63, exactly one answer to a forced trade is accepted.",
        partial(answerable, STARKEX.rules["forced_trade"], True, True),
        ("forced_trade",),
        assumptions=(REQUESTED, COMPUTABLE, NO_EDGE),
    ),
    question(
        "the_corrected_forced_trade_can_be_answered",
        "Of the two answers to a forced trade exactly one is accepted by the corrected rule, in every state.",
        partial(answerable, CORRECTED.rules["forced_trade"], False, False),
        ("forced_trade",),
        assumptions=(REQUESTED,),
    ),
    question(
        "a_forced_withdrawal_can_be_answered_in_any_state",
        "Of the two answers to a forced withdrawal exactly one is accepted, in every state.",
        partial(answerable, STARKEX.rules["forced_withdrawal"], False, False),
        ("forced_withdrawal",),
        assumptions=(REQUESTED,),
        expected=Verdict.VIOLATED,
        weak_point="A forced withdrawal of a position that holds an asset without a price or an index, or whose "
        "collateral funding takes out of range, has no answer.",
    ),
    question(
        "a_forced_withdrawal_can_be_answered",
        "Of the two answers to a forced withdrawal exactly one is accepted, where value and risk can be computed.",
        partial(answerable, STARKEX.rules["forced_withdrawal"], True, False),
        ("forced_withdrawal",),
        assumptions=(REQUESTED, COMPUTABLE),
    ),
)
"""In the order in which they are asked: what others rest on comes first."""
