"""All that is shown of the arithmetic of a program: certificates, unique limbs, and the gate for each table."""

from collections.abc import Iterator
from typing import NamedTuple

from perp_hash.words import LIMBS
from perp_proofs.air.certificates import certificates, unique_limbs
from perp_proofs.air.gate import gate_faults
from perp_proofs.air.rules import rule_tables
from perp_proofs.air.words import Shape
from perp_proofs.program.listing import Program


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        name: "gadget", "limbs" or "table", and which.
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
    rules = rule_tables(program)
    for name, made in rules.tables.items():
        faults = gate_faults(made.table, made.sheet.claims, rules.contracts)
        yield Finding(f"table: {name}", "no equation wraps, every range is checked, every promise kept", tuple(faults))
