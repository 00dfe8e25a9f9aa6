"""Nothing else changes: what each operation may change of the records it stores, and by whose will money leaves.

What is not listed stays. Collateral falls beside settling only where the table of reasons says why.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import attrs

from perp_proofs.smt.contracts import implies, margin_contract, payment_contract
from perp_proofs.smt.frame import Scene, Stage
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.rulebook import RULES
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import absolute, both, either, indicator, negate, sweep
from perp_spec.operation import Shape
from perp_spec.perpetual import rules
from perp_spec.perpetual.common import PERPETUAL
from perp_spec.perpetual.health import NO_SUBJECT, Terms, position_terms
from perp_spec.perpetual.records import FUND, Account, Forced, Path, Position
from perp_spec.perpetual.records import Claim as Escape

assert rules.__all__, "importing the rules registers them"

TICKED = {"price", "index", "level", "gap", "ticked_at", "blind_since"}

MOVED = {"collateral", "slots", "closed_market"}

SETTLED = {"vault", "dust", "fund_inbox", "fees_inbox", "bankrupt"}

MAY_CHANGE: dict[str, dict[str, set[str]]] = {
    "begin_batch": {"exchange": {"number", "time"}, "ledger": {"bucket", "bucket_at"}},
    "deposit": {"ledger": SETTLED, "queue": {"position", "chain"}, "account": {"collateral"}},
    "withdraw": {"ledger": SETTLED | {"bucket"}, "account": {"collateral"}, "stored": {"nonce", "filled"}},
    "transfer": {
        "ledger": SETTLED - {"vault"},
        "sender": {"collateral"},
        "recipient": {"collateral"},
        "stored": {"nonce", "filled"},
    },
    "set_kind": {"ledger": {"dust", "fund_inbox"}, "account": {"kind", "collateral"}, "stored": {"nonce", "filled"}},
    "cancel": {"stored": {"nonce", "filled"}},
    "compact": {"account": {"slots"}},
    "trade": {
        "ledger": SETTLED - {"vault"},
        "book": {"open_interest"},
        "buyer": MOVED,
        "seller": MOVED,
        "buyer_stored": {"nonce", "filled"},
        "seller_stored": {"nonce", "filled"},
    },
    "liquidate": {
        "ledger": SETTLED - {"vault"},
        "book": {"open_interest", "window_liquidated"},
        "account": MOVED | {"liquidated_at"},
        "taker": MOVED,
        "taker_stored": {"nonce", "filled"},
    },
    "backstop": {
        "ledger": SETTLED - {"vault", "fees_inbox"},
        "book": {"open_interest", "window_liquidated"},
        "account": MOVED | {"liquidated_at"},
        "fund": MOVED,
    },
    "deleverage": {
        "ledger": SETTLED - {"vault", "fees_inbox"},
        "book": {"open_interest", "window_liquidated"},
        "account": MOVED | {"liquidated_at"},
        "counterparty": MOVED | {"liquidated_at"},
    },
    "socialise": {
        "ledger": SETTLED - {"vault", "fees_inbox"},
        "price": {"loss_index"},
        "book": {"loss_day", "loss_today"},
        "fund": {"collateral"},
        "other": {"collateral"},
    },
    "oracle_tick": {
        "price": TICKED,
        "oracle": {"average", "good_ticks", "disputed_since", "values", "reported_at"},
    },
    "mark": {"price": {"price"}, "oracle": {"book", "premium", "marked_at"}},
    "premium_sample": {"oracle": {"premium_sum", "samples", "sampled_at"}},
    "funding_tick": {
        "price": {"funding_index", "buffer_long_ppm", "buffer_short_ppm"},
        "oracle": {"funding_rate_ppm", "premium_sum", "samples", "funded_at"},
    },
    "record_proof": {"exchange": {"proven"}},
    "set_kill_switch": {"exchange": {"switch"}, "price": {"switch"}, "stored": {"nonce", "filled"}},
    "end_batch": {
        "exchange": {"mode", "window", "window_mode", "window_previous", "fund_day", "fund_reference"},
    },
    "request_forced": {"queue": {"position", "chain"}, "request": {"kind", "market", "amount", "deadline"}},
    "forced_withdraw": {
        "ledger": SETTLED - {"fees_inbox"},
        "request": {"kind", "market", "amount", "deadline"},
        "account": {"collateral"},
    },
    "forced_reduce": {
        "ledger": SETTLED - {"vault"},
        "book": {"open_interest"},
        "request": {"kind", "market", "amount", "deadline"},
        "account": MOVED,
        "counterparty": MOVED | {"liquidated_at"},
        "stored": {"nonce", "filled"},
    },
    "freeze": {"exchange": {"frozen_at", "escape_vault"}},
    "escape_claim": {
        "ledger": {"dust", "fund_inbox", "bankrupt", "claims"},
        "request": {"claim", "claimed"},
        "account": {"collateral"},
    },
    "escape_pay": {"ledger": {"vault"}, "request": {"claimed"}, "account": {"collateral"}},
}
"""By operation and record, the fields that may change; positions and new accounts apart."""


def listing(fields: dict[str, set[str]]) -> str:
    """Fields by record, in words."""
    return ", ".join(f"{field} of {record}" for record, names in fields.items() for field in sorted(names))


def same(before: Any, after: Any) -> Flag:
    """Two fields hold the same."""
    if not isinstance(before, tuple):
        return before == after
    result: Flag = True
    for one, other in zip(before, after, strict=True):
        result = both(result, one == other)
    return result


def nothing_else_changes(name: str, stage: Stage) -> Iterator[Claim]:
    """Of one operation."""
    scene = stage.scene(RULES[name])
    for entry in scene.entries:
        if entry.access.stores and entry.access.record not in (None, Position):
            allowed = MAY_CHANGE[name].get(entry.name, set())
            for field in attrs.fields_dict(entry.access.record):
                if field not in allowed:
                    before, after = getattr(entry.before, field), getattr(entry.after, field)
                    yield Claim(f"{field} of {entry.name} stays", same(before, after))
    yield Claim("the operation is accepted", True)


# Why collateral falls

SIGNED = "its owner has signed this"

LIQUIDATED = "it is liquidated, taken over or deleveraged"

FUND_PAYS = "the insurance fund pays, takes over or unwinds"

COUNTERPARTY = "it closes against an account that is below close-out, or is forced to reduce"

ASKED = "its owner has asked for it on the chain below"

CLAIMED = "its claim is paid"

WHY: dict[tuple[str, str], str] = {
    ("withdraw", "account"): SIGNED,
    ("transfer", "sender"): SIGNED,
    ("trade", "buyer"): SIGNED,
    ("trade", "seller"): SIGNED,
    ("liquidate", "account"): LIQUIDATED,
    ("liquidate", "taker"): SIGNED,
    ("backstop", "account"): LIQUIDATED,
    ("backstop", "fund"): FUND_PAYS,
    ("deleverage", "account"): LIQUIDATED,
    ("deleverage", "counterparty"): COUNTERPARTY,
    ("socialise", "fund"): FUND_PAYS,
    ("forced_withdraw", "account"): ASKED,
    ("forced_reduce", "account"): ASKED,
    ("forced_reduce", "counterparty"): COUNTERPARTY,
    ("escape_pay", "account"): CLAIMED,
}
"""By operation and account, why its collateral may fall beside settling, and a position of it change."""


def settled(held: Any) -> Word:
    """What settling some positions pays."""
    _, sums = sweep(position_terms, held, NO_SUBJECT, 0)
    return Terms(*sums).cash


def owed(scene: Scene, stage: Stage, place: int) -> Word:
    """What settling an account adds to its collateral."""
    cash: Word = 0
    for entry in scene.entries[place + 1 : place + 3]:
        if entry.access.record is Account:
            break
        if entry.access.record is Position and entry.access.stores:
            _, terms = stage.perform(
                position_terms, entry.before, scene.before("price"), scene.before("market"), NO_SUBJECT, 0
            )
            cash = cash + terms.cash
        if entry.access.shape is Shape.HELD:
            cash = cash + stage.perform(settled, entry.before)
    return cash


def collateral_falls_for_a_reason(name: str, stage: Stage) -> Iterator[Claim]:
    """Of every account that an operation stores."""
    scene = stage.scene(PERPETUAL.rules[name])
    operation = scene.operation
    for place, entry in enumerate(scene.entries):
        if entry.access.record is not Account or not entry.access.stores or name == "compact":
            continue
        why = WHY.get((name, entry.name))
        least = entry.before.collateral + owed(scene, stage, place)
        if why is None:
            yield Claim(f"{entry.name} loses nothing beside settling", entry.after.collateral >= least)
        elif why is SIGNED:
            yield Claim(f"{entry.name} has signed", signed(operation, entry.name))
        elif why is ASKED:
            yield Claim(f"{entry.name} has asked", scene.before("request").kind != Forced.NONE)
        elif why is CLAIMED:
            yield Claim(f"{entry.name} has claimed", scene.before("request").claimed == Escape.CLAIMED)
    yield from positions_move_for_a_reason(name, scene)


def signed(operation: Any, account: str) -> Flag:
    """The owner of an account has signed the operation, or the order that is filled."""
    orders = "buyer", "seller", "taker"
    return (getattr(operation, account) if account in orders else operation.intent).authorised


def positions_move_for_a_reason(name: str, scene: Scene) -> Iterator[Claim]:
    """A position that an operation touches belongs to an account with a reason; the others keep their size."""
    for entry in scene.stored(Position):
        if name != "compact":
            account = entry.name.removesuffix("_position") if entry.name != "position" else "account"
            yield Claim(f"{entry.name} has a reason to change", (name, account) in WHY)
    for entry in scene.visited(Shape.HELD):
        if isinstance(entry.before, tuple):
            for (before, _, _), after in zip(entry.before, entry.after, strict=True):
                kept = both(after.size == before.size, after.market == before.market)
                yield Claim(f"{entry.name} keep their sizes", kept)


def flat_and_negative(scene: Scene, stage: Stage, place: int) -> tuple[Word, Word]:
    """1 where an account holds no position and its collateral is below zero, before and after."""
    entry = scene.entries[place]
    flat: list[Flag] = [True, True]
    for other in scene.entries[place + 1 : place + 3]:
        if other.access.record is Account:
            break
        if other.access.record is Position:
            flat = [both(flat[0], other.before.size == 0), both(flat[1], other.after.size == 0)]
        if other.access.shape is Shape.HELD:
            empty = stage.perform(occupied, other.before) == 0
            flat = [both(known, empty) for known in flat]
    before, after = entry.before.collateral < 0, entry.after.collateral < 0
    return indicator(both(flat[0], before)), indicator(both(flat[1], after))


def occupied(held: Any) -> Word:
    """How many positions there are."""
    _, sums = sweep(position_terms, held, NO_SUBJECT, 0)
    return Terms(*sums).occupied


def counts_the_bankrupt(name: str, stage: Stage) -> Iterator[Claim]:
    """Of the accounts that an operation stores."""
    scene = stage.scene(PERPETUAL.rules[name])
    change: Word = 0
    for place, entry in enumerate(scene.entries):
        if entry.access.record is Account and entry.access.stores:
            before, after = flat_and_negative(scene, stage, place)
            change = change + after - before
    counted = scene.after("ledger").bankrupt - scene.before("ledger").bankrupt
    yield Claim("the count changes as the accounts do", counted == change)


def compact_only_moves(stage: Stage) -> Iterator[Claim]:
    """A position changes its slot, or nothing but the count."""
    scene = stage.scene(PERPETUAL.rules["compact"])
    hole, top = scene.entry("hole"), scene.entry("top")
    moved = either(top.before.size == 0, same_position(hole.after, top.before))
    yield Claim("the highest position is in the hole", moved)
    stayed = implies(top.before.size == 0, same_position(hole.after, hole.before))
    yield Claim("where there is none, the hole stays", stayed)
    empty = both(top.after.size == 0, top.after.market == 0, top.after.snapshot == 0)
    yield Claim("the highest slot is empty", empty)
    overwritten = either(hole.before.size == 0, top.before.size == 0)
    yield Claim("no position is overwritten", overwritten)
    account = scene.entry("account")
    yield Claim("there is one slot less", account.after.slots == account.before.slots - 1)
    sizes = absolute(hole.before.size) + absolute(top.before.size)
    yield Claim("all lots are kept", absolute(hole.after.size) + absolute(top.after.size) == sizes)
    different = negate(scene.operation.hole == scene.operation.top)
    yield Claim("two slots", both(different, scene.operation.top == account.before.slots - 1))


def only_who_had_to_take_is_spared(stage: Stage) -> Iterator[Claim]:
    """Of the other side of a forced reduction: an order is its owner's own will, and the fund needs no mercy."""
    scene = stage.scene(RULES["forced_reduce"])
    had_to = both(scene.operation.result == 0, scene.operation.path == Path.OPPOSITE)
    stays = scene.after("counterparty").liquidated_at == scene.before("counterparty").liquidated_at
    yield Claim("the others have no time of mercy", either(had_to, stays))
    yield Claim("nor has the fund", implies(scene.operation.counterparty == FUND, stays))


