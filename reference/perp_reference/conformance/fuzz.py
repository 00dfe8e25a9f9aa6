"""Differential fuzzing: scenarios near the vectors, drawn by Hypothesis, on the reference and on a testee.

The vectors are taken by strata, so that what is rare among them is looked at as often as what is common. A scenario is
plain data, so what differs can be made small: by Hypothesis first, then by our own shrinking.
"""

import contextlib
import hashlib
import itertools
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

import hypothesis
from attrs import evolve, frozen
from hypothesis.errors import Flaky

from perp_reference.conformance.differ import Differ, Divergence
from perp_reference.conformance.fixtures import Fixture, canonical, sha256
from perp_reference.conformance.judge import CRASH, TIMEOUT
from perp_reference.conformance.near import Base, Setting, scenarios, setting_of, unchanged
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.shrink import Shrinker
from perp_reference.conformance.spec import SPEC_VERSION, spec_digest
from perp_reference.conformance.tester import Testee, Tester

AS_THEY_ARE = 8
"""The first round takes cases as they are: of each stratum under each configuration one, and one more for so many."""

EXAMPLES = 2
"""Of one run of Hypothesis in the second round; all are near cases of one stratum, under one configuration. The first
one of a run is a case as it is."""

MOST_EXAMPLES = 40
"""Of one run in later rounds: each round has twice as many, up to here."""

ACCEPTED_WEIGHT = 2
"""Near accepted operations there is more to find: they have so many times as many examples."""

MANY = 32
"""A stratum has once more as many examples for each so many cases."""

CHECKS = (
    hypothesis.HealthCheck.too_slow,
    hypothesis.HealthCheck.filter_too_much,
    hypothesis.HealthCheck.data_too_large,
    hypothesis.HealthCheck.large_base_example,
)
"""Warnings of Hypothesis that are meant for tests."""

HYPOTHESIS_SHRINKS = 250
HYPOTHESIS_SECONDS = 10.0
"""What Hypothesis may try, and how long, to make a divergence smaller; the rest is for our own shrinking."""


class Stratum(NamedTuple):
    """Cases are apart by what they are about, so that rare ones come as often as common ones."""

    rules: str
    op: str
    said: str
    """Its reason, or that it is accepted."""
    about: str
    """What the name of the case says it is about, such as a guard, without numbers."""


