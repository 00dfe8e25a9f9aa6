"""Who may do what: signatures, nonces, fills, and what an operation may not touch."""

from collections.abc import Iterator
from functools import partial

from perp_proofs.smt.contracts import implies
from perp_proofs.smt.frame import Scene, Stage
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.terms import Flag
from perp_spec.language import absolute, both, either, negate, select
from perp_spec.perpetual.records import Account, Path
from perp_spec.perpetual.rules.forced import conceded_price
from perp_spec.words import AMOUNT_MAX


def owners_stay(name: str, stage: Stage) -> Iterator[Claim]:
    """Of every account stored."""
    scene = stage.scene(RULES[name])
    for entry in scene.stored(Account):
        before, after = entry.before, entry.after
        kept = both(after.owner == before.owner, after.parent == before.parent, after.market == before.market)
        yield Claim(f"{entry.name} keeps its owner", kept)
        if name != "set_kind":
            yield Claim(f"{entry.name} keeps its kind", after.kind == before.kind)


def intents_are_signed_and_used_once(name: str, stage: Stage) -> Iterator[Claim]:
    """The intent holds now, and cannot hold again."""
    scene = stage.scene(RULES[name])
    intent, now = scene.operation.intent, scene.before("exchange").time
    before, after = scene.before("stored"), scene.after("stored")
    yield Claim("it is signed", intent.authorised)
    yield Claim("it has not expired", now <= intent.expiry)
    yield Claim("its nonce was unused", intent.nonce >= before.nonce)
    yield Claim("its nonce is used", intent.nonce < after.nonce)


FILLS = {
    "trade": (("buyer", "buyer_stored"), ("seller", "seller_stored")),
    "liquidate": (("taker", "taker_stored"),),
}


def fills_stay_within_orders(name: str, stage: Stage) -> Iterator[Claim]:
    """Over all fills of a nonce, and at no worse price or fee than signed."""
    scene = stage.scene(RULES[name])
    operation, now = scene.operation, scene.before("exchange").time
    for side, slot in FILLS[name]:
        order, before, after = getattr(operation, side), scene.before(slot), scene.after(slot)
        fee = getattr(operation, f"{side}_fee_ppm")
        signed = both(order.authorised, now <= order.expiry, order.market == operation.market)
        yield Claim(f"{side} has signed", signed)
        yield Claim(f"{side} is filled no further than signed", after.filled <= order.lots)
        yield Claim(f"{side} pays no higher fee than signed", fee <= order.max_fee_ppm)
        above, below = operation.price > order.price, operation.price < order.price
        yield Claim(f"{side} gets no worse price than signed", negate(select(order.buys, above, below)))
        yield Claim(f"{side}'s nonce does not fall", after.nonce >= before.nonce)
        again = implies(order.nonce == before.nonce, after.filled == before.filled + operation.lots)
        yield Claim(f"{side}'s fill is booked", both(after.nonce == order.nonce, again))
        shrinks = only_reduced(scene, f"{side}_position")
        yield Claim(f"{side}'s position shrinks where the order says so", implies(order.reduce_only, shrinks))


def only_reduced(scene: Scene, name: str) -> Flag:
    """A position kept its side or closed, and is no larger."""
    before, after = scene.before(name).size, scene.after(name).size
    same_side = either(both(before >= 0, after >= 0), both(before <= 0, after <= 0))
    return both(same_side, absolute(after) <= absolute(before))


