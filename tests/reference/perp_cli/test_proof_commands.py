"""Proving and verifying, as a user does."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import attrs
import pytest

from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_proofs.program.listing import BIT, Instruction, parse_program, program_digest, write_program
from perp_proofs.program.recorder import record_program
from perp_reference.demo import ACTS, Cast, demo_ring
from perp_reference.formats.batch import SignedBatch, encode_draft
from perp_reference.formats.config import encode_config
from perp_reference.store.store import Store
from perp_spec.perpetual.operations import Header

RING = demo_ring()

Run = Callable[..., tuple[int, Any]]


def ran(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    """A command with --json: exit code and document. Nothing is said of progress where there is no terminal."""
    code = main([str(argument) for argument in arguments] + ["--json"])
    written = capsys.readouterr()
    assert code or written.err == ""
    return code, json.loads(written.out)


@pytest.fixture
def perp(capsys: pytest.CaptureFixture[str]) -> Run:
    return lambda *arguments: ran(capsys, *arguments)


class Proved:
    """Two exchanges after the first act of the demo; the second act is a batch file, applied to one, and proved."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.before, self.after = directory / "before", directory / "after"
        self.batch, self.proof, self.again = (directory / name for name in ("batch.jsonl", "proof", "again"))
        self.said: Any = None

    def draft(self, act: int) -> Path:
        played = ACTS[act]
        operations = tuple(RING.sign(operation, played.time) for operation in played.operations(Cast.of(RING)))
        path = self.directory / f"draft-{act}.jsonl"
        path.write_bytes(encode_draft(SignedBatch(Header(time=played.time), operations)))
        return path


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> Proved:
    made = Proved(tmp_path_factory.mktemp("proved"))
    for directory in (made.before, made.after):
        assert main(["init", "--state", str(directory)]) == ExitCode.OK
        assert main(["run", str(made.draft(0)), "--state", str(directory)]) == ExitCode.OK
    small = made.draft(2)
    arguments = ["--out", str(made.batch), "--prove", str(made.again)]
    assert main(["run", str(small), "--state", str(made.after), *arguments]) == ExitCode.OK
    assert main(["prove", str(made.batch), "--state", str(made.before), "-o", str(made.proof)]) == ExitCode.OK
    return made


def test_a_proof_is_the_same_before_and_after(proved: Proved) -> None:
    assert proved.proof.read_bytes() == proved.again.read_bytes()


def test_the_exchange_that_a_batch_was_proved_from_is_as_before(perp: Run, proved: Proved) -> None:
    code, document = perp("run", proved.batch, "--state", proved.before)
    assert (code, document["number"]) == (ExitCode.OK, "2")


def test_a_proof_verifies_and_says_what_it_is_about(perp: Run, proved: Proved) -> None:
    code, document = perp("verify", proved.proof)
    assert (code, document["verified"]) == (ExitCode.OK, True)
    assert document["security"]["bits"] >= 100
    assert document["bytes"] == proved.proof.stat().st_size
    statement = document["statement"]
    assert (statement["number"], statement["time"]) == ("2", str(ACTS[2].time))
    assert statement["program_digest"] == program_digest(record_program())
    wanted = [f"{name}={value}" for name, value in statement.items()]
    assert perp("verify", proved.proof, "--statement", *wanted)[0] == ExitCode.OK


def test_another_statement_is_refused(perp: Run, proved: Proved) -> None:
    code, document = perp("verify", proved.proof, "--statement", "number=2", "count=5", f"new_root={'0' * 64}")
    assert (code, document["verified"]) == (ExitCode.FALSE, False)
    said = document["statement"]
    assert document["reasons"] == [
        f"count is {said['count']}, not 5",
        f"new_root is {said['new_root']}, not {'0' * 64}",
    ]


def test_a_statement_that_was_changed_is_refused(perp: Run, proved: Proved, tmp_path: Path) -> None:
    data = bytearray(proved.proof.read_bytes())
    at = data.index(b"\n") + 3
    data[at + data[at - 2] - 1 - 8] ^= 1
    changed = tmp_path / "changed"
    changed.write_bytes(data)
    code, document = perp("verify", changed)
    assert (code, document["verified"]) == (ExitCode.FALSE, False)


def test_a_program_in_a_file_is_verified_against(perp: Run, proved: Proved, tmp_path: Path) -> None:
    """Given the installed program as a file, and one with a bound of another number, then only the first is proved."""
    same, other = tmp_path / "same", tmp_path / "other"
    code, document = perp("program", "-o", same)
    assert (code, document["digest"]) == (ExitCode.OK, program_digest(record_program()))
    assert perp("verify", proved.proof, "--program", same)[0] == ExitCode.OK
    text = same.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "constant | 1000000" in line)
    other.write_text(text.replace(line, line.replace("1000000", "1000001"), 1), encoding="utf-8")
    parse_program(other.read_text(encoding="utf-8"))
    code, document = perp("verify", proved.proof, "--program", other)
    assert (code, document["reasons"]) == (ExitCode.FALSE, ["the statement is about another program"])
    code, document = perp("program", "--diff", other)
    assert [line for line in document["diff"] if line.startswith(("---", "+++"))] == [
        "--- old margin_at",
        "+++ new margin_at",
    ]
    assert perp("program", "--diff", same)[1]["diff"] == []


