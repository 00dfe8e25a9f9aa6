"""Replays recorded prices through the exchange, with a population of traders, and reports what the rules did.

Prices come from files of one-minute candles with the columns open_time_ms,open,high,low,close,volume:

    perp replay --candles BTC=btc.csv ETH=eth.csv --report report/
    perp replay --candles BTC=btc.csv --accounts 200 --from 2021-05-19T12:00 --hours 3
    perp replay --candles BTC=btc.csv --silent 60:75 --frozen 90:100
    perp replay --candles BTC=btc.csv --config config.json

It covers the minutes from the first to the last for which every market has a candle, or a window of them. In a minute
without a candle the market's oracle is silent. Everything but the prices is made up from the seed: the same files,
configuration, accounts and seed give the same state root.

The default exchange has limits in proportion to the money of the population. A configuration given with --config
(perp init --write-config writes one to edit) is taken as it is, limits included.

The report is a page for people (replay.html) and its figures for programs (replay.json). The command succeeds if the
audit of the last state is clean and no account is left in any stage of the waterfall.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perp_cli import __version__
from perp_cli.arguments import path, whole, whole_number
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.files import cannot_be_written, pending
from perp_cli.output import Output
from perp_reference.errors import one_line

if TYPE_CHECKING:
    from perp_reference.replay.candles import Feed
    from perp_reference.replay.oracle import Trouble
    from perp_reference.replay.simulation import Simulation
    from perp_spec.perpetual.config import Config

LEAST_ACCOUNTS = 8
MOST_ACCOUNTS = 100_000
MOST_FUND_PPM = 1_000_000
MOST_SEED = 2**64 - 1

MINUTE = 60

MOST_MINUTES = 366 * 24 * 60
"""A year of one-minute candles: what is kept of every minute has to fit into memory."""

FIRST_SECOND = 3_600
"""No replay begins before: its population takes positions in the minutes ahead, and time 0 means never."""

LAST_SECOND = 253_402_300_799
"""The last second of the year 9999: later ones have no date in a report."""

FAULTS = {
    "silent": "the last oracle family reports nothing",
    "lying": "the last oracle family reports 10 %% too little",
    "frozen": "the last oracle family goes on reporting the price from before",
    "outage": "no oracle family reports anything",
}
"""How the oracle can misbehave: the values of perp_reference.replay.oracle.Fault."""


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
    numbers = (
        ("--accounts", "N", (LEAST_ACCOUNTS, MOST_ACCOUNTS), 500, "accounts"),
        ("--seed", "S", (0, MOST_SEED), 1, "seed of all that is random"),
        ("--fund", "PPM", (0, MOST_FUND_PPM), 10_000, "insurance fund, ppm of all deposits"),
    )
    for name, metavar, span, default, what in numbers:
        parser.add_argument(
            name, metavar=metavar, type=whole(*span), default=default, help=f"{what} (default {default})"
        )
    parser.add_argument(
        "--config", metavar="FILE", type=path, help="configuration file (default: the default exchange)"
    )
    parser.add_argument("--report", metavar="DIR", type=path, help="write replay.html and replay.json there")
    parser.add_argument("--from", metavar="TIME", dest="first", help="first minute, UTC, such as 2021-05-19T12:00")
    parser.add_argument("--to", metavar="TIME", dest="last", help="minute at which to stop, UTC")
    parser.add_argument("--hours", metavar="H", type=whole(1, MOST_MINUTES // 60), help="hours from the first minute")
    for fault, what in FAULTS.items():
        parser.add_argument(f"--{fault}", metavar="A:B", help=f"from minute A to minute B {what}")
    parser.add_argument("--no-root", action="store_true", help="keep no state root: faster, the digest tells the same")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Replays, writes the report, and says what happened.

    Raises:
        UsageError: An argument asks for something that does not exist.
        MalformedInput: A file of candles breaks its format.
    """
    files = candle_files(arguments.candles)
    config = configuration_of(arguments.config, set(files))
    feeds = read_feeds(files, config, output)
    minutes = minutes_of(feeds, arguments)
    troubles = tuple(
        trouble for fault in FAULTS for trouble in troubles_of(fault, vars(arguments)[fault], len(minutes))
    )
    started = time.monotonic()
    with pending(*report_files(arguments.report)) as (page_file, figures_file):
        simulation = simulated(feeds, minutes, troubles, config if arguments.config else None, arguments, output)
        with output.working("writing the report"):
            from perp_reference.replay.document import document
            from perp_reference.replay.page import page

            found = document(simulation, __version__)
            if page_file is not None and figures_file is not None:
                page_file.write(page(found).encode())
                figures_file.write(f"{json.dumps(found, separators=(',', ':'))}\n".encode())
    seconds = time.monotonic() - started
    say(found, seconds, arguments.report, output)
    summary = {name: part for name, part in found.items() if name not in {"series", "hours", "parameters", "markets"}}
    output.document({**summary, "seconds": round(seconds, 1)})
    return ExitCode.OK if found["result"]["clean"] else ExitCode.FALSE


