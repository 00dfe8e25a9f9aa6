"""The recorder: the reading of the rules that writes them down as a program.

Every rule runs once on symbolic values, and what it does with them becomes instructions. A function marked as a table
becomes a table of its own, recorded once and called from everywhere. A first pass learns which types and ranges the
arguments of each table have over all calls, and which tables are called where their guards are values; passes are
repeated until nothing new is learned, and the last one is the program.

How the language is read:

- Numbers are linear forms, made a value only where something else than a sum, a comparison or a guard needs them.
- Records are their fields, so a call moves only those that the callee uses (`prune`). What a table returns unchanged
  from its arguments, the caller takes from its own.
- Records of the configuration are not moved at all: a table that uses one reads it by its key.
- In an `attempt`, and in a table that is called in one, guards are values: the code of the first false one. What could
  fail to be a word after a false guard is computed from 0 instead, and no table is called there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

from perp_hash.poseidon import DEFAULT_SUITE
from perp_proofs.program.listing import (
    BIT,
    DIGEST_MAX,
    SMALL,
    SMALL_MAX,
    WORD,
    WORD_MAX,
    FieldType,
    Instruction,
    Loop,
    Program,
    Table,
    check_program,
    item_fields,
    loop_instruction,
)
from perp_proofs.program.pruning import prune
from perp_proofs.program.scalars import Frame, Scalars, Scope, range_of
from perp_proofs.program.shapes import (
    RECORDS,
    Node,
    build,
    count_leaves,
    flat,
    item_nodes,
    leaves_of,
)
from perp_proofs.program.terms import Items, Range, RecordingError, Stored, clipped, join_kinds, kind_for
from perp_spec.language import reading_as
from perp_spec.operation import Access, Rule, RuleSet, Shape, key_of
from perp_spec.perpetual import rules
from perp_spec.perpetual.codes import OPERATION_CODES
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.records import Account, Exchange, Ledger, Market, Parameters
from perp_spec.perpetual.rules.batch import begin_batch
from perp_spec.words import MARKETS_MAX, POSITION_SLOTS

assert rules.__all__, "importing the rules registers them"

PASSES_MAX = 40
"""Passes to learn the arguments of all tables. Each widens some type or range, and there are few of them."""

LOOP_LENGTH = {"held": POSITION_SLOTS, "markets": MARKETS_MAX}

RECORDS_ONLY = Program("", "", RECORDS, {})


@dataclass
class Argument:
    """What is known of one input of a table over all its calls. A constant fits any type that holds it."""

    type: str = ""
    low: int = 0
    high: int = 0
    seen: bool = False

    def join(self, kind: str, low: int, high: int) -> bool:
        """Learn of a call; tells whether that is new."""
        before = (self.type, self.low, self.high, self.seen)
        if kind:
            self.type = join_kinds(self.type, kind) if self.type else kind
        if not self.seen:
            self.low, self.high, self.seen = low, high, True
        if low < self.low:
            self.low = -widened(-low)
        if high > self.high:
            self.high = widened(high)
        return (self.type, self.low, self.high, self.seen) != before

    @property
    def input_type(self) -> str:
        """The type to give the input."""
        if self.type in ("", SMALL, WORD):
            fitting = kind_for(self.low, self.high)
            return join_kinds(self.type, fitting) if self.type else fitting
        return self.type


STEPS = (1, 2**13 - 1, SMALL_MAX, 2**39, 2**52, WORD_MAX)


def widened(bound: int) -> int:
    """A bound at least as far out, of few: so that passes which widen each other come to an end."""
    return next(step for step in STEPS if bound <= step)


@dataclass
class Learned:
    """What passes learn of a table: its arguments, and whether its guards must be values."""

    arguments: list[Argument]
    coded: bool = False


Origin = tuple[str, Any]
"""Where a leaf of a table's result is: ("input", which), ("constant", value) or ("result", which)."""


