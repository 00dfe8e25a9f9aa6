// Why an operation is refused. Names and codes are for good; code 0 means done.

const CODES = {
  OVERFLOW: 1n,
  AMOUNT: 2n,
  COLLATERAL_RANGE: 3n,
  SIZE_RANGE: 4n,
  PRICE_RANGE: 5n,
  VAULT_CAP: 6n,
  VAULT: 7n,
  CONFIG: 8n,
  NO_ACCOUNT: 10n,
  ACCOUNT_EXISTS: 11n,
  NO_MARKET: 12n,
  SAME_ACCOUNT: 13n,
  SAME_OWNER: 14n,
  RESERVED_ACCOUNT: 15n,
  BAD_PARENT: 16n,
  BAD_KIND: 17n,
  MARKET_NOT_ALLOWED: 18n,
  SLOT: 19n,
  NOTHING_TO_COMPACT: 20n,
  BAD_SIGNATURE: 30n,
  ORDER_EXPIRED: 31n,
  ORDER_STALE: 32n,
  ORDER_FILLED: 33n,
  ORDER_SIDE: 34n,
  ORDER_MARKET: 35n,
  ORDER_PRICE: 36n,
  ORDER_FEE: 37n,
  ORDER_REDUCE_ONLY: 38n,
  ORDER_POST_ONLY: 39n,
  FEE: 40n,
  BUCKET: 41n,
  PRICE_BAND: 50n,
  OPEN_INTEREST: 51n,
  REDUCE_ONLY: 52n,
  MODE: 53n,
  ORACLE_LEVEL: 54n,
  INITIAL_MARGIN: 55n,
  HEALTH_RATIO_FELL: 56n,
  NO_POSITION: 60n,
  LOTS: 61n,
  NOT_LIQUIDATABLE: 62n,
  CLOSE_FACTOR: 63n,
  STEP_TOO_SMALL: 64n,
  COOLDOWN: 65n,
  SLIPPAGE: 66n,
  NOT_CLOSE_OUT: 67n,
  FUND_MARGIN: 68n,
  NOT_OPPOSITE: 69n,
  BACKSTOP_POSSIBLE: 70n,
  NOT_BANKRUPT_FLAT: 71n,
  NO_OPEN_INTEREST: 72n,
  TIME_BACKWARDS: 80n,
  TICK_TOO_SOON: 81n,
  SAMPLE_TOO_SOON: 82n,
  QUORUM: 83n,
  SIGNERS_NOT_RISING: 84n,
  NOT_MEDIAN: 85n,
  FAMILIES: 86n,
  QUEUE_ORDER: 90n,
  HASH_CHAIN: 91n,
  FORCED_UNKNOWN: 92n,
  FORCED_RESULT: 93n,
  FROZEN: 94n,
  CLAIMED: 95n,
  BATCH_NUMBER: 96n,
  PREVIOUS_ROOT: 97n,
  CONFIG_DIGEST: 98n,
  NOT_FROZEN: 99n,
  NOT_DUE: 100n,
  CLAIM_WINDOW: 101n,
  KILL_SWITCH: 102n,
  MODE_NOT_ESCALATED: 103n,
  FORCED_PENDING: 104n,
} as const;

export type Reason = keyof typeof CODES;

/** A guard does not hold: nothing happens. */
export class Rejection extends Error {
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(reason);
    this.reason = reason;
  }
}

export function codeOf(reason: Reason): bigint {
  return CODES[reason];
}

/** A guard. */
export function require(condition: boolean, reason: Reason): void {
  if (!condition) throw new Rejection(reason);
}

/** What a judged part of a rule comes to: result 0 and its value, or the code of its first false guard and `otherwise`. */
export function attempt<T>(judged: () => T, otherwise: T): { result: bigint; value: T } {
  try {
    return { result: 0n, value: judged() };
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return { result: codeOf(error.reason), value: otherwise };
  }
}
