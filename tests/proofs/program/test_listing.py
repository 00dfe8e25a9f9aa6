"""The canonical text of a program: its parser, its checks, its digest, and what is shown to people."""

import hashlib
from dataclasses import replace
from random import Random

import pytest

from perp_hash.digest import digest_to_hex, hash_bytes
from perp_hash.tags import Tag
from perp_proofs.program.listing import (
    BIT,
    DIGEST,
    SMALL,
    WORD,
    FieldType,
    Instruction,
    ListingError,
    Program,
    Record,
    Table,
    check_program,
    diff_programs,
    interface,
    parse_program,
    program_digest,
    show_table,
    statistics,
    without_labels,
    write_program,
)

TEXT = """\
program toy suite
record Purse state 1
  coins word 0 100
rule taxed
  %0:word = input coins | 0 100
  %1:word = constant | 7
  %2:word = constant | 100
  %3:small %4:small = ceil %0 %1 %2
  return %3
operation pay 1
  %0:small = input payer | 0 9
  %1:word = input coins | 0 100
  %2:word = load Purse %0
  %3:small = call taxed %1
  %4:bit = at_most %1 %2 %3 | 1 -1 1 0
  require %4 | 2
  %5:word = linear %1 %2 %3 | -1 1 -1 0
  store Purse %0 %5
  return
"""


@pytest.fixture
def toy() -> Program:
    return parse_program(TEXT)


def changed(program: Program, name: str, place: int, instruction: Instruction) -> Program:
    """The program with one instruction replaced."""
    table = program.tables[name]
    instructions = (*table.instructions[:place], instruction, *table.instructions[place + 1 :])
    return replace(program, tables={**program.tables, name: replace(table, instructions=instructions)})


def test_the_text_of_a_program_is_read_back(toy: Program) -> None:
    assert write_program(toy) == TEXT
    assert toy.records == {"Purse": Record("Purse", "state", 1, (FieldType("coins", WORD, 0, 100),))}
    assert toy.tables["taxed"] == Table(
        "taxed",
        "rule",
        coded=False,
        instructions=(
            Instruction("input", (WORD,), "coins", (), (0, 100)),
            Instruction("constant", (WORD,), "", (), (7,)),
            Instruction("constant", (WORD,), "", (), (100,)),
            Instruction("ceil", (SMALL, SMALL), "", (0, 1, 2)),
        ),
        results=(3,),
    )


def test_the_recorded_rules_are_read_back(program: Program) -> None:
    assert parse_program(write_program(program)) == without_labels(program)


