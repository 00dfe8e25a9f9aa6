"""The records of the state and of the configuration, with units and ranges.

An absent record reads as the record of all zeros, so every load succeeds. Nothing here computes.
"""

from attrs import frozen

from perp_spec.words import (
    ACCOUNTS_MAX,
    AMOUNT_MAX,
    DIRECTIONS,
    FAMILIES_MAX,
    MARKETS_MAX,
    NONCE_MAX,
    NOTIONAL_MAX,
    POSITION_SLOTS,
    PPM,
    SIGNERS_MAX,
    TIME_MAX,
    Unit,
    digest_field,
    flag,
    flags,
    natural,
    vector,
    word,
)

FUND = 0
"""The insurance fund's account."""

FEES = 1
"""The account that collects fees."""

FIRST_USER = 2
"""Accounts below this are reserved."""


class Kind:
    """Account kinds."""

    ABSENT = 0
    CROSS = 1
    ISOLATED = 2
    PORTFOLIO = 3


class Mode:
    """How far the exchange or a market is restricted; a higher one includes the lower ones."""

    NORMAL = 0
    THROTTLE = 1
    """Open interest may not rise."""
    REDUCE_ONLY = 2
    """Positions may only be reduced; liquidations go on."""
    AUCTION = 3
    """Reserved."""
    HALT = 4
    """No trading and no liquidation; exits only."""


class Forced:
    """Kinds of forced requests."""

    NONE = 0
    WITHDRAW = 1
    REDUCE = 2


class Claim:
    """How far an account's escape has come."""

    NONE = 0
    CLAIMED = 1
    PAID = 2


class Path:
    """Who takes the other side of a forced reduction."""

    ORDER = 0
    FUND = 1
    OPPOSITE = 2


BRACKET_MAX = 2**62
"""Where an unused margin bracket begins: above every notional."""

LEVEL_GOOD = 0
LEVEL_DEGRADED = 1
LEVEL_SUSPENDED = 2


# State


@frozen
class Account:
    """An account: who owns it, what it may hold, and its collateral."""

    kind: int = natural(Unit.CODE, "ABSENT, CROSS, ISOLATED or PORTFOLIO", 3)
    owner: int = digest_field("digest of the owner's key; zero for the insurance fund")
    parent: int = natural(Unit.ID, "parent account of an isolated one, else 0", ACCOUNTS_MAX - 1)
    market: int = natural(Unit.ID, "the one market of an isolated account, else 0", MARKETS_MAX - 1)
    collateral: int = word(Unit.ATOMS, "settled collateral; may be negative while positions carry value")
    slots: int = natural(Unit.COUNT, "high-water count of position slots", POSITION_SLOTS)
    liquidated_at: int = natural(Unit.TIME, "last liquidation; in the future: until when it is spared", TIME_MAX)
    closed_market: int = natural(Unit.COUNT, "market of the last closed position plus 1, 0 for none", MARKETS_MAX)


@frozen
class Position:
    """A position; all zeros where the slot is empty."""

    market: int = natural(Unit.ID, "market", MARKETS_MAX - 1)
    size: int = word(Unit.LOTS, "lots held, negative for a short", -NOTIONAL_MAX, NOTIONAL_MAX)
    snapshot: int = word(Unit.INDEX, "index of its side when last settled")


@frozen
class OrderSlot:
    """What is known of the order or intent last seen in an order slot."""

    nonce: int = natural(Unit.COUNT, "lowest nonce still usable", NONCE_MAX + 1)
    filled: int = natural(Unit.LOTS, "lots of that nonce already filled")


@frozen
class Request:
    """An account's forced request and its escape claim."""

    kind: int = natural(Unit.CODE, "NONE, WITHDRAW or REDUCE", 2)
    market: int = natural(Unit.ID, "market to reduce", MARKETS_MAX - 1)
    amount: int = natural(Unit.COUNT, "atoms to withdraw or lots to reduce", AMOUNT_MAX)
    deadline: int = natural(Unit.TIME, "after this anyone may freeze the exchange", 2 * TIME_MAX)
    claim: int = natural(Unit.ATOMS, "equity claimed at the frozen prices")
    claimed: int = natural(Unit.CODE, "NONE, CLAIMED or PAID", 2)


