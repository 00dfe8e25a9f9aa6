"""Invariants: what holds of every stored record, before and after each operation, beyond its declared ranges.

`goals.overflow` proves that each operation keeps them, but for those listed in `ASSUMED`, which it assumes of what is
loaded: the sums over many accounts and over time that they rest on are not proved.
"""

from typing import Any, NamedTuple

from perp_proofs.smt.contracts import implies
from perp_proofs.smt.terms import Flag, Word
from perp_spec.language import both, negate
from perp_spec.perpetual.bounds import OPEN_INTEREST_VALUE_MAX, REFILL_MAX
from perp_spec.perpetual.health import Cautious, Terms
from perp_spec.perpetual.records import (
    LEVEL_SUSPENDED,
    Account,
    Exchange,
    Ledger,
    Market,
    MarketBook,
    MarketOracle,
    MarketPrice,
    OrderSlot,
    Parameters,
    Position,
    Queue,
    Request,
)
from perp_spec.perpetual.rules.batch import WindowTerms
from perp_spec.perpetual.rules.ticks import GOOD_TICKS, PREMIUM_CLAMP_PPM, SAMPLES_FULL
from perp_spec.words import (
    ACCOUNTS_MAX,
    AMOUNT_MAX,
    CLAIMS_MAX,
    COLLATERAL_MAX,
    MARKETS_MAX,
    NOTIONAL_MAX,
    POSITION_SLOTS,
    PPM,
)

SETTLED_MAX = COLLATERAL_MAX + 2**58
"""The largest magnitude of a settled collateral that is assumed: a little more than a user's operation may leave."""

INBOX_MAX = 2**59
"""The most that an inbox is assumed to hold."""

COUNTER_MAX = 2**62
"""No exchange counts so far: batches, entries of the queue, lots liquidated in a window or filled of one order."""

CASH_MAX = 4 * NOTIONAL_MAX
"""Most that settling a position moves: its index is within 2 * max_price from zero, and so is its snapshot."""

ASSUMED = (
    "an account's collateral, stored and settled, is within 2^61 + 2^58 of zero, the fund's with its inbox within 2^61",
    "each inbox holds at most 2^59 atoms",
    "batch numbers, queue positions, the lots liquidated in a window and those filled of one order are at most 2^62",
    "the ledger counts at least the loaded accounts that are flat and below zero",
    "open interest is at least what the loaded positions of its market hold on either side",
)
"""Ranges that are assumed of stored words, and not proved to be kept."""


class Largest(NamedTuple):
    """The largest position and the largest price of any configured market."""

    size: Word
    price: Word


def within(word: Word, most: Word) -> Flag:
    """A word is no further from zero than another."""
    return both(word >= -most, word <= most)


