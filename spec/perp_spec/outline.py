"""What a rule does, read from its text: its guards in the order in which they count, and what it stores.

The rules are straight-line, so the text alone says which guard comes first. Nothing is run here. A test compares the
outline with what a run of each rule evaluates.
"""

import ast
import inspect
import types
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from attrs import evolve, field, frozen

from perp_spec.formula import WRITERS, Names, arguments, callee, formula, simplified, substituted

SHORT = 48
"""Characters up to which a formula shows what a name stands for instead of the name."""

CHANGED = "changed"
"""The function that makes a record from another."""

SHAPING = frozenset({"attempt", "call_if", "sweep", "total", "fold"})
SCALAR = frozenset({"within", "absolute", "minimum", "maximum", "clamp", "median", "indicator", "int", *WRITERS})
"""Functions that a formula may show in the place of a name."""


@frozen
class Definition:
    """A function, a NamedTuple or a constant of a rule module."""

    name: str
    module: str
    """Last part of the module's name."""
    node: ast.FunctionDef | ast.ClassDef | ast.Assign
    sentence: str
    """Its docstring."""

    @property
    def body(self) -> list[ast.stmt]:
        """The statements of a function after its docstring."""
        assert isinstance(self.node, ast.FunctionDef)
        return self.node.body[1:]

    @property
    def parameters(self) -> list[ast.arg]:
        """The parameters of a function."""
        assert isinstance(self.node, ast.FunctionDef)
        return [*self.node.args.args, *self.node.args.kwonlyargs]

    def bindings(self, node: ast.Call, first: int = 0) -> dict[str, ast.expr]:
        """What the parameters stand for in a call, whose arguments begin at `first`."""
        assert isinstance(self.node, ast.FunctionDef)
        own = self.node.args
        bound: dict[str, ast.expr] = {
            argument.arg: default
            for argument, default in zip(own.kwonlyargs, own.kw_defaults, strict=True)
            if default is not None
        }
        bound.update(zip((argument.arg for argument in own.args), node.args[first:], strict=False))
        bound.update({str(keyword.arg): keyword.value for keyword in node.keywords if keyword.arg != "otherwise"})
        return bound


Library = Mapping[str, Definition]
"""The definitions of all rule modules, by name."""


def library_of(modules: Sequence[types.ModuleType]) -> dict[str, Definition]:
    """The functions, NamedTuples and constants of some modules, in order.

    Raises:
        ValueError: Two modules define one name.
    """
    found: dict[str, Definition] = {}
    for module in modules:
        for definition in definitions(module):
            if definition.name in found:
                raise ValueError(f"{definition.name} is defined twice")
            found[definition.name] = definition
    return found


def definitions(module: types.ModuleType) -> Iterator[Definition]:
    """The functions, NamedTuples and constants of a module."""
    place = module.__name__.rpartition(".")[2]
    body = ast.parse(inspect.getsource(module)).body
    for number, node in enumerate(body):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield Definition(name, place, node, ast.get_docstring(node) or "")
            case ast.Assign(targets=[ast.Name(id=name)]):
                follower = body[number + 1] if number + 1 < len(body) else node
                yield Definition(name, place, node, text_of(follower))
            case _:
                pass


def text_of(node: ast.stmt) -> str:
    """The text of a statement that is a docstring, else nothing."""
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return inspect.cleandoc(text)
        case _:
            return ""


class When(Enum):
    """Under which circumstances a guard counts."""

    WHERE = "where"
    """Only where a condition holds."""
    EACH = "each"
    """Once for each of several."""
    ATTEMPT = "attempt"
    """It rejects nothing: it makes the result of an attempt."""


@frozen
class Circumstance:
    """Something that surrounds a guard."""

    when: When
    text: str
    """The condition, the counter of the loop, or the function attempted."""


@frozen
class Guard:
    """A guard, as one rule meets it."""

    reason: str
    """Name of its reason."""
    condition: str
    """What must hold, as a formula."""
    function: str
    """Function that holds the guard: the rule or one it calls."""
    ordinal: int
    """Which of that function's own guards it is, from 0."""
    line: int
    """Line in the function's module."""
    words: Mapping[str, str] = field(factory=dict[str, str])
    """What the function's parameters stand for, as formulas."""
    within: tuple[Circumstance, ...] = ()
    """Outermost first."""

    @property
    def attempts(self) -> tuple[str, ...]:
        """The attempts it is a part of, outermost first."""
        return tuple(around.text for around in self.within if around.when is When.ATTEMPT)


