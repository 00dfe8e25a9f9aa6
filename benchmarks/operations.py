"""Operations a second, by kind and by positions held, and root updates. Run with `perp bench` or as a script.

Every figure is processor time, and a ratio to a baseline loop measured just before it, so that machines of different
speed can be compared: the baseline is one thousand times `a * b // c` on 60-bit integers in plain Python, about what a
rule spends its time with.
"""

import argparse
import functools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import attrs

from perp_reference.core.batch import build_batch
from perp_reference.core.commitment import Commitment
from perp_reference.core.machine import Machine, rule_of
from perp_reference.core.state import RecordKey, State, genesis
from perp_reference.demo import ACTS, Cast, demo_ring
from perp_reference.kernels.tree import KERNEL_HASHER
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import Intent, OracleTick, Order, Report, Trade, Transfer, Withdraw
from perp_spec.perpetual.records import (
    Account,
    Exchange,
    Kind,
    Ledger,
    MarketBook,
    MarketPrice,
    OrderSlot,
    Position,
)
from perp_spec.words import POSITION_SLOTS

POSITIONS = (1, 3, 8, 11, 16)
"""Positions of an account; 16 is the most there can be."""

NOW = 1_700_000_000
FOREVER = 2**39
PRICE = 4_000_000
REPEATS = 7
BASELINE_STEPS = 1_000


def baseline() -> None:
    """The loop that all figures are compared with."""
    a, b, c = 2**60 - 93, 2**60 - 107, 2**60 - 173
    for _ in range(BASELINE_STEPS):
        a * b // c


def seconds_of(action: Callable[[], Any], at_least: float) -> float:
    """Median seconds of one call, over repeats that each take at least so long."""
    calls = 1
    while True:
        started = time.process_time()
        for _ in range(calls):
            action()
        if (spent := time.process_time() - started) >= at_least:
            break
        calls = max(calls * 2, int(calls * at_least / max(spent, 1e-9)))
    samples: list[float] = []
    for _ in range(REPEATS):
        started = time.process_time()
        for _ in range(calls):
            action()
        samples.append((time.process_time() - started) / calls)
    return statistics.median(samples)


def world(positions: int) -> State:
    """Accounts 2 and 3, each with `positions` positions in as many markets, long against short."""
    state = genesis(default_config(max(positions, 1)) if positions <= 11 else wide_config(positions))
    state.put(Exchange, 0, Exchange(number=1, time=NOW))
    state.put(Ledger, 0, Ledger(vault=2**50, bucket=2**50, bucket_at=NOW))
    for market in range(positions):
        state.put(MarketBook, market, MarketBook(open_interest=1_000))
        state.put(MarketPrice, market, MarketPrice(price=PRICE, index=PRICE, funding_index=7 * market, ticked_at=NOW))
    for account, sign in ((2, 1), (3, -1)):
        record = Account(kind=Kind.CROSS, owner=account, collateral=2**48, slots=positions)
        state.put(Account, account, record)
        for slot in range(positions):
            state.put(Position, account * POSITION_SLOTS + slot, Position(market=slot, size=sign * 1_000))
    state.commit()
    return state


def wide_config(markets: int) -> Any:
    """The default configuration with as many markets as are asked for."""
    config = default_config()
    entries = tuple(config.markets[number % len(config.markets)] for number in range(markets))
    return type(config)(name="wide", parameters=config.parameters, markets=entries)


