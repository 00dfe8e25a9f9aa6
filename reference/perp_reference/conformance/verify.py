"""The reference beside an archive: does it still say what the archive expects?"""

from collections.abc import Iterator

from perp_reference.conformance.fixtures import Case, Step
from perp_reference.conformance.release import Vectors, decoy
from perp_reference.conformance.rule_sets import Session, rule_book
from perp_reference.conformance.scenarios import expected_of


def disagreements(vectors: Vectors) -> Iterator[str]:
    """Yields a line for each case of which the reference says something else."""
    for name, fixture in vectors.fixtures.items():
        session = rule_book(fixture.rules).configure(fixture.config)
        for case in fixture.cases:
            given = retold(session, case)
            if given != case.steps and not (case.id in vectors.decoys and decoyed(case, given) == case.steps):
                place = next(place for place, (a, b) in enumerate(zip(given, case.steps, strict=True)) if a != b)
                yield f"{name}: {case.id}, step {place}: the reference says otherwise"


def retold(session: Session, case: Case) -> tuple[Step, ...]:
    """The steps of a case with what the reference says now."""
    session.load(case.pre)
    return tuple(Step(step.op, step.args, expected_of(session, step.op, step.args)) for step in case.steps)


def decoyed(case: Case, given: tuple[Step, ...]) -> tuple[Step, ...]:
    """The same for a decoy."""
    right = Case(case.id, "", "required", (), (), (), {}, {}, given)
    return decoy(right).steps
