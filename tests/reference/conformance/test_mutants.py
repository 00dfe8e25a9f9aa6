"""Mutants of the rules: each is another text, is taken out again, and what the vectors notice is counted."""

import ast
import json
import shutil
from pathlib import Path

import pytest

from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_reference.conformance.measured import FILE, read_measured
from perp_reference.conformance.mutants import (
    Change,
    changes,
    labels,
    mutants,
    mutants_of,
    mutated,
    notices,
    plain,
    read_explained,
    trials,
)
from perp_reference.conformance.release import Vectors
from perp_reference.errors import MalformedInput
from perp_spec.perpetual import common
from perp_spec.perpetual.rules import money


def said(expression: str) -> list[str]:
    """What each change makes of an expression."""
    found: list[str] = []
    for number in range(len(list(first_changes(expression)[1]))):
        tree, possible = first_changes(expression)
        possible[number][1]()
        found.append(ast.unparse(tree))
    return found


def first_changes(expression: str) -> tuple[ast.Expr, list[Change]]:
    tree = ast.parse(expression).body[0]
    assert isinstance(tree, ast.Expr)
    node = tree if expression.startswith("require") else tree.value
    return tree, list(changes(node))


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("a <= b", ["a < b"]),
        ("a == b", ["a != b"]),
        ("a + b", ["a - b"]),
        ("(a, b) + c", []),
        ("-a", ["a"]),
        ("True", ["False"]),
        ("7", ["8"]),
        ("mul_div_floor(a, b, c)", ["mul_div_ceil(a, b, c)"]),
        ("both(a, b)", ["either(a, b)"]),
        ("negate(a)", ["a"]),
        ("select(a, b, c)", ["select(a, c, b)"]),
        ("carry(a, b, fund=c, fees=d)", ["carry(a, b, fees=d)", "carry(a, b, fund=c)"]),
        ("require(a, b)", ["None"]),
        ("indicator(a)", []),
    ],
)
def test_changes(expression: str, found: list[str]) -> None:
    assert said(expression) == found


def test_there_are_many_and_each_has_a_name_of_its_own_place() -> None:
    several = list(mutants())
    assert len(several) > 1_200
    assert len({(mutant.module, mutant.function, mutant.node, mutant.change) for mutant in several}) == len(several)


def test_a_mutant_is_noticed_and_taken_out_again(vectors: Vectors) -> None:
    [unguarded] = [
        mutant
        for mutant in mutants_of(plain(money.withdraw))
        if "without require(op.amount <= ledger.bucket" in mutant.what
    ]
    running = [trial for trial in trials(vectors) if trial.case.startswith("withdraw/guard-08")]
    assert running
    assert not any(notices(trial) for trial in running)
    kept = plain(money.withdraw).__code__
    with mutated(unguarded):
        assert plain(money.withdraw).__code__ is not kept
        assert any(notices(trial) for trial in running)
    assert plain(money.withdraw).__code__ is kept


def test_every_mutant_of_the_common_guards_compiles() -> None:
    for mutant in mutants_of(plain(common.fill_order_if)):
        with mutated(mutant):
            pass


def test_what_is_said_to_change_nothing_must_not_be_noticed(
    capsys: pytest.CaptureFixture[str], archive: Path, tmp_path: Path
) -> None:
    shutil.copy(archive, tmp_path / "vectors.tar.xz")
    every = 700
    tried = list(labels().values())[::every]
    lines = [json.dumps({"mutant": label, "why": "so it is said"}) for label in [*tried, "no such mutant"]]
    (tmp_path / "equivalent.jsonl").write_text("\n".join(lines) + "\n")
    code = main(["vectors", "mutants", "--json", "--every", str(every), "--vectors", str(tmp_path / "vectors.tar.xz")])
    found = json.loads(capsys.readouterr().out)
    assert code == ExitCode.FALSE
    assert found["noticed"] + found["explained"] == len(tried)
    assert found["noticed"] > 0
    assert len(found["wrongly_explained"]) == found["noticed"] + 1
    assert found["wrongly_explained"][-1] == "no such mutant"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('{"mutant": "f: 0: 1"}', "why"),
        ('{"mutant": "f: 0: 1", "why": 1}', "why"),
        ("nothing", "a JSON object"),
    ],
)
def test_a_malformed_explanation_is_refused_at_its_line(tmp_path: Path, line: str, wanted: str) -> None:
    file = tmp_path / "equivalent.jsonl"
    file.write_text(f'{{"mutant": "f: 1: 2", "why": "so"}}\n{line}\n')
    with pytest.raises(MalformedInput, match=wanted) as refused:
        read_explained(file)
    assert refused.value.line == 2


def test_each_label_is_of_one_mutant() -> None:
    assert len(set(labels().values())) == len(labels())


@pytest.mark.mutation
def test_the_vectors_notice_as_many_mutants_as_the_score_says(
    capsys: pytest.CaptureFixture[str], archive: Path
) -> None:
    code = main(["vectors", "mutants", "--json"])
    found = json.loads(capsys.readouterr().out)
    score = read_measured(archive.parent / FILE)
    assert code == ExitCode.OK
    assert found["wrongly_explained"] == []
    assert (found["mutants"], found["noticed"], found["explained"]) == (score.mutants, score.noticed, score.explained)
