"""Case files that break the format are refused, with place, expectation and finding."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perp_reference.errors import MalformedInput
from perp_reference.starkex.check import check_file
from perp_reference.starkex.decode import TRANSACTIONS

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="session")
def case(root: Path) -> Callable[[str, int], dict[str, Any]]:
    """A line of a file of observed cases, as JSON."""

    def read(name: str, line: int) -> dict[str, Any]:
        lines = (root / "tests" / "vectors" / "starkex" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        return json.loads(lines[line])

    return read


def refusal(tmp_path: Path, text: str | bytes) -> tuple[int | None, str | None, str, str]:
    """How a file is refused: line, field, what is expected, what there is."""
    file = tmp_path / "cases.jsonl"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(MalformedInput) as caught:
        list(check_file(file))
    assert caught.value.file == str(file)
    return caught.value.line, caught.value.field, caught.value.expected, caught.value.got


def put(value: Any, *path: Any) -> Edit:
    """An edit that puts a value in a place."""

    def edit(case: dict[str, Any]) -> None:
        place: Any = case
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value

    return edit


def drop(*path: Any) -> Edit:
    """An edit that removes a member."""

    def edit(case: dict[str, Any]) -> None:
        place: Any = case
        for part in path[:-1]:
            place = place[part]
        del place[path[-1]]

    return edit


FIELD = "an integer from -1809251394333065606848661391547535052811553607665798349986546028067936010240 to " + str(
    2**251 + 17 * 2**192
)

EDITS: list[tuple[Edit, str | None, str, str]] = [
    (
        put("x", "kind"),
        "kind",
        "one of status, apply_funding, update_position, tx, limit_order, transfer, withdrawal, position, public_keys",
        '"x"',
    ),
    (drop("id"), "id", "such a member", "none"),
    (put(5, "id"), "id", "a string", "the number 5"),
    (put(1, "what"), "what", "no member of this name", "the number 1"),
    (put(1, "config", "what"), "config.what", "no member of this name", "the number 1"),
    (put([], "config"), "config", "an object", "an array of 0"),
    (put("5", "config", "max_funding_rate"), "config.max_funding_rate", f"an integer from 0 to {2**128 - 1}", '"5"'),
    (
        put(2, "config", "is_risk_by_balance_only"),
        "config.is_risk_by_balance_only",
        "an integer from 0 to 1",
        "the number 2",
    ),
    (
        put([], "config", "assets", 0, "risk_segments"),
        "config.assets[0].risk_segments",
        "a last segment up to 2^128 - 1",
        "none",
    ),
    (
        put([[5, 1], [5, 1]], "config", "assets", 0, "risk_segments"),
        "config.assets[0].risk_segments[1][0]",
        "more than 5, for the rows are sorted",
        "5",
    ),
    (
        put(0, "config", "assets", 0, "risk_segments", 0, 1),
        "config.assets[0].risk_segments[0][1]",
        f"an integer from 1 to {2**32 - 1}",
        "the number 0",
    ),
    (
        put(0, "config", "assets", 2, "asset_id"),
        "config.assets[2].asset_id",
        "more than 344400637343183300222065759427231744, for the rows are sorted",
        "0",
    ),
    (put(1.5, "state", "system_time"), "state.system_time", f"an integer from 0 to {2**128 - 1}", "the number 1.5"),
    (put(True, "state", "system_time"), "state.system_time", f"an integer from 0 to {2**128 - 1}", "true"),
    (
        put({"order_c": 1}, "state", "fulfilled"),
        "state.fulfilled.order_c",
        "one of order_a, order_b, liquidator_order, withdrawal, transfer",
        '"order_c"',
    ),
    (put({}, "state", "positions", "01"), "state.positions.01", "the number of a position", '"01"'),
    (
        put(2**63, "state", "positions", "2", "collateral"),
        "state.positions.2.collateral",
        f"an integer from {-(2**63)} to {2**63 - 1}",
        f"the number {2**63}",
    ),
    (
        put([[1, 0, 0]], "state", "positions", "2", "assets"),
        "state.positions.2.assets[0][1]",
        "a balance other than 0",
        "0",
    ),
    (
        put([[1, 1]], "state", "positions", "2", "assets"),
        "state.positions.2.assets[0]",
        "an array of 3",
        "an array of 2",
    ),
    (
        put([[2, 1, 0], [1, 1, 0]], "state", "positions", "2", "assets"),
        "state.positions.2.assets[1][0]",
        "more than 2, for the rows are sorted",
        "1",
    ),
    (
        put([[n, 1, 0] for n in range(65)], "state", "positions", "2", "assets"),
        "state.positions.2.assets",
        "at most 64 assets",
        "65",
    ),
    (
        put("swap", "tx", "type"),
        "tx.type",
        f"one of {', '.join(TRANSACTIONS)}",
        '"swap"',
    ),
    (put(1, "tx", "bad_sig"), "tx.bad_sig", "no member of this name", "the number 1"),
    (drop("tx", "actual_synthetic"), "tx.actual_synthetic", "such a member", "none"),
    (put(2**252, "tx", "actual_synthetic"), "tx.actual_synthetic", FIELD, f"the number {2**252}"),
    (put(None, "tx", "liquidator_order"), "tx.liquidator_order", "an object", "null"),
    (put(1, "result", "ok"), "result.ok", "true or false", "the number 1"),
    (put(1, "result", "what"), "result.what", "no member of this name", "the number 1"),
    (put(0.5, "result", "positions", "2", "collateral"), "result.positions.2.collateral", FIELD, "the number 0.5"),
    (put(1, "result", "positions", "2", "what"), "result.positions.2.what", "no member of this name", "the number 1"),
    (put({}, "result", "positions", "x"), "result.positions.x", "the number of a position", '"x"'),
    (put(None, "result", "positions"), "result.positions", "an object", "null"),
    (put([[1, 2]], "result", "modifications"), "result.modifications[0]", "an array of 3", "an array of 2"),
    (put([[1, 2, "x"]], "result", "modifications"), "result.modifications[0][2]", FIELD, '"x"'),
    (put({}, "result", "conditions"), "result.conditions", "an array", "an object"),
    (put(1, "result", "code"), "result.code", "a string", "the number 1"),
    (put(1, "result", "provable"), "result.provable", "true or false", "the number 1"),
    (
        put({"order_z": 1}, "result", "fulfilled"),
        "result.fulfilled.order_z",
        "one of order_a, order_b, liquidator_order, withdrawal, transfer",
        '"order_z"',
    ),
]


@pytest.mark.parametrize(
    ("edit", "field", "expected", "got"), EDITS, ids=[f"{place}-{edit[1]}" for place, edit in enumerate(EDITS)]
)
def test_a_broken_case_is_refused(
    tmp_path: Path,
    case: Callable[[str, int], dict[str, Any]],
    edit: Edit,
    field: str | None,
    expected: str,
    got: str,
) -> None:
    broken = case("liquidate", 0)
    edit(broken)
    assert refusal(tmp_path, json.dumps(broken) + "\n") == (1, field, expected, got)


TEXTS = [
    (b"", 1, None, "a first line", "an empty file"),
    (b"{}\n", 1, "kind", "such a member", "none"),
    (b"[]\n", 1, None, "an object", "an array of 0"),
    (b"{\n", 1, None, "one JSON object", "the end of the line at column 2"),
    (b'{"a": 1, "a": 2}\n', 1, "a", "each member once", "it twice"),
    (b'{"kind": "tx"}\r\n', 1, None, "no control character but the line feed", "byte 0x0d at byte 15"),
    (b'{"kind": "tx"}', 1, None, "a line feed after the last line", "the end of the file"),
    (b"\xff\n", 1, None, "UTF-8", "byte 0xff at byte 1"),
    (b"[" * 40 + b"\n", 1, None, "arrays and objects at most 32 deep", "40"),
    (b"[" + b"[]," * 2**18 + b"[]]\n", 1, None, "at most 262144 arrays and objects", "262146"),
]


@pytest.mark.parametrize(
    ("text", "line", "field", "expected", "got"), TEXTS, ids=[str(place) for place in range(len(TEXTS))]
)
def test_a_broken_line_is_refused(
    tmp_path: Path, text: bytes, line: int, field: str | None, expected: str, got: str
) -> None:
    assert refusal(tmp_path, text) == (line, field, expected, got)


@pytest.mark.parametrize("number", ["-0", "1e3", "01", "1" * 79, "NaN", "Infinity"])
def test_an_integer_is_written_one_way(tmp_path: Path, case: Callable[[str, int], dict[str, Any]], number: str) -> None:
    broken = case("liquidate", 0)
    text = json.dumps(broken).replace('"actual_synthetic": 329678', f'"actual_synthetic": {number}')
    line, field, expected, _ = refusal(tmp_path, text + "\n")
    assert line == 1
    assert (field, expected) in {("tx.actual_synthetic", FIELD), (None, "one JSON object")}


def test_the_line_of_a_defect_is_named(tmp_path: Path, case: Callable[[str, int], dict[str, Any]]) -> None:
    good = json.dumps(case("status", 0))
    line, field, _, _ = refusal(tmp_path, f"{good}\n{good}\n{{}}\n")
    assert (line, field) == (3, "kind")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "absent.jsonl"
    with pytest.raises(MalformedInput) as caught:
        list(check_file(file))
    assert (caught.value.expected, caught.value.got) == ("a file that can be read", "No such file or directory")
