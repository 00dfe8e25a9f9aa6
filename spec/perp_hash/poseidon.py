"""The permutation: the original Poseidon over KoalaBear, 16 lanes, S-box x^3, 8 full rounds around the partial ones.

A suite is a name for one exact choice of everything on the page docs/hash-suite.md. Two are defined: with 20 partial
rounds as published for this width and S-box, and, the default, with 40. Attacks on permutations of this kind are
algebraic and still improve, and they have to pass the partial rounds; a partial round costs a proof one column of about
164 where a full round costs 16. Doubling the partial rounds is the cheapest margin there is.
"""

import functools
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from perp_hash.field import MODULUS, check_elements
from perp_hash.grain import round_constants

WIDTH = 16
"""Lanes of a state."""

FULL_ROUNDS = 8
"""Rounds that cube every lane: half of them before the partial rounds, half after."""

MATRIX_FIRST_ROW = (1, 1, 51, 1, 11, 17, 2, 1, 101, 63, 15, 2, 67, 22, 13, 3)
"""The mixing matrix is circulant: row i is this row rotated right by i places. Small entries keep sums small."""


@dataclass(frozen=True, eq=False)
class Suite:
    """One named permutation. Suites are compared by identity; `name` and `version` are what is written down."""

    name: str
    version: int
    """Rises when anything built on the permutation changes meaning: tags, padding, packing."""
    full_rounds: int
    partial_rounds: int
    round_constants: tuple[tuple[int, ...], ...]
    """16 elements a round, added to all lanes before the S-boxes of the round."""
    matrix_first_row: tuple[int, ...]

    @property
    def identifier(self) -> str:
        """Name and version in one text, for digests and files."""
        return f"{self.name}.v{self.version}"


def make_suite(partial_rounds: int) -> Suite:
    """The suite of version 1 with this many partial rounds."""
    return Suite(
        name=f"poseidon-koalabear-{WIDTH}-r{FULL_ROUNDS}-{partial_rounds}",
        version=1,
        full_rounds=FULL_ROUNDS,
        partial_rounds=partial_rounds,
        round_constants=round_constants(WIDTH, FULL_ROUNDS, partial_rounds),
        matrix_first_row=MATRIX_FIRST_ROW,
    )


POSEIDON_R8_40 = make_suite(40)
"""With the margin described above."""

POSEIDON_R8_20 = make_suite(20)
"""As published."""

DEFAULT_SUITE = POSEIDON_R8_40

SUITES = {suite.name: suite for suite in (POSEIDON_R8_40, POSEIDON_R8_20)}


def suite_named(name: str) -> Suite:
    """The suite of this name. Raises ValueError for an unknown one."""
    if name not in SUITES:
        raise ValueError(f"unknown hash suite: {name!r}")
    return SUITES[name]


def check_state(state: Sequence[int]) -> None:
    """Raise ValueError unless the state is 16 canonical elements."""
    if len(state) != WIDTH:
        raise ValueError(f"a state has {WIDTH} lanes, not {len(state)}")
    check_elements(state, "lane")


def permute_by_definition(suite: Suite, state: Sequence[int]) -> tuple[int, ...]:
    """The permutation as the paper writes it, to be read rather than run: permute, slowly."""
    check_state(state)
    lanes = list(state)
    first_partial = suite.full_rounds // 2
    for number, constants in enumerate(suite.round_constants):
        is_partial = first_partial <= number < first_partial + suite.partial_rounds
        lanes = [(lane + constant) % MODULUS for lane, constant in zip(lanes, constants, strict=True)]
        lanes = [lane**3 % MODULUS if index == 0 or not is_partial else lane for index, lane in enumerate(lanes)]
        row = suite.matrix_first_row
        lanes = [sum(row[j - i] * lanes[j] for j in range(WIDTH)) % MODULUS for i in range(WIDTH)]
    return tuple(lanes)


LANE_BITS = 64
"""A state is also kept as one integer, a slot of 64 bits a lane, lane 0 lowest."""

LANE_MASK = 2**LANE_BITS - 1

STATE_MASK = 2 ** (LANE_BITS * WIDTH) - 1

STATE_FORMAT = struct.Struct("<16Q")

LAZY_ROUNDS = 3
"""Partial rounds between two reductions. A round multiplies a lane by at most 371, the sum of a matrix row, so lanes
below p stay below 2^58 over three rounds with constants added, and inside their slots; a fourth could overflow."""


def pack_lanes(lanes: Sequence[int]) -> int:
    """Sixteen lanes below 2^64 as one integer."""
    return int.from_bytes(STATE_FORMAT.pack(*lanes), "little")


def unpack_lanes(packed: int) -> tuple[int, ...]:
    """The inverse of pack_lanes."""
    return STATE_FORMAT.unpack(packed.to_bytes(STATE_FORMAT.size, "little"))


@functools.cache
def packed_suite(suite: Suite) -> tuple[tuple[int, ...], int]:
    """The constants of every round, and the first column of the matrix, each as one integer of sixteen slots."""
    row = suite.matrix_first_row
    first_column = [row[-index] for index in range(WIDTH)]
    return tuple(pack_lanes(constants) for constants in suite.round_constants), pack_lanes(first_column)


def mix(packed: int, matrix: int) -> int:
    """A circulant matrix is a cyclic convolution: one product of integers, its upper half added to the lower."""
    product = packed * matrix
    return (product & STATE_MASK) + (product >> LANE_BITS * WIDTH)


def full_rounds(packed: int, constants: Sequence[int], matrix: int) -> int:
    """Full rounds on a packed state with lanes below 2^63; leaves lanes below 2^40."""
    for constant in constants:
        packed = mix(pack_lanes([lane * lane * lane % MODULUS for lane in unpack_lanes(packed + constant)]), matrix)
    return packed


def partial_rounds(packed: int, constants: Sequence[int], matrix: int) -> int:
    """Partial rounds on a packed state of any lanes below 2^64; leaves lanes below 2^58."""
    for number, constant in enumerate(constants):
        if number % LAZY_ROUNDS == 0:
            packed = pack_lanes([lane % MODULUS for lane in unpack_lanes(packed)])
        packed += constant
        lane = packed & LANE_MASK
        packed = mix(packed - lane + lane * lane * lane % MODULUS, matrix)
    return packed


def permute(suite: Suite, state: Sequence[int]) -> tuple[int, ...]:
    """The permutation of a state of 16 canonical elements, giving 16 canonical elements.

    Raises ValueError for another length or an element outside 0 <= x < p.
    """
    check_state(state)
    constants, matrix = packed_suite(suite)
    first_partial = suite.full_rounds // 2
    last_full = first_partial + suite.partial_rounds
    packed = full_rounds(pack_lanes(state), constants[:first_partial], matrix)
    packed = partial_rounds(packed, constants[first_partial:last_full], matrix)
    packed = full_rounds(packed, constants[last_full:], matrix)
    return tuple(lane % MODULUS for lane in unpack_lanes(packed))
