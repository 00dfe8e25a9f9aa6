"""`perp check`: theorems that hold, a rule that is broken, counterexamples replayed, what is refused."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from perp_cli.commands.check import ELSEWHERE
from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.digests import rules_digest
from perp_proofs.smt.mutation import Fault, faulty
from perp_proofs.smt.solver import Answer, Verdict
from perp_proofs.smt.witness import Witness, encoded
from perp_reference.formats.config import encode_config
from perp_spec.perpetual import common, health
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.rules import accounts, batch, forced, money, ticks, trading, waterfall
from support.faults import faulty_machine

pytestmark = pytest.mark.proofs


def test_every_theorem_about_a_rule_is_proved(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "cancel"]) == ExitCode.OK

    lines = capsys.readouterr().out.splitlines()
    about = [goal.name for goal in GOALS if "cancel" in goal.subjects]
    assert lines[0].split() == ["theorem", "verdict", "seconds"]
    assert [line.split()[:2] for line in lines[1:-1]] == [[name, "proved"] for name in about]
    assert lines[-1].startswith(f"{len(about)} of {len(about)} proved in ")


def test_json_has_every_theorem(capsys: pytest.CaptureFixture[str]) -> None:
    name = "cancel_is_signed_and_used_once"
    assert main(["check", "--goal", name, "--seed", "3", "--processes", "1", "--json"]) == ExitCode.OK

    said = json.loads(capsys.readouterr().out)
    (found,) = said.pop("goals")
    assert said.pop("seconds") >= 0
    assert said.pop("solver").startswith("Z3 ")
    assert said == {"seed": 3, "rules": rules_digest(), "written": []}
    assert found.pop("seconds") >= 0
    assert found == {
        "name": name,
        "sentence": "An accepted cancel is signed, has not expired, and cannot be applied again.",
        "about": ["cancel"],
        "assumptions": [],
        "verdict": "proved",
        "paths": 1,
        "failed_claim": None,
        "values": {},
        "in_integers": None,
        "witness": None,
    }


BROKEN = (
    ("a lost fee", Fault(trading.trade, "buyer_fee + seller_fee", "buyer_fee"), "trade_conserves_money"),
    (
        "a sign",
        Fault(money.pay_out, "side.collateral - amount", "side.collateral + amount"),
        "withdraw_conserves_money",
    ),
    ("rounding", Fault(common.carry, "mul_div_floor(micro_atoms, 1, PPM)", "0"), "withdraw_conserves_money"),
    (
        "a guard that is gone",
        Fault(money.pay_out, "require(equity >= side.health.initial, Reason.INITIAL_MARGIN)", "pass"),
        "withdraw_leaves_initial_margin",
    ),
    (
        "a guard that is off by one",
        Fault(waterfall.liquidate, "op.lots <= absolute(side.size)", "op.lots <= absolute(side.size) + 1"),
        "liquidate_reduces_risk",
    ),
    ("a stale nonce", Fault(common.use_intent, "intent.nonce + 1", "intent.nonce"), "cancel_is_signed_and_used_once"),
    (
        "an expiry that is not asked for",
        Fault(common.use_intent, "require(now <= intent.expiry, Reason.ORDER_EXPIRED)", "pass"),
        "transfer_is_signed_and_used_once",
    ),
    (
        "an order filled twice",
        Fault(common.fill_order_if, "filled + lots <= order.lots", "lots <= order.lots"),
        "trade_fills_stay_within_orders",
    ),
    (
        "an extreme",
        Fault(waterfall.take_over, "minimum(amount, penalty)", "penalty"),
        "backstop_leaves_solvent_accounts_solvent",
    ),
    ("a slot", Fault(health.slot_fits, "side.held_market == subject", "True"), "trade_keeps_sizes_balanced"),
    (
        "an owner",
        Fault(
            accounts.set_kind, "changed(account, kind=op.kind, collateral=side.collateral)", "changed(account, owner=1)"
        ),
        "set_kind_keeps_owners",
    ),
    (
        "a cap",
        Fault(
            ticks.hourly_rate_ppm,
            "clamp(average + pull, -market.funding_cap_ppm, market.funding_cap_ppm)",
            "average + pull",
        ),
        "funding_is_capped",
    ),
    (
        "a word too large",
        Fault(money.pay_out, "side.collateral - amount", "side.collateral - amount * amount * amount"),
        "withdraw_never_overflows",
    ),
    (
        "a sum too large",
        Fault(health.position_terms, "select(state.blind, within_band, 0)", "within_band * within_band * within_band"),
        "position_terms_fit",
    ),
    (
        "a guard of the header",
        Fault(batch.begin_batch, "require(header.number == exchange.number + 1, Reason.BATCH_NUMBER)", "pass"),
        "begin_batch_is_rejected_exactly_for",
    ),
    (
        "time that stands still",
        Fault(
            batch.begin_batch,
            "changed(exchange, number=header.number, time=header.time)",
            "changed(exchange, number=header.number)",
        ),
        "begin_batch_stores_exactly",
    ),
    (
        "a reason before another",
        Fault(accounts.cancel, "require_account(account)", "require(account.kind != Kind.ABSENT, Reason.FROZEN)"),
        "cancel_is_rejected_exactly_for",
    ),
    (
        "a deadlock",
        Fault(waterfall.socialise, "require_live(exchange)", "require(exchange.mode == 0, Reason.MODE)"),
        "socialise_waits_for_open_interest_only",
    ),
    (
        "an intent that is not looked at",
        Fault(accounts.cancel, "(use_intent(op.intent, stored, exchange.time),)", "(stored,)"),
        "cancel_is_signed_and_used_once",
    ),
    (
        "a division by zero",
        Fault(forced.escape_pay, "maximum(ledger.claims, 1)", "ledger.claims"),
        "escape_pay_divides_by_positive_words",
    ),
    (
        "positions that are not settled",
        Fault(
            money.withdraw,
            "return booked, with_collateral(account, collateral), side.held, used",
            "return booked, with_collateral(account, collateral), held, used",
        ),
        "withdraw_conserves_money",
    ),
)
"""Rules broken on purpose, each in another way, and a theorem that is violated then."""


@pytest.mark.parametrize(("fault", "name"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_rule_is_shown_in_numbers(
    fault: Fault, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a rule that is broken, when its theorem is checked and the counterexample run again.

    Then both say that the claim is false, with the numbers it compares; and of the rule as it is, that it holds.
    """
    file = tmp_path / f"witness-{name}.json"
    with faulty(fault):
        assert main(["check", "--goal", name, "--processes", "1", "--output", str(tmp_path)]) == ExitCode.FALSE
        said = capsys.readouterr().out
        assert f"{name} is violated: " in said
        assert "in plain integers the claim is FALSE: " in said
        assert " is false\n" in said
        assert f"replay it: ./perp check --replay {file}\n" in said

        assert main(["check", "--replay", str(file)]) == ExitCode.FALSE
        said = capsys.readouterr().out
        assert "in plain integers the claim is FALSE: " in said
        assert " is false\n" in said

        assert main(["check", "--replay", str(file), "--json"]) == ExitCode.FALSE
        document = json.loads(capsys.readouterr().out)
        assert (document["goal"], document["same_rules"], document["false"]) == (name, True, True)

    assert main(["check", "--replay", str(file)]) == ExitCode.OK
    assert "in plain integers the claim is FALSE" not in capsys.readouterr().out


