"""Rows of single gadgets: filled from values, and checked."""

from collections.abc import Sequence
from typing import Any

from perp_hash.field import MODULUS, to_signed
from perp_proofs.air import sheet
from perp_proofs.air.certificates import Bench
from perp_proofs.air.rulebook import RuleTable
from perp_proofs.air.system import Table as AirTable
from perp_proofs.air.tape import evaluate
from perp_proofs.program.listing import WORD, Table
from perp_proofs.stark.fill.calls import Call
from perp_proofs.stark.fill.plain import RowFiller


def filled(bench: Bench, values: Sequence[int]) -> list[int]:
    """The row of a gadget from its values: those given, then what it makes."""
    listing = Table(bench.sheet.table.name, "rule", False, (), ())
    made = RuleTable(listing.name, listing, "rule", bench.sheet, [WORD] * len(values))
    return RowFiller(made, Call(made, list(values), {"active": 1})).fill()


def complaints(table: AirTable, row: Sequence[int]) -> list[Any]:
    """Constraints that are not 0 in a row, and looked up values that are out of range."""
    values = evaluate(table.tape, list(row), 0)
    found: list[Any] = [one.name for one in table.constraints if values[one.node]]
    for fraction in table.fractions:
        size = sheet.LOOKED_UP.get(fraction.tag, MODULUS)
        if values[fraction.entries[0]] >= size:
            found.append((fraction.tag, values[fraction.entries[0]]))
    return found


def value_in(bench: Bench, row: Sequence[int], term: Any) -> int:
    """The signed value of a term in a row."""
    return term if isinstance(term, int) else to_signed(evaluate(bench.sheet.table.tape, list(row), 0)[term.number])
