"""All that is shown of the arithmetic of a program: certificates, unique limbs, and the gate for each table."""

from collections.abc import Iterator
from typing import NamedTuple

from perp_hash.words import LIMBS
from perp_proofs.air.batch import batch_system
from perp_proofs.air.buses import looked_up_tags
from perp_proofs.air.certificates import certificates, unique_limbs
from perp_proofs.air.gate import gate_faults, multiplicity_faults
from perp_proofs.air.state import state_contracts
from perp_proofs.air.words import Shape
from perp_proofs.program.listing import Program


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        name: "gadget", "limbs" or "table", and which; "multiplicities" of all tables.
        statement: What was to be shown.
        faults: What is wrong; none where it was shown.
    """

    name: str
    statement: str
    faults: tuple[str, ...]

    @property
    def shown(self) -> bool:
        """Nothing is wrong."""
        return not self.faults


def findings(program: Program) -> Iterator[Finding]:
    """Yields everything, the gadgets first."""
    for made in certificates():
        wrong = () if made.holds else ("the equations do not make the statement",)
        yield Finding(f"gadget: {made.gadget}", made.statement, (*wrong, *made.faults))
    for limbs in range(1, LIMBS + 1):
        wrong = () if unique_limbs(Shape(limbs, True)) else ("two lists of limbs make one number",)
        yield Finding(f"limbs: {limbs}", "a word has one form", wrong)
    made = batch_system(program)
    contracts = made.rules.contracts | state_contracts()
    claims = {name: own.sheet.claims for name, own in made.rules.tables.items()}
    for table in made.system.tables:
        faults = gate_faults(table, claims.get(table.name, ()), contracts)
        yield Finding(f"table: {table.name}", TABLE_STATEMENT, tuple(faults))
    answered = multiplicity_faults(made.system.tables, looked_up_tags(program))
    yield Finding("multiplicities", "only what is looked up is answered at will", tuple(answered))


TABLE_STATEMENT = "no equation wraps, every range is checked, every promise kept"
