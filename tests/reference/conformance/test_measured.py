"""The kept score of the vectors: it is of these rules, vectors and explanations, and what is said of it is so."""

import json
import shutil
from pathlib import Path

import pytest
from attrs import evolve

from perp_cli.commands.vectors import is_measured
from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_reference.conformance.measured import FILE, Measured, encode_measured, measured, read_measured, stale
from perp_reference.conformance.mutants import EXPLANATIONS, labels, read_explained
from perp_reference.conformance.release import Vectors
from perp_reference.errors import MalformedInput
from perp_reference.site.claims import check_figures
from perp_reference.site.generated import score_figures


@pytest.fixture(scope="module")
def score(archive: Path) -> Measured:
    return read_measured(archive.parent / FILE)


def test_the_score_is_of_these_vectors_and_of_all_mutants(score: Measured, vectors: Vectors, archive: Path) -> None:
    explanations = archive.parent / EXPLANATIONS
    assert stale(score, vectors.digest, explanations) == (), "run perp vectors mutants --write"
    assert score.mutants == len(labels())
    assert score.explained == len(read_explained(explanations))


def test_the_vectors_notice_95_percent_of_the_mutants_that_change_something(score: Measured) -> None:
    assert score.noticed + score.explained <= score.mutants
    assert score.percent >= 95


def test_the_page_says_what_was_measured(score: Measured, root: Path) -> None:
    text = (root / "docs" / "conformance.md").read_text(encoding="utf-8")
    assert all(f"<!--= {name} -->" in text for name in score_figures(score))
    assert check_figures("docs/conformance.md", text, score_figures(score)) == []


def test_a_score_that_is_not_known_gives_no_figures() -> None:
    assert score_figures(None) == {}


def test_a_score_of_other_vectors_mutants_or_explanations_is_stale(tmp_path: Path) -> None:
    file = tmp_path / EXPLANATIONS
    file.write_text("one\n")
    digest = f"sha256:{'0' * 64}"
    found = measured(digest, file, 3, 1)
    assert stale(found, digest, file) == ()
    assert stale(found, digest.replace("0", "1"), file) == ("vectors",)
    assert stale(evolve(found, mutants_digest=digest), digest, file) == ("mutants_digest",)
    assert stale(evolve(found, mutants=found.mutants + 1), digest, file) == ("mutants",)
    file.write_text("another\n")
    assert stale(found, digest, file) == ("explanations",)
    file.unlink()
    assert stale(found, digest, file) == ("explanations",)


def test_the_percentage_leaves_out_what_changes_nothing() -> None:
    assert Measured("", "", "", mutants=10, noticed=6, explained=2).percent == 75
    assert Measured("", "", "", mutants=2, noticed=0, explained=2).percent == 0


def test_a_score_is_read_as_it_was_written(score: Measured, tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_text(encode_measured(score))
    assert read_measured(file) == score


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", "perpspec-mutation-score-2", "format: expected one of perpspec-mutation-score-1"),
        ("vectors", "sha256:0", "vectors: expected sha256: and 64 hexadecimal digits"),
        ("noticed", -1, "noticed: expected a JSON integer"),
        ("noticed", "3", "noticed: expected a JSON integer"),
        ("percent", 99, "percent: expected"),
    ],
)
def test_a_malformed_score_is_refused(score: Measured, tmp_path: Path, name: str, value: object, message: str) -> None:
    file = tmp_path / FILE
    file.write_text(json.dumps({**json.loads(encode_measured(score)), name: value}))
    with pytest.raises(MalformedInput, match=message):
        read_measured(file)
    file.write_text("{")
    with pytest.raises(MalformedInput, match="expected a JSON object, got something else"):
        read_measured(file)


def test_the_score_of_some_mutants_is_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vectors", "mutants", "--every", "2", "--write"]) == ExitCode.USAGE
    assert "--write is for the score of all mutants" in capsys.readouterr().err


def test_what_was_found_is_kept_beside_the_archive_unless_an_explanation_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, vectors: Vectors, archive: Path, tmp_path: Path
) -> None:
    few = dict(list(labels().items())[:5])
    monkeypatch.setattr("perp_reference.conformance.mutants.labels", lambda: few)
    monkeypatch.setattr("perp_reference.conformance.measured.labels", lambda: few)
    shutil.copy(archive, tmp_path / "vectors.tar.xz")
    run = ["vectors", "mutants", "--least", "0", "--write", "--json", "--vectors", str(tmp_path / "vectors.tar.xz")]
    assert main(run) == ExitCode.OK
    found = json.loads(capsys.readouterr().out)
    kept = read_measured(tmp_path / FILE)
    assert (kept.mutants, kept.noticed, kept.explained) == (5, 4, 0)
    assert stale(kept, vectors.digest, tmp_path / EXPLANATIONS) == ()
    noticed = next(label for mutant, label in few.items() if mutant.name not in found["survivors"])
    (tmp_path / EXPLANATIONS).write_text(json.dumps({"mutant": noticed, "why": "so it is said"}) + "\n")
    assert main(run) == ExitCode.FALSE
    assert read_measured(tmp_path / FILE) == kept


def test_whether_the_score_is_of_an_archive_is_told(score: Measured, archive: Path, tmp_path: Path) -> None:
    assert is_measured(archive, score.vectors)
    assert not is_measured(archive, f"sha256:{'0' * 64}")
    assert not is_measured(tmp_path / archive.name, score.vectors)
