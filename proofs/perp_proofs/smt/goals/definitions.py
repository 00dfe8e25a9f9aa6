"""What the shared functions of the rules compute, stated a second time.

Margins, settling, moving, health, oracle states and the rest are what other theorems take as given: a fault in one of
them would change a rule and what is claimed of it alike. So each is pinned here by a definition in other words.
"""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import attrs

from perp_proofs.smt.contracts import margin_contract, market_assumed
from perp_proofs.smt.frame import Stage
from perp_proofs.smt.goals.contracts import MARKET_VALID
from perp_proofs.smt.goals.effects import words_of
from perp_proofs.smt.goals.guards.shared import health_stays, holding, near, one_market, own_slot, ratio_stays
from perp_proofs.smt.goals.guards.waterfall import able, beyond_close_out, deciding_slot, smallest_piece, unspared
from perp_proofs.smt.goals.stored.shared import index_of
from perp_proofs.smt.prove import Claim, Goal
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import (
    absolute,
    both,
    either,
    indicator,
    maximum,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    mul_div_remainder,
    negate,
    select,
)
from perp_spec.perpetual.health import (
    NO_SUBJECT,
    Health,
    at_best,
    cautious_sums,
    cautious_terms,
    health,
    losses_of,
    margin,
    margin_at,
    move_side,
    oracle_state,
    portfolio_initial,
    portfolio_requirement,
    position_terms,
    settle_side,
    settle_whole,
    side_index,
    slot_fits,
    transition_kept_health,
    worst_loss,
    worst_rest,
    zero_price_amount,
)
from perp_spec.perpetual.records import Account, Kind, Market, MarketBook, MarketPrice, Mode, Parameters, Position
from perp_spec.perpetual.rules.batch import WindowTerms, fund_severity, graded, market_window, window_severity
from perp_spec.perpetual.rules.ticks import candidate_of
from perp_spec.perpetual.rules.trading import market_allowed
from perp_spec.perpetual.rules.waterfall import (
    Loss,
    backstop_lots,
    bear_loss,
    below_close_out,
    certain,
    decides,
    deleverage_payment,
    fund_able,
    holds,
    is_spared,
    left_unhealthy,
    liquidation_kept_health,
    released,
    share_of,
    sign_of,
    spared_until,
    step_cap,
)
from perp_spec.words import FAMILIES_MAX, MARKETS_MAX, POSITION_SLOTS, PPM, SCENARIOS, TIME_MAX, WORD_MAX

PRICES_IN_RANGE = "what families report is at most the market's max_price"


def valid_market(stage: Stage, name: str = "market") -> Market:
    """A market whose configuration is valid."""
    market = stage.record(Market, name)
    stage.assume(market_assumed(market), MARKET_VALID)
    return market


def item(stage: Stage, name: str = "") -> tuple[Position, MarketPrice, Market]:
    """A position with price and configuration of its market."""
    return (
        stage.record(Position, f"{name}position"),
        stage.record(MarketPrice, f"{name}price"),
        valid_market(stage, f"{name}market"),
    )


def moment(stage: Stage) -> Word:
    """A time."""
    return stage.word("now", 0, TIME_MAX)


def same(prefix: str, found: Any, wanted: Any) -> Iterator[Claim]:
    """Two tuples with names agree."""
    for name, one, other in zip(wanted._fields, found, wanted, strict=True):
        yield Claim(f"{prefix}{name}", one == other)


def margins_are_marginal(stage: Stage) -> Iterator[Claim]:
    """Of any notional: what brackets below need, and this bracket's rate of the rest, rounded up."""
    market, notional = stage.record(Market, "market"), stage.word("notional", 0, WORD_MAX)
    above_2, above_3 = notional > market.bracket_2, notional > market.bracket_3
    stage.split(above_2)
    stage.split(above_3)
    stage.assume(either(negate(above_3), above_2), MARKET_VALID)
    found = stage.perform(margin_at, notional, market)
    rows = (
        (market.maintenance_1_ppm, market.maintenance_2_ppm, market.maintenance_3_ppm),
        (market.initial_1_ppm, market.initial_2_ppm, market.initial_3_ppm),
    )
    below = (
        (market.maintenance_2_atoms, market.maintenance_3_atoms),
        (market.initial_2_atoms, market.initial_3_atoms),
    )
    for name, result, rates, sums in zip(("maintenance", "initial"), found, rows, below, strict=True):
        first = mul_div_ceil(notional, rates[0], PPM)
        second = sums[0] + mul_div_ceil(notional - market.bracket_2, rates[1], PPM)
        third = sums[1] + mul_div_ceil(notional - market.bracket_3, rates[2], PPM)
        yield Claim(name, result == select(above_3, third, select(above_2, second, first)))


