"""The observed cases agree, and a false observation is found."""

import json
from pathlib import Path
from typing import Any

import pytest

from perp_reference.errors import MalformedInput
from perp_reference.starkex.check import Difference, check_file, run, texts
from perp_reference.starkex.decode import decode_line, itself
from perp_reference.starkex.reader import Members, parse_line

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


def changed_case(tmp_path: Path, case: dict[str, Any]) -> list[Difference]:
    """How a case differs."""
    file = tmp_path / "changed.jsonl"
    file.write_text(json.dumps(case) + "\n", encoding="utf-8")
    (checked,) = check_file(file)
    return list(checked.differences)


def observed(vectors: Path) -> list[dict[str, Any]]:
    """All observed cases of one call."""
    lines = [line for name in COUNTS for line in (vectors / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    return [case for case in map(json.loads, lines) if "result" in case]


def test_what_fails_without_a_code_does_so_by_the_rules_too(vectors: Path) -> None:
    """The command asks only for an abort there; the observed cases show more: none has a code by the rules either."""
    uncoded = [case for case in observed(vectors) if case["result"].get("code") == "UNCODED_ASSERT"]
    found = [run(decode_line(Members(parse_line(json.dumps(case))), itself)) for case in uncoded]  # pyright: ignore[reportArgumentType]
    assert len(found) == 28
    assert found == [{"ok": False, "code": "UNCODED_ASSERT", "provable": False}] * len(found)


def test_a_returned_code_is_no_abort(vectors: Path, tmp_path: Path) -> None:
    """Given an update that returns a code, when an abort was observed, then that is a difference; and the reverse."""
    returned = line_of(vectors, "update_position", "update-002")
    assert returned["result"]["ok"] is False
    aborted = line_of(vectors, "update_position", "edge_update-001")
    returned["result"], aborted["result"] = aborted["result"], returned["result"]
    assert Difference("provable", False, True) in changed_case(tmp_path, returned)
    assert changed_case(tmp_path, aborted)


P = 2**251 + 17 * 2**192 + 1


def negatives_from_zero(value: Any) -> Any:
    """A JSON value whose negative integers are written as the elements of the field that they stand for."""
    if isinstance(value, dict):
        return {name: negatives_from_zero(item) for name, item in value.items()}
    if isinstance(value, list):
        return [negatives_from_zero(item) for item in value]
    return value % P if type(value) is int else value


def test_a_negative_number_may_be_written_from_zero(vectors: Path, tmp_path: Path) -> None:
    """Given all observed updates and transactions, when what they ask is written from zero, then nothing changes."""
    cases = [case for case in observed(vectors) if case["kind"] in ("update_position", "tx")]
    lines = [
        {name: negatives_from_zero(part) if name in ("tx", "update") else part for name, part in case.items()}
        for case in cases
    ]
    assert lines != cases
    file = tmp_path / "changed.jsonl"
    file.write_text("".join(f"{json.dumps(case)}\n" for case in lines), encoding="utf-8")
    assert [checked for checked in check_file(file) if checked.differences] == []


def test_a_position_with_key_0_takes_the_first_key_that_asks(vectors: Path, tmp_path: Path) -> None:
    """Given a position with collateral and key 0, which no state has: nobody leaves it, and anybody takes it."""
    case = line_of(vectors, "update_position", "update-001")
    position = {"owner": 0, "collateral": 50, "assets": [], "funding_timestamp": 1700000000}
    case["position"] = {name: position[name] for name in ("owner", "collateral", "assets")}
    case["result"] = {"ok": True, "code": "SUCCESS", "position": position, "funded_position": position}
    case["update"] = {"owner": 0, "collateral_delta": 0, "asset_id_synthetic": -1, "synthetic_delta": 0}
    assert changed_case(tmp_path, case) == []
    case["update"]["owner"] = 3
    case["result"]["position"] = {**position, "owner": 3}
    assert changed_case(tmp_path, case) == []
    case["update"] |= {"owner": 0, "collateral_delta": 1}
    case["result"] |= {"ok": False, "code": "INVALID_PUBLIC_KEY", "position": position}
    assert changed_case(tmp_path, case) == []


def test_a_position_may_have_any_number_while_no_tree_holds_it(vectors: Path, tmp_path: Path) -> None:
    """Given a deposit to position 2^64, which no tree has, the transaction by itself is done."""
    case = line_of(vectors, "other_tx", "deposit-001")
    position = {"owner": 1, "collateral": 5, "assets": [], "funding_timestamp": 1700000000}
    case["tx"] |= {"position_id": 2**64, "amount": 5, "owner": 1}
    case["result"]["positions"][str(2**64)] = position
    case["result"]["modifications"] = [[1, 2**64, 5]]
    case["result"]["positions"]["1"] |= {"funding_timestamp": 0}
    assert changed_case(tmp_path, case) == []


def test_nobody_signs_for_key_0(vectors: Path, tmp_path: Path) -> None:
    case = line_of(vectors, "trade", "trade-001")
    case["tx"]["order_a"]["owner"] = 0
    case["result"] = {"ok": False, "code": "INVALID_SIGNATURE", "provable": False}
    assert changed_case(tmp_path, case) == []


def test_a_batch_that_cannot_be_proved(vectors: Path, tmp_path: Path) -> None:
    """Given a batch whose trade one order does not allow, when that was observed, then the rules agree."""
    case = line_of(vectors, "batches", "trade_rollup")
    right = case.pop("output")
    trade = next(tx for tx in case["txs"] if tx["type"] == "trade")
    case["result"] = {"ok": False, "code": "INVALID_SIGNATURE"}
    assert changed_case(tmp_path, case) == [Difference("result.ok", False, True)]
    trade["order_b"]["bad_sig"] = 1
    assert changed_case(tmp_path, case) == []
    case["result"]["code"] = "INVALID_PUBLIC_KEY"
    assert changed_case(tmp_path, case) == [Difference("result.code", "INVALID_PUBLIC_KEY", "INVALID_SIGNATURE")]
    case["result"]["code"] = "UNCODED_ASSERT"
    assert changed_case(tmp_path, case) == []
    case["output"] = right
    del case["result"]
    assert changed_case(tmp_path, case) == [Difference("output", right, "INVALID_SIGNATURE")]


def test_a_batch_says_how_it_ended(vectors: Path, tmp_path: Path) -> None:
    case = line_of(vectors, "batches", "trade_rollup")
    del case["output"]
    with pytest.raises(MalformedInput, match="a result that is not ok"):
        changed_case(tmp_path, case)
    case["result"] = {"ok": True}
    with pytest.raises(MalformedInput, match=r"result\.ok: expected false, for the batch has no output, got true"):
        changed_case(tmp_path, case)


def test_json_texts_hold_integers_as_decimal_strings() -> None:
    assert texts({"a": [2**70, True, None, "x"]}) == {"a": [str(2**70), True, None, "x"]}
