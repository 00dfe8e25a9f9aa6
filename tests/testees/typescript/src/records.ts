// The records of the state and of the configuration: fields in the order in which they are hashed.

import { COLLATERAL_MAX, FAMILIES_MAX, ORDER_SLOTS, POSITION_SLOTS } from "./codes.ts";
import {
  accountId,
  atoms,
  count,
  digest,
  flag,
  marketId,
  ratePpm,
  type RecordOf,
  type Schema,
  seconds,
  signed,
  upTo,
  vector,
  word,
} from "./schema.ts";

const mode = upTo(4n);
const notional = upTo(2n ** 62n);
const limit = upTo(2n ** 60n);

const exchange = {
  number: count,
  time: seconds,
  mode,
  switch: mode,
  proven: count,
  window: count,
  window_mode: mode,
  window_previous: mode,
  fund_day: count,
  fund_reference: signed,
  frozen_at: seconds,
  escape_vault: atoms,
} satisfies Schema;

const ledger = {
  vault: atoms,
  dust: upTo(999_999n),
  fund_inbox: atoms,
  fees_inbox: atoms,
  bankrupt: count,
  bucket: atoms,
  bucket_at: seconds,
  claims: atoms,
} satisfies Schema;

const queue = { position: count, chain: digest } satisfies Schema;

const marketPrice = {
  price: atoms,
  index: atoms,
  funding_index: signed,
  loss_index: count,
  buffer_long_ppm: ratePpm,
  buffer_short_ppm: ratePpm,
  level: upTo(2n),
  gap: flag,
  ticked_at: seconds,
  blind_since: seconds,
  mode,
  switch: mode,
} satisfies Schema;

const marketOracle = {
  average: atoms,
  book: atoms,
  premium: signed,
  marked_at: seconds,
  good_ticks: count,
  disputed_since: seconds,
  funding_rate_ppm: signed,
  premium_sum: signed,
  samples: count,
  sampled_at: seconds,
  funded_at: seconds,
  values: vector(atoms, FAMILIES_MAX),
  reported_at: vector(seconds, FAMILIES_MAX),
} satisfies Schema;

const marketBook = {
  open_interest: count,
  window_open_interest: count,
  window_liquidated: count,
  loss_day: count,
  loss_today: count,
} satisfies Schema;

const account = {
  kind: upTo(3n),
  owner: digest,
  parent: accountId,
  market: marketId,
  collateral: signed,
  slots: upTo(16n),
  liquidated_at: seconds,
  closed_market: upTo(64n),
} satisfies Schema;

const position = { market: marketId, size: word(-(2n ** 56n), 2n ** 56n), snapshot: signed } satisfies Schema;

const orderSlot = { nonce: upTo(2n ** 40n + 1n), filled: count } satisfies Schema;

const request = {
  kind: upTo(2n),
  market: marketId,
  amount: limit,
  deadline: upTo(2n ** 41n),
  claim: atoms,
  claimed: upTo(2n),
} satisfies Schema;

export const parametersSchema = {
  exchange_id: count,
  governance: digest,
  markets: upTo(64n),
  vault_cap: limit,
  bucket_size: limit,
  bucket_refill: limit,
  forced_seconds: seconds,
  claim_seconds: seconds,
  cooldown_seconds: seconds,
  penalty_ppm: ratePpm,
  backstop_atoms: limit,
  fund_multiple: upTo(1_000n),
  portfolio_floor_ppm: ratePpm,
  portfolio_initial_ppm: upTo(3_000_000n),
  window_seconds: seconds,
  window_floor_atoms: limit,
  window_markets: upTo(64n),
  window_throttle_ppm: ratePpm,
  window_reduce_ppm: ratePpm,
  fund_throttle_ppm: ratePpm,
  fund_reduce_ppm: ratePpm,
  proof_throttle: count,
  proof_reduce: count,
  families: upTo(4n),
  signers: vector(upTo(8n), FAMILIES_MAX),
  quorums: vector(upTo(8n), FAMILIES_MAX),
} satisfies Schema;

export const marketSchema = {
  max_price: atoms,
  max_size: count,
  bracket_2: notional,
  bracket_3: notional,
  maintenance_1_ppm: ratePpm,
  maintenance_2_ppm: ratePpm,
  maintenance_3_ppm: ratePpm,
  initial_1_ppm: ratePpm,
  initial_2_ppm: ratePpm,
  initial_3_ppm: ratePpm,
  maintenance_2_atoms: notional,
  maintenance_3_atoms: notional,
  initial_2_atoms: notional,
  initial_3_atoms: notional,
  close_out_ppm: ratePpm,
  buffer_intervals: upTo(100n),
  buffer_floor_ppm: ratePpm,
  funding_cap_ppm: ratePpm,
  staleness_seconds: seconds,
  blind_seconds: seconds,
  deviation_ppm: ratePpm,
  band_ppm: ratePpm,
  average_seconds: seconds,
  open_interest_cap: upTo(COLLATERAL_MAX),
  price_band_ppm: ratePpm,
  mark_clamp_ppm: ratePpm,
  close_factor_ppm: ratePpm,
  full_close_atoms: limit,
  slippage_partial_ppm: ratePpm,
  slippage_full_ppm: ratePpm,
  slip_ppm: ratePpm,
  liquidation_fee_cap_ppm: ratePpm,
  fee_cap_ppm: ratePpm,
  loss_cap_ppm: ratePpm,
  shock_ppm: ratePpm,
  rises: vector(flag, 7),
} satisfies Schema;

/** The kinds of records of the state, in the order of the protocol's table. */
export const SCHEMAS = {
  exchange,
  ledger,
  queue,
  market_price: marketPrice,
  market_oracle: marketOracle,
  market_book: marketBook,
  account,
  position,
  order_slot: orderSlot,
  request,
} satisfies { [name: string]: Schema };

export type RecordName = keyof typeof SCHEMAS;
export type RecordNamed<N extends RecordName> = RecordOf<(typeof SCHEMAS)[N]>;

/** What each record is found by: the number of keys of each level. Of two levels, the key is outer * size + inner. */
export const KEY_SIZES: { readonly [N in RecordName]: readonly bigint[] } = {
  exchange: [],
  ledger: [],
  queue: [],
  market_price: [64n],
  market_oracle: [64n],
  market_book: [64n],
  account: [2n ** 20n],
  position: [2n ** 20n, POSITION_SLOTS],
  order_slot: [2n ** 20n, ORDER_SLOTS],
  request: [2n ** 20n],
};

export type Exchange = RecordOf<typeof exchange>;
export type Ledger = RecordOf<typeof ledger>;
export type Queue = RecordOf<typeof queue>;
export type MarketPrice = RecordOf<typeof marketPrice>;
export type MarketOracle = RecordOf<typeof marketOracle>;
export type MarketBook = RecordOf<typeof marketBook>;
export type Account = RecordOf<typeof account>;
export type Position = RecordOf<typeof position>;
export type OrderSlot = RecordOf<typeof orderSlot>;
export type Request = RecordOf<typeof request>;
export type Parameters = RecordOf<typeof parametersSchema>;
export type Market = RecordOf<typeof marketSchema>;
