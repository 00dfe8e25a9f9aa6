"""The buses: which messages there are, and how many entries each has.

Most tags are fixed. Memory has one for each record of the state, since records differ in length, and configuration one
for each list of fields that an instruction of the program asks for. Calls and loops come after them.

A message is sent with a positive numerator and received with a negative one:

- RANGE (v): looked up; 0 <= v < 2^13.
- RANGE_TOP (v): looked up; 0 <= v < 2^11, a top limb of a word.
- HASH (left 8, right 8, out 8): looked up; out = step(left, right) of the hash suite.
- BLOCK (t, j, last, length, e 8): block j of the elements of operation t, whose number is `length`.
- HEADER (the inputs of the table that begins a batch): from the statement.
- STATE (old root 8, new root 8) and CONFIG (digest 8): to the statement.
- NODE (place, tree, index, old digest 8, new digest 8): from a child to its parent; see `layout.place`.
- POSITIONS (account, slot, whether the slot before is held old and new, how many are old and new, digest old 8 and new
  8): along the positions of an account.
- LINK (t, j, kind, digest 8): along the blocks of an operation of this kind; j is -1 behind the last one. CHAIN (t,
  whether operation t ends the batch, digest 8): along the operations.
- CONFIG_CHAIN (phase, place, digest 8): along the blocks of the configuration.
- memory (parts of the key, time, leaves): an access receives the record as it was left, and sends it on.
- configuration (part of the key, if it has one; leaves): looked up.
"""

from typing import NamedTuple

from perp_hash.digest import DIGEST_ELEMENTS
from perp_hash.words import LIMB_BITS, TOP_LIMB_BITS
from perp_proofs.program.listing import ELEMENTS, Program, Record, elements

RANGE = 1
HASH = 2
BLOCK = 3
HEADER = 4
STATE = 5
CONFIG = 6
NODE = 7
POSITIONS = 8
LINK = 9
CHAIN = 10
CONFIG_CHAIN = 11
RANGE_TOP = 12
FIRST_MEMORY = 16
"""The tag of the first record of the state."""

FIXED_ARITIES = {
    RANGE: 1,
    RANGE_TOP: 1,
    HASH: 3 * DIGEST_ELEMENTS,
    BLOCK: 4 + DIGEST_ELEMENTS,
    STATE: 2 * DIGEST_ELEMENTS,
    CONFIG: DIGEST_ELEMENTS,
    NODE: 3 + 2 * DIGEST_ELEMENTS,
    POSITIONS: 6 + 2 * DIGEST_ELEMENTS,
    LINK: 3 + DIGEST_ELEMENTS,
    CHAIN: 2 + DIGEST_ELEMENTS,
    CONFIG_CHAIN: 2 + DIGEST_ELEMENTS,
}

COUNT_MAX = 1_000_000
"""Operations of a batch. Points of time stay far from p."""

RANGE_SIZE = 1 << LIMB_BITS
TOP_SIZE = 1 << TOP_LIMB_BITS

FREE = 0
"""Weight of the multiplicity of a table that is looked up: it may be any element, since it can only answer for rows
that are there. What must not wrap is the number of the lookups."""


class ConfigGroup(NamedTuple):
    """Fields of a record of the configuration that are asked for together, by their numbers."""

    record: str
    fields: tuple[int, ...]


def state_records(program: Program) -> list[Record]:
    """The records of the state, in order."""
    return [record for record in program.records.values() if record.kind == "state"]


def memory_tags(program: Program) -> dict[str, int]:
    """The tag of each record of the state."""
    return {record.name: FIRST_MEMORY + at for at, record in enumerate(state_records(program))}


def config_groups(program: Program) -> dict[ConfigGroup, int]:
    """The tag of each list of fields that the program asks the configuration for, in the order of the listing."""
    first = FIRST_MEMORY + len(state_records(program))
    asked = [
        ConfigGroup(instruction.name, instruction.numbers)
        for table in program.tables.values()
        for instruction in table.instructions
        if instruction.code == "config"
    ]
    return {group: first + at for at, group in enumerate(dict.fromkeys(asked))}


def looked_up_tags(program: Program) -> set[int]:
    """The tags of tables that are looked up: a row of theirs answers as often as it is asked."""
    return {RANGE, RANGE_TOP, HASH, *config_groups(program).values()}


def first_free_tag(program: Program) -> int:
    """The tag after all others."""
    return FIRST_MEMORY + len(state_records(program)) + len(config_groups(program))


def arities(program: Program) -> dict[int, int]:
    """Entries of a message of each tag, those of calls and loops not among them."""
    found = dict(FIXED_ARITIES)
    for table in program.of_role("batch"):
        found[HEADER] = elements(entry.types[0] for entry in table.inputs)
    for name, tag in memory_tags(program).items():
        record = program.records[name]
        found[tag] = record.keys + 1 + elements(field.type for field in record.fields)
    for group, tag in config_groups(program).items():
        record = program.records[group.record]
        found[tag] = record.keys + sum(ELEMENTS[record.fields[at].type] for at in group.fields)
    return found
