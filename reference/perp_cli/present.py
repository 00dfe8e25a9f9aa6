"""Numbers, operations and guards in words for people. Everything exact: no float is involved."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import attrs

from perp_hash.digest import digest_to_hex, unpack_digest
from perp_reference.core.batch import Rejection
from perp_reference.core.explain import Comparison, Guard
from perp_reference.core.machine import rule_of
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.operations import (
    Backstop,
    Deleverage,
    Deposit,
    EndBatch,
    EscapePay,
    ForcedReduce,
    Liquidate,
    OpenAccount,
    OracleTick,
    RequestForced,
    Trade,
    Transfer,
    Withdraw,
)
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Exchange, Forced, Kind, Mode, Path

ATOM_DIGITS = 6

KINDS = {Kind.ABSENT: "absent", Kind.CROSS: "cross", Kind.ISOLATED: "isolated", Kind.PORTFOLIO: "portfolio"}

MODES = {
    Mode.NORMAL: "NORMAL",
    Mode.THROTTLE: "THROTTLE",
    Mode.REDUCE_ONLY: "REDUCE_ONLY",
    Mode.AUCTION: "AUCTION",
    Mode.HALT: "HALT",
}

FROZEN = "FROZEN"
"""Shown in place of a mode where the exchange is frozen: the modes are kept, and none of them matters any more."""

PATHS = {Path.ORDER: "an order", Path.FUND: "the fund", Path.OPPOSITE: "an opposite position"}


def money(atoms: int) -> str:
    """Atoms as an amount of the quote currency: 1,234.50, with as many digits as it takes, two at least."""
    sign = "-" if atoms < 0 else ""
    whole, part = divmod(abs(atoms), 10**ATOM_DIGITS)
    digits = f"{part:0{ATOM_DIGITS}d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole:,}.{digits}"


def plain(number: Decimal) -> str:
    """A decimal without exponent and needless zeros, thousands apart."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def unit_price(config: Config, market: int, price: int) -> str:
    """A price in atoms a lot as one of the quote currency a unit."""
    lot = Decimal(config.markets[market].lot)
    return plain(Decimal(price) / lot / 10**ATOM_DIGITS)


def units(config: Config, market: int, lots: int) -> str:
    """A size in lots as one in units of the underlying."""
    return plain(Decimal(lots) * Decimal(config.markets[market].lot))


def symbol(config: Config, market: int) -> str:
    """What people call a market; its number where it is not configured."""
    return config.markets[market].symbol if market < len(config.markets) else f"market {market}"


def mode_name(mode: int, exchange: Exchange) -> str:
    """What may be done: a mode of the exchange or of a market, unless the exchange is frozen."""
    return FROZEN if exchange.frozen_at else MODES[mode]


def account_name(number: int) -> str:
    """An account, the reserved ones by name."""
    return {0: "the fund", 1: "the fee account"}.get(number, f"account {number}")


def root_hex(packed: int) -> str:
    """A packed digest as 64 hexadecimal digits."""
    return digest_to_hex(unpack_digest(packed))


def deal(config: Config, operation: Any) -> str:
    """Size, market and price of an operation that has all three."""
    if operation.market >= len(config.markets):
        return f"{operation.lots} lots of market {operation.market}"
    size = f"{units(config, operation.market, operation.lots)} {symbol(config, operation.market)}"
    if not hasattr(operation, "price"):
        return size
    return f"{size} at {unit_price(config, operation.market, operation.price)}"


def result_of(code: int) -> str:
    """What a stated result says."""
    return "done" if code == 0 else f"refused with {Reason(code).name}" if code in set(Reason) else f"code {code}"


def describe(config: Config, operation: Any, exchange: Exchange) -> str:
    """An operation that happened in a line: what was wanted and what came of it. `exchange` is as it is after."""
    if isinstance(operation, EndBatch):
        return f"end_batch: mode {mode_name(operation.mode, exchange)}"
    result = getattr(operation, "result", None)
    return wanted(config, operation) if result is None else f"{wanted(config, operation)}: {result_of(result)}"


