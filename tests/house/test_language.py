"""The rules keep to their language: straight-line functions of words, conditions and records.

Every reading of the rules depends on it. A branch on a value, a loop over values or a division would mean one thing for
plain integers and nothing, or something else, for a symbolic term.
"""

import ast
import importlib
import inspect
import re
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

import attrs
import pytest

import perp_spec.language
from perp_spec.operation import Access, Rule, Shape, key_of
from perp_spec.perpetual import common, health, operations, records, rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.operations import Header, Intent, Order, Report
from perp_spec.perpetual.rules import batch

RULE_MODULES: tuple[types.ModuleType, ...] = (
    common,
    health,
    *(importlib.import_module(f"{rules.__name__}.{name}") for name in rules.__all__),
)
"""The modules written in the language."""

ALLOWED_IMPORTS = {
    "perp_hash.digest": {"Tag"},
    "perp_spec.operation": {"RuleSet", "reads", "reads_held", "updates", "updates_held", "updates_markets"},
    "perp_spec.words": None,
    "perp_spec.language": None,
    "perp_spec.perpetual.common": None,
    "perp_spec.perpetual.health": None,
    "perp_spec.perpetual.operations": None,
    "perp_spec.perpetual.reasons": {"Reason"},
    "perp_spec.perpetual.records": None,
    "perp_spec.perpetual.rules": None,
    "typing": {"Any", "NamedTuple"},
}
"""What a rule module may import from where; None for every name. A package stands for its modules too."""

SHAPING = frozenset({"sweep", "total", "fold", "call_if", "attempt"})
NO_PRIMITIVES = frozenset({"Rejected", "Reading", "Plain", "PLAIN", "reading_as", "shaping", "width_of", "T"})
PRIMITIVES = frozenset(
    name
    for name, value in vars(perp_spec.language).items()
    if inspect.isfunction(value) and value.__module__ == perp_spec.language.__name__ and not name.startswith("_")
) - (NO_PRIMITIVES | {"table", "cut"})
CONDITIONS = frozenset({"both", "either", "negate", "product_le"})
ARGUMENT_RECORDS = frozenset({Header, Intent, Order, Report})
"""Classes of operations.py that are parts of operations, or the header."""

NODE_NAMES: dict[type[ast.AST], str] = {
    ast.If: "if",
    ast.IfExp: "ternary",
    ast.While: "while",
    ast.BoolOp: "and or",
    ast.Not: "not",
    ast.Invert: "bit operator",
    ast.BitAnd: "bit operator",
    ast.BitOr: "bit operator",
    ast.BitXor: "bit operator",
    ast.LShift: "bit operator",
    ast.RShift: "bit operator",
    ast.Div: "division operator",
    ast.FloorDiv: "division operator",
    ast.Mod: "division operator",
    ast.Pow: "division operator",
    ast.MatMult: "division operator",
    ast.In: "in",
    ast.NotIn: "in",
    ast.Is: "is",
    ast.IsNot: "is",
    ast.Assert: "assert",
    ast.Raise: "raise",
    ast.Try: "try",
    ast.TryStar: "try",
    ast.With: "with",
    ast.Match: "match",
    ast.Lambda: "lambda",
    ast.JoinedStr: "f-string",
    ast.Global: "global",
    ast.Nonlocal: "global",
    ast.AugAssign: "augmented assignment",
    ast.NamedExpr: "walrus",
    ast.Delete: "delete",
    ast.Dict: "dictionary",
    ast.Set: "set",
    ast.ListComp: "comprehension",
    ast.SetComp: "comprehension",
    ast.DictComp: "comprehension",
    ast.Await: "async",
    ast.AsyncFor: "async",
    ast.AsyncWith: "async",
    ast.AsyncFunctionDef: "async",
    ast.Yield: "generator",
    ast.YieldFrom: "generator",
    ast.Break: "break",
    ast.Continue: "break",
    ast.Import: "import",
    ast.Slice: "slice",
    ast.Pass: "pass",
}
"""What is banned wherever it stands. What has no name here and none in the walk below is banned too."""

STATEMENT_NAMES: dict[type[ast.AST], str] = {
    ast.FunctionDef: "nested function",
    ast.ClassDef: "nested function",
    ast.ImportFrom: "import",
    ast.Assign: "double assignment",
}
"""Statements that have their place, but not in this form inside a function."""

