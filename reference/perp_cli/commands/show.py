"""Shows what is in a stored exchange: an account with every term of its health, a market, or the whole.

perp show --state DIR                   the exchange and its markets
perp show --state DIR account 3         one account: positions, health, liquidation prices
perp show --state DIR market BTC        one market: prices, oracle, funding, open interest

With --write-config FILE the configuration of the exchange is written too; perp escape, perp verify and perp init take
it with --config.
"""

import argparse
from datetime import UTC, datetime
from typing import Any

from attrs import asdict

from perp_cli.arguments import path, whole_number
from perp_cli.errors import UsageError
from perp_cli.exchange import add_state_argument, open_store
from perp_cli.exit_codes import ExitCode
from perp_cli.files import pending
from perp_cli.output import Output
from perp_cli.present import KINDS, account_name, mode_name, money, root_hex, symbol, table, unit_price, units
from perp_reference.core.state import State
from perp_reference.core.views import AccountView, PositionView, account_view, level_of
from perp_reference.errors import one_line
from perp_reference.formats.config import encode_config
from perp_reference.store.store import Store
from perp_spec.perpetual.common import mode_of
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.health import oracle_state
from perp_spec.perpetual.records import (
    Account,
    Claim,
    Exchange,
    Forced,
    Kind,
    Ledger,
    MarketBook,
    MarketOracle,
    MarketPrice,
    Request,
)
from perp_spec.words import ACCOUNTS_MAX, PPM


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the exchange and what of it to show."""
    add_state_argument(parser)
    parser.add_argument("what", nargs="?", choices=("account", "market"), help="show one of these")
    parser.add_argument("which", nargs="?", metavar="WHICH", help="number of the account, symbol of the market")
    parser.add_argument("--write-config", metavar="FILE", type=path, help="write the configuration, as a file")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Shows it.

    Raises:
        MalformedInput: The store is damaged.
        StoreError: There is no exchange in the directory.
        UsageError: There is no such account or market, or the file for the configuration cannot be written.
    """
    if arguments.what and arguments.which is None:
        raise UsageError(f"show {arguments.what} takes {'a number' if arguments.what == 'account' else 'a symbol'}")
    with (
        open_store(arguments.state, output) as store,
        pending(arguments.write_config, apart_from=(store.path,)) as (file,),
    ):
        if arguments.what == "account":
            show_account(store.config, account_view(store.state, account_number(store, arguments.which)), store, output)
        elif arguments.what == "market":
            show_market(store, market_number(store.config, arguments.which), output)
        else:
            show_exchange(store, output)
        if file is not None:
            file.write(encode_config(store.config))
    return ExitCode.OK


def account_number(store: Store, text: str) -> int:
    """The account a user names.

    Raises:
        UsageError: It is no number, or no such account exists.
    """
    try:
        number = whole_number(text, 0, ACCOUNTS_MAX - 1)
    except ValueError as error:
        raise UsageError(f"argument WHICH: {error}") from None
    if store.state.get(Account, number).kind == Kind.ABSENT:
        raise UsageError(f"account {number} does not exist; there are {len(store.state.tables[Account])}")
    return number


def market_number(config: Config, text: str) -> int:
    """The market a user names.

    Raises:
        UsageError: There is none of this symbol.
    """
    symbols = [entry.symbol for entry in config.markets]
    if text not in symbols:
        raise UsageError(f"no market {one_line(text) or 'of an empty name'}; there are {', '.join(symbols)}")
    return symbols.index(text)


def show_account(config: Config, view: AccountView, store: Store, output: Output) -> None:
    """Shows an account: what it is, its positions with their terms, and how its health comes about."""
    account = view.account
    parent = f", parent {account.parent}, {symbol(config, account.market)} only" if account.parent else ""
    owner = f"{root_hex(account.owner)[:16]}..." if account.owner else "none"
    output.line(f"{account_name(view.number)}: {KINDS[account.kind]}{parent}, owner {owner}")
    output.line(f"state: {view.state}")
    if view.positions:
        head = ("slot", "market", "size", "health price", "value", "maintenance", "initial", "buffer", "liquidation at")
        rows = [head, *(position_row(config, position) for position in view.positions)]
        for line in table(rows, left=2):
            output.line(f"  {line}")
    for line in table(health_rows(view)):
        output.line(f"  {line}")
    request = store.state.get(Request, view.number)
    for line in request_lines(config, request):
        output.line(f"  {line}")
    requested = {"request": fields_document(request) if request != Request() else None}
    output.document({**account_document(config, view), **requested})


