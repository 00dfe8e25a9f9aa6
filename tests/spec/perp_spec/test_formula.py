"""Expressions of the rules, as formulas."""

import ast

import pytest

from perp_spec.formula import formula, substituted


def parsed(text: str) -> ast.expr:
    """An expression."""
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("both(a >= 1, a <= b.high)", "1 <= a <= b.high"),
        ("both(a >= 1, c <= 2)", "a >= 1 and c <= 2"),
        ("both(a > 1, either(b > 1, c > 1))", "a > 1 and (b > 1 or c > 1)"),
        ("either(both(a > 1, b > 1), c > 1)", "(a > 1 and b > 1) or c > 1"),
        ("both(a > 1, both(b > 1, c > 1))", "a > 1 and b > 1 and c > 1"),
        ("both(True, a > 1)", "a > 1"),
        ("either(False, a > 1)", "a > 1"),
        ("either(True, a > 1)", "yes"),
        ("negate(a == b)", "a != b"),
        ("negate(both(a > 1, b))", "a <= 1 or not b"),
        ("negate(either(a > 1, negate(b)))", "a <= 1 and b"),
        ("either(negate(done), a >= 1)", "not done or a >= 1"),
        ("a.flag == True", "a.flag"),
        ("a.flag == False", "not a.flag"),
        ("select(a > 1, b, c + 1)", "b if a > 1 else c + 1"),
        ("select(True, b, c)", "b"),
        ("1 + select(a, b, c)", "1 + (b if a else c)"),
        ("mul_div_floor(a + b, c, PPM)", "floor((a + b) * c / PPM)"),
        ("mul_div_ceil(a, 1, 2)", "ceil(a / 2)"),
        ("mul_div_floor(a + b, 1, 2)", "floor((a + b) / 2)"),
        ("mul_div_truncate(a, b, c + 1)", "trunc(a * b / (c + 1))"),
        ("mul_div_remainder(a, b, c)", "(a * b) mod c"),
        ("mul_div_remainder(a, 1, c)", "a mod c"),
        ("product_le(a, b + 1, c, d)", "a * (b + 1) <= c * d"),
        ("product_le(2, a, b + c, 1)", "2 * a <= b + c"),
        ("minimum(absolute(a), maximum(b, 0))", "min(abs(a), max(b, 0))"),
        ("a + -b", "a - b"),
        ("a + (b - c)", "a + b - c"),
        ("a - (b - c)", "a - (b - c)"),
        ("-a * b", "-a * b"),
        ("-(a + b)", "-(a + b)"),
        ("a.kind != Kind.ABSENT", "a.kind != ABSENT"),
        ("result == int(Reason.AMOUNT)", "result == AMOUNT"),
        ("within(a, b, c)", "within(a, b, c)"),
        ("carry(a, fees=b)", "carry(a, fees: b)"),
    ],
)
def test_a_formula(text: str, expected: str) -> None:
    assert formula(parsed(text)) == expected


def test_names_are_replaced() -> None:
    names = {"a": parsed("op.amount"), "b": parsed("x + 1")}
    assert formula(substituted(parsed("f(a, c.a, b * 2)"), names)) == "f(op.amount, c.a, (x + 1) * 2)"
