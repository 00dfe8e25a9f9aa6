"""Contracts of the language's primitives and of small functions of the rules.

A contract is a line of the docstring: `pre` what it assumes, `post` what it claims of the result `_`, for all integers.
"""

from perp_proofs.crosshair.branching import Answer, answer_of, given
from perp_spec import language
from perp_spec.perpetual import common, health
from perp_spec.perpetual.health import Health, OracleState, Terms
from perp_spec.perpetual.operations import Intent, Order
from perp_spec.perpetual.records import Exchange, Ledger, Market, MarketPrice, OrderSlot, Parameters, Position
from perp_spec.perpetual.rules import batch, forced, ticks, waterfall
from perp_spec.words import AMOUNT_MAX, COLLATERAL_MAX, PPM  # noqa: F401 - contracts name them

# The language


def absolute(value: int) -> int:
    """The magnitude of a word.

    post: _ >= 0 and _ in (value, -value)
    """
    return given(language.absolute, value)


def minimum(first: int, second: int) -> int:
    """The smaller of two words.

    post: _ <= first and _ <= second and _ in (first, second)
    """
    return given(language.minimum, first, second)


def maximum(first: int, second: int) -> int:
    """The larger of two words.

    post: _ >= first and _ >= second and _ in (first, second)
    """
    return given(language.maximum, first, second)


def clamp(value: int, low: int, high: int) -> int:
    """The word of a range nearest to a value.

    pre: low <= high
    post: low <= _ <= high
    post: _ == value or (value < low and _ == low) or (value > high and _ == high)
    """
    return given(language.clamp, value, low, high)


def median(first: int, second: int, third: int) -> int:
    """The middle one of three words.

    post: _ in (first, second, third)
    post: (first <= _) + (second <= _) + (third <= _) >= 2
    post: (first >= _) + (second >= _) + (third >= _) >= 2
    """
    return given(language.median, first, second, third)


def mul_div_floor(a: int, b: int, c: int) -> int:
    """A quotient toward minus infinity.

    pre: c >= 1
    post: _ * c <= a * b < _ * c + c
    """
    return given(language.mul_div_floor, a, b, c)


def mul_div_ceil(a: int, b: int, c: int) -> int:
    """A quotient toward plus infinity.

    pre: c >= 1
    post: _ * c - c < a * b <= _ * c
    """
    return given(language.mul_div_ceil, a, b, c)


def mul_div_remainder(a: int, b: int, c: int) -> int:
    """What a quotient toward minus infinity leaves.

    pre: c >= 1
    post: 0 <= _ < c
    post: (a * b - _) % c == 0
    """
    return given(language.mul_div_remainder, a, b, c)


def mul_div_truncate(a: int, b: int, c: int) -> int:
    """A quotient toward zero.

    pre: b >= 0 and c >= 1
    post: abs(_) * c <= abs(a) * b < abs(_) * c + c
    post: _ * a >= 0
    """
    return given(language.mul_div_truncate, a, b, c)


def product_le(a: int, b: int, c: int, d: int) -> bool:
    """A comparison of two products.

    post: _ == (a * b <= c * d)
    """
    return given(language.product_le, a, b, c, d)


# Guards and parts of many rules


def require_amount(amount: int) -> Answer:
    """An amount is in its range.

    post: _.accepted == (1 <= amount <= AMOUNT_MAX)
    post: _.reason in ("", "AMOUNT")
    """
    return answer_of(common.require_amount, amount)


def require_collateral(collateral: int) -> Answer:
    """Collateral is in the range a user operation may leave.

    post: _.accepted == (-COLLATERAL_MAX <= collateral <= COLLATERAL_MAX)
    """
    return answer_of(common.require_collateral, collateral)


def use_intent(intent: Intent, stored: OrderSlot, now: int) -> Answer:
    """A signed intent is used once.

    post: _.accepted == (intent.authorised and now <= intent.expiry and intent.nonce >= stored.nonce)
    post: not _.accepted or (_.after.nonce > intent.nonce and _.after.nonce > stored.nonce and _.after.filled == 0)
    """
    return answer_of(common.use_intent, intent, stored, now)