def test_a_counterexample_that_integers_do_not_have_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a fault that only several markets together show, then the theorem about them shows it in numbers.

    What an operation makes of the markets is violated too, and it is said why plain integers do not see it.
    """
    names = ["what_windows_demand", "end_batch_stores_exactly"]
    with faulty(Fault(batch.window_severity, "mul_div_ceil(terms.counted, 1, 2)", "terms.counted")):
        code = main(["check", "--goal", *names, "--processes", "1", "--output", str(tmp_path)])
    first, second, *_ = capsys.readouterr().out.split("\n\n")

    assert code == ExitCode.FALSE
    assert first.startswith("what_windows_demand is violated: ")
    assert "in plain integers the claim is FALSE: " in first
    assert second.startswith("end_batch_stores_exactly is violated: ")
    assert f"in plain integers the claim is true: exchange.window_mode\n    0 == 0 holds\n  {ELSEWHERE}\n" in second


def test_the_machine_runs_a_counterexample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a withdrawal that pays more than it takes, when its counterexample is run again.

    Then the machine accepts it on a whole state, and shows what it changed there.
    """
    name = "withdraw_conserves_money"
    with faulty_machine(Fault(money.pay_out, "side.collateral - amount", "side.collateral")):
        main(["check", "--goal", name, "--processes", "1", "--output", str(tmp_path)])
        capsys.readouterr()
        assert main(["check", "--replay", str(tmp_path / f"witness-{name}.json"), "--json"]) == ExitCode.FALSE

    document = json.loads(capsys.readouterr().out)
    changes = {item["place"]: int(item["after"]) - int(item["before"]) for item in document["machine"]}
    assert changes["Ledger 0.vault"] == changes["Ledger 0.bucket"] < 0
    assert document["obstacle"] is None


