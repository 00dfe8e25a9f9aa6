"""The operations: what each one says. Ids, nonces, times and codes outside their range are malformed, not rejected."""

from attrs import frozen

from perp_spec.perpetual.records import Path
from perp_spec.words import (
    ACCOUNTS_MAX,
    FAMILIES_MAX,
    MARKETS_MAX,
    NONCE_MAX,
    ORDER_SLOTS,
    POSITION_SLOTS,
    PPM,
    SIGNERS_MAX,
    TIME_MAX,
    Unit,
    digest_field,
    flag,
    natural,
    nested,
    rows,
    vector,
    word,
)


def account_id(text: str) -> int:
    """A field holding an account id."""
    return natural(Unit.ID, text, ACCOUNTS_MAX - 1)


def market_id(text: str) -> int:
    """A field holding a market id."""
    return natural(Unit.ID, text, MARKETS_MAX - 1)


def position_slot(text: str) -> int:
    """A field holding a position slot."""
    return natural(Unit.ID, text, POSITION_SLOTS - 1)


@frozen
class Intent:
    """What a user signs beside the operation itself. It names the account's order slot whose nonce it uses up."""

    slot: int = natural(Unit.ID, "order slot", ORDER_SLOTS - 1)
    nonce: int = natural(Unit.COUNT, "nonce", NONCE_MAX)
    expiry: int = natural(Unit.TIME, "last second at which it holds", TIME_MAX)
    authorised: bool = flag("the owner's key has signed this (checked outside the rules)")


@frozen
class Order:
    """A signed order."""

    account: int = account_id("account that trades")
    slot: int = natural(Unit.ID, "order slot", ORDER_SLOTS - 1)
    nonce: int = natural(Unit.COUNT, "nonce", NONCE_MAX)
    expiry: int = natural(Unit.TIME, "last second at which it may be filled", TIME_MAX)
    market: int = market_id("market")
    buys: bool = flag("buys; else sells")
    lots: int = word(Unit.LOTS, "most lots over all fills")
    price: int = word(Unit.PRICE, "worst price")
    max_fee_ppm: int = word(Unit.RATE, "highest fee rate", -PPM, PPM)
    reduce_only: bool = flag("may only reduce a position")
    post_only: bool = flag("may only be the maker")
    authorised: bool = flag("the owner's key has signed this (checked outside the rules)")


@frozen
class Report:
    """What one oracle family reports of a market: `count` values, padded with zeros."""

    count: int = natural(Unit.COUNT, "number of values", SIGNERS_MAX)
    median: int = word(Unit.PRICE, "the lower median of the values, 0 where there are none")
    signers: tuple[int, ...] = vector(Unit.ID, SIGNERS_MAX, "signer of each value", 0, SIGNERS_MAX - 1)
    values: tuple[int, ...] = vector(Unit.PRICE, SIGNERS_MAX, "values")


@frozen
class Header:
    """What a batch says of itself."""

    number: int = natural(Unit.COUNT, "number of the batch")
    time: int = natural(Unit.TIME, "time of all its operations", TIME_MAX)
    previous_root: int = digest_field("root of the state it is applied to")
    config_digest: int = digest_field("digest of the configuration")


# Money


@frozen
class Deposit:
    """The next entry of the queue: money that came in."""

    position: int = natural(Unit.COUNT, "number of the queue entry")
    chain: int = digest_field("hash chain of the queue including this entry")
    account: int = account_id("account to credit")
    key: int = digest_field("owner the depositor expects")
    amount: int = word(Unit.ATOMS, "amount")
    result: int = natural(Unit.CODE, "0 where credited, else the reason for which it is returned", 255)


@frozen
class Withdraw:
    """Pay out collateral."""

    account: int = account_id("account")
    amount: int = word(Unit.ATOMS, "amount")
    intent: Intent = nested(Intent, "the owner's signature")


