"""The page docs/signed-messages.md says what is signed, byte by byte."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from perp_hash.digest import digest_from_hex, digest_to_hex, pack_digest, unpack_digest
from perp_reference.signing.authorise import ACCOUNT_OF, ORDERS
from perp_reference.signing.keys import KeyPair, verify
from perp_reference.signing.messages import (
    DOMAIN_BYTES,
    INTENTS,
    KINDS,
    OracleReport,
    domain,
    layout,
    operation_message,
    order_message,
    report_message,
    signed_fields,
)
from perp_spec.operation import Shape
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.operations import Intent, OpenAccount, Order, SetKillSwitch, Trade
from perp_spec.perpetual.records import FUND, OrderSlot
from perp_spec.words import Unit

PAGE = (Path(__file__).parents[3] / "docs" / "signed-messages.md").read_text(encoding="utf-8")


def tables() -> dict[str, list[list[str]]]:
    """The rows of the table under each heading that names a message."""
    found: dict[str, list[list[str]]] = {}
    for name, body in re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, flags=re.DOTALL | re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if line[:1] == "|"]
        found[name] = rows[2:]
    return found


def test_the_page_has_every_message() -> None:
    assert list(tables()) == list(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_the_page_has_every_byte(name: str) -> None:
    expected = [["0", str(DOMAIN_BYTES), f"`perpspec:{name}:1` and zeros"]]
    for part in layout(name):
        expected.append([str(part.offset), str(part.size), f"`{part.name}`: {part.field.text}"])  # noqa: PERF401
    assert tables()[name] == expected


def examples() -> dict[str, Any]:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    worked: dict[str, Any] = json.loads(block)
    assert list(worked) == ["seed", "key", "owner", "exchange_id", "examples"]
    return worked


def record_of(kind: type[Any], fields: dict[str, Any]) -> Any:
    values: dict[str, Any] = {}
    for name, field in signed_fields(kind).items():
        text = fields[name]
        if field.unit is Unit.DIGEST:
            values[name] = pack_digest(digest_from_hex(text))
        else:
            values[name] = text if isinstance(text, bool) else int(text)
    return kind(**values)


def message_of(name: str, exchange_id: int, fields: dict[str, Any]) -> bytes:
    first, *others = [record_of(kind, fields) for kind in KINDS[name]]
    if name == "order":
        return order_message(exchange_id, first)
    if name == "oracle_report":
        return report_message(exchange_id, first)
    return operation_message(exchange_id, attrs.evolve(first, intent=others[0]) if others else first)


def test_the_worked_key_is_right() -> None:
    worked = examples()
    pair = KeyPair.from_seed(bytes.fromhex(worked["seed"]))
    assert pair.key.hex() == worked["key"]
    assert digest_to_hex(unpack_digest(pair.owner)) == worked["owner"]


@pytest.mark.parametrize("name", KINDS)
def test_a_worked_message_and_its_signature_are_right(name: str) -> None:
    worked = examples()
    example = worked["examples"][name]
    message = message_of(name, int(worked["exchange_id"]), example["fields"])
    assert message.hex() == "".join(example["message"])
    signature = KeyPair.from_seed(bytes.fromhex(worked["seed"])).sign(message)
    assert signature.value.hex() == example["signature"]
    assert verify(signature, message)


def kinds_and_fields() -> Iterator[tuple[str, type[Any], str]]:
    for name, kinds in KINDS.items():
        for kind in kinds:
            yield from ((name, kind, field) for field in signed_fields(kind))


def other_value(kind: type[Any], field: str, value: Any) -> Any:
    described = signed_fields(kind)[field]
    if described.unit is Unit.FLAG:
        return not value
    return value + 1 if value < described.high else value - 1


@pytest.mark.parametrize(("name", "kind", "field"), list(kinds_and_fields()))
def test_every_field_changes_the_message_where_the_layout_says(name: str, kind: type[Any], field: str) -> None:
    records = {each: each() for each in KINDS[name]}
    before = made(name, 1, records)
    records[kind] = attrs.evolve(records[kind], **{field: other_value(kind, field, getattr(records[kind], field))})
    after = made(name, 1, records)
    (part,) = [part for part in layout(name) if part.name == field]
    changed = [place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert changed
    assert set(changed) <= set(range(part.offset, part.offset + part.size))


def made(name: str, exchange_id: int, records: dict[type[Any], Any]) -> bytes:
    first, *others = records.values()
    if name == "order":
        return order_message(exchange_id, first)
    if name == "oracle_report":
        return report_message(exchange_id, first)
    return operation_message(exchange_id, attrs.evolve(first, intent=others[0]) if others else first)


def test_the_exchange_is_in_every_message() -> None:
    for name, kinds in KINDS.items():
        records = {kind: kind() for kind in kinds}
        assert made(name, 1, records) != made(name, 2, records)
        assert made(name, 1, records)[DOMAIN_BYTES : DOMAIN_BYTES + 8] == (1).to_bytes(8, "little")


def test_no_message_begins_like_one_of_another_kind() -> None:
    names = [domain(name) for name in KINDS]
    assert len(set(names)) == len(names)
    assert {len(name) for name in names} == {DOMAIN_BYTES}
    assert all(name.endswith(b":1\0") or b":1\0" in name for name in names)


def test_the_flag_is_not_signed() -> None:
    assert order_message(1, Order()) == order_message(1, Order(authorised=True))
    for kind in INTENTS:
        assert operation_message(1, kind()) == operation_message(1, kind(intent=Intent(authorised=True)))
    assert operation_message(1, OpenAccount()) == operation_message(1, OpenAccount(authorised=True))


def test_all_that_rules_call_authorised_is_signed() -> None:
    """An operation has an intent, orders, or a flag of its own, or nothing is signed."""
    for rule in PERPETUAL.rules.values():
        own = {attribute.name: attribute.metadata.get("nested") for attribute in attrs.fields(rule.operation)}
        assert ("intent" in own) == (rule.operation in INTENTS), rule.name
        orders = tuple(name for name, kind in own.items() if kind is Order)
        assert orders == ORDERS.get(rule.operation, ()), rule.name


def test_whose_intent_it_is_follows_from_the_order_slot_it_uses() -> None:
    for rule in PERPETUAL.rules.values():
        if rule.operation not in INTENTS:
            continue
        (keys,) = [access.keys for access in rule.footprint if access.shape is Shape.ONE and access.record is OrderSlot]
        if rule.operation is SetKillSwitch:
            assert keys == (FUND, "intent.slot")
        else:
            assert keys == (ACCOUNT_OF[rule.operation], "intent.slot")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (Order(lots=2**63), "not from -9223372036854775807 to 9223372036854775807: 9223372036854775808"),
        (Order(account=-1), "not from 0 to 1048575: -1"),
    ],
)
def test_a_value_out_of_its_range_is_not_signed(order: Order, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        order_message(1, order)


def test_a_digest_that_is_none_is_not_signed() -> None:
    with pytest.raises(ValueError, match="element"):
        operation_message(1, OpenAccount(owner=2**31 - 1))


def test_what_has_no_signature_of_its_own_has_no_message() -> None:
    with pytest.raises(KeyError, match="Trade"):
        operation_message(1, Trade())


def test_an_oracle_report_is_of_one_time() -> None:
    assert report_message(1, OracleReport(time=1)) != report_message(1, OracleReport(time=2))
