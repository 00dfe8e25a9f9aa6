"""The frame: a state of any size, seen from one operation.

An operation touches a few records. Everything else of an account is in sums over its other positions; everything else
of the exchange does not change, and counts in differences only. A `Symbolic` stage stands for all such states, a
`Concrete` one for a single state with no other positions: a goal runs on both, on the second to replay a
counterexample in plain integers.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import attrs

from perp_proofs.smt.contracts import (
    Held,
    cautious_promise,
    held_promise,
    implies,
    loss_in_range,
    loss_promise,
    pending_of,
    settled_again,
)
from perp_proofs.smt.home import HOME, LOOSE, NEIGHBOUR
from perp_proofs.smt.invariants import (
    cautious_in_range,
    counts_in_range,
    losses_in_range,
    terms_in_range,
    within,
)
from perp_proofs.smt.lemmas import parts_rounded_down_are_no_larger, parts_rounded_up_are_no_larger
from perp_proofs.smt.ranges import Ranges
from perp_proofs.smt.reading import DIGEST_MAX, SymbolicReading, Wide
from perp_proofs.smt.solver import STEPS, Verdict, ask, cone
from perp_proofs.smt.tally import Tally, plain
from perp_proofs.smt.terms import Condition, Division, Flag, Word, atoms_of, key_of, symbol_term, symbols_of
from perp_spec.language import Rejected, attempt, both, indicator, reading_as
from perp_spec.operation import Access, Rule, Shape
from perp_spec.perpetual.health import NO_SUBJECT, Cautious, Terms
from perp_spec.perpetual.records import Market, MarketBook, MarketPrice, Position
from perp_spec.perpetual.rules.batch import WindowTerms
from perp_spec.perpetual.rules.waterfall import Loss
from perp_spec.words import MARKETS_MAX, POSITION_SLOTS, SCENARIOS, WORD_MAX, Unit, fields_of

SMALL_DIGEST = 2**20


class NotReached(Exception):
    """The state does not satisfy what the goal assumes, or the rule rejects the operation in it."""


class Undecided(Exception):
    """A statement wants a comparison decided both ways before it goes on."""

    def __init__(self, atom: Condition) -> None:
        super().__init__(repr(atom))
        self.atom = atom


# Any number of records


class AnyPositions:
    """Any number of positions of an account, each joined with its market's price and configuration."""

    def __init__(self, stage: "Symbolic", name: str, settled: bool = False) -> None:
        self.stage = stage
        self.name = name
        self.settled = settled

    def sums(self, subject: Word, now: Word) -> Held:
        """The sums over the positions as they were loaded."""
        name = f"{self.name}[{key_of(subject)},{key_of(now)}]"
        fixed = ("cash", "dust", "value", "maintenance", "initial", "buffer", "occupied")
        words = {field: self.stage.rest(f"{self.name if field in fixed else name}.{field}") for field in Terms._fields}
        sums = Held(Terms(**words), self.stage.rest(f"{self.name}.pending"))
        self.stage.reading.promise(held_promise(sums), "the sums over an account's other positions")
        if self.stage.ranged:
            self.stage.reading.assume(
                terms_in_range(sums.terms, POSITION_SLOTS), "the sums over an account's other positions"
            )
        return sums

    @property
    def pending(self) -> Word:
        """Micro-atoms the positions owe."""
        return 0 if self.settled else self.stage.rest(f"{self.name}.pending")

    def sweep(self, term: Callable[..., Any], extra: tuple[Any, ...]) -> tuple["AnyPositions", tuple[Word, ...]]:
        """Settle them all."""
        with self.stage.reading.aside():
            return self.settled_sums(term, extra)

    def settled_sums(self, term: Callable[..., Any], extra: tuple[Any, ...]) -> tuple["AnyPositions", tuple[Word, ...]]:
        """The positions settled, and their sums."""
        after = AnyPositions(self.stage, self.name, settled=True)
        if term.__name__ == "position_terms":
            terms = self.sums(*extra).terms
            return after, settled_again(terms) if self.settled else terms
        raise NotImplementedError(f"no contract for a sweep of {term.__name__} over positions")

    def total(self, term: Callable[..., Any], extra: tuple[Any, ...]) -> tuple[Word, ...]:
        """Sum over them all."""
        with self.stage.reading.aside():
            return self.summed(term, extra)

    def summed(self, term: Callable[..., Any], extra: tuple[Any, ...]) -> tuple[Word, ...]:
        """The sums of a term over the positions."""
        if term.__name__ == "scenario_losses":
            losses = tuple(self.stage.rest(f"{self.name}.loss_{place}") for place in range(SCENARIOS))
            if self.stage.ranged:
                in_range = losses_in_range(losses, POSITION_SLOTS)
                self.stage.reading.assume(in_range, "the losses of an account's positions")
            return losses
        if term.__name__ == "cautious_terms":
            terms = self.sums(NO_SUBJECT, *extra).terms
            cautious = Cautious(
                self.stage.rest(f"{self.name}.cautious_value"), self.stage.rest(f"{self.name}.cautious")
            )
            self.stage.reading.promise(cautious_promise(terms, cautious), "the cautious sums of an exit")
            if self.stage.ranged:
                self.stage.reading.assume(cautious_in_range(cautious, terms.occupied), "the cautious sums of an exit")
            return cautious
        raise NotImplementedError(f"no contract for a total of {term.__name__} over positions")

    def fold(self, step: Callable[..., Any], carry: Any, extra: tuple[Any, ...]) -> Any:
        """No rule visits positions in order."""
        raise NotImplementedError(f"no contract for a fold of {step.__name__} over positions")


