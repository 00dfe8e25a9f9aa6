"""Proves a batch: that the rules took the state of an exchange to the next one on exactly these operations.

The exchange is as it was before the batch, and stays so; `perp run --prove` applies and proves at once. Anyone can
check the proof with `perp verify`, without the batch and without the state.

The first proof on a machine compiles the prover, which takes a minute or two.
"""

import argparse

from perp_cli.arguments import path
from perp_cli.commands.run import report_invalid
from perp_cli.errors import UsageError
from perp_cli.exchange import add_state_argument, open_store
from perp_cli.exit_codes import ExitCode
from perp_cli.files import pending
from perp_cli.output import Output
from perp_reference.core.batch import EndBatchError, InvalidBatchError
from perp_reference.errors import MalformedInput
from perp_reference.formats.batch import decode_batch
from perp_reference.formats.text import read_file
from perp_reference.store.run import checked_batch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the batch, the exchange, the profile, and where the proof goes."""
    parser.add_argument("batch", metavar="BATCH", type=path, help="batch file")
    add_state_argument(parser, "directory of the exchange before the batch")
    parser.add_argument("-o", "--out", metavar="FILE", type=path, required=True, help="write the proof")
    parser.add_argument("--profile", choices=("100", "128"), default="100", help="proven bits (default 100)")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Proves the batch.

    Raises:
        MalformedInput: The batch or the store is malformed.
        StoreError: There is no exchange in the directory.
        UsageError: The proof cannot be written, or would be of too few bits.
    """
    from perp_cli.proving import Before, proof_document, prove, statement_lines, timed
    from perp_proofs.verifier.batch import write_proof
    from perp_proofs.verifier.errors import ProofError

    file = str(arguments.batch)
    signed = decode_batch(read_file(arguments.batch), file)
    with (
        open_store(arguments.state, output) as store,
        pending(arguments.out, apart_from=(store.path, arguments.batch)) as (out,),
    ):
        try:
            batch = checked_batch(store, signed)
        except InvalidBatchError as error:
            return report_invalid(error, file, output)
        except EndBatchError as error:
            raise MalformedInput(file, None, None, "a batch that ends once", str(error)) from None
        try:
            with timed() as seconds:
                proof = prove(Before(store.state, store.commitment), batch, output, arguments.profile)
        except ProofError as error:
            raise UsageError(f"no proof of {arguments.profile} bits: {error}") from None
        data = write_proof(proof)
        if out is not None:
            out.write(data)
    output.line(f"batch {proof.statement.number} proved in {seconds[0]:.1f} s, {len(data):,} bytes; the statement:")
    for line in statement_lines(proof.statement):
        output.line(line)
    output.document(proof_document(proof, data))
    return ExitCode.OK
