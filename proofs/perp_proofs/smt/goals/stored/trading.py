"""What a trade stores."""

from perp_proofs.smt.goals.guards.shared import Case, rounded_up, side_of
from perp_proofs.smt.goals.stored.shared import Expected, bankrupt_moved, booked, filled, moved_account, traded_book


def trade(case: Case) -> Expected:
    """Of a trade."""
    op = case.op
    notional = op.lots * op.price
    fees = rounded_up(notional * op.buyer_fee_ppm), rounded_up(notional * op.seller_fee_ppm)
    buyer, seller = side_of(case, "buyer"), side_of(case, "seller")
    money = buyer.collateral - notional - fees[0], seller.collateral + notional - fees[1]
    bought = moved_account(case, buyer, op.buyer_slot, op.lots, money[0], case.buyer.liquidated_at)
    sold = moved_account(case, seller, op.seller_slot, -op.lots, money[1], case.seller.liquidated_at)
    change = bankrupt_moved(buyer, bought[1].size, money[0]) + bankrupt_moved(seller, sold[1].size, money[1])
    return {
        "ledger": booked(case, buyer.dust + seller.dust, fees_inbox=fees[0] + fees[1], bankrupt=change),
        "book": traded_book(case, ((buyer, op.lots), (seller, -op.lots)), 0),
        "buyer": bought[0],
        "buyer_position": bought[1],
        "buyer_stored": filled(op.buyer, case.buyer_stored, op.lots),
        "seller": sold[0],
        "seller_position": sold[1],
        "seller_stored": filled(op.seller, case.seller_stored, op.lots),
    }
