"""Scenarios of rich states: several positions, buffers, unsettled funding, doubtful oracles, inboxes, odd rates.

The scenes of the rules have one position an account and round numbers, so that people can follow them. Here everything
counts, and of some number of the scene the values are found at which the outcome turns, one apart.
"""

import functools
import itertools
from collections.abc import Iterator
from random import Random
from typing import Any

import attrs

from perp_reference.conformance.boundary import Leaf, Moment, has_root, with_leaf
from perp_reference.conformance.mutants import outcome
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.scenarios import Scenario
from perp_reference.core.encoding import EncodingError
from perp_reference.core.state import OutOfRangeError, RecordKey
from perp_spec.perpetual.config import Config, violations, with_bracket_margins
from perp_spec.perpetual.operations import Deposit, EndBatch, RequestForced, Trade
from perp_spec.perpetual.records import FEES, FUND, Account, Exchange, Kind, Ledger, MarketBook, MarketPrice, Position
from perp_spec.words import DAY, POSITION_SLOTS
from support.scenes import batch, forced, money, trading, waterfall
from support.scenes.collected import SCENES
from support.scenes.scene import Scene
from support.vectors.build import moment_of, scenario
from support.vectors.scenes import rule_and_variant, slug

EACH = 32
"""Rich states of a scene of money, trading, the waterfall, forced actions or batches."""

FEW = 4
"""Rich states of any other scene."""

MODULES = (money, trading, waterfall, forced, batch)

TURNS = 2
"""Numbers of a state whose outcomes are searched."""

ODD = {
    "maintenance_1_ppm": 30_001,
    "maintenance_2_ppm": 60_007,
    "maintenance_3_ppm": 120_011,
    "initial_1_ppm": 50_003,
    "initial_2_ppm": 100_009,
    "initial_3_ppm": 200_017,
    "band_ppm": 100_003,
    "slippage_partial_ppm": 10_007,
    "slippage_full_ppm": 20_003,
    "slip_ppm": 5_003,
    "loss_cap_ppm": 50_021,
    "shock_ppm": 240_019,
    "close_factor_ppm": 200_003,
}
"""Rates that divide nothing."""

CHAINED = (Deposit, RequestForced)
"""Their hash chain says account and amount: others are only refused for that."""

NUMBERS = ("amount", "lots", "price", "buyer_fee_ppm", "seller_fee_ppm", "fee_ppm", "taker_fee_ppm")
"""Numbers of operations at which outcomes turn."""


PARTIES = ("account", "sender", "recipient", "counterparty")


@functools.cache
def odd_config(config: Config) -> Config:
    """A configuration with odd rates, and a portfolio floor and penalty that divide nothing."""
    markets = tuple(
        attrs.evolve(entry, market=with_bracket_margins(attrs.evolve(entry.market, **ODD))) for entry in config.markets
    )
    own = config.parameters
    parameters = attrs.evolve(
        own, portfolio_floor_ppm=own.portfolio_floor_ppm + 3, portfolio_initial_ppm=own.portfolio_initial_ppm + 7
    )
    made = attrs.evolve(config, name="odd", markets=markets, parameters=parameters)
    assert violations(made) == []
    return made


def parties(operation: Any) -> list[int]:
    """The accounts in an operation."""
    found = [getattr(operation, name) for name in PARTIES if hasattr(operation, name)]
    for attribute in attrs.fields(type(operation)):
        value = getattr(operation, attribute.name)
        if hasattr(value, "account"):
            found.append(value.account)
    return list(dict.fromkeys(found))


def rich_scenarios() -> Iterator[Scenario]:
    """Rich states of each scene, and the values at which their outcomes turn."""
    many = {scene.name for module in MODULES for scene in module.SCENES}
    for scene in SCENES:
        world, operation = scene.begin()
        config = odd_config(world.state.config)
        plain = moment_of(world, operation)
        for number in range(EACH if scene.name in many else FEW):
            rng = Random(f"{scene.name} {number}")
            session = PerpetualSession(config)
            moment = enriched(rng, mirrored(plain) if rng.random() < 0.5 else plain)
            yield from turning(rng, session, scene, number, moment)


