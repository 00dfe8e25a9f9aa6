"""What of a rule can be reached: states that the solver finds on either side of each guard and each decision.

A guard is met where those before it hold, on the side where it holds and on the side where it does not, by each of the
comparisons that can decide it, and if possible by one unit. A decision is met in accepted operations, either way. What
is not found in the small exchange may still be possible in another one.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from functools import cached_property, partial

import attrs

from perp_proofs.smt.evaluate import Evaluation
from perp_proofs.smt.frame import NotReached, Scene
from perp_proofs.smt.places import Noted, NotingReading, Place, place_of, with_comparison
from perp_proofs.smt.possible import Loads
from perp_proofs.smt.reading import DIGEST_MAX
from perp_proofs.smt.small import CONFIG, Found, Sought, Variant, variants_of
from perp_proofs.smt.solver import Step, Verdict, ask, cone, parts_of
from perp_proofs.smt.terms import Condition, Division, Flag, Symbol, symbols_of
from perp_proofs.smt.unreachable import Anywhere
from perp_spec.language import both
from perp_spec.operation import Rule, Shape
from perp_spec.perpetual.reasons import Reason
from perp_spec.words import Unit, fields_of

EFFORT = Step(all_guards=True, linear=False, resources=300_000)
"""How hard one state is sought."""

PATIENCE = {True: 3, False: 1}
"""So often the solver may give up on one side of a guard, or on one way of a decision, before that is left."""

NEVER = "never"
"""Kind of a condition that holds in no state of a variant."""

HARD = Step(all_guards=True, linear=False, resources=3_000_000)
"""How hard the first accepted states are sought of rules that are `LABORIOUS`, and sides of their guards at the end."""

FIRST = {True: 4, False: 2}
"""So many accepted states of a variant are sought first, of rules that are `LABORIOUS` and of others."""

PATIENCE_HARD = 3
"""So often the solver may give up on one side of a guard when it tries that hard."""

NEARBY = Step(all_guards=True, linear=False, resources=100_000)
"""How hard one state is sought that differs from a known one in some words only."""

FEW = 2**20
"""A word of no more values than these is a small one."""

BASES = 3
"""Near so many known states of a variant something is sought."""

PATIENCE_NEAR = 8
"""Near so many known states of all variants something is sought in vain before it is left."""

LABORIOUS = ("deleverage", "forced_reduce")
"""Rules of which an accepted state takes more than `EFFORT`: a few are sought first, and no way of a decision alone."""

ACCEPTED = ""
"""In place of the name of a reason."""


@attrs.frozen
class Target:
    """One side of a guard, as one of its comparisons decides it; or one way of a decision."""

    place: Place
    comparison: Place
    """Empty for a decision, and for a guard that holds in no state of a variant."""
    reason: str
    """Of a guard; empty for a decision."""
    holds: bool


@attrs.frozen
class Aim:
    """A target as it is in one variant."""

    target: Target
    noted: Noted
    atom: Condition | None


@attrs.frozen
class Catch:
    """A state that was found, what becomes of the operation in it, and what it meets, with the distances."""

    target: Target
    """What it was sought for."""
    variant: Variant
    values: dict[str, int | bool]
    outcome: str
    """Reason of the first false guard, or ACCEPTED."""
    met: dict[Target, int]


UNREACHABLE, IMPOSSIBLE = "unreachable", "impossible in the small exchange"
GAVE_UP, NOT_SOUGHT = "given up", "not sought"


@attrs.frozen
class Missed:
    """A target that no state was found for."""

    target: Target
    why: str
    """UNREACHABLE where there is a proof that no exchange has such a state, IMPOSSIBLE where the solver says that the
    small one has none, GAVE_UP or NOT_SOUGHT."""


class Prospect:
    """A rule read in one variant."""

    def __init__(self, rule: Rule, variant: Variant) -> None:
        self.rule = rule
        self.variant = variant
        self.reading = NotingReading()
        self._parts: dict[int, set[int]] = {}
        self.refused = ACCEPTED
        """Reason of a guard that no state of the variant passes; the guards before it are all there is to read."""
        self.refused_at: Place = ()
        with self.reading.path({}):
            try:
                scene = Sought(self.reading, variant).scene(rule)
            except NotReached as obstacle:
                self.refused, self.refused_at = str(obstacle), place_of(obstacle.__cause__ or obstacle)
                self.storable: Flag = True
            else:
                self.storable = storable(scene)
        self.aims = [aim for noted in self.reading.noted for aim in self.aims_of(noted)]
        if self.refused:
            self.aims = [aim for aim in self.aims if aim.noted.reason is not None and not aim.target.holds]
            reading = self.reading
            always = Noted((), reading.table.condition(reading, NEVER, (), self.refused), None, len(reading.guards))
            self.aims.append(Aim(Target(self.refused_at, (), self.refused, holds=False), always, None))

    def aims_of(self, noted: Noted) -> Iterator[Aim]:
        """What is sought at one place."""
        for holds in (True, False):
            if noted.reason is None:
                yield Aim(Target(noted.place, (), "", holds), noted, None)
            else:
                for place, atom in self.reading.comparisons(noted.condition):
                    yield Aim(Target(noted.place, place, noted.reason.name, holds), noted, atom)

    def wanted(self, aim: Aim, exact: bool) -> list[Flag]:
        """What must hold where an aim is met."""
        noted, atom = aim.noted, aim.atom
        if noted.condition.kind == NEVER:
            return []
        wanted: list[Flag] = [noted.condition ^ (not aim.target.holds), *noted.earlier]
        if atom is not None:
            wanted.append(with_comparison(noted.condition, atom, True) ^ with_comparison(noted.condition, atom, False))
            if exact and atom.kind == "at_least_zero":
                wanted.append(both(atom.parts <= 0, atom.parts >= -1))
            elif exact and atom.kind == "zero":
                wanted.append(both(atom.parts <= 1, atom.parts >= -1))
        return wanted

    def sought(
        self, aim: Aim, exact: bool, accepted: bool, seed: int = 0, effort: Step = EFFORT
    ) -> tuple[Verdict, Catch | None]:
        """Look for one state: a violated verdict comes with it."""
        reading = self.reading
        with reading.knowing_nothing():
            wanted = [*self.wanted(aim, exact), not accepted or self.storable]
        if any(flag is False for flag in wanted):
            return Verdict.PROVED, None
        reading.counted = len(reading.guards) if accepted else aim.noted.before
        answer = ask(reading, False, effort, [flag for flag in wanted if flag is not True], seed)
        if answer.verdict is not Verdict.VIOLATED:
            return answer.verdict, None
        caught = self.caught(self.with_digests(answer.values, aim), aim.target)
        met = aim.target in caught.met and (not exact or aim.atom is None or caught.met[aim.target] == 0)
        return (answer.verdict, caught) if met else (Verdict.UNKNOWN, None)

    def accepted(self, seed: int) -> Catch | None:
        """Look for any state in which the operation is accepted."""
        self.reading.counted = None
        answer = ask(self.reading, False, HARD, [] if self.storable is True else [self.storable], seed)
        if answer.verdict is not Verdict.VIOLATED or not self.aims:
            return None
        caught = self.caught(self.with_digests(answer.values, self.aims[0]), self.aims[0].target)
        return attrs.evolve(caught, target=next(iter(caught.met), caught.target))

    def near(self, aim: Aim, exact: bool, accepted: bool, base: Catch, loose: frozenset[int]) -> Catch | None:
        """Look for one state that differs from a known one only in what an aim depends on, and in some other words."""
        reading = self.reading
        with reading.knowing_nothing():
            wanted = [*self.wanted(aim, exact), not accepted or self.storable]
        if any(flag is False for flag in wanted):
            return None
        flags = [flag for flag in wanted if flag is not True]
        reading.counted = len(reading.guards) if accepted else aim.noted.before
        known = self.known(base, loose | cone(reading, symbols_of(aim.noted.condition)))
        answer = ask(reading, False, NEARBY, flags, known=known)
        if answer.verdict is not Verdict.VIOLATED:
            return None
        caught = self.caught(self.with_digests(answer.values, aim), aim.target)
        met = aim.target in caught.met and (not exact or caught.met[aim.target] == 0)
        return caught if met else None

    def known(self, base: Catch, free: AbstractSet[int]) -> dict[int, int | bool]:
        """The values in a known state of all symbols but those that are free and those that depend on them."""
        point = Evaluation(self.reading, base.values)
        found: dict[int, int | bool] = {}
        moving: set[int] = set()
        for symbol in self.reading.table.symbols:
            number = symbol.number
            if (number in free) if symbol.definition is None else not moving.isdisjoint(self.parts(symbol)):
                moving.add(number)
            elif symbol.flag:
                found[number] = bool(base.values.get(symbol.name, False))
            else:
                found[number] = point.symbol(number)
        return found

    def parts(self, symbol: Symbol) -> set[int]:
        """What a symbol's definition mentions besides itself."""
        if symbol.number not in self._parts:
            definition = symbol.definition
            own = {definition.quotient, definition.remainder} if isinstance(definition, Division) else set[int]()
            self._parts[symbol.number] = parts_of(symbol) - own
        return self._parts[symbol.number]

    @property
    def small(self) -> frozenset[int]:
        """Free symbols of few values, as flags, kinds, slots and levels, and the words of the operation."""
        return frozenset(
            symbol.number
            for symbol in self.reading.table.symbols
            if symbol.definition is None
            and (symbol.flag or symbol.name.startswith("op.") or (symbol.high or 0) - (symbol.low or 0) <= FEW)
        )

    def with_digests(self, values: dict[str, int | bool], aim: Aim) -> dict[str, int | bool]:
        """The values with the digest that an operation states as it is, or one more: the solver made one up."""
        stated = [calls for function, calls in self.reading.applications.items() if function.startswith("digest")]
        if "op.chain" not in values or not stated:
            return values
        (call,) = stated[0].values()
        right = Evaluation(self.reading, values).word(call.results[0])
        wrong = aim.target.reason == Reason.HASH_CHAIN.name and not aim.target.holds
        return {**values, "op.chain": (right + wrong) % (DIGEST_MAX + 1)}

    def caught(self, values: dict[str, int | bool], target: Target) -> Catch:
        """What a state meets."""
        point = Evaluation(self.reading, values)
        false = [place for place, guard in enumerate(self.reading.guards) if not point.flag(guard.condition)]
        last = false[0] if false else len(self.reading.guards)
        met: dict[Target, int] = {}
        for aim in self.aims:
            of_guard = aim.target.reason != "" and aim.noted.before <= last
            if (of_guard or not (false or self.refused)) and (distance := self.distance(aim, point)) is not None:
                met[aim.target] = min(distance, met.get(aim.target, distance))
        outcome = self.reading.guards[last].reason.name if false else self.refused
        return Catch(target, self.variant, values, outcome, met)

    def distance(self, aim: Aim, point: Evaluation) -> int | None:
        """How far an aim's comparison is from where it changes; None where a state does not meet the aim."""
        noted, atom = aim.noted, aim.atom
        if noted.condition.kind == NEVER:
            return 0 if self.variant.unconfigured or self.variant.unpriced else 1
        if point.flag(noted.condition) is not aim.target.holds or not all(map(point.flag, noted.earlier)):
            return None
        if atom is None:
            return 0
        with self.reading.knowing_nothing():
            ways = [with_comparison(noted.condition, atom, value) for value in (True, False)]
        if point.flag(ways[0]) is point.flag(ways[1]):
            return None
        if atom.kind == "flag":
            return 0
        value = point.word(atom.parts)
        if atom.kind == "zero":
            return max(abs(value) - 1, 0)
        return value if value >= 0 else -1 - value


