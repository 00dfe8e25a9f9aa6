"""Every broken testee is caught with the right rule named; fuzzing finds its mistake and makes it small."""

import ast
import inspect
import json
import resource
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
ENDS = {"crashes": "error.crash", "silent": "error.timeout"}
"""Those that end or fall silent."""
LEAVES_RANGE = ("truncated_funding",)
"""Those whose wrong numbers leave the range of what is stored, in some states: whether the vectors have such a state is
up to the solver. Where they have, such a testee ends too, beside being wrong elsewhere."""
EVERYWHERE = ("one_root_for_all",)
"""Those that are wrong wherever a market has open interest, whatever the rule."""
PROCESSOR_SECONDS = 60
"""What finding a mistake may take, of the tester and the testee together: that does not depend on what else runs."""
EXAMPLES = 6_000
"""What finding a mistake may take: a testee in Python is compared on three hundred and more a second."""


def run(capsys: pytest.CaptureFixture[str], command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([command, "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def engine(name: str) -> list[str]:
    return ["--", sys.executable, str(BROKEN / "testee.py"), name]


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
    code, found = run(capsys, "conform", "--timeout", "5", *engine(name))
    if name in QUIET:
        assert (code, found["verdict"]) == (1, "does not conform")
        assert found["ended"] == "reply to hello: seq: expected each member once, got it twice"
        return
    assert all(canary["lives"] for canary in found["canaries"])
    ends = {verdict for verdict in found["counts"] if verdict.startswith("error.")}
    assert (code, found["verdict"]) == ((5, "crashed or timed out") if ends else (1, "does not conform"))
    if name in LEAVES_RANGE:
        assert ends <= {"error.crash"}
    else:
        assert ends == ({ENDS[name]} if name in ENDS else set())
    named = {rule for rule, count in found["failures_by_rule"].items() if count}
    assert named & RULES[name]
    if name not in ENDS:
        assert {item["rule"] for item in found["failures"] if item["verdict"].startswith("fail.")} & RULES[name]
    if (name in MACHINE_FAULTS and name not in EVERYWHERE) or (name in FAULTS and FAULTS[name].only):
        assert named <= RULES[name]


def processor_seconds() -> float:
    """Of this process, and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@pytest.mark.mutation
@pytest.mark.parametrize("name", [name for name in RULES if name not in QUIET])
def test_fuzzing_finds_it_within_a_minute_and_makes_it_small(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    started = processor_seconds()
    code, found = run(capsys, "fuzz", "--seconds", "600", "--out", str(tmp_path), *engine(name))
    assert processor_seconds() - started <= PROCESSOR_SECONDS
    divergence = found["divergence"]
    assert code == (5 if divergence["verdict"].startswith("error.") else 1)
    assert divergence["operations"] <= 3
    assert found["statistics"]["examples"] <= EXAMPLES
    if (name in MACHINE_FAULTS and name not in EVERYWHERE) or (name in FAULTS and FAULTS[name].only):
        assert divergence["rule"] in RULES[name]

    again, replayed = run(capsys, "fuzz", "--replay", divergence["file"], *engine(name))
    assert (again, [failure["verdict"] for failure in replayed["failures"]]) == (code, [divergence["verdict"]])


@pytest.mark.parametrize("name", QUIET)
def test_fuzzing_needs_a_testee_that_gets_past_hello(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    code, found = run(capsys, "fuzz", "--out", str(tmp_path), *engine(name))
    assert (code, found["verdict"], list(tmp_path.iterdir())) == (1, "does not conform", [])
