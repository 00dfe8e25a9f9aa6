"""The operator's side of the waterfall: pushes every unhealthy account through it as far as the rules allow."""

from collections import Counter
from typing import NamedTuple

from attrs import define, field

from perp_reference.core.matching import position_slot
from perp_reference.core.state import State
from perp_reference.replay.makers import Makers
from perp_reference.replay.venue import Venue
from perp_reference.replay.watch import Watch, look_at
from perp_spec.perpetual.health import Whole, at_best, oracle_state
from perp_spec.perpetual.operations import Backstop, Deleverage, Liquidate, Socialise
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Account, Market, MarketPrice, Position
from perp_spec.perpetual.rules.waterfall import backstop_lots, below_close_out, step_cap
from perp_spec.words import POSITION_SLOTS, PPM

STAGED, CLOSE_OUT, BACKSTOP, DELEVERAGE, SOCIALISE, UNWIND = (
    "staged liquidation",
    "liquidation below close-out",
    "backstop by the fund",
    "deleverage",
    "socialised loss",
    "fund unwinding",
)
STAGES = (STAGED, CLOSE_OUT, BACKSTOP, DELEVERAGE, SOCIALISE, UNWIND)

FEE_PPM = 1_000
"""Liquidation fee the operator takes where the account can bear it; more would fill the fund before a crash."""

FEE_MARGIN_PPM = 100
"""What a liquidation leaves of an account's equity when the fee is chosen, against rounding."""

UNWIND_PARTS = 20
"""The fund sells one part in so many of a position in each batch."""

OFFERS_TRIED = 4
"""Makers asked for one step."""


class Touched(NamedTuple):
    """A position to be worked on."""

    slot: int
    position: Position


@define
class Stage:
    """What a stage of the waterfall has done."""

    steps: int = 0
    notional: int = 0
    """Atoms."""
    accounts: set[int] = field(factory=set)


@define
class Losses:
    """Where losses beyond an account's equity went, atoms."""

    taken_over: int = 0
    """By the fund, with positions of accounts below zero."""
    fund_paid: int = 0
    """By the fund for flat accounts."""
    socialised: int = 0
    """By open positions."""
    deleveraged: int = 0
    """By counterparties of a deleverage."""


def positions_of(state: State, account: int) -> list[Touched]:
    """The positions of an account, the one with the largest value first."""
    found: list[Touched] = []
    for slot in range(state.get(Account, account).slots):
        position: Position = state.get(Position, account * POSITION_SLOTS + slot)
        if position.size:
            found.append(Touched(slot, position))
    return sorted(found, key=lambda each: -abs(each.position.size) * state.get(MarketPrice, each.position.market).price)


