"""Functions of the rules as formulas: MathML, made of their syntax trees, which browsers draw by themselves."""

import ast
from collections.abc import Callable, Sequence
from html import escape

from perp_spec.outline import Definition

RELATIONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "=",
    ast.NotEq: "≠",
    ast.Lt: "&lt;",
    ast.GtE: "≥",
    ast.Gt: "&gt;",
    ast.LtE: "≤",
}

POWERS = {"PPM": (10, 6)}
"""Constants that are shown as the power of ten they are."""

ARITHMETIC = frozenset({"mul_div_ceil", "mul_div_floor", "mul_div_remainder", "mul_div_truncate", "product_le"})
"""Calls that make a function worth a formula."""

LOOSE, ANY_OF, ALL_OF, RELATION, SUM, PRODUCT, TIGHT = range(7)
"""How tightly an expression binds."""

Drawn = tuple[str, int]


class NoFormula(Exception):
    """The function is no formula: it loops, or builds what a formula has no sign for."""


def formulas(definition: Definition) -> str:
    """The formulas of a function, each a line; "" where it has none."""
    node = definition.node
    if not isinstance(node, ast.FunctionDef) or not worth_it(node):
        return ""
    try:
        lines = [line for statement in node.body[1:] for line in lines_of(statement, node.name)]
    except NoFormula:
        return ""
    rows = "".join(
        f'<mtr><mtd class="left">{name}</mtd><mtd>{operator("=")}{value}</mtd></mtr>' for name, value in lines
    )
    return f'<math display="block"><mtable displaystyle="true">{rows}</mtable></math>'


def worth_it(node: ast.AST) -> bool:
    """Whether it computes more than signs of its own text would show."""
    calls = {call.func.id for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)}
    return bool(calls & ARITHMETIC)


def lines_of(statement: ast.stmt, function: str) -> list[tuple[str, str]]:
    """The lines of a statement, each a name and what it is.

    Raises:
        NoFormula: It is none.
    """
    match statement:
        case ast.Assign(targets=[target], value=value):
            return equations(ast.unparse(target), value)
        case ast.Return(value=ast.Tuple(elts=parts)) if any(has_fields(part) for part in parts):
            return [line for part in parts for line in equations(kind_of(part, function), part)]
        case ast.Return(value=ast.expr() as value):
            return equations(function, value)
        case _:
            raise NoFormula


def has_fields(node: ast.expr) -> bool:
    """Whether an expression makes a record field by field."""
    return isinstance(node, ast.Call) and bool(node.keywords) and isinstance(node.func, ast.Name)


def kind_of(node: ast.expr, function: str) -> str:
    """What a record that a function returns among others is called."""
    match node:
        case ast.Call(func=ast.Name(id="changed"), args=[ast.Name(id=name)]):
            return f"{name}'"
        case ast.Call(func=ast.Name(id=name), keywords=[_, *_]):
            return name
        case ast.Name(id=name):
            return name
        case _:
            return function


def equations(name: str, value: ast.expr) -> list[tuple[str, str]]:
    """A name and what it is; of a record, each field that is given."""
    match value:
        case ast.Call(func=ast.Name(id=kind), args=[], keywords=[_, *_] as fields) if kind[0].isupper():
            pass
        case ast.Call(func=ast.Name(id="changed"), args=[ast.Name()], keywords=[_, *_] as fields):
            pass
        case ast.Name(id=own) if own == name:
            return []
        case _:
            return [(identifier(name), drawn(value))]
    return [(identifier(f"{name}.{own.arg}"), drawn(own.value)) for own in fields]


def drawn(node: ast.expr, least: int = LOOSE) -> str:
    """An expression, in parentheses where it binds less than `least`."""
    text, binds = spelled(node)
    return row(operator("("), text, operator(")")) if binds < least else text


def spelled(node: ast.expr) -> Drawn:
    """An expression, and how tightly it binds.

    Raises:
        NoFormula: A formula has no sign for it.
    """
    match node:
        case ast.Name(id=name) if name in POWERS:
            base, exponent = POWERS[name]
            return f"<msup><mn>{base}</mn><mn>{exponent}</mn></msup>", TIGHT
        case ast.Name() | ast.Attribute():
            return identifier(ast.unparse(node)), TIGHT
        case ast.Constant(value=bool(value)):
            return identifier("yes" if value else "no"), TIGHT
        case ast.Constant(value=int(value)):
            return f"<mn>{value:,}</mn>", TIGHT
        case ast.Compare(left=left, ops=[relation], comparators=[right]):
            return row(drawn(left, SUM), operator(RELATIONS[type(relation)]), drawn(right, SUM)), RELATION
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return row(operator("−"), drawn(operand, PRODUCT)), SUM
        case ast.BinOp(left=left, op=sign, right=right):
            return binary(left, sign, right)
        case ast.Tuple(elts=parts):
            return listed(parts), TIGHT
        case ast.Call(func=ast.Name(id=name), args=parts) if name in CALLS and not node.keywords:
            return CALLS[name](parts)
        case ast.Call(func=function, args=parts, keywords=keywords) if not any(
            isinstance(part, ast.Starred) for part in parts
        ):
            named = [row(identifier(str(own.arg)), operator(":"), drawn(own.value)) for own in keywords]
            inner = [drawn(part) for part in parts] + named
            return row(identifier(ast.unparse(function)), operator("("), *separated(inner), operator(")")), TIGHT
        case _:
            raise NoFormula


