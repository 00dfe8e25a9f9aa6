"""Measures this machine: operations a second by kind and by positions held, and root updates.

Each figure is a ratio to a baseline loop measured beside it. The benchmarks are in benchmarks/ of a checkout.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output

SCRIPT = Path("benchmarks") / "operations.py"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes how long to measure."""
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, less exact")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Runs the benchmarks in a process of their own.

    Raises:
        UsageError: There are no benchmarks here, as in an installation from a wheel.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / SCRIPT).is_file():
        raise UsageError("the benchmarks are in a checkout of perpspec, not in an installation")
    command = [sys.executable, str(root / SCRIPT), *(["--quick"] if arguments.quick else [])]
    if not output.as_json:
        return ExitCode.OK if subprocess.run(command, check=False).returncode == 0 else ExitCode.INTERNAL
    import json

    measured = subprocess.run([*command, "--json"], check=True, stdout=subprocess.PIPE)
    output.document(json.loads(measured.stdout))
    return ExitCode.OK