def a_position_needs_the_margin_of_its_notional(stage: Stage) -> Iterator[Claim]:
    """Long or short."""
    position, price, market = item(stage)
    stage.split(position.size < 0)
    found = stage.perform(margin, position.size, price, market)
    notional = absolute(position.size) * price.price
    maintenance, initial = margin_at(notional, market)
    buffer_ppm = select(position.size < 0, price.buffer_short_ppm, price.buffer_long_ppm)
    yield Claim("value", found.value == position.size * price.price)
    yield Claim("maintenance", found.maintenance == maintenance)
    yield Claim("initial", found.initial == initial)
    yield Claim("buffer", found.buffer == mul_div_ceil(notional, buffer_ppm, PPM))
    yield Claim("index of its side", side_index(position.size, price) == index_of(position.size, price))


class State:
    """What an oracle's state should be."""

    def __init__(self, price: MarketPrice, market: Market, now: Word) -> None:
        silent = now > price.ticked_at + market.staleness_seconds
        self.degraded = either(silent, price.level > 0)
        self.suspended = either(silent, price.level > 1)
        self.blind = either(silent, both(price.level > 1, negate(price.gap)))
        tick = price.ticked_at + market.staleness_seconds
        self.blind_from = select(price.blind_since == 0, tick, price.blind_since)
        self.exits_only = both(self.blind, now > self.blind_from + market.blind_seconds)


def the_state_of_an_oracle(stage: Stage) -> Iterator[Claim]:
    """Of any tick, at any time."""
    price, market, now = stage.record(MarketPrice, "price"), valid_market(stage), moment(stage)
    found, wanted = stage.perform(oracle_state, price, market, now), State(price, market, now)
    for name in ("degraded", "suspended", "blind", "exits_only"):
        one, other = getattr(found, name), getattr(wanted, name)
        yield Claim(name, either(both(one, other), both(negate(one), negate(other))))
    yield Claim("blind from", found.blind_from == wanted.blind_from)


def the_terms_of_a_position(stage: Stage) -> Iterator[Claim]:
    """What settling it does, and what it adds to its account."""
    position, price, market = item(stage)
    stage.split(position.size < 0)
    subject, now = stage.word("subject", 0, max(NO_SUBJECT, MARKETS_MAX)), moment(stage)
    settled, terms = stage.perform(position_terms, position, price, market, subject, now)
    state, size = State(price, market, now), position.size
    owed = size * (side_index(size, price) - position.snapshot)
    held, needs = negate(size == 0), margin(size, price, market)
    band = mul_div_ceil(absolute(size * price.price), market.band_ppm, PPM)
    for word, one, other in words_of("position", settled, attrs.evolve(position, snapshot=index_of(size, price))):
        yield Claim(word, one == other)
    wanted = type(terms)(
        cash=mul_div_floor(-owed, 1, PPM),
        dust=mul_div_remainder(-owed, 1, PPM),
        value=needs.value,
        maintenance=needs.maintenance,
        initial=needs.initial,
        buffer=needs.buffer,
        same=select(both(held, position.market == subject), 1, 0),
        occupied=select(held, 1, 0),
        degraded=select(both(held, state.degraded), 1, 0),
        blind=select(both(held, state.blind), 1, 0),
        doubt=select(state.blind, band, 0),
    )
    yield from same("", terms, wanted)


def the_losses_of_a_position(stage: Stage) -> Iterator[Claim]:
    """In each scenario, and in its mirror image."""
    position, price, market = item(stage)
    found = stage.perform(losses_of, position.size, price, market)
    worth = position.size * price.price
    falls, rises = mul_div_ceil(worth, market.shock_ppm, PPM), mul_div_ceil(-worth, market.shock_ppm, PPM)
    yield Claim("there is a loss for each scenario", len(found) == SCENARIOS)
    for place, up in enumerate(market.rises):
        yield Claim(f"scenario {place}", found[2 * place] == select(up, rises, falls))
        yield Claim(f"mirror image of {place}", found[2 * place + 1] == select(up, falls, rises))


def worst_of(losses: list[Word]) -> Word:
    """The largest of some words, or zero."""
    worst: Word = 0
    for loss in losses:
        worst = select(loss > worst, loss, worst)
    return worst


