// Codes and constants of the rules, as the page of records lists them.

export const Kind = { ABSENT: 0n, CROSS: 1n, ISOLATED: 2n, PORTFOLIO: 3n } as const;
export const Mode = { NORMAL: 0n, THROTTLE: 1n, REDUCE_ONLY: 2n, AUCTION: 3n, HALT: 4n } as const;
export const Forced = { NONE: 0n, WITHDRAW: 1n, REDUCE: 2n } as const;
export const Claim = { NONE: 0n, CLAIMED: 1n, PAID: 2n } as const;
export const Path = { ORDER: 0n, FUND: 1n, OPPOSITE: 2n } as const;
export const Level = { GOOD: 0n, DEGRADED: 1n, SUSPENDED: 2n } as const;

export const COLLATERAL_MAX = 2n ** 61n;
export const AMOUNT_MAX = 2n ** 60n;
export const CLAIMS_MAX = 2n ** 62n;
export const TIME_MAX = 2n ** 40n;

export const POSITION_SLOTS = 16n;
export const ORDER_SLOTS = 4096n;
export const FAMILIES_MAX = 4;
export const SIGNERS_MAX = 8;
export const DIRECTIONS = 7;

export const FUND = 0n;
export const FEES = 1n;
export const FIRST_USER = 2n;
/** The id of no market. */
export const NO_SUBJECT = 64n;

export const DAY = 86_400n;
export const TICK_SECONDS = 10n;
export const SAMPLE_SECONDS = 60n;
export const FUNDING_SECONDS = 3_600n;
export const SAMPLES_FULL = 60n;
export const SAMPLES_LEAST = 45n;
export const PREMIUM_CLAMP_PPM = 5_000n;
export const INTEREST_PPM = 100n;
export const INTEREST_CLAMP_PPM = 500n;
export const FUNDING_INTERVALS = 8n;
export const GOOD_TICKS = 10n;

/** First words of the entries of the queue. */
export const DEPOSIT_ENTRY = 1n;
export const FORCED_ENTRY = 2n;