def forced_fills_stay_within_orders(stage: Stage) -> Iterator[Claim]:
    """Of the order against which a position is reduced by force, where there is one."""
    scene = stage.scene(RULES["forced_reduce"])
    operation, order, now = scene.operation, scene.operation.order, scene.before("exchange").time
    before, after = scene.before("stored"), scene.after("stored")
    by_order = both(operation.result == 0, operation.path == Path.ORDER)
    size = scene.before("position").size
    price = conceded_price(size, scene.before("price"), scene.before("market"))
    signed = both(order.authorised, now <= order.expiry, order.nonce >= before.nonce)
    what = both(order.market == operation.market, order.account == operation.counterparty, negate(order.post_only))
    yield Claim("it is signed", implies(by_order, signed))
    yield Claim("it is of this market and account", implies(by_order, what))
    yield Claim("it is on the other side", implies(by_order, select(order.buys, size > 0, size <= 0)))
    no_worse = select(order.buys, price <= order.price, price >= order.price)
    yield Claim("the price is no worse than signed", implies(by_order, no_worse))
    yield Claim("there is no fee, and it may pay none", implies(by_order, order.max_fee_ppm >= 0))
    again = implies(order.nonce == before.nonce, after.filled == before.filled + operation.lots)
    filled = both(after.nonce == order.nonce, again, after.filled <= order.lots)
    yield Claim("the fill is booked, within its lots", implies(by_order, filled))
    shrinks = implies(order.reduce_only, only_reduced(scene, "counterparty_position"))
    yield Claim("the position shrinks where the order says so", implies(by_order, shrinks))
    untouched = both(after.nonce == before.nonce, after.filled == before.filled)
    yield Claim("where it is done by no order, none is filled", either(by_order, untouched))


def money_moves_in_its_direction(name: str, stage: Stage) -> Iterator[Claim]:
    """A deposit adds, a payment takes, by its amount and no more."""
    scene = stage.scene(RULES[name])
    before, after = scene.before("ledger"), scene.after("ledger")
    change = after.vault - before.vault
    if name == "deposit":
        paid = both(change == scene.operation.amount, change >= 1, change <= AMOUNT_MAX)
        yield Claim("the vault gains the amount, or nothing where it is returned", either(change == 0, paid))
        yield Claim("it is returned with a reason", either(scene.operation.result != 0, paid))
    else:
        amount = scene.before("request").amount if name == "forced_withdraw" else scene.operation.amount
        yield Claim("the vault pays the amount, or nothing", either(change == 0, change == -amount))
    yield Claim("the vault is not overdrawn", after.vault >= 0)


GOALS = (
    *(
        Goal(
            name=f"{name}_keeps_owners",
            sentence=f"An accepted {name} changes no account's owner, parent or kind.",
            statement=partial(owners_stay, name),
            subjects=(name,),
        )
        for name, rule in RULES.items()
        if name != "open_account" and any(access.record is Account and access.stores for access in rule.footprint)
    ),
    *(
        Goal(
            name=f"{name}_is_signed_and_used_once",
            sentence=f"An accepted {name} is signed, has not expired, and cannot be applied again.",
            statement=partial(intents_are_signed_and_used_once, name),
            subjects=(name,),
        )
        for name, rule in RULES.items()
        if "intent" in rule.operation.__annotations__
    ),
    *(
        Goal(
            name=f"{name}_fills_stay_within_orders",
            sentence=f"An accepted {name} fills signed orders only, within their lots over all fills, at no worse "
            "price and no higher fee; a reduce-only order only reduces.",
            statement=partial(fills_stay_within_orders, name),
            subjects=(name,),
        )
        for name in FILLS
    ),
    Goal(
        name="forced_reduce_fills_stay_within_orders",
        sentence="A forced reduction against an order fills one that its owner signed for that, on the other side, "
        "within its lots over all fills and at no worse price; a reduce-only order only reduces, and where no order is "
        "the other side none is filled.",
        statement=forced_fills_stay_within_orders,
        subjects=("forced_reduce",),
    ),
    *(
        Goal(
            name=f"{name}_moves_its_amount",
            sentence=f"An accepted {name} changes the vault by its amount in its direction, or not at all.",
            statement=partial(money_moves_in_its_direction, name),
            subjects=(name,),
        )
        for name in ("deposit", "withdraw", "forced_withdraw", "escape_pay")
    ),
)
