"""Replays the log of a stored exchange: applies each batch again, from the beginning, and compares every root.

With --account N only the operations that name that account are shown, and with --batch N only that batch; all are
replayed. With --json, operations are in the document where one of the two is given, as a batch file has them. With
--diffs DIR the difference file of each batch is written there, for perp escape. Exit code 1 where a root
differs.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs

from perp_cli.arguments import path, whole
from perp_cli.errors import UsageError
from perp_cli.exchange import add_state_argument, open_store
from perp_cli.exit_codes import ExitCode
from perp_cli.files import cannot_be_written
from perp_cli.output import Output
from perp_cli.present import describe, root_hex
from perp_reference.core.batch import Batch, InvalidBatchError, apply_batch
from perp_reference.core.commitment import Commitment
from perp_reference.core.diff import apply_diff
from perp_reference.core.state import State
from perp_reference.errors import MalformedInput
from perp_reference.formats.batch import decode_batch
from perp_reference.formats.state import DiffHeader, encode_diff
from perp_reference.store.run import Checker
from perp_reference.store.store import Entry, Store, hasher_for
from perp_spec.perpetual.operations import Order
from perp_spec.perpetual.records import Account, Exchange, Kind
from perp_spec.words import ACCOUNTS_MAX, WORD_MAX


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the exchange and what to show."""
    add_state_argument(parser)
    own = "show operations that name this account only"
    parser.add_argument("--account", metavar="N", type=whole(0, ACCOUNTS_MAX - 1), help=own)
    parser.add_argument("--batch", metavar="N", type=whole(0, WORD_MAX), help="show this batch only")
    parser.add_argument("--diffs", metavar="DIR", type=path, help="write the difference file of each batch there")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Replays the log.

    Raises:
        MalformedInput: The store is damaged.
        StoreError: There is no exchange in the directory.
        UsageError: There is no such batch, or nothing of such an account.
    """
    shown: list[dict[str, object]] = []
    named = 0
    with open_store(arguments.state, output) as store:
        first, *numbers = store.numbers()
        refuse_gaps(store, [first, *numbers])
        if arguments.batch is not None and arguments.batch not in numbers:
            known = f"there are {numbers[0]} to {numbers[-1]}" if numbers else "there is none yet"
            raise UsageError(f"no batch {arguments.batch}; {known}")
        entries = store.history()
        state, commitment = begin(store, next(entries))
        if arguments.diffs:
            write_diffs(store, arguments.diffs)
        digest = root_hex(commitment.config_digest)
        # Shown with the first line after it, or at the end: where the request is refused, nothing is.
        waiting = [f"beginning: root {root_hex(commitment.root)}, configuration {digest}"]
        for entry in entries:
            output.progress(f"batch {entry.number - first:,} of {len(numbers):,}")
            lines, document, found = replayed(store, state, commitment, entry, arguments)
            shown.append(document)
            named += found
            waiting += lines
            if lines:
                show(waiting, output)
        if arguments.account is not None and not named:
            waiting.append(nothing_of(store, arguments))
        show(waiting, output)
    differing = [item["number"] for item in shown if not item["same"]]
    if differing:
        output.line(f"batches whose root differs: {', '.join(str(number) for number in differing)}")
    else:
        output.line(f"{len(shown)} batches replayed, every root the same")
    output.document({"config_digest": digest, "batches": shown, "differing": differing})
    return ExitCode.FALSE if differing else ExitCode.OK


def show(waiting: list[str], output: Output) -> None:
    """Writes lines that wait; none waits afterwards."""
    for text in waiting:
        output.line(text)
    waiting.clear()


def refuse_gaps(store: Store, numbers: list[int]) -> None:
    """Checks that the log holds every batch.

    Raises:
        MalformedInput: One is missing.
    """
    for before, number in pairwise(numbers):
        if number != before + 1:
            raise MalformedInput(str(store.path), None, f"batch {before + 1}", "every batch", "none: it is missing")


def nothing_of(store: Store, arguments: argparse.Namespace) -> str:
    """Says that no operation names the account.

    Raises:
        UsageError: It does not exist either.
    """
    where = "" if arguments.batch is None else f" of batch {arguments.batch}"
    said = f"no operation{where} names account {arguments.account}"
    if store.state.get(Account, arguments.account).kind == Kind.ABSENT:
        raise UsageError(f"{said}, and it does not exist; there are {len(store.state.tables[Account])}")
    return said


def write_diffs(store: Store, directory: Path) -> None:
    """Write the difference file of each batch, named by its number.

    Raises:
        UsageError: The directory cannot be written.
    """
    digest = store.commitment.config_digest
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for before, entry in pairwise(store.history()):
            header = DiffHeader(entry.number, before.root, entry.root, digest)
            path = directory / f"diff-{entry.number:08}.jsonl"
            path.write_bytes(encode_diff(header, entry.changes.items()))
    except OSError as error:
        raise cannot_be_written(directory, error) from None


def begin(store: Store, first: Entry) -> tuple[State, Commitment]:
    """The state the store began with."""
    state = State(store.config)
    apply_diff(state, first.changes)
    records = len(state.commit())
    return state, Commitment(state, hasher_for(records))


def replayed(
    store: Store, state: State, commitment: Commitment, entry: Entry, arguments: argparse.Namespace
) -> tuple[list[str], dict[str, object], int]:
    """Applies one batch again; returns its lines, its document, and how many operations it shows."""
    batch = decode_batch(entry.operations, f"batch {entry.number}")
    checker = Checker(state, batch.header.time)
    try:
        apply_batch(state, commitment, Batch(batch.header, batch.operations), checker)
        same, said = commitment.root == entry.root, "root"
    except InvalidBatchError as error:
        same, said = False, str(error)
    lines: list[str] = []
    places: list[int] = []
    if arguments.batch in (None, entry.number):
        places = [place for place, item in enumerate(checker.checked) if concerns(item, arguments.account)]
        if places or arguments.account is None:
            lines.append(f"batch {entry.number}: {said} {root_hex(commitment.root)}{'' if same else ' DIFFERS'}")
            exchange = state.get(Exchange, 0)
            lines += [f"  {describe(store.config, checker.checked[place], exchange)}" for place in places]
    document: dict[str, object] = {"number": str(entry.number), "root": root_hex(entry.root), "same": same}
    if places and (arguments.account, arguments.batch) != (None, None):
        _, *written = entry.operations.splitlines()
        document["operations"] = [json.loads(written[place]) for place in places]
    return lines, document, len(places)


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