def the_worst_loss_of_a_book(stage: Stage) -> Iterator[Claim]:
    """Of one position beside another."""
    other, (position, price, market) = item(stage, "other_"), item(stage)
    found = stage.perform(worst_loss, (other,), position.size, price, market)
    first, second = losses_of(other[0].size, *other[1:]), losses_of(position.size, price, market)
    together = [one + added for one, added in zip(first, second, strict=True)]
    yield Claim("beside another", found == worst_of(together))
    yield Claim("of one", stage.perform(worst_rest, (other,)) == worst_of(list(first)))
    yield Claim("of none", stage.perform(worst_rest, ()) == 0)


def sums(stage: Stage, *names: str) -> list[Word]:
    """Any words."""
    return [stage.word(name, -WORD_MAX, WORD_MAX) for name in names]


def the_health_of_an_account(stage: Stage) -> Iterator[Claim]:
    """Of any sums."""
    own = stage.record(Parameters, "parameters")
    kind = stage.record(Account, "account").kind
    stage.split(kind == Kind.PORTFOLIO)
    collateral, value, linear, initial, buffer, worst = sums(
        stage, "collateral", "value", "linear", "initial", "buffer", "worst"
    )
    found = stage.perform(health, kind, collateral, value, linear, initial, buffer, worst, own)
    least = mul_div_ceil(linear, own.portfolio_floor_ppm, PPM)
    scanned = select(worst > least, worst, least)
    portfolio = kind == Kind.PORTFOLIO
    required = select(portfolio, scanned, linear) + buffer
    wider = select(portfolio, mul_div_ceil(required, own.portfolio_initial_ppm, PPM), initial + buffer)
    yield from same("", found, Health(collateral + value, required, wider, linear))
    yield Claim("what a portfolio requires", portfolio_requirement(linear, worst, own) == scanned)
    yield Claim(
        "what it needs to begin with",
        portfolio_initial(linear, own) == mul_div_ceil(linear, own.portfolio_initial_ppm, PPM),
    )
    best = stage.perform(at_best, Health(collateral, value, linear, initial), buffer)
    yield from same("at best, ", best, Health(collateral + buffer, value, linear, initial))


def account_with(stage: Stage) -> tuple[Parameters, Account, Any, Any, Word, Word]:
    """An account with two positions, one of them apart."""
    own, account = stage.record(Parameters, "parameters"), stage.record(Account, "account")
    stage.split(account.kind == Kind.PORTFOLIO)
    return own, account, item(stage, "other_"), item(stage), moment(stage), stage.word("inbox", 0, WORD_MAX)


def settled_health(own: Parameters, account: Account, collateral: Word, terms: list[Any], worst: Word) -> Health:
    """The health of an account from the terms of its positions."""
    value, linear, initial, buffer = (
        sum(getattr(one, name) for one in terms) for name in ("value", "maintenance", "initial", "buffer")
    )
    counted = select(account.kind == Kind.PORTFOLIO, worst, 0)
    return health(account.kind, collateral, value, linear, initial, buffer, counted, own)


def settling_an_account(stage: Stage) -> Iterator[Claim]:
    """With one position apart, and with none."""
    own, account, other, (position, price, market), now, inbox = account_with(stage)
    subject = stage.word("subject", 0, MARKETS_MAX)
    side = stage.perform(settle_side, own, now, inbox, account, position, (other,), price, market, subject)
    stored, first = position_terms(*other, subject, now)
    _, second = position_terms(position, price, market, subject, now)
    both_terms = [first, second]
    collateral = account.collateral + first.cash + second.cash + inbox
    worst = worst_loss((other,), position.size, price, market)
    yield Claim("collateral", side.collateral == collateral)
    yield Claim("size and market", both(side.size == position.size, side.held_market == position.market))
    yield Claim("dust", side.dust == first.dust + second.dust)
    yield Claim("occupied", side.occupied == first.occupied + second.occupied)
    yield Claim("doubt", side.doubt == first.doubt + second.doubt)
    yield Claim("degraded", negate(either(side.degraded, False)) == (first.degraded + second.degraded == 0))
    yield Claim("blind", negate(either(side.blind, False)) == (first.blind + second.blind == 0))
    bankrupt = both(first.occupied == 0, second.occupied == 0, account.collateral < 0)
    yield Claim("bankrupt", side.bankrupt == indicator(bankrupt))
    yield from same("rest ", side.rest, first)
    yield from same("health ", side.health, settled_health(own, account, collateral, both_terms, worst))
    for word, one, wanted in words_of("other", side.others[0], stored):
        yield Claim(word, one == wanted)
    yield from settling_a_whole_account(stage, own, account, (other, (position, price, market)), now, inbox)


