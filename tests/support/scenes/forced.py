"""Scenes of forced requests and their answers, freeze and escape.

LONG holds 100 lots of market 0 at 100, see the scenes of the waterfall.
"""

from typing import Any

from perp_spec.perpetual.operations import EscapeClaim, EscapePay, ForcedReduce, ForcedWithdraw, Freeze
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FEES,
    FUND,
    Account,
    Claim,
    Exchange,
    Forced,
    Ledger,
    MarketPrice,
    Path,
    Position,
    Request,
)
from support.scenes.money import SUSPENDED
from support.scenes.scene import (
    ABSENT,
    CHILD,
    FROZEN,
    LONG,
    OTHER,
    SHORT,
    TWIN,
    Change,
    Guard,
    Scene,
    absent,
    answer,
    guard,
    never,
    op,
    position,
    record,
    traded_world,
)
from support.scenes.trading import order_guards
from support.scenes.waterfall import BLIND, taker_with
from support.worlds import World, order


def request_instead(**fields: Any) -> Change:
    """Another request instead, with its hash chain."""

    def change(world: World, operation: Any) -> Any:
        wanted = {"account": LONG, "kind": Forced.REDUCE, "amount": 30, "market": 0, **fields}
        return world.request(**wanted)

    return change


def request_forced_scene() -> tuple[World, Any]:
    """LONG asks to reduce 30 lots of market 0."""
    world = traded_world()
    return world, world.request(LONG, Forced.REDUCE, 30)


REQUEST_FORCED = Scene(
    "request_forced",
    request_forced_scene,
    (
        FROZEN,
        guard(Reason.QUEUE_ORDER, op(position=99)),
        guard(Reason.HASH_CHAIN, op(chain=1)),
        guard(Reason.FORCED_RESULT, op(result=int(Reason.AMOUNT))),
    ),
    (
        answer(Reason.AMOUNT, request_instead(amount=0)),
        answer(Reason.RESERVED_ACCOUNT, request_instead(account=FEES)),
        answer(Reason.NO_ACCOUNT, request_instead(key=5)),
        answer(Reason.BAD_KIND, request_instead(kind=3)),
        answer(Reason.NO_MARKET, request_instead(market=3)),
        answer(Reason.FORCED_PENDING, record(Request, LONG, kind=1, amount=1, deadline=5)),
    ),
)


def forced_withdraw_scene() -> tuple[World, Any]:
    """LONG, with equity 20,000, gets the 18,000 it asked for."""
    world = traded_world()
    world.must(world.request(LONG, Forced.WITHDRAW, 18_000))
    return world, ForcedWithdraw(LONG)


FORCED_WITHDRAW = Scene(
    "forced_withdraw",
    forced_withdraw_scene,
    (
        FROZEN,
        guard(Reason.FORCED_UNKNOWN, op(account=SHORT)),
        guard(Reason.FORCED_RESULT, op(result=55)),
    ),
    (
        answer(Reason.VAULT, record(Ledger, 0, vault=17_999)),
        answer(Reason.ORACLE_LEVEL, SUSPENDED, record(Request, LONG, amount=18_201)),
        answer(Reason.INITIAL_MARGIN, record(Request, LONG, amount=19_101)),
        answer(Reason.COLLATERAL_RANGE, record(Account, LONG, collateral=2**61 + 18_001)),
    ),
)


def forced_reduce_world() -> World:
    """LONG has asked to reduce 30 lots; at 100 the slip is 0."""
    world = traded_world()
    world.must(world.request(LONG, Forced.REDUCE, 30))
    return world


def by_order() -> tuple[World, Any]:
    """OTHER is willing to buy 30 lots at 100."""
    return forced_reduce_world(), ForcedReduce(
        account=LONG,
        slot=0,
        market=0,
        lots=30,
        path=Path.ORDER,
        counterparty=OTHER,
        counterparty_slot=0,
        order=order(OTHER, True, 40, 100),
    )


def to(account: int) -> Change:
    """Another counterparty, with its order."""
    return op(counterparty=account, order__account=account)


COMMON: tuple[Guard, ...] = (
    FROZEN,
    guard(Reason.NO_MARKET, op(market=3)),
    guard(Reason.SAME_ACCOUNT, op(counterparty=LONG)),
    guard(Reason.FORCED_UNKNOWN, absent(Request, LONG)),
    guard(Reason.SLOT, op(slot=1)),
    guard(Reason.FORCED_RESULT, op(result=55)),
    guard(Reason.LOTS, op(lots=31)),
)

