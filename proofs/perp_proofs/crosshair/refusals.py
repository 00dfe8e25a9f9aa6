"""Contracts of the rules with more paths than CrossHair goes: what they refuse before they settle anything, and why.

Such a contract is about operations of which one of the first guards does not hold. It says which reason is given then:
that of the first one. Of operations that pass these guards it says nothing.
"""

from perp_proofs.crosshair.branching import Answer, answer
from perp_spec.perpetual.operations import (
    Backstop,
    Deleverage,
    ForcedReduce,
    Liquidate,
    Mark,
    OracleTick,
    Order,
    Report,
    Socialise,
    Trade,
)
from perp_spec.perpetual.records import (
    Account,
    Exchange,
    Ledger,
    Market,
    MarketBook,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Parameters,
    Position,
    Request,
)
from perp_spec.words import FAMILIES_MAX


def first(*guards: tuple[bool, str]) -> str:
    """The reason of the first guard that does not hold; empty where all hold."""
    for holds, reason in guards:
        if not holds:
            return reason
    return ""


# Ticks


def why_no_mark(op: Mark, frozen_at: int, highest: int, index: int) -> str:
    """The first guard of a mark that does not hold."""
    return first(
        (frozen_at == 0, "FROZEN"),
        (highest >= 1, "NO_MARKET"),
        (1 <= op.bid <= op.ask <= highest, "PRICE_RANGE"),
        (1 <= op.last <= highest, "PRICE_RANGE"),
        (index >= 1, "ORACLE_LEVEL"),
    )


def mark(op: Mark, frozen_at: int, highest: int, index: int) -> Answer:
    """A book that is none, in a market that there is, is refused, and one before the first price.

    pre: why_no_mark(op, frozen_at, highest, index) != ""
    post: _.reason == why_no_mark(op, frozen_at, highest, index)
    """
    exchange = Exchange(frozen_at=frozen_at)
    return answer("mark", op, exchange, Market(max_price=highest), MarketPrice(index=index), MarketOracle())


def why_no_tick(authorised: bool, frozen_at: int, highest: int, since: int) -> str:
    """The first guard of an oracle tick that does not hold."""
    return first(
        (frozen_at == 0, "FROZEN"),
        (highest >= 1, "NO_MARKET"),
        (authorised, "BAD_SIGNATURE"),
        (since >= 3, "TICK_TOO_SOON"),
    )


def oracle_tick(authorised: bool, frozen_at: int, highest: int, since: int) -> Answer:
    """A tick without its signatures is refused, and one too soon after the last.

    pre: why_no_tick(authorised, frozen_at, highest, since) != ""
    post: _.reason == why_no_tick(authorised, frozen_at, highest, since)
    """
    op = OracleTick(0, (Report(),) * FAMILIES_MAX, authorised)
    exchange, price = Exchange(time=1_000 + since, frozen_at=frozen_at), MarketPrice(ticked_at=1_000)
    return answer("oracle_tick", op, Parameters(), exchange, Market(max_price=highest), price, MarketOracle())


# Trading


def why_no_trade(op: Trade, frozen_at: int, largest: int, highest: int, buyer: Account, seller: Account) -> str:
    """The first guard of a trade, before those of its orders, that does not hold."""
    return first(
        (frozen_at == 0, "FROZEN"),
        (highest >= 1, "NO_MARKET"),
        (1 <= op.lots <= largest, "LOTS"),
        (1 <= op.price <= highest, "PRICE_RANGE"),
        (op.buyer.account != op.seller.account, "SAME_ACCOUNT"),
        (op.buyer.account >= 2 and op.seller.account >= 2, "RESERVED_ACCOUNT"),
        (buyer.kind != 0 and seller.kind != 0, "NO_ACCOUNT"),
        (buyer.owner != seller.owner, "SAME_OWNER"),
    )


def trade(op: Trade, frozen_at: int, largest: int, highest: int, buyer: Account, seller: Account) -> Answer:
    """Nobody trades with themselves, with a reserved account, or outside the market's lots and prices.

    pre: why_no_trade(op, frozen_at, largest, highest, buyer, seller) != ""
    post: _.reason == why_no_trade(op, frozen_at, largest, highest, buyer, seller)
    """
    market, position, stored = Market(max_size=largest, max_price=highest), Position(), OrderSlot()
    exchange = Exchange(frozen_at=frozen_at)
    sides = (buyer, position, (), stored, seller, position, (), stored)
    return answer("trade", op, Parameters(), exchange, market, MarketPrice(), Ledger(), MarketBook(), *sides)


# The waterfall


def why_no_liquidation(
    op: Liquidate, frozen_at: int, largest: int, highest: int, account: Account, taker: Account
) -> str:
    """The first guard of a liquidation, before those of the order, that does not hold."""
    return first(
        (frozen_at == 0, "FROZEN"),
        (highest >= 1, "NO_MARKET"),
        (1 <= op.lots <= largest, "LOTS"),
        (1 <= op.price <= highest, "PRICE_RANGE"),
        (op.account != op.taker.account, "SAME_ACCOUNT"),
        (op.account != 1 and op.taker.account >= 2, "RESERVED_ACCOUNT"),
        (account.kind != 0 and taker.kind != 0, "NO_ACCOUNT"),
        (account.owner != taker.owner, "SAME_OWNER"),
    )


