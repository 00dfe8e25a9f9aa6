"""Checks the proof of a lemma about integers, by exact arithmetic on polynomials alone. No solver is asked.

A proof is a refutation: of facts `p >= 0` and `p = 0` a sum of products is given that is a negative number. Products of
facts that are at least zero are at least zero, times positive numbers too, and anything times zero is zero; so no
integers satisfy the facts. Where formulas are disjunctions, each case has its own refutation.

A polynomial is a dictionary from monomials to integers; a monomial is a sorted tuple of names, () the constant one.

A formula is `["ge", p]` (p >= 0), `["eq", p]` (p = 0), `["not", f]` or `["and", [f, ...]]`.

A proof is one of
    {"cases": [proof, ...]}             one for each case of the oldest disjunction that is left
    {"cut": p, "cases": [proof, proof]}  p >= 0, and -p - 1 >= 0
    {"sum": [[factor, [place, ...]], ...], "zeros": [[p, place], ...]}
where the sum is of factors, all positive, times the product of the facts `>= 0` at these places, and the zeros are
polynomials times the fact `= 0` at a place.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Monomial = tuple[str, ...]

Polynomial = dict[Monomial, int]

Formula = tuple[str, Any]

ONE: Polynomial = {(): 1}


class NoProof(Exception):
    """What was given as a proof is none; the message says where and why."""


class Facts(NamedTuple):
    """What holds in one case."""

    at_least_zero: tuple[Polynomial, ...]
    zero: tuple[Polynomial, ...]
    disjunctions: tuple[tuple[Formula, ...], ...]
    """Of each, at least one formula holds; oldest first."""


NOTHING = Facts((), (), ())


# Polynomials


def added(parts: Iterable[tuple[int, Polynomial]]) -> Polynomial:
    """The sum of polynomials, each times a factor."""
    total: Polynomial = {}
    for factor, polynomial in parts:
        for monomial, coefficient in polynomial.items():
            total[monomial] = total.get(monomial, 0) + factor * coefficient
    return {monomial: coefficient for monomial, coefficient in total.items() if coefficient}


def multiplied(first: Polynomial, second: Polynomial) -> Polynomial:
    """The product of two polynomials."""
    total: Polynomial = {}
    for one, factor in first.items():
        for other, another in second.items():
            monomial = tuple(sorted(one + other))
            total[monomial] = total.get(monomial, 0) + factor * another
    return {monomial: coefficient for monomial, coefficient in total.items() if coefficient}


def shifted(polynomial: Polynomial, factor: int, constant: int) -> Polynomial:
    """A factor times the polynomial, and a constant more."""
    return added([(factor, polynomial), (constant, ONE)])


# Formulas


def with_formulas(facts: Facts, formulas: Iterable[Formula]) -> Facts:
    """The facts with formulas that hold too, taken apart as far as they have no cases."""
    least, zero, disjunctions = list(facts.at_least_zero), list(facts.zero), list(facts.disjunctions)
    waiting = list(formulas)
    while waiting:
        kind, part = waiting.pop(0)
        if kind == "and":
            waiting[:0] = part
        elif kind == "ge":
            least.append(part)
        elif kind == "eq":
            zero.append(part)
        elif kind == "not":
            inner, inside = part
            if inner == "not":
                waiting.insert(0, inside)
            elif inner == "ge":
                least.append(shifted(inside, -1, -1))
            elif inner == "eq":
                disjunctions.append((("ge", shifted(inside, 1, -1)), ("ge", shifted(inside, -1, -1))))
            elif inner == "and":
                disjunctions.append(tuple(("not", one) for one in inside))
            else:
                raise NoProof(f"a formula is of no kind {inner!r}")
        else:
            raise NoProof(f"a formula is of no kind {kind!r}")
    return Facts(tuple(least), tuple(zero), tuple(disjunctions))


# Proofs


def check(definitions: Iterable[Formula], claim: Formula, proof: Any) -> int:
    """Check that a claim follows from definitions, for all integers; how many sums were checked.

    Raises:
        NoProof: The proof does not show it.
    """
    return refuted(with_formulas(NOTHING, [*definitions, ("not", claim)]), proof, "proof")


def refuted(facts: Facts, proof: Any, place: str) -> int:
    """Check that no integers satisfy facts; how many sums were checked.

    Raises:
        NoProof: The proof does not show it.
    """
    if not isinstance(proof, dict):
        raise NoProof(f"{place}: expected an object")
    if set(proof) == {"sum", "zeros"}:
        check_sum(facts, proof, place)
        return 1
    if set(proof) == {"cases"} and facts.disjunctions:
        first, *rest = facts.disjunctions
        cases = [with_formulas(facts._replace(disjunctions=tuple(rest)), [formula]) for formula in first]
    elif set(proof) == {"cut", "cases"}:
        cut = polynomial_of(proof["cut"], place)
        cases = [with_formulas(facts, [("ge", part)]) for part in (cut, shifted(cut, -1, -1))]
    else:
        raise NoProof(f"{place}: expected a sum, the cases of a disjunction, or a cut")
    if len(proof["cases"]) != len(cases):
        raise NoProof(f"{place}: expected {len(cases)} cases, got {len(proof['cases'])}")
    return sum(
        refuted(case, own, f"{place}.{number}")
        for number, (case, own) in enumerate(zip(cases, proof["cases"], strict=True))
    )


def check_sum(facts: Facts, proof: Mapping[str, Any], place: str) -> None:
    """Check that the sum of a proof is a negative number.

    Raises:
        NoProof: It is not.
    """
    parts: list[tuple[int, Polynomial]] = []
    for factor, places in proof["sum"]:
        if type(factor) is not int or factor < 1:
            raise NoProof(f"{place}: expected a positive factor, got {factor}")
        parts.append((factor, product_of([fact_at(facts.at_least_zero, number, place) for number in places])))
    for polynomial, number in proof["zeros"]:
        parts.append((1, multiplied(polynomial_of(polynomial, place), fact_at(facts.zero, number, place))))
    total = added(parts)
    if set(total) != {()} or total[()] >= 0:
        raise NoProof(f"{place}: expected a negative number as the sum, got {total}")


def fact_at(facts: tuple[Polynomial, ...], number: Any, place: str) -> Polynomial:
    """A fact.

    Raises:
        NoProof: There is none of that number.
    """
    if type(number) is not int or not 0 <= number < len(facts):
        raise NoProof(f"{place}: there is no fact {number}")
    return facts[number]


def product_of(polynomials: Iterable[Polynomial]) -> Polynomial:
    """The product of some polynomials."""
    total = ONE
    for polynomial in polynomials:
        total = multiplied(total, polynomial)
    return total


# Files: a polynomial is an object from monomials, names joined by stars, to integers


def polynomial_of(value: Any, place: str) -> Polynomial:
    """The polynomial that an object states.

    Raises:
        NoProof: It states none.
    """
    if not isinstance(value, dict) or not all(type(factor) is int for factor in value.values()):
        raise NoProof(f"{place}: expected a polynomial, got {value!r}")
    return {tuple(sorted(name.split("*"))) if name else (): factor for name, factor in value.items() if factor}


def formula_of(value: Any, place: str) -> Formula:
    """The formula that a list states.

    Raises:
        NoProof: It states none.
    """
    if not isinstance(value, list) or len(value) != 2 or value[0] not in ("ge", "eq", "not", "and"):
        raise NoProof(f"{place}: expected a formula, got {value!r}")
    kind, part = value
    if kind in ("ge", "eq"):
        return kind, polynomial_of(part, place)
    if kind == "not":
        return kind, formula_of(part, place)
    return kind, tuple(formula_of(one, place) for one in part)


def written_polynomial(polynomial: Polynomial) -> dict[str, int]:
    """The object that states a polynomial."""
    return {"*".join(monomial): factor for monomial, factor in sorted(polynomial.items())}


def written_formula(formula: Formula) -> list[Any]:
    """The list that states a formula."""
    kind, part = formula
    if kind in ("ge", "eq"):
        return [kind, written_polynomial(part)]
    return [kind, written_formula(part)] if kind == "not" else [kind, [written_formula(one) for one in part]]


def check_document(document: Mapping[str, Any]) -> dict[str, int]:
    """Check every lemma of a file; how many sums each one took.

    Raises:
        NoProof: Some proof is none.
    """
    found: dict[str, int] = {}
    for name, lemma in document["lemmas"].items():
        definitions = [formula_of(one, name) for one in lemma["definitions"]]
        try:
            found[name] = check(definitions, formula_of(lemma["claim"], name), lemma["proof"])
        except NoProof as error:
            raise NoProof(f"{name}: {error}") from None
    return found
