"""Runs the tests of this checkout, by tier.

The core tier needs Python alone; each other tier needs what its name says. What follows -- goes to pytest:

    perp test                          the core tier
    perp test --tier core data         two tiers
    perp test -- -k funding -n0        some tests, in one process

A run in which no test passes is never a success, nor is a core tier that skips a test.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from perp_cli.commands import TIERS
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output

MARKERS = ("data", "polyglot", "browser", "proofs", "mutation", "stark_long")
"""Each tier but core is the tests with the marker of its name; core is the tests with none of these markers."""

PYTEST_OK, PYTEST_FAILED, PYTEST_INTERRUPTED, PYTEST_INTERNAL, PYTEST_USAGE, PYTEST_NONE = range(6)

EXIT_OF_PYTEST = {
    PYTEST_OK: ExitCode.OK,
    PYTEST_FAILED: ExitCode.FALSE,
    PYTEST_INTERRUPTED: ExitCode.INTERRUPTED,
    PYTEST_INTERNAL: ExitCode.INTERNAL,
    PYTEST_USAGE: ExitCode.USAGE,
    PYTEST_NONE: ExitCode.OK,
}
"""What pytest's exit code says, before the counts of each tier are looked at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes tiers and pytest's own arguments."""
    names = [tier.name for tier in TIERS]
    listed = "; ".join(f"{tier.name}: {tier.summary}" for tier in TIERS)
    parser.add_argument("--tier", metavar="NAME", nargs="+", action="extend", choices=names, help=listed)
    parser.add_argument("pytest_arguments", metavar="-- PYTEST_ARGUMENT", nargs="*", help="passed on to pytest")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Runs the tiers in one pytest and reports each tier's counts.

    Raises:
        UsageError: There are no tests here, as in an installation from a wheel.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "tests" / "conftest.py").is_file():
        raise UsageError("the tests are in a checkout of perpspec, not in an installation")
    tiers = [tier.name for tier in TIERS if tier.name in (arguments.tier or ["core"])]
    with tempfile.TemporaryDirectory() as directory:
        counts_file = Path(directory) / "tiers.json"
        own = ["-n", "auto", "--dist", "worksteal", "-m", marker_expression(tiers), f"--tier-counts={counts_file}"]
        command = [sys.executable, "-m", "pytest", *own, *arguments.pytest_arguments]
        # With --json, stdout is kept for the one object.
        with output.handed_over():
            ran = subprocess.run(command, cwd=root, stdout=sys.stderr if output.as_json else None, check=False)
        counts = json.loads(counts_file.read_text(encoding="utf-8")) if counts_file.exists() else {}
    return report(tiers, counts, EXIT_OF_PYTEST.get(ran.returncode, ExitCode.INTERNAL), output)


def report(tiers: list[str], counts: dict[str, dict[str, int]], code: ExitCode, output: Output) -> ExitCode:
    """Says which tiers ran; returns the exit code, which is no success where nothing was shown."""
    ran = {tier: counts.get(tier, {}) for tier in tiers}
    for tier, outcomes in ran.items():
        said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        output.line(f"tier {tier}: {said or 'no test ran'}")
    finding = ""
    if code == ExitCode.OK and not any(outcomes.get("passed", 0) for outcomes in ran.values()):
        code, finding = ExitCode.USAGE, "a run in which no test passes shows nothing"
    elif code == ExitCode.OK and ran.get("core", {}).get("skipped", 0) > 0:
        code, finding = ExitCode.FALSE, "the core tier skips no test"
    if finding:
        output.note(finding)
    output.document({"tiers": ran, "exit_code": int(code), "finding": finding})
    return code


def marker_expression(tiers: list[str]) -> str:
    """Returns pytest's marker expression that selects the tiers."""
    chosen = [tier.replace("-", "_") for tier in tiers if tier != "core"]
    if "core" not in tiers:
        return " or ".join(chosen)
    return " and ".join(f"not {marker}" for marker in MARKERS if marker not in chosen)
