"""Verifies the proof of a batch: that the rules took the old state to the new one on exactly these operations.

The verifier is plain Python. It knows the rules as the recorded program, of this installation or from --program, and
needs neither the state nor the batch. What the proof is about is shown, and compared with --statement:

    perp verify batch-7.proof --config config.json
    perp verify batch-7.proof --config 91c0... --statement number=7 previous_root=5f0c... new_root=81aa...

Roots do not hold the configuration: demand it with --config, or a proof with other margins and other keys is accepted.

A proof says which operations happened, with the flags that say that they were signed. That somebody signed is not in
it yet.
"""

import argparse
from typing import TYPE_CHECKING

from perp_cli.arguments import path, whole
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output
from perp_cli.present import root_hex
from perp_reference.core.digests import config_digest
from perp_reference.errors import MalformedInput
from perp_reference.formats.config import decode_config
from perp_reference.formats.text import read_file

if TYPE_CHECKING:
    from pathlib import Path

    from perp_proofs.air.batch import BatchSystem
    from perp_proofs.air.statement import Statement

HEX_DIGITS = 64
"""Of a digest."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the proof, and what it must be about."""
    parser.add_argument("proof", metavar="FILE", type=path, help="proof file")
    parser.add_argument(
        "--statement", metavar="NAME=VALUE", nargs="+", action="extend", default=[], help="what the proof must say"
    )
    known = "the configuration it must be about: a configuration file, or the 64 digits of its digest"
    parser.add_argument("--config", metavar="CONFIG", help=known)
    recorded = "the recorded program (default: that of this installation)"
    parser.add_argument("--program", metavar="FILE", type=path, help=recorded)
    parser.add_argument(
        "--bits", metavar="N", type=whole(100, 1_000), default=100, help="proven bits demanded (default and least 100)"
    )


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Verifies the proof.

    Raises:
        MalformedInput: The file is no proof, or the program is none.
        UsageError: A statement has no such part.
    """
    from perp_cli.proving import (
        IN_CIRCUIT,
        proof_document,
        recorded_system,
        security_document,
        statement_lines,
        timed,
    )
    from perp_proofs.verifier.batch import MalformedProof, read_proof, verify_batch
    from perp_proofs.verifier.errors import ProofError

    data = read_file(arguments.proof)
    try:
        proof = read_proof(data)
    except MalformedProof as error:
        raise MalformedInput(str(arguments.proof), None, None, "the proof of a batch", str(error)) from None
    config = [] if arguments.config is None else [f"config_digest={config_text(arguments.config)}"]
    differing = differences(proof.statement, [*config, *arguments.statement])
    shown = proof_document(proof, data)
    if differing:
        return refuse(output, shown, differing)
    made = recorded_system()
    if arguments.program:
        made, faults = foreign_system(arguments.program)
        if faults:
            return refuse(output, shown, ["the program does not pass the no-wrap gate", *faults[:10]])
    try:
        with timed() as seconds:
            verified = verify_batch(made, proof, arguments.bits)
    except ProofError as error:
        return refuse(output, shown, [str(error)])
    output.line(f"verified in {seconds[0]:.1f} s: {len(data):,} bytes, {verified.security.sentence()}")
    output.line("  " + IN_CIRCUIT)
    for line in statement_lines(proof.statement):
        output.line(line)
    compared = bool(config) or any(entry.startswith("config_digest=") for entry in arguments.statement)
    if not compared:
        output.line("the configuration was NOT compared with one that you know: see --config")
    output.document({**shown, "verified": True, "config_compared": compared, "security": security_document(verified)})
    return ExitCode.OK


def config_text(given: str) -> str:
    """The digest of a configuration in hexadecimal: of the one in a file, or as given.

    Raises:
        MalformedInput: The file is no configuration.
    """
    if len(given) == HEX_DIGITS and set(given) <= set("0123456789abcdef"):
        return given
    return root_hex(config_digest(decode_config(read_file(path(given)), given)))


def foreign_system(file: "Path") -> "tuple[BatchSystem, list[str]]":
    """The system of a program in a file, and what the no-wrap gate has against it. The installed one has passed.

    Raises:
        MalformedInput: It is no program, or has no tables.
    """
    from perp_cli.proving import read_program, recorded_system
    from perp_proofs.air.batch import batch_system, gate
    from perp_proofs.air.system import MalformedSystem

    try:
        made = batch_system(read_program(file))
    except MalformedSystem as error:
        raise MalformedInput(str(file), None, None, "a program that has tables", str(error)) from None
    return made, [] if made.system.digest == recorded_system().system.digest else gate(made)


def differences(statement: "Statement", wanted: list[str]) -> list[str]:
    """What the statement does not say that it must say.

    Raises:
        UsageError: It has no such part.
    """
    from perp_cli.proving import statement_texts

    texts = statement_texts(statement)
    found: list[str] = []
    for entry in wanted:
        name, equals, value = entry.partition("=")
        if not equals or name not in texts:
            raise UsageError(f"--statement {entry}: not one of {', '.join(f'{own}=VALUE' for own in texts)}")
        if texts[name] != value:
            found.append(f"{name} is {texts[name]}, not {value}")
    return found


def refuse(output: Output, shown: dict[str, object], reasons: list[str]) -> ExitCode:
    """Says why a proof is refused."""
    output.line("not verified:")
    for reason in reasons:
        output.line(f"  {reason}")
    output.document({**shown, "verified": False, "reasons": reasons})
    return ExitCode.FALSE
