"""Exits work: what the queue brings can always be answered, and an escape shares the vault without a run on it.

That something is possible is shown by a witness: an operation that is written down, and that no guard rejects.
"""

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from perp_hash.digest import Tag
from perp_proofs.smt.contracts import implies
from perp_proofs.smt.frame import Scene, Stage
from perp_proofs.smt.lemmas import shares_of_a_vault_suffice
from perp_proofs.smt.prove import Claim, Goal, Statement
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import attempt, both, digest, maximum, minimum, mul_div_floor, negate
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL, inbox_of
from perp_spec.perpetual.health import settle_whole
from perp_spec.perpetual.records import Claim as Escape
from perp_spec.perpetual.records import Forced
from perp_spec.perpetual.rules.forced import FORCED_ENTRY, forced_payment, note_request
from perp_spec.perpetual.rules.money import DEPOSIT_ENTRY, credit
from perp_spec.words import AMOUNT_MAX, CLAIMS_MAX

assert rules.__all__, "importing the rules registers them"

LIVE = "the exchange is not frozen"

FROZEN = "the exchange is frozen"

CLAIMS_ADD_UP = "the ledger's claims are the sum of the accounts' claims, and each payment was its share"


CLAIMS_FIT = "the ledger's claims are at most 2^62 atoms, the vault at the freeze at most 2^60"


def loads(stage: Stage, name: str) -> tuple[Any, dict[str, Any]]:
    """An operation of a rule, and what the rule takes after it, by name."""
    operation, names, records = stage.loads(PERPETUAL.rules[name])
    return operation, dict(zip(names, records, strict=True))


def accepted(stage: Stage, name: str, operation: Any, loaded: dict[str, Any]) -> Flag:
    """No guard rejects the operation."""
    return stage.outcome(PERPETUAL.rules[name].function, operation, *loaded.values()) == 0


def code_of(rule: Callable[..., Any], arguments: tuple[Any, ...], otherwise: Any) -> Word:
    """0 where a part of a rule passes, else the code of its first false guard."""
    return attempt(rule, *arguments, otherwise=otherwise)[0]


def deposit_can_be_consumed(stage: Stage) -> Iterator[Claim]:
    """The next entry of the queue, whatever it says: credited, or returned with a reason."""
    operation, loaded = loads(stage, "deposit")
    exchange, queue, ledger, account = (loaded[name] for name in ("exchange", "queue", "ledger", "account"))
    stage.assume(exchange.frozen_at == 0, LIVE)
    words = DEPOSIT_ENTRY, operation.account, operation.amount
    chain = stage.perform(digest, Tag.QUEUE, (queue.chain, operation.key), words)
    inbox = inbox_of(operation.account, ledger)
    side = stage.perform(settle_whole, loaded["parameters"], exchange.time, inbox, account, loaded["held"])
    arguments = loaded["parameters"], ledger, account, side.collateral, operation.key, operation.amount
    result = stage.perform(code_of, credit, arguments, (0, 0))
    witness = attrs.evolve(operation, position=queue.position, chain=chain, result=result)
    yield Claim("it can be consumed", accepted(stage, "deposit", witness, loaded))


def request_forced_can_be_consumed(stage: Stage) -> Iterator[Claim]:
    """The next entry of the queue, whatever it says: noted, or refused with a reason."""
    operation, loaded = loads(stage, "request_forced")
    exchange, queue = loaded["exchange"], loaded["queue"]
    stage.assume(exchange.frozen_at == 0, LIVE)
    words = FORCED_ENTRY, operation.account, operation.amount, operation.kind, operation.market, operation.posted
    chain = stage.perform(digest, Tag.QUEUE, (queue.chain, operation.key), words)
    arguments = operation, loaded["parameters"], exchange, loaded["account"], loaded["request"]
    result = stage.perform(code_of, note_request, arguments, loaded["request"])
    witness = attrs.evolve(operation, position=queue.position, chain=chain, result=result)
    yield Claim("it can be consumed", accepted(stage, "request_forced", witness, loaded))


def forced_withdraw_can_be_answered(stage: Stage) -> Iterator[Claim]:
    """Every noted request to withdraw: done, or refused with a reason."""
    operation, loaded = loads(stage, "forced_withdraw")
    exchange, request = loaded["exchange"], loaded["request"]
    stage.assume(both(exchange.frozen_at == 0, request.kind == Forced.WITHDRAW), LIVE)
    side = stage.perform(settle_whole, loaded["parameters"], exchange.time, 0, loaded["account"], loaded["held"])
    arguments = loaded["ledger"], side, loaded["held"], exchange.time, request.amount
    result = stage.perform(code_of, forced_payment, arguments, 0)
    witness = attrs.evolve(operation, result=result)
    yield Claim("it can be answered", accepted(stage, "forced_withdraw", witness, loaded))


def overdue_requests_can_freeze(stage: Stage) -> Iterator[Claim]:
    """Anyone may, from the deadline on."""
    operation, loaded = loads(stage, "freeze")
    exchange, request = loaded["exchange"], loaded["request"]
    stage.assume(exchange.frozen_at == 0, LIVE)
    overdue = both(request.kind != Forced.NONE, exchange.time > request.deadline)
    stage.assume(overdue, "a request is past its deadline")
    yield Claim("it can be frozen", accepted(stage, "freeze", operation, loaded))


# Escape