def same_position(first: Position, second: Position) -> Flag:
    """Two positions are the same."""
    return both(first.market == second.market, first.size == second.size, first.snapshot == second.snapshot)


STORES_ACCOUNTS = tuple(
    name
    for name, rule in PERPETUAL.rules.items()
    if name not in ("open_account", "compact")
    and any(access.record is Account and access.stores for access in rule.footprint)
)

GOALS = (
    *(
        Goal(
            name=f"{name}_changes_nothing_else",
            sentence=f"An accepted {name} changes of the records that it stores, beside positions and other markets, "
            f"only {listing(MAY_CHANGE[name])}.",
            statement=partial(nothing_else_changes, name),
            subjects=(name,),
        )
        for name in MAY_CHANGE
    ),
    *(
        Goal(
            name=f"{name}_takes_for_a_reason",
            sentence=f"An accepted {name} takes nothing beside settling from an account that has not signed, unless: "
            + ("; ".join(sorted({why for (rule, _), why in WHY.items() if rule == name})) or "never")
            + ".",
            statement=partial(collateral_falls_for_a_reason, name),
            subjects=(name,),
        )
        for name in STORES_ACCOUNTS
    ),
    *(
        Goal(
            name=f"{name}_counts_the_bankrupt",
            sentence=f"An accepted {name} changes the ledger's count of flat accounts below zero as it changes them.",
            statement=partial(counts_the_bankrupt, name),
            subjects=(name,),
            opaque={"margin_at": margin_contract, "deleverage_payment": payment_contract},
        )
        for name in STORES_ACCOUNTS
        if name != "escape_pay"
    ),
    Goal(
        compact_only_moves.__name__,
        "compact moves one position into an empty slot, or none, and lowers the count of slots by one.",
        compact_only_moves,
        ("compact",),
    ),
    Goal(
        only_who_had_to_take_is_spared.__name__,
        "A forced reduction notes a time of mercy only for a user who had to take it, not for one whose order it fills "
        "nor for the fund.",
        only_who_had_to_take_is_spared,
        ("forced_reduce",),
    ),
)