@frozen
class Call:
    """A function on its way through a rule: what its names stand for, and where it is called."""

    definition: Definition
    names: dict[str, ast.expr]
    """What its names stand for in the terms of the rule, as far as formulas show it."""
    within: tuple[Circumstance, ...]
    taken: frozenset[str]
    """Names of the rule itself: a name of another function that is one of them is shown with its function."""
    own: list[int] = field(factory=list[int])
    """Lines of its own guards so far."""

    @property
    def looped(self) -> set[str]:
        """The names that a loop gives several values."""
        loops = [node for node in self.definition.body if isinstance(node, ast.For)]
        return {name for loop in loops for name in names_stored(loop)}

    def learn(self, statement: ast.stmt) -> None:
        """Note what the names stand for that a statement assigns."""
        if not isinstance(statement, ast.Assign):
            return
        value = substituted(statement.value, self.names)
        single = isinstance(statement.targets[0], ast.Name)
        for name in names_stored(statement):
            self.names.pop(name, None)
            if single and name not in self.looped and shown(value):
                self.names[name] = value
            elif name in self.taken:
                self.names[name] = ast.Name(f"{self.definition.name}.{name}")


class Reader:
    """Reads the guards of a function and of all that it calls."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def guards(self, name: str) -> Iterator[Guard]:
        """The guards of a rule, in order."""
        rule = self.library[name]
        yield from self.of_function(Call(rule, {}, (), frozenset()))

    def of_function(self, call: Call) -> Iterator[Guard]:
        """The guards of a function."""
        for statement in call.definition.body:
            if isinstance(statement, ast.For):
                around = Circumstance(When.EACH, formula(statement.target))
                looped = evolve(call, within=(*call.within, around))
                for inner in statement.body:
                    yield from self.of_statement(looped, inner)
            else:
                yield from self.of_statement(call, statement)

    def of_statement(self, call: Call, statement: ast.stmt) -> Iterator[Guard]:
        """The guards of one statement."""
        for node in calls_in(statement):
            name = callee(node)
            if name in {"require", "require_if"}:
                yield own_guard(call, node)
            elif name == "attempt":
                inner = ast.unparse(node.args[0])
                yield from self.called(call, node, inner, 1, (Circumstance(When.ATTEMPT, inner),))
            elif name == "call_if":
                flag = formula(substituted(node.args[0], call.names))
                yield from self.called(call, node, ast.unparse(node.args[1]), 2, (Circumstance(When.WHERE, flag),))
            elif name in self.library and isinstance(self.library[name].node, ast.FunctionDef):
                yield from self.called(call, node, name, 0, ())
        call.learn(statement)

    def called(
        self, call: Call, node: ast.Call, name: str, first: int, around: tuple[Circumstance, ...]
    ) -> Iterator[Guard]:
        """The guards of a function that another calls."""
        definition = self.library[name]
        bindings = definition.bindings(node, first)
        names = {parameter: substituted(value, call.names) for parameter, value in bindings.items()}
        taken = call.taken or frozenset(names_stored(call.definition.node)) | {
            parameter.arg for parameter in call.definition.parameters
        }
        yield from self.of_function(Call(definition, names, (*call.within, *around), taken))


def own_guard(call: Call, node: ast.Call) -> Guard:
    """The guard that a call of require or require_if is."""
    definition, names = call.definition, dict(call.names)
    *conditions, reason = node.args
    active = simplified(substituted(conditions[0], names)) if len(conditions) == 2 else ast.Constant(value=True)
    if len(conditions) == 1 and definition.name.endswith("_if"):
        active = simplified(names["active"])
        names["active"] = ast.Constant(value=True)
    always = isinstance(active, ast.Constant) and active.value is True
    call.own.append(node.lineno)
    return Guard(
        reason=ast.unparse(reason).partition(".")[2],
        condition=formula(substituted(conditions[-1], names)),
        function=definition.name,
        ordinal=len(call.own) - 1,
        line=node.lineno,
        words={own.arg: formula(names[own.arg]) for own in definition.parameters if own.arg in names},
        within=call.within if always else (*call.within, Circumstance(When.WHERE, formula(active))),
    )


def names_stored(node: ast.AST) -> list[str]:
    """The names that a node assigns."""
    return [name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]


def is_condition(node: ast.expr) -> bool:
    """The expression is plainly a condition."""
    if callee(node) == "select":
        return is_condition(arguments(node)[1])
    return isinstance(node, ast.Compare) or callee(node) in {"both", "either", "negate", "product_le"}


def shown(value: ast.expr) -> bool:
    """A formula may show this in the place of the name it is bound to."""
    called = {callee(node) for node in ast.walk(value) if isinstance(node, ast.Call)}
    if isinstance(value, ast.Tuple) or called & SHAPING:
        return False
    return is_condition(value) or (called <= SCALAR and len(formula(value)) <= SHORT)


def calls_in(node: ast.AST) -> Iterator[ast.Call]:
    """The calls inside a node in the order in which they happen."""
    for child in ast.iter_child_nodes(node):
        yield from calls_in(child)
    if isinstance(node, ast.Call):
        yield node


def called_by(definition: Definition, library: Library) -> set[str]:
    """Names of the library that a definition uses."""
    nodes = list(ast.walk(definition.node))
    local = {node.arg for node in nodes if isinstance(node, ast.arg)}
    local |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return {name for name in used - local if name in library and name != definition.name}


# What a rule stores


@frozen
class Change:
    """A field of a stored record that gets another value."""

    field: str
    value: str
    """As a formula."""


@frozen
class Stored:
    """What a rule stores in one place."""

    value: str
    """The rule's expression for it."""
    source: str
    """Function of the library that makes it, empty where the changes say all."""
    changes: tuple[Change, ...] = ()
    whole: bool = False
    """The changes are a complete record: every other field becomes zero."""


