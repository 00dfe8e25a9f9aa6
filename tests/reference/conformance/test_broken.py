"""Every broken testee is caught with the right rule named; fuzzing finds its mistake and makes it small."""

import ast
import inspect
import json
import sys
import textwrap
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from perp_cli.main import main
from perp_reference.conformance.mutants import plain

BROKEN = Path(__file__).resolve().parents[2] / "testees" / "broken"


def table() -> ModuleType:
    spec = spec_from_file_location("broken_faults", BROKEN / "faults.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAULTS: dict[str, Any] = table().FAULTS
MACHINE_FAULTS: dict[str, Any] = table().MACHINE_FAULTS
RULES = {
    **{name: fault.rules for name, fault in FAULTS.items()},
    **{name: rules for name, (_, rules) in MACHINE_FAULTS.items()},
}
QUIET = ("repeats_members",)
"""Those that do not get past hello."""
NOT_FOR_FUZZING = (*QUIET, "silent", "one_root_for_all")


def run(capsys: pytest.CaptureFixture[str], command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([command, "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_there_are_at_least_twelve() -> None:
    assert len(RULES) >= 12


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_fault_replaces_is_in_the_rules_once(name: str) -> None:
    fault = FAULTS[name]
    function = plain(vars(sys.modules[fault.module])[fault.function])
    source = ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(function))))
    assert source.count(fault.piece) == 1


@pytest.mark.mutation
@pytest.mark.parametrize("name", RULES)
def test_a_broken_testee_is_caught_with_its_rule(capsys: pytest.CaptureFixture[str], name: str) -> None:
    testee = ["--", sys.executable, str(BROKEN / "testee.py"), name]
    code, found = run(capsys, "conform", "--timeout", "5", *testee)
    assert code in (1, 5)
    if name in QUIET:
        assert "each member once" in found["ended"]
        return
    named = {rule for rule, count in found.get("failures_by_rule", {}).items() if count}
    if found["verdict"] == "disqualified":
        assert name in ("crashes", "float_money", "nonce_reused")
        return
    assert named & RULES[name]
    if name in FAULTS and FAULTS[name].only:
        assert named <= RULES[name]


@pytest.mark.mutation
@pytest.mark.parametrize("name", [name for name in RULES if name not in NOT_FOR_FUZZING])
def test_fuzzing_finds_it_within_a_minute(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    testee = ["--", sys.executable, str(BROKEN / "testee.py"), name]
    code, found = run(capsys, "fuzz", "--rules", "perpetual", "--seconds", "60", "--out", str(tmp_path), *testee)
    assert code == 1
    assert found["divergence"]["seconds"] <= 60
    assert found["divergence"]["operations"] <= 3
