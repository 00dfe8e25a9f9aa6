"""The commands on a stored exchange, as a user runs them."""

import errno
import json
import re
import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from perp_cli.commands import demo
from perp_cli.commands.show import moment
from perp_cli.exit_codes import ExitCode
from perp_cli.files import Pending, cannot_be_written
from perp_cli.main import main
from perp_hash.digest import digest_to_hex, unpack_digest
from perp_reference.demo import ACTS, ALICE, BOB, CAROL, DAVE, USD, Cast, Told, demo_ring, intent
from perp_reference.formats.batch import SignedBatch, decode_batch, encode_batch, encode_draft
from perp_reference.formats.config import decode_config, encode_config
from perp_reference.formats.signed import Signed
from perp_reference.formats.state import decode_diff, encode_state
from perp_reference.store.store import FILE_NAME, Store
from perp_spec.perpetual.operations import Header, Withdraw
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Exchange

RING = demo_ring()

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def perp(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command with --json: exit code, document, what was said on stderr."""

    def run(*arguments: object) -> tuple[int, Any, str]:
        code = main([str(argument) for argument in arguments] + ["--json"])
        written = capsys.readouterr()
        return code, json.loads(written.out), written.err

    return run


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[str]]]:
    """Runs a command for people: exit code and lines."""

    def run(*arguments: object) -> tuple[int, list[str]]:
        code = main([str(argument) for argument in arguments])
        return code, capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def exchange(tmp_path: Path, perp: Run) -> Path:
    """An exchange after the first act of the demo."""
    directory = tmp_path / "exchange"
    config = tmp_path / "config.json"
    assert perp("init", "--state", directory, "--write-config", config)[0] == ExitCode.OK
    assert perp("run", draft(tmp_path, 0), "--state", directory)[0] == ExitCode.OK
    return directory


def draft(directory: Path, act: int) -> Path:
    """The draft file of an act of the demo."""
    played = ACTS[act]
    operations = tuple(RING.sign(operation, played.time) for operation in played.operations(Cast.of(RING)))
    path = directory / f"draft-{act}.jsonl"
    path.write_bytes(encode_draft(SignedBatch(Header(time=played.time), operations)))
    return path


def test_demo_plays_every_kind_of_operation_and_every_check_holds(perp: Run) -> None:
    code, document, said = perp("demo", "--no-proofs")
    assert (code, said) == (ExitCode.OK, "")
    assert len(document["operations"]) == 25
    assert [batch["number"] for batch in document["batches"]] == ["1", "2", "3", "4", "5", "6"]
    assert set(document["checks"].values()) == {True}


def test_the_demo_tells_what_happens(lines: Any) -> None:
    """Given a forced withdrawal in a gap, when it is put off, then its story, its line and the modes say so."""
    code, said = lines("demo", "--no-proofs")
    assert code == ExitCode.OK
    assert said[0] == (
        "The cast: Alice is account 2, Bob is account 3, Carol is account 4, Dave is account 5, Erin is account 6, "
        "Bob's isolated account is account 7."
    )
    (fourth,) = [line for line in said if line.startswith("batch 4.")]
    assert "it is too much: she is put off, and her request stays (ORACLE_LEVEL)." in fourth
    assert "  forced_withdraw: account 6: refused with ORACLE_LEVEL" in said
    assert "  forced_withdraw: account 4" in said
    assert "  request_forced: 0.2 BTC for account 4: done" in said
    modes = [line.split(",")[0] for line in said if line.startswith("mode ")]
    assert modes == ["mode NORMAL", "mode NORMAL", "mode REDUCE_ONLY", "mode REDUCE_ONLY", "mode FROZEN", "mode FROZEN"]
    ends = [line.strip() for line in said if line.startswith("  end_batch")]
    assert ends == [f"end_batch: {mode}" for mode in modes]
    assert "  yes  what the story says of each batch is what the rules did" in said


@pytest.mark.parametrize("number", range(len(ACTS)))
def test_a_story_names_each_reason_for_which_something_is_refused(number: int) -> None:
    act = ACTS[number]
    reasons = {told.refused.name for told in act.told if told.refused is not None}
    assert set(re.findall(r"\(([A-Z_]{4,})\)", act.story)) == reasons


def richer(cast: Cast) -> tuple[Any, ...]:
    """The fourth act with a larger wish of Erin's, which no price can grant."""
    wishes = ACTS[3].operations(cast)
    place = next(place for place, wish in enumerate(wishes) if getattr(wish, "amount", 0) == 30_000 * USD)
    return (*wishes[:place], attrs.evolve(wishes[place], amount=100_000 * USD), *wishes[place + 1 :])


def test_a_demo_that_tells_what_did_not_happen_fails(lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an act that tells another story than the rules, when the demo runs, then it names every difference."""
    told = tuple(item for item in ACTS[3].told if item.refused is not Reason.FORCED_UNKNOWN)
    act = attrs.evolve(
        ACTS[3],
        operations=richer,
        sentences="All is well.",
        told=(*told, Told("freeze", BOB)),
        level="good",
        is_frozen=True,
    )
    monkeypatch.setattr(demo, "ACTS", (*ACTS[:3], act))
    code, said = lines("demo", "--no-proofs")
    assert code == ExitCode.FALSE
    assert [line for line in said if line.startswith("told otherwise: ")] == [
        "told otherwise: batch 4: told, but not so: forced_withdraw, account 6: ORACLE_LEVEL",
        "told otherwise: batch 4: told, but not so: freeze, account 3: done",
        "told otherwise: batch 4: not told: forced_withdraw, account 6: INITIAL_MARGIN",
        "told otherwise: batch 4: not told: forced_withdraw, account 4: FORCED_UNKNOWN",
        "told otherwise: batch 4: the oracle of BTC is told to be good, and is gap",
        "told otherwise: batch 4: the exchange is not frozen, and told otherwise",
    ]
    assert "  NO   what the story says of each batch is what the rules did" in said


def test_demo_is_the_same_every_time(perp: Run) -> None:
    assert perp("demo", "--no-proofs")[1] == perp("demo", "--no-proofs")[1]


def test_demo_keeps_its_exchange_once(perp: Run, tmp_path: Path) -> None:
    assert perp("demo", "--no-proofs", "--state", tmp_path)[0] == ExitCode.OK
    audited = perp("audit", "--state", tmp_path)[1]
    assert audited["findings"] == []
    assert audited["config_digest"] == perp("show", "--state", tmp_path)[1]["config_digest"]
    code, document, _ = perp("demo", "--no-proofs", "--state", tmp_path)
    assert code == ExitCode.USAGE
    assert document["error"]["message"] == f"{tmp_path} holds an exchange already"


def test_demo_stops_in_the_middle_of_a_life(perp: Run, tmp_path: Path) -> None:
    code, document, _ = perp("demo", "--no-proofs", "--state", tmp_path / "x", "--batches", 4)
    assert (code, len(document["batches"]), set(document["checks"].values())) == (ExitCode.OK, 4, {True})
    assert perp("show", "--state", tmp_path / "x")[1]["exchange"]["frozen_at"] == "0"
    assert perp("demo", "--batches", 7)[0] == ExitCode.USAGE


def test_a_draft_becomes_a_batch_that_applies_elsewhere(perp: Run, tmp_path: Path, exchange: Path) -> None:
    other = tmp_path / "other"
    built, diff = tmp_path / "batch.jsonl", tmp_path / "diff.jsonl"
    perp("init", "--state", other)
    perp("run", draft(tmp_path, 0), "--state", other)
    code, here, _ = perp("run", draft(tmp_path, 1), "--state", exchange, "--out", built, "--diff", diff)
    assert (code, len(here["rejected"])) == (ExitCode.OK, 3)
    code, there, _ = perp("run", built, "--state", other)
    assert (code, there["root"], there["rejected"]) == (ExitCode.OK, here["root"], [])
    assert len(decode_diff(diff.read_bytes(), "diff").records) == here["changed_records"]


def test_a_rejection_is_reported_with_every_reason_and_its_numbers(perp: Run, tmp_path: Path, exchange: Path) -> None:
    _, document, _ = perp("run", draft(tmp_path, 1), "--state", exchange)
    rejection = document["rejected"][1]
    assert (rejection["rule"], rejection["reason"], rejection["violated"]) == (
        "withdraw",
        "INITIAL_MARGIN",
        ["INITIAL_MARGIN"],
    )
    assert rejection["guards"][0]["numbers"] == [
        {"left": "660000000", "relation": ">=", "right": "1628060000", "holds": False}
    ]


def test_an_invalid_batch_changes_nothing(perp: Run, lines: Any, tmp_path: Path, exchange: Path) -> None:
    path = tmp_path / "bad.jsonl"
    with Store.open(exchange) as store:
        (entry,) = [item for item in store.history() if item.number == 1]
        root = store.commitment.root
    batch = decode_batch(entry.operations, "log")
    path.write_bytes(encode_batch(batch))
    code, document, _ = perp("run", path, "--state", exchange)
    assert (code, document["invalid"]["place"], document["invalid"]["reason"]) == (
        ExitCode.FALSE,
        None,
        "BATCH_NUMBER",
    )
    code, said = lines("run", path, "--state", exchange)
    assert said[0] == f"{path}:1: the batch is invalid: the header is rejected with BATCH_NUMBER"
    assert said[-1] == "nothing has changed"
    with Store.open(exchange) as store:
        assert store.commitment.root == root


def test_a_rejected_operation_is_named_by_its_line(perp: Run, lines: Any, tmp_path: Path, exchange: Path) -> None:
    built, other = tmp_path / "built.jsonl", tmp_path / "other"
    perp("run", draft(tmp_path, 1), "--state", exchange, "--out", built)
    perp("init", "--state", other)
    perp("run", draft(tmp_path, 0), "--state", other)
    text = built.read_text(encoding="utf-8").splitlines(keepends=True)
    assert json.loads(text[13])["op"] == "withdraw"
    built.write_text("".join((*text[:14], *text[13:])), encoding="utf-8")
    code, said = lines("run", built, "--state", other)
    assert code == ExitCode.FALSE
    assert said[0] == f"{built}:15: the batch is invalid: operation 14 (withdraw) is rejected with ORDER_STALE"
    invalid = perp("run", built, "--state", other)[1]["invalid"]
    assert (invalid["place"], invalid["line"]) == (13, 15)


def test_a_draft_with_its_number_is_applied_once(perp: Run, tmp_path: Path, exchange: Path) -> None:
    """Given a draft that states its number, when it is tried again, then it does not become another batch."""
    path = draft(tmp_path, 1)
    path.write_text(path.read_text(encoding="utf-8").replace('"number":"0"', '"number":"2"', 1), encoding="utf-8")
    assert perp("run", path, "--state", exchange)[1]["number"] == "2"
    root = perp("show", "--state", exchange)[1]["root"]
    code, document, _ = perp("run", path, "--state", exchange)
    assert (code, document["invalid"]["line"], document["invalid"]["reason"]) == (ExitCode.FALSE, 1, "BATCH_NUMBER")
    assert perp("show", "--state", exchange)[1]["root"] == root


@pytest.mark.parametrize("option", ["--out", "--diff", "--prove"])
def test_a_result_does_not_take_the_place_of_the_batch(perp: Run, tmp_path: Path, exchange: Path, option: str) -> None:
    path = draft(tmp_path, 1)
    before = path.read_bytes()
    code, document, _ = perp("run", path, "--state", exchange, option, path)
    assert (code, document["error"]["message"]) == (ExitCode.USAGE, f"{path} and {path} are the same file")
    assert path.read_bytes() == before
    assert perp("show", "--state", exchange)[1]["exchange"]["number"] == "1"


@pytest.mark.parametrize("option", ["--out", "--diff"])
def test_a_file_that_cannot_be_written_is_told_before_the_batch_is_applied(
    perp: Run, tmp_path: Path, exchange: Path, option: str
) -> None:
    before = (exchange / FILE_NAME).read_bytes()
    code, document, _ = perp("run", draft(tmp_path, 1), "--state", exchange, option, tmp_path / "no" / "file")
    message = f"{tmp_path}/no/file cannot be written: No such file or directory"
    assert (code, document["error"]["message"]) == (ExitCode.USAGE, message)
    code, document, _ = perp("run", draft(tmp_path, 1), "--state", exchange, option, exchange / FILE_NAME)
    assert (code, document["error"]["message"]) == (
        ExitCode.USAGE,
        f"{exchange / FILE_NAME} and {exchange / FILE_NAME} are the same file",
    )
    assert (exchange / FILE_NAME).read_bytes() == before


def test_a_batch_is_said_to_be_applied_where_its_file_cannot_be_written(
    perp: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exchange: Path
) -> None:
    def full(file: Pending, data: bytes) -> None:
        raise cannot_be_written(file.path, OSError(errno.ENOSPC, f"no room for {len(data) > 0}"))

    monkeypatch.setattr(Pending, "write", full)
    code, document, said = perp("run", draft(tmp_path, 1), "--state", exchange, "--out", tmp_path / "out")
    message = f"{tmp_path}/out cannot be written: no room for True; batch 2 is applied all the same"
    assert (code, document["error"]["message"]) == (ExitCode.USAGE, message)
    assert document["error"]["done"] == "batch 2 is applied"
    assert said == f"perp: {message}\n"
    assert perp("show", "--state", exchange)[1]["exchange"]["number"] == "2"


def test_an_invalid_batch_leaves_no_files(perp: Run, tmp_path: Path, exchange: Path) -> None:
    built = tmp_path / "built.jsonl"
    perp("run", draft(tmp_path, 1), "--state", exchange, "--out", built)
    files = (tmp_path / "out", tmp_path / "diff")
    assert perp("run", built, "--state", exchange, "--out", files[0], "--diff", files[1])[0] == ExitCode.FALSE
    assert not any(file.exists() for file in files)


def test_a_wrong_signature_is_rejected(perp: Run, tmp_path: Path, exchange: Path) -> None:
    operation = Withdraw(account=CAROL, amount=1, intent=intent(40))
    signed = RING.sign(operation, ACTS[1].time)
    forged = Signed(Withdraw(account=CAROL, amount=2, intent=intent(40)), signed.signatures)
    path = tmp_path / "forged.jsonl"
    path.write_bytes(encode_draft(SignedBatch(Header(time=ACTS[1].time), (forged, signed))))
    _, document, _ = perp("run", path, "--state", exchange)
    assert [(item["place"], item["reason"]) for item in document["rejected"]] == [(0, "BAD_SIGNATURE")]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}\n", b'{"format":"perpspec-batch-1"}\n', b"[]", b"not json"])
def test_a_malformed_batch_is_refused_with_its_place(perp: Run, tmp_path: Path, exchange: Path, content: bytes) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    code, document, said = perp("run", path, "--state", exchange)
    assert code == ExitCode.MALFORMED
    assert document["error"]["file"] == str(path)
    assert said.startswith(f"perp: {path}")
    assert said.count("\n") == 1


def test_audit_refuses_what_was_changed_behind_its_back(perp: Run, exchange: Path) -> None:
    connection = sqlite3.connect(exchange / FILE_NAME)
    connection.execute("DELETE FROM record WHERE code = 9")
    connection.commit()
    connection.close()
    code, document, _ = perp("audit", "--state", exchange)
    assert code == ExitCode.MALFORMED
    assert document["error"]["field"] == "batch 1: root"


def test_show_an_account_with_its_liquidation_price(perp: Run, lines: Any, exchange: Path) -> None:
    _, document, _ = perp("show", "--state", exchange, "account", ALICE)
    assert (document["kind"], document["state"]) == ("cross", "healthy")
    (position,) = document["positions"]
    assert (position["market"], position["size"], position["price"]) == ("BTC", "20000", "4000000")
    assert 3_880_000 < int(position["liquidation_price"]) < 4_000_000
    code, said = lines("show", "--state", exchange, "account", ALICE)
    assert code == ExitCode.OK
    assert "state: healthy" in said


def test_show_a_forced_request_and_a_claim_in_words(perp: Run, lines: Any, tmp_path: Path, exchange: Path) -> None:
    def last_line(account: int) -> str:
        return lines("show", "--state", exchange, "account", account)[1][-1]

    perp("run", draft(tmp_path, 1), "--state", exchange)
    due = moment(int(perp("show", "--state", exchange, "account", DAVE)[1]["request"]["deadline"]))
    assert last_line(DAVE) == f"  forced request to withdraw 1,000.00, to be answered by {due}"
    assert last_line(CAROL) == f"  forced request to reduce BTC by 0.2, to be answered by {due}"
    request = perp("show", "--state", exchange, "account", CAROL)[1]["request"]
    assert (request["kind"], request["amount"]) == ("2", "2000")
    assert perp("show", "--state", exchange, "account", BOB)[1]["request"] is None
    for act in (2, 3, 4):
        perp("run", draft(tmp_path, act), "--state", exchange)
    claim = last_line(DAVE)
    assert claim.startswith("  claim on the frozen exchange: ")
    assert claim.endswith(", claimed")
    perp("run", draft(tmp_path, 5), "--state", exchange)
    assert last_line(DAVE) == claim.replace(", claimed", ", paid out")


@pytest.mark.parametrize(
    ("time", "said"),
    [(1_700_604_860, "1700604860 s (2023-11-21 22:14:20 UTC)"), (2**40 - 1, "1099511627775 s")],
)
def test_a_moment_is_a_date_where_there_is_one(time: int, said: str) -> None:
    assert moment(time) == said


def test_show_a_market_and_the_whole(perp: Run, lines: Any, exchange: Path) -> None:
    assert perp("show", "--state", exchange, "market", "ETH")[1]["level"] == "good"
    assert perp("show", "--state", exchange)[1]["accounts"] == 8
    assert lines("show", "--state", exchange)[1][0] == "exchange default"
    assert lines("show", "--state", exchange, "market", "BTC")[1][0] == "BTC: market 0, one lot is 0.0001"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("account",), "show account takes a number"),
        (("market",), "show market takes a symbol"),
        (("account", "x"), "argument WHICH: expected a whole number from 0 to 1048575, got x"),
        (("account", "02"), "argument WHICH: expected a whole number from 0 to 1048575, got 02"),
        (("account", "99"), "account 99 does not exist; there are 8"),
        (("market", "GOLD"), "no market GOLD; there are BTC, ETH, LINK, DOT, ADA, DOGE, XRP, LTC, BCH, EOS, AAVE"),
    ],
)
def test_show_refuses_what_is_not_there(perp: Run, exchange: Path, arguments: tuple[str, ...], message: str) -> None:
    code, document, _ = perp("show", "--state", exchange, *arguments)
    assert (code, document["error"]["message"]) == (ExitCode.USAGE, message)


def test_explain_shows_every_guard_and_applies_nothing(perp: Run, lines: Any, exchange: Path) -> None:
    before = (exchange / FILE_NAME).read_bytes()
    operation = '{"op":"cancel","account":"3","intent":{"slot":"1","nonce":"0","expiry":"0","signed":null}}'
    code, document, _ = perp("explain", operation, "--state", exchange)
    assert (code, document["reason"], document["violated"]) == (
        ExitCode.FALSE,
        "BAD_SIGNATURE",
        ["BAD_SIGNATURE", "ORDER_EXPIRED", "ORDER_STALE"],
    )
    code, said = lines("explain", operation, "--state", exchange)
    assert said[-1] == "rejected with BAD_SIGNATURE"
    assert (exchange / FILE_NAME).read_bytes() == before


def test_explain_an_operation_that_would_be_accepted(perp: Run, exchange: Path) -> None:
    code, document, _ = perp("explain", '{"op":"funding_tick","market":"0"}', "--state", exchange)
    assert (code, document["accepted"], document["reason"]) == (ExitCode.OK, True, None)


def test_explain_tells_the_answer_of_what_is_accepted_only(perp: Run, lines: Any, exchange: Path) -> None:
    """Given an account without a request, when its withdrawal is explained, then no answer to it is told."""
    operation = json.dumps({"op": "forced_withdraw", "account": str(BOB)})
    code, said = lines("explain", operation, "--state", exchange)
    assert (code, said[0], said[-1]) == (
        ExitCode.FALSE,
        f"forced_withdraw: account {BOB}",
        "rejected with FORCED_UNKNOWN",
    )
    operation = json.dumps({"op": "deposit", "account": "99", "key": "0" * 63 + "1", "amount": "5"})
    code, said = lines("explain", operation, "--state", exchange)
    assert (code, said[0], said[-1]) == (
        ExitCode.OK,
        "deposit: 0.000005 to account 99",
        "accepted, the answer: refused with NO_ACCOUNT",
    )
    assert perp("explain", operation, "--state", exchange)[1]["answer"] == "refused with NO_ACCOUNT"


def test_an_end_batch_is_the_builders(perp: Run, tmp_path: Path, exchange: Path) -> None:
    expected = "an operation of a draft, which ends without end_batch: that is the builder's"
    code, document, _ = perp("explain", '{"op":"end_batch"}', "--state", exchange)
    assert (code, document["error"]["expected"]) == (ExitCode.MALFORMED, expected)
    path = draft(tmp_path, 1)
    path.write_text(path.read_text(encoding="utf-8") + '{"op":"end_batch","mode":"0"}\n', encoding="utf-8")
    lines_of_it = len(path.read_text(encoding="utf-8").splitlines())
    code, document, _ = perp("run", path, "--state", exchange)
    assert (code, document["error"]["line"], document["error"]["expected"]) == (
        ExitCode.MALFORMED,
        lines_of_it,
        expected,
    )


@pytest.mark.parametrize("operation", ["", "{", '{"op":"dance"}', "\udc80", "x" * 20_000])
def test_explain_refuses_a_malformed_operation(perp: Run, exchange: Path, operation: str) -> None:
    assert perp("explain", operation, "--state", exchange)[0] == ExitCode.MALFORMED


@pytest.mark.parametrize("time", [ACTS[0].time - 1, 2**60])
def test_explain_refuses_a_time_that_cannot_be(perp: Run, exchange: Path, time: int) -> None:
    operation = '{"op":"funding_tick","market":"0"}'
    assert perp("explain", operation, "--state", exchange, "--time", time)[0] == ExitCode.USAGE


def test_log_replays_every_batch_to_its_root(perp: Run, lines: Any, exchange: Path, tmp_path: Path) -> None:
    perp("run", draft(tmp_path, 1), "--state", exchange)
    code, document, _ = perp("log", "--state", exchange)
    assert (code, document["differing"]) == (ExitCode.OK, [])
    _, said = lines("log", "--state", exchange, "--account", BOB)
    assert "  transfer: 5,000.00 from account 3 to account 7" in said
    assert not [line for line in said if "oracle_tick" in line]
    assert said[-1] == "2 batches replayed, every root the same"


def test_log_says_where_there_is_nothing_to_show(perp: Run, lines: Any, exchange: Path) -> None:
    code, document, _ = perp("log", "--state", exchange, "--batch", 99)
    assert (code, document["error"]["message"]) == (ExitCode.USAGE, "no batch 99; there are 1 to 1")
    code, document, _ = perp("log", "--state", exchange, "--account", 77)
    message = "no operation names account 77, and it does not exist; there are 8"
    assert (code, document["error"]["message"]) == (ExitCode.USAGE, message)
    code, said = lines("log", "--state", exchange, "--account", 1)
    assert (code, said[1]) == (ExitCode.OK, "no operation names account 1")
    assert said[0].startswith("beginning: root ")
    assert perp("log", "--state", exchange, "--account", 99)[0] == ExitCode.OK


def test_log_gives_the_operations_that_are_asked_for_to_programs(perp: Run, exchange: Path, tmp_path: Path) -> None:
    perp("run", draft(tmp_path, 1), "--state", exchange)
    batches = perp("log", "--state", exchange, "--batch", 1, "--account", 99)[1]["batches"]
    assert [item["op"] for item in batches[0]["operations"]] == ["deposit"]
    assert "operations" not in batches[1]
    batches = perp("log", "--state", exchange, "--batch", 2)[1]["batches"]
    assert batches[1]["operations"][-1]["op"] == "end_batch"
    assert "operations" not in perp("log", "--state", exchange)[1]["batches"][0]


def test_log_of_an_exchange_without_batches(perp: Run, tmp_path: Path) -> None:
    perp("init", "--state", tmp_path)
    made = perp("init", "--state", tmp_path / "x")[1]
    found = perp("log", "--state", tmp_path)[1]
    assert found == {"config_digest": made["config_digest"], "batches": [], "differing": []}
    assert perp("log", "--state", tmp_path, "--batch", 0)[1]["error"]["message"] == "no batch 0; there is none yet"


def test_log_says_which_batch_is_missing(perp: Run, exchange: Path, tmp_path: Path) -> None:
    for act in (1, 2):
        perp("run", draft(tmp_path, act), "--state", exchange)
    connection = sqlite3.connect(exchange / FILE_NAME)
    connection.execute("DELETE FROM batch WHERE number = 2")
    connection.commit()
    connection.close()
    code, document, said = perp("log", "--state", exchange)
    assert (code, document["error"]["field"]) == (ExitCode.MALFORMED, "batch 2")
    assert said == f"perp: {exchange / FILE_NAME}: field batch 2: expected every batch, got none: it is missing\n"


@pytest.mark.parametrize("asked", [("--account", 77), ("--diffs", "/dev/null")])
def test_log_shows_nothing_of_what_it_refuses(lines: Any, exchange: Path, asked: tuple[object, ...]) -> None:
    assert lines("log", "--state", exchange, *asked) == (ExitCode.USAGE, [])


def test_a_file_that_is_no_store_is_called_the_same_everywhere(perp: Run, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"")
    message = f"{tmp_path / FILE_NAME} is in the way: it is no exchange"
    assert perp("init", "--state", tmp_path)[1]["error"]["message"] == message
    message = f"{tmp_path / FILE_NAME}: expected a store of an exchange, got another file"
    assert perp("show", "--state", tmp_path)[1]["error"]["message"] == message


def test_log_finds_a_batch_whose_root_was_changed(perp: Run, exchange: Path, tmp_path: Path) -> None:
    perp("run", draft(tmp_path, 1), "--state", exchange)
    connection = sqlite3.connect(exchange / FILE_NAME)
    connection.execute("UPDATE batch SET root = ? WHERE number = 1", (digest_to_hex(unpack_digest(5)),))
    connection.commit()
    connection.close()
    code, document, _ = perp("log", "--state", exchange)
    assert (code, document["differing"]) == (ExitCode.FALSE, ["1"])


def differences(perp: Run, exchange: Path, directory: Path) -> list[Path]:
    """The difference files of the first three acts."""
    for act in (1, 2):
        perp("run", draft(directory, act), "--state", exchange)
    assert perp("log", "--state", exchange, "--diffs", directory / "diffs")[0] == ExitCode.OK
    return sorted((directory / "diffs").iterdir())


def test_an_account_escapes_with_the_published_differences_alone(perp: Run, tmp_path: Path, exchange: Path) -> None:
    """Given the difference files only, when Bob rebuilds the exchange, then he has a proof of what he owns."""
    files = differences(perp, exchange, tmp_path)
    shown = perp("show", "--state", exchange, "account", BOB)[1]
    root = perp("audit", "--state", exchange)[1]["root"]
    (exchange / FILE_NAME).unlink()
    code, document, _ = perp("escape", "--account", BOB, "--out", tmp_path / "proof.json", *files)
    assert (code, document["root"], document["equity"]) == (ExitCode.OK, root, shown["equity"])
    assert json.loads((tmp_path / "proof.json").read_text()) == document
    assert len(document["proof"]["path"]) == 20


def test_escape_refuses_differences_that_do_not_follow(perp: Run, tmp_path: Path, exchange: Path) -> None:
    first, second, third = differences(perp, exchange, tmp_path)
    code, document, _ = perp("escape", "--account", BOB, first, third)
    assert (code, document["error"]["field"], document["error"]["file"]) == (
        ExitCode.MALFORMED,
        "previous_root",
        str(third),
    )
    text = second.read_text()
    second.write_text(text.replace('"size":"20000"', '"size":"20001"', 1).replace('"nonce":"1"', '"nonce":"2"', 1))
    code, document, _ = perp("escape", "--account", BOB, first, second)
    assert (code, document["error"]["field"]) == (ExitCode.MALFORMED, "root")
    assert perp("escape", "--account", -1, first)[0] == ExitCode.USAGE


def test_escape_proves_that_an_account_is_absent(perp: Run, tmp_path: Path, exchange: Path) -> None:
    files = differences(perp, exchange, tmp_path)
    _, document, _ = perp("escape", "--account", 99, *files)
    assert (document["equity"], document["proof"]["record"]["kind"]) == ("0", "0")


def test_an_account_escapes_from_the_demo_as_the_help_says(perp: Run, tmp_path: Path) -> None:
    """Given the demo, when its configuration and its differences are written, then an account's exit is proved."""
    state, config, diffs = tmp_path / "exchange", tmp_path / "config.json", tmp_path / "diffs"
    perp("demo", "--no-proofs", "--state", state, "--batches", 1)
    shown = perp("show", "--state", state, "--write-config", config)[1]
    assert (shown["name"], len(shown["config_digest"])) == ("demo", 64)
    perp("log", "--state", state, "--diffs", diffs)
    files = sorted(diffs.iterdir())
    code, document, _ = perp("escape", "--config", config, "--account", BOB, *files)
    assert (code, document["root"]) == (ExitCode.OK, shown["root"])
    made = perp("init", "--state", tmp_path / "second", "--config", config)[1]
    assert made["config_digest"] == shown["config_digest"]
    code, document, _ = perp("escape", "--account", BOB, *files)
    expected = f"the configuration of {files[0]}, digest {shown['config_digest']}"
    assert (code, document["error"]["message"].split(" (")[0]) == (
        ExitCode.USAGE,
        f"without --config this is the default exchange; --config takes {expected}",
    )
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('"name": "demo"', '"name": "other"'), encoding="utf-8")
    code, document, _ = perp("escape", "--config", config, "--account", BOB, *files)
    error = document["error"]
    assert (code, error["file"], error["expected"]) == (ExitCode.MALFORMED, str(config), expected)


def test_show_writes_the_configuration_nowhere_else(perp: Run, tmp_path: Path, exchange: Path) -> None:
    before = (exchange / FILE_NAME).read_bytes()
    store, none = exchange / FILE_NAME, tmp_path / "no" / "file"
    assert perp("show", "--state", exchange, "--write-config", store)[0] == ExitCode.USAGE
    assert perp("show", "--state", exchange, "--write-config", none)[0] == ExitCode.USAGE
    assert store.read_bytes() == before
    written = tmp_path / "written.json"
    assert perp("show", "--state", exchange, "account", BOB, "--write-config", written)[0] == ExitCode.OK
    assert written.read_bytes() == (tmp_path / "config.json").read_bytes()


def test_init_takes_a_configuration_and_a_beginning(perp: Run, tmp_path: Path, exchange: Path) -> None:
    with Store.open(exchange) as store:
        number = store.state.get(Exchange, 0).number
        beginning = encode_state(store.state, number, store.commitment.root, store.commitment.config_digest)
        root = digest_to_hex(unpack_digest(store.commitment.root))
    (tmp_path / "state.jsonl").write_bytes(beginning)
    code, document, _ = perp(
        "init", "--state", tmp_path / "x", "--config", tmp_path / "config.json", "--from", tmp_path / "state.jsonl"
    )
    assert (code, document["root"]) == (ExitCode.OK, root)


def test_init_that_fails_leaves_the_file_for_its_configuration(perp: Run, tmp_path: Path, exchange: Path) -> None:
    kept, new = tmp_path / "kept.json", tmp_path / "new.json"
    kept.write_text("precious", encoding="utf-8")
    for file in (kept, new):
        assert perp("init", "--state", exchange, "--write-config", file)[0] == ExitCode.USAGE
    assert kept.read_text(encoding="utf-8") == "precious"
    assert not new.exists()
    assert perp("init", "--state", tmp_path / "x", "--write-config", tmp_path / "no" / "file")[0] == ExitCode.USAGE
    assert not (tmp_path / "x").exists()


def test_init_refuses_a_configuration_that_breaks_a_bound(perp: Run, tmp_path: Path, exchange: Path) -> None:
    assert exchange.is_dir()
    path = tmp_path / "config.json"
    text = encode_config(decode_config(path.read_bytes(), "config"))
    path.write_bytes(text.replace(b'"close_out_ppm": "666667"', b'"close_out_ppm": "0"'))
    code, document, _ = perp("init", "--state", tmp_path / "x", "--config", path)
    assert (code, document["error"]["field"]) == (ExitCode.MALFORMED, "markets[0].close_out_ppm")
    assert not (tmp_path / "x").exists()


def test_a_command_without_an_exchange_says_how_to_make_one(perp: Run, tmp_path: Path) -> None:
    code, document, _ = perp("audit", "--state", tmp_path)
    assert code == ExitCode.USAGE
    assert f"perp init --state {tmp_path}" in document["error"]["message"]


def test_the_tour_of_the_readme_runs(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (root / "README.md").read_text(encoding="utf-8").replace("/tmp/exchange", str(tmp_path / "exchange"))
    tour = [shlex.split(line, comments=True)[1:] for line in text.splitlines() if line.startswith("    ./perp ")]
    ended = {" ".join(words): main(words) for words in tour if str(tmp_path / "exchange") in words}
    said = capsys.readouterr().out
    assert list(ended.values()) == [ExitCode.OK, ExitCode.OK, ExitCode.OK, ExitCode.FALSE, ExitCode.OK]
    assert "account 6: portfolio" in said
    assert "worst scenario" in said
    assert "rejected with NOT_DUE" in said
    assert "deposit: 3,000.00 to account 2: done" in said


def test_every_operation_of_the_demo_is_described(lines: Any, tmp_path: Path) -> None:
    lines("demo", "--no-proofs", "--state", tmp_path)
    code, said = lines("log", "--state", tmp_path)
    assert code == ExitCode.OK
    assert not [line for line in said if "object at" in line or "Traceback" in line]
