"""The rules agree with a second opinion on the program, on observed cases and on thousands that were made from them."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perp_reference.starkex.check import run
from perp_reference.starkex.decode import decode_line, itself
from perp_reference.starkex.pedersen import PRIME
from perp_reference.starkex.reader import Members, Refused, parse_line
from support.starkex_elements import Position, ended

KINDS = ("status", "update_position", "tx")

NUMBERS = (0, 1, -1, 2, 3, 5, 2**32 - 1, 2**32, 2**62, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 2**64, 2**120 - 1, 2**120)
"""What a number of a case is put to: bounds, and one beside them."""

MADE = 1200


@pytest.fixture(scope="session")
def cases(root: Path) -> list[dict[str, Any]]:
    """The observed cases of a position's status, of updates and of transactions."""
    files = sorted((root / "tests" / "vectors" / "starkex").glob("*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [case for case in lines if case.get("kind") in KINDS]


def position_of(shown: dict[str, Any]) -> Position:
    """A position from how the rules show it."""
    assets = [(asset, balance, index) for asset, balance, index in shown["assets"]]
    return Position(shown["owner"], shown["collateral"], assets, shown["funding_timestamp"])


def by_rules(case: dict[str, Any]) -> tuple[str, Any]:
    """The code that a case ends with by the rules, and what is then."""
    decoded = decode_line(Members(parse_line(json.dumps(case))), itself)
    result = run(decoded)  # pyright: ignore[reportArgumentType]
    if case["kind"] == "update_position":
        return result["code"], position_of(result["position"]) if "position" in result else None
    if not result["ok"]:
        return result["code"], None
    if case["kind"] == "status":
        return result["code"], (result["tv"], result["tr"])
    positions = {int(number) % PRIME: position_of(shown) for number, shown in result["positions"].items()}
    return result["code"], {number: own for number, own in positions.items() if own.key or own.collateral or own.assets}


def places_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the integers of a JSON value are."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in entries:
        yield from places_of(item, (*path, name))
    if type(value) is int:
        yield path


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """What is in a place."""
    for part in path:
        value = value[part]
    return value


def change(case: dict[str, Any], chance: random.Random) -> None:
    """Put another number into a place, most often of what is asked."""
    places = [path for path in places_of(case) if path[0] != "config" or chance.random() < 0.15]
    if chance.random() < 0.6:
        places = [path for path in places if path[0] in ("tx", "update", "position")]
    path = chance.choice(places)
    old = at(case, path)
    other = at(case, chance.choice(places))
    near = (old + 1, old - 1, -old, old * 2, old // 2, old + chance.randint(-9, 9))
    at(case, path[:-1])[path[-1]] = chance.choice((chance.choice(NUMBERS), *near, other))


def test_it_agrees_with_what_was_observed(cases: list[dict[str, Any]]) -> None:
    assert len(cases) == 653
    for case in cases:
        code, after = ended(case)
        assert code == case["result"]["code"], case["id"]
        assert (code, after) == by_rules(case), case["id"]


@pytest.mark.parametrize("seed", range(2))
def test_it_agrees_with_the_rules_on_cases_that_were_made(cases: list[dict[str, Any]], seed: int) -> None:
    """Given observed cases with one to five numbers changed, code and state are the same where it is well formed."""
    chance = random.Random(seed)
    codes: set[str] = set()
    for _ in range(MADE):
        case = json.loads(json.dumps(chance.choice(cases) | {"result": {"ok": True}}))
        for _ in range(chance.choice((1, 1, 2, 2, 3, 5))):
            change(case, chance)
        try:
            found = by_rules(case)
        except Refused:
            continue
        codes.add(found[0])
        assert ended(case) == found, json.dumps(case)
    assert len(codes) >= 18
