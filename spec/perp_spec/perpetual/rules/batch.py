"""The frame of a batch: its header, end_batch with modes and windows, record_proof, set_kill_switch."""

from typing import NamedTuple

from perp_spec.language import (
    both,
    changed,
    indicator,
    maximum,
    minimum,
    mul_div_ceil,
    mul_div_floor,
    product_le,
    require,
    select,
    sweep,
    table,
)
from perp_spec.operation import reads, reads_held, updates, updates_markets
from perp_spec.perpetual.common import PERPETUAL, require_live, require_market, use_intent
from perp_spec.perpetual.health import Held, settle_whole
from perp_spec.perpetual.operations import EndBatch, Header, RecordProof, SetKillSwitch
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import (
    FUND,
    Account,
    Exchange,
    Ledger,
    Market,
    MarketBook,
    MarketPrice,
    Mode,
    OrderSlot,
    Parameters,
)
from perp_spec.words import DAY, PPM


def begin_batch(
    header: Header, root: int, config_digest: int, parameters: Parameters, exchange: Exchange, ledger: Ledger
) -> tuple[Exchange, Ledger]:
    """Check a batch's header against the state it is applied to; set its number and time, and refill the bucket.

    The refill counts at most a day.
    """
    require(header.number == exchange.number + 1, Reason.BATCH_NUMBER)
    require(header.time >= exchange.time, Reason.TIME_BACKWARDS)
    require(header.previous_root == root, Reason.PREVIOUS_ROOT)
    require(header.config_digest == config_digest, Reason.CONFIG_DIGEST)
    elapsed = minimum(header.time - ledger.bucket_at, DAY)
    begun = changed(exchange, number=header.number, time=header.time)
    refilled = changed(
        ledger,
        bucket=minimum(ledger.bucket + elapsed * parameters.bucket_refill, parameters.bucket_size),
        bucket_at=header.time,
    )
    return begun, refilled


@PERPETUAL.operation(RecordProof, updates(Exchange))
def record_proof(op: RecordProof, exchange: Exchange) -> tuple[Exchange]:
    """Note that the chain below has accepted the proof of a batch."""
    require_live(exchange)
    require(both(op.number > exchange.proven, op.number < exchange.number), Reason.BATCH_NUMBER)
    noted = changed(exchange, proven=op.number)
    return (noted,)


@PERPETUAL.operation(
    SetKillSwitch,
    updates(Exchange),
    reads(Market, "market"),
    updates(MarketPrice, "market"),
    updates(OrderSlot, FUND, "intent.slot"),
)
def set_kill_switch(
    op: SetKillSwitch, exchange: Exchange, market: Market, price: MarketPrice, stored: OrderSlot
) -> tuple[Exchange, MarketPrice, OrderSlot]:
    """Set the lower bound of the exchange's mode, or of one market's. Governance only; it holds at once."""
    require_live(exchange)
    require_market(market)
    used = use_intent(op.intent, stored, exchange.time)
    known = both(op.mode <= Mode.HALT, op.mode != Mode.AUCTION)
    require(known, Reason.KILL_SWITCH)
    switched = changed(exchange, switch=select(op.whole, op.mode, exchange.switch))
    marked = changed(price, switch=select(op.whole, price.switch, op.mode))
    return switched, marked, used


class WindowTerms(NamedTuple):
    """What the markets add up to in a liquidation window."""

    counted: int
    """Markets with enough open interest to count."""
    throttled: int
    """Those of them with liquidations that demand THROTTLE."""
    reduced: int
    """Those of them with liquidations that demand REDUCE_ONLY."""


