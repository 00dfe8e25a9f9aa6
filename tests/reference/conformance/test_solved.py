"""The states that the solver found are of the rules as they are, and end as it said."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from perp_cli.went import Went, went
from perp_proofs.smt.mutation import Fault
from perp_proofs.smt.rule_digests import rule_digest
from perp_reference.conformance.boundary import has_root
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.solved import (
    SolvedRule,
    decode_solved,
    encode_solved,
    outcome_of,
    read_solved,
    session_of_solved,
)
from perp_reference.errors import MalformedInput
from perp_reference.pages.reached import lines_without_state, reached_page
from perp_spec.perpetual import common
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.rules import money, waterfall
from support.faults import faulty_machine
from support.vectors.witnesses import DIRECTORY

LISTED = DIRECTORY.parent / "without-state.txt"
"""What no state meets, as far as somebody looked at it; a line each, and what begins with # explains."""

PARTLY = {"forced_reduce"}
"""Rules of which some guard is met on one side only; the list says which."""

AGAIN = "run perp check --write-witnesses and perp vectors build"


@pytest.fixture(scope="module")
def found() -> dict[str, SolvedRule]:
    return {file.stem: read_solved(file) for file in sorted(DIRECTORY.glob("*.jsonl"))}


def test_every_rule_has_states_of_the_rules_as_they_are(found: dict[str, SolvedRule]) -> None:
    assert set(PERPETUAL.rules) == set(found)
    assert {name: rule.rule for name, rule in found.items()} == {name: name for name in found}
    stale = [name for name, rule in found.items() if rule.digest != rule_digest(PERPETUAL.rules[name])]
    assert stale == [], AGAIN


def test_the_machine_ends_as_the_solver_said(found: dict[str, SolvedRule]) -> None:
    session = session_of_solved()
    cases = [case for rule in found.values() for case in rule.cases]

    assert [case.id for case in cases if outcome_of(case, session) != case.outcome] == []
    assert all("" in {case.outcome for case in rule.cases} for rule in found.values())


def test_every_state_has_a_root(found: dict[str, SolvedRule]) -> None:
    assert [case.id for rule in found.values() for case in rule.cases if not has_root(dict(case.records))] == []


def test_nothing_else_is_without_a_state_than_what_is_listed(found: dict[str, SolvedRule]) -> None:
    """A guard that was met on both sides and no longer is, and a way that is gone no more, are not on the list."""
    lines = [line for rule in found.values() for line in lines_without_state(rule)]
    listed = [line for line in LISTED.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]

    assert sorted((Counter(lines) - Counter(listed)).elements()) == [], "not listed"
    assert sorted((Counter(listed) - Counter(lines)).elements()) == [], "has a state now, or another verdict"


def test_the_page_says_what_the_files_say(found: dict[str, SolvedRule]) -> None:
    page = DIRECTORY.parents[2] / "docs" / "reached.md"

    assert page.read_text(encoding="utf-8") == reached_page(list(found.values())), AGAIN


def test_all_guards_are_met_on_both_sides_and_most_ways_gone(found: dict[str, SolvedRule]) -> None:
    whole = [rule for name, rule in found.items() if name not in PARTLY]
    totals = {name: sum(int(rule.counts[name]) for rule in whole) for name in found["withdraw"].counts}
    guards = [(guard["holds"], guard["fails"]) for rule in whole for guard in rule.guards]

    assert all("" not in sides for sides in guards)
    assert sum(sides == ("0", "0") for sides in guards) / len(guards) >= 0.9
    assert (totals["ways_met"] + totals["unreachable"]) / totals["ways"] >= 0.95
    missed = totals["sides"] + totals["ways"] - totals["sides_met"] - totals["ways_met"]
    why = ("unreachable", "impossible", "given_up", "not_sought")
    assert missed == sum(totals[name] for name in why) == sum(len(rule.missed) for rule in whole)