@frozen
class Transfer:
    """Move collateral to another account."""

    sender: int = account_id("account that pays")
    recipient: int = account_id("account that receives")
    amount: int = word(Unit.ATOMS, "amount")
    intent: Intent = nested(Intent, "the signature of the sender's owner")


# Accounts


@frozen
class OpenAccount:
    """Make an account."""

    account: int = account_id("new id")
    owner: int = digest_field("digest of the owner's key")
    kind: int = natural(Unit.CODE, "CROSS, ISOLATED or PORTFOLIO", 255)
    parent: int = account_id("parent of an isolated account, else 0")
    market: int = market_id("the one market of an isolated account, else 0")
    expiry: int = natural(Unit.TIME, "last second at which the signature holds", TIME_MAX)
    authorised: bool = flag("the owner's key has signed this (checked outside the rules)")


@frozen
class SetKind:
    """Change between cross and portfolio margin."""

    account: int = account_id("account")
    kind: int = natural(Unit.CODE, "CROSS or PORTFOLIO", 255)
    intent: Intent = nested(Intent, "the owner's signature")


@frozen
class Cancel:
    """Make every nonce of an order slot up to the intent's unusable."""

    account: int = account_id("account")
    intent: Intent = nested(Intent, "the owner's signature; its slot and nonce are what is cancelled")


@frozen
class Compact:
    """Lower an account's count of position slots by one."""

    account: int = account_id("account")
    hole: int = position_slot(
        "an empty slot below the highest, to move its position into; any other slot if the highest is empty"
    )
    top: int = position_slot("the highest slot")


# Trading


@frozen
class Trade:
    """Match two orders."""

    market: int = market_id("market")
    lots: int = word(Unit.LOTS, "lots")
    price: int = word(Unit.PRICE, "price")
    taker_buys: bool = flag("the buyer is the taker")
    buyer: Order = nested(Order, "the buyer's order")
    seller: Order = nested(Order, "the seller's order")
    buyer_slot: int = position_slot("the buyer's position slot")
    seller_slot: int = position_slot("the seller's position slot")
    buyer_fee_ppm: int = word(Unit.RATE, "fee rate of the buyer, negative for a rebate", -PPM, PPM)
    seller_fee_ppm: int = word(Unit.RATE, "fee rate of the seller, negative for a rebate", -PPM, PPM)


# The waterfall


@frozen
class Liquidate:
    """Close a part of an unhealthy account's position against a willing order."""

    account: int = account_id("account to liquidate; the fund may unwind this way too")
    slot: int = position_slot("its position slot")
    market: int = market_id("market")
    lots: int = word(Unit.LOTS, "lots to close")
    price: int = word(Unit.PRICE, "price")
    fee_ppm: int = word(Unit.RATE, "liquidation fee rate, to the fund", -PPM, PPM)
    taker: Order = nested(Order, "the order on the other side")
    taker_slot: int = position_slot("its account's position slot")
    taker_fee_ppm: int = word(Unit.RATE, "fee rate of the taker", -PPM, PPM)


@frozen
class Backstop:
    """The insurance fund takes over a part of a position."""

    account: int = account_id("account below close-out")
    slot: int = position_slot("its position slot")
    market: int = market_id("market")
    lots: int = word(Unit.LOTS, "lots to take over")
    fund_slot: int = position_slot("the fund's position slot")


@frozen
class Deleverage:
    """Close a part of a position against an opposite one, at the health price."""

    account: int = account_id("account below close-out")
    slot: int = position_slot("its position slot")
    counterparty: int = account_id("account with an opposite position")
    counterparty_slot: int = position_slot("its position slot")
    market: int = market_id("market")
    lots: int = word(Unit.LOTS, "lots to close")
    fund_slot: int = position_slot("the slot where the fund holds the market, or would")


@frozen
class Socialise:
    """Spread the deficit of a flat account over the fund and the open interest."""

    account: int = account_id("account without positions and with negative collateral")
    market: int = market_id("its last closed market, which bears the loss first")