class StoreReader:
    """Reads what a rule returns."""

    def __init__(self, library: Library, records: Mapping[str, Sequence[str]]) -> None:
        self.library = library
        self.records = records
        """Field names of each record class."""

    def stored(self, name: str, parameters: Sequence[str]) -> list[Stored]:
        """What a rule returns, where `parameters` are those that hold what was loaded from the same places."""
        definition = self.library[name]
        names, origins = assignments(definition.body)
        returned = definition.body[-1]
        assert isinstance(returned, ast.Return)
        value = returned.value
        if isinstance(value, ast.Tuple):
            return [
                self.described(part, parameter, names, origins)
                for part, parameter in zip(value.elts, parameters, strict=True)
            ]
        assert value is not None
        return [self.described(value, parameter, names, origins) for parameter in parameters]

    def described(self, node: ast.expr, parameter: str, names: Names, origins: Mapping[str, str]) -> Stored:
        """One returned value."""
        text = formula(node)
        made = self.made(names.get(node.id, node) if isinstance(node, ast.Name) else node)
        if made is not None and (callee(made) != CHANGED or formula(made.args[0]) == parameter):
            plain = {name: value for name, value in names.items() if isinstance(value, ast.Attribute)}
            filled = substituted(made, plain)
            assert isinstance(filled, ast.Call)
            return Stored(text, "", *self.changes(filled, parameter))
        root = next((part.id for part in ast.walk(node) if isinstance(part, ast.Name) and part.id in origins), "")
        return Stored(text, origins.get(root, ""))

    def made(self, node: ast.expr) -> ast.Call | None:
        """The constructor call, or the call of `changed`, behind a call, in the caller's terms, or None."""
        if not isinstance(node, ast.Call) or callee(node) in self.records or callee(node) == CHANGED:
            return node if isinstance(node, ast.Call) else None
        definition = self.library.get(callee(node))
        if definition is None or not isinstance(definition.node, ast.FunctionDef):
            return None
        returned = definition.body[-1]
        if not isinstance(returned, ast.Return) or callee(returned.value or node) not in {*self.records, CHANGED}:
            return None
        names, _ = assignments(definition.body)
        filled = substituted(substituted(returned.value or node, names), definition.bindings(node))
        return filled if isinstance(filled, ast.Call) else None

    def changes(self, made: ast.Call, parameter: str) -> tuple[tuple[Change, ...], bool]:
        """The fields that a call does not copy, and whether it leaves out some, which become zero."""
        fields = self.records.get(callee(made), ())
        given = dict(zip(fields, made.args, strict=False))
        given.update({str(keyword.arg): keyword.value for keyword in made.keywords})
        values = {name: formula(without_zero(value)) for name, value in given.items()}
        changes = tuple(Change(name, value) for name, value in values.items() if value != f"{parameter}.{name}")
        return changes, len(given) < len(fields)


def without_zero(node: ast.expr) -> ast.expr:
    """A sum without its zeros."""
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=0)):
            return without_zero(left)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return ast.BinOp(without_zero(left), ast.Add(), without_zero(right))
        case ast.Call(func=function, args=parts):
            return ast.Call(function, [without_zero(part) for part in parts], [])
        case _:
            return node


def assignments(body: Sequence[ast.stmt]) -> tuple[dict[str, ast.expr], dict[str, str]]:
    """What the names of a function stand for, where they are whole; and which function each comes from."""
    names: dict[str, ast.expr] = {}
    origins: dict[str, str] = {}
    for statement in body:
        if isinstance(statement, ast.Assign):
            target, value = statement.targets[0], statement.value
            stored = [name.id for name in ast.walk(target) if isinstance(name, ast.Name)]
            origins.update(dict.fromkeys(stored, made_by(value)))
            if isinstance(target, ast.Name):
                names[target.id] = value
    return names, origins


def made_by(value: ast.expr) -> str:
    """The function whose result an expression is."""
    name = callee(value)
    if name in SHAPING:
        return ast.unparse(arguments(value)[1 if name == "call_if" else 0])
    return name