def storable(scene: Scene) -> Flag:
    """Every word that an operation stores is in the range that its field declares."""
    result: Flag = True
    for entry in scene.entries:
        if entry.access.shape is Shape.ONE and entry.access.stores and entry.access.record is not None:
            for name, field in fields_of(entry.access.record).items():
                if field.count == 1 and field.unit is not Unit.FLAG and field.high < DIGEST_MAX:
                    word = getattr(entry.after, name)
                    result = result & both(word >= field.low, word <= field.high)
    return result


class Search:
    """All that is sought of a rule.

    Attributes:
        catches: In the order in which they were found.
        known: These, and others near which something may be sought.
        laborious: An accepted state is hard to find.
        best: For each target that was met, how near.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.laborious = rule.name in LABORIOUS
        self.prospects = [Prospect(rule, variant) for variant in variants_of(rule)]
        self.catches: list[Catch] = []
        self.known: list[Catch] = []
        self.best: dict[Target, int] = {}
        self.gave_up: Counter[Target] = Counter()
        self.asked: set[Target] = set()
        self.begun: set[Prospect] = set()
        self.missed_near: Counter[Target] = Counter()
        self.asked_near: set[Target] = set()
        self.never: dict[Target, bool] = {}

    def run(self) -> None:
        """Look for everything: for guards by one unit first, then anyhow; near known states where that is easier."""
        for exact in (True, False):
            if self.laborious:
                self.everywhere(partial(self.seek_near, bases=1), exact)
            self.everywhere(self.seek, exact)
            self.everywhere(partial(self.seek_near, bases=BASES), exact)
            self.missed_near.clear()
        if self.laborious:
            self.unmet_sides()

    def unmet_sides(self) -> None:
        """Look harder for a state on each side of a guard that none met, by whatever comparison."""
        gave_up = Counter[tuple[Place, bool]]()
        for prospect in self.prospects:
            for aim in prospect.aims:
                side = (aim.target.place, aim.target.holds)
                met = any((target.place, target.holds) == side for target in self.best)
                if not aim.target.reason or met or gave_up[side] >= PATIENCE_HARD:
                    continue
                verdict, caught = prospect.sought(aim, exact=False, accepted=False, effort=HARD)
                gave_up[side] += verdict is Verdict.UNKNOWN
                if caught is not None and self.agreed(caught):
                    self.take(caught)

    def begin(self, prospect: Prospect) -> None:
        """Look for a few states of a variant in which the operation is accepted."""
        for seed in range(FIRST[self.laborious] if prospect.refused == ACCEPTED else 0):
            caught = prospect.accepted(seed)
            if caught is not None and self.agreed(caught):
                self.take(caught)

    def everywhere(self, look: Callable[[Prospect, Aim, bool], None], exact: bool) -> None:
        """Look for all that is not met, in each variant."""
        for prospect in self.prospects:
            for aim in prospect.aims:
                if (aim.target.reason or exact) and not self.is_met(aim.target, exact):
                    look(prospect, aim, exact)

    def is_met(self, target: Target, exact: bool) -> bool:
        """A state is known that meets a target; a guard by one unit, where that is asked."""
        return target in self.best and (not exact or target.comparison == () or self.best[target] == 0)

    def ways(self, target: Target) -> tuple[bool, ...]:
        """Whether an operation is to be accepted in a state that meets a target: first yes, where it can be."""
        if not target.reason:
            return (True,)
        return (True, False) if target.holds else (False,)

    def seek(self, prospect: Prospect, aim: Aim, exact: bool) -> None:
        """Look for a state that meets an aim: one in which the operation is accepted, if possible."""
        is_guard = aim.target.reason != ""
        patience = 1 if self.laborious else PATIENCE[is_guard]
        if self.gave_up[aim.target] >= patience or (self.laborious and not is_guard):
            return
        for accepted in self.ways(aim.target):
            self.asked.add(aim.target)
            verdict, caught = prospect.sought(aim, exact, accepted)
            if verdict is Verdict.UNKNOWN:
                self.gave_up[aim.target] += 1
            if caught is not None and self.agreed(caught):
                self.take(caught)
                return

    def seek_near(self, prospect: Prospect, aim: Aim, exact: bool, bases: int) -> None:
        """Look for a state that meets an aim near known ones of a variant in which the operation is accepted.

        First near one; then near several, with small words free, unless there is none at all.
        """
        thorough = bases > 1
        if thorough and (self.missed_near[aim.target] >= PATIENCE_NEAR or not self.is_open(aim.target)):
            return
        if prospect not in self.begun and not self.bases(prospect, aim):
            self.begin(prospect)
        self.begun.add(prospect)
        for base in self.bases(prospect, aim)[:bases]:
            for loose in (frozenset[int](), prospect.small)[: 2 if thorough else 1]:
                for accepted in self.ways(aim.target):
                    caught = prospect.near(aim, exact, accepted, base, loose)
                    if caught is not None and self.agreed(caught):
                        self.take(caught)
                        return
            self.missed_near[aim.target] += thorough
            self.asked_near.add(aim.target)

    def is_open(self, target: Target) -> bool:
        """A state may be there, as far as is known: no question about it was answered with no alone, and no proof."""
        answered = target in self.asked and not self.gave_up[target]
        return not answered and not self.is_unreachable(target)

    def is_unreachable(self, target: Target) -> bool:
        """There is a proof that no state meets a target."""
        if target not in self.never:
            self.never[target] = self.anywhere.never(target.place, target.comparison, target.holds)
        return self.never[target]

    @cached_property
    def anywhere(self) -> Anywhere:
        """The rule as it is in all states."""
        return Anywhere(self.rule)

    def bases(self, prospect: Prospect, aim: Aim) -> list[Catch]:
        """Known states of a variant: first those that meet the other side of an aim's target."""
        other = attrs.evolve(aim.target, holds=not aim.target.holds)
        known = [one for one in self.known if one.variant is prospect.variant and one.outcome == ACCEPTED]
        return sorted(known, key=lambda one: other not in one.met)

    def agreed(self, caught: Catch) -> bool:
        """Plain integers say the same of a state, and that it is a possible one."""
        found = Found(caught.values, caught.variant)
        operation, _, loaded = found.loads(self.rule)
        if not all(Loads(operation, list(zip(self.rule.footprint, loaded, strict=True)), CONFIG).possible()):
            return False
        try:
            scene = found.scene(self.rule)
        except NotReached as obstacle:
            return str(obstacle) == caught.outcome
        return caught.outcome == ACCEPTED and storable(scene) is True

    def take(self, caught: Catch) -> None:
        """Keep a state, as one of the rule's where it meets something new, or nearer."""
        self.known.append(caught)
        if any(distance < self.best.get(target, distance + 1) for target, distance in caught.met.items()):
            self.catches.append(caught)
        for target, distance in caught.met.items():
            self.best[target] = min(distance, self.best.get(target, distance))

    @property
    def targets(self) -> list[Target]:
        """All that is looked for."""
        return list(dict.fromkeys(aim.target for prospect in self.prospects for aim in prospect.aims))

    @cached_property
    def missed(self) -> list[Missed]:
        """What no state was found for."""
        return [Missed(target, self.why(target)) for target in self.targets if target not in self.best]

    def why(self, target: Target) -> str:
        """Why no state was found."""
        if self.is_unreachable(target):
            return UNREACHABLE
        if target in self.asked:
            return GAVE_UP if self.gave_up[target] else IMPOSSIBLE
        return GAVE_UP if target in self.asked_near else NOT_SOUGHT