def settling_a_whole_account(
    stage: Stage, own: Parameters, account: Account, held: Any, now: Word, inbox: Word
) -> Iterator[Claim]:
    """With no position apart."""
    whole = stage.perform(settle_whole, own, now, inbox, account, held)
    found = [position_terms(*one, NO_SUBJECT, now) for one in held]
    terms = [sums for _, sums in found]
    collateral = account.collateral + sum(one.cash for one in terms) + inbox
    yield Claim("whole: collateral", whole.collateral == collateral)
    for name in ("dust", "occupied", "degraded", "blind", "doubt"):
        yield Claim(f"whole: {name}", getattr(whole.terms, name) == sum(getattr(one, name) for one in terms))
    empty = both(terms[0].occupied == 0, terms[1].occupied == 0)
    yield Claim("whole: bankrupt", whole.bankrupt == indicator(both(empty, account.collateral < 0)))
    yield from same("whole: health ", whole.health, settled_health(own, account, collateral, terms, worst_rest(held)))
    for place, (position, _) in enumerate(found):
        for word, one, wanted in words_of(f"whole: position {place}", whole.held[place], position):
            yield Claim(word, one == wanted)


def moving_an_account(stage: Stage) -> Iterator[Claim]:
    """Lots and cash for a settled account."""
    own, account, other, (position, price, market), now, inbox = account_with(stage)
    subject, slot, at = stage.word("subject", 0, MARKETS_MAX - 1), stage.word("slot", 0, 15), moment(stage)
    lots, cash = sums(stage, "lots", "cash")
    side = settle_side(own, now, inbox, account, position, (other,), price, market, subject)
    moved = stage.perform(move_side, own, side, price, market, subject, slot, lots, cash, at)
    size, collateral = position.size + lots, side.collateral + cash
    closed = size == 0
    left = attrs.evolve(
        account,
        collateral=collateral,
        slots=select(either(closed, account.slots > slot), account.slots, slot + 1),
        liquidated_at=at,
        closed_market=select(both(closed, negate(position.size == 0)), subject + 1, account.closed_market),
    )
    held = Position(select(closed, 0, subject), size, index_of(size, price))
    for name, found, wanted in (("account", moved.account, left), ("position", moved.position, held)):
        for word, one, expected in words_of(name, found, wanted):
            yield Claim(word, one == expected)
    worst = worst_loss((other,), size, price, market)
    terms = [side.rest, margin(size, price, market)]
    yield from same("health ", moved.health, settled_health(own, account, collateral, terms, worst))
    shrunk = both(absolute(size) <= absolute(position.size), negate(both(size > 0, position.size < 0)))
    shrunk = both(shrunk, negate(both(size < 0, position.size > 0)))
    yield Claim("reduced", equally(moved.reduced, shrunk))
    owes = both(side.rest.occupied == 0, closed, collateral < 0)
    yield Claim("bankrupt", moved.bankrupt == indicator(owes))


def equally(first: Flag, second: Flag) -> Flag:
    """Both hold, or neither does."""
    return either(both(first, second), both(negate(first), negate(second)))


def the_cautious_terms_of_a_position(stage: Stage) -> Iterator[Claim]:
    """At the worse price, less bands where the oracle is in doubt."""
    position, price, market = item(stage)
    now = moment(stage)
    found, state = stage.perform(cautious_terms, position, price, market, now), State(price, market, now)
    dearest = absolute(position.size) * maximum(price.price, price.index)
    waited = select(state.blind, maximum(now - state.blind_from, 0), 0)
    bands = 1 + mul_div_floor(waited, 1, maximum(market.blind_seconds, 1))
    part_ppm = select(state.degraded, minimum(market.band_ppm * bands, PPM), 0)
    _, initial = margin_at(dearest, market)
    worth = minimum(position.size * price.price, position.size * price.index)
    yield Claim("value", found.value == worth - mul_div_ceil(dearest, part_ppm, PPM))
    yield Claim("initial", found.initial == initial)
    other = item(stage, "other_")
    together = stage.perform(cautious_sums, ((position, price, market), other), now)
    second = cautious_terms(*other, now)
    yield Claim("sum of values", together.value == found.value + second.value)
    yield Claim("sum of margins", together.initial == found.initial + second.initial)


