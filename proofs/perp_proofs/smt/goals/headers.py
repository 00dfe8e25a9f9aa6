"""A batch begins where the last one ended, time never goes back, and the bucket refills no faster than its rate."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import attrs

from perp_proofs.smt import invariants
from perp_proofs.smt.frame import Stage
from perp_proofs.smt.prove import Claim, Goal, Statement
from perp_proofs.smt.rulebook import BEGIN_BATCH, RULES
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import both, minimum
from perp_spec.perpetual.operations import Header
from perp_spec.perpetual.records import Exchange, Ledger, Market, MarketOracle, MarketPrice, Parameters
from perp_spec.words import DAY, TIME_MAX, WORD_MAX

FILLED_BEFORE = "the bucket was not filled later than the time of the last batch, which every operation keeps"

COUNTED = invariants.ASSUMED[2]


class Begun(NamedTuple):
    """A batch that begins: its header, and the records before and after."""

    header: Header
    parameters: Parameters
    before: tuple[Exchange, Ledger]
    after: tuple[Exchange, Ledger]


def begun(stage: Stage) -> Begun:
    """Any batch."""
    scene = stage.scene(BEGIN_BATCH)
    exchange, ledger = scene.entry("exchange"), scene.entry("ledger")
    stage.assume(invariants.bucket_in_range(ledger.before, exchange.before), FILLED_BEFORE)
    stage.hint(ledger.after.bucket_at - ledger.before.bucket_at, scene.before("parameters").bucket_refill)
    return Begun(
        scene.operation,
        scene.before("parameters"),
        (exchange.before, ledger.before),
        (exchange.after, ledger.after),
    )


def batches_are_counted_and_time_never_goes_back(stage: Stage) -> Iterator[Claim]:
    """From one batch to the next."""
    batch = begun(stage)
    (before, _), (after, ledger) = batch.before, batch.after
    yield Claim("the number is the next one", after.number == before.number + 1)
    yield Claim("time does not go back", after.time >= before.time)
    said = both(after.number == batch.header.number, after.time == batch.header.time)
    yield Claim("both are those of the header", said)
    yield Claim("the bucket is filled now", ledger.bucket_at == after.time)


def a_batch_can_always_begin(stage: Stage) -> Iterator[Claim]:
    """In any state, also in a frozen one: the header that says what is so."""
    _, _, loaded = stage.loads(BEGIN_BATCH)
    applied, _, exchange, _ = loaded
    stage.assume(exchange.number <= invariants.COUNTER_MAX, COUNTED)
    time = stage.word("time", 0, TIME_MAX)
    stage.assume(time >= exchange.time, "it is no earlier than the last batch")
    header = Header(exchange.number + 1, time, applied.root, applied.config_digest)
    yield Claim("it is accepted", stage.outcome(BEGIN_BATCH.function, header, *loaded) == 0)


def what_was_in_range_stays_so_as_time_goes_on(stage: Stage) -> Iterator[Claim]:
    """Of a market that the batch does not touch: what its ranges say of the time."""
    batch = begun(stage)
    market = stage.record(Market, "market")
    price, oracle = stage.record(MarketPrice, "price"), stage.record(MarketOracle, "oracle")

    def in_range(now: Word) -> Flag:
        return both(
            invariants.price_in_range(price, market, now),
            invariants.oracle_in_range(oracle, market, now),
        )

    stage.assume(in_range(batch.before[0].time), "the market is in range before")
    yield Claim("and is after", in_range(batch.after[0].time))


def the_bucket_refills_by_its_rate_and_no_further(stage: Stage) -> Iterator[Claim]:
    """From one batch to the next."""
    batch = begun(stage)
    own, (_, before), (now, after) = batch.parameters, batch.before, batch.after
    stage.hint(DAY - (now.time - before.bucket_at), own.bucket_refill)
    stage.hint((now.time - before.bucket_at) - DAY, own.bucket_refill)
    gained, waited = after.bucket - before.bucket, now.time - before.bucket_at
    yield Claim("no more than its size", after.bucket <= own.bucket_size)
    yield Claim("no more than the rate allows", gained <= own.bucket_refill * waited)
    yield Claim("no more than a day of it", gained <= own.bucket_refill * DAY)
    yield Claim("nothing is taken but what is over its size", after.bucket >= minimum(before.bucket, own.bucket_size))


def waiting_in_two_batches_refills_the_same(stage: Stage) -> Iterator[Claim]:
    """One batch, and one between, all within a day."""
    header, _, (applied, own, exchange, ledger) = stage.loads(BEGIN_BATCH)
    between = stage.word("between", 0, TIME_MAX)
    stage.assume(invariants.bucket_in_range(ledger, exchange), FILLED_BEFORE)
    stage.assume(header.time <= ledger.bucket_at + DAY, "no more than a day goes by")
    stage.assume(both(exchange.time <= between, between <= header.time), "a batch begins between")
    earlier = attrs.evolve(header, time=between)
    stage.hint(header.time - between, own.bucket_refill)
    stage.hint(between - ledger.bucket_at, own.bucket_refill)
    for wait in (header.time - ledger.bucket_at, between - ledger.bucket_at, header.time - between):
        stage.split(wait < DAY)
    _, once = stage.perform(BEGIN_BATCH.function, header, applied, own, exchange, ledger)
    middle, first = stage.perform(BEGIN_BATCH.function, earlier, applied, own, exchange, ledger)
    later = attrs.evolve(header, number=middle.number + 1)
    _, second = stage.perform(BEGIN_BATCH.function, later, applied, own, middle, first)
    yield Claim("the bucket holds the same", both(second.bucket == once.bucket, second.bucket_at == once.bucket_at))


def withdrawals_stay_within_the_bucket(name: str, stage: Stage) -> Iterator[Claim]:
    """What was withdrawn since some batch, by any number of withdrawals in any number of batches since.

    Of the two operations that change the bucket; that no other one does is what `changes_nothing_else` says.
    """
    scene = stage.scene(RULES[name])
    own, before, after = stage.record(Parameters, "parameters"), scene.before("ledger"), scene.after("ledger")
    start, since = stage.word("bucket_at_the_start", 0, WORD_MAX), stage.word("start", 0, TIME_MAX)
    withdrawn = stage.word("withdrawn", 0, WORD_MAX)
    stage.assume(invariants.bucket_in_range(before, scene.before("exchange")), FILLED_BEFORE)
    stage.assume(within_the_bucket(own, before, withdrawn, start, since), "it holds of what was withdrawn before")
    stage.hint(after.bucket_at - before.bucket_at, own.bucket_refill)
    more = scene.operation.amount if name == "withdraw" else 0
    yield Claim("it still holds", within_the_bucket(own, after, withdrawn + more, start, since))


def within_the_bucket(own: Parameters, ledger: Ledger, withdrawn: Word, start: Word, since: Word) -> Flag:
    """What was withdrawn, and what still can be, is no more than there was at the start and flowed in since."""
    return withdrawn + ledger.bucket <= start + own.bucket_refill * (ledger.bucket_at - since)


def header_goal(statement: Statement, sentence: str, *assumptions: str) -> Goal:
    """A goal of this family."""
    return Goal(statement.__name__, sentence, statement, (BEGIN_BATCH.name,), assumptions=assumptions)


GOALS = (
    header_goal(
        batches_are_counted_and_time_never_goes_back,
        "A batch that begins has the number after the last one's and a time no earlier, those that its header says; "
        "the bucket is filled as of that time.",
        FILLED_BEFORE,
    ),
    header_goal(
        a_batch_can_always_begin,
        "In every state a header that says its number, root and configuration and no earlier time is accepted, also "
        "where the exchange is frozen.",
        COUNTED,
    ),
    header_goal(
        what_was_in_range_stays_so_as_time_goes_on,
        "A market whose price and oracle are in the ranges that operations keep is in them at the time of the next "
        "batch too.",
        FILLED_BEFORE,
    ),
    header_goal(
        the_bucket_refills_by_its_rate_and_no_further,
        "From one batch to the next the withdrawal bucket gains at most its rate for the seconds between, at most a "
        "day of it, and never holds more than its size; nothing flows out but what is over that.",
        FILLED_BEFORE,
    ),
    header_goal(
        waiting_in_two_batches_refills_the_same,
        "Within a day, two batches refill the bucket exactly as one at the time of the second does.",
        FILLED_BEFORE,
    ),
    *(
        Goal(
            name=f"{name}_keeps_withdrawals_within_the_bucket",
            sentence="What is withdrawn over any number of batches is at most what the bucket held at the start and "
            f"its rate for the seconds since: {name} keeps that.",
            statement=partial(withdrawals_stay_within_the_bucket, name),
            subjects=(name,),
            assumptions=(FILLED_BEFORE,),
        )
        for name in (BEGIN_BATCH.name, "withdraw")
    ),
)