def test_the_digest_is_that_of_the_text(toy: Program) -> None:
    other = parse_program(TEXT.replace("constant | 7", "constant | 8"))
    hashed = hashlib.blake2s(write_program(toy).encode(), person=b"perp.prg").digest()
    assert program_digest(toy) == digest_to_hex(hash_bytes(Tag.PROGRAM, hashed))
    assert program_digest(toy) == "d5fc22125fa6d26c01e57a03228cdf4c10b1b71336007153713f79464e4d4932"
    assert program_digest(other) != program_digest(toy)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("program toy suite", "program toy", "the first line must name a program and a hash suite"),
        ("  coins word 0 100", "  coins word 0", "no field: '  coins word 0'"),
        ("  coins word 0 100", "  coins fraction 0 100", "record Purse is malformed"),
        ("  coins word 0 100", "  coins word 1 0", "record Purse: coins is from 1 to 0"),
        ("  coins word 0 100", "  coins small 0 67108864", "record Purse: coins is from 0 to 67108864"),
        ("input payer | 0 9", "input payer | 9 0", "pay, instruction 0: no range"),
        ("input payer | 0 9", "input payer | 0 67108864", "pay, instruction 0: no range"),
        ("| 0 9", "| 0 09", "no number: '09'"),
        ("| 0 9", "| 0 +9", "no number: '+9'"),
        ("call taxed %1", "call taxed 1", "no value: '1'"),
        ("call taxed %1", "call taxed %-1", "no value: '%-1'"),
        ("call taxed %1", "call", "no name: '%3:small = call'"),
        ("call taxed %1", "call pay %1", "pay, instruction 3: calls pay"),
        ("call taxed %1", "call taxed %0", "pay, instruction 3: calls taxed with other types"),
        ("call taxed %1", "call taxed %9", "pay, instruction 3: an operand has no value yet"),
        ("load Purse %0", "load Bag %0", "pay, instruction 2: accesses Bag"),
        ("load Purse %0", "load Purse %1", "pay, instruction 2: a key is not small"),
        ("store Purse %0 %5", "store Purse %0", "pay, instruction 7: stores []"),
        ("require %4 | 2", "require %4", "pay, instruction 5: wrong number of numbers"),
        ("require %4 | 2", "require %1 | 2", "pay, instruction 5: operands are ['word']"),
        ("require %4 | 2", "demand %4 | 2", "pay, instruction 5: unknown code 'demand'"),
        ("| 1 -1 1 0", "| 1 -1 1", "pay, instruction 4: no linear form"),
        ("| 1 -1 1 0", "| 1 0 1 0", "pay, instruction 4: no linear form"),
        ("ceil %0 %1 %2", "ceil %0 %1", "taxed, instruction 3: wrong number of operands"),
        ("%4:bit = at_most", "%6:bit = at_most", "the text is not in its canonical form"),
        ("rule taxed", "ruler taxed", "table taxed has the unknown role ruler"),
        ("operation pay 1", "operation pay -1", "table pay has no number of its own"),
        ("operation pay", "operation other 1\n  return\noperation pay", "table pay has no number of its own"),
        ("rule taxed\n", "rule nothing coded\n  return\nrule taxed\n", "nothing must return a code first"),
        ("  return %3", "  return %9", "taxed returns a value that it does not have"),
        ("return\n", "return\n\n", "no table: ''"),
    ],
)
def test_a_malformed_text_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(ListingError) as error:
        parse_program(TEXT.replace(old, new))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("place", "instruction", "message"),
    [
        (4, Instruction("zero", (BIT,), "", (1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 0)), "pay, instruction 4: too many words"),
        (2, Instruction("input", (WORD,), "late", (), (0, 1)), ""),
        (3, Instruction("input", (SMALL,), "late", (), (0, 1)), ""),
        (4, Instruction("select", (BIT,), "", (3, 1, 2)), "pay, instruction 4: selects ['small', 'word', 'word']"),
        (3, Instruction("sweep", (), "held:taxed", (), ()), "pay, instruction 3: no loop"),
        (3, Instruction("sweep", (), "held:pay", (), (0, 0, 0)), "pay, instruction 3: loops over held:pay"),
        (4, Instruction("not", (BIT,), "", (3,), (1,)), "pay, instruction 4: numbers that mean nothing"),
        (4, Instruction("digest", (DIGEST,), "", (1,), (99, 0)), "pay, instruction 4: hashes under the tag 99"),
    ],
)
def test_a_wrong_instruction_is_found(toy: Program, place: int, instruction: Instruction, message: str) -> None:
    wrong = changed(toy, "pay", place, instruction)
    if not message:
        check_program(wrong)
        return
    with pytest.raises(ListingError) as error:
        check_program(wrong)
    assert str(error.value) == message


def test_no_change_of_a_character_crashes_the_parser(program: Program) -> None:
    """Each changed text is refused with the one error, or is the canonical text of another program."""
    text = write_program(replace(program, tables=dict(list(program.tables.items())[:10])))
    random = Random(1)
    refused = 0
    for _ in range(150):
        at = random.randrange(len(text))
        other = text[:at] + random.choice("0123456789%-|: \nabz=") + text[at + random.choice((0, 1, 1, 5)) :]
        try:
            read = parse_program(other)
        except ListingError:
            refused += 1
        else:
            assert write_program(read) == other
    assert refused > 50


def test_a_table_is_shown_as_formulas(toy: Program) -> None:
    assert show_table(toy, toy.tables["pay"]) == [
        "operation pay(payer, coins)",
        "  Purse.coins = load Purse(payer)",
        "  taxed = call taxed(coins)",
        "  at_most = coins - Purse.coins + taxed <= 0",
        "  require at_most else 2",
        "  linear = -coins + Purse.coins - taxed",
        "  store Purse(payer, linear)",
        "  return ",
    ]


def test_a_change_is_shown_by_the_lines_that_differ(toy: Program) -> None:
    other = parse_program(TEXT.replace("| 1 -1 1 0", "| 1 -1 1 1"))
    assert diff_programs(toy, toy) == []
    assert diff_programs(toy, other) == [
        "--- old pay",
        "+++ new pay",
        "@@ -3,3 +3,3 @@",
        "   taxed = call taxed(coins)",
        "-  at_most = coins - Purse.coins + taxed <= 0",
        "+  at_most = coins - Purse.coins + taxed + 1 <= 0",
        "   require at_most else 2",
    ]


def test_what_a_table_holds_is_counted(toy: Program) -> None:
    assert statistics(toy.tables["taxed"]) == {"input": 1, "constant": 2, "ceil": 1}
    assert interface(toy.tables["taxed"]) == (5, 1)