@frozen
class MarketPrice:
    """What every operation on a position of the market reads."""

    price: int = natural(Unit.PRICE, "the health price P: for health, liquidation and deleverage")
    index: int = natural(Unit.PRICE, "last index price")
    funding_index: int = word(Unit.INDEX, "F: cumulative funding a long pays for a lot")
    loss_index: int = natural(Unit.INDEX, "L: cumulative socialised loss both sides pay for a lot")
    buffer_long_ppm: int = natural(Unit.RATE, "funding buffer of longs", PPM)
    buffer_short_ppm: int = natural(Unit.RATE, "funding buffer of shorts", PPM)
    level: int = natural(Unit.CODE, "oracle level at the last tick: 0 good, 1 degraded, 2 suspended", 2)
    gap: bool = flag("level 2 because the index jumped, with all families but one at most fresh and agreeing")
    ticked_at: int = natural(Unit.TIME, "last oracle tick", TIME_MAX)
    blind_since: int = natural(Unit.TIME, "first blind tick without a better one since, 0 for none", TIME_MAX)
    mode: int = natural(Unit.CODE, "mode of this market as of the last batch", 4)
    switch: int = natural(Unit.CODE, "kill switch of this market: lower bound of its mode", 4)


@frozen
class MarketOracle:
    """What only the ticks of the market read."""

    average: int = natural(Unit.PRICE, "T: time-weighted index")
    book: int = natural(Unit.PRICE, "median of bid, ask and last trade when last marked, 0 before")
    premium: int = word(Unit.PRICE, "moving average of the book's mid minus the index")
    marked_at: int = natural(Unit.TIME, "last mark", TIME_MAX)
    good_ticks: int = natural(Unit.COUNT, "good ticks in a row without a silence between, at most 10")
    disputed_since: int = natural(
        Unit.TIME, "since when no two fresh families confirm the index, 0 if they do", TIME_MAX
    )
    funding_rate_ppm: int = word(Unit.RATE, "rate of the last funding tick, for one hour")
    premium_sum: int = word(Unit.RATE, "sum of the premium samples since the last funding tick")
    samples: int = natural(Unit.COUNT, "number of those samples")
    sampled_at: int = natural(Unit.TIME, "last premium sample", TIME_MAX)
    funded_at: int = natural(Unit.TIME, "last funding tick", TIME_MAX)
    values: tuple[int, ...] = vector(Unit.PRICE, FAMILIES_MAX, "last median of each family", 0)
    reported_at: tuple[int, ...] = vector(Unit.TIME, FAMILIES_MAX, "when each family last reported", 0, TIME_MAX)


@frozen
class MarketBook:
    """What trades of the market change."""

    open_interest: int = natural(Unit.LOTS, "sum of the positive sizes")
    window_open_interest: int = natural(Unit.LOTS, "open interest when the liquidation window began")
    window_liquidated: int = natural(Unit.LOTS, "lots liquidated or taken over in the window")
    loss_day: int = natural(Unit.COUNT, "day of the last socialised loss")
    loss_today: int = natural(Unit.INDEX, "loss index added on that day")


@frozen
class Exchange:
    """What every operation reads of the whole exchange."""

    number: int = natural(Unit.COUNT, "number of the current batch")
    time: int = natural(Unit.TIME, "time of the current batch", TIME_MAX)
    mode: int = natural(Unit.CODE, "mode as of the last batch", 4)
    switch: int = natural(Unit.CODE, "kill switch: lower bound of the mode", 4)
    proven: int = natural(Unit.COUNT, "last batch known to be proved")
    window: int = natural(Unit.COUNT, "number of the current liquidation window")
    window_mode: int = natural(Unit.CODE, "highest mode the current window demanded", 4)
    window_previous: int = natural(Unit.CODE, "highest mode the window before demanded", 4)
    fund_day: int = natural(Unit.COUNT, "day of the fund's reference")
    fund_reference: int = word(Unit.ATOMS, "equity of the fund at the first batch of that day")
    frozen_at: int = natural(Unit.TIME, "when the exchange was frozen, 0 if it is not", TIME_MAX)
    escape_vault: int = natural(Unit.ATOMS, "the vault when the exchange was frozen")


