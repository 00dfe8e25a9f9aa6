"""States that the solver finds on either side of each guard, made into the committed files of vectors."""

import re
from collections.abc import Iterable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import z3

from perp_proofs.smt.reach import GAVE_UP, IMPOSSIBLE, NOT_SOUGHT, Catch, Missed, Search, Target
from perp_proofs.smt.rule_digests import rule_digest
from perp_proofs.smt.small import Found, placed
from perp_reference.conformance.solved import Solved, SolvedRule, encode_solved
from perp_reference.core.state import RecordKey
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Kind, OrderSlot
from perp_spec.words import ORDER_SLOTS

assert rules.__all__, "importing the rules registers them"


def solved_rule(name: str) -> SolvedRule:
    """Look for all states of a rule."""
    search = Search(PERPETUAL.rules[name])
    search.run()
    numbers = guard_numbers(search)
    return SolvedRule(
        rule=name,
        digest=rule_digest(PERPETUAL.rules[name]),
        solver=f"Z3 {z3.get_version_string()}",
        counts=counts(search),
        missed=tuple(missed_line(item) for item in search.missed),
        cases=tuple(cases(name, search.catches, numbers)),
    )


def guard_numbers(search: Search) -> dict[Any, int]:
    """The number of each guard, in the order of the rule."""
    guards = dict.fromkeys(
        aim.target.place for prospect in search.prospects for aim in prospect.aims if aim.target.reason
    )
    return {place: number for number, place in enumerate(guards, 1)}


def counts(search: Search) -> dict[str, str]:
    """How many sides and ways there are, and how many were met."""
    targets = dict.fromkeys(aim.target for prospect in search.prospects for aim in prospect.aims)
    sides = [target for target in targets if target.reason]
    ways = [target for target in targets if not target.reason]
    numbers = {
        "sides": len(sides),
        "sides_met": sum(target in search.best for target in sides),
        "sides_met_by_one_unit": sum(search.best.get(target) == 0 for target in sides),
        "ways": len(ways),
        "ways_met": sum(target in search.best for target in ways),
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
        for place in [place for place in records if place.record is OrderSlot]:
            # Governance uses order slots of the fund's account, which its rule does not load.
            records.setdefault(RecordKey(Account, place.key // ORDER_SLOTS), Account(kind=Kind.CROSS))
        target = caught.target
        what = f"guard-{numbers[target.place]:02d}-{slug(target.reason)}" if target.reason else "decision"
        name = f"witnesses/{rule}/{number:03d}-{what}-{'holds' if target.holds else 'fails'}"
        yield Solved(name, comment(target, caught), caught.outcome, records, operation)


def comment(target: Target, caught: Catch) -> str:
    """What a state stands for."""
    outcome = caught.outcome or "accepted"
    side = "holds" if target.holds else "does not hold"
    if not target.place:
        return f"Found by a solver: a market that is not configured. {outcome}."
    where = " > ".join(step.function for step in target.place)
    if not target.reason:
        return f"Found by a solver: in {where}, what {target.place[-1].text} asks {side}. {outcome}."
    units = caught.met[target]
    near = "by one unit" if units == 0 else f"{units} units from its boundary"
    decided = target.comparison[-1].text if target.comparison else target.reason
    return f"Found by a solver: in {where}, the guard {target.reason} {side}, {near}, by {decided}. {outcome}."


def slug(text: str) -> str:
    """A text as a part of an id."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or str(int(Reason.FROZEN))


def solved_file(name: str) -> tuple[str, bytes]:
    """The file of a rule, with its name."""
    return name, encode_solved(solved_rule(name))


def solved_files(names: list[str], processes: int) -> Iterator[tuple[str, bytes]]:
    """The files of rules, as they come; each from a process of its own, as Z3 remembers what it did before."""
    with get_context("spawn").Pool(min(processes, len(names)), maxtasksperchild=1) as pool:
        yield from pool.imap_unordered(solved_file, names, chunksize=1)


def file_of(directory: Path, name: str) -> Path:
    """Where the file of a rule is."""
    return directory / f"{name}.jsonl"
