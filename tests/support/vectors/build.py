"""From worlds to scenarios in the values of the protocol."""

import functools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from perp_reference.conformance.boundary import Moment
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.values import NAMES, encode_record, encode_state, records_of
from perp_reference.formats.config import encode_config
from perp_spec.perpetual.config import Config
from support.worlds import World


@functools.cache
def config_document(config: Config) -> dict[str, Any]:
    """The document of a configuration."""
    return json.loads(encode_config(config))


def moment_of(world: World, operation: Any) -> Moment:
    """The state of a world, and an operation on it."""
    return Moment(records_of(world.state), operation)


def scenario(
    name: str,
    comment: str,
    config: Config,
    records: Mapping[Any, Any],
    operations: Iterable[Any],
    kind: str = "handwritten",
    **others: Any,
) -> Scenario:
    """A scenario of operations on the records of a state."""
    source = {"kind": kind, **({"test": others.pop("test")} if "test" in others else {})}
    if "seed" in others:
        source["seed"] = others.pop("seed")
    return Scenario(
        id=name,
        comment=comment,
        rules="perpetual",
        config=config_document(config),
        pre=encode_state(records),
        steps=tuple((NAMES[type(operation)], encode_record(operation)) for operation in operations),
        source=source,
        **others,
    )