class AnyMarkets:
    """Any number of markets, each with its price, book and configuration.

    Attributes:
        moved: By how much what was done to them made the pending of all positions grow.
    """

    def __init__(self, stage: "Symbolic", name: str, moved: Word = 0) -> None:
        self.stage = stage
        self.name = name
        self.moved = moved

    def sweep(self, term: Callable[..., Any], extra: tuple[Any, ...]) -> tuple["AnyMarkets", tuple[Word, ...]]:
        """Visit them all."""
        with self.stage.reading.aside():
            return self.swept(term, extra)

    def swept(self, term: Callable[..., Any], extra: tuple[Any, ...]) -> tuple["AnyMarkets", tuple[Word, ...]]:
        """The markets and their sums; the exchange's parameters are the same in every visit."""
        if term.__name__ == "market_window":
            *_, rolled = extra
            counts = self.stage.reading.apply(f"{self.name}.window", (indicator(rolled),), len(WindowTerms._fields), 0)
            sums = WindowTerms(*counts)
            if self.stage.ranged:
                self.stage.reading.assume(counts_in_range(sums), "counts of markets")
            return AnyMarkets(self.stage, self.name), sums
        raise NotImplementedError(f"no contract for a sweep of {term.__name__} over markets")

    def total(self, term: Callable[..., Any], _extra: tuple[Any, ...]) -> Any:
        """No rule sums over markets without storing them."""
        raise NotImplementedError(f"no contract for a total of {term.__name__} over markets")

    def fold(self, step: Callable[..., Any], carry: Any, extra: tuple[Any, ...]) -> tuple["AnyMarkets", Any]:
        """Let them bear a loss, one after the other."""
        with self.stage.reading.aside():
            return self.folded(step, carry, extra)

    def folded(self, step: Callable[..., Any], carry: Any, extra: tuple[Any, ...]) -> tuple["AnyMarkets", Any]:
        """The markets, and the carry behind them."""
        if step.__name__ == "bear_loss":
            count = len(Loss._fields)
            *grown, moved = self.stage.reading.apply(f"{self.name}.loss", (*carry, *extra), count + 1)
            grown = Loss(*grown)
            self.stage.reading.promise(loss_promise(carry, grown, moved), "markets that bear a loss")
            if self.stage.ranged:
                self.stage.reading.assume(loss_in_range(carry, grown, MARKETS_MAX), "markets that bear a loss")
            return AnyMarkets(self.stage, self.name, moved), grown
        raise NotImplementedError(f"no contract for a fold of {step.__name__} over markets")


