"""The entry point: finds the command, runs it, and turns every way it can end into an exit code."""

import argparse
import importlib
import os
import sys
from typing import NoReturn

from perp_cli import __version__
from perp_cli.commands import COMMANDS, Command
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output
from perp_reference.errors import MalformedInput, one_line

DEBUG_VARIABLE = "PERP_DEBUG"
"""Set to 1, an internal error shows its traceback."""


class Parser(argparse.ArgumentParser):
    """An argument parser that leaves errors to the error boundary."""

    def error(self, message: str) -> NoReturn:
        """Raises `UsageError` with the parser's message.

        Raises:
            UsageError: Always.
        """
        raise UsageError(f"{message} (see {self.prog} --help)")


def main(argv: list[str] | None = None) -> int:
    """Runs one command line, by default the process's own; returns its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    output = Output(as_json="--json" in own)
    try:
        return guarded(arguments, output)
    except BrokenPipeError:
        # The interpreter empties stdout once more at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.BROKEN_PIPE


def guarded(arguments: list[str], output: Output) -> int:
    """Runs a command line behind the error boundary: whatever it raises becomes one line and an exit code."""
    try:
        exit_code = dispatch(arguments, output)
        output.close()
    except UsageError as error:
        return failed(output, ExitCode.USAGE, str(error), {})
    except MalformedInput as error:
        place = {"file": error.file, "line": error.line, "field": error.field}
        finding = {"expected": error.expected, "got": error.got}
        return failed(output, ExitCode.MALFORMED, str(error), {**place, **finding})
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return failed(output, ExitCode.INTERRUPTED, "interrupted", {})
    except Exception as error:  # noqa: BLE001 - this is the boundary
        return internal(output, error)
    return exit_code


def failed(output: Output, exit_code: ExitCode, message: str, details: dict[str, object]) -> ExitCode:
    """Reports why a command failed, and returns its exit code."""
    output.error(exit_code, message, details)
    output.close()
    return exit_code


def internal(output: Output, error: Exception) -> ExitCode:
    """Reports an error of this program: one line, or the traceback too where the user asks for it."""
    name = type(error).__name__
    if os.environ.get(DEBUG_VARIABLE) == "1":
        import traceback

        traceback.print_exception(error)
    said = one_line(str(error))
    hint = "" if os.environ.get(DEBUG_VARIABLE) == "1" else f"; set {DEBUG_VARIABLE}=1 for the traceback"
    message = f"internal error: {name}{': ' if said else ''}{said}{hint}"
    return failed(output, ExitCode.INTERNAL, message, {"exception": name})


def dispatch(arguments: list[str], output: Output) -> int:
    """Finds the command and runs it.

    Raises:
        UsageError: There is no such command, or it refuses its arguments.
    """
    position = next((index for index, word in enumerate(arguments) if not word.startswith("-")), len(arguments))
    if position == len(arguments):
        return top_level(arguments)
    if position > 0:
        raise UsageError(f"{arguments[0]} comes after the command (see perp --help)")
    command = command_named(arguments[0])
    module = importlib.import_module(command.module)
    parser = Parser(prog=f"perp {command.name}", description=module.__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="write exactly one JSON object to stdout")
    return module.run(parser.parse_args(arguments[1:]), output)


def top_level(arguments: list[str]) -> ExitCode:
    """Answers a command line without a command: help or version.

    Raises:
        UsageError: It asks for neither.
    """
    listed = "\n".join(f"  {command.name:<10}{command.summary}" for command in COMMANDS)
    codes = "\n".join(f"  {code.value:<10}{code.name.lower().replace('_', ' ')}" for code in ExitCode)
    parser = Parser(
        prog="perp",
        usage="perp COMMAND [ARGUMENTS]",
        description="An executable, machine-checked specification of a perpetuals exchange.",
        epilog=f"commands:\n{listed}\n\nexit codes:\n{codes}\n\nperp COMMAND --help says more of one command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"perp {__version__}")
    parser.parse_args([word for word in arguments if word != "--json"])
    if "--json" in arguments:
        raise UsageError("--json comes after the command (see perp --help)")
    parser.print_help(sys.stderr)
    return ExitCode.USAGE


def command_named(name: str) -> Command:
    """Returns the command of that name.

    Raises:
        UsageError: There is none; the message offers the nearest.
    """
    for command in COMMANDS:
        if command.name == name:
            return command
    import difflib

    near = difflib.get_close_matches(name, [command.name for command in COMMANDS], n=1)
    offer = f"did you mean {near[0]}?" if near else "see perp --help"
    raise UsageError(f"no command {one_line(name)} ({offer})")
