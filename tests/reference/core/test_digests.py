"""Digests of operations, headers and configurations bind all they are made of."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perp_hash.digest import compress, hash_elements, pack_digest, unpack_digest
from perp_hash.tags import Tag
from perp_reference.core import digests
from perp_reference.core.digests import (
    NO_OPERATIONS,
    chain,
    config_digest,
    config_elements,
    header_digest,
    operation_digest,
    operation_elements,
    operations_digest,
)
from perp_reference.core.encoding import EncodingError, record_elements, record_of_values, record_values
from perp_spec.perpetual.codes import OPERATION_CODES
from perp_spec.perpetual.config import Config, MarketEntry
from perp_spec.perpetual.layout import Shape, pieces_of
from perp_spec.perpetual.operations import EscapeClaim, Freeze, Header, Intent
from perp_spec.perpetual.records import Market, Parameters
from perp_spec.words import Unit

CONFIG = Config(
    name="tiny",
    parameters=Parameters(exchange_id=7, governance=5, markets=2, signers=(3, 3, 0, 0)),
    markets=(MarketEntry("BTC", "0.0001", Market(max_price=9)), MarketEntry("ETH", "0.001", Market(max_price=10))),
    governance_key="ab",
    fees_key="cd",
    oracle_keys=(("01", "02"), ("03",)),
)


def neighbours(record: Any) -> Iterator[tuple[str, Any]]:
    """The record with each of its values changed in turn, as little as possible, and where."""
    values = list(record_values(record))
    for place, piece in enumerate(pieces_of(type(record))):
        value = values[place]
        other = value + 1 if piece.shape is Shape.DIGEST or value < piece.high else value - 1
        changed = [*values[:place], bool(other) if piece.field.unit is Unit.FLAG else other, *values[place + 1 :]]
        yield piece.path, record_of_values(type(record), iter(changed))


def test_every_operation_of_zeros_has_a_digest_of_its_own() -> None:
    found = {operation_digest(kind()) for kind in OPERATION_CODES}
    assert len(found) == len(OPERATION_CODES)


@pytest.mark.parametrize("kind", [*OPERATION_CODES], ids=lambda kind: kind.__name__)
def test_every_value_of_an_operation_changes_its_elements(kind: type[Any]) -> None:
    found = {tuple(operation_elements(other)) for _, other in neighbours(kind())}
    assert len(found) == len(pieces_of(kind))
    assert tuple(operation_elements(kind())) not in found


def test_an_operation_is_hashed_behind_its_number() -> None:
    claim = EscapeClaim(account=9)
    assert operation_elements(claim) == [23, 9]
    assert operation_digest(claim) == pack_digest(hash_elements(Tag.OPERATION, [23, 9]))
    assert operation_elements(Freeze(account=9)) == [22, 9]


def test_what_is_no_operation_has_no_digest() -> None:
    for thing in (Intent(), None, 5):
        with pytest.raises(EncodingError, match=r"^no operation: "):
            operation_digest(thing)


def test_the_chain_is_one_compression_an_operation() -> None:
    operations = [EscapeClaim(account=9), Freeze(account=1), Freeze(account=1)]
    link = NO_OPERATIONS
    for operation in operations:
        link = chain(link, operation_digest(operation))
    assert operations_digest(operations) == link
    assert operations_digest([]) == NO_OPERATIONS
    first = operation_digest(operations[0])
    expected = compress(Tag.OPERATION_CHAIN, unpack_digest(0), unpack_digest(first))
    assert chain(NO_OPERATIONS, first) == pack_digest(expected)


def test_the_chain_binds_order_and_number() -> None:
    first, second = EscapeClaim(account=9), Freeze(account=1)
    chains = [[], [first], [second], [first, second], [second, first], [first, first], [first, second, second]]
    assert len({operations_digest(operations) for operations in chains}) == len(chains)


def test_every_value_of_a_header_changes_its_digest() -> None:
    header = Header(1, 2, 3, 4)
    found = {header_digest(other) for _, other in neighbours(header)}
    assert len(found | {header_digest(header)}) == 5
    assert header_digest(header) == pack_digest(hash_elements(Tag.BATCH_HEADER, record_elements(header)))


def changed_configs(config: Config) -> Iterator[tuple[str, Config]]:
    """The configuration with each of its values changed in turn, and where."""
    for path, parameters in neighbours(config.parameters):
        yield f"parameters.{path}", attrs.evolve(config, parameters=parameters)
    for number, entry in enumerate(config.markets):
        changes = [
            ("symbol", attrs.evolve(entry, symbol=entry.symbol + "x")),
            ("lot", attrs.evolve(entry, lot=entry.lot + "0")),
            *((path, attrs.evolve(entry, market=market)) for path, market in neighbours(entry.market)),
        ]
        for path, changed in changes:
            markets = (*config.markets[:number], changed, *config.markets[number + 1 :])
            yield f"markets[{number}].{path}", attrs.evolve(config, markets=markets)
    for name in ("name", "governance_key", "fees_key"):
        yield name, attrs.evolve(config, **{name: getattr(config, name) + "0"})
    keys = config.oracle_keys
    yield "oracle_keys[0][0]", attrs.evolve(config, oracle_keys=(("04", *keys[0][1:]), *keys[1:]))


def test_every_field_of_a_configuration_changes_its_elements() -> None:
    found = {path: tuple(config_elements(changed)) for path, changed in changed_configs(CONFIG)}
    assert len(set(found.values()) | {tuple(config_elements(CONFIG))}) == len(found) + 1
    # A field that Config or MarketEntry gains must be hashed too, and named above.
    told = {path.partition("[")[0].partition(".")[0] for path in found}
    assert told == {field.name for field in attrs.fields(Config)}
    entry = {path.partition("].")[2].partition("[")[0] for path in found if path.startswith("markets[0].")}
    plain = {field.name for field in attrs.fields(MarketEntry)} - {"market"}
    assert entry == plain | {field.name for field in attrs.fields(Market)}


def test_texts_cannot_be_moved_from_one_to_another() -> None:
    changes = [
        {"oracle_keys": (("01",), ("02", "03"))},
        {"oracle_keys": (("01", "02", "03"), ())},
        {"oracle_keys": (("0102",), ("03",))},
        {"oracle_keys": (("01", "02"), ("03",), ())},
        {"governance_key": "abc", "fees_key": "d"},
        {"name": "tin", "governance_key": "yab"},
        {"markets": CONFIG.markets[:1]},
        {"markets": CONFIG.markets[::-1]},
        {"markets": (*CONFIG.markets, MarketEntry("", "", Market()))},
    ]
    found = {tuple(config_elements(attrs.evolve(CONFIG, **change))) for change in changes}
    assert len(found | {tuple(config_elements(CONFIG))}) == len(changes) + 1


def test_suite_rule_set_layout_and_heights_are_in_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {config_digest(CONFIG)}
    for name, value in [
        ("LAYOUT_VERSION", 2),
        ("TREES", tuple(attrs.evolve(tree, height=tree.height + 1) for tree in digests.TREES)),
        ("PERPETUAL", type("Rules", (), {"name": "perpetual-2"})),
        ("DEFAULT_SUITE", type("Suite", (), {"identifier": "poseidon-koalabear-16-r8-20.v1"})),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(digests, name, value)
            found.add(config_digest(CONFIG))
    assert len(found) == 5


def test_the_digest_of_a_configuration_is_of_its_elements() -> None:
    elements = config_elements(CONFIG)
    assert config_digest(CONFIG) == pack_digest(hash_elements(Tag.CONFIG, elements))
    assert elements[:8] == [1, 2, 20, 11, 6, 20, 0, 0]
    parameters, market = record_elements(CONFIG.parameters), record_elements(CONFIG.markets[0].market)
    assert elements[8 : 8 + len(parameters)] == parameters
    assert elements[64 : 64 + len(market)] == market


def test_a_text_that_is_none_is_refused() -> None:
    with pytest.raises(EncodingError, match=r"^a text without a UTF-8 form: "):
        config_digest(attrs.evolve(CONFIG, name="\ud800"))


@settings(max_examples=20)
@given(texts=st.lists(st.text(max_size=5), min_size=2, max_size=2, unique=True))
def test_other_names_have_other_digests(texts: list[str]) -> None:
    first, second = (tuple(config_elements(attrs.evolve(CONFIG, name=text))) for text in texts)
    assert first != second