def a_certain_deficit(stage: Stage) -> Iterator[Claim]:
    """No more of a deficit than is left if blind positions are worth all they may be."""
    equity, maintenance, initial, linear, doubt = sums(stage, "equity", "maintenance", "initial", "linear", "doubt")
    before = Health(equity, maintenance, initial, linear)
    found = stage.perform(certain, settled(before, doubt))
    surely = select(equity < 0, select(equity + doubt > 0, 0, equity + doubt), equity)
    yield from same("", found, before._replace(equity=surely))


def settled(known: Health, doubt: Word, size: Word = 0) -> Any:
    """What these functions look at of a settled account."""
    return SimpleNamespace(health=known, doubt=doubt, size=size)


def what_a_counterparty_pays(stage: Stage) -> Iterator[Claim]:
    """Of a bankrupt account's deficit."""
    price, market = stage.record(MarketPrice, "price"), valid_market(stage)
    lots, size, doubt = sums(stage, "lots", "size", "doubt")
    debtor, before, after = (
        Health(*sums(stage, *(f"{name}.{field}" for field in Health._fields))) for name in ("debtor", "before", "after")
    )
    side, other = settled(debtor, doubt, size), settled(before, 0)
    found = stage.perform(deleverage_payment, side, other, after, lots, price, market)
    part = share_of(size, lots, price, market)
    missing = mul_div_floor(part, maximum(-certain(side).equity, 0), maximum(debtor.linear, 1))
    parts = [
        mul_div_floor(maximum(old - new, 0), before.equity, maximum(old, 1))
        for old, new in ((before.linear, after.linear), (before.maintenance, after.maintenance))
    ]
    bearable = select(parts[0] < parts[1], parts[0], parts[1])
    yield Claim("the payment", found == minimum(missing, select(bearable > 0, bearable, 0)))
    yield Claim("released", stage.perform(released, before.equity, before.linear, after.linear) == parts[0])
    whole, left = (
        margin_at(absolute(size * price.price), market),
        margin_at((absolute(size) - lots) * price.price, market),
    )
    yield Claim("the share", part == whole[0] - left[0])


def the_window_of_a_market(stage: Stage) -> Iterator[Claim]:
    """At the end of a batch."""
    price, book, market = stage.record(MarketPrice, "price"), stage.record(MarketBook, "book"), valid_market(stage)
    own, rolled = stage.record(Parameters, "parameters"), stage.flag("rolled")
    (after, window), counts = stage.perform(market_window, price, book, market, own, rolled)
    moded = attrs.evolve(price, mode=select(both(price.gap, price.switch < Mode.REDUCE_ONLY), 2, price.switch))
    opened = attrs.evolve(
        book,
        window_open_interest=select(rolled, book.open_interest, book.window_open_interest),
        window_liquidated=select(negate(rolled), book.window_liquidated, 0),
    )
    for name, found, wanted in (("price", after, moded), ("book", window, opened)):
        for word, one, other in words_of(name, found, wanted):
            yield Claim(word, one == other)
    counted = negate(book.window_open_interest * price.price < own.window_floor_atoms)
    yield Claim("counted", counts.counted == indicator(counted))
    for name, part in (("throttled", own.window_throttle_ppm), ("reduced", own.window_reduce_ppm)):
        many = book.window_liquidated * PPM >= part * book.window_open_interest
        yield Claim(name, getattr(counts, name) == indicator(both(counted, many)))


def what_windows_demand(stage: Stage) -> Iterator[Claim]:
    """Of the counts of all markets, of a fall of the fund, and of any figure."""
    own = stage.record(Parameters, "parameters")
    counted, throttled, reduced = (stage.word(name, 0, MARKETS_MAX) for name in ("counted", "throttled", "reduced"))
    found = stage.perform(window_severity, WindowTerms(counted, throttled, reduced), own)
    many, some = (both(count >= own.window_markets, 2 * count >= counted) for count in (reduced, throttled))
    yield Claim("windows", found == select(many, 2, select(some, 1, 0)))
    value, throttle, reduce = sums(stage, "value", "throttle", "reduce")
    wanted = select(negate(value < reduce), 2, select(negate(value < throttle), 1, 0))
    yield Claim("a figure", stage.perform(graded, value, throttle, reduce) == wanted)
    equity, reference = sums(stage, "equity", "reference")
    fell = maximum(reference - equity, 0) * PPM
    deep, less = (
        both(reference > 0, fell >= part * maximum(reference, 0))
        for part in (own.fund_reduce_ppm, own.fund_throttle_ppm)
    )
    fall = stage.perform(fund_severity, equity, reference, own)
    yield Claim("a fall of the fund", fall == select(deep, 2, select(less, 1, 0)))


