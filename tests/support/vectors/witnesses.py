"""Scenarios of solver witnesses: files of states that the solver found, by rule; and directories.

A directory has config.json, state.jsonl and batch.jsonl in the file formats. A signed part counts as authorised where
it has any signature: whether that is right is not a matter of the rules.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from perp_proofs.smt.possible import Loads
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.solved import MARKETS, Solved, read_solved
from perp_reference.core.machine import RUNNERS, rule_of
from perp_reference.core.state import State
from perp_reference.formats.batch import read_batch
from perp_reference.formats.config import read_config
from perp_reference.formats.signed import Signed
from perp_reference.formats.state import KEY_RANGES, read_state
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.defaults import default_config
from perp_spec.words import MARKETS_MAX
from support.vectors.build import scenario

DIRECTORY = Path(__file__).resolve().parents[2] / "vectors" / "witnesses"

PATHS = DIRECTORY.with_name("paths.jsonl")
"""States on the paths that proofs take; of exchanges of any configuration, so they are no scenarios."""


def witness_scenarios(directory: Path = DIRECTORY) -> Iterator[Scenario]:
    """One scenario for each witness."""
    for file in sorted(directory.glob("*.jsonl")):
        yield from solved_scenarios(file)
    for own in sorted(directory.glob("*/")):
        yield witness(own)


def solved_scenarios(file: Path) -> Iterator[Scenario]:
    """The scenarios of the states that the solver found for a rule."""
    config = default_config(MARKETS)
    for case in read_solved(file).cases:
        assert possible(case, config), case.id
        flags = ("EDGE_CASE",) if "/decision" not in case.id else ()
        yield scenario(
            case.id, case.comment, config, case.records, (case.operation,), kind="solver", test=file.name, flags=flags
        )


def possible(case: Solved, config: Config) -> bool:
    """Whether the state of a case is within what is kept and assumed of states, and names configured markets only."""
    state = State(config)
    for place, record in case.records.items():
        state.put(place.record, place.key, record)
    loaded = RUNNERS[type(case.operation)].load(state, case.operation)
    entries = list(zip(rule_of(case.operation).footprint, loaded, strict=True))
    markets = (place.key for place in case.records if KEY_RANGES[place.record] == (MARKETS_MAX,))
    return all(Loads(case.operation, entries, config).possible()) and max(markets, default=0) < MARKETS


def witness(own: Path) -> Scenario:
    """The scenario of a witness."""
    config = read_config(own / "config.json")
    records = dict(read_state(own / "state.jsonl").records)
    batch = read_batch(own / "batch.jsonl")
    session = PerpetualSession(config)
    session.take(records)
    # A solver knows no digests: the header names the right ones.
    header = attrs.evolve(batch.header, previous_root=session.packed_root(), config_digest=session.config_digest)
    operations = [header, *(authorised(signed) for signed in batch.operations)]
    name = own.name.lower().replace(" ", "-")
    return scenario(
        f"witnesses/{name}", f"Found by a solver: {name}.", config, records, operations, kind="solver", test=name
    )


def authorised(signed: Signed) -> Any:
    """An operation with its flags set."""
    return flagged(signed.operation, bool(signed.signatures) and all(present(given) for given in signed.signatures))


def present(given: Any) -> bool:
    """Whether a signed part has a signature."""
    return any(item is not None for item in given) if isinstance(given, tuple) else given is not None


def flagged(record: Any, flag: bool) -> Any:
    """A record with every flag `authorised` in it set."""
    changes: dict[str, Any] = {}
    for attribute in attrs.fields(type(record)):
        value = getattr(record, attribute.name)
        if attribute.name == "authorised":
            changes["authorised"] = flag
        elif "nested" in attribute.metadata:
            changes[attribute.name] = flagged(value, flag)
    return attrs.evolve(record, **changes)
