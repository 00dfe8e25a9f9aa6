"""The frame of this rule set: a state of any size, seen from one transaction.

A position is its collateral, the holding that a transaction touches, and sums over any number of other holdings. What
this rule set's records may hold stands here, because its records do not say so themselves.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import attrs

from perp_proofs.smt import frame
from perp_proofs.smt.contracts import implies
from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import absolute, both, indicator
from perp_spec.operation import Shape
from perp_spec.starkex.bounds import (
    AMOUNT_BOUND,
    BALANCE_BOUND,
    HASH_BITS,
    INDEX_BOUND,
    PRICE_BOUND,
    RISK_FACTOR_BOUND,
    RISK_SEGMENT_LAST,
)
from perp_spec.starkex.position import Terms
from perp_spec.starkex.records import Asset, Config, FundingIndex, Holding, IndexRow, OrderState, Position

FIELD_LAST = 2**HASH_BITS - 1
"""A transaction may say any number that an element of the program's field can stand for."""

SIGNED = ("amount", "actual")
"""How the names of those begin that may also be below zero, before a guard says otherwise."""

TOUCHED = "asset"
"""The one asset that a transaction touches, by whatever name a rule takes it."""

SEGMENTS = 3
"""Risk segments of an asset whose terms are looked into; each more is one more choice of a factor."""

BALANCE = (-BALANCE_BOUND, BALANCE_BOUND - 1)
INDEX = (-INDEX_BOUND, INDEX_BOUND - 1)

RANGES: dict[type[Any], dict[str, tuple[int, int]]] = {
    Position: {"collateral": BALANCE},
    Holding: {"balance": BALANCE, "cached_index": INDEX},
    Asset: {"price": (0, PRICE_BOUND - 1), "index": INDEX},
    OrderState: {"fulfilled": (0, AMOUNT_BOUND - 1)},
    Config: {"max_funding_rate": (0, RISK_FACTOR_BOUND - 1)},
    IndexRow: {"known_index": INDEX, "price": (0, PRICE_BOUND - 1)},
    FundingIndex: {"index": INDEX},
}
"""What is stored, inclusive. Every other word is an element of the field."""


@attrs.frozen
class Holdings:
    """What any number of holdings of a position, each with its asset, add up to."""

    pending: Word
    """Collateral they owe since funding was last applied, .32."""
    value: Word
    risk: Word
    held: Word
    indexed: Word
    valued: Word

    def sweep(self, term: Callable[..., Any], _extra: tuple[Any, ...]) -> tuple["Holdings", tuple[Word, ...]]:
        """Apply funding to them all, or leave them."""
        if term.__name__ == "keep_holding":
            return self, (0,)
        if term.__name__ == "asset_terms":
            return attrs.evolve(self, pending=0), (
                self.pending,
                self.value,
                self.risk,
                self.held,
                self.indexed,
                self.valued,
            )
        raise NotImplementedError(f"no contract for a sweep of {term.__name__} over holdings")


def terms_promise(terms: Terms) -> Flag:
    """What the terms of holdings, and so every sum of them, satisfy."""
    return both(
        both(terms.risk >= 0, terms.held >= 0, terms.indexed >= 0, terms.valued >= 0),
        both(terms.indexed <= terms.held, terms.valued <= terms.held),
        implies(terms.held == 0, both(terms.funding == 0, terms.value == 0, terms.risk == 0)),
    )


def asset_terms_contract(reading: SymbolicReading, holding: Holding, asset: Asset) -> tuple[Holding, Terms]:
    """Stands for `asset_terms`: its risk is known only by what it depends on, and by what the terms promise."""
    balance = holding.balance
    risk = reading.apply("risk", (balance, asset.price, indicator(asset.risk_by_balance), *asset.risks), 1)[0]
    occupied = balance != 0
    terms = Terms(
        funding=(asset.index - holding.cached_index) * balance,
        value=balance * asset.price,
        risk=risk,
        held=indicator(occupied),
        indexed=indicator(both(occupied, asset.indexed)),
        valued=indicator(both(occupied, asset.rated, absolute(balance) < BALANCE_BOUND)),
    )
    reading.promise(terms_promise(terms), "asset_terms")
    return Holding(balance, asset.index), terms


