"""The gadgets: certificates, honest rows at all extremes, wrong results, and limbs that are too long."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from perp_hash.field import MODULUS
from perp_hash.words import word_from_limbs
from perp_proofs.air import certificates, gadgets, gate, products, sheet, words
from perp_proofs.air.buses import RANGE, RANGE_TOP
from perp_proofs.air.certificates import Bench, unique_limbs
from perp_proofs.air.gadgets import (
    added,
    all_zero,
    at_most_canonical,
    at_most_zero,
    choose_word,
    constant_word,
    demand_limb_total,
    demand_not_negative,
    differences,
    limb_total,
    normalise,
    scaled,
)
from perp_proofs.air.gate import gate_faults
from perp_proofs.air.products import Comparison, Division, divide, multiply, product_at_most
from perp_proofs.air.words import BASE, WHOLE, Shape, limbs_of
from perp_proofs.program.listing import WORD_MAX
from support.gadgets import complaints, filled, value_in

PPM = 1_000_000
EXTREMES = sorted(
    {sign * (2**bits + offset) for bits in (0, 13, 26, 39, 52, 62) for offset in (-1, 0, 1) for sign in (1, -1)}
    | {WORD_MAX, -WORD_MAX, 0}
)


def pairs(count: int) -> Iterator[tuple[int, int]]:
    random = Random(1)
    for first in EXTREMES:
        for second in random.sample(EXTREMES, 4):
            yield first, second
    for _ in range(count):
        first, second = (random.randint(-(2**bits) + 1, 2**bits - 1) for bits in random.choices(range(1, 64), k=2))
        yield first, second


# Certificates


@pytest.mark.parametrize("certificate", certificates.certificates(), ids=lambda one: one.gadget)
def test_the_equations_of_a_gadget_make_its_statement(certificate: Any) -> None:
    assert (certificate.holds, certificate.faults) == (True, [])
    assert certificate.proved


def test_a_wrong_equation_has_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    right = products.limb_sum
    monkeypatch.setattr(products, "limb_sum", lambda sheet, limbs: right(sheet, (*limbs, 1)))
    assert not certificates.divide_certificate("floor", None).holds


@pytest.mark.parametrize("limbs", range(1, 6))
def test_limbs_are_unique(limbs: int) -> None:
    assert unique_limbs(Shape(limbs, True))


def test_limbs_that_overlap_are_not_unique(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "BASE", BASE // 2)
    assert not unique_limbs(WHOLE)


# Honest rows


def test_sums_are_carried() -> None:
    bench = Bench("sum")
    first, second = bench.word("x"), bench.word("y")
    total = added(bench.sheet, first, scaled(second, -1))
    made = normalise(bench.sheet, "n", total._replace(low=-WORD_MAX, high=WORD_MAX), WHOLE)
    for one, other in pairs(100):
        if abs(one - other) <= WORD_MAX:
            row = filled(bench, [one, other])
            assert complaints(bench.sheet.table, row) == []
            limbs = [value_in(bench, row, limb) for limb in made.limbs]
            assert word_from_limbs(limbs) == one - other


def test_a_sum_that_has_more_limbs_than_its_shape_is_caught() -> None:
    """Given two limbs carried into one, the lower one right, then the upper one is not forgotten."""
    bench = Bench("short")
    long = bench.word("x", 0, BASE * 100)
    normalise(bench.sheet, "n", long._replace(high=BASE - 1), Shape(1, False))
    lower = [column.name for column in bench.sheet.table.columns].index("n.0")
    for value in (0, 5, BASE - 1, BASE, BASE + 5, 100 * BASE):
        row = filled(bench, [value])
        row[lower] = value % BASE
        assert complaints(bench.sheet.table, row) == (["n"] if value >= BASE else [])


def test_comparisons_tell_what_is_so() -> None:
    bench = Bench("compare")
    first, second = bench.word("x"), bench.word("y")
    bit = at_most_zero(bench.sheet, "bit", added(bench.sheet, first, scaled(second, -1))).bit
    sign = at_most_canonical(bench.sheet, "sign", first, -1, 1)
    same = all_zero(bench.sheet, "same", gadgets.differences(bench.sheet, first, second))
    for one, other in [*pairs(100), (5, 5), (-WORD_MAX, -WORD_MAX)]:
        row = filled(bench, [one, other])
        assert complaints(bench.sheet.table, row) == []
        said = [value_in(bench, row, term) for term in (bit, sign, same)]
        assert said == [one <= other, one > 0, one == other]


@pytest.mark.parametrize("name", ["bit", "sign", "same"])
def test_a_wrong_comparison_is_caught(name: str) -> None:
    bench = Bench("compare")
    first, second = bench.word("x"), bench.word("y")
    at_most_zero(bench.sheet, "bit", added(bench.sheet, first, scaled(second, -1)))
    at_most_canonical(bench.sheet, "sign", first, -1, 1)
    all_zero(bench.sheet, "same", gadgets.differences(bench.sheet, first, second))
    number = [column.name for column in bench.sheet.table.columns].index(name)
    for one, other in [*pairs(20), (5, 5), (0, 0)]:
        row = filled(bench, [one, other])
        row[number] = 1 - row[number]
        assert complaints(bench.sheet.table, row)


def test_what_differs_is_not_said_to_be_the_same() -> None:
    """Given a bit that says so, and witnesses of nothing, as where it is true, then each difference says no."""
    bench = Bench("compare")
    first, second = bench.word("x"), bench.word("y")
    all_zero(bench.sheet, "same", gadgets.differences(bench.sheet, first, second))
    names = [column.name for column in bench.sheet.table.columns]
    for one, other in ((0, 1), (0, BASE**2), (0, BASE**4), (1, -1)):
        row = filled(bench, [one, other])
        row[names.index("same")] = 1
        for at, name in enumerate(names):
            row[at] = 0 if ".witness" in name else row[at]
        assert len(complaints(bench.sheet.table, row)) == 1


def test_the_sign_of_zero_is_forced() -> None:
    """Given x = y, no witness makes the comparison of x - y with 0 say that it is above."""
    bench = Bench("compare")
    first, second = bench.word("x", 0, 3), bench.word("y", 0, 3)
    at_most_zero(bench.sheet, "bit", added(bench.sheet, first, scaled(second, -1)))
    names = [column.name for column in bench.sheet.table.columns]
    row = filled(bench, [2, 2])
    assert row[names.index("bit")] == 1
    row[names.index("bit")] = 0
    assert complaints(bench.sheet.table, row) == [(RANGE, MODULUS - 1)]


@pytest.mark.parametrize(("low", "high"), [(-WORD_MAX, WORD_MAX), (0, WORD_MAX), (0, 2**31)])
def test_products_are_complete(low: int, high: int) -> None:
    bench = Bench("multiply")
    first, second = bench.word("a", low, high), bench.word("b", low, high)
    multiply(bench.sheet, "w", first, second, 2, low * high if low else 0, min(high * high, WORD_MAX))
    count = 0
    for one, other in ((max(one, low), max(other, low)) for one, other in pairs(400)):
        if one <= high and other <= high and abs(one * other) <= WORD_MAX:
            assert complaints(bench.sheet.table, filled(bench, [one, other, one * other])) == []
            count += 1
    assert count > 50


@pytest.mark.parametrize("code", ["floor", "ceil"])
@pytest.mark.parametrize("divisor", [PPM, 7, 60, 86_400, 1_000_003, None])
def test_divisions_are_complete(code: str, divisor: int | None) -> None:
    bench = Bench("divide")
    first, second = bench.word("a"), bench.word("b")
    by = constant_word(divisor) if divisor else bench.word("d", 1)
    divide(bench.sheet, "x", Division(code, first, second, by, bench.count, (-WORD_MAX, WORD_MAX)))
    random = Random(3)
    count = 0
    for one, other in pairs(300):
        most = divisor or max(random.choice(EXTREMES), 1)
        quotient = one * other // most if code == "floor" else -(-one * other // most)
        if abs(quotient) > WORD_MAX:
            continue
        rest = abs(one * other - quotient * most)
        given = [one, other] if divisor else [one, other, most]
        assert complaints(bench.sheet.table, filled(bench, [*given, quotient, rest])) == []
        count += 1
    assert count > 50


@pytest.mark.parametrize("code", ["floor", "ceil"])
@pytest.mark.parametrize("divisor", [PPM, None])
@pytest.mark.parametrize("off", [-1, 1])
def test_a_quotient_that_is_off_by_one_has_no_row(code: str, divisor: int | None, off: int) -> None:
    bench = Bench("divide")
    first, second = bench.word("a"), bench.word("b")
    by = constant_word(divisor) if divisor else bench.word("d", 1)
    divide(bench.sheet, "x", Division(code, first, second, by, bench.count, (-WORD_MAX, WORD_MAX)))
    for one, other in [(12_345, 678_901), (-12_345, 678_901), (PPM, 5), (0, 0)]:
        most = divisor or 999
        quotient = (one * other // most if code == "floor" else -(-one * other // most)) + off
        rest = one * other - quotient * most if code == "floor" else quotient * most - one * other
        given = [one, other] if divisor else [one, other, most]
        assert complaints(bench.sheet.table, filled(bench, [*given, quotient, rest]))


def test_products_are_compared() -> None:
    bench = Bench("compare")
    a, b, c, d = (bench.word(name) for name in "abcd")
    bit = product_at_most(bench.sheet, "bit", Comparison((a, b), (c, d))).bit
    names = [column.name for column in bench.sheet.table.columns]
    random = Random(4)
    for one, other in [*pairs(60), (6, 6)]:
        for three, four in (random.choice(list(pairs(3))), (other, one), (2, 18)):
            row = filled(bench, [one, other, three, four])
            assert complaints(bench.sheet.table, row) == []
            assert row[names.index("bit")] == (one * other <= three * four)
            row[names.index("bit")] = 1 - row[names.index("bit")]
            assert complaints(bench.sheet.table, row)
    assert bit.degree == 1


# Limbs that are too long


@pytest.fixture(params=[15, 16])
def long_limbs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Limbs of 15 or 16 bits, and range tables as long."""
    bits: int = request.param
    for module in (words, gadgets, products, certificates):
        monkeypatch.setattr(module, "BASE", 1 << bits)
    monkeypatch.setattr(gadgets, "PAIR", 1 << 2 * bits)
    monkeypatch.setattr(words, "LIMB_BITS", bits)
    monkeypatch.setattr(words, "TOP_SIZE", 1 << bits)
    monkeypatch.setattr(gadgets, "TOP_SIZE", 1)
    for module in (sheet, gate):
        monkeypatch.setattr(module, "LOOKED_UP", {RANGE: 1 << bits, RANGE_TOP: 1 << bits})
    return bits


