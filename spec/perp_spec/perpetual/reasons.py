"""Why an operation, a header or a configuration is refused: one name for each, stable once released."""

from enum import IntEnum


class Reason(IntEnum):
    """Codes are part of the format: deposits and forced actions state theirs. 0 means done and is no reason."""

    # Numbers
    OVERFLOW = 1
    AMOUNT = 2
    COLLATERAL_RANGE = 3
    SIZE_RANGE = 4
    PRICE_RANGE = 5
    VAULT_CAP = 6
    VAULT = 7
    CONFIG = 8
    # Ids
    NO_ACCOUNT = 10
    ACCOUNT_EXISTS = 11
    NO_MARKET = 12
    SAME_ACCOUNT = 13
    SAME_OWNER = 14
    RESERVED_ACCOUNT = 15
    BAD_PARENT = 16
    BAD_KIND = 17
    MARKET_NOT_ALLOWED = 18
    SLOT = 19
    NOTHING_TO_COMPACT = 20
    # Orders and signed intents
    BAD_SIGNATURE = 30
    ORDER_EXPIRED = 31
    ORDER_STALE = 32
    ORDER_FILLED = 33
    ORDER_SIDE = 34
    ORDER_MARKET = 35
    ORDER_PRICE = 36
    ORDER_FEE = 37
    ORDER_REDUCE_ONLY = 38
    ORDER_POST_ONLY = 39
    FEE = 40
    BUCKET = 41
    # Trading
    PRICE_BAND = 50
    OPEN_INTEREST = 51
    REDUCE_ONLY = 52
    MODE = 53
    ORACLE_LEVEL = 54
    INITIAL_MARGIN = 55
    HEALTH_RATIO_FELL = 56
    # The waterfall
    NO_POSITION = 60
    LOTS = 61
    NOT_LIQUIDATABLE = 62
    CLOSE_FACTOR = 63
    STEP_TOO_SMALL = 64
    COOLDOWN = 65
    SLIPPAGE = 66
    NOT_CLOSE_OUT = 67
    FUND_MARGIN = 68
    NOT_OPPOSITE = 69
    BACKSTOP_POSSIBLE = 70
    NOT_BANKRUPT_FLAT = 71
    NO_OPEN_INTEREST = 72
    # Ticks
    TIME_BACKWARDS = 80
    TICK_TOO_SOON = 81
    SAMPLE_TOO_SOON = 82
    QUORUM = 83
    SIGNERS_NOT_RISING = 84
    NOT_MEDIAN = 85
    FAMILIES = 86
    # The batch, the queue from the chain below, forced actions and escape
    QUEUE_ORDER = 90
    HASH_CHAIN = 91
    FORCED_UNKNOWN = 92
    FORCED_RESULT = 93
    FROZEN = 94
    CLAIMED = 95
    BATCH_NUMBER = 96
    PREVIOUS_ROOT = 97
    CONFIG_DIGEST = 98
    NOT_FROZEN = 99
    NOT_DUE = 100
    CLAIM_WINDOW = 101
    KILL_SWITCH = 102
    MODE_NOT_ESCALATED = 103
    FORCED_PENDING = 104


