"""What a replay found, as one document: the report's JSON file, and all that its page is made of."""

from collections import Counter
from typing import Any

import attrs

from perp_reference.core.audit import audit
from perp_reference.replay.candles import MINUTE
from perp_reference.replay.population import Style
from perp_reference.replay.simulation import BATCH_SECONDS, Simulation
from perp_reference.replay.tally import LEVELS, MarketSeries
from perp_reference.replay.watch import look_at
from perp_reference.replay.waterfall import SOCIALISE, STAGES
from perp_spec.perpetual.defaults import USD
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Mode

Document = dict[str, Any]

MODE_NAMES = {code: name for name, code in vars(Mode).items() if not name.startswith("_")}

WORST_MINUTES = 12
"""How many of the worst minutes are listed."""


def units(atoms: int) -> int:
    """Atoms as whole units of the quote currency."""
    return atoms // USD


def document(simulation: Simulation, version: str = "") -> Document:
    """Everything about a replay that has ended; the same replay gives the same document.

    `version` is that of the program.
    """
    findings = [str(finding) for finding in audit(simulation.state)]
    stuck = {str(account): dict(sorted(why.items())) for account, why in sorted(simulation.stuck().items())}
    levels = {market.symbol: LEVELS[market.level[-1]] for market in simulation.tally.markets}
    return {
        "replay": {"version": version, **about(simulation)},
        "result": {
            "clean": not findings and not stuck,
            "digest": simulation.digest(),
            "root": simulation.root(),
            "audit": findings,
            "stuck": stuck,
            "levels_at_end": levels,
        },
        "money": money(simulation),
        "waterfall": waterfall(simulation),
        "operations": operations(simulation.venue.outcomes),
        "withdrawals": withdrawals(simulation),
        "minutes_by_mode": dict(Counter(MODE_NAMES[mode] for mode in simulation.tally.series.mode)),
        "minutes_by_level": {
            market.symbol: dict(Counter(LEVELS[level] for level in market.level)) for market in simulation.tally.markets
        },
        "worst_minutes": worst_minutes(simulation),
        "parameters": plain(simulation.config.parameters),
        "markets": [
            {"symbol": entry.symbol, "lot": entry.lot, **plain(entry.market)} for entry in simulation.config.markets
        ],
        "hours": hours(simulation),
        "series": series(simulation),
    }


def plain(record: Any) -> Document:
    """A configuration record; integers that may leave 53 bits as decimal strings."""
    return {
        name: str(value) if isinstance(value, int) and abs(value) >= 2**53 else value
        for name, value in attrs.asdict(record).items()
    }


def about(simulation: Simulation) -> Document:
    """What was replayed, and with what."""
    everyone = (*simulation.population.makers, *simulation.population.traders)
    styles = Counter(trader.style for trader in everyone)
    return {
        "symbols": [feed.symbol for feed in simulation.feeds],
        "files": [{"symbol": feed.symbol, "file": feed.file, "sha256": feed.sha256} for feed in simulation.feeds],
        "missing_minutes": missing_minutes(simulation),
        "configuration": configuration(simulation),
        "from": simulation.minutes[0],
        "to": simulation.minutes[-1] + MINUTE,
        "minutes": len(simulation.minutes),
        "accounts": simulation.settings.accounts,
        "seed": simulation.settings.seed,
        "fund_ppm": simulation.settings.fund_ppm,
        "troubles": [attrs.asdict(trouble) for trouble in simulation.settings.troubles],
        "population": {style.value: styles[style] for style in Style},
        "batches": simulation.batches,
        "seconds_a_batch": BATCH_SECONDS,
        "drain_batches": simulation.drained,
        "trades": simulation.venue.outcomes["trade", 0],
        "accounts_looked_at": simulation.watch.looked,
    }


def configuration(simulation: Simulation) -> str:
    """What people call the configuration."""
    given = simulation.settings.config
    return given.name if given else "the default exchange, its limits in proportion to the deposits"


def missing_minutes(simulation: Simulation) -> dict[str, int]:
    """Minutes without a candle in a market, in which its oracle was silent; only markets that have any."""
    missing = {
        feed.symbol: sum(minute not in feed.candles for minute in simulation.minutes) for feed in simulation.feeds
    }
    return {symbol: count for symbol, count in missing.items() if count}


