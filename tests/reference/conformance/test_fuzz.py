"""Fuzzing finds a divergence, makes it small, and writes a fixture that shows it again."""

import itertools
import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from perp_cli.main import main
from perp_reference.conformance.differ import Differ, Divergence
from perp_reference.conformance.fixtures import Case, Expected, Step
from perp_reference.conformance.fuzz import strata, turns
from perp_reference.conformance.judge import STATE, TIMEOUT, Judgement
from perp_reference.conformance.near import places_named, places_of_state, places_of_step, unchanged
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.shrink import Shrinker
from perp_reference.conformance.tester import Testee as About
from perp_reference.conformance.values import OPERATIONS


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["fuzz", "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def engine(testees: Path, name: str, *arguments: str) -> list[str]:
    return ["--", sys.executable, str(testees / name / "testee.py"), *arguments]


def test_a_divergence_is_found_made_small_and_shown_again(
    capsys: pytest.CaptureFixture[str], testees: Path, tmp_path: Path
) -> None:
    broken = engine(testees, "broken", "lost_fee")
    code, found = run(capsys, "--seconds", "60", "--out", str(tmp_path), *broken)
    divergence = found["divergence"]
    assert (code, divergence["verdict"], divergence["rule"]) == (1, "fail.state", "trade")
    assert divergence["operations"] in (1, 2, 3), "how small it gets in its time depends on the machine"
    assert found["statistics"]["examples"] > 0

    [file] = tmp_path.iterdir()
    fixture = json.loads(file.read_text(encoding="utf-8"))
    assert fixture["cases"][0]["source"] == {"kind": "fuzz", "seed": "0", "found_in": "broken: lost_fee 1"}
    assert divergence["reproduce"].startswith(f"perp fuzz --replay {file} -- ")

    code, found = run(capsys, "--replay", str(file), *broken)
    assert (code, [failure["verdict"] for failure in found["failures"]]) == (1, ["fail.state"])
    code, found = run(capsys, "--replay", str(file), *engine(testees, "reference", "delta"))
    assert (code, found) == (0, {"cases": 1, "failures": []})


def test_the_printed_line_reproduces_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, testees: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("PERP_CALLED_AS", "./perp")
    code, found = run(
        capsys, "--level", "2", "--out", str(tmp_path / "a b"), *engine(testees, "broken", "nonce_reused")
    )
    line = found["divergence"]["reproduce"]
    assert (code, line.startswith(f"./perp fuzz --replay '{tmp_path}/a b/fuzz-")) == (1, True)
    assert " --level 2 -- " in line
    code = main(shlex.split(line)[1:])
    assert (code, capsys.readouterr().out.splitlines()[-1]) == (1, "0 of 1 cases pass")


@pytest.mark.parametrize(("fault", "verdict"), [("crashes", "error.crash"), ("silent", "error.timeout")])
def test_a_crash_and_a_silence_are_found_with_the_operation_that_brings_them_about(
    capsys: pytest.CaptureFixture[str], testees: Path, tmp_path: Path, fault: str, verdict: str
) -> None:
    options = ["--rules", "perpetual", "--timeout", "2", "--start-timeout", "30", "--out", str(tmp_path)]
    testee = engine(testees, "broken", fault)
    code, found = run(capsys, *options, *testee)
    divergence = found["divergence"]
    rule = {"crashes": "withdraw", "silent": "cancel"}[fault]
    assert (code, divergence["verdict"], divergence["rule"], divergence["operations"]) == (5, verdict, rule, 1)
    assert ("about to divide" in divergence["log"]) == (fault == "crashes")
    code, found = run(capsys, "--start-timeout", "10", "--replay", divergence["file"], *testee)
    assert (code, [failure["verdict"] for failure in found["failures"]]) == (5, [verdict])


def test_where_a_divergence_is_to_be_written_is_looked_at_first(
    capsys: pytest.CaptureFixture[str], testees: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("here", encoding="utf-8")
    code, found = run(capsys, "--out", str(tmp_path / "file"), *engine(testees, "broken", "lost_fee"))
    assert (code, found["error"]["message"]) == (2, f"{tmp_path}/file cannot be written: File exists")


def test_where_nothing_was_compared_nothing_is_claimed(
    capsys: pytest.CaptureFixture[str], testees: Path, tmp_path: Path
) -> None:
    """The template skips what is not connected; a testee of no operation is sent nothing."""
    code, found = run(capsys, "--out", str(tmp_path), *engine(testees, "trivial"))
    assert (code, found["divergence"], found["statistics"]["examples"]) == (1, None, 0)


def test_the_reference_differs_nowhere(capsys: pytest.CaptureFixture[str], testees: Path, tmp_path: Path) -> None:
    arguments = ("--seconds", "3", "--seed", "7", "--out", str(tmp_path))
    code, found = run(capsys, *arguments, *engine(testees, "reference", "reason", "delta", "outputs"))
    assert (code, found["divergence"], list(tmp_path.iterdir())) == (0, None, [])
    assert found["statistics"]["examples"] > 0
    assert 0 <= found["statistics"]["accepted_share"] <= 1


class Adder(Differ):
    """Differs on every scenario that pays out 137 atoms or more in its steps together, from an account that exists."""

    def __init__(self) -> None:
        self.tried = 0

    def compare(self, scenario: Scenario, counts: bool = True) -> Divergence | None:
        del counts
        self.tried += 1
        total = sum(int(arguments["amount"]) for _, arguments in scenario.steps)
        if total < 137 or "4" not in scenario.pre.get("account", {}):
            return None
        expected = Expected(None, (), {}, "0" * 64, {})
        steps = tuple(Step(name, arguments, expected) for name, arguments in scenario.steps)
        case = Case("a", "", "required", (), ("withdraw",), (), {}, scenario.pre, steps)
        return Divergence(scenario, case, Judgement(STATE, len(steps) - 1))

    def later(self, scenario: Scenario, place: int) -> Scenario | None:
        del scenario, place


class Sleeper(Differ):
    """Never answers a scenario that has a cancellation; which step that is nobody can know."""

    def __init__(self) -> None:
        pass

    def compare(self, scenario: Scenario, counts: bool = True) -> Divergence | None:
        del counts
        if all(name != "cancel" for name, _ in scenario.steps):
            return None
        expected = Expected(None, (), {}, "0" * 64, {})
        steps = tuple(Step(name, arguments, expected) for name, arguments in scenario.steps)
        case = Case("a", "", "required", (), ("cancel",), (), {}, scenario.pre, steps)
        return Divergence(scenario, case, Judgement(TIMEOUT))

    def later(self, scenario: Scenario, place: int) -> Scenario | None:
        return evolve(scenario, steps=scenario.steps[place:])

    @contextmanager
    def hurried(self) -> Iterator[None]:
        yield


def test_a_silence_in_the_midst_of_a_scenario_is_shrunk_to_the_operation_that_brings_it_about() -> None:
    """Given one whose last operation is another, then it is cut to the cancellation, and stays a silence."""
    names = ("withdraw", "transfer", "cancel", "deposit", "premium_sample")
    scenario = Scenario("a", "", "perpetual", {}, {}, tuple((name, {}) for name in names), {"kind": "fuzz"})
    differ = Sleeper()
    divergence = differ.compare(scenario)
    assert divergence is not None
    small = Shrinker(differ, divergence).shrink()
    assert (small.kind, small.scenario.steps) == ((TIMEOUT, "cancel"), (("cancel", {}),))


def test_the_first_round_takes_cases_of_every_kind_as_they_are(vectors: Vectors) -> None:
    """Given a stratum under a configuration, then at least one of its cases, and of many one in eight."""
    names = frozenset(OPERATIONS)
    testee = About("a", "1", "", "", ("perpetual",), names, frozenset(), frozenset())
    known = strata(vectors, testee)
    groups = {tuple(id(base) for base in bases): len(bases) for several in known.values() for bases in several}
    group_of = {base: group for group in groups for base in group}
    first = list(itertools.takewhile(lambda turn: turn.examples == 1, turns(known, 3)))
    taken = Counter(group_of[id(turn.bases[0])] for turn in first)
    assert taken == {group: 1 + (count - 1) // 8 for group, count in groups.items()}
    base = first[0].bases[0]
    steps = tuple((step.op, step.args) for step in base.case.steps[: base.place + 1])
    assert (unchanged(base).steps, unchanged(base).pre) == (steps, base.case.pre)
    again, other = (list(itertools.islice(turns(known, seed), 20)) for seed in (3, 4))
    assert [id(turn.bases[0]) for turn in again] == [id(turn.bases[0]) for turn in first[:20]]
    assert [id(turn.bases[0]) for turn in other] != [id(turn.bases[0]) for turn in first[:20]]


def test_numbers_that_a_step_reads_are_those_without_a_key_and_of_what_it_names(vectors: Vectors) -> None:
    base = next(case for _, _, case in vectors.cases() if case.id == "withdraw/accepted")
    step = base.steps[0]
    scenario = Scenario("a", "", "perpetual", {}, base.pre, ((step.op, step.args),), {"kind": "fuzz"})
    of_step, of_state = places_of_step(0, step.op), places_of_state(base.pre)
    ids = {step.args["account"], step.args["intent"]["slot"]}
    unkeyed = ("exchange", "ledger", "queue")
    expected = [place for place in of_state if place.path[0] in unkeyed or place.path[1] in ids]
    assert places_named(scenario, of_step, of_state) == expected
    assert 0 < len(expected) < len(of_state)


@pytest.mark.parametrize("text", ["-1", "1_0", "0x1", "", "9223372036854775808"])
def test_a_seed_has_one_spelling(capsys: pytest.CaptureFixture[str], text: str) -> None:
    code, found = run(capsys, f"--seed={text}", "--", "true")
    expected = "expected a whole number from 0 to 9223372036854775807"
    message = f"argument --seed: {expected}, got {text or 'an empty text'} (see perp fuzz --help)"
    assert (code, found["error"]["message"]) == (2, message)


def test_shrinking_drops_steps_and_records_zeroes_fields_and_snaps_to_the_boundary() -> None:
    pre = {"account": {"3": {"collateral": "7"}, "4": {"collateral": "9000"}}, "ledger": {"vault": "9000"}}
    steps = tuple(("withdraw", {"amount": amount, "flag": True}) for amount in ("5", "900", "60"))
    scenario = Scenario("a", "", "perpetual", {}, pre, steps, {"kind": "fuzz"})
    differ = Adder()
    divergence = differ.compare(scenario)
    assert divergence is not None
    small = Shrinker(differ, divergence).shrink().scenario
    assert small.steps == (("withdraw", {"amount": "137", "flag": False}),)
    assert small.pre == {"account": {"4": {"collateral": "1"}}}
    assert differ.tried < 100
