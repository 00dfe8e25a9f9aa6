"""Both readings say the same: at a point, the terms evaluate to what plain integers compute.

At an accepted point every stored word is compared, and Z3 is asked whether it could be anything else. At a rejected
one the first false guard is compared.
"""

import random
from collections.abc import Iterator
from typing import Any

import attrs

from perp_proofs.smt.evaluate import Evaluation
from perp_proofs.smt.frame import Concrete, Home, NotReached, Scene
from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.solver import SEARCH, Verdict, ask
from perp_proofs.smt.terms import Condition, Term
from perp_spec.language import negate
from perp_spec.operation import Rule

ACCEPTED = ""
"""In place of the name of a reason."""


@attrs.frozen
class Read:
    """A rule that was read at home."""

    reading: SymbolicReading
    scene: Scene


def read(rule: Rule, words: dict[str, int]) -> Read:
    """Read a rule on terms."""
    reading = SymbolicReading()
    with reading.path({}):
        return Read(reading, Home(reading, words).scene(rule))


def accepted_point(read: Read, seed: int = 0) -> dict[str, int | bool] | None:
    """Values that every guard of the rule lets pass, or None where the solver finds none."""
    answer = ask(read.reading, False, SEARCH, seed=seed)
    if answer.verdict is not Verdict.VIOLATED:
        return None
    for function, calls in read.reading.applications.items():
        if function.startswith("digest"):
            (call,) = calls.values()
            answer.values["op.chain"] = Evaluation(read.reading, answer.values).word(call.results[0])
    return answer.values


def changed(values: dict[str, int | bool], read: Read, chance: random.Random) -> dict[str, int | bool]:
    """A point near another: a few words are off by a little, or anything in their range."""
    free = [symbol for symbol in read.reading.table.symbols if symbol.definition is None]
    moved = dict(values)
    for symbol in chance.sample(free, min(len(free), chance.randint(1, 3))):
        if symbol.flag:
            moved[symbol.name] = chance.random() < 0.5
        elif symbol.low is not None and symbol.high is not None:
            near = int(moved.get(symbol.name, 0)) + chance.randint(-2, 2)
            value = chance.choice((near, near, chance.randint(symbol.low, symbol.high), -near))
            moved[symbol.name] = min(max(value, symbol.low), symbol.high)
    return moved


def plain_outcome(read: Read, values: dict[str, Any], words: dict[str, int]) -> tuple[str, list[tuple[str, Any]]]:
    """What plain integers say of a point: the reason, or every stored word."""
    try:
        scene = Concrete(values, words).scene(read.scene.rule)
    except NotReached as obstacle:
        return str(obstacle), []
    return ACCEPTED, list(stored_words(scene))


def symbolic_outcome(read: Read, values: dict[str, Any]) -> tuple[str, list[tuple[str, Any]]]:
    """What the terms evaluate to at a point."""
    point = Evaluation(read.reading, values)
    for guard in read.reading.guards:
        if not point.flag(guard.condition):
            return guard.reason.name, []
    return ACCEPTED, [(name, value_at(point, value)) for name, value in stored_words(read.scene)]


def value_at(point: Evaluation, value: Any) -> Any:
    """The value of a word or a flag."""
    if isinstance(value, bool | Condition):
        return point.flag(value)
    return point.word(value)


def stored_words(scene: Scene) -> Iterator[tuple[str, Any]]:
    """Every word a rule stores, named."""
    for entry in scene.entries:
        if entry.access.stores:
            yield from words_of(entry.name, entry.after)


def words_of(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every word of a record or a tuple, named."""
    if attrs.has(type(value)):
        for attribute in attrs.fields(type(value)):
            yield from words_of(f"{name}.{attribute.name}", getattr(value, attribute.name))
    elif isinstance(value, tuple):
        for place, part in enumerate(value):
            yield from words_of(f"{name}[{place}]", part)
    else:
        yield name, value


def solver_agrees(read: Read, values: dict[str, Any]) -> bool:
    """Z3, given the free words of an accepted point, finds every stored word to be what its definition evaluates to."""
    point = Evaluation(read.reading, values)
    reading = read.reading
    free = [symbol for symbol in reading.table.symbols if symbol.definition is None]
    given = [
        reading.flag(symbol.name) ^ negate(bool(values.get(symbol.name, False)))
        if symbol.flag
        else reading.word(symbol.name) == point.symbol(symbol.number)
        for symbol in free
    ]
    result: Any = True
    for _, value in stored_words(read.scene):
        if isinstance(value, Term):
            result = result & (value == point.word(value))
    return ask(reading, result, SEARCH, given).verdict is Verdict.PROVED
