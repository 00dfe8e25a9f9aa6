"""The security figures, against the design's printed numbers and the formulas evaluated another way."""

import math
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from perp_hash.field import MODULUS
from perp_proofs.verifier.security import (
    JOHNSON,
    PROFILE_100,
    PROFILE_128,
    UNIQUE,
    Profile,
    Sizes,
    rounds,
    security,
)

REFERENCE = Sizes(bound=2**17, words=110, constraints=6000, fractions=2**22, height=2**16, layers=4)
"""The sizes for which figures were computed before this code was written."""


PRINTED = 0.075
"""Figures were printed with one decimal, without the margin and the rounding down of a hundredth each."""


def bits(profile: Profile, sizes: Sizes, multiplicity: int | None) -> dict[str, float]:
    return {entry.name: entry.bits for entry in rounds(profile, sizes, multiplicity)}


def test_the_rounds_of_the_reference_sizes() -> None:
    figures = bits(PROFILE_100, REFERENCE, 30)
    expected = {"queries": 102.0, "batch": 105.2, "lookups": 126.0, "constraints": 136.5, "point": 130.7}
    assert {name: figures[name] for name in expected} == pytest.approx(expected, abs=PRINTED)


def test_the_default_profile_at_the_reference_sizes() -> None:
    assert security(PROFILE_100, REFERENCE).bits == pytest.approx(101.3, abs=PRINTED)
    assert security(PROFILE_100, replace(REFERENCE, bound=2**18)).bits == pytest.approx(100.9, abs=PRINTED)
    wider = replace(PROFILE_100, queries=86)
    largest = replace(REFERENCE, bound=2**20, words=300, layers=5)
    assert security(wider, largest).bits >= 100
    assert security(replace(PROFILE_100, fold_grinding=0), REFERENCE).bits < 96


def smaller_reading(length: float, rate: float, multiplicity: int) -> float:
    """Theorem 4.2 with a multiplicity of sqrt(rate) / (2 eta), which has fewer exceptions."""
    h = multiplicity + 0.5
    gamma = 1 - math.sqrt(rate) * (1 + 1 / (2 * multiplicity))
    return math.log2((2 * h**5 + 3 * h * gamma * rate) * length / (3 * rate**1.5) + h / math.sqrt(rate))


def test_of_two_readings_of_the_theorem_for_the_batch_the_dearer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = replace(PROFILE_100, batch_grinding=0)
    dear, ground = bits(plain, REFERENCE, 22)["batch"], bits(PROFILE_100, REFERENCE, 22)["batch"]
    assert ground - dear == pytest.approx(8, abs=PRINTED)
    figure = security(plain, REFERENCE)
    assert (figure.bits, figure.total) == (100.66, 99.63)
    monkeypatch.setattr("perp_proofs.verifier.security.johnson_batch_error", smaller_reading)
    cheap = bits(plain, REFERENCE, 22)["batch"]
    assert 4.8 < cheap - dear < 5
    assert bits(plain, REFERENCE, 30)["batch"] == pytest.approx(102.1, abs=PRINTED)


def test_unique_decoding_at_the_reference_sizes() -> None:
    figures = bits(PROFILE_128, REFERENCE, None)
    expected = {"queries": 128.7, "batch": 129.4, "lookups": 131.9}
    assert {name: figures[name] for name in expected} == pytest.approx(expected, abs=PRINTED)
    assert security(PROFILE_128, REFERENCE).total == pytest.approx(127.9, abs=PRINTED)
    quarter = replace(PROFILE_100, decoding=UNIQUE, fold_grinding=0)
    assert security(quarter, REFERENCE).bits == pytest.approx(77.0, abs=PRINTED)
    assert security(replace(quarter, queries=118), REFERENCE).bits >= 100
    assert security(replace(quarter, queries=117), REFERENCE).bits < 100


def test_the_fewest_queries_for_a_hundred_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """82 at blowup 4 and 55 at blowup 8, by queries and the batch, that without grinding and by the cheap reading."""
    monkeypatch.setattr("perp_proofs.verifier.security.johnson_batch_error", smaller_reading)
    for blowup, fewest in ((4, 82), (8, 55)):
        for queries, enough in ((fewest, True), (fewest - 1, False)):
            profile = replace(PROFILE_100, blowup=blowup, queries=queries, batch_grinding=0)
            figures = [bits(profile, REFERENCE, multiplicity) for multiplicity in range(3, 200)]
            assert any(min(figure["batch"], figure["queries"]) >= 100 for figure in figures) is enough