def largest_valid(largest: Largest) -> Flag:
    """The configuration's own check demands it of all markets together."""
    return both(
        both(largest.size >= 1, largest.size <= NOTIONAL_MAX // 2, largest.price >= 2, largest.price <= 2**32),
        largest.size * largest.price <= NOTIONAL_MAX,
    )


def market_in_range(market: Market, largest: Largest) -> Flag:
    """Of a configured market, and of none."""
    return both(
        both(market.max_price <= largest.price, market.max_size <= largest.size),
        market.open_interest_cap * market.max_price <= OPEN_INTEREST_VALUE_MAX,
        both(market.bracket_2 <= market.bracket_3, market.bracket_3 <= 2**62, market.loss_cap_ppm < PPM),
        both(
            market.buffer_intervals * market.funding_cap_ppm <= PPM,
            market.buffer_intervals * market.buffer_floor_ppm <= PPM,
        ),
        both(market.slip_ppm < PPM, market.fee_cap_ppm <= PPM),
    )


def parameters_in_range(parameters: Parameters) -> Flag:
    """Of the exchange."""
    return parameters.bucket_refill <= REFILL_MAX


def position_in_range(position: Position, largest: Largest) -> Flag:
    """Of a position."""
    return both(within(position.size, largest.size), within(position.snapshot, 2 * PPM * largest.price))


def price_in_range(price: MarketPrice, market: Market, now: Word) -> Flag:
    """Of a market's price."""
    bound = PPM * market.max_price
    blind = both(price.level >= LEVEL_SUSPENDED, negate(price.gap))
    return both(
        both(price.ticked_at <= now, price.blind_since <= now, implies(blind, price.blind_since >= 1)),
        both(price.price <= market.max_price, price.index <= market.max_price),
        both(within(price.funding_index, bound), price.loss_index <= bound),
        both(price.buffer_long_ppm <= PPM, price.buffer_short_ppm <= PPM),
    )


def oracle_in_range(oracle: MarketOracle, market: Market, now: Word) -> Flag:
    """Of what the ticks of a market read."""
    result = both(
        both(oracle.marked_at <= now, oracle.sampled_at <= now, oracle.funded_at <= now, oracle.disputed_since <= now),
        both(oracle.average <= market.max_price, oracle.book <= market.max_price, oracle.good_ticks <= GOOD_TICKS),
        both(within(oracle.premium, market.max_price), within(oracle.funding_rate_ppm, PPM)),
        both(oracle.samples <= SAMPLES_FULL, within(oracle.premium_sum, PREMIUM_CLAMP_PPM * oracle.samples)),
    )
    for value in oracle.values:
        result = both(result, value >= 0, value <= market.max_price)
    for time in oracle.reported_at:
        result = both(result, time <= now)
    return result


def book_in_range(book: MarketBook, market: Market) -> Flag:
    """Of what the trades of a market change."""
    return both(
        both(book.open_interest <= market.open_interest_cap, book.window_open_interest <= market.open_interest_cap),
        book.loss_today <= PPM * market.max_price,
    )


def ledger_in_range(ledger: Ledger) -> Flag:
    """Of the ledger."""
    return both(
        both(ledger.vault <= AMOUNT_MAX, ledger.bucket <= AMOUNT_MAX),
        both(ledger.claims <= CLAIMS_MAX, ledger.dust < PPM),
    )


def bucket_in_range(ledger: Ledger, exchange: Exchange) -> Flag:
    """Of the ledger: its bucket was not filled later than now."""
    return ledger.bucket_at <= exchange.time


def request_in_range(request: Request, ledger: Ledger) -> Flag:
    """Of a request: its claim is one of those that the ledger adds up."""
    return request.claim <= ledger.claims


def exchange_in_range(exchange: Exchange) -> Flag:
    """Of the exchange."""
    return both(
        both(exchange.proven <= exchange.number, exchange.escape_vault <= AMOUNT_MAX),
        within(exchange.fund_reference, COLLATERAL_MAX + POSITION_SLOTS * NOTIONAL_MAX),
    )


# Assumed, not proved


def account_assumed(account: Account) -> Flag:
    """Of an account as stored."""
    return within(account.collateral, SETTLED_MAX)


def ledger_assumed(ledger: Ledger) -> Flag:
    """Of the ledger."""
    return both(both(ledger.fund_inbox <= INBOX_MAX, ledger.fees_inbox <= INBOX_MAX), ledger.bankrupt <= ACCOUNTS_MAX)


def counters_assumed(record: Any) -> Flag:
    """Of what only grows."""
    if isinstance(record, Exchange):
        return both(record.number <= COUNTER_MAX, record.window <= COUNTER_MAX)
    if isinstance(record, Queue):
        return record.position <= COUNTER_MAX
    if isinstance(record, MarketBook):
        return record.window_liquidated <= COUNTER_MAX
    if isinstance(record, OrderSlot):
        return record.filled <= COUNTER_MAX
    return True


# Sums over an account's positions, and over markets


def terms_in_range(terms: Terms, slots: int) -> Flag:
    """Of sums over positions: each adds so much at most, and there are no more than slots."""
    count = terms.occupied
    result = both(
        both(count >= 0, count <= slots),
        both(within(terms.cash, CASH_MAX * count), terms.dust >= 0, terms.dust <= (PPM - 1) * count),
        within(terms.value, NOTIONAL_MAX * count),
    )
    for field in ("maintenance", "initial", "buffer", "doubt"):
        word = getattr(terms, field)
        result = both(result, both(word >= 0, word <= NOTIONAL_MAX * count))
    for field in ("same", "degraded", "blind"):
        word = getattr(terms, field)
        result = both(result, both(word >= 0, word <= count))
    return result


def cautious_in_range(cautious: Cautious, count: Word) -> Flag:
    """Of the two sums that an exit adds."""
    return both(
        both(cautious.value >= -2 * NOTIONAL_MAX * count, cautious.value <= NOTIONAL_MAX * count),
        both(cautious.initial >= 0, cautious.initial <= NOTIONAL_MAX * count),
    )


def losses_in_range(losses: tuple[Word, ...], count: Word) -> Flag:
    """Of sums of scenario losses."""
    result: Flag = True
    for loss in losses:
        result = both(result, within(loss, NOTIONAL_MAX * count))
    return result


def counts_in_range(counts: WindowTerms) -> Flag:
    """Of counts of markets."""
    return both(
        both(counts.counted <= MARKETS_MAX, counts.throttled <= MARKETS_MAX, counts.reduced <= MARKETS_MAX),
        both(counts.counted >= 0, counts.throttled >= 0, counts.reduced >= 0),
    )
