"""The report of a replay as one HTML page: nothing outside is loaded, and no script runs."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from perp_reference.replay import svg
from perp_reference.replay.document import MODE_NAMES, Document
from perp_reference.replay.oracle import Fault
from perp_reference.replay.svg import Line
from perp_reference.replay.tally import HOUR, LEVELS
from perp_reference.replay.waterfall import SOCIALISE, STAGES
from perp_spec.perpetual.defaults import USD
from perp_spec.perpetual.reasons import Reason

FAULTS = {
    Fault.SILENT: "The last oracle family reported nothing",
    Fault.LYING: "The last oracle family reported 10 % too little",
    Fault.FROZEN: "The last oracle family reported the price from before",
    Fault.OUTAGE: "No oracle family reported anything",
}
"""What was wrong with the oracle, in words."""

LIGHT = "#1f5fa8 #c8441b #2d8659 #8a4fbf #b5892a #d1467f #3b8f99 #6b6f76 #7a9a1f #a3563f #4c6fd1 #936a9e"
DARK = "#6aa9ee #f08a5d #62c092 #bd92e8 #e0bb5f #f08cb4 #6fc7d1 #a9aeb6 #b3d154 #d68f78 #8ea8f5 #c9a0d3"
CODES_LIGHT = "#d6e8db #f4dc9b #f0ab66 #d9636e #7d3050"
CODES_DARK = "#294a36 #6f5f22 #8f5a1f #a03a46 #cf7fa0"

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --paper: #ffffff; --rule: #dfe3e8; --tint: #f5f7f9 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ee; --soft: #9aa4b1; --paper: #14181d; --rule: #313944; --tint: #1b2027 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 960px; padding: 24px 20px 60px }
h1 { font-size: 26px; margin: 0 0 4px } h2 { font-size: 19px; margin: 36px 0 8px; padding-top: 12px;
  border-top: 1px solid var(--rule) }
p.soft, .soft { color: var(--soft) }
table { border-collapse: collapse; margin: 10px 0; font-variant-numeric: tabular-nums }
th, td { padding: 3px 14px 3px 0; text-align: left; border-bottom: 1px solid var(--rule); vertical-align: top }
td.n, th.n { text-align: right } td.n, th { white-space: nowrap } thead th { color: var(--soft); font-weight: 600 }
code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere }
.wide { overflow-x: auto } .verdict { padding: 10px 14px; background: var(--tint); border-left: 4px solid var(--c2) }
.verdict.bad { border-color: var(--c1) }
.plot { width: 100%; min-width: 640px; height: auto; margin: 10px 0; font: 11px system-ui, sans-serif }
.plot text { fill: var(--soft) } .plot text.title { font-size: 13px; font-weight: 600; fill: var(--ink) }
.plot .grid { stroke: var(--rule); stroke-width: 1 }
.plot .line { fill: none; stroke-width: 1.4; stroke-linejoin: round }
"""


def variables(name: str, colours: str) -> str:
    """Style sheet variables for a list of colours."""
    return " ".join(f"--{name}{number}: {colour};" for number, colour in enumerate(colours.split()))


def style() -> str:
    """The whole style sheet."""
    dark = f":root {{ {variables('c', DARK)} {variables('v', CODES_DARK)} }}"
    light = f":root {{ {variables('c', LIGHT)} {variables('v', CODES_LIGHT)} }}"
    colours = [
        f".c{number} {{ stroke: var(--c{number}) }} .fill.c{number} {{ stroke: none; fill: var(--c{number}) }}"
        for number in range(svg.PALETTE)
    ]
    codes = [f".v{number} {{ fill: var(--v{number}) }}" for number in range(5)]
    return "\n".join((light, f"@media (prefers-color-scheme: dark) {{ {dark} }}", STYLE, *colours, *codes))


def stamp(time: int) -> str:
    """A time for people."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")


def number(value: Any) -> str:
    """A number for people, with thousands apart."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; numbers are set to the right."""

    def cell(value: Any) -> str:
        right = ' class="n"' if isinstance(value, int) else ""
        return f"<td{right}>{escape(number(value))}</td>"

    body = [[*row] for row in rows]
    numeric = [bool(body) and all(isinstance(row[place], int) for row in body) for place in range(len(head))]
    heads = "".join(
        f"<th{' class=n' if right else ''}>{escape(name)}</th>" for name, right in zip(head, numeric, strict=True)
    )
    lines = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in body)
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'


