"""The expressions of the rules as formulas for people: ordinary signs for the primitives of the language."""

import ast
from collections.abc import Callable, Mapping

Names = Mapping[str, ast.expr]
"""What names stand for."""

FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
}
SIGNS: dict[type[ast.AST], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.GtE: ">=",
    ast.Gt: ">",
    ast.LtE: "<=",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
}
TESTS = frozenset({"both", "either", "negate"})
LOOSE, CHOICE, ANY_OF, ALL_OF, DENIAL, RELATION, SUM, PRODUCT, TIGHT = range(9)
"""How tightly an expression binds."""


class Substitution(ast.NodeTransformer):
    """Puts expressions in the place of names."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace a name."""
        return self.names.get(node.id, node)


def substituted(node: ast.expr, names: Names) -> ast.expr:
    """The expression with other expressions in the place of names."""
    copy = ast.parse(ast.unparse(node), mode="eval").body
    result: ast.expr = Substitution(names).visit(copy)
    return result


def callee(node: ast.expr) -> str:
    """The name of the function an expression calls, empty where it is no such call."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def arguments(node: ast.expr) -> list[ast.expr]:
    """The arguments of a call."""
    return node.args if isinstance(node, ast.Call) else []


def is_constant(node: ast.expr, value: object) -> bool:
    """The expression is this constant."""
    return isinstance(node, ast.Constant) and node.value is value


def call(name: str, parts: list[ast.expr]) -> ast.Call:
    """A call of a function by name."""
    return ast.Call(ast.Name(name), parts, [])


def denied(node: ast.expr) -> ast.expr:
    """The opposite of a condition, pushed inward where that makes it shorter."""
    match node:
        case ast.Constant(value=bool(value)):
            return ast.Constant(not value)
        case ast.Compare(left=left, ops=[operator], comparators=others):
            return ast.Compare(left, [FLIPPED[type(operator)]()], others)
        case ast.Call(func=ast.Name(id="negate"), args=[inner]):
            return inner
        case ast.Call(func=ast.Name(id="both"), args=parts):
            return call("either", [denied(part) for part in parts])
        case ast.Call(func=ast.Name(id="either"), args=parts):
            return call("both", [denied(part) for part in parts])
        case _:
            return call("negate", [node])


def simplified(node: ast.expr) -> ast.expr:
    """The same condition without known parts: both(True, x) is x."""
    match node:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[ast.Constant(value=bool(value))]):
            return left if value else denied(left)
        case ast.Call(func=ast.Name(id="select"), args=[ast.Constant(value=bool(value)), yes, no]):
            return simplified(yes if value else no)
        case _:
            pass
    name, parts = callee(node), [simplified(part) for part in arguments(node)]
    if name == "negate":
        inner = denied(parts[0])
        return inner if callee(inner) == "negate" else simplified(inner)
    if name not in {"both", "either"}:
        return node
    neutral = name == "both"
    if any(is_constant(part, not neutral) for part in parts):
        return ast.Constant(not neutral)
    kept: list[ast.expr] = []
    for part in parts:
        kept += arguments(part) if callee(part) == name else [part]
    kept = [part for part in kept if not is_constant(part, neutral)]
    if len(kept) < 2:
        return kept[0] if kept else ast.Constant(neutral)
    return call(name, kept)


def formula(node: ast.expr) -> str:
    """An expression of the rules, as a formula."""
    return written(simplified(node), LOOSE)


def written(node: ast.expr, least: int) -> str:
    """An expression, in parentheses where it binds less than `least`."""
    text, binds = spelled(node)
    return f"({text})" if binds < least else text


def spelled(node: ast.expr) -> tuple[str, int]:
    """An expression, and how tightly it binds."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=parts) if name in WRITERS:
            return WRITERS[name]([simplified(part) for part in parts])
        case ast.Call(args=parts, keywords=keywords):
            inner = [written(part, LOOSE) for part in parts]
            inner += [f"{keyword.arg}: {written(keyword.value, LOOSE)}" for keyword in keywords]
            return f"{ast.unparse(node.func)}({', '.join(inner)})", TIGHT
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return f"{written(left, SUM)} {SIGNS[type(operator)]} {written(right, SUM)}", RELATION
        case ast.BinOp() | ast.UnaryOp():
            return arithmetic(node)
        case ast.Tuple(elts=parts):
            return f"({', '.join(written(part, LOOSE) for part in parts)})", TIGHT
        case ast.Attribute(
            value=ast.Name(id="Kind" | "Mode" | "Forced" | "Claim" | "Path" | "Reason" | "Tag"), attr=name
        ):
            return name, TIGHT
        case ast.Attribute(value=value, attr=name):
            return f"{written(value, TIGHT)}.{name}", TIGHT
        case ast.Constant(value=bool(value)):
            return "yes" if value else "no", TIGHT
        case _:
            return ast.unparse(node), TIGHT


