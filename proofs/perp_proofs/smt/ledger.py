"""The ledger: which theorem holds of which text of the rules, by which solver and on which assumptions.

It is committed, the same on every machine, so it holds no times; those go to a file beside it that is not.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.digests import SMT, rules_digest, theorems_digest
from perp_proofs.smt.prove import Goal, Result

LEDGER = SMT.parents[1] / "ledger.json"
TIMES = SMT.parents[1] / "ledger.times.json"

LEDGER_FORMAT = "perpspec-ledger-1"

GENERAL = (
    "every word of a record and of an operation is in the range that its field declares",
    (
        "the frame: an operation touches what its footprint names; the other positions of an account, and other "
        "accounts and markets, are there in any number and count by their sums, of which nothing is used but what "
        "their contracts say; the contracts are among the theorems"
    ),
    "a digest is a function of what is hashed, and nothing else is known of it",
    "of the records that one operation stores no two are the same, which is a theorem of its own for each operation",
    "the solver is right where it says that a claim follows",
)
"""What every theorem assumes; a theorem's own assumptions come on top."""


def entry(goal: Goal, verdict: str) -> dict[str, Any]:
    """A line of the ledger."""
    return {
        "name": goal.name,
        "sentence": goal.sentence,
        "about": list(goal.subjects),
        "assumptions": list(goal.assumptions),
        "contracts": sorted(goal.opaque),
        "verdict": verdict,
    }


def ledger_of(results: Iterable[Result], solver: str) -> dict[str, Any]:
    """The ledger of the results, in the order of the catalogue."""
    verdicts = {result.goal.name: result.verdict.value for result in results}
    return {
        "format": LEDGER_FORMAT,
        "rules": rules_digest(),
        "theorems": theorems_digest(),
        "solver": solver,
        "assumptions": list(GENERAL),
        "goals": [entry(goal, verdicts[goal.name]) for goal in GOALS],
    }


def encoded(ledger: dict[str, Any]) -> str:
    """The text of a ledger."""
    return f"{json.dumps(ledger, indent=1, ensure_ascii=False)}\n"


def read_ledger(file: Path = LEDGER) -> dict[str, Any] | None:
    """The ledger in a file, None where there is none.

    Raises:
        ValueError: It is no JSON, or of another format.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    ledger = json.loads(text)
    if not isinstance(ledger, dict) or ledger.get("format") != LEDGER_FORMAT:
        raise ValueError(f"{file} is no {LEDGER_FORMAT}")
    return ledger


def complaints(ledger: dict[str, Any] | None) -> list[str]:
    """Why a ledger does not speak of the rules and the theorems as they are now; nothing where it does."""
    if ledger is None:
        return ["there is no ledger"]
    said: list[str] = []
    if ledger["rules"] != rules_digest():
        said.append("the rules have changed since")
    if ledger["theorems"] != theorems_digest():
        said.append("the theorems have changed since")
    if ledger["assumptions"] != list(GENERAL):
        said.append("the general assumptions have changed since")
    if [without_verdict(line) for line in ledger["goals"]] != [without_verdict(entry(goal, "")) for goal in GOALS]:
        said.append("it lists other goals than there are")
    said += [f"{line['name']} is {line['verdict']}" for line in ledger["goals"] if line["verdict"] != "proved"]
    return said


def without_verdict(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the ledger but for its verdict."""
    return {name: value for name, value in line.items() if name != "verdict"}
