"""The second solver confirms a sample of the theorems, and says honestly what it does not."""

from collections.abc import Iterator

import pytest

from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.frame import Stage
from perp_proofs.smt.mutation import Fault, faulty
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.second import Opinion, asked, opinion, questions_of
from perp_proofs.smt.solver import Verdict
from perp_spec.perpetual.rules import trading

pytestmark = pytest.mark.proofs

BY_NAME = {goal.name: goal for goal in GOALS}

SAMPLE = (
    "released_keeps_the_ratio",
    "summand_keeps_promise",
    "withdraw_conserves_money",
    "trade_conserves_money",
    "trade_keeps_sizes_balanced",
    "liquidate_never_lowers_the_ratio",
    "liquidate_spares_healthy_accounts",
    "withdraw_leaves_initial_margin",
    "deposit_is_total",
    "cancel_is_signed_and_used_once",
    "deleverage_divides_by_positive_words",
)


@pytest.mark.parametrize("name", SAMPLE)
def test_it_is_confirmed(name: str) -> None:
    found = opinion(BY_NAME[name])

    assert found.verdict is Verdict.PROVED
    assert (found.said, found.confirmed, found.refuted) == ("confirmed", found.questions, 0)


def squares_are_not_negative(stage: Stage) -> Iterator[Claim]:
    word = stage.word("word", -(2**63), 2**63)
    yield Claim("it holds", word * word >= 0)


def test_a_question_is_what_holds_if_the_claim_does_not() -> None:
    verdict, [question] = questions_of(Goal("squares", "Squares are not negative.", squares_are_not_negative))

    assert verdict is Verdict.PROVED
    assert asked(question) is Verdict.PROVED
    first_assertion = question.index("(assert")
    assert asked(f"{question[:first_assertion]}(check-sat)") is Verdict.VIOLATED


def test_what_takes_too_long_is_not_decided() -> None:
    _, questions = questions_of(BY_NAME["released_keeps_the_ratio"])

    assert {asked(question, resources=1) for question in questions} == {Verdict.UNKNOWN}


@pytest.mark.parametrize(
    ("confirmed", "refuted", "said"),
    [(3, 0, "confirmed"), (2, 0, "2 of 3"), (2, 1, "CONTRADICTED on 1 of 3")],
)
def test_what_it_says_in_words(confirmed: int, refuted: int, said: str) -> None:
    assert Opinion("g", Verdict.PROVED, 3, confirmed, refuted).said == said


def test_the_command_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--goal", "trade_conserves_money", "--solver", "cvc5"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["trade_conserves_money", "proved", "1", "confirmed"]
    assert lines[-1].endswith("confirms 1 of 1 theorems, 1 of 1 questions; 0 more hold without a question")


def test_a_theorem_without_a_question_is_not_confirmed(capsys: pytest.CaptureFixture[str]) -> None:
    """Given a theorem that holds as soon as it is read, then nothing is handed over, and that is said."""
    name = "trade_keeps_owners"
    assert main(["check", "--goal", name, "--solver", "cvc5"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == [name, "proved", "0", "nothing", "to", "ask"]
    assert lines[-1].endswith("confirms 0 of 0 theorems, 0 of 0 questions; 1 more hold without a question")


def test_the_command_reports_a_violation(capsys: pytest.CaptureFixture[str]) -> None:
    with faulty(Fault(trading.trade, "buyer_fee + seller_fee", "buyer_fee")):
        code = main(["check", "--goal", "trade_conserves_money", "--solver", "cvc5"])
    assert code == ExitCode.FALSE
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["trade_conserves_money", "violated"]


def test_the_command_takes_no_other_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--solver", "cvc5", "--list"]) == ExitCode.USAGE
    assert "--solver cvc5 goes with a rule or with theorems only" in capsys.readouterr().err