def any_side(stage: Stage, name: str) -> Any:
    """What the helpers look at of any settled account."""
    size, same_market, occupied, doubt = sums(
        stage, *(f"{name}.{field}" for field in ("size", "same", "occupied", "doubt"))
    )
    return SimpleNamespace(
        size=size,
        held_market=stage.word(f"{name}.market", 0, MARKETS_MAX - 1),
        rest=SimpleNamespace(same=same_market, occupied=occupied),
        account=stage.record(Account, f"{name}.account"),
        health=Health(*sums(stage, *(f"{name}.health.{field}" for field in Health._fields))),
        doubt=doubt,
        degraded=stage.flag(f"{name}.degraded"),
    )


def the_helpers_of_the_waterfall(stage: Stage) -> Iterator[Claim]:
    """Of any two settled accounts, and of the first before and after."""
    side, fund, own = any_side(stage, "side"), any_side(stage, "fund"), stage.record(Parameters, "parameters")
    market, price = valid_market(stage), stage.record(MarketPrice, "price")
    after = Health(*sums(stage, *(f"after.{field}" for field in Health._fields)))
    lots, slot = stage.word("lots", -WORD_MAX, WORD_MAX), stage.word("slot", 0, POSITION_SLOTS - 1)
    subject, number, now = stage.word("subject", 0, MARKETS_MAX - 1), stage.word("number", 0, WORD_MAX), moment(stage)
    position = stage.record(Position, "fund_position")
    op = SimpleNamespace(market=subject, lots=lots, account=number, fund_slot=slot)
    case = SimpleNamespace(
        op=op,
        parameters=own,
        market=market,
        price=price,
        exchange=SimpleNamespace(time=now),
        account=side.account,
        fund_position=position,
    )
    yield Claim("slot_fits", equally(slot_fits(side, subject, slot), own_slot(case, side, slot)))
    yield Claim("decides", equally(decides(fund, position, subject, slot), deciding_slot(case, fund)))
    yield Claim("holds", equally(holds(side, subject), holding(side, subject)))
    yield Claim("market_allowed", equally(market_allowed(side.account, subject), one_market(case, side.account)))
    yield Claim("sign_of", sign_of(side.size) == select(side.size > 0, 1, -1))
    had, has = side.health.equity + side.doubt, after.equity + side.doubt
    lost = both(negate(had < side.health.maintenance), has < after.maintenance)
    fell = both(
        had * PPM >= market.close_out_ppm * side.health.maintenance,
        has * PPM < market.close_out_ppm * after.maintenance,
    )
    worse = both(number > 0, either(lost, fell))
    yield Claim("left_unhealthy", equally(left_unhealthy(number, side, after, market), worse))
    ahead = now + own.cooldown_seconds
    yield Claim("spared_until", spared_until(now, own) == select(ahead > TIME_MAX, TIME_MAX, ahead))
    yield Claim("is_spared", equally(is_spared(side, now), negate(unspared(case, side))))
    best = at_best(side.health, side.doubt)
    yield Claim("below_close_out", equally(below_close_out(best, market), beyond_close_out(case, side)))
    part = mul_div_ceil(absolute(side.size), market.close_factor_ppm, PPM)
    most = select(absolute(side.size) * price.price > market.full_close_atoms, part, absolute(side.size))
    cap = select(side.degraded, mul_div_ceil(most, 1, 2), most)
    yield Claim("step_cap", step_cap(side.size, side.degraded, price, market) == cap)
    yield Claim("backstop_lots", backstop_lots(side.size, own, price) == smallest_piece(case, side))
    linear = either(side.account.kind == Kind.PORTFOLIO, number == 0)
    kept = liquidation_kept_health(number, side.account.kind, side.health, after)
    yield Claim("liquidation_kept_health", equally(kept, ratio_stays(linear, side.health, after)))
    stays = health_stays(side.account.kind, side.health, after)
    yield Claim("transition", equally(transition_kept_health(side.account.kind, side.health, after), stays))
    amount = mul_div_ceil(lots, side.health.equity, maximum(side.health.linear, 1))
    yield Claim("zero_price_amount", zero_price_amount(lots, side.health) == amount)
    taken: Any = SimpleNamespace(reduced=stage.flag("reduced"), health=after, position=position, account=side.account)
    possible = fund_able(own, fund, taken, market, subject, slot)
    yield Claim("fund_able", equally(possible, able(case, fund, taken, slot)))


