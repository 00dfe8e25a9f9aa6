"""Every small fault that could be in a rule: one change of one place in the text of one function.

The places are nodes of the syntax tree, so a mutant is named by the function, what stood there and what stands there
now, and the same fault has the same name as long as that piece of the text stays. Left out is what the proofs do not
speak of: which reason a guard has (the tests of the rules fix those), and the bodies of the language's primitives.
"""

import ast
import copy
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import CodeType, FunctionType
from typing import Any

import attrs

from perp_proofs.smt.mutation import plain
from perp_spec import language
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.rules.batch import begin_batch

assert rules.__all__, "importing the rules registers them"

RULES_PACKAGE = "perp_spec.perpetual"

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
"""What a comparison may be by mistake: off by one, or turned round."""

EXCHANGED = {
    "mul_div_floor": ("rounding", "mul_div_ceil"),
    "mul_div_ceil": ("rounding", "mul_div_floor"),
    "mul_div_truncate": ("rounding", "mul_div_floor"),
    "minimum": ("extreme", "maximum"),
    "maximum": ("extreme", "minimum"),
    "both": ("connective", "either"),
    "either": ("connective", "both"),
}
"""Primitives that are mistaken for another of the same form."""

UNWRAPPED = ("negate", "absolute", "clamp")
"""Primitives that may be forgotten around their first argument."""

PRIMITIVES = frozenset(vars(language))

ALIKE = {
    ("health", 1): "collateral and value are added",
    ("within", 1): "limit and base are multiplied with each other",
}
"""Functions whose argument at a place may be exchanged with the next one: that is no fault, and why."""


@attrs.frozen
class Mutant:
    """A fault."""

    function: Any
    """A plain function; its type would make it look like a method here."""
    kind: str
    before: str
    """What stands in the text."""
    after: str
    """What stands there in the mutant."""
    place: int
    """Number of the node, in the order of `ast.walk`."""
    variant: int
    """Which of the node's variants."""
    occurrence: int
    """How many faults before it in the function have the same kind, before and after."""

    @property
    def name(self) -> str:
        """What names it in the list of survivors."""
        module = self.function.__module__.removeprefix(f"{RULES_PACKAGE}.")
        again = f" ({self.occurrence + 1})" if self.occurrence else ""
        return f"{module}.{self.function.__name__}: {self.kind}: {self.before} -> {self.after}{again}"


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """Run with a fault put in. The function object stays, so every module that imported it runs the mutant."""
    function = mutant.function
    kept: CodeType = function.__code__
    names = function.__globals__
    # The mutant may name a primitive that its module had no need of.
    missing = [name for name in EXCHANGED if name not in names]
    names.update({name: getattr(language, name) for name in missing})
    function.__code__ = compiled(mutant)
    try:
        yield
    finally:
        function.__code__ = kept
        for name in missing:
            del names[name]


def compiled(mutant: Mutant) -> CodeType:
    """The code of a mutant."""
    tree = copy.deepcopy(parsed(mutant.function))
    nodes = list(ast.walk(tree))
    target = nodes[mutant.place]
    _, replacement = list(variants(target, mutant.function))[mutant.variant]
    changed = Substitution(target, replacement).visit(tree)
    module = ast.fix_missing_locations(ast.Module([changed], []))
    namespace = dict(vars(sys.modules[mutant.function.__module__]))
    exec(compile(module, f"<{mutant.name}>", "exec"), namespace)  # noqa: S102 - our own source
    return namespace[mutant.function.__name__].__code__


class Substitution(ast.NodeTransformer):
    """Puts one node in place of another."""

    def __init__(self, target: ast.AST, replacement: ast.AST) -> None:
        self.target = target
        self.replacement = replacement

    def visit(self, node: ast.AST) -> Any:
        """Replace the node where it is the target, else go on inside it."""
        return self.replacement if node is self.target else super().visit(node)


# What can be wrong