# One operation


class Stored(NamedTuple):
    """An entry of a footprint with what was loaded and what was stored (the same where nothing is)."""

    name: str
    access: Access
    before: Any
    after: Any


@attrs.frozen
class Scene:
    """One accepted operation: what it says, and each record before and after."""

    rule: Rule
    operation: Any
    entries: tuple[Stored, ...]

    def entry(self, name: str) -> Stored:
        """The entry that the rule's parameter of that name takes."""
        return next(entry for entry in self.entries if entry.name == name)

    def before(self, name: str) -> Any:
        """What the parameter of that name holds."""
        return self.entry(name).before

    def after(self, name: str) -> Any:
        """What is stored for the parameter of that name."""
        return self.entry(name).after

    def stored(self, record: type[Any]) -> Iterator[Stored]:
        """The entries of a record class that are stored."""
        return (entry for entry in self.entries if entry.access.record is record and entry.access.stores)

    def visited(self, shape: Shape) -> Iterator[Stored]:
        """The entries that stand for many records and are stored."""
        return (entry for entry in self.entries if entry.access.shape is shape and entry.access.stores)


def done(function: Callable[..., Any], *arguments: Any) -> int:
    """Run a rule for its guards only."""
    function(*arguments)
    return 0


class Fit(NamedTuple):
    """A word fits."""

    condition: Flag
    guards: int | None
    """How many guards stand before it."""