GUARDS = (
    (
        Fault(accounts.open_account, "require(account.kind == Kind.ABSENT, Reason.ACCOUNT_EXISTS)", "pass"),
        "open_account_is_rejected_exactly_for",
        None,
    ),
    (
        Fault(money.withdraw, "require_live(exchange)", "require(exchange.frozen_at < 0, Reason.FROZEN)"),
        "withdraw_is_rejected_exactly_for",
        "the machine refuses it in the state laid out: FROZEN",
    ),
    (
        Fault(forced.escape_pay, "maximum(ledger.claims, 1)", "ledger.claims"),
        "every_claim_can_be_paid",
        "the machine breaks down on it: ZeroDivisionError: integer division or modulo by zero",
    ),
)
"""Guards that are broken, a theorem about what is refused, and what keeps the machine from doing the operation."""


@pytest.mark.parametrize(("fault", "name", "obstacle"), GUARDS)
def test_the_machine_runs_what_should_be_refused_or_accepted(
    fault: Fault, name: str, obstacle: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a guard that is broken, when its counterexample is run again, then the machine runs the whole operation."""
    with faulty_machine(fault):
        assert main(["check", "--goal", name, "--processes", "1", "--output", str(tmp_path)]) == ExitCode.FALSE
        capsys.readouterr()
        main(["check", "--replay", str(tmp_path / f"witness-{name}.json"), "--json"])

    document = json.loads(capsys.readouterr().out)
    assert document["obstacle"] == obstacle
    assert (document["machine"] is None) is (obstacle is not None)


def witness_file(directory: Path, **changes: Any) -> Path:
    """A file with a witness."""
    members: dict[str, Any] = {
        "goal": "cancel_is_signed_and_used_once",
        "claim": "it is signed",
        "sentence": "",
        "rules": "0" * 64,
        "values": {},
        "words": None,
    }
    file = directory / "witness.json"
    file.write_text(encoded(Witness(**{**members, **changes})), encoding="utf-8")
    return file


def test_a_witness_of_other_rules_may_not_be_reached(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--replay", str(witness_file(tmp_path))]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines() == [
        "cancel_is_signed_and_used_once: ",
        "the rules have changed since this was found",
        "  in plain integers the state is not reached: RESERVED_ACCOUNT",
        "  the machine cannot run it: RESERVED_ACCOUNT",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["withdraws"], "no theorem is about withdraws (did you mean withdraw?)"),
        (["zzz"], "no theorem is about zzz (see perp check --list)"),
        (["--goal", "withdraw_conserves"], "no theorem withdraw_conserves (did you mean withdraw_conserves_money?)"),
        (["--seed", "-1"], "--seed is from 0 to 2147483647, not -1"),
        (["--processes", "0"], "--processes is from 1 to 64, not 0"),
        (
            ["--list", "--write-ledger"],
            "--replay, --config, --mutate, --list, --paths and what writes files do not go together",
        ),
        (
            ["--write-paths", "--goal", "trades_commute"],
            "--replay, --config and what writes files of all theorems take no rule and no theorem",
        ),
        (
            ["cancel", "--write-ledger"],
            "--replay, --config and what writes files of all theorems take no rule and no theorem",
        ),
        (["--paths", "--seed", "1"], "--seed goes with proving only"),
        (["--certificates", "--seed", "1"], "--seed goes with proving only"),
        (["--certificates", "--solver", "cvc5"], "--certificates goes with no other way, no rule and no theorem"),
        (["--replay", "nowhere.json"], "cannot read nowhere.json: No such file or directory"),
    ],
)
def test_what_does_not_exist_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *arguments]) == ExitCode.USAGE
    assert capsys.readouterr().err == f"perp: {message}\n"


def test_a_witness_of_no_goal_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--replay", str(witness_file(tmp_path, goal="x"))]) == ExitCode.USAGE
    assert capsys.readouterr().err == "perp: no goal is called x\n"


def test_a_damaged_witness_is_malformed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "witness.json"
    file.write_bytes(b"\xff")
    assert main(["check", "--replay", str(file)]) == ExitCode.MALFORMED
    assert capsys.readouterr().err == f"perp: {file}: expected UTF-8, got other bytes\n"

    file.write_text("[]", encoding="utf-8")
    assert main(["check", "--replay", str(file)]) == ExitCode.MALFORMED
    assert capsys.readouterr().err == f"perp: {file}: expected an object, got list\n"


def test_each_path_has_a_state_in_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "cancel", "--paths", "--processes", "1"]) == ExitCode.OK

    about = sum("cancel" in goal.subjects for goal in GOALS)
    assert capsys.readouterr().out == (
        f"{about} paths of {about} theorems, 0 with more than one: {about} with a state, 0 proved impossible\n"
    )


def test_a_path_without_a_state_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a file without a theorem, then its path is told; and found again where that is asked for."""
    name = "cancel_stores_exactly"
    file = tmp_path / "vectors" / "paths.jsonl"
    file.parent.mkdir()
    monkeypatch.setattr("perp_cli.commands.check.witness_directory", lambda: file.parent / "witnesses")

    assert main(["check", "--goal", name, "--paths", "--json"]) == ExitCode.FALSE
    said = json.loads(capsys.readouterr().out)
    assert said["faults"] == [f"{name}: not in the file: the only path", f"{name}: no path has a state"]

    line = f'{{"goal":"{name}","path":[],"values":{{"op.account":"2"}}}}\n'
    file.write_text(line, encoding="utf-8")
    assert main(["check", "--goal", name, "--paths"]) == ExitCode.FALSE
    assert f"{name}: the only path: not reached: " in capsys.readouterr().out

    file.write_text(line.replace(name, "nothing"), encoding="utf-8")
    assert main(["check", "--goal", name, "--paths"]) == ExitCode.FALSE
    assert capsys.readouterr().out.splitlines()[0] == "nothing: there is no such theorem"

    file.write_text(line + '{"goal":1}\n', encoding="utf-8")
    assert main(["check", "--goal", name, "--paths"]) == ExitCode.MALFORMED
    assert "paths.jsonl:2: expected an object" in capsys.readouterr().err


def test_a_theorem_that_the_solver_gives_up_has_no_paths(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a solver that cannot tell, then that is told, and is no false theorem."""
    name = "cancel_stores_exactly"
    given = Answer(Verdict.UNKNOWN, {}), "stored.nonce"
    monkeypatch.setattr("perp_proofs.smt.prove.Search.run", lambda *_: given)

    assert main(["check", "--goal", name, "--paths"]) == ExitCode.UNDECIDED
    assert capsys.readouterr().out.splitlines()[0] == f"{name}: unknown: stored.nonce"


def test_theorems_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "cancel", "--list"]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines() == [
        f"{goal.name}: {goal.sentence}" for goal in GOALS if "cancel" in goal.subjects
    ]


def config_file(directory: Path, **changes: int) -> Path:
    """The default configuration of one market, with other numbers in it."""
    config = default_config(1)
    market = attrs.evolve(config.markets[0].market, **changes)
    config = attrs.evolve(config, markets=(attrs.evolve(config.markets[0], market=market),))
    file = directory / "exchange.json"
    file.write_bytes(encode_config(config))
    return file


def test_a_configuration_has_theorems_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(config_file(tmp_path))]) == ExitCode.OK

    lines = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert lines[1:-1] == [
        ["market_0_survives_its_gap", "proved"],
        ["market_0_fits_in_words", "proved"],
        ["market_0_covers_its_fees", "proved"],
        ["market_0_covers_its_funding", "proved"],
    ]


def test_a_configuration_that_breaks_a_bound_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a fee cap of 10 %, when its theorems are asked for, then the bound is named and the theorem violated."""
    file = config_file(tmp_path, fee_cap_ppm=100_000)
    assert main(["check", "--config", str(file), "--json"]) == ExitCode.FALSE

    said = json.loads(capsys.readouterr().out)
    assert said["violations"] == [
        {"place": "markets[0].fee_cap_ppm", "expected": "at most initial_1_ppm", "got": "100000"}
    ]
    assert {goal["name"]: goal["verdict"] for goal in said["goals"]} == {
        "market_0_survives_its_gap": "proved",
        "market_0_fits_in_words": "proved",
        "market_0_covers_its_fees": "violated",
        "market_0_covers_its_funding": "proved",
    }