@frozen
class Ledger:
    """Money that is not in an account, and the totals that operations on accounts keep."""

    vault: int = natural(Unit.ATOMS, "V: all collateral deposited and not paid out")
    dust: int = natural(Unit.MICRO_ATOMS, "what settling rounded away, below one atom", PPM - 1)
    fund_inbox: int = natural(Unit.ATOMS, "credited to the fund when it is next settled")
    fees_inbox: int = natural(Unit.ATOMS, "credited to the fee account when it is next settled")
    bankrupt: int = natural(Unit.COUNT, "accounts without positions and with negative collateral")
    bucket: int = natural(Unit.ATOMS, "what may be withdrawn now")
    bucket_at: int = natural(Unit.TIME, "when the bucket was last filled", TIME_MAX)
    claims: int = natural(Unit.ATOMS, "sum of the escape claims")


@frozen
class Queue:
    """How far the queue from the chain below has been consumed."""

    position: int = natural(Unit.COUNT, "entries consumed")
    chain: int = digest_field("hash chain over them")


# Configuration


@frozen
class Parameters:
    """The configuration of the whole exchange."""

    exchange_id: int = natural(Unit.ID, "names the exchange in everything that is signed")
    governance: int = digest_field("digest of the key that may use the kill switch")
    markets: int = natural(Unit.COUNT, "number of configured markets", MARKETS_MAX)
    vault_cap: int = natural(Unit.ATOMS, "most the vault may hold", AMOUNT_MAX)
    bucket_size: int = natural(Unit.ATOMS, "most the withdrawal bucket may hold", AMOUNT_MAX)
    bucket_refill: int = natural(Unit.ATOMS, "what flows into the bucket each second", AMOUNT_MAX)
    forced_seconds: int = natural(Unit.SECONDS, "time to answer a forced request", TIME_MAX)
    claim_seconds: int = natural(Unit.SECONDS, "length of the claim window after a freeze", TIME_MAX)
    cooldown_seconds: int = natural(
        Unit.SECONDS, "between staged liquidations of an account; how long one is spared", TIME_MAX
    )
    penalty_ppm: int = natural(Unit.RATE, "most a backstop may cost a solvent account, of notional", PPM)
    backstop_atoms: int = natural(
        Unit.ATOMS, "the piece a backstop must be unable to take before a deleverage", AMOUNT_MAX
    )
    fund_multiple: int = natural(Unit.COUNT, "fund equity a backstop must leave, in initial margins", 1000)
    portfolio_floor_ppm: int = natural(Unit.RATE, "rho: least portfolio maintenance, of the linear one", PPM)
    portfolio_initial_ppm: int = natural(Unit.RATE, "portfolio initial margin, of its maintenance", 3 * PPM)
    window_seconds: int = natural(Unit.SECONDS, "length of a liquidation window", TIME_MAX)
    window_floor_atoms: int = natural(Unit.ATOMS, "open interest from which a market counts in the window", AMOUNT_MAX)
    window_markets: int = natural(Unit.COUNT, "least number of markets liquidating together", MARKETS_MAX)
    window_throttle_ppm: int = natural(Unit.RATE, "liquidated part of open interest that demands THROTTLE", PPM)
    window_reduce_ppm: int = natural(Unit.RATE, "liquidated part of open interest that demands REDUCE_ONLY", PPM)
    fund_throttle_ppm: int = natural(Unit.RATE, "fall of the fund on a day that demands THROTTLE", PPM)
    fund_reduce_ppm: int = natural(Unit.RATE, "fall of the fund on a day that demands REDUCE_ONLY", PPM)
    proof_throttle: int = natural(Unit.COUNT, "unproved batches that demand THROTTLE")
    proof_reduce: int = natural(Unit.COUNT, "unproved batches that demand REDUCE_ONLY")
    families: int = natural(Unit.COUNT, "number of oracle families", FAMILIES_MAX)
    signers: tuple[int, ...] = vector(Unit.COUNT, FAMILIES_MAX, "signers of each family", 0, SIGNERS_MAX)
    quorums: tuple[int, ...] = vector(Unit.COUNT, FAMILIES_MAX, "least reports of each family", 0, SIGNERS_MAX)


