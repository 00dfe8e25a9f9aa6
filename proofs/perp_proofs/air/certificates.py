"""Certificates of the gadgets: what their equations on limbs say, as an exact identity of polynomials.

For each gadget the equations, each times the power of the base that it stands for, are added up, and the sum is the
statement on integers. That an equation modulo p is one over the integers is the gate's part; that limbs are unique is
`unique_limbs`. Together: where a row satisfies the constraints, the statement holds, and for no other result.
"""

from collections.abc import Sequence
from typing import NamedTuple

from perp_hash.words import LIMBS
from perp_proofs.air.gadgets import (
    Word,
    added,
    at_most_zero,
    constant_word,
    demand_not_negative,
    demand_zero,
    look_up_limb,
    normalise,
    scaled,
    used_limbs,
)
from perp_proofs.air.gate import gate_faults
from perp_proofs.air.products import Comparison, Division, divide, multiply, product_at_most
from perp_proofs.air.products import product as coefficients
from perp_proofs.air.sheet import Limb, Member, Sheet, ValueSign
from perp_proofs.air.tape import ADD, COLUMN, CONSTANT, SUBTRACT, Term
from perp_proofs.air.words import BASE, WHOLE, Shape, shape_of
from perp_proofs.program.listing import WORD_MAX

Monomial = tuple[int, ...]
"""Numbers of variables, in order, each as often as its power."""

Polynomial = dict[Monomial, int]
"""Coefficients that are not 0."""


def plus(first: Polynomial, second: Polynomial, factor: int = 1) -> Polynomial:
    """The first, and the second times a factor."""
    total = dict(first)
    for monomial, coefficient in second.items():
        total[monomial] = total.get(monomial, 0) + factor * coefficient
        if not total[monomial]:
            del total[monomial]
    return total


def product(first: Polynomial, second: Polynomial) -> Polynomial:
    """The product."""
    total: Polynomial = {}
    for one, factor in first.items():
        for other, coefficient in second.items():
            monomial = tuple(sorted((*one, *other)))
            total[monomial] = total.get(monomial, 0) + factor * coefficient
    return {monomial: coefficient for monomial, coefficient in total.items() if coefficient}


