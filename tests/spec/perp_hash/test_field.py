"""The field and its canonical elements."""

import pytest

from perp_hash.field import MODULUS, check_elements, to_signed


def test_modulus_is_koalabear_and_cubing_is_a_bijection() -> None:
    assert MODULUS == 2130706433
    assert (MODULUS - 1) % 3 != 0


@pytest.mark.parametrize("wrong", [-1, MODULUS, 2**31, True, 1.0, "1", None])
def test_only_plain_integers_below_p_are_elements(wrong: object) -> None:
    check_elements([0, 1, MODULUS - 1], "lane")
    with pytest.raises(ValueError, match=r"^lane 1 is not a canonical field element: "):
        check_elements([0, wrong], "lane")  # pyright: ignore[reportArgumentType]


def test_signed_representative_is_the_nearest_to_zero() -> None:
    assert [to_signed(x) for x in (0, 1, MODULUS // 2, MODULUS // 2 + 1, MODULUS - 1)] == [
        0,
        1,
        (MODULUS - 1) // 2,
        -(MODULUS - 1) // 2,
        -1,
    ]
