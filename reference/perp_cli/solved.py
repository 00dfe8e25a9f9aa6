"""States that the solver finds on either side of each guard, made into the committed files of vectors."""

import re
from collections.abc import Iterable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import z3

from perp_cli.went import Went, went
from perp_proofs.smt.places import Place
from perp_proofs.smt.reach import GAVE_UP, IMPOSSIBLE, NOT_SOUGHT, UNREACHABLE, Catch, Missed, Search, Target
from perp_proofs.smt.rule_digests import rule_digest
from perp_proofs.smt.small import Found, placed
from perp_reference.conformance.solved import Solved, SolvedRule, encode_solved
from perp_reference.core.state import RecordKey
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.reasons import Reason

assert rules.__all__, "importing the rules registers them"

ANYHOW = "anyhow"
"""In place of a distance that is not known."""


def solved_rule(name: str) -> SolvedRule:
    """Look for all states of a rule."""
    search = Search(PERPETUAL.rules[name])
    search.run()
    found = tuple(cases(name, search.catches, guard_numbers(search)))
    return SolvedRule(
        rule=name,
        digest=rule_digest(PERPETUAL.rules[name]),
        solver=f"Z3 {z3.get_version_string()}",
        counts=counts(search),
        guards=tuple(guard_lines(search, found)),
        missed=tuple(missed_line(item) for item in search.missed),
        cases=found,
    )


def guard_numbers(search: Search) -> dict[Place, int]:
    """The number of each guard, in the order of the rule."""
    guards = dict.fromkeys(target.place for target in search.targets if target.reason)
    return {place: number for number, place in enumerate(guards, 1)}


def guard_lines(search: Search, found: Iterable[Solved]) -> Iterator[dict[str, str]]:
    """Each guard, and how near to its boundary the states meet it on either side; nothing where they do not.

    That they do is seen by running the rule; some guards hold in all states of a kind, and how near is not known.
    """
    seen = {one for case in found for one in went(case)[0] if one.reason}
    reasons = {target.place: target.reason for target in search.targets if is_guard(target)}
    for place, reason in {**reasons, **{one.place: one.reason for one in seen}}.items():
        line = {"in": " > ".join(step.function for step in place), "text": place[-1].text, "reason": reason}
        for side, holds in (("holds", True), ("fails", False)):
            targets = [target for target in search.best if target.place == place and target.holds is holds]
            near = min((search.best[target] for target in targets), default=None)
            line[side] = (ANYHOW if near is None else str(near)) if Went(place, reason, holds) in seen else ""
        yield line


def is_guard(target: Target) -> bool:
    """It is a guard where it stands, and not a conditional call of which a guard holds in no state of a variant."""
    return target.reason != "" and target.place[-1].text.startswith("require")


def counts(search: Search) -> dict[str, str]:
    """How many sides and ways there are, and how many were met."""
    targets = search.targets
    sides = [target for target in targets if target.reason]
    ways = [target for target in targets if not target.reason]
    numbers = {
        "sides": len(sides),
        "sides_met": sum(target in search.best for target in sides),
        "sides_met_by_one_unit": sum(search.best.get(target) == 0 for target in sides),
        "ways": len(ways),
        "ways_met": sum(target in search.best for target in ways),
        "unreachable": sum(item.why == UNREACHABLE for item in search.missed),
        "impossible": sum(item.why == IMPOSSIBLE for item in search.missed),
        "given_up": sum(item.why == GAVE_UP for item in search.missed),
        "not_sought": sum(item.why == NOT_SOUGHT for item in search.missed),
    }
    return {name: str(number) for name, number in numbers.items()}


def missed_line(item: Missed) -> dict[str, str]:
    """What no state was found for."""
    target = item.target
    return {
        "in": " > ".join(step.function for step in target.place),
        "text": target.place[-1].text if target.place else "",
        "decided by": target.comparison[-1].text if target.comparison else "",
        "reason": target.reason,
        "holds": "yes" if target.holds else "no",
        "verdict": item.why,
    }


def cases(rule: str, catches: Iterable[Catch], numbers: dict[Any, int]) -> Iterator[Solved]:
    """The states, as vectors."""
    for number, caught in enumerate(catches, 1):
        operation, _, loaded = Found(caught.values, caught.variant).loads(PERPETUAL.rules[rule])
        records = {
            RecordKey(kind, key): record
            for kind, key, record in placed(PERPETUAL.rules[rule], operation, loaded)
            if record != kind()
        }
        target = caught.target
        what = f"guard-{numbers[target.place]:02d}-{slug(target.reason)}" if target.reason else "decision"
        name = f"witnesses/{rule}/{number:03d}-{what}-{'holds' if target.holds else 'fails'}"
        yield Solved(name, comment(target, caught), caught.outcome, records, operation)


def comment(target: Target, caught: Catch) -> str:
    """What a state stands for."""
    outcome = caught.outcome or "accepted"
    side = "holds" if target.holds else "does not hold"
    where = " > ".join(step.function for step in target.place)
    if not target.reason:
        return f"Found by a solver: in {where}, what {target.place[-1].text} asks {side}. {outcome}."
    if not target.comparison:
        kind = "with a market that is not configured" if caught.variant.unconfigured else caught.variant.name
        return (
            f"Found by a solver: in {where}, the guard {target.reason} holds in no state of a kind, {kind}. {outcome}."
        )
    units = caught.met[target]
    near = "by one unit" if units == 0 else f"{units} units from its boundary"
    decided = target.comparison[-1].text
    return f"Found by a solver: in {where}, the guard {target.reason} {side}, {near}, by {decided}. {outcome}."


def slug(text: str) -> str:
    """A text as a part of an id."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or str(int(Reason.FROZEN))


def solved_file(name: str) -> tuple[str, bytes]:
    """The file of a rule, with its name."""
    return name, encode_solved(solved_rule(name))


def solved_files(names: list[str], processes: int) -> Iterator[tuple[str, bytes]]:
    """The files of rules, as they come."""
    with get_context("spawn").Pool(min(processes, len(names))) as pool:
        yield from pool.imap_unordered(solved_file, names, chunksize=1)


def file_of(directory: Path, name: str) -> Path:
    """Where the file of a rule is."""
    return directory / f"{name}.jsonl"
