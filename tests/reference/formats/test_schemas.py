import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from perp_reference.conformance.schemas import write_schemas as write_conformance_schemas
from perp_reference.errors import MalformedInput
from perp_reference.formats.batch import OPERATIONS, SignedBatch, decode_draft, encode_batch, encode_draft
from perp_reference.formats.config import decode_config, encode_config
from perp_reference.formats.schemas import schema_text, schemas, write_schemas
from perp_reference.formats.state import DiffHeader, decode_diff, encode_diff
from perp_spec.perpetual.operations import EndBatch, Header

SCHEMAS = schemas()


def validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(SCHEMAS[f"{name}.schema.json"])


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_published_schema_is_up_to_date(root: Path, name: str) -> None:
    published = (root / "docs" / "schemas" / name).read_text(encoding="utf-8")
    assert published == schema_text(SCHEMAS[name]), "run python -m perp_reference.formats.schemas docs/schemas"


def test_no_other_schema_is_published(root: Path, tmp_path: Path) -> None:
    write_schemas(tmp_path)
    write_conformance_schemas(tmp_path)
    assert {path.name for path in (root / "docs" / "schemas").iterdir()} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("schema", "text"),
    [("batch-line", "batch"), ("draft-line", "draft"), ("state-line", "state"), ("diff-line", "diff")],
)
def test_a_schema_accepts_every_line_that_is_written(samples: Any, seed: int, schema: str, text: str) -> None:
    check = validator(schema)
    for line in getattr(samples(seed), f"{text}_text")().splitlines():
        check.validate(json.loads(line))


@pytest.mark.parametrize("seed", range(3))
def test_a_schema_accepts_every_configuration_that_is_written(samples: Any, seed: int) -> None:
    validator("config").validate(json.loads(samples(seed).config_text()))


def test_a_schema_accepts_a_draft_with_nothing_stated() -> None:
    check = validator("draft-line")
    check.validate({"format": "perpspec-draft-1", "time": "0"})
    check.validate({"op": "forced_withdraw", "account": "1"})
    assert not validator("batch-line").is_valid({"op": "forced_withdraw", "account": "1"})


WRONG = (
    *("", "-0", "01", "+1", "1.0", " 1", "x", str(2**63), str(-(2**63)), "9" * 40, "0x1", "٣", "F" * 64, "ff" * 32),
    *(None, True, False, [], {}, ["1"], 1, 0, 1.5, "1", "-1", "63", "64", "true", "00" * 32, "00" * 64, "ab" * 64),
)
"""Values tried in the place of every value: some are right in some places."""


def variants(value: Any) -> list[Any]:
    """Every value that differs from this one in one place."""
    found: list[Any] = []
    if isinstance(value, dict):
        for name, part in value.items():
            found += [{**value, name: other} for other in (*variants(part), *WRONG)]
            found.append({other: kept for other, kept in value.items() if other != name})
            found.append({(f"{other}_" if other == name else other): kept for other, kept in value.items()})
        found.append({**value, "authorised": True})
    if isinstance(value, list):
        for place, part in enumerate(value[:2]):
            found += [[*value[:place], other, *value[place + 1 :]] for other in (*variants(part), *WRONG[::3])]
        found += [value[1:], [*value, *value[:1]]]
    return found


def agree(check: Any, decode: Any, value: Any, before: bytes = b"") -> None:
    """Decoder and schema both accept a value or both refuse it."""
    data = before + json.dumps(value, ensure_ascii=False).encode() + b"\n"
    try:
        decode(data, "f")
    except MalformedInput as error:
        refused = str(error)
    else:
        refused = ""
    assert check.is_valid(value) == (refused == ""), refused or value


@pytest.mark.parametrize("kind", [kind for kind in OPERATIONS.values() if kind is not EndBatch])
def test_schema_and_decoder_agree_on_operations(samples: Any, kind: type[Any]) -> None:
    (header, line, _) = encode_draft(SignedBatch(Header(), (samples(4).signed(kind),))).split(b"\n")
    check = validator("draft-line")
    for value in sampled(variants(json.loads(line))):
        agree(check, decode_draft, value, header + b"\n")


def sampled(values: list[Any]) -> list[Any]:
    """At most about a hundred of the values, from all over."""
    return values[:: len(values) // 100 + 1]


def test_schema_and_decoder_agree_on_headers() -> None:
    line = encode_draft(SignedBatch(Header(), ())).strip()
    for value in variants(json.loads(line)):
        agree(validator("draft-line"), decode_draft, value)


def test_schema_and_decoder_agree_on_records(samples: Any) -> None:
    check = validator("diff-line")
    for place, record in samples(6).changed()[::3]:
        header, line, _ = encode_diff(DiffHeader(), [(place, record)]).split(b"\n")
        for value in sampled(variants(json.loads(line))):
            agree(check, decode_diff, value, header + b"\n")


def test_schema_and_decoder_agree_on_configurations(samples: Any) -> None:
    check = validator("config")
    for value in sampled(variants(json.loads(encode_config(samples(7).config(1))))):
        agree(check, decode_config, value)


def test_the_schema_of_a_batch_knows_its_end(samples: Any) -> None:
    check = validator("batch-line")
    lines = encode_batch(samples(1).batch()).splitlines()
    assert check.is_valid(json.loads(lines[-1]))
    assert not validator("draft-line").is_valid(json.loads(lines[-1]))
