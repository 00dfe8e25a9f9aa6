"""The state side of a batch: its tables filled, what the rules say to them, and a check of both by name."""

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from perp_hash.digest import DIGEST_ELEMENTS, pack_digest, step, unpack_digest
from perp_hash.field import MODULUS
from perp_hash.poseidon import DEFAULT_SUITE
from perp_hash.words import word_limbs
from perp_proofs.air.buses import (
    BLOCK,
    CHAIN,
    FREE,
    HASH,
    HEADER,
    RANGE,
    RANGE_SIZE,
    RANGE_TOP,
    TOP_SIZE,
    config_groups,
    memory_tags,
)
from perp_proofs.air.statement import Statement, public_fractions
from perp_proofs.air.system import PublicFraction, Table
from perp_proofs.air.tape import evaluate
from perp_proofs.program.interpreter import Run
from perp_proofs.program.listing import DIGEST, WORD, FieldType, Program
from perp_proofs.program.shapes import CLASSES, CONFIG, RECORDS, build, flat
from perp_proofs.stark.fill.chains import fill_chains
from perp_proofs.stark.fill.columns import Trace
from perp_proofs.stark.fill.lookups import fill_lookups, messages, node_values
from perp_proofs.stark.fill.state import Left, fill_state
from perp_reference.core.batch import Batch, build_batch
from perp_reference.core.commitment import Commitment
from perp_reference.core.digests import operation_elements
from perp_reference.core.machine import rule_of
from perp_reference.core.state import SLOTS_OF, State
from perp_reference.kernels.tree import commitment
from perp_spec.perpetual.config import Config
from support.actions import WEIGHTS
from support.walk import Walk

STRIDE = 1024

STATE_TABLES = (
    *("accounts", "positions", "orders", "markets", "requests", "global"),
    *("nodes", "blocks", "operations", "parameters", "config_markets", "config_texts"),
)
"""Tables of the state that are no more than filled: those of lookups answer, and `_rest` is more of the same."""


def leaves(fields: Sequence[FieldType], values: Sequence[int]) -> list[int]:
    """Values as they travel on buses."""
    found: list[int] = []
    for described, value in zip(fields, values, strict=True):
        if described.type == WORD:
            found += word_limbs(int(value))
        elif described.type == DIGEST:
            found += unpack_digest(value)
        else:
            found.append(int(value))
    return found


@dataclass
class Noted:
    """A state as the memory of a program, which notes every access and what it says on the buses."""

    program: Program
    state: State
    said: list[PublicFraction] = field(default_factory=list[PublicFraction])
    left: dict[tuple[str, tuple[int, ...]], Left] = field(default_factory=dict[tuple[str, tuple[int, ...]], Left])
    time: int = 0

    def place(self, record: str, key: tuple[int, ...]) -> int:
        place = 0
        for part in key:
            place = place * SLOTS_OF.get(CLASSES[record], 0) + part
        return place

    def access(self, record: str, key: tuple[int, ...], before: Sequence[int], after: Sequence[int]) -> None:
        self.time += 1
        fields, tag = self.program.records[record].fields, memory_tags(self.program)[record]
        last = self.left[record, key].time if (record, key) in self.left else 0
        self.said.append(PublicFraction(tag, -1, (*key, last, *leaves(fields, before))))
        self.said.append(PublicFraction(tag, 1, (*key, self.time, *leaves(fields, after))))
        self.left[record, key] = Left(self.time, tuple(after))

    def load(self, record: str, key: tuple[int, ...]) -> list[int]:
        values = [int(leaf) for leaf in flat(self.state.get(CLASSES[record], self.place(record, key)))]
        self.access(record, key, values, values)
        return values

    def store(self, record: str, key: tuple[int, ...], fields: Any) -> None:
        place = self.place(record, key)
        before = [int(leaf) for leaf in flat(self.state.get(CLASSES[record], place))]
        self.access(record, key, before, tuple(fields))
        types = [leaf.type for leaf in RECORDS[record].fields]
        typed = (bool(value) if kind == "bit" else value for kind, value in zip(types, fields, strict=True))
        self.state.put(CLASSES[record], place, build(CLASSES[record], typed))

    def config(self, record: str, key: tuple[int, ...]) -> list[int]:
        found = flat(self.state.market(*key) if CONFIG[CLASSES[record]] else self.state.parameters)
        for group, tag in config_groups(self.program).items():
            if group.record == record:
                fields = self.program.records[record].fields
                asked = leaves([fields[at] for at in group.fields], [found[at] for at in group.fields])
                self.said.append(PublicFraction(tag, 1, (*key, *asked)))
        return found


