"""Replays the log of a stored exchange: applies each batch again, from the beginning, and compares every root.

With --account N only the operations that name that account are shown, and with --batch N only that batch; all are
replayed. With --diffs DIR the difference file of each batch is written there, for perp escape. Exit code 1 where a root
differs.
"""

import argparse
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs

from perp_cli.errors import UsageError
from perp_cli.exchange import open_store
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output
from perp_cli.present import describe, root_hex
from perp_reference.core.batch import Batch, InvalidBatchError, apply_batch
from perp_reference.core.commitment import Commitment
from perp_reference.core.diff import apply_diff
from perp_reference.core.state import State
from perp_reference.formats.batch import decode_batch
from perp_reference.formats.state import DiffHeader, encode_diff
from perp_reference.store.run import Checker
from perp_reference.store.store import Entry, Store, hasher_for
from perp_spec.perpetual.operations import Order


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the exchange and what to show."""
    parser.add_argument("--state", metavar="DIR", required=True, help="directory of the exchange")
    parser.add_argument("--account", metavar="N", type=int, help="show operations that name this account only")
    parser.add_argument("--batch", metavar="N", type=int, help="show this batch only")
    parser.add_argument("--diffs", metavar="DIR", help="write the difference file of each batch there")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Replays the log.

    Raises:
        MalformedInput: The store is damaged.
        UsageError: There is no exchange in the directory.
    """
    shown: list[dict[str, object]] = []
    with open_store(arguments.state) as store:
        first, *entries = store.history()
        state, commitment = begin(store, first)
        output.line(f"beginning: root {root_hex(commitment.root)}")
        if arguments.diffs:
            write_diffs(store, [first, *entries], Path(arguments.diffs))
        for entry in entries:
            line, document = replayed(store, state, commitment, entry, arguments)
            shown.append(document)
            for text in line:
                output.line(text)
    differing = [item["number"] for item in shown if not item["same"]]
    if differing:
        output.line(f"batches whose root differs: {', '.join(str(number) for number in differing)}")
    else:
        output.line(f"{len(shown)} batches replayed, every root the same")
    output.document({"batches": shown, "differing": differing})
    return ExitCode.FALSE if differing else ExitCode.OK


def write_diffs(store: Store, entries: list[Entry], directory: Path) -> None:
    """Write the difference file of each batch, named by its number.

    Raises:
        UsageError: The directory cannot be written.
    """
    digest = store.commitment.config_digest
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for before, entry in pairwise(entries):
            header = DiffHeader(entry.number, before.root, entry.root, digest)
            path = directory / f"diff-{entry.number:08}.jsonl"
            path.write_bytes(encode_diff(header, entry.changes.items()))
    except OSError as error:
        raise UsageError(f"{directory} cannot be written: {error.strerror}") from None


def begin(store: Store, first: Entry) -> tuple[State, Commitment]:
    """The state the store began with."""
    state = State(store.config)
    apply_diff(state, first.changes)
    records = len(state.commit())
    return state, Commitment(state, hasher_for(records))


def replayed(
    store: Store, state: State, commitment: Commitment, entry: Entry, arguments: argparse.Namespace
) -> tuple[list[str], dict[str, object]]:
    """Applies one batch again; returns its lines and its document."""
    batch = decode_batch(entry.operations, f"batch {entry.number}")
    checker = Checker(state, batch.header.time)
    try:
        apply_batch(state, commitment, Batch(batch.header, batch.operations), checker)
        same, said = commitment.root == entry.root, "root"
    except InvalidBatchError as error:
        same, said = False, str(error)
    lines: list[str] = []
    if arguments.batch in (None, entry.number):
        operations = [item for item in checker.checked if concerns(item, arguments.account)]
        if operations or arguments.account is None:
            lines.append(f"batch {entry.number}: {said} {root_hex(commitment.root)}{'' if same else ' DIFFERS'}")
            lines += [f"  {describe(store.config, operation)}" for operation in operations]
    document: dict[str, object] = {"number": str(entry.number), "root": root_hex(entry.root), "same": same}
    return lines, document


def concerns(operation: Any, account: int | None) -> bool:
    """Whether an operation names an account; None is named by all."""
    if account is None:
        return True
    for attribute in attrs.fields(type(operation)):
        value = getattr(operation, attribute.name)
        if attribute.name in {"account", "sender", "recipient", "counterparty"} and value == account:
            return True
        if isinstance(value, Order) and value != Order() and value.account == account:
            return True
    return False