def test_every_round_against_exact_arithmetic() -> None:
    """The errors again, with fractions and a 40-digit square root."""
    mu, profile, sizes = 22, PROFILE_100, REFERENCE
    field = MODULUS**5
    rate = Fraction(1, profile.blowup)
    length = sizes.bound * profile.blowup
    root = Fraction(1, 2)
    assert root * root == rate
    h, h_batch = Fraction(2 * mu + 1, 2), Fraction(4 * mu + 1, 2)
    agreement = root * (1 + Fraction(1, 2 * mu))
    listed = math.isqrt(int(h**2 * length / (sizes.bound - 1)))
    batch = (2 * h_batch**5 + 3 * h_batch * (1 - agreement) * rate) * length / (3 * root**3) + h_batch / root
    errors = {
        "lookups": Fraction(listed * 2 * sizes.fractions, field),
        "constraints": Fraction(listed * (sizes.constraints - 1), field),
        "point": Fraction(listed * 5 * sizes.height, field - MODULUS),
        "batch": batch * (sizes.words - 1) / field / 2**profile.batch_grinding,
        "queries": agreement**profile.queries / 2**profile.query_grinding,
    }
    for layer in range(sizes.layers):
        total = Fraction(0)
        for halving in (1, 2, 3):
            part = 8**layer * 2**halving
            shorter = Fraction(length, part)
            exact = Fraction(sizes.bound, part) - 1
            # 1 / rate^1.5 = sqrt((length / (bound - 1))^3), rounded up.
            cubed = (shorter / exact) ** 3
            up = Fraction(math.isqrt(cubed.numerator * 10**80 // cubed.denominator) + 1, 10**40)
            total += h**7 * shorter**2 * up / 3
        errors[f"fold {layer + 1}"] = total / field / 2**profile.fold_grinding
    for name, figure in bits(profile, sizes, mu).items():
        exact = -math.log2(errors[name])
        assert exact - 0.021 <= figure <= exact - 0.009, name


def test_figures_fall_as_sizes_grow() -> None:
    for change in (
        {"bound": 2**18},
        {"words": 220},
        {"constraints": 12000},
        {"fractions": 2**23},
        {"height": 2**17},
    ):
        before, after = bits(PROFILE_100, REFERENCE, 22), bits(PROFILE_100, replace(REFERENCE, **change), 22)
        assert all(after[name] <= before[name] for name in before)
        assert after != before


def test_the_decoder_s_multiplicity_is_three_at_least() -> None:
    """Given so many queries that the other rounds alone would have it smaller, then the theorems still ask for it."""
    assert security(replace(PROFILE_100, queries=1_000), replace(REFERENCE, bound=2**20)).multiplicity == 3


def test_the_sum_is_below_the_minimum() -> None:
    figure = security(PROFILE_100, REFERENCE)
    assert figure.bits - math.log2(len(figure.rounds)) <= figure.total < figure.bits
    assert f"{figure.bits:.2f} proven bits" in figure.sentence()
    assert figure.table().splitlines()[-2:] == [f"minimum       {figure.bits:.2f}", f"sum           {figure.total:.2f}"]


@pytest.mark.parametrize(
    "change",
    [
        {"blowup": 0},
        {"blowup": 1},
        {"blowup": 2},
        {"queries": 0},
        {"query_grinding": 25},
        {"batch_grinding": 25},
        {"fold_grinding": 25},
        {"query_grinding": -1},
        {"batch_grinding": -1},
        {"fold_grinding": -1},
        {"decoding": "capacity"},
    ],
)
def test_a_profile_without_security_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="profile"):
        replace(PROFILE_100, **change)


def test_the_profiles() -> None:
    assert (PROFILE_100.decoding, PROFILE_100.target) == (JOHNSON, 100.0)
    assert (PROFILE_128.decoding, PROFILE_128.target) == (UNIQUE, 128.0)


def test_the_page_prints_these_figures(root: Path) -> None:
    page = (root / "docs" / "proof-system" / "security.md").read_text(encoding="utf-8")
    page = " ".join(re.sub("<!--=.*?-->", "", page).split())
    figure = security(PROFILE_100, REFERENCE)
    names = {"queries": "queries", "first fold": "fold 1", "batch": "batch", "lookups": "lookups"}
    names |= {"constraints": "constraints", "point": "point"}
    bits_of = {entry.name: entry.bits for entry in figure.rounds}
    parts = ", ".join(f"{shown} {bits_of[name]}" for shown, name in names.items())
    assert f"has {figure.bits} bits ({parts}; sum {figure.total})." in page
    other = security(PROFILE_128, REFERENCE)
    assert f'"128" has {other.bits} (sum {other.total:.2f}).' in page
    for profile in (PROFILE_100, PROFILE_128):
        assert f'"{profile.name}"' in page
    one, two = PROFILE_100, PROFILE_128
    grinding = [
        f"{profile.query_grinding}, {profile.batch_grinding}, {profile.fold_grinding} bits" for profile in (one, two)
    ]
    assert f"| blowup B | {one.blowup} | {two.blowup} |" in page
    assert f"| queries q | {one.queries} | {two.queries} |" in page
    assert f"| {grinding[0]} | {grinding[1]} |" in page
