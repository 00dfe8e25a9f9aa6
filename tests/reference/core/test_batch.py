"""A batch happens wholly or not at all, and the builder leaves out exactly what the rules reject."""

from collections.abc import Iterable
from typing import Any

import attrs
import pytest

from perp_reference.core.batch import (
    Batch,
    Builder,
    EndBatchError,
    InvalidBatchError,
    apply_batch,
    build_batch,
    completed,
)
from perp_reference.core.machine import RULES, rule_of
from perp_reference.core.state import RecordKey, State, genesis
from perp_reference.demo import ACTS, BOB, CAROL, LINK, START, Cast, intent, ticks
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import Deposit, EndBatch, Header, Transfer, Withdraw
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Account, Exchange, Ledger, MarketPrice, Queue

CAST = Cast({0: 0, 2: 22, 3: 33, 4: 44, 5: 55, 6: 66, 7: 33})


class CountingCommits:
    """Stands for a root: the number of changed records taken in."""

    config_digest = 5

    def __init__(self) -> None:
        self.root = 0

    def update(self, changed: Iterable[RecordKey]) -> None:
        self.root += len(list(changed))


def fresh() -> tuple[State, CountingCommits]:
    return genesis(default_config(3)), CountingCommits()


def played(acts: int) -> tuple[State, CountingCommits, list[Batch]]:
    state, commits = fresh()
    batches = [build_batch(state, commits, act.time, act.operations(CAST))[0] for act in ACTS[:acts]]
    return state, commits, batches


def records(state: State) -> dict[RecordKey, Any]:
    return {RecordKey(kind, key): value for kind, table in state.tables.items() for key, value in table.items()}


def test_the_demo_holds_every_kind_of_operation() -> None:
    _, _, batches = played(len(ACTS))
    used = {rule_of(operation).name for batch in batches for operation in batch.operations}
    assert used == {rule.name for rule in RULES.values()}


def test_a_built_batch_applies_elsewhere_with_the_same_state() -> None:
    state, _, batches = played(len(ACTS))
    other, commits = fresh()
    for batch in batches:
        apply_batch(other, commits, batch)
    assert records(other) == records(state)


def test_the_builder_reports_each_rejection_with_reason_and_numbers() -> None:
    state, commits, _ = played(1)
    _, rejected, _ = build_batch(state, commits, ACTS[1].time, ACTS[1].operations(CAST))
    assert [(refused.place, refused.rule, refused.reason, refused.violated) for refused in rejected] == [
        (7, "trade", Reason.MARKET_NOT_ALLOWED, (Reason.MARKET_NOT_ALLOWED,)),
        (14, "withdraw", Reason.INITIAL_MARGIN, (Reason.INITIAL_MARGIN,)),
        (17, "trade", Reason.OPEN_INTEREST, (Reason.OPEN_INTEREST,)),
    ]
    guard = rejected[1].guards[0]
    comparison = guard.comparisons[0]
    assert (comparison.relation, comparison.holds) == (">=", False)
    assert comparison.left < comparison.right


def test_a_rejected_operation_makes_the_whole_batch_invalid_and_leaves_the_state_alone() -> None:
    state, commits, _ = played(1)
    other, other_commits, _ = played(1)
    batch, _, _ = build_batch(other, other_commits, ACTS[1].time, ACTS[1].operations(CAST))
    bad = Withdraw(account=CAROL, amount=2**60, intent=intent(20))
    before = records(state)
    root = commits.root
    spoiled = Batch(batch.header, (*batch.operations[:4], bad, *batch.operations[4:]))
    with pytest.raises(InvalidBatchError) as caught:
        apply_batch(state, commits, spoiled)
    assert (caught.value.place, caught.value.rule, caught.value.reason) == (4, "withdraw", Reason.BUCKET)
    assert str(caught.value) == "the batch is invalid: operation 5 (withdraw) is rejected with BUCKET"
    assert (records(state), commits.root, state.journal) == (before, root, {})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"number": 3}, Reason.BATCH_NUMBER),
        ({"number": 1}, Reason.BATCH_NUMBER),
        ({"time": START - 1}, Reason.TIME_BACKWARDS),
        ({"previous_root": 1}, Reason.PREVIOUS_ROOT),
        ({"config_digest": 6}, Reason.CONFIG_DIGEST),
    ],
)
def test_a_header_that_does_not_fit_is_rejected(change: dict[str, int], reason: Reason) -> None:
    state, commits, _ = played(1)
    header = attrs.evolve(Header(2, START, commits.root, 5), **change)
    before = records(state)
    with pytest.raises(InvalidBatchError) as caught:
        apply_batch(state, commits, Batch(header, (EndBatch(),)))
    assert (caught.value.place, caught.value.reason) == (None, reason)
    assert [guard.reason for guard in caught.value.guards] == [reason]
    assert records(state) == before


@pytest.mark.parametrize(
    "operations", [(), (*ticks(1, 1, 1),), (EndBatch(), EndBatch()), (EndBatch(), *ticks(1, 1, 1))]
)
def test_a_batch_ends_with_its_one_end_batch(operations: tuple[Any, ...]) -> None:
    state, commits = fresh()
    with pytest.raises(EndBatchError):
        apply_batch(state, commits, Batch(Header(1, START, 0, 5), operations))
    assert state.get(Exchange, 0) == Exchange()


def test_an_abandoned_batch_leaves_no_trace() -> None:
    state, commits, _ = played(1)
    before = records(state)
    builder = Builder(state, commits, Header(time=START + 5))
    assert builder.offer(Transfer(sender=BOB, recipient=CAROL, amount=1, intent=intent(30))) is None
    builder.abandon()
    assert records(state) == before


def test_what_a_deposit_must_state_is_filled_in() -> None:
    state, _, _ = played(1)
    queue = state.get(Queue, 0)
    deposit = completed(state, Deposit(account=CAROL, key=1, amount=5))
    assert (deposit.position, deposit.result) == (queue.position, Reason.NO_ACCOUNT)
    assert deposit.chain not in {0, queue.chain}


def test_the_bucket_refills_with_time_but_not_beyond_its_size() -> None:
    state, commits, _ = played(2)
    size = state.parameters.bucket_size
    assert state.get(Ledger, 0).bucket == size - 10_000_000_000
    batch, _, _ = build_batch(state, commits, START + 61, ())
    assert batch.operations == (EndBatch(),)
    assert state.get(Ledger, 0).bucket == size - 5_000_000_000
    build_batch(state, commits, START + 99, ())
    assert state.get(Ledger, 0).bucket == size


def test_the_crash_of_the_demo_stays_within_the_band() -> None:
    state, commits, _ = played(3)
    price = state.get(MarketPrice, 0)
    assert (price.index, price.level, price.gap) == (2_800_000, 2, True)
    assert price.price == 3_761_600 - 376_160
    assert state.get(Account, 2).collateral == 0
    assert state.get(MarketPrice, LINK).gap is False
    assert commits.root > 0
