"""What is shown of the arithmetic: everything, and it is told where something is not."""

import pytest

from perp_proofs.air import assurance
from perp_proofs.air.assurance import Finding, findings
from perp_proofs.program.listing import Program


def test_all_of_it_is_shown(program: Program) -> None:
    found = list(findings(program))
    assert [one.name for one in found if not one.shown] == []
    kinds = {one.name.partition(":")[0] for one in found}
    assert kinds == {"gadget", "limbs", "table", "multiplicities"}


def test_what_is_not_shown_is_told(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assurance, "gate_faults", lambda table, *_: [f"{table.name}: wraps"])
    monkeypatch.setattr(assurance, "multiplicity_faults", lambda *_: ["a lookup may be negative"])
    monkeypatch.setattr(assurance, "unique_limbs", lambda shape: shape.limbs < 5)
    wrong = {one.name: one for one in findings(program) if not one.shown}
    assert wrong["limbs: 5"] == Finding("limbs: 5", "a word has one form", ("two lists of limbs make one number",))
    assert wrong["table: trade"].faults == ("trade: wraps",)
    assert wrong["multiplicities"].faults == ("a lookup may be negative",)
