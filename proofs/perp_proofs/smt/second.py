"""A second solver: cvc5 is handed the questions that Z3 answered with a proof, in SMT-LIB.

A question is what Z3 refuted: what is known on a path, and a claim that does not hold. A theorem is confirmed where
cvc5 refutes every one of them. What takes too long is not decided; that says nothing against the theorem.
"""

import signal
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from typing import Any

import attrs
import cvc5

from perp_proofs.smt.catalogue import GOALS
from perp_proofs.smt.prove import Goal, Search
from perp_proofs.smt.running import INTERRUPTS_IGNORED, PROCESSES
from perp_proofs.smt.solver import Verdict

SECOND: Any = cvc5
"""Its names are made when it is loaded, so a type checker knows none of them."""

RESOURCES = 300_000
"""How hard cvc5 tries one question, in its own count of work: the same on every machine."""


@attrs.frozen
class Opinion:
    """What the second solver says of a theorem."""

    goal: str
    verdict: Verdict
    """Of the first solver."""
    questions: int
    """Those that differ; none where the reading itself decides all."""
    confirmed: int
    refuted: int
    """Questions that cvc5 found a model for: one of the solvers is wrong."""

    @property
    def said(self) -> str:
        """In words."""
        if self.refuted:
            return f"CONTRADICTED on {self.refuted} of {self.questions}"
        if not self.questions:
            return "nothing to ask"
        if self.confirmed == self.questions:
            return "confirmed"
        return f"{self.confirmed} of {self.questions}"


def questions_of(goal: Goal, seed: int = 0) -> tuple[Verdict, list[str]]:
    """What the first solver says of a goal, and what it refuted for that."""
    search = Search(goal, seed)
    search.reading.proofs = []
    given, _ = search.run()
    return given.verdict, list(dict.fromkeys(search.reading.proofs))


def asked(question: str, resources: int = RESOURCES) -> Verdict:
    """What cvc5 says of one question: proved where it finds no model, violated where it finds one."""
    manager = SECOND.TermManager()
    solver = SECOND.Solver(manager)
    solver.setOption("rlimit-per", str(resources))
    parser = SECOND.InputParser(solver)
    parser.setStringInput(SECOND.InputLanguage.SMT_LIB_2_6, f"(set-logic QF_UFNIA)\n{question}", "question")
    symbols, said = parser.getSymbolManager(), ""
    while not (command := parser.nextCommand()).isNull():
        said = command.invoke(solver, symbols).strip() or said
    return {"unsat": Verdict.PROVED, "sat": Verdict.VIOLATED}.get(said, Verdict.UNKNOWN)


def opinion(goal: Goal, seed: int = 0, resources: int = RESOURCES) -> Opinion:
    """What both solvers say of a goal."""
    verdict, questions = questions_of(goal, seed)
    given = [asked(question, resources) for question in questions]
    return Opinion(goal.name, verdict, len(questions), given.count(Verdict.PROVED), given.count(Verdict.VIOLATED))


def opinion_by_name(task: tuple[str, int]) -> Opinion:
    """What both solvers say of the goal of a name."""
    name, seed = task
    return opinion(next(goal for goal in GOALS if goal.name == name), seed)


def opinions(goals: Sequence[Goal], seed: int = 0, processes: int = PROCESSES) -> Iterator[Opinion]:
    """What both solvers say of goals, as it comes."""
    if processes == 1 or len(goals) == 1:
        yield from (opinion(goal, seed) for goal in goals)
        return
    tasks = [(goal.name, seed) for goal in goals]
    with get_context("spawn").Pool(min(processes, len(goals)), signal.signal, INTERRUPTS_IGNORED) as pool:
        yield from pool.imap_unordered(opinion_by_name, tasks)