def request_lines(config: Config, request: Request) -> list[str]:
    """A forced request, and a claim on a frozen exchange, in words."""
    wishes = {
        Forced.WITHDRAW: f"to withdraw {money(request.amount)}",
        Forced.REDUCE: f"to reduce {symbol(config, request.market)} by {units(config, request.market, request.amount)}",
    }
    claims = {Claim.CLAIMED: "claimed", Claim.PAID: "paid out"}
    lines: list[str] = []
    if request.kind != Forced.NONE:
        lines.append(f"forced request {wishes[request.kind]}, to be answered by {moment(request.deadline)}")
    if request.claimed != Claim.NONE:
        lines.append(f"claim on the frozen exchange: {money(request.claim)}, {claims[request.claimed]}")
    return lines


def moment(time: int) -> str:
    """A time in seconds, and as a date where there is one."""
    try:
        return f"{time} s ({datetime.fromtimestamp(time, UTC).strftime('%Y-%m-%d %H:%M:%S')} UTC)"
    except (ValueError, OverflowError, OSError):
        return f"{time} s"


def position_row(config: Config, view: PositionView) -> tuple[str, ...]:
    """A position with its terms, as a row."""
    market = view.position.market
    price = view.liquidation_price
    level = level_of(view.oracle)
    return (
        str(view.slot),
        symbol(config, market) + ("" if level == "good" else f" ({level})"),
        units(config, market, view.position.size),
        unit_price(config, market, view.price.price),
        money(view.terms.value),
        money(view.terms.maintenance),
        money(view.terms.initial),
        money(view.terms.buffer),
        "never" if price is None else unit_price(config, market, price),
    )


def health_rows(view: AccountView) -> list[tuple[str, str]]:
    """How an account's health comes about."""
    terms, health = view.whole.terms, view.health
    rows = [
        ("collateral as stored", money(view.account.collateral)),
        ("funding and losses due", money(terms.cash)),
        ("collateral settled", money(view.whole.collateral)),
        ("value of the positions", money(terms.value)),
        ("equity", money(health.equity)),
        ("linear maintenance margin", money(health.linear)),
        ("funding buffer", money(terms.buffer)),
    ]
    if view.scenarios:
        worst = max(0, *view.scenarios)
        rows.append(("worst scenario", f"{money(worst)} (number {view.scenarios.index(max(view.scenarios)) + 1})"))
    rows += [
        ("maintenance margin", money(health.maintenance)),
        ("initial margin", money(health.initial)),
        ("equity over maintenance", ratio(health.equity, health.maintenance)),
        ("free above initial margin", money(max(health.equity - health.initial, 0))),
    ]
    return rows


def ratio(part: int, whole: int) -> str:
    """A ratio as a percentage with one digit, rounded down; infinite over zero."""
    if whole == 0:
        return "no requirement"
    tenths = part * 1000 // whole
    return f"{'-' if tenths < 0 else ''}{abs(tenths) // 10:,}.{abs(tenths) % 10} %"


def account_document(config: Config, view: AccountView) -> dict[str, object]:
    """An account for programs: integers in atoms, lots and atoms a lot, as decimal strings."""
    health = view.health
    return {
        "account": view.number,
        "kind": KINDS[view.account.kind],
        "state": view.state,
        "collateral": str(view.whole.collateral),
        "equity": str(health.equity),
        "maintenance": str(health.maintenance),
        "initial": str(health.initial),
        "linear": str(health.linear),
        "scenarios": [str(loss) for loss in view.scenarios],
        "positions": [
            {
                "slot": position.slot,
                "market": symbol(config, position.position.market),
                "size": str(position.position.size),
                "price": str(position.price.price),
                "level": level_of(position.oracle),
                "liquidation_price": None if position.liquidation_price is None else str(position.liquidation_price),
                "terms": {name: str(value) for name, value in position.terms._asdict().items()},
            }
            for position in view.positions
        ],
    }