@pytest.mark.parametrize("name", PERPETUAL.rules)
def test_what_a_file_says_is_met_is_seen_in_plain_integers(name: str, found: dict[str, SolvedRule]) -> None:
    """The files say it after the solver and the terms; here the text of the rule is run, and watched."""
    seen: set[Went] = set()
    for case in found[name].cases:
        met, reason = went(case)
        assert reason == case.outcome
        seen |= met
    guards = Counter(key_of(one, one.holds) for one in seen if one.reason)
    stated = Counter(
        (guard["in"], guard["text"], guard["reason"], side == "holds")
        for guard in found[name].guards
        for side in ("holds", "fails")
        if guard[side] != ""
    )
    ways = {(one.place, one.holds) for one in seen if not one.reason}

    assert guards == stated
    assert len(ways) >= int(found[name].counts["ways_met"])


def key_of(one: Went, holds: bool) -> tuple[str, str, str, bool]:
    """How a file names a side of a guard."""
    return " > ".join(step.function for step in one.place), one.place[-1].text, one.reason, holds


def test_files_are_small_and_read_back(found: dict[str, SolvedRule]) -> None:
    files = [DIRECTORY / f"{name}.jsonl" for name in found]

    assert sum(file.stat().st_size for file in files) < 2_000_000
    for file in files:
        assert encode_solved(found[file.stem]) == file.read_bytes()


FAULTS = {
    "an intent expires a second early": (
        Fault(common.use_intent, "now <= intent.expiry", "now < intent.expiry"),
        "cancel",
    ),
    "the bucket may be overdrawn by one": (
        Fault(money.withdraw, "op.amount <= ledger.bucket", "op.amount <= ledger.bucket + 1"),
        "withdraw",
    ),
    "an account at its maintenance margin is liquidated": (
        Fault(
            waterfall.liquidate,
            "at_best(side.health, side.doubt).equity < side.health.maintenance",
            "at_best(side.health, side.doubt).equity <= side.health.maintenance",
        ),
        "liquidate",
    ),
}


def ends(rule: SolvedRule, session: PerpetualSession) -> list[str]:
    """How each state of a rule ends."""
    return [outcome_of(case, session) for case in rule.cases]


@pytest.mark.parametrize("name", FAULTS)
def test_a_guard_that_is_off_by_one_is_noticed(name: str, found: dict[str, SolvedRule]) -> None:
    fault, rule = FAULTS[name]
    session = session_of_solved()
    with faulty_machine(fault):
        assert ends(found[rule], session) != [case.outcome for case in found[rule].cases]


def lines(**changes: Any) -> bytes:
    """A file with one state."""
    head = (
        '{"format":"perpspec-solved-2","rule":"freeze","digest":"'
        + 64 * "0"
        + '","solver":"Z3","counts":{},"guards":[],"missed":[]}'
    )
    known = {"id": '"a"', "comment": '""', "outcome": '""', "state": "{}", "args": "{}"}
    line = ",".join(f'"{name}":{value}' for name, value in {**known, **changes}.items())
    return f"{head}\n{{{line}}}\n".encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "f:1: expected a JSON object, got something else"),
        (b"[]\n", "f:1: "),
        (lines(args='{"who":"1"}'), "f:2: field who: expected no member of this name, got one"),
        (lines(state='{"purse":{}}'), "f:2: field purse: expected no member of this name, got one"),
        (lines(state='{"account":{"4":{"colour":"1"}}}'), "f:2: field colour"),
        (lines(state='{"account":{"4":{"kind":"7"}}}'), "f:2: "),
        (lines(state='{"account":"4"}'), "f:2: "),
        (lines(more="1"), "f:2: "),
        (lines().replace(b'"freeze"', b'"melt"'), "f:1: field rule: expected the name of a rule, got melt"),
        (lines().replace(b"solved-2", b"solved-1"), "f:1: field format"),
    ],
)
def test_what_is_no_file_of_states_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(MalformedInput) as raised:
        decode_solved(data, "f")
    assert str(raised.value).startswith(message)


def test_one_state_is_read(tmp_path: Path) -> None:
    file = tmp_path / "freeze.jsonl"
    file.write_bytes(lines(args='{"account":"4"}'))
    assert read_solved(file).cases[0].operation.account == 4
