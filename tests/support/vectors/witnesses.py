"""Scenarios of solver witnesses: files of states that the solver found, by rule; and directories.

A directory has config.json, state.jsonl and batch.jsonl in the file formats. A signed part counts as authorised where
it has any signature: whether that is right is not a matter of the rules.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from perp_proofs.smt.invariants import (
    Largest,
    book_in_range,
    ledger_in_range,
    oracle_in_range,
    position_in_range,
    price_in_range,
)
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.solved import MARKETS, read_solved
from perp_reference.core.state import RecordKey
from perp_reference.formats.batch import read_batch
from perp_reference.formats.config import read_config
from perp_reference.formats.signed import Signed
from perp_reference.formats.state import KEY_RANGES, read_state
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import SetKillSwitch
from perp_spec.perpetual.records import (
    FUND,
    Account,
    Exchange,
    Kind,
    Ledger,
    MarketBook,
    MarketOracle,
    MarketPrice,
    Position,
)
from perp_spec.words import MARKETS_MAX
from support.vectors.build import scenario
from support.vectors.large import SETTLED_MOST

DIRECTORY = Path(__file__).resolve().parents[2] / "vectors" / "witnesses"


def witness_scenarios(directory: Path = DIRECTORY) -> Iterator[Scenario]:
    """One scenario for each witness."""
    for file in sorted(directory.glob("*.jsonl")):
        yield from solved_scenarios(file)
    for own in sorted(directory.glob("*/")):
        yield witness(own)


def solved_scenarios(file: Path) -> Iterator[Scenario]:
    """The scenarios of the states that the solver found for a rule, but for those that no state file could hold."""
    for case in read_solved(file).cases:
        config = default_config(MARKETS)
        if not possible(case.records, config):
            continue
        flags = ("EDGE_CASE",) if "/decision" not in case.id else ()
        records = case.records
        if isinstance(case.operation, SetKillSwitch):
            # It takes a nonce in a slot of the fund, which it does not load, and which every exchange has.
            records = {RecordKey(Account, FUND): Account(kind=Kind.CROSS), **records}
        yield scenario(
            case.id, case.comment, config, records, (case.operation,), kind="solver", test=file.name, flags=flags
        )


def possible(records: Mapping[RecordKey, Any], config: Config) -> bool:
    """Whether a state names configured markets only, as the kit demands, and is within what is assumed of states."""
    now = records[RecordKey(Exchange, 0)].time if RecordKey(Exchange, 0) in records else 0
    return all(in_range(place, record, config, now) for place, record in records.items())


def in_range(place: RecordKey, record: Any, config: Config, now: int) -> bool:
    """Whether a record is."""
    key = place.key if KEY_RANGES[place.record] == (MARKETS_MAX,) else 0
    if max(key, getattr(record, "market", 0)) >= MARKETS:
        return False
    market = config.markets[key].market
    match record:
        case Account():
            return abs(record.collateral) <= SETTLED_MOST
        case MarketPrice():
            return price_in_range(record, market, now)
        case MarketOracle():
            return oracle_in_range(record, market, now)
        case MarketBook():
            return book_in_range(record, market)
        case Ledger():
            return ledger_in_range(record)
        case Position():
            return position_in_range(record, Largest(market.max_size, market.max_price))
        case _:
            return True


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
