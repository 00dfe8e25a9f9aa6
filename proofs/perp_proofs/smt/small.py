"""A small exchange: two markets at known prices, accounts with one position besides the touched one, or with none.

Every state of it is one that a machine can hold: what is absent is all zeros, and records at the same key are the same.
Sums over all accounts, such as open interest, are not looked at.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import attrs

from perp_proofs.smt.contracts import implies
from perp_proofs.smt.equivalence import words_of
from perp_proofs.smt.frame import Concrete, Home, Stage, at_home, neighbours
from perp_proofs.smt.home import HOME, NOW, known_words
from perp_proofs.smt.possible import Entry, Loads
from perp_proofs.smt.reading import DIGEST_MAX, SymbolicReading
from perp_proofs.smt.terms import Condition, Flag, negated
from perp_spec.language import both, negate
from perp_spec.operation import Access, Rule, Shape, key_of
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.records import (
    Account,
    Kind,
    Market,
    MarketBook,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Parameters,
    Position,
    Request,
)
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS, fields_of

NARROW = 2**45
"""Words are kept below it where that leaves a state, so that sums of them are words too."""

CONFIGURED = 2
"""Markets of the exchange; the first is the one that an operation names."""

CONFIG = default_config(CONFIGURED)


@attrs.frozen
class Variant:
    """A part of the states of the small exchange."""

    name: str
    words: dict[str, int]
    """Words that are known, by name."""
    company: str | None = ""
    """Accounts hold another position besides the touched one where their name begins so; None: no account does."""
    wide: bool = False
    """Words have their whole range."""
    unconfigured: bool = False
    """The operation names a market that is not configured."""
    unpriced: bool = False
    """The market that the operation names has no price yet."""
    pair: bool = False
    """Accounts of which no position is touched hold one in either market, so that one can hedge the other."""
    holes: bool = False
    """What accounts have besides the touched position is an empty slot."""


TIMED = {"exchange.time": NOW}

TRADED = {name: word for name, word in known_words(1, Kind.CROSS).items() if name.startswith(("op.", "exchange."))}
"""Lots, price and fees of the operation: most of what follows from them is linear."""

VARIANTS = (
    Variant("long", known_words(1, Kind.CROSS)),
    Variant("short", known_words(-1, Kind.PORTFOLIO)),
    Variant("traded", TRADED),
    Variant("traded-alone", TRADED, company=None),
    Variant("fund", TRADED, company="fund"),
    Variant("closing", {**known_words(1, Kind.CROSS), "op.lots": 14}),
    Variant("alone", TIMED, company=None),
    Variant("holes", TIMED, holes=True),
    Variant("free", TIMED),
    Variant("wide", TIMED, wide=True),
    Variant("wide-alone", TIMED, company=None, wide=True),
    Variant("unconfigured", TIMED, company=None, unconfigured=True),
    Variant("pair", TIMED, pair=True),
    Variant("unpriced", TIMED, company=None, unpriced=True),
)
"""In the order in which states are sought in them."""


def variants_of(rule: Rule) -> tuple[Variant, ...]:
    """The variants in which states of a rule are sought: nobody has a position in a market without a price."""
    priced = any(access.record is MarketPrice for access in rule.footprint)
    positions = any(access.record is Position or access.shape is not Shape.ONE for access in rule.footprint)
    whole = any(access.shape is Shape.HELD and access.skip is None for access in rule.footprint)
    return tuple(
        variant
        for variant in VARIANTS
        if (not variant.unpriced or (priced and not positions)) and (not variant.pair or whole)
    )


Loaded = tuple[Any, list[str], list[Any]]
"""An operation, and what its rule takes after it, with the names of its parameters."""


class Small(Stage):
    """What the solver's states of the small exchange and those in integers have in common."""

    neighbour = CONFIG.markets[1].market
    variant: Variant
    accesses: dict[str, Access]

    def record(self, kind: type[Any], name: str) -> Any:
        """A record."""
        if kind is Parameters:
            return CONFIG.parameters
        if self.variant.unconfigured and kind in (Market, MarketPrice, MarketOracle, MarketBook):
            return kind()
        if self.variant.unpriced and kind is MarketPrice:
            ticked_at = self.field(fields_of(MarketPrice)["ticked_at"], f"{name}.ticked_at")
            return attrs.evolve(at_home(self, MarketPrice(), name), ticked_at=ticked_at)
        return super().record(kind, name)

    def many(self, shape: Shape, name: str) -> Any:
        """The other position of an account, or the markets that are not touched."""
        if shape is Shape.HELD:
            company = self.variant.company
            if company is None or not name.startswith(company):
                return ()
            if self.variant.holes:
                return self.in_first_market(f"{name}[0]", f"{name}.price")
            if self.variant.pair and self.accesses[name].skip is None:
                return (*self.in_first_market(f"{name}[1]", f"{name}.first"), *neighbours(self, shape, name))
            return neighbours(self, shape, name)
        if self.accesses[name].skip is not None and not self.variant.unconfigured:
            return neighbours(self, shape, name)
        first = (
            at_home(self, HOME[MarketPrice], f"{name}.first"),
            super().record(MarketBook, f"{name}[1]"),
            HOME[Market],
        )
        return (first, *neighbours(self, shape, name))

    def in_first_market(self, position: str, price: str) -> Any:
        """A position in the first market, or an empty slot, which reads price and configuration of that market too."""
        return ((super().record(Position, position), at_home(self, HOME[MarketPrice], price), HOME[Market]),)

    def loads(self, rule: Rule) -> Loaded:
        """An operation of a rule and what it takes."""
        names = [*inspect.signature(rule.function).parameters][1:]
        self.accesses = dict(zip(names, rule.footprint, strict=True))
        return super().loads(rule)