# Ticks


@frozen
class OracleTick:
    """Reports of the oracle families on one market."""

    market: int = market_id("market")
    reports: tuple[Report, ...] = rows(Report, FAMILIES_MAX, "one report for each family")
    authorised: bool = flag("every signer has signed its value (checked outside the rules)")


@frozen
class Mark:
    """State of the order book, from which the mark follows."""

    market: int = market_id("market")
    bid: int = word(Unit.PRICE, "best bid")
    ask: int = word(Unit.PRICE, "best ask")
    last: int = word(Unit.PRICE, "last trade")


@frozen
class PremiumSample:
    """Impact prices of the order book, from which funding follows."""

    market: int = market_id("market")
    bid: int = word(Unit.PRICE, "impact bid")
    ask: int = word(Unit.PRICE, "impact ask")


@frozen
class FundingTick:
    """Charge an hour of funding."""

    market: int = market_id("market")


# The exchange


@frozen
class RecordProof:
    """The chain below has accepted the proof of a batch."""

    number: int = natural(Unit.COUNT, "number of the batch")


@frozen
class SetKillSwitch:
    """Set the lower bound of a mode, by governance."""

    market: int = market_id("market, where it is one market's switch")
    whole: bool = flag("the switch of the whole exchange; else the market's")
    mode: int = natural(Unit.CODE, "NORMAL, THROTTLE, REDUCE_ONLY or HALT", 255)
    intent: Intent = nested(Intent, "governance's signature; it uses the order slots of account 0")


@frozen
class EndBatch:
    """The last operation of every batch: modes, windows, references."""

    mode: int = natural(Unit.CODE, "mode of the exchange from now on", 4)


# Forced actions and escape


@frozen
class RequestForced:
    """The next entry of the queue: a forced request made on the chain below."""

    position: int = natural(Unit.COUNT, "number of the queue entry")
    chain: int = digest_field("hash chain of the queue including this entry")
    account: int = account_id("account")
    key: int = digest_field("owner who made the request")
    kind: int = natural(Unit.CODE, "WITHDRAW or REDUCE", 255)
    market: int = market_id("market to reduce; any configured one for a withdrawal")
    amount: int = word(Unit.COUNT, "atoms to withdraw or lots to reduce")
    posted: int = natural(Unit.TIME, "when it was posted, by the clock of the chain below", TIME_MAX)
    result: int = natural(Unit.CODE, "0 where it is noted, else the reason for which it is refused", 255)


@frozen
class ForcedWithdraw:
    """Answer a forced withdrawal: done, or refused with a reason that the rules prove."""

    account: int = account_id("account")
    result: int = natural(Unit.CODE, "0 where done, else the reason", 255)


@frozen
class ForcedReduce:
    """Answer a forced reduction: done against somebody, or refused with a reason that the rules prove."""

    account: int = account_id("account")
    slot: int = position_slot("its slot holding the market; any slot where it does not hold it")
    market: int = market_id("market of the position in that slot")
    lots: int = word(Unit.LOTS, "lots to close now, at most what is requested")
    result: int = natural(Unit.CODE, "0 where done, else the reason", 255)
    path: int = natural(Unit.CODE, "who takes the other side: ORDER, FUND or OPPOSITE", Path.OPPOSITE)
    counterparty: int = account_id("account on the other side")
    counterparty_slot: int = position_slot("its position slot")
    order: Order = nested(Order, "the order, on that path")
    fund_slot: int = position_slot("the slot where the fund holds the market, or would")


@frozen
class Freeze:
    """Stop the exchange, because a forced request is past its deadline."""

    account: int = account_id("account whose request is overdue")


@frozen
class EscapeClaim:
    """Claim an account's equity at the frozen prices."""

    account: int = account_id("account")


@frozen
class EscapePay:
    """Pay a claim, or the part of it the vault covers."""

    account: int = account_id("account")
    amount: int = word(Unit.ATOMS, "what is paid")