def percent(ppm: int) -> str:
    """A rate in percent, exact."""
    sign = "-" if ppm < 0 else ""
    whole, part = divmod(abs(ppm), PPM // 100)
    return f"{sign}{whole}.{part:04d} %"


def show_market(store: Store, number: int, output: Output) -> None:
    """Shows a market."""
    state, config = store.state, store.config
    price, oracle, book = (state.get(kind, number) for kind in (MarketPrice, MarketOracle, MarketBook))
    exchange = state.get(Exchange, 0)
    level = level_of(oracle_state(price, state.market(number), exchange.time))
    rows = [
        ("health price", unit_price(config, number, price.price)),
        ("index", unit_price(config, number, price.index)),
        ("average", unit_price(config, number, oracle.average)),
        ("oracle", level),
        ("age of the last tick", f"{exchange.time - price.ticked_at} s"),
        ("mode", mode_name(mode_of(exchange, price), exchange)),
        ("open interest", f"{units(config, number, book.open_interest)} {symbol(config, number)}"),
        ("open interest, value", money(book.open_interest * price.price)),
        ("liquidated in this window", f"{units(config, number, book.window_liquidated)} {symbol(config, number)}"),
        ("funding rate, hourly", percent(oracle.funding_rate_ppm)),
        ("premium samples", str(oracle.samples)),
    ]
    output.line(f"{symbol(config, number)}: market {number}, one lot is {config.markets[number].lot}")
    for line in table(rows):
        output.line(f"  {line}")
    records = {"price": price, "oracle": oracle, "book": book}
    output.document(
        {
            "market": number,
            "symbol": symbol(config, number),
            "level": level,
            **{name: fields_document(record) for name, record in records.items()},
        }
    )


def fields_document(record: Any) -> dict[str, object]:
    """A record for programs: integers as decimal strings."""
    return {name: text(value) for name, value in asdict(record).items()}


def text(value: object) -> object:
    """A field's value for programs."""
    if isinstance(value, bool):
        return value
    return [str(item) for item in value] if isinstance(value, tuple) else str(value)


def show_exchange(store: Store, output: Output) -> None:
    """Shows the whole."""
    state, config = store.state, store.config
    exchange, ledger = state.get(Exchange, 0), state.get(Ledger, 0)
    rows = [
        ("batch", str(exchange.number)),
        ("time", moment(exchange.time)),
        ("mode", mode_name(exchange.mode, exchange)),
        ("frozen", f"since {moment(exchange.frozen_at)}" if exchange.frozen_at else "no"),
        ("accounts", str(len(state.tables[Account]))),
        ("vault", money(ledger.vault)),
        ("withdrawal bucket", money(ledger.bucket)),
        ("waiting for the fund", money(ledger.fund_inbox)),
        ("waiting for the fee account", money(ledger.fees_inbox)),
        ("dust, micro-atoms", str(ledger.dust)),
        ("flat accounts below zero", str(ledger.bankrupt)),
        ("root", root_hex(store.commitment.root)),
        ("configuration", root_hex(store.commitment.config_digest)),
    ]
    output.line(f"exchange {config.name}")
    for line in table(rows):
        output.line(f"  {line}")
    head = ("market", "health price", "index", "oracle", "mode", "open interest")
    for line in table([head, *(market_row(state, config, number) for number in range(len(config.markets)))]):
        output.line(f"  {line}")
    output.document(
        {
            "name": config.name,
            "config_digest": root_hex(store.commitment.config_digest),
            "root": root_hex(store.commitment.root),
            "exchange": fields_document(exchange),
            "ledger": fields_document(ledger),
            "markets": [entry.symbol for entry in config.markets],
            "accounts": len(state.tables[Account]),
        }
    )


def market_row(state: State, config: Config, number: int) -> tuple[str, ...]:
    """A market in a row."""
    price, book, exchange = state.get(MarketPrice, number), state.get(MarketBook, number), state.get(Exchange, 0)
    return (
        symbol(config, number),
        unit_price(config, number, price.price),
        unit_price(config, number, price.index),
        level_of(oracle_state(price, state.market(number), exchange.time)),
        mode_name(mode_of(exchange, price), exchange),
        units(config, number, book.open_interest),
    )
