"""The observed cases agree, and a false observation is found."""

import json
from pathlib import Path
from typing import Any

import pytest

from perp_reference.starkex.check import Difference, check_file, texts

COUNTS = {
    "apply_funding": 20,
    "batches": 2,
    "deleverage": 130,
    "hashes": 43,
    "liquidate": 116,
    "other_tx": 118,
    "status": 38,
    "trade": 102,
    "update_position": 149,
}


@pytest.fixture(scope="session")
def vectors(root: Path) -> Path:
    """The directory of the observed cases."""
    return root / "tests" / "vectors" / "starkex"


@pytest.mark.parametrize("name", COUNTS)
def test_every_observed_case_agrees(vectors: Path, name: str) -> None:
    checked = list(check_file(vectors / f"{name}.jsonl"))
    assert [case for case in checked if case.differences] == []
    assert len(checked) == COUNTS[name]


def test_every_file_of_cases_is_counted(vectors: Path) -> None:
    assert {file.stem for file in vectors.glob("*.jsonl")} == set(COUNTS)


def line_of(vectors: Path, name: str, identifier: str) -> dict[str, Any]:
    """A case as JSON."""
    lines = (vectors / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return next(case for case in map(json.loads, lines) if case.get("id") == identifier)


FALSE = [
    ("status", "status-005", ("tv",), 0, [Difference("tv", 0, -4061623545592440422400)]),
    ("update_position", "update-001", ("code",), "X", [Difference("code", "X", "SUCCESS")]),
    ("update_position", "update-001", ("position", "owner"), 2, [Difference("position.owner", 2, 1)]),
    ("liquidate", "liquidate-001", ("fulfilled", "liquidator_order"), 1, None),
    ("liquidate", "liquidate-001", ("positions", "2", "assets"), [], None),
    ("liquidate", "liquidate-001", ("positions", "77"), {"owner": 1, "collateral": 1, "assets": []}, None),
    ("other_tx", "deposit-001", ("modifications",), [], [Difference("modifications", [], [[1, 1, 0]])]),
    ("other_tx", "oracle_tick-002", ("prices",), [], None),
    ("other_tx", "oracle_tick-002", ("system_time",), 0, [Difference("system_time", 0, 1700000001)]),
]


@pytest.mark.parametrize(
    ("name", "identifier", "path", "value", "expected"),
    FALSE,
    ids=[f"{identifier}-{'.'.join(path)}" for _, identifier, path, _, _ in FALSE],
)
def test_a_false_observation_is_found(
    vectors: Path,
    tmp_path: Path,
    name: str,
    identifier: str,
    path: tuple[str, ...],
    value: Any,
    expected: list[Difference] | None,
) -> None:
    case = line_of(vectors, name, identifier)
    place = case["result"]
    for member in path[:-1]:
        place = place[member]
    place[path[-1]] = value
    file = tmp_path / "false.jsonl"
    file.write_text(json.dumps(case) + "\n", encoding="utf-8")
    (checked,) = check_file(file)
    assert checked.differences
    if expected is not None:
        assert list(checked.differences) == expected


def test_a_forced_action_that_no_observation_shows_is_found(vectors: Path, tmp_path: Path) -> None:
    """Given a forced action, when the observation says nothing of it, then that is a difference."""
    lines = (vectors / "other_tx.jsonl").read_text(encoding="utf-8").splitlines()
    case = next(case for case in map(json.loads, lines) if case["result"].get("n_forced_actions"))
    del case["result"]["n_forced_actions"]
    file = tmp_path / "false.jsonl"
    file.write_text(json.dumps(case) + "\n", encoding="utf-8")
    (checked,) = check_file(file)
    assert list(checked.differences) == [Difference("n_forced_actions", None, 1)]


def test_a_false_word_of_a_batch_is_found(vectors: Path, tmp_path: Path) -> None:
    case = line_of(vectors, "batches", "trade_rollup")
    right = case["output"][11]
    case["output"][11] = 5
    file = tmp_path / "false.jsonl"
    file.write_text(json.dumps(case) + "\n", encoding="utf-8")
    (checked,) = check_file(file)
    assert list(checked.differences) == [Difference("output[11]", 5, right)]


def test_json_texts_hold_integers_as_decimal_strings() -> None:
    assert texts({"a": [2**70, True, None, "x"]}) == {"a": [str(2**70), True, None, "x"]}