def arithmetic(node: ast.BinOp | ast.UnaryOp) -> tuple[str, int]:
    """A sum, a product or a negative."""
    match node:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return f"{written(left, PRODUCT)} * {written(right, TIGHT)}", PRODUCT
        case ast.BinOp(left=left, op=ast.Add(), right=ast.UnaryOp(op=ast.USub(), operand=right)):
            return f"{written(left, SUM)} - {written(right, PRODUCT)}", SUM
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return f"{written(left, SUM)} + {written(right, SUM)}", SUM
        case ast.BinOp(left=left, op=operator, right=right):
            return f"{written(left, SUM)} {SIGNS[type(operator)]} {written(right, PRODUCT)}", SUM
        case ast.UnaryOp(operand=operand):
            return f"-{written(operand, TIGHT)}", PRODUCT


def range_of(parts: list[ast.expr]) -> str | None:
    """`low <= x <= high` for the two conditions of a range."""
    match parts:
        case [
            ast.Compare(left=first, ops=[ast.GtE()], comparators=[low]),
            ast.Compare(left=second, ops=[ast.LtE()], comparators=[high]),
        ] if ast.unparse(first) == ast.unparse(second):
            return f"{written(low, SUM)} <= {written(first, SUM)} <= {written(high, SUM)}"
        case _:
            return None


def all_of(parts: list[ast.expr]) -> tuple[str, int]:
    """Conditions that all hold; two neighbours that make a range are written as one."""
    texts: list[str] = []
    place = 0
    while place < len(parts):
        pair = range_of(parts[place : place + 2])
        texts.append(pair or written(parts[place], ALL_OF + 1))
        place += 2 if pair else 1
    return " and ".join(texts), ALL_OF if len(texts) > 1 else RELATION


def any_of(parts: list[ast.expr]) -> tuple[str, int]:
    """Conditions of which one holds."""
    return " or ".join(written(part, ALL_OF + 1) for part in parts), ANY_OF


def quotient(rounding: str) -> Callable[[list[ast.expr]], tuple[str, int]]:
    """A product over a divisor, rounded."""

    def write(parts: list[ast.expr]) -> tuple[str, int]:
        a, b, c = parts
        return f"{rounding}({product(a, b, PRODUCT)} / {written(c, TIGHT)})", TIGHT

    return write


def is_one(node: ast.expr) -> bool:
    """The constant 1."""
    return isinstance(node, ast.Constant) and node.value == 1


def remainder(parts: list[ast.expr]) -> tuple[str, int]:
    """The remainder of the rounded quotient."""
    a, b, c = parts
    product = written(a, TIGHT) if is_one(b) else f"({written(a, PRODUCT)} * {written(b, TIGHT)})"
    return f"{product} mod {written(c, TIGHT)}", PRODUCT


def products(parts: list[ast.expr]) -> tuple[str, int]:
    """A comparison of two exact products."""
    a, b, c, d = parts
    return f"{product(a, b, SUM)} <= {product(c, d, SUM)}", RELATION


def product(a: ast.expr, b: ast.expr, least: int) -> str:
    """A product; where its second factor is 1 the first alone, binding at least so tightly."""
    return written(a, least) if is_one(b) else f"{written(a, PRODUCT)} * {written(b, TIGHT)}"


def choice(parts: list[ast.expr]) -> tuple[str, int]:
    """One of two values."""
    condition, yes, no = parts
    return f"{written(yes, ANY_OF)} if {written(condition, ANY_OF)} else {written(no, CHOICE)}", CHOICE


def named(name: str) -> Callable[[list[ast.expr]], tuple[str, int]]:
    """An ordinary function."""
    return lambda parts: (f"{name}({', '.join(written(part, LOOSE) for part in parts)})", TIGHT)


WRITERS: dict[str, Callable[[list[ast.expr]], tuple[str, int]]] = {
    "both": all_of,
    "either": any_of,
    "negate": lambda parts: (f"not {written(parts[0], DENIAL)}", DENIAL),
    "select": choice,
    "mul_div_floor": quotient("floor"),
    "mul_div_ceil": quotient("ceil"),
    "mul_div_truncate": quotient("trunc"),
    "mul_div_remainder": remainder,
    "product_le": products,
    "absolute": named("abs"),
    "minimum": named("min"),
    "maximum": named("max"),
    "int": lambda parts: spelled(parts[0]),
}
"""How the primitives are written."""
