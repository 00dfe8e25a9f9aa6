"""What of a rule is met in no state at all: proved of exchanges of any size, for any configuration.

The rule is read as the theorems read it, with what they assume of stored words. What stands inside a contract, as the
settling of positions that are not touched, is not seen there, and of that nothing is said.
"""

from collections.abc import Iterable

from perp_proofs.smt.bounds import Ignorance
from perp_proofs.smt.frame import Symbolic
from perp_proofs.smt.goals.overflow import Loaded
from perp_proofs.smt.places import Noted, NotingReading, Place, with_comparison
from perp_proofs.smt.solver import Step, Verdict, ask
from perp_proofs.smt.terms import Condition, Flag
from perp_spec.operation import Rule

EFFORTS = (
    Step(all_guards=True, linear=True, resources=600_000),
    Step(all_guards=True, linear=False, resources=600_000),
)
"""How hard a proof is sought: products as words of their own first."""


class Anywhere:
    """A rule read for all states."""

    def __init__(self, rule: Rule) -> None:
        self.reading = NotingReading()
        with self.reading.path({}):
            stage = Symbolic(self.reading)
            stage.ranges()
            # What intervals decide is not simplified away: it would not be seen that the rule decides there.
            self.reading.bounds = Ignorance(self.reading.table)
            loaded = Loaded(stage, rule)
            self.reading.noted.clear()
            stage.perform(rule.function, loaded.operation, *loaded.records)
        self.noted: dict[Place, list[Noted]] = {}
        for noted in self.reading.noted:
            self.noted.setdefault(noted.place, []).append(noted)

    def never(self, place: Place, comparison: Place, holds: bool) -> bool:
        """No state goes that way at a place; for a guard, as that comparison decides it."""
        found = self.noted.get(place, [])
        return bool(found) and all(self.refuted(noted, comparison, holds) for noted in found)

    def refuted(self, noted: Noted, comparison: Place, holds: bool) -> bool:
        """The solver says that no state does, of one reading of the place."""
        with self.reading.knowing_nothing():
            side = [noted.condition ^ (not holds), *noted.earlier]
            if noted.reason is None:
                return self.impossible(len(self.reading.guards), side)
            atoms = [atom for place, atom in self.reading.comparisons(noted.condition) if place == comparison]
            asked = [[*side, decides(noted, atom)] for atom in atoms]
        return bool(asked) and all(self.impossible(noted.before, flags) for flags in asked)

    def impossible(self, counted: int, flags: Iterable[Flag]) -> bool:
        """No state passes so many guards and has all of that."""
        wanted = [flag for flag in flags if flag is not True]
        if any(flag is False for flag in wanted):
            return True
        self.reading.counted = counted
        return any(ask(self.reading, False, step, wanted).verdict is Verdict.PROVED for step in EFFORTS)


def decides(noted: Noted, atom: Condition) -> Flag:
    """A comparison decides a condition: the condition is another one where the comparison is."""
    return with_comparison(noted.condition, atom, True) ^ with_comparison(noted.condition, atom, False)
