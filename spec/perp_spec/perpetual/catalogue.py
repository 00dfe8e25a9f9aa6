"""The catalogue of the rules: for each its sentence, what the operation says, guards in order, effects and footprint.

Guards, their order and what is stored are read from the text of the rules; only the words are kept beside them, in
`sentences`.
"""

import re
from functools import cache
from typing import Any

import attrs
from attrs import frozen

from perp_spec.operation import Access, Key, Rule, Shape, reads, updates
from perp_spec.outline import (
    Guard,
    Library,
    Reader,
    Stored,
    StoreReader,
    When,
    called_by,
    library_of,
)
from perp_spec.perpetual import common, health, records
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Exchange, Ledger, Parameters
from perp_spec.perpetual.rules import accounts, batch, forced, money, ticks, trading, waterfall
from perp_spec.perpetual.sentences import EFFECTS, GUARDS, THINGS
from perp_spec.words import Field

MODULES = (common, health, batch, money, accounts, trading, waterfall, ticks, forced)
"""The rule modules, in the order of the pages."""

LIBRARY: Library = library_of(MODULES)
"""Every function, NamedTuple and constant of the rule modules."""

RECORD_FIELDS: dict[str, tuple[str, ...]] = {
    name: tuple(attrs.fields_dict(kind)) for name, kind in vars(records).items() if attrs.has(kind)
}
"""Names of the fields of each record class."""

READER = Reader(LIBRARY)

UNWORDED = "Not yet put in words."
"""Stands for a sentence that is missing from `sentences`; a test fails where one is."""

HEADER_RULE = "begin_batch"
"""The one rule without an operation: it reads the batch's header."""


@frozen
class Argument:
    """A field of an operation, or of a record inside it."""

    name: str
    """With the names of the records it is in: intent.nonce."""
    field: Field


@frozen
class Entry:
    """A guard of a rule, with its words."""

    number: str
    """1, 2 and so on; a letter before it for the guards of an attempt."""
    reason: Reason
    sentence: str
    """What must hold."""
    guard: Guard

    @property
    def conditions(self) -> tuple[str, ...]:
        """Where alone it counts."""
        return tuple(around.text for around in self.guard.within if around.when is When.WHERE)

    @property
    def each(self) -> bool:
        """It is met once for each place of a loop."""
        return any(around.when is When.EACH for around in self.guard.within)


@frozen
class Attempt:
    """A rule inside a rule, whose first false guard is a result and rejects nothing."""

    letter: str
    function: str
    entries: tuple[Entry, ...]


@frozen
class Effect:
    """What a rule stores in one place of its footprint."""

    access: Access
    parameter: str
    """The rule's name for what was loaded from there."""
    stored: Stored


@frozen
class CataloguedRule:
    """Everything that is to be said of a rule."""

    name: str
    title: str
    """The first sentence."""
    text: str
    """The sentences after it."""
    module: str
    operation: type[Any]
    arguments: tuple[Argument, ...]
    footprint: tuple[tuple[str, Access], ...]
    """What it loads, with the rule's name for it, in order."""
    guards: tuple[Entry, ...]
    attempts: tuple[Attempt, ...]
    effects: tuple[Effect, ...]
    words: tuple[str, ...]
    """The effects in words."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons for which it rejects, each once, in order of the first."""
        return tuple(dict.fromkeys(entry.reason for entry in self.guards))

    @property
    def results(self) -> tuple[Reason, ...]:
        """The reasons that may be results of its attempts."""
        return tuple(dict.fromkeys(entry.reason for attempt in self.attempts for entry in attempt.entries))


@cache
def catalogue() -> tuple[CataloguedRule, ...]:
    """All rules: the header's, then the others in the order of the rule modules."""
    header = Rule(HEADER_RULE, Header, batch.begin_batch, (reads(Parameters), updates(Exchange), updates(Ledger)))
    order = [name for name in LIBRARY if name in PERPETUAL.rules]
    return (catalogued(header), *(catalogued(PERPETUAL.rules[name]) for name in order))


def catalogued(rule: Rule) -> CataloguedRule:
    """The entry of one rule."""
    definition = LIBRARY[rule.name]
    title, _, text = definition.sentence.partition("\n\n")
    loaded = [parameter.arg for parameter in definition.parameters][-len(rule.footprint) :]
    footprint = tuple(zip(loaded, rule.footprint, strict=True))
    guards, attempts = entries_of(rule.name)
    return CataloguedRule(
        name=rule.name,
        title=" ".join(title.split()),
        text=" ".join(text.split()),
        module=definition.module,
        operation=rule.operation,
        arguments=arguments_of(rule.operation),
        footprint=footprint,
        guards=guards,
        attempts=attempts,
        effects=effects_of(rule.name, footprint),
        words=EFFECTS.get(rule.name, (UNWORDED,)),
    )


