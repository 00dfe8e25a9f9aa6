"""What becomes of everybody's money when the operator vanishes: a small exchange lives through it.

Prices and accounts are made up; whatever is paid, and when, the machine has done.
"""

from collections.abc import Iterator

from attrs import define, field

from perp_reference.pages.markdown import bullets, page, table
from perp_reference.site.faults import Fault
from perp_reference.site.stage import BTC, LOTS_A_COIN, Stage, cents, coins, funded, lot_price, percent, usd
from perp_spec.perpetual.operations import EscapeClaim, EscapePay, ForcedWithdraw, Freeze
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import FUND, Exchange, Forced, Ledger, Request
from perp_spec.perpetual.rules.forced import conceded_price
from perp_spec.words import DAY

ALICE, BOB, CAROL, DAVE = 2, 3, 4, 5
NAMES = {
    ALICE: "Alice, long",
    BOB: "Bob, short",
    CAROL: "Carol, without a position",
    DAVE: "Dave, long with high leverage",
    FUND: "the insurance fund",
}
DEPOSITS = {FUND: 10_000, ALICE: 80_000, BOB: 500_000, CAROL: 50_000, DAVE: 32_000}
COINS = {ALICE: 10, DAVE: 20}

FIRST, LAST = 40_000, 36_500
"""Dollars a coin: when the positions are opened, and at the last tick before the operator is gone."""

GONE = 60
POSTED = 3_600
"""Seconds after the start: the last batch, and when Carol posts her request on the chain below."""


@define
class Escape:
    """What the machine did.

    Attributes:
        equity: Of each account when the exchange is frozen, atoms.
        early: Why a freeze was refused at the deadline itself.
        early_pay: Why a claim was not paid while the window was open.
        late: Why a claim was refused after the window.
        frozen: Seconds after the start at which it froze.
        paid_at: And at which claims were paid.
        vault: Of that moment, atoms.
        claims: By account, atoms.
        paid: By account, atoms.
        left: What the vault holds at the end, atoms.
    """

    equity: dict[int, int] = field(factory=dict)
    early: str = ""
    early_pay: str = ""
    late: str = ""
    frozen: int = 0
    paid_at: int = 0
    vault: int = 0
    claims: dict[int, int] = field(factory=dict)
    paid: dict[int, int] = field(factory=dict)
    left: int = 0


def opened() -> Stage:
    """The exchange at the last batch of its operator: the price has fallen, and Dave owes more than he has."""
    stage = Stage()
    stage.begin(0)
    stage.tick(FIRST)
    funded(stage, DEPOSITS)
    for account, held in COINS.items():
        stage.must(stage.trade(account, BOB, held * LOTS_A_COIN, lot_price(FIRST)))
    stage.end()
    stage.begin(GONE)
    stage.tick(LAST)
    stage.end()
    return stage


def lived(claimants: tuple[int, ...] = (ALICE, BOB, CAROL, DAVE)) -> Escape:
    """Live through it; those who claim do so on the last day."""
    stage, story = opened(), Escape()
    own = stage.config.parameters
    deadline = POSTED + own.forced_seconds
    stage.begin(deadline)
    stage.must(stage.request(CAROL, Forced.WITHDRAW, stage.view(CAROL).health.equity, POSTED))
    story.early = stage.refusal(Freeze(CAROL))
    stage.end()
    story.frozen = deadline + 1
    stage.begin(story.frozen)
    stage.must(Freeze(CAROL))
    stage.end()
    story.vault = stage.state.get(Exchange, 0).escape_vault
    story.equity = {account: stage.view(account).health.equity for account in NAMES}
    stage.begin(story.frozen + own.claim_seconds)
    for account in claimants:
        stage.must(EscapeClaim(account))
        story.claims[account] = stage.state.get(Request, account).claim
    story.early_pay = stage.refusal(EscapePay(claimants[0], 0))
    stage.end()
    story.paid_at = story.frozen + own.claim_seconds + 1
    stage.begin(story.paid_at)
    story.late = stage.refusal(EscapeClaim(CAROL))
    together = sum(story.claims.values())
    for account in reversed(claimants):
        share = story.claims[account] * min(story.vault, together) // max(together, 1)
        stage.must(EscapePay(account, share))
        story.paid[account] = share
    stage.end()
    stage.audited()
    story.left = stage.state.get(Ledger, 0).vault
    return story


