"""Records as their leaves: which fields they have, and how values are taken apart and put together again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import attrs

from perp_proofs.program.listing import BIT, DIGEST, LOOP_RECORDS, FieldType, Record
from perp_proofs.program.terms import Items, RecordingError, Stored, Term, kind_for
from perp_spec.perpetual.records import (
    Account,
    Exchange,
    Ledger,
    Market,
    MarketBook,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Parameters,
    Position,
    Queue,
    Request,
)
from perp_spec.words import Field, Unit, fields_of

CONFIG: dict[type[Any], int] = {Parameters: 0, Market: 1}
"""Records of the configuration, and how many parts their key has."""

STATE: dict[type[Any], int] = {
    Exchange: 0,
    Ledger: 0,
    Queue: 0,
    MarketPrice: 1,
    MarketOracle: 1,
    MarketBook: 1,
    Account: 1,
    Position: 2,
    OrderSlot: 2,
    Request: 1,
}
"""Records of the state, and how many parts their key has."""

CLASSES = {kind.__name__: kind for kind in (*CONFIG, *STATE)}


def leaf_type(described: Field) -> str:
    """The type of a field."""
    if described.unit is Unit.FLAG:
        return BIT
    if described.unit is Unit.DIGEST:
        return DIGEST
    return kind_for(described.low, described.high)


def leaves_of(kind: type[Any]) -> Iterator[FieldType]:
    """Yields the fields of a record or an operation, vectors and nested records written out."""
    described = fields_of(kind)
    for attribute in attrs.fields(kind):
        if attribute.name in described:
            one = described[attribute.name]
            names = [attribute.name] if one.count == 1 else [f"{attribute.name}[{at}]" for at in range(one.count)]
            yield from (FieldType(name, leaf_type(one), one.low, one.high) for name in names)
            continue
        inner: type[Any] = attribute.metadata.get("nested") or attribute.metadata["rows"]
        count = attribute.metadata.get("count")
        for at in range(count or 1):
            prefix = attribute.name if count is None else f"{attribute.name}[{at}]"
            yield from (leaf._replace(name=f"{prefix}.{leaf.name}") for leaf in leaves_of(inner))


def build(kind: type[Any], leaves: Iterator[Any]) -> Any:
    """A record or an operation from its leaves, in the order of `leaves_of`."""
    described = fields_of(kind)
    parts: list[Any] = []
    for attribute in attrs.fields(kind):
        if attribute.name in described:
            count = described[attribute.name].count
            parts.append(next(leaves) if count == 1 else tuple(next(leaves) for _ in range(count)))
            continue
        inner: type[Any] = attribute.metadata.get("nested") or attribute.metadata["rows"]
        count = attribute.metadata.get("count")
        rows = tuple(build(inner, leaves) for _ in range(count or 1))
        parts.append(rows[0] if count is None else rows)
    return kind(*parts)


def flat(value: Any) -> list[Any]:
    """The leaves of a record or an operation: the inverse of `build`."""
    if attrs.has(type(value)):
        return [leaf for attribute in attrs.fields(type(value)) for leaf in flat(getattr(value, attribute.name))]
    return [leaf for part in value for leaf in flat(part)] if isinstance(value, tuple) else [value]


def record_of(kind: type[Any]) -> Record:
    """A record class as the program describes it."""
    config = kind in CONFIG
    keys = CONFIG[kind] if config else STATE[kind]
    return Record(kind.__name__, "config" if config else "state", keys, tuple(leaves_of(kind)))


RECORDS = {name: record_of(kind) for name, kind in CLASSES.items()}


@dataclass(frozen=True)
class Node:
    """The shape of a value: how to take it apart into leaves and to put it together again.

    Attributes:
        kind: "leaf", "none", "config", "state", "named", "tuple", "items" or "stored".
        cls: Of a record or a named tuple.
        skips: For items, whether they leave one out.
    """

    kind: str
    cls: Any = None
    children: tuple["Node", ...] = ()
    skips: bool = False


LEAF = Node("leaf")

ANY = FieldType("", "", 0, 0)
"""A leaf of no declared type."""


@dataclass
class Parts:
    """A value taken apart: its leaves with their names and, in a record of the state, their declared types."""

    leaves: list[Any] = field(default_factory=list[Any])
    names: list[str] = field(default_factory=list[str])
    declared: list[FieldType] = field(default_factory=list[FieldType])
    tokens: list[Any] = field(default_factory=list[Any])

    def add(self, leaf: Any, name: str, declared: FieldType = ANY) -> None:
        """Note a leaf."""
        if not isinstance(leaf, Term | int):
            raise RecordingError(f"{name} is a {type(leaf).__name__}")
        self.leaves.append(leaf)
        self.names.append(name)
        self.declared.append(declared)

    def take(self, value: Any, name: str, config: Callable[[Any], Any]) -> Node:
        """Take a value apart; `config` gives the key of a record of the configuration."""
        if value is None:
            return Node("none")
        if isinstance(value, Items):
            return self.take_items(value, name)
        if isinstance(value, Stored):
            self.tokens.append(value)
            return Node("stored")
        if type(value) in CONFIG:
            if CONFIG[type(value)]:
                self.add(config(value), f"{name}.id")
            return Node("config", type(value))
        if attrs.has(type(value)):
            for leaf, declared in zip(flat(value), leaves_of(type(value)), strict=True):
                self.add(leaf, f"{name}.{declared.name}", declared)
            return Node("state", type(value))
        if isinstance(value, tuple | list):
            names: Sequence[str] = getattr(value, "_fields", [str(at) for at in range(len(value))])
            return self.take_tuple(value, names, name, config)
        self.add(value, name)
        return LEAF

    def take_tuple(self, value: Any, names: Sequence[str], name: str, config: Callable[[Any], Any]) -> Node:
        """Take a tuple apart."""
        prefix = f"{name}." if name else ""
        children = [self.take(part, prefix + own, config) for own, part in zip(names, value, strict=True)]
        named = hasattr(value, "_fields")
        return Node("named" if named else "tuple", type(value) if named else None, tuple(children))

    def take_items(self, items: Items, name: str) -> Node:
        """Take what names the items of a loop."""
        self.tokens.append(items)
        if items.source == "held":
            self.add(items.account, f"{name}.account")
        self.add(items.count, f"{name}.count")
        self.add(items.stores, f"{name}.stores")
        if items.skip is not None:
            self.add(items.skip, f"{name}.skip")
        return Node("items", items.source, (), items.skip is not None)


def together(node: Node, leaves: Iterator[Any], tokens: Iterator[Any], config: Callable[[type[Any], Any], Any]) -> Any:
    """The inverse of `Parts.take`; `config` reads a record of the configuration by its key."""
    if node.kind == "leaf":
        return next(leaves)
    if node.kind == "none":
        return None
    if node.kind == "config":
        return config(node.cls, next(leaves) if CONFIG[node.cls] else None)
    if node.kind == "state":
        return build(node.cls, leaves)
    if node.kind == "items":
        account = next(leaves) if node.cls == "held" else None
        count, stores = next(leaves), next(leaves)
        return Items(node.cls, account, count, stores, next(leaves) if node.skips else None, next(tokens).root)
    if node.kind == "stored":
        return Stored(next(tokens).root)
    children = [together(child, leaves, tokens, config) for child in node.children]
    return tuple(children) if node.kind == "tuple" else node.cls(*children)


def count_leaves(node: Node) -> int:
    """How many leaves a value of a shape has."""
    if node.kind == "leaf":
        return 1
    if node.kind == "state":
        return len(list(leaves_of(node.cls)))
    return sum(count_leaves(child) for child in node.children)


def item_nodes(source: str) -> tuple[Node, ...]:
    """The shape of a loop's item: its records, and the configuration of its market."""
    return (*(Node("state", CLASSES[name]) for name in LOOP_RECORDS[source]), Node("config", Market))