class Found(Exception):
    """The testee differs."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(divergence.judgement.message)
        self.divergence = divergence


class Enough(BaseException):
    """Time is over, or Hypothesis has shrunk for long enough. No Exception, so that it ends Hypothesis too."""


Strata = Mapping[Stratum, Sequence[Sequence[Base]]]
"""Cases by stratum; those under one configuration together."""

ACCEPTED = "accepted"


def strata(vectors: Vectors, testee: Testee, rules: str = "") -> Strata:
    """The cases to start from, of all operations that the testee has."""
    found: dict[Stratum, dict[str, list[Base]]] = {}
    configs: dict[str, Setting] = {}
    for fixture in vectors.fixtures.values():
        if fixture.rules not in testee.rules or (rules and fixture.rules != rules):
            continue
        key = sha256(canonical(fixture.config))
        if key not in configs:
            configs[key] = setting_of(fixture.rules, fixture.config)
        for case in fixture.cases:
            if all(step.op in testee.operations for step in case.steps):
                places = {
                    Stratum(fixture.rules, step.op, step.expected.reason or ACCEPTED, about(case.id)): place
                    for place, step in reversed(list(enumerate(case.steps)))
                }
                for stratum, place in places.items():
                    base = Base(configs[key], case, place)
                    found.setdefault(stratum, {}).setdefault(key, []).append(base)
    return {stratum: list(found[stratum].values()) for stratum in sorted(found)}


def about(case_id: str) -> str:
    """What cases are about: the words of the first part of a name that has a number, such as guard-07-cooldown."""
    parts = case_id.split("/")[1:]
    numbered = next((part for part in parts if re.search("[0-9]", part)), "")
    return " ".join(word for word in re.split("[-_]", numbered) if word.isalpha() and word not in ("holds", "fails"))


class Turn(NamedTuple):
    """One run of Hypothesis."""

    seed: str
    bases: Sequence[Base]
    examples: int


def turns(known: Strata, seed: int) -> Iterator[Turn]:
    """Cases as they are; then the strata in rounds, in another order and configuration each; later ones take longer."""
    yield from as_they_are(known, seed)
    for number in itertools.count() if known else ():
        rng = Random(f"{seed} {number}")  # noqa: S311 - the same again from the same seed
        order = list(known)
        rng.shuffle(order)
        for stratum in order:
            bases = rng.choice(known[stratum])
            weight = (ACCEPTED_WEIGHT if stratum.said == ACCEPTED else 1) * (1 + len(bases) // MANY)
            examples = weight * min(EXAMPLES * 2**number, MOST_EXAMPLES)
            # Another case comes first in each round: that one is taken as it is.
            yield Turn(f"{seed} {number} {' '.join(stratum)}", rng.sample(bases, len(bases)), examples)


def as_they_are(known: Strata, seed: int) -> list[Turn]:
    """Turns of a single example each, a case as it is, in another order with another seed."""
    rng = Random(f"{seed}")  # noqa: S311 - the same again from the same seed
    chosen = [
        Turn(f"{seed}", (base,), 1)
        for several in known.values()
        for bases in several
        for base in rng.sample(bases, 1 + (len(bases) - 1) // AS_THEY_ARE)
    ]
    rng.shuffle(chosen)
    return chosen


@frozen
class Hunt:
    """What fuzzing is to do."""

    seconds: float
    seed: int
    rules: str = ""


def hunt(
    tester: Tester, vectors: Vectors, order: Hunt, told: Callable[[Differ, float], None] | None = None
) -> tuple[Differ, Divergence | None, float]:
    """Look for a divergence; returns what was compared, the divergence made small, and the seconds to find it."""
    assert tester.testee is not None
    # Who crashes has diverged, and goes on to crash while the divergence is made small.
    tester.gives_up = False
    differ = Differ(tester)
    known = strata(vectors, tester.testee, order.rules)
    started = time.monotonic()
    for turn in turns(known, order.seed):
        found = as_it_is(differ, turn) if turn.examples == 1 else one_run(differ, turn, started + order.seconds)
        divergence = None if found is None else confirmed(differ, found[0])
        if found is not None and divergence is not None:
            return differ, Shrinker(differ, divergence).shrink(), found[1] - started
        if told is not None:
            told(differ, time.monotonic() - started)
        if time.monotonic() - started >= order.seconds:
            break
    return differ, None, time.monotonic() - started


def confirmed(differ: Differ, divergence: Divergence) -> Divergence | None:
    """A divergence; a silence only if there is one again, since a machine may be busy for once."""
    if divergence.judgement.verdict != TIMEOUT:
        return divergence
    return differ.compare(divergence.scenario, counts=False)


def as_it_is(differ: Differ, turn: Turn) -> tuple[Divergence, float] | None:
    """The divergence on the first case of a turn without a change, and when it was found, or None."""
    divergence = differ.compare(unchanged(turn.bases[0]))
    return None if divergence is None else (divergence, time.monotonic())


def one_run(differ: Differ, turn: Turn, deadline: float) -> tuple[Divergence, float] | None:
    """One run of Hypothesis: the smallest divergence and when the first was found, or None."""
    best: list[tuple[Divergence, float]] = []
    tries = 0

    @hypothesis.seed(int.from_bytes(hashlib.sha256(turn.seed.encode()).digest()[:8], "big"))
    @hypothesis.settings(
        max_examples=turn.examples,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=CHECKS,
        verbosity=hypothesis.Verbosity.quiet,
        report_multiple_bugs=False,
        print_blob=False,
    )
    @hypothesis.given(scenarios(turn.bases))
    def search(scenario: Scenario) -> None:
        nonlocal tries
        now = time.monotonic()
        if best:
            tries += 1
            if tries > HYPOTHESIS_SHRINKS or now > best[0][1] + HYPOTHESIS_SECONDS:
                raise Enough
        elif now > deadline:
            raise Enough
        divergence = differ.compare(scenario, counts=not best)
        if divergence is None:
            return
        if not best:
            best.append((divergence, time.monotonic()))
        elif divergence.kind == best[0][0].kind and size(divergence) <= size(best[0][0]):
            best[0] = (divergence, best[0][1])
        # Each of these costs a restart: what is known of them is put to better use by our own shrinking.
        if divergence.judgement.verdict in (CRASH, TIMEOUT):
            raise Enough
        raise Found(divergence)

    with contextlib.suppress(Found, Enough, Flaky):
        search()
    return best[0] if best else None


def size(divergence: Divergence) -> tuple[int, int]:
    """What a smaller divergence has less of."""
    steps = divergence.scenario.steps
    return len(steps), sum(len(str(arguments)) for _, arguments in steps)


def as_fixture(divergence: Divergence, seed: int, testee: Testee) -> Fixture:
    """A divergence as a fixture that can be committed."""
    scenario, judgement = divergence.scenario, divergence.judgement
    op = divergence.case.steps[divergence.step].op
    mark = hashlib.sha256(repr((scenario.pre, scenario.steps)).encode()).hexdigest()[:8]
    case = evolve(
        divergence.case,
        id=f"fuzz/{op}-{mark}",
        comment=f"Found by fuzzing: {judgement.verdict}: {judgement.message}.",
        source={"kind": "fuzz", "seed": str(seed), "found_in": f"{testee.name} {testee.version}"},
    )
    return Fixture(SPEC_VERSION, spec_digest(), scenario.rules, scenario.config, {}, (case,))