def arguments_of(operation: type[Any], prefix: str = "") -> tuple[Argument, ...]:
    """The fields of an operation, those of the records inside it after their place."""
    found: list[Argument] = []
    for attribute in attrs.fields(operation):
        metadata = attribute.metadata
        if "field" in metadata:
            found.append(Argument(prefix + attribute.name, metadata["field"]))
        elif "nested" in metadata:
            found += arguments_of(metadata["nested"], f"{prefix}{attribute.name}.")
        else:
            found += arguments_of(metadata["rows"], f"{prefix}{attribute.name}[].")
    return tuple(found)


def entries_of(name: str) -> tuple[tuple[Entry, ...], tuple[Attempt, ...]]:
    """The guards that reject, and those of each attempt, numbered in order."""
    main: list[Entry] = []
    attempts: dict[str, list[Entry]] = {}
    for guard in READER.guards(name):
        path = "/".join(guard.attempts)
        group = attempts.setdefault(path, []) if path else main
        letter = "ABC"[list(attempts).index(path)] if path else ""
        group.append(Entry(f"{letter}{len(group) + 1}", Reason[guard.reason], sentence_of(guard), guard))
    return tuple(main), tuple(
        Attempt("ABC"[number], path.rpartition("/")[2], tuple(group))
        for number, (path, group) in enumerate(attempts.items())
    )


def sentence_of(guard: Guard) -> str:
    """The sentence of a guard, with the names in braces replaced by what the rule gives for them."""

    def thing(match: re.Match[str]) -> str:
        given = guard.words[match[1]]
        return THINGS.get(given, f"`{given}`")

    known = GUARDS.get(guard.function, ())
    text = known[guard.ordinal][1] if guard.ordinal < len(known) else UNWORDED
    text = re.sub(r"\{(\w+)\}", thing, text)
    return text[0].upper() + text[1:]


def effects_of(name: str, footprint: tuple[tuple[str, Access], ...]) -> tuple[Effect, ...]:
    """What a rule stores, in order."""
    places = [(parameter, access) for parameter, access in footprint if access.stores]
    stored = StoreReader(LIBRARY, RECORD_FIELDS).stored(name, [parameter for parameter, _ in places])
    return tuple(Effect(access, parameter, found) for (parameter, access), found in zip(places, stored, strict=True))


def rule_named(name: str) -> CataloguedRule:
    """The catalogued rule of that name.

    Raises:
        KeyError: There is none.
    """
    return {rule.name: rule for rule in catalogue()}[name]


def users_of(name: str) -> tuple[str, ...]:
    """The rules that use a function, NamedTuple or constant, themselves or through others."""
    return tuple(rule.name for rule in catalogue() if name in reached(rule.name))


@cache
def reached(name: str) -> frozenset[str]:
    """A definition and all that it uses, itself or through others."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += called_by(LIBRARY[current], LIBRARY)
    return frozenset(found)


def value_of(name: str) -> Any:
    """A function, NamedTuple or constant of the rule modules, as it is when they run."""
    place = LIBRARY[name].module
    return next(getattr(module, name) for module in MODULES if module.__name__.rpartition(".")[2] == place)


def key_text(key: Key) -> str:
    """Where a key comes from, in words."""
    if isinstance(key, int):
        return f"{key}"
    if isinstance(key, str):
        return f"op.{key}"
    return f"{getattr(key, '__name__', '')}(op)"


def access_text(access: Access) -> str:
    """What an entry of a footprint is about, in words."""
    keys = [key_text(key) for key in access.keys]
    skip = "" if access.skip is None else key_text(access.skip)
    if access.shape is Shape.MARKETS:
        return "MarketPrice and MarketBook of every market" + (f" but `{skip}`" if skip else "")
    if access.shape is Shape.HELD:
        rest = f"all but slot `{skip}`" if skip else "all"
        return f"Positions of account `{keys[0]}`, {rest}"
    name = access.record.__name__ if access.record else ""
    if not keys:
        return name
    if len(keys) == 1:
        return f"{name} of `{keys[0]}`"
    return f"{name} of account `{keys[0]}`, slot `{keys[1]}`"
