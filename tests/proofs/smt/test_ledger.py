"""The committed ledger says what is proved of the rules as they are."""

import copy
from pathlib import Path
from typing import Any

import pytest

from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.digests import RULES, THEOREMS, bare, digest_of
from perp_proofs.smt.ledger import LEDGER, complaints, encoded, ledger_of, read_ledger
from perp_proofs.smt.prove import Result
from perp_proofs.smt.solver import Verdict
from perp_reference.pages.theorems import COMMAND, own_assumptions, theorems_page, times_in

pytestmark = pytest.mark.proofs


@pytest.fixture
def ledger() -> dict[str, Any]:
    """The committed ledger."""
    found = read_ledger()
    assert found is not None
    return found


def test_the_committed_ledger_is_up_to_date(ledger: dict[str, Any]) -> None:
    assert complaints(ledger) == [], f"run `{COMMAND}` and commit what changes"
    assert LEDGER.read_text(encoding="utf-8") == encoded(ledger)


def test_the_committed_page_is_the_one_of_the_ledger(ledger: dict[str, Any], root: Path) -> None:
    text = (root / "docs" / "theorems.md").read_text(encoding="utf-8")
    times = times_in(text)

    assert sorted(times) == sorted(goal.name for goal in GOALS)
    assert text == theorems_page(ledger, times), f"run `{COMMAND}` and commit what changes"


def test_every_assumption_is_listed_once(ledger: dict[str, Any]) -> None:
    listed = own_assumptions(ledger)

    assert len(listed) == len(set(listed))
    assert {text for goal in GOALS for text in goal.assumptions} == set(listed)


def test_a_ledger_of_results_is_the_committed_one(ledger: dict[str, Any]) -> None:
    results = [Result(goal, Verdict.PROVED, 0.1, 1) for goal in GOALS]

    assert ledger_of(results, ledger["solver"]) == ledger


def test_what_is_stale_is_said(ledger: dict[str, Any]) -> None:
    other = copy.deepcopy(ledger)
    other["rules"] = "0" * 64
    other["theorems"] = "1" * 64
    other["assumptions"] = []
    other["goals"][1]["verdict"] = "unknown"
    del other["goals"][0]

    assert complaints(other) == [
        "the rules have changed since",
        "the theorems have changed since",
        "the general assumptions have changed since",
        "it lists other goals than there are",
        f"{other['goals'][0]['name']} is unknown",
    ]
    assert complaints(None) == ["there is no ledger"]


def test_another_format_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    assert read_ledger(file) is None

    file.write_text('{"format": "other"}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"ledger\.json is no perpspec-ledger-1"):
        read_ledger(file)


def test_words_do_not_change_a_digest(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name / "rule.py" for name in ("a", "b", "c"))
    texts = (
        '"""One."""\n\ndef rule(x):\n    """Two."""\n    return x + 1  # three\n',
        "def rule(x):\n\n    return x + 1\n",
        "def rule(x):\n\n    return x + 2\n",
    )
    for file, text in zip((first, second, third), texts, strict=True):
        file.parent.mkdir()
        (file.parent / "same").mkdir()
        (file.parent / "same" / "rule.py").write_text(text, encoding="utf-8")
    digests = [digest_of((file.parent / "same" / "rule.py",)) for file in (first, second, third)]

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]
    assert bare(texts[0]) == bare(texts[1]) == "def rule(x):\n    return x + 1\n"


def test_the_digests_are_of_files_that_exist() -> None:
    assert [file for file in (*RULES, *THEOREMS) if not file.is_file()] == []
    assert {file.name for file in RULES} >= {"health.py", "trading.py", "waterfall.py", "language.py"}
