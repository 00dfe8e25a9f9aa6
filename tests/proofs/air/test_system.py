"""Tables and systems that no proof could be about are refused where they are written."""

from dataclasses import replace

import pytest

from perp_proofs.air.system import Heights, MalformedSystem, System, Table, check_system


def table(name: str = "own", least: int = 1, greatest: int = 8) -> Table:
    made = Table(name, Heights(least, greatest))
    made.add(1, 1, [made.element("value")])
    return made


def system(*tables: Table) -> System:
    return System("toy", bytes(32), tables, {1: 1})


def test_what_is_no_system_is_refused() -> None:
    check_system(system(table(), table("other")))
    columns, constraints = table("columns"), table("constraints")
    columns.element("value")
    for _ in range(2):
        constraints.zero("twice", constraints.tape.column(0))
    wrong = {
        "two tables of one name": system(table(), table()),
        "own: a height of 3 is no power of two": system(table(least=3)),
        "own: a height of 0 is no power of two": system(table(least=0)),
        "own: a height of 12 is no power of two": system(table(greatest=12)),
        "own: least height above the greatest": system(table(least=16)),
        "columns: two columns or constraints of one name": system(columns),
        "constraints: two columns or constraints of one name": system(constraints),
        "own: a message of tag 1 has another number of entries": replace(system(table()), arities={1: 2}),
    }
    for message, own in wrong.items():
        with pytest.raises(MalformedSystem) as error:
            check_system(own)
        assert str(error.value) == message


def test_a_degree_that_the_quotient_has_no_room_for_is_refused() -> None:
    made = table()
    value = made.tape.column(0)
    square = value * value
    made.zero("of degree 5", square * square * value)
    made.add(1, square, [value])
    with pytest.raises(MalformedSystem, match="own: of degree 6 has degree 6"):
        made.zero("of degree 6", square * square * square)
    for numerator, entry in ((square * value, value), (value, square)):
        with pytest.raises(MalformedSystem, match="own: a fraction of tag 1 has too high a degree"):
            made.add(1, numerator, [entry])