@dataclass
class Filled:
    """A batch with its tables filled.

    Attributes:
        said: What the rules and the statement add to the buses.
        after: The root of the integer machine's state.
    """

    tables: list[Table]
    trace: Trace
    said: list[PublicFraction]
    statement: Statement
    program: Program

    def copy(self) -> "Filled":
        trace = {name: own.copy() for name, own in self.trace.items()}
        return Filled(self.tables, trace, list(self.said), self.statement, self.program)

    def column(self, table: str, name: str) -> Any:
        """A column of the trace, to be changed."""
        own = next(one for one in self.tables if one.name == table)
        return self.trace[table][[column.name for column in own.columns].index(name)]

    def restate(self, tag: int, entries: tuple[int, ...]) -> None:
        """Have the statement take another message of a tag."""
        at = next(at for at, one in enumerate(self.said) if one.tag == tag and one.numerator == -1)
        self.said[at] = PublicFraction(tag, -1, entries)

    def rechain(self, config: Config, operations: Sequence[Any]) -> None:
        """Have the chain be of other operations, and the statement suit it."""
        chains, digest, _ = fill_chains(self.program, self.tables, config, operations)
        self.trace |= {name: chains[name] for name in ("blocks", "operations")}
        self.restate(CHAIN, (len(operations), 1, *digest))

    def rehash(self) -> None:
        """Fill again what is looked up."""
        providers = {"parameters", "config_markets"}
        for name in providers:
            own = next(one for one in self.tables if one.name == name)
            for at, column in enumerate(own.columns):
                if column.name.startswith("multiplicity"):
                    self.trace[name][at] = 0
        fill_lookups(self.program, self.tables, self.trace)
        count_config(self)

    def faults(self) -> list[str]:
        """The constraints that some row breaks and the tags whose messages do not come to 0, by name."""
        return bus_faults(self.tables, self.trace, self.said)


def bus_faults(tables: Sequence[Table], trace: Trace, said: Sequence[PublicFraction]) -> list[str]:
    """The constraints that some row breaks and the tags whose messages do not come to 0, by name; quick."""
    found: list[str] = []
    sums: Counter[tuple[int, ...]] = Counter()
    for table in tables:
        if table.name not in trace:
            continue
        own = trace[table.name]
        values = node_values(table, own, [constraint.node for constraint in table.constraints])
        found += [
            f"{table.name}: {constraint.name}" for constraint in table.constraints if values[constraint.node].any()
        ]
        for tag in {fraction.tag for fraction in table.fractions}:
            numerators, entries = messages(table, own, tag)
            rows, inverse = np.unique(entries, axis=0, return_inverse=True)
            totals = np.zeros(len(rows), object)
            np.add.at(totals, inverse.reshape(-1), numerators.astype(object))
            for row, total in zip(rows.tolist(), totals, strict=True):
                sums[tag, *row] += int(total)
    for one in said:
        sums[one.tag, *(entry % MODULUS for entry in one.entries)] += one.numerator
    unbalanced = {message[0] for message, total in sums.items() if total % MODULUS}
    return found + [f"bus {tag}" for tag in sorted(unbalanced)]


def count_config(filled: Filled) -> None:
    """Count what was asked of the configuration outside of the tables."""
    named = {table.name: table for table in filled.tables}
    for group, tag in config_groups(filled.program).items():
        name = {"Parameters": "parameters", "Market": "config_markets"}[group.record]
        at = [c.name for c in named[name].columns].index(f"multiplicity.{'-'.join(map(str, group.fields))}")
        for said in filled.said:
            if said.tag == tag:
                filled.trace[name][at, said.entries[0] if name == "config_markets" else 0] += 1


def run_batch(program: Program, state: State, batch: Batch) -> Noted:
    """Run a batch on a state, by the interpreter."""
    noted = Noted(program, state)
    header = [int(leaf) for leaf in flat(batch.header)]
    Run(program, noted).operation("begin_batch", [*header, header[2], header[3]])
    for operation in batch.operations:
        Run(program, noted).operation(rule_of(operation).name, [int(leaf) for leaf in flat(operation)])
    return noted