def mirrored(moment: Moment) -> Moment:
    """The same with longs for shorts: equal equities, buyers and sellers exchanged."""
    records = dict(moment.records)
    for place, record in moment.records.items():
        if place.record is Position and record.size:
            owner = RecordKey(Account, place.key // POSITION_SLOTS)
            worth = record.size * moment.records[RecordKey(MarketPrice, record.market)].price
            records[owner] = attrs.evolve(records[owner], collateral=records[owner].collateral + 2 * worth)
            records[place] = attrs.evolve(record, size=-record.size)
    return Moment(records, mirrored_operation(moment.operation))


def mirrored_operation(operation: Any) -> Any:
    """An operation whose orders are on the other side."""
    if isinstance(operation, Trade):
        return attrs.evolve(
            operation,
            taker_buys=not operation.taker_buys,
            buyer=attrs.evolve(operation.seller, buys=True, price=operation.price + 3),
            seller=attrs.evolve(operation.buyer, buys=False, price=operation.price - 7),
            buyer_slot=operation.seller_slot,
            seller_slot=operation.buyer_slot,
            buyer_fee_ppm=operation.seller_fee_ppm,
            seller_fee_ppm=operation.buyer_fee_ppm,
        )
    for name in ("taker", "order"):
        if hasattr(operation, name):
            own = getattr(operation, name)
            limit = own.price - 5 if own.buys else own.price + 5
            operation = attrs.evolve(operation, **{name: attrs.evolve(own, buys=not own.buys, price=max(limit, 1))})
    return operation


def enriched(rng: Random, moment: Moment) -> Moment:
    """A moment in a rich state."""
    records = dict(moment.records)
    now = records[RecordKey(Exchange, 0)].time
    markets = sum(place.record is MarketPrice for place in records)
    for market in range(markets):
        place = RecordKey(MarketPrice, market)
        records[place] = moved(rng, records[place], now, rng.random() < 0.3)
    for account in {*parties(moment.operation), FUND}:
        if RecordKey(Account, account) in records and rng.random() < 0.7:
            enrich_account(rng, records, account, markets)
        book = RecordKey(MarketBook, markets - 1)
        if book in records:
            records[book] = spent(rng, records[book], now // DAY)
    exchange = records[RecordKey(Exchange, 0)]
    reference = {"fund_day": now // DAY, "fund_reference": rng.choice((0, 1, 7, 900, 5_000))}
    if rng.random() < 0.5:
        records[RecordKey(Exchange, 0)] = attrs.evolve(exchange, **reference)
    if rng.random() < 0.25:
        make_bankrupt(rng, records, parties(moment.operation))
    place = RecordKey(Ledger, 0)
    if place in records:
        inboxes = {"fund_inbox": rng.choice((0, 137)), "fees_inbox": rng.choice((0, 41)), "dust": rng.randrange(10**6)}
        records[place] = attrs.evolve(records[place], bankrupt=rng.choice((1, 5)), **inboxes)
    operation = moment.operation
    if isinstance(operation, EndBatch):
        operation = EndBatch(rng.choice((0, 0, 1, 2, 4)))
    if rng.random() < 0.2 and hasattr(operation, "recipient"):
        operation = attrs.evolve(operation, recipient=rng.choice((FUND, FEES)))
    elif rng.random() < 0.2 and hasattr(operation, "sender"):
        records[RecordKey(Account, FEES)] = attrs.evolve(records[RecordKey(Account, FEES)], collateral=9_000)
        operation = attrs.evolve(operation, sender=FEES)
    return Moment(records, operation)


def spent(rng: Random, book: MarketBook, today: int) -> MarketBook:
    """A market whose losses of the day are partly used up, and whose window is under way."""
    return attrs.evolve(
        book,
        loss_day=rng.choice((today, today, today - 1, 0)),
        loss_today=rng.randint(0, 3_000_000),
        window_open_interest=rng.choice((book.window_open_interest, book.open_interest, 100, 20)),
        window_liquidated=rng.choice((book.window_liquidated, 0, 1, 5, 10, 20)),
    )


def make_bankrupt(rng: Random, records: dict[RecordKey, Any], accounts: list[int]) -> None:
    """Leave one of the accounts without positions and with a debt."""
    users = [account for account in accounts if account > FEES and RecordKey(Account, account) in records]
    if users:
        account = rng.choice(users)
        for slot in range(POSITION_SLOTS):
            records.pop(RecordKey(Position, account * POSITION_SLOTS + slot), None)
        place = RecordKey(Account, account)
        records[place] = attrs.evolve(
            records[place], collateral=-rng.choice((1, 100, 699, 700, 701, 4_999, 5_000, 5_001))
        )


def moved(rng: Random, price: MarketPrice, now: int, doubtful: bool) -> MarketPrice:
    """A price with everything that waits or may be doubted."""
    shift = rng.choice((0, 0, 1, -1, 3))
    changes: dict[str, Any] = {
        "price": max(price.price + shift, 1),
        "index": max(price.index + rng.choice((0, 0, 1, -1, 2, -2)), 1),
        "funding_index": price.funding_index + rng.randint(-2_000_000, 2_000_000),
        "loss_index": price.loss_index + rng.choice((0, rng.randint(1, 999_999))),
        "buffer_long_ppm": rng.choice((0, rng.randint(1, 9_999))),
        "buffer_short_ppm": rng.choice((0, rng.randint(1, 9_999))),
    }
    if doubtful:
        age = rng.choice((0, 60, 119, 120, 121, 1_800, 1_801, 5_000))
        level = rng.choice((0, 1, 1, 2))
        changes |= {"level": level, "ticked_at": now - age, "gap": level == 2 and rng.random() < 0.4}
        changes["blind_since"] = rng.choice((0, now - age, now - 1_800, now - 1_801))
    return attrs.evolve(price, **changes)


def enrich_account(rng: Random, records: dict[RecordKey, Any], account: int, markets: int) -> None:
    """Give an account another kind and further positions."""
    place = RecordKey(Account, account)
    own: Account = records[place]
    if own.kind in (Kind.CROSS, Kind.PORTFOLIO) and account > FEES and rng.random() < 0.5:
        own = attrs.evolve(own, kind=Kind.PORTFOLIO)
    first = account * POSITION_SLOTS
    held = {
        records[key].market for key in records if key.record is Position and first <= key.key < first + POSITION_SLOTS
    }
    if own.kind != Kind.ISOLATED and account != FEES:
        for market in range(markets):
            if market not in held and rng.random() < 0.6 and own.slots < POSITION_SLOTS:
                size = rng.choice((-1, 1)) * rng.randint(1, 150)
                records[RecordKey(Position, first + own.slots)] = Position(market, size, rng.randint(-500_000, 500_000))
                own = attrs.evolve(own, slots=own.slots + 1)
    records[place] = attrs.evolve(own, collateral=own.collateral + rng.randint(-300, 300))


def turning(rng: Random, session: PerpetualSession, scene: Scene, number: int, moment: Moment) -> Iterator[Scenario]:
    """A rich moment, and those around it at which the outcome turns."""
    rule, variant = rule_and_variant(scene)
    name = f"{rule}/{variant}rich-{number:02d}"
    if said(session, moment) is not None:
        yield rich(name, session, moment)
    fields = () if isinstance(moment.operation, CHAINED) else NUMBERS
    leaves = [Leaf(RecordKey(Account, account), ("collateral",)) for account in (*parties(moment.operation), FUND)]
    leaves += [Leaf(None, (field,)) for field in fields if hasattr(moment.operation, field)]
    leaves = [leaf for leaf in leaves if leaf.place is None or leaf.place in moment.records]
    for leaf in rng.sample(leaves, min(TURNS, len(leaves))):
        for count, (low, high) in enumerate(turns(session, moment, leaf)):
            for side, word in (("a", low), ("b", high)):
                where = slug("-".join(str(part) for part in leaf.path))
                of = "" if leaf.place is None else f"{leaf.place.key}-"
                yield rich(f"{name}/{of}{where}-{count}{side}", session, with_leaf(moment, leaf, word))


def rich(name: str, session: PerpetualSession, moment: Moment) -> Scenario:
    """One scenario."""
    config = session.current.config
    operations = (moment.operation,)
    comment = "A rich state, in which everything counts."
    return scenario(name, comment, config, moment.records, operations, kind="boundary", flags=("ROUNDING",))


def said(session: PerpetualSession, moment: Moment) -> Any:
    """What the rules say: accepted, or the first reason; None where no exchange could be there."""
    if not has_root(moment.records):
        return None
    session.take(moment.records)
    try:
        reason, _ = outcome(session, moment.operation)
    except (OutOfRangeError, EncodingError, ArithmeticError, LookupError):
        session.current.rollback()
        return None
    return "accepted" if reason is None else reason.name


def turns(session: PerpetualSession, moment: Moment, leaf: Leaf) -> Iterator[tuple[int, int]]:
    """Values of a word, one apart, between which the outcome is another."""
    start = word_at(moment, leaf)
    steps = sorted({0, *(sign * 2**exponent for sign in (-1, 1) for exponent in range(3, 18))})
    known = [(start + step, said(session, with_leaf(moment, leaf, start + step))) for step in steps]
    for (low, before), (high, after) in itertools.pairwise(known):
        if before is None or after is None or before == after:
            continue
        yield between(session, moment, leaf, (low, before), high)


def word_at(moment: Moment, leaf: Leaf) -> int:
    """A word of a moment."""
    value = moment.operation if leaf.place is None else moment.records[leaf.place]
    return getattr(value, str(leaf.path[0]))


def between(
    session: PerpetualSession, moment: Moment, leaf: Leaf, lower: tuple[int, Any], high: int
) -> tuple[int, int]:
    """The last value with the outcome of the lower end, and the next one."""
    low, before = lower
    while high - low > 1:
        middle = (low + high) // 2
        if said(session, with_leaf(moment, leaf, middle)) == before:
            low = middle
        else:
            high = middle
    return low, high
