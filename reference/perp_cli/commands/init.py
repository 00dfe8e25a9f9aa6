"""Makes an exchange in a directory: a configuration, and the state it begins with.

Without --config it is the default configuration, whose keys anyone can know: for trying things out only.
"""

import argparse
from pathlib import Path

from perp_cli.arguments import path
from perp_cli.exchange import add_state_argument
from perp_cli.exit_codes import ExitCode
from perp_cli.files import pending
from perp_cli.output import Output
from perp_cli.present import root_hex
from perp_reference.core.state import State, genesis
from perp_reference.demo import demo_ring
from perp_reference.errors import MalformedInput
from perp_reference.formats.config import encode_config, read_config
from perp_reference.formats.state import read_state, state_of
from perp_reference.signing.authorise import key_violations
from perp_reference.signing.owners import owner_of_key
from perp_reference.store.store import Store
from perp_spec.perpetual.config import Config, violations
from perp_spec.perpetual.defaults import default_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the directory, the configuration and the beginning."""
    add_state_argument(parser, "directory to make")
    add_beginning_arguments(parser, "state file to begin with (default: empty)")
    parser.add_argument(
        "--write-config", metavar="FILE", type=path, help="write the configuration used, as a file to edit"
    )


def add_beginning_arguments(parser: argparse.ArgumentParser, beginning: str) -> None:
    """Takes a configuration, and the state an exchange begins with."""
    parser.add_argument(
        "--config", metavar="FILE", type=path, help="configuration file (default: the default exchange)"
    )
    parser.add_argument("--from", metavar="FILE", dest="beginning", type=path, help=beginning)


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Makes the exchange.

    Raises:
        StoreError: The directory holds an exchange already, or cannot be written.
        UsageError: The file for the configuration cannot be written; no exchange is made.
        MalformedInput: The configuration or the state breaks its format or a bound.
    """
    config = configuration(arguments.config)
    state = beginning(config, arguments.beginning)
    with pending(arguments.write_config) as (file,), Store.create(arguments.state, state) as store:
        root = root_hex(store.commitment.root)
        digest = root_hex(store.commitment.config_digest)
        output.done = f"the exchange in {arguments.state} is made"
        if file is not None:
            file.write(encode_config(config))
    output.line(f"exchange {config.name} of {len(config.markets)} markets in {arguments.state}")
    output.line(f"configuration {digest}")
    output.line(f"root {root}")
    output.document({"state": str(arguments.state), "name": config.name, "config_digest": digest, "root": root})
    return ExitCode.OK


def configuration(file: Path | None) -> Config:
    """The configuration to use.

    Raises:
        MalformedInput: It breaks its format or a bound of the rules.
    """
    if file is None:
        return demo_ring().configured(default_config())
    config = read_config(file)
    broken = violations(config) or key_violations(config)
    if broken:
        first = broken[0]
        raise MalformedInput(str(file), None, first.place, f"{first.expected} ({first.reason.name})", first.got)
    return config


def beginning(config: Config, file: Path | None) -> State:
    """The state to begin with.

    Raises:
        MalformedInput: The state file breaks its format, or is of another configuration.
    """
    if file is None:
        return genesis(config, owner_of_key(bytes.fromhex(config.fees_key)) if config.fees_key else 0)
    return state_of(read_state(file), config, str(file))
