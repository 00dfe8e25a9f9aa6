"""Replays recorded prices through the exchange, with a population of traders, and reports what the rules did.

Prices come from files of one-minute candles with the columns open_time_ms,open,high,low,close,volume:

    perp replay --candles BTC=btc.csv ETH=eth.csv --report report/
    perp replay --candles BTC=btc.csv --accounts 200 --from 2021-05-19T12:00 --hours 3
    perp replay --candles BTC=btc.csv --silent 60:75 --frozen 90:100

Everything but the prices is made up from the seed: the same files, accounts and seed give the same state root. The
report is a page for people (replay.html) and its figures for programs (replay.json). The command succeeds if the audit
of the last state is clean and no account is left in any stage of the waterfall.
"""

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output

if TYPE_CHECKING:
    from perp_reference.replay.candles import Feed
    from perp_reference.replay.oracle import Trouble
    from perp_reference.replay.simulation import Simulation

LEAST_ACCOUNTS = 8
MOST_ACCOUNTS = 100_000
MOST_FUND_PPM = 1_000_000

FAULTS = {
    "silent": "the last oracle family reports nothing",
    "lying": "the last oracle family reports 10 %% too little",
    "frozen": "the last oracle family goes on reporting the price from before",
    "outage": "no oracle family reports anything",
}
"""How the oracle can misbehave: the values of perp_reference.replay.oracle.Fault."""