PLAIN_NODES = (
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.USub,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.Eq,
    ast.NotEq,
    ast.Load,
    ast.Store,
    ast.Expr,
    ast.Return,
    ast.Assign,
    ast.AnnAssign,
    ast.For,
    ast.Name,
    ast.Attribute,
    ast.Call,
    ast.keyword,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.Starred,
    ast.Subscript,
    ast.GeneratorExp,
    ast.comprehension,
    ast.alias,
)


class Violation(NamedTuple):
    """A breach of the language."""

    line: int
    name: str


class Types:
    """What is known of the names a module uses: enough to tell words and conditions from records."""

    def __init__(self, tree: ast.Module) -> None:
        self.values: dict[str, Any] = {}
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module in ALLOWED_IMPORTS:
                self.imported(node.module, [name.name for name in node.names])
            elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("perp_spec.perpetual.rules."):
                self.imported(str(node.module), [name.name for name in node.names])
        self.returns: dict[str, str] = {}
        self.fields: dict[str, dict[str, str]] = {}
        self.constants: set[str] = set()
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.returns is not None:
                self.returns[node.name] = ast.unparse(node.returns)
            elif isinstance(node, ast.ClassDef):
                lines = (line for line in node.body if isinstance(line, ast.AnnAssign))
                self.fields[node.name] = {ast.unparse(line.target): ast.unparse(line.annotation) for line in lines}
            elif isinstance(node, ast.Assign):
                self.constants.update(ast.unparse(target) for target in node.targets)

    def imported(self, module: str, names: list[str]) -> None:
        """Remember what the names mean."""
        found = importlib.import_module(module)
        self.values.update({name: getattr(found, name) for name in names if hasattr(found, name)})

    def known_call(self, name: str) -> bool:
        """A primitive, a function of the rule modules, a record or a NamedTuple."""
        if name in self.returns or name in self.fields:
            return True
        value = self.values.get(name)
        if value is None or name in NO_PRIMITIVES:
            return False
        home = getattr(value, "__module__", "")
        if home == perp_spec.language.__name__:
            return name in PRIMITIVES
        return inspect.isclass(value) or (inspect.isfunction(value) and home in {m.__name__ for m in RULE_MODULES})

    def static(self, name: str) -> bool:
        """A constant of this module or of an imported one."""
        return name.isupper() and (name in self.constants or type(self.values.get(name)) in {int, tuple})

    def result(self, name: str) -> str:
        """The type that a call of the function or class gives."""
        if name in self.returns:
            return self.returns[name]
        if name in self.fields:
            return name
        value = self.values.get(name)
        if inspect.isclass(value):
            return name
        annotation = getattr(value, "__annotations__", {}).get("return")
        return spelled(annotation)

    def field(self, owner: str, name: str) -> str:
        """The type of a field of a class."""
        if owner in self.fields:
            return self.fields[owner].get(name, "")
        value = self.values.get(owner) or next(
            (getattr(module, owner) for module in RULE_MODULES if hasattr(module, owner)),
            getattr(operations, owner, None),
        )
        if value is None:
            return ""
        if name in getattr(value, "__annotations__", {}):
            return spelled(value.__annotations__[name])
        return spelled(type(getattr(value, name, None)))


def spelled(annotation: Any) -> str:
    """An annotation as it stands in source."""
    if isinstance(annotation, str):
        return annotation
    if get_origin(annotation) is tuple:
        return f"tuple[{', '.join('...' if part is ... else spelled(part) for part in get_args(annotation))}]"
    return getattr(annotation, "__name__", "")


def parts_of(annotation: str) -> list[str]:
    """The types of a tuple's entries."""
    if not annotation.startswith("tuple["):
        return []
    node = ast.parse(annotation, mode="eval").body
    assert isinstance(node, ast.Subscript)
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return [ast.unparse(part) for part in inner]


def is_vector(annotation: str) -> bool:
    """A tuple of words whose length the configuration or the language fixes."""
    return annotation == "tuple[int, ...]"


