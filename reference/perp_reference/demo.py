"""A short life of an exchange: six batches that together hold every kind of operation, refused attempts included.

Given as what people want, in order; the builder of batches fills in what must be stated and leaves out what the rules
reject. Prices are those of the first three default markets, in whole dollars for people and in atoms a lot for the
rules.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from perp_reference.signing.key_ring import KeyRing
from perp_spec.perpetual.operations import (
    Backstop,
    Cancel,
    Compact,
    Deleverage,
    Deposit,
    EscapeClaim,
    EscapePay,
    ForcedReduce,
    ForcedWithdraw,
    Freeze,
    FundingTick,
    Intent,
    Liquidate,
    Mark,
    OpenAccount,
    OracleTick,
    Order,
    PremiumSample,
    RecordProof,
    Report,
    RequestForced,
    SetKillSwitch,
    SetKind,
    Socialise,
    Trade,
    Transfer,
    Withdraw,
)
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Forced, Kind, Mode, Path
from perp_spec.words import DAY

USD = 1_000_000
EXCHANGE_ID = 1

START = 1_700_000_000
"""Time of the first batch, seconds since the epoch."""
FOREVER = 2**39
"""An expiry nobody reaches."""

BTC, ETH, LINK = 0, 1, 2
LOTS_A_UNIT = (10_000, 1_000, 10)
"""Lots of one BTC, ETH and LINK."""

ALICE, BOB, CAROL, DAVE, ERIN, CHILD = 2, 3, 4, 5, 6, 7
"""Accounts: a long with high leverage, a market maker, a long of two markets, a short, a portfolio account, and Bob's
isolated one."""

NAMES = {ALICE: "Alice", BOB: "Bob", CAROL: "Carol", DAVE: "Dave", ERIN: "Erin", CHILD: "Bob's isolated account"}
"""What the story calls the accounts."""

STRANGER = 99
"""An account that does not exist."""


@frozen
class Cast:
    """Who owns what: packed digests of public keys."""

    owners: dict[int, int]
    """By account; 0 for the fund, which has no owner."""

    @classmethod
    def of(cls, ring: KeyRing) -> "Cast":
        """The cast whose keys a ring holds."""
        users = (ALICE, BOB, CAROL, DAVE, ERIN, CHILD)
        return cls({FUND: 0, **{account: ring.owner(account).owner for account in users}})

    def owner(self, account: int) -> int:
        """The owner of an account of the cast."""
        return self.owners[account]


def demo_ring() -> KeyRing:
    """The keys of the demo: anyone can know them."""
    return KeyRing("demo", EXCHANGE_ID, lambda account: BOB if account == CHILD else account)


def price(market: int, dollars: int) -> int:
    """A price in atoms a lot, from whole dollars a unit."""
    return dollars * USD // LOTS_A_UNIT[market]


def order(account: int, slot: int, buys: bool, market: int, lots: int, dollars: int, expiry: int = FOREVER) -> Order:
    """A signed order with nonce 1 and a fee of at most 0.1 %."""
    return Order(
        account=account,
        slot=slot,
        nonce=1,
        expiry=expiry,
        market=market,
        buys=buys,
        lots=lots,
        price=price(market, dollars),
        max_fee_ppm=1_000,
        authorised=True,
    )


def intent(slot: int, nonce: int = 1) -> Intent:
    """A signed intent."""
    return Intent(slot=slot, nonce=nonce, expiry=FOREVER, authorised=True)


def tick(market: int, dollars: int) -> OracleTick:
    """Both families report the same price, each by three of its five signers, one of them a little lower."""
    exact = price(market, dollars)
    lower = exact - exact // 1_000
    report = Report(
        count=3, median=exact, signers=(0, 2, 4, 0, 0, 0, 0, 0), values=(exact, lower, exact, 0, 0, 0, 0, 0)
    )
    return OracleTick(market=market, reports=(report, report, Report(), Report()), authorised=True)


def ticks(btc: int, eth: int, link: int) -> tuple[OracleTick, ...]:
    """Oracle ticks of the three markets, prices in dollars."""
    return tick(BTC, btc), tick(ETH, eth), tick(LINK, link)


def deal(
    buyer: Order, seller: Order, buyer_slot: int, seller_slot: int, lots: int = 0, taker_buys: bool = True
) -> Trade:
    """A trade of two orders at the maker's price: the taker pays 0.05 %, the maker gets 0.02 %."""
    maker = seller if taker_buys else buyer
    return Trade(
        market=maker.market,
        lots=lots or min(buyer.lots, seller.lots),
        price=maker.price,
        taker_buys=taker_buys,
        buyer=buyer,
        seller=seller,
        buyer_slot=buyer_slot,
        seller_slot=seller_slot,
        buyer_fee_ppm=500 if taker_buys else -200,
        seller_fee_ppm=-200 if taker_buys else 500,
    )