def wanted(config: Config, operation: Any) -> str:
    """What an operation is to do, in a line."""
    match operation:
        case Deposit():
            text = f"{money(operation.amount)} to {account_name(operation.account)}"
        case Withdraw():
            text = f"{money(operation.amount)} from {account_name(operation.account)}"
        case Transfer():
            payee = account_name(operation.recipient)
            text = f"{money(operation.amount)} from {account_name(operation.sender)} to {payee}"
        case OpenAccount():
            text = f"{account_name(operation.account)}, {KINDS.get(operation.kind, operation.kind)}"
        case Trade():
            text = f"{deal(config, operation)}: {operation.buyer.account} buys from {operation.seller.account}"
        case Liquidate():
            text = f"{deal(config, operation)} of {account_name(operation.account)}, taken by {operation.taker.account}"
        case Backstop():
            text = f"{deal(config, operation)} of {account_name(operation.account)}, taken over by the fund"
        case Deleverage():
            text = f"{deal(config, operation)} of {account_name(operation.account)} against {operation.counterparty}"
        case _:
            text = wanted_rarely(config, operation)
    return f"{rule_of(operation).name}: {text}" if text else rule_of(operation).name


def wanted_rarely(config: Config, operation: Any) -> str:
    """The rarer operations, and by their main fields those that need no words of their own."""
    match operation:
        case OracleTick():
            medians = [report.median for report in operation.reports if report.count]
            if operation.market >= len(config.markets):
                return f"market {operation.market}"
            prices = ", ".join(unit_price(config, operation.market, median) for median in medians)
            return f"{symbol(config, operation.market)} {prices or 'no report'}"
        case RequestForced():
            return f"{wish_of(config, operation)} for {account_name(operation.account)}"
        case ForcedReduce():
            how = f" against {PATHS[operation.path]}" if operation.result == 0 else ""
            return f"{deal(config, operation)} of {account_name(operation.account)}{how}"
        case EscapePay():
            return f"{money(operation.amount)} to {account_name(operation.account)}"
        case EndBatch():
            return f"mode {MODES.get(operation.mode, operation.mode)}"
        case _:
            return main_fields(config, operation)


def wish_of(config: Config, operation: RequestForced) -> str:
    """What a forced request asks for."""
    if operation.kind == Forced.WITHDRAW:
        return money(operation.amount)
    if operation.market >= len(config.markets):
        return f"{operation.amount} lots of market {operation.market}"
    return f"{units(config, operation.market, operation.amount)} {symbol(config, operation.market)}"


def main_fields(config: Config, operation: Any) -> str:
    """Account and market of an operation, where it has them."""
    said: list[str] = []
    names = {attribute.name for attribute in attrs.fields(type(operation))}
    if "account" in names:
        said.append(account_name(operation.account))
    if "market" in names:
        said.append(symbol(config, operation.market))
    return ", ".join(said)


def compared(comparison: Comparison) -> str:
    """A comparison with its numbers: 5 >= 7."""
    relation = comparison.relation.removesuffix(" (products)")
    left, right = (shown(value) for value in (comparison.left, comparison.right))
    return f"{left} {relation} {right}"


def shown(value: int | bool) -> str:
    """A number in a comparison; a digest is cut."""
    text = str(value).lower() if isinstance(value, bool) else f"{value:,}"
    return text if abs(value) < 10**40 else f"{text.replace(',', '')[:12]}..."


def numbers_of(guard: Guard) -> str:
    """What a guard compared; where it is false, only what made it so."""
    return "; ".join(compared(item) for item in (guard.comparisons if guard.holds else guard.deciding))


def refusal(config: Config, rejection: Rejection) -> list[str]:
    """The lines that report a rejected operation: what it was, then every false guard with its numbers."""
    lines = [wanted(config, rejection.operation)]
    for guard in rejection.guards:
        numbers = numbers_of(guard)
        lines.append(f"  {guard.reason.name}: {guard.sentence}{f' ({numbers})' if numbers else ''}")
    return lines


def guard_document(guard: Guard) -> dict[str, object]:
    """A guard for programs."""
    return {
        "reason": guard.reason.name,
        "holds": guard.holds,
        "sentence": guard.sentence,
        "numbers": [
            {"left": str(int(item.left)), "relation": item.relation, "right": str(int(item.right)), "holds": item.holds}
            for item in guard.comparisons
        ],
    }


def rejection_document(rejection: Rejection) -> dict[str, object]:
    """A rejection for programs."""
    return {
        "place": rejection.place,
        "rule": rejection.rule,
        "reason": rejection.reason.name,
        "violated": [reason.name for reason in rejection.violated],
        "guards": [guard_document(guard) for guard in rejection.guards],
    }


def table(rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """Rows as lines with aligned columns: the first `left` of them to the left, the others to the right."""
    listed = [list(row) for row in rows]
    widths = [max(len(row[column]) for row in listed) for column in range(len(listed[0]))] if listed else []
    return [
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in listed
    ]
