// Oracle level, mark and health price. The level in effect depends on the age of the last tick too.

import { Level } from "../../codes.ts";
import { require } from "../../reasons.ts";
import type { Market, MarketPrice } from "../../records.ts";
import { absolute, clamp, median, minimum, mulDivCeil, mulDivFloor, PPM } from "../../words.ts";

/** How far the price of a market can be trusted now. */
export type OracleState = {
  /** Level 1 or above. */
  readonly degraded: boolean;
  /** Level 2 or above. */
  readonly suspended: boolean;
  /** Level 2 without a gap, or 3. */
  readonly blind: boolean;
  /** Level 3. */
  readonly exitsOnly: boolean;
  /** Since when, where it is blind. */
  readonly blindFrom: bigint;
};

export function oracleState(price: MarketPrice, market: Market, now: bigint): OracleState {
  const stale = now - price.ticked_at > market.staleness_seconds;
  const suspended = stale || price.level >= Level.SUSPENDED;
  const blind = stale || (price.level >= Level.SUSPENDED && !price.gap);
  const blindFrom = price.blind_since === 0n ? price.ticked_at + market.staleness_seconds : price.blind_since;
  return {
    degraded: stale || price.level >= Level.DEGRADED,
    suspended,
    blind,
    exitsOnly: blind && now - blindFrom > market.blind_seconds,
    blindFrom,
  };
}

/** The middle of index plus premium, book and index, kept close to the index. */
export function markOf(index: bigint, premium: bigint, book: bigint, market: Market): bigint {
  const middle = median(index + premium, book === 0n ? index : book, index);
  const distance = mulDivFloor(index, market.mark_clamp_ppm, PPM);
  return clamp(middle, index - distance, minimum(index + distance, market.max_price));
}

/** The mark; at a gap the mark kept within the band around the average. */
export function healthPrice(mark: bigint, gap: boolean, average: bigint, market: Market): bigint {
  const distance = mulDivFloor(average, market.band_ppm, PPM);
  return gap ? clamp(mark, average - distance, average + distance) : mark;
}

/** The average after so many seconds of moving toward the target: rounded up, or it would stay below one that is near. */
export function approach(average: bigint, target: bigint, elapsed: bigint, market: Market): bigint {
  const step = minimum(elapsed, market.average_seconds);
  const moved = mulDivCeil(absolute(target - average), step, market.average_seconds);
  return target > average ? average + moved : average - moved;
}

export function requireBook(bid: bigint, ask: bigint, market: Market): void {
  require(bid >= 1n && bid <= ask && ask <= market.max_price, "PRICE_RANGE");
}
