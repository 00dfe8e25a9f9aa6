"""Digests of operations, headers and configurations. docs/encoding.md is the specification.

Digests are packed integers, as the rules carry them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from perp_hash.digest import DIGEST_ELEMENTS, bytes_elements, compress, hash_elements, pack_digest, unpack_digest
from perp_hash.poseidon import DEFAULT_SUITE
from perp_hash.tags import Tag
from perp_reference.core.encoding import EncodingError, record_elements
from perp_reference.core.tree import PYTHON_HASHER, ZERO, Hasher, packed
from perp_spec.perpetual.codes import OPERATION_CODES
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.layout import LAYOUT_VERSION, TREES
from perp_spec.perpetual.operations import Header

NO_OPERATIONS = 0
"""The chain of operations before the first one."""

LENGTH_BYTES = 4
"""Bytes of the length of a text and of the count of a list."""


def operation_elements(operation: Any) -> list[int]:
    """The elements an operation is hashed as: the number of its kind, then those of the record.

    Raises:
        EncodingError: It is no operation, or a value of it is outside its range.
    """
    code = OPERATION_CODES.get(type(operation))
    if code is None:
        raise EncodingError(f"no operation: {operation!r}")
    return [code, *record_elements(operation)]


def operation_digest(operation: Any) -> int:
    """The digest of an operation. Raises EncodingError as operation_elements."""
    return pack_digest(hash_elements(Tag.OPERATION, operation_elements(operation)))


def chain(previous: int, digest: int) -> int:
    """The chain of operations up to one of them, from the chain before it and its digest.

    Raises:
        ValueError: An integer packs no digest.
    """
    return pack_digest(compress(Tag.OPERATION_CHAIN, unpack_digest(previous), unpack_digest(digest)))


def operations_digest(operations: Iterable[Any], hasher: Hasher = PYTHON_HASHER) -> int:
    """The chain of operations of a batch up to the last of them, `NO_OPERATIONS` for none.

    Raises:
        EncodingError: One is no operation, or a value of it is outside its range.
    """
    link = ZERO
    for digest in hasher.hash_runs(Tag.OPERATION, [operation_elements(operation) for operation in operations]):
        link = hasher.compress(Tag.OPERATION_CHAIN, link + digest)
    return packed(link)


def header_digest(header: Header) -> int:
    """The digest of the header of a batch. Raises EncodingError if a value is outside its range."""
    return pack_digest(hash_elements(Tag.BATCH_HEADER, record_elements(header)))


def config_digest(config: Config) -> int:
    """The digest of a configuration and of everything else that fixes what a state means.

    Raises:
        EncodingError: A number is outside its range, or a text has no UTF-8 form.
    """
    return pack_digest(hash_elements(Tag.CONFIG, config_elements(config)))


def config_elements(config: Config) -> list[int]:
    """The elements a configuration is hashed as: a head, the parameters, each market, the texts.

    All but the texts fill whole blocks, so that each starts at a place known from the head. Raises EncodingError as
    config_digest.
    """
    heights = [tree.height for tree in TREES]
    elements = whole_blocks([LAYOUT_VERSION, len(config.markets), *heights])
    elements += whole_blocks(record_elements(config.parameters))
    for entry in config.markets:
        elements += whole_blocks(record_elements(entry.market))
    return [*elements, *bytes_elements(config_texts(config))]


def whole_blocks(elements: Sequence[int]) -> list[int]:
    """Elements with zeros behind them up to a multiple of eight."""
    return [*elements, *(0,) * (-len(elements) % DIGEST_ELEMENTS)]


def config_texts(config: Config) -> bytes:
    """The texts of a configuration as bytes, the names of the hash suite and of the rule set among them.

    Raises:
        EncodingError: A text has no UTF-8 form.
    """
    texts = [DEFAULT_SUITE.identifier, PERPETUAL.name, config.name, config.governance_key, config.fees_key]
    for entry in config.markets:
        texts += entry.symbol, entry.lot
    written = [text_bytes(text) for text in texts]
    written.append(len(config.oracle_keys).to_bytes(LENGTH_BYTES, "little"))
    for family in config.oracle_keys:
        written.append(len(family).to_bytes(LENGTH_BYTES, "little"))
        written += [text_bytes(key) for key in family]
    return b"".join(written)


def text_bytes(text: str) -> bytes:
    """A text as the number of its bytes and its UTF-8 form.

    Raises:
        EncodingError: It has none.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise EncodingError(f"a text without a UTF-8 form: {text!r}") from None
    return len(data).to_bytes(LENGTH_BYTES, "little") + data
