"""Paths of proofs: what is on one, what is not, and that a proof that there is no state is one."""

from collections.abc import Iterator

import attrs
import pytest

from perp_cli.paths import read_paths
from perp_cli.witnesses import NoState, Numbers, bared, in_the_machine
from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.contracts import MARGIN_FIELDS, margin_contract
from perp_proofs.smt.frame import Stage, Symbolic
from perp_proofs.smt.path_states import PathState, decoded, encoded, faults, named, sought
from perp_proofs.smt.paths import Paths
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.solver import Verdict
from perp_proofs.smt.witness import NoWitness, Witness
from perp_reference.core.explain import raw
from perp_spec.language import reading_as
from perp_spec.perpetual.health import margin_at
from perp_spec.perpetual.records import Market
from support.vectors.witnesses import PATHS

pytestmark = pytest.mark.proofs

BY_NAME = {goal.name: goal for goal in GOALS}


@pytest.fixture(scope="module")
def committed() -> dict[str, list[PathState]]:
    return dict(read_paths(PATHS))


def signs(stage: Stage) -> Iterator[Claim]:
    """By cases."""
    word = stage.word("word", -9, 9)
    stage.split(word >= 1)
    yield Claim("it is itself", word == word + 0 * word)


def nowhere(stage: Stage) -> Iterator[Claim]:
    """Of no word."""
    word, other = stage.word("word", 1, 9), stage.word("other", 1, 9)
    stage.assume(word * word == 2 * other * other, "a root of two")
    yield Claim("anything", word == other)


def test_each_path_has_a_state_of_its_own() -> None:
    """Given a theorem with two cases, then a state of one is not on the path of the other."""
    paths = Paths(Goal("signs", "", signs))
    one, other = paths.found
    values = paths.state(one)

    assert [path.said for path in paths.found] == [("-1 + 1*word >= 0",), ("not -1 + 1*word >= 0",)]
    assert values is not None
    assert paths.obstacle(one, values) == ""
    assert paths.obstacle(other, values) == "not on the path: not -1 + 1*word >= 0"
    assert not paths.impossible(one)
    assert not paths.impossible(other)


def test_a_theorem_of_no_state_is_noticed() -> None:
    """Given assumptions that contradict each other, then all claims are proved, and the only path has no state."""
    paths = Paths(Goal("nowhere", "", nowhere))
    [found] = sought(paths)

    assert paths.answer.verdict is Verdict.PROVED
    assert found == PathState("nowhere", (), None)
    assert faults(paths, [found]) == ["no path has a state"]


def saying_nothing(stage: Stage) -> Iterator[Claim]:
    """Of a word, no claim."""
    stage.word("word", 0, 9)
    yield from ()


def saying_little(stage: Stage) -> Iterator[Claim]:
    """Of a word, a claim that is read in the proof only."""
    word = stage.word("word", 0, 9)
    if isinstance(stage, Symbolic):
        yield Claim("it is a word", word >= 0)


def test_a_theorem_that_claims_nothing_is_none() -> None:
    """Given a statement without a claim, then it is not proved; nor has a path a state in which nothing is claimed."""
    with pytest.raises(AssertionError, match="nothing claims nothing"):
        Paths(Goal("nothing", "", saying_nothing))

    paths = Paths(Goal("little", "", saying_little))
    assert paths.answer.verdict is Verdict.PROVED
    assert paths.obstacle(paths.found[0], {}) == "nothing is claimed"


def test_a_state_that_the_rule_rejects_is_on_no_path(committed: dict[str, list[PathState]]) -> None:
    paths = Paths(BY_NAME["withdraw_conserves_money"])
    [path], [state] = paths.found, committed["withdraw_conserves_money"]
    assert state.values is not None

    assert paths.obstacle(path, state.values) == ""
    assert paths.obstacle(path, {**state.values, "op.intent.authorised": False}) == "not reached: BAD_SIGNATURE"
    assert paths.obstacle(path, {**state.values, "op.amount": 2**70}) == f"not reached: op.amount is {2**70}"


