"""When a trade is accepted."""

from perp_proofs.smt.contracts import implies
from perp_proofs.smt.goals.guards.shared import (
    FEES_ID,
    Case,
    Guards,
    blind_too_long,
    collateral_in_range,
    exists,
    fillable,
    is_degraded,
    live,
    longs,
    lots_in_range,
    market_there,
    modes_below,
    moved_by,
    near,
    not_halted,
    one_market,
    own_slot,
    price_in_range,
    rounded_up,
    side_of,
    valid_transition,
)
from perp_spec.language import absolute, both, negate
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import Mode


def trade(case: Case) -> Guards:
    """Of a trade."""
    op, market = case.op, case.market
    yield from live(case)
    yield from market_there(case)
    yield from lots_in_range(case)
    yield from price_in_range(case)
    yield Reason.SAME_ACCOUNT, negate(op.buyer.account == op.seller.account)
    yield Reason.RESERVED_ACCOUNT, both(op.buyer.account > FEES_ID, op.seller.account > FEES_ID)
    yield Reason.NO_ACCOUNT, both(exists(case.buyer), exists(case.seller))
    yield Reason.SAME_OWNER, negate(case.buyer.owner == case.seller.owner)
    buying = {"buys": True, "price": op.price, "taker": op.taker_buys, "fee_ppm": op.buyer_fee_ppm}
    selling = {"buys": False, "price": op.price, "taker": negate(op.taker_buys), "fee_ppm": op.seller_fee_ppm}
    yield from fillable(case, op.buyer, case.buyer_stored, **buying)
    yield from fillable(case, op.seller, case.seller_stored, **selling)
    capped = both(absolute(op.buyer_fee_ppm) <= market.fee_cap_ppm, absolute(op.seller_fee_ppm) <= market.fee_cap_ppm)
    yield Reason.FEE, both(capped, negate(op.buyer_fee_ppm + op.seller_fee_ppm < 0))
    yield from not_halted(case)
    yield Reason.PRICE_BAND, near(absolute(op.price - case.price.price), market.price_band_ppm, case.price.price)
    yield from traded(case)


def traded(case: Case) -> Guards:
    """What a trade asks of the two accounts after it."""
    op, market = case.op, case.market
    notional = op.lots * op.price
    buyer, seller = side_of(case, "buyer"), side_of(case, "seller")
    paid = notional + rounded_up(notional * op.buyer_fee_ppm)
    got = notional - rounded_up(notional * op.seller_fee_ppm)
    bought = moved_by(case, buyer, op.buyer_slot, op.lots, -paid, case.buyer.liquidated_at)
    sold = moved_by(case, seller, op.seller_slot, -op.lots, got, case.seller.liquidated_at)
    yield Reason.SLOT, both(own_slot(case, buyer, op.buyer_slot), own_slot(case, seller, op.seller_slot))
    yield Reason.MARKET_NOT_ALLOWED, both(one_market(case, case.buyer), one_market(case, case.seller))
    yield (
        Reason.ORDER_REDUCE_ONLY,
        both(implies(op.buyer.reduce_only, bought.reduced), implies(op.seller.reduce_only, sold.reduced)),
    )
    both_reduce = both(bought.reduced, sold.reduced)
    yield Reason.REDUCE_ONLY, implies(negate(modes_below(case, Mode.REDUCE_ONLY)), both_reduce)
    trusted = (negate(is_degraded(case)), negate(buyer.degraded), negate(seller.degraded))
    yield (
        Reason.ORACLE_LEVEL,
        both(
            negate(blind_too_long(case)),
            implies(negate(bought.reduced), both(trusted[0], trusted[1])),
            implies(negate(sold.reduced), both(trusted[0], trusted[2])),
        ),
    )
    yield (
        Reason.SIZE_RANGE,
        both(negate(bought.position.size > market.max_size), negate(sold.position.size < -market.max_size)),
    )
    rise = longs(bought.position.size) + longs(sold.position.size) - longs(buyer.size) - longs(seller.size)
    room = both(modes_below(case, Mode.THROTTLE), rise <= market.open_interest_cap - case.book.open_interest)
    yield Reason.OPEN_INTEREST, implies(rise > 0, room)
    yield (
        Reason.COLLATERAL_RANGE,
        both(collateral_in_range(bought.account.collateral), collateral_in_range(sold.account.collateral)),
    )
    yield from valid_transition(case.buyer.kind, buyer.health, bought)
    yield from valid_transition(case.seller.kind, seller.health, sold)
