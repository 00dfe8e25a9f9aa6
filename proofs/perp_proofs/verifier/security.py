"""How many bits of security a proof has: the error of every round, from the actual parameters and sizes.

Only proven bounds are used. In the list-decoding regime (Johnson's radius) the batch rests on correlated agreement for
curves, 2025/2055 Theorem 4.2, and every fold by two on mutual correlated agreement for lines, 2025/2110 Theorem 2; in
unique decoding both rest on 2025/2055 Corollary 1.4. Numbers are of the IACR eprint archive. docs/proof-system/
security.md says what was taken second-hand. The hash, BLAKE2s, is a random oracle here; its collisions cost 2^128.
"""

import math
from dataclasses import dataclass

from perp_hash.field import MODULUS
from perp_proofs.verifier.field import DEGREE
from perp_proofs.verifier.plan import ARITY, Plan

JOHNSON = "johnson"
UNIQUE = "unique"

FIELD_BITS = DEGREE * math.log2(MODULUS)
CONSTRAINT_DEGREE = 5
GRINDING_MAX = 24
MARGIN_BITS = 0.01
"""Taken off every figure, so that no two machines can differ about a floating-point number that matters."""

MULTIPLICITY_LEAST = 3
MULTIPLICITY_MAX = 400
"""Of the list decoder in the proofs: the analysis is free to choose it, and the best is chosen."""

LINES_A_LAYER = 3


@dataclass(frozen=True)
class Profile:
    """The parameters of a proof. Never read from one.

    Attributes:
        blowup: Points of the domain a coefficient.
        queries: Rows opened.
        query_grinding: Bits of work before the rows are drawn; so with the others.
        batch_grinding: Before the batch is drawn.
        fold_grinding: Before each layer's folds are drawn.
        decoding: `JOHNSON` or `UNIQUE`: the theorems that the figure rests on.
        target: The least bits to prove or accept with, rounded down.
    """

    name: str
    blowup: int
    queries: int
    query_grinding: int
    batch_grinding: int
    fold_grinding: int
    decoding: str
    target: float

    def __post_init__(self) -> None:
        grinding = (self.query_grinding, self.batch_grinding, self.fold_grinding)
        if self.blowup not in (4, 8, 16) or self.queries < 1 or not all(0 <= bits <= GRINDING_MAX for bits in grinding):
            raise ValueError(f"profile {self.name}: blowup, queries or grinding out of range")
        if self.decoding not in (JOHNSON, UNIQUE):
            raise ValueError(f"profile {self.name}: unknown decoding {self.decoding}")

    def encode(self) -> bytes:
        """What the transcript takes in: every parameter that changes a check."""
        fields = (self.blowup, self.queries, self.query_grinding, self.batch_grinding, self.fold_grinding)
        return f"p={MODULUS} extension=x^5+x^2-1 arity={ARITY} parameters={fields}".encode("ascii")


PROFILE_100 = Profile("100", 4, 84, 20, 8, 16, JOHNSON, 100.0)
"""The default."""

PROFILE_128 = Profile("128", 8, 131, 20, 0, 0, UNIQUE, 128.0)

PROFILES = {profile.name: profile for profile in (PROFILE_100, PROFILE_128)}


@dataclass(frozen=True)
class Sizes:
    """What the errors depend on: see Plan."""

    bound: int
    words: int
    constraints: int
    fractions: int
    height: int
    layers: int

    @classmethod
    def of(cls, plan: Plan, fractions: int) -> "Sizes":
        """The sizes of a plan."""
        return cls(plan.bound, plan.words, plan.constraints, fractions, plan.height, plan.layers)


@dataclass(frozen=True)
class Round:
    """A challenge, and how many bits it takes to get past it, the grinding before it included."""

    name: str
    bits: float