class Reader:
    """Reads nodes as polynomials in the columns of a row that counts, and in the carries that are no columns."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.carries = {
            claim.quotient: claim for claim in sheet.claims if isinstance(claim, Member) and claim.factor != 1
        }

    def node(self, number: int) -> Polynomial:
        """A node; a carry is a variable of its own, with a negative number."""
        if number in self.carries:
            return {(-number,): 1}
        code, left, right = self.sheet.table.tape.nodes[number]
        if code == CONSTANT:
            return {(): left} if left else {}
        if code == COLUMN:
            return {(): 1} if left == 0 else {(left,): 1}
        if code in (ADD, SUBTRACT):
            return plus(self.node(left), self.node(right), 1 if code == ADD else -1)
        return product(self.node(left), self.node(right))

    def term(self, term: Term | int) -> Polynomial:
        """A term; an int is a constant."""
        return ({(): term} if term else {}) if isinstance(term, int) else self.node(term.number)

    def word(self, limbs: Sequence[Term | int]) -> Polynomial:
        """The number that limbs make."""
        total: Polynomial = {}
        for at, limb in enumerate(limbs):
            total = plus(total, self.term(limb), BASE**at)
        return total

    def equation(self, name: str) -> Polynomial:
        """A constraint by its name."""
        (found,) = [one for one in self.sheet.table.constraints if one.name == name]
        return self.node(found.node)

    def carry(self, claim: Member) -> Polynomial:
        """What a carry that is no column means: the node it comes from, less factor times it."""
        return plus(self.node(claim.node), {(-claim.quotient,): 1}, -claim.factor)


class Certificate(NamedTuple):
    """What was shown of a gadget.

    Attributes:
        gadget: Its name.
        statement: What its equations add up to.
        equations: How many there are.
        holds: The sum of the equations is the statement.
        faults: What the gate says of a row with the gadget alone.
    """

    gadget: str
    statement: str
    equations: int
    holds: bool
    faults: list[str]

    @property
    def proved(self) -> bool:
        """Nothing is wrong."""
        return self.holds and not self.faults


class Bench:
    """A row with some words that lookups bound, to build one gadget in.

    Attributes:
        count: How many words there are: the values of the row, in order; what a gadget makes follows.
    """

    def __init__(self, name: str) -> None:
        self.sheet = Sheet(name)
        self.count = 0

    def given(self, name: str, shape: Shape, low: int, high: int) -> Word:
        """A word with canonical limbs."""
        sheet = self.sheet
        sign = None
        if shape.signed:
            sign = sheet.bit(f"{name}.sign")
            sheet.plan.steps.append(ValueSign(sheet.number(sign), self.count))
        limbs: list[Term | int] = []
        for at in range(shape.limbs):
            limb = sheet.column(f"{name}.{at}", shape.bounds(at))
            sheet.plan.steps.append(Limb(sheet.number(limb), self.count, at))
            look_up_limb(sheet, limb, shape.size(at), sign)
            limbs.append(limb)
        self.count += 1
        return Word((*limbs, *(0,) * (LIMBS - shape.limbs)), low, high, shape)

    def word(self, name: str, low: int = -WORD_MAX, high: int = WORD_MAX) -> Word:
        """A word of a range."""
        return self.given(name, shape_of(low, high), low, high)

    def certificate(self, statement: str, equations: int, holds: bool) -> Certificate:
        """What has been shown."""
        name = self.sheet.table.name
        return Certificate(name, statement, equations, holds, gate_faults(self.sheet.table, self.sheet.claims, {}))


def reduced(reader: Reader, rest: Polynomial) -> Polynomial:
    """A polynomial less multiples of what its carries mean, the last carry first: 0 where it follows from them."""
    sheet = reader.sheet
    meanings = [(-number, claim.factor, reader.carry(claim)) for number, claim in reader.carries.items()]
    columns = {column.name: at for at, column in enumerate(sheet.table.columns)}
    single = [one for one in sheet.table.constraints if one.name.endswith((".lower", ".upper"))]
    meanings += [(columns[one.name], BASE, reader.node(one.node)) for one in single if one.name in columns]
    order = {name: at for at, (name, _, _) in enumerate(meanings)}
    while True:
        found = [monomial[0] for monomial in rest if monomial and monomial[0] in order]
        if not found:
            return rest
        variable, factor, meaning = meanings[max(order[one] for one in found)]
        weight, remainder = divmod(rest[(variable,)], factor)
        if remainder:
            return rest
        rest = plus(rest, meaning, weight)


def sum_certificate(words: int) -> Certificate:
    """Limbs of a sum: they make the same number."""
    bench = Bench(f"normalise a sum of {words}")
    parts = [bench.word(f"x{at}") for at in range(words)]
    total = parts[0]
    for part in parts[1:]:
        total = added(bench.sheet, total, part)
    made = normalise(bench.sheet, "n", total, WHOLE)
    reader = Reader(bench.sheet)
    rest = reader.word(made.limbs)
    for part in parts:
        rest = plus(rest, reader.word(part.limbs), -1)
    return bench.certificate("n = " + " + ".join(f"x{at}" for at in range(words)), words, not reduced(reader, rest))


def comparison_certificate() -> Certificate:
    """The sign of a difference: bit * B^m + x - y - 1 is its digits."""
    bench = Bench("at most")
    first, second = bench.word("x"), bench.word("y")
    made = at_most_zero(bench.sheet, "bit", added(bench.sheet, first, scaled(second, -1)))
    reader = Reader(bench.sheet)
    rest = plus(reader.word(made.digits), reader.word(first.limbs), -1)
    rest = plus(plus(rest, reader.word(second.limbs)), {(): 1})
    rest = plus(rest, reader.term(made.bit), -(BASE ** len(made.digits)))
    return bench.certificate("digits = x - y - 1 + bit * B^5", 3, not reduced(reader, rest))


def guard_certificate() -> Certificate:
    """A sum that is at least 0: it is its digits."""
    bench = Bench("not negative")
    first, second = bench.word("x"), bench.word("y")
    made = demand_not_negative(bench.sheet, "guard", added(bench.sheet, first, second))
    reader = Reader(bench.sheet)
    rest = plus(reader.word(made), reader.word(first.limbs), -1)
    return bench.certificate("digits = x + y", 2, not reduced(reader, plus(rest, reader.word(second.limbs), -1)))


def equality_certificate() -> Certificate:
    """A sum that is 0."""
    bench = Bench("zero")
    first, second = bench.word("x"), bench.word("y")
    demand_zero(bench.sheet, "zero", added(bench.sheet, first, scaled(second, -1)))
    reader = Reader(bench.sheet)
    rest = plus(reader.word(first.limbs), reader.word(second.limbs), -1)
    rest = plus(rest, reader.equation("zero"), -(BASE ** (2 * len(reader.carries))))
    return bench.certificate("x - y = 0", 3, not reduced(reader, rest))


def multiply_certificate(low: int, high: int) -> Certificate:
    """A product: the equations make a * b - w, but for coefficients beyond w, of one sign, whose sum is 0."""
    bench = Bench(f"multiply words from {low} to {high}")
    first, second = bench.word("a", low, high), bench.word("b", low, high)
    made = multiply(bench.sheet, "w", first, second, 0, low, high)
    reader = Reader(bench.sheet)
    count = used_limbs(made.limbs)
    rest = plus(product(reader.word(first.limbs), reader.word(second.limbs)), reader.word(made.limbs), -1)
    for at in range(count):
        rest = plus(rest, reader.equation(f"w.equation{at}"), -(BASE**at))
    beyond: Polynomial = {}
    for at, term in enumerate(coefficients(bench.sheet, first, second).terms):
        if at >= count:
            rest = plus(rest, reader.term(term), -(BASE**at))
            beyond = plus(beyond, reader.term(term))
    return bench.certificate("a * b = w", count + 1, not rest and beyond == reader.equation("w.beyond"))


def divide_certificate(code: str, divisor: int | None) -> Certificate:
    """A quotient and its remainder."""
    bench = Bench(f"{code} by {divisor or 'a word'}")
    first, second = bench.word("a"), bench.word("b")
    by = constant_word(divisor) if divisor else bench.word("d", 0)
    quotient, remainder = divide(bench.sheet, "x", Division(code, first, second, by, 0, (-WORD_MAX, WORD_MAX)))
    reader = Reader(bench.sheet)
    rest = product(reader.word(first.limbs), reader.word(second.limbs))
    rest = plus(rest, product(reader.word(quotient.limbs), reader.word(by.limbs)), -1)
    rest = plus(rest, reader.word(remainder.limbs), -1 if code == "floor" else 1)
    names = [one.name for one in bench.sheet.table.constraints if one.name.startswith("x.equation")]
    for at, name in enumerate(names):
        rest = plus(rest, reader.equation(name), -(BASE**at))
    holds = True
    for part, factors, weight in (("product", (first, second), -1), ("divisor", (quotient, by), 1)):
        terms = [reader.term(term) for term in coefficients(bench.sheet, *factors).terms[len(names) :]]
        beyond: Polynomial = {}
        for at, term in enumerate(terms, len(names)):
            rest, beyond = plus(rest, term, weight * BASE**at), plus(beyond, term)
        holds = holds and (not beyond or beyond == reader.equation(f"x.beyond.{part}"))
    sign = "+" if code == "floor" else "-"
    return bench.certificate(f"a * b = q * d {sign} r", len(names), holds and not rest)


def product_comparison_certificate() -> Certificate:
    """A comparison of products: the digits make a * b - c * d - 1 + bit * B^m."""
    bench = Bench("compare products")
    a, b, c, d = (bench.word(name) for name in "abcd")
    made = product_at_most(bench.sheet, "bit", Comparison((a, b), (c, d)))
    reader = Reader(bench.sheet)
    rest = product(reader.word(a.limbs), reader.word(b.limbs))
    rest = plus(rest, product(reader.word(c.limbs), reader.word(d.limbs)), -1)
    rest = plus(plus(rest, {(): -1}), reader.term(made.bit), BASE ** len(made.digits))
    rest = plus(rest, reader.word(made.digits), -1)
    names = [one.name for one in bench.sheet.table.constraints if one.name.startswith("bit.equation")]
    for at, name in enumerate(names):
        rest = plus(rest, reader.equation(name), -(BASE**at))
    return bench.certificate("digits = a * b - c * d - 1 + bit * B^m", len(names), not rest)


def certificates() -> list[Certificate]:
    """All of them."""
    return [
        *(sum_certificate(words) for words in (1, 2, 3, 4)),
        comparison_certificate(),
        guard_certificate(),
        equality_certificate(),
        multiply_certificate(-WORD_MAX, WORD_MAX),
        multiply_certificate(0, WORD_MAX),
        *(divide_certificate(code, divisor) for code in ("floor", "ceil") for divisor in (1_000_000, None)),
        product_comparison_certificate(),
    ]


def unique_limbs(shape: Shape) -> bool:
    """No two lists of limbs of a shape make the same number: below each limb there is less than one of it.

    Limbs of one sign: of two lists with one number both have its sign, and the highest limb in which they differ would
    make a difference of B^i at least, which those below cannot make up for.
    """
    below = 0
    for at in range(shape.limbs):
        if below >= BASE**at:
            return False
        below += (shape.size(at) - 1) * BASE**at
    return True