class FunctionCheck:
    """The breaches of one function."""

    def __init__(self, function: ast.FunctionDef, known: Types) -> None:
        self.function = function
        self.known = known
        self.found: list[Violation] = []
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        self.parameters = {argument.arg for argument in arguments}
        self.types = {a.arg: ast.unparse(a.annotation) if a.annotation else "" for a in arguments}
        self.counters: set[str] = set()

    def breach(self, node: ast.AST, name: str) -> None:
        """Note a breach."""
        self.found.append(Violation(getattr(node, "lineno", self.function.lineno), name))

    def run(self) -> list[Violation]:
        """All breaches."""
        self.signature()
        body = self.function.body
        if not (isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)):
            self.breach(self.function, "docstring")
        else:
            body = body[1:]
        for statement in body:
            self.statement(statement)
        return self.found

    def signature(self) -> None:
        """Annotated parameters, no stars, whole numbers for defaults, known decorators."""
        own = self.function.args
        if own.vararg or own.kwarg:
            self.breach(self.function, "star parameter")
        if not self.function.returns or not all(self.types.values()):
            self.breach(self.function, "annotation")
        for default in [*own.defaults, *(value for value in own.kw_defaults if value is not None)]:
            if not (isinstance(default, ast.Constant) and type(default.value) in {int, bool}):
                self.breach(default, "mutable default")
        for decorator in self.function.decorator_list:
            if re.match(r"(table|PERPETUAL\.operation)\(|cut$", ast.unparse(decorator)) is None:
                self.breach(decorator, "decorator")

    def statement(self, node: ast.stmt) -> None:
        """One statement, and what it makes known."""
        match node:
            case ast.Expr():
                if not isinstance(node.value, ast.Call):
                    self.breach(node, "useless expression")
                self.expression(node.value)
            case ast.Return():
                self.result(node)
            case ast.Assign(targets=[target], value=value):
                self.expression(value)
                self.bind(target, self.type_of(value), value)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
                self.expression(value)
                self.types[name] = ast.unparse(annotation)
            case ast.For():
                self.loop(node)
            case _:
                self.breach(node, STATEMENT_NAMES.get(type(node)) or self.name_of(node))

    def result(self, node: ast.Return) -> None:
        """What the function returns: once, at its end."""
        if node.value is None:
            self.breach(node, "bare return")
            return
        if node is not self.function.body[-1]:
            self.breach(node, "early return")
        self.expression(node.value)

    @staticmethod
    def plain(node: ast.AST) -> bool:
        """A node that is not banned by its kind."""
        return isinstance(node, PLAIN_NODES)

    @staticmethod
    def name_of(node: ast.AST) -> str:
        """What a banned node is called."""
        return NODE_NAMES.get(type(node), f"syntax {type(node).__name__}")

    def bind(self, target: ast.expr, annotation: str, value: ast.expr) -> None:
        """Give a target its type; parameters and records are never written to."""
        match target:
            case ast.Name(id=name) if name in self.parameters:
                self.breach(target, "assigned parameter")
            case ast.Name(id=name):
                self.types[name] = annotation
            case ast.Tuple(elts=targets):
                parts = parts_of(annotation)
                parts = parts or list(self.fields_of(annotation).values())
                for number, part in enumerate(targets):
                    name = part.value if isinstance(part, ast.Starred) else part
                    self.bind(name, parts[number] if number < len(parts) and parts[-1] != "..." else "int", value)
            case _:
                self.breach(target, "assignment to a part")

    def fields_of(self, annotation: str) -> dict[str, str]:
        """The fields of a class."""
        if annotation in self.known.fields:
            return self.known.fields[annotation]
        value = self.known.values.get(annotation) or next(
            (getattr(module, annotation) for module in RULE_MODULES if hasattr(module, annotation)), None
        )
        return {name: spelled(kind) for name, kind in getattr(value, "__annotations__", {}).items()}

    def loop(self, node: ast.For) -> None:
        """A loop over a constant range, or over vectors of constant length."""
        self.visit(node.iter, node.target)
        if node.orelse:
            self.breach(node, "loop with else")
        for statement in node.body:
            self.statement(statement)

    def visit(self, visited: ast.expr, target: ast.expr) -> None:
        """What a loop or a generator goes over, and its counters."""
        match visited:
            case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int())], keywords=[]):
                pass
            case ast.Call(func=ast.Name(id="range"), args=[ast.Name(id=name)], keywords=[]) if self.known.static(name):
                pass
            case ast.Call(func=ast.Name(id="zip"), args=vectors, keywords=[ast.keyword(arg="strict")]):
                for vector in vectors:
                    self.vector(vector)
            case _:
                self.vector(visited)
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                self.types[name.id] = "int"
                self.counters.add(name.id)

    def vector(self, node: ast.expr) -> None:
        """Something a loop may visit."""
        self.expression(node)
        if not is_vector(self.type_of(node)):
            self.breach(node, "loop over values")

    def expression(self, node: ast.expr) -> None:
        """One expression and its parts."""
        if not self.plain(node):
            self.breach(node, self.name_of(node))
        match node:
            case ast.Call():
                self.call(node)
            case ast.GeneratorExp():
                self.generator(node)
            case ast.Subscript():
                self.subscript(node)
            case _:
                self.alone(node)
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.expression(child)

    def alone(self, node: ast.expr) -> None:
        """What is wrong with a node itself, not with its parts."""
        match node:
            case ast.Compare():
                self.comparison(node)
            case ast.BinOp():
                self.arithmetic(node)
            case ast.UnaryOp(op=op) if not self.plain(op):
                self.breach(node, self.name_of(op))
            case ast.Constant(value=value) if type(value) not in {int, bool}:
                self.breach(node, "float" if isinstance(value, float | complex) else "constant")
            case ast.Attribute(value=ast.Name(id="Reason" | "Tag" as name)):
                self.breach(node, f"{name} as a word")
            case _:
                pass

    def comparison(self, node: ast.Compare) -> None:
        """Two words, or two conditions."""
        for operator in node.ops:
            if not self.plain(operator):
                self.breach(node, self.name_of(operator))
        if len(node.ops) > 1:
            self.breach(node, "chained comparison")
        elif self.plain(node.ops[0]) and not all(self.scalar(side) for side in (node.left, *node.comparators)):
            self.breach(node, "comparison of records")

    def arithmetic(self, node: ast.BinOp) -> None:
        """Two words."""
        if not self.plain(node.op):
            self.breach(node, self.name_of(node.op))
        elif not (self.scalar(node.left) and self.scalar(node.right)):
            self.breach(node, "arithmetic on records")

    def subscript(self, node: ast.Subscript) -> None:
        """A place in a vector: a constant, or the counter of a loop."""
        place = node.slice
        if not (isinstance(place, ast.Constant) or (isinstance(place, ast.Name) and place.id in self.counters)):
            self.breach(node, "slice" if isinstance(place, ast.Slice) else "index that is a value")
        self.expression(node.value)

    def generator(self, node: ast.GeneratorExp) -> None:
        """A word for each word of a vector, or for each number of a constant range."""
        first = node.generators[0]
        self.visit(first.iter, first.target)
        if first.ifs:
            self.breach(node, "comprehension with if")
        if len(node.generators) > 1:
            self.breach(node, "comprehension")
        self.expression(node.elt)

    def call(self, node: ast.Call) -> None:
        """A call of something that every reading knows."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        if any(keyword.arg is None for keyword in node.keywords):
            self.breach(node, "star argument")
        match name, node.args:
            case "require", [condition, reason] | [condition, reason, _]:
                self.guard(node, [condition], reason, 2)
            case "require_if", [active, condition, reason] | [active, condition, reason, _]:
                self.guard(node, [active, condition], reason, 3)
            case (("require" | "require_if"), _):
                self.breach(node, "guard without reason")
            case "int", [ast.Attribute(value=ast.Name(id="Reason"))]:
                pass
            case "tuple", [ast.GeneratorExp() as generator]:
                self.expression(generator)
            case "changed", [record]:
                self.copy(node, record)
            case "digest", [ast.Attribute(value=ast.Name(id="Tag")), *others]:
                for other in others:
                    self.expression(other)
            case _:
                if not self.known.known_call(name):
                    self.breach(node, f"call of {name or ast.unparse(node.func)}")
                for argument in arguments:
                    self.expression(argument)

    def copy(self, node: ast.Call, record: ast.expr) -> None:
        """A record with some of its fields changed."""
        fields = self.fields_of(self.type_of(record))
        for keyword in node.keywords:
            if keyword.arg not in fields:
                self.breach(node, "change of no field")
        for part in (record, *(keyword.value for keyword in node.keywords)):
            self.expression(part)

    def guard(self, node: ast.Call, conditions: list[ast.expr], reason: ast.expr, count: int) -> None:
        """A guard: conditions, and exactly one reason."""
        named = isinstance(reason, ast.Attribute) and ast.unparse(reason.value) == "Reason"
        if not named or len(node.args) != count or node.keywords:
            self.breach(node, "guard without reason")
        for condition in conditions:
            self.expression(condition)
            if self.type_of(condition) not in {"bool", ""}:
                self.breach(node, "truth of a word")

    def scalar(self, node: ast.expr) -> bool:
        """A word or a condition, as far as can be told."""
        return self.type_of(node) in {"int", "bool"}

    def type_of(self, node: ast.expr) -> str:
        """The type of an expression as an annotation; empty where it cannot be told."""
        match node:
            case ast.Constant(value=value):
                return type(value).__name__
            case ast.Name(id=name):
                static = spelled(type(self.known.values.get(name)))
                return self.types.get(name) or ("int" if name in self.known.constants else static)
            case ast.Attribute(value=owner, attr=name):
                return self.attribute_type(owner, name)
            case ast.Subscript(value=value):
                parts = parts_of(self.type_of(value))
                return parts[0] if parts else "int"
            case ast.Compare():
                return "bool"
            case ast.BinOp() | ast.UnaryOp():
                return "int"
            case ast.Call(func=ast.Name(id="tuple"), args=[ast.GeneratorExp()]):
                return "tuple[int, ...]"
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self.call_type(name, arguments)
            case _:
                return "tuple[int, ...]" if isinstance(node, ast.Tuple) else ""

    def attribute_type(self, owner: ast.expr, name: str) -> str:
        """The type of a field."""
        if isinstance(owner, ast.Name) and owner.id not in self.types:
            return spelled(type(getattr(self.known.values.get(owner.id), name, None)))
        return self.known.field(self.type_of(owner), name)

    def call_type(self, name: str, arguments: list[ast.expr]) -> str:
        """The type of a call's result."""
        if name == "select":
            return self.type_of(arguments[1])
        if name == "changed":
            return self.type_of(arguments[0])
        if name == "total":
            return "tuple[int, ...]"
        if name in SHAPING:
            function = arguments[1] if name == "call_if" else arguments[0]
            result = self.known.result(function.id) if isinstance(function, ast.Name) else ""
            carried = [*parts_of(result), ""][1] if name == "fold" else ""
            shapes = {"attempt": f"tuple[int, {result}]", "call_if": result, "fold": f"tuple[Any, {carried or 'Any'}]"}
            return shapes.get(name, "tuple[Any, tuple[int, ...]]")
        if name in PRIMITIVES:
            return "bool" if name in CONDITIONS else "int"
        return "int" if name == "int" else self.known.result(name)


