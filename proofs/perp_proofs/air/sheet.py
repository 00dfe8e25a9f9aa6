"""A table being written with all that is known beside its constraints: intervals, claims, and how rows are filled.

What a gadget knows of a value goes three ways: constraints and lookups into the table, which the proof rests on;
claims, which the gate checks against those; and fill steps, which say how an honest prover finds the columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from perp_hash.field import MODULUS
from perp_proofs.air.buses import RANGE, RANGE_TOP
from perp_proofs.air.intervals import Intervals
from perp_proofs.air.system import Heights, Table
from perp_proofs.air.tape import DEGREE_MAX, Term
from perp_proofs.air.words import BASE, TOP_SIZE, Interval

GREATEST_HEIGHT = 1 << 22

INNER_DEGREE_MAX = 3
"""Of a choice that is no column: a condition of degree 2 may still choose it or another."""

BIT = (0, 1)
LOOKED_UP = {RANGE: BASE, RANGE_TOP: TOP_SIZE}
"""What a value is below that is looked up."""


class Member(NamedTuple):
    """A node is one of a few consecutive multiples: the product of all (node - value * factor) is 0.

    Attributes:
        node: Which.
        low: The least value.
        size: How many.
        factor: What values are multiplied by.
        helpers: Columns that hold the product of as many first differences as a constraint can, in order.
        quotient: The node divided by the factor, in the field; an integer then.
    """

    node: int
    low: int
    size: int
    factor: int
    helpers: tuple[int, ...]
    quotient: int


class Choice(NamedTuple):
    """A column, or a term, is `yes` where a bit is 1, else `no`."""

    node: int
    condition: int
    yes: int
    no: int


class Looked(NamedTuple):
    """A node that is no column is bounded by a lookup of it and known terms; `fraction` is its number in the table."""

    node: int
    fraction: int


class Conditional(NamedTuple):
    """A column is an entry of a message where a bit is 1, else another term."""

    node: int
    condition: int
    other: int
    fraction: int
    place: int


Claim = Member | Choice | Looked | Conditional


class Value(NamedTuple):
    """Fill: column = an entry of a value of the listing: a limb of a word, an element of a digest, else the number."""

    column: int
    value: int
    part: int


class Limb(NamedTuple):
    """Fill: column = a limb of a value of the listing, however small its type."""

    column: int
    value: int
    part: int


class ValueSign(NamedTuple):
    """Fill: column = 1 where a value of the listing is negative."""

    column: int
    value: int


class Given(NamedTuple):
    """Fill: column = what whoever fills the row knows by this name."""

    column: int
    name: str


class Computed(NamedTuple):
    """Fill: column = a node."""

    column: int
    node: int


class Divided(NamedTuple):
    """Fill: column = a node divided by a number, rounded down."""

    column: int
    node: int
    divisor: int


class Borrow(NamedTuple):
    """Fill: column = minus a node divided by a number, rounded down."""

    column: int
    node: int
    divisor: int


class Part(NamedTuple):
    """Fill: column = a value of the listing divided by a number, rounded down, modulo another."""

    column: int
    value: int
    divisor: int
    modulus: int


class Inverses(NamedTuple):
    """Fill: the column beside the first node that is not 0 = its inverse modulo p; all other columns = 0."""

    columns: tuple[int, ...]
    nodes: tuple[int, ...]


class Vanishes(NamedTuple):
    """Fill: column = 1 where all nodes are 0."""

    column: int
    nodes: tuple[int, ...]


class Sign(NamedTuple):
    """Fill: column = 1 where the number that some limbs make is negative."""

    column: int
    limbs: tuple[int, ...]


class Digits(NamedTuple):
    """Fill: columns = the limbs of the number that some limbs make, of its sign; -1 for a limb without a column."""

    columns: tuple[int, ...]
    limbs: tuple[int, ...]


class Helper(NamedTuple):
    """Fill: column = a node, modulo p."""

    column: int
    node: int


class GivenOr(NamedTuple):
    """Fill: column = what whoever fills the row knows by this name where a node is 1, else another node."""

    column: int
    name: str
    condition: int
    other: int


class Hashed(NamedTuple):
    """Fill: columns = the step of the hash suite from two halves."""

    columns: tuple[int, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]


Step = (
    GivenOr
    | Hashed
    | Limb
    | Value
    | ValueSign
    | Given
    | Computed
    | Divided
    | Borrow
    | Part
    | Inverses
    | Vanishes
    | Sign
    | Digits
    | Helper
)


@dataclass
class Plan:
    """How the rows of a table are filled.

    Attributes:
        steps: In the order in which columns are found.
        quotients: Nodes that are exact quotients of integers: the dividend, and the divisor.
    """

    steps: list[Step] = field(default_factory=list[Step])
    quotients: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])


class Sheet:
    """A table being written.

    Attributes:
        table: Columns, constraints, fractions.
        claims: What constraints and lookups say, for the gate to check.
        plan: How rows are filled.
        received: For each column that a message brings, the tag and the place in the message.
        active: 1 in a row that counts, else 0: whatever is a constant of the rules is a multiple of it, so that a row
            of zeros satisfies everything.
    """

    def __init__(self, name: str, optional: bool = True) -> None:
        self.table = Table(name, Heights(1, GREATEST_HEIGHT, optional))
        self.claims: list[Claim] = []
        self.plan = Plan()
        self.intervals = Intervals(self.table)
        self.count = 0
        self.active = self.given("active", *BIT)
        self.zero("active", self.active * (self.active - 1), modular=True)
        self.intervals.narrow(self.active.number, (1, 1))

    # Columns

    def number(self, term: Term) -> int:
        """The column that a term is."""
        return self.table.tape.nodes[term.number].left

    def column(self, name: str, interval: Interval) -> Term:
        """A column that holds integers of an interval."""
        return self.table.column(name, *interval)

    def given(self, name: str, low: int, high: int) -> Term:
        """A column that whoever fills the row knows."""
        term = self.column(name, (low, high))
        self.plan.steps.append(Given(self.number(term), name))
        return term

    def element(self, name: str) -> Term:
        """A column that may hold any element."""
        return self.table.element(name)

    def fresh(self, name: str) -> str:
        """A name that no column or constraint has."""
        self.count += 1
        return f"{name}#{self.count}"

    def constant(self, value: int) -> Term:
        """A constant in rows that count, 0 elsewhere."""
        return self.active * value

    # What is known

    def interval(self, term: Term | int) -> Interval:
        """The integers that a term can be in a row that counts."""
        return (term, term) if isinstance(term, int) else self.intervals.of(term.number)

    def zero(self, name: str, term: Term | int, modular: bool = False) -> None:
        """Demand that a term is 0."""
        self.table.zero(name, term, modular)

    def look_up(self, term: Term, tag: int = RANGE) -> int:
        """Demand that a term is in a range table; the number of the fraction."""
        self.table.add(tag, 1, [term])
        return len(self.table.fractions) - 1

    def bound(self, term: Term, low: Term | int = 0, tag: int = RANGE) -> None:
        """Demand that low <= term < low + size of a range table, and know it of the term, whatever it is made of."""
        below = self.constant(low) if isinstance(low, int) else low
        fraction = self.look_up(term - below, tag)
        self.claims.append(Looked(term.number, fraction))
        least, greatest = self.interval(low)
        self.intervals.narrow(term.number, (least, greatest + LOOKED_UP[tag] - 1))

    def bit(self, name: str) -> Term:
        """A column that is 0 or 1."""
        column = self.column(name, BIT)
        self.member(name, column, BIT)
        return column

    def member(self, name: str, term: Term, interval: Interval, factor: int = 1) -> Term:
        """Demand that a term is a multiple of a factor by an integer of an interval; that integer."""
        low, high = interval
        helpers: list[int] = []
        product: Term | None = None
        for value in range(low, high + 1):
            difference = term - self.constant(value * factor)
            if product is not None and product.degree + difference.degree > DEGREE_MAX:
                helper = self.element(f"{name}.helper{len(helpers)}")
                helpers.append(self.number(helper))
                self.plan.steps.append(Helper(helpers[-1], product.number))
                self.zero(f"{name}.helper{len(helpers)}", product - helper, modular=True)
                product = helper
            product = difference if product is None else product * difference
        assert product is not None
        self.zero(name, product, modular=low != high)
        quotient = term if factor == 1 else term * pow(factor, -1, MODULUS)
        claim = Member(term.number, low, high - low + 1, factor, tuple(helpers), quotient.number)
        self.claims.append(claim)
        self.intervals.narrow(quotient.number, interval)
        if factor != 1:
            self.plan.quotients[quotient.number] = (term.number, factor)
            self.intervals.narrow(term.number, (low * factor, high * factor))
        return quotient

    def define(self, name: str, term: Term) -> Term:
        """A column that is a term."""
        if term.degree <= 1:
            return term
        column = self.column(name, self.interval(term))
        self.plan.steps.append(Computed(self.number(column), term.number))
        self.zero(name, column - term)
        return column

    def choose(self, name: str, condition: Term, yes: Term | int, no: Term | int, inner: bool = False) -> Term | int:
        """One of two terms: a column, or, for what is only chosen from once more, a term of at most degree 3."""
        chosen, other = self.lifted(yes), self.lifted(no)
        if chosen.number == other.number:
            return yes
        low = min(self.interval(yes)[0], self.interval(no)[0])
        high = max(self.interval(yes)[1], self.interval(no)[1])
        value = condition * chosen + (self.active - condition) * other
        if inner and value.degree <= INNER_DEGREE_MAX:
            self.claims.append(Choice(value.number, condition.number, chosen.number, other.number))
            self.intervals.narrow(value.number, (low, high))
            return value
        column = self.column(name, (low, high))
        self.plan.steps.append(Computed(self.number(column), value.number))
        self.zero(name, column - value)
        self.claims.append(Choice(column.number, condition.number, chosen.number, other.number))
        self.intervals.narrow(column.number, (low, high))
        return column

    def choose_element(self, name: str, condition: Term, yes: Term, no: Term) -> Term:
        """A column that is one of two elements."""
        column = self.element(name)
        value = condition * yes + (self.active - condition) * no
        self.plan.steps.append(Helper(self.number(column), value.number))
        self.zero(name, column - value, modular=True)
        return column

    def lifted(self, term: Term | int) -> Term:
        """A term; an int is a constant of rows that count."""
        return self.constant(term) if isinstance(term, int) else term

    def sum(self, terms: Sequence[Term | int]) -> Term:
        """The sum of terms."""
        total: Term | int = self.table.tape.constant(0)
        for term in terms:
            total = total + self.lifted(term) if not (isinstance(term, int) and term == 0) else total
        assert isinstance(total, Term)
        return total