@table(width=len(WindowTerms._fields))
def market_window(
    price: MarketPrice, book: MarketBook, market: Market, parameters: Parameters, rolled: bool
) -> tuple[tuple[MarketPrice, MarketBook], WindowTerms]:
    """One market at the end of a batch: its mode, its window, and whether its liquidations alarm."""
    counted = book.window_open_interest * price.price >= parameters.window_floor_atoms
    throttle_part = product_le(parameters.window_throttle_ppm, book.window_open_interest, book.window_liquidated, PPM)
    reduce_part = product_le(parameters.window_reduce_ppm, book.window_open_interest, book.window_liquidated, PPM)
    outside_band = select(price.gap, Mode.REDUCE_ONLY, Mode.NORMAL)
    moded = changed(price, mode=maximum(price.switch, outside_band))
    windowed = changed(
        book,
        window_open_interest=select(rolled, book.open_interest, book.window_open_interest),
        window_liquidated=select(rolled, 0, book.window_liquidated),
    )
    return (moded, windowed), WindowTerms(
        counted=indicator(counted),
        throttled=indicator(both(counted, throttle_part)),
        reduced=indicator(both(counted, reduce_part)),
    )


def window_severity(terms: WindowTerms, parameters: Parameters) -> int:
    """The mode that correlated liquidations demand: at least half of the counted markets, and some number of them."""
    enough = maximum(parameters.window_markets, mul_div_ceil(terms.counted, 1, 2))
    throttle = select(terms.throttled >= enough, Mode.THROTTLE, Mode.NORMAL)
    return select(terms.reduced >= enough, Mode.REDUCE_ONLY, throttle)


def graded(value: int, throttle: int, reduce: int) -> int:
    """The mode a figure demands by its two thresholds."""
    return select(value >= reduce, Mode.REDUCE_ONLY, select(value >= throttle, Mode.THROTTLE, Mode.NORMAL))


def fund_severity(equity: int, reference: int, parameters: Parameters) -> int:
    """The mode that a fall of the fund on the day demands."""
    fell = maximum(reference - equity, 0)
    had = maximum(reference, 0)
    throttle = both(had >= 1, product_le(parameters.fund_throttle_ppm, had, fell, PPM))
    reduce = both(had >= 1, product_le(parameters.fund_reduce_ppm, had, fell, PPM))
    return select(reduce, Mode.REDUCE_ONLY, select(throttle, Mode.THROTTLE, Mode.NORMAL))


@PERPETUAL.operation(
    EndBatch,
    reads(Parameters),
    updates(Exchange),
    reads(Ledger),
    updates_markets(),
    reads(Account, FUND),
    reads_held(FUND),
)
def end_batch(
    op: EndBatch,
    parameters: Parameters,
    exchange: Exchange,
    ledger: Ledger,
    markets: Held,
    fund: Account,
    fund_held: Held,
) -> tuple[Exchange, Held]:
    """Close a batch: roll windows and the day, and set the modes.

    The stated mode may be stricter than what the state demands, never looser.
    """
    now = exchange.time
    window = mul_div_floor(now, 1, maximum(parameters.window_seconds, 1))
    rolled = window != exchange.window
    stored, sums = sweep(market_window, markets, parameters, rolled)
    window_mode = maximum(exchange.window_mode, window_severity(WindowTerms(*sums), parameters))
    previous = select(rolled, window_mode, exchange.window_previous)
    fund_side = settle_whole(parameters, now, ledger.fund_inbox, fund, fund_held)
    equity = fund_side.health.equity
    today = mul_div_floor(now, 1, DAY)
    reference = select(today == exchange.fund_day, exchange.fund_reference, equity)
    unproven = exchange.number - exchange.proven
    demanded = maximum(
        maximum(exchange.switch, maximum(window_mode, previous)),
        maximum(
            maximum(
                fund_severity(equity, reference, parameters),
                graded(unproven, parameters.proof_throttle, parameters.proof_reduce),
            ),
            select(ledger.bankrupt >= 1, Mode.REDUCE_ONLY, Mode.NORMAL),
        ),
    )
    require(op.mode != Mode.AUCTION, Reason.KILL_SWITCH)
    require(op.mode >= demanded, Reason.MODE_NOT_ESCALATED)
    ended = changed(
        exchange,
        mode=op.mode,
        window=window,
        window_mode=select(rolled, Mode.NORMAL, window_mode),
        window_previous=previous,
        fund_day=today,
        fund_reference=reference,
    )
    return ended, stored