def report_files(directory: Path | None) -> tuple[Path | None, Path | None]:
    """The files of the report, in a directory that is there afterwards.

    Raises:
        UsageError: It cannot be made.
    """
    if directory is None:
        return None, None
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_be_written(directory, error) from None
    return directory / "replay.html", directory / "replay.json"


def simulated(
    feeds: "list[Feed]",
    minutes: list[int],
    troubles: "tuple[Trouble, ...]",
    config: "Config | None",
    arguments: argparse.Namespace,
    output: Output,
) -> "Simulation":
    """A replay that has ended."""
    from perp_reference.kernels.tree import commitment
    from perp_reference.replay.simulation import Settings, Simulation

    settings = Settings(arguments.accounts, arguments.seed, arguments.fund, troubles, config)
    simulation = Simulation(feeds, minutes, settings, None if arguments.no_root else commitment)
    simulation.run(progress_on(output))
    return simulation


def progress_on(output: Output) -> "Callable[[int, int, Simulation], None]":
    """Says how far a replay has come."""

    def at(done: int, of: int, simulation: "Simulation") -> None:
        steps = sum(stage.steps for stage in simulation.waterfall.stages.values())
        trades = simulation.venue.outcomes["trade", 0]
        output.progress(f"minute {done:,} of {of:,}, {trades:,} trades, {steps:,} steps of the waterfall")

    return at


def candle_files(given: list[str]) -> dict[str, Path]:
    """The file of each market.

    Raises:
        UsageError: A word is no market and file, or a market is named twice.
    """
    files: dict[str, Path] = {}
    for word in given:
        symbol, equals, file = word.partition("=")
        if not equals or not file or not symbol:
            raise UsageError(f"--candles takes SYMBOL=FILE, not {one_line(word)}")
        if symbol in files:
            raise UsageError(f"{one_line(symbol)} is named twice")
        files[symbol] = Path(file)
    return files


def configuration_of(file: Path | None, symbols: set[str]) -> "Config":
    """The configuration file's or the default exchange, with the markets named and no others.

    Raises:
        UsageError: It has no such market, or breaks a bound without its other markets.
        MalformedInput: The file breaks its format or a bound.
    """
    import attrs

    from perp_cli.commands.init import configuration
    from perp_spec.perpetual.config import violations

    whole_config = configuration(file)
    known = {entry.symbol for entry in whole_config.markets}
    if unknown := sorted(symbols - known):
        there = ", ".join(entry.symbol for entry in whole_config.markets)
        where = "default market" if file is None else "market"
        raise UsageError(f"no {where} {one_line(unknown[0])}{f' in {file}' if file else ''}; there are {there}")
    entries = tuple(entry for entry in whole_config.markets if entry.symbol in symbols)
    config = attrs.evolve(
        whole_config, markets=entries, parameters=attrs.evolve(whole_config.parameters, markets=len(entries))
    )
    if found := violations(config):
        raise UsageError(f"with these markets alone, {found[0].place} is {found[0].got}, not {found[0].expected}")
    return config


def read_feeds(files: dict[str, Path], config: "Config", output: Output) -> "list[Feed]":
    """Reads the candles of each market, in the order of the configuration.

    Raises:
        MalformedInput: A file breaks its format.
    """
    from perp_reference.replay.candles import read_feed

    feeds: list[Feed] = []
    for entry in config.markets:
        with output.working(f"reading {files[entry.symbol]}"):
            feeds.append(read_feed(files[entry.symbol], entry.symbol, entry.lot, entry.market.max_price))
    return feeds


