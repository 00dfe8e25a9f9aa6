"""Sums in prose: wherever a page says that a sum of numbers is a number, it is computed again."""

import ast
import math
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from attrs import frozen

from perp_reference.site.faults import Fault
from perp_reference.site.sources import prose_lines
from perp_spec import language

TOKEN = re.compile(
    r"(?P<number>\d[\d,]*\d(?:\.\d+)?|\d+(?:\.\d+)?)(?![\w.]\w)"
    r"|(?P<name>[A-Za-z_]\w*(?:\.\w+)*)|(?P<sign>[-+*/^(),=])|(?P<other>\S)"
)

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "ceil": math.ceil,
    "floor": math.floor,
    "sqrt": lambda value: Fraction(math.sqrt(value)),
    "min": min,
    "max": max,
    "abs": abs,
    **{
        name: getattr(language, name)
        for name in (
            "absolute",
            "both",
            "clamp",
            "either",
            "indicator",
            "maximum",
            "median",
            "minimum",
            "mul_div_ceil",
            "mul_div_floor",
            "mul_div_remainder",
            "mul_div_truncate",
            "negate",
            "product_le",
            "select",
        )
    },
}
"""What may be called in a sum: roundings, and the functions of the rules' language."""

CONSTANTS = {"True": True, "False": False}

LARGEST_EXPONENT = 4096


@frozen
class Token:
    """A piece of prose.

    Attributes:
        kind: number, name, sign or other.
        text: As it stands.
        line: Where.
    """

    kind: str
    text: str
    line: int

    @property
    def known(self) -> bool:
        """Whether a sum may hold it."""
        if self.kind == "name":
            return self.text in FUNCTIONS or self.text in CONSTANTS
        return self.kind == "number" or (self.kind == "sign" and self.text != "=")

    @property
    def starts(self) -> bool:
        """Whether a term may start with it."""
        return self.kind in ("number", "name") or self.text == "("

    @property
    def ends(self) -> bool:
        """Whether a term may end with it."""
        return self.kind == "number" or self.text == ")" or self.text in CONSTANTS


class NoSum(Exception):
    """What stands beside the equals sign is no sum of numbers alone."""


def sums(text: str) -> Iterator[tuple[int, str, str, bool]]:
    """Line, left side, right side and truth of every sum of a page that has no unknowns."""
    tokens = list(tokens_of(text))
    for place, token in enumerate(tokens):
        if token.text != "=" or token.kind != "sign":
            continue
        try:
            left = before(tokens[:place])
            right = after(tokens[place + 1 :])
            if len(left) + len(right) < 3:
                continue
            holds = equal(evaluated(left), evaluated(right), right)
        except NoSum:
            continue
        yield token.line, written(left), written(right), holds


def tokens_of(text: str) -> Iterator[Token]:
    """The pieces of the prose of a page, marks of emphasis and of code left out."""
    for number, line in prose_lines(text):
        for match in TOKEN.finditer(re.sub(r"`|\*\*(?=\S)|(?<=\S)\*\*", " ", line)):
            yield Token(str(match.lastgroup), match.group(), number)
        if not line.strip():
            yield Token("other", "\n", number)


def before(tokens: list[Token]) -> list[Token]:
    """The sum that ends where the tokens end.

    Raises:
        NoSum: It holds something unknown.
    """
    kept: list[Token] = []
    depth = 0
    for token in reversed(tokens):
        following = kept[0] if kept else None
        call = token.kind == "name" and following is not None and following.text == "("
        if following is not None and token.ends and following.starts and not call:
            break
        if not token.known or (token.text == "(" and depth == 0) or (token.text == "," and depth == 0):
            if call or depth or (following is not None and following.text in tuple("+*/^")):
                raise NoSum
            break
        depth += {")": 1, "(": -1}.get(token.text, 0)
        kept.insert(0, token)
    return whole(kept)


def after(tokens: list[Token]) -> list[Token]:
    """The sum that starts where the tokens start.

    Raises:
        NoSum: It holds something unknown.
    """
    kept: list[Token] = []
    depth = 0
    for token in tokens:
        previous = kept[-1] if kept else None
        call = token.text == "(" and previous is not None and previous.kind == "name"
        if previous is not None and previous.ends and token.starts and not call:
            break
        if not token.known or (token.text in ("(", ")", ",") and depth == 0 and not call and token.text != "("):
            if depth or (previous is not None and previous.text in tuple("+-*/^")):
                raise NoSum
            break
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        kept.append(token)
    return whole(kept)


def whole(kept: list[Token]) -> list[Token]:
    """The tokens, where there are any.

    Raises:
        NoSum: There are none.
    """
    if not kept:
        raise NoSum
    return kept


def written(tokens: list[Token]) -> str:
    """A sum as text."""
    return " ".join(token.text for token in tokens).replace("( ", "(").replace(" )", ")").replace(" ,", ",")


def evaluated(tokens: list[Token]) -> Any:
    """The value of a sum.

    Raises:
        NoSum: It is none.
    """
    pieces = [
        f"Q({token.text.replace(',', '')!r})" if token.kind == "number" else "**" if token.text == "^" else token.text
        for token in tokens
    ]
    try:
        return value_of(ast.parse(" ".join(pieces), mode="eval").body)
    except (SyntaxError, TypeError, ZeroDivisionError, OverflowError):
        raise NoSum from None


def value_of(node: ast.expr) -> Any:
    """The value of an expression of numbers.

    Raises:
        NoSum: It is none.
    """
    match node:
        case ast.Call(func=ast.Name(id="Q"), args=[ast.Constant(value=str(number))]):
            return Fraction(number)
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in FUNCTIONS:
            values = [value_of(argument) for argument in arguments]
            return FUNCTIONS[name](*(plain(value) for value in values))
        case ast.Constant(value=bool(value)):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -value_of(operand)
        case ast.BinOp(left=left, op=operator, right=right):
            return combined(operator, value_of(left), value_of(right))
        case _:
            raise NoSum


def plain(value: Any) -> Any:
    """A whole number as an int: the language of the rules has no others."""
    return int(value) if isinstance(value, Fraction) and value.denominator == 1 else value


def combined(operator: ast.operator, left: Any, right: Any) -> Any:
    """The value of an operation.

    Raises:
        NoSum: It is none that prose has.
    """
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return Fraction(left) / Fraction(right)
        case ast.Pow() if abs(right) <= LARGEST_EXPONENT:
            return Fraction(left) ** plain(right)
        case _:
            raise NoSum


def equal(left: Any, right: Any, said: list[Token]) -> bool:
    """Whether both sides are one number, as far as the digits of the right side go."""
    if left == right:
        return True
    number = said[-1].text.replace(",", "")
    if len(said) > 2 or "." not in number:
        return False
    return abs(Fraction(left) - right) <= Fraction(1, 2 * 10 ** len(number.partition(".")[2]))


def check_sums(place: str, text: str) -> list[Fault]:
    """The sums of a page that are wrong."""
    return [
        Fault(f"{place}:{line}", f"{left} = {right}", "a sum that is right")
        for line, left, right, holds in sums(text)
        if not holds
    ]