def class_violations(node: ast.ClassDef) -> Iterator[Violation]:
    """A class is a NamedTuple of annotated fields without defaults."""
    if [ast.unparse(base) for base in node.bases] != ["NamedTuple"] or node.decorator_list or node.keywords:
        yield Violation(node.lineno, "class")
    for line in node.body:
        match line:
            case ast.AnnAssign(value=None) | ast.Expr(value=ast.Constant(value=str())):
                pass
            case _:
                yield Violation(line.lineno, "class")


def constant_violations(node: ast.Assign) -> Iterator[Violation]:
    """A module's constant is a whole number, a tuple of such, a rule set, or a name for Any."""
    value = ast.unparse(node.value)
    fixed = r"\d+|\(0,\) \* [A-Z_]+|RuleSet\('[a-z0-9-]+'\)|Any|[A-Z_]+|-\d+"
    if not all(isinstance(target, ast.Name) for target in node.targets) or not re.fullmatch(
        fixed, value.replace("_", "")
    ):
        yield Violation(node.lineno, "global state")


def import_violations(node: ast.ImportFrom) -> Iterator[Violation]:
    """Names come from the language, the records and the rules only."""
    module = str(node.module)
    package = module if module in ALLOWED_IMPORTS else module.rpartition(".")[0]
    allowed = ALLOWED_IMPORTS.get(package, set())
    for name in node.names:
        if node.level or name.asname or not (allowed is None or name.name in allowed):
            yield Violation(node.lineno, "import")


