"""The waterfall never gets stuck: who is below close-out can be closed out, and forced reductions can be answered.

Each goal names a witness, an operation that is written down, and what it may still be rejected for.
"""

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from perp_proofs.smt.contracts import implies, margin_contract, market_assumed
from perp_proofs.smt.frame import Stage
from perp_proofs.smt.goals.contracts import MARKET_VALID
from perp_proofs.smt.goals.exits import LIVE, accepted, code_of, loads
from perp_proofs.smt.goals.health import ratio_no_lower
from perp_proofs.smt.lemmas import margins_of_less_are_no_more, products_keep_signs, ratios_grow_with_equity
from perp_proofs.smt.prove import Claim, Goal, Statement
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import absolute, both, either, minimum, negate, select
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL, inbox_of, mode_of
from perp_spec.perpetual.health import Side, at_best, move_side, oracle_state, settle_side, transition_kept_health
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FEES,
    FIRST_USER,
    FUND,
    Account,
    Forced,
    Kind,
    Market,
    MarketPrice,
    Parameters,
    Path,
    Position,
)
from perp_spec.perpetual.rules.forced import conceded_price, fund_could_reduce, reduction_allowed
from perp_spec.perpetual.rules.waterfall import (
    backstop_lots,
    below_close_out,
    decides,
    holds,
    is_spared,
    sign_of,
    take_over_only,
)

assert rules.__all__, "importing the rules registers them"

OPEN = "the exchange is live, the market is configured and not halted, and its oracle is not blind"

DISTRESSED = "the account is below close-out in the market, where it holds a position, and is not spared"

OPPOSITE = "the counterparty exists, is not the fee account, and holds at least the lots on the other side"

SLOTS = "the slots that the operation names hold its market, or are empty"

DEBTOR = "the debtor is not the fund, and the market that is named is its last closed one"

FUND_SLOT = "the fund's slot is the one that decides what it can take"


def settled(loaded: dict[str, Any], name: str, inbox: Word, subject: Word) -> Side:
    """An account of an operation settled, by the name of its record."""
    apart = "position" if name == "account" else f"{name}_position"
    others = "others" if name == "account" else f"{name}_others"
    return settle_side(
        loaded["parameters"],
        loaded["exchange"].time,
        inbox,
        loaded[name],
        loaded[apart],
        loaded[others],
        loaded["price"],
        loaded["market"],
        subject,
    )


def trading(stage: Stage, loaded: dict[str, Any]) -> None:
    """Assume that the market can be dealt in."""
    exchange, market, price = loaded["exchange"], loaded["market"], loaded["price"]
    not_halted = both(mode_of(exchange, price) < 4, negate(oracle_state(price, market, exchange.time).blind))
    stage.assume(both(exchange.frozen_at == 0, market_assumed(market), not_halted), OPEN)


def distressed(stage: Stage, loaded: dict[str, Any], side: Side, subject: Word) -> None:
    """Assume that the account is to be closed out."""
    poor = below_close_out(at_best(side.health, side.doubt), loaded["market"])
    there = both(loaded["account"].kind != Kind.ABSENT, holds(side, subject))
    small = absolute(side.size) <= loaded["market"].max_size
    stage.assume(both(poor, there, small, negate(is_spared(side, loaded["exchange"].time))), DISTRESSED)


def opposite(side: Side, other: Side, lots: Word) -> Flag:
    """The other side holds at least the lots in the other direction."""
    return select(side.size > 0, other.size <= -lots, other.size >= lots)


def deleverage_waits_for_the_fund_only(stage: Stage) -> Iterator[Claim]:
    """Of an account below close-out, against any opposite position."""
    operation, loaded = loads(stage, "deleverage")
    trading(stage, loaded)
    subject, ledger = operation.market, loaded["ledger"]
    inboxes = [select(number == FUND, ledger.fund_inbox, 0) for number in (operation.account, operation.counterparty)]
    side = stage.perform(settled, loaded, "account", inboxes[0], subject)
    other = stage.perform(settled, loaded, "counterparty", inboxes[1], subject)
    fund = stage.perform(settled, loaded, "fund", ledger.fund_inbox, subject)
    distressed(stage, loaded, side, subject)
    lots = minimum(absolute(side.size), absolute(other.size))
    stage.assume(both(lots >= 1, opposite(side, other, lots), holds(other, subject)), OPPOSITE)
    users = both(operation.account != FEES, operation.counterparty != FEES, operation.account != operation.counterparty)
    stage.assume(both(users, loaded["counterparty"].kind != Kind.ABSENT), OPPOSITE)
    stage.assume(decides(fund, loaded["fund_position"], subject, operation.fund_slot), FUND_SLOT)
    witness = attrs.evolve(operation, lots=lots)
    outcome = stage.outcome(PERPETUAL.rules["deleverage"].function, witness, *loaded.values())
    yield Claim("it is done, or a backstop is possible", either(outcome == 0, outcome == int(Reason.BACKSTOP_POSSIBLE)))


