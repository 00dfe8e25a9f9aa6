// Mark, premium samples and funding of a market.

import * as codes from "../codes.ts";
import type { Operation } from "../operations.ts";
import { require } from "../reasons.ts";
import type { Market, MarketOracle } from "../records.ts";
import type { Transaction } from "../transaction.ts";
import { clamp, maximum, median, minimum, mulDivFloor, mulDivTruncate, PPM } from "../words.ts";
import { requireLive, requireMarket, requirePrice } from "./shared/guards.ts";
import { approach, healthPrice, markOf, oracleState, requireBook } from "./shared/oracle.ts";

export function mark(tx: Transaction, op: Operation<"mark">): void {
  const { now } = tx;
  const { price, market } = tx.subject(op.market);
  const oracle = tx.oracle(op.market);
  requireLive(tx.exchange);
  requireMarket(market);
  requireBook(op.bid, op.ask, market);
  requirePrice(op.last, market);
  require(price.index >= 1n, "ORACLE_LEVEL");
  const mid = mulDivFloor(op.bid + op.ask, 1n, 2n);
  const premium = approach(oracle.premium, mid - price.index, now - oracle.marked_at, market);
  const book = median(op.bid, op.ask, op.last);
  const { blind } = oracleState(price, market, now);
  const newMark = markOf(price.index, premium, book, market);
  const newPrice = blind ? price.price : healthPrice(newMark, price.gap, oracle.average, market);
  tx.storeMarketPrice(op.market, { ...price, price: newPrice });
  tx.storeOracle(op.market, { ...oracle, book, premium, marked_at: now });
}

export function premiumSample(tx: Transaction, op: Operation<"premium_sample">): void {
  const { now } = tx;
  const { price, market } = tx.subject(op.market);
  const oracle = tx.oracle(op.market);
  requireLive(tx.exchange);
  requireMarket(market);
  requireBook(op.bid, op.ask, market);
  require(price.index >= 1n, "ORACLE_LEVEL");
  require(now - oracle.sampled_at >= codes.SAMPLE_SECONDS, "SAMPLE_TOO_SOON");
  const distance = maximum(op.bid - price.index, 0n) - maximum(price.index - op.ask, 0n);
  const part = mulDivTruncate(distance, PPM, price.index);
  const premium = clamp(part, -codes.PREMIUM_CLAMP_PPM, codes.PREMIUM_CLAMP_PPM);
  const counts = oracle.samples < codes.SAMPLES_FULL && !oracleState(price, market, now).suspended;
  tx.storeOracle(op.market, {
    ...oracle,
    premium_sum: oracle.premium_sum + (counts ? premium : 0n),
    samples: oracle.samples + (counts ? 1n : 0n),
    sampled_at: now,
  });
}

/** The funding rate of one hour: what the samples average to, pulled towards the interest, capped, in eighths. */
function hourlyRatePpm({ premium_sum, samples }: MarketOracle, suspended: boolean, market: Market): bigint {
  if (samples < codes.SAMPLES_LEAST || suspended) return 0n;
  const average = mulDivTruncate(premium_sum, 1n, codes.SAMPLES_FULL);
  const pull = clamp(codes.INTEREST_PPM - average, -codes.INTEREST_CLAMP_PPM, codes.INTEREST_CLAMP_PPM);
  const ratePpm = clamp(average + pull, -market.funding_cap_ppm, market.funding_cap_ppm);
  return mulDivTruncate(ratePpm, 1n, codes.FUNDING_INTERVALS);
}

/** What a side's buffer has to cover: the rate that it pays for some intervals. */
function bufferPpm(ratePpm: bigint, market: Market): bigint {
  return minimum(market.buffer_intervals * maximum(ratePpm, market.buffer_floor_ppm), PPM);
}

export function fundingTick(tx: Transaction, op: Operation<"funding_tick">): void {
  const { now } = tx;
  const { price, market } = tx.subject(op.market);
  const oracle = tx.oracle(op.market);
  requireLive(tx.exchange);
  requireMarket(market);
  require(now - oracle.funded_at >= codes.FUNDING_SECONDS, "TICK_TOO_SOON");
  const ratePpm = hourlyRatePpm(oracle, oracleState(price, market, now).suspended, market);
  const bound = market.max_price * PPM;
  tx.storeMarketPrice(op.market, {
    ...price,
    funding_index: clamp(price.funding_index + ratePpm * price.index, -bound, bound),
    buffer_long_ppm: bufferPpm(ratePpm, market),
    buffer_short_ppm: bufferPpm(-ratePpm, market),
  });
  tx.storeOracle(op.market, { ...oracle, funding_rate_ppm: ratePpm, premium_sum: 0n, samples: 0n, funded_at: now });
}
