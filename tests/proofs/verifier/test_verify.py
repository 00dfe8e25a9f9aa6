"""What the verifier takes in, and that no part of a proof can have another length than the verifier gives it."""

import dataclasses
from collections.abc import Callable
from hashlib import blake2s
from typing import Any

import pytest

from perp_hash.field import MODULUS
from perp_proofs.air.system import PublicFraction
from perp_proofs.stark.prover import prove
from perp_proofs.verifier import verify as verifier
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.plan import Plan, fingerprint, plan
from perp_proofs.verifier.security import JOHNSON, UNIQUE, Profile
from perp_proofs.verifier.transcript import Transcript
from perp_proofs.verifier.verify import begin, check_security, verify
from support.toys import PAIR, RESULT, toy_system, toy_trace

SYSTEM = toy_system()

GRINDING = Profile("grinding", 4, 8, 2, 2, 2, JOHNSON, 0.0)
"""Work before every draw that can have any, so that a proof has every part that there is."""

STATEMENT = b"statement"

ROWS = 1024

MAGIC_BYTES = 8


@pytest.fixture(scope="module")
def public() -> list[PublicFraction]:
    return toy_trace(ROWS, 16, 8)[1]


@pytest.fixture(scope="module")
def proof() -> bytes:
    trace, public = toy_trace(ROWS, 16, 8)
    return prove(SYSTEM, trace, public, STATEMENT, GRINDING, ROWS)


@pytest.fixture(scope="module")
def shape() -> Plan:
    return plan(SYSTEM, (32, ROWS, 16), ROWS, GRINDING.blowup)


def parts(shape: Plan) -> list[tuple[str, int, int]]:
    """The parts of a proof before its rows: of each its name, the bytes of one of its elements, and how many it has."""
    found = [("magic", MAGIC_BYTES, 1), ("heights", 1, len(shape.heights) + 1)]
    found += [(name, 32, 1) for name in ("trace", "fractions", "quotient")]
    found += [("openings", 20, shape.slots), ("sums", 4, shape.sums), ("batch grind", 8, 1)]
    for _ in range(shape.layers):
        found += [("layer", 32, 1), ("fold grind", 8, 1)]
    return [*found, ("final", 20, shape.final_length), ("query grind", 8, 1)]


def refused(public: list[PublicFraction], proof: bytes) -> bool:
    """A proof is refused with the one error type."""
    try:
        verify(SYSTEM, public, STATEMENT, proof, GRINDING)
    except ProofError:
        return True
    return False


