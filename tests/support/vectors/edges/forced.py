"""Edges of forced requests and escapes. Who asks to reduce is LONG, in market 0."""

from typing import Any

import attrs

from perp_spec.perpetual.operations import EscapeClaim, EscapePay, ForcedReduce
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FEES, Account, Forced, Ledger, MarketPrice, Path
from perp_spec.words import CLAIMS_MAX
from support.scenes.forced import frozen_world
from support.scenes.scene import LONG, OTHER, SHORT
from support.vectors.edges.edge import Edge, Steps, edge, empty_world, holding, told, worth
from support.worlds import World, order

EDGES: list[Edge] = []

BOOKED = (
    "forced_reduce: carry(ledger, side.dust + taking.dust, fund=emptied(op.counterparty, ledger, FUND), "
    "fees=emptied(op.counterparty, ledger, FEES), "
    "bankrupt=moved.bankrupt + took.bankrupt - side.bankrupt - taking.bankrupt)"
)


def asked(lots: int, size: int = 100, market: int = 0) -> World:
    """LONG holds some lots of market 0, SHORT as many short, and LONG has asked to reduce."""
    world = empty_world()
    holding(world, LONG, 0, 0, size)
    holding(world, SHORT, 0, 0, -size)
    world.must(world.request(LONG, Forced.REDUCE, lots, market))
    return world


def by_order(lots: int, price: int, /, *, buys: bool = True, **changes: Any) -> ForcedReduce:
    """OTHER takes the lots at this price."""
    willing = order(OTHER, buys, lots, price)
    operation = ForcedReduce(LONG, 0, 0, lots, path=Path.ORDER, counterparty=OTHER, counterparty_slot=0, order=willing)
    return attrs.evolve(operation, **changes)


@edge(
    EDGES,
    "forced_reduce/long-of-a-single-lot-with-the-index-below-the-price",
    "conceded_price: 0: 1",
    "forced_reduce: 0: 1 (8)",
    "sign_of: 0: 1",
)
def single_lot() -> tuple[World, Steps]:
    """Given: one lot, the health price 1,000, the index 990. When: a buyer pays the lower one less the slip, 985.

    Then: it is done. A lot is a long like any other.
    """
    world = asked(1, 1)
    world.set(MarketPrice, 0, price=1_000, index=990)
    return told(world, (by_order(1, 985), None))


@edge(
    EDGES,
    "forced_reduce/just-the-initial-margin-is-left",
    "reduction_allowed: after.equity >= after.initial: Gt",
)
def just_initial_margin() -> tuple[World, Steps]:
    """Given: at a gap the health price is 100 and the index 60; 100 lots with equity 1,800; 30 are to go, at 60.

    They cost 1,200. The ratio falls, but 600 are left, just the initial margin of 70 lots. Then: it is not refused.
    """
    world = asked(30)
    world.set(MarketPrice, 0, index=60, level=2, gap=True)
    worth(world, LONG, 1_800)
    refused = by_order(30, 60, lots=0, result=int(Reason.HEALTH_RATIO_FELL))
    return told(world, (refused, Reason.FORCED_RESULT), (by_order(30, 60), None))


@edge(
    EDGES,
    "forced_reduce/order-that-sells-beyond-the-largest-short",
    "require_counterparty: absolute(took.position.size): without absolute",
)
def largest_short() -> tuple[World, Steps]:
    """Given: a short of 100 lots is to be reduced by 30, and the seller is short by 995 of at most 1,024 lots.

    Then: it may sell 29 lots, and not 30.
    """
    world = asked(30, -100)
    holding(world, OTHER, 0, 0, -995)
    worth(world, OTHER, 10**6)
    return told(
        world,
        (by_order(30, 100, buys=False), Reason.SIZE_RANGE),
        (by_order(30, 100, buys=False, lots=29), None),
    )


@edge(EDGES, "forced_reduce/refusal-that-names-the-fee-account", f"{BOOKED}: without fees")
def refusal_names_fees() -> tuple[World, Steps]:
    """Given: 41 atoms wait for the fee account, and LONG has no position in the market it wants to reduce.

    When: that is refused, and the fee account is named. Then: it is settled: the 41 are its own, and its inbox is
    empty.
    """
    world = asked(30, market=1)
    world.set(Ledger, 0, fees_inbox=41)
    refusal = by_order(30, 100, lots=0, result=int(Reason.NO_POSITION), counterparty=FEES)
    return told(world, (refusal, None))


@edge(EDGES, "forced_reduce/account-ends-flat-and-below-zero", f"{BOOKED}: without bankrupt")
def ends_bankrupt() -> tuple[World, Steps]:
    """Given: 100 lots and equity -10. When: all are bought at 100. Then: one more account is flat and below zero."""
    world = asked(100)
    worth(world, LONG, -10)
    return told(world, (by_order(100, 100), None))


@edge(
    EDGES,
    "forced_reduce/counterparty-ends-flat-and-below-zero",
    "forced_reduce: moved.bankrupt + took.bankrupt: Sub",
)
def counterparty_ends_bankrupt() -> tuple[World, Steps]:
    """Given: the opposite position has equity -20, and the fund nothing. When: all lots are closed against it.

    Then: one more account is flat and below zero.
    """
    world = asked(100)
    worth(world, SHORT, -20)
    return told(world, (ForcedReduce(LONG, 0, 0, 100, path=Path.OPPOSITE, counterparty=SHORT), None))


@edge(
    EDGES,
    "forced_reduce/refusal-between-two-flat-accounts-below-zero",
    "forced_reduce: moved.bankrupt + took.bankrupt - side.bankrupt: Add",
    "forced_reduce: moved.bankrupt + took.bankrupt - side.bankrupt - taking.bankrupt: Add",
)
def refusal_between_bankrupt() -> tuple[World, Steps]:
    """Given: LONG is flat with -10, OTHER with -20. When: the request is refused, there is no position.

    Then: there are two such accounts as before.
    """
    world = empty_world()
    world.must(world.request(LONG, Forced.REDUCE, 30))
    world.set(Account, LONG, collateral=-10)
    world.set(Account, OTHER, collateral=-20)
    return told(world, (by_order(30, 100, lots=0, result=int(Reason.NO_POSITION)), None))


@edge(EDGES, "escape_claim/up-to-the-largest-sum-of-claims", "escape_claim: CLAIMS_MAX - ledger.claims: Add")
def largest_claims() -> tuple[World, Steps]:
    """Given: all claims together are 10 below 2^62. When: 20,000 are claimed. Then: the claim is 10."""
    world = frozen_world()
    world.set(Ledger, 0, claims=CLAIMS_MAX - 10)
    return told(world, (EscapeClaim(LONG), None))


@edge(EDGES, "escape_pay/one-atom-is-claimed", "escape_pay: 1: 2")
def one_atom_claimed() -> tuple[World, Steps]:
    """Given: the only claim is of one atom. When: it is paid. Then: it is one atom."""
    world = frozen_world()
    worth(world, LONG, 1)
    world.must(EscapeClaim(LONG))
    world.later(7_201)
    return told(world, (EscapePay(LONG, 1), None))