def test_the_gate_refuses_longer_limbs(long_limbs: int) -> None:
    bench = Bench("multiply")
    size = 1 << 5 * long_limbs
    first, second = (bench.given(name, Shape(5, False), 0, size - 1) for name in "ab")
    multiply(bench.sheet, "w", first, second, 2, 0, size - 1)
    assert any("equation" in fault for fault in gate_faults(bench.sheet.table, bench.sheet.claims, {}))


def test_with_longer_limbs_a_product_can_be_forged(long_limbs: int) -> None:
    """Given the sum of two products of limbs above p, then p less is accepted: the row checker finds nothing."""
    base = 1 << long_limbs
    bench = Bench("multiply")
    size = base**5
    first, second = (bench.given(name, Shape(5, False), 0, size - 1) for name in "ab")
    multiply(bench.sheet, "w", first, second, 2, 0, size - 1)
    one, other = (base - 1) * (1 + base), (base - 1) * (base + base**2)
    false = one * other - MODULUS * base**2
    table = bench.sheet.table
    row = filled(bench, [one, other, false])
    names = [column.name for column in table.columns]
    forge(row, names, parts(one, base), parts(other, base), parts(false, base), base)
    assert complaints(table, row) == []


def parts(value: int, base: int) -> list[int]:
    return [value // base**at % base for at in range(5)]


def forge(row: list[int], names: list[str], a: list[int], b: list[int], w: list[int], base: int) -> None:
    """Carries modulo p of a product that is p * base^2 too small."""
    carry = 0
    for at in range(4):
        total = sum(a[i] * b[at - i] for i in range(at + 1)) - w[at] + carry - (MODULUS if at == 2 else 0)
        assert total % base == 0
        carry = total // base
        row[names.index(f"w.carry{at + 1}")] = carry % MODULUS
        part = f"w.carry{at + 1}.part"
        if part in names:
            row[names.index(part)] = carry // base


def test_with_limbs_of_13_bits_it_cannot() -> None:
    bench = Bench("multiply")
    first, second = (bench.given(name, Shape(5, False), 0, BASE**5 - 1) for name in "ab")
    multiply(bench.sheet, "w", first, second, 2, 0, BASE**5 - 1)
    assert gate_faults(bench.sheet.table, bench.sheet.claims, {}) == []
    assert limbs_of(BASE - 1, 5) == [BASE - 1, 0, 0, 0, 0]


# What they take


MILLION = constant_word(1_000_000)
WHOLE_RANGE = (-WORD_MAX, WORD_MAX)
GADGETS: dict[str, tuple[int, Callable[..., Any]]] = {
    "sum": (2, added),
    "carry a sum": (2, lambda b, x, y: normalise(b, "n", added(b, x, y), WHOLE)),
    "at most 0, as a bit e": (2, lambda b, x, y: at_most_zero(b, "n", added(b, x, y))),
    "at most 0, as a guard": (2, lambda b, x, y: demand_not_negative(b, "n", added(b, x, y))),
    "the same bit of a carried word": (1, lambda b, x: at_most_canonical(b, "n", x, 1, 0)),
    "the same guard": (1, lambda b, x: demand_limb_total(b, "n", limb_total(b, x, 1))),
    "equal, as a bit": (2, lambda b, x, y: all_zero(b, "n", differences(b, x, y))),
    "choice": (2, lambda b, x, y: choose_word(b, "n", b.active, x, y)),
    "product": (2, lambda b, x, y: multiply(b, "n", x, y, 0, *WHOLE_RANGE)),
    "division by a million": (2, lambda b, x, y: divide(b, "n", Division("floor", x, y, MILLION, 0, WHOLE_RANGE))),
    "division by a word": (
        3,
        lambda b, x, y, z: divide(b, "n", Division("floor", x, y, z._replace(low=1), 0, WHOLE_RANGE)),
    ),
    "comparison of products": (4, lambda b, x, y, z, w: product_at_most(b, "n", Comparison((x, y), (z, w)))),
}


@pytest.mark.parametrize("name", GADGETS)
def test_the_page_says_what_a_gadget_takes(root: Path, name: str) -> None:
    words, gadget = GADGETS[name]
    bench = Bench(name)
    given = [bench.word(f"x{at}") for at in range(words)]
    table = bench.sheet.table
    before = len(table.columns), len(table.fractions)
    gadget(bench.sheet, *given)
    page = (root / "docs" / "proof-system" / "rules-side.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
    said = [int(number) for number in line.split("|")[3:5]]
    assert said == [len(table.columns) - before[0], len(table.fractions) - before[1]]


def test_the_page_speaks_of_all_of_them(root: Path) -> None:
    page = (root / "docs" / "proof-system" / "rules-side.md").read_text(encoding="utf-8")
    table = page.partition("| gadget |")[2].partition("\n\n")[0].splitlines()[2:]
    assert [line.split(" |")[0].removeprefix("| ") for line in table] == list(GADGETS)