def a_possible_backstop_is_accepted(stage: Stage) -> Iterator[Claim]:
    """Of the piece that a deleverage asks about."""
    operation, loaded = loads(stage, "backstop")
    trading(stage, loaded)
    parameters, price, market, now = (loaded[name] for name in ("parameters", "price", "market", "exchange"))
    side = stage.perform(settled, loaded, "account", 0, operation.market)
    fund = stage.perform(settled, loaded, "fund", loaded["ledger"].fund_inbox, operation.market)
    distressed(stage, loaded, side, operation.market)
    stage.assume(operation.account >= FIRST_USER, DISTRESSED)
    lots = backstop_lots(side.size, parameters, price)
    slots = operation.slot, operation.fund_slot
    arguments = parameters, now.time, side, fund, price, market, operation.market, *slots, lots
    possible = stage.perform(code_of, take_over_only, arguments, 0) == 0
    witness = attrs.evolve(operation, lots=lots)
    yield Claim("it is done where it is possible", implies(possible, accepted(stage, "backstop", witness, loaded)))


class Closing:
    """Some lots of a position are closed at a price, the health price or one that is as good for who closes."""

    def __init__(self, stage: Stage, paid_price: Callable[[Word, MarketPrice, Market], Word]) -> None:
        parameters, now = stage.record(Parameters, "parameters"), stage.word("now", 0, 2**40)
        self.account, position = stage.record(Account, "account"), stage.record(Position, "position")
        price, market = stage.record(MarketPrice, "price"), stage.record(Market, "market")
        others = stage.many(PERPETUAL.rules["withdraw"].footprint[-2].shape, "others")
        stage.assume(market_assumed(market), MARKET_VALID)
        subject, lots, slot = stage.word("subject", 0, 63), stage.word("lots", 1, 2**56), stage.word("slot", 0, 15)
        stage.split(position.size > 0)
        stage.split(position.size < 0)
        stage.split(self.account.kind == Kind.PORTFOLIO)
        stage.assume(both(position.size != 0, lots <= absolute(position.size)), "lots are no more than the position")
        side = stage.perform(settle_side, parameters, now, 0, self.account, position, others, price, market, subject)
        direction = sign_of(position.size)
        paid = stage.perform(paid_price, position.size, price, market)
        cash = direction * lots * paid
        self.moved = stage.perform(
            move_side,
            parameters,
            side,
            price,
            market,
            subject,
            slot,
            -direction * lots,
            cash,
            self.account.liquidated_at,
        )
        for part in (lots, absolute(position.size) - lots):
            stage.use(products_keep_signs, part, price.price)
        stage.use(products_keep_signs, direction * (paid - price.price), lots)
        buffer_ppm = select(position.size > 0, price.buffer_long_ppm, price.buffer_short_ppm)
        values = absolute(side.size) * price.price, (absolute(side.size) - lots) * price.price
        stage.use(margins_of_less_are_no_more, values[1], values[0], buffer_ppm)
        self.before, self.after = side.health, self.moved.health
        for required, left in (
            (self.before.linear, self.after.linear),
            (self.before.maintenance, self.after.maintenance),
        ):
            stage.use(ratios_grow_with_equity, self.before.equity, self.after.equity, required, left)


def health_price(_size: Word, price: MarketPrice, _market: Market) -> Word:
    """The price of a liquidation."""
    return price.price


def price_against(size: Word, price: MarketPrice, market: Market) -> Word:
    """What who closes `size` gets where the other side is a forced reduction."""
    return conceded_price(-size, price, market)