def said_blocks(operations: Sequence[Any]) -> list[PublicFraction]:
    """The blocks that the operations' rows send."""
    found: list[PublicFraction] = []
    for number, operation in enumerate(operations, 1):
        elements = operation_elements(operation)
        count = -(-len(elements) // DIGEST_ELEMENTS)
        padded = [*elements, *(0,) * (count * DIGEST_ELEMENTS - len(elements))]
        for at in range(count):
            block = padded[at * DIGEST_ELEMENTS : (at + 1) * DIGEST_ELEMENTS]
            found.append(PublicFraction(BLOCK, 1, (number, at, int(at == count - 1), len(elements), *block)))
    return found


def fill_batch(program: Program, tables: list[Table], state: State, batch: Batch) -> Filled:
    """The tables of a batch filled. The state is the one before it, and is left as it is."""
    before: Commitment = commitment(state)
    noted = run_batch(program, state.copy(), batch)
    trace = fill_state(program, tables, state, before, noted.left)
    chains, operations, config = fill_chains(program, tables, state.config, batch.operations)
    trace |= chains
    fill_lookups(program, tables, trace)
    after = commitment(noted.state)
    statement = Statement(
        DEFAULT_SUITE.identifier,
        (0,) * DIGEST_ELEMENTS,
        config,
        unpack_digest(before.root),
        unpack_digest(after.root),
        operations,
        len(batch.operations),
        batch.header.number,
        batch.header.time,
    )
    assert pack_digest(config) == before.config_digest
    public = public_fractions(program, statement)
    header = [PublicFraction(HEADER, -1, one.entries) for one in public if one.tag == HEADER]
    filled = Filled(tables, trace, [*noted.said, *said_blocks(batch.operations), *public, *header], statement, program)
    count_config(filled)
    return filled


def built(state: State, time: int, operations: Iterable[Any]) -> Batch:
    """A batch of operations on a state, which is left as it is after it; rejected ones are left out."""
    return build_batch(state, commitment(state), time, operations)[0]


def random_batch(seed: int, steps: int = 40, tries: int = 20) -> tuple[State, Batch]:
    """A state that a walk has led to, and a batch of random operations on it."""
    walk = Walk(Random(seed), thorough=False)
    walk.leverage()
    for name in walk.rng.choices(NAMES, PARTS, k=steps):
        walk.step(name)
    return next_batch(walk, tries)


def next_batch(walk: Walk, tries: int) -> tuple[State, Batch]:
    """The state before and a batch of operations that a walk comes to next; the walk is after it then."""
    state, before = walk.world.state, walk.world.state.copy()
    names = walk.rng.choices(ACTIONS, k=tries)
    offered = (getattr(walk.actions, name)() for name in names)
    return before, built(state, walk.world.now + 30, (operation for operation in offered if operation is not None))


NAMES, PARTS = zip(*[(name, part) for name, part in WEIGHTS.items() if name != "freeze"], strict=True)
ACTIONS = [name for name in NAMES if name not in ("time", "calm", "hour", "end_batch")]


Said = Counter[tuple[int, ...]]


def said_by(table: Table, values: list[int]) -> tuple[list[str], Said]:
    """What a row says, from the values of its nodes: lookups that nothing can answer, and its messages."""
    found: list[str] = []
    sums: Said = Counter()
    for fraction in table.fractions:
        entries = tuple(values[node] for node in fraction.entries)
        numerator = values[fraction.numerator]
        if fraction.tag in LIMITS:
            found += [f"lookup {entries[0]}"] if entries[0] >= LIMITS[fraction.tag] else []
        elif fraction.tag == HASH and fraction.weight != FREE:
            wrong = numerator and entries[2 * DIGEST_ELEMENTS :] != known_step(entries[:8], entries[8:16])
            found += ["hash"] if wrong else []
        elif numerator:
            sums[fraction.tag, *entries] += numerator
    return found, Counter({message: total % MODULUS for message, total in sums.items() if total % MODULUS})


@functools.lru_cache(10_000)
def known_step(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    """A step of the hash suite; rows that differ in one cell share most of theirs."""
    return step(left, right)


def row_faults(table: Table, said: Said, row: list[int], number: int) -> list[str]:
    """What of a row that is changed can be told to be wrong, whatever else is filled to suit it.

    A constraint that is broken, a lookup that nothing can answer, or another message than the honest row `said`.
    """
    values = evaluate(table.tape, row, number)
    found = [constraint.name for constraint in table.constraints if values[constraint.node]]
    lookups, now = said_by(table, values)
    return [*found, *lookups, *(f"bus {message[0]}" for message in said.keys() ^ now.keys())]


def honest(table: Table, row: list[int], number: int) -> Said:
    """The messages of a row."""
    return said_by(table, evaluate(table.tape, row, number))[1]


LIMITS = {RANGE: RANGE_SIZE, RANGE_TOP: TOP_SIZE}
