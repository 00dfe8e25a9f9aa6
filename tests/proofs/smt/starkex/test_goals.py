"""What is claimed of the StarkEx rule set is proved, or refuted by a state that plain integers replay."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_proofs.smt.mutation import Fault, faulty
from perp_proofs.smt.prove import PATHS_MAX
from perp_proofs.smt.solver import Verdict
from perp_proofs.smt.starkex.goals import QUESTIONS, Question
from perp_proofs.smt.starkex.prove import prove, reached
from perp_spec.starkex import corrected, orders, position
from perp_spec.starkex.bounds import BALANCE_BOUND
from perp_spec.starkex.rules import ticks, unwinding

pytestmark = pytest.mark.proofs

BY_NAME = {question.goal.name: question for question in QUESTIONS}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.goal.name)
def test_it_ends_as_it_is_known_to(question: Question) -> None:
    result = prove(question.goal)

    assert (result.verdict, result.goal.name) == (question.expected, question.goal.name)
    assert result.paths <= PATHS_MAX
    if question.expected is Verdict.VIOLATED:
        assert result.replayed == f"{result.failed}: False"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.goal.name)
def test_it_speaks_of_some_state(question: Question) -> None:
    assert reached(question.goal)


@pytest.mark.parametrize("seed", range(3))
def test_the_defect_of_the_forced_trade_is_always_the_same(seed: int) -> None:
    """Whatever the solver tries first, one of the parties would end at exactly -2^63."""
    values = prove(BY_NAME["a_forced_trade_can_be_answered"].goal, seed).values
    units = values.get("op.amount_synthetic", 0) * (1 if values.get("op.a_buys", False) else -1)
    ends = [values.get("holding_a.balance", 0) + units, values.get("holding_b.balance", 0) - units]
    assert -BALANCE_BOUND in ends


def test_names_differ() -> None:
    assert [name for name, count in Counter(one.goal.name for one in QUESTIONS).items() if count > 1] == []


FAULTS = (
    (Fault(orders.require_fair, "collateral - 1", "collateral - 2"), "a_fill_is_at_the_orders_price_to_one_unit"),
    (Fault(orders.fill_order, "stored.fulfilled + amount", "amount"), "fills_stay_within_the_signed_order"),
    (
        Fault(orders.fill_order, "require(authorised, Reason.INVALID_SIGNATURE)", "pass"),
        "fills_stay_within_the_signed_order",
    ),
    (
        Fault(
            orders.fill_limit_order,
            "update_collateral(system, config.fee_public_key, actual_fee, fee, fee_held)",
            "update_collateral(system, config.fee_public_key, 2 * actual_fee, fee, fee_held)",
        ),
        "trade_conserves_money",
    ),
    (
        Fault(position.asset_terms, "asset.index - holding.cached_index", "asset.index + holding.cached_index"),
        "the_terms_of_a_holding_keep_their_promise",
    ),
    (
        Fault(
            position.funded_position,
            "mul_div_floor(position.collateral * ONE - funding, 1, ONE)",
            "position.collateral",
        ),
        "deposit_conserves_money",
    ),
    (
        Fault(
            position.require_reduction,
            "require(ratio_kept, Reason.ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO)",
            "pass",
        ),
        "an_update_keeps_a_position_solvent",
    ),
    (
        Fault(
            position.require_reduction,
            "require(value_kept, Reason.ILLEGAL_POSITION_TRANSITION_NO_RISK_REDUCED_VALUE)",
            "pass",
        ),
        "an_update_keeps_a_position_solvent",
    ),
    (
        Fault(
            position.require_reduction,
            "require(ratio_kept, Reason.ILLEGAL_POSITION_TRANSITION_REDUCING_TOTAL_VALUE_RISK_RATIO)",
            "pass",
        ),
        "a_debt_is_reduced_only_at_a_gain",
    ),
    (
        Fault(
            unwinding.liquidate_position,
            "require(negate(well_leveraged(status)), Reason.UNLIQUIDATABLE_POSITION)",
            "pass",
        ),
        "only_what_is_not_well_leveraged_is_liquidated",
    ),
    (
        Fault(unwinding.require_fair_deleverage, "after.value - ONE", "after.value - 2 * ONE"),
        "the_price_of_a_deleverage_is_unique",
    ),
    (
        Fault(ticks.next_index, "require_if(row.known, fits, Reason.UNCODED_ASSERT)", "pass"),
        "an_index_moves_within_the_rate",
    ),
    (
        Fault(
            corrected.answer_update,
            "attempt(fund_and_try, system, change, position, holding, asset, others, otherwise=refused)",
            "(0, fund_and_try(system, change, position, holding, asset, others))",
        ),
        "the_corrected_forced_trade_can_be_answered",
    ),
)


@pytest.mark.parametrize(("fault", "name"), FAULTS)
def test_a_fault_is_found(fault: Fault, name: str) -> None:
    with faulty(fault):
        result = prove(BY_NAME[name].goal)

    assert (result.verdict, result.replayed) == (Verdict.VIOLATED, f"{result.failed}: False")


def test_the_page_lists_every_claim() -> None:
    rows = [
        f"| `{one.goal.name}` | {one.expected.value} | {' '.join(filter(None, (one.goal.sentence, one.weak_point)))} |"
        for one in QUESTIONS
    ]
    page = (Path(__file__).parents[4] / "docs" / "starkex.md").read_text(encoding="utf-8")
    assert [line for line in page.splitlines() if line.startswith("| `")][-len(rows) :] == rows


def test_the_page_gives_each_weak_point_claims_that_there_are() -> None:
    """A weak point names a claim that ends as the page says, or says why there is none."""
    page = (Path(__file__).parents[4] / "docs" / "starkex.md").read_text(encoding="utf-8")
    rows = page.partition("| weak point | test | claim |")[2].partition("\n\n")[0].splitlines()[2:]
    named: set[str] = set()
    for row in rows:
        said = row.split(" | ")[-1]
        claims = re.findall(r"`(\w+)`", said)
        assert said.startswith("none: ") or claims
        assert all(name in BY_NAME for name in claims)
        named.update(claims)
        for name in re.findall(r"`(\w+)` fails", said):
            assert BY_NAME[name].expected is Verdict.VIOLATED
    assert {name for name, one in BY_NAME.items() if one.expected is Verdict.VIOLATED} <= named


def test_the_command_shows_the_defect_and_its_replay(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["starkex", "prove", "--goal", "a_forced_trade_can_be_answered", "--json"]) == ExitCode.OK
    (claim,) = json.loads(capsys.readouterr().out)["claims"]
    assert (claim["verdict"], claim["known"], claim["replayed"]) == (
        "violated",
        "violated",
        "one answer is accepted: False",
    )


def test_a_claim_that_ends_otherwise_fails_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with faulty(FAULTS[0][0]):
        code = main(["starkex", "prove", "--goal", FAULTS[0][1]])

    assert code == ExitCode.FALSE
    assert "but known to be proved" in capsys.readouterr().out


def test_there_is_no_such_claim(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["starkex", "prove", "--goal", "nothing"]) == ExitCode.USAGE
    assert capsys.readouterr().err == "perp: no claim is named nothing; without --goal all are listed\n"