def steps_at_the_price_keep_the_ratio(stage: Stage) -> Iterator[Claim]:
    """Of any lots of a position, without a fee."""
    case = Closing(stage, health_price)
    before, after = case.before, case.after
    yield Claim("equity stays", after.equity == before.equity)
    yield Claim("the linear margin does not grow", both(after.linear >= 0, after.linear <= before.linear))
    yield Claim("the linear ratio does not fall", ratio_no_lower(before, after, "linear"))
    plain = case.account.kind != Kind.PORTFOLIO
    falls = both(after.maintenance >= 0, after.maintenance <= before.maintenance)
    yield Claim("the margin of a cross account does not grow", implies(plain, falls))
    yield Claim("its ratio does not fall", implies(plain, ratio_no_lower(before, after, "maintenance")))


def closing_against_a_forced_reduction_keeps_health(stage: Stage) -> Iterator[Claim]:
    """Of any lots of a position, at the price that the forced reduction concedes."""
    case = Closing(stage, price_against)
    before, after = case.before, case.after
    yield Claim("equity does not fall", after.equity >= before.equity)
    yield Claim("it is reduced", case.moved.reduced)
    yield Claim("its health is kept", stage.perform(transition_kept_health, case.account.kind, before, after))


# Forced reductions


class Reducing:
    """A pending request to reduce, with the slots of the operation named as the rule wants them."""

    def __init__(self, stage: Stage) -> None:
        self.operation, self.loaded = loads(stage, "forced_reduce")
        op, loaded = self.operation, self.loaded
        exchange, market, self.request = (loaded[name] for name in ("exchange", "market", "request"))
        stage.assume(both(exchange.frozen_at == 0, market_assumed(market)), LIVE)
        pending = both(self.request.kind == Forced.REDUCE, op.account != op.counterparty)
        stage.assume(pending, "a request to reduce is pending")
        self.side = stage.perform(settled, loaded, "account", 0, self.request.market)
        self.other = stage.perform(
            settled, loaded, "counterparty", inbox_of(op.counterparty, loaded["ledger"]), op.market
        )
        own = either(loaded["position"].size == 0, loaded["position"].market == op.market)
        named = either(holds(self.side, self.request.market), self.side.rest.same == 0)
        its = either(self.other.size == 0, self.other.held_market == op.market)
        stage.assume(both(own, named, its), SLOTS)
        self.price = conceded_price(self.side.size, loaded["price"], market)
        arguments = loaded["parameters"], exchange.time, self.side, loaded["price"], market, self.request
        self.result = stage.perform(code_of, reduction_allowed, (*arguments, op.slot, self.price), 0)


def forced_reduce_can_be_refused_with_its_reason(stage: Stage) -> Iterator[Claim]:
    """Where closing all that is asked is not allowed."""
    case = Reducing(stage)
    witness = attrs.evolve(case.operation, lots=0, result=case.result)
    refused = accepted(stage, "forced_reduce", witness, case.loaded)
    yield Claim("the refusal is accepted", implies(case.result != 0, refused))


def forced_reduce_waits_for_the_fund_only(stage: Stage) -> Iterator[Claim]:
    """Where it is allowed, against any opposite position."""
    case = Reducing(stage)
    op, loaded, side, other = case.operation, case.loaded, case.side, case.other
    stage.assume(case.result == 0, "closing all that is asked is allowed")
    lots = minimum(minimum(case.request.amount, absolute(side.size)), absolute(other.size))
    stage.assume(both(lots >= 1, opposite(side, other, lots), holds(other, op.market)), OPPOSITE)
    stage.assume(both(op.counterparty != FEES, loaded["counterparty"].kind != Kind.ABSENT), OPPOSITE)
    fund = stage.perform(settled, loaded, "fund", loaded["ledger"].fund_inbox, op.market)
    stage.assume(decides(fund, loaded["fund_position"], op.market, op.fund_slot), FUND_SLOT)
    witness = attrs.evolve(op, lots=lots, result=0, path=Path.OPPOSITE)
    outcome = stage.outcome(PERPETUAL.rules["forced_reduce"].function, witness, *loaded.values())
    yield Claim("it is done, or the fund could do it", either(outcome == 0, outcome == int(Reason.BACKSTOP_POSSIBLE)))


