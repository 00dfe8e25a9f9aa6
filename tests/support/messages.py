"""The tables of the rules checked alone: what is taken for granted of messages that come from other tables."""

from collections.abc import Callable

from perp_proofs.air.buses import (
    BLOCK,
    HASH,
    HEADER,
    RANGE,
    RANGE_SIZE,
    RANGE_TOP,
    TOP_SIZE,
    config_groups,
    memory_tags,
)
from perp_proofs.air.check import Fault, check_trace
from perp_proofs.air.rulebook import Rules
from perp_proofs.stark.fill.calls import Batch
from perp_proofs.stark.fill.plain import fill_rules

Judge = Callable[[tuple[int, ...]], bool]


def outside(rules: Rules) -> dict[int, Judge]:
    """Messages that come from other tables: taken as they are, range tables by their ranges."""
    tags = [BLOCK, HASH, HEADER, *memory_tags(rules.program).values(), *config_groups(rules.program).values()]
    given: dict[int, Judge] = {tag: lambda _: True for tag in tags}
    return given | {RANGE: lambda entries: entries[0] < RANGE_SIZE, RANGE_TOP: lambda entries: entries[0] < TOP_SIZE}


def faults_of(rules: Rules, batch: Batch) -> list[Fault]:
    """What is wrong with the rows of a batch in the tables of the rules."""
    tables = [made.table for made in rules.tables.values() if made.table.heights.optional]
    return check_trace(tables, fill_rules(rules, batch), (), outside(rules))
