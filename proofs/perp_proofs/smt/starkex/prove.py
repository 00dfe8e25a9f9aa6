"""Proving a claim about this rule set, or finding a state that breaks it."""

import time
from collections.abc import Iterator

import attrs

from perp_proofs.smt.frame import NotReached
from perp_proofs.smt.prove import HARDER, Claim, Goal, Result, Search, cases
from perp_proofs.smt.reading import SymbolicReading
from perp_proofs.smt.solver import SEARCH, Answer, Step, Verdict, ask
from perp_proofs.smt.starkex.frame import OTHERS, Concrete, Few, Symbolic


class StarkexSearch(Search):
    """The paths of a goal, on the stages of this rule set."""

    def claims(self) -> list[Claim]:
        """The claims on the path that is decided."""
        return list(self.goal.statement(Symbolic(self.reading)))

    def seek(self, name: str, first: bool) -> Answer:
        """Look for a state that breaks a claim, among positions with no other holdings or one."""
        return breaking(self.goal, name, self.seed, SEARCH if first else HARDER)


def breaking(goal: Goal, name: str, seed: int = 0, step: Step = SEARCH) -> Answer:
    """A state that breaks a claim, if the solver finds one: first without other holdings, then with one each."""
    for others in (0, 1):
        for reading, claim in visits(goal, others):
            if claim.name == name:
                found = ask(reading, claim.condition, step, seed=seed)
                if found.verdict is Verdict.VIOLATED:
                    return attrs.evolve(found, words={OTHERS: others})
    return Answer(Verdict.UNKNOWN, {})


def visits(goal: Goal, others: int) -> Iterator[tuple[SymbolicReading, Claim]]:
    """The claims of a goal about states with so many other holdings, on each path that it splits itself."""
    reading = SymbolicReading()

    def look() -> Iterator[tuple[SymbolicReading, Claim]]:
        for claim in goal.statement(Few(reading, others)):
            yield reading, claim

    return cases(reading, look)


def prove(goal: Goal, seed: int = 0) -> Result:
    """Prove each claim of a goal on each path, or find a state that breaks one and replay it in plain integers."""
    started = time.process_time()
    search = StarkexSearch(goal, seed)
    given, name = search.run()
    said = replayed(goal, name, given) if given.verdict is Verdict.VIOLATED else ""
    seconds = time.process_time() - started
    return Result(goal, given.verdict, seconds, search.paths, name, given.values, words=given.words, replayed=said)


def reached(goal: Goal, seed: int = 0) -> bool:
    """Some state satisfies all that a goal assumes: it is not true for want of states."""
    return any(
        ask(reading, False, HARDER, seed=seed).verdict is Verdict.VIOLATED
        for others in (0, 1)
        for reading, _ in visits(goal, others)
    )


def replayed(goal: Goal, name: str, given: Answer) -> str:
    """Run the statement on one state in plain integers."""
    try:
        claim = next(claim for claim in goal.statement(Concrete(given.values, given.words)) if claim.name == name)
    except NotReached as obstacle:
        return f"not reached: {obstacle}"
    return f"{claim.name}: {claim.condition}"