@dataclass(frozen=True)
class Security:
    """The rounds, the weakest of them, and what they all come to together."""

    profile: Profile
    rounds: tuple[Round, ...]
    multiplicity: int | None

    @property
    def bits(self) -> float:
        """The least of the rounds: the work of the best known way to attack is 2 to this."""
        return min(entry.bits for entry in self.rounds)

    @property
    def total(self) -> float:
        """Of the errors of all rounds added."""
        return math.floor(-math.log2(sum(2.0**-entry.bits for entry in self.rounds)) * 100) / 100

    def table(self) -> str:
        """One line a round."""
        lines = [f"{entry.name:<12}{entry.bits:>8.2f}" for entry in self.rounds]
        return "\n".join([*lines, f"{'minimum':<12}{self.bits:>8.2f}", f"{'sum':<12}{self.total:>8.2f}"])

    def sentence(self) -> str:
        """The figure, with what it rests on."""
        profile = self.profile
        if profile.decoding == JOHNSON:
            theorems = "batch 2025/2055 Theorem 4.2, folds 2025/2110 Theorem 2"
        else:
            theorems = "unique decoding, 2025/2055 Corollary 1.4"
        return (
            f"{self.bits:.2f} proven bits ({theorems}), minimum over the rounds, BLAKE2s as a random oracle; "
            f"{profile.query_grinding} of the bits are query grinding, {profile.fold_grinding} fold grinding, "
            f"{profile.batch_grinding} batch grinding"
        )


def rounded(bits: float) -> float:
    """Bits, down to a hundredth and with the margin."""
    return math.floor((bits - MARGIN_BITS) * 100) / 100


def johnson_batch_error(length: float, rate: float, multiplicity: int) -> float:
    """Logarithm of the exceptional challenges a word of a curve. 2025/2055 Theorem 4.2.

    Its multiplicity is read in two ways, sqrt(rate) / (2 eta) or twice that for words at eta from Johnson's radius; the
    larger one, which has more exceptions, counts.
    """
    h = 2 * multiplicity + 0.5
    gamma = 1 - math.sqrt(rate) * (1 + 1 / (2 * multiplicity))
    return math.log2((2 * h**5 + 3 * h * gamma * rate) * length / (3 * rate**1.5) + h / math.sqrt(rate))


def johnson_line_error(length: float, bound: float, multiplicity: int) -> float:
    """Exceptional challenges of a line. 2025/2110 Theorem 2, mutual; its rate is (bound - 1) / length."""
    h = multiplicity + 0.5
    rate = (bound - 1) / length
    return h**7 * length**2 / (3 * rate**1.5)


def unique_error(length: float, rate: float) -> float:
    """Exceptional challenges in unique decoding. 2025/2055 Corollary 1.4."""
    return (1 - rate) / 2 * length + 1


def rounds(profile: Profile, sizes: Sizes, multiplicity: int | None) -> tuple[Round, ...]:
    """The rounds in their order, for one choice of the decoder's multiplicity; None is unique decoding."""
    rate = 1 / profile.blowup
    bound, length = sizes.bound, sizes.bound * profile.blowup
    if multiplicity is None:
        agreement, members = (1 + rate) / 2, 1
        batch = math.log2(unique_error(length, rate))
    else:
        agreement = math.sqrt(rate) * (1 + 1 / (2 * multiplicity))
        members = math.floor((multiplicity + 0.5) * math.sqrt(length / (bound - 1)))
        batch = johnson_batch_error(length, rate, multiplicity)
    listed = math.log2(members)
    # Clearing the denominators of all tables leaves a polynomial of degree 5 n; z is drawn outside the base field.
    point = math.log2(CONSTRAINT_DEGREE * sizes.height) + listed
    result = [
        Round("lookups", FIELD_BITS - listed - math.log2(2 * max(sizes.fractions, 1))),
        Round("constraints", FIELD_BITS - listed - math.log2(max(sizes.constraints - 1, 1))),
        Round("point", math.log2(MODULUS**DEGREE - MODULUS) - point),
        Round("batch", FIELD_BITS - batch - math.log2(sizes.words - 1) + profile.batch_grinding),
    ]
    for layer in range(sizes.layers):
        error = 0.0
        for halving in range(1, LINES_A_LAYER + 1):
            part = ARITY**layer << halving
            if multiplicity is None:
                error += unique_error(length / part, rate)
            else:
                error += johnson_line_error(length / part, bound / part, multiplicity)
        result.append(Round(f"fold {layer + 1}", FIELD_BITS - math.log2(error) + profile.fold_grinding))
    result.append(Round("queries", -profile.queries * math.log2(agreement) + profile.query_grinding))
    return tuple(Round(entry.name, rounded(entry.bits)) for entry in result)


def security(profile: Profile, sizes: Sizes) -> Security:
    """The figure, for the best multiplicity."""
    if profile.decoding == UNIQUE:
        return Security(profile, rounds(profile, sizes, None), None)
    choices = (
        Security(profile, rounds(profile, sizes, multiplicity), multiplicity)
        for multiplicity in range(MULTIPLICITY_LEAST, MULTIPLICITY_MAX)
    )
    return max(choices, key=lambda choice: (choice.bits, choice.total))
