"""The vectors: what the archive says is what the reference says, and what the sources give."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import evolve

from perp_cli import __version__
from perp_cli.commands import vectors as vectors_command
from perp_cli.main import main
from perp_cli.output import Output
from perp_reference.conformance.coverage import NEVER_FALSE, NO_BOUNDARY, NOT_MET, covered, is_one_apart, missing
from perp_reference.conformance.fixtures import CASE_ID, Expected, decode_fixture, encode_fixture, sha256
from perp_reference.conformance.release import (
    Vectors,
    build,
    compressed,
    decode_manifest,
    decode_vectors,
    decoy,
    files_of,
    uncompressed,
)
from perp_reference.conformance.release import archive as made
from perp_reference.conformance.scenarios import Sheet, decode_scenario, encode_scenario, fixture_of, read_committed
from perp_reference.conformance.schemas import schemas
from perp_reference.conformance.spec import SPEC_VERSION, spec_digest
from perp_reference.conformance.verify import disagreements
from perp_reference.errors import MalformedInput
from perp_reference.formats.batch import SignedBatch, encode_batch
from perp_reference.formats.config import encode_config
from perp_reference.formats.schemas import schema_text
from perp_reference.formats.signed import Signature, Signed
from perp_reference.formats.state import encode_state
from perp_spec.perpetual.operations import EndBatch, Header, Intent, Withdraw
from perp_spec.perpetual.reasons import Reason
from support.scenes.money import deposit_scene
from support.vectors import sources
from support.vectors.large import SETTLED_MOST
from support.vectors.neighbours import neighbour_scenarios
from support.vectors.witnesses import witness_scenarios


def test_no_case_has_more_collateral_than_is_assumed_of_states(vectors: Vectors) -> None:
    accounts = [
        (case.id, int(account["collateral"]))
        for _, fixture, case in vectors.cases()
        if fixture.rules == "perpetual"
        for account in case.pre.get("account", {}).values()
    ]
    assert len(accounts) > 10_000
    assert [found for found in accounts if abs(found[1]) > SETTLED_MOST] == []


@pytest.mark.proofs  # it takes long, and most of what changes the archive are states of the solver
def test_the_archive_is_what_the_sources_give_byte_by_byte(vectors: Vectors) -> None:
    assert vectors.spec_digest == spec_digest(), "the rules have changed: run perp vectors build"
    assert sha256(build(sources.scenarios(), sources.variants())) == vectors.digest, "run perp vectors build"


def test_the_reference_agrees_with_every_case(vectors: Vectors) -> None:
    assert list(disagreements(vectors)) == []


def test_the_version_of_the_rules_is_that_of_the_distribution() -> None:
    assert __version__ == SPEC_VERSION


def test_every_rule_and_every_reason_is_covered_on_both_sides(vectors: Vectors) -> None:
    found = covered(vectors)
    assert missing(found) == []
    assert sum(sides.ordered for sides in found.values()) > 150
    assert all(len(why) > 20 for why in (*NOT_MET.values(), *NEVER_FALSE.values(), *NO_BOUNDARY.values()))
    assert len(NEVER_FALSE) + len(NO_BOUNDARY) == 1


def test_what_is_not_covered_is_missing(vectors: Vectors) -> None:
    """Given only the cases of cancellations, and of those none whose nonce is one off."""
    own = vectors.fixtures["perpetual/cancel"]
    kept = evolve(own, cases=tuple(case for case in own.cases if "order_stale" not in case.id))
    lines = missing(covered(evolve(vectors, fixtures={"perpetual/cancel": kept})))
    assert "cancel: ORDER_STALE turns between no two cases one unit apart" in lines
    assert "VAULT is met nowhere" in lines
    assert not any(line.startswith("cancel: ORDER_EXPIRED") for line in lines)


def test_an_explanation_of_what_is_met_is_refused(vectors: Vectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NEVER_FALSE, ("cancel", "ORDER_STALE"), "because")
    monkeypatch.setitem(NO_BOUNDARY, ("cancel", "ORDER_EXPIRED"), "because")
    monkeypatch.setitem(NOT_MET, Reason.FROZEN, "because")
    lines = missing(covered(evolve(vectors, fixtures={"perpetual/cancel": vectors.fixtures["perpetual/cancel"]})))
    assert "cancel: ORDER_STALE is false, and is said never to be" in lines
    assert "cancel: ORDER_EXPIRED turns, and is said not to" in lines
    assert "FROZEN is met, and is said not to be" in lines


def test_the_command_says_what_is_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "few.tar.xz"
    file.write_bytes(compressed(build(neighbour_scenarios(), [])))
    code = main(["vectors", "coverage", "--vectors", str(file)])
    shown = capsys.readouterr().out.splitlines()
    assert code == 1
    assert "missing: deposit: FROZEN is never the first false guard" in shown
    assert not any(line.startswith("missing: deposit: VAULT_CAP as a result") for line in shown)


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ({("a",): "4"}, {("a",): "5"}, True),
        ({("a",): "4"}, {("a",): "6"}, False),
        ({("a",): "4"}, {("a",): "4"}, False),
        ({("a",): "4", ("b",): "1"}, {("a",): "5", ("b",): "2"}, False),
        ({("a",): "1", ("b",): "0", ("c",): False}, {}, True),
        ({("a",): "-1"}, {}, True),
        ({("a",): "2"}, {}, False),
        ({("a",): True}, {("a",): False}, False),
        ({("a",): "4", ("d",): "a" * 64}, {("a",): "5", ("d",): "b" * 64}, True),
        ({("d",): "1" * 63 + "1"}, {("d",): "1" * 63 + "2"}, False),
    ],
)
def test_one_apart(first: dict[Any, Any], second: dict[Any, Any], apart: bool) -> None:
    assert is_one_apart(first, second) is apart
    assert is_one_apart(second, first) is apart


def test_decoys_are_wrong_whatever_a_testee_shows(vectors: Vectors) -> None:
    decoys = [case for _, _, case in vectors.cases() if case.id in vectors.decoys]
    assert len(decoys) >= 10
    assert {case.steps[0].expected.reason is None for case in decoys} == {True, False}
    for case in decoys:
        again = decoy(evolve(case, steps=(evolve(case.steps[0], expected=right(case.steps[0].expected)),)))
        assert (again.steps[0].expected.reason is None) == (case.steps[0].expected.reason is None)


def right(wrong: Expected) -> Expected:
    return evolve(wrong, reason="AMOUNT" if wrong.reason is None else None)


@pytest.mark.parametrize("name", schemas())
def test_a_published_schema_is_up_to_date(root: Path, name: str) -> None:
    published = (root / "docs" / "schemas" / name).read_text(encoding="utf-8")
    assert published == schema_text(schemas()[name]), "run python -m perp_reference.conformance.schemas docs/schemas"


def test_fixtures_keep_their_schema_and_round_trip(vectors: Vectors) -> None:
    validator = jsonschema.Draft202012Validator(schemas()["fixture.schema.json"])
    for name in ("perpetual/withdraw", "perpetual/begin_batch", "starkex/withdrawal"):
        data = encode_fixture(vectors.fixtures[name])
        assert list(validator.iter_errors(json.loads(data))) == []
        assert decode_fixture(data, name) == vectors.fixtures[name]


def test_a_changed_archive_is_refused(archive: Path) -> None:
    tar = uncompressed(archive.read_bytes(), "a")
    files = files_of(tar, "a")
    name = "perpetual/cancel.json"
    spoiled = {**files, name: files[name].replace(b'"0"', b'"1"', 1)}
    with pytest.raises(MalformedInput, match=r"a/perpetual/cancel\.json: expected the content sha256:"):
        decode_vectors(made(spoiled), "a")
    with pytest.raises(MalformedInput, match="field files: expected the files of the archive, got others"):
        decode_vectors(made({key: data for key, data in files.items() if key != name}), "a")
    with pytest.raises(MalformedInput, match="expected an xz archive"):
        uncompressed(tar, "a")
    assert made(files) == tar
    assert uncompressed(compressed(tar), "a") == tar


def test_a_fixture_with_another_hash_or_a_case_twice_is_refused(vectors: Vectors) -> None:
    fixture = vectors.fixtures["perpetual/cancel"]
    data = encode_fixture(fixture)
    with pytest.raises(MalformedInput, match="f: field hash: expected sha256:"):
        decode_fixture(data.replace(b'"comment":"', b'"comment":"!', 1), "f")
    twice = encode_fixture(evolve(fixture, cases=(*fixture.cases, fixture.cases[0])))
    with pytest.raises(MalformedInput, match="expected an id of its own"):
        decode_fixture(twice, "f")
    with pytest.raises(MalformedInput, match="field schema: expected one of urn:perpspec:fixture:1"):
        decode_fixture(data.replace(b"fixture:1", b"fixture:2", 1), "f")


@pytest.mark.parametrize("nested", [b"[" * 100_000, b'{"a":' * 100_000, b'{"notes":' + b"[" * 980 + b"]" * 980 + b"}"])
def test_what_is_nested_too_deeply_is_malformed(nested: bytes) -> None:
    with pytest.raises(MalformedInput):
        decode_fixture(nested, "f")
    with pytest.raises(MalformedInput):
        decode_manifest(nested, "f")


@pytest.mark.parametrize("place", ["file", "file/archive.tar.xz", "directory"])
def test_where_an_archive_cannot_be_written_it_is_not_built(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    """And what is there stays: an archive is replaced by a whole one or not at all."""

    def never() -> None:
        raise AssertionError("built before it was known where to")

    monkeypatch.setattr(sources, "scenarios", never)
    (tmp_path / "file").write_bytes(b"here")
    (tmp_path / "directory").mkdir()
    if place == "file":
        with pytest.raises(AssertionError, match="built before"):
            vectors_command.build(tmp_path / "file", Output(as_json=True))
    else:
        code = main(["vectors", "build", "--json", "--vectors", str(tmp_path / place)])
        shown = json.loads(capsys.readouterr().out)["error"]["message"]
        assert (code, shown.split(" cannot be written: ")[1]) == (
            2,
            {"directory": "Is a directory"}.get(place, "File exists"),
        )
    assert (tmp_path / "file").read_bytes() == b"here"


def test_ids_fit_and_say_their_rule(vectors: Vectors) -> None:
    for name, fixture, case in vectors.cases():
        assert CASE_ID.fullmatch(case.id)
        rule = name.partition("/")[2].rpartition("-")[0] or name.partition("/")[2]
        assert case.id.startswith((rule, name.partition("/")[2])), f"{case.id} in {name} of {fixture.rules}"


def test_scenarios_round_trip() -> None:
    scenario = next(sources.scenarios())
    again = decode_scenario(encode_scenario(evolve(scenario, covers=())), "s")
    assert again == evolve(scenario, covers=())


def test_what_fuzzing_wrote_becomes_a_scenario(vectors: Vectors, tmp_path: Path) -> None:
    fixture = vectors.fixtures["perpetual/cancel"]
    file = tmp_path / "found.json"
    file.write_bytes(encode_fixture(fixture))
    found = read_committed(file)
    assert [scenario.id for scenario in found] == [case.id for case in fixture.cases]
    file.write_bytes(encode_scenario(found[0]))
    assert read_committed(file) == [evolve(found[0], level="required", covers=())]


def test_a_witness_in_the_file_formats_becomes_a_scenario(tmp_path: Path) -> None:
    world, _ = deposit_scene()
    own = tmp_path / "margin-on-the-edge"
    own.mkdir()
    (own / "config.json").write_bytes(encode_config(world.state.config))
    (own / "state.jsonl").write_bytes(encode_state(world.state, 1, 0, 0))
    operations = [
        Signed(Withdraw(4, 5, Intent(nonce=1, expiry=2_000_000)), (Signature(bytes(32), bytes(64)),)),
        Signed(Withdraw(4, 5, Intent(nonce=2, expiry=2_000_000)), (None,)),
        Signed(EndBatch(0)),
    ]
    (own / "batch.jsonl").write_bytes(encode_batch(SignedBatch(Header(2, 1_000_010), tuple(operations))))
    [scenario] = witness_scenarios(tmp_path)
    case = fixture_of(Sheet("perpetual", scenario.config, [scenario])).cases[0]
    assert case.id == "witnesses/margin-on-the-edge"
    assert [step.expected.reason for step in case.steps] == [None, None, "BAD_SIGNATURE", None]
