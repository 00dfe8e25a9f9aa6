"""Tables with constraints and bus fractions, and a system of them: what a proof is about.

Every table is local to a row: no constraint looks at another row. Rows talk over buses only: a fraction adds
`numerator` times the message (tag, entries) to its bus, and over all rows of all tables, and what the public statement
adds, every message must come to 0. A row of zeros is padding and must satisfy everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from perp_hash.field import MODULUS
from perp_proofs.air.tape import DEGREE_MAX, Tape, Term

ENTRY_DEGREE_MAX = 1
NUMERATOR_DEGREE_MAX = 2
FRACTIONS_A_GROUP = 4
"""Fractions that share one extension column: phi * product of denominators has degree 5 then."""


class MalformedSystem(ValueError):
    """A table or a system is malformed."""


@dataclass(frozen=True)
class Column:
    """A committed column.

    Attributes:
        name: For people, unique in its table.
        low: Least value that constraints and lookups of the same table allow, read as an integer.
        high: Greatest one. A column without a range, a digest's element, has 0 and p - 1.
    """

    name: str
    low: int
    high: int


@dataclass(frozen=True)
class Constraint:
    """A polynomial that is 0 in every row.

    Attributes:
        name: Unique in its table; says what fails where it is not 0.
        node: Number on the tape.
        modular: It is meant modulo p; else the gate shows that its value is an integer below p.
    """

    name: str
    node: int
    modular: bool = False


@dataclass(frozen=True)
class Fraction:
    """What a row adds to a bus.

    Attributes:
        tag: Number of the kind of message, at least 1.
        numerator: Node; of degree 2 at most.
        entries: Nodes, of degree 1 at most; as many as the tag has.
        weight: The greatest |numerator| can be.
    """

    tag: int
    numerator: int
    entries: tuple[int, ...]
    weight: int = 1


@dataclass(frozen=True)
class Heights:
    """The powers of two a table may be high.

    Attributes:
        optional: It may be absent; only where all its fractions may be, never where it provides a fixed table.
    """

    least: int
    greatest: int
    optional: bool = False


@dataclass
class Table:
    """A table being written, and written.

    Attributes:
        constraints: In the order in which they are numbered.
        fractions: In order; each group of four shares a column.
    """

    name: str
    heights: Heights
    tape: Tape = field(default_factory=Tape)
    columns: list[Column] = field(default_factory=list[Column])
    constraints: list[Constraint] = field(default_factory=list[Constraint])
    fractions: list[Fraction] = field(default_factory=list[Fraction])

    def column(self, name: str, low: int, high: int) -> Term:
        """Add a column; whoever adds it constrains it to its range."""
        self.columns.append(Column(name, low, high))
        return self.tape.column(len(self.columns) - 1)

    def element(self, name: str) -> Term:
        """Add a column that may hold any element."""
        return self.column(name, 0, MODULUS - 1)

    def zero(self, name: str, term: Term | int, modular: bool = False) -> None:
        """Demand that a polynomial is 0 in every row. Raises MalformedSystem if its degree is too high."""
        lifted = self.tape.constant(term) if isinstance(term, int) else term
        if lifted.degree > DEGREE_MAX:
            raise MalformedSystem(f"{self.name}: {name} has degree {lifted.degree}")
        self.constraints.append(Constraint(name, lifted.number, modular))

    def add(self, tag: int, numerator: Term | int, entries: Sequence[Term | int], weight: int = 1) -> None:
        """Add a fraction. Raises MalformedSystem if a degree is too high."""
        top = self.tape.constant(numerator) if isinstance(numerator, int) else numerator
        terms = [self.tape.constant(entry) if isinstance(entry, int) else entry for entry in entries]
        if top.degree > NUMERATOR_DEGREE_MAX or any(term.degree > ENTRY_DEGREE_MAX for term in terms):
            raise MalformedSystem(f"{self.name}: a fraction of tag {tag} has too high a degree")
        self.fractions.append(Fraction(tag, top.number, tuple(term.number for term in terms), weight))

    @property
    def groups(self) -> list[tuple[Fraction, ...]]:
        """The fractions, by the extension column that they share."""
        return [
            tuple(self.fractions[start : start + FRACTIONS_A_GROUP])
            for start in range(0, len(self.fractions), FRACTIONS_A_GROUP)
        ]


@dataclass(frozen=True)
class System:
    """Tables in their order, and the number of entries of each tag.

    Attributes:
        digest: 32 bytes that stand for all that the tables are made from.
    """

    name: str
    digest: bytes
    tables: tuple[Table, ...]
    arities: dict[int, int]


@dataclass(frozen=True)
class PublicFraction:
    """What the statement adds to a bus: an integer times a message of integers."""

    tag: int
    numerator: int
    entries: tuple[int, ...]


def check_system(system: System) -> None:
    """Raise MalformedSystem unless names are unique, every tag has its arity, and heights are powers of two."""
    names = [table.name for table in system.tables]
    if len(set(names)) != len(names):
        raise MalformedSystem("two tables of one name")
    for table in system.tables:
        for count in (table.heights.least, table.heights.greatest):
            if count < 1 or count & (count - 1):
                raise MalformedSystem(f"{table.name}: a height of {count} is no power of two")
        if table.heights.least > table.heights.greatest:
            raise MalformedSystem(f"{table.name}: least height above the greatest")
        for parts in (table.columns, table.constraints):
            if len({part.name for part in parts}) != len(parts):
                raise MalformedSystem(f"{table.name}: two columns or constraints of one name")
        for fraction in table.fractions:
            if system.arities.get(fraction.tag) != len(fraction.entries):
                raise MalformedSystem(f"{table.name}: a message of tag {fraction.tag} has another number of entries")
