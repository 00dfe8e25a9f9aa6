"""Finds proofs of the lemmas that anybody can check with polynomial arithmetic.

The search asks Z3 for the factors of a sum of products, a linear question over the rationals.
"""

import itertools
from collections.abc import Callable, Iterator
from math import lcm
from typing import Any

import z3

from perp_proofs.certificates.checker import (
    NOTHING,
    ONE,
    Facts,
    Polynomial,
    added,
    multiplied,
    product_of,
    shifted,
    with_formulas,
    written_polynomial,
)
from perp_proofs.smt.statements import said
from perp_proofs.smt.terms import Flag

DEGREES = (1, 2, 3)
"""How many facts a product may have; tried in this order."""

CUTS_MAX = 1
"""Most cuts on one path of a proof."""


def proof_of(lemma: Callable[..., Flag]) -> Any:
    """A proof of a lemma, None where none is found."""
    spoken = said(lemma)
    return refutation(with_formulas(NOTHING, [*spoken.definitions, ("not", spoken.claim)]), CUTS_MAX)


def refutation(facts: Facts, cuts: int) -> Any:
    """A proof that no integers satisfy facts: a sum, the cases of a disjunction, or a cut; None where none is found."""
    for degree in DEGREES[: 1 if facts.disjunctions else None]:
        if (found := summed_up(facts, degree)) is not None:
            return found
    if facts.disjunctions:
        first, *rest = facts.disjunctions
        return by_cases({}, [with_formulas(facts._replace(disjunctions=tuple(rest)), [one]) for one in first], cuts)
    for cut in candidates(facts) if cuts else ():
        cases = [with_formulas(facts, [("ge", part)]) for part in (cut, shifted(cut, -1, -1))]
        if (found := by_cases({"cut": written_polynomial(cut)}, cases, cuts - 1)) is not None:
            return found
    return None


def by_cases(head: dict[str, Any], cases: list[Facts], cuts: int) -> Any:
    """A proof in each case, None where one has none."""
    proofs: list[Any] = []
    for case in cases:
        found = refutation(case, cuts)
        if found is None:
            return None
        proofs.append(found)
    return {**head, "cases": proofs}


def candidates(facts: Facts) -> Iterator[Polynomial]:
    """Where to cut: at the zero of each word."""
    names = {name for fact in (*facts.at_least_zero, *facts.zero) for monomial in fact for name in monomial}
    for name in sorted(names):
        yield {(name,): 1}


def summed_up(facts: Facts, degree: int) -> Any:
    """A sum of products that is a negative number, None where there is none of that degree."""
    places = range(len(facts.at_least_zero))
    products = [
        (chosen, product_of(facts.at_least_zero[place] for place in chosen))
        for size in range(1, degree + 1)
        for chosen in itertools.combinations_with_replacement(places, size)
    ]
    monomials = {monomial for _, one in products for monomial in one} | {()}
    zeros = [
        (factor, place, multiplied(factor, fact))
        for place, fact in enumerate(facts.zero)
        for factor in multipliers(fact, monomials, degree)
    ]
    weights = [z3.Real(f"w{number}") for number in range(len(products))]
    factors = [z3.Real(f"f{number}") for number in range(len(zeros))]
    rows: dict[Any, list[Any]] = {}
    for weight, (_, one) in zip(weights, products, strict=True):
        for monomial, factor in one.items():
            rows.setdefault(monomial, []).append(factor * weight)
    for unknown, (_, _, one) in zip(factors, zeros, strict=True):
        for monomial, factor in one.items():
            rows.setdefault(monomial, []).append(factor * unknown)
    solver = z3.SolverFor("QF_LRA")
    solver.set(rlimit=20_000_000)
    solver.add(*(weight >= 0 for weight in weights))
    solver.add(*(z3.Sum(terms) == (-1 if monomial == () else 0) for monomial, terms in rows.items()))
    if () not in rows or solver.check() != z3.sat:
        return None
    return scaled(solver.model(), weights, factors, products, zeros)


def multipliers(fact: Polynomial, monomials: set[Any], degree: int) -> list[Polynomial]:
    """What a fact that is zero may be multiplied by: what leads to a monomial that a product has."""
    found: dict[Any, Polynomial] = {(): ONE}
    for monomial in monomials:
        for own in fact:
            left = list(monomial)
            if len(own) <= len(left) and all(name in left and not left.remove(name) for name in own):
                found[tuple(left)] = {tuple(left): 1}
    return [found[key] for key in sorted(found) if len(key) <= degree]


def scaled(model: Any, weights: list[Any], factors: list[Any], products: Any, zeros: Any) -> dict[str, Any]:
    """The sum of a model, with integers."""
    values = [model.eval(unknown, model_completion=True).as_fraction() for unknown in (*weights, *factors)]
    whole = lcm(*(value.denominator for value in values))
    numbers = [int(value * whole) for value in values]
    kept = zip(numbers[: len(weights)], products, strict=True)
    total: dict[int, list[tuple[int, Polynomial]]] = {}
    for number, (factor, place, _) in zip(numbers[len(weights) :], zeros, strict=True):
        if number:
            total.setdefault(place, []).append((number, factor))
    return {
        "sum": [[number, list(chosen)] for number, (chosen, _) in kept if number],
        "zeros": [[written_polynomial(added(parts)), place] for place, parts in sorted(total.items())],
    }
