"""What must hold after every step, whatever happened."""

from collections.abc import Callable
from typing import Any

import attrs

from perp_reference.core.audit import audit
from perp_reference.core.explain import explain, violated
from perp_reference.core.machine import Machine, Rejected
from perp_reference.core.state import State
from perp_spec.perpetual.health import Whole, settle_whole
from perp_spec.perpetual.operations import (
    Backstop,
    Cancel,
    Compact,
    Deleverage,
    Deposit,
    EscapeClaim,
    EscapePay,
    ForcedReduce,
    ForcedWithdraw,
    FundingTick,
    Intent,
    Liquidate,
    OpenAccount,
    OracleTick,
    Order,
    RequestForced,
    SetKillSwitch,
    SetKind,
    Socialise,
    Trade,
    Transfer,
    Withdraw,
)
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FIRST_USER,
    FUND,
    Account,
    Exchange,
    Forced,
    Kind,
    Ledger,
    MarketBook,
    MarketPrice,
    Mode,
    Path,
    Position,
    Request,
)
from perp_spec.words import POSITION_SLOTS, PPM
from support.actions import holders, opposite_holders, right_slot
from support.plain import PlainHealth, oracle_flags, plain_health, positions_of
from support.worlds import World

ONCE = (Deposit, Withdraw, Transfer, OpenAccount, SetKind, Cancel, SetKillSwitch, RequestForced, EscapeClaim, EscapePay)
"""Operations that can be applied once only."""


CODES = (0, *map(int, Reason))
"""Every result an operation can state."""


class Fills:
    """What orders were filled so far, kept beside the state: the state remembers the last nonce of a slot only."""

    def __init__(self) -> None:
        self._filled: dict[tuple[int, int, int], int] = {}
        self._lowest: dict[tuple[int, int], int] = {}

    def used(self, account: int, intent: Intent) -> None:
        """An intent was used: its nonce and all below are dead."""
        place = account, intent.slot
        assert intent.nonce >= self._lowest.get(place, 0), "a dead nonce was used"
        self._lowest[place] = intent.nonce + 1

    def filled(self, order: Order, lots: int) -> None:
        """An order was filled: never beyond its lots, over all fills, and no nonce below it is ever used again."""
        place = order.account, order.slot
        assert order.nonce >= self._lowest.get(place, 0), "a dead order was filled"
        self._lowest[place] = order.nonce
        known = (*place, order.nonce)
        self._filled[known] = self._filled.get(known, 0) + lots
        assert self._filled[known] <= order.lots, "an order was filled beyond its lots"


class Watch:
    """Applies operations to a world and checks everything that can be checked about each."""

    def __init__(self, world: World, thorough: bool = True) -> None:
        self.world = world
        self.fills = Fills()
        self.thorough = thorough
        self.steps = 0

    def apply(self, operation: Any) -> Reason | None:
        """Apply an operation; returns why it is rejected."""
        world = self.world
        self.steps += 1
        before = world.state.copy()
        if self.thorough and self.steps % 8 == 0:
            false = violated(explain(before, operation))
            reason = world.apply(operation)
            assert reason == (false[0] if false else None), "two readings of a rule disagree"
        else:
            reason = world.apply(operation)
        if reason is not None:
            assert before.tables == world.state.tables, "a rejected operation changed the state"
            check_total(world, operation, reason)
            return reason
        self.check(before, operation)
        return None

    def check(self, before: State, operation: Any) -> None:
        """Check an accepted operation."""
        state = self.world.state
        findings = audit(state)
        assert not findings, f"{operation}: {findings[0]}"
        self.note_fills(operation)
        if isinstance(operation, ONCE):
            again = self.world.would(operation)
            assert again is not None, f"{operation} can be applied again"
        check_frame(before, state, operation)
        check_equity(before, state, operation)
        for kind, effect in EFFECTS.items():
            if isinstance(operation, kind):
                effect(before, state, operation)

    def note_fills(self, operation: Any) -> None:
        """Keep the books of nonces and fills."""
        intent = getattr(operation, "intent", None)
        if intent is not None:
            self.fills.used(getattr(operation, "account", getattr(operation, "sender", FUND)), intent)
        if isinstance(operation, Trade):
            self.fills.filled(operation.buyer, operation.lots)
            self.fills.filled(operation.seller, operation.lots)
        if isinstance(operation, Liquidate):
            self.fills.filled(operation.taker, operation.lots)
        if isinstance(operation, ForcedReduce) and operation.result == 0 and operation.path == Path.ORDER:
            self.fills.filled(operation.order, operation.lots)

    def check_state(self) -> None:
        """Check what holds in a state whatever happened last: settling, liveness, answers."""
        world = self.world
        for number in world.state.tables[Account]:
            check_settling(world.state, number)
        if world.get(Exchange).frozen_at == 0:
            for number in (FUND, *holders(world)):
                check_waterfall(world, number)
            for number in list(world.state.tables[Account]):
                check_bankrupt(world, number)
            for number in list(world.state.tables[Request]):
                check_answerable(world, number)