@cache
def parsed(function: FunctionType) -> ast.FunctionDef:
    """The definition of a function without decorators, annotations and docstring."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    definition.decorator_list = []
    definition.returns = None
    for argument in (*definition.args.args, *definition.args.kwonlyargs):
        argument.annotation = None
    if isinstance(definition.body[0], ast.Expr) and isinstance(definition.body[0].value, ast.Constant):
        definition.body.pop(0)
    return definition


def mutants_of(function: FunctionType) -> Iterator[Mutant]:
    """Every fault of one function."""
    counts: dict[tuple[str, str, str], int] = {}
    for place, node in enumerate(ast.walk(parsed(function))):
        for variant, (kind, replacement) in enumerate(variants(node, function)):
            key = kind, shown(node), shown(replacement)
            occurrence = counts.get(key, 0)
            counts[key] = occurrence + 1
            yield Mutant(function, *key, place, variant, occurrence)


def shown(node: ast.AST) -> str:
    """A piece of text on one line."""
    return " ".join(ast.unparse(node).split())


def variants(node: ast.AST, function: FunctionType) -> Iterator[tuple[str, ast.AST]]:
    """What may stand in place of a node by mistake, with the kind of the mistake."""
    match node:
        case ast.Compare(ops=[operator]):
            for other in COMPARISONS.get(type(operator), ()):
                yield "comparison", ast.Compare(node.left, [other()], node.comparators)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            yield "sign", ast.BinOp(node.left, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.right)
            yield "term dropped", node.left
        case ast.BinOp(op=ast.Mult()):
            yield "factor dropped", node.left
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield "sign", operand
        case ast.Constant(value=bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield "constant", ast.Constant(value + 1)
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) if (
            value := constant(node, function)
        ) is not None:
            yield "constant", ast.Constant(value + 1)
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))) if name.startswith("require"):
            yield "guard dropped", ast.Pass()
        case ast.Call(func=ast.Name(id=name)):
            yield from call_variants(node, name, function)


def constant(node: ast.Name | ast.Attribute, function: FunctionType) -> int | None:
    """The value of a named number, None where it is no such thing. A reason is none, nor is a length."""
    names = function.__globals__
    match node:
        case ast.Name(id=name) if name.isupper():
            value = names.get(name)
        case ast.Attribute(value=ast.Name(id=("Kind" | "Mode" | "Forced" | "Claim" | "Path") as owner), attr=name):
            value = getattr(names[owner], name)
        case _:
            return None
    return value if type(value) is int and not name.endswith(("_MAX", "SCENARIOS")) else None


def call_variants(node: ast.Call, name: str, function: FunctionType) -> Iterator[tuple[str, ast.AST]]:
    """What may stand in place of a call."""
    if name in EXCHANGED:
        kind, other = EXCHANGED[name]
        yield kind, ast.Call(ast.Name(other, ast.Load()), node.args, node.keywords)
    if name in {"both", "either"} and len(node.args) > 1:
        for place in range(len(node.args)):
            left = [argument for number, argument in enumerate(node.args) if number != place]
            yield "condition dropped", ast.Call(node.func, left, []) if len(left) > 1 else left[0]
    if name in UNWRAPPED:
        yield "forgotten", node.args[0]
    if name == "select":
        condition, yes, no = node.args
        yield "arms exchanged", ast.Call(node.func, [condition, no, yes], [])
        yield "arm dropped", yes
        yield "arm dropped", no
    if name == "product_le":
        a, b, c, d = node.args
        yield "sides exchanged", ast.Call(node.func, [c, d, a, b], [])
    if name == "changed":
        for place, keyword in enumerate(node.keywords):
            others = [*node.keywords[:place], *node.keywords[place + 1 :]]
            yield f"effect dropped: {keyword.arg}", ast.Call(node.func, node.args, others)
    if name not in PRIMITIVES and name in function.__globals__:
        yield from effect_variants(node, function.__globals__[name])
        yield from exchanged_arguments(node, function.__globals__[name])


def effect_variants(node: ast.Call, called: Any) -> Iterator[tuple[str, ast.AST]]:
    """A record made of another one without one of its changes; the ledger's carry without one of its parts."""
    kept = {
        keyword.value.value.id
        for keyword in node.keywords
        if isinstance(keyword.value, ast.Attribute)
        and isinstance(keyword.value.value, ast.Name)
        and keyword.value.attr == keyword.arg
    }
    for place, keyword in enumerate(node.keywords):
        others = node.keywords[:place], node.keywords[place + 1 :]
        if isinstance(called, type) and attrs.has(called) and len(kept) == 1:
            (source,) = kept
            old = ast.Attribute(ast.Name(source, ast.Load()), keyword.arg or "", ast.Load())
            if ast.dump(old) != ast.dump(keyword.value):
                new = ast.keyword(keyword.arg, old)
                yield f"effect dropped: {keyword.arg}", ast.Call(node.func, node.args, [*others[0], new, *others[1]])
        elif getattr(called, "__name__", "") == "carry":
            yield f"effect dropped: {keyword.arg}", ast.Call(node.func, node.args, [*others[0], *others[1]])


def exchanged_arguments(node: ast.Call, called: Any) -> Iterator[tuple[str, ast.AST]]:
    """Two neighbouring arguments of the same type, the wrong way round."""
    if (
        not callable(called)
        or isinstance(called, type)
        or any(isinstance(argument, ast.Starred) for argument in node.args)
    ):
        return
    types = [parameter.annotation for parameter in inspect.signature(called).parameters.values()]
    for place in range(len(node.args) - 1):
        first, second = node.args[place : place + 2]
        alike = (called.__name__, place) in ALIKE
        if types[place] == types[place + 1] and not alike and ast.dump(first) != ast.dump(second):
            swapped = [*node.args[:place], second, first, *node.args[place + 2 :]]
            yield "arguments exchanged", ast.Call(node.func, swapped, node.keywords)


# Which functions the rules are made of


def callees(function: FunctionType) -> Iterator[FunctionType]:
    """The functions of the rule set that a function names."""
    for node in ast.walk(parsed(function)):
        if isinstance(node, ast.Name):
            called = function.__globals__.get(node.id)
            if callable(called) and not isinstance(called, type) and called.__module__.startswith(RULES_PACKAGE):
                yield plain(called)


def functions_of(rule: Callable[..., Any]) -> list[FunctionType]:
    """A rule's function and all that it calls, each once, the rule's own first."""
    found: list[FunctionType] = []
    waiting = [plain(rule)]
    while waiting:
        function = waiting.pop(0)
        if function not in found:
            found.append(function)
            waiting += callees(function)
    return found


@cache
def all_mutants() -> tuple[Mutant, ...]:
    """Every fault of every function of the rules, in the order of the rules."""
    functions: dict[FunctionType, None] = {}
    for rule in (*(rule.function for rule in PERPETUAL.rules.values()), begin_batch):
        functions.update(dict.fromkeys(functions_of(rule)))
    return tuple(mutant for function in functions for mutant in mutants_of(function))
