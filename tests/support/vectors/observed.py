"""Scenarios of the StarkEx rule set: the transactions that were observed on the deployed program."""

from collections.abc import Iterator
from pathlib import Path

from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.starkex import NAMES, encode_config, encode_state, encoded
from perp_reference.starkex.check import numbered
from perp_reference.starkex.decode import Case
from perp_reference.starkex.reader import read_lines

FILES = Path(__file__).resolve().parents[2] / "vectors" / "starkex"


def observed_scenarios() -> Iterator[Scenario]:
    """Every observed transaction."""
    for file in ("trade", "liquidate", "deleverage", "other_tx"):
        for _, case in read_lines(FILES / f"{file}.jsonl", numbered):
            if isinstance(case, Case) and case.kind == "tx":
                yield observed(file, case)


def observed(file: str, case: Case) -> Scenario:
    """One observed transaction."""
    ok = case.result.get("ok", False)
    return Scenario(
        id=f"{NAMES[type(case.transaction)]}/{case.identifier.lower()}",
        comment=f"Observed on the deployed program: {case.result.get('code', 'a failure')}.",
        rules="starkex",
        config=encode_config(case.state.settings),
        pre=encode_state(case.state),
        steps=((NAMES[type(case.transaction)], encoded(case.transaction)),),
        source={"kind": "observed", "test": f"tests/vectors/starkex/{file}.jsonl"},
        flags=("BASIC",) if ok else ("MISSING_CHECK",),
    )
