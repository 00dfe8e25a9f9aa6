"""Small systems of tables for the tests of the proof system, with traces that satisfy them."""

from random import Random

import numpy as np

from perp_hash.field import MODULUS
from perp_proofs.air.system import Heights, PublicFraction, System, Table
from perp_proofs.verifier.security import JOHNSON, Profile

RANGE, PAIR, RESULT = 1, 2, 3
"""Tags: a number of the range table; a pair handed from one table to another; what the statement takes."""

LIMIT = 32

FAST = Profile("fast", 4, 24, 4, 2, 2, JOHNSON, 0.0)
"""For tests only: quick, and of no security to speak of."""


def range_table(limit: int = LIMIT) -> Table:
    """Every number below the limit, and how often it is looked up."""
    table = Table("range", Heights(limit, limit))
    count = table.element("count")
    table.add(RANGE, -count, [table.tape.row()])
    return table


def power_table() -> Table:
    """Rows (x, x^5) with x in range; each active row hands its pair on, and one tells the statement."""
    table = Table("power", Heights(1, 2**16))
    x, y = table.column("x", 0, LIMIT - 1), table.element("y")
    active, tells = table.column("active", 0, 1), table.column("tells", 0, 1)
    table.zero("active is a bit", active * (active - 1))
    table.zero("tells is a bit", tells * (tells - 1))
    table.zero("y is the fifth power", x * x * x * x * x - y, modular=True)
    table.add(RANGE, 1, [x])
    table.add(RANGE, 1, [LIMIT - 1 - x])
    table.add(PAIR, active, [x, y, 7])
    table.add(PAIR, 0 * active + active * tells, [x + 1, y, 8])
    table.add(RESULT, tells, [y])
    return table


def taker_table() -> Table:
    """Takes pairs; optional."""
    table = Table("taker", Heights(4, 2**16, optional=True))
    x, y, kind = table.element("x"), table.element("y"), table.column("kind", 0, 1)
    active = table.column("active", 0, 1)
    table.zero("active is a bit", active * (1 - active))
    table.zero("kind is a bit", kind * (1 - kind))
    table.add(PAIR, -active, [x + kind, y, 7 + kind])
    return table


def toy_system() -> System:
    """The three tables."""
    tables = (range_table(), power_table(), taker_table())
    return System("toy", bytes(32), tables, {RANGE: 1, PAIR: 3, RESULT: 1})


def toy_trace(
    power_rows: int, taker_rows: int | None, used: int, seed: int = 0
) -> tuple[dict[str, np.ndarray], list[PublicFraction]]:
    """A trace with so many used rows, and the statement's fractions."""
    random = Random(seed)
    power = np.zeros((4, power_rows), np.uint32)
    pairs: list[tuple[int, int, int]] = []
    results: list[int] = []
    for row in range(used):
        x = random.randrange(LIMIT)
        y = pow(x, 5, MODULUS)
        tells = int(row == 0)
        power[:, row] = (x, y, 1 if taker_rows else 0, tells)
        if taker_rows:
            pairs.append((x, y, 0))
            if tells:
                pairs.append((x, y, 1))
        if tells:
            results.append(y)
    counts = np.zeros((1, LIMIT), np.uint32)
    for x in power[0]:
        counts[0, x] += 1
        counts[0, LIMIT - 1 - x] += 1
    trace = {"range": counts, "power": power}
    if taker_rows:
        taker = np.zeros((4, taker_rows), np.uint32)
        for row, (x, y, kind) in enumerate(pairs):
            taker[:, row] = (x, y, kind, 1)
        trace["taker"] = taker
    return trace, [PublicFraction(RESULT, -1, (y,)) for y in results]