def violations(source: str) -> list[Violation]:
    """Every breach of the language in a module."""
    tree = ast.parse(source)
    known = Types(tree)
    found: list[Violation] = []
    for node in tree.body:
        match node:
            case ast.FunctionDef():
                found += FunctionCheck(node, known).run()
            case ast.ClassDef():
                found += class_violations(node)
            case ast.Assign():
                found += constant_violations(node)
            case ast.ImportFrom():
                found += import_violations(node)
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.Import():
                found.append(Violation(node.lineno, "import"))
            case _:
                found.append(Violation(node.lineno, NODE_NAMES.get(type(node), "statement of a module")))
    return found


def source_of(module: types.ModuleType) -> str:
    """The text of a module."""
    return Path(str(module.__file__)).read_text(encoding="utf-8")


@pytest.mark.parametrize("module", RULE_MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_rule_module_keeps_to_the_language(module: types.ModuleType) -> None:
    assert violations(source_of(module)) == []


def test_every_rule_module_is_checked() -> None:
    package = Path(str(rules.__file__)).parent
    assert {file.stem for file in package.glob("*.py")} - {"__init__"} == set(rules.__all__)
    assert {module.__name__.rpartition(".")[2] for module in RULE_MODULES} == {*rules.__all__, "common", "health"}


HEADER = """
from typing import Any, NamedTuple

from perp_spec.language import attempt, both, call_if, changed, fold, maximum, require, require_if, select, sweep, table
from perp_spec.language import total
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Market, Parameters, Position
from perp_spec.words import PPM, SIGNERS_MAX
"""

SNIPPETS = [
    ("if", "if a > 1:\n    require(a > 1, Reason.AMOUNT)"),
    ("ternary", "x = 1 if a > 1 else 2"),
    ("while", "while a > 1:\n    require(a > 1, Reason.AMOUNT)"),
    ("and or", "x = a > 1 and b > 1"),
    ("and or", "x = a > 1 or b > 1"),
    ("not", "x = not a"),
    ("bit operator", "x = a & b"),
    ("bit operator", "x = a << 2"),
    ("bit operator", "x = ~a"),
    ("division operator", "x = a / b"),
    ("division operator", "x = a // b"),
    ("division operator", "x = a % b"),
    ("division operator", "x = a ** 2"),
    ("call of divmod", "x = divmod(a, b)"),
    ("chained comparison", "x = 1 < a < 2"),
    ("in", "x = a in (1, 2)"),
    ("in", "x = a not in (1, 2)"),
    ("is", "x = a is b"),
    ("assert", "assert a > 1"),
    ("raise", "raise ValueError"),
    ("try", "try:\n    x = a\nexcept ValueError:\n    x = b"),
    ("with", "with a:\n    x = b"),
    ("match", "match a:\n    case 1:\n        x = b"),
    ("lambda", "x = lambda: a"),
    ("f-string", "x = f'{a}'"),
    ("float", "x = a * 0.5"),
    ("constant", "x = 'text'"),
    ("constant", "x = None"),
    ("global", "global x"),
    ("augmented assignment", "x = a\nx += 1"),
    ("walrus", "x = maximum((y := a), b)"),
    ("delete", "x = a\ndel x"),
    ("dictionary", "x = {}"),
    ("set", "x = {a, b}"),
    ("comprehension", "x = [y for y in parameters.signers]"),
    ("comprehension with if", "x = tuple(y for y in parameters.signers if y > 1)"),
    ("loop over values", "x = tuple(y.size for y in held)"),
    ("loop over values", "for x in held:\n    y = x"),
    ("loop over values", "for x in range(a):\n    y = x"),
    ("loop over values", "for x, y in zip(held, held, strict=True):\n    z = x"),
    ("loop with else", "for x in range(SIGNERS_MAX):\n    y = x\nelse:\n    y = 1"),
    ("break", "for x in range(SIGNERS_MAX):\n    break"),
    ("slice", "x = parameters.signers[1:2]"),
    ("index that is a value", "x = parameters.signers[a]"),
    ("comparison of records", "x = account == other"),
    ("comparison of records", "x = account != Account()"),
    ("comparison of records", "x = held == held"),
    ("arithmetic on records", "x = account + 1"),
    ("call of attrs.evolve", "x = attrs.evolve(account, slots=1)"),
    ("call of bool", "x = bool(a)"),
    ("call of any", "x = any(parameters.signers)"),
    ("call of int", "x = int(a)"),
    ("change of no field", "x = changed(account, size=a)"),
    ("comparison of records", "x = changed(account, slots=a) == other"),
    ("call of min", "x = min(a, b)"),
    ("call of account.copy", "x = account.copy()"),
    ("call of print", "print(a)"),
    ("star argument", "x = Account(**held)"),
    ("Reason as a word", "x = Reason.AMOUNT"),
    ("Reason as a word", "x = a == Reason.AMOUNT"),
    ("guard without reason", "require(a > 1)"),
    ("guard without reason", "require(a > 1, a)"),
    ("guard without reason", "require(a > 1, Reason.AMOUNT, Reason.LOTS)"),
    ("guard without reason", "require_if(a > 1, b > 1)"),
    ("truth of a word", "require(a, Reason.AMOUNT)"),
    ("assigned parameter", "a = 1"),
    ("assignment to a part", "account.slots = 1"),
    ("assignment to a part", "x = [a] * SIGNERS_MAX\nx[a] = 1"),
    ("double assignment", "x = y = a"),
    ("early return", "return a\nx = 1"),
    ("nested function", "def inner() -> int:\n    return a"),
    ("import", "from perp_spec.words import AMOUNT_MAX"),
    ("useless expression", "a"),
    ("pass", "pass"),
    ("generator", "x = yield a"),
    ("bare return", "return"),
]


@pytest.mark.parametrize(("name", "snippet"), SNIPPETS, ids=[f"{n}-{name}" for n, (name, _) in enumerate(SNIPPETS)])
def test_a_breach_in_a_function_is_found(name: str, snippet: str) -> None:
    head = (
        "def rule(a: int, b: int, account: Account, other: Account, market: Market, parameters: Parameters,"
        " held: Any) -> int:\n"
    )
    body = textwrap.indent(f'"""What it says."""\n{snippet}\nreturn b\n', "    ")
    assert name in {found.name for found in violations(HEADER + head + body)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("import", "import attrs"),
        ("import", "from attrs import evolve"),
        ("import", "from typing import cast"),
        ("import", "from perp_spec.words import PPM as MILLION"),
        ("import", "from perp_spec.perpetual.reasons import SENTENCES"),
        ("import", "from perp_spec.perpetual.defaults import USD"),
        ("global state", "COUNTS = {}"),
        ("global state", "SEEN = []"),
        ("global state", "RATE = 0.5"),
        ("statement of a module", "for x in range(3):\n    y = x"),
        ("if", "if True:\n    X = 1"),
        ("class", "class Thing:\n    x: int"),
        ("class", "class Thing(NamedTuple):\n    x: int = 0"),
        ("class", "class Thing(NamedTuple):\n    x: int\n\n    def twice(self) -> int:\n        return 2 * self.x"),
        ("mutable default", 'def f(x: int = []) -> int:\n    """Say."""\n    return x'),
        ("mutable default", 'def f(x: Any = None) -> int:\n    """Say."""\n    return 1'),
        ("star parameter", 'def f(*x: int) -> int:\n    """Say."""\n    return 1'),
        ("annotation", 'def f(x) -> int:\n    """Say."""\n    return 1'),
        ("annotation", 'def f(x: int):\n    """Say."""\n    return 1'),
        ("decorator", '@cache\ndef f(x: int) -> int:\n    """Say."""\n    return 1'),
        ("docstring", "def f(x: int) -> int:\n    return 1"),
        ("async", 'async def f(x: int) -> int:\n    """Say."""\n    return 1'),
    ],
)
def test_a_breach_in_a_module_is_found(name: str, text: str) -> None:
    assert name in {found.name for found in violations(HEADER + text)}