def exit_of_alice() -> tuple[str, ...]:
    """How Alice leaves while an operator that will not serve her answers forced requests."""
    stage = opened()
    market = stage.config.markets[BTC].market
    stage.begin(POSTED)
    stage.tick(LAST)
    before = stage.view(ALICE).health.equity
    stage.must(stage.request(ALICE, Forced.WITHDRAW, before, POSTED))
    stage.must(ForcedWithdraw(ALICE, Reason.INITIAL_MARGIN))
    lots = stage.size(ALICE)
    price = conceded_price(lots, stage.price, market)
    stage.must(stage.request(ALICE, Forced.REDUCE, lots, POSTED))
    stage.must(stage.reduction(ALICE, BOB, lots))
    after = stage.view(ALICE).health.equity
    stage.must(stage.request(ALICE, Forced.WITHDRAW, after, POSTED))
    stage.must(ForcedWithdraw(ALICE, 0))
    left = stage.view(ALICE).health.equity
    stage.end()
    stage.audited()
    return (
        (
            f"She asks for all her equity, {cents(before)}. The only answer that the rules accept is a refusal, "
            "[INITIAL_MARGIN](reasons.md#initial_margin): her position needs margin. The request is gone."
        ),
        (
            f"She asks to reduce all of her {coins(lots)} BTC. They are closed at {price * LOTS_A_COIN / 10**6:,.2f}, "
            f"{percent(market.slip_ppm)} below the health price, against an order, the fund or an opposite position: "
            f"{cents(after)} are left."
        ),
        f"She asks for these, and gets them: {cents(left)} are left. The withdrawal bucket does not count.",
    )


# The page


def escape_page(story: Escape, without_bob: Escape) -> str:
    """The page; in the second story Bob does not claim."""
    return page(
        "# The operator vanishes",
        "How do I get my money when nobody runs the exchange any more, or when its operator will not serve me? Below, "
        "a small exchange of [the default configuration](defaults.md) lives through it. The accounts are made up; "
        "everything else was done by the machine when this page was made.",
        "## What you need",
        bullets(NEEDS),
        "For account 4, say, this writes such a proof; `--config FILE` names a configuration that is not the default "
        "one:",
        "    ./perp escape --account 4 diffs/* --out carol.json",
        "## Day by day",
        *days(story, without_bob),
        "## An operator that is there, and will not serve you",
        "A forced request is posted on the chain below, so the operator cannot leave it out, and the rules give the "
        "one answer that is accepted. Whoever does not get that answer in time can freeze the exchange. An account has "
        "one request at a time. So Alice, before the operator vanishes:",
        bullets(exit_of_alice()),
        "## What this does not give you",
        bullets(LIMITS),
    )


NEEDS = (
    (
        "**Your key**, and the chain below: it holds the money, keeps the queue of requests, and knows the last state "
        "root that it accepted."
    ),
    (
        "**The state.** A root is no state. The [differences](formats.md#states-and-differences) of all batches have "
        "to be published; from them anyone rebuilds the state, compares each root, and proves what an account owns "
        "against the last one ([paths](encoding.md#paths)). No secret and no operator is needed for that."
    ),
)