def section(title: str, *parts: str) -> str:
    """A part of the page."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def paragraph(words: str, kind: str = "soft") -> str:
    """A paragraph."""
    return f'<p class="{kind}">{escape(words)}</p>'


def page(found: Document) -> str:
    """The whole page."""
    replay = found["replay"]
    title = f"Replay of {', '.join(replay['symbols'])}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        paragraph(f"{stamp(replay['from'])} to {stamp(replay['to'])} UTC, {number(replay['minutes'])} minutes"),
        verdict(found),
        section("In short", summary(found)),
        section("Money", *money(found)),
        section("Modes and oracle levels", *modes(found)),
        section("Liquidations by stage", *stages(found)),
        section("Losses and bankrupt accounts", *losses(found)),
        section("Worst minutes", worst(found)),
        section("Open interest", *open_interest(found)),
        section("Funding", funding(found)),
        section("Withdrawals", *withdrawals(found)),
        section("Operations refused, by rule and reason", *refused(found)),
        section("Prices", *prices(found)),
        section("Parameters", *parameters(found)),
        section("How to read this", *notes(found)),
    ]
    view = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f"{view}<title>{escape(title)}</title>"
    body = "".join(parts)
    return f'<!doctype html><html lang="en"><head>{head}<style>{style()}</style></head><body>{body}</body></html>\n'


def verdict(found: Document) -> str:
    """Whether all is well, in two sentences."""
    result = found["result"]
    audit = "The audit of the last state is clean." if not result["audit"] else "The audit has findings."
    stuck = (
        "No account is left in any stage of the waterfall."
        if not result["stuck"]
        else f"{len(result['stuck'])} accounts are left unhealthy."
    )
    findings = [*result["audit"], *(f"account {account}: {why}" for account, why in result["stuck"].items())]
    listed = "".join(f"<li>{escape(str(finding))}</li>" for finding in findings)
    kind = "verdict" if result["clean"] else "verdict bad"
    return f'<div class="{kind}">{audit} {stuck}{f"<ul>{listed}</ul>" if listed else ""}</div>'


def summary(found: Document) -> str:
    """The figures to remember."""
    replay, own, done, paid = found["replay"], found["money"], found["waterfall"], found["withdrawals"]
    rows = [
        ("Accounts", replay["accounts"]),
        ("Trades", replay["trades"]),
        ("Batches", replay["batches"]),
        ("Equity of all users at the end", own["users_at_end"]),
        ("Insurance fund at the start", own["fund_at_start"]),
        ("Insurance fund at the start, ppm of the traders' deposits", replay["fund_ppm"]),
        ("Insurance fund at its lowest", own["lowest_fund"]),
        ("Insurance fund at the end", own["fund_at_end"]),
        ("Accounts that were below zero", done["accounts_below_zero"]),
        ("Lost by the fund in taking over accounts below zero", done["losses"]["taken_over"]),
        ("Paid by the fund for flat accounts", done["losses"]["fund_paid"]),
        ("Socialised losses", done["losses"]["socialised"]),
        ("Borne by counterparties of a deleverage", done["losses"]["deleveraged"]),
        ("Withdrawals that had to wait", sum(paid["delayed"].values())),
        ("Withdrawals still waiting at the end", paid["still_waiting"]),
        ("Seed", str(replay["seed"])),
        ("Configuration", replay["configuration"]),
        *((f"Minutes without a candle, {symbol}", count) for symbol, count in replay["missing_minutes"].items()),
        *(
            (FAULTS[trouble["fault"]], f"minute {trouble['first']} to minute {trouble['last']}")
            for trouble in replay["troubles"]
        ),
    ]
    ids = [
        ("State root", found["result"]["root"] or "not kept in this run"),
        ("Digest", found["result"]["digest"]),
        *((f"{entry['symbol']} from {entry['file']}, SHA-256", entry["sha256"]) for entry in replay["files"]),
        ("perpspec", replay["version"]),
    ]
    listed = "".join(f"<tr><td>{escape(name)}</td><td><code>{escape(value)}</code></td></tr>" for name, value in ids)
    return f"{table(('', ''), rows)}<table>{listed}</table>{paragraph('Money is in units of the quote currency.')}"


def money(found: Document) -> list[str]:
    """Equity and vault, and the fund."""
    own = found["series"]
    return [
        svg.lines(
            "Vault, and equity of all users",
            "units of the quote currency",
            own["time"],
            [Line("vault", own["vault"]), Line("users", own["users"])],
            zero=True,
        ),
        svg.lines(
            "Equity of the insurance fund", "units of the quote currency", own["time"], [Line("fund", own["fund"])]
        ),
    ]


def modes(found: Document) -> list[str]:
    """Strips of modes and levels, and how long each lasted."""
    own = found["series"]
    rows = [("exchange", own["mode"]), *((name, market["mode"]) for name, market in own["markets"].items())]
    levels = [(name, market["level"]) for name, market in own["markets"].items()]
    return [
        svg.strips("Mode of the exchange and of each market", own["time"], rows, MODE_NAMES.__getitem__, 5),
        table(("Mode of the exchange", "minutes"), found["minutes_by_mode"].items()),
        svg.strips("Oracle level of each market at the end of a minute", own["time"], levels, LEVELS.__getitem__, 5),
        table(
            ("Market", *LEVELS),
            [
                (symbol, *(counts.get(level, 0) for level in LEVELS))
                for symbol, counts in found["minutes_by_level"].items()
            ],
        ),
    ]


def stages(found: Document) -> list[str]:
    """What the waterfall did, hour by hour."""
    hours = found["hours"]
    times = [hour["time"] for hour in hours]
    # A stage has one colour in both plots.
    coloured = list(enumerate(STAGES))
    counts = [Line(stage, [hour["steps"][stage] for hour in hours], colour) for colour, stage in coloured]
    values = [
        Line(stage, [hour["notional"][stage] for hour in hours], colour)
        for colour, stage in coloured
        if stage != SOCIALISE
    ]
    done = found["waterfall"]["stages"]
    return [
        table(
            ("Stage", "steps", "notional", "accounts"),
            [(stage, entry["steps"], entry["notional"], entry["accounts"]) for stage, entry in done.items()],
        ),
        svg.bars("Steps in each hour", "steps", times, HOUR, counts),
        svg.bars("Notional closed in each hour", "units of the quote currency", times, HOUR, values),
    ]


def losses(found: Document) -> list[str]:
    """Who bore what accounts could not."""
    own, done = found["series"], found["waterfall"]
    return [
        table(
            ("", ""),
            [
                ("Accounts that were below zero", done["accounts_below_zero"]),
                ("Accounts that ended flat with a debt", done["bankrupt_flat_accounts"]),
                ("Of them still in debt at the end", done["bankrupt_flat_at_end"]),
                ("Lost by the fund in taking them over", done["losses"]["taken_over"]),
                ("Paid by the fund for flat accounts", done["losses"]["fund_paid"]),
                ("Borne by open positions, socialised", done["losses"]["socialised"]),
                ("Borne by counterparties of a deleverage", done["losses"]["deleveraged"]),
            ],
        ),
        svg.lines(
            "Unhealthy accounts waiting for a step, and flat accounts in debt, at the end of each minute",
            "accounts",
            own["time"],
            [Line("waiting", own["waiting"]), Line("flat in debt", own["bankrupt"])],
            zero=True,
        ),
    ]


def worst(found: Document) -> str:
    """The minutes with most to do."""
    if not found["worst_minutes"]:
        return paragraph("The waterfall had nothing to do in any minute.")
    return table(
        ("Minute ending, UTC", "steps", "waiting after", "fund", "mode", "largest fall"),
        [
            (
                stamp(entry["time"]),
                entry["steps"],
                entry["waiting"],
                entry["fund"],
                entry["mode"],
                f"{entry['largest_fall']['symbol']} {entry['largest_fall']['ppm'] / 10_000:.2f} %",
            )
            for entry in found["worst_minutes"]
        ],
    )


def open_interest(found: Document) -> list[str]:
    """Open interest of each market."""
    own = found["series"]
    drawn = [Line(symbol, market["open_interest"]) for symbol, market in own["markets"].items()]
    return [
        svg.lines("Open interest at the health price", "units of the quote currency", own["time"], drawn, zero=True)
    ]


def funding(found: Document) -> str:
    """Funding rates of each market."""
    own = found["series"]
    drawn = [Line(symbol, market["funding_ppm"]) for symbol, market in own["markets"].items()]
    return svg.lines("Funding rate, paid by longs to shorts each hour", "ppm of notional", own["time"], drawn)


def bucket_said(parameters: Document) -> str:
    """Why withdrawals wait for the bucket."""
    size, refill = (int(parameters[name]) // USD for name in ("bucket_size", "bucket_refill"))
    hours = int(parameters["bucket_size"]) // max(int(parameters["bucket_refill"]), 1) // HOUR
    return (
        f"BUCKET: all users together can withdraw {size:,} at once. The bucket refills by {refill:,} a second, "
        f"an empty one in {hours:,} hours. Who finds it empty waits, and is paid in parts, in the order of asking."
    )


def withdrawals(found: Document) -> list[str]:
    """What became of withdrawals."""
    own = found["withdrawals"]
    rows = [
        ("Paid", own["paid"]),
        ("Paid, units of the quote currency", own["paid_units"]),
        *((f"Had to wait: {reason}", count) for reason, count in own["delayed"].items()),
        ("Had to wait, units of the quote currency", own["delayed_units"]),
        ("Paid after waiting", own["served_late"]),
        ("Given up for lack of margin when their turn came", own["dropped_for_margin"]),
        ("Waiting at the end", own["still_waiting"]),
        ("Longest wait, minutes", own["longest_wait_seconds"] // 60),
    ]
    series = found["series"]
    waiting = [Line("waiting", series["delayed"])]
    why = [paragraph(bucket_said(found["parameters"]))] if Reason.BUCKET.name in own["delayed"] else []
    return [
        table(("", ""), rows),
        *why,
        svg.lines("Withdrawals waiting", "withdrawals", series["time"], waiting, zero=True),
    ]


def refused(found: Document) -> list[str]:
    """Rejections by rule and reason."""
    rows = [
        (rule, entry["applied"], reason, count)
        for rule, entry in found["operations"].items()
        for reason, count in (entry["rejected"] or {"": 0}).items()
    ]
    note = (
        "Refusals include the operator's own attempts: a step of the waterfall that was not open yet, a mode too mild."
    )
    return [paragraph(note), table(("Rule", "applied", "refused with", "times"), rows)]


def prices(found: Document) -> list[str]:
    """Price, index and average of each market."""
    own = found["series"]
    lots = {entry["symbol"]: entry["lot"] for entry in found["markets"]}
    return [
        svg.lines(
            f"{symbol}, health price, index and time-weighted price",
            f"units of the quote currency for a lot of {lots[symbol]}",
            own["time"],
            [
                Line("index", [value / 1e6 for value in market["index"]]),
                Line("time-weighted", [value / 1e6 for value in market["average"]]),
                Line("health price", [value / 1e6 for value in market["price"]]),
            ],
        )
        for symbol, market in own["markets"].items()
    ]


def parameters(found: Document) -> list[str]:
    """All of the configuration."""
    markets = found["markets"]
    names = [name for name in markets[0] if name != "symbol"]
    return [
        table(("Exchange", ""), [(name, shown(value)) for name, value in found["parameters"].items()]),
        table(
            ("Market", *(market["symbol"] for market in markets)),
            [(name, *(shown(market[name]) for market in markets)) for name in names],
        ),
    ]


def shown(value: Any) -> Any:
    """A value of the configuration for a table."""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


NOTES = """\
Only the candles are recorded. Everything else is made up from the seed, in whole numbers, so the same seed gives the \
same root: {people}.

A batch is made every {seconds} seconds: both extremes of each minute's candle, then its close. A rising candle is \
taken to have gone down first, a falling one up first. So every market takes its full swing in every minute, and all \
markets at the same time, which is harsher than most minutes were.

Market makers quote wider the more prices move, and stop where their half spread would pass 2 %; the same goes for \
what they offer for liquidated positions. So in the worst minutes the fund and the counterparties have to take over, \
as they would.

In every batch the waterfall is run until no step is open: staged liquidation, liquidation below close-out, backstop \
by the fund, deleverage, socialised loss. The fund unwinds what it took over, a part in each batch.
"""


def notes(found: Document) -> list[str]:
    """What is recorded, what is made up."""
    replay = found["replay"]
    people = ", ".join(f"{count} {style}" for style, count in replay["population"].items())
    said = NOTES.format(people=people, seconds=replay["seconds_a_batch"])
    return [paragraph(words) for words in said.strip().split("\n\n")]
