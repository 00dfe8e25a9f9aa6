"""What the lemmas say, read from their text, as formulas over integers; and the file of their proofs.

No solver is needed here: `certify` finds proofs, and `perp_proofs.certificates` checks them.
"""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from perp_proofs.certificates.checker import (
    Formula,
    NoProof,
    Polynomial,
    added,
    multiplied,
    shifted,
    written_formula,
)
from perp_proofs.smt import lemmas
from perp_proofs.smt.contracts import implies
from perp_proofs.smt.digests import SMT
from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.terms import Choice, Condition, Division, Flag, Symbol, Word, monomials_of
from perp_spec.language import both, mul_div_ceil, mul_div_floor, mul_div_remainder

CERTIFICATES = SMT.parents[1] / "certificates.json"

CERTIFICATES_FORMAT = "perpspec-certificates-1"

# Of the division that the solver is told as an axiom


def quotients_are_unique(quotient: Word, remainder: Word, first: Word, second: Word, divisor: Word) -> Flag:
    """What leaves a remainder from zero to below the divisor is the quotient."""
    divides = both(first * second == quotient * divisor + remainder, remainder >= 0, remainder < divisor)
    return implies(divides, mul_div_floor(first, second, divisor) == quotient)


def remainders_are_what_is_left(first: Word, second: Word, divisor: Word) -> Flag:
    """A dividend is the quotient times the divisor and the remainder, which is from zero to below the divisor."""
    quotient, remainder = mul_div_floor(first, second, divisor), mul_div_remainder(first, second, divisor)
    in_range = both(remainder >= 0, remainder < divisor)
    return implies(divisor >= 1, both(first * second == quotient * divisor + remainder, in_range))


def quotients_have_the_sign_of_the_dividend(first: Word, second: Word, divisor: Word) -> Flag:
    """A quotient rounded down is negative just where the dividend is."""
    dividend, quotient = first * second, mul_div_floor(first, second, divisor)
    return implies(divisor >= 1, both(implies(dividend >= 0, quotient >= 0), implies(quotient >= 0, dividend >= 0)))


def rounding_down_takes_less_than_one(first: Word, second: Word, divisor: Word) -> Flag:
    """A quotient rounded down is at most the quotient, and less than one below it."""
    dividend, multiple = first * second, mul_div_floor(first, second, divisor) * divisor
    return implies(divisor >= 1, both(multiple <= dividend, dividend < multiple + divisor))


def rounding_up_adds_less_than_one(first: Word, second: Word, divisor: Word) -> Flag:
    """A quotient rounded up is at least the quotient, and less than one above it."""
    dividend, multiple = first * second, mul_div_ceil(first, second, divisor) * divisor
    return implies(divisor >= 1, both(multiple >= dividend, multiple < dividend + divisor))


DIVISION: tuple[Callable[..., Flag], ...] = (
    quotients_are_unique,
    remainders_are_what_is_left,
    quotients_have_the_sign_of_the_dividend,
    rounding_down_takes_less_than_one,
    rounding_up_adds_less_than_one,
)


def all_lemmas() -> list[Callable[..., Flag]]:
    """What the solver is told of division, and every lemma that proofs use."""
    used = [
        function
        for name, function in vars(lemmas).items()
        if inspect.isfunction(function) and function.__module__ == lemmas.__name__ and name != "between_zero"
    ]
    return [*DIVISION, *used]


# What a lemma says


class Said(NamedTuple):
    """A lemma as formulas over integers."""

    definitions: tuple[Formula, ...]
    claim: Formula


def said(lemma: Callable[..., Flag]) -> Said:
    """What a lemma says, read from its text."""
    reading = SymbolicReading()
    with reading.path({}), reading.knowing_nothing():
        claim = lemma(*(reading.word(name) for name in inspect.signature(lemma).parameters))
    definitions = [one for symbol in reading.table.symbols for one in definition_of(reading, symbol)]
    return Said(tuple(definitions), formula(reading, claim))


