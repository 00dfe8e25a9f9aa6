"""The entry point: finds the command, runs it, and turns every way it can end into an exit code."""

import argparse
import contextlib
import importlib
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from perp_cli import __version__
from perp_cli.commands import COMMANDS, Command
from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output, OutputLost, abandon, open_streams
from perp_reference.errors import MalformedInput, StoreError, one_line

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

DEBUG_VARIABLE = "PERP_DEBUG"
"""Set to 1, an internal error shows its traceback."""

LONGEST_MESSAGE_CHARACTERS = 1_000
"""An error message is cut here, whatever the command line holds."""


class Parser(argparse.ArgumentParser):
    """An argument parser that leaves errors to the error boundary, also those of the stream it writes its help to."""

    def error(self, message: str) -> NoReturn:
        """Raises `UsageError` with the parser's message.

        Raises:
            UsageError: Always.
        """
        raise UsageError(f"{message} (see {self.prog} --help)")

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        """Writes help or a version, and does not pass over what goes wrong as argparse does."""
        try:
            (file or sys.stderr).write(message)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error.strerror or str(error)) from None


def main(argv: list[str] | None = None) -> int:
    """Runs one command line, by default the process's own; returns its exit code."""
    open_streams()
    arguments = sys.argv[1:] if argv is None else argv
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    output = Output(as_json="--json" in own)
    try:
        return guarded(arguments, output)
    except BrokenPipeError:
        abandon(sys.stdout)
        if output.done:
            output.note(f"nobody reads stdout any more{output.all_the_same}")
        return ExitCode.BROKEN_PIPE
    except OutputLost as error:
        abandon(sys.stdout)
        output.note(f"stdout cannot be written: {error}{output.all_the_same}")
        return ExitCode.USAGE


def guarded(arguments: list[str], output: Output) -> int:
    """Runs a command line behind the error boundary: whatever it raises becomes one line and an exit code."""
    try:
        # Whoever starts this program may have held interrupts back until somebody can answer them.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        exit_code = dispatch(arguments, output)
        output.close()
    except (UsageError, StoreError) as error:
        return failed(output, ExitCode.USAGE, one_line(str(error), LONGEST_MESSAGE_CHARACTERS), {})
    except MalformedInput as error:
        place = {"file": error.file, "line": error.line, "field": error.field}
        finding = {"expected": error.expected, "got": error.got}
        return failed(output, ExitCode.MALFORMED, str(error), {**place, **finding})
    except (BrokenPipeError, OutputLost):
        raise
    except KeyboardInterrupt:
        return failed(output, ExitCode.INTERRUPTED, "interrupted", {})
    except SystemExit:
        # Help or a version, which argparse leaves in the buffer.
        output.flush()
        raise
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

        with contextlib.suppress(OSError):
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
    parsed = parser_of(command).parse_args(arguments[1:])
    with output.working(f"perp {command.name}"):
        return module.run(parsed, output)


def parser_of(command: Command) -> Parser:
    """What reads the arguments of a command."""
    module = importlib.import_module(command.module)
    parser = Parser(prog=f"perp {command.name}", description=module.__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="write exactly one JSON object to stdout")
    return parser


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
    raise UsageError(f"no command {one_line(name) or 'of an empty name'} ({offer})")
