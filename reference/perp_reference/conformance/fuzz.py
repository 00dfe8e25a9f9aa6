"""Differential fuzzing: scenarios near the vectors, drawn by Hypothesis, on the reference and on a testee.

A scenario is plain data, so what differs can be made small: by Hypothesis first, then by our own shrinking.
"""

import contextlib
import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import hypothesis
import hypothesis.strategies as st
from attrs import evolve, frozen
from hypothesis.errors import Flaky

from perp_reference.conformance.differ import Differ, Divergence
from perp_reference.conformance.fixtures import Case, Fixture, canonical, sha256
from perp_reference.conformance.release import Vectors
from perp_reference.conformance.rule_sets import Path, leaves, replaced
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.shrink import Shrinker
from perp_reference.conformance.spec import SPEC_VERSION, spec_digest
from perp_reference.conformance.tester import Testee, Tester

EXAMPLES = 200
"""Of one run of Hypothesis, all under one configuration; another seed follows."""

MOST_STEPS = 8

CHECKS = (
    hypothesis.HealthCheck.too_slow,
    hypothesis.HealthCheck.filter_too_much,
    hypothesis.HealthCheck.data_too_large,
    hypothesis.HealthCheck.large_base_example,
)
"""Warnings of Hypothesis that are meant for tests."""

HYPOTHESIS_SHRINKS = 250
"""Examples that Hypothesis may try to make a divergence smaller; the rest is for our own shrinking."""

DECIMAL = re.compile("-?[0-9]{1,39}")

EXTREMES = (0, 1, -1, 2, 2**53, 2**53 + 1, 2**60, 2**61, 2**62, 2**63 - 1, -(2**63 - 1), 10**6, 255)


@frozen
class Base:
    """A case of the vectors to start from."""

    rules: str
    config: Mapping[str, Any]
    case: Case


class Found(Exception):
    """The testee differs."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(divergence.judgement.message)
        self.divergence = divergence


class Enough(BaseException):
    """Time is over, or Hypothesis has shrunk for long enough. No Exception, so that it ends Hypothesis too."""


Bases = Mapping[str, Mapping[str, Sequence[Base]]]
"""Cases under one configuration, by the operations in them and by how these came out."""

ACCEPTED = "accepted"


def bases(vectors: Vectors, testee: Testee, rules: str = "") -> list[Bases]:
    """The cases to start from: for each fixture's configuration, by the operations in them."""
    found: dict[str, dict[str, dict[str, list[Base]]]] = {}
    configs: dict[str, Mapping[str, Any]] = {}
    for fixture in vectors.fixtures.values():
        if fixture.rules not in testee.rules or (rules and fixture.rules != rules):
            continue
        key = f"{fixture.rules} {sha256(canonical(fixture.config))}"
        config = configs.setdefault(key, fixture.config)
        for case in fixture.cases:
            if all(step.op in testee.operations for step in case.steps):
                base = Base(fixture.rules, config, case)
                for op, said in {(step.op, step.expected.reason or ACCEPTED) for step in case.steps}:
                    found.setdefault(key, {}).setdefault(op, {}).setdefault(said, []).append(base)
    return [{op: dict(sorted(group[op].items())) for op in sorted(group)} for group in found.values()]


def turns(groups: Sequence[Bases]) -> list[Bases]:
    """The groups in the order in which they are tried, over and over; those with more operations come more often."""
    most = max((len(group) for group in groups), default=0)
    rounds = [[group for group in groups if len(group) * number >= most] for number in range(1, most + 1)]
    found = [group for several in rounds for group in several]
    return found[: 4 * len(groups)]


