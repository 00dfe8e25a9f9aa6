"""Merkle multiproofs against whole trees."""

from random import Random

from perp_proofs.verifier.merkle import hash_node, hash_row, missing, root_of


def levels_of(rows: list[bytes]) -> list[list[bytes]]:
    levels = [[hash_row(row) for row in rows]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([hash_node(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return levels


def test_the_root_follows_from_any_rows_and_what_is_missing() -> None:
    random = Random(1)
    for depth in (0, 1, 4, 6):
        rows = [bytes((place, depth)) for place in range(1 << depth)]
        levels = levels_of(rows)
        for _ in range(20):
            indices = {random.randrange(1 << depth) for _ in range(random.randrange(1, 6))}
            given = [levels[height][index] for height, index in missing(depth, indices)]
            taken = iter(given)
            assert root_of(depth, {index: levels[0][index] for index in indices}, taken.__next__) == levels[-1][0]
            assert list(taken) == []


def test_every_wrong_digest_leads_elsewhere() -> None:
    rows = [bytes((place,)) for place in range(16)]
    levels = levels_of(rows)
    indices = {3, 4, 11}
    given = [levels[height][index] for height, index in missing(4, indices)]
    for place in range(len(given)):
        wrong = given[:]
        wrong[place] = bytes(32)
        taken = iter(wrong)
        assert root_of(4, {index: levels[0][index] for index in indices}, taken.__next__) != levels[-1][0]


def test_a_row_is_no_node() -> None:
    left, right = hash_row(b"a"), hash_row(b"b")
    assert hash_row(left + right) != hash_node(left, right)


def test_length_is_bound() -> None:
    assert len({hash_row(bytes(length)) for length in range(130)}) == 130
