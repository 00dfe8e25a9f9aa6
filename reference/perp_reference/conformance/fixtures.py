"""Fixtures: cases with what the reference expects of them. Their schema is docs/schemas/fixture.schema.json."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from perp_reference.conformance.rule_sets import RULE_SETS
from perp_reference.conformance.shapes import STRICT, Cases, Fixed, Listing, Members, Only, Shape, Text, Whatever
from perp_reference.errors import MalformedInput
from perp_reference.formats.text import Refused, described, malformed, snippet

SCHEMA = "urn:perpspec:fixture:1"

BUG_TYPES = (
    "BASIC",
    "EDGE_CASE",
    "ROUNDING",
    "OVERFLOW",
    "SIGN",
    "ORDER_OF_CHECKS",
    "MISSING_CHECK",
    "ATOMICITY",
    "STALE_DATA",
    "ENCODING",
    "KNOWN_EXPLOIT",
)
"""Kinds of mistakes that a flag of a case speaks of."""

SOURCES = ("handwritten", "boundary", "walk", "observed", "solver", "fuzz", "mutation", "regression", "incident")
"""Where a case is from."""

CASE_ID = re.compile(r"[a-z0-9_.-]+(?:/[a-z0-9_.-]+)*")

DIGEST = Text("sha256:[0-9a-f]{64}", "sha256: and 64 hexadecimal digits")
REASON = Text("[A-Z][A-Z0-9_]*", "the name of a reason")
ROOT = Text("[0-9a-f]{64}", "64 lower-case hexadecimal digits")
ANY_TEXT = Text()

DELTA = Listing(Fixed({"path": ANY_TEXT, "value": Whatever()}))

EXPECT = Cases(
    "outcome",
    {
        "accepted": Fixed({"outcome": Only("accepted"), "delta": DELTA, "root": ROOT, "outputs": Members()}),
        "rejected": Fixed(
            {"outcome": Only("rejected"), "reason": REASON, "violated": Listing(REASON, least=1), "root": ROOT}
        ),
    },
)

OPTIONAL_SOURCE: dict[str, Shape] = {"test": ANY_TEXT, "seed": ANY_TEXT, "link": ANY_TEXT, "found_in": ANY_TEXT}

CASE = Fixed(
    {
        "id": Text(CASE_ID.pattern, "an id of lower-case letters, digits, dots, dashes, underscores and slashes"),
        "comment": ANY_TEXT,
        "level": Only("required", "recommended"),
        "flags": Listing(ANY_TEXT),
        "covers": Listing(ANY_TEXT, least=1),
        "needs": Listing(Only("root", "config_digest")),
        "source": Fixed({"kind": Only(*SOURCES)}, OPTIONAL_SOURCE),
        "pre": Members(),
        "steps": Listing(Fixed({"op": ANY_TEXT, "args": Members(), "expect": EXPECT}), least=1),
    }
)

FIXTURE = Fixed(
    {
        "schema": Only(SCHEMA),
        "spec": Fixed({"version": ANY_TEXT, "digest": DIGEST}),
        "rules": Only(*RULE_SETS),
        "config": Members(),
        "notes": Members(),
        "cases": Listing(CASE, least=1),
        "hash": DIGEST,
    }
)

MEANINGS = {
    "spec": "the rules that the expectations are from: their version, and the digest of their text",
    "rules": "the rule set of the cases",
    "config": "the configuration they are under, as the protocol's configure has it",
    "notes": "what the flags of the cases mean",
    "cases": "the cases",
    "hash": "SHA-256 of the fixture without this member: members sorted by code point, no spaces",
}
"""What the members of a fixture are."""

CASE_MEANINGS = {
    "id": "a name of its own among all fixtures",
    "comment": "given, when, then, for people",
    "level": "whether a run fails where this case fails",
    "flags": "which mistakes it is made to find, explained in notes",
    "covers": "operations, and guards as OPERATION.REASON, that it shows",
    "needs": "what an implementation must compute itself to be asked: features of the protocol",
    "source": "where the case is from",
    "pre": "the state before the first step",
    "steps": "operations, each with what the rules say of it",
}
"""What the members of a case are."""

NOTE = Fixed({"bug_type": Only(*BUG_TYPES), "description": ANY_TEXT}, {"effect": ANY_TEXT, "links": Listing(ANY_TEXT)})


@frozen
class Expected:
    """What the reference says of a step."""

    reason: str | None
    """Of the first false guard; None where it is accepted."""
    violated: tuple[str, ...]
    """Of all false guards."""
    delta: Mapping[str, Any]
    """Path and new value."""
    root: str
    outputs: Mapping[str, Any]


@frozen
class Step:
    """An operation, and what is expected of it."""

    op: str
    args: Mapping[str, Any]
    expected: Expected


@frozen
class Case:
    """A state and operations on it."""

    id: str
    comment: str
    level: str
    flags: tuple[str, ...]
    covers: tuple[str, ...]
    needs: tuple[str, ...]
    source: Mapping[str, str]
    pre: Mapping[str, Any]
    steps: tuple[Step, ...]


@frozen
class Fixture:
    """Cases under one configuration."""

    spec_version: str
    spec_digest: str
    rules: str
    config: Mapping[str, Any]
    notes: Mapping[str, Any]
    cases: tuple[Case, ...]


def sha256(data: bytes) -> str:
    """A SHA-256 as fixtures write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def canonical(value: Any) -> bytes:
    """The one text of a JSON value: members sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def compact(value: Any) -> str:
    """The text of a JSON value on one line, members as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def encode_expected(expected: Expected) -> dict[str, Any]:
    """What is expected of a step, in JSON values."""
    if expected.reason is None:
        delta = [{"path": path, "value": value} for path, value in sorted(expected.delta.items())]
        return {"outcome": "accepted", "delta": delta, "root": expected.root, "outputs": dict(expected.outputs)}
    rejected = {"outcome": "rejected", "reason": expected.reason, "violated": list(expected.violated)}
    return {**rejected, "root": expected.root}


