"""Programs of others, as `perp verify --program` takes them: tables say what the listing says, or there are none."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from perp_hash.field import MODULUS
from perp_hash.poseidon import DEFAULT_SUITE
from perp_proofs.air.batch import BatchSystem, batch_system, gate
from perp_proofs.air.buses import RANGE, RANGE_SIZE, RANGE_TOP, TOP_SIZE, memory_tags
from perp_proofs.air.check import check_trace
from perp_proofs.air.leaves import leaf_tables
from perp_proofs.air.system import MalformedSystem
from perp_proofs.air.tape import evaluate
from perp_proofs.program.listing import (
    BIT,
    SMALL,
    WORD,
    FieldType,
    Instruction,
    Program,
    Table,
    parse_program,
    write_program,
)


def read(program: Program, **tables: Table) -> BatchSystem:
    """The system of a program with some tables in place of its own, or before them, read from its text."""
    before = {name: table for name, table in tables.items() if name not in program.tables}
    text = write_program(replace(program, tables={**before, **program.tables, **tables}))
    return batch_system(parse_program(text))


def with_key(table: Table, record: str, factor: int, constant: int) -> Table:
    """A table that loads a record by another key: its first input, a small one, times a factor and a constant."""
    found: list[Instruction] = []
    for one in table.instructions:
        moved = replace(one, operands=tuple(at + (at >= 1) for at in one.operands))
        found.append(replace(moved, operands=(1,)) if (one.code, one.name) == ("load", record) else moved)
        if one.code == "input":
            found.append(Instruction("linear", (SMALL,), "", (0,), (factor, constant)))
    return replace(table, instructions=tuple(found))


def test_a_key_that_wraps_around_the_field_is_named(program: Program) -> None:
    """Given the key 2130707 a - 567, which is p for a = 1000, then the row would read the request of account 0."""
    made = read(program, freeze=with_key(program.tables["freeze"], "Request", 2_130_707, -567))
    table = made.rules.tables["freeze"].table
    names = [column.name for column in table.columns]
    row = [{"active": 1, "%0": 1000}.get(name, 0) for name in names]
    values = evaluate(table.tape, row, 0)
    tag = memory_tags(program)["Request"]
    assert {values[one.entries[0]] for one in table.fractions if one.tag == tag} == {0}
    complaint = f"freeze: entry 0 of tag {tag} is (-567, 2234206091958), which may be the same modulo p"
    assert gate(made) == [complaint, complaint]
    assert gate(read(program, freeze=with_key(program.tables["freeze"], "Request", 2, -567))) == []


def test_an_operation_with_the_number_of_another_modulo_p_is_named(program: Program) -> None:
    number = program.tables["trade"].number + MODULUS
    faults = gate(read(program, cancel=replace(program.tables["cancel"], number=number)))
    assert faults == [f"cancel: entry 4 of tag 3 is {(number, number)}, which may be the same modulo p"]


@pytest.mark.parametrize("taken", ["no number", "the number of another"])
def test_an_operation_without_a_number_of_its_own_has_no_tables(program: Program, taken: str) -> None:
    """Given two operations that are hashed as one, or one as none, then another could have run than the chain says."""
    number = 0 if taken == "no number" else program.tables["trade"].number
    cancel = replace(program.tables["cancel"], number=number)
    with pytest.raises(MalformedSystem, match="not every operation has a number of its own"):
        batch_system(replace(program, tables={**program.tables, "cancel": cancel}))


def test_a_rule_with_the_name_of_a_table_of_the_state_has_no_tables(program: Program) -> None:
    one = Instruction("constant", (BIT,), "", (), (1,))
    rule = Table("accounts", "rule", False, (one,), (0,))
    call = Instruction("call", (BIT,), "accounts", ())
    freeze = program.tables["freeze"]
    calling = replace(freeze, instructions=(*freeze.instructions, call))
    with pytest.raises(MalformedSystem, match="two tables of one name"):
        read(program, accounts=rule, freeze=calling)


def caller(table: Table, callee: Table, types: tuple[str, ...], argument: Instruction) -> Table:
    """A table that calls another one at its end."""
    made = len(table.types)
    call = Instruction("call", types, callee.name, (made,))
    return replace(table, instructions=(*table.instructions, argument, call))


def test_a_division_is_by_what_it_is_given(program: Program) -> None:
    """Given a table that declares its divisor to be 7, and a caller who gives 5, then 11 = 1 * 5 + 6 is no answer."""
    numbers = (Instruction("constant", (WORD,), "", (), (number,)) for number in (11, 1))
    floor = Instruction("floor", (WORD, WORD), "", (1, 2, 0))
    part = Table("part", "rule", False, (Instruction("input", (WORD,), "by", (), (7, 7)), *numbers, floor), (3,))
    five = Instruction("constant", (WORD,), "", (), (5,))
    made = read(program, part=part, freeze=caller(program.tables["freeze"], part, (WORD,), five))
    table = made.rules.tables["part"].table
    judges: dict[int, Callable[[tuple[int, ...]], bool]] = {
        RANGE: lambda entries: entries[0] < RANGE_SIZE,
        RANGE_TOP: lambda entries: entries[0] < TOP_SIZE,
        made.rules.call_tags["part"]: lambda _: True,
    }

    def faults(quotient: int, remainder: int) -> list[Any]:
        known = {"active": 1, "%0.0": 5, "%3.q.0": quotient, "%3.r.0": remainder}
        row = [known.get(column.name, 0) for column in table.columns]
        return check_trace([table], {"part": [row]}, (), judges)

    assert faults(2, 1) == []
    assert faults(1, 6) != []
    assert gate(made) == []


def test_a_small_result_that_wraps_has_no_table(program: Program) -> None:
    """Given a result of p - 1 times a bit, then as a message it would be what -1 is."""
    times = Instruction("linear", (SMALL,), "", (0,), (MODULUS - 1, 0))
    part = Table("part", "rule", False, (Instruction("input", (BIT,), "bit", (), (0, 1)), times), (1,))
    bit = Instruction("constant", (BIT,), "", (), (1,))
    calling = caller(program.tables["freeze"], part, (SMALL,), bit)
    with pytest.raises(MalformedSystem, match="part: a small result from 0 to 2130706432"):
        read(program, part=part, freeze=calling)


def test_a_program_with_other_records_has_no_tables(program: Program) -> None:
    records = program.records
    extra = replace(records["Request"], name="Extra")
    parameters = records["Parameters"]
    unnamed = tuple(entry._replace(name="count") if entry.name == "markets" else entry for entry in parameters.fields)
    for others, message in (
        ({"Extra": extra}, "the records are "),
        ({"Market": replace(records["Market"], kind="state")}, "the records are "),
        ({"Request": replace(records["Request"], keys=2)}, "the records are "),
        ({"Parameters": replace(parameters, fields=unnamed)}, "a record without a small number markets"),
    ):
        with pytest.raises(MalformedSystem, match=message):
            batch_system(replace(program, records={**records, **others}))


@pytest.mark.parametrize("name", ["Position", "OrderSlot", "Account"])
def test_no_element_of_a_record_is_left_out_of_its_leaf(program: Program, name: str) -> None:
    """Given a record with eight elements more, then it would need another block, and there are no such tables."""
    record = program.records[name]
    longer = replace(record, fields=(*record.fields, FieldType("more", "digest", 0, 2**248 - 1)))
    with pytest.raises(MalformedSystem, match=r"a record of \d blocks, not \d"):
        leaf_tables(replace(program, records={**program.records, name: longer}), DEFAULT_SUITE)


def test_a_batch_that_begins_with_another_header_has_no_tables(program: Program) -> None:
    (table,) = program.of_role("batch")
    first, *rest = table.instructions
    other = replace(table, instructions=(replace(first, name="count"), *rest))
    with pytest.raises(MalformedSystem, match="a batch begins with"):
        read(program, **{table.name: other})