OPAQUE = {"asset_terms": asset_terms_contract}


class StarkexStage(frame.Stage):
    """How this rule set's records are made, whatever a word is."""

    def record(self, kind: type[Any], name: str) -> Any:
        """A record with every field in its range."""
        values: dict[str, Any] = {}
        if kind is Asset and "[" not in name:
            name = TOUCHED
        for attribute in attrs.fields(kind):
            path = f"{name}.{attribute.name}"
            if attrs.has(attribute.type):
                values[attribute.name] = self.record(attribute.type, path)
            elif attribute.type is bool:
                values[attribute.name] = self.flag(path)
            elif attribute.type is int:
                low = -FIELD_LAST if attribute.name.startswith(SIGNED) else 0
                values[attribute.name] = self.word(path, *RANGES.get(kind, {}).get(attribute.name, (low, FIELD_LAST)))
        if kind is Asset:
            values |= self.segments(name)
        return kind(**values)

    def segments(self, name: str) -> dict[str, tuple[Any, ...]]:
        """Risk segments of an asset, bounds rising."""
        bounds = [self.word(f"{name}.upper_bounds[{place}]", 0, RISK_SEGMENT_LAST) for place in range(SEGMENTS - 1)]
        risks = [self.word(f"{name}.risks[{place}]", 1, RISK_FACTOR_BOUND - 1) for place in range(SEGMENTS)]
        rising = [*bounds, RISK_SEGMENT_LAST]
        for first, second in pairwise(rising):
            self.assume(first < second, "the bounds of risk segments rise")
        return {"upper_bounds": tuple(rising), "risks": tuple(risks)}


class Symbolic(StarkexStage, frame.Symbolic):
    """All states."""

    def many(self, shape: Shape, name: str) -> Holdings:
        """Any number of holdings."""
        assert shape is Shape.HELD, shape
        words = Terms(*(self.rest(f"{name}.{field}") for field in Terms._fields))
        self.reading.promise(terms_promise(words), "the sums over a position's other holdings")
        return Holdings(*words)


class Few(Symbolic):
    """All states whose positions have this many other holdings: where counterexamples are sought."""

    def __init__(self, reading: SymbolicReading, others: int) -> None:
        super().__init__(reading)
        self.others = others

    def many(self, shape: Shape, name: str) -> Any:  # noqa: ARG002
        """The other holdings, each with its asset."""
        return listed(self, name, self.others)


class Concrete(StarkexStage, frame.Concrete):
    """One such state, in plain integers."""

    def many(self, shape: Shape, name: str) -> Any:  # noqa: ARG002
        """The other holdings, each with its asset."""
        return listed(self, name, (self.words or {}).get(OTHERS, 0))


OTHERS = "other holdings"
"""Stands, among the known words of a state, for how many other holdings a position has."""


def listed(stage: StarkexStage, name: str, count: int) -> tuple[tuple[Holding, Asset], ...]:
    """So many holdings, each joined with its asset."""
    return tuple(
        (stage.record(Holding, f"{name}[{place}]"), stage.record(Asset, f"{name}[{place}].asset"))
        for place in range(count)
    )


def rejoined(before: Any, after: Any) -> Any:
    """Holdings as stored, joined with their assets as loaded."""
    if not isinstance(before, tuple):
        return after
    pairs: Iterator[tuple[tuple[Holding, Asset], Holding]] = zip(before, after, strict=True)
    return tuple((holding, asset) for (_, asset), holding in pairs)


def due(holding: Holding, asset: Asset) -> Word:
    """Collateral a holding owes since funding was last applied, .32."""
    return (asset.index - holding.cached_index) * holding.balance


def pending(holdings: Any) -> Word:
    """Collateral other holdings owe since funding was last applied, .32."""
    return sum(due(*item) for item in holdings) if isinstance(holdings, tuple) else holdings.pending