class Waterfall:
    """Liquidates, backstops, deleverages and socialises until the rules allow nothing more in this batch.

    Attributes:
        stages: What each stage has done.
        losses: Who bore what accounts owed beyond their equity.
        waiting: Accounts that are unhealthy after the last run, and how often each step was refused in it and why.
        below_zero: Accounts whose equity was seen below zero.
    """

    def __init__(self, venue: Venue, watch: Watch, makers: Makers) -> None:
        self.stages = {name: Stage() for name in STAGES}
        self.losses = Losses()
        self.waiting: dict[int, Counter[str]] = {}
        self.below_zero: set[int] = set()
        self._venue = venue
        self._state = venue.state
        self._watch = watch
        self._makers = makers
        self._why: Counter[str] = Counter()

    def run(self) -> None:
        """Work until nothing moves. Afterwards `waiting` tells of each unhealthy account why each step was refused."""
        moved = True
        while moved:
            moved = False
            self.waiting = {}
            self._settle_watch()
            for account in self._watch.unhealthy():
                moved |= self._work(account)
            self._settle_watch()
            moved |= self._fund_below_close_out()
        self._settle_watch()

    def _settle_watch(self) -> None:
        self._watch.take(self._venue.touched)
        self._venue.touched.clear()

    def _work(self, account: int) -> bool:
        """Work on one account until it is healthy or nothing more is allowed; whether anything was done."""
        self._why = Counter()
        moved = False
        while True:
            whole = look_at(self._state, account)
            if whole.health.equity >= whole.health.maintenance:
                return moved
            if whole.health.equity < 0:
                self.below_zero.add(account)
            if not self._step(account, whole):
                self.waiting[account] = self._why
                return moved
            moved = True

    def _step(self, account: int, whole: Whole) -> bool:
        """One operation on an unhealthy account, the mildest that the rules allow."""
        positions = positions_of(self._state, account)
        if not positions:
            return self._socialise(account)
        return any(self._reduce(account, whole, each) for each in positions)

    def _reduce(self, account: int, whole: Whole, each: Touched) -> bool:
        """Close some of a position."""
        market = self._state.market(each.position.market)
        if not below_close_out(at_best(whole.health, whole.terms.doubt), market):
            rested = self._venue.now - whole.account.liquidated_at >= self._state.parameters.cooldown_seconds
            if not rested:
                self._why["liquidate: COOLDOWN"] += 1
            return rested and self._liquidate(account, whole, each, STAGED)
        return (
            self._liquidate(account, whole, each, CLOSE_OUT)
            or self._backstop(account, each)
            or self._deleverage(account, each)
        )

    def _note(self, stage: str, account: int, lots: int, market: int) -> None:
        entry = self.stages[stage]
        entry.steps += 1
        entry.notional += lots * self._state.get(MarketPrice, market).price
        entry.accounts.add(account)
        self._settle_watch()

    # Liquidation

    def _liquidate(self, account: int, whole: Whole, each: Touched, stage: str) -> bool:
        """Close lots against the cheapest maker that takes them."""
        number, size = each.position.market, each.position.size
        market: Market = self._state.market(number)
        price: MarketPrice = self._state.get(MarketPrice, number)
        most, least = self._lots_range(size, whole, price, market, stage)
        worst_ppm = market.slippage_full_ppm if stage == CLOSE_OUT else market.slippage_partial_ppm
        if stage != UNWIND:
            worst_ppm = min(worst_ppm, affordable_ppm(self._state, account, whole))
        reason: Reason | None = None
        for count, offer in enumerate(self._makers.offers(number, size > 0, most, least, worst_ppm)):
            if count == OFFERS_TRIED:
                break
            taker_slot = position_slot(self._state, offer.order.account, number)
            if taker_slot is None:
                continue
            asked_ppm = -(-abs(offer.price - price.price) * PPM // price.price)
            for fee_ppm in fees_to_try(worst_ppm - asked_ppm, stage):
                reason = self._venue.apply(
                    Liquidate(
                        account=account,
                        slot=each.slot,
                        market=number,
                        lots=offer.order.lots,
                        price=offer.price,
                        fee_ppm=fee_ppm,
                        taker=offer.order,
                        taker_slot=taker_slot,
                        taker_fee_ppm=0,
                    )
                )
                if reason is None:
                    self._note(stage, account, offer.order.lots, number)
                    return True
            if reason in {Reason.COOLDOWN, Reason.ORACLE_LEVEL, Reason.MODE}:
                break
        self._why[f"liquidate: {reason.name if reason else 'no maker takes it'}"] += 1
        return False

    def _lots_range(self, size: int, whole: Whole, price: MarketPrice, market: Market, stage: str) -> tuple[int, int]:
        """Most and least lots of one liquidation."""
        if stage == STAGED:
            cap = step_cap(size, whole.terms.degraded > 0, price, market)
            return cap, -(-cap // 2)
        if stage == UNWIND:
            return max(abs(size) // UNWIND_PARTS, backstop_lots(size, self._state.parameters, price)), 1
        return abs(size), 1

    # Backstop and deleverage

    def _backstop(self, account: int, each: Touched) -> bool:
        """Let the fund take over as much as it can, down to the piece that decides whether deleverage is open."""
        number, size = each.position.market, each.position.size
        price: MarketPrice = self._state.get(MarketPrice, number)
        fund_slot = position_slot(self._state, FUND, number)
        least = backstop_lots(size, self._state.parameters, price)
        lots = abs(size)
        reason: Reason | None = Reason.FUND_MARGIN
        before = look_at(self._state, FUND).health.equity
        while fund_slot is not None and lots >= least:
            reason = self._venue.apply(Backstop(account, each.slot, number, lots, fund_slot))
            if reason is None:
                self.losses.taken_over += max(before - look_at(self._state, FUND).health.equity, 0)
                self._note(BACKSTOP, account, lots, number)
                return True
            if reason is not Reason.FUND_MARGIN or lots == least:
                break
            lots = max(lots // 4, least)
        self._why[f"backstop: {reason.name if reason else 'FUND_MARGIN'}"] += 1
        return False

    def _deleverage(self, account: int, each: Touched) -> bool:
        """Close the position against opposite ones, until it is gone."""
        number = each.position.market
        left = each.position.size
        moved = False
        slot = position_slot(self._state, FUND, number)
        fund_slot = 0 if slot is None else slot
        reason: Reason | None = Reason.NOT_OPPOSITE
        for counterparty in (*self._watch.opposite(number, left > 0), FUND):
            other_slot = position_slot(self._state, counterparty, number)
            if counterparty == account or other_slot is None:
                continue
            held = self._state.get(Position, counterparty * POSITION_SLOTS + other_slot).size
            if held * left >= 0:
                continue
            lots = min(abs(left), abs(held))
            before = look_at(self._state, counterparty).health.equity
            reason = self._venue.apply(
                Deleverage(account, each.slot, counterparty, other_slot, number, lots, fund_slot)
            )
            if reason is not None:
                break
            self.losses.deleveraged += before - look_at(self._state, counterparty).health.equity
            self._note(DELEVERAGE, account, lots, number)
            moved = True
            left += lots if left < 0 else -lots
            if left == 0:
                return True
        if not moved:
            self._why[f"deleverage: {reason.name if reason else 'NOT_OPPOSITE'}"] += 1
        return moved

    def _socialise(self, account: int) -> bool:
        """Spread what a flat account owes."""
        closed: Account = self._state.get(Account, account)
        before = look_at(self._state, account).health.equity
        fund_before = look_at(self._state, FUND).health.equity
        market = max(closed.closed_market - 1, 0)
        reason = self._venue.apply(Socialise(account, market))
        if reason is not None:
            self._why[f"socialise: {reason.name}"] += 1
            return False
        covered = look_at(self._state, account).health.equity - before
        paid = 0 if account == FUND else max(fund_before - look_at(self._state, FUND).health.equity, 0)
        self.losses.fund_paid += min(paid, covered)
        self.losses.socialised += covered - min(paid, covered)
        self._note(SOCIALISE, account, 0, market)
        return True

    # The fund

    def _fund_below_close_out(self) -> bool:
        """Deleverage the fund where it is itself below close-out, and socialise what it owes once it is flat."""
        self._why = Counter()
        moved = False
        while True:
            whole = look_at(self._state, FUND)
            best = at_best(whole.health, whole.terms.doubt)
            positions = positions_of(self._state, FUND)
            if not positions:
                done = whole.health.equity < 0 and self._socialise(FUND)
            else:
                done = any(
                    below_close_out(best, self._state.market(each.position.market)) and self._deleverage(FUND, each)
                    for each in positions
                )
            if not done:
                if whole.health.equity < 0 or (positions and whole.health.equity < whole.health.maintenance):
                    self.waiting[FUND] = self._why
                return moved
            moved = True

    def unwind(self) -> None:
        """Sell a part of what the fund holds."""
        for each in positions_of(self._state, FUND):
            market = self._state.market(each.position.market)
            state = oracle_state(self._state.get(MarketPrice, each.position.market), market, self._venue.now)
            if not state.blind:
                self._liquidate(FUND, look_at(self._state, FUND), each, UNWIND)
        self._settle_watch()


def affordable_ppm(state: State, account: int, whole: Whole) -> int:
    """The most a liquidation can cost, of notional, without lowering the account's ratio: its equity by its notional.

    A guess for choosing offers and fees; the rules decide.
    """
    gross = sum(
        abs(each.position.size) * state.get(MarketPrice, each.position.market).price
        for each in positions_of(state, account)
    )
    return max(whole.health.equity * PPM // max(gross, 1), 0)


def fees_to_try(left_ppm: int, stage: str) -> tuple[int, ...]:
    """Liquidation fee rates, the highest first: what the account can bear, and nothing."""
    if stage == UNWIND:
        return (0,)
    fee_ppm = min(max(left_ppm - FEE_MARGIN_PPM, 0), FEE_PPM)
    return (fee_ppm, 0) if fee_ppm else (0,)
