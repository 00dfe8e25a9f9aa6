"""The system of a batch: the tables of the rules and those of the state, for a recorded program."""

from dataclasses import dataclass

from perp_hash.poseidon import SUITES, Suite
from perp_proofs.air.buses import looked_up_tags
from perp_proofs.air.gate import gate_faults, multiplicity_faults
from perp_proofs.air.rulebook import Rules
from perp_proofs.air.rules import rule_tables
from perp_proofs.air.state import check_records, state_contracts, state_tables
from perp_proofs.air.statement import check_beginning
from perp_proofs.air.system import MalformedSystem, System, check_system
from perp_proofs.program.listing import Program, program_digest


@dataclass(frozen=True)
class BatchSystem:
    """What a proof of a batch is about, and what fills it.

    Attributes:
        system: All tables; its digest is the program's.
        rules: The tables of the rules, with what fills their rows.
    """

    program: Program
    suite: Suite
    rules: Rules
    system: System


def suite_of(program: Program) -> Suite:
    """The hash suite of a program. Raises MalformedSystem if it is not known."""
    for suite in SUITES.values():
        if suite.identifier == program.suite:
            return suite
    raise MalformedSystem(f"the hash suite {program.suite} is not known")


def batch_system(program: Program) -> BatchSystem:
    """The system of a program.

    What the tables say modulo p they say of integers only if the gate passes too, see `gate`.

    Raises:
        MalformedSystem: The program has none.
    """
    numbers = [table.number for table in program.of_role("operation")]
    if not numbers or min(numbers) < 1 or len(set(numbers)) != len(numbers):
        raise MalformedSystem("not every operation has a number of its own")
    check_beginning(program)
    check_records(program)
    suite, rules = suite_of(program), rule_tables(program)
    tables = (*(made.table for made in rules.tables.values()), *state_tables(program, suite))
    system = System(program.name, bytes.fromhex(program_digest(program)), tables, rules.arities)
    check_system(system)
    return BatchSystem(program, suite, rules, system)


def gate(made: BatchSystem) -> list[str]:
    """What the no-wrap gate has against the tables of a system; takes some seconds."""
    contracts = made.rules.contracts | state_contracts()
    claims = {name: own.sheet.claims for name, own in made.rules.tables.items()}
    tables = made.system.tables
    own = [fault for table in tables for fault in gate_faults(table, claims.get(table.name, ()), contracts)]
    return own + multiplicity_faults(tables, looked_up_tags(made.program))
