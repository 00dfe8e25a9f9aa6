"""The filling of a table as a list of array operations, in an order that serves for any number of rows.

Only nodes that some column needs are computed, each once.
"""

import functools
from collections.abc import Iterable
from typing import NamedTuple

from perp_proofs.air.rulebook import RuleTable
from perp_proofs.air.sheet import (
    Borrow,
    Computed,
    Digits,
    Divided,
    GivenOr,
    Hashed,
    Helper,
    Inverses,
    Sign,
    Step,
    Vanishes,
)
from perp_proofs.air.tape import COLUMN, CONSTANT


class NodeOf(NamedTuple):
    """Compute a node from two others."""

    node: int
    code: int
    left: int
    right: int


class QuotientOf(NamedTuple):
    """Compute a node that is an exact quotient of another."""

    node: int
    dividend: int
    divisor: int


class ConstantOf(NamedTuple):
    """A node that is a constant."""

    node: int
    value: int


Action = NodeOf | QuotientOf | ConstantOf | Step


def needs(step: Step) -> tuple[int, ...]:
    """The nodes that a fill step reads."""
    match step:
        case GivenOr():
            return step.condition, step.other
        case Hashed():
            return *step.left, *step.right
        case Computed() | Divided() | Borrow():
            return (step.node,)
        case Inverses() | Vanishes():
            return step.nodes
        case Sign() | Digits():
            return step.limbs
        case _:
            return ()


class Schedule(NamedTuple):
    """All actions of a table; then those that its outputs need, once its columns are there."""

    actions: list[Action]
    outputs: list[Action]


class Scheduler:
    """Orders the actions of a table."""

    def __init__(self, made: RuleTable) -> None:
        self.nodes = made.table.tape.nodes
        self.quotients = made.sheet.plan.quotients
        self.known: set[int] = set()
        self.actions: list[Action] = []

    def parts(self, number: int) -> tuple[int, ...]:
        """The nodes that a node is made of."""
        if number in self.quotients:
            return (self.quotients[number][0],)
        code, left, right = self.nodes[number]
        return () if code in (CONSTANT, COLUMN) else (left, right)

    def require(self, numbers: Iterable[int]) -> None:
        """See to it that nodes are computed."""
        stack = list(numbers)
        while stack:
            top = stack[-1]
            if top in self.known:
                stack.pop()
                continue
            missing = [part for part in self.parts(top) if part not in self.known]
            if missing:
                stack += missing
                continue
            self.known.add(stack.pop())
            self.add(top)

    def add(self, number: int) -> None:
        """Add the action of a node. Columns have none: whoever fills one sets its node."""
        if number in self.quotients:
            self.actions.append(QuotientOf(number, *self.quotients[number]))
            return
        code, left, right = self.nodes[number]
        if code == CONSTANT:
            self.actions.append(ConstantOf(number, left))
        elif code != COLUMN:
            self.actions.append(NodeOf(number, code, left, right))

    def taken(self) -> list[Action]:
        """The actions added since the last time."""
        actions, self.actions = self.actions, []
        return actions


@functools.lru_cache(maxsize=512)
def schedule(made: RuleTable) -> Schedule:
    """The actions that fill a table."""
    scheduler = Scheduler(made)
    for step in made.sheet.plan.steps:
        if not isinstance(step, Helper):
            scheduler.require(needs(step))
        scheduler.actions.append(step)
    actions = scheduler.taken()
    scheduler.require(made.outputs)
    return Schedule(actions, scheduler.taken())


def modular_parts(made: RuleTable, node: int) -> list[int]:
    """A node that is only wanted modulo p and all that it is made of by multiplication, the smallest first."""
    found: set[int] = set()
    stack = [node]
    while stack:
        number = stack.pop()
        if number in found:
            continue
        found.add(number)
        code, left, right = made.table.tape.nodes[number]
        if code not in (CONSTANT, COLUMN):
            stack += [left, right]
    return sorted(found)