def opening(cast: Cast) -> tuple[Any, ...]:
    """Accounts, money, first trades."""
    cross = (ALICE, BOB, CAROL, DAVE)
    accounts = [
        OpenAccount(number, cast.owner(number), Kind.CROSS, expiry=FOREVER, authorised=True) for number in cross
    ]
    deposits = ((FUND, 2_000), (ALICE, 3_000), (BOB, 500_000), (CAROL, 20_000), (DAVE, 50_000), (ERIN, 60_000))
    return (
        *ticks(40_000, 3_000, 40),
        *accounts,
        OpenAccount(ERIN, cast.owner(ERIN), Kind.PORTFOLIO, expiry=FOREVER, authorised=True),
        OpenAccount(CHILD, cast.owner(BOB), Kind.ISOLATED, parent=BOB, market=LINK, expiry=FOREVER, authorised=True),
        *(Deposit(account=number, key=cast.owner(number), amount=dollars * USD) for number, dollars in deposits),
        Deposit(account=STRANGER, key=cast.owner(ALICE), amount=77 * USD),
        Mark(market=BTC, bid=price(BTC, 39_990), ask=price(BTC, 40_010), last=price(BTC, 40_005)),
        PremiumSample(market=BTC, bid=price(BTC, 39_990), ask=price(BTC, 40_010)),
        deal(order(ALICE, 0, True, BTC, 20_000, 40_000), order(BOB, 0, False, BTC, 20_000, 40_000), 0, 0),
        deal(order(CAROL, 0, True, BTC, 5_000, 40_000), order(DAVE, 0, False, BTC, 5_000, 40_000), 0, 0),
        deal(order(DAVE, 1, False, BTC, 10_000, 40_000), order(DAVE, 2, False, BTC, 10_000, 40_000), 0, 0),
        deal(order(ERIN, 0, True, BTC, 10_000, 40_000), order(DAVE, 3, False, BTC, 10_000, 40_000), 0, 0),
        deal(
            order(BOB, 1, True, ETH, 100_000, 3_000),
            order(ERIN, 1, False, ETH, 100_000, 3_000),
            1,
            1,
            taker_buys=False,
        ),
        deal(
            order(CAROL, 1, True, ETH, 1_000, 3_000, expiry=START - 1),
            order(BOB, 2, False, ETH, 1_000, 3_000),
            1,
            1,
        ),
    )


def everyday(cast: Cast) -> tuple[Any, ...]:
    """Everything accounts do on a quiet day, and the first forced requests."""
    return (
        *ticks(40_100, 3_005, 40),
        PremiumSample(market=BTC, bid=price(BTC, 40_050), ask=price(BTC, 40_150)),
        FundingTick(market=BTC),
        Transfer(sender=BOB, recipient=CHILD, amount=5_000 * USD, intent=intent(10)),
        deal(order(CHILD, 0, True, LINK, 1_000, 40), order(ERIN, 2, False, LINK, 1_000, 40), 0, 2),
        deal(order(CHILD, 1, True, BTC, 100, 40_100), order(ERIN, 3, False, BTC, 100, 40_100), 1, 0),
        deal(order(DAVE, 4, True, LINK, 10, 40), order(BOB, 3, False, LINK, 10, 40), 1, 2),
        deal(order(BOB, 4, True, LINK, 10, 40), order(DAVE, 5, False, LINK, 10, 40), 2, 1),
        Compact(account=BOB, hole=0, top=2),
        SetKind(account=ERIN, kind=Kind.CROSS, intent=intent(11)),
        SetKind(account=ERIN, kind=Kind.PORTFOLIO, intent=intent(11, 2)),
        Withdraw(account=BOB, amount=10_000 * USD, intent=intent(12)),
        Withdraw(account=ALICE, amount=2_500 * USD, intent=intent(12)),
        Cancel(account=CAROL, intent=intent(1)),
        SetKillSwitch(market=LINK, mode=Mode.THROTTLE, intent=intent(0)),
        deal(order(CAROL, 2, True, LINK, 10, 40), order(ERIN, 4, False, LINK, 10, 40), 1, 2),
        SetKillSwitch(market=LINK, mode=Mode.NORMAL, intent=intent(0, 2)),
        RecordProof(number=1),
        RequestForced(account=DAVE, key=cast.owner(DAVE), kind=Forced.WITHDRAW, amount=1_000 * USD, posted=START + 50),
        RequestForced(
            account=CAROL, key=cast.owner(CAROL), kind=Forced.REDUCE, market=BTC, amount=2_000, posted=START + 50
        ),
        RequestForced(account=ALICE, key=cast.owner(BOB), kind=Forced.WITHDRAW, amount=USD, posted=START + 50),
    )


