"""Faults put into the rules, one at a time: theorems notice them."""

from collections import Counter

import pytest

from perp_cli.known_states import known_states
from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.kills import COUNT, Fate, Judge, Score, chosen, judged, read_explanations, tried
from perp_proofs.smt.ledger import TIMES
from perp_proofs.smt.mutants import Mutant, all_mutants, functions_of, mutants_of, mutated
from perp_proofs.smt.running import PROCESSES, read_times, slowest_first
from perp_spec.perpetual import common
from perp_spec.perpetual.common import PERPETUAL
from support.vectors.witnesses import DIRECTORY

LEAST_PERCENT = 98
BY_NAME = {goal.name: goal for goal in GOALS}


def named(function: object, piece: str) -> Mutant:
    """The mutant of a function whose name holds a piece."""
    return next(mutant for mutant in all_mutants() if mutant.function is function and piece in mutant.name)


@pytest.mark.proofs
def test_every_fault_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(mutant.name for mutant in all_mutants()).items() if count > 1] == []


@pytest.mark.proofs
def test_the_chosen_ones_are_of_every_rule_and_kind() -> None:
    mutants = chosen(all_mutants(), COUNT)
    functions = {mutant.function for mutant in mutants}

    assert len({mutant.name for mutant in mutants}) == len(mutants) == COUNT >= 300
    assert [name for name, rule in PERPETUAL.rules.items() if functions_of(rule.function)[0] not in functions] == []
    kinds = {mutant.kind.partition(":")[0] for mutant in all_mutants()}
    assert kinds - {mutant.kind.partition(":")[0] for mutant in mutants} <= {"sides exchanged"}


@pytest.mark.proofs
def test_a_mutant_does_what_it_says_and_is_taken_out_again() -> None:
    mutant = named(common.long_lots, "extreme: maximum(size, 0) -> minimum(size, 0)")
    assert common.long_lots(5) == 5

    with mutated(mutant):
        assert common.long_lots(5) == 0
    assert common.long_lots(5) == 5


@pytest.mark.proofs
def test_a_dropped_part_of_a_sum_is_among_the_faults() -> None:
    names = [mutant.name for mutant in mutants_of(common.use_intent)]  # type: ignore[arg-type]

    assert names == [
        "common.use_intent: guard dropped: require(intent.authorised, Reason.BAD_SIGNATURE) -> pass",
        "common.use_intent: guard dropped: require(now <= intent.expiry, Reason.ORDER_EXPIRED) -> pass",
        "common.use_intent: guard dropped: require(intent.nonce >= stored.nonce, Reason.ORDER_STALE) -> pass",
        "common.use_intent: comparison: now <= intent.expiry -> now < intent.expiry",
        "common.use_intent: comparison: now <= intent.expiry -> now > intent.expiry",
        "common.use_intent: comparison: intent.nonce >= stored.nonce -> intent.nonce > stored.nonce",
        "common.use_intent: comparison: intent.nonce >= stored.nonce -> intent.nonce < stored.nonce",
        "common.use_intent: sign: intent.nonce + 1 -> intent.nonce - 1",
        "common.use_intent: term dropped: intent.nonce + 1 -> intent.nonce",
        "common.use_intent: constant: 0 -> 1",
        "common.use_intent: constant: 1 -> 2",
    ]


@pytest.mark.proofs
def test_a_fault_that_a_goal_notices_is_killed() -> None:
    mutant = named(common.use_intent, "guard dropped: require(intent.authorised")
    goal = BY_NAME["cancel_is_signed_and_used_once"]
    with mutated(mutant):
        kill = tried(mutant, goal)

    assert (kill.fate, kill.goal, kill.said) == (Fate.KILLED, goal.name, "it is signed: False")
    assert tried(mutant, goal).fate is Fate.SURVIVED


@pytest.mark.proofs
def test_only_faults_that_exist_are_explained() -> None:
    assert sorted(read_explanations().keys() - {mutant.name for mutant in all_mutants()}) == []


@pytest.mark.mutation
def test_theorems_notice_the_faults() -> None:
    goals = slowest_first(GOALS, read_times(TIMES))[::-1]
    kills = tuple(judged(Judge(goals, chosen(all_mutants(), COUNT), known_states(DIRECTORY)), PROCESSES))
    score = Score(kills, frozenset(read_explanations()))

    assert [f"{kill.fate.name} {kill.mutant}: {kill.goal} {kill.said}" for kill in score.open] == []
    assert len(kills) - len(score.of(Fate.STILLBORN)) >= 300
    assert score.percent >= LEAST_PERCENT