class Trader:
    """Trades between accounts 2 and 3, back and forth, each with fresh orders."""

    def __init__(self, positions: int) -> None:
        self.machine = Machine(world(positions))
        self.positions = positions
        self.count = 0

    def trade(self) -> None:
        """One trade; its order slots and its market change every time."""
        self.count += 1
        count, market = self.count, self.count % self.positions
        slot, nonce = count % 4096, count // 4096 + 1
        buyer, seller = (2, 3) if count % 2 else (3, 2)
        buy = Order(buyer, slot, nonce, FOREVER, market, True, 10, PRICE, 1_000, False, False, True)
        sell = Order(seller, slot, nonce, FOREVER, market, False, 10, PRICE, 1_000, False, False, True)
        self.machine.apply(Trade(market, 10, PRICE, True, buy, sell, market, market, 500, -200))

    def withdraw(self) -> None:
        """One withdrawal of one atom."""
        self.count += 1
        intent = Intent(self.count % 4096, self.count // 4096 + 1, FOREVER, True)
        self.machine.apply(Withdraw(2, 1, intent))

    def transfer(self) -> None:
        """One transfer of one atom."""
        self.count += 1
        intent = Intent(self.count % 4096, self.count // 4096 + 1, FOREVER, True)
        self.machine.apply(Transfer(2, 3, 1, intent))

    def oracle_tick(self) -> None:
        """One oracle tick, ten seconds after the last."""
        self.count += 1
        state = self.machine.state
        state.put(Exchange, 0, Exchange(number=1, time=NOW + 10 * self.count))
        report = Report(3, PRICE, (0, 1, 2, 0, 0, 0, 0, 0), (PRICE, PRICE, PRICE, 0, 0, 0, 0, 0))
        self.machine.apply(OracleTick(0, (report, report, Report(), Report()), True))


def by_positions(at_least: float) -> list[dict[str, object]]:
    """Seconds of the main operations, by positions held."""
    rows: list[dict[str, object]] = []
    for kind in ("trade", "withdraw", "transfer"):
        for positions in POSITIONS:
            trader = Trader(positions)
            rows.append(row(f"{kind}, {positions} positions", getattr(trader, kind), at_least))
    rows.append(row("oracle_tick", Trader(1).oracle_tick, at_least))
    return rows


class NoRoots:
    """No root is kept: only the rules are measured."""

    root = 0
    config_digest = 0

    def update(self, changed: object) -> None:
        """Nothing to do."""


def by_kind(at_least: float) -> list[dict[str, object]]:
    """Seconds of every kind of operation, as it first comes up in the demo, applied and undone."""
    ring = demo_ring()
    state = genesis(ring.configured(default_config(3)), ring.fees.owner)
    rows: dict[str, dict[str, object]] = {}
    for act in ACTS:
        before = state.copy()
        batch, _, _ = build_batch(state, NoRoots(), act.time, act.operations(Cast.of(ring)))
        begun = attrs.evolve(before.get(Exchange, 0), number=batch.header.number, time=act.time)
        before.put(Exchange, 0, begun)
        machine = Machine(before)
        for operation in batch.operations:
            before.commit()
            name = rule_of(operation).name
            if name not in rows:

                def once(operation: Any = operation, machine: Machine = machine) -> None:
                    machine.apply(operation)
                    machine.state.rollback()

                rows[name] = row(f"{name}, in the demo", once, at_least)
            machine.apply(operation)
    return [rows[name] for name in sorted(rows)]


def roots(at_least: float) -> list[dict[str, object]]:
    """Seconds of a root update, by records changed, in a state of 2^14 accounts."""
    state = genesis(default_config())
    for account in range(2, 2**14):
        state.put(Account, account, Account(kind=Kind.CROSS, owner=account, collateral=account, slots=3))
        for slot in range(3):
            state.put(Position, account * POSITION_SLOTS + slot, Position(slot, account, 0))
    state.commit()
    commitment = Commitment(state, KERNEL_HASHER)
    rows: list[dict[str, object]] = []
    for touched in (1, 10, 100, 1000):
        places = [RecordKey(Account, 2 + 16 * number) for number in range(touched)]
        places += [RecordKey(OrderSlot, (2 + 16 * number) * 4096) for number in range(touched)]
        update = functools.partial(commitment.update, places)
        rows.append(row(f"root update, {touched} accounts and order slots", update, at_least))
    return rows


def row(name: str, action: Callable[[], Any], at_least: float) -> dict[str, object]:
    """A measured row: seconds of the action, and its ratio to the baseline loop measured just before."""
    base = seconds_of(baseline, at_least / 4)
    seconds = seconds_of(action, at_least)
    return {"name": name, "microseconds": seconds * 1e6, "a_second": 1 / seconds, "baselines": seconds / base}


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, less exact")
    parser.add_argument("--json", action="store_true", help="JSON lines: the baseline, then the figures")
    options = parser.parse_args(arguments)
    at_least = 0.02 if options.quick else 0.2
    if options.json:
        print(json.dumps({"baseline": f"{BASELINE_STEPS} times a * b // c, 60 bits"}), flush=True)
    for part in (by_positions, by_kind, roots):
        for measured in part(at_least):
            if options.json:
                print(json.dumps(measured), flush=True)
            else:
                print(
                    f"{measured['name']:<48}{measured['microseconds']:>12.1f} us"
                    f"{measured['a_second']:>12,.0f} a second{measured['baselines']:>9.3f} baselines",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)  # perp bench, which is interrupted with it, says so
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
