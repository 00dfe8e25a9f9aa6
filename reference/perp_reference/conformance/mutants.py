"""Mutants: the rules with one small mistake each, in this process only. How many of them do the vectors notice?

A mutant is noticed where, on some case, the outcome, the first reason or a record is another, or where the rule fails
in a way of its own. The function object stays the same, so whoever imported it runs the mutant.
"""

import ast
import inspect
import json
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from attrs import frozen

from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.rule_sets import rule_book
from perp_reference.conformance.shapes import STRICT, Fixed, Text
from perp_reference.conformance.values import decode_operation, decode_state
from perp_reference.core.diff import changes_of
from perp_reference.core.machine import BY_TEXT
from perp_reference.core.state import RecordKey
from perp_reference.errors import MalformedInput
from perp_reference.formats.text import Refused, lines_of, malformed, read_file
from perp_spec.language import Rejected
from perp_spec.perpetual import common, health
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.records import Exchange, Ledger
from perp_spec.perpetual.rules import accounts, batch, forced, money, ticks, trading, waterfall

MODULES: tuple[ModuleType, ...] = (common, health, accounts, batch, forced, money, ticks, trading, waterfall)
"""Where the rules are."""

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}

COMPUTED: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}

CALLED = {
    "mul_div_floor": "mul_div_ceil",
    "mul_div_ceil": "mul_div_floor",
    "mul_div_truncate": "mul_div_floor",
    "minimum": "maximum",
    "maximum": "minimum",
    "both": "either",
    "either": "both",
}
"""A function, and one that is mistaken for it."""

LEFT_OUT = ("negate", "absolute")
"""Functions of one argument that are forgotten."""

GUARDS = ("require", "require_if", "require_live", "require_market", "require_account", "require_amount")


@frozen
class Mutant:
    """One mistake in one function."""

    module: str
    function: str
    line: int
    """In the module."""
    what: str
    node: int
    """Which node of the function, in the order of ast.walk."""
    change: int
    """Which of its changes."""

    @property
    def name(self) -> str:
        """What it is called in lists."""
        return f"{self.module.removeprefix('perp_spec.perpetual.')}.{self.function}:{self.line} {self.what}"


def plain(function: Callable[..., Any]) -> FunctionType:
    """A function without what marks it as a table."""
    unwrapped = inspect.unwrap(function)
    assert isinstance(unwrapped, FunctionType)
    return unwrapped


def functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions that a module defines."""
    for value in list(vars(module).values()):
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and inspect.isroutine(value):
            yield plain(value)


def mutants() -> Iterator[Mutant]:
    """Every mutant."""
    for module in MODULES:
        for function in functions(module):
            yield from mutants_of(function)


def mutants_of(function: FunctionType) -> Iterator[Mutant]:
    """The mutants of a function."""
    tree, first = parsed(function)
    for place, node in enumerate(nodes_of(tree)):
        line = first + getattr(node, "lineno", 1) - 1
        for number, (what, _) in enumerate(changes(node)):
            yield Mutant(function.__module__, function.__name__, line, what, place, number)


def parsed(function: FunctionType) -> tuple[ast.Module, int]:
    """A function without its decorators, and the line of its module that it begins in."""
    source, first = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(source)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    return tree, first


def nodes_of(tree: ast.Module) -> list[ast.AST]:
    """The nodes of a function's body."""
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    return list(ast.walk(ast.Module(definition.body, [])))


def made(mutant: Mutant, function: FunctionType) -> ast.Module:
    """A function with the mistake in."""
    tree, _ = parsed(function)
    list(changes(nodes_of(tree)[mutant.node]))[mutant.change][1]()
    return ast.fix_missing_locations(tree)


EXPLANATIONS = "equivalent.jsonl"
"""Beside the archive: mutants that change nothing a case could show, and why."""

EXPLAINED = Fixed({"mutant": Text(), "why": Text()})

LONGEST_LINE = 4_096

