"""Witnesses: a state and an operation that break a claim, in a file, so that anybody can run them again."""

import json
from typing import Any

import attrs

from perp_proofs.smt.prove import Result

WITNESS_FORMAT = "perpspec-witness-1"

DIGITS_MAX = 1_000
"""Most digits of a word in a file; no word of a state has a tenth of them."""

MEMBERS = ("format", "goal", "claim", "sentence", "rules", "values", "words")


@attrs.frozen
class Witness:
    """What breaks a claim."""

    goal: str
    claim: str
    sentence: str
    """What the goal says, in English."""
    rules: str
    """Digest of the rules it was found for."""
    values: dict[str, int | bool]
    """Words and flags by name; those that are not named are the least in their range, zero where that is in it."""
    words: dict[str, int] | None
    """Words that were known, where it is a state of the exchange that counterexamples are sought in first."""


class NoWitness(Exception):
    """A text is no witness; the field at fault (empty for the whole), what belongs there, and what is there."""

    def __init__(self, field: str, expected: str, got: str) -> None:
        super().__init__(f"{field or 'witness'}: expected {expected}, got {got}")
        self.field = field
        self.expected = expected
        self.got = got


def witness_of(result: Result, rules: str) -> Witness:
    """The witness of a goal that is violated."""
    return Witness(result.goal.name, result.failed, result.goal.sentence, rules, result.values, result.words)


def encoded(witness: Witness) -> str:
    """The text of a witness."""
    document = {
        "format": WITNESS_FORMAT,
        "goal": witness.goal,
        "claim": witness.claim,
        "sentence": witness.sentence,
        "rules": witness.rules,
        "values": written(witness.values),
        "words": None if witness.words is None else written(witness.words),
    }
    return f"{json.dumps(document, indent=2)}\n"


def written(values: Any) -> dict[str, str | bool]:
    """Words as decimal strings, by name in order."""
    return {name: value if isinstance(value, bool) else str(value) for name, value in sorted(values.items())}


def decoded(text: str) -> Witness:
    """The witness that a text holds.

    Raises:
        NoWitness: It is none.
    """
    document = parsed(text)
    if not isinstance(document, dict):
        raise NoWitness("", "an object", type(document).__name__)
    for name in (*MEMBERS, *document):
        if name not in document or name not in MEMBERS:
            raise NoWitness(name, "a member of " + ", ".join(MEMBERS), "nothing" if name in MEMBERS else name)
    for name in ("format", "goal", "claim", "sentence", "rules"):
        if not isinstance(document[name], str):
            raise NoWitness(name, "a string", json.dumps(document[name]))
    if document["format"] != WITNESS_FORMAT:
        raise NoWitness("format", WITNESS_FORMAT, document["format"])
    words = None if document["words"] is None else read("words", document["words"])
    values = read("values", document["values"])
    return Witness(document["goal"], document["claim"], document["sentence"], document["rules"], values, words)


def parsed(text: str) -> Any:
    """What a text in JSON says.

    Raises:
        NoWitness: It is none.
    """
    try:
        return json.loads(text, object_pairs_hook=distinct)
    except RecursionError:
        raise NoWitness("", "a JSON document", "values nested too deep") from None
    except ValueError as error:
        raise NoWitness("", "a JSON document", str(error)) from None


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose members have different names.

    Raises:
        NoWitness: Two have the same.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NoWitness("", "members with different names", "one twice")
    return found


def read(place: str, values: Any) -> Any:
    """Words and flags by name.

    Raises:
        NoWitness: They are something else.
    """
    if not isinstance(values, dict):
        raise NoWitness(place, "an object", json.dumps(values))
    found: dict[str, int | bool] = {}
    for name, value in values.items():
        if isinstance(value, bool):
            found[name] = value
        elif isinstance(value, str) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
            if len(value) > DIGITS_MAX:
                raise NoWitness(f"{place}.{name}", f"{DIGITS_MAX} digits or fewer", f"{len(value)}")
            found[name] = int(value)
        else:
            raise NoWitness(f"{place}.{name}", "a flag or a decimal string", json.dumps(value))
    return found
