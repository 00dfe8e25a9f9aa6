"""What of a rule can be reached: states that the solver finds on either side of each guard and each decision.

A guard is met where those before it hold, on the side where it holds and on the side where it does not, by each of the
comparisons that can decide it, and if possible by one unit. A decision is met in accepted operations, either way. What
is not found in the small exchange may still be possible in another one.
"""

from collections import Counter
from collections.abc import Iterator

import attrs

from perp_proofs.smt.evaluate import Evaluation
from perp_proofs.smt.frame import NotReached, Scene
from perp_proofs.smt.places import Noted, NotingReading, Place, with_comparison
from perp_proofs.smt.reading import DIGEST_MAX
from perp_proofs.smt.small import VARIANTS, Found, Sought, Variant
from perp_proofs.smt.solver import Step, Verdict, ask
from perp_proofs.smt.terms import Condition, Flag
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
"""How hard the first accepted states are sought of rules that are `LABORIOUS`."""

LABORIOUS = ("deleverage", "forced_reduce")
"""Rules of which an accepted state takes more than `EFFORT`: a few are sought first, and no way of a decision alone."""

ACCEPTED = ""
"""In place of the name of a reason."""


@attrs.frozen
class Target:
    """One side of a guard, as one of its comparisons decides it; or one way of a decision."""

    place: Place
    comparison: Place
    """Empty for a decision."""
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


IMPOSSIBLE, GAVE_UP, NOT_SOUGHT = "impossible in the small exchange", "given up", "not sought"


@attrs.frozen
class Missed:
    """A target that no state was found for."""

    target: Target
    why: str
    """IMPOSSIBLE where the solver says that the small exchange has no such state, GAVE_UP or NOT_SOUGHT."""


class Prospect:
    """A rule read in one variant."""

    def __init__(self, rule: Rule, variant: Variant) -> None:
        self.rule = rule
        self.variant = variant
        self.reading = NotingReading()
        self.refused = ACCEPTED
        """Reason of a guard that no state of the variant passes; the guards before it are all there is to read."""
        with self.reading.path({}):
            try:
                scene = Sought(self.reading, variant).scene(rule)
            except NotReached as obstacle:
                self.refused = str(obstacle)
                self.storable: Flag = True
            else:
                self.storable = storable(scene)
        self.aims = [aim for noted in self.reading.noted for aim in self.aims_of(noted)]
        if self.refused:
            self.aims = [aim for aim in self.aims if aim.noted.reason is not None and not aim.target.holds]
            reading = self.reading
            always = Noted((), reading.table.condition(reading, NEVER, (), self.refused), None, len(reading.guards))
            self.aims.append(Aim(Target((), (), self.refused, holds=False), always, None))

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

    def sought(self, aim: Aim, exact: bool, accepted: bool, seed: int = 0) -> tuple[Verdict, Catch | None]:
        """Look for one state: a violated verdict comes with it."""
        reading = self.reading
        with reading.knowing_nothing():
            wanted = [*self.wanted(aim, exact), not accepted or self.storable]
        if any(flag is False for flag in wanted):
            return Verdict.PROVED, None
        reading.counted = len(reading.guards) if accepted else aim.noted.before
        answer = ask(reading, False, EFFORT, [flag for flag in wanted if flag is not True], seed)
        if answer.verdict is not Verdict.VIOLATED:
            return answer.verdict, None
        caught = self.caught(self.with_digests(answer.values, aim), aim.target)
        met = aim.target in caught.met and (not exact or caught.met[aim.target] == 0)
        return (answer.verdict, caught) if met else (Verdict.UNKNOWN, None)

    def accepted(self, seed: int) -> Catch | None:
        """Look for any state in which the operation is accepted."""
        self.reading.counted = None
        answer = ask(self.reading, False, HARD, [] if self.storable is True else [self.storable], seed)
        if answer.verdict is not Verdict.VIOLATED or not self.aims:
            return None
        caught = self.caught(self.with_digests(answer.values, self.aims[0]), self.aims[0].target)
        return attrs.evolve(caught, target=next(iter(caught.met), caught.target))

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
            return 0
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
        best: For each target that was met, how near.
    """

    def __init__(self, rule: Rule, variants: tuple[Variant, ...] = VARIANTS) -> None:
        self.rule = rule
        self.prospects = [Prospect(rule, variant) for variant in variants]
        self.catches: list[Catch] = []
        self.best: dict[Target, int] = {}
        self.gave_up: Counter[Target] = Counter()
        self.asked: set[Target] = set()

    def run(self) -> None:
        """Look for everything: for guards by one unit first, then anyhow."""
        laborious = self.rule.name in LABORIOUS
        for prospect in self.prospects[:6] if laborious else ():
            for seed in range(2):
                caught = prospect.accepted(seed)
                if caught is not None and self.agreed(caught):
                    self.take(caught)
        for exact in (True, False):
            for prospect in self.prospects:
                for aim in prospect.aims:
                    if aim.target.reason or (exact and not laborious):
                        self.seek(prospect, aim, exact)

    def seek(self, prospect: Prospect, aim: Aim, exact: bool) -> None:
        """Look for a state that meets an aim, if none is known: one in which the operation is accepted, if possible."""
        is_guard = aim.target.reason != ""
        if aim.target in self.best and (not exact or self.best[aim.target] == 0 or not is_guard):
            return
        if self.gave_up[aim.target] >= (1 if self.rule.name in LABORIOUS else PATIENCE[is_guard]):
            return
        ways = {(True, True): (True, False), (True, False): (False,)}.get((is_guard, aim.target.holds), (True,))
        for accepted in ways:
            self.asked.add(aim.target)
            verdict, caught = prospect.sought(aim, exact, accepted)
            if verdict is Verdict.UNKNOWN:
                self.gave_up[aim.target] += 1
            if caught is not None and self.agreed(caught):
                self.take(caught)
                return

    def agreed(self, caught: Catch) -> bool:
        """Plain integers say the same of a state."""
        try:
            scene = Found(caught.values, caught.variant).scene(self.rule)
        except NotReached as obstacle:
            return str(obstacle) == caught.outcome
        return caught.outcome == ACCEPTED and storable(scene) is True

    def take(self, caught: Catch) -> None:
        """Keep a state that meets something new, or nearer."""
        self.catches.append(caught)
        for target, distance in caught.met.items():
            self.best[target] = min(distance, self.best.get(target, distance))

    @property
    def missed(self) -> list[Missed]:
        """What no state was found for."""
        targets = dict.fromkeys(aim.target for prospect in self.prospects for aim in prospect.aims)
        return [Missed(target, self.why(target)) for target in targets if target not in self.best]

    def why(self, target: Target) -> str:
        """Why no state was found."""
        if target not in self.asked:
            return NOT_SOUGHT
        return GAVE_UP if self.gave_up[target] else IMPOSSIBLE