class Stage:
    """Where a goal gets its values from.

    Attributes:
        ranged: Stored words and sums are in range, and words of a rule that leave it are looked for.
        neighbour: Configuration of the market beside the one that an operation names, where it is known.
    """

    ranged = False
    neighbour = NEIGHBOUR[1]

    def ranges(self) -> None:
        """From now on, look at ranges."""
        self.ranged = True

    def wide(self, function: Callable[..., Any], *arguments: Any) -> tuple[Any, list[Fit]]:
        """Run a rule; what it returns, and what must hold of the words of it that intervals do not bound."""
        raise NotImplementedError

    def word(self, name: str, low: int, high: int) -> Any:
        """A word in a range."""
        raise NotImplementedError

    def flag(self, name: str) -> Any:
        """A flag."""
        raise NotImplementedError

    def many(self, shape: Shape, name: str) -> Any:
        """Any number of records."""
        raise NotImplementedError

    def assume(self, condition: Flag, sentence: str) -> None:
        """Keep to values for which the condition holds."""
        raise NotImplementedError

    def split(self, condition: Flag) -> None:
        """Go on by cases: where the condition holds, and where it does not."""

    def hint(self, first: Word, second: Word) -> None:
        """Remind the solver that the product of two words that are at least 0 is at least 0."""

    def use(self, lemma: Callable[..., Flag], *words: Word) -> None:
        """Remind the solver of what a lemma says of these words; `goals.lemmas` proves it of all words."""

    def tell(self, *words: Word) -> None:
        """Tell the solver what intervals say of words, where they rest on no guard."""

    def perform(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a rule or a part of one, and keep to values for which it rejects nothing."""
        raise NotImplementedError

    def outcome(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """0 where a rule accepts, else the code of its first false guard."""
        result, _ = attempt(done, function, *arguments, otherwise=0)
        return result

    def divided_by(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Run a rule; what it divides by, where that is not a known number."""
        raise NotImplementedError

    def record(self, kind: type[Any], name: str) -> Any:
        """A record with every field in its declared range."""
        values: dict[str, Any] = {}
        for attribute in attrs.fields(kind):
            about, path = attribute.metadata, f"{name}.{attribute.name}"
            if "nested" in about:
                values[attribute.name] = self.record(about["nested"], path)
            elif "rows" in about:
                rows = (self.record(about["rows"], f"{path}[{place}]") for place in range(about["count"]))
                values[attribute.name] = tuple(rows)
            else:
                values[attribute.name] = self.field(about["field"], path)
        return kind(**values)

    def field(self, described: Any, path: str) -> Any:
        """A field in its declared range."""

        def one(path: str) -> Any:
            return self.flag(path) if described.unit is Unit.FLAG else self.word(path, described.low, described.high)

        return one(path) if described.count == 1 else tuple(one(f"{path}[{place}]") for place in range(described.count))

    def loads(self, rule: Rule) -> tuple[Any, list[str], list[Any]]:
        """An operation of a rule, and what the rule takes after it, by name."""
        names = [*inspect.signature(rule.function).parameters][1:]
        loaded = [
            self.many(access.shape, name) if access.record is None else self.record(access.record, name)
            for name, access in zip(names, rule.footprint, strict=True)
        ]
        return self.record(rule.operation, "op"), names, loaded

    def scene(self, rule: Rule, signs: tuple[str, ...] = ()) -> Scene:
        """An accepted operation of a rule; by cases, longs and others, of the positions named."""
        operation, names, loaded = self.loads(rule)
        for name in signs:
            self.split(loaded[names.index(name)].size > 0)
        stored = self.perform(rule.function, operation, *loaded)
        assert len(stored) == sum(access.stores for access in rule.footprint), f"{rule.name} stores what it updates"
        results = iter(stored)
        return Scene(
            rule,
            operation,
            tuple(
                Stored(name, access, before, as_stored(access, next(results)) if access.stores else before)
                for name, access, before in zip(names, rule.footprint, loaded, strict=True)
            ),
        )


class Symbolic(Stage):
    """All states."""

    def __init__(self, reading: SymbolicReading) -> None:
        self.reading = reading

    def word(self, name: str, low: int, high: int) -> Word:
        """A word in a range."""
        return self.reading.word(name, low, high)

    def flag(self, name: str) -> Flag:
        """A flag."""
        return self.reading.flag(name)

    def rest(self, name: str, low: int | None = None) -> Word:
        """A sum over records that are not looked at."""
        return self.reading.word(name, low)

    def outcome(self, function: Callable[..., Any], *arguments: Any) -> Word:
        """0 where a rule accepts, else the code of its first false guard."""
        return self.reading.attempt(done, (function, *arguments), 0)[0]

    def divided_by(self, function: Callable[..., Any], *arguments: Any) -> list[Word]:
        """Run a rule; what it divides by, where that is not a known number."""
        self.perform(function, *arguments)
        return self.divisors()

    def divisors(self) -> list[Word]:
        """What was divided by so far, where it is not a known number."""
        symbols = self.reading.table.symbols
        found = {
            symbol.definition.quotient: symbol.definition
            for symbol in symbols
            if isinstance(symbol.definition, Division)
        }
        return [division.divisor for division in found.values() if not isinstance(division.divisor, int)]

    def many(self, shape: Shape, name: str) -> Any:
        """Any number of records."""
        return AnyPositions(self, name) if shape is Shape.HELD else AnyMarkets(self, name)

    def assume(self, condition: Flag, sentence: str) -> None:
        """Keep to values for which the condition holds."""
        self.reading.assume(condition, sentence)

    def split(self, condition: Flag) -> None:
        """Go on by cases: where the condition holds, and where it does not."""
        for atom in atoms_of(condition):
            raise Undecided(atom)

    def hint(self, first: Word, second: Word) -> None:
        """Remind the solver that the product of two words that are at least 0 is at least 0."""
        with self.reading.knowing_nothing():
            reminder = implies(both(first >= 0, second >= 0), first * second >= 0)
        self.reading.promise(reminder, "a product")

    def ranges(self) -> None:
        """From now on, look at ranges."""
        self.ranged = True
        self.reading.bounds = Ranges(self.reading.table)
        for number, holds in self.reading.table.decisions.items():
            self.reading.bounds.learn(self.reading.table.conditions[number], holds)

    def wide(self, function: Callable[..., Any], *arguments: Any) -> tuple[Any, list[Fit]]:
        """Run a rule; what it returns, and what must hold of the words of it that intervals do not bound."""
        reading = self.reading
        found: dict[Any, Wide] = {}
        reading.wide, reading.quotient = found, self.part
        try:
            results = self.perform(function, *arguments)
        finally:
            reading.wide, reading.quotient = None, None
        with reading.knowing_nothing():
            fits = [Fit(implies(wide.premise, within(wide.word, WORD_MAX)), wide.guards) for wide in found.values()]
        return results, fits

    def part(self, quotient: Word, first: Word, second: Word, divisor: Word, up: bool) -> None:
        """A quotient of a part and a whole is bounded by what it is a part of."""
        reading, interval = self.reading, self.reading.bounds.word(quotient)
        if interval.low is not None and interval.high is not None and max(-interval.low, interval.high) <= WORD_MAX:
            return
        for part, other in ((first, second), (second, first)):
            with reading.aside():
                is_part = both(part >= 0, part <= divisor, divisor >= 1)
            if ask(reading, is_part, STEPS[0], self.known_of(is_part)).verdict is Verdict.PROVED:
                with reading.aside():
                    lemma = parts_rounded_up_are_no_larger if up else parts_rounded_down_are_no_larger
                    self.use(lemma, part, other, divisor)
                whole = reading.bounds.word(other)
                ((monomial, _),) = quotient.monomials.items()
                if isinstance(reading.bounds, Ranges) and whole.low is not None and whole.high is not None:
                    most = max(-whole.low, whole.high, 0)
                    reading.bounds.bounded(monomial[0], -most, most)
                return

    def known_of(self, flag: Flag) -> list[Flag]:
        """What intervals say of the words that a condition depends on."""
        reading, found = self.reading, list[Flag]()
        for number in sorted(cone(reading, symbols_of(flag))):
            if not reading.table.symbols[number].flag:
                interval, word = reading.bounds.symbol(number), symbol_term(reading, number)
                with reading.aside(), reading.knowing_nothing():
                    found += [word >= interval.low] if interval.low is not None else []
                    found += [word <= interval.high] if interval.high is not None else []
        return found

    def use(self, lemma: Callable[..., Flag], *words: Word) -> None:
        """Remind the solver of what a lemma says of these words, also where intervals say it too."""
        instance = lemma(*words)
        if instance is True:
            with self.reading.knowing_nothing():
                instance = lemma(*words)
        self.reading.promise(instance, lemma.__name__)

    def tell(self, *words: Word) -> None:
        """Tell the solver what intervals say of words, where they rest on no guard."""
        assert not self.reading.guards, "guards after a word do not bound it"
        for word in words:
            interval = self.reading.bounds.word(word)
            with self.reading.aside(), self.reading.knowing_nothing():
                low = True if interval.low is None else word >= interval.low
                high = True if interval.high is None else word <= interval.high
            self.reading.promise(both(low, high), "intervals")

    def perform(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a rule; its guards are assumed."""
        try:
            return function(*arguments)
        except Rejected as rejection:
            raise NotReached(rejection.reason.name) from rejection


class Home(Symbolic):
    """All states of one exchange at one time: its configuration and prices are known, and accounts are small.

    Most products are linear there, so a state that breaks a claim is found soon, if there is one of this kind.
    """

    def __init__(self, reading: SymbolicReading, words: dict[str, int]) -> None:
        super().__init__(reading)
        self.words = words

    def record(self, kind: type[Any], name: str) -> Any:
        """A record, known or not."""
        return at_home(self, HOME[kind], name) if kind in HOME else super().record(kind, name)

    def word(self, name: str, low: int, high: int) -> Word:
        """A word, known or not; digests that go into others are small, so that they are proper ones."""
        if high == DIGEST_MAX and name != "op.chain":
            high = SMALL_DIGEST
        return self.words[name] if name in self.words else super().word(name, low, high)

    def many(self, shape: Shape, name: str) -> Any:
        """One record."""
        return neighbours(self, shape, name)


def at_home(stage: Stage, known: Any, name: str) -> Any:
    """A record that is known but for its levels and modes."""
    fields = fields_of(type(known))
    return attrs.evolve(known, **{key: stage.field(fields[key], f"{name}.{key}") for key in LOOSE if key in fields})


def neighbours(stage: Stage, shape: Shape, name: str) -> tuple[Any, ...]:
    """One position in a neighbouring market, or that market itself."""
    price, market = at_home(stage, NEIGHBOUR[0], f"{name}.price"), stage.neighbour
    if shape is Shape.HELD:
        return ((stage.record(Position, f"{name}[0]"), price, market),)
    return ((price, stage.record(MarketBook, f"{name}[0]"), market),)


class Concrete(Stage):
    """One state, in plain integers."""

    def __init__(self, values: dict[str, int | bool], words: dict[str, int] | None = None) -> None:
        self.values = values
        self.words = words
        """What was known where the state was found; None where it is no state at home."""

    def record(self, kind: type[Any], name: str) -> Any:
        """A record."""
        known = self.words is not None and kind in HOME
        return at_home(self, HOME[kind], name) if known else super().record(kind, name)

    def word(self, name: str, low: int, high: int) -> int:
        """A word in a range."""
        value = int((self.words or {}).get(name, self.values.get(name, min(max(0, low), high))))
        if not low <= value <= high:
            raise NotReached(f"{name} is {value}")
        return value

    def flag(self, name: str) -> bool:
        """A flag."""
        return bool(self.values.get(name, False))

    def many(self, shape: Shape, name: str) -> tuple[Any, ...]:
        """One record at home, else none."""
        return () if self.words is None else neighbours(self, shape, name)

    def assume(self, condition: bool, sentence: str) -> None:
        """Keep to values for which the condition holds."""
        if not condition:
            raise NotReached(sentence)

    def wide(self, function: Callable[..., Any], *arguments: Any) -> tuple[Any, list[Fit]]:
        """Run a rule; what it returns, and whether all of its words were in range."""
        results, beyond = self.tallied(function, *arguments)
        return results, [Fit(not beyond, None)]

    def tallied(self, function: Callable[..., Any], *arguments: Any) -> tuple[Any, list[int]]:
        """Run a rule; what it returns, None where it rejects, and its words that are out of range."""
        tally = Tally()
        results = tally.run(function, *arguments)
        if results is None and not tally.beyond:
            raise NotReached("the rule rejects")
        return plain(results), tally.beyond

    def perform(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a rule in plain integers."""
        try:
            with reading_as(None):
                return function(*arguments)
        except Rejected as rejection:
            raise NotReached(rejection.reason.name) from rejection

    def divided_by(self, function: Callable[..., Any], *arguments: Any) -> list[int]:
        """Run a rule in plain integers; a zero where it divides by one, which ends it there."""
        try:
            self.perform(function, *arguments)
        except ZeroDivisionError:
            return [0]
        return []


# What is counted over many records


def held_pending(positions: Any) -> Word:
    """Micro-atoms that positions, each joined with its market's price, owe."""
    if isinstance(positions, tuple):
        return sum(pending_of(position, price) for position, price, _ in positions)
    return positions.pending


def as_stored(access: Access, stored: Any) -> Any:
    """What a rule stores; of positions that it stores as they were loaded, without price and configuration."""
    if access.shape is not Shape.HELD or not isinstance(stored, tuple):
        return stored
    return tuple(item[0] if isinstance(item, tuple) else item for item in stored)


def joined(before: Any, after: Any) -> Any:
    """Positions as stored, joined with price and configuration as loaded."""
    if not isinstance(before, tuple):
        return after
    pairs: Iterator[tuple[tuple[Position, MarketPrice, Market], Position]] = zip(before, after, strict=True)
    return tuple((position, price, market) for (_, price, market), position in pairs)