def encode_case(case: Case) -> dict[str, Any]:
    """A case in JSON values."""
    return {
        "id": case.id,
        "comment": case.comment,
        "level": case.level,
        "flags": list(case.flags),
        "covers": list(case.covers),
        "needs": list(case.needs),
        "source": dict(case.source),
        "pre": case.pre,
        "steps": [{"op": step.op, "args": step.args, "expect": encode_expected(step.expected)} for step in case.steps],
    }


def encode_fixture(fixture: Fixture) -> bytes:
    """The text of a fixture: a case a line, so that people can read differences."""
    head = {
        "schema": SCHEMA,
        "spec": {"version": fixture.spec_version, "digest": fixture.spec_digest},
        "rules": fixture.rules,
        "config": fixture.config,
        "notes": fixture.notes,
    }
    cases = [encode_case(case) for case in fixture.cases]
    digest = sha256(canonical({**head, "cases": cases}))
    lines = [f'"{name}":{compact(value)},' for name, value in head.items()]
    body = ",\n".join(compact(case) for case in cases)
    return ("{" + "\n".join(lines) + f'\n"cases":[\n{body}\n],\n"hash":"{digest}"}}\n').encode()


def decode_fixture(data: bytes, file: str) -> Fixture:
    """A fixture.

    Raises:
        MalformedInput: It breaks the format, or its hash is not its own.
    """
    try:
        value = STRICT.decode(data.decode("utf-8"))
        FIXTURE.check(value)
        for name, note in value["notes"].items():
            NOTE.check(note)
            del name
        require_hash(value)
        cases = tuple(decode_case(case) for case in value["cases"])
        require_distinct(cases)
    except UnicodeDecodeError:
        raise MalformedInput(file, None, None, "UTF-8", "other bytes") from None
    except json.JSONDecodeError as error:
        got = f"{snippet(error.doc, error.pos)} at column {error.colno}"
        raise MalformedInput(file, error.lineno, None, "a JSON object", got) from None
    except RecursionError:
        raise MalformedInput(file, None, None, "one JSON object", "one nested too deeply") from None
    except Refused as refused:
        raise malformed(file, None, refused) from None
    spec = value["spec"]
    return Fixture(spec["version"], spec["digest"], value["rules"], value["config"], value["notes"], cases)


def require_hash(value: dict[str, Any]) -> None:
    """The hash is that of everything else.

    Raises:
        Refused: It is not.
    """
    digest = sha256(canonical({name: item for name, item in value.items() if name != "hash"}))
    if digest != value["hash"]:
        raise Refused(digest, described(value["hash"]), "hash")


def require_distinct(cases: Iterable[Case]) -> None:
    """No two cases have one id.

    Raises:
        Refused: Two have.
    """
    seen: set[str] = set()
    for place, case in enumerate(cases):
        if case.id in seen:
            raise Refused("an id of its own", f'"{case.id}"', "cases", f"[{place}]", "id")
        seen.add(case.id)


def decode_case(value: dict[str, Any]) -> Case:
    """A case whose shape was checked."""
    return Case(
        id=value["id"],
        comment=value["comment"],
        level=value["level"],
        flags=tuple(value["flags"]),
        covers=tuple(value["covers"]),
        needs=tuple(value["needs"]),
        source=value["source"],
        pre=value["pre"],
        steps=tuple(Step(step["op"], step["args"], decode_expected(step["expect"])) for step in value["steps"]),
    )


def decode_expected(value: dict[str, Any]) -> Expected:
    """What is expected of a step, whose shape was checked."""
    if value["outcome"] == "accepted":
        delta = {change["path"]: change["value"] for change in value["delta"]}
        return Expected(None, (), delta, value["root"], value["outputs"])
    return Expected(value["reason"], tuple(value["violated"]), {}, value["root"], {})


def schema() -> dict[str, Any]:
    """The JSON Schema of a fixture."""
    about = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA,
        "title": "A fixture",
        "description": "Cases under one configuration, with what the rules say of each.",
    }
    own = FIXTURE.schema()
    own["properties"]["notes"] = {"type": "object", "additionalProperties": NOTE.schema()}
    for members, texts in ((own, MEANINGS), (own["properties"]["cases"]["items"], CASE_MEANINGS)):
        for name, text in texts.items():
            members["properties"][name]["description"] = text
    return {**about, **own}