def claims_are_made_once(stage: Stage) -> Iterator[Claim]:
    """And are added up."""
    scene = stage.scene(PERPETUAL.rules["escape_claim"])
    before, after = scene.before("request"), scene.after("request")
    ledger, booked = scene.before("ledger"), scene.after("ledger")
    stage.assume(ledger.claims <= CLAIMS_MAX, CLAIMS_FIT)
    yield Claim("it was not claimed", before.claimed == Escape.NONE)
    yield Claim("it is claimed", both(after.claimed == Escape.CLAIMED, after.claim >= 0))
    yield Claim("claims are added up", booked.claims == ledger.claims + after.claim)
    yield Claim("the vault stays", booked.vault == ledger.vault)
    yield Claim("the request stays", both(after.kind == before.kind, after.amount == before.amount))


class Escaping:
    """An exchange in escape: all claims are in, and some are paid."""

    def __init__(self, stage: Stage) -> None:
        self.operation, self.loaded = loads(stage, "escape_pay")
        exchange, ledger, request = (self.loaded[name] for name in ("exchange", "ledger", "request"))
        self.covered = minimum(exchange.escape_vault, ledger.claims)
        self.paid = stage.word("paid_claims", 0, CLAIMS_MAX)
        late = exchange.time > exchange.frozen_at + self.loaded["parameters"].claim_seconds
        stage.assume(both(exchange.frozen_at != 0, late, request.claimed == Escape.CLAIMED), FROZEN)
        limits = both(exchange.escape_vault <= AMOUNT_MAX, ledger.claims <= CLAIMS_MAX)
        stage.assume(limits, CLAIMS_FIT)
        stage.assume(self.paid + request.claim <= ledger.claims, CLAIMS_ADD_UP)
        spent = (exchange.escape_vault - ledger.vault) * ledger.claims
        stage.assume(both(spent <= self.paid * self.covered, ledger.vault <= exchange.escape_vault), CLAIMS_ADD_UP)

    def share(self) -> Word:
        """What the claim is paid."""
        ledger, request = self.loaded["ledger"], self.loaded["request"]
        return mul_div_floor(request.claim, self.covered, maximum(ledger.claims, 1))


def every_claim_can_be_paid(stage: Stage) -> Iterator[Claim]:
    """Its share is in the vault, however many were paid before."""
    escaping = Escaping(stage)
    exchange, ledger, request = (escaping.loaded[name] for name in ("exchange", "ledger", "request"))
    words = exchange.escape_vault, ledger.vault, ledger.claims, escaping.paid, request.claim
    stage.use(shares_of_a_vault_suffice, *words)
    witness = attrs.evolve(escaping.operation, amount=escaping.share())
    yield Claim("it can be paid", accepted(stage, "escape_pay", witness, escaping.loaded))
    left = ledger.vault - escaping.share()
    spent = (exchange.escape_vault - left) * ledger.claims
    yield Claim("what is paid stays a share", spent <= (escaping.paid + request.claim) * escaping.covered)
    yield Claim("the vault never falls below zero", left >= 0)


def payments_do_not_depend_on_order(stage: Stage) -> Iterator[Claim]:
    """Nothing that a payment depends on is changed by another's."""
    scene: Scene = stage.scene(PERPETUAL.rules["escape_pay"])
    before, after = scene.before("ledger"), scene.after("ledger")
    request, paid = scene.before("request"), scene.after("request")
    yield Claim("the sum of claims stays", after.claims == before.claims)
    yield Claim("it pays once", both(request.claimed == Escape.CLAIMED, paid.claimed == Escape.PAID))
    yield Claim("the claim stays", both(paid.claim == request.claim, paid.kind == request.kind))
    covered = minimum(scene.before("exchange").escape_vault, before.claims)
    amount = scene.operation.amount
    share = mul_div_floor(request.claim, covered, maximum(before.claims, 1))
    yield Claim("it is the claim's share of the vault at the freeze", amount == share)
    whole = both(before.claims >= 1, scene.before("exchange").escape_vault >= before.claims)
    yield Claim("where the vault covers all claims, it is the claim", implies(whole, amount == request.claim))
    fell = scene.after("account").collateral == scene.before("account").collateral - amount
    yield Claim("the account pays for it", both(fell, after.vault == before.vault - amount))
    yield Claim("it was after the window", negate(scene.before("exchange").frozen_at == 0))


def exit_goal(statement: Statement, sentence: str, rule: str, *assumptions: str) -> Goal:
    """A goal of this family."""
    return Goal(statement.__name__, sentence, statement, (rule,), assumptions=assumptions)


GOALS = (
    exit_goal(
        deposit_can_be_consumed,
        "Whatever the next entry of the queue deposits, and wherever, some deposit operation consumes it: credited, or "
        "returned with a reason that the rule computes.",
        "deposit",
        LIVE,
    ),
    exit_goal(
        request_forced_can_be_consumed,
        "Whatever the next forced request asks, some operation consumes it: noted, or refused with a reason.",
        "request_forced",
        LIVE,
    ),
    exit_goal(
        forced_withdraw_can_be_answered,
        "Every noted request to withdraw can be answered at any time: done, or refused with a reason.",
        "forced_withdraw",
        LIVE,
    ),
    exit_goal(
        overdue_requests_can_freeze, "Past the deadline of any request the exchange can be frozen.", "freeze", LIVE
    ),
    exit_goal(
        claims_are_made_once,
        "An account's claim is made once, is added up, and moves no money.",
        "escape_claim",
        CLAIMS_FIT,
    ),
    exit_goal(
        every_claim_can_be_paid,
        "After the claim window every claim can be paid its share, whoever was paid before: all payments together are "
        "no more than the vault.",
        "escape_pay",
        FROZEN,
        CLAIMS_FIT,
        CLAIMS_ADD_UP,
    ),
    exit_goal(
        payments_do_not_depend_on_order,
        "A claim is paid once, its share of the vault at the freeze; no payment changes what another one is.",
        "escape_pay",
    ),
)
