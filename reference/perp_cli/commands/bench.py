"""Measures this machine: operations a second by kind and by positions held, and root updates.

Each figure is a ratio to a baseline loop measured beside it. The benchmarks are in benchmarks/ of a checkout.
"""

import argparse
import json
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
        with output.handed_over():
            return ended(subprocess.run(command, check=False).returncode)
    with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE) as measuring:
        assert measuring.stdout is not None
        about: dict[str, object] = {}
        rows: list[dict[str, object]] = []
        for line in measuring.stdout:
            found = json.loads(line)
            if "baseline" in found:
                about = found
            else:
                rows.append(found)
                output.progress(f"{len(rows)} figures, the last of {found['name']}")
    output.document({**about, "rows": rows})
    return ended(measuring.returncode)


def ended(code: int) -> ExitCode:
    """What the exit code of the benchmarks says.

    Raises:
        RuntimeError: They failed.
    """
    if code != 0:
        raise RuntimeError(f"the benchmarks ended with exit code {code}")
    return ExitCode.OK
