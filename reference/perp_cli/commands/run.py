"""Applies a batch file to a stored exchange, wholly or not at all.

BATCH is a batch file, which one rejected operation makes invalid as a whole, or a draft, from which the builder leaves
rejected operations out and says why. Signatures are checked.

A batch file can be tried again without harm: it fits once. So can a draft whose header states the number of its batch;
without it, a draft becomes another batch each time.

With --prove the batch is proved too. The first proof on a machine compiles the prover, which takes a minute or two.
"""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from perp_cli.arguments import path
from perp_cli.errors import UsageError
from perp_cli.exchange import add_state_argument, open_store, outcome_document, report_outcome, report_totals
from perp_cli.exit_codes import ExitCode
from perp_cli.files import Pending, pending
from perp_cli.output import Output
from perp_cli.present import guard_document, numbers_of
from perp_reference.core.batch import InvalidBatchError
from perp_reference.errors import StoreError
from perp_reference.formats.batch import DRAFT_FORMAT, decode_batch, decode_draft, encode_batch
from perp_reference.formats.state import DiffHeader, encode_diff
from perp_reference.formats.text import read_file
from perp_reference.store.run import Outcome, run_batch, run_draft
from perp_reference.store.store import Store

if TYPE_CHECKING:
    from perp_cli.proving import Before


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the batch, the exchange and what to write."""
    parser.add_argument("batch", metavar="BATCH", type=path, help="batch file or draft")
    add_state_argument(parser)
    parser.add_argument("--out", metavar="FILE", type=path, help="write the batch that was applied, as a batch file")
    parser.add_argument("--diff", metavar="FILE", type=path, help="write what changed, as a difference file")
    parser.add_argument("--prove", metavar="FILE", type=path, help="prove the batch, and write the proof")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Applies the batch.

    Raises:
        MalformedInput: The batch or the store is malformed; nothing has changed.
        StoreError: There is no exchange in the directory.
        UsageError: A file cannot be written.
    """
    data = read_file(arguments.batch)
    with (
        open_store(arguments.state, output) as store,
        pending(arguments.out, arguments.diff, arguments.prove, apart_from=(store.path, arguments.batch)) as (
            out,
            diff,
            proof,
        ),
    ):
        before = kept(store) if proof is not None else None
        try:
            outcome = apply(store, data, str(arguments.batch), output.progress)
        except InvalidBatchError as error:
            return report_invalid(error, str(arguments.batch), output)
        except StoreError as error:
            raise UsageError(f"{error}; the batch is not applied") from None
        output.done = f"batch {outcome.batch.header.number} is applied"
        write(store, outcome, out, diff)
        output.line(f"batch {outcome.batch.header.number}")
        report_outcome(store, outcome, output)
        report_totals(store, output)
        proved = {} if before is None or proof is None else {"proof": prove_outcome(before, outcome, proof, output)}
    output.document({**outcome_document(outcome), **proved})
    return ExitCode.OK


def kept(store: Store) -> "Before":
    """The state before the batch, for the prover."""
    from perp_cli.proving import Before

    return Before.of(store)


def prove_outcome(before: "Before", outcome: Outcome, file: Pending, output: Output) -> dict[str, object]:
    """Proves a batch that was applied, and writes the proof; what is said of it.

    Raises:
        UsageError: It cannot be written.
    """
    from perp_cli.proving import proof_document, prove, timed
    from perp_proofs.verifier.batch import write_proof
    from perp_reference.core.batch import Batch

    output.flush()
    with timed() as seconds:
        proof = prove(before, Batch(outcome.batch.header, outcome.operations), output)
    data = write_proof(proof)
    file.write(data)
    output.line(f"proved in {seconds[0]:.1f} s, {len(data):,} bytes")
    return proof_document(proof, data)


def apply(store: Store, data: bytes, file: str, progress: Callable[[str], None]) -> Outcome:
    """Applies a batch or a draft, by the format its first line names.

    Raises:
        MalformedInput: It breaks its format.
        InvalidBatchError: It is rejected.
    """
    is_draft = f'"{DRAFT_FORMAT}"'.encode() in data.partition(b"\n")[0]
    batch = decode_draft(data, file) if is_draft else decode_batch(data, file)

    def at(done: int) -> None:
        progress(f"operation {done:,} of {len(batch.operations):,}")

    return run_draft(store, batch, at) if is_draft else run_batch(store, batch, at)


def write(store: Store, outcome: Outcome, out: Pending | None, diff: Pending | None) -> None:
    """Writes the files asked for.

    Raises:
        UsageError: One cannot be written.
    """
    header = outcome.batch.header
    described = DiffHeader(header.number, header.previous_root, outcome.root, store.commitment.config_digest)
    if out is not None:
        out.write(encode_batch(outcome.batch))
    if diff is not None:
        diff.write(encode_diff(described, outcome.changed.items()))


def report_invalid(error: InvalidBatchError, file: str, output: Output) -> ExitCode:
    """Says why a batch is invalid, and in which line of its file; nothing has changed."""
    line = 1 if error.place is None else error.place + 2
    output.line(f"{file}:{line}: {error}")
    for guard in error.guards:
        numbers = numbers_of(guard)
        output.line(f"  {guard.reason.name}: {guard.sentence}{f' ({numbers})' if numbers else ''}")
    output.line("nothing has changed")
    output.document(
        {
            "invalid": {
                "place": error.place,
                "line": line,
                "rule": error.rule,
                "reason": error.reason.name,
                "guards": [guard_document(guard) for guard in error.guards],
            }
        }
    )
    return ExitCode.FALSE