@dataclass
class Done:
    """A recorded table, and how to put together what it returns.

    Attributes:
        roots: Which of the items among its arguments are those that it returns as stored.
        guarded: It, or a table it calls, has guards.
    """

    table: Table
    shape: Node
    roots: list[int]
    origins: list[Origin]
    ranges: list[Range]
    guarded: bool


class Recorder(Scalars):
    """The reading that records."""

    def __init__(self, learned: dict[str, Learned]) -> None:
        super().__init__()
        self.learned = learned
        self.done: dict[str, Done] = {}
        self.shapes: dict[str, Node] = {}
        self.tables: dict[str, Table] = {}

    # Tables

    def known_table(self, function: Callable[..., Any], node: Node, infos: list[FieldType], tokens: int) -> Done:
        """The table of a function, recorded where it is called for the first time in this pass."""
        name = function.__name__
        if self.shapes.setdefault(name, node) != node:
            raise RecordingError(f"{name} is called with arguments of different shapes")
        known = self.learned.setdefault(name, Learned([Argument() for _ in infos]))
        for argument, info in zip(known.arguments, infos, strict=True):
            self.changed |= argument.join(info.type, info.low, info.high)
        if name not in self.done:
            done = self.record_table(function, node, known, [info.name for info in infos], tokens)
            self.done[name] = done
            self.tables[name] = done.table
        done = self.done[name]
        if self.frame.scopes and done.guarded and not known.coded:
            known.coded = self.changed = True
        return done

    def record_table(
        self, function: Callable[..., Any], node: Node, known: Learned, names: list[str], tokens: int
    ) -> Done:
        """Record a function as a table."""
        frame = Frame(function.__name__)
        self.frames.append(frame)
        leaves = [
            self.input(FieldType(name, argument.input_type, argument.low, argument.high))
            for argument, name in zip(known.arguments, names, strict=True)
        ]
        arguments = self.together(node, iter(leaves), iter([Stored(root) for root in range(tokens)]))
        if known.coded:
            frame.scopes.append(Scope())
        done = self.finished(frame, function(*arguments), len(leaves), known.coded)
        self.frames.pop()
        return done

    def input(self, described: FieldType) -> Any:
        """An input of the table."""
        bounds = (described.low, described.high)
        entry = Instruction("input", (described.type,), described.name, (), bounds)
        return self.term(self.frame.emit(entry, (bounds,)))

    def finished(self, frame: Frame, result: Any, inputs: int, coded: bool) -> Done:
        """A table with its results."""
        shape, parts = self.apart(result)
        values: list[int] = []
        if coded:
            code = frame.scopes.pop().code
            frame.guarded |= type(code) is not int
            values.append(self.value(code, SMALL))
            frame.labels.setdefault(values[0], "code")
        origins: list[Origin] = []
        for leaf, name, declared in zip(parts.leaves, parts.names, parts.declared, strict=True):
            value = self.value(leaf, declared.type)
            if type(leaf) in (int, bool):
                origins.append(("constant", leaf))
            else:
                origins.append(("input", value) if value < inputs else ("result", len(values)))
            frame.labels.setdefault(value, name)
            values.append(value)
        table = Table(frame.name, "rule", coded, tuple(frame.instructions), tuple(values), frame.labels)
        ranges = [frame.ranges[value] for value in values]
        return Done(table, shape, [token.root for token in parts.tokens], origins, ranges, frame.guarded)

    def info(self, leaf: Any, name: str, declared: FieldType) -> FieldType:
        """Type (empty for a constant) and range of an argument."""
        if declared.type:
            return declared._replace(name=name)
        kind = "" if type(leaf) is int else self.own_kind(leaf)
        if kind in ("", SMALL, WORD):
            return FieldType(name, kind, *clipped(*range_of(leaf)))
        return FieldType(name, kind, 0, 1 if kind == BIT else DIGEST_MAX)

    # Calls

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """A call of a table. After a false guard of an attempt it is not made."""
        return self.called(function, arguments, self.unfailed, None)

    def call_if(self, flag: Any, function: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> Any:
        """A conditional call."""
        inner: Any = getattr(function, "__wrapped__", None)
        if inner is None:
            raise RecordingError(f"{function.__name__} is called on a condition but is no table")
        if flag is False:
            return otherwise
        return self.called(inner, arguments, flag & self.unfailed, (otherwise,))

    def called(self, function: Callable[..., Any], arguments: tuple[Any, ...], flag: Any, otherwise: Any) -> Any:
        """A call where a flag holds. Elsewhere it is `otherwise`, or anything where there is none."""
        node, parts = self.apart(arguments, tuple(signature(function).parameters))
        infos = [self.info(*of) for of in zip(parts.leaves, parts.names, parts.declared, strict=True)]
        done = self.known_table(function, node, infos, len(parts.tokens))
        table = done.table
        operands = tuple(
            self.value(leaf, entry.types[0]) for leaf, entry in zip(parts.leaves, table.inputs, strict=True)
        )
        instead = self.instead(done, otherwise)
        if flag is True:
            made = Instruction("call", table.result_types, table.name, operands)
        else:
            fallback = [self.value(leaf, kind) for leaf, kind in zip(instead, table.result_types, strict=True)]
            made = Instruction("call_if", table.result_types, table.name, (self.value(flag), *operands, *fallback))
        first = self.frame.emit(made, tuple(done.ranges))
        self.take_guards(done, first)
        replacements = instead[len(instead) - len(done.origins) :]
        leaves: list[Any] = []
        for (kind, which), other in zip(done.origins, replacements, strict=True):
            if kind == "result":
                leaves.append(self.term(first + which))
                continue
            leaf = parts.leaves[which] if kind == "input" else which
            leaves.append(leaf if otherwise is None else self.select(flag, leaf, other))
        return self.together(done.shape, iter(leaves), iter([parts.tokens[root] for root in done.roots]))

    def instead(self, done: Done, otherwise: Any) -> list[Any]:
        """The leaves of a call that is not made."""
        code = [0] if done.table.coded else []
        if otherwise is None:
            return [False if kind == BIT else 0 for kind in done.table.result_types]
        shape, parts = self.apart(otherwise[0])
        if shape != done.shape:
            raise RecordingError(f"{done.table.name} returns another shape than what stands for it")
        return [*code, *parts.leaves]

    def take_guards(self, done: Done, first: int) -> None:
        """Guards of the callee are guards of the caller."""
        if not done.guarded:
            return
        if not done.table.coded:
            self.frame.guarded = True
        elif self.frame.scopes:
            code = self.term(first)
            self.frame.scopes[-1].guard(code == 0, code)
        else:
            self.frame.guarded = True
            self.frame.emit(Instruction("require_done", (), "", (first,)))

    def attempt(self, rule: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> tuple[Any, Any]:
        """A rule whose rejection is a result. Its guards are those of a new scope, its values of this table."""
        outer = self.unfailed
        scope = Scope()
        scope.holds = outer
        self.frame.scopes.append(scope)
        effects = rule(*arguments)
        self.frame.scopes.pop()
        return scope.code, self.select(scope.holds, effects, otherwise)

    # Loops

    def sweep(self, term: Callable[..., Any], items: Any, extra: tuple[Any, ...]) -> Any:
        """A visit of records, storing them and adding up."""
        sums = self.looped("sweep", term, items, None, extra)
        return Stored(items.root), sums

    def total(self, term: Callable[..., Any], items: Any, extra: tuple[Any, ...]) -> Any:
        """A sum over records."""
        return self.looped("total", term, items, None, extra)

    def fold(self, step: Callable[..., Any], items: Any, carry: Any, extra: tuple[Any, ...]) -> Any:
        """A visit of records in order."""
        return Stored(items.root), self.looped("fold", step, items, carry, extra)

    def looped(self, code: str, term: Callable[..., Any], items: Items, carry: Any, extra: tuple[Any, ...]) -> Any:
        """A loop: its sums, or its last carry."""
        function: Callable[..., Any] = getattr(term, "__wrapped__")  # noqa: B009
        if self.frame.scopes:
            raise RecordingError(f"{function.__name__}: a loop in an attempt; put it into a table")
        names = list(signature(function).parameters)
        leaves = item_fields(RECORDS_ONLY, items.source)
        nodes = item_nodes(items.source)
        before, carried = self.apart((carry,) if code == "fold" else (), tuple(names[: code == "fold"]))
        after, others = self.apart(extra, tuple(names[len(before.children) + len(nodes) :]))
        node = Node("tuple", None, (*before.children, *nodes, *after.children))
        infos = [
            *(self.info(*of) for of in zip(carried.leaves, carried.names, carried.declared, strict=True)),
            *(leaf._replace(name=f"item.{leaf.name}") for leaf in leaves),
            *(self.info(*of) for of in zip(others.leaves, others.names, others.declared, strict=True)),
        ]
        done = self.known_table(function, node, infos, 0)
        if done.guarded:
            raise RecordingError(f"{function.__name__}: a guard in a loop")
        summed = done.shape if code == "total" else done.shape.children[1]
        first_sum = len(done.table.results) - count_leaves(summed)
        loop = Loop(
            items.source,
            done.table.name,
            items.skip is not None,
            tuple(range(len(leaves))),
            tuple(range(first_sum)),
            len(carried.leaves),
        )
        ranges = self.sum_ranges(code, items.source, done, first_sum)
        inputs = [entry.types[0] for entry in done.table.inputs]
        kinds = [*inputs[: len(carried.leaves)], *inputs[len(carried.leaves) + len(leaves) :]]
        arguments = [
            self.value(leaf, kind) for leaf, kind in zip((*carried.leaves, *others.leaves), kinds, strict=True)
        ]
        made = loop_instruction(code, loop, done.table.result_types[first_sum:], (*self.fixed(items), *arguments))
        first = self.frame.emit(made, tuple(ranges))
        results = (self.term(first + at) for at in range(len(ranges)))
        return self.together(summed, results, iter(()))

    def fixed(self, items: Items) -> list[int]:
        """Operands that name the items of a loop."""
        account = [self.value(items.account, SMALL)] if items.source == "held" else []
        skip = [] if items.skip is None else [self.value(items.skip, SMALL)]
        return [*account, self.value(items.count, SMALL), *skip, self.value(items.stores, BIT)]

    def sum_ranges(self, code: str, source: str, done: Done, first: int) -> list[Range]:
        """Ranges of the results of a loop."""
        if code == "fold":
            known = self.learned[done.table.name].arguments
            carried = known[: len(done.ranges) - first]
            for argument, bounds, kind in zip(
                carried, done.ranges[first:], done.table.result_types[first:], strict=True
            ):
                self.changed |= argument.join(kind, *bounds)
            return done.ranges[first:]
        length = LOOP_LENGTH[source]
        ranges = [clipped(length * min(low, 0), length * max(high, 0)) for low, high in done.ranges[first:]]
        for kind, bounds in zip(done.table.result_types[first:], ranges, strict=True):
            if kind == SMALL != kind_for(*bounds):
                raise RecordingError(f"{done.table.name}: a sum of small numbers that is not small")
        return ranges

    # Operations

    def record_operation(self, rule: Rule) -> None:
        """Record the rule of an operation: loads, the rule itself, stores."""
        frame = Frame(rule.name)
        self.frames.append(frame)
        operation = build(rule.operation, iter([self.input(leaf) for leaf in leaves_of(rule.operation)]))
        counts: dict[int, Any] = {}
        loaded = [self.loaded(access, operation, counts, root) for root, access in enumerate(rule.footprint)]
        results = rule.function(operation, *loaded)
        storing = [(root, access) for root, access in enumerate(rule.footprint) if access.stores]
        for (root, access), result in zip(storing, results, strict=True):
            self.stored(access, operation, root, result)
        self.frames.pop()
        number = OPERATION_CODES.get(rule.operation, 0)
        self.tables[rule.name] = Table(
            rule.name, "operation", False, tuple(frame.instructions), (), frame.labels, number
        )

    def loaded(self, access: Access, operation: Any, counts: dict[int, Any], root: int) -> Any:
        """What an access loads; `counts` are the slots of the accounts loaded so far, by the value of their id."""
        skip = None if access.skip is None else key_of(access.skip, operation)
        if access.shape is Shape.MARKETS:
            return Items("markets", None, self.config_record(Parameters, None).markets, access.stores, skip, root)
        keys = [key_of(key, operation) for key in access.keys]
        if access.shape is Shape.HELD:
            count = counts[self.value(keys[0], SMALL)]
            return Items("held", keys[0], count, access.stores, skip, root)
        record = access.record
        assert record is not None
        if record in (Parameters, Market):
            return self.config_record(record, keys[0] if keys else None)
        loaded = self.load(record, keys)
        if record is Account:
            counts[self.value(keys[0], SMALL)] = loaded.slots
        return loaded

    def load(self, record: type[Any], keys: list[Any]) -> Any:
        """Load one record of the state."""
        described = RECORDS[record.__name__].fields
        operands = tuple(self.value(key, SMALL) for key in keys)
        read = Instruction("load", tuple(leaf.type for leaf in described), record.__name__, operands)
        first = self.frame.emit(read, tuple((leaf.low, leaf.high) for leaf in described))
        return build(record, (self.term(first + at) for at in range(len(described))))

    def stored(self, access: Access, operation: Any, root: int, result: Any) -> None:
        """Store what a rule returned for an access; loops have stored their records already."""
        if access.shape is not Shape.ONE:
            if not isinstance(result, Stored) or result.root != root:
                raise RecordingError(f"{self.frame.name}: what is returned for its records is not what was swept")
            return
        record = access.record
        assert record is not None
        if type(result) is not record:
            raise RecordingError(f"{self.frame.name}: stores a {type(result).__name__} as {record.__name__}")
        keys = [self.value(key_of(key, operation), SMALL) for key in access.keys]
        self.store(result, keys)

    def store(self, record: Any, keys: list[int]) -> None:
        """Store one record of the state."""
        described = RECORDS[type(record).__name__].fields
        values = [self.value(leaf, of.type) for leaf, of in zip(flat(record), described, strict=True)]
        self.frame.emit(Instruction("store", (), type(record).__name__, (*keys, *values)))

    def record_begin_batch(self) -> None:
        """Record what begins a batch."""
        name = begin_batch.__name__
        frame = Frame(name)
        self.frames.append(frame)
        header = build(Header, iter([self.input(leaf) for leaf in leaves_of(Header)]))
        digests = [leaf for leaf in leaves_of(Header) if leaf.type == "digest"]
        root, config = (
            self.input(leaf._replace(name=given)) for leaf, given in zip(digests, ("root", "config"), strict=True)
        )
        parameters = self.config_record(Parameters, None)
        exchange, ledger = self.load(Exchange, []), self.load(Ledger, [])
        for record in begin_batch(header, root, config, parameters, exchange, ledger):
            self.store(record, [])
        self.frames.pop()
        self.tables[name] = Table(name, "batch", False, tuple(frame.instructions), (), frame.labels)


def record_program(rule_set: RuleSet = PERPETUAL) -> Program:
    """Record the rules of a rule set.

    Raises:
        RecordingError: A rule leaves the language.
    """
    learned: dict[str, Learned] = {}
    for _ in range(PASSES_MAX):
        recorder = Recorder(learned)
        with reading_as(recorder):
            recorder.record_begin_batch()
            for name in sorted(rule_set.rules):
                recorder.record_operation(rule_set.rules[name])
        if not recorder.changed:
            break
    else:
        raise RecordingError("what the tables are called with does not settle")
    program = prune(Program(rule_set.name, DEFAULT_SUITE.identifier, RECORDS, recorder.tables))
    check_program(program)
    return program