def money(simulation: Simulation) -> Document:
    """Where the money was at the beginning and at the end, in whole units of the quote currency."""
    last = simulation.tally.series
    everyone = (*simulation.population.makers, *simulation.population.traders)
    return {
        "deposits_at_start": units(sum(trader.deposit for trader in everyone)),
        "fund_at_start": units(simulation.fund_deposit),
        "deposits_in_all": units(simulation.traders.deposited),
        "withdrawn_in_all": units(simulation.traders.withdrawals.paid_atoms),
        "vault_at_end": units(last.vault[-1]),
        "users_at_end": units(last.users[-1]),
        "fund_at_end": units(look_at(simulation.state, FUND).health.equity),
        "lowest_fund": units(min(last.fund)),
    }


def waterfall(simulation: Simulation) -> Document:
    """What each stage did, and who bore the losses; money in whole units of the quote currency."""
    own = simulation.waterfall
    return {
        "stages": {
            name: {"steps": stage.steps, "notional": units(stage.notional), "accounts": len(stage.accounts)}
            for name, stage in own.stages.items()
        },
        "accounts_below_zero": len(own.below_zero),
        "bankrupt_flat_accounts": len(own.stages[SOCIALISE].accounts),
        "bankrupt_flat_at_end": simulation.tally.series.bankrupt[-1],
        "losses": {name: units(atoms) for name, atoms in attrs.asdict(own.losses).items()},
    }


def operations(outcomes: Counter[tuple[str, int]]) -> Document:
    """How often each rule applied, and how often it refused with which reason."""
    found: Document = {}
    for (rule, code), count in sorted(outcomes.items()):
        entry = found.setdefault(rule, {"applied": 0, "rejected": {}})
        if code == 0:
            entry["applied"] = count
        else:
            entry["rejected"][Reason(code).name] = count
    return found


def withdrawals(simulation: Simulation) -> Document:
    """What became of withdrawals; money in whole units of the quote currency."""
    own = simulation.traders.withdrawals
    return {
        "paid": own.paid,
        "paid_units": units(own.paid_atoms),
        "delayed": dict(sorted(own.delayed.items())),
        "delayed_units": units(own.delayed_atoms),
        "served_late": own.served_late,
        "dropped_for_margin": own.dropped,
        "still_waiting": simulation.traders.waiting,
        "longest_wait_seconds": own.longest_seconds,
    }


def moved_ppm(market: MarketSeries, place: int) -> int:
    """The move of a market's index in one minute."""
    before = market.index[place - 1] if place else market.index[place]
    return (market.index[place] - before) * 1_000_000 // max(before, 1)


def worst_minutes(simulation: Simulation) -> list[Document]:
    """The minutes with the most steps of the waterfall; none in which it had nothing to do."""
    own, markets = simulation.tally.series, simulation.tally.markets
    busy = [place for place in range(len(own.time)) if own.steps[place] or own.waiting[place]]
    places = sorted(busy, key=lambda place: (-own.steps[place], place))[:WORST_MINUTES]
    found: list[Document] = []
    for place in places:
        worst = min(markets, key=lambda market: moved_ppm(market, place))
        found.append(
            {
                "time": own.time[place],
                "steps": own.steps[place],
                "waiting": own.waiting[place],
                "fund": units(own.fund[place]),
                "mode": MODE_NAMES[own.mode[place]],
                "largest_fall": {"symbol": worst.symbol, "ppm": moved_ppm(worst, place)},
            }
        )
    return found


def hours(simulation: Simulation) -> list[Document]:
    """Counts of each hour; notional in whole units of the quote currency."""
    return [
        {
            "time": time,
            "steps": {stage: counts.steps[stage] for stage in STAGES},
            "notional": {stage: units(counts.notional[stage]) for stage in STAGES},
            "trades": counts.outcomes["trade", 0],
            "rejected": sum(count for (_, code), count in counts.outcomes.items() if code),
        }
        for time, counts in sorted(simulation.tally.hours.items())
    ]


def series(simulation: Simulation) -> Document:
    """A value for each minute; money in whole units of the quote currency, prices in atoms per lot."""
    own = simulation.tally.series
    return {
        "time": own.time,
        "mode": own.mode,
        "vault": [units(value) for value in own.vault],
        "users": [units(value) for value in own.users],
        "fund": [units(value) for value in own.fund],
        "bankrupt": own.bankrupt,
        "waiting": own.waiting,
        "delayed": own.delayed,
        "steps": own.steps,
        "markets": {
            market.symbol: {
                "price": market.price,
                "index": market.index,
                "average": market.average,
                "level": market.level,
                "mode": market.mode,
                "open_interest": [units(value) for value in market.open_interest],
                "funding_ppm": market.funding_ppm,
            }
            for market in simulation.tally.markets
        },
    }
