"""In which order goals are proved, and what is known of their times."""

from pathlib import Path

import pytest

from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.running import goals_about, read_times, slowest_first

pytestmark = pytest.mark.proofs


def test_the_slowest_come_first_and_before_them_what_is_not_known() -> None:
    goals = GOALS[:4]
    one, two, three, four = (goal.name for goal in goals)

    assert [goal.name for goal in slowest_first(goals, {two: 0.5, three: 2.0})] == [four, one, three, two]
    assert slowest_first(goals, {}) == list(reversed(goals))


def test_times_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    file = tmp_path / "times.json"
    assert read_times(file) == {}
    for text in ("{", "[]"):
        file.write_text(text, encoding="utf-8")
        assert read_times(file) == {}

    file.write_text('{"a": 1.5, "b": "long"}', encoding="utf-8")
    assert read_times(file) == {"a": 1.5}


def test_a_rule_has_the_goals_about_it() -> None:
    names = [goal.name for goal in goals_about("begin_batch")]

    assert names[0] == "begin_batch_conserves_money"
    assert {"a_batch_can_always_begin", "begin_batch_never_overflows", "begin_batch_stores_exactly"} < set(names)
    assert goals_about("no_such_rule") == []
