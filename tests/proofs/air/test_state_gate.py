"""The no-wrap gate over the tables of the state: every column has a reason for its range, and no constraint wraps."""

from dataclasses import replace

import pytest

from perp_proofs.air.buses import RANGE
from perp_proofs.air.gate import gate_faults
from perp_proofs.air.interfaces import Contract
from perp_proofs.air.rules import rule_tables
from perp_proofs.air.state import state_contracts
from perp_proofs.air.system import Table
from perp_proofs.program.listing import Program


@pytest.fixture(scope="module")
def contracts(program: Program) -> dict[int, Contract]:
    return rule_tables(program).contracts | state_contracts()


def test_all_tables_of_the_state_pass(tables: list[Table], contracts: dict[int, Contract]) -> None:
    found = {table.name: gate_faults(table, [], contracts) for table in tables}
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("name", ["accounts", "positions", "orders", "operations"])
def test_a_table_without_one_of_its_checks_does_not_pass(
    tables: list[Table], contracts: dict[int, Contract], name: str
) -> None:
    """Given one range lookup less, then some column is without a reason; but a new value has that of its message."""
    table = next(table for table in tables if table.name == name)
    nowhere = max(contracts) + 1
    lookups = [fraction for fraction in table.fractions if fraction.tag == RANGE]
    lamed = [
        replace(table, fractions=[replace(one, tag=nowhere) if one is fraction else one for one in table.fractions])
        for fraction in lookups
    ]
    caught = sum(bool(gate_faults(one, [], contracts)) for one in lamed)
    assert caught * 3 >= len(lookups)
