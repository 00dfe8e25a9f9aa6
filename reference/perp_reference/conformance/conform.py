"""A whole run: canaries, then every case, then the count."""

import fnmatch
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve, field, frozen

from perp_reference.conformance.canaries import ACCEPT, Canary, release
from perp_reference.conformance.fixtures import Case, Fixture
from perp_reference.conformance.judge import CRASH, EXPECTED, PASS, SKIPPED, TIMEOUT, UNSUPPORTED, Judgement
from perp_reference.conformance.known import Known
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.tester import GaveUpError, Tester

CONFORMS = "conforms"
NONCONFORMING = "does not conform"
DISQUALIFIED = "disqualified"
BROKEN = "crashed or timed out"


@frozen
class Tried:
    """A case that was run."""

    fixture: str
    rules: str
    config: Mapping[str, Any] = field(repr=False)
    case: Case
    judgement: Judgement

    @property
    def rule(self) -> str:
        """The operation that the first divergence is in, or the first one."""
        step = self.judgement.step
        return self.case.steps[0 if step is None or step >= len(self.case.steps) else step].op


@define
class Run:
    """What came out of a run."""

    level: int
    canaries: list[Canary] = field(factory=list)
    tried: list[Tried] = field(factory=list)
    stale: list[Known] = field(factory=list)
    """Known failures that are not as listed."""
    ended: str = ""
    """Why the run ended early, or what was wrong with the end of the testee."""
    ended_with: str = ""
    """The verdict of what ended the run."""
    log: str = ""
    """The end of the testee's log, where the run ended early."""
    seconds: float = 0.0
    steps: int = 0
    restarts: int = 0

    @property
    def counts(self) -> Counter[str]:
        """How many cases have which verdict."""
        return Counter(item.judgement.verdict for item in self.tried)

    @property
    def failures(self) -> list[Tried]:
        """The cases that count against the testee; those only recommended do not."""
        harmless = (PASS, EXPECTED, UNSUPPORTED, SKIPPED)
        return [t for t in self.tried if t.judgement.verdict not in harmless and t.case.level == "required"]

    @property
    def verdict(self) -> str:
        """The verdict of the run."""
        counts = self.counts
        verdicts = {self.ended_with, *counts, *(canary.verdict for canary in self.canaries)}
        if verdicts & {CRASH, TIMEOUT}:
            return BROKEN
        if any(not canary.lives for canary in self.canaries):
            return DISQUALIFIED
        if self.ended or self.failures or self.stale or not counts[PASS] or not self.canaries_sang:
            return NONCONFORMING
        return CONFORMS

    @property
    def canaries_sang(self) -> bool:
        """Whether the testee took an operation that canaries can be made of: a withdrawal, a transfer or a deposit."""
        return any(canary.kind == ACCEPT for canary in self.canaries)

    @property
    def by_rule(self) -> dict[str, Counter[str]]:
        """Verdicts by the rule that the first divergence is in."""
        found: dict[str, Counter[str]] = {}
        for item in self.tried:
            found.setdefault(item.rule, Counter())[item.judgement.verdict] += 1
        return found


def chosen(only: str, fixture: Fixture, case: Case) -> bool:
    """Whether a case is asked for: by a rule it is about, a rule and a reason, or its id, which may have stars."""
    if not only:
        return True
    if case.id == only or case.id.startswith(f"{only}/") or fnmatch.fnmatchcase(case.id, only):
        return True
    return fixture.rules == only or any(only in (item, item.partition(".")[0]) for item in case.covers)


def conform(
    tester: Tester,
    vectors: Vectors,
    level: int,
    only: str = "",
    known: Mapping[str, Known] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Run all cases that are asked for on a testee that was started."""
    run = Run(level)
    started = time.monotonic()
    try:
        run.canaries = release(tester, vectors)
        if all(canary.lives for canary in run.canaries):
            run_cases(tester, vectors, run, only, known or {}, progress)
            there = {case.id for _, _, case in vectors.cases()} - vectors.decoys
            run.stale += [item for name, item in (known or {}).items() if name not in there]
        run.ended = tester.stop()
        run.ended_with = CRASH if run.ended else ""
    except GaveUpError as error:
        run.ended, run.ended_with, run.log = str(error), error.verdict, error.log
    run.seconds = time.monotonic() - started
    run.steps, run.restarts = tester.steps, tester.restarts
    return run


def run_cases(
    tester: Tester,
    vectors: Vectors,
    run: Run,
    only: str,
    known: Mapping[str, Known],
    progress: Callable[[int, int], None] | None,
) -> None:
    """Run the cases.

    Raises:
        GaveUpError: The testee crashed too often in a row.
    """
    cases = [item for item in vectors.cases() if item[2].id not in vectors.decoys and chosen(only, item[1], item[2])]
    for number, (name, fixture, case) in enumerate(cases):
        # What was said is not kept: that of all cases together may be more than there is memory.
        judgement = evolve(tester.run(fixture.rules, fixture.config, case), results=())
        listed = known.get(case.id)
        if listed is not None:
            if (judgement.verdict, judgement.step) == (listed.verdict, listed.step):
                judgement = evolve(judgement, verdict=EXPECTED, message=f"{judgement.verdict}: {judgement.message}")
            else:
                run.stale.append(listed)
        run.tried.append(Tried(name, fixture.rules, fixture.config, case, judgement))
        if progress is not None:
            progress(number + 1, len(cases))


def known_after(run: Run, known: Mapping[str, Known]) -> list[Known]:
    """The list of known failures after a run: what failed, in its order, and what was on the list and was not run.

    Why something fails is kept from the list before.
    """
    failed = {item.case.id: item for item in run.failures}
    found: list[Known] = []
    for item in run.tried:
        name = item.case.id
        before = known.get(name)
        if name in failed:
            why = before.why if before is not None else ""
            found.append(Known(name, item.judgement.verdict, item.judgement.step, why))
        elif before is not None and item.judgement.verdict == EXPECTED:
            found.append(before)
    tried = {item.case.id for item in run.tried}
    gone = {item.case for item in run.stale}
    return found + [item for name, item in known.items() if name not in tried and name not in gone]