def binary(left: ast.expr, sign: ast.operator, right: ast.expr) -> Drawn:
    """A sum, a difference or a product.

    Raises:
        NoFormula: It is something else.
    """
    match sign:
        case ast.Add():
            return row(drawn(left, SUM), operator("+"), drawn(right, SUM)), SUM
        case ast.Sub():
            return row(drawn(left, SUM), operator("−"), drawn(right, PRODUCT)), SUM
        case ast.Mult():
            return row(drawn(left, PRODUCT), operator("·"), drawn(right, PRODUCT)), PRODUCT
        case _:
            raise NoFormula


def row(*parts: str) -> str:
    """Parts beside each other."""
    return f"<mrow>{''.join(parts)}</mrow>"


def operator(sign: str) -> str:
    """A sign."""
    return f"<mo>{sign}</mo>"


def identifier(name: str) -> str:
    """A name, upright."""
    return f'<mi mathvariant="normal">{escape(name)}</mi>'


def separated(parts: Sequence[str]) -> list[str]:
    """Parts with commas between them."""
    return [piece for part in parts for piece in (operator(","), part)][1:]


def listed(parts: Sequence[ast.expr]) -> str:
    """A tuple."""
    return row(operator("("), *separated([drawn(part) for part in parts]), operator(")"))


def product(first: ast.expr, second: ast.expr) -> str:
    """A product, a factor of 1 left out."""
    for one, other in ((first, second), (second, first)):
        if isinstance(one, ast.Constant) and one.value == 1:
            return drawn(other)
    return row(drawn(first, PRODUCT), operator("·"), drawn(second, PRODUCT))


def quotient(parts: Sequence[ast.expr]) -> str:
    """A product over a divisor."""
    first, second, divisor = parts
    return f"<mfrac>{row(product(first, second))}{row(drawn(divisor))}</mfrac>"


def around(left: str, right: str) -> Callable[[Sequence[ast.expr]], Drawn]:
    """A quotient between brackets that say how it is rounded."""
    return lambda parts: (row(operator(left), quotient(parts), operator(right)), TIGHT)


def joined(sign: str, binds: int) -> Callable[[Sequence[ast.expr]], Drawn]:
    """Conditions with a sign between them."""

    def draw(parts: Sequence[ast.expr]) -> Drawn:
        drawn_parts = [drawn(part, binds + 1) for part in parts]
        return row(*[piece for part in drawn_parts for piece in (operator(sign), part)][1:]), binds

    return draw


def named(name: str) -> Callable[[Sequence[ast.expr]], Drawn]:
    """A function under the name that formulas give it."""
    return lambda parts: (row(f"<mi>{name}</mi>", listed(parts)), TIGHT)


def cases(parts: Sequence[ast.expr]) -> Drawn:
    """A choice; one inside the other case goes on below it. Its brace is a line that the style sheet draws."""
    rows: list[str] = []
    rest: ast.expr | None = None
    condition, yes, no = parts
    while True:
        rows.append(case_row(drawn(yes), row("<mtext>where&#160;</mtext>", drawn(condition))))
        rest = no
        match rest:
            case ast.Call(func=ast.Name(id="select"), args=[condition, yes, no]):
                continue
            case _:
                break
    rows.append(case_row(drawn(rest), "<mtext>otherwise</mtext>"))
    return f'<mtable class="cases">{"".join(rows)}</mtable>', RELATION


def case_row(value: str, when: str) -> str:
    """A line of a choice."""
    return f"<mtr><mtd>{value}</mtd><mtd>{when}</mtd></mtr>"


CALLS: dict[str, Callable[[Sequence[ast.expr]], Drawn]] = {
    "mul_div_floor": around("⌊", "⌋"),
    "mul_div_ceil": around("⌈", "⌉"),
    "mul_div_truncate": lambda parts: (row("<mi>trunc</mi>", operator("("), quotient(parts), operator(")")), TIGHT),
    "mul_div_remainder": lambda parts: (
        row(product(parts[0], parts[1]), operator("mod"), drawn(parts[2], TIGHT)),
        PRODUCT,
    ),
    "product_le": lambda parts: (
        row(product(parts[0], parts[1]), operator("≤"), product(parts[2], parts[3])),
        RELATION,
    ),
    "minimum": named("min"),
    "maximum": named("max"),
    "absolute": lambda parts: (row(operator("|"), drawn(parts[0]), operator("|")), TIGHT),
    "indicator": lambda parts: (row(operator("["), drawn(parts[0]), operator("]")), TIGHT),
    "negate": lambda parts: (row(operator("¬"), drawn(parts[0], TIGHT)), RELATION),
    "both": joined("∧", ALL_OF),
    "either": joined("∨", ANY_OF),
    "select": cases,
}
"""How the functions of the language are drawn."""