def fill_order(order: Order, stored: OrderSlot, now: int, buys: bool, lots: int, price: int, fee_ppm: int) -> Answer:
    """An order is filled by a taker: never beyond its lots, its price, its fee and its expiry.

    post: not _.accepted or (order.authorised and now <= order.expiry and order.buys == buys)
    post: not _.accepted or _.after.filled <= order.lots
    post: not _.accepted or (price <= order.price if buys else price >= order.price)
    post: not _.accepted or (fee_ppm <= order.max_fee_ppm and not order.post_only)
    post: not _.accepted or (_.after.nonce == order.nonce and order.nonce >= stored.nonce)
    post: not _.accepted or order.nonce != stored.nonce or _.after.filled == stored.filled + lots
    """
    return answer_of(common.fill_order_if, True, order, stored, now, order.market, buys, lots, price, True, fee_ppm)


def fill_no_order(order: Order, stored: OrderSlot, now: int, lots: int, price: int) -> Answer:
    """An order that is not the one that counts is neither checked nor filled.

    post: _.accepted
    post: _.after.nonce == stored.nonce and _.after.filled == stored.filled
    """
    return answer_of(common.fill_order_if, False, order, stored, now, 0, True, lots, price, True, 0)


def within(distance: int, limit_ppm: int, base: int) -> bool:
    """A distance is at most so many parts per million of a base.

    post: _ == (distance * PPM <= limit_ppm * base)
    """
    return given(common.within, distance, limit_ppm, base)


def mode_of(exchange: Exchange, price: MarketPrice) -> int:
    """The strictest of modes and switches.

    post: _ == max(exchange.mode, exchange.switch, price.mode, price.switch)
    """
    return given(common.mode_of, exchange, price)


def carry(ledger: Ledger, dust: int, fund: int, fees: int) -> Ledger:
    """Dust goes on in whole atoms, and none is lost.

    post: 0 <= _.dust < PPM
    post: PPM * _.fund_inbox + _.dust == PPM * (ledger.fund_inbox + fund) + ledger.dust + dust
    post: _.fees_inbox == ledger.fees_inbox + fees
    post: (_.vault, _.bucket, _.claims, _.bankrupt) == (ledger.vault, ledger.bucket, ledger.claims, ledger.bankrupt)
    """

    def carried(ledger: Ledger, dust: int, fund: int, fees: int) -> Ledger:
        return common.carry(ledger, dust, fund=fund, fees=fees)

    return given(carried, ledger, dust, fund, fees)


def emptied(account: int, ledger: Ledger) -> tuple[int, int]:
    """What leaves the inbox of a reserved account is what was in it.

    post: _ == (-ledger.fund_inbox if account == 0 else 0, -ledger.fees_inbox if account == 1 else 0)
    post: -_[0] - _[1] == given(common.inbox_of, account, ledger)
    """
    return given(common.emptied, account, ledger, 0), given(common.emptied, account, ledger, 1)


def flat_and_negative(occupied: int, collateral: int) -> int:
    """An account without positions that owes.

    post: _ == (1 if occupied == 0 and collateral < 0 else 0)
    """
    return given(common.flat_and_negative, occupied, collateral)


# Margin and health


def oracle_state(level: int, gap: bool, ticked_at: int, since: int, stale: int, blind: int, now: int) -> OracleState:
    """Trust falls with level and age: who is blind is suspended, who is suspended is degraded.

    pre: level >= 0
    post: (_.degraded or not _.suspended) and (_.suspended or not _.blind) and (_.blind or not _.exits_only)
    post: now - ticked_at <= stale or _.blind
    post: _.degraded == (level >= 1 or now - ticked_at > stale)
    """
    price = MarketPrice(level=level, gap=gap, ticked_at=ticked_at, blind_since=since)
    return given(health.oracle_state, price, Market(staleness_seconds=stale, blind_seconds=blind), now)


