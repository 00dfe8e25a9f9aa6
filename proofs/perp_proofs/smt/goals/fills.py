"""What an order is signed for bounds all of its fills together, not each by itself.

A step: what held of the fills so far holds again with one more. The sums are kept by nobody, so they stand for those of
any fills.
"""

from collections.abc import Iterator
from functools import partial

from perp_proofs.smt.frame import Stage
from perp_proofs.smt.goals.authority import FILLS
from perp_proofs.smt.lemmas import products_keep_signs
from perp_proofs.smt.prove import Claim, Goal
from perp_spec.language import both, mul_div_ceil, select
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.words import PPM

assert rules.__all__, "importing the rules registers them"

LARGE = 2**126

SO_FAR = "the limits held of the fills so far"


def limits_hold_over_all_fills(name: str, side: str, slot: str, stage: Stage) -> Iterator[Claim]:
    """Price and fee, over all fills of a nonce."""
    scene = stage.scene(PERPETUAL.rules[name])
    operation = scene.operation
    order, before, after = getattr(operation, side), scene.before(slot), scene.after(slot)
    rate = getattr(operation, f"{side}_fee_ppm")
    filled = select(order.nonce == before.nonce, before.filled, 0)
    paid, fees = stage.word("paid", 0, LARGE), stage.word("fees", -LARGE, LARGE)
    count = stage.word("count", 0, 2**62)
    limit = filled * order.price
    stage.assume(select(order.buys, paid <= limit, paid >= limit), SO_FAR)
    stage.assume(PPM * fees <= order.max_fee_ppm * paid + PPM * count, SO_FAR)
    notional = operation.lots * operation.price
    fee = mul_div_ceil(notional, rate, PPM)
    stage.use(products_keep_signs, order.price - operation.price, operation.lots)
    stage.use(products_keep_signs, operation.lots, operation.price)
    stage.use(products_keep_signs, order.max_fee_ppm - rate, notional)
    total = after.filled * order.price
    at_limit = select(order.buys, paid + notional <= total, paid + notional >= total)
    yield Claim("no worse on average than the limit price", at_limit)
    charged = PPM * (fees + fee) <= order.max_fee_ppm * (paid + notional) + PPM * (count + 1)
    yield Claim("fees within the signed rate, and one atom a fill", charged)
    yield Claim("no more lots than signed", both(after.filled <= order.lots, after.nonce == order.nonce))


GOALS = tuple(
    Goal(
        name=f"{name}_keeps_the_limits_of_the_{side}_over_all_fills",
        sentence=f"Over all fills of an order, the last by a {name}, the {side} never pays more on average than the "
        "limit price, nor fees above the signed rate of all that was paid, rounded up by less than an atom a fill.",
        statement=partial(limits_hold_over_all_fills, name, side, slot),
        subjects=(name,),
        assumptions=(SO_FAR,),
    )
    for name, sides in FILLS.items()
    for side, slot in sides
)
