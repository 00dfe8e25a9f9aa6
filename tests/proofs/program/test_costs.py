"""What a program costs, estimated."""

from collections import Counter
from itertools import pairwise

import pytest

from perp_proofs.program.costs import Cost, Row, costs_by_code, operation_cells, report, row_cost, row_costs, rows_of
from perp_proofs.program.listing import Program, Table, parse_program

HEAD = "program toy suite\n"


def table(text: str) -> Table:
    """The one table of a program."""
    (only,) = parse_program(HEAD + text).tables.values()
    return only


@pytest.mark.parametrize(
    ("lines", "cost"),
    [
        (["%2:word = linear %0 %1 | 1 1 0", "%3:bit = at_most %2 | 1 0", "return %3"], Cost(10 + 12, 5, 1)),
        (["%2:word = linear %0 %1 | 1 1 0", "return %2"], Cost(10 + 12, 5, 1)),
        (["%2:word = linear %0 | -1 0", "return %2"], Cost(10, 0, 1)),
        (["%2:bit = at_most %0 | 1 0", "require %2 | 1", "return"], Cost(10 + 9, 5, 1)),
        (["%2:bit = zero %0 | 1 0", "require %2 | 1", "return"], Cost(10, 0, 1)),
        (["%2:bit = zero %0 | 1 0", "return %2"], Cost(10 + 6, 0, 1)),
        (["%2:bit = at_most %0 | 1 0", "%3:bit = at_most %0 | 1 1", "return %2 %3"], Cost(10 + 12 + 6, 5, 1)),
        (["%2:word = multiply %0 %1", "return %2"], Cost(10 + 14, 11, 1)),
        (["%2:word %3:word = floor %0 %1 %1", "return %2"], Cost(10 + 30, 24, 1)),
        (["%2:word = constant | 5", "%3:word %4:small = floor %0 %1 %2", "return %3"], Cost(10 + 18, 17, 1)),
    ],
)
def test_the_cost_of_a_row(lines: list[str], cost: Cost) -> None:
    inputs = ["%0:word = input first | 0 9", "%1:word = input second | 0 9"]
    listed = table("rule one\n" + "".join(f"  {line}\n" for line in (*inputs, *lines)))
    assert row_cost(listed) == cost
    assert costs_by_code(listed)["input"] == Cost(10)


def test_rows_follow_calls_and_loops(program: Program) -> None:
    rows = rows_of(program, "transfer", 3, 11, ())
    payer, payee = rows_of(program, "withdraw", 3, 11, ()), rows_of(program, "deposit", 3, 11, ())
    assert rows == payer - Counter({Row("withdraw", False): 1}) + payee - Counter({Row("deposit", False): 1}) + Counter(
        {Row("transfer", False): 1}
    )


def test_an_operation_costs_more_with_more_positions(program: Program) -> None:
    costs = row_costs(program)
    cells = [operation_cells(program, costs, "trade", positions, 11) for positions in range(4)]
    steps = {round(more - less) for less, more in pairwise(cells)}
    assert len(steps) == 1
    assert steps.pop() > 0


def test_the_report_names_each_table_and_operation(program: Program) -> None:
    words = {line.split()[0] for line in report(program)}
    assert words >= set(program.tables)