def test_the_language_itself_is_allowed() -> None:
    allowed = '''
class Pair(NamedTuple):
    """Two words."""

    first: int
    """The first."""
    second: int


LIMIT = 10
"""A bound."""


@table(width=2)
def pair_of(position: Position, market: Market) -> Pair:
    """A pair."""
    return Pair(position.size, maximum(position.snapshot, market.max_size))


def rule(amount: int, account: Account, market: Market, parameters: Parameters, held: Any, *, extra: int = 0) -> int:
    """A rule."""
    require(both(amount >= 1, amount <= LIMIT), Reason.AMOUNT)
    first, second = total(pair_of, held, market)
    worst = 0
    for shock in tuple(-count for count in parameters.signers):
        worst = maximum(worst, shock)
    for place in range(SIGNERS_MAX):
        worst = worst + place
    result, done = attempt(pair_of, account, market, otherwise=Pair(0, 0))
    require_if(result == int(Reason.AMOUNT), select(done.first > 1, first > second, extra > 0), Reason.LOTS)
    return worst
'''
    assert violations(HEADER + allowed) == []


# Registration and footprints

RULES = sorted(PERPETUAL.rules.values(), key=lambda rule: rule.name)
HELD = {Shape.HELD, Shape.MARKETS}


def annotations(function: Callable[..., Any]) -> list[Any]:
    """The types of a function's parameters, in order."""
    return [parameter.annotation for parameter in inspect.signature(function).parameters.values()]


