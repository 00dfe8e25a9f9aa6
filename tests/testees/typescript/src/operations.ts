// What each operation says.

import { FAMILIES_MAX, SIGNERS_MAX } from "./codes.ts";
import {
  accountId,
  code,
  count,
  digest,
  feePpm,
  flag,
  marketId,
  nested,
  orderSlotId,
  positionSlot,
  type RecordOf,
  type Schema,
  seconds,
  signed,
  upTo,
  vector,
} from "./schema.ts";

const nonce = upTo(2n ** 40n);

const intent = { slot: orderSlotId, nonce, expiry: seconds, authorised: flag } satisfies Schema;

const order = {
  account: accountId,
  slot: orderSlotId,
  nonce,
  expiry: seconds,
  market: marketId,
  buys: flag,
  lots: signed,
  price: signed,
  max_fee_ppm: feePpm,
  reduce_only: flag,
  post_only: flag,
  authorised: flag,
} satisfies Schema;

const report = {
  count: upTo(8n),
  median: signed,
  signers: vector(upTo(7n), SIGNERS_MAX),
  values: vector(signed, SIGNERS_MAX),
} satisfies Schema;

export const OPERATIONS = {
  begin_batch: { number: count, time: seconds, previous_root: digest, config_digest: digest },
  deposit: { position: count, chain: digest, account: accountId, key: digest, amount: signed, result: code },
  withdraw: { account: accountId, amount: signed, intent: nested(intent) },
  transfer: { sender: accountId, recipient: accountId, amount: signed, intent: nested(intent) },
  open_account: {
    account: accountId,
    owner: digest,
    kind: code,
    parent: accountId,
    market: marketId,
    expiry: seconds,
    authorised: flag,
  },
  set_kind: { account: accountId, kind: code, intent: nested(intent) },
  cancel: { account: accountId, intent: nested(intent) },
  compact: { account: accountId, hole: positionSlot, top: positionSlot },
  trade: {
    market: marketId,
    lots: signed,
    price: signed,
    taker_buys: flag,
    buyer: nested(order),
    seller: nested(order),
    buyer_slot: positionSlot,
    seller_slot: positionSlot,
    buyer_fee_ppm: feePpm,
    seller_fee_ppm: feePpm,
  },
  liquidate: {
    account: accountId,
    slot: positionSlot,
    market: marketId,
    lots: signed,
    price: signed,
    fee_ppm: feePpm,
    taker: nested(order),
    taker_slot: positionSlot,
    taker_fee_ppm: feePpm,
  },
  backstop: {
    account: accountId,
    slot: positionSlot,
    market: marketId,
    lots: signed,
    fund_slot: positionSlot,
  },
  deleverage: {
    account: accountId,
    slot: positionSlot,
    counterparty: accountId,
    counterparty_slot: positionSlot,
    market: marketId,
    lots: signed,
    fund_slot: positionSlot,
  },
  socialise: { account: accountId, market: marketId },
  oracle_tick: { market: marketId, reports: vector(nested(report), FAMILIES_MAX), authorised: flag },
  mark: { market: marketId, bid: signed, ask: signed, last: signed },
  premium_sample: { market: marketId, bid: signed, ask: signed },
  funding_tick: { market: marketId },
  record_proof: { number: count },
  set_kill_switch: { market: marketId, whole: flag, mode: code, intent: nested(intent) },
  request_forced: {
    position: count,
    chain: digest,
    account: accountId,
    key: digest,
    kind: code,
    market: marketId,
    amount: signed,
    posted: seconds,
    result: code,
  },
  forced_withdraw: { account: accountId, result: code },
  forced_reduce: {
    account: accountId,
    slot: positionSlot,
    market: marketId,
    lots: signed,
    result: code,
    path: upTo(2n),
    counterparty: accountId,
    counterparty_slot: positionSlot,
    order: nested(order),
    fund_slot: positionSlot,
  },
  freeze: { account: accountId },
  escape_claim: { account: accountId },
  escape_pay: { account: accountId, amount: signed },
  end_batch: { mode: upTo(4n) },
} satisfies { [name: string]: Schema };

export type OperationName = keyof typeof OPERATIONS;
export type Operation<N extends OperationName> = RecordOf<(typeof OPERATIONS)[N]>;
export type Intent = RecordOf<typeof intent>;
export type Order = RecordOf<typeof order>;
export type Report = RecordOf<typeof report>;
