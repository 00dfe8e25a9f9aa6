"""What the checkers take for granted of messages that come from tables of the state side."""

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
from perp_proofs.air.rulebook import Rules

Judge = Callable[[tuple[int, ...]], bool]


def outside(rules: Rules) -> dict[int, Judge]:
    """Messages that come from other tables: taken as they are, range tables by their ranges."""
    tags = [BLOCK, HASH, HEADER, *memory_tags(rules.program).values(), *config_groups(rules.program).values()]
    given: dict[int, Judge] = {tag: lambda _: True for tag in tags}
    return given | {RANGE: lambda entries: entries[0] < RANGE_SIZE, RANGE_TOP: lambda entries: entries[0] < TOP_SIZE}
