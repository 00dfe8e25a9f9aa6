"""Exits without the operator's good will: what an answer, a freeze and an escape leave."""

import attrs
import pytest

from perp_hash.tags import Tag
from perp_spec.language import digest
from perp_spec.perpetual.operations import EscapeClaim, EscapePay, ForcedReduce, Freeze
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FUND,
    Account,
    Claim,
    Exchange,
    Forced,
    Ledger,
    MarketPrice,
    OrderSlot,
    Path,
    Position,
    Queue,
    Request,
)
from perp_spec.words import ORDER_SLOTS, POSITION_SLOTS
from support.plain import plain_health
from support.scenes.forced import (
    by_fund,
    by_opposite,
    by_order,
    escape_claim_scene,
    escape_pay_scene,
    forced_withdraw_scene,
    freeze_scene,
    frozen_world,
    request_forced_scene,
)
from support.scenes.scene import ABSENT, LONG, OTHER, SHORT, deal, traded_world


def test_request_forced_notes_what_is_asked_and_by_when() -> None:
    """Given no request, when LONG asks to reduce 30 lots, then that is noted, an hour to answer it."""
    world, operation = request_forced_scene()
    queue = world.get(Queue)
    chain = digest(Tag.QUEUE, (queue.chain, 1_004), (2, LONG, 30, Forced.REDUCE, 0, 1_000_000))
    assert world.effects(operation) == {
        (Queue, 0): Queue(6, chain),
        (Request, LONG): Request(Forced.REDUCE, 0, 30, 1_003_600),
    }


@pytest.mark.parametrize(("posted", "deadline"), [(999_400, 1_003_000), (0, 3_600), (1_000_030, 1_003_600)])
def test_the_deadline_of_a_request_runs_from_when_it_was_posted(posted: int, deadline: int) -> None:
    """Given a request that is noted late, when it is, then its time runs since it was posted; never from a later time.

    So anyone may freeze the exchange in the very batch that notes a request whose hour is over.
    """
    world = traded_world()
    world.must(world.request(LONG, Forced.REDUCE, 30, posted=posted))
    assert world.get(Request, LONG).deadline == deadline
    assert world.would(Freeze(LONG)) is (None if deadline < 1_000_000 else Reason.NOT_DUE)


def test_the_time_of_posting_is_part_of_the_queue() -> None:
    """Given a request posted at a time, when another time is stated, then it is not the next entry."""
    world = traded_world()
    request = world.request(LONG, Forced.REDUCE, 30, posted=999_400)
    assert world.would(attrs.evolve(request, posted=1_000_000)) is Reason.HASH_CHAIN


def test_forced_withdraw_skips_the_bucket() -> None:
    """Given an empty bucket, when the 18,000 are paid, then account and vault hold less, and the request is gone."""
    world, operation = forced_withdraw_scene()
    world.set(Ledger, 0, bucket=0)
    ledger, account = world.get(Ledger), world.get(Account, LONG)
    assert world.effects(operation) == {
        (Ledger, 0): attrs.evolve(ledger, vault=82_000),
        (Account, LONG): attrs.evolve(account, collateral=-8_000),
        (Request, LONG): Request(),
    }


def test_a_refusal_for_the_oracle_keeps_the_request() -> None:
    """Given a request, when refused while blind, at a gap or at level 1, then it stays; for the margin, it goes.

    Else an operator that leaves out one family's reports could refuse it each time it is posted, and no deadline came.
    """
    world, operation = forced_withdraw_scene()
    world.set(MarketPrice, 0, level=2)
    world.set(Request, LONG, amount=18_201)
    refused = attrs.evolve(operation, result=int(Reason.ORACLE_LEVEL))
    assert world.effects(refused) == {}
    world.set(MarketPrice, 0, gap=True)
    assert world.effects(refused) == {}
    world.set(MarketPrice, 0, level=1, gap=False)
    world.set(Request, LONG, amount=18_500)
    assert world.effects(refused) == {}
    world, operation = forced_withdraw_scene()
    world.set(Request, LONG, amount=19_101)
    assert world.effects(attrs.evolve(operation, result=int(Reason.INITIAL_MARGIN))) == {(Request, LONG): Request()}


def test_forced_reduce_against_an_order() -> None:
    """Given an order for 40 lots at 100, when 30 are closed at 100, then the request is gone; no fee is paid."""
    world, operation = by_order()
    account, taker = world.get(Account, LONG), world.get(Account, OTHER)
    assert world.effects(operation) == {
        (Account, LONG): attrs.evolve(account, collateral=13_000),
        (Account, OTHER): attrs.evolve(taker, collateral=17_000, slots=1),
        (Position, LONG * POSITION_SLOTS): Position(0, 70, 0),
        (Position, OTHER * POSITION_SLOTS): Position(0, 30, 0),
        (OrderSlot, OTHER * ORDER_SLOTS + 1): OrderSlot(1, 30),
        (Request, LONG): Request(),
    }


