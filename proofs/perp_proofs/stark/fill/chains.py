"""The tables of operations and of the configuration filled."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from perp_hash.digest import DIGEST_ELEMENTS, Digest
from perp_hash.field import MODULUS
from perp_hash.tags import Tag
from perp_proofs.air.buses import config_groups
from perp_proofs.air.chains import END_BATCH, LAST, OPERATION
from perp_proofs.air.layout import MARKETS_MAX
from perp_proofs.air.system import Table
from perp_proofs.program.listing import Program
from perp_proofs.stark.fill.columns import Columns, Elements, Integers, Rows, Trace, Values
from perp_proofs.stark.fill.steps import blocks, chain, repeated, steps
from perp_reference.core.digests import config_elements, operation_elements
from perp_reference.core.encoding import record_values
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.records import Market

ZERO = (0,) * DIGEST_ELEMENTS


def fill_operations(program: Program, operations: Sequence[Any]) -> tuple[dict[str, Columns], Digest]:
    """The tables of blocks and operations, and the chain up to the last operation. There is one at least."""
    elements = [operation_elements(operation) for operation in operations]
    lengths = np.array([len(own) for own in elements], np.int64)
    counts = -(-lengths // DIGEST_ELEMENTS)
    padded = np.zeros((len(elements), int(counts.max()) * DIGEST_ELEMENTS), np.uint32)
    for row, own in zip(padded, elements, strict=True):
        row[: len(own)] = own
    start = np.zeros((len(elements), DIGEST_ELEMENTS), np.uint32)
    start[:, 0] = Tag.OPERATION
    start[:, 1] = lengths
    columns, digests = fill_blocks(padded, lengths, counts, start)
    rows = Columns(len(elements))
    kinds = padded[:, 0].astype(np.int64)
    rows.put("active", 1)
    Values(OPERATION, np.arange(1, len(elements) + 1)).fill(rows, "operation")
    rows.put("kind", kinds)
    distance = kinds - program.tables[END_BATCH].number
    rows.put("ends", (distance == 0).astype(np.int64))
    rows.put("kind.inverse", np.array([pow(int(own), -1, MODULUS) if own else 0 for own in distance], np.int64))
    links = [np.zeros((1, DIGEST_ELEMENTS), np.uint32)]
    for digest in digests:
        links.append(steps(links[-1], digest[None, :], Tag.OPERATION_CHAIN))
    rows.digest("digest", digests)
    rows.digest("before", np.vstack(links[:-1]))
    rows.digest("after", np.vstack(links[1:]))
    return {"blocks": columns, "operations": rows}, tuple(links[-1][0].tolist())


def fill_blocks(elements: Elements, lengths: Integers, counts: Integers, start: Elements) -> tuple[Columns, Elements]:
    """The table of blocks of operations, and their digests: all operations at once block by block."""
    operations, numbers, parts, before, after = [], [], [], [], []
    digests = start.copy()
    for number in range(int(counts.max())):
        own = np.flatnonzero(counts > number)
        block = elements[own, number * DIGEST_ELEMENTS : (number + 1) * DIGEST_ELEMENTS]
        operations.append(own)
        numbers.append(np.full(len(own), number, np.int64))
        parts.append(block)
        before.append(digests[own])
        digests[own] = steps(digests[own], block)
        after.append(digests[own])
    operation, number = np.concatenate(operations), np.concatenate(numbers)
    last = (number == counts[operation] - 1).astype(np.int64)
    columns = Columns(len(operation))
    columns.put("active", 1)
    columns.put("operation", operation + 1)
    columns.put("block", number)
    columns.put("length", lengths[operation])
    columns.put("kind", elements[operation, 0])
    columns.put("first", (number == 0).astype(np.int64))
    columns.put("last", last)
    columns.put("next", np.where(last == 1, LAST, number + 1))
    columns.digest("element", np.vstack(parts))
    columns.digest("before", np.vstack(before))
    columns.digest("after", np.vstack(after))
    return columns, digests


def fill_config(program: Program, config: Config) -> tuple[dict[str, Columns], Digest]:
    """The tables of the configuration but for what is asked of them, and its digest."""
    elements = config_elements(config)
    whole = np.array([*elements, *(0,) * (-len(elements) % DIGEST_ELEMENTS)], np.uint32)[None, :]
    start = repeated((int(Tag.CONFIG), len(elements), *ZERO[2:]), 1)
    digests = np.vstack([start, *chain(start, whole)])
    parameters, columns = Rows(program.records["Parameters"], [record_values(config.parameters)]), Columns(1)
    columns.put("active", 1)
    columns.put("length", len(elements))
    parameters.fill(columns, "parameters")
    count = len(blocks(parameters.elements))
    first = 1 + count
    markets = fill_markets(program, config, digests[first:])
    width = len(blocks(Rows(program.records["Market"], [record_values(Market())]).elements))
    after_markets = first + len(config.markets) * width
    columns.put("markets", len(config.markets))
    columns.put("texts", len(digests) - 1 - after_markets)
    columns.digest("head", digests[1:2])
    for at in range(count):
        columns.digest(f"digest.{at}", digests[2 + at : 3 + at])
    columns.digest("after_markets", digests[after_markets : after_markets + 1])
    columns.digest("config", digests[-1:])
    texts = Columns(len(digests) - 1 - after_markets)
    texts.put("active", 1)
    texts.put("number", np.arange(texts.rows))
    texts.digest("element", whole.reshape(-1, DIGEST_ELEMENTS)[after_markets:])
    texts.digest("before", digests[after_markets:-1])
    texts.digest("after", digests[after_markets + 1 :])
    for group in config_groups(program):
        own = columns if group.record == "Parameters" else markets
        own.put(f"multiplicity.{'-'.join(map(str, group.fields))}", 0)
    filled = {"parameters": columns, "config_markets": markets, "config_texts": texts}
    return filled, tuple(digests[-1].tolist())


def fill_markets(program: Program, config: Config, digests: Elements) -> Columns:
    """The table of the configured markets, from the digest before the first one on; those without one are zeros."""
    configured = [record_values(entry.market) for entry in config.markets]
    absent = [record_values(Market())] * (MARKETS_MAX - len(configured))
    rows, columns = Rows(program.records["Market"], [*configured, *absent]), Columns(MARKETS_MAX)
    columns.put("active", 1)
    columns.put("configured", (np.arange(MARKETS_MAX) < len(configured)).astype(np.int64))
    columns.put("market", np.arange(MARKETS_MAX))
    rows.fill(columns, "market")
    width = len(blocks(rows.elements))
    along = np.zeros((MARKETS_MAX, width + 1, DIGEST_ELEMENTS), np.uint32)
    for market in range(len(configured)):
        along[market] = digests[market * width : (market + 1) * width + 1]
    columns.digest("before", along[:, 0])
    for at in range(width):
        columns.digest(f"digest.{at}", along[:, at + 1])
    return columns


def fill_chains(
    program: Program, tables: Sequence[Table], config: Config, operations: Sequence[Any]
) -> tuple[Trace, Digest, Digest]:
    """The tables of operations and of the configuration; the digests of the operations and of the configuration."""
    of_operations, operations_digest = fill_operations(program, operations)
    of_config, config_digest = fill_config(program, config)
    by_name = {table.name: table for table in tables}
    trace = {name: columns.trace(by_name[name]) for name, columns in (of_operations | of_config).items()}
    return trace, operations_digest, config_digest