Change = tuple[str, Callable[[], None]]
"""What a mistake is, and how to make it."""


def changes(node: ast.AST) -> Iterator[Change]:
    """The mistakes that can be made at a node."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARED:
            other = COMPARED[type(op)]
            yield f"{ast.unparse(node)}: {other.__name__}", lambda: setattr(node, "ops", [other()])
        case ast.BinOp(op=op) if type(op) in COMPUTED and not is_tuple(node):
            wrong = COMPUTED[type(op)]
            yield f"{ast.unparse(node)}: {wrong.__name__}", lambda: setattr(node, "op", wrong())
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield f"{ast.unparse(node)}: without minus", lambda: become(node, operand)
        case ast.Constant(value=bool(value)):
            yield f"{value}: {not value}", lambda: setattr(node, "value", not value)
        case ast.Constant(value=int(value)):
            yield f"{value}: {value + 1}", lambda: setattr(node, "value", value + 1)
        case ast.Call():
            yield from call_changes(node)
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))) if name in GUARDS:
            yield f"without {ast.unparse(node)}", lambda: setattr(node, "value", ast.Constant(None))
        case _:
            pass


def is_tuple(node: ast.BinOp) -> bool:
    """Whether an operator joins tuples or lists."""
    return any(isinstance(side, ast.Tuple | ast.List) for side in (node.left, node.right))


def become(node: ast.AST, other: ast.AST) -> None:
    """Make a node another one in its place."""
    node.__class__ = other.__class__
    node.__dict__.clear()
    node.__dict__.update(other.__dict__)


def call_changes(node: ast.Call) -> Iterator[Change]:
    """The mistakes that can be made at a call."""
    if not isinstance(node.func, ast.Name):
        return
    name, called = node.func.id, node.func
    if name in CALLED:
        yield f"{ast.unparse(node)}: {CALLED[name]}", lambda: setattr(called, "id", CALLED[name])
    if name in LEFT_OUT:
        yield f"{ast.unparse(node)}: without {name}", lambda: become(node, node.args[0])
    if name == "select":
        yield f"{ast.unparse(node)}: exchanged", lambda: node.args.__setitem__(slice(1, 3), node.args[:0:-1])
    if name == "carry":
        for place, keyword in enumerate(node.keywords):
            yield f"{ast.unparse(node)}: without {keyword.arg}", partial(node.keywords.__delitem__, place)


def labels() -> dict[Mutant, str]:
    """A label for each mutant, which stays where other lines change: function, mistake, which of several alike."""
    seen: Counter[str] = Counter()
    found: dict[Mutant, str] = {}
    for mutant in mutants():
        text = f"{mutant.function}: {mutant.what}"
        seen[text] += 1
        found[mutant] = text if seen[text] == 1 else f"{text} ({seen[text]})"
    return found


def read_explained(path: Path) -> dict[str, str]:
    """Labels of mutants that change nothing a case can show, and why; none where there is no such file.

    Raises:
        MalformedInput: It breaks the format.
    """
    found: dict[str, str] = {}
    if not path.exists():
        return found
    for number, line in lines_of(read_file(path), str(path), LONGEST_LINE):
        try:
            value = STRICT.decode(line)
            EXPLAINED.check(value)
        except json.JSONDecodeError as error:
            raise MalformedInput(str(path), number, None, "a JSON object", f"column {error.colno}") from None
        except Refused as refused:
            raise malformed(str(path), number, refused) from None
        if value["mutant"] in found:
            raise MalformedInput(str(path), number, "mutant", "each mutant once", value["mutant"])
        found[value["mutant"]] = value["why"]
    return found


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """Run with a mutant in."""
    module = sys.modules[mutant.module]
    function = plain(vars(module)[mutant.function])
    namespace = dict(vars(module))
    exec(compile(made(mutant, function), f"<mutant of {mutant.function}>", "exec"), namespace)  # noqa: S102 - our own source
    kept: CodeType = function.__code__
    function.__code__ = namespace[mutant.function].__code__
    try:
        yield
    finally:
        function.__code__ = kept


# What the vectors notice


@frozen
class Step:
    """A step in the values of the machine: its operation, the first reason, and the records that it changed."""

    operation: Any
    reason: Any
    changed: Mapping[RecordKey, Any]


@frozen
class Trial:
    """A case in the values of the machine."""

    case: str
    session: PerpetualSession
    records: Mapping[RecordKey, Any]
    steps: tuple[Step, ...]
    calls: frozenset[CodeType]
    """What it runs."""
    needs_roots: bool = False
    """A header of it names a wrong root or configuration."""


def trials(vectors: Vectors) -> list[Trial]:
    """The cases of the perpetual rule set, the short ones first."""
    found: list[Trial] = []
    for fixture in vectors.fixtures.values():
        if fixture.rules != "perpetual":
            continue
        session = rule_book(fixture.rules).configure(fixture.config)
        assert isinstance(session, PerpetualSession)
        for case in fixture.cases:
            if case.id in vectors.decoys:
                continue
            session.trusts_headers = not case.needs
            records = decode_state(case.pre)
            session.take(records)
            operations = [decode_operation(step.op, dict(step.args)) for step in case.steps]
            steps, calls = observed(session, operations)
            found.append(Trial(case.id, session, records, steps, calls, bool(case.needs)))
    return sorted(found, key=lambda trial: len(trial.steps))


def observed(session: PerpetualSession, operations: list[Any]) -> tuple[tuple[Step, ...], frozenset[CodeType]]:
    """What the rules say of operations, and the code they run for it."""
    calls: set[CodeType] = set()

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            calls.add(frame.f_code)

    sys.setprofile(note)
    try:
        steps = tuple(Step(operation, *outcome(session, operation)) for operation in operations)
    finally:
        sys.setprofile(None)
    return steps, frozenset(calls)


def outcome(session: PerpetualSession, operation: Any) -> tuple[Any, dict[RecordKey, Any]]:
    """The reason of a rejection, and the records that an operation changed."""
    state = session.current
    try:
        if type(operation) is Header:
            for record, after in zip((Exchange, Ledger), session.begun(operation), strict=True):
                state.put(record, 0, after)
        else:
            BY_TEXT[type(operation)].run(state, operation)
    except Rejected as rejection:
        state.rollback()
        return rejection.reason, {}
    changed = changes_of(state)
    state.commit()
    return None, changed


def notices(trial: Trial) -> bool:
    """Whether a case comes out otherwise than it should."""
    session = trial.session
    session.trusts_headers = not trial.needs_roots
    session.take(trial.records)
    try:
        return any(outcome(session, step.operation) != (step.reason, step.changed) for step in trial.steps)
    except Exception:  # noqa: BLE001 - a mutant may fail in any way, and each is noticed
        session.current.rollback()
        return True


@frozen
class Score:
    """How many mutants the vectors notice."""

    killed: int
    survivors: tuple[Mutant, ...]
    untouched: tuple[Mutant, ...]
    """Of them those whose function no case runs."""

    @property
    def share(self) -> float:
        """The part that is noticed."""
        whole = self.killed + len(self.survivors)
        return self.killed / whole if whole else 0.0


def score(vectors: Vectors, several: list[Mutant], told: Callable[[int, int], None] | None = None) -> Score:
    """Try mutants on the vectors."""
    found = trials(vectors)
    killed = 0
    survivors: list[Mutant] = []
    untouched: list[Mutant] = []
    for number, mutant in enumerate(several):
        code = plain(vars(sys.modules[mutant.module])[mutant.function]).__code__
        running = [trial for trial in found if code in trial.calls]
        with mutated(mutant):
            noticed = any(notices(trial) for trial in running)
        killed += noticed
        if not noticed:
            survivors.append(mutant)
        if not running:
            untouched.append(mutant)
        if told is not None:
            told(number + 1, len(several))
    return Score(killed, tuple(survivors), tuple(untouched))
