"""The tables of the rules filled: every chunk of a batch, column by column for all of its rows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perp_hash.digest import DIGEST_ELEMENTS
from perp_hash.field import MODULUS
from perp_hash.words import LIMB_BITS
from perp_proofs.air.rulebook import Rules
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
    Value,
    ValueSign,
    Vanishes,
)
from perp_proofs.air.tape import ADD, COLUMN, CONSTANT, SUBTRACT
from perp_proofs.air.words import BASE
from perp_proofs.program.listing import DIGEST, WORD
from perp_proofs.stark.fill.arrays import Array, canonical, limb
from perp_proofs.stark.fill.chunks import Accessed, Chunk, Runner
from perp_proofs.stark.fill.columns import Trace, height_of, inverses
from perp_proofs.stark.fill.memory import Key
from perp_proofs.stark.fill.schedule import ConstantOf, NodeOf, QuotientOf, Scheduler, modular_parts, schedule
from perp_proofs.stark.fill.steps import steps

LIMB_MASK = BASE - 1


class Filler:
    """Fills the rows of a chunk.

    Attributes:
        nodes: Those computed so far, as integers, one a row or one for all.
        columns: Those filled so far, as integers.
    """

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.made = chunk.table
        self.rows = chunk.rows
        self.tape = self.made.table.tape
        self.nodes: dict[int, Any] = {}
        self.columns: dict[int, Any] = {}
        self.column_nodes = {node.left: number for number, node in enumerate(self.tape.nodes) if node.code == COLUMN}

    def set(self, column: int, values: Any) -> None:
        """Note a column, and its node."""
        self.columns[column] = values
        self.nodes[self.column_nodes[column]] = values

    def run(self) -> None:
        """Fill all columns and find the outputs."""
        plan = schedule(self.made)
        self.act(plan.actions)
        self.act(plan.outputs)
        self.chunk.outputs = [np.broadcast_to(self.nodes[node], self.rows) for node in self.made.outputs]

    def act(self, actions: Sequence[Any]) -> None:
        """Run actions in order."""
        nodes = self.nodes
        for action in actions:
            kind = type(action)
            if kind is NodeOf:
                node, code, left, right = action
                if code == ADD:
                    nodes[node] = nodes[left] + nodes[right]
                elif code == SUBTRACT:
                    nodes[node] = nodes[left] - nodes[right]
                else:
                    nodes[node] = nodes[left] * nodes[right]
            else:
                HANDLERS[kind](self, action)

    def quotient(self, action: QuotientOf) -> None:
        """A node that is an exact quotient."""
        self.nodes[action.node] = self.nodes[action.dividend] // action.divisor

    def constant(self, action: ConstantOf) -> None:
        """A constant node."""
        self.nodes[action.node] = action.value

    # Fill steps

    def value(self, one: Value) -> None:
        """A part of a value."""
        values, kind = self.chunk.values[one.value], self.made.types[one.value]
        part = values[:, one.part] if kind == DIGEST else limb(values, one.part) if kind == WORD else values
        self.set(one.column, part)

    def limb(self, one: Limb) -> None:
        """A limb of a value, however small it is."""
        self.set(one.column, limb(self.chunk.values[one.value], one.part))

    def value_sign(self, one: ValueSign) -> None:
        """The sign of a value."""
        self.set(one.column, (self.chunk.values[one.value] < 0).astype(np.int64))

    def given(self, one: Given) -> None:
        """What is known by name."""
        self.set(one.column, self.named(one.name))

    def given_or(self, one: GivenOr) -> None:
        """What is known by name where a node is 1, else another node."""
        flag, other = self.nodes[one.condition], self.nodes[one.other]
        place, _, number = one.name.removeprefix("call").partition(".")
        values = np.array(np.broadcast_to(other, self.rows), np.int64)
        if int(place) in self.chunk.calls:
            callee, rows = self.chunk.calls[int(place)]
            values[rows] = callee.outputs[int(number)]
        self.set(one.column, np.where(flag != 0, values, other))

    def named(self, name: str) -> Any:
        """What is known by a name."""
        if name == "active":
            return np.ones(self.rows, np.int64)
        if name in self.chunk.given:
            return self.chunk.given[name]
        if name.startswith("sum"):
            return self.sums_before(int(name.removeprefix("sum")))
        place, _, number = name.removeprefix("call").removeprefix("loop").partition(".")
        if name.startswith("call"):
            return self.chunk.calls[int(place)][0].outputs[int(number)]
        steps_chunk, rows = self.chunk.loops[int(place)]
        total = np.zeros(self.rows, np.int64)
        total[rows] = steps_chunk.outputs[int(number)]
        return total

    def sums_before(self, number: int) -> Array:
        """The sum of what the steps before each one add."""
        _, left, right = self.tape.nodes[self.made.outputs[number]]
        own = right if self.tape.nodes[left].code == COLUMN and self.is_sum(left, number) else left
        self.act(self.missing(own))
        added = np.broadcast_to(self.nodes[own], self.rows)
        total = np.cumsum(added) - added
        first = np.flatnonzero(np.diff(self.chunk.groups, prepend=-1))
        return total - np.repeat(total[first], np.diff(np.append(first, self.rows)))

    def is_sum(self, node: int, number: int) -> bool:
        """A node is the column of a sum."""
        return self.made.table.columns[self.tape.nodes[node].left].name == f"sum{number}"

    def missing(self, node: int) -> list[Any]:
        """The actions that a node needs beyond what is known."""
        scheduler = Scheduler(self.made)
        scheduler.known = set(self.nodes)
        scheduler.require([node])
        return scheduler.taken()

    def computed(self, one: Computed) -> None:
        """A node."""
        self.set(one.column, self.nodes[one.node])

    def helper(self, one: Helper) -> None:
        """A node modulo p."""
        values: dict[int, Any] = {}
        for number in modular_parts(self.made, one.node):
            code, left, right = self.tape.nodes[number]
            if number in self.nodes:
                values[number] = np.remainder(self.nodes[number], MODULUS)
            elif code == CONSTANT:
                values[number] = left % MODULUS
            elif code == COLUMN:
                values[number] = np.remainder(self.columns[left], MODULUS)
            elif code == ADD:
                values[number] = (values[left] + values[right]) % MODULUS
            elif code == SUBTRACT:
                values[number] = (values[left] - values[right]) % MODULUS
            else:
                values[number] = values[left] * values[right] % MODULUS
        self.set(one.column, values[one.node])

    def divided(self, one: Divided) -> None:
        """A quotient."""
        self.set(one.column, np.floor_divide(self.nodes[one.node], one.divisor))

    def borrow(self, one: Borrow) -> None:
        """Minus a quotient."""
        self.set(one.column, -np.floor_divide(self.nodes[one.node], one.divisor))

    def part(self, one: Part) -> None:
        """A part of a remainder."""
        self.set(one.column, self.chunk.values[one.value] // one.divisor % one.modulus)

    def inverses(self, one: Inverses) -> None:
        """Witnesses that some node is not 0."""
        open_rows = np.ones(self.rows, bool)
        for column, node in zip(one.columns, one.nodes, strict=True):
            values = np.remainder(np.broadcast_to(self.nodes[node], self.rows), MODULUS)
            self.set(column, np.where(open_rows, inverses(values), 0))
            open_rows = open_rows & (values == 0)

    def vanishes(self, one: Vanishes) -> None:
        """Whether all nodes are 0."""
        all_zero = np.ones(self.rows, bool)
        for node in one.nodes:
            all_zero &= np.remainder(self.nodes[node], MODULUS) == 0
        self.set(one.column, all_zero.astype(np.int64))

    def sign(self, one: Sign) -> None:
        """The sign of a sum."""
        self.set(one.column, (self.carried(one.limbs)[1] < 0).astype(np.int64))

    def digits(self, one: Digits) -> None:
        """The limbs of a sum."""
        found, rest = self.carried(one.limbs)
        negative = np.broadcast_to(rest < 0, self.rows)
        if negative.any():
            turned, _ = self.carried(one.limbs, np.where(negative, -1, 1))
            found = [np.where(negative, -own, other) for own, other in zip(turned, found, strict=True)]
        found += [np.zeros(self.rows, np.int64)] * (len(one.columns) - len(found))
        for column, own in zip(one.columns, found, strict=False):
            if column >= 0:
                self.set(column, own)

    def carried(self, limbs: Sequence[int], sign: Any = 1) -> tuple[list[Any], Any]:
        """Digits of the number that limbs make, times a sign, and what is left above them."""
        carry: Any = np.int64(0)
        found: list[Any] = []
        for node in (*limbs, *(None,) * SPARE):
            total = carry + (0 if node is None else self.nodes[node] * sign)
            found.append(total & LIMB_MASK)
            carry = total >> LIMB_BITS
        return found, carry

    def hashed(self, one: Hashed) -> None:
        """A step of the hash suite."""
        halves = [
            canonical(np.stack([np.broadcast_to(self.nodes[node], self.rows) for node in half], axis=1))
            for half in (one.left, one.right)
        ]
        out = steps(halves[0], halves[1])
        for at in range(DIGEST_ELEMENTS):
            self.set(one.columns[at], out[:, at].astype(np.int64))


SPARE = 2
"""Digits above the limbs of a sum: what is carried out of the highest."""

HANDLERS: dict[type[Any], Callable[[Filler, Any], None]] = {
    QuotientOf: Filler.quotient,
    ConstantOf: Filler.constant,
    Value: Filler.value,
    Limb: Filler.limb,
    ValueSign: Filler.value_sign,
    Given: Filler.given,
    GivenOr: Filler.given_or,
    Computed: Filler.computed,
    Helper: Filler.helper,
    Divided: Filler.divided,
    Borrow: Filler.borrow,
    Part: Filler.part,
    Inverses: Filler.inverses,
    Vanishes: Filler.vanishes,
    Sign: Filler.sign,
    Digits: Filler.digits,
    Hashed: Filler.hashed,
}


def link(chunks: Sequence[Chunk]) -> dict[tuple[str, Key], int]:
    """Tell every access the time of the one before it; the time of the last of each record."""
    last: dict[tuple[str, Key], int] = {}
    by_record: dict[str, list[tuple[Chunk, int, Accessed]]] = {}
    for chunk in chunks:
        for number, access in enumerate(chunk.accesses):
            by_record.setdefault(access.record, []).append((chunk, number, access))
    for record, accesses in by_record.items():
        keys = [np.concatenate(parts) for parts in zip(*(access.keys for _, _, access in accesses), strict=True)]
        now = np.concatenate([access.now for _, _, access in accesses])
        previous, ends = before_and_last(keys, now)
        start = 0
        for chunk, number, access in accesses:
            chunk.given[f"previous{number}"] = previous[start : start + len(access.now)]
            start += len(access.now)
        for at in ends.tolist():
            last[record, tuple(int(key[at]) for key in keys)] = int(now[at])
    return last


def before_and_last(keys: Sequence[Array], now: Array) -> tuple[Array, Array]:
    """For each access the time of the one before it with the same key, or 0; and which are the last of their keys."""
    order = np.lexsort((now, *reversed(keys)))
    if not len(order):
        return now, order
    again = np.ones(len(order) - 1, bool)
    for key in keys:
        again &= key[order][1:] == key[order][:-1]
    previous = np.zeros(len(order), np.int64)
    previous[order[1:]] = np.where(again, now[order][:-1], 0)
    return previous, order[np.append(~again, True)]


def fill_rules(rules: Rules, runner: Runner) -> Trace:
    """The tables of the rules that have rows, padded with zeros; the accesses must be linked."""
    parts: dict[str, list[NDArray[np.uint32]]] = {}
    for chunk in runner.chunks:
        filler = Filler(chunk)
        filler.run()
        if not chunk.rows:
            continue
        rows = np.empty((len(chunk.table.table.columns), chunk.rows), np.uint32)
        for at in range(len(rows)):
            rows[at] = np.remainder(filler.columns[at], MODULUS)
        parts.setdefault(chunk.table.name, []).append(rows)
    trace: Trace = {}
    for name, made in rules.tables.items():
        if name in parts:
            rows = np.concatenate(parts[name], axis=1)
            padded = np.zeros((len(rows), height_of(made.table, rows.shape[1])), np.uint32)
            padded[:, : rows.shape[1]] = rows
            trace[name] = padded
    return trace
