"""States that a solver found, in files: one for each rule, a state and an operation a line, without what is zero.

Each stands for one side of a guard or one way of a decision. The file says what text of the rule it was made for, and
what no state was found for.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from perp_reference.conformance.fixtures import compact
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.shapes import STRICT, Fixed, Listing, Members, Only, Text
from perp_reference.conformance.values import (
    RECORDS,
    decode_operation,
    decode_state,
    encode_record,
    encode_state,
    zero_fields,
)
from perp_reference.core.state import RecordKey
from perp_reference.errors import MalformedInput
from perp_reference.formats.state import KEY_RANGES
from perp_reference.formats.text import Refused, malformed, read_file
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.defaults import default_config

SOLVED_FORMAT = "perpspec-solved-2"

MARKETS = 2
"""The configuration is the default one of so many markets."""

HEAD = Fixed(
    {
        "format": Only(SOLVED_FORMAT),
        "rule": Text(),
        "digest": Text("[0-9a-f]{64}", "64 hexadecimal digits"),
        "solver": Text(),
        "counts": Members(),
        "guards": Listing(Members()),
        "missed": Listing(Members()),
    }
)

LINE = Fixed({"id": Text(), "comment": Text(), "outcome": Text(), "state": Members(), "args": Members()})


@frozen
class Solved:
    """A state and an operation on it."""

    id: str
    comment: str
    outcome: str
    """Reason of the first false guard, empty where the operation is accepted."""
    records: Mapping[RecordKey, Any]
    operation: Any


@frozen
class SolvedRule:
    """All that was found of one rule.

    Attributes:
        digest: Of the text of the rule that it was found for, 64 hexadecimal digits.
        counts: How many sides and ways there are, and how many of them were met; by name.
        guards: Each guard, with its distance from the boundary in the nearest state on either side, by "holds" and
            "fails"; empty where there is no state.
        missed: What no state was found for: the text, the side, and whether the solver says that there is none.
    """

    rule: str
    digest: str
    solver: str
    counts: Mapping[str, str]
    guards: tuple[Mapping[str, str], ...]
    missed: tuple[Mapping[str, str], ...]
    cases: tuple[Solved, ...]


def encode_solved(found: SolvedRule) -> bytes:
    """The file of a rule."""
    head = {
        "format": SOLVED_FORMAT,
        "rule": found.rule,
        "digest": found.digest,
        "solver": found.solver,
        "counts": dict(found.counts),
        "guards": [dict(item) for item in found.guards],
        "missed": [dict(item) for item in found.missed],
    }
    lines = [compact(head)]
    for case in found.cases:
        zeros = encode_record(type(case.operation)())
        arguments = without(encode_record(case.operation), zeros)
        document = {
            "id": case.id,
            "comment": case.comment,
            "outcome": case.outcome,
            "state": sparse_state(encode_state(case.records)),
            "args": arguments,
        }
        lines.append(compact(document))
    return ("\n".join(lines) + "\n").encode()


def decode_solved(data: bytes, file: str) -> SolvedRule:
    """What a file says.

    Raises:
        MalformedInput: It breaks the format.
    """
    try:
        head, *lines = data.decode("utf-8").splitlines()
        value = STRICT.decode(head)
        HEAD.check(value)
        if value["rule"] not in PERPETUAL.rules:
            raise Refused("the name of a rule", value["rule"], "rule")  # noqa: TRY301 - the handler adds the place
        kind = PERPETUAL.rules[value["rule"]].operation
    except (UnicodeDecodeError, json.JSONDecodeError, ValueError):
        raise MalformedInput(file, 1, None, "a JSON object", "something else") from None
    except Refused as refused:
        raise malformed(file, 1, refused) from None
    cases: list[Solved] = []
    for number, line in enumerate(lines, 2):
        try:
            cases.append(decode_line(value["rule"], kind, line))
        except json.JSONDecodeError:
            raise MalformedInput(file, number, None, "a JSON object", "something else") from None
        except Refused as refused:
            raise malformed(file, number, refused) from None
    return SolvedRule(
        value["rule"],
        value["digest"],
        value["solver"],
        value["counts"],
        tuple(value["guards"]),
        tuple(value["missed"]),
        tuple(cases),
    )


def decode_line(rule: str, kind: type[Any], line: str) -> Solved:
    """A state and an operation.

    Raises:
        Refused: The line breaks the format.
    """
    value = STRICT.decode(line)
    LINE.check(value)
    operation = decode_operation(rule, filled(value["args"], encode_record(kind())))
    records = decode_state(filled_state(value["state"]))
    return Solved(value["id"], value["comment"], value["outcome"], records, operation)


def read_solved(file: Path) -> SolvedRule:
    """What a file says.

    Raises:
        MalformedInput: It cannot be read or breaks the format.
    """
    return decode_solved(read_file(file), str(file))


def read_directory(directory: Path) -> list[SolvedRule]:
    """What the files of a directory say, in the order of their names.

    Raises:
        MalformedInput: A file cannot be read or breaks the format.
    """
    return [read_solved(file) for file in sorted(directory.glob("*.jsonl"))]


def outcome_of(case: Solved, session: PerpetualSession) -> str:
    """What the machine says of a case: the reason, or nothing where it accepts.

    Raises:
        OutOfRangeError: The rule would store a word outside its range.
    """
    session.take(case.records)
    return session.apply_operation(case.operation).reason or ""


def session_of_solved() -> PerpetualSession:
    """A session of the configuration in which the states are."""
    return PerpetualSession(default_config(MARKETS))


# Without what is zero


def without(value: Any, zeros: Any) -> Any:
    """The members of an object that are not as in the one of all zeros."""
    return {
        name: without(part, zeros[name]) if isinstance(part, dict) else part
        for name, part in value.items()
        if part != zeros[name]
    }


def filled(value: Any, zeros: Any) -> Any:
    """An object with the members that are not named taken from the one of all zeros.

    Raises:
        Refused: A member is named that the other one has not.
    """
    for name in value:
        if name not in zeros:
            raise Refused("no member of this name", "one", name)
    return {
        name: filled(value[name], part) if isinstance(part, dict) and name in value else value.get(name, part)
        for name, part in zeros.items()
    }


def sparse_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """The object of a state, each record without what is zero."""
    found: dict[str, Any] = {}
    for name, inside in state.items():
        found[name] = at_depth(inside, len(KEY_RANGES[RECORDS[name]]), without, zero_fields(RECORDS[name]))
    return found


def filled_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """The object of a state, each record whole.

    Raises:
        Refused: There is no such record or field.
    """
    found: dict[str, Any] = {}
    for name, inside in state.items():
        if name not in RECORDS:
            raise Refused("no member of this name", "one", name)
        found[name] = at_depth(inside, len(KEY_RANGES[RECORDS[name]]), filled, zero_fields(RECORDS[name]))
    return found


def at_depth(value: Any, depth: int, change: Callable[[Any, Any], Any], zeros: Any) -> Any:
    """The objects so many keys below, changed with the one of all zeros in view.

    Raises:
        Refused: There is something else than an object on the way.
    """
    if not isinstance(value, dict):
        raise Refused("an object", "something else")
    if not depth:
        return change(value, zeros)
    return {key: at_depth(part, depth - 1, change, zeros) for key, part in value.items()}
