"""Rebuilds an exchange from its published differences alone, and proves what an account owns.

An exit without the operator.

DIFF are the difference files of all batches, in order, as perp run --diff and perp log --diffs write them. Each is
checked against the root before and the root after it. What is proved of the account is checked against the last root
by the standard verifier before it is written. An exchange with a configuration of its own needs that too:

    perp show --state DIR --write-config config.json
    perp log --state DIR --diffs diffs
    perp escape --config config.json --account 3 diffs/*
"""

import argparse
import json
from pathlib import Path
from typing import Any

import attrs

from perp_cli.arguments import path, whole
from perp_cli.commands.init import add_beginning_arguments, beginning, configuration
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.files import pending
from perp_cli.output import Output
from perp_cli.present import money, root_hex
from perp_reference.core.commitment import AccountProof, Commitment, verify_account_proof
from perp_reference.core.diff import apply_diff
from perp_reference.core.encoding import EncodingError
from perp_reference.core.state import State
from perp_reference.core.views import account_view
from perp_reference.errors import MalformedInput
from perp_reference.formats.state import read_diff
from perp_reference.store.store import hasher_for
from perp_spec.perpetual.records import Account, Kind
from perp_spec.words import ACCOUNTS_MAX, Unit, fields_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the differences, what the exchange began with, and the account."""
    each = "difference file, one for each batch, in order"
    parser.add_argument("diffs", metavar="DIFF", nargs="+", type=path, help=each)
    parser.add_argument(
        "--account", metavar="N", type=whole(0, ACCOUNTS_MAX - 1), required=True, help="account to prove"
    )
    add_beginning_arguments(parser, "state file it began with (default: empty)")
    parser.add_argument("--out", metavar="FILE", type=path, help="write the proof, as one JSON object")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Rebuilds and proves.

    Raises:
        MalformedInput: A file breaks its format, or does not follow from the ones before.
        UsageError: The proof cannot be written, or the configuration is missing.
    """
    with pending(arguments.out) as (file,):
        document = rebuilt(arguments, output)
        if file is not None:
            file.write(f"{json.dumps(document, indent=1)}\n".encode())
    output.document(document)
    return ExitCode.OK


def rebuilt(arguments: argparse.Namespace, output: Output) -> dict[str, object]:
    """Rebuilds the exchange, and proves the account.

    Raises:
        MalformedInput: A file breaks its format, or does not follow from the ones before.
    """
    number = arguments.account
    state = beginning(configuration(arguments.config), arguments.beginning)
    commitment = Commitment(state, hasher_for(sum(len(table) for table in state.tables.values())))
    for place, file in enumerate(arguments.diffs, 1):
        output.progress(f"difference {place} of {len(arguments.diffs)}")
        follow(state, commitment, file, arguments.config)
    proof = commitment.prove_account(number)
    verify_account_proof(commitment.root, proof)
    exists = state.get(Account, number).kind != Kind.ABSENT
    equity = account_view(state, number).health.equity if exists else 0
    output.line(f"{len(arguments.diffs)} differences lead to root {root_hex(commitment.root)}")
    owned = f"equity {money(equity)} at the prices of that state" if exists else "absent"
    output.line(f"account {number}: {owned}, proved against that root")
    return {"root": root_hex(commitment.root), "equity": str(equity), "proof": proof_document(proof)}


def follow(state: State, commitment: Commitment, path: Path, config: Path | None) -> None:
    """Apply one difference. `config` is where the configuration came from.

    Raises:
        MalformedInput: It breaks its format, or is not the next one of this exchange; or the configuration is not its.
        UsageError: No configuration was given, and it is not of the default exchange.
    """
    file = str(path)
    diff = read_diff(path)
    header = diff.header
    if header.config_digest != commitment.config_digest:
        raise other_configuration(file, header.config_digest, commitment.config_digest, config)
    if header.previous_root != commitment.root:
        expected, got = f'"{root_hex(commitment.root)}"', f'"{root_hex(header.previous_root)}"'
        raise MalformedInput(file, 1, "previous_root", expected, got)
    try:
        apply_diff(state, dict(diff.records))
        commitment.update(state.journal)
    except EncodingError as error:
        raise MalformedInput(file, None, None, "changes of this state", str(error)) from None
    state.commit()
    if commitment.root != header.root:
        raise MalformedInput(file, 1, "root", f'"{root_hex(commitment.root)}"', f'"{root_hex(header.root)}"')


def other_configuration(file: str, stated: int, used: int, config: Path | None) -> MalformedInput | UsageError:
    """The error where a difference states the digest of another configuration than the one in use."""
    expected, got = f"the configuration of {file}, digest {root_hex(stated)}", f"one of digest {root_hex(used)}"
    if config is not None:
        return MalformedInput(str(config), None, None, expected, got)
    hint = "perp show --state DIR --write-config FILE writes it"
    return UsageError(f"without --config this is the default exchange; --config takes {expected} ({hint})")


def proof_document(proof: AccountProof) -> dict[str, object]:
    """A proof for programs: integers as decimal strings, digests in hexadecimal."""
    return {
        "account": str(proof.account),
        "record": record_document(proof.record),
        "orders": root_hex(proof.orders),
        "positions": [record_document(position) for position in proof.positions],
        "path": [root_hex(digest) for digest in proof.path],
        "request": record_document(proof.request),
        "request_path": [root_hex(digest) for digest in proof.request_path],
        "markets": [
            {
                "market": str(market.market),
                "price": record_document(market.price),
                "oracle": record_document(market.oracle),
                "book": record_document(market.book),
                "path": [root_hex(digest) for digest in market.path],
            }
            for market in proof.markets
        ],
        "roots": [root_hex(digest) for digest in proof.roots],
        "exchange": record_document(proof.exchange),
        "ledger": record_document(proof.ledger),
        "queue": record_document(proof.queue),
    }


def record_document(record: Any) -> dict[str, object]:
    """A record for programs."""
    described = fields_of(type(record))
    return {name: value_document(described[name].unit, value) for name, value in attrs.asdict(record).items()}


def value_document(unit: Unit, value: Any) -> object:
    """A field's value for programs."""
    if unit is Unit.DIGEST:
        return root_hex(value)
    if unit is Unit.FLAG:
        return value
    return [str(item) for item in value] if isinstance(value, tuple) else str(value)