def test_a_part_may_be_done_now_and_the_rest_later() -> None:
    """Given 30 lots asked for, when the fund takes 20, then 10 remain with the deadline as it was."""
    world, operation = by_fund()
    world.must(operation)
    assert world.get(Request, LONG) == Request(Forced.REDUCE, 0, 10, 1_003_600)
    assert world.get(Position, FUND * POSITION_SLOTS) == Position(0, 20, 0)


def test_an_opposite_position_gains_the_slip() -> None:
    """Given a price of 1,000, when SHORT closes 30 lots, then it closes them at 995, half a per cent better."""
    world, operation = by_opposite()
    world.set(MarketPrice, 0, price=1_000, index=1_000)
    for number, collateral in ((LONG, -80_000), (SHORT, 120_000)):
        world.set(Account, number, collateral=collateral)
    world.must(operation)
    assert plain_health(world.state, LONG).equity == 20_000 - 150
    assert plain_health(world.state, SHORT).equity == 20_000 + 150


def test_a_refusal_leaves_everybody_as_they_are() -> None:
    """Given LONG without the market it asked for, when that is answered, then only the request goes."""
    world, operation = by_order()
    world.set(Request, LONG, market=1)
    refusal = ForcedReduce(LONG, 1, 1, 0, int(Reason.NO_POSITION), counterparty=ABSENT)
    assert world.effects(refusal) == {(Request, LONG): Request()}
    assert operation.lots == 30


def test_freeze_notes_the_time_and_the_vault() -> None:
    """Given a request past its deadline, when anyone freezes, then the vault is what escapes are measured by."""
    world, operation = freeze_scene()
    exchange = world.get(Exchange)
    assert world.effects(operation) == {
        (Exchange, 0): attrs.evolve(exchange, frozen_at=1_003_601, escape_vault=100_000)
    }
    assert world.would(Freeze(LONG)) is Reason.FROZEN


def test_escape_claim_notes_the_equity() -> None:
    """Given the exchange frozen, when LONG claims, then its equity of 20,000 is noted, and the request stays."""
    world, operation = escape_claim_scene()
    ledger, request = world.get(Ledger), world.get(Request, LONG)
    assert world.effects(operation) == {
        (Ledger, 0): attrs.evolve(ledger, claims=20_000),
        (Request, LONG): attrs.evolve(request, claim=20_000, claimed=Claim.CLAIMED),
    }


def test_escape_pay_pays_in_full_where_the_vault_covers_all() -> None:
    """Given claims of 20,000 and a vault of 100,000, when LONG is paid, then it gets 20,000."""
    world, operation = escape_pay_scene()
    ledger, account, request = world.get(Ledger), world.get(Account, LONG), world.get(Request, LONG)
    assert world.effects(operation) == {
        (Ledger, 0): attrs.evolve(ledger, vault=80_000),
        (Account, LONG): attrs.evolve(account, collateral=-10_000),
        (Request, LONG): attrs.evolve(request, claimed=Claim.PAID),
    }


def test_a_short_vault_pays_everybody_the_same_part() -> None:
    """Given a vault of 30,000 and two claims of 20,000, when both are paid, then each gets 15,000, in any order."""
    for order in ((LONG, SHORT), (SHORT, LONG)):
        world = frozen_world()
        world.set(Exchange, 0, escape_vault=30_000)
        world.set(Ledger, 0, vault=30_000)
        world.must(EscapeClaim(LONG), EscapeClaim(SHORT))
        world.later(7_201)
        for number in order:
            assert world.would(EscapePay(number, 15_001)) is Reason.AMOUNT
            world.must(EscapePay(number, 15_000))
        assert world.get(Ledger).vault == 0


def test_an_account_below_zero_claims_nothing() -> None:
    """Given LONG with equity -500, when it claims, then the claim is 0."""
    world, operation = escape_claim_scene()
    world.set(Account, LONG, collateral=-10_500)
    world.must(operation)
    assert world.get(Request, LONG).claim == 0
    world.later(7_201)
    world.must(EscapePay(LONG, 0))


def test_a_blind_market_does_not_stop_a_forced_reduction_in_another() -> None:
    """Given LONG with one lot of a market whose oracle never comes back, when it asks to reduce, then it is answered.

    A request about the blind market itself is put off, its deadline running.
    """
    world = traded_world()
    world.must(deal(LONG, OTHER, 1, 50, market=1, slots=(1, 0)))
    world.set(MarketPrice, 1, level=2)
    world.must(world.request(LONG, Forced.REDUCE, 30))
    world.must(ForcedReduce(LONG, 0, 0, 30, path=Path.OPPOSITE, counterparty=SHORT))
    assert world.get(Position, POSITION_SLOTS * LONG).size == 70
    assert world.get(Request, LONG).kind == Forced.NONE
    world.must(world.request(LONG, Forced.REDUCE, 1, market=1))
    put_off = ForcedReduce(
        LONG, 1, 1, 0, result=int(Reason.ORACLE_LEVEL), path=Path.OPPOSITE, counterparty=OTHER, counterparty_slot=0
    )
    world.must(put_off)
    assert world.get(Request, LONG).kind == Forced.REDUCE
