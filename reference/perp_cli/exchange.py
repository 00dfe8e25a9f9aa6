"""What the commands on a stored exchange share: opening it, and reporting what a batch did."""

import argparse
from pathlib import Path

from perp_cli.arguments import path
from perp_cli.output import Output
from perp_cli.present import describe, mode_name, money, refusal, rejection_document, root_hex
from perp_reference.store.run import Outcome
from perp_reference.store.store import Store
from perp_spec.perpetual.records import Exchange, Ledger


def add_state_argument(parser: argparse.ArgumentParser, what: str = "directory of the exchange") -> None:
    """Takes the directory of an exchange."""
    parser.add_argument("--state", metavar="DIR", type=path, required=True, help=what)


def open_store(directory: Path, output: Output) -> Store:
    """Open the exchange in a directory.

    Raises:
        StoreError: There is none.
        MalformedInput: Its file is damaged.
    """
    with output.working(f"opening {directory}"):
        return Store.open(directory, lambda: output.note(f"{directory} is in use by another process, waiting for it"))


def report_outcome(store: Store, outcome: Outcome, output: Output) -> None:
    """Say what the last batch of a store did: what happened, what was left out and why."""
    config, exchange = store.config, store.state.get(Exchange, 0)
    for operation in outcome.operations:
        output.line(f"  {describe(config, operation, exchange)}")
    if outcome.rejected:
        output.line("left out, with every reason:")
        for rejection in outcome.rejected:
            for line in refusal(config, rejection):
                output.line(f"  {line}")


def report_totals(store: Store, output: Output) -> None:
    """Say where the exchange stands."""
    exchange = store.state.get(Exchange, 0)
    ledger = store.state.get(Ledger, 0)
    mode, root = mode_name(exchange.mode, exchange), root_hex(store.commitment.root)
    output.line(f"mode {mode}, vault {money(ledger.vault)}, root {root}")


def outcome_document(outcome: Outcome) -> dict[str, object]:
    """What a batch did, for programs."""
    header = outcome.batch.header
    return {
        "number": str(header.number),
        "time": str(header.time),
        "previous_root": root_hex(header.previous_root),
        "root": root_hex(outcome.root),
        "accepted": len(outcome.operations),
        "rejected": [rejection_document(rejection) for rejection in outcome.rejected],
        "changed_records": len(outcome.changed),
    }