class Sought(Small, Home):
    """States of the small exchange, not known."""

    def __init__(self, reading: SymbolicReading, variant: Variant) -> None:
        super().__init__(reading, variant.words)
        self.variant = variant

    def field(self, described: Any, path: str) -> Any:
        """A field, in a narrower range where that is asked for."""
        if not self.variant.wide and NARROW < described.high < DIGEST_MAX:
            described = attrs.evolve(described, low=max(described.low, -NARROW), high=NARROW)
        return super().field(described, path)

    def loads(self, rule: Rule) -> Loaded:
        """An operation of a rule and what it takes, as a state could hold them."""
        operation, names, loaded = super().loads(rule)
        entries = list(zip(rule.footprint, loaded, strict=True))
        for condition in stored_together(operation, entries, self.variant):
            self.assume(condition, "a state can hold these records")
        held = [record for access, record in entries if access.shape is Shape.HELD and self.variant.holes]
        for position, _, _ in (item for record in held for item in record):
            # Promised, as what is assumed is simplified away: what rules decide of an empty slot is to be seen.
            self.reading.promise(empty(position), "an empty slot")
        for condition in Loads(operation, entries, CONFIG).possible():
            if condition is not True:
                self.assume(condition, "what is kept and assumed of states")
        return operation, names, loaded


class Found(Small, Concrete):
    """One state of the small exchange, in plain integers."""

    def __init__(self, values: dict[str, int | bool], variant: Variant) -> None:
        super().__init__(values, variant.words)
        self.variant = variant


# Which records one state can hold


def stored_together(operation: Any, entries: list[Entry], variant: Variant) -> Iterator[Flag]:
    """What must hold of the records of an operation so that a state can hold them at its keys."""
    for access, record in entries:
        keys = [key_of(key, operation) for key in access.keys]
        if access.record in (Market, MarketPrice, MarketBook, MarketOracle):
            yield keys[0] == (CONFIGURED if variant.unconfigured else 0)
        if access.record is Account:
            yield implies(record.kind == Kind.ABSENT, empty(record))
        if access.record in (Position, OrderSlot, Request):
            for account in accounts_at(operation, entries, keys[0]):
                yield implies(account.kind == Kind.ABSENT, empty(record))
        if access.record is Position:
            yield implies(record.size == 0, empty(record))
            yield record.market < CONFIGURED
            for account in accounts_at(operation, entries, keys[0]):
                yield implies(negate(record.size == 0), keys[1] < account.slots)
        if access.shape is Shape.HELD:
            yield from slots_counted(operation, entries, access, record, variant)
    yield from equal_where_the_same(operation, entries)
    known: dict[int, MarketPrice] = {}
    for number, price in prices_of(entries, variant):
        yield equal(known.setdefault(number, price), price)


def accounts_at(operation: Any, entries: list[Entry], number: Any) -> Iterator[Any]:
    """The accounts that are loaded at a key."""
    for access, record in entries:
        if access.record is Account and (key_of(access.keys[0], operation) == number) is True:
            yield record