def type_of_access(access: Access) -> Any:
    """The type of what an access loads or stores."""
    return health.Held if access.shape in HELD else access.record


def test_every_operation_has_one_rule() -> None:
    listed = {value for value in vars(operations).values() if attrs.has(value)} - ARGUMENT_RECORDS
    assert {rule.operation for rule in RULES} == listed
    assert len(RULES) == len(listed)


def test_a_rule_is_named_as_its_operation() -> None:
    for rule in RULES:
        assert re.sub(r"(?<!^)(?=[A-Z])", "_", rule.operation.__name__).lower() == rule.name


def test_every_decorated_function_is_registered() -> None:
    decorated = {
        node.name
        for module in RULE_MODULES
        for node in ast.parse(source_of(module)).body
        if isinstance(node, ast.FunctionDef)
        and any("operation" in ast.unparse(decorator) for decorator in node.decorator_list)
    }
    assert decorated == set(PERPETUAL.rules)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_footprint_is_what_the_rule_takes_and_returns(rule: Rule) -> None:
    assert annotations(rule.function) == [rule.operation, *(type_of_access(access) for access in rule.footprint)]
    returned = inspect.signature(rule.function).return_annotation
    assert get_origin(returned) is tuple
    assert list(get_args(returned)) == [type_of_access(access) for access in rule.footprint if access.stores]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_footprint_names_each_record_once(rule: Rule) -> None:
    places = [(access.shape, access.record, access.keys) for access in rule.footprint]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_keys_of_a_footprint_are_fields_of_the_operation(rule: Rule) -> None:
    operation = rule.operation()
    for access in rule.footprint:
        for key in (*access.keys, *(() if access.skip is None else (access.skip,))):
            value = key if isinstance(key, int) else key_of(key, operation)
            assert type(value) is int


def test_the_header_rule_takes_and_returns_records() -> None:
    returned = inspect.signature(batch.begin_batch).return_annotation
    assert annotations(batch.begin_batch)[0] is Header
    assert [part.__name__ for part in get_args(returned)] == ["Exchange", "Ledger"]
    assert batch.begin_batch.__name__ not in PERPETUAL.rules


def test_the_constants_of_the_rules_are_plain_words() -> None:
    for module in RULE_MODULES:
        for name, value in vars(module).items():
            if name.isupper() and name != "PERPETUAL":
                words = value if isinstance(value, tuple) else (value,)
                assert {type(word) for word in words} == {int}, name


def test_the_codes_of_the_records_are_plain_words() -> None:
    for kind in (records.Kind, records.Mode, records.Forced, records.Claim, records.Path):
        assert {type(value) for name, value in vars(kind).items() if name.isupper()} == {int}