# One operation


def check_total(world: World, operation: Any, reason: Reason) -> None:
    """System operations are rejected for their form only."""
    if isinstance(operation, OracleTick):
        formal = {Reason.TICK_TOO_SOON, Reason.BAD_SIGNATURE, Reason.QUORUM, Reason.SIGNERS_NOT_RISING}
        assert reason in {*formal, Reason.PRICE_RANGE, Reason.NOT_MEDIAN, Reason.FROZEN, Reason.NO_MARKET}
    if isinstance(operation, FundingTick):
        assert reason in {Reason.TICK_TOO_SOON, Reason.FROZEN, Reason.NO_MARKET}
    if isinstance(operation, Deposit | RequestForced):
        assert reason in {Reason.FROZEN, Reason.QUEUE_ORDER, Reason.HASH_CHAIN, Reason.FORCED_RESULT}
        if reason is Reason.FORCED_RESULT:
            fitting = [code for code in CODES if accepted(world.state, attrs.evolve(operation, result=code))]
            assert len(fitting) == 1, f"the queue is blocked by {operation}: results {fitting}"
    if isinstance(operation, ForcedWithdraw) and world.get(Request, operation.account).kind == Forced.WITHDRAW:
        assert reason in {Reason.FROZEN, Reason.FORCED_RESULT}


def named(operation: Any) -> set[int]:
    """The accounts an operation names, and the fund where it takes part."""
    found: set[int] = set()
    for name in ("account", "sender", "recipient", "counterparty"):
        if hasattr(operation, name):
            found.add(getattr(operation, name))
    for name in ("buyer", "seller", "taker"):
        if hasattr(operation, name):
            found.add(getattr(operation, name).account)
    if isinstance(operation, Backstop | Socialise):
        found.add(FUND)
    return found


def accepted(state: State, operation: Any) -> bool:
    """An operation would be accepted; the state stays as it is."""
    try:
        Machine(state).apply(operation)
    except Rejected:
        return False
    finally:
        state.rollback()
    return True


def check_frame(before: State, after: State, operation: Any) -> None:
    """Nothing but the named accounts changed, nor their owner, parent or market."""
    touched = named(operation)
    for number in {*before.tables[Account], *after.tables[Account]}:
        old, new = before.get(Account, number), after.get(Account, number)
        if number not in touched:
            assert old == new, f"{operation} changed account {number}"
        elif not isinstance(operation, OpenAccount):
            assert (old.owner, old.parent, old.market) == (new.owner, new.parent, new.market)
            assert old.kind == new.kind or isinstance(operation, SetKind)
    for key in {*before.tables[Position], *after.tables[Position]}:
        if key // POSITION_SLOTS not in touched:
            assert before.get(Position, key) == after.get(Position, key), f"{operation} changed position {key}"


def sizes(state: State, number: int) -> dict[int, int]:
    """Lots held of each market."""
    return {position.market: position.size for _, position in positions_of(state, number)}


DUST_ATOMS = 2 * POSITION_SLOTS
"""Whole atoms that the dust of one operation can give the fund, at most: one a position settled."""

NO_EQUITY_CHANGE = (SetKind, Cancel, Compact, OpenAccount, EscapeClaim, RequestForced)