def slots_counted(operation: Any, entries: list[Entry], access: Access, held: Any, variant: Variant) -> Iterator[Flag]:
    """The count of slots is that of the positions that are loaded: they are in the slots 0 and 1."""
    number = key_of(access.keys[0], operation)
    for number_of_market, (position, _, _) in zip(range(CONFIGURED)[-len(held) :], held, strict=False):
        if not variant.holes:
            yield both(negate(position.size == 0), position.market == number_of_market)
    for account in accounts_at(operation, entries, number):
        yield from (account.kind >= Kind.CROSS for _ in held)
        if access.skip is None:
            yield account.slots == len(held)
            continue
        skip = key_of(access.skip, operation)
        yield both(skip <= len(held), account.slots <= len(held) + 1, account.slots >= 2 * len(held) - skip)
    for other, touched in entries:
        if held and other.record is Position and (key_of(other.keys[0], operation) == number) is True:
            yield touched.market == 0


def prices_of(entries: list[Entry], variant: Variant) -> Iterator[tuple[int, MarketPrice]]:
    """The prices that are loaded, with the numbers of their markets."""
    for access, record in entries:
        if access.record is MarketPrice:
            yield (CONFIGURED if variant.unconfigured else 0), record
        elif access.shape is Shape.HELD:
            numbers = range(CONFIGURED)[-len(record) :] if record and not variant.holes else (0,)
            yield from ((number, price) for number, (_, price, _) in zip(numbers, record, strict=False))
        elif access.shape is Shape.MARKETS:
            numbers = range(CONFIGURED)[-len(record) :]
            yield from ((number, price) for number, (price, _, _) in zip(numbers, record, strict=True))


def equal_where_the_same(operation: Any, entries: list[Entry]) -> Iterator[Flag]:
    """Records at equal keys are equal, and so are the other positions of equal accounts."""
    for place, (first, one) in enumerate(entries):
        for second, other in entries[:place]:
            if first.shape is second.shape and first.record is second.record and first.keys:
                keys = zip(first.keys, second.keys, strict=True)
                same = [key_of(key, operation) == key_of(another, operation) for key, another in keys]
                skips = [key_of(item.skip, operation) for item in (first, second) if item.skip is not None]
                agreed = equal(one, other) if len(skips) < 2 else both(equal(one, other), skips[0] == skips[1])
                yield implies(all_of(same), agreed)


def all_of(flags: Any) -> Flag:
    """Every flag holds."""
    result: Flag = True
    for flag in flags:
        result = result & flag
    return result


def empty(record: Any) -> Flag:
    """Every word of a record is zero."""
    return all_of(negated(value) if is_flag(value) else value == 0 for _, value in words_of("", record))


def is_flag(value: Any) -> bool:
    """A value is a flag, known or not."""
    return isinstance(value, bool | Condition)


def equal(one: Any, other: Any) -> Flag:
    """Two records, or tuples of as many of them, are equal."""
    first, second = list(words_of("", one)), list(words_of("", other))
    return len(first) == len(second) and all_of(a == b for (_, a), (_, b) in zip(first, second, strict=True))


def placed(rule: Rule, operation: Any, loaded: list[Any]) -> Iterator[tuple[type[Any], int, Any]]:
    """Class, key and content of each record that a rule loads from the state, in plain integers.

    And the accounts to which order slots belong, where they are not loaded: governance uses those of the fund.
    """
    owners = [access.keys[0] for access in rule.footprint if access.record is OrderSlot]
    loaded_too = [access.keys[0] for access in rule.footprint if access.record is Account]
    for owner in owners:
        if owner not in loaded_too:
            yield Account, int(key_of(owner, operation)), Account(kind=Kind.CROSS)
    for access, record in zip(rule.footprint, loaded, strict=True):
        keys = [int(key_of(key, operation)) for key in access.keys]
        if access.shape is Shape.HELD:
            skip = -1 if access.skip is None else int(key_of(access.skip, operation))
            for slot, (position, price, _) in zip((slot for slot in (0, 1) if slot != skip), record, strict=False):
                yield Position, keys[0] * POSITION_SLOTS + slot, position
                yield MarketPrice, position.market, price
        elif access.shape is Shape.MARKETS:
            for number, (price, book, _) in zip(range(CONFIGURED)[-len(record) :], record, strict=True):
                yield MarketPrice, number, price
                yield MarketBook, number, book
        elif access.record not in (None, Parameters, Market):
            slots = {Position: POSITION_SLOTS, OrderSlot: ORDER_SLOTS}.get(access.record, 1)
            yield access.record, keys[0] * slots + keys[1] if len(keys) == 2 else (*keys, 0)[0], record