@st.composite
def scenarios(draw: st.DrawFn, known: Bases) -> Scenario:
    """A scenario near a case: some steps of it, up to three values changed, steps repeated."""
    base = drawn_base(draw, known[draw(st.sampled_from(list(known)))])
    steps = [(step.op, step.args) for step in base.case.steps]
    if len(steps) > 1:
        steps = steps[: draw(st.integers(1, min(len(steps), 2 * MOST_STEPS)))]
    pre: Mapping[str, Any] = base.case.pre
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.integers(0, 3)) == 0:
            pre = changed_state(draw, pre)
        else:
            place = draw(st.integers(0, len(steps) - 1))
            steps[place] = (steps[place][0], changed(draw, steps[place][1], far=True))
    if draw(st.booleans()) and len(steps) < MOST_STEPS:
        steps.append(steps[draw(st.integers(0, len(steps) - 1))])
    return Scenario("fuzz", "", base.rules, base.config, pre, tuple(steps), {"kind": "fuzz"})


def drawn_base(draw: st.DrawFn, by_outcome: Mapping[str, Sequence[Base]]) -> Base:
    """A case of an operation: as often of each reason, however few the cases; half of the time an accepted one."""
    if ACCEPTED in by_outcome and draw(st.booleans()):
        return draw(st.sampled_from(by_outcome[ACCEPTED]))
    return draw(st.sampled_from(by_outcome[draw(st.sampled_from(list(by_outcome)))]))


def changed(draw: st.DrawFn, value: Any, far: bool) -> Any:
    """A JSON value with one number or flag changed."""
    paths = [path for path, leaf in leaves(value).items() if type(leaf) is bool or DECIMAL.fullmatch(leaf)]
    if not paths:
        return value
    path = draw(st.sampled_from(paths))
    return replaced(value, path, other(draw, at(value, path), far))


def changed_state(draw: st.DrawFn, pre: Mapping[str, Any]) -> Any:
    """A state with one value changed, to one nearby: far away lie states that no exchange can be in."""
    names = sorted(pre)
    name = draw(st.sampled_from(names))
    return {**pre, name: changed(draw, pre[name], far=False)}


def at(value: Any, path: Path) -> Any:
    """The value at a path."""
    for part in path:
        value = value[part]
    return value


def other(draw: st.DrawFn, leaf: Any, far: bool) -> Any:
    """Another number or flag."""
    if type(leaf) is bool:
        return not leaf
    number = int(leaf)
    near = [number + 1, number - 1, number // 2, number * 2, 0, number + 7, number - 13]
    if not far:
        return str(draw(st.sampled_from(near)))
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return str(draw(st.sampled_from([*near, -number])))
    if kind == 1:
        return str(draw(st.sampled_from(EXTREMES)))
    if kind == 2:
        return str(draw(st.integers(0, 20)))
    return str(number + draw(st.integers(-(2**40), 2**40)))


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
    differ = Differ(tester)
    order_of_groups = turns(bases(vectors, tester.testee, order.rules))
    started = time.monotonic()
    number = 0
    while order_of_groups and time.monotonic() - started < order.seconds:
        known = order_of_groups[number % len(order_of_groups)]
        found = one_run(differ, known, f"{order.seed}-{number}", started + order.seconds)
        if found is not None:
            return differ, Shrinker(differ, found[0]).shrink(), found[1] - started
        if told is not None:
            told(differ, time.monotonic() - started)
        number += 1
    return differ, None, time.monotonic() - started


def one_run(differ: Differ, known: Bases, seed: str, deadline: float) -> tuple[Divergence, float] | None:
    """One run of Hypothesis: the smallest divergence and when the first was found, or None."""
    best: list[tuple[Divergence, float]] = []
    tries = 0

    @hypothesis.seed(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=CHECKS,
        verbosity=hypothesis.Verbosity.quiet,
        report_multiple_bugs=False,
        print_blob=False,
    )
    @hypothesis.given(scenarios(known))
    def search(scenario: Scenario) -> None:
        nonlocal tries
        if best:
            tries += 1
        if tries > HYPOTHESIS_SHRINKS or time.monotonic() > deadline:
            raise Enough
        divergence = differ.compare(scenario, counts=not best)
        if divergence is not None:
            if not best:
                best.append((divergence, time.monotonic()))
            elif divergence.kind == best[0][0].kind and size(divergence) <= size(best[0][0]):
                best[0] = (divergence, best[0][1])
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
