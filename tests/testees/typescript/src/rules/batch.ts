// The batch: its beginning and end, what is known to be proved, and the kill switch.

import { DAY, FUND, Mode } from "../codes.ts";
import type { Operation } from "../operations.ts";
import { require } from "../reasons.ts";
import type { Digest } from "../schema.ts";
import type { Transaction } from "../transaction.ts";
import { maximum, minimum, mulDivCeil, mulDivFloor, PPM } from "../words.ts";
import { requireLive, requireMarket } from "./shared/guards.ts";
import { useIntent } from "./shared/orders.ts";
import { settleWhole } from "./shared/settling.ts";
import type { MarketBook, MarketPrice, Parameters } from "../records.ts";

/** What a header must name. */
export type Expected = { readonly root: Digest; readonly configDigest: Digest };

export function beginBatch(tx: Transaction, header: Operation<"begin_batch">, expected: Expected): void {
  const { parameters, exchange, ledger } = tx;
  require(header.number === exchange.number + 1n, "BATCH_NUMBER");
  require(header.time >= exchange.time, "TIME_BACKWARDS");
  require(header.previous_root === expected.root, "PREVIOUS_ROOT");
  require(header.config_digest === expected.configDigest, "CONFIG_DIGEST");
  const elapsed = minimum(header.time - ledger.bucket_at, DAY);
  const bucket = minimum(ledger.bucket + elapsed * parameters.bucket_refill, parameters.bucket_size);
  tx.storeExchange({ ...exchange, number: header.number, time: header.time });
  tx.storeLedger({ ...ledger, bucket, bucket_at: header.time });
}

export function recordProof(tx: Transaction, op: Operation<"record_proof">): void {
  const { exchange } = tx;
  requireLive(exchange);
  require(op.number > exchange.proven && op.number < exchange.number, "BATCH_NUMBER");
  tx.storeExchange({ ...exchange, proven: op.number });
}

export function setKillSwitch(tx: Transaction, op: Operation<"set_kill_switch">): void {
  const { exchange, now } = tx;
  requireLive(exchange);
  requireMarket(tx.market(op.market));
  const used = useIntent(op.intent, tx.orderSlot(FUND, op.intent.slot), now);
  require(op.mode <= Mode.HALT && op.mode !== Mode.AUCTION, "KILL_SWITCH");
  if (op.whole) tx.storeExchange({ ...exchange, switch: op.mode });
  else tx.storeMarketPrice(op.market, { ...tx.price(op.market), switch: op.mode });
  tx.storeOrderSlot(FUND, op.intent.slot, used);
}

/** One market at the end of a batch: its mode, its window, and whether its liquidations alarm. */
type Window = {
  readonly price: MarketPrice;
  readonly book: MarketBook;
  readonly counted: boolean;
  readonly throttled: boolean;
  readonly reduced: boolean;
};

function marketWindow(price: MarketPrice, book: MarketBook, parameters: Parameters, rolled: boolean): Window {
  const counted = book.window_open_interest * price.price >= parameters.window_floor_atoms;
  const liquidated = book.window_liquidated * PPM;
  const alarms = (ppm: bigint): boolean => counted && ppm * book.window_open_interest <= liquidated;
  return {
    price: { ...price, mode: maximum(price.switch, price.gap ? Mode.REDUCE_ONLY : Mode.NORMAL) },
    book: rolled ? { ...book, window_open_interest: book.open_interest, window_liquidated: 0n } : book,
    counted,
    throttled: alarms(parameters.window_throttle_ppm),
    reduced: alarms(parameters.window_reduce_ppm),
  };
}

/** The mode that correlated liquidations demand: at least half of the counted markets, and some number of them. */
function windowSeverity(windows: readonly Window[], parameters: Parameters): bigint {
  const number = (alarm: (window: Window) => boolean): bigint => BigInt(windows.filter(alarm).length);
  const half = mulDivCeil(
    number((window) => window.counted),
    1n,
    2n,
  );
  const enough = maximum(parameters.window_markets, half);
  if (number((window) => window.reduced) >= enough) return Mode.REDUCE_ONLY;
  return number((window) => window.throttled) >= enough ? Mode.THROTTLE : Mode.NORMAL;
}

/** The mode that a figure demands by its two thresholds. */
function graded(value: bigint, throttle: bigint, reduce: bigint): bigint {
  if (value >= reduce) return Mode.REDUCE_ONLY;
  return value >= throttle ? Mode.THROTTLE : Mode.NORMAL;
}

/** The mode that a fall of the fund on the day demands. */
function fundSeverity(equity: bigint, reference: bigint, parameters: Parameters): bigint {
  if (reference < 1n) return Mode.NORMAL;
  const fell = maximum(reference - equity, 0n) * PPM;
  return graded(fell, parameters.fund_throttle_ppm * reference, parameters.fund_reduce_ppm * reference);
}

export function endBatch(tx: Transaction, op: Operation<"end_batch">): void {
  const { parameters, exchange, ledger, now } = tx;
  const window = mulDivFloor(now, 1n, maximum(parameters.window_seconds, 1n));
  const rolled = window !== exchange.window;
  const markets = tx.everyMarket();
  const windows = markets.map(({ price, book }) => marketWindow(price, book, parameters, rolled));
  const windowMode = maximum(exchange.window_mode, windowSeverity(windows, parameters));
  const previous = rolled ? windowMode : exchange.window_previous;
  const { equity } = settleWhole(tx, ledger.fund_inbox, tx.account(FUND), tx.held(FUND)).health;
  const today = mulDivFloor(now, 1n, DAY);
  const reference = today === exchange.fund_day ? exchange.fund_reference : equity;
  const demanded = [
    exchange.switch,
    windowMode,
    previous,
    fundSeverity(equity, reference, parameters),
    graded(exchange.number - exchange.proven, parameters.proof_throttle, parameters.proof_reduce),
    ledger.bankrupt >= 1n ? Mode.REDUCE_ONLY : Mode.NORMAL,
  ].reduce(maximum);
  require(op.mode !== Mode.AUCTION, "KILL_SWITCH");
  require(op.mode >= demanded, "MODE_NOT_ESCALATED");
  tx.storeExchange({
    ...exchange,
    mode: op.mode,
    window,
    window_mode: rolled ? Mode.NORMAL : windowMode,
    window_previous: previous,
    fund_day: today,
    fund_reference: reference,
  });
  markets.forEach(({ id }, place) => {
    const { price, book } = windows[place] as Window;
    tx.storeMarketPrice(id, price);
    tx.storeBook(id, book);
  });
}
