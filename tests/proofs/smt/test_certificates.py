"""The lemmas are proved by certificates of the text as it is, and by nothing less."""

import copy
from typing import Any

import pytest

from perp_proofs.certificates.checker import NoProof, check, check_document
from perp_proofs.smt import lemmas
from perp_proofs.smt.certify import proof_of
from perp_proofs.smt.contracts import implies
from perp_proofs.smt.goals.lemmas import SENTENCES
from perp_proofs.smt.mutation import Fault, faulty
from perp_proofs.smt.statements import (
    CERTIFICATES,
    DIVISION,
    all_lemmas,
    document,
    encoded,
    read_certificates,
    said,
    stale,
)
from perp_proofs.smt.terms import Flag, Word

pytestmark = pytest.mark.proofs


@pytest.fixture
def found() -> dict[str, Any]:
    return read_certificates()


def test_every_lemma_that_proofs_use_has_a_certificate(found: dict[str, Any]) -> None:
    assert [lemma.__name__ for lemma in all_lemmas()] == list(found["lemmas"])
    assert {lemma.__name__ for lemma in (*DIVISION, *SENTENCES)} == set(found["lemmas"])


def test_the_certificates_prove_the_text_as_it_is(found: dict[str, Any]) -> None:
    assert all(count >= 1 for count in check_document(found).values())
    assert stale(found) == []


def test_the_search_finds_proofs_again(found: dict[str, Any]) -> None:
    again = document({lemma.__name__: proof_of(lemma) for lemma in all_lemmas()})

    assert check_document(again).keys() == check_document(found).keys()
    assert CERTIFICATES.read_text(encoding="utf-8") == encoded(found)


def test_a_lemma_that_says_something_else_is_stale(found: dict[str, Any]) -> None:
    with faulty(Fault(lemmas.products_decide_signs, "positive >= 1", "positive >= 0")):
        assert stale(found) == ["products_decide_signs"]


def test_what_is_false_has_no_certificate() -> None:
    def none_smaller(first: Word, second: Word) -> Flag:
        return implies(first >= 0, first * second >= second)

    assert proof_of(none_smaller) is None
    with faulty(Fault(lemmas.products_decide_signs, "positive >= 1", "positive >= 0")):
        assert proof_of(lemmas.products_decide_signs) is None


def leaves(proof: Any) -> Any:
    """The sums of a proof."""
    return [proof] if "sum" in proof else [leaf for case in proof["cases"] for leaf in leaves(case)]


@pytest.mark.parametrize("lemma", all_lemmas(), ids=lambda lemma: lemma.__name__)
def test_a_certificate_with_one_number_changed_proves_nothing(lemma: Any, found: dict[str, Any]) -> None:
    spoken, proof = said(lemma), found["lemmas"][lemma.__name__]["proof"]
    check(spoken.definitions, spoken.claim, proof)
    for number, leaf in enumerate(leaves(proof)):
        for place in range(len(leaf["sum"])):
            other = copy.deepcopy(proof)
            leaves(other)[number]["sum"][place][0] *= -1
            with pytest.raises(NoProof, match="expected a positive factor"):
                check(spoken.definitions, spoken.claim, other)
        other = copy.deepcopy(proof)
        leaves(other)[number]["sum"] = [*leaf["sum"], [1, []]] * 2
        leaves(other)[number]["sum"].append([10**9, []])
        with pytest.raises(NoProof, match="expected a negative number as the sum"):
            check(spoken.definitions, spoken.claim, other)


@pytest.mark.parametrize(
    ("proof", "message"),
    [
        ([], "proof: expected an object"),
        ({}, "proof: expected a sum, the cases of a disjunction, or a cut"),
        ({"cases": []}, "proof: expected 2 cases, got 0"),
        ({"sum": [], "zeros": []}, "proof: expected a negative number as the sum, got {}"),
        ({"sum": [[1, [99]]], "zeros": []}, "proof: there is no fact 99"),
        ({"sum": [[True, [0]]], "zeros": []}, "proof: expected a positive factor, got True"),
        ({"sum": [], "zeros": [[3, 0]]}, "proof: expected a polynomial, got 3"),
        ({"cut": {"a": 1}, "cases": [{}]}, "proof: expected 2 cases, got 1"),
    ],
)
def test_what_is_no_proof_is_refused(proof: Any, message: str) -> None:
    spoken = said(lemmas.products_keep_signs)
    with pytest.raises(NoProof) as raised:
        check(spoken.definitions, spoken.claim, proof)
    assert str(raised.value).startswith(message)


def test_a_division_by_nothing_proves_nothing() -> None:
    """Given a divisor of which nothing is known, then no definition says what its quotient is."""
    spoken = said(lemmas.quotients_keep_signs)
    claim = ("ge", {("positive",): 1})
    with pytest.raises(NoProof):
        check(spoken.definitions, claim, {"sum": [[1, [0]]], "zeros": []})