def polynomial(reading: SymbolicReading, word: Word) -> Polynomial:
    """A word as a polynomial over names."""
    symbols = reading.table.symbols
    return {
        tuple(sorted(symbols[number].name for number in monomial)): factor
        for monomial, factor in monomials_of(word).items()
    }


def formula(reading: SymbolicReading, flag: Flag) -> Formula:
    """A condition as a formula."""
    if isinstance(flag, bool):
        return "ge", {} if flag else {(): -1}
    assert isinstance(flag, Condition)
    if flag.kind == "not":
        return "not", formula(reading, flag.parts)
    if flag.kind == "and":
        return "and", tuple(formula(reading, part) for part in flag.parts)
    return {"at_least_zero": "ge", "zero": "eq"}[flag.kind], polynomial(reading, flag.parts)


def definition_of(reading: SymbolicReading, symbol: Symbol) -> Iterator[Formula]:
    """What defines a symbol."""
    definition = symbol.definition
    own: Polynomial = {(symbol.name,): 1}
    if isinstance(definition, Choice):
        condition = formula(reading, definition.condition)
        for flag, word in ((condition, definition.yes), (("not", condition), definition.no)):
            equal: Formula = "eq", added([(1, own), (-1, polynomial(reading, word))])
            yield "not", ("and", (flag, ("not", equal)))
    if isinstance(definition, Division) and symbol.number == definition.quotient:
        remainder: Polynomial = {(reading.table.symbols[definition.remainder].name,): 1}
        divisor = polynomial(reading, definition.divisor)
        whole = added([(1, polynomial(reading, definition.dividend)), (-1, multiplied(own, divisor)), (-1, remainder)])
        below = shifted(added([(1, divisor), (-1, remainder)]), 1, -1)
        divided: Formula = "and", (("eq", whole), ("ge", remainder), ("ge", below))
        yield "not", ("and", (("ge", shifted(divisor, 1, -1)), ("not", divided)))


# The file


def statements() -> dict[str, dict[str, Any]]:
    """What each lemma says, as the file has it."""
    found: dict[str, dict[str, Any]] = {}
    for lemma in all_lemmas():
        spoken = said(lemma)
        definitions = [written_formula(one) for one in spoken.definitions]
        sentence = " ".join((inspect.getdoc(lemma) or "").split())
        found[lemma.__name__] = {
            "sentence": sentence,
            "definitions": definitions,
            "claim": written_formula(spoken.claim),
        }
    return found


def document(proofs: dict[str, Any]) -> dict[str, Any]:
    """The file of these proofs."""
    lemmas_with_proofs = {name: {**own, "proof": proofs[name]} for name, own in statements().items()}
    return {"format": CERTIFICATES_FORMAT, "lemmas": lemmas_with_proofs}


def encoded(found: dict[str, Any]) -> str:
    """The text of the file: a lemma a line."""
    lines = [f" {json.dumps(name)}: {json.dumps(own)}" for name, own in found["lemmas"].items()]
    body = ",\n".join(lines)
    return f'{{"format": {json.dumps(found["format"])}, "lemmas": {{\n{body}\n}}}}\n'


def read_certificates(file: Path = CERTIFICATES) -> dict[str, Any]:
    """The file of the proofs.

    Raises:
        NoProof: It is of another format.
        OSError: It cannot be read.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise NoProof(f"{file.name}: {error}") from None
    if not isinstance(found, dict) or set(found) != {"format", "lemmas"} or found["format"] != CERTIFICATES_FORMAT:
        raise NoProof(f"{file.name} is no {CERTIFICATES_FORMAT}")
    return found


def stale(found: dict[str, Any]) -> list[str]:
    """Lemmas of which the file says something else than their text."""
    own = {name: {**one, "proof": None} for name, one in statements().items()}
    there = {name: {**one, "proof": None} for name, one in found["lemmas"].items()}
    return [name for name in {**own, **there} if own.get(name) != there.get(name)]
