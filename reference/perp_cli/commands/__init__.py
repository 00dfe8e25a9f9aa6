"""The commands of `perp`, one module each.

A command's module has a docstring that `--help` shows, and two functions:

    add_arguments(parser: argparse.ArgumentParser) -> None
    run(arguments: argparse.Namespace, output: perp_cli.output.Output) -> ExitCode

`run` gives its result to `output` both as lines and as a document, raises `MalformedInput` for a bad input and
`UsageError` for a bad request, and lets any other exception pass.
"""

from typing import NamedTuple


class Command(NamedTuple):
    """A command, without the module that runs it.

    Attributes:
        name: What the user types.
        module: The module that runs it, imported only then.
        summary: One line for the list of commands.
    """

    name: str
    module: str
    summary: str


COMMANDS = (
    Command("test", "perp_cli.commands.test", "run the tests, by tier"),
    Command("version", "perp_cli.commands.version", "show the versions in use"),
)
