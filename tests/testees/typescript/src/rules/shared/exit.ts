// What may leave an account: one guard for withdrawal, transfer and forced withdrawal.

import { require } from "../../reasons.ts";
import type { Held, Holding } from "../../transaction.ts";
import { absolute, maximum, minimum, mulDivCeil, mulDivFloor, PPM, sum } from "../../words.ts";
import { requireCollateral } from "./guards.ts";
import { marginAt } from "./margin.ts";
import { oracleState } from "./oracle.ts";
import type { Whole } from "./settling.ts";

/** Value and initial margin of one position at the worse of health price and index, less the bands of its doubt. */
function cautiousTerms({ position, price, market }: Holding, now: bigint): { value: bigint; initial: bigint } {
  const notional = absolute(position.size) * maximum(price.price, price.index);
  const state = oracleState(price, market, now);
  const blindFor = state.blind ? maximum(now - state.blindFrom, 0n) : 0n;
  const bands = 1n + mulDivFloor(blindFor, 1n, maximum(market.blind_seconds, 1n));
  const doubtPpm = state.degraded ? minimum(market.band_ppm * bands, PPM) : 0n;
  const value = minimum(position.size * price.price, position.size * price.index);
  return {
    value: value - mulDivCeil(notional, doubtPpm, PPM),
    initial: marginAt(notional, market).initial,
  };
}

/** Whether twice the initial margin stays, also with every position at its cautious value. */
function staysCautiously(side: Whole, held: Held, now: bigint, amount: bigint): boolean {
  const terms = held.map((holding) => cautiousTerms(holding, now));
  const value = sum(terms.map((term) => term.value));
  const initial = sum(terms.map((term) => term.initial));
  const atHealthPrice = 2n * side.health.initial <= side.health.equity - amount;
  return atHealthPrice && side.collateral - amount + value >= 2n * initial;
}

/** Collateral after the amount leaves a settled account, if it may leave. */
export function payOut(side: Whole, held: Held, now: bigint, amount: bigint): bigint {
  const collateral = side.collateral - amount;
  require(side.health.equity - amount >= side.health.initial, "INITIAL_MARGIN");
  require(side.terms.degraded === 0n || staysCautiously(side, held, now, amount), "ORACLE_LEVEL");
  requireCollateral(collateral);
  return collateral;
}
