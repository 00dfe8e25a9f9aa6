"""Which page shows which part of the rules: what one rule alone uses is on its page, the rest is on shared ones."""

from attrs import frozen

from perp_spec.perpetual.catalogue import LIBRARY, catalogue, users_of

HIDDEN = frozenset({"PERPETUAL"})
"""Definitions that are no part of the rules."""


@frozen
class SharedPage:
    """A page of definitions that several rules use."""

    slug: str
    title: str
    text: str
    names: tuple[str, ...]
    """Functions, NamedTuples and constants, in order."""


SHARED_PAGES: tuple[SharedPage, ...] = (
    SharedPage(
        "shared-guards",
        "Guards of many rules",
        "Each of these is a guard or two, or what a guard compares.",
        (
            "require_live",
            "require_market",
            "require_account",
            "require_amount",
            "require_collateral",
            "mode_of",
            "require_not_halted",
            "market_allowed",
            "within",
        ),
    ),
    SharedPage(
        "shared-orders",
        "Orders and signed intents",
        "An account has 4096 order slots. A slot remembers one nonce and how much of it is filled. An intent is "
        "used once; an order may be filled in pieces. Signatures themselves are checked outside the rules, "
        "which see a flag.",
        ("use_intent", "fill_order_if"),
    ),
    SharedPage(
        "shared-queue",
        "The queue from the chain below",
        "Deposits and forced requests enter through a queue that the chain below keeps as a hash chain. The "
        "exchange consumes every entry in order. The chain after an entry is `hash_words` of [the hash "
        "suite](../hash-suite.md) under the tag QUEUE (14): the digests are the chain before and the owner's "
        "key, the words are those of the entry. For a deposit they are 1, account, amount; for a forced request "
        "2, account, amount, kind, market, posted.",
        ("consume_entry",),
    ),
    SharedPage(
        "shared-ledger",
        "The ledger, and what changes in an account",
        "Money outside accounts is in the ledger. Every rounding of settling goes against the account; the "
        "micro-atoms stay as dust, whole atoms of it go to the insurance fund's inbox. Account 0 and 1 add "
        "their inbox to their collateral when they are settled as an account of an operation.",
        (
            "carry",
            "inbox_of",
            "emptied",
            "with_collateral",
            "flat_and_negative",
            "long_lots",
            "with_open_interest",
        ),
    ),
    SharedPage(
        "shared-oracle",
        "Oracle level, mark and health price",
        "The stored level is that of the last tick. The level in effect also depends on the tick's age: silence "
        "degrades like bad news.",
        ("OracleState", "oracle_state", "mark_of", "health_price", "approach", "require_book", "SAMPLES_FULL"),
    ),
    SharedPage(
        "shared-margin",
        "Margin and health",
        "What a position must be backed by, and what an account is worth. All margins round up, against the account.",
        (
            "Margin",
            "margin_at",
            "margin",
            "Health",
            "health",
            "portfolio_requirement",
            "portfolio_initial",
            "scenario_losses",
            "losses_of",
            "worst_loss",
            "worst_rest",
        ),
    ),
    SharedPage(
        "shared-settling",
        "Settling",
        "The first step of every operation on an account: pay what funding and socialised losses have become "
        "due since the position was last settled, and add up what health needs. Settling twice at one time "
        "equals settling once.",
        (
            "Held",
            "side_index",
            "Terms",
            "position_terms",
            "Whole",
            "NO_SUBJECT",
            "settle_whole",
            "Side",
            "settled_side",
            "settle_side",
            "at_best",
        ),
    ),
    SharedPage(
        "shared-moving",
        "Moving lots and cash",
        "A settled account gains or loses lots of one market, and cash.",
        ("Moved", "moved_side", "move_side", "slot_fits", "Fill", "fill_side", "sign_of", "holds"),
    ),
    SharedPage(
        "shared-transition",
        "Valid transitions",
        "What a user's own operation must leave: the initial margin; or, where it only reduced, health that is "
        "no worse. The account that is liquidated, taken over or deleveraged does not have to pass this.",
        (
            "require_valid_transition_if",
            "transition_kept_health",
            "ratio_kept",
        ),
    ),
    SharedPage(
        "shared-exit",
        "What may leave an account",
        "One guard for every way out: withdrawal, transfer and forced withdrawal.",
        ("pay_out", "Cautious", "cautious_sums", "cautious_terms"),
    ),
    SharedPage(
        "shared-forced",
        "Forced requests",
        "An account has one forced request at a time; only the queue makes one, and only an answer ends it.",
        ("answered",),
    ),
    SharedPage(
        "shared-takeover",
        "Close-out and takeover",
        "Below close-out the insurance fund may take a position over. The price is never stated as a price, "
        "which could be zero or negative: it is an amount, the part of the account's equity that goes with the "
        "lots.",
        (
            "below_close_out",
            "certain",
            "share_of",
            "zero_price_amount",
            "Takeover",
            "take_over",
            "fund_able",
            "decides",
            "left_unhealthy",
            "spared_until",
            "is_spared",
            "backstop_lots",
            "backstop_possible",
            "take_over_only",
        ),
    ),
)


def place_of(name: str) -> str:
    """The page that shows a definition.

    Raises:
        LookupError: No page shows it, because several rules use it and no shared page names it.
    """
    for shared in SHARED_PAGES:
        if name in shared.names:
            return shared.slug
    users = users_of(name)
    if len(users) != 1:
        raise LookupError(f"{name} is used by {len(users)} rules; name it on a page of perp_reference.pages.shared")
    return users[0]


def own_names(rule: str) -> list[str]:
    """The definitions that a rule's page shows beside the rule."""
    rules = {other.name for other in catalogue()}
    return [name for name in LIBRARY if name not in rules | HIDDEN and place_of(name) == rule]


def link(name: str) -> str:
    """A link to where a definition is shown, from another page of rules."""
    return f"[{name}]({place_of(name)}.md#{name.lower()})"