def what_a_market_bears(stage: Stage) -> Iterator[Claim]:
    """Of a deficit, on a day."""
    price, book, market = stage.record(MarketPrice, "price"), stage.record(MarketBook, "book"), valid_market(stage)
    before, today = Loss(*sums(stage, "deficit", "raised", "dust", "excess")), stage.word("today", 0, TIME_MAX)
    (after, bearing), found = stage.perform(bear_loss, before, price, book, market, today)
    lots = 2 * book.open_interest
    borne = select(negate(book.loss_day == today), 0, book.loss_today)
    left = maximum(market.loss_cap_ppm * price.price - borne, 0)
    room = maximum(market.max_price * PPM - price.loss_index, 0)
    most = select(lots == 0, 0, minimum(left, room))
    all_of_it = mul_div_floor(lots, most, PPM) <= before.deficit
    needed = mul_div_ceil(select(all_of_it, 0, before.deficit), PPM, maximum(lots, 1))
    rise = select(all_of_it, most, needed)
    taken = mul_div_floor(lots, rise, PPM)
    covered = select(before.deficit > taken, taken, before.deficit)
    wanted = Loss(
        deficit=before.deficit - covered,
        raised=before.raised + rise,
        dust=before.dust + mul_div_remainder(lots, rise, PPM),
        excess=before.excess + taken - covered,
    )
    yield from same("", found, wanted)
    raised = attrs.evolve(price, loss_index=price.loss_index + rise)
    noted = attrs.evolve(book, loss_day=today, loss_today=borne + rise)
    for name, one, other in (("price", after, raised), ("book", bearing, noted)):
        for word, first, second in words_of(name, one, other):
            yield Claim(word, first == second)


def what_the_families_say(stage: Stage) -> Iterator[Claim]:
    """The price of any four families, and how many are stale or deviate."""
    market, now = valid_market(stage), moment(stage)
    families = stage.word("families", 0, FAMILIES_MAX)
    values = tuple(stage.word(f"values[{place}]", -WORD_MAX, WORD_MAX) for place in range(FAMILIES_MAX))
    times = tuple(stage.word(f"times[{place}]", 0, TIME_MAX) for place in range(FAMILIES_MAX))
    average = stage.word("average", 0, WORD_MAX)
    for value in values:
        stage.assume(both(value >= 0, value <= market.max_price), PRICES_IN_RANGE)
    found = stage.perform(candidate_of, families, values, times, average, market, now)
    fresh = [
        both(families > place, values[place] > 0, now <= times[place] + market.staleness_seconds)
        for place in range(FAMILIES_MAX)
    ]
    count: Word = 0
    for flag in fresh:
        count = count + indicator(flag)
    for place, price in enumerate(values):
        at_or_below: Word = 0
        below: Word = 0
        for flag, value in zip(fresh, values, strict=True):
            at_or_below = at_or_below + indicator(both(flag, value <= price))
            below = below + indicator(both(flag, value < price))
        # The lower median of three or four is the second from below: fewer than two below it, two or more up to it.
        second = both(at_or_below >= 2, below <= 1)
        some = either(*(both(flag, value == price) for flag, value in zip(fresh, values, strict=True)))
        yield Claim(f"the lower median is {place}", either(count < 3, negate(both(second, some)), found.price == price))
        yield Claim(f"the only one is {place}", either(negate(count == 1), negate(some), found.price == price))
    yield Claim("none", either(count > 0, found.price == 0))
    yield Claim("alone", equally(found.lone, count == 1))
    yield Claim("confirmed by two", equally(found.confirmed, families - found.bad >= 2))
    yield from the_fresh_prices(found, fresh, values, families - count, average, market)


def the_fresh_prices(
    found: Any, fresh: list[Flag], values: tuple[Word, ...], stale: Word, average: Word, market: Market
) -> Iterator[Claim]:
    """What two fresh prices give, and which deviate; a price that is not fresh counts as one beyond all."""
    prices = [select(flag, value, market.max_price + 1) for flag, value in zip(fresh, values, strict=True)]
    pairs = [(minimum(*pair), maximum(*pair)) for pair in (prices[:2], prices[2:])]
    first, second = (
        minimum(pairs[0][0], pairs[1][0]),
        minimum(maximum(pairs[0][0], pairs[1][0]), minimum(pairs[0][1], pairs[1][1])),
    )
    up_to: Word = 0
    for place, price in enumerate(prices):
        up_to = up_to + indicator(price <= second)
        yield Claim(f"{place} is not below the first", first <= price)
    yield Claim("two are up to the second", up_to >= 2)
    count = sum(map(indicator, fresh))
    two = count == 2
    agree = near(second - first, market.deviation_ppm, first)
    nearest = select(absolute(first - average) <= absolute(second - average), first, second)
    of_two = select(agree, mul_div_floor(first + second, 1, 2), nearest)
    yield Claim("two families", either(negate(two), found.price == of_two))
    apart = both(two, negate(agree), negate(near(second - first, market.band_ppm, first)))
    yield Claim("two are apart", equally(found.apart, apart))
    deviating: Word = 0
    for flag, price in zip(fresh, prices, strict=True):
        far = negate(near(absolute(price - found.price), market.deviation_ppm, found.price))
        deviating = deviating + indicator(both(flag, far))
    yield Claim("bad ones", found.bad == stale + select(two, indicator(negate(agree)), deviating))