def check_equity(before: State, after: State, operation: Any) -> None:
    """An account's equity and sizes change by what the operation says of it, to the atom."""
    for number in named(operation):
        if number < FIRST_USER:
            continue
        change = plain_health(after, number).equity - plain_health(before, number).equity
        same = sizes(before, number) == sizes(after, number)
        if isinstance(operation, NO_EQUITY_CHANGE):
            assert change == 0
        if isinstance(operation, Deposit):
            assert change == (0 if operation.result else operation.amount)
        if isinstance(operation, Withdraw):
            assert change == -operation.amount
        if isinstance(operation, Transfer):
            assert change == (-operation.amount if number == operation.sender else operation.amount)
        if isinstance(operation, ForcedWithdraw):
            asked = before.get(Request, number).amount
            assert change == (0 if operation.result else -asked)
        if isinstance(operation, ForcedReduce) and operation.result:
            assert (change, same) == (0, True)
        if isinstance(operation, Trade | Liquidate | Backstop | Deleverage):
            assert not same
        elif not isinstance(operation, ForcedReduce):
            assert same, f"{operation} changed sizes of account {number}"


def only_reduced(before: State, after: State, number: int) -> bool:
    """No position of an account grew or changed its sign."""
    old, new = sizes(before, number), sizes(after, number)
    return all(size * old.get(market, 0) > 0 and abs(size) <= abs(old[market]) for market, size in new.items())


def kept(before: PlainHealth, after: PlainHealth, linear: bool) -> bool:
    """The health ratio did not fall: on the maintenance margin, or on the linear one."""
    old, new = (before.linear, after.linear) if linear else (before.maintenance, after.maintenance)
    if before.equity < 0 or old == 0:
        return after.equity >= before.equity
    return after.equity * old >= before.equity * new


def check_user(before: State, after: State, number: int) -> None:
    """A user's own operation leaves the initial margin, or it only reduced and kept the account's health."""
    old, new = plain_health(before, number), plain_health(after, number)
    if new.equity >= new.initial:
        return
    assert only_reduced(before, after, number), f"account {number} is below its initial margin"
    if before.get(Account, number).kind == Kind.PORTFOLIO:
        assert kept(old, new, True) or (old.equity >= 0 and new.equity >= new.maintenance)
    else:
        assert kept(old, new, False), f"the ratio of account {number} fell"


def after_withdraw(before: State, after: State, operation: Any) -> None:
    """The initial margin stays; while degraded twice of it, at the worse of two prices less the band as well."""
    account = operation.sender if isinstance(operation, Transfer) else operation.account
    if isinstance(operation, ForcedWithdraw) and operation.result:
        return
    known = plain_health(after, account)
    assert known.equity >= known.initial
    if known.degraded:
        assert known.equity >= 2 * known.initial
        assert known.collateral + known.cautious_value >= 2 * known.cautious_initial
    if isinstance(operation, Withdraw):
        assert after.get(Ledger, 0).bucket == before.get(Ledger, 0).bucket - operation.amount


def after_set_kind(before: State, after: State, operation: SetKind) -> None:
    """The initial margin is met under both kinds."""
    for state in (before, after):
        known = plain_health(state, operation.account)
        assert known.equity >= known.initial


def after_trade(before: State, after: State, operation: Trade) -> None:
    """Both sides made a valid transition; open interest rose in normal mode at a good oracle only."""
    check_user(before, after, operation.buyer.account)
    check_user(before, after, operation.seller.account)
    old, new = before.get(MarketBook, operation.market), after.get(MarketBook, operation.market)
    if new.open_interest > old.open_interest:
        price = before.get(MarketPrice, operation.market)
        assert before.get(Exchange, 0).mode == Mode.NORMAL
        assert price.level == 0
        assert new.open_interest <= after.market(operation.market).open_interest_cap


def after_liquidate(before: State, after: State, operation: Liquidate) -> None:
    """Only the unhealthy are liquidated, never to a lower ratio, and only in the direction of less."""
    old, new = plain_health(before, operation.account), plain_health(after, operation.account)
    linear = operation.account == FUND or before.get(Account, operation.account).kind == Kind.PORTFOLIO
    assert operation.account == FUND or old.equity + old.doubt < old.maintenance
    assert not blind(before, operation.market)
    assert kept(old, new, linear)
    assert only_reduced(before, after, operation.account)
    assert new.linear <= old.linear
    check_user(before, after, operation.taker.account)