FORCED_BY_ORDER = Scene(
    "forced_reduce by order",
    by_order,
    (
        *COMMON,
        *order_guards("order", OTHER, 11, 99, buys=True),
        guard(Reason.RESERVED_ACCOUNT, op(counterparty=FUND)),
        guard(Reason.NO_ACCOUNT, to(ABSENT)),
        guard(Reason.NO_ACCOUNT, op(counterparty=SHORT)),
        guard(Reason.SAME_OWNER, to(TWIN)),
        guard(Reason.SLOT, op(counterparty_slot=1)),
        guard(Reason.MARKET_NOT_ALLOWED, to(CHILD)),
        guard(Reason.ORDER_REDUCE_ONLY, op(order__reduce_only=True)),
        guard(Reason.ORACLE_LEVEL, position(OTHER, 1, 1, 5), record(MarketPrice, 1, level=2)),
        guard(Reason.SIZE_RANGE, position(OTHER, 0, 0, 995)),
        never(Reason.FUND_MARGIN, "the fund takes no part"),
        never(Reason.NOT_OPPOSITE, "an order may open a position"),
        guard(Reason.COLLATERAL_RANGE, taker_with(-(2**61))),
        # 30 lots at 100: 2,000 * 5 % + 1,000 * 10 %.
        guard(Reason.INITIAL_MARGIN, taker_with(199)),
        never(Reason.HEALTH_RATIO_FELL, "an order that only reduces gains the slip and needs less margin"),
    ),
    (
        answer(Reason.NO_POSITION, record(Request, LONG, market=1), op(lots=0)),
        answer(Reason.ORACLE_LEVEL, BLIND, op(lots=0)),
        answer(Reason.COLLATERAL_RANGE, record(Account, LONG, collateral=2**61 - 2_999), op(lots=0)),
        # At 1,000 the slip is 5. Equity 2,400, below the initial margin: 30 lots cost 150 of it. Before 2,400 of a
        # maintenance margin of 11,340, after 2,250 of 7,740: that is better. With equity 300: 150 of 7,740 is worse.
        answer(
            Reason.HEALTH_RATIO_FELL,
            record(MarketPrice, 0, price=1_000, index=1_000),
            record(Account, LONG, collateral=300 - 100_000),
            op(lots=0),
        ),
    ),
)

NO_ORDER = "no order takes part"


def without_order() -> tuple[Guard, ...]:
    """The guards of an order, where there is none."""
    reasons = [single.reason for single in order_guards("order", OTHER, 11, 99, buys=True)]
    return tuple(never(reason, NO_ORDER) for reason in reasons)


def by_fund() -> tuple[World, Any]:
    """The fund, with 50,000, takes 20 of the 30 lots."""
    world = forced_reduce_world()
    world.must(world.deposit(FUND, 50_000))
    return world, ForcedReduce(LONG, 0, 0, 20, path=Path.FUND, counterparty=FUND)


FORCED_BY_FUND = Scene(
    "forced_reduce by the fund",
    by_fund,
    (
        *COMMON,
        *without_order(),
        guard(Reason.RESERVED_ACCOUNT, op(counterparty=OTHER)),
        guard(Reason.NO_ACCOUNT, absent(Account, FUND)),
        never(Reason.NO_ACCOUNT, NO_ORDER),
        never(Reason.SAME_OWNER, NO_ORDER),
        guard(Reason.SLOT, op(counterparty_slot=1)),
        never(Reason.MARKET_NOT_ALLOWED, NO_ORDER),
        never(Reason.ORDER_REDUCE_ONLY, NO_ORDER),
        never(Reason.ORACLE_LEVEL, NO_ORDER),
        never(Reason.SIZE_RANGE, NO_ORDER),
        # 20 lots at 100: five times an initial margin of 100.
        guard(Reason.FUND_MARGIN, record(Account, FUND, collateral=499)),
        never(Reason.NOT_OPPOSITE, "the fund may open a position"),
        never(Reason.COLLATERAL_RANGE, NO_ORDER),
        never(Reason.INITIAL_MARGIN, NO_ORDER),
        never(Reason.HEALTH_RATIO_FELL, NO_ORDER),
    ),
)


