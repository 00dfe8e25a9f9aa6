"""The messages of the protocol, version 1: their shapes, and lines from and to JSON. docs/protocol.md tells them."""

import json
from typing import Any

import msgspec

from perp_reference.conformance.rule_sets import RULE_SETS
from perp_reference.conformance.shapes import STRICT, Cases, Count, Fixed, Listing, Members, Only, Shape, Text, Whatever
from perp_reference.formats.text import Refused, described, snippet

PROTOCOL = 1

OBSERVABLE = ("reason", "delta", "state", "root", "outputs")
"""What results may show beside their outcome."""

FEATURES = ("root", "config_digest", "stepwise")

LONGEST_REPLY_BYTES = 2**24

LONGEST_NAME = 200

DIGEST = Text("[0-9a-f]{64}", "64 lower-case hexadecimal digits")
REASON = Text("[A-Z][A-Z0-9_]{0,99}", "the name of a reason")
SAID = Text(f"[\\s\\S]{{0,{2**16}}}", "a string of at most 65536 characters")
NAME = Text(f"[\\s\\S]{{1,{LONGEST_NAME}}}", f"a string of 1 to {LONGEST_NAME} characters")
SHA256 = Text("sha256:[0-9a-f]{64}", "sha256: and 64 hexadecimal digits")

SPEC = Fixed({"version": NAME, "digest": SHA256})

STEP = Fixed({"op": NAME, "args": Members()})

REQUESTS: dict[str, dict[str, Shape]] = {
    "hello": {"protocol": Only(PROTOCOL), "spec": SPEC},
    "configure": {"rules": Only(*RULE_SETS), "config": Members()},
    "run": {"case": Fixed({"id": NAME, "pre": Members(), "steps": Listing(STEP, least=1)})},
    "load": {"case": Fixed({"id": NAME, "pre": Members()})},
    "apply": {"step": STEP},
    "read": {},
    "stop": {},
}

REQUEST = Cases(
    "request",
    {name: Fixed({"seq": Count(), "request": Only(name), **members}) for name, members in REQUESTS.items()},
)

IMPLEMENTATION = Fixed({"name": NAME, "version": SAID, "language": SAID, "source": SAID})

DELTA = Listing(Fixed({"path": NAME, "value": Whatever()}))

SHOWN: dict[str, Shape] = {"reason": REASON, "delta": DELTA, "state": Members(), "root": DIGEST, "outputs": Members()}
"""What results may show, by its name."""

SHOWN_BY: dict[str, tuple[str, ...]] = {
    "accepted": ("delta", "state", "root", "outputs"),
    "rejected": ("reason", "delta", "state", "root"),
}
"""What a result shows, if it is observed."""

NATIVE: dict[str, dict[str, Shape]] = {"accepted": {}, "rejected": {"native": SAID}}
"""What a result may have besides."""

OTHERS: dict[str, dict[str, Shape]] = {
    "unsupported": {"feature": SAID},
    "skipped": {"why": SAID},
    "errored": {"message": SAID},
}
"""Results that end a case, and what they have."""


def result_shape(observes: frozenset[str] | None) -> Cases:
    """The shape of a result of a testee that observes just this; None for any testee."""
    shapes: dict[str, Fixed] = {}
    for outcome, names in SHOWN_BY.items():
        shown = {name: SHOWN[name] for name in names if observes is None or name in observes}
        own: dict[str, Shape] = {"outcome": Only(outcome)}
        optional = {**NATIVE[outcome], **(shown if observes is None else {})}
        shapes[outcome] = Fixed({**own, **({} if observes is None else shown)}, optional)
    for outcome, members in OTHERS.items():
        shapes[outcome] = Fixed({"outcome": Only(outcome), **members})
    return Cases("outcome", shapes)


def reply_shapes(observes: frozenset[str] | None) -> dict[str, Shape]:
    """The shape of the reply to each request."""
    seq = {"seq": Count()}
    done = Cases(
        "result",
        {
            "ok": Fixed({**seq, "result": Only("ok")}),
            "unsupported": Fixed({**seq, "result": Only("unsupported"), "why": SAID}),
        },
    )
    result = result_shape(observes)
    hello = {
        "implementation": IMPLEMENTATION,
        "rules": Listing(Only(*RULE_SETS)),
        "operations": Listing(NAME),
        "features": Listing(Only(*FEATURES)),
        "observes": Listing(Only(*OBSERVABLE)),
    }
    return {
        "hello": Fixed({**seq, **hello}),
        "configure": done,
        "run": Fixed({**seq, "results": Listing(result, least=1)}),
        "load": done,
        "apply": Fixed({**seq, "results": Listing(result, least=1, most=1)}),
        "read": Fixed({**seq, "state": Members()}),
    }


FAILED = Fixed({"seq": Count(), "error": SAID})
"""The reply of a testee that cannot read a request."""


def decode_line(line: bytes) -> Any:
    """The JSON object of a line without its line feed; JSON numbers are `Number`.

    Raises:
        Refused: It is no such line.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("UTF-8", f"byte 0x{line[error.start]:02x} at byte {error.start + 1}") from None
    try:
        value = STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise Refused("one JSON object", f"{snippet(text, error.pos)} at column {error.colno}") from None
    if type(value) is not dict:
        raise Refused("one JSON object", described(value))
    return value


ENCODER = msgspec.json.Encoder()
"""Several times as fast as that of the standard library: requests hold whole states."""


def encode_line(message: dict[str, Any]) -> bytes:
    """The line of a message, with its line feed."""
    return ENCODER.encode(message) + b"\n"


def decode_request(line: bytes) -> dict[str, Any]:
    """A request, as a testee reads it.

    Raises:
        Refused: It breaks the protocol.
    """
    request = decode_line(line)
    REQUEST.check(request)
    return request


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schemas of a request and of a reply, by the name of their file."""
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    shapes: dict[str, Shape] = {**reply_shapes(None), "error": FAILED}
    replies = [{"title": name, **shape.schema()} for name, shape in shapes.items()]
    return {
        "protocol-request.schema.json": {
            **about,
            "title": "A request to a testee",
            "description": "One line that the tester writes: one of these requests.",
            **REQUEST.schema(),
        },
        "protocol-reply.schema.json": {
            **about,
            "title": "A reply of a testee",
            "description": "One line that the testee writes: the reply to the request of that name, or error.",
            "anyOf": replies,
        },
    }
