"""Filling rows one by one on plain integers: slow, simple, and what the fast way is tested against."""

from collections.abc import Callable, Sequence
from typing import Any

from perp_hash.digest import step, unpack_digest
from perp_hash.field import MODULUS, to_signed
from perp_hash.words import LIMBS
from perp_proofs.air.rulebook import Rules, RuleTable
from perp_proofs.air.sheet import (
    Borrow,
    Computed,
    Digits,
    Divided,
    Given,
    GivenOr,
    Hashed,
    Helper,
    Inverses,
    Limb,
    Part,
    Sign,
    Step,
    Value,
    ValueSign,
    Vanishes,
)
from perp_proofs.air.tape import ADD, COLUMN, CONSTANT, SUBTRACT
from perp_proofs.air.words import limbs_of, number_of
from perp_proofs.program.listing import DIGEST, WORD
from perp_proofs.stark.fill.calls import Batch, Call


class RowFiller:
    """Fills one row.

    Attributes:
        columns: What is known so far, as integers.
    """

    def __init__(self, made: RuleTable, call: Call) -> None:
        self.made = made
        self.call = call
        self.tape = made.table.tape
        self.columns: dict[int, int] = {}
        self.known: dict[int, int] = {}

    def node(self, number: int) -> int:
        """The integer that a node is."""
        stack = [number]
        while stack:
            top = stack[-1]
            if top in self.known:
                stack.pop()
                continue
            needs = [part for part in self.parts(top) if part not in self.known]
            if needs:
                stack += needs
                continue
            self.known[top] = self.computed(top)
            stack.pop()
        return self.known[number]

    def parts(self, number: int) -> tuple[int, ...]:
        """The nodes that a node is made of."""
        quotient = self.made.sheet.plan.quotients.get(number)
        if quotient is not None:
            return (quotient[0],)
        code, left, right = self.tape.nodes[number]
        return () if code in (CONSTANT, COLUMN) else (left, right)

    def computed(self, number: int) -> int:
        """The integer that a node is, its parts being known."""
        quotient = self.made.sheet.plan.quotients.get(number)
        if quotient is not None:
            return self.known[quotient[0]] // quotient[1]
        code, left, right = self.tape.nodes[number]
        if code == CONSTANT:
            return left
        if code == COLUMN:
            return self.columns[left]
        one, other = self.known[left], self.known[right]
        return one + other if code == ADD else one - other if code == SUBTRACT else one * other

    def nodes(self, numbers: Sequence[int]) -> list[int]:
        """The integers that nodes are."""
        return [self.node(number) for number in numbers]

    def part(self, value: int, part: int) -> int:
        """A part of a value of the listing."""
        kind, number = self.made.types[value], self.call.values[value]
        if kind == DIGEST:
            return unpack_digest(number)[part]
        return limbs_of(number, LIMBS)[part] if kind == WORD else int(number)

    def fill(self) -> list[int]:
        """Fill the row: canonical elements."""
        for one in self.made.sheet.plan.steps:
            HANDLERS[type(one)](self, one)
        self.call.outputs = self.nodes(self.made.outputs)
        return [self.columns[at] % MODULUS for at in range(len(self.made.table.columns))]

    def value(self, one: Value) -> None:
        """Fill a part of a value."""
        self.columns[one.column] = self.part(one.value, one.part)

    def limb(self, one: Limb) -> None:
        """Fill a limb of a value, however small it is."""
        self.columns[one.column] = limbs_of(self.call.values[one.value], LIMBS)[one.part]

    def value_sign(self, one: ValueSign) -> None:
        """Fill the sign of a value."""
        self.columns[one.column] = int(self.call.values[one.value] < 0)

    def given(self, one: Given) -> None:
        """Fill what is known by name."""
        self.columns[one.column] = self.call.given[one.name]

    def given_or(self, one: GivenOr) -> None:
        """Fill what is known by name, or a node."""
        flag = self.node(one.condition)
        self.columns[one.column] = self.call.given[one.name] if flag else self.node(one.other)

    def computed_step(self, one: Computed) -> None:
        """Fill a node."""
        self.columns[one.column] = self.node(one.node)

    def helper(self, one: Helper) -> None:
        """Fill a node modulo p."""
        self.columns[one.column] = to_signed(self.node(one.node) % MODULUS)

    def divided(self, one: Divided) -> None:
        """Fill a quotient."""
        self.columns[one.column] = self.node(one.node) // one.divisor

    def borrow(self, one: Borrow) -> None:
        """Fill minus a quotient."""
        self.columns[one.column] = -(self.node(one.node) // one.divisor)

    def part_step(self, one: Part) -> None:
        """Fill a part of a remainder."""
        self.columns[one.column] = self.call.values[one.value] // one.divisor % one.modulus

    def inverses(self, one: Inverses) -> None:
        """Fill witnesses that some node is not 0."""
        found = False
        for column, node in zip(one.columns, one.nodes, strict=True):
            value = self.node(node) % MODULUS
            self.columns[column] = pow(value, -1, MODULUS) if value and not found else 0
            found = found or bool(value)

    def vanishes(self, one: Vanishes) -> None:
        """Fill whether all nodes are 0."""
        self.columns[one.column] = int(not any(node % MODULUS for node in self.nodes(one.nodes)))

    def sign(self, one: Sign) -> None:
        """Fill the sign of a sum."""
        self.columns[one.column] = int(number_of(self.nodes(one.limbs)) < 0)

    def digits(self, one: Digits) -> None:
        """Fill the limbs of a sum."""
        limbs = limbs_of(number_of(self.nodes(one.limbs)), len(one.columns) + 8)
        for column, limb in zip(one.columns, limbs, strict=False):
            if column >= 0:
                self.columns[column] = limb

    def hashed(self, one: Hashed) -> None:
        """Fill a step of the hash suite."""
        left, right = ([node % MODULUS for node in self.nodes(half)] for half in (one.left, one.right))
        self.columns |= dict(zip(one.columns, step(left, right), strict=True))


HANDLERS: dict[type[Step], Callable[[RowFiller, Any], None]] = {
    Value: RowFiller.value,
    Limb: RowFiller.limb,
    ValueSign: RowFiller.value_sign,
    Given: RowFiller.given,
    GivenOr: RowFiller.given_or,
    Computed: RowFiller.computed_step,
    Helper: RowFiller.helper,
    Divided: RowFiller.divided,
    Borrow: RowFiller.borrow,
    Part: RowFiller.part_step,
    Inverses: RowFiller.inverses,
    Vanishes: RowFiller.vanishes,
    Sign: RowFiller.sign,
    Digits: RowFiller.digits,
    Hashed: RowFiller.hashed,
}


def fill_rules(rules: Rules, batch: Batch) -> dict[str, list[list[int]]]:
    """The rows of the tables of the rules, padded to powers of two."""
    batch.link()
    trace: dict[str, list[list[int]]] = {}
    for name, made in rules.tables.items():
        rows = [filled(rules, made, call) for call in batch.rows.get(name, [])]
        if rows or not made.table.heights.optional:
            height = 1 << max(len(rows) - 1, 0).bit_length()
            trace[name] = [*rows, *([0] * len(made.table.columns) for _ in range(height - len(rows)))]
    return trace


def filled(rules: Rules, made: RuleTable, call: Call) -> list[int]:
    """Fill a row; those that answer it, and the step before it, are filled."""
    for site in made.calls:
        if site.place in call.calls:
            call.given |= named(f"{site.name}.", call.calls[site.place].outputs)
    for site in made.loops:
        steps = call.loops[site.place]
        call.given |= named(
            f"{site.name}.", steps[-1].outputs if steps else [0] * len(rules.tables[site.steps].outputs)
        )
    if made.kind is not None:
        call.given |= named("sum", call.before.outputs if call.before else [0] * len(made.outputs))
    return RowFiller(made, call).fill()


def named(prefix: str, values: Sequence[int]) -> dict[str, int]:
    """Values by their names."""
    return {f"{prefix}{at}": value for at, value in enumerate(values)}