def close_out(state: State, number: int, market: int) -> bool:
    """An account is below the close-out of a market."""
    known = plain_health(state, number)
    return (known.equity + known.doubt) * PPM < state.market(market).close_out_ppm * known.maintenance


def blind(state: State, market: int) -> bool:
    """The price of a market is not to be trusted at all."""
    now = state.get(Exchange, 0).time
    return oracle_flags(state.get(MarketPrice, market), state.market(market), now)[2]


def after_backstop(before: State, after: State, operation: Backstop) -> None:
    """The account paid at most the penalty, closed at exactly zero or with what the cap left; the fund keeps margin."""
    assert close_out(before, operation.account, operation.market)
    old, new = plain_health(before, operation.account), plain_health(after, operation.account)
    penalty_ppm = before.parameters.penalty_ppm
    notional = operation.lots * before.get(MarketPrice, operation.market).price
    penalty = -(-notional * penalty_ppm // PPM)
    paid = old.equity - new.equity
    assert paid <= penalty
    assert (paid >= 0) == (old.equity >= 0) or paid == 0
    if not new.occupied:
        assert new.equity == 0 or (old.equity >= 0 and paid == penalty and new.equity > 0)
    fund, fund_before = plain_health(after, FUND), plain_health(before, FUND)
    assert 0 <= fund.equity - fund_before.equity - paid <= DUST_ATOMS
    sure = fund.equity - fund.doubt
    room = sure >= before.parameters.fund_multiple * fund.initial
    assert room or (sure >= 0 and only_reduced(before, after, FUND))


def after_deleverage(before: State, after: State, operation: Deleverage) -> None:
    """The fund could not take it; the counterparty pays for a bankrupt account only, and its ratio does not fall."""
    assert close_out(before, operation.account, operation.market)
    if operation.account != FUND:
        price = before.get(MarketPrice, operation.market).price
        size = before.get(Position, operation.account * POSITION_SLOTS + operation.slot).size
        lots = min(abs(size), max(before.parameters.backstop_atoms // price, 1))
        backstop = Backstop(operation.account, operation.slot, operation.market, lots, operation.fund_slot)
        assert not accepted(before, backstop), "the fund could have taken the position"
    old, new = plain_health(before, operation.account), plain_health(after, operation.account)
    other_old, other_new = plain_health(before, operation.counterparty), plain_health(after, operation.counterparty)
    paid = other_old.equity - other_new.equity
    dust = new.equity - old.equity - paid
    assert dust == 0 if FUND not in {operation.account, operation.counterparty} else 0 <= abs(dust) <= DUST_ATOMS
    assert paid + (DUST_ATOMS if operation.counterparty == FUND else 0) >= 0
    assert paid <= max(-old.equity, 0)
    assert new.equity <= max(old.equity, 0) + (DUST_ATOMS if operation.account == FUND else 0)
    assert kept(other_old, other_new, True), "the linear ratio of the counterparty fell"
    if before.get(Account, operation.counterparty).kind != Kind.PORTFOLIO:
        assert kept(other_old, other_new, False), "the ratio of the counterparty fell"
    assert only_reduced(before, after, operation.account)
    assert only_reduced(before, after, operation.counterparty)
    check_spared(before, after, operation.counterparty, operation.market)


def check_spared(before: State, after: State, number: int, market: int) -> None:
    """A user's portfolio that crossed one of its two lines by somebody else's need is spared; nobody else is."""
    old, new = plain_health(before, number), plain_health(after, number)
    was = before.get(Account, number)
    ppm = before.markets[market].close_out_ppm
    had, has = old.equity + old.doubt, new.equity + new.doubt
    lost = had >= old.maintenance and has < new.maintenance
    fell = had * PPM >= ppm * old.maintenance and has * PPM < ppm * new.maintenance
    until = after.get(Account, number).liquidated_at
    if number != FUND and (lost or fell):
        assert was.kind == Kind.PORTFOLIO, "closing a leg cost an account without hedges its margin"
        assert until == after.get(Exchange, 0).time + after.parameters.cooldown_seconds
    else:
        assert until == was.liquidated_at


def after_socialise(before: State, after: State, operation: Socialise) -> None:
    """The debtor is better off, never above zero; the fund keeps its maintenance margin; indices only rise."""
    debtor = operation.account
    old, new = before.get(Account, debtor).collateral, after.get(Account, debtor).collateral
    if debtor == FUND:
        old += before.get(Ledger, 0).fund_inbox
    assert old <= new <= 0, (old, new)
    fund, fund_before = plain_health(after, FUND), plain_health(before, FUND)
    if debtor != FUND and not fund.occupied:
        assert fund.equity >= min(fund_before.equity, 0)
    for number, market in enumerate(after.markets):
        rise = after.get(MarketPrice, number).loss_index - before.get(MarketPrice, number).loss_index
        cap = market.loss_cap_ppm * after.get(MarketPrice, number).price
        assert 0 <= rise <= cap
        assert rise == 0 or after.get(MarketBook, number).loss_today <= cap


def after_forced_reduce(before: State, after: State, operation: ForcedReduce) -> None:
    """The account kept its health; an opposite position gains; an order's account made a valid transition."""
    if operation.result:
        return
    old, new = plain_health(before, operation.account), plain_health(after, operation.account)
    assert new.equity <= old.equity
    assert only_reduced(before, after, operation.account)
    if operation.path == Path.ORDER:
        check_user(before, after, operation.counterparty)
    else:
        gained = (
            plain_health(after, operation.counterparty).equity - plain_health(before, operation.counterparty).equity
        )
        paid = old.equity - new.equity
        assert paid <= gained <= paid + (DUST_ATOMS if operation.counterparty == FUND else 0)
    if operation.path == Path.OPPOSITE:
        assert only_reduced(before, after, operation.counterparty)
        check_spared(before, after, operation.counterparty, operation.market)
        by_fund = attrs.evolve(
            operation, path=Path.FUND, counterparty=FUND, counterparty_slot=operation.fund_slot, order=Order()
        )
        assert not accepted(before, by_fund), "the fund could have taken the position"


def after_oracle_tick(before: State, after: State, operation: OracleTick) -> None:
    """A blind tick leaves the prices; a tick at time now is never stale."""
    old, new = before.get(MarketPrice, operation.market), after.get(MarketPrice, operation.market)
    assert new.ticked_at == after.get(Exchange, 0).time
    if new.level == 2 and not new.gap:
        assert (new.price, new.index) == (old.price, old.index)
        assert 0 < new.blind_since <= new.ticked_at
    else:
        assert new.blind_since == 0
        assert new.price >= 1


EFFECTS: dict[Any, Callable[[State, State, Any], None]] = {
    Withdraw | Transfer | ForcedWithdraw: after_withdraw,
    SetKind: after_set_kind,
    Trade: after_trade,
    Liquidate: after_liquidate,
    Backstop: after_backstop,
    Deleverage: after_deleverage,
    Socialise: after_socialise,
    ForcedReduce: after_forced_reduce,
    OracleTick: after_oracle_tick,
}


# A state


def settled(state: State, number: int) -> Whole:
    """An account settled by the rules."""
    inbox = state.get(Ledger, 0).fund_inbox if number == FUND else 0
    account = state.get(Account, number)
    return settle_whole(state.parameters, state.get(Exchange, 0).time, inbox, account, state.held(number))


def check_settling(state: State, number: int) -> None:
    """Settling twice equals once, and the rules' health is the plain one."""
    once = settled(state, number)
    known = plain_health(state, number)
    assert (once.collateral, *once.health) == (known.collateral, *known[1:5]), f"health of account {number}"
    held = tuple(
        (position, price, market) for position, (_, price, market) in zip(once.held, state.held(number), strict=True)
    )
    account = attrs.evolve(once.account, collateral=once.collateral)
    twice = settle_whole(state.parameters, state.get(Exchange, 0).time, 0, account, held)
    assert twice.collateral == once.collateral
    assert twice.held == once.held
    assert (twice.terms.cash, twice.terms.dust) == (0, 0)
    assert twice.health == once.health


def halted(state: State, market: int) -> bool:
    """Trading and liquidation are stopped."""
    exchange, price = state.get(Exchange, 0), state.get(MarketPrice, market)
    return max(exchange.mode, exchange.switch, price.mode, price.switch) == Mode.HALT


def check_waterfall(world: World, number: int) -> None:
    """An account below close-out has an enabled step without anybody's will, in every market that is not blind.

    At once, or after the cooldown for which it is spared.
    """
    state = world.state
    known = plain_health(state, number)
    spared = world.get(Account, number).liquidated_at - world.now
    assert spared <= state.parameters.cooldown_seconds
    if spared > 0 and known.equity + known.doubt >= 0:
        return
    for slot, position in positions_of(state, number):
        market = position.market
        if halted(state, market) or blind(state, market) or not close_out(state, number, market):
            continue
        steps = list(waterfall_steps(world, number, slot, position))
        assert any(world.would(step) is None for step in steps), (
            f"account {number} is stuck in market {market}: {known}, {position}, "
            f"{[(step, world.would(step)) for step in steps]}"
        )


def waterfall_steps(world: World, number: int, slot: int, position: Position) -> Any:
    """What could be done about a position: the fund takes it, or it is closed against an opposite one."""
    market = position.market
    fund_slot = right_slot(world, FUND, market)
    price = max(world.get(MarketPrice, market).price, 1)
    unit = max(world.state.parameters.backstop_atoms // price, 1)
    if number != FUND:
        for lots in sorted({1, min(abs(position.size), unit), abs(position.size)}):
            yield Backstop(number, slot, market, lots, fund_slot)
    for other, _ in opposite_holders(world, number, position):
        other_slot = right_slot(world, other, market)
        yield Deleverage(number, slot, other, other_slot, market, 1, fund_slot)
        if other == FUND:
            yield Deleverage(FUND, other_slot, number, slot, market, 1, fund_slot)


def check_bankrupt(world: World, number: int) -> None:
    """A flat account with a deficit can be socialised, unless nothing at all can bear it today."""
    account = world.get(Account, number)
    inbox = world.get(Ledger).fund_inbox if number == FUND else 0
    if account.collateral + inbox >= 0 or positions_of(world.state, number):
        return
    reason = world.would(Socialise(number, max(account.closed_market - 1, 0)))
    if reason is None:
        return
    assert reason is Reason.NO_OPEN_INTEREST, f"account {number} is stuck: {reason!r}"
    fund = plain_health(world.state, FUND)
    assert number == FUND or fund.equity - fund.doubt <= fund.maintenance or fund.collateral <= 0
    for place, market in enumerate(world.state.markets):
        price, book = world.get(MarketPrice, place), world.get(MarketBook, place)
        used = book.loss_today if book.loss_day == world.now // 86_400 else 0
        exhausted = used >= market.loss_cap_ppm * price.price or price.loss_index >= market.max_price * PPM
        assert book.open_interest == 0 or exhausted, f"market {place} could bear the loss of account {number}"


def check_answerable(world: World, number: int) -> None:
    """A forced request has an answer: done, or refused for a reason of the rules; and exactly one result fits."""
    request = world.get(Request, number)
    if request.kind == Forced.WITHDRAW:
        fitting = [code for code in CODES if world.would(ForcedWithdraw(number, code)) is None]
        assert len(fitting) == 1, f"a forced withdrawal has the answers {fitting}"
    if request.kind == Forced.REDUCE:
        answers = [answer for answer in reductions(world, number, request) if world.would(answer) is None]
        results = {answer.result for answer in answers}
        assert len(results) == 1, f"a forced reduction of account {number} has the answers {answers}"


def reductions(world: World, number: int, request: Request) -> Any:
    """Answers to a forced reduction that need nobody's will."""
    slot = right_slot(world, number, request.market)
    position = world.get(Position, number * POSITION_SLOTS + slot)
    market = position.market if position.size else request.market
    fund_slot = right_slot(world, FUND, market)
    nobody = 1_000
    for code in map(int, Reason):
        yield ForcedReduce(number, slot, market, 0, code, counterparty=nobody, fund_slot=fund_slot)
    done = ForcedReduce(number, slot, market, 1, 0, Path.FUND, FUND, fund_slot, fund_slot=fund_slot)
    yield done
    for other, _ in opposite_holders(world, number, position):
        other_slot = right_slot(world, other, market)
        yield attrs.evolve(done, path=Path.OPPOSITE, counterparty=other, counterparty_slot=other_slot)