QUIET_SECONDS = 2
"""Progress is shown no more often than this."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes candles, the population, a window of time, and where the report goes."""
    parser.add_argument(
        "--candles",
        metavar="SYMBOL=FILE",
        nargs="+",
        action="extend",
        required=True,
        help="a market of the default configuration and its candles",
    )
    parser.add_argument("--accounts", metavar="N", type=int, default=500, help="accounts (default 500)")
    parser.add_argument("--seed", metavar="S", type=int, default=1, help="seed of all that is random (default 1)")
    parser.add_argument(
        "--fund", metavar="PPM", type=int, default=10_000, help="insurance fund, ppm of all deposits (default 10000)"
    )
    parser.add_argument("--report", metavar="DIR", type=Path, help="write replay.html and replay.json there")
    parser.add_argument("--from", metavar="TIME", dest="first", help="first minute, UTC, such as 2021-05-19T12:00")
    parser.add_argument("--to", metavar="TIME", dest="last", help="minute at which to stop, UTC")
    parser.add_argument("--hours", metavar="H", type=int, help="so many hours from the first minute")
    for fault, what in FAULTS.items():
        parser.add_argument(f"--{fault}", metavar="A:B", help=f"from minute A to minute B {what}")
    parser.add_argument("--no-root", action="store_true", help="keep no state root: faster, the digest tells the same")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Replays, writes the report, and says what happened.

    Raises:
        UsageError: An argument asks for something that does not exist.
        MalformedInput: A file of candles breaks its format.
    """
    from perp_reference.kernels.tree import commitment
    from perp_reference.replay.document import document
    from perp_reference.replay.simulation import Settings, Simulation

    if not LEAST_ACCOUNTS <= arguments.accounts <= MOST_ACCOUNTS:
        raise UsageError(f"--accounts is {LEAST_ACCOUNTS} to {MOST_ACCOUNTS}")
    if not 0 <= arguments.fund <= MOST_FUND_PPM:
        raise UsageError(f"--fund is 0 to {MOST_FUND_PPM}")
    troubles = tuple(trouble for fault in FAULTS for trouble in troubles_of(fault, vars(arguments)[fault]))
    feeds = read_feeds(arguments.candles)
    minutes = minutes_of(feeds, arguments)
    if arguments.report:
        arguments.report.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    settings = Settings(arguments.accounts, arguments.seed, arguments.fund, troubles)
    simulation = Simulation(feeds, minutes, settings, None if arguments.no_root else commitment)
    simulation.run(Progress(output))
    found = document(simulation)
    seconds = time.monotonic() - started
    if arguments.report:
        write_report(arguments.report, found)
    say(found, seconds, arguments.report, output)
    summary = {name: part for name, part in found.items() if name not in {"series", "hours", "parameters", "markets"}}
    output.document({**summary, "seconds": round(seconds, 1)})
    return ExitCode.OK if found["result"]["clean"] else ExitCode.FALSE


def read_feeds(given: list[str]) -> "list[Feed]":
    """Reads the candles of each market.

    Raises:
        UsageError: A market is not known, or named twice.
        MalformedInput: A file breaks its format.
    """
    from perp_reference.replay.candles import read_feed
    from perp_spec.perpetual.defaults import MAX_PRICE, RISKS

    lots = {risk.symbol: risk.lot for risk in RISKS}
    files: dict[str, str] = {}
    for word in given:
        symbol, equals, file = word.partition("=")
        if not equals or not file:
            raise UsageError(f"--candles takes SYMBOL=FILE, not {word}")
        if symbol not in lots:
            raise UsageError(f"no default market {symbol}; there are {', '.join(lots)}")
        if symbol in files:
            raise UsageError(f"{symbol} is named twice")
        files[symbol] = file
    return [read_feed(Path(file), symbol, lots[symbol], MAX_PRICE) for symbol, file in files.items()]


def minutes_of(feeds: "list[Feed]", arguments: argparse.Namespace) -> list[int]:
    """The minutes to replay: those of the first feed in the window; every market must have the first of them.

    Raises:
        UsageError: There are none, or a market begins later.
    """
    if arguments.last and arguments.hours is not None:
        raise UsageError("--to and --hours exclude each other")
    known = sorted(feeds[0].candles)
    first = time_of(arguments.first) if arguments.first else known[0]
    last = time_of(arguments.last) if arguments.last else known[-1] + 1
    if arguments.hours is not None:
        last = first + 3_600 * arguments.hours
    minutes = [minute for minute in known if first <= minute < last]
    if not minutes:
        raise UsageError(f"{feeds[0].symbol} has no candle in that time")
    for feed in feeds:
        if minutes[0] not in feed.candles:
            raise UsageError(f"{feed.symbol} has no candle for the first minute")
    return minutes


def time_of(text: str) -> int:
    """Seconds since the epoch of a time, in UTC unless it states its offset.

    Raises:
        UsageError: It is none.
    """
    from datetime import UTC, datetime

    try:
        time = datetime.fromisoformat(text)
        return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise UsageError(f"{text} is no time such as 2021-05-19T12:00") from None


def troubles_of(fault: str, span: str | None) -> "tuple[Trouble, ...]":
    """The time in which the oracle misbehaves.

    Raises:
        UsageError: The span is none.
    """
    from perp_reference.replay.oracle import Fault, Trouble

    if span is None:
        return ()
    first, _, last = span.partition(":")
    if not (first.isdecimal() and last.isdecimal() and int(first) < int(last)):
        raise UsageError(f"--{fault} takes two minutes such as 60:75, not {span}")
    return (Trouble(int(first), int(last), Fault(fault)),)


class Progress:
    """Says from time to time how far a replay has come."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._next = time.monotonic() + QUIET_SECONDS

    def __call__(self, done: int, of: int, simulation: "Simulation") -> None:
        """Takes notice of a minute that is done."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + QUIET_SECONDS
        steps = sum(stage.steps for stage in simulation.waterfall.stages.values())
        trades = simulation.venue.outcomes["trade", 0]
        self._output.progress(f"minute {done} of {of}: {trades:,} trades, {steps:,} steps of the waterfall")


def write_report(directory: Path, found: dict[str, Any]) -> None:
    """Writes the page and its figures."""
    from perp_reference.replay.page import page

    (directory / "replay.json").write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")
    (directory / "replay.html").write_text(page(found), encoding="utf-8")


def say(found: dict[str, Any], seconds: float, report: Path | None, output: Output) -> None:
    """Tells a person what happened."""
    replay, result, done, money = found["replay"], found["result"], found["waterfall"], found["money"]
    output.line(
        f"{replay['minutes']:,} minutes of {len(replay['symbols'])} markets with {replay['accounts']:,} accounts: "
        f"{replay['trades']:,} trades in {replay['batches']:,} batches, {seconds:.0f} s"
    )
    output.line()
    for stage, entry in done["stages"].items():
        counts = f"{entry['steps']:>9,} steps {entry['notional']:>15,} notional {entry['accounts']:>7,} accounts"
        output.line(f"  {stage:<28}{counts}")
    output.line()
    losses = done["losses"]
    modes = ", ".join(f"{name} {minutes:,}" for name, minutes in found["minutes_by_mode"].items())
    for name, said in (
        ("insurance fund", f"{money['fund_at_start']:,} at the start, {money['fund_at_end']:,} at the end"),
        ("lost by the fund", f"{losses['taken_over']:,} in takeovers, {losses['fund_paid']:,} for flat accounts"),
        ("socialised losses", f"{losses['socialised']:,}"),
        ("borne in deleverages", f"{losses['deleveraged']:,}"),
        ("minutes by mode", modes),
    ):
        output.line(f"  {name:<28}{said}")
    output.line()
    for finding in result["audit"]:
        output.line(f"  audit: {finding}")
    for account, why in result["stuck"].items():
        output.line(f"  left unhealthy: account {account}: {', '.join(why)}")
    if result["clean"]:
        output.line("  the audit is clean, and no account is left in any stage of the waterfall")
    output.line(f"  state root {result['root'] or 'not kept'}")
    output.line(f"  digest     {result['digest']}")
    if report:
        output.line(f"  report     {report / 'replay.html'}")
