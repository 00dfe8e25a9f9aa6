"""The plan: where every column lies, and what no proof can choose."""

import dataclasses

import pytest

from perp_proofs.air.system import Heights, MalformedSystem, System
from perp_proofs.air.tape import Node
from perp_proofs.verifier.errors import ProofError
from perp_proofs.verifier.plan import FRACTIONS, QUOTIENT, TRACE, Block, fingerprint, plan
from support.toys import power_table, range_table, taker_table, toy_system

SYSTEM = toy_system()


def test_columns_are_packed_by_phase_and_height() -> None:
    shape = plan(SYSTEM, (32, 1024, 16), 512, 4)
    assert [dataclasses.replace(block, columns=()) for block in shape.blocks] == [
        Block(TRACE, 1024, (), 1, 2, 0, 0),
        Block(TRACE, 32, (), 16, 1, 8, 8),
        Block(TRACE, 16, (), 32, 1, 9, 9),
        Block(FRACTIONS, 1024, (), 1, 2, 10, 13),
        Block(FRACTIONS, 32, (), 16, 1, 30, 33),
        Block(FRACTIONS, 16, (), 32, 1, 31, 38),
        Block(QUOTIENT, 4096, (), 1, 8, 32, 43),
    ]
    assert shape.stacks == (10, 22, 40)
    assert (shape.slots, shape.sums, shape.words) == (83, 30, 2 * 72 + 22)
    assert shape.blocks[0].columns == tuple((1, column) for column in range(4))
    assert (shape.size, shape.layers, shape.final_length, shape.height, shape.message_width) == (2048, 1, 64, 1024, 3)


def test_columns_of_one_height_share_stacks_in_the_order_of_the_tables() -> None:
    shape = plan(SYSTEM, (32, 32, 32), 1024, 4)
    assert shape.blocks[0].columns == ((0, 0), *((1, column) for column in range(4)), *((2, c) for c in range(4)))
    assert shape.stacks == (1, 1, 1)


@pytest.mark.parametrize(
    ("bound", "layers", "final"), [(512, 1, 64), (1024, 2, 16), (2048, 2, 32), (4096, 2, 64), (2**17, 4, 32)]
)
def test_folding_ends_at_sixty_four_coefficients(bound: int, layers: int, final: int) -> None:
    shape = plan(SYSTEM, (32, 16, None), bound, 4)
    assert (shape.layers, shape.final_length) == (layers, final)


@pytest.mark.parametrize(
    ("heights", "bound", "message"),
    [
        ((32, 16), 512, "2 heights for 3 tables"),
        ((None, 16, 16), 512, "table range is absent"),
        ((64, 16, 16), 512, "table range cannot have 64 rows"),
        ((32, 0, 16), 512, "table power cannot have 0 rows"),
        ((32, -16, 16), 512, "table power cannot have -16 rows"),
        ((32, 24, 16), 512, "table power cannot have 24 rows"),
        ((32, 16, 2), 512, "table taker cannot have 2 rows"),
        ((32, 16, 16), 256, "a degree bound of 256 is no power of two from 512 on"),
        ((32, 16, 16), 768, "a degree bound of 768 is no power of two from 512 on"),
        ((32, 16, 16), 2**23, "a domain of 33554432 points has more than 16777216"),
    ],
)
def test_what_a_proof_cannot_have(heights: tuple[int | None, ...], bound: int, message: str) -> None:
    with pytest.raises(ProofError, match=message):
        plan(SYSTEM, heights, bound, 4)


def test_some_table_is_there_and_none_is_too_high() -> None:
    tables = (taker_table(),)
    tables[0].heights = Heights(1, 2**24, optional=True)
    system = System("one", bytes(32), tables, {2: 3})
    with pytest.raises(ProofError, match="every table is absent"):
        plan(system, (None,), 512, 4)
    with pytest.raises(ProofError, match="table taker has more than 4194304 rows"):
        plan(system, (2**23,), 512, 4)


def test_the_fingerprint_binds_all_that_a_check_reads() -> None:
    other_heights = taker_table()
    other_heights.heights = Heights(4, 2**15, optional=True)
    taller = taker_table()
    taller.heights = Heights(8, 2**16, optional=True)
    renamed = taker_table()
    renamed.name = "other"
    required = taker_table()
    required.heights = Heights(4, 2**16)
    more = taker_table()
    more.zero("x is 0", more.tape.column(0))
    heavier = taker_table()
    heavier.fractions[0] = dataclasses.replace(heavier.fractions[0], weight=2)
    tagged = taker_table()
    tagged.fractions[0] = dataclasses.replace(tagged.fractions[0], tag=4)
    others = [taker_table() for _ in range(5)]
    pair = others[0].fractions[0]
    others[0].fractions[0] = dataclasses.replace(pair, numerator=pair.numerator - 1)
    others[1].fractions[0] = dataclasses.replace(pair, entries=(*pair.entries[1:], pair.entries[0]))
    demanded = others[2].constraints[-1]
    others[2].constraints[-1] = dataclasses.replace(demanded, node=demanded.node - 1)
    others[3].columns[0] = dataclasses.replace(others[3].columns[0], high=1)
    code, left, right = others[4].tape.nodes[-1]
    others[4].tape.nodes[-1] = Node(code, right, left)
    first = (range_table(), power_table())
    systems = [
        SYSTEM,
        dataclasses.replace(SYSTEM, name="other"),
        dataclasses.replace(SYSTEM, digest=bytes(31) + b"\1"),
        dataclasses.replace(SYSTEM, arities={1: 1, 2: 3, 3: 1, 4: 3}),
        dataclasses.replace(SYSTEM, tables=(*first,)),
        dataclasses.replace(SYSTEM, tables=(first[1], first[0], taker_table())),
        dataclasses.replace(SYSTEM, tables=(range_table(64), first[1], taker_table())),
        *(
            dataclasses.replace(SYSTEM, tables=(*first, last))
            for last in (other_heights, taller, renamed, required, more, heavier)
        ),
        *(dataclasses.replace(SYSTEM, tables=(*first, last)) for last in (tagged, *others)),
    ]
    assert len({fingerprint(system) for system in systems}) == len(systems)
    assert fingerprint(SYSTEM) == fingerprint(toy_system())


def test_a_message_with_another_number_of_entries_is_no_system() -> None:
    with pytest.raises(MalformedSystem, match="a message of tag 2 has another number of entries"):
        plan(dataclasses.replace(SYSTEM, arities={1: 1, 2: 2, 3: 1}), (32, 16, 16), 512, 4)
