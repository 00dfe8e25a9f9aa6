"""Scenarios that tell mutants of the rules from the rules, where the other vectors do not.

A killer is a case of the other vectors up to one of its steps, with words of the state or of the operation changed. It
is kept as that, in tests/vectors/conformance/killers.jsonl. To find more, and add them to the file:

    PYTHONPATH=tests .venv/bin/python -m support.vectors.killers [EVERY [CANDIDATES]]
"""

import hashlib
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from types import CodeType
from typing import Any

from attrs import frozen

from perp_reference.conformance.boundary import Leaf, Moment, has_root, with_leaf, words
from perp_reference.conformance.fixtures import Case, Fixture
from perp_reference.conformance.mutants import Mutant, Step, Trial, mutants, mutated, notices, observed, plain, score
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.release import ARCHIVE, Vectors, read_vectors
from perp_reference.conformance.rule_sets import rule_book
from perp_reference.conformance.scenarios import Scenario
from perp_reference.conformance.values import (
    NAMES,
    RECORD_NAMES,
    RECORDS,
    decode_operation,
    encode_record,
    encode_state,
    records_of,
)
from perp_reference.core.encoding import EncodingError
from perp_reference.core.state import OutOfRangeError, RecordKey
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.records import Account, Exchange, Ledger, MarketPrice, Position
from perp_spec.words import Unit, fields_of

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "conformance"

FILE = VECTORS / "killers.jsonl"

CANDIDATES = 20_000
"""Moments that are tried."""

MOST_CHANGES = 9

SEED = 2


@frozen
class Candidate:
    """A moment near a case."""

    case: str
    step: int
    changes: tuple[tuple[Leaf, int], ...]
    moment: Moment
    config: Mapping[str, Any]


def usable(session: PerpetualSession, moment: Moment) -> bool:
    """Whether an exchange could be in this state, as far as ranges and the configuration say."""
    markets = session.current.markets
    for place, record in moment.records.items():
        described = fields_of(place.record)
        for path, word, _ in words(record):
            field = described[str(path[0])]
            if not field.low <= word <= field.high:
                return False
        if place.record is MarketPrice and max(record.price, record.index) > markets[place.key].max_price:
            return False
        if place.record is Position and not held(record, session):
            return False
        if getattr(record, "market", 0) >= len(markets):
            return False
    if any(not field.low <= word <= field.high for _, word, field in words(moment.operation)):
        return False
    return has_root(moment.records)


def held(position: Position, session: PerpetualSession) -> bool:
    """Whether a position is one that the configuration allows."""
    markets = session.current.markets
    return position.market < len(markets) and abs(position.size) <= markets[position.market].max_size


def moments(vectors: Vectors) -> Iterator[tuple[Fixture, Case, int, Moment]]:
    """Each step of each case that is no header, with the state before it."""
    for fixture in vectors.fixtures.values():
        if fixture.rules != "perpetual":
            continue
        session = rule_book(fixture.rules).configure(fixture.config)
        assert isinstance(session, PerpetualSession)
        session.trusts_headers = True
        for case in fixture.cases:
            if case.id in vectors.decoys or case.source["kind"] == "mutation":
                continue
            session.load(case.pre)
            for number, step in enumerate(case.steps):
                operation = decode_operation(step.op, dict(step.args))
                if not isinstance(operation, Header):
                    yield fixture, case, number, Moment(records_of(session.current), operation)
                session.apply_operation(operation)


def all_words(record: Any) -> Iterator[tuple[tuple[str | int, ...], int, Unit]]:
    """Path, value and unit of each word and flag of a record."""
    for path, word, field in words(record):
        yield path, word, field.unit
    for name, field in fields_of(type(record)).items():
        if field.unit is Unit.FLAG:
            yield (name,), getattr(record, name), Unit.FLAG


def near(rng: Random, moment: Moment) -> tuple[tuple[Leaf, int], ...]:
    """Up to three words changed, of the operation or of some record of each kind alike."""
    kinds: dict[type[Any], list[RecordKey]] = {}
    for place in moment.records:
        kinds.setdefault(place.record, []).append(place)
    accounts = [place.key for place in kinds[Account]]
    chosen: dict[Leaf, int] = {}
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        place = None if rng.random() < 0.4 else rng.choice(kinds[rng.choice(list(kinds))])
        found = list(all_words(moment.operation if place is None else moment.records[place]))
        if found:
            path, word, unit = rng.choice(found)
            chosen[Leaf(place, path)] = another(rng, moment, accounts, word, unit)
    return tuple(chosen.items())


