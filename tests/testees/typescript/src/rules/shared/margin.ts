// What a position must be backed by, and what an account is worth. All margins round up, against the account.

import { DIRECTIONS, Kind } from "../../codes.ts";
import type { Market, MarketPrice, Parameters } from "../../records.ts";
import type { Held } from "../../transaction.ts";
import { maximum, mulDivCeil, PPM } from "../../words.ts";

/** What positions add to their account's health, in atoms. */
export type Margin = {
  readonly value: bigint;
  /** Linear maintenance margin. */
  readonly maintenance: bigint;
  /** Linear initial margin. */
  readonly initial: bigint;
  /** Funding buffer. */
  readonly buffer: bigint;
};

/** Health of an account, in atoms. */
export type Health = {
  readonly equity: bigint;
  /** Below it the account is liquidated. */
  readonly maintenance: bigint;
  /** A user's own operation must leave this. */
  readonly initial: bigint;
  /** Linear maintenance margin, what zero-price amounts are shares of. */
  readonly linear: bigint;
};

type Bracket = {
  readonly from: bigint;
  readonly maintenanceBelow: bigint;
  readonly maintenancePpm: bigint;
  readonly initialBelow: bigint;
  readonly initialPpm: bigint;
};

/** The bracket a notional ends in, with the margins of those below it. */
function bracketOf(notional: bigint, market: Market): Bracket {
  if (notional > market.bracket_3) {
    return {
      from: market.bracket_3,
      maintenanceBelow: market.maintenance_3_atoms,
      maintenancePpm: market.maintenance_3_ppm,
      initialBelow: market.initial_3_atoms,
      initialPpm: market.initial_3_ppm,
    };
  }
  if (notional > market.bracket_2) {
    return {
      from: market.bracket_2,
      maintenanceBelow: market.maintenance_2_atoms,
      maintenancePpm: market.maintenance_2_ppm,
      initialBelow: market.initial_2_atoms,
      initialPpm: market.initial_2_ppm,
    };
  }
  return {
    from: 0n,
    maintenanceBelow: 0n,
    maintenancePpm: market.maintenance_1_ppm,
    initialBelow: 0n,
    initialPpm: market.initial_1_ppm,
  };
}

/** Linear maintenance and initial margin of a notional. */
export function marginAt(notional: bigint, market: Market): { maintenance: bigint; initial: bigint } {
  const bracket = bracketOf(notional, market);
  const part = notional - bracket.from;
  return {
    maintenance: bracket.maintenanceBelow + mulDivCeil(part, bracket.maintenancePpm, PPM),
    initial: bracket.initialBelow + mulDivCeil(part, bracket.initialPpm, PPM),
  };
}

export function marginOf(size: bigint, price: MarketPrice, market: Market): Margin {
  const value = size * price.price;
  const short = size < 0n;
  const notional = short ? -value : value;
  const bufferPpm = short ? price.buffer_short_ppm : price.buffer_long_ppm;
  return { value, ...marginAt(notional, market), buffer: mulDivCeil(notional, bufferPpm, PPM) };
}

/** Health from the sums over an account's positions; `worst` is asked for of portfolio accounts only. */
export function healthOf(
  kind: bigint,
  collateral: bigint,
  sums: Margin,
  worst: () => bigint,
  parameters: Parameters,
): Health {
  const equity = collateral + sums.value;
  const linear = sums.maintenance;
  if (kind !== Kind.PORTFOLIO) {
    return { equity, maintenance: linear + sums.buffer, initial: sums.initial + sums.buffer, linear };
  }
  const floor = mulDivCeil(parameters.portfolio_floor_ppm, linear, PPM);
  const maintenance = maximum(worst(), floor) + sums.buffer;
  return { equity, maintenance, initial: mulDivCeil(maintenance, parameters.portfolio_initial_ppm, PPM), linear };
}

/** Loss of so many lots in each portfolio scenario, each rounded up and with its mirror image behind it. */
function lossesOf(size: bigint, price: MarketPrice, market: Market): bigint[] {
  const value = size * price.price;
  const ifRises = mulDivCeil(-value, market.shock_ppm, PPM);
  const ifFalls = mulDivCeil(value, market.shock_ppm, PPM);
  return market.rises.flatMap((rises) => (rises ? [ifRises, ifFalls] : [ifFalls, ifRises]));
}

type Lots = { readonly size: bigint; readonly price: MarketPrice; readonly market: Market };

/** The largest loss over the scenarios of these positions and some lots more, at least 0. */
export function worstLoss(held: Held, ...more: readonly Lots[]): bigint {
  const all = [...held.map(({ position, price, market }) => ({ size: position.size, price, market })), ...more];
  const totals = new Array<bigint>(2 * DIRECTIONS).fill(0n);
  for (const { size, price, market } of all) {
    lossesOf(size, price, market).forEach((loss, place) => {
      totals[place] = (totals[place] as bigint) + loss;
    });
  }
  return totals.reduce(maximum, 0n);
}