@frozen
class Market:
    """The configuration of one market; all zeros where the id is not configured."""

    max_price: int = natural(Unit.PRICE, "largest price")
    max_size: int = natural(Unit.LOTS, "largest position")
    bracket_2: int = natural(Unit.ATOMS, "notional where margin bracket 2 begins", BRACKET_MAX)
    bracket_3: int = natural(Unit.ATOMS, "notional where margin bracket 3 begins", BRACKET_MAX)
    maintenance_1_ppm: int = natural(Unit.RATE, "maintenance rate of bracket 1", PPM)
    maintenance_2_ppm: int = natural(Unit.RATE, "maintenance rate of bracket 2", PPM)
    maintenance_3_ppm: int = natural(Unit.RATE, "maintenance rate of bracket 3", PPM)
    initial_1_ppm: int = natural(Unit.RATE, "initial rate of bracket 1", PPM)
    initial_2_ppm: int = natural(Unit.RATE, "initial rate of bracket 2", PPM)
    initial_3_ppm: int = natural(Unit.RATE, "initial rate of bracket 3", PPM)
    maintenance_2_atoms: int = natural(Unit.ATOMS, "maintenance margin of a notional of bracket_2", BRACKET_MAX)
    maintenance_3_atoms: int = natural(Unit.ATOMS, "maintenance margin of a notional of bracket_3", BRACKET_MAX)
    initial_2_atoms: int = natural(Unit.ATOMS, "initial margin of a notional of bracket_2", BRACKET_MAX)
    initial_3_atoms: int = natural(Unit.ATOMS, "initial margin of a notional of bracket_3", BRACKET_MAX)
    close_out_ppm: int = natural(Unit.RATE, "close-out: equity below this part of the maintenance margin", PPM)
    buffer_intervals: int = natural(Unit.COUNT, "k: funding intervals the buffer covers", 100)
    buffer_floor_ppm: int = natural(Unit.RATE, "least funding rate the buffer assumes", PPM)
    funding_cap_ppm: int = natural(Unit.RATE, "cap of the eight-hour funding rate", PPM)
    staleness_seconds: int = natural(Unit.SECONDS, "age at which a report or a tick is stale", TIME_MAX)
    blind_seconds: int = natural(Unit.SECONDS, "blindness after which only exits are left", TIME_MAX)
    deviation_ppm: int = natural(Unit.RATE, "largest distance of agreeing families", PPM)
    band_ppm: int = natural(Unit.RATE, "largest distance of the index from its average without a gap", PPM)
    average_seconds: int = natural(Unit.SECONDS, "tau: time constant of the averages", TIME_MAX)
    open_interest_cap: int = natural(Unit.LOTS, "largest open interest", 2**61)
    price_band_ppm: int = natural(Unit.RATE, "largest distance of a trade from the health price", PPM)
    mark_clamp_ppm: int = natural(Unit.RATE, "largest distance of the mark from the index", PPM)
    close_factor_ppm: int = natural(Unit.RATE, "part of a position one staged liquidation may close", PPM)
    full_close_atoms: int = natural(Unit.ATOMS, "notional up to which a liquidation may close all", AMOUNT_MAX)
    slippage_partial_ppm: int = natural(Unit.RATE, "slippage cap of a staged liquidation", PPM)
    slippage_full_ppm: int = natural(Unit.RATE, "slippage cap below close-out", PPM)
    slip_ppm: int = natural(Unit.RATE, "what a forced reduction concedes to the other side", PPM)
    liquidation_fee_cap_ppm: int = natural(Unit.RATE, "cap of the liquidation fee", PPM)
    fee_cap_ppm: int = natural(Unit.RATE, "cap of a trading fee or rebate", PPM)
    loss_cap_ppm: int = natural(Unit.RATE, "most a socialised loss may take of the price in a day", PPM)
    shock_ppm: int = natural(Unit.RATE, "price move in every portfolio scenario", PPM)
    rises: tuple[bool, ...] = flags(DIRECTIONS, "the price rises in a scenario and falls in its mirror image, or not")