def margin_at(notional: int, rate_1: int, rate_2: int, rate_3: int, second: int, third: int) -> tuple[int, int]:
    """Marginal brackets, each part rounded up.

    pre: 0 <= second <= third and notional >= 0
    pre: rate_1 >= 0 and rate_2 >= 0 and rate_3 >= 0
    post: _[0] * PPM >= rate_1 * min(notional, second)
    post: notional > second or (_[0] - 1) * PPM < rate_1 * notional <= _[0] * PPM
    post: _[1] == 0
    """
    market = Market(
        bracket_2=second,
        bracket_3=third,
        maintenance_1_ppm=rate_1,
        maintenance_2_ppm=rate_2,
        maintenance_3_ppm=rate_3,
        maintenance_2_atoms=-(-rate_1 * second // PPM),
        maintenance_3_atoms=-(-rate_1 * second // PPM) - (-rate_2 * (third - second) // PPM),
    )
    return given(health.margin_at, notional, market)


def side_index(size: int, funding_index: int, loss_index: int) -> int:
    """Longs pay funding and loss, shorts receive funding and pay loss.

    post: _ == (0 if size == 0 else funding_index + loss_index if size > 0 else funding_index - loss_index)
    """
    return given(health.side_index, size, MarketPrice(funding_index=funding_index, loss_index=loss_index))


def settled_position(position: Position, index: int, loss_index: int) -> tuple[Position, Terms]:
    """Settling moves the snapshot to the index, and rounds less than an atom away.

    post: PPM * _[1].cash + _[1].dust == -position.size * (_[0].snapshot - position.snapshot)
    post: 0 <= _[1].dust < PPM
    post: _[0].size == position.size and _[0].market == position.market
    post: _[1].occupied == (position.size != 0)
    """
    price = MarketPrice(funding_index=index, loss_index=loss_index)
    return given(health.position_terms, position, price, Market(), position.market, 0)


def health_of(collateral: int, value: int, linear: int, initial: int, buffer: int) -> Health:
    """Health of an account that is no portfolio.

    post: _.equity == collateral + value
    post: _.maintenance == linear + buffer and _.initial == initial + buffer and _.linear == linear
    """
    return given(health.health, 1, collateral, value, linear, initial, buffer, 0, Parameters())


def ratio_kept(before: Health, after: Health) -> bool:
    """Where the ratio of equity to requirement was kept, an account that was not below zero is not below zero.

    pre: before.equity >= 0 and before.maintenance >= 1 and after.maintenance >= 0
    post: not _ or after.equity >= 0
    post: _ == (before.equity * after.maintenance <= after.equity * before.maintenance)
    """
    return given(health.ratio_kept, False, before, after)


def zero_price_amount(share: int, before: Health) -> int:
    """The part of an equity that goes with all of the requirement is all of the equity.

    pre: before.linear >= 1
    post: share != before.linear or _ == before.equity
    post: share != 0 or _ == 0
    """
    return given(health.zero_price_amount, share, before)


# The waterfall


def sign_of(size: int) -> int:
    """The direction of a position.

    post: _ * size == abs(size)
    """
    return given(waterfall.sign_of, size)


def step_cap(size: int, degraded: bool, price: int, factor_ppm: int, small: int) -> int:
    """A staged liquidation closes no more than the position.

    pre: 0 <= factor_ppm <= PPM
    post: 0 <= _ <= abs(size)
    """
    market = Market(close_factor_ppm=factor_ppm, full_close_atoms=small)
    return given(waterfall.step_cap, size, degraded, MarketPrice(price=price), market)


def released(equity: int, before: int, after: int) -> int:
    """Who pays what a falling requirement releases keeps the ratio.

    pre: equity >= 0 and before >= 1 and 0 <= after <= before
    post: 0 <= _ <= equity
    post: (equity - _) * before >= equity * after
    """
    return given(waterfall.released, equity, before, after)


def below_close_out(equity: int, maintenance: int, close_out_ppm: int) -> bool:
    """Below close-out is below maintenance.

    pre: 0 <= close_out_ppm <= PPM and maintenance >= 0
    post: not _ or equity < maintenance or maintenance == 0
    post: _ == (equity * PPM < close_out_ppm * maintenance)
    """
    return given(waterfall.below_close_out, Health(equity, maintenance, 0, 0), Market(close_out_ppm=close_out_ppm))


def backstop_lots(size: int, price: int, piece: int) -> int:
    """The piece that a backstop must be unable to take is a part of the position, one lot at least.

    pre: size != 0 and price >= 0 and piece >= 0
    post: 1 <= _ <= abs(size)
    """
    parameters = Parameters(backstop_atoms=piece)
    return given(waterfall.backstop_lots, size, parameters, MarketPrice(price=price))


# Batches and ticks


def graded(value: int, throttle: int, reduce: int) -> int:
    """A mode by two thresholds.

    post: _ == (2 if value >= reduce else 1 if value >= throttle else 0)
    """
    return given(batch.graded, value, throttle, reduce)


def fund_severity(equity: int, reference: int, throttle_ppm: int, reduce_ppm: int) -> int:
    """A fund that did not fall demands nothing, where the thresholds are not zero.

    pre: throttle_ppm >= 1 and reduce_ppm >= 1
    post: _ in (0, 1, 2)
    post: equity < reference or _ == 0
    post: reference >= 1 or _ == 0
    """
    parameters = Parameters(fund_throttle_ppm=throttle_ppm, fund_reduce_ppm=reduce_ppm)
    return given(batch.fund_severity, equity, reference, parameters)


def exchanged(first: int, second: int) -> tuple[int, int]:
    """Two words in rising order.

    post: _[0] <= _[1] and _ in ((first, second), (second, first))
    """
    return given(ticks.exchanged, first, second)


def mark_of(index: int, premium: int, book: int, clamp_ppm: int, max_price: int) -> int:
    """The mark is close to the index, and no more than the largest price.

    pre: 0 <= index <= max_price and 0 <= clamp_ppm <= PPM
    post: 0 <= _ <= max_price
    post: abs(_ - index) * PPM <= clamp_ppm * index
    """
    return given(ticks.mark_of, index, premium, book, Market(mark_clamp_ppm=clamp_ppm, max_price=max_price))


def health_price(mark: int, gap: bool, average: int, band_ppm: int) -> int:
    """At a gap the price stays within the band around the average.

    pre: average >= 0 and band_ppm >= 0
    post: gap or _ == mark
    post: not gap or abs(_ - average) * PPM <= band_ppm * average
    """
    return given(ticks.health_price, mark, gap, average, Market(band_ppm=band_ppm))


def approach(average: int, target: int, elapsed: int, seconds: int) -> int:
    """An average moves toward its target and not beyond, and by an atom at least.

    pre: elapsed >= 0 and seconds >= 1
    post: min(average, target) <= _ <= max(average, target)
    post: average == target or elapsed == 0 or _ != average
    post: elapsed < seconds or _ == target
    """
    return given(ticks.approach, average, target, elapsed, Market(average_seconds=seconds))


def hourly_rate(premium_sum: int, samples: int, suspended: bool, cap_ppm: int) -> int:
    """The rate of an hour is capped, and zero while the oracle is suspended.

    pre: cap_ppm >= 0
    post: abs(_) * 8 <= cap_ppm
    post: not suspended or _ == 0
    """
    return given(ticks.hourly_rate_ppm, premium_sum, samples, suspended, Market(funding_cap_ppm=cap_ppm))


# Forced requests


def conceded_price(size: int, price: int, index: int, slip_ppm: int) -> int:
    """Whoever closes by force concedes: a long sells at no more than the price, a short buys at no less.

    pre: price >= 1 and index >= 1 and 0 <= slip_ppm < PPM and size != 0
    post: _ <= price if size > 0 else _ >= price
    """
    return given(forced.conceded_price, size, MarketPrice(price=price, index=index), Market(slip_ppm=slip_ppm))