def minutes_of(feeds: "list[Feed]", arguments: argparse.Namespace) -> list[int]:
    """The minutes to replay, one after the other whether a market has a candle or not.

    Raises:
        UsageError: There are none, the window is not in the candles, or it is too long.
    """
    if arguments.last and arguments.hours is not None:
        raise UsageError("--to and --hours exclude each other")
    common = set.intersection(*(set(feed.candles) for feed in feeds))
    if not common:
        raise UsageError("there is no minute for which every market has a candle")
    earliest, latest = min(common), max(common) + MINUTE
    first = time_of("--from", arguments.first) if arguments.first is not None else earliest
    last = time_of("--to", arguments.last) if arguments.last is not None else latest
    if arguments.hours is not None:
        last = first + 3_600 * arguments.hours
    for feed in feeds:
        if first not in feed.candles:
            raise UsageError(f"{feed.symbol} has no candle for {said_time(first)}, the first minute")
    if last > latest:
        raise UsageError(f"the candles end at {said_time(latest)}, before {said_time(last)}")
    if last <= first:
        raise UsageError(f"the replay would end at {said_time(last)} and not begin before {said_time(first)}")
    if first < FIRST_SECOND or last > LAST_SECOND:
        raise UsageError(f"a replay is within seconds {FIRST_SECOND} to {LAST_SECOND}, not {first} to {last}")
    if last - first > MINUTE * MOST_MINUTES:
        raise UsageError(f"a replay has at most {MOST_MINUTES:,} minutes, not {(last - first) // MINUTE:,}")
    return list(range(first, last, MINUTE))


def time_of(option: str, text: str) -> int:
    """Seconds since the epoch of a minute, in UTC unless it states its offset.

    Raises:
        UsageError: It is none.
    """
    from datetime import UTC, datetime

    try:
        time = datetime.fromisoformat(text)
        seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(f"{option} takes a time such as 2021-05-19T12:00, not {one_line(text)}") from None
    if seconds % MINUTE:
        raise UsageError(f"{option} takes a whole minute, not {one_line(text)}")
    return int(seconds)


def said_time(seconds: int) -> str:
    """A time as one gives it."""
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M")
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"


def troubles_of(fault: str, span: str | None, minutes: int) -> "tuple[Trouble, ...]":
    """The time in which the oracle misbehaves.

    Raises:
        UsageError: The span is none, or none of the replay.
    """
    from perp_reference.replay.oracle import Fault, Trouble

    if span is None:
        return ()
    first, _, last = span.partition(":")
    refused = f"--{fault} takes two minutes such as 60:75, not {one_line(span)}"
    try:
        begin, end = whole_number(first, 0, MOST_MINUTES), whole_number(last, 1, MOST_MINUTES)
    except ValueError as error:
        raise UsageError(f"{refused}: {error}") from None
    if begin >= end:
        raise UsageError(f"{refused}: it ends at minute {end} and begins at minute {begin}, not before")
    if end > minutes:
        raise UsageError(f"--{fault} {one_line(span)} ends after the replay, which has {minutes} minutes")
    return (Trouble(begin, end, Fault(fault)),)


def counted(count: int, what: str) -> str:
    """A number of things."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def levels_said(levels: dict[str, str], troubled: bool) -> list[str]:
    """The oracles that are not good at the end; `troubled` where trouble was asked for."""
    from perp_reference.replay.tally import LEVELS

    asked = "" if troubled else ", though no trouble of the oracle was asked for"
    return [f"oracle of {symbol} at the end: {level}{asked}" for symbol, level in levels.items() if level != LEVELS[0]]


def say(found: dict[str, Any], seconds: float, report: Path | None, output: Output) -> None:
    """Tells a person what happened."""
    replay, result, done, money = found["replay"], found["result"], found["waterfall"], found["money"]
    covered = f"{counted(replay['minutes'], 'minute')} of {counted(len(replay['symbols']), 'market')}"
    output.line(
        f"{covered} with {replay['accounts']:,} accounts: "
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
    for text in levels_said(result["levels_at_end"], bool(replay["troubles"])):
        output.line(f"  {text}")
    if result["clean"]:
        output.line("  the audit is clean, and no account is left in any stage of the waterfall")
    output.line(f"  state root {result['root'] or 'not kept'}")
    output.line(f"  digest     {result['digest']}")
    if report:
        output.line(f"  report     {report / 'replay.html'}")
