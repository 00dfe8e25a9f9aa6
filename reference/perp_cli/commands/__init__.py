"""The commands of `perp`, one module each, and the tiers of its tests.

A command's module has a docstring that `--help` shows, and two functions:

    add_arguments(parser: argparse.ArgumentParser) -> None
    run(arguments: argparse.Namespace, output: perp_cli.output.Output) -> ExitCode

`run` gives its result to `output` both as lines and as a document, raises `MalformedInput` for a bad input and
`UsageError` for a bad request, and lets any other exception pass.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Tier(NamedTuple):
    """A tier of the tests.

    Attributes:
        name: What the user types; the tests of a tier other than core have the marker of this name.
        summary: What it runs, in a few words.
        requirements: The requirement set it needs.
    """

    name: str
    summary: str
    requirements: str = "test"


TIERS = (
    Tier("core", "all that needs Python alone"),
    Tier("data", "what reads market data at PERP_DATA"),
    Tier("polyglot", "what builds implementations in Go and TypeScript"),
    Tier("browser", "what looks at the built site in Chromium", "docs"),
    Tier("proofs", "what runs the solvers", "proofs"),
    Tier("mutation", "what breaks the rules and has to be noticed", "proofs"),
    Tier("stark-long", "the long tests of the proof system"),
)
"""The tiers that have tests."""


class Command(NamedTuple):
    """A command, without the module that runs it.

    Attributes:
        name: What the user types.
        module: The module that runs it, imported only then.
        summary: One line for the list of commands.
        requirements: The requirement set it needs, a lock in requirements/; `perp` installs it before the command runs.
        raised: Words on its command line, such as the name of a part of it, with the larger set that each needs.
    """

    name: str
    module: str
    summary: str
    requirements: str = "runtime"
    raised: Mapping[str, str] = MappingProxyType({})


COMMANDS = (
    Command("demo", "perp_cli.commands.demo", "run a short life of an exchange and check it"),
    Command("init", "perp_cli.commands.init", "make an exchange in a directory"),
    Command("run", "perp_cli.commands.run", "apply a batch to an exchange"),
    Command("prove", "perp_cli.commands.prove", "prove a batch"),
    Command("verify", "perp_cli.commands.verify", "verify the proof of a batch"),
    Command("program", "perp_cli.commands.program", "show the recorded program and what each rule costs"),
    Command("show", "perp_cli.commands.show", "show an exchange, an account or a market"),
    Command("explain", "perp_cli.commands.explain", "show every guard of an operation with its numbers"),
    Command("audit", "perp_cli.commands.audit", "recompute every total of an exchange"),
    Command("log", "perp_cli.commands.log", "replay the log of an exchange"),
    Command("escape", "perp_cli.commands.escape", "rebuild an exchange from its differences and prove an account"),
    Command("conform", "perp_cli.commands.conform", "test an implementation against the vectors"),
    Command("fuzz", "perp_cli.commands.fuzz", "look for inputs on which an implementation differs", "test"),
    Command("vectors", "perp_cli.commands.vectors", "build, verify or measure the vectors", "test"),
    Command("replay", "perp_cli.commands.replay", "replay recorded prices with a population of traders"),
    Command("check", "perp_cli.commands.check", "prove the theorems about the rules", "proofs"),
    Command("attack", "perp_cli.commands.attack", "search small exchanges for sequences of operations that break them"),
    Command("bench", "perp_cli.commands.bench", "measure this machine"),
    Command(
        "starkex",
        "perp_cli.commands.starkex",
        "check and prove the rules of the deployed StarkEx program",
        raised={"prove": "proofs"},
    ),
    Command(
        "test",
        "perp_cli.commands.test",
        "run the tests, by tier",
        "test",
        {tier.name: tier.requirements for tier in TIERS},
    ),
    Command("docs", "perp_cli.commands.docs", "build the documentation site, or serve it on this machine", "docs"),
    Command("version", "perp_cli.commands.version", "show the versions in use"),
)
