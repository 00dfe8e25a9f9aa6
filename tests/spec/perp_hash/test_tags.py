"""Domain tags."""

from perp_hash.tags import Tag


def test_numbers_are_distinct_and_leave_zero_to_the_steps_of_a_chain() -> None:
    assert [tag.value for tag in Tag] == [number for number in range(1, len(Tag) + 2) if number != 5]
    assert len(Tag.__members__) == len(Tag)
