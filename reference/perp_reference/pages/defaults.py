"""The page of the default configuration: every value, in the units that people use."""

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from perp_reference.pages.markdown import bullets, code, number, page, table
from perp_spec.perpetual.config import Config, MarketEntry
from perp_spec.perpetual.defaults import USD, default_config
from perp_spec.perpetual.records import Market, Parameters
from perp_spec.perpetual.rules.ticks import GOOD_TICKS, TICK_SECONDS
from perp_spec.words import DAY, Field, Unit, fields_of

HEADS = ("field", "value", "in words", "")

PLACEHOLDERS = frozenset({"exchange_id", "governance"})
"""What every exchange has to choose for itself."""

DERIVED = frozenset({"rises", "maintenance_2_atoms", "maintenance_3_atoms", "initial_2_atoms", "initial_3_atoms"})
"""What follows from the id of a market and from its other fields; shown elsewhere."""

RATES = ("initial", "maintenance")

SPANS = ((DAY, "day"), (3_600, "hour"), (60, "minute"))


def percent(ppm: int) -> str:
    """A rate in percent."""
    return f"{ppm / 10_000:g} %"


def money(atoms: int) -> str:
    """Atoms in units of the quote currency."""
    return f"{atoms // USD:,}" if atoms % USD == 0 else f"{atoms / USD:,.0f}"


def span(seconds: int) -> str:
    """A span in the largest unit that it is a whole number of."""
    for size, name in SPANS:
        if seconds and seconds % size == 0:
            many = seconds // size
            return f"{many:,} {name}{'s' if many != 1 else ''}"
    return f"{seconds:,} s"


def in_words(described: Field, value: Any) -> str:
    """A value of a field for people; "" where the number says it."""
    match described.unit:
        case Unit.RATE:
            return percent(value)
        case Unit.ATOMS:
            return money(value)
        case Unit.SECONDS:
            return span(value)
        case _:
            return ""


def value_text(value: Any) -> str:
    """A value as the configuration has it."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else number(value)


def rows_of(record: Any, names: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
    """A row for each of some fields of a record."""
    described = fields_of(type(record))
    for name in names:
        value = getattr(record, name)
        words = "one's own" if name in PLACEHOLDERS else in_words(described[name], value)
        yield code(name), value_text(value), words, described[name].text


def shared_fields(config: Config) -> tuple[str, ...]:
    """The fields of which all markets have one value."""
    markets = [entry.market for entry in config.markets]
    names = [field.name for field in attrs.fields(Market)]
    return tuple(name for name in names if len({getattr(market, name) for market in markets}) == 1)


def own_fields(config: Config) -> tuple[str, ...]:
    """The fields in which markets differ, those that follow from others left out."""
    shared = {*shared_fields(config), *DERIVED}
    return tuple(field.name for field in attrs.fields(Market) if field.name not in shared)


def bracket_rates(market: Market, kind: str) -> str:
    """The rates of the three brackets."""
    return " / ".join(f"{getattr(market, f'{kind}_{bracket}_ppm') / 10_000:g}" for bracket in (1, 2, 3)) + " %"


def market_table(config: Config) -> str:
    """What the markets differ in."""
    brackets = [f"{kind}_{bracket}_ppm" for kind in RATES for bracket in (1, 2, 3)]
    others = [name for name in own_fields(config) if name not in brackets]
    heads = ("id", "market", "lot", *RATES, *(name.removesuffix("_ppm").replace("_", " ") for name in others))
    return table(heads, (market_row(number, entry, others) for number, entry in enumerate(config.markets)))


def market_row(place: int, entry: MarketEntry, others: Iterable[str]) -> tuple[str, ...]:
    """The row of a market."""
    rates = (bracket_rates(entry.market, kind) for kind in RATES)
    return (str(place), entry.symbol, entry.lot, *rates, *(percent(getattr(entry.market, name)) for name in others))


def what_follows(config: Config) -> tuple[str, ...]:
    """What the numbers come to together."""
    own, first = config.parameters, config.markets[0]
    market = first.market
    close_out = market.maintenance_1_ppm * market.close_out_ppm / 10**6
    most = 6_000_000
    needed = market.initial_2_atoms + (most * USD - market.bracket_2) * market.initial_2_ppm // 10**6
    floor = percent(market.buffer_intervals * market.buffer_floor_ppm)
    return (
        (
            f"**Brackets.** The part of a position up to {money(market.bracket_2)} has the first rate, the part from "
            f"there to {money(market.bracket_3)} the second, the rest the third: {most:,} of {first.symbol} need "
            f"{money(needed)} to be opened ([margin_at](rules/shared-margin.md#margin_at))."
        ),
        (
            f"**Close-out.** In the first bracket of {first.symbol} it is an equity below {close_out / 10_000:.4g} % "
            "of the position's value. What the fund takes over then it takes with its part of the account's equity, "
            f"but with no more than the penalty, {percent(own.penalty_ppm)} of the value: in that bracket that is "
            "always all of the equity; where rates are higher, something may be left to the account."
        ),
        (
            "**Funding buffer.** From a market's first funding tick on, each side needs, beside both margins, "
            f"{market.buffer_intervals} times the hourly rate that it pays: at least {floor} of the value."
        ),
        (
            f"**Prices.** A report older than {market.staleness_seconds} s is stale, and a market without a tick for "
            f"so long is blind; after {span(market.blind_seconds)} of blindness only exits are left. {GOOD_TICKS} good "
            f"ticks in a row, {TICK_SECONDS} s apart at least, bring level 1 back to 0."
        ),
        (
            f"**Withdrawals.** The bucket lets {money(own.bucket_size)} leave at once, and is full again after "
            f"{own.bucket_size // own.bucket_refill:,} s. Forced withdrawals do not count in it."
        ),
        (
            f"**Exits.** A forced request has {span(own.forced_seconds)} to be answered; then anybody may freeze. "
            f"Claims are taken for {span(own.claim_seconds)}, and paid after that."
        ),
        f"**Oracles.** {own.families} families of {own.signers[0]} signers, {own.quorums[0]} of which a report needs.",
    )


def defaults_page() -> str:
    """The page."""
    config = default_config()
    shared = [name for name in shared_fields(config) if name not in DERIVED]
    parameters = [field.name for field in attrs.fields(Parameters)]
    return page(
        "# The default configuration",
        "What an exchange has that is made without a configuration of its own, and what the examples of these pages "
        "are under. It is a place to start from, and no advice. `perp init --write-config FILE` writes it as a "
        "[configuration file](formats.md#configurations); what each field may be is in [the "
        "records](state.md#configuration). Money in words is in units of the quote currency.",
        "## What it comes to",
        bullets(what_follows(config)),
        "## The exchange",
        table(HEADS, rows_of(config.parameters, parameters)),
        "## The markets",
        f"{len(config.markets)} markets. Initial and maintenance rates are those of the three brackets.",
        market_table(config),
        "## The same in all markets",
        table(HEADS, rows_of(config.markets[0].market, shared)),
        f"The margins of whole brackets follow from the rates, and {code('rises')} from the id of the market: see [the "
        "bounds of a configuration](state.md#bounds-of-a-configuration).",
    )
