"""The search: every sequence of so many moves from a scene, each state looked at once.

What must hold of every state that is reached:

- the audit finds nothing: money is conserved to the micro-atom, sizes sum to zero, totals are right;
- no step of the waterfall is accepted against an account with more than its initial margin;
- the coalition, with what it withdrew, is worth no more than at the start, where a debt counts as nothing: whoever can
  leave a debt behind gains by it. Prices do not move here, so nobody may gain.

It is no proof: of moves that are not tried, of longer sequences and of other states it says nothing.
"""

from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field, frozen

from perp_reference.attack.moves import moves
from perp_reference.attack.scenes import COALITION, Scene, begin, equity_micro_atoms, is_healthy
from perp_reference.core.audit import audit
from perp_reference.core.machine import Machine, Rejected
from perp_reference.core.state import OutOfRangeError, State
from perp_spec.perpetual.operations import Backstop, Deleverage, Liquidate, Withdraw
from perp_spec.words import PPM


@frozen
class Attack:
    """A sequence of accepted operations, and what is wrong after it."""

    scene: Scene
    operations: tuple[Any, ...]
    fault: str


@define
class Searched:
    """How far a search came, and what it found."""

    attacks: list[Attack] = field(factory=list)
    states: int = 0
    """Different ones, looked at."""
    tried: int = 0
    accepted: int = 0


@frozen
class Node:
    """A state that was reached."""

    state: State
    withdrawn: int
    """Atoms that the coalition has taken out."""
    path: tuple[Any, ...]


Told = Callable[[int, int], None]


def search(scene: Scene, depth: int, told: Told = lambda _depth, _states: None, first: bool = True) -> Searched:
    """Try every sequence of at most `depth` moves, breadth first; stop at the shortest attack unless all are wanted."""
    start = begin(scene)
    bound = wealth(start, 0)
    found = Searched(states=1)
    level = [Node(start, 0, ())]
    seen = {key_of(level[0])}
    for reached in range(depth):
        following: list[Node] = []
        for node in level:
            for operation in moves(node.state):
                found.tried += 1
                after = applied(scene, node, operation, bound)
                if isinstance(after, Attack):
                    found.attacks.append(after)
                    if first:
                        return found
                elif after is not None:
                    found.accepted += 1
                    if (key := key_of(after)) not in seen:
                        seen.add(key)
                        found.states += 1
                        following.append(after)
            told(reached + 1, found.states)
        level = following
    return found


def applied(scene: Scene, node: Node, operation: Any, bound: int) -> Node | Attack | None:
    """The state after a move, None where it is rejected, or the attack that it completes."""
    state = node.state.copy()
    path = (*node.path, operation)
    try:
        Machine(state).apply(operation)
    except Rejected:
        return None
    except OutOfRangeError as error:
        return Attack(scene, path, f"a word leaves its range: {error}")
    state.commit()
    withdrawn = node.withdrawn + (operation.amount if isinstance(operation, Withdraw) else 0)
    for fault in faults(node.state, operation, state, withdrawn, bound):
        return Attack(scene, path, fault)
    return Node(state, withdrawn, path)


def faults(before: State, operation: Any, after: State, withdrawn: int, bound: int) -> Iterator[str]:
    """What is not as it must be after an accepted operation."""
    yield from (f"the audit finds: {finding}" for finding in audit(after))
    if isinstance(operation, Liquidate | Backstop | Deleverage) and is_healthy(before, operation.account):
        name = type(operation).__name__.lower()
        yield f"{name} is accepted against account {operation.account}, which has its initial margin"
    own = wealth(after, withdrawn)
    if own > bound:
        yield f"the coalition is worth {own - bound} micro-atoms more than at the start"


def wealth(state: State, withdrawn: int) -> int:
    """What the coalition is worth, in micro-atoms; a debt counts as nothing."""
    return PPM * withdrawn + sum(max(equity_micro_atoms(state, number), 0) for number in COALITION)


def key_of(node: Node) -> Any:
    """What tells states apart."""
    tables = node.state.tables
    return node.withdrawn, tuple(frozenset(table.items()) for table in tables.values())
