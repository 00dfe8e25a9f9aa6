"""Round constants from the Grain LFSR, as in the Poseidon paper (Grassi et al., USENIX Security 2021, appendix E).

The register is seeded with nothing but the parameters of the permutation, so nobody could have chosen the constants.
"""

from collections.abc import Iterator

from perp_hash.field import ELEMENT_BITS, MODULUS

REGISTER_BITS = 80

TAPS = (62, 51, 38, 23, 13, 0)
"""The next bit is the exclusive or of the bits at these places, the oldest bit being at place 0."""

STRIDE = REGISTER_BITS - max(TAPS)
"""So many next bits depend on bits already in the register only, and are computed together."""

DISCARDED_BITS = 160
"""Bits thrown away before the first use, so that every bit of the seed has spread over the register."""

PRIME_FIELD = 1
"""The code for a prime field in the seed."""

POWER_S_BOX = 0
"""The code for the S-box x -> x^d in the seed."""


def seed_register(width: int, full_rounds: int, partial_rounds: int) -> int:
    """The 80 seed bits as an integer whose lowest bit is the first (oldest) one."""
    fields = (
        (PRIME_FIELD, 2),
        (POWER_S_BOX, 4),
        (ELEMENT_BITS, 12),
        (width, 12),
        (full_rounds, 10),
        (partial_rounds, 10),
        (2**30 - 1, 30),
    )
    text = "".join(f"{value:0{bits}b}" for value, bits in fields)
    return int(text[::-1], 2)


def register_bits(register: int) -> Iterator[int]:
    """Every bit that the register feeds back, from the first one on, without end."""
    while True:
        fresh = 0
        for tap in TAPS:
            fresh ^= register >> tap
        fresh &= (1 << STRIDE) - 1
        register = register >> STRIDE | fresh << (REGISTER_BITS - STRIDE)
        for place in range(STRIDE):
            yield fresh >> place & 1


def candidates(register: int) -> Iterator[int]:
    """Integers of 31 bits, most significant bit first. Bits are read in pairs: after a 1 the second bit counts."""
    bits = register_bits(register)
    for _ in range(DISCARDED_BITS):
        next(bits)
    while True:
        value = 0
        taken = 0
        while taken < ELEMENT_BITS:
            chosen, bit = next(bits), next(bits)
            if chosen:
                value = value << 1 | bit
                taken += 1
        yield value


def round_constants(width: int, full_rounds: int, partial_rounds: int) -> tuple[tuple[int, ...], ...]:
    """The constants, one tuple of `width` elements a round. Candidates that are not below p are skipped.

    The seed holds the width in 12 bits and each number of rounds in 10.
    """
    accepted = (value for value in candidates(seed_register(width, full_rounds, partial_rounds)) if value < MODULUS)
    return tuple(tuple(next(accepted) for _ in range(width)) for _ in range(full_rounds + partial_rounds))
