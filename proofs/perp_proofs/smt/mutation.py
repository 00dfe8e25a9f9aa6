"""Rules with a fault put in, in this process only: the proofs must notice.

A fault is a piece of a function's source and what replaces it. The function object stays the same, so every module
that imported it runs the faulty code until the fault is taken out again.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

import attrs


@attrs.frozen
class Fault:
    """A fault to put into a rule or a table."""

    function: Callable[..., Any]
    piece: str
    """An expression or a statement of its source, as Python writes it."""
    replacement: str


@contextmanager
def faulty(fault: Fault) -> Iterator[None]:
    """Run with a fault put in.

    Raises:
        ValueError: The piece is not in the function exactly once.
    """
    function = plain(fault.function)
    source = textwrap.dedent(inspect.getsource(function))
    tree = ast.parse(source)
    replacer = Replacer(ast.dump(ast.parse(fault.piece).body[0]), ast.parse(fault.replacement).body[0])
    changed = ast.fix_missing_locations(replacer.visit(tree))
    if replacer.found != 1:
        raise ValueError(f"{fault.piece!r} is {replacer.found} times in {function.__name__}")
    definition = next(node for node in changed.body if isinstance(node, ast.FunctionDef))
    definition.decorator_list = []
    namespace = dict(vars(sys.modules[function.__module__]))
    exec(compile(changed, f"<faulty {function.__name__}>", "exec"), namespace)  # noqa: S102 - our own source
    kept: CodeType = function.__code__
    function.__code__ = namespace[function.__name__].__code__
    try:
        yield
    finally:
        function.__code__ = kept


def plain(function: Callable[..., Any]) -> FunctionType:
    """A function without what marks it as a table."""
    unwrapped = inspect.unwrap(function)
    assert isinstance(unwrapped, FunctionType)
    return unwrapped


class Replacer(ast.NodeTransformer):
    """Replaces an expression or a statement by another."""

    def __init__(self, piece: str, replacement: ast.stmt) -> None:
        self.piece = piece
        self.replacement = replacement
        self.found = 0

    def visit(self, node: ast.AST) -> Any:
        """Replace the node where it is the piece, else go on inside it."""
        if isinstance(node, ast.stmt) and ast.dump(node) == self.piece:
            self.found += 1
            return self.replacement
        if isinstance(node, ast.expr) and ast.dump(ast.Expr(node)) == self.piece:
            assert isinstance(self.replacement, ast.Expr)
            self.found += 1
            return self.replacement.value
        return super().visit(node)