def another(rng: Random, moment: Moment, accounts: list[int], word: int, unit: Unit) -> int:
    """Another value for a word of some unit."""
    if unit is Unit.FLAG:
        return not word
    if unit is Unit.ID:
        return rng.choice((*accounts, 0, 1, 2, word + 1))
    if unit is Unit.TIME:
        now = moment.records[RecordKey(Exchange, 0)].time
        ages = (0, 1, -1, 59, 60, 61, 119, 120, 121, 240, 300, 1_799, 1_800, 1_801, 3_599, 3_600, 3_601, 7_200, 86_400)
        return rng.choice((word + 1, word - 1, 0, now, *(now - age for age in ages)))
    if unit is Unit.ATOMS:
        amounts = [amount for amount in atoms_of(moment) if amount]
        like = rng.choice(amounts) if amounts else 1
        near_by = (word + 1, word - 1, 0, word // 2, 2 * word, -word, like, word + like, word - like, word - 2 * like)
        return rng.choice((*near_by, rng.randint(-9, 9), word + rng.randint(-5_000, 5_000)))
    return rng.choice(
        (word + 1, word - 1, 0, word // 2, 2 * word, -word, rng.randint(0, 8), word + rng.randint(-50, 50))
    )


def atoms_of(moment: Moment) -> Iterator[int]:
    """The amounts of money in a state."""
    for place, record in moment.records.items():
        if place.record in (Account, Ledger):
            yield from (word for _, word, field in words(record) if field.unit is Unit.ATOMS)


Tried = tuple[PerpetualSession, Candidate, Step, frozenset[CodeType]]
"""A candidate with its session, what the rules say of it, and what they run for it."""


def candidates(vectors: Vectors, count: int) -> Iterator[Tried]:
    """Moments near the cases; one whose outcome is new becomes a place to go on from."""
    corpus: dict[str, list[tuple[Fixture, Candidate]]] = {}
    for fixture, case, step, moment in moments(vectors):
        begun = Candidate(case.id, step, (), moment, fixture.config)
        corpus.setdefault(NAMES[type(moment.operation)], []).append((fixture, begun))
    sessions = {id(fixture): configured(fixture) for own in corpus.values() for fixture, _ in own}
    seen: set[Any] = set()
    for number in range(count):
        rng = Random(f"{SEED}-{number}")
        own = corpus[rng.choice(sorted(corpus))]
        # What is new stands at the end.
        fixture, base = own[-rng.randint(1, min(len(own), 60))] if rng.random() < 0.5 else rng.choice(own)
        tried = attempt(sessions[id(fixture)], base, near(rng, base.moment))
        if tried is not None:
            candidate = tried[1]
            mark = novelty(candidate.moment, tried[2])
            if mark not in seen and len(candidate.changes) <= MOST_CHANGES:
                seen.add(mark)
                own.append((fixture, candidate))
            yield tried


def attempt(session: PerpetualSession, base: Candidate, changes: tuple[tuple[Leaf, int], ...]) -> Tried | None:
    """A candidate with further changes; None where no exchange could be there."""
    moment = base.moment
    for leaf, word in changes:
        moment = with_leaf(moment, leaf, word)
    if not usable(session, moment):
        return None
    session.take(moment.records)
    try:
        [said], calls = observed(session, [moment.operation])
    except (OutOfRangeError, EncodingError, ArithmeticError, LookupError, TypeError):
        session.current.rollback()
        return None
    candidate = Candidate(base.case, base.step, (*base.changes, *changes), moment, base.config)
    return session, candidate, said, calls


def configured(fixture: Fixture) -> PerpetualSession:
    """A session with the configuration of a fixture."""
    session = rule_book(fixture.rules).configure(fixture.config)
    assert isinstance(session, PerpetualSession)
    session.trusts_headers = True
    return session


def novelty(moment: Moment, said: Step) -> Any:
    """What makes an outcome another one: the rule, the reason, and which words changed in which direction."""
    if said.reason is not None:
        return type(moment.operation), said.reason
    signs: set[Any] = set()
    for place, after in said.changed.items():
        before = moment.records.get(place) or place.record()
        for (path, old, _), (_, new, _) in zip(words(before), words(after), strict=True):
            if old != new:
                signs.add((place.record, path, new > old, new > 0, place.key if place.record is Account else 0))
    return type(moment.operation), frozenset(signs)


def find(
    vectors: Vectors, several: Iterable[Mutant], count: int
) -> tuple[list[tuple[Candidate, Mutant]], list[Mutant]]:
    """Candidates that notice mutants, and the mutants that none notices."""
    pool = [
        (Trial(candidate.case, session, candidate.moment.records, (said,), calls), candidate)
        for session, candidate, said, calls in candidates(vectors, count)
    ]
    found: list[tuple[Candidate, Mutant]] = []
    left: list[Mutant] = []
    for mutant in several:
        code = plain(vars(sys.modules[mutant.module])[mutant.function]).__code__
        running = [(trial, candidate) for trial, candidate in pool if code in trial.calls]
        with mutated(mutant):
            # What has killed before is tried first: fewer killers remain.
            known = [(trial, candidate) for trial, candidate in running if any(candidate is used for used, _ in found)]
            killer = next((candidate for trial, candidate in (*known, *running) if notices(trial)), None)
        if killer is None:
            left.append(mutant)
        elif all(killer is not used for used, _ in found):
            found.append((killer, mutant))
    return found, left


# The file


def leaf_text(leaf: Leaf) -> list[str]:
    """A word's place as the file names it."""
    place = [] if leaf.place is None else [RECORD_NAMES[leaf.place.record], str(leaf.place.key)]
    return [*place, "/".join(str(part) for part in leaf.path)]


def leaf_of(text: list[str]) -> Leaf:
    """The inverse."""
    *place, path = text
    parts = tuple(int(part) if part.isdigit() else part for part in path.split("/"))
    return Leaf(RecordKey(RECORDS[place[0]], int(place[1])) if place else None, parts)


def line_of(killer: Candidate, mutant: Mutant) -> str:
    """A killer's line."""
    changes = [[*leaf_text(leaf), str(word).lower()] for leaf, word in killer.changes]
    return json.dumps({"case": killer.case, "step": str(killer.step), "changes": changes, "kills": mutant.name})


def killer_scenarios(others: Mapping[str, Scenario]) -> Iterator[Scenario]:
    """The scenarios of the file, from the scenarios they change."""
    if not FILE.exists():
        return
    sessions: dict[int, PerpetualSession] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        killer = json.loads(line)
        base = others[killer["case"]]
        session = sessions.get(id(base.config))
        if session is None:
            made = rule_book(base.rules).configure(base.config)
            assert isinstance(made, PerpetualSession)
            session = sessions[id(base.config)] = made
        session.trusts_headers = True
        yield killer_scenario(session, base, killer)


def killer_scenario(session: PerpetualSession, base: Scenario, killer: Mapping[str, Any]) -> Scenario:
    """One of them."""
    session.load(base.pre)
    operations = [
        decode_operation(name, dict(args)) for name, args in itertools.islice(base.steps, int(killer["step"]) + 1)
    ]
    for operation in operations[:-1]:
        session.apply_operation(operation)
    moment = Moment(records_of(session.current), operations[-1])
    for *place, word in killer["changes"]:
        value = word == "true" if word in ("true", "false") else int(word)
        moment = with_leaf(moment, leaf_of(place), value)
    name = NAMES[type(moment.operation)]
    mark = hashlib.sha256(json.dumps([killer["case"], killer["step"], killer["changes"]]).encode()).hexdigest()[:8]
    return Scenario(
        id=f"{name}/mutant-{mark}",
        comment=f"Tells the rules from a mutant: {killer['kills']}",
        rules=base.rules,
        config=base.config,
        pre=encode_state(moment.records),
        steps=((name, encode_record(moment.operation)),),
        source={"kind": "mutation"},
        flags=("EDGE_CASE",),
    )


def main(every: int, count: int) -> None:
    """Find killers of the mutants that the archive does not notice, and add them to the file."""
    vectors = read_vectors(VECTORS / ARCHIVE)
    survivors = score(vectors, list(mutants())[::every]).survivors
    sys.stderr.write(f"{len(survivors)} survivors\n")
    found, left = find(vectors, survivors, count)
    with FILE.open("a", encoding="utf-8") as file:
        file.writelines(f"{line_of(killer, mutant)}\n" for killer, mutant in found)
    sys.stderr.write(f"{len(found)} killers, {len(left)} mutants left\n")
    sys.stdout.write("".join(f"{mutant.name}\n" for mutant in left))


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [1, CANDIDATES][len(given) :]))