def definition(
    statement: Callable[[Stage], Iterator[Claim]],
    sentence: str,
    *subjects: str,
    opaque: bool = True,
    assumptions: tuple[str, ...] = (MARKET_VALID,),
) -> Goal:
    """A goal about what a function computes."""
    return Goal(
        name=statement.__name__,
        sentence=sentence,
        statement=statement,
        subjects=subjects,
        opaque={"margin_at": margin_contract} if opaque else {},
        assumptions=assumptions,
    )


GOALS = (
    definition(
        margins_are_marginal,
        "Of each part of a notional the rate of its bracket is needed, rounded up.",
        "margin_at",
        opaque=False,
    ),
    definition(
        a_position_needs_the_margin_of_its_notional,
        "A position is worth size times price, needs the margin of that, and a buffer by its side's rate.",
        "margin",
        "side_index",
    ),
    definition(the_state_of_an_oracle, "The level of a market now is that of its tick and its age.", "oracle_state"),
    definition(
        the_terms_of_a_position,
        "Settling a position pays what is due, and adds its value, needs, counts and doubt to the account.",
        "position_terms",
    ),
    definition(
        the_losses_of_a_position,
        "In a scenario a position loses its value times the shock where the price moves against it.",
        "scenario_losses",
        "losses_of",
    ),
    definition(
        the_worst_loss_of_a_book,
        "The worst loss is the largest over the scenarios, of all positions together, at least 0.",
        "worst_loss",
        "worst_rest",
    ),
    definition(
        the_health_of_an_account,
        "Equity, maintenance, initial and linear margin are made of the sums by the account's kind.",
        "health",
        "portfolio_requirement",
        "portfolio_initial",
        "at_best",
    ),
    definition(
        settling_an_account,
        "Settling an account adds up its positions, with one of them apart or none.",
        "settle_side",
        "settled_side",
        "settle_whole",
    ),
    definition(
        moving_an_account,
        "Moving an account adds lots to its position and cash to its collateral, and counts slots and closed markets.",
        "move_side",
        "moved_side",
    ),
    definition(
        the_cautious_terms_of_a_position,
        "For an exit a position counts at the worse of two prices, less its band where the oracle is in doubt.",
        "cautious_terms",
        "cautious_sums",
    ),
    definition(a_certain_deficit, "A deficit counts as far as no blind position can make up for it.", "certain"),
    definition(
        what_a_counterparty_pays,
        "A counterparty pays a bankrupt account's deficit as far as it keeps its ratio on both margins.",
        "deleverage_payment",
        "released",
        "share_of",
    ),
    definition(
        the_window_of_a_market,
        "The end of a batch sets a market's mode and window, and counts those that liquidate much.",
        "market_window",
    ),
    definition(
        what_windows_demand,
        "Half of the counted markets, and enough of them, demand a mode; so do a fall of the fund and other figures.",
        "window_severity",
        "graded",
        "fund_severity",
    ),
    definition(
        the_helpers_of_the_waterfall,
        "Slots, stages, caps, spared accounts and what the fund is able to take are as restated.",
        "slot_fits",
        "decides",
        "holds",
        "market_allowed",
        "sign_of",
        "left_unhealthy",
        "spared_until",
        "is_spared",
        "below_close_out",
        "step_cap",
        "backstop_lots",
        "liquidation_kept_health",
        "transition_kept_health",
        "ratio_kept",
        "zero_price_amount",
        "fund_able",
    ),
    definition(
        what_a_market_bears,
        "A market bears as much of a deficit as its cap for the day and the range of its index allow.",
        "bear_loss",
    ),
    definition(
        what_the_families_say,
        "The index is the only fresh price, the mean of two that agree, the one of two nearest to the average, or the "
        "lower median.",
        "candidate_of",
        assumptions=(MARKET_VALID, PRICES_IN_RANGE),
    ),
)
