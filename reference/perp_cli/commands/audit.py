"""Recomputes every total of a stored exchange from its records, and says what does not add up.

Checked: money to the last micro-atom, sizes that sum to zero, open interest, dust, counts, slots, ranges. The root is
recomputed too. Exit code 1 where anything is found.

The log of earlier batches is not looked at: perp log replays it.
"""

import argparse

from perp_cli.exchange import add_state_argument, open_store
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output
from perp_cli.present import root_hex
from perp_reference.core.audit import audit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the exchange."""
    add_state_argument(parser)


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Audits the exchange.

    Raises:
        MalformedInput: The store is damaged.
        StoreError: There is no exchange in the directory.
    """
    with open_store(arguments.state, output) as store:
        findings = audit(store.state)
        records = sum(len(table) for table in store.state.tables.values())
        root = root_hex(store.commitment.root)
        configuration = root_hex(store.commitment.config_digest)
    for finding in findings:
        output.line(str(finding))
    output.line(f"configuration {configuration}")
    output.line(f"{records} records, root {root}: {f'{len(findings)} findings' if findings else 'everything adds up'}")
    output.document(
        {
            "records": records,
            "config_digest": configuration,
            "root": root,
            "findings": [{"place": item.place, "expected": item.expected, "got": item.got} for item in findings],
        }
    )
    return ExitCode.FALSE if findings else ExitCode.OK
