"""The steps of loops: each is a row with an item, in which the callee is written out."""

from collections.abc import Sequence
from typing import Any

from perp_proofs.air.gadgets import (
    all_zero,
)
from perp_proofs.air.interfaces import (
    ANY,
    FLAG,
    LOOP_LENGTH,
    SENDER,
    Contract,
    Leaf,
    LoopKind,
    leaf,
    touched,
    word_places,
)
from perp_proofs.air.rulebook import Rules
from perp_proofs.air.tape import Term
from perp_proofs.air.values import clip
from perp_proofs.air.words import Interval, times
from perp_proofs.air.writer import Writer
from perp_proofs.program.listing import (
    Instruction,
    Table,
    item_fields,
)

MARKET_MAX = 63
"""The greatest id of a market."""


class StepWriter(Writer):
    """Writes the table of the steps of a loop: a step takes what the one before it sends, and sends on."""

    def __init__(self, rules: Rules, listing: Table, kind: LoopKind, name: str) -> None:
        super().__init__(rules, listing, "step", name)
        self.kind = kind
        self.made.kind = kind
        self.entries_in: list[Term] = []
        self.promised: list[tuple[Interval | None, Interval | None]] = []
        """Bounds of the entries of the loop's messages, and what a step adds to them."""
        self.words: list[int] = []
        self.leaves: list[list[Term]] = []
        self.keys: list[tuple[int, str, list[Term], list[Term], Term]] = []

    @property
    def length(self) -> int:
        """The most steps there are."""
        return LOOP_LENGTH[self.kind.loop.source]

    def fixed(self, name: str, bounds: Interval | None) -> Term:
        """A given column that all steps of a loop share."""
        term = self.sheet.given(name, *(bounds or ANY))
        self.entries_in.append(term)
        self.promised.append((bounds, None))
        return term

    def begin(self) -> None:
        """What all steps share, and the item of this one."""
        loop, sheet = self.kind.loop, self.sheet
        base = self.fixed("time", self.base_range(self.rules.spans.steps[self.kind] * (self.length + 2)))
        account = [self.fixed("account", None)] if loop.source == "held" else []
        skip = self.fixed("skip", None) if loop.skips else None
        stores = self.fixed("stores", FLAG) if loop.stored else None
        self.place = sheet.given("item", 0, self.length + 1)
        self.time = base + self.place * self.rules.spans.steps[self.kind]
        self.following = self.place + self.active
        if skip is not None:
            self.following = self.following + all_zero(sheet, "skips", [self.following - skip])
        self.stores_bit = stores
        later = 0 if stores is None else stores * self.half
        self.leaves = [[] for _ in item_fields(self.program, loop.source)]
        market: Term = self.place
        for start, record in touched(self.program, loop):
            leaves = self.extra_record(record, record)
            self.leaves[start : start + len(leaves)] = leaves
            if record == "Position":
                market = leaves[0][0]
            key = [*account, self.place] if record == "Position" else [market]
            old = [entry for one in leaves for entry in one]
            stored = any(start <= at < start + len(leaves) for at in loop.stored)
            now = self.begin_access(record, key, old, later if stored else 0)
            self.keys.append((start, record, key, [*old], now))
        self.leaves[-1] = [market]

    def do_input(self, number: int, instruction: Instruction) -> Sequence[Any]:
        """An argument: the carry and what all steps share come by the loop's message, the item is loaded."""
        loop = self.kind.loop
        of = leaf(instruction.types[0], *instruction.numbers)
        end = loop.carried + len(loop.items)
        if loop.carried <= number < end:
            place = loop.items[number - loop.carried]
            field = item_fields(self.program, loop.source)[place]
            loaded = leaf(*field[1:])
            if place == len(self.leaves) - 1:
                loaded = loaded._replace(high=MARKET_MAX)
            return [self.value_of(loaded, self.leaves[place])]
        entries = self.column_of(self.name(number), number, of)
        if number >= end:
            self.entries_in += entries
            self.words += word_places([of], len(self.promised))
            self.promised += [(bounds, None) for bounds in of.bounds]
        else:
            self.inputs_sent[number] = entries
        return [self.value_of(of, entries)]

    def end(self) -> None:
        """Store the item, and send sums or carry on."""
        self.store_item()
        sheet = self.sheet
        results = list(zip(self.listing.results, self.listing.result_types, strict=True))[len(self.kind.loop.stored) :]
        self.promised.append(((0, self.length + 1), (1, 2)))
        entries = [*self.entries_in, self.place]
        sent = [*self.entries_in, self.following]
        leaves: list[Leaf] = []
        for at, (number, kind) in enumerate(results):
            if self.kind.code == "fold":
                entry = self.listing.inputs[at]
                of = leaf(entry.types[0], *entry.numbers)
                entries += self.inputs_sent[at]
                made = self.fitted(number, of)
                self.words += word_places([of], len(self.promised))
                self.promised += [(bounds, None) for bounds in of.bounds]
            else:
                taken, made, of = self.summand(number, kind)
                entries += taken
            sent += made
            self.made.outputs += [term.number for term in made]
            leaves.append(of)
        tag = self.rules.loop_tags[self.kind]
        sheet.table.add(tag, self.active * -1, entries)
        sheet.table.add(tag, self.active, sent)
        self.rules.results[self.made.name] = leaves
        bounds, steps = zip(*self.promised, strict=True)
        self.rules.contracts[tag] = Contract(bounds, (SENDER,) * len(bounds), steps, frozenset(self.words))
        self.rules.arities[tag] = len(entries)

    def summand(self, number: int, kind: str) -> tuple[list[Term], list[Term], Leaf]:
        """A sum before this step and after it."""
        own, of = self.answered(number, kind)
        low, high = times((self.length, self.length), (min(of.low, 0), max(of.high, 0)))
        before: list[Term] = []
        total: list[Interval] = []
        first = len(self.made.outputs)
        for limb, (least, greatest) in enumerate(of.bounds):
            step = (min(least, 0), max(greatest, 0))
            bounds = times((self.length, self.length), step)
            total.append(bounds)
            self.promised.append((bounds, step))
            if bounds == (0, 0):
                before.append(self.sheet.table.tape.constant(0))
                continue
            before.append(self.sheet.given(f"sum{first + limb}", *bounds))
        after = [one + more for one, more in zip(before, own, strict=True)]
        return before, after, Leaf(kind, *clip(low, high, kind), tuple(total), None)

    def store_item(self) -> None:
        """Send the records of the item on, those that are stored with what has changed where the flag says so."""
        loop = self.kind.loop
        changed = {place: self.listing.results[at] for at, place in enumerate(loop.stored)}
        fields = item_fields(self.program, loop.source)
        for start, record, key, _, now in self.keys:
            count = len(self.program.records[record].fields)
            new: list[Term] = []
            for place in range(start, start + count):
                if place in changed:
                    new += self.restored(place, changed[place], leaf(*fields[place][1:]))
                else:
                    new += self.leaves[place]
            self.send_memory(record, key, now, new)

    def restored(self, place: int, number: int, of: Leaf) -> list[Term]:
        """A leaf that is stored where the flag says so, else as it was."""
        assert self.stores_bit is not None
        new = self.fitted(number, of)
        name = f"stored{place}"
        chosen = [
            self.sheet.choose(f"{name}.{at}", self.stores_bit, one, old)
            for at, (one, old) in enumerate(zip(new, self.leaves[place], strict=True))
        ]
        return [self.sheet.lifted(term) for term in chosen]
