"""Functions of the rules as MathML."""

import ast
from xml.etree import ElementTree as ET

import pytest

from perp_reference.site.mathml import formulas
from perp_spec.outline import Definition
from perp_spec.perpetual.catalogue import LIBRARY


def drawn(body: str) -> str:
    """The text that the formula of a function shows, without tags."""
    text = f'def f(a, b):\n    """Doc."""\n{body}'
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef)
    found = formulas(Definition("f", "module", node, "Doc."))
    return "".join(ET.fromstring(found).itertext()) if found else ""


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("    return mul_div_floor(a, b, PPM)\n", "f=⌊a·b106⌋"),
        ("    x = a - (b - 1)\n    return mul_div_ceil(x, 1, b)\n", "x=a−(b−1)f=⌈xb⌉"),
        ("    return product_le(a, b, 2_000, PPM)\n", "f=a·b≤2,000·106"),
        (
            "    return select(a > 1, mul_div_remainder(a, b, 7), absolute(b))\n",
            "f=a·b mod 7where\xa0a>1|b|otherwise".replace(" ", ""),
        ),
        ("    return Terms(cash=mul_div_truncate(a, b, 3), due=-a)\n", "f.cash=trunc(a·b3)f.due=−a"),
        ("    return both(product_le(a, 1, b, 1), either(a == 1, negate(b)))\n", "f=a≤b∧(a=1∨¬b)"),
    ],
)
def test_an_expression_is_drawn_as_it_is_read(body: str, shown: str) -> None:
    assert drawn(body) == shown


@pytest.mark.parametrize(
    "body",
    ["    return a + b\n", "    for x in a:\n        b = mul_div_floor(x, b, 2)\n    return b\n"],
)
def test_what_is_no_formula_has_none(body: str) -> None:
    assert drawn(body) == ""


def test_every_formula_of_the_rules_is_well_formed() -> None:
    found = {name: formulas(definition) for name, definition in LIBRARY.items()}
    some = {name for name, text in found.items() if text}
    for name in some:
        ET.fromstring(found[name])
    assert {"margin_at", "position_terms", "zero_price_amount", "approach"} <= some