LIMITS = (
    (
        "**The rules say what is paid; the chain below has to do it.** It has to take a freeze, claims and payments by "
        "itself, to treat a request that no batch has noted as one that is overdue, and to bound the time of batches: "
        "[its duties](limits.md#duties-of-the-chain-below). Nothing of it is in this project."
    ),
    "**A claim is an equity at the last health prices**, however old they are. A position cannot be closed any more.",
    (
        "**A share, where somebody is below zero** and the fund does not make up for it. The fund's and the fee "
        "account's own equity cannot be claimed; it stays in the vault and covers claims."
    ),
    (
        "**Who does not claim in time gets nothing.** A claim is made once, by the rules without a "
        "signature: anyone may make it for an account, and to whom the chain below pays it is the account's owner."
    ),
    (
        "**The freeze is for good.** One request that nobody can answer is enough for it: [ends without an "
        "end](limits.md#ends-without-an-end)."
    ),
)


def day_of(seconds: int) -> str:
    """A moment, in days after the start."""
    days, rest = divmod(seconds, DAY)
    return f"day {days}, {rest // 3_600:02d}:{rest % 3_600 // 60:02d}:{rest % 60:02d}"


def days(story: Escape, without_bob: Escape) -> list[str]:
    """What happens when."""
    own = Stage().config.parameters
    together = sum(story.claims.values())
    forced, window = own.forced_seconds // DAY, own.claim_seconds // DAY
    rows = [
        (
            name,
            cents(story.equity[account]),
            cents(story.claims[account]) if account in story.claims else "none",
            cents(story.paid[account]) if account in story.paid else "none",
            cents(without_bob.paid[account]) if account in without_bob.paid else "none",
        )
        for account, name in NAMES.items()
    ]
    steps = (
        (
            f"**{day_of(GONE)}.** BTC has fallen from {FIRST:,} to {LAST:,}, and the operator makes its last batch. "
            f"Dave owes {cents(-story.equity[DAVE])} more than he has, and nobody liquidates him any more."
        ),
        (
            f"**{day_of(POSTED)}.** Carol posts a forced withdrawal of all she has, {cents(story.equity[CAROL])}, on "
            f"the chain below. It has to be answered within {forced} days ([request_forced](rules/request_forced.md))."
        ),
        f"**{day_of(story.frozen - 1)}.** The deadline. At this second a freeze is still refused, {story.early}.",
        (
            f"**{day_of(story.frozen)}.** Anyone may [freeze](rules/freeze.md), and somebody does. From now on there "
            f"is nothing but claims. The vault holds {cents(story.vault)}."
        ),
        (
            f"**To {day_of(story.paid_at - 1)}.** For {window} days equity may be [claimed](rules/escape_claim.md), at "
            f"the last health price. All claims together are {cents(together)}. Nothing is paid yet "
            f"({story.early_pay}), so it does not matter who comes first."
        ),
        (
            f"**From {day_of(story.paid_at)} on.** Claims are [paid](rules/escape_pay.md), and none is taken any more "
            f"({story.late}). Each gets the same part, {100 * min(story.vault, together) / together:.4f} %: what Dave "
            "owes is missing, less what the fund and the fee account have. Payouts are rounded down; the fractions "
            "stay."
        ),
    )
    return [
        bullets(steps),
        table(("account", "equity", "claim", "paid", "paid if Bob does not claim"), rows),
        (
            f"Were Bob to forget it, all others would be paid in full, and {usd(without_bob.left)} would stay in the "
            "vault."
        ),
    ]


def faults(story: Escape, without_bob: Escape) -> Iterator[Fault]:
    """What the page says in words and the machine did not do."""
    expected = {
        "a freeze refused at the deadline": "NOT_DUE" in story.early,
        "no payment while claims are taken": "CLAIM_WINDOW" in story.early_pay,
        "no claim after the window": "CLAIM_WINDOW" in story.late,
        "Dave below zero, and a claim of nothing": story.equity[DAVE] < 0 == story.claims[DAVE],
        "claims beyond the vault": sum(story.claims.values()) > story.vault,
        "less than an atom a claim left": story.left < len(story.claims),
        "full payment where Bob does not claim": without_bob.paid == without_bob.claims,
    }
    for what, holds in expected.items():
        if not holds:
            yield Fault("the page of the escape", "something else", what)
