"""Applies a batch file to a stored exchange, wholly or not at all.

BATCH is a batch file, which one rejected operation makes invalid as a whole, or a draft, from which the builder leaves
rejected operations out and says why. Signatures are checked.
"""

import argparse
from pathlib import Path

from perp_cli.errors import UsageError
from perp_cli.exchange import open_store, outcome_document, report_outcome, report_totals
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output
from perp_cli.present import guard_document, numbers_of
from perp_reference.core.batch import InvalidBatchError
from perp_reference.formats.batch import DRAFT_FORMAT, decode_batch, decode_draft, encode_batch
from perp_reference.formats.state import DiffHeader, encode_diff
from perp_reference.formats.text import read_file
from perp_reference.store.run import Outcome, run_batch, run_draft
from perp_reference.store.store import Store, StoreError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the batch, the exchange and what to write."""
    parser.add_argument("batch", metavar="BATCH", help="batch file or draft")
    parser.add_argument("--state", metavar="DIR", required=True, help="directory of the exchange")
    parser.add_argument("--out", metavar="FILE", help="write the batch that was applied, as a batch file")
    parser.add_argument("--diff", metavar="FILE", help="write what changed, as a difference file")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Applies the batch.

    Raises:
        MalformedInput: The batch or the store is malformed; nothing has changed.
        UsageError: There is no exchange in the directory, or a file cannot be written.
    """
    data = read_file(Path(arguments.batch))
    with open_store(arguments.state) as store:
        try:
            outcome = apply(store, data, arguments.batch)
        except InvalidBatchError as error:
            return report_invalid(error, output)
        except StoreError as error:
            raise UsageError(f"{error}; the batch is not applied") from None
        write(store, outcome, arguments)
        output.line(f"batch {outcome.batch.header.number}")
        report_outcome(store.config, outcome, output)
        report_totals(store, output)
    output.document(outcome_document(outcome))
    return ExitCode.OK


def apply(store: Store, data: bytes, file: str) -> Outcome:
    """Applies a batch or a draft, by the format its first line names.

    Raises:
        MalformedInput: It breaks its format.
        InvalidBatchError: It is rejected.
    """
    if f'"{DRAFT_FORMAT}"'.encode() in data.partition(b"\n")[0]:
        return run_draft(store, decode_draft(data, file))
    return run_batch(store, decode_batch(data, file))


def write(store: Store, outcome: Outcome, arguments: argparse.Namespace) -> None:
    """Writes the files asked for.

    Raises:
        UsageError: One cannot be written; the batch is applied all the same.
    """
    header = outcome.batch.header
    described = DiffHeader(header.number, header.previous_root, outcome.root, store.commitment.config_digest)
    for file, make in (
        (arguments.out, lambda: encode_batch(outcome.batch)),
        (arguments.diff, lambda: encode_diff(described, outcome.changed.items())),
    ):
        try:
            if file:
                Path(file).write_bytes(make())
        except OSError as error:
            reason = f"{file} cannot be written: {error.strerror}; batch {header.number} is applied all the same"
            raise UsageError(reason) from None


def report_invalid(error: InvalidBatchError, output: Output) -> ExitCode:
    """Says why a batch is invalid; nothing has changed."""
    output.line(str(error))
    for guard in error.guards:
        numbers = numbers_of(guard)
        output.line(f"  {guard.reason.name}: {guard.sentence}{f' ({numbers})' if numbers else ''}")
    output.line("nothing has changed")
    output.document(
        {
            "invalid": {
                "place": error.place,
                "rule": error.rule,
                "reason": error.reason.name,
                "guards": [guard_document(guard) for guard in error.guards],
            }
        }
    )
    return ExitCode.FALSE
