"""The search for attacks finds defects that are put into the rules, and none in the rules as they are."""

import json

import pytest

from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_proofs.smt.mutation import Fault
from perp_reference.attack.moves import moves
from perp_reference.attack.scenes import COALITION, OTHERS, SCENES, Scene, begin, equity_micro_atoms, is_healthy
from perp_reference.attack.search import search
from perp_reference.core.audit import audit
from perp_spec.perpetual import health
from perp_spec.perpetual.rules import money, trading, waterfall
from perp_spec.words import PPM
from support.faults import faulty_machine

BY_NAME = {scene.name: scene for scene in SCENES}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_scene_begins_clean_and_its_others_are_healthy(scene: Scene) -> None:
    state = begin(scene)

    assert audit(state) == []
    assert all(is_healthy(state, number) for number in OTHERS)
    assert all(equity_micro_atoms(state, number) > 0 for number in COALITION)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_one_operation_of_the_rules_as_they_are_is_no_attack(scene: Scene) -> None:
    found = search(scene, 1)

    assert found.attacks == []
    assert found.accepted >= 60
    assert found.tried == len(list(moves(begin(scene))))


def test_a_sequence_is_looked_at_once() -> None:
    found = search(BY_NAME["thin"], 1)
    assert found.states == found.accepted + 1


DEFECTS = {
    "a fee is not booked": (
        Fault(trading.trade, "buyer_fee + seller_fee", "buyer_fee"),
        "flat",
        1,
        "the audit finds: Ledger 0 vault, in micro-atoms",
    ),
    "what a position owes is not settled": (
        Fault(health.settle_whole, "account.collateral + terms.cash + inbox", "account.collateral + inbox"),
        "sinking",
        1,
        "the audit finds: Ledger 0 vault, in micro-atoms",
    ),
    "a healthy account is liquidated": (
        Fault(waterfall.liquidate, "either(unhealthy, op.account == FUND)", "either(True, op.account == FUND)"),
        "hedged",
        1,
        "liquidate is accepted against account",
    ),
    "the fund pays whom it takes over": (
        Fault(waterfall.take_over, "minimum(amount, penalty)", "-penalty"),
        "sinking",
        1,
        "the coalition is worth",
    ),
    "margin need not stay where money leaves": (
        Fault(money.pay_out, "equity >= side.health.initial", "equity >= equity"),
        "hedged",
        1,
        "the coalition is worth",
    ),
    "a seller need not meet its margin": (
        Fault(
            trading.trade,
            "require_valid_transition_if(True, seller.kind, selling.health, sold.health, sold.reduced)",
            "require_valid_transition_if(False, seller.kind, selling.health, sold.health, sold.reduced)",
        ),
        "hedged",
        2,
        "the coalition is worth",
    ),
    "open interest is not counted": (
        Fault(trading.with_open_interest, "book.open_interest + change", "book.open_interest"),
        "flat",
        1,
        "the audit finds: Market 0 open_interest",
    ),
}
"""What is put in; the scene and the number of operations in which it shows; how what is found begins."""


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found(name: str) -> None:
    fault, scene, depth, said = DEFECTS[name]
    with faulty_machine(fault):
        found = search(BY_NAME[scene], depth)

    [attack] = found.attacks
    assert len(attack.operations) == depth
    assert attack.fault.startswith(said)
    assert search(BY_NAME[scene], 1).attacks == []


def test_the_command_shows_an_attack_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with faulty_machine(DEFECTS["a fee is not booked"][0]):
        assert main(["attack", "--scene", "flat", "--depth", "1"]) == ExitCode.FALSE
        lines = capsys.readouterr().out.splitlines()
        assert main(["attack", "--scene", "flat", "--depth", "1", "--json"]) == ExitCode.FALSE
        said = json.loads(capsys.readouterr().out)
    assert lines[2] == "flat: The coalition has money and no position."
    assert lines[3].startswith("    trade Trade(market=0")
    assert lines[4].startswith("  the audit finds: Ledger 0 vault, in micro-atoms: expected")
    [scene] = said["scenes"]
    assert [one["op"] for one in scene["attacks"][0]["operations"]] == ["trade"]


def test_the_command_finds_nothing_in_the_rules_and_claims_no_proof(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attack", "--depth", "1"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(SCENES) + 2
    assert lines[-1] == "no attack of at most 1 of the operations tried; that is no proof"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--depth", "0"], "--depth is from 1 to 6, not 0"),
        (["--scene", "x"], "no scene x; there are flat, hedged, thin, sinking"),
    ],
)
def test_what_cannot_be_searched_is_a_usage_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["attack", *arguments]) == ExitCode.USAGE
    assert message in capsys.readouterr().err


def test_wealth_is_counted_to_the_micro_atom() -> None:
    state = begin(BY_NAME["sinking"])
    assert [equity_micro_atoms(state, number) for number in COALITION] == [6_000 * PPM, 53_000 * PPM]
