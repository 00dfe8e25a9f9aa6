"""Shows the versions of perpspec, of Python and of the packages that results may depend on."""

import argparse
import importlib.metadata
import platform

from perp_cli import __version__
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output

PACKAGES = ("attrs", "msgspec", "cryptography", "numpy", "numba", "z3-solver", "cvc5")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes no arguments."""
    del parser


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Shows each version, and None or "not installed" for a package that is absent."""
    del arguments
    packages = {name: installed_version(name) for name in PACKAGES}
    output.line(f"perpspec {__version__}")
    output.line(f"Python {platform.python_version()} ({platform.python_implementation()}, {platform.platform()})")
    for name, version in packages.items():
        output.line(f"{name} {version or 'not installed'}")
    python = {"version": platform.python_version(), "implementation": platform.python_implementation()}
    output.document(
        {"perpspec": __version__, "python": python, "platform": platform.platform(), "packages": packages},
    )
    return ExitCode.OK


def installed_version(package: str) -> str | None:
    """Returns a package's version without importing it, or None where it is absent."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