def by_opposite() -> tuple[World, Any]:
    """The fund has nothing: SHORT closes the 30 lots."""
    return forced_reduce_world(), ForcedReduce(LONG, 0, 0, 30, path=Path.OPPOSITE, counterparty=SHORT)


FORCED_BY_OPPOSITE = Scene(
    "forced_reduce by an opposite position",
    by_opposite,
    (
        *COMMON,
        *without_order(),
        guard(Reason.RESERVED_ACCOUNT, op(counterparty=FEES)),
        guard(Reason.NO_ACCOUNT, op(counterparty=ABSENT)),
        never(Reason.NO_ACCOUNT, NO_ORDER),
        never(Reason.SAME_OWNER, NO_ORDER),
        guard(Reason.SLOT, op(counterparty_slot=1)),
        never(Reason.MARKET_NOT_ALLOWED, NO_ORDER),
        never(Reason.ORDER_REDUCE_ONLY, NO_ORDER),
        never(Reason.ORACLE_LEVEL, NO_ORDER),
        never(Reason.SIZE_RANGE, NO_ORDER),
        never(Reason.FUND_MARGIN, "the fund takes no part"),
        guard(Reason.NOT_OPPOSITE, record(Position, 16 * SHORT, size=-29)),
        guard(Reason.SLOT, op(fund_slot=1)),
        # 30 lots at 100: five times an initial margin of 200.
        guard(Reason.BACKSTOP_POSSIBLE, record(Account, FUND, collateral=1_000)),
        never(Reason.COLLATERAL_RANGE, NO_ORDER),
        never(Reason.INITIAL_MARGIN, NO_ORDER),
        never(Reason.HEALTH_RATIO_FELL, NO_ORDER),
    ),
)


def freeze_scene() -> tuple[World, Any]:
    """The request of LONG is a second past its deadline."""
    world = forced_reduce_world()
    world.later(3_601)
    return world, Freeze(LONG)


FREEZE = Scene(
    "freeze",
    freeze_scene,
    (
        FROZEN,
        guard(Reason.FORCED_UNKNOWN, op(account=SHORT)),
        guard(Reason.NOT_DUE, record(Request, LONG, deadline=1_003_601)),
    ),
)


def frozen_world() -> World:
    """LONG has frozen the exchange."""
    world, operation = freeze_scene()
    world.must(operation)
    return world


def escape_claim_scene() -> tuple[World, Any]:
    """LONG claims its 20,000."""
    return frozen_world(), EscapeClaim(LONG)


ESCAPE_CLAIM = Scene(
    "escape_claim",
    escape_claim_scene,
    (
        guard(Reason.NOT_FROZEN, record(Exchange, 0, frozen_at=0)),
        guard(Reason.CLAIM_WINDOW, record(Exchange, 0, frozen_at=996_400)),
        guard(Reason.RESERVED_ACCOUNT, op(account=FEES)),
        guard(Reason.NO_ACCOUNT, op(account=ABSENT)),
        guard(Reason.CLAIMED, record(Request, LONG, claimed=Claim.PAID)),
    ),
)


def escape_pay_scene() -> tuple[World, Any]:
    """LONG has claimed its 20,000; the window is over; the vault covers all claims."""
    world = frozen_world()
    world.must(EscapeClaim(LONG))
    world.later(7_201)
    return world, EscapePay(LONG, 20_000)


ESCAPE_PAY = Scene(
    "escape_pay",
    escape_pay_scene,
    (
        guard(Reason.NOT_FROZEN, record(Exchange, 0, frozen_at=0)),
        guard(Reason.CLAIM_WINDOW, record(Exchange, 0, frozen_at=1_003_602)),
        guard(Reason.CLAIMED, op(account=SHORT)),
        guard(Reason.AMOUNT, op(amount=20_001)),
        # Behind the rules' back only: the payouts of all claims are at most the vault.
        guard(Reason.VAULT, record(Ledger, 0, vault=19_999)),
    ),
)

SCENES = (
    REQUEST_FORCED,
    FORCED_WITHDRAW,
    FORCED_BY_ORDER,
    FORCED_BY_FUND,
    FORCED_BY_OPPOSITE,
    FREEZE,
    ESCAPE_CLAIM,
    ESCAPE_PAY,
)