def test_a_program_that_wraps_around_the_field_is_refused(perp: Run, proved: Proved, tmp_path: Path) -> None:
    """Given a guard that no account passes over the integers, and account 1000 modulo p, then the gate names it."""
    program = record_program()
    freeze = program.tables["freeze"]
    added = (
        Instruction("zero", (BIT,), "", (0,), (2_130_707, -567)),
        Instruction("require", (), "", (len(freeze.types),), (1,)),
    )
    tables = {**program.tables, "freeze": replace(freeze, instructions=(*freeze.instructions, *added))}
    (tmp_path / "wraps").write_text(write_program(replace(program, tables=tables)), encoding="utf-8")
    code, document = perp("verify", proved.proof, "--program", tmp_path / "wraps")
    assert (code, document["verified"]) == (ExitCode.FALSE, False)
    assert document["reasons"][0] == "the program does not pass the no-wrap gate"
    assert document["reasons"][1].startswith("freeze: ")


def test_the_configuration_is_compared_where_it_is_given(perp: Run, proved: Proved, tmp_path: Path) -> None:
    """Given the configuration of the exchange, its digest, another one's, then only the first two are those proved."""
    code, document = perp("verify", proved.proof)
    assert (code, document["config_compared"]) == (ExitCode.OK, False)
    digest = document["statement"]["config_digest"]
    own, other = tmp_path / "own.json", tmp_path / "other.json"
    with Store.open(proved.before) as store:
        config = store.config
    own.write_bytes(encode_config(config))
    other.write_bytes(encode_config(attrs.evolve(config, name="another")))
    for given in (own, digest):
        code, document = perp("verify", proved.proof, "--config", given)
        assert (code, document["config_compared"]) == (ExitCode.OK, True)
    code, document = perp("verify", proved.proof, "--statement", f"config_digest={digest}")
    assert (code, document["config_compared"]) == (ExitCode.OK, True)
    code, document = perp("verify", proved.proof, "--config", other)
    assert code == ExitCode.FALSE
    assert document["reasons"][0].startswith(f"config_digest is {digest}, not ")
    assert perp("verify", proved.proof, "--config", proved.batch)[0] == ExitCode.MALFORMED


@pytest.mark.parametrize("data", [b"", b"perp-proof 1 100\n", b"perp-proof 2 100\n", b"perp-proof 1 99\n", b"{}"])
def test_what_is_no_proof_is_malformed(perp: Run, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    code, document = perp("verify", tmp_path / "file")
    assert code == ExitCode.MALFORMED
    assert document["error"]["expected"] == "the proof of a batch"


def test_less_than_a_hundred_bits_are_not_accepted(perp: Run, proved: Proved) -> None:
    assert perp("verify", proved.proof, "--bits", "99")[0] == ExitCode.USAGE
    code, document = perp("verify", proved.proof, "--bits", "128")
    assert (code, document["verified"]) == (ExitCode.FALSE, False)


def test_a_batch_of_another_state_is_not_proved(perp: Run, proved: Proved, tmp_path: Path) -> None:
    code, document = perp("prove", proved.batch, "--state", proved.after, "-o", tmp_path / "none")
    assert (code, document["invalid"]["reason"]) == (ExitCode.FALSE, "BATCH_NUMBER")
    assert not (tmp_path / "none").exists()


def test_unknown_names_are_usage_errors(perp: Run, proved: Proved) -> None:
    assert perp("verify", proved.proof, "--statement", "root=1")[0] == ExitCode.USAGE
    assert perp("program", "nothing")[0] == ExitCode.USAGE
    assert perp("verify", proved.proof, "--program", proved.batch)[0] == ExitCode.MALFORMED


def test_the_program_shows_what_every_table_costs(perp: Run) -> None:
    code, document = perp("program")
    program = record_program()
    assert (code, document["digest"]) == (ExitCode.OK, program_digest(program))
    assert document["tables"]["trade"]["instructions"] == len(program.tables["trade"].instructions)
    assert document["tables"]["nodes"] == {
        "instructions": 0,
        "columns": 54,
        "constraints": 21,
        "lookups": 0,
        "permutations": 2,
        "messages": 3,
        "cells": 64,
    }
    assert perp("program", "trade")[1]["lines"][0].startswith("operation trade(")


def test_the_written_program_is_canonical(perp: Run, tmp_path: Path) -> None:
    perp("program", "-o", tmp_path / "program")
    text = (tmp_path / "program").read_text(encoding="utf-8")
    assert write_program(parse_program(text)) == text


@pytest.mark.stark_long
def test_the_demo_proves_and_verifies_every_batch(perp: Run) -> None:
    code, document = perp("demo")
    assert code == ExitCode.OK
    assert [proof["number"] for proof in document["proofs"]] == ["1", "2", "3", "4", "5", "6"]
    assert min(proof["bits"] for proof in document["proofs"]) >= 100
    assert set(document["checks"].values()) == {True}
