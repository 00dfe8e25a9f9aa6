"""The search for states on either side of guards: it finds again what is committed, and what it misses is said."""

import pytest

from perp_cli.solved import solved_files
from perp_proofs.smt.places import NotingReading, with_comparison
from perp_proofs.smt.reach import IMPOSSIBLE, UNREACHABLE, Prospect, Search
from perp_proofs.smt.small import VARIANTS, Found, Sought
from perp_proofs.smt.terms import atoms_of
from perp_proofs.smt.unreachable import Anywhere
from perp_spec.language import both, require
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.reasons import Reason
from support.vectors.witnesses import DIRECTORY

pytestmark = pytest.mark.proofs

QUICK = (
    "cancel",
    "compact",
    "record_proof",
    "set_kill_switch",
    "request_forced",
    "freeze",
    "premium_sample",
    "withdraw",
)


@pytest.mark.parametrize("name", QUICK)
def test_the_states_are_found_again_byte_by_byte(name: str) -> None:
    assert list(solved_files([name], 1)) == [(name, (DIRECTORY / f"{name}.jsonl").read_bytes())], (
        "run perp check --write-witnesses"
    )


def test_both_sides_of_each_guard_are_met_by_one_unit() -> None:
    search = Search(PERPETUAL.rules["cancel"])
    search.run()

    sides = {(target.reason, target.holds) for target, distance in search.best.items() if distance == 0}
    reasons = ("FROZEN", "RESERVED_ACCOUNT", "NO_ACCOUNT", "BAD_SIGNATURE", "ORDER_EXPIRED", "ORDER_STALE")
    assert sides == {(reason, holds) for reason in reasons for holds in (True, False)}
    assert search.missed == []
    for caught in search.catches:
        assert search.agreed(caught)


def test_what_no_state_meets_is_proved_or_said(searched: Search) -> None:
    assert [(item.target.place[-1].function, item.target.holds, item.why) for item in searched.missed] == [
        ("inbox_of", True, UNREACHABLE),
        ("portfolio_requirement", False, IMPOSSIBLE),
        ("flat_and_negative", True, UNREACHABLE),
        ("require_collateral", False, UNREACHABLE),
    ]


def test_what_a_state_meets_is_not_proved_unreachable(searched: Search) -> None:
    """Given assumptions that no state meets, then everything would be."""
    met = [target for target in searched.best if target.comparison or not target.reason][::4]

    assert len(met) > 20
    assert [target for target in met if searched.is_unreachable(target)] == []


def test_what_stands_nowhere_is_not_proved_unreachable() -> None:
    assert not Anywhere(PERPETUAL.rules["cancel"]).never((), (), holds=True)


def test_a_laborious_rule_is_sought_near_its_first_states() -> None:
    """Given a state that a solver found, then one that fails a guard by a unit is found by leaving most words alone."""
    search = Search(PERPETUAL.rules["forced_reduce"])
    prospect = next(one for one in search.prospects if one.variant.name == "traded-alone")
    search.begin(prospect)
    [base, *_] = search.known
    unknown = Reason.FORCED_UNKNOWN.name
    [aim] = [aim for aim in prospect.aims if aim.target.reason == unknown and not aim.target.holds]
    caught = prospect.near(aim, exact=True, accepted=False, base=base, loose=frozenset())

    assert base.outcome == ""
    assert caught is not None
    assert caught.outcome == aim.target.reason
    assert search.agreed(caught)
    assert {name for name, value in caught.values.items() if base.values.get(name, value) != value} <= {"request.kind"}


def test_a_decision_behind_a_guard_of_an_attempt_is_gone_where_the_guard_holds() -> None:
    """Given a payment that is refused, then what stands behind the refusal does not happen, and is no way that is gone.

    In `forced_payment` the vault is looked at first.
    """
    prospect = Prospect(PERPETUAL.rules["forced_withdraw"], VARIANTS[0])
    [behind, *_] = [
        aim for aim in prospect.aims if aim.target.place[-1].text.startswith("call_if(degraded") and aim.target.holds
    ]

    assert any("ledger.vault" in repr(flag) for flag in behind.noted.earlier)


@pytest.fixture(scope="module")
def searched() -> Search:
    search = Search(PERPETUAL.rules["withdraw"])
    search.run()
    return search


def test_a_comparison_decides_a_condition_where_the_other_parts_leave_it_open() -> None:
    reading = NotingReading()
    with reading.path({}):
        first, second = reading.word("first", 0, 9), reading.word("second", 0, 9)
        condition = both(first >= 3, second >= 4)
    one, other = atoms_of(condition)

    assert with_comparison(condition, one, False) is False
    assert with_comparison(condition, one, True) is other


def test_only_the_text_of_rules_has_places() -> None:
    reading = NotingReading()
    with reading.path({}):
        require(reading.word("first", 0, 9) >= 3, Reason.AMOUNT)
    assert [noted.place for noted in reading.noted] == [()]


def test_a_state_has_equal_records_at_equal_keys() -> None:
    """Given a transfer to oneself, then sender and recipient are one account in every state that is sought."""
    prospect = Prospect(PERPETUAL.rules["transfer"], VARIANTS[2])
    [aim] = [aim for aim in prospect.aims if aim.target.reason == Reason.SAME_ACCOUNT.name and not aim.target.holds]
    _, caught = prospect.sought(aim, exact=True, accepted=False)

    assert caught is not None
    _, names, loaded = Found(caught.values, VARIANTS[2]).loads(PERPETUAL.rules["transfer"])
    assert loaded[names.index("sender")] == loaded[names.index("recipient")]


def test_the_solver_and_integers_know_the_same_records() -> None:
    reading = NotingReading()
    with reading.path({}):
        _, names, _ = Sought(reading, VARIANTS[0]).loads(PERPETUAL.rules["withdraw"])
    assert names == Found({}, VARIANTS[0]).loads(PERPETUAL.rules["withdraw"])[1]