def forced_reduce_is_done_by_an_able_fund(stage: Stage) -> Iterator[Claim]:
    """Where the fund is the counterparty, and could take the same lots at the same price."""
    case = Reducing(stage)
    op, loaded, side = case.operation, case.loaded, case.side
    stage.assume(case.result == 0, "closing all that is asked is allowed")
    stage.assume(both(op.counterparty == FUND, loaded["counterparty"].kind != Kind.ABSENT), "the fund exists")
    wanted = minimum(case.request.amount, absolute(side.size))
    stage.assume(both(op.lots >= 1, op.lots <= wanted), "lots are no more than asked")
    direction = sign_of(side.size)
    able = stage.perform(
        code_of_able,
        loaded["parameters"],
        loaded["exchange"].time,
        loaded["ledger"].fund_inbox,
        *(loaded[name] for name in ("counterparty", "counterparty_position", "counterparty_others", "price", "market")),
        op.market,
        op.counterparty_slot,
        direction * op.lots,
        -direction * op.lots * case.price,
    )
    witness = attrs.evolve(op, result=0, path=Path.FUND)
    done = accepted(stage, "forced_reduce", witness, loaded)
    yield Claim("it is done where the fund is able", implies(able, done))


def code_of_able(*arguments: Any) -> Flag:
    """Whether the fund could reduce."""
    return fund_could_reduce(*arguments)


# Socialised losses


def socialise_waits_for_open_interest_only(stage: Stage) -> Iterator[Claim]:
    """Of a flat account below zero."""
    operation, loaded = loads(stage, "socialise")
    exchange, market, debtor = loaded["exchange"], loaded["market"], loaded["other"]
    stage.assume(exchange.frozen_at == 0, LIVE)
    stage.assume(market_assumed(market), MARKET_VALID)
    last = select(debtor.closed_market == 0, 0, debtor.closed_market - 1)
    stage.assume(both(operation.account != FUND, debtor.kind != Kind.ABSENT, operation.market == last), DEBTOR)
    outcome = stage.outcome(PERPETUAL.rules["socialise"].function, operation, *loaded.values())
    known = either(outcome == int(Reason.NOT_BANKRUPT_FLAT), outcome == int(Reason.NO_OPEN_INTEREST))
    yield Claim("it is done, or there is nothing to cover, or nobody to bear it", either(outcome == 0, known))


def live_goal(statement: Statement, sentence: str, rule: str, *assumptions: str, opaque: bool = False) -> Goal:
    """A goal of this family."""
    contracts = {"margin_at": margin_contract} if opaque else {}
    return Goal(statement.__name__, sentence, statement, (rule,), contracts, (MARKET_VALID, *assumptions))


GOALS = (
    live_goal(
        deleverage_waits_for_the_fund_only,
        "An account below close-out that is not spared can be deleveraged against any opposite position at once, by as "
        "many lots as both hold, unless a backstop is possible.",
        "deleverage",
        OPEN,
        DISTRESSED,
        OPPOSITE,
        FUND_SLOT,
        opaque=True,
    ),
    live_goal(
        a_possible_backstop_is_accepted,
        "The backstop that stands in the way of a deleverage is accepted itself.",
        "backstop",
        OPEN,
        DISTRESSED,
        opaque=True,
    ),
    live_goal(
        steps_at_the_price_keep_the_ratio,
        "A liquidation at the health price without a fee never lowers the account's ratio, whatever its lots: "
        "HEALTH_RATIO_FELL of the liquidated account does not stand in its way.",
        "liquidate",
        opaque=True,
    ),
    live_goal(
        closing_against_a_forced_reduction_keeps_health,
        "Who only reduces a position, at the price that a forced reduction concedes, has no less equity and keeps its "
        "health: HEALTH_RATIO_FELL of the order's account is never why a forced_reduce is not accepted.",
        "forced_reduce",
        opaque=True,
    ),
    live_goal(
        forced_reduce_can_be_refused_with_its_reason,
        "A forced reduction that would not keep the account's health, or whose market is blind, can be refused with "
        "the reason that the rule computes.",
        "forced_reduce",
        LIVE,
        SLOTS,
        opaque=True,
    ),
    live_goal(
        forced_reduce_waits_for_the_fund_only,
        "A forced reduction that is allowed can be done against any opposite position, unless the fund can do it.",
        "forced_reduce",
        LIVE,
        SLOTS,
        OPPOSITE,
        FUND_SLOT,
        opaque=True,
    ),
    live_goal(
        forced_reduce_is_done_by_an_able_fund,
        "A forced reduction that is allowed can be done against a fund that could take the lots at the same price, as "
        "many as are asked for or fewer.",
        "forced_reduce",
        LIVE,
        SLOTS,
        opaque=True,
    ),
    live_goal(
        socialise_waits_for_open_interest_only,
        "The deficit of a flat account can be covered at any time, unless neither the fund has anything to spare nor "
        "any market open interest with room.",
        "socialise",
        LIVE,
        DEBTOR,
    ),
)
