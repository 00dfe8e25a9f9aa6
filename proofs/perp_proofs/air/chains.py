"""The chains that the statement ends: of the operations, and of the configuration.

An operation's row sends its elements block by block; here they become its digest, and digests become the chain. The
configuration is hashed from its start, the head and the parameters, over the markets in order of id to the texts, and
what the hash is made of is what instructions may ask for.
"""

from perp_hash.digest import ZERO_DIGEST
from perp_hash.tags import Tag
from perp_proofs.air.buses import BLOCK, CHAIN, CONFIG, CONFIG_CHAIN, COUNT_MAX, FREE, LINK, config_groups
from perp_proofs.air.layout import HEIGHTS, LAYOUT_VERSION, MARKETS_MAX, blocks_of, start_digest
from perp_proofs.air.nodes import Digests, tagged, unchanged_unless
from perp_proofs.air.records import (
    Value,
    bit,
    checked_record,
    checked_value,
    elements,
    elements_of,
    flag,
    hash_step,
    leaves_of,
    value_named,
)
from perp_proofs.air.system import Heights, MalformedSystem, Table
from perp_proofs.air.tape import Term
from perp_proofs.program.listing import SMALL, FieldType, Program

HEIGHT_MAX = 1 << 20

END_BATCH = "end_batch"
"""The operation that ends a batch: it is the last one, and no other is of its kind."""

LAST = -1
"""Place behind the last block of an operation: no block has it."""

MARKET_PHASE = 0
TEXT_PHASE = 1
ABSENT_PHASE = 2
"""Of markets that are not configured, whose records are all zeros."""

TEXTS_MAX = 1 << 16

OPERATION = FieldType("operation", SMALL, 0, COUNT_MAX)
"""The number of an operation."""


def block_table() -> Table:
    """The blocks of the operations."""
    table = Table("blocks", Heights(1, HEIGHT_MAX))
    active = bit(table, "active")
    operation, number, length, kind = (table.element(name) for name in ("operation", "block", "length", "kind"))
    first, last, following = flag(table, "first", active), flag(table, "last", active), table.element("next")
    block, before, after = elements(table, "element"), elements(table, "before"), elements(table, "after")
    # The links say so too, since only a first block comes after none; here a wrong one has its name.
    table.zero("the first block is number 0", first * number)
    table.zero("the first element is the kind", first * (block[0] - kind), modular=True)
    for at, lane in enumerate((int(Tag.OPERATION), length, *ZERO_DIGEST[2:])):
        table.zero(f"before.{at} of the first block", first * (before[at] - lane), modular=True)
    table.zero("next", number + active - last * (number + (1 - LAST)) - following, modular=True)
    hash_step(table, active, before, block, after)
    table.add(BLOCK, -active, [operation, number, last, length, *block])
    table.add(LINK, first - active, [operation, number, kind, *before])
    table.add(LINK, active, [operation, following, kind, *after])
    return table


def operation_table(program: Program) -> Table:
    """The operations.

    Raises:
        MalformedSystem: The program has no operation that ends a batch.
    """
    if END_BATCH not in program.tables or not program.tables[END_BATCH].number:
        raise MalformedSystem(f"the program has no operation {END_BATCH} with a number")
    table = Table("operations", Heights(1, HEIGHT_MAX))
    active = bit(table, "active")
    operation = checked_value(table, "operation", OPERATION, active).leaves[0]
    kind, ends = table.element("kind"), flag(table, "ends", active)
    inverse = table.element("kind.inverse")
    digest, before, after = elements(table, "digest"), elements(table, "before"), elements(table, "after")
    distance = kind - program.tables[END_BATCH].number
    table.zero("ends only where it is the kind", ends * distance, modular=True)
    table.zero("ends where it is the kind", active - ends - active * distance * inverse, modular=True)
    hash_step(table, active, before, digest, tagged(Tag.OPERATION_CHAIN, after))
    table.add(LINK, -active, [operation, LAST, kind, *digest])
    table.add(CHAIN, -active, [operation - 1, 0, *before])
    table.add(CHAIN, active, [operation, ends, *after])
    return table


