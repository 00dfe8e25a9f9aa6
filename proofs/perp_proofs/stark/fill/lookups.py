"""What all tables look up, counted from their traces: hash steps, ranges, the configuration."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from perp_hash.field import MODULUS
from perp_hash.poseidon import WIDTH
from perp_proofs.air.buses import HASH, RANGE, RANGE_SIZE, RANGE_TOP, TOP_SIZE, config_groups
from perp_proofs.air.state import TWINS
from perp_proofs.air.system import Table
from perp_proofs.air.tape import ADD, COLUMN, CONSTANT, MULTIPLY, ROW, SUBTRACT
from perp_proofs.program.listing import Program
from perp_proofs.stark.fill.columns import Elements, Integers, Trace
from perp_proofs.stark.fill.permutation import permutation_trace

Wide = NDArray[np.uint64]

P = np.uint64(MODULUS)


def node_values(table: Table, trace: Elements, wanted: Iterable[int]) -> dict[int, Wide]:
    """The values of some nodes of a table's tape in every row; those of constants are arrays of one value."""
    nodes, needed = table.tape.nodes, set(wanted)
    for number in range(max(needed, default=-1), -1, -1):
        if number in needed and nodes[number].code in (ADD, SUBTRACT, MULTIPLY):
            needed |= {nodes[number].left, nodes[number].right}
    values: dict[int, Wide] = {}
    for number in sorted(needed):
        code, left, right = nodes[number]
        if code == CONSTANT:
            values[number] = np.array([left % MODULUS], np.uint64)
        elif code == COLUMN:
            values[number] = trace[left].astype(np.uint64)
        elif code == ROW:
            values[number] = np.arange(trace.shape[1], dtype=np.uint64)
        elif code == ADD:
            total = values[left] + values[right]
            values[number] = np.minimum(total, total - P)
        elif code == SUBTRACT:
            total = values[left] + P - values[right]
            values[number] = np.minimum(total, total - P)
        else:
            values[number] = values[left] * values[right] % P
    return values


def messages(table: Table, trace: Elements, tag: int) -> tuple[Wide, Wide]:
    """The numerators and entries of all fractions of a tag, those with numerator 0 left out: [n] and [n, entries]."""
    found = [fraction for fraction in table.fractions if fraction.tag == tag]
    nodes = {node for fraction in found for node in (fraction.numerator, *fraction.entries)}
    values, rows = node_values(table, trace, nodes), trace.shape[1]
    numerators: list[Wide] = []
    entries: list[Wide] = []
    for fraction in found:
        numerator = np.broadcast_to(values[fraction.numerator], rows)
        used = np.flatnonzero(numerator)
        own = np.empty((used.size, len(fraction.entries)), np.uint64)
        for at, node in enumerate(fraction.entries):
            own[:, at] = np.broadcast_to(values[node], rows)[used]
        numerators.append(numerator[used])
        entries.append(own)
    if not found:
        return np.empty(0, np.uint64), np.empty((0, 0), np.uint64)
    return np.concatenate(numerators), np.concatenate(entries)


def range_counts(tables: Sequence[Table], trace: Trace, tag: int, size: int) -> Integers:
    """How often each value below `size` is looked up. Values that are not below it are not counted."""
    counts: Integers = np.zeros(size, np.int64)
    for table in tables:
        if table.name in trace:
            values = messages(table, trace[table.name], tag)[1].reshape(-1)
            counts += np.bincount(values[values < size].astype(np.int64), minlength=size)[:size]
    return counts


def distinct(states: Elements) -> tuple[Elements, Integers]:
    """Each state once, and how often it is there."""
    factors = np.random.default_rng(1).integers(1, 2**63, WIDTH, dtype=np.uint64) | np.uint64(1)
    keys = states.astype(np.uint64) @ factors
    _, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    if np.array_equal(states[first[inverse]], states):
        return states[first], counts.astype(np.int64)
    rows, counts = np.unique(states, axis=0, return_counts=True)
    return rows, counts.astype(np.int64)


def permutations(tables: Sequence[Table], trace: Trace) -> tuple[Elements, Integers]:
    """The states that are permuted, each once, and how often."""
    found = [messages(table, trace[table.name], HASH)[1] for table in tables if table.name in trace]
    states = np.concatenate([entries[:, :WIDTH].astype(np.uint32) for entries in found if entries.size])
    return distinct(states)


PROVIDERS = {"range": (RANGE, RANGE_SIZE), "range_top": (RANGE_TOP, TOP_SIZE)}


def fill_lookups(program: Program, tables: Sequence[Table], trace: Trace) -> None:
    """Fill the multiplicities of the configuration, the permutation table and the range tables, in this order.

    All other tables are filled; those that are there twice are split now. A lookup that nothing provides is left
    without an answer.
    """
    by_name = {table.name: table for table in tables}
    providers = {*PROVIDERS, "permutation", TWINS["permutation"]}
    others = [table for table in tables if table.name not in providers]
    fill_config(program, by_name, others, trace)
    trace.pop(TWINS["permutation"], None)
    trace["permutation"] = permutation_trace(by_name["permutation"], *permutations(others, trace))
    for name, (tag, size) in PROVIDERS.items():
        trace[name] = (range_counts(others, trace, tag, size) % MODULUS).astype(np.uint32)[None, :]
    for name, rest in TWINS.items():
        split(trace, name, rest)


def split(trace: Trace, name: str, rest: str) -> None:
    """Move what a table has above half of its height into its twin, where a quarter of the height is saved at least."""
    columns = trace[name]
    half = columns.shape[1] // 2
    over = int(columns[0, half:].sum())
    height = 1 << max(over - 1, 0).bit_length()
    if over and 2 * height <= half:
        trace[name] = columns[:, :half].copy()
        trace[rest] = columns[:, half : half + height].copy()


def fill_config(program: Program, by_name: Mapping[str, Table], tables: Sequence[Table], trace: Trace) -> None:
    """Fill the multiplicities of the configuration."""
    providers = {"Parameters": "parameters", "Market": "config_markets"}
    for group, tag in config_groups(program).items():
        name = providers[group.record]
        table, keys = by_name[name], program.records[group.record].keys
        counts: Integers = np.zeros(trace[name].shape[1], np.int64)
        for caller in tables:
            if caller.name != name and caller.name in trace:
                entries = messages(caller, trace[caller.name], tag)[1]
                asked = entries[:, 0].astype(np.int64) if keys and entries.size else np.zeros(len(entries), np.int64)
                counts += np.bincount(asked[asked < counts.size], minlength=counts.size)[: counts.size]
        column = f"multiplicity.{'-'.join(map(str, group.fields))}"
        at = [own.name for own in table.columns].index(column)
        trace[name][at] = counts % MODULUS