SENTENCES: dict[Reason, str] = {
    Reason.OVERFLOW: "A stored value would leave the range of a word. Proved impossible; an internal error.",
    Reason.AMOUNT: "The amount is not in its range, or is not the amount the rules give.",
    Reason.COLLATERAL_RANGE: "The account's collateral would leave [-2^61, 2^61] atoms.",
    Reason.SIZE_RANGE: "A position would become larger than the market's max_size.",
    Reason.PRICE_RANGE: "A price is not in [1, max_price], or a bid is above the ask.",
    Reason.VAULT_CAP: "The vault would hold more than its cap.",
    Reason.VAULT: "The vault holds less than what would be paid out.",
    Reason.CONFIG: "The configuration breaks one of its bounds.",
    Reason.NO_ACCOUNT: "The account does not exist.",
    Reason.ACCOUNT_EXISTS: "The account exists already.",
    Reason.NO_MARKET: "The market is not configured.",
    Reason.SAME_ACCOUNT: "Two accounts of the operation are the same.",
    Reason.SAME_OWNER: "Both sides belong to the same owner key.",
    Reason.RESERVED_ACCOUNT: "The insurance fund (0) or the fee account (1) may not take part here.",
    Reason.BAD_PARENT: "The parent of an isolated account must exist, have the same owner, and be neither isolated "
    "nor reserved; any other account names no parent and no market.",
    Reason.BAD_KIND: "The account kind is unknown or may not be set here.",
    Reason.MARKET_NOT_ALLOWED: "An isolated account may hold its one market only; a socialised loss starts with the "
    "last closed market.",
    Reason.SLOT: "The position slot is neither the one holding the market nor a free one for a market not yet held.",
    Reason.NOTHING_TO_COMPACT: "The named slot is not empty, or lies above the highest slot in use.",
    Reason.BAD_SIGNATURE: "The signature does not authorise this.",
    Reason.ORDER_EXPIRED: "The order or intent has expired.",
    Reason.ORDER_STALE: "The nonce is below the stored one: used up or cancelled.",
    Reason.ORDER_FILLED: "The order would be filled beyond its lots.",
    Reason.ORDER_SIDE: "The order is on the other side.",
    Reason.ORDER_MARKET: "The order is for another market.",
    Reason.ORDER_PRICE: "The price is worse than the order's limit.",
    Reason.ORDER_FEE: "The fee rate is above what the order allows.",
    Reason.ORDER_REDUCE_ONLY: "A reduce-only order would open, enlarge or turn a position.",
    Reason.ORDER_POST_ONLY: "A post-only order may not be the taker.",
    Reason.FEE: "A fee rate is above the market's cap, or the rates sum to less than zero.",
    Reason.BUCKET: "The withdrawal bucket holds less than the amount.",
    Reason.PRICE_BAND: "The price is too far from the health price.",
    Reason.OPEN_INTEREST: "Open interest would rise above its cap, or at all under THROTTLE.",
    Reason.REDUCE_ONLY: "The mode allows positions to be reduced only.",
    Reason.MODE: "The mode is HALT.",
    Reason.ORACLE_LEVEL: "The oracle level of the market or of the account forbids this.",
    Reason.INITIAL_MARGIN: "Equity would be below the initial margin.",
    Reason.HEALTH_RATIO_FELL: "The account's health ratio would fall.",
    Reason.NO_POSITION: "The account holds no position in the market.",
    Reason.LOTS: "The lots are not in their range.",
    Reason.NOT_LIQUIDATABLE: "Equity is not below the maintenance margin.",
    Reason.CLOSE_FACTOR: "The step is larger than the close factor allows.",
    Reason.STEP_TOO_SMALL: "The step is smaller than half of what the close factor allows.",
    Reason.COOLDOWN: "The account was liquidated too short a time ago, or is spared.",
    Reason.SLIPPAGE: "The price is beyond the slippage cap from the health price, or from the index on the worse side.",
    Reason.NOT_CLOSE_OUT: "Equity is not below the close-out fraction of the maintenance margin.",
    Reason.FUND_MARGIN: "The insurance fund has no room or too little equity for the position.",
    Reason.NOT_OPPOSITE: "The counterparty holds no opposite position of at least that size.",
    Reason.BACKSTOP_POSSIBLE: "The insurance fund could still take the position.",
    Reason.NOT_BANKRUPT_FLAT: "The account holds positions, or its collateral is not negative.",
    Reason.NO_OPEN_INTEREST: "Neither the fund nor any market can bear a part of the loss now.",
    Reason.TIME_BACKWARDS: "The batch is earlier than the one before.",
    Reason.TICK_TOO_SOON: "Too little time has passed since the last tick of this market.",
    Reason.SAMPLE_TOO_SOON: "Too little time has passed since the last premium sample of this market.",
    Reason.QUORUM: "A family reports some values but fewer than its quorum.",
    Reason.SIGNERS_NOT_RISING: "The signers of a family do not strictly rise, or one is not in the family.",
    Reason.NOT_MEDIAN: "The stated value of a family is not the lower median of its reports.",
    Reason.FAMILIES: "The configured oracle families break one of their bounds.",
    Reason.QUEUE_ORDER: "This is not the next entry of the queue.",
    Reason.HASH_CHAIN: "The stated hash chain of the queue is not the one the rules give.",
    Reason.FORCED_UNKNOWN: "The account has no such forced request.",
    Reason.FORCED_RESULT: "The stated result is not the one the rules give.",
    Reason.FROZEN: "The exchange is frozen: claims and payouts only.",
    Reason.CLAIMED: "The account has claimed already, or has no claim to pay.",
    Reason.BATCH_NUMBER: "The batch number does not follow the one before, or is none that can be proved now.",
    Reason.PREVIOUS_ROOT: "The header names another state than the one it is applied to.",
    Reason.CONFIG_DIGEST: "The header names another configuration.",
    Reason.NOT_FROZEN: "The exchange is not frozen.",
    Reason.NOT_DUE: "No forced request is past its deadline.",
    Reason.CLAIM_WINDOW: "Claims are taken within their window only, and paid after it.",
    Reason.KILL_SWITCH: "A kill switch, and the end of a batch, take NORMAL, THROTTLE, REDUCE_ONLY or HALT only.",
    Reason.MODE_NOT_ESCALATED: "The stated mode is below what the state demands.",
    Reason.FORCED_PENDING: "The account has a forced request already.",
}
"""One sentence for each reason."""