def needing(stage: Stage) -> Iterator[Claim]:
    """Of a market that asks for no margin."""
    market = stage.record(Market, "market")
    for name in MARGIN_FIELDS:
        stage.assume(getattr(market, name) == 0, "no margin")
    maintenance, _ = stage.perform(margin_at, stage.word("notional", 0, 9), market)
    stage.split(maintenance >= 1)
    yield Claim("it is itself", maintenance == maintenance + 0 * maintenance)


def test_what_a_contract_promises_and_the_text_does_not_is_no_state() -> None:
    """Given a contract that allows a margin where the table asks for none, then no state has one."""
    paths = Paths(Goal("needing", "", needing, opaque={"margin_at": margin_contract}))
    [with_margin, without] = paths.found

    assert paths.state(with_margin) is None
    assert paths.state(without) is not None
    assert not paths.impossible(with_margin)
    with pytest.raises(LookupError, match="no state found"):
        sought(paths)


def test_what_a_file_lacks_or_has_too_much_is_told(committed: dict[str, list[PathState]]) -> None:
    goal = BY_NAME["trade_leaves_traders_safe"]
    paths, states = Paths(goal), committed[goal.name]
    [first, second, *_] = states
    wrong = attrs.evolve(first, values=second.values)

    assert faults(paths, states) == []
    assert faults(paths, states[1:]) == [f"not in the file: {named(first.path)}"]
    assert faults(paths, [*states, attrs.evolve(first, path=("x",))]) == ["no path: x"]
    assert faults(paths, [wrong, *states]) == [f"2 times in the file: {named(first.path)}"]
    [told] = faults(paths, [wrong, *states[1:]])
    assert told.startswith(f"{named(first.path)}: not on the path: ")
    [told] = faults(paths, [attrs.evolve(first, values=None), *states[1:]])
    assert told == f"without a state, and not proved impossible: {named(first.path)}"


def test_a_path_with_a_state_is_not_proved_impossible(committed: dict[str, list[PathState]]) -> None:
    """Given proofs that no state is on a path, then they are none where there is a state."""
    several = [name for name, states in committed.items() if len(states) > 1]
    asked = 0
    for name in several[::6]:
        paths = Paths(BY_NAME[name])
        for path, state in zip(paths.found, committed[name], strict=True):
            assert path.said == state.path
            assert paths.impossible(path) is (state.values is None), name
            asked += 1
    assert asked > 15


def test_every_state_is_shown_in_numbers_and_most_run_in_the_machine(committed: dict[str, list[PathState]]) -> None:
    """Given a state on a path, then what a counterexample would be shown by can show it, and all claims hold in it."""
    ran = 0
    for name, states in committed.items():
        for state in states:
            if state.values is None:
                continue
            stage = Numbers(Witness(name, "", "", "", state.values, None))
            with reading_as(stage.reading):
                claims = list(BY_NAME[name].statement(stage))
            assert [claim.name for claim in claims if raw(claim.condition) is not True] == [], name
            try:
                ran += bool(stage.scenes and in_the_machine(bared(stage.scenes[0])))
            except NoState:
                continue
    assert ran > 120


LINES = (
    ("[", "a JSON document"),
    ("[]", "an object of goal, path, values"),
    ('{"goal":"x","path":[]}', "an object of goal, path, values"),
    ('{"goal":"x","goal":"x","path":[],"values":null}', "members with different names"),
    ('{"goal":1,"path":[],"values":null}', "a string"),
    ('{"goal":"x","path":{},"values":null}', "a list of strings"),
    ('{"goal":"x","path":[1],"values":null}', "a list of strings"),
    ('{"goal":"x","path":[],"values":[]}', "an object"),
    ('{"goal":"x","path":[],"values":{"a":1}}', "a flag or a decimal string"),
    ('{"goal":"x","path":[],"values":{"a":"' + "1" * 5_000 + '"}}', "1000 digits or fewer"),
    ('{"goal":"x","path":' + "[" * 200_000, "a JSON document"),
)


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_a_damaged_line_is_refused(line: str, expected: str) -> None:
    with pytest.raises(NoWitness) as refused:
        decoded(line)
    assert refused.value.expected == expected


def test_a_line_says_what_it_was_made_of() -> None:
    state = PathState("a", ("x >= 0", "not y = 0"), {"word": -3, "flag": True})
    assert decoded(encoded([state])) == state
    assert decoded(encoded([attrs.evolve(state, values=None)])) == attrs.evolve(state, values=None)
