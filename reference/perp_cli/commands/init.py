"""Makes an exchange in a directory: a configuration, and the state it begins with.

Without --config it is the default configuration, whose keys anyone can know: for trying things out only.
"""

import argparse
from pathlib import Path

from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output
from perp_cli.present import root_hex
from perp_reference.core.state import State, genesis
from perp_reference.demo import demo_ring
from perp_reference.errors import MalformedInput
from perp_reference.formats.config import encode_config, read_config
from perp_reference.formats.state import read_state, state_of
from perp_reference.signing.authorise import key_violations
from perp_reference.signing.keys import owner_of_key
from perp_reference.store.store import Store, StoreError
from perp_spec.perpetual.config import Config, violations
from perp_spec.perpetual.defaults import default_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the directory, the configuration and the beginning."""
    parser.add_argument("--state", metavar="DIR", required=True, help="directory to make")
    parser.add_argument("--config", metavar="FILE", help="configuration file (default: the default exchange)")
    parser.add_argument("--from", metavar="FILE", dest="beginning", help="state file to begin with (default: empty)")
    parser.add_argument("--write-config", metavar="FILE", help="write the configuration used, as a file to edit")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Makes the exchange.

    Raises:
        UsageError: The directory holds an exchange already, or a file cannot be written.
        MalformedInput: The configuration or the state breaks its format or a bound.
    """
    config = configuration(arguments.config)
    state = beginning(config, arguments.beginning)
    try:
        if arguments.write_config:
            Path(arguments.write_config).write_bytes(encode_config(config))
        store = Store.create(Path(arguments.state), state)
    except StoreError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"{arguments.write_config} cannot be written: {error.strerror}") from None
    with store:
        root = root_hex(store.commitment.root)
        digest = root_hex(store.commitment.config_digest)
    output.line(f"exchange {config.name} of {len(config.markets)} markets in {arguments.state}")
    output.line(f"configuration {digest}")
    output.line(f"root {root}")
    output.document({"state": arguments.state, "name": config.name, "config_digest": digest, "root": root})
    return ExitCode.OK


def configuration(file: str | None) -> Config:
    """The configuration to use.

    Raises:
        MalformedInput: It breaks its format or a bound of the rules.
    """
    if file is None:
        return demo_ring().configured(default_config())
    config = read_config(Path(file))
    broken = violations(config) or key_violations(config)
    if broken:
        first = broken[0]
        raise MalformedInput(file, None, first.place, f"{first.expected} ({first.reason.name})", first.got)
    return config


def beginning(config: Config, file: str | None) -> State:
    """The state to begin with.

    Raises:
        MalformedInput: The state file breaks its format, or is of another configuration.
    """
    if file is None:
        return genesis(config, owner_of_key(bytes.fromhex(config.fees_key)) if config.fees_key else 0)
    return state_of(read_state(Path(file)), config, file)