def provide(table: Table, program: Program, record: str, key: list[Term], values: list[Value], active: Term) -> None:
    """Provide the lists of fields that the program asks a record for, each as often as it is asked for."""
    for group, tag in config_groups(program).items():
        if group.record == record:
            name = "-".join(map(str, group.fields))
            multiplicity = table.element(f"multiplicity.{name}")
            asked = leaves_of([values[at] for at in group.fields])
            table.add(tag, -(multiplicity * active), [*key, *asked], FREE)


def hash_record(table: Table, numerator: Term, before: Digests, values: list[Value]) -> Digests:
    """Look up the steps of a record in whole blocks; the digest after it."""
    digest = before
    for at, block in enumerate(blocks_of(elements_of(values), table.tape.constant(0))):
        out = elements(table, f"digest.{at}")
        hash_step(table, numerator, digest, block, out)
        digest = out
    return digest


def parameter_table(program: Program) -> Table:
    """The one row of the parameters, where the digest of the configuration begins and ends."""
    table = Table("parameters", Heights(1, 1))
    active = bit(table, "active")
    values = checked_record(table, "parameters", program.records["Parameters"], active)
    length, markets, texts = (table.element(name) for name in ("length", "markets", "texts"))
    table.zero("as many markets as the parameters say", markets - value_named(values, "markets"))
    zero = table.tape.constant(0)
    head = [zero + LAYOUT_VERSION, markets, *(zero + height for height in HEIGHTS.values())]
    begun = elements(table, "head")
    start = [int(Tag.CONFIG), length, *start_digest(Tag.CONFIG, 0)[2:]]
    hash_step(table, active, start, next(blocks_of(head, zero)), begun)
    after = hash_record(table, active, begun, values)
    after_markets, digest = elements(table, "after_markets"), elements(table, "config")
    table.add(CONFIG_CHAIN, active, [MARKET_PHASE, 0, *after])
    table.add(CONFIG_CHAIN, -active, [MARKET_PHASE, markets, *after_markets])
    table.add(CONFIG_CHAIN, active, [TEXT_PHASE, 0, *after_markets])
    table.add(CONFIG_CHAIN, -active, [TEXT_PHASE, texts, *digest])
    table.add(CONFIG_CHAIN, active, [ABSENT_PHASE, markets, *ZERO_DIGEST])
    table.add(CONFIG_CHAIN, -active, [ABSENT_PHASE, MARKETS_MAX, *ZERO_DIGEST])
    table.add(CONFIG, active, digest)
    provide(table, program, "Parameters", [], values, active)
    return table


def config_market_table(program: Program) -> Table:
    """The configurations of the markets, configured ones first, the others all zeros."""
    table = Table("config_markets", Heights(MARKETS_MAX, MARKETS_MAX))
    active = bit(table, "active")
    configured, key = flag(table, "configured", active), table.element("market")
    values = checked_record(table, "market", program.records["Market"], active)
    for value in values:
        for at, leaf in enumerate(value.leaves):
            if leaf.value is None:
                table.zero(f"no {value.field.name}.{at} unless configured", leaf * (1 - configured))
    before = elements(table, "before")
    after = hash_record(table, configured, before, values)
    unchanged_unless(table, "digest", configured, before, after)
    phase = ABSENT_PHASE - configured * (ABSENT_PHASE - MARKET_PHASE)
    table.add(CONFIG_CHAIN, -active, [phase, key, *before])
    table.add(CONFIG_CHAIN, active, [phase, key + 1, *after])
    provide(table, program, "Market", [key], values, active)
    return table


def text_table() -> Table:
    """The blocks of the texts of the configuration, which nothing asks for."""
    table = Table("config_texts", Heights(1, TEXTS_MAX))
    active, number = bit(table, "active"), table.element("number")
    block, before, after = elements(table, "element"), elements(table, "before"), elements(table, "after")
    hash_step(table, active, before, block, after)
    table.add(CONFIG_CHAIN, -active, [TEXT_PHASE, number, *before])
    table.add(CONFIG_CHAIN, active, [TEXT_PHASE, number + 1, *after])
    return table


def chain_tables(program: Program) -> list[Table]:
    """All of them."""
    tables = [block_table(), operation_table(program), parameter_table(program)]
    return [*tables, config_market_table(program), text_table()]