def liquidate(op: Liquidate, frozen_at: int, largest: int, highest: int, account: Account, taker: Account) -> Answer:
    """Nobody takes over from themselves, for a reserved account, or outside the market's lots and prices.

    pre: why_no_liquidation(op, frozen_at, largest, highest, account, taker) != ""
    post: _.reason == why_no_liquidation(op, frozen_at, largest, highest, account, taker)
    """
    market, position = Market(max_size=largest, max_price=highest), Position()
    exchange = Exchange(frozen_at=frozen_at)
    sides = (account, position, (), taker, position, (), OrderSlot())
    return answer("liquidate", op, Parameters(), exchange, market, MarketPrice(), Ledger(), MarketBook(), *sides)


def why_no_backstop(op: Backstop, frozen_at: int, largest: int, highest: int, kind: int) -> str:
    """The first guard of a backstop, before that of the mode, that does not hold."""
    return first(
        (frozen_at == 0, "FROZEN"),
        (highest >= 1, "NO_MARKET"),
        (1 <= op.lots <= largest, "LOTS"),
        (op.account >= 2, "RESERVED_ACCOUNT"),
        (kind != 0, "NO_ACCOUNT"),
    )


def backstop(op: Backstop, frozen_at: int, largest: int, highest: int, kind: int) -> Answer:
    """The fund takes nothing over from a reserved account, nor from one that is not there.

    pre: why_no_backstop(op, frozen_at, largest, highest, kind) != ""
    post: _.reason == why_no_backstop(op, frozen_at, largest, highest, kind)
    """
    market, position = Market(max_size=largest, max_price=highest), Position()
    exchange, account = Exchange(frozen_at=frozen_at), Account(kind=kind)
    sides = (account, position, (), Account(), position, ())
    return answer("backstop", op, Parameters(), exchange, market, MarketPrice(), Ledger(), MarketBook(), *sides)


def why_no_deleverage(op: Deleverage, frozen_at: int, largest: int, highest: int, kinds: tuple[int, int]) -> str:
    """The first guard of a deleverage, before that of the mode, that does not hold."""
    return first(
        (frozen_at == 0, "FROZEN"),
        (highest >= 1, "NO_MARKET"),
        (1 <= op.lots <= largest, "LOTS"),
        (op.account != op.counterparty, "SAME_ACCOUNT"),
        (op.account != 1 and op.counterparty != 1, "RESERVED_ACCOUNT"),
        (kinds[0] != 0 and kinds[1] != 0, "NO_ACCOUNT"),
    )


def deleverage(op: Deleverage, frozen_at: int, largest: int, highest: int, kinds: tuple[int, int]) -> Answer:
    """Nobody bears their own loss, and nobody bears one of an account that is not there.

    pre: why_no_deleverage(op, frozen_at, largest, highest, kinds) != ""
    post: _.reason == why_no_deleverage(op, frozen_at, largest, highest, kinds)
    """
    market, position = Market(max_size=largest, max_price=highest), Position()
    exchange = Exchange(frozen_at=frozen_at)
    sides = (Account(kind=kinds[0]), position, (), Account(kind=kinds[1]), position, (), Account(), position, ())
    return answer("deleverage", op, Parameters(), exchange, market, MarketPrice(), Ledger(), MarketBook(), *sides)


def why_no_loss(frozen_at: int, highest: int, kind: int, collateral: int) -> str:
    """The first guard of a socialised loss, up to that of the deficit, that does not hold."""
    return first(
        (frozen_at == 0, "FROZEN"),
        (highest >= 1, "NO_MARKET"),
        (kind != 0, "NO_ACCOUNT"),
        (collateral < 0, "NOT_BANKRUPT_FLAT"),
    )


def socialise(op: Socialise, frozen_at: int, highest: int, collateral: int, absent: bool) -> Answer:
    """Of a flat account without a deficit nothing is borne by others.

    pre: op.account >= 2
    pre: why_no_loss(frozen_at, highest, 0 if absent else 1, collateral) != ""
    post: _.reason == why_no_loss(frozen_at, highest, 0 if absent else 1, collateral)
    """
    other = Account() if absent else Account(kind=1, collateral=collateral)
    exchange, market = Exchange(frozen_at=frozen_at), Market(max_price=highest)
    state = (Ledger(), market, MarketPrice(), MarketBook(), (), Account(kind=1), ())
    return answer("socialise", op, Parameters(), exchange, *state, other, ())


# Forced requests


def why_no_reduction(account: int, counterparty: int, frozen_at: int, highest: int, kind: int) -> str:
    """The first guard of an answer to a forced reduction, before anything is settled, that does not hold."""
    return first(
        (frozen_at == 0, "FROZEN"),
        (highest >= 1, "NO_MARKET"),
        (account != counterparty, "SAME_ACCOUNT"),
        (kind == 2, "FORCED_UNKNOWN"),
    )


def forced_reduce(account: int, counterparty: int, frozen_at: int, highest: int, kind: int) -> Answer:
    """There is an answer only to a request that was made, by another account.

    pre: why_no_reduction(account, counterparty, frozen_at, highest, kind) != ""
    post: _.reason == why_no_reduction(account, counterparty, frozen_at, highest, kind)
    """
    op = ForcedReduce(account, 0, 0, 1, 0, 0, counterparty, 0, Order(), 0)
    state = (Market(max_price=highest), MarketPrice(), Ledger(), MarketBook(), Request(kind=kind))
    exchange, side = Exchange(frozen_at=frozen_at), (Account(), Position(), ())
    return answer("forced_reduce", op, Parameters(), exchange, *state, *side, *side, OrderSlot(), *side)