def crash(_: Cast) -> tuple[Any, ...]:
    """BTC falls by 30 % in a minute, and the waterfall does its work on Alice."""
    return (
        *ticks(28_000, 2_700, 36),
        Backstop(account=ALICE, slot=0, market=BTC, lots=100, fund_slot=0),
        Deleverage(account=ALICE, slot=0, counterparty=DAVE, counterparty_slot=0, market=BTC, lots=10_000, fund_slot=0),
        Liquidate(
            account=ALICE,
            slot=0,
            market=BTC,
            lots=9_900,
            price=3_386_000,
            taker=order(BOB, 5, True, BTC, 9_900, 34_000),
            taker_slot=0,
        ),
        Socialise(account=ALICE, market=BTC),
        Liquidate(
            account=CAROL,
            slot=0,
            market=BTC,
            lots=1_000,
            price=3_386_000,
            taker=order(BOB, 6, True, BTC, 1_000, 34_000),
            taker_slot=0,
        ),
    )


def exits(cast: Cast) -> tuple[Any, ...]:
    """The forced requests are answered, one put off, one refused, and a last one is made that nobody will answer."""
    return (
        *ticks(28_100, 2_710, 36),
        ForcedWithdraw(account=DAVE),
        ForcedReduce(
            account=CAROL,
            slot=0,
            market=BTC,
            lots=2_000,
            path=Path.ORDER,
            counterparty=BOB,
            counterparty_slot=0,
            order=order(BOB, 7, True, BTC, 2_000, 40_000),
            fund_slot=0,
        ),
        RequestForced(
            account=ERIN, key=cast.owner(ERIN), kind=Forced.WITHDRAW, amount=30_000 * USD, posted=START + 170
        ),
        ForcedWithdraw(account=ERIN),
        RequestForced(account=ALICE, key=cast.owner(ALICE), kind=Forced.WITHDRAW, amount=USD, posted=START + 170),
        ForcedWithdraw(account=ALICE),
        ForcedWithdraw(account=CAROL),
        RequestForced(account=BOB, key=cast.owner(BOB), kind=Forced.WITHDRAW, amount=100_000 * USD, posted=START + 170),
    )


def frozen_exchange(_: Cast) -> tuple[Any, ...]:
    """The request is overdue: the exchange is frozen, and everybody claims."""
    users = (ALICE, BOB, CAROL, DAVE, ERIN, CHILD)
    return (
        Freeze(account=BOB),
        *(EscapeClaim(account=number) for number in users),
        EscapeClaim(account=BOB),
        *ticks(28_200, 2_715, 36),
    )


def payouts(_: Cast) -> tuple[Any, ...]:
    """The claim window is over: the vault is paid out."""
    users = (ALICE, BOB, CAROL, DAVE, ERIN, CHILD)
    return tuple(EscapePay(account=number) for number in users)


@frozen
class Told:
    """What the story says of one operation."""

    rule: str
    account: int
    """Whose operation it is, as `party` says it."""
    refused: Reason | None = None
    """Why it is refused: the first reason of one that is left out, or the answer to one from the chain below."""


def party(operation: Any) -> int:
    """The account that an operation is about: its own, the sender's, the buyer's; the fund's where it names none."""
    if hasattr(operation, "sender"):
        return operation.sender
    return operation.buyer.account if hasattr(operation, "buyer") else getattr(operation, "account", FUND)


@frozen
class Act:
    """One batch of the demo: when, what happens in a few sentences, and the operations.

    Attributes:
        time: Seconds since the epoch.
        told: What the sentences say of single operations: of each that is refused, and of those that they are about. It
            is compared with what the rules do.
        level: What the sentences say of the oracle of BTC after the batch, in the words of `level_of`.
        is_frozen: Whether they say that the exchange is frozen after it.
    """

    time: int
    sentences: str
    operations: Callable[[Cast], tuple[Any, ...]]
    told: tuple[Told, ...] = ()
    level: str = "good"
    is_frozen: bool = False

    @property
    def story(self) -> str:
        """The sentences, with names and numbers of accounts, and the reason of each refusal."""
        numbers = {name: f"{name} ({number})" for number, name in NAMES.items() if number != CHILD}
        reasons = [told.refused.name for told in self.told if told.refused is not None]
        return self.sentences.format(*reasons, **numbers)


