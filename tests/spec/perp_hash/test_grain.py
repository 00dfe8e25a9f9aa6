"""The generator of the round constants, against a second one written bit by bit."""

from itertools import islice

import pytest

from perp_hash.field import MODULUS
from perp_hash.grain import candidates, register_bits, round_constants, seed_register
from perp_hash.poseidon import POSEIDON_R8_20, POSEIDON_R8_40, Suite


def bits_one_by_one(register: int, count: int) -> list[int]:
    bits = [register >> place & 1 for place in range(80)]
    for _ in range(count):
        bits.append(bits[-18] ^ bits[-29] ^ bits[-42] ^ bits[-57] ^ bits[-67] ^ bits[-80])
    return bits[80:]


def test_seed_spells_the_parameters() -> None:
    register = seed_register(16, 8, 20)
    assert "".join(str(register >> place & 1) for place in range(80)) == (
        "01" + "0000" + "000000011111" + "000000010000" + "0000001000" + "0000010100" + "1" * 30
    )


def test_register_feeds_back_the_six_taps() -> None:
    register = seed_register(16, 8, 40)
    assert list(islice(register_bits(register), 1000)) == bits_one_by_one(register, 1000)


def test_candidates_take_the_second_bit_of_pairs_that_start_with_one() -> None:
    register = seed_register(16, 8, 40)
    bits = bits_one_by_one(register, 2000)[160:]
    taken = [second for first, second in zip(bits[::2], bits[1::2], strict=True) if first]
    expected = [int("".join(map(str, taken[start : start + 31])), 2) for start in range(0, 310, 31)]
    assert list(islice(candidates(register), 10)) == expected


def test_candidates_from_p_on_are_skipped() -> None:
    drawn = list(islice(candidates(seed_register(16, 8, 40)), 800))
    assert any(value >= MODULUS for value in drawn)
    kept = [value for value in drawn if value < MODULUS]
    flat = [value for constants in round_constants(16, 8, 40) for value in constants]
    assert flat == kept[: len(flat)]


@pytest.mark.parametrize("suite", [POSEIDON_R8_20, POSEIDON_R8_40], ids=lambda suite: suite.name)
def test_every_round_has_sixteen_constants(suite: Suite) -> None:
    assert [len(constants) for constants in suite.round_constants] == [16] * (8 + suite.partial_rounds)
