"""Witnesses are written and read without loss, and strictly."""

import json
from typing import Any

import pytest

from perp_proofs.smt.witness import NoWitness, Witness, decoded, encoded

pytestmark = pytest.mark.proofs

WITNESS = Witness(
    goal="withdraw_conserves_money",
    claim="every micro-atom is accounted for",
    sentence="Nothing is lost.",
    rules="0" * 64,
    values={"op.amount": -5, "op.intent.authorised": True, "op.chain": 2**247},
    words={"exchange.time": 17},
)


def test_a_witness_survives_its_file() -> None:
    assert decoded(encoded(WITNESS)) == WITNESS


def changed(**changes: Any) -> str:
    """The text of a witness with other members."""
    return json.dumps({**json.loads(encoded(WITNESS)), **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "witness: expected a JSON document, got Expecting property name"),
        ("[]", "witness: expected an object, got list"),
        ('{"goal": "a", "goal": "b"}', "witness: expected members with different names, got one twice"),
        ('{"goal": "a"}', "format: expected a member of format, goal, claim, sentence, rules, values, words, got"),
        (changed(more=1), "more: expected a member of format, goal, claim, sentence, rules, values, words, got more"),
        (changed(goal=3), "goal: expected a string, got 3"),
        (changed(format="perpspec-witness-2"), "format: expected perpspec-witness-1, got perpspec-witness-2"),
        (changed(values=[]), "values: expected an object, got []"),
        (changed(values={"a": 1}), "values.a: expected a flag or a decimal string, got 1"),
        (changed(values={"a": "1.0"}), 'values.a: expected a flag or a decimal string, got "1.0"'),
        (changed(values={"a": "1" * 5_000}), "values.a: expected 1000 digits or fewer, got 5000"),
        ("[" * 200_000, "witness: expected a JSON document, got values nested too deep"),
    ],
)
def test_what_is_no_witness_is_refused(text: str, message: str) -> None:
    with pytest.raises(NoWitness) as raised:
        decoded(text)
    assert str(raised.value).startswith(message)