ACTS = (
    Act(
        START,
        "Accounts open, money comes in, and the first trades happen. One deposit names an account that does "
        "not exist: it is returned ({0}). A trade of {Dave} with himself is left out ({1}), and so is one of "
        "{Carol} by an order that has expired ({2}).",
        opening,
        (
            *(Told("deposit", account) for account in (FUND, ALICE, BOB, CAROL, DAVE, ERIN)),
            Told("deposit", STRANGER, Reason.NO_ACCOUNT),
            Told("trade", DAVE, Reason.SAME_ACCOUNT),
            Told("trade", CAROL, Reason.ORDER_EXPIRED),
        ),
    ),
    Act(
        START + 60,
        "Funding is charged, money moves, {Erin} changes the margin kind of her account, {Carol} cancels an order, "
        "governance throttles LINK and lets it go, and {Dave} and {Carol} turn to the chain below with forced "
        "requests. Left out: a BTC trade of the isolated account 7, which may hold LINK only ({0}), a withdrawal of "
        "{Alice} that would break her margin ({1}), and a trade of {Carol} that would open more interest in the "
        "throttled market ({2}). A forced request for {Alice}, with the key of {Bob}, is refused ({3}).",
        everyday,
        (
            Told("trade", CHILD, Reason.MARKET_NOT_ALLOWED),
            Told("withdraw", ALICE, Reason.INITIAL_MARGIN),
            Told("trade", CAROL, Reason.OPEN_INTEREST),
            Told("request_forced", ALICE, Reason.NO_ACCOUNT),
            Told("funding_tick", FUND),
            Told("transfer", BOB),
            Told("set_kind", ERIN),
            Told("cancel", CAROL),
            Told("set_kill_switch", FUND),
            Told("request_forced", DAVE),
            Told("request_forced", CAROL),
        ),
    ),
    Act(
        START + 120,
        "BTC falls by 30 % in a minute. The oracle calls it a gap and lets the price follow by at most its "
        "band; {Alice} is bankrupt. The fund takes over what it can, the short of {Dave} is deleveraged against her, "
        "the market maker {Bob} buys the rest, and what is still missing is borne by the fund and the open interest. "
        "{Carol} is healthy: an attempt to liquidate her is left out ({0}).",
        crash,
        (
            Told("backstop", ALICE),
            Told("deleverage", ALICE),
            Told("liquidate", ALICE),
            Told("socialise", ALICE),
            Told("liquidate", CAROL, Reason.NOT_LIQUIDATABLE),
        ),
        level="gap",
    ),
    Act(
        START + 180,
        "The forced requests are answered: {Dave} is paid, and the position of {Carol} is reduced against an order of "
        "{Bob}. At a good price {Erin} could have what she asks for, at one in doubt it is too much: she is put "
        "off, and her request stays ({0}). {Alice}, who has nothing left, is refused for good ({1}). {Carol} has no "
        "request to withdraw that could be answered ({2}). {Bob} makes a request that nobody will answer.",
        exits,
        (
            Told("forced_withdraw", DAVE),
            Told("forced_reduce", CAROL),
            Told("forced_withdraw", ERIN, Reason.ORACLE_LEVEL),
            Told("forced_withdraw", ALICE, Reason.INITIAL_MARGIN),
            Told("forced_withdraw", CAROL, Reason.FORCED_UNKNOWN),
            Told("request_forced", BOB),
        ),
        level="gap",
    ),
    Act(
        START + 8 * DAY,
        "Eight days later the requests of {Bob} and {Erin} are overdue. Anyone may freeze the exchange now; from then "
        "on only claims and payouts are left, at the frozen prices. {Bob} claims twice, once in vain ({0}), and new "
        "prices are refused ({1}).",
        frozen_exchange,
        (
            Told("freeze", BOB),
            *(Told("escape_claim", account) for account in (ALICE, BOB, CAROL, DAVE, ERIN, CHILD)),
            Told("escape_claim", BOB, Reason.CLAIMED),
            *(Told("oracle_tick", FUND, Reason.FROZEN) for _ in range(3)),
        ),
        level="exits only",
        is_frozen=True,
    ),
    Act(
        START + 39 * DAY,
        "The claim window is over. Each claim is paid in full, or in the part that the vault covers for all "
        "of them, so nobody gains by being first. {Alice} has nothing left to be paid.",
        payouts,
        tuple(Told("escape_pay", account) for account in (ALICE, BOB, CAROL, DAVE, ERIN, CHILD)),
        level="exits only",
        is_frozen=True,
    ),
)
"""The demo, in order."""