def test_every_byte_before_the_rows_is_taken_in_as_it_stands(
    proof: bytes, shape: Plan, public: list[PublicFraction], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given what the transcript takes in, then it is the proof from the heights to the rows, part by part."""
    taken: list[tuple[str, bytes]] = []
    absorb = Transcript.absorb

    def absorbing(self: Transcript, label: str, data: bytes) -> None:
        taken.append((label, data))
        absorb(self, label, data)

    monkeypatch.setattr(Transcript, "absorb", absorbing)
    verify(SYSTEM, public, STATEMENT, proof, GRINDING)
    own = [entry for entry in taken if entry[0] not in ("profile", "system", "statement", "public")]
    described = parts(shape)[1:]
    assert [(label, len(data)) for label, data in own] == [(name, size * count) for name, size, count in described]
    joined = b"".join(data for _, data in own)
    assert proof[MAGIC_BYTES : MAGIC_BYTES + len(joined)] == joined
    assert dict(taken)["statement"] == STATEMENT


def test_all_that_is_known_before_changes_the_transcript(shape: Plan, public: list[PublicFraction]) -> None:
    other = toy_system()
    other.tables[1].zero("x is 0", other.tables[1].tape.column(0))
    known: dict[str, Any] = {"shape": shape, "profile": GRINDING, "public": public, "statement": STATEMENT}
    (result,) = public
    fractions = [
        [],
        [result, result],
        [dataclasses.replace(result, numerator=-2)],
        [dataclasses.replace(result, entries=(result.entries[0] + 1,))],
        [PublicFraction(PAIR, -1, (*result.entries, 0, 0))],
        [PublicFraction(RESULT + 1, -1, result.entries)],
    ]
    others: list[dict[str, Any]] = [
        {"shape": plan(SYSTEM, (32, ROWS, 32), ROWS, 4)},
        {"shape": plan(SYSTEM, (32, ROWS, None), ROWS, 4)},
        {"shape": plan(SYSTEM, (32, ROWS, 16), 2 * ROWS, 4)},
        {"shape": plan(other, (32, ROWS, 16), ROWS, 4)},
        *({"statement": data} for data in (b"", b"statemenu", STATEMENT + b"\0")),
        *({"public": own} for own in fractions),
        *(
            {"profile": dataclasses.replace(GRINDING, **{name: value})}
            for name, value in (
                ("blowup", 8),
                ("queries", 9),
                ("query_grinding", 3),
                ("batch_grinding", 3),
                ("fold_grinding", 3),
            )
        ),
    ]

    def state(changed: dict[str, Any]) -> bytes:
        return begin(**(known | changed)).state

    states = [state(changed) for changed in ({}, *others)]
    assert len(set(states)) == len(states)
    # Neither its name nor how its security is computed changes a check.
    renamed = dataclasses.replace(GRINDING, name="other", decoding=UNIQUE, target=1.0)
    assert state({"profile": renamed}) == states[0]


def test_the_beginning_is_that_of_the_description(shape: Plan, public: list[PublicFraction]) -> None:
    """docs/proof-system/transcript.md, with hashlib alone."""
    fractions = [*public, PublicFraction(PAIR, -2, (-1, 5, MODULUS))]
    (result,) = public[0].entries
    numbers = [2, RESULT, MODULUS - 1, 1, result, PAIR, MODULUS - 2, 3, MODULUS - 1, 5, 0]
    messages = {
        "profile": b"p=2130706433 extension=x^5+x^2-1 arity=8 parameters=(4, 8, 2, 2, 2)",
        "system": fingerprint(SYSTEM),
        "heights": bytes((5, 10, 4, 10)),
        "statement": STATEMENT,
        "public": b"".join(number.to_bytes(4, "little") for number in numbers),
    }
    state = blake2s(b"perpspec stacked FRI, version 1", person=b"perp.new").digest()
    for label, data in messages.items():
        head = bytes((len(label),)) + label.encode() + len(data).to_bytes(8, "little")
        state = blake2s(state + head + data, person=b"perp.abs").digest()
    assert begin(shape, GRINDING, fractions, STATEMENT).state == state


def test_fractions_of_the_statement_count_in_the_figure(shape: Plan, public: list[PublicFraction]) -> None:
    few, many = (
        next(
            entry.bits for entry in check_security(shape, GRINDING, public * count, 0).rounds if entry.name == "lookups"
        )
        for count in (1, 1_000)
    )
    assert many < few


CUTS: dict[str, Callable[[bytes, int, int], bytes]] = {
    "one too many": lambda data, end, size: data[:end] + data[end - size : end] + data[end:],
    "one too few": lambda data, end, size: data[: end - size] + data[end:],
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_part_of_another_length_is_refused(proof: bytes, shape: Plan, public: list[PublicFraction], cut: str) -> None:
    """Given any part of a proof with an element more or less, the last polynomial's too, then it is refused."""
    assert not refused(public, proof)
    end = 0
    for name, size, count in parts(shape):
        end += size * count
        assert refused(public, CUTS[cut](proof, end, size)), name


@pytest.mark.parametrize("count", [-1, 1])
def test_another_number_of_layers_is_refused(
    proof: bytes, shape: Plan, public: list[PublicFraction], count: int
) -> None:
    """Given the root and the nonce of a layer twice, or of one layer left out, then the number is still that of H."""
    before = parts(shape)
    first = [name for name, _, _ in before].index("layer")
    start = sum(size * number for _, size, number in before[:first])
    layer = proof[start : start + 40]
    assert refused(public, proof[:start] + layer * (1 + count) + proof[start + 40 :])


def test_a_statement_of_unknown_messages_is_refused(proof: bytes, public: list[PublicFraction]) -> None:
    """Given a tag without an arity, or a message longer or shorter than its tag has it, then nothing is cut off."""
    (result,) = public
    for changed in (
        PublicFraction(9, 1, ()),
        dataclasses.replace(result, entries=()),
        dataclasses.replace(result, entries=(*result.entries, 0)),
    ):
        with pytest.raises(ProofError, match="has a message of tag"):
            verify(SYSTEM, [changed], STATEMENT, proof, GRINDING)


def test_a_figure_below_the_target_is_refused(proof: bytes, public: list[PublicFraction]) -> None:
    """Given the least that a reader demands, then it counts, whatever the profile is content with."""
    bits = verify(SYSTEM, public, STATEMENT, proof, GRINDING).security.bits
    verify(SYSTEM, public, STATEMENT, proof, GRINDING, bits)
    with pytest.raises(ProofError, match="proven bits, below the"):
        verify(SYSTEM, public, STATEMENT, proof, GRINDING, bits + 0.01)
    with pytest.raises(ProofError, match="proven bits, below the"):
        verify(SYSTEM, public, STATEMENT, proof, dataclasses.replace(GRINDING, target=bits + 0.01))
    assert verifier.PROFILE_100.target == 100
